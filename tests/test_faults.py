"""The package where a machine is not as it should be: each time a whole program, in a process of its own.

Faults of single parts are tested with the part: damaged data files in test_datasets.py; interrupts of a training in
test_training.py; the cache's folder and killed or concurrent processes in test_cache.py; `run.py` in test_run.py.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import aehelpers as ae
import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

ROOT = Path(ae.__file__).resolve().parents[1]

# What a notebook does, on a few images: data, training, a cached sweep, a figure, stored runs, a saved model.
PROGRAM = """
import matplotlib
matplotlib.use("Agg")
import aehelpers as ae
import keras
x = ae.load("mnist").x_test[:256]
build = lambda size: ae.autoencoder(code_size=size)
history = ae.fit(build(2), x, steps=10, batch_size=32, progress=False)
for turn in range(2):
    keras.utils.set_random_seed(0)
    models = ae.sweep(build, [2], x, steps=10, batch_size=32, cache=True, progress=False)
ae.show_loss({"größer": history}).figure.savefig("figure.png")
ae.show_images([x[:3], models[2](x[:3]).numpy()], titles=["eins", "zwei"])
models[2].save("model.keras")
assert keras.models.load_model("model.keras").count_params() == models[2].count_params()
assert len(ae.stored_runs("step_code")) == 80
print("done", history.steps[-1])
"""


def run(program, folder, **environment):
    """Run a program in a folder; an environment variable that is None is taken away."""
    (folder / "program.py").write_text(program, encoding="utf-8")
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "program.py"],
        env={name: value for name, value in variables.items() if value is not None},
        cwd=folder,
        capture_output=True,
        timeout=120,
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no /dev/null")
def test_without_a_home_to_write_to(tmp_path):
    nowhere = "/dev/null/nowhere"  # not even root can write there
    done = run(PROGRAM, tmp_path, HOME=nowhere, XDG_CACHE_HOME=None, XDG_CONFIG_HOME=None, MPLCONFIGDIR=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"done 10\n", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_with_a_cache_folder_that_nobody_may_write_to(tmp_path):
    done = run(PROGRAM, tmp_path, XDG_CACHE_HOME="/proc", MPLCONFIGDIR=str(tmp_path))  # closed to root too
    assert (done.returncode, done.stdout, done.stderr) == (0, b"done 10\n", b"")


@pytest.mark.parametrize(
    ("name", "locale"),
    [
        ("Übung 1 – 数据", {"LC_ALL": "C"}),
        # Without any UTF-8 TensorFlow itself fails in a folder with foreign letters.
        ("a b", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    ],
    ids=["foreign letters", "no UTF-8"],
)
def test_in_a_folder_with_spaces_and_in_another_locale(tmp_path, name, locale):
    project, store = tmp_path / name, tmp_path / f"cache of {name}"
    shutil.copytree(ROOT / "aehelpers", project / "aehelpers", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "notebooks").mkdir()
    shutil.copytree(ROOT / "notebooks" / "evidence", project / "notebooks" / "evidence")
    this_copy = "from pathlib import Path\nassert Path(ae.__file__).parents[1] == Path.cwd().parent\n"
    done = run(PROGRAM + this_copy, project / "notebooks", PYTHONPATH=str(project), XDG_CACHE_HOME=str(store), **locale)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"done 10\n", b"")
    assert (project / "notebooks" / "figure.png").stat().st_size > 1000
    assert list(store.rglob("*.npz"))


def test_asks_nothing_of_the_network(tmp_path):
    listen = """
import sys
asked = []
def hear(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        asked.append((event, str(arguments)))
sys.addaudithook(hear)
"""
    done = run(listen + PROGRAM + "assert not asked, asked\n", tmp_path, XDG_CACHE_HOME=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"done 10\n", b"")
    heard = run(listen + "import socket\nsocket.getaddrinfo('localhost', 80)\nassert asked\nprint('heard')", tmp_path)
    assert heard.stdout == b"heard\n"


def test_the_stop_button_ends_a_training_and_keeps_it(tmp_path):
    """A real kernel, interrupted as JupyterLab's stop button does it, goes on with the next cell."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    try:

        def execute(code, while_running=lambda text: None):
            client.execute(code)
            printed, end = "", time.monotonic() + 120
            while time.monotonic() < end:  # messages may come for ever
                message = client.get_iopub_msg(timeout=120)
                content = message["content"]
                if message["msg_type"] == "error":
                    raise AssertionError("\n".join(content["traceback"]))
                if message["msg_type"] == "stream":
                    printed += content["text"]
                    while_running(printed)
                if message["msg_type"] == "status" and content["execution_state"] == "idle":
                    return printed
            raise TimeoutError(f"not idle after 120 s: {code}")

        stops = []

        def stop(printed):
            if "record" in printed and not stops:
                stops.append(time.monotonic())
                manager.interrupt_kernel()

        execute("import aehelpers as ae\nx = ae.load('mnist').x_test\nmodel = ae.autoencoder(code_size=2)")
        train = "ae.fit(model, x, steps=10**7, record_every=300, on_record=lambda history: print('record'), progress=False)"
        printed = execute(f"history = {train}", stop)
        assert stops and "Training was interrupted after" in printed
        state = execute("print(history.interrupted, history.steps[-1] == history.optimizer.iterations.numpy() > 0)")
        assert state == "True True\n"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


class TestStoredRuns:
    def test_from_the_folders_in_which_a_notebook_may_run(self, tmp_path, monkeypatch):
        rows = []
        for folder in (ROOT / "notebooks", ROOT, tmp_path):
            monkeypatch.chdir(folder)
            rows.append(ae.stored_runs("step_code"))
        assert all(np.array_equal(rows[0], other) for other in rows[1:])
        lines = (ROOT / "notebooks" / "evidence" / "step_code.csv").read_text(encoding="utf-8").splitlines()
        assert rows[0].dtype.names == tuple(lines[2].split(","))
        assert len(rows[0]) == len(lines) - 3
        assert str(rows[0][0]["code"]) == lines[3].split(",")[0]

    def test_the_file_beside_the_notebook_comes_first(self, tmp_path, monkeypatch):
        (tmp_path / "evidence").mkdir()
        (tmp_path / "evidence" / "step_code.csv").write_text("# how\n# versions\nseed,loss\n1,0.5\n2,0.25\n")
        monkeypatch.chdir(tmp_path)
        assert ae.stored_runs("step_code")["loss"].tolist() == [0.5, 0.25]

    def test_a_missing_table_says_where_it_was_looked_for(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(FileNotFoundError, match=r"no evidence/nothing.csv in .*Run the notebook in the folder") as raised:
            ae.stored_runs("nothing")
        assert str(tmp_path) in str(raised.value)

    @pytest.mark.parametrize("name", ["../secret", "step_code.csv", "", "a b", "/etc/passwd"])
    def test_a_path_is_no_name(self, name):
        with pytest.raises(ValueError, match="name must be the name of a table"):
            ae.stored_runs(name)

    @pytest.mark.parametrize("name", [None, 3, b"step_code"])
    def test_what_is_no_text(self, name):
        with pytest.raises(TypeError, match="name must be the name of a table"):
            ae.stored_runs(name)
