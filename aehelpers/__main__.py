"""Bring the notebooks and the website out of the installed package.

    python -m aehelpers lab [folder]     copy the notebooks into a folder and open it in JupyterLab
    python -m aehelpers site [folder]    copy the website into a folder and open it in a browser

A file that is there already stays as it is, so that what you have written into a notebook is kept.
"""

import shutil
import subprocess
import sys
import webbrowser
from importlib.util import find_spec
from pathlib import Path

from aehelpers.evidence import BUNDLE

FOLDERS = {"lab": ("notebooks", "autoencoder-notebooks"), "site": ("site", "autoencoder-site")}  # in the wheel, and outside


def bring(part, folder):
    """Copy a part of the bundle into a folder, file by file, but for what is there; return how many files were new."""
    source, new = BUNDLE / part, 0
    if not source.is_dir():
        raise FileNotFoundError(
            f"this installation of aehelpers has no {part}. In a clone of the project, start `python3 run.py lab` or "
            "`python3 run.py site` instead"
        )
    for path in sorted(source.rglob("*")):
        target = folder / path.relative_to(source)
        if path.is_file() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            new += 1
    return new


def main(arguments):
    """Do what the command line says; return the exit code."""
    if not arguments or arguments[0] not in FOLDERS or len(arguments) > 2:
        print(__doc__.strip(), file=sys.stderr if arguments else sys.stdout)
        return 2 if arguments else 0
    command, (part, usual) = arguments[0], FOLDERS[arguments[0]]
    if command == "lab" and find_spec("jupyterlab") is None:
        print('JupyterLab is not installed: pip install "aehelpers[lab]"', file=sys.stderr)
        return 1
    folder = Path(arguments[1] if arguments[1:] else usual).resolve()
    try:
        new = bring(part, folder)
    except OSError as error:
        print(f"{error}.", file=sys.stderr)
        return 1
    print(f"{folder}: {new} new files", flush=True)
    if command == "lab":
        return subprocess.call([sys.executable, "-m", "jupyterlab", "00_start_here.ipynb"], cwd=folder)
    webbrowser.open((folder / "index.html").as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
