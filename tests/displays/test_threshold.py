"""A threshold on a code."""

import aehelpers as ae
import keras
import numpy as np
import pytest
from aehelpers.displays import threshold

from tests.displays.reading import unpacked


def test_thresholds(digits):
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(code_size=5, code_activation="sigmoid", output_activation=None)
    data = ae.threshold_display({"m": model}, digits).data
    code = ae.predict(model.encoder, digits)
    by_hand = {
        "set to zero": code * (code >= 0.5),
        "raised to the threshold": np.where(code >= 0.5, code, 0.5),
        "set to the unit's mean": np.where(code >= 0.5, code, code.mean(axis=0)),
    }
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    assert list(threshold.WAYS) == list(by_hand) and data["thresholds"][25] == 0.5
    for number, changed in enumerate(by_hand.values()):
        expected = float(loss(digits, model.decoder(changed)))
        assert unpacked(data["errors"]["m"])[number, 25] == pytest.approx(expected, rel=1e-5)
    assert unpacked(data["codes"]["m"]) == pytest.approx(code[:8])
