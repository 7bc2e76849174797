"""Other rows, turned targets and other scales: does one of them fit better than what was handed over?"""

import numpy as np
from aehelpers.diagnosis.facts.examination import TINY, squared_error
from aehelpers.diagnosis.rows import channels_last, flat, some
from scipy.optimize import linear_sum_assignment


def other_rows(e, data):
    """Compare reconstructions with other targets than their own: other rows, and the own one turned."""
    made, wanted = (flat(some(part, 500)).astype(float) for part in (e.made, e.target_test))
    own = np.square(made - wanted).mean(axis=1)
    found = {
        "own_row_error": float(np.median(own)),
        "other_row_error": float(np.median(own)),
        "turned": "",
        "turned_error": np.inf,
    }
    if len(made) > 1:
        apart = (np.square(made).sum(axis=1)[:, None] + np.square(wanted).sum(axis=1) - 2 * made @ wanted.T) / made.shape[1]
        np.fill_diagonal(apart, np.inf)
        found["other_row_error"] = float(np.median(apart.min(axis=1)))
    turned = _turned(e, data)
    errors = {name: squared_error(np.ascontiguousarray(x).reshape(e.made.shape), e.made) for name, x in turned.items()}
    if errors:
        found["turned"] = min(errors, key=errors.get)
        found["turned_error"] = errors[found["turned"]]
    return found


_MOST_COLUMNS = 500  # whose order is looked for
_SHIFTS = (1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6)  # steps of a series


def _turned(e, data):
    target = e.target_test
    turned = {"inverted": data.image_low + data.image_high - target} if e.kind == "images" else {}
    if e.kind == "series":
        turned |= _turned_in_time(target, getattr(e.probe, "time_axis", 1))
    pictures = channels_last(target) if e.kind == "images" else None
    if pictures is not None:
        back = (lambda x: np.moveaxis(x, -1, 1)) if pictures.shape != target.shape and target.ndim == 4 else lambda x: x
        flips = {"mirrored": pictures[:, :, ::-1], "upside down": pictures[:, ::-1], "rotated": pictures[:, ::-1, ::-1]}
        if pictures.shape[1] == pictures.shape[2]:
            flips["transposed"] = np.swapaxes(pictures, 1, 2)
        turned |= {name: back(x) for name, x in flips.items()}
    channels = _channels(e)
    if channels is not None and 1 < target.shape[channels] <= _MOST_COLUMNS:
        order = _best_order(e.made, target, channels)
        if (order != np.arange(len(order))).any():
            name = "columns" if e.kind == "table" else "channels"
            turned[f"with their {name} in another order"] = np.take(target, order, channels)
    return turned


def _channels(e):
    """Return the axis of the columns of a table, or of the channels of pictures and series; None where there is none."""
    shape = e.target_test.shape
    if e.kind == "table":
        return 1 if len(shape) == 2 else None
    if e.kind == "series":
        return 3 - getattr(e.probe, "time_axis", 1) % 3 if len(shape) == 3 else None
    pictures = channels_last(e.target_test) if e.kind == "images" else None
    if pictures is None or pictures.ndim != 4 or len(shape) != 4:
        return None
    return 3 if pictures.shape == shape else 1


def _best_order(made, target, axis):
    """Return the order of the target's columns that the reconstructions fit best."""
    made, target = (np.moveaxis(part, axis, 0).reshape(part.shape[axis], -1).astype(float) for part in (made, target))
    apart = np.square(made).sum(axis=1)[:, None] + np.square(target).sum(axis=1) - 2 * made @ target.T
    return linear_sum_assignment(apart)[1]


def _turned_in_time(target, axis):
    """Return series turned; of those with channels, ``axis`` says whether steps or channels come first."""
    axis = axis % 3 if target.ndim == 3 else 1
    steps = target.shape[axis]
    if steps <= 3:
        return {}
    return {"reversed in time": np.flip(target, axis)} | {
        f"shifted by {abs(k)} step{'s' if abs(k) > 1 else ''} {'later' if k > 0 else 'earlier'}": np.roll(target, k, axis)
        for k in _SHIFTS
        if abs(k) < steps // 3
    }


def rescaled(e, data, left):
    """Hand the model its rows on other scales: which of them suits it much better?"""
    nothing = {"rescaled": "", "rescaled_error": np.inf}
    if left < 0.5 or data.one_row or not e.own_target or not isinstance(e.x_test, np.ndarray) or e.kind == "tokens":
        return nothing
    x = some(e.x_test, 300).astype(np.float32)
    size = max(abs(data.image_low), abs(data.image_high), TINY)
    ways = {}
    if size > 1.5:
        ways["divided by 255"] = x / 255
    if size < 0.05:
        ways |= {"multiplied by 255": x * 255}
    if data.image_low < -0.05:
        ways["brought from [-1, 1] to [0, 1]"] = (x + 1) / 2
    if data.image_low >= 0 and data.image_high <= 1:
        ways["brought from [0, 1] to [-1, 1]"] = 2 * x - 1
    ways["divided by their largest value"] = x / size
    mean, spread = e.all_targets.mean(dtype=float), max(float(e.all_targets.std(dtype=float)), TINY)
    ways["standardized"] = ((x - mean) / spread).astype(np.float32)
    if e.kind == "table":
        columns = np.maximum(data.column_spreads, TINY).reshape(x.shape[1:])
        ways["standardized column by column"] = ((x - data.column_means.reshape(x.shape[1:])) / columns).astype(np.float32)
    best = dict(nothing)
    for name, brought in ways.items():
        made = e.probe.run(brought)
        total = float(np.square(brought - brought.mean(axis=0)).mean())
        error = float(np.square(made - brought).mean()) / max(total, TINY)
        # Two names of one scale differ by rounding: the first is the one that the reader knows.
        if np.isfinite(error) and error < 0.99 * best["rescaled_error"]:
            best = {"rescaled": name, "rescaled_error": error}
    return best
