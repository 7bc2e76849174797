import { Chart, Pictures, fixed, mean, network, slider, stairs } from "./core.js";

const BINS = 60, LOW = 1e-4, HIGH = 10, EDGE = 0.1;

// The histogram of activations over their logarithm, so that a factor moves it and keeps its shape.
function histogram(values) {
  const counts = Array.from({ length: BINS }, () => 0), reach = Math.log(HIGH / LOW);
  for (const value of values) {
    if (value > 0) counts[Math.min(Math.max(Math.floor(BINS * Math.log(value / LOW) / reach), 0), BINS - 1)] += 1;
  }
  // A rounding beyond the end would not be drawn.
  return stairs(Array.from({ length: BINS + 1 }, (_, i) => Math.min(LOW * Math.exp(reach * i / BINS), HIGH)), counts);
}

// A code times c, and a decoder whose first weights are divided by c.
export default function loudness(data) {
  const { codes, decoder, images, factors } = data, [height, width] = data.size;
  const units = codes.shape[1], count = codes.shape[0], shown = images.shape[0];
  const times = factor => codes.values.map(value => factor * value);
  const activeShare = values => mean(Array.from({ length: count }, (_, i) => {
    const one = values.subarray(i * units, (i + 1) * units), squares = mean(one, value => value ** 2);
    return squares ? mean(one) ** 2 / squares : 0;
  }));
  const reconstruct = factor => {
    const [first, ...others] = decoder,
      softer = { ...first, kernel: { ...first.kernel, values: first.kernel.values.map(weight => weight / factor) } };
    return network([softer, ...others])(times(factor).subarray(0, shown * units));
  };
  // Measured before the first move, for a move leaves no time to.
  const before = reconstruct(1), measures = new Map(factors.map(factor => {
    const louder = times(factor), drawn = reconstruct(factor);
    const change = drawn.reduce((most, value, i) => Math.max(most, Math.abs(value - before[i])), 0);
    const above = 100 * mean(louder, value => (value > EDGE ? 1 : 0));
    return [factor, { drawn, change, counts: histogram(louder), average: mean(louder), above, share: activeShare(louder) }];
  }));
  const pictures = new Pictures({ titles: ["original", "reconstructed"], height, width });
  const chart = new Chart({
    x: {
      label: "activation (all below 0.0001 at the left end)", low: LOW, high: HIGH, log: true,
      ticks: [1e-4, 1e-3, 0.01, 0.1, 1, 10], format: String,
    },
    y: {
      label: "number of activations", low: 0,
      high: 1.15 * Math.max(1, ...[...measures.values()].flatMap(({ counts }) => counts.y)),
    },
  });
  return {
    controls: { factor: slider("c (code times c, decoder weights divided by c)", { options: factors, format: String }) },
    parts: [pictures, chart],
    draw({ factor }) {
      const { drawn, change, counts, average, above, share } = measures.get(factor);
      pictures.show([{ values: images.values }, { values: drawn }]);
      chart.set({ series: [{ ...counts, colour: "#0072b2" }] });
      chart.mark([{ x: EDGE, name: "0.1" }]);
      const below = (Math.floor(1e4 * change) + 1) / 1e4;
      return `c = ${factor}: on ${count} test images, the mean activation is ${fixed(average, 3)}, ${fixed(above, 0)} % `
        + `of the activations are above 0.1, and the active share is ${fixed(share, 3)} (squared mean over `
        + `mean square, per image). No pixel changes by as much as ${fixed(below, 4)}.`;
    },
  };
}
