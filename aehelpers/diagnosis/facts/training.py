"""What a step of training would do: gradients, one step of an optimizer, and the mode of training."""

import contextlib
from dataclasses import dataclass, field

import numpy as np
from aehelpers.diagnosis.facts.examination import TINY, squared_error
from aehelpers.diagnosis.facts.loss import as_the_loss_wants
from aehelpers.diagnosis.probes.base import CannotMeasure
from aehelpers.diagnosis.rows import number_of, some, take

BATCH, BATCHES = 128, 4  # in training mode


STUCK = 0.5  # of a weight's entries


@dataclass(frozen=True)
class Gradients:
    """What arrives at the kernels (weights of two dimensions or more).

    Attributes
    ----------
    without_gradient : list of str
        Kernels of layers on the way that nothing reaches: neither the loss, nor a penalty, nor another output.
    zero_gradient, with_gradient : list of str
    never_moved, moved : list of str or None
        Since ``before``.
    stuck : list of str
        Weights that a step of an optimizer left where they were, though their gradient is not 0.
    learning_rate : float or None
        Of the compiled optimizer.
    optimizer : str or None
    frozen : list of str
        Kernels that are not trainable.
    unregistered : list of str
        Weights that take part and are none of the model's own, so that its optimizer does not get them.
    """

    without_gradient: list
    zero_gradient: list
    with_gradient: list
    never_moved: list | None
    moved: list | None
    stuck: list
    learning_rate: float | None
    optimizer: str | None
    frozen: list = field(default_factory=list)
    unregistered: list = field(default_factory=list)


def gradients(e, data, output):
    """Take the gradient of the loss once, and one step of an optimizer, which is taken back."""
    x, target = some(e.x_train, BATCH), some(e.target_train, BATCH)
    loss, wanted = _usable_loss(e, target, data)
    try:
        found, unregistered = e.probe.gradients(x, wanted, loss)
    except CannotMeasure:  # such a loss needs more than the model gives; where a gradient arrives, any loss tells
        loss, wanted = e.probe.default_loss(), target
        found, unregistered = e.probe.gradients(x, wanted, loss)
    kernels = [gradient for gradient in found if gradient.kernel]
    steps = []
    with contextlib.suppress(Exception):  # an optimizer that cannot step takes nothing from what is known of the gradients
        steps = e.probe.one_step(x, wanted, loss)
    still = moved = None
    if e.before is not None:
        still, moved = _moved(e)
    optimizer, trainable = e.probe.optimizer, e.probe.trainable()
    rate = getattr(optimizer, "learning_rate", None)
    with contextlib.suppress(TypeError, ValueError):  # a schedule has no one rate
        rate = float(rate)
    return Gradients(
        without_gradient=[g.name for g in kernels if g.word == "none" and g.meets_rows and not g.used_elsewhere],
        zero_gradient=[g.name for g in kernels if g.word == "zero" and not g.used_elsewhere],
        with_gradient=[g.name for g in kernels if g.word == "flows"],
        never_moved=still,
        moved=moved,
        stuck=[step.name for step in steps if step.should and step.stuck > STUCK],
        learning_rate=rate if isinstance(rate, float) else None,
        optimizer=None if optimizer is None else type(optimizer).__name__,
        frozen=[name for name, w in e.probe.weights().items() if w.ndim >= 2 and name not in trainable],
        unregistered=unregistered,
    )


def _usable_loss(e, target, data):
    """Return a loss with a gradient, and the target as it wants it: where a gradient arrives, any loss tells."""
    loss = e.told_loss
    names = [getattr(loss, "name", ""), getattr(loss, "__name__", ""), type(loss).__name__]
    entropy = "crossentropy" in "".join(map(str, names)).lower().replace("_", "")
    if loss is None or (
        entropy and not (data.image_low >= 0 and data.image_high <= 1)
    ):  # such a cross entropy has no least value
        return e.probe.default_loss(), target
    return loss, as_the_loss_wants(e, target)


def _moved(e):
    """Return the names of the kernels that are as they were, and of those that are not; what is frozen is in neither."""
    after, trainable, still, moved = e.probe.weights(), e.probe.trainable(), [], []
    before = e.before if isinstance(e.before, dict) else dict(zip(after, e.before, strict=True))
    for name, weight in after.items():
        if weight.ndim >= 2 and name in before and name in trainable:
            old = np.asarray(before[name], float)
            change = np.linalg.norm(weight - old)
            (still if change <= 1e-4 * np.linalg.norm(old) else moved).append(name)
    return still, moved


@dataclass(frozen=True)
class Modes:
    """The same rows in and outside training mode.

    Attributes
    ----------
    error_in_training_mode, error_outside_training_mode : float
    random_in_training : bool
    penalty_on_activations, penalty_on_weights : bool
    dropout, batch_normalization : bool
    """

    error_in_training_mode: float
    error_outside_training_mode: float
    random_in_training: bool
    penalty_on_activations: bool
    penalty_on_weights: bool
    dropout: bool
    batch_normalization: bool


def modes(e, data, output):
    """Compare the errors of the same rows in and outside training mode."""
    x, target = some(e.x_train, BATCHES * BATCH), some(e.target_train, BATCHES * BATCH)
    rows = [slice(start, start + BATCH) for start in range(0, number_of(x), BATCH)]

    def error(training):
        return float(np.mean([squared_error(target[one], e.as_values(e.probe.run(take(x, one), training))) for one in rows]))

    outside, inside = error(False), error(True)  # in this order: the second moves the means that the first one uses
    half = min(BATCH, max(number_of(x) // 2, 1))
    penalties = [e.probe.penalty(take(x, slice(start, start + half))) for start in (0, half)]
    twice = [e.probe.run(take(x, rows[0]), True) for _ in range(2)]
    return Modes(
        error_in_training_mode=inside,
        error_outside_training_mode=outside,
        random_in_training=bool(np.abs(twice[0] - twice[1]).max() > 1e-4 * max(float(np.abs(twice[0]).max()), 1e-6)),
        # A penalty on weights is the same for every batch, one on activations is not.
        penalty_on_activations=bool(np.ptp(penalties) > 1e-6 * max(abs(penalties[0]), TINY)),
        penalty_on_weights=bool(penalties[0] and np.ptp(penalties) <= 1e-6 * abs(penalties[0])),
        dropout=e.probe.dropout,
        batch_normalization=e.probe.batch_normalization,
    )
