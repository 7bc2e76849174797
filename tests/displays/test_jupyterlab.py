"""The displays in JupyterLab, in a real Chromium."""

import json
import shutil
from urllib.parse import urlsplit

import nbformat
import pytest

from tests.browser import THEMES, OpenNotebook, jupyterlab
from tests.displays.opened import CONTRAST, ROOT, SCREENSHOTS, TEXTS, said, seen
from tests.notebooks.test_notebooks import hidden_by

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SENTENCE = "([number, start]) => document.querySelectorAll('.ae-sentence')[number].textContent.startsWith(start)"
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
vote = ae.vote("What comes first?", {"A": "the egg", "B": "the hen"}, id="01-egg")
vote
---
vote.verdict("B", {"A": "because of omelettes", "B": "because somebody lays"})
---
ae.exercise("01-days", "How many days?", 7, hint="weeks", solution="Seven.")
---
play = ae.playground("09")
play
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
    assert [output for outputs in notebook.outputs() for output in outputs if output["output_type"] == "error"] == []
    yield notebook
    notebook.close()


def test_displays_live_in_jupyterlab(notebook):
    def in_python(expression):
        return json.loads(notebook.evaluate_in_kernel(f"import json\nprint(json.dumps({expression}))"))

    def says(number, start):
        notebook.page.wait_for_function(SENTENCE, arg=[number, start])

    displays = notebook.page.locator(".ae-display")
    displays.nth(5).wait_for()
    pad, sizes, plane = map(displays.nth, range(3))
    says(3, "Step 60")
    assert in_python("recorder.steps == [0, *history.steps] == [0, 10, 20, 30, 40, 50, 60]")

    pad.get_by_role("button", name="clear").click()
    assert in_python("[pad.state['strokes'], pad.state['base']]") == [[], -1]
    slider = sizes.locator("input[type=range]")
    slider.press("ArrowLeft")
    assert in_python("[sizes.state['size'], sizes.value, slider.value, seen[-1]['size']]") == [8, 8, 8, 8]
    before = seen(sizes)
    notebook.evaluate_in_kernel("sizes.state = {**sizes.state, 'size': 1}")
    says(1, "A code of 1 number")
    assert seen(sizes) != before and in_python("slider.value") == 1
    notebook.page.locator(".widget-slider [role=slider]").press("ArrowRight")
    says(1, "A code of 2 numbers")
    assert in_python("sizes.state['size']") == 2

    displays.nth(4).get_by_role("radio", name="the egg").check()
    displays.nth(4).get_by_role("button", name="Vote to go on").click()
    says(4, "You chose A. To go on, press the button")
    says(5, "You chose A. The answer is B.")
    assert in_python("vote.value") == "A"
    displays.nth(6).locator("input").fill("7")
    displays.nth(6).locator("input").press("Enter")
    says(6, "Right.")

    selected = "jupyterapp.shell.currentWidget.content.activeCellIndex"
    surface = plane.locator(".ae-plane")
    surface.focus()
    cell, sentence = notebook.page.evaluate(selected), said(plane)
    for key in ("ArrowDown", "ArrowLeft", "ArrowUp", "ArrowUp"):
        surface.press(key)
    assert said(plane) != sentence
    assert notebook.page.evaluate(selected) == cell, "an arrow key that was meant for the display moved to another cell"


def test_what_was_trained_in_jupyterlab_is_a_model_in_python(notebook):
    display = notebook.page.locator(".ae-display").nth(7)
    notebook.page.wait_for_function(SENTENCE, arg=[7, "Nothing has been trained yet."])
    display.get_by_label("learning rate").select_option(label="3")
    display.get_by_role("button", name="play").click()
    steps = "() => Number(document.querySelector('.ae-play-clock strong').textContent) > 300"
    notebook.page.wait_for_function(steps)
    display.get_by_role("button", name="pause").click()
    for _ in range(50):
        said = notebook.evaluate_in_kernel("print(play.trained.get('step', 0), play.state['rate'])").split()
        if said[0] != "0":
            break
        notebook.page.wait_for_timeout(100)
    assert int(said[0]) > 300 and said[1] == "3"
    error = float(notebook.evaluate_in_kernel("print(ae.mse(x, ae.predict(play.model(), x)))"))
    assert error < 0.15, "before the training it is 0.23"


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


SEEN_CELLS = "jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.node.offsetHeight > 0)"


def test_gates_hide_what_the_tests_of_the_notebooks_say(lab, chromium):
    """Also one gate within another, which is still closed when the outer one is opened by its button."""
    path = next(path for path in NOTEBOOKS if path.stem.startswith("04_"))
    cells = nbformat.read(path, as_version=4).cells
    closed = {number for number, cell in enumerate(cells) if cell.metadata.get("jp-MarkdownHeadingCollapsed")}
    opened = OpenNotebook(chromium.new_context(viewport={"width": 1400, "height": 1000}), lab, path.name)

    def is_as_expected():
        hidden = {other for number in closed for other in hidden_by(cells, number)}
        return opened.page.evaluate(SEEN_CELLS) == [number not in hidden for number in range(len(cells))]

    outer, inner = (next(number for number, cell in enumerate(cells) if cell.id == id) for id in ("why", "both-measured"))
    assert inner in hidden_by(cells, outer) and is_as_expected()
    for gate in (outer, inner):
        opened.page.locator(".jp-Notebook .jp-Cell").nth(gate).get_by_role("button", name="cells hidden").click()
        closed.remove(gate)
        assert is_as_expected()
    opened.close()


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
