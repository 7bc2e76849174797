"""A training, record by record."""

import aehelpers as ae
import keras
import numpy as np
import pytest


def test_recorder_and_training_display(digits):
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(hidden=(6,), code_size=3)
    recorder = ae.TrainingRecorder(model, digits)
    display = ae.training_display(recorder, digits, steps=4, level=0.07, highest_loss=0.3)
    assert display.data["record"]["steps"] == []
    history = ae.fit(model, digits, steps=4, batch_size=8, record_every=2, on_record=display, progress=False)
    arrays = recorder.arrays()
    assert arrays["steps"].tolist() == history.steps == [2, 4] and arrays["losses"].tolist() == history.history["loss"]
    code = ae.predict(model.encoder, digits)  # ReLU: what is above 0 is the pre-activation itself
    assert arrays["alive"][-1] == pytest.approx((code > 0).mean(axis=0))
    largest = arrays["band"][-1][:, 2]
    assert np.maximum(largest, 0) == pytest.approx(code.max(axis=0), rel=1e-5)
    assert (arrays["band"][-1][:, 0] <= arrays["band"][-1][:, 1]).all()
    assert arrays["rebuilt"][-1] == pytest.approx(ae.predict(model, digits[:8]))
    assert display.data["record"]["steps"] == [2, 4] and display.state == {"record": 1}
    again = ae.training_display(arrays, digits, steps=4, level=0.07, highest_loss=0.3)
    assert again.data["record"] == display.data["record"]
