"""Train the 16-bit codes that notebook 01 compares, with five seeds each, and write sixteen_bits.csv beside this file.

    python -m notebooks.evidence.sixteen_bits

Takes six minutes on two cores. ``train`` makes one row; the test suite recomputes the row of ``sample``. Subtracting the mean
image from the encoder's input changes three things: what all images have in common, how balanced the first bits are, and how
long the input vectors are. The controls change only the second, only the third, and both of these.
"""

import aehelpers as ae
import numpy as np

from notebooks.evidence.record import write_table
from notebooks.evidence.step_code import build

COLUMNS = ("code", "learning_rate", "steps", "seed", "test_mse", "stuck", "stuck_at_start")
MEASURED = ("test_mse", "stuck", "stuck_at_start")
SEEDS = range(5)
SIZE = 16
LESSON = {"learning_rate": 3e-3, "steps": 2_000}
# The activation of the code; whether the mean image is subtracted from the input; whether the encoder's biases start such that
# the first bits are those with the mean subtracted; whether the input is scaled to the mean length that it has then.
CODES = {
    "random": ("step", False, False, False),
    "random, mean subtracted": ("step", True, False, False),
    "learned": ("straight_through_step", False, False, False),
    "learned, mean subtracted": ("straight_through_step", True, False, False),
    "learned, first bits as with the mean subtracted": ("straight_through_step", False, True, False),
    "learned, scaled as with the mean subtracted": ("straight_through_step", False, False, True),
    "learned, first bits and scale as with the mean subtracted": ("straight_through_step", False, True, True),
}


def stuck(encoder, x):
    """Return how many bits are the same for more than 99.9 % of the images."""
    share = ae.predict(encoder, x).mean(axis=0)
    return int(((share < 0.001) | (share > 0.999)).sum())


def train(data, code, learning_rate, steps, seed):
    """Return one row of the table."""
    activation, subtracted, balanced, shorter = CODES[code]
    model = build(activation, SIZE, seed)
    mean = ae.mean_image(data.x_train)
    length, without_mean = (np.linalg.norm(data.x_train - away, axis=1).mean() for away in (0, mean))
    scale = np.float32(without_mean / length if shorter else 1)
    seen, unseen = ((x - mean if subtracted else x) * scale for x in (data.x_train, data.x_test))
    if balanced:
        kernel, bias = model.encoder.get_weights()
        model.encoder.set_weights([kernel, bias - scale * mean @ kernel])
    at_start = stuck(model.encoder, unseen)
    options = {"steps": steps, "batch_size": 256, "learning_rate": learning_rate, "seed": seed, "progress": False}
    ae.fit(model, seen, target=data.x_train, **options)
    return {
        "code": code,
        "learning_rate": learning_rate,
        "steps": steps,
        "seed": seed,
        "test_mse": round(ae.mse(data.x_test, ae.predict(model, unseen)), 6),
        "stuck": stuck(model.encoder, unseen),
        "stuck_at_start": at_start,
    }


def sample():
    """Return a small row, to be compared with the stored one."""
    return train(ae.load("mnist"), "random", **LESSON, seed=0)


def main():
    data = ae.load("mnist")
    write_table(__file__, COLUMNS, (train(data, code, **LESSON, seed=seed) for code in CODES for seed in SEEDS))


if __name__ == "__main__":
    main()
