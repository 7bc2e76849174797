"""The compiled loop does what Keras does, on the batches it promises, and ends well however it ends."""

import _thread
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
from aehelpers import training

XLA = pytest.mark.parametrize("xla", [False, True], ids=["graph", "xla"])


@pytest.fixture
def use_xla(monkeypatch):
    def choose(xla):
        monkeypatch.setattr(training, "_XLA_FROM_STEPS", 1 if xla else 10**9)

    return choose


@pytest.fixture
def fit(use_xla):
    """`ae.fit` as a plain graph, without a progress bar, with batches of 8 and the optimizer that is made fastest."""
    use_xla(False)
    usual = {"steps": 3, "batch_size": 8, "optimizer": "sgd", "progress": False}
    return lambda model, x, **options: ae.fit(model, x, **{**usual, **options})


def rows_of(number, count, seed=0):
    """The rows that the first batches consist of: one shuffle after the other."""
    generator = np.random.default_rng(seed)
    return np.concatenate([generator.permutation(number) for _ in range(-(-count // number))])[:count]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def sequential(*layers):
    return keras.Sequential([keras.Input((16,)), *layers])


def dense(*layers):
    return sequential(*layers, keras.layers.Dense(16, "sigmoid"))


class Penalty(keras.layers.Layer):
    """Adds twice the mean of what passes to the loss."""

    def call(self, inputs):
        self.add_loss(2.0 * tf.reduce_mean(inputs))
        return inputs


class Seen(keras.layers.Layer):
    """Counts how often each image passed in training; the image's number is its first pixel times 255."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def build(self, shape):
        self.counts = self.add_weight(shape=(self.number,), initializer="zeros", trainable=False)

    def call(self, inputs, training=None):
        if training:
            number = tf.cast(tf.round(inputs[:, 0] * 255), tf.int32)
            self.counts.assign_add(tf.reduce_sum(tf.one_hot(number, self.number), axis=0))
        return inputs


# ---------------------------------------------------------------------------------------------- the same as Keras


def with_keras(model, x, target, optimizer, loss, steps, batch_size, seed=0):
    rows = rows_of(len(x), steps * batch_size, seed)
    model.compile(optimizer, loss)
    model.fit(x[rows], target[rows], batch_size=batch_size, epochs=1, shuffle=False, verbose=0)
    return model.get_weights()


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.001),
    "momentum": lambda: keras.optimizers.SGD(0.5, momentum=0.9),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.001),
}


@XLA
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equals_keras_on_the_same_batches(digits, use_xla, xla, name):
    use_xla(xla)
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(code_size=16)
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    before = model.get_weights()
    # 20 batches of 64 out of 300 images: four ends of an epoch fall inside a batch.
    history = ae.fit(model, digits, steps=20, batch_size=64, optimizer=OPTIMIZERS[name](), progress=False)
    assert history.compiled_with_xla == xla
    expected = with_keras(twin, digits, digits, OPTIMIZERS[name](), "binary_crossentropy", 20, 64)
    for start, ours, theirs in zip(before, model.get_weights(), expected, strict=True):
        assert np.abs(theirs - start).max() > 0.005
        assert np.abs(ours - theirs).max() < 2e-4 * max(1, np.abs(theirs - start).max())


def test_equals_keras_with_a_target_and_a_loss_object(small, tiny, use_xla):
    use_xla(False)
    target = 1 - tiny[:, ::-1] ** 2  # not on the grid of 1/255, as tiny is
    model, twin = small(output_activation=None), small(output_activation=None)
    loss = keras.losses.Huber(delta=0.3)
    ae.fit(model, tiny, target=target, loss=loss, steps=20, batch_size=10, learning_rate=0.01, progress=False)
    expected = with_keras(twin, tiny, target, keras.optimizers.Adam(0.01), loss, 20, 10)
    for ours, theirs in zip(model.get_weights(), expected, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)


def test_equals_keras_with_batch_normalization(tiny, use_xla):
    use_xla(True)
    keras.utils.set_random_seed(0)
    model = dense(keras.layers.Dense(6), keras.layers.BatchNormalization(momentum=0.8))
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    history = ae.fit(model, tiny, steps=12, batch_size=16, optimizer="sgd", learning_rate=0.1, progress=False)
    assert history.compiled_with_xla
    expected = with_keras(twin, tiny, tiny, keras.optimizers.SGD(0.1), "binary_crossentropy", 12, 16)
    moving = {w.path.split("/")[-1]: w.numpy() for w in model.non_trainable_weights}
    assert np.abs(moving["moving_mean"]).max() > 0.01 and np.abs(moving["moving_variance"] - 1).max() > 0.01
    for ours, theirs in zip(model.get_weights(), expected, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)


def test_scaled_loss_is_scaled_back(small, tiny, fit):
    plain, scaled, wrapped = small(), small(), small()
    fit(plain, tiny, optimizer=keras.optimizers.SGD(0.5))
    fit(scaled, tiny, optimizer=keras.optimizers.SGD(0.5, loss_scale_factor=1024.0))
    history = fit(wrapped, tiny, optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5)))
    for model in (scaled, wrapped):
        for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
            assert ours == pytest.approx(theirs, abs=1e-6)
    assert history.loss[0] == pytest.approx(ae.bce(tiny[rows_of(96, 8)], small()(tiny[rows_of(96, 8)]).numpy()), abs=1e-5)


def test_dropout_drops_something_else_at_each_step(tiny, fit):
    keras.utils.set_random_seed(0)
    model = dense(keras.layers.Dropout(0.5))
    # No weight moves and every batch is the whole: without dropout the losses would all be one number.
    history = fit(model, tiny, steps=6, batch_size=96, record_every=1, optimizer="sgd", learning_rate=1e-30)
    assert len(set(history.loss.tolist())) == 6
    history = fit(model, tiny, steps=6, batch_size=96, record_every=1, validation=tiny)
    assert history.valid_loss[-1] == pytest.approx(ae.bce(tiny, model(tiny).numpy()), abs=1e-6)  # nothing dropped here


def test_constraint_is_kept(tiny, fit):
    model = sequential(keras.layers.Dense(16, "sigmoid", kernel_constraint="non_neg"))
    fit(model, tiny, steps=5, learning_rate=0.1)
    assert model.get_weights()[0].min() == 0


def test_schedule_goes_on_with_the_steps(small, tiny, fit):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.1, 0.0])
    first, second = small(), small()
    fit(first, tiny, steps=3, optimizer=keras.optimizers.SGD(schedule))
    fit(second, tiny, steps=9, optimizer=keras.optimizers.SGD(schedule))
    assert same(first.get_weights(), second.get_weights()) and not same(first.get_weights(), small().get_weights())


# ---------------------------------------------------------------------------------------------- the batches


@pytest.mark.parametrize(("number", "size"), [(10, 3), (10, 10), (7, 1), (12, 4), (5, 4)])
def test_batches_use_each_image_once_an_epoch(number, size):
    take = training._batches(number, seed=3)
    rows = np.concatenate([take(size) for _ in range(4 * number)])
    assert rows.dtype == np.int32 and len(rows) == 4 * number * size
    assert np.array_equal(rows, rows_of(number, len(rows), seed=3))
    for start in range(0, len(rows), number):
        assert sorted(rows[start : start + number]) == list(range(number))
    if number > 5:
        assert not np.array_equal(rows[:number], rows[number : 2 * number])


def test_each_image_passes_once_an_epoch(use_xla, fit):
    x = np.repeat(np.arange(7, dtype=np.float32)[:, None] / 255, 16, axis=1)
    seen = Seen(7)
    model = dense(seen)
    fit(model, x, batch_size=3, steps=2)
    assert sorted(seen.counts.numpy()) == [0, 1, 1, 1, 1, 1, 1]
    fit(model, x, batch_size=3, steps=7, record_every=2)
    assert seen.counts.numpy().sum() == 6 + 21
    seen.counts.assign(np.zeros(7))
    use_xla(True)
    fit(model, x, batch_size=3, steps=14, record_every=5)
    assert seen.counts.numpy().tolist() == [6] * 7


def test_a_batch_may_be_all_images_and_an_image_may_be_alone(small, tiny, fit):
    assert fit(small(), tiny, batch_size=96).steps[-1] == 3
    assert fit(small(), tiny[:1], batch_size=1).steps[-1] == 3


@XLA
def test_bytes_inside_tensorflow_are_exact_to_the_last_digit(xla):
    every = np.tile(np.arange(256, dtype=np.float32) / 255, (4, 1))
    resident = training._Resident(every)
    assert resident.tensor.dtype == tf.uint8 and len(resident) == 4
    take = tf.function(lambda tensor: resident.take(tensor, [2, 0]), jit_compile=xla)
    # TensorFlow and XLA multiply by 1/255 where numpy divides by 255: the last of 24 bits may differ.
    np.testing.assert_array_max_ulp(take(resident.tensor).numpy(), every[:2], maxulp=1)
    assert np.array_equal(resident.between(1, 3), every[1:3])


@pytest.mark.parametrize("offset", [-1e-3, 1e-6, 1e-3, 2.0])
def test_floats_off_the_grid_stay_floats(tiny, offset):
    off = tiny.copy()
    off[70, 3] = np.float32(0.5) + np.float32(offset)
    resident = training._Resident(off)
    assert resident.tensor.dtype == tf.float32
    assert np.array_equal(resident.between(0, 96), off)


def test_real_images_are_kept_as_bytes(digits):
    assert np.array_equal(training._as_bytes(digits), np.rint(digits * 255).astype(np.uint8))
    assert training._as_bytes(digits - 0.5) is None
    assert training._as_bytes(np.float32([[0, 1]])).tolist() == [[0, 255]]


def test_an_array_that_cannot_change_is_put_in_once_and_forgotten_with_it(digits):
    array = digits.copy()
    assert training._Resident(array).tensor is not training._Resident(array).tensor
    array.flags.writeable = False
    first = training._Resident(array).tensor
    assert training._Resident(array).tensor is first
    assert training._Resident(array[:20]).tensor.shape == (20, 784)
    array.flags.writeable = True  # somebody changes it after all
    array[0] = 1
    assert np.array_equal(training._Resident(array).between(0, 1), array[:1])
    key = id(array)
    assert key in training._resident_tensors
    del array
    gc.collect()
    assert key not in training._resident_tensors


def test_bytes_and_floats_train_alike(small, tiny, fit, monkeypatch):
    compact, plain = small(), small()
    fit(compact, tiny, steps=10)
    monkeypatch.setattr(training, "_as_bytes", lambda array: None)
    fit(plain, tiny, steps=10)
    for one, other in zip(compact.get_weights(), plain.get_weights(), strict=True):
        assert one == pytest.approx(other, abs=1e-6)


# ---------------------------------------------------------------------------------------------- losses and history

FIRST_LOSSES = {
    "bce": ("bce", lambda t, r: ae.bce(t, r)),
    "mse": ("mse", lambda t, r: np.square(t - r).mean()),
    "a name of Keras": ("mean_absolute_error", lambda t, r: np.abs(t - r).mean()),
    "an object": (keras.losses.MeanSquaredError(), lambda t, r: np.square(t - r).mean()),
    "an object that sums": (keras.losses.MeanSquaredError(reduction="sum"), lambda t, r: np.square(t - r).mean(axis=1).sum()),
    "a function of pixels": (lambda t, r: 3 * tf.abs(t - r), lambda t, r: 3 * np.abs(t - r).mean()),
    "a function of images": (lambda t, r: tf.reduce_sum(t * r, axis=1), lambda t, r: (t * r).sum(axis=1).mean()),
    "a function to a scalar": (lambda t, r: tf.reduce_max(t + r), lambda t, r: (t + r).max()),
    "a function of whole batches": (
        lambda t, r: tf.reduce_sum(tf.reshape(t - r, (8, 16)), axis=0),
        lambda t, r: (t - r).sum(axis=0).mean(),
    ),
    "in float64": (lambda t, r: tf.cast(t - r, tf.float64) ** 2, lambda t, r: np.square(t - r).mean()),
}


@pytest.mark.parametrize(
    ("name", "other_target"), [*((name, False) for name in FIRST_LOSSES), ("bce", True), ("an object that sums", True)]
)
def test_first_loss_by_hand(small, tiny, fit, name, other_target):
    loss, by_hand = FIRST_LOSSES[name]
    x = tiny
    target = x[::-1] ** 2 if other_target else x
    rows = rows_of(96, 8, seed=4)
    expected = by_hand(target[rows], small()(x[rows]).numpy())
    history = fit(small(), x, target=target if other_target else None, loss=loss, steps=1, seed=4)
    assert history.loss == pytest.approx([expected], rel=1e-5)


def test_off_grid_images_first_loss_by_hand(small, tiny, fit):
    x = tiny * 0.9 + 0.01
    rows = rows_of(96, 8)
    assert fit(small(), x, steps=1).loss == pytest.approx([ae.bce(x[rows], small()(x[rows]).numpy())], rel=1e-5)


def test_history_averages_over_the_interval(small, tiny, fit):
    each = fit(small(), tiny, steps=10, record_every=1, validation=tiny[:20])
    every_fourth = fit(small(), tiny, steps=10, record_every=4, validation=tiny[:20])
    assert each.steps.tolist() == list(range(1, 11)) and every_fourth.steps.tolist() == [4, 8, 10]
    means = [each.loss[:4].mean(), each.loss[4:8].mean(), each.loss[8:].mean()]
    assert every_fourth.loss == pytest.approx(means, rel=1e-6)
    assert every_fourth.valid_loss == pytest.approx(each.valid_loss[[3, 7, 9]], rel=1e-6)  # not a mean: the loss right then
    assert len(set(each.loss.tolist())) == 10


@pytest.mark.parametrize(
    ("steps", "record_every", "expected"),
    [
        (1, None, [1]),
        (5, None, [1, 2, 3, 4, 5]),
        (41, None, [*range(2, 41, 2), 41]),
        (7, 100, [7]),
        (6, 3, [3, 6]),
        (np.int64(4), np.int32(3), [3, 4]),
    ],
)
def test_when_records_are_made(small, tiny, fit, steps, record_every, expected):
    history = fit(small(), tiny, steps=steps, record_every=record_every)
    assert history.steps.tolist() == expected and history.steps.dtype == int
    assert history.loss.shape == (len(expected),) and history.loss.dtype == float
    assert history.valid_loss is None and not history.interrupted
    assert int(history.optimizer.iterations) == steps


def test_on_record_sees_each_record_when_it_is_made(small, tiny, fit):
    seen, model = [], small()

    def look(history):
        seen.append((history.steps.tolist(), int(history.optimizer.iterations), ae.bce(tiny, model(tiny).numpy())))

    history = fit(model, tiny, steps=7, record_every=3, validation=tiny, learning_rate=0.1, on_record=look)
    assert [steps for steps, _, _ in seen] == [[3], [3, 6], [3, 6, 7]]
    assert [iterations for _, iterations, _ in seen] == [3, 6, 7]
    assert [loss for _, _, loss in seen] == pytest.approx(history.valid_loss, abs=1e-6)


def test_on_record_may_fail_or_interrupt(small, tiny, fit):
    with pytest.raises(ZeroDivisionError):
        fit(small(), tiny, on_record=lambda history: 1 / 0)
    history = fit(small(), tiny, record_every=1, on_record=lambda history: interrupt_directly())
    assert history.interrupted and history.steps.tolist() == [1]


def test_validation_loss_is_that_of_the_model(mnist, fit):
    model = ae.autoencoder(code_size=3)
    images = mnist.x_test[:2100]  # two whole pieces and a short one
    history = fit(model, mnist.x_valid[:100], steps=4, batch_size=50, validation=images)
    assert history.valid_loss[-1] == pytest.approx(ae.bce(images, model.predict(images, verbose=0)), abs=2e-6)
    assert len(history.valid_loss) == 4


def test_validation_with_a_target(small, tiny, fit):
    model, target = small(), 1 - tiny
    history = fit(
        model, tiny, target=target, loss="mse", validation=tiny[:30], validation_target=target[:30], learning_rate=0.01
    )
    assert history.valid_loss[-1] == pytest.approx(ae.mse(target[:30], model(tiny[:30]).numpy()), abs=1e-6)


def test_target_of_another_width(tiny, fit):
    model = sequential(keras.layers.Dense(3))
    target = tiny[:, :3] * 2
    history = fit(model, tiny, steps=300, batch_size=32, target=target, loss="mse", optimizer="adam", learning_rate=0.05)
    assert history.loss[-1] < 1e-3


def test_training_learns(digits):
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(code_size=16)
    history = ae.fit(model, digits, steps=150, batch_size=64, learning_rate=0.01, progress=False)
    mean = np.broadcast_to(ae.mean_image(digits), digits.shape)
    assert ae.bce(digits, model(digits).numpy()) < 0.75 * ae.bce(digits, mean)
    assert history.loss[-1] < 0.5 * history.loss[0]


def test_penalties_are_added_once(tiny, use_xla):
    use_xla(False)
    keras.utils.set_random_seed(1)
    first = keras.layers.Dense(4, "sigmoid", kernel_regularizer=keras.regularizers.L2(0.125))
    model = dense(first, Penalty())
    hidden = first(tiny).numpy()
    expected = (
        ae.bce(tiny, model(tiny).numpy()) + 2 * hidden.mean() + 0.125 * np.square(first.get_weights()[0]).sum(dtype=float)
    )
    arguments = {"batch_size": 96, "optimizer": "sgd", "learning_rate": 1e-30, "record_every": 1, "progress": False}
    for xla in (False, True):  # the second trace finds what the first has left in the layers
        use_xla(xla)
        history = ae.fit(model, tiny, steps=3, validation=tiny, **arguments)
        assert history.loss == pytest.approx([expected] * 3, rel=1e-5)
        assert history.valid_loss == pytest.approx([expected] * 3, rel=1e-5)
    model(tiny)
    assert float(sum(model.losses)) == pytest.approx(expected - ae.bce(tiny, model(tiny).numpy()), rel=1e-5)


def test_penalty_alone_trains(tiny, fit):
    model = dense(keras.layers.Dense(4, "sigmoid"), Penalty())
    before = model.layers[0](tiny).numpy().mean()
    fit(model, tiny, steps=50, optimizer="adam", learning_rate=0.05, loss=lambda t, r: tf.constant(0.0))
    assert model.layers[0](tiny).numpy().mean() < 0.5 * before


def test_repr_of_a_history(small, tiny, fit):
    assert re.fullmatch(r"History: 3 steps; loss 0\.\d{4}", repr(fit(small(), tiny)))
    shown = repr(fit(small(code_activation="step"), tiny, validation=tiny))
    assert re.fullmatch(
        r"History: 3 steps; loss \S+; validation loss \S+; no gradient reached encoder/code/kernel, encoder/code/bias", shown
    )
    assert repr(training.History((), None, False)) == "History: no step was recorded"


# ---------------------------------------------------------------------------------------------- seeds


@XLA
def test_a_seed_repeats_a_run_to_the_bit(small, tiny, use_xla, xla):
    use_xla(xla)
    made, curves = [], []
    for seed in (5, 5) if xla else (5, 5, 6):
        model = small()
        curves.append(ae.fit(model, tiny, steps=20, batch_size=16, seed=seed, progress=False).loss)
        made.append(model.get_weights())
    assert same(made[0], made[1]) and np.array_equal(curves[0], curves[1])
    assert xla or not (same(made[0], made[2]) or np.array_equal(curves[0], curves[2]))


def test_fit_leaves_the_global_seeds_alone(small, tiny, fit):
    drawn = []
    for train in (False, True):
        model = small()
        if train:
            fit(model, tiny)
        drawn.append((np.random.random(), float(keras.random.uniform(()))))  # noqa: NPY002
    assert drawn[0] == drawn[1]


# ---------------------------------------------------------------------------------------------- variables without gradient


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


def test_all_gradients_there(small, tiny, fit):
    assert fit(small(code_activation="straight_through_step"), tiny).without_gradient == ()


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


def test_frozen_layers_stay(small, tiny, fit):
    model = small(hidden=(8,))
    model.encoder.trainable = False
    frozen = model.encoder.get_weights()
    before = model.decoder.get_weights()
    history = fit(model, tiny, steps=10)
    assert same(frozen, model.encoder.get_weights()) and not same(before, model.decoder.get_weights())
    assert history.without_gradient == ()


# ---------------------------------------------------------------------------------------------- interruption


class Interrupting(training.tqdm):
    """A progress bar that, after some steps, does what a learner's Ctrl-C does."""

    at, act = 6, staticmethod(lambda: signal.raise_signal(signal.SIGINT))

    def update(self, count=1):
        super().update(count)
        self.passed = getattr(self, "passed", 0) + count
        if self.passed == self.at:
            self.act()


def interrupt_directly():
    raise KeyboardInterrupt


def interrupt_twice():
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("act", [lambda: signal.raise_signal(signal.SIGINT), interrupt_directly, interrupt_twice])
def test_interrupt_keeps_everything_up_to_there(small, tiny, fit, monkeypatch, capsys, act):
    monkeypatch.setattr(Interrupting, "act", staticmethod(act))
    monkeypatch.setattr(training, "tqdm", Interrupting)
    handler = signal.getsignal(signal.SIGINT)
    model = small()
    history = fit(model, tiny, steps=1000, record_every=3, validation=tiny)
    assert history.interrupted and history.steps.tolist() == [3, 6]
    assert int(history.optimizer.iterations) == 6
    assert history.valid_loss[-1] == pytest.approx(ae.bce(tiny, model(tiny).numpy()), abs=1e-6)
    assert capsys.readouterr().out == (
        "Training was interrupted after 6 of 1000 steps. The model and its history up to there are kept.\n"
    )
    assert "6 steps (interrupted)" in repr(history)
    assert signal.getsignal(signal.SIGINT) is handler
    untouched = small()
    monkeypatch.undo()
    whole = ae.fit(untouched, tiny, steps=6, batch_size=8, record_every=3, optimizer="sgd", validation=tiny, progress=False)
    assert same(untouched.get_weights(), model.get_weights()) and np.array_equal(whole.loss, history.loss)


def test_interrupt_at_the_last_step_is_no_interruption(small, tiny, fit, monkeypatch, capsys):
    monkeypatch.setattr(training, "tqdm", Interrupting)
    history = fit(small(), tiny, steps=6, record_every=3)
    assert not history.interrupted and history.steps.tolist() == [3, 6] and capsys.readouterr().out == ""


def test_interrupt_from_outside(small, tiny, fit):
    timer = threading.Timer(1.0, _thread.interrupt_main)
    model = small()
    timer.start()
    history = fit(model, tiny, steps=10**7, record_every=50)
    timer.join()
    assert history.interrupted
    done = int(history.steps[-1]) if len(history.steps) else 0
    assert int(history.optimizer.iterations) == done < 10**7
    assert np.all(np.diff(history.steps) == 50)


@pytest.mark.parametrize("act", [lambda: signal.raise_signal(signal.SIGINT), interrupt_directly])
def test_interrupt_while_compiling(small, tiny, fit, monkeypatch, capsys, act):
    compile_loop = training._compile_loop

    def interrupted(*arguments):
        act()
        return compile_loop(*arguments)

    monkeypatch.setattr(training, "_compile_loop", interrupted)
    model = small()
    history = fit(model, tiny, steps=5)
    assert history.interrupted and len(history.steps) == len(history.loss) == 0
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
    whole, halves, forgetful = small(), small(), small()
    fit(whole, x, batch_size=2, steps=6, optimizer="adam", learning_rate=0.01)
    history = fit(halves, x, batch_size=2, steps=3, optimizer="adam", learning_rate=0.01)
    again = fit(halves, x, batch_size=2, steps=3, optimizer=history.optimizer, seed=1)
    assert again.optimizer is history.optimizer and int(again.optimizer.iterations) == 6
    assert again.steps.tolist() == [1, 2, 3]
    for _ in range(2):
        fit(forgetful, x, batch_size=2, steps=3, optimizer="adam", learning_rate=0.01)
    assert same(whole.get_weights(), halves.get_weights())
    assert not same(whole.get_weights(), forgetful.get_weights())


def test_optimizer_also_fits_other_losses_and_keras(small, tiny, fit):
    model = small(code_activation="step")
    history = fit(model, tiny)
    model.compile(history.optimizer, "mse")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Gradients do not exist")
        model.fit(tiny, tiny, batch_size=48, verbose=0)
    assert int(history.optimizer.iterations) == 5


# ---------------------------------------------------------------------------------------------- losses that are not finite


def marked(number, place):
    """Images of zeros; image `place` starts with a 1."""
    x = np.zeros((number, 16), np.float32)
    x[place, 0] = 1
    return x


@pytest.mark.parametrize(
    ("bad", "step", "xla"),
    [
        (np.nan, 1, False),
        (np.nan, 3, False),
        (np.nan, 5, False),
        (np.nan, 6, False),
        (np.inf, 5, False),
        (-np.inf, 5, False),
        (np.nan, 5, True),
    ],
)
def test_loss_that_is_not_finite(small, fit, use_xla, bad, step, xla):
    use_xla(xla)
    place = rows_of(8, 8)[step - 1]
    x = marked(8, place)

    def loss(target, reconstruction):
        return tf.where(target[:, 0] > 0.5, tf.constant(bad, tf.float32), tf.reduce_mean(tf.square(reconstruction), axis=1))

    model = small()
    with pytest.raises(ae.NonFiniteLossError, match=f"at step {step} ") as raised:
        fit(model, x, batch_size=1, steps=8, record_every=3, loss=loss, validation=x[:2] if place > 1 else x[2:])
    error = raised.value
    assert isinstance(error, ArithmeticError) and error.step == step
    for word in (str(bad), "logarithm of 0", "learning rate", "outside the range", ".history"):
        assert word in str(error)
    assert error.history.steps.tolist() == {1: [], 3: [2], 5: [3, 4], 6: [3, 5]}[step]
    assert np.isfinite(error.history.loss).all()
    kept = 1 if step > 3 else 0
    assert np.isfinite(error.history.valid_loss[:kept]).all() and np.isnan(error.history.valid_loss[kept:]).all()
    assert not error.history.interrupted


def test_hand_written_cross_entropy_with_a_logarithm_of_zero(tiny, fit):
    model = sequential(keras.layers.Dense(16, "relu", kernel_initializer="zeros"))
    with pytest.raises(ae.NonFiniteLossError) as raised:
        fit(model, tiny, loss=lambda t, r: -t * tf.math.log(r) - (1 - t) * tf.math.log(1 - r))
    assert raised.value.step == 1 and len(raised.value.history.steps) == 0


def test_learning_rate_that_is_too_high(tiny, fit):
    model = sequential(keras.layers.Dense(16))
    with pytest.raises(ae.NonFiniteLossError) as raised:
        fit(model, tiny, steps=1000, record_every=2, loss="mse", optimizer="sgd", learning_rate=1e6)
    error = raised.value
    assert 1 < error.step < 100 and error.history.steps[-1] == error.step - 1
    assert len(error.history.loss) > 1 and error.history.loss[0] < error.history.loss[-1] < np.inf


# ---------------------------------------------------------------------------------------------- compilation


def pythonic(target, reconstruction):
    """A squared error that XLA cannot compile."""
    return tf.py_function(lambda t, r: tf.square(t - r), [target, reconstruction], tf.float32)


def test_what_xla_cannot_compile_runs_without_it(small, tiny, use_xla, capfd):
    use_xla(True)
    model, twin = small(), small()
    history = ae.fit(model, tiny, steps=6, batch_size=8, loss=pythonic, optimizer="sgd", progress=False)
    assert not history.compiled_with_xla and history.steps[-1] == 6
    expected = ae.fit(twin, tiny, steps=6, batch_size=8, loss="mse", optimizer="sgd", progress=False)
    assert expected.compiled_with_xla
    assert history.loss == pytest.approx(expected.loss, rel=1e-5)
    assert capfd.readouterr() == ("", "")


def test_short_runs_do_without_xla(small, tiny):
    arguments = {"batch_size": 8, "optimizer": "sgd", "progress": False}
    assert not ae.fit(small(), tiny, steps=training._XLA_FROM_STEPS - 1, **arguments).compiled_with_xla
    assert ae.fit(small(), tiny, steps=training._XLA_FROM_STEPS, **arguments).compiled_with_xla


def test_silent_without_a_progress_bar_and_a_bar_with_one(small, tiny, use_xla, capfd):
    use_xla(False)
    ae.fit(small(), tiny, steps=3, batch_size=8, progress=False, validation=tiny)
    assert capfd.readouterr() == ("", "")
    ae.fit(small(), tiny, steps=3, batch_size=8)
    out, err = capfd.readouterr()
    assert out == "" and "3/3" in err and "loss 0." in err


def test_from_another_thread(small, tiny, use_xla):
    use_xla(False)
    model, results = small(), []
    handler = signal.getsignal(signal.SIGINT)

    def train():
        try:
            results.append(ae.fit(model, tiny, steps=5, batch_size=8, validation=tiny, progress=False))
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert isinstance(results[0], training.History), results[0]
    assert results[0].steps[-1] == 5 and signal.getsignal(signal.SIGINT) is handler
    assert results[0].valid_loss[-1] == pytest.approx(ae.bce(tiny, model(tiny).numpy()), abs=1e-6)


def test_unbuilt_model_is_built(tiny, fit):
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(16, "sigmoid")])
    assert fit(model, tiny).steps[-1] == 3 and model.count_params() == 16 * 4 + 4 + 4 * 16 + 16


def test_input_is_left_alone(small, tiny, fit):
    x = tiny.copy()
    fit(small(), x, validation=x)
    assert np.array_equal(x, tiny)
    x.flags.writeable = False
    fit(small(), x, validation=x)
    fit(small(), x.tolist(), steps=1)
    fit(small(), tf.constant(x), steps=1)
    fit(small(), np.asfortranarray(x.astype(float))[::2], steps=1)


# ---------------------------------------------------------------------------------------------- wrong arguments


def two_inputs():
    first, second = keras.Input((16,)), keras.Input((16,))
    return keras.Model([first, second], keras.layers.Dense(16)(first + second))


def two_outputs():
    images = keras.Input((16,))
    return keras.Model(images, [keras.layers.Dense(16)(images), keras.layers.Dense(16)(images)])


def image_output():
    return sequential(keras.layers.Dense(16), keras.layers.Reshape((4, 4)))


X = np.random.default_rng(0).random((20, 16), np.float32)

WRONG = {
    "x of rank 1": ({"x": X[0]}, ValueError, r"x must have two dimensions \(images, pixels\)"),
    "x of rank 3": ({"x": X.reshape(20, 4, 4)}, ValueError, "x must have two dimensions"),
    "x of another width": ({"x": X[:, :9]}, ValueError, "model must take x"),
    "x of strings": ({"x": X.astype(str)}, TypeError, "x must hold real numbers"),
    "x of objects": ({"x": X.astype(object)}, TypeError, "x must hold real numbers"),
    "x of complex numbers": ({"x": X.astype(complex)}, TypeError, "x must hold real numbers"),
    "x with NaN": ({"x": np.where(X > 0.99, np.nan, X)}, ValueError, "x must be finite"),
    "x without images": ({"x": X[:0]}, ValueError, "x must hold at least 1"),
    "no x": ({"x": None}, TypeError, "x must hold real numbers"),
    "steps 0": ({"steps": 0}, ValueError, "steps must be at least 1"),
    "steps negative": ({"steps": -3}, ValueError, "steps must be at least 1"),
    "steps 10.0": ({"steps": 10.0}, TypeError, "steps must be a positive whole number"),
    "steps True": ({"steps": True}, TypeError, "steps must be a positive whole number"),
    "steps None": ({"steps": None}, TypeError, "steps must be a positive whole number"),
    "batch_size 0": ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
    "batch_size 21": ({"batch_size": 21}, ValueError, "batch_size must be at most the number of images, 20, but it is 21"),
    "batch_size '8'": ({"batch_size": "8"}, TypeError, "batch_size must be a positive whole number"),
    "record_every 0": ({"record_every": 0}, ValueError, "record_every must be at least 1"),
    "record_every 2.5": ({"record_every": 2.5}, TypeError, "record_every must be a positive whole number"),
    "on_record a list": ({"on_record": []}, TypeError, "on_record must be a function of the history"),
    "optimizer unknown": ({"optimizer": "adamm"}, ValueError, "adamm"),
    "optimizer None": ({"optimizer": None}, TypeError, "optimizer must be a name or a keras.Optimizer"),
    "optimizer a class": ({"optimizer": keras.optimizers.Adam}, TypeError, "optimizer must be a name"),
    "optimizer and rate": (
        {"optimizer": keras.optimizers.Adam(), "learning_rate": 0.1},
        ValueError,
        "this optimizer object has its own",
    ),
    "rate 0": ({"learning_rate": 0}, ValueError, "learning_rate must be a positive number, but it is 0"),
    "rate negative": ({"learning_rate": -0.1}, ValueError, "learning_rate must be a positive number"),
    "rate NaN": ({"learning_rate": np.nan}, ValueError, "learning_rate must be a positive number"),
    "rate infinite": ({"learning_rate": np.inf}, ValueError, "learning_rate must be a positive number"),
    "rate text": ({"learning_rate": "0.1"}, ValueError, "learning_rate must be a positive number"),
    "loss unknown": ({"loss": "bcee"}, ValueError, "bcee"),
    "loss None": ({"loss": None}, TypeError, r"loss must be a name, a keras.Loss or a function of \(target, reconstruction\)"),
    "loss a class": ({"loss": keras.losses.BinaryCrossentropy}, TypeError, "loss must be a name, a keras.Loss or"),
    "loss of one argument": ({"loss": lambda t: t}, TypeError, "positional argument"),
    "loss that fails": ({"loss": lambda t, r: tf.reshape(t, (7, 7))}, ValueError, "reshape"),
    "target too short": ({"target": X[:19]}, ValueError, "target must have a row for each of the 20 images"),
    "target of one row": ({"target": X[:1]}, ValueError, "target must have a row for each"),
    "target too narrow": ({"target": X[:, :9]}, ValueError, "target must have 16 columns"),
    "target with NaN": ({"target": X * np.nan}, ValueError, "target must be finite"),
    "target of strings": ({"target": X.astype(str)}, TypeError, "target must hold real numbers"),
    "target, validation": ({"target": X, "validation": X}, ValueError, "validation_target must be given when target is"),
    "validation too narrow": ({"validation": X[:, :9]}, ValueError, "validation must have 16 columns"),
    "validation empty": ({"validation": X[:0]}, ValueError, "validation must hold at least 1"),
    "validation of rank 1": ({"validation": X[0]}, ValueError, "validation must have two dimensions"),
    "validation pair": ({"validation": (X, X)}, ValueError, "validation must have two dimensions"),
    "validation_target alone": ({"validation_target": X}, ValueError, "validation_target was given without validation"),
    "validation_target short": (
        {"validation": X, "validation_target": X[:5]},
        ValueError,
        "validation_target must have a row for each of the 20",
    ),
    "seed negative": ({"seed": -1}, ValueError, "seed must be None, a whole number of at least 0"),
    "seed text": ({"seed": "a"}, TypeError, "seed must be None, a whole number"),
}


@pytest.fixture(scope="module")
def untouched():
    return ae.autoencoder(code_size=4, input_size=16)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_raise_before_training(untouched, name):
    arguments, kind, message = WRONG[name]
    arguments = {"x": X, "steps": 3, "batch_size": 8, "progress": False, **arguments}
    before = untouched.get_weights()
    with pytest.raises(kind, match=message):
        ae.fit(untouched, arguments.pop("x"), **arguments)
    assert same(before, untouched.get_weights())


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (two_inputs, ValueError, r"model must take x, but it cannot take images of shape \(20, 16\)"),
        (two_outputs, ValueError, r"model must have one output of shape \(images, pixels\)"),
        (image_output, ValueError, "model must have one output of shape"),
        (lambda: None, TypeError, "model must be a keras.Model, but it is NoneType"),
        (lambda: lambda x: x, TypeError, "model must be a keras.Model, but it is function"),
        (lambda: keras.layers.Dense(16), TypeError, "model must be a keras.Model, but it is Dense"),
        (lambda: ae.Autoencoder, TypeError, "model must be a keras.Model, but it is type"),
        (lambda: sequential(keras.layers.Dense(3)), ValueError, "turns 16 pixels into 3 numbers"),
        (lambda: sequential(keras.layers.Dropout(0.5)), ValueError, "no trainable variable"),
    ],
)
def test_wrong_models(make, kind, message, fit):
    with pytest.raises(kind, match=message):
        fit(make(), X)


def test_optimizer_of_another_model(small, tiny, fit):
    optimizer = fit(small(), tiny).optimizer
    other = small()
    before = other.get_weights()
    with pytest.raises(ValueError, match="optimizer must be new or come from training this very model"):
        fit(other, tiny, optimizer=optimizer)
    assert same(before, other.get_weights())


def test_arguments_after_x_have_names(small, tiny):
    with pytest.raises(TypeError):
        ae.fit(small(), tiny, 10)
    with pytest.raises(TypeError, match="steps"):
        ae.fit(small(), tiny)
    with pytest.raises(TypeError, match="epochs"):
        ae.fit(small(), tiny, steps=1, epochs=3)


# ---------------------------------------------------------------------------------------------- sweep


def test_sweep(small, tiny, fit):
    arguments = {"steps": 5, "batch_size": 8, "optimizer": "sgd", "progress": False}
    models = ae.sweep(lambda size: small(code_size=size), (4, 2, 8), tiny, **arguments)
    assert list(models) == [4, 2, 8]
    for size, model in models.items():
        assert model.encoder.output_shape == (None, size)
        alone = small(code_size=size)
        fit(alone, tiny, steps=5)
        assert same(model.get_weights(), alone.get_weights())


def test_sweep_over_names_from_a_generator(small, tiny):
    models = ae.sweep(
        lambda name: small(code_activation=name), iter(["relu", "tanh"]), tiny, steps=1, batch_size=8, progress=False
    )
    assert list(models) == ["relu", "tanh"]


@pytest.mark.parametrize("values", [[], (), [2, 3, 2], [1, 1.0], "aa"])
def test_sweep_wants_one_or_more_different_values(values, tiny):
    built = []
    with pytest.raises(ValueError, match="values must be one or more different values"):
        ae.sweep(built.append, values, tiny, steps=1, batch_size=8)
    assert not built


def test_sweep_ends_when_interrupted(small, tiny, fit, monkeypatch, capsys):
    monkeypatch.setattr(training, "tqdm", Interrupting)
    models = ae.sweep(lambda size: small(code_size=size), [2, 3, 4], tiny, steps=9, record_every=3, batch_size=8)
    assert list(models) == [2]
    assert "after 6 of 9 steps" in capsys.readouterr().out


def test_sweep_wants_a_model_from_build(tiny):
    with pytest.raises(TypeError, match=r"model must be a keras\.Model, but it is NoneType"):
        ae.sweep(lambda value: None, [1], tiny, steps=1)


@XLA
def test_nothing_of_a_training_outlives_its_model(small, tiny, fit, use_xla, xla):
    """Keras's optimizers, inside a graph of TensorFlow, leave it registered for ever, and the weights with it."""
    use_xla(xla)
    before = {id(thing) for thing in gc.get_objects() if type(thing).__name__.endswith("FuncGraph")}
    model = small()
    history = fit(model, tiny, optimizer="adam")
    weights = [weakref.ref(variable.value) for variable in (*model.variables, *history.optimizer.variables)]
    del model, history
    gc.collect()
    after = {id(thing) for thing in gc.get_objects() if type(thing).__name__.endswith("FuncGraph")}
    assert after <= before
    assert not any(reference() is not None for reference in weights)
