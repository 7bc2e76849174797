"""run.py: the environment is made once, repaired when broken, and never at the cost of somebody else's folder."""

import ast
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import run as run_py

RUN_PY = Path(run_py.__file__)
SUITABLE_ALREADY = run_py.suitable_already()
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has other signals")

# Put before run.main in a process of its own: no conda, a venv without pip (which is quick), and a stand-in for pip.
STAND_IN = """
import signal, subprocess, sys, time
import run
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in a shell's background is born deaf to Ctrl-C
run.suitable_already = lambda: False
real_run = run.run
run.run = lambda command: real_run([*command, "--without-pip"] if "venv" in command else command)
def install(venv, newest):
    with open("installs.txt", "a") as file:
        file.write("install\\n")
    return real_run([sys.executable, "-c", "import time; time.sleep({seconds})"])
run.install = install
sys.exit(run.main(sys.argv[1:]))
"""


def make_project(folder):
    folder.mkdir(parents=True)
    shutil.copy(RUN_PY, folder)
    (folder / "pyproject.toml").write_text('[project]\nname = "small"\n')
    (folder / "constraints.txt").write_text("numpy==1\n")
    (folder / "notebooks").mkdir()
    (folder / "tools").mkdir()
    (folder / "tools" / "regenerate.py").write_text("import sys\nprint(sys.prefix)\nsys.exit(int(sys.argv[1]))\n")
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run.py in a small project, with a record of what it would install."""
    module = run_py
    monkeypatch.setattr(module, "ROOT", str(make_project(tmp_path / "prôject one")))
    module.pip_calls, module.pip_fails = [], 0
    real_run = module.run

    def recorder(command, tells=False):
        if "pip" not in command:
            return real_run([*command, "--without-pip"])
        module.pip_calls.append(command[command.index("install") + 1 :])
        module.pip_fails -= 1
        return subprocess.CompletedProcess(command, int(module.pip_fails >= 0), stdout="what pip said")

    monkeypatch.setattr(module, "run", recorder)
    monkeypatch.setattr(module, "suitable_already", lambda: False)
    monkeypatch.setattr(module, "become", lambda command, folder=None: 0)  # the real one would replace pytest itself
    return module


@pytest.fixture
def handed_over(run, monkeypatch):
    """The commands that run.py would become, with the environment's Python as "python"."""
    commands = []
    monkeypatch.setattr(run, "environment", lambda newest=False: "newest python" if newest else "python")
    monkeypatch.setattr(run, "become", lambda command, folder=None: commands.append(command) or 0)
    monkeypatch.setattr(run, "run", lambda command: run.prepared.append(command))
    monkeypatch.setenv("MPLCONFIGDIR", "somewhere at home")
    run.prepared = []
    return commands


def venv(run):
    return Path(run.ROOT, ".venv")


def leave_a_trace(run):
    trace = venv(run) / "trace"
    trace.mkdir(exist_ok=True)
    (trace / "file").touch()
    return trace


def interrupted(*_):
    raise KeyboardInterrupt


def test_parses_on_python_3_6():
    ast.parse(RUN_PY.read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 13), (3, 14, 0)])
def test_other_pythons_get_a_sentence_and_what_works_there(run, monkeypatch, capsys, version):
    monkeypatch.setattr(run.sys, "version_info", version)
    assert run.main(["lab"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 2 and "3.11, 3.12 or 3.13" in said.err and "site.zip" in said.err


@pytest.mark.parametrize(
    ("platform", "machine", "bits", "system", "expected"),
    [
        ("linux", "x86_64", 64, "x86_64-pc-linux-gnu", ""),
        ("linux", "aarch64", 64, "aarch64-unknown-linux-gnu", ""),
        ("win32", "AMD64", 64, None, ""),
        ("darwin", "arm64", 64, "aarch64-apple-darwin", ""),
        ("darwin", "x86_64", 64, "x86_64-apple-darwin", "Macs with an Intel processor"),
        ("linux", "x86_64", 64, "x86_64-pc-linux-musl", "musl"),
        ("win32", "x86", 32, None, "has 32 bits"),
    ],
)
def test_a_machine_without_tensorflow_is_told_so(run, monkeypatch, capsys, platform, machine, bits, system, expected):
    monkeypatch.setattr(run.sys, "platform", platform)
    monkeypatch.setattr(run.sys, "maxsize", 2 ** (bits - 1) - 1)
    monkeypatch.setattr(run.platform, "machine", lambda: machine)
    monkeypatch.setattr(run.sysconfig, "get_config_var", lambda name: system if name == "HOST_GNU_TYPE" else None)
    said = run.why_not_here()
    assert (said == "") if not expected else (expected in said)
    if expected:
        assert run.main(["lab"]) == 2 and run.WITHOUT_PYTHON in capsys.readouterr().err and run.pip_calls == []


def test_usage_and_an_unknown_command(run, capsys):
    for arguments in ([], ["--help"]):
        assert run.main(arguments) == 0 and "run.py test [--newest]" in capsys.readouterr().out
    assert run.main(["tset"]) == 2 and "'tset'" in capsys.readouterr().err


def test_second_start_installs_nothing(run, capsys):
    python = run.environment()
    assert Path(python).parent.parent == venv(run)
    assert run.pip_calls[0][-3:] == ["constraints.txt", "-e", ".[tensorflow,lab,site,class,test]"]
    assert "once" in capsys.readouterr().out
    assert run.environment() == python and len(run.pip_calls) == 1
    assert capsys.readouterr().out == ""


def test_works_when_started_by_the_environments_own_python(run, monkeypatch):
    python = run.environment()
    monkeypatch.setattr(run.sys, "executable", python)
    monkeypatch.setattr(run.sys, "prefix", str(venv(run)))
    assert run.environment() == python
    os.remove(venv(run) / run.STAMP)
    assert run.python_starts(str(Path(run.environment()).parent.parent))


def test_changed_requirements_are_installed_in_place_unless_that_fails_or_is_cut_short(run, monkeypatch):
    run.environment()
    trace = leave_a_trace(run)
    constraints = Path(run.ROOT, "constraints.txt")
    constraints.write_text("numpy==2\n")
    run.environment()
    run.environment()
    assert len(run.pip_calls) == 2 and trace.exists()
    Path(run.ROOT, "pyproject.toml").write_text('[project]\nname = "other"\n')
    run.pip_fails = 1
    run.environment()
    assert len(run.pip_calls) == 4 and not trace.exists()
    assert run.ready(str(venv(run)), newest=False)
    trace = leave_a_trace(run)
    constraints.write_text("numpy==3\n")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run, "install", interrupted)
        run.environment()
    assert trace.exists()
    run.environment()
    assert not trace.exists()
    assert run.ready(str(venv(run)), newest=False)


DAMAGES = {
    "moved project": lambda run, python, stamp: setattr(run, "ROOT", shutil.move(run.ROOT, run.ROOT + " moved")),
    "broken python": lambda run, python, stamp: os.remove(python),
    "no stamp": lambda run, python, stamp: stamp.write_bytes(b""),
    "damaged stamp": lambda run, python, stamp: stamp.write_bytes(b"\xff"),
    "half made": lambda run, python, stamp: [shutil.rmtree(venv(run)), venv(run).mkdir()],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_environment_is_made_anew(run, damage):
    python = run.environment()
    trace = leave_a_trace(run)
    DAMAGES[damage](run, python, venv(run) / run.STAMP)
    run.environment()
    run.environment()
    assert len(run.pip_calls) == 2
    assert not (venv(run) / trace.name).exists()
    assert run.ready(str(venv(run)), newest=False)


def test_failed_install_says_what_to_do_and_is_repaired(run, capsys):
    run.pip_fails = 1
    assert run.main(["notebooks"]) == 1
    said = capsys.readouterr().err
    assert "what pip said" in said and "network" in said and "disk" in said and "Traceback" not in said
    run.environment()
    assert run.ready(str(venv(run)), newest=False)


def test_removal_cut_short_is_finished_next_time(run, monkeypatch):
    run.environment()
    leave_a_trace(run)
    (venv(run) / run.STAMP).write_text("old")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run.shutil, "rmtree", interrupted)
        run.environment()
    assert not (venv(run) / run.STAMP).exists() and (venv(run) / "trace").exists()
    run.environment()
    assert not (venv(run) / "trace").exists()
    assert run.ready(str(venv(run)), newest=False)


@pytest.mark.parametrize("kind", ["folder", "file", pytest.param("link", marks=posix_only)])
def test_refuses_what_is_not_an_environment(run, tmp_path, capsys, kind):
    folder = tmp_path / "elsewhere" if kind == "link" else venv(run)
    mine = folder if kind == "file" else folder / "mine.txt"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("precious")
    if kind == "link":
        (folder / "pyvenv.cfg").touch()
        venv(run).symlink_to(folder, target_is_directory=True)
    assert run.main(["notebooks"]) == 1
    assert "not a virtual environment" in capsys.readouterr().err
    assert mine.read_text() == "precious"
    assert run.pip_calls == []


def test_newest_has_its_own_environment_without_constraints(run, monkeypatch):
    run.environment()
    python = run.environment(newest=True)
    assert Path(python).parent.parent.name == ".venv-newest"
    assert "constraints.txt" not in run.pip_calls[1] and "eager" in run.pip_calls[1]
    Path(run.ROOT, "constraints.txt").write_text("numpy==2\n")
    run.environment(newest=True)
    assert len(run.pip_calls) == 2
    tomorrow = run.datetime.date.today() + run.datetime.timedelta(days=1)
    monkeypatch.setattr(run.datetime, "date", type("date", (), {"today": staticmethod(lambda: tomorrow)}))
    run.environment(newest=True)
    assert len(run.pip_calls) == 3


def test_conda_environment_is_used_as_it_is(tmp_path, monkeypatch):
    run = run_py
    monkeypatch.setattr(run, "make", lambda *_: pytest.fail("it made an environment"))
    monkeypatch.setattr(run, "ROOT", str(make_project(tmp_path / "project")))
    monkeypatch.delenv("BINDER_SERVICE_HOST", raising=False)
    monkeypatch.setattr(run.sys, "prefix", str(tmp_path))
    monkeypatch.setattr(run, "NEEDED", ("json", "sys"))
    assert not run.suitable_already()
    monkeypatch.setenv("BINDER_SERVICE_HOST", "some name")
    assert run.suitable_already()
    monkeypatch.delenv("BINDER_SERVICE_HOST")
    (tmp_path / "conda-meta").mkdir()
    assert run.environment() == sys.executable
    monkeypatch.setattr(run, "NEEDED", ("json", "no_such_module_here"))
    assert not run.suitable_already()


def test_lab(run, handed_over, monkeypatch):
    assert run.main(["lab", "--no-browser", "--port=1234"]) == 0
    command = handed_over[0]
    assert command[:3] == ["python", "-m", "jupyterlab"] and command[-2:] == ["--no-browser", "--port=1234"]
    assert f"--ServerApp.root_dir={run.ROOT}" in command
    assert "--LabApp.default_url=/lab/tree/notebooks" in command
    Path(run.ROOT, "notebooks", "00_start_here.ipynb").touch()
    run.main(["lab"])
    assert "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb" in handed_over[1]


def test_root_is_allowed_only_to_root(run, handed_over, monkeypatch):
    for user in (0, 1000):
        monkeypatch.setattr(run.os, "geteuid", lambda user=user: user, raising=False)
        run.main(["lab"])
    assert ["--allow-root" in command for command in handed_over] == [True, False]


def test_tests_and_notebooks_by_default(run, handed_over):
    root = Path(run.ROOT)
    run.main(["test", "-x"])
    assert handed_over[0][-2:] == ["-x", str(root / "tests")]
    for name in ("02_b.ipynb", "01_a.ipynb"):
        (root / "notebooks" / name).touch()
    run.main(["test", "-k", "tests"])
    paths = [root / "tests", root / "notebooks" / "01_a.ipynb", root / "notebooks" / "02_b.ipynb"]
    assert handed_over[1][-5:] == ["-k", "tests", *map(str, paths)]
    options = ("--nbval", "--nbval-current-env", "--nbval-cell-timeout=120", "tests.notebooks.memory", "--dist=loadfile")
    for option in options:
        assert option in handed_over[1]
    assert f"--nbval-sanitize-with={root / 'tests' / 'nbval_sanitize.cfg'}" in handed_over[1]


def test_a_path_replaces_the_default_ones(run, handed_over, tmp_path, monkeypatch):
    (Path(run.ROOT) / "tests").mkdir()
    inside, here = Path(run.ROOT, "tests", "test_a.py"), tmp_path / "test_b.py"
    inside.touch()
    here.touch()
    monkeypatch.chdir(tmp_path)
    run.main(["test", "-q", os.path.join("tests", "test_a.py") + "::test_one", "test_b.py"])
    assert handed_over[0][-3:] == ["-q", f"{inside}::test_one", str(here)]
    assert "--dist=loadfile" not in handed_over[0], "for one path, the start of more processes takes longer than its tests"


def test_fonts_are_listed_in_a_folder_of_the_project(run, handed_over):
    run.main(["test"])
    run.main(["notebooks"])
    assert os.environ["MPLCONFIGDIR"] == os.path.join(run.ROOT, ".matplotlib")
    assert run.prepared == [["python", "-c", "import matplotlib.font_manager"]] * 2


def test_the_website_is_written_by_its_builder(run, handed_over, tmp_path, monkeypatch):
    """Into the user's folder, wherever the builder itself is started."""
    monkeypatch.chdir(tmp_path)
    run.main(["site", "public"])
    assert handed_over[0][1:] == ["-m", "tools.build", str(tmp_path / "public")]


def test_colab_has_a_program_of_its_own(run, handed_over):
    run.main(["test", "--colab", "01"])
    assert handed_over == [["python", "-m", "tools.colab", "01"]]


def test_a_class_writes_its_files_where_the_command_was_given(run, handed_over, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run.main(["class", "--save", "counts.csv", "--resume=kept.json", "--port", "0"])
    files = [str(tmp_path / "counts.csv"), f"--resume={tmp_path / 'kept.json'}"]
    assert handed_over == [["python", "-m", "classroom.votes", "--save", *files, "--port", "0"]]


def test_newest_is_not_passed_on(run, handed_over):
    run.main(["test", "--newest", "-x"])
    assert handed_over[0][0] == "newest python" and "--newest" not in handed_over[0]


def test_exit_code_and_output_pass_through(run):
    run.environment()
    command = [sys.executable, os.path.join(run.ROOT, "run.py"), "notebooks", "7"]
    done = subprocess.run(command, cwd=os.path.dirname(run.ROOT), capture_output=True, encoding="utf-8")
    assert done.returncode == 7, done.stderr
    assert done.stdout.strip() == (sys.prefix if SUITABLE_ALREADY else str(venv(run)))


def test_says_what_a_poor_terminal_can_show(run):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    run.say("in prôject", terminal)
    terminal.seek(0)
    assert terminal.read() == "in pr?ject\n"


@pytest.fixture
def start(tmp_path):
    """Start run.py in a process of its own, with a stand-in for pip that takes some seconds."""
    project = make_project(tmp_path / "project")
    started = []

    def start(seconds, **options):
        code = STAND_IN.replace("{seconds}", str(seconds))
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        process = subprocess.Popen([sys.executable, "-c", code, "notebooks", "0"], cwd=project, **pipes, **options)
        started.append(process)
        return process

    def installs():
        log = project / "installs.txt"
        return log.read_text().count("install") if log.exists() else 0

    def wait_for(count):
        end = time.monotonic() + 20
        while installs() < count:
            assert time.monotonic() < end, "nothing was installed"
            time.sleep(0.02)

    start.installs, start.wait_for, start.venv = installs, wait_for, project / ".venv"
    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_two_at_once_make_one_environment(start):
    first = start(1)
    start.wait_for(1)
    second = start(1)
    said = [process.communicate(timeout=30) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], said
    assert start.installs() == 1
    assert said[1][0].count("waiting") == 1 and "waiting" not in said[0][0]
    assert all(out.strip().endswith(str(start.venv)) for out, _ in said)


def test_a_long_installation_says_where_it_is(monkeypatch, capsys):
    hours = iter(range(0, 10**6, 3600))
    monkeypatch.setattr(run_py.time, "monotonic", lambda: next(hours))
    code = "print('Collecting numpy<3 (from this)'); print('  Downloading'); print('Installing collected packages: numpy')"
    done = run_py.run([sys.executable, "-c", code], tells=True)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 3
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Collecting numpy<3 ..." and said[1].startswith("All is there.") and len(said) == 2
    run_py.run([sys.executable, "-c", code])
    assert capsys.readouterr().out == "", "making the folder of fonts tells nothing"


@pytest.mark.parametrize("command", ["site", "notebooks"])
def test_help_starts_nothing(run, handed_over, capsys, command):
    assert run.main([command, "--help"]) == 0 and handed_over == []
    assert "python3 run.py site [folder]" in capsys.readouterr().out


@posix_only
def test_after_ctrl_c_it_is_made_anew(start):
    first = start(60)
    start.wait_for(1)
    time.sleep(0.2)
    first.send_signal(signal.SIGINT)
    said = first.communicate(timeout=10)
    assert first.returncode == 130
    assert "Stopped" in said[1] and "Traceback" not in said[1]
    second = start(0)
    said = second.communicate(timeout=30)
    assert second.returncode == 0, said
    assert start.installs() == 2 and "waiting" not in said[0]


@posix_only
def test_after_a_kill_it_waits_for_the_orphan_and_is_made_anew(start):
    first = start(1.5)
    start.wait_for(1)
    time.sleep(0.2)
    first.kill()
    second = start(0)
    said = second.communicate(timeout=30)
    assert second.returncode == 0, said
    assert "waiting" in said[0], "it worked in the same folder as the killed one's pip"
    assert start.installs() == 2
