"""Verdict lines and self-check exercises: what makes a notebook's sentences testable."""

import textwrap

import numpy as np
from aehelpers.validation import Function, Text, takes


def _single_bool(value, name):
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a single bool, but it is {value!r:.200}; use .all() or .any() on an array")
    return value


@takes(sentence=Text(), condition=_single_bool)
def check(sentence, condition):
    """Print a verdict line for a claim, and stop the notebook when the claim is false.

    Parameters
    ----------
    sentence : str
        The claim, as a reader would say it.
    condition : bool
        Whether it holds. A numpy bool will do; an array will not.

    Raises
    ------
    AssertionError
        If ``condition`` is false; the sentence is the message.
    """
    if not condition:
        raise AssertionError(f"does not hold: {sentence}")
    print(f"\N{CHECK MARK} {sentence}")


@takes(accept=Function(of="the answer"), hint=Text())
def exercise(answer, accept, hint):
    """Check a learner's answer to an exercise, and print a hint while it is not right.

    Parameters
    ----------
    answer : object
        What the learner wrote. None means that there is no answer yet.
    accept : callable
        Takes the answer and returns whether it is right. An exception in it counts as "not right" and is named, so that
        a learner's slip never stops the notebook.
    hint : str
        Shown until the answer is right.
    """
    if answer is None:
        _print_wrapped(f"No answer yet. Hint: {hint}")
        return
    try:
        right = bool(accept(answer))
    except Exception as error:  # whatever a learner hands in
        _print_wrapped(f"Your answer could not be checked ({type(error).__name__}: {error}). Hint: {hint}")
    else:
        _print_wrapped("Right." if right else f"Not yet. Hint: {hint}")


def _print_wrapped(text):
    print(textwrap.fill(text, 100))  # JupyterLab breaks a longer line in the middle of a word
