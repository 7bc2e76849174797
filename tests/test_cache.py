"""A sweep finds its trained models again, finds no wrong ones, and does not depend on the disk."""

import errno
import functools
import io
import os
import re
import signal
import subprocess
import sys
import time
import zipfile

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers import cache, training
from conftest import ROOT

REAL_FOLDER = cache.folder


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The cache folder of every test here; it does not exist yet."""
    path = tmp_path / "home" / "cache"
    monkeypatch.setattr(cache, "folder", lambda: path)
    return path


@pytest.fixture
def sweep(small, tiny, monkeypatch):
    """`ae.sweep` with a cache, as plain graphs, over two sizes of codes."""
    monkeypatch.setattr(training, "_XLA_FROM_STEPS", 10**9)
    usual = {"steps": 3, "batch_size": 8, "optimizer": "sgd", "progress": False, "cache": True}

    def run(values=(2, 3), x=tiny, build=lambda size: small(code_size=size), **options):
        return ae.sweep(build, values, x, **{**usual, **options})

    return run


@pytest.fixture
def trained(monkeypatch):
    """The models that `fit` was asked to train, by `fit` itself."""
    models, fit = [], training.fit

    @functools.wraps(fit)
    def counting(model, *arguments, **options):
        models.append(model)
        return fit(model, *arguments, **options)

    monkeypatch.setattr(training, "fit", counting)
    return models


@pytest.fixture
def moved(monkeypatch):
    """The models that `fit` was asked to train, in place of which it adds 1 to the weights: that is much faster."""
    models = []

    @functools.wraps(training.fit)
    def adding(model, x, *, steps, on_record, **options):
        models.append(model)
        model.set_weights([weights + 1 for weights in model.get_weights()])
        history = training.History((), None, compiled_with_xla=False)
        history._records.append((steps, 0.5, None))
        on_record(history)
        return history

    monkeypatch.setattr(training, "fit", adding)
    return models


def state(model):
    return [variable.numpy() for variable in model.variables]


def same(first, second):
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def files(folder):
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------------------------------------- found again


def seeded(make):
    def build(value):
        keras.utils.set_random_seed(5)
        return make(value)

    return build


def sequential(*layers):
    return keras.Sequential([keras.Input((16,)), *layers, keras.layers.Dense(16, "sigmoid")])


def functional(size, first_minus_second=True):
    images = keras.Input((16,))
    first, second = keras.layers.Dense(size)(images), keras.layers.Dense(size)(images)
    both = keras.layers.Dense(size)(keras.layers.Concatenate()([first, second]))  # so that both are met in this order
    difference = first - second if first_minus_second else second - first
    return keras.Model(images, keras.layers.Dense(16, "sigmoid")(both + difference))


BUILDS = {
    "autoencoder": lambda size: ae.autoencoder(input_size=16, hidden=(6,), code_size=size),
    "step": lambda size: ae.autoencoder(input_size=16, code_size=size, code_activation="straight_through_step"),
    "tied": lambda size: ae.autoencoder(input_size=16, hidden=(6,), code_size=size, tied=True),
    "variational": lambda size: ae.variational_autoencoder(input_size=16, hidden=(6,), code_size=size),
    "noise and penalty": lambda size: sequential(
        ae.MaskingNoise(0.3), keras.layers.Dense(size, "sigmoid", kernel_regularizer="l2"), ae.KLSparsity(0.1)
    ),
    "noise before a tied one": lambda size: keras.Sequential(
        [keras.Input((16,)), ae.MaskingNoise(0.3), ae.autoencoder(input_size=16, code_size=size, tied=True)]
    ),
    "normalization": lambda size: sequential(keras.layers.Dense(size), keras.layers.BatchNormalization()),
    "not built": lambda size: keras.Sequential([keras.layers.Dense(size), keras.layers.Dense(16, "sigmoid")]),
    "functional": functional,
}


@pytest.mark.parametrize("name", BUILDS)
def test_second_sweep_trains_nothing_and_gives_the_same(sweep, trained, tiny, folder, name):
    build = seeded(BUILDS[name])
    first = sweep(build=build)
    assert len(trained) == 2 and len(files(folder)) == 2
    second = sweep(build=build)
    assert len(trained) == 2 and len(files(folder)) == 2
    assert list(second) == [2, 3]
    for size, model in second.items():
        assert model is not first[size] and same(state(model), state(first[size]))
        untrained = build(size)
        untrained(tiny)
        assert not same(state(model), state(untrained))
        # The second call draws other noise than the first.
        for _ in range(2):
            assert np.array_equal(model(tiny, training=True), first[size](tiny, training=True))


def test_the_same_as_without_a_cache(sweep, tiny):
    stored = sweep([2]) and sweep([2])
    without = sweep([2], cache=False)
    assert same(state(stored[2]), state(without[2]))
    for models in (stored, without):
        ae.fit(models[2], tiny, steps=2, batch_size=8, progress=False)
    assert same(state(stored[2]), state(without[2]))


def test_random_numbers_that_follow_are_the_same(sweep, tiny, moved):
    def run():
        keras.utils.set_random_seed(3)  # once: the second model begins where the first one ended
        sweep(build=lambda size: ae.autoencoder(input_size=16, code_size=size))
        return float(keras.random.uniform(()))

    assert run() == run() and len(moved) == 2


def test_only_what_is_new_is_trained(sweep, moved):
    sweep([2, 3])
    models = sweep([4, 3, 2, 5])
    assert list(models) == [4, 3, 2, 5] and [model.encoder.output_shape[1] for model in moved] == [2, 3, 4, 5]


def test_no_cache_unless_asked_for(sweep, moved, folder):
    sweep(cache=False)
    assert not folder.exists()
    sweep()
    sweep(cache=False)
    assert len(moved) == 6
    with pytest.raises(TypeError):
        ae.sweep(None, [1], None, True)


UNCHANGED = {
    "x as a list": lambda x: {"x": x.tolist()},
    "x in float64": lambda x: {"x": x.astype(float)},
    "x in Fortran's order": lambda x: {"x": np.asfortranarray(x)},
    "x read-only": lambda x: {"x": np.frombuffer(x.tobytes(), np.float32).reshape(x.shape)},
    "validation": lambda x: {"validation": x[:20]},
    "numbers of numpy": lambda x: {"steps": np.int64(3), "batch_size": np.int32(8), "seed": np.uint8(0)},
    "the rate that is meant": lambda x: {"learning_rate": 0.001},
    "on_record": lambda x: {"on_record": print},
    "a new optimizer object": lambda x: {"optimizer": keras.optimizers.SGD(0.001)},
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_what_decides_nothing_changes_nothing(sweep, moved, tiny, name):
    first = sweep([2])
    second = sweep([2], **UNCHANGED[name](tiny))
    assert len(moved) == 1 and same(state(first[2]), state(second[2]))


def test_on_record_is_called_for_what_is_trained(sweep):
    seen = []
    sweep([2, 3], record_every=2, on_record=lambda history: seen.append(int(history.steps[-1])))
    sweep([2, 3], record_every=2, on_record=lambda history: seen.append(int(history.steps[-1])))
    assert seen == [2, 3, 2, 3]


def test_another_process_finds_them(sweep, moved, folder, python, tiny, tmp_path):
    np.save(tmp_path / "x.npy", tiny)
    code = """
import sys
from pathlib import Path
import aehelpers as ae
import keras
import numpy as np
from aehelpers import cache
cache.folder = lambda: Path(sys.argv[1])
x = np.load("x.npy")
keras.layers.Dense(3)  # so that the numbers of the layers differ
for make in (ae.autoencoder, ae.variational_autoencoder):
    def build(size):
        keras.utils.set_random_seed(size)
        return keras.Sequential([keras.Input((16,)), ae.MaskingNoise(0.1), make(input_size=16, code_size=size)])
    ae.sweep(build, [2], x, steps=3, batch_size=8, optimizer="sgd", progress=False, cache=True)
"""
    done = python(code, folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    names = files(folder)
    for make in (ae.autoencoder, ae.variational_autoencoder):

        def build(size, make=make):
            keras.utils.set_random_seed(size)
            return keras.Sequential([keras.Input((16,)), ae.MaskingNoise(0.1), make(input_size=16, code_size=size)])

        sweep([2], build=build)
    assert not moved and files(folder) == names and len(names) == 2


# ---------------------------------------------------------------------------------------------- not found


def one_bit(x):
    other = x.copy()
    other[50, 7] = np.nextafter(other[50, 7], 2)
    return other


def changed(change, make=None):
    """Build a model and then change something about it."""

    def build(size):
        keras.utils.set_random_seed(0)
        model = make(size) if make else ae.autoencoder(input_size=16, hidden=(6,), code_size=size)
        change(model)
        return model

    return {"build": build}


def leave(model):
    pass


def freeze(model):
    model.encoder.trainable = False


def shrink(model):
    model.decoder.layers[0].kernel.regularizer = keras.regularizers.L2(0.1)


def constrain(model):
    model.decoder.layers[0].kernel.constraint = keras.constraints.NonNeg()


def bend(model):
    model.encoder.layers[0].activation = keras.activations.tanh


def cheapen(model):
    model.sampling.kl_weight = 0.5


def plain(**options):
    return changed(leave, lambda size: ae.autoencoder(**{"input_size": 16, "hidden": (6,), "code_size": size, **options}))


def chain(*layers):
    return {"values": [2], **changed(leave, lambda size: sequential(*(make() for make in layers)))}


VARIATIONAL = BUILDS["variational"]

CHANGED = {
    "seed": ({}, {"seed": 1}),
    "steps": ({}, {"steps": 4}),
    "batch_size": ({}, {"batch_size": 9}),
    "record_every": ({}, {"record_every": 2}),
    "learning_rate": ({}, {"learning_rate": 0.002}),
    "optimizer": ({}, {"optimizer": "adam"}),
    "optimizer's momentum": (
        {"values": [2], "optimizer": keras.optimizers.SGD(0.1)},
        {"values": [2], "optimizer": keras.optimizers.SGD(0.1, momentum=0.5)},
    ),
    "optimizer's schedule": (
        {"values": [2], "optimizer": keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10))},
        {"values": [2], "optimizer": keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 11))},
    ),
    "loss": ({}, {"loss": "mse"}),
    "loss object": ({"loss": keras.losses.MeanSquaredError()}, {"loss": keras.losses.MeanAbsoluteError()}),
    "loss object's argument": ({"loss": keras.losses.Huber(0.3)}, {"loss": keras.losses.Huber(0.2)}),
    "loss object's type": (
        {"loss": keras.losses.MeanSquaredError()},
        {"loss": keras.losses.MeanSquaredError(dtype="float64")},
    ),
    "x by a bit": ({}, lambda x: {"x": one_bit(x)}),
    "x in another order": ({}, lambda x: {"x": x[::-1]}),
    "fewer x": ({}, lambda x: {"x": x[:-1]}),
    "target": ({}, lambda x: {"target": one_bit(x)}),
    "target by a bit": (lambda x: {"target": x}, lambda x: {"target": one_bit(x)}),
    "initial weights": (
        {},
        changed(lambda model: model.set_weights([np.nextafter(w, np.float32(2)) for w in model.get_weights()])),
    ),
    "hidden activation": (plain(), plain(hidden_activation="tanh")),
    "code activation": (plain(code_activation="step"), plain(code_activation="straight_through_step")),
    "output activation": (plain(), plain(output_activation=None)),
    "frozen layers": (plain(), changed(freeze)),
    "regularizer of a variable": (plain(), changed(shrink)),
    "constraint of a variable": (plain(), changed(constrain)),
    "activation after the model was made": (plain(), changed(bend)),
    "activation of a tied decoder": (
        plain(tied=True),
        changed(
            lambda model: setattr(model.decoder.layers[0], "activation", keras.activations.tanh),
            lambda size: ae.autoencoder(input_size=16, hidden=(6,), code_size=size, tied=True),
        ),
    ),
    "weight of the KL term": (changed(leave, VARIATIONAL), changed(cheapen, VARIATIONAL)),
    "noise": (chain(lambda: ae.MaskingNoise(0.1, seed=1)), chain(lambda: ae.MaskingNoise(0.2, seed=1))),
    "seed of the noise": (chain(lambda: ae.MaskingNoise(0.1, seed=1)), chain(lambda: ae.MaskingNoise(0.1, seed=2))),
    "penalty": (chain(lambda: ae.KLSparsity(0.1)), chain(lambda: ae.KLSparsity(0.1, weight=2))),
    "order of layers": (
        chain(lambda: ae.KLSparsity(0.1), lambda: keras.layers.ReLU()),
        chain(lambda: keras.layers.ReLU(), lambda: ae.KLSparsity(0.1)),
    ),
    "connections": (changed(leave, functional), changed(leave, lambda size: functional(size, first_minus_second=False))),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_change_is_noticed(sweep, moved, tiny, name):
    before, after = (options(tiny) if callable(options) else options for options in CHANGED[name])
    number = len(sweep(**before))
    sweep(**after)
    assert len(moved) == 2 * number
    sweep(**before)
    sweep(**after)
    assert len(moved) == 2 * number


@pytest.mark.parametrize("place", ["epsilon", "_SOURCE", "keras", "tensorflow", "numpy", "machine"])
def test_a_change_around_it_is_noticed(sweep, moved, monkeypatch, place):
    sweep([2])
    {
        "epsilon": lambda: monkeypatch.setattr(keras.config, "epsilon", lambda: 1e-3),
        "_SOURCE": lambda: monkeypatch.setattr(training, "_SOURCE", "another"),
        "keras": lambda: monkeypatch.setattr(keras, "__version__", "3.99"),
        "tensorflow": lambda: monkeypatch.setattr(tf, "__version__", "2.99"),
        "numpy": lambda: monkeypatch.setattr(np, "__version__", "2.99"),
        "machine": lambda: monkeypatch.setattr(training.platform, "machine", lambda: "abacus"),
    }[place]()
    sweep([2])
    assert len(moved) == 2
    monkeypatch.undo()


def test_names_of_layers_are_numbered_anew():
    text = '[{"name": "dense_7"}, {"name": "relu", "activation": "relu"}, {"name": "dense"}, ["dense_7", 0], "dense_8"]'
    other = '[{"name": "dense_9"}, {"name": "relu_2", "activation": "relu_2"}, {"name": "dense_4"}, ["dense_9", 0], "dense_8"]'
    assert training._without_numbers(text) == training._without_numbers(other)
    for old, new in (("relu", "tanh"), ('["dense_7"', '["dense"'), ("dense_8", "dense_7"), ("0", "1")):
        assert training._without_numbers(text) != training._without_numbers(text.replace(old, new))


# ---------------------------------------------------------------------------------------------- refused


class OwnLoss(keras.losses.Loss):
    def call(self, target, reconstruction):
        return tf.square(target - reconstruction)


class OwnOptimizer(keras.optimizers.SGD):
    pass


class OwnSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1

    def get_config(self):
        return {}


class OwnLayer(keras.layers.Layer):
    def call(self, inputs):
        return inputs


class OwnModel(keras.Sequential):
    pass


def relu(x):
    """Keras writes only this function's name into a configuration."""
    return x


def used_optimizer():
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build([keras.Variable(1.0)])
    return optimizer


def halves():
    model = ae.autoencoder(input_size=16, code_size=2, tied=True)
    return keras.Sequential([keras.Input((16,)), model.encoder, model.decoder])


def around(layer):
    return {"build": lambda size: sequential(layer())}


REFUSED = {
    "a function as loss": (lambda: {"loss": lambda t, r: t - r}, "a loss that is a function"),
    "a function of Keras as loss": (lambda: {"loss": keras.losses.mean_squared_error}, "a loss that is a function"),
    "a loss class of one's own": (lambda: {"loss": OwnLoss()}, "this loss: it uses .*OwnLoss"),
    "an optimizer class of one's own": (lambda: {"optimizer": OwnOptimizer()}, "this optimizer: it uses .*OwnOptimizer"),
    "an optimizer in another": (
        lambda: {"optimizer": keras.optimizers.LossScaleOptimizer(OwnOptimizer())},
        "optimizer: it uses .*test_cache",
    ),
    "a schedule of one's own": (lambda: {"optimizer": keras.optimizers.SGD(OwnSchedule())}, "this optimizer: .*OwnSchedule"),
    "an optimizer that was used": (lambda: {"optimizer": used_optimizer()}, "an optimizer object that has been used"),
    "no seed": (lambda: {"seed": None}, "unless seed is a whole number"),
    "a generator as seed": (lambda: {"seed": np.random.default_rng(0)}, "unless seed is a whole number"),
    "a layer of one's own": (lambda: around(OwnLayer), "this model: it uses .*OwnLayer"),
    "a model of one's own": (lambda: {"build": lambda size: OwnModel([keras.layers.Dense(16)])}, "this model: .*OwnModel"),
    "a lambda": (lambda: around(lambda: keras.layers.Lambda(lambda x: x)), "this model: it uses .*<lambda>"),
    "an activation of one's own": (lambda: around(lambda: keras.layers.Dense(4, relu)), "this model: .*test_cache.relu"),
    "the same in an autoencoder": (
        lambda: {"build": lambda size: ae.autoencoder(input_size=16, hidden_activation=relu, hidden=(4,))},
        "this model: it uses .*test_cache.relu",
    ),
    "part of a function": (
        lambda: around(lambda: keras.layers.Dense(4, functools.partial(tf.nn.leaky_relu, alpha=0.3))),
        "this model: it uses functools.partial",
    ),
    "a regularizer of one's own": (
        lambda: around(lambda: keras.layers.Dense(4, kernel_regularizer=lambda w: tf.reduce_sum(w))),
        "this model: it uses .*<lambda>",
    ),
    "halves of a tied one": (lambda: {"build": lambda size: halves()}, "no configuration"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_later_run_could_not_recognize_is_refused(sweep, moved, folder, name):
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=f"cache must be False .*{message}"):
        sweep(**{"values": [2], **make()})
    assert not moved and not folder.exists()


WRONG = {
    "epochs": ({"epochs": 3}, TypeError, "epochs"),
    "steps": ({"steps": 0}, ValueError, "steps must be at least 1"),
    "batch_size": ({"batch_size": 8.0}, TypeError, "batch_size must be a positive whole number"),
    "too large a batch": ({"batch_size": 97}, ValueError, "at most the number of images"),
    "record_every": ({"record_every": 0}, ValueError, "record_every must be at least 1"),
    "on_record": ({"on_record": []}, TypeError, "on_record must be a function of the history"),
    "loss": ({"loss": None}, TypeError, "loss must be a name"),
    "loss's name": ({"loss": "bcee"}, ValueError, "bcee"),
    "optimizer": ({"optimizer": "adamm"}, ValueError, "adamm"),
    "optimizer for two": (
        {"values": [2, 3], "optimizer": keras.optimizers.SGD(0.1)},
        ValueError,
        "optimizer must be a name when several models are trained",
    ),
    "learning_rate": ({"learning_rate": 0}, ValueError, "learning_rate must be a positive number"),
    "x": ({"x": np.zeros(16)}, ValueError, "x must have two dimensions"),
    "width of x": ({"x": np.zeros((9, 9))}, ValueError, "model must take x"),
    "target": ({"target": np.zeros(16)}, ValueError, "target must have two dimensions"),
    "model": ({"build": lambda size: None}, TypeError, "model must be a keras.Model, but it is NoneType"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_named_as_fit_names_them(sweep, folder, name):
    options, kind, message = WRONG[name]
    for with_cache in (True, False):
        with pytest.raises(kind, match=message):
            sweep(cache=with_cache, **options)
    assert not folder.exists()


# ---------------------------------------------------------------------------------------------- files that are not trusted


def rewritten(path, change):
    """Write a file anew with its content changed, as somebody might who knows how it is made."""
    with np.load(path) as file:
        content = {name: file[name] for name in file.files}
    change(content)
    np.savez(path, **content)


def signed(path, arrays):
    np.savez(path, *arrays, key=path.stem, checksum=cache.digest(path.stem, arrays))


def stored(path):
    with np.load(path) as file:
        return [file[f"arr_{number}"] for number in range(len(file.files) - 2)]


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def evil(path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(path.with_name("evil")),)

    arrays = stored(path)
    np.savez(path, np.array([Evil()], object), *arrays[1:], key=path.stem, checksum="")


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 20),
    "text": lambda path: path.write_text("not found", encoding="utf-8"),
    "a pickle": lambda path: path.write_bytes(b"\x80\x04]\x94."),
    "one array": lambda path: path.write_bytes(npy(np.zeros(3))),
    "another archive": lambda path: zipfile.ZipFile(path, "w").close(),
    "a bit flipped": flip,
    "of another key": lambda path: path.write_bytes(next(p for p in path.parent.iterdir() if p != path).read_bytes()),
    "an object": evil,
    "another value": lambda path: rewritten(path, lambda content: content["arr_0"].__iadd__(1)),
    "an array missing": lambda path: rewritten(path, lambda content: content.pop("arr_1")),
    "an array too many": lambda path: rewritten(path, lambda content: content.update(arr_9=np.zeros(2))),
    "no checksum": lambda path: rewritten(path, lambda content: content.pop("checksum")),
    "another shape": lambda path: signed(path, [array.T for array in stored(path)]),
    "another type": lambda path: signed(path, [array.astype(float) for array in stored(path)]),
    "not finite": lambda path: signed(path, [array * np.float32(np.nan) for array in stored(path)]),
    "infinite": lambda path: signed(path, [array + np.float32(np.inf) for array in stored(path)]),
}


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_replaced(sweep, moved, folder, name):
    sweep([3])
    (other,) = files(folder)
    first = sweep([2])
    damaged = next(path for path in folder.iterdir() if path.name != other)
    DAMAGE[name](damaged)
    second = sweep([2])
    assert len(moved) == 3 and same(state(first[2]), state(second[2]))
    assert len(files(folder)) == 2
    third = sweep([2])
    assert len(moved) == 3 and same(state(first[2]), state(third[2]))


ARRAYS = [
    np.arange(12, dtype=np.float32).reshape(3, 4),
    np.array([1, -2], np.int64),
    np.float32(3.5),
    np.zeros((0, 2), np.uint8),
]


def test_arrays_come_back_as_they_were():
    assert cache.read("aa", ARRAYS) is None
    cache.write("aa", ARRAYS)
    back = cache.read("aa", ARRAYS)
    assert same(ARRAYS, back) and [array.shape for array in back] == [(3, 4), (2,), (), (0, 2)]
    turned = [ARRAYS[0].T[::-1], np.asfortranarray(ARRAYS[0])]
    cache.write("aa", turned)
    assert same(turned, cache.read("aa", turned)) and cache.read("aa", ARRAYS) is None
    cache.write("bb", [])
    assert cache.read("bb", []) == []
    with pytest.raises(TypeError):
        cache.write("cc", [np.array([None])])


def test_no_flipped_bit_is_taken_for_an_array(folder):
    cache.write("aa", ARRAYS)
    path = folder / "aa.npz"
    content = path.read_bytes()
    for place in range(0, len(content), 5):
        path.write_bytes(content[:place] + bytes([content[place] ^ (1 << place % 8)]) + content[place + 1 :])
        found = cache.read("aa", ARRAYS)
        assert found is None or same(found, ARRAYS)  # a date may be wrong
    for length in range(0, len(content), 50):
        path.write_bytes(content[:length])
        assert cache.read("aa", ARRAYS) is None


def test_digest_tells_arrays_apart():
    some = np.arange(6, dtype=np.float32)
    lists = [
        [some],
        [some.reshape(2, 3)],
        [some.reshape(3, 2)],
        [some.astype(np.int32)],
        [some.view(np.int32)],
        [some[:3], some[3:]],
        [some[:2], some[2:]],
        [some, some[:0]],
        [],
    ]
    digests = {cache.digest(text, arrays) for arrays in lists for text in ("", "a")}
    assert len(digests) == 2 * len(lists)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests)
    assert cache.digest("a", [np.asfortranarray(some.reshape(2, 3))]) == cache.digest("a", [some.reshape(2, 3)])


# ---------------------------------------------------------------------------------------------- a disk that refuses


def no_space(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "target", ["numpy.savez", "os.replace", "os.fsync", "builtins.open", "pathlib.Path.mkdir", "pathlib.Path.read_bytes"]
)
def test_a_full_disk_stops_nothing(sweep, moved, folder, monkeypatch, target, capfd):
    with monkeypatch.context() as patch:
        patch.setattr(target, no_space)
        models = [sweep(), sweep()]
    assert [list(trained) for trained in models] == [[2, 3], [2, 3]] and len(moved) == 4
    assert not list(folder.glob("*.tmp"))
    assert target.endswith("read_bytes") or not list(folder.glob("*"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("place", ["home", "home/cache"])
def test_a_file_in_the_place_of_the_folder_stops_nothing(sweep, moved, folder, tmp_path, place, capfd):
    if place == "home/cache":
        folder.parent.mkdir()
    (tmp_path / place).write_text("mine", encoding="utf-8")
    assert list(sweep()) == list(sweep()) == [2, 3] and len(moved) == 4
    assert (tmp_path / place).read_text(encoding="utf-8") == "mine"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_a_folder_without_permission_stops_nothing(sweep, moved, folder, mode):
    folder.mkdir(parents=True)
    folder.chmod(mode)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("root may write everywhere, and so may everybody on Windows")
        assert list(sweep()) == list(sweep()) == [2, 3] and len(moved) == 4
    finally:
        folder.chmod(0o700)
    assert not files(folder)


def test_a_folder_in_the_place_of_a_file_stops_nothing(sweep, moved, folder):
    sweep([2])
    (path,) = folder.iterdir()
    path.unlink()
    path.mkdir()
    assert list(sweep([2])) == list(sweep([2])) == [2] and len(moved) == 3
    assert files(folder) == [path.name]


HEAD = f"""
import os, sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
import numpy as np
from aehelpers import cache
cache.folder = lambda: Path(sys.argv[1])
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_disk_that_ends_in_the_middle_of_a_file(folder, python):
    done = python(
        HEAD + "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "cache.write('aa', [np.ones(100)])\n"
        "cache.write('bb', [np.ones(100_000)])\n"
        "print(cache.read('aa', [np.ones(100)]) is not None, cache.read('bb', [np.ones(100_000)]))\n",
        folder,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True None\n", "")
    assert files(folder) == ["aa.npz"]


def test_old_temporary_files_are_removed(folder):
    folder.mkdir(parents=True)
    for name, hours in (("old.tmp", 25), ("young.tmp", 23), ("old.npz", 1000)):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (time.time() - 3600 * hours,) * 2)
    (folder / "folder.tmp").mkdir()
    os.utime(folder / "folder.tmp", (0, 0))
    cache.write("aa", ARRAYS)
    assert files(folder) == ["aa.npz", "folder.tmp", "old.npz", "young.tmp"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not ask this variable")
def test_where_the_folder_is(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert REAL_FOLDER() == tmp_path / "caches" / "aehelpers"
    assert not (tmp_path / "caches").exists()


# ---------------------------------------------------------------------------------------------- interruption and processes


@pytest.mark.parametrize(
    "interrupt", [lambda: signal.raise_signal(signal.SIGINT), lambda: (_ for _ in ()).throw(KeyboardInterrupt)]
)
def test_an_interrupted_model_is_not_kept(sweep, trained, folder, capsys, interrupt):
    def stop(history):
        if len(trained) == 2:
            interrupt()

    models = sweep([2, 3, 4], record_every=1, on_record=stop)
    assert list(models) == [2, 3] and len(files(folder)) == 1
    assert "Training was interrupted after 1 of 3 steps" in capsys.readouterr().out
    again = sweep([2, 3, 4], record_every=1)
    assert list(again) == [2, 3, 4] and len(trained) == 4 and len(files(folder)) == 3
    assert same(state(models[2]), state(again[2])) and not same(state(models[3]), state(again[3]))


def test_a_model_that_failed_is_not_kept(sweep, small, folder):
    with pytest.raises(ae.NonFiniteLossError):
        sweep(build=lambda size: small(output_activation=None), steps=9, loss="mse", learning_rate=1e30)
    with pytest.raises(ZeroDivisionError):
        sweep(on_record=lambda history: 1 / 0)
    assert not folder.exists()


def test_interrupted_while_writing(folder, monkeypatch):
    def interrupt(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cache.write("aa", ARRAYS)
    assert files(folder) == []


@pytest.fixture
def start(folder):
    """Start code, after HEAD, in processes of their own."""
    running = []

    def run(code, *arguments):
        command = [sys.executable, "-c", HEAD + code, str(folder), *map(str, arguments)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.communicate()


def test_many_processes_at_once(start, folder):
    code = """
numbers = [np.full((50, 40), float(sys.argv[2])), np.arange(9.0) * float(sys.argv[2])]
for _ in range(25):
    cache.write("aa", numbers)
    first, second = cache.read("aa", numbers)
    assert first.min() == first.max() and (second == first[0, 0] * np.arange(9)).all()
print("done")
"""
    processes = [start(code, number) for number in range(1, 5)]
    assert [process.communicate(timeout=120) for process in processes] == [("done\n", "")] * 4
    assert files(folder) == ["aa.npz"]


@pytest.mark.parametrize("place", ["os.fsync", "os.replace"])
def test_a_process_killed_while_writing_leaves_what_was_there(start, folder, place):
    code = f"""
def wait(*arguments):
    print("writing", flush=True)
    time.sleep(100)
{place} = wait
cache.write(sys.argv[2], [np.ones(1000)])
"""
    cache.write("aa", ARRAYS)
    for key in ("aa", "bb"):
        process = start(code, key)
        assert process.stdout.readline() == "writing\n"
        process.kill()
        process.wait()
    assert same(ARRAYS, cache.read("aa", ARRAYS)) and cache.read("bb", [np.ones(1000)]) is None
    assert [path.suffix for path in sorted(folder.iterdir(), key=lambda path: path.suffix)] == [".npz", ".tmp", ".tmp"]
    cache.write("bb", ARRAYS)
    assert same(ARRAYS, cache.read("bb", ARRAYS))


def test_a_process_killed_at_any_moment_leaves_a_whole_file(start):
    code = """
print("writing", flush=True)
for number in range(10**9):
    cache.write("aa", [np.full(300_000, float(number))])
"""
    for seconds in (0.05, 0.11, 0.17):
        process = start(code)
        assert process.stdout.readline() == "writing\n"
        time.sleep(seconds)
        process.kill()
        process.wait()
        found = cache.read("aa", [np.ones(300_000)])
        assert found is None or found[0].min() == found[0].max()


# ---------------------------------------------------------------------------------------------- the progress bar


def test_one_bar_that_is_the_same_in_both_cases(sweep, trained, monkeypatch, capfd):
    bars = []

    class Seen(training.tqdm):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            if not self.disable:
                bars.append(self)

    monkeypatch.setattr(training, "tqdm", Seen)
    for run in range(4):
        sweep(steps=5, record_every=2, progress=True, cache=run < 3)
        assert [(bar.total, bar.n, bar.unit, bar.desc, bar.postfix) for bar in bars] == [(10, 10, " steps", "", None)]
        bars.clear()
        out, err = capfd.readouterr()
        assert out == "" and "10/10" in err and "loss" not in err
    assert len(trained) == 4
    sweep(steps=5, record_every=2, progress=False)
    assert not bars and capfd.readouterr() == ("", "")


def test_the_bar_moves_while_a_model_trains(sweep, monkeypatch):
    seen = []

    class Seen(training.tqdm):
        def update(self, count=1):
            super().update(count)
            if not self.disable:
                seen.append(self.n)

    monkeypatch.setattr(training, "tqdm", Seen)
    sweep([3], steps=5, record_every=2)
    sweep([2, 3, 4], steps=5, record_every=2, progress=True)
    assert seen == [2, 4, 5, 10, 12, 14, 15]
