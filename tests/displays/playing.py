"""Trainings of the playground without its page around them: its engine, facts and sentences, on its own images."""

import base64
import zlib

import numpy as np
from aehelpers.displays.playground import BESIDE, FIRST, sets

from tests.displays.reading import as_page_value

BEGIN = """async ({ names, images }) => {
  const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  globalThis.played = Object.fromEntries(names.map((name, i) => {
    const [train, test] = images[i].bytes.map(bytes);
    return [name, { train, test, floats: Float32Array.from(test, value => value / 255), set: core.unpack(images[i].set) }];
  }));
}"""
PLAY = """async ({ state, stops }) => {
  const { train, test, floats, set } = played[state.data], found = [];
  const trainer = await core.createTrainer(core.specOf(state), train);
  for (const stop of stops) {
    trainer.step(stop - trainer.done);
    const shown = core.corrupted(test.subarray(0, 64 * 784), state), measures = trainer.measure(test);
    const frame = { step: trainer.done, failed: trainer.failed, measures, reconstruction: trainer.reconstruct(shown) };
    const facts = core.factsOf({ state, set, images: floats, shown: Float32Array.from(shown, value => value / 255), frame });
    const { code, sentence, more } = core.verdictOf(facts, state);
    const kept = Object.fromEntries(Object.entries(facts).filter(([, value]) => typeof value === "number"));
    found.push({ ...kept, failed: Boolean(facts.failed), code, sentence, more });
  }
  const all = trainer.weights().flatMap(({ values }) => Array.from(values));
  let text = "";
  new Uint8Array(Float32Array.from(all).buffer).forEach(byte => { text += String.fromCharCode(byte); });
  return { found, weights: btoa(text) };
}"""


def begin(page):
    """Hand the images of all data sets to a page of displays."""
    made, handed = sets(), []
    for one in made.values():
        raw = [base64.b64encode(zlib.decompress(one[part]["bytes"])).decode() for part in ("train", "test")]
        handed.append({"bytes": raw, "set": as_page_value({**one, "train": 0, "test": 0})})
    page.evaluate(BEGIN, {"names": list(made), "images": handed})


def play(page, state, *stops):
    """Train what a state describes and return, at each stop, its facts and what is said of it; and the weights at the end."""
    whole = {**FIRST, **BESIDE, **state}
    played = page.evaluate(PLAY, {"state": whole, "stops": stops})
    return played["found"], base64.b64decode(played["weights"]), whole


def images(name, part):
    """Return the images of a data set, of the part "train" or "test", as the page has them."""
    return np.frombuffer(zlib.decompress(sets()[name][part]["bytes"]), np.uint8).reshape(-1, 784).astype(np.float32) / 255
