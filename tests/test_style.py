"""The project keeps to its style: what the linters say, where tests stand, and that what the documentation names is there."""

import re
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
        "oxlint --deny-warnings aehelpers/displays website classroom/votes/pages tests/displays",
    ],
)
def test_the_linter_finds_nothing(command):
    name, *arguments = command.split()
    program = shutil.which(name, path=sysconfig.get_path("scripts"))
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", ["aehelpers/displays", "website", "classroom/votes/pages", "tests/displays"])
def test_javascript_and_css_keep_the_line_length_of_python(folder):
    files = [path for pattern in ("*.js", "*.css") for path in (ROOT / folder).glob(pattern)]
    numbered = ((path.name, number, line) for path in files for number, line in enumerate(path.open(encoding="utf-8"), 1))
    assert files and [(name, number) for name, number, line in numbered if len(line.rstrip("\n")) > 128] == []


def test_each_public_module_has_its_tests():
    modules = {path.stem for path in (ROOT / "aehelpers").glob("[!_]*.py")}
    assert modules - {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")} == set()


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "docs/running.md", "docs/trust.md", "benchmarks/README.md", "classroom/README.md"]
)
def test_files_that_are_named_are_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    folders = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != ".")
    named = set(re.findall(rf"(?:`|<code>)((?:{folders})/[\w./]*)", text))
    modules = {ROOT / name.replace(".", "/") for name in re.findall(r"python -m ((?:benchmarks|tools)\.[a-z_]+)", text)}
    assert named or modules
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [path for path in modules if not (path.with_suffix(".py").exists() or (path / "__main__.py").exists())] == []
