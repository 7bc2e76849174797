"""Train a decoder on frozen random codes, rounded or not, with five seeds each, and write frozen_codes.csv beside this file.

    python -m notebooks.evidence.frozen_codes

Takes a quarter of an hour on two cores. ``train`` makes one row; the test suite recomputes the row of ``sample``.
"""

import aehelpers as ae
import keras
import numpy as np

from notebooks.evidence.record import write_table

COLUMNS = ("code", "learning_rate", "steps", "seed", "test_bce", "test_mse")
MEASURED = ("test_bce", "test_mse")
SEEDS = range(5)
BUDGETS = ((3e-3, 600), (1e-2, 12_000))
# What becomes of a sigmoid's values, between 0 and 1, before the decoder sees them.
CODES = {
    "rounded": np.round,
    "sigmoid": lambda h: h,
    "sigmoid, 0.5 subtracted": lambda h: h - 0.5,
    "sigmoid, times 5": lambda h: 5 * h,
    "sigmoid, stretched 5 times about 0.5": lambda h: 5 * (h - 0.5) + 0.5,
}


def train(data, code, learning_rate, steps, seed):
    """Return one row of the table."""
    keras.utils.set_random_seed(seed)
    model = ae.autoencoder(
        code_size=128, code_activation="sigmoid", kernel_initializer=keras.initializers.RandomNormal(stddev=0.05)
    )
    seen, unseen = (CODES[code](ae.predict(model.encoder, x)) for x in (data.x_train, data.x_test))
    options = {"steps": steps, "batch_size": 256, "learning_rate": learning_rate, "seed": seed, "progress": False}
    ae.fit(model.decoder, seen, target=data.x_train, **options)
    reconstruction = ae.predict(model.decoder, unseen)
    return {
        "code": code,
        "learning_rate": learning_rate,
        "steps": steps,
        "seed": seed,
        "test_bce": round(ae.bce(data.x_test, reconstruction), 5),
        "test_mse": round(ae.mse(data.x_test, reconstruction), 6),
    }


def sample():
    """Return a small row, to be compared with the stored one."""
    return train(ae.load("mnist"), "rounded", *BUDGETS[0], seed=0)


def main():
    data = ae.load("mnist")
    runs = [(code, *budget, seed) for budget in BUDGETS for code in CODES for seed in SEEDS]
    write_table(__file__, COLUMNS, (train(data, *run) for run in runs))


if __name__ == "__main__":
    main()
