"""Run notebooks with all their seeds shifted, and print which of their checks fail then.

    python -m benchmarks.claims --shift 1000            every notebook
    python -m benchmarks.claims --shift 1000 01 03      by number or by name

Shifted are the seeds of `keras.utils.set_random_seed`, of `ae.fit` and the noise functions, and of numpy's `default_rng`. A
check that fails does not end the notebook, and the stored notebooks stay as they are. Stored runs have their own seeds.
"""

import argparse
import subprocess
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools import regenerate

MARK = "aehelpers claim: "
# Runs before the first cell of a notebook. Whatever the package takes as a seed goes through default_rng.
SHIFT = """
def _shift_seeds(shift, mark):
    import aehelpers as ae
    import keras
    import numpy as np

    set_random_seed, default_rng, check = keras.utils.set_random_seed, np.random.default_rng, ae.check
    keras.utils.set_random_seed = lambda seed: set_random_seed(seed + shift)
    np.random.default_rng = lambda seed=None: default_rng(seed + shift if isinstance(seed, int) else seed)

    def collect(sentence, condition=None):
        for claim, holds in (sentence if condition is None else {{sentence: condition}}).items():
            try:
                check(claim, holds)
            except AssertionError:
                print(mark + "fails: " + claim)
            else:
                print(mark + "holds")

    ae.check = collect

_shift_seeds({shift}, {mark!r})
"""


def run(path, shift):
    """Execute a notebook with shifted seeds; return the number of checks, and what did not hold: a list of sentences."""
    notebook = regenerate.read(path)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(SHIFT.format(shift=shift, mark=MARK)))
    manager = regenerate.AsyncKernelManager(kernel_spec_manager=regenerate.ThisPython())
    client = NotebookClient(
        notebook, km=manager, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(regenerate.FOLDER)}}
    )
    try:
        client.execute(stderr=subprocess.DEVNULL, cleanup_kc=True)
    except CellExecutionError as error:
        return 0, [f"a cell failed: {error}"]
    lines = [
        line
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for line in output.get("text", "").splitlines()
        if line.startswith(MARK)
    ]
    return len(lines), [line.removeprefix(MARK + "fails: ") for line in lines if line.startswith(MARK + "fails: ")]


def main():
    """Print a line a notebook, and each check that fails; the exit code says whether there was one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", help="numbers or names; without any, all notebooks")
    parser.add_argument("--shift", type=int, required=True, help="what is added to each seed")
    arguments = parser.parse_args()
    any_failed = False
    for path in regenerate.find(arguments.notebooks):
        start = time.perf_counter()
        checks, failed = run(path, arguments.shift)
        any_failed |= bool(failed)
        seconds = time.perf_counter() - start
        print(f"{path.name}: {checks} checks, {len(failed)} fail with seeds + {arguments.shift} ({seconds:.0f} s)")
        for sentence in failed:
            print(f"    {sentence}", flush=True)
    return int(any_failed)


if __name__ == "__main__":
    sys.exit(main())
