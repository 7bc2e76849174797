"""The plane of codes."""

import re

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.packing import packed
from aehelpers.displays.widget import Display

from tests.displays.reading import run_layers, unpacked


def test_plane(model, forty, mnist):
    codes = ae.predict(model.encoder, forty)
    data = ae.latent_plane(model.decoder, codes, forty, mnist.y_test[:40]).data
    assert data["labels"] == mnist.y_test[:40].tolist()
    left, right, bottom, top = data["limits"]
    assert left < data["state"]["x"] < right and bottom < data["state"]["y"] < top
    with pytest.raises(ValueError, match="codes must differ in both units"):
        ae.latent_plane(model.decoder, codes * [1, 0], forty, mnist.y_test[:40])


LIMITS = [-2.0, 3.0, -4.0, 6.0]  # left, right, bottom, top


def plane(codes, labels):
    """A made plane: images of two by three pixels, and a decoder of one layer."""
    random = np.random.default_rng(1)
    kernel, bias = random.normal(size=(2, 6)), random.normal(size=6)
    decoder = [{"kernel": packed(kernel, "float32"), "bias": packed(bias, "float32"), "activation": "sigmoid"}]
    data = {"size": [2, 3], "limits": LIMITS, "decoder": decoder, "codes": packed(codes, "float32")}
    data |= {"labels": labels.tolist(), "images": packed(random.random((len(codes), 6)), "uint8")}
    return Display("latent_plane", "A plane", "x", {"x": 0.5, "y": 1.0}, **data)


GRID = np.array([(x, y) for x in range(-3, 5) for y in range(-5, 8)])  # ties, the edges, and places outside
SCATTERED = np.random.default_rng(2).normal(0.5, 2, (40, 2))
PLANES = {
    "grid": plane(GRID, np.arange(len(GRID)) % 10),
    "scattered": plane(SCATTERED, np.arange(40) // 4),
    "two images": plane(GRID[50:52], np.array([3, 8])),
}
DRAWN = """number => [".ae-plane text", ".ae-plane circle", ".ae-plane path"].map(kind =>
  Array.from(rootOf(number).querySelectorAll(kind), ({ attributes, textContent }) =>
    ({ text: textContent, ...Object.fromEntries(Array.from(attributes, ({ name, value }) => [name, value])) })))"""


@pytest.mark.parametrize("name", PLANES)
def test_decoded_and_nearest(core, show, name):
    data = PLANES[name].data
    (codes, images), labels = (unpacked(data[part]).astype(float) for part in ("codes", "images")), np.array(data["labels"])
    shown = show(data)
    for x, y in [(0.5, 1.0), (-2, -4), (3, 6), (-2, 6), (0, 0), (1.234, -3.21)]:
        seen = shown.at(x=x, y=y)
        nearest = np.argsort(np.square(codes - [x, y]).sum(axis=1), kind="stable")[:5]
        assert seen.sentence == (
            f"The point ({x:.2f}, {y:.2f}), decoded; the nearest images are labelled {', '.join(map(str, labels[nearest]))}."
        )
        assert seen.row(0) == pytest.approx(run_layers(data["decoder"], [x, y]), abs=1e-6)
        assert seen.row(1) == pytest.approx(images[nearest].ravel()) and len(seen.canvases) == 1 + len(nearest)
        texts, (point,), (cross,) = core.evaluate(DRAWN, shown.number)
        at = [440 * (x + 2) / 5, 440 * (6 - y) / 10]
        assert [float(point["cx"]), float(point["cy"])] == pytest.approx(at)
        assert [float(n) for n in re.findall(r"[\d.]+", cross["d"])] == pytest.approx([at[0], 0, 440, 0, at[1], 440])
    inside = ((codes >= [-2, -4]) & (codes <= [3, 6])).all(axis=1)
    assert [one["text"] for one in texts] == [str(label) for label in labels[inside]]
    places = 440 * (codes[inside] * [1, -1] + [2, 6]) / [5, 10] + [0, 4]  # a letter stands above the line it is written on
    assert np.array([[one["x"], one["y"]] for one in texts], float) == pytest.approx(places, abs=0.051)


def test_keys_and_pointer_move_the_point(core, show):
    shown = show(PLANES["two images"])
    shown.at(x=0.5, y=1.0)
    svg = core.locator(".ae-plane")
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()

    def place():
        return pytest.approx((shown.state["x"], shown.state["y"]), abs=1e-6)

    def at(x, y):
        core.mouse.move(box["x"] + box["width"] * (x + 2) / 5, box["y"] + box["height"] * (6 - y) / 10)

    at(-1, 2)
    assert place() == (0.5, 1)
    core.mouse.down()
    assert place() == (-1, 2) and core.evaluate("document.activeElement.classList.contains('ae-plane')")
    for there, expected in [((2, -3), (2, -3)), ((4, 7), (3, 6)), ((-3, -4.5), (-2, -4)), ((0, 0), (0, 0))]:
        at(*there)
        assert expected == place()
    core.mouse.up()
    at(1, 1)
    assert place() == (0, 0)
    keys = {"ArrowRight": (0.1, 0), "ArrowUp": (0.1, 0.2), "ArrowLeft": (0, 0.2), "ArrowDown": (0, 0), "a": (0, 0)}
    for key, expected in keys.items():
        svg.press(key)
        assert expected == place()
    fields = core.locator("input[type=number]")
    ends = "fields => fields.map(({ min, max, step }) => [min, max, step].map(Number))"
    assert fields.evaluate_all(ends) == [[-2, 3, 0.1], [-4, 6, 0.2]]


def test_any_number_of_the_plane_can_be_typed(core, show):
    """Its ends are quantiles, from which a number of two digits is no whole number of steps away."""
    shown = show({**PLANES["two images"].data, "limits": [-2.003, 3.01, -4.07, 6.0]})
    for field, (refused, typed) in enumerate([("-2.1", "-1.5"), ("6.1", "2.2")]):
        for text in (typed, refused):
            core.locator("input[type=number]").nth(field).fill(text)
    assert shown.state == {"x": -1.5, "y": 2.2}
