"""Train 784-784-784 for 50 epochs, from the asker's start and from the identity, and store what notebook 02 shows of it.

    python -m notebooks.evidence.garment_epochs

Takes 6 minutes on two cores and writes garment_epochs.npz beside this file. ``record`` makes one run; the test suite makes the
beginning of one again and compares.
"""

from pathlib import Path

import aehelpers as ae
import keras
import numpy as np

from notebooks.evidence.blurry_identity import identity_start, images, split_error, two_layers

STARTS = {"the asker's": two_layers, "identity": identity_start}
EPOCH = 469
STEPS = (24, 47, 117, 235, EPOCH, 2 * EPOCH, 5 * EPOCH, 10 * EPOCH, 20 * EPOCH, 50 * EPOCH)
GARMENTS = {"letters": 1, "checks": 7, "dots": 33, "stripes": 35, "sandal": 11, "bag": 30}  # test images
EDGES = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 784)  # between groups of principal components


def record(start, steps=STEPS):
    """Return, after each of the steps: reconstructions as bytes, and the missing and the added error by group of components."""
    x_train, x_test, pca = images("fashion_mnist")
    keras.utils.set_random_seed(0)
    model, optimizer = STARTS[start](), keras.optimizers.Adam(1e-3)
    done, made, errors = 0, [], []
    for number, stop in enumerate(steps):
        options = {"batch_size": 128, "optimizer": optimizer, "seed": number, "progress": False}
        ae.fit(model, x_train, steps=stop - done, **options)
        done = stop
        reconstruction = ae.predict(model, x_test)
        made.append(np.rint(255 * reconstruction[list(GARMENTS.values())]).astype(np.uint8))
        errors.append([np.add.reduceat(part, EDGES[:-1]) for part in split_error(x_test, reconstruction, pca)])
    return np.array(made), np.array(errors, np.float32)


def main():
    x_test = images("fashion_mnist")[1]
    arrays = {
        "epochs": np.array(STEPS) / EPOCH,
        "edges": np.array(EDGES),
        "garments": np.array(list(GARMENTS)),
        "images": np.rint(255 * x_test[list(GARMENTS.values())]).astype(np.uint8),
        "starts": np.array(list(STARTS)),
    }
    made, errors = zip(*(record(start) for start in STARTS), strict=True)
    np.savez_compressed(Path(__file__).with_suffix(".npz"), made=np.array(made), errors=np.array(errors), **arrays)


if __name__ == "__main__":
    main()
