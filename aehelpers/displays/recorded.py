"""Displays of runs that were computed beforehand: each shows what one file beside the notebooks holds."""

import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from aehelpers.displays.packing import code_of, packed
from aehelpers.displays.widget import Display
from aehelpers.evidence import stored_arrays
from aehelpers.validation import OneOf, takes

# As stored, and as shown.
_SETS = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "linear": "no hidden layer", "256": "256 hidden units"}
_MODELS = {"KL": "KL penalty"}
_CODES = {"random": "random", "learned": "learned", "centred": "learned, mean subtracted"}


class _Recorded(NamedTuple):
    file: str  # without its ending, in the folder ``evidence``
    kind: str  # the JavaScript module
    title: str
    main: str
    data: Callable  # from the file's arrays to the state that comes first and to what the page gets


def _activations(run):
    data = {
        "models": [_MODELS.get(name, name) for name in run["models"].tolist()],
        "steps": run["steps"].tolist(),
        "edges": np.round(run["edges"], 6).tolist(),
        "counts": packed(run["counts"], "float32"),
        "activeShare": packed(run["active_share"], "float32"),
        "meanActivation": packed(run["mean_activation"], "float32"),
        "decoderNorm": packed(run["decoder_norm"], "float32"),
    }
    return {"steps": data["steps"][0], "model": data["models"][-1]}, data


def _anomaly(run):
    data = {
        "scores": run["scores"].tolist(),
        "counts": packed(run["counts"], "float32"),
        "edges": packed(run["edges"], "float32"),
        "pictures": packed(run["pictures"] / 255, "uint8"),
    }
    return {"threshold": run["counts"].shape[-1] // 2, "digit": 1, "score": data["scores"][0]}, data


def _bits(run, codes=tuple(_CODES)):
    # A random plane through the origin separates two images with probability (angle between them) / 180 degrees.
    images = run["images"] / 255
    length = np.linalg.norm(images, axis=1)
    cosine = (images[::2] * images[1::2]).sum(axis=1) / (length[::2] * length[1::2])
    ends = np.cumsum(run["sizes"])[:-1]
    data = {
        "sizes": run["sizes"].tolist(),
        "pairs": run["pairs"].tolist(),
        "images": packed(images, "uint8"),
        "angles": packed(np.degrees(np.arccos(cosine)), "float32"),
        "codes": {
            _CODES[code]: {
                "bits": [packed(bits, "uint8") for bits in np.split(run[f"{code}_bits"], ends, axis=1)],
                "rebuilt": packed(run[f"{code}_rebuilt"] / 255, "uint8"),
                "errors": packed(run[f"{code}_errors"], "float32"),
            }
            for code in codes
        },
    }
    if len(codes) == 1:
        data["code"] = code_of(
            "bits = images @ planes.standard_normal((784, {size})) > 0",
            "import aehelpers as ae\nimport numpy as np\n\n"
            'images, planes = ae.load("mnist").x_test[:2], np.random.default_rng(0)',
            'print(180 * np.mean(bits[0] != bits[1]), "degrees")',
        )
    return {"size": 128, "code": "random", "pair": data["pairs"][-1]}, data  # far apart: more bits, a better estimate


def _collapse(run):
    data = {
        "code": code_of(
            "model = ae.variational_autoencoder("
            "hidden={model}, code_size=32, output_activation=None, kl_weight=2 * {variance})",
            "import aehelpers as ae\n",
            'ae.fit(model, ae.load("mnist").x_train, steps=100, batch_size=128)  # display: 10,000, with hidden units 6,000',
            model={"no hidden layer": "()", "256 hidden units": "(256,)"},
        ),
        "variances": run["variances"].tolist(),
        "sets": [_SETS[name] for name in run["data"]],
        "models": [_SETS[name] for name in run["models"]],
        "spectrum": packed(run["spectrum"], "float32"),
        "kl": packed(run["kl"], "float32"),
        "alive": run["alive"].tolist(),
        # With a variance v of its mean, and the prior's distribution over all images, a unit has a KL of -log(1 - v) / 2.
        "loosely": (run["kl"] > -np.log(1 - 0.01) / 2).sum(axis=-1).tolist(),
        "images": packed(run["images"] / 255, "uint8"),
        "rebuilt": packed(run["rebuilt"] / 255, "uint8"),
        "samples": packed(run["samples"] / 255, "uint8"),
    }
    return {"variance": data["variances"][0], "data": data["sets"][0], "model": data["models"][0]}, data


def _epochs(run, starts=None):
    data = {
        "epochs": np.round(run["epochs"], 2).tolist(),
        "edges": run["edges"].tolist(),
        "garments": run["garments"].tolist(),
        "starts": run["starts"][:starts].tolist(),
        "images": packed(run["images"] / 255, "uint8"),
        "made": packed(run["made"][:starts] / 255, "uint8"),
        "errors": packed(run["errors"][:starts], "float32"),
    }
    return {"epochs": 1.0, "garment": data["garments"][0], "start": data["starts"][0]}, data


def _examination(run):
    examined = json.loads(str(run["examined"]))
    names = [str(number) for number in range(1, len(examined) + 1)]
    data = {
        "patients": names,
        "measures": run["measures"].tolist(),
        "examined": [one for of_patient in examined for one in of_patient],
        "pictures": packed(run["pictures"] / 255, "uint8"),
    }
    return {"measure": data["measures"][0], "patient": names[0]}, data


def _training_noise(run):
    data = {
        "code": code_of(
            "noise = ae.MaskingNoise({trained})",
            "import aehelpers as ae\nimport keras\n",
            'model = keras.Sequential([keras.Input((784,)), noise, ae.autoencoder(code_size=128, code_activation="sigmoid")])\n'
            'ae.fit(model, ae.load("mnist").x_train, steps=100)  # 2,000 in the display',
            trained={"none": "0", "0 to 0.9": "(0, 0.9)"},
        ),
        "trained": run["trained"].tolist(),
        "levels": run["levels"].tolist(),
        "errors": packed(run["errors"], "float32"),
        "nothing": run["nothing"].tolist(),
        "meanError": float(run["mean_image"]),
        "shownLevels": run["shown_levels"].tolist(),
        "noisy": packed(run["noisy"] / 255, "uint8"),
        "rebuilt": packed(run["rebuilt"] / 255, "uint8"),
    }
    return {"trained": data["trained"][0]}, data


_BITS = "The bits of two images, from 16 to 1,024"
_EPOCHS = "Garments from 0.05 to 50 epochs"
RECORDED = {
    "anomalies": _Recorded("anomalies", "anomaly", "Threshold on a score for strange images", "threshold", _anomaly),
    "bits": _Recorded("bits", "bits", _BITS, "size", _bits),
    "bits_random": _Recorded("bits", "bits", _BITS, "size", lambda run: _bits(run, ["random"])),
    "denoising": _Recorded("denoising", "training_noise", "Slider for the noise in training", "trained", _training_noise),
    "examinations": _Recorded("examinations", "examination", "Examine a patient", "patient", _examination),
    "garment_epochs": _Recorded("garment_epochs", "epochs", _EPOCHS, "epochs", _epochs),
    "garment_epochs_asker": _Recorded("garment_epochs", "epochs", _EPOCHS, "epochs", lambda run: _epochs(run, 1)),
    "mean_or_sum": _Recorded("mean_or_sum", "collapse", "Slider for the variance of the noise", "variance", _collapse),
    "sparse_course": _Recorded(
        "sparse_course", "activations", "Slider for the training steps of a sparse code", "steps", _activations
    ),
}


@takes(name=OneOf(*RECORDED))
def recorded_display(name):
    """Show runs that were computed beforehand, by the script of the file's name in ``notebooks/evidence``.

    ===================== ======== ==========================================================================================
    name                  notebook what is chosen, and what is shown
    ===================== ======== ==========================================================================================
    anomalies             08       the digit that was left out, a score, a threshold: images found, false alarms [1]_
    bits                  01       two images, 16 to 1,024 random or learned bits: the angle that the bits suggest [2]_
    bits_random           01       the same with random bits alone, so that a vote on the others can come first
    denoising             06       the masking noise in training: error over the noise in the test; means of five seeds
    examinations          09       one of nine sick models and what to measure of it: error, code, gradient, outputs, and what
                                    is kept of each principal component or column
    garment_epochs        02       a garment, 0.05 to 50 epochs, initial weights: how much of the squared error is missing,
                                   (1 - g)^2 of the mean square of each principal component, where g is the slope of the
                                   line that predicts the reconstruction's coordinate from the image's, and how much is
                                   added
    garment_epochs_asker  02       the same with the asker's start alone
    mean_or_sum           07       the variance of the noise: which units of the code are active, reconstructions, images from
                                   random codes, and the KL of a linear model at its optimum [3]_
    sparse_course         05       a model and its training steps: how many activations are how large; those below the first
                                   edge are counted in the first bin
    ===================== ======== ==========================================================================================

    Parameters
    ----------
    name : str
        One of the names above.

    Returns
    -------
    Display

    Raises
    ------
    FileNotFoundError
        If the file is not there: the message says where it was looked for.

    References
    ----------
    .. [1] Detection is the area under the curve: D. Green and J. Swets (1966), Signal detection theory and psychophysics.
    .. [2] M. Goemans and D. Williamson (1995), Improved approximation algorithms for maximum cut and satisfiability problems
       using semidefinite programming, Journal of the ACM 42.
    .. [3] J. Lucas, G. Tucker, R. Grosse and M. Norouzi (2019), Don't blame the ELBO! A linear VAE perspective on posterior
       collapse, NeurIPS 32.
    """
    return _display(name, stored_arrays(RECORDED[name].file))


def _display(name, run):
    entry = RECORDED[name]
    state, data = entry.data(run)
    return Display(entry.kind, entry.title, entry.main, state, **data)
