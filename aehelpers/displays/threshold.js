import { Chart, Pictures, choice, extent, fixed, mean, network, row, slider } from "./core.js";

const WAYS = {
  "set to zero": (value, threshold) => (value < threshold ? 0 : value),
  "raised to the threshold": (value, threshold) => Math.max(value, threshold),
  "set to the mean of the unit's small values": (value, threshold, smallMean) => (value < threshold ? smallMean : value),
};

// What a decoder reconstructs when every activation of the code below a threshold is changed in some way.
export default function threshold(data) {
  const names = Object.keys(data.codes), ways = Object.keys(WAYS), { thresholds, images } = data;
  const decoders = Object.fromEntries(names.map(name => [name, network(data.decoders[name])]));
  const [height, width] = data.size;
  const whole = Object.fromEntries(names.map(name => [name, decoders[name](data.codes[name].values)]));
  const pictures = new Pictures({ titles: ["original", "whole code", ways[0]], height, width });
  const [least, most] = extent([data.meanError, ...names.flatMap(name => Array.from(data.errors[name].values))]);
  const chart = new Chart({
    x: { label: "threshold", low: 0, high: thresholds.at(-1) },
    y: { label: data.measure, low: least / 1.1, high: 1.1 * most, log: true },
  });
  let drawn = null;
  return {
    controls: {
      model: choice("model", names),
      way: choice("below the threshold", ways),
      threshold: slider("threshold", { options: thresholds, format: value => fixed(value, 2) }),
    },
    parts: [pictures, chart],
    draw({ model, way, threshold: t }) {
      const place = thresholds.indexOf(t);
      const code = data.codes[model], means = row(data.means[model], place), units = means.length;
      const changed = code.values.map((value, i) => WAYS[way](value, t, means[i % units]));
      pictures.show([{ values: images.values }, { values: whole[model] }, { values: decoders[model](changed), title: way }]);
      if (drawn !== way) {
        drawn = way;
        const line = (name, { colour, dash }) => (
          { name, x: thresholds, y: row(data.errors[name], ways.indexOf(way)), colour, dash });
        const series = names.map(name => line(name, data.styles[name]));
        chart.set({ series, levels: [{ name: "mean image", value: data.meanError, dash: "9 4" }] });
      }
      const errors = row(data.errors[model], ways.indexOf(way)), now = errors[place];
      chart.mark([{ x: t, y: now, colour: data.styles[model].colour }]);
      const large = 100 * mean(code.values, value => (value >= t ? 1 : 0)), growth = 100 * (now / errors[0] - 1);
      const change = `${growth < 0 ? "" : "+"}${fixed(growth, 1)} %`;
      return `${model}: ${fixed(large, 0)} % of the activations of these ${images.shape[0]} images are at least `
        + `${fixed(t, 2)}. Error on ${data.measured} test images: ${fixed(errors[0], 4)} with the whole code, ${fixed(now, 4)} `
        + `(${change}) with the smaller activations ${way}; mean image: ${fixed(data.meanError, 4)}.`;
    },
  };
}
