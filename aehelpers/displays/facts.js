// What the playground builds from its knobs, what it measures of a training, and what it says of it.

import { extent, mean, random, sigmoid, squaredError, sum } from "./core.js";

const SIZE = 784;

// As in the diagnosis: yardsticks.py, code.py, gradients.py.
const NO_VARIATION = 0.02, NO_BETTER = 0.97, WHISPER = 0.04;
export const SILENT = 0.01;  // nats: units of a variational code below it carry nothing
const LIKE_PCA = 0.95;  // of PCA's error: who is nearer to it does as well
const WORSE_THAN_PCA = 1.15, NOTHING_LEFT = 0.01;  // of PCA's error; of the mean image's
const BEGUN = 50, SETTLED = 300;  // steps before which all may look alike, and a loss may still be on its way

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
    kl_weight: SIZE * state.kl,  // train.js divides by the number of pixels
    tied: state.tied === "yes" && !variational,
    init: starts[state.start],
    batch: state.batch,
    seed: state.seed,
  };
}

// Images, in bytes, with the noise of the training; the same noise each time.
export function corrupted(images, { noise, level, seed }) {
  if (noise === "none") return images;
  const uniform = random(seed + 1), normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return images.map(value => (noise === "masking" ? (uniform() < level ? 0 : value)
    : Math.round(Math.min(Math.max(value + 255 * level * normal(), 0), 255))));
}

// The facts that the sentence, the rules and the goals of the challenges look at. ``images`` are the test images, ``shown``
// those of them that are drawn, as the network gets them.
export function factsOf({ state, set, images, shown, frame }) {
  const { measures, reconstruction, step, failed } = frame, { code: codes, layers, kl } = measures, units = state.code;
  const drawn = state.drawn === "sigmoid" ? measures.reconstruction.map(sigmoid) : measures.reconstruction;
  const ends = Array.from({ length: units }, () => [Infinity, -Infinity]);
  codes.forEach((value, i) => {
    const end = ends[i % units];
    end[0] = Math.min(end[0], value); end[1] = Math.max(end[1], value);
  });
  const isConstant = ends.map(([low, high]) => high - low <= 1e-6 * Math.max(Math.abs(low), Math.abs(high), 1e-6));
  const error = squaredError(images, measures.reconstruction);
  const drawnError = drawn === measures.reconstruction ? error : squaredError(images, drawn);
  const clean = images.subarray(0, shown.length), [low, high] = extent(drawn), codeLayer = (layers.length - 2) / 2;
  return {
    step, failed, units, isConstant, kl, low, high,
    error, drawnError,
    meanError: set.mean.mse,
    halfMeanError: set.mean.mse / 2,
    pcaError: set.pca.values[units - 1],
    componentsMatched: [set.mean.mse, ...set.pca.values].filter(value => value > drawnError).length,
    wellBelowPca: LIKE_PCA * set.pca.values[units - 1],
    shownError: squaredError(clean, reconstruction),
    noisyError: squaredError(clean, shown),
    halfNoisyError: squaredError(clean, shown) / 2,
    ...ofLeftOut(set, images, drawn),
    variation: sum(variances(drawn, SIZE)) / set.variance,
    pale: state.loss === "logits" && mean(drawn, value => (value < -0.05 || value > 1.05 ? 1 : 0)) > 0.2 ? 1 : 0,
    deadCode: isConstant.filter(Boolean).length,
    neverAbove: ends.every(one => one[1] <= 0),
    loudness: Math.sqrt(mean(variances(codes, units))),
    readers: measures.readers,
    nats: kl ? sum(kl) : NaN,
    activeUnits: kl ? kl.filter(one => one > SILENT).length : units - isConstant.filter(Boolean).length,
    encoderGradient: Math.max(...layers.slice(0, codeLayer + 1).map(one => one.gradient)),
    noise: state.noise === "none" ? 0 : 1,
    charged: state.penalty === "l1" ? 1 : 0,
  };
}

// The mean error of the digit that training never shows, and of the others.
function ofLeftOut({ labels, leftOut }, images, drawn) {
  if (leftOut < 0) return { leftOut };
  const at = (values, i) => values.subarray(i * SIZE, (i + 1) * SIZE);
  const errors = labels.map((_, i) => squaredError(at(images, i), at(drawn, i)));
  const of = isLeftOut => errors.filter((_, i) => (labels[i] === leftOut) === isLeftOut);
  return { leftOut, leftOutError: mean(of(true)), othersError: mean(of(false)) };
}

function variances(values, width) {
  const rows = values.length / width, means = new Float64Array(width), squares = new Float64Array(width);
  for (let i = 0; i < values.length; i += width) {
    for (let c = 0; c < width; c++) {
      const value = values[i + c];
      means[c] += value; squares[c] += value * value;
    }
  }
  return means.map((total, i) => Math.max(squares[i] / rows - (total / rows) ** 2, 0));
}

export const short = value => (value === 0 ? "0" : Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4
  ? value.toExponential(1) : String(Number(value.toPrecision(3))));

// The rules of the diagnosis for what is measured here, in its order: { code, say, more }, of which the first that holds is
// said. tests/displays/test_playground.py compares them with `ae.diagnose` on the same weights.
const RULES = [
  ["not_finite", f => f.failed,
    f => `The loss became ${Number.isNaN(f.failed.loss) ? "NaN" : "infinite"} at step ${f.failed.step}: `
      + "training has stopped.",
    () => "Either the steps were too large or the loss took the logarithm of 0. Turn a knob and start again."],
  ["never_moved", f => f.step === 0, () => "Nothing has been trained yet.", () => "Press play."],
  ["output_is_logits", f => f.pale === 1,
    f => `The output is logits: its values go from ${short(f.low)} to ${short(f.high)}, not from 0 to 1.`,
    () => "Like Matplotlib, the page draws each picture from its smallest value to its largest, so 0 comes out grey."],
  ["kl_collapse", f => f.activeUnits === 0 && f.kl,
    f => `The code carries no information: the KL is ${short(f.nats)} nats per image.`,
    () => "The KL term outweighs the reconstruction error, and the decoder draws the same picture for every image."],
  ["zero_gradient", (f, s) => s.start === "zeros" && f.encoderGradient === 0,
    () => "All weights are 0, so no gradient gets through.",
    () => "More steps will not help: only the output biases can learn."],
  ["dead_code", (f, s) => f.deadCode === f.units && s.code_kind === "plain",
    f => {
      if (!f.neverAbove) return "The code is the same for every image.";
      const all = f.units === 2 ? "Both units" : `All ${f.units} units`;
      return `${f.units === 1 ? "The only unit of the code outputs" : `${all} of the code output`} 0 for every image. `
        + "No gradient reaches the encoder.";
    },
    () => "More steps will not help: turn one knob and start again."],
  ["no_gradient", (f, s) => f.encoderGradient === 0 && s.code_activation === "step" && s.code_kind === "plain",
    () => "No gradient reaches the encoder, because rounding is flat. The decoder learns from random bits.",
    () => "The encoder keeps its initial weights. Look at the gradients under the layers."],
  ["constant_output", f => f.step >= BEGUN && f.variation < NO_VARIATION,
    () => "The reconstruction is the same for every image.",
    (f, s) => (s.optimizer === "sgd" ? "A gradient arrives, but the steps are small."
      : "If that does not change, something blocks the way from the code to the output.")],
  ["constant_output", f => f.step >= SETTLED && f.drawnError > NO_BETTER * f.meanError,
    f => (f.drawnError > 10 * f.meanError ? "The error is enormous: " : "The reconstruction is no better than the mean image: ")
      + `${short(f.drawnError)} against ${short(f.meanError)}.`,
    () => ""],
  ["kl_collapse", f => f.kl && f.activeUnits < f.units / 2,
    f => `${f.activeUnits} of the ${f.units} units of the code ${f.activeUnits === 1 ? "is" : "are"} active; the KL is `
      + `${short(f.nats)} nats per image.`,
    () => "The others are what the KL term asks for: standard normal noise, whatever the image. (A nat is 1.44 bits.)"],
  ["dead_units", f => f.deadCode > 0 && f.deadCode >= 0.33 * f.units,
    f => `${f.deadCode} of the ${f.units} units of the code ${f.deadCode === 1 ? "is dead: its" : "are dead: their"} output is `
      + "the same for every image.",
    () => "Only the others carry information."],
  ["whispering", (f, s) => s.penalty !== "none" && f.loudness < WHISPER * f.readers,
    f => `The code's values are small (standard deviation ${short(f.loudness)}), and the decoder's weights are large (length `
      + `${short(f.readers)}), which makes up for it.`,
    () => "Small is not sparse."],
  ["", f => f.leftOut >= 0 && f.step >= SETTLED,
    f => `The ${f.leftOut}s, which it has never seen, have an error of ${short(f.leftOutError)}; the other digits have `
      + `${short(f.othersError)}.`,
    f => (f.leftOutError < f.othersError
      ? "A detector that raises the alarm at a large error would miss them: a 1 has little ink." : "")],
  ["", f => f.noise === 1 && f.step >= SETTLED && f.shownError < f.noisyError,
    f => `It turns noisy images into clean ones with an error of ${short(f.shownError)}; the noisy images themselves have `
      + `${short(f.noisyError)}.`,
    () => "The target is the clean image."],
  ["", f => f.step >= SETTLED && f.pcaError < 1e-4 * f.meanError && f.drawnError > f.pcaError,
    f => `${f.units} numbers are enough for a copy, but training has not got there yet: the error is `
      + `${short(f.drawnError)}.`,
    () => ""],
  ["", f => f.drawnError <= f.wellBelowPca,
    f => `The error is ${short(f.drawnError)}; PCA with ${f.units} numbers has ${short(f.pcaError)}.`,
    () => "Nothing is wrong here."],
  ["", f => f.drawnError <= f.pcaError / LIKE_PCA,
    f => `The error is ${short(f.drawnError)}, about that of PCA with ${f.units} `
      + `${f.units === 1 ? "number" : "numbers"} (${short(f.pcaError)}).`,
    () => "On the images that PCA was fitted to, no linear network can do better."],
  ["below_pca", f => f.step >= SETTLED && f.drawnError > WORSE_THAN_PCA * f.pcaError
    && f.drawnError > NOTHING_LEFT * f.meanError,
    f => `The error is ${short(f.drawnError)}, about that of PCA with ${f.componentsMatched} `
      + `${f.componentsMatched === 1 ? "number" : "numbers"}; the code has ${f.units}.`,
    () => "Training longer may be enough: the coarse components are learned first, the fine ones last."],
  ["", f => f.step >= SETTLED,
    f => `The error is ${short(f.drawnError)}; PCA with ${f.units} numbers has ${short(f.pcaError)}.`,
    () => "More steps may bring it closer."],
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
