"""The compiled loop does what Keras does, on the batches it promises, and ends well however it ends."""

import gc
import re
import signal
import threading
import warnings
import weakref

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers import _loop, training
from keras import layers

XLA = pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])


@pytest.fixture
def compilations(monkeypatch):
    """What `fit` has asked for: True for a loop compiled by XLA, False for a plain graph."""
    asked, compile_loop = [], _loop.compile_loop

    def noted(*arguments, jit_compile):
        asked.append(jit_compile)
        return compile_loop(*arguments, jit_compile=jit_compile)

    monkeypatch.setattr(_loop, "compile_loop", noted)
    return asked


def rows_of(number, count, seed=0):
    """The rows that the first batches consist of: one shuffle after the other."""
    generator = np.random.default_rng(seed)
    return np.concatenate([generator.permutation(number) for _ in range(-(-count // number))])[:count]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def sequential(*parts, shape=(16,)):
    return keras.Sequential([keras.Input(shape), *parts])


def dense(*parts):
    return sequential(*parts, layers.Dense(16, "sigmoid"))


class Penalty(layers.Layer):
    """Adds twice the mean of what passes to the loss."""

    def call(self, inputs):
        self.add_loss(2.0 * tf.reduce_mean(inputs))
        return inputs


def autoencoder():
    return ae.autoencoder(code_size=16, input_size=64)


def normalized():
    return sequential(
        layers.Dense(6, use_bias=False), layers.BatchNormalization(momentum=0.8), layers.Dense(64, "sigmoid"), shape=(64,)
    )


def pictures():
    dense_layers = [layers.Dense(16, "relu"), layers.Dense(64, "sigmoid")]
    return sequential(layers.Flatten(), *dense_layers, layers.Reshape((8, 8)), shape=(8, 8))


def convolutional():
    return sequential(
        layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", kernel_regularizer=keras.regularizers.L2(0.01)),
        layers.BatchNormalization(),
        layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),
        shape=(8, 8, 1),
    )


def from_flat_to_pictures():
    return sequential(layers.Dense(16, "relu"), layers.Dense(64), layers.Reshape((8, 8)), shape=(64,))


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.002),
    "momentum": lambda: keras.optimizers.SGD(0.5, momentum=0.9),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.001),
}


@pytest.mark.parametrize(
    ("make", "shape", "target_shape", "optimizer", "loss", "xla"),
    [
        (autoencoder, (64,), None, "adam", "binary_crossentropy", False),
        (autoencoder, (64,), (64,), "momentum", "mse", True),
        (autoencoder, (64,), (64,), "rmsprop", keras.losses.Huber(delta=0.3), False),
        (normalized, (64,), None, "momentum", "binary_crossentropy", True),
        (pictures, (8, 8), None, "adam", "binary_crossentropy", False),
        (convolutional, (8, 8, 1), None, "adam", "binary_crossentropy", False),
        (convolutional, (8, 8, 1), (8, 8, 1), "momentum", "mean_absolute_error", True),
        (from_flat_to_pictures, (64,), (8, 8), "adam", "mse", False),
    ],
)
def test_equals_keras_on_the_same_batches(digits_8x8, fit, compilations, make, shape, target_shape, optimizer, loss, xla):
    x = digits_8x8.reshape(-1, *shape)
    other = None if target_shape is None else 1 - digits_8x8[:, ::-1].reshape(-1, *target_shape) ** 2
    target = x if other is None else other
    keras.utils.set_random_seed(0)
    model = make()
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    before = model.get_weights()
    # 20 batches of 64 out of 300 images: four ends of an epoch fall inside a batch.
    options = {"loss": loss, "target": other, "validation_data": (x[:70], target[:70]), "optimizer": OPTIMIZERS[optimizer]()}
    history = fit(model, x, xla=xla, steps=20, batch_size=64, **options)
    rows = rows_of(300, 20 * 64)
    twin.compile(OPTIMIZERS[optimizer](), loss, jit_compile=False)
    expected = twin.fit(x[rows], target[rows], batch_size=64, shuffle=False, verbose=0).history["loss"]
    assert compilations == [xla]
    assert np.mean(history.history["loss"]) == pytest.approx(expected[0], rel=1e-4)
    assert history.history["val_loss"][-1] == pytest.approx(twin.evaluate(x[:70], target[:70], verbose=0), rel=1e-3)
    for start, ours, theirs in zip(before, model.get_weights(), twin.get_weights(), strict=True):
        assert np.abs(theirs - start).max() > 0.001
        assert np.abs(ours - theirs).max() < 2e-4 * max(1, np.abs(theirs - start).max())


def test_scaled_loss_is_scaled_back(small, tiny, fit):
    optimizers = [
        keras.optimizers.SGD(0.5),
        keras.optimizers.SGD(0.5, loss_scale_factor=1024.0),
        keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5)),
    ]
    plain, *scaled = ([model := small(), fit(model, tiny, optimizer=optimizer)] for optimizer in optimizers)
    for model, history in scaled:
        assert history.history["loss"] == pytest.approx(plain[1].history["loss"], rel=1e-6)
        for ours, theirs in zip(model.get_weights(), plain[0].get_weights(), strict=True):
            assert ours == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "float64"])
def test_other_precisions_train_on_a_loss_in_float32(tiny, fit, policy):
    parts = [
        layers.Dense(4, "sigmoid", dtype=policy, kernel_regularizer="l2"),
        Penalty(dtype=policy),
        layers.Dense(16, "sigmoid", dtype=policy),
    ]
    model = sequential(*parts)
    types = set()
    history = fit(model, tiny, loss=lambda t, r: types.add(r.dtype) or tf.square(t - r), steps=2, record_every=1)
    assert types == {tf.float32} and history.history["loss"][1] < history.history["loss"][0]


def test_dropout_drops_something_else_at_each_step(tiny, fit):
    keras.utils.set_random_seed(0)
    model = dense(layers.Dropout(0.5))
    # No weight moves and every batch is the whole: without dropout the losses would all be one number.
    history = fit(model, tiny, steps=6, batch_size=96, record_every=1, learning_rate=1e-30, validation_data=tiny)
    assert len(set(history.history["loss"])) == 6
    assert history.history["val_loss"] == pytest.approx([ae.bce(tiny, ae.predict(model, tiny))] * 6, abs=1e-6)


def test_schedule_goes_on_with_the_steps(small, tiny, fit):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.1, 0.0])
    first, second = small(), small()
    fit(first, tiny, steps=3, optimizer=keras.optimizers.SGD(schedule))
    fit(second, tiny, steps=9, optimizer=keras.optimizers.SGD(schedule))
    assert same(first.get_weights(), second.get_weights()) and not same(first.get_weights(), small().get_weights())


@pytest.mark.parametrize(("number", "size"), [(10, 3), (10, 10), (7, 1), (5, 4)])
def test_batches_use_each_image_once_an_epoch(number, size):
    take = training._batches(np.arange(number, dtype=np.int32), size, np.random.default_rng(3))
    rows = np.concatenate([take(count) for count in (1, 2, 1, 3 * number)])
    assert rows.dtype == np.int32 and len(rows) == (3 * number + 4) * size
    assert np.array_equal(rows, rows_of(number, len(rows), seed=3))
    assert sorted(rows[number : 2 * number]) == list(range(number))
    assert not np.array_equal(rows[:number], rows[number : 2 * number])


@pytest.mark.parametrize(("images", "batch_size"), [(96, 96), (1, 1), (2, 1)])
def test_a_batch_may_be_all_images_and_an_image_may_be_alone(small, tiny, fit, images, batch_size):
    history = fit(small(), tiny[:images], batch_size=batch_size, record_every=10**12)
    assert history.steps == [3]


def at_offset(offset, shape=(20, 16)):
    """An array of other numbers whose memory begins so many bytes after a multiple of 64."""
    size = int(np.prod(shape))
    room = np.random.default_rng(offset).random(size + 64, np.float32)
    start = -room.ctypes.data // 4 % 16 + offset // 4
    return room[start : start + size].reshape(shape)


def is_shared(tensor, array):
    return np.shares_memory(np.asarray(memoryview(tensor)), array)


@XLA
def test_memory_is_shared_where_tensorflow_can_read_it(xla):
    """With a shared array at any other address TensorFlow aborts: there, it must be a copy. The tensor outlives its array."""
    twice = tf.function(lambda tensor: 2 * tensor, jit_compile=xla)
    for offset in (0, 4, 32, 60, 64, 68, 128):
        array = at_offset(offset)
        tensor, expected = _loop.as_tensor(array), 2 * array
        assert tensor.dtype == tf.float32 and is_shared(tensor, array) == (offset % 64 == 0)
        del array
        gc.collect()
        assert np.array_equal(twice(tensor), expected)


def test_images_of_load_are_not_copied(mnist):
    for images in (mnist.x_train, mnist.x_valid, mnist.x_test):
        assert is_shared(_loop.as_tensor(images), images) and not images.flags.writeable


@pytest.mark.parametrize(
    "array",
    [
        np.frombuffer(bytes(range(64)) * 4, np.float32).reshape(4, 16),  # it may not be written
        at_offset(0)[:, ::2],
        at_offset(0)[::-1],
        np.broadcast_to(at_offset(0)[:1], (5, 16)),
    ],
)
def test_any_array_has_its_values_inside_tensorflow(array):
    assert np.array_equal(_loop.as_tensor(array), array)


def test_images_that_are_their_own_target_are_there_once(tiny):
    one, its_target = _loop.as_tensors(tiny, tiny)
    assert one is its_target
    two, other = _loop.as_tensors(tiny, tiny[::-1])
    assert two is not other and np.array_equal(other, tiny[::-1])


def test_images_are_picked_as_if_they_were_all(small, tiny, fit):
    model, twin, target = small(), small(), tiny[::-1] ** 2
    where = np.arange(len(tiny)) % 3 > 0
    losses = [
        fit(model, tiny, target=target, where=where, steps=20).history,
        fit(twin, tiny[where], target=target[where], steps=20).history,
    ]
    assert losses[0] == losses[1] and same(model.get_weights(), twin.get_weights())


LOSSES = {
    "bce": ("bce", lambda t, r: ae.bce(t, r)),
    "mse": ("mse", lambda t, r: np.square(t - r).mean()),
    "a name of Keras": ("mean_absolute_error", lambda t, r: np.abs(t - r).mean()),
    "an object": (keras.losses.MeanSquaredError(), lambda t, r: np.square(t - r).mean()),
    "an object that sums": (keras.losses.MeanSquaredError(reduction="sum"), lambda t, r: np.square(t - r).mean(axis=1).sum()),
    "a function of pixels": (lambda t, r: 3 * tf.abs(t - r), lambda t, r: 3 * np.abs(t - r).mean()),
    "a function of images": (lambda t, r: tf.reduce_sum(t * r, axis=1), lambda t, r: (t * r).sum(axis=1).mean()),
    "a function to a scalar": (lambda t, r: tf.reduce_max(t + r), lambda t, r: (t + r).max()),
    "in float64": (lambda t, r: tf.cast(t - r, tf.float64) ** 2, lambda t, r: np.square(t - r).mean()),
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss_by_hand(small, tiny, name):
    loss, by_hand = LOSSES[name]
    model, target = small(), tiny[::-1] ** 2
    output = model(tiny)
    value = _loop.total_loss(model, keras.losses.get(loss), tf.constant(target), output)
    assert value.dtype == tf.float32 and float(value) == pytest.approx(by_hand(target, output.numpy()), rel=1e-5)


def test_history_averages_over_the_interval(small, tiny, fit):
    each = fit(small(), tiny, steps=10, record_every=1, validation_data=tiny[:20])
    every_fourth = fit(small(), tiny, steps=10, record_every=4, validation_data=tiny[:20])
    assert each.steps == list(range(1, 11)) and every_fourth.steps == [4, 8, 10]
    loss, at_the_end = each.history["loss"], each.history["val_loss"]
    means = [np.mean(loss[:4]), np.mean(loss[4:8]), np.mean(loss[8:])]
    assert every_fourth.history["loss"] == pytest.approx(means, rel=1e-6)
    assert every_fourth.history["val_loss"] == pytest.approx([at_the_end[i] for i in (3, 7, 9)], rel=1e-6)  # not a mean
    assert len(set(loss)) == 10
    numbers = [*each.steps, *loss, *at_the_end]
    assert {type(number) for number in numbers} == {int, float}  # Python's own, as in Keras
    assert list(each.history) == ["loss", "val_loss"]


@pytest.mark.parametrize(
    ("steps", "record_every", "expected"),
    [(1, None, [1]), (40, None, [*range(1, 41)]), (41, None, [*range(2, 41, 2), 41]), (6, 3, [3, 6]), (np.int8(4), 3, [3, 4])],
)
def test_when_records_are_made(small, tiny, fit, steps, record_every, expected):
    history = fit(small(), tiny, steps=steps, record_every=record_every)
    assert history.steps == expected and len(history.history["loss"]) == len(expected)
    assert list(history.history) == ["loss"] and not history.interrupted
    assert int(history.optimizer.iterations) == steps


def test_on_record_sees_each_record_when_it_is_made(small, tiny, fit):
    seen, model = [], small()

    def look(history):
        seen.append((list(history.steps), int(history.optimizer.iterations), ae.bce(tiny, ae.predict(model, tiny))))

    history = fit(model, tiny, steps=7, record_every=3, validation_data=tiny, learning_rate=0.1, on_record=look)
    assert [(steps, iterations) for steps, iterations, _ in seen] == [([3], 3), ([3, 6], 6), ([3, 6, 7], 7)]
    assert [loss for _, _, loss in seen] == pytest.approx(history.history["val_loss"], abs=1e-6)


def test_on_record_may_fail_or_interrupt(small, tiny, fit):
    with pytest.raises(ZeroDivisionError):
        fit(small(), tiny, on_record=lambda history: 1 / 0)
    history = fit(small(), tiny, record_every=1, on_record=lambda history: interrupt_directly())
    assert history.interrupted and history.steps == [1]


def test_validation_loss_is_that_of_the_model_on_all_images(mnist, fit):
    model = ae.autoencoder(code_size=3)
    images = mnist.x_test[:2100]  # two whole pieces and a short one
    history = fit(model, mnist.x_valid[:100], steps=2, batch_size=50, validation_data=images)
    assert history.history["val_loss"][-1] == pytest.approx(ae.bce(images, ae.predict(model, images)), abs=2e-6)


def test_validation_data_are_images_or_a_pair(small, tiny, fit):
    few = tiny[:30]
    made = ae.predict(small(), few)
    for data, expected in ((few, few), ((few, few), few), ((few, 1 - few), 1 - few)):
        history = fit(small(), tiny, validation_data=data, loss="mse", learning_rate=1e-30)
        assert history.history["val_loss"] == pytest.approx([ae.mse(expected, made)] * 3, rel=1e-5)


def test_penalties_are_added_once(tiny, fit):
    keras.utils.set_random_seed(1)
    first = layers.Dense(4, "sigmoid", kernel_regularizer=keras.regularizers.L2(0.125))
    model = dense(first, Penalty())
    penalties = 2 * first(tiny).numpy().mean() + 0.125 * np.square(first.get_weights()[0]).sum(dtype=float)
    expected = [pytest.approx(ae.bce(tiny, ae.predict(model, tiny)) + penalties, rel=1e-5)] * 3
    for xla in (False, True):  # the second trace finds what the first has left in the layers
        history = fit(model, tiny, xla=xla, batch_size=96, learning_rate=1e-30, record_every=1, validation_data=tiny)
        assert history.history == {"loss": expected, "val_loss": expected}
    model(tiny)
    assert float(sum(model.losses)) == pytest.approx(penalties, rel=1e-5)


def test_penalty_alone_trains(tiny, fit):
    model = dense(layers.Dense(4, "sigmoid"), Penalty())
    before = model.layers[0](tiny).numpy().mean()
    history = fit(model, tiny, steps=50, optimizer="adam", learning_rate=0.05, loss=lambda t, r: tf.constant(0.0))
    assert model.layers[0](tiny).numpy().mean() < 0.5 * before
    assert len(history.without_gradient) == 2  # those behind the penalty


def test_repr_of_a_history(small, tiny, fit):
    assert re.fullmatch(r"History: 3 steps; loss 0\.\d{4}", repr(fit(small(), tiny)))
    shown = repr(fit(small(code_activation="step"), tiny, validation_data=tiny))
    assert re.fullmatch(
        r"History: 3 steps; loss 0\.\d{4}; val_loss 0\.\d{4}; no gradient reached encoder/code/kernel, encoder/code/bias", shown
    )
    assert repr(training.History((), None)) == "History: no step was recorded"


@XLA
def test_a_seed_repeats_a_run_to_the_bit(small, tiny, fit, xla):
    made, curves = [], []
    for seed in (5, 5, np.random.default_rng(5), 6)[: 2 if xla else 4]:
        model = small()
        curves.append(fit(model, tiny, xla=xla, steps=20, batch_size=16, seed=seed).history["loss"])
        made.append(model.get_weights())
    assert all(same(made[0], weights) for weights in made[:3]) and all(curve == curves[0] for curve in curves[:3])
    assert xla or not (same(made[0], made[3]) or curves[0] == curves[3])


def test_fit_leaves_the_global_seeds_alone(small, tiny, fit):
    drawn = []
    for train in (False, True):
        model = small()
        if train:
            fit(model, tiny)
        drawn.append((np.random.random(), float(keras.random.uniform(()))))  # noqa: NPY002
    assert drawn[0] == drawn[1]


def test_variables_without_gradient_are_named_and_stay(small, tiny, fit):
    model = small(code_activation="step", bias_initializer="ones")
    before = model.get_weights()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword")  # inside Keras
        history = fit(model, tiny, steps=20, learning_rate=0.1)
    assert history.without_gradient == ("encoder/code/kernel", "encoder/code/bias")
    after = model.get_weights()
    assert same(before[:2], after[:2])
    assert all(np.abs(a - b).max() > 1e-4 for a, b in zip(before[2:], after[2:], strict=True))


def test_frozen_layers_stay(small, tiny, fit):
    model = small(hidden=(8,))
    model.encoder.trainable = False
    frozen, before = model.encoder.get_weights(), model.decoder.get_weights()
    assert fit(model, tiny).without_gradient == ()
    assert same(frozen, model.encoder.get_weights()) and not same(before, model.decoder.get_weights())


def test_nothing_to_train(small, tiny, fit):
    model = small(code_activation="step")
    model.decoder.trainable = False
    before = model.get_weights()
    with pytest.raises(ValueError, match="no gradient reaches any of them"):
        fit(model, tiny)
    with pytest.raises(ValueError, match="no trainable variable"):
        fit(small(), tiny, loss=lambda t, r: tf.constant(1.0))
    model.trainable = False
    with pytest.raises(ValueError, match="no trainable variable"):
        fit(model, tiny)
    assert same(before, model.get_weights())


def interrupt():
    signal.raise_signal(signal.SIGINT)


def interrupt_directly():
    raise KeyboardInterrupt


def interrupt_twice():
    interrupt()
    interrupt()


class Interrupting(training.tqdm):
    """A progress bar that, after six steps, does what a learner's Ctrl-C does."""

    act = staticmethod(interrupt)

    def update(self, count=1):
        super().update(count)
        self.passed = getattr(self, "passed", 0) + count
        if self.passed == 6:
            self.act()


@pytest.mark.parametrize("act", [interrupt, interrupt_directly, interrupt_twice])
def test_interrupt_keeps_everything_up_to_there(small, tiny, fit, monkeypatch, capsys, act):
    monkeypatch.setattr(Interrupting, "act", staticmethod(act))
    handler = signal.getsignal(signal.SIGINT)
    model, untouched = small(), small()
    with monkeypatch.context() as patch:
        patch.setattr(training, "tqdm", Interrupting)
        history = fit(model, tiny, steps=1000, record_every=3, validation_data=tiny)
    assert history.interrupted and history.steps == [3, 6] and int(history.optimizer.iterations) == 6
    assert history.history["val_loss"][-1] == pytest.approx(ae.bce(tiny, ae.predict(model, tiny)), abs=1e-6)
    assert capsys.readouterr().out == (
        "Training was interrupted after 6 of 1000 steps. The model and its history up to there are kept.\n"
    )
    assert "6 steps (interrupted)" in repr(history)
    assert signal.getsignal(signal.SIGINT) is handler
    whole = fit(untouched, tiny, steps=6, record_every=3, validation_data=tiny)
    assert same(untouched.get_weights(), model.get_weights()) and whole.history == history.history


def test_interrupt_at_the_last_step_is_no_interruption(small, tiny, fit, monkeypatch, capsys):
    monkeypatch.setattr(training, "tqdm", Interrupting)
    history = fit(small(), tiny, steps=6, record_every=3)
    assert not history.interrupted and history.steps == [3, 6] and capsys.readouterr().out == ""


@pytest.mark.parametrize("act", [interrupt, interrupt_directly])
def test_interrupt_while_compiling(small, tiny, fit, monkeypatch, capsys, act):
    compile_loop = _loop.compile_loop

    def interrupted(*arguments, **options):
        act()
        return compile_loop(*arguments, **options)

    monkeypatch.setattr(_loop, "compile_loop", interrupted)
    model = small()
    history = fit(model, tiny, steps=5)
    assert history.interrupted and history.steps == [] and history.history == {}
    assert same(model.get_weights(), small().get_weights())
    assert "after 0 of 5 steps" in capsys.readouterr().out
    assert repr(history) == "History: no step was recorded"


def test_own_interrupt_handler_is_put_back(small, tiny, fit):
    def own(number, frame):
        raise AssertionError("not during training")

    before = signal.signal(signal.SIGINT, own)
    try:
        fit(small(), tiny)
        assert signal.getsignal(signal.SIGINT) is own
        with pytest.raises(ae.NonFiniteLossError):
            fit(small(), tiny, loss=lambda t, r: tf.math.log(r - r))
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)


def test_going_on_equals_never_having_stopped(small, tiny, fit):
    x = tiny[:2]  # a batch of two has one sum, in whatever order
    new = {"batch_size": 2, "optimizer": "adam", "learning_rate": 0.01}
    whole, halves, forgetful = small(), small(), small()
    fit(whole, x, steps=6, **new)
    history = fit(halves, x, steps=3, **new)
    again = fit(halves, x, batch_size=2, steps=3, optimizer=history.optimizer, seed=1)
    assert again.optimizer is history.optimizer and int(again.optimizer.iterations) == 6
    assert again.steps == [1, 2, 3]
    for _ in range(2):
        fit(forgetful, x, steps=3, **new)
    assert same(whole.get_weights(), halves.get_weights())
    assert not same(whole.get_weights(), forgetful.get_weights())


def test_optimizer_goes_on_in_keras_but_not_with_another_model(small, tiny, fit):
    model, other = small(code_activation="step"), small()
    history = fit(model, tiny)
    model.compile(history.optimizer, "mse", jit_compile=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Gradients do not exist")
        model.fit(tiny, tiny, batch_size=48, verbose=0)
    assert int(history.optimizer.iterations) == 5
    with pytest.raises(ValueError, match="only be called for the variables it was originally built with"):
        fit(other, tiny, optimizer=history.optimizer)
    assert same(small().get_weights(), other.get_weights())


@pytest.mark.parametrize(
    ("bad", "step", "xla"), [(np.nan, 1, False), (np.nan, 3, False), (-np.inf, 5, False), (np.nan, 6, False), (np.inf, 5, True)]
)
def test_loss_that_is_not_finite(small, fit, bad, step, xla):
    x = np.zeros((8, 16), np.float32)
    place = rows_of(8, 8)[step - 1]
    x[place, 0] = 1  # the mark of the image whose loss is bad

    def loss(target, reconstruction):
        return tf.where(target[:, 0] > 0.5, tf.constant(bad, tf.float32), tf.reduce_mean(tf.square(reconstruction), axis=1))

    with pytest.raises(ae.NonFiniteLossError, match=f"at step {step} ") as raised:
        fit(small(), x, xla=xla, batch_size=1, steps=8, record_every=3, loss=loss, validation_data=np.delete(x, place, 0))
    error = raised.value
    assert isinstance(error, ArithmeticError) and error.step == step
    assert int(error.history.optimizer.iterations) == step  # the loop has stopped there, whatever was still to come
    for word in (str(bad), "logarithm of 0", "learning rate", "outside the range", ".history"):
        assert word in str(error)
    assert error.history.steps == {1: [], 3: [2], 5: [3, 4], 6: [3, 5]}[step]
    assert np.isfinite(error.history.history.get("loss", [])).all() and not error.history.interrupted
    # At the record that was cut short, the weights are no longer those of its last step.
    assert np.isfinite(error.history.history.get("val_loss", [])).tolist() == {1: [], 3: [False]}.get(step, [True, False])


def test_what_xla_cannot_compile_runs_without_it(small, tiny, fit, compilations):
    def pythonic(target, reconstruction):
        return tf.py_function(lambda t, r: tf.square(t - r), [target, reconstruction], tf.float32)

    history = fit(small(), tiny, xla=True, steps=6, loss=pythonic)
    assert compilations == [True, False]
    assert history.history["loss"] == pytest.approx(fit(small(), tiny, steps=6, loss="mse").history["loss"], rel=1e-5)


def test_short_runs_do_without_xla(small, tiny, compilations):
    for steps in (training._XLA_FROM_STEPS - 1, training._XLA_FROM_STEPS):
        ae.fit(small(), tiny, steps=steps, batch_size=8, optimizer="sgd", progress=False)
    assert compilations == [False, True]


def test_silent_without_a_progress_bar_and_a_bar_with_one(small, tiny, fit, capfd):
    fit(small(), tiny, validation_data=tiny)
    assert capfd.readouterr() == ("", "")
    fit(small(), tiny, progress=True)
    out, err = capfd.readouterr()
    assert out == "" and "3/3" in err and "loss 0." in err


def test_from_another_thread(small, tiny, fit):
    results, handler = [], signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: results.append(fit(small(), tiny, validation_data=tiny)))
    thread.start()
    thread.join()
    assert results[0].history == fit(small(), tiny, validation_data=tiny).history
    assert signal.getsignal(signal.SIGINT) is handler


@XLA
def test_nothing_of_a_training_outlives_its_model(small, tiny, fit, xla):
    """Keras's optimizers, inside a graph of TensorFlow, leave it registered for ever, and the weights with it."""

    def graphs():
        gc.collect()
        return {id(thing) for thing in gc.get_objects() if type(thing).__name__.endswith("FuncGraph")}

    before = graphs()
    model = small()
    history = fit(model, tiny, xla=xla, optimizer="adam", validation_data=tiny)
    weights = [weakref.ref(variable.value) for variable in (*model.variables, *history.optimizer.variables)]
    del model, history
    assert graphs() <= before
    assert not any(reference() is not None for reference in weights)


class Subclassed(keras.Model):
    """It says nothing of ``training``, and leaves the size of what it gives to be found out when it runs."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(16, "sigmoid")

    def call(self, inputs):
        made = self.dense(inputs)
        side = tf.cast(tf.round(tf.sqrt(tf.cast(tf.size(made) / tf.shape(made)[0], tf.float32))), tf.int32)
        return tf.reshape(made, [tf.shape(made)[0], side * side])


@pytest.mark.parametrize("make", [Subclassed, lambda: keras.Sequential([layers.Dense(4), layers.Dense(16, "sigmoid")])])
def test_model_that_was_never_called(tiny, fit, make):
    model = make()
    history = fit(model, tiny, steps=5, record_every=1, batch_size=96, learning_rate=0.5, validation_data=tiny)
    assert np.all(np.diff(history.history["loss"]) < 0)
    assert history.history["val_loss"][-1] == pytest.approx(ae.bce(tiny, ae.predict(model, tiny)), rel=1e-5)
