"""Verdict lines and exercises."""

import aehelpers as ae
import numpy as np
import pytest


@pytest.mark.parametrize(
    ("claims", "line"),
    [
        (("the encoder never moved", np.True_), "the encoder never moved"),
        (({"a": True, "b": np.True_, "c": np.float32(1) < 2},), "3 checks hold"),
        (({"one": True},), "1 check holds"),
    ],
)
def test_claims_that_hold(capsys, claims, line):
    assert ae.check(*claims) is None
    assert capsys.readouterr().out == f"\N{CHECK MARK} {line}\n"


@pytest.mark.parametrize(
    ("claims", "named"), [(("never moved", np.False_), "never moved"), (({"a": True, "b": False, "c": np.False_},), "b; c")]
)
def test_claims_that_do_not_hold(capsys, claims, named):
    with pytest.raises(AssertionError, match=rf"^does not hold: {named}$"):
        ae.check(*claims)
    assert capsys.readouterr().out == ""


def is_seven(answer):
    return answer == 7


@pytest.mark.parametrize(
    ("answer", "accept", "line"),
    [
        (np.int64(7), is_seven, "Right."),
        (False, lambda answer: answer is False, "Right."),
        ("7", is_seven, "Not yet. Hint: count the days"),
        (None, is_seven, "No answer yet. Hint: count the days"),
        (
            0,
            lambda answer: 1 / answer,
            "Your answer could not be checked (ZeroDivisionError: division by zero). Hint: count the days",
        ),
    ],
)
def test_exercise(capsys, answer, accept, line):
    assert ae.exercise(answer, accept, "count the days") is None  # nothing that a cell would show below the verdict
    assert capsys.readouterr().out == f"{line}\n"


def test_a_long_line_is_wrapped(capsys):
    ae.exercise(np.array([7, 8]), is_seven, "one number")
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 100
    whole = " ".join(out.split())
    assert whole.startswith("Your answer could not be checked (ValueError: ") and whole.endswith("). Hint: one number")


def test_stop_button_is_not_a_wrong_answer():
    def interrupted(answer):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ae.exercise(1, interrupted, "hint")
