import { Chart, Pictures, button, element, extent, fixed, row, slider } from "./core.js";

const FEW = 4;  // units of which each is named in the sentence
const DEAD = "\u00d7", KEY = `${DEAD} and a dashed line: dead, no image gets through. Fuller lamp: more images.`;

const reduced = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// A training run, record by record: its loss, a lamp for each unit of the code, its reconstructions, and the pre-activations of
// the units. When a record is added in Jupyter, the display is made anew.
export default function training(data, view) {
  const { images, level, units } = data, [height, width] = data.size;
  const { steps, losses, alive, rebuilt, band } = data.record;
  const last = steps.length - 1;
  const lamps = element("div", { class: "ae-lamps", role: "img", "aria-label": "" });
  const pictures = new Pictures({ titles: ["original", "now"], height, width, count: images.shape[0] });
  const loss = new Chart({
    x: { label: "training step", low: 0, high: Math.max(steps.at(-1), data.steps) },
    y: { label: "loss: squared error per pixel", low: 0, high: data.highest },
  });
  // A line for each unit, from its smallest to its largest pre-activation over the images; where a run diverges, some are NaN.
  const [least, most] = extent([0, ...band.values.filter(Number.isFinite)]);
  const bands = new Chart({
    x: { label: "unit of the code", low: 0.3, high: units + 0.7, ticks: Array.from({ length: units }, (_, i) => i + 1) },
    y: { label: "pre-activations, smallest to largest", low: least, high: Math.max(most, least + 1e-6) },
  });
  let playing = null;

  function showBands(record) {
    const one = unit => {
      const [low, , high] = row(band, record, unit), lives = row(alive, record)[unit] > 0;
      const look = lives ? { colour: "#e69f00", dash: "" } : { colour: "ink", dash: "2 2" };
      return { x: [unit + 1, unit + 1], y: [low, high], width: 7, ...look };
    };
    bands.set({
      series: Array.from({ length: units }, (_, unit) => one(unit)),
      levels: [{ name: "edge of the ReLU", value: 0, dash: "" }],
    });
  }

  const stop = () => { clearInterval(playing); playing = null; play.textContent = "play"; };
  const play = button("play", () => {
    if (playing) { stop(); return; }
    play.textContent = "stop";
    let place = view.state.record >= last ? 0 : view.state.record;
    playing = setInterval(() => { view.change({ record: place }); if (place++ >= last) stop(); }, reduced() ? 600 : 120);
  });
  view.signal.addEventListener("abort", () => clearInterval(playing));
  loss.set({
    series: [{ x: steps, y: losses, colour: "#0072b2" }],
    levels: [{ name: "mean image", value: level, dash: "7 3" }],
  });
  const scrub = slider("training run", { min: 0, max: last, step: 1, format: place => `step ${steps[place]}` });
  return {
    controls: { record: scrub },
    buttons: [play],
    parts: [pictures, { element: lamps }, bands, loss],
    draw({ record }) {
      const shares = Array.from(row(alive, record));
      // The more images get through, the fuller the lamp.
      const lamp = share => (share > 0
        ? element("span", { class: "ae-lamp", style: `--through: ${fixed(100 * share, 1)}%` })
        : element("span", { class: "ae-lamp ae-dead" }, DEAD));
      const key = element("span", { style: "flex-basis: 100%" }, KEY);  // on a line of its own
      lamps.replaceChildren(element("span", {}, "units of the code"), ...shares.map(lamp), key);
      const dead = shares.filter(share => !(share > 0)).length;
      const verb = dead === 1 ? "is" : "are";
      lamps.setAttribute("aria-label", `${dead} of ${units} units ${verb} dead`);
      pictures.show([{ values: images.values }, { values: row(rebuilt, record), title: `step ${steps[record]}` }]);
      showBands(record);
      loss.mark([{ x: steps[record] }]);
      const through = shares.map((share, unit) => `unit ${unit + 1}: ${fixed(100 * share, 1)} %`).join(", ");
      return `Step ${steps[record]}: loss ${fixed(losses[record], 4)}; ${dead} of ${units} units of the code ${verb} dead.`
        + (units <= FEW ? ` Images that get through: ${through}.` : "");
    },
  };
}
