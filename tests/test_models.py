"""Both kinds of autoencoder: sizes, ties, draws, the KL term by hand, all that Keras does with a model; and `predict`."""

import json

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.models import Autoencoder, VariationalAutoencoder
from keras import layers


def named(x):
    """An activation that nobody registered."""
    return tf.nn.relu(x) + 1


def make(weights=0, **options):
    """A variational autoencoder of 16 pixels; the same `weights` seed gives the same weights and the same noise."""
    keras.utils.set_random_seed(weights)
    return ae.variational_autoencoder(**{"input_size": 16, "hidden": (8,), "code_size": 3, **options})


def kernels(model):
    return [tuple(weight.shape) for weight in model.weights if weight.path.endswith("kernel")]


def largest_difference(first, second):
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))


def test_sizes_are_mirrored():
    model = ae.autoencoder(hidden=(300, 100), code_size=2)
    assert kernels(model) == [(784, 300), (300, 100), (100, 2), (2, 100), (100, 300), (300, 784)]
    assert model.count_params() == sum(a * b + b for a, b in kernels(model))
    assert [layer.name for layer in model.encoder.layers] == ["hidden_1", "hidden_2", "code"]
    assert [layer.name for layer in model.decoder.layers] == ["hidden_1", "hidden_2", "output"]


def test_defaults():
    model, variational = ae.autoencoder(), ae.variational_autoencoder()
    assert type(model) is Autoencoder and type(variational) is VariationalAutoencoder
    assert kernels(model) == [(784, 32), (32, 784)] and not (model.get_weights()[1].any() or model.get_weights()[3].any())
    assert kernels(variational) == [(784, 256), (256, 5), (256, 5), (5, 256), (256, 784)]
    for each in (model, variational):
        assert isinstance(each, keras.Model) and each.built
        assert each.count_params() == sum(a * b + b for a, b in kernels(each))


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


@pytest.mark.parametrize("activation", [tf.nn.relu, keras.ops.relu, keras.layers.LeakyReLU(), named])
def test_any_activation_that_keras_takes(small, tiny, activation):
    model = small(code_activation=activation)
    expected = np.asarray(activation(tf.constant(tiny @ model.get_weights()[0])))
    assert ae.predict(model.encoder, tiny) == pytest.approx(expected, abs=1e-5)


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
@pytest.mark.parametrize(("build", "weights"), [({}, 8), ({"tied": True}, 6), (None, 10)], ids=["plain", "tied", "variational"])
def test_each_layer_has_draws_of_its_own(small, initializer, build, weights):
    # All kernels, and all biases, have one shape: if two layers could get the same numbers, they would here.
    options = {"hidden": (16,), "code_size": 16, "kernel_initializer": initializer, "bias_initializer": initializer}
    drawn = (make(**options) if build is None else small(**options, **build)).get_weights()
    assert len(drawn) == len({weight.tobytes() for weight in drawn}) == weights


def test_seeds_repeat_the_weights(small):
    for build in (small, lambda weights: small(weights=weights, hidden=(6,), tied=True), make):
        first, again, other = (build(weights=seed).get_weights() for seed in (1, 1, 2))
        assert largest_difference(first, again) == 0 and not np.array_equal(first[0], other[0])


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


@pytest.mark.parametrize("kl_weight", [0, 1.0, 16, np.float32(0.5)])
def test_model_divides_the_kl_by_the_pixels_and_adds_it_once(tiny, kl_weight):
    model = make(kl_weight=kl_weight)
    per_image = kl(*model.encoder_with_variance(tiny))
    assert per_image > 0.1
    for training in (True, False, True):
        model(tiny, training=training)
        assert [float(loss) for loss in model.losses] == [pytest.approx(per_image * float(kl_weight) / 16, rel=1e-5)]


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


def test_noise_repeats_with_the_seed(tiny):
    pair = [tf.zeros((4, 2)), tf.zeros((4, 2))]
    for draw in (
        lambda seed: make(seed)(tiny, training=True),
        lambda seed: ae.GaussianSampling(seed=seed)(pair, training=True),
    ):
        first, again, other = (draw(seed).numpy() for seed in (1, 1, 2))
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
    parts = [path.split("/")[-2] for path in report.index[::2]]
    assert parts == ["hidden_1", "code_mean", "code_log_variance", "hidden_1", "output"]
    assert set(report["gradient"]) == {"flows"}
    # also without the KL term, since the draw lets it through
    assert set(ae.gradient_report(make(kl_weight=0), tiny)["gradient"]) == {"flows"}


@pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])
def test_fit_trains_and_repeats(tiny, fit, xla):
    models = make(), make()
    options = {"steps": 100, "batch_size": 32, "optimizer": "adam", "learning_rate": 0.01, "validation_data": tiny}
    first, second = (fit(model, tiny, xla=xla, **options) for model in models)
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
    "initializers": {
        "kernel_initializer": keras.initializers.VarianceScaling(0.3, seed=5),
        "bias_initializer": keras.initializers.Constant(0.25),
        "code_activation": ae.straight_through_step,
        "output_activation": None,
    },
    "variational": {},
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
        "class": type(model).__name__,
        "predictions": float(np.abs(ae.predict(model, x) - kept["predictions"]).max()),
        "code": float(np.abs(ae.predict(model.encoder, x) - kept["code"]).max()),
        "iterations": int(model.optimizer.iterations),
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
        kept = {"x": tiny, "code": ae.predict(model.encoder, tiny), "predictions": ae.predict(model, tiny)}
        kept["penalty"] = float(sum(model.losses))
        kept |= {f"v{i}": variable.numpy() for i, variable in enumerate(history.optimizer.variables)}
        np.savez(tmp_path / f"{name}.npz", **kept)
    done = python(LOADS_IN_A_FRESH_PROCESS, tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == set(VARIANTS)
    for name, found in report.items():
        assert found.pop("class") == type(variant(name)).__name__ and found.pop("iterations") == 7, name
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
    model(tiny)
    before = model.evaluate(tiny, tiny, batch_size=96, verbose=0)
    assert before == pytest.approx(ae.bce(tiny, ae.predict(model, tiny)) + float(sum(model.losses)), rel=1e-5)
    model.fit(tiny, tiny, epochs=5, verbose=0)
    assert model.evaluate(tiny, tiny, batch_size=96, verbose=0) < before


def test_half_a_model_saves_too_unless_it_is_a_tied_decoder(small, tiny, tmp_path):
    tied, untied, variational = small(tied=True, code_activation="step"), small(), make()
    for model, name in (
        (tied, "encoder"),
        (untied, "decoder"),
        (variational, "encoder"),
        (variational, "encoder_with_variance"),
        (variational, "decoder"),
    ):
        half = getattr(model, name)
        half.save(tmp_path / "half.keras")
        inputs = model.encoder(tiny) if name == "decoder" else tiny
        assert np.array_equal(np.asarray(keras.models.load_model(tmp_path / "half.keras")(inputs)), np.asarray(half(inputs)))
    with pytest.raises(NotImplementedError, match="save the whole model"):
        tied.decoder.save(tmp_path / "half.keras")


def test_unregistered_activation_needs_custom_objects_to_load(small, tiny, tmp_path):
    model = small(code_activation=named)
    model.save(tmp_path / "model.keras")
    with pytest.raises((TypeError, ValueError), match="named"):
        keras.models.load_model(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", custom_objects={"named": named})
    assert np.array_equal(loaded(tiny), model(tiny))


def test_predict_is_that_of_keras_outside_training(tiny):
    keras.utils.set_random_seed(0)
    parts = [layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.5), layers.GaussianNoise(1.0), layers.Dense(16)]
    model = keras.Sequential([keras.Input((16,)), *parts])
    model.set_weights([weight + 0.3 for weight in model.get_weights()])  # moving statistics that show
    before = [variable.numpy() for variable in model.variables]
    made = ae.predict(model, tiny)
    assert type(made) is np.ndarray and made.dtype == np.float32
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
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    assert ae.predict(model, x) == pytest.approx(x @ model.get_weights()[0], abs=1e-5)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.astype(float) / 3,
        lambda x: tf.cast(x, tf.float16) * 2,
        lambda x: x > 0.5,
        lambda x: x.sum(axis=1),
        lambda x: tf.reshape(x, (-1, 2, 2, 4)),
        lambda x: np.tile(x, 3),
        keras.layers.Flatten(),
        tf.function(lambda x: x + 1),
    ],
)
def test_predict_takes_any_function_and_output(tiny, function):
    made = ae.predict(function, tiny)
    expected = np.asarray(function(tiny)).astype(np.float32)
    assert made.dtype == np.float32 and made.shape == expected.shape and np.array_equal(made, expected)


@pytest.mark.parametrize("policy", ["float16", "mixed_bfloat16", "float64"])
def test_predict_gives_float32_whatever_the_model_computes_in(tiny, policy):
    model = keras.Sequential([keras.Input((16,)), layers.Dense(4, dtype=policy)])
    made = ae.predict(model, tiny)
    assert made.dtype == np.float32
    assert made == pytest.approx(tiny @ model.get_weights()[0].astype(np.float32), abs=0.05)


def test_predict_builds_a_model_that_was_never_called(tiny):
    model = keras.Sequential([layers.Dense(4)])
    assert ae.predict(model, tiny) == pytest.approx(tiny @ model.get_weights()[0], abs=1e-5)


def test_what_a_function_of_the_user_raises_is_left_as_it_is(tiny):
    with pytest.raises(ZeroDivisionError):
        ae.predict(lambda x: 1 / 0, tiny)


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
