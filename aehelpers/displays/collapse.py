"""A slider for the noise that a variational autoencoder's decoder is told to expect."""

from aehelpers.displays.base import Display, packed
from aehelpers.validation import StoredArrays, takes

_NAMES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "linear": "no hidden layer", "256": "256 hidden units"}
_ARRAYS = ("data", "models", "variances", "spectrum", "kl", "alive", "images", "rebuilt", "samples")


@takes(run=StoredArrays("mean_or_sum", _ARRAYS))
def collapse_display(run):
    """Choose the variance of the pixels' noise: which units of the code live, what is rebuilt, and what random codes give.

    Everything was computed by ``notebooks/evidence/mean_or_sum.py``: variational autoencoders of 32 units, the first seed. A
    unit lives if its mean has a variance above 0.1 over the test images, as in that script's table. The line beside the
    measured divergences is that of a linear model at its optimum. Notebook 07.

    Parameters
    ----------
    run : dict of ndarray
        What ``ae.stored_arrays("mean_or_sum")`` returns.

    Returns
    -------
    Display

    References
    ----------
    J. Lucas, G. Tucker, R. Grosse and M. Norouzi (2019), Don't blame the ELBO! A linear VAE perspective on posterior collapse,
    NeurIPS 32.
    """
    data, models = ([_NAMES[str(name)] for name in run[key]] for key in ("data", "models"))
    variances = run["variances"].tolist()
    return Display(
        "collapse",
        "Slider for the noise of the pixels",
        "variance",
        {"variance": variances[0], "data": data[0], "model": models[0]},
        variances=variances,
        sets=data,
        models=models,
        spectrum=packed(run["spectrum"], "float32"),
        kl=packed(run["kl"], "float32"),
        alive=run["alive"].tolist(),
        images=packed(run["images"] / 255, "uint8"),
        rebuilt=packed(run["rebuilt"] / 255, "uint8"),
        samples=packed(run["samples"] / 255, "uint8"),
    )
