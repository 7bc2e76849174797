"""A code that is made louder."""

import aehelpers as ae
import pytest

from tests.displays.reading import run_layers, unpacked


def test_loudness(model, digits):
    data = ae.loudness_display(model, digits).data
    code = ae.predict(model.encoder, digits)
    assert unpacked(data["codes"]) == pytest.approx(code)
    assert run_layers(data["decoder"], code[:2]) == pytest.approx(ae.predict(model.decoder, code[:2]), abs=2e-3)
    assert data["state"] == {"factor": 1.0} and min(data["factors"]) == 0.1 and max(data["factors"]) == 10
    as_logits = ae.loudness_display(model, digits, from_logits=True).data["decoder"]
    assert [layer["activation"] for layer in as_logits][-1] == "sigmoid"
