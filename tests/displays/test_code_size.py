"""The size of the code: what Python measures, and what the page says."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays import code_size

from tests.displays.reading import unpacked


def test_code_sizes_by_hand():
    x = np.float32([[0, 1, 0, 0], [1, 1, 0, 0]])
    rebuilt, projected = {1: x * 0.5, 2: x}, {1: x * 0, 2: x * 0.9}
    data = code_size.measure(x, rebuilt, projected, np.float32([0.5, 1, 0, 0]), [2, 2])
    assert data["sizes"] == [1, 2] and data["page"] == data["measured"] == 2
    assert unpacked(data["errors"]) == pytest.approx([0.25 * 3 / 8, 0])
    assert unpacked(data["pcaErrors"]) == pytest.approx([3 / 8, 0.01 * 3 / 8], rel=1e-3)
    assert data["meanError"] == pytest.approx(2 * 0.25 / 8)
    assert unpacked(data["rebuilt"])[0] == pytest.approx(x / 2, abs=1 / 500)


def test_code_sizes_of_real_models(mnist):
    models = ae.stored_models("code_sizes")
    data = ae.code_size_display(models, mnist.x_train[:3000], mnist.x_test).data
    assert data["sizes"] == [1, 2, 4, 8, 16, 32, 64, 128] and data["state"] == {"size": 16, "page": 0}
    made = ae.predict(models[16], mnist.x_test[:24])
    assert np.abs(unpacked(data["rebuilt"])[4] - made).max() <= 1 / 509
    assert unpacked(data["errors"])[4] == pytest.approx(
        ae.mse(mnist.x_test[:1000], ae.predict(models[16], mnist.x_test[:1000]))
    )
