"""Train 784-784-784 in the ways that notebook 02 compares, five seeds each, and write blurry_identity.csv beside this file.

    python -m notebooks.evidence.blurry_identity

Takes about 9 minutes on two quiet cores. ``train`` makes the rows of one training; the test suite recomputes the row of
``sample``. Images are the 60,000 that the asker trained on; everything is measured on the 10,000 test images.
"""

from functools import cache

import aehelpers as ae
import keras
import numpy as np
from sklearn.decomposition import PCA

from notebooks.evidence.record import write_table

COLUMNS = ("training", "data", "steps", "seed", "test_mse", "test_bce", "missing", "added", "dead_units")
MEASURED = COLUMNS[4:]
SEEDS = range(5)
EPOCHS_2 = 938
DENSE = keras.layers.Dense


def two_layers(hidden=784, code="relu", output="sigmoid"):
    return keras.Sequential([keras.Input((784,)), DENSE(hidden, code), DENSE(784, output)])


def identity_start():
    """Each hidden unit copies one pixel at the start, and each output is sigmoid(4 h - 2)."""
    return keras.Sequential(
        [
            keras.Input((784,)),
            DENSE(784, "relu", kernel_initializer="identity"),
            DENSE(
                784,
                "sigmoid",
                kernel_initializer=keras.initializers.Identity(4),
                bias_initializer=keras.initializers.Constant(-2),
            ),
        ]
    )


def bottleneck():
    return keras.Sequential([keras.Input((784,)), DENSE(256, "relu"), DENSE(32), DENSE(256, "relu"), DENSE(784, "sigmoid")])


# How each training differs from the asker's: the model, the loss, the learning rate, and after which steps it is measured.
TRAININGS = {
    "as asked": (two_layers, "bce", 1e-3, (100, 235, 469, 938, 2345, 4690)),
    "squared error": (two_layers, "mse", 1e-3, (EPOCHS_2,)),
    "linear output and squared error": (lambda: two_layers(output=None), "mse", 1e-3, (EPOCHS_2, 2345)),
    "linear code": (lambda: two_layers(code=None), "bce", 1e-3, (EPOCHS_2,)),
    "twice the hidden units": (lambda: two_layers(1568), "bce", 1e-3, (EPOCHS_2,)),
    "learning rate 0.003": (two_layers, "bce", 3e-3, (EPOCHS_2,)),
    "decaying learning rate": (two_layers, "bce", keras.optimizers.schedules.CosineDecay(1e-3, EPOCHS_2), (EPOCHS_2,)),
    "identity start": (identity_start, "bce", 1e-3, (469, EPOCHS_2, 2345)),
    "bottleneck of 32": (bottleneck, "bce", 1e-3, (2345,)),
}


@cache
def images(data):
    loaded = ae.load(data)
    x_train = np.concatenate((loaded.x_train, loaded.x_valid))
    x_train.flags.writeable = False
    return x_train, loaded.x_test, PCA(784, svd_solver="covariance_eigh").fit(x_train)


def split_error(x, made, pca):
    """Return what is missing and what is added, by principal component, in squared error per pixel; their sum is the error.

    Along a component let an image have the coordinate s, and its reconstruction r. The gain g is the slope of the line through
    0 that predicts r from s. Then s - r = (1 - g) s - (r - g s), and the two parts are uncorrelated.
    """
    score, made_score = (pca.transform(images).astype(float) for images in (x, made))
    power = np.square(score).mean(axis=0)
    gain = np.divide((score * made_score).mean(axis=0), power, out=np.zeros_like(power), where=power > 0)
    missing = np.square(1 - gain) * power
    added = np.square(made_score - gain * score).mean(axis=0)
    return missing / x.shape[1], added / x.shape[1]


def measure(model, data):
    """Return the measured columns: errors, what of the squared error is missing and what is added, dead hidden units."""
    _, x_test, pca = images(data)
    reconstruction = ae.predict(model, x_test)
    probabilities = reconstruction.min() >= 0 and reconstruction.max() <= 1
    hidden = keras.Sequential([keras.Input((784,)), model.layers[0]])
    missing, added = split_error(x_test, reconstruction, pca)
    return {
        "test_mse": round(ae.mse(x_test, reconstruction), 6),
        "test_bce": round(ae.bce(x_test, reconstruction), 5) if probabilities else "",
        "missing": round(missing.sum(), 6),
        "added": round(added.sum(), 6),
        "dead_units": int(ae.dead_units(hidden, x_test).sum()),
    }


def train(training, data, seed, last_step=None):
    """Return the rows of one training, one for each step after which it is measured."""
    build, loss, learning_rate, stops = TRAININGS[training]
    keras.utils.set_random_seed(seed)
    model, optimizer = build(), keras.optimizers.Adam(learning_rate)
    done, rows = 0, []
    for number, stop in enumerate(stop for stop in stops if stop <= (last_step or stop)):
        ae.fit(
            model,
            images(data)[0],
            steps=stop - done,
            batch_size=128,
            optimizer=optimizer,
            loss=loss,
            seed=100 * seed + number,
            progress=False,
        )
        done = stop
        rows.append({"training": training, "data": data, "steps": stop, "seed": seed, **measure(model, data)})
    return rows


def sample():
    """Return a small row, to be compared with the stored one."""
    return train("as asked", "fashion_mnist", seed=0, last_step=100)[-1]


def rows():
    """Train everything and yield the rows."""
    for seed in SEEDS:
        for training in TRAININGS:
            yield from train(training, "fashion_mnist", seed)
        for training in ("as asked", "linear output and squared error"):
            yield from train(training, "mnist", seed, last_step=EPOCHS_2)


if __name__ == "__main__":
    write_table(__file__, COLUMNS, rows())
