"""The package where a machine is not as it should be: each time a whole program, in a process of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import aehelpers as ae
import pytest
from jupyter_client.manager import start_new_kernel

ROOT = Path(ae.__file__).resolve().parents[1]

# What a notebook does, on a few images: data, training, figures, stored runs and models, a saved model. No network is asked.
PROGRAM = """
import sys
asked = []
def hear(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        asked.append((event, str(arguments)))
sys.addaudithook(hear)
from pathlib import Path
import matplotlib
matplotlib.use("Agg")
import aehelpers as ae
import keras
assert Path(ae.__file__).parents[1] == Path.cwd().parent
x = ae.load("mnist").x_test[:256]
# TensorFlow warns, twice a process, of functions that are traced in 5 of 10 calls. The last training is compiled by XLA.
for steps in (2, 2, 2, 2, 2, 2, 2, 300):
    model = ae.autoencoder(code_size=2)
    options = {"record_every": 2, "batch_size": 8, "validation_data": x[:16], "optimizer": "sgd", "progress": False}
    history = ae.fit(model, x, steps=steps, **options)
    report, made = ae.gradient_report(model, x), ae.predict(model, x)
ae.show_loss({"größer": history}).figure.savefig("figure.png")
ae.show_images([x[:3], made[:3]], titles=["eins", "zwei"])
model.save("model.keras")
assert keras.models.load_model("model.keras").count_params() == model.count_params()
assert len(ae.stored_runs("step_code")) == 145 and 2 in ae.stored_models("code_sizes")
assert not asked, asked
import socket
socket.getaddrinfo("localhost", 80)
assert asked
print("done", history.steps[-1])
"""


@pytest.mark.parametrize(
    ("folder", "home", "locale"),
    [
        ("Übung 1 – 数据", "home", {}),
        # Not even root can write there. Without any UTF-8 TensorFlow itself fails in a folder with foreign letters.
        ("a b", "/dev/null/nowhere", {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    ],
    ids=["foreign letters", "no UTF-8 and no home"],
)
def test_a_whole_program_in_a_strange_place(tmp_path, folder, home, locale):
    if os.name == "nt" and home.startswith("/dev"):
        pytest.skip("Windows has no /dev/null")
    project, cache = tmp_path / folder, tmp_path / home / "cache"
    shutil.copytree(ROOT / "aehelpers", project / "aehelpers", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "notebooks" / "evidence", project / "notebooks" / "evidence")
    (project / "notebooks" / "program.py").write_text(PROGRAM, encoding="utf-8")
    places = {"PYTHONPATH": project, "MPLCONFIGDIR": tmp_path, "HOME": tmp_path / home, "XDG_CACHE_HOME": cache}
    done = subprocess.run(
        [sys.executable, "program.py"],
        env={**os.environ, **{name: str(place) for name, place in places.items()}, "LC_ALL": "C", **locale},
        cwd=project / "notebooks",
        capture_output=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"done 300\n", b"")
    assert (project / "notebooks" / "figure.png").stat().st_size > 1000
    assert cache.is_dir() == (home == "home") or sys.platform != "linux"


def test_the_stop_button_ends_a_training_and_keeps_it(tmp_path):
    """A real kernel, interrupted as JupyterLab's stop button does it, goes on with the next cell."""
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    printed = []

    def hear(message):
        printed.append(message["content"].get("text", ""))
        if "record" in printed[-1] and "record" not in "".join(printed[:-1]):
            manager.interrupt_kernel()

    train = "ae.fit(model, x, steps=10**7, record_every=300, on_record=lambda history: print('record'), progress=False)"
    try:
        for code in (
            "import aehelpers as ae\nx = ae.load('mnist').x_test\nmodel = ae.autoencoder(code_size=2)",
            f"history = {train}",
            "print(history.interrupted, history.steps[-1] == history.optimizer.iterations.numpy() > 0)",
        ):
            reply = client.execute_interactive(code, output_hook=hear, timeout=120)["content"]
            assert reply["status"] == "ok", reply
        said = "".join(printed)
        assert "Training was interrupted after" in said and said.endswith("\nTrue True\n"), said
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
