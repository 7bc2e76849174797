"""A garment in the course of a training run: the difference in colours, the error by component, its sums over the epochs."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.recorded import _display

BELOW, ABOVE, ZERO = np.array([0, 90, 200]), np.array([230, 110, 0]), 245


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
    shown = show(_display("garment_epochs", run))
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
            f"After {epochs[place]:g} epoch{'' if epochs[place] == 1 else 's'}, the squared error over all test images is "
            f"{total:.5f} per pixel: {100 * missing.sum() / total:.0f} % of it is missing, "
            f"{100 * added.sum() / total:.0f} % added."
        )
        before, after = run["images"][which], run["made"][start, place, which]
        shares = np.clip(2 * (np.float32(after / 255) - np.float32(before / 255)), -1, 1).astype(float)[:, None]
        colours = ZERO + np.abs(shares) * (np.where(shares < 0, BELOW, ABOVE) - ZERO)
        expected = [canvas(np.repeat(before[:, None], 3, 1)), canvas(np.repeat(after[:, None], 3, 1)), canvas(colours)]
        assert seen.canvases[:2] == expected[:2]
        assert seen.canvases[2]["pixels"] == pytest.approx(expected[2]["pixels"], abs=1)  # halves, in float32
        course, chart = seen.charts
        labels = ["squared error, all test images", "squared error by group"]
        assert [one["y"]["label"] for one in seen.charts] == labels
        numbers = list(range(len(run["edges"]) - 1))
        assert [(line["x"], line["y"]) for line in chart["series"]] == [(numbers, part.tolist()) for part in (missing, added)]
        # One axis for all states, no longer than it must be: nothing is cut off but what is below 1e-8.
        single = run["errors"].astype(np.float32)
        low = 10.0 ** max(-8, np.floor(np.log10(single.min())))
        assert chart["y"]["low"] == pytest.approx(low)
        assert chart["y"]["high"] >= single.max() > chart["y"]["high"] / 10
        sums = run["errors"].astype(np.float32)[start].sum(axis=-1, dtype=float)
        assert [line["y"] for line in course["series"]] == [pytest.approx(sums[:, part]) for part in (0, 1)]
        assert seen.marks() == [(epochs[place], pytest.approx(sums[place, part])) for part in (0, 1)]
        low = next(one for one in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6) if one <= every.min())
        assert course["y"]["low"] == pytest.approx(low)
