"""What passes through a model between an image and its reconstruction: the output of each layer, and where the code is."""

import threading
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from aehelpers.models import unchanged

_LOCK = threading.RLock()
_IMAGES = 16  # enough to see whether all that is known of an image passes through one layer
_DRAWS = 16
_TOLERANCE = 1e-5  # of the outputs' variance: rounding, when the same numbers are computed in another order


@dataclass(eq=False)  # of two calls with equal tensors, each is meant
class Call:
    """One call of a layer in a pass: what it got (tensors), and what it gave (a tensor, or several)."""

    layer: keras.Layer
    occurrence: int
    inputs: list
    outputs: list
    is_leaf: bool
    mixes: bool

    @property
    def size(self):
        """Numbers for each image, or None where it does not give one tensor with a row for each."""
        return int(np.prod(self.outputs[0].shape[1:])) if len(self.outputs) == 1 and self.outputs[0].shape.rank >= 2 else None


@dataclass(frozen=True)
class Place:
    """Where a tensor is found in any pass: a layer, which of its calls, and which of the tensors that it gave or got."""

    layer: int  # its id: a layer compares by value in places where two are meant
    occurrence: int
    part: int = 0
    side: str = "outputs"

    def read(self, calls):
        """Return the tensor, or None where this pass has no such call."""
        for call in calls:
            if id(call.layer) == self.layer and call.occurrence == self.occurrence:
                return getattr(call, self.side)[self.part]
        return None


def trace(model, x, training=False, place=None, change=None):
    """Run a model on images and note the calls of its layers, in their order.

    Parameters
    ----------
    model : keras.Model
        Of any kind: what is noted is what really runs.
    x : tensor or array
    training : bool
    place : Place, optional
        An output that ``change`` takes and replaces on its way.
    change : callable, optional

    Returns
    -------
    output
        What the model gives.
    calls : list of Call
    """
    calls, counts = [], {}
    original = keras.Layer.__call__

    def listening(layer, *args, **kwargs):
        result = original(layer, *args, **kwargs)
        occurrence = counts.get(id(layer), 0)
        counts[id(layer)] = occurrence + 1
        if place is not None and (place.layer, place.occurrence) == (id(layer), occurrence):
            result = change(result)
        inputs = [part for part in tf.nest.flatten((args, kwargs)) if tf.is_tensor(part)]
        outputs = [part for part in tf.nest.flatten(result) if tf.is_tensor(part)]
        own = _own_weights(layer)
        leaf = not list(layer._flatten_layers(include_self=False, recursive=False))
        mixes = hasattr(layer, "kernel") or any(len(weight.shape) >= 2 for weight in own)
        calls.append(Call(layer, occurrence, inputs, outputs, leaf, mixes and not isinstance(layer, keras.Model)))
        return result

    # Every layer of every kind of model is called through this one method; a graph of the inner tensors, the usual way, exists
    # for functional models only.
    with _LOCK:
        keras.Layer.__call__ = listening
        try:
            output = model(x, training=training)
        finally:
            keras.Layer.__call__ = original
    return output, calls


def _own_weights(layer):
    below = {id(weight) for part in layer._flatten_layers(include_self=False) for weight in part.weights}
    return [weight for weight in layer.weights if id(weight) not in below]


def layer_names(model):
    """Return the names of all layers, for messages."""
    return [layer.name for layer in model._flatten_layers(include_self=False)]


def find_code(model, x, name=None):
    """Return the place of a model's code, or None where there is no layer through which everything passes.

    The code is the layer that is called ``name``; else what ``model.encoder`` gives; else the narrowest output on the way
    through which all that the reconstruction knows of its image passes: with the rows of that output exchanged between the
    images, the reconstructions are exchanged too. Of several outputs in a row with one size, such as a dense layer and its
    activation, it is the last.
    """
    x = x[:_IMAGES]
    output, calls = trace(model, x)
    if name is not None:
        return next((_place(call) for call in reversed(calls) if call.layer.name == name), None)
    encoder = getattr(model, "encoder", None)
    for call in calls:
        if call.layer is encoder and call.size:
            return _place(call)
    leaves = [call for call in calls if call.is_leaf]
    mixing = [number for number, call in enumerate(leaves) if call.mixes]
    if len(mixing) < 2:
        return None
    first, last = mixing[0], mixing[-1]
    inner = [number for number in range(first, last) if leaves[number].size]
    again, _ = trace(model, x)
    for size in sorted({leaves[number].size for number in inner}):
        of_size = [number for number in inner if leaves[number].size == size]
        for number in of_size:
            if not _carries_all(model, x, output, again, _place(leaves[number])):
                continue
            while number + 1 in of_size and not leaves[number + 1].mixes:
                number += 1
            return _place(leaves[number])
    return None


def _place(call):
    return Place(id(call.layer), call.occurrence)


def _carries_all(model, x, output, again, place):
    order = np.roll(np.arange(len(x)), 1)
    changed, _ = trace(model, x, place=place, change=lambda result: tf.gather(result, order))
    output, again, changed = (np.asarray(part, np.float64) for part in (output, again, changed))
    noise = np.square(output - again).mean()  # some models draw their code at random, also outside training
    return np.square(changed - output[order]).mean() <= 2 * noise + _TOLERANCE * output.var() + 1e-12


@dataclass(frozen=True)
class Distribution:
    """Where a variational model describes its codes: a mean and a measure of spread for each unit, in which form."""

    mean: Place
    spread: Place
    form: str
    split: bool  # one output holds both, side by side

    def read(self, calls):
        """Return means and log-variances, arrays of shape (images, units)."""
        mean, spread = (np.asarray(place.read(calls), np.float64) for place in (self.mean, self.spread))
        if self.split:
            mean, spread = np.split(mean, 2, axis=1)
        return mean, _FORMS[self.form](spread)


def _log(values):
    return np.log(np.maximum(values, 1e-30))


# What the second output may be, as a log-variance.
_FORMS = {
    "log-variance": lambda values: values,
    "log of the standard deviation": lambda values: 2 * values,
    "variance": _log,
    "standard deviation": lambda values: 2 * _log(values),
}


def find_distribution(model, x):
    """Return where a variational model describes its codes, or None.

    Two outputs of one shape are taken for mean and spread if the codes that are drawn from them in training have that mean and
    that spread, over many draws.
    """
    x = x[:_IMAGES]
    _, calls = trace(model, x, training=True)
    guesses = list(_guesses(calls))
    if not guesses:
        return None
    with unchanged(model):
        draws = [trace(model, x, training=True)[1] for _ in range(_DRAWS)]
    for mean, spread, drawn, split in guesses:
        codes = np.array([np.asarray(drawn.read(pass_), np.float64) for pass_ in draws if drawn.read(pass_) is not None])
        if len(codes) < _DRAWS or np.ptp(codes, axis=0).max() == 0:
            continue
        variance = np.log(codes.var(axis=0, ddof=1) + 1e-30)
        found = []
        for form in _FORMS:
            means, log_variances = Distribution(mean, spread, form, split).read(calls)
            # The logarithm of a variance of 16 draws lies about 0.4 from the true one.
            away = np.abs(variance - log_variances).mean()
            apart = (np.abs(codes.mean(axis=0) - means) / np.exp(log_variances / 2 + 1e-9)).mean()
            found.append((away if apart < 1 and np.isfinite(away) else np.inf, form))
        away, form = min(found)
        if away < 1:
            return Distribution(mean, spread, form, split)
    return None


def _same(first, second):
    """Whether two calls got the same numbers."""
    return bool(first and second) and np.array_equal(first[0], second[0])


def _guesses(calls):
    """Yield what may be mean, spread and drawn code: places, and whether mean and spread are halves of one output."""
    for number, call in enumerate(calls):
        shapes = [tuple(part.shape) for part in call.outputs]
        after = [
            Place(id(later.layer), later.occurrence, 0, "inputs")
            for later in calls[number + 1 :]
            if later.inputs and len(shapes) and tuple(later.inputs[0].shape) == shapes[0]
        ]
        if len(shapes) >= 2 and len(shapes[0]) == 2 and shapes[0] == shapes[1]:  # an encoder that gives both
            places = [Place(id(call.layer), call.occurrence, part) for part in range(len(shapes))]
            yield from ((places[0], places[1], drawn, False) for drawn in [*places[2:3], *after])
        got = [tuple(part.shape) for part in call.inputs]
        if len(shapes) == 1 and len(shapes[0]) == 2 and not call.mixes:
            places = [Place(id(call.layer), call.occurrence, part, "inputs") for part in range(len(got))]
            drawn = _place(call)
            if got[:2] == [shapes[0], shapes[0]]:  # a layer that draws
                yield places[0], places[1], drawn, False
            if got[:1] == [(shapes[0][0], 2 * shapes[0][1])]:
                yield places[0], places[0], drawn, True
        if call.mixes and len(shapes) == 1 and len(shapes[0]) == 2:  # two layers side by side, and a draw without a layer
            for other in calls[number + 1 :]:
                if other.mixes and _same(call.inputs, other.inputs) and [tuple(part.shape) for part in other.outputs] == shapes:
                    yield from ((_place(call), _place(other), drawn, False) for drawn in after)
