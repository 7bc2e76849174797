import { Chart, Pictures, choice, fixed, row, slider, stairs, sum } from "./core.js";

// Of all pairs of a strange and a known image, the share in which the strange one has the larger score; a tie counts half.
function detection(known, strange) {
  let below = 0, won = 0;
  known.forEach((count, bin) => { won += strange[bin] * (below + count / 2); below += count; });
  return won / (below * sum(strange));
}

const USUAL = 0.05;  // the share of false alarms that the lesson puts up with

// The scores of known and of strange images, a threshold between them, and who is on the wrong side.
export default function anomaly(data, view) {
  const { scores, counts, edges } = data, bins = counts.shape.at(-1);
  const digits = Array.from({ length: counts.shape[0] }, (_, i) => i);
  const pictures = new Pictures({
    titles: ["least strange", "most strange"],
    label: "Left-out digits with the smallest scores, and learned digits with the largest",
  });
  const percent = values => Array.from(values, value => 100 * value / sum(values));
  // Of one score all digits have the same axes.
  const axesOf = which => ({
    x: { label: scores[which], low: 0, high: Math.max(...digits.map(digit => row(edges, digit, which).at(-1))) },
    y: {
      label: "% of the images", low: 0,
      high: 1.1 * Math.max(...digits.flatMap(digit => [0, 1].flatMap(part => percent(row(counts, digit, which, part))))),
    },
  });
  const axes = scores.map((_, which) => axesOf(which));
  const chart = new Chart({ ...axes[0], legend: true });
  const edgeOf = ({ threshold, digit, score }) => row(edges, digit, scores.indexOf(score))[threshold];
  return {
    controls: {
      threshold: slider("alarm from", { max: bins, format: threshold => fixed(edgeOf({ ...view.state, threshold }), 3) }),
      digit: choice("left out", digits),
      score: choice("score", scores),
    },
    parts: [pictures, chart],
    draw({ threshold, digit, score }) {
      const which = scores.indexOf(score), at = row(edges, digit, which);
      const known = row(counts, digit, which, 0), strange = row(counts, digit, which, 1);
      const lines = [
        { name: "the nine digits that were learned", ...stairs(at, percent(known)), colour: "#0072b2" },
        { name: `${digit}, left out`, ...stairs(at, percent(strange)), colour: "#d55e00", dash: "7 3" },
      ];
      chart.set({ series: lines, ...axes[which] });
      const usual = at.findIndex((_, bin) => sum(known.subarray(bin)) <= USUAL * sum(known));
      chart.mark([{ x: at[threshold], name: "alarm" }, { x: at[usual], y: 0, shape: "diamond" }]);
      pictures.show([
        { values: row(data.pictures, digit, which, 0), title: `${digit}, least strange` },
        { values: row(data.pictures, digit, which, 1), title: "learned, most strange" },
      ]);
      const found = sum(strange.subarray(threshold)) / sum(strange), accused = sum(known.subarray(threshold)) / sum(known);
      return `Alarm from ${fixed(at[threshold], 3)}: ${fixed(100 * found, 0)} % of the left-out digits are found, with `
        + `false alarms for ${fixed(100 * accused, 0)} % of the others (5 % at the diamond, ${fixed(at[usual], 3)}). `
        + `In ${fixed(100 * detection(known, strange), 0)} % of all pairs the left-out digit has the larger score.`;
    },
  };
}
