"""The displays in a real Chromium, each on a page of its own, without a kernel.

What the displays of the notebooks hand to the page is stored in notebooks/displays; nothing is trained here. A picture of each
page, wide and narrow, light and dark, is left in the folder ``screenshots``, or in the one that the environment variable
``SCREENSHOTS`` names.
"""

import json
import re

import aehelpers as ae
import pytest
from aehelpers.displays.page import page as as_page

from tests.displays.opened import CONTRAST, ROOT, SCREENSHOTS, TEXTS, WIDTHS, Page

STORED = sorted((ROOT / "notebooks" / "displays").glob("*.json"))
CONTROLS = "button, select, input, textarea, [tabindex='0']"

ANOTHER_SENTENCE = "before => document.querySelector('.ae-sentence').textContent !== before"


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
VOTES = [path.stem for path in STORED if re.search(r"-(vote|verdict)(_\d+)?$", path.stem)]
# Votes differ in their words only: one vote and one verdict stand for all where the words do not matter.
EACH_KIND = pytest.mark.parametrize("name", [path.stem for path in STORED if path.stem not in VOTES] + VOTES[-1:] + VOTES[:1])


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
