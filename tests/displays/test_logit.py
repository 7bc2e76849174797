"""The logit of one pixel."""

import itertools
import re
from functools import partial

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.packing import packed
from aehelpers.displays.widget import Display

from tests.displays.reading import unpacked


def test_logit_by_hand():
    """The sigmoid is exactly 1 from 24 ln 2 = 16.6355 on, in float32; then the swallowed guard is log(0)."""
    data = ae.logit_display().data
    losses, gradients, sums = (unpacked(data[part]) for part in ("losses", "gradients", "sums"))
    assert losses.shape == gradients.shape == (2, 4, len(data["logits"]))
    assert [name for name, _ in data["forms"]] == [
        "the asker's",
        "with parentheses",
        "from logits",
        "Keras, from probabilities",
    ]
    at = {z: data["logits"].index(z) for z in (0.0, 2.0, 16.6, 16.7, 20.0, -30.0)}
    assert losses[..., at[0.0]] == pytest.approx(np.log(2)) and gradients[0, :, at[0.0]] == pytest.approx(0.5)
    assert gradients[1, :, at[2.0]] == pytest.approx(1 / (1 + np.exp(-2)) - 1, rel=1e-5)
    assert np.isfinite(losses[0, 0, at[16.6]]) and losses[0, 0, at[16.7]] == np.inf and np.isnan(gradients[0, 0, at[16.7]])
    assert np.isnan(losses[1, 0, at[20.0]])  # a white pixel that is right: 0 times infinity
    assert losses[0, 1, at[20.0]] == pytest.approx(-np.log(1e-10), rel=1e-5) and gradients[0, 1, at[20.0]] == 0
    assert losses[0, 2, at[20.0]] == pytest.approx(20) and gradients[0, 2, at[20.0]] == 1
    assert losses[1, 2, at[-30.0]] == pytest.approx(30) and abs(gradients[1, 1, at[-30.0]]) < 0.01
    # Keras clips: beyond, the loss stays, and nothing is learned.
    assert losses[0, 3, at[20.0]] == pytest.approx(-np.log(1.1920929e-07), rel=1e-4) and gradients[0, 3, at[20.0]] == 0
    assert sums[:, at[20.0]] == pytest.approx([1, 0, 1e-10]) and sums[0, at[0.0]] == 0.5


def said(value):
    """Return a cell of the table: JavaScript writes e-5 where Python writes e-05."""
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else "infinite"
    return re.sub(r"e-0?", "e-", f"{value:.1e}") if 0 < abs(value) < 1e-3 else f"{value:.3f}"


def exact(value):
    """Return nine digits of a number as JavaScript writes it."""
    rounded = float(f"{value:.9g}")
    if 0 < abs(rounded) < 1e-6:
        return np.format_float_scientific(rounded, trim="-", exp_digits=1)
    return np.format_float_positional(rounded, trim="-")


FORMS = [["one", "x + y"], ["two", "x - y"], ["three", "x y"]]
INF, NAN = np.inf, np.nan
COLOURS = ["#d55e00", "#cc79a7", "#0072b2", "#009e73"]
near = partial(pytest.approx, nan_ok=True)


def made(losses, gradients):
    """A made display of three logits; the numbers of the other forms and of the second pixel are random."""
    random = np.random.default_rng(3).normal(size=(2, 2, 3, len(losses)))
    random[:, 0, 0] = losses, gradients
    data = {"losses": packed(random[0], "float32"), "gradients": packed(random[1], "float32")}
    sums = [[0.25, 1e-7, 0.123456789, 1.5e-6, 0], [1, 0.0001, 1e-10, 0.5, 2], [1.00000012, 3, 3e-15, 0.1, 16777217]]
    data |= {"logits": [-2, -1.5, 0, 0.5, 1], "forms": FORMS, "pixels": ["p", "q"], "sums": packed(sums, "float32")}
    return Display("logit", "Made", "logit", {"logit": 0, "pixel": "p"}, **data)


DISPLAYS = {
    "of the notebook": ae.logit_display,
    "infinite and no number": lambda: made([1, 2, INF, INF, NAN], [NAN, 1, 0, NAN, INF]),
    "small": lambda: made([1e-3, 9.99e-4, -1e-3, -2e-9, 0], [31, 1e-12, -9e-4, 0.0005, 33]),
    "never a number": lambda: made([NAN] * 5, [INF] * 5),
    "from the first place on": lambda: made([3, NAN, 2, INF, 1], [NAN, INF, 0, 1, NAN]),
}


@pytest.mark.parametrize("name", DISPLAYS)
def test_what_the_page_says_of_a_logit(show, name):
    data = DISPLAYS[name]().data
    logits, parts = np.array(data["logits"]), [unpacked(data[part]) for part in ("losses", "gradients")]
    shown, sums = show(data), unpacked(data["sums"])
    for which, place in itertools.product((0, 1, 0), np.linspace(0, len(logits) - 1, 5).astype(int)):
        z = data["logits"][place]
        seen = shown.at(logit=z, pixel=data["pixels"][which])
        y, as_is, parted = map(exact, sums[:, place].astype(float))
        sentence = seen.sentence.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")
        assert sentence == f"In float32: y = sigmoid(z) = {y}; 1e-10 + 1 - y = {as_is}; 1e-10 + (1 - y) = {parted}."
        now = [part[which, :, place].astype(float) for part in parts]
        assert seen.texts[: 1 + 2 * len(data["forms"])] == [
            f"{z:.1f}",
            *(said(value) for pair in zip(*now, strict=True) for value in pair),
        ]
        for part, (chart, values, height) in enumerate(zip(seen.charts, parts, (28, 0.5), strict=True)):
            values = values[which]
            # What lies to the right of the slider is the answer to a question.
            assert [line["y"] for line in chart["series"]] == [near(line[: place + 1]) for line in values]
            assert all(line["x"] == data["logits"][: place + 1] for line in chart["series"])
            ends = [i for i in range(1, place + 1) if np.isfinite(values[0][i - 1]) and not np.isfinite(values[0][i])][:1]
            marks = [(z, None, "ink")] + [(z, near(y), colour) for y, colour in zip(now[part], COLOURS, strict=False)]
            for end in ends:
                between, text = near(logits[end - 1 : end + 1].mean()), "NaN" if np.isnan(values[0][end]) else "\N{INFINITY}"
                marks = [(between, None, COLOURS[0]), (between, height, text), *marks]
            drawn = [(mark["x"], mark.get("y"), mark.get("text") or mark.get("colour", "ink")) for mark in chart["marks"]]
            assert drawn == marks
