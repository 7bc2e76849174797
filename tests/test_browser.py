"""The displays in a real Chromium: from a file without a kernel, and in JupyterLab.

What the displays of the notebooks hand to the page is stored in notebooks/displays; nothing is trained here. A picture of each
page, wide and narrow, light and dark, is left in the folder ``screenshots``, or in the one that the environment variable
``SCREENSHOTS`` names.
"""

import json
import os
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import aehelpers as ae
import nbformat
import numpy as np
import pytest
from aehelpers.displays import base

from tests.browser import BROWSER_OPTIONS, THEMES, OpenNotebook, jupyterlab
from tools.chromium import find_chromium

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(find_chromium() is None, reason="there is no chromium on this machine")

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STORED = sorted((ROOT / "notebooks" / "displays").glob("*.json"))
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", ROOT / "screenshots"))
CONTROLS = "button, select, input, textarea, [tabindex='0']"
WIDTHS = {"wide": 1000, "phone": 390}

# The pixels of all canvases and the shapes of all drawings: what a reader sees.
SEEN = """display => [
  ...Array.from(display.querySelectorAll("canvas"), canvas => canvas.toDataURL() + canvas.style.visibility),
  ...Array.from(display.querySelectorAll("svg, .ae-lamps, .ae-vote, .ae-verdict"), drawing => drawing.outerHTML),
].join("")"""

# The backgrounds of an element and of all around it, painted over each other, are what its text stands on.
CONTRAST = """element => {
  const ink = new OffscreenCanvas(1, 1).getContext("2d");
  const luminance = colour => {
    ink.fillStyle = colour; ink.fillRect(0, 0, 1, 1);
    const [red, green, blue] = Array.from(ink.getImageData(0, 0, 1, 1).data, level => {
      const share = level / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const around = [];
  for (let one = element; one; one = one.parentElement) around.unshift(one);
  let paper = luminance(matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "white");
  for (const one of around) paper = luminance(getComputedStyle(one).backgroundColor);
  const style = getComputedStyle(element), text = luminance(element instanceof SVGElement ? style.fill : style.color);
  return (Math.max(paper, text) + 0.05) / (Math.min(paper, text) + 0.05);
}"""
TEXTS = (
    ".ae-sentence, .ae-control > span, legend, label span, output, button, input[type=number], .ae-row-title, .ae-chart text, "
    ".ae-legend li, .ae-question, .ae-verdict li > *"
)
ANOTHER_SENTENCE = "before => document.querySelector('.ae-sentence').textContent !== before"
# Waits for the sentence of one of several displays.
SENTENCE = "([number, start]) => document.querySelectorAll('.ae-sentence')[number].textContent.startsWith(start)"


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=BROWSER_OPTIONS)
        yield browser
        browser.close()


class Page:
    """A page of a display, opened from the disk; ``problems`` and ``requests`` as in `OpenNotebook`."""

    def __init__(self, chromium, path, width="wide", scheme="light", link=""):
        self.context = chromium.new_context(viewport={"width": WIDTHS[width], "height": 900}, color_scheme=scheme)
        self.page, self.problems, self.requests = self.context.new_page(), [], []
        self.page.on("console", lambda message: message.type == "error" and self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(error.stack or error.message))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.address = path.as_uri()
        self.page.goto(self.address + link)
        self.display = self.page.locator(".ae-display")
        self.display.wait_for()

    def seen(self):
        return self.display.evaluate(SEEN)

    def said(self):
        return self.display.locator(".ae-sentence").inner_text()

    def is_quiet(self):
        assert self.problems == []
        assert [url for url in self.requests if not url.startswith((self.address, "data:", "blob:"))] == []


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for path in STORED:
        (folder / f"{path.stem}.html").write_text(base.page(path.read_text(encoding="utf-8")), encoding="utf-8")
    return {path.stem: folder / f"{path.stem}.html" for path in STORED}


@pytest.fixture
def open_page(chromium, pages):
    opened = []

    def open_page(name, *arguments):
        opened.append(Page(chromium, pages[name], *arguments))
        return opened[-1]

    yield open_page
    for page in opened:
        page.context.close()


EACH = pytest.mark.parametrize("name", [path.stem for path in STORED])
VOTES = [path.stem for path in STORED if re.search(r"-(vote|verdict)(_\d+)?$", path.stem)]
# Votes differ in their words only: one vote and one verdict stand for all where the words do not matter.
EACH_KIND = pytest.mark.parametrize("name", [path.stem for path in STORED if path.stem not in VOTES] + VOTES[-1:] + VOTES[:1])


def test_there_are_displays():
    kinds = {json.loads(path.read_text(encoding="utf-8"))["kind"] for path in STORED}
    assert kinds == {path.stem for path in (ROOT / "aehelpers" / "displays").glob("*.js")} - {"core"}


@EACH
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_can_be_read_everywhere(open_page, name, width, scheme):
    page = open_page(name, width, scheme)
    SCREENSHOTS.mkdir(exist_ok=True)
    page.page.screenshot(path=SCREENSHOTS / f"{name}_{width}_{scheme}.png", full_page=True)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width], "it is wider than the page"
    for text in page.display.locator(TEXTS).all():
        if text.is_visible() and not text.locator("xpath=ancestor-or-self::*[contains(@class, 'ae-plane')]").count():
            assert text.evaluate(CONTRAST) >= 4.5, text.text_content()
    for control in page.display.locator("button, label:has(input)").all():
        assert control.bounding_box()["height"] >= 24, "too small for a finger"
    page.is_quiet()


@EACH_KIND
def test_every_control_answers(open_page, name):
    page = open_page(name)
    page.display.evaluate("box => { box.tabIndex = -1; box.focus(); }")
    for _ in range(60):
        page.page.keyboard.press("Tab")
        page.page.evaluate("document.activeElement.dataset.reached = true")
    for control in page.display.locator(CONTROLS).all():
        if control.get_attribute("type") == "radio":  # Tab comes by the chosen one of a row, the arrows by the others
            control = control.locator("xpath=ancestor::fieldset").locator("[data-reached]").first
        assert control.get_attribute("data-reached"), f"Tab does not reach {control.evaluate('it => it.outerHTML')}"
    for control in page.display.locator("input[type=range]").all():
        by_slider(page, control)
    for row in page.display.locator("fieldset").all():
        by_choice(page, row)
    for field in page.display.locator("input[type=number]").all():
        answers(page, lambda field=field: field.press("ArrowUp"), "a number")
    for option in page.display.locator(".ae-option").all():
        answers(page, lambda option=option: option.press("Enter"), "a vote")
    if page.display.locator(".ae-plane").count():
        use_plane(page)
    if page.display.locator(".ae-pad").count():
        use_pad(page)
    page.is_quiet()


def answers(page, act, what):
    """Do something, and expect another picture and another sentence."""
    seen, said = page.seen(), page.said()
    act()
    page.page.wait_for_function(ANOTHER_SENTENCE, arg=said, timeout=5_000)
    assert page.seen() != seen, f"the picture stays the same after {what}"
    assert "could not be drawn" not in page.said()


def by_slider(page, slider):
    if slider.evaluate("it => it.closest('.ae-control').textContent.includes('by hand')"):
        page.display.get_by_label("by hand", exact=True).check()
    seen = page.seen()
    at_end = slider.evaluate("it => it.valueAsNumber >= Number(it.max)")
    forth, back = ("ArrowLeft", "ArrowRight") if at_end else ("ArrowRight", "ArrowLeft")
    answers(page, lambda: slider.press(forth), forth)
    slider.press(back)
    assert page.seen() == seen, "a step forth and a step back do not lead to where they began"
    area = slider.bounding_box()
    middle = slider.evaluate("it => (it.valueAsNumber - it.min) / (it.max - it.min)")
    target = 0.15 if middle > 0.5 else 0.85
    answers(page, lambda: slider.click(position={"x": target * area["width"], "y": area["height"] / 2}), "a click")


def by_choice(page, row):
    buttons = row.locator("input").all()
    assert len(buttons) > 1
    for button in [*buttons[1:], buttons[0]]:
        if not button.is_checked():
            seen = page.seen()
            button.locator("xpath=..").click()
            assert page.seen() != seen and button.is_checked()
    buttons[0].focus()
    seen = page.seen()
    page.page.keyboard.press("ArrowRight")
    assert page.seen() != seen and buttons[1].is_checked()


def use_plane(page):
    plane = page.display.locator(".ae-plane")
    plane.scroll_into_view_if_needed()
    area = plane.bounding_box()

    def drag():
        page.page.mouse.move(area["x"] + 0.3 * area["width"], area["y"] + 0.4 * area["height"])
        page.page.mouse.down()
        page.page.mouse.move(area["x"] + 0.6 * area["width"], area["y"] + 0.5 * area["height"], steps=4)
        page.page.mouse.up()

    answers(page, drag, "a drag")
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"):
        answers(page, lambda key=key: plane.press(key), key)


def use_pad(page):
    pad, mouse = page.display.locator(".ae-pad"), page.page.mouse
    undo, clear, load = (page.display.get_by_role("button", name=name) for name in ("undo", "clear", "another test image"))

    def stroke(*points):
        pad.scroll_into_view_if_needed()
        area = pad.bounding_box()
        points = [(area["x"] + across * area["width"], area["y"] + down * area["height"]) for across, down in points]
        mouse.move(*points[0])
        mouse.down()
        for point in points[1:]:
            mouse.move(*point, steps=5)
        mouse.up()
        pad.evaluate("it => it.blur()")  # the ring around the pen is gone

    answers(page, lambda: clear.press("Enter"), "clear")
    empty = page.seen()
    answers(page, lambda: stroke((0.3, 0.2), (0.7, 0.2), (0.4, 0.8)), "a stroke")
    one = page.seen()
    answers(page, lambda: stroke((0.3, 0.5), (0.7, 0.5)), "a second stroke")
    undo.press("Enter")
    assert page.seen() == one
    clear.press("Enter")
    assert page.seen() == empty
    pad.focus()
    answers(
        page, lambda: [page.page.keyboard.press(key) for key in (" ", *["ArrowDown"] * 6, *["ArrowRight"] * 4, " ")], "the pen"
    )
    answers(page, lambda: load.press("Enter"), "a test image")
    answers(page, lambda: stroke((0.5, 0.05), (0.5, 0.95)), "a stroke on a test image")


@EACH_KIND
def test_a_link_shows_what_its_sender_saw(open_page, name):
    page = open_page(name)
    first, before = page.seen(), page.page.url
    control = page.display.locator("input[type=range], input[type=number], .ae-pad, .ae-option").first
    if not control.count():
        pytest.skip("nothing can be moved")
    if control.get_attribute("class") == "ae-option":
        control.press("Enter")
        control.evaluate("it => it.blur()")
    elif control.get_attribute("class") == "ae-pad":
        control.focus()
        for key in (" ", "ArrowDown", "ArrowDown", " "):
            page.page.keyboard.press(key)
        control.evaluate("it => it.blur()")
    else:
        for key in ("ArrowDown", "ArrowUp", "ArrowUp"):  # also at an end of its range it has then moved
            control.press(key)
    assert "#" in page.page.url and page.page.url != before
    other = open_page(name, "wide", "light", "#" + page.page.url.split("#")[1])
    assert other.seen() == page.seen() and other.said() == page.said()
    values = "level=1e9&size=none&model=%00&x=&strokes=[[1]]&record=-3&threshold=NaN"
    for nonsense in (
        "#display?",
        f"#display?{values}",
        "#elsewhere?level=0.9",
    ):
        spoilt = open_page(name, "wide", "light", nonsense)
        assert spoilt.seen() == first
        spoilt.is_quiet()


@EACH_KIND
def test_accessibility(open_page, name):
    from axe_playwright_python.sync_playwright import Axe

    for scheme in ("light", "dark"):
        found = Axe().run(open_page(name, "phone", scheme).page).response["violations"]
        serious = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")]
        assert serious == []


def test_a_vote_is_kept_until_its_verdict(chromium, tmp_path):
    asked = ae.vote("What comes <first>?", {"A": "the egg", "B": "the hen"})
    asked.save_html(tmp_path / "vote.html")
    asked.verdict("B", {"A": "because of omelettes"}).save_html(tmp_path / "verdict.html")
    page = Page(chromium, tmp_path / "verdict.html")
    assert page.said() == "You have not voted. The answer is B." and not page.display.locator(".ae-yours").first.is_visible()
    page.page.goto((tmp_path / "vote.html").as_uri())
    page.display.get_by_role("button", name="the egg").click()
    assert page.said().startswith("You chose A") and page.page.url.endswith("#display?choice=A")
    for _ in range(2):
        page.page.goto((tmp_path / "verdict.html").as_uri())
        assert page.said() == "You chose A; the answer is B."
        assert [one.is_visible() for one in page.display.locator(".ae-yours").all()] == [True, False]
        assert page.display.locator("li").first.inner_text().split()[1:5] == ["the", "egg", "your", "choice"]
    page.page.goto((tmp_path / "vote.html").as_uri())
    assert page.said().startswith("You chose A"), "it is forgotten"
    page.display.get_by_role("button", name="the hen").press("Enter")
    page.page.goto((tmp_path / "verdict.html").as_uri())
    assert page.said() == "You chose B, and so it is."
    page.page.goto((tmp_path / "vote.html").as_uri())
    page.display.get_by_role("button", name="the hen").press("Enter")
    assert page.said() == "Choose before you read on.", "a second click does not take it back"
    page.page.goto((tmp_path / "verdict.html").as_uri())
    assert page.said().startswith("You have not voted")
    assert page.problems == []
    page.context.close()


def test_handles_choose_black_and_white(open_page):
    """The marks of the histogram are dragged; the nearer one follows the pointer."""
    page = open_page("04-grey_range")
    data = json.loads(next(path for path in STORED if path.stem == "04-grey_range").read_text(encoding="utf-8"))
    box = page.display.locator("svg.ae-handles").bounding_box()
    from_edge = 62, 12  # as LEFT and RIGHT in core.js

    def place(value):
        width = box["width"] - sum(from_edge)
        return box["x"] + from_edge[0] + width * (value - data["low"] + 0.5) / (data["high"] - data["low"] + 1)

    for start, end in ((data["low"], 0), (data["high"], 1)):
        page.page.mouse.move(place(start), box["y"] + 40)
        page.page.mouse.down()
        page.page.mouse.move(place(end), box["y"] + 40, steps=5)
        page.page.mouse.up()
    black, white = map(float, re.search(r"([-\d.]+) is drawn black and ([-\d.]+) white", page.said()).groups())
    assert abs(black) <= 0.15 and abs(white - 1) <= 0.15
    assert page.page.evaluate("getSelection().toString()") == "", "a drag selects the labels of the axes"
    assert "In the row below" not in page.said()
    page.display.get_by_label("each row its own").check()
    below = re.search(r"In the row below, ([-\d.]+) is drawn black and ([-\d.]+) white", page.said()).groups()
    assert float(below[0]) < -1 and float(below[1]) > 1
    page.is_quiet()


def test_where_a_loss_is_no_number(open_page):
    """The charts say what the first form gives from 24 ln 2 on: infinity for a black pixel, NaN for a white one."""
    page = open_page("04-logit")
    signs = page.display.locator("text.ae-sign")
    assert signs.all_text_contents() == ["\N{INFINITY}", "NaN"]
    page.display.get_by_label("white (x = 1)").check()
    assert signs.all_text_contents() == ["NaN", "NaN"]
    page.is_quiet()


def test_a_training_plays(open_page):
    name = next(path.stem for path in STORED if path.stem.endswith("-training"))
    page = open_page(name)
    page.display.locator("input[type=range]").press("Home")
    seen = page.said()
    play = page.display.get_by_role("button", name="play")
    play.click()
    page.page.wait_for_function(ANOTHER_SENTENCE, arg=seen)
    page.display.get_by_role("button", name="stop").click()
    said = page.said()
    page.page.wait_for_timeout(400)
    assert page.said() == said


@pytest.fixture(scope="module")
def core(chromium):
    """A page with all the JavaScript of the displays, whose names are at hand."""
    page = chromium.new_page()
    names = "globalThis.core = { network, unpack, drawImage };"
    page.set_content(f'<script type="module">{base.source()}\n{names}</script>')
    page.wait_for_function("globalThis.core")
    yield page
    page.close()


def as_page_value(packed):
    return json.loads(base.as_json(packed))


def compute(core, model, x, dtype):
    """Return what the page makes of images, by the layers of a model."""
    layers, images = as_page_value(base.packed_network(model, "model", dtype=dtype)), as_page_value(base.packed(x, "float32"))
    script = "([layers, images]) => Array.from(core.network(core.unpack(layers))(core.unpack(images).values))"
    return np.reshape(core.evaluate(script, [layers, images]), (len(x), -1))


@pytest.mark.parametrize(("dtype", "within"), [("float16", 0.002), ("float32", 1e-5)])
def test_networks_compute_what_keras_does(core, dtype, within, mnist):
    x = mnist.x_test[:100]
    for value, model in ae.stored_models("code_sizes").items():
        expected = ae.predict(model, x)
        assert expected.max() > 0.5
        assert np.abs(compute(core, model, x, dtype) - expected).max() <= within, f"model {value}"


@pytest.mark.parametrize("activation", base._ACTIVATIONS)
def test_activations_are_those_of_keras(core, activation):
    model = ae.autoencoder(hidden=(7,), code_size=5, input_size=16, code_activation=activation, output_activation=None)
    x = np.random.default_rng(0).normal(size=(40, 16)).astype(np.float32)
    assert compute(core, model, x, "float32") == pytest.approx(ae.predict(model, x), abs=1e-5)


def test_numbers_arrive_as_they_were(core):
    script = "packed => Array.from(core.unpack(packed).values, value => String(value).replace('Infinity', 'inf'))"
    special = np.array([0, -0.0, 1, -1, 0.5, 1 / 3, 65504, -65504, 6e-8, 6.1e-5, np.inf, -np.inf, np.nan], np.float32)
    for dtype in ("float16", "float32"):
        made = np.array(core.evaluate(script, as_page_value(base.packed(special, dtype)))).astype(np.float32)
        assert np.array_equal(made, special.astype(dtype).astype(np.float32), equal_nan=True)
    grey = np.arange(256, dtype=np.float32) / 255
    made = core.evaluate(script, as_page_value(base.packed(grey, "uint8")))
    assert np.array_equal(np.array(made).astype(np.float32), grey)


def test_pictures_are_grey_cut_off_and_marked(core):
    pixels = core.evaluate("""() => {
      const canvas = document.createElement("canvas");
      core.drawImage(canvas, [0, 0.5, 1, -3, 7, NaN], { height: 2, width: 3 });
      return Array.from(canvas.getContext("2d").getImageData(0, 0, 3, 2).data);
    }""")
    rows = np.reshape(pixels, (6, 4))
    assert rows[:5, 0].tolist() == [0, 128, 255, 0, 255] and (rows[:5, 0] == rows[:5, 1]).all() and (rows[:, 3] == 255).all()
    assert rows[5].tolist() == [255, 0, 200, 255]


# ------------------------------------------------------------------------------------------------------------ JupyterLab

CELLS = """
import aehelpers as ae
import ipywidgets
models, data = ae.stored_models("code_sizes"), ae.load("mnist")
x = data.x_test[:600]
---
pad = ae.drawing_pad({"two": models[2], "eight": models[8]}, x)
pad
---
sizes = ae.code_size_display(models, data.x_train[:2000], x)
slider = ipywidgets.IntSlider(16, 1, 128)
link = ipywidgets.jslink((slider, "value"), (sizes, "value"))
seen = []
sizes.observe(lambda change: seen.append(change.new), "state")
ipywidgets.VBox([slider, sizes])
---
ae.latent_plane(models[2].decoder, ae.predict(models[2].encoder, x), x, data.y_test[:600])
---
small = ae.autoencoder(hidden=(20,), code_size=3)
recorder = ae.TrainingRecorder(small, x)
watching = ae.training_display(recorder, x, steps=60, level=0.07, highest_loss=0.3)
watching
---
history = ae.fit(small, x, steps=60, record_every=10, batch_size=50, loss="mse", on_record=watching, progress=False)
---
vote = ae.vote("What comes first?", {"A": "the egg", "B": "the hen"})
vote
---
vote.verdict("B", {"A": "because of omelettes"})
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copytree(ROOT / "notebooks", folder, dirs_exist_ok=True)
    kernel = {"name": "python3", "display_name": "Python 3"}  # without one, JupyterLab asks which it should be
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.strip().split("\n---\n")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "displays.ipynb")
    with jupyterlab(folder, tmp_path_factory.mktemp("home")) as lab:
        yield lab


@pytest.fixture(scope="module")
def notebook(lab, chromium):
    notebook = OpenNotebook(chromium.new_context(viewport={"width": 1400, "height": 1000}), lab, "displays.ipynb")
    notebook.run_all(300)
    errors = [output["traceback"] for outputs in notebook.outputs() for output in outputs if output["output_type"] == "error"]
    assert not errors, errors
    yield notebook
    notebook.close()


@pytest.fixture
def in_python(notebook):
    """Evaluate an expression in the notebook's kernel."""

    def evaluate(expression):
        return json.loads(notebook.evaluate_in_kernel(f"import json\nprint(json.dumps({expression}))"))

    return evaluate


def test_displays_live_in_jupyterlab(notebook, in_python):
    displays = notebook.page.locator(".ae-display")
    displays.nth(5).wait_for()
    assert displays.count() == 6
    pad, sizes, plane, training = (Page.__new__(Page) for _ in range(4))
    for number, page in enumerate((pad, sizes, plane, training)):
        page.page, page.display = notebook.page, displays.nth(number)
    notebook.page.wait_for_function(SENTENCE, arg=[3, "Step 60"])
    assert in_python("recorder.steps == history.steps == [10, 20, 30, 40, 50, 60]")

    pad.display.get_by_role("button", name="clear").click()
    assert in_python("pad.state") == {"strokes": [], "base": -1}
    slider = sizes.display.locator("input[type=range]")
    slider.press("ArrowLeft")
    assert in_python("[sizes.state['size'], sizes.value, slider.value, seen[-1]['size']]") == [8, 8, 8, 8]
    seen = sizes.seen()
    notebook.evaluate_in_kernel("sizes.state = {**sizes.state, 'size': 1}")
    notebook.page.wait_for_function(SENTENCE, arg=[1, "A code of 1 number"])
    assert sizes.seen() != seen and in_python("slider.value") == 1
    notebook.page.locator(".widget-slider [role=slider]").press("ArrowRight")
    notebook.page.wait_for_function(SENTENCE, arg=[1, "A code of 2 numbers"])
    assert in_python("sizes.state['size']") == 2

    displays.nth(4).get_by_role("button", name="the egg").click()
    notebook.page.wait_for_function(SENTENCE, arg=[5, "You chose A; the answer is B."])
    assert in_python("vote.value") == "A"

    selected = "jupyterapp.shell.currentWidget.content.activeCellIndex"
    surface = plane.display.locator(".ae-plane")
    surface.focus()
    cell, said = notebook.page.evaluate(selected), plane.said()
    for key in ("ArrowDown", "ArrowLeft", "ArrowUp", "ArrowUp"):
        surface.press(key)
    assert plane.said() != said
    assert notebook.page.evaluate(selected) == cell, "an arrow key that was meant for the display moved to another cell"


@pytest.mark.parametrize("theme", THEMES)
def test_both_themes_of_jupyterlab(notebook, theme):
    notebook.set_theme(theme)
    SCREENSHOTS.mkdir(exist_ok=True)
    for number, display in enumerate(notebook.page.locator(".ae-display").all()):
        display.screenshot(path=SCREENSHOTS / f"lab_{number}_{theme}.png")
        for text in display.locator(TEXTS).all():
            if text.is_visible() and not text.locator("xpath=ancestor-or-self::*[contains(@class, 'ae-plane')]").count():
                assert text.evaluate(CONTRAST) >= 4.5, text.text_content()


def test_jupyterlab_and_its_network_are_quiet(notebook):
    assert notebook.problems == []
    elsewhere = [url for url in notebook.requests if urlsplit(url).hostname not in ("127.0.0.1", "localhost")]
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_that_is_only_opened(lab, chromium, path):
    """It shows the stored pictures of its displays, and does not count as modified."""
    opened = OpenNotebook(chromium.new_context(viewport={"width": 1400, "height": 1000}), lab, path.name)
    cells = nbformat.read(path, as_version=4).cells
    pictures = sum("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))
    opened.page.wait_for_timeout(1000)
    assert not opened.page.evaluate("jupyterapp.shell.currentWidget.context.model.dirty")
    assert opened.page.locator(".jp-OutputArea img").count() == pictures
    assert "rror displaying" not in "".join(opened.page.locator(".jp-OutputArea").all_inner_texts())
    assert opened.problems == []
    opened.close()
