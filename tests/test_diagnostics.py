"""Measurements on models, against numbers worked out by hand."""

import math

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.baselines import fit_pca, project
from keras import layers


def by_sign(x):
    """A step whose gradient TensorFlow calls zero, not missing."""
    return (tf.sign(x) + 1) / 2


def linear(pixels=3):
    model = keras.Sequential([keras.Input((pixels,)), layers.Dense(pixels)])
    model.layers[0].set_weights([np.diag([1.0, 2.0, 3.0]), np.array([0.5, 0, 0])])
    return model


def nothing(target, reconstruction):
    return tf.constant(0.0)


# ---------------------------------------------------------------------------------------------- gradient_report


def test_gradient_norms_by_hand():
    # The output is (1.5, 0, 0) and (0.5, 2, 0); the error (0.5, 0, 0) and (0.5, 1, 0); the gradient 2/6 of it.
    report = ae.gradient_report(linear(), [[1, 0, 0], [0, 1, 0]], loss="mse")
    assert report.index.name == "weight" and [path.split("/")[-1] for path in report.index] == ["kernel", "bias"]
    assert report.columns.to_list() == ["shape", "gradient", "norm"]
    assert report["shape"].to_list() == ["3 x 3", "3"] and report["gradient"].to_list() == ["flows", "flows"]
    # kernel: x^T error / 3 = ((0.5, 0, 0), (0.5, 1, 0), 0) / 3; bias: the sum of the errors, (1, 1, 0) / 3
    assert report["norm"].to_list() == pytest.approx([math.sqrt(0.25 + 0.25 + 1) / 3, math.sqrt(2) / 3], rel=1e-5)


def test_gradient_towards_a_target():
    x = np.eye(3, dtype=np.float32)
    model = linear()
    perfect = ae.predict(model, x)
    report = ae.gradient_report(model, x, loss="mse", target=perfect)
    assert report["gradient"].to_list() == ["zero", "zero"] and report["norm"].to_list() == [0, 0]
    for loss in (lambda t, r: tf.square(t - r), keras.losses.MeanSquaredError()):
        # The gradient of each output is 2 / 9: nine of them reach the kernel, and sums of three the bias.
        shifted = ae.gradient_report(model, x, loss=loss, target=perfect - 1)
        assert shifted["norm"].to_list() == pytest.approx([2 / 9 * 3, 2 / 9 * 3 * math.sqrt(3)], rel=1e-5)


@pytest.mark.parametrize(
    ("activation", "word"), [("step", "none"), (by_sign, "zero"), ("straight_through_step", "flows"), ("sigmoid", "flows")]
)
def test_what_reaches_the_encoder(small, tiny, activation, word):
    report = ae.gradient_report(small(hidden=(8,), code_activation=activation), tiny)
    assert report["gradient"].to_list() == [word] * 4 + ["flows"] * 4
    for row_word, norm in zip(report["gradient"], report["norm"], strict=True):
        assert {"none": np.isnan(norm), "zero": norm == 0, "flows": norm > 0}[row_word]
    assert report.index[0] == "encoder/hidden_1/kernel"


@pytest.mark.parametrize(
    ("options", "freeze", "words"),
    [
        ({"hidden": (8,)}, lambda model: model.encoder, ["none"] * 4 + ["flows"] * 4),
        ({}, lambda model: model, ["none"] * 4),
        ({"bias_initializer": keras.initializers.Constant(-100)}, None, ["zero", "zero", "zero", "flows"]),  # dead units
        ({"tied": True, "code_activation": "step"}, None, ["flows", "none", "flows"]),  # through the decoder
    ],
)
def test_frozen_dead_and_tied_layers(small, tiny, options, freeze, words):
    model = small(**options)
    if freeze is not None:
        freeze(model).trainable = False
    assert ae.gradient_report(model, tiny)["gradient"].to_list() == words


def test_gradient_that_is_not_a_number_is_not_called_zero(tiny, small):
    report = ae.gradient_report(small(), tiny, loss=lambda t, r: tf.math.log(r - r))
    assert "zero" not in set(report["gradient"]) and np.isnan(report["norm"]).all()


class Penalty(layers.Layer):
    def call(self, inputs):
        self.add_loss(2.0 * tf.reduce_mean(inputs))
        return inputs


def test_penalties_count_and_those_of_an_earlier_fit_do_not(tiny, fit):
    kernel = {"kernel_regularizer": keras.regularizers.L2(0.5), "kernel_initializer": "ones"}
    model = keras.Sequential([keras.Input((16,)), layers.Dense(16, **kernel)])
    assert ae.gradient_report(model, tiny, loss=nothing)["norm"].to_list() == [
        pytest.approx(16),  # the gradient of half the sum of 16 x 16 squares is the kernel itself
        pytest.approx(np.nan, nan_ok=True),
    ]
    model = keras.Sequential([keras.Input((16,)), layers.Dense(16), Penalty()])
    fit(model, tiny)
    for _ in range(2):
        assert ae.gradient_report(model, tiny, loss=nothing)["norm"].iloc[1] == pytest.approx(math.sqrt(16) * 2 / 16)


def test_report_is_that_of_the_training(tiny):
    model = keras.Sequential([keras.Input((16,)), layers.Dropout(1 - 1e-6, seed=0), layers.Dense(16)])
    assert ae.gradient_report(model, tiny, loss="mse")["gradient"].to_list() == ["zero", "flows"]


@pytest.mark.parametrize("built", [True, False])
def test_report_changes_nothing(tiny, built):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(16, "sigmoid")])
    if built:
        model.build((None, 16))
    first = ae.gradient_report(model, tiny)
    assert first["gradient"].to_list() == ["flows", "flows", "none", "none", "flows", "flows"]  # none: moving statistics
    assert [weight.numpy().tolist() for weight in model.layers[0].weights[2:]] == [[0] * 16, [1] * 16]
    before = [variable.numpy() for variable in model.variables]
    assert ae.gradient_report(model, tiny).equals(first)
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.variables, strict=True))


# ---------------------------------------------------------------------------------------------- weight_drift


def test_drift_by_hand():
    model = linear()
    before = model.get_weights()
    model.layers[0].set_weights([before[0] + np.array([[3.0, 0, 0], [0, 0, 4], [0, 0, 0]]), before[1]])
    drift = ae.weight_drift(model, before)
    assert drift.index.name == "weight" and list(drift.index) == [weight.path for weight in model.weights]
    assert drift.columns.to_list() == ["shape", "change", "relative change"]
    assert drift["shape"].to_list() == ["3 x 3", "3"] and drift["change"].to_list() == [5, 0]
    assert drift["relative change"].to_list() == [pytest.approx(5 / math.sqrt(1 + 4 + 9)), 0]
    was_zero = ae.weight_drift(model, [before[0], 0 * before[1]])
    assert was_zero["change"].iloc[1] == 0.5 and np.isnan(was_zero["relative change"].iloc[1])


# ---------------------------------------------------------------------------------------------- dead_units


def test_dead_units_by_hand():
    codes = np.array([[0, 1, 0, -1, 1e-9], [0, 0, 0, -2, 0], [0, 2, 3, 0, 0]])
    dead = ae.dead_units(lambda images: codes, np.zeros((3, 2)))
    assert dead.dtype == bool and dead.tolist() == [True, False, False, True, False]


def test_dead_units_of_a_convolution_are_its_places(digits_8x8):
    encoder = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")])
    encoder.layers[0].set_weights([np.zeros((3, 3, 1, 4)), np.array([1, 0, -1, 1])])
    dead = ae.dead_units(encoder, digits_8x8[..., None])
    assert dead.shape == (4, 4, 4) and np.array_equal(dead, np.broadcast_to([False, True, True, False], (4, 4, 4)))


def test_one_image_in_the_last_piece_brings_a_unit_to_life():
    x = np.zeros((2001, 3))
    x[2000, 1] = 1e-6
    assert ae.dead_units(lambda images: images, x).tolist() == [True, False, True]


# ---------------------------------------------------------------------------------------------- code_usage


QUARTER = 0.25 * 2 + 0.75 * math.log2(4 / 3)  # 0.8113 bits: a unit that is on for a quarter of the images


@pytest.mark.parametrize(
    ("codes", "distinct", "constant", "bits"),
    [
        ([[0, 1, 1]] * 5, 1, 3, [0, 0, 0]),
        ([[0, 0], [0, 1], [1, 0], [1, 1]], 4, 0, [1, 1]),
        ([[1, 0, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]], 3, 2, [0, QUARTER, 1, 0]),
    ],
)
def test_use_of_a_code_by_hand(codes, distinct, constant, bits):
    usage = ae.code_usage(codes)
    assert (usage.images, usage.units, usage.distinct, usage.constant_units) == (*np.shape(codes), distinct, constant)
    assert usage.bits_per_unit == pytest.approx(bits, abs=1e-12) and usage.bits == pytest.approx(sum(bits))
    assert repr(usage) == (
        f"{len(codes)} images have {distinct} distinct codes of {len(bits)} units, {constant} of them constant; at most "
        f"{sum(bits):.1f} bits"
    )


@pytest.mark.parametrize("units", [1, 8, 17])
def test_distinct_codes_of_any_size(units):
    codes = np.random.default_rng(units).integers(0, 2, (300, units))
    assert ae.code_usage(codes).distinct == len({tuple(code) for code in codes.tolist()})


def test_one_different_image_among_many():
    codes = np.zeros((100_000, 1), np.float32)
    codes[77] = 1
    usage = ae.code_usage(codes)
    p = 1e-5
    assert usage.constant_units == 0 and usage.distinct == 2
    assert usage.bits == pytest.approx(-p * math.log2(p) - (1 - p) * math.log2(1 - p), rel=1e-6)


# ---------------------------------------------------------------------------------------------- component_gain

# Images of three pixels, centred on (4, 5, 6), that vary by 3, 2 and 1 along the pixels: these are the components.
CROSS = np.array([[7, 5, 6], [1, 5, 6], [4, 7, 6], [4, 3, 6], [4, 5, 7], [4, 5, 5]], np.float32)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (lambda x: x, [1, 1, 1]),
        (lambda x: np.full_like(x, 0.3), [0, 0, 0]),
        (lambda x: x / 2, [0.5, 0.5, 0.5]),
        (lambda x: x * np.float32([0.25, -1, 2]) + 7, [0.25, -1, 2]),
        # Scores on the first component: 3, -3, 0, 0, 0, 0: their squares, and their products with the answer, add up to 18.
        (lambda x: np.where(x == 7, 6, 0) * [1, 0, 0], [1, 0, 0]),
    ],
)
def test_gain_by_hand(model, expected):
    gain = ae.component_gain(model, CROSS, CROSS)
    assert gain.dtype == float and gain == pytest.approx(expected, abs=1e-6)


def test_the_mean_of_x_need_not_be_that_of_the_training():
    assert ae.component_gain(lambda x: x / 2, CROSS, CROSS[:5] * 2) == pytest.approx([0.5, 0.5, 0.5], rel=1e-6)


@pytest.mark.parametrize("images", [300, 30])
def test_gain_of_pca_is_one_for_the_first_k_and_zero_after(digits_8x8, images):
    digits = digits_8x8[:images].reshape(-1, 64)
    pca = fit_pca(digits, 30)
    gain = ae.component_gain(lambda x: project(pca, x, 20), digits, digits)
    assert gain.shape == (min(images, 64),)
    assert gain[:20] == pytest.approx(np.ones(20), abs=1e-4) and gain[20:29] == pytest.approx(np.zeros(9), abs=1e-3)


@pytest.mark.parametrize("shape", [(16,), (2, 8, 1)])
def test_a_fitted_pca_may_stand_for_the_images_and_these_have_any_shape(tiny, shape):
    factors = np.linspace(0, 1, 16, dtype=np.float32).reshape(shape)
    x = tiny.reshape(-1, *shape)
    gain = ae.component_gain(lambda images: images * factors, x, x)
    assert np.array_equal(gain, ae.component_gain(lambda images: images * factors.ravel(), tiny, tiny))
    for components in (16, 5):
        found = ae.component_gain(lambda images: images * factors, fit_pca(tiny, components), x)
        assert found == pytest.approx(gain[:components], abs=1e-6)


def test_nan_where_nothing_varies(tiny):
    images = np.hstack([tiny, np.full((len(tiny), 2), 0.5, np.float32)])
    gain = ae.component_gain(lambda x: x, images, images)
    assert gain[:16] == pytest.approx(np.ones(16)) and np.isnan(gain[16:]).all()
    assert np.isnan(ae.component_gain(lambda x: x, tiny, np.tile(tiny[:1], (5, 1)))).all()


def test_gain_of_a_model_on_more_images_than_a_piece(tiny, small):
    model, images = small(), np.tile(tiny, (12, 1))
    expected = ae.component_gain(lambda x: model(x).numpy(), tiny, tiny)
    assert ae.component_gain(model, tiny, images) == pytest.approx(expected, rel=1e-4, abs=1e-5)
