"""Write the static website: the command behind `python3 run.py site`.

    python3 run.py site [folder]     into the folder "site" of the project, or into another

The pages show the stored outputs of the notebooks; their displays compute in the page. The same input gives the same bytes.
"""

import base64
import html
import io
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

import mistune
import nbformat
from aehelpers.displays.page import STYLE, source
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from latex2mathml.converter import convert
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from tools.digest import digest_of

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "website"
MARK = '<meta name="generator" content="aehelpers website">'
START_DISPLAY = "00-drawing_pad"
# What is said below a cell that does nothing without a kernel.
COMMANDS = "<code>python3 run.py lab</code> opens the notebook, <code>python3 run.py test</code> runs it."
NEEDS_PYTHON = f"This needs Python on your computer: {COMMANDS}"
TRAINING = f"The training ran when this page was made. To train needs Python on your computer: {COMMANDS}"
TEMPLATES = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
FUNCTION_NAME = re.compile(r"<mi>(ln|log|exp)</mi>(<mo stretchy=\"false\">&#x00028;)?")
MARKED_FORMULA = r"\$(?P<formula>[^$\n]+)\$(?P<mark>[,.;:?)]+)"
NOTEBOOK = re.compile(r"(?:\.\./\.\./notebooks/)?(\d\d_\w+)\.ipynb(?:#(.*))?")


class Problem(Exception):
    """Why there is no website; shown as a sentence."""


def mathml(formula, display="inline"):
    """Return a formula as MathML."""
    return FUNCTION_NAME.sub(set_apart, convert(formula, display=display).replace("\n", " "))


def set_apart(match):
    """Give the name of a function the space that it has in print: none before a parenthesis."""
    name, parenthesis = match.groups()
    after = "0" if parenthesis else "0.17em"
    return f'<mo lspace="0.17em" rspace="{after}">{name}</mo>{parenthesis or ""}'


def highlighted(code, language="python"):
    """Return code in colours, which the keyboard can scroll where it is wider than the page."""
    code = highlight(code, get_lexer_by_name(language), HtmlFormatter(nowrap=True))
    return f'<div class="highlight"><pre tabindex="0">{code}</pre></div>\n'


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

    def block_code(self, code, info=None):
        return highlighted(code, info or "text")

    def block_math(self, text):
        return f'<div class="math" tabindex="0" role="group" aria-label="formula">{mathml(text, "block")}</div>\n'

    def inline_math(self, text):
        return mathml(text)

    def marked_formula(self, text, mark):
        return f'<span class="together">{mathml(text)}{mark}</span>'  # no line begins with the mark

    def link(self, text, url, title=None):
        return super().link(text, page_of(url), title)

    def table(self, text):
        return f'<div class="wide" tabindex="0" role="region" aria-label="table"><table>\n{text}</table></div>\n'


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
        self.displays = {}  # names of the stored displays, each with the heading that it stands under, in the page's order
        self.parts = [{"summary": "", "cells": []}]  # one that has a summary is folded
        self.prepare()

    def prepare(self):
        """Make of each cell what the template needs; note the headings and the displays."""
        taken = {cell.id for cell in self.notebook.cells}
        for cell in self.notebook.cells:
            if cell.cell_type == "code":
                self.parts[-1]["cells"].append(self.prepare_code(cell))
                continue
            # What is collapsed and no gate is a section of *Going deeper*.
            folded = cell.metadata.get("jp-MarkdownHeadingCollapsed", False) and "gate" not in cell.metadata.get("tags", [])
            summary, text = cell.source.split("\n", 1) if folded else ("", cell.source)
            summary, headings = from_markdown(summary, taken)
            text, more = from_markdown(text, taken)
            headings += more
            if cell.source.startswith("#"):
                headings[0]["id"] = cell.id
                if folded or (self.parts[-1]["summary"] and headings[0]["level"] <= 3):
                    # The fold has the cell's id, so that a link to it opens it and shows its heading.
                    self.parts.append({"summary": summary, "id": cell.id, "cells": []})
            self.title = next((heading["text"] for heading in headings if heading["level"] == 1), self.title)
            self.contents += [heading for heading in headings if heading["level"] in (2, 3)]
            self.parts[-1]["cells"].append({"kind": "markdown", "id": "" if folded else cell.id, "html": text})

    def prepare_code(self, cell):
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        first = cell.source.partition("\n")[0].removeprefix("# ")
        made = {"kind": "code", "id": cell.id, "folded": folded, "purpose": first, "outputs": [], "needs_kernel": ""}
        made["html"] = highlighted(cell.source)
        if "@ipywidgets.interact" in cell.source:
            made["needs_kernel"] = NEEDS_PYTHON
        elif "ae.fit(" in cell.source and not folded:
            made["needs_kernel"] = TRAINING
        for place, output in enumerate(cell.outputs):
            output = self.prepare_output(output, f"{self.number}-{cell.id}-{place}")
            if output:
                made["outputs"].append(output)
        return made

    def prepare_output(self, output, name):
        data = output.get("data", {})
        if "image/png" in data:
            kind = output.metadata.get("display")
            stored = f"{self.number}-{kind}"
            if kind:
                self.displays[stored] = self.contents[-1]["text"] if self.contents else self.title
                if is_vote(stored):
                    return {"kind": "vote", "id": f"display-{kind}", "name": stored, "is_asked": "-vote" in stored}
            image = base64.b64decode(data["image/png"])
            (self.folder / "images" / f"{name}.png").write_bytes(image)
            about = output.metadata.get("image/png", {})
            # A figure's pixels are CSS pixels; a screenshot has two for each.
            width, height = Image.open(io.BytesIO(image)).size
            made = {
                "kind": "image",
                "image": f"images/{name}.png",
                "alt": about.get("alt", ""),
                "width": width,
                "height": height,
            }
            if kind:
                made |= {"kind": "display", "id": f"display-{kind}", "name": stored}
            return made
        if "text/html" in data:
            text = data["text/html"]
            label = "table" if re.match(r"\s*(<div>\s*)?(<style.*?</style>\s*)?<table", text, re.DOTALL) else "result"
            text = re.sub(r"<style.*?</style>| border=\"1\"", "", text, flags=re.DOTALL)
            text = re.sub(r'href="([^"]*)"', lambda found: f'href="{page_of(found[1])}"', text)
            return {"kind": "html", "html": text, "label": label}
        text = output.get("text") or data.get("text/plain", "")
        return {"kind": "text", "text": text} if text.strip() and output.get("name") != "stderr" else None


def is_vote(name):
    return re.search("-(vote|verdict|exercise|self_test)", name) is not None


def write_page(folder, name, template, **parts):
    """Write one page."""
    text = TEMPLATES.get_template(template).render(**{"kind": "", "displays": [], **parts})
    (folder / name).write_text(text + "\n", encoding="utf-8", newline="\n")


def write_lessons(folder, books):
    for place, book in enumerate(books):
        neighbours = {"previous": books[place - 1] if place else None, "next": (books[place + 1 :] or [None])[0]}
        parts = {"title": book.title, "displays": list(book.displays), "votes": any(map(is_vote, book.displays))}
        write_page(folder, book.page, "lesson.html", kind="lesson", book=book, commands=COMMANDS, **neighbours, **parts)


def write_displays(folder, root, books):
    """Write what the displays hand to their pages, a page for each that is no vote, and their list."""
    for book in books:
        book.pages = []
        for name, section in book.displays.items():
            path = root / "notebooks" / "displays" / f"{name}.json"
            if not path.is_file():
                raise Problem(
                    f"{book.path.name} shows {path.name}, which is not there: run `python3 run.py notebooks {name[:2]}` first"
                )
            text = path.read_text(encoding="utf-8")
            line = f'(window.displayData ??= {{}})["{name}"] = {text};\n'
            (folder / "data" / f"{name}.js").write_text(line, encoding="utf-8", newline="\n")
            if is_vote(name):
                continue
            one = {"page": f"display-{name}.html", "label": json.loads(text)["name"], "section": section}
            book.pages.append(one)
            title = f"{one['label']}: {section}"
            parts = {"title": title, "kind": "large", "displays": [name], "book": book}
            write_page(folder, one["page"], "display.html", label=one["label"], **parts)
    write_page(folder, "displays.html", "displays.html", title="Displays, large", books=books)


def write_plans(folder, root):
    plans = {}
    for path in sorted((root / "classroom" / "lesson_plans").glob("*.md")):
        text, headings = from_markdown(path.read_text(encoding="utf-8"))
        name, title = f"plan-{path.stem}.html", headings[0]["text"]
        write_page(folder, name, "plan.html", title=title, text=text)
        plans[name] = title
    write_page(folder, "plans.html", "plans.html", title="Lesson plans", plans=plans)


def write_start(folder, books):
    first, *lessons = books
    parts = {"title": "Why does my autoencoder do that?", "kind": "start", "displays": [START_DISPLAY]}
    write_page(folder, "index.html", "start.html", first=first, lessons=lessons, **parts)


def build(folder, root=ROOT):
    """Write the website into a folder, whole or not at all.

    Parameters
    ----------
    folder : Path
        Does not exist, is empty, or holds an earlier website, which is replaced.
    root : Path
        The project.

    Raises
    ------
    Problem
        If the folder holds something else, or the outputs of a notebook are not those of its cells.
    """
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
        write_lessons(site, books)
        for picture in sorted((root / "notebooks" / "pictures").glob("[0-9]*.png")):
            shutil.copyfile(picture, site / "pictures" / picture.name)
        write_displays(site, root, books)
        write_plans(site, root)
        write_start(site, books)
        (site / "site.css").write_text((HERE / "site.css").read_text(encoding="utf-8") + STYLE, encoding="utf-8")
        code = source() + (HERE / "site.js").read_text(encoding="utf-8")
        (site / "site.js").write_text(f'"use strict";\n(() => {{\n{code}}})();\n', encoding="utf-8", newline="\n")
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
        folder = build(Path(*arguments) if arguments else ROOT / "site")
    except Problem as problem:
        print(f"There is no website: {problem}.", file=sys.stderr)
        return 1
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{len(files)} files, {size:.1f} MB in {folder}; open index.html there in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
