"""The plane of codes."""

import aehelpers as ae
import numpy as np
import pytest

from tests.displays.reading import unpacked


def test_plane(model, digits, mnist):
    codes = ae.predict(model.encoder, digits)
    data = ae.latent_plane(model.decoder, codes, digits, mnist.y_test[:40]).data
    assert np.rint(unpacked(data["labels"]) * 255).tolist() == mnist.y_test[:40].tolist()
    left, right, bottom, top = data["limits"]
    assert left < data["state"]["x"] < right and bottom < data["state"]["y"] < top
    with pytest.raises(ValueError, match="codes must differ in both units"):
        ae.latent_plane(model.decoder, codes * [1, 0], digits, mnist.y_test[:40])
