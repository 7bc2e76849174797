"""Facts of a loss, computed by hand."""

import keras
import numpy as np
import pytest
from aehelpers.diagnosis.facts.data import data
from aehelpers.diagnosis.facts.loss import LossFacts, loss
from aehelpers.diagnosis.facts.output import output
from keras import layers

from tests.diagnosis.facts.examined import examined, identity, rows

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # NumPy's, of the arrays of Keras's variables
X = rows([[0.2, 0.8], [0.8, 0.2], [0.2, 0.2], [0.8, 0.8]])


def facts(told, x=X, factor=1.0, model=None, **more):
    if model is None:
        model = keras.Sequential([keras.Input((x.shape[1],)), layers.Dense(x.shape[1])])
        model.set_weights([factor * np.eye(x.shape[1]), np.zeros(x.shape[1])])
    e = examined(model, x, told_loss=told, **more)
    about = data(e)
    return loss(e, about, output(e, about))


def entropy(target, made):
    return -target * np.log(made) - (1 - target) * np.log(1 - made)


class TestValues:
    def test_of_the_squared_error(self):
        found = facts(keras.losses.MeanSquaredError(), 10 * X, 0.9)
        squares = (4 + 64) / 2
        assert found.loss_name == "mean_squared_error" and found.loss_raises == ""
        assert found.loss_of_target == 0 and found.loss_of_mean == pytest.approx(9) and found.loss_of_zeros == squares
        assert found.loss_of_ones == pytest.approx((1 + 49) / 2) and found.loss_of_half == pytest.approx(squares / 4)
        assert found.loss_of_made == pytest.approx(squares / 100, rel=1e-4)

    def test_of_a_cross_entropy(self):
        found = facts(keras.losses.BinaryCrossentropy())
        assert found.loss_of_target == pytest.approx(entropy(0.2, 0.2), rel=1e-5)
        assert found.loss_of_mean == pytest.approx(np.log(2), rel=1e-5)
        assert found.loss_of_half == pytest.approx((entropy(0.2, 0.1) + entropy(0.8, 0.4)) / 2, rel=1e-5)
        # Zeros and ones lie a millionth inside, where a logarithm is finite.
        assert found.loss_of_zeros == pytest.approx(-np.log(1e-6) / 2, rel=1e-2)
        assert found.loss_of_ones == pytest.approx(-np.log(1e-6) / 2, rel=1e-2)

    def test_a_loss_that_takes_logits_gets_logits(self):
        found = facts(keras.losses.BinaryCrossentropy(from_logits=True), factor=0.5)
        assert found.loss_of_target == pytest.approx(entropy(0.2, 0.2), rel=1e-5)
        assert found.loss_of_mean == pytest.approx(np.log(2), rel=1e-5)
        assert found.loss_of_half == pytest.approx((entropy(0.2, 0.1) + entropy(0.8, 0.4)) / 2, rel=1e-5)
        assert found.loss_of_zeros == pytest.approx(6, rel=1e-4) == found.loss_of_ones  # half of a logit of 12
        made = 1 / (1 + np.exp(-0.5 * X))  # what the model gives is a logit already
        assert found.loss_of_made == pytest.approx(entropy(X, made).mean(), rel=1e-5)

    def test_a_function_has_its_name(self):
        def own(target, made):
            return keras.ops.mean(keras.ops.abs(target - made))

        found = facts(own, 10 * X)
        assert found.loss_name == "own" and found.loss_of_zeros == pytest.approx(5)

    def test_classes_of_tokens(self):
        tokens = np.eye(4)[[[0, 1], [2, 3]]]
        model = keras.Sequential([keras.Input((2, 4)), layers.Dense(4, "softmax")])
        model.set_weights([30 * np.eye(4), np.zeros(4)])
        told = keras.losses.SparseCategoricalCrossentropy()
        found = facts(told, rows(tokens), model=model, sparse=True)
        assert found.loss_of_made == pytest.approx(0, abs=1e-5) and found.loss_of_mean > 0.5


class TestWithoutValues:
    def test_no_loss(self):
        assert facts(None) == LossFacts() and facts(keras.losses.MeanSquaredError(), model=identity) == LossFacts()

    def test_a_loss_that_fails(self):
        def fails(target, made):
            raise ValueError("no logarithm")

        assert facts(fails) == LossFacts(loss_name="fails", loss_raises="no logarithm")
