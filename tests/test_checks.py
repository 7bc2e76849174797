"""Verdict lines and exercises."""

import aehelpers as ae
import numpy as np
import pytest


@pytest.mark.parametrize("condition", [True, np.True_, np.float32(1) < 2, np.array([1, 2]).all() > 0])
def test_claim_that_holds(capsys, condition):
    assert ae.check("the encoder never moved", condition) is None
    assert capsys.readouterr().out == "\N{CHECK MARK} the encoder never moved\n"


@pytest.mark.parametrize("condition", [False, np.False_, np.float64(np.nan) == np.nan])
def test_claim_that_does_not_hold(capsys, condition):
    with pytest.raises(AssertionError, match=r"^does not hold: the encoder never moved$"):
        ae.check("the encoder never moved", condition)
    assert capsys.readouterr().out == ""


def test_several_claims(capsys):
    assert ae.check({"a": True, "b": np.True_, "c": np.float32(1) < 2}) is None
    ae.check({"one": True})
    assert capsys.readouterr().out == "\N{CHECK MARK} 3 checks hold\n\N{CHECK MARK} 1 check holds\n"
    with pytest.raises(AssertionError, match=r"^does not hold: b; d$"):
        ae.check({"a": True, "b": False, "c": True, "d": np.False_})
    assert capsys.readouterr().out == ""


def is_seven(answer):
    return answer == 7


@pytest.mark.parametrize(
    ("answer", "accept", "line"),
    [
        (7, is_seven, "Right."),
        (7.0, is_seven, "Right."),
        (np.int64(7), is_seven, "Right."),
        (8, is_seven, "Not yet. Hint: count the days"),
        ("7", is_seven, "Not yet. Hint: count the days"),
        (None, is_seven, "No answer yet. Hint: count the days"),
        (0, lambda answer: answer == 0, "Right."),
        (False, lambda answer: answer is False, "Right."),
        (np.array([7, 7]), lambda answer: (answer == 7).all(), "Right."),
        (
            0,
            lambda answer: 1 / answer > 1,
            "Your answer could not be checked (ZeroDivisionError: division by zero). Hint: count the days",
        ),
    ],
)
def test_exercise(capsys, answer, accept, line):
    assert ae.exercise(answer, accept, "count the days") is None  # nothing that a cell would show below the verdict
    assert capsys.readouterr().out == f"{line}\n"


@pytest.mark.parametrize(
    ("answer", "accept", "error"),
    [
        ("x", lambda answer: answer + 1 > 3, "TypeError"),
        (np.array([7, 8]), is_seven, "ValueError"),
        ({}, lambda answer: answer["a"], "KeyError"),
    ],
)
def test_answer_of_the_wrong_kind(capsys, answer, accept, error):
    ae.exercise(answer, accept, "one number")
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 100
    whole = " ".join(out.split())
    assert whole.startswith(f"Your answer could not be checked ({error}: ") and whole.endswith("). Hint: one number")


def test_stop_button_is_not_a_wrong_answer():
    def interrupted(answer):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ae.exercise(1, interrupted, "hint")
