"""How long does a step of training take in the page? And in TensorFlow.js, and in Keras?

    python -m benchmarks.playground              # prints a table; --rounds 9 for more certainty
    python -m benchmarks.playground --without-peers

Milliseconds per step of Adam on batches of 64 digits, squared error, ReLU inside and a sigmoid at the end. The first three run
in a Worker of a page on the disk in Chromium: train.js with its WebAssembly and with its plain JavaScript, and TensorFlow.js
with its fastest backend there, WebAssembly with SIMD (a page on the disk has no threads). npm fetches it into a temporary
folder. Keras is `model.fit` in Python, on all processors. Each round times all of them one after the other on one network; a
number is the median of the rounds, and a ratio the median of the ratios within a round, since the machine may be busy with
other things.
"""

import argparse
import base64
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aehelpers as ae
import keras
import numpy as np
from aehelpers.displays.page import source

from tools.chromium import find_chromium

NETWORKS = ((128, 2), (128,), (300, 100, 2))  # from the first hidden layer to the code
BATCH, IMAGES = 64, 5000
SECONDS = 0.8  # that each of them trains in a round
PEER = "4.22.0"  # TensorFlow.js

WORKER = """
const { createTrainer } = engine({ random, kernels: KERNELS });
const bytesOf = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
const made = {};
let images;

async function ours(spec, kernels) {
  const trainer = await createTrainer(spec, images, { kernels });
  if (trainer.kernels !== kernels) throw new Error(`it computes with ${trainer.kernels}`);
  return () => trainer.step();
}

async function tensorflow({ encoder, code, decoder, batch }) {
  const model = tf.sequential(), sizes = [...encoder, code, ...decoder].map(one => one.units);
  sizes.forEach((units, i) => model.add(tf.layers.dense({ units, activation: "relu", ...(i ? {} : { inputShape: [784] }) })));
  model.add(tf.layers.dense({ units: 784, activation: "sigmoid" }));
  model.compile({ optimizer: "adam", loss: "meanSquaredError" });
  const pixels = new Float32Array(batch * 784);
  return async () => {
    for (let row = 0; row < batch; row++) {
      const start = Math.floor(Math.random() * images.length / 784) * 784;
      for (let i = 0; i < 784; i++) pixels[row * 784 + i] = images[start + i] / 255;
    }
    const x = tf.tensor2d(pixels, [batch, 784]);
    await model.trainOnBatch(x, x);
    x.dispose();
  };
}

const MAKERS = { wasm: spec => ours(spec, "wasm"), js: spec => ours(spec, "js"), tensorflow };

async function taken({ who, spec, seconds }) {
  const name = who + JSON.stringify(spec), isNew = !(name in made), step = made[name] ??= await MAKERS[who](spec);
  if (isNew) for (let i = 0; i < 5; i++) await step();
  const begin = performance.now();
  let steps = 0;
  while (performance.now() - begin < 1000 * seconds) { await step(); steps++; }
  return (performance.now() - begin) / steps;
}

onmessage = async ({ data }) => {
  try {
    if (data.images) {
      images = bytesOf(data.images);
      if (data.backend) {
        const address = URL.createObjectURL(new Blob([bytesOf(data.backend)], { type: "application/wasm" }));
        const names = ["", "-simd", "-threaded-simd"].map(kind => [`tfjs-backend-wasm${kind}.wasm`, address]);
        tf.wasm.setWasmPaths(Object.fromEntries(names));
        if (!await tf.setBackend("wasm")) throw new Error("TensorFlow.js has no WebAssembly");
      }
      postMessage("ready");
    } else {
      postMessage(await taken(data));
    }
  } catch (error) { postMessage(String(error.stack)); }
};
"""

# The Worker's text is that of the page, up to the displays, which need a document.
PAGE = """<meta charset="utf-8"><script type="text/plain" id="peer">{peer}</script><script type="module">
{source}
const parts = [document.getElementById("peer").textContent, `const KERNELS = "${{KERNELS}}";`, random, engine, {worker}];
const worker = new Worker(URL.createObjectURL(new Blob([parts.join("\\n")], {{ type: "text/javascript" }})));
globalThis.ask = message => new Promise((resolve, reject) => {{
  worker.onmessage = event => resolve(event.data);
  worker.onerror = event => reject(new Error(event.message));
  worker.postMessage(message);
}});
</script>"""


def spec_of(hidden, code):
    layers = [{"units": units, "activation": "relu"} for units in hidden]
    return {
        "encoder": layers,
        "code": {"kind": "plain", "units": code, "activation": "relu"},
        "decoder": layers[::-1],
        "output": {"activation": "sigmoid"},
        "loss": {"kind": "squared_error", "reduction": "mean"},
        "optimizer": {"name": "adam", "rate": 0.001, "defaults": "keras"},
        "noise": {"kind": "none"},
        "penalty": {"kind": "none"},
        "kl_weight": 1,
        "tied": False,
        "init": {"kind": "glorot_uniform"},
        "batch": BATCH,
        "seed": 0,
    }


def peer(folder):
    """Fetch TensorFlow.js; return its source and its backend in base64."""
    packages = [f"@tensorflow/tfjs@{PEER}", f"@tensorflow/tfjs-backend-wasm@{PEER}"]
    options = ["--prefix", folder, "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(["npm", "install", *options, *packages], check=True)
    of_core, of_backend = (Path(folder, "node_modules", "@tensorflow", name, "dist") for name in ("tfjs", "tfjs-backend-wasm"))
    scripts = [of_core / "tf.min.js", of_backend / "tf-backend-wasm.min.js"]
    text = "\n".join(script.read_text(encoding="utf-8") for script in scripts).replace("</script", "<\\/script")
    return text, base64.b64encode((of_backend / "tfjs-backend-wasm-simd.wasm").read_bytes()).decode()


class Keras:
    """One network in Keras, and how long its steps take."""

    def __init__(self, hidden, code, x):
        keras.utils.set_random_seed(0)
        self.model, self.x = ae.autoencoder(hidden, code), x
        self.model.compile("adam", "mse")
        self.taken()  # the first time it is compiled

    def taken(self):
        begin = time.perf_counter()
        self.model.fit(self.x, self.x, batch_size=BATCH, epochs=2, verbose=0)
        return 1000 * (time.perf_counter() - begin) / (2 * -(-len(self.x) // BATCH))


def main():
    """Print the table."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-peers", action="store_true", help="neither TensorFlow.js nor Keras")
    options = parser.parse_args()
    if find_chromium() is None:
        sys.exit("There is no chromium on this machine.")
    x = ae.load("mnist").x_train[:IMAGES]
    pixels = base64.b64encode(np.round(255 * x).astype(np.uint8).tobytes()).decode()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        text, backend = ("", None) if options.without_peers else peer(folder)
        path = Path(folder, "page.html")
        path.write_text(PAGE.format(peer=text, source=source(), worker=json.dumps(WORKER)), encoding="utf-8")
        browser = driver.chromium.launch(executable_path=find_chromium())
        page = browser.new_page()
        page.goto(path.as_uri())
        page.wait_for_function("() => Boolean(globalThis.ask)")
        answer = page.evaluate("message => ask(message)", {"images": pixels, "backend": backend})
        if answer != "ready":
            sys.exit(answer)
        in_page = ["wasm", "js"] if options.without_peers else ["wasm", "js", "tensorflow"]
        print(f"{'network':32}{'wasm':>8}{'js':>8}{'TF.js':>8}{'Keras':>8}{'TF.js/wasm':>12}{'Keras/wasm':>12}")
        for *hidden, code in NETWORKS:
            in_keras = None if options.without_peers else Keras(hidden, code, x)
            rounds = []
            for _ in range(options.rounds):
                request = {"spec": spec_of(hidden, code), "seconds": SECONDS}
                times = {who: page.evaluate("message => ask(message)", {**request, "who": who}) for who in in_page}
                if in_keras:
                    times["keras"] = in_keras.taken()
                rounds.append(times)
            name = "-".join(map(str, [784, *hidden, code, *hidden[::-1], 784]))
            columns = [statistics.median(one[who] for one in rounds) for who in rounds[0]]
            ratios = [
                statistics.median(one[who] / one["wasm"] for one in rounds)
                for who in rounds[0]
                if who in ("tensorflow", "keras")
            ]
            print(
                f"{name:32}" + "".join(f"{ms:8.2f}" for ms in columns) + "".join(f"{ratio:12.1f}" for ratio in ratios),
                flush=True,
            )
        browser.close()


if __name__ == "__main__":
    main()
