import {
  Chart, button, choice, drawImage, element, extent, fixed, mean, recall, remember, sigmoid, stairs,
} from "./core.js";
import { SILENT, corrupted, factsOf, isReached, short, specOf, verdictOf } from "./facts.js";
import { PAPER, asMnist, drawn, paintStrokes, penOn } from "./pad.js";
import { startWorker } from "./train.js";

const SIZE = 784, SHAPE = { height: 28, width: 28 }, SHOWN = 8, MANY = 64;  // images that are drawn, and rebuilt with noise

const UNITS = 12, LAMPS = 32;  // how many units of a layer are drawn
const SPEEDS = [[1, "20 steps a second"], [5, "100 steps a second"], [Infinity, "as fast as it can"]];  // steps a frame
const TEN = ["#56b4e9", "#e69f00", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999", "#7fb800", "#8c6bb1"];

// ----------------------------------------------------------------------------------------------------------------- knobs

// What a link may say of a text: so much of it, and nothing is ever read as HTML.
const text = most => ({ clean: value => (typeof value === "string" ? value.slice(0, most) : undefined) });

function knob({ label, options }) {
  const values = options.map(([value]) => value);
  return {
    clean: value => values.find(one => String(one) === String(value)),
    make: change => {
      const select = element("select", { "aria-label": label },
        ...options.map(([, said], place) => element("option", { value: place }, said)));
      select.addEventListener("change", () => change(values[Number(select.value)]));
      const made = element("label", { class: "ae-knob" }, element("span", {}, label), select);
      return { element: made, set: value => { select.value = values.indexOf(value); } };
    },
  };
}

// Knobs that do nothing as the others stand are not shown.
function isUseful(name, state) {
  const variational = state.code_kind === "variational";
  const needs = {
    level: state.noise !== "none", weight: state.penalty !== "none" && !variational, kl: variational,
    target: state.penalty === "kl" && !variational, penalty: !variational, tied: !variational, code_activation: !variational,
    hidden_activation: state.hidden !== "", drawn: state.output_activation === "linear" || state.drawn === "sigmoid",
  };
  return needs[name] ?? true;
}

// --------------------------------------------------------------------------------------------------------------- the stage

// The network: images at both ends, some units of each layer, and below it the share that is active and the gradient.
class Stage {
  constructor(input, output) {
    this.svg = element("svg", { class: "ae-net", role: "img" });
    this.element = element("div", { class: "ae-play-net" }, input, this.svg, output);
    this.layers = [];
    this.width = 0;
  }

  resize() {
    const { width, height } = this.svg.getBoundingClientRect(), zoom = this.svg.currentCSSZoom ?? 1;
    if (Math.round(width / zoom) === this.width && Math.round(height / zoom) === this.height) return;
    Object.assign(this, { width: Math.round(width / zoom), height: Math.round(height / zoom) });
    this.draw();
  }

  // Layers: { name, units, activation }, from the first hidden one to the output; ``code`` is the place of the code.
  lay(layers, code) {
    const key = JSON.stringify([layers, code]);
    if (key === this.key) return;
    Object.assign(this, { layers, code, key, seen: null });
    this.draw();
  }

  draw() {
    const { width, height, layers, code, svg } = this;
    if (!width || !layers.length) return;
    const isNarrow = width < 480, inner = layers.slice(0, -1), top = 26, bottom = height - 66;
    const middle = (top + bottom) / 2, size = Math.min(18, (bottom - top) / UNITS - 4);
    const step = width / (inner.length + 1);
    const text = (x, y, said, more = {}) => element("text", { x, y, "text-anchor": "middle", ...more }, said);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", `The network: ${layers.map(one => `${one.name} ${one.units}`).join(", ")}`);
    this.columns = inner.map((layer, place) => {
      const isCode = place === code, shown = Math.min(layer.units, isCode ? 8 : UNITS), x = step * (place + 1);
      const gap = isCode && shown <= 2 ? 76 : Math.min((bottom - top) / shown, size + 8);
      const units = Array.from({ length: shown }, (_, i) => ({
        unit: Math.floor(i * layer.units / shown), x, y: middle + (i - (shown - 1) / 2) * gap,
      }));
      return { layer, x, isCode, units, large: isCode && shown <= 2 };
    });
    const reach = Math.min(bottom - top, 104) / 2;
    const ends = x => [-1, -0.5, 0, 0.5, 1].map(part => ({ x, y: middle + part * reach }));
    const rows = [ends(0), ...this.columns.map(one => one.units), ends(width)];
    const edge = (from, to) => {
      const half = (from.x + to.x) / 2, [y0, y1] = [from, to].map(({ y }) => y.toFixed(1));
      return `M${from.x} ${y0}C${half} ${y0} ${half} ${y1} ${to.x} ${y1}`;
    };
    const edges = rows.slice(1).flatMap((next, i) => rows[i].flatMap(from => next.map(to => edge(from, to))));
    const made = [element("path", { d: edges.join(""), class: "ae-edges" })];
    for (const column of this.columns) {
      const { x, layer, units, large } = column;
      made.push(text(x, 16, isNarrow ? String(layer.units) : `${layer.name} ${layer.units}`, { class: "ae-layer" }));
      column.marks = units.map(({ y }, i) => {
        const r = large ? 27 : size / 2, look = { class: "ae-unit" };
        const w = 1.2 * r, diamond = `M${x - w} ${y}L${x} ${y - w}L${x + w} ${y}L${x} ${y + w}Z`;
        const mark = large && i === 1 ? element("path", { d: diamond, ...look })
          : large ? element("circle", { cx: x, cy: y, r, ...look })
            : element("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r, rx: 3, ...look });
        const value = large ? text(x, y + 1, "", { class: "ae-value" }) : null;
        const state = large ? text(x, y + 15, "", { class: "ae-small" }) : null;
        made.push(mark, value ?? "", state ?? "");
        return { mark, value, state };
      });
      if (layer.units > units.length && !isNarrow) {
        made.push(text(x, bottom + 14, `${units.length} of ${layer.units}`, { class: "ae-small" }));
      }
    }
    const bar = isNarrow ? 22 : 46;
    this.strips = layers.map((layer, place) => {
      const x = place < inner.length ? this.columns[place].x : width - bar / 2 - 2, y = height - 26;
      const track = element("rect", { x: x - bar / 2, y, width: bar, height: 6, rx: 3, class: "ae-track" });
      const fill = element("rect", { x: x - bar / 2, y, width: 0, height: 6, rx: 3, class: "ae-fill" });
      const said = text(x, height - 6, "", { class: "ae-small" }), active = text(x, height - 34, "", { class: "ae-small" });
      made.push(track, fill, said, active);
      return { fill, said, active, bar };
    });
    const start = { "text-anchor": "start", class: "ae-small" };
    if (!isNarrow) made.push(text(2, height - 34, "units on", start), text(2, height - 20, "gradient", start));
    svg.replaceChildren(...made);
    if (this.seen) this.show(...this.seen);
  }

  // What one image does in the units: arrays of activations, one a layer; what was measured of each layer, and which units of
  // the code are the same for every image.
  show(activations, measured, isConstant) {
    this.seen = [activations, measured, isConstant];
    this.columns?.forEach(({ units, marks, isCode, large }, place) => {
      const values = activations[place], [low, high] = extent(values), most = Math.max(-low, high, 1e-9);
      units.forEach(({ unit }, i) => {
        const value = values[unit], share = Math.min(Math.abs(value) / most, 1), { mark, value: said, state } = marks[i];
        const isDead = isCode && isConstant?.[unit];
        const lit = value < 0 ? `rgb(242 138 69 / ${0.15 + 0.85 * share})` : `rgb(241 242 238 / ${share})`;
        mark.style.fill = isDead ? "transparent" : lit;
        mark.classList.toggle("ae-off", Boolean(isDead));
        if (!large) return;
        mark.style.fill = "transparent";
        said.textContent = fixed(value, Math.abs(value) < 10 ? 2 : 0);
        state.textContent = isDead ? "dead" : "";
      });
    });
    measured.forEach(({ gradient, active }, place) => {
      const { fill, said, active: share, bar } = this.strips[place];
      // A gradient is seen over six powers of ten, up to 0.1.
      fill.setAttribute("width", gradient > 0 ? bar * Math.min(Math.max((Math.log10(gradient) + 7) / 6, 0.04), 1) : 0);
      said.textContent = Number.isNaN(gradient) ? "" : gradient === 0 ? "0" : gradient.toExponential(0);
      share.textContent = place < measured.length - 1 ? `${Math.round(100 * active)} % on` : "";
    });
  }
}

// ------------------------------------------------------------------------------------------------------------ the display

async function inflated({ count, bytes }) {
  const raw = typeof bytes === "string" ? Uint8Array.from(atob(bytes), letter => letter.charCodeAt(0)) : bytes;
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer()).subarray(0, count * SIZE);
}

const floats = bytes => Float32Array.from(bytes, value => value / 255);

function canvasOf(label) {
  return element("canvas", { ...SHAPE, role: "img", "aria-label": label });
}

// The end of an axis that grows by doubling, so that it seldom moves.
const doubled = (least, wanted) => { let high = least; while (high < wanted) high *= 2; return high; };

// Means of neighbours, so that a curve of thousands of steps is drawn by a few hundred points: [step, mean].
function sampled(values, most) {
  const size = Math.ceil(values.length / most), points = [];
  for (let i = 0; i < values.length; i += size) {
    const some = values.slice(i, i + size);
    points.push([i + some.length, mean(some)]);
  }
  return points;
}

export default function playground(data, view) {
  const { knobs, presets, challenges, sets } = data;
  const presetOf = id => presets.find(one => one.id === id), challengeOf = id => challenges.find(one => one.id === id);
  const [restarting, live] = [true, false].map(restarts => knobs.filter(one => one.restarts === restarts).map(one => one.name));
  const only = (state, list) => JSON.stringify(list.map(name => state[name]));
  const part = (name, ...children) => element("div", { class: `ae-play-${name}` }, ...children);
  const toolButton = (label, sign, act) => {
    const made = button(sign, act);
    made.setAttribute("aria-label", label);
    made.title = label;
    return made;
  };

  // ---- the training, and what it said last
  let trainer = null, structure = "", settings = "", isPlaying = false, frame = null, facts = null, losses = [], errors = [];
  let made = null, sentence = null;  // the knobs' elements by their names, and that of the sentence
  let loaded = null, asked = null, drawing = null, chosen = 0, shown = null, greys = null, trouble = "";

  const unpacked = {};  // what is on its way or there, by the names of the data sets
  async function load(name) {
    const set = sets[name], [train, test] = await Promise.all([inflated(set.train), inflated(set.test)]);
    return { name, set, train, test, floats: floats(test) };
  }

  const clock = element("strong", {}, "0"), lossNow = element("strong", {}, "–");
  const play = toolButton("play", "▶", () => (isPlaying ? pause() : begin()));
  const once = toolButton("one step", "▶|", () => { if (isPlaying) pause(); trainer?.steps(1); });
  const again = toolButton("start again", "↺", () => restart(view.state));
  play.classList.add("ae-go");
  const speeds = SPEEDS.map(([, said], i) => element("option", { value: i }, said));
  const pace = element("select", { "aria-label": "speed" }, ...speeds);
  pace.value = SPEEDS.length - 1;
  pace.addEventListener("change", () => trainer?.speed(SPEEDS[pace.value][0]));

  function showPlaying(now) {
    if (now === isPlaying) return;
    isPlaying = now;
    sentence?.setAttribute("aria-live", isPlaying ? "off" : "polite");  // while it trains, numbers change all the time
    play.textContent = isPlaying ? "❙❙" : "▶";
    play.title = isPlaying ? "pause" : "play";
    play.setAttribute("aria-label", play.title);
  }

  function begin() {
    if (frame?.failed) { restart(view.state, true); return; }
    if (!trainer) return;
    showPlaying(true);
    trainer.play();
  }

  function pause() {
    showPlaying(false);
    trainer?.pause();
  }

  // Begin anew; with the same knobs and the same seed, the training is the same again.
  async function restart(state, goesOn = false) {
    structure = only(state, restarting);
    settings = only(state, live);
    frame = facts = null; losses = []; errors = []; trouble = "";
    told.since = -1;
    showPlaying(false);
    trainer?.end();
    trainer = null;
    const mine = (asked = {});
    if (loaded?.name !== state.data) {
      const next = await (unpacked[state.data] ??= load(state.data));
      if (asked !== mine || view.signal.aborted) return;
      loaded = next;
    }
    // Meanwhile a knob may have been turned that acts without a restart.
    settings = only(view.state, live);
    see(view.state);
    const isMine = act => given => { if (asked === mine) act(given); };
    trainer = startWorker({
      spec: specOf(view.state), images: loaded.train, shown, looked: looked(), measured: loaded.test, signal: view.signal,
      onFrame: isMine(take), onError: isMine(error => { trouble = error.message; showPlaying(false); view.redraw(); }),
    });
    trainer.speed(SPEEDS[pace.value][0]);
    paintPictures();
    if (goesOn) begin();
  }

  // The images that are drawn, with the noise of the training: as bytes, and as numbers.
  function see(state) {
    shown = corrupted(loaded.test.subarray(0, MANY * SIZE), state);
    greys = floats(shown);
  }

  const looked = () => drawing ?? shown.subarray(chosen * SIZE, (chosen + 1) * SIZE);

  function look() {
    if (!loaded) return;
    see(view.state);
    trainer?.look(shown, looked());
    paintPictures();
  }

  function take(next) {
    frame = { ...next, measures: next.measures ?? frame.measures };
    losses.push(...next.losses);
    if (next.failed) showPlaying(false);
    clock.textContent = String(next.step);
    paintPictures(Boolean(next.measures));
    if (!next.measures) return;
    facts = factsOf({ state: view.state, set: loaded.set, images: loaded.floats, shown: greys, frame });
    errors.push([next.step, facts.drawnError]);
    view.redraw();
    if (!next.isPlaying && next.step) handBack();
  }

  // For Python, which makes a model of it.
  async function handBack() {
    const state = { ...view.state }, step = frame.step, weights = await trainer.weights();
    const bytes = new Float32Array(weights.reduce((total, { values }) => total + values.length, 0));
    let place = 0;
    for (const { values } of weights) { bytes.set(values, place); place += values.length; }
    view.send("trained", { step, state, weights: new DataView(bytes.buffer) });
  }

  // ---- what is seen
  const input = element("canvas", {
    width: PAPER, height: PAPER, class: "ae-play-image ae-pad", tabindex: 0, role: "application",
    "aria-label":
      "The input: draw with the pointer; or move with the arrow keys and press the space bar to put the pen down or up",
  });
  const output = canvasOf("the reconstruction"), stage = new Stage(
    element("figure", {}, input, element("figcaption", {}, "input; draw here")),
    element("figure", {}, output, element("figcaption", {}, "output")));
  output.classList.add("ae-play-image");
  let strokes = [];
  const pen = penOn(input, {
    strokes: () => strokes,
    change(list) {
      strokes = list;
      pen.paint();
      drawing = Uint8Array.from(asMnist(drawn(strokes)), value => Math.round(255 * value));
      look();
    },
    paint(ink) {
      ink.fillStyle = "black"; ink.fillRect(0, 0, PAPER, PAPER);
      if (drawing || strokes.length) paintStrokes(ink, strokes);
      else if (shown) looked().forEach((value, i) => {
        ink.fillStyle = `rgb(${value} ${value} ${value})`;
        ink.fillRect(4 * (i % 28), 4 * Math.floor(i / 28), 4, 4);
      });
    },
  });
  const useImage = i => { drawing = null; strokes = []; pen.lift(); chosen = i; look(); };
  const rows = ["original", "input", "output"].map(name => ({
    name, label: element("span", {}, name), pictures: Array.from({ length: SHOWN }, (_, i) => {
      const canvas = canvasOf(`${name} ${i + 1}`);
      return { canvas, element: name === "original"
        ? toolButton(`look at image ${i + 1}`, canvas, () => useImage(i)) : canvas };
    }),
  }));
  const board = part("pictures", ...rows.flatMap(({ label, pictures }) => [label, ...pictures.map(one => one.element)]));
  const lossChart = new Chart({
    x: { label: "step", low: 0, high: 500 }, y: { label: "", low: 0, high: 1 }, height: 150, legend: true,
  });
  const views = {
    plane: element("canvas", { width: 300, height: 160, role: "img", "aria-label": "the codes of the test images" }),
    lamps: element("div", { class: "ae-lamps" }),
  };
  const histogram = new Chart({
    x: { label: "value in the code", low: -1, high: 1 }, y: { label: "share of values", low: 0, high: 0.5 }, height: 130,
  });
  const more = element("p", { class: "ae-play-more" });
  const groupOf = (label, list, sign) => element("optgroup", { label },
    ...list.map(({ id, title }) => element("option", { value: sign + id }, title)));
  const starts = element("select", { "aria-label": "start from" }, element("option", { value: "" }, "your own"),
    groupOf("lessons", presets, ""), groupOf("challenges", challenges, "!"));
  starts.addEventListener("change", () => startFrom(starts.value));

  function startFrom(value) {
    const challenge = challengeOf(value.slice(1)), preset = presetOf(value);
    drawing = null; strokes = [];
    if (challenge) view.change({ ...challenge.state, preset: "", challenge: challenge.id });
    else if (preset) view.change({ ...preset.state, preset: preset.id, challenge: "" });
  }

  // A picture of logits is drawn as Matplotlib would, from its smallest to its largest value; any other from 0 to 1.
  function draw(canvas, values, state) {
    if (state.drawn === "sigmoid") drawImage(canvas, values.map(sigmoid), SHAPE);
    else if (state.loss === "logits") drawImage(canvas, values, { ...SHAPE, low: extent(values)[0], high: extent(values)[1] });
    else drawImage(canvas, values, SHAPE);
  }

  // Between two measures, only what the network makes is painted: the rest takes a slow processor too long.
  function paintPictures(isAll = true) {
    if (!loaded || !shown) return;
    const { state } = view, isNoisy = state.noise !== "none", at = (values, i) => values.subarray(i * SIZE, (i + 1) * SIZE);
    board.classList.toggle("ae-three", isNoisy);
    rows.forEach(({ name, label, pictures }) => {
      if (!isAll && name !== "output") return;
      label.hidden = name === "input" && !isNoisy;
      pictures.forEach(({ canvas, element: cell }, i) => {
        cell.hidden = label.hidden;
        if (name === "original") {
          drawImage(canvas, at(loaded.floats, i), SHAPE);
          cell.setAttribute("aria-pressed", String(!drawing && i === chosen));
        }
        if (name === "input") drawImage(canvas, at(greys, i), SHAPE);
        if (name === "output" && frame) draw(canvas, at(frame.reconstruction, i), state);
      });
    });
    if (isAll) pen.paint();
    if (!frame) return;
    draw(output, frame.inside.at(-1), state);
    if (isAll) stage.show(frame.inside, frame.measures.layers, facts?.isConstant);
  }

  function paintLoss(state) {
    const { set } = loaded, kind = state.loss === "mse" ? "mse" : "bce", isError = state.chart === "error";
    const factor = !isError && state.reduction === "sum" ? SIZE : 1, of = isError ? "mse" : kind, levels = [];
    levels.push({ name: "mean image", value: factor * set.mean[of], dash: "9 5" });
    const pca = set.pca.values[state.code - 1];
    if (of === "mse" && pca !== undefined) levels.push({ name: `PCA, ${state.code}`, value: factor * pca, dash: "2 3" });
    if (of === "bce") levels.push({ name: "floor", value: factor * set.floor, dash: "1 2" });
    const points = isError ? errors : sampled(losses, 240), later = points.slice(points.length / 2);
    const high = doubled(2 * factor * set.mean[of], Math.max(0, ...later.map(([, value]) => value)));
    lossChart.set({
      x: { ...lossChart.x, high: doubled(500, frame?.step ?? 0), format: step => step.toLocaleString("en") },
      y: { label: isError ? "squared error, test images" : `loss, ${state.reduction} over the pixels`, low: 0, high },
      levels,
      series: points.length ? [{ name: isError ? "error" : "loss", colour: "#0072b2",
        x: points.map(([step]) => step), y: points.map(([, value]) => value) }] : [],
    });
    lossNow.textContent = losses.length ? short(losses.at(-1)) : "–";
  }

  let reach = 1;  // of the axes of the codes, which do not shrink
  function paintCodes(state) {
    const { code: codes } = frame.measures, { plane, lamps } = views, isPlane = state.code === 2;
    plane.hidden = !isPlane; lamps.hidden = isPlane; histogram.element.hidden = isPlane;
    if (frame.step < 2) reach = 1;
    reach = doubled(reach, Math.max(...extent(codes).map(Math.abs)));
    if (isPlane) {
      const { width, height } = plane, ink = plane.getContext("2d"), across = value => width * (0.5 + 0.48 * value / reach);
      const up = value => height * (0.5 - 0.46 * value / reach), colour = getComputedStyle(plane).color;
      ink.clearRect(0, 0, width, height);
      ink.strokeStyle = ink.fillStyle = colour; ink.globalAlpha = 0.35;
      ink.beginPath();
      for (const [x, y, toX, toY] of [[0, up(0), width, up(0)], [across(0), 0, across(0), height]]) {
        ink.moveTo(x, y); ink.lineTo(toX, toY);
      }
      ink.stroke();
      ink.globalAlpha = 1; ink.font = "12px system-ui, sans-serif";
      ink.fillText(`unit 1: -${short(reach)} to ${short(reach)}`, 4, height - 4);
      ink.fillText("unit 2", across(0) + 4, 11);
      ink.font = "bold 11px system-ui, sans-serif"; ink.textAlign = "center"; ink.textBaseline = "middle";
      loaded.set.labels.forEach((label, i) => {
        ink.fillStyle = TEN[label];
        ink.fillText(String(label), across(codes[2 * i]), up(codes[2 * i + 1]));
      });
      ink.textAlign = "start"; ink.textBaseline = "alphabetic";
      return;
    }
    const alive = facts.kl ? Array.from(facts.kl, one => one > SILENT) : facts.isConstant.map(one => !one);
    const lamp = (isAlive, i) => element("span", {
      class: `ae-lamp ${isAlive ? "" : "ae-dead"}`, role: "img",
      "aria-label": `unit ${i + 1} is ${isAlive ? "active" : "dead"}`,
    }, isAlive ? "" : "×");
    const few = state.code > LAMPS ? `; the first ${LAMPS}:` : "";
    const said = `${facts.activeUnits} of ${state.code} units are active`;
    lamps.replaceChildren(element("span", {}, said + few), ...alive.slice(0, LAMPS).map(lamp));
    const bins = 40, counts = new Float64Array(bins), low = -reach;
    for (const value of codes) counts[Math.min(bins - 1, Math.floor(bins * (value - low) / (2 * reach)))] += 1 / codes.length;
    const edges = Array.from({ length: bins + 1 }, (_, i) => low + 2 * reach * i / bins);
    const y = { ...histogram.y, high: Math.max(...counts) > 0.5 ? 1 : 0.5 };
    histogram.set({ x: { ...histogram.x, low, high: reach }, y, series: [{ ...stairs(edges, counts), colour: "#0072b2" }] });
  }

  // ---- the challenge, or a teacher's task
  const told = { hint: false, answer: false, of: "", knobs: "", since: -1, curedAt: null };
  const task = part("task");
  function showTask(state, turned) {
    const challenge = challengeOf(state.challenge), said = state.task;
    if (!challenge) {
      const open = challenges.filter(({ id }) => !recall(`challenge: ${id}`)), solved = challenges.length - open.length;
      const next = (open[0] ?? challenges[0]).id, key = `${said}|${solved}`;
      if (key === task.dataset.key) return;
      task.dataset.key = key;
      task.replaceChildren(element("h3", {}, said ? "Your task" : "Challenges"), element("p", {}, said
        || `Each is a sick model that one knob can cure. You have solved ${solved} of ${challenges.length}.`),
      said ? "" : button(solved ? "Next challenge" : "First challenge", () => startFrom(`!${next}`)));
      return;
    }
    if (told.of !== challenge.id) Object.assign(told, { hint: false, answer: false, of: challenge.id, knobs: "" });
    // A cure stays one while the training goes on. With other knobs there is none until a step has been made with them.
    const now = only(state, knobs.map(one => one.name));
    if (told.knobs !== now) Object.assign(told, { knobs: now, since: frame?.step ?? -1, curedAt: null });
    if (facts?.step > told.since && turned.length === 1 && isReached(challenge.goal, facts)) told.curedAt ??= facts.step;
    const isCured = told.curedAt !== null;
    const before = challenge.goal.find(([fact, sign]) => fact === "step" && sign === "<")?.[2] ?? Infinity;
    const isLate = !isCured && facts?.step >= before;
    if (isCured && !recall(`challenge: ${challenge.id}`)) remember(`challenge: ${challenge.id}`, "solved");
    const isSolved = Boolean(recall(`challenge: ${challenge.id}`));
    const key = [challenge.id, isSolved, isCured, isLate, turned.join(), told.hint, told.answer].join("|");
    if (key === task.dataset.key) return;
    task.dataset.key = key;
    const many = `You have turned ${turned.length} knobs (${turned.map(labelOf).join(", ")}): one is enough.`;
    const late = `Step ${before.toLocaleString("en")} is past: press start again, then play.`;
    const stands = isCured ? `✓ Cured, at step ${told.curedAt.toLocaleString("en")}.` : isLate ? late : turned.length > 1 ? many
      : turned.length ? `You have turned one knob: ${labelOf(turned[0])}.`
        : "You have not turned a knob yet; the seed does not count.";
    const show = name => { told[name] = true; task.dataset.key = ""; view.redraw(); };
    const place = challenges.indexOf(challenge), next = challenges[(place + 1) % challenges.length].id;
    task.replaceChildren(
      element("h3", {}, `Challenge ${place + 1} of ${challenges.length}: ${challenge.title}`, isSolved ? " ✓" : ""),
      element("p", {}, challenge.task),
      element("p", { class: isCured ? "ae-right" : "", role: "status" }, stands),
      told.hint ? element("p", {}, challenge.hint) : "", told.answer || isCured ? element("p", {}, challenge.answer) : "",
      element("div", { class: "ae-actions" }, told.hint ? "" : button("hint", () => show("hint")),
        told.answer || isCured ? "" : button("answer", () => show("answer")),
        isCured ? button("next challenge", () => startFrom(`!${next}`)) : ""));
  }

  const labelOf = name => knobs.find(one => one.name === name).label;
  const baseOf = state => challengeOf(state.challenge)?.state ?? presetOf(state.preset)?.state ?? presets[0].state;

  // A link that names a preset or a challenge need not name its knobs.
  function complete(given) {
    const base = challengeOf(given.challenge)?.state ?? presetOf(given.preset)?.state;
    return base ? { preset: "", challenge: "", ...base, ...given } : given;
  }

  const controls = Object.fromEntries(knobs.map(one => [one.name, knob(one)]));
  const ids = { preset: ["", ...presets.map(one => one.id)], challenge: ["", ...challenges.map(one => one.id)] };
  for (const [name, values] of Object.entries(ids)) {
    controls[name] = { clean: value => (values.includes(value) ? value : undefined) };
  }
  Object.assign(controls, { hide: text(300), task: text(300), chart: choice("chart", ["loss", "error"]) });

  function arrange({ controls: elements, sentence: said, code }) {
    made = elements;
    sentence = said;
    const group = (...list) => list.map(name => elements[name].element);
    const transport = part("transport", element("div", { class: "ae-play-buttons" }, play, once, again),
      element("div", { class: "ae-play-clock" }, element("span", {}, "step"), clock),
      element("div", { class: "ae-play-clock" }, element("span", {}, "loss"), lossNow),
      element("label", { class: "ae-knob" }, element("span", {}, "start from"), starts),
      element("label", { class: "ae-knob ae-play-pace" }, element("span", {}, "speed"), pace), code);
    const training = part("knobs", ...group(
      "loss", "reduction", "optimizer", "rate", "batch", "penalty", "weight", "target", "kl", "start", "tied", "seed"));
    const architecture = part("knobs", ...group(
      "data", "noise", "level", "hidden", "hidden_activation", "code_kind", "code", "code_activation", "output_activation",
      "drawn"));
    const codes = element("div", {}, views.plane, views.lamps, histogram.element);
    const right = part("right", element("div", {}, elements.chart.element, lossChart.element), codes);
    const floor = part("floor", part("case", said, more), board, task);
    return part("ground", transport, training, part("desk", part("middle", architecture, stage.element),
      right), floor);
  }

  return {
    controls,
    complete,
    arrange,
    resize() {
      stage.resize();
      for (const chart of [lossChart, histogram]) chart.resize(chart.element.parentElement.clientWidth);
    },
    draw(state) {
      const base = baseOf(state), isTurned = name => name !== "seed" && isUseful(name, state) && state[name] !== base[name];
      const turned = knobs.map(one => one.name).filter(isTurned);
      const hidden = state.hide.split(",");
      for (const { name } of knobs) {
        const box = made[name].element;
        box.hidden = !isUseful(name, state) || hidden.includes(name);
        box.classList.toggle("ae-turned", turned.includes(name));
      }
      starts.value = state.challenge ? `!${state.challenge}` : state.preset;
      const sizes = state.hidden ? state.hidden.split(",").map(Number) : [];
      stage.lay([...sizes.map(units => ({ name: "encoder", units })), { name: "code", units: state.code },
        ...sizes.toReversed().map(units => ({ name: "decoder", units })), { name: "output", units: SIZE }], sizes.length);
      if (only(state, restarting) !== structure) restart(state, isPlaying);
      else if (only(state, live) !== settings) {
        settings = only(state, live);
        const { noise, penalty, kl_weight, batch, optimizer } = specOf(state);
        trainer?.set({ noise, penalty, kl_weight, batch, optimizer });
        look();
      }
      if (loaded) paintLoss(state);
      if (facts) paintCodes(state);
      showTask(state, turned);
      if (trouble) return `This model cannot be trained: ${trouble}.`;
      if (!facts) return "Loading the images.";
      const verdict = verdictOf(facts, state);
      const wasTurned = !facts.step && turned.length && "You turned a knob, so training starts again. Press play.";
      more.textContent = task.querySelector(".ae-right") ? "" : wasTurned || verdict.more;
      return verdict.sentence;
    },
  };
}
