"""Two questions at the end of a lesson, checked in the page, with the reasons behind a fold."""

from aehelpers.displays.packing import hidden
from aehelpers.displays.vote import at_least_two, judged
from aehelpers.displays.widget import Display
from aehelpers.validation import Dict, Id, Text, takes

_PARTS = ("question", "options", "answer", "reasons")


def _two_questions(value, name):
    if not isinstance(value, list):
        raise TypeError(f"{name} must be a list of two dicts, each with {', '.join(_PARTS)}, but it is {value!r:.200}")
    if len(value) != 2:
        raise ValueError(f"{name} must be a list of two dicts, each with {', '.join(_PARTS)}, but it has {len(value)} entries")
    texts = Dict(Text(), keys=Text())
    constraints = {"question": Text(), "options": texts, "answer": Text(), "reasons": texts}
    checked = []
    for place, one in enumerate(value):
        if not isinstance(one, dict) or set(one) != set(_PARTS):
            raise ValueError(f"{name}[{place}] must be a dict with {', '.join(_PARTS)}, but it is {one!r:.200}")
        checked.append({part: constraints[part](one[part], f"{name}[{place}][{part!r}]") for part in _PARTS})
    return checked


@takes(questions=_two_questions, id=Id())
def self_test(questions, *, id):
    """Ask two questions of transfer, count how many are right, and give the reasons behind a fold once they are checked.

    One of the two has the idea of a vote of the lesson on another surface, so that a class can see what has stayed. The answers
    are hidden as those of `exercise` are.

    Parameters
    ----------
    questions : list of dict
        Two, each with ``question``, ``options`` (by their letters), ``answer`` (the letter of the right one) and ``reasons``
        (by letters, for all options).
    id : str
        The number of the notebook and a word.

    Returns
    -------
    Display
    """
    for one in questions:
        at_least_two(one["options"], "options")
        judged(one["options"], one["answer"], one["reasons"])
    asked = [{"question": one["question"], "options": one["options"]} for one in questions]
    right = [{"answer": one["answer"], "reasons": one["reasons"]} for one in questions]
    return Display("self_test", "Self-test", None, {}, id=id, questions=asked, hidden=hidden(right))
