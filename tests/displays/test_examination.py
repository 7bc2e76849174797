"""Examined patients: what the panel shows is what was stored, and what was stored is what a patient's numbers are."""

import json

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.recorded import _display


def line(name, *values):
    return {"name": name, "colour": "#0072b2", "x": [0, 1, 1, 2], "y": np.repeat(values, 2).tolist()}


def made_chart(number, marks=()):
    return {
        "x": {"label": f"across {number}", "low": 0, "high": 2},
        "y": {"label": f"up {number}", "low": 0, "high": 5 + number},
        "series": [line("units", number, 1), line("others", 1, number)][: 1 + number % 2],
        "marks": [{"x": float(place), "name": f"mark {place}"} for place in marks],
        "sentence": f"Number {number}.",
    }


def made_run():
    charts = [[made_chart(0, (0, 1)), made_chart(1)], [made_chart(2), made_chart(3, (2,))], [made_chart(4), made_chart(5)]]
    draw = np.random.default_rng(0)
    return {
        "measures": np.array(["error", "code"]),
        "examined": np.array(json.dumps(charts)),
        "pictures": draw.integers(0, 256, (2, 2, 8, 784)),
    }


@pytest.mark.parametrize("run", [made_run(), ae.stored_arrays("examinations")], ids=["made", "stored"])
def test_examination(show, run):
    shown = show(_display("examinations", run))
    measures, examined = run["measures"].tolist(), json.loads(str(run["examined"]))
    for which, of_patient in enumerate(examined):
        for measure, one in zip(measures, of_patient, strict=True):
            seen = shown.at(measure=measure, patient=str(which + 1))
            assert seen.sentence == f"Patient {which + 1}, {measure}. {one['sentence']}"
            (chart,) = seen.charts
            assert chart["x"]["label"] == one["x"]["label"] and chart["y"]["high"] == pytest.approx(one["y"]["high"])
            lines = [(line["name"], line["x"], line["y"]) for line in one["series"]]
            assert [(line["name"], line["x"], line["y"]) for line in chart["series"]] == lines
            assert [x for x, _ in seen.marks()] == [mark["x"] for mark in one["marks"]]
        if which < len(run["pictures"]):
            values = np.float32(run["pictures"][which] / 255).reshape(2, -1)
            assert [seen.row(place) for place in (0, 1)] == [pytest.approx(row) for row in values]


def test_the_stored_numbers_are_those_of_the_patients(mnist):
    """The mean of the stored code and error of two patients, measured anew."""
    run, x = ae.stored_arrays("examinations"), mnist.x_test[:2000]
    examined, models = json.loads(str(run["examined"])), ae.stored_models("patients")
    assert len(examined) == 9 and run["pictures"].shape == (8, 2, 8, 784)
    for number in (3, 6):
        error, code, *_ = examined[number - 1]
        assert f"model {ae.mse(x, ae.predict(models[number], x)):.4f}" in error["sentence"]
        spread = np.sort(ae.predict(models[number].encoder, x).std(axis=0))[::-1]
        assert code["series"][0]["y"][::2] == pytest.approx(spread, abs=1e-3)
