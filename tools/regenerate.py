"""Execute notebooks and store their outputs in them: the command behind `python3 run.py notebooks`.

    python3 run.py notebooks             every notebook
    python3 run.py notebooks 01 04       by number, by name, or by name without .ipynb

The outputs are stored as a reader should find them, and so that the same code gives the same file. A notebook one of whose
cells fails is left as it was.
"""

import base64
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from PIL import Image

from tools.chromium import find_chromium
from tools.digest import digest_of

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
KERNELSPEC = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
SAVE_DISPLAYS = """
import sys
if "aehelpers" in sys.modules:
    from aehelpers.displays.widget import save_shown
    save_shown({folder!r})
"""


class ThisPython(KernelSpecManager):
    """Knows one kernel, whatever the name: the Python that runs this file, as nbval's --nbval-current-env has it."""

    def get_kernel_spec(self, kernel_name):
        # What C code writes to stderr is left alone, as under pytest: stored, nbval would miss it.
        return self.kernel_spec_class(resource_dir=RESOURCES, **get_kernel_dict(["--IPKernelApp.capture_fd_output=False"]))


class CellFailed(Exception):
    """A cell raised an error, took too long or took the kernel down."""


def find(names, folder=FOLDER):
    """Return the notebooks that are meant.

    Parameters
    ----------
    names : sequence of str
        File names, names without ``.ipynb``, or the numbers they begin with. Empty: all of them.
    folder : Path
        Where the notebooks are.

    Returns
    -------
    list of Path
        In the order of their names, each once.

    Raises
    ------
    ValueError
        If no notebook has one of the names; the message lists those there are.
    """
    there = sorted(folder.glob("*.ipynb"))
    if not names:
        return there
    meant = set()
    for name in names:
        stem = Path(name).name.removesuffix(".ipynb")
        number = stem.zfill(2) if stem.isdigit() else None
        found = [path for path in there if path.stem == stem or path.stem.split("_")[0] == number]
        if not found:
            raise ValueError(f"no notebook is called {name!r}; there are: {', '.join(p.stem for p in there) or 'none'}")
        meant.update(found)
    return sorted(meant)


def read(path):
    """Read a notebook, and give a name to each cell that has none or another cell's."""
    # nbformat would make up random ones, and the file would change with every run.
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["nbformat_minor"] = max(raw["nbformat_minor"], 5)
    taken = {cell.get("id") for cell in raw["cells"]}
    seen = set()
    for position, cell in enumerate(raw["cells"]):
        if not cell.get("id") or cell["id"] in seen:
            cell["id"] = next(name for name in _names(position) if name not in taken)
            taken.add(cell["id"])
        seen.add(cell["id"])
    return nbformat.reads(json.dumps(raw), as_version=4)


def _names(position):
    yield f"cell-{position:02d}"
    for count in range(2, 10_000):
        yield f"cell-{position:02d}-{count}"


def execute(notebook, folder, displays):
    """Execute all cells in a fresh kernel.

    Parameters
    ----------
    notebook : NotebookNode
        Gets the outputs.
    folder : Path
        The kernel's working directory.
    displays : str
        A folder that gets what each display hands to the page, under the id of its widget.

    Raises
    ------
    CellFailed
        If a cell fails; the message names it as JupyterLab does and holds what the kernel said.
    """
    reached = []
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=ThisPython()),
        timeout=300,
        record_timing=False,
        coalesce_streams=True,  # where the kernel cuts a stream is a matter of timing
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=lambda cell, cell_index: reached.append(cell) if cell.cell_type == "code" else None,
    )
    last = nbformat.v4.new_code_cell(SAVE_DISPLAYS.format(folder=displays))
    notebook.cells.append(last)
    try:
        client.execute(stderr=subprocess.DEVNULL, cleanup_kc=True)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise CellFailed(f"cell [{len(reached)}] failed: {error}") from error
    finally:
        notebook.cells.remove(last)


def displays_of(notebook, folder):
    """Return what the notebook's displays hand to the page: {name: (cell, output, text)}; a name is that of its kind, numbered.

    A display's output names its widget, and the file under that id in ``folder`` has what it hands over.
    """
    found, count = {}, {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            path = Path(folder, f"{output.get('data', {}).get(WIDGET_VIEW, {}).get('model_id')}.json")
            if path.is_file():
                text = path.read_text(encoding="utf-8")
                kind = json.loads(text)["kind"]
                count[kind] = count.get(kind, 0) + 1
                found[kind if count[kind] == 1 else f"{kind}_{count[kind]}"] = (cell, output, text)
    return found


def add_screenshots(displays, former):
    """Give the output of each display its picture: a screenshot of it in Chromium, at twice the pixel density.

    Without Chromium a display keeps the ``former`` picture of its cell, a dict by the ids of the cells, and it is said.
    """
    if find_chromium() is None:
        for cell, output, _ in displays.values():
            if cell.id in former:
                output.data["image/png"] = former[cell.id]
        print("There is no chromium on this machine: the displays keep their former pictures.", file=sys.stderr)
        return
    from aehelpers.displays.page import page as as_page
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium())
        page = browser.new_page(viewport={"width": 884, "height": 900}, device_scale_factor=2, color_scheme="light")
        for _, output, text in displays.values():
            page.set_content(as_page(text))
            display = page.locator(".ae-display")
            picture = display.screenshot()
            if not display.locator("canvas, svg").count():
                picture = in_few_colours(picture)
            output.data["image/png"] = base64.b64encode(picture).decode()
            width = display.bounding_box()["width"]
            output.metadata["image/png"] = {"alt": display.get_attribute("aria-label"), "width": width}
        browser.close()


def in_few_colours(picture):
    """Return a picture of nothing but text as a PNG of 16 colours: a third of the bytes, and nobody sees a difference."""
    made = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(16).save(made, "PNG", optimize=True)
    return made.getvalue()


def tidy(notebook):
    """Remove what changes from run to run or means nothing in a stored notebook, and give pictures their alternative text.

    That is the ``alt`` in the metadata of the cell; a display brings its own name.

    The version of Python stays: where it is missing or another, JupyterLab writes it in as soon as the notebook is opened, and
    takes the notebook for modified.
    """
    notebook.metadata.pop("widgets", None)
    notebook.metadata.made_from = digest_of(notebook)  # so that outputs of other code are not published
    notebook.metadata.kernelspec = nbformat.from_dict(KERNELSPEC)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [_without_live_parts(output) for output in cell.outputs]
            for output in cell.outputs:
                if "alt" in cell.metadata and "image/png" in output.get("data", {}):
                    output.metadata["image/png"] = {**output.metadata.get("image/png", {}), "alt": cell.metadata["alt"]}


def _is_display(output):
    return {WIDGET_VIEW, "image/png"} <= set(output.get("data", {}))


def _without_live_parts(output):
    """Empty what means nothing in a file: a progress bar would stand at 0 % for ever, plain sliders need a kernel."""
    data = output.get("data", {})
    if WIDGET_VIEW in data and re.search(r"%\||^interactive\(", data.get("text/plain", "")):
        output.data = nbformat.from_dict({"text/plain": ""})
    return output


def regenerate(path):
    """Execute one notebook and write it back, all of it or nothing.

    The figure of the cell that is tagged ``picture`` is also saved as ``pictures/<name of the notebook>.png`` for the overview,
    and that of a cell that is tagged ``picture:<name>`` as ``pictures/<name>.png``. What its displays hand to the page is saved
    as ``displays/<number of the notebook>-<name>.json``, for the website and the tests.

    Parameters
    ----------
    path : Path

    Raises
    ------
    CellFailed
        If a cell fails; the file is then as it was.
    """
    notebook = read(path)
    former = {cell.id: o.data["image/png"] for cell in notebook.cells for o in cell.get("outputs", []) if _is_display(o)}
    with tempfile.TemporaryDirectory() as folder:
        execute(notebook, path.parent, folder)
        displays = displays_of(notebook, folder)
    for name, (_, output, _) in displays.items():
        output.metadata.display = name  # the name of its file among the stored displays
    if displays:
        add_screenshots(displays, former)
    tidy(notebook)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as file:
            nbformat.write(notebook, file, version=nbformat.NO_CONVERT)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    store_displays(path, {name: text for name, (_, _, text) in displays.items()})
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            word, _, name = tag.partition(":")
            if word == "picture":
                store_picture(cell, path.parent / "pictures" / f"{name or path.stem}.png")


def store_picture(cell, path):
    """Write the picture of a cell."""
    for output in cell.outputs:
        if "image/png" in output.get("data", {}):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(base64.b64decode(output.data["image/png"]))


def store_displays(path, texts):
    """Write the displays of one notebook in place of those that were there."""
    folder, number = path.parent / "displays", path.stem.split("_")[0]
    for former in folder.glob(f"{number}-*.json"):
        former.unlink()
    for name, text in texts.items():
        folder.mkdir(exist_ok=True)
        (folder / f"{number}-{name}.json").write_text(text, encoding="utf-8")


def main(names, folder=FOLDER):
    """Regenerate the notebooks that are named; return the exit code."""
    try:
        paths = find(names, folder)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    failed, beginning = [], time.perf_counter()
    for path in paths:
        start = time.perf_counter()
        try:
            regenerate(path)
        except CellFailed as error:
            failed.append(path.name)
            print(f"{path.name}: {error}\n{path.name} is left as it was.", file=sys.stderr, flush=True)
        else:
            print(f"{path.name}: {time.perf_counter() - start:.1f} s", flush=True)
    print(f"{len(paths) - len(failed)} of {len(paths)} notebooks in {time.perf_counter() - beginning:.1f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
