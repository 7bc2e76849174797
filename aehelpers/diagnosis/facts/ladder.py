"""The errors of the model beside those of the mean row and of PCA."""

from dataclasses import dataclass

import numpy as np
from aehelpers.baselines import fit_pca
from aehelpers.diagnosis.facts.examination import DEAD_SPREAD, FOR_PCA, FULL_PCA, QUANTILE, TINY
from aehelpers.diagnosis.facts.turned import other_rows, rescaled
from aehelpers.diagnosis.rows import flat, some
from sklearn.decomposition import PCA

COMPONENTS = 300
LOW = 0.1


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
    column_correlations : ndarray
        The same for each column; NaN where it has no variance, or its reconstructions have none.
    input_correlation : float
        As the first, with the input.
    slope : float
        Of what is made against its own target: near 1, or far from it where the output has another scale.
    own_row_error, other_row_error : float
        Median error of a reconstruction to its own target, and to the nearest other one.
    turned, turned_error : str, float
        How targets must be turned to fit best, and the error then.
    low_ratio : float
        The error below which a tenth of the test rows stay, divided by that of the training rows: strange rows among those of
        the test, even many, hardly move it.
    training_tail : float
        Share of the test rows whose error lies above 99 % of those of the training rows.
    rescaled, rescaled_error : str, float
        Which other scale of the input suits the model best, and what is left of the variance then.
    leftover_structure : float
        Share of the residual's variance in its first principal component, times the number of columns.
    """

    mean_image_error: float
    error: float
    training_error: float
    column_losses: np.ndarray
    variation: float
    dead_outputs: np.ndarray
    dead_variance: float
    pca_errors: np.ndarray
    components: int
    components_matched: int
    gains: np.ndarray | None
    own_correlation: float
    column_correlations: np.ndarray
    input_correlation: float
    slope: float
    own_row_error: float
    other_row_error: float
    turned: str
    turned_error: float
    low_ratio: float
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
        losses = np.where(spread > TINY * max(spread.max(), TINY), np.square(test - made).mean(axis=0) / spread, np.nan)
    made_spread = made.std(axis=0)
    dead = (made_spread <= DEAD_SPREAD * np.maximum(np.abs(made).max(axis=0), 1e-6)) & (
        spread > 1e-4 * max(spread.mean(), TINY)
    )
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
        dead_outputs=np.flatnonzero(dead),
        dead_variance=float(spread[dead].sum() / spread.sum()) if spread.sum() else 0.0,
        pca_errors=pca_errors,
        components=len(pca_errors) - 1,
        components_matched=int(np.searchsorted(-pca_errors, -float(errors.mean()) * (1 + 1e-6))),
        gains=gains,
        own_correlation=own,
        column_correlations=_column_by_column(made, test),
        input_correlation=given,
        slope=own * float(np.sqrt(made.var(axis=0).sum() / max(spread.sum(), TINY))),
        **other_rows(e, data),
        low_ratio=float(np.quantile(errors, LOW) / max(np.quantile(training_errors, LOW), TINY)),
        training_tail=float((errors > np.quantile(training_errors, QUANTILE)).mean()) if e.separate else 0.0,
        **rescaled(e, data, float(errors.mean()) / max(mean_image_error, TINY)),
        leftover_structure=_structure(test - made),
    )


def _together(first, second):
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    size = np.sqrt(np.square(first).sum() * np.square(second).sum())
    return float((first * second).sum() / size) if size else 0.0


def _column_by_column(made, test):
    """Return how each column correlates with its target."""
    made, test = made - made.mean(axis=0), test - test.mean(axis=0)
    sizes = np.sqrt(np.square(made).sum(axis=0) * np.square(test).sum(axis=0))
    return np.divide((made * test).sum(axis=0), sizes, out=np.full(len(sizes), np.nan), where=sizes > TINY)


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
    varies = variance > 1e-10 * max(variance.max(), TINY)
    kept = ((wanted - wanted.mean(axis=0)) * ((made - middle) @ directions.T)).sum(axis=0)
    gains = np.divide(kept, variance, out=np.full(len(kept), np.nan), where=varies)
    return errors, gains[:COMPONENTS] if e.own_target else None


def _structure(left):
    """Return how much of a residual lies in one direction, in units of what pure noise of equal columns has there."""
    left = left - left.mean(axis=0)
    spread = left.std(axis=0)
    left = left[:, spread > 0.1 * max(spread.max(), TINY)]
    if left.shape[1] < 2 or len(left) < 10:
        return np.inf
    values = np.linalg.eigvalsh(left.T @ left)[-1]
    total = float(np.square(left).sum())
    noise = (1 + np.sqrt(left.shape[1] / len(left))) ** 2  # Marchenko and Pastur: the largest of pure noise
    return float(values / total * left.shape[1] / noise) if total else np.inf
