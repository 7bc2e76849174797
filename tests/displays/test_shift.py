"""A unit that is shifted across its edge."""

import aehelpers as ae
import numpy as np
import pytest

from tests.displays.reading import unpacked


def test_a_shift_by_hand():
    """One pixel, one unit, and a decoder that copies it: z = x - 0.5, and the error is (relu(z + shift) - x) ** 2."""
    model = ae.autoencoder(input_size=4, code_size=1, code_activation="relu", output_activation=None)
    first = np.float32([[1], [0], [0], [0]])
    model.encoder.layers[-1].set_weights([first, np.float32([-0.5])])
    model.decoder.layers[-1].set_weights([first.T, np.zeros(4, np.float32)])
    x = np.zeros((3, 4), np.float32)
    x[:, 0] = [0, 0.6, 1]
    data = ae.shift_display(model, x).data
    assert unpacked(data["preActivations"]) == pytest.approx([-0.5, 0.1, 0.5])
    gradients = dict(zip(data["shifts"], unpacked(data["gradients"]), strict=True))
    assert data["shifts"] == sorted(data["shifts"]) and data["state"] == {"shift": 0.0}
    # Images 2 and 3 get through: their answers are 0.1 and 0.5, and 12 pixels share the error.
    assert gradients[0.0] == pytest.approx(abs(2 * (0.1 - 0.6) * 0.6 + 2 * (0.5 - 1) * 1) / 12, rel=1e-4)
    assert gradients[data["shifts"][0]] == 0 and data["shifts"][0] < -0.5 and data["shifts"][-1] > 0.5
