"""Arrays on their way to the page."""

import numpy as np
import pytest
from aehelpers.displays.packing import packed

from tests.displays.reading import unpacked


@pytest.mark.parametrize(("dtype", "within"), [("float16", 5e-4), ("float32", 0), ("uint8", 1 / 509)])
def test_packing(dtype, within):
    array = np.random.default_rng(0).random((2, 3, 4)).astype(np.float32)
    assert np.abs(unpacked(packed(array, dtype)) - array).max() <= within
    assert packed(array[:, ::2].T, "float32")["shape"] == [4, 2, 2]


def test_grey_levels_are_packed_exactly():
    levels = np.arange(256, dtype=np.float32) / 255
    assert np.array_equal(unpacked(packed(levels, "uint8")), np.arange(256) / 255)
