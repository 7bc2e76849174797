"""Scores of strange and known images: shares, and the area under the curve as scikit-learn has it."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.recorded import _display
from sklearn.metrics import roc_auc_score


def made_run():
    draw = np.random.default_rng(0)
    counts = draw.integers(0, 9, (3, 2, 2, 7))
    counts[0, 0] = np.eye(7)[3] * 5  # all in one bin: ties
    counts[0, 1] = [5 * np.eye(7)[6], 7 * np.eye(7)[0]]  # every strange score is the smaller one
    counts[1, 0] = [7 * np.eye(7)[0], 5 * np.eye(7)[6]]
    return {
        "scores": np.array(["one", "two"]),
        "counts": counts,
        "edges": draw.random((3, 2, 8)).cumsum(axis=-1),
        "pictures": draw.integers(0, 256, (3, 2, 2, 8, 784)),
    }


RUNS = {
    "made": (made_run(), [(digit, score, at) for digit in range(3) for score in range(2) for at in (0, 3, 7)]),
    "stored": (ae.stored_arrays("anomalies"), [(0, 0, 60), (0, 1, 0), (4, 1, 12), (9, 2, 30), (1, 0, 59)]),
}


@pytest.mark.parametrize("run", RUNS)
def test_anomalies(show, run):
    run, states = RUNS[run]
    shown = show(_display("anomalies", run))
    for digit, which, threshold in states:
        score, edges = run["scores"].tolist()[which], run["edges"][digit, which].astype(np.float32).tolist()
        seen = shown.at(threshold=threshold, digit=digit, score=score)
        counts = run["counts"][digit, which].astype(int)
        bins = np.tile(np.arange(counts.shape[1]), 2)
        area = roc_auc_score(np.repeat([0, 1], counts.shape[1]), bins, sample_weight=counts.ravel())
        alarms, found = 100 * counts[:, threshold:].sum(axis=1) / counts.sum(axis=1)
        false = counts[0][::-1].cumsum()[::-1] / counts[0].sum()
        usual = next((bin for bin, share in enumerate(false) if share <= 0.05), counts.shape[1])
        assert seen.sentence == (
            f"Alarm from {edges[threshold]:.3f}: {found:.0f} % of the left-out digits are found, with false alarms for "
            f"{alarms:.0f} % of the others (5 % at the diamond, {edges[usual]:.3f}). "
            f"In {100 * area:.0f} % of all pairs the left-out digit has the larger score."
        )
        (chart,) = seen.charts
        known, strange = np.repeat(100 * counts / counts.sum(axis=1, keepdims=True), 2, axis=1)
        x = np.repeat(edges, 2)[1:-1].tolist()
        lines = [(x, pytest.approx(known)), (x, pytest.approx(strange))]
        assert [(line["x"], line["y"]) for line in chart["series"]] == lines and seen.marks() == [
            (edges[threshold], None),
            (edges[usual], 0),
        ]
        # The axes hold all digits, so that another digit moves the curves and not the axes.
        every = run["counts"][:, which].astype(float)
        assert (chart["x"]["label"], chart["x"]["high"]) == (score, pytest.approx(run["edges"][:, which, -1].max()))
        assert chart["y"]["high"] == pytest.approx(110 * (every / every.sum(axis=-1, keepdims=True)).max())
        values = np.float32(run["pictures"][digit, which] / 255).reshape(2, -1).tolist()
        assert [seen.row(0), seen.row(1)] == values
