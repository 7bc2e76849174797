"""Autoencoders as ordinary Keras models, with their two halves at hand as ``.encoder`` and ``.decoder``; and how to run one."""

import contextlib
import itertools
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf
from aehelpers.layers import ACTIVATIONS, GaussianSampling
from aehelpers.validation import Boolean, Images, Integer, Known, Model, Real, cannot_take, takes


def pieces(x):
    """Return slices of 1,000 rows each: taken one after the other, no large intermediate array is made."""
    return [slice(start, start + 1000) for start in range(0, len(x), 1000)]


@contextlib.contextmanager
def unchanged(model):
    """Put back afterwards what passes move: the moving statistics of normalizations, and random states."""
    kept = [(variable, variable.numpy()) for variable in model.non_trainable_variables]
    try:
        yield
    finally:
        for variable, before in kept:
            variable.assign(before)


def compiled_loss(model):
    """Return the loss that a model was compiled with, as something to call; None where it has none, or one for each output."""
    loss = getattr(model, "loss", None) if getattr(model, "compiled", False) else None
    return keras.losses.get(loss) if isinstance(loss, str) or callable(loss) else None


@takes(model=Model(or_function=True), x=Images())
def predict(model, x):
    """Return ``model(x)`` as an array; computed in pieces of 1,000 images, silently, outside training.

    Parameters
    ----------
    model : keras.Model or callable
        With one input and one output; also the encoder or the decoder of a model.
    x : array, shape (images, ...)
        Images, or codes for a decoder.

    Returns
    -------
    ndarray of float32, with a row for each row of ``x``
    """
    return outputs(model, x, "model")


def outputs(model, x, name):
    """Return what `predict` does; ``name`` is what messages call the model."""
    rows = None
    for one in pieces(x):
        piece = x[one]
        try:
            # Not `model.predict`, nor a graph for each model: after a few models TensorFlow warns about tracing too often.
            output = model(piece, training=False) if isinstance(model, keras.Model) else model(piece)
        except (TypeError, ValueError, NotImplementedError, tf.errors.InvalidArgumentError) as error:  # they do not name it
            raise cannot_take(name, model, piece.shape, error) from error
        shape = getattr(output, "shape", None)
        if shape is None or shape[:1] != piece.shape[:1]:
            several = [getattr(part, "shape", None) for part in output] if isinstance(output, (list, tuple)) else []
            came = f"{output!r:.200}" if shape is None else f"an array of shape {tuple(shape)}"
            came = f"{len(several)} arrays" if several and None not in several else came
            raise ValueError(f"{name} must give one array with a row for each of {len(piece)} rows, but it gives {came}")
        rows = np.empty((len(x), *shape[1:]), np.float32) if rows is None else rows
        rows[one] = output
    return rows


def finite_outputs(model, x, name):
    """Return what `outputs` does, for a measurement: NaN, which compares as False, would pass for a number."""
    return Images()(outputs(model, x, name), f"the output of {name}")


def _layer_sizes(value, name):
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence of layer sizes such as (300, 100), but it is {value!r:.200}")
    return tuple(Integer()(size, f"each size in {name}") for size in value)


_ACTIVATION = Known(keras.activations.get, "the name of a Keras activation, a function or None")
_INITIALIZER = Known(keras.initializers.get, "the name of a Keras initializer or an initializer")


def _code_activation(value, name):
    known = isinstance(value, str) and value in ACTIVATIONS
    return _ACTIVATION(ACTIVATIONS[value].function if known else value, name)


class _EncoderDecoder(keras.Model):
    """What our models share: their halves are built with them, and a saved file holds the arguments that made them."""

    def _finish(self, input_size, **config):
        activations = {name: keras.activations.serialize(config[name]) for name in config if name.endswith("_activation")}
        self._config = {"input_size": input_size, **config, **activations}
        self.build((None, input_size))

    def build(self, input_shape):
        self.built = True  # the two halves were built with their inputs

    def get_config(self):
        return {**super().get_config(), **self._config}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="aehelpers")
class Autoencoder(_EncoderDecoder):
    """An autoencoder of dense layers, ``decoder(encoder(x))``; the decoder mirrors the encoder. In short `autoencoder`.

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

    Attributes
    ----------
    encoder : keras.Model
        From (images, input_size) to (images, code_size).
    decoder : keras.Model
        From (images, code_size) to (images, input_size).

    References
    ----------
    G. Hinton and R. Salakhutdinov (2006), Reducing the dimensionality of data with neural networks, Science 313.
    """

    @takes(
        hidden=_layer_sizes,
        code_size=Integer(),
        hidden_activation=_ACTIVATION,
        code_activation=_code_activation,
        output_activation=_ACTIVATION,
        kernel_initializer=_INITIALIZER,
        bias_initializer=_INITIALIZER,
        tied=Boolean(),
        input_size=Integer(),
    )
    def __init__(
        self,
        hidden=(),
        code_size=32,
        hidden_activation="relu",
        code_activation="relu",
        output_activation="sigmoid",
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        tied=False,
        input_size=784,
        **kwargs,
    ):
        super().__init__(**kwargs)
        dense = _DenseLayers(kernel_initializer, bias_initializer)
        names = [f"hidden_{number}" for number in range(1, len(hidden) + 1)]
        encoder_layers = [dense(size, hidden_activation, name) for size, name in zip(hidden, names, strict=True)]
        encoder_layers.append(dense(code_size, code_activation, "code"))
        self.encoder = keras.Sequential([keras.Input((input_size,)), *encoder_layers], name="encoder")
        if tied:
            activations = [hidden_activation] * len(hidden) + [output_activation]
            mirrored = [
                TransposedDense(layer, activation, dense.bias_initializer(), name=name)
                for layer, activation, name in zip(encoder_layers[::-1], activations, [*names, "output"], strict=True)
            ]
        else:
            mirrored = [dense(size, hidden_activation, name) for size, name in zip(hidden[::-1], names, strict=True)]
            mirrored.append(dense(input_size, output_activation, "output"))
        self.decoder = keras.Sequential([keras.Input((code_size,)), *mirrored], name="decoder")
        self._finish(
            input_size,
            hidden=hidden,
            code_size=code_size,
            hidden_activation=hidden_activation,
            code_activation=code_activation,
            output_activation=output_activation,
            tied=tied,
            **dense.config,
        )

    def call(self, inputs, training=None):
        return self.decoder(self.encoder(inputs, training=training), training=training)


@keras.saving.register_keras_serializable(package="aehelpers")
class VariationalAutoencoder(_EncoderDecoder):
    """A variational autoencoder of dense layers; the decoder mirrors the encoder. In short `variational_autoencoder`.

    The encoder describes, for each image, a normal distribution of codes: a mean and the logarithm of a variance for each
    unit. ``model(x, training=True)`` decodes a random draw from it, ``model(x)`` the mean. The divergence of that distribution
    from the standard normal one (the KL term) is added by ``add_loss``, so `aehelpers.fit` and ``model.fit`` both train it. A
    validation loss is measured without the draw and therefore comes out a little lower than the bound that the training
    minimizes.

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

    Attributes
    ----------
    encoder : keras.Model
        From (images, input_size) to the means of the codes, (images, code_size).
    encoder_with_variance : keras.Model
        The same network with both of its outputs: the means and the log-variances of the codes.
    decoder : keras.Model
        From (images, code_size) to (images, input_size).

    References
    ----------
    D. Kingma and M. Welling (2013), Auto-encoding variational Bayes, https://arxiv.org/abs/1312.6114. Notebook 04.
    """

    @takes(
        hidden=_layer_sizes,
        code_size=Integer(),
        hidden_activation=_ACTIVATION,
        output_activation=_ACTIVATION,
        kernel_initializer=_INITIALIZER,
        bias_initializer=_INITIALIZER,
        kl_weight=Real(0),
        input_size=Integer(),
    )
    def __init__(
        self,
        hidden=(256,),
        code_size=5,
        hidden_activation="relu",
        output_activation="sigmoid",
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kl_weight=1.0,
        input_size=784,
        **kwargs,
    ):
        super().__init__(**kwargs)
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
        mirrored = [dense(size, hidden_activation, f"hidden_{number}") for number, size in enumerate(hidden[::-1], start=1)]
        self.decoder = keras.Sequential(
            [keras.Input((code_size,)), *mirrored, dense(input_size, output_activation, "output")], name="decoder"
        )
        self._finish(
            input_size,
            hidden=hidden,
            code_size=code_size,
            hidden_activation=hidden_activation,
            output_activation=output_activation,
            kl_weight=kl_weight,
            **dense.config,
        )

    def call(self, inputs, training=None):
        mean, log_variance = self.encoder_with_variance(inputs, training=training)
        return self.decoder(self.sampling([mean, log_variance], training=training), training=training)


autoencoder = Autoencoder
variational_autoencoder = VariationalAutoencoder


class _DenseLayers:
    """Makes dense layers, each with draws of its own from the same kind of initializer."""

    def __init__(self, kernel_initializer, bias_initializer):
        # Kept in this form for get_config, and turned back for each layer: one initializer object used twice would
        # give both layers the same random numbers.
        given = {"kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer}
        self.config = {name: keras.initializers.serialize(initializer) for name, initializer in given.items()}
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


class TransposedDense(keras.layers.Layer):
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

    @property
    def kernel(self):
        """Shape (units of the layer below, own units), as in any dense layer."""
        return tf.transpose(tf.convert_to_tensor(self._borrowed.layer.kernel))

    def call(self, inputs):
        return self.activation(tf.matmul(inputs, self.kernel) + self.bias)

    def get_config(self):
        raise NotImplementedError(
            "a tied decoder has no kernels of its own, so it cannot be saved or cloned alone: save the whole model"
        )


class _Untracked:
    def __init__(self, layer):
        self.layer = layer
