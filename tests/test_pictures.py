"""Images as pictures: which shapes are, and what is said of those that are not."""

import numpy as np
import pytest
from aehelpers import pictures


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((2, 16), (2, 4, 4)),
        ((2, 3, 5), (2, 3, 5)),
        ((2, 3, 5, 1), (2, 3, 5)),
        ((2, 3, 5, 3), (2, 3, 5, 3)),
        ((2, 15), "x must hold square images, but each has 15 pixels"),
        ((2, 3, 5, 2), r"x must hold images of 1 or 3 channels, but its shape is \(2, 3, 5, 2\)"),
    ],
)
def test_flat_images_are_square_and_channels_are_colours(shape, shown):
    images = np.linspace(0, 1, np.prod(shape), dtype=np.float32).reshape(shape)
    if isinstance(shown, str):
        with pytest.raises(ValueError, match=shown):
            pictures.as_pictures(images, "x")
        return
    made = pictures.as_pictures(images, "x")
    assert made.shape == shown and np.array_equal(made.ravel(), images.ravel())
    assert pictures.size_of(images, "x") == list(shown[1:3])


def test_grids_are_made_of_flat_images_only():
    grids = {shape: pictures.as_grids(np.zeros(shape, np.float32)) for shape in ((2, 16), (2, 15), (2, 3, 5, 1))}
    assert grids[2, 16].shape == (2, 4, 4) and grids[2, 15] is None and grids[2, 3, 5, 1].shape == (2, 3, 5, 1)
