"""Start the notebooks or the tests; the first start makes the environment they need.

    python3 run.py lab [options of JupyterLab]          open the notebooks in JupyterLab
    python3 run.py test [--newest] [options of pytest]  run the tests, then every notebook; a path runs only that path
    python3 run.py test --colab [names or numbers]      run notebooks with the versions that Colab has
    python3 run.py notebooks [names or numbers]         execute notebooks again and store their outputs
    python3 run.py site [folder]                        write the website: everything alive, with nothing installed
    python3 run.py class [--port N] [--save FILE] ...   let a class vote, with its phones (class --help: all options)

The environment is the folder .venv beside this file. Inside a conda environment or a Binder that already holds what
environment.yml asks for, nothing is installed and that environment is used. "test --newest" tries the newest releases
of everything in a folder of its own, .venv-newest, which it brings up to date once a day.
"""

# Older Pythons must be able to read this file, or they could not say which Python is needed: only syntax of Python 3.6.

import contextlib
import datetime
import errno
import glob
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time

ROOT = os.path.dirname(os.path.abspath(__file__))
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
NEEDED = ("jupyterlab", "anywidget", "tensorflow", "sklearn", "nbval", "pytest", "xdist", "segno")

# Files side by side, each from its beginning to its end by one process. Each process and its notebook take about 2 GB.
SIDE_BY_SIDE = ("--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile")
STAMP = "made-by-run.txt"
QUIET_LAB = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
# Options of pytest whose value is the next word: a value that happens to be a file's name is not a path to test.
PYTEST_TAKES_VALUE = ("-k", "-m", "-p", "-o", "-c", "-n", "-W", "-r")
# Options of the class whose value is a path: it is meant from where the command is given.
CLASS_TAKES_PATH = ("--save", "--resume", "--site")


WITHOUT_PYTHON = (
    "What works here is the website, for which nothing is installed: each release of the project has it as site.zip. "
    "Unpack it and open index.html in a browser."
)


def why_not_here():
    """Return a sentence if there is no TensorFlow for this Python or machine, before anything is downloaded."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return f"This project needs Python 3.11, 3.12 or 3.13, and this is Python {VERSION}."
    if sys.maxsize < 2**32:
        return f"TensorFlow needs a 64-bit Python, and this one ({sys.executable}) has 32 bits. Install the other one."
    if sys.platform == "linux" and "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or ""):
        return "There is no TensorFlow for Linux with musl, such as Alpine. Use a system with glibc, such as Debian."
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        return "There is no TensorFlow above 2.16 for Macs with an Intel processor, and this project needs 2.20."
    return ""


class Problem(Exception):
    """Something the user can put right; shown as a sentence, without a traceback."""


def main(arguments):
    """Do what the command line says; return the exit code."""
    reason = why_not_here()
    if reason:
        sys.stderr.write(f"{reason}\n{WITHOUT_PYTHON}\n")
        return 2
    commands = {"lab": lab, "test": test, "notebooks": notebooks, "site": site, "class": classroom}
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0
    if arguments[0] in ("site", "notebooks") and arguments[1:2] in (["-h"], ["--help"]):  # the others have a help of their own
        print(__doc__.strip())
        return 0
    if arguments[0] not in commands:
        say(f"There is no command {arguments[0]!r}; the commands are lab, test, notebooks, site and class.", sys.stderr)
        return 2
    try:
        return commands[arguments[0]](arguments[1:])
    except Problem as problem:
        say(str(problem), sys.stderr)
        return 1
    except OSError as error:
        say(f"{error}. Is the disk full, or may you not write in this folder?", sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("\nStopped. Start it again whenever you like: what is unfinished is made anew.", sys.stderr)
        return 130


def lab(arguments):
    """Open JupyterLab on the start notebook."""
    python = environment()
    start = "notebooks/00_start_here.ipynb"
    page = start if os.path.exists(os.path.join(ROOT, start)) else "notebooks"
    options = [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{page}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # JupyterLab refuses root otherwise, and containers have no other user
    return become([python, "-m", "jupyterlab", *options, *arguments])


def test(arguments):
    """Run pytest over the tests, and nbval over the notebooks."""
    if "--colab" in arguments:
        words = [word for word in arguments if word != "--colab"]
        return become([environment(), "-m", "tools.colab", *words], folder=ROOT)
    newest = "--newest" in arguments
    python = environment(newest)
    arguments, paths_given = with_absolute_paths([word for word in arguments if word != "--newest"])
    if not paths_given:
        books = glob.glob(os.path.join(glob.escape(ROOT), "notebooks", "*.ipynb"))
        arguments = [*SIDE_BY_SIDE, *arguments, os.path.join(ROOT, "tests"), *sorted(books)]
    make_matplotlib_folder(python)
    sanitizer = os.path.join(ROOT, "tests", "nbval_sanitize.cfg")
    nbval = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=120", f"--nbval-sanitize-with={sanitizer}"]
    return become([python, "-m", "pytest", *nbval, "-p", "tests.notebooks.memory", *arguments], folder=ROOT)


def with_absolute_paths(arguments):
    """Make the paths among pytest's arguments absolute, whether they were meant from here or from the project."""
    words, paths_given = [], False
    for before, word in zip([None, *arguments], arguments):  # noqa: B905 - strict= is newer than Python 3.6
        path, separator, name = word.partition("::")
        if not word.startswith("-") and before not in PYTEST_TAKES_VALUE:
            for folder in (os.getcwd(), ROOT):
                if os.path.exists(os.path.join(folder, path)):
                    word, paths_given = os.path.join(folder, path) + separator + name, True
                    break
        words.append(word)
    return words, paths_given


def notebooks(arguments):
    """Execute notebooks again and store their outputs."""
    python = environment()
    make_matplotlib_folder(python)
    return become([python, "-m", "tools.regenerate", *arguments], folder=ROOT)


def site(arguments):
    """Write the static website."""
    python = environment()
    return become([python, "-m", "tools.build", *map(os.path.abspath, arguments)], folder=ROOT)


def classroom(arguments):
    """Serve the website to a class and let it vote."""
    python = environment()
    words = []
    for before, word in zip([None, *arguments], arguments):  # noqa: B905 - strict= is newer than Python 3.6
        option, equals, value = word.partition("=")
        if before in CLASS_TAKES_PATH:
            word = os.path.abspath(word)
        elif equals and option in CLASS_TAKES_PATH:
            word = option + equals + os.path.abspath(value)
        words.append(word)
    return become([python, "-m", "classroom.votes", *words], folder=ROOT)


def make_matplotlib_folder(python):
    """Give matplotlib a folder of the project's own, with its list of fonts made.

    A list in the user's home may be damaged, and while a new one is made matplotlib says so: in a notebook, a line in red.
    """
    os.environ["MPLCONFIGDIR"] = os.path.join(ROOT, ".matplotlib")
    run([python, "-c", "import matplotlib.font_manager"])


def become(command, folder=None):
    """Hand over to the command, so that Ctrl-C, signals and the exit code are its own affair."""
    sys.stdout.flush()
    if folder:
        os.chdir(folder)
    if os.name == "posix":
        os.execv(command[0], command)
    process = subprocess.Popen(command)  # on Windows, exec would give the prompt back at once
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # the command got it too, and decides
            return process.wait()


def environment(newest=False):
    """Return the path of a Python that has all that is needed, and make that environment if there is none yet."""
    if not newest and suitable_already():
        return sys.executable
    venv = os.path.join(ROOT, ".venv-newest" if newest else ".venv")
    if not ready(venv, newest):
        with locked(venv + ".lock", f"Another start of run.py is preparing {os.path.basename(venv)}; waiting for it."):
            if not ready(venv, newest):  # the other start may have made it meanwhile
                make(venv, newest)
    return python_of(venv)


def suitable_already():
    """Whether this Python belongs to a conda environment or a Binder that holds what is needed."""
    conda = os.path.isdir(os.path.join(sys.prefix, "conda-meta"))
    return (conda or "BINDER_SERVICE_HOST" in os.environ) and all(map(importlib.util.find_spec, NEEDED))


def python_of(venv):
    return os.path.join(venv, "Scripts", "python.exe") if os.name == "nt" else os.path.join(venv, "bin", "python")


def ready(venv, newest):
    return read_stamp(venv) == stamp(newest) and python_starts(venv)


def stamp(newest):
    """Return what the environment depends on: the Python and the place (line 1), the requirements (line 2)."""
    place = " ".join([VERSION, sysconfig.get_platform(), ROOT])
    digest = hashlib.sha256(str(datetime.date.today()).encode() if newest else b"")
    for name in ["pyproject.toml"] if newest else ["pyproject.toml", "constraints.txt"]:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read() + b"\0")
    return [hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest(), digest.hexdigest()]


def read_stamp(venv):
    try:
        with open(os.path.join(venv, STAMP), encoding="ascii") as file:
            return file.read().split()
    except (OSError, ValueError):
        return []


def python_starts(venv):
    try:
        return subprocess.call([python_of(venv), "-c", ""], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def make(venv, newest):
    """Bring the environment to what the requirements say, in place where that will do, else anew."""
    name = os.path.basename(venv)
    if os.path.lexists(venv) and not is_venv(venv):
        raise Problem(f"{venv} is in the way: it is not a virtual environment. Move it elsewhere, then start again.")
    if read_stamp(venv)[:1] == stamp(newest)[:1] and python_starts(venv):
        say(f"The requirements have changed: bringing {name} up to date, which can take a minute.")
        os.remove(os.path.join(venv, STAMP))  # an update cut short must not pass for a finished one
        if install(venv, newest).returncode == 0:
            return write_stamp(venv, newest)
    say(f"Making the environment {name}. This happens once; on a fast line it takes one to two minutes.")
    say("It downloads half a gigabyte and takes two and a half of disk.")
    remove(venv)
    os.mkdir(venv)
    open(os.path.join(venv, "pyvenv.cfg"), "w").close()  # first of all, so that a half-made one is known for what it is
    # Not sys.executable: that may be the very environment that was just removed.
    base = getattr(sys, "_base_executable", None) or sys.executable
    done = run([base, "-m", "venv", venv])
    if done.returncode:
        raise Problem(
            f"{done.stdout}\nPython could not make {venv}. Is the disk full? On Debian and Ubuntu: install python3-venv."
        )
    done = install(venv, newest)
    if done.returncode:
        raise Problem(
            f"{done.stdout}\npip could not install what is needed (above is all it said). Is the network there, and is there "
            "room on the disk? Then start again: it begins anew, and what pip has downloaded is kept."
        )
    write_stamp(venv, newest)


def is_venv(folder):
    """Whether the folder is an environment or empty, so that it may be removed."""
    if os.path.islink(folder) or not os.path.isdir(folder):
        return False
    return os.path.exists(os.path.join(folder, "pyvenv.cfg")) or not os.listdir(folder)


def remove(venv):
    """Remove an environment: first the stamp, last the file by which it is known as one, in case this is cut short."""
    if not os.path.exists(venv):
        return
    inside = sorted(os.listdir(venv), key=lambda name: (name == "pyvenv.cfg", name != STAMP))
    try:
        for path in [os.path.join(venv, name) for name in inside]:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.remove(path)
        os.rmdir(venv)
    except OSError as error:
        raise Problem(f"{venv} cannot be removed ({error}). Close every program that uses it, then start again.") from error


def install(venv, newest):
    what = ["--upgrade", "--upgrade-strategy", "eager"] if newest else ["-c", "constraints.txt"]
    pip = [python_of(venv), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    return run([*pip, *what, "-e", ".[tensorflow,lab,site,class,test]"], tells=True)


def run(command, tells=False):
    """Run a command in the project's folder and keep what it says; if it tells, show now and then how far pip is."""
    # The lock goes to the command too: should this process be killed, the next start waits until the command has ended.
    held = {"pass_fds": LOCKS} if os.name == "posix" else {}
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    lines, shown = [], time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, **how, **held) as process:
        try:
            for line in process.stdout:
                lines.append(line)
                if not tells:
                    continue
                if line.startswith("Installing collected packages"):
                    say("All is there. Unpacking it is the last step, without a word, and takes about as long again.")
                elif line.startswith("Collecting") and time.monotonic() > shown + 10:
                    say(f"{line.split('(')[0].strip()} ...")
                    shown = time.monotonic()
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, stdout="".join(lines))


def write_stamp(venv, newest):
    """Write the stamp, last of all: without it the environment counts as half made."""
    settings = os.path.join(venv, "share", "jupyter", "lab", "settings")
    os.makedirs(settings, exist_ok=True)
    with open(os.path.join(settings, "overrides.json"), "w", encoding="ascii") as file:
        json.dump(QUIET_LAB, file)  # or JupyterLab asks every new user whether it may fetch its news
    with open(os.path.join(venv, STAMP), "w", encoding="ascii") as file:
        file.write("\n".join(stamp(newest)) + "\n")


LOCKS = []  # file descriptors of the locks this process holds


@contextlib.contextmanager
def locked(path, message):
    """Hold a lock file; the operating system lets go of it when the process ends, however it ends."""
    with open(path, "a") as file:
        if not try_lock(file):
            say(message)
            while not try_lock(file):
                time.sleep(0.2)
        LOCKS.append(file.fileno())
        try:
            yield
        finally:
            LOCKS.remove(file.fileno())


def try_lock(file):
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Anything else than "somebody has it" is a file system without locks: better no lock than no start.
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True


def say(text, to=None):
    """Print at once, also where the terminal lacks a letter of the project's path."""
    to = to or sys.stdout
    print(text.encode(to.encoding or "ascii", "replace").decode(to.encoding or "ascii"), file=to, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
