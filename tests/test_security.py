"""Nothing in the project runs text as code, hands text to a shell, or unpickles."""

import ast
from pathlib import Path

import aehelpers as ae
import nbformat
import pytest

ROOT = Path(ae.__file__).resolve().parents[1]
PROGRAMS = sorted(path for pattern in ("*.py", "*/*.py", "*/*/*.py", "notebooks/*.ipynb") for path in ROOT.glob(pattern))
PROGRAMS = [
    path
    for path in PROGRAMS
    if path.relative_to(ROOT).parts[0] != "tests" and "/." not in f"/{path.relative_to(ROOT).as_posix()}"
]

FORBIDDEN_NAMES = {"eval", "exec", "__import__"}
FORBIDDEN_ATTRIBUTES = {("os", "system"), ("os", "popen"), ("subprocess", "getoutput"), ("subprocess", "getstatusoutput")}
FORBIDDEN_MODULES = {"pickle", "shelve", "marshal", "dill", "joblib"}


def dangers(source):
    """Return what is forbidden in a program, as (line, what)."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_NAMES:
                found.append((node.lineno, node.func.id))
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                name = (node.func.value.id, node.func.attr)
                if name in FORBIDDEN_ATTRIBUTES:
                    found.append((node.lineno, ".".join(name)))
                if name == ("np", "load") and not any(
                    word.arg == "allow_pickle" and getattr(word.value, "value", None) is False for word in node.keywords
                ):
                    found.append((node.lineno, "np.load without allow_pickle=False"))
            for word in node.keywords:
                constant = getattr(word.value, "value", None)
                if (word.arg in ("shell", "allow_pickle") and constant is not False) or (
                    word.arg == "safe_mode" and not constant
                ):
                    found.append((node.lineno, f"{word.arg}="))
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [(node.lineno, name) for name in names if name.partition(".")[0] in FORBIDDEN_MODULES]
    return found


def source_of(path):
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_run_as_code(path):
    assert dangers(source_of(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec(text)",
        "import os\nos.system('ls')",
        "import pickle",
        "from pickle import loads",
        "subprocess.run('ls', shell=True)",
        "np.load(file)",
        "np.load(file, allow_pickle=True)",
        "keras.models.load_model(path, safe_mode=False)",
    ],
)
def test_the_search_finds(source):
    assert dangers(source)


def test_the_search_reads_everything():
    names = {str(path.relative_to(ROOT)) for path in PROGRAMS}
    assert {"run.py", "aehelpers/displays/widget.py", "notebooks/evidence/record.py", "notebooks/06_denoising.ipynb"} <= names
