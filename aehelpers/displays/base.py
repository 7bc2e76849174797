"""What a display is in Python: data that are measured once, and a state that the reader moves in the page.

The arithmetic and the drawing are JavaScript: core.js, and one module a display. They run in JupyterLab and in a file without a
kernel alike.
"""

import base64
import html
import json
import math
import re
from pathlib import Path

import anywidget
import keras
import numpy as np
import traitlets
from aehelpers.layers import KLSparsity, MaskingNoise
from aehelpers.models import Autoencoder, TransposedDense, VariationalAutoencoder, predict

_FOLDER = Path(__file__).parent
# As in notebook.mplstyle.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "ink")
_DASHES = ("", "7 3", "7 3 2 3", "2 3", "7 2 2 2 2 2", "2 2", "10 3")
_ACTIVATIONS = ("linear", "relu", "leaky_relu", "sigmoid", "tanh", "step", "straight_through_step")
# They pass on what they get, outside training.
_PASSING = (
    keras.layers.InputLayer,
    keras.layers.Dropout,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    KLSparsity,
    MaskingNoise,
)


def source():
    """Return all JavaScript of the displays as one module: `render` is for anywidget, `mountOnPage` for a page."""
    core, *modules = sorted(_FOLDER.glob("*.js"), key=lambda path: (path.name != "core.js", path.name))
    parts = [core.read_text(encoding="utf-8")]
    for path in modules:
        text = path.read_text(encoding="utf-8").replace("export default ", f'displays["{path.stem}"] = ', 1)
        # A block of its own, so that two displays may use one name.
        parts.append("{\n" + re.sub(r'^import .*? from "./core.js";\n', "", text, flags=re.DOTALL) + "}\n")
    return re.sub(r"^export (?=function|const|class)", "", "".join(parts), flags=re.MULTILINE)


STYLE = (_FOLDER / "display.css").read_text(encoding="utf-8")
_SOURCE = source()
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}
:root {{ color-scheme: light dark }}
body {{ margin: 0 auto; padding: 12px; max-width: 860px; font: 16px/1.5 system-ui, sans-serif }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<div id="display"></div>
</main>
<script type="application/json" id="data">{data}</script>
<script type="module">{source}
mountOnPage(document.getElementById("display"), JSON.parse(document.getElementById("data").textContent));
</script>
</body>
</html>
"""


class Display(anywidget.AnyWidget):
    """A display; as the last line of a cell it appears below it.

    It is a widget like those of ipywidgets: it can stand in a box, be observed, and be linked.

    Attributes
    ----------
    state : dict
        What the controls say, by their names; to read and to set. What makes no sense is replaced by the default.
    value : object
        What the main control says. ``ipywidgets.jslink((slider, "value"), (display, "value"))`` links it to another widget.
    data : dict
        What the page gets: the kind and the name of the display, and arrays that `packed` made.
    """

    _esm = _SOURCE + "export default { render };\n"
    _css = STYLE
    state = traitlets.Dict().tag(sync=True)
    value = traitlets.Any().tag(sync=True)
    data = traitlets.Dict().tag(sync=True)

    def __init__(self, kind, name, main, state, **data):
        super().__init__(
            data={"kind": kind, "name": name, "main": main, "state": state, **data}, state=state, value=state.get(main)
        )

    @traitlets.observe("state")
    def _state_to_value(self, change):
        self.value = change.new.get(self.data["main"])

    @traitlets.observe("value")
    def _value_to_state(self, change):
        self.state = {**self.state, self.data["main"]: change.new}

    def _repr_mimebundle_(self, **kwargs):
        _shown[self.model_id] = self
        return super()._repr_mimebundle_(**kwargs)

    def save_html(self, path):
        """Write one file that shows the display in any browser, from the disk too, without a kernel and without a network.

        Parameters
        ----------
        path : str or Path
        """
        Path(path).write_text(page(as_json({**self.data, "state": self.state})), encoding="utf-8")

    def __repr__(self):
        return f"{self.data['name']}: run this cell to use it"


_shown = {}  # by the id under which a notebook's output names it


def save_shown(folder):
    """Write what each display of this kernel hands to the page as ``<id of the widget>.json``; run.py stores it."""
    for model_id, display in _shown.items():
        (Path(folder) / f"{model_id}.json").write_text(as_json(display.data), encoding="utf-8")


def page(data):
    """Return the text of a page with one display, from what `as_json` returned."""
    name = html.escape(json.loads(data)["name"])
    return _PAGE.format(title=name, style=STYLE, data=data, source=_SOURCE)


def as_json(data):
    """Return what a display hands to the page as JSON that may stand in a script element; bytes are in base64."""

    def text(thing):
        if isinstance(thing, (bytes, memoryview)):
            return base64.b64encode(thing).decode()
        raise TypeError(f"{type(thing).__name__} cannot be sent to the page")

    return json.dumps(data, default=text, separators=(",", ":")).replace("<", "\\u003c")


def packed(array, dtype="float16"):
    """Return an array in the form in which core.js unpacks it.

    Parameters
    ----------
    array : array-like
    dtype : {"float16", "float32", "uint8"}
        "uint8" is for pixels: values in [0, 1] in steps of 1/255.
    """
    array = np.asarray(array)
    if dtype == "uint8":
        array = np.rint(np.clip(array, 0, 1) * 255)
    return {
        "dtype": dtype,
        "shape": list(array.shape),
        "bytes": np.ascontiguousarray(array, f"<{np.dtype(dtype).str[1:]}").tobytes(),
    }


def packed_network(model, name, inputs=None, outputs=None, last=None, dtype="float16"):
    """Return the dense layers of a model in the form in which core.js computes them.

    Parameters
    ----------
    model : keras.Model
        Dense layers, one after the other; layers that do something in training only are left out.
    name : str
        What messages call the model.
    inputs, outputs : int, optional
        The sizes that are required.
    last : str, optional
        An activation in place of that of the last layer.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        If there is a layer that the page cannot compute; the message says which, and what to do.
    """
    layers = _dense_layers(model, name)
    sizes = [layers[0][0].shape[0], layers[-1][0].shape[1]]
    for wanted, size, word in zip((inputs, outputs), sizes, ("take", "give"), strict=True):
        if wanted not in (None, size):
            raise ValueError(f"{name} must {word} {wanted} numbers for an image, but its size there is {size}")
    if last is not None:
        layers[-1] = (*layers[-1][:2], last)
    return [
        {"kernel": packed(kernel, dtype), "bias": packed(bias, dtype), "activation": activation}
        for kernel, bias, activation in layers
    ]


def models_to_compute(models, x, from_logits):
    """Return the networks of models from images like ``x`` to pixels, by name, as `packed_network` does."""
    last = "sigmoid" if from_logits else None
    return {name: packed_network(model, f"models[{name!r}]", x.shape[1], x.shape[1], last) for name, model in models.items()}


def probabilities(model, x, from_logits):
    """Return what a model gives as pixels, also where it gives logits."""
    made = predict(model, x)
    return 1 / (1 + np.exp(-made)) if from_logits else made


def halves(model, name):
    """Return the encoder and the decoder of a model, or say that it has none."""
    if not hasattr(model, "encoder") or not hasattr(model, "decoder"):
        raise TypeError(f"{name} must be a model with .encoder and .decoder, as autoencoder makes, but it is {model!r:.200}")
    return model.encoder, model.decoder


def styles(names):
    """Return colour and dash of each name's line: those of the style file, in its order, so that figures agree."""
    return {
        name: {"colour": _COLOURS[number % len(_COLOURS)], "dash": _DASHES[number % len(_DASHES)]}
        for number, name in enumerate(names)
    }


def _dense_layers(model, name):
    if isinstance(model, (Autoencoder, VariationalAutoencoder)):
        return [*_dense_layers(model.encoder, name), *_dense_layers(model.decoder, name)]
    if isinstance(model, keras.Model):
        if len(model.inputs or [None]) != 1 or not model.layers:
            raise _unknown(name, model)
        return [layer for part in model.layers for layer in _dense_layers(part, name)]
    if isinstance(model, (keras.layers.Dense, TransposedDense)):
        kernel = np.asarray(model.kernel)
        bias = np.zeros(kernel.shape[1], np.float32) if model.bias is None else model.bias
        activation = getattr(model.activation, "__name__", "")
        if activation in _ACTIVATIONS:
            return [(kernel, np.asarray(bias), activation.removeprefix("straight_through_"))]
    elif isinstance(model, _PASSING):
        return []
    raise _unknown(name, model)


def _unknown(name, layer):
    activation = getattr(getattr(layer, "activation", None), "__name__", None)
    with_activation = f" with {activation}" if activation else ""
    return ValueError(
        f"{name} must be made of dense layers with the activations {', '.join(_ACTIVATIONS[:6])}, or the page cannot compute "
        f"it, but its layer {layer.name!r} is a {type(layer).__name__}{with_activation}. Use ae.show_images for what it makes"
    )


def picture_shape(x, name):
    """Return height and width of images of shape (images, pixels) or (images, height, width); flat ones must be square."""
    if x.ndim == 3:
        return list(x.shape[1:])
    side = math.isqrt(x.shape[1])
    if side * side != x.shape[1]:
        raise ValueError(f"{name} must hold square images, but each has {x.shape[1]} pixels")
    return [side, side]
