"""What the rows are, before any model has seen them."""

from dataclasses import dataclass

import numpy as np
from aehelpers.diagnosis.facts.examination import DEAD_SPREAD, QUANTILE, ROWS, TINY
from aehelpers.diagnosis.rows import flat, some
from sklearn.decomposition import PCA


@dataclass(frozen=True)
class Data:
    """What the rows are, before any model has seen them.

    Attributes
    ----------
    kind, rows, cells : str, int, int
        Rows of the training that are looked at, and numbers in each.
    framework : str
    separate_test : bool
    one_row : bool
        Whether all rows are the same.
    image_low, image_high : float
        Ends of the targets.
    column_spreads, column_means : ndarray
        Standard deviation and mean of each number over the targets.
    two_valued : ndarray of bool
        Columns with two values only, such as the categories of a one-hot column.
    scale_ratio : float
        Largest spread of a column, divided by that of the median one; of tables.
    spread_of_mean : float
        The median spread of a column divided by the size of its mean.
    outliers : list of (int, int)
        Row and column of the test rows' values that are far from everything else; of tables.
    shift, stretch : float
        How far the means of the test columns lie from those of the training, in their spreads, and how their spreads compare;
        the median over the columns.
    drift : float
        How far the mean of the test rows lies from that of the training along their first ten principal components, in the
        spreads there, the largest; of a table with every column in its own spread.
    scaled_apart : bool
        Whether both sets have means of 0 and spreads of 1 (or ends at 0 and 1) so exactly that each was scaled by itself.
    paired : float or None
        Share of rows whose target is another row of the input, exactly.
    """

    kind: str
    framework: str
    rows: int
    cells: int
    separate_test: bool
    one_row: bool
    image_low: float
    image_high: float
    column_spreads: np.ndarray
    column_means: np.ndarray
    two_valued: np.ndarray
    scale_ratio: float
    spread_of_mean: float
    outliers: list
    shift: float
    stretch: float
    scaled_apart: bool
    drift: float
    exchanged: float


def data(e):
    """Measure the rows."""
    train, test = flat(e.all_targets).astype(float), flat(e.target_test).astype(float)
    means, spreads = train.mean(axis=0), train.std(axis=0)
    varies = spreads > DEAD_SPREAD * np.maximum(np.abs(means), 1e-6)
    middle = float(np.median(spreads[varies])) if varies.any() else 0.0
    size = np.abs(means)[varies]
    shift, stretch = _compared(train, test, varies) if e.separate else (0.0, 1.0)
    return Data(
        kind=e.kind,
        framework=e.probe.framework,
        rows=len(train),
        cells=train.shape[1],
        separate_test=e.separate,
        one_row=not varies.any(),
        image_low=float(min(train.min(), test.min())),
        image_high=float(max(train.max(), test.max())),
        column_spreads=spreads,
        column_means=means,
        two_valued=((train == train.min(axis=0)) | (train == train.max(axis=0))).all(axis=0),
        scale_ratio=float(spreads.max() / middle) if middle else 1.0,
        spread_of_mean=float(np.median(spreads[varies] / np.maximum(size, TINY))) if varies.any() else 1.0,
        outliers=_outliers(train, test, spreads) if e.kind in ("table", "series") else [],
        shift=shift,
        stretch=stretch,
        scaled_apart=e.separate and e.kind == "table" and _scaled_apart(train, test, varies),
        drift=_drift(train, test, means, spreads, varies, e.kind == "table") if e.separate else 0.0,
        exchanged=_exchanged(e),
    )


FAR_OUT = 12  # times the distance of the 1st and 99th percentile from the median


def _outliers(train, test, spreads):
    middle = np.median(train, axis=0)
    reach = np.quantile(np.abs(train - middle), QUANTILE, axis=0)
    many = reach > 0.05 * spreads  # a column that is nearly always 0 has no such quantile
    far = (np.abs(test - middle) > FAR_OUT * np.maximum(reach, TINY)) & many
    return [(int(row), int(column)) for row, column in np.argwhere(far)][:20] if far.any(axis=1).mean() < 0.02 else []


def _compared(train, test, varies):
    """Return shift and stretch of the test rows against those of the training, medians over the columns that vary."""
    if not varies.any() or len(test) < 2:
        return 0.0, 1.0
    low, high = np.quantile(train[:, varies], (0.01, 0.99), axis=0)  # one outlier must not decide
    clip = lambda part: np.clip(part[:, varies], low - 20 * (high - low), high + 20 * (high - low))  # noqa: E731
    train, test = clip(train), clip(test)
    spread = train.std(axis=0)
    shift = (test.mean(axis=0) - train.mean(axis=0)) / np.maximum(spread, TINY)
    stretch = test.std(axis=0) / np.maximum(spread, TINY)
    return float(np.median(np.abs(shift))), float(np.median(stretch))


_DIRECTIONS = 10


def _drift(train, test, means, spreads, varies, own_spreads):
    if varies.sum() < 2 or len(train) < 20 or len(test) < 2:
        return 0.0
    divisor = spreads[varies] if own_spreads else 1.0
    low, high = np.quantile(train[:, varies], (0.01, 0.99), axis=0)  # one outlier must not decide
    train, test = (
        (np.clip(part[:, varies], 2 * low - high, 2 * high - low) - means[varies]) / divisor for part in (train, test)
    )
    train = some(train, ROWS)
    scores = PCA(min(_DIRECTIONS, *train.shape), svd_solver="randomized", random_state=0).fit(train)
    seen, other = scores.transform(train), scores.transform(test)
    return float(np.max(np.abs(other.mean(axis=0) - seen.mean(axis=0)) / np.maximum(seen.std(axis=0), TINY)))


def _scaled_apart(train, test, varies):
    if len(test) < 10 or varies.sum() < 3 or len(np.unique(train[:, varies][:50])) < 50:
        return False

    def standardized(part):
        part = part[:, varies]
        return bool((np.abs(part.mean(axis=0)) < 1e-4).all() and (np.abs(part.std(axis=0) - 1) < 2 / len(part)).all())

    def stretched(part):
        part = part[:, varies]
        return bool((np.abs(part.min(axis=0)) < 1e-6).all() and (np.abs(part.max(axis=0) - 1) < 1e-6).all())

    return any(form(train) and form(test) for form in (standardized, stretched))


def _exchanged(e):
    """Return the share of test rows whose target is, exactly, another row of the input: the pairs were exchanged."""
    if not isinstance(e.x_test, np.ndarray) or e.x_test.shape != e.target_test.shape or e.own_target:
        return 0.0
    keys = {row.tobytes(): number for number, row in enumerate(np.ascontiguousarray(flat(e.x_test)).astype(np.float32))}
    places_ = [keys.get(row.tobytes()) for row in np.ascontiguousarray(flat(e.target_test)).astype(np.float32)]
    return float(np.mean([place is not None and place != number for number, place in enumerate(places_)]))
