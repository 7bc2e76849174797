"""Print how quickly each display answers: in the kernel alone, and in JupyterLab from a key press to changed pixels.

    python benchmarks/displays.py

The models are small and hardly trained, the images are MNIST's, and each time is the median of 30 moves. The kernel should
need at most 30 ms, and the pixels should have changed after 150 ms. Without Playwright or a chromium only the kernel is timed.
"""

import functools
import importlib.util
import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import aehelpers as ae
import nbformat
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from browser import BROWSER_OPTIONS, OpenNotebook, find_chromium, jupyterlab  # noqa: E402 - it is a neighbour of the tests

MOVES = 30
KERNEL_LIMIT, BROWSER_LIMIT = 30, 150  # milliseconds

HISTORY = SimpleNamespace(steps=np.arange(1, 201), loss=np.geomspace(0.7, 0.1, 200))


@functools.cache
def prepare():
    """Return the data and the models that the displays show."""
    import keras

    data = ae.load("mnist")
    x_train, x_test = data.x_train, data.x_test

    def quick(code_size, **options):
        keras.utils.set_random_seed(0)
        model = ae.autoencoder(code_size=code_size, **options)
        ae.fit(model, x_train, steps=200, batch_size=64, learning_rate=3e-3, progress=False)
        return model

    models = {size: quick(size, code_activation=None) for size in (2, 8, 32)}
    return SimpleNamespace(
        x_train=x_train,
        x_test=x_test,
        y_test=data.y_test,
        models=models,
        named={f"code of {size}": model for size, model in models.items()},
        sigmoid=quick(64, code_activation="sigmoid"),
    )


def make(name):
    """Return a new display of this name."""
    p = prepare()
    codes, logits = p.models[2].encoder(p.x_test).numpy(), p.models[32](p.x_test[:8]).numpy() * 9 - 4
    return {
        "code_size_display": lambda: ae.code_size_display(p.models, p.x_train, p.x_test),
        "noise_display": lambda: ae.noise_display(p.named, {"masking": ae.masking_noise}, p.x_test),
        "threshold_display": lambda: ae.threshold_display({"sigmoid": p.sigmoid}, {"subtract": np.subtract}, p.x_test),
        "step_display": lambda: ae.step_display(p.sigmoid, p.x_test),
        "sigmoid_display": lambda: ae.sigmoid_display(p.x_test[:8], logits),
        "latent_plane": lambda: ae.latent_plane(p.models[2].decoder, codes, p.x_test, p.y_test),
        "drawing_pad": lambda: ae.drawing_pad(p.named, p.x_test),
        "training_display": lambda: ae.training_display(p.sigmoid, p.x_test[:500], steps=200, highest_loss=0.7),
    }[name]()


def choose(name):
    """Return a move that takes the next option of a control."""

    def move(display, number):
        control = display.controls[name][0]
        control.index = (control.index + 1) % len(control.options)

    return move


def slide(name):
    """Return a move that takes a slider by one step to and fro."""

    def move(display, number):
        slider = display.controls[name][0]
        slider.value += slider.step * (-1) ** number

    return move


def drag(display, number):
    """Move the point of the plane."""
    plane = display.children[0].children[0].children[0]
    left, right, bottom, top = plane.limits
    share = number / MOVES
    plane.value = [left + share * (right - left), bottom + share * (top - bottom)]


def draw(display, number):
    """Draw one more dot."""
    pad = display.controls["ink"][0]
    ink = np.frombuffer(pad.value or bytes(112 * 112), np.uint8).reshape(112, 112).copy()
    ink[3 * number : 3 * number + 9, 3 * number : 3 * number + 9] = 255
    pad.value = ink.tobytes()


def record(display, number):
    """Show a training, as if it were going on."""
    display(HISTORY)


# What has the focus in the browser, and the keys of each move; only the last of them is timed.
SLIDER = ("[role=slider]", ["ArrowRight", "ArrowLeft"] * (MOVES // 2))
SLIDER_AT_ITS_END = ("[role=slider]", ["ArrowLeft", "ArrowRight"] * (MOVES // 2))
TWO_BUTTONS = (".widget-toggle-buttons button", ["Tab Enter", "Shift+Tab Enter"] * (MOVES // 2))
PLANE = ("canvas.ae-plane", ["ArrowRight", "ArrowUp"] * (MOVES // 2))
PAD = ("canvas.ae-pad", ["Space ArrowUp"] + ["ArrowUp"] * 9 + ["ArrowLeft"] * 10 + ["ArrowDown"] * 10)

DISPLAYS = {
    # name: (its move in the kernel, its moves in the browser)
    "code_size_display": (choose("size"), SLIDER),
    "noise_display": (slide("level"), SLIDER),
    "threshold_display": (slide("threshold"), SLIDER),
    "step_display": (choose("temperature"), SLIDER_AT_ITS_END),
    "sigmoid_display": (choose("shown"), TWO_BUTTONS),
    "latent_plane": (drag, PLANE),
    "drawing_pad": (draw, PAD),
    "training_display": (record, None),
}

# From the next key press, heard before anybody else hears of it, until the picture that follows is about to be painted.
STOPWATCH = """image => {
  window.answered = null;
  document.addEventListener("keydown", () => {
    const start = performance.now();
    const stop = () => requestAnimationFrame(() => { window.answered = performance.now() - start; });
    image.addEventListener("load", stop, { once: true });
  }, { capture: true, once: true });
}"""


def time_kernel():
    """Return the median milliseconds of a move for each display."""
    times = {}
    for name, (move, _) in DISPLAYS.items():
        display, taken = make(name), []
        for number in range(MOVES):
            start = time.perf_counter()
            move(display, number)
            taken.append(1000 * (time.perf_counter() - start))
        if "ae-failed" in display.sentence.value:
            raise RuntimeError(f"{name}: {display.sentence.value}")
        times[name] = statistics.median(taken)
    return times


def time_browser():
    """Return the median milliseconds from a key to the picture, for each display that has controls."""
    from playwright.sync_api import sync_playwright

    names = [name for name, (_, moves) in DISPLAYS.items() if moves]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder, home = Path(place) / "notebooks", Path(place) / "home"
        folder.mkdir()
        home.mkdir()
        find_me = f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport displays\ndisplays.prepare()\nNone"
        cells = [nbformat.v4.new_code_cell(source) for source in (find_me, *(f"displays.make({name!r})" for name in names))]
        kernel = {"name": "python3", "display_name": "Python 3"}  # without one, JupyterLab asks which it should be
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, folder / "displays.ipynb")
        with jupyterlab(folder, home) as lab, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=find_chromium(), args=BROWSER_OPTIONS)
            notebook = OpenNotebook(browser.new_context(), lab, "displays.ipynb")
            notebook.run_all(300)
            displays = notebook.page.locator(".ae-display")
            times = {name: _time_keys(displays.nth(n), *DISPLAYS[name][1]) for n, name in enumerate(names)}
            notebook.close()
            browser.close()
    return times


def _time_keys(display, focus, moves):
    picture, keyboard, taken = display.locator("img.ae-picture"), display.page.keyboard, []
    picture.wait_for()
    display.locator(focus).first.focus()
    for keys in moves:
        *before, key = keys.split()
        for other in before:
            keyboard.press(other)
        display.page.wait_for_timeout(300)  # nothing of the move before is under way any more
        picture.evaluate(STOPWATCH)
        keyboard.press(key)
        taken.append(display.page.wait_for_function("answered").json_value())
    return statistics.median(taken)


def main():
    """Print the table."""
    kernel, browser = time_kernel(), {}
    if find_chromium() and importlib.util.find_spec("playwright"):
        browser = time_browser()
    else:
        print("The browser is not timed: playwright or chromium is missing.")
    print(f"{'display':22}{'kernel':>10}{'limit':>8}{'browser':>12}{'limit':>8}")
    for name, milliseconds in kernel.items():
        seen = f"{browser[name]:9.0f} ms{BROWSER_LIMIT:5} ms" if name in browser else f"{'-':>12}"
        print(f"{name:22}{milliseconds:7.1f} ms{KERNEL_LIMIT:5} ms{seen}")


if __name__ == "__main__":
    main()
