"""What a code passes through on its way from the encoder to the decoder."""

import keras
import tensorflow as tf
from aehelpers.arrays import non_negative_number


@keras.saving.register_keras_serializable(package="aehelpers")
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

    Raises
    ------
    TypeError, ValueError
        If ``kl_weight`` is not a finite number of at least 0; in a call, if the two tensors differ in shape.

    References
    ----------
    D. Kingma and M. Welling (2013), Auto-encoding variational Bayes, https://arxiv.org/abs/1312.6114, appendix B.
    Notebook 04.
    """

    def __init__(self, kl_weight=1.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.kl_weight = non_negative_number(kl_weight, "kl_weight")
        self.seed = seed
        self._noise = keras.random.SeedGenerator(seed)  # its state is a variable, so compiled loops draw anew in each step

    def call(self, inputs, training=None):
        mean, log_variance = inputs
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
