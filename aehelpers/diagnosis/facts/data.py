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
    kind, framework : str
    rows, cells : int
        Rows of the training, all of them, and numbers in each.
    separate_test : bool
    one_row : bool
        Whether all rows of the training are the same.
    image_low, image_high : float
        Ends of the targets, of both sets.
    column_spreads, column_means : ndarray
        Standard deviation and mean of each number over the targets of the training.
    two_valued : ndarray of bool
        Columns of a table with two values only, such as the categories of a one-hot column.
    scale_ratio : float
        Largest spread of a column, divided by that of the median one of those that vary.
    spread_of_mean : float
        Spread of a column divided by the size of its mean, the median over those that vary.
    outliers : list of (int, int)
        Row and column of the test rows' values that are far from everything else, at most 20; of tables and of series.
    shift, stretch : float
        How far the means of the test columns lie from those of the training, in their spreads, and how their spreads compare;
        the median over the columns.
    scaled_apart : bool
        Whether both sets of a table have means of 0 and spreads of 1 (or ends at 0 and 1) so exactly that each was scaled by
        itself.
    drift : float
        How far the mean of the test rows lies from that of the training along their first ten principal components, in the
        spreads there, the largest; of a table with every column in its own spread.
    exchanged : float
        Share of test rows whose target is not their own input, but exactly that of another row.
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
    train, test = flat(e.all_targets), flat(e.target_test)
    means, spreads = _moments(train)
    varies = spreads > DEAD_SPREAD * np.maximum(np.abs(means), 1e-6)
    middle = float(np.median(spreads[varies])) if varies.any() else 0.0
    size = np.abs(means)[varies]
    known = _Columns.of(train)
    shift, stretch = _compared(known, test, varies) if e.separate else (0.0, 1.0)
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
        two_valued=_two_valued(train) if e.kind == "table" else np.zeros(train.shape[1], bool),
        scale_ratio=float(spreads.max() / middle) if middle else 1.0,
        spread_of_mean=float(np.median(spreads[varies] / np.maximum(size, TINY))) if varies.any() else 1.0,
        outliers=_outliers(known, test, spreads) if e.kind in ("table", "series") else [],
        shift=shift,
        stretch=stretch,
        scaled_apart=e.separate and e.kind == "table" and _scaled_apart(train, test, varies),
        drift=_drift(known, test, means, spreads, varies, e.kind == "table") if e.separate else 0.0,
        exchanged=_exchanged(e),
    )


_PIECE = 1_000  # rows that are float64 at once


def _moments(train):
    """Return means and spreads of the columns of all rows, without a copy of them in float64."""
    means = train.mean(axis=0, dtype=float)
    squares = sum(
        np.square(train[start : start + _PIECE] - means).sum(axis=0, dtype=float) for start in range(0, len(train), _PIECE)
    )
    return means, np.sqrt(squares / len(train))


_SAMPLE, _NUMBERS = 5_000, 4_000_000  # rows whose quantiles are taken, and numbers in them; of very long rows 500


@dataclass(frozen=True)
class _Columns:
    """Rows of the training, at most some 5,000, and what their columns have below and above, but for one row in 100."""

    rows: np.ndarray
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, train):
        rows = some(train, min(_SAMPLE, max(_NUMBERS // train.shape[1], 500))).astype(float)
        return cls(rows, *np.quantile(rows, (1 - QUANTILE, 0.5, QUANTILE), axis=0))

    def clipped(self, part, times):
        """Return rows of which one outlier does not decide: cut off so many times that distance below and above."""
        beyond = times * (self.high - self.low)
        return np.clip(part, self.low - beyond, self.high + beyond)


def _two_valued(train):
    return ((train == train.min(axis=0)) | (train == train.max(axis=0))).all(axis=0)


FAR_OUT = 12  # times the distance of the 1st or 99th percentile from the median


def _outliers(known, test, spreads):
    reach = np.maximum(known.high - known.middle, known.middle - known.low)
    many = reach > 0.05 * spreads  # a column that is nearly always 0 has no such percentile
    far = (np.abs(test - known.middle) > FAR_OUT * np.maximum(reach, TINY)) & many
    return [(int(row), int(column)) for row, column in np.argwhere(far)][:20] if far.any(axis=1).mean() < 0.02 else []


def _compared(known, test, varies):
    """Return shift and stretch of the test rows against those of the training, medians over the columns that vary."""
    if not varies.any() or len(test) < 2:
        return 0.0, 1.0
    train, test = (known.clipped(part, 20)[:, varies] for part in (known.rows, test))
    spread = np.maximum(train.std(axis=0), TINY)
    shift = (test.mean(axis=0) - train.mean(axis=0)) / spread
    return float(np.median(np.abs(shift))), float(np.median(test.std(axis=0) / spread))


_DIRECTIONS = 10


def _drift(known, test, means, spreads, varies, own_spreads):
    if varies.sum() < 2 or len(known.rows) < 20 or len(test) < 2:
        return 0.0
    divisor = spreads[varies] if own_spreads else 1.0
    train, test = ((known.clipped(part, 1)[:, varies] - means[varies]) / divisor for part in (some(known.rows, ROWS), test))
    scores = PCA(min(_DIRECTIONS, *train.shape), svd_solver="randomized", random_state=0).fit(train)
    seen, other = scores.transform(train), scores.transform(test)
    return float(np.max(np.abs(other.mean(axis=0) - seen.mean(axis=0)) / np.maximum(seen.std(axis=0), TINY)))


def _scaled_apart(train, test, varies):
    if len(test) < 10 or varies.sum() < 3 or len(np.unique(train[:50, varies])) < 50:
        return False
    train, test = train[:, varies], test[:, varies]
    return any(form(train) and form(test) for form in (_standardized, _stretched))


def _standardized(part):
    means, spreads = _moments(part)
    return bool((np.abs(means) < 1e-4).all() and (np.abs(spreads - 1) < 2 / len(part)).all())


def _stretched(part):
    """Whether each column goes from 0 to 1, and most of them stand at an end once: what was cut off stands there often."""
    at_low, at_high = np.abs(part) < 1e-6, np.abs(part - 1) < 1e-6
    ends = (part.min(axis=0) > -1e-6) & (part.max(axis=0) < 1 + 1e-6) & at_low.any(axis=0) & at_high.any(axis=0)
    between = ~(at_low | at_high).all(axis=0)  # a column of zeros and ones has no other ends
    once = ((at_low.sum(axis=0) == 1) | (at_high.sum(axis=0) == 1)) & between  # counts have many zeros
    return bool(ends.all() and once.sum() > between.sum() / 2)


def _exchanged(e):
    """Return the share of test rows whose target is, exactly, another row of the input: the pairs were exchanged."""
    if not isinstance(e.x_test, np.ndarray) or e.x_test.shape != e.target_test.shape or e.own_target:
        return 0.0
    x, target = (np.ascontiguousarray(flat(part), np.float32) for part in (e.x_test, e.target_test))
    inputs = {row.tobytes() for row in x}
    other = (x != target).any(axis=1)  # of equal rows, each is the other's target too
    return float(np.mean([is_other and row.tobytes() in inputs for row, is_other in zip(target, other, strict=True)]))
