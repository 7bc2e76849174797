"""Python and JavaScript agree: each display reads what its Python function hands over, all of it and nothing else."""

import functools
import re
from pathlib import Path

import aehelpers as ae
import numpy as np
import pytest
from aehelpers import displays
from aehelpers.displays import recorded
from aehelpers.displays.page import SHARED

from tests.displays.reading import as_page_value

KINDS = sorted({path.stem for path in Path(displays.__file__).parent.glob("*.js")} - set(SHARED))


def training(model, forty):
    recorder = ae.TrainingRecorder(model, forty)
    display = ae.training_display(recorder, forty, steps=2, level=0.07, highest_loss=0.3)
    ae.fit(model, forty, steps=2, batch_size=8, record_every=1, on_record=display, progress=False)
    return display


TWO = {"A": "a", "B": "b"}
QUESTION = {"question": "Which?", "options": TWO, "answer": "A", "reasons": TWO}
WITHOUT_STATE = {"exercise", "self_test", "verdict"}

# A display of each kind. A new one belongs here, by its public name.
MAKERS = {
    "code_size": lambda model, one, x: ae.code_size_display({1: model, 3: one}, x, x),
    "drawing_pad": lambda model, one, x: ae.drawing_pad({"one": one, "two": model}, x),
    "exercise": lambda model, one, x: ae.exercise("01-days", "How many?", 7, hint="weeks", solution="Seven."),
    "grey_range": lambda model, one, x: ae.grey_range_display(x, 20 * x - 15),
    "latent_plane": lambda model, one, x: ae.latent_plane(model.decoder, ae.predict(model.encoder, x), x, np.arange(40) % 10),
    "logit": lambda model, one, x: ae.logit_display(),
    "loudness": lambda model, one, x: ae.loudness_display(one, x),
    "noise": lambda model, one, x: ae.noise_display({"one": one, "two": model}, x),
    "playground": lambda model, one, x: ae.playground("dead"),
    "self_test": lambda model, one, x: ae.self_test([QUESTION, QUESTION], id="01-self-test"),
    "shift": lambda model, one, x: ae.shift_display(ae.autoencoder(code_size=2), x),
    "threshold": lambda model, one, x: ae.threshold_display({"one": one, "two": model}, x),
    "training": lambda model, one, x: training(ae.autoencoder(code_size=2), x),
    "verdict": lambda model, one, x: ae.vote("Which?", TWO, id="01-which").verdict("A", TWO),
    "vote": lambda model, one, x: ae.vote("Which?", TWO, id="01-which"),
} | {entry.kind: lambda model, one, x, name=name: ae.recorded_display(name) for name, entry in recorded.RECORDED.items()}

# Mounts a display, moves each control to its ends, and returns the names of all fields that were read.
WATCHED = """async packed => {
  const seen = new Set(), original = core.displays[packed.kind];
  const isPart = thing => thing !== null && typeof thing === "object"
    && !(Object.keys(thing).includes("values") && ArrayBuffer.isView(thing.values));
  const watch = (thing, path) => !isPart(thing) ? thing : Array.isArray(thing) ? thing.map(one => watch(one, path))
    : new Proxy(thing, { get: (_, name) => {
      seen.add(path + String(name));
      return watch(thing[name], `${path}${String(name)} > `);
    } });
  core.displays[packed.kind] = (data, view) => original(watch(data, ""), view);
  try {
    const root = rootOf(begin(packed)), inputs = root.querySelectorAll("input");
    for (const input of inputs) {
      if (input.type === "radio") input.click();
      else for (const end of [input.min, input.max]) { input.value = end; input.dispatchEvent(new Event("input")); }
    }
    root.querySelector("input[type=radio]")?.click();
    for (const one of root.querySelectorAll(".ae-button")) if (["hint", "answer"].includes(one.textContent)) one.click();
    for (const select of root.querySelectorAll("select")) {
      if (!["images", "start from"].includes(select.getAttribute("aria-label"))) continue;
      for (const { value } of select.options) {
        select.value = value; select.dispatchEvent(new Event("change"));
        await new Promise(resolve => { setTimeout(resolve, 400); });  // the playground unpacks its images and measures
      }
    }
    if (root.querySelector(".ae-failed")) throw new Error(root.querySelector(".ae-failed").textContent);
  } finally { core.displays[packed.kind] = original; }
  return Array.from(seen);
}"""


def fields(data, path=""):
    """Return the names of all fields of a display's data, those within others, or within lists of others, after them."""
    names = []
    for name, part in data.items():
        names.append(path + name)
        for one in part if isinstance(part, list) else [part]:
            if isinstance(one, dict) and "dtype" not in one:
                names += fields(one, f"{path}{name} > ")
    return names


@pytest.fixture(scope="module")
def made(model, one_layer, forty):
    assert set(KINDS) <= set(MAKERS), f"MAKERS makes no display of the kinds {set(KINDS) - set(MAKERS)}"
    return {kind: as_page_value(make(model, one_layer, forty).data) for kind, make in MAKERS.items()}


def given(data):
    return {name: part for name, part in data.items() if name not in ("kind", "main", "state")}


def test_each_display_has_python_javascript_and_a_public_name():
    assert sorted(MAKERS) == KINDS, f"MAKERS and the .js files differ in {set(MAKERS) ^ set(KINDS)}"
    assert set(displays.__all__) - {"Display"} <= set(ae.__all__), "a display is not exported by aehelpers"
    folder = Path(displays.__file__).parent
    public = {getattr(displays, name).__module__.rpartition(".")[2] for name in displays.__all__}
    with_code = {path.stem for path in folder.glob("*.py")} & set(KINDS)
    assert with_code <= public, "a display is not exported by aehelpers.displays"
    assert set(KINDS) - with_code - {"verdict"} == {entry.kind for entry in recorded.RECORDED.values()}


@pytest.mark.parametrize("kind", KINDS)
def test_each_display_has_a_test_file(kind):
    """One that compares its values with Python's; a verdict is half of a vote."""
    name = "vote" if kind == "verdict" else kind
    assert Path(__file__).with_name(f"test_{name}.py").is_file(), f"tests/displays/test_{name}.py is missing"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_reads_all_that_python_hands_over(core, made, kind):
    data = made[kind]
    # The playground's data sets have the same fields, and not each knob is turned with each of them.
    alike = functools.partial(re.compile("^sets > [^>]+").sub, "sets > any ")
    read = set(map(alike, core.evaluate(WATCHED, data)))
    unread = {"name", "saved", "code"}  # of the page itself, and of core.js
    handed = {alike(name) for name in fields(given(data)) if name.partition(" > ")[0] not in unread}
    assert handed <= read, "handed over for nothing"


@pytest.mark.parametrize("read", ["data.word", "data.part.word", "data.list[0].word"])
def test_a_field_that_python_does_not_hand_over_cannot_be_read(core, read):
    core.evaluate(f"() => {{ core.displays.strict = data => {read}; }}")
    with pytest.raises(Exception, match='the display "strict" did not get "word" from Python'):
        core.evaluate("begin", {"kind": "strict", "part": {"b": 1}, "list": [{"b": 1}]})


@pytest.mark.parametrize("kind", sorted(set(KINDS) - WITHOUT_STATE))
def test_a_wrong_main_control_or_state_is_noticed(core, made, kind):
    for wrong in ({"main": "nothing"}, {"state": {**made[kind]["state"], "more": 1}}, {"state": {}}):
        with pytest.raises(Exception, match=r"has no control|Python's state has"):
            core.evaluate(WATCHED, {**made[kind], **wrong})


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_state_makes_sense_to_the_controls(core, made, kind):
    cleaned = core.evaluate(
        """packed => {
          let controls;
          const original = core.displays[packed.kind];
          core.displays[packed.kind] = (...given) => {
            const made = original(...given);
            ({ controls } = made);
            return made;
          };
          begin(packed);
          core.displays[packed.kind] = original;
          return Object.fromEntries(Object.entries(controls).map(([name, one]) => [name, one.clean(packed.state[name])]));
        }""",
        made[kind],
    )
    assert cleaned == made[kind]["state"], "the state that Python begins with is none of the control's values"
