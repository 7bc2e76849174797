"""The variational autoencoder: its KL term by hand, its draws, and everything Keras does with a model."""

import json

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf


def make(weights=0, **options):
    """A variational autoencoder of 16 pixels; the same `weights` seed gives the same weights and the same noise."""
    keras.utils.set_random_seed(weights)
    return ae.variational_autoencoder(**{"input_size": 16, "hidden": (8,), "code_size": 3, **options})


def kl(mean, log_variance, **options):
    layer = ae.GaussianSampling(**options)
    layer([tf.constant(mean, tf.float32), tf.constant(log_variance, tf.float32)])
    (penalty,) = layer.losses
    assert penalty.shape == ()
    return float(penalty)


# What the KL term costs.


def test_standard_normal_costs_nothing():
    assert kl(np.zeros((4, 3)), np.zeros((4, 3))) == 0


def test_kl_by_hand():
    # (e ** 0.5 + 1 - 1 - 0.5) / 2 for one unit
    assert kl([[1.0]], [[0.5]]) == pytest.approx(0.574361, abs=1e-6)
    # two units add up: the second has mean -2 and log-variance -1, (e ** -1 + 4 - 1 + 1) / 2 = 2.183940
    assert kl([[1.0, -2.0]], [[0.5, -1.0]]) == pytest.approx(0.574361 + 2.183940, abs=1e-5)
    # images are averaged: the second is the standard normal one
    assert kl([[1.0], [0.0]], [[0.5], [0.0]]) == pytest.approx(0.574361 / 2, abs=1e-6)
    assert kl([[1.0]], [[0.5]], kl_weight=0.25) == pytest.approx(0.574361 / 4, abs=1e-6)


def test_kl_agrees_with_an_estimate_from_draws():
    """KL is the mean, over draws from q, of log q - log p."""
    mean, log_variance = 0.7, -0.8
    draws = mean + np.exp(log_variance / 2) * np.random.default_rng(0).standard_normal(400_000)
    log_q = -0.5 * (log_variance + (draws - mean) ** 2 / np.exp(log_variance))
    assert kl([[mean]], [[log_variance]]) == pytest.approx(np.mean(log_q + 0.5 * draws**2), abs=0.01)


def test_kl_does_not_depend_on_the_batch_size():
    mean, log_variance = np.random.default_rng(1).normal(size=(2, 5, 3))
    one = kl(mean, log_variance)
    assert one > 0.1
    assert kl(np.tile(mean, (7, 1)), np.tile(log_variance, (7, 1))) == pytest.approx(one, rel=1e-6)


@pytest.mark.parametrize("kl_weight", [0, 1.0, 16, np.float32(0.5)])
def test_model_divides_the_kl_by_the_pixels(tiny, kl_weight):
    model = make(kl_weight=kl_weight)
    model(tiny)
    mean, log_variance = model.encoder_with_variance(tiny)
    per_image = kl(mean, log_variance)
    assert per_image > 0.1
    assert float(sum(model.losses)) == pytest.approx(per_image * float(kl_weight) / 16, rel=1e-5)


def test_kl_counts_the_same_in_and_outside_training_and_does_not_pile_up(tiny):
    model = make()
    found = []
    for training in (True, False, True):
        model(tiny, training=training)
        assert len(model.losses) == 1
        found.append(float(model.losses[0]))
    assert found == pytest.approx([found[0]] * 3, rel=1e-6)


def test_loss_is_a_bound_per_pixel_or_per_image_with_the_same_gradient(tiny):
    """A mean over the pixels with weight 1 is a sum over them with the weight 16, divided by 16."""
    per_pixel, per_image = make(), make(kl_weight=16)
    pixels = ae.gradient_report(per_pixel, tiny).column("norm")
    images = ae.gradient_report(per_image, tiny, loss=lambda x, y: 16 * keras.losses.binary_crossentropy(x, y)).column("norm")
    assert np.array(pixels) * 16 == pytest.approx(np.array(images), rel=1e-3)


# What the draws are.


def test_draws_have_the_right_mean_and_spread():
    layer = ae.GaussianSampling(seed=3)
    mean = tf.tile([[2.0, -1.0, 0.0]], (40_000, 1))
    log_variance = tf.tile([[0.0, np.log(4.0), -40.0]], (40_000, 1))
    draws = layer([mean, log_variance], training=True).numpy()
    assert draws.dtype == np.float32
    assert draws.mean(axis=0) == pytest.approx([2, -1, 0], abs=0.04)
    assert draws.std(axis=0) == pytest.approx([1, 2, 0], abs=0.04)
    # one draw for each image and each unit
    assert abs(np.corrcoef(draws[:, 0], draws[:, 1])[0, 1]) < 0.03
    assert len(np.unique(draws[:, 0])) > 39_000
    # a normal distribution: two thirds within one standard deviation
    assert np.mean(np.abs(draws[:, 0] - 2) < 1) == pytest.approx(0.6827, abs=0.01)


@pytest.mark.parametrize("training", [{}, {"training": False}, {"training": None}])
def test_no_draw_outside_training(tiny, training):
    model = make()
    assert np.array_equal(model(tiny, **training), model.decoder(model.encoder(tiny)))
    assert np.array_equal(model(tiny, **training), model(tiny, **training))


def test_a_draw_in_training(tiny):
    model = make()
    first, second, plain = (model(tiny, training=training).numpy() for training in (True, True, False))
    assert np.abs(first - second).max() > 0.01
    assert np.abs(first - plain).max() > 0.01


def test_encoder_gives_the_mean(tiny):
    model = make()
    mean, log_variance = model.encoder_with_variance(tiny)
    assert model.encoder(tiny).shape == log_variance.shape == (96, 3)
    assert np.array_equal(model.encoder(tiny), mean)
    hidden, hidden_bias, kernel, bias = model.encoder.get_weights()
    assert mean.numpy() == pytest.approx(np.maximum(tiny @ hidden + hidden_bias, 0) @ kernel + bias, abs=1e-5)


def test_noise_repeats_with_the_seed(tiny):
    first, again, other = (make(seed)(tiny, training=True).numpy() for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
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

    draws = np.concatenate([loop().numpy(), loop().numpy()])
    assert len(np.unique(draws)) == 20


# What trains.


def test_gradient_reaches_everything(tiny):
    report = ae.gradient_report(make(), tiny)
    assert [path.split("/")[-2] for path in report.column("weight")[::2]] == [
        "hidden_1",
        "code_mean",
        "code_log_variance",
        "hidden_1",
        "output",
    ]
    assert set(report.column("gradient")) == {"flows"}
    # also without the KL term, since the draw lets it through
    assert set(ae.gradient_report(make(kl_weight=0), tiny).column("gradient")) == {"flows"}


@pytest.mark.parametrize("steps", [60, 600])
def test_fit_trains_and_repeats(tiny, steps):
    losses, weights = [], []
    for _ in range(2):
        model = make()
        history = ae.fit(model, tiny, steps=steps, batch_size=32, learning_rate=0.01, validation=tiny, progress=False)
        assert history.compiled_with_xla == (steps >= 500)
        assert history.without_gradient == ()
        losses.append(history.loss)
        weights.append(model.get_weights())
    assert losses[0][-1] < losses[0][0] - 0.005
    assert np.array_equal(*losses)
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_validation_loss_is_reconstruction_of_the_mean_plus_kl(tiny):
    model = make()
    history = ae.fit(model, tiny, steps=3, batch_size=32, validation=tiny, record_every=3, progress=False)
    expected = ae.bce(tiny, model(tiny)) + kl(*model.encoder_with_variance(tiny)) / 16
    assert history.valid_loss[-1] == pytest.approx(expected, rel=1e-5)


def test_without_training_signal_the_kl_pulls_the_code_to_the_standard_normal(tiny):
    model = make()
    ae.fit(model, tiny, steps=600, batch_size=96, learning_rate=0.01, loss=lambda x, y: 0 * y, progress=False)
    mean, log_variance = model.encoder_with_variance(tiny)
    assert np.abs(mean).max() < 0.1 and np.abs(log_variance).max() < 0.1


def test_keras_fit_trains_it_with_the_same_loss(tiny):
    model = make()
    model.compile("adam", "bce")
    expected = ae.bce(tiny, model(tiny)) + kl(*model.encoder_with_variance(tiny)) / 16
    assert model.evaluate(tiny, tiny, batch_size=96, verbose=0) == pytest.approx(expected, rel=1e-5)
    before = model.get_weights()
    model.fit(tiny, tiny, epochs=3, verbose=0)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, model.get_weights(), strict=True))
    assert model.predict(tiny, verbose=0) == pytest.approx(model(tiny).numpy(), abs=1e-6)


def test_sweep(tiny):
    models = ae.sweep(lambda size: make(code_size=size), [1, 2], tiny, steps=3, batch_size=32, progress=False)
    assert [model.encoder(tiny).shape[1] for model in models.values()] == [1, 2]


# Sizes, saving, wrong arguments.


def test_default_is_784_256_5_256_784():
    model = ae.variational_autoencoder()
    assert isinstance(model, keras.Model) and model.built
    kernels = [tuple(w.shape) for w in model.weights if w.path.endswith("kernel")]
    assert kernels == [(784, 256), (256, 5), (256, 5), (5, 256), (256, 784)]
    assert model.count_params() == sum(a * b + b for a, b in kernels)


def test_activations_and_sizes(tiny):
    model = make(hidden=(8, 6), hidden_activation="tanh", output_activation=None, bias_initializer="ones")
    a, p, b, q, c, r, _, _, d, s, e, t, f, u = model.get_weights()
    mean = np.tanh(np.tanh(tiny @ a + p) @ b + q) @ c + r
    assert model.encoder(tiny).numpy() == pytest.approx(mean, abs=1e-5)
    assert model(tiny).numpy() == pytest.approx(np.tanh(np.tanh(mean @ d + s) @ e + t) @ f + u, abs=1e-5)
    assert make(hidden=()).count_params() == 2 * (16 * 3 + 3) + 3 * 16 + 16


def test_each_layer_has_draws_of_its_own():
    initializer = keras.initializers.RandomNormal(seed=1)
    weights = make(hidden=(16,), code_size=16, kernel_initializer=initializer, bias_initializer=initializer).get_weights()
    assert len(weights) == 10
    for i, first in enumerate(weights):
        for second in weights[i + 1 :]:
            assert first.shape != second.shape or not np.array_equal(first, second)


LOADS_IN_A_FRESH_PROCESS = """
import json, sys
from pathlib import Path
import aehelpers
import keras, numpy as np
report = {}
for path in sorted(Path(sys.argv[1]).glob("*.keras")):
    model = keras.models.load_model(path)
    kept = np.load(path.with_suffix(".npz"))
    x = kept["x"]
    report[path.stem] = {
        "class": type(model) is aehelpers.VariationalAutoencoder,
        "predictions": float(np.abs(model(x) - kept["predictions"]).max()),
        "mean": float(np.abs(model.encoder(x) - kept["mean"]).max()),
        "log_variance": float(np.abs(model.encoder_with_variance(x)[1] - kept["log_variance"]).max()),
        "loss": float(model.evaluate(x, x, batch_size=96, verbose=0) - kept["loss"]),
        "iterations": int(model.optimizer.iterations),
        "draws": float(np.abs(model(x, training=True) - model(x, training=True)).max()),
    }
print(json.dumps(report))
"""


def test_saved_models_load_in_a_fresh_process_after_the_import_alone(tiny, tmp_path, python):
    variants = {"plain": {}, "deep": {"hidden": (8, 6), "output_activation": None, "kl_weight": 16}, "none": {"hidden": ()}}
    for name, options in variants.items():
        model = make(**options)
        history = ae.fit(model, tiny, steps=7, batch_size=32, learning_rate=0.01, loss="mse", progress=False)
        model.compile(history.optimizer, "mse")
        model.save(tmp_path / f"{name}.keras")
        mean, log_variance = model.encoder_with_variance(tiny)
        np.savez(
            tmp_path / f"{name}.npz",
            x=tiny,
            predictions=model(tiny),
            mean=mean,
            log_variance=log_variance,
            loss=model.evaluate(tiny, tiny, batch_size=96, verbose=0),
        )
    done = python(LOADS_IN_A_FRESH_PROCESS, tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == set(variants)
    for name, found in report.items():
        assert found.pop("class"), name
        assert found.pop("iterations") == 7, name
        assert found.pop("draws") > 0.01, name
        assert max(map(abs, found.values())) <= 1e-5, (name, found)


def test_the_halves_can_be_saved(tiny, tmp_path):
    model = make()
    for name in ("encoder", "encoder_with_variance", "decoder"):
        half = getattr(model, name)
        half.save(tmp_path / f"{name}.keras")
        inputs = model.encoder(tiny) if name == "decoder" else tiny
        loaded = keras.models.load_model(tmp_path / f"{name}.keras")
        assert np.array_equal(np.asarray(loaded(inputs)), np.asarray(half(inputs)))


def test_clone_and_config(tiny):
    model = make(kl_weight=2)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert type(clone) is ae.VariationalAutoencoder and np.array_equal(clone(tiny), model(tiny))
    again = ae.VariationalAutoencoder.from_config(json.loads(json.dumps(model.get_config())))
    assert again.sampling.kl_weight == model.sampling.kl_weight == 2 / 16
    layer = ae.GaussianSampling(kl_weight=0.5, seed=4)
    assert ae.GaussianSampling.from_config(layer.get_config()).get_config() == layer.get_config()


def test_the_layer_in_a_functional_model(tiny):
    inputs = keras.Input((16,))
    code = ae.GaussianSampling(kl_weight=1 / 16)([keras.layers.Dense(2)(inputs), keras.layers.Dense(2)(inputs)])
    model = keras.Model(inputs, keras.layers.Dense(16)(code))
    history = ae.fit(model, tiny, steps=5, batch_size=32, loss="mse", progress=False)
    assert history.without_gradient == () and len(model.losses) == 1


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"hidden": 256}, TypeError, r"hidden must be a sequence of layer sizes such as \(300, 100\), but it is 256"),
        ({"hidden": (0,)}, ValueError, "each size in hidden must be at least 1, but it is 0"),
        ({"code_size": 0}, ValueError, "code_size must be at least 1, but it is 0"),
        ({"code_size": 2.5}, TypeError, "code_size must be a positive whole number"),
        ({"input_size": (28, 28)}, TypeError, "input_size must be a positive whole number"),
        ({"kl_weight": -1}, ValueError, "kl_weight must be finite and at least 0, but it is -1"),
        ({"kl_weight": np.nan}, ValueError, "kl_weight must be finite and at least 0, but it is nan"),
        ({"kl_weight": np.inf}, ValueError, "kl_weight must be finite"),
        ({"kl_weight": "1"}, TypeError, "kl_weight must be a number, but it is '1'"),
        ({"kl_weight": True}, TypeError, "kl_weight must be a number, but it is True"),
        ({"output_activation": "sigmod"}, ValueError, "sigmod"),
        ({"kernel_initializer": "glorot"}, ValueError, "glorot"),
    ],
)
def test_wrong_arguments(options, kind, message):
    with pytest.raises(kind, match=message):
        ae.variational_autoencoder(**options)


def test_wrong_arguments_of_the_layer():
    for kl_weight, kind in ((-0.5, ValueError), (None, TypeError)):
        with pytest.raises(kind, match="kl_weight must be"):
            ae.GaussianSampling(kl_weight=kl_weight)
    for shapes in (((4, 2), (4, 3)), ((4,), (4,)), ((4, 2, 1), (4, 2, 1))):
        with pytest.raises(ValueError, match=r"mean and log-variance must both have the shape \(images, units\)"):
            ae.GaussianSampling()([tf.zeros(shape) for shape in shapes])


def test_wrong_width(tiny):
    with pytest.raises(ValueError, match="16"):
        make()(tiny[:, :9])
