"""Train the autoencoders that notebook 00 shows beside a slider for the code size, and store them beside this file.

    python -m notebooks.evidence.code_sizes

Takes a minute on two cores. ``train`` makes one model; the test suite makes one again and compares.
"""

from pathlib import Path

import aehelpers as ae
import keras
from aehelpers.evidence import store_models

SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
STEPS = 600


def train(code_size, seed=0):
    """Return one model, 784-128-size-128-784."""
    keras.utils.set_random_seed(seed)
    model = ae.autoencoder(hidden=(128,), code_size=code_size, code_activation=None)
    ae.fit(model, ae.load("mnist").x_train, steps=STEPS, batch_size=128, learning_rate=3e-3, seed=seed, progress=False)
    return model


if __name__ == "__main__":
    store_models(Path(__file__).with_suffix(".npz"), {size: train(size) for size in SIZES})
