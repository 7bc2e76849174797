// Trains autoencoders of dense layers in the page, in WebAssembly where there is any.
//
// A network and its training are described by a ``spec``, which is plain JSON. All its fields are required:
//
//   {
//     encoder: [{ units: 128, activation: "relu" }],       // the hidden layers; [] for none
//     code: { kind: "plain", units: 2, activation: "linear" },  // or { kind: "variational", units: 2 }
//     decoder: [{ units: 128, activation: "relu" }],
//     output: { activation: "sigmoid" },                   // 784 units
//     loss: { kind: "squared_error", reduction: "mean" },  // or kind "cross_entropy", which also needs from_logits
//     optimizer: { name: "adam", rate: 0.001, defaults: "keras" },  // sgd, rmsprop, adam, adagrad; keras, tf1
//     noise: { kind: "none" },                             // or masking, gaussian, with a level
//     penalty: { kind: "none" },                           // on the code: l1 with a weight, kl with weight and target
//     kl_weight: 1,                                        // of a variational code
//     tied: false,                                         // whether decoder kernels are encoder kernels, transposed
//     init: { kind: "glorot_uniform" },                    // or { kind: "truncated_normal", stddev: 0.1, bias: 0.1 }
//     batch: 64,
//     seed: 0,
//   }
//
// Activations are those of the table in layers.py. What each part computes is what its namesake in Keras and in this package
// does:
//
// - The reduction is over the pixels; over the images it is always the mean.
// - Cross-entropy from probabilities moves them inwards, to 1e-7 and 1 - 1e-7, and no gradient passes where it does. (Keras
//   does so unless it finds the logits of a sigmoid, as in model.fit. A linear output with from_logits is the same as that.)
// - Noise falls on the input of each batch anew, as MaskingNoise and gaussian_noise make it.
// - An L1 penalty is weight times the sum over the units, averaged over the images; the KL penalty is that of KLSparsity.
// - kl_weight is that of VariationalAutoencoder, divided by 784.
// - "tf1" are the defaults of TensorFlow 1, whose RMSProp starts with a mean square of 1.
//
// A page with displays trains in a Worker, so that it stays quick:
//
//   const training = startWorker({ spec, images, shown, looked, measured, onFrame, onError, signal });
//   training.play();              // also pause(), steps(10), set({ noise: { kind: "masking", level: 0.3 } }), start(spec),
//                                 // speed(2) (steps per frame; Infinity for as many as there is time for),
//                                 // look(shown, looked), end()
//   const weights = await training.weights();
//
// Images are bytes, 784 for each: ``images`` to train on, ``shown`` to reconstruct, one that is ``looked`` into, ``measured``
// to measure on. While it trains, onFrame(frame) is called every 50 ms, and once after start, steps, look and pause:
//
//   { step, losses, failed, isPlaying, kernels, reconstruction, inside, measures }
//
// losses are those of the steps since the last frame. failed is null, or { step, loss } where the loss became NaN or infinite:
// that step was not taken, and training ends there. reconstruction has a row for each image shown; for a loss that takes
// logits, it is logits (see ``sigmoid`` in core.js). inside holds the values of each layer for the one image. kernels says
// what computes: "wasm" or "js". measures is what trainer.measure() below returns, and null in seven of eight frames while it
// plays. A hidden page rests. When signal is aborted, the Worker ends. onError(error) is told what a message could not do: a
// wrong spec, or a page that may not start a Worker.
//
// Without a Worker:
//
//   const trainer = await createTrainer(spec, images);       // a third argument, { kernels: "js" }, is for tests
//   trainer.step(100);                      // { step, loss, losses, failed }, as above; loss is the last one
//   trainer.set({ batch: 32 });             // any field but those in RESTARTS, which need a new trainer
//   trainer.weights();                      // [{ shape, values }], kernels and biases in Keras's order, for setWeights()
//   trainer.reconstruct(images);            // Float32Array, row by row
//   trainer.measure(images);                // { kl, code, reconstruction, readers, layers }
//   trainer.inside(image);                  // the values of each layer for one image
//   trainer.gradients(rows);                // { loss, gradients }, of a batch of these rows of the images; changes no weight
//
// measure() works without noise. kl is the divergence of each unit of a variational code in nats per image (else null), code
// holds a variational code's means, and readers is the mean length of the weights with which the decoder reads a unit. Each
// layer has { active, gradient }: the mean share of its units that are above 0, and the root mean square of the gradient of its
// kernel in the last batch (NaN before the first).
//
// A wrong spec raises an Error that names the field.

import { random } from "./core.js";
import { KERNELS } from "./kernels.js";

// All of it is one function that needs nothing from outside but its arguments, since a Worker gets it as text.
export function engine({ random, kernels: base64 }) {
  const PIXELS = 784;

  // ------------------------------------------------------------------------------------------------------------ the spec

  const rule = (expected, holds) => ({ expected, holds });
  const isNumber = (expected, holds) => rule(expected, value => Number.isFinite(value) && holds(value));
  const oneOf = names => rule(`one of ${names.join(", ")}`, value => names.includes(value));
  const size = rule("a whole number above 0", value => Number.isInteger(value) && value > 0);
  const notNegative = isNumber("a number, 0 or more", value => value >= 0);
  const flag = rule("true or false", value => typeof value === "boolean");

  // The value and the slope, by the value. What needs more than one number, or the kernel, is below.
  const ACTIVATIONS = {
    linear: [z => z, () => 1],
    relu: [z => (z < 0 ? 0 : z), y => (y > 0 ? 1 : 0)],
    relu6: [z => Math.min(Math.max(z, 0), 6), y => (y > 0 && y < 6 ? 1 : 0)],
    leaky_relu: [z => (z < 0 ? 0.2 * z : z), y => (y > 0 ? 1 : 0.2)],
    elu: [z => (z < 0 ? Math.expm1(z) : z), y => (y < 0 ? y + 1 : 1)],
    softplus: [z => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), y => -Math.expm1(-y)],
    exponential: [Math.exp, y => y],
    sigmoid: [z => 1 / (1 + Math.exp(-z)), y => y * (1 - y)],
    hard_sigmoid: [z => Math.min(Math.max(z / 6 + 0.5, 0), 1), y => (y > 0 && y < 1 ? 1 / 6 : 0)],
    tanh: [Math.tanh, y => 1 - y * y],
    softsign: [z => z / (1 + Math.abs(z)), y => (1 - Math.abs(y)) ** 2],
    softmax: null,
    step: null,
    straight_through_step: null,
  };

  // How each optimizer begins: what it takes for the squares of earlier gradients, and what it adds to their root, or within.
  const OPTIMIZERS = {
    sgd: { keras: {}, tf1: {} },
    rmsprop: { keras: { squares: 0, epsilon: 1e-7 }, tf1: { squares: 1, epsilon: 1e-10 } },
    adam: { keras: { squares: 0, epsilon: 1e-7 }, tf1: { squares: 0, epsilon: 1e-8 } },
    adagrad: { keras: { squares: 0.1, epsilon: 1e-7 }, tf1: { squares: 0.1, epsilon: 0 } },
  };

  const activation = oneOf(Object.keys(ACTIVATIONS)), layer = { units: size, activation }, reduction = oneOf(["mean", "sum"]);

  // A rule, a list of such parts, an object of such fields, or one of several kinds of objects.
  const SPEC = {
    encoder: [layer],
    code: { kinds: { plain: layer, variational: { units: size } } },
    decoder: [layer],
    output: { activation },
    loss: { kinds: { squared_error: { reduction }, cross_entropy: { reduction, from_logits: flag } } },
    optimizer: { name: oneOf(Object.keys(OPTIMIZERS)), rate: notNegative, defaults: oneOf(["keras", "tf1"]) },
    noise: {
      kinds: {
        none: {}, masking: { level: isNumber("a number from 0 to 1", p => p >= 0 && p <= 1) }, gaussian: { level: notNegative },
      },
    },
    penalty: {
      kinds: {
        none: {}, l1: { weight: notNegative },
        kl: { weight: notNegative, target: isNumber("a number between 0 and 1", rho => rho > 0 && rho < 1) },
      },
    },
    kl_weight: notNegative,
    tied: flag,
    init: { kinds: { glorot_uniform: {}, truncated_normal: { stddev: notNegative, bias: isNumber("a number", () => true) } } },
    batch: size,
    seed: rule("a whole number, 0 or more", value => Number.isInteger(value) && value >= 0),
  };

  // What a running trainer cannot change.
  const RESTARTS = ["encoder", "code", "decoder", "output", "tied", "init", "seed"];

  function wrong(name, expected, value) {
    const came = typeof value === "number" ? String(value) : JSON.stringify(value);
    throw new Error(`${name} must be ${expected}, but it is ${came}`);
  }

  function check(value, wanted, name) {
    if (wanted.holds) {
      if (!wanted.holds(value)) wrong(name, wanted.expected, value);
    } else if (Array.isArray(wanted)) {
      if (!Array.isArray(value)) wrong(name, "a list", value);
      value.forEach((part, i) => check(part, wanted[0], `${name}[${i}]`));
    } else {
      if (value === null || typeof value !== "object" || Array.isArray(value)) wrong(name, "an object", value);
      const { kinds } = wanted;
      if (kinds) check(value.kind, oneOf(Object.keys(kinds)), `${name}.kind`);
      const fields = kinds ? { kind: oneOf(Object.keys(kinds)), ...kinds[value.kind] } : wanted;
      // A form may keep what belongs to a kind that is not chosen.
      const known = kinds ? Object.assign({ kind: null }, ...Object.values(kinds)) : wanted;
      const strange = Object.keys(value).find(field => !Object.hasOwn(known, field));
      if (strange) wrong(`a field of ${name}`, `one of ${Object.keys(known).join(", ")}`, strange);
      for (const [field, part] of Object.entries(fields)) check(value[field], part, `${name}.${field}`);
    }
  }

  function checkSpec(spec) {
    check(spec, SPEC, "spec");
    const isVariational = spec.code.kind === "variational", units = layers => layers.map(one => one.units).join();
    if (isVariational) {
      check(spec.penalty.kind, rule("none for a variational code", kind => kind === "none"), "spec.penalty.kind");
      check(spec.tied, rule("false for a variational code", tied => !tied), "spec.tied");
    }
    if (spec.tied && units(spec.decoder) !== units(spec.encoder.toReversed())) {
      wrong("spec.decoder", "the encoder's mirror image, since the kernels are tied", spec.decoder.map(one => one.units));
    }
  }

  function checkImages(images, name) {
    if (!(images instanceof Uint8Array) || images.length % PIXELS || !images.length) {
      wrong(name, `a Uint8Array of ${PIXELS} bytes for each image`, images?.length ?? images);
    }
  }

  function checkBatch(batch, images) {
    const number = images.length / PIXELS;
    check(batch, rule(`at most the number of images, ${number}`, rows => rows <= number), "spec.batch");
  }

  // ------------------------------------------------------------------------------------------------ memory and its layout

  // Matrices lie in one long Float32Array, which is WebAssembly's memory where there is any, and are known by the place where
  // they begin. kernels.wat says why they lie in blocks of 4 rows and 8 columns. What pads them is 0, but for rows of
  // activations, which are those of the last image again: what is computed of them is finite if that of the image is, and is
  // not used.
  const ROWS = 4, COLUMNS = 8;
  const upTo = (count, size) => Math.ceil(count / size) * size;
  const place = (row, column, width) => (row >> 2) * 4 * width + (column >> 3) * 32 + (row & 3) * 8 + (column & 7);

  class Memory {
    constructor(shared) {
      this.shared = shared;
      this.values = new Float32Array(shared ? shared.buffer : 0);
      this.top = 0;
    }

    // Room for so many numbers, all 0. It may move the values: read memory.values anew.
    take(count) {
      const start = this.top;
      this.top += upTo(count, 16);
      if (this.top > this.values.length) this.grow();
      this.values.fill(0, start, this.top);
      return start;
    }

    grow() {
      if (this.shared) {
        this.shared.grow(Math.ceil((4 * this.top - this.shared.buffer.byteLength) / 65536));
        this.values = new Float32Array(this.shared.buffer);
      } else {
        const before = this.values;
        this.values = new Float32Array(2 * this.top);
        this.values.set(before);
      }
    }
  }

  // ---------------------------------------------------------------------------------------------------------- the kernels

  // The functions of kernels.wat, where each is explained, in JavaScript. Sums of 2 by 4 are as many as fit into a processor's
  // registers.
  function plainKernels(memory) {
    return {
      product(A, W, bias, Y, rows, inputs, units) {
        const f = memory.values;
        for (let unit = 0; unit < units; unit += 4) {
          const panel = W + (unit & ~7) * inputs + (unit & 4), end = panel + 8 * inputs;
          const b0 = f[bias + unit], b1 = f[bias + unit + 1], b2 = f[bias + unit + 2], b3 = f[bias + unit + 3];
          for (let row = 0; row < rows; row += 2) {
            let c00 = b0, c01 = b1, c02 = b2, c03 = b3, c10 = b0, c11 = b1, c12 = b2, c13 = b3;
            let a = A + (row & ~3) * inputs + (row & 2) * 8;
            for (let w = panel; w < end; a += 24) {
              for (const last = w + 64; w < last; a++, w += 8) {
                const a0 = f[a], a1 = f[a + 8], w0 = f[w], w1 = f[w + 1], w2 = f[w + 2], w3 = f[w + 3];
                c00 += a0 * w0; c01 += a0 * w1; c02 += a0 * w2; c03 += a0 * w3;
                c10 += a1 * w0; c11 += a1 * w1; c12 += a1 * w2; c13 += a1 * w3;
              }
            }
            const y = Y + (row & ~3) * units + (unit & ~7) * 4 + (row & 2) * 8 + (unit & 4);
            f[y] = c00; f[y + 1] = c01; f[y + 2] = c02; f[y + 3] = c03;
            f[y + 8] = c10; f[y + 9] = c11; f[y + 10] = c12; f[y + 11] = c13;
          }
        }
      },

      weightGradient(A, D, G, rows, inputs, units) {
        const f = memory.values;
        for (let unit = 0; unit < units; unit += 4) {
          for (let input = 0; input < inputs; input += 2) {
            let c00 = 0, c01 = 0, c02 = 0, c03 = 0, c10 = 0, c11 = 0, c12 = 0, c13 = 0;
            let a = A + (input & ~7) * 4 + (input & 7), d = D + (unit & ~7) * 4 + (unit & 4);
            for (let row = 0; row < rows; row += 4, a += 4 * inputs, d += 4 * units) {
              for (let i = a, j = d; i < a + 32; i += 8, j += 8) {
                const a0 = f[i], a1 = f[i + 1], d0 = f[j], d1 = f[j + 1], d2 = f[j + 2], d3 = f[j + 3];
                c00 += a0 * d0; c01 += a0 * d1; c02 += a0 * d2; c03 += a0 * d3;
                c10 += a1 * d0; c11 += a1 * d1; c12 += a1 * d2; c13 += a1 * d3;
              }
            }
            const g = G + (unit & ~7) * inputs + input * 8 + (unit & 4);
            f[g] = c00; f[g + 1] = c01; f[g + 2] = c02; f[g + 3] = c03;
            f[g + 8] = c10; f[g + 9] = c11; f[g + 10] = c12; f[g + 11] = c13;
          }
        }
      },

      columnSums(A, D, rows, units) {
        const f = memory.values;
        for (let unit = 0; unit < units; unit++) {
          let total = 0;
          for (let row = 0; row < rows; row++) total += f[A + place(row, unit, units)];
          f[D + unit] = total;
        }
      },

      transpose(W, T, inputs, units) {
        const f = memory.values;
        for (let unit = 0, w = W; unit < units; unit += 8) {
          for (let input = 0; input < inputs; input++) {
            const t = T + (input & ~7) * units + unit * 8 + (input & 7);
            for (let u = 0; u < 8; u++, w++) f[t + 8 * u] = f[w];
          }
        }
      },

      sigmoid(Y, count) {
        const f = memory.values;
        for (let i = Y; i < Y + count; i++) f[i] = 1 / (1 + Math.exp(-f[i]));
      },

      sgd(W, G, count, rate) {
        const f = memory.values;
        for (let i = 0; i < count; i++) f[W + i] -= rate * f[G + i];
      },

      rmsprop(W, G, S, count, rate, epsilon) {
        const f = memory.values;
        for (let i = 0; i < count; i++) {
          const g = f[G + i], s = 0.9 * f[S + i] + 0.1 * g * g;
          f[S + i] = s;
          f[W + i] -= rate * g / Math.sqrt(s + epsilon);
        }
      },

      adagrad(W, G, S, count, rate, epsilon) {
        const f = memory.values;
        for (let i = 0; i < count; i++) {
          const g = f[G + i], s = f[S + i] + g * g;
          f[S + i] = s;
          f[W + i] -= rate * g / Math.sqrt(s + epsilon);
        }
      },

      adam(W, G, M, S, count, rate, epsilon) {
        const f = memory.values;
        for (let i = 0; i < count; i++) {
          const g = f[G + i], m = f[M + i] + 0.1 * (g - f[M + i]), s = f[S + i] + 0.001 * (g * g - f[S + i]);
          f[M + i] = m;
          f[S + i] = s;
          f[W + i] -= rate * m / (Math.sqrt(s) + epsilon);
        }
      },
    };
  }

  // Of the arguments of a kernel, the first are places in memory.
  const PLACES = {
    product: 4, weightGradient: 3, columnSums: 2, transpose: 2, sigmoid: 1, sgd: 2, rmsprop: 3, adagrad: 3, adam: 4,
  };

  // WebAssembly counts memory in bytes.
  const inBytes = (kernel, places) => (...given) => kernel(...given.map((value, i) => (i < places ? 4 * value : value)));

  async function load(wanted) {
    if (wanted !== "js") {
      try {
        const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
        const { exports } = (await WebAssembly.instantiate(bytes)).instance, memory = new Memory(exports.memory);
        const kernel = ([name, places]) => [name, inBytes(exports[name], places)];
        const compute = Object.fromEntries(Object.entries(PLACES).map(kernel));
        return { name: "wasm", memory, compute };
      } catch (error) {
        // There is no WebAssembly, none with SIMD, or the page's content security policy forbids it.
        if (wanted === "wasm") throw error;
      }
    }
    const memory = new Memory(null);
    return { name: "js", memory, compute: plainKernels(memory) };
  }

  // --------------------------------------------------------------------------------------------------------- the network

  const roundedSigmoid = soft => (Number.isNaN(soft) ? NaN : soft > 0.5 ? 1 : 0);

  // Layers with their weights, and what they compute of a batch. Of a variational code's layer the first columns are the means
  // and the others, from a new panel on, the log-variances; what goes on to the decoder is drawn from them.
  class Network {
    constructor(spec, memory, compute) {
      Object.assign(this, { memory, compute, layers: [], size: 0 });
      for (const { units, activation } of spec.encoder) this.add(units, activation);
      this.isVariational = spec.code.kind === "variational";
      const [activation, parts] = this.isVariational ? ["linear", 2] : [spec.code.activation, 1];
      this.code = this.add(spec.code.units, activation, { parts });
      const mirrored = spec.tied ? this.layers.toReversed() : [];
      const decoder = [...spec.decoder, { units: PIXELS, ...spec.output }];
      decoder.forEach(({ units, activation }, i) => this.add(units, activation, { mirror: mirrored[i] }));
      this.output = this.layers.at(-1);

      // Averages and squares are what optimizers remember.
      for (const name of ["weights", "gradients", "averages", "squares"]) this[name] = memory.take(this.size);
      this.zeros = memory.take(Math.max(...this.layers.map(one => Math.max(one.from, one.width))));
      const kernels = this.layers.filter(one => !one.mirror);
      for (const one of kernels) if (one.below || spec.tied) one.transposed = memory.take(one.from * one.width);
      if (spec.tied) this.spare = memory.take(Math.max(...kernels.map(one => one.from * one.width)));
      this.base = memory.top;
    }

    add(units, activation, { parts = 1, mirror } = {}) {
      const below = this.layers.at(-1), inputs = below?.units ?? PIXELS;
      const from = upTo(inputs, COLUMNS), width = parts * upTo(units, COLUMNS);
      const one = { below, inputs, units, activation, parts, mirror, from, width };
      if (mirror) {
        mirror.isShared = true;
      } else {
        one.kernel = this.size;
        this.size += from * width;
      }
      one.bias = this.size;
      this.size += width;
      this.layers.push(one);
      return one;
    }

    // Have room for so many images. What was computed of others is lost.
    makeRoom(rows) {
      const { memory } = this;
      this.room = upTo(rows, ROWS);
      memory.top = this.base;
      this.clean = memory.take(this.room * PIXELS);
      this.noisy = memory.take(this.room * PIXELS);
      for (const one of this.layers) {
        const count = this.room * one.width;
        one.y = one.out = memory.take(count);
        one.delta = one.outDelta = memory.take(count);
        if (one.activation === "straight_through_step") one.soft = memory.take(count);
        if (one.parts > 1) [one.out, one.outDelta] = [memory.take(count / 2), memory.take(count / 2)];
      }
    }

    // The kernel and the bias of each layer in Keras's order, as { shape, at }: where in the weights each number is.
    parameters() {
      return this.layers.flatMap(({ inputs, units, parts, from, width, mirror, kernel, bias }) =>
        Array.from({ length: parts }, (_, part) => {
          const first = part * width / parts;
          const inKernel = i => {
            const input = Math.floor(i / units), unit = first + i % units;
            return kernel + (unit & ~7) * from + input * 8 + (unit & 7);
          };
          const ofBias = { shape: [units], at: unit => bias + first + unit };
          return mirror ? [ofBias] : [{ shape: [inputs, units], at: inKernel }, ofBias];
        }).flat());
    }

    // From the weights or the gradients.
    read(start) {
      const f = this.memory.values;
      return this.parameters().map(({ shape, at }) => {
        const count = shape.reduce((a, b) => a * b);
        return { shape, values: Float32Array.from({ length: count }, (_, i) => f[start + at(i)]) };
      });
    }

    write(list) {
      const f = this.memory.values, parameters = this.parameters(), shapes = of => JSON.stringify(of.map(one => one.shape));
      if (shapes(list) !== shapes(parameters)) wrong("the shapes of weights", shapes(parameters), list.map(one => one.shape));
      parameters.forEach(({ at }, number) => list[number].values.forEach((value, i) => { f[this.weights + at(i)] = value; }));
      this.transpose();
    }

    // After the weights have changed.
    transpose() {
      for (const one of this.layers) {
        if (one.transposed) this.compute.transpose(this.weights + one.kernel, one.transposed, one.from, one.width);
      }
    }

    // Compute all layers for so many images.
    forward(rows, input, noise = null) {
      const { compute } = this, count = upTo(rows, ROWS);
      this.input = input;
      for (const one of this.layers) {
        const kernel = one.mirror ? one.mirror.transposed : this.weights + one.kernel;
        compute.product(one.below?.out ?? input, kernel, this.weights + one.bias, one.y, count, one.from, one.width);
        this.activate(one, count);
        if (one.parts > 1) this.sample(rows, noise);
      }
    }

    activate({ activation, y, soft, units, width }, rows) {
      const f = this.memory.values, end = y + rows * width, value = ACTIVATIONS[activation]?.[0];
      if (activation === "sigmoid") {
        this.compute.sigmoid(y, rows * width);
      } else if (activation === "relu") {
        for (let i = y; i < end; i++) if (f[i] < 0) f[i] = 0;
      } else if (activation === "step") {
        for (let i = y; i < end; i++) f[i] = roundedSigmoid(Math.fround(1 / (1 + Math.exp(-f[i]))));
      } else if (activation === "straight_through_step") {
        for (let i = y, s = soft; i < end; i++, s++) {
          f[s] = 1 / (1 + Math.exp(-f[i]));
          f[i] = roundedSigmoid(f[s]);
        }
      } else if (activation === "softmax") {
        for (let row = 0; row < rows; row++) softmax(f, unit => y + place(row, unit, width), units);
      } else if (activation !== "linear") {
        for (let i = y; i < end; i++) f[i] = value(f[i]);
      }
      // In columns that are there for padding, the activation of 0 may be another number. (Of two parts, it is linear.)
      if (units < width && activation !== "linear") {
        for (let row = 0; row < rows; row++) for (let unit = units; unit < width; unit++) f[y + place(row, unit, width)] = 0;
      }
    }

    // Turn the gradient of a layer's activations into that of its pre-activations.
    descend({ activation, y, delta, soft, units, width }, rows) {
      const f = this.memory.values, count = rows * width, slope = ACTIVATIONS[activation]?.[1];
      if (activation === "relu") {
        for (let i = 0; i < count; i++) if (!(f[y + i] > 0)) f[delta + i] = 0;
      } else if (activation === "sigmoid") {
        for (let i = 0; i < count; i++) f[delta + i] *= f[y + i] * (1 - f[y + i]);
      } else if (activation === "step") {
        f.fill(0, delta, delta + count);
      } else if (activation === "straight_through_step") {
        for (let i = 0; i < count; i++) f[delta + i] *= f[soft + i] * (1 - f[soft + i]);
      } else if (activation === "softmax") {
        for (let row = 0; row < rows; row++) {
          let total = 0;
          for (let unit = 0; unit < units; unit++) {
            const i = place(row, unit, width);
            total += f[y + i] * f[delta + i];
          }
          for (let unit = 0; unit < units; unit++) {
            const i = place(row, unit, width);
            f[delta + i] = f[y + i] * (f[delta + i] - total);
          }
        }
      } else if (activation !== "linear") {
        for (let i = 0; i < count; i++) f[delta + i] *= slope(f[y + i]);
      }
    }

    // The code that the decoder gets: the means, and in training a draw; standard normal numbers are in ``noise``, row by row.
    sample(rows, noise) {
      const f = this.memory.values, { y, out, units, width } = this.code, half = width / 2;
      for (let row = 0; row < upTo(rows, ROWS); row++) {
        for (let unit = 0; unit < units; unit++) {
          const mean = f[y + place(row, unit, width)], deviation = Math.exp(f[y + place(row, half + unit, width)] / 2);
          f[out + place(row, unit, half)] = noise && row < rows ? mean + deviation * noise[row * units + unit] : mean;
        }
      }
      this.noise = noise;
    }

    // From the gradient of the code that was drawn to those of means and log-variances, and to them that of the divergence.
    // Returns the divergence in nats per image, which the loss counts ``weight`` times.
    descendToDistribution(rows, weight) {
      const f = this.memory.values, { y, delta, outDelta, units, width } = this.code, half = width / 2;
      let total = 0;
      f.fill(0, delta, delta + upTo(rows, ROWS) * width);
      for (let row = 0; row < rows; row++) {
        for (let unit = 0; unit < units; unit++) {
          const first = place(row, unit, width), second = place(row, half + unit, width);
          const mean = f[y + first], variance = Math.exp(f[y + second]), drawn = f[outDelta + place(row, unit, half)];
          const noise = this.noise[row * units + unit];
          total += (variance + mean * mean - 1 - f[y + second]) / 2;
          f[delta + first] = drawn + weight / rows * mean;
          f[delta + second] = (drawn * noise * Math.sqrt(variance) + weight / rows * (variance - 1)) / 2;
        }
      }
      return total / rows;
    }

    // Compute the gradients of all weights from that of the output, which is in this.output.delta. What the loss asks of the
    // code is added by atCode(), after the decoder.
    backward(rows, atCode) {
      const { compute, gradients } = this, f = this.memory.values, count = upTo(rows, ROWS);
      for (const one of this.layers.toReversed()) {
        const { below, from, width, mirror, delta } = one, input = below?.out ?? this.input;
        this.descend(one, count);
        compute.columnSums(delta, gradients + one.bias, count, width);
        if (mirror) {
          compute.weightGradient(input, delta, this.spare, count, from, width);
          compute.transpose(this.spare, gradients + mirror.kernel, from, width);
        } else if (one.isShared) {  // the decoder's share is there already
          compute.weightGradient(input, delta, this.spare, count, from, width);
          for (let i = 0; i < from * width; i++) f[gradients + one.kernel + i] += f[this.spare + i];
        } else {
          compute.weightGradient(input, delta, gradients + one.kernel, count, from, width);
        }
        if (!below) return;
        const back = mirror ? this.weights + mirror.kernel : one.transposed;
        compute.product(delta, back, this.zeros, below.outDelta, count, width, from);
        if (below === this.code) atCode();
      }
    }

    // Rows of numbers, out of blocks.
    rows(start, rows, units, width) {
      const f = this.memory.values, values = new Float32Array(rows * units);
      for (let row = 0, i = 0; row < rows; row++) {
        for (let unit = 0; unit < units; unit++, i++) values[i] = f[start + place(row, unit, width)];
      }
      return values;
    }
  }

  function softmax(f, at, units) {
    let most = -Infinity, total = 0;
    for (let unit = 0; unit < units; unit++) most = Math.max(most, f[at(unit)]);
    for (let unit = 0; unit < units; unit++) total += f[at(unit)] = Math.exp(f[at(unit)] - most);
    for (let unit = 0; unit < units; unit++) f[at(unit)] /= total;
  }

  // ------------------------------------------------------------------------------------------------------------- the loss

  // Each adds up the loss of the places y + first to y + last, and stores its gradient, ``scale`` times, from delta on.

  function squaredError(f, y, target, delta, first, last, scale) {
    let total = 0;
    for (let i = first; i < last; i++) {
      const error = f[y + i] - f[target + i];
      total += error * error;
      f[delta + i] = 2 * scale * error;
    }
    return total;
  }

  const LOW = Math.fround(1e-7), HIGH = Math.fround(1 - 1e-7);  // as Keras keeps probabilities away from 0 and 1
  const SMALL = 1e-250, LARGE = 1e250;  // with another factor, products are still in the range of a number

  function crossEntropy(f, y, target, delta, first, last, scale) {
    let total = 0, product = 1;  // most pixels are black or white: one logarithm for the product of many
    for (let i = first; i < last; i++) {
      const given = f[y + i], x = f[target + i], p = Math.min(Math.max(given, LOW), HIGH);
      if (x === 0) product *= 1 - p;
      else if (x === 1) product *= p;
      else total += x * Math.log(p) + (1 - x) * Math.log(1 - p);
      if (product < SMALL) { total += Math.log(product); product = 1; }
      f[delta + i] = given < LOW || given > HIGH ? 0 : scale * (p - x) / (p * (1 - p));
    }
    return -total - Math.log(product);
  }

  function crossEntropyOfLogits(f, y, target, delta, first, last, scale) {
    let total = 0, product = 1;
    for (let i = first; i < last; i++) {
      const z = f[y + i], x = f[target + i], e = Math.exp(-Math.abs(z));
      total += Math.max(z, 0) - z * x;
      product *= 1 + e;
      if (product > LARGE) { total += Math.log(product); product = 1; }
      f[delta + i] = scale * ((z < 0 ? e : 1) / (1 + e) - x);
    }
    return total + Math.log(product);
  }

  // ----------------------------------------------------------------------------------------------------------- randomness

  function normal(draw) {
    let kept = null;
    return () => {  // Box and Muller's, which makes two at a time
      if (kept !== null) {
        const value = kept;
        kept = null;
        return value;
      }
      const length = Math.sqrt(-2 * Math.log(1 - draw())), angle = 2 * Math.PI * draw();
      kept = length * Math.sin(angle);
      return length * Math.cos(angle);
    };
  }

  function truncatedNormal(draw, deviation) {
    const one = normal(draw);
    return () => {
      for (;;) {
        const value = one();
        if (Math.abs(value) <= 2) return deviation * value;
      }
    };
  }

  function initialWeights(network, init, draw) {
    const isGlorot = init.kind === "glorot_uniform", one = isGlorot ? null : truncatedNormal(draw, init.stddev);
    return network.parameters().map(({ shape }) => {
      const limit = Math.sqrt(6 / (shape[0] + shape[1])), values = new Float32Array(shape.reduce((a, b) => a * b));
      if (shape.length === 1) values.fill(isGlorot ? 0 : init.bias);
      else for (let i = 0; i < values.length; i++) values[i] = isGlorot ? limit * (2 * draw() - 1) : one();
      return { shape, values };
    });
  }

  // Rows of the next batch, of one endless shuffle: each image once in an epoch.
  function shuffle(number, draw) {
    const order = Int32Array.from({ length: number }, (_, i) => i);
    let used = number;
    return count => Int32Array.from({ length: count }, () => {
      if (used === number) {
        for (let i = number - 1; i > 0; i--) {
          const other = Math.floor(draw() * (i + 1)), kept = order[i];
          order[i] = order[other];
          order[other] = kept;
        }
        used = 0;
      }
      return order[used++];
    });
  }

  // ---------------------------------------------------------------------------------------------------------- the trainer

  const INWARDS = 1e-6;  // as kl_sparsity moves means, in float32, which has few digits there
  const LEAST_ROOM = 64;  // images that are measured at once
  const GREYS = Float32Array.from({ length: 256 }, (_, level) => level / 255);

  class Trainer {
    constructor(spec, images, { name, memory, compute }) {
      checkSpec(spec);
      checkImages(images, "images");
      checkBatch(spec.batch, images);
      Object.assign(this, { spec, images, kernels: name, memory, compute, done: 0, failed: null, hasGradient: false });
      // A stream for each purpose, so that a change of the noise leaves the batches as they are.
      const seeds = random(spec.seed), stream = () => random(Math.floor(2 ** 32 * seeds()));
      const [ofWeights, ofBatches, ofNoise, ofCodes] = [stream(), stream(), stream(), stream()];
      this.nextBatch = shuffle(images.length / PIXELS, ofBatches);
      this.draw = { uniform: ofNoise, normal: normal(ofNoise), code: normal(ofCodes) };
      this.network = new Network(spec, memory, compute);
      this.network.makeRoom(Math.max(spec.batch, LEAST_ROOM));
      this.setWeights(initialWeights(this.network, spec.init, ofWeights));
      this.beginOptimizer();
    }

    beginOptimizer() {
      const f = this.memory.values, { averages, squares, size } = this.network, { name, defaults } = this.spec.optimizer;
      f.fill(0, averages, averages + size);
      f.fill(OPTIMIZERS[name][defaults].squares ?? 0, squares, squares + size);
      this.updates = 0;
    }

    set(changes) {
      const spec = { ...this.spec, ...changes }, same = name => JSON.stringify(spec[name]) === JSON.stringify(this.spec[name]);
      const fixed = RESTARTS.find(name => !same(name));
      if (fixed) throw new Error(`spec.${fixed} needs a new trainer`);
      checkSpec(spec);
      checkBatch(spec.batch, this.images);
      const before = this.spec.optimizer;
      this.spec = spec;
      if (spec.batch > this.network.room) this.network.makeRoom(spec.batch);
      if (spec.optimizer.name !== before.name || spec.optimizer.defaults !== before.defaults) this.beginOptimizer();
    }

    weights() { return this.network.read(this.network.weights); }

    setWeights(list) { this.network.write(list); }

    // Take steps. A test hands in { batch, noise, sampling }: rows of the images, and what is otherwise drawn.
    step(count = 1, given = {}) {
      const losses = [];
      while (losses.length < count && !this.failed) {
        const loss = this.pass(given.batch ?? this.nextBatch(this.spec.batch), given);
        if (Number.isFinite(loss)) {
          this.update();
          this.done++;
          losses.push(loss);
        } else {
          this.failed = { step: this.done + 1, loss };
        }
      }
      return { step: this.done, loss: losses.at(-1) ?? NaN, losses, failed: this.failed };
    }

    gradients(batch, given = {}) {
      const loss = this.pass(batch, given);
      return { loss, gradients: this.network.read(this.network.gradients) };
    }

    // The loss of a batch, forwards; the gradients, backwards.
    pass(batch, { noise, sampling }) {
      const { network, spec } = this, rows = batch.length;
      if (rows > network.room) network.makeRoom(rows);
      this.show(this.images, batch);
      const isNoisy = spec.noise.kind !== "none";
      if (isNoisy) this.corrupt(rows, noise);
      const draws = !network.isVariational ? null
        : sampling ?? Float32Array.from({ length: rows * network.code.units }, this.draw.code);
      network.forward(rows, isNoisy ? network.noisy : network.clean, draws);
      let loss = this.loss(rows);
      network.backward(rows, () => { loss += this.atCode(rows); });
      this.hasGradient = true;
      return Math.fround(loss);  // infinite where it is so in float32
    }

    // Put images of these rows into the network.
    show(images, batch) {
      const f = this.memory.values, { clean } = this.network, rows = batch.length;
      for (let row = 0; row < upTo(rows, ROWS); row++) {
        let from = batch[Math.min(row, rows - 1)] * PIXELS, to = clean + place(row, 0, PIXELS);
        for (let panel = 0; panel < PIXELS; panel += 8, to += 32) for (let i = 0; i < 8; i++) f[to + i] = GREYS[images[from++]];
      }
    }

    corrupt(rows, given) {
      const f = this.memory.values, { clean, noisy } = this.network;
      const { kind, level } = this.spec.noise, { uniform, normal } = this.draw;
      for (let row = 0, number = 0; row < upTo(rows, ROWS); row++) {
        for (let pixel = 0; pixel < PIXELS; pixel++, number++) {
          const i = place(row, pixel, PIXELS), x = f[clean + i];
          if (row >= rows) f[noisy + i] = x;
          else if (kind === "masking") f[noisy + i] = (given ? given[number] : uniform()) >= level ? x : 0;
          else f[noisy + i] = Math.min(Math.max(x + level * (given ? given[number] : normal()), 0), 1);
        }
      }
    }

    // The loss of the output, without penalties; its gradient is then where network.backward() reads it.
    loss(rows) {
      const f = this.memory.values, { y, delta } = this.network.output, { clean } = this.network;
      const { kind, reduction, from_logits: isLogits } = this.spec.loss;
      const scale = 1 / (rows * (reduction === "mean" ? PIXELS : 1));
      const add = kind === "squared_error" ? squaredError : isLogits ? crossEntropyOfLogits : crossEntropy;
      const whole = rows - rows % ROWS;
      let total = add(f, y, clean, delta, 0, whole * PIXELS, scale);
      if (rows > whole) {  // of the last block, a part only
        f.fill(0, delta + whole * PIXELS, delta + (whole + ROWS) * PIXELS);
        for (let panel = 0; panel < PIXELS; panel += 8) {
          const first = place(whole, panel, PIXELS);
          total += add(f, y, clean, delta, first, first + (rows - whole) * 8, scale);
        }
      }
      return scale * total;
    }

    // What is asked of the code: its price, and the gradient of that is added.
    atCode(rows) {
      const { network, spec } = this, { kind, weight, target } = spec.penalty;
      if (network.isVariational) {
        const each = spec.kl_weight / PIXELS;
        return each * network.descendToDistribution(rows, each);
      }
      if (kind === "none") return 0;
      const f = this.memory.values, { y, delta, units, width } = network.code;
      let price = 0;
      for (let unit = 0; unit < units; unit++) {
        if (kind === "l1") {
          for (let row = 0; row < rows; row++) {
            const i = place(row, unit, width);
            price += weight / rows * Math.abs(f[y + i]);
            f[delta + i] += weight / rows * Math.sign(f[y + i]);
          }
        } else {
          let total = 0;
          for (let row = 0; row < rows; row++) total += f[y + place(row, unit, width)];
          const [m, rho] = [total / rows, target].map(mean => Math.fround(INWARDS + (1 - 2 * INWARDS) * mean));
          price += weight / units * (rho * Math.log(rho / m) + (1 - rho) * Math.log((1 - rho) / (1 - m)));
          const slope = weight / units * (1 - 2 * INWARDS) * ((1 - rho) / (1 - m) - rho / m) / rows;
          for (let row = 0; row < rows; row++) f[delta + place(row, unit, width)] += slope;
        }
      }
      return price;
    }

    update() {
      const { compute, network, spec } = this, { weights, gradients, averages, squares, size } = network;
      const { name, rate, defaults } = spec.optimizer, { epsilon } = OPTIMIZERS[name][defaults], steps = ++this.updates;
      if (name === "sgd") compute.sgd(weights, gradients, size, rate);
      if (name === "rmsprop" || name === "adagrad") compute[name](weights, gradients, squares, size, rate, epsilon);
      if (name === "adam") {
        const corrected = rate * Math.sqrt(1 - 0.999 ** steps) / (1 - 0.9 ** steps);
        compute.adam(weights, gradients, averages, squares, size, corrected, epsilon);
      }
      network.transpose();
    }

    // Compute images without noise, as many at once as there is room for: use(rows, the first of them).
    inPieces(images, use) {
      checkImages(images, "images");
      const { network } = this, number = images.length / PIXELS;
      for (let first = 0; first < number; first += network.room) {
        const rows = Math.min(network.room, number - first);
        this.show(images, Int32Array.from({ length: rows }, (_, row) => first + row));
        network.forward(rows, network.clean);
        use(rows, first);
      }
    }

    reconstruct(images) {
      const { output } = this.network, values = new Float32Array(images.length);
      this.inPieces(images, (rows, first) => values.set(this.network.rows(output.y, rows, PIXELS, PIXELS), first * PIXELS));
      return values;
    }

    measure(images) {
      const { network } = this, { code, output, layers, isVariational } = network, number = images.length / PIXELS;
      const active = layers.map(() => 0);
      const codes = new Float32Array(number * code.units), reconstruction = new Float32Array(number * PIXELS);
      const kl = isVariational ? new Float32Array(code.units) : null;
      this.inPieces(images, (rows, first) => {
        const f = this.memory.values;
        layers.forEach(({ y, units, width }, l) => {
          for (let row = 0; row < rows; row++) {
            for (let unit = 0; unit < units; unit++) {
              if (f[y + place(row, unit, width)] > 0) active[l]++;
            }
          }
        });
        if (isVariational) {
          for (let row = 0; row < rows; row++) {
            for (let unit = 0; unit < code.units; unit++) {
              const mean = f[code.y + place(row, unit, code.width)];
              const log = f[code.y + place(row, code.width / 2 + unit, code.width)];
              kl[unit] += (Math.exp(log) + mean * mean - 1 - log) / 2 / number;
            }
          }
        }
        codes.set(network.rows(code.out, rows, code.units, upTo(code.units, COLUMNS)), first * code.units);
        reconstruction.set(network.rows(output.y, rows, PIXELS, PIXELS), first * PIXELS);
      });
      return {
        kl, code: codes, reconstruction, readers: this.readers(),
        layers: layers.map((one, l) => ({
          active: active[l] / (number * one.units),
          gradient: this.hasGradient ? this.gradientOf(one) : NaN,
        })),
      };
    }

    // How long the weights are with which the decoder reads a unit of the code, on the average over the units.
    readers() {
      const { layers, code, weights } = this.network;
      const { inputs, units, from, width, mirror, kernel } = layers[layers.indexOf(code) + 1];
      const f = this.memory.values, start = weights + (mirror ? mirror.kernel : kernel);
      let total = 0;
      for (let input = 0; input < inputs; input++) {
        let squares = 0;
        for (let unit = 0; unit < units; unit++) {
          const i = mirror ? (input & ~7) * width + unit * 8 + (input & 7) : (unit & ~7) * from + input * 8 + (unit & 7);
          squares += f[start + i] * f[start + i];
        }
        total += Math.sqrt(squares) / inputs;
      }
      return total;
    }

    // The values of every layer for one image.
    inside(image) {
      const found = [];
      this.inPieces(image, () => {
        for (const { out, units } of this.network.layers) found.push(this.network.rows(out, 1, units, upTo(units, COLUMNS)));
      });
      return found;
    }

    gradientOf({ inputs, units, parts, from, width, mirror, kernel }) {
      const f = this.memory.values, start = this.network.gradients + (mirror ? mirror.kernel : kernel);
      let total = 0;
      for (let i = start; i < start + from * width; i++) total += f[i] * f[i];
      return Math.sqrt(total / (inputs * units * parts));
    }
  }

  async function createTrainer(spec, images, { kernels } = {}) {
    return new Trainer(spec, images, await load(kernels));
  }

  // ---------------------------------------------------------------------------------------------------------- in a Worker

  const FRAME = 50, MEASURED = 8;  // milliseconds between two frames, frames between two measures

  // Answer the messages of startWorker(), below: { act, ... }, and { id } where an answer is wanted.
  function serve(scope) {
    let trainer = null, pictures = null, isPlaying = false, left = 0, speed = Infinity, losses = [];
    let isRunning = false, posted = 0;
    const channel = new MessageChannel();
    let resume;
    channel.port1.onmessage = () => resume();
    // Until the messages that have come meanwhile are answered: setTimeout() would wait for longer than a step takes.
    const breathe = () => new Promise(resolve => { resume = resolve; channel.port2.postMessage(null); });
    const wait = milliseconds => new Promise(resolve => { setTimeout(resolve, milliseconds); });

    function post() {
      const { shown, looked, measured } = pictures, { done: step, failed, kernels } = trainer;
      // Measuring takes longer than a frame of a large network, and is not needed as often.
      const measures = isPlaying && posted++ % MEASURED ? null : trainer.measure(measured);
      const reconstruction = trainer.reconstruct(shown);
      const inside = trainer.inside(looked);
      const frame = { step, losses: Float32Array.from(losses), failed, isPlaying, kernels, reconstruction, inside, measures };
      losses = [];
      const arrays = [frame.losses, reconstruction, ...inside, ...(measures ? [measures.code, measures.reconstruction] : [])];
      scope.postMessage({ frame }, arrays.map(array => array.buffer));
    }

    async function run() {
      if (isRunning) return;
      isRunning = true;
      while (isPlaying || left > 0) {
        const begin = performance.now();
        for (let steps = left || speed; steps > 0 && !trainer.failed && performance.now() - begin < FRAME; steps--) {
          losses.push(...trainer.step().losses);
          if (left > 0) left--;
        }
        if (trainer.failed) { isPlaying = false; left = 0; }
        post();
        const rest = FRAME - (performance.now() - begin);
        await (isPlaying && rest > 0 ? wait(rest) : breathe());
      }
      isRunning = false;
    }

    const ACTS = {
      async start({ spec, images, shown, looked, measured }) {
        isPlaying = false; left = 0; posted = 0;
        pictures = images ? { images, shown, looked, measured } : pictures;
        trainer = await createTrainer(spec, pictures.images);
        losses = [];
        post();
      },
      play() { isPlaying = true; run(); },
      pause() { isPlaying = false; left = 0; post(); },
      steps({ count }) { left += count; run(); },
      look({ shown, looked }) { Object.assign(pictures, { shown, looked }); post(); },
      set({ changes }) { trainer.set(changes); },
      speed({ steps }) { speed = steps; },
      weights() { return trainer.weights(); },
    };

    let turn = Promise.resolve();  // one message after the other, since a start takes a while
    scope.onmessage = ({ data: { act, id, ...given } }) => {
      turn = turn.then(() => ACTS[act](given)).then(
        answer => { if (id) scope.postMessage({ id, answer }); },
        error => scope.postMessage({ id, error: error.message }),
      );
    };
  }

  return { RESTARTS, createTrainer, serve };
}

export const { RESTARTS, createTrainer } = engine({ random, kernels: KERNELS });

// Also from a page on the disk, where a Worker can have no file of its own.
export function startWorker({ spec, images, shown, looked, measured, onFrame, onError, signal }) {
  const text = `(${engine})({ random: ${random}, kernels: "${KERNELS}" }).serve(self);`;
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" })), worker = new Worker(address);
  const ended = new AbortController(), answers = new Map();
  let isWanted = false, last = 0;
  const send = (act, given = {}) => worker.postMessage({ act, ...given });

  worker.onmessage = ({ data: { frame, id, answer, error } }) => {
    URL.revokeObjectURL(address);
    if (frame) {
      if (frame.failed) isWanted = false;
      onFrame(frame);
    } else if (id) {
      const [resolve, reject] = answers.get(id);
      answers.delete(id);
      if (error) reject(new Error(error)); else resolve(answer);
    } else {
      onError(new Error(error));
    }
  };
  worker.onerror = event => onError(new Error(event.message || "the page may not start a Worker"));
  ended.signal.addEventListener("abort", () => worker.terminate());
  signal?.addEventListener("abort", () => ended.abort());
  document.addEventListener("visibilitychange", () => {
    if (isWanted) send(document.hidden ? "pause" : "play");
  }, { signal: ended.signal });

  send("start", { spec, images, shown, looked, measured });
  return {
    start: again => { isWanted = false; send("start", { spec: again }); },
    play: () => { isWanted = true; if (!document.hidden) send("play"); },
    pause: () => { isWanted = false; send("pause"); },
    steps: count => send("steps", { count }),
    look: (seen, one) => send("look", { shown: seen, looked: one }),
    set: changes => send("set", { changes }),
    speed: steps => send("speed", { steps }),
    weights: () => new Promise((resolve, reject) => {
      answers.set(++last, [resolve, reject]);
      send("weights", { id: last });
    }),
    end: () => ended.abort(),
  };
}
