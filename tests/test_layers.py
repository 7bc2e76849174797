"""The rounded code: what passes forwards, and what passes backwards."""

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf

STEPS = pytest.mark.parametrize("function", [ae.step, ae.straight_through_step])


@STEPS
def test_values(function):
    made = function(tf.constant([[-100.0, -0.3, 0.0], [1e-3, 0.3, 100.0]]))
    assert made.dtype == tf.float32
    assert made.numpy().tolist() == [[0, 0, 0], [1, 1, 1]]


@STEPS
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4), (0, 5)])
def test_shape(function, shape):
    assert function(tf.ones(shape)).shape == shape


def test_step_has_no_gradient_at_all():
    x = tf.constant([-2.0, 0.5, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(ae.step(x))
    assert tape.gradient(y, x) is None


def test_straight_through_gradient_is_that_of_the_sigmoid():
    x = tf.constant([0.0, 2.0, -2.0, 30.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(ae.straight_through_step(x) * [1.0, 10.0, -1.0, 1.0])
    s = 1 / (1 + np.exp(-2))  # 0.8808
    assert tape.gradient(y, x).numpy() == pytest.approx([0.25, 10 * s * (1 - s), -s * (1 - s), 0], abs=1e-6)
    assert s * (1 - s) == pytest.approx(0.104994, abs=1e-6)


@pytest.mark.parametrize("jit_compile", [None, False, True])
def test_straight_through_is_exactly_the_step_forwards(jit_compile):
    x = tf.constant(np.concatenate([np.linspace(-20, 20, 20001), np.linspace(-1e-6, 1e-6, 2001)]), tf.float32)
    functions = [ae.step, ae.straight_through_step]
    if jit_compile is not None:
        functions = [tf.function(function, jit_compile=jit_compile) for function in functions]
    rounded, through = (function(x).numpy() for function in functions)
    assert np.array_equal(rounded, through)
    assert set(through.tolist()) == {0.0, 1.0}


@STEPS
def test_keras_knows_it_by_name(function):
    assert keras.saving.get_registered_object(f"aehelpers>{function.__name__}") is function
    assert keras.activations.deserialize(keras.activations.serialize(function)) is function
