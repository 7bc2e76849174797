"""A slider from a sigmoid to a step."""

import keras
import numpy as np
import tensorflow as tf
from aehelpers.displays.base import Display, halves, packed, packed_network, picture_shape
from aehelpers.validation import Images, Model, takes

_TEMPERATURES = [0.0, *(float(f"{t:.1g}") for t in np.geomspace(1e-7, 1, 15))]
_SHOWN, _BATCH, _BATCHES = 8, 500, 8


@takes(model=Model(), x=Images(pixels=True, dimensions=(2,)))
def step_display(model, x):
    """Sharpen a sigmoid into a step by its temperature T: the code is sigmoid(z / T), and at T = 0 it is 0 or 1.

    Parameters
    ----------
    model : keras.Model
        With ``.encoder``, one dense layer whose own activation is not used, and ``.decoder``, dense layers that give pixels.
    x : array, shape (images, pixels)
        Images with pixels in [0, 1]. The gradients are those of the cross entropy on the first eight batches of 500.

    Returns
    -------
    Display
    """
    size = picture_shape(x, "x")
    encoder, decoder = halves(model, "model")
    if len(encoder.layers) != 1 or not isinstance(encoder.layers[0], keras.layers.Dense) or encoder.layers[0].bias is None:
        raise ValueError(f"model must have one dense layer with a bias to the code, but its encoder is {encoder.layers}")
    network = packed_network(decoder, "model.decoder")
    kernel, bias = (tf.constant(weights) for weights in encoder.get_weights())
    batches = [x[start : start + _BATCH] for start in range(0, min(len(x), _BATCH * _BATCHES), _BATCH)]
    gradients = np.array([[_gradient(batch, kernel, bias, decoder, t) for batch in batches] for t in _TEMPERATURES if t > 0])
    return Display(
        "step",
        "Slider from the sigmoid to the step",
        "temperature",
        {"temperature": 1.0},
        temperatures=_TEMPERATURES,
        size=size,
        images=packed(x[:_SHOWN], "uint8"),
        before=packed(x[:_SHOWN] @ kernel.numpy() + bias.numpy(), "float32"),
        decoder=network,
        gradients=packed(gradients.mean(axis=1), "float32"),
        lowest=packed(gradients.min(axis=1), "float32"),
        highest=packed(gradients.max(axis=1), "float32"),
        batches=len(batches),
        batchSize=len(batches[0]),
    )


def _gradient(x, kernel, bias, decoder, temperature):
    """Return the norm of the gradient of the cross entropy at the encoder's kernel."""
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        output = decoder(tf.sigmoid((x @ kernel + bias) / temperature))
        loss = tf.reduce_mean(keras.losses.binary_crossentropy(x, output))
    return float(tf.norm(tape.gradient(loss, kernel)))
