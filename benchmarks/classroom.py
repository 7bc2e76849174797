"""Print how a room full of learners fares on this machine: many kernels run one notebook at the same time.

    python benchmarks/classroom.py                           # thirty learners with notebook 01
    python benchmarks/classroom.py --kernels 5 --notebook 03
    python benchmarks/classroom.py --each                    # a table of the own memory of every notebook, one after the other

All kernels start at once, which is harder than a class in which people read, and stay until the last is done. "Own" memory is
what a kernel takes for itself at its peak, looked at five times a second. The rest of its resident memory are pages of files,
TensorFlow's library and the images, which the machine holds once for all. "In all" is by how much the machine's available
memory fell. Needs Linux, for its /proc.
"""

import argparse
import asyncio
import contextlib
import re
import statistics
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
CELL_LIMIT = 3600  # seconds


def megabytes(path, field):
    """Return a field of /proc/meminfo or of a process's status."""
    return int(re.search(rf"^{field}:\s+(\d+) kB", path.read_text(), re.MULTILINE)[1]) / 1024


def available():
    return megabytes(Path("/proc/meminfo"), "MemAvailable")


async def learn(notebook, everybody):
    """Run a notebook in a kernel of its own; return its seconds, its peaks of own and shared megabytes, and what went wrong.

    The kernel stays, as it does in a class, until everybody is done.
    """
    client = NotebookClient(
        nbformat.read(notebook, as_version=4),
        timeout=CELL_LIMIT,
        kernel_name="python3",
        resources={"metadata": {"path": notebook.parent}},
    )
    # Else nbclient answers the output areas of widgets on the socket that it waits at, and now and then waits for ever.
    client.comm_open_handlers["jupyter.widget"] = lambda message: None
    start, failure, peaks = time.perf_counter(), None, {"RssAnon": 0, "RssFile": 0}
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(client.async_setup_kernel())
            watching = asyncio.create_task(watch_kernel(client.km.provisioner.pid, peaks))
            stack.callback(watching.cancel)
            for number, cell in enumerate(client.nb.cells):
                await client.async_execute_cell(cell, number)
        except Exception as error:  # whatever it was, it is one learner's, and the others go on
            failure = str(error)
        seconds = time.perf_counter() - start
        await everybody.wait()
    return seconds, peaks["RssAnon"], peaks["RssFile"], failure


async def watch_kernel(process, peaks):
    """Raise the peaks of a kernel's memory, until the kernel or this task ends."""
    status = Path(f"/proc/{process}/status")
    with contextlib.suppress(OSError, TypeError):  # a process that has ended has no memory, and then no status
        while True:
            for field in peaks:
                peaks[field] = max(peaks[field], megabytes(status, field))
            await asyncio.sleep(0.2)


async def watch_machine(lowest):
    """Note in ``lowest`` how little memory was available, once a second."""
    while True:
        lowest[0] = min(lowest[0], available())
        await asyncio.sleep(1)


async def run_class(notebook, number):
    """Return the wall time, the memory in all, and what `learn` returned for each kernel."""
    before = available()
    lowest = [before]
    watching = asyncio.create_task(watch_machine(lowest))
    start = time.perf_counter()
    everybody = asyncio.Barrier(number)
    results = await asyncio.gather(*(learn(notebook, everybody) for _ in range(number)))
    watching.cancel()
    return time.perf_counter() - start, before - lowest[0], results


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", type=int, default=30)
    parser.add_argument("--notebook", default="01", help="the first characters of its file name")
    parser.add_argument("--each", action="store_true", help="every notebook by itself, in place of many kernels with one")
    options = parser.parse_args()
    if options.each:
        for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
            _, _, [(seconds, own, _, failure)] = asyncio.run(run_class(notebook, 1))
            print(f"{notebook.stem:40}{own:5.0f} MB{seconds:5.0f} s", failure or "", flush=True)
        return
    found = sorted((ROOT / "notebooks").glob(f"{options.notebook}*.ipynb"))
    if len(found) != 1 or options.kernels < 1:
        parser.error("give one notebook, such as 01, and at least one kernel")

    wall, in_all, results = asyncio.run(run_class(found[0], options.kernels))
    failures = [failure for *_, failure in results if failure]
    print(f"{options.kernels} kernels, {found[0].stem}")
    print(f"completed {len(results) - len(failures)}, failed {len(failures)}; {wall:.0f} s until the last was done")
    seconds, own, shared, _ = zip(*results, strict=True)
    for title, values, unit in (("time", seconds, "s"), ("own memory", own, "MB"), ("shared memory", shared, "MB")):
        print(f"{title:16}median {statistics.median(values):6.0f} {unit:3} most {max(values):6.0f} {unit}")
    print(f"{'memory in all':16}{in_all:13.0f} MB")
    for failure in failures:
        print(f"\nFailed: {failure}")


if __name__ == "__main__":
    main()
