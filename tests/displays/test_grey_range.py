"""What is drawn black and white."""

import aehelpers as ae

from tests.displays.reading import unpacked


def test_grey_range(digits):
    data = ae.grey_range_display(digits, digits * 20 - 15).data
    assert (data["low"], data["high"]) == (-15, 5)
    assert unpacked(data["logits"]).shape == (8, 784)
