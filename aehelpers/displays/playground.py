"""An autoencoder that trains in the page: its knobs, the models that it begins with, the challenges."""

import zlib
from functools import cache
from typing import NamedTuple

import numpy as np
import traitlets
from aehelpers.baselines import bce, bce_floor, mean_image, mse
from aehelpers.datasets import load
from aehelpers.displays.packing import code_of, packed
from aehelpers.displays.widget import Display
from aehelpers.models import Autoencoder, VariationalAutoencoder
from aehelpers.validation import takes

TRAINED = {"digits": ("mnist", 3000), "clothes": ("fashion_mnist", 1500)}  # data set, and how many images the page trains on
TESTED = 500
LEFT_OUT = 1  # of "digits without 1": the digit that training never shows


class Knob(NamedTuple):
    """What can be turned.

    Attributes
    ----------
    label : str
    options : dict
        Each value with the text that stands for it.
    first : object
        The value that it begins with.
    restarts : bool
        Whether turning it begins the training anew; else it takes effect with the next step.
    """

    label: str
    options: dict
    first: object
    restarts: bool = True


def _numbers(*values):
    return {value: f"{value:g}" for value in values}


_CURVES = {
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "linear": "linear",
}
_STEPS = {"step": "rounded sigmoid", "straight_through_step": "rounded, straight-through"}
KNOBS = {
    "data": Knob(
        "images", {"digits": "digits", "clothes": "clothes", "digits without 1": f"digits without {LEFT_OUT}"}, "digits"
    ),
    "noise": Knob("noise", {"none": "none", "masking": "masking", "gaussian": "Gaussian"}, "none", False),
    "level": Knob("level", _numbers(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), 0.3, False),
    "hidden": Knob(
        "hidden layers",
        {"": "none", "64": "64", "128": "128", "256": "256", "784": "784", "128,64": "128, 64", "300,100": "300, 100"},
        "128",
    ),
    "hidden_activation": Knob("hidden activation", _CURVES, "relu"),
    "code": Knob("code size", _numbers(1, 2, 3, 5, 8, 10, 16, 32, 64, 128, 256, 784), 16),
    "code_kind": Knob("code made of", {"plain": "numbers", "variational": "distributions (VAE)"}, "plain"),
    "code_activation": Knob("code activation", _CURVES | _STEPS, "linear"),
    "output_activation": Knob(
        "output activation", {"sigmoid": "sigmoid", "linear": "linear", "relu": "ReLU", "tanh": "tanh"}, "sigmoid"
    ),
    "drawn": Knob("drawn", {"values": "the output itself", "sigmoid": "sigmoid of the output"}, "values", False),
    "loss": Knob(
        "loss",
        {"mse": "squared error", "bce": "cross-entropy", "logits": "cross-entropy from logits"},
        "mse",
    ),
    "reduction": Knob("over pixels", {"mean": "mean", "sum": "sum"}, "mean"),
    "optimizer": Knob(
        "optimizer",
        {
            "adam": "Adam",
            "rmsprop": "RMSprop",
            "rmsprop_tf1": "RMSprop (TensorFlow 1)",
            "adagrad": "AdaGrad",
            "sgd": "SGD",
        },
        "adam",
    ),
    "rate": Knob("learning rate", _numbers(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10), 0.001, False),
    "batch": Knob("batch", _numbers(16, 32, 50, 64, 100, 128, 256), 64, False),
    "penalty": Knob("penalty on the code", {"none": "none", "l1": "L1", "kl": "KL sparsity"}, "none", False),
    "weight": Knob("penalty weight", _numbers(1e-4, 1e-3, 0.01, 0.1, 1), 0.01, False),
    "target": Knob("target mean", _numbers(0.01, 0.02, 0.05, 0.1, 0.2), 0.05, False),
    "kl": Knob("KL weight", {0.0: "0", **_numbers(0.0001, 0.001, 0.01, 0.1, 1, 4)}, 0.001, False),
    "tied": Knob("decoder weights", {"no": "its own", "yes": "tied to the encoder"}, "no"),
    "start": Knob(
        "initial weights",
        {"glorot": "Glorot", "normal": "normal, 0.1; biases 0.1", "small": "normal, 0.05", "zeros": "zeros"},
        "glorot",
    ),
    "seed": Knob("seed", _numbers(*range(10)), 0),
}

# The models of the lessons: what differs from the knobs' first values, and what is to be seen.
PRESETS = {
    "00": ("00 A healthy autoencoder", {}),
    "01": (
        "01 The step function",
        {"hidden": "", "code": 128, "code_activation": "step", "start": "small", "loss": "bce", "rate": 0.003},
    ),
    "02": ("02 784-784-784", {"hidden": "", "code": 784, "code_activation": "relu", "loss": "bce", "data": "clothes"}),
    "03": (
        "03 The 2-D code dies",
        {
            "hidden": "300,100",
            "code": 2,
            "code_activation": "relu",
            "output_activation": "relu",
            "optimizer": "rmsprop_tf1",
            "rate": 0.01,
            "batch": 50,
            "start": "normal",
        },
    ),
    "04": ("04 The grey images", {"code": 32, "output_activation": "linear", "loss": "logits"}),
    "05": (
        "05 Small, not sparse",
        {"hidden": "", "code": 128, "code_activation": "sigmoid", "penalty": "kl", "weight": 0.1, "rate": 0.003},
    ),
    "06": (
        "06 A denoiser",
        {"hidden": "", "code": 128, "code_activation": "relu", "loss": "bce", "noise": "masking", "level": 0.5},
    ),
    "07": (
        "07 The KL goes to zero",
        {"code_kind": "variational", "hidden": "256", "code": 32, "output_activation": "linear", "kl": 1},
    ),
    "08": ("08 A digit it never saw", {"data": "digits without 1"}),
    "09": ("09 A patient", {"optimizer": "sgd", "rate": 0.1, "hidden": "64"}),
}


class Challenge(NamedTuple):
    """A sick model, to be cured by turning one knob.

    Attributes
    ----------
    lesson : str
        The number of the lesson whose idea it is, or "" if it belongs to none.
    title, task : str
    state : dict
        What differs from the knobs' first values.
    goal : list of tuple
        What must hold together: (fact, "<" or ">" or "=", number or the name of another fact); the facts are those of
        playground.js.
    hint, answer : str
    """

    lesson: str
    title: str
    task: str
    state: dict
    goal: list
    hint: str
    answer: str


CHALLENGES = {
    "dead": Challenge(
        "03",
        "Bring the code to life",
        "Press play: within a few hundred steps, both units of the code output 0 for every image. Turn one knob so that both "
        "units are still active after 1,000 steps.",
        PRESETS["03"][1],
        [("step", ">", 999), ("deadCode", "=", 0)],
        "Where its input is negative, a ReLU outputs 0 and passes no gradient. In which layer is that fatal?",
        "A linear code cannot die, and a leaky one recovers. A smaller learning rate often helps too, but not with every seed.",
    ),
    "pca": Challenge(
        "",
        "Beat PCA with two numbers",
        "On its training images, a linear autoencoder can at best match PCA. Turn one knob so that the error on test images "
        "falls clearly below that of PCA with two numbers.",
        {"hidden": "", "code": 2, "output_activation": "linear", "rate": 0.003},
        [("error", "<", "wellBelowPca"), ("units", "=", 2)],
        "PCA is the best linear encoder and decoder. What can a network have that PCA does not?",
        "Hidden layers: with them, the encoder and the decoder can bend. It takes a few hundred steps.",
    ),
    "kl": Challenge(
        "07",
        "Keep the code talking",
        "The KL term is charged per image, but the squared error is a mean over 784 pixels, and the code falls silent. Turn "
        "one knob so that at least 5 of the 32 units are active after 1,000 steps.",
        PRESETS["07"][1],
        [("step", ">", 999), ("activeUnits", ">", 4)],
        "One term of the loss is 784 times too small, or the other is 784 times too large.",
        "Sum the squared error over the pixels, or set the weight of the KL to 0.001, about 1/784.",
    ),
    "grey": Challenge(
        "04",
        "Give the digits their black back",
        "This model learns well, but its pictures have a grey background. Press play for 300 steps, then turn one knob. You "
        "do not have to start again.",
        PRESETS["04"][1],
        [("step", ">", 199), ("pale", "=", 0), ("drawnError", "<", "halfMeanError")],
        "The loss was told that the output is logits. Do you want to look at logits?",
        "Draw the sigmoid of the output. A sigmoid activation in the output layer would be a second sigmoid, because this loss "
        "already applies one.",
    ),
    "step": Challenge(
        "01",
        "Let the encoder learn",
        "The decoder learns from random bits, and no gradient reaches the encoder. Turn one knob so that one does, and bring "
        "the error below 0.023.",
        PRESETS["01"][1],
        [("encoderGradient", ">", 0), ("error", "<", 0.023)],
        "Rounding has slope 0, so no gradient passes. Could you round in the forward pass only?",
        "Straight-through rounding: the gradient passes as if there were no rounding. A smooth code also works, but then the "
        "code is no longer made of bits.",
    ),
    "patient": Challenge(
        "09",
        "Wake the sleeper",
        "Nothing is broken here, yet after 500 steps the reconstruction is still the same for every image. Turn one knob, "
        "start again, and bring the error below 0.05 before step 1,000.",
        PRESETS["09"][1],
        [("step", "<", 1000), ("error", "<", 0.05)],
        "The gradient of a mean over 784 pixels is small, and so are the steps. (With a learning rate of 0.1, Adam diverges.)",
        "A sum over the pixels makes the gradient 784 times as large; a learning rate of 10 helps too. Adam divides by the "
        "size of the gradient, so it does not need a large one, but a learning rate of 0.1 is too much for it.",
    ),
    "explode": Challenge(
        "09",
        "Stop the explosion",
        "The first steps throw the weights far away, and the code never recovers. Turn one knob, start again, and "
        "bring the error below 0.04.",
        {"optimizer": "adam", "rate": 1.0, "hidden": "128", "code": 16, "output_activation": "linear"},
        [("error", "<", 0.04)],
        "How far does Adam move each weight in its first step?",
        "By the learning rate, whatever the gradient, and 1 is far too much. Keras's default is 0.001.",
    ),
    "zeros": Challenge(
        "01",
        "Break the symmetry",
        "All weights start at 0. Turn one knob and bring the error below half that of the mean image.",
        {"start": "zeros", "hidden": "64", "rate": 0.003},
        [("step", ">", 99), ("error", "<", "halfMeanError")],
        "On its way back through a layer, the gradient is multiplied by that layer's weights.",
        "Random weights, either Glorot's or drawn from a normal distribution.",
    ),
    "price": Challenge(
        "05",
        "Keep the units alive",
        "The penalty charges for every activation, and most units of the code are dead. Turn one knob so that fewer than 16 of "
        "64 are dead after 500 steps. Keep the L1 penalty.",
        {"hidden": "", "code": 64, "code_activation": "relu", "penalty": "l1", "weight": 0.001, "rate": 0.003},
        [("step", ">", 499), ("deadCode", "<", 16), ("charged", "=", 1)],
        "A unit whose input is below 0 for all images no longer receives a gradient. What pushes it there?",
        "A tenth of the weight: then using a unit costs less than it is worth.",
    ),
}

FIRST = {name: knob.first for name, knob in KNOBS.items()}
# What the link holds besides the knobs: hidden knobs by their names with commas, a task in a teacher's words, and what is seen.
BESIDE = {"preset": "00", "challenge": "", "hide": "", "task": "", "chart": "loss"}


def _state(value, name):
    """Return the whole state from a preset, a challenge or a dict."""
    if isinstance(value, str):
        if value in PRESETS:
            return {**FIRST, **BESIDE, **PRESETS[value][1], "preset": value}
        if value in CHALLENGES:
            return {**FIRST, **BESIDE, **CHALLENGES[value].state, "preset": "", "challenge": value}
        known = ", ".join((*PRESETS, *CHALLENGES))
        raise ValueError(f"{name} must be a preset or a challenge ({known}), or a dict of knobs, but it is {value!r}")
    if not isinstance(value, dict):
        raise TypeError(f"{name} must be a str or a dict, but it is {value!r:.200}")
    if unknown := sorted(set(map(str, value)) - set(FIRST) - set(BESIDE)):
        raise ValueError(f"{name} names {', '.join(unknown)}, but the knobs are {', '.join((*FIRST, *BESIDE))}")
    base = {**FIRST, **(PRESETS[value["preset"]][1] if value.get("preset") in PRESETS else {})}
    for key, chosen in value.items():
        if key in KNOBS and chosen not in KNOBS[key].options:
            options = ", ".join(map(repr, KNOBS[key].options))
            raise ValueError(f"{name}[{key!r}] must be one of {options}, but it is {chosen!r}")
        if key in BESIDE and not isinstance(chosen, str):
            raise TypeError(f"{name}[{key!r}] must be a str, but it is of type {type(chosen).__name__}")
    return {**base, **BESIDE, **value}


def _told(challenge):
    """Return what the page gets of a challenge."""
    told = {**challenge._asdict(), "state": {**FIRST, **challenge.state}, "goal": list(map(list, challenge.goal))}
    del told["lesson"]  # the website's links alone need it
    return told


class Playground(Display):
    """The display of `playground`; `model` returns what has been trained in it."""

    trained = traitlets.Dict().tag(sync=True)  # the step, the state, and the weights as bytes

    def model(self):
        """Return what was trained in the page as a model, when it was last paused.

        Returns
        -------
        keras.Model
            An `autoencoder` or a `variational_autoencoder`, with the weights of the page.

        Raises
        ------
        RuntimeError
            If nothing has been trained yet.
        """
        if not self.trained:
            raise RuntimeError(
                "nothing has been trained in this playground yet: press play, and pause, then call model() again"
            )
        return as_model(self.trained["state"], self.trained["weights"])


def as_model(state, weights):
    """Return the model of a state, with weights from the page: all of them, one after the other, as bytes of float32."""
    hidden = tuple(map(int, state["hidden"].split(","))) if state["hidden"] else ()
    shared = {
        "hidden": hidden,
        "code_size": int(state["code"]),
        "hidden_activation": state["hidden_activation"],
        "output_activation": state["output_activation"],
    }
    if state["code_kind"] == "variational":
        model = VariationalAutoencoder(**shared, kl_weight=784 * float(state["kl"]))
    else:
        model = Autoencoder(**shared, code_activation=state["code_activation"], tied=state["tied"] == "yes")
    numbers = np.frombuffer(weights, "<f4")
    sizes = [int(np.prod(weight.shape)) for weight in model.weights]
    arrays = np.split(numbers, np.cumsum(sizes)[:-1])
    model.set_weights([array.reshape(weight.shape) for array, weight in zip(arrays, model.weights, strict=True)])
    return model


_CODE = code_of(
    "{code_kind}",
    "import aehelpers as ae\nimport keras\n\n{data}\nkeras.utils.set_random_seed({seed})",
    "{optimizer}\nae.fit(model, x, steps=1_000, batch_size={batch}, optimizer=optimizer, loss={reduction})",
    data={
        "digits": f'x = ae.load("mnist").x_train[:{TRAINED["digits"][1]}]',
        "clothes": f'x = ae.load("fashion_mnist").x_train[:{TRAINED["clothes"][1]}]',
        "digits without 1": f'data = ae.load("mnist")\nx = data.x_train[data.y_train != {LEFT_OUT}][:{TRAINED["digits"][1]}]',
    },
    code_kind={
        "plain": "parts = ae.autoencoder(\n    hidden=({hidden}), code_size={code}, hidden_activation={hidden_activation},"
        " code_activation={code_activation},\n    output_activation={output_activation}, tied={tied}, {start},\n)\n"
        "model = keras.Sequential([keras.Input((784,)), {noise}parts.encoder, {penalty}parts.decoder])",
        "variational": "parts = ae.variational_autoencoder(\n    hidden=({hidden}), code_size={code},"
        " hidden_activation={hidden_activation},\n"
        "    output_activation={output_activation}, kl_weight=784 * {kl}, {start},\n)\n"
        "model = keras.Sequential([keras.Input((784,)), {noise}parts])",
    },
    hidden={value: f"{value}," if value else "" for value in KNOBS["hidden"].options},
    **{
        name: {value: f'"{value}"' for value in KNOBS[name].options}
        for name in ("hidden_activation", "code_activation", "output_activation")
    },
    rate={value: f"{float(value)}" for value in KNOBS["rate"].options},  # Keras takes no whole number
    tied={"no": "False", "yes": "True"},
    start={
        "glorot": 'kernel_initializer="glorot_uniform"',
        "normal": "kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.1),\n"
        "    bias_initializer=keras.initializers.Constant(0.1)",
        "small": "kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.05)",
        "zeros": 'kernel_initializer="zeros"',
    },
    noise={
        "none": "",
        "masking": "ae.MaskingNoise({level}), ",
        "gaussian": "keras.layers.GaussianNoise({level}), keras.layers.ReLU(1.0), ",
    },
    penalty={
        "none": "",
        "l1": "keras.layers.ActivityRegularization(l1={weight}), ",
        "kl": "ae.KLSparsity({target}, weight={weight}), ",
    },
    optimizer={
        "adam": "optimizer = keras.optimizers.Adam({rate})",
        "rmsprop": "optimizer = keras.optimizers.RMSprop({rate})",
        "rmsprop_tf1": "optimizer = keras.optimizers.RMSprop({rate}, rho=0.9, epsilon=1e-10)\n"
        "optimizer.build(model.trainable_variables)\n"
        "for variable in optimizer.variables:\n"
        '    if "velocity" in variable.path:  # TensorFlow 1 begins the running mean of squares at 1\n'
        "        variable.assign(keras.ops.ones_like(variable))",
        "adagrad": "optimizer = keras.optimizers.Adagrad({rate})",
        "sgd": "optimizer = keras.optimizers.SGD({rate})",
    },
    loss={"mse": '"mse"', "bce": '"bce"', "logits": "keras.losses.BinaryCrossentropy(from_logits=True)"},
    reduction={"mean": "{loss}", "sum": "lambda x, y: 784 * keras.losses.get({loss})(x, y)"},
)


@cache
def sets():
    """Return what the page gets of each data set: images as bytes, deflated, and the yardsticks that are drawn."""
    made = {}
    for name, (stored, count) in TRAINED.items():
        data = load(stored)
        made[name] = _set(data.x_train[:count], data.x_test[:TESTED], data.y_test[:TESTED])
        if name == "digits":
            others = data.x_train[np.flatnonzero(data.y_train != LEFT_OUT)[:count]]
            made[f"digits without {LEFT_OUT}"] = _set(others, data.x_test[:TESTED], data.y_test[:TESTED], LEFT_OUT)
    return made


def _set(x_train, x_test, y_test, left_out=-1):
    mean = mean_image(x_train)
    alike = np.broadcast_to(mean, x_test.shape)
    centred = x_train - mean
    # All components at once, the largest last: they are orthonormal, so that each takes the square of its coordinate away.
    _, components = np.linalg.eigh(centred.T @ centred)
    coordinates = (x_test - mean) @ components[:, ::-1]
    left = mse(x_test, alike) - np.cumsum(np.square(coordinates, dtype=float).mean(axis=0)) / x_test.shape[1]
    return {
        "train": _deflated(x_train),
        "test": _deflated(x_test),
        "labels": y_test.tolist(),
        "variance": float(x_test.var(axis=0).sum()),
        "mean": {"mse": mse(x_test, alike), "bce": bce(x_test, alike)},
        "floor": bce_floor(x_test),
        "leftOut": left_out,
        "pca": packed(np.maximum(left, 0), "float32"),
    }


def _deflated(images):
    return {"count": len(images), "bytes": zlib.compress(np.rint(images * 255).astype(np.uint8).tobytes(), 6)}


@takes(state=_state)
def playground(state="00"):
    """Train an autoencoder in the page: turn its knobs, watch it learn, fail and recover; nothing runs in Python.

    Parameters
    ----------
    state : str or dict
        The number of a lesson ("03": the model of that lesson), the name of a challenge ("dead"), or a dict of knobs by their
        names, such as ``{"code": 2, "code_activation": "relu"}``; what it does not name stands as in the preset that it names,
        or as in "00". Also ``hide``, names of knobs to hide with commas between them, and ``task``, a sentence to show.

    Returns
    -------
    Playground
        A display whose `model` method returns what was trained, as a Keras model.

    Raises
    ------
    ValueError
        If a name or a value is none of those that there are: the message lists them.

    References
    ----------
    D. Smilkov, S. Carter, D. Sculley, F. Viégas and M. Wattenberg (2017), Direct-manipulation visualization of deep networks,
    https://arxiv.org/abs/1708.03788: the playground for classifiers. P. Vincent et al. (2008), see `MaskingNoise`.
    """
    return Playground(
        "playground",
        "Playground: an autoencoder that trains in the page",
        None,
        state,
        code=_CODE,
        knobs=[
            {
                "name": name,
                "label": knob.label,
                "options": [[value, text] for value, text in knob.options.items()],
                "restarts": knob.restarts,
            }
            for name, knob in KNOBS.items()
        ],
        presets=[{"id": name, "title": title, "state": {**FIRST, **changes}} for name, (title, changes) in PRESETS.items()],
        challenges=[{"id": name, **_told(one)} for name, one in CHALLENGES.items()],
        sets=sets(),
    )
