"""Figures. Each function draws on ``ax``, or on a new figure, and returns the axes it drew on.

``plt.style.use("aehelpers.notebook")`` sets the style of all figures: the file notebook.mplstyle beside this one.
"""

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
from aehelpers.pictures import as_pictures
from aehelpers.training import History
from aehelpers.validation import Boolean, Dict, Optional, Real, same_images, takes
from matplotlib.axes import Axes

_GAP = 2  # pixels between two images of a mosaic
_LEVEL_STYLES = (":", "-.", "--", (0, (5, 1, 1, 1, 1, 1)))


def _axes(value, name):
    if not isinstance(value, Axes):
        raise TypeError(f"{name} must be one matplotlib.axes.Axes, but it is {value!r:.200}")
    return value


def _rows_of_images(value, name):
    if isinstance(value, (str, dict)) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be an array of images or a sequence of such arrays, but it is {value!r:.200}")
    rows = [value] if hasattr(value, "ndim") else list(value)  # an array of three dimensions: images of two
    if not rows:
        raise ValueError(f"{name} must hold at least one row of images, but it is empty")
    rows = [as_pictures(row, f"row {number} of {name}") for number, row in enumerate(rows)]
    for number, row in enumerate(rows):
        same_images(rows[0], f"row 0 of {name}", row, f"row {number} of {name}")
    return rows


def _titles(value, name):
    titles = [value] if isinstance(value, str) else value
    if not isinstance(titles, (list, tuple)) or not all(isinstance(title, str) for title in titles):
        raise TypeError(f"{name} must be a string or a list of strings, but it is {value!r:.200}")
    return list(titles)


@takes(rows=_rows_of_images, titles=Optional(_titles), autoscale=Boolean(), ax=Optional(_axes))
def show_images(rows, titles=None, autoscale=False, ax=None):
    """Show rows of images, all in one grey range: 0 is black and 1 is white.

    Parameters
    ----------
    rows : array of images, or sequence of such arrays
        One array a row, all of images of one shape. Flat images must be square.
    titles : str or sequence of str, optional
        A title for each row, written at its left.
    autoscale : bool
        Stretch the smallest value of *all* rows to black and the largest to white, as `plt.imshow` does by itself.
        Notebook 04 shows why that is rarely what you want.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Values outside [0, 1] are cut off at black and white when ``autoscale`` is False; the figure and a printed line say so.
    """
    if titles is not None and len(titles) != len(rows):
        raise ValueError(f"titles must have one entry for each of the {len(rows)} rows, but it has {len(titles)}")
    height, width = rows[0].shape[1:3]
    columns = max(map(len, rows))
    low, high = min(float(row.min()) for row in rows), max(float(row.max()) for row in rows)
    if ax is None:
        left = 0.2 + 0.085 * max((len(line) for title in titles or () for line in title.split("\n")), default=0)
        wide, tall = columns * 0.8 * width / height, len(rows) * 0.8
        shrink = min(1, 9.5 / (wide + left))
        _, ax = plt.subplots(figsize=(wide * shrink + left, tall * shrink + 0.3), layout="constrained")
    vmin, vmax = (low, high) if autoscale else (0, 1)
    canvas = mosaic(rows)
    if canvas.ndim == 3:  # imshow neither stretches nor cuts off colours without a warning
        canvas = np.clip((canvas - vmin) / max(vmax - vmin, 1e-12), 0, 1)
        canvas = np.where(np.isnan(canvas), 1, canvas)
    grey = plt.get_cmap("gray").with_extremes(bad="white")  # the gaps
    ax.imshow(canvas, cmap=grey, vmin=vmin, vmax=vmax, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    if titles is not None:
        ax.set_yticks([height / 2 + (height + _GAP) * number for number in range(len(rows))], titles)
        ax.tick_params(axis="y", length=0)
    if not autoscale and (low < 0 or high > 1):
        ax.set_xlabel(f"values from {low:.2f} to {high:.2f}: cut off at 0 and 1", color="#D55E00")
        print(f"show_images: the values go from {low:.2f} to {high:.2f}; what lies outside [0, 1] is cut off.")
    return ax


def mosaic(rows):
    """Put rows of pictures into one array, with NaN in the gaps.

    Parameters
    ----------
    rows : sequence of arrays, each as `as_pictures` returns

    Returns
    -------
    ndarray of float32, shape (height, width) or (height, width, 3)
    """
    height, width, *channels = rows[0].shape[1:]
    down, right = height + _GAP, width + _GAP
    canvas = np.full((len(rows) * down - _GAP, max(map(len, rows)) * right - _GAP, *channels), np.nan, np.float32)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            canvas[i * down : i * down + height, j * right : j * right + width] = picture
    return canvas


def _histories(value, name):
    histories = value if isinstance(value, dict) else {"loss": value}
    for history in histories.values():
        if not isinstance(history, History):
            raise TypeError(
                f"{name} must be what fit returned, or a dict of name and such a history, but one is {history!r:.200}"
            )
    if not histories or not all(history.steps for history in histories.values()):
        raise ValueError(f"{name} must hold at least one history, each with at least one record")
    return histories


@takes(histories=_histories, levels=Optional(Dict(Real(), or_empty=True)), ax=Optional(_axes))
def show_loss(histories, levels=None, ax=None):
    """Draw loss curves, with a horizontal line for each level to compare with.

    The validation loss is drawn where a history has one, else the training loss.

    Parameters
    ----------
    histories : History or dict
        One history, or ``{name: history}``.
    levels : dict, optional
        ``{name: value}``, for example ``{"floor": ae.bce_floor(x)}``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for name, history in histories.items():
        ax.plot(history.steps, history.history.get("val_loss", history.history["loss"]), label=name)
    # Names on the lines themselves could fall on one another; a legend outside cannot.
    for number, (name, value) in enumerate((levels or {}).items()):
        ax.axhline(value, color="#777777", linestyle=_LEVEL_STYLES[number % len(_LEVEL_STYLES)], linewidth=1.2, label=name)
    ax.set(xlabel="training step", ylabel="loss")
    if len(histories) > 1 or levels:
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax
