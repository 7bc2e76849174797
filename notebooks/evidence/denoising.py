"""Train the denoisers of notebook 06 with five seeds: denoising.csv and, for its display, denoising.npz beside this file.

    python -m notebooks.evidence.denoising

Takes about 20 minutes on two cores. ``train`` makes one model; the test suite recomputes the row of ``sample``.
"""

import functools
import itertools
import multiprocessing
import types
from pathlib import Path

import aehelpers as ae
import keras
import numpy as np
import tensorflow as tf
from scipy import ndimage
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeClassifier

from notebooks.evidence.record import write_table
from notebooks.evidence.sparse_codes import build, cross_entropy

# `value` is the squared error per pixel of the test images (of "lost ink" only those pixels that carry ink and were masked,
# of "kept pixels" all that were not), but for the measure "label error": the share of the test images that a linear classifier
# on the code, fitted by ridge regression, misclassifies; and "smoothness": the correlation between neighbouring
# weights of the encoder's units.
COLUMNS = ("model", "seed", "steps", "measure", "level", "value")
MEASURED = ("value",)
SEEDS = range(5)
STOPS = (2_000, 5_000)
SHOWN_STEPS, SHOWN_IMAGES, SHOWN_LEVELS = 2_000, 8, (0, 0.3, 0.7, 0.9)  # in the display


def salt(x, p, seed):
    """Set each pixel to 1 with probability p."""
    return np.where(np.random.default_rng(seed).random(x.shape) < p, np.float32(1), x)


def uncut_gaussian(x, deviation, seed):
    """Add normally distributed noise and leave what is then below 0 or above 1."""
    return x + np.float32(deviation) * np.random.default_rng(seed).standard_normal(x.shape, dtype=np.float32)


NOISES = {
    "masking": (ae.masking_noise, (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),
    "salt": (salt, (0.1, 0.2, 0.3, 0.5)),
    "salt and pepper": (ae.salt_and_pepper_noise, (0.1, 0.2, 0.3, 0.5)),
    "gaussian": (ae.gaussian_noise, (0.1, 0.2, 0.3, 0.5, 0.7)),
    "gaussian, uncut": (uncut_gaussian, (0.1, 0.2, 0.3, 0.5, 0.7)),
}
TRAINED = {
    "plain": None,
    "masking 0.1": 0.1,
    "masking 0.3": 0.3,
    "masking 0.5": 0.5,
    "masking 0.7": 0.7,
    "masking 0 to 0.9": (0.0, 0.9),
}
# What the display does not show: measured on two kinds of noise only.
ALSO_TRAINED = {"masking 0.4": 0.4, "masking 0 to 0.5": (0.0, 0.5)}
ALSO_MEASURED = ("masking", "salt")


def blur(x, radius):
    """Replace each pixel by a mean of its surroundings, weighted by a bell of that standard deviation."""
    return ndimage.gaussian_filter(x.reshape(-1, 28, 28), (0, radius, radius)).reshape(x.shape)


def median(x, size):
    """Replace each pixel by the median of the square around it."""
    return ndimage.median_filter(x.reshape(-1, 28, 28), (1, size, size)).reshape(x.shape)


def best_of(reconstructions, x):
    """Return the smallest error of all settings of a filter, on the test images; a real user could not know which."""
    return min(ae.mse(x, reconstruction) for reconstruction in reconstructions)


@functools.cache
def linear_denoiser(*levels):
    """Return the matrix of least squared error on training images masked with one of the levels; its last row is the bias."""
    x = images().x_train.astype(np.float64)
    # Over all masks: a pixel is kept with probability 1 - p, two different ones with its square; then over the levels.
    kept = 1 - np.array(levels, np.float64)
    once, twice = kept.mean(), np.square(kept).mean()
    products, means = x.T @ x / len(x), x.mean(axis=0)
    seen = twice * products + np.diag((once - twice) * np.diag(products))
    left = np.block([[seen, once * means[:, None]], [once * means[None], np.ones((1, 1))]])
    right = np.vstack([once * products, means[None]])
    return np.linalg.solve(left + 1e-6 * np.eye(len(left)), right)


def linear(noisy, *levels):
    matrix = linear_denoiser(*levels)
    return np.clip(noisy @ matrix[:-1] + matrix[-1], 0, 1)


ALL_LEVELS = tuple(np.arange(0, 0.905, 0.01).round(2).tolist())  # as the network for 0 to 0.9 meets them

# What needs no training by steps: functions of the noisy images, the clean ones and the level.
FILTERS = {
    "do nothing": lambda noisy, x, level: ae.mse(x, noisy),
    "mean image": lambda noisy, x, level: ae.mse(x, np.broadcast_to(ae.mean_image(images().x_train), x.shape)),
    "best blur": lambda noisy, x, level: best_of((blur(noisy, radius) for radius in (0.3, 0.5, 0.7, 1, 1.5)), x),
    "best median": lambda noisy, x, level: best_of((median(noisy, size) for size in (3, 5)), x),
    "linear 0.3": lambda noisy, x, level: ae.mse(x, linear(noisy, 0.3)),
}
MASKING_FILTERS = {
    "divided by 1 - p": lambda noisy, x, level: ae.mse(x, np.minimum(noisy / (1 - level), 1)),
    "linear, own level": lambda noisy, x, level: ae.mse(x, linear(noisy, level)),
    "linear, all levels": lambda noisy, x, level: ae.mse(x, linear(noisy, *ALL_LEVELS)),
}


def train(name, seed, stops=STOPS):
    """Yield the autoencoder 784-128-784, without its noise, each time that its training has come to one of the stops."""
    bare, _ = build("plain", 0, 0, seed)
    level = (TRAINED | ALSO_TRAINED)[name]
    trained = bare if level is None else keras.Sequential([keras.Input((784,)), ae.MaskingNoise(level), bare])
    optimizer, done = keras.optimizers.Adam(0.003), 0
    for number, stop in enumerate(stops):
        ae.fit(
            trained,
            images().x_train,
            steps=stop - done,
            batch_size=64,
            optimizer=optimizer,
            loss=cross_entropy,
            seed=seed + 100 * number,
            progress=False,
        )
        done = stop
        yield bare


def denoise(model, noisy):
    return tf.sigmoid(ae.predict(model, noisy)).numpy()


def label_error(encode):
    """Fit ten linear scores to the codes of the training images by ridge regression, and count wrong test images."""
    data = images()
    classifier = RidgeClassifier(alpha=1e-4 * len(data.x_train)).fit(encode(data.x_train), data.y_train)
    return 1 - classifier.score(encode(data.x_test), data.y_test)


def smoothness(model):
    """Correlate each weight with its neighbour to the right, in the middle of the picture; the mean over the units."""
    kernels = model.encoder.get_weights()[0].T.reshape(-1, 28, 28)[:, 4:24, 4:24]
    left, right = kernels[:, :, :-1].reshape(len(kernels), -1), kernels[:, :, 1:].reshape(len(kernels), -1)
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(left, right, strict=True)]))


@functools.cache
def noisy_images(measure, level):
    """Return the test images with noise, the same for every model."""
    make, _ = NOISES[measure]
    return make(images().x_test, level, seed=0)


def row(name, seed, steps, measure, level, value):
    return dict(zip(COLUMNS, (name, seed, steps, measure, level, round(value, 5)), strict=True))


def filter_rows():
    """Yield the rows of what needs no training by steps."""
    x = images().x_test
    for measure, (_, levels) in NOISES.items():
        filters = FILTERS | (MASKING_FILTERS if measure == "masking" else {})
        for name, error in filters.items():
            for level in levels:
                yield row(name, 0, 0, measure, level, error(noisy_images(measure, level), x, level))


def model_rows(model, name, seed, steps):
    """Return the rows of a trained model."""
    x = images().x_test
    made = []
    for measure, (_, levels) in NOISES.items():
        for level in levels:
            noisy = noisy_images(measure, level)
            rebuilt = denoise(model, noisy)
            made.append(row(name, seed, steps, measure, level, ae.mse(x, rebuilt)))
            if measure == "masking" and level:
                lost, kept = (x > 0) & (noisy == 0), (x == 0) | (noisy > 0)
                wrong = np.square(x - rebuilt)
                made.append(row(name, seed, steps, "lost ink", level, float(wrong[lost].mean())))
                made.append(row(name, seed, steps, "kept pixels", level, float(wrong[kept].mean())))
    encode = functools.partial(ae.predict, model.encoder)
    return [
        *made,
        row(name, seed, steps, "label error", 0, label_error(encode)),
        row(name, seed, steps, "smoothness", 0, smoothness(model)),
    ]


def pictures(model):
    """Return what the display shows of a model: digits rebuilt at each of its levels."""
    return np.array([denoise(model, noisy_images("masking", level)[:SHOWN_IMAGES]) for level in SHOWN_LEVELS])


def untrained_rows():
    """Return the label errors of codes that nobody trained: the pixels themselves, PCA, and random units."""
    data = images()
    yield row("pixels", 0, 0, "label error", 0, label_error(np.asarray))
    yield row(
        "PCA-128", 0, 0, "label error", 0, label_error(PCA(128, svd_solver="covariance_eigh").fit(data.x_train).transform)
    )
    for seed in SEEDS:
        keras.utils.set_random_seed(seed)
        initializer = keras.initializers.TruncatedNormal(stddev=0.1)
        layer = keras.layers.Dense(128, "sigmoid", kernel_initializer=initializer, bias_initializer=initializer)
        model = keras.Sequential([keras.Input((784,)), layer])
        yield row("untrained", seed, 0, "label error", 0, label_error(functools.partial(ae.predict, model)))


def sample():
    """Return a small row, to be compared with the stored one."""
    (model,) = train("masking 0.3", 0, stops=STOPS[:1])
    error = ae.mse(images().x_test, denoise(model, noisy_images("masking", 0.3)))
    return row("masking 0.3", 0, STOPS[0], "masking", 0.3, error)


@functools.cache
def images():
    """Return images and labels, held so that they are prepared once for each process."""
    data = ae.load("mnist")
    return types.SimpleNamespace(x_train=data.x_train, x_test=data.x_test, y_train=data.y_train, y_test=data.y_test)


def also_results_of(run):
    """Return the rows of one of the runs that the display does not show; called in one of several processes."""
    name, seed = run
    x = images().x_test
    return [
        row(name, seed, steps, measure, level, ae.mse(x, denoise(model, noisy_images(measure, level))))
        for steps, model in zip(STOPS, train(name, seed), strict=True)
        for measure in ALSO_MEASURED
        for level in NOISES[measure][1]
    ]


def results_of(run):
    """Return the rows of one run and, of the first seed, its pictures; called in one of several processes."""
    name, seed = run
    rows, shown = [], None
    for steps, model in zip(STOPS, train(name, seed), strict=True):
        rows += model_rows(model, name, seed, steps)
        if (steps, seed) == (SHOWN_STEPS, SEEDS[0]):
            shown = pictures(model)
    return rows, shown


def mean_over_seeds(results, measure, levels):
    """Return the mean over the seeds at the display's step, a row for each model and a column for each level."""
    values = {(name, level): [] for name in TRAINED for level in levels}
    for rows, _ in results:
        for one in rows:
            if one["steps"] == SHOWN_STEPS and one["measure"] == measure:
                values[one["model"], one["level"]].append(one["value"])
    return np.array([[np.mean(values[name, level]) for level in levels] for name in TRAINED])


def as_bytes(values):
    return np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)


def main():
    runs = list(itertools.product(TRAINED, SEEDS))
    # Fresh processes now and then: XLA never gives back the memory of what it has compiled.
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=15) as pool:
        results = pool.map(results_of, runs, chunksize=1)
        also = pool.map(also_results_of, itertools.product(ALSO_TRAINED, SEEDS), chunksize=1)
    made = itertools.chain.from_iterable([*(rows for rows, _ in results), *also])
    write_table(__file__, COLUMNS, itertools.chain(untrained_rows(), filter_rows(), made))
    shown = [found for _, found in results if found is not None]
    _, levels = NOISES["masking"]
    x = images().x_test
    np.savez_compressed(
        Path(__file__).with_suffix(".npz"),
        trained=np.array([str(level) for level in ("none", 0.1, 0.3, 0.5, 0.7, "0 to 0.9")]),
        levels=np.array(levels),
        errors=mean_over_seeds(results, "masking", levels),
        nothing=np.array([ae.mse(x, noisy_images("masking", level)) for level in levels]),
        mean_image=np.array(ae.mse(x, np.broadcast_to(ae.mean_image(images().x_train), x.shape))),
        shown_levels=np.array(SHOWN_LEVELS),
        noisy=as_bytes([noisy_images("masking", level)[:SHOWN_IMAGES] for level in SHOWN_LEVELS]),
        rebuilt=as_bytes(shown),
    )


if __name__ == "__main__":
    main()
