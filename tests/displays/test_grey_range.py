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
TOGETHER, EACH, FIXED, HAND = "one for both rows", "one for each row", "0 to 1", "by hand"


def test_grey_range(forty):
    data = ae.grey_range_display(forty, forty * 20 - 15).data
    assert (data["low"], data["high"]) == (-15, 5)
    assert unpacked(data["logits"]).shape == (8, 784)


def ranges_by_hand(greys, rows, black, white):
    own = [(row.min(), max(row.max(), row.min() + 1e-6)) for row in rows]  # one value alone is drawn black
    both = (min(own[0][0], own[1][0]), max(own[0][1], own[1][1]))
    hand = (black, max(white, black + 0.1))
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
            # What no slider can say gives way to what came first.
            sensible = (black if black <= high - 0.1 else low, white if white >= low + 0.1 else high)
            ranges = ranges_by_hand(greys, rows, *sensible)
            for row, values, ends in zip(seen.pictures[0]["rows"], rows, ranges, strict=True):
                assert row["values"] == pytest.approx(values)
                assert (row["low"], row["high"]) == pytest.approx(ends, abs=1e-7)
            (start, end), below = ranges
            zero, one = (100 * np.clip((value - start) / (end - start), 0, 1) for value in (0, 1))
            alike = below == (start, end)
            other = "" if alike else f" In the {what} row, {below[0]:.2f} is drawn black and {below[1]:.2f} white."
            assert seen.sentence == (
                f"In the originals row, {start:.2f} is drawn black and {end:.2f} white. On the scale from black to white, the "
                f"originals' own black (0) is therefore at {zero:.0f} % and their own white (1) at {one:.0f} %.{other}"
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
    axis = core.evaluate("document.querySelector('.ae-chart').drawnBy.box")

    def moved(value, down=60):
        core.mouse.move(box["x"] + axis["left"] + (axis["right"] - axis["left"]) * (value + 16.5) / 22, box["y"] + down)
        return tuple(by_hand.state[name] for name in ("greys", "black", "white"))

    _, logits = CASES["logits far below 0"]
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
    assert moved(-30) == (HAND, -16, -15.9)  # black gives way
    core.mouse.up()


@pytest.mark.parametrize(
    ("slider", "to", "black", "white"), [(0, -2, -2, 5), (0, 5, 4.9, 5), (1, -16, -16, -15.9), (1, 3, -16, 3)]
)
def test_sliders_never_cross(core, by_hand, slider, to, black, white):
    by_hand.at(greys=EACH, black=-16, white=5)
    move = "(it, to) => { it.value = to; it.dispatchEvent(new Event('input')); }"
    core.locator("input[type=range]").nth(slider).evaluate(move, to)
    assert by_hand.state == {"shown": "logits", "greys": HAND, "black": black, "white": white}


def test_the_bar_shows_which_value_gets_which_grey(core, by_hand):
    by_hand.at(greys=HAND, black=-4, white=2)
    bar = core.locator(".ae-chart rect").evaluate_all("all => all.map(one => one.getAttribute('fill'))")
    values = -16.5 + 22 * (np.arange(64) + 0.5) / 64
    expected = np.floor(255 * np.clip((values + 4) / 6, 0, 1) + 0.5)
    assert [int(one[4:].split()[0]) for one in bar] == expected.tolist()
