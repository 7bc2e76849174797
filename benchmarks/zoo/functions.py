"""Designs that are handed over as a function of arrays: of scikit-learn, or plain NumPy."""

import numpy as np
from scipy import ndimage
from sklearn.decomposition import NMF, PCA, KernelPCA
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from benchmarks.zoo import data as zoo_data
from benchmarks.zoo.data import (
    bundled,
    common_range,
    factors,
    flat,
    given,
    incomes,
    narrow,
    pictures,
    standardized,
    trained,
    waves,
    words,
)
from benchmarks.zoo.registry import decorators

patient, healthy = decorators("function", "table")


def and_back(*steps):
    """Return the function that goes through steps of scikit-learn and back; they are fitted."""
    pipeline = make_pipeline(*steps)
    return lambda x: pipeline.inverse_transform(pipeline.transform(x)).astype(np.float32)


def regressor(sizes, rows, target=None, seed=0, iterations=200, **more):
    """Return a network of scikit-learn's that was fitted to give its input."""
    model = MLPRegressor(hidden_layer_sizes=sizes, random_state=seed, max_iter=zoo_data.STRETCH * iterations, **more)
    return model.fit(rows, rows if target is None else target)


# -------------------------------------------------------------------------------------------- healthy models


@healthy
def network_of_scikit_learn(seed):
    data = factors(16, 4, seed=seed)
    model = regressor((32, 6, 32), data[0], seed=seed, learning_rate_init=3e-3)
    return model.predict, given(data)


@healthy
def components_of_a_scaled_table(seed):
    data = bundled("breast_cancer", seed=seed)
    scaler = StandardScaler().fit(data[0])
    rows = tuple(scaler.transform(x).astype(np.float32) for x in data)
    pca = PCA(8).fit(rows[0])
    return and_back(pca), given(rows, encode=pca.transform)


@patient("healthy", "images")
def matrix_factors_of_digits(seed):
    data = flat("digits")
    factor = NMF(16, init="nndsvda", random_state=seed, max_iter=500).fit(data[0])
    return and_back(factor), given(data, encode=factor.transform)


@healthy
def own_linear_algebra(seed):
    """Weights of a least squares fit, and a function in NumPy."""
    data = factors(12, 4, seed=seed)
    axes = np.linalg.svd(data[0] - data[0].mean(axis=0), full_matrices=False)[2][:8]
    mean = data[0].mean(axis=0)
    return lambda x: (x - mean) @ axes.T @ axes + mean, given(data)


@patient("healthy", "images")
def kernel_components_as_denoiser(seed):
    clean = flat("digits")
    generator = np.random.default_rng(seed)
    noisy = tuple((x + 0.2 * generator.normal(size=x.shape)).astype(np.float32) for x in clean)
    pca = KernelPCA(32, kernel="rbf", gamma=0.01, fit_inverse_transform=True, alpha=5e-3).fit(noisy[0])
    return lambda x: pca.inverse_transform(pca.transform(x)), given(noisy, target=clean)


@patient("healthy", "series")
def network_of_series(seed):
    data = waves(24, seed=seed)
    model = regressor((48, 6, 48), data[0][..., 0], seed=seed, learning_rate_init=3e-3)
    return lambda x: model.predict(x[..., 0])[..., None], given(data)


@healthy
def pipeline_of_original_units(seed):
    """The columns are in their own units, and the pipeline scales them there and back."""
    data = bundled("breast_cancer", seed=seed)
    pipeline = make_pipeline(StandardScaler(), PCA(8)).fit(data[0])
    return and_back(*(step for _, step in pipeline.steps)), given(data, encode=pipeline.transform)


@healthy
def network_between_scalers(seed):
    data = bundled("wine", seed=seed)
    scaler = StandardScaler().fit(data[0])
    rows = scaler.transform(data[0])
    model = regressor((32, 6, 32), rows, seed=seed, activation="tanh", alpha=1e-3, iterations=400)
    return lambda x: scaler.inverse_transform(model.predict(scaler.transform(x))).astype(np.float32), given(data)


@patient("healthy", "images")
def keras_model_as_a_function(seed):
    """A model in Keras of which only the method predict is handed over."""
    data = flat("digits")
    model = trained(narrow(64, 48, 10, output="sigmoid"), data, 2_000, 2e-3, seed=seed)
    return lambda x: model.predict(x, verbose=0), given(data)


@patient("healthy", "series")
def low_frequencies(seed):
    """The first frequencies are kept, and the series made of them again."""
    data = waves(32, seed=seed)
    return lambda x: np.fft.irfft(np.fft.rfft(x, axis=1)[:, :5], n=x.shape[1], axis=1), given(data)


# ---------------------------------------------------------------------------------------------- known faults


@patient("constant_output")
def too_heavy_penalty_of_scikit_learn(seed):
    data = factors(16, 4, seed=seed)
    return regressor((16, 6, 16), data[0], seed=seed, alpha=3e3, iterations=30).predict, given(data)


@patient("constant_output", "images")
def always_the_mean_digit(seed):
    """The neighbours are all rows there are."""
    data = flat("digits")
    rows = data[0][:400]
    return KNeighborsRegressor(len(rows)).fit(rows, rows).predict, given((rows, data[1]))


@patient("undertrained")
def few_iterations_of_scikit_learn(seed):
    data = factors(20, 5, seed=seed)
    return regressor((32, 8, 32), data[0], seed=seed, iterations=3).predict, given(data)


@patient("copies_anything")
def all_components(seed):
    """As many components as there are columns."""
    data = factors(14, 5, noise=0.5, seed=seed)
    pca = PCA().fit(data[0])
    return and_back(pca), given(data, encode=pca.transform)


@patient("copies_anything", "images")
def median_of_one_pixel(seed):
    """A filter whose window is one pixel."""
    data = tuple(x[:2_000, ..., 0] for x in pictures())
    return lambda x: ndimage.median_filter(x, size=(1, 1, 1)), given(data)


@patient("input_scale")
def still_standardized(seed):
    """The scaler's inverse was forgotten: the rows come back standardized."""
    data = tuple(20 + 5 * x for x in factors(16, 4, seed=seed))
    pipeline = make_pipeline(StandardScaler(), PCA(6)).fit(data[0])
    pca = pipeline[-1]
    return lambda x: pca.inverse_transform(pipeline.transform(x)).astype(np.float32), given(data)


@patient("input_scale", "images")
def gives_bytes_for_shares(seed):
    """Pixels from 0 to 1 go in, and pixels from 0 to 255 come out."""
    data = flat("digits")
    pca = PCA(16).fit(data[0])
    return lambda x: np.round(255 * and_back(pca)(x)).clip(0, 255).astype(np.uint8), given(data, encode=pca.transform)


@patient("wrong_target")
def columns_in_another_order(seed):
    """Inside the function, the columns are sorted by name, and never put back."""
    data = factors(14, 4, seed=seed)
    order = np.random.default_rng(seed + 1).permutation(14)
    pca = PCA(6).fit(data[0][:, order])
    return lambda x: and_back(pca)(x[:, order]), given(data, encode=lambda x: pca.transform(x[:, order]))


@patient("wrong_target", "series")
def filter_that_is_late(seed):
    """A mean over the steps before: what it gives is late by two steps."""
    data = waves(32, noise=0.1, seed=seed)
    return lambda x: (np.roll(x, 3, axis=1) + np.roll(x, 4, axis=1) + np.roll(x, 5, axis=1)) / 3, given(data)


@patient("column_scales")
def components_of_euros_and_years(seed):
    """PCA of columns in their own units sees the euros only; four answers on a scale and the age stay behind."""
    scales = factors(4, 2, seed=seed + 1)
    data = tuple(np.hstack([x, 3 + y]).astype(np.float32) for x, y in zip(incomes(seed=seed), scales, strict=True))
    pca = PCA(3).fit(data[0])
    return and_back(pca), given(data, encode=pca.transform)


@patient("sets_differ")
def scaler_fitted_twice(seed):
    """fit_transform for the test rows too, of which a few are extreme."""
    train, test = words(seed=seed)
    test = test.copy()
    test[:3] *= 8
    rows = MinMaxScaler().fit_transform(train).astype(np.float32), MinMaxScaler().fit_transform(test).astype(np.float32)
    pca = PCA(8).fit(rows[0])
    return and_back(pca), given(rows, encode=pca.transform)


@patient("overfitted")
def nearest_of_few(seed):
    """Each row is given back by the nearest of fifty rows that are known by heart."""
    data = factors(24, 8, noise=0.4, seed=seed)
    rows = data[0][:50]
    return KNeighborsRegressor(1).fit(rows, rows).predict, given((rows, data[1]))


@patient("not_finite")
def logarithms_of_nothing(seed):
    """Incomes through their logarithm, and some savings are 0."""
    data = tuple(np.where(x < np.quantile(x, 0.02, axis=0), 0, x).astype(np.float32) for x in incomes(seed=seed))

    def scaled(x):
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(x)

    mean = np.nan_to_num(scaled(data[0]), neginf=0).mean(axis=0)
    return lambda x: np.exp((scaled(x) - mean) - (scaled(x) - mean).mean(axis=1, keepdims=True) + mean), given(data)


@patient("cannot_run")
def gives_only_codes(seed):
    """The method transform was handed over in place of the way there and back."""
    data = standardized(bundled("wine", seed=seed))
    return PCA(4).fit(data[0]).transform, given(data)


@patient("dead_outputs")
def cut_off_at_zero(seed):
    """Columns of a network that were rounded to whole numbers though they lie between 0 and 1."""
    data = common_range(factors(18, 5, seed=seed))
    pca = PCA(6).fit(data[0])

    def rounded(x):
        made = and_back(pca)(x)
        made[:, ::3] = np.floor(np.clip(made[:, ::3], 0, 0.99))
        return made

    return rounded, given(data, encode=pca.transform)


def codes_exchanged(model, arguments):
    x, encode = arguments["x_test"], arguments["encode"]
    codes, made = encode(x), model(x)
    return {"shown": codes.std() > 0.1 and made.std(axis=0).max() < 1e-6, "spread of the code": float(codes.std())}


@patient("ignored_code", shows=codes_exchanged)
def decoder_of_the_mean_code(seed):
    """The codes are averaged over the rows, along the wrong axis, before they are decoded."""
    data = factors(16, 4, seed=seed)
    pca = PCA(5).fit(data[0])

    def there_and_back(x):
        code = pca.transform(x)
        code = np.broadcast_to(np.full(5, pca.transform(data[0]).mean()), code.shape)
        return pca.inverse_transform(code)

    return there_and_back, given(data, encode=pca.transform)
