"""Arrays on their way to the page."""

import numpy as np
from aehelpers.displays.packing import packed

from tests.displays.reading import unpacked


def test_an_array_with_gaps_arrives_as_it_was():
    array = np.arange(24.0).reshape(2, 3, 4)[:, ::2].T
    assert np.array_equal(unpacked(packed(array, "float32")), array)
