"""Train random and learned bits for the display of notebook 01, and store what they make of three pairs of images.

    python -m notebooks.evidence.bits

Takes 10 minutes on two cores and writes bits.npz beside this file. The runs are those of step_code.csv with seed 0; ``train``
makes one of them; the test suite makes one again and compares.
"""

from pathlib import Path

import aehelpers as ae
import numpy as np

from notebooks.evidence.step_code import LONG, fit

SIZES = (16, 32, 64, 128, 256, 512, 1024)
CODES = {"random": "step", "learned": "straight_through_step", "centred": "centred straight_through_step"}
PAIRS = {"two sevens": (0, 17), "a 4 and a 9": (4, 16), "a 0 and a 1": (3, 2)}  # test images


def train(data, images, code, size):
    """Return the bits of images as bool, their reconstructions as bytes, and the squared error per pixel of the test images."""
    model, mean = fit(data, CODES[code], size, **LONG, seed=0)
    made = np.rint(255 * ae.predict(model, images - mean)).astype(np.uint8)
    bits = ae.predict(model.encoder, images - mean) > 0.5
    return bits, made, ae.mse(data.x_test, ae.predict(model, data.x_test - mean))


def main():
    data = ae.load("mnist")
    images = data.x_test[np.ravel(list(PAIRS.values()))]
    arrays = {"images": np.rint(255 * images).astype(np.uint8), "pairs": np.array(list(PAIRS)), "sizes": np.array(SIZES)}
    for code in CODES:
        runs = [train(data, images, code, size) for size in SIZES]
        arrays[f"{code}_bits"] = np.concatenate([bits for bits, _, _ in runs], axis=1)
        arrays[f"{code}_rebuilt"] = np.array([rebuilt for _, rebuilt, _ in runs])
        arrays[f"{code}_errors"] = np.array([error for _, _, error in runs])
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **arrays)


if __name__ == "__main__":
    main()
