"""Measure how much of what 784-784-784 adds can be predicted from the image, and write added_error.csv beside this file.

    python -m notebooks.evidence.added_error

Takes about 2 minutes on two quiet cores. Trained as in blurry_identity.py: the asker's model for five epochs with five seeds,
and, as a short run that the test suite recomputes, one epoch from the identity. Measured once, at the end.
"""

from functools import cache

import aehelpers as ae
import keras
import numpy as np

from notebooks.evidence.blurry_identity import identity_start, images, split_error, two_layers
from notebooks.evidence.record import write_table

COLUMNS = ("training", "steps", "seed", "test_mse", "missing", "added", "linear", "grey")
MEASURED = COLUMNS[3:]
SEEDS = range(5)
FITTED = 20_000  # training images on which the two predictions of the added part are fitted
LEVELS = 32  # of grey
TRAININGS = {
    "identity start": (identity_start, 469),
    "as asked": (two_layers, 2345),
}


def with_one(scores):
    return np.hstack([scores, np.ones((len(scores), 1))])


@cache
def scores():
    """Return the coordinates, by principal component, of images to fit on and of test images, and what a fit needs."""
    x_train, x_test, pca = images("fashion_mnist")
    fit_on, test = (with_one(pca.transform(x).astype(float)) for x in (x_train[:FITTED], x_test))
    return fit_on, test, np.linalg.pinv(fit_on.T @ fit_on, hermitian=True)


def explained(part, predicted):
    """Return which share of the squares of a part is gone once the prediction is subtracted."""
    return 1 - np.square(part - predicted).sum() / np.square(part).sum()


def by_grey(x, part, others):
    """Predict a part by each pixel's own grey value: its mean over the images of ``x`` with that value, for ``others``."""
    pixels = x.shape[1]

    def cell(these):
        return np.minimum((these * LEVELS).astype(int), LEVELS - 1) + LEVELS * np.arange(pixels)

    cells = cell(x).ravel()
    counts, sums = (np.bincount(cells, weights, LEVELS * pixels) for weights in (None, part.ravel()))
    return (sums / np.maximum(counts, 1))[cell(others)]


def measure(model):
    """Return the measured columns: errors, and the shares of the added part that two predictions explain on test images.

    ``linear`` is a linear map of the whole image (all components and a constant), ``grey`` each pixel's own grey value.
    """
    x_train, x_test, pca = images("fashion_mnist")
    x_fit, (fit_on, test, inverse) = x_train[:FITTED], scores()
    reconstruction = ae.predict(model, x_test)
    missing, added = split_error(x_test, reconstruction, pca)
    made_fit, made_test = (pca.transform(images).astype(float) for images in (ae.predict(model, x_fit), reconstruction))
    power = np.square(test[:, :-1]).mean(axis=0)
    gain = np.divide((test[:, :-1] * made_test).mean(axis=0), power, out=np.zeros_like(power), where=power > 0)
    added_fit, added_test = made_fit - gain * fit_on[:, :-1], made_test - gain * test[:, :-1]
    grey = by_grey(x_fit, added_fit @ pca.components_, x_test)
    return {
        "test_mse": round(ae.mse(x_test, reconstruction), 6),
        "missing": round(missing.sum(), 6),
        "added": round(added.sum(), 6),
        "linear": round(explained(added_test, test @ (inverse @ (fit_on.T @ added_fit))), 4),
        "grey": round(explained(added_test @ pca.components_, grey), 4),
    }


def train(training, seed):
    """Return the row of one training run."""
    build, steps = TRAININGS[training]
    keras.utils.set_random_seed(seed)
    model = build()
    ae.fit(model, images("fashion_mnist")[0], steps=steps, batch_size=128, loss="bce", seed=seed, progress=False)
    return {"training": training, "steps": steps, "seed": seed, **measure(model)}


def sample():
    """Return a small row, to be compared with the stored one."""
    return train("identity start", seed=0)


def rows():
    """Train everything and yield the rows."""
    yield sample()
    for seed in SEEDS:
        yield train("as asked", seed)


if __name__ == "__main__":
    write_table(__file__, COLUMNS, rows())
