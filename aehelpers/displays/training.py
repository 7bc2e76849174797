"""A training run, record by record."""

import keras
import numpy as np
from aehelpers.baselines import mse
from aehelpers.displays.networks import halves
from aehelpers.displays.packing import packed
from aehelpers.displays.widget import Display
from aehelpers.models import predict
from aehelpers.pictures import size_of
from aehelpers.validation import Images, Integer, Model, Real, takes

_SHOWN = 8


class TrainingRecorder:
    """Keeps what a training display shows; hand it to `aehelpers.fit` as ``on_record``.

    Parameters
    ----------
    model : keras.Model
        With ``.encoder`` and ``.decoder``; the encoder ends in a dense layer.
    x : array, shape (images, pixels)
        The images to watch.

    Attributes
    ----------
    steps, losses : list of int, list of float
        The first record, step 0, is of the model before training; its loss is the squared error on the watched images.
    alive : list of ndarray, each of shape (units,)
        The share of the images for which each unit of the code is above 0.
    band : list of ndarray, each of shape (units, 3)
        Smallest, median and largest pre-activation of each unit.
    rebuilt : list of ndarray, each of shape (8, pixels)
        Reconstructions of the first eight images.
    """

    @takes(model=Model(), x=Images(pixels=True, dimensions=(2,)))
    def __init__(self, model, x):
        encoder, _ = halves(model, "model")
        *before, code = encoder.layers
        if not isinstance(code, keras.layers.Dense):
            raise ValueError(f"model must have an encoder that ends in a dense layer, but it ends in {code!r}")
        self.model, self.x, self.code = model, x, code
        self.features = keras.Sequential([keras.Input(x.shape[1:]), *before])
        self.steps, self.losses, self.alive, self.band, self.rebuilt = [], [], [], [], []
        self._record(0, mse(x, predict(model, x)))

    def __call__(self, history):
        self._record(history.steps[-1], history.history["loss"][-1])

    def _record(self, step, loss):
        features = predict(self.features, self.x) if self.features.layers else self.x
        before = features @ np.asarray(self.code.kernel) + np.asarray(self.code.bias)
        self.steps.append(step)
        self.losses.append(loss)
        self.alive.append((before > 0).mean(axis=0))
        self.band.append(np.quantile(before, [0, 0.5, 1], axis=0).T)
        self.rebuilt.append(predict(self.model, self.x[:_SHOWN]))

    def arrays(self):
        """Return what was recorded as a dict of arrays, to be stored."""
        return {name: np.array(getattr(self, name)) for name in ("steps", "losses", "alive", "band", "rebuilt")}


class TrainingDisplay(Display):
    """What `training_display` returns.

    Attributes
    ----------
    recorder : TrainingRecorder or None
        When the display is handed to `aehelpers.fit` as ``on_record``, it shows what this one records.
    """

    recorder = None

    def __call__(self, history):
        self.recorder(history)
        with self.hold_sync():  # one message, so that the page never shows a record of the former data
            self.data = {**self.data, "record": _packed_record(self.recorder.arrays())}
            self.state = {"record": len(self.recorder.steps) - 1}


def _record(value, name):
    arrays = value.arrays() if isinstance(value, TrainingRecorder) else value
    wanted = ("steps", "losses", "alive", "band", "rebuilt")
    if not isinstance(arrays, dict) or not set(wanted) <= set(arrays):
        raise TypeError(f"{name} must be a TrainingRecorder, or what its arrays() returned, but it is {value!r:.200}")
    return value


@takes(
    record=_record,
    x=Images(pixels=True, dimensions=(2,)),
    steps=Integer(),
    level=Real(0),
    highest_loss=Real(0, open_interval=True),
)
def training_display(record, x, steps, level, highest_loss):
    """Scrub through a training run: reconstructions, loss, the active units of the code, and their pre-activations.

    Parameters
    ----------
    record : dict of arrays, or TrainingRecorder
        A recorded run, or one that is recorded when the display itself is handed to `aehelpers.fit` as ``on_record``.
    x : array, shape (images, pixels)
        The images that the recorder watched.
    steps : int
        The length of the training run.
    level : float
        The error of the mean image, drawn as a line.
    highest_loss : float
        The upper end of the loss axis.

    Returns
    -------
    TrainingDisplay
    """
    arrays = record.arrays() if isinstance(record, TrainingRecorder) else record
    units = record.code.units if isinstance(record, TrainingRecorder) else arrays["alive"].shape[1]
    display = TrainingDisplay(
        "training",
        "A training run, record by record",
        "record",
        {"record": 0},
        size=size_of(x, "x"),
        images=packed(x[:_SHOWN], "uint8"),
        units=units,
        steps=steps,
        level=level,
        highest=highest_loss,
        record=_packed_record(arrays),
    )
    display.recorder = record if isinstance(record, TrainingRecorder) else None
    return display


def _packed_record(arrays):
    return {
        "steps": [int(step) for step in arrays["steps"]],
        "losses": [float(loss) for loss in arrays["losses"]],
        "alive": packed(arrays["alive"], "float32"),
        "band": packed(arrays["band"], "float32"),
        "rebuilt": packed(arrays["rebuilt"], "uint8"),
    }
