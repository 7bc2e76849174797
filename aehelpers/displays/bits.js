import { Chart, Pictures, choice, element, fixed, mean, row, slider } from "./core.js";

const COLUMNS = 128;  // bits side by side; more of them take more lines

// Bits as black and white cells.
class Strip {
  constructor(title) {
    this.canvas = element("canvas", { role: "img", "aria-label": title });
    this.element = element("div", { class: "ae-strip" }, element("span", {}, title), this.canvas);
  }

  show(bits, [red, green, blue] = [255, 255, 255]) {
    const width = Math.min(bits.length, COLUMNS), height = bits.length / width;
    Object.assign(this.canvas, { width, height });
    const ink = this.canvas.getContext("2d"), pixels = ink.createImageData(width, height), levels = pixels.data;
    for (let i = 0; i < bits.length; i++) {
      levels[4 * i] = bits[i] * red;
      levels[4 * i + 1] = bits[i] * green;
      levels[4 * i + 2] = bits[i] * blue;
      levels[4 * i + 3] = 255;
    }
    ink.putImageData(pixels, 0, 0);
  }
}

// Two images, their bits, the angle that the bits suggest, and what the decoder reconstructs from the bits.
export default function bits(data) {
  const { sizes, pairs, images, angles, codes } = data, pixels = images.shape[1], names = Object.keys(codes);
  const colours = Object.fromEntries(names.map((name, place) => [name, ["#0072b2", "#d55e00", "#009e73"][place]]));
  const dashes = Object.fromEntries(names.map((name, place) => [name, ["", "7 3", "2 3"][place]]));
  const pictures = new Pictures({ titles: ["original", "reconstructed"], count: 2, size: 76, share: 0.45 });
  const titles = ["bits of the left image (white: 1)", "bits of the right image", "bits that differ (orange)"];
  const strips = titles.map(title => new Strip(title));
  const chart = new Chart({
    x: { label: "bits in the code", low: 14, high: 1170, log: true, ticks: sizes },
    y: { label: "angle (degrees)", low: 0, high: 120 }, share: 0.55,
  });
  const told = { element: element("div", { class: "ae-strips" }, ...strips.map(strip => strip.element)) };
  const bitsOf = (code, pair, place, side) => {
    const { shape, values } = codes[code].bits[place], start = (2 * pair + side) * shape[1];
    return values.subarray(start, start + shape[1]);
  };
  const differing = (code, pair, place) => {
    const [left, right] = [0, 1].map(side => bitsOf(code, pair, place, side));
    return left.map((bit, i) => (bit === right[i] ? 0 : 1));
  };
  let drawn = null;
  return {
    controls: { size: slider("bits", { options: sizes }), code: choice("code", names), pair: choice("images", pairs) },
    parts: [told, pictures, chart],
    draw({ size, code, pair: name }) {
      const pair = pairs.indexOf(name), place = sizes.indexOf(size), angle = angles.values[pair], share = angle / 180;
      const differ = differing(code, pair, place), count = differ.reduce((sum, bit) => sum + bit, 0);
      [0, 1].forEach(side => strips[side].show(bitsOf(code, pair, place, side)));
      strips[2].show(differ, [230, 159, 0]);
      const two = array => row(array, place).subarray(2 * pair * pixels, (2 * pair + 2) * pixels);
      pictures.show([
        { values: images.values.subarray(2 * pair * pixels, (2 * pair + 2) * pixels) },
        { values: two(codes[code].rebuilt), title: `reconstructed from ${size} bits` },
      ]);
      if (drawn !== code + name) {
        const scatter = n => 180 * Math.sqrt(share * (1 - share) / n);
        const [above, below] = [1, -1].map(sign => sizes.map(n => angle + sign * scatter(n)));
        const told = sizes.map((_, i) => 180 * mean(differing(code, pair, i)));
        const random = { name: "where two thirds of random draws fall", colour: "#56b4e9", width: 0 };
        chart.set({
          series: [
            { ...random, x: sizes, y: above, area: below },
            { name: "angle that the bits suggest", x: sizes, y: told, colour: colours[code], dash: dashes[code], marker: true },
          ],
          levels: [{ name: "angle between the images", value: angle }],
        });
        drawn = code + name;
      }
      const estimate = 180 * count / size;
      chart.mark([{ x: size, y: estimate, colour: colours[code] }]);
      return `${count} of ${size} bits ${count === 1 ? "differs" : "differ"} (${code}), which suggests an angle of `
        + `${fixed(estimate, 0)}°; the true angle is ${fixed(angle, 0)}°. Squared error per pixel, over all test images: `
        + `${fixed(codes[code].errors.values[place], 4)}.`;
    },
  };
}
