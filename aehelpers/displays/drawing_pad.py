"""A pad to draw on."""

import numpy as np
from aehelpers.displays.networks import computed, dense_layers_of, models_to_compute
from aehelpers.displays.packing import packed
from aehelpers.displays.widget import Display
from aehelpers.validation import Boolean, Dict, Images, Model, Optional, Real, takes

_LOADED, _MEASURED, _MOVED = 10, 1000, 2  # images to load, images that say how far a unit goes, units with a slider


@takes(
    models=Dict(Model()),
    x=Images(pixels=True, dimensions=(2,)),
    from_logits=Boolean(),
    limit=Optional(Real(0)),
    centred=Boolean(),
)
def drawing_pad(models, x, from_logits=False, limit=None, centred=True):
    """Draw a digit, and see what every model makes of it; move two numbers of a code, and see what the decoder makes of that.

    It begins with a test image; "clear" gives empty paper. A drawing on empty paper is scaled and centred as those of MNIST, or
    stays where it was drawn: a switch on the page says which. One on a test image always stays, and the pixels that it changes
    are counted.

    Parameters
    ----------
    models : dict
        ``{name: model}`` of models made of dense layers. The code of one without ``.encoder`` is its narrowest layer. The
        sliders move the two units that vary most.
    x : array, shape (images, 784)
        Images with pixels in [0, 1]; the first ten can be loaded.
    from_logits : bool
        Whether the models give logits; else they give pixels in [0, 1].
    limit : float, optional
        The squared error above which an image sets off an alarm: the page says what becomes of each image.
    centred : bool
        Where the switch stands at first.

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
    parts = {name: _with_code(models[name], layers, x[:_MEASURED]) for name, layers in networks.items()}
    placed = "centred" if centred else "as drawn"
    state = {"strokes": [], "base": 0, "unit1": "", "unit2": "", "network": next(iter(models)), "placed": placed}
    loaded = packed(x[:_LOADED], "uint8")
    return Display("drawing_pad", "Drawing pad", "base", state, networks=parts, images=loaded, limit=limit)


def _with_code(model, layers, x):
    """Return packed layers, how many of them make the code, and the two units that vary most, each with its range."""
    sizes = [layer["kernel"]["shape"][1] for layer in layers]
    count = dense_layers_of(model.encoder) if hasattr(model, "encoder") else int(np.argmin(sizes)) + 1
    codes = computed(layers[:count], x)
    units = np.sort(np.argsort(codes.var(axis=0))[::-1][:_MOVED])
    low, high = codes[:, units].min(axis=0), codes[:, units].max(axis=0)
    room = np.maximum(0.1 * (high - low), 0.1)
    return {
        "layers": layers,
        "code": count,
        "units": units.tolist(),
        "lows": np.round((low - room).astype(float), 2).tolist(),
        "highs": np.round((high + room).astype(float), 2).tolist(),
    }
