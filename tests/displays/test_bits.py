"""Bits: the angle that they suggest, as SciPy's Hamming distance has it, and the cells of the strips."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.recorded import _display
from scipy.spatial.distance import hamming
from scipy.stats import binom

CODES = {"random": "random", "learned": "learned", "learned, mean subtracted": "centred"}  # as it is shown, and as it is stored


def made_run():
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (4, 784))
    images[1] = images[0]  # no angle between them
    run = {"images": images, "pairs": np.array(["alike", "apart"]), "sizes": np.array([16, 128, 256])}
    for code in ("random", "learned", "centred"):
        run[f"{code}_bits"] = draw.random((4, 400)) < 0.5
        run[f"{code}_rebuilt"] = draw.integers(0, 256, (3, 4, 784))
        run[f"{code}_errors"] = draw.random(3)
    run["learned_bits"][1], run["centred_bits"][3] = run["learned_bits"][0], ~run["centred_bits"][2]  # none differ; all do
    return run


def cells(bits, colour=(255, 255, 255)):
    """Return the canvas on which bits stand 128 side by side."""
    pixels = np.hstack([np.outer(bits, colour), np.full((len(bits), 1), 255)])
    width = min(len(bits), 128)
    return {"height": len(bits) // width, "width": width, "pixels": pixels.astype(int).ravel().tolist()}


@pytest.mark.parametrize("run", [made_run(), ae.stored_arrays("bits")], ids=["made", "stored"])
def test_bits(show, run):
    shown = show(_display("bits", run))
    sizes, pairs = run["sizes"].tolist(), run["pairs"].tolist()
    images = run["images"] / 255
    for pair, name in enumerate(pairs):
        left, right = images[2 * pair : 2 * pair + 2]
        # Of unit vectors, half the angle has the sine of half the distance.
        chord = np.linalg.norm(left / np.linalg.norm(left) - right / np.linalg.norm(right))
        angle = np.degrees(2 * np.arcsin(chord / 2))
        for code, key in CODES.items():
            parts = np.split(run[f"{key}_bits"][2 * pair : 2 * pair + 2], np.cumsum(sizes)[:-1], axis=1)
            told = [180 * hamming(*part) for part in parts]
            for place, size in enumerate(sizes):
                seen = shown.at(size=size, code=code, pair=name)
                differ = parts[place][0] ^ parts[place][1]
                error = np.float32(run[f"{key}_errors"][place])
                estimate = np.floor(told[place] + 0.5)  # toFixed rounds halves up
                count = differ.sum()
                assert seen.sentence == (
                    f"{count} of {size} bits {'differs' if count == 1 else 'differ'} ({code}), which suggests an angle of "
                    f"{estimate:.0f}°; the true angle is {angle:.0f}°. Squared error per pixel, over all test images: "
                    f"{error:.4f}."
                )
                assert seen.canvases[:3] == [cells(parts[place][0]), cells(parts[place][1]), cells(differ, (230, 159, 0))]
                (chart,) = seen.charts
                spread = np.array([180 * binom(size, angle / 180).std() / size for size in sizes])
                band, line = chart["series"]
                assert (band["x"], line["x"], line["y"]) == (sizes, sizes, pytest.approx(told))
                assert band["y"] == pytest.approx(angle + spread, abs=0.01)
                assert band["area"] == pytest.approx(angle - spread, abs=0.01)
                assert chart["levels"][0]["value"] == pytest.approx(angle, abs=1e-4)
                assert seen.marks() == [(size, pytest.approx(told[place]))] and line["name"] == "angle that the bits suggest"
                rebuilt = run[f"{key}_rebuilt"][place, 2 * pair : 2 * pair + 2] / 255
                assert [seen.row(0), seen.row(1)] == np.float32([[left, right], rebuilt]).reshape(2, -1).tolist()


def test_more_bits_are_better_for_the_pair_that_comes_first(show):
    """As the text asks for: from 128 bits down to 16, and up."""
    display = ae.recorded_display("bits_random")
    shown, pair = show(display), display.data["state"]["pair"]
    (chart,) = shown.at(pair=pair).charts
    off = np.abs(np.array(chart["series"][1]["y"]) - chart["levels"][0]["value"])
    assert off[0] > 2 * off[chart["series"][1]["x"].index(128)] and off[0] > 5 * off[-1]
