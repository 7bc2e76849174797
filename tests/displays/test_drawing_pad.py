"""The drawing pad: what the pen leaves, how a drawing becomes one of MNIST's, and what pointer and keys do."""

from urllib.parse import unquote

import aehelpers as ae
import keras
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


NOTHING = "Draw a digit, or take a test image."
NO_DIGIT = "Even if it is not a digit, the decoder draws with what it has learned from digits."
FREE = {"unit1": "", "unit2": ""}


def grey_of(canvas):
    return np.reshape(canvas["pixels"], (-1, 4))[:, 0] / 255


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
        assert ("press clear, then draw" if base >= 0 else "draw here") in seen.texts
        under = unpacked(display.data["images"])[base] if base >= 0 else np.zeros(784)
        image = np.maximum(under, blocks) if base >= 0 else as_mnist(paper)
        rebuilt = {one: run_layers(made["layers"], np.float32(image)) for one, made in display.data["networks"].items()}
        for canvas, values in zip(seen.canvases[2:], (image, *rebuilt.values()), strict=True):
            assert grey_of(canvas) == pytest.approx(values, abs=0.6 / 255)
        assert grey_of(seen.canvases[1]) == pytest.approx(rebuilt["one"], abs=0.6 / 255)
        changed = int(seen.sentence.split()[0]) if base >= 0 and seen.sentence[0] != "A" else 0
        half = [(image - under > 1 / 510 + slip).sum() for slip in (1e-7, -1e-7)]  # a grey level; float32 decides ties
        assert base < 0 or half[0] <= changed <= half[1]
        errors = ", ".join(f"{one}: {np.mean((image - values) ** 2):.4f}" for one, values in rebuilt.items())
        if base >= 0:
            begins = f"{changed} of 784 pixels differ from the test image." if changed else "A test image."
        elif image.any():
            begins = f"Your drawing, scaled and centred. {NO_DIGIT}"
        assert seen.sentence == (f"{begins} Squared error, {errors}." if base >= 0 or image.any() else NOTHING)
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
    shown = show({**display.data, "state": {**display.data["state"], "strokes": begin, "base": -1}})
    drawn = pad_of(shown.at(strokes=given))[:, :, 0]
    assert np.abs(drawn - by_hand(begin if taken is None else taken)).max() < 0.5


def test_a_drawing_stands_in_the_address(core, display):
    script = """packed => { const root = document.createElement("div"); root.id = "pad";
      const { address, unmount } = core.mountOnPage(root, packed); unmount(); return address(); }"""
    packed = as_page_value({**display.data, "state": {**display.data["state"], "strokes": [[[9, 9], [50, 60.5]]], "base": -1}})
    assert unquote(core.evaluate(script, packed)) == (
        "#pad?strokes=[[[9,9],[50,60.5]]]&base=-1&unit1=&unit2=&network=one&placed=centred"
    )


def drawn(shown):
    return shown.state["strokes"], shown.state["base"]


def test_pointer(core, show, display):
    shown = show(display)
    shown.at(base=1)
    pad, mouse = core.locator(".ae-pad"), core.mouse
    box = pad.bounding_box()

    def move(x, y):
        mouse.move(box["x"] + box["width"] * x / 112, box["y"] + box["height"] * y / 112)

    move(20, 30)
    assert drawn(shown) == ([], 1)
    mouse.down()
    move(40, 31)
    move(-8, 120)  # the pad keeps the pointer
    mouse.up()
    move(50, 50)
    first = [[20, 30], [40, 31], [-8, 120]]
    assert drawn(shown) == ([first], 1)
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
    others = [("another digit", [], base) for base in (1, 2, 0, 1)]  # also after "undo" on empty paper
    for label, strokes, base in [("undo", [square], -1), *others, ("clear", [], -1)]:
        shown.at(strokes=[square], base=shown.state["base"])
        press(" ")
        core.get_by_role("button", name=label).dispatch_event("click")
        assert drawn(shown) == (strokes, base)
        press("ArrowRight")  # the pen is up
        assert shown.state["strokes"] == strokes


def test_after_clear_another_image_comes_than_the_one_before(core, show, display):
    shown = show(display)
    for label, base in [("clear", -1), ("another digit", 1), ("clear", -1), ("another digit", 2)]:
        core.get_by_role("button", name=label).dispatch_event("click")
        assert drawn(shown) == ([], base)


def test_a_drawing_can_stay_where_it_is(shown):
    """Else nothing could be drawn small, or in a corner."""
    strokes = [[[20, 20], [40, 20]]]
    seen = shown.at(strokes=strokes, base=-1, placed="as drawn")
    blocks = pad_of(seen)[:, :, 0].reshape(28, 4, 28, 4).mean(axis=(1, 3)).ravel()
    assert grey_of(seen.canvases[2]) == pytest.approx(blocks, abs=1 / 255)
    assert seen.sentence.startswith(f"Your drawing, where you drew it. {NO_DIGIT}")
    shown.at(strokes=[], base=0, placed="centred")


@pytest.mark.parametrize("strokes", [[[[56, 56]]], [[[20, 20], [90, 90]], [[90, 20], [20, 90]]]])
def test_what_sets_off_an_alarm(show, one_layer, model, forty, strokes):
    """The error of each model against the limit, of a drawing where it is."""
    pad = ae.drawing_pad({"one": one_layer, "two": model}, forty, centred=False)
    image = pad_of(show(pad).at(strokes=strokes, base=-1))[:, :, 0].reshape(28, 4, 28, 4).mean(axis=(1, 3)).ravel()
    rebuilt = {name: run_layers(made["layers"], np.float32(image)) for name, made in pad.data["networks"].items()}
    errors = {name: np.mean((image - values) ** 2) for name, values in rebuilt.items()}
    for limit in (0, np.mean(list(errors.values())), 1):
        pad = ae.drawing_pad({"one": one_layer, "two": model}, forty, limit=limit, centred=False)
        seen = show(pad).at(strokes=strokes, base=-1)
        verdicts = {name: "alarm" if error > limit else "accepted" for name, error in errors.items()}
        each = ", ".join(f"{name}: {error:.4f}, {verdicts[name]}" for name, error in errors.items())
        assert seen.sentence.endswith(f" Squared error, {each} (limit {limit:.4f}).")
        assert seen.texts[-2:] == [f"{name} ({verdict})" for name, verdict in verdicts.items()]


def test_which_units_are_moved_and_how_far(display, one_layer, model, forty):
    """Those whose activations vary most, over the images, with a tenth of their range to spare."""
    x = forty[:3].copy()
    x[2] = 0
    for one, name in ((one_layer, "one"), (model, "two")):
        made, code = display.data["networks"][name], ae.predict(one.encoder, x)
        assert made["code"] == len(one.encoder.layers)
        assert made["units"] == sorted(np.argsort(code.var(axis=0))[-2:])
        low, high = (function(axis=0)[made["units"]] for function in (code.min, code.max))
        room = np.maximum(0.1 * (high - low), 0.1)
        assert made["lows"] == pytest.approx(low - room, abs=0.02) and made["highs"] == pytest.approx(high + room, abs=0.02)


def test_the_code_of_a_model_without_an_encoder_is_its_narrowest_layer(forty):
    layers = [keras.layers.Dense(size, "sigmoid") for size in (9, 4, 4, 784)]
    made = ae.drawing_pad({"own": keras.Sequential([keras.Input((784,)), *layers])}, forty).data["networks"]["own"]
    assert made["code"] == 2 and len(made["layers"]) == 4


MOVED = [("one", {"unit1": 0.5}), ("one", {"unit1": -2, "unit2": 0.25}), ("two", {"unit2": 1}), ("two", {})]


@pytest.mark.parametrize(("name", "moves"), MOVED)
def test_the_decoder_draws_what_the_moved_code_says(core, show, display, name, moves):
    shown = show(display)
    seen = shown.at(base=1, network=name, **moves)
    made, image = display.data["networks"][name], unpacked(display.data["images"])[1]
    encoder, decoder = made["layers"][: made["code"]], made["layers"][made["code"] :]
    before = run_layers(encoder, image)
    code, units = before.copy(), made["units"]
    words = []
    for place, unit in enumerate(units):
        if f"unit{place + 1}" in moves:
            code[unit] = moves[f"unit{place + 1}"]
            words.append(f"unit {unit + 1} from {before[unit]:.2f} to {code[unit]:.2f}")
    picture, rebuilt = run_layers(decoder, code), run_layers(decoder, before)
    assert grey_of(seen.canvases[1]) == pytest.approx(picture, abs=0.6 / 255)
    place = 3 + list(display.data["networks"]).index(name)
    assert grey_of(seen.canvases[place]) == pytest.approx(rebuilt, abs=0.6 / 255), "what was drawn has changed too"
    if moves:
        assert seen.sentence == (
            f"You moved {' and '.join(words)}: the decoder draws what the code says. Squared error to the input "
            f"{np.mean((image - picture) ** 2):.4f}, before {np.mean((image - rebuilt) ** 2):.4f}."
        )
    else:
        assert seen.sentence.startswith("A test image.")
    said = core.locator(".ae-numbers").text_content().removeprefix(f"{name}: ")
    assert [float(value) for value in said.split(", ")] == pytest.approx(code, abs=0.051)
    values = core.locator("input[type=range]").evaluate_all("all => all.map(one => [one.ariaLabel, one.value])")
    assert [label for label, _ in values] == [f"code unit {unit + 1}" for unit in units]
    sizes = [784, *(layer["kernel"]["shape"][1] for layer in made["layers"])]
    tie = core.locator(".ae-tie")
    assert tie.get_attribute("aria-label").startswith(f"The network, in layers of {', '.join(map(str, sizes))}; the code")
    dots = tie.locator("g > *").evaluate_all("all => all.map(one => [one.localName, Number(one.getAttribute('fill-opacity'))])")
    shares = np.abs(code) / np.abs(code).max()
    assert dots == [
        ["path" if value < 0 else "circle", pytest.approx(share)] for value, share in zip(code, shares, strict=True)
    ]


def test_a_stroke_another_network_and_a_button_free_the_code(core, show, display):
    shown = show(display)
    slider = core.locator("input[type=range]").first
    act = {
        "the pad": lambda: core.locator(".ae-pad").press(" "),
        "another network": lambda: core.get_by_role("radio", name="two").check(),
        "the button": lambda: core.get_by_role("button", name="reset sliders").click(),
    }
    for name, free in act.items():
        slider.evaluate("it => { it.value = it.max; it.dispatchEvent(new Event('input')); }")
        assert shown.state["unit1"] == pytest.approx(float(slider.get_attribute("max")), rel=0.02), name
        free()
        assert {part: shown.state[part] for part in FREE} == FREE, name
