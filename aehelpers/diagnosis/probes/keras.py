"""Keras models: all that the diagnosis needs to know of Keras's own parts stands here, and in states.py."""

import contextlib
import threading
from collections import Counter

import keras
import numpy as np
import tensorflow as tf
from aehelpers.diagnosis.probes.base import Call, Gradient, Step, more_arguments, reconstruction_among
from aehelpers.diagnosis.probes.function import FunctionProbe
from aehelpers.diagnosis.probes.states import random_states_kept
from aehelpers.diagnosis.rows import number_of, parts
from aehelpers.layers import activation_of
from aehelpers.models import compiled_loss

_LOCK = threading.RLock()
# What happens inside of these happens once for every step, or inside of a loop that is compiled: they count as one layer.
_WHOLE = (keras.layers.RNN, keras.layers.Bidirectional, keras.layers.Wrapper, keras.layers.MultiHeadAttention)
_RECURRENT = (keras.layers.RNN, keras.layers.Bidirectional)
_SEQUENTIAL = (*_RECURRENT, keras.layers.Conv1D, keras.layers.TimeDistributed, keras.layers.MultiHeadAttention)
_STEP = 1e-3  # of the optimizer that is tried


class KerasProbe(FunctionProbe):
    """Sequential, functional and subclassed models; those with ``encoder`` and ``decoder`` and no ``call`` of their own too."""

    framework = "keras"
    inside = True

    def __init__(self, model, shape, encode):
        super().__init__(model, shape, encode)
        self.loss = compiled_loss(model)
        self._graphs = {}
        self.optimizer = getattr(model, "optimizer", None)
        self.halves = None if _has_call(model) else (getattr(model, "encoder", None), getattr(model, "decoder", None))
        kinds = [type(layer) for layer in self._layers()]
        self.sequential = any(issubclass(kind, _SEQUENTIAL) for kind in kinds)
        self.recurrent = any(issubclass(kind, _RECURRENT) for kind in kinds)
        self.tokens = any(issubclass(kind, keras.layers.Embedding) for kind in kinds)
        self.dropout = any("Dropout" in kind.__name__ for kind in kinds)
        self.batch_normalization = any(issubclass(kind, keras.layers.BatchNormalization) for kind in kinds)

    def _layers(self):
        return list(self.model._flatten_layers(include_self=False))

    def layer_names(self):
        return [layer.name for layer in self._layers()]

    def number_of_inputs(self):
        return len(getattr(self.model, "inputs", None) or [None])

    def wanted_shape(self):
        wanted = getattr(self.model, "input_shape", None) if self.model.built else None
        return wanted[1:] if isinstance(wanted, tuple) else None

    def _tensors(self, x):
        return keras.tree.map_structure(tf.constant, x)

    def _forward(self, x, training):
        """Return all outputs, and those beside the reconstruction that a penalty may rest on, as lists of tensors."""
        if self.halves is None:
            return keras.tree.flatten(self.model(x, training=training)), []
        encoder, decoder = self.halves
        if not (callable(encoder) and callable(decoder)):
            raise NotImplementedError(
                f"the class {type(self.model).__name__} has no method `call`, and no `encoder` and `decoder` to call one after "
                "the other"
            )
        described = keras.tree.flatten(encoder(x, training=training))
        code = described[0]
        if training and len(described) > 1:
            mean, spread = described[:2]
            code = described[2] if len(described) > 2 else mean + tf.exp(spread / 2) * tf.random.normal(tf.shape(mean))
        return keras.tree.flatten(decoder(code, training=training)), described

    def outputs(self, x, training):
        made = self._compiled(x, training)(self._tensors(x)) if self.recurrent else self._forward(self._tensors(x), training)[0]
        return [np.asarray(part) for part in made]

    def _compiled(self, x, training):
        """Return the model as one graph: run step by step, a loop over 100 steps takes a hundred times as long."""
        key = training, tuple(part.shape[1:] for part in parts(x))
        if key not in self._graphs:
            graph = tf.function(lambda rows: self._forward(rows, training)[0], autograph=False)
            spec = keras.tree.map_structure(lambda part: tf.TensorSpec([None, *part.shape[1:]], part.dtype), self._tensors(x))
            self._graphs[key] = graph.get_concrete_function(spec)  # called by itself, TensorFlow warns of tracing too often
        return self._graphs[key]

    def trace(self, x, training=False, place=None, change=None):
        """Run the model on rows and note the calls of its layers, in their order.

        Parameters
        ----------
        x : array, or several
        training : bool
        place : Place, optional
            An output that ``change``, a function from an array to one, takes and replaces on its way.

        Returns
        -------
        output : ndarray
            The reconstruction.
        calls : list of Call
        """
        calls, counts, whole = [], {}, []
        rows = number_of(x)

        def note(original, layer, *args, **kwargs):
            if whole:
                return original(layer, *args, **kwargs)
            is_whole, before = isinstance(layer, _WHOLE), len(calls)
            if is_whole:
                whole.append(layer)
            try:
                result = original(layer, *args, **kwargs)
            finally:
                if is_whole:
                    whole.pop()
            occurrence = counts.get(id(layer), 0)
            counts[id(layer)] = occurrence + 1
            if place is not None and (place.key, place.occurrence) == (id(layer), occurrence):
                several = isinstance(result, (list, tuple))
                first = result[place.part] if several else result
                new = tf.constant(change(np.asarray(first)), first.dtype)
                result = type(result)(new if n == place.part else part for n, part in enumerate(result)) if several else new
            leaf = is_whole or len(calls) == before  # also what holds layers that it does not call, as tied ones do
            calls.append(_call_of(layer, occurrence, args, kwargs, result, is_whole, leaf, rows))
            return result

        with _listening(note):
            made, _ = self._forward(self._tensors(x), training)
        return self.as_rows([np.asarray(part) for part in made], rows), calls

    @contextlib.contextmanager
    def unchanged(self):
        """Put back what a pass moves: statistics, weights that a layer sets itself (a codebook's means), and random states."""
        kept = [(variable, variable.numpy()) for variable in self.model.variables]
        with random_states_kept():
            try:
                yield
            finally:
                for variable, before in kept:
                    if not np.array_equal(variable.numpy(), before):
                        variable.assign(before)

    def layers_in(self, part):
        """Return the keys of all layers of a part of the model."""
        return {id(layer) for layer in part._flatten_layers()} if isinstance(part, keras.Layer) else set()

    def _names(self):
        """Return the name of each weight, by its id: no two are the same, for all that is measured of a weight goes by it."""
        weights = self.model.weights
        short = Counter(map(name_of, weights))
        names, given = {}, Counter()
        for weight in weights:
            name = name_of(weight) if short[name_of(weight)] == 1 else weight.path
            given[name] += 1
            names[id(weight)] = name if given[name] == 1 else f"{name} ({given[name]})"
        return names

    def weights(self):
        names = self._names()
        return {names[id(weight)]: np.asarray(weight) for weight in self.model.weights}

    def trainable(self):
        names = self._names()
        return {names[id(weight)] for weight in self.model.trainable_weights}

    def penalty(self, x):
        """Return what layers add to the loss of these rows, as a float."""
        self._forward(self._tensors(x), True)
        return float(sum(float(tf.reduce_sum(part)) for part in self.model.losses))

    def for_the_loss(self, loss, x):
        """Return what a loss takes beside target and reconstruction: Keras's own take nothing."""
        more_arguments(loss, 0, "the model")
        return []

    def loss_of(self, loss, target, made, beside):
        """Return the loss of some reconstructions, a float: the mean over the rows."""
        value = loss(tf.constant(target), tf.constant(made, tf.float32), *beside)
        return float(tf.reduce_mean(tf.cast(value, tf.float32)))

    def default_loss(self):
        return keras.losses.get("mse")

    def _values(self, x, target, loss):
        """Return the loss of some rows, and a sum over all that a training could charge for beside it."""
        made, described = self._forward(self._tensors(x), True)
        number = reconstruction_among([tuple(part.shape) for part in made], number_of(x), self.shape)
        rebuilt = tf.reshape(made[number], (-1, *self.shape))
        more_arguments(loss, 0, "the model")
        # Not `total_loss` of _loop.py: the target of a sparse loss has another shape than what is made.
        terms = [
            tf.reduce_mean(loss(tf.constant(target), tf.cast(rebuilt, tf.float32))),
            *map(tf.reduce_sum, self.model.losses),
        ]
        value = tf.add_n([tf.cast(term, tf.float32) for term in terms])
        beside = [*(part for n, part in enumerate(made) if n != number), *described[1:], *self.model.losses]
        if self.halves is None:
            beside += _beside(self.model, self._tensors(x))
        return value, sum((tf.reduce_sum(tf.square(tf.cast(part, tf.float32))) for part in beside), tf.constant(0.0))

    def gradients(self, x, target, loss):
        """Return a `Gradient` for each trainable weight, and the names of variables in use that are none of the model's."""
        called = {}

        def note(original, layer, *args, **kwargs):
            called[id(layer)] = layer
            return original(layer, *args, **kwargs)

        weights, names = list(self.model.trainable_weights), self._names()
        before = [weight.numpy() for weight in weights]
        with tf.GradientTape(persistent=True) as tape, _listening(note):
            value, beside = self._values(x, target, loss)
        values = [weight.value for weight in weights]
        found, other = tape.gradient(value, values), tape.gradient(beside, values)
        own = [weight for layer in called.values() for weight in _own(layer, isinstance(layer, _WHOLE))]
        meets = {id(weight) for weight in own} - {
            id(weight) for weight, old in zip(weights, before, strict=True) if not np.array_equal(weight.numpy(), old)
        }
        gradients = [
            Gradient(names[id(weight)], len(weight.shape) >= 2, _word(g), _word(o) == "flows", id(weight) in meets)
            for weight, g, o in zip(weights, found, other, strict=True)
        ]
        return gradients, self._unregistered(tape.watched_variables(), own)

    def _unregistered(self, watched, own):
        known = {id(weight.value) for weight in [*self.model.variables, *(one for one in own if not one.trainable)]}
        names = {id(weight.value): name_of(weight) for weight in own}
        return [names.get(id(one), "/".join(one.name.split(":")[0].split("/")[-2:])) for one in watched if id(one) not in known]

    def one_step(self, x, target, loss):
        """Let an optimizer of its own take one step, compare it with what its formula says, and take the step back."""
        weights, names = list(self.model.trainable_weights), self._names()
        before = [weight.numpy() for weight in weights]
        try:
            with tf.GradientTape() as tape:
                value, _ = self._values(x, target, loss)
            found = tape.gradient(value, [weight.value for weight in weights])
            pairs = [(g, w, b) for g, w, b in zip(found, weights, before, strict=True) if g is not None]
            if not pairs:
                return []
            keras.optimizers.Adam(_STEP).apply_gradients([(g, w) for g, w, _ in pairs])
            steps = [(names[id(w)], np.asarray(tf.convert_to_tensor(g)), b, w.numpy(), w.constraint) for g, w, b in pairs]
            return [_step_of(*step) for step in steps]
        finally:
            for weight, old in zip(weights, before, strict=True):
                weight.assign(old)


@contextlib.contextmanager
def _listening(note):
    """Let ``note(original, layer, ...)`` stand for the calls of layers; every layer of every kind of model is called this way.

    A graph of the inner tensors, the usual way to see them, exists for functional models only.
    """
    thread = threading.get_ident()
    with _LOCK:  # also around the reading: it could be what another thread has put there
        original = keras.Layer.__call__

        def call(layer, *args, **kwargs):
            if threading.get_ident() != thread:  # another thread's model is not ours
                return original(layer, *args, **kwargs)
            return note(original, layer, *args, **kwargs)

        keras.Layer.__call__ = call
        try:
            yield
        finally:
            keras.Layer.__call__ = original


def _has_call(model):
    return any("call" in vars(kind) for kind in type(model).__mro__[: type(model).__mro__.index(keras.Model)])


def _beside(model, x):
    """Return what an encoder gives beside its first output: the training of a variational model may charge for it."""
    encoder = getattr(model, "encoder", None)
    if not isinstance(encoder, keras.layers.Layer):
        return []
    try:
        return keras.tree.flatten(encoder(x, training=True))[1:]
    except Exception:  # an encoder with arguments of its own: then nothing is known
        return []


def name_of(weight):
    """Return the short name of a weight, by its layer: "lstm/recurrent_kernel", without the parts in between that Keras has."""
    path = weight.path.split("/")
    inner = path[-2:-1]
    if len(path) >= 3 and path[-2].endswith("_cell"):
        inner = path[-3:-2]
    return "/".join([*inner, path[-1]])


def _call_of(layer, occurrence, args, kwargs, result, whole, leaf, rows):
    inputs = [np.asarray(part) for part in keras.tree.flatten((args, kwargs)) if tf.is_tensor(part)]
    outputs = [np.asarray(part) for part in keras.tree.flatten(result) if tf.is_tensor(part)]
    mixes = not isinstance(layer, keras.Model) and (
        hasattr(layer, "kernel") or any(len(w.shape) >= 2 for w in _own(layer, leaf))
    )
    kernel = getattr(layer, "kernel", None) if mixes and not whole else None
    kernel = np.asarray(kernel) if kernel is not None and len(kernel.shape) == 2 else None
    affine = None
    if isinstance(layer, keras.layers.Rescaling):
        affine = float(np.max(layer.scale)), float(np.max(layer.offset))
    return Call(
        name=layer.name,
        key=id(layer),  # a layer compares by value in places where two are meant
        occurrence=occurrence,
        inputs=inputs,
        outputs=outputs,
        leaf=leaf,
        mixes=mixes,
        activation=activation_of(layer.layer if isinstance(layer, keras.layers.TimeDistributed) else layer),
        kernel=kernel,
        affine=affine,
        unbounded=isinstance(layer, (keras.layers.BatchNormalization, keras.layers.LayerNormalization)),
        recurrent=isinstance(layer, _RECURRENT),
        rows=rows,
    )


def _own(layer, leaf):
    if leaf:
        return layer.weights
    below = {id(weight) for part in layer._flatten_layers(include_self=False) for weight in part.weights}
    return [weight for weight in layer.weights if id(weight) not in below]


def _word(gradient):
    if gradient is None:
        return "none"
    return "flows" if float(tf.norm(tf.cast(tf.convert_to_tensor(gradient), tf.float32))) else "zero"


def _step_of(name, gradient, before, after, constraint):
    """Compare a first step of Adam, which moves each entry by the learning rate, with the movement that came."""
    size, old = np.abs(gradient.astype(np.float32)), np.abs(before.astype(np.float32))
    # A constraint may hold an entry at 0; what float16 cannot hold of a step is a fault, what float32 cannot is none.
    should = (size > 1e-5) & (old < _STEP / 8 / np.finfo(np.float32).eps) & ((old > 0) | (constraint is None))
    stuck = float((after == before)[should].mean()) if should.any() else 0.0
    return Step(name, int(should.sum()), stuck)
