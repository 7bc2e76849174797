"""A compiled training loop: what `model.fit` does, in a fraction of its time for small models."""

import contextlib
import inspect
import json
import operator
import platform
import re
import signal
import threading
import weakref
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from aehelpers import cache as disk
from aehelpers._imports import without_stderr
from aehelpers._memory import give_back
from aehelpers.arrays import as_function, as_images, as_pixels, positive_integer, random_generator, true_or_false
from tqdm.auto import tqdm

# XLA takes about a second to compile a loop and then makes each step of these models up to three times as fast.
# benchmarks/training.py --break-even prints where that pays.
_XLA_FROM_STEPS = 250

_RECORDS = 40  # points on a loss curve, unless `record_every` says otherwise


@dataclass
class History:
    """What happened during `fit`.

    Attributes
    ----------
    steps : ndarray of int
        The step after which each record was made.
    loss : ndarray of float
        The training loss, averaged over the steps since the record before: nats per pixel for "bce", squared grey levels
        per pixel for "mse". It includes the penalties that layers add with ``add_loss``.
    valid_loss : ndarray of float or None
        The same loss on the validation images after that step; None without validation images.
    without_gradient : tuple of str
        Paths of the trainable variables that the loss does not reach at all. They were left as they were.
    optimizer : keras.Optimizer
        With its state. Hand it to `fit` again to go on with the training.
    interrupted : bool
        Whether Ctrl-C or the stop button ended the training before its last step.
    compiled_with_xla : bool
        Whether the loop was compiled by XLA or ran as a plain TensorFlow graph.
    """

    without_gradient: tuple
    optimizer: keras.Optimizer
    compiled_with_xla: bool
    interrupted: bool = False
    _records: list = field(default_factory=list, repr=False)

    @property
    def steps(self):
        return np.array([record[0] for record in self._records], int)

    @property
    def loss(self):
        return np.array([record[1] for record in self._records], float)

    @property
    def valid_loss(self):
        if self._records and self._records[0][2] is None:
            return None
        return np.array([record[2] for record in self._records], float)

    def __repr__(self):
        if not self._records:
            return "History: no step was recorded"
        step, loss, valid_loss = self._records[-1]
        parts = [f"History: {step} steps{' (interrupted)' if self.interrupted else ''}", f"loss {loss:.4f}"]
        if valid_loss is not None:
            parts.append(f"validation loss {valid_loss:.4f}")
        if self.without_gradient:
            parts.append(f"no gradient reached {', '.join(self.without_gradient)}")
        return "; ".join(parts)


class NonFiniteLossError(ArithmeticError):
    """The training loss became NaN or infinite, and training stopped there.

    Attributes
    ----------
    step : int
        The first step, counted from 1, whose loss was not finite.
    history : History
        Everything that was recorded before it.
    """

    def __init__(self, step, value, history):
        super().__init__(
            f"the loss became {value} at step {step} and training stopped. Likely causes: a logarithm of 0 in a "
            "hand-written loss (take the cross entropy from logits, or keep the logarithm's argument above 0), a learning "
            "rate that is too high, or images outside the range that the loss expects. The history up to there is in the "
            "exception's .history"
        )
        self.step = step
        self.history = history


def fit(
    model,
    x,
    *,
    steps,
    batch_size=128,
    optimizer="adam",
    learning_rate=None,
    loss="bce",
    target=None,
    validation=None,
    validation_target=None,
    record_every=None,
    on_record=None,
    seed=0,
    progress=True,
):
    """Train a model for a number of steps, in a loop that runs inside TensorFlow.

    The result is that of `model.fit` on the same batches. It is faster because the data are put into TensorFlow once and
    because Python is asked for nothing between steps: many steps run in one compiled call. XLA compiles it from 250 steps
    on; a shorter run would not earn back the second that this takes, and gets a plain TensorFlow graph.

    The images are shuffled anew for each epoch. A batch that reaches the end of an epoch is filled up from the start of
    the next one, so every batch has the same size and each image is used exactly once an epoch.

    Parameters
    ----------
    model : keras.Model
        Any model with one input and one output of shape (images, pixels).
    x : array, shape (images, pixels)
        Training images.
    steps : int
        Number of batches.
    batch_size : int
        Images in a batch; at most as many as there are.
    optimizer : str or keras.Optimizer
    learning_rate : float, optional
        For an optimizer given by name; 0.001 unless told. An optimizer object has its own.
    loss : str, keras.Loss or callable
        "bce", "mse", any other name that Keras knows, or a function of (target, reconstruction) that returns a tensor,
        whose mean is taken. Penalties that layers add with ``add_loss`` are added to it.
    target : array, shape (images, pixels), optional
        What to reconstruct, row for row; ``x`` itself unless told.
    validation : array, shape (images, pixels), optional
        Images on which the loss is measured at each record.
    validation_target : array, optional
        What to reconstruct from ``validation``; itself unless told.
    record_every : int, optional
        Steps from one record to the next; unless told, a 40th of ``steps``.
    on_record : callable, optional
        Called with the history after each record, between two compiled calls: the place to measure or draw something
        while the model trains.
    seed : int
        Seed of the shuffling. (The initial weights come from `keras.utils.set_random_seed` before the model is made.)
    progress : bool
        Show a progress bar.

    Returns
    -------
    History
        Also after Ctrl-C or the stop button: the call then returns early, after the steps that are under way, and model,
        optimizer state and history are those of the last step done.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong; before any training.
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    References
    ----------
    Notebook 01 uses it next to plain Keras. The measurements are printed by ``benchmarks/training.py``.
    """
    x = as_images(x, "x")
    width = output_width(model, x)
    target = as_target(target, "target", x, width)
    if validation is not None:
        validation = as_images(validation, "validation", x.shape[1])
        if target is not None and validation_target is None:
            raise ValueError("validation_target must be given when target is, or the two losses would mean different things")
        validation_target = as_target(validation_target, "validation_target", validation, width)
    elif validation_target is not None:
        raise ValueError("validation_target was given without validation")
    steps = positive_integer(steps, "steps")
    batch_size = positive_integer(batch_size, "batch_size")
    if batch_size > len(x):
        raise ValueError(f"batch_size must be at most the number of images, {len(x)}, but it is {batch_size}")
    if on_record is not None:
        as_function(on_record, "on_record", "the history")
    record_every = -(-steps // _RECORDS) if record_every is None else positive_integer(record_every, "record_every")
    record_every = min(record_every, steps)
    optimizer = _as_optimizer(optimizer, learning_rate)
    loss = as_loss(loss)
    check_range(loss, x, target, "x", "target")
    if validation is not None:
        check_range(loss, validation, validation_target, "validation", "validation_target")
    order = _batches(len(x), seed)
    progress = true_or_false(progress, "progress")

    images = _Resident(x)
    targets = images if target is None else _Resident(target)
    reached, missed = _split_by_gradient(model, loss, images, targets, batch_size)
    _build_optimizer(optimizer, reached, model.trainable_variables)
    measure = None
    if validation is not None:
        valid_images = _Resident(validation)
        valid_targets = valid_images if validation_target is None else _Resident(validation_target)
        measure = _compile_validation(model, loss, valid_images, valid_targets)

    done = 0
    history = History(tuple(v.path for v in missed), optimizer, compiled_with_xla=False)
    with _deferred_interrupt() as interrupt, tqdm(total=steps, disable=not progress, unit=" steps") as bar:
        run, history.compiled_with_xla = _compile_loop(
            model, loss, optimizer, reached, images, targets, batch_size, record_every, steps >= _XLA_FROM_STEPS
        )
        while done < steps and not interrupt.is_set():
            count = min(record_every, steps - done)
            losses = run(order(count * batch_size), count)
            finite = np.isfinite(losses)
            if not finite.all():
                first = int(np.argmin(finite))
                if first:
                    history._records.append(
                        (done + first, losses[:first].mean(dtype=float), None if measure is None else np.nan)
                    )
                raise NonFiniteLossError(done + first + 1, losses[first], history)
            done += count
            history._records.append((done, losses.mean(dtype=float), None if measure is None else measure()))
            bar.set_postfix_str(f"loss {losses.mean():.4f}", refresh=False)
            bar.update(count)
            if on_record is not None:
                on_record(history)
    give_back()
    if done < steps:
        history.interrupted = True
        # Not `print`: the progress bar of a sweep is still open, and a terminal would show both on one line.
        tqdm.write(f"Training was interrupted after {done} of {steps} steps. The model and its history up to there are kept.")
    return history


def sweep(build, values, x, *, steps, cache=False, progress=True, on_record=None, **fit_arguments):
    """Train one model for each value, for example one autoencoder per code size.

    Parameters
    ----------
    build : callable
        Takes a value and returns an untrained model.
    values : sequence
        What to try; each must be hashable, and none may stand twice.
    x : array, shape (images, pixels)
        Training images.
    steps : int
        Number of batches for each model.
    cache : bool
        Keep each trained model in the user's cache folder and, in a later run, take it from there instead of training it.
        A model is found again if it starts from the same weights (call `keras.utils.set_random_seed` before it is made)
        and everything else that decides its training is the same: the images, the arguments, this package and its
        libraries. Without a folder that can be written to, all models are trained, as they are without a cache.
    progress : bool
        Show a progress bar, one for all models.
    on_record : callable, optional
        As for `fit`. It is not called for a model that comes from the cache.
    **fit_arguments
        Handed to `fit`, the same for all.

    Returns
    -------
    dict
        ``{value: trained model}`` in the order of ``values``. After Ctrl-C or the stop button it ends with the model that
        was in training.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong: there are no values, or one stands twice, for example. With a cache also if the training
        cannot be repeated (``seed=None``, an optimizer object that has been used) or depends on code that is in neither
        Keras, TensorFlow nor this package, a hand-written loss for example: a later run could not tell whether that code is
        still the same.
    """
    build = as_function(build, "build", "a value")
    try:
        values = list(values)
        different = len(set(values))
    except TypeError as error:
        raise TypeError(f"values must be a sequence of values that are hashable, but it is {values!r:.200}: {error}") from error
    if not values or different != len(values):
        raise ValueError(f"values must be one or more different values, but they are {values!r}")
    x = as_images(x, "x")
    steps = positive_integer(steps, "steps")
    if on_record is not None:
        as_function(on_record, "on_record", "the history")
    cache, progress = true_or_false(cache, "cache"), true_or_false(progress, "progress")
    told = inspect.signature(fit).bind(None, x, steps=steps, **fit_arguments).arguments
    if isinstance(told.get("optimizer"), keras.Optimizer) and len(values) > 1:
        raise ValueError("optimizer must be a name when several models are trained: an optimizer object belongs to one model")
    training = _describe_training(x, steps=steps, **fit_arguments) if cache else None
    models = {}
    with tqdm(total=steps * len(values), disable=not progress, unit=" steps") as bar:

        def advance(history):
            bar.update(int(history.steps[-1]) - bar.n % steps)
            if on_record is not None:
                on_record(history)

        for value in values:
            model = build(value)
            if any(model is earlier for earlier in models.values()):
                raise ValueError(f"build must make a new model for each value, but for {value!r} it returned an earlier one")
            models[value] = model
            key = _key(model, x, training) if cache else None
            if cache and _restore(model, key):
                bar.update(steps)
                continue
            if fit(model, x, steps=steps, progress=False, on_record=advance, **fit_arguments).interrupted:
                break
            if cache:
                disk.write(key, _state(model))
    return models


# Read now: a file that is edited later is not the code that runs here.
_SOURCE = disk.digest(
    "".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("training.py", "models.py", "layers.py")),
    [],
)

# Where code must come from so that versions and sources say whether it is the same as in an earlier run.
_KNOWN_CODE = ("keras.", "tensorflow.", "aehelpers.layers.", "aehelpers.models.")


def _describe_training(x, **fit_arguments):
    """Return all that the training of a model on ``x`` depends on, besides the model, for `_key`."""
    bound = inspect.signature(fit).bind(None, x, **fit_arguments)
    bound.apply_defaults()
    told = bound.arguments
    optimizer = _as_optimizer(told["optimizer"], told["learning_rate"])
    if optimizer.built:
        raise ValueError(
            "cache must be False for an optimizer object that has been used: what it does depends on what it did before. Give "
            "its name and a learning_rate instead"
        )
    as_loss(told["loss"])  # says what is wrong with it
    loss = told["loss"]
    if isinstance(loss, keras.Loss):
        # Some losses of Keras (Huber, for one) leave arguments out of their configuration.
        loss = [_describe(loss, "loss"), getattr(loss, "_fn_kwargs", None), loss.dtype]
    elif not isinstance(loss, str):
        raise ValueError(f"cache must be False for a loss that is a function: a later run could not recognize {loss!r}")
    try:
        seed = operator.index(told["seed"])
    except TypeError as error:
        raise ValueError(f"cache must be False unless seed is a whole number, but it is {told['seed']!r}") from error
    target, record_every = told["target"], told["record_every"]
    return {
        "steps": told["steps"],
        "batch_size": positive_integer(told["batch_size"], "batch_size"),
        # It sets the size of the compiled loop, and with it, possibly, the order in which a compiler adds numbers.
        "record_every": None if record_every is None else positive_integer(record_every, "record_every"),
        "seed": seed,
        "optimizer": _describe(optimizer, "optimizer"),
        "loss": loss,
        "x": disk.digest("", [x]),
        "target": None if target is None else disk.digest("", [as_images(target, "target")]),
        "settings": [keras.config.epsilon(), keras.config.floatx()],
        "versions": [tf.__version__, keras.__version__, np.__version__],
        "machine": [platform.system(), platform.machine()],
        "source": _SOURCE,
    }


def _key(model, x, training):
    """Return the name under which the trained model is kept."""
    output_width(model, x)  # says what is wrong with the model, and builds it if it is not built
    trainable = {id(variable) for variable in model.trainable_variables}
    # Layer by layer, because a layer may have been changed after its model was made. The first is the model itself.
    layers = model._flatten_layers()
    origins = [_origins(layer, "model") for layer in layers]
    configurations = [_configuration(layer) for layer in layers]
    if configurations[0] is None:
        raise ValueError("cache must be False for this model: it has no configuration that says how its layers are connected")
    description = {
        **training,
        "layers": [origins, configurations],
        "variables": [
            [id(variable) in trainable, *(_describe(part, "model") for part in (variable.regularizer, variable.constraint))]
            for variable in model.variables
        ],
    }
    text = json.dumps(keras.saving.serialize_keras_object(description), sort_keys=True)
    for module in re.findall(r'"module": "(.*?)"', text):
        if module != "builtins":
            _check_code(module, "model, loss or optimizer")
    return disk.digest(_without_numbers(text), _state(model))


def _without_numbers(text):
    """Replace, in JSON, names such as "dense_7": the eighth dense layer of this process may be the first of the next one."""
    names = dict.fromkeys(re.findall(r'"name": "(.*?)"', text))
    renamed = {name: re.sub(r"_\d+$", "", name) + f" {number}" for number, name in enumerate(names)}
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda found: f'"{renamed.get(found[1], found[1])}"', text)


def _describe(thing, argument):
    """Return what a Keras object is and does, or say that a later run could not recognize it."""
    return None if thing is None else [_origins(thing, argument), _configuration(thing)]


def _configuration(thing):
    try:
        return thing.get_config()
    except NotImplementedError:  # the decoder of a tied autoencoder, which is described by the autoencoder
        return None


def _origins(thing, argument):
    """Return where the class of a Keras object and the functions that it calls are defined."""
    functions = {name: _origin(part, argument) for name, part in vars(thing).items() if callable(part)}
    return [_origin(thing, argument), functions]


def _origin(thing, argument):
    """Return where a function, or the class of an object, is defined."""
    module = getattr(thing, "__module__", type(thing).__module__)  # some types of extension modules hide theirs
    origin = f"{module}.{getattr(thing, '__qualname__', type(thing).__qualname__)}"
    _check_code(origin, argument)
    return origin


def _check_code(origin, argument):
    if not f"{origin}.".startswith(_KNOWN_CODE):
        raise ValueError(
            f"cache must be False for this {argument}: it uses {origin}, and a later run can recognize only code of Keras, "
            "TensorFlow and aehelpers"
        )


def _state(model):
    """Return the values of all variables: the weights, and the states of layers that draw random numbers."""
    return [variable.numpy() for variable in model.variables]


def _restore(model, key):
    """Give a model the state that is kept under a key, and return whether there is one."""
    values = disk.read(key, like=_state(model))
    if values is None:
        return False
    for variable, value in zip(model.variables, values, strict=True):
        variable.assign(value)
    return True


_resident_tensors = {}  # by the id of an array that cannot change, for as long as that array lives


class _Resident:
    """An array inside TensorFlow; as bytes, a quarter of the size, where every value is a byte divided by 255."""

    def __init__(self, array):
        constant = _is_constant(array)
        self.tensor = _resident_tensors.get(id(array)) if constant else None
        if self.tensor is None:
            levels = _as_bytes(array)
            self.tensor = tf.constant(array if levels is None else levels)
            if constant:
                _resident_tensors[id(array)] = self.tensor
                weakref.finalize(array, _resident_tensors.pop, id(array), None)
        self._as_bytes = self.tensor.dtype == tf.uint8

    def __len__(self):
        return self.tensor.shape[0]

    def take(self, tensor, rows):
        return self._to_float(tf.gather(tensor, rows))

    def between(self, start, stop):
        return self._to_float(self.tensor[start:stop])

    def _to_float(self, tensor):
        return tf.cast(tensor, tf.float32) / 255 if self._as_bytes else tensor


def _is_constant(array):
    """Whether nothing can write to the array, nor to what it is a part of; so it is with those of `load`."""
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return False
        array = array.base
    return array is None or memoryview(array).readonly


def _as_bytes(array):
    """Return the uint8 array that, divided by 255, is exactly ``array``, or None where there is none."""
    levels = np.empty(array.shape, np.uint8)
    exact = np.arange(256, dtype=np.float32) / 255
    for start in range(0, len(array), 512):  # in pieces that stay in the processor's cache
        piece = array[start : start + 512]
        if piece.min() < 0 or piece.max() > 1:
            return None
        levels[start : start + 512] = piece * 255 + 0.5
        if not np.array_equal(exact[levels[start : start + 512]], piece):
            return None
    return levels


def total_loss(model, loss, inputs, targets, training):
    """Return what is minimized, a scalar tensor: the mean of the loss, and the penalties that layers add with ``add_loss``."""
    value = loss(targets, model(inputs, training=training))
    if value is None:  # TensorFlow's message would not say what is None
        raise TypeError("loss must return a tensor, but it returned None")
    return tf.add_n([tf.reduce_mean(value), *(tf.reduce_sum(penalty) for penalty in model.losses)])


def _compile_loop(model, loss, optimizer, variables, images, targets, batch_size, length, with_xla):
    """Return a function of (rows, count) that takes ``count`` steps, at most ``length``, and whether XLA compiled it."""

    def apply(gradients):
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):  # refuses to be called from `merge_call`
            optimizer.apply(gradients, variables)
        else:
            # Elsewhere, Keras sums the gradients over all devices, by an operation that TensorFlow never forgets: it would
            # keep the graph and the model's weights for as long as the process lives.
            tf.distribute.get_replica_context().merge_call(lambda _: optimizer.apply(gradients, variables))

    @tf.function(jit_compile=with_xla, autograph=False)
    def loop(rows, count, image_tensor, target_tensor):
        def advance(i, losses):
            batch = tf.slice(rows, [i * batch_size], [batch_size])
            inputs = images.take(image_tensor, batch)
            outputs = inputs if targets is images else targets.take(target_tensor, batch)
            with tf.GradientTape() as tape:
                value = total_loss(model, loss, inputs, outputs, training=True)
                scaled = optimizer.scale_loss(value)  # `apply` divides by the scale, where there is one
            apply(tape.gradient(scaled, variables))
            return i + 1, tf.tensor_scatter_nd_update(losses, [[i]], [value])

        def goes_on(i, losses):
            return (i < count) & tf.math.is_finite(losses[tf.maximum(i - 1, 0)])

        return tf.while_loop(goes_on, advance, (0, tf.zeros(length)))[1]

    def run(rows, count):
        padded = np.zeros(length * batch_size, np.int32)  # one shape, so that it is compiled once
        padded[: len(rows)] = rows
        return loop(tf.constant(padded), tf.constant(count), images.tensor, targets.tensor).numpy()[:count]

    # A function that is traced only once cannot set off TensorFlow's warning about tracing too often.
    loop = loop.get_concrete_function(
        tf.TensorSpec([length * batch_size], tf.int32), tf.TensorSpec([], tf.int32), images.tensor, targets.tensor
    )
    try:
        with without_stderr():  # the compiler talks
            run([], 0)  # compiles and takes no step
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        if not with_xla:
            raise
        # A layer or loss uses an operation that XLA lacks (`tf.py_function`, for example).
        return _compile_loop(model, loss, optimizer, variables, images, targets, batch_size, length, with_xla=False)
    return run, with_xla


def _compile_validation(model, loss, images, targets):
    @tf.function(autograph=False, input_signature=[tf.TensorSpec([], tf.int32)] * 2)
    def on_piece(start, stop):
        return total_loss(model, loss, images.between(start, stop), targets.between(start, stop), training=False)

    on_piece = on_piece.get_concrete_function()  # as above, against the warning about tracing too often

    def measure(piece=1000):
        starts = range(0, len(images), piece)
        sizes = [min(piece, len(images) - start) for start in starts]
        losses = [float(on_piece(tf.constant(s), tf.constant(s + n))) for s, n in zip(starts, sizes, strict=True)]
        return float(np.average(losses, weights=sizes))

    return measure


def _split_by_gradient(model, loss, images, targets, batch_size):
    """Return the trainable variables with a gradient and those without, and try the loss on a batch before training."""
    variables = model.trainable_variables
    missing = []

    @tf.function(autograph=False)
    def trace():
        inputs = images.between(0, batch_size)
        outputs = targets.between(0, batch_size)
        with tf.GradientTape() as tape:
            value = total_loss(model, loss, inputs, outputs, training=True)
        gradients = tape.gradient(value, variables)
        missing[:] = [gradient is None for gradient in gradients]
        return value

    trace.get_concrete_function()  # traced, not run: no random state moves
    reached = [v for v, absent in zip(variables, missing, strict=True) if not absent]
    if not reached:
        raise ValueError(
            "model has no trainable variable that the loss depends on: no gradient reaches any of them, so there is nothing "
            "to train"
        )
    return reached, [v for v, absent in zip(variables, missing, strict=True) if absent]


def _batches(number, seed):
    """Return a function that hands out the next rows of one endless shuffle, epoch after epoch."""
    generator = random_generator(seed, "seed")
    left = np.empty(0, np.int32)

    def take(count):
        nonlocal left
        pieces = [left]
        while sum(map(len, pieces)) < count:
            pieces.append(generator.permutation(number).astype(np.int32))
        rows = np.concatenate(pieces)
        left = rows[count:]
        return rows[:count]

    return take


@contextlib.contextmanager
def _deferred_interrupt():
    """Turn the first Ctrl-C into an event that the loop looks at between calls; a second one interrupts at once.

    Without this, the interrupt would arrive after a call has changed the weights and before its losses are recorded.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked  # only the main thread may set a handler, and only it is interrupted
        return
    before = signal.getsignal(signal.SIGINT)

    def on_interrupt(number, frame):
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield asked
    except KeyboardInterrupt:
        asked.set()
    finally:
        signal.signal(signal.SIGINT, before)


def output_width(model, x):
    """Return how many columns the model's output has for images like ``x``, or say why it cannot be trained on them."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model, but it is {type(model).__name__}")
    try:
        output = model(tf.constant(x[:2]), training=False)
    except Exception as error:  # whatever a model says to images that it was not made for
        raise ValueError(f"model must take x, but it cannot take images of shape {x.shape}: {error}") from error
    if not tf.is_tensor(output) or output.shape.rank != 2:
        raise ValueError(f"model must have one output of shape (images, pixels), but for x it gives {output!r:.200}")
    return output.shape[1]


def as_target(target, name, x, width):
    """Return the target as an array with a row for each image and ``width`` columns, or None where it is the image itself."""
    if target is None:
        if width != x.shape[1]:
            raise ValueError(f"{name} must be given, since the model turns {x.shape[1]} pixels into {width} numbers")
        return None
    target = as_images(target, name, width)
    if len(target) != len(x):
        raise ValueError(f"{name} must have a row for each of the {len(x)} images, but its shape is {target.shape}")
    return target


def _as_optimizer(optimizer, learning_rate):
    if isinstance(optimizer, keras.Optimizer):
        if learning_rate is not None:
            raise ValueError("learning_rate is for an optimizer given by name; this optimizer object has its own")
        return optimizer
    if not isinstance(optimizer, str):
        raise TypeError(f"optimizer must be a name or a keras.Optimizer, but it is {optimizer!r}")
    learning_rate = 1e-3 if learning_rate is None else learning_rate
    if not isinstance(learning_rate, (int, float, np.number)) or learning_rate is True or not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate must be a positive number, but it is {learning_rate!r}")
    try:
        made = keras.optimizers.get(optimizer)
    except ValueError as error:
        raise ValueError(f"optimizer must be a name that Keras knows or a keras.Optimizer, but it is {optimizer!r}") from error
    made.learning_rate = float(learning_rate)
    return made


def _build_optimizer(optimizer, reached, variables):
    if optimizer.built:
        known = {id(v) for v in optimizer._trainable_variables}
        if not all(id(v) in known for v in reached):
            raise ValueError(
                "optimizer must be new or come from training this very model, but it was built for other variables"
            )
    else:
        optimizer.build(variables)  # all of them, as Keras does, so that the state fits a saved model


def as_loss(loss):
    """Return a function of (target, reconstruction) for a name, a keras.Loss or such a function.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or Keras does not know the name.
    """
    if isinstance(loss, str):
        try:
            return keras.losses.get(loss)
        except ValueError as error:
            raise ValueError(f"loss must be a name that Keras knows, a keras.Loss or a function, but it is {loss!r}") from error
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(f"loss must be a name, a keras.Loss or a function of (target, reconstruction), but it is {loss!r}")
    return loss


def check_range(loss, x, target, name, target_name):
    """Say so when a binary cross entropy is to be taken of a target outside [0, 1]: it has no least value there.

    Parameters
    ----------
    loss : callable
        What `as_loss` returned.
    x : array
        What is reconstructed where ``target`` is None.
    target : array or None
    name, target_name : str
        The names of the two, for the error message.

    Raises
    ------
    ValueError
        If it is a cross entropy of Keras, by name, object or function, and a value lies outside [0, 1].
    """
    if loss is keras.losses.binary_crossentropy or isinstance(loss, keras.losses.BinaryCrossentropy):
        as_pixels(x if target is None else target, name if target is None else target_name)
