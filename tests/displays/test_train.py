"""Training in the page, train.js, against Keras: same weights, same batches, same draws; in WebAssembly and in JavaScript."""

import base64
import json
from unittest import mock

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.displays.packing import packed
from aehelpers.displays.page import source
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


def shifted(place, size):
    """Start with other weights: of one array, a third each by ``size`` more and less."""

    def shift(weights):
        weights[place] = weights[place] + size * (np.arange(weights[place].size).reshape(weights[place].shape) % 3 - 1)

    return {"shift": shift}


def certain(weights):
    """Start with a third of the outputs around 0.5, and the others far below and above."""
    weights[-2] = weights[-2] / 10
    weights[-1] = 0.5 + 40 * (np.arange(784) % 3 - 1)


VARIATIONAL = {"code": {"kind": "variational", "units": 3}}
SUMMED = {"loss": {"kind": "squared_error", "reduction": "sum"}}
CASES = {
    "plain": {},
    "sum over pixels": SUMMED,
    "cross-entropy": cross_entropy("mean", False),
    "cross-entropy, sum": cross_entropy("sum", False),
    "logits": cross_entropy("mean", True),
    "logits, sum": cross_entropy("sum", True),
    "clipped": cross_entropy("mean", False) | shifted(-1, 40),
    "clipped, linear output": cross_entropy("mean", False) | {"output": {"activation": "linear"}, "shift": certain},
    "logits that are large": cross_entropy("mean", True) | shifted(-1, 200),
    # So slowly that no rounding error moves a unit over a kink; below, no pixel over the threshold.
    "relu6 at its ends": {"encoder": [a_layer(9, "relu6")]} | shifted(1, 7) | optimizer("sgd", rate=1e-4),
    "kl of units at their ends": {
        "penalty": {"kind": "kl", "weight": 0.7, "target": 0.05},
        "code": {"kind": "plain", **a_layer(3, "hard_sigmoid")},
    }
    | shifted(3, 40),
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
        f"inside: {name}": {
            "encoder": [a_layer(5, name)],
            "code": {"kind": "plain", **a_layer(3, name)},
            "decoder": [a_layer(5, name)],
        }
        for name in ACTIVATIONS
    },
    **{f"output: {name}": {"output": {"activation": name}} for name in ACTIVATIONS},
}
CASES["output: straight_through_step"] |= optimizer("sgd", rate=1e-4)


@pytest.fixture(scope="module")
def images(mnist):
    return np.round(255 * mnist.x_valid[:IMAGES]).astype(np.uint8)


def bytes_of(images):
    return base64.b64encode(images.tobytes()).decode()


def spec_of(case):
    return {name: part for name, part in {**SPEC, **case}.items() if name != "shift"}


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
        self.weights = model.get_weights()
        if "shift" in case:
            case["shift"](self.weights)
            model.set_weights(self.weights)
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
  const given = step => (
    { batch: batches[step], noise: noises ? core.row(noises, step) : undefined, sampling: core.row(samples, step) });
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


def compare(core, run, images, kind):
    """Train in the page as Keras has done, with the kernels of one kind, and compare."""
    made = core.evaluate(TRAIN, [run.as_page_value(), bytes_of(images), kind])
    assert made["kernels"] == kind
    assert made["loss"] == pytest.approx(run.losses[0], rel=1e-5)
    for place, (gradient, expected) in enumerate(zip(arrays(made["gradients"]), run.first, strict=True)):
        assert np.abs(gradient - expected).max() <= 1e-5 * np.abs(expected).max(), f"gradient {place}, {kind}"
    # The slope of |a| jumps at 0, and that of a rounded sigmoid is a matter of the last digit.
    within = (
        1e-3 if run.spec["penalty"]["kind"] == "l1" or run.spec["code"].get("activation") == "straight_through_step" else 3e-5
    )
    assert made["losses"] == pytest.approx(run.losses, rel=within)
    parts = zip(arrays(made["weights"]), run.model.get_weights(), run.weights, strict=True)
    for place, (weight, expected, before) in enumerate(parts):
        moved, off = np.linalg.norm(expected - before), np.linalg.norm(weight - expected)
        assert off <= 3 * within * moved + 3e-7 * np.linalg.norm(before), f"weight {place}, {kind}: {off / moved}"


@pytest.mark.parametrize("name", CASES)
def test_it_trains_as_keras_does(core, images, name):
    run = Run(CASES[name], images)
    for kind in ("wasm", "js"):
        compare(core, run, images, kind)


TRAINER = """async ([spec, images, kernels, use]) => {
  const bytes = Uint8Array.from(atob(images), letter => letter.charCodeAt(0));
  const trainer = await core.createTrainer(spec, bytes, { kernels }), found = await eval(use)(trainer, bytes);
  const plain = thing => ArrayBuffer.isView(thing) ? { numbers: btoa(Array.from(new Uint8Array(Float32Array.from(thing).buffer),
      byte => String.fromCharCode(byte)).join("")) }  // one by one they take Playwright long
    : Array.isArray(thing) ? thing.map(plain)
    : thing !== null && typeof thing === "object" ? Object.fromEntries(Object.entries(thing).map(([k, v]) => [k, plain(v)]))
    : thing;
  return plain(found);
}"""


def unpacked(thing):
    if isinstance(thing, list):
        return [unpacked(part) for part in thing]
    if isinstance(thing, dict) and "numbers" in thing:
        return np.frombuffer(base64.b64decode(thing["numbers"]), np.float32).tolist()
    return {name: unpacked(part) for name, part in thing.items()} if isinstance(thing, dict) else thing


@pytest.fixture
def use(core, images):
    """Make a trainer in the page and return what a function of it, and of the images, returns."""

    def evaluate(function, kernels="wasm", count=IMAGES, **case):
        return unpacked(core.evaluate(TRAINER, [{**SPEC, **case}, bytes_of(images[:count]), kernels, function]))

    return evaluate


MEASURE = """(trainer, images) => {
  trainer.setWeights(WEIGHTS.map(core.unpack));
  const before = trainer.measure(images).layers.map(one => one.gradient), { gradients } = trainer.gradients([0, 1, 2]);
  const kernels = gradients.filter(one => one.shape.length === 2);
  return {
    before, measured: trainer.measure(images),
    inside: trainer.inside(images.subarray(7 * 784, 8 * 784)),
    reconstruction: trainer.reconstruct(images),
    squares: kernels.map(one => core.mean(one.values, value => value * value)),
  };
}"""


@pytest.mark.parametrize("kind", ["plain", "variational", "tied"])
def test_what_it_measures_is_what_the_model_does(use, images, kind):
    """On 100 images, more than are computed at once."""
    case = {
        "plain": {
            "encoder": [a_layer(20, "relu")],
            "code": {"kind": "plain", **a_layer(3, "relu")},
            "decoder": [a_layer(5, "sigmoid")],
        },
        "variational": {**VARIATIONAL, "loss": {"kind": "cross_entropy", "reduction": "sum", "from_logits": False}},
        "tied": {"tied": True, "noise": {"kind": "masking", "level": 0.9}},
    }[kind]
    spec = {**SPEC, **case}
    model = model_of(spec)
    x = np.tile(images, (3, 1))[:100]
    weights = json.dumps([as_page_value(packed(w, "float32")) for w in model.get_weights()])
    script = MEASURE.replace("WEIGHTS", weights).replace("(trainer, images) =>", "(trainer, few) =>", 1)
    script = script.replace("{\n", "{\n  const images = new Uint8Array(100 * 784).map((_, i) => few[i % few.length]);\n", 1)
    made = use(script, **case)
    x = (x / 255).astype(np.float32)
    expected = ae.predict(model, x)
    measured = made["measured"]
    for whole in (made, measured):
        assert np.reshape(whole["reconstruction"], expected.shape) == pytest.approx(expected, abs=1e-5)
    if kind == "variational":
        mean, log_variance = (part.numpy() for part in model.encoder_with_variance(x))
        kl = (np.exp(log_variance) + mean**2 - 1 - log_variance).mean(axis=0) / 2
        codes, dense = mean, [*model.encoder_with_variance.layers[1:], *model.decoder.layers]
    elif kind == "tied":
        codes, kl, dense = model.encoder(x).numpy(), None, [*model.encoder.layers, *model.decoder.layers]
    else:
        codes, kl, dense = model.layers[1](model.layers[0](x)).numpy(), None, model.layers
    assert measured["kl"] == (None if kl is None else pytest.approx(kl, rel=1e-4))
    assert np.reshape(measured["code"], codes.shape) == pytest.approx(codes, abs=1e-5)

    values, squares = x, list(made["squares"])
    if kind == "variational":
        squares[1:3] = [np.mean(squares[1:3])]
        dense = [dense[0], dense[1], *dense[3:]]
    if kind == "tied":
        squares += squares[::-1]
    assert made["before"] == [pytest.approx(float("nan"), nan_ok=True)] * len(dense)
    reader = next(layer for layer in dense[1:] if layer.kernel.shape[0] == codes.shape[1])
    assert measured["readers"] == pytest.approx(np.linalg.norm(np.asarray(reader.kernel), axis=1).mean(), rel=1e-5)
    for number, (layer, said, square) in enumerate(zip(dense, measured["layers"], squares, strict=True)):
        values = layer(values).numpy()
        assert made["inside"][number] == pytest.approx(values[7], abs=1e-5)
        assert said["active"] == pytest.approx((values > 0).mean(), abs=1e-3)
        assert said["gradient"] == pytest.approx(np.sqrt(square), rel=1e-4)


def test_a_seed_repeats_everything_and_another_one_nothing(use):
    train = "trainer => ({ before: trainer.weights(), losses: trainer.step(9).losses, after: trainer.weights() })"
    noisy = {"noise": {"kind": "gaussian", "level": 0.3}, **VARIATIONAL}
    first, again, other = (use(train, seed=seed, **noisy) for seed in (5, 5, 6))
    assert first == again
    for name in ("before", "losses", "after"):
        assert first[name] != other[name]
    # The kernels agree, up to the order of sums; and noise that does nothing does not change the batches.
    assert use(train, "js", seed=5, **noisy)["losses"] == pytest.approx(first["losses"], rel=1e-4)
    level = {"noise": {"kind": "masking", "level": 0}}
    assert use(train, **level)["losses"] == use(train)["losses"]


def test_initial_weights_are_those_of_keras(use):
    made = arrays_of(use("trainer => trainer.weights()", encoder=[a_layer(100)]))
    for kernel, bias in zip(made[::2], made[1::2], strict=True):
        limit = np.sqrt(6 / sum(kernel.shape))
        assert 0.95 * limit < np.abs(kernel).max() <= limit and not bias.any()
        assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.15) and abs(kernel.mean()) < 0.15 * limit
    made = arrays_of(
        use(
            "trainer => trainer.weights()",
            encoder=[a_layer(100)],
            init={"kind": "truncated_normal", "stddev": 0.1, "bias": 0.2},
        )
    )
    expected = keras.initializers.TruncatedNormal(stddev=0.1, seed=1)((784, 100)).numpy()
    assert made[0].std() == pytest.approx(expected.std(), rel=0.02) and abs(made[0].mean()) < 0.001
    assert 0.195 < np.abs(made[0]).max() <= 0.2
    for bias in made[1::2]:
        assert bias == pytest.approx(np.full(len(bias), 0.2))


def arrays_of(weights):
    return [np.reshape(one["values"], one["shape"]) for one in weights]


@pytest.mark.parametrize("kernels", ["wasm", "js"])
def test_nothing_is_left_of_a_larger_batch(use, kernels):
    first = use("trainer => trainer.gradients([1, 2, 3])", kernels)
    assert use("trainer => { trainer.gradients([4, 5, 6, 7]); return trainer.gradients([1, 2, 3]); }", kernels) == first


def test_each_image_comes_once_an_epoch(use):
    made = np.array(use("trainer => Array.from({ length: 20 }, () => trainer.nextBatch(6))")).ravel()
    epochs = [made[start : start + IMAGES].tolist() for start in (0, IMAGES, 2 * IMAGES)]
    assert all(sorted(epoch) == list(range(IMAGES)) for epoch in epochs)
    assert epochs[0] != epochs[1] and epochs[0] != list(range(IMAGES))


def test_noise_is_what_it_is_called_and_new_in_each_batch(use):
    script = """trainer => {
      trainer.gradients([0, 1]);
      const { network } = trainer, noisy = () => network.rows(network.noisy, 2, 784, 784);
      const clean = network.rows(network.clean, 2, 784, 784), first = noisy();
      trainer.gradients([0, 1]);
      return [clean, first, noisy()];
    }"""
    clean, first, second = np.array(use(script, noise={"kind": "masking", "level": 0.3}))
    ink = clean > 0
    assert set((first[ink] == clean[ink]).tolist()) == {True, False} and (first != second).any()
    assert (first[ink] == 0).mean() == pytest.approx(0.3, abs=0.1)
    clean, first, second = np.array(use(script, noise={"kind": "gaussian", "level": 0.2}))
    assert first.min() == 0 and first.max() == 1 and (first != second).any()
    inside = (clean == 0) & (first > 0)
    assert inside.mean() / (clean == 0).mean() == pytest.approx(0.5, abs=0.05)
    assert first[inside].mean() == pytest.approx(0.2 * np.sqrt(2 / np.pi), rel=0.1)  # of half a normal distribution


def test_knobs_act_at_once(use):
    """The mean loss of an epoch; in an epoch of one batch it does not depend on the order."""
    batch = {"batch": 40, "count": 40}
    script = """trainer => {
      const losses = [trainer.step().loss];
      trainer.set(CHANGE);
      losses.push(trainer.step().loss, trainer.step().loss);
      return { losses, spec: trainer.spec };
    }"""
    plain = use(script.replace("CHANGE", "{}"), **batch)["losses"]
    same = script.replace("CHANGE", json.dumps(optimizer("adam", rate=0.0)))
    assert use(same, **batch)["losses"] == pytest.approx([plain[0], plain[1], plain[1]], rel=1e-5)
    for change in (
        {"noise": {"kind": "masking", "level": 1}},
        {"penalty": {"kind": "l1", "weight": 1}},
        SUMMED,
        optimizer("sgd", rate=5),
        {"optimizer": {"name": "adam", "rate": 0.003, "defaults": "tf1"}},
        {"batch": 3},
    ):
        made = use(script.replace("CHANGE", json.dumps(change)), **batch)
        assert made["losses"][0] == plain[0] and made["losses"][1:] != plain[1:], change
        assert made["spec"] == {**SPEC, "batch": 40, **change}
    summed = use(script.replace("CHANGE", json.dumps(SUMMED)), **batch)["losses"]
    assert summed[1] == pytest.approx(784 * plain[1])
    # 100 images are more than there was room for.
    more = "trainer => { trainer.set({ batch: 100 }); const { losses } = trainer.step(3); return losses; }"
    assert np.isfinite(use(more.replace("trainer.set", "trainer.images = new Uint8Array(784 * 200); trainer.set"))).all()


@pytest.mark.parametrize("change", [optimizer("adam", "tf1"), optimizer("rmsprop", "tf1"), optimizer("adagrad")])
def test_another_optimizer_remembers_nothing_of_the_one_before(use, change):
    script = """async (trainer, images) => {
      trainer.step(3);
      const change = CHANGE, fresh = await core.createTrainer({ ...trainer.spec, ...change }, images);
      fresh.setWeights(trainer.weights());
      trainer.set(change);
      for (const one of [trainer, fresh]) for (let i = 0; i < 3; i++) one.step(1, { batch: [0, 1, 2, 3, 4, 5] });
      return [trainer.weights(), fresh.weights()];
    }"""
    changed, fresh = use(script.replace("CHANGE", json.dumps(change)))
    assert changed == fresh


def test_what_needs_a_restart_is_named(use):
    assert use("() => core.RESTARTS") == ["encoder", "code", "decoder", "output", "tied", "init", "seed"]
    changes = {"encoder": [], "code": {"kind": "plain", **a_layer(4)}, "decoder": [], "output": a_layer(1), "tied": True}
    for name, value in {**changes, "init": {"kind": "other"}, "seed": 1}.items():
        with pytest.raises(Exception, match=rf"spec\.{name} needs a new trainer"):
            use(f"trainer => trainer.set({json.dumps({name: value})})")


@pytest.mark.parametrize("kernels", ["wasm", "js"])
def test_it_stops_before_a_loss_that_is_no_number(use, kernels):
    script = """trainer => {
      const first = trainer.step(2), weights = trainer.weights();
      weights[7].values[5] = VALUE;
      trainer.setWeights(weights);
      const second = trainer.step(5);
      return { first, second, third: trainer.step(), kept: trainer.weights()[7].values[6] === weights[7].values[6] };
    }"""
    for value in ("NaN", "1e30"):  # whose square is more than a float32 can hold
        made = use(script.replace("VALUE", value), kernels, output={"activation": "linear"})
        assert made["first"]["step"] == 2 and made["first"]["failed"] is None and len(made["first"]["losses"]) == 2
        assert made["second"]["step"] == 2 and made["second"]["losses"] == [] and made["second"]["failed"]["step"] == 3
        assert made["third"]["step"] == 2 and made["kept"]
        assert str(made["second"]["failed"]["loss"]) == {"NaN": "nan", "1e30": "inf"}[value]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": 5}, "spec.encoder must be a list, but it is 5"),
        ({"encoder": [a_layer(0)]}, r"spec.encoder\[0\].units must be a whole number above 0, but it is 0"),
        ({"decoder": [a_layer(2), a_layer(2.5)]}, r"spec.decoder\[1\].units must be a whole number above 0, but it is 2.5"),
        ({"encoder": [a_layer(3, "ReLU")]}, r'activation must be one of linear, relu, .*, but it is "ReLU"'),
        ({"output": {"activation": "toString"}}, 'spec.output.activation must be one of .*, but it is "toString"'),
        ({"output": {"activity": "relu"}}, 'a field of spec.output must be one of activation, but it is "activity"'),
        ({"code": {"kind": "vae", "units": 2}}, 'spec.code.kind must be one of plain, variational, but it is "vae"'),
        ({"code": {"kind": "plain", "units": 2}}, "spec.code.activation must be one of .*, but it is undefined"),
        ({"loss": {"kind": "cross_entropy", "reduction": "mean"}}, "from_logits must be true or false, but it is undefined"),
        ({"loss": {"kind": "squared_error", "reduction": "max"}}, 'reduction must be one of mean, sum, but it is "max"'),
        (optimizer("nadam"), "spec.optimizer.name must be one of sgd, rmsprop, adam, adagrad, but it is"),
        (optimizer("adam", "torch"), "spec.optimizer.defaults must be one of keras, tf1, but it is"),
        (optimizer("adam", rate=-1), "spec.optimizer.rate must be a number, 0 or more, but it is -1"),
        ({"noise": {"kind": "masking", "level": 1.1}}, "spec.noise.level must be a number from 0 to 1, but it is 1.1"),
        ({"noise": None}, "spec.noise must be an object, but it is null"),
        ({"penalty": {"kind": "kl", "weight": 1, "target": 1}}, "spec.penalty.target must be a number between 0 and 1"),
        ({"kl_weight": "1"}, 'spec.kl_weight must be a number, 0 or more, but it is "1"'),
        ({"tied": 1}, "spec.tied must be true or false, but it is 1"),
        ({"tied": True, "decoder": []}, r"spec.decoder must be the encoder's mirror image.*, but it is \[\]"),
        ({"tied": True, **VARIATIONAL}, "spec.tied must be false for a variational code, but it is true"),
        ({"penalty": {"kind": "l1", "weight": 1}, **VARIATIONAL}, "spec.penalty.kind must be none for a variational code"),
        ({"init": {"kind": "truncated_normal", "stddev": -1, "bias": 0}}, "spec.init.stddev must be a number, 0 or more"),
        ({"batch": 41}, "spec.batch must be at most the number of images, 40, but it is 41"),
        ({"seed": -1}, "spec.seed must be a whole number, 0 or more, but it is -1"),
        ({"bach": 1}, 'a field of spec must be one of encoder, .*, but it is "bach"'),
    ],
)
def test_a_wrong_spec_is_named(use, change, message):
    with pytest.raises(Exception, match=message):
        use("trainer => trainer", **change)


def test_wrong_images_and_weights_are_named(core, use):
    for images, came in (("new Uint8Array(785)", "785"), ("[1]", "1"), ("new Uint8Array(0)", "0"), ("undefined", "undefined")):
        with pytest.raises(Exception, match=f"images must be a Uint8Array of 784 bytes for each image, but it is {came}"):
            core.evaluate(f"spec => core.createTrainer(spec, {images})", SPEC)
    with pytest.raises(Exception, match=r"the shapes of weights must be .*784,5.*, but it is \[\]"):
        use("trainer => trainer.setWeights([])")


def test_the_stored_kernels_are_those_of_the_text():
    pytest.importorskip("wasmtime", reason="wasmtime is not installed")
    assert kernels.as_javascript(kernels.assembled()) == kernels.STORED.read_text(encoding="utf-8")


PAGE = """<meta charset="utf-8">{policy}<script type="module">
{before}
{source}
{script}
globalThis.frames_ = []; globalThis.errors = [];
const bytes = globalThis.bytes = Uint8Array.from(atob("{images}"), letter => letter.charCodeAt(0));
globalThis.begin = spec => {{
  globalThis.ending = new AbortController();
  globalThis.training = startWorker({{
    spec, images: bytes, shown: bytes.subarray(0, 784 * 3), looked: bytes.subarray(0, 784),
    measured: bytes.subarray(0, 784 * 7),
    onFrame: frame => frames_.push(frame), onError: error => errors.push(error.message), signal: ending.signal,
  }});
}};
</script>"""
FRAMES = "count => frames_.length >= count || errors.length > 0"


@pytest.fixture
def page(chromium, images, tmp_path):
    """Open a page from the disk that trains in a Worker."""
    opened = []

    def open_page(policy="", before=""):
        if policy:
            policy = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        text = PAGE.format(policy=policy, before=before, source=source(), script=SCRIPT, images=bytes_of(images))
        path = tmp_path / f"page{len(opened)}.html"
        path.write_text(text, encoding="utf-8")
        page = chromium.new_page()
        opened.append(page)
        page.goto(path.as_uri())
        page.wait_for_function("() => Boolean(globalThis.begin)")
        return page

    yield open_page
    for page in opened:
        page.close()


def wait(page, condition):
    page.wait_for_function(f"() => errors.length > 0 || ({condition})", timeout=30_000)
    assert page.evaluate("errors") == []


def last(page):
    return page.evaluate("(({ step, failed, isPlaying, kernels }) => [step, failed, isPlaying, kernels])(frames_.at(-1))")


def test_a_worker_trains_and_answers_on_a_page_from_the_disk(page, images):
    page = page()
    page.evaluate("begin", SPEC)
    wait(page, "frames_.length === 1")
    assert last(page) == [0, None, False, "wasm"]
    sizes = page.evaluate(
        "(({ reconstruction, inside, measures: { code, reconstruction: made } }) =>"
        " [reconstruction, ...inside, code, made].map(a => a.length))(frames_[0])"
    )
    assert sizes == [3 * 784, 5, 3, 5, 784, 7 * 3, 7 * 784]
    page.evaluate("training.look(bytes.subarray(0, 784 * 2), bytes.subarray(784, 784 * 2))")
    wait(page, "frames_.length === 2")
    first, second = page.evaluate("frames_.map(frame => Array.from(frame.inside.at(-1)).concat(frame.reconstruction.length))")
    assert first != second and second[-1] == 2 * 784

    page.evaluate("training.steps(7)")
    wait(page, "frames_.at(-1).step === 7")
    losses = page.evaluate("frames_.flatMap(frame => Array.from(frame.losses))")
    both = "trainer => [trainer.step(7).losses, trainer.weights()]"
    trained = unpacked(page.evaluate(TRAINER, [SPEC, bytes_of(images), "wasm", both]))
    assert losses == pytest.approx(trained[0], rel=1e-6)
    weights = page.evaluate("training.weights().then(all => all.map(one => ({ ...one, values: Array.from(one.values) })))")
    assert weights == trained[1]

    page.evaluate("training.play()")
    wait(page, "frames_.length > 8 && frames_.at(-1).isPlaying")
    page.evaluate("training.pause()")
    wait(page, "!frames_.at(-1).isPlaying")
    seen = page.evaluate("frames_.map(frame => [frame.step, frame.losses.length])")
    steps, counts = (np.array(part) for part in zip(*seen, strict=True))
    assert (np.diff(steps) == counts[1:]).all() and steps[-1] > 30, "losses are missing"
    page.wait_for_timeout(150)
    assert page.evaluate("frames_.length") == len(seen), "it goes on after a pause"


def test_a_worker_paces_stops_and_begins_again(page):
    page = page()
    page.evaluate("begin", SPEC)
    page.evaluate("training.speed(2); training.play()")
    wait(page, "frames_.length >= 8")
    assert page.evaluate("frames_.slice(2, 8).map(frame => frame.losses.length)") == [2] * 6
    times = page.evaluate("""new Promise(resolve => {
      const before = frames_.length;
      const timer = setInterval(() => {
        if (frames_.length < before + 6) return;
        clearInterval(timer); resolve(performance.now() - begun);
      }, 1);
      const begun = performance.now();
    })""")
    assert times >= 6 * 50 - 60, "frames come more often than every 50 ms"

    # While nobody sees the page, it rests.
    hide = "state => { Object.defineProperty(document, 'hidden', { value: state, configurable: true }); "
    hide += "document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hide, True)
    wait(page, "!frames_.at(-1).isPlaying")
    before = last(page)[0]
    page.evaluate("training.play()")  # it has to wait
    page.wait_for_timeout(150)
    assert last(page)[0] == before
    page.evaluate(hide, False)
    wait(page, f"frames_.at(-1).step > {before}")

    page.evaluate("spec => training.start({ ...spec, seed: 3 })", SPEC)
    wait(page, "frames_.at(-1).step === 0")
    page.evaluate("spec => training.start(spec)", {**SPEC, "output": {"activation": "linear"}, **optimizer("sgd", rate=1e30)})
    page.evaluate("training.play()")
    wait(page, "frames_.at(-1).failed")
    step, failed, is_playing, _ = last(page)
    assert failed["step"] == step + 1 and not is_playing

    page.evaluate("training.set({ batch: 0 })")
    page.wait_for_function("errors.length")
    assert page.evaluate("errors") == ["spec.batch must be a whole number above 0, but it is 0"]
    with pytest.raises(Exception, match="Cannot read properties of null"):
        page.evaluate("begin({}); training.weights()")
    count = page.evaluate("ending.abort(); frames_.length")
    page.evaluate("training.play()")
    page.wait_for_timeout(150)
    assert page.evaluate("frames_.length") == count


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "wasm"),
        ({"policy": "script-src 'unsafe-inline' 'unsafe-eval'; worker-src blob:"}, "wasm"),
        ({"policy": "script-src 'unsafe-inline' 'wasm-unsafe-eval'; worker-src blob:"}, "wasm"),
        ({"policy": "script-src 'unsafe-inline'; worker-src blob:"}, "js"),
    ],
)
def test_kernels_are_those_that_the_page_may_use(page, given, expected):
    page = page(**given)
    page.evaluate("begin", SPEC)
    page.evaluate("training.steps(2)")
    wait(page, "frames_.at(-1)?.step === 2")
    assert last(page)[3] == expected


def test_without_webassembly_it_computes_in_javascript(page):
    page = page(before="delete globalThis.WebAssembly;")
    script = """async spec => {
      const trainer = await core.createTrainer(spec, new Uint8Array(7840));
      return [trainer.kernels, trainer.step(3).step];
    }"""
    assert page.evaluate(script, SPEC) == ["js", 3]
    forced = "spec => core.createTrainer(spec, new Uint8Array(7840), { kernels: 'wasm' })"
    with pytest.raises(Exception, match="WebAssembly is not defined"):
        page.evaluate(forced, SPEC)
