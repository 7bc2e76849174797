"""What every public function says to input that it was not made for, and what it does with unusual input that is fine.

`wrong_calls` has a row for each wrong input: the call, the kind of the error, and words of its message, which has to name the
argument. The error has to come before any work: no weight moves, no figure is made, nothing is printed. `WHOLE`, `FEW` and
`TENSORS` have a function for each place that takes images; there the same numbers in another form have to give the same result.
"""

import functools
import io
import itertools

import aehelpers as ae
import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.tables import Table
from PIL import Image

X = np.random.default_rng(7).integers(0, 256, (24, 16)).astype(np.float32) / 255
X784 = np.random.default_rng(8).integers(0, 256, (6, 784)).astype(np.float32) / 255
BINARY = (X > 0.5).astype(np.float32)
LABELS = np.arange(24) % 10
UNTOUCHED = [array.copy() for array in (X, X784, BINARY, LABELS)]

# What has no row, and why.
NO_INPUT = {
    "History": "`fit` makes it; a reader only looks at it",
    "NonFiniteLossError": "`fit` raises it; a reader only looks at it",
}


@functools.cache
def model(**options):
    keras.utils.set_random_seed(0)
    return ae.autoencoder(**{"input_size": 16, "code_size": 4, "code_activation": "sigmoid", **options})


@functools.cache
def two_inputs(pixels=16):
    images = [keras.Input((pixels,)), keras.Input((pixels,))]
    return keras.Model(images, keras.layers.Dense(pixels)(keras.layers.Concatenate()(images)))


@functools.cache
def two_outputs(pixels=16):
    images = keras.Input((pixels,))
    return keras.Model(images, [keras.layers.Dense(pixels)(images), keras.layers.Dense(pixels)(images)])


@functools.cache
def without_halves():
    return keras.Sequential([keras.Input((16,)), keras.layers.Dense(16, "sigmoid")])


@functools.cache
def history():
    return ae.fit(ae.autoencoder(code_size=2, input_size=16), X, steps=2, batch_size=8, progress=False)


@functools.cache
def pca():
    return ae.PCA(X, 5)


def spoiled(value, pixels=16):
    images = np.full((24, pixels), 0.5)
    images[3, 1] = value
    return images


# Rows that many arguments share. Each takes the argument's name and a function of the wrong value.


def images(name, call, pixels=False, width=True, square=False, at_least=1, columns=16):
    good = np.full((24, columns), 0.5, np.float32)
    rows = [
        ("a number", 0.5, ValueError, "have two dimensions"),
        ("rank 1", good[0], ValueError, "have two dimensions"),
        ("rank 3", good[None], ValueError, "have two dimensions.*flatten"),
        ("no rows", good[: at_least - 1], ValueError, f"hold at least {at_least} image"),
        ("no columns", good[:, :0], ValueError, f"hold at least {at_least} image"),
        ("NaN", spoiled(np.nan, columns), ValueError, "be finite"),
        ("infinity", spoiled(np.inf, columns), ValueError, "be finite"),
        ("minus infinity", spoiled(-np.inf, columns), ValueError, "be finite"),
        ("too large for float32", spoiled(1e300, columns), ValueError, "be finite"),
        ("None", None, TypeError, "hold real numbers"),
        ("text", "images", TypeError, "hold real numbers"),
        ("objects", good.astype(object), TypeError, "hold real numbers"),
        ("complex numbers", good * 1j, TypeError, "hold real numbers"),
        ("a dict", {"images": good}, TypeError, "hold real numbers"),
        ("rows of two lengths", [[0.1], [0.1, 0.2]], ValueError, "be an array"),
    ]
    if width:
        rows.append(("wrong width", good[:, 1:], ValueError, f"have {columns} columns"))
    if pixels:
        rows += [
            ("0 to 255", (good * 510).astype(np.uint8), ValueError, r"lie in \[0, 1\].*divide by 255 first"),
            ("below 0", spoiled(-0.1, columns), ValueError, r"lie in \[0, 1\].*-0\.1 to 0\.5"),
            ("above 1", spoiled(1.1, columns), ValueError, r"lie in \[0, 1\].*0\.5 to 1\.1"),
        ]
    if square:
        rows.append(("no squares", good[:, 1:], ValueError, "hold square images, but each has 15 pixels"))
    return along(name, call, rows)


def along(name, call, rows):
    """Make rows of (what, call, kind, message) from rows of (what, wrong value, kind, what the argument must)."""
    return [
        (f"{name}: {what}", functools.partial(call, value), kind, rf"(^|\x1b\[1m){name} must {words}")
        for what, value, kind, words in rows
    ]


def but(allowed, rows):
    """Leave out the row of a value that is allowed in this place."""
    kept = [row for row in rows if row[0] != allowed]
    assert len(kept) == len(rows) - 1
    return kept


def whole_number(name, call, wanted="be a positive whole number"):
    values = (2.0, "2", None, True, np.nan, [2], 1j)
    rows = [(repr(value), value, TypeError, wanted) for value in values]
    return along(name, call, [*rows, *((repr(value), value, ValueError, "be at least 1") for value in (0, -1))])


def number(name, call, too_high=(), where=""):
    rows = [(repr(value), value, TypeError, "be a number") for value in ("0.5", None, True, [0.5], 1j)]
    rows += [(repr(value), value, ValueError, "be finite and at least 0") for value in (-0.1, np.nan, np.inf, -np.inf)]
    rows += [(repr(value), value, ValueError, f"lie {where}") for value in too_high]
    return along(name, call, rows)


def probability(name, call):
    return number(name, call, (1.01, 30), r"in \[0, 1\]")


def truth(name, call):
    return along(name, call, [(repr(value), value, TypeError, "be True or False") for value in ("no", None, 1)])


def generator_seed(call):
    wanted = "be None, a whole number of at least 0 or a numpy.random.Generator, but it is"
    rows = [(repr(value), value, TypeError, wanted) for value in ("one", 1.5, {})]
    return along("seed", call, [*rows, ("-1", -1, ValueError, wanted)])


def layer_seed(call):
    rows = [(repr(value), value, TypeError, "be None or a whole number") for value in ("1", 1.5, [1], True)]
    return along("seed", call, [*rows, ("-1", -1, ValueError, "be at least 0")])


def dictionary(name, call, may_be_empty=False):
    rows = [(repr(value), value, TypeError, "be a dict of name and") for value in (3, "name")]
    rows.append(("no dict", None, TypeError, "be a dict of name and"))
    rows.append(("a list", [model()], TypeError, "be a dict of name and"))
    return along(name, call, rows if may_be_empty else [*rows, ("empty", {}, ValueError, "have at least one entry")])


def network(name, call, named=None, functions=False, pixels=16):
    """Rows for a model from ``pixels`` to as many; ``named`` is what the message calls it, a regular expression."""
    named = named or name
    rows = [
        ("None", None, TypeError, f"{named} must be a keras.Model"),
        ("a name", "model", TypeError, f"{named} must be a keras.Model"),
        ("two inputs", two_inputs(pixels), ValueError, f"{named} must take .*cannot"),
        ("two outputs", two_outputs(pixels), ValueError, f"{named} must (have one output|give|have two dimensions)"),
        ("another width", model(input_size=9), ValueError, f"{named} must take .*cannot"),
    ]
    if functions:
        rows += [
            ("output too narrow", lambda x: x[:, :3], ValueError, f"the output of {named} must have 16 columns"),
            ("output of one row", lambda x: x[:1], ValueError, f"the output of {named} must have a row for each of the 24"),
            ("output with NaN", lambda x: x * np.nan, ValueError, f"the output of {named} must be finite"),
            ("output of rank 3", lambda x: x.reshape(-1, 4, 4), ValueError, f"the output of {named} must have two dimensions"),
            ("no output", lambda x: None, TypeError, f"the output of {named} must hold real numbers"),
        ]
    else:
        rows += [
            ("a function", lambda x: x, TypeError, f"{named} must be a keras.Model"),
            ("a layer", keras.layers.Dense(16), TypeError, f"{named} must be a keras.Model"),
        ]
    return [(f"{name}: {what}", functools.partial(call, wrong), kind, words) for what, wrong, kind, words in rows]


def halves(name, call, named=None):
    wanted = rf"^{named or name} must be a model with \.encoder and \.decoder"
    wrong = {"None": None, "not ours": without_halves(), "two inputs": two_inputs(), "a function": lambda x: x}
    return [(f"{name}: {what}", functools.partial(call, value), TypeError, wanted) for what, value in wrong.items()]


def fit(x=X, **options):
    return ae.fit(options.pop("model", model()), x, **{"steps": 1, "batch_size": 8, "progress": False, **options})


def sweep(build=lambda size: model(code_size=size), values=(2,), x=X, **options):
    return ae.sweep(build, values, x, **{"steps": 1, "batch_size": 8, "progress": False, **options})


MASKING, RAISE = {"masking": ae.masking_noise}, {"raise": np.maximum}
SAMPLE = (tf.zeros((4, 2)), tf.zeros((4, 2)))


def size_of(code):
    return {"code_size": code, "code_activation": None}


def plane(**options):
    ours = model(**size_of(2))
    return ae.latent_plane(**{"decoder": ours.decoder, "codes": ours.encoder(X).numpy(), "x": X, "labels": LABELS, **options})


def make_autoencoder(**options):
    return ae.autoencoder(**{"input_size": 16, "code_size": 4, **options})


def make_variational(**options):
    return ae.variational_autoencoder(**{"input_size": 16, "hidden": (8,), "code_size": 2, **options})


def make_class(kind, **options):
    both = {
        "hidden": (8,),
        "code_size": 4,
        "hidden_activation": "relu",
        "output_activation": "sigmoid",
        "kernel_initializer": "glorot_uniform",
        "bias_initializer": "zeros",
        "input_size": 16,
    }
    own = {"code_activation": "relu", "tied": False} if kind is ae.Autoencoder else {"kl_weight": 1.0}
    return kind(**{**both, **own, **options})


def architecture(make, activations):
    rows = [
        *whole_number("code_size", lambda size: make(code_size=size)),
        *whole_number("input_size", lambda size: make(input_size=size)),
        *whole_number("each size in hidden", lambda size: make(hidden=(8, size))),
    ]
    sequence = [(repr(value), value, TypeError, "be a sequence of layer sizes") for value in (8, np.int64(8), 8.5, "8", None)]
    rows += along("hidden", lambda hidden: make(hidden=hidden), sequence)
    for name in activations:
        wrong = [
            ("unknown", "reluu", ValueError, "be the name of a Keras activation, a function or None, but it is 'reluu'"),
            ("3", 3, ValueError, "be the name of a Keras activation"),
            ("a list", ["relu"], ValueError, "be the name of a Keras activation"),
            ("a class", keras.layers.ReLU, TypeError, "not be a class, but it is ReLU"),
        ]
        rows += along(name, lambda value, name=name: make(**{name: value}), wrong)
    for name in ("kernel_initializer", "bias_initializer"):
        wrong = [
            ("unknown", "glorot", ValueError, "be the name of a Keras initializer.*'glorot'"),
            ("3", 3, ValueError, "be the name of a Keras initializer"),
        ]
        rows += along(name, lambda value, name=name: make(**{name: value}), wrong)
    return rows


def calls_of(built):
    """Rows for a call of a built model: it is Keras that answers, with both widths in its message."""
    return [
        ("call with another width", lambda: built(X[:, :9]), ValueError, "(?s)16.*9"),
        ("call with rank 1", lambda: built(X[0]), ValueError, r"(?s)Invalid input shape.*\(16,\)|\(None, 16\)"),
        ("call with rank 3", lambda: built(X.reshape(24, 4, 4)), ValueError, r"\(24, 4, 4\)"),
        ("call with None", lambda: built(None), ValueError, "None was passed"),
        ("call with text", lambda: built("images"), ValueError, "Only input tensors may be passed"),
    ]


def steps_of(function):
    floats = ("text", "images"), ("None", None), ("integers", np.array([1, 2])), ("bools", np.array([True])), ("complex", 1j)
    return along("x", function, [(what, value, TypeError, "hold floating-point numbers") for what, value in floats])


def activations_of(name, function):
    """Rows for what takes activations: `kl_sparsity`, and the layer that calls it."""
    good = np.full((4, 3), 0.5, np.float32)
    rows = [
        ("integers", (good * 2).astype(int), TypeError, "hold floating-point numbers"),
        ("complex numbers", good * 1j, TypeError, "hold floating-point numbers"),
        ("rank 1", good[0], ValueError, r"have the shape \(images, units\)"),
        ("rank 3", good[None], ValueError, r"have the shape \(images, units\)"),
        ("no images", good[:0], ValueError, "hold at least one image and one unit"),
        ("no units", good[:, :0], ValueError, "hold at least one image and one unit"),
        ("NaN", good * np.nan, ValueError, r"lie in \[0, 1\]"),
        ("infinity", good * np.inf, ValueError, r"lie in \[0, 1\]"),
        ("above 1", good + 1, ValueError, r"lie in \[0, 1\], but its values go from 1\.5 to 1\.5"),
        ("below 0", good - 1, ValueError, r"lie in \[0, 1\]"),
    ]
    return along(name, function, rows)


def rungs(x_train=X, x_test=X, models=None, code_size=2):
    return ae.loss_ladder(x_train, x_test, {} if models is None else models, code_size)


def gain(network=lambda x: x, x_train=X, x=X):
    return ae.component_gain(network, x_train, x)


def learning_rates():
    rows = [(repr(value), value, ValueError, "be a positive number") for value in (0, -0.1, np.nan, np.inf, "0.1", True)]
    return along("learning_rate", lambda rate: fit(learning_rate=rate), rows)


def ramp(levels):
    return ae.show_loss(history(), levels=levels)


def numbers_by_name(call):
    rows = [
        ("a list", [0.1], TypeError, "be a dict of name and number"),
        ("a number", 0.1, TypeError, "be a dict of name and number"),
    ]
    entries = [
        ("text", {"floor": "low"}, TypeError, "be a number"),
        ("None", {"floor": None}, TypeError, "be a number"),
        ("an array", {"floor": np.zeros(2)}, TypeError, "be a number"),
        ("NaN", {"floor": np.nan}, ValueError, "be finite"),
        ("infinity", {"floor": np.inf}, ValueError, "be finite"),
    ]
    return [*along("levels", call, rows), *along(r"levels\['floor'\]", call, entries)]


def axes(call):
    wrong = {"text": "left", "an array": np.array([None, None]), "a number": 1}
    return along("ax", call, [(what, value, TypeError, "be one matplotlib.axes.Axes") for what, value in wrong.items()])


def training_display(**options):
    return ae.training_display(**{"model": model(), "x": X, "steps": 10, "highest_loss": 1.0, **options})


@functools.cache
def wrong_calls():
    """Return {public name: rows of (what, call, kind, message)}; made late, because many rows hold models."""
    return {
        # Errors and floors.
        "mse": [
            *images("x", lambda x: ae.mse(x, X), width=False),
            *images("reconstruction", lambda r: ae.mse(X, r), width=False),
            ("another width", lambda: ae.mse(X, X[:, :9]), ValueError, r"^reconstruction must have the shape of x, \(24, 16\)"),
            ("fewer rows", lambda: ae.mse(X, X[:1]), ValueError, "^reconstruction must have the shape of x"),
        ],
        "bce": [
            *images("x", lambda x: ae.bce(x, X), width=False, pixels=True),
            *images("reconstruction", lambda r: ae.bce(X, r), width=False, pixels=True),
            ("another width", lambda: ae.bce(X, X[:, :9]), ValueError, r"^reconstruction must have the shape of x, \(24, 16\)"),
        ],
        "bce_floor": images("x", ae.bce_floor, width=False, pixels=True),
        "mean_image": images("x", ae.mean_image, width=False),
        "PCA": [
            *images("x_train", lambda x: ae.PCA(x, 2), width=False, at_least=2),
            *whole_number("k", lambda k: ae.PCA(X, k)),
            (
                "k: more than pixels",
                lambda: ae.PCA(X, 17),
                ValueError,
                "^k must be at most the number of pixels, 16, but it is 17",
            ),
            ("x_train: squares too large", lambda: ae.PCA(X * 1e30, 2), ValueError, "^x_train must hold numbers whose squares"),
        ],
        "PCA.encode": images("x", lambda x: pca().encode(x)),
        "PCA.reconstruct": [
            *images("x", lambda x: pca().reconstruct(x)),
            *but("k: None", whole_number("k", lambda k: pca().reconstruct(X, k))),
            ("k: too many", lambda: pca().reconstruct(X, 6), ValueError, "^k must be at most the number of components, 5, but"),
        ],
        "blur": [
            *images("x", lambda x: ae.blur(x, 1), width=False, pixels=True, square=True),
            *number("radius", lambda radius: ae.blur(X, radius)),
            ("radius: 1e7", lambda: ae.blur(X, 1e7), ValueError, r"^radius must be at most a million pixels, but it is 1e\+07"),
        ],
        "median_filter": [
            *images("x", lambda x: ae.median_filter(x, 3), width=False, pixels=True, square=True),
            *whole_number("size", lambda size: ae.median_filter(X, size)),
            ("size: even", lambda: ae.median_filter(X, 4), ValueError, "^size must be odd, but it is 4"),
            (
                "size: too large",
                lambda: ae.median_filter(X, 9),
                ValueError,
                "^size must be less than twice the side .*, 4, but it is 9",
            ),
        ],
        "loss_ladder": [
            *images("x_train", lambda x: rungs(x_train=x), pixels=True, width=False, at_least=2),
            *images("x_test", lambda x: rungs(x_test=x), pixels=True),
            *whole_number("code_size", lambda size: rungs(code_size=size)),
            ("code_size: 17", lambda: rungs(code_size=17), ValueError, "^code_size must be at most the number of pixels, 16"),
            *dictionary("models", lambda models: ae.loss_ladder(X, X, models, 2), may_be_empty=True),
            *network("models", lambda network: rungs(models={"a": network}), r"models\['a'\]", functions=True),
        ],
        # Noise.
        "masking_noise": [
            *images("x", lambda x: ae.masking_noise(x, 0.3), width=False),
            *probability("p", lambda p: ae.masking_noise(X, p)),
            *generator_seed(lambda seed: ae.masking_noise(X, 0.3, seed)),
        ],
        "salt_and_pepper_noise": [
            *images("x", lambda x: ae.salt_and_pepper_noise(x, 0.3), width=False),
            *probability("p", lambda p: ae.salt_and_pepper_noise(X, p)),
            *generator_seed(lambda seed: ae.salt_and_pepper_noise(X, 0.3, seed)),
        ],
        "gaussian_noise": [
            *images("x", lambda x: ae.gaussian_noise(x, 0.3), width=False, pixels=True),
            *number("deviation", lambda deviation: ae.gaussian_noise(X, deviation)),
            *generator_seed(lambda seed: ae.gaussian_noise(X, 0.3, seed)),
        ],
        # What a code passes through.
        "step": steps_of(ae.step),
        "straight_through_step": steps_of(ae.straight_through_step),
        "kl_sparsity": [
            *activations_of("h", lambda h: ae.kl_sparsity(h, 0.1)),
            *along("h", lambda h: ae.kl_sparsity(h, 0.1), [(repr(h), h, TypeError, "hold floating-") for h in (None, "h")]),
            *number("rho", lambda rho: ae.kl_sparsity(X, rho), (0, 1, 2), "between 0 and 1"),
        ],
        "KLSparsity": [
            *activations_of("h", lambda h: ae.KLSparsity()(h)),
            *number("rho", lambda rho: ae.KLSparsity(rho=rho), (0, 1, 2), "between 0 and 1"),
            *number("weight", lambda weight: ae.KLSparsity(weight=weight)),
        ],
        "GaussianSampling": [
            *number("kl_weight", lambda weight: ae.GaussianSampling(weight)),
            *layer_seed(lambda seed: ae.GaussianSampling(seed=seed)),
            ("one tensor", lambda: ae.GaussianSampling()(SAMPLE[0]), ValueError, "inputs must be a pair of tensors"),
            (
                "one of two rows",
                lambda: ae.GaussianSampling()(tf.zeros((2, 3))),
                ValueError,
                "inputs must be a pair of tensors",
            ),
            (
                "three tensors",
                lambda: ae.GaussianSampling()([*SAMPLE, SAMPLE[0]]),
                ValueError,
                "inputs must be a pair of tensors",
            ),
            ("None", lambda: ae.GaussianSampling()(None), ValueError, "inputs must be a pair of tensors, .*but it is None"),
            (
                "integers",
                lambda: ae.GaussianSampling()([tf.zeros((4, 2), tf.int32)] * 2),
                TypeError,
                "mean must hold floating-",
            ),
            (
                "two shapes",
                lambda: ae.GaussianSampling()([SAMPLE[0], tf.zeros((4, 3))]),
                ValueError,
                r"mean and log-variance must .*\(4, 2\) and \(4, 3\)",
            ),
        ],
        "MaskingNoise": [
            *but("p: [0.5]", probability("p", ae.MaskingNoise)),  # a list may be a pair
            *probability("each end of p", lambda end: ae.MaskingNoise((0.0, end))),
            ("p: one end", lambda: ae.MaskingNoise((0.1,)), ValueError, "^p must be one number or a pair"),
            ("p: three ends", lambda: ae.MaskingNoise((0.1, 0.2, 0.3)), ValueError, "^p must be one number or a pair"),
            (
                "p: descending",
                lambda: ae.MaskingNoise((0.2, 0.1)),
                ValueError,
                r"^p must be one number or a pair \(lowest, highest",
            ),
            ("p: an array", lambda: ae.MaskingNoise(np.array([0.1, 0.2])), TypeError, "^p must be a number"),
            *layer_seed(lambda seed: ae.MaskingNoise(seed=seed)),
        ],
        # Models.
        "autoencoder": [
            *architecture(make_autoencoder, ("hidden_activation", "code_activation", "output_activation")),
            *truth("tied", lambda tied: make_autoencoder(tied=tied)),
            (
                "step for hidden layers",
                lambda: make_autoencoder(hidden_activation="step"),
                ValueError,
                "^hidden_activation must be",
            ),
            ("unknown argument", lambda: ae.autoencoder(codesize=3), TypeError, "'codesize'"),
        ],
        "Autoencoder": [
            *architecture(
                functools.partial(make_class, ae.Autoencoder), ("hidden_activation", "code_activation", "output_activation")
            ),
            *truth("tied", lambda tied: make_class(ae.Autoencoder, tied=tied)),
            *calls_of(model()),
        ],
        "variational_autoencoder": [
            *architecture(make_variational, ("hidden_activation", "output_activation")),
            *number("kl_weight", lambda weight: make_variational(kl_weight=weight)),
            ("unknown argument", lambda: ae.variational_autoencoder(codesize=3), TypeError, "'codesize'"),
        ],
        "VariationalAutoencoder": [
            *architecture(functools.partial(make_class, ae.VariationalAutoencoder), ("hidden_activation", "output_activation")),
            *number("kl_weight", lambda weight: make_class(ae.VariationalAutoencoder, kl_weight=weight)),
            *calls_of(make_variational()),
        ],
        # Training.
        "fit": [
            *images("x", fit, width=False, pixels=True),
            ("x: another width", lambda: fit(X[:, :9]), ValueError, r"^model must take x, but it cannot .*\(24, 9\)"),
            *network("model", lambda network: fit(model=network)),
            (
                "model: nothing to train",
                lambda: fit(model=keras.Sequential([keras.Input((16,)), keras.layers.Dropout(0.5)])),
                ValueError,
                "^model has no train",
            ),
            *whole_number("steps", lambda steps: fit(steps=steps)),
            *whole_number("batch_size", lambda size: fit(batch_size=size)),
            ("batch_size: 25", lambda: fit(batch_size=25), ValueError, "^batch_size must be at most the number of images, 24"),
            *but("record_every: None", whole_number("record_every", lambda every: fit(record_every=every))),
            *along("on_record", lambda f: fit(on_record=f), [(repr(f), f, TypeError, "be a function") for f in ("f", 3, [])]),
            *learning_rates(),
            ("optimizer: unknown", lambda: fit(optimizer="adamm"), ValueError, "^optimizer must be a name that Keras knows"),
            ("optimizer: a class", lambda: fit(optimizer=keras.optimizers.Adam), TypeError, "^optimizer must be a name or"),
            ("optimizer: None", lambda: fit(optimizer=None), TypeError, "^optimizer must be a name or"),
            ("loss: unknown", lambda: fit(loss="bcee"), ValueError, "^loss must be a name that Keras knows"),
            ("loss: an array", lambda: fit(loss=np.zeros(3)), TypeError, "^loss must be a name"),
            ("loss: returns None", lambda: fit(loss=lambda t, r: None), TypeError, "^loss must return a tensor"),
            (
                "x: 0 to 255, cross entropy as an object",
                lambda: fit(X * 255, loss=keras.losses.BinaryCrossentropy()),
                ValueError,
                r"^x must lie in \[0, 1\]",
            ),
            *but("target: None", images("target", lambda target: fit(target=target), pixels=True)),
            ("target: fewer rows", lambda: fit(target=X[:5]), ValueError, "^target must have a row for each of the 24"),
            *but("validation: None", images("validation", lambda images: fit(validation=images), pixels=True)),
            *but(
                "validation_target: None",
                images("validation_target", lambda images: fit(target=X, validation=X, validation_target=images), pixels=True),
            ),
            *generator_seed(lambda seed: fit(seed=seed)),
            *truth("progress", lambda progress: fit(progress=progress)),
        ],
        "sweep": [
            *along("build", sweep, [(repr(f), f, TypeError, "be a function of a value") for f in (None, "build", 3)]),
            *along(
                "values",
                lambda values: sweep(values=values),
                [
                    ("None", None, TypeError, "be a sequence of values that are hashable"),
                    ("a number", 3, TypeError, "be a sequence of values that are hashable"),
                    ("lists", [[1], [2]], TypeError, "be a sequence of values that are hashable"),
                    ("empty", [], ValueError, "be one or more different values"),
                    ("twice", [2, 2], ValueError, "be one or more different values"),
                ],
            ),
            *images("x", lambda x: sweep(x=x), width=False),
            ("x: 0 to 255", lambda: sweep(x=X * 255), ValueError, r"^x must lie in \[0, 1\]"),
            *whole_number("steps", lambda steps: sweep(steps=steps)),
            *truth("cache", lambda cache: sweep(cache=cache)),
            *truth("progress", lambda progress: sweep(progress=progress)),
            ("on_record: 3", lambda: sweep(on_record=3), TypeError, "^on_record must be a function"),
            ("batch_size: 0", lambda: sweep(batch_size=0), ValueError, "^batch_size must be at least 1"),
            ("unknown argument", lambda: sweep(codesize=3), TypeError, "'codesize'"),
            (
                "build: no model",
                lambda: sweep(lambda size: None),
                TypeError,
                "^model must be a keras.Model, but it is NoneType",
            ),
            (
                "optimizer: one object for two models",
                lambda: sweep(values=(2, 3), optimizer=keras.optimizers.Adam()),
                ValueError,
                "^optimizer must be a name when several models",
            ),
        ],
        # Measurements.
        "gradient_report": [
            *images("x", lambda x: ae.gradient_report(model(), x), width=False, pixels=True),
            *network("model", lambda network: ae.gradient_report(network, X)),
            *but("target: None", images("target", lambda target: ae.gradient_report(model(), X, target=target), pixels=True)),
            (
                "target: fewer rows",
                lambda: ae.gradient_report(model(), X, target=X[:1]),
                ValueError,
                "^target must have a row for",
            ),
            (
                "loss: unknown",
                lambda: ae.gradient_report(model(), X, "bcee"),
                ValueError,
                "^loss must be a name that Keras knows",
            ),
            ("loss: None", lambda: ae.gradient_report(model(), X, None), TypeError, "^loss must be a name"),
            ("loss: returns None", lambda: ae.gradient_report(model(), X, lambda t, r: None), TypeError, "^loss must return a"),
        ],
        "weight_drift": [
            *along(
                "model", lambda m: ae.weight_drift(m, []), [(repr(m), m, TypeError, "be a keras.Model") for m in (None, "m")]
            ),
            *along(
                "before",
                lambda before: ae.weight_drift(model(), before),
                [
                    *((repr(value), value, TypeError, "be a list of arrays") for value in (None, 3, "weights")),
                    ("the model", model(), TypeError, "be a list of arrays, an earlier model.get_weights"),
                    (
                        "weights that move along",
                        model().weights,
                        TypeError,
                        "be a list of arrays, an earlier model.get_weights",
                    ),
                    ("texts", [np.full(w.shape, "a") for w in model().get_weights()], TypeError, "be a list of arrays"),
                    ("nothing", [], ValueError, r"be an earlier model\.get_weights"),
                    ("one weight less", model().get_weights()[1:], ValueError, r"be an earlier model\.get_weights"),
                    ("another model's", model(code_size=3).get_weights(), ValueError, r"be an earlier model\.get_weights"),
                ],
            ),
        ],
        "dead_units": [
            *images("x", lambda x: ae.dead_units(model().encoder, x), width=False),
            (
                "x: another width",
                lambda: ae.dead_units(model().encoder, X[:, :9]),
                ValueError,
                r"^encoder must take .*\(24, 9\)",
            ),
            *but("encoder: output too narrow", network("encoder", lambda network: ae.dead_units(network, X), functions=True)),
        ],
        "code_usage": [
            *images("codes", ae.code_usage, width=False),
            (
                "codes: between",
                lambda: ae.code_usage(spoiled(0.25)),
                ValueError,
                "^codes must hold zeros and ones only, but .* 0.5",
            ),
            ("codes: 255", lambda: ae.code_usage(BINARY * 255), ValueError, "^codes must hold zeros and ones only, but .* 255"),
            ("codes: -1", lambda: ae.code_usage(-BINARY), ValueError, "^codes must hold zeros and ones only, but .* -1"),
        ],
        "component_gain": [
            *images("x", lambda x: gain(x=x), at_least=2),
            *images("x_train", lambda x: gain(x_train=x), width=False, at_least=2),
            ("x: not as wide as a PCA", lambda: gain(x_train=pca(), x=X[:, :9]), ValueError, "^x must have 16 columns"),
            *network("model", gain, functions=True),
        ],
        # Figures, tables and checks.
        "show_images": [
            *images("row 0 of rows", lambda row: ae.show_images([row]), width=False),
            *along(
                "rows",
                ae.show_images,
                [(repr(rows), rows, TypeError, "be an array of images or a sequence") for rows in (None, 3, "rows", {"a": X})],
            ),
            ("rows: empty", lambda: ae.show_images([]), ValueError, "^rows must hold at least one row"),
            ("rows: no squares", lambda: ae.show_images(X[:, :15]), ValueError, "^rows must hold square images"),
            ("rows: two sizes", lambda: ae.show_images([X, X[:, :9]]), ValueError, "^rows must hold images of one size"),
            *along(
                "titles",
                lambda titles: ae.show_images(X[:2], titles),
                [
                    *((repr(value), value, TypeError, "be a string or a list of strings") for value in (3, [3], [None], {"a"})),
                    ("too many", ["a", "b"], ValueError, "have one entry for each of the 1 rows"),
                ],
            ),
            *truth("autoscale", lambda autoscale: ae.show_images(X[:2], autoscale=autoscale)),
            *axes(lambda ax: ae.show_images(X[:2], ax=ax)),
        ],
        "show_loss": [
            *along(
                "histories",
                ae.show_loss,
                [
                    *((repr(value), value, TypeError, "be what fit returned") for value in (None, "loss", {"a": None})),
                    ("a list", [ae.History((), None, False)], TypeError, "be what fit returned"),
                    ("none", {}, ValueError, "hold at least one history"),
                    ("without a record", ae.History((), None, False), ValueError, "hold at least one history, each with at"),
                ],
            ),
            *numbers_by_name(ramp),
            *axes(lambda ax: ae.show_loss(history(), ax=ax)),
        ],
        "Table": [
            *along(
                "columns",
                lambda columns: ae.Table(columns, []),
                [
                    *((repr(value), value, TypeError, "be a sequence") for value in (None, 3, "ab")),
                    ("numbers", (1, 2), TypeError, "hold strings"),
                ],
            ),
            *along(
                "rows",
                lambda rows: ae.Table(("a",), rows),
                [
                    *((repr(value), value, TypeError, "be a sequence") for value in (None, 3, "ab")),
                    *(
                        (f"an entry {entry!r}", [(entry,)], TypeError, "hold strings, real numbers and None")
                        for entry in (1j, [1], {}, np.zeros(2))
                    ),
                ],
            ),
            ("a row: a number", lambda: ae.Table(("a",), [1]), TypeError, "^each row in rows must be a sequence"),
            ("a row: text", lambda: ae.Table(("a", "b"), ["xy"]), TypeError, "^each row in rows must be a sequence"),
            ("a row: too long", lambda: ae.Table(("a",), [(1, 2)]), ValueError, "^each row must have 1 entries, but one has 2"),
        ],
        "Table.column": along(
            "name",
            lambda name: ae.Table(("a", "b"), []).column(name),
            [(repr(name), name, ValueError, "be one of 'a', 'b'") for name in ("c", None, 0, ["a"])],
        ),
        "check": [
            *along(
                "condition",
                lambda condition: ae.check("a claim", condition),
                [(repr(value), value, TypeError, "be a single bool") for value in (None, 1, "yes", np.array([True]), [True])],
            ),
            *along("sentence", lambda s: ae.check(s, True), [(repr(s), s, TypeError, "be a string") for s in (None, True, 3)]),
        ],
        "exercise": [
            *along(
                "accept",
                lambda accept: ae.exercise(1, accept, "hint"),
                [(repr(value), value, TypeError, "be a function of the answer") for value in (None, True, 3)],
            ),
            *along(
                "hint",
                lambda hint: ae.exercise(1, lambda answer: False, hint),
                [(repr(value), value, TypeError, "be a string") for value in (None, 3)],
            ),
            (
                "accept: None, without an answer",
                lambda: ae.exercise(None, None, "hint"),
                TypeError,
                "^accept must be a function",
            ),
        ],
        # Data.
        "load": along(
            "name",
            ae.load,
            [
                (repr(name), name, ValueError, "be one of 'mnist', 'fashion_mnist', but")
                for name in (None, 3, "MNIST", "", ["mnist"])
            ],
        ),
        "Dataset": [
            ("another name", lambda: setattr(ae.load("mnist"), "name", "mine"), AttributeError, "name"),
            ("another image", lambda: ae.load("mnist").x_valid.fill(0), ValueError, "read-only"),
            ("another label", lambda: ae.load("mnist").y_valid.fill(0), ValueError, "read-only"),
        ],
        "stored_runs": [
            *along(
                "name",
                ae.stored_runs,
                [
                    *((repr(name), name, TypeError, "be the name of a table") for name in (None, 3, ["step_code"])),
                    *(
                        (repr(name), name, ValueError, "be the name of a table")
                        for name in ("", "../step_code", "step_code.csv")
                    ),
                ],
            ),
            ("name: unknown", lambda: ae.stored_runs("stepcode"), FileNotFoundError, r"evidence/stepcode\.csv"),
        ],
        # Displays.
        "code_size_display": [
            *images("x_train", lambda x: ae.code_size_display({4: model()}, x, X), pixels=True, width=False, at_least=2),
            *images("x_test", lambda x: ae.code_size_display({4: model()}, X, x), pixels=True),
            (
                "x_test: no squares",
                lambda: ae.code_size_display({4: model()}, X[:, :15], X[:, :15]),
                ValueError,
                "^x_test must hold square images",
            ),
            *dictionary("models", lambda models: ae.code_size_display(models, X, X)),
            *along(
                "each code size in models",
                lambda size: ae.code_size_display({size: model()}, X, X),
                [
                    *((repr(size), size, TypeError, "be a positive whole number") for size in ("4", 4.0, None)),
                    ("0", 0, ValueError, "be at least 1"),
                    ("17", 17, ValueError, "be at most the number of pixels, 16"),
                ],
            ),
            *network("models", lambda network: ae.code_size_display({4: network}, X, X), r"models\[4\]"),
            (
                "models: an encoder",
                lambda: ae.code_size_display({4: model().encoder}, X, X),
                ValueError,
                r"models\[4\] must give",
            ),
        ],
        "noise_display": [
            *images("x", lambda x: ae.noise_display({"a": model()}, MASKING, x), pixels=True, width=False, square=True),
            *dictionary("models", lambda models: ae.noise_display(models, MASKING, X)),
            *network("models", lambda network: ae.noise_display({"a": network}, MASKING, X), r"models\['a'\]"),
            *dictionary("kinds", lambda kinds: ae.noise_display({"a": model()}, kinds, X)),
            *along(
                r"kinds\['k'\]",
                lambda make: ae.noise_display({"a": model()}, {"k": make}, X),
                [(repr(value), value, TypeError, "be a function of images") for value in (None, "masking", 0.3)],
            ),
            *along(
                r"the output of kinds\['k'\]",
                lambda make: ae.noise_display({"a": model()}, {"k": make}, X),
                [
                    ("too narrow", lambda x, level, seed: x[:, :3], ValueError, "have 16 columns"),
                    ("NaN", lambda x, level, seed: x * np.nan, ValueError, "be finite"),
                    ("none", lambda x, level, seed: None, TypeError, "hold real numbers"),
                ],
            ),
            *truth("from_logits", lambda logits: ae.noise_display({"a": model()}, MASKING, X, from_logits=logits)),
        ],
        "threshold_display": [
            *images("x", lambda x: ae.threshold_display({"a": model()}, RAISE, x), pixels=True, width=False, square=True),
            *dictionary("models", lambda models: ae.threshold_display(models, RAISE, X)),
            *halves("models", lambda network: ae.threshold_display({"a": network}, RAISE, X), r"models\['a'\]"),
            (
                "models: another width",
                lambda: ae.threshold_display({"a": model(input_size=9)}, RAISE, X),
                ValueError,
                r"^models\['a'\]\.encoder must take arrays of shape \(images, 16\)",
            ),
            *dictionary("ways", lambda ways: ae.threshold_display({"a": model()}, ways, X)),
            *along(
                r"ways\['w'\]",
                lambda change: ae.threshold_display({"a": model()}, {"w": change}, X),
                [(repr(value), value, TypeError, "be a function of codes and a threshold") for value in (None, "zero", 0.1)],
            ),
            *truth("from_logits", lambda logits: ae.threshold_display({"a": model()}, RAISE, X, from_logits=logits)),
        ],
        "step_display": [
            *images("x", lambda x: ae.step_display(model(), x), pixels=True),
            *halves("model", lambda network: ae.step_display(network, X)),
            ("model: no squares", lambda: ae.step_display(model(input_size=15), X[:, :15]), ValueError, "^x must hold square"),
            ("model: two layers", lambda: ae.step_display(model(hidden=(8,)), X), ValueError, "^model must have one layer to"),
            ("model: variational", lambda: ae.step_display(make_variational(), X), ValueError, "^model must have one layer to"),
        ],
        "sigmoid_display": [
            *images("originals", lambda x: ae.sigmoid_display(x, X), pixels=True, width=False, square=True),
            *images("logits", lambda logits: ae.sigmoid_display(X, logits)),
            (
                "logits: fewer",
                lambda: ae.sigmoid_display(X, X[:5]),
                ValueError,
                "^originals and logits must be as many.*24 and 5",
            ),
            (
                "originals: all black",
                lambda: ae.sigmoid_display(X * 0, X),
                ValueError,
                "^originals must hold more than one value",
            ),
            ("logits: all the same", lambda: ae.sigmoid_display(X, X * 0 + 1), ValueError, "^logits must hold more than one"),
        ],
        "latent_plane": [
            *images("codes", lambda codes: plane(codes=codes), width=False, columns=2),
            ("codes: three units", lambda: plane(codes=X[:, :3]), ValueError, "^codes must have 2 columns"),
            ("codes: on a line", lambda: plane(codes=X[:, :2] * [0, 1]), ValueError, "^codes must differ in both units"),
            ("codes: fewer", lambda: plane(codes=X[:5, :2]), ValueError, "^codes, x and labels must be as many.* 5, 24 and 24"),
            *images("x", lambda x: plane(x=x), pixels=True, width=False, square=True),
            *network("decoder", lambda decoder: plane(decoder=decoder), pixels=2),
            (
                "decoder: another code",
                lambda: plane(decoder=model().decoder),
                ValueError,
                r"^decoder must take .*\(images, 2\)",
            ),
            (
                "decoder: other images",
                lambda: plane(decoder=model(input_size=9, **size_of(2)).decoder),
                ValueError,
                r"^decoder must give arrays of shape \(images, 16\)",
            ),
            *along(
                "labels",
                lambda labels: plane(labels=labels),
                [
                    ("None", None, TypeError, "be one whole number an image"),
                    ("one-hot", np.eye(24), TypeError, "be one whole number an image"),
                    ("texts", ["a"] * 24, TypeError, "be one whole number an image"),
                    ("fractions", LABELS + 0.5, TypeError, "be one whole number an image"),
                    ("10", LABELS + 1, ValueError, "lie from 0 to 9, but they go from 1 to 10"),
                    ("-1", LABELS - 1, ValueError, "lie from 0 to 9"),
                ],
            ),
            ("labels: fewer", lambda: plane(labels=LABELS[:5]), ValueError, "codes, x and labels must be as many"),
        ],
        "drawing_pad": [
            *images("x", lambda x: ae.drawing_pad({"a": model(input_size=784)}, x), pixels=True, columns=784),
            *dictionary("models", lambda models: ae.drawing_pad(models, X784)),
            *network("models", lambda network: ae.drawing_pad({"a": network}, X784), r"models\['a'\]", pixels=784),
            (
                "models: an encoder",
                lambda: ae.drawing_pad({"a": model(input_size=784).encoder}, X784),
                ValueError,
                r"^models\['a'\] must give arrays of shape \(images, 784\)",
            ),
            *truth("from_logits", lambda logits: ae.drawing_pad({"a": model(input_size=784)}, X784, from_logits=logits)),
        ],
        "training_display": [
            *images("x", lambda x: training_display(x=x), pixels=True, width=False, square=True),
            *halves("model", lambda network: training_display(model=network)),
            (
                "model: another width",
                lambda: training_display(model=model(input_size=9)),
                ValueError,
                "^model must take images of shape",
            ),
            *whole_number("steps", lambda steps: training_display(steps=steps)),
            *number("highest_loss", lambda loss: training_display(highest_loss=loss)),
            ("highest_loss: 0", lambda: training_display(highest_loss=0), ValueError, "^highest_loss must be above 0"),
            *numbers_by_name(lambda levels: training_display(levels=levels)),
        ],
    }


def test_every_public_name_is_here():
    assert {name.partition(".")[0] for name in wrong_calls()} | set(NO_INPUT) == set(ae.__all__)
    assert not set(wrong_calls()) & set(NO_INPUT)


def cases():
    return [pytest.param(*row[1:], id=f"{name}, {row[0]}") for name, rows in wrong_calls().items() for row in rows]


def test_no_row_is_there_twice():
    names = [case.id for case in cases()]
    assert len(names) == len(set(names))


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("call", "kind", "message"), cases())
def test_wrong_input(call, kind, message, capsys):
    before = model().get_weights()
    with pytest.raises(kind, match=message):
        call()
    assert all(np.array_equal(a, b) for a, b in zip(before, model().get_weights(), strict=True))
    assert plt.get_fignums() == []
    assert capsys.readouterr().out == ""


# The error comes first, before what takes long.


def test_a_sweep_with_a_wrong_argument_makes_no_model(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = []
    wrong = [{"codesize": 3}, {"cache": "yes"}, {"on_record": 3}, {"steps": 0}, {"optimizer": keras.optimizers.Adam()}]
    for options in wrong:
        with pytest.raises((TypeError, ValueError)):
            sweep(made.append, values=(2, 3), **options)
    assert made == [] and list(tmp_path.iterdir()) == []


def test_a_sweep_wants_a_new_model_each_time():
    one = ae.autoencoder(input_size=16, code_size=2)
    with pytest.raises(ValueError, match="build must make a new model for each value, but for 3 it returned an earlier one"):
        sweep(lambda size: one, values=(2, 3))


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("baselines", lambda: rungs(models={"a": None})),
        ("widgets", lambda: ae.code_size_display({4: None}, X, X)),
    ],
)
def test_models_are_looked_at_before_the_baselines_are_fitted(module, call, monkeypatch):
    monkeypatch.setattr(f"aehelpers.{module}.PCA", lambda *_: pytest.fail("PCA was fitted"))
    with pytest.raises(TypeError, match="must be a keras"):
        call()


def test_what_a_function_of_a_display_makes_wrong_is_named_in_the_display():
    display = ae.threshold_display({"a": model()}, {"right": np.maximum, "wrong": lambda h, t: h[:, :2]}, X)
    assert "ae-failed" not in display.sentence.value
    display.controls["way"][0].value = "wrong"
    assert "the output of ways[&#x27;wrong&#x27;] must have 4 columns" in display.sentence.value
    display.controls["way"][0].value = "right"
    assert "ae-failed" not in display.sentence.value


# What is unusual and fine.


def strided(array):
    wide = np.full((2 * len(array), 3 * array.shape[1]), np.nan, array.dtype)
    wide[::2, ::3] = array
    return wide[::2, ::3]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


ARRAYS = {
    "float64": lambda array: array.astype(float),
    "big-endian": lambda array: array.astype(">f4"),
    "Fortran order": np.asfortranarray,
    "strided": strided,
    "backwards in memory": lambda array: np.ascontiguousarray(array[::-1])[::-1],
    "read-only": read_only,
}
FORMS = {**ARRAYS, "lists": lambda array: array.tolist(), "tensor": tf.constant}
INTEGERS = {kind.__name__: lambda array, kind=kind: array.astype(kind) for kind in (bool, np.uint8, np.int64)}

WHOLE = {
    "mse, x": lambda a: ae.mse(a, X[:, ::-1]),
    "mse, reconstruction": lambda a: ae.mse(X[:, ::-1], a),
    "bce, x": lambda a: ae.bce(a, X[:, ::-1]),
    "bce, reconstruction": lambda a: ae.bce(X[:, ::-1], a),
    "bce_floor": ae.bce_floor,
    "mean_image": ae.mean_image,
    "PCA": lambda a: ae.PCA(a, 5).variances,
    "PCA.encode": lambda a: pca().encode(a),
    "PCA.reconstruct": lambda a: pca().reconstruct(a, 3),
    "blur": lambda a: ae.blur(a, 0.8),
    "median_filter": lambda a: ae.median_filter(a, 3),
    "loss_ladder, x_train": lambda a: rungs(x_train=a, models={"a": model()}),
    "loss_ladder, x_test": lambda a: rungs(x_test=a, models={"a": model()}),
    "masking_noise": lambda a: ae.masking_noise(a, 0.4, seed=1),
    "salt_and_pepper_noise": lambda a: ae.salt_and_pepper_noise(a, 0.4, seed=1),
    "gaussian_noise": lambda a: ae.gaussian_noise(a, 0.2, seed=1),
    "gradient_report, x": lambda a: ae.gradient_report(model(), a),
    "gradient_report, target": lambda a: ae.gradient_report(model(), X, target=a),
    "dead_units": lambda a: ae.dead_units(model(code_activation="relu").encoder, a),
    "component_gain, x": lambda a: gain(model(), pca(), a),
    "component_gain, x_train": lambda a: gain(model(), a, X)[:3],
    "show_images": lambda a: ae.show_images([a, X]),
}
FEW = {  # where a call takes long
    "fit, x": lambda a: train(a),
    "fit, target": lambda a: train(X, target=a),
    "fit, validation": lambda a: train(X, validation=a),
    "sweep": lambda a: trained_by_a_sweep(a),
    "code_size_display, x_train": lambda a: ae.code_size_display({4: model()}, a, X),
    "code_size_display, x_test": lambda a: ae.code_size_display({4: model()}, X, a),
    "noise_display": lambda a: ae.noise_display({"a": model()}, MASKING, a),
    "threshold_display": lambda a: ae.threshold_display({"a": model()}, RAISE, a),
    "sigmoid_display": lambda a: ae.sigmoid_display(X, a),
    "step_display": lambda a: ae.step_display(model(), a),
    "training_display": lambda a: training_display(x=a),
    "latent_plane, codes": lambda a: plane(codes=a[:, :2]),
    "latent_plane, x": lambda a: plane(x=a),
}
TENSORS = {  # what goes straight to TensorFlow or Keras
    "Autoencoder": lambda a: model()(a),
    "VariationalAutoencoder": lambda a: variational()(a),
    "step": lambda a: ae.step(a - 0.5),
    "straight_through_step": lambda a: ae.straight_through_step(a - 0.5),
    "kl_sparsity": lambda a: ae.kl_sparsity(a, 0.3),
    "KLSparsity": lambda a: ae.KLSparsity()(a),
    "GaussianSampling": lambda a: ae.GaussianSampling(seed=0)([a, a], training=True),
    "MaskingNoise": lambda a: ae.MaskingNoise((0.2, 0.8), seed=0)(a, training=True),
}


@functools.cache
def variational():
    keras.utils.set_random_seed(0)
    return make_variational()


def trained():
    keras.utils.set_random_seed(0)
    return ae.autoencoder(input_size=16, code_size=2)


def train(x, **options):
    network = trained()
    fit(x, model=network, **options)
    return network.get_weights()


def trained_by_a_sweep(x):
    return sweep(lambda size: trained(), x=x)[2].get_weights()


def plain(result):
    """Return a result as a list of arrays and texts, so that any two can be compared."""
    if isinstance(result, Table):
        return [
            np.array(column, float) if not isinstance(column[0], str) else column for column in zip(*result.rows, strict=True)
        ]
    if hasattr(result, "picture"):
        return [picture_of(result.picture.value), result.sentence.value]
    if hasattr(result, "get_images"):
        return [result.get_images()[0].get_array().filled(-1)]
    return result if isinstance(result, list) else [np.asarray(result)]


def picture_of(png):
    return np.asarray(Image.open(io.BytesIO(png)), float) / 255


PLACES = {**WHOLE, **FEW, **TENSORS}


@functools.cache
def expected(place, binary=False):
    return plain(PLACES[place](BINARY if binary else X))


def same(result, wanted):
    made = plain(result)
    assert len(made) == len(wanted)
    for a, b in zip(made, wanted, strict=True):
        if isinstance(b, np.ndarray):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
        else:
            assert a == b
    return True


@pytest.mark.parametrize(
    ("place", "form"),
    [
        *itertools.product(WHOLE, FORMS),
        *itertools.product(FEW, ("float64", "strided", "read-only")),
        *itertools.product(TENSORS, ARRAYS),
    ],
)
def test_another_form_gives_the_same(place, form):
    given = FORMS[form](X)
    kept = np.array(given)
    assert same(PLACES[place](given), expected(place))
    assert np.array_equal(np.array(given), kept), "the caller's images have changed"


@pytest.mark.parametrize(("place", "kind"), list(itertools.product(WHOLE, INTEGERS)))
def test_integers_count_as_the_numbers_that_they_are(place, kind):
    assert same(PLACES[place](INTEGERS[kind](BINARY)), expected(place, binary=True))


@pytest.mark.parametrize("form", [*FORMS, *INTEGERS])
def test_codes_in_any_form(form):
    assert repr(ae.code_usage({**FORMS, **INTEGERS}[form](BINARY))) == repr(ae.code_usage(BINARY))


@pytest.mark.parametrize("form", [*(name for name in ARRAYS if name != "strided")])
def test_earlier_weights_in_any_form(form):
    earlier = model(code_size=4).get_weights()
    shifted = [ARRAYS[form](weight + 1) for weight in earlier]
    changes = ae.weight_drift(model(), shifted).column("change")
    assert changes == pytest.approx([np.sqrt(weight.size) for weight in earlier], rel=1e-5)
    assert ae.weight_drift(model(), tuple(shifted)).column("change") == changes


@pytest.mark.parametrize("form", [*ARRAYS, "lists"])
def test_pictures_to_draw_on_in_any_form(form):
    models = {"a": model(input_size=784)}
    assert same(ae.drawing_pad(models, FORMS[form](X784)), plain(ae.drawing_pad(models, X784)))


@pytest.mark.parametrize("seed", [0, np.int64(3), [1, 2], np.random.default_rng(0), None])
def test_seeds_that_numpy_takes(seed):
    for make in (ae.masking_noise, ae.salt_and_pepper_noise, ae.gaussian_noise):
        assert make(X, 0.3, seed).shape == X.shape


@pytest.mark.parametrize("layer", [ae.MaskingNoise, ae.GaussianSampling])
def test_a_layer_takes_the_seeds_of_numpy_and_keeps_them_as_int(layer):
    made = layer(seed=np.int64(3))
    assert type(made.get_config()["seed"]) is int and made.get_config()["seed"] == 3


@pytest.mark.parametrize("shape", [(5,), (5, 7), (5, 4, 3), (5, 4, 4, 1)])
@pytest.mark.parametrize("p", [0.5, (0.5, 0.5)])
def test_masking_takes_images_of_any_rank(shape, p):
    made = ae.MaskingNoise(p, seed=0)(tf.ones(shape), training=True).numpy()
    assert made.shape == shape and set(np.unique(made)) <= {0, 1}


def test_a_level_for_each_image_of_any_rank():
    made = ae.MaskingNoise((0.0, 1.0), seed=0)(tf.ones((50, 8, 8, 1)), training=True).numpy()
    assert (made == 0).mean(axis=(1, 2, 3)).std() > 0.2  # with one level for all it would be 0.06


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_deviation_beyond_float32_leaves_black_and_white():
    made = ae.gaussian_noise(X, 1e300, seed=0)
    assert set(np.unique(made)) == {0, 1}


@pytest.mark.parametrize("function", [ae.step, ae.straight_through_step])
def test_steps_of_what_is_not_finite(function):
    assert function(np.array([np.inf, -np.inf], np.float32)).numpy().tolist() == [1, 0]
    assert np.isnan(function(np.array([np.nan], np.float32)).numpy()).all()


def test_losses_may_be_drawn_without_levels_and_with_numbers_of_numpy():
    assert len(ae.show_loss(history(), levels={"floor": np.float32(0.1)}).get_lines()) == 2
    assert len(ae.show_loss(history(), levels={}).get_lines()) == len(ae.show_loss(history()).get_lines()) == 1


def test_nothing_here_changed_the_arrays_it_was_given():
    assert all(np.array_equal(a, b) for a, b in zip(UNTOUCHED, (X, X784, BINARY, LABELS), strict=True))
