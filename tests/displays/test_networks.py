"""Models on their way to the page."""

import aehelpers as ae
import keras
import numpy as np
import pytest
from aehelpers.displays.networks import packed_network

from tests.displays.reading import run_layers, unpacked


def test_networks_of_all_kinds(forty):
    keras.utils.set_random_seed(1)
    plain = ae.autoencoder(hidden=(6,), code_size=3, code_activation="sigmoid")
    wrapped = keras.Sequential([keras.Input((784,)), ae.MaskingNoise(0.5), plain.encoder, ae.KLSparsity(0.1), plain.decoder])
    without_bias = keras.Sequential([keras.Input((784,)), keras.layers.Dense(4, use_bias=False), keras.layers.Dropout(0.5)])
    variational = ae.variational_autoencoder(hidden=(5,), code_size=2)
    tied = ae.autoencoder(hidden=(5,), code_size=3, code_activation="tanh", tied=True)
    for one in (plain, wrapped, without_bias, tied, variational, variational.encoder, variational.decoder):
        x = np.eye(2, dtype=np.float32) if one is variational.decoder else forty
        assert run_layers(packed_network(one, "model", dtype="float32"), x) == pytest.approx(ae.predict(one, x), abs=1e-5)
    logits = packed_network(plain, "model", last="linear")
    assert [layer["activation"] for layer in logits] == ["relu", "sigmoid", "relu", "linear"]


def test_a_model_that_the_page_cannot_compute(forty):
    image = keras.Input((28, 28, 1))
    convolution = keras.Model(image, keras.layers.Conv2D(1, 3, padding="same", name="edges")(image))
    with pytest.raises(
        ValueError, match=r"models\['c'\] must be made of dense layers.*its layer 'edges' is a Conv2D.*show_images"
    ):
        ae.drawing_pad({"c": convolution}, forty)
    with pytest.raises(ValueError, match=r"is a Dense with gelu"):
        ae.noise_display({"g": ae.autoencoder(code_activation="gelu", code_size=2)}, forty)
    with pytest.raises(ValueError, match=r"models\['d'\] must take 784 numbers"):
        ae.drawing_pad({"d": ae.autoencoder(code_size=2, input_size=16)}, forty)
    pair = keras.Input((784,)), keras.Input((784,))
    with pytest.raises(ValueError, match="must be made of dense layers"):
        packed_network(keras.Model(pair, keras.layers.Dense(784)(pair[0] + pair[1])), "model")
    # What this display shows is computed beforehand: any model will do.
    flat = ae.code_size_display({2: lambda x: x * 0.5}, forty, forty)
    assert unpacked(flat.data["rebuilt"])[0] == pytest.approx(unpacked(flat.data["images"]) / 2, abs=1 / 500)
