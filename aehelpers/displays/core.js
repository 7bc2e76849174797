// What the displays share: arrays, networks, pictures, charts, controls, and where their state is kept.
// Plain JavaScript, no network, no dependencies. page.py joins this file and the modules beside it.

// ---------------------------------------------------------------------------------------------------------------- arrays

const READERS = {
  float32: (view, count) => Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true)),
  float16: (view, count) => Float32Array.from({ length: count }, (_, i) => half(view.getUint16(2 * i, true))),
  uint8: (view, count) => Float32Array.from({ length: count }, (_, i) => view.getUint8(i) / 255),
};

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

// Turn what packing.py packed into arrays: { shape, values }, the values in one Float32Array. Bytes are grey levels, 0 to 1.
export function unpack(thing) {
  if (Array.isArray(thing)) return thing.map(unpack);
  if (thing === null || typeof thing !== "object" || ArrayBuffer.isView(thing)) return thing;
  if (!("dtype" in thing)) return Object.fromEntries(Object.entries(thing).map(([name, part]) => [name, unpack(part)]));
  let { bytes } = thing;
  if (typeof bytes === "string") bytes = Uint8Array.from(atob(bytes), letter => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength);
  return { shape: thing.shape, values: READERS[thing.dtype](view, thing.shape.reduce((a, b) => a * b, 1)) };
}

// Turn what packing.py hid from a glance into what it was.
export function unhide(text) {
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text), letter => letter.charCodeAt(0))));
}

// A part of an array along its first axes: row(images, 3) is the fourth image.
export function row(array, ...places) {
  let size = array.values.length, start = 0;
  places.forEach((place, axis) => { size /= array.shape[axis]; start += place * size; });
  return array.values.subarray(start, start + size);
}

export const sum = values => values.reduce((a, b) => a + b, 0);

export function mean(values, of = value => value) {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += of(values[i], i);
  return total / values.length;
}

// The smallest and the largest value; Math.min(...values) fails where there are a hundred thousand.
export function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
  return [low, high];
}

// The outline of a histogram: each count from one edge of its bin to the other.
export function stairs(edges, counts) {
  const bins = Array.from(counts);
  return { x: bins.flatMap((_, bin) => [edges[bin], edges[bin + 1]]), y: bins.flatMap(count => [count, count]) };
}

export function squaredError(a, b) {
  let total = 0;  // without a function for each number, since a training in the page asks for millions
  for (let i = 0; i < a.length; i++) total += (a[i] - b[i]) * (a[i] - b[i]);
  return total / a.length;
}

// Random numbers in [0, 1) that are the same for the same seed (mulberry32).
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// -------------------------------------------------------------------------------------------------------------- networks

export const sigmoid = z => 1 / (1 + Math.exp(-z));

// Those of the table in layers.py, by the same names.
const ACTIVATIONS = {
  linear: z => z,
  relu: z => (z < 0 ? 0 : z),
  relu6: z => Math.min(Math.max(z, 0), 6),
  leaky_relu: z => (z < 0 ? 0.2 * z : z),
  elu: z => (z < 0 ? Math.expm1(z) : z),
  softplus: z => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  exponential: Math.exp,
  sigmoid,
  hard_sigmoid: z => Math.min(Math.max(z / 6 + 0.5, 0), 1),
  tanh: Math.tanh,
  softsign: z => z / (1 + Math.abs(z)),
  step: z => (Number.isNaN(z) ? NaN : Math.fround(sigmoid(z)) > 0.5 ? 1 : 0),
};

// Make a function from rows of numbers, one after the other in a Float32Array, to rows of numbers.
export function network(layers) {
  for (const { activation } of layers) {
    if (!Object.hasOwn(ACTIVATIONS, activation)) throw new Error(`core.js has no activation "${activation}" in ACTIVATIONS`);
  }
  return x => layers.reduce(dense, x);
}

function dense(x, { kernel, bias, activation }) {
  const [inputs, units] = kernel.shape, weights = kernel.values, rows = x.length / inputs;
  const f = ACTIVATIONS[activation], y = new Float32Array(rows * units), sums = new Float64Array(units);
  for (let r = 0; r < rows; r++) {
    sums.set(bias.values);
    for (let i = 0; i < inputs; i++) {
      const value = x[r * inputs + i];
      if (value === 0) continue;  // most pixels are black
      for (let u = 0, w = i * units; u < units; u++, w++) sums[u] += value * weights[w];
    }
    for (let u = 0; u < units; u++) y[r * units + u] = f(sums[u]);
  }
  return y;
}

// ------------------------------------------------------------------------------------------------------- parts of a page

export function element(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "path", "line", "circle", "text", "rect", "polyline", "polygon"].includes(tag);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// A text of a lesson with the marks of print: what follows a letter is an apostrophe or the end of a quotation.
export const typeset = text => text.replace(/(?<=[\p{L}\d.,;:?!)])"/gu, "”").replace(/"/g, "“")
  .replace(/(?<=[\p{L}\d.,;:?!)])'/gu, "’").replace(/'/g, "‘");

// Colours are named as they are on white paper; display.css has those on black. "ink" is black on white and white on black.
const PAINTS = {
  ink: "currentColor", "#0072b2": "var(--ae-blue)", "#56b4e9": "var(--ae-sky)", "#d55e00": "var(--ae-vermilion)",
  "#e69f00": "var(--ae-orange)", "#009e73": "var(--ae-green)", "#cc79a7": "var(--ae-pink)",
};
export const paint = colour => PAINTS[colour] ?? colour;

// -------------------------------------------------------------------------------------------------------------- pictures

// Draw one image: low is black and high is white; what lies outside is cut off, and NaN is marked.
export function drawImage(canvas, values, { height, width, low = 0, high = 1 }) {
  if (canvas.height !== height || canvas.width !== width) Object.assign(canvas, { height, width });
  const ink = canvas.getContext("2d"), pixels = ink.createImageData(width, height), bytes = pixels.data;
  for (let i = 0; i < width * height; i++) {
    const level = 255 * Math.min(Math.max((values[i] - low) / (high - low), 0), 1);
    for (let colour = 0; colour < 3; colour++) bytes[4 * i + colour] = Number.isNaN(level) ? MARKED[colour] : level;
    bytes[4 * i + 3] = 255;
  }
  ink.putImageData(pixels, 0, 0);
}

const MARKED = [255, 0, 200], BELOW = [0, 90, 200], ABOVE = [230, 110, 0], ZERO = 245;

// Draw signed values: 0 is nearly white, -1 blue and 1 orange, and what lies outside is cut off.
export function drawSigned(canvas, values, { height, width }) {
  Object.assign(canvas, { height, width });
  const ink = canvas.getContext("2d"), pixels = ink.createImageData(width, height);
  values.forEach((value, i) => {
    const share = Math.min(Math.abs(value), 1), end = value < 0 ? BELOW : ABOVE;
    pixels.data.set([...end.map(level => ZERO + share * (level - ZERO)), 255], 4 * i);
  });
  ink.putImageData(pixels, 0, 0);
}

const GAP = 4, LEAST = 24;  // what lies between pictures, the smallest picture

// Rows of images, one below the other, each with its title, which stands above the row where the page is narrow. show() takes
// the values of each row, images one after the other. Pictures shrink so that all of a row are seen.
export class Pictures {
  constructor({ titles, height = 28, width = 28, count = 8, size = 76, titleWidth = 104, share, label = "" }) {
    Object.assign(this, { titles, height, width, count, size, titleWidth, share });
    this.element = element("div", { class: "ae-pictures", role: "img", "aria-label": label || titles.join(", ") });
    this.columns = 0;
    this.rows = [];
  }

  resize(available) {
    const narrow = this.titleWidth > 0.23 * available, room = available - (narrow ? 0 : this.titleWidth + GAP) + GAP;
    const columns = Math.max(1, Math.min(this.count, Math.floor(room / (LEAST + GAP))));
    const size = Math.max(LEAST, Math.min(this.size, Math.floor(room / columns) - GAP));
    if (columns === this.columns && narrow === this.narrow && size === this.shown) return;
    Object.assign(this, { columns, narrow, shown: size });
    this.element.classList.toggle("ae-narrow", narrow);
    this.element.style.gridTemplateColumns = `${narrow ? "" : `${this.titleWidth}px `}repeat(${columns}, ${size}px)`;
    this.cells = this.titles.map(title => ({
      title: element("div", { class: "ae-row-title" }, title),
      canvases: Array.from({ length: columns }, () => element("canvas", { style: `width:${size}px` })),
    }));
    this.element.replaceChildren(...this.cells.flatMap(({ title, canvases }) => [title, ...canvases]));
    this.show(this.rows);
  }

  // Each row is { values, low, high, title }; all but the values may be left out.
  show(rows) {
    this.rows = rows;
    const { height, width, columns } = this, size = height * width;
    if (!columns) return;
    rows.forEach((row, number) => {
      const { title, canvases } = this.cells[number];
      if (row.title !== undefined) title.textContent = row.title;
      canvases.forEach((canvas, place) => {
        const values = row.values.subarray(place * size, (place + 1) * size);
        canvas.style.visibility = values.length ? "" : "hidden";
        if (values.length) drawImage(canvas, values, { height, width, ...row });
      });
    });
  }
}

// ---------------------------------------------------------------------------------------------------------------- charts

export const fixed = (value, digits) => (Number.isFinite(value) ? value.toFixed(digits) : String(value));

export function ticksBetween(low, high, log, most = 6) {
  if (log) {
    const all = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const factor of [1, 2, 5]) all.push(Number(`${factor}e${power}`));
    }
    const inside = all.filter(tick => tick >= low * 0.999 && tick <= high * 1.001);
    const tens = inside.filter(tick => Number.isInteger(Math.round(1e9 * Math.log10(tick)) / 1e9));
    return inside.length <= most + 2 ? inside : tens;
  }
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(size => size >= rough * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    ticks.push(Number((k * step).toPrecision(12)));
  }
  return ticks;
}

const tickText = value => (Math.abs(value) >= 1e4 || (value !== 0 && Math.abs(value) < 1e-3)
  ? value.toExponential(0) : String(value));

const TOP = 32, BOTTOM = 42, SIDE = 8, LINE = 15;  // what the axes leave free above, below and beside them; a line of text
const NAMED = 400, SAMPLE = 22;  // from this width on, lines are named where they end, after a sample of the line

// How long a text of a chart is, and the lines into which it goes. Its letters are those of the page around it.
const pen = new OffscreenCanvas(1, 1).getContext("2d");
const fontOf = part => `13px ${getComputedStyle(part).fontFamily || "sans-serif"}`;
const lengthOf = text => pen.measureText(text).width;

function linesOf(text, most) {
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length && lengthOf(longer) <= most) lines[lines.length - 1] = longer; else lines.push(word);
  }
  return lines;
}

// Move blocks apart that would overlap, { at, height }, without leaving the space from top to bottom.
export function apart(blocks, top, bottom) {
  const sorted = blocks.toSorted((a, b) => a.at - b.at);
  let edge = top;
  for (const one of sorted) { one.at = Math.max(one.at, edge + one.height / 2); edge = one.at + one.height / 2; }
  edge = bottom;
  for (const one of sorted.toReversed()) { one.at = Math.min(one.at, edge - one.height / 2); edge = one.at - one.height / 2; }
  return blocks;
}

// A chart of lines with axes, their labels, and marks that move. A line is named where it ends, or in a legend below where
// there is no room (or where ``legend`` says so, because lines end in the same place). Axes are
// { label, low, high, log, ticks, format }.
export class Chart {
  constructor({ x, y, height = 200, label = "", legend = false, share }) {
    Object.assign(this, { x, y, height, label, below: legend, share, series: [], levels: [], marks: [], width: 0 });
    this.svg = element("svg", { role: "img", "aria-label": label || `${y.label} over ${x.label}` });
    this.legend = element("ul", { class: "ae-legend" });
    this.element = element("div", { class: "ae-chart" }, this.svg, this.legend);
  }

  // The font is looked up here alone: asking for it makes the browser lay out the page, and a move has no time for that.
  resize(available) {
    const width = Math.round(Math.min(Math.max(available, 250), 760)), font = fontOf(this.element);
    if (width === this.width && font === this.font) return;
    Object.assign(this, { width, font });
    this.draw();
  }

  // Series: { name, x, y, colour, dash, marker, area }; levels: { name, value, dash }.
  // What is drawn black and what white, ``greys``, is shown as a bar along the upper edge.
  set({ series = this.series, levels = this.levels, x = this.x, y = this.y, greys = this.greys }) {
    Object.assign(this, { series, levels, x, y, greys });
    this.draw();
  }

  place(axis, value, from, to) {
    const scale = axis.log ? Math.log : v => v;
    return from + (to - from) * (scale(value) - scale(axis.low)) / (scale(axis.high) - scale(axis.low));
  }

  // How far between the ends of the axis a place of the page is, from 0 to 1.
  shareAt(clientX) {
    const { left, width } = this.svg.getBoundingClientRect(), { box } = this;
    return Math.min(Math.max(((clientX - left) * this.width / width - box.left) / (box.right - box.left), 0), 1);
  }

  draw() {
    if (!this.width) return;
    pen.font = this.font;
    const { width, height, svg } = this, most = 0.3 * width - SAMPLE;
    const withLines = one => ({ ...one, lines: linesOf(one.name, most) });
    const named = [...this.levels, ...this.series].filter(one => one.name).map(withLines);
    const across = ticksOf(this.x, width > 500 ? 8 : 5), up = ticksOf(this.y, 5);
    const isNamed = !this.below && width >= NAMED;
    const names = isNamed ? SAMPLE + Math.max(0, ...named.flatMap(one => one.lines.map(lengthOf))) + SIDE : 0;
    const box = this.box = {
      left: Math.max(...up.map(({ text }) => lengthOf(text))) + SIDE + 5, top: TOP, bottom: height - BOTTOM,
      right: width - Math.max(named.length ? names : 0, lengthOf(across.at(-1)?.text ?? "") / 2, SIDE),
    };
    this.toX = value => this.place(this.x, value, box.left, box.right);
    this.toY = value => this.place(this.y, value, box.bottom, box.top);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("width", width); svg.setAttribute("height", height);
    const axes = element("g", { class: "ae-axes" });
    const frame = `M${box.left} ${box.top}V${box.bottom}H${box.right}`;
    axes.append(element("path", { d: frame, fill: "none", stroke: "currentColor" }));
    const sparse = everyHowMany(across, this.toX, ({ text }) => lengthOf(text) + 6);
    const thin = everyHowMany(up, this.toY, () => LINE);
    across.forEach(({ tick, text }, i) => {
      const at = this.toX(tick);
      axes.append(element("line", { x1: at, x2: at, y1: box.bottom, y2: box.bottom + 4, stroke: "currentColor" }));
      if (i % sparse === 0) axes.append(element("text", { x: at, y: box.bottom + 17, "text-anchor": "middle" }, text));
    });
    up.forEach(({ tick, text }, i) => {
      const at = this.toY(tick);
      axes.append(element("line", { x1: box.left - 4, x2: box.left, y1: at, y2: at, stroke: "currentColor" }));
      if (i % thin === 0) axes.append(element("text", { x: box.left - 7, y: at + 4, "text-anchor": "end" }, text));
    });
    const labelOf = axis => (axis.log ? `${axis.label} (log scale)` : axis.label);
    axes.append(element("text", { x: box.right, y: height - 6, "text-anchor": "end" }, labelOf(this.x)),
      element("text", { x: 0, y: 12 }, labelOf(this.y)));
    const lines = element("g", {}, ...(this.greys ? this.greyBar(...this.greys) : []));
    for (const { value, dash = "2 3" } of this.levels) {
      lines.append(element("line", { x1: box.left, x2: box.right, y1: this.toY(value), y2: this.toY(value),
        stroke: "currentColor", "stroke-opacity": 0.65, "stroke-dasharray": dash, "stroke-width": 1.3 }));
    }
    for (const one of this.series) lines.append(...this.line(one));
    this.moving = element("g", { class: "ae-marks" });
    svg.replaceChildren(axes, lines, isNamed ? this.names(named) : "", this.moving);
    this.legend.replaceChildren(...(isNamed ? [] : named.map(one => this.entry(one))));
    this.mark(this.marks);
  }

  greyBar(black, white, cells = 64) {
    const { left, right, top } = this.box, size = (right - left) / cells;
    return Array.from({ length: cells }, (_, i) => {
      const value = this.x.low + (this.x.high - this.x.low) * (i + 0.5) / cells;
      const grey = Math.round(255 * Math.min(Math.max((value - black) / (white - black), 0), 1));
      const fill = `rgb(${grey} ${grey} ${grey})`;
      return element("rect", { x: left + i * size, y: top, width: size + 0.5, height: 8, fill });
    });
  }

  // The names of lines, beside their ends.
  names(named) {
    const { box } = this, inside = value => Math.min(Math.max(value, this.y.low), this.y.high);
    const blocks = named.map(one => {
      const last = one.value ?? Array.from(one.y).findLast(Number.isFinite) ?? this.y.low;
      return { one, at: this.toY(inside(last)), height: LINE * one.lines.length + 2 };
    });
    const made = element("g", { class: "ae-names" });
    for (const { one, at, height } of apart(blocks, 0, this.height)) {
      made.append(element("g", { transform: `translate(${box.right + 4} ${at - 6})` }, ...sampleOf(one, SAMPLE - 6)));
      const first = at - height / 2 + LINE - 2;
      one.lines.forEach((line, i) => made.append(
        element("text", { x: box.right + SAMPLE, y: first + LINE * i }, line)));
    }
    return made;
  }

  line({ x, y, colour = "ink", dash = "", marker = false, area = null, width = 2 }) {
    const clip = value => Math.min(Math.max(value, this.y.low), this.y.high), made = [];
    const isDrawn = ([at, value]) => Number.isFinite(value) && (!this.x.log || at > 0) && (!this.y.log || value > 0)
      && at >= this.x.low && at <= this.x.high;
    const points = values => Array.from(x, (at, i) => [at, values[i]]).filter(isDrawn)
      .map(([at, value]) => [this.toX(at), this.toY(clip(value))]);
    const text = list => list.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(" ");
    const shown = points(y), fill = paint(colour), stroke = { "stroke-width": width, "stroke-dasharray": dash };
    if (area && shown.length) {
      const outline = `M${text(shown)} ${text(points(area).reverse())}Z`;
      made.push(element("path", { d: outline, fill, "fill-opacity": 0.22 }));
    }
    made.push(element("polyline", { points: text(shown), fill: "none", stroke: fill, ...stroke }));
    if (marker) made.push(...shown.map(([cx, cy]) => shapeOf(marker, cx, cy, 3, { fill })));
    return made;
  }

  entry(one) {
    return element("li", {}, element("svg", { width: 34, height: 12, "aria-hidden": "true" }, ...sampleOf(one, 34)), one.name);
  }

  // Marks: { x, y, colour, shape, edge } is a dot; { x, name, down } an upright line with its name above it, or further down,
  // where paper around it keeps the line away; { x, y, text } a text that ends there.
  mark(marks) {
    this.marks = marks;
    if (!this.moving) return;
    pen.font = this.font;
    const { box } = this, ends = { y1: box.top, y2: box.bottom }, look = { "stroke-width": 1.5, "stroke-dasharray": "4 3" };
    const made = ({ x, y, colour = "ink", text, name, down = 0, shape, edge = "var(--ae-paper)" }) => {
      const at = this.toX(Math.min(Math.max(x, this.x.low), this.x.high)), fill = paint(colour);
      if (y === undefined) {
        const line = element("line", { x1: at, x2: at, ...ends, stroke: fill, ...look });
        if (!name) return line;
        const half = lengthOf(name) / 2, middle = Math.min(Math.max(at, box.left + half), this.width - half);
        const around = { stroke: "var(--ae-paper)", "stroke-width": 4, "paint-order": "stroke" };
        const place = { x: middle, y: box.top - 4 + down, "text-anchor": "middle" };
        return element("g", {}, line, element("text", { ...place, ...(down && around) }, name));
      }
      const height = this.toY(Math.min(Math.max(y, this.y.low), this.y.high));
      if (text) return element("text", { x: at - 6, y: height + 5, class: "ae-sign", "text-anchor": "end" }, text);
      return shapeOf(shape, at, height, 6, { fill, stroke: paint(edge), "stroke-width": 2 });
    };
    const areNumbers = ({ x, y = 1 }) => Number.isFinite(x) && Number.isFinite(y);
    this.moving.replaceChildren(...marks.filter(areNumbers).map(made));
  }
}

// The ticks of an axis, each with its text.
function ticksOf({ ticks, low, high, log, format = tickText }, most) {
  return (ticks ?? ticksBetween(low, high, log, most)).map(tick => ({ tick, text: format(tick) }));
}

// At every how many ticks a number is written, so that none touches the next.
function everyHowMany(ticks, place, sizeOf) {
  const collide = every => ticks.some((one, i) => {
    const next = ticks[i + every];
    return i % every === 0 && next && Math.abs(place(next.tick) - place(one.tick)) < (sizeOf(one) + sizeOf(next)) / 2;
  });
  let every = 1;
  while (collide(every)) every++;
  return every;
}

// A dot or, so that two lines differ without their colours, a diamond or a cross.
function shapeOf(shape, x, y, size, look) {
  if (shape === "cross") {
    const d = `M${x - size} ${y - size}L${x + size} ${y + size}M${x - size} ${y + size}L${x + size} ${y - size}`;
    return element("path", { d, fill: "none", stroke: look.fill, "stroke-width": 1.5 });
  }
  if (shape !== "diamond") return element("circle", { cx: x, cy: y, r: size, ...look });
  const wide = 1.35 * size;
  return element("path", { d: `M${x - wide} ${y}L${x} ${y - wide}L${x + wide} ${y}L${x} ${y + wide}Z`, ...look });
}

// A short piece of a line as it is drawn in the chart.
function sampleOf({ colour = "ink", value, dash, marker = false, area = null, width = 2 }, long) {
  const isLevel = value !== undefined, fill = paint(colour);
  const stroke = { stroke: fill, "stroke-width": isLevel ? 1.3 : width, "stroke-dasharray": dash ?? (isLevel ? "2 3" : "") };
  const made = [element("line", { x1: 1, x2: long - 1, y1: 6, y2: 6, ...stroke })];
  if (area) made.push(element("rect", { x: 1, y: 1, width: long - 2, height: 10, fill, "fill-opacity": 0.22 }));
  if (marker) made.push(shapeOf(marker, long / 2, 6, 3, { fill }));
  return made;
}

// -------------------------------------------------------------------------------------------------------------- controls

// Number("") is 0, but an empty field or an empty part of a link is no number.
const numberOf = value => (typeof value === "string" && value.trim() === "" ? NaN : Number(value));

// A control says which values make sense (clean returns undefined for others), and makes its element.

// A slider over options or over numbers. What ``also`` returns for its value comes into the state whenever it is moved.
export function slider(label, { options, min = 0, max = options?.length - 1, step = 1, format = String, also }) {
  const toValue = place => (options ? options[place] : place);
  return {
    also,
    isFirst: true,
    clean: value => {
      if (options) return options.find(option => String(option) === String(value));
      const number = numberOf(value);
      return number >= min && number <= max ? Number((min + step * Math.round((number - min) / step)).toFixed(10)) : undefined;
    },
    make: change => {
      const range = element("input", { type: "range", min, max, step, "aria-label": label }), output = element("output");
      range.addEventListener("input", () => change(toValue(Number(range.value))));
      const set = value => {
        range.value = options ? options.indexOf(value) : value;
        output.textContent = format(value);
        range.setAttribute("aria-valuetext", format(value));
      };
      return { element: element("label", { class: "ae-control ae-slider" }, element("span", {}, label), range, output), set };
    },
  };
}

// One of several; of a single option nothing is shown.
export function choice(label, options) {
  return {
    clean: value => options.find(option => String(option) === String(value)),
    make: options.length > 1 && (change => {
      const name = `ae-${Math.random().toString(36).slice(2)}`;
      const buttons = options.map(() => element("input", { type: "radio", name }));
      buttons.forEach((button, place) => button.addEventListener("change", () => change(options[place])));
      const labels = buttons.map((button, place) => element("label", {}, button, element("span", {}, String(options[place]))));
      const box = element("fieldset", { class: "ae-control ae-choice" }, element("legend", {}, label), ...labels);
      return { element: box, set: value => { buttons[options.indexOf(value)].checked = true; } };
    }),
  };
}

export function number(label, { min, max, step, digits = 2 }) {
  const clean = value => {
    const given = numberOf(value);
    return given >= min && given <= max ? given : undefined;
  };
  return {
    clean,
    isFirst: true,
    make: change => {
      const field = element("input", { type: "number", min, max, step, "aria-label": label });
      field.addEventListener("input", () => {
        const given = clean(field.value);  // to field.validity, steps count from min, which need not be a round number
        if (given !== undefined) change(given);
      });
      const set = value => { if (numberOf(field.value) !== value) field.value = fixed(value, digits); };
      return { element: element("label", { class: "ae-control ae-number" }, element("span", {}, label), field), set };
    },
  };
}

// A whole number that no control shows, such as a seed.
export function whole(least, most) {
  const fits = given => Number.isInteger(given) && given >= least && given <= most;
  return { clean: value => (fits(numberOf(value)) ? Number(value) : undefined) };
}

// A button that changes the state by a function of it, or that does something else.
export function button(label, act) {
  const made = element("button", { type: "button", class: "ae-button" }, label);
  made.addEventListener("click", act);
  return made;
}

// The line of code that a display's controls stand for, from Python: { line, cell, words }. In both texts {name} stands for the
// value of a control, or for what words[name] has for that value; what is copied is the cell.
export function filled(text, state, words) {
  const one = (all, name) => (name in state ? filled(String(words[name]?.[state[name]] ?? state[name]), state, words) : all);
  return text.replace(/\{(\w+)\}/g, one);
}

function codeBox({ line, cell, words }) {
  const shown = element("code", {}), label = "copy as a cell";
  let state = {};
  const copy = button(label, async () => {
    let said = "copied";
    try {
      await navigator.clipboard.writeText(filled(cell, state, words));
    } catch {
      said = "copying is not allowed here";
    }
    copy.textContent = said;
    setTimeout(() => { copy.textContent = label; }, 2500);
  });
  const set = now => { state = now; shown.textContent = filled(line, state, words); };
  return { element: element("div", { class: "ae-code" }, shown, copy), set };
}

// JupyterLab takes keys such as the arrows and the space bar for its own, unless they stop here.
function keepKeys(root) {
  for (const kind of ["keydown", "keyup", "keypress"]) {
    root.addEventListener(kind, event => {
      const isOurs = !["Tab", "Escape"].includes(event.key) && !event.ctrlKey && !event.metaKey && !event.shiftKey;
      if (isOurs) event.stopPropagation();
    });
  }
}

// ---------------------------------------------------------------------------------------- what displays tell one another

// Kept in this browser. Each display in Jupyter has this module for itself, so that a page's one place is the window.
const KEPT = "aehelpers: ", CHANGED = "aehelpers-changed";

export function recall(name) {
  const kept = (window.aehelpers ??= {});
  if (name in kept) return kept[name];
  try {
    return localStorage.getItem(KEPT + name);
  } catch {
    return null;  // a page may be forbidden to store; it then remembers until it is left
  }
}

export function remember(name, value) {
  (window.aehelpers ??= {})[name] = value;
  try {
    localStorage.setItem(KEPT + name, value);
  } catch { /* as above */ }
  window.dispatchEvent(new CustomEvent(CHANGED, { detail: name }));
}

// A class that votes together holds the answer back until its teacher tells it, although this reader has voted.
export const isHeld = name => window.aehelpersHeld === name;

export function forget() {
  window.aehelpers = {};
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(KEPT)) localStorage.removeItem(key);
  } catch { /* as above */ }
}

export function onRemembered(act, signal) {
  window.addEventListener(CHANGED, act, { signal });
}

// ----------------------------------------------------------------------------------------------------------- the display

export const displays = {};

// What a display gets from Python: to read a field that is not there is an error.
function strict(data, kind) {
  if (Array.isArray(data)) return data.map(part => strict(part, kind));
  const isPlain = data === null || typeof data !== "object" || ArrayBuffer.isView(data);
  if (isPlain || data.values instanceof Float32Array) return data;
  const fields = Object.fromEntries(Object.entries(data).map(([name, part]) => [name, strict(part, kind)]));
  return new Proxy(fields, {
    get: (_, name) => {
      if (name in fields) return fields[name];
      throw new Error(`the display "${kind}" did not get "${String(name)}" from Python`);
    },
  });
}

// A sentence in which no line ends between a number and its sign.
const unbroken = text => text.split(/(\d[\d.,]* %)/).map((part, i) => (i % 2 ? element("span", { class: "ae-together" }, part)
  : part));

const BETWEEN = 16, PAIR = 500;  // pixels between two parts side by side, and the width from which they stand so

// Give each part its width: all of it, or its share. Two charts stand side by side below something else; alone, one below the
// other.
function fitParts(parts, width) {
  const charts = parts.filter(part => part instanceof Chart), areBeside = charts.length === 2 && parts.length > 2;
  for (const part of parts) {
    const share = part.share ?? (areBeside && charts.includes(part) ? 0.5 : 1);
    const own = width >= PAIR && share < 1 ? Math.floor(share * (width + BETWEEN)) - BETWEEN : width;
    part.element.style.width = `${own}px`;
    part.resize?.(own);
  }
}

// Build a display in an element of the page. The store keeps its state: { get(), set(state), listen(f, signal) }.
//
// displays[kind](data, view) returns { controls, parts, draw }: the controls by the names of their values (those that are
// ``isFirst`` stand beside the sentence), the parts beside or below them (each with an element, resize(width) if it has to
// know, and its share of a row if it does not fill one), perhaps buttons, and tools, which are buttons that need not stay in
// sight on a phone, and a function that shows a state and returns the sentence that says what is seen. With
// arrange({ controls, sentence, code }), which returns its element, and resize(), a display has a layout of its own instead of
// parts; with complete(state) it adds to a state, which may come from a link, what follows from it. The state that comes first,
// the name of the main control and the line of code that the controls stand for are
// Python's, in packed.state, packed.main and packed.code. view.change({ name: value }) changes the state from elsewhere,
// view.redraw() shows it again, view.send(name, value) hands a trait to Python where there is one, and view.signal is aborted
// when the display ends, which the returned function makes it do.
export function mount(root, packed, store) {
  const data = strict(unpack(packed), packed.kind), ended = new AbortController();
  let state = {};
  const view = {
    change: changes => update({ ...state, ...changes }, true),
    redraw: () => update(state, false),
    get state() { return state; },
    send: store.send ?? (() => {}),
    signal: ended.signal,
  };
  const display = displays[packed.kind](data, view), { controls } = display;
  const [here, there] = [controls, packed.state].map(one => Object.keys(one).sort().join());
  if (here !== there) throw new Error(`"${packed.kind}" has the controls ${here}, but Python's state has ${there}`);
  if (packed.main !== null && !(packed.main in controls)) throw new Error(`"${packed.kind}" has no control "${packed.main}"`);
  // What makes no sense, in a link for example, gives way to what the display began with.
  const sensible = given => cleaned(display.complete?.(given ?? {}) ?? given);
  const cleaned = wanted => Object.fromEntries(Object.entries(controls).map(([name, control]) => {
    const value = wanted?.[name] === undefined ? undefined : control.clean(wanted[name]);
    return [name, value === undefined ? packed.state[name] : value];
  }));
  const made = Object.fromEntries(Object.entries(controls).filter(([, control]) => control.make)
    .map(([name, control]) => [name, control.make(value => view.change({ ...control.also?.(value), [name]: value }))]));
  const sentence = element("p", { class: "ae-sentence", role: "status", "aria-live": "polite" });
  const buttons = display.buttons ?? [], tools = display.tools ?? [], parts = display.parts ?? [];
  const body = element("div", { class: "ae-parts" }, ...parts.map(part => part.element));
  // What shows numbers or pictures stands in two columns where there is room, and its sliders beside its sentence.
  const isShow = parts.some(part => part.resize);
  const [first, others] = [true, false].map(isFirst => Object.entries(made)
    .filter(([name]) => Boolean(controls[name].isFirst) === isFirst).map(([, one]) => one.element));
  const bar = (...inside) => element("div", { class: "ae-controls" }, ...inside);
  const code = packed.code ? codeBox(packed.code) : null;
  const columns = () => element("div", { class: "ae-layout ae-columns" },
    element("div", { class: "ae-first" }, bar(...first, ...buttons), sentence),
    element("div", { class: "ae-others" }, bar(...tools, ...others), code?.element ?? ""), body);
  const column = () => element("div", { class: "ae-layout" }, bar(...others, ...first, ...buttons, ...tools), body, sentence);
  const layout = display.arrange ? display.arrange({ controls: made, sentence, code: code?.element ?? "" })
    : isShow ? columns() : column();

  function update(wanted, tell) {
    state = sensible(wanted);
    for (const [name, one] of Object.entries(made)) one.set(state[name]);
    code?.set(state);
    try {
      const said = display.draw(state);
      // What stands there already is not to be read aloud again.
      if (said !== sentence.textContent) sentence.replaceChildren(...unbroken(said));
      sentence.classList.remove("ae-failed");
    } catch (error) {
      sentence.textContent = `This could not be drawn. ${error}`;
      sentence.classList.add("ae-failed");
      throw error;
    } finally {
      if (tell) store.set(state, packed.main);
    }
  }

  root.classList.add("ae-display");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", packed.name);
  root.replaceChildren(layout);
  keepKeys(root);
  const fit = () => {
    if (display.arrange) display.resize();
    else if (isShow) fitParts(parts, body.clientWidth || 600);
  };
  fit();
  update(store.get(), false);
  const watch = new ResizeObserver(fit);
  watch.observe(display.arrange ? layout : body);
  store.listen(wanted => update(wanted, false), ended.signal);
  return () => { watch.disconnect(); ended.abort(); };
}

// ------------------------------------------------------------------------------------------------------ where it stands

// In Jupyter: the state is a trait of the widget, and so is the value of the main control. New data make a new display.
export function render({ model, el }) {
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  let now, update, unmount;
  const store = {
    get: () => (now = model.get("state")),
    set: (state, main) => {
      if (same(state, now)) return;
      now = state;
      model.set("state", state);
      model.set("value", state[main] ?? null);
      model.save_changes();
    },
    send: (name, value) => { model.set(name, value); model.save_changes(); },
    listen: f => { update = f; },
  };
  const root = document.createElement("div");
  el.appendChild(root);
  const begin = () => { unmount?.(); unmount = mount(root, model.get("data"), store); };
  const follow = state => { if (!same(state, now)) { now = state; update(state); } };
  begin();
  const events = {
    "change:data": begin,
    "change:state": () => follow(model.get("state")),
    "change:value": () => follow({ ...now, [model.get("data").main]: model.get("value") }),
  };
  for (const [name, act] of Object.entries(events)) model.on(name, act);
  return () => {
    for (const [name, act] of Object.entries(events)) model.off(name, act);
    unmount();
  };
}

// On a page: the state is in the address, after the display's id, so that a link shows what its sender saw. Returns address(),
// which makes the address of the present state (a page may have several displays, and its address has room for one), and
// unmount(), which ends the display.
export function mountOnPage(root, packed) {
  const parts = () => location.hash.slice(1).split("?"), isMine = () => parts()[0] === root.id && parts()[1];
  const read = () => (isMine() ? Object.fromEntries(new URLSearchParams(parts()[1])) : packed.saved ?? packed.state);
  const text = value => (typeof value === "object" ? JSON.stringify(value) : value);
  let now = read();
  const address = () => `#${root.id}?${new URLSearchParams(Object.entries(now).map(([name, value]) => [name, text(value)]))}`;
  const unmount = mount(root, packed, {
    get: read,
    set: state => {
      now = state;
      history.replaceState(null, "", address());
    },
    listen: (update, signal) =>
      window.addEventListener("hashchange", () => { if (isMine()) update((now = read())); }, { signal }),
  });
  return { address, unmount };
}
