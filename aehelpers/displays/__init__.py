"""Displays that compute where they are shown: in JupyterLab, and in a page without a kernel."""

from aehelpers.displays.code_size import code_size_display
from aehelpers.displays.drawing_pad import drawing_pad
from aehelpers.displays.exercise import exercise
from aehelpers.displays.grey_range import grey_range_display
from aehelpers.displays.latent_plane import latent_plane
from aehelpers.displays.logit import logit_display
from aehelpers.displays.loudness import loudness_display
from aehelpers.displays.noise import noise_display
from aehelpers.displays.playground import playground
from aehelpers.displays.recorded import recorded_display
from aehelpers.displays.self_test import self_test
from aehelpers.displays.shift import shift_display
from aehelpers.displays.threshold import threshold_display
from aehelpers.displays.training import TrainingRecorder, training_display
from aehelpers.displays.vote import vote
from aehelpers.displays.widget import Display

__all__ = [
    "Display",
    "TrainingRecorder",
    "code_size_display",
    "drawing_pad",
    "exercise",
    "grey_range_display",
    "latent_plane",
    "logit_display",
    "loudness_display",
    "noise_display",
    "playground",
    "recorded_display",
    "self_test",
    "shift_display",
    "threshold_display",
    "training_display",
    "vote",
]
