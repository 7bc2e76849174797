"""Garments on their way through a training: what is missing, and what is added."""

import numpy as np
from aehelpers.displays.base import Display, packed
from aehelpers.validation import Boolean, StoredArrays, takes

_PARTS = ("epochs", "edges", "garments", "images", "starts", "made", "errors")


@takes(run=StoredArrays("garment_epochs", _PARTS), as_asked_only=Boolean())
def epochs_display(run, as_asked_only=False):
    """Show one garment after 0.05 to 50 epochs, its signed difference, and the squared error by principal component.

    The error along a component has two parts that are uncorrelated: what of the image is missing, (1 - g)^2 of its power, and
    what was added that does not follow the image. g is the slope of the line that predicts the reconstruction's coordinate from
    the image's. Everything was computed by ``notebooks/evidence/garment_epochs.py``.

    Parameters
    ----------
    run : dict of ndarray
        What ``ae.stored_arrays("garment_epochs")`` returns.
    as_asked_only : bool
        Whether the training that starts from the identity is left out, so that a vote comes first.

    Returns
    -------
    Display
    """
    count = 1 if as_asked_only else len(run["starts"])
    return Display(
        "epochs",
        "Garments from 0.05 to 50 epochs",
        "epochs",
        {"epochs": 1.0, "garment": str(run["garments"][0]), "start": str(run["starts"][0])},
        epochs=np.round(run["epochs"], 2).tolist(),
        edges=run["edges"].tolist(),
        garments=[str(name) for name in run["garments"]],
        starts=[str(name) for name in run["starts"][:count]],
        images=packed(run["images"] / 255, "uint8"),
        made=packed(run["made"][:count] / 255, "uint8"),
        errors=packed(run["errors"][:count], "float32"),
    )
