"""Figures. Each function draws on ``ax``, or on a new figure, and returns the axes it drew on."""

import matplotlib.pyplot as plt
import numpy as np
from aehelpers.arrays import as_images, side_of

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
        If the rows are not arrays of square images of one size, or the titles do not fit the rows.
    """
    rows = [rows] if getattr(rows, "ndim", None) == 2 else list(rows)
    if not rows:
        raise ValueError("rows must hold at least one row of images, but it is empty")
    rows = [as_images(row, f"row {number} of rows") for number, row in enumerate(rows)]
    side = side_of(rows[0], "rows")
    if len({row.shape[1] for row in rows}) > 1:
        raise ValueError(f"rows must hold images of one size, but their widths are {[row.shape[1] for row in rows]}")
    titles = [titles] if isinstance(titles, str) else titles
    if titles is not None and len(titles) != len(rows):
        raise ValueError(f"titles must have one entry for each of the {len(rows)} rows, but it has {len(titles)}")

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
    ValueError
        If there is no history, or one without a record.
    """
    histories = histories if isinstance(histories, dict) else {"loss": histories}
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
    for number, (name, value) in enumerate((levels or {}).items()):
        ax.axhline(value, color="#777777", linestyle=LINE_STYLES[(number + 3) % len(LINE_STYLES)], linewidth=1.2, label=name)
    ax.set_xlabel("training step")
    ax.set_ylabel("loss")
    ax.spines[["top", "right"]].set_visible(False)
    if len(histories) > 1 or levels:
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return ax


def _grey():
    return plt.get_cmap("gray").with_extremes(bad="white")  # the gaps of a mosaic
