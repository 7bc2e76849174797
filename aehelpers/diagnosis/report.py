"""What `diagnose` returns: cards in a notebook, text in a terminal, a figure."""

import html
import textwrap
from dataclasses import dataclass, field

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from aehelpers.diagnosis.faults.words import number
from aehelpers.diagnosis.rows import channels_last, flat
from aehelpers.pictures import as_pictures
from aehelpers.plots import mosaic
from IPython.display import HTML, display

_SHOWN = 8  # rows at each end
_COLOURS = {"broken": "#D55E00", "weak": "#E69F00", "note": "#0072B2"}
_MANY_COLUMNS = 40


@dataclass(repr=False)
class Diagnosis:
    """What `diagnose` found; in a notebook it shows itself, in a terminal it is text.

    Attributes
    ----------
    findings : list of Finding
        Worst first; empty where nothing was found. Each has ``.code``, ``.severity``, ``.sentence``, ``.evidence``, ``.remedy``
        and ``.read``.
    ladder : pandas.DataFrame
        Squared error of the mean row, of PCA with as many components as the code has units, and of the model; each also as a
        share of the mean row's. Empty where the model gives nothing finite.
    columns : pandas.DataFrame
        Of a table, for each column: variance, squared error, and the share of the variance that is lost; else empty.
    facts : dict
        Everything that was measured, by name.
    unmeasured : list of str
        What could not be measured, and what it takes to measure it.
    """

    findings: list
    ladder: pd.DataFrame
    columns: pd.DataFrame
    facts: dict
    unmeasured: list
    _examined: object = field(default=None)

    def __repr__(self):
        lines = [] if self.findings else ["Nothing found."]
        for finding in self.findings:
            lines += [f"{finding.severity.upper()} {finding.code}", *_indented(finding.sentence)]
            lines += [*_indented(f"Try: {finding.remedy}"), *_indented(f"Read: {', '.join(finding.read)}"), ""]
        for table in (self.ladder, self.columns):
            if len(table):
                lines += [_rounded(table).to_string(), ""]
        lines += [line for text in self.unmeasured for line in textwrap.wrap(f"Not measured: {text}", 100)]
        return "\n".join(lines).rstrip()

    def _repr_html_(self):
        cards = "".join(map(_card, self.findings)) or "<p><strong>Nothing found.</strong></p>"
        tables = "".join(_rounded(table).to_html(border=0) for table in (self.ladder, self.columns) if len(table))
        missing = "".join(f"<p>Not measured: {html.escape(text)}</p>" for text in self.unmeasured)
        return f'<div class="ae-diagnosis">{cards}{tables}{missing}</div>'

    def _ipython_display_(self):
        # The pictures are an output of their own: notebooks compare text, and no pictures.
        display(HTML(self._repr_html_()), metadata={})
        if len(self.ladder):
            self.figure()
            plt.show()

    def figure(self):
        """Draw the rows that are reconstructed best and worst, the errors, and how far each unit of the code moves.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ValueError
            If the model gave nothing to draw.
        """
        if not len(self.ladder):
            raise ValueError("this diagnosis has no figure: the model gave nothing finite of the right shape")
        return _draw(self)


def _rounded(table):
    return table.map(lambda value: number(value) if isinstance(value, float) else value)


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
    errors = np.square(flat(examined.target_test).astype(float) - flat(examined.made)).mean(axis=1)
    order = np.argsort(errors, kind="stable")
    spread = facts.get("kl_of_units") if facts.get("variational") else facts.get("unit_spread")
    panels = ["reconstructed best", "reconstructed worst", "ladder", *(["code"] if spread is not None else [])]
    figure, axes = plt.subplots(1, len(panels), figsize=(2.9 * len(panels), 2.7), layout="constrained", squeeze=False)
    for ax, title, rows in zip(axes[0], panels, (order[:_SHOWN], order[::-1][:_SHOWN]), strict=False):
        _draw_rows(ax, title, examined, facts, rows)
    ladder = diagnosis.ladder["squared error"].iloc[::-1]
    ax = axes[0, 2]
    ax.barh(range(len(ladder)), ladder, color=["#D55E00" if "model" in name else "#999999" for name in ladder.index])
    ax.set_yticks(range(len(ladder)), [name.replace(", ", ",\n") for name in ladder.index])
    ax.set(xlabel="squared error", title="the errors")
    if spread is not None:
        values = np.sort(np.ravel(spread))[::-1]
        axes[0, 3].bar(range(1, len(values) + 1), values, width=1, color="#0072B2")
        word = "KL in nats" if facts["variational"] else "standard deviation"
        axes[0, 3].set(xlabel="unit of the code, sorted", ylabel=word, title="the code")
    return figure


def _draw_rows(ax, title, examined, facts, rows):
    """Draw targets and reconstructions: pictures in pairs, or curves where the rows are none."""
    ax.set(title=title)
    half = len(rows) // 2 or 1
    if examined.kind == "images":
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        target, made = (_pictures(part[rows]) for part in (examined.target_test, examined.made))
        if target is None:
            ax.text(0.5, 0.5, "no pictures:\nthe images are\nnot square", ha="center", va="center")
            return
        pairs = [target[:half], made[:half], target[half:], made[half:]]
        canvas = mosaic([part for part in pairs if len(part)])
        low, high = facts["image_low"], facts["image_high"]
        ax.imshow(np.clip((canvas - low) / max(high - low, 1e-12), 0, 1), cmap="gray", vmin=0, vmax=1)
        return
    target, made = (part[rows[0]] for part in (examined.target_test, examined.made))
    if examined.kind == "series" and target.ndim == 2:
        steps_first = getattr(examined.probe, "time_axis", 1) == 1
        target, made = (part if steps_first else part.T for part in (target, made))
        worst = int(np.square(target.astype(float) - made).sum(axis=0).argmax())
        if target.shape[1] > 1:
            ax.set(title=f"{title},\nchannel {worst}, its worst")
        target, made = target[:, worst], made[:, worst]
    target, made = np.ravel(target), np.ravel(made)
    marker = "." if len(target) <= _MANY_COLUMNS else ""
    ax.plot(target, color="#999999", marker=marker, label="target")
    ax.plot(made, color="#D55E00", marker=marker, label="reconstruction")
    ax.set(xlabel="step" if examined.kind == "series" else examined.words.cell)
    ax.set_ylim(top=ax.get_ylim()[1] + 0.3 * np.ptp(ax.get_ylim()))  # room for the names above the curves
    ax.legend(fontsize="small", loc="upper left", frameon=False, borderpad=0)


def _pictures(images):
    grids = channels_last(images)
    return None if grids is None or grids.shape[3:] not in ((), (1,), (3,)) else as_pictures(grids, "the images")


def ladder_of(facts, words):
    """Return the rungs as a table; empty where the model gave nothing to compare."""
    if "error" not in facts:
        return pd.DataFrame()
    rungs = {words.mean if not facts["one_row"] else "its mean value": facts["mean_image_error"]}
    if facts.get("pca_error") is not None:
        rungs[f"PCA-{facts['code_size']}"] = facts["pca_error"]
    rungs |= {"the model": facts["error"]}
    if facts["separate_test"]:
        rungs[f"the model, training {words.rows}"] = facts["training_error"]
    table = pd.DataFrame({"squared error": pd.Series(rungs, dtype=float)}).rename_axis("reconstruction by")
    return table.assign(**{f"of the {words.mean}'s": table["squared error"] / max(facts["mean_image_error"], 1e-12)})


def columns_of(examined, facts):
    """Return for each column of a table its variance, the squared error, and the share that is lost."""
    if examined.kind != "table" or "error" not in facts:
        return pd.DataFrame()
    test, made = flat(examined.target_test).astype(float), flat(examined.made).astype(float)
    table = pd.DataFrame({"variance": test.var(axis=0), "squared error": np.square(test - made).mean(axis=0)})
    table.index = pd.Index([examined.column(number_) for number_ in range(test.shape[1])], name="column")
    return table.assign(**{"share lost": facts["column_losses"]})
