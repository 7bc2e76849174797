"""Write the static website: the command behind `python3 run.py site`.

    python3 run.py site [folder]     into the folder "site" of the project, or into another

The pages show the stored outputs of the notebooks; their displays compute in the page. The same input gives the same bytes.
"""

import base64
import html
import io
import re
import shutil
import struct
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

import nbformat
from aehelpers.displays.page import STYLE, source
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html

from tools.regenerate import digest_of

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "website"

MARK = '<meta name="generator" content="aehelpers website">'
START_DISPLAY = "00-drawing_pad"
# What is said below a cell that does nothing without a kernel.
COMMANDS = "<code>python3 run.py lab</code> opens the notebook, <code>python3 run.py test</code> runs it."
NEEDS_PYTHON = f"This needs Python on your computer: {COMMANDS}"
TRAINING = f"The training ran when this page was made. To train needs Python on your computer: {COMMANDS}"
EXERCISE = "Think of an answer, then open the solution below. To have it checked needs Python on your computer: " + COMMANDS
FRAME = Environment(loader=FileSystemLoader(HERE), autoescape=False, undefined=StrictUndefined).get_template("frame.html")
FUNCTION_NAME = re.compile(r"<mi>(ln|log|exp)</mi>(<mo stretchy=\"false\">&#x00028;)?")
CODE_OR_MATH = re.compile(r"(```.*?```|`[^`]*`)|\$\$(.+?)\$\$|\$([^$\n]+)\$([,.;:?)]*)", re.DOTALL)


class Problem(Exception):
    """Why there is no website; shown as a sentence."""


def with_mathml(text):
    """Replace the formulas of Markdown by MathML; code is left alone."""

    def replaced(match):
        code, block, inline, after = match.groups()
        if code:
            return code
        made = convert(block or inline, display="block" if block else "inline").replace("\n", " ")
        made = FUNCTION_NAME.sub(set_apart, made)
        if block:
            return f'<div class="math" tabindex="0" role="group" aria-label="formula">{made}</div>'
        return f'<span class="together">{made}{after}</span>' if after else made

    return CODE_OR_MATH.sub(replaced, text)


def set_apart(match):
    """Give the name of a function the space that it has in print: none before a parenthesis."""
    name, parenthesis = match.groups()
    after = "0" if parenthesis else "0.17em"
    return f'<mo lspace="0.17em" rspace="{after}">{name}</mo>{parenthesis or ""}'


def address(text):
    """Make the address of a heading; that of JupyterLab, with which links in notebooks end, becomes the same."""
    return re.sub(r"[^a-z0-9]+", "-", unquote(html.unescape(text)).lower()).strip("-")


def with_links(text):
    """Let links between notebooks lead to their pages."""

    def replaced(match):
        page, heading = match.groups()
        return f'href="{page}.html#{address(heading)}"' if heading else f'href="{page}.html"'

    return re.sub(r'href="(?:\.\./\.\./notebooks/)?(\d\d_\w+)\.ipynb(?:#([^"]*))?"', replaced, text)


def from_markdown(text):
    """Make a page's HTML of Markdown: formulas, links between pages, tables that scroll, headings with addresses."""
    text = markdown2html(with_mathml(text))
    text = re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", text)
    text = re.sub(r'<(h\d) id="([^"]*)">', lambda found: f'<{found[1]} id="{address(found[2])}">', text)
    table = '<div class="wide" tabindex="0" role="region" aria-label="table"><table>'
    return with_links(pre_in_reach(text)).replace("<table>", table).replace("</table>", "</table></div>")


def pre_in_reach(text):
    """Let the keyboard scroll code that is wider than the page."""
    return text.replace("<pre>", '<pre tabindex="0">')


def exporter():
    made = HTMLExporter(template_name="page", extra_template_basedirs=[str(HERE)], exclude_anchor_links=True)
    made.register_filter("pre_in_reach", pre_in_reach)
    return made


def check_outputs(notebook, path):
    """Refuse outputs that were not made by these cells, from top to bottom."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    in_order = [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    if not in_order or notebook.metadata.get("made_from") != digest_of(notebook):
        raise Problem(
            f"the outputs in {path.name} are not those of its cells: run `python3 run.py notebooks {path.stem[:2]}` first"
        )


def plain(text):
    """Return a piece of HTML as text."""
    return html.unescape(re.sub(r"<[^>]+>", "", text))


class Book:
    """One notebook on its way to a page."""

    def __init__(self, path, folder):
        self.path, self.folder, self.number = path, folder, path.stem[:2]
        self.notebook = nbformat.read(path, as_version=4)
        check_outputs(self.notebook, path)
        self.page = f"{path.stem}.html"
        self.title, self.contents = "", []
        self.displays = {}  # names of the stored displays, each with the heading that it stands under, in the page's order
        self.prepare()

    def prepare(self):
        """Give each cell what the template needs; note the headings and the displays."""
        ids, deeper = {cell.id for cell in self.notebook.cells}, False
        for cell in self.notebook.cells:
            cell.metadata.site = {"opens": [], "closes": [], "id": cell.id}
            site = cell.metadata.site  # nbformat has made a copy
            if cell.cell_type == "code":
                self.prepare_code(cell, site)
                continue
            text = from_markdown(cell.source)
            # A heading's address may be that of a cell, most often its own: then the cell has it.
            text = re.sub(r'(<h\d) id="([^"]*)"', lambda found: found[1] if found[2] in ids else found[0], text)
            headings = list(re.finditer(r'<h(\d)(?: id="([^"]*)")?>(.*?)</h\1>', text))
            first = bool(headings) and not text[: headings[0].start()].strip()
            if deeper and first and int(headings[0][1]) <= 3:
                site["opens"].append("</details>")
                deeper = False
            for place, (level, own, words) in enumerate(found.groups() for found in headings):
                at = cell.id if first and place == 0 else own
                if level == "1":
                    self.title = plain(words)
                elif level in "23":
                    self.contents.append({"level": level, "id": at, "text": plain(words)})
            if cell.metadata.get("jp-MarkdownHeadingCollapsed"):
                # The fold has the cell's id, so that a link to it opens it and shows its heading.
                site["opens"].append(f'<details class="deeper" id="{cell.id}"><summary>{headings[0][0]}</summary>')
                site["id"], text, deeper = "", text[headings[0].end() :], True
            site["html"] = text
        if deeper:
            site["closes"].append("</details>")

    def prepare_code(self, cell, site):
        folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        first = cell.source.partition("\n")[0].removeprefix("# ")
        site.update(folded=folded, purpose=first, outputs=[], needs_kernel="")
        if "@ipywidgets.interact" in cell.source:
            site["needs_kernel"] = NEEDS_PYTHON
        elif "ae.exercise(" in cell.source and not folded:
            site["needs_kernel"] = EXERCISE
        elif "ae.fit(" in cell.source and not folded:
            site["needs_kernel"] = TRAINING
        for place, output in enumerate(cell.outputs):
            made = self.prepare_output(cell, output, f"{self.number}-{cell.id}-{place}")
            if made:
                site["outputs"].append(made)

    def prepare_output(self, cell, output, name):
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
            width, height = struct.unpack(">II", image[16:24])
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
            return {"kind": "html", "html": with_links(text), "label": label}
        text = output.get("text") or data.get("text/plain", "")
        return {"kind": "text", "text": text} if text.strip() and output.get("name") != "stderr" else None


def is_vote(name):
    return "-vote" in name or "-verdict" in name


def page(folder, name, **parts):
    """Write one page into the frame."""
    defaults = {
        "commands": COMMANDS,
        "kind": "",
        "contents": [],
        "previous": None,
        "next": None,
        "votes": False,
        "displays": [],
    }
    (folder / name).write_text(FRAME.render(**{**defaults, **parts}), encoding="utf-8", newline="\n")


def write_displays(folder, root, places, books):
    """Write what the displays hand to their pages, a page for each that is no vote, and their list."""
    lists = {}  # by notebook
    for name, section in places.items():
        path, book = root / "notebooks" / "displays" / f"{name}.json", books[name[:2]]
        if not path.is_file():
            raise Problem(
                f"{book.path.name} shows {path.name}, which is not there: run `python3 run.py notebooks {name[:2]}` first"
            )
        text = path.read_text(encoding="utf-8")
        line = f'(window.displayData ??= {{}})["{name}"] = {text};\n'
        (folder / "data" / f"{name}.js").write_text(line, encoding="utf-8", newline="\n")
        if is_vote(name):
            continue
        label = re.search(r'"name":"([^"]*)"', text)[1]
        body = (
            f"<h1>{html.escape(label)}</h1>\n"
            f'<div class="display-frame"><div id="display" data-display="{name}"></div></div>\n'
            '<p class="display-links"><button type="button" data-link-to="display">copy link to this state</button> '
            f'<a href="{book.page}#display-{name[3:]}">{html.escape(book.title)}</a></p>'
        )
        page(folder, f"display-{name}.html", title=f"{label}: {section}", body=body, kind="large", displays=[name])
        row = f'<li><a href="display-{name}.html">{html.escape(label)}</a> (from <i>{html.escape(section)}</i>)</li>'
        lists.setdefault(book.title, []).append(row)
    body = "<h1>Displays, large</h1>\n<p>Each alone on its page, for a projector.</p>"
    for title, rows in lists.items():
        body += f"\n<h2>{html.escape(title)}</h2>\n<ul>\n" + "\n".join(rows) + "\n</ul>"
    page(folder, "displays.html", title="Displays, large", body=body)


def write_plans(folder, root):
    rows = []
    for path in sorted((root / "classroom" / "lesson_plans").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        title = plain(text.partition("\n")[0].removeprefix("# "))
        page(folder, f"plan-{path.stem}.html", title=title, body=from_markdown(text))
        rows.append(f'<li><a href="plan-{path.stem}.html">{html.escape(title)}</a></li>')
    body = "<h1>Lesson plans</h1>\n<p>One page for 45 minutes each.</p>\n<ul>\n" + "\n".join(rows) + "\n</ul>"
    page(folder, "plans.html", title="Lesson plans", body=body)


def write_start(folder, books):
    first, *lessons = [f'<a href="{book.page}">{html.escape(book.title)}</a>' for book in books]
    rows = "\n".join(f"<li>{link}</li>" for link in lessons)
    body = (HERE / "start.html").read_text(encoding="utf-8").replace("{{ first }}", first).replace("{{ questions }}", rows)
    page(folder, "index.html", title="Why does my autoencoder do that?", body=body, kind="start", displays=[START_DISPLAY])


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
        export = exporter()
        for place, book in enumerate(books):
            body, _ = export.from_notebook_node(book.notebook)
            page(
                site,
                book.page,
                title=book.title,
                body=body,
                kind="lesson",
                contents=book.contents,
                previous=books[place - 1] if place else None,
                next=books[place + 1] if place + 1 < len(books) else None,
                votes=any(map(is_vote, book.displays)),
                displays=list(book.displays),
            )
        for picture in sorted((root / "notebooks" / "pictures").glob("[0-9]*.png")):
            shutil.copyfile(picture, site / "pictures" / picture.name)
        places = {name: section for book in books for name, section in book.displays.items()}
        write_displays(site, root, places, {book.number: book for book in books})
        write_plans(site, root)
        write_start(site, books)
        (site / "site.css").write_text((HERE / "site.css").read_text(encoding="utf-8") + STYLE, encoding="utf-8")
        code = io.StringIO()
        code.write('"use strict";\n(() => {\n')
        code.write(source() + (HERE / "site.js").read_text(encoding="utf-8"))
        code.write("})();\n")
        (site / "site.js").write_text(code.getvalue(), encoding="utf-8", newline="\n")
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
