import { Chart, choice, drawImage, drawSigned, element, extent, fixed, row, slider, sum } from "./core.js";

const MISSING = "#009e73", ADDED = "#cc79a7";  // not those of the difference: blue is too dark, orange too bright
const LEAST = -8;  // the axis by group begins no lower than 1e-8: one almost perfect group would take half of it

// One garment in the course of a training run: large, with its signed difference, and the error split by principal component.
export default function epochs(data) {
  const { edges, garments, starts, images, made, errors } = data, pixels = images.shape[1], side = Math.sqrt(pixels);
  const titles = ["original", "reconstruction", "difference: blue too dark, orange too bright"];
  const canvases = titles.map(title => element("canvas", { role: "img", "aria-label": title }));
  const figures = titles.map((title, i) => element("figure", {}, canvases[i], element("figcaption", {}, title)));
  const large = { element: element("div", { class: "ae-large" }, ...figures) };
  const places = edges.slice(1).map((_, i) => i);
  const sums = from => [0, 1].map(part => data.epochs.map((_, i) => sum(row(errors, from, i, part))));
  const least = Math.min(...starts.flatMap((_, from) => sums(from).flat()));
  const ends = { low: data.epochs[0] / 1.2, high: data.epochs.at(-1) * 1.2 };
  const course = new Chart({
    x: { label: "epochs", ...ends, log: true, ticks: data.epochs, format: String },
    y: { label: "squared error, all test images", low: 10 ** Math.floor(Math.log10(least)), high: 0.05, log: true },
  });
  const upTo = {
    label: "last component of the group (sizes differ)", ticks: places, format: place => String(edges[place + 1]),
  };
  const [smallest, largest] = extent(errors.values.filter(value => value > 0));
  const chart = new Chart({
    x: { ...upTo, low: -0.4, high: places.length - 0.6 },
    y: {
      label: "squared error by group", low: 10 ** Math.max(LEAST, Math.floor(Math.log10(smallest))), log: true,
      high: 10 ** Math.ceil(Math.log10(largest)),
    },
  });
  let drawn = null;
  return {
    controls: {
      epochs: slider("epochs", { options: data.epochs }),
      garment: choice("garment", garments),
      start: choice("start", starts),
    },
    parts: [large, course, chart],
    draw({ epochs: epoch, garment, start }) {
      const place = data.epochs.indexOf(epoch), which = garments.indexOf(garment), from = starts.indexOf(start);
      const original = row(images, which), now = row(made, from, place, which), size = { height: side, width: side };
      drawImage(canvases[0], original, size);
      drawImage(canvases[1], now, size);
      drawSigned(canvases[2], now.map((value, i) => 2 * (value - original[i])), size);
      const [missing, added] = [0, 1].map(part => Array.from(row(errors, from, place, part)));
      const look = [{ colour: MISSING, marker: true }, { colour: ADDED, dash: "7 3", marker: "diamond" }];
      const names = ["missing", "added"];
      chart.set({ series: [missing, added].map((y, part) => ({ name: names[part], x: places, y, ...look[part] })) });
      const total = sum(missing) + sum(added), parts = sums(from);
      if (drawn !== start) {
        course.set({ series: names.map((name, part) => ({ name, x: data.epochs, y: parts[part], ...look[part] })) });
        drawn = start;
      }
      const hollow = look.map(({ colour, marker }) => ({ colour: "none", edge: colour, shape: marker }));
      course.mark(parts.map((part, i) => ({ x: epoch, y: part[place], ...hollow[i] })));
      const percent = part => fixed((100 * sum(part)) / total, 0);
      return `After ${epoch} epoch${epoch === 1 ? "" : "s"}, the squared error over all test images is ${fixed(total, 5)} per `
        + `pixel: ${percent(missing)} % of it is missing, ${percent(added)} % added.`;
    },
  };
}
