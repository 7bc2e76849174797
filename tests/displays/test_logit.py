"""The logit of one pixel."""

import aehelpers as ae
import numpy as np
import pytest

from tests.displays.reading import unpacked


def test_logit_by_hand():
    """The sigmoid is exactly 1 from 24 ln 2 = 16.6355 on, in float32; then the swallowed guard is log(0)."""
    data = ae.logit_display().data
    losses, gradients, sums = (unpacked(data[part]) for part in ("losses", "gradients", "sums"))
    assert losses.shape == gradients.shape == (2, 3, len(data["logits"]))
    assert [name for name, _ in data["forms"]] == ["as asked", "with parentheses", "from logits"]
    at = {z: data["logits"].index(z) for z in (0.0, 2.0, 16.6, 16.7, 20.0, -30.0)}
    assert losses[..., at[0.0]] == pytest.approx(np.log(2)) and gradients[0, :, at[0.0]] == pytest.approx(0.5)
    assert gradients[1, :, at[2.0]] == pytest.approx(1 / (1 + np.exp(-2)) - 1, rel=1e-5)
    assert np.isfinite(losses[0, 0, at[16.6]]) and losses[0, 0, at[16.7]] == np.inf and np.isnan(gradients[0, 0, at[16.7]])
    assert np.isnan(losses[1, 0, at[20.0]])  # a white pixel that is right: 0 times infinity
    assert losses[0, 1, at[20.0]] == pytest.approx(-np.log(1e-10), rel=1e-5) and gradients[0, 1, at[20.0]] == 0
    assert losses[0, 2, at[20.0]] == pytest.approx(20) and gradients[0, 2, at[20.0]] == 1
    assert losses[1, 2, at[-30.0]] == pytest.approx(30) and abs(gradients[1, 1, at[-30.0]]) < 0.01
    assert sums[:, at[20.0]] == pytest.approx([1, 0, 1e-10]) and sums[0, at[0.0]] == 0.5
