"""Autoencoders: shapes, ties, draws, and everything Keras does with a model."""

import json

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf


def named(x):
    """An activation that nobody registered."""
    return tf.nn.relu(x) + 1


def test_sizes_are_mirrored():
    model = ae.autoencoder(hidden=(300, 100), code_size=2)
    kernels = [tuple(w.shape) for w in model.weights if w.path.endswith("kernel")]
    assert kernels == [(784, 300), (300, 100), (100, 2), (2, 100), (100, 300), (300, 784)]
    assert model.count_params() == sum(a * b + b for a, b in kernels)
    assert [layer.name for layer in model.encoder.layers] == ["hidden_1", "hidden_2", "code"]
    assert [layer.name for layer in model.decoder.layers] == ["hidden_1", "hidden_2", "output"]


def test_default_is_784_32_784():
    model = ae.autoencoder()
    assert isinstance(model, keras.Model) and isinstance(model, ae.Autoencoder) and model.built
    assert [tuple(w.shape) for w in model.weights] == [(784, 32), (32,), (32, 784), (784,)]
    assert not model.get_weights()[1].any() and not model.get_weights()[3].any()


def test_model_is_decoder_of_encoder(small, tiny):
    model = small(hidden=(8,))
    code = model.encoder(tiny)
    assert code.shape == (96, 4) and np.array_equal(model.decoder(code), model(tiny))
    assert model.predict(tiny, verbose=0) == pytest.approx(model(tiny).numpy(), abs=1e-6)
    assert model(tiny).shape == tiny.shape


@pytest.mark.parametrize("sizes", [[8, 6], (8, 6), np.array([8, 6]), (n for n in (8, 6))])
def test_any_sequence_of_sizes(small, sizes):
    assert small(hidden=sizes).count_params() == (16 * 8 + 8) + (8 * 6 + 6) + (6 * 4 + 4) + (4 * 6 + 6) + (6 * 8 + 8) + (
        8 * 16 + 16
    )


def test_activations_stand_where_they_should(small, tiny):
    model = small(
        hidden=(8,),
        hidden_activation="tanh",
        code_activation=None,
        output_activation="relu",
        bias_initializer=keras.initializers.RandomNormal(),
    )
    a, p, b, q, c, r, d, s = model.get_weights()
    code = np.tanh(tiny @ a + p) @ b + q
    assert model.encoder(tiny).numpy() == pytest.approx(code, abs=1e-5)
    assert model(tiny).numpy() == pytest.approx(np.maximum(np.tanh(code @ c + r) @ d + s, 0), abs=1e-5)
    assert all(bias.any() for bias in (p, q, r, s))


@pytest.mark.parametrize("activation", ["step", "straight_through_step", ae.step, ae.straight_through_step])
def test_rounded_code(small, tiny, activation):
    model = small(code_activation=activation)
    before = tiny @ model.get_weights()[0]
    assert np.array_equal(model.encoder(tiny).numpy(), (before > 0).astype(np.float32))
    gradient = ae.gradient_report(model, tiny).column("gradient")
    rounded = activation in ("step", ae.step)
    assert gradient == (["none", "none"] if rounded else ["flows", "flows"]) + ["flows", "flows"]


@pytest.mark.parametrize("activation", [tf.nn.relu, keras.ops.relu, keras.layers.LeakyReLU(), named])
def test_any_activation_that_keras_takes(small, tiny, activation):
    model = small(code_activation=activation)
    expected = np.asarray(activation(tf.constant(tiny @ model.get_weights()[0])))
    assert model.encoder(tiny).numpy() == pytest.approx(expected, abs=1e-5)


def test_tied_weights(small, tiny):
    model = small(hidden=(6,), tied=True, hidden_activation="tanh", bias_initializer="ones")
    # two kernels, and a bias for each of the four layers
    assert model.count_params() == 16 * 6 + 6 * 4 + (6 + 4 + 6 + 16)
    assert len(model.weights) == len(model.get_weights()) == 6
    kernels = {w.path: w.numpy() for w in model.encoder.weights if w.path.endswith("kernel")}
    a, b = kernels.values()
    code = np.maximum(np.tanh(tiny @ a + 1) @ b + 1, 0)
    expected = 1 / (1 + np.exp(-(np.tanh(code @ b.T + 1) @ a.T + 1)))
    assert model(tiny).numpy() == pytest.approx(expected, abs=1e-5)


def test_tie_holds_after_training(small, tiny):
    model = small(tied=True, output_activation=None)
    before = model.get_weights()[0]
    ae.fit(model, tiny, steps=5, batch_size=32, loss="mse", progress=False)
    kernel, _, bias = model.get_weights()
    assert np.abs(kernel - before).max() > 1e-4
    assert model(tiny).numpy() == pytest.approx(model.encoder(tiny).numpy() @ kernel.T + bias, abs=1e-5)


def test_tied_step_code_trains_the_encoder_through_the_decoder(small, tiny):
    model = small(tied=True, code_activation="step", output_activation=None)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(tiny) - tiny))
    kernel, code_bias, output_bias = tape.gradient(loss, model.trainable_variables)
    weights = model.get_weights()
    code = (tiny @ weights[0] > 0).astype(np.float32)
    upstream = 2 * (code @ weights[0].T + weights[2] - tiny) / tiny.size
    assert np.asarray(kernel) == pytest.approx(upstream.T @ code, abs=1e-6)
    assert np.asarray(output_bias) == pytest.approx(upstream.sum(axis=0), abs=1e-6)
    assert code_bias is None


@pytest.mark.parametrize(
    "initializer", ["random_normal", keras.initializers.RandomNormal(), keras.initializers.RandomNormal(seed=3)]
)
@pytest.mark.parametrize("tied", [False, True])
def test_each_layer_has_draws_of_its_own(initializer, tied):
    keras.utils.set_random_seed(0)
    # All kernels, and all biases, have one shape: if two layers could get the same numbers, they would here.
    model = ae.autoencoder(
        hidden=(16,),
        code_size=16,
        input_size=16,
        tied=tied,
        kernel_initializer=initializer,
        bias_initializer=initializer,
    )
    weights = model.get_weights()
    assert len(weights) == (6 if tied else 8)
    for i, first in enumerate(weights):
        for second in weights[i + 1 :]:
            assert first.shape != second.shape or not np.array_equal(first, second)


def test_seeds_repeat_the_weights(small):
    for options in ({}, {"hidden": (6,), "tied": True}):
        first, again, other = (small(weights=seed, **options).get_weights() for seed in (1, 1, 2))
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
        assert not np.array_equal(first[0], other[0])


def test_two_models_share_nothing(small):
    initializer = keras.initializers.RandomNormal()
    first, second = small(weights=0, kernel_initializer=initializer), ae.autoencoder((), 4, input_size=16)
    before = second.get_weights()
    first.set_weights([w + 1 for w in first.get_weights()])
    assert all(np.array_equal(a, b) for a, b in zip(before, second.get_weights(), strict=True))


def test_compile_fit_and_evaluate_as_any_keras_model(small, tiny):
    model = small(hidden=(8,))
    model.compile("adam", "mse")
    before = model.evaluate(tiny, tiny, verbose=0)
    assert before == pytest.approx(np.square(model(tiny).numpy() - tiny).mean(), abs=1e-6)
    model.fit(tiny, tiny, epochs=5, verbose=0)
    assert model.evaluate(tiny, tiny, verbose=0) < before


VARIANTS = {
    "plain": {"hidden": (8, 6), "hidden_activation": "tanh"},
    "step": {"code_activation": "step"},
    "tied": {"hidden": (6,), "tied": True, "code_activation": "step"},
    "initializers": {
        "kernel_initializer": keras.initializers.VarianceScaling(0.3, seed=5),
        "bias_initializer": keras.initializers.Constant(0.25),
        "code_activation": ae.straight_through_step,
        "output_activation": None,
    },
}

LOADS_IN_A_FRESH_PROCESS = """
import json, sys
from pathlib import Path
import aehelpers
import keras, numpy as np
folder = Path(sys.argv[1])
report = {}
for path in sorted(folder.glob("*.keras")):
    model = keras.models.load_model(path)
    kept = np.load(path.with_suffix(".npz"))
    x = kept["x"]
    report[path.stem] = {
        "class": type(model) is aehelpers.Autoencoder,
        "predictions": float(np.abs(model(x) - kept["predictions"]).max()),
        "code": float(np.abs(model.encoder(x) - kept["code"]).max()),
        "iterations": int(model.optimizer.iterations),
    }
    model.train_on_batch(x, x)  # the same only when the optimizer's state came along
    report[path.stem]["after a step"] = max(
        float(np.abs(w - kept[f"w{i}"]).max()) for i, w in enumerate(model.get_weights())
    )
print(json.dumps(report))
"""


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_saved_models_load_in_a_fresh_process_after_the_import_alone(small, tiny, tmp_path, python):
    for name, options in VARIANTS.items():
        model = small(**options)
        history = ae.fit(model, tiny, steps=7, batch_size=32, learning_rate=0.01, progress=False)
        model.compile(history.optimizer, "binary_crossentropy" if options.get("output_activation", 1) else "mse")
        model.save(tmp_path / f"{name}.keras")
        predictions, code = model(tiny).numpy(), model.encoder(tiny).numpy()
        model.train_on_batch(tiny, tiny)
        after = {f"w{i}": w for i, w in enumerate(model.get_weights())}
        np.savez(tmp_path / f"{name}.npz", x=tiny, predictions=predictions, code=code, **after)
    done = python(LOADS_IN_A_FRESH_PROCESS, tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == set(VARIANTS)
    for name, found in report.items():
        assert found["class"], name
        assert found["iterations"] == 7, name
        assert found["code"] <= 1e-6 and found["predictions"] <= 1e-6, (name, found)
        assert found["after a step"] <= 1e-5, (name, found)


@pytest.mark.parametrize("name", VARIANTS)
def test_clone(small, tiny, name):
    model = small(**VARIANTS[name])
    clone = keras.models.clone_model(model)
    assert type(clone) is ae.Autoencoder and clone.get_config() == {**model.get_config(), "name": clone.name}
    clone.set_weights(model.get_weights())
    assert np.array_equal(clone(tiny), model(tiny))
    clone.set_weights([w + 1 for w in model.get_weights()])
    assert not np.array_equal(clone(tiny), model(tiny))


def test_config_is_json(small):
    for options in VARIANTS.values():
        model = small(**options)
        config = json.loads(json.dumps(model.get_config()))
        again = ae.Autoencoder.from_config(config)
        assert [w.shape for w in again.weights] == [w.shape for w in model.weights]


def test_half_a_model_saves_too_unless_it_is_a_tied_decoder(small, tiny, tmp_path):
    model = small(tied=True, code_activation="step")
    model.encoder.save(tmp_path / "encoder.keras")
    assert np.array_equal(keras.models.load_model(tmp_path / "encoder.keras")(tiny), model.encoder(tiny))
    with pytest.raises(NotImplementedError, match="save the whole model"):
        model.decoder.save(tmp_path / "decoder.keras")
    untied = small()
    untied.decoder.save(tmp_path / "decoder.keras")
    code = untied.encoder(tiny)
    assert np.array_equal(keras.models.load_model(tmp_path / "decoder.keras")(code), untied.decoder(code))


def test_unregistered_activation_needs_custom_objects_to_load(small, tiny, tmp_path):
    model = small(code_activation=named)
    model.save(tmp_path / "model.keras")
    with pytest.raises((TypeError, ValueError), match="named"):
        keras.models.load_model(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", custom_objects={"named": named})
    assert np.array_equal(loaded(tiny), model(tiny))


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"hidden": 300}, TypeError, r"hidden must be a sequence of layer sizes such as \(300, 100\), but it is 300"),
        ({"hidden": "300"}, TypeError, "hidden must be a sequence"),
        ({"hidden": None}, TypeError, "hidden must be a sequence of layer sizes"),
        ({"hidden": (300.0,)}, TypeError, "each size in hidden must be a positive whole number, but it is 300.0"),
        ({"hidden": (True,)}, TypeError, "each size in hidden"),
        ({"hidden": ((8, 6),)}, TypeError, "each size in hidden"),
        ({"hidden": (0,)}, ValueError, "each size in hidden must be at least 1, but it is 0"),
        ({"code_size": 0}, ValueError, "code_size must be at least 1"),
        ({"code_size": -2}, ValueError, "code_size must be at least 1"),
        ({"code_size": 2.5}, TypeError, "code_size must be a positive whole number"),
        ({"code_size": None}, TypeError, "code_size"),
        ({"code_size": True}, TypeError, "code_size"),
        ({"input_size": 0}, ValueError, "input_size must be at least 1"),
        ({"input_size": (28, 28)}, TypeError, "input_size must be a positive whole number"),
        ({"tied": 1}, TypeError, "tied must be True or False, but it is 1"),
        ({"tied": "yes"}, TypeError, "tied must be True or False"),
        ({"code_activation": "stepp"}, ValueError, "stepp"),
        ({"hidden_activation": "step2", "hidden": (8,)}, ValueError, "step2"),
        ({"output_activation": 3}, ValueError, "3"),
        ({"kernel_initializer": "glorot"}, ValueError, "glorot"),
        ({"bias_initializer": 0}, ValueError, "0"),
        ({"code_activation": 3}, ValueError, "3"),
    ],
)
def test_wrong_arguments(options, kind, message):
    with pytest.raises(kind, match=message):
        ae.autoencoder(**options)


def test_wrong_width(small, tiny):
    with pytest.raises(ValueError, match="16"):
        small()(tiny[:, :9])
