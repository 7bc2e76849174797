"""What is public, and what is set when the package is imported. That it is silent, test_faults.py knows."""

import importlib
import os
import signal
import sys

import aehelpers as ae
import pytest
from aehelpers import _quiet


@pytest.mark.parametrize("name", ae.__all__)
def test_each_public_name_is_there_once_and_documented(name):
    thing = vars(ae)[name]
    assert ae.__all__.count(name) == 1
    assert thing.__name__.lower() in (name.lower(), name.replace("_", ""))  # `autoencoder` is the class Autoencoder
    assert thing.__module__.startswith("aehelpers.")
    assert thing.__doc__ and not thing.__doc__.startswith(f"{thing.__name__}(")  # the second is what a dataclass makes up


def test_messages_of_all_kinds_reach_the_reader(python):
    done = python(
        "import os, sys, warnings\n"
        "import aehelpers, numpy, tensorflow as tf\n"
        "os.write(2, b'of a library in C\\n')\n"
        "print('of Python', file=sys.stderr)\n"
        "warnings.warn('a warning of Python')\n"
        "tf.get_logger().warning('a warning of TensorFlow')\n"
        "tf.print('a tensor', output_stream=sys.stderr)\n"
        "try:\n"
        "    tf.io.read_file('no/such/file')\n"
        "except tf.errors.NotFoundError:\n"
        "    sys.stderr.flush()\n"
        # TensorFlow ends the process when it computes with memory at an odd address.
        "array = numpy.zeros(100, numpy.uint8)[1:97].view(numpy.float32)\n"
        "tf.experimental.dlpack.from_dlpack(array.__dlpack__()) + 1\n"
    )
    expected = ["of a library in C", "of Python", "a warning of Python", "a warning of TensorFlow", "a tensor"]
    expected += ["no/such/file", "Check failed: IsAligned()"]
    assert [text for text in expected if text not in done.stderr] == []
    assert done.stdout == "" and (os.name == "nt" or done.returncode == -signal.SIGABRT)


def test_keras_before_aehelpers(python):
    found = "keras.saving.get_registered_object('aehelpers>Autoencoder') is ae.autoencoder"
    done = python(f"import keras\nimport aehelpers as ae\nprint({found})")
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize("name", ["TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"])
def test_a_setting_of_the_user_is_kept(name, monkeypatch):
    monkeypatch.setenv(name, "3")
    importlib.reload(_quiet)
    assert os.environ[name] == "3"
    monkeypatch.delenv(name)
    importlib.reload(_quiet)
    assert os.environ[name] == {"TF_CPP_MIN_LOG_LEVEL": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}[name]


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told how to give memory back, and /proc is Linux's")
def test_memory_that_is_free_goes_back(python):
    """TensorFlow alone keeps the room of one copy of the images (172 MB), or of several, for ever."""
    done = python(
        "import re\n"
        "import aehelpers as ae\n"
        "import tensorflow as tf\n"
        "def own():\n"
        "    return int(re.search(r'RssAnon:\\s+(\\d+)', open('/proc/self/status').read())[1]) / 1024\n"
        "x = ae.load('mnist').x_train\n"
        "model = ae.autoencoder(code_size=4)\n"
        "model(x[:10])\n"
        "before = own()\n"
        "for number in (55_000, 10_000, 8_000, 10_000, 4_000):\n"
        "    made = model(x[:number]).numpy()\n"
        "    del made\n"
        "    print(own() - before)\n"
    )
    assert max(map(float, done.stdout.split())) < 30, done.stdout + done.stderr
