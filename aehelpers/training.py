"""Training: what `model.fit` does, in a fraction of its time for small models."""

from dataclasses import dataclass, field

import keras
import numpy as np
from aehelpers import _loop
from aehelpers._interrupt import deferred_interrupt
from aehelpers.models import compiled_loss, predict
from aehelpers.validation import (
    Boolean,
    Function,
    Images,
    Integer,
    Loss,
    Model,
    Optional,
    Real,
    Seed,
    same_images,
    same_number,
    suits,
    takes,
)
from tqdm.auto import tqdm

# XLA takes about a second to compile a loop and then makes each step of these models up to three times as fast.
# benchmarks/training.py --break-even prints where that pays.
_XLA_FROM_STEPS = 250

_RECORDS = 40  # points on a loss curve, unless `record_every` says otherwise


@dataclass(repr=False)
class History:
    """What happened during `fit`.

    Attributes
    ----------
    steps : list of int
        The step after which each record was made.
    history : dict of list of float
        As in Keras: "loss" is the training loss, averaged over the steps since the record before, in nats per pixel for
        "bce" and in squared grey levels per pixel for "mse", with the penalties that layers add by ``add_loss``; "val_loss"
        is the same loss on the validation data after that step, where there are any.
    without_gradient : tuple of str
        Paths of the trainable variables that the loss does not reach at all. They were left as they were.
    optimizer : keras.Optimizer
        With its state. Hand it to `fit` again to go on with the training.
    interrupted : bool
        Whether Ctrl-C or the stop button ended the training before its last step.
    """

    without_gradient: tuple
    optimizer: keras.Optimizer
    steps: list = field(default_factory=list)
    history: dict = field(default_factory=dict)
    interrupted: bool = False

    def __repr__(self):
        if not self.steps:
            return "History: no step was recorded"
        parts = [f"History: {self.steps[-1]} steps{' (interrupted)' if self.interrupted else ''}"]
        parts += [f"{name} {values[-1]:.4f}" for name, values in self.history.items()]
        if self.without_gradient:
            parts.append(f"no gradient reached {', '.join(self.without_gradient)}")
        return "; ".join(parts)

    def _append(self, step, values):
        self.steps.append(step)
        for name, value in values.items():
            self.history.setdefault(name, []).append(float(value))


class NonFiniteLossError(ArithmeticError):
    """The training loss became NaN or infinite, and training stopped there.

    Attributes
    ----------
    step : int
        The first step, counted from 1, whose loss was not finite.
    history : History
        Everything that was recorded before it.
    """

    def __init__(self, step, value, history):
        super().__init__(
            f"the loss became {value} at step {step} and training stopped. Likely causes: a logarithm of 0 in a "
            "hand-written loss (take the cross entropy from logits, or keep the logarithm's argument above 0), a learning "
            "rate that is too high, or images outside the range that the loss expects. The history up to there is in the "
            "exception's .history"
        )
        self.step = step
        self.history = history


@takes(
    model=Model(),
    x=Images(),
    steps=Integer(),
    batch_size=Integer(),
    learning_rate=Optional(Real(0, open_interval=True)),
    loss=Optional(Loss()),
    target=Optional(Images()),
    record_every=Optional(Integer()),
    on_record=Optional(Function(of="the history")),
    seed=Seed(),
    progress=Boolean(),
)
def fit(
    model,
    x,
    *,
    steps,
    batch_size=128,
    optimizer=None,
    learning_rate=None,
    loss=None,
    target=None,
    where=None,
    validation_data=None,
    record_every=None,
    on_record=None,
    seed=0,
    progress=True,
):
    """Train a model for a number of steps, in a loop that runs inside TensorFlow.

    The result is that of `model.fit` on the same batches. It is faster because Python is asked for nothing between steps:
    many of them run in one compiled call. XLA compiles it from 250 steps on; a shorter run would not earn back the second
    that this takes, and gets a plain TensorFlow graph.

    The images are shuffled anew for each epoch. A batch that reaches the end of an epoch is filled up from the start of
    the next one, so every batch has the same size and each image is used exactly once an epoch.

    Parameters
    ----------
    model : keras.Model
        Any model with one input and one output.
    x : array of images, shape (images, pixels), (images, height, width) or (images, height, width, channels)
    steps : int
        Number of batches.
    batch_size : int
        Images in a batch; at most as many as there are.
    optimizer : str or keras.Optimizer, optional
        Unless told, what the model was compiled with, or else "adam".
    learning_rate : float, optional
        For an optimizer given by name; 0.001 unless told. An optimizer object has its own.
    loss : str, keras.Loss or callable, optional
        "bce", "mse", any other name that Keras knows, or a function of (target, reconstruction) that returns a tensor, whose
        mean is taken; unless told, what the model was compiled with, or else "bce". Penalties that layers add with
        ``add_loss`` are added to it.
    target : array of images, optional
        What to reconstruct, row for row; ``x`` itself unless told.
    where : array of bool, optional
        Which of the images to train on; all unless told. Images picked by ``x[where]`` would be a copy.
    validation_data : array of images, or pair (images, target), optional
        On these the loss is measured at each record.
    record_every : int, optional
        Steps from one record to the next; unless told, a 40th of ``steps``.
    on_record : callable, optional
        Called with the history after each record, between two compiled calls: the place to measure or draw something
        while the model trains.
    seed : int or numpy.random.Generator
        Seed of the shuffling. (The initial weights come from `keras.utils.set_random_seed` before the model is made.)
    progress : bool
        Show a progress bar.

    Returns
    -------
    History
        Also after Ctrl-C or the stop button: the call then returns early, after the steps that are under way, and model,
        optimizer state and history are those of the last step done.

    Raises
    ------
    NonFiniteLossError
        If the loss becomes NaN or infinite.
    """
    loss = loss or compiled_loss(model) or keras.losses.get("bce")
    optimizer = optimizer or (None if learning_rate else getattr(model, "optimizer", None)) or "adam"
    target, validation = _check_data(loss, x, target, validation_data)
    batches = _batches(_rows(where, len(x)), batch_size, seed)
    optimizer = _as_optimizer(optimizer, learning_rate)
    record_every = min(record_every or -(-steps // _RECORDS), steps)
    if not model.built:
        predict(model, x[:1])
    reached, missed = _loop.split_by_gradient(model, loss, x, target, batch_size)
    if not optimizer.built:
        optimizer.build(model.trainable_variables)  # all of them, as Keras does, so that the state fits a saved model

    images, targets = _loop.as_tensors(x, target)
    measure = _loop.compile_validation(model, loss, *_loop.as_tensors(*validation)) if validation else None
    history = History(tuple(variable.path for variable in missed), optimizer)
    done = 0
    with deferred_interrupt() as interrupt, tqdm(total=steps, disable=not progress, unit=" steps") as bar:
        run = _loop.compile_loop(
            model, loss, optimizer, reached, images, targets, batch_size, record_every, jit_compile=steps >= _XLA_FROM_STEPS
        )
        while done < steps and not interrupt.is_set():
            count = min(record_every, steps - done)
            losses = run(batches(count), count)
            finite = losses[: np.argmin([*np.isfinite(losses), False])]  # those before the first that is not
            done += len(finite)
            if len(finite):
                values = {"loss": finite.mean(dtype=float)}
                if measure is not None:
                    values["val_loss"] = measure() if len(finite) == count else np.nan
                history._append(done, values)
            if len(finite) < count:
                raise NonFiniteLossError(done + 1, losses[len(finite)], history)
            bar.set_postfix_str(f"loss {losses.mean():.4f}", refresh=False)
            bar.update(count)
            if on_record is not None:
                on_record(history)
    if done < steps:
        history.interrupted = True
        print(f"Training was interrupted after {done} of {steps} steps. The model and its history up to there are kept.")
    return history


def _check_data(loss, x, target, validation_data):
    """Return the target, ``x`` unless told, and the validation images with theirs, or None without validation."""
    suits(loss, x if target is None else target, "x" if target is None else "target")
    if target is not None:
        same_number(x, "x", target, "target")
    if validation_data is None:
        return (x if target is None else target), None
    if isinstance(validation_data, tuple):
        if len(validation_data) != 2:
            raise ValueError(
                f"validation_data must be images or a pair (images, target), but it is a tuple of {len(validation_data)}"
            )
        names = "the images of validation_data", "the target in validation_data"
        images, its_target = (Images()(part, name) for part, name in zip(validation_data, names, strict=True))
        same_number(images, names[0], its_target, names[1])
    elif target is not None:
        raise ValueError("validation_data must be a pair (images, target) when target is given, or the two losses would differ")
    else:
        images = its_target = Images()(validation_data, "validation_data")
    same_images(x, "x", images, "validation_data")
    same_images(x if target is None else target, "x or target", its_target, "the target in validation_data")
    suits(loss, its_target, "validation_data")
    return (x if target is None else target), (images, its_target)


def _as_optimizer(optimizer, learning_rate):
    if isinstance(optimizer, keras.Optimizer):
        if learning_rate is not None:
            raise ValueError("learning_rate must be None for an optimizer object, which has its own")
        return optimizer
    if not isinstance(optimizer, str):
        raise TypeError(f"optimizer must be a name or a keras.Optimizer, but it is {optimizer!r:.200}")
    try:
        made = keras.optimizers.get(optimizer)
    except ValueError as error:
        raise ValueError(
            f"optimizer must be a name that Keras knows or a keras.Optimizer, but it is {optimizer!r:.200}"
        ) from error
    made.learning_rate = 1e-3 if learning_rate is None else learning_rate
    return made


def _rows(where, number):
    mask = np.ones(number, bool) if where is None else np.asarray(where)
    if mask.dtype != bool or mask.shape != (number,):
        raise ValueError(
            f"where must hold a bool for each of {number} images, but its dtype is {mask.dtype} and its shape {mask.shape}"
        )
    if not mask.any():
        raise ValueError(f"where must pick at least one image, but it is False for all {number}")
    return np.flatnonzero(mask).astype(np.int32)


def _batches(images, batch_size, generator):
    """Return a function that hands out the rows of the next batches of one endless shuffle of images, epoch after epoch."""
    if batch_size > len(images):
        raise ValueError(f"batch_size must be at most the number of images, {len(images)}, but it is {batch_size}")
    left = np.empty(0, np.int32)

    def take(count):
        nonlocal left
        epochs = -(-(count * batch_size - len(left)) // len(images))
        rows = np.concatenate([left, *(generator.permutation(images) for _ in range(epochs))])
        left = rows[count * batch_size :]
        return rows[: count * batch_size]

    return take
