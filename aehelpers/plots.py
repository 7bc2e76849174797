"""Figures. Each function draws on ``ax``, or on a new figure, and returns the axes it drew on."""

import numbers
from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
from aehelpers.arrays import as_dict, as_images, side_of, true_or_false
from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart with every kind of colour vision; the line styles differ as well.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))

_GAP = 2  # pixels between two images of a mosaic


def show_images(rows, titles=None, autoscale=False, ax=None):
    """Show rows of images, all in one grey range: 0 is black and 1 is white.

    Parameters
    ----------
    rows : array or sequence of arrays, each of shape (images, pixels)
        One array a row, all with the same number of pixels. The images must be square.
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

    Raises
    ------
    TypeError, ValueError
        If the rows are not arrays of square images of one size, the titles do not fit the rows, or another argument is wrong.
    """
    if isinstance(rows, (str, dict)) or not isinstance(rows, Iterable):
        raise TypeError(f"rows must be an array of images or a sequence of such arrays, but it is {rows!r:.200}")
    rows = [rows] if getattr(rows, "ndim", None) in (1, 2) else list(rows)
    if not rows:
        raise ValueError("rows must hold at least one row of images, but it is empty")
    rows = [as_images(row, f"row {number} of rows") for number, row in enumerate(rows)]
    side = side_of(rows[0], "rows")
    if len({row.shape[1] for row in rows}) > 1:
        raise ValueError(f"rows must hold images of one size, but their widths are {[row.shape[1] for row in rows]}")
    titles = [titles] if isinstance(titles, str) else titles
    if titles is not None:
        if not isinstance(titles, (list, tuple)) or not all(isinstance(title, str) for title in titles):
            raise TypeError(f"titles must be a string or a list of strings, but it is {titles!r:.200}")
        if len(titles) != len(rows):
            raise ValueError(f"titles must have one entry for each of the {len(rows)} rows, but it has {len(titles)}")
    autoscale = true_or_false(autoscale, "autoscale")
    _check_axes(ax)

    columns = max(map(len, rows))
    low, high = min(float(row.min()) for row in rows), max(float(row.max()) for row in rows)
    if ax is None:
        left = 0.2 + 0.085 * max((len(line) for title in titles or () for line in title.split("\n")), default=0)
        width, height = columns * 0.62, len(rows) * 0.62
        shrink = min(1, 9.5 / (width + left))
        _, ax = plt.subplots(figsize=(width * shrink + left, height * shrink + 0.3), layout="constrained")
    vmin, vmax = (low, high) if autoscale else (0, 1)
    ax.imshow(mosaic(rows), cmap=_grey(), vmin=vmin, vmax=vmax, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    if titles is not None:
        step = side + _GAP
        ax.set_yticks([side / 2 + step * number for number in range(len(rows))], titles)
        ax.tick_params(axis="y", length=0)
    if not autoscale and (low < 0 or high > 1):
        ax.set_xlabel(f"values from {low:.2f} to {high:.2f}: cut off at 0 and 1", color=COLOURS[1])
        print(f"show_images: the values go from {low:.2f} to {high:.2f}; what lies outside [0, 1] is cut off.")
    return ax


def mosaic(rows):
    """Put rows of square images into one array, with NaN in the gaps.

    Parameters
    ----------
    rows : sequence of arrays, each of shape (images, pixels)

    Returns
    -------
    ndarray of float32, shape (height, width)
    """
    side = side_of(rows[0], "rows")
    step = side + _GAP
    canvas = np.full((len(rows) * step - _GAP, max(map(len, rows)) * step - _GAP), np.nan, np.float32)
    for i, row in enumerate(rows):
        for j, image in enumerate(row):
            canvas[i * step : i * step + side, j * step : j * step + side] = image.reshape(side, side)
    return canvas


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

    Raises
    ------
    TypeError, ValueError
        If there is no history, or one without a record; or if ``levels`` is not a dict of finite numbers.
    """
    histories = histories if isinstance(histories, dict) else {"loss": histories}
    for history in histories.values():
        if not all(hasattr(history, name) for name in ("steps", "loss", "valid_loss")):
            raise TypeError(
                f"histories must be what fit returned, or a dict of name and such a history, but one is {history!r:.200}"
            )
    levels = as_levels(levels)
    _check_axes(ax)
    if not histories or any(len(history.steps) == 0 for history in histories.values()):
        raise ValueError("histories must hold at least one history, each with at least one record")
    if ax is None:
        _, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for number, (name, history) in enumerate(histories.items()):
        drawn = history.loss if history.valid_loss is None else history.valid_loss
        ax.plot(
            history.steps,
            drawn,
            color=COLOURS[number % len(COLOURS)],
            linestyle=LINE_STYLES[number % len(LINE_STYLES)],
            label=name,
        )
    # Names on the lines themselves could fall on one another; a legend outside cannot.
    for number, (name, value) in enumerate(levels.items()):
        ax.axhline(value, color="#777777", linestyle=LINE_STYLES[(number + 3) % len(LINE_STYLES)], linewidth=1.2, label=name)
    ax.set_xlabel("training step")
    ax.set_ylabel("loss")
    ax.spines[["top", "right"]].set_visible(False)
    if len(histories) > 1 or levels:
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return ax


def as_levels(levels):
    """Return ``levels`` as a dict, an empty one for None, or say that it is not a dict of names and finite numbers.

    Raises
    ------
    TypeError
        If it is not a dict, or a value is not a real number.
    ValueError
        If a value is NaN or infinite.
    """
    levels = {} if levels is None else as_dict(levels, "levels", "number", may_be_empty=True)
    for name, value in levels.items():
        if not isinstance(value, numbers.Real):
            raise TypeError(f"levels[{name!r}] must be a number, but it is {value!r:.200}")
        if not np.isfinite(value):
            raise ValueError(f"levels[{name!r}] must be finite, but it is {value!r}")
    return levels


def _check_axes(ax):
    if ax is not None and not isinstance(ax, Axes):
        raise TypeError(f"ax must be one matplotlib.axes.Axes, but it is {ax!r:.200}")


def _grey():
    return plt.get_cmap("gray").with_extremes(bad="white")  # the gaps of a mosaic
