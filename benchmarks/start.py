"""Print how long a learner waits for the package, the first picture and the first training.

    python benchmarks/start.py

Each is a program in a process of its own, started five times; the median is printed, from the start of Python to its end.
"""

import statistics
import subprocess
import sys
import time

TURNS = 5
PICTURE = """
import io
import matplotlib
matplotlib.use("Agg")
import aehelpers as ae
x = ae.load("mnist").x_train
ae.show_images([x[:10]]).figure.savefig(io.BytesIO())
assert "tensorflow" not in __import__("sys").modules
"""
TRAINING = """
import aehelpers as ae
import keras
model = ae.autoencoder(code_size=32)
ae.fit(model, ae.load("mnist").x_train, steps=100, progress=False)
"""
PROGRAMS = {
    "Python alone": "",
    "import numpy": "import numpy",
    "import numpy, import aehelpers": "import numpy\nimport aehelpers",
    "the first picture, without TensorFlow": PICTURE,
    "import aehelpers, import keras": "import aehelpers\nimport keras",
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
        print(f"{title:40}{seconds(program):6.2f} s", flush=True)
