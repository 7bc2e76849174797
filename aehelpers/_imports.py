"""What has to happen when TensorFlow and Keras are loaded, no matter who loads them first.

`import aehelpers` loads neither, yet three promises depend on them:

* no red block of start-up messages under the first cell. TensorFlow 2.21 writes a dozen lines about oneDNN, CUDA and the
  processor to file descriptor 2, when it is imported and again at its first operation and its first compilation. No
  environment variable stops them all, so the descriptor is turned away for that moment. Python's own errors get through.
* `keras.models.load_model` understands a saved autoencoder after `import aehelpers` alone, so our classes have to be
  registered as soon as Keras is there.
* thirty kernels fit on one machine, for which TensorFlow's way with memory has to be set before it starts.
"""

import contextlib
import importlib
import importlib.machinery
import os
import sys

from aehelpers import _memory


@contextlib.contextmanager
def without_stderr():
    """Turn file descriptor 2 away: what TensorFlow writes there cannot be stopped in any other way."""
    try:
        kept = os.dup(2)
    except OSError:  # a process without a standard error has nothing to turn away
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


def _load_tensorflow(module, execute):
    _memory.keep_small()
    with without_stderr():
        execute(module)
        number = module.zeros(())
        module.function(lambda x: x + 1.0, jit_compile=True)(number)


def _load_keras(module, execute):
    execute(module)
    register_with_keras()


def register_with_keras():
    """Make our classes known to Keras, when Keras is loaded and runs on TensorFlow."""
    keras = sys.modules.get("keras")
    if keras is not None and keras.backend.backend() == "tensorflow":
        importlib.import_module("aehelpers.models")


_LOADERS = {"tensorflow": _load_tensorflow, "keras": _load_keras}


class Watcher:
    """Finds TensorFlow and Keras where Python would, and wraps the moment in which they are loaded."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in _LOADERS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute, load = spec.loader.exec_module, _LOADERS[name]
            spec.loader.exec_module = lambda module: load(module, execute)
        return spec
