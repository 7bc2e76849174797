"""The website: what is built, and what a browser makes of it."""

import functools
import http.server
import itertools
import re
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from tools import build as builder
from tools.chromium import find_chromium

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SIZES = {"wide": (1366, 768), "phone": (390, 844)}
SCHEMES = ("light", "dark")
needs_browser = pytest.mark.skipif(find_chromium() is None, reason="there is no chromium on this machine")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return builder.build(tmp_path_factory.mktemp("website") / "site")


@pytest.fixture
def project(tmp_path):
    """A copy of what the website is made from, one notebook of it, to be spoilt."""
    for part in ("notebooks/displays", "notebooks/pictures", "classroom/lesson_plans"):
        (tmp_path / part).mkdir(parents=True)
    shutil.copy(NOTEBOOKS[0], tmp_path / "notebooks")
    for path in (ROOT / "notebooks" / "displays").glob("00-*.json"):
        shutil.copy(path, tmp_path / "notebooks" / "displays")
    return tmp_path


class Elements(HTMLParser):
    """What a page has: ids, addresses of links, files that it asks for, words, headings."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.files, self.words, self.headings, self.pictures = [], [], [], [], [], []
        self._silent = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self._silent += tag in ("script", "style", "title")
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])
        for name in ("src", "href"):
            if tag in ("script", "img", "link") and name in found and not found[name].startswith("data:"):
                self.files.append(found[name])
        if re.fullmatch(r"h\d", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.pictures.append(found.get("alt", ""))

    def handle_endtag(self, tag):
        self._silent -= tag in ("script", "style", "title")

    def handle_data(self, text):
        if not self._silent:
            self.words += text.split()


@pytest.fixture(scope="module")
def pages(site):
    return {path.name: Elements(path) for path in sorted(site.glob("*.html"))}


def test_every_notebook_display_and_plan_has_its_page(site, pages):
    plans = {f"plan-{path.stem}.html" for path in (ROOT / "classroom" / "lesson_plans").glob("*.md")}
    stored = [path.stem for path in (ROOT / "notebooks" / "displays").glob("*.json")]
    displays = {f"display-{name}.html" for name in stored if not builder.is_vote(name)}
    lessons = {f"{path.stem}.html" for path in NOTEBOOKS}
    assert set(pages) == lessons | plans | displays | {"index.html", "displays.html", "plans.html"}
    assert {path.stem for path in (site / "data").iterdir()} == set(stored)
    for before, after in itertools.pairwise(NOTEBOOKS):
        assert f'<a rel="next" href="{after.stem}.html">' in (site / f"{before.stem}.html").read_text(encoding="utf-8")
        assert f'<a rel="prev" href="{before.stem}.html">' in (site / f"{after.stem}.html").read_text(encoding="utf-8")


def test_every_link_and_anchor_exists(site, pages):
    for name, page in pages.items():
        assert len(set(page.ids)) == len(page.ids), name
        for file in page.files:
            assert (site / file).is_file(), (name, file)
        for link in page.links:
            if link.startswith("https://"):
                continue
            target, _, anchor = link.partition("#")
            assert (target or name) in pages or (site / target).is_file(), (name, link)
            assert not anchor or anchor in pages[target or name].ids, (name, link)


def test_every_section_has_an_address(site, pages):
    """Each heading of a notebook, wherever in its cell it stands, is in the contents."""
    for path in NOTEBOOKS:
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
        headings = [line for cell in cells for line in cell.source.splitlines() if re.match("##{1,2} ", line)]
        links = [link.removeprefix("#") for link in pages[f"{path.stem}.html"].links if link.startswith("#")]
        contents = links[1 : 1 + len(headings)]  # the first leads to the text
        text = (site / f"{path.stem}.html").read_text(encoding="utf-8")
        assert text.count('<li class="level-') == len(headings)
        assert len(set(contents)) == len(headings) and set(contents) <= set(pages[f"{path.stem}.html"].ids)


def test_headings_are_in_order_and_pictures_are_described(pages):
    for name, page in pages.items():
        assert page.headings[0] == 1 and page.headings.count(1) == 1, name
        assert all(after <= before + 1 for before, after in itertools.pairwise(page.headings)), name
        assert all(len(alt) >= 10 for alt in page.pictures), name


def test_formulas_are_mathml(site):
    text = (site / f"{NOTEBOOKS[4].stem}.html").read_text(encoding="utf-8")
    assert "<math" in text
    assert "\\ln" not in re.sub(r"<pre.*?</pre>|<script.*?</script>", "", text, flags=re.DOTALL)
    made = {text: builder.from_markdown(text)[0] for text in ("`$a$`", "```\n$b$\n```", "$x^2$", "$x$, and", "$$a$$")}
    assert "<math" not in made["`$a$`"] + made["```\n$b$\n```"]
    assert builder.plain(made["$x^2$"]) == "x2\n" and made["$$a$$"].startswith('<div class="math"')
    assert made["$x$, and"].endswith("</math>,</span> and</p>\n")  # no line begins with the comma
    assert '<mo lspace="0.17em" rspace="0.17em">ln</mo><mn>2</mn>' in builder.mathml(r"24 \ln 2")
    assert '<mo lspace="0.17em" rspace="0">ln</mo><mo stretchy="false">' in builder.mathml(r"\ln(x)")


def test_what_is_in_another_language_says_which(site):
    found = set()
    for path in NOTEBOOKS:
        text = (site / f"{path.stem}.html").read_text(encoding="utf-8")
        found |= set(re.findall(r'<details lang="([^"]+)">', text))
        rest = re.sub(r'<details lang="[^"]+">.*?</details>', "", text, flags=re.DOTALL)
        assert not re.search(r"[\u0400-\u04ff\u3040-\u30ff\u4e00-\u9fff]", rest), path.name
    assert found == {"ja", "zh-Hans", "zh-Hant", "ru"}


def test_outputs_stand_where_the_notebook_has_them(site):
    """Printed text and pictures of every cell, in the notebook's order."""
    for path in NOTEBOOKS:
        text = (site / f"{path.stem}.html").read_text(encoding="utf-8")
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        parts = re.split(r'<section class="cell \w+" id="([^"]+)">', text)
        sections = dict(zip(parts[1::2], parts[2::2], strict=True))
        assert [cell.id for cell in cells if cell.id in sections] == [cell.id for cell in cells]
        for cell in cells:
            images = [output.metadata.get("display", "") for output in cell.outputs if "image/png" in output.get("data", {})]
            votes = sum(name.startswith(("vote", "verdict")) for name in images)  # of which no picture is shown
            assert sections[cell.id].count("<img") == len(images) - votes, (path.name, cell.id)
            assert sections[cell.id].count("data-display=") == sum(map(bool, images)), (path.name, cell.id)
            printed = "".join(output.get("text", "") for output in cell.outputs if output.get("name") == "stdout")
            if printed.strip():
                assert builder.html.escape(printed.strip().splitlines()[0], quote=False)[:30] in sections[cell.id].replace(
                    "&#39;", "'"
                ).replace("&#34;", '"')


def test_what_needs_python_says_so_and_names_the_commands(site):
    for path in NOTEBOOKS:
        text = (site / f"{path.stem}.html").read_text(encoding="utf-8")
        cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        sources = [cell.source for cell in cells if not cell.metadata.get("jupyter", {}).get("source_hidden")]
        words = {"@ipywidgets.interact": builder.NEEDS_PYTHON, "ae.fit(": builder.TRAINING, "ae.exercise(": builder.EXERCISE}
        for word, said in words.items():
            assert text.count(said) == sum(word in source for source in sources), (path.name, word)
            assert "run.py lab" in said and "run.py test" in said
        assert "This page shows the notebook as it last ran." in text


def test_html_of_an_output_is_kept(project, tmp_path):
    """Such as the card of a diagnosis: with its colours, and with its links to sections of other notebooks."""
    (path,) = (project / "notebooks").glob("*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    card = '<div class="ae-diagnosis" style="color: red"><a href="03_why.ipynb#Is-x-&lt;-0-%3F">dead</a></div>'
    frame = '<style scoped>th {}</style><table border="1" class="dataframe"><tr><td>1</td></tr></table>'
    cell.outputs = [nbformat.v4.new_output("display_data", {"text/html": text, "text/plain": ""}) for text in (card, frame)]
    nbformat.write(notebook, path)
    text = (builder.build(tmp_path / "site", project) / f"{path.stem}.html").read_text(encoding="utf-8")
    card = card.replace("03_why.ipynb#Is-x-&lt;-0-%3F", "03_why.html#is-x-0")
    table = '<table class="dataframe"><tr><td>1</td></tr></table>'
    for label, kept in {"result": card, "table": table}.items():
        assert re.search(f'<div [^>]*aria-label="{label}">{re.escape(kept)}</div>', text)


def test_words_are_not_taken_for_html(project, tmp_path):
    (project / "classroom" / "lesson_plans" / "01.md").write_text("# Is `a < b` & *c*?\n", encoding="utf-8")
    site = builder.build(tmp_path / "site", project)
    for name, tag in {"plan-01.html": "title", "plans.html": "a"}.items():
        assert f">Is a &lt; b &amp; c?</{tag}>" in (site / name).read_text(encoding="utf-8")


def test_the_start_page_is_short(pages):
    assert len(pages["index.html"].words) <= 300


def test_it_is_small(site, pages):
    """4 MB a page with all that it loads, 20 MB in all."""
    for name, page in pages.items():
        assert sum((site / file).stat().st_size for file in {*page.files, name}) <= 4e6, name
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) <= 20e6


def test_the_same_input_gives_the_same_bytes(site, tmp_path):
    again = builder.build(tmp_path / "again")
    files = {path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    assert files == {path.relative_to(again): path.read_bytes() for path in again.rglob("*") if path.is_file()}
    assert not any(str(ROOT).encode() in content for content in files.values())


@pytest.mark.parametrize("spoil", ["source", "order", "mark"])
def test_old_outputs_are_not_published(project, tmp_path, spoil):
    (path,) = (project / "notebooks").glob("*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    if spoil == "source":
        cell.source += "\n"
    elif spoil == "order":
        cell.execution_count = 7
    else:
        del notebook.metadata["made_from"]
    nbformat.write(notebook, path)
    with pytest.raises(builder.Problem, match=f"the outputs in {path.name} are not those of its cells"):
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


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def server(site):
    """The address of a plain web server on this computer."""
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium())
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, site, server):
    """Open pages; whatever they complain of, or ask of another host, fails the test at its end."""
    contexts, problems = [], []

    def open_page(address, size="wide", scheme="light", served=False):
        width, height = SIZES[size]
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        home = server if served else site.as_uri()
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


def page_names():
    names = ["index.html", "displays.html", "plans.html", *(f"{path.stem}.html" for path in NOTEBOOKS)]
    names += [f"plan-{path.stem}.html" for path in sorted((ROOT / "classroom" / "lesson_plans").glob("*.md"))]
    stored = sorted(path.stem for path in (ROOT / "notebooks" / "displays").glob("*.json"))
    return [*names, *(f"display-{name}.html" for name in stored if not builder.is_vote(name))]


def use(place):
    """Use the first thing of a display that can be used; return whether there is one."""
    for selector, act in {
        "input[type=range]:visible": lambda it: [it.press(key) for key in ("ArrowRight", "ArrowRight", "ArrowLeft")],
        "input[type=number]": lambda it: it.press("ArrowUp"),
        "canvas.ae-pad": lambda it: it.press(" "),
        "input[type=radio]:not(:checked)": lambda it: it.check(force=True),
        "button.ae-option": lambda it: it.click(),
    }.items():
        if place.locator(selector).count():
            act(place.locator(selector).first)
            return True
    return False


@needs_browser
@pytest.mark.parametrize("name", page_names())
@pytest.mark.parametrize("served", [False, True], ids=["disk", "server"])
def test_a_page_is_alive(visit, name, served):
    """In each size and theme: nothing is complained of, nothing is wider than the page, each display answers a key or click."""
    sizes = list(reversed(SIZES)) if served else list(SIZES)
    page = visit(name, sizes[0], served=served)
    unfold = "for (const one of document.querySelectorAll('details')) one.open = true"
    images = "Array.from(document.images, it => it.getBoundingClientRect().right)"
    for size, scheme in itertools.product(sizes, SCHEMES):
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate(unfold)
        for place in page.locator("[data-display]").all():
            is_verdict = place.locator(".ae-verdict").count() == 1
            assert use(place) != is_verdict, place
            assert is_verdict or f"#{place.get_attribute('id')}?" in page.url
            sentence = place.locator(".ae-sentence")
            assert sentence.inner_text() and "ae-failed" not in sentence.get_attribute("class")
        assert page.evaluate(f"Math.max(document.documentElement.scrollWidth, ...{images})") <= width


@needs_browser
@pytest.mark.parametrize("name", ["index.html", *(f"{path.stem}.html" for path in NOTEBOOKS)])
def test_a_page_is_there_within_a_second(visit, name):
    """All displays are made as the page is read. What counts is the processor's time, whatever else the computer does."""
    page = visit(name)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.reload()
    seconds = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}["TaskDuration"]
    assert page.locator("[data-display] .ae-sentence").first.inner_text()
    assert 0 < seconds <= 1


@needs_browser
@pytest.mark.parametrize("size", SIZES)
def test_the_start_page_shows_all_of_a_display_at_once(visit, size):
    page = visit("index.html", size)
    for part in (".ae-pad", ".ae-pictures"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= SIZES[size][1]


@needs_browser
def test_lines_are_fit_to_be_read(visit):
    """At most 70 characters wide; a nought is as wide as the unit ch."""
    page = visit(f"{NOTEBOOKS[1].stem}.html")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    widest = """() => {
        const line = document.createElement("span");
        line.textContent = "0".repeat(70);
        line.style.whiteSpace = "nowrap";
        document.querySelector("main").append(line);
        const texts = document.querySelectorAll(".markdown > p, .markdown > ul > li, .markdown > ol > li");
        return [Math.max(...Array.from(texts, it => it.getBoundingClientRect().width)), line.getBoundingClientRect().width];
    }"""
    found, allowed = page.evaluate(widest)
    assert 0 < found <= allowed + 1


@needs_browser
@pytest.mark.parametrize("name", page_names())
def test_a_page_has_no_serious_barrier(visit, name):
    from axe_playwright_python.sync_playwright import Axe

    for size, scheme in (("wide", "dark"), ("phone", "light")):
        page = visit(name, size, scheme, served=True)  # axe reads style sheets, which a page from the disk may not
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        found = Axe().run(page).response["violations"]
        serious = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")]
        assert serious == []


@needs_browser
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


@needs_browser
@pytest.mark.parametrize("served", [False, True], ids=["disk", "server"])
def test_a_state_travels_in_a_link(visit, served):
    """Of two displays on one page, the link is of the one whose button was pressed."""
    name = f"{NOTEBOOKS[5].stem}.html"
    page = visit(name, served=served)
    displays = page.locator("[data-display]:has(input[type=range])")
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    first, second = displays.nth(0), displays.nth(1)
    for one in (first, second):
        one.locator("input[type=range]").first.press("ArrowRight")
    moved = first.locator(".ae-sentence").inner_text()
    button = page.locator(f"[data-link-to='{first.get_attribute('id')}']")
    button.click()
    page.wait_for_function(
        "it => ['copied', 'the link is in the address line'].includes(it.textContent)", arg=button.element_handle()
    )
    address = page.url
    assert f"#{first.get_attribute('id')}?" in address
    other = visit(f"{name}#{address.partition('#')[2]}", served=served)
    assert other.locator(f"[id='{first.get_attribute('id')}'] .ae-sentence").inner_text() == moved
    unmoved = other.locator(f"[id='{second.get_attribute('id')}'] input[type=range]").first.evaluate("it => it.value")
    assert unmoved != second.locator("input[type=range]").first.evaluate("it => it.value")


@needs_browser
@pytest.mark.parametrize("served", [False, True], ids=["disk", "server"])
def test_votes_stay_until_they_are_forgotten(visit, served):
    page = visit(f"{NOTEBOOKS[1].stem}.html", served=served)
    vote, verdict = page.locator("[data-display*='-vote']").first, page.locator("[data-display*='-verdict']").first
    assert "not voted" in verdict.locator(".ae-sentence").inner_text()
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


@needs_browser
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
