"""The notebooks as files: what must be stored in them, and what must not."""

import ast
import json
import re
from collections import Counter
from itertools import chain, pairwise, takewhile
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


DISPLAYS = ROOT / "notebooks" / "displays"
LESSONS = [path for path in NOTEBOOKS if not path.stem.startswith("00_")]
HEADINGS = (
    *("See it", "Predict", "Why", "Fix it", "Your turn", "Take home", "Self-test"),
    *("Going deeper", "The short answer", "References"),
)


def is_folded(cell):
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def asks(cell):
    """Whether a cell shows a vote, a verdict, an exercise or a self-test, whose stored picture tells nothing."""
    return any(call in cell.source for call in ("ae.vote(", ".verdict(", "ae.exercise(", "ae.self_test("))


def tags(cell):
    return set(cell.metadata.get("tags", []))


def headings_of(cells, level):
    """Return what follows the marks of a level's headings."""
    lines = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    return [line[level + 1 :] for line in lines if line.startswith("#" * level + " ")]


def words_of(text):
    """Return how many words a reader reads: a formula is one, an address is none."""
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", " x ", re.sub(r"\]\([^)]*\)", "]", text), flags=re.DOTALL)
    return len(re.findall(r"[^\W_][\w'’.,-]*", text))


def calls_of(cells, name):
    """Return (number of the cell, call) for each call of that name, such as ``ae.vote``, or of a method, ``.verdict``."""
    return [
        (number, node)
        for number, cell in enumerate(cells)
        if cell.cell_type == "code"
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and f"_{ast.unparse(node.func)}".endswith(name if name[0] == "." else f"_{name}")
    ]


def keyword(call, name):
    return next((part.value for part in call.keywords if part.arg == name), None)


def id_of(call):
    """Return the id of a vote, an exercise or a self-test."""
    given = keyword(call, "id")
    return ast.literal_eval(call.args[0] if given is None else given)


def questions_of(call):
    """Return the questions of a self-test."""
    return ast.literal_eval(call.args[0]) if ast.unparse(call.func) == "ae.self_test" else []


def votes_of(cells):
    """Return of each vote its id, the number of its cell, that of its verdict's cell and the right letter."""
    named = {}
    for number, cell in enumerate(cells):
        for node in ast.walk(ast.parse(cell.source)) if cell.cell_type == "code" else ():
            if isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("ae.vote("):
                named[ast.unparse(node.targets[0])] = (number, id_of(node.value))
    told = [(ast.unparse(call.func.value), number, call) for number, call in calls_of(cells, ".verdict")]
    assert sorted(name for name, *_ in told) == sorted(named), "each vote has one verdict, and each verdict its vote"
    return [(named[name][1], named[name][0], number, ast.literal_eval(call.args[0])) for name, number, call in told]


def level_of(cell):
    """Return the level of a cell's highest heading, by which JupyterLab folds; 9 without a heading."""
    lines = cell.source.splitlines() if cell.cell_type == "markdown" else []
    return min((len(line) - len(line.lstrip("#")) for line in lines if re.match("#+ ", line)), default=9)


def hidden_by(cells, number):
    """Return the numbers of the cells that JupyterLab hides while the heading of this cell is collapsed."""
    own = level_of(cells[number])
    return list(takewhile(lambda other: level_of(cells[other]) > own, range(number + 1, len(cells))))


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
        pictures = sum(has_picture(cell) and not asks(cell) for cell in lesson)
        assert pictures <= 6, f"a lesson has at most 6 pictures, and this one {pictures}"

    def test_asks_before_it_shows(self, path, lesson):
        """At least two votes, each with an id and, further down, a verdict; the stored displays have the same ids."""
        votes = votes_of(lesson)
        assert len(votes) >= 2, f"a lesson has at least two votes, `vote = ae.vote(...)`, and this one {len(votes)}"
        for kind, order in {"vote": 1, "verdict": 2}.items():
            stored = [
                json.loads(one.read_text(encoding="utf-8")).get("id") for one in DISPLAYS.glob(f"{path.stem[:2]}-{kind}*.json")
            ]
            assert Counter(stored) == Counter(vote[0] for vote in votes), f"the stored displays of {kind}s have other ids"
            assert len({vote[order] for vote in votes}) == len(votes), f"each {kind} has a cell of its own"

    def test_what_answers_a_vote_is_gated(self, lesson):
        """The vote is the last thing before a heading, and in JupyterLab that heading hides all up to the verdict."""
        for id, vote, verdict, _ in votes_of(lesson):
            gate = next(number for number in range(vote + 1, len(lesson)) if "ae.vote(" not in lesson[number].source)
            between = range(gate, verdict + 1)
            gates = [number for number in between if "gate" in tags(lesson[number])]
            assert gate in gates, f"after the vote {id} comes a cell that is tagged gate, and not:\n{lesson[gate].source}"
            hidden = set(chain.from_iterable(hidden_by(lesson, number) for number in gates))
            seen = [lesson[number].source for number in between if number not in hidden.union(gates)]
            assert not seen, f"before its verdict the vote {id} is answered in sight:\n{seen[0]}"

    def test_a_gate_is_a_collapsed_heading_and_stands_after_a_vote(self, lesson):
        """It stands alone in its cell, since JupyterLab shows the whole cell of a collapsed heading."""
        for before, cell in pairwise(lesson):
            if "gate" in tags(cell):
                assert re.fullmatch("##{1,2} [^\n]+", cell.source), f"a gate is one heading of level 2 or 3:\n{cell.source}"
                assert "ae.vote(" in before.source, f"before the gate stands no vote: {cell.source}"
            collapsed = cell.metadata.get("jp-MarkdownHeadingCollapsed", False)
            assert collapsed is ("gate" in tags(cell)), f"gates are collapsed, and in the lesson nothing else: {cell.source}"

    def test_right_answers_have_several_letters(self, lesson):
        letters = Counter(letter for *_, letter in votes_of(lesson))
        assert max(letters.values()) <= letters.total() / 2, f"a letter is right in more than half of the votes: {letters}"

    def test_has_a_self_test(self, lesson):
        places = [number for number, cell in enumerate(lesson) if cell.source == "## Self-test"]
        place = only(places, "cell with nothing but the heading ## Self-test")
        number, call = only(calls_of(lesson, "ae.self_test"), "call of ae.self_test")
        assert number == place + 1, "the self-test stands below its heading"
        letters = [question["answer"] for question in questions_of(call)]
        assert len(set(letters)) == len(letters), f"the two questions of the self-test have one letter: {letters}"

    def test_ends_with_what_it_promised(self, lesson):
        promised = re.findall(r"^\d\. \*\*(.+?)\*\*\s*$", lesson[0].source, re.MULTILINE)
        home = only([cell.source for cell in lesson if cell.source.startswith("## Take home")], "cell with ## Take home")
        kept = re.findall(r"^\d\. \*\*(.+?)\*\* \S+", home, re.MULTILINE)
        assert 1 <= len(promised) <= 3, f"the first cell lists one to three questions, `1. **...?**`; here it has {promised}"
        assert kept == promised, f"Take home answers the questions of the first cell, {promised}, and here {kept}"

    def test_has_exercises_and_checks(self, path, lesson):
        exercises = len(calls_of(lesson, "ae.exercise"))
        assert exercises >= 2, f"a lesson has at least two exercises, `ae.exercise(...)`, and this one {exercises}"
        checks = sum("ae.check(" in cell.source for cell in code_cells(read(path).cells))
        assert checks >= 3, f"a notebook has at least three cells with ae.check, and this one {checks}"

    def test_plumbing_is_folded_under_its_purpose(self, path):
        """JupyterLab shows the first line of a folded cell."""
        for cell in code_cells(read(path).cells):
            in_step = is_folded(cell) == ("hide-input" in tags(cell))
            assert in_step, f"a folded cell, and no other, is tagged hide-input:\n{cell.source}"
            assert cell.source.startswith("# ") or not is_folded(cell), f"a folded cell begins with a comment:\n{cell.source}"
            if "ae.check(" in cell.source or asks(cell):
                assert is_folded(cell), f"a cell with a vote, an exercise or a check is folded:\n{cell.source}"

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


def test_ids_and_letters_over_all_notebooks():
    """An id begins with its notebook's number and is there once; no letter is right in more than half of the choices."""
    ids, letters = [], Counter()
    for path in NOTEBOOKS:
        cells = read(path).cells
        asked = [call for name in ("vote", "exercise", "self_test") for _, call in calls_of(cells, f"ae.{name}")]
        assert all(id_of(call).startswith(f"{path.stem[:2]}-") for call in asked), path.name
        ids += map(id_of, asked)
        letters.update(letter for *_, letter in votes_of(cells))
        letters.update(question["answer"] for call in asked for question in questions_of(call))
    assert len(set(ids)) == len(ids), [id for id, count in Counter(ids).items() if count > 1]
    assert max(letters.values()) <= letters.total() / 2, letters


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_lesson_plan_fits_the_notebook(path, lesson):
    """What is bold in a plan is a heading or a vote of the notebook; the plan names each vote, and ends at minute 45 or 10."""
    plan = ROOT / "classroom" / "lesson_plans" / f"{path.stem[:2]}.md"
    assert plan.is_file(), f"the lesson has no plan, {plan.relative_to(ROOT)}"
    plan = plan.read_text(encoding="utf-8")
    cells = read(path).cells
    headings = {re.sub(r" \(\d+ minutes?\)$", "", heading) for level in (2, 3) for heading in headings_of(cells, level)}
    votes = {call.args[0].value for _, call in calls_of(lesson, "ae.vote")}
    named = set(re.findall(r"\*\*(.+?)\*\*", plan))
    assert votes <= named, f"the plan does not name these votes: {votes - named}"
    assert named <= headings | votes, f"these bold words are no heading and no vote: {named - headings - votes}"
    assert f"](../../notebooks/{path.name})" in plan, "the plan has no link to its notebook"
    minutes = [tuple(map(int, pair)) for pair in re.findall(r"^\| (\d+) to (\d+) \|", plan, re.MULTILINE)]
    assert minutes, "the plan has no table with rows like | 0 to 5 |"
    length = 45 if path in LESSONS else 10
    assert minutes[0][0] == 0 and minutes[-1][1] == length, f"the plan goes from minute {minutes[0][0]} to {minutes[-1][1]}"
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
            elif has_picture(cell) and not asks(cell):
                assert waiting is None, f"the picture of cell {waiting} is not followed by a sentence"
                waiting = number
        assert waiting is None

    def test_answers_are_out_of_sight(self, path):
        """Cells with the answers of exercises and of the self-test are folded and tagged; the page gets them hidden."""
        stored = "".join(one.read_text(encoding="utf-8") for one in DISPLAYS.glob(f"{path.stem[:2]}-[es]*.json"))
        cells = read(path).cells
        for number, call in calls_of(cells, "ae.exercise") + calls_of(cells, "ae.self_test"):
            cell = cells[number]
            assert tags(cell) == {"hide-input", "answers"}, f"the cell is tagged hide-input and answers:\n{cell.source}"
            texts = {part.arg: part.value for part in call.keywords if part.arg in ("hint", "solution")}
            spoken = [node.value for part in texts.values() for node in ast.walk(part) if isinstance(node, ast.Constant)]
            spoken += [text for question in questions_of(call) for text in question["reasons"].values()]
            for text in spoken:
                assert not isinstance(text, str) or len(text) < 9 or text not in stored, f"the page shows at a glance: {text}"

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
