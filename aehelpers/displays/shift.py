"""A slider that moves one unit's pre-activations across zero."""

import keras
import numpy as np
import tensorflow as tf
from aehelpers.displays.networks import halves
from aehelpers.displays.packing import code_of, packed
from aehelpers.displays.widget import Display
from aehelpers.models import predict
from aehelpers.validation import Images, Integer, Model, takes

_STEPS = 60


@takes(model=Model(), x=Images(pixels=True, dimensions=(2,)), unit=Integer(0))
def shift_display(model, x, unit=0):
    """Shift the pre-activations of one ReLU unit of the code, and see how many images still send it a gradient.

    The shift is added to the unit's bias, and everything else stays the same. A unit whose pre-activation is below 0 for every
    image is dead: L. Lu, Y. Shin, Y. Su and G. Karniadakis, "Dying ReLU and initialization", Communications in Computational
    Physics 28 (2020).

    Parameters
    ----------
    model : keras.Model
        With ``.encoder``, which ends in a dense layer with ReLU, and ``.decoder``.
    x : array, shape (images, pixels)
        The images whose pre-activations are shown, with pixels in [0, 1].
    unit : int
        Which unit of the code, from 0.

    Returns
    -------
    Display
    """
    encoder, decoder = halves(model, "model")
    *before, code_layer = encoder.layers
    if not isinstance(code_layer, keras.layers.Dense) or code_layer.activation is not keras.activations.relu:
        raise ValueError(f"model must have an encoder that ends in a dense layer with ReLU, but it ends in {code_layer!r}")
    if unit >= code_layer.units:
        raise ValueError(f"unit must be below the size of the code, {code_layer.units}, but it is {unit}")
    features = predict(keras.Sequential([keras.Input(x.shape[1:]), *before]), x) if before else x
    pre_activations = features @ np.asarray(code_layer.kernel) + np.asarray(code_layer.bias)
    low, high = pre_activations[:, unit].min(), pre_activations[:, unit].max()
    reach = high - low or 1
    # From where no image gets through to where all do.
    shifts = np.linspace(-high - 0.15 * reach, max(0, -low) + 0.15 * reach, _STEPS + 1)
    shifts[np.abs(shifts).argmin()] = 0
    shifts = sorted({round(float(shift), 2) for shift in shifts})  # each once, or the slider's keys would stop at the second
    gradients = [_gradient(decoder, x, features, pre_activations, unit, shift) for shift in shifts]
    return Display(
        "shift",
        "Slider that shifts a unit of the code",
        "shift",
        {"shift": 0.0},
        code=_code(code_layer.units, unit),
        shifts=shifts,
        preActivations=packed(pre_activations[:, unit], "float32"),
        gradients=packed(gradients, "float32"),
    )


def _gradient(decoder, x, features, pre_activations, unit, shift):
    """Return the norm of the gradient of the squared error at the weights that lead to the unit."""
    moved = pre_activations.copy()
    moved[:, unit] += shift
    moved = tf.constant(moved)
    with tf.GradientTape() as tape:
        tape.watch(moved)
        loss = tf.reduce_mean(tf.square(decoder(tf.nn.relu(moved)) - x))
    return float(np.linalg.norm(features.T @ tape.gradient(loss, moved).numpy()[:, unit]))


def _code(units, unit):
    """Return the line and the cell that shift the same unit of a new model."""
    shifts = ", ".join("{shift}" if one == unit else "0.0" for one in range(units))
    return code_of(
        f"code_layer.bias.assign_add([{shifts}])",
        "import aehelpers as ae\n\n"
        'x = ae.load("mnist").x_test[:1000]\n'
        f'model = ae.autoencoder(code_size={units}, code_activation="relu")\n'
        "code_layer = model.encoder.layers[-1]",
        f'print((ae.predict(model.encoder, x)[:, {unit}] > 0).sum(), "of 1,000 images get through")',
    )
