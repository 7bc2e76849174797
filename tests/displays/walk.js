// Moves each control as a reader does, the others as at the beginning, and returns what was done and what is then seen. Beside
// each other choice the first slider stands at a quarter and at three quarters, too.
globalThis.walk = packed => {
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
    const drawings = all("svg, .ae-lamps, .ae-verdict, form").map(one => one.outerHTML).join();
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
    if (button.textContent === "play" || button.closest(".ae-code")) continue;
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
};
