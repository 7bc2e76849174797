"""The website as files: what is built from which notebook, and what is refused. What a browser makes of it: test_site.py."""

import itertools
import json
import re

import aehelpers as ae
import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup, Doctype

from tests.tools.conftest import ROOT, copy_project
from tools import build as builder
from tools import reference

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PLANS = sorted((ROOT / "classroom" / "lesson_plans").glob("*.md"))
STORED = sorted(path.stem for path in (ROOT / "notebooks" / "displays").glob("*.json"))
PAGES = [
    "index.html",
    "playground.html",
    "displays.html",
    "plans.html",
    "measured.html",
    *(f"{path.stem}.html" for path in NOTEBOOKS),
]
PAGES += [f"proof-{name}.html" for name in builder.PROOFS]
PAGES += [f"plan-{path.stem}.html" for path in PLANS]
PAGES += [f"display-{name}.html" for name in STORED if not builder.is_question(name)]
REFERENCE = [reference.page_of(name) for name in ae.__all__]
PAGES += ["reference.html", "reference-diagnose.html"]  # the browser visits one of those of the reference: they are alike


@pytest.fixture
def project(tmp_path):
    """A copy of what the website is made from, one notebook of it, to be spoilt."""
    return copy_project(tmp_path, "00*")


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
    found = [one.get("src") or one.get("srcset") or one["href"] for one in page.select("script[src], img, source, link[href]")]
    return [file for file in found if not file.startswith("data:")]


def read(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def test_every_notebook_display_and_plan_has_its_page(site, pages):
    assert set(pages) == {*PAGES, *REFERENCE}
    assert sorted(path.stem for path in (site / "data").iterdir()) == sorted([*STORED, "playground"])
    for before, after in itertools.pairwise(f"{path.stem}.html" for path in NOTEBOOKS):
        assert pages[before].find(rel="next")["href"] == after and pages[after].find(rel="prev")["href"] == before


def test_every_link_and_anchor_exists(site, pages):
    ids = {name: [one["id"] for one in page.select("[id]")] for name, page in pages.items()}
    for name, page in pages.items():
        assert len(set(ids[name])) == len(ids[name]), name
        for link in [*files_of(page), *(one["href"] for one in page.select("a"))]:
            target, _, anchor = link.partition("?")[0].partition("#")
            assert link.startswith("https://") or (site / (target or name)).is_file(), (name, link)
            assert not anchor or anchor in ids[target or name], (name, link)


def test_every_section_has_an_address(pages):
    """Each heading of a notebook, wherever in its cell it stands, is in the contents."""
    for path in NOTEBOOKS:
        lines = "\n".join(cell.source for cell in read(path, "markdown")).splitlines()
        levels = [f"level-{line.index(' ')}" for line in lines if re.match("##{1,2} ", line)]
        entries = pages[f"{path.stem}.html"].select(".places li")
        assert [entry["class"] for entry in entries] == [[level] for level in levels]
        assert len({entry.a["href"] for entry in entries}) == len(levels)


def test_headings_are_in_order_and_pictures_are_described(pages):
    for name, page in pages.items():
        levels = [int(heading.name[1]) for heading in page.find_all(re.compile(r"^h\d$"))]
        assert levels[0] == 1 and levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), name
        assert all(
            len(picture.get("alt", "")) >= 20
            for picture in page.select("img")
            if not picture.find_parent(attrs={"aria-hidden": "true"})
        ), name


def test_formulas_are_mathml():
    made = {text: builder.from_markdown(text)[0] for text in ("`$a$`", "```\n$b$\n```", "$x^2$", "$x$, and", "$$a$$")}
    assert "<math" not in made["`$a$`"] + made["```\n$b$\n```"]
    assert builder.plain(made["$x^2$"]) == "x2\n" and made["$$a$$"].startswith('<div class="math"')
    assert made["$x$, and"].endswith("</math>,</span> and</p>\n")  # no line begins with the comma
    assert '<mo lspace="0.17em" rspace="0.17em">ln</mo><mn>2</mn>' in builder.mathml(r"24 \ln 2")
    assert '<mo lspace="0.17em" rspace="0">ln</mo><mo stretchy="false">' in builder.mathml(r"\ln(x)")


def test_texts_are_typeset():
    quoted = """"One", (it's 'two') in "three four": 15 % of "`a"b`" and "*five*"."""
    made, _ = builder.from_markdown(quoted)
    assert made == (
        "<p>“One”, (it’s ‘two’) in “three four”: 15\N{NO-BREAK SPACE}% of “<code>a&quot;b</code>” and “<em>five</em>”.</p>\n"
    )


def test_what_is_in_another_language_says_which(pages):
    foreign = re.compile(r"[\u0400-\u04ff\u3040-\u30ff\u4e00-\u9fff]")
    lessons = [pages[f"{path.stem}.html"] for path in NOTEBOOKS]
    assert {one["lang"] for page in lessons for one in page.select("details[lang]")} == {"ja", "zh-Hans", "zh-Hant", "ru"}
    assert [text for page in lessons for text in page(string=foreign) if not text.find_parent("details", lang=True)] == []
    named = [re.search(r"\(in (Chinese|Japanese|Russian)\)$", one.summary.get_text()) for page in lessons
             for one in page.select("details[lang]")]  # fmt: skip
    assert named and all(named)


def test_each_cell_has_its_outputs(pages):
    """Printed text and pictures of every cell, in the notebook's order; no picture is shown of a vote or an exercise."""
    for path in NOTEBOOKS:
        page = pages[f"{path.stem}.html"]
        cells, sections = read(path, "code"), page.select("section.code")
        assert [one["id"] for one in sections] == [cell.id for cell in cells]
        for cell, section in zip(cells, sections, strict=True):
            displays = [output.metadata.get("display") for output in cell.outputs if "image/png" in output.get("data", {})]
            questions = sum(bool(name) and builder.is_question(name) for name in displays)
            assert len(section.select("img")) == len(displays) - questions, (path.name, cell.id)
            assert len(section.select("[data-display]")) == sum(map(bool, displays)), (path.name, cell.id)
            printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
            assert printed.strip()[:30] in section.get_text()


def test_python_is_asked_for_at_most_once_a_section_and_last(pages):
    """After everything of the section that the page can do."""
    count = 0
    for path in NOTEBOOKS:
        since = ["start"]
        for one in pages[f"{path.stem}.html"].main.select("h2, h3, details.deeper, [data-display], p.python"):
            if one.name == "h2" or one.name == "details":
                since = [one.get_text()]
            else:
                assert "python" not in since, (path.name, since)
                since.append("python" if one.name == "p" else one.name)
                count += one.name == "p"
    assert count == sum("@ipywidgets.interact" in cell.source for path in NOTEBOOKS for cell in read(path, "code"))


def test_a_figure_has_a_caption(pages):
    """It comes from the first comment of the cell, or is the figure's description; each kind is numbered."""
    for path in NOTEBOOKS:
        page = pages[f"{path.stem}.html"]
        comments = [re.match("# (?:Figure|Picture|Display|Table): (.+)", cell.source) for cell in read(path, "code")]
        captions = [one.get_text(" ") for one in page.select("figcaption")]
        told = [
            builder.typeset(part)[1:].rstrip(".") for comment in comments if comment for part in comment[1].split("; table: ")
        ]
        assert [text for text in told if not any(text in caption for caption in captions)] == []
        assert all(figure.figcaption for figure in page.select("figure:has(> .plate)"))
        for kind in ("Figure", "Table", "Display"):
            numbers = [int(match[1]) for match in (re.match(rf"{kind} (\d+)\.", caption) for caption in captions) if match]
            assert numbers == list(range(1, len(numbers) + 1))


def beginnings(cell):
    """Return the level of the heading, or None, with which each piece of a cell begins: it is divided before its headings."""
    if cell.cell_type == "code":
        return [None]
    text = re.sub(r"```.*?```", "", cell.source, flags=re.DOTALL)
    levels = [len(marks) for marks in re.findall(r"^(###?) ", text, re.MULTILINE)]
    return levels if text.startswith("##") else [None, *levels]


def test_a_gate_ends_with_the_section_of_its_verdict(pages, whole_project):
    """By the notebook itself: from the first heading after a vote to the end of the section in which its verdict stands."""
    gated = 0
    for path in NOTEBOOKS:
        notebook, page = nbformat.read(path, as_version=4), pages[f"{path.stem}.html"]
        pieces = [(cell.id, level) for cell in notebook.cells for level in beginnings(cell)]
        starts = {name: place for place, (name, _) in reversed(list(enumerate(pieces)))}
        votes = {"vote": {}, "verdict": {}}
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                kind, _, number = output.get("metadata", {}).get("display", "").partition("_")
                if kind in votes:
                    stored = f"{path.stem[:2]}-{kind}{'_' if number else ''}{number}.json"
                    told = json.loads((whole_project / "notebooks" / "displays" / stored).read_text(encoding="utf-8"))
                    votes[kind][told["id"]] = starts[cell.id]
        expected = {name: [] for name in starts}
        for vote, asked in votes["vote"].items():
            verdict, headings = (
                votes["verdict"][vote],
                [(k, level) for k, (_, level) in enumerate(pieces) if level and k > asked],
            )
            within = [(k, level) for k, level in headings if k <= verdict]
            ends = [k for k, level in headings if k > verdict and level <= min(level for _, level in within)]
            for name, start in starts.items():
                if within[0][0] <= start < ends[0]:
                    expected[name].append(vote)
        for section in page.main.select("section[id]"):
            gate = section.find_parent(class_="gate")
            assert (gate["data-votes"] if gate else "") == " ".join(expected[section["id"]]), (path.name, section["id"])
            gated += bool(expected[section["id"]])
    assert gated >= 20


def test_what_follows_a_gate_waits_for_it(pages):
    """Up to the folds, which may be read at any time; and the short answer after them."""
    waiting = 0
    for path in NOTEBOOKS:
        main = pages[f"{path.stem}.html"].main
        if not main.select("details.deeper"):  # it leads on to other pages
            assert not main.select(".later"), path.name
            continue
        going_deeper = next(fold for fold in main.select("details.deeper")).find_previous_sibling("section")
        assert going_deeper.h2.get_text() == "Going deeper"
        before = [one["class"][0] for one in going_deeper.find_previous_siblings(["section", "div"]) if one.get("class")]
        before = [one for one in reversed(before) if one != "title"]
        first = before.index("gate")
        assert set(before[:first]) == {"cell"} and set(before[first:]) == {"gate", "later"}, path.name
        after = going_deeper.find_next_siblings("div", class_="later")
        assert [one.h2.get_text() for one in after] == ["The short answer"], path.name
        assert main.find("h2", string="References").find_parent(class_=["gate", "later"]) is None
        waiting += before.count("later")
    assert waiting >= 9


def test_the_door_says_how_much_follows_and_not_what(pages):
    for path in NOTEBOOKS:
        for gate in pages[f"{path.stem}.html"].select(".gate"):
            said, figures = gate.select_one(".door").get_text(" "), len(gate.select(".inside .plate"))
            assert re.search(r"about \d+ minutes?", said)
            assert (f"{figures} figure" in said) == (figures > 0)
            assert not any(heading.get_text() in said for heading in gate.select(".inside h2, .inside h3"))


def test_no_two_displays_have_one_name(pages, project, spoil, tmp_path):
    names = [one.h2.get_text() for one in pages["displays.html"].select(".card")]
    assert len(names) == len(set(names)) == sum(not builder.is_question(name) for name in STORED)

    def same_names(notebook, cell):
        for cell in notebook.cells:
            if any("display" in output.get("metadata", {}) for output in cell.get("outputs", [])):
                cell.source = "# Display: the same\n" + cell.source
        notebook.metadata.made_from = builder.digest_of(notebook)

    spoil(same_names)
    with pytest.raises(builder.Problem, match="are both called 'The same': give each cell a comment"):
        builder.build(tmp_path / "site", project)


def test_there_is_one_order(pages):
    """On the start page, in the contents of a class's pages, and from page to page: by number."""
    numbers = [path.stem[:2] for path in NOTEBOOKS]
    assert [one.get_text() for one in pages["index.html"].select(".card .number")] == numbers
    assert [one.get_text() for one in pages["plans.html"].select(".card .number")] == [path.stem for path in PLANS]
    shown = [one.get_text() for one in pages["displays.html"].select(".card .number")]
    assert shown == sorted(shown)
    assert [pages[f"{path.stem}.html"].title.get_text()[:2] for path in NOTEBOOKS] == numbers


def test_the_start_page_says_what_is_true(pages):
    """The numbers beside its claims are counted in the notebooks and in the table of planted mistakes."""
    page = pages["index.html"]
    prints = [cell.outputs for path in NOTEBOOKS for cell in read(path, "code")]
    printed = "\n".join(output.text for outputs in prints for output in outputs if output.get("name") == "stdout")
    checks = sum(map(int, re.findall(r"^✓ (\d+) check", printed, re.MULTILINE)))
    table = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    planted, caught = re.search(r"\nall +(\d+) +(\d+)", table).groups()
    assert [one.get_text() for one in page.select(".trust strong")] == ["All", str(checks), caught, "0"]
    assert f"of {planted} mistakes" in page.select_one(".trust").get_text()
    assert (ROOT / "tests" / "test_numbers.py").read_text(encoding="utf-8").strip() == pages[
        "proof-numbers.html"
    ].pre.get_text().strip()


def test_sentences_stand_in_the_file_of_texts():
    """Templates hold no word of their own, neither as text nor in what a screen reader says, and every text has a use."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "website").glob("*.html"))}
    for name, text in sources.items():
        page = BeautifulSoup(re.sub(r"{%.*?%}|{{.*?}}", " ", text), "html.parser")
        told = [one.get(key, "") for one in page.find_all() for key in ("aria-label", "alt", "title", "placeholder")]
        told += [text for text in page.find_all(string=True) if text.parent.name != "script" and not isinstance(text, Doctype)]
        assert re.findall(r"[A-Za-z]{2,}", " ".join(told)) == [], name
    sources |= {"build.py": (ROOT / "tools" / "build.py").read_text(encoding="utf-8")}
    made = {f"gate.{name}" for name in builder.WEIGHTS} | {
        f"nav.{name}" for name in ("lessons", "playground", "displays", "plans")
    }
    made |= {f"language.{code}" for code in ("ja", "ru", "zh-Hans", "zh-Hant")}
    made |= {f"proof.{name}{part}" for name in builder.PROOFS for part in ("", ".note")}
    everything = "".join(sources.values())
    unused = [name for name in builder.TEXTS if name not in {"script", "figure", "display", "table", *made}]
    assert [name for name in unused if f'"{name}"' not in everything and f"'{name}'" not in everything] == []
    script = (ROOT / "website" / "site.js").read_text(encoding="utf-8")
    assert [name for name in builder.TEXTS["script"] if f'"{name}"' not in script] == []


def test_the_search_knows_which_votes_come_before_a_sentence(site, pages):
    """What stands after a vote is not found by a reader who has not voted."""
    entries = json.loads((site / "search.js").read_text(encoding="utf-8").removeprefix("window.searchIndex = ").rstrip(";\n"))
    lesson = f"{NOTEBOOKS[3].stem}.html"
    votes = [one["data-votes"] for one in pages[lesson].select(".answers .state")]
    of = {heading: (after, gate, texts) for page, _, heading, _, after, gate, texts in entries if page == lesson}
    assert of["See it"][:2] == [[], ""] or of["See it"][:2] == ([], "")
    assert of["Take home"][0] == votes and of["Take home"][2]
    assert of["Why"][0] == votes[:1] and of["Why"][1] == "gate-1"
    headings = {heading for page, _, heading, *_ in entries if page == lesson}
    assert {one.get_text() for one in pages[lesson].select(".places a")} <= headings
    ids = {name: {one["id"] for one in page.select("[id]")} for name, page in pages.items()}
    assert all(page in pages and set(filter(None, (anchor, gate))) <= ids[page] for page, _, _, anchor, _, gate, _ in entries)


def test_html_of_an_output_is_kept(project, spoil, tmp_path):
    """Such as the card of a diagnosis: with its colours, and with its links to sections of other notebooks."""
    card = '<div class="ae-diagnosis" style="color: red"><a href="03_why.ipynb#Is-x-&lt;-0-%3F">dead</a></div>'
    frame = '<style scoped>th {}</style><table border="1" class="dataframe"><tr><td>1</td></tr></table>'
    made = [nbformat.v4.new_output("display_data", {"text/html": text, "text/plain": ""}) for text in (card, frame)]
    spoil(lambda notebook, cell: cell.update(outputs=made))
    text = (builder.build(tmp_path / "site", project) / f"{NOTEBOOKS[0].stem}.html").read_text(encoding="utf-8")
    card = card.replace("03_why.ipynb#Is-x-&lt;-0-%3F", "03_why.html#is-x-0")
    table = '<table class="dataframe"><tr><td class="number">1</td></tr></table>'
    for label, kept in {"result": card, "table": table}.items():
        assert re.search(f'<div [^>]*aria-label="{label}">{re.escape(kept)}</div>', text)


def test_a_table_is_for_readers():
    """One row of headings, no underscores, a dash for no value, and numbers at the right, each under its heading."""
    frame = pd.DataFrame({"test_mse": [0.5, None], "kind": ["a_b", "nan"], "left out": [-1, 2]}, index=["code/kernel", "bias"])
    made = BeautifulSoup(builder.tidied(frame.rename_axis("weight").to_html()), "html.parser")
    assert [[one.get_text() for one in row.select("th, td")] for row in made.select("tr")] == [
        ["weight", "squared error, test set", "kind", "left out"],
        ["code/kernel", "0.5", "a b", "−1"],
        ["bias", "–", "NaN", "2"],  # the second is what a program printed
    ]
    right = [[bool(one.get("class")) for one in row.select("th, td")] for row in made.select("tr")]
    assert right == [[False, True, False, True]] * 3
    pairs = pd.DataFrame({"x": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["model", "steps"]))
    made = BeautifulSoup(builder.tidied(pairs.to_html()), "html.parser")
    assert [one.get_text() for one in made.thead.select("th")] == ["model", "steps", "x"]
    assert [len(row.select(".number")) for row in made.select("tr")] == [1, 1, 1]


def test_tables_and_captions_of_the_lessons_are_for_readers(pages):
    for path in NOTEBOOKS:
        page = pages[f"{path.stem}.html"]
        for table in page.select("main .wide table"):
            assert len(table.select("thead tr")) == 1, path.name
            assert [one.get_text() for one in table.select("thead th") if re.search(r"[a-z]_[a-z]", one.get_text())] == []
        captions = [one.get_text().partition(". ")[2] for one in page.select("figcaption")]
        assert len(captions) == len(set(captions)), path.name


def test_the_website_says_nothing_of_running_cells(pages):
    """What a cell says to those who have the notebook open is said otherwise here, and notebooks are lessons with links."""
    for path in NOTEBOOKS:
        page = pages[f"{path.stem}.html"]
        text = " ".join(one.get_text(" ") for one in page.select(".markdown, .title"))
        found = re.findall(r"Run all|Restart Kernel|run the next|next cell|classroom/|\bnotebooks? \d\d\b", text, re.IGNORECASE)
        assert found == [], path.name
        assert not [one for one in page.select("main a") if re.match(r"\d\d_", one.get_text())], path.name
    start = pages[f"{NOTEBOOKS[0].stem}.html"]
    assert "black square" in start.main.p.find_next("p").get_text() + start.main.get_text()
    assert [one["src"] for one in start.select("table img")] == [f"pictures/card-{path.stem[:2]}.png" for path in NOTEBOOKS[1:]]


def test_a_cell_may_have_another_text_for_the_website_or_none(project, spoil, tmp_path):
    def other(notebook, cell):
        notebook.cells[0].metadata["web"] = "# A title\n\nFor the website. See notebook 00, and [notebook 00](00.ipynb)."
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell("Only here.", metadata={"tags": ["only-lab"]}))

    spoil(other)
    text = (builder.build(tmp_path / "site", project) / f"{NOTEBOOKS[0].stem}.html").read_text(encoding="utf-8")
    assert "Only here" not in text and "For the website" in text and ">A title</h1>" in text
    assert f'<a href="{NOTEBOOKS[0].stem}.html">lesson 00</a>' in text


def test_lessons_lead_to_colab_where_it_can_find_them(pages, project, monkeypatch, tmp_path, capsys):
    where = "colab.research.google.com"
    assert not any(where in str(page) for page in pages.values())
    site = builder.build(tmp_path / "site", project, "owner/a-name")
    page = BeautifulSoup((site / f"{NOTEBOOKS[0].stem}.html").read_text(encoding="utf-8"), "html.parser")
    (link,) = page.select(f"a[href*='{where}']")
    assert link["href"] == f"https://{where}/github/owner/a-name/blob/HEAD/notebooks/{NOTEBOOKS[0].name}"
    monkeypatch.setenv("GITHUB_REPOSITORY", 'a"b')
    assert builder.main([str(tmp_path / "none")]) == 1 and "must be owner/name, got" in capsys.readouterr().err


def test_words_are_not_taken_for_html(project, tmp_path):
    (project / "classroom" / "lesson_plans" / "01.md").write_text("# Is `a < b` & *c*?\n", encoding="utf-8")
    site = builder.build(tmp_path / "site", project)
    for name, tag in {"plan-01.html": "title", "plans.html": "h2"}.items():
        assert f">Is a &lt; b &amp; c?</{tag}>" in (site / name).read_text(encoding="utf-8")


def test_it_is_small(site, pages):
    """4 MB a page with all that it loads, 24 MB in all; few words to begin with."""
    assert len(pages["index.html"].body.get_text(" ").split()) <= 420
    for name, page in pages.items():
        assert sum((site / file).stat().st_size for file in {*files_of(page), name}) <= 4e6, name
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) <= 24e6


def test_the_same_input_gives_the_same_bytes(site, whole_project, tmp_path):
    again = builder.build(tmp_path / "again", whole_project)
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
