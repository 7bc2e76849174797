"""A slider for the logit of one pixel: its cross-entropy in float32, written in four ways."""

import keras
import numpy as np
import tensorflow as tf
from aehelpers.displays.packing import code_of, packed
from aehelpers.displays.widget import Display
from aehelpers.validation import takes

_LOGITS = [round(0.1 * number, 1) for number in range(-300, 301)]
_PIXELS = {"black (x = 0)": 0.0, "white (x = 1)": 1.0}
# Each takes the pixel x and its logit z.
FORMS = {
    "the asker's": (
        "-x log(1e-10 + y) - (1 - x) log(1e-10 + 1 - y)",
        lambda x, z: -x * tf.math.log(1e-10 + tf.sigmoid(z)) - (1 - x) * tf.math.log(1e-10 + 1 - tf.sigmoid(z)),
    ),
    "with parentheses": (
        "-x log(1e-10 + y) - (1 - x) log(1e-10 + (1 - y))",
        lambda x, z: -x * tf.math.log(1e-10 + tf.sigmoid(z)) - (1 - x) * tf.math.log(1e-10 + (1 - tf.sigmoid(z))),
    ),
    "from logits": (
        "max(z, 0) - x z + log(1 + exp(-|z|))",
        lambda x, z: tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=z),
    ),
    "Keras, from probabilities": (
        "BinaryCrossentropy(): y is clipped to [1e-7, 1 - 1e-7]",
        lambda x, z: keras.losses.binary_crossentropy(x[:, None], tf.sigmoid(z)[:, None]),
    ),
}

_CODE = code_of(
    "x, z = {pixel}, tf.constant({logit}, tf.float32)",
    "import tensorflow as tf\n",
    "y = tf.sigmoid(z)\nprint(-x * tf.math.log(1e-10 + y) - (1 - x) * tf.math.log(1e-10 + 1 - y))",
    pixel={name: str(value) for name, value in _PIXELS.items()},
)


@takes()
def logit_display():
    """Move the logit of one pixel and see its sigmoid, the sums with 1e-10, and the loss and gradient of four formulas.

    TensorFlow computes everything beforehand, in float32, for logits from -30 to 30 in steps of 0.1. Losses are in nats;
    gradients are with respect to the logit. Notebook 04.

    Returns
    -------
    Display
    """
    z = tf.constant(_LOGITS, tf.float32)
    y = tf.sigmoid(z)
    computed = [[_loss_and_gradient(form, pixel, z) for _, form in FORMS.values()] for pixel in _PIXELS.values()]
    losses, gradients = np.moveaxis(np.array(computed, np.float32), 2, 0)
    return Display(
        "logit",
        "Slider for the logit of one pixel",
        "logit",
        {"logit": 5.0, "pixel": next(iter(_PIXELS))},
        code=_CODE,
        logits=_LOGITS,
        pixels=list(_PIXELS),
        forms=[[name, formula] for name, (formula, _) in FORMS.items()],
        sums=packed([y, 1e-10 + 1 - y, 1e-10 + (1 - y)], "float32"),
        losses=packed(losses, "float32"),
        gradients=packed(gradients, "float32"),
    )


def _loss_and_gradient(form, pixel, z):
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = form(tf.fill(z.shape, pixel), z)
    return loss.numpy(), tape.gradient(loss, z).numpy()
