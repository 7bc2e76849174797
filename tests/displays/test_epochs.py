"""A garment in the course of a training: the difference in colours, the error by component, its sums over the epochs."""

import aehelpers as ae
import numpy as np
import pytest

from tests.displays.reading import recorded

BELOW, ABOVE, ZERO = np.array([0, 90, 200]), np.array([230, 110, 0]), 245
MISSING, ADDED = "#0072b2", "#d55e00"


def made_run():
    draw = np.random.default_rng(0)
    made = draw.integers(0, 256, (2, 3, 2, 16))
    made[0, 0] = [[0] * 16, [255] * 16]  # out of the range of the colours
    return {
        "epochs": np.array([0.25, 1, 40]),
        "edges": np.array([0, 1, 2, 5, 16]),
        "garments": np.array(["a coat", "a shoe"]),
        "starts": np.array(["one", "two"]),
        "images": draw.integers(0, 256, (2, 16)),
        "made": made,
        "errors": draw.random((2, 3, 2, 4)) / 100,
    }


def canvas(colours):
    """Return the canvas with these colours of its pixels."""
    pixels = np.hstack([np.rint(colours), np.full((len(colours), 1), 255)]).astype(int)
    side = int(len(colours) ** 0.5)
    return {"height": side, "width": side, "pixels": pixels.ravel().tolist()}


@pytest.mark.parametrize("run", [made_run(), ae.stored_arrays("garment_epochs")], ids=["made", "stored"])
def test_epochs(show, run):
    shown = show(recorded("garment_epochs", run))
    names = ("epochs", "garments", "starts")
    epochs, garments, starts = (list(np.round(run[name], 2) if name == "epochs" else run[name]) for name in names)
    every = run["errors"].sum(axis=-1)
    assert every.max() <= 0.05
    for start, place, which in np.ndindex(len(starts), len(epochs), len(garments)):
        if which > 1 and place:
            continue  # a garment more is pictures alone
        seen = shown.at(epochs=epochs[place], garment=garments[which], start=starts[start])
        missing, added = run["errors"].astype(np.float32)[start, place].astype(float)
        total = missing.sum() + added.sum()
        assert seen.sentence == (
            f"{epochs[place]:g} epoch{'' if epochs[place] == 1 else 's'}: squared error {total:.5f} per pixel over all test "
            f"images; of it {100 * missing.sum() / total:.0f} % is missing, {100 * added.sum() / total:.0f} % added."
        )
        before, after = run["images"][which], run["made"][start, place, which]
        shares = np.clip(2 * (np.float32(after / 255) - np.float32(before / 255)), -1, 1).astype(float)[:, None]
        colours = ZERO + np.abs(shares) * (np.where(shares < 0, BELOW, ABOVE) - ZERO)
        expected = [canvas(np.repeat(before[:, None], 3, 1)), canvas(np.repeat(after[:, None], 3, 1)), canvas(colours)]
        assert seen.canvases[:2] == expected[:2]
        assert seen.canvases[2]["pixels"] == pytest.approx(expected[2]["pixels"], abs=1)  # halves, in float32
        course, chart = seen.charts
        ends, both = run["edges"][1:].tolist(), missing + added
        numbers = list(range(len(ends)))
        below = {"name": "missing", "y": missing.tolist(), "area": [0] * len(ends), "colour": MISSING}
        above = {"name": "added, on top of it", "y": both.tolist(), "area": missing.tolist(), "colour": ADDED, "dash": "7 3"}
        assert chart["series"] == [{"x": numbers, "marker": True, **line} for line in (below, above)]
        assert chart["y"] == {"label": "squared error per pixel", "low": 0, "high": pytest.approx(1.15 * both.max())}
        axis = {"label": "principal components up to number", "ticks": numbers, "format": None}
        assert chart["x"] == {**axis, "low": -0.4, "high": pytest.approx(len(ends) - 0.6)}
        assert chart["axes"][: len(ends)] == [str(end) for end in ends]
        sums = run["errors"].astype(np.float32)[start].sum(axis=-1, dtype=float)
        lines = [("missing", MISSING, ""), ("added", ADDED, "7 3")]
        assert course["series"] == [
            {"name": name, "x": epochs, "y": pytest.approx(sums[:, part]), "colour": colour, "dash": dash, "marker": True}
            for part, (name, colour, dash) in enumerate(lines)
        ]
        assert course["marks"] == [
            {"x": epochs[place], "y": pytest.approx(sums[place, part]), "colour": colour}
            for part, (_, colour, _) in enumerate(lines)
        ]
        limits = {"low": pytest.approx(epochs[0] / 1.2), "high": pytest.approx(1.2 * epochs[-1])}
        assert course["x"] == {"label": "epochs", **limits, "log": True, "ticks": epochs, "format": None}
        low = pytest.approx(next(one for one in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6) if one <= every.min()))
        assert course["y"] == {"label": "squared error", "low": low, "high": 0.05, "log": True}
        assert course["axes"][: len(epochs)] == [f"{one:g}" for one in epochs]
        titles = ["original", "rebuilt", "difference: blue is too dark, orange too bright"]
        assert seen.texts[:4] == [f"{epochs[place]:g}", *titles]
