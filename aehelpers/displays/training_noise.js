import { Chart, Pictures, fixed, row, slider } from "./core.js";

// In the order of the training levels; those that the figures of notebook 06 also show have the same colours there.
const COLOURS = ["ink", "#3d95cc", "#0072b2", "#009e73", "#b87d00", "#d55e00"];
const DASHES = ["10 3", "2 2", "", "7 3 2 3", "7 2 2 2 2 2", "7 3"], SIZE = 28;

// What a denoiser learns, by the noise that it is trained with: its errors and its outputs.
export default function trainingNoise(data) {
  const { trained, levels, shownLevels } = data;
  const rowsOf = i => [shownLevels[i] ? `${fixed(100 * shownLevels[i], 0)} % lost` : "nothing lost", "output"];
  const halves = [shownLevels.slice(0, 2), shownLevels.slice(2)].map((part, half) => part.map((_, i) => 2 * half + i));
  const pictures = halves.map(places => new Pictures({
    titles: places.flatMap(rowsOf), height: SIZE, width: SIZE, count: 4, titleWidth: 60, share: 0.5,
    label: `Digits and the model's outputs for them: ${places.map(i => rowsOf(i)[0]).join(", ")}`,
  }));
  const chart = new Chart({
    x: { label: "share of pixels lost in the test", low: 0, high: levels.at(-1) },
    y: { label: "squared error per pixel, all test images", low: 0, high: 0.12 },
  });
  const name = level =>
    level === "none" ? "Trained without noise" : `Trained ${level.includes("to") ? "from" : "at"} ${level}`;
  const line = (level, i) => ({
    name: level === "none" ? "no noise" : level, x: levels, y: row(data.errors, i),
    colour: COLOURS[i], dash: DASHES[i], width: 1.5,
  });
  const all = trained.map(line);
  const nothing = { name: "do nothing", x: levels, y: data.nothing, dash: "1 3" };
  return {
    controls: { trained: slider("noise in training", { options: trained }) },
    parts: [...pictures, chart],
    draw({ trained: level }) {
      const which = trained.indexOf(level);
      halves.forEach((places, half) => pictures[half].show(places.flatMap(i => (
        [{ values: row(data.noisy, i) }, { values: row(data.rebuilt, which, i) }]))));
      chart.set({
        levels: [{ name: "mean image", value: data.meanError, dash: "7 3" }],
        series: [nothing, ...all.map((one, i) => (i === which ? { ...one, width: 4, dash: "", marker: true } : one))],
      });
      const errors = row(data.errors, which),
        at = share => fixed(errors[levels.findIndex(one => Math.abs(one - share) < 1e-9)], 3);
      const said = share => `${at(share)} with ${share ? `${fixed(100 * share, 0)} %` : "nothing"} lost`;
      return `${name(level)}: the squared error is ${shownLevels.map(said).join(", ")}; `
        + `that of the mean image is ${fixed(data.meanError, 3)}.`;
    },
  };
}
