"""Both kinds of autoencoder: sizes, ties, draws, the KL term by hand, all that Keras does with a model; and `predict`."""

import json

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers


def make(weights=0, **options):
    """A variational autoencoder of 16 pixels; the same `weights` seed gives the same weights and the same noise."""
    keras.utils.set_random_seed(weights)
    return ae.variational_autoencoder(**{"input_size": 16, "hidden": (8,), "code_size": 3, **options})


def kernels(model):
    return [tuple(weight.shape) for weight in model.weights if weight.path.endswith("kernel")]


def largest_difference(first, second):
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))


def test_sizes_are_mirrored():
    assert kernels(ae.autoencoder()) == [(784, 32), (32, 784)]
    assert kernels(ae.variational_autoencoder()) == [(784, 256), (256, 5), (256, 5), (5, 256), (256, 784)]
    model = ae.autoencoder(hidden=(300, 100), code_size=2)
    assert kernels(model) == [(784, 300), (300, 100), (100, 2), (2, 100), (100, 300), (300, 784)]
    assert model.count_params() == sum(a * b + b for a, b in kernels(model))
    assert not any(weight.numpy().any() for weight in model.weights if weight.path.endswith("bias"))
    assert [layer.name for layer in model.encoder.layers] == ["hidden_1", "hidden_2", "code"]
    assert [layer.name for layer in model.decoder.layers] == ["hidden_1", "hidden_2", "output"]


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
    assert ae.predict(model.encoder, tiny) == pytest.approx(code, abs=1e-5)
    made = np.maximum(np.tanh(code @ c + r) @ d + s, 0)
    assert ae.predict(model, tiny) == pytest.approx(made, abs=1e-5) == ae.predict(model.decoder, code)
    assert all(bias.any() for bias in (p, q, r, s))


def test_activations_of_the_variational_one(tiny):
    model = make(hidden=(8, 6), hidden_activation="tanh", output_activation=None, bias_initializer="ones")
    a, p, b, q, c, r, v, w, d, s, e, t, f, u = model.get_weights()
    hidden = np.tanh(np.tanh(tiny @ a + p) @ b + q)
    mean, log_variance = model.encoder_with_variance(tiny)
    assert mean.numpy() == pytest.approx(hidden @ c + r, abs=1e-5) == ae.predict(model.encoder, tiny)
    assert log_variance.numpy() == pytest.approx(hidden @ v + w, abs=1e-5)
    made = np.tanh(np.tanh(mean @ d + s) @ e + t) @ f + u
    assert ae.predict(model, tiny) == pytest.approx(made, abs=1e-5) == ae.predict(model.decoder, mean)
    assert make(hidden=()).count_params() == 2 * (16 * 3 + 3) + 3 * 16 + 16


@pytest.mark.parametrize("activation", ["step", "straight_through_step", ae.step, ae.straight_through_step])
def test_rounded_code(small, tiny, activation):
    model = small(code_activation=activation)
    assert np.array_equal(ae.predict(model.encoder, tiny), tiny @ model.get_weights()[0] > 0)
    rounded = activation in ("step", ae.step)
    gradient = ae.gradient_report(model, tiny)["gradient"].to_list()
    assert gradient == (["none", "none"] if rounded else ["flows", "flows"]) + ["flows", "flows"]
    # The gradient of a tied kernel comes through the decoder too.
    tied = ae.gradient_report(small(tied=True, code_activation=activation), tiny)["gradient"].to_list()
    assert tied == ["flows", "none" if rounded else "flows", "flows"]


def test_tie_holds_before_and_after_training(small, tiny, fit):
    model = small(hidden=(6,), tied=True, hidden_activation="tanh", bias_initializer="ones")
    assert kernels(model) == [(16, 6), (6, 4)] and len(model.get_weights()) == 6
    before = model.get_weights()
    for steps in (0, 5):
        if steps:
            fit(model, tiny, steps=steps, batch_size=32, learning_rate=0.5)
        a, p, b, q, r, s = model.get_weights()
        code = np.maximum(np.tanh(tiny @ a + p) @ b + q, 0)
        expected = 1 / (1 + np.exp(-(np.tanh(code @ b.T + r) @ a.T + s)))
        assert ae.predict(model, tiny) == pytest.approx(expected, abs=1e-5)
    assert np.abs(a - before[0]).max() > 1e-3


@pytest.mark.parametrize("initializer", ["random_normal", keras.initializers.RandomNormal(seed=3)])
@pytest.mark.parametrize(("build", "weights"), [({}, 8), ({"tied": True}, 6), (None, 10)], ids=["plain", "tied", "variational"])
def test_each_layer_has_draws_of_its_own(small, initializer, build, weights):
    # All kernels, and all biases, have one shape: if two layers could get the same numbers, they would here.
    options = {"hidden": (16,), "code_size": 16, "kernel_initializer": initializer, "bias_initializer": initializer}
    drawn = (make(**options) if build is None else small(**options, **build)).get_weights()
    assert len(drawn) == len({weight.tobytes() for weight in drawn}) == weights


def kl(mean, log_variance, **options):
    layer = ae.GaussianSampling(**options)
    layer([tf.constant(mean, tf.float32), tf.constant(log_variance, tf.float32)])
    (penalty,) = layer.losses
    assert penalty.shape == ()
    return float(penalty)


def test_kl_by_hand():
    assert kl(np.zeros((4, 3)), np.zeros((4, 3))) == 0  # the standard normal distribution costs nothing
    # (e ** 0.5 + 1 - 1 - 0.5) / 2 for one unit
    assert kl([[1.0]], [[0.5]]) == pytest.approx(0.574361, abs=1e-6)
    # two units add up: the second has mean -2 and log-variance -1, (e ** -1 + 4 - 1 + 1) / 2 = 2.183940
    assert kl([[1.0, -2.0]], [[0.5, -1.0]]) == pytest.approx(0.574361 + 2.183940, abs=1e-5)
    # images are averaged: the second is the standard normal one
    assert kl([[1.0], [0.0]], [[0.5], [0.0]]) == pytest.approx(0.574361 / 2, abs=1e-6)
    assert kl([[1.0]] * 7, [[0.5]] * 7, kl_weight=0.25) == pytest.approx(0.574361 / 4, abs=1e-6)


def test_model_divides_the_kl_by_the_pixels_and_adds_it_once(tiny):
    model = make(kl_weight=3)
    per_image = kl(*model.encoder_with_variance(tiny))
    for training in (True, False, True):
        model(tiny, training=training)
        assert [float(loss) for loss in model.losses] == [pytest.approx(per_image * 3 / 16, rel=1e-5)]


def test_draws_have_the_right_mean_and_spread():
    mean = tf.tile([[2.0, -1.0, 0.0]], (40_000, 1))
    log_variance = tf.tile([[0.0, np.log(4.0), -40.0]], (40_000, 1))
    draws = ae.GaussianSampling(seed=3)([mean, log_variance], training=True).numpy()
    assert draws.dtype == np.float32
    assert draws.mean(axis=0) == pytest.approx([2, -1, 0], abs=0.04)
    assert draws.std(axis=0) == pytest.approx([1, 2, 0], abs=0.04)
    # one draw for each image and each unit
    assert abs(np.corrcoef(draws[:, 0], draws[:, 1])[0, 1]) < 0.03
    assert len(np.unique(draws[:, 0])) > 39_000
    # a normal distribution: two thirds within one standard deviation
    assert np.mean(np.abs(draws[:, 0] - 2) < 1) == pytest.approx(0.6827, abs=0.01)


def test_draws_are_made_in_training_only(tiny):
    model = make()
    mean = model.decoder(model.encoder(tiny))
    assert all(np.array_equal(model(tiny, **options), mean) for options in ({}, {"training": False}, {"training": None}))
    first, second = (model(tiny, training=True).numpy() for _ in range(2))
    assert np.abs(first - second).max() > 0.01 and np.abs(first - mean).max() > 0.01


def test_noise_repeats_with_the_seed():
    pair = [tf.zeros((4, 2)), tf.zeros((4, 2))]
    first, again, other = (ae.GaussianSampling(seed=seed)(pair, training=True).numpy() for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_loops_draw_anew_in_each_step(jit_compile):
    layer = ae.GaussianSampling(seed=0)

    @tf.function(jit_compile=jit_compile)
    def loop():
        def advance(i, rows):
            return i + 1, tf.tensor_scatter_nd_update(rows, [[i]], layer([tf.zeros((1, 2)), tf.zeros((1, 2))], training=True))

        return tf.while_loop(lambda i, _: i < 5, advance, (0, tf.zeros((5, 2))))[1]

    assert len(np.unique([loop(), loop()])) == 20


def test_gradient_reaches_everything(tiny):
    report = ae.gradient_report(make(), tiny)
    assert set(report["gradient"]) == {"flows"}
    # Also without the KL term: the draw lets it through.
    assert set(ae.gradient_report(make(kl_weight=0), tiny)["gradient"]) == {"flows"}


def test_fit_trains_and_repeats(tiny, fit):
    models = make(), make()
    options = {"steps": 100, "batch_size": 32, "optimizer": "adam", "learning_rate": 0.01, "validation_data": tiny}
    first, second = (fit(model, tiny, **options) for model in models)
    assert first.without_gradient == () and first.history == second.history
    assert first.history["loss"][-1] < first.history["loss"][0] - 0.003
    assert largest_difference(*(model.get_weights() for model in models)) == 0
    # The validation loss is that of the mean, plus the KL term.
    model = models[0]
    expected = ae.bce(tiny, ae.predict(model, tiny)) + kl(*model.encoder_with_variance(tiny)) / 16
    assert first.history["val_loss"][-1] == pytest.approx(expected, rel=1e-5)


def test_the_layer_in_a_functional_model(tiny, fit):
    inputs = keras.Input((16,))
    code = ae.GaussianSampling(kl_weight=1 / 16)([layers.Dense(2)(inputs), layers.Dense(2)(inputs)])
    model = keras.Model(inputs, layers.Dense(16)(code))
    assert fit(model, tiny, loss="mse").without_gradient == () and len(model.losses) == 1


VARIANTS = {
    "plain": {"hidden": (8, 6), "hidden_activation": "tanh"},
    "step": {"code_activation": "step"},
    "tied": {"hidden": (6,), "tied": True, "code_activation": "step"},
    "initializer": {"kernel_initializer": keras.initializers.VarianceScaling(0.3, seed=5)},
    "function": {"code_activation": ae.straight_through_step},
    "variational, deep": {"hidden": (8, 6), "output_activation": None, "kl_weight": 16},
}


@pytest.fixture
def variant(small):
    def build(name):
        return (make if name.startswith("variational") else small)(**VARIANTS[name])

    return build


LOADS_IN_A_FRESH_PROCESS = """
import json, sys
from pathlib import Path
import aehelpers as ae
import keras, numpy as np
report = {}
for path in sorted(Path(sys.argv[1]).glob("*.keras")):
    model = keras.models.load_model(path)
    kept = np.load(path.with_suffix(".npz"))
    x = kept["x"]
    report[path.stem] = {
        "predictions": float(np.abs(ae.predict(model, x) - kept["predictions"]).max()),
    }
    model(x, training=False)
    report[path.stem]["penalty"] = float(sum(model.losses) - kept["penalty"])
    report[path.stem]["draws"] = float(np.abs(model(x, training=True) - model(x, training=True)).max())
    state = [np.abs(v.numpy() - kept[f"v{i}"]).max() for i, v in enumerate(model.optimizer.variables)]
    report[path.stem]["optimizer"] = float(max(state))
print(json.dumps(report))
"""


def test_saved_models_load_in_a_fresh_process_after_the_import_alone(variant, tiny, fit, tmp_path, python):
    for name in VARIANTS:
        model = variant(name)
        history = fit(model, tiny, steps=7, batch_size=32, optimizer="adam", learning_rate=0.01, loss="mse")
        model.compile(history.optimizer, "mse", jit_compile=False)
        model.save(tmp_path / f"{name}.keras")
        kept = {"x": tiny, "predictions": ae.predict(model, tiny), "penalty": float(sum(model.losses))}
        kept |= {f"v{i}": variable.numpy() for i, variable in enumerate(history.optimizer.variables)}
        np.savez(tmp_path / f"{name}.npz", **kept)
    done = python(LOADS_IN_A_FRESH_PROCESS, tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == set(VARIANTS)
    for name, found in report.items():
        assert (found.pop("draws") > 0.01) == name.startswith("variational")
        assert max(map(abs, found.values())) <= 1e-6, (name, found)


@pytest.mark.parametrize("name", VARIANTS)
def test_clone_and_config(variant, tiny, name):
    model = variant(name)
    clone = keras.models.clone_model(model)
    assert type(clone) is type(model) and clone.get_config() == {**model.get_config(), "name": clone.name}
    clone.set_weights(model.get_weights())
    assert np.array_equal(clone(tiny), model(tiny))
    clone.set_weights([weight + 1 for weight in model.get_weights()])
    assert not np.array_equal(clone(tiny), model(tiny))
    again = type(model).from_config(json.loads(json.dumps(model.get_config())))
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in model.weights]
    assert again.get_config() == model.get_config()


def test_compile_fit_and_evaluate_as_any_keras_model(tiny):
    model = make()
    model.compile("adam", "bce", jit_compile=False)
    before = model.evaluate(tiny, tiny, batch_size=96, verbose=0)
    assert before == pytest.approx(ae.bce(tiny, ae.predict(model, tiny)) + float(sum(model.losses)), rel=1e-5)
    model.fit(tiny, tiny, epochs=5, verbose=0)
    assert model.evaluate(tiny, tiny, batch_size=96, verbose=0) < before


def test_half_a_model_saves_too_unless_it_is_a_tied_decoder(small, tiny, tmp_path):
    tied, untied, variational = small(tied=True, code_activation="step"), small(), make()
    for model, name in ((tied, "encoder"), (untied, "decoder"), (variational, "encoder_with_variance")):
        half = getattr(model, name)
        half.save(tmp_path / "half.keras")
        inputs = model.encoder(tiny) if name == "decoder" else tiny
        assert np.array_equal(np.asarray(keras.models.load_model(tmp_path / "half.keras")(inputs)), np.asarray(half(inputs)))
    with pytest.raises(NotImplementedError, match="save the whole model"):
        tied.decoder.save(tmp_path / "half.keras")


def test_predict_is_that_of_keras_outside_training(tiny):
    keras.utils.set_random_seed(0)
    parts = [layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.5), layers.GaussianNoise(1.0), layers.Dense(16)]
    model = keras.Sequential([keras.Input((16,)), *parts])
    model.set_weights([weight + 0.3 for weight in model.get_weights()])  # moving statistics that show
    before = [variable.numpy() for variable in model.variables]
    made = ae.predict(model, tiny)
    assert made == pytest.approx(model.predict(tiny, verbose=0), abs=1e-5)
    assert np.array_equal(made, ae.predict(model, tiny))
    assert largest_difference(before, [variable.numpy() for variable in model.variables]) == 0


def test_predict_works_in_pieces():
    x = np.random.default_rng(0).random((2301, 3), np.float32)
    pieces = []

    def count(images):
        assert type(images) is np.ndarray and images.dtype == np.float32
        pieces.append(len(images))
        return images * 2

    assert np.array_equal(ae.predict(count, x), 2 * x) and pieces == [1000, 1000, 301]


def test_predict_takes_any_function_and_output(tiny):
    for function in (
        lambda x: x.astype(float) / 3,
        lambda x: x > 0.5,
        lambda x: x.sum(axis=1),
        lambda x: tf.reshape(x, (-1, 2, 2, 4)),
        keras.layers.Dense(4, dtype="mixed_bfloat16"),
    ):
        made, expected = ae.predict(function, tiny), np.asarray(function(tiny)).astype(np.float32)
        assert made.dtype == np.float32 and made.shape == expected.shape and np.array_equal(made, expected)


A_DOZEN_MODELS = """
import aehelpers as ae
import numpy as np
x = np.random.default_rng(0).random((1100, 16), np.float32)  # pieces of two sizes
for code_size in range(1, 13):
    model = ae.autoencoder(code_size=code_size, input_size=16)
    if code_size < 7:
        ae.fit(model, x, steps=1, validation_data=x[:100 * code_size], progress=False)
    ae.predict(model, x), ae.predict(model.decoder, ae.predict(model.encoder, x[code_size:]))
    ae.gradient_report(model, x[:50]), ae.dead_units(model.encoder, x)
"""


def test_a_dozen_models_are_run_in_silence(python):
    """TensorFlow warns when it has traced some functions too often."""
    done = python(A_DOZEN_MODELS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
