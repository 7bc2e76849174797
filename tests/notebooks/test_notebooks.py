"""The notebooks as files: what must be stored in them, and what must not."""

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


def has_picture(cell):
    return cell.cell_type == "code" and any("image/png" in output.get("data", {}) for output in cell.outputs)


LESSONS = [path for path in NOTEBOOKS if not path.stem.startswith("00_")]
HEADINGS = ("See it", "Predict", "Why", "Mend it", "Your turn", "Take home", "Going deeper", "The short answer", "References")


def is_folded(cell):
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def is_vote(cell):
    return "ae.vote(" in cell.source or ".verdict(" in cell.source


def headings_of(cells, level):
    """Return what follows the marks of a level's headings."""
    lines = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    return [line[level + 1 :] for line in lines if line.startswith("#" * level + " ")]


def words_of(text):
    """Return how many words a reader reads: a formula is one, an address is none."""
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", " x ", re.sub(r"\]\([^)]*\)", "]", text), flags=re.DOTALL)
    return len(re.findall(r"[^\W_][\w'’.,-]*", text))


@pytest.fixture
def lesson(path):
    """The cells of a notebook above the heading *Going deeper*."""
    cells = read(path).cells
    (end,) = [number for number, cell in enumerate(cells) if cell.source.startswith("## Going deeper")]
    return cells[:end]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
class TestLesson:
    """A lesson fits a class, and a careful reader's half hour: DESIGN's limits, counted."""

    def test_has_its_parts(self, path):
        found = headings_of(read(path).cells, 2)
        parts = [next((part for part in HEADINGS if heading.startswith(part)), heading) for heading in found]
        assert set(parts) == set(HEADINGS) and len(parts) == len(HEADINGS)
        assert parts[2:] == list(HEADINGS[2:]) and set(parts[:2]) == {"See it", "Predict"}

    def test_is_short(self, lesson):
        assert sum(words_of(cell.source) for cell in lesson if cell.cell_type == "markdown") <= 1000
        in_sight = [cell for cell in lesson if cell.cell_type == "code" and not is_folded(cell)]
        assert len(in_sight) <= 14
        assert max(len(cell.source.splitlines()) for cell in in_sight) <= 12
        assert sum(has_picture(cell) and not is_vote(cell) for cell in lesson) <= 6

    def test_asks_before_it_shows(self, lesson):
        """At least two votes; each gets its verdict, further down."""
        asked, told = {}, {}
        for number, cell in enumerate(lesson):
            asked |= {name: number for name in re.findall(r"(\w+) = ae\.vote\(", cell.source)}
            told |= {name: number for name in re.findall(r"(\w+)\.verdict\(", cell.source)}
        assert len(asked) >= 2 and set(asked) == set(told)
        assert all(told[name] > asked[name] + 1 for name in asked)

    def test_ends_with_what_it_promised(self, lesson):
        promised = re.findall(r"^\d\. \*\*(.+?)\*\*\s*$", lesson[0].source, re.MULTILINE)
        (home,) = [cell.source for cell in lesson if cell.source.startswith("## Take home")]
        kept = re.findall(r"^\d\. \*\*(.+?)\*\* \S+", home, re.MULTILINE)
        assert 1 <= len(promised) <= 3 and kept == promised

    def test_has_two_exercises(self, lesson):
        assert sum("ae.exercise(" in cell.source and not is_folded(cell) for cell in code_cells(lesson)) >= 2

    def test_plumbing_is_folded_under_its_purpose(self, path):
        """JupyterLab shows the first line of a folded cell."""
        for cell in code_cells(read(path).cells):
            tags = cell.metadata.get("tags", [])
            assert is_folded(cell) == bool({"hide-input", "solution"} & set(tags)), cell.source
            assert cell.source.startswith("# ") or not is_folded(cell), cell.source
            if "ae.check(" in cell.source or "ae.vote(" in cell.source:
                assert is_folded(cell), cell.source

    def test_deeper_sections_are_folded_and_say_their_minutes(self, path, lesson):
        deeper = read(path).cells[len(lesson) :]
        end = next(number for number, cell in enumerate(deeper) if cell.source.startswith("## The short answer"))
        sections = [cell for cell in deeper[:end] if cell.cell_type == "markdown" and cell.source.startswith("### ")]
        assert 1 <= len(sections) <= 8
        for cell in sections:
            assert re.fullmatch(r"### .+ \(\d+ minutes?\)", cell.source.splitlines()[0]), cell.source
            assert cell.metadata.get("jp-MarkdownHeadingCollapsed") is True

    def test_every_picture_has_an_alternative_text(self, path):
        for cell in code_cells(read(path).cells):
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    assert len(output.metadata.get("image/png", {}).get("alt", "")) >= 20, cell.source


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_lesson_plan_fits_the_notebook(path, lesson):
    """What is bold in a plan is a heading or a vote of the notebook; the plan names each vote, and ends at minute 45."""
    plan = (ROOT / "classroom" / "lesson_plans" / f"{path.stem[:2]}.md").read_text(encoding="utf-8")
    cells = read(path).cells
    headings = {re.sub(r" \(\d+ minutes?\)$", "", heading) for level in (2, 3) for heading in headings_of(cells, level)}
    votes = {question for cell in lesson for question in re.findall(r'ae\.vote\(\s*"([^"]+)"', cell.source)}
    named = set(re.findall(r"\*\*(.+?)\*\*", plan))
    assert len(votes) >= 2 and votes <= named and named <= headings | votes
    assert f"](../../notebooks/{path.name})" in plan
    minutes = [tuple(map(int, pair)) for pair in re.findall(r"^\| (\d+) to (\d+) \|", plan, re.MULTILINE)]
    assert minutes[0][0] == 0 and minutes[-1][1] == 45
    assert all(end == start for (_, end), (start, _) in pairwise(minutes))
    assert len(plan.split()) <= 700


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestStored:
    def test_is_valid_and_small(self, path):
        nbformat.validate(read(path))
        assert path.stat().st_size <= 1_500_000

    def test_ids_are_there_and_differ(self, path):
        ids = [cell.id for cell in read(path).cells]
        assert len(set(ids)) == len(ids)

    def test_was_run_from_top_to_bottom(self, path):
        cells = code_cells(read(path).cells)
        assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))

    def test_holds_no_widgets_timings_errors_or_warnings(self, path):
        notebook = read(path)
        assert "widgets" not in notebook.metadata
        for cell in notebook.cells:
            assert "execution" not in cell.metadata
        for cell in code_cells(notebook.cells):
            for output in cell.outputs:
                assert output.output_type != "error"
                assert output.get("name") != "stderr"

    def test_every_picture_is_explained_before_the_next(self, path):
        waiting = None
        for number, cell in enumerate(read(path).cells):
            if cell.cell_type == "markdown":
                waiting = None
            elif has_picture(cell) and not is_vote(cell):
                assert waiting is None, f"the picture of cell {waiting} is not followed by a sentence"
                waiting = number
        assert waiting is None

    def test_claims_are_checked(self, path):
        checks = sum("ae.check(" in cell.source for cell in code_cells(read(path).cells))
        assert checks >= 3 or path.stem.startswith("00_")

    def test_each_exercise_has_a_solution_that_is_right(self, path):
        """It stands folded below the exercise, and nbval runs it."""
        cells = code_cells(read(path).cells)
        exercises = [cell for cell in cells if re.search(r"^my_\w+ = None\b", cell.source, re.MULTILINE)]
        for cell in exercises:
            solution = cells[cells.index(cell) + 1]
            if "ae.exercise(" in cell.source:
                assert solution.metadata.tags == ["solution"] and solution.metadata.jupyter.source_hidden
                assert solution.source.startswith("# Solution of exercise ")
                assert "".join(output.get("text", "") for output in solution.outputs) == "Right.\n"
        assert exercises or path.stem.startswith("00_")

    def test_has_one_plain_slider_to_change(self, path):
        """Its picture comes from a kernel at every move, so that none is stored."""
        (cell,) = [cell for cell in code_cells(read(path).cells) if "@ipywidgets.interact(" in cell.source]
        assert cell.metadata.tags == ["nbval-ignore-output"] and len(cell.source.splitlines()) <= 6
        assert [output.data for output in cell.outputs] == [{"text/plain": ""}]

    def test_has_one_cell_for_the_overview_picture(self, path):
        tagged = [cell for cell in read(path).cells if "picture" in cell.metadata.get("tags", [])]
        assert len(tagged) == 1
        assert has_picture(tagged[0])
        assert (ROOT / "notebooks" / "pictures" / f"{path.stem}.png").exists()

    def test_stands_in_the_readme(self, path):
        assert f"(notebooks/{path.name})" in (ROOT / "README.md").read_text(encoding="utf-8")
