"""What is drawn black and white."""

import aehelpers as ae
import numpy as np
import pytest
from scipy.special import expit

from tests.displays.reading import unpacked

RANDOM = np.random.default_rng(0).random((2, 3, 2, 3))
CASES = {
    "logits far below 0": (RANDOM[0], 20.7 * RANDOM[1] - 16),
    "all within [0, 1]": (0.2 + 0.2 * RANDOM[0], 0.1 + 0.2 * RANDOM[1]),
    "above 1": (RANDOM[0], 6.4 * RANDOM[1]),
    "a bin wider than the margin": (RANDOM[0], 60 * RANDOM[1] - 61),
    "all black": (0 * RANDOM[0], 0 * RANDOM[1]),
}
TOGETHER, EACH, FIXED, HAND = "one for both rows", "each row its own", "0 to 1", "by hand"


def test_grey_range(forty):
    data = ae.grey_range_display(forty, forty * 20 - 15).data
    assert (data["low"], data["high"]) == (-15, 5)
    assert unpacked(data["logits"]).shape == (8, 784)


def ranges_by_hand(greys, rows, black, white):
    own = [(row.min(), max(row.max(), row.min() + 1e-6)) for row in rows]  # one value alone is drawn black
    both = (min(own[0][0], own[1][0]), max(own[0][1], own[1][1]))
    hand = (min(black, white), max(black, white, min(black, white) + 0.1))
    return {TOGETHER: [both, both], EACH: own, FIXED: [(0, 1)] * 2, HAND: [hand, hand]}[greys]


@pytest.mark.parametrize("name", CASES)
def test_what_is_drawn_black_and_white(show, name):
    data = ae.grey_range_display(*CASES[name]).data
    shown, low, high = show(data), data["low"], data["high"]
    hands = [(low, high), (high, low), (0, 0), (0, 1)]
    for what, function in {"logits": np.asarray, "probabilities": expit}.items():
        rows = [unpacked(data["originals"]).ravel(), function(unpacked(data["logits"]).astype(float)).ravel()]
        for greys, black, white in [(TOGETHER, 0, 0), (EACH, 0, 0), (FIXED, 0, 0), *((HAND, *hand) for hand in hands)]:
            seen = shown.at(shown=what, greys=greys, black=black, white=white)
            ranges = ranges_by_hand(greys, rows, black, white)
            for row, values, ends in zip(seen.pictures[0]["rows"], rows, ranges, strict=True):
                assert row["values"] == pytest.approx(values)
                assert (row["low"], row["high"]) == pytest.approx(ends, abs=1e-7)
            (start, end), below = ranges
            zero, one = (100 * np.clip((value - start) / (end - start), 0, 1) for value in (0, 1))
            alike = below == (start, end)
            other = "" if alike else f" In the row below, {below[0]:.2f} is drawn black and {below[1]:.2f} white."
            assert seen.sentence == (
                f"In the row of the originals {start:.2f} is drawn black and {end:.2f} white, so their own black (0) is "
                f"drawn at {zero:.0f} % of the way to white, and their white (1) at {one:.0f} %.{other}"
            )
            (chart,) = seen.charts
            assert (chart["x"]["low"], chart["x"]["high"]) == (low - 0.5, high + 0.5)
            for line, values in zip(chart["series"], rows, strict=True):
                counts, edges = np.histogram(values, 60, (low - 0.5, high + 0.5))
                assert line["y"] == np.repeat(np.maximum(counts, 0.7), 2).tolist()
                assert line["x"] == pytest.approx(np.repeat(edges, 2)[1:-1]) and line["x"][-1] <= high + 0.5
            assert [x for x, _ in seen.marks()] == pytest.approx([start, start, end, end], abs=1e-7)


@pytest.fixture
def by_hand(show):
    return show(ae.grey_range_display(*CASES["logits far below 0"]))


def test_handles_choose_by_hand(core, by_hand):
    """The nearer one is held, also outside the chart, and stops at the ends of the slider."""
    chart = core.locator("svg.ae-handles")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()

    def moved(value, down=40):  # the axis leaves 62 and 12 free, as in core.js
        core.mouse.move(box["x"] + 62 + (box["width"] - 74) * (value + 16.5) / 22, box["y"] + down)
        return tuple(by_hand.state[name] for name in ("greys", "black", "white"))

    originals, logits = CASES["logits far below 0"]
    white = float(f"{logits.max():.1f}")
    assert moved(-10) == (TOGETHER, -16, 5)
    core.mouse.down()
    assert moved(-10) == (HAND, -10, white)
    assert moved(-3.3, down=-20) == (HAND, -3.3, white)
    core.mouse.up()
    assert moved(1.5) == (HAND, -3.3, white)
    core.mouse.down()
    assert moved(1.5) == (HAND, -3.3, 1.5)
    assert moved(30) == (HAND, -3.3, 5)
    core.mouse.up()
    by_hand.at(greys=EACH)  # both marks are those of the row of the originals
    moved(0.8)
    core.mouse.down()
    assert moved(-30) == (HAND, float(f"{originals.min():.1f}"), -16)
    core.mouse.up()
