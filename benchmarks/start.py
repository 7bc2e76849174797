"""Print how long a learner waits for the package, the first picture and the first training.

    python -m benchmarks.start

Each is a program in a process of its own, started five times; the median is printed, from the start of Python to its end.
"""

import statistics
import subprocess
import sys
import time

TURNS = 5
PICTURE = """
import io
import aehelpers as ae
x = ae.load("mnist").x_train
ae.show_images([x[:10]]).figure.savefig(io.BytesIO())
"""
DISPLAY = """
import aehelpers as ae
data = ae.load("mnist")
ae.code_size_display(ae.stored_models("code_sizes"), data.x_train, data.x_test)
"""
TRAINING = """
import aehelpers as ae
model = ae.autoencoder(code_size=32)
ae.fit(model, ae.load("mnist").x_train, steps=100, progress=False)
"""
PROGRAMS = {
    "Python alone": "",
    "import tensorflow": "import tensorflow",
    "import aehelpers": "import aehelpers",
    "the first picture": PICTURE,
    "the first display of 00": DISPLAY,
    "the first 100 steps of training": TRAINING,
}


def seconds(program):
    """Return the median time of a program."""
    taken = []
    for _ in range(TURNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    for title, program in PROGRAMS.items():
        print(f"{title:35}{seconds(program):6.2f} s", flush=True)
