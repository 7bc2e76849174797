import { button, choice, drawImage, element, extent, fixed, network, paint, row, squaredError, whole } from "./core.js";
import { PAPER, asMnist, drawn, paintStrokes, penOn } from "./pad.js";

const IMAGE = { height: 28, width: 28 };
const CENTRED = "centred", AS_DRAWN = "as drawn";
const SAID = { [CENTRED]: "Your drawing, scaled and centred.", [AS_DRAWN]: "Your drawing, where you drew it." };

// A disc for a number above zero, a diamond for one below.
function signOf(value, x, y, size, more = {}) {
  const look = { stroke: "currentColor", fill: paint(value < 0 ? "#d55e00" : "#0072b2"), ...more };
  const diamond = `M${x - size} ${y}L${x} ${y - size}L${x + size} ${y}L${x} ${y + size}Z`;
  return value < 0 ? element("path", { d: diamond, ...look }) : element("circle", { cx: x, cy: y, r: size, ...look });
}

// The network as a bow tie: a bar for each layer, as high as the logarithm of its size, and a dot for each number of the code.
class BowTie {
  constructor() {
    this.svg = element("svg", { viewBox: "0 0 220 170", class: "ae-tie", role: "img" });
  }

  // Which layers there are, and which of them is the code.
  lay(sizes, code) {
    const heightOf = size => 12 + 108 * Math.log(size) / Math.log(784), step = 190 / (sizes.length - 1);
    const bars = sizes.map((size, i) => ({ size, x: 15 + i * step, half: heightOf(size) / 2 }));
    const between = bars.slice(1).map((next, i) => {
      const { x, half } = bars[i], corners = [[x, -half], [next.x, -next.half], [next.x, next.half], [x, half]];
      const points = corners.map(([at, up]) => `${at},${80 + up}`).join(" ");
      return element("polygon", { points, fill: "currentColor", "fill-opacity": i < code ? 0.14 : 0.22 });
    });
    const barOf = ({ x, half }) => element("line", { x1: x, x2: x, y1: 80 - half, y2: 80 + half, stroke: "currentColor" });
    const text = (x, y, said) => element("text", { x, y, "text-anchor": "middle" }, said);
    const labels = bars.map(({ x, size }) => text(x, 158, String(size)));
    const parts = [text((bars[0].x + bars[code].x) / 2 - 8, 12, "encoder"), text(bars[code].x, 12, "code"),
      text((bars.at(-1).x + bars[code].x) / 2 + 8, 12, "decoder")];
    this.dots = element("g");
    this.middle = bars[code].x;
    this.svg.setAttribute("aria-label", `The network, in layers of ${sizes.join(", ")}; the code has ${sizes[code]} numbers`);
    this.svg.replaceChildren(...between, ...bars.map(barOf), ...labels, ...parts, this.dots);
  }

  // A number above zero is a disc, one below a diamond, the larger the fuller; what a slider moves is larger.
  show(code, units) {
    const [low, high] = extent(code), most = Math.max(-low, high, 1e-9), gap = Math.min(110 / code.length, 26);
    this.dots.replaceChildren(...Array.from(code, (value, i) => {
      const y = 80 + (i - (code.length - 1) / 2) * gap, size = units.includes(i) ? 6 : Math.min(4, 0.45 * gap), x = this.middle;
      return signOf(value, x, y, size, { "fill-opacity": Math.abs(value) / most });
    }));
  }
}

// A slider on one number of the code: "" leaves it to the encoder. The network and the drawing say where it stands.
function unitSlider(place) {
  const range = element("input", { type: "range" }), output = element("output"), name = element("span");
  const made = element("label", { class: "ae-control ae-slider" }, name, range, output);
  const finite = value => Number.isFinite(Number(value)) && value !== null && String(value).trim() !== "";
  return {
    clean: value => (value === "" ? "" : finite(value) ? Number(value) : undefined),
    isFirst: true,
    make: change => {
      range.addEventListener("input", () => change(Number(range.value)));
      return { element: made, set: () => {} };
    },
    show({ units, lows, highs }, value) {
      made.hidden = place >= units.length;
      if (made.hidden) return;
      Object.assign(range, { min: lows[place], max: highs[place], step: (highs[place] - lows[place]) / 100, value });
      const label = `code unit ${units[place] + 1}`;
      const sign = element("svg", { width: 14, height: 14, class: "ae-of-code", "aria-hidden": true }, signOf(value, 7, 7, 5));
      name.replaceChildren(sign, label);
      range.setAttribute("aria-label", label);
      range.setAttribute("aria-valuetext", fixed(value, 2));
      output.textContent = fixed(value, 2);
    },
  };
}

// Draw a digit, or over a test image, and see what every model makes of it; and move two numbers of one model's code.
export default function drawingPad(data, view) {
  const names = Object.keys(data.networks), { images, limit } = data;
  const judged = error => (limit === null ? "" : error > limit ? "alarm" : "accepted");
  const networks = names.map(name => {
    const { layers, code } = data.networks[name];
    return { encode: network(layers.slice(0, code)), decode: network(layers.slice(code)) };
  });
  const figure = title => {
    const picture = element("canvas", { role: "img", "aria-label": title }), caption = element("figcaption", {}, title);
    return { picture, caption, element: element("figure", {}, picture, caption) };
  };
  const figures = ["input", ...names].map(figure), out = figure("from this code"), tie = new BowTie();
  const numbers = element("p", { class: "ae-numbers" }), sliders = [0, 1].map(unitSlider);
  const canvas = element("canvas", {
    width: PAPER,
    height: PAPER,
    class: "ae-pad",
    tabindex: 0,
    role: "application",
    "aria-label":
      "Drawing pad: draw with the pointer; or move with the arrow keys and press the space bar to put the pen down or up",
  });
  const strokes = () => view.state.strokes;
  const free = { unit1: "", unit2: "" };  // the code is the encoder's again
  const change = (list, base = view.state.base) => view.change({ strokes: list, base, ...free });
  const pen = penOn(canvas, {
    strokes, change, paint(ink) {
      ink.fillStyle = "black"; ink.fillRect(0, 0, PAPER, PAPER);
      if (view.state.base >= 0) row(images, view.state.base).forEach((value, i) => {
        ink.fillStyle = `rgb(${Array(3).fill(255 * value).join()})`;
        ink.fillRect(4 * (i % 28), 4 * Math.floor(i / 28), 4, 4);
      });
      paintStrokes(ink, strokes());
    },
  });

  function input() {
    const drawing = drawn(strokes());
    if (view.state.base < 0 && view.state.placed === CENTRED) return asMnist(drawing);
    const under = view.state.base < 0 ? new Float32Array(784) : row(images, view.state.base), small = new Float32Array(784);
    drawing.forEach((value, i) => { small[28 * Math.floor(i / PAPER / 4) + Math.floor((i % PAPER) / 4)] += value / 16; });
    return under.map((value, i) => Math.max(value, small[i]));
  }

  const isPoint = point => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  const isStrokes = value => Array.isArray(value) && value.every(one => Array.isArray(one) && one.length && one.every(isPoint));
  const readStrokes = value => {
    try {
      const list = typeof value === "string" ? JSON.parse(value) : value;
      return isStrokes(list) ? list : undefined;
    } catch { return undefined; }
  };
  const count = images.shape[0];
  let laid = null, last = -1;  // the network that is drawn, and the test image that came last
  const padCaption = element("figcaption"), pad = element("figure", {}, canvas, padCaption);
  const stage = element("div", { class: "ae-stage" }, pad, tie.svg, out.element, numbers,
    element("div", { class: "ae-figures" }, ...figures.map(one => one.element)));
  return {
    controls: {
      strokes: { clean: readStrokes },
      base: whole(-1, count - 1),  // -1 is empty paper
      unit1: sliders[0],
      unit2: sliders[1],
      network: { ...choice("network", names), also: () => free },
      placed: choice("your drawing", [CENTRED, AS_DRAWN]),
    },
    tools: [
      button("undo", () => { pen.lift(); change(strokes().slice(0, -1)); }),
      button("clear", () => { pen.lift(); change([], -1); }),
      button("another digit", () => { pen.lift(); change([], (last + 1) % count); }),
      button("reset sliders", () => view.change(free)),
    ],
    parts: [{ element: stage, resize: width => stage.classList.toggle("ae-narrow", width < 500) }],
    draw({ base, unit1, unit2, network: name, placed }) {
      pen.paint();
      padCaption.textContent = base >= 0 ? "press clear, then draw" : "draw here";
      if (base >= 0) last = base;
      const image = input(), codes = networks.map(({ encode }) => encode(image));
      const rebuilt = codes.map((code, i) => networks[i].decode(code));
      [image, ...rebuilt].forEach((values, i) => drawImage(figures[i].picture, values, IMAGE));
      const which = names.indexOf(name), one = data.networks[name], { units } = one, code = codes[which].slice();
      const moved = [unit1, unit2].slice(0, units.length).map((value, i) => ({ unit: units[i], value })).filter(
        ({ value }) => value !== "");
      for (const { unit, value } of moved) code[unit] = value;
      if (laid !== name) {
        laid = name;
        tie.lay([784, ...one.layers.map(({ kernel }) => kernel.shape[1])], one.code);
      }
      tie.show(code, units);
      const stands = [unit1, unit2].map((value, i) => (value === "" ? code[units[i]] : value));
      sliders.forEach((slider, i) => slider.show(one, stands[i]));
      const made = networks[which].decode(code);
      drawImage(out.picture, made, IMAGE);
      numbers.textContent = `${name}: ${Array.from(code, value => fixed(value, 1)).join(", ")}`;
      const empty = !image.some(value => value), under = base >= 0 ? row(images, base) : [];
      const changed = under.reduce((sum, value, i) => sum + (Math.abs(image[i] - value) > 1 / 510 ? 1 : 0), 0);
      const byHand = moved.map(({ unit, value }) => (
        `unit ${unit + 1} from ${fixed(codes[which][unit], 2)} to ${fixed(value, 2)}`));
      const each = names.map((model, i) => {
        const error = squaredError(image, rebuilt[i]), said = judged(error);
        figures[i + 1].caption.textContent = said ? `${model} (${said})` : model;
        return `${model}: ${fixed(error, 4)}${said && `, ${said}`}`;
      }).join(", ");
      if (moved.length) {
        return `You moved ${byHand.join(" and ")}: the decoder draws what the code says. Squared error to the input `
          + `${fixed(squaredError(image, made), 4)}, before ${fixed(squaredError(image, rebuilt[which]), 4)}.`;
      }
      const errors = `Squared error, ${each}${limit === null ? "" : ` (limit ${fixed(limit, 4)})`}.`;
      const differ = `${changed} of 784 pixels differ from the test image.`;
      if (base >= 0) return `${changed ? differ : "A test image."} ${errors}`;
      if (empty) return "Draw a digit, or take a test image.";
      return `${SAID[placed]} Even if it is not a digit, the decoder draws with what it has learned from digits. ${errors}`;
    },
  };
}
