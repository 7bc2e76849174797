"""Write the static website: the command behind `python3 run.py site`.

    python3 run.py site [folder]     into the folder "site" of the project, or into another

With the environment variable GITHUB_REPOSITORY (owner/name, as workflows have it), each lesson has a link to Colab.
The pages show the stored outputs of the notebooks; their displays compute in the page. The same input gives the same bytes.
"""

import base64
import html
import io
import itertools
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

import mistune
import nbformat
from aehelpers.displays.page import STYLE, as_json, source
from aehelpers.displays.playground import CHALLENGES, PRESETS, playground
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from latex2mathml.converter import convert
from markupsafe import Markup
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from tools import figures, reference
from tools.digest import digest_of
from tools.gates import Segment, in_order, segments

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "website"
MARK = '<meta name="generator" content="aehelpers website">'
LANG = "en"
TEXTS = json.loads((HERE / "texts" / f"{LANG}.json").read_text(encoding="utf-8"))
START_DISPLAY = "00-drawing_pad"
QUESTIONS = ("vote", "verdict", "exercise", "self_test")  # displays that belong to their place in a lesson
YOUR_TURN = "Your turn"  # the heading below which a lesson leads to the playground
CAPTION = re.compile(r"# (Figure|Picture|Display|Table): (.+)")
MINUTES = re.compile(r"takes (\d+) minutes")
# Files that the start page names as proof: each is a page, so that the link works wherever the site stands.
PROOFS = {"numbers": "tests/test_numbers.py", "requests": "tests/tools/test_site.py"}
MEASURED = "benchmarks/README.md"
NARROW = 780  # pixels: beside such a figure there is room for its caption, on a wide screen
SHORT_ANSWER = "short-answer"  # the id of the cell, in each notebook
# How much of a lesson's time is spent on each thing, in words that are read meanwhile.
WEIGHTS = {"figures": 40, "tables": 40, "displays": 150, "votes": 80}
FUNCTION_NAME = re.compile(r"<mi>(ln|log|exp)</mi>(<mo stretchy=\"false\">&#x00028;)?")
MARKED_FORMULA = r"\$(?P<formula>[^$\n]+)\$(?P<mark>[,.;:?)]+)"
COLAB = "https://colab.research.google.com/github/{repository}/blob/HEAD/notebooks/{name}"
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
NOTEBOOK = re.compile(r"(?:\.\./\.\./notebooks/)?(\d\d_\w+)\.ipynb(?:#(.*))?")


def say(key, **values):
    """Return a text of the site in its language, which may contain HTML; ``n`` decides between one and several."""
    text = TEXTS[key]
    if isinstance(text, dict):
        text = text["one" if values["n"] == 1 else "other"]
    return text.format(**values) if values else text


TEMPLATES = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
TEMPLATES.globals |= {"say": lambda key, **values: Markup(say(key, **values)), "lang": LANG, "card_size": figures.CARD}


def unbroken(text):
    """Keep a line from ending within 2-D or 784-784-784."""
    return Markup(re.sub(r"\w+(?:-\w+)+", r'<span class="together">\g<0></span>', html.escape(text)))


TEMPLATES.filters["unbroken"] = unbroken


class Problem(Exception):
    """Why there is no website; shown as a sentence."""


def typeset(text):
    """Give a text the marks of print: curly quotes, and no line end between a number and its percent sign."""
    text = re.sub(r"(^|[\s(\[—–])\"(?=\w|$)", r"\1“", text).replace('"', "”")
    text = re.sub(r"(^|[\s(\[“])'(?=\w)", r"\1‘", text).replace("'", "’")
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)


def mathml(formula, display="inline"):
    """Return a formula as MathML."""
    return FUNCTION_NAME.sub(set_apart, convert(formula, display=display).replace("\n", " "))


def set_apart(match):
    """Give the name of a function the space that it has in print: none before a parenthesis."""
    name, parenthesis = match.groups()
    after = "0" if parenthesis else "0.17em"
    return f'<mo lspace="0.17em" rspace="{after}">{name}</mo>{parenthesis or ""}'


def highlighted(code, language="python"):
    """Return code in colours; a line that is wider than the page goes on below, indented by more than it begins with."""
    lines = highlight(code, get_lexer_by_name(language), HtmlFormatter(nowrap=True)).splitlines()
    texts = code.splitlines()
    indents = [len(text) - len(text.lstrip()) for text in texts]
    made = (f'<span class="line" style="--in:{indent}">{line}\n</span>' for indent, line in zip(indents, lines, strict=False))
    return f'<div class="highlight"><pre>{"".join(made)}</pre></div>\n'


def address(text):
    """Make the address of a heading; that of JupyterLab, with which links in notebooks end, becomes the same."""
    return re.sub(r"[^a-z0-9]+", "-", unquote(html.unescape(text)).lower()).strip("-")


def page_of(link):
    """Let a link to a notebook lead to its page."""
    match = NOTEBOOK.fullmatch(link)
    if not match:
        return link
    name, heading = match.groups()
    return f"{name}.html#{address(heading)}" if heading else f"{name}.html"


def plain(text):
    """Return a piece of HTML as text."""
    return html.unescape(re.sub(r"<[^>]+>", "", text))


class Renderer(mistune.HTMLRenderer):
    """Makes a page's HTML of Markdown: formulas, links between pages, tables that scroll, headings with addresses.

    ``headings`` notes level, address and text of each; an address in ``taken`` belongs to something else on the page.
    """

    def __init__(self, taken=()):
        super().__init__(escape=False)
        self.taken, self.headings = taken, []

    def heading(self, text, level, **attributes):
        own = address(plain(text))
        self.headings.append({"level": level, "id": own, "text": plain(text)})
        return super().heading(text, level, id=None if own in self.taken else own)

    def text(self, text):
        return super().text(typeset(text))

    def block_code(self, code, info=None):
        return highlighted(code, info or "text")

    def block_math(self, text):
        return f'<div class="math" tabindex="0" role="group" aria-label="{say("formula")}">{mathml(text, "block")}</div>\n'

    def inline_math(self, text):
        return mathml(text)

    def marked_formula(self, text, mark):
        return f'<span class="together">{mathml(text)}{mark}</span>'  # no line begins with the mark

    def link(self, text, url, title=None):
        return super().link(text, page_of(url), title)

    def table(self, text):
        return (
            f'<div class="wide" tabindex="0" role="region" aria-label="{say("region.table")}"><table>\n{text}</table></div>\n'
        )


def marked_formulas(markdown):
    """Teach mistune that a formula and the mark after it are one."""

    def parse(inline, match, state):
        state.append_token({"type": "marked_formula", "raw": match["formula"], "attrs": {"mark": match["mark"]}})
        return match.end()

    markdown.inline.register("marked_formula", MARKED_FORMULA, parse, before="inline_math")


def from_markdown(text, taken=()):
    """Return Markdown as HTML, and its headings."""
    renderer = Renderer(taken)
    made = mistune.create_markdown(renderer=renderer, plugins=["table", "url", "math", marked_formulas])(text)
    for code in dict.fromkeys(re.findall(r'<details lang="([\w-]+)">', made)):
        named = f' <span lang="{LANG}">({say("language." + code)})</span></summary>'
        made = re.sub(rf'(<details lang="{code}"><summary>.*?)</summary>', lambda found: found[1] + named, made)  # noqa: B023
    return made, renderer.headings


def check_outputs(notebook, path):
    """Refuse outputs that were not made by these cells, from top to bottom."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    in_order = [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    if not in_order or notebook.metadata.get("made_from") != digest_of(notebook):
        raise Problem(
            f"the outputs in {path.name} are not those of its cells: run `python3 run.py notebooks {path.stem[:2]}` first"
        )


class Book:
    """One notebook on its way to a page."""

    def __init__(self, path, folder):
        self.path, self.folder, self.number = path, folder, path.stem[:2]
        self.notebook = nbformat.read(path, as_version=4)
        check_outputs(self.notebook, path)
        self.page = f"{path.stem}.html"
        self.title, self.contents = "", []
        self.displays = {}  # stored displays, each with the heading that it stands under and its caption, in the page's order
        self.parts = [{"summary": "", "cells": []}]  # one that has a summary is folded
        self.counted = {"figure": 0, "display": 0, "table": 0}
        self.checks = 0
        self.votes = []
        minutes = MINUTES.search(text_of(self.notebook.cells[0]))
        self.minutes = int(minutes[1]) if minutes else 0
        self.prepare()
        self.note_python()
        self.fold()

    def prepare(self):
        """Make of each cell what the template needs; note the headings and the displays."""
        taken = {cell.id for cell in self.notebook.cells}
        for cell in self.notebook.cells:
            if cell.cell_type == "code":
                self.parts[-1]["cells"].append(self.prepare_code(cell))
                continue
            if "only-lab" in cell.metadata.get("tags", []):
                continue
            folded = "gate" not in cell.metadata.get("tags", []) and cell.metadata.get("jp-MarkdownHeadingCollapsed", False)
            pieces = pieces_of(for_web(text_of(cell)))
            if folded:
                # The fold has the cell's id, so that a link to it opens it and shows its heading.
                summary, _, pieces[0] = pieces[0].partition("\n")
                summary, headings = from_markdown(summary, taken)
                summary = re.sub(r"\(\d+ minutes?\)", r'<span class="together">\g<0></span>', summary)
                headings[0]["id"] = cell.id
                self.note(headings)
                self.parts.append({"summary": summary, "id": cell.id, "cells": []})
            elif self.parts[-1]["summary"] and re.match("#{1,3} ", cell.source):
                self.parts.append({"summary": "", "id": "", "cells": []})
            for place, piece in enumerate(pieces):
                text, headings = from_markdown(piece, taken)
                begins = piece.startswith("#") and bool(headings)
                if begins and not place and not folded:
                    headings[0]["id"] = cell.id
                self.note(headings)
                made = new_cell("markdown", "" if place or folded else cell.id, html=text)
                made["heading"] = headings[0] if begins and headings[0]["level"] in (2, 3) else None
                made["words"] = len(plain(text).split())
                if begins and headings[0]["text"] == YOUR_TURN and self.number in PRESETS:
                    made["html"] += self.to_the_playground()
                if begins and headings[0]["level"] == 1:
                    made["html"] = re.sub(r"^<h1.*?</h1>\n?", "", text)  # it stands above, with the number
                if made["html"].strip():
                    self.parts[-1]["cells"].append(made)

    def to_the_playground(self):
        """Return where this lesson's model trains, and its challenges."""
        links = [say("playground.preset", id=self.number)]
        links += [
            say("playground.challenge", id=name, title=one.title)
            for name, one in CHALLENGES.items()
            if one.lesson == self.number
        ]
        return f"<p>{say('playground.turn')} {' '.join(links)}</p>"

    def note(self, headings):
        self.title = next((heading["text"] for heading in headings if heading["level"] == 1), self.title)
        self.contents += [heading | {"gate": None} for heading in headings if heading["level"] in (2, 3)]

    def prepare_code(self, cell):
        first, _, _ = cell.source.partition("\n")
        is_first = not any(one["kind"] == "code" for part in self.parts for one in part["cells"])
        is_imports = is_first and cell.source.startswith(("import ", "from "))
        made = new_cell("code", cell.id, html=highlighted(cell.source))
        made["plumbing"] = is_imports or cell.metadata.get("jupyter", {}).get("source_hidden", False)
        made["tells"] = "answers" in cell.metadata.get("tags", [])
        made["shown"] = "shown" in cell.metadata.get("tags", [])
        made["lines"] = cell.source.count("\n") + 1
        made["first"] = first.removeprefix("# ")
        made["draws"] = any({"image/png", "text/html"} & set(output.get("data", {})) for output in cell.outputs)
        made["python"] = "@ipywidgets.interact" in cell.source
        caption = CAPTION.match(first)
        # A cell may draw a figure and show a table: "# Figure: the curve; table: its numbers".
        of_picture, _, of_table = caption[2].partition("; table: ") if caption else ("", "", "")
        captions = {"picture": as_sentence(of_picture), "table": as_sentence(of_table or of_picture)}
        for place, output in enumerate(cell.outputs):
            output = self.prepare_output(output, f"{self.number}-{cell.id}-{place}", made, captions)
            if output:
                made["outputs"].append(output)
        return made

    def prepare_output(self, output, name, cell, captions):
        data, caption = output.get("data", {}), captions["picture"]
        if "image/png" in data:
            kind = output.metadata.get("display")
            if kind and is_question(kind):
                return self.prepare_question(kind, cell)
            image = base64.b64decode(data["image/png"])
            (self.folder / "images" / f"{name}.png").write_bytes(image)
            about = output.metadata.get("image/png", {})
            image = Image.open(io.BytesIO(image))
            alt = about.get("alt", "")
            made = {"image": f"images/{name}.png", "alt": alt, "width": image.width, "height": image.height}
            if kind:
                stored = f"{self.number}-{kind}"
                section = self.contents[-1]["text"] if self.contents else self.title
                self.displays[stored] = {"section": section, "caption": caption, "image": image}
                made |= {"kind": "display", "id": f"display-{kind}", "name": stored}
            else:
                made |= {"kind": "figure", "dark": f"images/{name}-dark.png"}
                dark = figures.as_png(figures.darkened(image))
                (self.folder / "images" / f"{name}-dark.png").write_bytes(dark)
                caption = caption or typeset(alt)
                made["beside"] = image.width <= NARROW
            return made | self.captioned(made["kind"], caption)
        if "text/html" in data:
            text = data["text/html"]
            is_table = re.match(r"\s*(<div>\s*)?(<style.*?</style>\s*)?<table", text, re.DOTALL)
            text = re.sub(r"<style.*?</style>| border=\"1\"", "", text, flags=re.DOTALL)
            text = re.sub(r'href="([^"]*)"', lambda found: f'href="{page_of(found[1])}"', text)
            named = say("lesson.name", number=r"\2")  # a link that shows the name of a file
            text = re.sub(r"(<a [^>]*>)(\d\d)_\w+(</a>)", rf"\1{named}\3", text)
            text = re.sub(r"<table[^>]*dataframe.*?</table>", lambda found: tidied(found[0]), text, flags=re.DOTALL)
            made = {"kind": "html", "html": text, "region": "region.table" if is_table else "region.result"}
            return made | self.captioned("table", captions["table"] if is_table else None)
        text = output.get("text") or data.get("text/plain", "")
        if not text.strip() or output.get("name") == "stderr":
            return None
        self.checks += sum(map(int, re.findall(r"^✓ (\d+) checks? hold", text, re.MULTILINE)))
        is_table = caption and cell["first"].startswith("Table") and not cell["draws"]
        return {"kind": "text", "text": text} | self.captioned("table", caption if is_table else None)

    def prepare_question(self, kind, cell):
        """A vote, a verdict, an exercise or a self-test: it is alive on the page, and no picture is shown of it."""
        stored = f"{self.number}-{kind}"
        self.displays[stored] = None
        made = {"kind": "question", "id": f"display-{kind}", "name": stored, "question": re.sub(r"_\d+$", "", kind)}
        told = json.loads((self.path.parent / "displays" / f"{stored}.json").read_text(encoding="utf-8"))
        if kind.startswith("vote") and "id" in told:
            cell["asks"].append(told["id"])
            self.votes.append({"id": told["id"], "anchor": made["id"]})
        if kind.startswith("verdict") and "id" in told:
            cell["answers"].append(told["id"])
        return made

    def captioned(self, kind, caption):
        """Count what has a caption, and return both."""
        if not caption:
            return {"caption": ""}
        self.counted[kind] += 1
        return {"caption": caption, "label": say(kind, n=self.counted[kind])}

    def note_python(self):
        """Say at the end of a section in which something needs a kernel, once, how to have one."""
        for part in self.parts:
            section = []
            for cell in [*part["cells"], None]:
                if cell is None or (cell["heading"] and cell["heading"]["level"] == 2):
                    if any(one["python"] for one in section):
                        section[-1]["note"] = True
                    section = []
                section.append(cell)

    def fold(self):
        """Divide the parts into what is folded until the reader has voted and what is not."""
        every = [cell for cell in self.parts[0]["cells"]]
        weight = sum(weight_of([cell]) for cell in every)
        asked, gates, waiting = [], 0, 0
        for part, following in itertools.zip_longest(self.parts, self.parts[1:]):
            try:
                found = segments(part["cells"])
            except ValueError as error:
                raise Problem(f"{self.path.name}: {error}") from None
            leads_on = len(self.parts) == 1 or bool(following and following["summary"])
            found = in_order(found, leads_on=leads_on)
            part["segments"] = found if part["summary"] or not gates else answers_apart(found)
            for segment in part["segments"]:
                segment.id, segment.parts = "", {}
                if segment.later:
                    waiting += 1
                    segment.id = f"later-{waiting}"
                if segment.votes:
                    gates += 1
                    segment.id = f"gate-{gates}"
                    segment.parts = {name: count for name, count in count_of(segment.cells).items() if count}
                    segment.minutes = max(1, round(self.minutes * weight_of(segment.cells) / weight))
                for cell in segment.cells:
                    cell["after"] = list(asked)  # a reader who has not voted yet shall not find this by a search
                    asked += cell["asks"]
                    for entry in self.contents:
                        if cell["heading"] and entry["id"] == cell["heading"]["id"]:
                            entry["gate"] = segment.id


CELL = re.compile(r"(<t[hd])([^>]*>)(.*?)(</t[hd]>)", re.DOTALL)
NUMBER = re.compile(r"[-+−–]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?\s*%?|–|NaN")
WORDS = {"mse": "squared error", "bce": "cross entropy", "kl": "KL", "sigma2": "σ²", "mnist": "MNIST", "min": "smallest"}
WORDS |= {"max": "largest", "fashion_mnist": "Fashion-MNIST", "test_mse": "squared error, test set"}
WORDS |= {"test_bce": "cross entropy, test set"}


def in_words(name):
    """Return a name of the code as a reader's words: no underscores, and no short forms of its own."""
    if name in WORDS:
        return WORDS[name]
    if re.search(r"\S/\S", name):  # of a layer
        return name

    def apart(found):
        return WORDS.get(found[0]) or " ".join(WORDS.get(word, word) for word in found[0].split("_"))

    return re.sub(r"\b[a-z]+(?:_[a-z0-9]+)+\b", apart, name)


def tidied(text):
    """Return the HTML of a table of pandas for readers: one row of headings, words instead of names, numbers that line up."""
    head = re.search(r"<thead>(.*?)</thead>", text, re.DOTALL)
    rows = re.findall(r"<tr.*?</tr>", head[1], re.DOTALL) if head else []
    if len(rows) == 2:
        upper, lower = ([cell[2] for cell in CELL.findall(row)] for row in rows)
        if len(upper) == len(lower):
            both = [" / ".join(dict.fromkeys(filter(None, (low, high)))) for high, low in zip(upper, lower, strict=True)]
            cells = "".join(f"<th>{cell}</th>" for cell in both)
            text = text.replace(head[0], f"<thead><tr>{cells}</tr></thead>")

    def reworded(match):
        opening, attributes, content, closing = match.groups()
        content = {"NaN": "–", "None": "–", "nan": "NaN"}.get(content) or in_words(content)  # NaN is pandas's
        return f"{opening}{attributes}{content.replace('-', '−', 1) if NUMBER.fullmatch(content) else content}{closing}"

    text = CELL.sub(reworded, text)
    rows = re.findall(r"<tr.*?</tr>", text, re.DOTALL)
    values = [[content for opening, _, content, _ in CELL.findall(row) if opening == "<td"] for row in rows]
    columns = max(map(len, values), default=0)  # of numbers or words; headings of rows stand before them
    within = [[row[place] for row in values if len(row) == columns] for place in range(columns)]
    numbers = {place - columns for place, column in enumerate(within) if all(map(NUMBER.fullmatch, column))}  # from the end

    def aligned(row):
        places = itertools.count(-len(CELL.findall(row)))
        return CELL.sub(
            lambda one: one[1] + (' class="number"' if next(places) in numbers else "") + one[0][len(one[1]) :], row
        )

    return re.sub(r"<tr.*?</tr>", lambda row: aligned(row[0]), text, flags=re.DOTALL)


def answers_apart(found):
    """Let the short answer, which stands after the folds, wait for the gates too, up to the next section."""
    cells = [cell for segment in found for cell in segment.cells]
    start = next((k for k, cell in enumerate(cells) if cell["id"] == SHORT_ANSWER), None)
    if start is None:
        return found
    ends = (k for k, cell in enumerate(cells) if k > start and cell["heading"] and cell["heading"]["level"] == 2)
    end = next(ends, len(cells))
    made = Segment(cells=cells[:start]), Segment(cells=cells[start:end], later=True), Segment(cells=cells[end:])
    return [segment for segment in made if segment.cells]


def as_sentence(text):
    text = typeset(text)
    return (text[0].upper() + text[1:]).rstrip(".") + "." if text else ""


def new_cell(kind, name, **parts):
    made = {"kind": kind, "id": name, "heading": None, "asks": [], "answers": [], "outputs": [], "words": 0}
    return made | {"python": False, "note": False, "after": []} | parts


def text_of(cell):
    """Return the text of a Markdown cell for the website, which a cell may keep apart in its metadata."""
    return cell.metadata.get("web", cell.source)


def for_web(text):
    """Let the text of a notebook speak of lessons, and each lesson that it names be a link."""

    def linked(found):
        path = next((ROOT / "notebooks").glob(f"{found[2]}_*.ipynb"), None)
        name = say("lesson.name", number=found[2])
        return f"[{name.capitalize() if found[1] == 'N' else name}]({path.name})" if path else found[0]

    text = re.sub(r"(?<!\[)\b([Nn])otebook (\d\d)\b(?!\])", linked, text)
    return re.sub(r"\bnotebooks (\d\d to \d\d)\b", r"lessons \1", text)


def pieces_of(text):
    """Divide Markdown before each heading of level 2 or 3 that is not in a block of code."""
    pieces, is_code = [""], False
    for line in text.splitlines(keepends=True):
        if line.startswith("```"):
            is_code = not is_code
        if re.match("###? ", line) and not is_code and pieces[-1].strip():
            pieces.append("")
        pieces[-1] += line
    return pieces


def count_of(cells):
    """Return how many figures, tables, displays and votes there are."""
    kinds = [output["region" if output["kind"] == "html" else "kind"] for cell in cells for output in cell["outputs"]]
    votes = sum(len(cell["asks"]) for cell in cells)
    return {
        "figures": kinds.count("figure"),
        "tables": kinds.count("region.table"),
        "displays": kinds.count("display"),
        "votes": votes,
    }


def weight_of(cells):
    """Return how long cells take, in words that are read meanwhile."""
    return sum(cell["words"] for cell in cells) + sum(WEIGHTS[kind] * count for kind, count in count_of(cells).items())


def is_question(name):
    """Whether a display is a vote, a verdict, an exercise or a self-test, by its name with or without the notebook's number."""
    return re.sub(r"^\d\d-|_\d+$", "", name) in QUESTIONS


def write(path, text):
    path.write_text(text, encoding="utf-8", newline="\n")


def write_page(folder, name, template, **parts):
    """Write one page; in prose, a block of code is as wide as its lines and scrolls, also by keyboard."""
    if template == "prose.html":
        parts["text"] = parts["text"].replace('"highlight"><pre>', '"highlight"><pre tabindex="0">')
    text = TEMPLATES.get_template(template).render(**{"kind": "", "displays": [], "here": "", "questions": False, **parts})
    write(folder / name, text + "\n")


def write_lessons(folder, books, repository):
    for place, book in enumerate(books):
        neighbours = {"previous": books[place - 1] if place else None, "next": (books[place + 1 :] or [None])[0]}
        parts = {"title": f"{book.number} {book.title}", "displays": list(book.displays), "here": "lessons"}
        parts["questions"] = any(map(is_question, book.displays))
        parts["colab"] = repository and COLAB.format(repository=repository, name=f"{Path(book.page).stem}.ipynb")
        write_page(folder, book.page, "lesson.html", kind="lesson", book=book, **neighbours, **parts)


def write_displays(folder, root, books):
    """Write what the displays hand to their pages, a page for each that is no question, and their list."""
    names = {}
    for book in books:
        book.pages = []
        for name, about in book.displays.items():
            path = root / "notebooks" / "displays" / f"{name}.json"
            if not path.is_file():
                raise Problem(
                    f"{book.path.name} shows {path.name}, which is not there: run `python3 run.py notebooks {name[:2]}` first"
                )
            text = path.read_text(encoding="utf-8")
            write(folder / "data" / f"{name}.js", f'(window.displayData ??= {{}})["{name}"] = {text};\n')
            if about is None:
                continue
            label = about["caption"].removesuffix(".") if about["caption"] else json.loads(text)["name"]
            if label in names:
                raise Problem(f"{names[label]} and {name} are both called {label!r}: give each cell a comment `# Display: ...`")
            names[label] = name
            picture = figures.results_in(about["image"])
            for ending, one in {"": picture, "-dark": figures.darkened(picture)}.items():
                small = one.resize(figures.CARD, Image.Resampling.LANCZOS)
                (folder / "images" / f"card-{name}{ending}.png").write_bytes(figures.as_png(small))
            one = {"page": f"display-{name}.html", "label": label, "section": about["section"], "card": f"images/card-{name}"}
            book.pages.append(one)
            parts = {"title": f"{book.number} {label}", "kind": "large", "displays": [name], "book": book, "here": "displays"}
            write_page(folder, one["page"], "display.html", label=label, **parts)
    title = say("displays.title")
    write_page(folder, "displays.html", "displays.html", title=title, books=books, here="displays", kind="list")


def write_playground(folder):
    """Write the page on which an autoencoder trains."""
    write(folder / "data" / "playground.js", f'(window.displayData ??= {{}})["playground"] = {as_json(playground().data)};\n')
    write_page(
        folder, "playground.html", "playground.html", title=say("playground.title"), kind="play", displays=["playground"]
    )


def write_plans(folder, root, books):
    """Write the lesson plans, and their list."""
    plans = []
    for path in sorted((root / "classroom" / "lesson_plans").glob("*.md")):
        text, headings = from_markdown(path.read_text(encoding="utf-8"))
        book = next((book for book in books if book.number == path.stem), None)
        plans.append({"page": f"plan-{path.stem}.html", "title": headings[0]["text"], "book": book, "headings": headings})
        parts = {"title": headings[0]["text"], "text": text, "here": "plans", "kind": "prose", "note": ""}
        write_page(folder, plans[-1]["page"], "prose.html", **parts)
    write_page(folder, "plans.html", "plans.html", title=say("plans.title"), plans=plans, here="plans", kind="list")
    return plans


def write_proofs(folder, root):
    """Write what the start page names as proof, tables and tests; return how many planted mistakes were caught."""
    measured = (root / MEASURED).read_text(encoding="utf-8")
    text, _ = from_markdown(measured)
    text = re.sub(r"^<h1.*?</h1>\n?", "", text)
    parts = {"kind": "prose proof", "here": ""}
    title = say("measured.title")
    write_page(folder, "measured.html", "prose.html", title=title, note=say("measured.note"), text=text, **parts)
    for name, path in PROOFS.items():
        text = highlighted((root / path).read_text(encoding="utf-8"))
        note = say(f"proof.{name}.note", path=html.escape(path))
        write_page(folder, f"proof-{name}.html", "prose.html", title=say(f"proof.{name}"), note=note, text=text, **parts)
    total = re.search(r"^all +(\d+) +(\d+) ", measured, re.MULTILINE)
    if total is None:
        raise Problem(
            f"{MEASURED} has no line with all planted mistakes: run `python -m benchmarks.mutations` and store its table"
        )
    return {"planted": int(total[1]), "caught": int(total[2])}


def write_reference(folder):
    """Write a page for each public name of the package, and their list."""
    parts = reference.entries()
    look = {"kind": "prose reference", "here": ""}
    write_page(folder, "reference.html", "reference.html", title=say("reference.title"), parts=parts, **look)
    for entry in itertools.chain.from_iterable(parts.values()):
        write_page(folder, entry["page"], "entry.html", title=entry["name"], entry=entry, **look)
    return [entry for names in parts.values() for entry in names]


def write_start(folder, books, planted):
    checks = sum(book.checks for book in books)
    parts = {"title": say("site"), "kind": "start", "displays": [START_DISPLAY], "books": books, "checks": checks}
    write_page(folder, "index.html", "start.html", **parts, **planted)


def write_cards(folder, root, books):
    """Write the pictures of the questions."""
    for book in books:
        picture = root / "notebooks" / "pictures" / f"{book.path.stem}.png"
        columns = 8 if book in (books[0], books[-1]) else 4  # where the start page has room for two cards
        card = figures.card(Image.open(picture), columns)
        (folder / "pictures" / f"card-{book.number}.png").write_bytes(figures.as_png(card))


def sentences_of(text):
    """Return the sentences of a piece of HTML, without formulas, tables, code and what is in another language."""
    text = re.sub(
        r"<details lang.*?</details>|<table.*?</table>|<math.*?</math>|<pre.*?</pre>|<h\d.*?</h\d>", " ", text, flags=re.DOTALL
    )
    paragraphs = re.split(r"</(?:p|li)>", text)
    found = []
    for paragraph in paragraphs:
        words = " ".join(plain(paragraph).split())
        found += [sentence for sentence in re.split(r"(?<=[.?!:]) (?=[A-Z0-9\"“])", words) if len(sentence.split()) > 2]
    return found


def write_search(folder, books, plans, entries):
    """Write the index of the search: page, title, heading, anchor, votes that come before, gate and sentences of each place."""
    places = []
    for book in books:
        place = [book.page, f"{book.number} {book.title}", "", "", [], "", []]
        places.append(place)
        for part in book.parts:
            if part["summary"]:
                place = [book.page, f"{book.number} {book.title}", plain(part["summary"]).strip(), part["id"], [], "", []]
                places.append(place)
            for segment in part["segments"]:
                for cell in segment.cells:
                    if cell["heading"]:
                        own = cell["heading"]
                        place = [book.page, place[1], own["text"], own["id"], cell["after"], segment.id, []]
                        places.append(place)
                    elif cell["after"] != place[4]:  # the same section, but after another vote
                        place = [*place[:4], cell["after"], segment.id, []]
                        places.append(place)
                    place[6] += sentences_of(cell["html"]) if cell["kind"] == "markdown" else []
        places += [[one["page"], f"{book.number} {book.title}", one["label"], "", [], "", []] for one in book.pages]
    for plan in plans:
        places.append([plan["page"], plan["title"], "", "", [], "", []])
    for entry in entries:
        places.append([entry["page"], entry["name"], "", "", [], "", [plain(entry["first"])]])
    text = json.dumps(places, ensure_ascii=False, separators=(",", ":"))
    write(folder / "search.js", f"window.searchIndex = {text};\n")


def write_script(folder):
    """Write style and script, each one file: the displays' and the site's own."""
    write(folder / "site.css", (HERE / "site.css").read_text(encoding="utf-8") + STYLE)
    texts = json.dumps(TEXTS["script"], ensure_ascii=False)
    code = f"{source()}const TEXTS = {texts};\n{(HERE / 'site.js').read_text(encoding='utf-8')}"
    write(folder / "site.js", f'"use strict";\n(() => {{\n{code}}})();\n')
    shutil.copyfile(HERE / "mark.svg", folder / "mark.svg")


def build(folder, root=ROOT, repository=None):
    """Write the website into a folder, whole or not at all.

    Parameters
    ----------
    folder : Path
        Does not exist, is empty, or holds an earlier website, which is replaced.
    root : Path
        The project.
    repository : str, optional
        Where on GitHub the project is, as owner/name: Colab opens notebooks from there. Without it there are no such links.

    Raises
    ------
    Problem
        If ``repository`` is no owner/name, the folder holds something else, or the outputs of a notebook are not those of its
        cells.
    """
    if repository and not REPOSITORY.fullmatch(repository):
        raise Problem(f"GITHUB_REPOSITORY must be owner/name, got {repository!r}")
    folder = Path(folder)
    index = folder / "index.html"
    ours = index.is_file() and MARK in index.read_text(encoding="utf-8")
    if folder.exists() and not ours and (not folder.is_dir() or any(folder.iterdir())):
        raise Problem(f"{folder} holds something that is no website of this project: name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".site-") as made:
        site = Path(made) / "site"
        for part in ("data", "images", "pictures"):
            (site / part).mkdir(parents=True)
        books = [Book(path, site) for path in sorted((root / "notebooks").glob("*.ipynb"))]
        write_displays(site, root, books)
        write_lessons(site, books, repository)
        write_cards(site, root, books)
        write_playground(site)
        plans = write_plans(site, root, books)
        write_start(site, books, write_proofs(site, root))
        write_search(site, books, plans, write_reference(site))
        write_script(site)
        if ours:
            shutil.rmtree(folder)
        elif folder.exists():
            folder.rmdir()
        site.replace(folder)
    return folder


def main(arguments):
    if len(arguments) > 1:
        print(f"site takes one folder, but there are {len(arguments)}: {' '.join(arguments)}", file=sys.stderr)
        return 2
    try:
        folder = build(Path(*arguments) if arguments else ROOT / "site", repository=os.environ.get("GITHUB_REPOSITORY"))
    except Problem as problem:
        print(f"There is no website: {problem}.", file=sys.stderr)
        return 1
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{len(files)} files, {size:.1f} MB in {folder}; open index.html there in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
