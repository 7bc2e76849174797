"""Rows of any kind: images, rows of a table, series, tokens; what they are, and how messages call them and their numbers."""

import math
from dataclasses import dataclass

import keras
import numpy as np
from aehelpers.pictures import as_grids
from aehelpers.validation import SHOWN

KINDS = ("images", "table", "series", "tokens")

_MOST_DIMENSIONS = 6
_SMOOTH = 0.7  # correlation of neighbouring numbers: of series, hardly ever of a table's columns
_SMOOTH_DOWN = 0.35  # the same of a picture's pixels, one above the other
_SMOOTH_ALONG = 0.2  # and of those side by side, which are strokes apart in small pictures
# How much more alike neighbours are than columns far apart, of what those leave: a factor common to all is no order.
_NEARER = 0.35
_BREAK = 0.85  # how alike the two sides of a line's end are, of how alike neighbours within a line are
_PAIRS = 60  # of columns far apart
_LONG = 20  # columns: a table whose neighbours are alike and that has as many is a series


@dataclass(frozen=True)
class Words:
    """How one kind of rows is called in sentences."""

    a_row: str
    row: str
    rows: str
    cell: str
    cells: str
    mean: str


WORDS = {
    "images": Words("an image", "image", "images", "pixel", "pixels", "mean image"),
    "table": Words("a row", "row", "rows", "column", "columns", "mean row"),
    "series": Words("a series", "series", "series", "value", "values", "mean series"),
    "tokens": Words("a row", "row", "rows", "position", "positions", "mean row"),
}


def some(x, count):
    """Return at most so many rows, spread evenly over all; of one array, or of each in a tuple, list or dict."""
    if number_of(x) <= count:
        return x
    return take(x, np.linspace(0, number_of(x) - 1, count).astype(int))


def take(x, rows):
    return keras.tree.map_structure(lambda part: part[rows], x)


def number_of(x):
    return len(parts(x)[0])


def parts(x):
    """Return the arrays of one input or of several, in a list."""
    return keras.tree.flatten(x)


def flat(x):
    return x.reshape(len(x), -1)


class Rows:
    """An array with a row for each example, of two to six dimensions; or, with ``several``, a tuple, list or dict of such.

    Whole numbers stay whole, for they may be tokens; all others become float32.
    """

    def __init__(self, several=False):
        self.several = several

    def __call__(self, value, name):
        if not self.several or not _is_several(value):
            return _array(value, name)
        inside = {
            key: _array(part, f"{name}[{key!r}]", least=1)  # one number for each row, such as its label
            for key, part in (value if isinstance(value, dict) else dict(enumerate(value))).items()
        }
        lengths = {len(part) for part in inside.values()}
        if len(lengths) > 1:
            raise ValueError(f"the arrays of {name} must have one number of rows, but they have {sorted(lengths)}")
        return inside if isinstance(value, dict) else tuple(inside.values())


def _is_several(value):
    if isinstance(value, (dict, tuple)):
        return len(value) > 0
    # A list may also be rows that were never made an array: then all are alike.
    arrays = (
        isinstance(value, list) and 2 <= len(value) <= 8 and all(np.ndim(part) and hasattr(part, "shape") for part in value)
    )
    return arrays and len({np.shape(part) for part in value}) > 1


def _array(value, name, least=2):
    hint = _hint_for(value)
    if hint:
        raise TypeError(f"{name} must be an array with a row for each example, but it is a {type(value).__name__}; {hint}")
    if type(value).__module__.split(".")[0] == "torch":
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value)
    except ValueError as error:  # rows of several lengths, for example
        raise ValueError(
            f"{name} must be an array, but none can be made of it: {error}; rows of different lengths must be filled up to "
            "one length first"
        ) from error
    if array.dtype.kind not in "fiub":
        hint = (
            "; turn words into numbers first, for example with keras.layers.TextVectorization"
            if array.dtype.kind in "UO"
            else ""
        )
        raise TypeError(f"{name} must hold real numbers, but its dtype is {array.dtype}{hint}")
    if not least <= array.ndim <= _MOST_DIMENSIONS:
        raise ValueError(
            f"{name} must have {least} to {_MOST_DIMENSIONS} dimensions, a row for each example, but its shape is {array.shape}"
        )
    if 0 in array.shape:
        raise ValueError(f"{name} must hold at least one row of at least one number, but its shape is {array.shape}")
    if array.dtype.kind in "iub":
        return array
    with np.errstate(over="ignore", invalid="ignore"):  # the error below says it better than a warning
        array = array.astype(np.float32, copy=False)
        if not np.isfinite(array.sum(dtype=np.float64)):
            where = np.argwhere(~np.isfinite(array))[0]
            raise ValueError(
                f"{name} must be finite, but it has NaN or infinite values in "
                f"{int((~np.isfinite(flat(array))).any(axis=1).sum())} "
                f"row(s), the first at {tuple(map(int, where))}; leave those rows out, or fill the gaps"
            )
    return array


def _hint_for(value):
    name = type(value).__name__
    if name == "DataLoader":
        return "collect it: np.concatenate([np.asarray(batch[0]) for batch in loader])"
    if "Dataset" in name:
        return "collect it: np.concatenate([np.asarray(batch) for batch in dataset])"
    if isinstance(value, str):
        return f"load the file first, for example np.load({value[:SHOWN]!r})"
    return ""


def names_of(value):
    """Return the names of a table's columns, if it has any (a DataFrame), else their numbers as text."""
    columns = getattr(value, "columns", None)
    return None if columns is None else [str(name) for name in columns]


def kind_of(x, sequential, tokens):
    """Return which kind of rows an array holds; ``sequential`` and ``tokens`` say what the model's layers tell of it."""
    if tokens and x.dtype.kind in "iub":
        return "tokens"
    if x.ndim >= 4:
        return "images"
    if x.ndim == 3:
        side = min(x.shape[1:])
        return "images" if not sequential and side >= 8 and x.shape[1] == x.shape[2] else "series"
    if sequential:
        return "series"
    width = flat(x).shape[1]
    for channels in (1, 3):
        root = math.isqrt(width // channels)
        if root >= 5 and root * root * channels == width and _has_lines(x.reshape(-1, root, root, channels)):
            return "images"
    return "series" if width >= _LONG and _smooth(x, _SMOOTH) else "table"


def _has_lines(grids):
    """Whether rows that may be images, (images, side, side, channels), are alike downwards, and break off at a line's end."""
    grids = some(grids, 500).astype(float)
    if not _smooth(grids, _SMOOTH_DOWN):
        return False
    along = _correlations(grids[:, :, :-1], grids[:, :, 1:])
    if np.isnan(along).all():
        return False
    # From the end of a line to the beginning of the next: a series goes on there; of pictures, much of the frame is empty.
    across = np.median(np.nan_to_num(_correlations(grids[:, :-1, -1], grids[:, 1:, 0])))
    within = np.nanmedian(along)
    return bool(within > _SMOOTH_ALONG and across < _BREAK * within)


def _smooth(x, least):
    """Whether neighbours along the columns go up and down together, over the rows, and more than such far apart."""
    x = some(x, 500).astype(float)
    length = x.shape[1]
    first, second = np.random.default_rng(0).integers(0, length, (2, 10 * _PAIRS))
    away = np.abs(first - second) > length / 3
    near, far = _correlations(x[:, :-1], x[:, 1:]), _correlations(x[:, first[away][:_PAIRS]], x[:, second[away][:_PAIRS]])
    if np.isnan(near).all():
        return False
    middle, common = float(np.nanmedian(near)), 0.0 if np.isnan(far).all() else max(float(np.nanmedian(far)), 0.0)
    # A factor that has columns of both signs makes some neighbours alike and others opposite.
    return middle > least and np.nanquantile(near, 0.25) > 0 and middle - common > _NEARER * (1 - common)


def _correlations(first, second):
    """Return the correlation of each column of one array with that of the other, NaN where one of them does not vary."""
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    both = np.sqrt(np.square(first).sum(axis=0) * np.square(second).sum(axis=0))
    return np.divide((first * second).sum(axis=0), both, out=np.full(both.shape, np.nan), where=both > 0)


def channels_last(images):
    """Return images as (images, height, width[, channels]), also those of PyTorch; None where they have no such form."""
    if images.ndim > 4:
        return None
    if images.ndim == 4 and images.shape[1] in (1, 3, 4) and images.shape[3] not in (1, 3, 4):
        return np.moveaxis(images, 1, -1)
    return as_grids(images)
