"""The notebooks in a real JupyterLab: they run, and every display answers to whoever uses it.

A screenshot of each display in JupyterLab's light and dark theme is left in the folder ``screenshots``, or in the folder that
the environment variable ``SCREENSHOTS`` names.
"""

import os
import re
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from browser import BROWSER_OPTIONS, THEMES, OpenNotebook, find_chromium, fingerprint, jupyterlab

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(find_chromium() is None, reason="there is no chromium on this machine")

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", ROOT / "screenshots"))
MAKES_DISPLAY = re.compile(r"\bae\.(?:\w+_display|latent_plane|drawing_pad)\(")
CONTROLS = "[role=slider], button, select, input, textarea, canvas"
RUN_SECONDS = 300
ANSWER_SECONDS = 60  # a machine that is busy with other things answers late

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
  let paper = luminance("white");
  for (const one of around) paper = luminance(getComputedStyle(one).backgroundColor);
  const text = luminance(getComputedStyle(element).color);
  return (Math.max(paper, text) + 0.05) / (Math.min(paper, text) + 0.05);
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    shutil.copytree(ROOT / "notebooks", folder, dirs_exist_ok=True)
    with jupyterlab(folder, tmp_path_factory.mktemp("home")) as lab:
        yield lab


@pytest.fixture(scope="module")
def context():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=BROWSER_OPTIONS)
        yield browser.new_context(viewport={"width": 1400, "height": 1000})
        browser.close()


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def opened(request, lab, context):
    notebook = OpenNotebook(context, lab, request.param.name)
    notebook.stem = request.param.stem
    notebook.stored = [cell for cell in nbformat.read(request.param, as_version=4).cells if cell.cell_type == "code"]
    yield notebook
    notebook.close()


@pytest.fixture(scope="module")
def ran(opened):
    opened.run_all(RUN_SECONDS)
    return opened


@pytest.fixture(scope="module")
def displays(ran):
    made = sum(len(MAKES_DISPLAY.findall(cell.source)) for cell in ran.stored)
    shown = ran.page.locator(".ae-display")
    if made:
        shown.nth(made - 1).locator("img.ae-picture").wait_for(timeout=1000 * ANSWER_SECONDS)
    assert shown.count() == made
    return shown.all()


def stored_pictures(notebook):
    """Return the fingerprints of the pictures that are stored with the displays, by the numbers of their code cells."""
    pictures = {}
    for number, cell in enumerate(notebook.stored):
        if MAKES_DISPLAY.search(cell.source):
            data = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
            pictures[number] = [notebook.fingerprint_of_png(png) for png in data]
    return pictures


# Stands first, since the other tests run the notebook.
def test_a_display_is_a_picture_before_it_is_run(opened):
    for number, stored in stored_pictures(opened).items():
        assert stored, f"code cell {number} has no picture stored with its display"
        output = opened.page.locator(".jp-CodeCell").nth(number).locator(".jp-OutputArea")
        output.locator("img").nth(len(stored) - 1).wait_for(timeout=1000 * ANSWER_SECONDS)
        assert [fingerprint(image) for image in output.locator("img").all()] == stored
        assert "rror" not in output.inner_text()


def test_runs_without_an_error(ran):
    for number, outputs in enumerate(ran.outputs()):
        errors = [output["traceback"] for output in outputs if output["output_type"] == "error"]
        assert not errors, "\n".join([f"code cell {number}:", *errors[0]])


def test_every_display_shows_a_picture_and_a_sentence(displays):
    for display in displays:
        settled(display, "a picture and a sentence", all)


def test_every_display_answers(ran, displays):
    never_answered = {picture for stored in stored_pictures(ran).values() for picture in stored}
    selected = "jupyterapp.shell.currentWidget.content.activeCellIndex"
    for display in displays:
        reach_by_tab(display)
        cell = ran.page.evaluate(selected)
        use_choices(display)
        if display.locator("canvas.ae-plane").count():
            use_plane(display)
        if display.locator("canvas.ae-pad").count():
            use_pad(display)
        if not display.locator(CONTROLS).count():  # it shows a training, which is over by now
            picture, sentence = state(display)
            assert picture not in never_answered
            assert not sentence.startswith("Step 0:")
        assert ran.page.evaluate(selected) == cell, "an arrow key that was meant for the display moved to another cell"


@pytest.mark.parametrize("theme", THEMES)
def test_can_be_read_in_both_themes(ran, displays, theme):
    ran.set_theme(theme)
    ran.page.mouse.move(0, 0)  # a plane would take it for a move, and a button would light up
    SCREENSHOTS.mkdir(exist_ok=True)
    for number, display in enumerate(displays, 1):
        display.screenshot(path=SCREENSHOTS / f"{ran.stem}_{number}_{theme}.png")
        for text in display.locator(".ae-sentence, .widget-label, .widget-readout, button, select, input").all():
            contrast = text.evaluate(CONTRAST)
            assert contrast >= 4.5, f"{text.inner_text()!r} has a contrast of {contrast:.1f}"


# Stands last, so that it covers all that was done above.
def test_console_and_network_are_quiet(ran):
    assert ran.problems == []
    elsewhere = [url for url in ran.requests if urlsplit(url).hostname not in ("127.0.0.1", "localhost")]
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []


def state(display):
    """Return the picture's fingerprint and the sentence."""
    return fingerprint(display.locator("img.ae-picture")), display.locator(".ae-sentence").inner_text()


def settled(display, expected, wanted):
    """Return the state once it is as expected and stays so for a moment; fail if it does not get there."""
    before, now, end = None, state(display), time.monotonic() + ANSWER_SECONDS
    while not (now == before and None not in now and wanted(now)):
        if time.monotonic() > end:
            pytest.fail(f"{expected} was expected, but the display says: {now[1]}")
        display.page.wait_for_timeout(150)
        before, now = now, state(display)
    assert display.locator(".ae-failed").count() == 0, now[1]
    return now


def changed(display, former, what):
    """Wait until the picture and the sentence are both others than they were."""
    return settled(display, f"another picture and sentence by {what}", lambda now: now[0] != former[0] and now[1] != former[1])


def restored(display, former, what):
    """Wait until the picture and the sentence are again what they were."""
    return settled(display, f"the former picture and sentence by {what}", lambda now: now == former)


def reach_by_tab(display):
    """Walk through the display with the Tab key, and expect to come by every control."""
    display.evaluate("box => { box.tabIndex = -1; box.focus(); }")
    inside = "box => box.contains(document.activeElement) && (document.activeElement.dataset.reached = true)"
    for _ in range(200):
        display.page.keyboard.press("Tab")
        if not display.evaluate(inside):
            break
    display.evaluate("box => box.removeAttribute('tabindex')")
    for control in display.locator(CONTROLS).all():
        assert control.get_attribute("data-reached"), f"Tab does not reach {control.evaluate('it => it.outerHTML')}"
    if display.locator(CONTROLS).count():
        display.locator(CONTROLS).first.focus()


def use_choices(display):
    """Change each slider, dropdown and row of buttons by the keyboard, and change it back."""
    first, keyboard = state(display), display.page.keyboard
    for slider in display.get_by_role("slider").all():
        forth, back = "ArrowRight", "ArrowLeft"
        if float(slider.get_attribute("aria-valuenow")) >= float(slider.get_attribute("aria-valuemax")):
            forth, back = back, forth
        slider.press(forth)
        changed(display, first, forth)
        slider.press(back)
        restored(display, first, back)
    for dropdown in display.locator("select").all():
        forth, back = "ArrowDown", "ArrowUp"
        if dropdown.evaluate("it => it.selectedIndex === it.length - 1"):
            forth, back = back, forth
        for key, wait in ((forth, changed), (back, restored)):
            dropdown.press("Space")  # JupyterLab takes the arrow keys while the list is closed
            display.page.wait_for_function("it => it.matches(':open')", arg=dropdown.element_handle())
            keyboard.press(key)
            keyboard.press("Enter")
            wait(display, first, key)
    for row in display.locator(".widget-toggle-buttons").all():
        buttons = row.locator("button").all()
        (chosen,) = (button for button in buttons if "mod-active" in button.get_attribute("class"))
        for button in buttons:
            if button is not chosen:
                button.press("Enter")
                changed(display, first, button.inner_text())
                chosen.press("Enter")
                restored(display, first, chosen.inner_text())


def use_plane(display):
    """Move the point by the pointer, by each arrow key, and by the number fields."""
    plane, page = display.locator("canvas.ae-plane"), display.page
    plane.scroll_into_view_if_needed()
    now = state(display)
    for across, down in ((0.3, 0.4), (0.6, 0.5)):
        area = plane.bounding_box()
        page.mouse.move(area["x"] + across * area["width"], area["y"] + down * area["height"])
        now = changed(display, now, "a move of the pointer")
    page.mouse.move(0, 0)
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"):
        plane.press(key)
        now = changed(display, now, key)
    for field in display.locator("input[type=number]").all():
        field.press("ArrowUp")
        field.press("Enter")
        now = changed(display, now, "a number")


def use_pad(display):
    """Draw by the pointer and by the keyboard, take strokes back, and draw on a test image."""
    pad, page = display.locator("canvas.ae-pad"), display.page
    undo, clear, load = (display.get_by_role("button", name=name) for name in ("undo", "clear", "load a test image"))

    def stroke(*points):
        pad.scroll_into_view_if_needed()
        area = pad.bounding_box()
        points = [(area["x"] + across * area["width"], area["y"] + down * area["height"]) for across, down in points]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=5)
        page.mouse.up()

    loaded = state(display)
    clear.press("Enter")
    empty = changed(display, loaded, "clear")
    stroke((0.3, 0.2), (0.7, 0.2), (0.4, 0.8))
    one = changed(display, empty, "a stroke")
    stroke((0.3, 0.5), (0.7, 0.5))
    changed(display, one, "a second stroke")
    undo.press("Enter")
    restored(display, one, "undo")
    clear.press("Enter")
    restored(display, empty, "clear")

    pad.focus()
    for key in (" ", *["ArrowDown"] * 6, *["ArrowRight"] * 4, " "):
        page.keyboard.press(key)
    drawn = changed(display, empty, "the space bar and arrow keys")
    page.keyboard.press("ArrowUp")  # the pen is up again
    restored(display, drawn, "nothing")
    clear.press("Enter")
    restored(display, empty, "clear")

    load.press("Enter")
    another = changed(display, empty, "a test image")
    assert another != loaded
    stroke((0.5, 0.05), (0.5, 0.95))
    changed(display, another, "a stroke on a test image")  # left there for the screenshots
