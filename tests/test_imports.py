"""`import aehelpers` is light and silent, and what loads after it stays silent."""

import os
import sys

import aehelpers as ae
import pytest
from aehelpers import _imports


def test_import_is_light_and_silent(python):
    done = python(
        "import sys, aehelpers\nheavy = {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)\nassert not heavy, heavy",
        options=("-W", "error"),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ae.__all__)
def test_each_public_name_resolves_and_is_documented(name):
    thing = getattr(ae, name)
    assert thing.__name__ == name
    assert thing.__module__.startswith("aehelpers.")
    assert thing.__doc__ and not thing.__doc__.startswith(f"{name}(")  # the second is what a dataclass makes up
    assert name in dir(ae)


def test_promised_names_are_public():
    promised = (
        "load autoencoder fit sweep PCA bce_floor loss_ladder gradient_report show_images check exercise mse bce mean_image "
        "show_loss weight_drift code_usage step straight_through_step variational_autoencoder dead_units component_gain "
        "kl_sparsity masking_noise"
    )
    assert set(promised.split()) <= set(ae.__all__)


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'aehelpers' has no attribute 'autoencodr'"):
        ae.autoencodr  # noqa: B018
    assert not hasattr(ae, "tensorflow")
    with pytest.raises(ImportError):
        from aehelpers import nothing_of_that_name  # noqa: F401


def test_tensorflow_after_aehelpers_writes_nothing(python):
    done = python(
        "import aehelpers as ae\n"
        "import tensorflow as tf\n"
        "number = tf.constant([1.0, 2.0]) + 1\n"
        "print(tf.function(lambda x: x * 2, jit_compile=True)(number).numpy().tolist())\n"
        "import keras\n"
        "print(keras.saving.get_registered_name(ae.Autoencoder))\n"
        # Eight short runs: TensorFlow warns, twice a process, of functions that are traced in 5 of 10 calls.
        "x = tf.eye(16).numpy()\n"
        "model = ae.autoencoder(code_size=2, input_size=16)\n"
        "arguments = {'steps': 2, 'record_every': 2, 'batch_size': 8, 'validation': x, 'optimizer': 'sgd', 'progress': False}\n"
        "print(sum(len(ae.fit(model, x, **arguments).steps) for _ in range(8)))\n"
        "for _ in range(8):\n"
        "    report = ae.gradient_report(model, x)\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[4.0, 6.0]\naehelpers>Autoencoder\n8\n", "")


def test_keras_before_aehelpers(python, tmp_path):
    done = python(
        "import sys, keras\n"
        "import aehelpers as ae\n"
        "assert keras.saving.get_registered_object('aehelpers>Autoencoder') is ae.Autoencoder\n"
        "model = ae.autoencoder(input_size=4, code_size=2, code_activation='step')\n"
        "model.save(sys.argv[1])\n"
        "assert keras.models.load_model(sys.argv[1]).count_params() == 4 * 2 + 2 + 2 * 4 + 4\n"
        "print('done')\n",
        tmp_path / "model.keras",
    )
    assert done.stdout == "done\n", done.stderr


def test_standard_error_comes_back(capfd):
    os.write(2, b"before ")
    with pytest.raises(ZeroDivisionError), _imports.without_stderr():
        os.write(2, b"within ")
        _ = 1 / 0
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_without_a_standard_error(python):
    done = python(
        "import os\nfrom aehelpers import _imports\nos.close(2)\nwith _imports.without_stderr():\n    print('done')\n",
    )
    assert done.stdout == "done\n"


def test_watcher_finds_only_what_it_wraps():
    assert _imports.Watcher.find_spec("json") is None
    assert _imports.Watcher.find_spec("tensorflow.python") is None
    assert _imports.Watcher.find_spec("keras").name == "keras"


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


def test_a_setting_of_the_user_is_kept(python):
    done = python(
        "import os\n"
        "os.environ['TF_ONEDNN_USE_SYSTEM_ALLOCATOR'] = '0'\n"
        "import aehelpers, tensorflow\n"
        "print(os.environ['TF_ONEDNN_USE_SYSTEM_ALLOCATOR'])\n"
    )
    assert done.stdout == "0\n"
