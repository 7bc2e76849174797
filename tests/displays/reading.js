// All names of core.js that tests use, and a reader for what is mounted: charts and pictures remember who drew into an element.
globalThis.core = {
  unpack, unhide, row, mean, squaredError, network, drawImage, drawSigned, ticksBetween, fixed, element, displays, render,
  mountOnPage, slider, choice, number, whole, apart, filled, Chart, Pictures, recall, remember, forget, onRemembered, typeset,
  createTrainer, startWorker, RESTARTS, specOf, corrupted, factsOf, verdictOf, isReached,
};
for (const [kind, method] of [[Chart, "draw"], [Chart, "mark"], [Pictures, "show"]]) {
  const original = kind.prototype[method];
  kind.prototype[method] = function (...given) { this.element.drawnBy = this; return original.apply(this, given); };
}

const plain = thing => {
  if (ArrayBuffer.isView(thing)) return Array.from(thing);
  if (Array.isArray(thing)) return thing.map(plain);
  if (thing === null || typeof thing !== "object") return typeof thing === "function" ? undefined : thing;
  return Object.fromEntries(Object.entries(thing).map(([name, part]) => [name, plain(part)]));
};
const all = (root, selector) => Array.from(root.querySelectorAll(selector));
// Numbers one by one take Playwright long.
const base64 = bytes => btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));
const numbers = values => base64(new Uint8Array(Float64Array.from(values).buffer));
const pixels = canvas => base64(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
const texts = (root, selector) => all(root, selector).map(one => one.getAttribute("aria-label") ?? one.textContent);
const drawnBy = (root, selector) => all(root, selector).map(place => place.drawnBy).filter(Boolean);

globalThis.read = root => ({
  sentence: root.querySelector(".ae-sentence").textContent,
  charts: drawnBy(root, ".ae-chart").map(({ x, y, series, levels, marks, svg }) => (
    { ...plain({ x, y, series, levels, marks }), axes: texts(svg, ".ae-axes text") })),
  pictures: drawnBy(root, ".ae-pictures").map(({ rows, titles, height, width }) => (
    { ...plain({ titles, height, width }), rows: rows.map(row => ({ ...row, values: numbers(row.values) })) })),
  canvases: all(root, "canvas").filter(canvas => canvas.style.visibility !== "hidden")
    .map(canvas => ({ height: canvas.height, width: canvas.width, pixels: pixels(canvas) })),
  texts: texts(root, ".ae-table td, .ae-row-title, .ae-legend li, .ae-names text, .ae-lamps, .ae-strip span, figcaption, "
    + "output"),
});

const roots = [];
globalThis.begin = packed => {
  const root = document.createElement("div"), kept = { state: packed.state, told: [] };
  root.style.width = "852px";
  document.body.replaceChildren(root);
  const store = {
    get: () => kept.state,
    set: (state, main) => { kept.state = state; kept.told.push([state, main]); },
    listen: update => { kept.update = state => { kept.state = state; update(state); }; },
  };
  kept.end = mount(root, packed, store);
  roots.push({ root, kept });
  return roots.length - 1;
};
globalThis.at = ([number, state]) => {
  const { root, kept } = roots[number];
  if (!root.isConnected) document.body.replaceChildren(root);
  kept.update({ ...kept.state, ...state });
  return read(root);
};
globalThis.kept = number => plain({ state: roots[number].kept.state, told: roots[number].kept.told });
globalThis.rootOf = number => roots[number].root;
globalThis.end = number => roots[number].kept.end();
