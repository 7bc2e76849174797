"""Where in a model the code is, and where a variational one describes its codes: found by what passes through, not by names."""

from dataclasses import dataclass

import keras
import numpy as np
from aehelpers.diagnosis.probes.base import Place
from aehelpers.diagnosis.rows import parts, some

_ROWS = 16  # enough to see whether all that is known of a row passes through one layer
_DRAWS = 16
_TOLERANCE = 1e-5  # of the outputs' variance: rounding, when the same numbers are computed in another order


def find_code(probe, x, name=None):
    """Return the place of a model's code, or None where there is no layer through which everything passes.

    The code is the layer that is called ``name``; else what ``model.encoder`` gives, unless a narrower output comes before
    ``model.decoder`` through which everything passes too (a recurrent encoder and a layer behind it); else the narrowest output
    through which all that the reconstruction knows of its row passes: with the rows of that output exchanged, the
    reconstructions are exchanged too. Of several outputs in a row with one size, such as a dense layer and its activation, it
    is the last.
    """
    x = some(x, _ROWS)
    output, calls = probe.trace(x)
    if name is not None:
        return next((call.place for call in reversed(calls) if call.name == name), None)
    encoder, decoder = (getattr(probe.model, part, None) for part in ("encoder", "decoder"))
    encodes = (
        call
        for call in calls
        if encoder is not None
        and call.key == id(encoder)
        and call.outputs
        and call.outputs[0].ndim >= 2
        and len(call.outputs[0]) == len(output)
    )
    named = next(encodes, None)
    leaves, first, last = _between(calls)
    inner = [number for number in range(first, last) if leaves[number].size]
    if named is not None:
        width, decodes = int(np.prod(named.outputs[0].shape[1:])), probe.layers_in(decoder)
        inner = [number for number in inner if leaves[number].size < width and leaves[number].key not in decodes]
    again, _ = probe.trace(x)
    for size in sorted({leaves[number].size for number in inner}):
        of_size = [number for number in inner if leaves[number].size == size]
        for number in of_size:
            if not _carries_all(probe, x, output, again, leaves[number].place):
                continue
            while number + 1 in of_size and not leaves[number + 1].mixes:
                number += 1
            return leaves[number].place
    return None if named is None else named.place


def _between(calls):
    """Return the leaves, and the numbers of the first and the last one that mixes: between them a code can be."""
    leaves = [call for call in calls if call.leaf]
    mixing = [number for number, call in enumerate(leaves) if call.mixes]
    return leaves, *((mixing[0], mixing[-1]) if len(mixing) > 1 else (0, 0))


def narrowest(probe, x):
    """Return the place of the narrowest output on the way from the rows to their reconstructions; or None.

    It stands between mixing layers, whatever passes beside it. Not on the way are a head that gives another output, an
    embedding of labels that come in beside the rows, and whatever changes nothing at all when its rows are exchanged.
    """
    x = some(x, _ROWS)
    output, calls = probe.trace(x)
    other = {(call.key, call.occurrence): call for call in probe.trace(_others(x))[1]}
    leaves, first, last = _between(calls)
    beside = probe.outputs(x, False)  # a layer that only gives another output is no way to the reconstruction
    inner = [
        leaf
        for leaf in leaves[first:last]
        if leaf.size
        and leaf.mixes
        and not _same_outputs(leaf, other.get((leaf.key, leaf.occurrence)))
        and not any(part.shape == leaf.outputs[0].shape and np.allclose(part, leaf.outputs[0], atol=1e-5) for part in beside)
    ]
    for leaf in sorted(inner, key=lambda leaf: leaf.size):
        changed, _ = probe.trace(x, place=leaf.place, change=lambda values: np.roll(values, 1, axis=0))
        if not np.array_equal(changed, output):
            return leaf.place
    return None


def _others(x):
    """Return rows in another order; of several arrays only the first, as labels beside images stay what they were."""
    moved = np.roll(parts(x)[0], 1, axis=0)
    return moved if isinstance(x, np.ndarray) else keras.tree.pack_sequence_as(x, [moved, *parts(x)[1:]])


def _same_outputs(call, other):
    return other is not None and np.array_equal(call.outputs[0], other.outputs[0])


def share_that_follows(probe, x, place):
    """Return how much of a reconstruction follows an output: 1 if it goes where the output's rows go, 0 if nothing changes.

    Parameters
    ----------
    probe : Probe
    x : array, or several
        Rows for the model.
    place : Place

    Returns
    -------
    float or None
        None where all reconstructions are the same anyway.
    """
    x = some(x, _ROWS)
    output, _ = probe.trace(x)
    order = np.roll(np.arange(len(output)), 1)
    changed, _ = probe.trace(x, place=place, change=lambda values: values[order])
    apart = np.square(output[order] - output).mean(dtype=float)
    if apart <= _TOLERANCE * max(float(np.square(output).mean()), 1e-12):
        return None
    return float(1 - np.square(changed - output[order]).mean(dtype=float) / apart)


def _carries_all(probe, x, output, again, place):
    order = np.roll(np.arange(len(output)), 1)
    changed, _ = probe.trace(x, place=place, change=lambda values: values[order])
    output, again, changed = (np.asarray(part, np.float64) for part in (output, again, changed))
    noise = np.square(output - again).mean()  # some models draw their code at random, also outside training
    return np.square(changed - output[order]).mean() <= 2 * noise + _TOLERANCE * output.var() + 1e-12


@dataclass(frozen=True)
class Distribution:
    """Where a variational model describes its codes: a mean and a measure of spread for each unit, in which form."""

    mean: Place
    spread: Place
    drawn: Place
    form: str
    split: bool  # one output holds both, side by side

    def read(self, calls):
        """Return means and log-variances, arrays of shape (rows, units)."""
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


def find_distribution(probe, x):
    """Return where a variational model describes its codes, or None.

    Two outputs of one shape are taken for mean and spread if the codes that are drawn from them in training have that mean and
    that spread, over many draws.
    """
    x = some(x, _ROWS)
    _, calls = probe.trace(x, training=True)
    guesses = list(_guesses(calls))
    if not guesses:
        return None
    draws = [probe.trace(x, training=True)[1] for _ in range(_DRAWS)]
    for mean, spread, drawn, split in guesses:
        codes = np.array([np.asarray(drawn.read(one), np.float64) for one in draws if drawn.read(one) is not None])
        if len(codes) < _DRAWS or codes.ndim != 3 or np.ptp(codes, axis=0).max() == 0:
            continue
        variance = np.log(codes.var(axis=0, ddof=1) + 1e-30)
        found = []
        for form in _FORMS:
            means, log_variances = Distribution(mean, spread, drawn, form, split).read(calls)
            with np.errstate(over="ignore", invalid="ignore"):
                # The logarithm of a variance of 16 draws lies about 0.4 from the true one.
                away = np.abs(variance - log_variances).mean()
                apart = (np.abs(codes.mean(axis=0) - means) / np.exp(log_variances / 2 + 1e-9)).mean()
            found.append((away if apart < 1 and np.isfinite(away) else np.inf, form))
        away, form = min(found)
        if away < 1:
            return Distribution(mean, spread, drawn, form, split)
    return None


def _same(first, second):
    """Whether two calls got the same numbers."""
    return bool(first and second) and np.array_equal(first[0], second[0])


def _guesses(calls):
    """Yield what may be mean, spread and drawn code: places, and whether mean and spread are halves of one output."""
    for number, call in enumerate(calls):
        shapes = [part.shape for part in call.outputs]
        after = [
            Place(later.key, later.occurrence, 0, "inputs")
            for later in calls[number + 1 :]
            if later.inputs and shapes and later.inputs[0].shape == shapes[0]
        ]
        if (
            not call.recurrent and len(shapes) >= 2 and len(shapes[0]) == 2 and shapes[0] == shapes[1]
        ):  # an encoder that gives both
            places = [Place(call.key, call.occurrence, part) for part in range(len(shapes))]
            yield from ((places[0], places[1], drawn, False) for drawn in [*places[2:3], *after])
        got = [part.shape for part in call.inputs]
        if len(shapes) == 1 and len(shapes[0]) == 2 and not call.mixes:
            places = [Place(call.key, call.occurrence, part, "inputs") for part in range(len(got))]
            if got[:2] == [shapes[0], shapes[0]]:  # a layer that draws
                yield places[0], places[1], call.place, False
            if got[:1] == [(shapes[0][0], 2 * shapes[0][1])]:
                yield places[0], places[0], call.place, True
        if call.mixes and len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][1] % 2 == 0:  # one layer for both, cut in two
            half = (shapes[0][0], shapes[0][1] // 2)
            for later in calls[number + 1 :]:
                if later.inputs and later.inputs[0].shape == half:
                    yield call.place, call.place, Place(later.key, later.occurrence, 0, "inputs"), True
        if call.mixes and len(shapes) == 1 and len(shapes[0]) == 2:  # two layers side by side, and a draw without a layer
            for other in calls[number + 1 :]:
                if other.mixes and _same(call.inputs, other.inputs) and [part.shape for part in other.outputs] == shapes:
                    yield from ((call.place, other.place, drawn, False) for drawn in after)
