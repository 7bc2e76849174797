"""A pytest plugin: a notebook's kernel stays within the memory that a class of thirty on one machine has for each.

`python3 run.py test` loads it. While nbval runs a cell, it looks at the kernel's own memory; a cell during which that passes
the limit fails. "Own" is what the kernel takes for itself, without the pages of files, as in `benchmarks/classroom.py`.
"""

import contextlib
import threading
from pathlib import Path

import pytest

from benchmarks.classroom import megabytes

LIMIT = 660  # MB: the 600 of classroom/README.md, and a tenth for another machine's libraries


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    kernel = getattr(item.parent, "kernel", None)  # which the cells of a notebook have
    process = getattr(getattr(getattr(kernel, "km", None), "provisioner", None), "pid", None)
    status = Path(f"/proc/{process}/status")
    if not status.is_file():  # no cell, or no Linux
        return (yield)

    peak, done = 0, threading.Event()

    def watch():
        nonlocal peak
        with contextlib.suppress(OSError, TypeError):  # nbval ends the kernel of a cell that takes too long
            while not done.wait(0.1):
                peak = max(peak, megabytes(status, "RssAnon"))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        result = yield
    finally:
        done.set()
        watching.join()
    if peak > LIMIT:
        pytest.fail(f"the kernel took {peak:.0f} MB of own memory during this cell; at most {LIMIT} are meant")
    return result
