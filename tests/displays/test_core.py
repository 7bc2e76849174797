"""What all displays share, core.js, against NumPy and Keras: arrays, networks, pictures, charts, controls, and their end."""

import re

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.networks import COMPUTED, packed_network
from aehelpers.displays.packing import packed
from aehelpers.layers import ACTIVATIONS

from tests.displays.reading import as_page_value

NAN, INF = float("nan"), float("inf")


def compute(core, model, x, dtype):
    """Return what the page makes of images, by the layers of a model."""
    layers, images = as_page_value(packed_network(model, "model", dtype=dtype)), as_page_value(packed(x, "float32"))
    script = "([layers, images]) => Array.from(core.network(core.unpack(layers))(core.unpack(images).values))"
    return np.reshape(core.evaluate(script, [layers, images]), (len(x), -1))


@pytest.mark.parametrize(("dtype", "within"), [("float16", 0.002), ("float32", 1e-5)])
def test_networks_compute_what_keras_does(core, dtype, within, mnist):
    x = mnist.x_test[:100]
    for value, model in ae.stored_models("code_sizes").items():
        expected = ae.predict(model, x)
        assert expected.max() > 0.5
        assert np.abs(compute(core, model, x, dtype) - expected).max() <= within, f"model {value}"


@pytest.mark.parametrize("name", COMPUTED)
def test_activations_are_those_of_the_table(core, name):
    """Small, large and infinite pre-activations, those around 0, and NaN, which must not pass for a number."""
    z = np.float32([*np.linspace(-9, 9, 181), 0, 1e-8, -1e-8, 1e-6, 30, -30, 80, -80, 1e4, -1e4, INF, -INF, NAN])
    one, zero = (packed(values, "float32") for values in ([[1]], [0]))
    layer = {"kernel": one, "bias": zero, "activation": name.removeprefix("straight_through_")}
    script = "([layer, z]) => Array.from(core.network([core.unpack(layer)])(core.unpack(z).values))"
    made = core.evaluate(script, [as_page_value(layer), as_page_value(packed(z, "float32"))])
    with np.errstate(all="ignore"):
        expected = np.asarray(ACTIVATIONS[name].function(z))
    assert np.array(made) == pytest.approx(expected, rel=1e-5, abs=1e-6, nan_ok=True)
    assert np.isnan(made[-1])


def test_an_activation_that_the_page_does_not_have_is_named(core):
    layer = as_page_value({"kernel": packed([[1]], "float32"), "bias": packed([0], "float32"), "activation": "toString"})
    with pytest.raises(Exception, match=r'core\.js has no activation "toString" in ACTIVATIONS'):
        core.evaluate("layer => core.network([core.unpack(layer)])", layer)


def test_numbers_arrive_as_they_were(core):
    script = """packed => Array.from(core.unpack(packed).values,
      value => Object.is(value, -0) ? "-0" : String(value).replace("Infinity", "inf"))"""
    special = np.array([0, -0.0, 1, -1, 0.5, 1 / 3, 65504, -65504, 6e-8, 6.1e-5, np.inf, -np.inf, np.nan], np.float32)
    for dtype in ("float16", "float32"):
        made = np.array(core.evaluate(script, as_page_value(packed(special, dtype)))).astype(np.float32)
        assert np.array_equal(made, special.astype(dtype).astype(np.float32), equal_nan=True)
        assert np.array_equal(np.signbit(made), np.signbit(special)), "-0 has lost its sign"
    grey = np.arange(256, dtype=np.float32) / 255
    made = core.evaluate(script, as_page_value(packed(grey, "uint8")))
    assert np.array_equal(np.array(made).astype(np.float32), grey)


def test_arrays(core):
    array = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    nested = as_page_value({"a": [packed(array, "float32")], "b": {"c": None, "d": "text", "e": 2}})
    got = core.evaluate(
        """nested => {
          const { a: [array], b } = core.unpack(nested);
          const rows = [core.row(array), core.row(array, 2), core.row(array, 1, 3)].map(values => Array.from(values));
          return { shape: array.shape, rows, b, of: core.mean([1, 2, 6], (value, i) => value * i), mean: core.mean([1, 2, 6]) };
        }""",
        nested,
    )
    assert got["shape"] == [3, 4, 5] and got["b"] == {"c": None, "d": "text", "e": 2}
    for made, expected in zip(got["rows"], (array, array[2], array[1, 3]), strict=True):
        assert made == pytest.approx(expected.ravel())
    assert got["mean"] == 3 and got["of"] == pytest.approx(14 / 3)
    a, b = array.reshape(2, -1).tolist()
    assert core.evaluate("([a, b]) => core.squaredError(a, b)", [a, b]) == pytest.approx(np.mean(np.subtract(a, b) ** 2))


def drawn(core, name, values, **options):
    """Return the colours of an image that is drawn on a canvas, (pixels, 4)."""
    script = """([name, values, options]) => {
      const canvas = document.createElement("canvas");
      core[name](canvas, values, options);
      const { data } = canvas.getContext("2d").getImageData(0, 0, options.width, options.height);
      return [canvas.width, canvas.height, Array.from(data)];
    }"""
    width, height, levels = core.evaluate(script, [name, values, options])
    assert (height, width) == (options["height"], options["width"])
    return np.reshape(levels, (-1, 4))


def test_pictures_are_grey_cut_off_and_marked(core):
    values = [*np.linspace(-1, 2, 22), 0.5, NAN]
    for low, high in ((0, 1), (-1, 2), (0.25, 0.5)):
        made = drawn(core, "drawImage", values, height=4, width=6, low=low, high=high)
        expected = 255 * np.clip((np.array(values[:-1]) - low) / (high - low), 0, 1)
        assert np.abs(made[:-1, :3] - expected[:, None]).max() <= 0.501 and (made[:, 3] == 255).all()
        assert made[-1].tolist() == [255, 0, 200, 255]
    assert np.array_equal(drawn(core, "drawImage", [0, 1], height=2, width=1)[:, 0], [0, 255])


def test_signed_pictures_are_blue_below_and_orange_above(core):
    values = np.array([-3, -1, -0.5, 0, 0.25, 1, 9])
    share, end = np.minimum(np.abs(values), 1)[:, None], np.where(values[:, None] < 0, [0, 90, 200], [230, 110, 0])
    made = drawn(core, "drawSigned", values.tolist(), height=1, width=7)
    assert np.abs(made[:, :3] - (245 + share * (end - 245))).max() <= 0.501 and (made[:, 3] == 255).all()


@pytest.mark.parametrize(
    ("available", "narrow", "columns", "size"),
    [(860, False, 8, 76), (600, False, 8, 58), (453, False, 8, 39), (452, True, 8, 53), (350, True, 8, 40), (50, True, 1, 50)],
)
def test_rows_of_pictures_shrink_to_fit(core, available, narrow, columns, size):
    images = np.arange(3 * 4) / 12  # three images of four pixels in the first row, two in the second
    seen = core.evaluate(
        """([images, available]) => {
          const pictures = new core.Pictures({ titles: ["a", "b"], height: 2, width: 2 });
          pictures.show([{ values: Float32Array.from(images) }, { values: new Float32Array(8), title: "c", low: -1 }]);
          pictures.resize(available);
          document.body.replaceChildren(pictures.element);
          const canvases = Array.from(pictures.element.querySelectorAll("canvas"));
          return {
            narrow: pictures.element.classList.contains("ae-narrow"), style: pictures.element.style.gridTemplateColumns,
            titles: Array.from(pictures.element.querySelectorAll(".ae-row-title"), title => title.textContent),
            hidden: canvases.map(canvas => canvas.style.visibility === "hidden"), label: pictures.element.ariaLabel,
            first: canvases.map(canvas => canvas.getContext("2d").getImageData(0, 0, 1, 1).data[0]),
          };
        }""",
        [images.tolist(), available],
    )
    assert seen["narrow"] is narrow and seen["style"] == ("" if narrow else "104px ") + f"repeat({columns}, {size}px)"
    assert seen["titles"] == ["a", "c"] and seen["label"] == "a, b"
    assert seen["hidden"] == [place >= 3 for place in range(columns)] + [place >= 2 for place in range(columns)]
    shown = seen["first"][: min(columns, 3)] + seen["first"][columns : columns + min(columns, 2)]
    expected = [*np.round(255 * images[::4]), 128, 128][: min(columns, 3)] + [128, 128][: min(columns, 2)]
    assert shown == expected


@pytest.mark.parametrize(
    ("low", "high", "log", "most", "expected"),
    [
        (0, 1, False, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 1, False, 4, [0, 0.5, 1]),
        (-16, 3, False, 4, [-15, -10, -5, 0]),
        (0, 0.0735, False, 8, [0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07]),
        (0, 14_000, False, 5, [0, 5_000, 10_000]),
        (0.9, 140, True, 6, [1, 2, 5, 10, 20, 50, 100]),
        (0.7, 1e5, True, 5, [1, 10, 100, 1e3, 1e4, 1e5]),
        (1e-4, 0.05, True, 8, [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2]),
        (0.3, 4, True, 6, [0.5, 1, 2]),
    ],
)
def test_ticks(core, low, high, log, most, expected):
    made = core.evaluate("given => core.ticksBetween(...given)", [low, high, log, most])
    assert made == pytest.approx(expected, abs=1e-12)


def chart(core, width, **options):
    """Draw a chart and return where its texts, lines, dots, areas, levels and marks stand; its looks are in ``states``."""
    return core.evaluate(
        """([width, { axes, set, marks }]) => {
          const chart = new core.Chart(axes);
          document.body.replaceChildren(chart.element);
          chart.set(set);
          const before = chart.svg.childElementCount;
          chart.resize(width);
          if (marks) chart.mark(marks);
          const number = (one, ...names) => names.map(name => Number(one.getAttribute(name)));
          const all = (selector, read) => Array.from(chart.svg.querySelectorAll(selector), read);
          const box = chart.svg.getBoundingClientRect();
          return {
            before, width: chart.width, box: [box.width, box.height], label: chart.svg.ariaLabel,
            texts: all(".ae-axes text", one => [one.textContent, ...number(one, "x", "y")]),
            levels: all(":scope > g:nth-child(2) > line", one => number(one, "x1", "x2", "y1", "y2")),
            lines: all("polyline", one => one.getAttribute("points").split(" ").map(point => point.split(",").map(Number))),
            dots: all(":scope > g:nth-child(2) > circle", one => number(one, "cx", "cy")),
            areas: all(":scope > g:nth-child(2) > path[fill-opacity]", one => one.getAttribute("d")),
            diamonds: all(":scope > g:nth-child(2) > path:not([fill-opacity])", one => one.getAttribute("d")),
            marks: all(".ae-marks > *", one => [one.localName, ...number(one, "x1", "cx", "cy", "y1", "y2")]),
            axes: chart.box, names: all(".ae-names text", one => [one.textContent, ...number(one, "x", "y")]),
            legend: Array.from(chart.legend.children, one => one.textContent),
            shares: [0, 0.25, 1].map(at => chart.shareAt(box.left + chart.box.left + at * (chart.box.right - chart.box.left))),
            outside: [chart.shareAt(box.left - 50), chart.shareAt(box.right + 50)],
          };
        }""",
        [width, options],
    )


def place(value, low, high, start, end, log=False):
    value, low, high = (np.log(part) if log else part for part in (np.asarray(value, float), low, high))
    return start + (end - start) * (value - low) / (high - low)


TYPESET = {
    "the model's error is Adam's": "the model’s error is Adam’s",
    'They say "one", (\'two\') or "(3)".': "They say “one”, (‘two’) or “(3)”.",
    "'s 2.0' für 90 %": "‘s 2.0’ für 90 %",
}


def test_texts_of_lessons_have_the_marks_of_print(core, show):
    assert [core.evaluate("text => core.typeset(text)", text) for text in TYPESET] == list(TYPESET.values())
    text = "the model's own"
    options, asked = dict.fromkeys("AB", text), {"id": "01-marks"}
    question = {"question": text, "options": options, "answer": "A", "reasons": options}
    vote = ae.vote(text, options, **asked)
    exercise = ae.exercise("01-choice", text, "A", options=options, hint=text, solution=text)
    for display in (vote, vote.verdict("A", options), exercise, ae.self_test([question, question], id="01-self-test")):
        root = core.locator(".ae-display")
        show(display)
        for button in root.get_by_role("button", name=re.compile("hint|solution")).all():
            button.click()
        for letter in root.get_by_role("radio").all():
            letter.check()
        for button in root.get_by_role("button", name="Check").all():
            button.click()
        assert "model’s" in root.text_content() and "model's" not in root.text_content()
    core.evaluate("core.forget()")


def test_a_chart_of_two_linear_axes(core):
    x, y = [0, 1, 2, 3, 4, 6], [0.0, 0.5, NAN, 2.0, -1.0, 0.1]
    seen = chart(
        core,
        600,
        axes={"x": {"label": "steps", "low": 0, "high": 5}, "y": {"label": "loss", "low": 0, "high": 1}, "height": 200},
        set={
            "series": [
                {"name": "line", "x": x, "y": y, "marker": True},
                {"name": "band", "x": x, "y": [0.2] * 6, "area": [0.1] * 6},
                {"x": [1], "y": [1], "marker": "diamond"},
                {"x": [2], "y": [1], "marker": "cross"},
            ],
            "levels": [{"name": "mean", "value": 0.25}],
        },
        marks=[{"x": 2}, {"x": 9, "y": 3}, {"x": 1, "y": 0.5}, {"x": NAN}, {"x": 1, "y": INF}],
    )
    left, right = seen["axes"]["left"], seen["axes"]["right"]
    assert 20 < left < 60 and 500 < right < 570, "the axes leave no room for the numbers, or for the names"
    across, down = (lambda v: place(v, 0, 5, left, right)), (lambda v: place(v, 0, 1, 158, 32))
    assert seen["before"] == 0 and seen["box"] == [600, 200] and seen["label"] == "loss over steps"
    for value in (0, 1, 5):
        assert [str(value), pytest.approx(across(value)), 175] in seen["texts"]
    for value in (0, 0.2, 1):
        assert [str(value), left - 7, pytest.approx(down(value) + 4)] in seen["texts"]
    assert ["loss", 0, 12] in seen["texts"] and ["steps", right, 194] in seen["texts"]
    # Names stand beside the ends of their lines, and give way to each other.
    by_name = {name: (x, y) for name, x, y in seen["names"]}
    assert set(by_name) == {"mean", "line", "band"} and all(x == right + 22 for x, _ in by_name.values())
    for name, value in [("line", 0.1), ("band", 0.2), ("mean", 0.25)]:
        assert by_name[name][1] == pytest.approx(down(value) + 4, abs=20)
    heights = sorted(y for _, y in by_name.values())
    assert np.diff(heights).min() >= 15 and seen["legend"] == []
    ends = [by_name[name][1] for name in ("mean", "band", "line")]
    assert ends == heights, "the names stand in another order than the ends"
    # What is no number is left out, what lies above or below is drawn at the edge, what lies beside is left out.
    kept = [(0, 0), (1, 0.5), (3, 1), (4, 0)]
    points = [[pytest.approx(across(a), abs=0.051), pytest.approx(down(b), abs=0.051)] for a, b in kept]
    assert seen["lines"][0] == points and len(seen["lines"][1]) == 5 and len(seen["lines"][2]) == 1
    assert seen["dots"] == [[pytest.approx(float(across(a))), pytest.approx(float(down(b)))] for a, b in kept]
    corners = [(at, 0.2) for at in x[:5]] + [(at, 0.1) for at in x[4::-1]]
    (area,) = seen["areas"]
    assert area == "M" + " ".join(f"{across(a):.1f},{down(b):.1f}" for a, b in corners) + "Z"
    assert seen["levels"] == [[left, right, *[pytest.approx(down(0.25))] * 2]]
    diamond, cross = seen["diamonds"]
    assert diamond.startswith(f"M{across(1) - 4.05:.3f}"[:6])
    strokes = [float(number) for number in re.findall(r"[\d.]+", cross)]
    low, high, top, bottom = (pytest.approx(end, abs=0.06) for end in (across(2) - 3, across(2) + 3, 29, 35))
    assert strokes == [low, top, high, bottom, low, bottom, high, top]
    line, outside, dot = seen["marks"]
    assert line[0] == "line" and line[1] == pytest.approx(across(2)) and line[4:6] == [32, 158]
    assert outside[0] == "circle" and outside[2:4] == [right, 32]
    assert dot[2:4] == [pytest.approx(across(1)), pytest.approx(down(0.5))]
    assert seen["shares"] == pytest.approx([0, 0.25, 1]) and seen["outside"] == [0, 1]


def test_paper_keeps_the_line_of_a_mark_away_from_its_name(core):
    axes = {"x": {"label": "x", "low": 0, "high": 5}, "y": {"label": "y", "low": 0, "high": 1}, "height": 200}
    marks = [{"x": 1, "name": "one"}, {"x": 2, "name": "two", "down": 14}]
    chart(core, 600, axes=axes, set={"series": []}, marks=marks)
    names = core.locator(".ae-marks > g > line + text").all()  # the name is drawn after, so above
    assert [(name.text_content(), name.get_attribute("y"), name.get_attribute("paint-order")) for name in names] == [
        ("one", "28", None),
        ("two", "42", "stroke"),
    ]
    assert names[1].get_attribute("stroke") == "var(--ae-paper)"


@pytest.mark.parametrize(
    ("width", "shown"), [(600, "1 2 4 8 16 32 64 128"), (400, "1 2 4 8 16 32 64 128"), (100, "1 4 16 64"), (900, "")]
)
def test_a_chart_of_two_logarithmic_axes(core, width, shown):
    sizes, shown = [2**power for power in range(8)], shown or "1 2 4 8 16 32 64 128"
    drawn = min(max(width, 250), 760)
    seen = chart(
        core,
        width,
        axes={
            "x": {"label": "size", "low": 0.9, "high": 140, "log": True, "ticks": sizes},
            "y": {"label": "error", "low": 1e-5, "high": 1e5, "log": True, "ticks": [1e-4, 1, 1e4]},
            "label": "errors",
        },
        set={"series": [{"name": "a", "x": [0, 1, 10, 100], "y": [1, 0, 1, 1e6]}], "levels": [{"name": "m", "value": 10}]},
    )
    assert seen["width"] == drawn and seen["label"] == "errors"
    left, right = seen["axes"]["left"], seen["axes"]["right"]
    across = lambda v: place(v, 0.9, 140, left, right, log=True)  # noqa: E731
    down = lambda v: place(v, 1e-5, 1e5, 158, 32, log=True)  # noqa: E731
    assert [one for one in seen["texts"] if one[2] == 175] == [[n, pytest.approx(across(int(n))), 175] for n in shown.split()]
    assert [one for one in seen["texts"] if one[1] == left - 7] == [
        [n, left - 7, pytest.approx(down(float(n)) + 4)] for n in ("1e-4", "1", "1e+4")
    ]
    assert {"size (log scale)", "error (log scale)"} <= {text for text, *_ in seen["texts"]}
    # Without room beside the lines their names stand in a legend.
    assert (seen["legend"], [name for name, *_ in seen["names"]]) == (([], ["m", "a"]) if drawn >= 400 else (["m", "a"], []))
    kept = [(10, 1), (100, 1e5)]  # no logarithm of 0
    assert seen["lines"] == [[[pytest.approx(across(a), abs=0.051), pytest.approx(down(b), abs=0.051)] for a, b in kept]]
    assert seen["levels"][0][2] == pytest.approx(down(10))


def test_a_chart_measures_its_texts_in_the_letters_around_it(core):
    """Also where it was drawn before it stood on the page, and where only the letters change."""
    lefts, expected = core.evaluate("""() => {
      const axis = { label: "", low: 0, high: 1, ticks: [0.125] };
      const chart = new core.Chart({ x: axis, y: axis }), lefts = [];
      const take = () => { chart.resize(600); lefts.push(chart.box.left); };
      take();
      const box = document.body.appendChild(document.createElement("div"));
      box.append(chart.element);
      for (const family of ["monospace", "sans-serif"]) { box.style.fontFamily = family; take(); }
      const pen = new OffscreenCanvas(1, 1).getContext("2d");
      const expected = ["sans-serif", "monospace", "sans-serif"].map(family => {
        pen.font = `13px ${family}`;
        return pen.measureText("0.125").width + 13;
      });
      box.remove();
      return [lefts, expected];
    }""")
    assert lefts == pytest.approx(expected) and len(set(lefts)) == 2


def test_blocks_move_apart_and_stay_inside(core):
    """No further than they must: those that do not touch stay where they are."""
    for ats in ([10, 12, 14], [0, 0, 99], [50], [95, 96, 97, 20], [30, 60, 90]):
        blocks = [{"at": at, "height": 20} for at in ats]
        made = [one["at"] for one in core.evaluate("blocks => core.apart(blocks, 0, 100)", blocks)]
        assert min(made) >= 10 and max(made) <= 90
        assert np.diff(sorted(made)).min(initial=20) >= 20 - 1e-9
        assert np.argsort(made, kind="stable").tolist() == np.argsort(ats, kind="stable").tolist()
        if np.diff(sorted([10, *ats, 90])[1:-1]).min(initial=20) >= 20 and min(ats) >= 10 and max(ats) <= 90:
            assert made == ats


@pytest.mark.parametrize(
    ("text", "state", "words", "expected"),
    [
        ("f({a}, {b})", {"a": 0.5, "b": 3}, {}, "f(0.5, 3)"),
        ("{way}", {"way": "zero", "t": 0.1}, {"way": {"zero": "x < {t}"}}, "x < 0.1"),
        ("{other} {a}", {"a": 1}, {}, "{other} 1"),  # a dict in the code stays
        ("{a}", {"a": "b"}, {"a": {"c": "d"}}, "b"),
    ],
)
def test_code_is_filled(core, text, state, words, expected):
    assert core.evaluate("given => core.filled(...given)", [text, state, words]) == expected


SLIDER = 'core.slider("a", { min: -1, max: 2, step: 0.1 })'
OPTIONS = 'core.slider("a", { options: [0.25, "none", 8] })'
NUMBER = 'core.number("a", { min: -1, max: 1, step: 0.1 })'
CLEANED = [
    (SLIDER, ["0.3", 0.3], ["0.34", 0.3], [0.36, 0.4], [2, 2], [-1, -1], [2.1, None], [-1.01, None], [" ", None], ["x", None]),
    (OPTIONS, ["0.25", 0.25], ["none", "none"], [8, 8], ["8.0", None], ["", None]),
    ('core.choice("a", ["x", 2])', ["x", "x"], ["2", 2], ["y", None]),
    (NUMBER, ["0.123", 0.123], [-1, -1], [1, 1], [1.01, None], [-2, None], ["", None]),
    ("core.whole(-1, 9)", ["9", 9], [-1, -1], [10, None], [-2, None], [0.5, None], ["", None], ["x", None]),
]


@pytest.mark.parametrize(("control", *("given",)), [(control, given) for control, *given in CLEANED])
def test_what_makes_sense_to_a_control(core, control, given):
    script = f"values => {{ const one = {control}; return values.map(value => one.clean(value) ?? null); }}"
    assert core.evaluate(script, [value for value, _ in given]) == [expected for _, expected in given]


# A display of two controls: "size" is the main one; and it draws as many marks as are asked for, or fails.
SMALL = """
core.displays.small ??= (data, view) => {
  view.signal.addEventListener("abort", () => { globalThis.aborted = (globalThis.aborted ?? 0) + 1; });
  globalThis.view = view;
  const part = { element: core.element("div", { class: "part" }), resize: width => { globalThis.resized = width; } };
  return {
    controls: {
      size: core.slider("size", {
        min: 1, max: 9, step: 2, format: value => `${value} units`, also: value => ({ kind: value > 5 ? "b" : "a" }),
      }),
      kind: core.choice("kind", ["a", "b", "c"]),
      only: core.choice("only", ["one"]),
      level: core.number("level", { min: 0, max: 1, step: 0.1, digits: 1 }),
    },
    buttons: [core.element("button", { type: "button" }, "go")],
    parts: [part],
    draw: ({ size, kind }) => { if (size === 9) throw new Error("too large"); return `${data.word} ${size} ${kind}`; },
  };
};
"""
STATE = {"size": 3, "kind": "a", "only": "one", "level": 0.5}


def small(**changes):
    return {"kind": "small", "name": "A small one", "main": "size", "state": STATE, "word": "Hello", **changes}


@pytest.fixture(scope="module")
def with_small(core):
    core.evaluate(f"() => {{ {SMALL} }}")
    return core


def test_a_display_begins_moves_and_tells(with_small, show):
    shown = show(small())
    assert shown.at().sentence == "Hello 3 a"
    assert shown.at(size="5", kind="nonsense").sentence == "Hello 5 a", "nonsense is not replaced by what it began with"
    parts = with_small.locator(".ae-parts").evaluate("it => it.clientWidth")
    assert with_small.evaluate("resized") == parts and 540 < parts < 600, "not what two columns leave"
    page = with_small
    assert page.get_by_role("group", name="A small one").locator("fieldset").count() == 1, "a choice of one option is shown"
    page.locator("input[type=range]").evaluate("it => { it.value = 7; it.dispatchEvent(new Event('input')); }")
    assert shown.state == {**STATE, "size": 7, "kind": "b"}, "what a control brings along is missing"
    assert page.evaluate("n => kept(n).told.at(-1)", shown.number) == [shown.state, "size"]
    slider = "it => [it.value, it.getAttribute('aria-valuetext'), it.nextSibling.textContent]"
    assert page.locator("input[type=range]").evaluate(slider) == ["7", "7 units", "7 units"]
    page.get_by_label("c", exact=True).check()
    assert shown.state["kind"] == "c" and page.locator(".ae-sentence").text_content() == "Hello 7 c"
    page.locator("input[type=number]").fill("0.7")
    assert shown.state["level"] == 0.7
    for refused in ("1.7", ""):
        page.locator("input[type=number]").fill(refused)
        assert shown.state["level"] == 0.7
    page.evaluate("view.change({ level: 0 })")
    assert page.locator("input[type=number]").input_value() == "0.0", "an empty field is taken for 0"
    page.evaluate("view.change({ level: 0.25, size: 1 })")
    assert shown.state["level"] == 0.25 and page.locator("input[type=number]").input_value() == "0.3"
    count = page.evaluate("n => kept(n).told.length", shown.number)
    page.evaluate("view.redraw()")
    shown.at(size=5)
    assert page.evaluate("n => kept(n).told.length", shown.number) == count, "a state that came from outside is told back"


def test_what_cannot_be_drawn_is_said(with_small, show):
    shown = show(small())
    with pytest.raises(Exception, match="too large"):
        shown.at(size=9)
    sentence = with_small.locator(".ae-sentence")
    assert sentence.text_content() == "This could not be drawn. Error: too large"
    assert sentence.get_attribute("class") == "ae-sentence ae-failed"
    shown.at(size=1)
    assert sentence.get_attribute("class") == "ae-sentence"


def test_a_display_that_ends_leaves_nothing_behind(with_small, show):
    page, shown = with_small, show(small())
    page.evaluate("n => { globalThis.aborted = 0; end(n); }", shown.number)
    page.wait_for_timeout(100)  # the display of the test before notices that it has left the page
    page.evaluate("n => { globalThis.resized = null; rootOf(n).style.width = '500px'; }", shown.number)
    page.wait_for_timeout(100)
    assert page.evaluate("[resized, aborted]") == [None, 1]
    end = """packed => {
      const root = document.createElement("div"); root.id = "ended"; document.body.replaceChildren(root);
      const { address, unmount } = core.mountOnPage(root, packed);
      const said = () => root.querySelector(".ae-sentence").textContent, turn = size => {
        location.hash = `#ended?size=${size}`; window.dispatchEvent(new Event("hashchange")); return said(); };
      const before = [said(), turn(7), address()];
      unmount();
      const after = turn(5);
      history.replaceState(null, "", location.pathname);
      return [...before, after];
    }"""
    assert page.evaluate(end, small()) == ["Hello 3 a", "Hello 7 a", "#ended?size=7", "Hello 7 a"]
    assert page.evaluate(end, small(saved={"size": 5, "kind": "x"}))[0] == "Hello 5 a"


def test_a_display_in_jupyter_follows_its_widget_and_lets_go_of_it(with_small):
    """The model of anywidget is played by an object: get, set, save_changes, on, off."""
    script = """packed => {
      const traits = { data: packed, state: packed.state, value: 3 }, listeners = new Map(), el = document.createElement("div");
      const model = {
        get: name => traits[name],
        set: (name, value) => { traits[name] = value; listeners.get(`change:${name}`)?.(); },
        save_changes: () => { traits.saved = true; },
        on: (name, act) => listeners.set(name, act),
        off: name => listeners.delete(name),
      };
      document.body.replaceChildren(el);
      const seen = [], end = core.render({ model, el }), note = () => seen.push(el.querySelector(".ae-sentence").textContent);
      note();
      model.set("state", { ...traits.state, kind: "c" }); note();
      model.set("value", 5); note();
      view.change({ size: 7 }); note(); seen.push([traits.state.size, traits.value, traits.saved]);
      model.set("data", { ...packed, word: "Again" }); note(); seen.push(el.querySelectorAll(".ae-display").length);
      end();
      return [...seen, listeners.size];
    }"""
    expected = ["Hello 3 a", "Hello 3 c", "Hello 5 c", "Hello 7 c", [7, 7, True], "Again 7 c", 1, 0]
    assert with_small.evaluate(script, small()) == expected


def test_keys_that_are_meant_for_a_display_stop_there(with_small, show):
    show(small())
    script = """() => {
      const seen = [], note = event => seen.push(event.type + event.key), all = ["keydown", "keyup", "keypress"];
      for (const kind of all) document.addEventListener(kind, note);
      const press = (kind, key, more = {}) => document.querySelector("input[type=range]")
        .dispatchEvent(new KeyboardEvent(kind, { key, bubbles: true, ...more }));
      for (const kind of all) press(kind, "ArrowDown");
      for (const key of ["Tab", "Escape"]) press("keydown", key);
      for (const more of ["ctrlKey", "metaKey", "shiftKey"]) press("keydown", more[0], { [more]: true });
      for (const kind of all) document.removeEventListener(kind, note);
      return seen;
    }"""
    assert with_small.evaluate(script) == ["keydownTab", "keydownEscape", "keydownc", "keydownm", "keydowns"]


def test_numbers_as_they_are_said(core):
    said = core.evaluate("given => given.map(([value, digits]) => core.fixed(value, digits))", [[1.25, 1], [-0.5, 0], [2, 3]])
    assert said == ["1.3", "-1", "2.000"]  # JavaScript rounds a half away from zero
    assert core.evaluate("[NaN, Infinity, -Infinity].map(value => core.fixed(value, 2))") == ["NaN", "Infinity", "-Infinity"]
