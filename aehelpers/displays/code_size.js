import { Chart, Pictures, button, fixed, row, slider, whole } from "./core.js";

// Images, what an autoencoder of each code size makes of them, and what PCA of that size makes; below, the errors of both.
export default function codeSize(data, view) {
  const { sizes, images, rebuilt, projected, errors, pcaErrors, meanError, measured, page } = data;
  const [height, width] = data.size, pages = Math.floor(images.shape[0] / page);
  const pictures = new Pictures({ titles: ["original", "autoencoder", "PCA"], height, width, count: page });
  const chart = new Chart({
    x: { label: "size of the code", low: sizes[0] * 0.9, high: sizes.at(-1) * 1.1, log: true, ticks: sizes },
    y: { label: "squared error per pixel", low: 0, high: 1.05 * Math.max(meanError, ...errors.values, ...pcaErrors.values) },
  });
  chart.set({
    series: [
      { name: "autoencoder", x: sizes, y: errors.values, colour: "#0072b2", marker: true },
      { name: "PCA", x: sizes, y: pcaErrors.values, colour: "#009e73", dash: "7 3", marker: "diamond" },
    ],
    levels: [{ name: "mean image", value: meanError }],
  });
  return {
    controls: { size: slider("code size", { options: sizes }), page: whole(0, pages - 1) },
    buttons: pages > 1 ? [button("other images", () => view.change({ page: (view.state.page + 1) % pages }))] : [],
    parts: [pictures, chart],
    draw({ size, page: number }) {
      const place = sizes.indexOf(size), count = page * height * width;
      const part = values => ({ values: values.subarray(number * count, (number + 1) * count) });
      pictures.show([
        part(images.values),
        { ...part(row(rebuilt, place)), title: `autoencoder, ${size}` },
        { ...part(row(projected, place)), title: `PCA, ${size}` },
      ]);
      chart.mark([
        { x: size, y: errors.values[place], colour: "#0072b2" },
        { x: size, y: pcaErrors.values[place], colour: "#009e73", shape: "diamond" },
      ]);
      return `A code of ${size} ${size === 1 ? "number" : "numbers"}: squared error ${fixed(errors.values[place], 4)} for the `
        + `autoencoder, ${fixed(pcaErrors.values[place], 4)} for PCA, ${fixed(meanError, 4)} for the mean image, and 0 for a `
        + `perfect copy. Measured on ${measured.toLocaleString("en")} test ${measured === 1 ? "image" : "images"}.`;
    },
  };
}
