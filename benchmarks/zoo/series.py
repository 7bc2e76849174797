"""Designs in Keras whose data are series or tokens."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks.zoo.data import (
    beats,
    by_training,
    compiled_and_fitted,
    given,
    melodies,
    set_bias,
    stack,
    standardized,
    trained,
    waves,
)
from benchmarks.zoo.registry import decorators

patient, healthy = decorators("keras", "series")


def recurrent(steps, channels=1, code=8, width=24, cell=layers.LSTM, output=None, **of_code):
    """Return the usual recurrent autoencoder: the last state is the code, and is repeated for each step."""
    parts = [cell(code, name="code", **of_code), layers.RepeatVector(steps), cell(width, return_sequences=True)]
    return stack((steps, channels), *parts, layers.TimeDistributed(layers.Dense(channels, output)))


def dense_between(steps, code=6, filters=16, output=None, normal=()):
    """Return strided convolutions along the time, with a dense code between them."""
    up = [layers.Conv1D(filters, 5, strides=2, padding="same", activation="relu"), *normal, layers.Flatten()]
    down = [layers.Dense(steps // 2 * filters, "relu"), layers.Reshape((steps // 2, filters))]
    last = layers.Conv1DTranspose(1, 5, strides=2, padding="same", activation=output)
    return stack((steps, 1), *up, layers.Dense(code, name="code"), *down, last)


# -------------------------------------------------------------------------------------------- healthy models


@healthy
def lstm_of_waves(seed):
    data = waves(seed=seed)
    return compiled_and_fitted(recurrent(24), data[0], data[0], epochs=40, rate=5e-3), given(data)


@healthy
def gru_of_three_channels(seed):
    data = standardized(waves(20, 3, seed=seed))
    return compiled_and_fitted(recurrent(20, 3, cell=layers.GRU), data[0], data[0], epochs=35, rate=5e-3), given(data)


@healthy
def lstm_both_ways(seed):
    """A bidirectional encoder, and a dense code."""
    data = waves(20, seed=seed)
    parts = [layers.Bidirectional(layers.LSTM(12)), layers.Dense(6, name="code"), layers.RepeatVector(20)]
    model = stack((20, 1), *parts, layers.LSTM(24, return_sequences=True), layers.Dense(1))
    return compiled_and_fitted(model, data[0], data[0], epochs=40, rate=5e-3), given(data)


@healthy
def convolutions_along_the_time(seed):
    data = beats(seed=seed)
    return trained(dense_between(32, 8, output="sigmoid"), data, 2_000, 2e-3, seed=seed), given(data)


@healthy
def convolutions_to_a_short_map(seed):
    """No dense code: the map has a quarter of the steps."""
    data = waves(32, seed=seed)
    up = [layers.Conv1D(size, 5, strides=2, padding="same", activation="elu") for size in (16, 2)]
    down = [layers.Conv1DTranspose(16, 5, strides=2, padding="same", activation="elu")]
    model = stack((32, 1), *up, *down, layers.Conv1DTranspose(1, 5, strides=2, padding="same"))
    return trained(model, data, 2_000, 2e-3, seed=seed), given(data)


@healthy
def dense_layers_of_series(seed):
    """A dense network that gets the steps side by side."""
    data = standardized(waves(24, 2, seed=seed))
    flat, code = layers.Flatten(), layers.Dense(6, name="code")
    model = stack(
        (24, 2), flat, layers.Dense(64, "relu"), code, layers.Dense(64, "relu"), layers.Dense(48), layers.Reshape((24, 2))
    )
    return trained(model, data, 2_000, seed=seed), given(data)


@healthy
def clean_beats_from_noisy_ones(seed):
    clean = beats(noise=0, seed=seed)
    generator = np.random.default_rng(seed)
    noisy = tuple((x + 0.1 * generator.normal(size=x.shape)).astype(np.float32) for x in clean)
    return trained(dense_between(32, 12), noisy, 2_000, 2e-3, target=clean[0], seed=seed), given(noisy, target=clean)


@healthy
def pooled_along_the_time(seed):
    data = beats(seed=seed)
    up = [layers.Conv1D(16, 5, padding="same", activation="relu"), layers.MaxPooling1D(2), layers.Flatten()]
    down = [layers.Dense(256, "relu"), layers.Reshape((16, 16)), layers.UpSampling1D(2)]
    model = stack((32, 1), *up, layers.Dense(10, name="code"), *down, layers.Conv1D(1, 5, padding="same"))
    return trained(model, data, 1_500, 2e-3, seed=seed), given(data)


@healthy
def gru_with_a_dense_code(seed):
    data = waves(16, seed=seed)
    parts = [layers.GRU(24), layers.Dense(6, name="code"), layers.RepeatVector(16), layers.GRU(24, return_sequences=True)]
    return compiled_and_fitted(stack((16, 1), *parts, layers.Dense(1)), data[0], data[0], 40, rate=5e-3), given(data)


@healthy
def lstm_of_one_strange_series(seed):
    """Waves, and in one test series the sensor failed."""
    data = waves(20, seed=seed)
    test = data[1].copy()
    test[11, 8:] = -9
    return compiled_and_fitted(recurrent(20), data[0], data[0], epochs=35, rate=5e-3), given((data[0], test))


@healthy
def variables_of_a_machine(seed):
    """Eight sensors of one machine, forty steps, standardized; convolutions and a dense code."""
    generator = np.random.default_rng(seed)
    hidden = waves(40, 2, seed=seed)
    mixture = generator.normal(size=(2, 8))
    data = tuple((x @ mixture + 0.2 * generator.normal(size=(*x.shape[:2], 8))).astype(np.float32) for x in hidden)
    data = standardized(data)
    up = [layers.Conv1D(16, 5, strides=2, padding="same", activation="relu"), layers.Flatten(), layers.Dense(64, "relu")]
    down = [layers.Dense(64, "relu"), layers.Dense(320, "relu"), layers.Reshape((20, 16))]
    model = stack((40, 8), *up, layers.Dense(8, name="code"), *down, layers.Conv1DTranspose(8, 5, strides=2, padding="same"))
    return trained(model, data, 2_500, 2e-3, seed=seed), given(data)


def of_tokens(code=16, steps=12, tones=16):
    """Return an autoencoder of integers: an embedding, a recurrent code, and the probabilities of each tone."""
    parts = [layers.Embedding(tones, 8), layers.GRU(code, name="code"), layers.RepeatVector(steps)]
    model = keras.Sequential([keras.Input((steps,), dtype="int32"), *parts, layers.GRU(32, return_sequences=True)])
    model.add(layers.Dense(tones, "softmax"))
    return model


@patient("healthy", "tokens")
def tokens_with_their_loss(seed):
    data = melodies(seed=seed)
    model = compiled_and_fitted(of_tokens(), data[0], data[0], 20, "sparse_categorical_crossentropy", 1e-2)
    return model, given(data, loss="sparse_categorical_crossentropy")


@patient("healthy", "tokens")
def tokens_with_one_hot_targets(seed):
    data = melodies(seed=seed)
    target = tuple(np.eye(16, dtype=np.float32)[x] for x in data)
    model = compiled_and_fitted(of_tokens(), data[0], target[0], 30, "categorical_crossentropy", 1e-2)
    return model, given(data, target=target, loss="categorical_crossentropy")


# ---------------------------------------------------------------------------------------------- known faults


@patient("constant_output")
def lstm_with_one_unit_at_the_end(seed):
    """A rectified LSTM of one unit is the code, another one the output."""
    data = beats(20, seed=seed)
    parts = [layers.LSTM(1, activation="relu"), layers.RepeatVector(20)]
    model = stack((20, 1), *parts, layers.LSTM(1, activation="relu", return_sequences=True))
    return compiled_and_fitted(model, data[0], data[0], 8, optimizer=keras.optimizers.SGD(1e-3)), given(data)


@patient("constant_output")
def lstm_by_adadelta(seed):
    data = waves(seed=seed)
    optimizer = keras.optimizers.Adadelta()
    return compiled_and_fitted(recurrent(24), data[0], data[0], 8, optimizer=optimizer), given(data)


@patient("undertrained")
def lstm_after_three_epochs(seed):
    data = waves(seed=seed)
    return compiled_and_fitted(recurrent(24, code=12), data[0], data[0], 6, rate=3e-3), given(data)


@patient("undertrained")
def few_steps_along_the_time(seed):
    data = waves(32, seed=seed)
    return trained(dense_between(32, 8), data, 60, seed=seed), given(data)


@patient("input_scale")
def lstm_that_cannot_reach_the_degrees(seed):
    """The output is an LSTM's state, between -1 and 1, and the temperatures go from 5 to 25."""
    data = tuple(15 + 6 * x for x in waves(20, seed=seed))
    parts = [layers.LSTM(8), layers.RepeatVector(20), layers.LSTM(1, return_sequences=True)]
    return compiled_and_fitted(stack((20, 1), *parts), data[0], data[0], 10), given(data)


@patient("input_scale")
def rectified_waves(seed):
    """Series around 0, and a rectified last convolution."""
    data = waves(32, seed=seed)
    return trained(dense_between(32, 8, output="relu"), data, 1_500, seed=seed), given(data)


@patient("wrong_target")
def targets_backwards_in_time(seed):
    """The decoder was taught to give the last step first, and nobody turns its output round."""
    data = waves(seed=seed)
    model = trained(dense_between(24), data, 1_500, 2e-3, target=np.ascontiguousarray(data[0][:, ::-1]), seed=seed)
    return model, given(data)


@patient("wrong_target")
def lstm_that_forecasts(seed):
    """The targets begin three steps later: a forecaster, handed over as an autoencoder."""
    long = waves(23, noise=0.02, seed=seed)
    data, later = tuple(x[:, :20].copy() for x in long), tuple(x[:, 3:].copy() for x in long)
    return compiled_and_fitted(recurrent(20), data[0], later[0], epochs=35, rate=5e-3), given(data)


@patient("wrong_target", "tokens")
def tokens_one_step_late(seed):
    """Taught to give the next token, as a language model is."""
    data = melodies(13, seed=seed)
    now, after = tuple(x[:, :12] for x in data), tuple(x[:, 1:] for x in data)
    model = compiled_and_fitted(of_tokens(), now[0], after[0], 20, "sparse_categorical_crossentropy", 1e-2)
    return model, given(now, loss="sparse_categorical_crossentropy")


@patient("constant_output", "tokens")
def tokens_that_are_not_learned(seed):
    data = melodies(seed=seed)
    optimizer = keras.optimizers.SGD(1e-3)
    model = compiled_and_fitted(of_tokens(), data[0], data[0], 4, "sparse_categorical_crossentropy", optimizer=optimizer)
    return model, given(data, loss="sparse_categorical_crossentropy")


@patient("dead_code")
def rectified_lstm_that_died(seed):
    data = beats(20, seed=seed)
    model = recurrent(20, code=4, activation="relu")
    kernel, again, bias = model.get_layer("code").get_weights()
    bias[8:12] = -30  # of the candidates, between those of the forget gate and the output gate
    model.get_layer("code").set_weights([kernel, again, bias])
    return compiled_and_fitted(model, data[0], data[0], 8), given(data)


@patient("dead_units")
def decoder_units_that_died(seed):
    """Of 256 units after the code, 10 are left."""
    data = waves(32, seed=seed)
    model = dense_between(32, 8)
    set_bias(model.layers[3], -50, 0.96)
    return trained(model, data, 1_500, seed=seed), given(data)


def teacher_forced(steps, sees):
    """Return a decoder that gets, beside the code, the step before: what is to be given, one step late."""
    inputs = keras.Input((steps, 1))
    code = layers.LSTM(4, name="code")(inputs)
    before = layers.ZeroPadding1D((1, 0))(layers.Cropping1D((0, 1))(inputs))
    told = [before, layers.RepeatVector(steps)(code)] if sees else [before, layers.RepeatVector(steps)(0.0 * code)]
    return keras.Model(inputs, layers.Dense(1)(layers.LSTM(24, return_sequences=True)(layers.Concatenate()(told))))


def with_codes_exchanged(model, arguments):
    """Measure how much of the output depends on the code: its layer gives the code of other rows."""
    x = np.asarray(arguments["x_test"])[:200]
    layer = model.get_layer("code")
    parts = keras.Model(model.inputs, layer.output)
    code = parts(x).numpy()[::-1].copy()
    usual = model(x).numpy()
    original = layer.call
    layer.call = lambda *_, **__: tf.constant(code)
    try:
        exchanged = model(x).numpy()
    finally:
        layer.call = original
    share = float(np.square(exchanged - usual).mean() / usual.var())
    return {"shown": share < 0.02, "moved by another code": share}


@patient("ignored_code", shows=with_codes_exchanged)
def decoder_that_sees_the_step_before(seed):
    """Slow waves: the step before tells nearly all of the next, and the code is multiplied by 0 through a mistake."""
    data = waves(24, noise=0.01, seed=seed)
    return compiled_and_fitted(teacher_forced(24, False), data[0], data[0], 20, rate=5e-3), given(data, code="code")


def without_the_code(model, arguments):
    """Measure how much of the error is left if the code is 0."""
    x = np.asarray(arguments["x_test"])[:300]
    layer, usual = model.get_layer("code"), model(x).numpy()
    original = layer.call
    layer.call = lambda *inputs, **more: 0 * original(*inputs, **more)
    try:
        without = model(x).numpy()
    finally:
        layer.call = original
    spread = np.square(x - x.mean(axis=0)).mean()
    errors = [float(np.square(made - x).mean() / spread) for made in (usual, without)]
    return {"shown": errors[1] < 0.1, "error": errors[0], "error if the code is 0": errors[1]}


@patient("skip_copy", shows=without_the_code)
def skip_along_the_time(seed):
    """A U-Net of series, fitted to give its input."""
    data = waves(32, seed=seed)
    inputs = keras.Input((32, 1))
    first = layers.Conv1D(8, 3, padding="same", activation="relu")(inputs)
    down = layers.Conv1D(8, 3, strides=2, padding="same", activation="relu")(first)
    code = layers.Dense(3, name="code")(layers.Flatten()(down))
    up = layers.Reshape((16, 8))(layers.Dense(128, "relu")(code))
    up = layers.Conv1DTranspose(8, 3, strides=2, padding="same", activation="relu")(up)
    model = keras.Model(inputs, layers.Conv1D(1, 3, padding="same")(layers.Concatenate()([first, up])))
    return trained(model, data, 2_000, 2e-3, seed=seed), given(data, code="code")


@patient("copies_anything")
def states_of_all_steps(seed):
    """No bottleneck: the encoder gives its state at each step."""
    data = beats(24, seed=seed)
    parts = [layers.LSTM(32, return_sequences=True), layers.LSTM(32, return_sequences=True)]
    return compiled_and_fitted(stack((24, 1), *parts, layers.Dense(1)), data[0], data[0], 25, rate=5e-3), given(data)


@patient("sets_differ")
def machines_of_another_load(seed):
    """The test series were recorded at another load: twice as high and moved up."""
    data = waves(seed=seed)
    model = trained(dense_between(24), data, 1_500, 2e-3, seed=seed)
    return model, given((data[0], (2 * data[1] + 1.5).astype(np.float32)))


@patient("sets_differ")
def series_not_standardized_for_the_test(seed):
    raw = tuple(40 + 12 * x for x in waves(seed=seed))
    data = standardized(raw)
    model = compiled_and_fitted(recurrent(24), data[0], data[0], epochs=30, rate=5e-3)
    mean, spread = by_training(raw)
    return model, given((data[0], (raw[1] - 0.5 * mean).astype(np.float32) / spread))


@patient("overfitted")
def twenty_series(seed):
    data = waves(32, noise=0.3, seed=seed)
    data = data[0][:20], data[1]
    return trained(dense_between(32, 16, filters=32), data, 2_500, batch=20, seed=seed), given(data)


@patient("column_scales")
def hectopascals_beside_degrees(seed):
    """Three channels: the pressure goes up and down by hundreds, the others by one."""
    data = waves(24, 3, noise=0.2, seed=seed)
    other = waves(24, 2, seed=seed + 100)
    data = tuple(np.concatenate([300 * x[:, :, :1], y], axis=2).astype(np.float32) for x, y in zip(data, other, strict=True))
    parts = [layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(5, name="code"), layers.Dense(64, "relu")]
    model = stack((24, 3), *parts, layers.Dense(72), layers.Reshape((24, 3)))
    return trained(model, data, 3_000, 3e-3, seed=seed), given(data)


@patient("tiny_spread")
def pressure_around_1013(seed):
    data = tuple((1013 + 0.5 * x).astype(np.float32) for x in waves(24, seed=seed))
    return compiled_and_fitted(recurrent(24), data[0], data[0], 10), given(data)


@patient("train_mode_differs")
def unsettled_means_along_the_time(seed):
    data = tuple(3 + 2 * x for x in waves(32, seed=seed))
    model = dense_between(32, 8, normal=[layers.BatchNormalization(momentum=0.9999), layers.ReLU()])
    return trained(model, data, 1_000, 2e-3, seed=seed), given(data)


@patient("not_finite")
def rectified_lstm_that_explodes(seed):
    data = tuple(50 + 20 * x for x in waves(40, seed=seed))
    model = recurrent(40, activation="relu")
    return compiled_and_fitted(model, data[0], data[0], 3, optimizer=keras.optimizers.SGD(0.5)), given(data)


@patient("never_moved")
def frozen_lstm(seed):
    """The encoder was taken from another model and frozen, but that one was never trained."""
    data = waves(20, seed=seed)
    model = recurrent(20)
    before = model.get_weights()
    model.get_layer("code").trainable = False
    return compiled_and_fitted(model, data[0], data[0], 8), given(data, before=before)
