"""The activations of a sparse code in the course of a training: what is drawn and said, by the arrays behind it."""

import aehelpers as ae
import numpy as np
import pytest

from tests.displays.reading import recorded


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
    shown = show(recorded("sparse_course", run))
    steps, edges = run["steps"].tolist(), np.round(run["edges"], 6).tolist()
    for which, model in enumerate(run["models"].tolist()):
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
            histogram, course = seen.charts
            x, y = np.repeat(edges, 2)[1:-1].tolist(), np.repeat(run["counts"][which, place], 2).tolist()
            name = "activations of all units and test images"
            assert histogram["series"] == [{"name": name, "x": x, "y": y, "colour": "#0072b2"}]
            assert histogram["y"]["high"] == pytest.approx(1.1 * run["counts"][which].max())
            assert (histogram["y"]["low"], histogram["marks"]) == (0, [{"x": 0.1}])
            axis = {"label": "activation", "low": edges[0], "high": 1, "log": True, "format": None}
            assert histogram["x"] == {**axis, "ticks": [1e-4, 1e-3, 0.01, 0.1, 1]}
            assert histogram["axes"][:5] == ["0.0001", "0.001", "0.01", "0.1", "1"]
            thousands = [float(text) for text in histogram["axes"][5:-2]]
            assert thousands[0] == 0 and thousands[-1] <= histogram["y"]["high"] / 1000 < thousands[-1] + thousands[1]
            assert str(thousands[1]).strip("0.") in ("1", "2", "5")
            line = {"x": steps, "marker": True}
            assert course["series"] == [
                {**line, "name": "active share", "y": active, "colour": "#0072b2"},
                {**line, "name": "mean activation", "y": mean, "colour": "#d55e00", "dash": "7 3"},
            ]
            assert course["marks"] == [
                {"x": step, "y": active[place], "colour": "#0072b2"},
                {"x": step, "y": mean[place], "colour": "#d55e00"},
            ]
            axis = {"label": "training steps", "low": steps[0], "high": steps[-1], "log": True, "format": None}
            assert course["x"] == {**axis, "ticks": steps} and course["axes"][: len(steps)] == [str(one) for one in steps]
            assert course["y"] == {"label": "share, or activation", "low": 0, "high": 1}
            assert seen.texts[0] == str(step)
