"""Notebooks are stored as nbval expects them: regenerated, they pass; changed, they fail."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbval.plugin import get_sanitize_patterns
from PIL import Image, ImageDraw

from tools import regenerate

ROOT = Path(__file__).resolve().parents[2]
SANITIZER = ROOT / "tests" / "nbval_sanitize.cfg"

CELLS = [
    "import os, random, sys, time\nprint('räw', 12); sys.stdout.flush(); time.sleep(0.3); print('counts', 3)",
    "from tqdm.auto import tqdm\nfor _ in tqdm(range(20), unit=' steps'):\n    time.sleep(0.005)",
    "x = random.uniform(-20, 20)\nprint(f'{x:9.4f} is random, {2} pixels')\nprint('-' * len(str(x)))",
    "import ipywidgets\nipywidgets.IntSlider()",
    "sys.executable.replace(os.sep, '|'), os.path.basename(os.getcwd()), object.__new__(type('Thing', (), {}))",
    "import matplotlib.pyplot as plt\nfigure, ax = plt.subplots(figsize=(1, 1))\nline = ax.plot([0, 1])",
    "written = os.write(2, b'a complaint of C code\\n')",
]


def write(path, cells, minor=4):
    """Write a notebook as a text editor might: without cell ids, with stale metadata."""
    title = {"cell_type": "markdown", "metadata": {}, "source": ["# Title"]}
    code = {"cell_type": "code", "metadata": {"execution": {"idle": "2020"}}, "outputs": [], "execution_count": None}
    notebook = {
        "cells": [title, *({**code, "source": source} for source in cells)],
        "metadata": {"widgets": {"x": 1}, "kernelspec": {"name": "no-such-kernel", "display_name": "x"}},
        "nbformat": 4,
        "nbformat_minor": minor,
    }
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory):
    path = write(tmp_path_factory.mktemp("nöte books") / "01_small.ipynb", CELLS)
    assert regenerate.main([], path.parent) == 0
    return path


def outputs(path, number):
    return nbformat.read(path, as_version=4).cells[number].outputs


def nbval(path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    command += ["--color=no", f"--nbval-sanitize-with={SANITIZER}", str(path)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=path.parent)


def test_outputs_are_written(regenerated):
    (stream,) = outputs(regenerated, 1)
    assert stream.text == "räw 12\ncounts 3\n"
    (bar,), (slider,) = outputs(regenerated, 2), outputs(regenerated, 4)
    assert dict(bar.data) == {"text/plain": ""} and regenerate.WIDGET_VIEW in slider.data
    # IPython breaks the line where the path of Python is long.
    python, folder, _ = re.split(r",\s+", outputs(regenerated, 5)[0].data["text/plain"])
    assert python == "(" + repr(sys.executable.replace(os.sep, "|"))
    assert folder == repr(regenerated.parent.name)
    assert "image/png" in outputs(regenerated, 6)[0].data
    assert outputs(regenerated, 7) == [], "what C code writes would be stored, but nbval never sees it"


def test_the_file_is_clean(regenerated):
    text = regenerated.read_bytes().decode("utf-8")
    assert text.startswith('{\n "cells"') and text.endswith("}\n") and "\r" not in text and "räw" in text
    assert [path.name for path in regenerated.parent.iterdir() if path.is_file()] == [regenerated.name]
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata and all("execution" not in cell.metadata for cell in notebook.cells)
    assert notebook.metadata.kernelspec == regenerate.KERNELSPEC
    # Without the version JupyterLab would write it in, and take a notebook that was only opened for modified.
    assert notebook.metadata.language_info.version == ".".join(map(str, sys.version_info[:3]))


def test_strict_nbval_passes_and_sees_a_change(regenerated):
    done = nbval(regenerated)
    assert done.returncode == 0 and f"{len(CELLS)} passed" in done.stdout, done.stdout
    changed = regenerated.with_name("02_changed.ipynb")
    text = regenerated.read_text(encoding="utf-8")
    assert text.count("counts 3") == 1 and text.count("is random, 2 pixels") == 1
    changed.write_text(text.replace("counts 3", "counts 4").replace("is random, 2", "is random, 3"), encoding="utf-8")
    done = nbval(changed)
    changed.unlink()
    assert done.returncode == 1 and "2 failed" in done.stdout, done.stdout


def test_same_code_gives_the_same_file(tmp_path):
    path = write(tmp_path / "01_again.ipynb", [CELLS[0], CELLS[5]], minor=5)
    regenerate.regenerate(path)
    once = path.read_bytes()
    regenerate.regenerate(path)
    assert path.read_bytes() == once


def test_failing_cell_leaves_the_file_untouched(tmp_path, capsys):
    good = write(tmp_path / "02_good.ipynb", ["1 + 1"])
    bad = write(tmp_path / "01_bad.ipynb", ["print('fine')", "raise RuntimeError('the reason')", "print('never')"])
    before = bad.read_bytes()
    assert regenerate.main([], tmp_path) == 1
    said = capsys.readouterr()
    assert [word for word in ("01_bad.ipynb", "cell [2]", "the reason") if word not in said.err] == []
    assert bad.read_bytes() == before and outputs(good, 1)[0].data["text/plain"] == "2"
    assert re.search(r"02_good\.ipynb: \d+\.\d s", said.out) and "1 of 2 notebooks in" in said.out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["01_bad.ipynb", "02_good.ipynb"]


def test_ids_are_kept_and_made_the_same_each_time(tmp_path):
    path = write(tmp_path / "a.ipynb", ["1", "2", "3"], minor=5)
    raw = json.loads(path.read_text())
    for cell, name in zip(raw["cells"][1:], ("mine", "mine", "cell-02"), strict=True):
        cell["id"] = name
    path.write_text(json.dumps(raw))
    assert [cell.id for cell in regenerate.read(path).cells] == ["cell-00", "mine", "cell-02-2", "cell-02"]


def test_names(tmp_path, capsys):
    start, one, ten = (tmp_path / name for name in ("00_start.ipynb", "01_one.ipynb", "10_ten.ipynb"))
    for path in (start, one, ten):
        path.touch()
    assert regenerate.find([], tmp_path) == [start, one, ten]
    for name in ("01", "1", "01_one", "01_one.ipynb", "notebooks/01_one.ipynb"):
        assert regenerate.find([name], tmp_path) == [one]
    assert regenerate.find(["10", "00_start", "10_ten"], tmp_path) == [start, ten]
    assert regenerate.main(["01", "12"], tmp_path) == 2
    said = capsys.readouterr().err
    assert "'12'" in said and "00_start, 01_one, 10_ten" in said


def sanitized(text):
    for pattern, replacement in get_sanitize_patterns(SANITIZER.read_text(encoding="ascii")):
        text = re.sub(pattern, replacement, text)
    return text


@pytest.mark.parametrize(
    ("one", "other", "is_overlooked"),
    [
        ("loss \u22120.5 nats", "loss 0.5 nats", True),
        ("1.5e-07", "-2.25e+10", True),
        ("1,234.5 ms", "999.9 ms", True),
        ("[1. 0. 2.]", "[0.99 1e-9 2.1]", True),
        ("model  loss\n-----  -------\na      -0.1000\n", "model  loss\n-----  -------\na       9.1000\n", True),
        ("<Thing at 0x7f00aa>", "<Thing at 0x7F11bb22>", True),
        ("  5%|5         | 100/2000 [00:00<00:01, 1000.00 steps/s, loss=0.2]", "", True),
        ("It took 2000 steps.", "It took 2001 steps.", False),
        ("(all of 784.)", "(all of 783.)", False),
        ("loss 0.5", "loss nan", False),
        ("0.1\n0.2", "0.1 0.2", False),
        ("model a1e5", "model a1e6", False),
    ],
)
def test_sanitizer_overlooks_fractions_and_no_more(one, other, is_overlooked):
    assert (sanitized(one) == sanitized(other)) == is_overlooked


def test_a_picture_of_text_becomes_small_and_looks_the_same():
    page, picture = Image.new("RGB", (600, 200), "white"), io.BytesIO()
    ImageDraw.Draw(page).text((10, 10), "Why is every\npicture the same?", "black", font_size=60)
    page.save(picture, "PNG")
    small = regenerate.in_few_colours(picture.getvalue())
    assert len(small) < 0.6 * len(picture.getvalue())
    made = Image.open(io.BytesIO(small)).convert("RGB")
    assert made.size == page.size and np.abs(np.asarray(made, int) - np.asarray(page, int)).max() <= 20
