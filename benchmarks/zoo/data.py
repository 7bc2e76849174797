"""The data of the designs, and how models in Keras are trained with them.

A pair of arrays, for training and for testing, is called data here.
"""

import functools

import aehelpers as ae
import keras
import numpy as np
from keras import layers
from sklearn import datasets

STRETCH = (
    1  # how many times as long everything trains; `verify` sets it, to see whether a model was trained for too short a time
)


# ------------------------------------------------------------------------------------------------------ images


@functools.cache
def flat(name="mnist"):
    """Return images for training and for testing, flat, from 0 to 1."""
    if name == "digits":  # 8 x 8, of scikit-learn
        x = (datasets.load_digits().data / 16).astype(np.float32)
        return x[:1_400], x[1_400:]
    data = ae.load(name)
    return data.x_train, data.x_test


@functools.cache
def pictures(name="mnist"):
    """Return the same images as pictures of one channel."""
    side = 8 if name == "digits" else 28
    return tuple(x.reshape(-1, side, side, 1) for x in flat(name))


def digit_labels():
    """Return which digits of scikit-learn's are which, one-hot."""
    labels = np.eye(10, dtype=np.float32)[datasets.load_digits().target]
    return labels[:1_400], labels[1_400:]


@functools.cache
def coloured(count=3_000, side=14, seed=0):
    """Return garments in a colour of their own each, on a ground of another, from 0 to 1."""
    generator = np.random.default_rng(seed)
    found = []
    for x, number in zip(pictures("fashion_mnist"), (count, count // 5), strict=True):
        grey = x[:number, :: 28 // side, :: 28 // side]
        garment, ground = (generator.uniform(low, high, (number, 1, 1, 3)) for low, high in ((0.4, 1), (0, 0.4)))
        garment *= [1, 0.8, 0.5]  # more red than blue, as photographs are
        found.append((grey * garment + (1 - grey) * ground).astype(np.float32))
    return tuple(found)


# ------------------------------------------------------------------------------------------------------ tables


def factors(columns=12, hidden=4, rows=3_000, noise=0.3, seed=0, bend=0.5):
    """Return a standardized table whose columns depend on fewer hidden numbers, a little bent."""
    generator = np.random.default_rng(seed)
    z = generator.normal(size=(rows + rows // 4, hidden))
    x = np.hstack([z, bend * (z**2 - 1)]) @ generator.normal(size=(2 * hidden, columns))
    x = x / x.std(axis=0) + noise * generator.normal(size=x.shape)
    return standardized((x[:rows], x[rows:]))


def by_training(data):
    """Return the means and the spreads of the columns of the training rows."""
    axes = tuple(range(data[0].ndim - 1))
    return data[0].mean(axis=axes), np.maximum(data[0].std(axis=axes), 1e-9)


def standardized(data):
    """Return both parts with the means and spreads of the first."""
    mean, spread = by_training(data)
    return tuple(((x - mean) / spread).astype(np.float32) for x in data)


def own_range(x):
    """Return columns from 0 to 1, by their own least and largest values."""
    low, high = x.min(axis=0), x.max(axis=0)
    return ((x - low) / np.maximum(high - low, 1e-9)).astype(np.float32)


def common_range(data):
    """Return both parts by the least and largest values of the first, which the other may leave a little."""
    low, high = data[0].min(axis=0), data[0].max(axis=0)
    return tuple(((x - low) / np.maximum(high - low, 1e-9)).clip(0, 1).astype(np.float32) for x in data)


def bundled(name, share=0.75, seed=0):
    """Return a table of scikit-learn's in its own units, shuffled."""
    x = getattr(datasets, f"load_{name}")().data
    x = x[np.random.default_rng(seed).permutation(len(x))].astype(np.float32)
    return x[: int(share * len(x))], x[int(share * len(x)) :]


def answers(questions=30, traits=4, rows=3_000, seed=0):
    """Return a questionnaire of yes and no."""
    generator = np.random.default_rng(seed)
    z = generator.normal(size=(rows + rows // 4, traits))
    agree = z @ generator.normal(0, 3, (traits, questions)) + generator.normal(0, 1, questions)
    x = (generator.random(agree.shape) < 1 / (1 + np.exp(-agree))).astype(np.float32)
    return x[:rows], x[rows:]


def incomes(rows=3_000, seed=0):
    """Return salaries, rents, savings, spending, tax and debts in euros, and the age: skewed, in their own units."""
    generator = np.random.default_rng(seed)
    count = rows + rows // 4
    wealth, thrift, age = generator.normal(size=count), generator.normal(size=count), generator.uniform(20, 70, count)
    salary = np.exp(10 + 0.5 * wealth)
    columns = [
        salary,
        0.25 * salary**0.8 * np.exp(0.2 * generator.normal(size=count)),
        np.exp(8.5 + 0.5 * wealth + 0.7 * thrift),
        salary * (0.6 - 0.1 * np.tanh(thrift)),
        np.maximum(salary - 12_000, 0) * 0.3,
        np.exp(8 + 0.3 * wealth - 0.6 * thrift),
        age,
    ]
    x = np.stack(columns, axis=1)
    return x[:rows].astype(np.float32), x[rows:].astype(np.float32)


def bodies(rows=1_500, seed=0):
    """Return height in cm, weight in kg and shoe size."""
    generator = np.random.default_rng(seed)
    height = generator.normal(172, 10, rows + rows // 4)
    weight = 0.9 * (height - 100) + generator.normal(0, 7, len(height))
    shoe = 0.23 * height + generator.normal(0, 0.7, len(height))
    x = np.stack([height, weight, shoe], axis=1).astype(np.float32)
    return x[:rows], x[rows:]


def words(vocabulary=100, topics=5, rows=2_000, length=300, seed=0):
    """Return how often each word stands in each text, as a share of the most that it does in any."""
    generator = np.random.default_rng(seed)
    of_topic = generator.dirichlet(np.full(vocabulary, 0.2), topics)
    mixture = generator.dirichlet(np.full(topics, 0.3), rows + rows // 4)
    counts = np.stack([generator.multinomial(length, shares) for shares in mixture @ of_topic]).astype(np.float32)
    counts /= np.maximum(counts[:rows].max(axis=0), 1)
    return counts[:rows], np.minimum(counts[rows:], 1)


# ------------------------------------------------------------------------------------------------------ series


def waves(steps=24, channels=1, rows=1_600, noise=0.05, seed=0):
    """Return waves of which height, speed and beginning differ, around 0; channels are late by a quarter each."""
    generator = np.random.default_rng(seed)
    count = rows + rows // 4
    height, speed = generator.uniform(0.5, 1.5, (count, 1, 1)), generator.uniform(0.7, 1.6, (count, 1, 1))
    start = generator.uniform(0, 2 * np.pi, (count, 1, 1)) - np.pi / 2 * np.arange(channels)
    x = height * np.sin(2 * np.pi * speed * np.arange(steps)[:, None] / steps + start)
    x = (x + noise * generator.normal(size=x.shape)).astype(np.float32)
    return x[:rows], x[rows:]


def beats(steps=32, rows=1_600, noise=0.03, seed=0):
    """Return one heartbeat each, from 0 to 1: a small hill, a sharp one and a broad one at places that vary."""
    generator = np.random.default_rng(seed)
    count, time = rows + rows // 4, np.linspace(0, 1, steps)
    x = np.zeros((count, steps))
    for place, width, tall in ((0.25, 0.05, 0.2), (0.45, 0.03, 0.8), (0.75, 0.08, 0.35)):
        centre = place + generator.normal(0, 0.03, (count, 1))
        x += tall * generator.uniform(0.6, 1.1, (count, 1)) * np.exp(-(((time - centre) / width) ** 2) / 2)
    x = (x + noise * generator.normal(size=x.shape)).clip(0, 1).astype(np.float32)[..., None]
    return x[:rows], x[rows:]


def melodies(steps=12, tones=16, rows=2_500, seed=0):
    """Return integers: steps of one size up or down from some tone, round and round."""
    generator = np.random.default_rng(seed)
    count = rows + rows // 4
    first, stride = generator.integers(0, tones, (count, 1)), generator.choice([-2, -1, 1, 2], (count, 1))
    x = ((first + stride * np.arange(steps)) % tones).astype(np.int32)
    return x[:rows], x[rows:]


# ------------------------------------------------------------------------------------------- models in Keras


def stack(shape, *parts, name=None):
    """Return layers one after another, for rows of that shape."""
    return keras.Sequential([keras.Input(shape if isinstance(shape, tuple) else (shape,)), *parts], name=name)


def narrow(columns, *sizes, hidden="relu", code=None, output=None, start="glorot_uniform"):
    """Return an autoencoder of dense layers; the sizes are those of the encoder, the last is the code's."""

    def layer(size, activation, name=None):
        return layers.Dense(size, activation, kernel_initializer=start, name=name)

    up, down = ([layer(size, hidden) for size in part] for part in (sizes[:-1], sizes[-2::-1]))
    return stack(columns, *up, layer(sizes[-1], code, "code"), *down, layer(columns, output))


def trained(model, data, steps=1_500, rate=1e-3, loss="mse", target=None, optimizer="adam", batch=128, seed=0):
    """Train a model of one input and one output by `ae.fit`."""
    options = {"learning_rate": rate} if isinstance(optimizer, str) else {}
    how = {"steps": STRETCH * steps, "batch_size": batch, "optimizer": optimizer, "loss": loss, "target": target, "seed": seed}
    ae.fit(model, data[0], **how, **options, progress=False)
    return model


def compiled_and_fitted(model, x, y=None, epochs=10, loss="mse", rate=3e-3, batch=64, optimizer=None):
    """Train a model of any inputs and outputs by `compile` and `fit`."""
    model.compile(optimizer or keras.optimizers.Adam(rate), loss)
    model.fit(x, y, epochs=STRETCH * epochs, batch_size=batch, verbose=0)
    return model


def set_bias(layer, value, share=1.0):
    """Set a share of the biases of a layer, as steps that were too large leave them."""
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, np.where(np.arange(len(bias)) < share * len(bias), value, bias).astype(np.float32)])


def given(data, **more):
    """Return what a user hands over beside the model: at most 10,000 rows of the training, and the test rows."""
    return {"x_train": data[0][:10_000], "x_test": data[1], **more}
