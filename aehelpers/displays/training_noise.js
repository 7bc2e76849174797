import { Chart, Pictures, fixed, row, slider } from "./core.js";

// The colours of the figures in notebook 06, in the order of the training levels.
const COLOURS = ["ink", "#56b4e9", "#0072b2", "#009e73", "#e69f00", "#d55e00"];
const SIZE = 28;

// What a denoiser became, by the noise that it was trained with: its errors, its reconstructions, its filters.
export default function trainingNoise(data) {
  const { trained, levels, shownLevels } = data;
  const pictures = new Pictures({
    titles: [...shownLevels.flatMap(level => [`${fixed(100 * level, 0)} % lost`, "rebuilt"]), "filters"],
    height: SIZE, width: SIZE,
    label: "Masked digits at three levels, what the model makes of them, and eight of its filters",
  });
  const chart = new Chart({
    x: { label: "share of the pixels lost in the test", low: 0, high: levels.at(-1) },
    y: { label: "squared error per pixel", low: 0, high: 0.12 },
  });
  const name = level =>
    level === "none" ? "trained without noise" : `trained ${level.includes("to") ? "from" : "at"} ${level}`;
  const line = (level, i) => ({ name: name(level), x: levels, y: row(data.errors, i), colour: COLOURS[i], width: 1 });
  const all = trained.map(line);
  const nothing = { name: "do nothing", x: levels, y: data.nothing, dash: "1 3" };
  return {
    controls: { trained: slider("noise of the training", { options: trained }) },
    parts: [pictures, chart],
    draw({ trained: level }) {
      const which = trained.indexOf(level);
      pictures.show([
        ...shownLevels.flatMap((_, i) => [{ values: row(data.noisy, i) }, { values: row(data.rebuilt, which, i) }]),
        { values: row(data.filters, which), low: -1, high: 1 },
      ]);
      chart.set({
        levels: [{ name: "mean image", value: data.meanError, dash: "7 3" }],
        series: [nothing, ...all.map((one, i) => (i === which ? { ...one, width: 4, marker: true } : one))],
      });
      const errors = row(data.errors, which),
        at = share => fixed(errors[levels.findIndex(one => Math.abs(one - share) < 1e-9)], 3);
      return `${name(level)}: squared error ${at(0)} on clean images, `
        + `${shownLevels.map(share => `${at(share)} with ${fixed(100 * share, 0)} % lost`).join(", ")}; `
        + `a linear classifier on the code takes ${fixed(100 * data.labelError[which], 1)} % of the digits for another.`;
    },
  };
}
