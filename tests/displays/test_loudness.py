"""A code that is made louder."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.packing import packed
from aehelpers.displays.widget import Display

from tests.displays.reading import run_layers, unpacked


def test_loudness(model, forty):
    data = ae.loudness_display(model, forty).data
    code = ae.predict(model.encoder, forty)
    assert unpacked(data["codes"]) == pytest.approx(code)
    assert run_layers(data["decoder"], code[:2]) == pytest.approx(ae.predict(model.decoder, code[:2]), abs=2e-3)
    assert data["state"] == {"factor": 1.0} and min(data["factors"]) == 0.1 and max(data["factors"]) == 10
    as_logits = ae.loudness_display(model, forty, from_logits=True).data["decoder"]
    assert [layer["activation"] for layer in as_logits][-1] == "sigmoid"


RANDOM = np.random.default_rng(4)
CODES = {
    "scattered": 10 ** RANDOM.uniform(-6, 2, (29, 4)),  # also beyond both ends of the axis
    "dead units and a silent image": np.r_[RANDOM.random((4, 3)) * [0, 1, 0], np.zeros((2, 3))],
    "one unit, all equal": np.full((5, 1), 0.05),
    "all dead": np.zeros((3, 2)),
    "faint": RANDOM.uniform(1e-4, 2e-4, (9, 5)),
}


def made(codes):
    """A made display: two images of one by three pixels, and a decoder with weights so large that c does not quite cancel."""
    weights = [1e4 * RANDOM.normal(size=size) for size in ((codes.shape[1], 4), 4, (4, 3), 3)]
    kernel, bias, last, last_bias = (packed(one, "float32") for one in weights)
    first = {"kernel": kernel, "bias": bias, "activation": "relu"}
    data = {"decoder": [first, {"kernel": last, "bias": last_bias, "activation": "linear"}], "codes": packed(codes, "float32")}
    data |= {"factors": [0.1, 0.5, 1.0, 10.0], "size": [1, 3], "images": packed(RANDOM.random((2, 3)), "uint8")}
    return Display("loudness", "Made", "factor", {"factor": 1.0}, **data)


def counts_by_hand(values):
    """What is 0 has no logarithm; what lies beyond the axis is in the first or the last bin."""
    exponents = np.clip(np.log10(values[values > 0]), -4, 1 - 1e-9)
    return np.histogram(exponents, 60, (-4, 1))[0]


@pytest.mark.parametrize("name", CODES)
def test_a_louder_code(show, name):
    data = made(CODES[name]).data
    codes = unpacked(data["codes"]).astype(float)
    shown, highest = show(data), max(counts_by_hand(factor * codes).max() for factor in data["factors"])
    before = np.array(shown.at(factor=1.0).row(1))
    assert before == pytest.approx(run_layers(data["decoder"], codes[:2]).ravel(), rel=1e-5)
    for factor in data["factors"]:
        seen, louder = shown.at(factor=factor), (np.float32(factor) * codes).astype(np.float32).astype(float)
        assert seen.row(0) == pytest.approx(unpacked(data["images"]).ravel())
        change = np.abs(seen.row(1) - before).max()
        assert change <= 1e-5 * np.abs(before).max()
        squares = np.square(louder).mean(axis=1)
        shares = np.divide(louder.mean(axis=1) ** 2, squares, where=squares > 0, out=np.zeros(len(codes)))
        assert seen.sentence == (
            f"c = {factor:g}: on {len(codes)} test images, the mean activation is {louder.mean():.3f}, "
            f"{100 * (louder > 0.1).mean():.0f} % of the activations are above 0.1, "
            f"and the active share is {shares.mean():.3f} "
            "(squared mean over mean square, per image). "
            f"No pixel changes by as much as {np.floor(1e4 * change + 1) / 1e4:.4f}."
        )
        (chart,) = seen.charts
        (line,) = chart["series"]
        assert line["y"] == np.repeat(counts_by_hand(louder), 2).tolist()
        assert line["x"] == pytest.approx(np.repeat(np.geomspace(1e-4, 10, 61), 2)[1:-1]) and line["x"][-1] <= 10
        assert chart["y"]["high"] == pytest.approx(1.15 * max(highest, 1))
