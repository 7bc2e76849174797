"""The files that say what is installed agree with each other; pyproject.toml is the source of truth."""

import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, TOOLS = PYPROJECT["project"], PYPROJECT["tool"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
PINS = [Requirement(line) for line in CONSTRAINTS.splitlines() if line.strip() and not line.lstrip().startswith("#")]
DIRECT = [Requirement(text) for part in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()) for text in part]


def as_dict(requirements):
    return {canonicalize_name(one.name): (one.specifier, one.extras, str(one.marker or "")) for one in requirements}


def test_conda_brings_python_and_pip_and_pip_brings_what_pyproject_asks_for():
    python, pip, from_pip = CONDA["dependencies"]
    assert CONDA["name"] == "aehelpers" and CONDA["channels"] == ["conda-forge"] and pip == "pip"
    # With one =: repo2docker reads the version from the text.
    version = re.fullmatch(r"python=(3\.\d+)", python)[1]
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    pins, *there, project = from_pip["pip"]
    assert (pins, project) == ("-c constraints.txt", "-e .")
    assert as_dict(map(Requirement, there)) == as_dict(DIRECT)
    assert len(there) == len(as_dict(DIRECT)), "a requirement stands there twice"


def test_every_name_is_pinned_once():
    names = [canonicalize_name(pin.name) for pin in PINS]
    assert sorted(names) == sorted(set(names))
    for pin in PINS:
        assert [part.operator for part in pin.specifier] == ["=="], pin
        assert not pin.extras and not pin.url, f"pip takes no such constraint: {pin}"


@pytest.mark.parametrize("wanted", DIRECT, ids=lambda wanted: wanted.name)
def test_pins_are_within_the_bounds(wanted):
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]
    assert pins, f"{wanted.name} is not in constraints.txt: make it again with the command at its head"
    for pin in pins:
        version = next(iter(pin.specifier)).version
        assert wanted.specifier.contains(version), f"{pin} is outside of {wanted}"


def test_constraints_name_the_command_that_made_them_and_are_the_same_for_everyone():
    head = "".join(CONSTRAINTS.splitlines(keepends=True)[:2])
    oldest = re.search(r">=\s*(3\.\d+)", PROJECT["requires-python"])[1]
    options = ("--universal", f"--python-version {oldest}", "--all-extras", "pyproject.toml -o constraints.txt")
    assert [word for word in ("uv pip compile", *options) if word not in head] == []
    assert "://" not in CONSTRAINTS and "--hash" not in CONSTRAINTS
    assert not re.search(r"(?m)^\s*(#\s*)?--?(index|extra-index|find-links|f |i )", CONSTRAINTS)
    assert not re.search(r"(^|[\s=@])/\w", CONSTRAINTS), "a path of somebody's machine"


def test_licences_name_the_data_files():
    from aehelpers.datasets import SHA256

    for name, digest in SHA256.items():
        text = (ROOT / "aehelpers" / "data" / f"LICENSE-{name}.txt").read_text(encoding="utf-8")
        assert f"{name}.npz" in text and digest in text


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bit")
def test_ci_script_can_be_run():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_wheel_holds_every_package():
    """An editable install shows all of them, also those that nothing would bring to another machine."""
    assert TOOLS["setuptools"]["packages"] == {"find": {"include": ["aehelpers*"]}}
    folders = {path.parent for path in (ROOT / "aehelpers").rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
