"""Run notebooks as on Colab: the command behind `python3 run.py test --colab`.

    python3 run.py test --colab            00, 03 and 09
    python3 run.py test --colab 01 04      others

tools/colab.txt lists Colab's versions. An environment with exactly these gets the wheel, which must not change any of them, and
runs the notebooks in an empty folder, so that they find their evidence in the package. Colab's Python is 3.13; here it is
the one that runs this. How Colab shows a widget is not tested: that takes Colab itself.

Exit code 75: these versions cannot be installed here, so nothing was tested.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import regenerate, wheel

VERSIONS = Path(__file__).with_name("colab.txt")
ENVIRONMENT = wheel.ROOT / ".venv-colab"
NOTEBOOKS = ("00", "03", "09")
NOT_TESTED = 75  # sysexits.h: a temporary failure
NBVAL = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=300", "-p", "no:cacheprovider", "-q"]


def versions(python):
    """Return what is installed, a line each."""
    command = [python, "-m", "pip", "freeze", "--exclude", "aehelpers"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines())


def main(arguments):
    """Make the environment, install the wheel, run the notebooks; return the exit code."""
    books = regenerate.find(arguments or NOTEBOOKS)
    subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
    python = ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "-r", VERSIONS, "nbval>=0.11,<1", "pytest>=8.4,<10"], check=False).returncode:
        print("Colab's versions cannot be installed here, so nothing was tested.", file=sys.stderr)
        return NOT_TESTED
    before = versions(python)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*pip, wheel.wheel(Path(folder))], check=True)
        if changed := sorted(before - versions(python)):
            print(f"Installing the package has changed what Colab has: {', '.join(changed)}", file=sys.stderr)
            return 1
        here = Path(folder, "content")
        here.mkdir()
        for book in books:
            shutil.copy(book, here)
        return subprocess.run([python, "-m", "pytest", *NBVAL, here], cwd=here, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
