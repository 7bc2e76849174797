"""The line of code beside a display: filled by the page with what the controls say, shown, copied as a cell, and run."""

import json
from pathlib import Path

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays.packing import code_of

ROOT = Path(__file__).resolve().parents[2]
STORED = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "notebooks" / "displays").glob("*.json")}
WITH_CODE = sorted(name for name, packed in STORED.items() if "code" in packed)
# For each display, states in which its cell is run.
STATES = {
    "00-code_size": [{"size": 2}],
    "01-bits": [{"size": 16}, {"size": 1024}],
    "03-shift": [{"shift": 0}, {"shift": -0.51}],
    "04-grey_range": [
        {"shown": shown, "greys": greys, "black": -2, "white": 1.5}
        for shown in ("logits", "probabilities")
        for greys in ("one for both rows", "one for each row", "0 to 1", "by hand")
    ],
    "04-logit": [{"logit": 5, "pixel": "black (x = 0)"}, {"logit": -0.3, "pixel": "white (x = 1)"}],
    "05-loudness": [{"factor": 1}, {"factor": 0.125}],
    "05-threshold": [
        {"model": "plain", "way": way, "threshold": 0.1}
        for way in ("set to zero", "raised to the threshold", "set to the mean of the unit's small values")
    ],
    "06-noise": [
        {"level": level, "kind": kind, "seed": 3}
        for kind, level in [("masking", 0), ("salt and pepper", 0.9), ("Gaussian", 0.3)]
    ],
    "06-training_noise": [{"trained": "none"}, {"trained": "0.3"}, {"trained": "0 to 0.9"}],
    "07-collapse": [{"variance": 392, "model": "no hidden layer"}, {"variance": 0.5, "model": "256 hidden units"}],
}
# What the values of a run are, by Python's own hand.
EXPECTED = {
    "00-code_size": lambda state, got: got["model"].encoder.output_shape == (None, state["size"]),
    "01-bits": lambda state, got: got["bits"].shape == (2, state["size"]) and got["bits"].dtype == bool,
    "03-shift": lambda state, got: np.asarray(got["code_layer"].bias) == pytest.approx([0, state["shift"]]),
    "04-grey_range": lambda state, got: got["output"].shape == (28, 28),
    "04-logit": lambda state, got: float(got["z"]) == pytest.approx(state["logit"]) and got["x"] == float(state["pixel"][-2]),
    "05-loudness": lambda state, got: got["louder"] @ got["softer"] == pytest.approx(got["code"] @ got["kernel"], abs=1e-5),
    "05-threshold": lambda state, got: got["treated"] == pytest.approx(WAYS[state["way"]](got["code"], state["threshold"])),
    "06-noise": lambda state, got: np.array_equal(got["noisy"], NOISES[state["kind"]](got["x"], state["level"], 3)),
    "06-training_noise": lambda state, got: got["noise"].p == LEVELS[state["trained"]],
    "07-collapse": lambda state, got: got["model"].encoder.output_shape == (None, 32),
}
WAYS = {
    "set to zero": lambda code, threshold: code * (code >= threshold),
    "raised to the threshold": lambda code, threshold: np.clip(code, threshold, None),
    "set to the mean of the unit's small values": lambda code, threshold: np.choose(
        code >= threshold,
        [np.tile((code * (code < threshold)).sum(0) / (code < threshold).sum(0).clip(1), (len(code), 1)), code],
    ),
}
NOISES = {"masking": ae.masking_noise, "salt and pepper": ae.salt_and_pepper_noise, "Gaussian": ae.gaussian_noise}
LEVELS = {"none": 0, "0.3": 0.3, "0 to 0.9": (0, 0.9)}


def test_each_display_with_code_is_run():
    assert sorted(STATES) == WITH_CODE


@pytest.mark.parametrize("name", WITH_CODE)
def test_the_cell_runs_with_the_value_of_the_control(core, show, name, monkeypatch):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    packed = STORED[name]
    shown = show(packed)
    for state in STATES[name]:
        shown.at(**state)
        line = core.locator(".ae-code code").text_content()
        copied = core.evaluate(
            "([code, state]) => [code.line, code.cell].map(text => core.filled(text, state, code.words))",
            [packed["code"], shown.state],
        )
        assert copied[0] == line and line in copied[1].splitlines()
        assert not any(f"{{{control}}}" in copied[1] for control in packed["state"]), "a control's value is missing"
        got = {}
        exec(compile(copied[1], name, "exec"), got)
        assert EXPECTED[name](state, got), (state, line)


def test_the_button_copies_the_cell(core, show):
    """Or says that it may not."""
    show(STORED["06-noise"]).at(level=0.5)
    core.evaluate(
        "Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { "
        "writeText: async text => { if (globalThis.refused) throw new Error(); globalThis.copied = text; } } })"
    )
    button = core.locator(".ae-code button")
    button.click()
    button.filter(has_text="copied").wait_for()
    lines = core.evaluate("copied").splitlines()
    assert lines[0] == "import aehelpers as ae" and "noisy = ae.masking_noise(x, 0.5, seed=0)" in lines
    core.evaluate("globalThis.refused = true")
    button.click()
    button.filter(has_text="copying is not allowed here").wait_for()


def test_a_cell_is_made_of_its_parts():
    code = code_of("a = {b}", "import c", b={"x": "1"})
    assert code == {"line": "a = {b}", "cell": "import c\na = {b}", "words": {"b": {"x": "1"}}}
