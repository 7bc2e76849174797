"""The wheel: what is in it, and that it works outside of the project's folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import wheel

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 80e6  # bytes; the index of packages takes 100 MB, and half of it are the data sets
HEAR = (
    "import webbrowser; webbrowser.open = print; from aehelpers.__main__ import main; import sys; sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return wheel.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """A folder that has the package of the wheel and nothing else of the project."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder, built]
    subprocess.run(pip, check=True)
    return folder


@pytest.fixture
def python(installed, tmp_path):
    """Run Python in an empty folder, with the package of the wheel."""

    def run(*arguments):
        environment = os.environ | {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)

    return run


def test_it_holds_package_notebooks_and_site(built):
    names = set(zipfile.ZipFile(built).namelist())
    for path in (ROOT / "aehelpers").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert path.relative_to(ROOT).as_posix() in names
    for path in [
        *ROOT.glob("notebooks/*.ipynb"),
        *ROOT.glob("notebooks/evidence/*.npz"),
        *ROOT.glob("notebooks/evidence/*.csv"),
    ]:
        assert f"aehelpers/bundle/{path.relative_to(ROOT).as_posix()}" in names
    assert {"aehelpers/bundle/site/index.html", "aehelpers/bundle/site/playground.html"} <= names
    assert not [name for name in names if name.startswith(("tests", "tools", "benchmarks"))]
    assert built.stat().st_size < LIMIT


def test_building_it_leaves_the_projects_folder_alone(built):
    assert not (ROOT / "aehelpers" / "bundle").exists()


def test_it_finds_its_evidence_anywhere(python):
    done = python("-c", "import aehelpers as ae; print(ae.__file__); print(len(ae.stored_runs('step_code')) > 0)")
    assert done.stdout.splitlines()[-1:] == ["True"], done.stderr
    assert str(ROOT) not in done.stdout


def test_site_and_notebooks_come_out_of_it_and_keep_what_was_written(python, tmp_path):
    done = python("-c", HEAR, "site")
    assert done.returncode == 0 and "autoencoder-site/index.html" in done.stdout, done.stderr
    assert (tmp_path / "autoencoder-site" / "index.html").is_file()
    fake = tmp_path / "fake"
    (fake / "jupyterlab").mkdir(parents=True)
    (fake / "jupyterlab" / "__init__.py").write_text("")
    (fake / "jupyterlab" / "__main__.py").write_text("import os, sys\nprint(sorted(os.listdir()), sys.argv[1:])\n")
    lab = f"import os; os.environ['PYTHONPATH'] += os.pathsep + {str(fake)!r}; {HEAR}"
    done = python("-c", lab, "lab", "mine", "--port=8890")
    assert "00_start_here.ipynb', '--port=8890'" in done.stdout and "evidence" in done.stdout, done.stderr
    assert ("--allow-root" in done.stdout) == (hasattr(os, "geteuid") and os.geteuid() == 0)
    book = tmp_path / "mine" / "00_start_here.ipynb"
    book.write_text("my own")
    assert "0 new files" in python("-c", lab, "lab", "mine").stdout and book.read_text() == "my own"


@pytest.mark.parametrize("words", [["tset"], ["lab", "a", "b"], ["site", "--no-browser"]])
def test_other_words_get_the_usage(python, words, tmp_path):
    done = python("-c", HEAR, *words)
    assert done.returncode == 2 and "python -m aehelpers lab [folder]" in done.stderr and not os.listdir(tmp_path)


@pytest.mark.parametrize("words", [["--help"], ["site", "--help"], ["lab", "-h"]])
def test_help_copies_nothing(python, words, tmp_path):
    done = python("-c", HEAR, *words)
    assert done.returncode == 0 and "python -m aehelpers lab [folder]" in done.stdout and not os.listdir(tmp_path)


def test_a_clone_is_told_what_to_do_instead(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "aehelpers", "site", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "python3 run.py site" in done.stderr and not (tmp_path / "site").exists()
