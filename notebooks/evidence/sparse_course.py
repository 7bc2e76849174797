"""Follow the models of notebook 05 through their training, with five seeds: sparse_course.csv and .npz beside this file.

    python -m notebooks.evidence.sparse_course

Takes about fifteen minutes on two cores. ``train`` makes the rows of one run; the test suite recomputes that of ``sample``.
"""

import multiprocessing
from pathlib import Path

import aehelpers as ae
import keras
import numpy as np

from notebooks.evidence.record import write_table
from notebooks.evidence.sparse_codes import SEEDS, build, cross_entropy, images

COLUMNS = (
    "model",
    "batch_size",
    "seed",
    "steps",
    "test_bce",
    "zeroed_below_0.1",  # what the cross entropy becomes when the activations below 0.1 are set to 0,
    "mean_below_0.1",  # or each to the mean of its unit,
    "largest_16_others_mean",  # or all but the 16 largest of an image to the means of their units
    "mean_activation",
    "share_above_0.1",
    "silent_units",  # with a mean activation below 0.001
    "active_share",
    "active_share_of_living",
    "decoder_norm",
)
MEASURED = COLUMNS[4:]
COURSE = (250, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
MODELS = {  # the name in sparse_codes.build, rho, the weight of the penalty, and whether the decoder is bounded
    "plain": ("plain", 0, 0, False),
    "KL": ("KL", 0.05, 1, False),
    "L1": ("L1", 0, 0.3, False),
    "plain, decoder bounded": ("plain", 0, 0, True),
}
RUNS = [
    ("plain", 64, COURSE),
    ("KL", 64, COURSE),
    ("L1", 64, (5_000, 20_000)),
    ("plain, decoder bounded", 64, (5_000, 20_000)),
    ("KL", 8, (5_000,)),
    ("KL", 512, (5_000,)),
]
EDGES = np.geomspace(1e-4, 1, 101)  # what is smaller counts as 1e-4


def active_share(code):
    return float((code.mean(axis=1) ** 2 / np.square(code).mean(axis=1)).mean())


def measure(model, x):
    """Return what one row holds, and how many activations lie between the edges, on test images."""
    code = ae.predict(model.encoder, x)
    unit_means = code.mean(axis=0)
    living = unit_means >= 0.001
    sixteenth = np.sort(code, axis=1)[:, -16][:, None]

    def error(changed):
        return round(float(cross_entropy(x, ae.predict(model.decoder, changed.astype(np.float32)))), 5)

    row = {
        "test_bce": error(code),
        "zeroed_below_0.1": error(np.where(code >= 0.1, code, 0)),
        "mean_below_0.1": error(np.where(code >= 0.1, code, unit_means)),
        "largest_16_others_mean": error(np.where(code >= sixteenth, code, unit_means)),
        "mean_activation": round(float(code.mean()), 5),
        "share_above_0.1": round(float((code > 0.1).mean()), 5),
        "silent_units": int((~living).sum()),
        "active_share": round(active_share(code), 5),
        "active_share_of_living": round(active_share(code[:, living]), 5),
        "decoder_norm": round(float(np.linalg.norm(model.decoder.get_weights()[0], axis=1).mean()), 3),
    }
    return row, np.histogram(np.clip(code, EDGES[0], EDGES[-1]), EDGES)[0]


def train(model, batch_size, stops, seed):
    """Return one row for each number of steps in ``stops``, and the counts of the activations."""
    x_train, x_test = images()
    name, rho, weight, bounded = MODELS[model]
    bare, trained = build(name, rho, weight, seed)
    if bounded:
        bare.decoder.layers[-1].kernel.constraint = keras.constraints.MaxNorm(10, axis=1)
    optimizer = keras.optimizers.Adam(0.003)
    rows, counts, done = [], [], 0
    for stop in stops:
        ae.fit(
            trained,
            x_train,
            steps=stop - done,
            batch_size=batch_size,
            optimizer=optimizer,
            loss=cross_entropy,
            seed=100 * seed + len(rows),
            progress=False,
        )
        done = stop
        row, counted = measure(bare, x_test)
        rows.append({"model": model, "batch_size": batch_size, "seed": seed, "steps": stop, **row})
        counts.append(counted)
    return rows, counts


def sample():
    """Return a small row, to be compared with the stored one."""
    return train("KL", 64, (250,), seed=0)[0][0]


def rows_of(run):
    """Return the rows and counts of one of the runs; called in one of several processes."""
    return train(*run)


def main():
    runs = [(*run, seed) for run in RUNS for seed in SEEDS]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        made = pool.map(rows_of, runs, chunksize=1)
    write_table(__file__, COLUMNS, (row for rows, _ in made for row in rows))
    shown = [place for place, (*_, stops, seed) in enumerate(runs) if stops == COURSE and seed == SEEDS[0]]
    np.savez_compressed(
        Path(__file__).with_suffix(".npz"),
        models=np.array([runs[place][0] for place in shown]),
        steps=np.array(COURSE),
        edges=EDGES,
        counts=np.array([made[place][1] for place in shown], np.int32),
        active_share=np.array([[row["active_share"] for row in made[place][0]] for place in shown]),
        mean_activation=np.array([[row["mean_activation"] for row in made[place][0]] for place in shown]),
        decoder_norm=np.array([[row["decoder_norm"] for row in made[place][0]] for place in shown]),
    )


if __name__ == "__main__":
    main()
