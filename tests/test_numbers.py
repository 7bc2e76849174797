"""Each number in a notebook's prose has a source: an output, a code cell, a stored table, or a named publication.

A number of the prose is found in an output or a code cell when a number there, rounded as the prose prints it, is the same; a
percentage may stand there as a fraction. A stored table that the notebook loads has so many numbers that two digits are found
by chance: from there, at least three significant ones have to agree. What a publication says is marked in the metadata of its
Markdown cell: ``"quoted": {"0.031768": "whose number it is"}``.
"""

import csv
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = [
    path
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    if any(cell.source.startswith("## Going deeper") for cell in nbformat.read(path, as_version=4).cells)
]

# What is not prose: code, formulas, addresses, an anchor's minutes, pictures.
NOT_PROSE = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)]*\)|https?://\S+|\(?\b\d+ minutes?\)?|<[^>]+>", re.DOTALL
)
# "784-128-784" is a name; a year in brackets, or after a name, is a reference.
NAMES = re.compile(
    r"\b\d+(?:-[\d.…]+)+-\d+\b|\b\d+-(?=[a-zA-Z])|\bquestion \d+|\b(?:19|20)\d\d\b(?=[),;. ])|^\s*\d+\. |[A-Za-z_]\d+",
    re.MULTILINE,
)
NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?")


def numbers_of_prose(text):
    """Return the numbers of a text as they are printed, each with whether it is a percentage."""
    text = NAMES.sub(" ", NOT_PROSE.sub(" ", text).replace("\N{NO-BREAK SPACE}", " "))
    return [(match[0], text[match.end() :].lstrip().startswith(("%", "percent"))) for match in NUMBER.finditer(text)]


def numbers_of(text):
    """Return all numbers of an output or a code cell, signs aside."""
    found = re.findall(r"\d[\d,_]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+", text)
    return [float(re.sub(r"[,_]+$|[,_](?=\d)", "", number).rstrip(",_")) for number in found]


def is_among(printed, percent, known, digits=1):
    """Whether a printed number is one of the known ones, rounded as it is printed."""
    plain = printed.replace(",", "")
    if len(plain.split("e")[0].replace(".", "").lstrip("0") or "0") < digits:
        return False
    decimals = len(plain.split("e")[0].partition(".")[2])
    value, exponent = float(plain), int(plain.partition("e")[2] or 0)
    unit = 10.0 ** (exponent - decimals)
    sources = np.concatenate([known, 100 * known]) if percent else known
    return bool((np.abs(sources - value) <= 0.5 * unit * (1 + 1e-6)).any())


def sources(notebook):
    """Return the numbers of all outputs and code cells, and those of the tables that the cells load."""
    seen, tables = [], set()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        seen += numbers_of(cell.source)
        tables |= set(re.findall(r'stored_runs\("(\w+)"\)', cell.source))
        for output in cell.outputs:
            seen += numbers_of(output.get("text", "") + "".join(output.get("data", {}).get("text/plain", "")))
    stored = []
    for name in tables:
        with (ROOT / "notebooks" / "evidence" / f"{name}.csv").open(encoding="utf-8") as file:
            for row in csv.reader(line for line in file if not line.startswith("#")):
                stored += [abs(float(entry)) for entry in row if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", entry)]
    return np.array(seen), np.array(stored)


def without_source(notebook):
    """Return the numbers of the prose that stand nowhere, with the beginning of their cell."""
    seen, stored = sources(notebook)
    missing = []
    for cell in notebook.cells:
        if cell.cell_type != "markdown" or cell.source.startswith("## References"):
            continue
        quoted = cell.metadata.get("quoted", {})
        for printed, percent in numbers_of_prose(cell.source):
            if printed in quoted or is_among(printed, percent, seen) or is_among(printed, percent, stored, digits=3):
                continue
            missing.append(f"{printed}{' %' if percent else ''}: {cell.source[:50]!r}")
    return missing


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_number_has_a_source(path):
    assert without_source(nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_quoted_stands_in_the_prose_and_names_its_source(path):
    for cell in nbformat.read(path, as_version=4).cells:
        for printed, source in cell.metadata.get("quoted", {}).items():
            assert cell.cell_type == "markdown" and source.strip()
            assert printed in [number for number, _ in numbers_of_prose(cell.source)], printed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("In 784-128-784, 12,345 of 0.0970 are 38 % (Adam 2014).", ["12,345", "0.0970", "38"]),
        ("`x = 3` and $4 z$, [text 5](page6.html); 7 (8 minutes)", ["5", "7"]),
        ("1. a list\n2. of two with 1e-3", ["1e-3"]),
        ("L2 and 2-D and float32; 16, 32.", ["16", "32"]),
    ],
)
def test_numbers_that_are_prose(text, expected):
    assert [number for number, _ in numbers_of_prose(text)] == expected


@pytest.mark.parametrize(
    ("printed", "percent", "known", "found"),
    [
        ("0.097", False, 0.09704, True),
        ("0.097", False, 0.0976, False),
        ("38", True, 0.3751, True),
        ("38", False, 0.3751, False),
        ("37", True, 0.3751, False),
        ("12,345", False, 12345.2, True),
        ("1e-3", False, 0.0012, True),
        ("1e-3", False, 0.002, False),
    ],
)
def test_a_number_is_found_as_it_is_rounded(printed, percent, known, found):
    assert is_among(printed, percent, np.array([known])) is found


def test_a_number_without_source_is_named():
    table = nbformat.v4.new_code_cell('ae.stored_runs("step_code")\nprint(1 / 8)')
    table.outputs = [nbformat.v4.new_output("stream", text="0.125\n")]
    stored = sources(nbformat.v4.new_notebook(cells=[table]))[1]
    three = next(f"{value:.4f}" for value in stored if 0.1 < value < 0.9)
    prose = nbformat.v4.new_markdown_cell(f"It is 0.12, 13 % and 0.13, in the table {three}; 0.77, 41 % and 0.031768.")
    prose.metadata["quoted"] = {"0.031768": "the blog"}
    missing = without_source(nbformat.v4.new_notebook(cells=[table, prose]))
    assert [entry.split(":")[0] for entry in missing] == ["0.77", "41 %"]
