"""Record one training of notebook 03, its code of 20 with seed 2, and write dead_code_run.npz beside this file.

    python -m notebooks.evidence.dead_code_run

Takes seconds. ``record`` trains; the test suite trains again for a few steps and compares.
"""

from pathlib import Path

import aehelpers as ae
import numpy as np

from notebooks.evidence.dead_code import build, optimizer_for

SIZE, SEED, STEPS, EVERY = 20, 2, 400, 10


def record(steps):
    """Return what a `TrainingRecorder` saw in the first steps, as arrays."""
    data = ae.load("mnist")
    model = build("none", SIZE, SEED)
    recorder = ae.TrainingRecorder(model, data.x_valid[:1000])
    optimizer = optimizer_for("none", model)
    ae.fit(
        model,
        data.x_train,
        steps=steps,
        batch_size=50,
        optimizer=optimizer,
        loss="mse",
        record_every=EVERY,
        on_record=recorder,
        seed=SEED,
        progress=False,
    )
    return recorder.arrays()


if __name__ == "__main__":
    arrays = record(STEPS)
    arrays["rebuilt"] = arrays["rebuilt"].astype(np.float16)
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **arrays)
