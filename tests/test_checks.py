"""Verdict lines."""

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
