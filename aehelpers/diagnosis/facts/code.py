"""The code, and the units on the way to it and from it."""

from dataclasses import dataclass, field

import numpy as np
from aehelpers.diagnosis import places
from aehelpers.diagnosis.facts.examination import DEAD_SPREAD, FULL_PCA, TINY
from aehelpers.diagnosis.rows import flat, number_of, some, take
from aehelpers.layers import ACTIVATIONS

PIECE = 250
ROWS_A_COMPONENT = 4


FEW_ROWS = 50  # that differ: of fewer no values can be counted
DISCRETE_UNITS, DISCRETE_ROWS, FEW_VALUES = 64, 20, 0.5  # values a unit has, for each row where it is not 0
SILENT = 0.01  # variance of a unit's mean, in those of the prior


FLAT = 0.05  # of an activation's steepest slope


@dataclass(frozen=True)
class Code:
    """The code, and the units on the way to it and from it.

    Attributes
    ----------
    code_size : int or None
        Numbers in it; None where no layer carries all.
    code_layer, code_activation : str or None
    code_is_map, code_is_discrete, code_is_recurrent : bool
        Whether weights are shared over places, whether its units have a few values only, and whether a recurrent layer reads
        steps.
    code_units, constant_units : int
        Units, of a convolution channels; and those that are the same for every row.
    unit_spread : ndarray or None
    never_above_zero : bool
    saturated, at_upper_end : float
        Shares of the values at the ends of a bounded activation.
    pca_error : float or None
        Of PCA with as many components, where that can be compared.
    dead_by_layer : dict
        Rectified units that never rise above 0, and all units, by layer.
    zero_kernels : tuple of str
    hidden_activations : tuple of str
        Of all layers before the last one that has any.
    variational : bool
    kl_of_units : ndarray or None
    kl : float
        Nats a row.
    kl_weight : float or None
        What the training charges for a nat, where the model's own penalty is that of the KL term.
    silent_units : int
    code_reach : float
        Root mean square of the codes, in standard deviations of the prior, over the units that carry something.
    loudness, unit_spread_median, decoder_weights : float or None
        Spread of the units for each unit of the weights that read them; for data of small numbers divided by that of PCA with
        as many units, whose weights have the length 1; that spread, and the length of those weights.
    follows : float or None
        How much of the reconstruction follows the narrowest layer, 0 to 1.
    narrow_layer : str or None
    """

    code_size: int | None = None
    code_layer: str | None = None
    code_activation: str | None = None
    code_is_map: bool = False
    code_is_discrete: bool = False
    code_is_recurrent: bool = False
    code_units: int = 0
    constant_units: int = 0
    unit_spread: np.ndarray | None = None
    never_above_zero: bool = False
    saturated: float = 0.0
    at_upper_end: float = 0.0
    pca_error: float | None = None
    dead_by_layer: dict = field(default_factory=dict)
    zero_kernels: tuple = ()
    hidden_activations: tuple = ()
    variational: bool = False
    kl_of_units: np.ndarray | None = None
    kl: float = 0.0
    kl_weight: float | None = None
    silent_units: int = 0
    code_reach: float = 1.0
    loudness: float | None = None
    unit_spread_median: float | None = None
    decoder_weights: float | None = None
    follows: float | None = None
    narrow_layer: str | None = None


def code(e, data, output, ladder):
    """Find the code; measure which of its units and of the hidden ones never change, how loud it is, what passes beside it."""
    probe, x = e.probe, e.x_test
    if not probe.inside:
        codes = probe.codes(x)
        return Code() if codes is None else Code(**_of_codes(e, ladder, codes, None, None, [], None), code_layer="encode")
    distribution = places.find_distribution(probe, e.x_train)
    place = places.find_code(probe, x, e.code_name)
    codes, means, log_variances, low, high, calls = [], [], [], {}, {}, []
    rows = some(x, 1_000)
    for start in range(0, number_of(rows), PIECE):
        _, calls = probe.trace(take(rows, slice(start, start + PIECE)))
        if distribution is not None:
            mean, log_variance = distribution.read(calls)
            means.append(mean)
            log_variances.append(log_variance)
        if place is not None and probe.encode is None:
            codes.append(np.asarray(place.read(calls), np.float64))
        for call in calls:
            if call.leaf and call.size:
                key, values = (call.key, call.occurrence), call.outputs[0]
                low[key] = np.minimum(low.get(key, np.inf), values.min(axis=0))
                high[key] = np.maximum(high.get(key, -np.inf), values.max(axis=0))
    about = {
        "dead_by_layer": _dead_units(calls, high),
        "zero_kernels": tuple(
            name for name, w in probe.weights().items() if name in probe.trainable() and w.ndim >= 2 and not w.any()
        ),
        "hidden_activations": tuple(dict.fromkeys([call.activation for call in calls if call.activation and call.leaf][:-1])),
        "variational": distribution is not None,
    }
    if distribution is not None:
        about |= _of_distribution(e, np.concatenate(means), np.concatenate(log_variances))
    if probe.encode is not None:
        return Code(**about, **_of_codes(e, ladder, probe.codes(x), None, None, [], distribution), code_layer="encode")
    if place is None:
        # Of a mean and a spread side by side, the spread may change nothing though all passes through the code.
        narrow = distribution.mean if distribution is not None else places.narrowest(probe, x)
        if narrow is not None:
            call = narrow.find(calls)
            about |= {"narrow_layer": call.name, "follows": _follows(probe, x, narrow, distribution)}
        return Code(**about)
    found = place.find(calls)
    leaf = next(
        (
            c
            for c in calls
            if c.leaf
            and c.outputs
            and c.outputs[0].shape == found.outputs[0].shape
            and np.array_equal(c.outputs[0], found.outputs[0])
        ),
        found,
    )
    values = np.concatenate(means) if distribution is not None else np.concatenate(codes)
    # Where all passes through something smaller than the row, nothing that matters passes beside it.
    roomy = _size(found) >= data.cells
    narrow = places.narrowest(probe, x) if distribution is None and roomy else None
    aside = None if narrow is None else narrow.find(calls)
    if aside is None or 2 * _size(aside) > _size(found):
        narrow, aside = place, leaf
    # What is much narrower than the code, through which all passes, is passed by.
    about |= {"follows": _follows(probe, x, narrow, distribution), "narrow_layer": _name_of(aside, calls)}
    return Code(**about, **_of_codes(e, ladder, values, found, leaf, calls, distribution), code_layer=_name_of(leaf, calls))


def _follows(probe, x, place, distribution):
    """Return how much of a reconstruction follows a place; a variational decoder may read what is drawn, and not the mean."""
    ways = [place] if distribution is None else [place, distribution.drawn]
    shares = [places.share_that_follows(probe, x, way) for way in ways]
    return max((share for share in shares if share is not None), default=None)


def _size(call):
    """Return the numbers that a call gives for each row, of its first output."""
    return int(np.prod(call.outputs[0].shape[1:]))


def _name_of(leaf, calls):
    """Return the name of a layer; of an operation between layers, that of the layer before it."""
    if not isinstance(leaf.key, tuple):
        return leaf.name
    before = [call.name for call in calls[: calls.index(leaf)] if call.leaf and not isinstance(call.key, tuple)]
    return before[-1] if before else leaf.name


def _of_codes(e, ladder, codes, found, leaf, calls, distribution):
    codes = codes.astype(float)
    spread, width = codes.std(axis=0), np.abs(codes).max(axis=0)
    # A convolution's unit is a channel: in the corners of images that are black there, its value never changes.
    constant = spread <= DEAD_SPREAD * np.maximum(width, 1e-6)
    is_map = codes.ndim > 2
    axes = _beside_units(-1 if leaf is None else leaf.unit_axis, spread.ndim)
    if is_map:
        constant, spread = constant.all(axis=axes), spread.mean(axis=axes)
    activation = None if leaf is None else leaf.activation
    facts = {
        "code_size": int(np.prod(codes.shape[1:])),
        "code_activation": activation,
        "code_is_map": is_map,
        "code_is_discrete": _few_values(codes, flat(some(e.target_test, len(codes)))),
        "code_is_recurrent": any(call.recurrent for call in calls),
        "code_units": int(constant.size),
        "constant_units": int(constant.sum()),
        "unit_spread": spread.ravel(),
        "never_above_zero": bool((codes <= 0).all()),
    }
    slope = ACTIVATIONS[activation].slope if activation else None
    if slope is not None and distribution is None:
        at_end = slope(codes) < FLAT
        facts |= {"saturated": float(at_end.mean()), "at_upper_end": float((at_end & (codes > 0.5)).mean())}
    facts |= _loudness(e, calls, found, spread, constant)
    # Of a few rows PCA knows nearly all by heart, which says nothing of a code of that size.
    size, known = facts["code_size"], ladder.components
    enough = len(e.all_targets) >= ROWS_A_COMPONENT * min(size, known)
    # Of long rows only the first components are known; where all are, a larger code has nothing more to keep.
    whole = size <= known or flat(e.target_test).shape[1] <= FULL_PCA
    facts["pca_error"] = float(ladder.pca_errors[min(size, known)]) if whole and enough and not e.sparse else None
    return facts


def _beside_units(unit_axis, dimensions):
    """Return the axes of one row's output over which the units of a layer are repeated; ``unit_axis`` counts the rows' axis."""
    unit = unit_axis - 1 if unit_axis > 0 else dimensions - 1
    return tuple(axis for axis in range(dimensions) if axis != unit)


def _dead_units(calls, high):
    """Count the rectified units that never rise above 0, in each layer."""
    dead = {}
    for call in calls:
        key = (call.key, call.occurrence)
        if key in high and call.activation in ("relu", "relu6"):
            off = (high[key] <= 0).all(axis=_beside_units(call.unit_axis, high[key].ndim))
            dead[_name_of(call, calls)] = (int(off.sum()), int(off.size))
    return dead


def _of_distribution(e, mean, log_variance):
    with np.errstate(over="ignore"):
        kl = ((np.exp(log_variance) + mean**2 - 1 - log_variance) / 2).mean(axis=0)
        reach = np.square(mean).mean(axis=0) + np.exp(log_variance).mean(axis=0)
    penalty = e.probe.penalty(some(e.x_test, 1_000))
    carries = mean.var(axis=0) >= SILENT
    total = float(kl.sum())
    return {
        "kl_of_units": kl,
        "kl": total,
        "silent_units": int((~carries).sum()),
        "kl_weight": penalty / total if penalty and total > 1e-5 else None,
        "code_reach": float(np.sqrt(reach[carries].mean())) if carries.any() else 1.0,
    }


def _few_values(codes, rows):
    """Whether the units of a code have a few values each, and the rows more: bits, signs, the entries of a codebook."""
    units = codes.reshape(len(codes), -1)
    units = units[:, np.ptp(units, axis=0) > 0][:, :DISCRETE_UNITS]
    if not units.size:
        return False
    values = [column[column != 0] for column in units.T]  # of a sparse code the zeros say nothing
    different = len(np.unique(rows, axis=0))
    if different < FEW_ROWS:
        return False
    known = [len(np.unique(v)) / min(len(v), different) for v in values if len(v) >= DISCRETE_ROWS]
    return bool(known) and float(np.median(known)) < FEW_VALUES


def _loudness(e, calls, found, spread, constant):
    """Compare how far the units of the code move with the weights that the decoder multiplies them by."""
    after = calls[calls.index(found) + 1 :] if found is not None else []
    reader = next((call for call in after if call.leaf and call.mixes), None)
    if reader is None or reader.kernel is None or spread.ndim != 1 or constant.all() or reader.kernel.shape[0] != len(spread):
        return {}
    weights = np.linalg.norm(reader.kernel.astype(float), axis=1)
    target = flat(e.target_test).astype(float)
    alike = np.sqrt(target.var(axis=0).sum() / len(spread))
    return {
        "loudness": float(np.median(spread[~constant] / np.maximum(weights[~constant], TINY)) / max(min(alike, 1.0), TINY)),
        "unit_spread_median": float(np.median(spread[~constant])),
        "decoder_weights": float(np.median(weights)),
    }
