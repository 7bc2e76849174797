"""A pad to draw on."""

from aehelpers.displays.networks import models_to_compute
from aehelpers.displays.packing import packed
from aehelpers.displays.widget import Display
from aehelpers.validation import Boolean, Dict, Images, Model, takes

_LOADED = 10


@takes(models=Dict(Model()), x=Images(pixels=True, dimensions=(2,)), from_logits=Boolean())
def drawing_pad(models, x, from_logits=False):
    """Draw a digit, and see what every model makes of it.

    It begins with a test image; "clear" gives empty paper. A drawing on empty paper is scaled and centred as those of MNIST.
    A drawing on a test image is not, and the number of pixels that it changes is counted.

    Parameters
    ----------
    models : dict
        ``{name: model}`` of models made of dense layers.
    x : array, shape (images, 784)
        Images with pixels in [0, 1]; the first ten can be loaded.
    from_logits : bool
        Whether the models give logits; else they give pixels in [0, 1].

    Returns
    -------
    Display

    References
    ----------
    Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits: how the digits were scaled and centred.
    """
    if x.shape[1] != 784:
        raise ValueError(f"x must hold images of 784 pixels, but its shape is {x.shape}")
    networks = models_to_compute(models, x, from_logits)
    state = {"strokes": [], "base": 0}
    return Display("drawing_pad", "Drawing pad", "base", state, networks=networks, images=packed(x[:_LOADED], "uint8"))
