"""Print how long training takes: Keras's own `fit`, `aehelpers.fit`, and the matrix products alone.

    python benchmarks/training.py                 # the table of the README
    python benchmarks/training.py --break-even    # from how many steps on compiling with XLA pays

Each time is of a whole run, start-up and compilation included, in a process of its own; the machine's noise is kept down by
comparing runs of one invocation only.
"""

import argparse
import itertools
import json
import subprocess
import sys
import time

CASES = {
    # name: (hidden sizes, code size, batch size, steps)
    "784-128-784": ((), 128, 64, 5_000),
    "784-784-784": ((), 784, 128, 2_345),
}
BREAK_EVEN_STEPS = (100, 250, 500, 1_000, 2_000)


def prepare(case):
    """Return what both contestants get: a fresh model, the images, the batch size and the number of steps."""
    import aehelpers as ae
    import keras

    hidden, code_size, batch_size, steps = CASES[case]
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(hidden=hidden, code_size=code_size)
    return model, ae.load("mnist").x_train, batch_size, steps


def time_keras(case):
    """Return the seconds that `model.fit` takes for the steps."""
    model, x, batch_size, steps = prepare(case)
    start = time.perf_counter()
    model.compile("adam", "bce")
    batches_an_epoch = -(-len(x) // batch_size)
    epochs, rest = divmod(steps, batches_an_epoch)
    if epochs:
        model.fit(x, x, batch_size=batch_size, epochs=epochs, verbose=0)
    if rest:
        model.fit(x, x, batch_size=batch_size, epochs=1, steps_per_epoch=rest, verbose=0)
    return time.perf_counter() - start


def time_ours(case, steps=None, with_xla=None):
    """Return the seconds that `aehelpers.fit` takes for the steps."""
    model, x, batch_size, default_steps = prepare(case)
    from aehelpers import training

    if with_xla is not None:
        training._XLA_FROM_STEPS = 0 if with_xla else sys.maxsize
    start = time.perf_counter()
    training.fit(model, x, steps=steps or default_steps, batch_size=batch_size, progress=False)
    return time.perf_counter() - start


def time_products(case):
    """Return the seconds of the bare matrix products of all steps, at the rate this machine reaches on each of them.

    A dense layer takes one product forwards and two backwards, one for the kernel and one for the layer below; the first
    layer has no layer below. A product is timed in a chain that TensorFlow cannot shorten.
    """
    import tensorflow as tf

    hidden, code_size, batch_size, steps = CASES[case]
    sizes = [784, *hidden, code_size, *hidden[::-1], 784]
    shapes = []
    for number, (inside, outside) in enumerate(itertools.pairwise(sizes)):
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


def measure(function, *arguments):
    """Call one of the functions above in a fresh process and return its answer."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps([function, *arguments])], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def print_table():
    """Print the comparison with Keras."""
    print(f"{'model':14}{'batch':>6}{'steps':>7}{'Keras fit':>12}{'ae.fit':>10}{'ratio':>8}{'products':>11}{'ratio':>8}")
    for case, (_, _, batch_size, steps) in CASES.items():
        keras_time, ours, products = (measure(f, case) for f in ("time_keras", "time_ours", "time_products"))
        print(
            f"{case:14}{batch_size:6}{steps:7}{keras_time:10.1f} s{ours:8.1f} s{ours / keras_time:8.2f}"
            f"{products:9.1f} s{ours / products:8.2f}",
            flush=True,
        )


def print_break_even():
    """Print seconds with and without XLA for short runs."""
    print(f"{'model':14}{'steps':>7}{'plain graph':>14}{'XLA':>10}")
    for case in CASES:
        for steps in BREAK_EVEN_STEPS:
            plain, xla = measure("time_ours", case, steps, False), measure("time_ours", case, steps, True)
            print(f"{case:14}{steps:7}{plain:12.2f} s{xla:8.2f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--break-even", action="store_true", help="compare XLA with a plain graph on short runs")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, *rest = json.loads(options.one)
        print({"time_keras": time_keras, "time_ours": time_ours, "time_products": time_products}[name](*rest))
    elif options.break_even:
        print_break_even()
    else:
        print_table()
