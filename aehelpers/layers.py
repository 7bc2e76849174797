"""What a code passes through on its way from the encoder to the decoder, and the activations that are known."""

import math
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from aehelpers.validation import Floats, Fraction, Integer, Optional, Real, takes

_INSIDE = 1e-6  # how far mean activations of 0 and 1 are moved inwards before their logarithms are taken


@keras.saving.register_keras_serializable(package="aehelpers")
@takes(x=Floats())
def step(x):
    """Round a sigmoid: 1 where ``x`` is above 0, else 0. No gradient passes.

    TensorFlow does not call the gradient of `tf.round` zero; it has none to give (``None``), so an optimizer skips every
    variable that is reached through this function alone.

    Parameters
    ----------
    x : tensor of float32, any shape
        Pre-activations. (At 0, and up to 1e-7 above it, the sigmoid is 0.5 in float32, which `tf.round` takes to 0.)

    Returns
    -------
    tensor of float32, the same shape
        0.0 or 1.0; NaN where ``x`` is NaN, so that it does not go unnoticed.

    References
    ----------
    Notebook 01; https://ja.stackoverflow.com/questions/50958.
    """
    return tf.round(tf.sigmoid(x))


@keras.saving.register_keras_serializable(package="aehelpers")
@takes(x=Floats())
def straight_through_step(x):
    """Like `step` forwards; backwards, the gradient of the sigmoid passes as if nothing had been rounded.

    References
    ----------
    Y. Bengio, N. Leonard and A. Courville (2013), Estimating or propagating gradients through stochastic neurons for
    conditional computation, https://arxiv.org/abs/1308.3432. Notebook 01.
    """
    # Not soft + stop_gradient(round(soft) - soft): in float32 that sum can miss 1 by a rounding error.
    return _round_straight_through(tf.sigmoid(x))


@tf.custom_gradient
def _round_straight_through(soft):
    return tf.round(soft), lambda upstream: upstream


class Activation(NamedTuple):
    """What models, displays and the diagnosis know of an activation; none of those in `ACTIVATIONS` ever falls.

    Attributes
    ----------
    function : callable
        Computes it, on a tensor.
    low, high : float
        What it does not go below and above.
    slope : callable, optional
        Its slope as a function of its value, divided by the largest slope: of an activation that is flat at both ends.
    """

    function: Callable
    low: float = -math.inf
    high: float = math.inf
    slope: Callable | None = None


# core.js computes the same ones, by the same names; but the softmax, which is not computed unit by unit.
ACTIVATIONS = {
    "linear": Activation(keras.activations.linear),
    "relu": Activation(keras.activations.relu, 0),
    "relu6": Activation(keras.activations.relu6, 0, 6),
    "leaky_relu": Activation(keras.activations.leaky_relu),
    "elu": Activation(keras.activations.elu, -1),
    "softplus": Activation(keras.activations.softplus, 0),
    "exponential": Activation(keras.activations.exponential, 0),
    "sigmoid": Activation(keras.activations.sigmoid, 0, 1, lambda a: 4 * a * (1 - a)),
    "hard_sigmoid": Activation(keras.activations.hard_sigmoid, 0, 1, lambda a: 4 * a * (1 - a)),
    "tanh": Activation(keras.activations.tanh, -1, 1, lambda a: 1 - np.square(a)),
    "softsign": Activation(keras.activations.softsign, -1, 1),
    "softmax": Activation(keras.activations.softmax, 0, 1),
    "step": Activation(step, 0, 1),
    "straight_through_step": Activation(straight_through_step, 0, 1),
}
# Keras and TensorFlow have functions of their own for one activation.
_NAMES = {activation.function: name for name, activation in ACTIVATIONS.items()} | {
    vars(module)[name]: name for module in (tf.nn, keras.ops) for name in ACTIVATIONS if name in vars(module)
}


def activation_of(layer):
    """Return the name in `ACTIVATIONS` of what a layer applies, known by the function itself and not by what it is called.

    Returns
    -------
    str or None
        None for a layer without activation, and for a function that is not in the table.
    """
    if isinstance(layer, keras.layers.ReLU):
        plain = layer.max_value is None and not layer.negative_slope and not layer.threshold
        return "relu" if plain else None
    try:
        return _NAMES.get(getattr(layer, "activation", None))
    except TypeError:  # an activation may be an object that has no hash
        return None


@keras.saving.register_keras_serializable(package="aehelpers")
class GaussianSampling(keras.layers.Layer):
    """Draw a code from the normal distribution that a variational encoder describes, and charge for what the code says.

    Takes a pair of tensors (mean, log-variance), each of shape (images, units). In training it returns
    ``mean + exp(log_variance / 2) * noise`` with standard normal noise, so that a gradient reaches both; otherwise it
    returns the mean. In both cases it adds to the model's losses, by ``add_loss``, the Kullback-Leibler divergence from
    the standard normal distribution, ``(exp(log_variance) + mean ** 2 - 1 - log_variance) / 2``, summed over the units and
    averaged over the images: it does not depend on the size of the batch.

    Parameters
    ----------
    kl_weight : float
        What the divergence, in nats per image, is multiplied by. With a loss that is a mean over pixels, as "bce" is, use
        one divided by the number of pixels: the sum is then the negative evidence lower bound in nats per pixel.
    seed : int, optional
        Seed of the noise. Without it, `keras.utils.set_random_seed` decides.

    References
    ----------
    D. Kingma and M. Welling (2013), Auto-encoding variational Bayes, https://arxiv.org/abs/1312.6114, appendix B.
    Notebook 04.
    """

    @takes(kl_weight=Real(0), seed=Optional(Integer(0)))
    def __init__(self, kl_weight=1.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.kl_weight = kl_weight
        self.seed = seed
        self._noise = keras.random.SeedGenerator(seed)  # its state is a variable, so compiled loops draw anew in each step

    def call(self, inputs, training=None):
        if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:  # one tensor of two rows would pass for a pair
            raise ValueError(f"inputs must be a pair of tensors, mean and log-variance, but it is {inputs!r:.200}")
        mean, log_variance = (Floats()(part, name) for part, name in zip(inputs, ("mean", "log-variance"), strict=True))
        if tuple(mean.shape) != tuple(log_variance.shape) or len(mean.shape) != 2:
            raise ValueError(
                "mean and log-variance must both have the shape (images, units), but their shapes are "
                f"{tuple(mean.shape)} and {tuple(log_variance.shape)}"
            )
        per_image = tf.reduce_sum(tf.exp(log_variance) + tf.square(mean) - 1 - log_variance, axis=1) / 2
        self.add_loss(self.kl_weight * tf.reduce_mean(per_image))
        if not training:
            return mean
        noise = keras.random.normal(tf.shape(mean), dtype=mean.dtype, seed=self._noise)
        return mean + tf.exp(log_variance / 2) * noise

    def get_config(self):
        return {**super().get_config(), "kl_weight": self.kl_weight, "seed": self.seed}


@takes(h=Floats(), rho=Real(0, 1, open_interval=True))
def kl_sparsity(h, rho):
    """Penalty for units whose mean activation over the images is not ``rho``: the mean, over the units, of KL(rho || mean).

    KL(rho || m) = rho log(rho / m) + (1 - rho) log((1 - rho) / (1 - m)) is the Kullback-Leibler divergence of two coin tosses.
    It is 0 where a unit's mean activation m is rho, and grows to both sides.

    Parameters
    ----------
    h : tensor of float32, shape (images, units)
        Activations in [0, 1], as those of a sigmoid.
    rho : float
        The mean activation that is wanted, between 0 and 1.

    Returns
    -------
    tensor of float32, shape ()
        Nats per unit. It and its gradient are finite at mean activations of 0 and 1 as well: ``rho`` and the means are both
        moved inwards by a millionth, so that the penalty stays exactly 0 where they agree.

    Raises
    ------
    ValueError
        If an activation lies outside [0, 1]. (In a compiled function values cannot be looked at; means outside [0, 1] then
        give NaN.)

    References
    ----------
    H. Lee, C. Ekanadham and A. Ng (2007), Sparse deep belief net model for visual area V2; A. Ng (2011), Sparse autoencoder,
    lecture notes of CS294A. Notebook 05.
    """
    if h.shape.rank != 2:
        raise ValueError(f"h must have the shape (images, units), but its shape is {tuple(h.shape)}")
    if tf.executing_eagerly():
        if 0 in h.shape:
            raise ValueError(f"h must hold at least one image and one unit, but its shape is {tuple(h.shape)}")
        low, high = float(tf.reduce_min(h)), float(tf.reduce_max(h))
        if not (low >= 0 and high <= 1):
            raise ValueError(f"h must lie in [0, 1], but its values go from {low:g} to {high:g}")
    wanted = _inwards(tf.constant(rho, h.dtype))
    mean = _inwards(tf.reduce_mean(h, axis=0))
    return tf.reduce_mean(
        wanted * (tf.math.log(wanted) - tf.math.log(mean)) + (1 - wanted) * (tf.math.log(1 - wanted) - tf.math.log(1 - mean))
    )


def _inwards(mean):
    return _INSIDE + (1 - 2 * _INSIDE) * mean


@keras.saving.register_keras_serializable(package="aehelpers")
class KLSparsity(keras.layers.Layer):
    """Return the code as it is, and add a price for units that are on too often or too seldom to the model's losses.

    The price is ``weight * kl_sparsity(code, rho)``, added by ``add_loss``: `aehelpers.fit` and ``model.fit`` both train with
    it. Put the layer between an encoder and a decoder::

        keras.Sequential([keras.Input((784,)), model.encoder, ae.KLSparsity(0.05), model.decoder])

    Parameters
    ----------
    rho : float
        The mean activation that is wanted, between 0 and 1.
    weight : float
        Often called beta. The other part of the loss is in nats per pixel, this one in nats per unit.

    References
    ----------
    See `kl_sparsity`. Notebook 05.
    """

    @takes(rho=Real(0, 1, open_interval=True), weight=Real(0))
    def __init__(self, rho, weight=1.0, **kwargs):
        super().__init__(**kwargs)
        self.rho = rho
        self.weight = weight
        self.built = True  # it has no weights

    def call(self, inputs):
        self.add_loss(self.weight * kl_sparsity(inputs, self.rho))
        return inputs

    def get_config(self):
        return {**super().get_config(), "rho": self.rho, "weight": self.weight}


def _one_level_or_two(p, name):
    if not isinstance(p, (tuple, list)):
        return Fraction()(p, name)
    ends = tuple(Fraction()(end, f"each end of {name}") for end in p)
    if len(ends) != 2 or ends[0] > ends[1]:
        raise ValueError(f"{name} must be one number or a pair (lowest, highest), but it is {p!r}")
    return ends


@keras.saving.register_keras_serializable(package="aehelpers")
class MaskingNoise(keras.layers.Layer):
    """In training, set each pixel to 0 with probability ``p``, anew for every batch; otherwise pass the images on.

    Unlike `keras.layers.Dropout` it does not enlarge the pixels that remain. As the first layer of a model that is trained to
    give back its input it makes a denoising autoencoder, since the target is the clean image::

        keras.Sequential([keras.Input((784,)), ae.MaskingNoise(0.3), model])

    Parameters
    ----------
    p : float or pair of float
        Probability in [0, 1]. From a pair (lowest, highest) a probability is drawn for each image.
    seed : int, optional
        Seed of the noise. Without it, `keras.utils.set_random_seed` decides.

    References
    ----------
    P. Vincent, H. Larochelle, Y. Bengio and P.-A. Manzagol (2008), Extracting and composing robust features with denoising
    autoencoders. (They mask the same number of pixels in each image.) Notebook 06.
    """

    @takes(p=_one_level_or_two, seed=Optional(Integer(0)))
    def __init__(self, p, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.p = p
        self.seed = seed
        self._noise = keras.random.SeedGenerator(seed)  # its state is a variable, so compiled loops draw anew in each step
        self.built = True  # it has no weights

    def call(self, inputs, training=None):
        if not training:
            return inputs
        level = self.p
        if isinstance(level, tuple):
            lowest, highest = level
            one_for_each_image = (tf.shape(inputs)[0], *[1] * (len(inputs.shape) - 1))
            level = lowest + (highest - lowest) * self._draw(one_for_each_image)
        return inputs * tf.cast(self._draw(tf.shape(inputs)) >= level, inputs.dtype)

    def _draw(self, shape):
        # Not keras.random.uniform: XLA's choice of a generator takes 25 times as long, longer than the rest of the step.
        return tf.random.stateless_uniform(shape, tf.cast(self._noise.next(), tf.int32), alg="philox")

    def get_config(self):
        return {**super().get_config(), "p": self.p, "seed": self.seed}
