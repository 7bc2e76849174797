"""The project keeps to the style that pyproject.toml sets: what the linters say, and where tests stand."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    "command",
    [
        "ruff check .",
        "ruff format --check .",
        "lint-imports --no-cache",
        "oxlint --deny-warnings aehelpers/displays website",
    ],
)
def test_the_linter_finds_nothing(command):
    name, *arguments = command.split()
    program = shutil.which(name, path=sysconfig.get_path("scripts"))
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", ["aehelpers/displays", "website"])
def test_javascript_and_css_keep_the_line_length_of_python(folder):
    files = [path for pattern in ("*.js", "*.css") for path in (ROOT / folder).glob(pattern)]
    numbered = ((path.name, number, line) for path in files for number, line in enumerate(path.open(encoding="utf-8"), 1))
    assert files and [(name, number) for name, number, line in numbered if len(line.rstrip("\n")) > 128] == []


def test_each_public_module_has_its_tests():
    modules = {path.stem for path in (ROOT / "aehelpers").glob("[!_]*.py")}
    assert modules - {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")} == set()
