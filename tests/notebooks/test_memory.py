"""A kernel with a notebook stays within the memory that a class of thirty on one machine has for each."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks import classroom

ROOT = Path(__file__).parents[2]

BUDGET = 600  # MB of own memory at the peak; classroom/README.md has the table
ROOM = 1.2  # for another machine's libraries


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="own memory is read from /proc, which Linux has")
def test_a_notebook_keeps_to_its_memory():
    (notebook,) = (ROOT / "notebooks").glob("08_*.ipynb")  # trains, predicts, fits PCA, finds neighbours, has displays
    with ThreadPoolExecutor(1) as pool:  # a thread of its own, as Playwright keeps this one's event loop
        _, _, [(_, own, _, failure)] = pool.submit(asyncio.run, classroom.run_class(notebook, 1)).result()
    assert failure is None
    assert 200 < own < BUDGET * ROOM  # TensorFlow alone takes more than 200
