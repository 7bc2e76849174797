"""A slider for the noise that a denoiser saw in training."""

from aehelpers.displays.base import Display, packed
from aehelpers.validation import StoredArrays, takes

_MEASURES = ("trained", "levels", "errors", "nothing", "mean_image", "label_error")
_PICTURES = ("shown_levels", "noisy", "rebuilt", "filters")


@takes(run=StoredArrays("denoising", _MEASURES + _PICTURES))
def training_noise_display(run):
    """Choose the masking noise of the training: error over the noise of the test, reconstructions, filters, label error.

    Everything was computed by ``notebooks/evidence/denoising.py`` on all test images; the errors are means over five seeds, the
    pictures those of the first. Notebook 06.

    Parameters
    ----------
    run : dict of ndarray
        What ``ae.stored_arrays("denoising")`` returns.

    Returns
    -------
    Display
    """
    trained = [str(level) for level in run["trained"]]
    return Display(
        "training_noise",
        "Slider for the noise of the training",
        "trained",
        {"trained": trained[0]},
        trained=trained,
        levels=run["levels"].tolist(),
        errors=packed(run["errors"], "float32"),
        nothing=run["nothing"].tolist(),
        meanError=float(run["mean_image"]),
        labelError=run["label_error"].tolist(),
        shownLevels=run["shown_levels"].tolist(),
        noisy=packed(run["noisy"] / 255, "uint8"),
        rebuilt=packed(run["rebuilt"] / 255, "uint8"),
        filters=packed(run["filters"]),
    )
