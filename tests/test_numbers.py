"""Each number in a notebook's prose has a source: an output, a code cell, a stored table, or a named publication.

It is looked for in its own section, from one heading to the next: in the outputs, rounded as the prose prints it, and in
the code that is not folded, exactly. The metadata of a Markdown cell name other sources, and then these alone count:

``"sources": ["bounded", "scores: code 16", "mean_or_sum.csv: free bits"]``
    a code cell; or of its lines, folded ones too, and of its tables' entries those that hold a text; or such lines of a file of
    the evidence. The line of an entry has the labels of its row and of its column: ``"scores: code 16, error, worst digit"``.
``"quoted": {"0.031768": "whose number it is"}``
    what a publication says, or what the prose itself lays down

A percentage is printed with its sign, in its entry or in the label of its column; an exact fraction of the code may become
one. How sharp this is, is measured: of the numbers that could stand in place of another, at most a tenth may be found.
"""

import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
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
# "784-128-784" and notebook 07 are names, and so is version 2; a year in brackets, or after a name or a link, is a reference.
NAMES = re.compile(
    r"\b\d+(?:-[\d.…]+)+-\d+\b|\b\d+-(?=[a-zA-Z])|^\s*\d+\. |[A-Za-z_]\d+"
    r"|(?:\(| , |\b[A-Z]\w*,? |\bothers,? |\b(?:lectures|post) of )(?:19|20)\d\d\b(?=[),;. ])"
    r"|\b(?i:question|exercise|version|patient|TensorFlow) \d+|(?<![\d.,])0\d\b",
    re.MULTILINE,
)
NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?")
RUSSIAN = re.compile(r'<details lang="ru">.*?</details>', re.DOTALL)


def numbers_of_prose(text):
    """Return the numbers of a text as they are printed, each with whether it is a percentage."""
    text = RUSSIAN.sub(lambda match: re.sub(r"(?<=\d) (?=\d{3})", "", re.sub(r"(?<=\d),(?=\d)", ".", match[0])), text)
    text = NAMES.sub(" ", NOT_PROSE.sub(" ", text.replace("\N{NO-BREAK SPACE}", " ")))
    return [(match[0], text[match.end() :].lstrip().startswith(("%", "percent"))) for match in NUMBER.finditer(text)]


def parts_of(notebook):
    """Return (section, cell, text) of each cell: a heading begins a section, also within a Markdown cell."""
    section, parts = 0, []
    for cell in notebook.cells:
        texts = re.split(r"^(?=#+ )", cell.source, flags=re.MULTILINE) if cell.cell_type == "markdown" else [cell.source]
        for text in filter(None, texts):
            section += cell.cell_type == "markdown" and text.startswith("#")
            parts.append((section, cell, text))
    return parts


def entries_of(table):
    """Return the entries of a table in HTML, each with the labels of its row and column, and the sign that stands there."""
    entries, left, above = [], [], []
    for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL):
        cells = re.findall(r'<(t[hd])\b(?:[^>]*colspan="(\d+)")?[^>]*>(.*?)</\1>', row, re.DOTALL)
        labels = [text for tag, span, text in cells if tag == "th" for _ in range(int(span or 1))]
        values = [text for tag, _, text in cells if tag == "td"]
        if not values:
            above.append(labels)
            continue
        left = left[: len(left) - len(labels)] + labels  # pandas writes the label of several rows only once
        for place, value in enumerate(values, start=-len(values)):
            column = [labels[place] for labels in above]
            sign = " %" if any("%" in label for label in column) else ""
            entries.append(", ".join(filter(None, [*left, *column])) + f": {value}{sign}")
    return entries


def lines_of(cell, folded=False):
    """Return the lines of a cell's code, if it is in sight, and those of its outputs; each entry of a table is one."""
    printed = []
    for output in cell.outputs:
        data = output.get("data", {})
        table = entries_of(data.get("text/html", ""))
        printed += table or (output.get("text", "") + data.get("text/plain", "")).splitlines()
    in_sight = folded or not cell.metadata.get("jupyter", {}).get("source_hidden")
    return cell.source.splitlines() if in_sight else [], printed


def plain(number):
    """Return value and decimals of a printed number."""
    mantissa, _, exponent = re.sub("[,_]", "", number).lower().partition("e")
    return float(f"{mantissa}e{exponent or 0}"), len(mantissa.partition(".")[2]) - int(exponent or 0)


class Numbers:
    """The numbers of some lines, to find others among."""

    FOUND = re.compile(r"(?<![\w.#])(\d[\d,_]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+)\s?(%?)")  # none of a name or a colour

    def __init__(self, code, printed):
        found = [(*plain(number), sign == "%", 1) for number, sign in self.FOUND.findall("\n".join(code))]
        found += [(*plain(number), sign == "%", 0) for number, sign in self.FOUND.findall("\n".join(printed))]
        self.value, self.decimals, self.percent, self.is_code = np.array(found, float).reshape(-1, 4).T

    def has(self, printed, percent):
        """Whether a number of the prose is one of these, rounded as it is printed; those of the code are exact."""
        value, decimals = plain(printed)
        rounded = (self.decimals >= decimals) & (np.abs(self.value - value) <= 0.5 * 10.0**-decimals * (1 + 1e-6))
        same = (self.percent == percent) & np.where(self.is_code, self.value == value, rounded)
        fraction = self.is_code * percent * np.isclose(100 * self.value, value, rtol=1e-9)
        return bool((same | (fraction > 0)).any())


def source_of(name, cells):
    """Return the lines of a source that the metadata name, those of code apart."""
    place, _, text = name.partition(": ")
    if "." in place:
        lines = (ROOT / "notebooks" / "evidence" / place).read_text(encoding="utf-8").splitlines()
        lines = [lines, []] if place.endswith(".py") else [[], [line.replace(",", ", ") for line in lines]]
    else:
        lines = lines_of(cells[place], folded=bool(text))
    return [[line for line in part if text in line] for part in lines]


def places_of(notebook):
    """Return (cell, numbers of its prose, numbers among which they are looked for) for each text of a notebook."""
    parts = parts_of(notebook)
    cells = {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}
    for section, cell, text in parts:
        if cell.cell_type == "code" or text.startswith("## References"):
            continue
        if "sources" in cell.metadata:
            lines = [source_of(name, cells) for name in cell.metadata["sources"]]
        else:
            lines = [lines_of(other) for number, other, _ in parts if number == section and other.cell_type == "code"]
        code, printed = ([line for part in lines for line in part[kind]] for kind in (0, 1))
        numbers = [number for number in numbers_of_prose(text) if number[0] not in cell.metadata.get("quoted", {})]
        yield cell, numbers, Numbers(code, printed)


def without_source(notebook):
    """Return the numbers of the prose that are not found, with their cells."""
    return [
        f"{printed}{' %' if percent else ''} in {cell.id}"
        for cell, numbers, known in places_of(notebook)
        for printed, percent in numbers
        if not known.has(printed, percent)
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestNotebook:
    def test_every_number_has_a_source(self, path):
        assert without_source(nbformat.read(path, as_version=4)) == []

    def test_what_is_named_stands_in_the_prose(self, path):
        notebook = nbformat.read(path, as_version=4)
        cells = {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}
        for cell in notebook.cells:
            numbers = numbers_of_prose(cell.source) if cell.cell_type == "markdown" else []
            for printed, source in cell.metadata.get("quoted", {}).items():
                assert source.strip() and printed in [number for number, _ in numbers], f"{printed} in {cell.id}"
            for name in cell.metadata.get("sources", []):
                known = Numbers(*source_of(name, cells))
                assert any(known.has(*number) for number in numbers), f"{name} in {cell.id}"

    def test_a_wrong_number_is_rarely_found(self, path):
        """At the place of each number of the prose: which share of all such numbers would pass?"""
        shares, places = dict.fromkeys(POSSIBLE, 0), 0
        for _, numbers, known in places_of(nbformat.read(path, as_version=4)):
            places += len(numbers)
            for kind, possible in POSSIBLE.items() if numbers else ():
                shares[kind] += len(numbers) * np.mean([known.has(*number) for number in possible])
        shares = {kind: share / places for kind, share in shares.items()}
        print(f"{path.stem}, {places} numbers:", ", ".join(f"{kind} {share:.1%}" for kind, share in shares.items()))
        assert max(shares.values()) <= 0.1, shares


POSSIBLE = {
    "1 to 99 %": [(f"{number}", True) for number in range(1, 100)],
    "0.01 to 0.99": [(f"{number / 100:.2f}", False) for number in range(1, 100)],
    "0.001 to 0.999": [(f"{number / 1000:.3f}", False) for number in range(1, 1000)],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("In 784-128-784, 12,345 of 0.0970 are 38 % (Adam 2014).", ["12,345", "0.0970", "38"]),
        ("`x = 3` and $4 z$, [text 5](page6.html); 7 (8 minutes)", ["5", "7"]),
        ("Jang and others, 2017; a [page](https://x.y), 2018; only 1950 of 2000 steps", ["1950", "2000"]),
        ("1. L2, 2-D and float32\n2. **Exercise 2.** Version 1 of notebook 04: 1e-3, 32.", ["1e-3", "32"]),
        ('<details lang="ru">0,05 и 20 000</details> 3,000', ["0.05", "20000", "3,000"]),
    ],
)
def test_numbers_that_are_prose(text, expected):
    assert [number for number, _ in numbers_of_prose(text)] == expected


@pytest.mark.parametrize(
    ("printed", "percent", "output", "found"),
    [
        ("0.097", False, "0.09704", True),
        ("0.097", False, "0.0976", False),
        ("0.50", False, "0.5", False),
        ("38", True, "+37.51%", True),
        ("38", True, "38, 0.38", False),
        ("38", False, "38%", False),
        ("12,345", False, "12345.2", True),
        ("1e-3", False, "0.0012", True),
        ("32", False, "float32 #320032 x_32", False),
    ],
)
def test_a_number_is_found_as_it_is_rounded(printed, percent, output, found):
    assert Numbers([], [output]).has(printed, percent) is found


def test_a_number_of_the_code_is_exact():
    code = Numbers(["train(11_001, 0.95, 0.049)"], [])
    assert code.has("11,001", False) and code.has("0.95", False) and code.has("95", True)
    assert not code.has("0.9", False) and not code.has("5", True)


def test_an_entry_of_a_table_has_its_labels_and_its_unit():
    table = pd.DataFrame(
        {("error", "mean"): [0.5, 0.25], ("error", "share, %"): [12, 34]},
        pd.MultiIndex.from_product([["code 16"], ["old", "new"]], names=["model", "way"]),
    )
    assert entries_of(table.to_html()) == [
        "code 16, old, error, mean: 0.50",
        "code 16, old, error, share, %: 12 %",
        "code 16, new, error, mean: 0.25",
        "code 16, new, error, share, %: 34 %",
    ]


def test_a_number_is_looked_for_in_its_section_or_where_the_metadata_say():
    code, folded = (
        nbformat.v4.new_code_cell(source, id=name) for name, source in {"code": "x = 8", "folded": "y = 9\nz = 7"}.items()
    )
    folded.metadata["jupyter"] = {"source_hidden": True}
    code.outputs = [nbformat.v4.new_output("stream", text="first 0.125\nsecond 0.625\n")]

    def missing(source, **metadata):
        prose = nbformat.v4.new_markdown_cell(source, id="prose", metadata=metadata)
        return [entry.split(" in ")[0] for entry in without_source(nbformat.v4.new_notebook(cells=[code, folded, prose]))]

    assert missing("0.13, 0.63, 8, 9 and 41 %") == ["9", "41 %"]
    assert missing("0.13\n\n## Heading\n\n0.63, 8") == ["0.63", "8"]
    assert missing("## Heading\n\n0.13, 0.63, 8", sources=["code: first"]) == ["0.63", "8"]
    assert missing("0.13, 7, 8, 9", sources=["code", "folded: y"]) == ["7"]
    assert missing("0.21, 6,000", sources=["mean_or_sum.csv: free bits", "mean_or_sum.py: STEPS"]) == ["0.21"]
    assert missing("0.031768 and 0.5", quoted={"0.031768": "the blog"}) == ["0.5"]
