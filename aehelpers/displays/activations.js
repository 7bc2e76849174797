import { Chart, choice, fixed, row, slider, stairs } from "./core.js";

const SHARE = "#0072b2", MEAN = "#d55e00", EDGE = 0.1;

// A histogram of the activations on a logarithmic axis in the course of a training run; below, the measures over the steps.
export default function activations(data) {
  const { models, steps, edges, counts } = data;
  const histogram = new Chart({
    x: {
      label: "activation (all below 0.0001 at the left end)", low: edges[0], high: 1, log: true,
      ticks: [1e-4, 1e-3, 0.01, 0.1, 1], format: String,
    },
    y: { label: "thousands of activations", low: 0, high: 1, format: count => String(count / 1000) },
    height: 185,
  });
  const course = new Chart({
    x: { label: "training steps", low: steps[0], high: steps.at(-1), log: true, ticks: steps, format: String },
    y: { label: "share or mean", low: 0, high: 1 }, height: 185,
  });
  return {
    controls: { steps: slider("training steps", { options: steps }), model: choice("model", models) },
    parts: [histogram, course],
    draw({ steps: step, model }) {
      const which = models.indexOf(model), place = steps.indexOf(step);
      const most = 1.1 * Math.max(...row(counts, which));
      histogram.set({
        series: [{ ...stairs(edges, row(counts, which, place)), colour: SHARE }],
        y: { ...histogram.y, high: most },
      });
      histogram.mark([{ x: EDGE, name: "0.1" }]);
      const share = row(data.activeShare, which), mean = row(data.meanActivation, which);
      const x = steps.slice(0, place + 1);  // the reader is asked where the curves go before they are drawn
      course.set({ series: [
        { name: "active share", x, y: share.subarray(0, place + 1), colour: SHARE, marker: true },
        { name: "mean activation", x, y: mean.subarray(0, place + 1), colour: MEAN, dash: "7 3", marker: "diamond" },
      ] });
      course.mark([
        { x: step, y: share[place], colour: SHARE }, { x: step, y: mean[place], colour: MEAN, shape: "diamond" },
      ]);
      const level = mean[place] / share[place], norm = row(data.decoderNorm, which)[place];
      return `${model}, ${step} steps: mean activation ${fixed(mean[place], 3)} = active share ${fixed(share[place], 3)} `
        + `times level ${fixed(level, 3)}; decoder norm ${fixed(norm, 1)}.`;
    },
  };
}
