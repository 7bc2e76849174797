"""The notebooks as files: what must be stored in them, and what must not."""

import ast
import re
from itertools import pairwise, takewhile
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


def only(found, what):
    """Return the one thing that was found; say what is missing, or that there are more."""
    assert len(found) == 1, f"a notebook has exactly one {what}; here there are {len(found)}"
    return found[0]


@pytest.fixture
def lesson(path):
    """The cells of a notebook above the heading *Going deeper*; all, where it is missing."""
    return list(takewhile(lambda cell: not cell.source.startswith("## Going deeper"), read(path).cells))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
class TestLesson:
    """A lesson fits a class, and a careful reader's half hour: CONTRIBUTING's anatomy, counted."""

    def test_has_its_parts(self, path):
        found = headings_of(read(path).cells, 2)
        parts = [next((part for part in HEADINGS if heading.startswith(part)), heading) for heading in found]
        in_order = sorted(parts[:2]) == sorted(HEADINGS[:2]) and parts[2:] == list(HEADINGS[2:])
        words = "the headings of level 2 are these, in this order, See it and Predict in any"
        assert in_order, f"{words}: {', '.join(HEADINGS)}; and here {', '.join(found)}"

    def test_is_short(self, lesson):
        words = sum(words_of(cell.source) for cell in lesson if cell.cell_type == "markdown")
        assert words <= 1000, f"a lesson has at most 1,000 words, and this one {words}"
        in_sight = [cell for cell in lesson if cell.cell_type == "code" and not is_folded(cell)]
        assert len(in_sight) <= 14, f"a lesson has at most 14 code cells that are not folded, and this one {len(in_sight)}"
        for cell in in_sight:
            assert len(cell.source.splitlines()) <= 12, f"a cell that is not folded has at most 12 lines:\n{cell.source}"
        pictures = sum(has_picture(cell) and not is_vote(cell) for cell in lesson)
        assert pictures <= 6, f"a lesson has at most 6 pictures, and this one {pictures}"

    def test_asks_before_it_shows(self, lesson):
        """At least two votes; each gets its verdict, further down."""
        asked, told = {}, {}
        for number, cell in enumerate(lesson):
            asked |= {name: number for name in re.findall(r"(\w+) = ae\.vote\(", cell.source)}
            told |= {name: number for name in re.findall(r"(\w+)\.verdict\(", cell.source)}
        assert len(asked) >= 2, f"a lesson has at least two votes, `vote = ae.vote(...)`, and this one {len(asked)}"
        assert set(asked) == set(told), f"these votes have no verdict, or have one alone: {set(asked) ^ set(told)}"
        for name in asked:
            assert told[name] > asked[name] + 1, f"between {name} and its verdict nothing is shown"

    def test_ends_with_what_it_promised(self, lesson):
        promised = re.findall(r"^\d\. \*\*(.+?)\*\*\s*$", lesson[0].source, re.MULTILINE)
        home = only([cell.source for cell in lesson if cell.source.startswith("## Take home")], "cell with ## Take home")
        kept = re.findall(r"^\d\. \*\*(.+?)\*\* \S+", home, re.MULTILINE)
        assert 1 <= len(promised) <= 3, f"the first cell lists one to three questions, `1. **...?**`; here it has {promised}"
        assert kept == promised, f"Take home answers the questions of the first cell, {promised}, and here {kept}"

    def test_has_exercises_and_checks(self, path, lesson):
        exercises = sum("ae.exercise(" in cell.source and not is_folded(cell) for cell in code_cells(lesson))
        assert exercises >= 2, f"a lesson has at least two exercises, `ae.exercise(...)`, and this one {exercises}"
        checks = sum("ae.check(" in cell.source for cell in code_cells(read(path).cells))
        assert checks >= 3, f"a notebook has at least three cells with ae.check, and this one {checks}"

    def test_plumbing_is_folded_under_its_purpose(self, path):
        """JupyterLab shows the first line of a folded cell."""
        for cell in code_cells(read(path).cells):
            is_tagged = not {"hide-input", "solution"}.isdisjoint(cell.metadata.get("tags", []))
            in_step = is_folded(cell) == is_tagged
            assert in_step, f"a folded cell, and no other, is tagged hide-input or solution:\n{cell.source}"
            assert cell.source.startswith("# ") or not is_folded(cell), f"a folded cell begins with a comment:\n{cell.source}"
            if "ae.check(" in cell.source or "ae.vote(" in cell.source:
                assert is_folded(cell), f"a cell with a vote or a check is folded:\n{cell.source}"

    def test_deeper_sections_are_folded_and_say_their_minutes(self, path, lesson):
        deeper = read(path).cells[len(lesson) :]
        ends = [number for number, cell in enumerate(deeper) if cell.source.startswith("## The short answer")]
        end = only(ends, "cell that begins with the heading ## The short answer, below Going deeper")
        sections = [cell for cell in deeper[:end] if cell.cell_type == "markdown" and cell.source.startswith("### ")]
        assert 1 <= len(sections) <= 8, f"Going deeper has one to eight sections, and here {len(sections)}"
        for cell in sections:
            title = cell.source.splitlines()[0]
            assert re.fullmatch(r"### .+ \(\d+ minutes?\)", title), f"the heading does not end with its minutes: {title}"
            assert cell.metadata.get("jp-MarkdownHeadingCollapsed") is True, f"the section is not collapsed: {title}"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_lesson_plan_fits_the_notebook(path, lesson):
    """What is bold in a plan is a heading or a vote of the notebook; the plan names each vote, and ends at minute 45."""
    plan = ROOT / "classroom" / "lesson_plans" / f"{path.stem[:2]}.md"
    assert plan.is_file(), f"the lesson has no plan for 45 minutes, {plan.relative_to(ROOT)}"
    plan = plan.read_text(encoding="utf-8")
    cells = read(path).cells
    headings = {re.sub(r" \(\d+ minutes?\)$", "", heading) for level in (2, 3) for heading in headings_of(cells, level)}
    calls = [node for cell in code_cells(lesson) for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
    votes = {call.args[0].value for call in calls if ast.unparse(call.func) == "ae.vote"}
    named = set(re.findall(r"\*\*(.+?)\*\*", plan))
    assert votes <= named, f"the plan does not name these votes: {votes - named}"
    assert named <= headings | votes, f"these bold words are no heading and no vote: {named - headings - votes}"
    assert f"](../../notebooks/{path.name})" in plan, "the plan has no link to its notebook"
    minutes = [tuple(map(int, pair)) for pair in re.findall(r"^\| (\d+) to (\d+) \|", plan, re.MULTILINE)]
    assert minutes, "the plan has no table with rows like | 0 to 5 |"
    assert minutes[0][0] == 0 and minutes[-1][1] == 45, f"the plan goes from minute {minutes[0][0]} to {minutes[-1][1]}"
    assert all(end == start for (_, end), (start, _) in pairwise(minutes))
    assert len(plan.split()) <= 700


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestStored:
    @pytest.mark.filterwarnings("error")  # nbformat mends names of cells that are missing or there twice, and warns
    def test_is_valid_and_small(self, path):
        nbformat.validate(read(path))
        assert path.stat().st_size <= 1_500_000

    def test_holds_no_widgets_timings_errors_or_warnings(self, path):
        notebook = read(path)
        assert "widgets" not in notebook.metadata
        for cell in notebook.cells:
            assert "execution" not in cell.metadata
            for output in cell.get("outputs", []):
                assert output.output_type != "error" and output.get("name") != "stderr"

    def test_every_picture_is_explained_before_the_next(self, path):
        waiting = None
        for number, cell in enumerate(read(path).cells):
            if cell.cell_type == "markdown":
                waiting = None
            elif has_picture(cell) and not is_vote(cell):
                assert waiting is None, f"the picture of cell {waiting} is not followed by a sentence"
                waiting = number
        assert waiting is None

    def test_each_exercise_has_a_solution_that_is_right(self, path):
        """It stands folded below the exercise, and nbval runs it."""
        cells = code_cells(read(path).cells)
        exercises = [cell for cell in cells if re.search(r"^my_\w+ = None\b", cell.source, re.MULTILINE)]
        for cell in exercises:
            solution = next(iter(cells[cells.index(cell) + 1 :]), None)
            assert solution is not None, f"no cell follows the exercise:\n{cell.source}"
            if "ae.exercise(" in cell.source:
                is_solution = solution.metadata.get("tags") == ["solution"] and is_folded(solution)
                assert is_solution, f"no folded cell with the tag solution follows:\n{cell.source}"
                assert solution.source.startswith("# Solution of exercise ")
                assert "".join(output.get("text", "") for output in solution.outputs) == "Right.\n"
        assert exercises or path.stem.startswith("00_"), "no cell has a line `my_... = None`, where the learner's answer goes"

    def test_has_one_plain_slider_to_change(self, path):
        """Its picture comes from a kernel at every move, so that none is stored."""
        sliders = [cell for cell in code_cells(read(path).cells) if "@ipywidgets.interact(" in cell.source]
        cell = only(sliders, "cell with a slider that a learner can change, @ipywidgets.interact(...)")
        assert cell.metadata.get("tags") == ["nbval-ignore-output"], "the slider's cell has the tag nbval-ignore-output alone"
        assert len(cell.source.splitlines()) <= 6, f"the slider's cell has at most 6 lines:\n{cell.source}"
        stored = [output.data for output in cell.outputs]
        assert stored == [{"text/plain": ""}], "the slider's output is not stored empty: run python3 run.py notebooks"

    def test_has_one_cell_for_the_overview_picture(self, path):
        tagged = [cell for cell in read(path).cells if "picture" in cell.metadata.get("tags", [])]
        assert has_picture(only(tagged, "cell with the tag picture")), "the cell with the tag picture shows none"
        assert (ROOT / "notebooks" / "pictures" / f"{path.stem}.png").exists()

    def test_stands_in_the_readme(self, path):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        assert f"(notebooks/{path.name})" in readme, "the table of README.md has no row for it"

    def test_stands_in_the_map(self, path):
        links = "".join(cell.source for cell in read(NOTEBOOKS[0]).cells)
        assert f"({path.name})" in links or path == NOTEBOOKS[0], f"the map in {NOTEBOOKS[0].name} has no link to it"
