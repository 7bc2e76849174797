"""A threshold on a score for strange images."""

from aehelpers.displays.base import Display, packed
from aehelpers.validation import StoredArrays, takes


@takes(run=StoredArrays("anomalies", ("scores", "counts", "edges", "pictures")))
def anomaly_display(run):
    """Choose the digit that was left out, a score and a threshold: how many strange images are found, how many false alarms.

    Everything was computed by ``notebooks/evidence/anomalies.py`` on all test images, with autoencoders that learned nine of
    the ten digits. Below the histograms stand the images at the wrong end of the score. Notebook 08.

    Parameters
    ----------
    run : dict of ndarray
        What ``ae.stored_arrays("anomalies")`` returns.

    Returns
    -------
    Display
    """
    bins = run["counts"].shape[-1]
    return Display(
        "anomaly",
        "Threshold on a score for strange images",
        "threshold",
        {"threshold": bins // 2, "digit": 1, "score": str(run["scores"][0])},
        scores=run["scores"].tolist(),
        counts=packed(run["counts"], "float32"),
        edges=packed(run["edges"], "float32"),
        pictures=packed(run["pictures"] / 255, "uint8"),
    )
