"""What the displays measure and hand to the page; tests/test_browser.py shows that the page does the right thing with it."""

import base64
import json
import re
from pathlib import Path

import aehelpers as ae
import keras
import numpy as np
import pytest
from aehelpers import displays
from aehelpers.displays import base, code_size, threshold


def unpacked(packed):
    """Do what core.js does."""
    array = np.frombuffer(packed["bytes"], np.dtype(packed["dtype"]).newbyteorder("<")).reshape(packed["shape"])
    return array / 255 if packed["dtype"] == "uint8" else array.astype(np.float32)


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.x_test[:40]


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return ae.autoencoder(hidden=(6,), code_size=2, code_activation="sigmoid")


@pytest.fixture(scope="module")
def one_layer():
    keras.utils.set_random_seed(0)
    return ae.autoencoder(code_size=5, code_activation="sigmoid")


@pytest.mark.parametrize(("dtype", "within"), [("float16", 5e-4), ("float32", 0), ("uint8", 1 / 509)])
def test_packing(dtype, within):
    array = np.random.default_rng(0).random((2, 3, 4)).astype(np.float32)
    assert np.abs(unpacked(base.packed(array, dtype)) - array).max() <= within
    assert base.packed(array[:, ::2].T, "float32")["shape"] == [4, 2, 2]


def test_grey_levels_are_packed_exactly():
    levels = np.arange(256, dtype=np.float32) / 255
    assert np.array_equal(unpacked(base.packed(levels, "uint8")), np.arange(256) / 255)


def run(layers, x):
    act = {
        "linear": lambda z: z,
        "relu": lambda z: np.maximum(z, 0),
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
    }
    for layer in layers:
        x = act[layer["activation"]](x @ unpacked(layer["kernel"]) + unpacked(layer["bias"]))
    return x


def test_networks_of_all_kinds(digits):
    keras.utils.set_random_seed(1)
    plain = ae.autoencoder(hidden=(6,), code_size=3, code_activation="sigmoid")
    wrapped = keras.Sequential([keras.Input((784,)), ae.MaskingNoise(0.5), plain.encoder, ae.KLSparsity(0.1), plain.decoder])
    without_bias = keras.Sequential([keras.Input((784,)), keras.layers.Dense(4, use_bias=False), keras.layers.Dropout(0.5)])
    variational = ae.variational_autoencoder(hidden=(5,), code_size=2)
    for one in (plain, wrapped, without_bias, ae.autoencoder(hidden=(5,), code_size=3, code_activation="tanh", tied=True)):
        assert run(base.packed_network(one, "model", dtype="float32"), digits) == pytest.approx(
            ae.predict(one, digits), abs=1e-5
        )
    for half, x in ((variational.encoder, digits), (variational.decoder, np.eye(2, dtype=np.float32)), (variational, digits)):
        assert run(base.packed_network(half, "model", dtype="float32"), x) == pytest.approx(ae.predict(half, x), abs=1e-5)
    logits = base.packed_network(plain, "model", last="linear")
    assert [layer["activation"] for layer in logits] == ["relu", "sigmoid", "relu", "linear"]


def test_a_model_that_the_page_cannot_compute(digits):
    image = keras.Input((28, 28, 1))
    convolution = keras.Model(image, keras.layers.Conv2D(1, 3, padding="same", name="edges")(image))
    with pytest.raises(
        ValueError, match=r"models\['c'\] must be made of dense layers.*its layer 'edges' is a Conv2D.*show_images"
    ):
        ae.drawing_pad({"c": convolution}, digits)
    with pytest.raises(ValueError, match=r"is a Dense with gelu"):
        ae.noise_display({"g": ae.autoencoder(code_activation="gelu", code_size=2)}, digits)
    with pytest.raises(ValueError, match=r"models\['d'\] must take 784 numbers"):
        ae.drawing_pad({"d": ae.autoencoder(code_size=2, input_size=16)}, digits)
    pair = keras.Input((784,)), keras.Input((784,))
    with pytest.raises(ValueError, match="must be made of dense layers"):
        base.packed_network(keras.Model(pair, keras.layers.Dense(784)(pair[0] + pair[1])), "model")
    # What this display shows is computed beforehand: any model will do.
    flat = ae.code_size_display({2: lambda x: x * 0.5}, digits, digits)
    assert unpacked(flat.data["rebuilt"])[0] == pytest.approx(unpacked(flat.data["images"]) / 2, abs=1 / 500)


class TestDisplay:
    def display(self, **state):
        return displays.Display(
            "noise", "A <name>", "level", {"level": 0.5, "kind": "a", **state}, numbers=base.packed([1.0, 2.0])
        )

    def test_value_and_state_agree(self):
        display, seen = self.display(), []
        assert display.value == 0.5
        display.observe(lambda change: seen.append(change.new), "state")
        display.value = 0.25
        assert display.state == {"level": 0.25, "kind": "a"} and seen == [display.state]
        display.state = {"level": 0.75, "kind": "b"}
        assert display.value == 0.75 and repr(display) == "A <name>: run this cell to use it"

    def test_a_page_stands_alone(self, tmp_path):
        display = self.display()
        display.value = 0.125
        display.save_html(tmp_path / "ä page.html")
        page = (tmp_path / "ä page.html").read_text(encoding="utf-8")
        assert "<title>A &lt;name&gt;</title>" in page
        data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])
        assert data["state"] == {"level": 0.125, "kind": "a"} and data["name"] == "A <name>"
        assert np.frombuffer(base64.b64decode(data["numbers"]["bytes"]), "<f2").tolist() == [1, 2]
        assert not re.search(r"""(src|href)=["'](?!data:)|https?://(?!www\.w3\.org)|@import|url\(""", page)

    def test_data_cannot_leave_their_element(self):
        page = base.page(base.as_json({"kind": "noise", "name": "</script><script>alert(1)</script>", "state": {}}))
        assert "</script><script>alert" not in page and page.count("<script") == 2

    def test_all_modules_are_in_the_source(self):
        names = {path.stem for path in Path(base.__file__).parent.glob("*.js")} - {"core"}
        assert set(re.findall(r'^displays\["(\w+)"\] = function', base.source(), re.MULTILINE)) == names
        assert not re.search(r"^\s*(import|export) ", base.source(), re.MULTILINE)


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


def test_noise_errors(one_layer, digits):
    logits = ae.autoencoder(code_size=5, output_activation=None)
    data = ae.noise_display({"plain": one_layer}, digits).data
    noisy = ae.masking_noise(digits, 0.3, seed=0)
    assert unpacked(data["errors"]["plain"])[0, 3] == pytest.approx(ae.mse(digits, ae.predict(one_layer, noisy)))
    assert unpacked(data["nothing"]["masking"])[3] == pytest.approx(ae.mse(digits, noisy))
    assert unpacked(data["nothing"]["Gaussian"])[0] == 0
    assert data["styles"]["plain"]["colour"] == "#0072b2" and data["levels"] == pytest.approx(np.arange(10) / 10)
    as_logits = ae.noise_display({"l": logits}, digits, from_logits=True).data
    made = 1 / (1 + np.exp(-ae.predict(logits, digits)))
    assert unpacked(as_logits["errors"]["l"])[0, 0] == pytest.approx(ae.mse(digits, made))
    assert as_logits["networks"]["l"][-1]["activation"] == "sigmoid"
    assert data["measured"] == len(digits)
    coloured = ae.noise_display({"plain": one_layer, "l": one_layer}, digits, colours={"plain": "ink"}).data["styles"]
    assert coloured == {"plain": {"colour": "ink", "dash": ""}, "l": {"colour": "#d55e00", "dash": ""}}


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


def test_epochs_hand_over_what_was_stored():
    run = ae.stored_arrays("garment_epochs")
    display = ae.epochs_display(run)
    data = display.data
    assert data["starts"] == ["as asked", "identity start"] and data["epochs"][0] == 0.05 and data["epochs"][-1] == 50
    assert unpacked(data["made"]).shape == (2, len(data["epochs"]), len(data["garments"]), 784)
    assert unpacked(data["errors"]) == pytest.approx(run["errors"])
    only = ae.epochs_display(run, as_asked_only=True).data
    assert only["starts"] == ["as asked"] and np.array_equal(unpacked(only["made"]), unpacked(data["made"])[:1])


def test_bits_by_hand():
    images = np.uint8([[255, 0, 0, 0], [255, 255, 0, 0]])
    runs = {"images": images, "pairs": np.array(["a pair"]), "sizes": np.array([1, 2])}
    for code in ("random", "learned", "centred"):
        runs[f"{code}_bits"] = np.array([[True, False, True], [False, False, False]])
        runs[f"{code}_rebuilt"] = np.stack([images, images[::-1]])
        runs[f"{code}_errors"] = np.array([0.5, 0.25])
    display = ae.bits_display(runs)
    assert unpacked(display.data["angles"]) == pytest.approx([45])
    assert list(display.data["codes"]) == ["random", "learned", "learned, centred"]
    code = display.data["codes"]["learned"]
    assert [unpacked(bits).tolist() for bits in code["bits"]] == [[[1], [0]], [[0, 1], [0, 0]]]
    assert unpacked(code["rebuilt"]).tolist() == (np.stack([images, images[::-1]]) / 255).tolist()
    assert list(ae.bits_display(runs, random_only=True).data["codes"]) == ["random"]


def test_grey_range(digits):
    data = ae.grey_range_display(digits, digits * 20 - 15).data
    assert (data["low"], data["high"]) == (-15, 5)
    assert unpacked(data["logits"]).shape == (8, 784)


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


def test_loudness(model, digits):
    data = ae.loudness_display(model, digits).data
    code = ae.predict(model.encoder, digits)
    assert unpacked(data["codes"]) == pytest.approx(code)
    assert run(data["decoder"], code[:2]) == pytest.approx(ae.predict(model.decoder, code[:2]), abs=2e-3)
    assert data["state"] == {"factor": 1.0} and min(data["factors"]) == 0.1 and max(data["factors"]) == 10
    as_logits = ae.loudness_display(model, digits, from_logits=True).data["decoder"]
    assert [layer["activation"] for layer in as_logits][-1] == "sigmoid"


def test_activations_hand_over_what_was_stored():
    run = ae.stored_arrays("sparse_course")
    data = ae.activations_display(run).data
    assert data["models"] == ["plain", "KL"] and data["steps"][0] == 250 and data["steps"][-1] == 20_000
    assert unpacked(data["counts"]).sum(axis=2) == pytest.approx(128 * 10_000)
    assert unpacked(data["activeShare"]) == pytest.approx(run["active_share"])


def test_training_noise_hands_over_what_was_stored():
    run = ae.stored_arrays("denoising")
    display = ae.training_noise_display(run)
    data = display.data
    assert data["trained"] == ["none", "0.1", "0.3", "0.5", "0.7", "0 to 0.9"] and display.state == {"trained": "none"}
    assert unpacked(data["errors"]) == pytest.approx(run["errors"], rel=1e-6)
    assert np.rint(unpacked(data["rebuilt"]) * 255).tolist() == run["rebuilt"].tolist()
    assert unpacked(data["noisy"]).shape == (3, 8, 784) and unpacked(data["filters"]) == pytest.approx(run["filters"], abs=0.02)
    # What is lost and how much: the mean of the squares of what was set to 0 grows with the level.
    assert np.array(data["nothing"]) == pytest.approx(np.array(data["levels"]) * data["nothing"][-1] / 0.9, rel=0.02)


def test_collapse_hands_over_what_was_stored():
    run = ae.stored_arrays("mean_or_sum")
    display = ae.collapse_display(run)
    data = display.data
    assert display.state == {"variance": 392, "data": "MNIST", "model": "no hidden layer"}
    runs = ae.stored_runs("mean_or_sum").query("run == 'sigma' and seed == 0")
    assert np.ravel(data["alive"]).tolist() == runs["alive"].tolist() and np.shape(data["alive"]) == (2, 2, 6)
    assert data["variances"] == [392, 10, 4, 2, 1, 0.5] and data["sets"] == ["MNIST", "Fashion-MNIST"]
    assert unpacked(data["kl"]) == pytest.approx(run["kl"], rel=1e-6, abs=1e-6) and unpacked(data["kl"]).shape == (2, 2, 6, 32)
    assert np.rint(unpacked(data["samples"]) * 255).tolist() == run["samples"].tolist()
    images = ae.load("fashion_mnist").x_test[:8]
    assert unpacked(data["images"])[1] == pytest.approx(images, abs=1e-6)
    # Of the largest components, half the variance of the training images is in a few.
    assert unpacked(data["spectrum"])[0][:2] == pytest.approx([5.12, 3.73], abs=0.01)


def grey_levels(picture):
    return np.rint(picture * 255).astype(np.uint8).tobytes()


def test_anomaly_hands_over_what_was_stored(mnist):
    run = ae.stored_arrays("anomalies")
    display = ae.anomaly_display(run)
    data = display.data
    assert data["scores"] == ["error", "relative error", "code distance"] and display.state["digit"] == 1
    counts, pictures = unpacked(data["counts"]), unpacked(data["pictures"])
    assert counts.shape == (10, 3, 2, 60) and unpacked(data["edges"]).shape == (10, 3, 61)
    # Each image is counted once: the left-out digits apart from the others.
    digits = np.bincount(mnist.y_test)
    assert np.array_equal(counts.sum(axis=-1), np.stack([10_000 - digits, digits], axis=-1)[:, None].repeat(3, axis=1))
    where = {grey_levels(picture): label for picture, label in zip(mnist.x_test, mnist.y_test, strict=True)}
    for digit in range(10):
        shown = [[where[grey_levels(one)] for one in group] for group in pictures[digit, 0]]
        assert set(shown[0]) == {digit} and digit not in shown[1]


def test_plane(model, digits, mnist):
    codes = ae.predict(model.encoder, digits)
    data = ae.latent_plane(model.decoder, codes, digits, mnist.y_test[:40]).data
    assert np.rint(unpacked(data["labels"]) * 255).tolist() == mnist.y_test[:40].tolist()
    left, right, bottom, top = data["limits"]
    assert left < data["state"]["x"] < right and bottom < data["state"]["y"] < top
    with pytest.raises(ValueError, match="codes must differ in both units"):
        ae.latent_plane(model.decoder, codes * [1, 0], digits, mnist.y_test[:40])


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


def test_each_display_has_python_and_javascript():
    folder = Path(base.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    assert modules == {path.stem for path in folder.glob("*.js")} - {"core", "verdict"}  # a verdict is made by its vote
