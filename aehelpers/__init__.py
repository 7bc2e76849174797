"""Helpers for the autoencoder notebooks: data, models, a fast training loop, measurements and figures.

Everything a notebook uses is reachable as ``ae.<name>`` after ``import aehelpers as ae``. The names are loaded when they are
first used, so the import itself is quick and pulls in neither TensorFlow nor matplotlib.
"""

import importlib
import sys

from aehelpers import _imports

_HOME = {
    "Dataset": "datasets",
    "load": "datasets",
    "stored_runs": "datasets",
    "step": "layers",
    "straight_through_step": "layers",
    "GaussianSampling": "layers",
    "KLSparsity": "layers",
    "MaskingNoise": "layers",
    "kl_sparsity": "layers",
    "gaussian_noise": "noise",
    "masking_noise": "noise",
    "salt_and_pepper_noise": "noise",
    "Autoencoder": "models",
    "autoencoder": "models",
    "VariationalAutoencoder": "models",
    "variational_autoencoder": "models",
    "History": "training",
    "NonFiniteLossError": "training",
    "fit": "training",
    "sweep": "training",
    "PCA": "baselines",
    "bce": "baselines",
    "blur": "baselines",
    "bce_floor": "baselines",
    "loss_ladder": "baselines",
    "mean_image": "baselines",
    "median_filter": "baselines",
    "mse": "baselines",
    "code_usage": "diagnostics",
    "component_gain": "diagnostics",
    "dead_units": "diagnostics",
    "gradient_report": "diagnostics",
    "weight_drift": "diagnostics",
    "show_images": "plots",
    "show_loss": "plots",
    "code_size_display": "widgets",
    "drawing_pad": "widgets",
    "latent_plane": "widgets",
    "noise_display": "widgets",
    "sigmoid_display": "widgets",
    "step_display": "widgets",
    "threshold_display": "widgets",
    "training_display": "widgets",
    "Table": "tables",
    "check": "checks",
    "exercise": "checks",
}

__all__ = sorted(_HOME)

sys.meta_path.insert(0, _imports.Watcher)
_imports.register_with_keras()  # for a program that loaded Keras before us


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'aehelpers' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"aehelpers.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
