"""A rule looks at measured facts and says one thing, with its number, or nothing; and which findings are kept."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from aehelpers.diagnosis.facts import STEPS

SEVERITIES = ("broken", "weak", "note")
RULES = {}  # code: Rule, in the order in which findings of one severity are listed
_STEPS = {step.__name__ for step in STEPS} | {"e"}


@dataclass(frozen=True)
class Finding:
    """One thing that is the case with a model.

    Attributes
    ----------
    code : str
        Its short name, such as "dead_code".
    severity : {"broken", "weak", "note"}
        Whether the model does not work, works worse than it could, or only should be known.
    sentence : str
        What is the case, with its number.
    evidence : dict
        The measured values behind the sentence, a part of `Diagnosis.facts`.
    remedy : str
        One change to try.
    read : tuple of str
        The notebook and the heading under which it is explained.
    """

    code: str
    severity: str
    sentence: str
    evidence: dict
    remedy: str
    read: tuple


@dataclass(frozen=True)
class Said:
    """What a rule returns: its sentence, a remedy, the names of the facts behind it, and how bad it is."""

    severity: str
    sentence: str
    remedy: str
    evidence: tuple


@dataclass(frozen=True)
class Rule:
    """One decorated function.

    Attributes
    ----------
    code : str
    look : callable
        Its arguments are the names of steps whose facts it looks at.
    needs, wants : tuple of str
        Steps without which it cannot be asked, and such that it can do without (arguments with a default).
    read : tuple of str
    explains : tuple of str
        Codes that are not repeated where this one is found: they follow from it.
    """

    code: str
    look: Callable
    needs: tuple
    wants: tuple
    read: tuple
    explains: tuple


def rule(code, *, read, explains=()):
    """Add a function to the rules.

    Parameters
    ----------
    code : str
    read : tuple of str
        Notebook and heading.
    explains : sequence of str
        The codes of findings that follow from this one.

    Raises
    ------
    TypeError
        If the function asks for facts that no step measures, or a code stands for two rules.
    """

    def add(function):
        arguments = inspect.signature(function).parameters
        needs = tuple(name for name, argument in arguments.items() if argument.default is argument.empty)
        wants = tuple(name for name in arguments if name not in needs)
        if unknown := set(arguments) - _STEPS:
            raise TypeError(
                f"the rule {code} asks for {', '.join(sorted(unknown))}, but the steps are {', '.join(sorted(_STEPS))}"
            )
        if code in RULES:
            raise TypeError(f"there are two rules for {code}")
        if len(read) != 2 or not read[0].endswith(".ipynb"):
            raise TypeError(f"the rule {code} must name a notebook and a heading, but read is {read!r}")
        RULES[code] = Rule(code, function, needs, wants, tuple(read), tuple(explains))
        return function

    return add


def complete():
    """Raise an error where a rule explains what is no rule: called when all of them are there."""
    for one in RULES.values():
        if unknown := set(one.explains) - set(RULES):
            raise TypeError(f"the rule {one.code} explains {', '.join(sorted(unknown))}, for which there is no rule")


def find(sections, flat_facts):
    """Return the findings, worst first, without those that another one explains.

    Parameters
    ----------
    sections : dict
        The facts of each step by its name, None where it could not be measured; and "e", the examination.
    flat_facts : dict
        The same by the name of each fact.
    """
    found = {}
    for one in RULES.values():
        if any(sections.get(name) is None for name in one.needs):
            continue
        said = one.look(**{name: sections.get(name) for name in (*one.needs, *one.wants)})
        if said is not None:
            evidence = {name: flat_facts[name] for name in said.evidence}
            found[one.code] = Finding(one.code, said.severity, said.sentence, evidence, said.remedy, one.read)
    order = list(RULES)
    explained = {
        other
        for cause, finding in found.items()
        if finding.severity != "note"
        for other in RULES[cause].explains
        # In a circle, such as a dead code and a zero gradient, the rule that stands first explains the other.
        if not (other in found and cause in RULES[other].explains and order.index(other) < order.index(cause))
    }
    kept = [finding for code, finding in found.items() if code not in explained]
    return sorted(kept, key=lambda finding: SEVERITIES.index(finding.severity))  # sorting keeps the rules' order
