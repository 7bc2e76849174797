"""Build the wheel: the package with its data, the notebooks with their evidence, and the website.

    python -m tools.wheel [folder]      into the folder "dist" of the project, or into another

It is built from a copy, so that the project's folder stays as it is. The version is that of pyproject.toml.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import build

ROOT = build.ROOT
OF_THE_NOTEBOOKS = ("*.ipynb", "evidence/*.csv", "evidence/*.npz")


def bundle(folder):
    """Put what a learner opens into a folder: notebooks and site."""
    for pattern in OF_THE_NOTEBOOKS:
        for path in sorted((ROOT / "notebooks").glob(pattern)):
            target = folder / "notebooks" / path.relative_to(ROOT / "notebooks")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    build.build(folder / "site")


def wheel(folder):
    """Build the wheel into a folder and return its path."""
    with tempfile.TemporaryDirectory() as temporary:
        project, made = Path(temporary, "project"), Path(temporary, "made")
        shutil.copytree(ROOT / "aehelpers", project / "aehelpers", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
            shutil.copy(ROOT / name, project)
        bundle(project / "aehelpers" / "bundle")
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", made, project]
        subprocess.run(pip, check=True)
        (path,) = made.glob("*.whl")
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(path, folder))


def main(arguments):
    """Build it and say where it is."""
    path = wheel(Path(arguments[0]) if arguments else ROOT / "dist")
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
