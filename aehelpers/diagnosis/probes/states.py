"""What running a model moves beside its weights: the random states of Python and of the libraries that models draw from."""

import contextlib
import importlib
import random
import sys

import numpy as np


@contextlib.contextmanager
def random_states_kept():
    """Put the global random states back afterwards: of Python, NumPy, Keras and TensorFlow, and of PyTorch if it is loaded.

    What nobody can put back: TensorFlow counts inside of its kernels how often an operation with a seed of its own has drawn,
    ``tf.random.normal(..., seed=3)``, and any random operation of a model's own ``tf.function``. These go on where the examined
    model left them; the first ones begin anew if also ``tf.random.set_seed`` was used and the model drew without a seed.
    """
    with _of_python(), _of_keras(), _of_tensorflow(), _of_torch():
        yield


def _private(module, name):
    """Return what a library does not promise to keep; None where it is gone, and then that one state is not put back."""
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return None


@contextlib.contextmanager
def _of_python():
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


@contextlib.contextmanager
def _of_keras():
    """Of the generator behind `keras.random` without a seed; where there was none, none stays, for it is made of a set seed."""
    global_state = _private("keras.src.backend.common", "global_state")
    key = _private("keras.src.random.seed_generator", "GLOBAL_SEED_GENERATOR")
    if global_state is None or key is None:
        yield
        return
    before = global_state.get_global_attribute(key)
    state = None if before is None else before.state.numpy()
    try:
        yield
    finally:
        global_state.set_global_attribute(key, before)
        if before is not None:
            before.state.assign(state)


@contextlib.contextmanager
def _of_tensorflow():
    context = _private("tensorflow.python.eager", "context")
    stateful_random_ops = _private("tensorflow.python.ops", "stateful_random_ops")
    if context is None or stateful_random_ops is None:
        yield
        return
    seeds = getattr(context.context(), "_rng", None)  # of operations without a seed, if tf.random.set_seed was used
    next_seed = None if seeds is None else seeds.getstate()
    generator = stateful_random_ops.global_generator
    state = None if generator is None else generator.state.numpy()
    try:
        yield
    finally:
        if seeds is not None and seeds.getstate() != next_seed:
            seeds.setstate(next_seed)
            # The kernel that drew with a seed goes on from there when the seed comes again: it has to be made anew.
            context.context().clear_kernel_cache()
        stateful_random_ops.global_generator = generator
        if generator is not None:
            generator.state.assign(state)


def _of_torch():
    torch = sys.modules.get("torch")
    if torch is None:
        return contextlib.nullcontext()
    return torch.random.fork_rng(range(torch.cuda.device_count()) if torch.cuda.is_initialized() else [])
