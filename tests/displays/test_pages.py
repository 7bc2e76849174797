"""The displays in a real Chromium, each on a page of its own, without a kernel.

What the displays of the notebooks hand to the page is stored in notebooks/displays; nothing is trained here. A picture of each
page, wide and narrow, light and dark, is left in the folder ``screenshots``, or in the one that the environment variable
``SCREENSHOTS`` names.
"""

import re

import pytest
from aehelpers.displays.page import page as as_page

from tests.displays.opened import CONTRAST, ROOT, SCREENSHOTS, SEEN, TEXTS, WIDTHS, Page, said, seen

STORED = sorted((ROOT / "notebooks" / "displays").glob("*.json"))
CONTROLS = "button, select, input, textarea, [tabindex='0']"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for path in STORED:
        (folder / f"{path.stem}.html").write_text(as_page(path.read_text(encoding="utf-8")), encoding="utf-8")
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
VOTES = [path.stem for path in STORED if re.search(r"-(vote|verdict|exercise|self_test)(_\d+)?$", path.stem)]
# Votes differ in their words only: one of each kind stands for all where the words do not matter. Exercises have two kinds.
ONE_OF_EACH = ["01-vote", "01-verdict", "01-exercise", "05-exercise", "01-self_test"]
EACH_KIND = pytest.mark.parametrize("name", [path.stem for path in STORED if path.stem not in VOTES] + ONE_OF_EACH)


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


def test_the_patients_buttons_stay_where_they_are(open_page):
    """The sentence has two lines or four: it stands below them."""
    page, places = open_page("09-examination"), set()
    for label in page.display.locator("label:has(input)").all():
        label.click()
        places.add((round(page.display.locator(".ae-others").bounding_box()["y"]), len(said(page.display)) > 120))
    assert len({y for y, _ in places}) == 1 and {long for _, long in places} == {True, False}


@EACH_KIND
def test_every_control_is_reached_by_keyboard_and_answers(open_page, name):
    """That what comes is right is tested in the display's own file; here a reader's keys and pointer move a control at all."""
    page = open_page(name)
    page.display.evaluate("box => { box.tabIndex = -1; box.focus(); }")
    for _ in range(60):
        page.page.keyboard.press("Tab")
        page.page.evaluate("document.activeElement.dataset.reached = true")
    for control in page.display.locator(CONTROLS).all():
        if control.get_attribute("type") == "radio":  # Tab comes by the chosen one of a row, the arrows by the others
            control = control.locator("xpath=ancestor::fieldset").locator("[data-reached]").first
        assert control.get_attribute("data-reached"), f"Tab does not reach {control.evaluate('it => it.outerHTML')}"
    for pad in page.display.locator(".ae-pad").all():  # what is drawn in a corner differs from what is centred
        page.display.get_by_role("button", name="clear").click()
        answers(page, lambda pad=pad: pad.click(position={"x": 30, "y": 30}))
    for slider in page.display.locator("input[type=range]").all():
        at_end = slider.evaluate("it => it.valueAsNumber >= Number(it.max)")
        place = 0.15 if slider.evaluate("it => (it.valueAsNumber - it.min) / (it.max - it.min) > 0.5") else 0.85
        box = slider.bounding_box()
        middle = {"x": place * box["width"], "y": box["height"] / 2}
        answers(page, lambda slider=slider, at_end=at_end: slider.press("ArrowLeft" if at_end else "ArrowRight"))
        answers(page, lambda slider=slider, middle=middle: slider.click(position=middle))
    for row in page.display.locator("fieldset:has([type=radio]:enabled)").all():
        answers(page, lambda row=row: row.locator("label:has(input:not(:checked))").last.click())
        answers(page, lambda: page.page.keyboard.press("ArrowLeft"))
    for field in page.display.locator("input[type=number]").all():
        answers(page, lambda field=field: field.press("ArrowUp"))
    page.is_quiet()


def answers(page, act):
    before = seen(page.display)
    act()
    page.page.wait_for_function(f"before => ({SEEN})(document.querySelector('.ae-display')) !== before", arg=before)
