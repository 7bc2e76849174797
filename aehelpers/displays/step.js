import { Chart, Pictures, fixed, mean, network, sigmoid, slider, squaredError } from "./core.js";

// From a sigmoid to a step: the code is sigmoid(z / T), and at T = 0 it is 0 or 1.
export default function step(data, view) {
  const { temperatures, images, before, gradients, lowest, highest } = data, [height, width] = data.size;
  const decode = network(data.decoder), soft = temperatures.filter(t => t > 0);
  const pictures = new Pictures({ titles: ["original", "rebuilt"], height, width });
  const chart = new Chart({
    x: { label: "temperature T (sharper to the left)", low: soft[0] / 1.5, high: soft.at(-1) * 1.5, log: true, ticks: [1e-7, 1e-5, 1e-3, 0.1] },
    y: { label: "gradient at the encoder", low: 0, high: 1.05 * Math.max(...highest.values) },
  });
  chart.set({ series: [
    { name: `mean over ${data.batches} batches of ${data.batchSize} images`, x: soft, y: gradients.values, colour: "#0072b2", marker: true },
    { name: "least and largest of them", x: soft, y: highest.values, area: lowest.values, colour: "#56b4e9", dash: "1 2" },
  ] });
  return {
    main: "temperature",
    controls: { temperature: slider("temperature T", { options: temperatures }) },
    parts: [pictures, chart],
    draw({ temperature: t }) {
      const code = before.values.map(z => (t === 0 ? Number(z > 0) : sigmoid(z / t)));
      const rebuilt = decode(code), place = soft.indexOf(t);
      pictures.show([{ values: images.values }, { values: rebuilt, title: `T = ${t}` }]);
      chart.mark(place < 0 ? [] : [{ x: t, y: gradients.values[place], colour: "#0072b2" }]);
      const between = 100 * mean(code, value => (value > 0.01 && value < 0.99 ? 1 : 0));
      const reaches = place < 0 ? "none at all, for a step has no slope" : gradients.values[place].toPrecision(2);
      return `T = ${t}: ${fixed(between, 1)} % of the activations of these images lie between 0.01 and 0.99; their squared error is `
        + `${fixed(squaredError(images.values, rebuilt), 4)}. Gradient that reaches the encoder: ${reaches}.`;
    },
  };
}
