"""Print how long training takes: Keras's own `fit`, PyTorch, `aehelpers.fit`, and the matrix products alone.

    python benchmarks/training.py                 # the table of the README
    python benchmarks/training.py --break-even    # from how many steps on compiling with XLA pays

The models are the five architectures of the notebooks. Each time is of a whole run, start-up and compilation included, in a
process of its own; the machine's noise is kept down by comparing runs of one invocation only. PyTorch is timed where it is
installed: it is no dependency of the project.
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


TIMED = {function.__name__: function for function in (time_keras, time_keras_tuned, time_ours, time_torch, time_products)}


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
    with_torch = importlib.util.find_spec("torch") is not None
    print(
        f"{'model':22}{'batch':>6}{'steps':>6}{'Keras':>8}{'tuned':>8}{'PyTorch':>9}{'ae.fit':>8}"
        f"{'/Keras':>8}{'/best':>7}{'products':>10}{'/products':>11}"
    )
    for case, (*_, batch_size, steps) in CASES.items():
        keras = measure(time_keras, case)
        tuned = min(measure(time_keras_tuned, case, with_xla) for with_xla in (True, False))
        others = [keras, tuned, *([measure(time_torch, case)] if with_torch else [])]
        ours, products = measure(time_ours, case), measure(time_products, case)
        torch = f"{others[2]:7.1f} s" if with_torch else f"{'-':>9}"
        print(
            f"{case:22}{batch_size:6}{steps:6}{keras:6.1f} s{tuned:6.1f} s{torch}{ours:6.1f} s"
            f"{ours / keras:8.2f}{ours / min(others):7.2f}{products:8.1f} s{ours / products:11.2f}",
            flush=True,
        )


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
