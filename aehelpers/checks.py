"""Checks: what makes a notebook's sentences testable."""

import numpy as np
from aehelpers.validation import Dict, Optional, Text, takes


def _single_bool(value, name):
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a single bool, but it is {value!r:.200}; use .all() or .any() on an array")
    return value


def _claims(value, name):
    if not isinstance(value, (str, dict)):
        raise TypeError(f"{name} must be a string, or a dict of sentences and conditions, but it is {value!r:.200}")
    return Dict(_single_bool, keys=Text())(value, name) if isinstance(value, dict) else value


@takes(sentence=_claims, condition=Optional(_single_bool))
def check(sentence, condition=None):
    """Print one line when claims hold, and stop the notebook when one does not.

    Parameters
    ----------
    sentence : str or dict
        The claim, as a reader would say it; or several claims, each with its condition.
    condition : bool, optional
        Whether the one claim holds. A numpy bool will do; an array will not.

    Raises
    ------
    AssertionError
        If a condition is false; the message names each claim that does not hold.
    ValueError
        If there is one claim without a condition, or a condition beside several claims.
    """
    if isinstance(sentence, dict) != (condition is None):
        raise ValueError(
            f"condition must be given with one sentence, and left out with a dict of them, but sentence is a "
            f"{type(sentence).__name__} and condition is {condition}"
        )
    claims = sentence if condition is None else {sentence: condition}
    false = [claim for claim, holds in claims.items() if not holds]
    if false:
        raise AssertionError("does not hold: " + "; ".join(false))
    if condition is None:
        sentence = f"{len(claims)} checks hold" if len(claims) > 1 else "1 check holds"
    print(f"\N{CHECK MARK} {sentence}")
