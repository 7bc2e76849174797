"""The website in a browser."""

import itertools

import pytest

from tests.tools.conftest import SIZES
from tests.tools.test_build import NOTEBOOKS, PAGES
from tools import build as builder

SCHEMES = ("light", "dark")
UNFOLD = "for (const one of document.querySelectorAll('details')) one.open = true"
PAINTED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"  # and displays have their new size
OPEN = "for (const one of document.querySelectorAll('.gate')) one.classList.add('open')"
FROM = pytest.mark.parametrize("served", [False, True], ids=["disk", "server"])
VOTES = f"{NOTEBOOKS[3].stem}.html"  # two votes, each with a gate
MANY = f"{NOTEBOOKS[9].stem}.html"  # one gate of several votes


@pytest.mark.parametrize("name", PAGES)
@FROM
def test_a_page_is_alive(visit, name, served):
    """In each size and theme: nothing is complained of, nothing is wider than the page, each display answers a key or click."""
    sizes = list(reversed(SIZES)) if served else list(SIZES)
    page = visit(name, sizes[0], served=served)
    # On a phone a figure scrolls within its plate.
    images = "Array.from(document.images, it => (it.closest('.plate') ?? it).getBoundingClientRect().right)"
    for size, scheme in itertools.product(sizes, SCHEMES):
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.evaluate(PAINTED)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate(UNFOLD)
        page.evaluate(OPEN)
        for place in page.locator("[data-display]").all():
            if builder.is_question(place.get_attribute("data-display")):
                assert place.locator("p").first.inner_text()
                continue
            if place.get_attribute("data-display") == "playground":
                place.get_by_label("optimizer").select_option("SGD")
                assert "#display?" in page.url and "optimizer=sgd" in page.url
                place.get_by_label("optimizer").select_option("Adam")
                continue
            controls = place.locator("input[type=range]:visible, input:not([type=range]), .ae-pad")
            for key in ("ArrowDown", "ArrowUp", "ArrowUp", " "):  # also at an end it has then moved
                controls.first.press(key)
            assert f"#{place.get_attribute('id')}?" in page.url
            sentence = place.locator(".ae-sentence")
            assert sentence.inner_text() and "ae-failed" not in sentence.get_attribute("class")
        assert page.evaluate(f"Math.max(document.documentElement.scrollWidth, ...{images})") <= width


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_the_start_page_shows_all_of_a_display_at_once(visit, size):
    """The pad and the first reconstruction; on a phone the controls lie over what is below."""
    page = visit("index.html", size)
    end = page.locator(".ae-first").bounding_box()["y"] if size == "phone" else SIZES[size][1]
    for part in (".ae-pad", ".ae-figures > :nth-child(2)"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= end


def test_lines_are_fit_to_be_read(visit):
    """At most 70 characters wide; a nought is as wide as the unit ch."""
    page = visit(f"{NOTEBOOKS[1].stem}.html")
    page.evaluate(UNFOLD)
    page.evaluate(OPEN)
    line = "<span class='line'>${'0'.repeat(70)}</span>"
    page.evaluate(f"document.querySelector('main').insertAdjacentHTML('beforeend', `{line}`)")
    lines = "Array.from(document.querySelectorAll('.markdown > p, .markdown > * > li, .line'))"
    *found, allowed = page.evaluate(f"{lines}.map(it => it.getBoundingClientRect().width)")
    assert 0 < max(found) <= allowed + 1


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_serious_barrier(visit, name):
    from axe_playwright_python.sync_playwright import Axe

    for size, scheme in (("wide", "dark"), ("phone", "light")):
        page = visit(name, size, scheme, served=True)  # axe reads style sheets, which a page from the disk may not
        page.evaluate(UNFOLD)
        page.evaluate(OPEN)
        found = Axe().run(page).response["violations"]
        serious = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")]
        assert serious == []


def test_a_link_opens_the_fold_it_leads_into(visit):
    """To something in it, in the page and from elsewhere; and to the fold itself, whose heading is then seen."""
    name = f"{NOTEBOOKS[5].stem}.html"
    page = visit(name)
    inside = page.locator("details.deeper").first.locator("section[id]").last
    assert not inside.is_visible()
    page.evaluate("id => { location.hash = id; }", inside.get_attribute("id"))
    inside.wait_for(state="visible")
    assert visit(f"{name}#{inside.get_attribute('id')}").locator(f"[id='{inside.get_attribute('id')}']").is_visible()
    page.locator("details.deeper").last.scroll_into_view_if_needed()
    page.mouse.wheel(0, 10)
    last = page.locator(".places li.level-3 a").last
    last.click()
    fold = page.locator(f"details.deeper[id='{last.get_attribute('href').removeprefix('#')}']")
    assert fold.evaluate("it => it.open")
    heading = fold.locator("summary h3")
    assert heading.inner_text() == last.inner_text()
    assert heading.evaluate("it => it.getBoundingClientRect().top") >= 0


@FROM
def test_a_state_travels_in_a_link(visit, served):
    """Of two displays on one page, the link is of the one whose button was pressed."""
    name = f"{NOTEBOOKS[5].stem}.html"
    page = visit(name, served=served)
    displays = page.locator("[data-display]:has(input[type=range])")
    page.evaluate(UNFOLD)
    page.evaluate(OPEN)
    first, second = displays.nth(0), displays.nth(1)
    ids = [one.get_attribute("id") for one in (first, second)]
    for one in (first, second):
        one.locator("input[type=range]").first.press("ArrowRight")
    button = page.locator(f"[data-link-to='{ids[0]}']")
    button.click()
    said = "it => ['Copied', 'The link is in the address line'].includes(it.textContent)"
    page.wait_for_function(said, arg=button.element_handle())
    assert f"#{ids[0]}?" in page.url
    other = visit(f"{name}#{page.url.partition('#')[2]}", served=served)
    same, unmoved = (other.locator(f"[id='{one}'] .ae-sentence").inner_text() for one in ids)
    assert same == first.locator(".ae-sentence").inner_text() and unmoved != second.locator(".ae-sentence").inner_text()


def vote(page, place, letter="A"):
    """Choose, and send the vote where a button asks for it."""
    place.locator(".ae-option", has_text=letter).first.click()
    send = place.get_by_role("button", name="Vote to go on")
    if send.count():
        send.click()


@FROM
def test_a_gate_opens_with_the_vote_and_stays_open(visit, served):
    page = visit(VOTES, served=served)
    gate, asked = page.locator(".gate").first, page.locator("[data-display*='-vote']").first
    inside, door = gate.locator(".inside"), gate.locator(".door")
    assert door.is_visible() and not inside.is_visible()
    vote(page, asked)
    assert inside.is_visible() and not door.is_visible()
    focused = "document.activeElement.textContent"
    assert page.evaluate(focused) == inside.locator("h2, h3").first.inner_text()
    assert page.locator("#announced").inner_text() == "The next part is open."
    assert page.locator(".answers .state").all_inner_texts() == ["answered", "not yet"]
    assert not any(other.locator(".inside").is_visible() for other in page.locator(".gate").all()[1:])
    page.evaluate("history.replaceState(null, '', location.pathname)")
    page.reload()
    assert inside.is_visible() and page.evaluate(focused) != inside.locator("h2, h3").first.inner_text()
    assert "in this browser" in page.locator("footer").inner_text()
    with page.expect_navigation():
        page.locator("#forget").click()
    assert not inside.is_visible()


def test_a_gate_opens_by_keyboard(visit):
    page = visit(VOTES)
    page.locator("[data-display*='-vote'] input").first.press(" ")
    page.get_by_role("button", name="Vote to go on").first.press("Enter")
    heading = page.locator(".gate .inside").first.locator("h2, h3").first
    assert heading.evaluate("it => it === document.activeElement")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('.gate .inside').contains(document.activeElement)")


def test_a_gate_of_several_votes_waits_for_all_of_them_or_is_skipped(visit):
    page = visit(MANY)
    gate = page.locator(".gate").first
    votes = gate.get_attribute("data-votes").split(" ")
    displays = page.locator("[data-display*='-vote']")
    assert gate.locator(".door button").inner_text() == "Show me without voting"
    vote(page, displays.first)
    assert len(votes) > 1 and not gate.locator(".inside").is_visible()
    gate.locator(".door button").click()
    assert gate.locator(".inside").is_visible()
    states = page.locator(".answers .state").all_inner_texts()
    assert states[0] == "answered" and set(states[1:]) <= {"skipped", "not yet"} and "skipped" in states


def test_a_link_opens_the_gate_it_leads_into(visit):
    """To a section or to a display, by the address and in the page; the entry of the contents leads to the gate instead."""
    page = visit(VOTES)
    section = page.locator(".gate .inside").first.locator("section[id]").last
    name = section.get_attribute("id")
    entry = page.locator(".places .shut a").first
    entry.click()
    assert page.url.endswith("#gate-1") and not section.is_visible()
    page.evaluate("name => { location.hash = name; }", name)
    section.wait_for(state="visible")
    page.reload()
    assert section.is_visible() and page.locator(".answers .state").all_inner_texts() == ["not yet", "not yet"]
    shown = page.locator(".gate .inside [data-display]").last.get_attribute("id")
    other = visit(f"{VOTES}#{shown}?x=1")
    assert other.locator(f"[id='{shown}']").is_visible()
    assert entry.count() == 0 or not page.locator("[data-gate='gate-1'].shut").count()


def test_a_lesson_is_read_from_top_to_bottom(visit):
    """A shut gate hides what follows it, but for what may be read at any time; a link opens what it leads into, and no more."""
    page = visit(VOTES)
    heads = ["See it", "Predict", "Why", "Fix it", "Your turn", "Take home", "Self-test", "Going deeper", "The short answer"]
    heads += ["References"]
    seen = page.locator("main h2").locator("visible=true")
    assert seen.all_inner_texts() == [name for name in heads if name not in heads[2:7] + heads[8:9]]
    assert page.locator(".door").locator("visible=true").count() == 1
    door = page.locator(".gate .door p").first.inner_text()
    page.locator(".answers a").nth(1).click()
    assert page.url.endswith("#gate-1") and seen.count() == 4  # the second vote is not asked yet
    vote(page, page.locator("[data-display*='-vote']").first)
    assert seen.all_inner_texts() == [name for name in heads if name not in heads[4:7] + heads[8:9]]
    assert page.locator(".door p").locator("visible=true").all_inner_texts() == [door]
    vote(page, page.locator("[data-display*='-vote']").nth(1))
    assert seen.all_inner_texts() == heads
    other = visit(f"{VOTES}#take-home")
    seen = other.locator("main h2").locator("visible=true").all_inner_texts()
    assert "Take home" in seen and "Why" not in seen and "The short answer" not in seen
    assert other.locator(".places .level-2.shut", has_text="Why").count() == 1


def test_the_search_leads_to_the_gate_that_is_shut(visit):
    """Also to what stands long after it, and once a gate is open, to the next."""
    page = visit(VOTES)

    def first(text):
        page.locator("#search-open").click()
        page.locator("#search-words").fill(text)
        page.wait_for_function("document.querySelector('#search-found').textContent")
        return page.locator("#search-results a", has_text="03 Why").filter(has_text="opens with your vote").first

    for number in (1, 2):
        first("take home").click()
        doors = page.locator(".door").locator("visible=true")
        assert doors.count() == 1 and doors.get_attribute("id") == f"gate-{number}"
        assert doors.evaluate("it => it.getBoundingClientRect().top < innerHeight")
        vote(page, page.locator("[data-display*='-vote']").nth(number - 1))


def test_a_search_counts_a_heading_by_its_own_words(visit):
    """A word of a lesson's title finds the lesson, once, and not each of its sections; Escape closes with one press."""
    page = visit("index.html")
    page.keyboard.press("/")
    page.locator("#search-words").fill("mean")
    page.wait_for_function("document.querySelectorAll('#search-results a').length")
    results = page.locator("#search-results a:not(:has(q))")
    found = results.evaluate_all("them => them.map(it => ['b', 'span'].map(tag => it.querySelector(tag)?.textContent ?? ''))")
    assert [heading for title, heading in found if title == "07 Mean or sum? Why is my KL zero?"].count("") == 1
    assert all("mean" in heading.lower() for _, heading in found if heading)
    page.keyboard.press("Escape")
    assert not page.locator("#search").is_visible()


def test_without_javascript_everything_is_there(visit):
    page = visit(VOTES, java_script_enabled=False)
    assert page.locator("main h2").count() == page.locator("main h2").locator("visible=true").count()
    assert page.locator("section.code > div.code").first.is_visible()
    assert not page.locator(".door").first.is_visible()
    assert all(inside.is_visible() for inside in page.locator(".gate .inside").all())
    assert all(one.is_visible() for one in page.locator("main figure .plate img").all()[:2])
    assert page.locator("details.plumbing summary").first.is_visible()
    start = visit("index.html", java_script_enabled=False)
    assert start.locator(".card h3").count() == len(NOTEBOOKS)


def test_nothing_of_a_gate_is_seen_before_the_script_has_run(visit, site):
    """The style closes it from a class that is set before the page's body."""
    text = (site / VOTES).read_text(encoding="utf-8")
    assert text.index('classList.add("script")') < text.index("<body")
    page = visit("index.html")
    page.route("**/site.js", lambda route: route.abort())
    page.set_content(
        text.replace('href="site.css"', f'href="{(site / "site.css").as_uri()}"').replace('<script src="', '<script data-x="')
    )
    assert not page.locator(".gate .inside").first.is_visible()


def test_the_contents_say_where_the_reader_is(visit):
    page = visit(VOTES)
    shut = page.locator(".places .shut:visible").all_inner_texts()
    assert shut == ["Why", "Fix it", "Your turn", "Take home", "Self-test", "The short answer"]
    assert not any(page.locator(".places .level-3.shut").nth(i).is_visible() for i in range(1))
    vote(page, page.locator("[data-display*='-vote']").first)
    assert page.locator(".places .shut:visible").all_inner_texts() == shut[2:]
    vote(page, page.locator("[data-display*='-vote']").nth(1))
    assert page.locator(".places .shut").count() == 0
    for name in ("Predict", "Your turn"):
        page.get_by_role("heading", name=name, exact=True).evaluate("it => it.scrollIntoView()")
        page.wait_for_function("name => document.querySelector('.places [aria-current]')?.textContent === name", arg=name)
    assert page.locator(".contents summary").is_hidden()
    phone = visit(VOTES, "phone")
    assert not phone.locator(".places").is_visible()
    phone.get_by_role("heading", name="Predict", exact=True).evaluate("it => it.scrollIntoView()")
    phone.wait_for_function("document.querySelector('.now').textContent.endsWith('Predict')")
    bar = phone.locator(".contents")
    assert bar.bounding_box()["y"] == 0 and bar.bounding_box()["height"] <= 60
    phone.locator(".contents summary").click()
    phone.locator(".places a", has_text="See it").click()
    assert not phone.locator(".places").is_visible()


@pytest.mark.parametrize("name", [f"{path.stem}.html" for path in NOTEBOOKS])
def test_only_code_that_the_text_speaks_of_is_seen_before_the_switch(visit, name):
    """Of other cells neither a block nor the first line; what the cells have shown stays."""
    page = visit(name)
    page.evaluate(UNFOLD)
    page.evaluate(OPEN)
    code = page.locator("section.code > .code")
    assert code.count() == page.locator("section.code").count()
    seen, shown = code.locator("visible=true"), page.locator("section.code > .code.shown")
    assert seen.count() == shown.count() == shown.locator("visible=true").count() <= 2
    outputs = page.locator("section.code :is(figure, .output, [data-display])")
    assert outputs.count() == outputs.locator("visible=true").count()


def test_one_switch_shows_all_code_and_is_remembered(visit):
    """But for the cells that tell answers, which are named and stay folded."""
    page = visit(VOTES)
    page.evaluate(OPEN)
    assert "show the code" not in page.locator("main").inner_text().lower()
    page.get_by_role("switch").focus()
    page.keyboard.press("Space")
    for _ in range(2):
        cells, told = page.locator("main .code:is(details, div):not(.tells)"), page.locator("details.tells")
        outside = [one for one in cells.all() if not one.locator("xpath=ancestor::details[contains(@class, 'deeper')]").count()]
        assert len(outside) > 9 and all(one.locator("pre").is_visible() for one in outside)
        assert told.count() and not told.locator("pre").locator("visible=true").count()
        assert told.first.locator("summary").inner_text() == "Code of this cell, with the answers"
        page.reload()
        page.evaluate(OPEN)
    page.get_by_role("switch").uncheck(force=True)
    assert not page.locator("section.code > .code").locator("visible=true").count()


@pytest.mark.parametrize("size", SIZES)
def test_no_line_of_code_is_cut_off(visit, size):
    page = visit(f"{NOTEBOOKS[9].stem}.html", size)
    page.evaluate(UNFOLD)
    page.evaluate(OPEN)
    page.evaluate("document.documentElement.classList.add('with-code')")
    wide = "all => all.filter(it => it.scrollWidth > it.clientWidth + 1).map(it => it.textContent.slice(0, 60))"
    assert page.locator("pre").evaluate_all(wide) == []


def test_the_search_finds_and_does_not_tell(visit):
    """Words behind a vote find a heading at most, which leads to the gate; once the vote is cast, they find the sentence."""
    page = visit(VOTES)
    inside = page.locator(".gate .inside").first
    sentence = inside.locator(".markdown p").first.text_content()
    words = " ".join(sentence.partition(". ")[0].split()[:6])

    def results(text):
        page.keyboard.press("/")
        page.locator("#search-words").fill(text)
        page.wait_for_function("document.querySelector('#search-found').textContent")
        return page.locator("#search-results a")

    assert results(words).count() == 0 and page.locator("#search-found").inner_text() == "Nothing found."
    close = page.locator("#search form button")
    close.click()
    shut = results("die why").filter(has_text="opens with your vote")
    assert shut.first.get_attribute("href").endswith("#gate-1")
    close.click()
    vote(page, page.locator("[data-display*='-vote']").first)
    found = results(words)
    assert found.count() == 1 and words in found.first.inner_text()
    assert page.locator("#search-results mark").count() >= 4
    page.locator("#search-words").press("Enter")
    assert page.url.split("#")[1] in [one.get_attribute("id") for one in inside.locator("[id]").all()]


def test_the_start_page_knows_what_was_answered(visit):
    page = visit(VOTES, served=True)
    state = "03"
    for expected in ("1 of 2 votes", "answered"):
        displays = page.locator("[data-display*='-vote']")
        vote(page, displays.nth(0 if expected != "answered" else 1))
        page.goto(page.url.partition("/0")[0] + "/index.html")
        card = page.locator(".card", has_text=state).first
        assert card.locator(".state").inner_text() == expected
        page.go_back()


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_a_figure_opens_at_its_own_size(visit, size):
    page = visit(VOTES, size)
    plate = page.locator(".plate").first
    plate.click()
    shown = page.locator("dialog.enlarged img")
    assert shown.bounding_box()["width"] == int(shown.get_attribute("width"))
    page.keyboard.press("Escape")
    assert page.locator("dialog.enlarged").count() == 0 and plate.evaluate("it => it === document.activeElement")


def test_figures_are_dark_in_the_dark(visit):
    page = visit(VOTES, scheme="dark")
    image = page.locator(".plate img").first
    image.scroll_into_view_if_needed()
    assert image.evaluate("it => it.decode().then(() => it.currentSrc)").endswith("-dark.png")
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_function("!document.querySelector('.plate img').currentSrc.endsWith('-dark.png')")


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("display-")])
def test_a_projector_page_has_a_title_and_a_display_and_large_letters(visit, name):
    page = visit(name)
    assert page.locator("body > :visible:not(.skip)").count() == 2 and page.locator("h1").count() == 1
    text = "[...it.childNodes].some(one => one.nodeType === 3 && one.data.trim())"
    size = "parseFloat(getComputedStyle(it).fontSize) * (it.closest('.ae-display') ? it.currentCSSZoom : 1)"
    size = f"all => all.filter(it => it.getClientRects().length && {text}).map(it => {size})"
    # The numerals on the plane of codes are marks.
    assert min(page.locator("header *, main *:not(.ae-plane text)").evaluate_all(size)) >= 19.9


def test_print_shows_everything_but_code(visit):
    """What is folded or behind a gate is printed; code only if the switch is on; no controls, and paper is white."""
    page = visit(VOTES, scheme="dark")
    folds = page.locator("details:not(.code)")
    before = page.locator("details:not([open])").count()
    still_closed = "window.stillClosed = document.querySelectorAll('details:not([open], .code)').length"
    page.evaluate(f"addEventListener('beforeprint', () => {{ {still_closed}; }})")
    page.pdf()
    assert folds.count() and page.evaluate("window.stillClosed") == 0
    assert page.locator("details:not([open])").count() == before  # and afterwards it is as it was
    page.emulate_media(media="print")
    assert not page.locator("header").is_visible() and not page.locator(".door").first.is_visible()
    assert all(inside.is_visible() for inside in page.locator(".gate .inside").all())
    assert page.locator("main h2").count() == page.locator("main h2").locator("visible=true").count()
    assert not page.locator("section.code > .code").locator("visible=true").count()
    assert not page.locator(":is(.ae-actions, .ae-slider, .ae-button, .contents)").locator("visible=true").count()
    paper = "it => getComputedStyle(it).getPropertyValue('--ae-paper')"
    assert set(page.locator(".ae-display").evaluate_all(f"all => all.map({paper})")) == {"#fff"}
    page.evaluate("document.documentElement.classList.add('with-code')")
    page.evaluate(UNFOLD)
    style = "it => { const { whiteSpace, overflowX } = getComputedStyle(it); return [whiteSpace, overflowX]; }"
    assert all(one.evaluate(style) == ["pre-wrap", "visible"] for one in page.locator("pre").all())  # no line is cut off
