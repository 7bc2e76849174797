import { Chart, button, drawImage, element, extent, fixed, mean, recall, remember, row, sigmoid, squaredError, sum } from "./core.js";
import { startWorker } from "./train.js";

const SIZE = 784, SHAPE = { height: 28, width: 28 }, SHOWN = 8;
const UNITS = 12, LAMPS = 64;  // how many units of a layer are drawn
const SPEEDS = [[5, "5 steps a second"], [30, "30 steps a second"], [0, "as fast as it can"]];
const TEN = ["#56b4e9", "#e69f00", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999", "#7fb800", "#8c6bb1"];

// As in the diagnosis: yardsticks.py, code.py, gradients.py.
const NO_VARIATION = 0.02, NO_BETTER = 0.97, WHISPER = 0.04, SILENT = 0.01;
const SETTLED = 300;  // steps before which a loss may still be on its way

// ----------------------------------------------------------------------------------------------------------------- knobs

// What a link may say of a text: so much of it, and nothing is ever read as HTML.
const text = most => ({ clean: value => (typeof value === "string" ? value.slice(0, most) : undefined) });

function knob({ label, options }, isFirst = false) {
  const values = options.map(([value]) => value);
  return {
    isFirst,
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

// Knobs that would do nothing as the others stand are not shown.
function isUseful(name, state) {
  const variational = state.code_kind === "variational";
  const needs = {
    level: state.noise !== "none", weight: state.penalty !== "none" && !variational, kl: variational,
    target: state.penalty === "kl" && !variational, penalty: !variational, tied: !variational, code_activation: !variational,
    hidden_activation: state.hidden !== "", drawn: state.output_activation === "linear",
  };
  return needs[name] ?? true;
}

// What the engine is to build: train.js says what each field means.
export function specOf(state) {
  const sizes = state.hidden ? state.hidden.split(",").map(Number) : [];
  const layer = units => ({ units, activation: state.hidden_activation });
  const variational = state.code_kind === "variational", [name, version] = state.optimizer.split("_");
  const starts = {
    glorot: { kind: "glorot_uniform" }, normal: { kind: "truncated_normal", stddev: 0.1, bias: 0.1 },
    small: { kind: "truncated_normal", stddev: 0.05, bias: 0 }, zeros: { kind: "truncated_normal", stddev: 0, bias: 0 },
  };
  return {
    encoder: sizes.map(layer),
    code: { units: state.code, activation: variational ? "linear" : state.code_activation, kind: state.code_kind },
    decoder: sizes.toReversed().map(layer),
    output: { activation: state.output_activation },
    loss: {
      kind: state.loss === "mse" ? "squared_error" : "cross_entropy", reduction: state.reduction,
      from_logits: state.loss === "logits",
    },
    optimizer: { name, rate: state.rate, defaults: version ?? "keras" },
    noise: { kind: state.noise, level: state.noise === "none" ? 0 : state.level },
    penalty: variational ? { kind: "none", weight: 0, target: 0.05 }
      : { kind: state.penalty, weight: state.weight, target: state.target },
    kl_weight: state.kl,
    tied: state.tied === "yes" && !variational,
    init: starts[state.start],
    batch: state.batch,
    seed: state.seed,
  };
}

// ----------------------------------------------------------------------------------------------------------- what it says

// The facts that the sentence, the rules and the goals of the challenges look at.
export function factsOf({ state, set, images, frame }) {
  const { codes, rebuilt, layers } = frame, count = rebuilt.length / SIZE, units = state.code;
  const drawn = state.drawn === "sigmoid" ? rebuilt.map(sigmoid) : rebuilt;
  const spread = variances(drawn, SIZE), column = unit => Array.from({ length: codes.length / units }, (_, i) => codes[i * units + unit]);
  const columns = Array.from({ length: units }, (_, unit) => column(unit)), ends = columns.map(extent);
  const isConstant = ends.map(([low, high]) => high - low <= 1e-6 * Math.max(Math.abs(low), Math.abs(high), 1e-6));
  const error = squaredError(images, rebuilt), drawnError = squaredError(images, drawn);
  const outside = mean(drawn, value => (value < -0.05 || value > 1.05 ? 1 : 0));
  return {
    step: frame.step,
    stopped: frame.stopped,
    error, drawnError, count,
    meanError: set.mean.mse,
    halfMeanError: set.mean.mse / 2,
    pcaError: set.pca.values[units - 1] ?? NaN,
    halfShownError: squaredError(images, frame.shown) / 2,
    variation: sum(spread) / set.variance,
    pale: state.loss === "logits" && outside > 0.2 ? 1 : 0,
    low: extent(drawn)[0], high: extent(drawn)[1],
    units,
    deadCode: isConstant.filter(Boolean).length,
    neverAbove: ends.every(([, high]) => high <= 0),
    loudness: Math.sqrt(mean(variances(codes, units))),
    decoderNorm: frame.decoderNorm,
    kl: frame.kl ? sum(frame.kl) : NaN,
    activeUnits: frame.kl ? Array.from(frame.kl).filter(one => one > SILENT).length : units - isConstant.filter(Boolean).length,
    layers,
    encoderGradient: layers.slice(0, frame.codeLayer + 1).reduce((most, one) => Math.max(most, one.gradient), 0),
    noise: state.noise === "none" ? 0 : 1,
  };
}

function variances(values, width) {
  const rows = values.length / width, means = new Float64Array(width), squares = new Float64Array(width);
  for (let i = 0; i < values.length; i++) { means[i % width] += values[i]; squares[i % width] += values[i] ** 2; }
  return means.map((total, i) => Math.max(squares[i] / rows - (total / rows) ** 2, 0));
}

const number = value => (value === 0 ? "0" : Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4
  ? value.toExponential(1) : String(Number(value.toPrecision(3))));

// The rules of the diagnosis for what is measured here, in its order: { code, say, more }, of which the first that holds is
// said. tests/displays/test_playground.py compares them with `ae.diagnose` on the same weights.
const RULES = [
  ["not_finite", f => f.stopped,
    f => `The loss became ${f.stopped.text} at step ${f.stopped.step}: the training has stopped.`,
    () => "The steps were too large, or the loss took a logarithm of 0. Turn a knob and begin anew."],
  ["never_moved", f => f.step === 0, () => "Nothing has been trained yet.", () => "Press play."],
  ["output_is_logits", f => f.pale === 1,
    f => `The output is logits: its values go from ${number(f.low)} to ${number(f.high)}, not from 0 to 1.`,
    () => "Each picture is drawn from its smallest to its largest value, as Matplotlib does; so 0 is grey."],
  ["kl_collapse", f => f.activeUnits === 0 && !Number.isNaN(f.kl),
    f => `The code carries nothing: the KL is ${number(f.kl)} nats for an image.`,
    () => "The KL term outweighs the reconstruction; the decoder draws the same for every image."],
  ["zero_gradient", (f, s) => s.start === "zeros" && f.encoderGradient === 0,
    () => "All weights are 0, so that no gradient gets through.",
    () => "More steps will not help: only the biases of the output can learn."],
  ["dead_code", (f, s) => f.deadCode === f.units && s.code_kind === "plain",
    f => (f.neverAbove ? `${f.units === 1 ? "The one unit" : f.units === 2 ? "Both units" : `All ${f.units} units`} of the code `
      + `${f.units === 1 ? "says" : "say"} 0 to every image. No gradient reaches the encoder.`
      : "The code is the same for every image."),
    () => "More steps will not help: turn one knob, and begin anew."],
  ["zero_gradient", (f, s) => f.encoderGradient === 0 && s.code_activation === "step" && s.code_kind === "plain",
    () => "No gradient reaches the encoder: rounding is flat. The decoder learns from random bits.",
    () => "The encoder stays as it began. See the gradients under the layers."],
  ["constant_output", f => f.variation < NO_VARIATION,
    f => `The reconstruction is the same for every image, ${f.drawnError > NO_BETTER * f.meanError ? "and no better than the mean image" : "nearly"}.`,
    (f, s) => (s.optimizer === "sgd" ? "The gradient arrives, and the steps are small." : "If it stays so, something keeps the code from the output.")],
  ["kl_collapse", f => !Number.isNaN(f.kl) && f.activeUnits < f.units / 2,
    f => `${f.activeUnits} of ${f.units} units of the code carry something; the KL is ${number(f.kl)} nats for an image.`,
    () => "The others are as the KL wants them: standard normal noise, whatever the image."],
  ["dead_units", f => f.deadCode > 0 && f.deadCode >= 0.33 * f.units,
    f => `${f.deadCode} of ${f.units} units of the code are dead: they say the same to every image.`,
    () => "Only the others carry something."],
  ["whispering", (f, s) => s.penalty !== "none" && f.loudness < WHISPER * f.decoderNorm,
    f => `The units of the code whisper: they move by ${number(f.loudness)}, and the decoder's weights, of length ${number(f.decoderNorm)}, make up for it.`,
    () => "The penalty is met without a sparse code."],
  ["below_pca", f => f.step >= SETTLED && f.drawnError > 1.05 * f.pcaError,
    f => `The error is ${number(f.drawnError)}; PCA with as many numbers has ${number(f.pcaError)}.`,
    () => "It may need more steps; or something holds it back."],
  ["", f => f.drawnError <= f.pcaError, f => `It beats PCA with as many numbers, whose error is ${number(f.pcaError)}.`,
    () => "Nothing is wrong here."],
  ["", () => true, () => "It is learning.", () => ""],
];

export function verdictOf(facts, state) {
  const [code, , say, more] = RULES.find(([, holds]) => holds(facts, state));
  return { code, sentence: say(facts, state), more: more(facts, state) };
}

export function isReached(goal, facts) {
  const value = thing => (typeof thing === "number" ? thing : facts[thing]);
  const compare = { "<": (a, b) => a < b, ">": (a, b) => a > b, "=": (a, b) => a === b };
  return goal.every(([fact, sign, than]) => compare[sign](value(fact), value(than)));
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

  resize(width, height) {
    if (width === this.width && height === this.height) return;
    Object.assign(this, { width, height });
    this.draw();
  }

  // Layers: { name, units, activation }, from the first hidden one to the output; ``code`` is the place of the code.
  lay(layers, code) {
    const key = JSON.stringify([layers, code]);
    if (key === this.key) return;
    Object.assign(this, { layers, code, key });
    this.draw();
  }

  draw() {
    const { width, height, layers, code, svg } = this;
    if (!width || !layers.length) return;
    const isNarrow = width < 480, inner = layers.slice(0, -1), top = isNarrow ? 40 : 48, bottom = height - 52;
    const middle = (top + bottom) / 2, size = Math.min(18, (bottom - top) / UNITS - 3);
    const step = width / (inner.length + 1), text = (x, y, said, more = {}) => element("text", { x, y, "text-anchor": "middle", ...more }, said);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", `The network: ${layers.map(one => `${one.name} ${one.units}`).join(", ")}`);
    this.columns = inner.map((layer, place) => {
      const isCode = place === code, shown = Math.min(layer.units, isCode ? 8 : UNITS), x = step * (place + 1);
      const gap = isCode && shown <= 2 ? 76 : Math.min((bottom - top) / shown, size + 9);
      const units = Array.from({ length: shown }, (_, i) => ({
        unit: Math.floor(i * layer.units / shown), x, y: middle + (i - (shown - 1) / 2) * gap,
      }));
      return { layer, x, isCode, units, large: isCode && shown <= 2 };
    });
    const reach = Math.min(bottom - top, 104) / 2, ends = x => [-1, -0.5, 0, 0.5, 1].map(part => ({ x, y: middle + part * reach }));
    const rows = [ends(0), ...this.columns.map(one => one.units), ends(width)];
    const edges = rows.slice(1).flatMap((next, i) => rows[i].flatMap(from => next.map(to => (
      `M${from.x} ${from.y.toFixed(1)}C${(from.x + to.x) / 2} ${from.y.toFixed(1)} ${(from.x + to.x) / 2} ${to.y.toFixed(1)} ${to.x} ${to.y.toFixed(1)}`))));
    const made = [element("path", { d: edges.join(""), class: "ae-edges" })];
    for (const column of this.columns) {
      const { x, layer, units, large } = column;
      made.push(text(x, 16, isNarrow ? String(layer.units) : `${layer.name} ${layer.units}`, { class: "ae-layer" }));
      column.marks = units.map(({ y }, i) => {
        const r = large ? 27 : size / 2, look = { class: "ae-unit" };
        const mark = large && i === 1 ? element("path", { d: `M${x - 1.2 * r} ${y}L${x} ${y - 1.2 * r}L${x + 1.2 * r} ${y}L${x} ${y + 1.2 * r}Z`, ...look })
          : large ? element("circle", { cx: x, cy: y, r, ...look })
            : element("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r, rx: 3, ...look });
        const value = large ? text(x, y + 1, "", { class: "ae-value" }) : null, state = large ? text(x, y + 15, "", { class: "ae-small" }) : null;
        made.push(mark, value ?? "", state ?? "");
        return { mark, value, state };
      });
      if (layer.units > units.length) made.push(text(x, bottom - 2, `${units.length} of ${layer.units}`, { class: "ae-small" }));
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
    svg.replaceChildren(...made);
  }

  // What one image does in the units: arrays of activations, one a layer; and what was measured of each layer.
  show(activations, measured) {
    this.columns?.forEach(({ units, marks, isCode, large }, place) => {
      const values = activations[place], [low, high] = extent(values), most = Math.max(-low, high, 1e-9);
      units.forEach(({ unit }, i) => {
        const value = values[unit], share = Math.min(Math.abs(value) / most, 1), { mark, value: said, state } = marks[i];
        const isDead = isCode && measured?.[place]?.dead?.[unit];
        mark.style.fill = isDead ? "transparent" : value < 0 ? `rgb(242 138 69 / ${0.15 + 0.85 * share})` : `rgb(241 242 238 / ${share})`;
        mark.classList.toggle("ae-off", Boolean(isDead));
        if (!large) return;
        mark.style.fill = "transparent";
        said.textContent = fixed(value, Math.abs(value) < 10 ? 2 : 0);
        state.textContent = isDead ? "dead" : "";
      });
    });
    measured?.forEach(({ gradient, active }, place) => {
      const { fill, said, active: share, bar } = this.strips[place];
      // A gradient is seen over six powers of ten, up to 0.1.
      fill.setAttribute("width", gradient > 0 ? bar * Math.min(Math.max((Math.log10(gradient) + 7) / 6, 0.04), 1) : 0);
      said.textContent = gradient === 0 ? "0" : gradient.toExponential(0);
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

// Where a value lies between low and high, on an axis that grows by doubling and never shrinks while a training runs.
const doubled = (least, wanted) => { let high = least; while (high < wanted) high *= 2; return high; };

export default function playground(data, view) {
  const { knobs, presets, challenges, sets } = data, names = knobs.map(one => one.name);
  const presetOf = id => presets.find(one => one.id === id), challengeOf = id => challenges.find(one => one.id === id);
  const restarting = knobs.filter(one => one.restarts).map(one => one.name);
  const only = (state, list) => JSON.stringify(list.map(name => state[name]));
  const part = (name, ...children) => element("div", { class: `ae-play-${name}` }, ...children);
  const toolButton = (label, sign, act) => {
    const made = button(sign, act);
    made.setAttribute("aria-label", label);
    made.title = label;
    return made;
  };

  // ---- the training: a worker, and what it said last
  let trainer = null, begun = "", live = "", isPlaying = false, speed = 0, frame = null, facts = null, losses = [], errors = [];
  let images = null, pending = null, drawing = null, chosen = 0;
  const counts = { shown: SHOWN };

  async function load(name) {
    const set = sets[name];
    const [train, test] = await Promise.all([inflated(set.train), inflated(set.test)]);
    return { name, set, train, test, floats: floats(test) };
  }

  const clock = element("strong", {}, "0"), lossSaid = element("strong", {}, "–");
  const play = toolButton("play", "▶", () => (isPlaying ? pause() : begin()));
  const once = toolButton("one step", "▶❙", () => { pause(); trainer?.steps(1); });
  const again = toolButton("begin anew", "↺", () => { restart(view.state, false); });
  play.classList.add("ae-go");
  const pace = element("select", { "aria-label": "speed" }, ...SPEEDS.map(([value, said]) => element("option", { value }, said)));
  pace.value = 0;
  pace.addEventListener("change", () => { speed = Number(pace.value); trainer?.speed(speed); });

  function begin() {
    if (frame?.stopped) return;
    isPlaying = true;
    trainer?.play(speed);
    showPlaying();
  }

  function pause() {
    isPlaying = false;
    trainer?.pause();
    showPlaying();
  }

  function showPlaying() {
    play.textContent = isPlaying ? "❙❙" : "▶";
    play.setAttribute("aria-label", isPlaying ? "pause" : "play");
    play.title = isPlaying ? "pause" : "play";
  }

  // A training that begins anew: with the same seed it is the same again.
  async function restart(state, goesOn) {
    begun = only(state, restarting);
    live = only(state, names);
    isPlaying = goesOn;
    frame = facts = null; losses = []; errors = [];
    showPlaying();
    const mine = (pending = {});
    if (images?.name !== state.data) {
      const loaded = await load(state.data);
      if (pending !== mine) return;
      images = loaded;
    }
    trainer?.end();
    trainer = startWorker({
      spec: specOf(view.state), images: images.train, test: images.test, show: counts.shown, onFrame: next => { if (pending === mine) take(next); },
    });
    trainer.look(input());
    if (isPlaying) trainer.play(speed);
  }

  const input = () => drawing ?? images.floats.subarray(chosen * SIZE, (chosen + 1) * SIZE);
}
