"""Every control of every stored display, moved through its range: what the display then says and draws, as text.

The expected text is in ``states``, a file a display. A difference leaves what came beside it, as ``<name>-changed.txt``.
``python3 run.py test tests/displays/test_states.py --accept`` writes it in place of the old: look at ``git diff`` before you
commit. Whether the numbers are right is tested in the other files of this folder, against Python.
"""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STORED = sorted((ROOT / "notebooks" / "displays").glob("*.json"))
STATES = Path(__file__).parent / "states"


@pytest.fixture(scope="module")
def walk(core):
    core.add_script_tag(path=STATES.parent / "walk.js")
    return lambda packed: core.evaluate("walk", packed)


def short(value):
    """Return a number as a person reads it: four digits."""
    return f"{value:.4g}" if isinstance(value, (int, float)) else str(value)


def described(seen):
    """Return what is seen as lines: a chart's axes, curves and marks, the mean byte of each row of pictures, texts."""
    lines = [f"  {seen['sentence']}"]
    for chart in seen["charts"]:
        (across, *x), (upwards, *y) = chart["axes"]
        lines.append(f"  {upwards} {' to '.join(map(short, y))} over {across} {' to '.join(map(short, x))}")
        for line in chart["series"]:
            ends = f"{' .. '.join(map(short, line['ends']))}, mean {short(line['mean'])}"
            area = "" if line["low"] is None else f", down to {short(line['low'])}"
            lines.append(f"    {line['name']} ({line['colour']}): {line['count']} points, {ends}{area}")
        lines += [f"    level {level['name']}: {short(level['value'])}" for level in chart["levels"]]
        marks = [f"({short(mark['x'])}, {short(mark.get('y', 'line'))}{mark.get('text', '')})" for mark in chart["marks"]]
        lines.append(f"    marks: {' '.join(marks)}")
    if seen["pictures"]:
        lines.append(f"  pictures: {', '.join(f'{title} {grey:.1f}' for title, grey in seen['pictures'])}")
    if seen["texts"]:
        lines.append(f"  texts: {' | '.join(seen['texts'])}")
    return lines


def as_text(walked, name):
    """Return the states as text; of each, the lines that another one before it does not have at their place."""
    text, before = [name, ""], []
    for seen in walked:
        assert not seen["failed"], seen["sentence"]
        lines = described(seen)
        text += [seen["done"], *[line for number, line in enumerate(lines) if line not in before[number : number + 1]]]
        text.append(f"  all that is drawn: {seen['hash']:08x}")
        before = lines
    return "\n".join(text) + "\n"


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_states_are_as_expected(walk, path, request):
    packed = json.loads(path.read_text(encoding="utf-8"))
    came = as_text(walk(packed), packed["name"])
    expected, changed = STATES / f"{path.stem}.txt", STATES / f"{path.stem}-changed.txt"
    changed.unlink(missing_ok=True)
    if request.config.getoption("--accept"):
        expected.write_text(came, encoding="utf-8", newline="\n")
    if not expected.exists() or came != expected.read_text(encoding="utf-8"):
        changed.write_text(came, encoding="utf-8", newline="\n")
        pytest.fail(f"{expected.name} says something else: compare it with {changed.name}, and read the head of this file")


def test_there_is_no_state_of_a_display_that_is_gone():
    names = {path.stem for path in STATES.glob("*.txt") if not path.stem.endswith("-changed")}
    assert names == {path.stem for path in STORED}
