"""Train the model of notebook 03 with 20 seeds, three code sizes and each remedy, and write dead_code.csv beside this file.

    python -m notebooks.evidence.dead_code

Takes about half an hour on two cores. ``train`` makes one row; the test suite recomputes the row of ``sample``.
"""

import functools
import multiprocessing

import aehelpers as ae
import keras
import numpy as np
import tensorflow as tf

from notebooks.evidence.record import write_table

COLUMNS = ("remedy", "size", "seed", "steps", "test_mse", "dead_code", "constant_code", "dead_output")
MEASURED = ("test_mse", "dead_code", "constant_code", "dead_output")
SEEDS = range(20)
SIZES = (2, 5, 20)
STEPS = 1_000
LONG_RUNS = (
    ("none", 20, 20_000),  # the author's number of steps
    ("learning rate 0.001", 2, 10_000),  # ten times the steps, at a tenth of the learning rate
)
LONG_SEEDS = range(5)

# What each remedy changes of the author's model ...
MODELS = {
    "linear code": {"code_activation": "linear"},
    "leaky ReLU": {"hidden_activation": "leaky_relu", "code_activation": "leaky_relu", "output_activation": "leaky_relu"},
    "leaky ReLU at the code": {"code_activation": "leaky_relu"},
    "sigmoid output": {"output_activation": "sigmoid"},
    "Glorot weights and zero biases": {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"},
    "sigmoid output, Keras's RMSProp": {"output_activation": "sigmoid"},
}
# ... and of the author's training.
TRAININGS = ("learning rate 0.001", "Adam 0.001", "sparsity penalty")
# For the code of 2 only: what was tried to find out why units sink.
WHY = ("sigmoid output, Keras's RMSProp", "target brighter by 1", "first picture as bright as the mean image")
REMEDIES = ("none", "Keras's RMSProp", *(name for name in MODELS if name not in WHY), *TRAININGS)


class SparsityPenalty(keras.layers.Layer):
    """Adds 0.001 times the sum of a code's activations to the loss."""

    def call(self, code):
        self.add_loss(0.001 * tf.reduce_mean(tf.reduce_sum(tf.abs(code), axis=-1)))
        return code


def build(remedy, size, seed):
    """Make 784-300-100-size-100-300-784 with the author's activations and initial weights, but for the remedy."""
    keras.utils.set_random_seed(seed)
    arguments = {
        "hidden_activation": "relu",
        "code_activation": "relu",
        "output_activation": "relu",
        "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.1),
        "bias_initializer": keras.initializers.Constant(0.1),
    }
    return ae.autoencoder(hidden=(300, 100), code_size=size, **{**arguments, **MODELS.get(remedy, {})})


def optimizer_for(remedy, model):
    """Make the author's RMSProp, but for the remedy.

    TensorFlow 1 started RMSProp's running mean of squared gradients at 1; Keras starts it at 0.
    """
    if remedy == "Adam 0.001":
        return keras.optimizers.Adam(1e-3)
    rate = 0.001 if remedy == "learning rate 0.001" else 0.01
    optimizer = keras.optimizers.RMSprop(rate, rho=0.9, epsilon=1e-10)
    if not remedy.endswith("Keras's RMSProp"):
        optimizer.build(model.trainable_variables)
        for variable in optimizer.variables:
            if "velocity" in variable.path:  # Keras's name for that running mean
                variable.assign(tf.ones_like(variable))
    return optimizer


def make_as_bright_as_the_mean_image(model, x_train):
    """Set the biases of the output so that before training the average of what goes into its ReLU is the mean image."""
    output = model.decoder.layers[-1]
    before = keras.Sequential([keras.Input(model.decoder.input_shape[1:]), *model.decoder.layers[:-1]])
    kernel, _ = output.get_weights()
    hidden = ae.predict(before, ae.predict(model.encoder, x_train[:2000]))
    output.set_weights([kernel, ae.mean_image(x_train) - (hidden @ kernel).mean(axis=0)])


def train(remedy, size, seed, steps=STEPS):
    """Return one row of the table."""
    x_train, x_test = images()
    model = trained = build(remedy, size, seed)
    if remedy == "sparsity penalty":
        trained = keras.Sequential([keras.Input((784,)), model.encoder, SparsityPenalty(), model.decoder])
    brighter = np.float32(1 if remedy == "target brighter by 1" else 0)
    if remedy == "first picture as bright as the mean image":
        make_as_bright_as_the_mean_image(model, x_train)
    options = {"optimizer": optimizer_for(remedy, trained), "loss": "mse", "seed": seed, "progress": False}
    ae.fit(trained, x_train, target=x_train + brighter, steps=steps, batch_size=50, **options)
    code = ae.predict(model.encoder, x_test)
    reconstruction = ae.predict(model, x_test)
    return {
        "remedy": remedy,
        "size": size,
        "seed": seed,
        "steps": steps,
        "test_mse": round(ae.mse(x_test + brighter, reconstruction), 5),
        "dead_code": int((code <= 0).all(axis=0).sum()),
        "constant_code": int((np.ptp(code, axis=0) == 0).sum()),
        "dead_output": int((reconstruction <= 0).all(axis=0).sum()),
    }


def sample():
    """Return a small row, to be compared with the stored one."""
    return train("none", 2, seed=1)


@functools.cache
def images():
    """Return the training and the test images, held so that they are prepared once for each process."""
    data = ae.load("mnist")
    return data.x_train, data.x_test


def row(run):
    """Return the row of one of the runs; called in one of several processes."""
    return train(*run)


def main():
    runs = [(remedy, size, seed, STEPS) for remedy in REMEDIES for size in SIZES for seed in SEEDS]
    runs += [(remedy, 2, seed, STEPS) for remedy in WHY for seed in SEEDS]
    runs += [(remedy, size, seed, steps) for remedy, size, steps in LONG_RUNS for seed in LONG_SEEDS]
    # Fresh processes now and then: XLA never gives back the memory of what it has compiled.
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=20) as pool:
        write_table(__file__, COLUMNS, pool.imap(row, runs))


if __name__ == "__main__":
    main()
