"""An exercise: what counts as right, what the reply says, and what is on the page before it is asked for."""

import json

import aehelpers as ae
import pytest
from aehelpers.displays.page import as_json

from tests.displays.reading import Shown

HINT, SOLUTION = "Count the <days>.", "Seven, since Monday comes again."


@pytest.fixture
def open_exercise(core):
    """Mount an exercise on a page that remembers nothing."""

    def open_exercise(answer, **options):
        core.evaluate("core.forget()")
        shown = Shown(core, ae.exercise("01-days", "How many?", answer, hint=HINT, solution=SOLUTION, **options))
        shown.at()
        return shown

    return open_exercise


@pytest.fixture
def check(core):
    """Write answers into the fields, in their order, and return the reply and the marks beside the fields."""

    def check(*answers):
        for field, text in zip(core.locator(".ae-field input").all(), answers, strict=True):
            field.fill(text)
        core.get_by_role("button", name="check").click()
        return core.locator(".ae-sentence").inner_text(), core.locator(".ae-field .ae-mark").all_inner_texts()

    return check


NOT_YET = "Not yet. Try again, or open the hint."
KEPT = "core.recall('exercise:01-days')"


@pytest.mark.parametrize(
    ("answer", "tolerance", "right", "wrong"),
    [
        (7, 0, ["7", " 7.0 ", "7,0", "14/2", "7e0"], ["7.01", "-7", "70"]),
        (0.111, 0.003, ["1/9", "0.108", "0,114", "10/90"], ["0.1079", "0.1141", "9"]),
        (-0.953, 0.005, ["-0.95", "−0.95", "-0,958"], ["0.95", "-0.9"]),
        (101_136, 0, ["101136", "101,136", "101 136"], ["101.136", "101,13"]),
        (57, 1, ["57 %", "56", "58%"], ["0.57", "59"]),
    ],
)
def test_numbers(core, open_exercise, check, answer, tolerance, right, wrong):
    open_exercise(answer, tolerance=tolerance)
    for text in wrong:
        assert check(text) == (NOT_YET, ["not yet"]), text
    assert core.evaluate(KEPT) is None
    for text in right:
        assert check(text) == ("Right.", ["✓ right"]), text
    assert core.evaluate(KEPT) == "right"


def test_what_is_no_number_is_told(open_exercise, check):
    open_exercise(7)
    assert check(" ") == ("Write your answer, then check it.", [""])
    for text in ("seven", "1/2/3", "/2", "2/", "1..2"):
        assert check(text) == (f'"{text}" is not a number. Write it as 0.25 or 1/4.', [""]), text
    assert check("0/0")[0] == '"0/0" is not a number. Write it as 0.25 or 1/4.'


def test_texts(open_exercise, check):
    open_exercise(["all", "np.all()"])
    for text in ("all", " ALL. ", '"all"', "np.all()"):
        assert check(text) == ("Right.", ["✓ right"]), text
    for text in ("any", "all of it", "al l"):
        assert check(text) == (NOT_YET, ["not yet"]), text


def test_the_reply_says_which_part_is_right(core, open_exercise, check):
    open_exercise({"at most": 15, "at the end": 4, "called": ["dead"]})
    assert core.locator(".ae-field > span:first-child").all_inner_texts() == ["at most", "at the end", "called"]
    right, wrong = "✓ right", "not yet"
    assert check("15", "4", "alive") == ("Right: at most, at the end. Not yet: called.", [right, right, wrong])
    assert check("1", "2", "alive") == (NOT_YET, [wrong] * 3)
    assert check("15", "", "dead") == ("Write an answer for: at the end.", [right, "", ""])
    core.locator(".ae-field input").first.fill("16")
    assert core.locator(".ae-field .ae-mark").first.inner_text() == ""  # a mark is for what was checked
    assert core.evaluate(KEPT) is None
    assert check("15", "4", "Dead") == ("Right.", [right] * 3) and core.evaluate(KEPT) == "right"


def test_a_choice(core, open_exercise):
    open_exercise("B", options={"A": "six", "B": "seven"})
    sentence = core.locator(".ae-sentence")
    for name, reply in [(None, "Choose an option, then check it."), ("six", NOT_YET), ("seven", "Right.")]:
        if name:
            core.get_by_role("radio", name=name).check()
        core.get_by_role("button", name="check").click()
        assert sentence.inner_text() == reply
        assert core.locator(".ae-chosen").all_inner_texts() == ([f"{'AB'[name == 'seven']}\n{name}"] if name else [])


def test_hint_and_solution_come_on_demand_and_go(core, open_exercise):
    open_exercise(7)
    for name, text in {"hint": f"Hint {HINT}", "solution": f"Solution {SOLUTION}"}.items():
        button, told = core.get_by_role("button", name=name), core.locator(".ae-told")
        assert text.split()[1] not in core.locator(".ae-display").inner_html()
        for expanded in (True, False):
            button.click()
            assert button.get_attribute("aria-expanded") == str(expanded).lower()
            assert told.all_inner_texts() == ([text] if expanded else [])


def test_what_was_solved_is_remembered(core, open_exercise, check):
    shown = open_exercise(7)
    core.locator(".ae-field input").fill("7")
    core.locator(".ae-field input").press("Enter")
    assert core.locator(".ae-sentence").inner_text() == "Right."
    display = ae.exercise("01-days", "How many?", 7, hint=HINT, solution=SOLUTION)
    assert Shown(core, display).at().sentence == "You have solved this one."
    assert shown.state == {}  # nothing of it is in a link


def test_nothing_is_read_at_a_glance():
    text = as_json(ae.exercise("01-days", "How many?", [SOLUTION, "weekdays"], hint=HINT, solution=SOLUTION).data)
    assert not any(word in text for word in (*SOLUTION.split(), *HINT.split(), "weekdays"))
    assert set(json.loads(text)) == {"kind", "name", "main", "state", "id", "options", "labels", "hidden"}


def test_what_is_hidden_comes_back(core):
    thing = {"α": ["<b>", 0.1, None, "¿"], "b": "\n\"'\\"}
    assert core.evaluate("core.unhide", ae.displays.packing.hidden(thing)) == thing
