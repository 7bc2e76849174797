"""Controls for what is drawn and in which grey range."""

import numpy as np
from aehelpers.displays.packing import code_of, packed
from aehelpers.displays.widget import Display
from aehelpers.pictures import size_of
from aehelpers.validation import Images, same_shape, takes

_SHOWN = 8

_CODE = code_of(
    "plt.imshow({greys})",
    "import aehelpers as ae\nimport matplotlib.pyplot as plt\nimport numpy as np\n\n"
    'original = ae.load("mnist").x_test[0].reshape(28, 28)\n'
    "output = {shown}  # in place of a model",
    "plt.colorbar()",
    shown={"logits": "20 * original - 15", "probabilities": "1 / (1 + np.exp(15 - 20 * original))"},
    greys={
        "one for both rows": 'np.vstack([original, output]), cmap="gray"',
        "one for each row": 'output, cmap="gray"',
        "0 to 1": 'output, cmap="gray", vmin=0, vmax=1',
        "by hand": 'output, cmap="gray", vmin={black}, vmax={white}',
    },
)


@takes(originals=Images(pixels=True), logits=Images())
def grey_range_display(originals, logits):
    """Draw logits or probabilities, in one grey range, in two, or in one set by hand, together with the unchanged originals.

    Parameters
    ----------
    originals : array, shape (images, pixels)
        Pixels in [0, 1]; the first eight are shown.
    logits : array of the same shape
        The output of a model that does not end in a sigmoid.

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
        "Controls for what is drawn and in which grey range",
        "shown",
        {"shown": "logits", "greys": "one for both rows", "black": low, "white": high},
        code=_CODE,
        size=size,
        low=low,
        high=high,
        originals=packed(originals[:_SHOWN], "uint8"),
        logits=packed(logits[:_SHOWN], "float32"),
    )
