"""Train the seven sick autoencoders of notebook 09, and store them beside this file.

    python -m notebooks.evidence.patients

Takes a minute on two cores. ``train`` makes one patient; the test suite makes one again and compares.
"""

import itertools
from pathlib import Path

import aehelpers as ae
import keras
import numpy as np
from aehelpers.evidence import store_models

from notebooks.evidence import dead_code as notebook_03

STEPS = 1_500
BCE_OF_LOGITS = keras.losses.BinaryCrossentropy(from_logits=True)


def dead_code(x):
    """The model of notebook 03, as its author made it: the first draw whose code dies."""
    for seed in itertools.count():
        model = notebook_03.build("none", 2, seed)
        optimizer = notebook_03.optimizer_for("none", model)
        ae.fit(model, x, steps=1_000, batch_size=50, optimizer=optimizer, loss="mse", seed=seed, progress=False)
        if (ae.predict(model.encoder, x[:10_000]) <= 0).all():
            return model


def silent_code(x):
    """A variational autoencoder whose KL term is 784 times too heavy beside a mean over the pixels."""
    model = ae.variational_autoencoder(hidden=(64,), code_size=8, kl_weight=784)
    ae.fit(model, x, steps=STEPS, loss="bce", progress=False)
    return model


def slow_steps(x):
    model = ae.autoencoder(hidden=(64,), code_size=16, code_activation=None)
    ae.fit(model, x, steps=STEPS, optimizer=keras.optimizers.SGD(0.1), loss="bce", progress=False)
    return model


def logits(x):
    model = ae.autoencoder(hidden=(64,), code_size=16, code_activation=None, output_activation=None)
    ae.fit(model, x, steps=STEPS, loss=BCE_OF_LOGITS, progress=False)
    return model


def two_sigmoids(x):
    model = keras.Sequential(
        [ae.autoencoder(hidden=(64,), code_size=16, code_activation=None), keras.layers.Activation("sigmoid")]
    )
    ae.fit(model, x, steps=STEPS, loss="bce", progress=False)
    return model


def few_steps(x):
    model = ae.autoencoder(hidden=(), code_size=64, code_activation=None, output_activation=None)
    ae.fit(model, x, steps=100, loss="mse", progress=False)
    return model


def one_pixel_off(x):
    """The targets lie one pixel to the right of the images."""
    target = np.roll(x.reshape(-1, 28, 28), 1, axis=2).reshape(x.shape)
    model = ae.autoencoder(hidden=(64,), code_size=16, code_activation=None)
    ae.fit(model, x, target=target, steps=STEPS, loss="mse", progress=False)
    return model


PATIENTS = dict(enumerate((dead_code, silent_code, slow_steps, logits, two_sigmoids, few_steps, one_pixel_off), start=1))


def train(number):
    """Return one patient."""
    keras.utils.set_random_seed(0)
    return PATIENTS[number](ae.load("mnist").x_train)


if __name__ == "__main__":
    store_models(Path(__file__).with_suffix(".npz"), {number: train(number) for number in PATIENTS})
