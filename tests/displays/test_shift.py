"""A unit that is shifted across its edge."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.packing import packed
from aehelpers.displays.widget import Display

from tests.displays.reading import unpacked


def test_a_shift_by_hand():
    """One pixel, one unit, and a decoder that copies it: z = x - 0.5, and the error is (relu(z + shift) - x) ** 2."""
    model = ae.autoencoder(input_size=4, code_size=1, code_activation="relu", output_activation=None)
    first = np.float32([[1], [0], [0], [0]])
    model.encoder.layers[-1].set_weights([first, np.float32([-0.5])])
    model.decoder.layers[-1].set_weights([first.T, np.zeros(4, np.float32)])
    x = np.zeros((3, 4), np.float32)
    x[:, 0] = [0, 0.6, 1]
    data = ae.shift_display(model, x).data
    assert unpacked(data["preActivations"]) == pytest.approx([-0.5, 0.1, 0.5])
    gradients = dict(zip(data["shifts"], unpacked(data["gradients"]), strict=True))
    assert data["shifts"] == sorted(data["shifts"]) and data["state"] == {"shift": 0.0}
    # Images 2 and 3 get through: their answers are 0.1 and 0.5, and 12 pixels share the error.
    assert gradients[0.0] == pytest.approx(abs(2 * (0.1 - 0.6) * 0.6 + 2 * (0.5 - 1) * 1) / 12, rel=1e-4)
    assert gradients[data["shifts"][0]] == 0 and data["shifts"][0] < -0.5 and data["shifts"][-1] > 0.5


SHIFTS = [-2.0, -0.75, -0.5, 0.0, 0.25, 1.5]
# Pre-activations, and by the rules of toPrecision(2) what is said of each gradient.
CASES = {
    "scattered": (np.random.default_rng(5).normal(0.2, 1, 500), [0, 1e-7, 1.05e-4, 0.5, 0.346, 12]),
    "ties at the edge": (np.repeat([-0.25, 0.5, 0.75, 2], [1, 5, 2, 3]), [0, 0, 0, 3, 2, 1]),
    "more than a call takes arguments": (np.repeat([-0.25, 0.5], 150_000), [0] * 6),
    "one image": (np.array([0.5]), [0.1] * 6),
    "all equal, no gradient": (np.full(7, -1.5), [0] * 6),
}
SAID = {0: "0: the unit is dead", 1e-7: "1.0e-7", 1.05e-4: "0.00010", 0.5: "0.50", 0.346: "0.35", 12: "12"}
SAID |= {0.1: "0.10", 1: "1.0", 2: "2.0", 3: "3.0"}


@pytest.mark.parametrize("name", CASES)
def test_what_gets_through(show, name):
    z, gradients = CASES[name]
    data = {"preActivations": packed(z, "float32"), "gradients": packed(gradients, "float32"), "shifts": SHIFTS}
    shown, z = show(Display("shift", "Made", "shift", {"shift": 0.0}, **data)), z.astype(np.float32).astype(float)
    low, high = z.min(), z.max() if z.max() > z.min() else z.min() + 1
    counts, edges = np.histogram(z, 40, (low, high))
    for shift, gradient in zip(SHIFTS, gradients, strict=True):
        seen = shown.at(shift=shift)
        assert seen.sentence == (
            f"Shifted by {shift:.2f}, {(z + shift > 0).sum()} of {len(z)} images get through and can send a gradient; "
            f"its norm is {SAID[gradient]}."
        )
        histogram, course = seen.charts
        # A bar that lies on both sides of 0 is cut there.
        moved = edges + shift
        for line, sides in zip(histogram["series"], (np.minimum(moved, 0), np.maximum(moved, 0)), strict=True):
            bars = np.diff(sides) > 0
            assert line["y"] == np.repeat(counts[bars], 2).tolist() and line["area"] == [0] * 2 * bars.sum()
            assert line["x"] == pytest.approx(np.stack([sides[:-1], sides[1:]], axis=1)[bars].ravel(), abs=1e-6)
        assert seen.marks() == [(0, None)] and seen.marks(1) == [(shift, pytest.approx(gradient))]
        assert (histogram["x"]["low"], histogram["x"]["high"]) == pytest.approx((low - 2, high + 1.5))
        assert histogram["y"]["high"] == pytest.approx(1.1 * counts.max())
        assert course["y"]["high"] == pytest.approx(1.1 * max(gradients) or 1)
        assert course["series"][0]["x"] == SHIFTS and course["series"][0]["y"] == pytest.approx(gradients)


def test_a_unit_that_answers_every_image_alike():
    model = ae.autoencoder(input_size=4, code_size=1)
    model.encoder.layers[-1].set_weights([np.zeros((4, 1), np.float32), np.zeros(1, np.float32)])
    shifts = ae.shift_display(model, np.eye(4, dtype=np.float32)).data["shifts"]
    assert shifts[0] < 0 < shifts[-1] and shifts == sorted(set(shifts))
