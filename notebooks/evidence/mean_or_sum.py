"""Variational autoencoders whose decoder is told how noisy its pixels are: how many units of the code stay alive, and why.

    python -m notebooks.evidence.mean_or_sum

With squared error, a decoder that draws each pixel with variance sigma^2 has the loss
``squared error / (2 sigma^2) + KL`` in nats per image, both summed. A mean over 784 pixels beside a summed KL term is
therefore sigma^2 = 392. Each run of the table trains 784-code-784 with 32 units, without hidden layers ("linear") or with 256
units on both sides ("256"), Adam from 0.001 with cosine decay to 0, batches of 128. The runs:

- "sigma": a fixed sigma^2.
- "learned": sigma^2 is the mean squared error of the batch (Rybkin and others, 2021).
- "warm start": "sigma" at 0.5, then sigma^2 = 392 for as many further steps as the row says.
- "free bits": sigma^2 = 392, but the first 0.25 nats of each unit cost nothing (Kingma and others, 2016).
- "cross entropy, sum" and "cross entropy, mean": the two ways to write the loss with logits.
- "sees pixels before": sigma^2 = 0.5, and the decoder adds to each pixel a weighted sum of the true pixels before it.

Columns: ``alive`` units are those whose mean has a variance above 0.1 over the test images, ``alive_loosely`` above 0.01;
``kl`` is in nats per image, ``farthest`` the largest distance of a unit's KL from what the theorem for linear models
predicts, both sorted by size; ``squared_error`` is per pixel, from the means. The npz file holds what
`ae.recorded_display("mean_or_sum")` shows, seed 0; there sigma^2 is 6 and 5 as well.
"""

import functools
import itertools
import multiprocessing
from pathlib import Path

import aehelpers as ae
import keras
import numpy as np
import tensorflow as tf
from scipy.special import expit

from notebooks.evidence.record import write_table

COLUMNS = ("data", "model", "run", "sigma2", "steps", "seed", "alive", "alive_loosely", "kl", "farthest", "squared_error")
MEASURED = COLUMNS[6:]
DATA = ("mnist", "fashion_mnist")
HIDDEN = {"linear": (), "256": (256,)}
STEPS = {"linear": 10_000, "256": 6_000}
VARIANCES = (392, 10, 4, 2, 1, 0.5)
BETWEEN = (6, 5)  # for the display alone, on both sides of MNIST's largest component, 5.12
SEEDS = range(5)
CODE_SIZE = 32
SHOWN = 8
FREE = 0.25  # nats for each unit
FURTHER = (2_000, 6_000)  # steps of the warm start with the wrong weight
CONTROLS = ("learned", "warm start", "free bits", "cross entropy, sum", "cross entropy, mean", "sees pixels before")


@functools.cache
def images(data):
    """Return the images, held so that they are prepared once for each process."""
    found = ae.load(data)
    return found.x_train, found.x_test


@functools.cache
def spectrum(data):
    """Return the variances of the principal components of the training images, the largest first."""
    return np.linalg.eigvalsh(np.cov(images(data)[0].T.astype(np.float64)))[::-1]


def predicted_kl(variances, sigma2):
    """Return the KL of each unit of the best linear model: half the logarithm of its component's variance over sigma^2."""
    return np.maximum(np.log(variances / sigma2) / 2, 0)


class FreeBits(keras.layers.Layer):
    """Draws a code, and charges each unit for the nats above the free ones only."""

    def call(self, inputs, training=False):
        mean, log_variance = inputs
        if not training:
            return mean
        kl = tf.reduce_mean(tf.exp(log_variance) + tf.square(mean) - 1 - log_variance, axis=0) / 2
        self.add_loss(tf.reduce_sum(tf.maximum(kl, FREE)))  # beside a mean over the pixels: sigma^2 = 392
        return mean + tf.exp(log_variance / 2) * tf.random.normal(tf.shape(mean))


class SeesPixelsBefore(keras.Model):
    """A decoder that gets, beside the code, the true pixels before each pixel, in the order of reading."""

    def __init__(self, variational):
        super().__init__()
        self.variational = variational
        self.before = self.add_weight(shape=(784, 784), initializer="zeros", name="before")
        self.earlier = np.triu(np.ones((784, 784), np.float32), 1)

    def call(self, inputs, training=False):
        return self.variational(inputs, training=training) + inputs @ (self.before * self.earlier)


def log_squared_error(target, made):
    """Return half the logarithm of the batch's mean squared error: what is left of the loss when sigma^2 is best."""
    return tf.fill(tf.shape(target)[:1], tf.math.log(tf.reduce_mean(tf.square(target - made))) / 2)


def variational(model, sigma2):
    return ae.variational_autoencoder(hidden=HIDDEN[model], code_size=CODE_SIZE, output_activation=None, kl_weight=2 * sigma2)


def train(model, data, steps, seed, loss="mse"):
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.001, steps))
    ae.fit(model, images(data)[0], steps=steps, batch_size=128, optimizer=optimizer, loss=loss, seed=seed, progress=False)


def kl_of_units(found, x):
    """Return mean and KL of each unit, over images."""
    mean, log_variance = (np.asarray(part, np.float64) for part in found.encoder_with_variance(x, training=False))
    return mean, ((np.exp(log_variance) + mean**2 - 1 - log_variance) / 2).mean(axis=0)


def active(mean, threshold=0.1):
    """Return how many units are active, from their means over images."""
    return (mean.var(axis=0) > threshold).sum()


def row(found, whole, data, model, run, sigma2, steps, seed, from_logits=False):
    """Return a row of the table: ``whole`` is what rebuilds images, ``found`` the variational autoencoder in it."""
    x = images(data)[1]
    mean, kl = kl_of_units(found, x)
    made = ae.predict(whole, x)
    made = expit(made) if from_logits else made
    farthest = ""
    if model == "linear" and run == "sigma":
        farthest = round(np.abs(np.sort(kl)[::-1] - predicted_kl(spectrum(data)[:CODE_SIZE], sigma2)).max(), 4)
    values = (
        active(mean),
        active(mean, 0.01),
        round(kl.sum(), 4),
        farthest,
        round(ae.mse(x, made), 6),
    )
    return dict(zip(COLUMNS, (data, model, run, sigma2, steps, seed, *values), strict=True))


def pictures(found, data):
    """Return what the display shows of a model: active units, KL of each unit, digits rebuilt, and what random codes give."""
    x = images(data)[1][:SHOWN]
    codes = np.random.default_rng(0).normal(size=(SHOWN, CODE_SIZE)).astype(np.float32)
    made = np.array([ae.predict(found, x), ae.predict(found.decoder, codes)])
    mean, kl = kl_of_units(found, images(data)[1])
    return active(mean), np.sort(kl)[::-1], np.rint(255 * np.clip(made, 0, 1)).astype(np.uint8)


def result(data, model, run, sigma2, seed):
    """Return the rows of one training and, of the first seed with a fixed sigma^2, what the display shows."""
    keras.utils.set_random_seed(seed)
    steps, loss = STEPS[model], "mse"
    if run == "free bits":
        parts = variational(model, 392)
        codes = FreeBits()(parts.encoder_with_variance.outputs)
        whole = keras.Model(parts.encoder_with_variance.input, parts.decoder(codes))
        train(whole, data, steps, seed)
        return [row(parts, whole, data, model, run, 392, steps, seed)], None
    if run == "sees pixels before":
        parts = variational(model, sigma2)
        whole = SeesPixelsBefore(parts)
        train(whole, data, steps, seed)
        return [row(parts, whole, data, model, run, sigma2, steps, seed)], None
    if run.startswith("cross entropy"):
        found = variational(model, 0.5 if run.endswith("sum") else 392)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        train(found, data, steps, seed, loss)
        return [row(found, found, data, model, run, "", steps, seed, from_logits=True)], None
    if run == "learned":
        found = variational(model, 0.5)  # the KL term for a loss in nats, a mean over the pixels
        train(found, data, steps, seed, log_squared_error)
        made = row(found, found, data, model, run, "", steps, seed)
        return [{**made, "sigma2": made["squared_error"]}], None
    found = variational(model, sigma2)
    train(found, data, steps, seed)
    rows = [] if sigma2 in BETWEEN else [row(found, found, data, model, run, sigma2, steps, seed)]
    if run == "warm start":
        started = found.get_weights()
        for further in FURTHER:
            found = variational(model, 392)
            found.set_weights(started)
            train(found, data, further, seed + 100)
            rows.append(row(found, found, data, model, run, 392, further, seed))
        return rows[1:], None
    return rows, pictures(found, data) if seed == SEEDS[0] else None


def sample():
    """Return a small row, to be compared with the stored one."""
    return result("mnist", "linear", "sigma", 392, 0)[0][0]


def call(arguments):
    return result(*arguments)


def runs():
    """List all trainings: every seed of the linear models, and of the others on MNIST; the others on Fashion-MNIST once."""
    fixed = itertools.product(DATA, HIDDEN, ("sigma",), VARIANCES, SEEDS)
    listed = [run for run in fixed if run[:2] != ("fashion_mnist", "256") or run[-1] == SEEDS[0]]
    listed += itertools.product(DATA, HIDDEN, ("sigma",), BETWEEN, SEEDS[:1])
    for run in CONTROLS:
        model = "linear" if run == "sees pixels before" else "256"
        listed += [("mnist", model, run, 0.5, seed) for seed in SEEDS]
    return listed


def main():
    of_seed = {}

    def rows(results):
        for (data, model, _, sigma2, _), (made, shown) in zip(runs(), results, strict=True):
            yield from made
            if shown is not None:
                of_seed[data, model, sigma2] = shown

    # Fresh processes now and then: XLA never gives back the memory of what it has compiled.
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=15) as pool:
        write_table(__file__, COLUMNS, rows(pool.imap(call, runs())))
    variances = sorted((*VARIANCES, *BETWEEN), reverse=True)
    shape = (len(DATA), len(HIDDEN), len(variances))
    shown = [of_seed[one] for one in itertools.product(DATA, HIDDEN, variances)]
    made = np.array([pictures for *_, pictures in shown])
    np.savez_compressed(
        Path(__file__).with_suffix(".npz"),
        data=np.array(DATA),
        models=np.array(list(HIDDEN)),
        variances=np.array(variances, np.float64),
        spectrum=np.array([spectrum(data)[:CODE_SIZE] for data in DATA]),
        kl=np.array([kl for _, kl, _ in shown]).reshape(*shape, CODE_SIZE),
        alive=np.array([alive for alive, *_ in shown]).reshape(shape),
        images=np.array([np.rint(255 * images(data)[1][:SHOWN]) for data in DATA], np.uint8),
        rebuilt=made[:, 0].reshape(*shape, SHOWN, 784),
        samples=made[:, 1].reshape(*shape, SHOWN, 784),
    )


if __name__ == "__main__":
    main()
