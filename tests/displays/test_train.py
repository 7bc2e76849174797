"""Training in the page, train.js, against Keras: same weights, same batches, same draws; in WebAssembly and in JavaScript."""

import base64
import json
from unittest import mock

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.displays.page import source
from aehelpers.displays.packing import packed
from aehelpers.layers import ACTIVATIONS

from tests.displays.reading import SCRIPT, as_page_value
from tools import kernels

STEPS, ROWS, IMAGES = 50, 6, 40  # batches of six: the last block of four rows is half full


def a_layer(units, activation="tanh"):
    return {"units": units, "activation": activation}


# 784-5-3-5-784: no size is a multiple of eight, and nothing has a kink.
SPEC = {
    "encoder": [a_layer(5)],
    "code": {"kind": "plain", **a_layer(3)},
    "decoder": [a_layer(5)],
    "output": {"activation": "sigmoid"},
    "loss": {"kind": "squared_error", "reduction": "mean"},
    "optimizer": {"name": "adam", "rate": 0.003, "defaults": "keras"},
    "noise": {"kind": "none"},
    "penalty": {"kind": "none"},
    "kl_weight": 1,
    "tied": False,
    "init": {"kind": "glorot_uniform"},
    "batch": ROWS,
    "seed": 0,
}


def optimizer(name, defaults="keras", rate=0.003):
    return {"optimizer": {"name": name, "rate": rate, "defaults": defaults}}


def cross_entropy(reduction, from_logits):
    output = {"activation": "linear" if from_logits else "sigmoid"}
    return {"loss": {"kind": "cross_entropy", "reduction": reduction, "from_logits": from_logits}, "output": output}


VARIATIONAL = {"code": {"kind": "variational", "units": 3}}
SUMMED = {"loss": {"kind": "squared_error", "reduction": "sum"}}
CASES = {
    "plain": {},
    "sum over pixels": SUMMED,
    "cross-entropy": cross_entropy("mean", False),
    "cross-entropy, sum": cross_entropy("sum", False),
    "logits": cross_entropy("mean", True),
    "logits, sum": cross_entropy("sum", True),
    "clipped": cross_entropy("mean", False) | {"far": 40},  # the output's bias: far away for two pixels of three
    "logits that are large": cross_entropy("mean", True) | {"far": 200},
    "masking": {"noise": {"kind": "masking", "level": 0.3}},
    "gaussian": {"noise": {"kind": "gaussian", "level": 0.4}},
    "l1": {"penalty": {"kind": "l1", "weight": 0.02}},
    "kl": {"penalty": {"kind": "kl", "weight": 0.7, "target": 0.05}, "code": {"kind": "plain", **a_layer(3, "sigmoid")}},
    "variational": VARIATIONAL | cross_entropy("mean", True) | {"kl_weight": 3},
    "variational, sum": VARIATIONAL | cross_entropy("sum", False) | {"kl_weight": 784},
    "variational, noise": VARIATIONAL | SUMMED | {"noise": {"kind": "masking", "level": 0.5}, "kl_weight": 100},
    "tied": {"tied": True, "encoder": [a_layer(9), a_layer(5)], "decoder": [a_layer(5), a_layer(9)]},
    "tied, no hidden layers": {"tied": True, "encoder": [], "decoder": [], "code": {"kind": "plain", **a_layer(10)}},
    "no hidden layers": {"encoder": [], "decoder": [], "code": {"kind": "plain", **a_layer(1)}},
    "other decoder": {"encoder": [a_layer(17), a_layer(8)], "decoder": [a_layer(4), a_layer(2), a_layer(12)]},
    "multiples": {"encoder": [a_layer(16)], "code": {"kind": "plain", **a_layer(8)}, "decoder": [a_layer(24)], "batch": 8},
    "batch of 1": {"batch": 1},
    "batch of 7": {"batch": 7},
    **{f"{name} of {which}": optimizer(name, which) for name in ("sgd", "rmsprop", "adagrad") for which in ("keras", "tf1")},
    "sgd that moves": SUMMED | optimizer("sgd", rate=0.01),
    "adagrad that moves": SUMMED | optimizer("adagrad", rate=0.05),
    "adam of tf1": optimizer("adam", "tf1"),
    **{
        f"inside: {name}": {"encoder": [a_layer(5, name)], "code": {"kind": "plain", **a_layer(3, name)}, "decoder": [a_layer(5, name)]}
        for name in ACTIVATIONS
    },
    **{f"output: {name}": {"output": {"activation": name}} for name in ACTIVATIONS},
}
# So slowly that no rounding error moves a pixel over the threshold.
CASES["output: straight_through_step"] |= optimizer("sgd", rate=1e-4)


@pytest.fixture(scope="module")
def images(mnist):
    return np.round(255 * mnist.x_valid[:IMAGES]).astype(np.uint8)


def bytes_of(images):
    return base64.b64encode(images.tobytes()).decode()


def spec_of(case):
    return {name: part for name, part in {**SPEC, **case}.items() if name != "far"}


def model_of(spec):
    """Return the model in Keras, with weights that are drawn, the biases too."""
    keras.utils.set_random_seed(0)
    hidden, code = tuple(one["units"] for one in spec["encoder"]), spec["code"]
    function = {name: ACTIVATIONS[name].function for name in ACTIVATIONS}
    output = function[spec["output"]["activation"]]
    if code["kind"] == "variational":
        model = ae.variational_autoencoder(hidden, code["units"], "tanh", output, kl_weight=spec["kl_weight"])
    elif spec["tied"]:
        model = ae.autoencoder(hidden, code["units"], "tanh", code["activation"], output, tied=True)
    else:
        parts = [
            keras.layers.Dense(one["units"], function[one["activation"]])
            for one in [*spec["encoder"], code, *spec["decoder"], {"units": 784, **spec["output"]}]
        ]
        if spec["penalty"]["kind"] == "l1":
            parts[len(hidden)].activity_regularizer = keras.regularizers.L1(spec["penalty"]["weight"])
        if spec["penalty"]["kind"] == "kl":
            parts.insert(len(hidden) + 1, ae.KLSparsity(spec["penalty"]["target"], spec["penalty"]["weight"]))
        model = keras.Sequential([keras.Input((784,)), *parts])
    draw = np.random.default_rng(1)
    model.set_weights([draw.normal(0, 0.2 if w.ndim == 1 else 1 / np.sqrt(len(w)), w.shape) for w in model.get_weights()])
    return model


class TensorFlow1:
    """The optimizers of TensorFlow 1, by its documentation: how each remembers gradients, and its step."""

    def __init__(self, name, rate):
        self.step, self.rate, self.number = getattr(self, name), rate, 0
        self.kept = {}

    def apply(self, gradients, weights):
        self.number += 1
        for place, (gradient, weight) in enumerate(zip(gradients, weights, strict=True)):
            weight.assign_sub(self.step(place, np.asarray(gradient, float)))

    def remember(self, place, name, start, update):
        value = self.kept[place, name] = update(self.kept.get((place, name), start))
        return value

    def sgd(self, place, g):
        return self.rate * g

    def rmsprop(self, place, g):
        return self.rate * g / np.sqrt(self.remember(place, "ms", 1, lambda ms: 0.9 * ms + 0.1 * g**2) + 1e-10)

    def adagrad(self, place, g):
        return self.rate * g / np.sqrt(self.remember(place, "sum", 0.1, lambda total: total + g**2))

    def adam(self, place, g):
        m = self.remember(place, "m", 0, lambda m: 0.9 * m + 0.1 * g)
        v = self.remember(place, "v", 0, lambda v: 0.999 * v + 0.001 * g**2)
        rate = self.rate * np.sqrt(1 - 0.999**self.number) / (1 - 0.9**self.number)
        return rate * m / (np.sqrt(v) + 1e-8)


def optimizer_of(spec):
    name, rate, defaults = (spec["optimizer"][part] for part in ("name", "rate", "defaults"))
    if defaults == "tf1":
        return TensorFlow1(name, rate)
    return keras.optimizers.get({"class_name": name, "config": {"learning_rate": rate}})


def loss_of(spec, x, made):
    """Return the loss of the reconstruction. Keras looks up the logits of a sigmoid; a copy of its values has none."""
    if spec["loss"]["kind"] == "squared_error":
        value = keras.losses.MeanSquaredError()(x, made)
    else:
        value = keras.losses.BinaryCrossentropy(from_logits=spec["loss"]["from_logits"])(x, tf.identity(made))
    return 784 * value if spec["loss"]["reduction"] == "sum" else value


class Run:
    """A network trained in Keras, and all that the page needs to do the same."""

    def __init__(self, case, images):
        self.spec, draw = spec_of(case), np.random.default_rng(2)
        rows, code = self.spec["batch"], self.spec["code"]["units"]
        model = self.model = model_of(self.spec)
        if "far" in case:
            *before, bias = model.get_weights()
            model.set_weights([*before, bias + case["far"] * draw.integers(-1, 2, bias.shape)])
        self.weights = model.get_weights()
        self.batches = [draw.choice(len(images), rows, replace=False) for _ in range(STEPS)]
        self.noise, self.sampling = [], draw.normal(size=(STEPS, rows, code)).astype(np.float32)
        optimizer, sampling, self.losses, self.first = optimizer_of(self.spec), tf.Variable(self.sampling[0]), [], None
        is_keras = isinstance(optimizer, keras.Optimizer)
        if is_keras:
            optimizer.build(model.trainable_weights)

        @tf.function
        def take(x, noisy):
            with tf.GradientTape() as tape:
                value = loss_of(self.spec, x, model(noisy, training=True)) + sum(model.losses)
            gradients = tape.gradient(value, model.trainable_weights)
            # A rounding has no gradient at all; the page calls it 0.
            gradients = [tf.zeros_like(w) if g is None else g for g, w in zip(gradients, model.trainable_weights, strict=True)]
            if is_keras:  # one by one outside of a graph, it would take most of the time
                optimizer.apply(gradients, model.trainable_weights)
            return value, gradients

        with mock.patch("keras.random.normal", lambda *given, **options: sampling.value()):
            for step, batch in enumerate(self.batches):
                x = (images[batch] / 255).astype(np.float32)
                sampling.assign(self.sampling[step])
                value, gradients = take(tf.constant(x), tf.constant(self.with_noise(x, step)))
                self.first = self.first or [gradient.numpy() for gradient in gradients]
                self.losses.append(float(value))
                if not is_keras:
                    optimizer.apply(gradients, model.trainable_weights)

    def with_noise(self, x, step):
        kind, level = self.spec["noise"]["kind"], self.spec["noise"].get("level")
        draw = np.random.default_rng(step)  # as the package's functions draw
        if kind == "masking":
            self.noise.append(draw.random(x.shape, np.float32))
            return ae.masking_noise(x, level, step)
        if kind == "gaussian":
            self.noise.append(draw.standard_normal(x.shape, np.float32))
            return ae.gaussian_noise(x, level, step)
        return x

    def as_page_value(self):
        return {
            "spec": self.spec,
            "weights": [as_page_value(packed(w, "float32")) for w in self.weights],
            "batches": [batch.tolist() for batch in self.batches],
            "noise": as_page_value(packed(np.array(self.noise), "float32")) if self.noise else None,
            "sampling": as_page_value(packed(self.sampling, "float32")),
        }


TRAIN = """async ([{ spec, weights, batches, noise, sampling }, images, kernels]) => {
  const bytes = Uint8Array.from(atob(images), letter => letter.charCodeAt(0));
  const trainer = await core.createTrainer(spec, bytes, { kernels });
  trainer.setWeights(weights.map(core.unpack));
  const [noises, samples] = [noise, sampling].map(core.unpack);
  const given = step => ({ batch: batches[step], noise: noises ? core.row(noises, step) : undefined, sampling: core.row(samples, step) });
  const text = values => btoa(Array.from(new Uint8Array(values.buffer), byte => String.fromCharCode(byte)).join(""));
  const { loss, gradients } = trainer.gradients(batches[0], given(0));
  const losses = batches.map((_, step) => trainer.step(1, given(step)).loss);
  return {
    kernels: trainer.kernels, loss, losses, gradients: gradients.map(({ shape, values }) => [shape, text(values)]),
    weights: trainer.weights().map(({ shape, values }) => [shape, text(values)]),
  };
}"""


def arrays(pairs):
    return [np.frombuffer(base64.b64decode(text), np.float32).reshape(shape) for shape, text in pairs]


@pytest.mark.parametrize("name", CASES)
def test_it_trains_as_keras_does(core, images, name):
    run = Run(CASES[name], images)
    for kind in ("wasm", "js"):
        made = core.evaluate(TRAIN, [run.as_page_value(), bytes_of(images), kind])
        assert made["kernels"] == kind
        assert made["loss"] == pytest.approx(run.losses[0], rel=1e-5)
        for place, (gradient, expected) in enumerate(zip(arrays(made["gradients"]), run.first, strict=True)):
            assert np.abs(gradient - expected).max() <= 1e-5 * np.abs(expected).max(), f"gradient {place}, {kind}"
        assert made["losses"] == pytest.approx(run.losses, rel=1e-3)
        parts = zip(arrays(made["weights"]), run.model.get_weights(), run.weights, strict=True)
        for place, (weight, expected, before) in enumerate(parts):
            moved, off = np.linalg.norm(expected - before), np.linalg.norm(weight - expected)
            assert off <= 1e-3 * moved + 1e-6 * np.linalg.norm(before), f"weight {place}, {kind}: {off / moved}"
