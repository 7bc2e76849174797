"""Displays without a page around them: mounted in one page of Chromium, moved by their controls, and read.

What is read is what the display handed to its charts and pictures, number by number, and what then stands in the page.
"""

import base64
import json
import tempfile
from pathlib import Path

import numpy as np
from aehelpers.displays.page import STYLE, as_json, source
from aehelpers.layers import ACTIVATIONS


def unpacked(packed):
    """Do what core.js does."""
    array = np.frombuffer(packed["bytes"], np.dtype(packed["dtype"]).newbyteorder("<")).reshape(packed["shape"])
    return array / 255 if packed["dtype"] == "uint8" else array.astype(np.float32)


def run_layers(layers, x):
    """Compute what the page is to compute, from packed layers; in float64."""
    for layer in layers:
        z = np.asarray(x, float) @ unpacked(layer["kernel"]) + unpacked(layer["bias"])
        x = np.asarray(ACTIVATIONS[layer["activation"]].function(z))
    return x


SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def open_core(browser, may_store=True):
    """Return a page with the JavaScript of all displays, whose names are at hand as ``core``."""
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    text = f'<meta charset="utf-8"><style>{STYLE}</style><script type="module">{source()}\n{SCRIPT}</script>'
    if may_store:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "core.html")
            path.write_text(text, encoding="utf-8")
            page.goto(path.as_uri())
    else:  # a page without an address keeps nothing
        page.set_content(text)
    page.wait_for_function("() => Boolean(globalThis.end)", timeout=10_000)
    return page


def as_page_value(thing):
    """Return what the page gets, with bytes in base64."""
    return json.loads(as_json(thing))


class Shown:
    """A mounted display. ``at(level=0.3)`` moves the state and returns what is seen."""

    def __init__(self, core, display):
        self.core = core
        self.number = core.evaluate("begin", as_page_value(getattr(display, "data", display)))

    def at(self, **state):
        return Seen(self.core.evaluate("at", [self.number, state]))

    @property
    def state(self):
        return self.core.evaluate("kept", self.number)["state"]


class Seen:
    """What a display shows: its sentence; what was handed to its charts (``x``, ``y``, ``series``, ``levels``, ``marks``) and
    pictures (``rows`` of ``values``, ``titles``); every canvas that is seen (height, width, the bytes of its pixels); and the
    texts of tables, titles of rows, legends, lamps, and outputs of sliders.
    """

    def __init__(self, seen):
        vars(self).update(seen)
        for row in (row for pictures in self.pictures for row in pictures["rows"]):
            row["values"] = np.frombuffer(base64.b64decode(row["values"])).tolist()
        for canvas in self.canvases:
            canvas["pixels"] = list(base64.b64decode(canvas["pixels"]))

    def marks(self, chart=0):
        return [(mark["x"], mark.get("y")) for mark in self.charts[chart]["marks"]]

    def row(self, place, pictures=0):
        """Return the values of one row of pictures."""
        return self.pictures[pictures]["rows"][place]["values"]
