"""What the model gives, and whether it runs at all."""

import contextlib
from dataclasses import dataclass

import numpy as np
from aehelpers.diagnosis.facts.examination import DEAD_SPREAD, TINY, mean_error, said, squared_error
from aehelpers.diagnosis.facts.reach import reachable
from aehelpers.diagnosis.rows import flat, number_of, parts, some, take
from aehelpers.pictures import as_grids
from scipy.special import expit, softmax

ALONE = 8  # rows that are also handed over one by one


@dataclass(frozen=True)
class Output:
    """What the model gives.

    Attributes
    ----------
    raises : str
        What it said where it could not run; then all others are empty.
    fitting : str
        An expression that brings the rows to a shape that it takes, if one was found.
    not_finite_weights : list of str
    not_finite_rows : float
        Share of the reconstructions with NaN or infinite values.
    output_low, output_high, reachable_low, reachable_high : float
        Ends of what it gave, and of what its last layers can give at all.
    last_activation : str or None
    unreachable : float
        Error of the targets when they are cut off at what the output can reach, as a share of the mean row's error.
    adds_up_to_one : bool
        Whether the numbers of a reconstruction add up to 1, over all of them, where those of the target do not.
    target_sum : float
    share_outside : float
        Of the raw output outside [-0.25, 1.25].
    raw_error, error_after_sigmoid : float
    logits : bool
    takes_logits : bool
        Whether the loss says that it takes logits.
    depends_on_batch : float
        How much a reconstruction changes when its row is handed over alone, in the variance of the reconstructions.
    """

    raises: str = ""
    fitting: str = ""
    not_finite_weights: tuple = ()
    not_finite_rows: float = 0.0
    output_low: float = 0.0
    output_high: float = 0.0
    reachable_low: float = -np.inf
    reachable_high: float = np.inf
    last_activation: str | None = None
    unreachable: float = 0.0
    adds_up_to_one: bool = False
    target_sum: float = 0.0
    share_outside: float = 0.0
    raw_error: float = 0.0
    error_after_sigmoid: float = 0.0
    logits: bool = False
    takes_logits: bool = False
    depends_on_batch: float = 0.0

    @property
    def unusable(self):
        """Whether there is nothing that could be measured any further."""
        return bool(self.raises or self.not_finite_weights or self.not_finite_rows)


def output(e, data):
    """Run the model; note what it raises, what is not finite, and which values its output can have."""
    try:
        wanted = e.probe.wanted_shape()
        if wanted is not None and not _takes(wanted, parts(e.x_test)[0].shape[1:]) and len(parts(e.x_test)) == 1:
            raise ValueError(
                f"it takes {e.words.rows} of shape {wanted}, and these have the shape {parts(e.x_test)[0].shape[1:]}"
            )
        raw = e.probe.run(e.x_test)
    except Exception as error:  # whatever a model says: it is a finding
        return Output(raises=said(error), fitting=_fitting(e))
    weights = [name for name, weight in e.probe.weights().items() if weight.dtype.kind == "f" and not np.isfinite(weight).all()]
    not_finite = float((~np.isfinite(flat(raw))).any(axis=1).mean())
    finite = raw[np.isfinite(raw)]
    ends = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    made, calls = e.probe.trace(take(e.x_test, slice(0, 2))) if e.probe.inside else (None, [])
    low, high, last = reachable(calls, *ends, made)
    about = {
        "output_low": ends[0],
        "output_high": ends[1],
        "reachable_low": low,
        "reachable_high": high,
        "last_activation": last,
        "unreachable": _unreachable(e, data, low, high),
    }
    if weights or not_finite:
        return Output(not_finite_weights=tuple(weights), not_finite_rows=not_finite, **about)
    sums, target_sum = flat(raw).sum(axis=1, dtype=float), float(flat(e.target_test).sum(axis=1, dtype=float).mean())
    error, with_sigmoid = squared_error(e.target_test, raw), squared_error(e.target_test, expit(raw))
    outside = float(((raw < -0.25) | (raw > 1.25)).mean())
    unit = data.image_low >= 0 and data.image_high <= 1
    takes_logits = _takes_logits(e.told_loss)
    # Bright pictures and a linear output that has hardly learned look alike: then a sigmoid changes little.
    logits = unit and outside > 0.05 and with_sigmoid < 0.5 * error and (takes_logits or with_sigmoid < mean_error(e))
    if e.sparse:  # one number for each token: what is their softmax is known without any loss
        logits, e.as_values = False, (lambda made: made) if np.abs(raw.sum(axis=-1) - 1).max() < 1e-3 else _shares
    elif logits:
        e.as_values = expit
    return Output(
        adds_up_to_one=bool(np.abs(sums - 1).max() < 1e-3 and raw.min() >= 0 and raw[0].size > 1),
        target_sum=target_sum,
        share_outside=outside,
        depends_on_batch=_depends_on_batch(e, raw),
        raw_error=error,
        error_after_sigmoid=with_sigmoid,
        logits=bool(logits),
        takes_logits=takes_logits,
        **about,
    )


def _shares(logits):
    return softmax(logits, axis=-1)


def _depends_on_batch(e, raw):
    """Compare what becomes of a row alone and among others, outside training mode."""
    variance = float(raw.var(axis=0).mean())
    if len(raw) < 2 or variance <= DEAD_SPREAD * max(float(np.abs(raw).max()), TINY):
        return 0.0
    several = some(e.x_test, ALONE)
    try:
        alone = np.concatenate([e.probe.run(take(several, slice(one, one + 1))) for one in range(number_of(several))])
    except Exception:  # a model that takes no single row
        return 0.0
    among, again = e.probe.run(several), e.probe.run(several)
    drawn = squared_error(again, among)  # a model that draws at random, also outside training mode
    return max(squared_error(alone, among) - 2 * drawn, 0.0) / variance


def _unreachable(e, data, low, high):
    target = e.target_test.astype(float)
    whole = float(target.var()) if data.one_row else mean_error(e)
    return squared_error(target, np.clip(target, low, high)) / max(whole, TINY)


def _takes(wanted, shape):
    return len(wanted) == len(shape) and all(a in (None, b) for a, b in zip(wanted, shape, strict=True))


# How rows are brought to the shape that a model takes; of those that work, the first is named.
_FITTINGS = {
    "x[..., None]": lambda x: x[..., None],
    "x[:, None]": lambda x: x[:, None],
    "x.reshape(len(x), -1)": flat,
    "x[..., 0]": lambda x: x[..., 0],
    "x[:, 0]": lambda x: x[:, 0],
    "np.moveaxis(x, -1, 1)": lambda x: np.moveaxis(x, -1, 1),
    "np.moveaxis(x, 1, -1)": lambda x: np.moveaxis(x, 1, -1),
}


def _fitting(e):
    x = parts(e.x_test)[0]
    ways = dict(_FITTINGS)
    if (grids := as_grids(flat(x)[:1])) is not None:
        side = grids.shape[1]
        ways |= {
            f"x.reshape(-1, {side}, {side}, 1)": lambda x: x.reshape(-1, side, side, 1),
            f"x.reshape(-1, 1, {side}, {side})": lambda x: x.reshape(-1, 1, side, side),
            f"x.reshape(-1, {side}, {side})": lambda x: x.reshape(-1, side, side),
        }
    wanted = e.probe.wanted_shape()
    if len(parts(e.x_test)) > 1 or not e.own_target:
        return ""
    for name, way in ways.items():
        with contextlib.suppress(Exception):  # this way it cannot run either
            brought = np.ascontiguousarray(way(x[:2]))
            if brought.shape == x[:2].shape or (wanted is not None and not _takes(wanted, brought.shape[1:])):
                continue
            made = e.probe.outputs(brought, False)
            if any(part.shape == brought.shape for part in made):
                return name
    return ""


def _takes_logits(loss):
    by_type = "WithLogits" in type(loss).__name__ or "with_logits" in getattr(loss, "__name__", "")
    by_type = by_type or type(loss).__name__ == "CrossEntropyLoss" or getattr(loss, "__name__", "") == "cross_entropy"
    return bool(by_type or getattr(loss, "from_logits", False) or getattr(loss, "_fn_kwargs", {}).get("from_logits", False))
