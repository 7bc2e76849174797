import { Chart, extent, fixed, mean, slider } from "./core.js";

const BINS = 40, THROUGH = "#0072b2", STOPPED = "#d55e00";

// The pre-activations of one unit as a histogram that moves across 0, and the gradient that is left.
export default function shift(data) {
  const { shifts, preActivations, gradients } = data, z = preActivations.values;
  const [low, high] = extent(z), width = (high - low || 1) / BINS;
  const counts = Array.from({ length: BINS }, () => 0);
  for (const value of z) counts[Math.min(BINS - 1, Math.floor((value - low) / width))] += 1;
  const histogram = new Chart({
    x: { label: "pre-activation", low: low + shifts[0], high: low + BINS * width + shifts.at(-1) },
    y: { label: "images", low: 0, high: 1.1 * Math.max(...counts) }, height: 190, legend: true,
  });
  const course = new Chart({
    x: { label: "shift", low: shifts[0], high: shifts.at(-1) },
    y: { label: "norm of the gradient at the unit's weights", low: 0, high: 1.1 * Math.max(...gradients.values) || 1 },
    height: 180,
  });
  course.set({
    series: [{ x: shifts, y: gradients.values, colour: THROUGH }],
  });
  // The outline of the bars between two places.
  const outline = (moved, from, to) => {
    const x = [], y = [];
    counts.forEach((count, i) => {
      const left = Math.max(low + i * width + moved, from), right = Math.min(low + (i + 1) * width + moved, to);
      if (left < right) { x.push(left, right); y.push(count, count); }
    });
    return { x, y, area: y.map(() => 0) };
  };
  return {
    controls: { shift: slider("shift of the unit", { options: shifts, format: value => fixed(value, 2) }) },
    parts: [histogram, course],
    draw({ shift: moved }) {
      histogram.set({ series: [
        { name: "stopped: the unit outputs 0", ...outline(moved, -Infinity, 0), colour: STOPPED, dash: "3 2" },
        { name: "through: the unit passes it on", ...outline(moved, 0, Infinity), colour: THROUGH },
      ] });
      histogram.mark([{ x: 0, name: "edge of the ReLU" }]);
      const gradient = gradients.values[shifts.indexOf(moved)];
      course.mark([{ x: moved, y: gradient, colour: THROUGH }]);
      const through = Math.round(z.length * mean(z, value => (value + moved > 0 ? 1 : 0)));
      const norm = gradient === 0 ? "0: the unit is dead" : gradient.toPrecision(2);
      return `Shifted by ${fixed(moved, 2)}, ${through} of ${z.length} images get through and can send a gradient; `
        + `its norm is ${norm}.`;
    },
  };
}
