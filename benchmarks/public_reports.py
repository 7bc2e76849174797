"""Public bug reports about autoencoders, reproduced: does `ae.diagnose` name the cause?

    python -m benchmarks.public_reports               run all, write the table, print the totals
    python -m benchmarks.public_reports 21 healthy    run some (numbers of reports, names, "healthy"), store nothing
    python -m benchmarks.public_reports --print       print the totals of the stored table
    python -m benchmarks.public_reports --symptoms 21 train, and measure symptom and remedy without `ae.diagnose`

The reports were found on GitHub, Stack Exchange and similar sites by a search by meaning. Each function below builds and trains
one model with the asker's settings, in PyTorch if the asker used it and otherwise in Keras. The code is new, and the data are
substitutes: MNIST, Fashion-MNIST, and tables and series drawn by NumPy. So what is reproduced is the symptom, not the asker's
numbers, and each function measures whether the symptom occurs. What a docstring calls the cause comes from the thread
("known"), from the code that the asker showed ("likely"), or is open.

Columns: ``expected`` lists the codes that name the cause, or "healthy" or "refused" where silence or a `ValueError` is
right; ``occurred`` is 1 if the symptom was measured here or, for a healthy model, its health; ``found`` lists codes and
severities, worst first; ``verdict`` is "right" if the first finding names the cause, "symptom only" if it names no more than
what the asker saw, and otherwise "wrong", "missed", "refused", "crashed" or, for a healthy model, "accused"; ``before`` and
``after`` are the squared error of the test set, as a share of the mean training row's, without and with the remedy that the
thread or the review of the report names.
"""

import argparse
import functools
import math
import multiprocessing
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aehelpers as ae
import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers
from scipy.stats import binomtest
from sklearn.decomposition import PCA

from notebooks.evidence.record import write_table

EVIDENCE = Path(__file__).resolve().parent.parent / "notebooks" / "evidence"
TABLE = EVIDENCE / "public_reports.csv"
COLUMNS = (
    *("number", "name", "source", "framework", "data", "expected", "symptom", "occurred"),
    *("found", "first", "verdict", "before", "after"),
)
MEASURED = ("before", "after")
tf.get_logger().setLevel("ERROR")  # many models, each traced on its own: TensorFlow would warn
CASES = {}  # name: Report
QUICK = "four_numbers"  # the test makes it again
HELPED = 0.8  # a remedy has helped if it leaves at most this share of the error


@dataclass
class Report:
    """What is known of a report before its model is trained."""

    title: str
    source: str
    framework: str
    data: str
    numbers: tuple  # in the list of reports; none for a healthy model
    expected: tuple  # codes that name the cause; or "healthy", "refused"
    symptom: tuple  # codes that name the symptom only
    make: Callable

    @property
    def healthy(self):
        return not self.numbers


@dataclass
class Trained:
    """A trained model, the arguments of `ae.diagnose` beside it, what was measured of the symptom, and the remedy."""

    model: object
    arguments: dict
    symptom: str
    occurred: bool
    mended: Callable | None = None  # returns the error before and after


def report(numbers, source, framework, data, expected, symptom=""):
    """Add a function to the cases; it returns a `Trained`, and its docstring begins with the title.

    Blanks separate numbers and codes; ``expected`` are the codes that name the cause, ``symptom`` those that only describe it.
    """

    def add(function):
        title = function.__doc__.splitlines()[0].rstrip(".")
        lists = tuple(numbers.split()), tuple(expected.split()), tuple(symptom.split())
        # A "#" would begin a comment in the table.
        CASES[function.__name__] = Report(title, source.replace("#", " "), framework, data, *lists, function)
        return function

    return add


def healthy(data):
    return report("", "healthy model", "Keras", data, "healthy")


# -------------------------------------------------------------------------------------------------------- data


@functools.cache
def flat(name="mnist", train=6_000, test=1_000):
    """Return images for training and for testing, flat, from 0 to 1."""
    data = ae.load(name)
    return np.array(data.x_train[:train]), np.array(data.x_test[:test])


def pictures(name="mnist", train=6_000, test=1_000):
    return tuple(x.reshape(-1, 28, 28, 1) for x in flat(name, train, test))


@functools.cache
def coloured(train=2_000, test=500):
    """Return garments of 32 x 32 pixels, each in a color of its own before a dark color, from 0 to 1."""
    rng = np.random.default_rng(0)
    sets = []
    for x in pictures("fashion_mnist", train, test):
        x = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
        colour, ground = rng.uniform(0.3, 1, (len(x), 1, 1, 3)), rng.uniform(0, 0.3, (len(x), 1, 1, 3))
        sets.append((x * colour + (1 - x) * ground).astype(np.float32))
    return tuple(sets)


def channels_first(x):
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


def both(function, sets):
    """Apply a function to the training set and to the test set."""
    return tuple(function(x).astype(np.float32) for x in sets)


def standardized(sets, axis=None):
    """Subtract the mean of the training set and divide by its spread; by column with ``axis=0``."""
    mean, spread = sets[0].mean(axis=axis), sets[0].std(axis=axis) + 1e-8
    return both(lambda x: (x - mean) / spread, sets)


def split(x, test=500):
    return x[:-test].astype(np.float32), x[-test:].astype(np.float32)


def table(rows, columns, factors, noise=0.3, seed=0):
    """Return a standardized table whose columns are mixtures of a few factors."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, factors)) @ rng.normal(size=(factors, columns)) + noise * rng.normal(size=(rows, columns))
    return split((x - x.mean(axis=0)) / x.std(axis=0))


def waves(rows, steps, seed=0, periods=(10, 40)):
    """Return series of one sine wave each, around 0.5, in [0, 1]."""
    rng = np.random.default_rng(seed)
    amplitude, phase = rng.uniform(0.2, 0.5, (rows, 1)), rng.uniform(0, 2 * np.pi, (rows, 1))
    x = amplitude * np.sin(2 * np.pi * np.arange(steps) / rng.uniform(*periods, (rows, 1)) + phase) + 0.5
    return split(x[..., None])


def one_hot(tokens, number):
    return np.eye(number, dtype=np.float32)[tokens]


# ------------------------------------------------------------------------------------------------------- models


def dense(*sizes, columns=784, hidden="relu", code=None, output="sigmoid"):
    """Return an autoencoder of dense layers; the sizes are those of the encoder, the last is the code's."""
    up = [layers.Dense(size, hidden) for size in sizes[:-1]]
    down = [layers.Dense(size, hidden) for size in sizes[-2::-1]]
    return keras.Sequential([keras.Input((columns,)), *up, layers.Dense(sizes[-1], code), *down, layers.Dense(columns, output)])


def trained(model, x, target=None, *, loss="mse", optimizer="adam", epochs=5, batch=64):
    """Compile and fit a Keras model as askers do."""
    model.compile(optimizer, loss)
    model.fit(x, x if target is None else target, epochs=epochs, batch_size=batch, verbose=0)
    return model


class Drawing(layers.Layer):
    """Draws a code from two heads, as in Keras's examples, and adds the KL divergence to the loss."""

    def __init__(self, weight=1.0):
        super().__init__()
        self.weight = weight

    def call(self, inputs):
        mean, log_variance = inputs
        kl = tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1 - log_variance, axis=1) / 2
        self.add_loss(self.weight * tf.reduce_mean(kl))
        return mean + tf.exp(log_variance / 2) * keras.random.normal(tf.shape(mean))


def drawing(columns, hidden, size, output="sigmoid", weight=1.0):
    """Return a variational autoencoder of dense layers."""
    inputs = keras.Input((columns,))
    features = layers.Dense(hidden, "relu")(inputs)
    code = Drawing(weight)([layers.Dense(size, name="z_mean")(features), layers.Dense(size, name="z_log_var")(features)])
    return keras.Model(inputs, layers.Dense(columns, output)(layers.Dense(hidden, "relu")(code)))


def summed_cross_entropy(x, y):
    """The cross entropy of all pixels of an image, which fits a KL divergence of weight 1."""
    return tf.reduce_sum(keras.losses.binary_crossentropy(x[..., None], y[..., None]), axis=tuple(range(1, len(x.shape))))


def summed_squares(x, y):
    return tf.reduce_sum(tf.square(x - y), axis=tuple(range(1, len(x.shape))))


# ------------------------------------------------------------------------------------------------------ PyTorch


def seeded_torch():
    """Import PyTorch, which only some of the reports need.

    An optimizer of a PyTorch for CUDA imports Triton, which crashes in a process that has loaded TensorFlow. On a CPU PyTorch
    does without it.
    """
    sys.modules.setdefault("triton", None)
    import torch

    torch.set_num_threads(1)  # the threads of several processes would wait for each other
    torch.manual_seed(0)
    return torch


def trained_torch(model, x, loss, target=None, *, optimizer=None, epochs=5, batch=64):
    """Train a module with a plain loop; ``loss`` takes what the module returns, and the target."""
    import torch

    optimizer = optimizer or torch.optim.Adam(model.parameters(), 1e-3)
    x = torch.from_numpy(x)
    target = x if target is None else torch.from_numpy(target)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss(model(x[rows]), target[rows]).backward()
            optimizer.step()
    return model


def torch_divergence(mean, log_variance):
    """Return the KL divergence in nats, averaged over the images."""
    return (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1).mean() / 2


def torch_vae(torch, size, output, *, pixels=784, hidden=256):
    """Return a variational autoencoder of dense layers that gives the reconstruction and the two heads."""
    nn = torch.nn

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc21, self.fc22 = nn.Linear(pixels, hidden), nn.Linear(hidden, size), nn.Linear(hidden, size)
            self.fc3, self.fc4 = nn.Linear(size, hidden), nn.Linear(hidden, pixels)

        def encode(self, x):
            features = torch.relu(self.fc1(x))
            return self.fc21(features), self.fc22(features)

        def decode(self, z):
            return output(self.fc4(torch.relu(self.fc3(z))))

        def forward(self, x):
            mean, log_variance = self.encode(x)
            z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean) if self.training else mean
            return self.decode(z), mean, log_variance

    return VAE()


def torch_convolutional_vae(torch, size, output, *, channels=3, side=32, momentum=0.1, normalized=True):
    """Return a variational autoencoder of strided convolutions, with batch normalization or without."""
    nn = torch.nn
    small = side // 4

    def block(layer, number):
        return [layer, *([nn.BatchNorm2d(number, momentum=momentum)] if normalized else []), nn.LeakyReLU()]

    class VAE(nn.Module):
        def __init__(self):
            super().__init__()
            first, second = nn.Conv2d(channels, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)
            self.encoder = nn.Sequential(*block(first, 16), *block(second, 32), nn.Flatten())
            self.mean, self.log_variance = (nn.Linear(32 * small**2, size) for _ in range(2))
            third, last = nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ConvTranspose2d(16, channels, 4, 2, 1)
            unflatten = nn.Unflatten(1, (32, small, small))
            self.decoder = nn.Sequential(nn.Linear(size, 32 * small**2), unflatten, *block(third, 16), last, output)

        def forward(self, x):
            features = self.encoder(x)
            mean, log_variance = self.mean(features), self.log_variance(features)
            z = mean + torch.exp(log_variance / 2) * torch.randn_like(mean) if self.training else mean
            return self.decoder(z), mean, log_variance

    return VAE()


# --------------------------------------------------------------------------------------------------- measurement


def outputs_of(model, x, number=None):
    """Return a model's reconstruction outside training; with a number, that of its outputs."""
    if hasattr(model, "state_dict"):  # PyTorch
        import torch

        was_training = model.training
        model.eval()
        with torch.no_grad():
            found = [model(torch.from_numpy(x[start : start + 500])) for start in range(0, len(x), 500)]
        model.train(was_training)
        found = [part if isinstance(part, tuple) else (part,) for part in found]
        return np.concatenate([part[number or 0].numpy() for part in found])
    made = model.predict(x, batch_size=500, verbose=0)
    return made[number or 0] if isinstance(made, (tuple, list)) else made


def share(made, wanted, train):
    """Return the squared error as a share of the mean training row's: 1 is no better than the mean."""
    made, wanted, train = (np.asarray(a, np.float64) for a in (made, wanted, train))
    return float(np.square(made - wanted).mean() / np.square(train.mean(axis=0) - wanted).mean())


def error_of(model, sets, targets=None):
    targets = sets if targets is None else targets
    return share(outputs_of(model, sets[1]), targets[1], targets[0])


def variation(made, wanted):
    """Return how much outputs differ between rows, as a share of how much the data do."""
    return float(np.var(made, axis=0, dtype=np.float64).sum() / np.var(wanted, axis=0, dtype=np.float64).sum())


def nats(mean, log_variance):
    """Return the KL divergence per image."""
    return float((mean**2 + np.exp(log_variance) - 1 - log_variance).sum(axis=1).mean() / 2)


def listed(values):
    return ", ".join(f"{value:.2f}" for value in values)


def given(sets, **more):
    return {"x_train": sets[0], "x_test": sets[1], **more}


def nearly_constant(model, sets, targets=None, mended=None, **more):
    """Return the case of a model whose output hardly depends on its input."""
    targets = sets if targets is None else targets
    made = outputs_of(model, sets[1])
    error, varies = share(made, targets[1], targets[0]), variation(made, targets[1])
    words = f"outputs vary {varies:.1%} as much as the data; error {error:.2f} of the mean row's"
    return Trained(model, given(sets, **more), words, varies < 0.1, mended)


def poor(model, sets, targets=None, mended=None, words="", **more):
    """Return the case of a model that is no better than the mean row, or hardly."""
    error = error_of(model, sets, targets)
    return Trained(model, given(sets, **more), f"{words}error {error:.2f} of the mean row's", error > 0.5, mended)


def not_a_number(model, sets, mended=None, **more):
    made = outputs_of(model, sets[1])
    lost = float(np.mean(~np.isfinite(made)))
    return Trained(model, given(sets, **more), f"{lost:.0%} of the outputs are not finite", lost > 0.5, mended)


# -------------------------------------------------------------------------------------- reports: scale and output


def one_two_three(x, output):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(3, "relu"), layers.Dense(3, output)])
    batch = 4 if len(x) < 100 else 16
    return trained(model, x, optimizer=keras.optimizers.Adadelta(1.0), epochs=100 if batch == 4 else 60, batch=batch)


@report("1", "stackoverflow 44601367", "Keras", "table", "input_scale", "one_sample constant_output")
def equal_rows():
    """Nine equal rows [1, 2, 3] into a sigmoid.

    Likely: a sigmoid ends at 1. The asker's Keras had Adadelta(1.0) as its default; today's is 0.001.
    """
    x = np.tile(np.float32([1, 2, 3]), (9, 1))
    model = one_two_three(x, "sigmoid")
    made = outputs_of(model, x)
    return Trained(model, {"x_train": x}, f"1, 2, 3 becomes {listed(made[0])}", made.max() <= 1)


@report("1", "stackoverflow 44601367", "Keras", "table", "input_scale", "constant_output")
def rows_that_differ():
    """Rows near [1, 2, 3] into a sigmoid.

    The same model with rows that are not all equal, so that there is something to reconstruct.
    """
    rng = np.random.default_rng(0)
    x = split(np.float32([1, 2, 3]) * rng.uniform(0.5, 1.5, (1_500, 1)) + 0.1 * rng.normal(size=(1_500, 3)))
    model = one_two_three(x[0], "sigmoid")

    def mended():
        return error_of(model, x), error_of(one_two_three(x[0], None), x)

    largest = outputs_of(model, x[1]).max()
    return poor(model, x, mended=mended, words=f"outputs end at {largest:.2f}, the data at {x[1].max():.2f}; ")


def softmax_at_the_end(x, output):
    keras.utils.set_random_seed(0)
    return trained(dense(128, 64, 28, code="relu", output=output), x, loss="binary_crossentropy", batch=100)


@report("4", "stackoverflow 52441877", "Keras", "images", "input_scale squeezed_output", "constant_output not_finite")
def softmax_of_255():
    """Pixels from 0 to 255, softmax output.

    Known: divide by 255, and take a sigmoid.
    """
    x = both(lambda x: 255 * x, flat())
    model = softmax_at_the_end(x[0], "softmax")
    return poor(model, x, mended=lambda: (error_of(model, x), error_of(softmax_at_the_end(flat()[0], "sigmoid"), flat())))


@report("4", "stackoverflow 52441877", "Keras", "images", "squeezed_output", "constant_output")
def softmax_of_1():
    """The same after division by 255."""
    model = softmax_at_the_end(flat()[0], "softmax")
    return poor(
        model, flat(), mended=lambda: (error_of(model, flat()), error_of(softmax_at_the_end(flat()[0], "sigmoid"), flat()))
    )


def one_linear_layer(x):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((84,)), layers.Dense(84)])
    return trained(model, x, optimizer=keras.optimizers.SGD(0.01), epochs=6, batch=8)


@report("5", "whosebug 2214577", "Keras", "table", "tiny_spread", "constant_output undertrained")
def identity_of_nearly_equal_numbers():
    """84 numbers whose spread is 0.1 % of their mean.

    Likely, as the asker guessed: the spread is tiny. The loss is small all the same, about 1e-6.
    """
    x = split(np.random.default_rng(0).normal(1.1090579, 0.0012380764, (4_500, 84)))
    model = one_linear_layer(x[0])

    def mended():
        scaled = standardized(x, axis=0)
        return error_of(model, x), error_of(one_linear_layer(scaled[0]), scaled)

    loss = float(np.square(outputs_of(model, x[1]) - x[1]).mean())
    return poor(model, x, mended=mended, words=f"squared error {loss:.1e}; ")


@functools.cache
def gene_expression():
    """Return 800 columns from 0 to about 620,000, some of them always small, as counts of transcripts are."""
    rng = np.random.default_rng(0)
    logarithm = rng.normal(size=(1_900, 10)) @ rng.normal(0, 0.35, (10, 800)) + rng.normal(2.5, 2.2, 800)
    return split(np.clip(np.floor(np.exp(logarithm + 0.3 * rng.normal(size=logarithm.shape))), 0, 620_000), 400)


def expression_model(x):
    keras.utils.set_random_seed(0)
    return trained(dense(512, 128, 16, columns=800, code="relu", output="relu"), x, loss="mae", epochs=20, batch=32)


@report("6", "ai.SE 24910", "Keras", "table", "dead_units dead_outputs column_scales", "undertrained constant_output")
def dead_units_of_expression():
    """Gene expression, some units of the code are always 0.

    Likely: dead ReLUs, and columns that are not scaled, as a comment says.
    """
    x = gene_expression()
    model = expression_model(x[0])
    encoder = keras.Sequential(model.layers[:3])
    dead = int((outputs_of(encoder, x[0]) <= 0).all(axis=0).sum())
    dead_outputs = int((outputs_of(model, x[0]) <= 0).all(axis=0).sum())

    def mended():  # logarithms, each column to 1; both errors are those of the logarithms
        largest = np.log1p(x[0]).max(axis=0) + 1e-6
        scaled = both(lambda x: np.log1p(x) / largest, x)
        made = np.log1p(np.maximum(outputs_of(model, x[1]), 0)) / largest
        return share(made, scaled[1], scaled[0]), error_of(expression_model(scaled[0]), scaled)

    words = f"{dead} of 16 units of the code and {dead_outputs} of 800 outputs are always 0"
    return Trained(model, given(x), words, dead > 0, mended)


def small_convolutions(x):
    """Train two convolutions, batch normalization between them, and a third for the output."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Conv2D(12, 2, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Conv2D(12, 2, padding="same", activation="relu"),
            layers.Conv2D(x.shape[-1], 3, padding="same", activation="sigmoid"),
        ]
    )
    return trained(model, x, epochs=6, batch=8)


@report("18", "keras-team/keras#14564", "Keras", "images", "input_scale", "constant_output")
def every_picture_white():
    """Every picture white.

    Open; pixels from 0 to 255 are likely.
    """
    small = coloured(600, 200)
    x = both(lambda x: 255 * x, small)
    model = small_convolutions(x[0])
    white = float((outputs_of(model, x[1]) > 0.99).mean())

    def mended():
        return error_of(model, x), error_of(small_convolutions(small[0]), small)

    return Trained(model, given(x), f"{white:.0%} of the output is 1", white > 0.9, mended)


def colour_convolutions(x):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.UpSampling2D(2),
            layers.Conv2D(3, 3, padding="same", activation="sigmoid"),
        ]
    )
    return trained(model, x, loss="binary_crossentropy", epochs=30, batch=20)


@report("26", "keras-team/keras#2841", "Keras", "images", "input_scale wrong_loss", "constant_output")
def negative_loss():
    """Negative cross entropy of 100 pictures.

    Likely: the pixels lie outside [0, 1].
    """
    few = coloured(100, 100)
    x = standardized(few)
    model = colour_convolutions(x[0])
    loss = float(model.evaluate(x[0], x[0], verbose=0))

    def mended():
        return error_of(model, x), error_of(colour_convolutions(few[0]), few)

    return Trained(model, given(x, loss="bce"), f"the loss is {loss:.2f}", loss < 0, mended)


def with_rectified_digits(output):
    keras.utils.set_random_seed(0)
    x = standardized(pictures())
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 5, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(64, "relu"),
            layers.Dense(14 * 14 * 8, "relu"),
            layers.Reshape((14, 14, 8)),
            layers.Conv2DTranspose(1, 5, strides=2, padding="same", activation=output),
        ]
    )
    return trained(model, x[0], epochs=3), x


@report("38", "mikesj-public/convolutional_autoencoder PR 9", "Lasagne", "images", "input_scale", "dead_outputs")
def rectified_digits():
    """Standardized digits, rectified output.

    Known: the lower half of the pixels is cut off.
    """
    model, x = with_rectified_digits("relu")
    cut = float((x[1] < 0).mean())
    return Trained(
        model,
        given(x),
        f"{cut:.0%} of the pixels are negative, the smallest output is {outputs_of(model, x[1]).min():.2f}",
        cut > 0.4 and outputs_of(model, x[1]).min() >= 0,
        lambda: (error_of(model, x), error_of(*with_rectified_digits(None))),
    )


def rectified_series(x, output):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.LSTM(32, activation="relu", return_sequences=True),
            layers.LSTM(16, activation="relu"),
            layers.RepeatVector(x.shape[1]),
            layers.LSTM(16, activation="relu", return_sequences=True),
            layers.LSTM(32, activation="relu", return_sequences=True),
            layers.TimeDistributed(layers.Dense(x.shape[2], output)),
        ]
    )
    return trained(model, x, epochs=12, batch=64, optimizer=keras.optimizers.Adam(2e-3))


@functools.cache
def machine(rows=2_500, steps=5, sensors=12):
    """Return windows of sensors that follow a few slow states, standardized by sensor."""
    rng = np.random.default_rng(0)
    start, speed = rng.normal(size=(rows, 1, 4)), rng.normal(0, 0.3, (rows, 1, 4))
    x = (start + speed * np.arange(steps)[:, None]) @ rng.normal(size=(4, sensors))
    x += 0.2 * rng.normal(size=x.shape)
    return split((x - x.mean(axis=(0, 1))) / x.std(axis=(0, 1)))


@report("43", "cran2367/lstm_autoencoder_classifier#2", "Keras", "series", "input_scale", "dead_outputs undertrained")
def rectified_windows():
    """Standardized series, ReLU at the end.

    Likely, as the asker says: half of the values are negative.
    """
    x = machine()
    model = rectified_series(x[0], "relu")
    error, least = error_of(model, x), outputs_of(model, x[1]).min()
    return Trained(
        model,
        given(x),
        f"error {error:.2f} of the mean row's; the smallest output is {least:.2f}, the smallest value {x[1].min():.2f}",
        error > 0.3 and least >= 0,
        lambda: (error, error_of(rectified_series(x[0], None), x)),
    )


def rectified_output(columns_relu):
    keras.utils.set_random_seed(0)
    model = dense(64, columns=784, code="relu", hidden="relu", output=columns_relu)
    return trained(model, flat("fashion_mnist")[0], epochs=10)


@report("44", "FluxML/model-zoo PR 34", "Flux", "images", "dead_outputs", "undertrained")
def always_black_pixels():
    """Some pixels always black.

    Known: dead outputs, since the output is a ReLU.
    """
    x = flat("fashion_mnist")
    model = rectified_output("relu")
    dead = int(((outputs_of(model, x[0]) <= 0).all(axis=0) & (x[0].std(axis=0) > 0.05)).sum())
    return Trained(
        model,
        given(x),
        f"{dead} of 784 pixels are black in every output",
        dead > 10,
        lambda: (error_of(model, x), error_of(rectified_output("sigmoid"), x)),
    )


def four_to_four(output):
    keras.utils.set_random_seed(0)
    x = split(np.random.default_rng(1).random((2_000, 4)))
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4, "relu"), layers.Dense(4, output)])
    return trained(model, x[0], optimizer=keras.optimizers.SGD(0.01), epochs=60, batch=32), x


@report("15", "stats.SE 269718", "DL4J", "table", "dead_outputs", "dead_units undertrained")
def four_numbers():
    """Some of four outputs are always 0.

    Likely: dead ReLUs at the output.
    """
    model, x = four_to_four("relu")
    dead = int((outputs_of(model, x[0]) <= 0).all(axis=0).sum())
    words = f"{dead} of 4 outputs are always 0"
    return Trained(model, given(x), words, dead > 0, lambda: (error_of(model, x), error_of(*four_to_four(None))))


def good_digits():
    keras.utils.set_random_seed(0)
    return trained(dense(128, 32), flat()[0], loss="binary_crossentropy", epochs=12)


@report("48", "IIC2433 course, issue 32", "Keras", "images", "refused sets_differ input_scale")
def test_set_divided_twice():
    """The test set divided by 255 twice.

    Known, said by the asker: scaled twice. The model is good.
    """
    model = good_digits()
    x = flat()[0], flat()[1] / 255
    words = f"the test set ends at {x[1].max():.4f}, the training set at {x[0].max():.0f}"
    before = share(outputs_of(model, x[1]), x[1], x[1])  # the mean row of the training images is no rival here
    return Trained(model, given(x), words, True, lambda: (before, error_of(model, flat())))


@report("48", "IIC2433 course, issue 32", "Keras", "images", "input_scale", "constant_output")
def both_sets_divided_twice():
    """Both sets divided by 255 twice."""
    model = good_digits()
    x = both(lambda x: x / 255, flat())
    error = error_of(model, x)
    words = f"error {error:.2g} times the mean row's; {error_of(model, flat()):.2f} with the images of the training"
    return Trained(model, given(x), words, error > 1, lambda: (error, error_of(model, flat())))


@report("33", "ethanluoyc/pytorch-vae#3", "PyTorch", "images", "input_scale", "dead_outputs")
def rectified_vae():
    """Normalized digits, ReLU output.

    Known: the ReLU cuts negative pixels off.
    """
    torch = seeded_torch()
    x = standardized(flat())

    def loss(out, target):
        return (out[0] - target).square().sum(dim=1).mean() / 2 + torch_divergence(*out[1:])

    def make(output):
        torch.manual_seed(0)
        return trained_torch(torch_vae(torch, 20, output), x[0], loss, epochs=8)

    model = make(torch.relu)
    least = outputs_of(model, x[1]).min()
    words = f"the smallest output is {least:.2f}, the smallest pixel {x[1].min():.2f}; error {error_of(model, x):.2f}"
    return Trained(model, given(x), words, least >= 0, lambda: (error_of(model, x), error_of(make(torch.nn.Identity()), x)))


@report("37", "AntixK/PyTorch-VAE#108, #48, PR 63", "PyTorch", "images", "healthy")
def tanh_for_0_to_1():
    """Faces in [0, 1], tanh output.

    Known: the ranges differ. But a tanh can give all of [0, 1], and the model learns: silence is right.
    """
    torch = seeded_torch()
    x = both(channels_first, coloured())

    def loss(out, target):
        return 20 * (out[0] - target).square().flatten(1).sum(dim=1).mean() + torch_divergence(*out[1:])

    model = torch_convolutional_vae(torch, 32, torch.nn.Tanh())
    trained_torch(model, x[0], loss, epochs=8)
    error, least = error_of(model, x), outputs_of(model, x[1]).min()
    return Trained(model, given(x), f"the smallest output is {least:.2f}; error {error:.2f} of the mean row's", least < -0.05)


# ------------------------------------------------------------------------------------------- reports: not finite


def hand_written_cross_entropy(x, y):
    return -tf.reduce_sum(x * tf.math.log(y) + (1 - x) * tf.math.log(1 - y), axis=1)


@report("29", "tensorflow/models#23", "TensorFlow", "images", "input_scale", "not_finite")
def nan_of_standardized_digits():
    """Standardized digits, hand-written cross entropy, NaN.

    Known: scale to [0, 1], fixed in tensorflow/models#24.
    """

    def make(x):
        keras.utils.set_random_seed(0)
        return trained(drawing(784, 200, 20), x[0], loss=hand_written_cross_entropy, batch=100, epochs=4)

    x = standardized(flat(), axis=0)
    model = make(x)
    return not_a_number(model, x, lambda: (error_of(model, x), error_of(make(flat()), flat())))


@report("30 31", "wohlert/semi-supervised-pytorch#9, pycroscopy/atomai#85", "PyTorch", "images", "input_scale", "not_finite")
def nan_of_255():
    """Grey pictures from 0 to 255, hand-written cross entropy, NaN.

    Known: scale to [0, 1].
    """
    torch = seeded_torch()
    small = both(channels_first, pictures("fashion_mnist", 3_000))
    x = both(lambda x: 255 * x, small)

    def loss(out, target):
        made, *heads = out
        entropy = -(target * torch.log(made) + (1 - target) * torch.log(1 - made))
        return entropy.flatten(1).sum(dim=1).mean() + torch_divergence(*heads)

    def make(images):
        torch.manual_seed(0)
        model = torch_convolutional_vae(torch, 16, torch.nn.Sigmoid(), channels=1, side=28, normalized=False)
        return trained_torch(model, images, loss, epochs=4)

    model = make(x[0])
    return not_a_number(model, x, lambda: (error_of(model, x), error_of(make(small[0]), small)))


@report("27", "keras-team/keras#12371", "Keras", "table", "refused", "not_finite")
def nan_in_the_table():
    """NaN in a table of 42 columns.

    As the reply says: NaN in the input. To refuse such a table is right.
    """

    def make(x):
        keras.utils.set_random_seed(0)
        return trained(drawing(42, 32, 8, None), x, loss=summed_squares, epochs=20)

    whole = table(2_500, 42, 6)
    x = tuple(array.copy() for array in whole)
    for array in x:
        array[np.random.default_rng(0).random(array.shape) < 0.001] = np.nan
    model = make(x[0])
    lost = float(np.isnan(outputs_of(model, whole[1])).mean())

    def mended():  # a missing value becomes its column's mean, which is 0
        filled = both(np.nan_to_num, x)
        return math.nan, error_of(make(filled[0]), filled)

    words = f"{np.isnan(x[0]).sum()} values are missing; {lost:.0%} of the outputs are NaN, also for rows without a gap"
    return Trained(model, given(x), words, lost == 1, mended)


# -------------------------------------------------------------------------------------- reports: learned nothing


@report("2", "stats.SE 245448", "TensorFlow", "images", "constant_output saturated_code", "undertrained")
def blob_of_sigmoids():
    """Sigmoids everywhere, cross entropy: a blob.

    Answered: the sigmoids saturate.
    """

    def make(hidden, optimizer):
        keras.utils.set_random_seed(0)
        model = dense(100, 50, hidden=hidden, code=hidden)
        return trained(model, flat()[0], loss="binary_crossentropy", optimizer=optimizer, epochs=10, batch=100)

    model = make("sigmoid", keras.optimizers.SGD(0.5))
    return nearly_constant(model, flat(), mended=lambda: (error_of(model, flat()), error_of(make("relu", "adam"), flat())))


def half_a_cross_entropy(x, y):
    """The cross entropy of a classification, in the place of the binary one."""
    return -tf.reduce_mean(x * tf.math.log(y + 1e-10))


@report("2", "stats.SE 245448", "TensorFlow", "images", "wrong_loss", "constant_output saturated_code")
def half_of_the_cross_entropy():
    """The same with half of the cross entropy.

    A reading of the same report: a loss that is smallest where every pixel is white.
    """

    def make(loss):
        keras.utils.set_random_seed(0)
        return trained(dense(128, 32), flat()[0], loss=loss, epochs=6)

    model = make(half_a_cross_entropy)
    white = float(outputs_of(model, flat()[1]).mean())
    return poor(
        model,
        flat(),
        mended=lambda: (error_of(model, flat()), error_of(make("binary_crossentropy"), flat())),
        words=f"outputs are {white:.2f} on average; ",
        loss=half_a_cross_entropy,
    )


@report("3", "stats.SE 441750", "Keras", "table", "loss_floor", "undertrained below_pca constant_output")
def loss_of_random_numbers():
    """The cross entropy of random numbers never gets to 0.

    Known: the cross entropy of such targets has a floor, and random numbers cannot be compressed.
    """
    x = split(np.random.default_rng(0).random((4_500, 100)))
    model = trained(dense(64, 32, columns=100, code="relu"), x[0], loss="binary_crossentropy", epochs=30)
    loss = float(model.evaluate(x[1], x[1], verbose=0))
    floor = float(keras.ops.mean(keras.losses.binary_crossentropy(x[1], x[1])))
    words = f"loss {loss:.3f}, of which {floor:.3f} would remain with a perfect reconstruction"
    return Trained(model, given(x, loss="bce"), words, floor > 0.4)


@functools.cache
def cyclic_signals(rows=5_000, length=100):
    """Return noisy and clean mixtures of cosines, each scaled to [0, 1), with one channel."""
    rng = np.random.default_rng(0)
    t = 2 * np.pi * np.arange(length) / 20 + rng.uniform(0, 2 * np.pi, (rows, 1))
    waves = np.stack([np.cos(t), np.sin(t), np.cos(t / 2), np.sin(2 * t)], axis=1)
    clean = np.einsum("rf,rft->rt", rng.uniform(-1, 1, (rows, 4)), waves)[:, None]
    clean -= clean.min(axis=2, keepdims=True)
    clean /= clean.max(axis=2, keepdims=True) + 1e-5
    return split(clean + rng.normal(0, 0.1, clean.shape)), split(clean)


@report("7", "stackoverflow 63500337", "PyTorch", "series", "constant_output", "undertrained")
def constant_denoiser():
    """A denoiser of cyclic signals gives a constant.

    Open. The optimizer was not shown; plain gradient descent is a guess.
    """
    torch = seeded_torch()
    nn = torch.nn
    noisy, clean = cyclic_signals()

    class LinAutoencoder(nn.Module):
        def __init__(self, size=20):
            super().__init__()
            up = [nn.Linear(100, 2 * size), nn.ReLU(), nn.Linear(2 * size, size), nn.ReLU(), nn.Linear(size, size), nn.ReLU()]
            down = [nn.Linear(size, size), nn.ReLU(), nn.Linear(size, 2 * size), nn.ReLU(), nn.Linear(2 * size, 100), nn.Tanh()]
            self.encoder, self.decoder = nn.Sequential(*up), nn.Sequential(*down)

        def forward(self, x):
            return self.decoder(self.encoder(torch.flatten(x, start_dim=1))).view(len(x), 1, 100)

    def make(optimizer):
        torch.manual_seed(0)
        model = LinAutoencoder()
        optimizer = optimizer(model.parameters())
        return trained_torch(model, noisy[0], nn.functional.mse_loss, clean[0], optimizer=optimizer, epochs=30)

    model = make(lambda weights: torch.optim.SGD(weights, 0.01))

    def mended():
        adam = make(lambda weights: torch.optim.Adam(weights, 1e-3))
        return error_of(model, noisy, clean), error_of(adam, noisy, clean)

    return nearly_constant(model, noisy, clean, mended, target=clean)


@report("9", "exchangetuts, LSTM autoencoder always returns the average", "PyTorch", "series", "wrong_loss", "constant_output")
def average_of_one_sequence():
    """The average of a sequence at every step.

    Likely: the model gives (5, 1, 1), the target is (5, 1), so the loss compares every step with every other. The loss is not
    handed over, as a user would not suspect it. One sequence is all there is.
    """
    torch = seeded_torch()
    x = np.float32([0.0, 0.1, 0.2, 0.3, 0.4]).reshape(1, 5, 1)

    class LSTM(torch.nn.Module):
        def __init__(self, latent=20):
            super().__init__()
            self.encoder = torch.nn.LSTM(1, latent, batch_first=True)
            self.decoder = torch.nn.LSTM(latent, 1, batch_first=True)

        def forward(self, x):
            state = self.encoder(x)[1][0][-1]
            return self.decoder(state[:, None].repeat(1, x.shape[1], 1))[0]

    def make(shape):
        torch.manual_seed(0)
        return trained_torch(LSTM(), x, lambda out, y: (out.view(5, 1, 1) - y.view(shape)).square().mean(), epochs=1_000)

    def left(model):
        return float(np.square(outputs_of(model, x) - x).mean() / x.var())

    model = make((5, 1))
    words = f"the outputs are {listed(outputs_of(model, x).ravel())}; error {left(model):.2f} of that of the average"
    return Trained(model, {"x_train": x}, words, left(model) > 0.5, lambda: (left(model), left(make((5, 1, 1)))))


@functools.cache
def temperatures(rows=3_000):
    """Return windows of 20 readings of a sensor, scaled to [0, 1]."""
    rng = np.random.default_rng(0)
    days = np.arange(20 * rows) / 2_880
    x = 22 + 4 * np.sin(2 * np.pi * days) + np.cumsum(rng.normal(0, 0.02, days.size)) + rng.normal(0, 0.1, days.size)
    x = ((x - x.min()) / (x.max() - x.min())).reshape(rows, 20, 1)
    return split(x[rng.permutation(rows)])


@report(
    "10",
    "qanswer, autoencoder LSTM for denoising",
    "Keras",
    "series",
    "dead_code dead_outputs dead_units",
    "constant_output zero_gradient",
)
def one_rectified_unit():
    """An LSTM with one rectified unit gives a flat line.

    Likely: one ReLU unit is the code, and another the output. The asker's layers were stateful, with a fixed batch of 1. With
    four of the first eight seeds the output dies, so this is the second seed.
    """
    x = temperatures()

    def make(number):
        keras.utils.set_random_seed(1)
        how = {"activation": "relu", "kernel_regularizer": keras.regularizers.L2(1e-3)}
        wide = [layers.LSTM(16), layers.RepeatVector(20), layers.LSTM(16, return_sequences=True), layers.Dense(1)]
        narrow = [layers.LSTM(1, **how), layers.RepeatVector(20), layers.LSTM(1, return_sequences=True, **how)]
        return trained(keras.Sequential([keras.Input((20, 1)), *(narrow if number == 1 else wide)]), x[0], epochs=6)

    model = make(1)
    made = outputs_of(model, x[1])
    flat_line = float(np.ptp(made, axis=1).mean() / np.ptp(x[1], axis=1).mean())
    words = f"outputs from {made.min():.2f} to {made.max():.2f}; error {error_of(model, x):.2f} of the mean row's"
    return Trained(model, given(x), words, flat_line < 0.3, lambda: (error_of(model, x), error_of(make(16), x)))


@functools.cache
def captchas(rows=450):
    """Return pictures of five digits on a busy ground, and nearly black pictures of the same digits, small and thin."""
    rng = np.random.default_rng(0)
    digits = ae.load("mnist").x_train[: 5 * rows].reshape(rows, 5, 28, 28)[..., 4:24, 4:24]
    busy = rng.uniform(0, 0.5, (rows, 24, 100))
    thin = np.zeros((rows, 24, 100))
    for place in range(5):
        busy[:, 2:22, 20 * place : 20 * place + 20] += digits[:, place]
        thin[:, 7:17, 20 * place + 5 : 20 * place + 15] = digits[:, place, ::2, ::2] > 0.95
    return split(np.clip(busy, 0, 1), 150), split(thin, 150)


@report("11", "stackoverflow 61211861", "Keras", "images", "constant_output dead_outputs", "undertrained")
def black_captchas():
    """A nearly black target becomes quite black.

    Open. The optimizer was not shown; gradient descent is a guess.
    """
    x, wanted = captchas()

    def make(optimizer, epochs):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((24, 100)),
                layers.Reshape((24, 100, 1)),
                layers.Conv2D(4, 5, padding="same"),
                layers.BatchNormalization(),
                layers.Activation("relu"),
                layers.Conv2D(8, 5, padding="same", activation="selu"),
                layers.Conv2D(16, 5, padding="same", activation="selu"),
                layers.AveragePooling2D(2),
                layers.Conv2DTranspose(8, 5, strides=2, padding="same", activation="selu"),
                layers.Conv2DTranspose(4, 5, padding="same", activation="selu"),
                layers.Conv2DTranspose(1, 5, padding="same", activation="sigmoid"),
                layers.Reshape((24, 100)),
            ]
        )
        return trained(model, x[0], wanted[0], loss="binary_crossentropy", optimizer=optimizer, epochs=epochs, batch=32)

    model = make(keras.optimizers.SGD(0.01), 4)
    black = float((outputs_of(model, x[1]) < 0.5).mean())
    case = nearly_constant(model, x, wanted, lambda: (error_of(model, x, wanted), error_of(make("adam", 8), x, wanted)))
    case.arguments["target"] = wanted
    case.symptom = f"{black:.1%} of the pixels are below 0.5; " + case.symptom
    return case


@report("13", "pullrequest.ru 9188682", "Keras", "images", "constant_output undertrained train_mode_differs")
def pure_white():
    """A convolutional autoencoder gives pure white.

    Open: steps of 1e-5 are tiny, and batch normalization has not settled.
    """
    x = both(lambda x: 2 * x - 1, coloured(500, 200))

    def make(rate):
        keras.utils.set_random_seed(0)
        parts = [keras.Input((32, 32, 3))]
        for number, stride in ((8, 1), (16, 2), (32, 2), (32, 2)):
            convolution = layers.Conv2D(number, 3, strides=stride, padding="same", kernel_initializer="he_uniform")
            parts += [convolution, layers.BatchNormalization(), layers.ReLU()]
        for number in (32, 16, 8):
            convolution = layers.Conv2D(number, 3, padding="same", kernel_initializer="he_uniform")
            parts += [layers.UpSampling2D(2), convolution, layers.BatchNormalization(), layers.ReLU()]
        parts.append(layers.Conv2D(3, 7, padding="same", activation="tanh"))
        return trained(keras.Sequential(parts), x[0], optimizer=keras.optimizers.Adam(rate), epochs=5, batch=16)

    model = make(1e-5)
    return poor(model, x, mended=lambda: (error_of(model, x), error_of(make(1e-3), x)))


@report("17", "keras-team/keras#12646", "Keras", "series", "input_scale", "constant_output undertrained overfitted")
def one_vector_for_all_documents():
    """The same vector for every document.

    Open. Word vectors have negative values, and a sigmoid has none. Shorter documents than the asker's, for time.
    """
    rng = np.random.default_rng(0)
    words, topics = rng.normal(0, 0.3, (400, 25)), rng.dirichlet(np.full(400, 0.1), 6)
    x = np.zeros((137, 40, 25), np.float32)
    for document in x:
        length = rng.integers(10, 41)
        document[:length] = words[rng.choice(400, length, p=topics[rng.integers(6)])]
    x = x[:110], x[110:]

    def make(output):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input((40, 25)),
                layers.GRU(32, activation="sigmoid", dropout=0.2),
                layers.RepeatVector(40),
                layers.GRU(25, activation=output, dropout=0.2, return_sequences=True),
            ]
        )
        return trained(model, x[0], epochs=20, batch=32)

    return nearly_constant(make("sigmoid"), x)


def recurrent(x, encoder, decoder, **how):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(x.shape[1:]), *encoder, layers.RepeatVector(x.shape[1]), *decoder])
    return trained(model, x, **how)


@report("21", "keras-team/keras#10753", "Keras", "series", "below_pca", "constant_output undertrained")
def average_of_waves():
    """Sine waves become their average.

    Likely: the decoder is one unit, which is also the output. 50 steps in the place of 100, for time.
    """
    x = waves(2_500, 50)
    last = {"return_sequences": True}

    def make(*decoder):
        return recurrent(x[0], [layers.LSTM(30)], decoder, epochs=25, batch=51)

    model = make(layers.LSTM(1, **last))
    return poor(model, x, mended=lambda: (error_of(model, x), error_of(make(layers.LSTM(30, **last), layers.Dense(1)), x)))


@report("22", "keras-team/keras#12489", "Keras", "tokens", "loss_floor", "constant_output undertrained below_pca")
def random_tokens():
    """Random tokens: the accuracy does not rise.

    Likely: random tokens have nothing in common that could be compressed. Shorter sequences than the asker's, for time.
    """
    x = split(one_hot(np.random.default_rng(0).integers(0, 30, (2_500, 20)), 30))
    decoder = [layers.LSTM(40, return_sequences=True), layers.TimeDistributed(layers.Dense(30, "softmax"))]
    model = recurrent(x[0], [layers.LSTM(40)], decoder, loss="categorical_crossentropy", epochs=15)
    right = float((outputs_of(model, x[1]).argmax(-1) == x[1].argmax(-1)).mean())
    return Trained(model, given(x), f"{right:.1%} of the tokens are right; chance is {1 / 30:.1%}", right < 0.15)


@report("23", "keras-team/keras#10663", "Keras", "tokens", "below_pca undertrained", "constant_output")
def one_hot_rna():
    """One-hot RNA performs very badly.

    Open. Four recurrent units are the whole decoder, and the output.
    """
    rng = np.random.default_rng(0)
    families = rng.integers(0, 4, (60, 22))
    tokens = families[rng.integers(0, 60, 2_500)]
    x = split(one_hot(np.where(rng.random(tokens.shape) < 0.1, rng.integers(0, 4, tokens.shape), tokens), 4))

    encoder = [layers.GRU(30, return_sequences=True), layers.Dropout(0.1), layers.GRU(10)]
    model = recurrent(x[0], encoder, [layers.GRU(4, return_sequences=True)], loss="msle", epochs=15)
    return poor(model, x)


@report("24", "keras-team/keras#10098", "Keras", "series", "constant_output undertrained")
def unchanging_error():
    """The error of a GRU does not change.

    Likely: Adadelta's steps. This is today's default of 0.001, not the 1.0 of the asker's year.
    """
    rng = np.random.default_rng(0)
    state = np.cumsum(rng.normal(0, 0.3, (1_500, 24, 3)), axis=1) + rng.normal(size=(1_500, 1, 3))
    x = state @ rng.normal(size=(3, 17)) + 0.2 * rng.normal(size=(1_500, 24, 17))
    x = split((x - x.min(axis=(0, 1))) / np.ptp(x, axis=(0, 1)))

    def make(optimizer):
        encoder = [layers.GRU(50, dropout=0.1, return_sequences=True), layers.Dropout(0.1)]
        encoder += [layers.GRU(10, dropout=0.1), layers.Dropout(0.1)]
        decoder = [
            layers.GRU(50, dropout=0.1, return_sequences=True),
            layers.Dropout(0.1),
            layers.GRU(17, return_sequences=True),
        ]
        return recurrent(x[0], encoder, decoder, optimizer=optimizer, epochs=10, batch=50)

    model = make("adadelta")
    return nearly_constant(model, x, mended=lambda: (error_of(model, x), error_of(make("adam"), x)))


@report("42", "rajarsheem/libsdae#3", "TensorFlow", "images", "constant_output", "undertrained whispering")
def softmax_in_the_middle():
    """Softmax as hidden activation.

    As the reply says: the softmax.
    """

    def make(hidden):
        keras.utils.set_random_seed(0)
        return trained(dense(200, code=hidden), flat()[0], loss="binary_crossentropy", epochs=8)

    model = make("softmax")
    return nearly_constant(model, flat(), mended=lambda: (error_of(model, flat()), error_of(make("relu"), flat())))


# ---------------------------------------------------------------------------------------- reports: variational


@report("8", "whosebug 5616116", "PyTorch", "images", "input_scale kl_collapse", "constant_output ignored_code")
def grey_noise():
    """A convolutional VAE gives grey noise.

    Known: the images go from -1 to 1, the output from 0 to 1; and a mean over the pixels stands beside a KL divergence.
    """
    torch = seeded_torch()
    right = both(channels_first, coloured())
    x = both(lambda x: 2 * x - 1, right)

    def loss_of(weight):
        def loss(out, target):
            return weight * torch.nn.functional.mse_loss(out[0], target) + torch_divergence(*out[1:])

        return loss

    def make(images, weight):
        torch.manual_seed(0)
        return trained_torch(torch_convolutional_vae(torch, 64, torch.nn.Sigmoid()), images, loss_of(weight), epochs=8)

    model = make(x[0], 1)
    case = nearly_constant(model, x, mended=lambda: (error_of(model, x), error_of(make(right[0], 20 * 3_072), right)))
    case.symptom += f"; KL {nats(outputs_of(model, x[1], 1), outputs_of(model, x[1], 2)):.3f} nats"
    return case


def blurry(torch, x, loss, size=20, pixels=784):
    """Return the cases of a KL divergence that outweighs the rest; ``loss`` takes output, target and the number of pixels."""

    def make(weight):
        torch.manual_seed(0)
        model = torch_vae(torch, size, torch.sigmoid, pixels=pixels)
        return trained_torch(model, x[0], lambda out, y: weight * loss(out[0], y) + torch_divergence(*out[1:]), epochs=8)

    model = make(1)
    case = nearly_constant(model, x, mended=lambda: (error_of(model, x), error_of(make(pixels), x)))
    case.symptom += f"; KL {nats(outputs_of(model, x[1], 1), outputs_of(model, x[1], 2)):.3f} nats"
    return case


@report(
    "32 34",
    "podgorskiy/VAE#1, orybkin/sigma-vae-pytorch PR 12",
    "PyTorch",
    "images",
    "kl_collapse",
    "constant_output ignored_code",
)
def mean_of_squares_beside_a_sum():
    """One blurry picture: a mean of squares beside a sum.

    Known: the weight of the KL term.
    """
    torch = seeded_torch()
    return blurry(torch, flat("fashion_mnist"), torch.nn.functional.mse_loss)


@report("35", "pytorch/examples PR 226", "PyTorch", "images", "kl_collapse", "constant_output ignored_code")
def mean_cross_entropy_beside_a_sum():
    """Not training: a mean cross entropy beside a sum.

    Known: the balance of the two terms.
    """
    torch = seeded_torch()
    return blurry(torch, flat(), torch.nn.functional.binary_cross_entropy)


@report(
    "40 41",
    "InterDigitalInc/CompressAI#24, taldatech/soft-intro-vae-pytorch#13",
    "PyTorch",
    "images",
    "train_mode_differs",
    "undertrained",
)
def bad_after_eval():
    """Good in training, bad after eval().

    Known for the second: batch normalization. Twenty steps, with the momentum that others call 0.99.
    """
    torch = seeded_torch()
    x = both(channels_first, coloured())

    def loss(out, target):
        return 20 * (out[0] - target).square().flatten(1).sum(dim=1).mean() + torch_divergence(*out[1:])

    def make(momentum):
        torch.manual_seed(0)
        model = torch_convolutional_vae(torch, 32, torch.nn.Sigmoid(), momentum=momentum)
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        return trained_torch(model, x[0][:1_280], loss, optimizer=optimizer, epochs=1)

    model = make(0.01)
    with torch.no_grad():
        model.train()
        state = {name: value.clone() for name, value in model.state_dict().items()}
        in_training = share(model(torch.from_numpy(x[1]))[0].numpy(), x[1], x[0])
        model.load_state_dict(state)
    after = error_of(model, x)
    words = f"error {in_training:.2f} of the mean row's in training mode, {after:.2f} after eval()"
    return Trained(model, given(x), words, after > 1.2 * in_training, lambda: (after, error_of(make(0.3), x)))


@report("51", "CompVis/vunet#5", "TensorFlow", "images", "skip_copy", "kl_collapse ignored_code")
def skips_around_the_code():
    """The KL divergence of a VAE with skip connections is 0.

    Known: the skip connections carry the image.
    """
    x = coloured(1_500)
    inputs = keras.Input((32, 32, 3))
    first = layers.Conv2D(12, 3, strides=2, padding="same", activation="relu")(inputs)
    second = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(first)
    features = layers.Flatten()(second)
    heads = [layers.Dense(16, name=name)(features) for name in ("z_mean", "z_log_var")]
    code = Drawing()(heads)
    up = layers.Reshape((8, 8, 16))(layers.Dense(8 * 8 * 16, "relu")(code))
    up = layers.Concatenate()([up, second])
    up = layers.Conv2DTranspose(12, 3, strides=2, padding="same", activation="relu")(up)
    up = layers.Concatenate()([up, first])
    model = keras.Model(inputs, layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="sigmoid")(up))
    trained(model, x[0], loss=summed_squares, epochs=10, optimizer=keras.optimizers.Adam(2e-3))
    kl = nats(*keras.Model(inputs, heads).predict(x[1], verbose=0))
    return Trained(model, given(x), f"KL {kl:.3f} nats; error {error_of(model, x):.2f} of the mean row's", kl < 0.5)


# ------------------------------------------------------------------------------------------ reports: nothing wrong


@report("14", "datascience.SE 39661", "Keras", "table", "train_mode_differs")
def dropout_on_the_input():
    """The validation loss is below the training loss.

    Known: dropout works in training only. Nothing is to be fixed; a note is right.
    """
    x = table(3_000, 30, 6)
    model = keras.Sequential([keras.Input((30,)), layers.Dropout(0.2), *dense(16, 6, columns=30, output=None).layers])
    model.compile("adam", "mse")
    history = model.fit(x[0], x[0], epochs=30, batch_size=64, verbose=0, validation_data=(x[1], x[1])).history
    loss, validation = history["loss"][-1], history["val_loss"][-1]
    return Trained(model, given(x), f"training loss {loss:.3f}, validation loss {validation:.3f}", validation < loss)


@report("53", "numaproj/numalogic PR 108", "PyTorch", "series", "healthy above_threshold")
def threshold_of_the_data():
    """A threshold that was fitted to the data, not to the errors.

    Known; the fault lies outside of the model, which is healthy.
    """
    torch = seeded_torch()
    nn = torch.nn
    x = standardized(waves(2_500, 40))

    class Conv1dAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Conv1d(1, 16, 5, 2, 2), nn.ReLU(), nn.Conv1d(16, 3, 5, 2, 2))
            up = nn.ConvTranspose1d(3, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose1d(16, 1, 4, 2, 1)
            self.decoder = nn.Sequential(*up)

        def forward(self, x):  # rows, steps, channels
            return self.decoder(self.encoder(x.transpose(1, 2))).transpose(1, 2)

    model = Conv1dAE()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    trained_torch(model, x[0], nn.functional.mse_loss, epochs=30, optimizer=optimizer)
    threshold, errors = np.quantile(np.abs(x[0]), 0.95), np.abs(outputs_of(model, x[1]) - x[1])
    share_above = float((errors > threshold).mean())
    words = (
        f"95 % of the data and {1 - share_above:.1%} of the errors are below {threshold:.2f}; error {error_of(model, x):.3f}"
    )
    return Trained(model, given(x), words, share_above < 0.001)


# ---------------------------------------------------------------------------------------------- healthy models


def sound(model, sets, size=None, targets=None, made=None, **more):
    """Return the case of a healthy model: it explains half of the variance, and about what ``size`` principal components do."""
    made = outputs_of(model, sets[1]) if made is None else made
    wanted = sets if targets is None else targets
    error = share(made, wanted[1], wanted[0])
    words, left = f"loses {error:.1%} of the variance", 1.0
    if size:
        flat_sets = [x.reshape(len(x), -1) for x in sets]
        pca = PCA(size, svd_solver="randomized", random_state=0).fit(flat_sets[0])
        left = share(pca.inverse_transform(pca.transform(flat_sets[1])), flat_sets[1], flat_sets[0])
        words += f"; {size} principal components lose {left:.1%}"
    if targets is not None:
        more["target"] = targets
    return Trained(model, given(sets, **more), words, error < min(0.5, 1.25 * left + 0.02))


@healthy("table")
def healthy_table():
    """A table, 30-20-8-20-30."""
    x = table(3_500, 30, 8)
    how = {"optimizer": keras.optimizers.Adam(3e-3), "epochs": 40}
    return sound(trained(dense(20, 8, columns=30, output=None), x[0], **how), x, 8)


@healthy("table")
def healthy_columns():
    """Twelve standardized columns, some of them skewed."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3_500, 4)) @ rng.normal(size=(4, 12)) + 0.3 * rng.normal(size=(3_500, 12))
    x[:, :3] = np.exp(x[:, :3] / 3)
    x = standardized(split(x), axis=0)
    how = {"optimizer": keras.optimizers.Adam(3e-3), "epochs": 40}
    return sound(trained(dense(16, 4, columns=12, output=None), x[0], **how), x, 4)


@healthy("table")
def healthy_questionnaire():
    """A questionnaire of yes and no."""
    rng = np.random.default_rng(0)
    logits = 3 * rng.normal(size=(4_000, 4)) @ rng.normal(size=(4, 40))
    x = split((rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(np.float32))
    how = {"loss": "binary_crossentropy", "optimizer": keras.optimizers.Adam(3e-3), "epochs": 25}
    return sound(trained(dense(32, 6, columns=40), x[0], **how), x, 6)


@healthy("table")
def healthy_words():
    """A bag of words."""
    rng = np.random.default_rng(0)
    topics = rng.dirichlet(np.full(200, 0.05), 8)
    counts = np.stack([rng.multinomial(150, mixture @ topics) for mixture in rng.dirichlet(np.full(8, 0.3), 3_500)])
    x = split(np.log1p(counts) / np.log1p(counts).max())
    how = {"optimizer": keras.optimizers.Adam(2e-3), "epochs": 30}
    return sound(trained(dense(64, 8, columns=200), x[0], **how), x, 8)


@healthy("table")
def healthy_with_anomalies():
    """A table in which the test set has anomalies."""
    x = tuple(array.copy() for array in table(3_500, 16, 4))
    strange = np.random.default_rng(0).permutation(len(x[1]))[:15]
    x[1][strange] += np.random.default_rng(1).normal(0, 3, (15, 16)).astype(np.float32)
    how = {"optimizer": keras.optimizers.Adam(3e-3), "epochs": 40}
    return sound(trained(dense(12, 4, columns=16, output=None), x[0], **how), x, 4)


@healthy("images")
def healthy_tanh():
    """Images from -1 to 1, tanh."""
    x = both(lambda x: 2 * x - 1, flat())
    return sound(trained(dense(128, 16, output="tanh"), x[0], epochs=20), x, 16)


@healthy("images")
def healthy_tanh_for_0_to_1():
    """Images from 0 to 1, tanh."""
    return sound(trained(dense(128, 16, output="tanh"), flat()[0], epochs=20), flat(), 16)


@healthy("images")
def healthy_rescaling():
    """Images from 0 to 255, rescaled at both ends."""
    x = both(lambda x: 255 * x, flat())
    ends = layers.Rescaling(1 / 255), layers.Rescaling(255.0)
    model = keras.Sequential([keras.Input((784,)), ends[0], *dense(128, 16).layers, ends[1]])
    return sound(trained(model, x[0], epochs=20), x, 16)


@healthy("images")
def healthy_colours():
    """Colored pictures with a dense code."""
    x = coloured()
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(32),
            layers.Dense(16 * 16 * 8, "relu"),
            layers.Reshape((16, 16, 8)),
            layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="sigmoid"),
        ]
    )
    return sound(trained(model, x[0], optimizer=keras.optimizers.Adam(2e-3), epochs=45, batch=32), x, 32)


def noisy(sets):
    rng = np.random.default_rng(0)
    return both(lambda x: np.clip(x + 0.3 * rng.normal(size=x.shape), 0, 1), sets)


@healthy("images")
def healthy_denoiser():
    """A denoiser with its target."""
    x = noisy(flat())
    model = trained(dense(128, 32), x[0], flat()[0], epochs=15)
    return sound(model, x, targets=flat())


@healthy("images")
def healthy_u_net():
    """A denoising U-net."""
    clean = pictures("fashion_mnist", 2_000, 500)
    x = noisy(clean)
    inputs = keras.Input((28, 28, 1))
    first = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    second = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.MaxPooling2D(2)(first))
    third = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.MaxPooling2D(2)(second))
    up = layers.Concatenate()([layers.UpSampling2D(2)(third), second])
    up = layers.UpSampling2D(2)(layers.Conv2D(16, 3, padding="same", activation="relu")(up))
    up = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.Concatenate()([up, first]))
    model = keras.Model(inputs, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(up))
    return sound(trained(model, x[0], clean[0], epochs=6), x, targets=clean)


@healthy("images")
def healthy_add_loss():
    """A VAE that adds its KL divergence by add_loss."""
    model = drawing(784, 128, 8)
    return sound(trained(model, flat()[0], loss=summed_cross_entropy, epochs=20), flat(), 8)


class KerasVAE(keras.Model):
    """The variational autoencoder of keras.io: an encoder of three outputs, a decoder, and a train_step."""

    def __init__(self, size=8):
        super().__init__()
        inputs = keras.Input((784,))
        features = layers.Dense(128, "relu")(inputs)
        heads = [layers.Dense(size, name=name)(features) for name in ("z_mean", "z_log_var")]
        self.encoder = keras.Model(inputs, [*heads, Drawing(0.0)(heads)], name="encoder")
        parts = layers.Dense(128, "relu"), layers.Dense(784, "sigmoid")
        self.decoder = keras.Sequential([keras.Input((size,)), *parts], name="decoder")

    def train_step(self, data):
        with tf.GradientTape() as tape:
            mean, log_variance, z = self.encoder(data)
            kl = tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1 - log_variance, axis=1) / 2
            loss = tf.reduce_mean(summed_cross_entropy(data, self.decoder(z)) + kl)
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights, strict=True))
        return {"loss": loss}


class KerasVAEOfDraws(KerasVAE):
    def call(self, inputs):
        return self.decoder(self.encoder(inputs)[2])


class KerasVAEOfMeans(KerasVAE):
    def call(self, inputs):
        return self.decoder(self.encoder(inputs)[0])


def keras_vae(kind):
    model = kind()
    model.compile(optimizer="adam")
    model.fit(flat()[0], epochs=20, batch_size=64, verbose=0)
    made = model.decoder.predict(model.encoder.predict(flat()[1], verbose=0)[0], verbose=0)
    return sound(model, flat(), 8, made=made)


@healthy("images")
def healthy_call_of_a_draw():
    """The VAE of keras.io whose call decodes a draw."""
    return keras_vae(KerasVAEOfDraws)


@healthy("images")
def healthy_call_of_the_mean():
    """The VAE of keras.io whose call decodes the mean."""
    return keras_vae(KerasVAEOfMeans)


@healthy("images")
def healthy_without_call():
    """The VAE of keras.io, without a call."""
    return keras_vae(KerasVAE)


@healthy("images")
def healthy_nested():
    """A Sequential inside a Sequential."""
    encoder = keras.Sequential([keras.Input((784,)), layers.Dense(128, "relu"), layers.Dense(16)])
    decoder = keras.Sequential([keras.Input((16,)), layers.Dense(128, "relu"), layers.Dense(784, "sigmoid")])
    model = keras.Sequential([keras.Input((784,)), encoder, decoder])
    return sound(trained(model, flat("fashion_mnist")[0], epochs=20), flat("fashion_mnist"), 16)


class OfLists(keras.Model):
    """A subclass that keeps its layers in lists."""

    def __init__(self):
        super().__init__()
        self.up = [layers.Dense(128, "relu"), layers.Dense(16)]
        self.down = [layers.Dense(128, "relu"), layers.Dense(784, "sigmoid")]

    def call(self, inputs):
        x = inputs
        for layer in [*self.up, *self.down]:
            x = layer(x)
        return x


@healthy("images")
def healthy_lists():
    """A subclass with lists of layers."""
    return sound(trained(OfLists(), flat()[0], epochs=20), flat(), 16)


@healthy("series")
def healthy_waves():
    """An LSTM of waves."""
    x = waves(2_500, 20, periods=(20, 40))
    decoder = [layers.LSTM(24, return_sequences=True), layers.Dense(1)]
    return sound(recurrent(x[0], [layers.LSTM(24)], decoder, optimizer=keras.optimizers.Adam(5e-3), epochs=30), x, 8)


@healthy("series")
def healthy_sensors():
    """An LSTM of twelve sensors."""
    x = machine()
    decoder = [layers.LSTM(32, return_sequences=True), layers.Dense(12)]
    return sound(recurrent(x[0], [layers.LSTM(16)], decoder, optimizer=keras.optimizers.Adam(5e-3), epochs=30), x, 16)


@healthy("series")
def healthy_dense_code():
    """An LSTM with a dense code."""
    x = waves(2_500, 20, periods=(20, 40), seed=1)
    decoder = [layers.LSTM(24, return_sequences=True), layers.Dense(1)]
    encoder = [layers.LSTM(24), layers.Dense(5)]
    return sound(recurrent(x[0], encoder, decoder, optimizer=keras.optimizers.Adam(5e-3), epochs=30), x, 5)


@healthy("series")
def healthy_convolutions():
    """Convolutions of waves."""
    x = waves(3_000, 60)
    model = keras.Sequential(
        [
            keras.Input((60, 1)),
            layers.Conv1D(16, 7, strides=3, padding="same", activation="relu"),
            layers.Conv1D(2, 7, padding="same"),
            layers.Conv1DTranspose(16, 7, strides=3, padding="same", activation="relu"),
            layers.Conv1D(1, 7, padding="same"),
        ]
    )
    return sound(trained(model, x[0], optimizer=keras.optimizers.Adam(3e-3), epochs=15), x)


# ----------------------------------------------------------------------------------------------- the measurement


def verdict_of(case, findings, error):
    """Return what the diagnosis was worth; ``findings`` are worst first, ``error`` is what was raised in their place."""
    if error is not None:
        if isinstance(error, ValueError) and "refused" in case.expected:
            return "right"
        return "refused" if isinstance(error, (TypeError, ValueError)) else "crashed"
    serious = [finding for finding in findings if finding.severity != "note"]
    if not serious and "healthy" in case.expected:
        return "right"
    if findings and findings[0].code in case.expected:
        return "right"
    if not serious:
        return "missed"
    if findings[0].code in case.symptom:
        return "symptom only"
    return "accused" if case.healthy else "wrong"


def examine(name, diagnosed=True):
    """Train one model; return the row of the table, and the diagnosis if there is one."""
    case = CASES[name]
    keras.utils.set_random_seed(0)
    row = {
        "number": " ".join(case.numbers),
        "name": name,
        "source": case.source,
        "framework": case.framework,
        "data": case.data,
        "expected": " ".join(case.expected),
    }
    try:
        trained_case = case.make()
    except ModuleNotFoundError as missing:
        return {**row, "symptom": str(missing), "verdict": "not run"}, None
    row |= {"symptom": trained_case.symptom, "occurred": int(trained_case.occurred)}
    diagnosis = None
    if diagnosed:
        findings, error = [], None
        try:
            diagnosis = ae.diagnose(trained_case.model, **trained_case.arguments)
            findings = diagnosis.findings
        except Exception as raised:  # whatever it is: a row of the table
            error = raised
        row["found"] = " ".join(f"{finding.code}:{finding.severity}" for finding in findings)
        row["first"] = findings[0].code if findings else "nothing"
        if error is not None:
            row |= {"found": f"{type(error).__name__}: {error!s:.200}".replace("\n", " "), "first": type(error).__name__}
        row["verdict"] = verdict_of(case, findings, error)
    if trained_case.mended is not None:
        before, after = trained_case.mended()
        row |= {"before": float(f"{before:.3g}"), "after": float(f"{after:.3g}")}
    return row, diagnosis


def sample():
    """Return a small row, to be compared with the stored one."""
    return examine(QUICK)[0]


def helped(row):
    """Return whether the known remedy lowered the error, or None where there is none."""
    if row.get("after", "") == "":
        return None
    before, after = float(row["before"]), float(row["after"])
    return after < 1 if not math.isfinite(before) else after <= HELPED * before


def show(row, seconds):
    """Print one row in a few lines."""
    case = CASES[row["name"]]
    head = f"{row['number'] or '-':6} {case.title} ({case.source}, {case.framework}; {row['name']}, {seconds:.0f} s)"
    lines = [head, f"       symptom{'' if row.get('occurred') else ' NOT REPRODUCED'}: {row['symptom']}"]
    if "first" in row:
        lines.append(f"       said first: {row['first']}: {row['verdict']}  [{row['found']}]")
    elif "verdict" in row:
        lines.append(f"       {row['verdict']}")
    if helped(row) is not None:
        lines.append(f"       remedy: {row['before']} -> {row['after']}{'' if helped(row) else ', DID NOT HELP'}")
    print("\n".join(lines), flush=True)


def row_of(name, diagnosed=True):
    start = time.perf_counter()
    row, _ = examine(name, diagnosed)
    show(row, time.perf_counter() - start)
    return row


def interval(number, of):
    """Return the 95 % interval of a share, by Wilson's score, as text."""
    ends = binomtest(number, of).proportion_ci(method="wilson")
    return f"95 %: {ends.low:.0%} to {ends.high:.0%}"


def totals(rows):
    """Print how many reports were diagnosed rightly, how many healthy models were accused, and what the remedies did."""
    rows = [row for row in rows if row.get("verdict") != "not run"]
    reports = [row for row in rows if not CASES[row["name"]].healthy]
    without = [row["name"] for row in reports if str(row["occurred"]) != "1"]
    print(f"\nsymptom reproduced: {len(reports) - len(without)} of {len(reports)} {'; not in' if without else ''}", *without)
    reports = [row for row in reports if row["name"] not in without]
    sound_ones = [row for row in rows if CASES[row["name"]].healthy and str(row["occurred"]) == "1"]
    print(f"healthy as measured: {len(sound_ones)} of {sum(CASES[row['name']].healthy for row in rows)}")
    if reports and reports[0].get("verdict"):
        verdicts = [row["verdict"] for row in reports]
        right = verdicts.count("right")
        print(f"right first: {right} of {len(reports)} reproductions ({interval(right, len(reports))})")
        print("    others:", ", ".join(f"{verdicts.count(v)} {v}" for v in sorted(set(verdicts) - {"right"})) or "none")
    if sound_ones and sound_ones[0].get("verdict"):
        accused = sum(row["verdict"] == "accused" for row in sound_ones)
        failed = sum(row["verdict"] in ("refused", "crashed") for row in sound_ones)
        of_all = f"{accused} of {len(sound_ones)} healthy models"
        print(f"accused: {of_all} ({interval(accused, len(sound_ones))}), {failed} more refused")
    remedies = [helped(row) for row in reports if helped(row) is not None]
    if remedies:
        print(f"known remedies that helped: {sum(remedies)} of {len(remedies)}")


def chosen(words):
    """Return the names of the cases that numbers of reports, names and "healthy" select."""
    names = [
        name
        for name, case in CASES.items()
        if name in words or set(case.numbers) & set(words) or (case.healthy and "healthy" in words)
    ]
    known = {"healthy", *CASES} | {number for case in CASES.values() for number in case.numbers}
    if set(words) - known:
        raise SystemExit(f"no report is called {', '.join(sorted(set(words) - known))}")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("reports", nargs="*", help='numbers of reports, names, or "healthy"; without any, all')
    parser.add_argument("--print", action="store_true", help="print the totals of the stored table")
    parser.add_argument("--symptoms", action="store_true", help="measure symptoms and remedies without the diagnosis")
    parser.add_argument("--text", action="store_true", help="print the whole diagnosis of the reports named")
    arguments = parser.parse_args()
    if arguments.print:
        return totals(pd.read_csv(TABLE, comment="#", keep_default_na=False, dtype=str).to_dict("records"))
    names = chosen(arguments.reports) if arguments.reports else list(CASES)
    if arguments.text:
        for name in names:
            print(examine(name)[1])
        return None
    if arguments.reports or arguments.symptoms:
        return totals([row_of(name, not arguments.symptoms) for name in names])
    # Fresh processes now and then: XLA never gives back the memory of what it has compiled.
    with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=10) as pool:
        write_table(__file__, COLUMNS, pool.imap(row_of, names), TABLE.stem)
    return totals(pd.read_csv(TABLE, comment="#", keep_default_na=False, dtype=str).to_dict("records"))


if __name__ == "__main__":
    main()
