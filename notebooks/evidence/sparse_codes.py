"""Train the models of notebook 05 with five seeds, and write sparse_codes.csv beside this file.

    python -m notebooks.evidence.sparse_codes

Takes about an hour on two cores. ``train`` makes the rows of one run; the test suite recomputes that of ``sample``.
"""

import functools
import itertools
import multiprocessing

import aehelpers as ae
import keras
import numpy as np
import tensorflow as tf

from notebooks.evidence.record import write_table

COLUMNS = (
    "model",
    "optimizer",
    "rho",
    "weight",
    "seed",
    "steps",
    "test_bce",
    "zeroed_below_0.1",
    "raised_to_0.1",
    "largest_16_kept",
    "mean_activation",
    "lowest_unit",
    "highest_unit",
    "share_above_0.1",
    "population",
    "lifetime",
    "decoder_norm",
)
MEASURED = COLUMNS[6:]
SEEDS = range(5)
STEPS = (5_000,)
OPTIMIZERS = {
    "AdaGrad 0.1": functools.partial(keras.optimizers.Adagrad, 0.1),  # the author's
    "AdaGrad 0.1 from 1e-7": functools.partial(keras.optimizers.Adagrad, 0.1, initial_accumulator_value=1e-7),
    "Adam 0.003": functools.partial(keras.optimizers.Adam, 0.003),
}

RUNS = [
    # The author's two models, for as long as we could afford.
    ("plain", "AdaGrad 0.1", 0, 0, (10_000, 100_000, 300_000)),
    ("KL", "AdaGrad 0.1", 0.05, 1, (10_000, 100_000, 300_000)),
    # Other optimizers in the same number of batches.
    ("plain", "AdaGrad 0.1 from 1e-7", 0, 0, (10_000,)),
    ("plain", "Adam 0.003", 0, 0, (5_000, 10_000)),
    # The penalties, and what could make small codes sparse.
    *(("KL", "Adam 0.003", rho, weight, STEPS) for rho, weight in itertools.product((0.02, 0.05, 0.1, 0.2), (0.01, 0.1))),
    *(("KL", "Adam 0.003", rho, 1, (5_000, 20_000) if rho == 0.05 else STEPS) for rho in (0.02, 0.05, 0.1, 0.2)),
    *(("L1", "Adam 0.003", 0, weight, STEPS) for weight in (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1)),
    ("KL and decoder norm at most 10", "Adam 0.003", 0.05, 1, (5_000, 20_000)),
    ("16 largest", "Adam 0.003", 0, 0, STEPS),
]

cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)


class L1Penalty(keras.layers.Layer):
    """Adds a weight times the mean activation to the loss."""

    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def call(self, code):
        self.add_loss(self.weight * tf.reduce_mean(tf.abs(code)))
        return code


class KeepLargest(keras.layers.Layer):
    """Sets all but the k largest activations of each image to 0."""

    def __init__(self, k):
        super().__init__()
        self.k = k

    def call(self, code):
        edge = tf.math.top_k(code, self.k)[0][:, -1:]
        return tf.where(code >= edge, code, 0.0)


def build(model, rho, weight, seed):
    """Return the bare autoencoder and what is trained: the same with its penalty between encoder and decoder."""
    keras.utils.set_random_seed(seed)
    initializer = keras.initializers.TruncatedNormal(stddev=0.1)
    bare = ae.autoencoder(
        hidden=(),
        code_size=128,
        code_activation="sigmoid",
        output_activation=None,
        kernel_initializer=initializer,
        bias_initializer=initializer,
    )
    if model == "plain":
        return bare, bare
    if model == "L1":
        between = L1Penalty(weight)
    elif model == "16 largest":
        between = KeepLargest(16)
    else:
        between = ae.KLSparsity(rho, weight)
    if model.endswith("norm at most 10"):
        bare.decoder.layers[-1].kernel.constraint = keras.constraints.MaxNorm(10, axis=1)
    return bare, keras.Sequential([keras.Input((784,)), bare.encoder, between, bare.decoder])


def measure(model, x):
    """Return what one row holds, on test images."""
    code = model.encoder(x).numpy()

    def error(changed):
        return round(float(cross_entropy(x, model.decoder(changed.astype(np.float32)))), 5)

    sixteenth = np.sort(code, axis=1)[:, -16][:, None]
    squares = np.square(code)
    unit_means = code.mean(axis=0)
    return {
        "test_bce": error(code),
        "zeroed_below_0.1": error(np.where(code >= 0.1, code, 0)),
        "raised_to_0.1": error(np.maximum(code - 0.1, 0) + 0.1),
        "largest_16_kept": error(np.where(code >= sixteenth, code, 0)),
        "mean_activation": round(float(code.mean()), 5),
        "lowest_unit": round(float(unit_means.min()), 5),
        "highest_unit": round(float(unit_means.max()), 5),
        "share_above_0.1": round(float((code > 0.1).mean()), 5),
        "population": round(float((code.mean(axis=1) ** 2 / squares.mean(axis=1)).mean()), 5),
        "lifetime": round(float((unit_means**2 / squares.mean(axis=0)).mean()), 5),
        "decoder_norm": round(float(np.linalg.norm(model.decoder.get_weights()[0], axis=1).mean()), 3),
    }


def course(model, optimizer, rho, weight, stops, seed):
    """Train one run; at each number of steps in ``stops``, yield that number and the bare autoencoder as it is then."""
    x_train, _ = images()
    bare, trained = build(model, rho, weight, seed)
    stepper, done = OPTIMIZERS[optimizer](), 0
    for place, stop in enumerate(stops):
        ae.fit(
            trained,
            x_train,
            steps=stop - done,
            batch_size=64,
            optimizer=stepper,
            loss=cross_entropy,
            seed=100 * seed + place,
            progress=False,
        )
        done = stop
        yield stop, bare


def train(model, optimizer, rho, weight, stops, seed):
    """Return one row for each number of steps in ``stops``."""
    key = {"model": model, "optimizer": optimizer, "rho": rho, "weight": weight, "seed": seed}
    run = course(model, optimizer, rho, weight, stops, seed)
    return [{**key, "steps": steps, **measure(bare, images()[1])} for steps, bare in run]


def sample():
    """Return a small row, to be compared with the stored one."""
    return train(*RUNS[0][:4], stops=(10_000,), seed=0)[0]


@functools.cache
def images():
    """Return the training and the test images, held so that they are prepared once for each process."""
    data = ae.load("mnist")
    return data.x_train, data.x_test


def rows_of(run):
    """Return the rows of one of the runs; called in one of several processes."""
    return train(*run)


def main():
    runs = [(*run, seed) for run in sorted(RUNS, key=lambda run: run[-1][-1]) for seed in SEEDS]
    # Fresh processes now and then: XLA never gives back the memory of what it has compiled.
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=20) as pool:
        write_table(__file__, COLUMNS, itertools.chain.from_iterable(pool.imap(rows_of, runs)))


if __name__ == "__main__":
    main()
