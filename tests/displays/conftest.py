"""What the tests of the displays share: a page with the JavaScript of all displays, and models."""

import aehelpers as ae
import keras
import pytest

from tests.displays.reading import Shown, open_core


@pytest.fixture(scope="module")
def core(chromium):
    """A page with the JavaScript of all displays; each name of core.js that a test needs is in ``core``."""
    page = open_core(chromium)
    yield page
    page.close()


@pytest.fixture(scope="module")
def show(core):
    """Mount a display: ``show(display).at(level=0.3)`` is what it then shows."""
    return lambda display: Shown(core, display)


@pytest.fixture(scope="session")
def forty(mnist):
    return mnist.x_test[:40]


@pytest.fixture(scope="session")
def model():
    keras.utils.set_random_seed(0)
    return ae.autoencoder(hidden=(6,), code_size=2, code_activation="sigmoid")


@pytest.fixture(scope="session")
def one_layer():
    keras.utils.set_random_seed(0)
    return ae.autoencoder(code_size=5, code_activation="sigmoid")
