"""Variational designs in Keras, written in the ways in which people write them."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks.zoo import data as zoo_data
from benchmarks.zoo.data import (
    answers,
    compiled_and_fitted,
    digit_labels,
    factors,
    flat,
    given,
    pictures,
    stack,
    standardized,
    trained,
    waves,
)
from benchmarks.zoo.registry import decorators

patient, healthy = decorators("keras", "images")


class Sampling(layers.Layer):
    """As on keras.io: (mean, log-variance) to a drawn code."""

    def call(self, inputs):
        mean, log_variance = inputs
        return mean + tf.exp(0.5 * log_variance) * keras.random.normal(tf.shape(mean))


def encoder_of(columns, size, hidden=64):
    """Return an encoder as on keras.io, with three outputs."""
    inputs = keras.Input((columns,))
    features = layers.Dense(hidden, "relu")(inputs)
    mean, log_variance = layers.Dense(size, name="z_mean")(features), layers.Dense(size, name="z_log_var")(features)
    return keras.Model(inputs, [mean, log_variance, Sampling()([mean, log_variance])], name="encoder")


def decoder_of(columns, size, hidden=64, output="sigmoid"):
    return stack(size, layers.Dense(hidden, "relu"), layers.Dense(columns, output), name="decoder")


def kl_of(mean, log_variance):
    return tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1 - log_variance, axis=1) / 2


class KerasIo(keras.Model):
    """The example of keras.io: an encoder, a decoder, a training step, and no call().

    The error is summed over the columns, as it should be beside a summed KL term, or averaged; the KL term has a weight.
    """

    def __init__(self, encoder, decoder, error="bce", summed=True, weight=1.0):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.error, self.summed, self.weight = error, summed, weight

    def error_of(self, x, made):
        one = keras.losses.binary_crossentropy(x, made) if self.error == "bce" else keras.losses.mean_squared_error(x, made)
        while len(one.shape) > 1:
            one = tf.reduce_mean(one, axis=1)
        return tf.reduce_mean(one) * (np.prod(x.shape[1:]) if self.summed else 1)

    def train_step(self, data):
        x = data[0] if isinstance(data, tuple) else data
        with tf.GradientTape() as tape:
            mean, log_variance, code = self.encoder(x, training=True)
            loss = self.error_of(x, self.decoder(code, training=True)) + self.weight * tf.reduce_mean(kl_of(mean, log_variance))
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights, strict=True))
        return {"loss": loss}


class CalledWithItsMean(KerasIo):
    """The same, with a call() that decodes the mean."""

    def call(self, x):
        return self.decoder(self.encoder(x)[0])


class CalledWithADraw(KerasIo):
    """The same, with a call() that decodes a drawn code."""

    def call(self, x):
        return self.decoder(self.encoder(x)[2])


class OfSeveralOutputs(KerasIo):
    """The same, with a call() that gives the mean and the log-variance beside the reconstruction."""

    def call(self, x):
        mean, log_variance, code = self.encoder(x)
        return self.decoder(code), mean, log_variance


class OfNamedOutputs(KerasIo):
    def call(self, x):
        mean, log_variance, code = self.encoder(x)
        return {"reconstruction": self.decoder(code), "z_mean": mean, "z_log_var": log_variance}


def learned(model, x, epochs, rate=2e-3, batch=64):
    model.compile(keras.optimizers.Adam(rate))
    model.fit(x, epochs=zoo_data.STRETCH * epochs, batch_size=batch, verbose=0)
    return model


# -------------------------------------------------------------------------------------------- healthy models


@healthy
def keras_io_without_call(seed):
    data = flat()[0][:8_000], flat()[1][:2_000]
    return learned(KerasIo(encoder_of(784, 10, 128), decoder_of(784, 10, 128)), data[0], 12), given(data)


@healthy
def keras_io_called_with_its_mean(seed):
    data = flat("digits")
    return learned(CalledWithItsMean(encoder_of(64, 6), decoder_of(64, 6)), data[0], 80), given(data)


@healthy
def several_outputs(seed):
    data = flat("fashion_mnist")[0][:6_000], flat("fashion_mnist")[1][:2_000]
    return learned(OfSeveralOutputs(encoder_of(784, 8, 128), decoder_of(784, 8, 128)), data[0], 14), given(data)


@patient("healthy", "table")
def named_outputs_of_a_table(seed):
    """The error is divided by twice the variance of the noise, as a normal distribution wants it."""
    data = factors(16, 4, noise=0.2, seed=seed)
    parts = encoder_of(16, 5), decoder_of(16, 5, output=None)
    return learned(OfNamedOutputs(*parts, error="mse", weight=0.2), data[0], 40), given(data)


@patient("healthy", "table")
def added_loss_of_a_table(seed):
    """The KL term is added inside a layer, and the model compiled with the squared error, a mean over 12 columns."""
    data = factors(12, 3, noise=0.2, seed=seed)
    return trained(with_added_loss(12, 4, 0.1 / 12), data, 3_000, 2e-3, seed=seed), given(data)


class Divergence(layers.Layer):
    """Adds the weighted KL term, and draws while the model trains."""

    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def call(self, inputs, training=False):
        mean, log_variance = inputs
        self.add_loss(self.weight * tf.reduce_mean(kl_of(mean, log_variance)))
        return mean + tf.exp(0.5 * log_variance) * keras.random.normal(tf.shape(mean)) if training else mean


def with_added_loss(columns, size, weight, hidden=48, output=None):
    inputs = keras.Input((columns,))
    features = layers.Dense(hidden, "relu")(inputs)
    code = Divergence(weight)([layers.Dense(size)(features), layers.Dense(size)(features)])
    return keras.Model(inputs, layers.Dense(columns, output)(layers.Dense(hidden, "relu")(code)))


@healthy
def digit_with_its_label(seed):
    """A conditional one of two inputs; the decoder gets the label too."""
    data, labels = flat("digits"), digit_labels()
    x, label = keras.Input((64,)), keras.Input((10,))
    features = layers.Dense(64, "relu")(layers.Concatenate()([x, label]))
    code = Divergence(1 / 64)([layers.Dense(6)(features), layers.Dense(6)(features)])
    made = layers.Dense(64, "sigmoid")(layers.Dense(64, "relu")(layers.Concatenate()([code, label])))
    model = keras.Model([x, label], made)
    compiled_and_fitted(model, [data[0], labels[0]], data[0], 80, "bce", 2e-3)
    return model, {"x_train": (data[0], labels[0]), "x_test": (data[1], labels[1]), "target": data, "loss": "bce"}


@healthy
def convolutional_keras_io(seed):
    data = pictures("digits")
    inputs = keras.Input((8, 8, 1))
    features = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(inputs)
    features = layers.Dense(48, "relu")(layers.Flatten()(features))
    mean, log_variance = layers.Dense(6)(features), layers.Dense(6)(features)
    encoder = keras.Model(inputs, [mean, log_variance, Sampling()([mean, log_variance])])
    parts = [layers.Dense(4 * 4 * 16, "relu"), layers.Reshape((4, 4, 16))]
    decoder = stack(6, *parts, layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="sigmoid"))
    return learned(CalledWithItsMean(encoder, decoder), data[0], 50, 4e-3), given(data)


@healthy
def added_loss_of_garments(seed):
    data = flat("fashion_mnist")[0][:8_000], flat("fashion_mnist")[1][:2_000]
    return trained(with_added_loss(784, 12, 1 / 784, 128, "sigmoid"), data, 1_500, loss="bce", seed=seed), given(
        data, loss="bce"
    )


@patient("healthy", "series")
def variational_waves(seed):
    data = waves(24, noise=0.1, seed=seed)
    inputs = keras.Input((24, 1))
    features = layers.Dense(64, "relu")(layers.Flatten()(inputs))
    code = Divergence(0.02 / 24)([layers.Dense(5)(features), layers.Dense(5)(features)])
    made = layers.Reshape((24, 1))(layers.Dense(24)(layers.Dense(64, "relu")(code)))
    return trained(keras.Model(inputs, made), data, 2_500, 2e-3, seed=seed), given(data)


class WithSpreads(keras.Model):
    """The second head gives the standard deviation through a softplus, not a log-variance; the KL term is added in call()."""

    def __init__(self, columns, size, weight):
        super().__init__()
        self.hidden, self.mean, self.spread = layers.Dense(48, "relu"), layers.Dense(size), layers.Dense(size, "softplus")
        self.back, self.last, self.weight = layers.Dense(48, "relu"), layers.Dense(columns), weight

    def call(self, x, training=False):
        features = self.hidden(x)
        mean, spread = self.mean(features), self.spread(features) + 1e-3
        kl = tf.reduce_sum((spread**2 + mean**2 - 1) / 2 - tf.math.log(spread), axis=1)
        self.add_loss(self.weight * tf.reduce_mean(kl))
        code = mean + spread * keras.random.normal(tf.shape(mean)) if training else mean
        return self.last(self.back(code))


@patient("healthy", "table")
def spreads_by_softplus(seed):
    data = factors(14, 4, noise=0.2, seed=seed)
    model = WithSpreads(14, 5, 0.1 / 14)
    model(data[0][:1])
    return trained(model, data, 2_500, 2e-3, seed=seed), given(data)


@healthy
def normalized_encoder_of_digits(seed):
    data = flat("digits")
    inputs = keras.Input((64,))
    features = layers.ReLU()(layers.BatchNormalization()(layers.Dense(64)(inputs)))
    mean, log_variance = layers.Dense(6)(features), layers.Dense(6)(features)
    encoder = keras.Model(inputs, [mean, log_variance, Sampling()([mean, log_variance])])
    return learned(OfSeveralOutputs(encoder, decoder_of(64, 6), weight=0.5), data[0], 60), given(data)


@patient("healthy", "table")
def answers_of_known_groups(seed):
    """A conditional one for a questionnaire: inputs by name, and the group is told to both parts."""
    data = answers(24, 3, seed=seed)
    generator = np.random.default_rng(seed)
    groups = tuple(np.eye(3, dtype=np.float32)[generator.integers(0, 3, len(x))] for x in data)
    rows = tuple(
        np.abs(x - (group @ (np.arange(24) % 3 == np.arange(3)[:, None]))) for x, group in zip(data, groups, strict=True)
    )
    rows = tuple(x.astype(np.float32) for x in rows)  # each group turns a third of the questions round
    x, group = keras.Input((24,), name="answers"), keras.Input((3,), name="group")
    features = layers.Dense(64, "relu")(layers.Concatenate()([x, group]))
    code = Divergence(0.3 / 24)([layers.Dense(5)(features), layers.Dense(5)(features)])
    made = layers.Dense(24, "sigmoid")(layers.Dense(64, "relu")(layers.Concatenate()([code, group])))
    both = tuple({"answers": x, "group": group} for x, group in zip(rows, groups, strict=True))
    model = keras.Model({"answers": x, "group": group}, made)
    compiled_and_fitted(model, both[0], rows[0], 40, "bce", 2e-3)
    return model, {"x_train": both[0], "x_test": both[1], "target": rows, "loss": "bce"}


# ---------------------------------------------------------------------------------------------- known faults


@patient("kl_collapse")
def keras_io_with_a_mean(seed):
    """The example of keras.io, with reduce_mean in place of reduce_sum over the pixels."""
    data = flat()[0][:6_000], flat()[1][:2_000]
    return learned(KerasIo(encoder_of(784, 8), decoder_of(784, 8), summed=False), data[0], 8), given(data)


@patient("kl_collapse", "table")
def heavy_kl_of_a_table(seed):
    data = factors(12, 4, seed=seed)
    parts = encoder_of(12, 4), decoder_of(12, 4, output=None)
    return learned(OfSeveralOutputs(*parts, error="mse", weight=25), data[0], 15), given(data)


@patient("kl_collapse")
def heavy_beta_of_digits(seed):
    data = flat("digits")
    return learned(CalledWithADraw(encoder_of(64, 6), decoder_of(64, 6), weight=30), data[0], 40), given(data)


@patient("kl_collapse", "series")
def series_beside_a_summed_kl(seed):
    """The error is a mean over the steps, the KL term a sum."""
    data = waves(24, seed=seed)
    inputs = keras.Input((24, 1))
    features = layers.Dense(48, "relu")(layers.Flatten()(inputs))
    code = Divergence(1.0)([layers.Dense(6)(features), layers.Dense(6)(features)])
    made = layers.Reshape((24, 1))(layers.Dense(24)(layers.Dense(48, "relu")(code)))
    return trained(keras.Model(inputs, made), data, 1_200, seed=seed), given(data)


def far_from_the_prior(model, arguments):
    """Measure the KL term and the spread of the means."""
    x = arguments["x_test"][:1_000]
    mean, log_variance, _ = (np.asarray(part) for part in model.encoder(x))
    kl = float(kl_of(tf.constant(mean), tf.constant(log_variance)).numpy().mean())
    between = float(np.exp(log_variance).mean() / mean.var())
    units = mean.shape[1]
    return {"shown": kl / units > 5, "KL per unit": kl / units, "spread": float(mean.std()), "noise of signal": between}


@patient("kl_too_light", shows=far_from_the_prior)
def weight_of_a_ten_thousandth(seed):
    data = flat("digits")
    return learned(CalledWithItsMean(encoder_of(64, 6), decoder_of(64, 6), weight=1e-4), data[0], 80), given(data)


@patient("kl_too_light", shows=far_from_the_prior)
def sum_over_the_pixels_beside_a_small_weight(seed):
    data = flat("fashion_mnist")[0][:6_000], flat("fashion_mnist")[1][:2_000]
    parts = encoder_of(784, 8, 128), decoder_of(784, 8, 128)
    return learned(OfNamedOutputs(*parts, weight=1e-3), data[0], 12), given(data)


@patient("kl_too_light", "table", shows=far_from_the_prior)
def kl_that_was_forgotten(seed):
    """The KL term is computed and not added."""
    data = factors(12, 4, seed=seed)
    parts = encoder_of(12, 4), decoder_of(12, 4, output=None)
    return learned(KerasIo(*parts, error="mse", weight=0.0), data[0], 40), given(data)


@patient("not_finite")
def exponentials_of_bytes(seed):
    """Pixels to 255: the log-variance is large at once, and its exponential infinite."""
    data = tuple(255 * x for x in flat("digits"))
    parts = encoder_of(64, 6), decoder_of(64, 6, output=None)
    model = CalledWithADraw(*parts, error="mse")
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(data[0], epochs=3, verbose=0)
    return model, given(data)


@patient("input_scale")
def cross_entropy_of_standardized_garments(seed):
    x = flat("fashion_mnist")
    data = standardized(tuple(part[:6_000].reshape(-1, 1) for part in x))
    data = tuple(part.reshape(-1, 784) for part in data)
    model = OfSeveralOutputs(encoder_of(784, 8), decoder_of(784, 8), error="mse")
    return learned(model, data[0], 6), given(data)


@patient("undertrained")
def keras_io_after_one_epoch(seed):
    data = flat()[0][:6_000], flat()[1][:2_000]
    return learned(CalledWithItsMean(encoder_of(784, 16, 128), decoder_of(784, 16, 128)), data[0], 2, 1e-3, 128), given(data)


@patient("wrong_loss")
def negative_cross_entropy(seed):
    """Standardized pixels and a cross entropy of logits: ever more negative."""
    x = flat("digits")
    data = tuple(((part - x[0].mean()) / x[0].std()).astype(np.float32) for part in x)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model = with_added_loss(64, 6, 1 / 64)
    return compiled_and_fitted(model, data[0], data[0], 30, loss), given(data, loss=loss)


def moved_by_the_code(model, arguments):
    """Measure how far the decoder's output moves with its first input, the code."""
    (x, told), _ = arguments["x_test"], None
    codes = np.asarray(model.encoder(x)[0])
    usual, other = (np.asarray(model.decoder([part, told])) for part in (codes, codes[::-1]))
    share = float(np.square(usual - other).mean() / usual.var(axis=0).mean())
    return {"shown": share < 0.05, "moved by another code": share}


class Conditional(CalledWithItsMean):
    """Encoder and decoder get what is told beside the rows."""

    def train_step(self, data):
        (x, told), target = data
        with tf.GradientTape() as tape:
            mean, log_variance, code = self.encoder(x, training=True)
            made = self.decoder([code, told], training=True)
            loss = self.error_of(target, made) + self.weight * tf.reduce_mean(kl_of(mean, log_variance))
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights, strict=True))
        return {"loss": loss}

    def call(self, inputs):
        x, told = inputs
        return self.decoder([self.encoder(x)[0], told])


@patient("ignored_code", shows=moved_by_the_code)
def condition_that_tells_everything(seed):
    """What is told beside the code is the picture itself at half its size, from which the decoder paints it."""
    data = flat("digits")
    small = tuple(x.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16) for x in data)
    code, told = keras.Input((6,)), keras.Input((16,))
    hidden = layers.Dense(64, "relu")(layers.Concatenate()([code, told]))
    decoder = keras.Model([code, told], layers.Dense(64, "sigmoid")(hidden))
    model = Conditional(encoder_of(64, 6), decoder, weight=4)
    model.compile(keras.optimizers.Adam(2e-3))
    model.fit((data[0], small[0]), data[0], epochs=zoo_data.STRETCH * 60, batch_size=64, verbose=0)
    return model, {"x_train": (data[0], small[0]), "x_test": (data[1], small[1]), "target": data}
