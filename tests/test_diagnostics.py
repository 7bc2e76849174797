"""Measurements on models, against numbers worked out by hand."""

import math

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf


def by_sign(x):
    """A step whose gradient TensorFlow calls zero, not missing."""
    return (tf.sign(x) + 1) / 2


def linear(pixels=3):
    model = keras.Sequential([keras.Input((pixels,)), keras.layers.Dense(pixels)])
    model.layers[0].set_weights([np.diag([1.0, 2.0, 3.0]), np.array([0.5, 0, 0])])
    return model


# ---------------------------------------------------------------------------------------------- gradient_report


def test_gradient_norms_by_hand():
    # The output is (1.5, 0, 0) and (0.5, 2, 0); the error (0.5, 0, 0) and (0.5, 1, 0); the gradient 2/6 of it.
    x = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    report = ae.gradient_report(linear(), x, loss="mse")
    assert report.columns == ("weight", "shape", "gradient", "norm")
    assert [path.split("/")[-1] for path in report.column("weight")] == ["kernel", "bias"]
    assert report.column("shape") == ["3 x 3", "3"] and report.column("gradient") == ["flows", "flows"]
    # kernel: x^T error / 3 = ((0.5, 0, 0), (0.5, 1, 0), 0) / 3; bias: the sum of the errors, (1, 1, 0) / 3
    assert report.column("norm") == pytest.approx([math.sqrt(0.25 + 0.25 + 1) / 3, math.sqrt(2) / 3], rel=1e-5)


def test_gradient_towards_a_target():
    x = np.eye(3, dtype=np.float32)
    model = linear()
    perfect = model(x).numpy()
    report = ae.gradient_report(model, x, loss="mse", target=perfect)
    assert report.column("gradient") == ["zero", "zero"] and report.column("norm") == [0, 0]
    shifted = ae.gradient_report(model, x, loss=lambda t, r: tf.square(t - r), target=perfect - 1)
    # The gradient of each output is 2 / 9: nine of them reach the kernel, and sums of three the bias.
    assert shifted.column("norm") == pytest.approx([2 / 9 * 3, 2 / 9 * 3 * math.sqrt(3)], rel=1e-5)
    as_object = ae.gradient_report(model, x, loss=keras.losses.MeanSquaredError(), target=perfect - 1)
    assert as_object.column("norm") == pytest.approx(shifted.column("norm"), rel=1e-5)


@pytest.mark.parametrize(
    ("activation", "word"),
    [("step", "none"), (by_sign, "zero"), ("straight_through_step", "flows"), ("sigmoid", "flows")],
)
def test_what_reaches_the_encoder(small, tiny, activation, word):
    report = ae.gradient_report(small(hidden=(8,), code_activation=activation), tiny)
    assert report.column("gradient") == [word] * 4 + ["flows"] * 4
    for row_word, norm in zip(report.column("gradient"), report.column("norm"), strict=True):
        assert {"none": norm is None, "zero": norm == 0, "flows": norm is not None and norm > 0}[row_word]
    assert report.column("weight")[0] == "encoder/hidden_1/kernel"


def test_frozen_layers_have_none(small, tiny):
    model = small(hidden=(8,))
    model.encoder.trainable = False
    assert ae.gradient_report(model, tiny).column("gradient") == ["none"] * 4 + ["flows"] * 4
    model.trainable = False
    assert ae.gradient_report(model, tiny).column("gradient") == ["none"] * 8


def test_dead_relu_has_zero(small, tiny):
    model = small(bias_initializer=keras.initializers.Constant(-100))
    assert ae.gradient_report(model, tiny).column("gradient")[:3] == ["zero"] * 3


def test_tied_kernel_is_reached_through_the_decoder(small, tiny):
    report = ae.gradient_report(small(tied=True, code_activation="step"), tiny)
    assert report.column("gradient") == ["flows", "none", "flows"]


def test_gradient_that_is_not_a_number_is_not_called_zero(tiny, small):
    report = ae.gradient_report(small(), tiny, loss=lambda t, r: tf.math.log(r - r))
    assert "zero" not in report.column("gradient") and np.isnan(report.column("norm")).all()


def test_penalties_count_and_old_ones_do_not(tiny):
    layer = keras.layers.Dense(16, kernel_regularizer=keras.regularizers.L2(0.5), kernel_initializer="ones")
    model = keras.Sequential([keras.Input((16,)), layer])
    expected = [math.sqrt(16 * 16), None]  # the gradient of half the sum of squares is the kernel itself
    nothing = {"loss": lambda t, r: tf.constant(0.0)}
    for _ in range(2):
        report = ae.gradient_report(model, tiny, **nothing)
        assert report.column("norm") == [pytest.approx(expected[0]), None]
    model.trainable = False
    assert ae.gradient_report(model, tiny, **nothing).column("gradient") == ["none", "none"]


class Penalty(keras.layers.Layer):
    def call(self, inputs):
        self.add_loss(2.0 * tf.reduce_mean(inputs))
        return inputs


def test_penalties_of_an_earlier_fit_do_not_count(tiny):
    layer = keras.layers.Dense(16)
    model = keras.Sequential([keras.Input((16,)), layer, Penalty()])
    ae.fit(model, tiny, steps=2, batch_size=8, progress=False)
    for _ in range(2):
        report = ae.gradient_report(model, tiny, loss=lambda t, r: tf.constant(0.0))
        assert report.column("norm")[1] == pytest.approx(math.sqrt(16) * 2 / 16, rel=1e-5)


def test_report_changes_nothing(tiny):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.5), keras.layers.Dense(16, "sigmoid")]
    model = keras.Sequential([keras.Input((16,)), *layers])
    before = [variable.numpy() for variable in model.variables]
    first = ae.gradient_report(model, tiny)
    assert first.column("gradient") == ["flows", "flows", "none", "none", "flows", "flows"]  # none: moving mean and variance
    assert all(np.array_equal(a, b.numpy()) for a, b in zip(before, model.variables, strict=True))
    assert ae.gradient_report(model, tiny).rows == first.rows


def test_gradient_report_errors(small, tiny):
    model = small()
    for wrong in (None, "model", lambda x: x, keras.layers.Dense(3)):
        with pytest.raises(TypeError, match=r"model must be a keras\.Model"):
            ae.gradient_report(wrong, tiny)
    with pytest.raises(ValueError, match="x must have two dimensions"):
        ae.gradient_report(model, tiny[0])
    with pytest.raises(TypeError, match="x must hold real numbers"):
        ae.gradient_report(model, None)
    with pytest.raises(ValueError, match="16"):
        ae.gradient_report(model, tiny[:, :9])
    with pytest.raises(ValueError, match="bcee"):
        ae.gradient_report(model, tiny, loss="bcee")
    for target in (tiny[:5], tiny[:1], tiny[:, :1]):
        with pytest.raises(ValueError, match="target"):
            ae.gradient_report(model, tiny, target=target)
    with pytest.raises(TypeError):
        ae.gradient_report(model, tiny, loss=None)


# ---------------------------------------------------------------------------------------------- weight_drift


def test_drift_by_hand():
    model = linear()
    before = model.get_weights()
    model.layers[0].set_weights([before[0] + np.array([[3.0, 0, 0], [0, 0, 4], [0, 0, 0]]), before[1]])
    drift = ae.weight_drift(model, before)
    assert drift.columns == ("weight", "shape", "change", "relative change")
    assert drift.column("shape") == ["3 x 3", "3"]
    assert drift.column("change") == [5, 0]
    assert drift.column("relative change") == [pytest.approx(5 / math.sqrt(1 + 4 + 9)), 0]


def test_drift_from_zero_is_not_relative(small, tiny):
    model = small()
    before = model.get_weights()
    assert ae.weight_drift(model, before).column("change") == [0] * 4
    ae.fit(model, tiny, steps=2, batch_size=8, progress=False)
    drift = ae.weight_drift(model, before)
    assert min(drift.column("change")) > 0
    relative = drift.column("relative change")
    assert relative[1] is relative[3] is None and min(relative[0], relative[2]) > 0


def test_encoder_behind_a_step_never_moves(small, tiny):
    model = small(code_activation="step")
    before = model.get_weights()
    ae.fit(model, tiny, steps=20, batch_size=8, progress=False)
    change = ae.weight_drift(model, before).column("change")
    assert change[:2] == [0, 0] and min(change[2:]) > 0


def test_drift_errors(small):
    model = small()
    with pytest.raises(TypeError, match=r"model must be a keras\.Model"):
        ae.weight_drift(model.get_weights(), model.get_weights())
    for before in ([], model.get_weights()[:3], small(code_size=3).get_weights(), [*model.get_weights(), np.zeros(1)]):
        with pytest.raises(ValueError, match=r"before must be an earlier model\.get_weights\(\)"):
            ae.weight_drift(model, before)


# ---------------------------------------------------------------------------------------------- dead_units


def test_dead_units_by_hand():
    codes = np.array([[0, 1, 0, -1, 1e-9], [0, 0, 0, -2, 0], [0, 2, 3, 0, 0]])
    dead = ae.dead_units(lambda images: codes, np.zeros((3, 2)))
    assert dead.dtype == bool and dead.tolist() == [True, False, False, True, False]


def test_dead_units_of_a_model(small, tiny):
    model = small()
    kernel, _, *rest = model.get_weights()
    model.set_weights([kernel, np.array([-100, 100, -100, 100]), *rest])
    assert ae.dead_units(model.encoder, tiny).tolist() == [True, False, True, False]
    # What is said to be dead gets no gradient from any image.
    assert ae.gradient_report(model, tiny).column("norm")[0] > 0
    model.set_weights([kernel, np.full(4, -100.0), *rest])
    assert ae.dead_units(model.encoder, tiny).all()
    assert ae.gradient_report(model, tiny).column("gradient")[:2] == ["zero", "zero"]


def test_one_image_in_the_last_piece_brings_a_unit_to_life():
    x = np.zeros((2001, 3))
    x[2000, 1] = 1e-6
    assert ae.dead_units(lambda images: images, x).tolist() == [True, False, True]


def test_dead_units_errors(small, tiny):
    with pytest.raises(TypeError, match=r"encoder must be a keras\.Model"):
        ae.dead_units(None, tiny)
    with pytest.raises(ValueError, match="x must have two dimensions"):
        ae.dead_units(small().encoder, tiny[0])
    with pytest.raises(ValueError, match="the output of encoder must have two dimensions"):
        ae.dead_units(lambda images: images.reshape(-1, 4, 4), tiny)
    with pytest.raises(ValueError, match="the output of encoder must be finite"):
        ae.dead_units(lambda images: images * np.nan, tiny)


# ---------------------------------------------------------------------------------------------- code_usage


def test_codes_that_are_all_the_same():
    usage = ae.code_usage(np.tile([0, 1, 1], (5, 1)))
    assert (usage.images, usage.units, usage.distinct, usage.constant_units, usage.bits) == (5, 3, 1, 3, 0)
    assert usage.bits_per_unit.tolist() == [0, 0, 0]
    assert repr(usage) == "5 images have 1 distinct codes of 3 units, 3 of them constant; at most 0.0 bits"


def test_codes_that_are_all_there():
    codes = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)])
    usage = ae.code_usage(codes)
    assert (usage.distinct, usage.constant_units) == (8, 0)
    assert usage.bits_per_unit == pytest.approx([1, 1, 1]) and usage.bits == pytest.approx(3)


def test_bits_by_hand():
    # A constant unit, one that is on for a quarter, one for half; the second and third images have one code.
    usage = ae.code_usage([[1, 0, 1], [1, 0, 0], [1, 0, 0], [1, 1, 1]])
    quarter = 0.25 * 2 + 0.75 * math.log2(4 / 3)  # 0.8113
    assert usage.bits_per_unit == pytest.approx([0, quarter, 1], abs=1e-12) and usage.bits == pytest.approx(1 + quarter)
    assert (usage.distinct, usage.constant_units) == (3, 1)
    assert repr(usage).endswith("at most 1.8 bits")


@pytest.mark.parametrize("units", [1, 7, 8, 9, 17])
def test_distinct_codes_of_any_size(units):
    codes = np.random.default_rng(units).integers(0, 2, (300, units))
    assert ae.code_usage(codes).distinct == len({tuple(code) for code in codes.tolist()})
    assert ae.code_usage(codes.astype(bool)).distinct == ae.code_usage(codes.astype(float)).distinct
    assert ae.code_usage(tf.constant(codes)).bits == ae.code_usage(codes).bits


def test_one_different_image_among_many():
    codes = np.zeros((100_000, 1), np.float32)
    codes[77] = 1
    usage = ae.code_usage(codes)
    p = 1e-5
    assert usage.constant_units == 0 and usage.distinct == 2
    assert usage.bits == pytest.approx(-p * math.log2(p) - (1 - p) * math.log2(1 - p), rel=1e-6)


@pytest.mark.parametrize("bad", [0.5, 2, -1, 1e-9])
def test_codes_that_are_not_binary(bad):
    with pytest.raises(ValueError, match="codes must hold zeros and ones only"):
        ae.code_usage([[0, 1], [1, bad]])


def test_code_usage_errors():
    with pytest.raises(ValueError, match="codes must have two dimensions"):
        ae.code_usage([0, 1])
    with pytest.raises(ValueError, match="codes must hold at least 1"):
        ae.code_usage(np.zeros((0, 3)))
    with pytest.raises(TypeError, match="codes must hold real numbers"):
        ae.code_usage([["0", "1"]])
    with pytest.raises(ValueError, match="codes must be finite"):
        ae.code_usage([[0, np.nan]])
