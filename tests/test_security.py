"""Nothing in the project runs text as code, hands text to a shell, or unpickles."""

import ast
from pathlib import Path

import aehelpers as ae
import nbformat
import pytest

ROOT = Path(ae.__file__).resolve().parents[1]
FILES = [path for pattern in ("*.py", "[!.]*/*.py", "[!.]*/*/*.py", "notebooks/*.ipynb") for path in ROOT.glob(pattern)]
PROGRAMS = sorted(path for path in FILES if ROOT / "tests" not in path.parents)

FORBIDDEN_CALLS = {"eval", "exec", "__import__", "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
FORBIDDEN_MODULES = {"pickle", "shelve", "marshal", "dill", "joblib"}
SAFE_OPTIONS = {"shell": "False", "allow_pickle": "False", "safe_mode": "True"}


def dangers(source):
    """Return what is forbidden in a program."""
    found, modules = [], []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            options = {word.arg: ast.unparse(word.value) for word in node.keywords}
            found += [called] if called in FORBIDDEN_CALLS else []
            found += ["np.load without allow_pickle"] if called == "np.load" and "allow_pickle" not in options else []
            found += [f"{name}={options[name]}" for name, safe in SAFE_OPTIONS.items() if options.get(name, safe) != safe]
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            modules.append(node.module or "")
    return found + [name for name in modules if name.partition(".")[0] in FORBIDDEN_MODULES]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_run_as_code(path):
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(source, as_version=4).cells
        source = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert dangers(source) == []


def test_the_search_finds_and_reads_everything():
    for source in (
        "eval('1')",
        "exec(text)",
        "import os\nos.system('ls')",
        "import pickle",
        "from pickle import loads",
        "subprocess.run('ls', shell=True)",
        "np.load(file)",
        "np.load(file, allow_pickle=True)",
        "keras.models.load_model(path, safe_mode=False)",
    ):
        assert dangers(source), source
    names = {str(path.relative_to(ROOT)) for path in PROGRAMS}
    assert {"run.py", "aehelpers/displays/widget.py", "notebooks/evidence/record.py", "notebooks/06_denoising.ipynb"} <= names
