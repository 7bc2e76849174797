"""Autoencoders as ordinary Keras models, with their two halves at hand as ``.encoder`` and ``.decoder``."""

import itertools
from collections.abc import Iterable

import keras
import tensorflow as tf
from aehelpers.arrays import non_negative_number, positive_integer
from aehelpers.layers import GaussianSampling, step, straight_through_step

_STEPS = {"step": step, "straight_through_step": straight_through_step}


def autoencoder(
    hidden=(),
    code_size=32,
    hidden_activation="relu",
    code_activation="relu",
    output_activation="sigmoid",
    kernel_initializer="glorot_uniform",
    bias_initializer="zeros",
    tied=False,
    input_size=784,
):
    """Make an autoencoder of dense layers; the decoder mirrors the encoder.

    ``autoencoder(hidden=(300, 100), code_size=2)`` is 784-300-100-2-100-300-784, and ``hidden=()`` gives
    784-code-784. Call ``keras.utils.set_random_seed`` first for weights that can be repeated.

    Parameters
    ----------
    hidden : sequence of int
        Sizes of the encoder's hidden layers, from the input to the code.
    code_size : int
        Number of units in the code.
    hidden_activation, code_activation, output_activation : str or callable
        Anything that Keras takes (None is linear). ``code_activation`` may also be "step" or "straight_through_step"
        (see `aehelpers.step` and `aehelpers.straight_through_step`).
    kernel_initializer, bias_initializer : str or keras.Initializer
        Used for every layer, with draws of its own for each.
    tied : bool
        Use each encoder kernel, transposed, as the kernel of the decoder layer that mirrors it. The biases stay apart.
    input_size : int
        Number of pixels.

    Returns
    -------
    Autoencoder
        A built `keras.Model` that takes (images, ``input_size``) and returns reconstructions of the same shape.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive whole number, or Keras does not know an activation or initializer.

    References
    ----------
    G. Hinton and R. Salakhutdinov (2006), Reducing the dimensionality of data with neural networks, Science 313.
    """
    return Autoencoder(
        hidden=hidden,
        code_size=code_size,
        hidden_activation=hidden_activation,
        code_activation=code_activation,
        output_activation=output_activation,
        kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer,
        tied=tied,
        input_size=input_size,
    )


class _EncoderDecoder(keras.Model):
    """What our models share: their halves are built with them, and a saved file holds the arguments that made them.

    A subclass sets ``.encoder``, ``.decoder`` and ``._config``, its arguments in a form that can be saved, and then calls
    ``build``.
    """

    def build(self, input_shape):
        self.built = True  # the two halves were built with their inputs

    def get_config(self):
        return {**super().get_config(), **self._config}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _sizes(hidden, code_size, input_size):
    """Return the sizes of the layers as integers, or say which is none."""
    if isinstance(hidden, str) or not isinstance(hidden, Iterable):
        raise TypeError(f"hidden must be a sequence of layer sizes such as (300, 100), but it is {hidden!r:.200}")
    hidden = tuple(positive_integer(size, "each size in hidden") for size in hidden)
    return hidden, positive_integer(code_size, "code_size"), positive_integer(input_size, "input_size")


def _from_keras(get, given, name, kind):
    """Return what Keras makes of a name, a function or a saved form of one, or say which argument it is that it cannot take."""
    try:
        return get(given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be {kind}, but it is {given!r:.200}. Keras says: {error}") from error


def _activation(given, name):
    if isinstance(given, type):  # Keras would take it for a function
        raise TypeError(f"{name} must not be a class, but it is {given.__name__}; make one with {given.__name__}()")
    return _from_keras(keras.activations.get, given, name, "the name of a Keras activation, a function or None")


@keras.saving.register_keras_serializable(package="aehelpers")
class Autoencoder(_EncoderDecoder):
    """What `autoencoder` returns: ``decoder(encoder(x))``.

    The parameters are those of `autoencoder`. A saved ``.keras`` file holds them, so that `keras.models.load_model`
    rebuilds the model by itself.

    Attributes
    ----------
    encoder : keras.Model
        From (images, input_size) to (images, code_size).
    decoder : keras.Model
        From (images, code_size) to (images, input_size).
    """

    def __init__(
        self,
        hidden,
        code_size,
        hidden_activation,
        code_activation,
        output_activation,
        kernel_initializer,
        bias_initializer,
        tied,
        input_size,
        **kwargs,
    ):
        super().__init__(**kwargs)
        hidden, code_size, input_size = _sizes(hidden, code_size, input_size)
        if not isinstance(tied, bool):
            raise TypeError(f"tied must be True or False, but it is {tied!r}")
        hidden_activation = _activation(hidden_activation, "hidden_activation")
        code_activation = _activation(
            _STEPS.get(code_activation, code_activation) if isinstance(code_activation, str) else code_activation,
            "code_activation",
        )
        output_activation = _activation(output_activation, "output_activation")
        dense = _DenseLayers(kernel_initializer, bias_initializer)
        self._config = {
            "hidden": hidden,
            "code_size": code_size,
            "hidden_activation": keras.activations.serialize(hidden_activation),
            "code_activation": keras.activations.serialize(code_activation),
            "output_activation": keras.activations.serialize(output_activation),
            **dense.config,
            "tied": tied,
            "input_size": input_size,
        }

        names = [f"hidden_{number}" for number in range(1, len(hidden) + 1)]
        encoder_layers = [dense(size, hidden_activation, name) for size, name in zip(hidden, names, strict=True)]
        encoder_layers.append(dense(code_size, code_activation, "code"))
        self.encoder = keras.Sequential([keras.Input((input_size,)), *encoder_layers], name="encoder")
        if tied:
            mirrored = [
                _TransposedDense(layer, activation, dense.bias_initializer(), name=name)
                for layer, activation, name in zip(
                    encoder_layers[::-1],
                    [hidden_activation] * len(hidden) + [output_activation],
                    [*names, "output"],
                    strict=True,
                )
            ]
        else:
            mirrored = [dense(size, hidden_activation, name) for size, name in zip(hidden[::-1], names, strict=True)]
            mirrored.append(dense(input_size, output_activation, "output"))
        self.decoder = keras.Sequential([keras.Input((code_size,)), *mirrored], name="decoder")
        self.build((None, input_size))

    def call(self, inputs, training=None):
        return self.decoder(self.encoder(inputs, training=training), training=training)


def variational_autoencoder(
    hidden=(256,),
    code_size=5,
    hidden_activation="relu",
    output_activation="sigmoid",
    kernel_initializer="glorot_uniform",
    bias_initializer="zeros",
    kl_weight=1.0,
    input_size=784,
):
    """Make a variational autoencoder of dense layers; the decoder mirrors the encoder.

    The encoder describes, for each image, a normal distribution of codes: a mean and the logarithm of a variance for each
    unit. In training the decoder gets a random draw from it, otherwise the mean. The divergence of that distribution from
    the standard normal one (the KL term) is added by ``add_loss``, so `aehelpers.fit` and ``model.fit`` both train it.

    Parameters
    ----------
    hidden : sequence of int
        Sizes of the encoder's hidden layers, from the input to the code.
    code_size : int
        Number of units in the code.
    hidden_activation, output_activation : str or callable
        Anything that Keras takes (None is linear). With a linear output, train with a loss that takes logits.
    kernel_initializer, bias_initializer : str or keras.Initializer
        Used for every layer, with draws of its own for each.
    kl_weight : float
        The KL term is this times the divergence in nats per image, *divided by the number of pixels*. So 1 belongs to a
        loss that is a mean over the pixels, as "bce" is: the sum is the negative evidence lower bound in nats per pixel.
        For a loss that is a sum over the pixels, in nats per image, use ``kl_weight=input_size``.
    input_size : int
        Number of pixels.

    Returns
    -------
    VariationalAutoencoder
        A built `keras.Model` that takes (images, ``input_size``) and returns reconstructions of the same shape.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive whole number, ``kl_weight`` not a finite number of at least 0, or Keras does not know
        an activation or initializer.

    References
    ----------
    D. Kingma and M. Welling (2013), Auto-encoding variational Bayes, https://arxiv.org/abs/1312.6114. Notebook 04.
    """
    return VariationalAutoencoder(
        hidden=hidden,
        code_size=code_size,
        hidden_activation=hidden_activation,
        output_activation=output_activation,
        kernel_initializer=kernel_initializer,
        bias_initializer=bias_initializer,
        kl_weight=kl_weight,
        input_size=input_size,
    )


@keras.saving.register_keras_serializable(package="aehelpers")
class VariationalAutoencoder(_EncoderDecoder):
    """What `variational_autoencoder` returns.

    The parameters are those of `variational_autoencoder`. A saved ``.keras`` file holds them, so that
    `keras.models.load_model` rebuilds the model by itself.

    Attributes
    ----------
    encoder : keras.Model
        From (images, input_size) to the means of the codes, (images, code_size).
    encoder_with_variance : keras.Model
        The same network with both of its outputs: the means and the log-variances of the codes.
    decoder : keras.Model
        From (images, code_size) to (images, input_size).

    ``model(x)`` is ``decoder(encoder(x))``, without chance; ``model(x, training=True)`` decodes a random draw. A validation
    loss is measured without the draw and therefore comes out a little lower than the bound that the training minimizes.
    """

    def __init__(
        self,
        hidden,
        code_size,
        hidden_activation,
        output_activation,
        kernel_initializer,
        bias_initializer,
        kl_weight,
        input_size,
        **kwargs,
    ):
        super().__init__(**kwargs)
        hidden, code_size, input_size = _sizes(hidden, code_size, input_size)
        kl_weight = non_negative_number(kl_weight, "kl_weight")
        hidden_activation = _activation(hidden_activation, "hidden_activation")
        output_activation = _activation(output_activation, "output_activation")
        dense = _DenseLayers(kernel_initializer, bias_initializer)

        inputs = features = keras.Input((input_size,))
        for number, size in enumerate(hidden, start=1):
            features = dense(size, hidden_activation, f"hidden_{number}")(features)
        mean = dense(code_size, None, "code_mean")(features)
        log_variance = dense(code_size, None, "code_log_variance")(features)
        self.encoder = keras.Model(inputs, mean, name="encoder")
        self.encoder_with_variance = keras.Model(inputs, [mean, log_variance], name="encoder_with_variance")
        self.sampling = GaussianSampling(kl_weight / input_size, name="sampling")
        self.sampling.built = True  # it has no weights
        mirrored = [dense(size, hidden_activation, f"hidden_{number}") for number, size in enumerate(reversed(hidden), start=1)]
        self.decoder = keras.Sequential(
            [keras.Input((code_size,)), *mirrored, dense(input_size, output_activation, "output")], name="decoder"
        )
        self._config = {
            "hidden": hidden,
            "code_size": code_size,
            "hidden_activation": keras.activations.serialize(hidden_activation),
            "output_activation": keras.activations.serialize(output_activation),
            **dense.config,
            "kl_weight": kl_weight,
            "input_size": input_size,
        }
        self.build((None, input_size))

    def call(self, inputs, training=None):
        mean, log_variance = self.encoder_with_variance(inputs, training=training)
        return self.decoder(self.sampling([mean, log_variance], training=training), training=training)


class _DenseLayers:
    """Makes dense layers, each with draws of its own from the same kind of initializer."""

    def __init__(self, kernel_initializer, bias_initializer):
        # Kept in this form for get_config, and turned back for each layer: one initializer object used twice would
        # give both layers the same random numbers.
        given = {"kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer}
        kind = "the name of a Keras initializer or an initializer"
        self.config = {
            name: keras.initializers.serialize(_from_keras(keras.initializers.get, initializer, name, kind))
            for name, initializer in given.items()
        }
        self._numbers = itertools.count()

    def __call__(self, size, activation, name):
        number = next(self._numbers)
        initializers = {key: self._fresh(serialized, number) for key, serialized in self.config.items()}
        return keras.layers.Dense(size, activation, name=name, **initializers)

    def bias_initializer(self):
        """For a layer that has only a bias of its own."""
        return self._fresh(self.config["bias_initializer"], next(self._numbers))

    @staticmethod
    def _fresh(serialized, number):
        made = keras.initializers.deserialize(serialized)
        if isinstance(getattr(made, "seed", None), int):
            made.seed += number  # with one seed, two kernels of one shape would be the same
        return made


class _TransposedDense(keras.layers.Layer):
    """A dense layer whose kernel is another layer's, transposed; only the bias is its own."""

    def __init__(self, source, activation, bias_initializer, name):
        super().__init__(name=name)
        # Held in a plain object: a layer that is an attribute would pass for a part of this one, and be saved twice.
        self._borrowed = _Untracked(source)
        self.activation = activation
        self.bias_initializer = bias_initializer

    def build(self, input_shape):
        self.bias = self.add_weight(
            shape=(self._borrowed.layer.kernel.shape[0],), initializer=self.bias_initializer, name="bias"
        )

    def call(self, inputs):
        kernel = tf.convert_to_tensor(self._borrowed.layer.kernel)
        return self.activation(tf.matmul(inputs, kernel, transpose_b=True) + self.bias)

    def get_config(self):
        raise NotImplementedError(
            "a tied decoder has no kernels of its own, so it cannot be saved or cloned alone: save the whole model"
        )


class _Untracked:
    def __init__(self, layer):
        self.layer = layer
