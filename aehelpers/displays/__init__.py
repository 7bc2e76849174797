"""Displays that compute where they are shown: in JupyterLab, and in a page without a kernel."""

from aehelpers.displays.activations import activations_display
from aehelpers.displays.anomaly import anomaly_display
from aehelpers.displays.base import Display
from aehelpers.displays.bits import bits_display
from aehelpers.displays.code_size import code_size_display
from aehelpers.displays.collapse import collapse_display
from aehelpers.displays.drawing_pad import drawing_pad
from aehelpers.displays.epochs import epochs_display
from aehelpers.displays.grey_range import grey_range_display
from aehelpers.displays.latent_plane import latent_plane
from aehelpers.displays.logit import logit_display
from aehelpers.displays.loudness import loudness_display
from aehelpers.displays.noise import noise_display
from aehelpers.displays.shift import shift_display
from aehelpers.displays.threshold import threshold_display
from aehelpers.displays.training import TrainingRecorder, training_display
from aehelpers.displays.training_noise import training_noise_display
from aehelpers.displays.vote import vote

__all__ = [
    "Display",
    "TrainingRecorder",
    "activations_display",
    "anomaly_display",
    "bits_display",
    "code_size_display",
    "collapse_display",
    "drawing_pad",
    "epochs_display",
    "grey_range_display",
    "latent_plane",
    "logit_display",
    "loudness_display",
    "noise_display",
    "shift_display",
    "threshold_display",
    "training_display",
    "training_noise_display",
    "vote",
]
