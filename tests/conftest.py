"""What the unit tests share."""

import os
import subprocess
import sys
from pathlib import Path

import aehelpers as ae  # before TensorFlow is loaded, so that its start-up messages stay away
import keras
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from aehelpers import training
from sklearn.datasets import load_digits

from tools.chromium import find_chromium

matplotlib.use("Agg")

ROOT = Path(ae.__file__).resolve().parents[1]
BROWSER_OPTIONS = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-gpu"]


def pytest_addoption(parser):
    parser.addoption("--accept", action="store_true", help="store what the displays now say and draw as what is expected")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def python(tmp_path):
    """Run code in a fresh interpreter that finds this aehelpers; what it wrote comes back as text."""

    def run(code, *arguments, options=()):
        return subprocess.run(
            [sys.executable, *options, "-c", code, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if find_chromium() is None:
        pytest.skip("there is no chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=BROWSER_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def mnist():
    return ae.load("mnist")


@pytest.fixture(scope="session")
def digits(mnist):
    """300 real images, enough for a model of a few units."""
    return mnist.x_valid[:300].copy()


@pytest.fixture(scope="session")
def digits_8x8():
    """300 real images of shape (8, 8)."""
    return (load_digits().images[:300] / 16).astype(np.float32)


@pytest.fixture(scope="session")
def tiny():
    """96 images of 16 pixels on the grid of 1/255."""
    return np.random.default_rng(7).integers(0, 256, (96, 16)).astype(np.float32) / 255


@pytest.fixture
def small():
    """Make a 16-pixel autoencoder; the same `weights` seed gives the same weights."""

    def make(weights=0, **options):
        keras.utils.set_random_seed(weights)
        return ae.autoencoder(**{"input_size": 16, "code_size": 4, **options})

    return make


@pytest.fixture
def fit(monkeypatch):
    """`ae.fit` as a plain graph unless ``xla``, without a progress bar, with batches of 8 and the optimizer made fastest."""

    def train(model, x, xla=False, **options):
        monkeypatch.setattr(training, "_XLA_FROM_STEPS", 1 if xla else 10**9)
        return ae.fit(model, x, **{"steps": 3, "batch_size": 8, "optimizer": "sgd", "progress": False, **options})

    return train
