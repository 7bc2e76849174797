"""More designs in Keras whose data are images: colours, other ranges, U-Nets, other targets."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks.zoo.data import (
    coloured,
    compiled_and_fitted,
    flat,
    given,
    narrow,
    pictures,
    set_bias,
    stack,
    trained,
)
from benchmarks.zoo.registry import decorators
from benchmarks.zoo.series import with_codes_exchanged, without_the_code

patient, healthy = decorators("keras", "images")


def parts_of(data, train=6_000, test=2_000):
    return data[0][:train], data[1][:test]


def convolutional(shape, *filters, code=None, output="sigmoid", normal=False):
    """Return strided convolutions and back; with ``code`` a dense code between them."""
    up, down, side = [], [], shape[0]
    for number in filters:
        up += [
            layers.Conv2D(number, 3, strides=2, padding="same"),
            *([layers.BatchNormalization()] if normal else []),
            layers.ReLU(),
        ]
        side = -(-side // 2)
    if code is not None:
        up += [layers.Flatten(), layers.Dense(code, name="code")]
        down += [layers.Dense(side * side * filters[-1], "relu"), layers.Reshape((side, side, filters[-1]))]
    for number in filters[-2::-1]:
        down.append(layers.Conv2DTranspose(number, 3, strides=2, padding="same", activation="relu"))
    return stack(shape, *up, *down, layers.Conv2DTranspose(shape[-1], 3, strides=2, padding="same", activation=output))


def with_skips(code=None, size=6):
    """Return a small U-Net for 28 x 28 pixels; with ``code`` a dense code at its deepest place."""
    inputs = keras.Input((28, 28, 1))
    first = layers.Conv2D(size, 3, padding="same", activation="relu")(inputs)
    second = layers.Conv2D(size, 3, strides=2, padding="same", activation="relu")(first)
    deep = layers.Conv2D(size, 3, strides=2, padding="same", activation="relu", name="deep")(second)
    if code:
        deep = layers.Dense(code, name="code")(layers.Flatten()(deep))
        deep = layers.Reshape((7, 7, size))(layers.Dense(49 * size, "relu")(deep))
    up = layers.Conv2DTranspose(size, 2, strides=2, activation="relu")(deep)
    up = layers.Concatenate()([up, second])
    up = layers.Conv2DTranspose(size, 2, strides=2, activation="relu")(up)
    return keras.Model(inputs, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(layers.Concatenate()([up, first])))


# -------------------------------------------------------------------------------------------- healthy models


@healthy
def colours_with_a_dense_code(seed):
    data = tuple(x[:, :12, :12] for x in coloured())
    data = tuple(np.ascontiguousarray(x) for x in data)
    return trained(convolutional((12, 12, 3), 16, 16, code=8), data, 1_500, 3e-3, batch=32, seed=seed), given(data)


@healthy
def pictures_from_minus_one(seed):
    data = tuple(2 * x - 1 for x in parts_of(pictures()))
    return trained(convolutional((28, 28, 1), 8, 8, output="tanh"), data, 500, 5e-3, batch=32, seed=seed), given(data)


@healthy
def bytes_scaled_inside(seed):
    """Pixels to 255 go in and come out; the model divides and multiplies."""
    data = tuple(255 * x for x in flat("digits"))
    parts = [layers.Rescaling(1 / 255), layers.Dense(48, "relu"), layers.Dense(10, name="code"), layers.Dense(48, "relu")]
    model = stack(64, *parts, layers.Dense(64, "sigmoid"), layers.Rescaling(255))
    return trained(model, data, 2_500, 2e-3, seed=seed), given(data)


@healthy
def denoiser_with_skips(seed):
    clean = parts_of(pictures("fashion_mnist"), 3_000, 800)
    generator = np.random.default_rng(seed)
    noisy = tuple((x + 0.3 * generator.normal(size=x.shape)).astype(np.float32) for x in clean)
    return trained(with_skips(), noisy, 300, 5e-3, batch=32, target=clean[0], seed=seed), given(noisy, target=clean)


@healthy
def half_precision_of_pictures(seed):
    data = parts_of(flat())
    half = {"dtype": "mixed_float16"}
    parts = [layers.Dense(128, "relu", **half), layers.Dense(16, name="code", **half), layers.Dense(128, "relu", **half)]
    model = stack(784, *parts, layers.Dense(784, "sigmoid", dtype="float32"))
    return compiled_and_fitted(model, data[0], data[0], 12, rate=2e-3), given(data)


@healthy
def normalized_convolutions(seed):
    data = parts_of(pictures("fashion_mnist"), 4_000, 1_000)
    model = convolutional((28, 28, 1), 8, 4, normal=True)
    return trained(model, data, 600, 3e-3, batch=32, seed=seed), given(data)


@healthy
def twice_as_sharp(seed):
    """Pictures of half the size go in, and the whole ones should come out."""
    whole = parts_of(pictures(), 5_000, 1_000)
    small = tuple(np.ascontiguousarray(x.reshape(-1, 14, 2, 14, 2, 1).mean(axis=(2, 4))) for x in whole)
    parts = [layers.Conv2D(16, 3, padding="same", activation="relu"), layers.UpSampling2D(2)]
    model = stack((14, 14, 1), *parts, layers.Conv2D(1, 5, padding="same", activation="sigmoid"))
    return trained(model, small, 500, 5e-3, batch=32, target=whole[0], seed=seed), given(small, target=whole)


@healthy
def denoiser_whose_target_was_not_told(seed):
    """It is as it should be; only the clean images were not handed over."""
    clean = flat("digits")
    generator = np.random.default_rng(seed)
    noisy = tuple((x + 0.2 * generator.normal(size=x.shape)).astype(np.float32) for x in clean)
    return trained(narrow(64, 64, 16, output="sigmoid"), noisy, 2_500, 2e-3, target=clean[0], seed=seed), given(noisy)


class OfLists(keras.Model):
    """A subclass whose layers are in lists."""

    def __init__(self, *sizes):
        super().__init__()
        self.up = [layers.Dense(size, "elu") for size in sizes]
        self.down = [layers.Dense(size, "elu") for size in sizes[-2::-1]]
        self.last = layers.Dense(784, "sigmoid")

    def call(self, x):
        for layer in [*self.up, *self.down, self.last]:
            x = layer(x)
        return x


@healthy
def layers_in_lists(seed):
    data = parts_of(flat("fashion_mnist"))
    model = OfLists(128, 24)
    model(data[0][:1])
    return trained(model, data, 1_500, 2e-3, seed=seed), given(data)


@healthy
def pooled_colours(seed):
    data = tuple(np.ascontiguousarray(x[:, :12, :12]) for x in coloured())
    up = [layers.Conv2D(12, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)]
    code = layers.Conv2D(8, 3, padding="same", activation="relu", name="code")
    down = [layers.UpSampling2D(2), layers.Conv2D(12, 3, padding="same", activation="relu")]
    model = stack((12, 12, 3), *up, code, *down, layers.Conv2D(3, 3, padding="same", activation="sigmoid"))
    return trained(model, data, 600, 5e-3, batch=32, seed=seed), given(data)


@healthy
def two_hundred_digits_and_little_training(seed):
    """Few rows, but a small code and few steps, so that the test rows come back nearly as well."""
    data = flat("digits")[0][:300], flat("digits")[1]
    return trained(narrow(64, 8, output=None), data, 1_500, 3e-3, batch=32, seed=seed), given(data)


# ---------------------------------------------------------------------------------------------- known faults


@patient("wrong_target")
def green_for_red(seed):
    """The targets have their channels in another order."""
    data = tuple(np.ascontiguousarray(x[:, :12, :12]) for x in coloured())
    target = tuple(np.ascontiguousarray(x[..., [2, 0, 1]]) for x in data)
    model = trained(convolutional((12, 12, 3), 16, 12), data, 800, 5e-3, batch=32, target=target[0], seed=seed)
    return model, given(data)


@patient("wrong_target")
def mirrored_by_augmentation(seed):
    """The targets went through a flip, the inputs did not."""
    data = parts_of(flat())
    target = np.ascontiguousarray(data[0].reshape(-1, 28, 28)[:, :, ::-1].reshape(-1, 784))
    return trained(narrow(784, 128, 32, output="sigmoid"), data, 1_500, target=target, seed=seed), given(data)


@patient("skip_copy", shows=without_the_code)
def skips_over_a_dense_code(seed):
    data = parts_of(pictures(), 3_000, 800)
    return trained(with_skips(8), data, 300, 5e-3, batch=32, seed=seed), given(data)


@patient("skip_copy", shows=without_the_code)
def residual_around_the_bottleneck(seed):
    """The input is added to the output."""
    data = parts_of(flat("fashion_mnist"), 4_000, 1_000)
    inputs = keras.Input((784,))
    code = layers.Dense(8, name="code")(layers.Dense(64, "relu")(inputs))
    made = layers.Add()([inputs, layers.Dense(784)(layers.Dense(64, "relu")(code))])
    return trained(keras.Model(inputs, made), data, 800, seed=seed), given(data)


@patient("ignored_code", shows=with_codes_exchanged)
def gate_that_closed(seed):
    """The decoder multiplies what it has made of the code by a gate, and the gate has fallen to 0."""
    data = parts_of(flat(), 4_000, 1_000)

    class Gate(layers.Layer):
        def build(self, shape):
            self.height = self.add_weight(shape=(1,), initializer="zeros", trainable=False)

        def call(self, x):
            return x * self.height

    parts = [layers.Dense(64, "relu"), layers.Dense(16, name="code"), layers.Dense(64, "relu"), Gate()]
    return trained(stack(784, *parts, layers.Dense(784, "sigmoid")), data, 600, seed=seed), given(data)


@patient("input_scale")
def divided_by_255_twice(seed):
    data = tuple(x / 255 for x in parts_of(pictures("fashion_mnist"), 4_000, 1_000))
    return trained(convolutional((28, 28, 1), 8, 4), data, 400, seed=seed), given(data)


@patient("input_scale")
def bytes_for_tanh(seed):
    data = tuple(255 * x for x in parts_of(flat("fashion_mnist")))
    return trained(narrow(784, 64, 16, output="tanh"), data, 600, seed=seed), given(data)


@patient("dead_outputs")
def rectified_pixels_that_died(seed):
    data = parts_of(flat("fashion_mnist"))
    model = narrow(784, 128, 32, output="relu")
    set_bias(model.layers[-1], -20, 0.25)
    return trained(model, data, 1_200, seed=seed), given(data)


@patient("step_fails")
def half_precision_everywhere(seed):
    """Weights of bfloat16 that are 1 or -1: to add a thousandth to one of them changes nothing."""
    data = flat("digits")
    half = {"dtype": "bfloat16"}
    parts = [layers.Dense(32, **half), layers.Rescaling(1 / 16, **half), layers.Dense(16, name="code", **half)]
    model = stack(64, *parts, layers.Rescaling(1 / 16, **half), layers.Dense(64, **half))
    model.set_weights([np.where(np.asarray(weight, np.float32) < 0, -1.0, 1.0) for weight in model.get_weights()])
    return compiled_and_fitted(model, data[0], data[0], 5, rate=1e-3), given(data)


@patient("sets_differ")
def test_pictures_divided_twice(seed):
    data = parts_of(flat())
    return trained(narrow(784, 128, 16, output="sigmoid"), data, 1_200, seed=seed), given((data[0], data[1] / 255))


@patient("sets_differ")
def garments_for_digits(seed):
    """Trained with digits, and tested with garments."""
    data = parts_of(flat())
    model = trained(narrow(784, 128, 16, output="sigmoid"), data, 1_200, seed=seed)
    return model, given((data[0], flat("fashion_mnist")[1][:2_000]))


def half_a_cross_entropy(target, made):
    """The cross entropy without its second term: the more is white, the better."""
    return -tf.reduce_mean(target * tf.math.log(made + 1e-7), axis=-1)


@patient("wrong_loss")
def white_everywhere(seed):
    data = parts_of(flat("digits"))
    model = trained(narrow(64, 48, 8, output="sigmoid"), data, 1_000, loss=half_a_cross_entropy, seed=seed)
    return model, given(data, loss=half_a_cross_entropy)


@patient("wrong_loss")
def hinge_of_pixels(seed):
    """A loss for classes -1 and 1, with pixels."""
    data = parts_of(flat("fashion_mnist"))
    return trained(narrow(784, 64, 16), data, 800, loss="hinge", seed=seed), given(data, loss="hinge")


@patient("zero_gradient")
def rounded_before_the_decoder(seed):
    """Eight grey levels of the code, by floor, whose gradient is 0."""
    data = parts_of(pictures("fashion_mnist"), 3_000, 800)

    @tf.custom_gradient
    def to_eighths(code):
        return tf.floor(8 * code) / 8, lambda upstream: 0 * upstream

    first = layers.Conv2D(8, 3, strides=4, padding="same", activation="sigmoid")
    parts = [first, layers.Lambda(to_eighths), layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")]
    last = layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")
    return trained(stack((28, 28, 1), *parts, last), data, 300, 3e-3, batch=64, seed=seed), given(data)


@patient("overfitted")
def sixty_coloured_garments(seed):
    data = tuple(np.ascontiguousarray(x[:, :12, :12]) for x in coloured())
    data = data[0][:60], data[1]
    flat_parts = [layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(32, name="code"), layers.Dense(128, "relu")]
    model = stack((12, 12, 3), *flat_parts, layers.Dense(432, "sigmoid"), layers.Reshape((12, 12, 3)))
    return trained(model, data, 2_500, batch=30, seed=seed), given(data)
