"""Bits: the angle that they tell, as SciPy's Hamming distance has it, and the cells of the strips."""

import aehelpers as ae
import numpy as np
import pytest
from scipy.spatial.distance import hamming
from scipy.stats import binom

from tests.displays.reading import recorded

COLOURS = {"random": "#0072b2", "learned": "#d55e00", "learned, centred": "#009e73"}


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
    shown = show(recorded("bits", run))
    sizes, pairs = run["sizes"].tolist(), run["pairs"].tolist()
    images = run["images"] / 255
    for pair, name in enumerate(pairs):
        left, right = images[2 * pair : 2 * pair + 2]
        # Of unit vectors, half the angle has the sine of half the distance.
        chord = np.linalg.norm(left / np.linalg.norm(left) - right / np.linalg.norm(right))
        angle = np.degrees(2 * np.arcsin(chord / 2))
        for code, key in zip(COLOURS, ("random", "learned", "centred"), strict=True):
            parts = np.split(run[f"{key}_bits"][2 * pair : 2 * pair + 2], np.cumsum(sizes)[:-1], axis=1)
            told = [180 * hamming(*part) for part in parts]
            for place, size in enumerate(sizes):
                seen = shown.at(size=size, code=code, pair=name)
                differ = parts[place][0] ^ parts[place][1]
                error = np.float32(run[f"{key}_errors"][place])
                estimate = np.floor(told[place] + 0.5)  # toFixed rounds halves up
                assert seen.sentence == (
                    f"{differ.sum()} of {size} bits ({code}) differ, which tells an angle of {estimate:.0f}°; the images are "
                    f"{angle:.0f}° apart. Squared error per pixel of all test images: {error:.4f}."
                )
                assert seen.canvases[:3] == [cells(parts[place][0]), cells(parts[place][1]), cells(differ, (230, 159, 0))]
                (chart,) = seen.charts
                spread = np.array([180 * binom(size, angle / 180).std() / size for size in sizes])
                band, line = chart["series"]
                assert band == {
                    "name": "random bits: two thirds of all draws lie in here",
                    "x": sizes,
                    "y": pytest.approx(angle + spread, abs=0.01),
                    "area": pytest.approx(angle - spread, abs=0.01),
                    "colour": "#56b4e9",
                    "width": 0,
                }
                name_of_line = f"told by the bits: {code}"
                same = {"x": sizes, "colour": COLOURS[code], "marker": True}
                assert line == {"name": name_of_line, "y": pytest.approx(told), **same}
                assert chart["levels"] == [{"name": "angle between the two images", "value": pytest.approx(angle, abs=1e-4)}]
                assert chart["marks"] == [{"x": size, "y": pytest.approx(told[place]), "colour": COLOURS[code]}]
                assert chart["x"] == {"label": "bits in the code", "low": 14, "high": 1170, "log": True, "ticks": sizes}
                assert chart["y"] == {"label": "angle (degrees)", "low": 0, "high": 120}
                rebuilt = run[f"{key}_rebuilt"][place, 2 * pair : 2 * pair + 2] / 255
                assert seen.pictures[0]["titles"] == ["original", "rebuilt"] and len(seen.canvases) == 3 + 4
                assert seen.pictures[0]["rows"] == [
                    {"values": np.float32([left, right]).ravel().tolist()},
                    {"values": np.float32(rebuilt).ravel().tolist(), "title": f"rebuilt from {size} bits"},
                ]
                titles = ["bits of the left image", "bits of the right image", "bits that differ"]
                assert seen.texts[:4] == [str(size), *titles]
