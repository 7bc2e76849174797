"""Train the denoisers of notebook 06 with five seeds, and write denoising.csv beside this file.

    python notebooks/evidence/denoising.py

Takes about a quarter of an hour on two cores. ``train`` makes one model; the test suite recomputes the row of ``sample``.
"""

import functools
import itertools
import multiprocessing
import types

import aehelpers as ae
import keras
import numpy as np
import tensorflow as tf
from record import write_table
from scipy import ndimage
from sklearn.decomposition import PCA
from sklearn.linear_model import RidgeClassifier
from sparse_codes import build, cross_entropy

# `value` is the squared error per pixel of the test images, but for the measure "label error": the share of the test images
# that a linear classifier on the code, fitted by ridge regression, takes for another digit; and "smoothness": the correlation
# between neighbouring weights of the encoder's units.
COLUMNS = ("model", "seed", "steps", "measure", "level", "value")
MEASURED = ("value",)
SEEDS = range(5)
STEPS = 5_000
NOISES = {
    "masking": (ae.masking_noise, (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),
    "salt and pepper": (ae.salt_and_pepper_noise, (0.1, 0.2, 0.3, 0.5)),
    "gaussian": (ae.gaussian_noise, (0.1, 0.2, 0.3, 0.5, 0.7)),
}
TRAINED = {
    "plain": None,
    "masking 0.1": 0.1,
    "masking 0.3": 0.3,
    "masking 0.5": 0.5,
    "masking 0.7": 0.7,
    "masking 0 to 0.9": (0.0, 0.9),
}


def blur(x, radius):
    """Replace each pixel by a mean of its surroundings, weighted by a bell of that standard deviation."""
    return ndimage.gaussian_filter(x.reshape(-1, 28, 28), (0, radius, radius)).reshape(x.shape)


def median(x, size):
    """Replace each pixel by the median of the square around it."""
    return ndimage.median_filter(x.reshape(-1, 28, 28), (1, size, size)).reshape(x.shape)


def best_of(reconstructions, x):
    """The least error that any setting of a filter reaches; a real user could not know which."""
    return min(ae.mse(x, reconstruction) for reconstruction in reconstructions)


FILTERS = {
    "do nothing": lambda noisy, x: ae.mse(x, noisy),
    "best blur": lambda noisy, x: best_of((blur(noisy, radius) for radius in (0.3, 0.5, 0.7, 1, 1.5)), x),
    "best median": lambda noisy, x: best_of((median(noisy, size) for size in (3, 5)), x),
}


def train(name, seed, steps=STEPS):
    """Return the trained autoencoder 784-128-784, without its noise."""
    bare, _ = build("plain", 0, 0, seed)
    level = TRAINED[name]
    trained = bare if level is None else keras.Sequential([keras.Input((784,)), ae.MaskingNoise(level), bare])
    x_train = images().x_train
    ae.fit(
        trained,
        x_train,
        steps=steps,
        batch_size=64,
        optimizer=keras.optimizers.Adam(0.003),
        loss=cross_entropy,
        seed=seed,
        progress=False,
    )
    return bare


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


def filter_rows(name):
    """Return the rows of what needs no training."""
    x = images().x_test
    return [
        row(name, 0, 0, measure, level, FILTERS[name](noisy_images(measure, level), x))
        for measure, (_, levels) in NOISES.items()
        for level in levels
    ]


def model_rows(name, seed):
    """Train a model and return its rows."""
    model, x = train(name, seed), images().x_test
    made = [
        row(name, seed, STEPS, measure, level, ae.mse(x, denoise(model, noisy_images(measure, level))))
        for measure, (_, levels) in NOISES.items()
        for level in levels
    ]
    encode = functools.partial(ae.predict, model.encoder)
    return [
        *made,
        row(name, seed, STEPS, "label error", 0, label_error(encode)),
        row(name, seed, STEPS, "smoothness", 0, smoothness(model)),
    ]


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
    x = images().x_test
    error = ae.mse(x, denoise(train("masking 0.3", 0), noisy_images("masking", 0.3)))
    return row("masking 0.3", 0, STEPS, "masking", 0.3, error)


@functools.cache
def images():
    """Return images and labels, held so that they are prepared once for each process."""
    data = ae.load("mnist")
    return types.SimpleNamespace(x_train=data.x_train, x_test=data.x_test, y_train=data.y_train, y_test=data.y_test)


def rows_of(run):
    """Return the rows of one model; called in one of several processes."""
    return model_rows(*run)


def main():
    runs = list(itertools.product(TRAINED, SEEDS))
    # Fresh processes now and then: XLA never gives back the memory of what it has compiled.
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=15) as pool:
        made = pool.imap(rows_of, runs)
        first = itertools.chain(untrained_rows(), *map(filter_rows, FILTERS))
        write_table(__file__, COLUMNS, itertools.chain(first, itertools.chain.from_iterable(made)))


if __name__ == "__main__":
    main()
