"""What is lost when small activations are changed, information or a constant: sparse_rest.csv beside this file.

    python -m notebooks.evidence.sparse_rest

Trains the plain model, the one with the KL penalty and the one with a bounded decoder of notebook 05 again, as in
sparse_codes.py, with five seeds. Takes about five minutes on two cores. ``train`` makes the rows of one run; the test suite
recomputes that of ``sample``.
"""

import aehelpers as ae
import keras
import numpy as np

from notebooks.evidence.record import write_table
from notebooks.evidence.sparse_codes import SEEDS, course, cross_entropy, images

EDGE, KEPT = 0.1, 16
FACTORS = (0.5, 2, 4)  # of a louder or softer code with the same reconstructions
COLUMNS = (
    "model",
    "seed",
    "steps",
    "test_bce",
    "zeroed_below_0.1",
    "zeroed_bias_moved",  # the output bias moved by what the zeroed activations contribute on average,
    "small_mean_below_0.1",  # or each small activation set to the mean of its unit's small activations
    "raised_to_0.1",
    "raised_bias_moved",
    *(f"zeroed_times_{factor}" for factor in FACTORS),  # code times the factor, decoder divided by it, zeroed below 0.1
    "largest_16_kept",
    "largest_16_bias_moved",
    "largest_16_small_mean",  # the others set to the mean of their unit where it is not among the 16 largest
    "mean_of_small",
    "active_share",
    "lifetime_share",
    "share_equal_norms",  # each unit times the norm of its decoder weights
    "share_other_scales",  # each unit times its own factor, of a log-normal distribution, always the same
)
MEASURED = COLUMNS[3:]
RUNS = [
    ("KL", 0.05, 1, (5_000, 20_000)),
    ("KL and decoder norm at most 10", 0.05, 1, (5_000,)),
    ("plain", 0, 0, (5_000,)),
]
CONSTANTS_FROM = 10_000  # training images: the constants are not fitted to the test images


def active_share(code):
    return float((code.mean(axis=1) ** 2 / np.square(code).mean(axis=1)).mean())


def measure(model, x, x_train):
    """Return what one row holds, on test images, with constants from training images."""
    code, known = ae.predict(model.encoder, x), ae.predict(model.encoder, x_train[:CONSTANTS_FROM])
    kernel, bias = model.decoder.get_weights()
    norms = np.linalg.norm(kernel, axis=1)

    def error(changed, shift=None):
        logits = changed.astype(np.float32) @ kernel + bias + (0 if shift is None else shift @ kernel)
        return round(float(cross_entropy(x, logits.astype(np.float32))), 5)

    def where_largest(activations):
        return activations >= np.sort(activations, axis=1)[:, -KEPT][:, None]

    def mean_where(places):
        return (known * places).sum(axis=0) / np.maximum(places.sum(axis=0), 1)

    high, large, small_known, rest_known = code >= EDGE, where_largest(code), known < EDGE, ~where_largest(known)
    raised = np.maximum(code, EDGE)
    squares, unit_means = np.square(code), code.mean(axis=0)
    scales = np.exp(np.random.default_rng(0).standard_normal(code.shape[1]))
    values = {
        "test_bce": error(code),
        "zeroed_below_0.1": error(code * high),
        "zeroed_bias_moved": error(code * high, (known * small_known).mean(axis=0)),
        "small_mean_below_0.1": error(np.where(high, code, mean_where(small_known))),
        "raised_to_0.1": error(raised),
        "raised_bias_moved": error(raised, (known - np.maximum(known, EDGE)).mean(axis=0)),
        **{f"zeroed_times_{factor}": error(code * (factor * code >= EDGE)) for factor in FACTORS},
        "largest_16_kept": error(code * large),
        "largest_16_bias_moved": error(code * large, (known * rest_known).mean(axis=0)),
        "largest_16_small_mean": error(np.where(large, code, mean_where(rest_known))),
        "mean_of_small": round(float(code[~high].mean()), 5),
        "active_share": round(active_share(code), 5),
        "lifetime_share": round(float((unit_means**2 / squares.mean(axis=0)).mean()), 5),
        "share_equal_norms": round(active_share(code * norms), 5),
        "share_other_scales": round(active_share(code * scales), 5),
    }
    assert tuple(values) == MEASURED
    return values


def train(model, rho, weight, stops, seed):
    """Return one row for each number of steps in ``stops``; the runs are those of sparse_codes.py."""
    x_train, x_test = images()
    run = course(model, "Adam 0.003", rho, weight, stops, seed)
    return [{"model": model, "seed": seed, "steps": steps, **measure(bare, x_test, x_train)} for steps, bare in run]


def sample():
    """Return a small row, to be compared with the stored one."""
    return train(*RUNS[0][:3], stops=(5_000,), seed=0)[0]


def main():
    rows = []
    for seed in SEEDS:
        for run in RUNS:
            rows += train(*run, seed)
            keras.backend.clear_session()
            print(rows[-1], flush=True)
    write_table(__file__, COLUMNS, sorted(rows, key=lambda row: (row["model"], row["steps"], row["seed"])))


if __name__ == "__main__":
    main()
