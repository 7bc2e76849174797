import { Chart, Pictures, choice, fixed, row, slider, squaredError, sum } from "./core.js";

const MEASURED = { colour: "#d55e00" };

// Which units of a code are active when the decoder assumes so much noise: spectrum with the line, KL of each unit, pictures.
export default function collapse(data) {
  const { variances, sets, models } = data, units = data.spectrum.shape[1];
  const numbers = Array.from({ length: units }, (_, i) => i + 1);
  const x = { label: "component or unit, largest first", low: 1, high: units };
  const spectrum = new Chart({
    x,
    y: { label: "variance of the images", low: 0.1, high: 1000, log: true, ticks: [0.1, 1, 10, 100, 1000], format: String },
  });
  const divergences = new Chart({ x, y: { label: "KL (nats)", low: 0, high: 1.05 * Math.max(...data.kl.values) } });
  const pictures = new Pictures({
    titles: ["original", "reconstruction", "random codes"],
    label: "Images, their reconstructions, and images that the decoder makes from random codes",
  });
  return {
    controls: {
      variance: slider("variance of the noise", { options: variances }),
      data: choice("images", sets),
      model: choice("model", models),
    },
    parts: [pictures, spectrum, divergences],
    draw({ variance, data: set, model }) {
      const first = sets.indexOf(set), places = [first, models.indexOf(model), variances.indexOf(variance)];
      const [alive, loosely] = [data.alive, data.loosely].map(counts => places.reduce((part, place) => part[place], counts));
      const components = row(data.spectrum, first), kl = row(data.kl, ...places);
      const images = row(data.images, first), rebuilt = row(data.rebuilt, ...places);
      pictures.show([{ values: images }, { values: rebuilt }, { values: row(data.samples, ...places) }]);
      spectrum.set({
        levels: [{ name: `noise ${variance}`, value: variance, dash: "7 3" }],
        series: [{ name: "components", x: numbers, y: components, colour: "#0072b2", marker: true }],
      });
      const expected = components.map(one => Math.max(Math.log(one / variance) / 2, 0));
      divergences.set({
        series: [
          { name: "linear prediction", x: numbers, y: expected, dash: "7 3" },
          { name: "active", x: numbers.slice(0, alive), y: kl.subarray(0, alive), ...MEASURED, marker: "diamond" },
          { name: "not active", x: numbers.slice(alive), y: kl.subarray(alive), ...MEASURED, marker: "cross" },
        ].filter(({ x }) => x.length),
      });
      const above = components.filter(one => one > variance).length;
      return `Noise of variance ${variance}: ${alive} of ${units} units ${alive === 1 ? "is" : "are"} active (variance `
        + `of the mean above 0.1; above 0.01: ${loosely}). `
        + `${above} ${above === 1 ? "component is" : "components are"} above the line. `
        + `KL ${fixed(sum(kl), 2)} nats per image, ${fixed(sum(expected), 2)} predicted. `
        + `Squared error of these images ${fixed(squaredError(images, rebuilt), 4)} per pixel.`;
    },
  };
}
