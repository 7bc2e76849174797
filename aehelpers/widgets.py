"""Interactive displays: controls above, a picture below, and a sentence that says what it shows.

Each function returns a display; as the last line of a cell it appears under it. What a move of a control shows is computed by
the display's ``render``, a function of the controls' values alone.
"""

import base64
import html
import itertools
import threading

import anywidget
import ipywidgets
import keras
import numpy as np
import tensorflow as tf
import traitlets
from aehelpers.baselines import fit_pca, mean_image, mse, project
from aehelpers.diagnostics import dead_units
from aehelpers.pictures import DENSITY, Chart, as_mnist, as_png, image_rows, side_of, stacked, unit_lights
from aehelpers.validation import Boolean, Dict, Function, Images, Integer, Model, Real

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))

true_or_false, positive_integer = Boolean(), Integer()


def as_images(images, name, width=None, **options):
    images = Images(dimensions=(2,), **options)(images, name)
    if width is not None and images.shape[1] != width:
        raise ValueError(f"{name} must have {width} columns, but its shape is {images.shape}")
    return images


def as_pixels(images, name, width=None, at_least=1):
    return as_images(images, name, width, at_least=at_least, pixels=True)


_SHOWN = 8  # images in a row of a display
_MEASURED = 500  # images behind the errors that a display names

_STYLE = """<style>
.ae-picture { image-rendering: auto; max-width: 100%; height: auto; border-radius: 4px }
.ae-sentence { line-height: 1.4; color: var(--jp-content-font-color1) }
.ae-failed { color: var(--jp-error-color1, #B00000) }
</style>"""


class _Picture(ipywidgets.Image):
    description = traitlets.Unicode().tag(sync=True)  # without it the browser cannot show an image that has a tooltip


class Display(ipywidgets.VBox):
    """Controls, a picture and a sentence.

    Parameters
    ----------
    name : str
        What it is, for those who cannot see it.
    controls : dict
        ``{name: widget}`` for a widget's ``value``, or ``{name: (widget, name of a trait)}``.
    render : callable
        Takes the controls' values by name and returns a picture, an array of uint8, shape (height, width, 3), and a sentence.
    beside : sequence of widgets, optional
        What stands at the left of the picture; unless told, the controls stand above it.

    Attributes
    ----------
    controls : dict
    render : callable
    picture : ipywidgets.Image
    sentence : ipywidgets.HTML
        What the picture shows; or, when ``render`` failed, what went wrong.

    When events come faster than pictures, the last state wins: whoever draws looks at the controls when its turn has come, and
    a state that has been drawn already is not drawn again. Jupyter runs the events on a thread of its own, hence the lock.
    """

    def __init__(self, name, controls, render, beside=None):
        self.controls = {
            key: control if isinstance(control, tuple) else (control, "value") for key, control in controls.items()
        }
        self.render = render
        self.picture = _Picture(format="png", tooltip=name)
        self.picture.add_class("ae-picture")
        self.sentence = ipywidgets.HTML()
        self._name = name
        self._lock = threading.Lock()
        self._drawn = None
        if beside is None:
            parts = [*controls.values(), self.picture]
        else:
            side_by_side = ipywidgets.Layout(flex_flow="row wrap", align_items="flex-start", grid_gap="0 16px")
            parts = [ipywidgets.HBox([ipywidgets.VBox(list(beside)), self.picture], layout=side_by_side)]
        super().__init__([*parts, self.sentence, ipywidgets.HTML(_STYLE)])
        self.add_class("ae-display")
        for widget, trait in self.controls.values():
            if hasattr(widget, "description"):
                widget.style.description_width = "initial"  # else a longer label is cut off
                widget.tooltip = widget.description  # else the label's tooltip is "null"
            widget.observe(self.refresh, trait)
        self.refresh()

    def refresh(self, _=None):
        """Draw what the controls say now."""
        with self._lock:
            state = {name: getattr(widget, trait) for name, (widget, trait) in self.controls.items()}
            if state == self._drawn:
                return
            try:
                picture, sentence = self.render(**state)
            except Exception as error:  # whatever happens, the one who moves a slider should read it
                sentence = html.escape(f"This could not be drawn. {type(error).__name__}: {error}")
                self.sentence.value = f'<div class="ae-sentence ae-failed" role="alert">{sentence}</div>'
                self._drawn = None
            else:
                self.show(picture, sentence)
                self._drawn = state

    def show(self, picture, sentence):
        """Put a picture and its sentence into the display."""
        self.picture.width = str(picture.shape[1] // DENSITY)
        self.picture.value = as_png(picture)
        self.sentence.value = f'<div class="ae-sentence" role="status">{html.escape(sentence)}</div>'

    def __repr__(self):
        return f"{self._name}: run this cell to use it"

    def _repr_mimebundle_(self, **kwargs):
        # The picture is what one sees before the cell is run, in an HTML export, and on GitHub.
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "image/png": base64.b64encode(self.picture.value).decode()}


def code_size_display(models, x_train, x_test):
    """Move the size of the code: originals, what the autoencoder makes of them, and what PCA of the same size makes of them.

    Parameters
    ----------
    models : dict
        ``{code size: model}``, as `aehelpers.sweep` returns; the models give pixels in [0, 1].
    x_train, x_test : array, shape (images, pixels)
        Pixels in [0, 1]. The baselines are fitted to ``x_train``; the errors are those on the first 500 of ``x_test``.

    Returns
    -------
    Display

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong; before anything is measured or drawn.
    """
    x_train = as_pixels(x_train, "x_train", at_least=2)
    width = x_train.shape[1]
    x_test = as_pixels(x_test, "x_test", width)[:_MEASURED]
    side_of(x_test, "x_test")
    sizes = sorted(positive_integer(size, "each code size in models") for size in Dict(Model())(models, "models"))
    if sizes[-1] > width:
        raise ValueError(f"each code size in models must be at most the number of pixels, {width}, but one is {sizes[-1]}")
    rebuilt = {size: _compiled(models[size], f"models[{size}]", width, width)(x_test) for size in sizes}
    pca = fit_pca(x_train, sizes[-1])
    projected = {size: project(pca, x_test, size).astype(np.float32) for size in sizes}
    level = mse(x_test, np.broadcast_to(mean_image(x_train), x_test.shape))
    errors = {size: mse(x_test, rebuilt[size]) for size in sizes}
    pca_errors = {size: mse(x_test, projected[size]) for size in sizes}

    def draw(ax):
        ax.axhline(level, color="#777777", linestyle=":", label="mean image")
        ax.plot(sizes, list(pca_errors.values()), "--s", color=COLOURS[2], label="PCA")
        ax.plot(sizes, list(errors.values()), "-o", color=COLOURS[0], label="autoencoder")
        ax.set(xlabel="size of the code", ylabel="squared error per pixel", xscale="log", ylim=(0, None))
        ax.set_xticks(sizes, [str(size) for size in sizes])
        ax.minorticks_off()
        ax.legend(frameon=False)

    chart = Chart(draw)

    def render(size):
        rows = [x_test[:_SHOWN], rebuilt[size][:_SHOWN], projected[size][:_SHOWN]]
        picture = image_rows(rows, ["original", f"autoencoder, {size}", f"PCA, {size}"])
        sentence = (
            f"A code of {size} {'number' if size == 1 else 'numbers'}: squared error {errors[size]:.4f} by the autoencoder, "
            f"{pca_errors[size]:.4f} by PCA; the mean image has {level:.4f}, a perfect copy 0."
        )
        return stacked([picture, chart.marked(size, errors[size])]), sentence

    slider = ipywidgets.SelectionSlider(options=sizes, value=sizes[len(sizes) // 2], description="code size")
    return Display("Slider for the size of the code", {"size": slider}, render)


def noise_display(models, kinds, x, from_logits=False):
    """Choose a kind of noise, its level and a model: noisy images, the model's output, its error, and the point on the curve.

    Parameters
    ----------
    models : dict
        ``{name: model}``.
    kinds : dict
        ``{name: function}``, such as ``{"masking": ae.masking_noise}``; each takes images, a level from 0 to 0.9, and ``seed``.
    x : array, shape (images, pixels)
        Clean images with pixels in [0, 1]. The errors are those on the first 500.
    from_logits : bool
        Whether the models give logits; else they give pixels in [0, 1].

    Returns
    -------
    Display

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong; before anything is measured or drawn.
    """
    x = _squares(x)[:_MEASURED]
    width = x.shape[1]
    levels = [round(0.1 * number, 1) for number in range(10)]
    Dict(Function(of="images, a level and seed"))(kinds, "kinds")
    functions = _all_compiled(models, width, width, from_logits)
    noisy = {
        (kind, level): as_images(make(x, level, seed=0), f"the output of kinds[{kind!r}]", width)
        for kind, make in kinds.items()
        for level in levels
    }
    nothing = {key: mse(x, images) for key, images in noisy.items()}
    errors = {(name, *key): mse(x, function(images)) for name, function in functions.items() for key, images in noisy.items()}

    def chart_of(kind):
        def draw(ax):
            ax.plot(levels, [nothing[kind, level] for level in levels], ":", color="#000000", label="do nothing")
            for number, name in enumerate(models):
                style = {"color": COLOURS[number % len(COLOURS)], "linestyle": LINE_STYLES[number % len(LINE_STYLES)]}
                ax.plot(levels, [errors[name, kind, level] for level in levels], label=name, **style)
            ax.set(xlabel=f"level of the noise ({kind})", ylabel="squared error per pixel", ylim=(0, None), xticks=levels)
            ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))

        return Chart(draw)

    charts = {kind: chart_of(kind) for kind in kinds}

    def render(level, kind, model):
        level = round(level, 1)
        images = noisy[kind, level][:_SHOWN]
        picture = image_rows([x[:_SHOWN], images, functions[model](images)], ["clean", "noisy", f"model: {model}"])
        error = errors[model, kind, level]
        sentence = (
            f"{kind} noise of {level}, model {model}: squared error {error:.4f} ({_decibels(error)}); "
            f"doing nothing has {nothing[kind, level]:.4f} ({_decibels(nothing[kind, level])})."
        )
        return stacked([picture, charts[kind].marked(level, error)]), sentence

    controls = {
        "level": ipywidgets.FloatSlider(value=0.3, min=0, max=0.9, step=0.1, description="noise level", readout_format=".1f"),
        "kind": _choice(kinds, "kind of noise"),
        "model": _choice(models, "model"),
    }
    return Display("Sliders for noise and denoiser", controls, render)


def _choice(options, description):
    """A row of buttons. (JupyterLab takes the arrow keys from a closed dropdown, and moves on to the next cell.)"""
    return ipywidgets.ToggleButtons(options=list(options), description=description, style={"button_width": "auto"})


def _decibels(error):
    return "no error" if error == 0 else f"PSNR {-10 * np.log10(error):.1f} dB"


def threshold_display(models, ways, x, from_logits=False):
    """Choose a model, a threshold and what is done to the code by it: what the decoder still makes of the code.

    Parameters
    ----------
    models : dict
        ``{name: model}`` of models with ``.encoder`` and ``.decoder`` whose codes lie in [0, 1].
    ways : dict
        ``{name: function}``; each takes codes, shape (images, units), and a threshold, and returns changed codes.
    x : array, shape (images, pixels)
        Images with pixels in [0, 1]. The errors are those on the first 500.
    from_logits : bool
        Whether the decoders give logits; else they give pixels in [0, 1].

    Returns
    -------
    Display

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong; before anything is measured or drawn.
    """
    x = _squares(x)[:_MEASURED]
    width = x.shape[1]
    Dict(Function(of="codes and a threshold"))(ways, "ways")
    from_logits = true_or_false(from_logits, "from_logits")
    codes, decoders = {}, {}
    for name, model in Dict(Model())(models, "models").items():
        encoder, decoder = _halves(model, f"models[{name!r}]")
        codes[name] = _compiled(encoder, f"models[{name!r}].encoder", width)(x)
        decoders[name] = _compiled(decoder, f"models[{name!r}].decoder", codes[name].shape[1], width, from_logits)
    whole = {name: decoders[name](codes[name]) for name in models}

    def render(model, way, threshold):
        code = codes[model]
        left = decoders[model](as_images(ways[way](code, threshold), f"the output of ways[{way!r}]", code.shape[1]))
        picture = image_rows([x[:_SHOWN], whole[model][:_SHOWN], left[:_SHOWN]], ["original", "whole code", way])
        sentence = (
            f"Model {model}: {100 * (code >= threshold).mean():.0f} % of the activations reach {threshold:.2f}. "
            f"Squared error {mse(x, whole[model]):.4f} with the whole code; {way}: {mse(x, left):.4f}."
        )
        return picture, sentence

    controls = {
        "model": _choice(models, "model"),
        "way": _choice(ways, "below it"),
        "threshold": ipywidgets.FloatSlider(value=0.1, min=0, max=0.9, step=0.02, description="threshold"),
    }
    return Display("Slider for a threshold on the code", controls, render)


def step_display(model, x):
    """Sharpen a sigmoid into a step by its temperature T: the code is sigmoid(z / T), and at T = 0 it is 0 or 1.

    Parameters
    ----------
    model : Autoencoder
        With one layer to the code, whose own activation is not used, and pixels in [0, 1] as output.
    x : array, shape (images, pixels)
        Images with pixels in [0, 1]. The gradient is that of the cross entropy on the first 500.

    Returns
    -------
    Display

    Raises
    ------
    TypeError, ValueError
        If the encoder has more than one layer, or another argument is wrong.
    """
    encoder, decoder = _halves(model, "model")
    if len(encoder.layers) != 1:
        raise ValueError(f"model must have one layer to the code, but its encoder has {len(encoder.layers)}")
    shapes = [weights.shape for weights in encoder.get_weights()]
    if [len(shape) for shape in shapes] != [2, 1]:
        raise ValueError(
            f"model must have a dense layer with a bias to the code, but that layer has weights of shapes {shapes}"
        )
    x = _squares(x, shapes[0][0])[:_MEASURED]
    kernel, bias = (tf.constant(weights) for weights in encoder.get_weights())
    decode = _compiled(decoder, "model.decoder", len(bias), x.shape[1])
    before = x @ kernel.numpy() + bias.numpy()
    temperatures = [0.0, *(float(f"{t:.1g}") for t in np.geomspace(1e-7, 1, 15))]

    def code_at(temperature):
        if temperature == 0:
            return (before > 0).astype(np.float32)
        return (0.5 + 0.5 * np.tanh(before / (2 * temperature))).astype(np.float32)  # a sigmoid that cannot overflow

    def gradient_at(temperature):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            output = decoder(tf.sigmoid((x @ kernel + bias) / temperature))
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(x, output))
        return float(tf.norm(tape.gradient(loss, kernel)))

    gradients = {t: gradient_at(t) for t in temperatures if t > 0}

    def draw(ax):
        ax.plot(list(gradients), list(gradients.values()), "-o", markersize=4, color=COLOURS[0])
        ax.set(xlabel="temperature T (sharper to the left)", ylabel="gradient at the encoder", xscale="log", ylim=(0, None))

    chart = Chart(draw)

    def render(temperature):
        code = code_at(temperature)
        rebuilt = decode(code)
        picture = image_rows([x[:_SHOWN], rebuilt[:_SHOWN]], ["original", f"T = {temperature:g}"])
        between = 100 * ((code > 0.01) & (code < 0.99)).mean()
        reaches = "none at all: a step has no slope" if temperature == 0 else f"{gradients[temperature]:.2g}"
        sentence = (
            f"T = {temperature:g}: {between:.1f} % of the activations lie between 0.01 and 0.99. Squared error "
            f"{mse(x, rebuilt):.4f}. Gradient that reaches the encoder: {reaches}."
        )
        return stacked([picture, chart.marked(temperature or np.nan, gradients.get(temperature, np.nan))]), sentence

    slider = ipywidgets.SelectionSlider(
        options=[(f"{t:g}", t) for t in temperatures], value=temperatures[-1], description="temperature"
    )
    return Display("Slider from the sigmoid to the step", {"temperature": slider}, render)


def sigmoid_display(originals, logits):
    """Draw logits or probabilities, in one grey range or in several, beside originals that nobody touches.

    Parameters
    ----------
    originals : array, shape (images, pixels)
        Pixels in [0, 1].
    logits : array, shape (images, pixels)
        What a model without a sigmoid at its output makes of them.

    Returns
    -------
    Display

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong; before anything is measured or drawn.
    """
    originals = as_pixels(originals, "originals")
    side_of(originals, "originals")
    logits = as_images(logits, "logits", originals.shape[1])
    if len(originals) != len(logits):
        raise ValueError(f"originals and logits must be as many, but there are {len(originals)} and {len(logits)}")
    originals, logits = originals[:_SHOWN], logits[:_SHOWN]
    for name, shown in (("originals", originals), ("logits", logits)):
        if shown.min() == shown.max():
            raise ValueError(f"{name} must hold more than one value, or have no grey range, but all shown are {shown.max():g}")
    outputs = {"logits": logits, "probabilities": tf.sigmoid(logits).numpy()}

    def render(shown, greys):
        rows = [originals, outputs[shown]]
        own = [(float(row.min()), float(row.max())) for row in rows]
        together = (min(low for low, _ in own), max(high for _, high in own))
        ranges = {_TOGETHER: [together] * 2, _EACH: own, _FIXED: [(0.0, 1.0)] * 2}[greys]
        picture = image_rows(rows, ["original", shown], ranges)
        (low, high), (_, _) = ranges
        black, white = (100 * (np.clip(value, low, high) - low) / (high - low) for value in own[0])
        sentence = (
            f"The {shown} go from {own[1][0]:.2f} to {own[1][1]:.2f}, the originals from {own[0][0]:.2f} to {own[0][1]:.2f}. "
            f"In the row of the originals {low:.2f} is drawn black and {high:.2f} white, so that they use {black:.0f} % to "
            f"{white:.0f} % of the grey scale."
        )
        return picture, sentence

    controls = {
        "shown": _choice(outputs, "show"),
        "greys": _choice((_TOGETHER, _EACH, _FIXED), "grey range"),
    }
    return Display("Switches for what is drawn, and in which range", controls, render)


_TOGETHER, _EACH, _FIXED = "one for all rows", "each row its own", "0 to 1"


class Plane(anywidget.AnyWidget):
    """A picture of a plane with a point on it, moved by the pointer or by the arrow keys.

    Attributes
    ----------
    background : bytes
        A PNG file.
    limits : list of float
        Left, right, bottom and top edge of the plane.
    value : list of float
        The point.
    """

    _esm = """
    function render({ model, el }) {
      const canvas = document.createElement("canvas");
      canvas.width = 960; canvas.height = 720;
      canvas.className = "ae-plane";
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "application");
      canvas.setAttribute("aria-label", "Plane of codes: move the point with the pointer or the arrow keys");
      canvas.style.cssText = "width:480px;max-width:100%;touch-action:none;cursor:crosshair;border-radius:4px;background:white";
      el.appendChild(canvas);
      const ink = canvas.getContext("2d");
      let paper = null, asked = false;
      const draw = () => {
        const [left, right, bottom, top] = model.get("limits"), [x, y] = model.get("value");
        ink.fillStyle = "white"; ink.fillRect(0, 0, canvas.width, canvas.height);
        if (paper) ink.drawImage(paper, 0, 0, canvas.width, canvas.height);
        const u = (x - left) / (right - left) * canvas.width, v = (top - y) / (top - bottom) * canvas.height;
        ink.lineWidth = 3; ink.strokeStyle = "#222";
        ink.beginPath(); ink.moveTo(u, 0); ink.lineTo(u, canvas.height); ink.moveTo(0, v); ink.lineTo(canvas.width, v);
        ink.globalAlpha = 0.3; ink.stroke(); ink.globalAlpha = 1;
        ink.beginPath(); ink.arc(u, v, 11, 0, 7); ink.fillStyle = "#D55E00"; ink.fill();
        ink.strokeStyle = "white"; ink.stroke();
      };
      const move = (x, y) => {
        const [left, right, bottom, top] = model.get("limits");
        model.set("value", [Math.min(Math.max(x, left), right), Math.min(Math.max(y, bottom), top)]);
        draw();
        if (asked) return;  // one message for each frame of the screen
        asked = true;
        requestAnimationFrame(() => { asked = false; model.save_changes(); });
      };
      canvas.addEventListener("pointermove", event => {
        const box = canvas.getBoundingClientRect(), [left, right, bottom, top] = model.get("limits");
        move(left + (event.clientX - box.left) / box.width * (right - left),
             top - (event.clientY - box.top) / box.height * (top - bottom));
      });
      canvas.addEventListener("keydown", event => {
        const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
        if (!step) return;
        event.preventDefault(); event.stopPropagation();
        const [left, right, bottom, top] = model.get("limits"), [x, y] = model.get("value");
        move(x + step[0] * (right - left) / 50, y + step[1] * (top - bottom) / 50);
      });
      const load = async () => {
        paper = await createImageBitmap(new Blob([model.get("background")], { type: "image/png" }));
        draw();
      };
      model.on("change:background", load);
      model.on("change:value", draw);
      load();
    }
    export default { render };
    """
    background = traitlets.Bytes().tag(sync=True)
    limits = traitlets.List(traitlets.Float()).tag(sync=True)
    value = traitlets.List(traitlets.Float()).tag(sync=True)

    def __repr__(self):
        return "Plane"


def latent_plane(decoder, codes, x, labels):
    """Move over the plane of a 2-D code: the point is decoded live, and beside it stand the images whose codes lie nearest.

    Parameters
    ----------
    decoder : keras.Model
        From (images, 2) to pixels in [0, 1].
    codes : array, shape (images, 2)
        Where the images lie.
    x : array, shape (images, pixels)
        The images, with pixels in [0, 1].
    labels : array of int, shape (images,)
        From 0 to 9.

    Returns
    -------
    Display

    Raises
    ------
    TypeError, ValueError
        If the codes are not two numbers an image, or all on one line; if images, codes and labels are not as many; or if
        another argument is wrong.
    """
    codes, x = as_images(codes, "codes", 2), _squares(x)
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise TypeError(
            f"labels must be one whole number an image, but they are an array of dtype {labels.dtype} and shape {labels.shape}"
        )
    if not len(codes) == len(x) == len(labels):
        raise ValueError(f"codes, x and labels must be as many, but there are {len(codes)}, {len(x)} and {len(labels)}")
    if labels.min() < 0 or labels.max() > 9:
        raise ValueError(f"labels must lie from 0 to 9, but they go from {labels.min()} to {labels.max()}")
    (left, bottom), (right, top) = np.quantile(codes, [0.01, 0.99], axis=0).astype(float)
    if left == right or bottom == top:
        raise ValueError(
            "codes must differ in both units, or there is no plane to move over, but all but a few go from "
            f"({left:g}, {bottom:g}) to ({right:g}, {top:g})"
        )
    decode = _compiled(decoder, "decoder", 2, x.shape[1])

    def draw(ax):
        ax.set_axis_off()
        ax.set(xlim=(left, right), ylim=(bottom, top))
        for digit in range(10):
            chosen = codes[:3000][labels[:3000] == digit]
            ax.plot(*chosen.T, linestyle="", marker=f"${digit}$", markersize=5, markeredgewidth=0.2, color=f"C{digit}")

    plane = Plane(
        background=as_png(Chart(draw, 480, 360, frame=False).paper), limits=[left, right, bottom, top], value=[0.0, 0.0]
    )
    fields = [
        ipywidgets.BoundedFloatText(min=low, max=high, step=round((high - low) / 50, 2), description=f"code unit {number}")
        for number, low, high in ((1, left, right), (2, bottom, top))
    ]
    for field in fields:
        field.style.description_width = "initial"
        field.tooltip = field.description
    plane.value = [field.value for field in fields]  # 0 may lie outside
    following = threading.local()  # says that a field follows the plane, not the reader

    def to_fields(_):
        following.now = True
        for field, place in zip(fields, plane.value, strict=True):
            field.value = round(place, 2)
        following.now = False

    def to_plane(_):
        if not getattr(following, "now", False):
            plane.value = [field.value for field in fields]

    plane.observe(to_fields, "value")
    for field in fields:
        field.observe(to_plane, "value")

    def render(point):
        nearest = np.argsort(np.square(codes - point).sum(axis=1))[:5]
        decoded = decode(np.array([point], np.float32))
        picture = image_rows([np.concatenate([decoded, x[nearest]])], ["decoded, then the\nnearest images"])
        near = ", ".join(str(labels[number]) for number in nearest)
        return picture, f"The point ({point[0]:.2f}, {point[1]:.2f}), decoded; the nearest images are labelled {near}."

    return Display("Plane of codes", {"point": plane}, render, beside=[plane, *fields])


class Pad(anywidget.AnyWidget):
    """A square of paper to draw on with mouse, pen or finger, or with the arrow keys.

    Attributes
    ----------
    value : bytes
        112 x 112 grey levels: 0 is paper, 255 is ink. Empty before the first stroke.
    base : bytes
        28 x 28 grey levels of an image that lies under the strokes; empty when there is none.
    """

    _esm = """
    function render({ model, el }) {
      const SIDE = 112;
      const box = document.createElement("div");
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = SIDE;
      canvas.className = "ae-pad";
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "application");
      canvas.setAttribute("aria-label",
        "Drawing pad: draw with the pointer; or move with the arrow keys and press the space bar to put the pen down or up");
      canvas.style.cssText = "width:280px;height:280px;touch-action:none;cursor:crosshair;background:black;border-radius:4px";
      const ink = canvas.getContext("2d", { willReadFrequently: true });
      let strokes = [], stroke = null, pen = [SIDE / 2, SIDE / 2], keyStroke = null, asked = false;
      const paint = target => {
        target.strokeStyle = "white";
        target.lineWidth = 9; target.lineCap = target.lineJoin = "round";
        for (const points of strokes) {
          target.beginPath(); target.moveTo(points[0][0] + 0.01, points[0][1]);  // a lone point gets a dot
          for (const point of points) target.lineTo(...point);
          target.stroke();
        }
      };
      const show = () => {
        ink.fillStyle = "black"; ink.fillRect(0, 0, SIDE, SIDE);
        const base = model.get("base");
        if (base && base.byteLength === 784) {
          const levels = new Uint8Array(base.buffer ?? base, base.byteOffset ?? 0, 784);
          for (let i = 0; i < 784; i++) {
            ink.fillStyle = `rgb(${levels[i]},${levels[i]},${levels[i]})`;
            ink.fillRect(4 * (i % 28), 4 * Math.floor(i / 28), 4, 4);
          }
        }
        paint(ink);
        if (document.activeElement === canvas) {
          ink.strokeStyle = keyStroke ? "#D55E00" : "#56B4E9"; ink.lineWidth = 1;
          ink.beginPath(); ink.arc(pen[0], pen[1], 5, 0, 7); ink.stroke();
        }
      };
      const send = () => {
        if (asked) return;  // one message for each frame of the screen
        asked = true;
        requestAnimationFrame(() => {
          asked = false;
          const paper = new OffscreenCanvas(SIDE, SIDE).getContext("2d");
          paper.fillStyle = "black"; paper.fillRect(0, 0, SIDE, SIDE);
          paint(paper);
          const rgba = paper.getImageData(0, 0, SIDE, SIDE).data;
          const levels = new Uint8Array(SIDE * SIDE);
          for (let i = 0; i < levels.length; i++) levels[i] = rgba[4 * i];
          model.set("value", new DataView(levels.buffer));
          model.save_changes();
        });
      };
      const changed = () => { show(); send(); };
      const at = event => {
        const area = canvas.getBoundingClientRect();
        return [(event.clientX - area.left) / area.width * SIDE, (event.clientY - area.top) / area.height * SIDE];
      };
      canvas.addEventListener("pointerdown", event => {
        canvas.setPointerCapture(event.pointerId);
        canvas.focus();
        stroke = [at(event)]; strokes.push(stroke); pen = stroke[0]; changed();
      });
      canvas.addEventListener("pointermove", event => { if (stroke) { pen = at(event); stroke.push(pen); changed(); } });
      for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { stroke = null; });
      canvas.addEventListener("keydown", event => {
        const step = { ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4], ArrowDown: [0, 4] }[event.key];
        if (!step && event.key !== " ") return;
        event.preventDefault(); event.stopPropagation();
        if (step) {
          pen = pen.map((value, i) => Math.min(Math.max(value + step[i], 0), SIDE));
          if (keyStroke) { keyStroke.push(pen); changed(); } else show();
        } else if (keyStroke) { keyStroke = null; show(); }
        else { keyStroke = [pen]; strokes.push(keyStroke); changed(); }
      });
      canvas.addEventListener("blur", () => { keyStroke = null; show(); });
      canvas.addEventListener("focus", show);
      const buttons = document.createElement("div");
      const button = (label, act) => {
        const made = document.createElement("button");
        made.textContent = label;
        made.className = "jupyter-button";
        made.style.cssText = "margin:4px 4px 0 0;width:auto";
        made.addEventListener("click", act);
        buttons.appendChild(made);
      };
      button("undo", () => { strokes.pop(); keyStroke = null; changed(); });
      button("clear", () => {
        strokes = []; keyStroke = null;
        model.set("base", new DataView(new ArrayBuffer(0)));
        changed();
      });
      box.append(canvas, buttons);
      el.appendChild(box);
      model.on("change:base", () => { strokes = []; keyStroke = null; changed(); });
      show();
    }
    export default { render };
    """
    # anywidget hands over a memoryview, which a Bytes trait would refuse.
    value = traitlets.Bytes().tag(sync=True, from_json=lambda value, _: bytes(value))
    base = traitlets.Bytes().tag(sync=True, from_json=lambda value, _: bytes(value))

    def __repr__(self):
        return "Pad"


def drawing_pad(models, x, from_logits=False):
    """Draw a digit, and see what every model makes of it.

    It begins with a test image; "clear" gives empty paper. A drawing on empty paper is scaled and centred as those of MNIST.
    A drawing on a test image is not, and the number of pixels that it changes is counted.

    Parameters
    ----------
    models : dict
        ``{name: model}``.
    x : array, shape (images, 784)
        The images that can be loaded, with pixels in [0, 1].
    from_logits : bool
        Whether the models give logits; else they give pixels in [0, 1].

    Returns
    -------
    Display

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong; before anything is measured or drawn.
    """
    x = as_pixels(x, "x", 784)
    functions = _all_compiled(models, 784, 784, from_logits)
    loaded = (np.rint(image * 255).astype(np.uint8).tobytes() for image in itertools.cycle(x))
    pad, load = Pad(base=next(loaded)), ipywidgets.Button(description="load a test image")

    def render(ink, base):
        drawing = np.frombuffer(ink, np.uint8).reshape(112, 112).astype(np.float32) / 255 if ink else np.zeros((112, 112))
        if base:
            under = np.frombuffer(base, np.uint8).astype(np.float32) / 255
            image = np.maximum(under, drawing.reshape(28, 4, 28, 4).mean(axis=(1, 3)).ravel())
            said = f"{int((np.abs(image - under) > 1 / 510).sum())} of 784 pixels differ from the test image."
        else:
            image = as_mnist(drawing)
            said = "Your drawing, scaled and centred." if ink and image.any() else "Draw a digit, or load a test image."
        rebuilt = {name: function(image[None].astype(np.float32)) for name, function in functions.items()}
        if image.any():
            errors = (f"{name} {mse(image[None], made):.4f}" for name, made in rebuilt.items())
            said += f" Squared errors: {', '.join(errors)}."
        return image_rows([image[None], *rebuilt.values()], ["input", *map(str, rebuilt)]), said

    def another(_):
        pad.value, pad.base = b"", next(loaded)

    load.on_click(another)
    return Display("Drawing pad", {"ink": (pad, "value"), "base": (pad, "base")}, render, beside=[pad, load])


class TrainingDisplay(Display):
    """What `training_display` returns: hand it to `aehelpers.fit` as ``on_record``."""

    def __call__(self, history):
        with self._lock:
            self.show(*self.render(history))


def training_display(model, x, steps, highest_loss, levels=None):
    """Watch a model while it trains: its reconstructions, its loss so far, and which units of its code are dead.

    Show the display first, then train with ``ae.fit(..., on_record=display)``. JupyterLab's stop button ends the training as
    always.

    Parameters
    ----------
    model : Autoencoder
        The model that is trained; it gives pixels in [0, 1].
    x : array, shape (images, pixels)
        The images that are watched; a unit counts as dead when it is never above 0 on them.
    steps : int
        How long the training will be.
    highest_loss : float
        The upper end of the loss axis.
    levels : dict, optional
        ``{name: value}`` of losses to compare with.

    Returns
    -------
    TrainingDisplay

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong; before anything is drawn.
    """
    x = _squares(x)
    encoder, _ = _halves(model, "model")
    _compiled(model, "model", x.shape[1], x.shape[1])
    steps, highest_loss = positive_integer(steps, "steps"), Real(0, open_interval=True)(highest_loss, "highest_loss")
    levels = Dict(Real(), or_empty=True)({} if levels is None else levels, "levels")

    def draw(ax):
        for number, (name, value) in enumerate(levels.items()):
            ax.axhline(value, color="#777777", linestyle=LINE_STYLES[(number + 3) % len(LINE_STYLES)], label=name)
        ax.set(xlim=(0, steps), ylim=(0, highest_loss), xlabel="training step", ylabel="loss")
        if levels:
            ax.legend(frameon=False, loc="upper right")

    chart = Chart(draw, height=200)

    def render(history=None):
        dead = dead_units(encoder, x)
        shown, loss = ([0], [np.nan]) if history is None else (history.steps, history.history["loss"])
        pictures = [
            image_rows([x[:_SHOWN], model(x[:_SHOWN]).numpy()], ["original", "now"]),
            unit_lights(dead, "units of the code"),
            chart.marked(shown, np.minimum(loss, highest_loss)),
        ]
        known = "not trained yet" if history is None else f"loss {loss[-1]:.4f}"
        return stacked(pictures), f"Step {shown[-1]}: {known}; {dead.sum()} of {len(dead)} code units are dead."

    return TrainingDisplay("The training, live", {}, render)


def _squares(x, width=None):
    x = as_pixels(x, "x", width)
    side_of(x, "x")
    return x


def _halves(model, name):
    """Return the encoder and the decoder of a model, or say that it has none."""
    if not hasattr(model, "encoder") or not hasattr(model, "decoder"):
        raise TypeError(f"{name} must be a model with .encoder and .decoder, as autoencoder makes, but it is {model!r:.200}")
    return model.encoder, model.decoder


def _all_compiled(models, width, gives, from_logits):
    from_logits = true_or_false(from_logits, "from_logits")
    return {
        name: _compiled(model, f"models[{name!r}]", width, gives, from_logits)
        for name, model in Dict(Model())(models, "models").items()
    }


def _compiled(model, name, width, gives=None, from_logits=False):
    """Return a function from arrays to arrays that takes a millisecond, where a call of a Keras model takes six.

    ``width`` is the number of columns that the model takes, and ``gives`` the number that it must give, if that matters.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"{name} must be a keras.Model, but it is {model!r:.200}")
    finish = tf.sigmoid if from_logits else tf.identity
    function = tf.function(lambda x: finish(model(x, training=False)), autograph=False)
    # Traced here and once: a function that is traced in an event could set off TensorFlow's warning about tracing too often.
    try:
        function = function.get_concrete_function(tf.TensorSpec([None, width], tf.float32))
    except (TypeError, ValueError) as error:  # what Keras says names neither the argument nor the images
        raise ValueError(f"{name} must take arrays of shape (images, {width}), but it cannot: {error}") from error
    shape = function.output_shapes
    if shape.rank != 2 or gives not in (None, shape[1]):
        wanted = "units" if gives is None else gives
        raise ValueError(
            f"{name} must give arrays of shape (images, {wanted}), but for images of {width} pixels it gives {shape}"
        )
    return lambda x: function(tf.constant(x, tf.float32)).numpy()
