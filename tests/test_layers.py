"""The rounded code: what passes forwards, and what passes backwards."""

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.layers import ACTIVATIONS, activation_of


def test_step_has_no_gradient_and_straight_through_that_of_the_sigmoid():
    x = tf.constant([0.0, 2.0, -2.0, 30.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        rounded, through = (tf.reduce_sum(made(x) * [1.0, 10.0, -1.0, 1.0]) for made in (ae.step, ae.straight_through_step))
    assert tape.gradient(rounded, x) is None
    assert tape.gradient(through, x).numpy() == pytest.approx([0.25, 10 * 0.104994, -0.104994, 0], abs=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_straight_through_is_exactly_the_step_forwards(jit_compile):
    x = tf.constant(np.concatenate([np.linspace(-20, 20, 20001), np.linspace(-1e-6, 1e-6, 2001)]), tf.float32)
    functions = [tf.function(function, jit_compile=jit_compile) for function in (ae.step, ae.straight_through_step)]
    rounded, through = (function(x).numpy() for function in functions)
    assert np.array_equal(rounded, through) and through.dtype == np.float32
    assert np.array_equal(through[:20001], x[:20001] > 0) and set(through.tolist()) == {0.0, 1.0}


# The price of units that are on too often or too seldom.


def kl_and_gradient(h, rho):
    h = tf.constant(h, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(h)
        value = ae.kl_sparsity(h, rho)
    return float(value), tape.gradient(value, h).numpy()


def test_kl_sparsity_by_hand():
    # Mean activations 0.5 and 0.1 with rho 0.05:
    # 0.05 ln(0.05 / 0.5) + 0.95 ln(0.95 / 0.5) = 0.494632 and 0.05 ln(0.05 / 0.1) + 0.95 ln(0.95 / 0.9) = 0.016707
    h = [[0.2, 0.1], [0.8, 0.1]]
    value = ae.kl_sparsity(tf.constant(h), 0.05)
    assert value.shape == () and value.dtype == tf.float32
    assert float(value) == pytest.approx((0.494632 + 0.016707) / 2, abs=1e-5)
    # dKL/dm = (1 - rho) / (1 - m) - rho / m = 0.95 / 0.5 - 0.05 / 0.5 = 1.8, shared by 2 units and 4 images
    _, gradient = kl_and_gradient(np.full((4, 2), 0.5), 0.05)
    assert gradient == pytest.approx(np.full((4, 2), 1.8 / 8), rel=1e-4)


@pytest.mark.parametrize("rho", [0.02, 0.3, 0.99])
def test_kl_sparsity_is_exactly_zero_at_rho(rho):
    assert float(ae.kl_sparsity(tf.fill((1, 7), np.float32(rho)), rho)) == 0


@pytest.mark.parametrize("activation", [0.0, 1.0])
def test_kl_sparsity_is_finite_at_the_ends_and_points_back(activation):
    value, gradient = kl_and_gradient(np.full((3, 4), activation), 0.05)
    assert np.isfinite(value) and value > 0.1
    assert np.isfinite(gradient).all()
    assert (np.sign(gradient) == (1 if activation else -1)).all()


def sparse(weight):
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(input_size=16, code_size=8, code_activation="sigmoid")
    return model, keras.Sequential([keras.Input((16,)), model.encoder, ae.KLSparsity(0.1, weight), model.decoder])


def test_layer_adds_its_price_once_and_returns_the_code(tiny):
    model, trained = sparse(weight=0.5)
    code = model.encoder(tiny)
    for _ in range(2):
        assert np.array_equal(trained(tiny), model(tiny))
        assert len(trained.losses) == 1
        assert float(trained.losses[0]) == pytest.approx(0.5 * float(ae.kl_sparsity(code, 0.1)), rel=1e-6)


def test_training_brings_the_mean_activations_to_rho(tiny, fit):
    model, trained = sparse(weight=5.0)
    assert ae.predict(model.encoder, tiny).mean(axis=0).max() > 0.5
    fit(trained, tiny, xla=True, steps=400, batch_size=48, optimizer="adam", learning_rate=0.03)
    assert ae.predict(model.encoder, tiny).mean(axis=0) == pytest.approx(np.full(8, 0.1), abs=0.02)


def test_sparse_model_is_saved_with_its_price(tiny, tmp_path):
    _, trained = sparse(weight=0.25)
    trained.save(tmp_path / "sparse.keras")
    layer = keras.models.load_model(tmp_path / "sparse.keras").layers[1]
    assert (layer.rho, layer.weight) == (0.1, 0.25)


def test_the_table_says_what_activations_reach():
    z = np.linspace(-60, 60, 100_001, dtype=np.float32)
    for name in ACTIVATIONS.keys() - {"softmax"}:
        activation = ACTIVATIONS[name]
        y = np.asarray(activation.function(z))
        assert (np.diff(y) >= -1e-6).all(), f"{name} falls"
        assert y.min() >= activation.low and y.max() <= activation.high
        for end, value in ((activation.low, y[0]), (activation.high, y[-1])):
            assert not np.isfinite(end) or value == pytest.approx(end, abs=0.02), name
        if activation.slope is not None:
            slope = np.diff(y.astype(float)) / np.diff(z.astype(float))
            told = activation.slope((y[1:] + y[:-1]) / 2)
            if name != "hard_sigmoid":  # there it stands for that of the sigmoid
                assert slope / slope.max() == pytest.approx(told, abs=0.02)


def test_an_activation_is_known_by_what_it_is():
    """Keras's own, TensorFlow's and our functions have names; one that is only called "relu" has none."""

    def relu(x):
        return x * x - 3

    def known(activation):
        return activation_of(keras.layers.Dense(2, activation=activation))

    assert [known(name) for name in ("relu", "sigmoid", None)] == ["relu", "sigmoid", "linear"]
    others = (tf.nn.relu, tf.nn.leaky_relu, keras.ops.tanh, ae.step)
    assert [known(function) for function in others] == ["relu", "leaky_relu", "tanh", "step"]
    assert known(relu) is None and known("gelu") is None and known(keras.layers.LeakyReLU()) is None
    assert activation_of(keras.layers.ReLU()) == "relu" and activation_of(keras.layers.ReLU(max_value=6)) is None
    assert activation_of(keras.layers.Flatten()) is None
