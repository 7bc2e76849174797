"""What every public function says to arguments that it was not made for, and what it makes of unusual ones that are fine.

What an argument must be is declared with the function. Here, each public function is called with every kind of value that the
declaration of each of its arguments excludes (`WRONG`), all else being right (`RIGHT`). The error has to name the argument, and
to come before any work: no weight moves, no figure is made, nothing is printed.
"""

import concurrent.futures
import decimal
import inspect
import re

import aehelpers as ae
import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from aehelpers import checks, diagnosis, diagnostics, displays, evidence, models, plots
from aehelpers.diagnosis.probes import examinable
from aehelpers.diagnosis.rows import Rows
from aehelpers.displays.exercise import _answer
from aehelpers.displays.latent_plane import _labels
from aehelpers.displays.playground import _state
from aehelpers.displays.self_test import _two_questions
from aehelpers.displays.training import _record
from aehelpers.layers import _one_level_or_two
from aehelpers.training import History
from aehelpers.validation import (
    Boolean,
    Dict,
    Floats,
    Fraction,
    Function,
    Id,
    Images,
    Integer,
    Known,
    Loss,
    Model,
    OneOf,
    Optional,
    Real,
    Seed,
    Text,
    takes,
)
from sklearn.decomposition import PCA

X = np.random.default_rng(7).integers(0, 256, (24, 16)).astype(np.float32) / 255
BINARY = (X > 0.5).astype(np.float32)
LOGIT = tf.constant(X - 0.5)
HISTORY = History((), None, [1, 2], {"loss": [0.7, 0.6]})
MODEL = ae.autoencoder(input_size=16, code_size=4, code_activation="sigmoid")
WITH_RELU = ae.autoencoder(input_size=16, code_size=4, code_activation="relu")
WITH_LINEAR_CODE = ae.autoencoder(input_size=16, code_size=4, code_activation="linear")
OTHER = ae.autoencoder(input_size=9, code_size=3)
PAIR = [keras.Input((16,)), keras.Input((16,))]
TWO_INPUTS = keras.Model(PAIR, keras.layers.Dense(16)(keras.layers.Concatenate()(PAIR)))
TWO_OUTPUTS = keras.Model(PAIR[0], [keras.layers.Dense(16)(PAIR[0]), keras.layers.Dense(16)(PAIR[0])])
NOTHING_TO_TRAIN = keras.Sequential([keras.Input((16,)), keras.layers.Dropout(0.5)])
PCA_OF_X = ae.baselines.fit_pca(X, 5)
TRAINING = {"model": MODEL, "x": X, "steps": 1, "batch_size": 8, "progress": False}
STATE = MODEL.get_weights()
DIGITS = np.random.default_rng(8).integers(0, 256, (12, 784)).astype(np.float32) / 255
OF_DIGITS = ae.autoencoder(code_size=2, code_activation="sigmoid")
RECORD = ae.stored_arrays("dead_code_run")
WATCHED = {"steps": 400, "level": 0.07, "highest_loss": 0.2}

TWO = {"A": "this", "B": "that"}
QUESTION = {"question": "Which?", "options": TWO, "answer": "A", "reasons": TWO}

# For each public function, arguments with which it works.
RIGHT = {
    "GaussianSampling": {},
    "KLSparsity": {"rho": 0.05},
    "MaskingNoise": {"p": 0.3},
    "TrainingRecorder": {"model": MODEL, "x": X},
    "autoencoder": {"input_size": 16, "code_size": 4, "hidden": (8,)},
    "bce": {"x": X, "reconstruction": X[::-1]},
    "bce_floor": {"x": X},
    "check": {"sentence": "one is one", "condition": True},
    "code_size_display": {"models": {2: MODEL}, "x_train": X, "x_test": X},
    "code_usage": {"codes": BINARY},
    "component_gain": {"model": MODEL, "x_train": X, "x": X},
    "dead_units": {"encoder": MODEL.encoder, "x": X},
    "diagnose": {"model": MODEL, "x_train": X, "x_test": X[::-1], "before": MODEL.get_weights(), "loss": "mse", "code": "code"},
    "drawing_pad": {"models": {"one": OF_DIGITS}, "x": DIGITS},
    "exercise": {"id": "01-days", "question": "How many?", "answer": 7, "hint": "weeks", "solution": "Seven."},
    "fit": {**TRAINING, "target": X[::-1]},
    "fit_pca": {"x": X, "n_components": 2},
    "gaussian_noise": {"x": X, "deviation": 0.2, "seed": 1},
    "gradient_report": {"model": MODEL, "x": X, "target": X[::-1]},
    "kl_sparsity": {"h": X, "rho": 0.1},
    "grey_range_display": {"originals": X, "logits": X * 20 - 10},
    "latent_plane": {"decoder": OF_DIGITS.decoder, "codes": X[:12, :2], "x": DIGITS, "labels": np.arange(12) % 10},
    "load": {"name": "mnist"},
    "logit_display": {},
    "loss_ladder": {"x_train": X, "x_test": X, "models": {"ours": MODEL, "copy": np.copy}, "code_size": 2},
    "loudness_display": {"model": MODEL, "x": X},
    "masking_noise": {"x": X, "p": 0.3, "seed": 1},
    "mean_image": {"x": X},
    "mse": {"x": X, "reconstruction": X[::-1]},
    "noise_display": {"models": {"one": MODEL}, "x": X, "colours": {"one": "ink"}},
    "playground": {"state": {"code": 2}},
    "predict": {"model": MODEL, "x": X},
    "recorded_display": {"name": "bits_random"},
    "salt_and_pepper_noise": {"x": X, "p": 0.3, "seed": 1},
    "self_test": {"id": "01-self-test", "questions": [QUESTION, QUESTION]},
    "shift_display": {"model": WITH_RELU, "x": X},
    "show_images": {"rows": X, "titles": "digits"},
    "show_loss": {"histories": HISTORY, "levels": {"floor": 0.5}},
    "step": {"x": LOGIT},
    "store_models": {"path": "nowhere", "models": {1: MODEL}},
    "stored_arrays": {"name": "dead_code_run"},
    "stored_models": {"name": "code_sizes"},
    "stored_runs": {"name": "step_code"},
    "straight_through_step": {"x": LOGIT},
    "threshold_display": {"models": {"one": MODEL}, "x": X},
    "training_display": {"record": RECORD, "x": DIGITS, **WATCHED},
    "variational_autoencoder": {"input_size": 16, "code_size": 2, "hidden": (8,)},
    "vote": {"question": "Which?", "options": TWO, "id": "01-which"},
    "weight_drift": {"model": MODEL, "before": MODEL.get_weights()},
}

# What has no constraint of its own, and why.
WITHOUT_CONSTRAINT = {
    ("fit", "optimizer"): "looked at together with learning_rate: see TOGETHER",
    ("fit", "where"): "looked at together with x: see TOGETHER",
    ("fit", "validation_data"): "looked at together with target and loss: see TOGETHER",
    ("store_models", "path"): "numpy opens it",
}
WITHOUT_ARGUMENTS = {"NonFiniteLossError": "`fit` raises it; a reader only looks at it"}


def public():
    """Return the functions that declare what they take, by name; `store_models` is for the scripts of the evidence."""
    things = {name: getattr(ae, name) for name in ae.__all__}
    return {"store_models": evidence.store_models} | {n: thing for n, thing in things.items() if n not in WITHOUT_ARGUMENTS}


def constraints_of(name):
    function = public()[name]
    return (function.__init__ if inspect.isclass(function) else function).constraints


def call(name, /, **changes):
    return public()[name](**{**RIGHT[name], **changes})


# The wrong values of each kind of constraint: (value, kind of error, what the argument must be and what came).


def each(kind, words, *values):
    """Wrong values that all get one answer, which repeats them."""
    return [(value, kind, f"{words}, but it is {re.escape(f'{value!r:.200}')}") for value in values]


def wrong_images(constraint):
    good = np.full((6, 9), 0.5, np.float32)

    def spoiled(value):
        return np.where(np.arange(54).reshape(6, 9) == 30, value, good.astype(float))

    for dimensions in set(range(6)) - set(constraint.dimensions):
        array = np.full((4,) * dimensions, 0.5)
        yield array, ValueError, rf"have the shape \(images, .*, but its shape is {re.escape(str(array.shape))}"
    for array in (good[: constraint.at_least - 1], good[:, :0]):
        words = rf"hold at least {constraint.at_least} image.*, but its shape is {re.escape(str(array.shape))}"
        yield array, ValueError, words
    for value in (np.nan, np.inf, -np.inf, 1e300):
        yield spoiled(value), ValueError, "be finite, but it has NaN or infinite values"
    yield np.array([[np.inf, -np.inf]] * 2), ValueError, "be finite"
    dates = np.array([["2020"]], "M8[D]")
    for value in (None, "images", {"images": good}, good.astype(object), good * 1j, good.astype(str), dates):
        yield value, TypeError, f"hold real numbers, but its dtype is {re.escape(str(np.asarray(value).dtype))}"
    yield [[0.1], [0.1, 0.2]], ValueError, "be an array of images, but no array can be made of it"
    if constraint.pixels:
        yield (good * 510).astype(np.uint8), ValueError, r"lie in \[0, 1\], but its values go from 255 to 255; divide by 255"
        yield spoiled(-0.1), ValueError, r"lie in \[0, 1\], but its values go from -0\.1 to 0\.5$"
        yield spoiled(1.1), ValueError, r"lie in \[0, 1\], but its values go from 0\.5 to 1\.1$"


def wrong_rows_of_any_kind():
    good = np.full((6, 9), 0.5)
    yield np.array(0.5), ValueError, r"have 2 to 6 dimensions, a row for each example, but its shape is \(\)"
    yield good[:0], ValueError, r"hold at least one row of at least one number, but its shape is \(0, 9\)"
    gap = np.where(np.arange(54).reshape(6, 9) == 30, np.nan, good)
    yield (
        gap,
        ValueError,
        r"be finite, but it has NaN or infinite values in 1 row\(s\), the first at \(3, 3\); leave those rows out",
    )
    for value in (None, good.astype(object), good * 1j, np.array([["2020"]], "M8[D]")):
        yield value, TypeError, f"hold real numbers, but its dtype is {re.escape(str(np.asarray(value).dtype))}"
    yield good.astype(str), TypeError, "hold real numbers, but its dtype is .*; turn words into numbers first"
    yield [[0.1], [0.1, 0.2]], ValueError, "be an array, but none can be made of it: .*; rows of different lengths"
    yield tf.data.Dataset.from_tensor_slices(good), TypeError, r"be an array .*; collect it: np\.concatenate"
    yield {"a": good, "b": good[:2]}, ValueError, r"have one number of rows, but they have \[2, 6\]$"


def wrong_integers(constraint):
    wanted = f"be a whole number of at least {constraint.at_least}"
    yield from each(TypeError, wanted, 2.0, "2", None, True, np.True_, np.nan, [2], 1j)
    for value in (constraint.at_least - 1, -1, np.int8(-3)):
        yield value, ValueError, f"be at least {constraint.at_least}, but it is {value}$"


def wrong_reals(constraint):
    yield from each(TypeError, "be a number", "0.5", None, True, [0.5], 1j, np.zeros(2), decimal.Decimal("0.5"))
    ends = [constraint.low, constraint.high] if constraint.open_interval else []
    outside = (np.nan, np.inf, -np.inf, constraint.low - 0.1, constraint.high + 0.1, *ends)
    yield from each(ValueError, f"be {re.escape(str(constraint))}", *outside)


def wrong_entries(constraint):
    yield from each(TypeError, "be a dict", None, 3, "name", [1])
    if not constraint.or_empty:
        yield {}, ValueError, "have at least one entry, but it is empty"
    key = 2 if isinstance(constraint.keys, Integer) else "a"
    for value, kind, words in wrong_values(constraint.of):
        yield {key: value}, kind, words
    if constraint.keys:
        for value, kind, words in wrong_values(constraint.keys):
            if value.__hash__ and value == value:
                yield {value: MODEL}, kind, words


def wrong_sizes(constraint):
    yield from each(TypeError, r"be a sequence of layer sizes such as \(300, 100\)", 8, np.int64(8), 8.5, "8", None)
    yield from (((8, value), kind, words) for value, kind, words in wrong_integers(Integer()))


def wrong_levels(constraint):
    for value, kind, words in wrong_reals(Fraction()):
        yield (0.0, value), kind, words
        if not isinstance(value, list):  # a list may be a pair
            yield value, kind, words
    yield from each(ValueError, r"be one number or a pair \(lowest, highest\)", (0.1,), (0.1, 0.2, 0.3), (0.2, 0.1), [])


def wrong_rows(constraint):
    yield from each(TypeError, "be an array of images or a sequence of such arrays", None, 3, "rows", {"a": X})
    yield from (([value], kind, words) for value, kind, words in wrong_images(Images()))
    yield [], ValueError, "hold at least one row of images, but it is empty"
    yield X[:, :15], ValueError, "hold square images, but each has 15 pixels"
    yield np.zeros((2, 4, 4, 2)), ValueError, r"hold images of 1 or 3 channels, but its shape is \(2, 4, 4, 2\)"
    yield [X, X[:, :9]], ValueError, r"hold images of shape \(4, 4\), as row 0 of rows does, but its shape is \(24, 3, 3\)"


def wrong_histories(constraint):
    for value in (None, "loss", {"a": None}, [HISTORY]):
        yield value, TypeError, "be what fit returned, or a dict of name and such a history, but one is "
    for value in ({}, History((), None)):
        yield value, ValueError, "hold at least one history, each with at least one record"


def wrong_files(constraint):
    yield from each(
        TypeError, "be the name of a file without its ending, such as 'step_code'", None, 3, b"step_code", ["step_code"]
    )
    names = ("", "../step_code", "step_code.csv", "/etc/passwd", "a b")
    yield from each(ValueError, "be the name of a file without folder and ending, such as 'step_code'", *names)


def wrong_questions(constraint):
    yield from each(
        TypeError, "be a list of two dicts, each with question, options, answer, reasons", None, 3, "text", QUESTION
    )
    for count in (0, 1, 3):
        yield [QUESTION] * count, ValueError, f"be a list of two dicts, each with .*, but it has {count} entries"
    for value in (None, {}, {**QUESTION, "hint": "no"}, {"question": "Which?"}):
        yield [QUESTION, value], ValueError, "be a dict with question, options, answer, reasons, but it is "


def wrong_answers(constraint):
    yield from each(TypeError, "be a number, a list of texts, a dict of these .*", None, True, 1j, {"a"}, np.zeros(2))
    yield from each(ValueError, "be finite", np.nan, np.inf)
    yield [], ValueError, "have at least one text, but it is empty"
    yield ["a", 3], TypeError, "be a string, but it is 3"
    yield {}, ValueError, "have at least one entry, but it is empty"
    yield {"field": None}, TypeError, "be a number"
    yield {3: 1}, TypeError, "be a string, but it is 3"


def wrong_labels(constraint):
    for value in (None, "labels", X[:, 0], X, np.zeros((12, 1), int)):
        yield value, TypeError, "be one whole number an image, but they are of dtype "
    yield np.arange(12), ValueError, "lie from 0 to 9, but they go from 0 to 11$"
    yield np.arange(12) - 3, ValueError, "lie from 0 to 9, but they go from -3 to 8$"


WRONG = {
    Boolean: lambda _: each(TypeError, "be True or False", "no", None, 1, np.array([True])),
    Dict: wrong_entries,
    Floats: lambda _: [
        (None, TypeError, "hold floating-point numbers, but no tensor can be made of it"),
        *((value, TypeError, f"hold floating-point numbers, but its dtype is {dtype}") for value, dtype in NOT_FLOATS),
    ],
    Function: lambda _: each(TypeError, "be a function of .*", "f", 3, [], None, True, list),
    Id: lambda _: [
        *each(TypeError, "be a string", None, 3, ["01-gradient"]),
        *each(
            ValueError, r'be the notebook\'s two digits .*such as "01-gradient"', "", "gradient", "1-step", "01", "01-", "01 a"
        ),
        *each(ValueError, "be the notebook's two digits .*", "01-Step", "01-a_b", "01-a--b", "01-ä", "01-a\n", "٠١-a"),
    ],
    Images: wrong_images,
    Integer: wrong_integers,
    Known: lambda constraint: [
        *each(ValueError, f"be {re.escape(constraint.kind)}", "nothing of that name", 3, ["relu"]),
        (keras.layers.ReLU, TypeError, f"be {re.escape(constraint.kind)}, not the class ReLU"),
    ],
    Loss: lambda _: [
        *each(ValueError, "be a name that Keras knows, a keras.Loss or a function of .*", "bcee"),
        *each(TypeError, "be a name that Keras knows, a keras.Loss or a function of .*", None, np.zeros(3), keras.losses.Loss),
    ],
    Model: lambda constraint: each(
        *(TypeError, "be a keras.Model.*", None, "model", 3, keras.Model),
        *([] if constraint.or_function else [np.copy, keras.layers.Dense(16)]),
    ),
    OneOf: lambda constraint: each(
        *(ValueError, f"be one of {', '.join(map(repr, constraint.options))}"),
        *("MNIST", "", "mnist.npz", None, 3, ["mnist"], b"mnist"),
    ),
    Optional: lambda constraint: [row for row in wrong_values(constraint.constraint) if row[0] is not None],
    Real: wrong_reals,
    Seed: lambda _: [
        *each(TypeError, "be None, a whole number of at least 0 or a numpy.random.Generator", "one", 1.5, {}),
        *each(ValueError, "be None, a whole number of at least 0 or a numpy.random.Generator", -1),
    ],
    Text: lambda _: each(TypeError, "be a string", None, True, 3, b"text", ["text"]),
    checks._single_bool: lambda _: [
        (value, TypeError, r"be a single bool.*\.all\(\)") for value in (None, 1, "yes", np.array([True]), [True], tf.ones(2))
    ],
    checks._claims: lambda _: [
        *each(TypeError, "be a string, or a dict of sentences and conditions", None, True, 3, ["a"]),
        *(row for row in wrong_entries(Dict(checks._single_bool, keys=Text())) if isinstance(row[0], dict)),
    ],
    diagnostics.earlier_weights: lambda _: each(
        *(TypeError, r"be a list of arrays, an earlier model\.get_weights\(\)"),
        *(None, 3, "weights", MODEL, MODEL.weights, [np.array(["a"])], [[0.5]]),
    ),
    diagnostics._images_or_pca: lambda _: wrong_images(Images(at_least=2)),
    diagnosis._before: lambda _: each(
        *(TypeError, r"be an earlier model\.get_weights\(\), a list of arrays, or for PyTorch a copy of model\.state_dict\(\)"),
        *(3, "weights", MODEL, MODEL.weights, [np.array(["a"])], [[0.5]]),
    ),
    diagnosis._loss: lambda _: each(TypeError, "be the name of a loss or a function", 3, np.zeros(3), [0.5]),
    diagnosis._named_rows: lambda _: wrong_rows_of_any_kind(),
    Rows: lambda _: wrong_rows_of_any_kind(),
    examinable: lambda _: [
        *each(TypeError, "be a keras.Model, a torch.nn.Module or a function from arrays to arrays", None, 3, keras.Model),
        ("model.keras", TypeError, r"be a keras.Model, .*; load the file first, keras\.models\.load_model\('model\.keras'\)$"),
        (
            PCA_OF_X,
            TypeError,
            r"be a keras.Model, .*; hand over a function, lambda x: p\.inverse_transform\(p\.transform\(x\)\)",
        ),
    ],
    diagnosis._target: lambda _: [
        *(row for row in wrong_rows_of_any_kind() if not isinstance(row[0], dict)),
        ((X, X, X), ValueError, "be one array or a pair of two, but it has 3 parts"),
    ],
    _answer: wrong_answers,
    _two_questions: wrong_questions,
    evidence._name_of_file: wrong_files,
    _labels: wrong_labels,
    _state: lambda _: [
        *each(TypeError, "be a str or a dict", None, 3, ["03"]),
        *each(ValueError, "be a preset or a challenge .*, or a dict of knobs", "", "12"),
    ],
    models._code_activation: lambda _: WRONG[Known](models._ACTIVATION),
    models._layer_sizes: wrong_sizes,
    _one_level_or_two: wrong_levels,
    _record: lambda _: each(
        TypeError, r"be a TrainingRecorder, or what its arrays\(\) returned", None, 3, MODEL, {}, {"steps": [1]}
    ),
    plots._axes: lambda _: each(TypeError, r"be one matplotlib\.axes\.Axes", "left", np.array([None, None]), 1),
    plots._histories: wrong_histories,
    plots._rows_of_images: wrong_rows,
    plots._titles: lambda _: each(TypeError, "be a string or a list of strings", 3, [3], [None], {"a"}),
}
NOT_FLOATS = (("text", "string"), (np.array([1, 2]), "int64"), (np.array([True]), "bool"), (1j, "complex128"))


def wrong_values(constraint):
    kind = constraint if inspect.isfunction(constraint) else type(constraint)
    assert kind in WRONG, f"WRONG has no wrong values for {kind}"
    return list(WRONG[kind](constraint))


# The generic tests.


@pytest.fixture
def does_nothing(capsys):
    """What the error of a wrong call has to leave alone."""
    yield
    assert all(np.array_equal(a, b) for a, b in zip(STATE, MODEL.get_weights(), strict=True))
    assert plt.get_fignums() == []
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def weights_come_back():
    yield
    MODEL.set_weights(STATE)


@pytest.mark.parametrize("name", public())
def test_a_public_function_declares_all_its_arguments(name):
    arguments = {
        parameter.name
        for parameter in inspect.signature(public()[name]).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD  # arguments of every Keras layer or model
    }
    assert set(constraints_of(name)) == {argument for argument in arguments if (name, argument) not in WITHOUT_CONSTRAINT}


@pytest.mark.parametrize("name", public())
def test_a_right_call_works(name, weights_come_back, monkeypatch, tmp_path):
    if name == "store_models":
        monkeypatch.chdir(tmp_path)
    assert name in RIGHT, "RIGHT has no call of this function"
    call(name)


def test_no_exception_is_left_over():
    assert set(RIGHT) == set(public()), f"RIGHT has calls of what is not public: {set(RIGHT) - set(public())}"
    assert set(WITHOUT_ARGUMENTS) <= set(ae.__all__)
    assert all(argument in inspect.signature(public()[name]).parameters for name, argument in WITHOUT_CONSTRAINT)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("name", "argument"), [(name, argument) for name in public() for argument in constraints_of(name)])
def test_a_wrong_value_is_refused(name, argument, does_nothing):
    rows = wrong_values(constraints_of(name)[argument])
    assert rows
    for value, kind, words in rows:
        with pytest.raises(kind) as raised:
            call(name, **{argument: value})
            pytest.fail(f"{argument}={value!r:.200} was taken")
        assert re.search(rf"(^| ){argument}(\[\S+\])? must {words}", str(raised.value)), f"{value!r:.200}: {raised.value}"


def awkward(array):
    """The same images, backwards and with gaps, at an odd address of memory that may not be written."""
    room = np.full(24 * array.size + 1, 255, np.uint8)[1:].view(np.float32).reshape(2 * len(array), 3 * array.shape[1])
    room[::-2, ::3] = array
    room.flags.writeable = False
    return room[::-2, ::3]


IMAGES = [
    (name, argument)
    for name in public()
    for argument, constraint in constraints_of(name).items()
    if isinstance(getattr(constraint, "constraint", constraint), (Images, Floats))
    or constraint in (plots._rows_of_images, diagnostics._images_or_pca)
]


def plain(result):
    """Return the numbers of a result."""
    if isinstance(result, pd.DataFrame):
        return result.select_dtypes("number").to_numpy()
    if isinstance(result, History):
        return np.array(result.history["loss"])
    if isinstance(result, plt.Axes):
        return result.get_images()[0].get_array().filled(-1)
    if isinstance(result, ae.TrainingRecorder):
        return result.x
    if isinstance(result, displays.Display):
        return np.concatenate([np.ravel(part) for part in numbers_in(result.data)])
    if isinstance(result, diagnosis.Diagnosis):
        return result.ladder.to_numpy()
    if isinstance(result, PCA):
        return result.explained_variance_
    return np.asarray(getattr(result, "bits_per_unit", result))


def numbers_in(data):
    """Return the arrays that a display hands to the page."""
    if isinstance(data, dict) and "bytes" in data:
        return [np.frombuffer(data["bytes"], data["dtype"]).astype(float)]
    parts = data.values() if isinstance(data, dict) else data if isinstance(data, list) else []
    return [array for part in parts for array in numbers_in(part)]


@pytest.mark.parametrize(("name", "argument"), IMAGES)
def test_the_same_images_in_another_form_give_the_same(name, argument, weights_come_back):
    images = np.array(RIGHT[name][argument])
    expected = plain(call(name))
    for change in (awkward, lambda array: array.astype(float)):
        MODEL.set_weights(STATE)
        made = plain(call(name, **{argument: change(images)}))
        np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5, err_msg=str(change))


# What only several arguments, or what a model makes of them, can make wrong: (function, arguments, message).

CANNOT = r"must take x, but it cannot take an array of shape \(24, 16\): "
ONE_ARRAY = r"must give one array with a row for each of 24 rows, but it gives (None|an array of shape \(1, 16\)|2 arrays)"
NARROW, ONE_ROW, NAN, NONE = (lambda x: x[:, :9]), (lambda x: x[:1]), (lambda x: x * np.nan), (lambda x: None)
ADAM, CROSS_ENTROPY = keras.optimizers.Adam(), keras.losses.BinaryCrossentropy()


def with_models():
    for name, argument, called in [
        ("predict", lambda model: {"model": model}, "model"),
        ("dead_units", lambda model: {"encoder": model}, "encoder"),
        ("component_gain", lambda model: {"model": model}, "model"),
        ("loss_ladder", lambda model: {"models": {"a": model}}, r"models\['a'\]"),
    ]:
        for model in (TWO_INPUTS, OTHER, lambda x: tf.matmul(x, tf.zeros((3, 3)))):
            yield name, argument(model), f"{called} {CANNOT}"
        for model in (TWO_OUTPUTS, ONE_ROW, NONE):
            yield name, argument(model), f"{called} {ONE_ARRAY}"
        if name != "predict":
            yield name, argument(NAN), f"the output of {called} must be finite"
        if name in ("component_gain", "loss_ladder"):
            yield name, argument(NARROW), rf"the output of {called} must have the shape of .*, \(24, 16\), but .* \(24, 9\)"


def with_a_loss():
    for name in ("fit", "gradient_report"):
        yield name, {"model": TWO_INPUTS}, f"model {CANNOT}"
        yield name, {"model": OTHER}, f"model {CANNOT}"
        yield name, {"model": TWO_OUTPUTS}, "model must have one output"
        yield (
            name,
            {"x": X.reshape(24, 4, 4)},
            r"model must take x, .*; a model of flat images takes x\.reshape\(len\(x\), -1\): ",
        )
        yield name, {"target": X[:5]}, "target must have a row for each of the 24 rows of x, but it has 5"
        yield name, {"target": X[:, :9]}, r"target must hold images of shape \(16,\), .* of shape \(9,\)"
        yield name, {"target": X[:, :1]}, "target must hold images"  # numpy would stretch it
        yield name, {"target": X * 255}, r"target must lie in \[0, 1\].*divide by 255"
        yield name, {"x": X * 255, "target": None}, r"x must lie in \[0, 1\].*divide by 255"
        yield name, {"x": X - 1, "target": None, "loss": CROSS_ENTROPY}, r"x must lie in \[0, 1\]"
        yield name, {"loss": lambda target, made: None}, "loss must return a tensor, but it returned None"


def with_validation():
    name, where = "validation_data", "the target in validation_data"
    yield {name: X}, rf"{name} must be a pair \(images, target\) when target is given"
    yield {name: (X, X, X)}, f"{name} must be images or a pair .*, but it is a tuple of 3"
    yield {name: (X[:5], X[:4])}, f"{where} must have a row for each of the 5 rows of the images of {name}, but it has 4"
    yield {name: (X, X[:, :9])}, rf"{where} must hold images of shape \(16,\), .*, but its shape is \(24, 9\)"
    yield {name: (X, X * 255)}, rf"{name} must lie in \[0, 1\].*divide by 255"
    yield {name: X[:, :9], "target": None}, rf"{name} must hold images of shape \(16,\), as x does, but .*\(24, 9\)"
    yield {name: X * 255, "target": None}, rf"{name} must lie in \[0, 1\].*divide by 255"
    for value, _, words in wrong_images(Images()):
        yield {name: (X, value)}, f"{where} must {words}"
        if value is not None:
            yield {name: value, "target": None}, f"{name} must {words}"


CLAIMS = {"one is one": True}
TOGETHER = [
    ("check", {"sentence": "one is one", "condition": None}, "condition must be given with one sentence.*is a str"),
    (
        "check",
        {"sentence": CLAIMS},
        "condition must be .*left out with a dict of them, but sentence is a dict and condition is",
    ),
    ("shift_display", {"model": MODEL}, "model must have an encoder that ends in .* ReLU, but it ends in <Dense"),
    ("loudness_display", {"model": WITH_LINEAR_CODE}, "model.encoder must give codes of at least 0, but its smallest .* is -"),
    ("shift_display", {"unit": 4}, "unit must be below the size of the code, 4, but it is 4"),
    ("vote", {"options": {"A": "this"}}, "options must have at least two entries, but it has only A"),
    *with_models(),
    *with_a_loss(),
    *(("fit", *row) for row in with_validation()),
    ("mse", {"reconstruction": X[:, :9]}, r"reconstruction must have the shape of x, \(24, 16\), but its shape is \(24, 9\)"),
    ("mse", {"reconstruction": X[:1]}, "reconstruction must have the shape of x"),
    ("bce", {"reconstruction": X[:, :9]}, "reconstruction must have the shape of x"),
    ("predict", {"x": X[:, :9]}, r"model must take x, but it cannot take an array of shape \(24, 9\)"),
    ("loss_ladder", {"x_test": X[:, :9]}, r"x_test must hold images of shape \(16,\), as x_train does, but .* \(24, 9\)"),
    ("loss_ladder", {"code_size": 17}, "code_size must be at most 16, .*, but it is 17"),
    ("loss_ladder", {"x_train": X[:5], "code_size": 6}, "code_size must be at most 5, .*, but it is 6"),
    ("component_gain", {"x": X[:, :9]}, r"x must hold images of 16 pixels, as x_train does, but its shape is \(24, 9\)"),
    ("component_gain", {"x": X[:, :9], "x_train": PCA_OF_X}, "x must hold images of 16 pixels, as x_train does"),
    ("component_gain", {"x": X[:1]}, "x must hold at least 2 image"),
    ("code_usage", {"codes": BINARY / 4}, "codes must hold zeros and ones only, but one of its values is 0.25"),
    ("code_usage", {"codes": -BINARY}, "codes must hold zeros and ones only, but one of its values is -1"),
    ("weight_drift", {"before": []}, r"before must be an earlier model\.get_weights\(\), with shapes"),
    ("weight_drift", {"before": OTHER.get_weights()}, r"before must be an earlier model\.get_weights\(\)"),
    ("show_images", {"titles": ["a", "b"]}, "titles must have one entry for each of the 1 rows, but it has 2"),
    ("autoencoder", {"hidden_activation": "step"}, "hidden_activation must be the name of a Keras activation"),
    ("autoencoder", {"codesize": 3}, "Unrecognized keyword arguments passed to Autoencoder: {'codesize': 3}"),
    ("exercise", {"options": TWO}, "answer must be a number, .*, but it is 7.0 and options is {"),
    ("exercise", {"answer": "A"}, "answer must be a number, .*, but it is 'A' and options is None"),
    ("exercise", {"answer": "C", "options": TWO}, "answer must be one of A, B, but it is 'C'"),
    ("exercise", {"answer": "A", "options": {"A": "this"}}, "options must have at least two entries, but it has only A"),
    ("self_test", {"questions": [QUESTION, {**QUESTION, "answer": "C"}]}, "answer must be one of A, B, but it is 'C'"),
    ("self_test", {"questions": [{**QUESTION, "reasons": {"A": "why"}}] * 2}, "reasons must be given for A, B, but .* for A"),
    ("self_test", {"questions": [{**QUESTION, "options": {"A": "this"}}] * 2}, "options must have at least two entries"),
    ("fit", {"model": NOTHING_TO_TRAIN}, "model has no trainable variable that the loss depends on"),
    ("fit", {"batch_size": 25}, "batch_size must be at most the number of images, 24, but it is 25"),
    *(
        ("fit", {"where": where}, rf"where must hold a bool for each of 24 images, but its dtype is {re.escape(found)}")
        for where, found in (
            (np.arange(24), "int64"),
            (np.ones(23, bool), "bool and its shape (23,)"),
            (True, "bool and its shape ()"),
        )
    ),
    ("fit", {"where": np.zeros(24, bool)}, "where must pick at least one image, but it is False for all 24"),
    ("fit", {"optimizer": "adamm"}, "optimizer must be a name that Keras knows or .*, but it is 'adamm'"),
    ("fit", {"optimizer": keras.optimizers.Adam}, r"optimizer must be a name or a keras\.Optimizer, but it is <class"),
    ("fit", {"optimizer": ADAM, "learning_rate": 0.1}, "learning_rate must be None for an optimizer object"),
    ("fit", {"stepz": 3}, r"fit\(\) got an unexpected keyword argument 'stepz'"),
    ("kl_sparsity", {"h": X[0]}, r"h must have the shape \(images, units\), but its shape is \(16,\)"),
    ("kl_sparsity", {"h": X[None]}, r"h must have the shape \(images, units\)"),
    ("kl_sparsity", {"h": X[:0]}, "h must hold at least one image and one unit"),
    ("kl_sparsity", {"h": X[:, :0]}, "h must hold at least one image and one unit"),
    ("kl_sparsity", {"h": X + 1}, r"h must lie in \[0, 1\], but its values go from 1 to 2"),
    ("kl_sparsity", {"h": X - 1}, r"h must lie in \[0, 1\]"),
    ("kl_sparsity", {"h": X * np.nan}, r"h must lie in \[0, 1\]"),
]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("name", "changes", "message"), TOGETHER)
def test_what_is_wrong_together_is_refused(name, changes, message, does_nothing):
    with pytest.raises((TypeError, ValueError), match=f"(?s)^{message}"):
        call(name, **changes)


def test_models_are_looked_at_before_pca_takes_its_seconds(monkeypatch):
    monkeypatch.setattr(ae.baselines, "PCA", lambda *arguments, **options: pytest.fail("PCA was fitted"))
    with pytest.raises(ValueError, match=r"models\['a'\]"):
        call("loss_ladder", models={"a": OTHER})


SAMPLE = tf.zeros((4, 2))


@pytest.mark.parametrize(
    ("layer", "inputs", "kind", "message"),
    [
        (ae.GaussianSampling, SAMPLE, ValueError, "inputs must be a pair of tensors, mean and log-variance"),
        (ae.GaussianSampling, SAMPLE[:2], ValueError, "inputs must be a pair of tensors"),  # not two rows either
        (ae.GaussianSampling, [SAMPLE] * 3, ValueError, "inputs must be a pair of tensors"),
        (ae.GaussianSampling, None, ValueError, "inputs must be a pair of tensors, .*but it is None"),
        (ae.GaussianSampling, [tf.zeros((4, 2), tf.int32)] * 2, TypeError, "mean must hold floating-point numbers"),
        (ae.GaussianSampling, [SAMPLE, tf.zeros((4, 3))], ValueError, r"mean and log-variance must .*\(4, 2\) and \(4, 3\)"),
        (ae.GaussianSampling, [SAMPLE[0]] * 2, ValueError, r"mean and log-variance must .*\(images, units\)"),
        (lambda: ae.KLSparsity(0.05), SAMPLE - 1, ValueError, r"h must lie in \[0, 1\]"),
        (lambda: ae.KLSparsity(0.05), SAMPLE[0], ValueError, r"h must have the shape \(images, units\)"),
        (lambda: MODEL, X[:, :9], ValueError, "(?s)16.*9"),
        (lambda: MODEL, None, ValueError, "None was passed"),
    ],
)
def test_a_layer_refuses_what_it_is_not_made_for(layer, inputs, kind, message):
    with pytest.raises(kind, match=message):
        layer()(inputs)


@pytest.mark.parametrize("shape", [(5,), (5, 7), (5, 4, 3), (5, 4, 4, 1)])
def test_masking_takes_images_of_any_rank(shape):
    for p in (0.5, (0.5, 0.5)):
        made = ae.MaskingNoise(p, seed=0)(tf.ones(shape), training=True).numpy()
        assert made.shape == shape and set(np.unique(made)) <= {0, 1}


# What the constraints make of what is right.


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, ">f4", np.int64, np.uint8, bool, list, tf.constant])
def test_images_become_float32(kind):
    given = [[0, 1], [1, 1]]
    given = given if kind is list else tf.constant(given) if kind is tf.constant else np.array(given, kind)
    for constraint in (Images(), Images(pixels=True, at_least=2), Images(dimensions=(2,))):
        made = constraint(given, "x")
        assert isinstance(made, np.ndarray) and made.dtype == np.float32 and made.dtype.isnative
        assert made.tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 2), (3, 2, 2, 1)])
def test_float32_images_of_any_rank_are_not_copied(shape):
    given = np.zeros(shape, np.float32)
    assert Images()(given, "x") is given


def test_large_values_whose_sum_overflows_float32_are_finite():
    assert Images()(np.full((4, 2), 3e38, np.float32), "x").shape == (4, 2)


def test_no_factor_is_guessed():
    for highest in (1.5, 2, 256):
        with pytest.raises(ValueError, match=f"from 0 to {highest:g}$"):
            Images(pixels=True)([[0, highest]], "x")


@pytest.mark.parametrize(
    ("constraint", "given", "expected"),
    [
        (Integer(), np.uint8(7), 7),
        (Integer(0), np.int64(0), 0),
        (Real(), 3, 3.0),
        (Real(0), np.float32(0.5), 0.5),
        (Real(0), 1e300, 1e300),
        (Fraction(), 1, 1.0),
        (Fraction(), np.float64(0), 0.0),
        (Boolean(), np.True_, True),
        (Text(), "text", "text"),
        (OneOf("a", "b"), "b", "b"),
        (Optional(Integer()), None, None),
        (Optional(Integer()), np.int8(3), 3),
        (Dict(Real()), {"a": np.float32(1)}, {"a": 1.0}),
        (Dict(Real(), or_empty=True), {}, {}),
        (Loss(), "bce", keras.losses.binary_crossentropy),
        (Loss(), max, max),
        (Known(keras.activations.get, "an activation"), None, keras.activations.linear),
        (models._code_activation, "straight_through_step", ae.straight_through_step),
        (models._code_activation, "relu", keras.activations.relu),
        (models._layer_sizes, np.array([3, 2]), (3, 2)),
        (models._layer_sizes, [], ()),
        (_one_level_or_two, [0, np.float32(0.5)], (0.0, 0.5)),
        (_one_level_or_two, 1, 1.0),
        (plots._titles, "one", ["one"]),
        (plots._titles, ("a", "b"), ["a", "b"]),
        (Floats(), tf.float32.min, tf.float32.min),
    ],
)
def test_what_is_right_becomes_plain(constraint, given, expected):
    made = constraint(given, "it")
    assert made == expected and type(made) in (type(expected), type(tf.constant(0.0)))


@pytest.mark.parametrize("seed", [0, np.int64(3), [1, 2], None, np.random.SeedSequence(1)])
def test_seeds_that_numpy_takes(seed):
    made = Seed()(seed, "seed")
    assert isinstance(made, np.random.Generator) and Seed()(made, "seed") is made


def test_arguments_are_checked_before_the_function_begins_and_come_as_the_constraints_make_them():
    @takes(x=Images(), seed=Seed(), count=Optional(Integer()))
    def function(x, seed=None, *, count=None, **others):
        """A function."""
        assert x.dtype == np.float32 and isinstance(seed, np.random.Generator)
        return count, others

    assert function([[1, 2]], count=np.int8(3), other=4) == (3, {"other": 4})
    assert function.__doc__ == "A function." and set(function.constraints) == {"x", "seed", "count"}
    assert list(inspect.signature(function).parameters) == ["x", "seed", "count", "others"]
    with pytest.raises(TypeError, match=r"function\(\) missing 1 required positional argument: 'x'"):
        function(count=0)
    with pytest.raises(ValueError, match="count must be at least 1, but it is 0"):
        function([[1, 2]], count=0)


def test_a_name_that_no_argument_has_is_refused_where_it_is_declared():
    with pytest.raises(TypeError, match=r"@takes names sise, but .*function takes x, size$"):

        @takes(x=Images(), sise=Integer())
        def function(x, size): ...


def test_functions_that_call_functions_read_an_array_once(monkeypatch):
    read, threads = [], concurrent.futures.ThreadPoolExecutor()
    monkeypatch.setattr(np, "isfinite", lambda total, isfinite=np.isfinite: read.append(total) or isfinite(total))

    @takes(x=Images(pixels=True, at_least=2), seed=Seed())
    def inner(x, seed=None):
        assert isinstance(seed, np.random.Generator)  # what is no array is made anew in every call

    @takes(x=Images())
    def outer(x, then):
        then(x)

    images = np.ones((2, 3), np.float32)
    for then, times in [
        (len, 1),
        (lambda x: outer(x, len), 1),
        (lambda x: inner(x, seed=inner(x)), 2),  # it looks for pixels, too
        (lambda x: threads.submit(outer, x, len).result(), 2),
    ]:
        read.clear()
        outer(images, then)
        assert len(read) == times
    for wrong, words in [(2 * images, r"lie in \[0, 1\]"), (images[:1], "at least 2 image"), (images * np.nan, "be finite")]:
        with pytest.raises(ValueError, match=f"x must .*{words}"):
            outer(images, lambda x, wrong=wrong: (inner(x), inner(wrong)))
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        outer(2 * images, inner)
    images[0, 0] = np.nan
    for function in (inner, lambda x: outer(x, inner)):
        with pytest.raises(ValueError, match="be finite"):
            function(images)


def test_a_long_value_is_cut_short():
    with pytest.raises(TypeError) as raised:
        Text()(list(range(1000)), "sentence")
    assert len(str(raised.value)) < 300
