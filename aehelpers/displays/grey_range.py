"""Switches for what is drawn, and in which grey range."""

import numpy as np
from aehelpers.displays.packing import packed
from aehelpers.displays.widget import Display
from aehelpers.pictures import size_of
from aehelpers.validation import Images, same_shape, takes

_SHOWN = 8


@takes(originals=Images(pixels=True), logits=Images())
def grey_range_display(originals, logits):
    """Draw logits or probabilities, in one grey range, in several, or in one set by hand, beside originals that nobody touches.

    Parameters
    ----------
    originals : array, shape (images, pixels)
        Pixels in [0, 1]; the first eight are shown.
    logits : array of the same shape
        What a model without a sigmoid at its output makes of them.

    Returns
    -------
    Display
    """
    same_shape(originals, "originals", logits, "logits")
    size = size_of(originals, "originals")
    shown = logits[:_SHOWN]
    low, high = float(np.floor(min(shown.min(), 0))), float(np.ceil(max(shown.max(), 1)))
    return Display(
        "grey_range",
        "Switches for what is drawn, and in which grey range",
        "shown",
        {"shown": "logits", "greys": "one for both rows", "black": low, "white": high},
        size=size,
        low=low,
        high=high,
        originals=packed(originals[:_SHOWN], "uint8"),
        logits=packed(logits[:_SHOWN], "float32"),
    )
