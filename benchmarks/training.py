"""Print how long training takes: Keras's own `fit`, PyTorch, JAX, `aehelpers.fit`, and the matrix products alone.

    python -m benchmarks.training                 # the table of README.md beside this file
    python -m benchmarks.training --break-even    # from how many steps on compiling with XLA pays

The models are the five architectures of the notebooks. Each time is of a whole run, start-up and compilation included, in a
process of its own; the machine's noise is kept down by comparing runs of one invocation only. PyTorch and JAX are timed where
they are installed: they are no dependencies of the project.
"""

import argparse
import importlib.util
import itertools
import json
import subprocess
import sys
import time

CASES = {
    # name: (hidden sizes, code size, kind, batch size, steps)
    "784-128-784": ((), 128, "plain", 64, 5_000),  # notebooks 01 and 05
    "784-784-784": ((), 784, "plain", 128, 2_345),  # 02
    "784-300-100-2-...-784": ((300, 100), 2, "plain", 50, 5_000),  # 03
    "variational 256, 5": ((256,), 5, "variational", 100, 4_000),  # 04
    "denoising 128": ((), 128, "denoising", 64, 5_000),  # 06
}
NOISE = 0.5  # of the pixels
STEPS_PER_EXECUTION = 100
BREAK_EVEN_STEPS = (100, 250, 500, 1_000, 2_000)


def prepare(case):
    """Return what both of Keras's contestants get: a fresh model, the images, the batch size and the number of steps."""
    import aehelpers as ae
    import keras

    hidden, code_size, kind, batch_size, steps = CASES[case]
    keras.utils.set_random_seed(0)
    if kind == "variational":
        model = ae.variational_autoencoder(hidden=hidden, code_size=code_size)
    else:
        model = ae.autoencoder(hidden=hidden, code_size=code_size)
    if kind == "denoising":
        model = keras.Sequential([keras.Input((784,)), ae.MaskingNoise(NOISE), model])
    return model, ae.load("mnist").x_train, batch_size, steps


def time_keras(case, **settings):
    """Return the seconds that `model.fit` takes for the steps, with settings of `model.compile`."""
    model, x, batch_size, steps = prepare(case)
    start = time.perf_counter()
    model.compile("adam", "bce", **settings)
    batches_an_epoch = -(-len(x) // batch_size)
    epochs, rest = divmod(steps, batches_an_epoch)
    if epochs:
        model.fit(x, x, batch_size=batch_size, epochs=epochs, verbose=0)
    if rest:
        model.fit(x, x, batch_size=batch_size, epochs=1, steps_per_epoch=rest, verbose=0)
    return time.perf_counter() - start


def time_keras_tuned(case, with_xla):
    """Return the same with many steps in one call, and with or without XLA."""
    return time_keras(case, steps_per_execution=STEPS_PER_EXECUTION, jit_compile=with_xla)


def time_ours(case, steps=None, with_xla=None):
    """Return the seconds that `aehelpers.fit` takes for the steps."""
    model, x, batch_size, default_steps = prepare(case)
    from aehelpers import training

    if with_xla is not None:
        training._XLA_FROM_STEPS = 0 if with_xla else sys.maxsize
    start = time.perf_counter()
    training.fit(model, x, steps=steps or default_steps, batch_size=batch_size, progress=False)
    return time.perf_counter() - start


def time_torch(case):
    """Return the seconds that a plain loop of PyTorch takes, eager and with its fused Adam."""
    import aehelpers as ae
    import torch
    from torch import nn

    hidden, code_size, kind, batch_size, steps = CASES[case]
    x = torch.tensor(ae.load("mnist").x_train)

    def dense(sizes, last):
        layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
        return nn.Sequential(*layers[:-1], last)

    start = time.perf_counter()
    variational = kind == "variational"
    encoder = dense([784, *hidden, 2 * code_size if variational else code_size], nn.Identity() if variational else nn.ReLU())
    decoder = dense([code_size, *hidden[::-1], 784], nn.Sigmoid())
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3, fused=True)
    rows = iter(())
    for _ in range(steps):
        batch = next(rows, None)
        if batch is None or len(batch) < batch_size:
            rows = iter(torch.randperm(len(x)).split(batch_size))
            batch = next(rows)
        images = x[batch]
        seen = images * (torch.rand_like(images) >= NOISE) if kind == "denoising" else images
        code, penalty = encoder(seen), 0.0
        if variational:
            mean, log_variance = code.chunk(2, dim=1)
            penalty = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum(dim=1).mean() / 784
            code = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        loss = nn.functional.binary_cross_entropy(decoder(code), images) + penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - start


def time_jax(case):
    """Return the seconds that JAX takes, with many steps in one compiled call and Adam written out."""
    import aehelpers as ae
    import jax
    import jax.numpy as jnp
    import numpy as np

    hidden, code_size, kind, batch_size, steps = CASES[case]
    x = jnp.asarray(ae.load("mnist").x_train)
    variational = kind == "variational"

    def dense(key, sizes):
        glorot = jax.nn.initializers.glorot_uniform()
        keys = jax.random.split(key, len(sizes))
        return [(glorot(k, shape), jnp.zeros(shape[1])) for k, shape in zip(keys, itertools.pairwise(sizes), strict=False)]

    def through(layers, h, last):
        for number, (kernel, bias) in enumerate(layers, start=1):
            h = (last if number == len(layers) else jax.nn.relu)(h @ kernel + bias)
        return h

    def loss(weights, images, key):
        seen = images * (jax.random.uniform(key, images.shape) >= NOISE) if kind == "denoising" else images
        code, penalty = through(weights[0], seen, (lambda h: h) if variational else jax.nn.relu), 0.0
        if variational:
            mean, log_variance = jnp.split(code, 2, axis=1)
            penalty = 0.5 * (mean**2 + jnp.exp(log_variance) - log_variance - 1).sum(axis=1).mean() / 784
            code = mean + jnp.exp(log_variance / 2) * jax.random.normal(key, mean.shape)
        y = jnp.clip(through(weights[1], code, jax.nn.sigmoid), 1e-7, 1 - 1e-7)
        return -(images * jnp.log(y) + (1 - images) * jnp.log(1 - y)).mean() + penalty

    def step(state, now):
        weights, first, second = state
        rows, key, number = now
        slope = jax.grad(loss)(weights, x[rows], key)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slope)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**number) / (1 - 0.9**number)
        weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, first, second)
        return (weights, first, second), None

    start = time.perf_counter()
    run = jax.jit(lambda state, now: jax.lax.scan(step, state, now)[0])
    key = jax.random.key(0)
    weights = (
        dense(key, [784, *hidden, 2 * code_size if variational else code_size]),
        dense(jax.random.fold_in(key, 1), [code_size, *hidden[::-1], 784]),
    )
    state = (weights, *(jax.tree.map(jnp.zeros_like, weights) for _ in range(2)))
    shuffle, rows = np.random.default_rng(0), np.empty(0, np.int64)
    while len(rows) < steps * batch_size:
        rows = np.concatenate([rows, shuffle.permutation(len(x))])
    rows = rows[: steps * batch_size].reshape(steps, batch_size)
    for done in range(0, steps, STEPS_PER_EXECUTION):
        number = jnp.arange(done + 1, min(done + STEPS_PER_EXECUTION, steps) + 1)
        keys = jax.random.split(jax.random.fold_in(key, done), len(number))
        state = run(state, (jnp.asarray(rows[done : done + len(number)]), keys, number))
    jax.block_until_ready(state)
    return time.perf_counter() - start


def time_products(case):
    """Return the seconds of the bare matrix products of all steps, at the rate this machine reaches on each of them.

    A dense layer takes one product forwards and two backwards, one for the kernel and one for the layer below; the first
    layer has no layer below. A product is timed in a chain that TensorFlow cannot shorten.
    """
    import tensorflow as tf

    hidden, code_size, kind, batch_size, steps = CASES[case]
    encoder_sizes = [784, *hidden, 2 * code_size if kind == "variational" else code_size]  # means and log-variances together
    layers = [*itertools.pairwise(encoder_sizes), *itertools.pairwise([code_size, *hidden[::-1], 784])]
    shapes = []
    for number, (inside, outside) in enumerate(layers):
        shapes += [(batch_size, inside, outside), (inside, batch_size, outside)]
        if number:
            shapes.append((batch_size, outside, inside))
    total = 0.0
    for rows, inner, columns in shapes:
        left, right = tf.random.normal((rows, inner)), tf.random.normal((inner, columns))
        times = []
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(50):
                tf.matmul(left, right)
            times.append((time.perf_counter() - start) / 50)
        total += min(times)
    return total * steps


TIMED = {
    function.__name__: function for function in (time_keras, time_keras_tuned, time_ours, time_torch, time_jax, time_products)
}


def measure(function, *arguments):
    """Call one of the functions above in a fresh process and return its answer."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps([function.__name__, *arguments])],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def print_table():
    """Print the comparison; the second ratio is to the best of the others, the last to the products."""
    others = {"PyTorch": ("torch", time_torch), "JAX": ("jax", time_jax)}
    columns = ["Keras", "tuned", *others, "ae.fit", "products"]
    print(f"{'model':22}{'batch':>6}{'steps':>6}" + "".join(f"{name:>9}" for name in columns) + "  /Keras  /best  /products")
    for case, (*_, batch_size, steps) in CASES.items():
        seconds = {"Keras": measure(time_keras, case)}
        seconds["tuned"] = min(measure(time_keras_tuned, case, with_xla) for with_xla in (True, False))
        seconds |= {name: measure(f, case) for name, (module, f) in others.items() if importlib.util.find_spec(module)}
        best = min(seconds.values())
        seconds |= {"ae.fit": measure(time_ours, case), "products": measure(time_products, case)}
        cells = "".join(f"{seconds[name]:7.1f} s" if name in seconds else f"{'-':>9}" for name in columns)
        ratios = [seconds["ae.fit"] / other for other in (seconds["Keras"], best, seconds["products"])]
        print(f"{case:22}{batch_size:6}{steps:6}{cells}{ratios[0]:8.2f}{ratios[1]:7.2f}{ratios[2]:11.2f}", flush=True)


def print_break_even():
    """Print seconds with and without XLA for short runs."""
    print(f"{'model':22}{'steps':>7}{'plain graph':>14}{'XLA':>10}")
    for case in ("784-128-784", "784-784-784"):
        for steps in BREAK_EVEN_STEPS:
            plain, xla = measure(time_ours, case, steps, False), measure(time_ours, case, steps, True)
            print(f"{case:22}{steps:7}{plain:12.2f} s{xla:8.2f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--break-even", action="store_true", help="compare XLA with a plain graph on short runs")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, *rest = json.loads(options.one)
        print(TIMED[name](*rest))
    elif options.break_even:
        print_break_even()
    else:
        print_table()
