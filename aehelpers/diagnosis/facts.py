"""Everything that `diagnose` measures: one function a step, which returns a dataclass; what it means is decided in faults/."""

import contextlib
import functools
import re
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf
from aehelpers.baselines import fit_pca
from aehelpers.diagnosis import places
from aehelpers.diagnosis.rows import WORDS, flat, number_of, parts, some, take
from aehelpers.layers import ACTIVATIONS
from aehelpers.pictures import as_grids
from scipy.special import expit
from sklearn.decomposition import PCA

ROWS = 2_000  # of each set, on which the model runs
RECURRENT_ROWS = 500  # where each row is a loop over its steps
FOR_PCA = 10_000
FULL_PCA = 2_000  # numbers a row; of longer rows only the first components are taken
COMPONENTS = 300
PIECE = 250
ROWS_A_COMPONENT = 4
BATCH, BATCHES = 128, 4  # in training mode
DEAD_SPREAD = 1e-6  # of a unit's or an output's size
QUANTILE = 0.99
_TINY = 1e-12


@dataclass
class Examination:
    """One model and its rows while they are measured.

    Attributes
    ----------
    probe : Probe
    x_train, x_test : array, or several
        At most 2,000 rows each; the same object where no test rows were handed over.
    target_train, target_test : ndarray of float32
        What should come back for them.
    all_targets : ndarray
        What should come back for all rows of the training.
    kind : str
    told_loss : callable or None
        The loss that was handed over, or that the model was compiled with.
    before : list or dict of ndarray, or None
    code_name : str or None
    column_names : list of str, or None
    sparse : bool
        Whether targets were made from whole numbers, one-hot.
    """

    probe: object
    x_train: object
    x_test: object
    target_train: np.ndarray
    target_test: np.ndarray
    all_targets: np.ndarray
    kind: str
    told_loss: object = None
    before: object = None
    code_name: str | None = None
    column_names: list | None = None
    sparse: bool = False
    as_values: object = field(default=lambda values: values)

    @property
    def separate(self):
        return self.x_test is not self.x_train

    @property
    def words(self):
        return WORDS[self.kind]

    @property
    def own_target(self):
        """Whether the rows should come back as they are."""
        return self.target_test is self.x_test or (
            isinstance(self.x_test, np.ndarray)
            and self.x_test.shape == self.target_test.shape
            and np.array_equal(self.x_test, self.target_test)
        )

    def reconstruct(self, x):
        return self.as_values(self.probe.run(x))

    @functools.cached_property
    def made(self):
        """The reconstructions of the test rows."""
        return self.reconstruct(self.x_test)

    def column(self, number):
        """Return what a column is called in a sentence."""
        return self.column_names[number] if self.column_names and number < len(self.column_names) else str(number)


# ---------------------------------------------------------------------------------------------------------- data


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
        scale_ratio=float(spreads.max() / middle) if middle else 1.0,
        spread_of_mean=float(np.median(spreads[varies] / np.maximum(size, _TINY))) if varies.any() else 1.0,
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
    far = (np.abs(test - middle) > FAR_OUT * np.maximum(reach, _TINY)) & many
    return [(int(row), int(column)) for row, column in np.argwhere(far)][:20] if far.any(axis=1).mean() < 0.02 else []


def _compared(train, test, varies):
    """Return shift and stretch of the test rows against those of the training, medians over the columns that vary."""
    if not varies.any() or len(test) < 2:
        return 0.0, 1.0
    low, high = np.quantile(train[:, varies], (0.01, 0.99), axis=0)  # one outlier must not decide
    clip = lambda part: np.clip(part[:, varies], low - 20 * (high - low), high + 20 * (high - low))  # noqa: E731
    train, test = clip(train), clip(test)
    spread = train.std(axis=0)
    shift = (test.mean(axis=0) - train.mean(axis=0)) / np.maximum(spread, _TINY)
    stretch = test.std(axis=0) / np.maximum(spread, _TINY)
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
    return float(np.max(np.abs(other.mean(axis=0) - seen.mean(axis=0)) / np.maximum(seen.std(axis=0), _TINY)))


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


# -------------------------------------------------------------------------------------------------------- output


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
    adds_up_to_one : bool
        Whether the numbers of a reconstruction add up to 1, over all of them, where those of the target do not.
    target_sum : float
    share_outside : float
        Of the raw output outside [-0.25, 1.25].
    raw_error, error_after_sigmoid : float
    logits : bool
    takes_logits : bool
        Whether the loss says that it takes logits.
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
    adds_up_to_one: bool = False
    target_sum: float = 0.0
    share_outside: float = 0.0
    raw_error: float = 0.0
    error_after_sigmoid: float = 0.0
    logits: bool = False
    takes_logits: bool = False

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
    calls = e.probe.trace(take(e.x_test, slice(0, 2)))[1] if e.probe.inside else []
    low, high, last = reachable(calls, *ends)
    about = {
        "output_low": ends[0],
        "output_high": ends[1],
        "reachable_low": low,
        "reachable_high": high,
        "last_activation": last,
    }
    if weights or not_finite:
        return Output(not_finite_weights=tuple(weights), not_finite_rows=not_finite, **about)
    sums, target_sum = flat(raw).sum(axis=1, dtype=float), float(flat(e.target_test).sum(axis=1, dtype=float).mean())
    error, with_sigmoid = _mse(e.target_test, raw), _mse(e.target_test, expit(raw))
    outside = float(((raw < -0.25) | (raw > 1.25)).mean())
    unit = data.image_low >= 0 and data.image_high <= 1
    takes_logits = _takes_logits(e.told_loss)
    # Bright pictures and a linear output that has hardly learned look alike: then a sigmoid changes little.
    logits = unit and outside > 0.05 and with_sigmoid < 0.5 * error and (takes_logits or with_sigmoid < _mean_error(e))
    if logits:
        e.as_values = expit
    return Output(
        adds_up_to_one=bool(np.abs(sums - 1).max() < 1e-3 and raw.min() >= 0 and raw[0].size > 1),
        target_sum=target_sum,
        share_outside=outside,
        raw_error=error,
        error_after_sigmoid=with_sigmoid,
        logits=bool(logits),
        takes_logits=takes_logits,
        **about,
    )


def _mse(target, made):
    return float(np.square(target.astype(float) - made).mean())


def _mean_error(e):
    return _mse(e.target_test, np.broadcast_to(e.all_targets.mean(axis=0, dtype=float), e.target_test.shape))


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


def said(error):
    """Return the sentence of an error: Keras puts it below a line that only names the layer, in colour."""
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and "Exception encountered when calling" not in line]
    return (lines[0] if lines else type(error).__name__)[:300]


def _takes_logits(loss):
    by_type = "WithLogits" in type(loss).__name__ or "with_logits" in getattr(loss, "__name__", "")
    return bool(by_type or getattr(loss, "from_logits", False) or getattr(loss, "_fn_kwargs", {}).get("from_logits", False))


def reachable(calls, low, high):
    """Return smallest and largest value that the last layers can give, and the last activation; all numbers where unknown."""
    leaves = [call for call in calls if call.leaf]
    last = next((number for number in range(len(leaves) - 1, -1, -1) if leaves[number].mixes), None)
    names = [call.activation for call in leaves[last or 0 :] if call.activation]
    name = names[-1] if last is not None and names else None
    if low >= 0.4999 and low + 1e-3 < high <= 0.7312:
        return 0.5, 0.7311, name  # a sigmoid of a sigmoid, as layers or as functions
    if last is not None:
        ends = np.array([-np.inf, np.inf])
        if leaves[last].recurrent:
            ends = _of_recurrent(leaves[last])
        for call in leaves[last:]:
            ends = _through(call, ends)
        if ends[0] - 1e-3 <= low and high <= ends[1] + 1e-3:  # else something without a layer comes last
            return float(ends[0]), float(ends[1]), name
    return -np.inf, np.inf, None


def _of_recurrent(call):
    """Return the ends of a recurrent layer's output: an activation times a gate, or a mean with what it was before."""
    activation = ACTIVATIONS.get(call.activation or "tanh")
    return np.array([min(activation.low, 0), max(activation.high, 0)], float)


def _through(call, ends):
    if call.unbounded:
        return np.array([-np.inf, np.inf])
    if call.affine:
        scale, offset = call.affine
        return np.sort(ends * scale + offset)
    activation = ACTIVATIONS.get(call.activation)
    if activation is None:
        # Sums and products of an operation that is no layer: nothing is known any more.
        return ends if not isinstance(call.key, tuple) or call.name in _SAME_ENDS else np.array([-np.inf, np.inf])
    limits = np.array([activation.low, activation.high], float)
    finite = np.isfinite(ends)
    if finite.any() and activation is not ACTIVATIONS["softmax"] and not call.recurrent:
        limits[finite] = np.asarray(activation.function(tf.constant(ends[finite], tf.float32)))
    return limits


# PyTorch's operations after which numbers are the same, in another order or shape.
_SAME_ENDS = {
    "view",
    "reshape",
    "squeeze",
    "unsqueeze",
    "permute",
    "transpose",
    "flatten",
    "contiguous",
    "__getitem__",
    "unflatten",
    "linear",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "matmul",
    "mm",
    "__matmul__",
}


# -------------------------------------------------------------------------------------------------------- ladder


@dataclass(frozen=True)
class Ladder:
    """Squared errors of the test rows, in the order in which they are compared.

    Attributes
    ----------
    mean_image_error : float
        Of the mean row of the training. Where all rows are one, of their mean value.
    error, training_error : float
        Of the model, on test rows and on rows of the training.
    column_losses : ndarray
        What is left of each column's variance; NaN where it has none.
    variation : float
        Variance of the reconstructions, as a share of that of the targets.
    unreachable : float
        Error of the targets when they are cut off at what the output can reach, as a share of the mean row's error.
    dead_outputs : ndarray of int
        Columns that vary and come back the same for every row.
    dead_variance : float
        Their share of all variance.
    pca_errors : ndarray
        Of the first k principal components of the targets, for k from 0.
    components, components_matched : int
        How many there are, and how many give the model's error.
    gains : ndarray or None
        Of the components, as `aehelpers.component_gain` has them.
    own_correlation : float
        Of what is made with its own target, both without their means.
    input_correlation : float
        The same with the input.
    slope : float
        Of what is made against its own target: near 1, or far from it where the output has another scale.
    own_row_error, other_row_error : float
        Median error of a reconstruction to its own target, and to the nearest other one.
    turned, turned_error : str, float
        How targets must be turned to fit best, and the error then.
    median_ratio : float
        The median error of a test row, divided by that of a row of the training: a few outliers do not move it.
    training_tail : float
        Share of the test rows whose error lies above 99 % of those of the training rows.
    rescaled, rescaled_error : str, float
        Which other scale of the input suits the model best, and what is left of the variance then.
    leftover : float
        Correlation of neighbouring numbers of the residual; near 0, what is left has no structure.
    leftover_structure : float
        Share of the residual's variance in its first principal component, times the number of columns.
    """

    mean_image_error: float
    error: float
    training_error: float
    column_losses: np.ndarray
    variation: float
    unreachable: float
    dead_outputs: np.ndarray
    dead_variance: float
    pca_errors: np.ndarray
    components: int
    components_matched: int
    gains: np.ndarray | None
    own_correlation: float
    input_correlation: float
    slope: float
    own_row_error: float
    other_row_error: float
    turned: str
    turned_error: float
    median_ratio: float
    training_tail: float
    rescaled: str
    rescaled_error: float
    leftover_structure: float


def ladder(e, data, output):
    """Put the model on the ladder: mean row, PCA, the model on other rows and on those of its training."""
    test, made = flat(e.target_test).astype(float), flat(e.made).astype(float)
    fitted = flat(some(e.all_targets, FOR_PCA))
    mean = fitted.mean(axis=0, dtype=float)
    mean_image_error = float(test.var()) if data.one_row else float(np.square(test - mean).mean())
    errors = np.square(test - made).mean(axis=1)
    training_made = e.reconstruct(e.x_train) if e.separate else e.made
    training_errors = np.square(flat(e.target_train).astype(float) - flat(training_made)).mean(axis=1)
    spread = test.var(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        losses = np.where(spread > _TINY * max(spread.max(), _TINY), np.square(test - made).mean(axis=0) / spread, np.nan)
    made_spread = made.std(axis=0)
    dead = (made_spread <= DEAD_SPREAD * np.maximum(np.abs(made).max(axis=0), 1e-6)) & (
        spread > 1e-4 * max(spread.mean(), _TINY)
    )
    reach = np.clip(test, output.reachable_low, output.reachable_high)
    pca_errors, gains = _components(e, fitted, test, made)
    own, given = _together(made, test), np.nan
    if isinstance(e.x_test, np.ndarray) and flat(e.x_test).shape == test.shape:
        given = _together(made, flat(e.x_test).astype(float))
    return Ladder(
        mean_image_error=mean_image_error,
        error=float(errors.mean()),
        training_error=float(training_errors.mean()),
        column_losses=losses,
        variation=float(made.var(axis=0).sum() / spread.sum()) if spread.sum() else 0.0,
        unreachable=float(np.square(test - reach).mean() / max(mean_image_error, _TINY)),
        dead_outputs=np.flatnonzero(dead),
        dead_variance=float(spread[dead].sum() / spread.sum()) if spread.sum() else 0.0,
        pca_errors=pca_errors,
        components=len(pca_errors) - 1,
        components_matched=int(np.searchsorted(-pca_errors, -float(errors.mean()) * (1 + 1e-6))),
        gains=gains,
        own_correlation=own,
        input_correlation=given,
        slope=own * float(np.sqrt(made.var(axis=0).sum() / max(spread.sum(), _TINY))),
        **_other_rows(e, data),
        median_ratio=float(np.median(errors) / max(np.median(training_errors), _TINY)),
        training_tail=float((errors > np.quantile(training_errors, QUANTILE)).mean()) if e.separate else 0.0,
        **_rescaled(e, data, float(errors.mean()) / max(mean_image_error, _TINY)),
        leftover_structure=_structure(test - made),
    )


def _together(first, second):
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    size = np.sqrt(np.square(first).sum() * np.square(second).sum())
    return float((first * second).sum() / size) if size else 0.0


def _components(e, fitted, test, made):
    """Return the errors of PCA for each number of components, and how much the model keeps of each of them."""
    count = min(fitted.shape)
    if len(fitted) < 2:
        return np.array([float(np.square(test - fitted.mean(axis=0)).mean())]), None
    if fitted.shape[1] <= FULL_PCA:
        pca = fit_pca(np.ascontiguousarray(fitted, np.float32), count)
    else:
        pca = PCA(min(COMPONENTS, count), svd_solver="randomized", random_state=0).fit(fitted)
    directions, middle = pca.components_.astype(float), pca.mean_.astype(float)
    wanted = (test - middle) @ directions.T
    # The input goes in where it has the form of the target; of a denoiser PCA gets the noisy rows too.
    x = flat(e.x_test).astype(float) if isinstance(e.x_test, np.ndarray) and flat(e.x_test).shape == test.shape else test
    scores = (x - middle) @ directions.T
    total = np.square(test - middle).sum()
    # The error of the first k components is what the others would have added.
    gained = (np.square(wanted) - np.square(wanted - scores)).sum(axis=0)
    errors = np.maximum(total - np.concatenate([[0], np.cumsum(gained)]), 0) / test.size
    variance = np.square(wanted - wanted.mean(axis=0)).sum(axis=0)
    varies = variance > 1e-10 * max(variance.max(), _TINY)
    kept = ((wanted - wanted.mean(axis=0)) * ((made - middle) @ directions.T)).sum(axis=0)
    gains = np.divide(kept, variance, out=np.full(len(kept), np.nan), where=varies)
    return errors, gains[:COMPONENTS] if e.own_target else None


def _other_rows(e, data):
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
    errors = {name: _mse(np.ascontiguousarray(x).reshape(e.made.shape), e.made) for name, x in turned.items()}
    if errors:
        found["turned"] = min(errors, key=errors.get)
        found["turned_error"] = errors[found["turned"]]
    return found


_SHIFTS = (1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6)  # steps of a series


def _turned(e, data):
    target = e.target_test
    turned = {"inverted": data.image_low + data.image_high - target} if e.kind == "images" else {}
    if e.kind == "series" and target.ndim >= 2 and target.shape[1] > 3:
        turned |= {"reversed in time": target[:, ::-1]}
        turned |= {
            f"shifted by {abs(k)} step{'s' if abs(k) > 1 else ''} {'later' if k > 0 else 'earlier'}": np.roll(target, k, axis=1)
            for k in _SHIFTS
            if abs(k) < target.shape[1] // 3
        }
        if target.ndim == 3 and target.shape[2] > 1:
            turned["with their channels in reversed order"] = target[:, :, ::-1]
    pictures = channels_last(target) if e.kind == "images" else None
    if pictures is not None:
        back = (lambda x: np.moveaxis(x, -1, 1)) if pictures.shape != target.shape and target.ndim == 4 else lambda x: x
        flips = {"mirrored": pictures[:, :, ::-1], "upside down": pictures[:, ::-1], "rotated": pictures[:, ::-1, ::-1]}
        if pictures.shape[1] == pictures.shape[2]:
            flips["transposed"] = np.swapaxes(pictures, 1, 2)
        if pictures.ndim == 4 and pictures.shape[3] == 3:
            flips["with red and blue exchanged"] = pictures[..., ::-1]
        turned |= {name: back(x) for name, x in flips.items()}
    return turned


def channels_last(images):
    """Return images as (images, height, width[, channels]), also those of PyTorch; None where they have no such form."""
    if images.ndim > 4:
        return None
    if images.ndim == 4 and images.shape[1] in (1, 3, 4) and images.shape[3] not in (1, 3, 4):
        return np.moveaxis(images, 1, -1)
    return as_grids(images)


def _rescaled(e, data, left):
    """Hand the model its rows on other scales: which of them suits it much better?"""
    nothing = {"rescaled": "", "rescaled_error": np.inf}
    if left < 0.5 or data.one_row or not e.own_target or not isinstance(e.x_test, np.ndarray) or e.kind == "tokens":
        return nothing
    x = some(e.x_test, 300).astype(np.float32)
    size = max(abs(data.image_low), abs(data.image_high), _TINY)
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
    mean, spread = e.all_targets.mean(dtype=float), max(float(e.all_targets.std(dtype=float)), _TINY)
    ways["standardized"] = ((x - mean) / spread).astype(np.float32)
    if e.kind == "table":
        columns = np.maximum(data.column_spreads, _TINY).reshape(x.shape[1:])
        ways["standardized column by column"] = ((x - data.column_means.reshape(x.shape[1:])) / columns).astype(np.float32)
    best = dict(nothing)
    for name, brought in ways.items():
        made = e.probe.run(brought)
        total = float(np.square(brought - brought.mean(axis=0)).mean())
        error = float(np.square(made - brought).mean()) / max(total, _TINY)
        # Two names of one scale differ by rounding: the first is the one that the reader knows.
        if np.isfinite(error) and error < 0.99 * best["rescaled_error"]:
            best = {"rescaled": name, "rescaled_error": error}
    return best


def _structure(left):
    """Return how much of a residual lies in one direction, in units of what pure noise of equal columns has there."""
    left = left - left.mean(axis=0)
    spread = left.std(axis=0)
    left = left[:, spread > 0.1 * max(spread.max(), _TINY)]
    if left.shape[1] < 2 or len(left) < 10:
        return np.inf
    values = np.linalg.eigvalsh(left.T @ left)[-1]
    total = float(np.square(left).sum())
    noise = (1 + np.sqrt(left.shape[1] / len(left))) ** 2  # Marchenko and Pastur: the largest of pure noise
    return float(values / total * left.shape[1] / noise) if total else np.inf


# ---------------------------------------------------------------------------------------------------------- loss


@dataclass(frozen=True)
class LossFacts:
    """The loss of made-up reconstructions; all None where no loss is known.

    Attributes
    ----------
    loss_name : str
    loss_of_target, loss_of_mean, loss_of_zeros, loss_of_ones, loss_of_half, loss_of_made : float
        Of a perfect reconstruction, of the mean row, of zeros, of ones, of half of the target, and of the model's.
    loss_raises : str
    """

    loss_name: str = ""
    loss_of_target: float | None = None
    loss_of_mean: float | None = None
    loss_of_zeros: float | None = None
    loss_of_ones: float | None = None
    loss_of_half: float | None = None
    loss_of_made: float | None = None
    loss_raises: str = ""


_FAR_LOGIT = 12.0  # behind a sigmoid, 0.999994


def loss(e, data, output):
    """Hand the loss a perfect reconstruction, and some that are not."""
    if e.told_loss is None or not e.probe.inside:
        return LossFacts()
    name = getattr(e.told_loss, "name", None) or getattr(e.told_loss, "__name__", type(e.told_loss).__name__)
    target = some(e.target_test, 256)
    unit = data.image_low >= 0 and data.image_high <= 1
    made_of = {
        "target": target,
        "mean": np.broadcast_to(e.all_targets.mean(axis=0), target.shape).astype(np.float32),
        "zeros": np.zeros_like(target),
        "ones": np.ones_like(target),
        "half": target / 2,
    }
    if output.takes_logits:
        with np.errstate(divide="ignore"):
            made_of = {
                key: np.clip(np.log(np.clip(values, 0, 1)) - np.log1p(-np.clip(values, 0, 1)), -_FAR_LOGIT, _FAR_LOGIT).astype(
                    np.float32
                )
                for key, values in made_of.items()
            }
    elif unit:
        made_of |= {key: np.clip(values, 1e-6, 1 - 1e-6) for key, values in made_of.items()}
    made_of["made"] = some(e.probe.run(e.x_test), 256)
    wanted = _as_the_loss_wants(e, target)
    try:
        values = {f"loss_of_{key}": e.probe.loss_of(e.told_loss, wanted, values) for key, values in made_of.items()}
    except Exception as error:
        return LossFacts(loss_name=name, loss_raises=said(error))
    return LossFacts(loss_name=name, **values)


def _as_the_loss_wants(e, target):
    sparse = e.sparse and "sparse" in (getattr(e.told_loss, "name", "") + getattr(e.told_loss, "__name__", "")).lower()
    return target.argmax(axis=-1).astype(np.float32) if sparse else target


# ---------------------------------------------------------------------------------------------------------- code


@dataclass(frozen=True)
class Code:
    """The code, and the units on the way to it and from it.

    Attributes
    ----------
    code_size : int or None
        Numbers in it; None where no layer carries all.
    code_layer, code_activation : str or None
    code_is_map, code_is_binary, code_is_recurrent : bool
        Whether weights are shared over places, whether it holds zeros and ones only, and whether a recurrent layer reads steps.
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
    silent_units : int
    code_reach : float
        Root mean square of the codes, in standard deviations of the prior, over the units that carry something.
    loudness, unit_spread_median, decoder_weights : float or None
        Spread of the units for each unit of the weights that read them.
    follows : float or None
        How much of the reconstruction follows the narrowest layer, 0 to 1.
    narrow_layer : str or None
    """

    code_size: int | None = None
    code_layer: str | None = None
    code_activation: str | None = None
    code_is_map: bool = False
    code_is_binary: bool = False
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


SILENT = 0.01  # variance of a unit's mean, in those of the prior
FLAT = 0.05  # of an activation's steepest slope


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
            about |= {"narrow_layer": call.name, "follows": places.share_that_follows(probe, x, narrow)}
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
    narrow = places.narrowest(probe, x) if distribution is None else None
    aside = None if narrow is None else narrow.find(calls)
    if aside is None or 2 * _size(aside) > _size(found):
        narrow, aside = place, leaf
    # What is much narrower than the code, through which all passes, is passed by.
    about |= {"follows": places.share_that_follows(probe, x, narrow), "narrow_layer": _name_of(aside, calls)}
    return Code(**about, **_of_codes(e, ladder, values, found, leaf, calls, distribution), code_layer=_name_of(leaf, calls))


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
        "code_is_binary": bool(np.isin(codes, (0, 1)).all()),
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
    facts |= _loudness(calls, found, spread, constant)
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


def _loudness(calls, found, spread, constant):
    """Compare how far the units of the code move with the weights that the decoder multiplies them by."""
    after = calls[calls.index(found) + 1 :] if found is not None else []
    reader = next((call for call in after if call.leaf and call.mixes), None)
    if reader is None or reader.kernel is None or spread.ndim != 1 or constant.all() or reader.kernel.shape[0] != len(spread):
        return {}
    weights = np.linalg.norm(reader.kernel.astype(float), axis=1)
    return {
        "loudness": float(np.median(spread[~constant] / np.maximum(weights[~constant], _TINY))),
        "unit_spread_median": float(np.median(spread[~constant])),
        "decoder_weights": float(np.median(weights)),
    }


# ----------------------------------------------------------------------------------------------------- gradients


@dataclass(frozen=True)
class Gradients:
    """What arrives at the kernels (weights of two dimensions or more).

    Attributes
    ----------
    without_gradient : list of str
        Kernels that nothing reaches: neither the loss, nor a penalty, nor an output beside the reconstruction.
    zero_gradient, with_gradient : list of str
    never_moved, moved : list of str or None
        Since ``before``.
    stuck : list of str
        Weights that a step of an optimizer left where they were, though their gradient is not 0.
    learning_rate : float or None
        Of the compiled optimizer.
    optimizer : str or None
    """

    without_gradient: list
    zero_gradient: list
    with_gradient: list
    never_moved: list | None
    moved: list | None
    stuck: list
    learning_rate: float | None
    optimizer: str | None


STUCK = 0.5  # of a weight's entries


def gradients(e, data, output):
    """Take the gradient of the loss once, and one step of an optimizer, which is taken back."""
    x, target = some(e.x_train, BATCH), some(e.target_train, BATCH)
    loss, wanted = _usable_loss(e, target, data)
    found = e.probe.gradients(x, wanted, loss)
    kernels = [gradient for gradient in found if gradient.kernel]
    steps = e.probe.one_step(x, wanted, loss)
    still = moved = None
    if e.before is not None:
        still, moved = _moved(e)
    optimizer = e.probe.optimizer
    rate = getattr(optimizer, "learning_rate", None)
    with contextlib.suppress(TypeError, ValueError):  # a schedule has no one rate
        rate = float(rate)
    return Gradients(
        without_gradient=[g.name for g in kernels if g.word == "none" and not g.used_elsewhere],
        zero_gradient=[g.name for g in kernels if g.word == "zero" and not g.used_elsewhere],
        with_gradient=[g.name for g in kernels if g.word == "flows"],
        never_moved=still,
        moved=moved,
        stuck=[step.name for step in steps if step.should and step.stuck > STUCK],
        learning_rate=rate if isinstance(rate, float) else None,
        optimizer=None if optimizer is None else type(optimizer).__name__,
    )


def _usable_loss(e, target, data):
    """Return a loss with a gradient, and the target as it wants it: where a gradient arrives, any loss tells."""
    loss = e.told_loss
    entropy = loss is not None and "crossentropy" in (
        getattr(loss, "name", "") + getattr(loss, "__name__", "") + type(loss).__name__
    ).lower().replace("_", "")
    if loss is None or (
        entropy and not (data.image_low >= 0 and data.image_high <= 1)
    ):  # such a cross entropy has no least value
        return e.probe.default_loss(), target
    return loss, _as_the_loss_wants(e, target)


def _moved(e):
    after = e.probe.weights()
    before = e.before if isinstance(e.before, dict) else dict(zip(after, e.before, strict=True))
    trainable, still, moved = e.probe.trainable(), [], []
    for name, weight in after.items():
        if weight.ndim >= 2 and name in before:
            old = np.asarray(before[name], float)
            change = np.linalg.norm(weight - old)
            (still if change <= 1e-4 * np.linalg.norm(old) else moved).append(name)
    del trainable
    return still, moved


# --------------------------------------------------------------------------------------------------------- modes


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
        return float(np.mean([_mse(target[one], e.as_values(e.probe.run(take(x, one), training))) for one in rows]))

    outside, inside = error(False), error(True)  # in this order: the second moves the means that the first one uses
    penalties = [e.probe.penalty(take(x, one)) for one in rows[:2]]
    twice = [e.probe.run(take(x, rows[0]), True) for _ in range(2)]
    return Modes(
        error_in_training_mode=inside,
        error_outside_training_mode=outside,
        random_in_training=bool(np.abs(twice[0] - twice[1]).max() > 1e-4 * max(float(np.abs(twice[0]).max()), 1e-6)),
        # A penalty on weights is the same for every batch, one on activations is not.
        penalty_on_activations=bool(np.ptp(penalties) > 1e-6 * max(abs(penalties[0]), _TINY)),
        penalty_on_weights=bool(penalties[0] and np.ptp(penalties) <= 1e-6 * abs(penalties[0])),
        dropout=e.probe.dropout,
        batch_normalization=e.probe.batch_normalization,
    )


# ------------------------------------------------------------------------------------------------- strange rows


@dataclass(frozen=True)
class Strange:
    """What becomes of rows whose numbers have changed places: as many of each, and no pattern.

    Attributes
    ----------
    noise_error, noise_variance : float or None
    """

    noise_error: float | None = None
    noise_variance: float | None = None


def strange(e, data, output):
    """Let the model rebuild rows without any pattern."""
    if not isinstance(e.x_test, np.ndarray) or flat(e.x_test).shape != flat(e.target_test).shape or e.kind == "tokens":
        return Strange()
    x = some(e.x_test, 500)
    rng = np.random.default_rng(0)
    # In a table each column keeps its own values, which its unit and its scale belong to.
    mixed = rng.permuted(flat(x), axis=0 if e.kind == "table" else 1).reshape(x.shape)
    made = e.reconstruct(mixed)
    if not np.isfinite(made).all():
        return Strange()
    return Strange(
        _mse(flat(mixed), flat(made)),
        float(flat(mixed).astype(float).var(axis=0).mean() if e.kind == "table" else mixed.var(dtype=float)),
    )


STEPS = (data, output, ladder, loss, code, gradients, modes, strange)
# What needs more than a function, and how to get it.
NEEDS_INSIDE = ("gradients", "modes")
