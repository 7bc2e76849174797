"""Helpers for the autoencoder notebooks: data, models, a fast training loop, measurements, figures and displays.

Everything a notebook uses is reachable as ``ae.<name>`` after ``import aehelpers as ae``.
"""

from aehelpers import _quiet  # noqa: F401, I001 - before all that loads TensorFlow

from aehelpers.baselines import bce, bce_floor, fit_pca, loss_ladder, mean_image, mse
from aehelpers.checks import check
from aehelpers.datasets import load
from aehelpers.diagnostics import code_usage, component_gain, dead_units, gradient_report, weight_drift
from aehelpers.diagnosis import diagnose
from aehelpers.displays import (
    TrainingRecorder,
    code_size_display,
    drawing_pad,
    exercise,
    grey_range_display,
    latent_plane,
    logit_display,
    loudness_display,
    noise_display,
    playground,
    recorded_display,
    self_test,
    shift_display,
    threshold_display,
    training_display,
    vote,
)
from aehelpers.evidence import stored_arrays, stored_models, stored_runs
from aehelpers.layers import GaussianSampling, KLSparsity, MaskingNoise, kl_sparsity, step, straight_through_step
from aehelpers.models import autoencoder, predict, variational_autoencoder
from aehelpers.noise import gaussian_noise, masking_noise, salt_and_pepper_noise
from aehelpers.plots import show_images, show_loss
from aehelpers.training import NonFiniteLossError, fit

__all__ = [
    "GaussianSampling",
    "KLSparsity",
    "MaskingNoise",
    "NonFiniteLossError",
    "TrainingRecorder",
    "autoencoder",
    "bce",
    "bce_floor",
    "check",
    "code_size_display",
    "code_usage",
    "component_gain",
    "dead_units",
    "diagnose",
    "drawing_pad",
    "exercise",
    "fit",
    "fit_pca",
    "gaussian_noise",
    "gradient_report",
    "grey_range_display",
    "kl_sparsity",
    "latent_plane",
    "load",
    "logit_display",
    "loss_ladder",
    "loudness_display",
    "masking_noise",
    "mean_image",
    "mse",
    "noise_display",
    "playground",
    "predict",
    "recorded_display",
    "salt_and_pepper_noise",
    "self_test",
    "shift_display",
    "show_images",
    "show_loss",
    "step",
    "stored_arrays",
    "stored_models",
    "stored_runs",
    "straight_through_step",
    "threshold_display",
    "training_display",
    "variational_autoencoder",
    "vote",
    "weight_drift",
]
