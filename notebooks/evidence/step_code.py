"""Train the codes that notebook 01 compares, with five seeds each, and write step_code.csv beside this file.

    python -m notebooks.evidence.step_code

Takes about half an hour on two cores. ``train`` makes one row; the test suite recomputes the row of ``sample``.
"""

import aehelpers as ae
import keras
import numpy as np

from notebooks.evidence.record import write_table

COLUMNS = ("code", "size", "learning_rate", "steps", "seed", "test_bce", "test_mse", "distinct_codes")
MEASURED = ("test_bce", "test_mse", "distinct_codes")
SEEDS = range(5)
ASKER = {"learning_rate": 1e-4, "steps": 11_001}
LONG = {"learning_rate": 3e-3, "steps": 5_000}
SIZES = (16, 32, 64, 256, 512, 1024)


def build(code, size, seed):
    """Make 784-size-784 with the asker's initial weights, N(0, 0.05), for one kind of code."""
    keras.utils.set_random_seed(seed)
    model = ae.autoencoder(
        code_size=size,
        code_activation={"frozen sigmoid": "sigmoid", "tied step": "step"}.get(code, code.removeprefix("centred ")),
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.05),
        tied=code == "tied step",
    )
    model.encoder.trainable = code != "frozen sigmoid"
    return model


def fit(data, code, size, learning_rate, steps, seed):
    """Return a trained model, and what is subtracted from its input: the mean image if its code is centred, or 0."""
    model = build(code, size, seed)
    mean = ae.mean_image(data.x_train) if code.startswith("centred ") else np.float32(0)
    options = {"steps": steps, "batch_size": 256, "learning_rate": learning_rate, "seed": seed, "progress": False}
    ae.fit(model, data.x_train - mean, target=data.x_train, **options)
    return model, mean


def train(data, code, size, learning_rate, steps, seed):
    """Return one row of the table."""
    model, mean = fit(data, code, size, learning_rate, steps, seed)
    reconstruction = ae.predict(model, data.x_test - mean)
    codes = ae.predict(model.encoder, data.x_test - mean)
    return {
        "code": code,
        "size": size,
        "learning_rate": learning_rate,
        "steps": steps,
        "seed": seed,
        "test_bce": round(ae.bce(data.x_test, reconstruction), 5),
        "test_mse": round(ae.mse(data.x_test, reconstruction), 6),
        "distinct_codes": len(np.unique(codes, axis=0)),
    }


def sample():
    """Return a small row, to be compared with the stored one."""
    return train(ae.load("mnist"), "step", 16, **LONG, seed=0)


def main():
    data = ae.load("mnist")
    runs = [
        (code, 128, budget["learning_rate"], budget["steps"])
        for budget in (ASKER, LONG)
        for code in ("step", "straight_through_step", "sigmoid", "frozen sigmoid", "tied step")
    ]
    runs += [(code, size, LONG["learning_rate"], LONG["steps"]) for code in ("step", "straight_through_step") for size in SIZES]
    runs += [("centred straight_through_step", size, LONG["learning_rate"], LONG["steps"]) for size in (16, 32, 64, 128, 256)]
    runs += [("centred step", 128, *LONG.values()), ("centred straight_through_step", 128, *ASKER.values())]
    write_table(__file__, COLUMNS, (train(data, *run, seed) for run in runs for seed in SEEDS))


if __name__ == "__main__":
    main()
