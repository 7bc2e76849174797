"""A question with a field or options, checked in the page: a hint and the solution come when they are asked for."""

from aehelpers.displays.packing import hidden
from aehelpers.displays.vote import at_least_two
from aehelpers.displays.widget import Display
from aehelpers.validation import Dict, Id, Optional, Real, Text, takes

_KINDS = "a number, a list of texts, a dict of these by the label of their field, or with options a letter"


def _accepted(value, name):
    """What one field accepts: a number, or any of some texts."""
    if isinstance(value, list):
        if not value:
            raise ValueError(f"{name} must have at least one text, but it is empty")
        return [Text()(text, f"{name}[{place}]") for place, text in enumerate(value)]
    try:
        return Real()(value, name)
    except TypeError:
        raise TypeError(f"{name} must be {_KINDS}, but it is {value!r:.200}") from None


def _answer(value, name):
    if isinstance(value, dict):
        return Dict(_accepted, keys=Text())(value, name)
    return value if isinstance(value, str) else _accepted(value, name)


@takes(
    id=Id(),
    question=Text(),
    answer=_answer,
    options=Optional(Dict(Text(), keys=Text())),
    tolerance=Real(0),
    hint=Text(),
    solution=Text(),
)
def exercise(id, question, answer, *, hint, solution, options=None, tolerance=0):
    """Ask a question whose answer the page checks, without a kernel.

    The reply says which part is right. Hint and solution come when the reader asks for them. What is right is hidden in the
    page from a glance, not from an attacker. In a notebook the cell with the call is folded for the same reason.

    Parameters
    ----------
    id : str
        The name under which the browser keeps that the exercise is solved: the number of the notebook and a word.
    question : str
    answer : float, list of str, dict, or str
        A number; texts, each of which is right (capitals, spaces and a full stop do not count); several of these by the label
        of their field; or, with ``options``, the letter of the right one.
    hint, solution : str
        The solution says why it is right.
    options : dict of str, optional
        Each option by its letter, at least two.
    tolerance : float, default 0
        How far a number may be off.

    Returns
    -------
    Display
    """
    if isinstance(answer, str) != (options is not None):
        raise ValueError(f"answer must be {_KINDS}, but it is {answer!r:.200} and options is {options!r:.200}")
    if options is not None:
        at_least_two(options, "options")
        if answer not in options:
            raise ValueError(f"answer must be one of {', '.join(options)}, but it is {answer!r:.200}")
    fields = answer if isinstance(answer, dict) else {"your answer": answer}
    right = {"answers": list(fields.values()), "tolerance": tolerance, "hint": hint, "solution": solution}
    labels = [] if options else list(fields)
    return Display("exercise", question, None, {}, id=id, options=options or {}, labels=labels, hidden=hidden(right))
