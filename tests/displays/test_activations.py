"""The activations of a sparse code in the course of a training: what is drawn and said, by the arrays behind it."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.recorded import _display


def made_run():
    draw = np.random.default_rng(0)
    counts = draw.integers(0, 5000, (3, 2, 5))
    counts[0, 0, :4], counts[1] = 0, 7  # all in the last bin; all bins alike
    return {
        "models": np.array(["one", "two", "three"]),
        "steps": np.array([5, 50]),
        "edges": np.geomspace(1e-4, 1, 6),
        "counts": counts,
        "active_share": np.array([[0, 1], [0.3, 0.2], [0.1, 0.6]]),  # with none, the level is infinite
        "mean_activation": draw.random((3, 2)),
        "decoder_norm": 10 * draw.random((3, 2)),
    }


@pytest.mark.parametrize("run", [made_run(), ae.stored_arrays("sparse_course")], ids=["made", "stored"])
def test_activations(show, run):
    shown = show(_display("sparse_course", run))
    steps, edges = run["steps"].tolist(), np.round(run["edges"], 6).tolist()
    for which, model in enumerate("KL penalty" if name == "KL" else name for name in run["models"].tolist()):
        active, mean, norm = (
            run[name][which].astype(np.float32).tolist() for name in ("active_share", "mean_activation", "decoder_norm")
        )
        for place, step in enumerate(steps):
            seen = shown.at(steps=step, model=model)
            level = f"{mean[place] / active[place]:.3f}" if active[place] else "Infinity"
            assert seen.sentence == (
                f"{model}, {step} steps: mean activation {mean[place]:.3f} = active share {active[place]:.3f} times level "
                f"{level}; decoder norm {norm[place]:.1f}."
            )
            (histogram,), course = seen.charts[0]["series"], seen.charts[1]
            assert histogram["x"] == np.repeat(edges, 2)[1:-1].tolist()
            assert histogram["y"] == np.repeat(run["counts"][which, place], 2).tolist()
            assert seen.charts[0]["y"]["high"] == pytest.approx(1.1 * run["counts"][which].max())
            upto = steps[: place + 1]  # what comes later is not given away
            assert [(line["x"], line["y"]) for line in course["series"]] == [
                (upto, active[: place + 1]),
                (upto, mean[: place + 1]),
            ]
            assert seen.marks(1) == [(step, active[place]), (step, mean[place])]
