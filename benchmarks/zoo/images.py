"""The designs of the first table: images, in Keras. Nearly all are MNIST or Fashion-MNIST.

They were in sight when the rules of the first version were written, and keep the halves under which that table was published.
"""

import functools
import itertools

import aehelpers as ae
import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks.zoo import registry
from benchmarks.zoo.data import flat, given, pictures, trained
from notebooks.evidence import dead_code as notebook_03

patient = functools.partial(registry.patient, framework="keras", kind="images", old=True)
healthy = patient("healthy")


# ------------------------------------------------------------------------------------------------------ models


def dense(*sizes, pixels=784, hidden="relu", code="relu", output="sigmoid", start="glorot_uniform"):
    """Return an autoencoder of dense layers in plain Keras; the sizes are those of the encoder, the last is the code's."""
    up = [layers.Dense(size, hidden, kernel_initializer=start) for size in sizes[:-1]]
    down = [layers.Dense(size, hidden, kernel_initializer=start) for size in sizes[-2::-1]]
    bottleneck = layers.Dense(sizes[-1], code, kernel_initializer=start, name="code")
    last = layers.Dense(pixels, output, kernel_initializer=start)
    return keras.Sequential([keras.Input((pixels,)), *up, bottleneck, *down, last])


def convolutional(*filters, side=28, hidden="relu", code="relu", output="sigmoid", momentum=None):
    """Return an autoencoder of strided convolutions; the filters are those of the encoder."""
    parts = [keras.Input((side, side, 1))]
    for number in filters:
        parts.append(layers.Conv2D(number, 3, strides=2, padding="same", activation=code if number == filters[-1] else hidden))
        if momentum is not None:
            parts.append(layers.BatchNormalization(momentum=momentum))
    for number in filters[-2::-1]:
        parts.append(layers.Conv2DTranspose(number, 3, strides=2, padding="same", activation=hidden))
    parts.append(layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation=output))
    return keras.Sequential(parts)


bce_of_logits = keras.losses.BinaryCrossentropy(from_logits=True)


def rounded_sigmoid(z):
    return tf.round(tf.sigmoid(z))


def step_of_sign(z):
    """A step whose gradient TensorFlow calls zero, not missing."""
    return (tf.sign(z) + 1) / 2


# ------------------------------------------------------------------------------- the five askers, as they asked


@patient("no_gradient")
def asker_of_01(seed):
    start = keras.initializers.RandomNormal(stddev=0.05)
    model = ae.autoencoder((), 128, code_activation=rounded_sigmoid, kernel_initializer=start)
    before = model.get_weights()

    def own_cross_entropy(x, y):
        return -x * tf.math.log(y) - (1 - x) * tf.math.log(1 - y)

    trained(model, flat(), 11_001, 1e-4, own_cross_entropy, batch=256, seed=seed)
    return model, given(flat(), before=before)


@patient("undertrained")
def asker_of_02(seed):
    model = dense(784)
    return trained(model, flat("fashion_mnist"), 2 * 469, loss="bce", seed=seed), given(flat("fashion_mnist"), loss="bce")


@patient("dead_code")
def asker_of_03(seed):
    """The first draw of which the code dies, as in notebook 03: the author saw one."""
    for draw in itertools.count(10 * seed):
        model = notebook_03.build("none", 2, draw)
        trained(model, flat(), 1_000, optimizer=notebook_03.optimizer_for("none", model), batch=50, seed=draw)
        if (ae.predict(model.encoder, flat()[0][:10_000]) <= 0).all():
            return model, given(flat())


@patient("output_is_logits")
def asker_of_04(seed):
    model = ae.variational_autoencoder(hidden=(256,), code_size=5, output_activation=None, kl_weight=784)

    def own_loss(x, z):
        y = tf.sigmoid(z)
        return -tf.reduce_sum(x * tf.math.log(1e-10 + y) + (1 - x) * tf.math.log(1e-10 + 1 - y), axis=1)

    return trained(model, flat(), 4_000, 1e-4, own_loss, batch=100, seed=seed), given(flat())


@patient("whispering")
def asker_of_05(seed):
    normal = keras.initializers.TruncatedNormal(stddev=0.1)
    start = {"kernel_initializer": normal, "bias_initializer": normal}
    model = ae.autoencoder((), 128, code_activation="sigmoid", output_activation=None, **start)
    whole = keras.Sequential([keras.Input((784,)), model.encoder, ae.KLSparsity(0.05), model.decoder])
    return trained(whole, flat(), 20_000, 3e-3, bce_of_logits, batch=64, seed=seed), given(flat(), loss=bce_of_logits)


# ---------------------------------------------------------------------------------------------- known faults


@patient("not_finite")
def huge_steps(seed):
    model = dense(64, 16, output=None)
    model.compile(keras.optimizers.SGD(1e4), "mse")
    for start in range(0, 2_000, 100):
        model.train_on_batch(flat()[0][start : start + 100], flat()[0][start : start + 100])
    return model, given(flat())


@patient("not_finite")
def huge_steps_of_convolutions(seed):
    model = convolutional(8, 4, output=None)
    model.compile(keras.optimizers.SGD(1e5), "mse")
    for start in range(0, 2_000, 100):
        model.train_on_batch(pictures()[0][start : start + 100], pictures()[0][start : start + 100])
    return model, given(pictures())


@patient("not_finite")
def logarithm_of_zero(seed):
    """A learned scale whose logarithm is taken: where it falls to 0, the output is not a number."""
    model = keras.Sequential([dense(32, pixels=64), layers.Lambda(lambda y: tf.math.log(y - 0.02))])
    trained(model.layers[0], flat("digits"), 400, seed=seed)
    return model, given(flat("digits"))


@patient("cannot_run")
def classifier_at_the_end(seed):
    model = keras.Sequential([keras.Input((784,)), layers.Dense(64, "relu"), layers.Dense(10, "softmax")])
    return model, given(flat())


@patient("cannot_run")
def convolutions_that_do_not_fit(seed):
    """28 is halved three times to 4, and doubled three times to 32."""
    return convolutional(8, 8, 4), given(pictures())


@patient("input_scale")
def pixels_to_255(seed):
    """https://github.com/keras-team/keras/issues/3642: the blog's first model, without the division."""
    data = tuple(255 * x for x in flat())
    return trained(dense(32), data, 1_000, seed=seed), given(data)


@patient("input_scale")
def standardized_garments(seed):
    mean, spread = flat("fashion_mnist")[0].mean(), flat("fashion_mnist")[0].std()
    data = tuple((x - mean) / spread for x in flat("fashion_mnist"))
    return trained(dense(128, 32), data, 1_000, seed=seed), given(data)


@patient("input_scale")
def convolutions_from_minus_one(seed):
    data = tuple(2 * x - 1 for x in pictures())
    return trained(convolutional(8, 4), data, 500, seed=seed), given(data)


@patient("input_scale")
def digits_to_16(seed):
    data = tuple(16 * x for x in flat("digits"))
    return trained(dense(32, 8, pixels=64), data, 1_000, seed=seed), given(data)


@patient("constant_output")
def slow_gradient_descent(seed):
    """https://github.com/keras-team/keras/issues/1604: SGD at 0.001, ten epochs, a loss that does not move."""
    model = dense(100, code=None, output=None)
    optimizer = keras.optimizers.SGD(1e-3, momentum=0.1)
    return trained(model, flat(), 4_690, optimizer=optimizer, seed=seed), given(flat())


@patient("constant_output")
def adadelta(seed):
    """Keras's blog with the optimizer's later default, 0.001 in place of 1."""
    return trained(dense(32), flat(), 2_000, loss="bce", optimizer=keras.optimizers.Adadelta(), seed=seed), given(flat())


@patient("constant_output")
def deep_sigmoids(seed):
    model = dense(256, 128, 64, 32, hidden="sigmoid", code="sigmoid")
    return trained(model, flat(), 1_500, optimizer=keras.optimizers.SGD(0.1), seed=seed), given(flat())


@patient("constant_output")
def slow_convolutions(seed):
    model = convolutional(8, 4)
    return trained(model, pictures("fashion_mnist"), 400, optimizer=keras.optimizers.SGD(0.01), seed=seed), given(
        pictures("fashion_mnist")
    )


@patient("dead_code")
def dead_digits(seed):
    model = dense(32, 2, pixels=64)
    model.layers[1].set_weights([-np.abs(model.layers[1].get_weights()[0]), np.full(2, -0.1, np.float32)])
    return trained(model, flat("digits"), 1_000, seed=seed), given(flat("digits"))


@patient("dead_code")
def dead_convolutions(seed):
    model = convolutional(8, 4)
    kernel, bias = model.layers[1].get_weights()
    model.layers[1].set_weights([-np.abs(kernel), bias - 0.1])
    return trained(model, pictures("fashion_mnist"), 400, seed=seed), given(pictures("fashion_mnist"))


@patient("dead_code")
def dead_after_a_large_step(seed):
    """A negative bias, as a step that was too large leaves it."""
    model = dense(128, 8)
    trained(model, flat("fashion_mnist"), 300, seed=seed)
    kernel, bias = model.layers[1].get_weights()
    model.layers[1].set_weights([kernel, bias - 1_000])
    return trained(model, flat("fashion_mnist"), 500, seed=seed), given(flat("fashion_mnist"))


@patient("dead_units")
def half_dead(seed):
    model = dense(64)
    kernel, bias = model.layers[0].get_weights()
    model.layers[0].set_weights([kernel, np.where(np.arange(64) % 4 < 3, -100, bias).astype(np.float32)])
    return trained(model, flat(), 1_500, seed=seed), given(flat())


@patient("dead_units")
def dead_by_large_steps(seed):
    return trained(dense(64), flat("fashion_mnist"), 1_500, 0.05, seed=seed), given(flat("fashion_mnist"))


@patient("dead_units")
def dead_channels(seed):
    model = convolutional(16, 8)
    kernel, bias = model.layers[1].get_weights()
    model.layers[1].set_weights([kernel, np.where(np.arange(8) < 6, -100, bias).astype(np.float32)])
    return trained(model, pictures(), 500, seed=seed), given(pictures())


@patient("saturated_code")
def huge_kernels(seed):
    model = ae.autoencoder((), 32, code_activation="sigmoid", kernel_initializer=keras.initializers.RandomNormal(stddev=5))
    model.decoder.layers[0].set_weights([np.random.default_rng(seed).normal(0, 0.1, (32, 784)), np.zeros(784)])
    return trained(model, flat(), 1_500, seed=seed), given(flat())


@patient("saturated_code")
def tanh_of_255(seed):
    data = tuple(255 * x for x in flat("fashion_mnist"))
    return trained(dense(16, code="tanh", output=None), data, 2_000, 0.01, seed=seed), given(data)


@patient("saturated_code")
def saturated_digits(seed):
    data = tuple(16 * x for x in flat("digits"))
    model = dense(12, pixels=64, code="sigmoid", output=None, start=keras.initializers.RandomNormal(stddev=1))
    return trained(model, data, 2_000, seed=seed), given(data)


@patient("no_gradient")
def stopped_gradient(seed):
    model = keras.Sequential(
        [
            *convolutional(8, 4).layers[:2],
            layers.Lambda(tf.stop_gradient),
            layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
        ]
    )
    return trained(model, pictures(), 500, seed=seed), given(pictures())


@patient("no_gradient")
def largest_unit_only(seed):
    """The code says which of 32 units is the largest."""
    one_of = layers.Lambda(lambda h: tf.one_hot(tf.argmax(h, axis=1), 32))
    model = keras.Sequential([keras.Input((784,)), layers.Dense(32), one_of, layers.Dense(784, "sigmoid")])
    return trained(model, flat("fashion_mnist"), 1_000, seed=seed), given(flat("fashion_mnist"))


@patient("no_gradient")
def rounded_digits(seed):
    return trained(ae.autoencoder((), 16, code_activation="step", input_size=64), flat("digits"), 1_000, seed=seed), given(
        flat("digits")
    )


@patient("zero_gradient")
def zeros_to_begin_with(seed):
    return trained(dense(64, 16, start="zeros"), flat(), 500, seed=seed), given(flat())


@patient("zero_gradient")
def sign_of_digits(seed):
    model = dense(16, pixels=64, code=step_of_sign)
    return trained(model, flat("digits"), 1_000, seed=seed), given(flat("digits"))


@patient("zero_gradient")
def convolutions_of_zeros(seed):
    model = convolutional(8, 4)
    for layer in model.layers:
        layer.set_weights([0 * weight for weight in layer.get_weights()])
    return trained(model, pictures("fashion_mnist"), 300, seed=seed), given(pictures("fashion_mnist"))


@patient("never_moved")
def another_model_was_trained(seed):
    model = dense(128, 32)
    return model, given(flat(), before=model.get_weights())


@patient("never_moved")
def frozen_encoder(seed):
    model = dense(128, 32)
    before = model.get_weights()
    for layer in model.layers[:2]:
        layer.trainable = False
    return trained(model, flat("fashion_mnist"), 1_000, seed=seed), given(flat("fashion_mnist"), before=before)


@patient("never_moved")
def no_learning_rate(seed):
    model = convolutional(8, 4)
    before = model.get_weights()
    return trained(model, pictures(), 200, 1e-12, seed=seed), given(pictures(), before=before)


@patient("output_is_logits")
def logits_of_convolutions(seed):
    return trained(convolutional(8, 4, output=None), pictures(), 500, loss=bce_of_logits, seed=seed), given(pictures())


@patient("output_is_logits")
def logits_of_digits(seed):
    return trained(dense(32, 8, pixels=64, output=None), flat("digits"), 1_500, loss=bce_of_logits, seed=seed), given(
        flat("digits")
    )


@patient("squeezed_output")
def two_sigmoids(seed):
    model = keras.Sequential([dense(64, 16), layers.Activation("sigmoid")])
    return trained(model, flat(), 500, loss="bce", seed=seed), given(flat())


@patient("squeezed_output")
def two_sigmoids_of_convolutions(seed):
    model = keras.Sequential([convolutional(8, 4), layers.Lambda(tf.sigmoid)])
    return trained(model, pictures("fashion_mnist"), 400, seed=seed), given(pictures("fashion_mnist"))


@patient("squeezed_output")
def softmax_at_the_end(seed):
    return trained(dense(64, 16, output="softmax"), flat(), 500, seed=seed), given(flat())


@patient("squeezed_output")
def half_a_sigmoid(seed):
    model = keras.Sequential([dense(32, 8, pixels=64), layers.Rescaling(0.5)])
    return trained(model, flat("digits"), 1_000, seed=seed), given(flat("digits"))


def with_heavy_kernels(size, pixels, price):
    """A price on the squares of the weights, so that the decoder cannot be loud enough."""
    heavy = {"kernel_regularizer": keras.regularizers.L2(price)}
    return keras.Sequential([keras.Input((pixels,)), layers.Dense(size, name="code", **heavy), layers.Dense(pixels, **heavy)])


@patient("below_pca")
def heavy_kernels(seed):
    return trained(with_heavy_kernels(32, 784, 3e-3), flat(), 3_000, seed=seed), given(flat())


@patient("below_pca")
def heavy_kernels_of_garments(seed):
    garments = flat("fashion_mnist")
    return trained(with_heavy_kernels(64, 784, 3e-3), garments, 3_000, seed=seed), given(garments)


@patient("below_pca")
def heavy_kernels_of_digits(seed):
    return trained(with_heavy_kernels(16, 64, 2e-3), flat("digits"), 3_000, seed=seed), given(flat("digits"))


@patient("undertrained")
def hundred_steps(seed):
    return trained(dense(128, code=None, output=None), flat(), 150, seed=seed), given(flat())


@patient("undertrained")
def small_learning_rate(seed):
    return trained(dense(256, 64, code=None), flat("fashion_mnist"), 3_000, 3e-5, seed=seed), given(flat("fashion_mnist"))


@patient("undertrained")
def few_epochs_of_digits(seed):
    return trained(dense(48, pixels=64, code=None, output=None), flat("digits"), 150, seed=seed), given(flat("digits"))


@patient("overfitted")
def two_hundred_images(seed):
    data = flat()[0][:200], flat()[1]
    return trained(dense(256, 32), data, 4_000, batch=50, seed=seed), given(data)


@patient("overfitted")
def hundred_digits(seed):
    data = flat("digits")[0][:100], flat("digits")[1]
    return trained(dense(128, 16, pixels=64), data, 4_000, batch=50, seed=seed), given(data)


@patient("overfitted")
def hundred_pictures(seed):
    """A dense code between convolutions, and too few garments."""
    data = pictures("fashion_mnist")[0][:100], pictures("fashion_mnist")[1]
    first, last = convolutional(8, 16), layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")
    model = keras.Sequential(
        [
            *first.layers[:2],
            layers.Flatten(),
            layers.Dense(64, "relu"),
            layers.Dense(784, "relu"),
            layers.Reshape((14, 14, 4)),
            last,
        ]
    )
    return trained(model, data, 2_000, batch=50, seed=seed), given(data)


@patient("copies_anything")
def linear_copy(seed):
    """A linear 784-784-784, begun near a copy."""
    model = dense(784, code=None, output=None, start=keras.initializers.Identity())
    return trained(model, flat(), 500, 1e-4, seed=seed), given(flat())


@patient("copies_anything")
def convolutions_without_a_bottleneck(seed):
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.Conv2D(1, 3, padding="same"),
        ]
    )
    return trained(model, pictures("fashion_mnist"), 1_000, 3e-3, batch=64, seed=seed), given(pictures("fashion_mnist"))


@patient("copies_anything")
def wide_digits(seed):
    return trained(dense(128, pixels=64, code=None, output=None), flat("digits"), 6_000, 3e-3, seed=seed), given(flat("digits"))


def normalized(*sizes, pixels=784, momentum=0.99):
    parts = [keras.Input((pixels,))]
    for size in (*sizes, *sizes[-2::-1]):
        parts += [layers.Dense(size), layers.BatchNormalization(momentum=momentum), layers.ReLU()]
    return keras.Sequential([*parts, layers.Dense(pixels, "sigmoid")])


@patient("train_mode_differs")
def unsettled_normalization(seed):
    return trained(normalized(128, 32), flat(), 60, 3e-3, seed=seed), given(flat())


@patient("train_mode_differs")
def unsettled_convolutions(seed):
    model = convolutional(8, 4, momentum=0.9999)
    return trained(model, pictures("fashion_mnist"), 300, 3e-3, seed=seed), given(pictures("fashion_mnist"))


@patient("train_mode_differs")
def slow_moving_means(seed):
    return trained(normalized(64, 16, momentum=0.9999), flat("fashion_mnist"), 1_500, seed=seed), given(flat("fashion_mnist"))


@patient("kl_collapse")
def mean_beside_a_sum(seed):
    """https://github.com/keras-team/keras/issues/6015: a mean over the pixels, a sum over the units."""
    model = ae.variational_autoencoder(hidden=(256,), code_size=32, output_activation=None, kl_weight=784)
    return trained(model, flat(), 1_500, seed=seed), given(flat())


class Drawing(layers.Layer):
    """Draws a code at every call, also outside training, as Keras's example does."""

    def call(self, inputs):
        mean, log_variance = inputs
        kl = tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1 - log_variance, axis=1) / 2
        self.add_loss(tf.reduce_mean(kl))
        return mean + tf.exp(log_variance / 2) * keras.random.normal(tf.shape(mean))


def drawing(pixels, size, hidden=64):
    inputs = keras.Input((pixels,))
    features = layers.Dense(hidden, "relu")(inputs)
    code = Drawing()([layers.Dense(size)(features), layers.Dense(size)(features)])
    return keras.Model(inputs, layers.Dense(pixels, "sigmoid")(layers.Dense(hidden, "relu")(code)))


@patient("kl_collapse")
def mean_beside_a_sum_of_garments(seed):
    return trained(drawing(784, 8, 128), flat("fashion_mnist"), 1_500, loss="bce", seed=seed), given(flat("fashion_mnist"))


@patient("kl_collapse")
def mean_beside_a_sum_of_digits(seed):
    return trained(drawing(64, 4), flat("digits"), 2_000, seed=seed), given(flat("digits"))


@patient("whispering")
def penalty_of_ones(seed):
    """L1 on the activations, nothing on the decoder: the activations shrink, its weights grow."""
    penalty = keras.regularizers.L1(1e-3)
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(64, "relu", activity_regularizer=penalty),
            layers.Dense(784, "sigmoid"),
        ]
    )
    return trained(model, flat(), 8_000, seed=seed), given(flat())


@patient("whispering")
def penalty_of_squares(seed):
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(32, activity_regularizer=keras.regularizers.L2(3.0)),
            layers.Dense(784),
        ]
    )
    return trained(model, flat("fashion_mnist"), 8_000, seed=seed), given(flat("fashion_mnist"))


@patient("wrong_target")
def inverted(seed):
    """Trained to give white for black."""
    x = flat()[0]
    return trained(dense(128, 32), flat(), 1_500, target=1 - x, seed=seed), given(flat())


@patient("wrong_target")
def transposed(seed):
    """The targets were stored column by column."""
    target = np.ascontiguousarray(np.swapaxes(pictures("fashion_mnist")[0], 1, 2)).reshape(-1, 784)
    return trained(dense(128, 32), flat("fashion_mnist"), 1_500, target=target, seed=seed), given(flat("fashion_mnist"))


@patient("wrong_target")
def compared_with_other_rows(seed):
    """The targets that are handed over were shuffled on their own."""
    data = pictures("digits")
    order = np.random.default_rng(seed).permutation(len(data[0]))
    model = trained(convolutional(16, 8, side=8), data, 2_000, seed=seed)
    return model, {"x_train": data[0], "target": data[0][order]}


# -------------------------------------------------------------------------------------------- healthy models


@healthy
def plain(seed):
    return trained(dense(128, 16), flat(), seed=seed), given(flat())


@healthy
def plain_garments(seed):
    return trained(dense(128, 16), flat("fashion_mnist"), loss="bce", seed=seed), given(flat("fashion_mnist"), loss="bce")


@healthy
def plain_digits(seed):
    return trained(dense(32, 8, pixels=64), flat("digits"), 2_000, seed=seed), given(flat("digits"))


@healthy
def two_units(seed):
    return trained(dense(300, 100, 2, code=None), flat(), 2_000, seed=seed), given(flat())


@healthy
def tied(seed):
    return trained(ae.autoencoder((128,), 32, code_activation=None, tied=True), flat(), 2_000, seed=seed), given(flat())


@healthy
def deep(seed):
    model = dense(256, 128, 64, 16, code=None)
    return trained(model, flat("fashion_mnist"), 2_000, seed=seed), given(flat("fashion_mnist"))


@healthy
def wide(seed):
    return trained(dense(512, 32, code=None), flat(), 2_000, seed=seed), given(flat())


@healthy
def overcomplete_with_noise(seed):
    model = keras.Sequential([keras.Input((784,)), ae.MaskingNoise(0.3), *dense(1_000).layers])
    return trained(model, flat(), 2_000, seed=seed), given(flat())


@healthy
def overcomplete_garments_with_noise(seed):
    model = keras.Sequential([keras.Input((784,)), ae.MaskingNoise((0.0, 0.3)), *dense(900).layers])
    return trained(model, flat("fashion_mnist"), 2_000, seed=seed), given(flat("fashion_mnist"))


@healthy
def sparse(seed):
    model = ae.autoencoder((), 128, code_activation="sigmoid")
    whole = keras.Sequential([keras.Input((784,)), model.encoder, ae.KLSparsity(0.1, 0.1), model.decoder])
    model.decoder.layers[0].kernel_constraint = keras.constraints.MaxNorm(6, axis=1)
    return trained(whole, flat(), 4_000, seed=seed), given(flat())


@healthy
def lightly_penalized(seed):
    """L1 as in Keras's blog, 1e-5 a unit."""
    penalty = keras.regularizers.L1(1e-5)
    model = keras.Sequential(
        [keras.Input((784,)), layers.Dense(32, "relu", activity_regularizer=penalty), layers.Dense(784, "sigmoid")]
    )
    return trained(model, flat(), 2_000, loss="bce", seed=seed), given(flat(), loss="bce")


@healthy
def denoiser(seed):
    model = keras.Sequential([keras.Input((784,)), ae.MaskingNoise((0.0, 0.6)), *dense(128).layers])
    return trained(model, flat(), 2_500, loss="bce", seed=seed), given(flat())


@healthy
def denoiser_of_given_noise(seed):
    """The noise is in the images, and the clean ones are handed over as targets."""
    noisy = tuple(ae.gaussian_noise(x, 0.2, seed) for x in flat())
    model = trained(dense(128, 64), noisy, 1_500, target=flat()[0], seed=seed)
    return model, given(noisy, target=(flat()[0][:10_000], flat()[1]))


@healthy
def variational(seed):
    return trained(ae.variational_autoencoder(hidden=(256,), code_size=8), flat(), 3_000, loss="bce", seed=seed), given(flat())


@healthy
def variational_garments(seed):
    model = ae.variational_autoencoder(hidden=(256,), code_size=16, output_activation=None)
    return trained(model, flat("fashion_mnist"), 3_000, loss=bce_of_logits, seed=seed), given(
        flat("fashion_mnist"), loss=bce_of_logits
    )


class WithItsOwnCall(keras.Model):
    """A variational autoencoder as people write it: two heads, and a draw in the model's own call."""

    def __init__(self, size):
        super().__init__()
        self.first, self.mean, self.log_variance = layers.Dense(128, "relu"), layers.Dense(size), layers.Dense(size)
        self.second, self.last = layers.Dense(128, "relu"), layers.Dense(784)

    def call(self, x, training=False):
        features = self.first(x)
        code, log_variance = self.mean(features), self.log_variance(features)
        kl = tf.reduce_sum(tf.exp(log_variance) + code**2 - 1 - log_variance, axis=1) / 2
        self.add_loss(tf.reduce_mean(kl) / 784)
        if training:
            code += tf.exp(log_variance / 2) * keras.random.normal(tf.shape(code))
        return tf.sigmoid(self.last(self.second(code)))


@healthy
def variational_with_its_own_call(seed):
    model = WithItsOwnCall(8)
    model(flat()[0][:1])
    return trained(model, flat(), 2_500, loss="bce", seed=seed), given(flat())


@healthy
def linear(seed):
    return trained(dense(32, code=None, output=None), flat(), 3_000, seed=seed), given(flat())


@healthy
def linear_digits(seed):
    return trained(dense(8, pixels=64, code=None, output=None), flat("digits"), 3_000, 3e-3, seed=seed), given(flat("digits"))


@healthy
def batch_normalization(seed):
    return trained(normalized(128, 32), flat(), 2_000, seed=seed), given(flat())


@healthy
def dropout(seed):
    model = keras.Sequential([keras.Input((784,)), layers.Dropout(0.2), *dense(256, 32, code=None).layers])
    return trained(model, flat("fashion_mnist"), 2_000, seed=seed), given(flat("fashion_mnist"))


@healthy
def short_but_sound(seed):
    return trained(dense(128, 8, code=None), flat(), 600, 2e-3, seed=seed), given(flat())


@healthy
def short_but_sound_garments(seed):
    return trained(dense(128, 16, code=None), flat("fashion_mnist"), 600, 2e-3, loss="bce", seed=seed), given(
        flat("fashion_mnist")
    )


@healthy
def convolutions(seed):
    return trained(convolutional(16, 8), pictures(), 600, 3e-3, seed=seed), given(pictures())


@healthy
def convolutions_with_a_dense_code(seed):
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(16, name="code"),
            layers.Dense(14 * 14 * 8, "relu"),
            layers.Reshape((14, 14, 8)),
            layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
        ]
    )
    return trained(model, pictures("fashion_mnist"), 1_000, seed=seed), given(pictures("fashion_mnist"))


@healthy
def pooling(seed):
    """As in Keras's blog: convolutions, pooling, upsampling."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.UpSampling2D(2),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.UpSampling2D(2),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ]
    )
    return trained(model, pictures(), 500, 3e-3, loss="bce", batch=64, seed=seed), given(pictures())


@healthy
def leaky(seed):
    model = dense(128, 10, hidden="leaky_relu", code="leaky_relu")
    return trained(model, flat(), 2_000, loss="bce", seed=seed), given(flat())


@healthy
def from_minus_one(seed):
    data = tuple(2 * x - 1 for x in flat())
    return trained(dense(128, 16, code=None, output="tanh"), data, 2_000, seed=seed), given(data)


@healthy
def standardized(seed):
    mean, spread = flat()[0].mean(), flat()[0].std()
    data = tuple((x - mean) / spread for x in flat())
    return trained(dense(128, 16, code=None, output=None), data, 2_000, seed=seed), given(data)


@healthy
def straight_through(seed):
    """Bits that get a gradient."""
    model = ae.autoencoder((128,), 64, code_activation="straight_through_step")
    return trained(model, flat(), 3_000, seed=seed), given(flat())


@healthy
def few_but_enough(seed):
    """1,400 small digits, a small code."""
    return trained(dense(6, pixels=64, code=None), flat("digits"), 3_000, 3e-3, loss="bce", seed=seed), given(flat("digits"))
