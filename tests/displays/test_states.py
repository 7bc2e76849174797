"""Every control of every stored display, moved through its range: what the display then says and draws, as text.

The expected text is in ``states``, a file a display. A difference leaves what came beside it, as ``<name>-changed.txt``.
``python3 run.py test tests/displays/test_states.py --accept`` writes it in place of the old: look at ``git diff`` before you
commit. Whether the numbers are right is tested in the other files of this folder, against Python.
"""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STORED = sorted((ROOT / "notebooks" / "displays").glob("*.json"))
STATES = Path(__file__).parent / "states"

# Moves each control as a reader does, the others as at the beginning, and returns what was done and what is then seen. Beside
# each other choice the first slider stands at a quarter and at three quarters, too.
WALK = """packed => {
  const average = values => values.reduce((sum, value) => sum + value, 0) / values.length;
  const summary = ({ name = "line", colour = "ink", y, area }) => {
    const finite = Array.from(y).filter(value => typeof value === "number" && Number.isFinite(value));
    const low = area ? Math.min(...area) : null;
    return { name, colour, count: y.length, ends: [y.at(0), y.at(-1)], mean: average(finite), low };
  };
  const glance = root => {
    let hash = 0x811c9dc5;  // FNV-1a
    const add = byte => { hash = Math.imul(hash ^ byte, 0x01000193) >>> 0; };
    const all = selector => Array.from(root.querySelectorAll(selector));
    const drawings = all("svg, .ae-lamps, .ae-vote, .ae-verdict").map(one => one.outerHTML).join();
    for (const letter of drawings) add(letter.codePointAt(0));
    const greys = new Map(all("canvas").filter(canvas => canvas.style.visibility !== "hidden").map(canvas => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      data.forEach(add);
      return [canvas, average(data)];
    }));
    const rows = all(".ae-pictures").flatMap(place => place.drawnBy.cells).map(({ title, canvases }) => (
      [title.textContent, average(canvases.filter(canvas => greys.has(canvas)).map(canvas => greys.get(canvas)))]));
    return {
      sentence: root.querySelector(".ae-sentence").textContent,
      charts: all(".ae-chart").map(({ drawnBy: { x, y, series, levels, marks } }) => (
        { axes: [x, y].map(({ label, low, high }) => [label, low, high]), series: series.map(summary), levels, marks })),
      pictures: [...rows, ...all("canvas:not(.ae-pictures canvas)").map(canvas => [canvas.ariaLabel, greys.get(canvas)])],
      texts: all("output, td, .ae-lamps").map(one => one.ariaLabel ?? one.textContent), hash,
    };
  };
  const number = begin(packed), root = rootOf(number), seen = [];
  const reset = () => at([number, packed.state]);
  const note = done => seen.push({ done, ...glance(root), failed: root.querySelector(".ae-failed") !== null });
  const label = one => one.closest("label").querySelector("span").textContent;
  const slide = (range, share) => {
    const place = Number(range.min) + share * (range.max - range.min);
    range.value = place;
    range.dispatchEvent(new Event("input"));
    return `${label(range)}: ${range.getAttribute("aria-valuetext")}`;
  };
  const ranges = Array.from(root.querySelectorAll("input[type=range]"));
  const steps = range => Math.min(Math.round((range.max - range.min) / range.step), 12);
  note("at first");
  for (const range of ranges) {
    for (let step = 0; step <= steps(range); step++) { note(slide(range, step / steps(range))); }
    reset();
  }
  for (const box of root.querySelectorAll("fieldset")) for (const option of box.querySelectorAll("input")) {
    const name = `${box.querySelector("legend").textContent}: ${label(option)}`;
    option.click();
    note(name);
    if (ranges.length) for (const share of [0.25, 0.75]) note(`${name}, ${slide(ranges[0], share)}`);
    reset();
  }
  for (const field of root.querySelectorAll("input[type=number]")) for (const end of [field.min, field.max]) {
    field.value = end;
    field.dispatchEvent(new Event("input"));
    note(`${field.ariaLabel}: ${end}`);
    reset();
  }
  for (const button of root.querySelectorAll("button")) {
    if (button.textContent === "play") continue;
    button.click();
    note(button.textContent);
    core.forget();
    reset();
  }
  for (const surface of root.querySelectorAll(".ae-plane")) for (const key of ["ArrowLeft", "ArrowUp", "ArrowRight"]) {
    surface.dispatchEvent(new KeyboardEvent("keydown", { key }));
    note(key);
  }
  if ("strokes" in packed.state) for (const base of [-1, 1]) for (const strokes of [[], [[[20, 20], [90, 20], [40, 100]]]]) {
    at([number, { base, strokes }]);
    note(`strokes ${JSON.stringify(strokes)} on ${base}`);
  }
  core.forget();
  return seen;
}"""


def short(value):
    """Return a number as a person reads it: four digits."""
    return f"{value:.4g}" if isinstance(value, (int, float)) else str(value)


def described(seen):
    """Return what is seen as lines: a chart's axes, curves and marks, the mean byte of each row of pictures, texts."""
    lines = [f"  {seen['sentence']}"]
    for chart in seen["charts"]:
        (across, *x), (upwards, *y) = chart["axes"]
        lines.append(f"  {upwards} {' to '.join(map(short, y))} over {across} {' to '.join(map(short, x))}")
        for line in chart["series"]:
            ends = f"{' .. '.join(map(short, line['ends']))}, mean {short(line['mean'])}"
            area = "" if line["low"] is None else f", down to {short(line['low'])}"
            lines.append(f"    {line['name']} ({line['colour']}): {line['count']} points, {ends}{area}")
        lines += [f"    level {level['name']}: {short(level['value'])}" for level in chart["levels"]]
        marks = [f"({short(mark['x'])}, {short(mark.get('y', 'line'))}{mark.get('text', '')})" for mark in chart["marks"]]
        lines.append(f"    marks: {' '.join(marks)}")
    if seen["pictures"]:
        lines.append(f"  pictures: {', '.join(f'{title} {grey:.1f}' for title, grey in seen['pictures'])}")
    if seen["texts"]:
        lines.append(f"  texts: {' | '.join(seen['texts'])}")
    return lines, f"  all that is drawn: {seen['hash']:08x}"


def as_text(walked, name):
    """Return the states as text; of each, the lines that another one before it does not have at their place."""
    text, before = [name, ""], []
    for seen in walked:
        assert not seen["failed"], seen["sentence"]
        lines, drawing = described(seen)
        text += [seen["done"], *[line for number, line in enumerate(lines) if line not in before[number : number + 1]]]
        text.append(drawing)
        before = lines
    return "\n".join(text) + "\n"


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_states_are_as_expected(core, path, request):
    packed = json.loads(path.read_text(encoding="utf-8"))
    came = as_text(core.evaluate(WALK, packed), packed["name"])
    expected, changed = STATES / f"{path.stem}.txt", STATES / f"{path.stem}-changed.txt"
    changed.unlink(missing_ok=True)
    if request.config.getoption("--accept"):
        expected.write_text(came, encoding="utf-8", newline="\n")
    if not expected.exists() or came != expected.read_text(encoding="utf-8"):
        changed.write_text(came, encoding="utf-8", newline="\n")
        pytest.fail(f"{expected.name} says something else: compare it with {changed.name}, and read the head of this file")


def test_there_is_no_state_of_a_display_that_is_gone():
    names = {path.stem for path in STATES.glob("*.txt") if not path.stem.endswith("-changed")}
    assert names == {path.stem for path in STORED}


def test_states_differ_where_a_control_is_moved():
    """A control that changes nothing would make a file that is the same at each of its states."""
    for path in STATES.glob("*.txt"):
        drawn = [line for line in path.read_text(encoding="utf-8").splitlines() if "all that is drawn" in line]
        assert len(set(drawn)) > len(drawn) / 3 or "verdict" in path.stem, path.stem
