"""What a code passes through on its way from the encoder to the decoder."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="aehelpers")
def step(x):
    """Round a sigmoid: 1 where ``x`` is above 0, else 0. No gradient passes.

    TensorFlow does not call the gradient of `tf.round` zero; it has none to give (``None``), so an optimizer skips every
    variable that is reached through this function alone.

    Parameters
    ----------
    x : tensor of float32, any shape
        Pre-activations. (Exactly 0 gives sigmoid 0.5, which `tf.round` takes to the even number, 0.)

    Returns
    -------
    tensor of float32, the same shape
        0.0 or 1.0.

    References
    ----------
    Notebook 01; https://ja.stackoverflow.com/questions/50958.
    """
    return tf.round(tf.sigmoid(x))


@keras.saving.register_keras_serializable(package="aehelpers")
def straight_through_step(x):
    """Like `step` forwards; backwards, the gradient of the sigmoid passes as if nothing had been rounded.

    Parameters
    ----------
    x : tensor of float32, any shape
        Pre-activations.

    Returns
    -------
    tensor of float32, the same shape
        0.0 or 1.0.

    References
    ----------
    Y. Bengio, N. Leonard and A. Courville (2013), Estimating or propagating gradients through stochastic neurons for
    conditional computation, https://arxiv.org/abs/1308.3432. Notebook 01.
    """
    soft = tf.sigmoid(x)
    # Not soft + stop_gradient(round(soft) - soft): in float32 that sum can miss 1 by a rounding error.
    return _round_straight_through(soft)


@tf.custom_gradient
def _round_straight_through(soft):
    return tf.round(soft), lambda upstream: upstream
