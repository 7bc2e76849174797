"""Every display of the website fits its screen, in each of its states: a projector's, that of a lesson, and a phone's.

On a projector (1366 x 768 or 1280 x 720) the page of the display shows all of it without scrolling; in a lesson (1000 x 700)
the display is no higher than the window; on a phone (390 x 844) the sliders and the sentence stay in sight while the results
are looked at. Nowhere do texts lie on one another, is one cut off, or does the page scroll sideways; on the phone no letters
are smaller than 12 pixels.
"""

import json
from pathlib import Path

import pytest

from tools import build as builder

ROOT = Path(__file__).resolve().parents[2]
STORED = sorted(path.stem for path in (ROOT / "notebooks" / "displays").glob("*.json"))
NAMES = [name for name in STORED if not builder.is_question(name)]
LESSONS = {path.stem[:2]: f"{path.stem}.html" for path in (ROOT / "notebooks").glob("*.ipynb")}
SCRIPT = Path(__file__).with_name("screens.js")
UNFOLD = """for (const one of document.querySelectorAll('details')) one.open = true;
for (const one of document.querySelectorAll('.gate')) one.classList.add('open')"""
SCHEMES = ("light", "dark")
PROJECTORS = [(1366, 768), (1280, 720)]
NUMBERS = sorted({name[:2] for name in NAMES})


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return builder.build(tmp_path_factory.mktemp("website") / "site")


@pytest.fixture
def opened(chromium, site):
    """Open a page of the website: ``opened("index.html", 390, 844)``."""
    contexts = []

    def open_page(name, width, height):
        contexts.append(chromium.new_context(viewport={"width": width, "height": height}))
        page = contexts[-1].new_page()
        page.goto((site / name).as_uri())
        page.evaluate(UNFOLD)
        page.add_script_tag(path=SCRIPT)
        return page

    yield open_page
    for context in contexts:
        context.close()


def misfits(page, displays, **limits):
    """Return what does not fit, of displays by their ids, in both colour schemes."""
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for display in displays:
            moved = page.locator(f"#{display}").evaluate("(root, limits) => misfits(root, limits)", limits)
            found += [f"{display}, {scheme}, {one}" for one in moved]
    return found


def of_lesson(number):
    return [f"display-{name[3:]}" for name in NAMES if name[:2] == number]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("width", "height"), PROJECTORS)
def test_on_a_projector_all_of_it_is_seen(opened, name, width, height):
    page = opened(f"display-{name}.html", width, height)
    assert page.evaluate("scrollY") == 0
    assert misfits(page, ["display"], wide=width, high={"from": 0, "most": height}, letter=0) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_in_a_lesson_it_is_no_higher_than_the_window(opened, number):
    page = opened(LESSONS[number], 1000, 700)
    assert misfits(page, of_lesson(number), wide=1000, high={"most": 700}, letter=0) == []


@pytest.mark.parametrize("number", NUMBERS)
def test_on_a_phone_it_can_be_read_and_what_is_moved_stays_in_sight(opened, number):
    """Wherever a display is scrolled to, its sliders and sentence are seen, and most of the screen is left to the results."""
    page = opened(LESSONS[number], 390, 844)
    assert misfits(page, of_lesson(number), wide=390, high=None, letter=12) == []
    script = """root => {
      const first = root.querySelector(".ae-first"), { top, height } = root.getBoundingClientRect(), start = scrollY + top;
      return [0, 0.25, 0.5, 0.75, 1].map(share => {
        scrollTo({ top: start + share * Math.max(height - innerHeight, 0), behavior: "instant" });
        const box = first.getBoundingClientRect();
        return [box.top >= 0 && box.bottom <= innerHeight + 1, box.height / innerHeight];
      });
    }"""
    for display in of_lesson(number):
        seen = page.locator(f"#{display}").evaluate(script)
        assert all(inside for inside, _ in seen), display
        assert max(share for _, share in seen) <= 0.45, display


def test_two_columns_come_with_the_width_of_the_display_not_of_the_window(chromium):
    """As in a cell of JupyterLab, whose window is wide."""
    from tests.displays.reading import as_page_value, open_core

    page = open_core(chromium)
    packed = as_page_value(json.loads((ROOT / "notebooks" / "displays" / "00-code_size.json").read_text(encoding="utf-8")))
    columns = """([packed, width]) => {
      const root = rootOf(begin(packed));
      root.style.width = `${width}px`;
      const [first, parts] = [".ae-first", ".ae-parts"].map(part => root.querySelector(part).getBoundingClientRect());
      return [first.right < parts.left, first.top >= parts.bottom];
    }"""
    assert page.evaluate(columns, [packed, 852]) == [True, False]
    assert page.evaluate(columns, [packed, 800]) == [False, True]
    page.close()
