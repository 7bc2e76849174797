"""The drawing pad: what the pen leaves, how a drawing becomes one of MNIST's, and what pointer and keys do."""

from urllib.parse import unquote

import aehelpers as ae
import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from tests.displays.reading import Seen, as_page_value, run_layers, unpacked

DRAW = np.random.default_rng(1)
HEAVY = [[6, 8], [104, 8]], [[6, 16], [104, 16]], [[56, 8], [56, 104]]
DRAWINGS = {
    "nothing": [],
    "a dot": [[[30, 40]]],
    "a line and a corner": [[[20, 20], [60, 90]], [[60, 30], [90, 30], [90, 70]]],
    "an edge row": [[[0, -4], [112, -4]]],
    "an edge column": [[[116, 0], [116, 112]]],
    "one corner": [[[110, 111]]],
    "heavy at the top": HEAVY,
    "heavy at the bottom": [[[x, 112 - y] for x, y in line] for line in HEAVY],
    "heavy on the left": [[[y, x] for x, y in line] for line in HEAVY],
    "heavy on the right": [[[112 - y, x] for x, y in line] for line in HEAVY],
    **{f"scribble {i}": DRAW.integers(5, 107, (2, 4, 2)).tolist() for i in range(4)},
}


def by_hand(strokes):
    """Draw lines with a round pen 9 wide: each pixel by its distance to them."""
    y, x = np.mgrid[:112, :112] + 0.5
    distance = np.full((112, 112), np.inf)
    for points in strokes:
        for start, end in zip(points, [*points[1:], points[-1]], strict=True):
            (x0, y0), (dx, dy) = start, np.subtract(end, start)
            along = np.clip(((x - x0) * dx + (y - y0) * dy) / max(dx**2 + dy**2, 1e-9), 0, 1)
            distance = np.minimum(distance, np.hypot(x - x0 - along * dx, y - y0 - along * dy))
    return np.clip(5 - distance, 0, 1)


def shrunk(length, parts):
    """Return the matrix of means over equal parts of a line of pixels."""
    ends = np.arange(parts + 1) * length / parts
    return np.diff(np.clip(ends[:, None] - np.arange(length), 0, 1), axis=0) * parts / length


def as_mnist(drawing):
    image = np.zeros((28, 28))
    if drawing.any():
        rows, columns = (np.flatnonzero(drawing.any(axis)) for axis in (1, 0))
        crop = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        parts = [max(1, int(np.floor(20 * side / max(crop.shape) + 0.5))) for side in crop.shape]
        small = shrunk(crop.shape[0], parts[0]) @ crop @ shrunk(crop.shape[1], parts[1]).T
        top, left = (int(np.clip(np.floor(14.5 - c), 0, 28 - n)) for c, n in zip(center_of_mass(small), parts, strict=True))
        image[top : top + parts[0], left : left + parts[1]] = small
    return image.ravel()


def pad_of(seen):
    """Return the red, green and blue of the pad, from 0 to 1."""
    return np.reshape(seen.canvases[0]["pixels"], (112, 112, 4))[:, :, :3] / 255


@pytest.fixture(scope="module")
def display(one_layer, model, forty):
    x = forty[:3].copy()
    x[2] = 0
    return ae.drawing_pad({"one": one_layer, "two": model}, x)


@pytest.fixture(scope="module")
def shown(show, display):
    return show(display)


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawings(shown, display, name):
    strokes = DRAWINGS[name]
    seen = shown.at(strokes=strokes, base=-1)
    paper = pad_of(seen)[:, :, 0]
    off = np.abs(paper - by_hand(strokes))
    assert off.max() < 0.5 and off.mean() < 0.004
    blocks = paper.reshape(28, 4, 28, 4).mean(axis=(1, 3)).ravel()
    for base in (-1, 0, 2):
        seen = shown.at(base=base)
        under = unpacked(display.data["images"])[base] if base >= 0 else np.zeros(784)
        image = np.maximum(under, blocks) if base >= 0 else as_mnist(paper)
        rebuilt = {one: run_layers(layers, np.float32(image)) for one, layers in display.data["networks"].items()}
        for row, values in zip(seen.pictures[0]["rows"], (image, *rebuilt.values()), strict=True):
            assert row == {"values": pytest.approx(values, abs=1e-5)}
        drawn = "Your drawing, scaled and centred." if strokes else "Draw a digit, or take a test image."
        changed = int(seen.sentence.split()[0]) if base >= 0 else 0
        half = [(image - under > 1 / 510 + slip).sum() for slip in (1e-7, -1e-7)]  # a grey level; float32 decides ties
        assert base < 0 or half[0] <= changed <= half[1]
        errors = ", ".join(f"{one} {np.mean((image - values) ** 2):.4f}" for one, values in rebuilt.items())
        assert seen.sentence == (f"{changed} of 784 pixels differ from the test image." if base >= 0 else drawn) + (
            f" Squared errors: {errors}." if image.any() else ""
        )
        grey = np.kron(under.reshape(28, 28), np.ones((4, 4)))
        assert pad_of(seen)[:, :, 0] == pytest.approx(grey + paper * (1 - grey), abs=2 / 255)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("[[[9, 9], [50, 60.5]]]", [[[9, 9], [50, 60.5]]]),  # from a link
        ("[]", []),
        *((given, None) for given in ("nonsense", "7", {}, [[]], [7], [[7]], [[[7, 8, 9]]], [[["a", 8]]], [[[8, 9]], [[9]]])),
    ],
)
def test_strokes_that_make_no_sense(show, display, given, taken):
    begin = [[[30, 30], [80, 30]]]
    shown = show({**display.data, "state": {"strokes": begin, "base": -1}})
    drawn = pad_of(shown.at(strokes=given))[:, :, 0]
    assert np.abs(drawn - by_hand(begin if taken is None else taken)).max() < 0.5


def test_a_drawing_stands_in_the_address(core, display):
    script = """packed => { const root = document.createElement("div"); root.id = "pad";
      const { address, unmount } = core.mountOnPage(root, packed); unmount(); return address(); }"""
    packed = as_page_value({**display.data, "state": {"strokes": [[[9, 9], [50, 60.5]]], "base": -1}})
    assert unquote(core.evaluate(script, packed)) == "#pad?strokes=[[[9,9],[50,60.5]]]&base=-1"


def test_pointer(core, show, display):
    shown = show(display)
    shown.at(base=1)
    pad, mouse = core.locator(".ae-pad"), core.mouse
    box = pad.bounding_box()

    def move(x, y):
        mouse.move(box["x"] + box["width"] * x / 112, box["y"] + box["height"] * y / 112)

    move(20, 30)
    assert shown.state == {"strokes": [], "base": 1}
    mouse.down()
    move(40, 31)
    move(-8, 120)  # the pad keeps the pointer
    mouse.up()
    move(50, 50)
    first = [[20, 30], [40, 31], [-8, 120]]
    assert shown.state == {"strokes": [first], "base": 1}
    mouse.down()
    pad.dispatch_event("pointercancel")
    move(60, 60)
    mouse.up()
    assert shown.state["strokes"] == [first, [[50, 50]]]
    core.keyboard.press(" ")
    assert shown.state["strokes"][2:] == [[[50, 50]]]  # the pen is where the pointer was


def test_keys(core, show, display):
    shown = show(display)
    shown.at(base=-1)
    pad, press = core.locator(".ae-pad"), core.keyboard.press

    def ring():
        """Return the colour of the ring around the pen at (56, 56), to the right of it."""
        colour = pad_of(Seen(core.evaluate("number => read(rootOf(number))", shown.number)))[56, 61]
        return colour / max(colour.max(), 1e-9)

    def strokes_after(*keys):
        for key in keys:
            press(key)
        return shown.state["strokes"]

    assert ring().tolist() == [0, 0, 0]
    pad.focus()
    assert ring() == pytest.approx(np.array([0x56, 0xB4, 0xE9]) / 0xE9, abs=0.05)
    pad.evaluate("pad => pad.addEventListener('keydown', event => { globalThis.prevented = event.defaultPrevented; })")
    assert strokes_after("a", "ArrowLeft", "ArrowRight") == [] and core.evaluate("prevented") is True
    assert strokes_after(" ") == [[[56, 56]]] and core.evaluate("prevented") is True
    assert ring() == pytest.approx(np.array([0xD5, 0x5E, 0]) / 0xD5, abs=0.05)
    square = [[56, 56], [60, 56], [60, 60], [56, 60], [56, 56]]
    assert strokes_after("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp") == [square]
    assert strokes_after(" ", "ArrowRight", " ") == [square, [[60, 56]]]
    assert strokes_after(*["ArrowRight"] * 14, *["ArrowDown"] * 15)[1][-3:] == [[112, 108], [112, 112], [112, 112]]
    strokes_after(" ", *["ArrowLeft"] * 29, *["ArrowUp"] * 29)
    assert strokes_after(" ")[2:] == [[[0, 0]]]
    pad.blur()
    pad.focus()
    assert strokes_after("ArrowRight")[2:] == [[[0, 0]]]  # leaving the pad lifts the pen
    shown.at(strokes=[])
    press(" ")
    pad.click(position={"x": 20, "y": 20})
    strokes = shown.state["strokes"]
    assert len(strokes) == 2 and strokes_after("ArrowRight") == strokes  # so does the pointer
    shown.at(strokes=[square])
    others = [("another test image", [], base) for base in (0, 1, 2, 0)]
    for label, strokes, base in [("undo", [square], -1), *others, ("clear", [], -1)]:
        shown.at(strokes=[square], base=shown.state["base"])
        press(" ")
        core.get_by_role("button", name=label).dispatch_event("click")
        assert shown.state == {"strokes": strokes, "base": base}
        press("ArrowRight")  # the pen is up
        assert shown.state["strokes"] == strokes
