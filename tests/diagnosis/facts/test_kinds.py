"""Which kind of rows is found, where neighbours may be alike for several reasons."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.diagnosis.rows import kind_of
from sklearn import datasets

RNG = np.random.default_rng(0)


def kind(x):
    return kind_of(np.asarray(x, np.float32), sequential=False, tokens=False)


def with_a_factor(width, correlation, rows=300):
    common = RNG.normal(size=(rows, 1))
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * RNG.normal(size=(rows, width))


def sines(steps, period):
    return np.sin(2 * np.pi * np.arange(steps) / period + RNG.uniform(0, 6.3, (300, 1)))


class TestTables:
    @pytest.mark.parametrize("width", [22, 25, 49, 64, 75, 100])
    @pytest.mark.parametrize("correlation", [0, 0.5, 0.8, 0.95])
    def test_a_factor_common_to_all_columns_is_no_order(self, width, correlation):
        assert kind(with_a_factor(width, correlation)) == "table"
        assert kind(np.exp(with_a_factor(width, correlation))) == "table"

    @pytest.mark.parametrize("width", [25, 40, 64])
    def test_several_factors(self, width):
        """By chance a few of 25 columns have an order: of 1,600 such tables, one was called images."""
        rng = np.random.default_rng(0)
        draws = [
            rng.normal(size=(300, 2)) @ rng.normal(size=(2, width)) + 0.3 * rng.normal(size=(300, width)) for _ in range(50)
        ]
        assert [kind(x) for x in draws].count("table") >= 49

    def test_a_factor_of_both_signs(self):
        """Of the neighbours in five lines of five, two thirds have one sign, and are alike; the others are opposite."""
        signs = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [-1, 1, -1, 1, 1], [-1, -1, -1, -1, -1], [1, -1, 1, -1, -1]])
        assert kind(with_a_factor(25, 0.9) * signs.ravel()) == "table"

    @pytest.mark.parametrize("name", ["wine", "breast_cancer", "diabetes", "iris"])
    def test_known_tables(self, name):
        x = getattr(datasets, f"load_{name}")().data
        assert kind(x) == "table" and kind((x - x.mean(axis=0)) / x.std(axis=0)) == "table"


class TestSeries:
    @pytest.mark.parametrize("steps", [22, 25, 64, 75, 100, 144, 784])
    def test_random_walks(self, steps):
        assert kind(RNG.normal(size=(300, steps)).cumsum(axis=1)) == "series"

    @pytest.mark.parametrize("steps", [25, 64, 100, 192, 300])
    @pytest.mark.parametrize("period", [9, 12, 16, 50, 400])
    def test_sines(self, steps, period):
        assert kind(sines(steps, period)) == "series"

    @pytest.mark.parametrize("side", [9, 10, 28])
    def test_a_period_as_long_as_the_side_of_an_image(self, side):
        assert kind(sines(side**2, side)) == "series"
        assert kind(sines(side**2, side) + 0.2 * RNG.normal(size=(300, side**2))) == "series"


class TestImages:
    @pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
    def test_known_images(self, name):
        x = ae.load(name).x_train[:500]
        assert kind(x) == "images" and kind(1 - x) == "images" and kind(x[:50]) == "images"
        assert kind(x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)) == "images"
        assert kind(np.repeat(x[..., None], 3, axis=2).reshape(-1, 3 * 784)) == "images"
        assert kind(x * RNG.random((500, 1))) == "images"  # their brightness is a factor common to all

    def test_small_digits(self):
        assert kind(datasets.load_digits().data) == "images"

    @pytest.mark.parametrize("side", [8, 12, 28])
    def test_spots(self, side):
        places = np.arange(side) / side
        x, y = RNG.uniform(0.2, 0.8, (2, 300, 1, 1))
        assert kind(np.exp(-((places[:, None] - y) ** 2 + (places - x) ** 2) / 0.02).reshape(300, -1)) == "images"
