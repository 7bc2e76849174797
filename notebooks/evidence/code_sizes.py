"""Train the autoencoders that notebook 00 shows beside a slider for the code size, and store them beside this file.

    python -m notebooks.evidence.code_sizes

Autoencoders 784-128-code-128-784 with ReLU units, a linear code and a sigmoid at the end learn all ten digits in 4,000 batches
of 128 (cross-entropy, Adam 0.003). The table has their squared error per pixel on all test images after 100, 600 and 4,000
steps, for two seeds; the models of seed 0 are those that are stored. Takes five minutes on two cores.
"""

from pathlib import Path

import aehelpers as ae
import keras
from aehelpers.evidence import store_models

from notebooks.evidence.record import write_table

COLUMNS = ("size", "seed", "steps", "test_mse")
MEASURED = ("test_mse",)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
SEEDS = (0, 1)
STEPS, MEASURED_AFTER = 4_000, (100, 600, 4_000)


def train(code_size, seed=0, steps=STEPS):
    """Return one model, 784-128-size-128-784, and its rows of the table."""
    data, rows = ae.load("mnist"), []
    keras.utils.set_random_seed(seed)
    model = ae.autoencoder(hidden=(128,), code_size=code_size, code_activation=None)

    def measure(history):
        if history.steps[-1] in MEASURED_AFTER:
            error = round(float(ae.mse(data.x_test, ae.predict(model, data.x_test))), 6)
            rows.append(dict(zip(COLUMNS, (code_size, seed, history.steps[-1], error), strict=True)))

    how = {"batch_size": 128, "learning_rate": 3e-3, "seed": seed, "record_every": 100, "progress": False}
    ae.fit(model, data.x_train, steps=steps, on_record=measure, **how)
    return model, rows


def sample():
    """Return one row of the table: an early one, since later ones grow apart where sums are taken in another order."""
    return train(32, steps=MEASURED_AFTER[0])[1][0]


def table(models):
    """Yield the rows, and keep the models of the first seed."""
    for seed in SEEDS:
        for size in SIZES:
            model, rows = train(size, seed)
            models.setdefault(size, model)
            yield from rows


if __name__ == "__main__":
    models = {}
    write_table(__file__, COLUMNS, table(models))
    store_models(Path(__file__).with_suffix(".npz"), models)
