"""What is wrong with an autoencoder, by which number one knows, what to change, and where it is explained."""

import html
import textwrap
from dataclasses import dataclass, field

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from aehelpers import _facts, _findings, _trace
from aehelpers.diagnostics import earlier_weights
from aehelpers.models import unchanged
from aehelpers.pictures import as_grids, as_pictures
from aehelpers.plots import mosaic
from aehelpers.validation import Images, Loss, Model, Optional, Text, same_images, same_number, takes
from IPython.display import HTML, display
from tqdm.auto import tqdm

_OTHER_RANGE = 4  # times as large: images of two scales, not of one kind
_SHOWN = 8  # images at each end
_COLOURS = {"broken": "#D55E00", "weak": "#E69F00", "note": "#0072B2"}


@dataclass(repr=False)
class Diagnosis:
    """What `diagnose` found; in a notebook it shows itself, in a terminal it is text.

    Attributes
    ----------
    findings : list of Finding
        Worst first; empty where nothing was found. Each has ``.code``, ``.severity``, ``.sentence``, ``.evidence``, ``.remedy``
        and ``.read``.
    ladder : pandas.DataFrame
        Squared error per pixel of the mean image, of PCA with as many components as the code has units, and of the model; each
        also as a share of the mean image's. Empty where the model gives no finite images.
    facts : dict
        Everything that was measured, by name.
    """

    findings: list
    ladder: pd.DataFrame
    facts: dict
    _examined: object = field(default=None)

    def __repr__(self):
        lines = [] if self.findings else ["Nothing found."]
        for finding in self.findings:
            lines += [f"{finding.severity.upper()} {finding.code}", *_indented(finding.sentence)]
            lines += [*_indented(f"Try: {finding.remedy}"), *_indented(f"Read: {', '.join(finding.read)}"), ""]
        return "\n".join([*lines, self.ladder.round(4).to_string() if len(self.ladder) else ""]).rstrip()

    def _repr_html_(self):
        cards = "".join(map(_card, self.findings)) or "<p><strong>Nothing found.</strong></p>"
        table = self.ladder.round(4).to_html(border=0) if len(self.ladder) else ""
        return f'<div class="ae-diagnosis">{cards}{table}</div>'

    def _ipython_display_(self):
        # The pictures are an output of their own: notebooks compare text, and no pictures.
        display(HTML(self._repr_html_()), metadata={})
        if len(self.ladder):
            self.figure()
            plt.show()

    def figure(self):
        """Draw the images that are rebuilt best and worst, the ladder, and how far each unit of the code moves.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If the model gave no images to draw.
        """
        if not len(self.ladder):
            raise ValueError("this diagnosis has no figure: the model gave no finite images of the right shape")
        return _draw(self)


def _indented(text):
    return textwrap.wrap(text, 96, initial_indent="    ", subsequent_indent="    ")


def _card(finding):
    notebook, heading = finding.read
    colour = _COLOURS[finding.severity]
    return (
        f'<div class="ae-finding" style="border-left: 5px solid {colour}; padding: 2px 12px; margin: 8px 0">'
        f"<p><strong>{finding.severity}: <code>{finding.code}</code></strong><br>{html.escape(finding.sentence)}</p>"
        f"<p><em>Try:</em> {html.escape(finding.remedy)}<br><em>Read:</em> "
        f'<a href="{notebook}">{notebook.removesuffix(".ipynb")}</a>, “{html.escape(heading)}”</p></div>'
    )


def _draw(diagnosis):
    examined, facts = diagnosis._examined, diagnosis.facts
    errors = np.square(_facts.flat(examined.target_test) - _facts.flat(examined.made)).mean(axis=1)
    order = np.argsort(errors, kind="stable")
    spread = facts.get("kl_of_units") if facts["variational"] else facts.get("unit_spread")
    panels = ["best", "worst", "ladder", *(["code"] if spread is not None else [])]
    figure, axes = plt.subplots(1, len(panels), figsize=(2.9 * len(panels), 2.7), layout="constrained", squeeze=False)
    low, high = facts["image_low"], facts["image_high"]
    for ax, name, rows in zip(axes[0], panels, (order[:_SHOWN], order[::-1][:_SHOWN]), strict=False):
        half = len(rows) // 2 or 1
        images, made = (_pictures(part[rows]) for part in (examined.target_test, examined.made))
        if images is None:
            ax.text(0.5, 0.5, "no pictures:\nthe images are\nnot square", ha="center", va="center")
        else:
            pairs = [images[:half], made[:half], images[half:], made[half:]]
            canvas = mosaic([part for part in pairs if len(part)])
            ax.imshow(np.clip((canvas - low) / max(high - low, 1e-12), 0, 1), cmap="gray", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[], title={"best": "rebuilt best", "worst": "rebuilt worst"}[name])
        ax.spines[:].set_visible(False)
    ladder = diagnosis.ladder["squared error"].iloc[::-1]
    ax = axes[0, 2]
    ax.barh(range(len(ladder)), ladder, color=["#D55E00" if "model" in name else "#999999" for name in ladder.index])
    ax.set_yticks(range(len(ladder)), [name.replace(", ", ",\n") for name in ladder.index])
    ax.set(xlabel="squared error", title="the ladder")
    if spread is not None:
        values = np.sort(np.ravel(spread))[::-1]
        axes[0, 3].bar(range(1, len(values) + 1), values, width=1, color="#0072B2")
        word = "KL in nats" if facts["variational"] else "standard deviation"
        axes[0, 3].set(xlabel="unit of the code, sorted", ylabel=word, title="the code")
    return figure


def _pictures(images):
    grids = as_grids(images)
    return None if grids is None or grids.shape[3:] not in ((), (1,), (3,)) else as_pictures(images, "the images")


def _target(value, name):
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ValueError(f"{name} must be one array or a pair of two, but it has {len(value)} parts")
        return tuple(Images()(part, f"part {number} of {name}") for number, part in enumerate(value))
    return Images()(value, name)


@takes(
    model=Model(),
    x_train=Images(at_least=2),
    x_test=Optional(Images(at_least=2)),
    target=Optional(_target),
    loss=Optional(Loss()),
    before=Optional(earlier_weights),
    code=Optional(Text()),
)
def diagnose(model, x_train, x_test=None, *, target=None, loss=None, before=None, code=None):
    """Measure what can be wrong with an autoencoder, and say what is.

    The model is run on images, in and outside training mode, and the gradient of its loss is taken once. It is not changed, not
    trained and not compiled; one that was never called is built.

    Parameters
    ----------
    model : keras.Model
        From images to images, of any kind; also a variational one.
    x_train : array of images, at least two
        Images that it was trained with, in the form in which it gets them: (images, pixels), (images, height, width) or
        (images, height, width, channels), in any range.
    x_test : array of images, optional
        Others of the kind. Without them everything is measured on ``x_train``, and overfitting cannot be seen.
    target : array of images, or pair of arrays, optional
        What the rows of ``x_train`` should be rebuilt as, if not as themselves; with ``x_test`` a pair, for both.
    loss : str, keras.Loss or callable, optional
        What it was trained with; the squared error unless told.
    before : list of ndarray, optional
        What ``model.get_weights()`` returned before the training.
    code : str, optional
        The name of the layer whose output is the code. Without it, the code is what ``model.encoder`` gives, or the narrowest
        output through which everything passes.

    Returns
    -------
    Diagnosis

    References
    ----------
    Notebook 09, with how often it is wrong; benchmarks/diagnose.py measures that. Similar tools for networks of any kind:
    E. Schoop, F. Huang and B. Hartmann (2021), UMLAUT: debugging deep learning programs using program structure and model
    behavior, CHI; M. Wardat, B. D. Cruz, W. Le and H. Rajan (2022), DeepDiagnosis: automatically diagnosing faults and
    recommending actionable fixes in deep learning programs, ICSE.
    """
    train, test = _sets(x_train, x_test, target)
    if code is not None and code not in _trace.layer_names(model):
        raise ValueError(f"code must be the name of a layer, one of {', '.join(_trace.layer_names(model))}, but it is {code!r}")
    if before is not None and model.built and [b.shape for b in before] != [w.shape for w in model.get_weights()]:
        raise ValueError(
            f"before must be an earlier model.get_weights(), with shapes {[w.shape for w in model.get_weights()]}, but its "
            f"shapes are {[b.shape for b in before]}"
        )
    examined = _facts.Examination(model, train, test, loss, before, code)
    steps = examined.steps()
    with tqdm(total=len(steps), desc="diagnosis", leave=False) as bar:
        for name, step in steps.items():
            bar.set_postfix_str(name)
            if not _findings.unusable(examined.facts):
                with unchanged(model):
                    step()
            bar.update()
    return Diagnosis(_findings.find(examined.facts), _ladder(examined.facts), examined.facts, examined)


def _sets(x_train, x_test, target):
    """Return for the images of the training, and for the others, what goes in and what should come out."""
    if x_train.min(axis=0).tobytes() == x_train.max(axis=0).tobytes():
        raise ValueError("x_train must hold images that differ, but all are the same")
    if x_test is not None:
        same_images(x_train, "x_train", x_test, "x_test")
        sizes = [max(float(np.abs(x).max()), 1e-12) for x in (x_train, x_test)]
        if max(sizes) > _OTHER_RANGE * min(sizes):
            raise ValueError(
                f"x_test must have the range of x_train, whose values go from {x_train.min():g} to {x_train.max():g}, but its "
                f"values go from {x_test.min():g} to {x_test.max():g}"
            )
    if isinstance(target, tuple) != (x_test is not None) and target is not None:
        wanted = "a pair of arrays, for x_train and for x_test" if x_test is not None else "one array, for x_train"
        raise ValueError(f"target must be {wanted}, but it is {'a pair' if isinstance(target, tuple) else 'one array'}")
    targets = (x_train, x_test) if target is None else target if isinstance(target, tuple) else (target, None)
    inputs = [(x_train, "x_train"), (x_test, "x_test")][: 1 if x_test is None else 2]
    sets = []
    for number, ((x, name), wanted) in enumerate(zip(inputs, targets, strict=False)):
        same_number(x, name, wanted, f"part {number} of target" if isinstance(target, tuple) else "target")
        rows = np.linspace(0, len(x) - 1, min(len(x), _facts.IMAGES)).astype(int) if number or x_test is None else slice(None)
        images = x[rows]
        sets.append((images, images if wanted is x else wanted[rows]))
    return sets[0], sets[-1]


def _ladder(facts):
    if "error" not in facts:
        return pd.DataFrame()
    rungs = {"mean image": facts["mean_image_error"]}
    if facts.get("pca_error") is not None:
        rungs[f"PCA-{facts['code_size']}"] = facts["pca_error"]
    rungs |= {"the model": facts["error"]}
    if facts["separate_test"]:
        rungs["the model, training images"] = facts["training_error"]
    table = pd.DataFrame({"squared error": pd.Series(rungs)}).rename_axis("reconstruction by")
    return table.assign(**{"of the mean image's": table["squared error"] / max(facts["mean_image_error"], 1e-12)})
