"""Facts of a step of training, computed by hand, or with gradients and steps that are given."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.diagnosis.facts.data import data
from aehelpers.diagnosis.facts.output import Output
from aehelpers.diagnosis.facts.training import STUCK, gradients, modes
from aehelpers.diagnosis.probes.base import Gradient, Step
from keras import layers

from tests.diagnosis.facts.examined import examined, factorial, identity, rows

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # NumPy's, of the arrays of Keras's variables
X = np.random.default_rng(0).random((40, 3))


class Told:
    """A probe that is told which gradients and steps there are, and notes what it is asked."""

    def __init__(self, x=X, found=(), steps=(), **more):
        self.e = examined(identity, x, **more)
        self.e.probe.gradients = self.note
        self.e.probe.one_step = lambda x, target, loss: list(steps)
        self.e.probe.default_loss = lambda: "default"
        self.e.probe.weights = lambda: {"a/kernel": np.eye(3), "a/bias": np.zeros(3), "b/kernel": 2 * np.eye(3)}
        self.e.probe.trainable = lambda: {"a/kernel", "a/bias", "b/kernel"}
        self.found, self.asked = found, []

    def note(self, x, target, loss):
        self.asked.append((x, target, loss))
        return list(self.found), []

    def facts(self):
        return gradients(self.e, data(self.e), Output())


class TestGradients:
    def test_words(self):
        words = [("none", False), ("none", True), ("zero", False), ("zero", True), ("flows", False), ("flows", True)]
        found = [Gradient(f"{word} {beside}", True, word, beside) for word, beside in words]
        found += [Gradient(f"bias {word}", False, word, False) for word in ("none", "zero", "flows")]
        facts = Told(found=found).facts()
        assert (facts.without_gradient, facts.zero_gradient) == (["none False"], ["zero False"])
        assert facts.with_gradient == ["flows False", "flows True"]
        assert (facts.never_moved, facts.moved, facts.stuck, facts.learning_rate, facts.optimizer) == (
            None,
            None,
            [],
            None,
            None,
        )

    def test_frozen_kernels(self):
        model = keras.Sequential([keras.Input((3,)), layers.Dense(3, name="a"), layers.Dense(3, name="b")])
        model.get_layer("a").trainable = False
        e = examined(model, X)
        assert gradients(e, data(e), Output()).frozen == ["a/kernel"]
        model.get_layer("a").trainable = True
        assert gradients(e, data(e), Output()).frozen == []

    def test_of_a_model(self):
        model = keras.Sequential(
            [
                keras.Input((3,)),
                layers.Dense(3, name="cut"),
                layers.Activation(tf.round),
                layers.Dense(3, "relu", name="off", bias_initializer=keras.initializers.Constant(-100)),
                layers.Dense(3, name="last"),
            ]
        )
        e = examined(model, X)
        facts = gradients(e, data(e), Output())
        assert facts.without_gradient == ["cut/kernel"] and facts.with_gradient == []
        assert facts.zero_gradient == ["off/kernel", "last/kernel"]

    @pytest.mark.parametrize(("share", "stuck"), [(STUCK + 0.01, ["a"]), (STUCK - 0.01, [])])
    def test_stuck_weights(self, share, stuck):
        assert Told(steps=[Step("a", 3, share), Step("b", 0, 1.0)]).facts().stuck == stuck

    @pytest.mark.parametrize("as_list", [False, True])
    @pytest.mark.parametrize(("change", "moved"), [(0.9e-4, False), (1.1e-4, True)])
    def test_what_has_moved(self, as_list, change, moved):
        before = {"a/kernel": np.eye(3) / (1 + change), "a/bias": np.ones(3), "b/kernel": np.eye(3)}
        facts = Told(before=list(before.values()) if as_list else before).facts()
        assert facts.never_moved == ([] if moved else ["a/kernel"])
        assert facts.moved == (["a/kernel"] if moved else []) + ["b/kernel"]

    def test_the_optimizer(self):
        told = Told()
        told.e.probe.optimizer = keras.optimizers.SGD(0.25)
        assert (told.facts().learning_rate, told.facts().optimizer) == (0.25, "SGD")
        told.e.probe.optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 9))
        assert told.facts().optimizer == "Adam"

    def test_a_batch_of_the_training(self):
        told = Told(np.arange(600.0).reshape(200, 3))
        told.facts()
        (x, target, _), seen = told.asked[0], np.linspace(0, 199, 128).astype(int)
        assert (x[:, 0] == 3 * seen).all() and (target == x).all()


def cross_entropy(target, made):
    """Only its name counts."""


class TestUsableLoss:
    @pytest.mark.parametrize(
        ("loss", "low", "high", "used"),
        [
            (None, 0, 1, "default"),
            (keras.losses.MeanSquaredError(), -5, 9, None),
            (keras.losses.BinaryCrossentropy(), 0, 1, None),
            (keras.losses.BinaryCrossentropy(), 0, 1.01, "default"),
            (keras.losses.BinaryCrossentropy(), -0.01, 1, "default"),
            (keras.losses.binary_crossentropy, 0, 255, "default"),
            (cross_entropy, 0, 255, "default"),
        ],
    )
    def test_a_cross_entropy_has_a_least_value_only_between_0_and_1(self, loss, low, high, used):
        told = Told(low + (high - low) * np.tile([[0.0], [0.5], [1]], 3), told_loss=loss)
        told.facts()
        assert told.asked[0][2] is (loss if used is None else used)

    def test_classes_as_the_loss_wants_them(self):
        told = Told(np.eye(4)[[[0, 1], [3, 2]]], told_loss=keras.losses.SparseCategoricalCrossentropy(), sparse=True)
        told.facts()
        assert told.asked[0][1].tolist() == [[0, 1], [3, 2]]


def of_modes(*parts, x=X):
    e = examined(keras.Sequential([keras.Input(x.shape[1:]), *parts]), x)
    return modes(e, data(e), Output())


class TestModes:
    def test_outside_training_mode_comes_first(self):
        """In training mode the normalization moves the mean that it uses afterwards."""
        normalization = layers.BatchNormalization(momentum=0.5, epsilon=0)
        normalization.build((None, 3))
        normalization.moving_mean.assign(np.full(3, 5.0))
        found = of_modes(normalization)
        assert found.error_outside_training_mode == pytest.approx(25, rel=1e-5)
        x = rows(X).astype(float)
        inside = np.square(x - (x - x.mean(axis=0)) / x.std(axis=0)).mean()
        assert found.error_in_training_mode == pytest.approx(inside, rel=1e-3)
        assert found.batch_normalization and not found.dropout and not found.random_in_training

    def test_dropout_is_random(self):
        found = of_modes(layers.Dropout(0.5, seed=0))
        assert found.random_in_training and found.dropout and not found.batch_normalization
        assert found.error_outside_training_mode == 0 and found.error_in_training_mode > 0.1

    def test_logits_go_through_their_sigmoid(self):
        e = examined(keras.Sequential([keras.Input((3,)), layers.Activation("linear")]), X)
        e.as_values = lambda values: values + 2
        assert modes(e, data(e), Output()).error_outside_training_mode == pytest.approx(4, rel=1e-5)

    def test_penalties(self):
        x = factorial(1, 1, 1, times=64) * np.linspace(1, 9, 512)[:, None]  # each batch is another one
        plain = layers.Dense(3)
        on_weights = layers.Dense(3, kernel_regularizer="l2")
        on_activations = layers.Dense(3, activity_regularizer="l1")
        found = [of_modes(layer, x=x) for layer in (plain, on_weights, on_activations)]
        assert [one.penalty_on_activations for one in found] == [False, False, True]
        assert [one.penalty_on_weights for one in found] == [False, True, False]
        assert not any(one.random_in_training or one.dropout or one.batch_normalization for one in found)
