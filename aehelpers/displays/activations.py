"""The histogram of single activations, on the way through a training."""

import numpy as np
from aehelpers.displays.base import Display, packed
from aehelpers.validation import StoredArrays, takes

_PARTS = ("models", "steps", "edges", "counts", "active_share", "mean_activation", "decoder_norm")


@takes(run=StoredArrays("sparse_course", _PARTS))
def activations_display(run):
    """Choose a model and how long it was trained: how many activations are how large, and how sparse the code is.

    Over the logarithm of the activations; those below the first edge are counted in the first bin.

    Everything was computed by ``notebooks/evidence/sparse_course.py``, on all test images. Notebook 05.

    Parameters
    ----------
    run : dict of ndarray
        What ``ae.stored_arrays("sparse_course")`` returns.

    Returns
    -------
    Display
    """
    return Display(
        "activations",
        "Slider for the training steps of a sparse code",
        "steps",
        {"steps": int(run["steps"][0]), "model": str(run["models"][-1])},
        models=[str(name) for name in run["models"]],
        steps=run["steps"].tolist(),
        edges=np.round(run["edges"], 6).tolist(),
        counts=packed(run["counts"], "float32"),
        activeShare=packed(run["active_share"], "float32"),
        meanActivation=packed(run["mean_activation"], "float32"),
        decoderNorm=packed(run["decoder_norm"], "float32"),
    )
