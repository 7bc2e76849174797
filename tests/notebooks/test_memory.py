"""The plugin that watches the memory of kernels fails the cell that takes too much, and no other."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="own memory is read from /proc, which Linux has")
def test_a_cell_that_takes_too_much_fails(tmp_path):
    take = "import time; taken = bytearray({}_000_000); taken[::4096] = bytes(len(taken[::4096])); time.sleep(0.5); del taken"
    cells = [nbformat.v4.new_code_cell(take.format(megabytes)) for megabytes in (300, 800, 1)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "hungry.ipynb")
    options = ["-p", "tests.notebooks.memory", "--nbval", "--nbval-current-env"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tmp_path / "hungry.ipynb"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "hungry.ipynb::Cell 1" in done.stdout.partition("short test summary")[2], done.stdout
    assert "1 failed, 2 passed" in done.stdout and "MB of own memory during this cell" in done.stdout
