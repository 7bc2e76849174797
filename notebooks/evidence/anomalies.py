"""Which images an autoencoder takes for strange, when one digit was left out of its training.

    python -m notebooks.evidence.anomalies

Autoencoders 784-128-code-128-784 with ReLU units and a sigmoid at the end, and one 784-1024-784 ("wide"), learn nine digits
in 2,500 batches of 128 (squared error, Adam 0.001). A score says how strange each test image is. The measure "detection" is
the area under the ROC curve: the share of pairs, one image of the left-out digit and one of the others, in which the left-out
one has the larger score. ``left_out`` is -1 where all ten digits were learned.

Scores of an autoencoder: "error", the squared error per pixel; "relative error", that over the mean square of the image;
"code distance", the mean distance of the code from the five nearest among 10,000 training codes; "code density", the
Mahalanobis distance of the code from the training codes; "code and error", that of the code together with the logarithm of
the error. Without an autoencoder (model "none"): "ink", the mean pixel; "PCA-16" and "PCA-64", errors of as many components;
"neighbours", the mean distance of the pixels from the five nearest of 10,000 training images, "relative neighbours", that over
the length of the image; "neighbours, PCA-32", the distance among components.

With all ten digits learned, one thing at a time is changed in the test images: "dimmed", the pixels times the level; "moved",
shifted to the right by as many pixels; "lines", that many straight strokes at random in place of a digit. The measures are
"error of ..." and "relative error of ...", means over the images, and "accepted ...", the share whose error is below that of
95 % of the test images. "Fashion" are garments; "Fashion, dimmed" each garment times the factor that gives it the mean square
of a test digit. The npz file holds what `ae.recorded_display("anomalies")` shows, seed 0 of "code 16".
"""

import functools
import itertools
import multiprocessing
from pathlib import Path

import aehelpers as ae
import keras
import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from notebooks.evidence.record import write_table

COLUMNS = ("model", "left_out", "seed", "measure", "level", "value")
MEASURED = ("value",)
CODE_SIZES = (2, 4, 16, 64)
SHOWN_MODEL = "code 16"
MODELS = {**{f"code {size}": {"hidden": (128,), "code_size": size} for size in CODE_SIZES}, "wide": {"code_size": 1024}}
SEEDS = range(5)
NEAREST, OF = 5, 10_000
SHOWN, BINS = 8, 60
SHOWN_SCORES = ("error", "relative error", "code distance")
DIMMED = (0, 0.1, 0.25, 0.5, 0.75, 1)
MOVED = (0, 1, 2, 4, 6, 8)
LINES = (0, 1, 2, 4, 8, 16)


@functools.cache
def images():
    """Return the data sets, held so that they are prepared once for each process."""
    return ae.load("mnist"), ae.load("fashion_mnist").x_test


def nearest(x, references):
    """Return for each row the mean distance of the five nearest references; an exact search by matrix products."""
    squares = (references**2).sum(axis=1)
    found = [
        np.sqrt(np.maximum(np.partition(squares - 2 * part @ references.T, NEAREST, axis=1)[:, :NEAREST] + own[:, None], 0))
        for part, own in ((part, (part**2).sum(axis=1)) for part in np.array_split(x, 10))
    ]
    return np.concatenate(found).mean(axis=1)


def mahalanobis(x, references):
    """Return the distance of each row from the mean of the references, in units of their spread."""
    mean, spread = references.mean(axis=0), np.cov(references.T.astype(np.float64)) + 1e-6 * np.eye(references.shape[1])
    away = x - mean
    return np.sqrt(np.einsum("ij,ij->i", away @ np.linalg.inv(spread), away))


def errors(model, x):
    return np.square(x - ae.predict(model, x)).mean(axis=1)


def relative(error, x):
    return error / np.maximum(np.square(x).mean(axis=1), 1e-6)  # a black image has no square to divide by


def scores(model, x_train, x):
    """Return by name how strange a model finds each image."""
    error = errors(model, x)
    of_error = {"error": error, "relative error": relative(error, x)}
    if model.encoder.output_shape[1] > max(CODE_SIZES):
        return of_error
    train, codes = x_train[:OF], ae.predict(model.encoder, x)
    train_error, train_codes = errors(model, train), ae.predict(model.encoder, train)
    return {
        **of_error,
        "code distance": nearest(codes, train_codes),
        "code density": mahalanobis(codes, train_codes),
        "code and error": mahalanobis(np.c_[codes, np.log(error)], np.c_[train_codes, np.log(train_error)]),
    }


def scores_without_training(x_train, x):
    """Return by name how strange simple methods find each image."""
    away = nearest(x, x_train[:OF])
    found = {"ink": x.mean(axis=1), "neighbours": away, "relative neighbours": away / np.linalg.norm(x, axis=1)}
    for count in (16, 64):
        pca = PCA(count, svd_solver="covariance_eigh").fit(x_train)
        found[f"PCA-{count}"] = np.square(x - pca.inverse_transform(pca.transform(x))).mean(axis=1)
    pca = PCA(32, svd_solver="covariance_eigh").fit(x_train)
    found["neighbours, PCA-32"] = nearest(pca.transform(x), pca.transform(x_train[:OF]))
    return found


def detection(score, strange):
    """Return the share of pairs, one strange image and one other, in which the strange one has the larger score."""
    return float(roc_auc_score(strange, score))


def train(name, left_out, seed):
    data, _ = images()
    x_train = data.x_train[data.y_train != left_out]
    keras.utils.set_random_seed(seed)
    model = ae.autoencoder(**MODELS[name])
    ae.fit(model, x_train, steps=2_500, loss="mse", seed=seed, progress=False)
    return model, x_train


def dimmed(x, level):
    return x * np.float32(level)


def moved(x, level):
    pictures = x.reshape(-1, 28, 28)
    away = np.zeros_like(pictures)
    away[:, :, level:] = pictures[:, :, : 28 - level]
    return away.reshape(x.shape)


def lines(x, level):
    """Return pictures with that many strokes of two pixels' width, from random point to random point of the middle."""
    generator = np.random.default_rng(level)
    rows, columns = np.mgrid[0:28, 0:28]
    drawn = np.zeros((2_000, 28, 28), np.float32)
    for picture in drawn:
        for _ in range(level):
            (top, left), (bottom, right) = generator.uniform(5, 23, (2, 2))
            length = max((bottom - top) ** 2 + (right - left) ** 2, 1e-6)
            along = np.clip(((rows - top) * (bottom - top) + (columns - left) * (right - left)) / length, 0, 1)
            away = np.hypot(rows - top - along * (bottom - top), columns - left - along * (right - left))
            np.maximum(picture, np.clip(1.5 - away, 0, 1), out=picture)
    return drawn.reshape(-1, 784)


def row(model, left_out, seed, measure, level, value):
    return dict(zip(COLUMNS, (model, left_out, seed, measure, level, round(float(value), 6)), strict=True))


def detection_rows(model, left_out, seed, found):
    strange = images()[0].y_test == left_out
    return [row(model, left_out, seed, "detection", name, detection(score, strange)) for name, score in found.items()]


def changed_rows(model, name, seed):
    """Yield what a model that knows all ten digits makes of test images in which one thing is changed."""
    data, garments = images()
    x = data.x_test
    limit = np.quantile(errors(model, x), 0.95)
    for change, levels in ((dimmed, DIMMED), (moved, MOVED), (lines, LINES)):
        for level in levels:
            made = change(x, level)
            error = errors(model, made)
            kind = change.__name__
            yield row(name, -1, seed, f"error of {kind}", level, error.mean())
            yield row(name, -1, seed, f"relative error of {kind}", level, relative(error, made).mean())
            yield row(name, -1, seed, f"accepted {kind}", level, (error < limit).mean())
    squares = (np.square(part).mean(axis=1) for part in (x, garments))
    as_digits = garments * np.sqrt(np.divide(*squares))[:, None]
    for kind, strange in {"Fashion": garments, "Fashion, dimmed": as_digits}.items():
        both, which = np.concatenate([x, strange]), np.repeat([0, 1], len(x))
        error = errors(model, both)
        for score, values in {"error": error, "relative error": relative(error, both), "ink": both.mean(axis=1)}.items():
            yield row(name, -1, seed, f"detection of {kind}", score, detection(values, which))
        yield row(name, -1, seed, f"accepted {kind}", "", (error[which == 1] < limit).mean())


def shown(found, left_out):
    """Return what the display shows of a model: counts of both groups over each score, and the images at the wrong end."""
    data, _ = images()
    strange = data.y_test == left_out
    counts, edges, pictures = [], [], []
    for name in SHOWN_SCORES:
        score = found[name]
        edge = np.linspace(0, np.quantile(score, 0.998), BINS + 1)
        clipped = np.minimum(score, edge[-1])
        counts.append([np.histogram(clipped[group], edge)[0] for group in (~strange, strange)])
        edges.append(edge)
        order = np.argsort(score)
        accepted, accused = order[strange[order]][:SHOWN], order[::-1][~strange[order[::-1]]][:SHOWN]
        pictures.append(data.x_test[np.array([accepted, accused])])
    return np.array(counts, np.uint16), np.array(edges, np.float32), np.rint(255 * np.array(pictures)).astype(np.uint8)


def result(name, left_out, seed):
    """Return the rows of one training and, of the first seed of one model, what the display shows."""
    if name == "none":
        data, _ = images()
        return detection_rows(
            name, left_out, 0, scores_without_training(data.x_train[data.y_train != left_out], data.x_test)
        ), None
    model, x_train = train(name, left_out, seed)
    if left_out == -1:
        return list(changed_rows(model, name, seed)), None
    found = scores(model, x_train, images()[0].x_test)
    show = shown(found, left_out) if (name, seed) == (SHOWN_MODEL, SEEDS[0]) else None
    return detection_rows(name, left_out, seed, found), show


def sample():
    """Return a small row, to be compared with the stored one: over the seeds it differs by 1 %, others by a quarter."""
    return next(one for one in result("code 16", 2, 0)[0] if one["level"] == "code distance")


def call(arguments):
    return result(*arguments)


def runs():
    return [
        *(("none", digit, 0) for digit in range(10)),
        *((SHOWN_MODEL, -1, seed) for seed in SEEDS),
        *itertools.product((SHOWN_MODEL, *(name for name in MODELS if name != SHOWN_MODEL)), range(10), SEEDS),
    ]


def main():
    found = []

    def rows(results):
        for made, show in results:
            yield from made
            if show is not None:
                found.append(show)

    # Fresh processes now and then: XLA never gives back the memory of what it has compiled.
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=15) as pool:
        write_table(__file__, COLUMNS, rows(pool.imap(call, runs())))
    counts, edges, pictures = (np.array(part) for part in zip(*found, strict=True))
    np.savez_compressed(
        Path(__file__).with_suffix(".npz"), scores=np.array(SHOWN_SCORES), counts=counts, edges=edges, pictures=pictures
    )


if __name__ == "__main__":
    main()
