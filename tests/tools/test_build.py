"""The website: what is built, and what a browser makes of it."""

import itertools
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup

from tools import build as builder

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PLANS = sorted((ROOT / "classroom" / "lesson_plans").glob("*.md"))
STORED = sorted(path.stem for path in (ROOT / "notebooks" / "displays").glob("*.json"))
PAGES = ["index.html", "displays.html", "plans.html", *(f"{path.stem}.html" for path in NOTEBOOKS)]
PAGES += [f"plan-{path.stem}.html" for path in PLANS]
PAGES += [f"display-{name}.html" for name in STORED if not builder.is_vote(name)]
SIZES = {"wide": (1366, 768), "phone": (390, 844)}
SCHEMES = ("light", "dark")
SERVER = "http://localhost"  # the browser is told what is there; a page from there is trusted, as one from https would be
UNFOLD = "for (const one of document.querySelectorAll('details')) one.open = true"
FROM = pytest.mark.parametrize("served", [False, True], ids=["disk", "server"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return builder.build(tmp_path_factory.mktemp("website") / "site")


@pytest.fixture(scope="module")
def pages(site):
    return {path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in site.glob("*.html")}


@pytest.fixture
def project(tmp_path):
    """A copy of what the website is made from, one notebook of it, to be spoilt."""
    others = shutil.ignore_patterns("0[1-9]*", "[1-9]*", "evidence")
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=others)
    (tmp_path / "classroom" / "lesson_plans").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def spoil(project):
    """Let a function change the notebook of ``project``, given it and its first cell with code; the name of its page."""

    def change(act):
        path = project / "notebooks" / NOTEBOOKS[0].name
        notebook = nbformat.read(path, as_version=4)
        act(notebook, next(cell for cell in notebook.cells if cell.cell_type == "code"))
        nbformat.write(notebook, path)

    return change


def files_of(page):
    """Return the files that a page asks for."""
    found = [one.get("src") or one["href"] for one in page.select("script[src], img, link[href]")]
    return [file for file in found if not file.startswith("data:")]


def read(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def test_every_notebook_display_and_plan_has_its_page(site, pages):
    assert set(pages) == set(PAGES)
    assert sorted(path.stem for path in (site / "data").iterdir()) == STORED
    for before, after in itertools.pairwise(f"{path.stem}.html" for path in NOTEBOOKS):
        assert pages[before].find(rel="next")["href"] == after and pages[after].find(rel="prev")["href"] == before


def test_every_link_and_anchor_exists(site, pages):
    ids = {name: [one["id"] for one in page.select("[id]")] for name, page in pages.items()}
    for name, page in pages.items():
        assert len(set(ids[name])) == len(ids[name]), name
        for link in [*files_of(page), *(one["href"] for one in page.select("a"))]:
            target, _, anchor = link.partition("#")
            assert link.startswith("https://") or (site / (target or name)).is_file(), (name, link)
            assert not anchor or anchor in ids[target or name], (name, link)


def test_every_section_has_an_address(pages):
    """Each heading of a notebook, wherever in its cell it stands, is in the contents."""
    for path in NOTEBOOKS:
        lines = "\n".join(cell.source for cell in read(path, "markdown")).splitlines()
        levels = [f"level-{line.index(' ')}" for line in lines if re.match("##{1,2} ", line)]
        entries = pages[f"{path.stem}.html"].select(".contents li")
        assert [entry["class"] for entry in entries] == [[level] for level in levels]
        assert len({entry.a["href"] for entry in entries}) == len(levels)


def test_headings_are_in_order_and_pictures_are_described(pages):
    for name, page in pages.items():
        levels = [int(heading.name[1]) for heading in page.find_all(re.compile(r"^h\d$"))]
        assert levels[0] == 1 and levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), name
        assert all(len(picture.get("alt", "")) >= 20 for picture in page.select("img")), name


def test_formulas_are_mathml():
    made = {text: builder.from_markdown(text)[0] for text in ("`$a$`", "```\n$b$\n```", "$x^2$", "$x$, and", "$$a$$")}
    assert "<math" not in made["`$a$`"] + made["```\n$b$\n```"]
    assert builder.plain(made["$x^2$"]) == "x2\n" and made["$$a$$"].startswith('<div class="math"')
    assert made["$x$, and"].endswith("</math>,</span> and</p>\n")  # no line begins with the comma
    assert '<mo lspace="0.17em" rspace="0.17em">ln</mo><mn>2</mn>' in builder.mathml(r"24 \ln 2")
    assert '<mo lspace="0.17em" rspace="0">ln</mo><mo stretchy="false">' in builder.mathml(r"\ln(x)")


def test_what_is_in_another_language_says_which(pages):
    foreign = re.compile(r"[\u0400-\u04ff\u3040-\u30ff\u4e00-\u9fff]")
    lessons = [pages[f"{path.stem}.html"] for path in NOTEBOOKS]
    assert {one["lang"] for page in lessons for one in page.select("details[lang]")} == {"ja", "zh-Hans", "zh-Hant", "ru"}
    assert [text for page in lessons for text in page(string=foreign) if not text.find_parent("details", lang=True)] == []


def test_each_cell_has_its_outputs_and_says_what_needs_python(pages):
    """Printed text and pictures of every cell, in the notebook's order; no picture is shown of a vote."""
    words = {"@ipywidgets.interact": builder.NEEDS_PYTHON, "ae.fit(": builder.TRAINING}
    assert all("run.py lab" in told and "run.py test" in told for told in words.values())
    for path in NOTEBOOKS:
        page = pages[f"{path.stem}.html"]
        assert page.main.p.get_text().startswith("This page shows the notebook as it last ran.")
        cells, sections = read(path, "code"), page.select("section.code")
        assert [one["id"] for one in sections] == [cell.id for cell in cells]
        for cell, section in zip(cells, sections, strict=True):
            displays = [output.metadata.get("display") for output in cell.outputs if "image/png" in output.get("data", {})]
            votes = sum(bool(name) and builder.is_vote(f"-{name}") for name in displays)
            assert len(section.select("img")) == len(displays) - votes, (path.name, cell.id)
            assert len(section.select("[data-display]")) == sum(map(bool, displays)), (path.name, cell.id)
            printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
            assert printed.strip()[:30] in section.get_text()
            is_folded = cell.metadata.get("jupyter", {}).get("source_hidden")
            said = [told for word, told in words.items() if word in cell.source and not is_folded][:1]
            assert [one.decode_contents() for one in section.select("p.kernel")] == said, (path.name, cell.id)


def test_html_of_an_output_is_kept(project, spoil, tmp_path):
    """Such as the card of a diagnosis: with its colours, and with its links to sections of other notebooks."""
    card = '<div class="ae-diagnosis" style="color: red"><a href="03_why.ipynb#Is-x-&lt;-0-%3F">dead</a></div>'
    frame = '<style scoped>th {}</style><table border="1" class="dataframe"><tr><td>1</td></tr></table>'
    made = [nbformat.v4.new_output("display_data", {"text/html": text, "text/plain": ""}) for text in (card, frame)]
    spoil(lambda notebook, cell: cell.update(outputs=made))
    text = (builder.build(tmp_path / "site", project) / f"{NOTEBOOKS[0].stem}.html").read_text(encoding="utf-8")
    card = card.replace("03_why.ipynb#Is-x-&lt;-0-%3F", "03_why.html#is-x-0")
    table = '<table class="dataframe"><tr><td>1</td></tr></table>'
    for label, kept in {"result": card, "table": table}.items():
        assert re.search(f'<div [^>]*aria-label="{label}">{re.escape(kept)}</div>', text)


def test_words_are_not_taken_for_html(project, tmp_path):
    (project / "classroom" / "lesson_plans" / "01.md").write_text("# Is `a < b` & *c*?\n", encoding="utf-8")
    site = builder.build(tmp_path / "site", project)
    for name, tag in {"plan-01.html": "title", "plans.html": "a"}.items():
        assert f">Is a &lt; b &amp; c?</{tag}>" in (site / name).read_text(encoding="utf-8")


def test_it_is_small(site, pages):
    """4 MB a page with all that it loads, 20 MB in all; few words to begin with."""
    assert len(pages["index.html"].body.get_text(" ").split()) <= 300
    for name, page in pages.items():
        assert sum((site / file).stat().st_size for file in {*files_of(page), name}) <= 4e6, name
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) <= 20e6


def test_the_same_input_gives_the_same_bytes(site, tmp_path):
    again = builder.build(tmp_path / "again")
    files = {path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert not any(str(ROOT).encode() in content for content in files.values())


@pytest.mark.parametrize(
    "change",
    [
        lambda notebook, cell: cell.update(source=cell.source + "\n"),
        lambda notebook, cell: cell.update(execution_count=7),
        lambda notebook, cell: notebook.metadata.pop("made_from"),
    ],
    ids=["source", "order", "mark"],
)
def test_old_outputs_are_not_published(project, spoil, tmp_path, change):
    spoil(change)
    with pytest.raises(builder.Problem, match=f"the outputs in {NOTEBOOKS[0].name} are not those of its cells"):
        builder.build(tmp_path / "site", project)
    assert not (tmp_path / "site").exists() and not list(tmp_path.glob(".site-*"))


def test_a_display_that_is_not_there_is_named(project, tmp_path):
    (project / "notebooks" / "displays" / "00-code_size.json").unlink()
    with pytest.raises(builder.Problem, match=r"shows 00-code_size\.json, which is not there: run .* 00` first"):
        builder.build(tmp_path / "site", project)


def test_nothing_but_a_website_is_replaced(project, tmp_path, capsys):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "letter.txt").write_text("dear")
    with pytest.raises(builder.Problem, match="holds something that is no website"):
        builder.build(theirs, project)
    assert (theirs / "letter.txt").read_text() == "dear"
    assert builder.main(["one", "two"]) == 2 and "site takes one folder" in capsys.readouterr().err
    ours = builder.build(tmp_path / "site", project)
    (ours / "old.html").write_text("old")
    assert not (builder.build(ours, project) / "old.html").exists()


# In a browser.


@pytest.fixture
def visit(chromium, site):
    """Open pages; whatever they complain of, or ask of another host, fails the test at its end."""
    contexts, problems = [], []

    def open_page(address, size="wide", scheme="light", served=False):
        width, height = SIZES[size]
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        home = SERVER if served else site.as_uri()
        page.route(f"{SERVER}/**", lambda route: route.fulfill(path=site / urlsplit(route.request.url).path[1:]))
        page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        known = (home, "data:", "blob:")
        page.on("request", lambda request: problems.append(request.url) if not request.url.startswith(known) else None)
        page.goto(f"{home}/{address}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.mark.parametrize("name", PAGES)
@FROM
def test_a_page_is_alive(visit, name, served):
    """In each size and theme: nothing is complained of, nothing is wider than the page, each display answers a key or click."""
    sizes = list(reversed(SIZES)) if served else list(SIZES)
    page = visit(name, sizes[0], served=served)
    images = "Array.from(document.images, it => it.getBoundingClientRect().right)"
    for size, scheme in itertools.product(sizes, SCHEMES):
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate(UNFOLD)
        for place in page.locator("[data-display]").all():
            has_no_state = place.locator(".ae-verdict, .ae-exercise, .ae-self-test").count() == 1
            controls = place.locator("input[type=range]:visible, input:not([type=range]), .ae-pad")
            for key in ("ArrowDown", "ArrowUp", "ArrowUp", " ") if not has_no_state else ():  # also at an end it has then moved
                controls.first.press(key)
            assert has_no_state or f"#{place.get_attribute('id')}?" in page.url
            sentence = place.locator(".ae-sentence")
            assert sentence.inner_text() and "ae-failed" not in sentence.get_attribute("class")
        assert page.evaluate(f"Math.max(document.documentElement.scrollWidth, ...{images})") <= width


@pytest.mark.parametrize("size", SIZES)
def test_the_start_page_shows_all_of_a_display_at_once(visit, size):
    page = visit("index.html", size)
    for part in (".ae-pad", ".ae-pictures"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= SIZES[size][1]


def test_lines_are_fit_to_be_read(visit):
    """At most 70 characters wide; a nought is as wide as the unit ch."""
    page = visit(f"{NOTEBOOKS[1].stem}.html")
    page.evaluate(UNFOLD)
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
    page.locator(".contents summary").click()
    last = page.locator(".contents li.level-3 a").last
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
    first, second = displays.nth(0), displays.nth(1)
    ids = [one.get_attribute("id") for one in (first, second)]
    for one in (first, second):
        one.locator("input[type=range]").first.press("ArrowRight")
    button = page.locator(f"[data-link-to='{ids[0]}']")
    button.click()
    said = "it => ['copied', 'the link is in the address line'].includes(it.textContent)"
    page.wait_for_function(said, arg=button.element_handle())
    assert f"#{ids[0]}?" in page.url
    other = visit(f"{name}#{page.url.partition('#')[2]}", served=served)
    same, unmoved = (other.locator(f"[id='{one}'] .ae-sentence").inner_text() for one in ids)
    assert same == first.locator(".ae-sentence").inner_text() and unmoved != second.locator(".ae-sentence").inner_text()


@FROM
def test_votes_stay_until_they_are_forgotten(visit, served):
    page = visit(f"{NOTEBOOKS[1].stem}.html", served=served)
    vote, verdict = page.locator("[data-display*='-vote']").first, page.locator("[data-display*='-verdict']").first
    assert "not voted" in verdict.locator(".ae-sentence").inner_text()
    vote.locator("input").first.check()
    vote.locator("button").first.click()
    for _ in range(2):
        assert vote.locator(".ae-sentence").inner_text().startswith("You chose A")
        assert "ou chose" in verdict.locator(".ae-sentence").inner_text()
        page.evaluate("history.replaceState(null, '', location.pathname)")
        page.reload()
    assert "in this browser" in page.locator("footer").inner_text()
    with page.expect_navigation():
        page.locator("#forget").click()
    assert "not voted" in verdict.locator(".ae-sentence").inner_text()


def test_print_shows_everything(visit):
    page = visit(f"{NOTEBOOKS[2].stem}.html", scheme="dark")
    closed = page.locator("details:not([open])")
    before = closed.count()
    still_closed = "window.stillClosed = document.querySelectorAll('details:not([open])').length"
    page.evaluate(f"addEventListener('beforeprint', () => {{ {still_closed}; }})")
    page.pdf()
    assert before and page.evaluate("window.stillClosed") == 0
    assert closed.count() == before  # and afterwards it is as it was
    page.emulate_media(media="print")
    assert not page.locator("header").is_visible()
    style = "it => { const { whiteSpace, overflowX } = getComputedStyle(it); return [whiteSpace, overflowX]; }"
    assert all(one.evaluate(style) == ["pre-wrap", "visible"] for one in page.locator("pre").all())  # no line is cut off
