"""Bring the notebooks and the website out of the installed package.

    python -m aehelpers lab [folder] [options]    copy the notebooks into a folder and open it in JupyterLab, with its options
    python -m aehelpers site [folder]             copy the website into a folder and open it in a browser

A file that is there already stays as it is, so that what you have written into a notebook is kept.
"""

import os
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
    if not arguments or arguments[0] in ("-h", "--help") or arguments[1:] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    command, *rest = arguments
    folders = [word for word in rest[:1] if not word.startswith("-")]
    options = rest[len(folders) :]
    if command not in FOLDERS or not all(word.startswith("-") for word in options) or (command == "site" and options):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    part, usual = FOLDERS[command]
    if command == "lab" and find_spec("jupyterlab") is None:
        print('JupyterLab is not installed: pip install "aehelpers[lab]"', file=sys.stderr)
        return 1
    folder = Path(*folders or [usual]).resolve()
    try:
        new = bring(part, folder)
    except OSError as error:
        print(f"{error}.", file=sys.stderr)
        return 1
    print(f"{folder}: {new} new files", flush=True)
    if command == "lab":
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--allow-root")  # JupyterLab refuses root otherwise, and containers have no other user
        return subprocess.call([sys.executable, "-m", "jupyterlab", "00_start_here.ipynb", *options], cwd=folder)
    webbrowser.open((folder / "index.html").as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
