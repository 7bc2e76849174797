"""Small pictures for the displays: arrays go in, one RGB picture comes out, in a few milliseconds.

matplotlib takes a hundred milliseconds to draw a figure, a slider has thirty. So images are put together with numpy and Pillow,
and a chart is drawn by matplotlib once and then only gets its marks.
"""

import functools
import io
import math

import numpy as np
from aehelpers.validation import Images
from PIL import Image, ImageDraw, ImageFont

PIXELS_PER_PIXEL = 4  # of the picture, for one of an image
DENSITY = 2  # pixels of the picture for one on the screen, so that it is sharp on a dense screen and a projector

_PAPER, _INK, _MARK, _ALIVE = (255, 255, 255), (34, 34, 34), (213, 94, 0), (0, 114, 178)
_GAP = 6
_TITLE_SIZE = 24


def side_of(images, name):
    """Return the side of square images of shape (number, pixels), or say that they are not square."""
    side = math.isqrt(images.shape[1])
    if side * side != images.shape[1]:
        raise ValueError(f"{name} must hold square images, but each has {images.shape[1]} pixels")
    return side


@functools.cache
def _font():
    from matplotlib import get_data_path  # the font of the figures

    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", _TITLE_SIZE)


def grey_levels(images, low=0.0, high=1.0):
    """Return images as bytes: ``low`` is black, ``high`` is white, and what lies outside is cut off.

    Parameters
    ----------
    images : array, shape (images, pixels)
        Square images.
    low, high : float
        ``low`` must be below ``high``.

    Returns
    -------
    ndarray of uint8, shape (images, side, side)

    Raises
    ------
    TypeError, ValueError
        If ``images`` is not an array of square images or ``low`` is not below ``high``.
    """
    images = Images(dimensions=(2,))(images, "images")
    if not low < high:
        raise ValueError(f"low must be below high, but they are {low!r} and {high!r}")
    side = side_of(images, "images")
    levels = np.clip((images - low) * (255 / (high - low)), 0, 255)
    return np.rint(levels).astype(np.uint8).reshape(-1, side, side)


def image_rows(rows, titles, ranges=None, pixels=PIXELS_PER_PIXEL):
    """Put rows of images below each other, each with its title at the left.

    Parameters
    ----------
    rows : sequence of arrays, each of shape (images, pixels)
    titles : sequence of str
        One a row.
    ranges : sequence of (low, high), optional
        The values that are drawn black and white, for each row; 0 and 1 unless told.
    pixels : int
        Pixels of the picture for one of an image, in each direction.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        On white paper, so that it can be read in a dark theme too.

    Raises
    ------
    ValueError
        If the titles or ranges do not fit the rows, or a row does not hold square images.
    """
    ranges = [(0, 1)] * len(rows) if ranges is None else ranges
    if not len(rows) == len(titles) == len(ranges) or not rows:
        raise ValueError(f"rows, titles and ranges must be as many, but there are {len(rows)}, {len(titles)} and {len(ranges)}")
    rows = [grey_levels(row, *limits) for row, limits in zip(rows, ranges, strict=True)]
    font = _font()
    left = 2 * _GAP + max(int(font.getlength(line)) for title in titles for line in title.split("\n"))
    step = rows[0].shape[1] * pixels + _GAP
    picture = Image.new("RGB", (left + max(map(len, rows)) * step, len(rows) * step + _GAP), _PAPER)
    draw = ImageDraw.Draw(picture)
    for number, (row, title) in enumerate(zip(rows, titles, strict=True)):
        top = number * step + _GAP
        draw.multiline_text((left - _GAP, top + step / 2), title, fill=_INK, font=font, anchor="rm", align="right")
        for place, image in enumerate(row):
            large = Image.fromarray(image).resize((step - _GAP, step - _GAP), Image.Resampling.NEAREST)
            picture.paste(large.convert("RGB"), (left + place * step, top))
    return np.asarray(picture)


def stacked(pictures):
    """Put pictures below each other, on paper as wide as the widest.

    Parameters
    ----------
    pictures : sequence of arrays of uint8, each of shape (height, width, 3)

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
    """
    width = max(picture.shape[1] for picture in pictures)
    sheet = np.full((sum(len(picture) for picture in pictures), width, 3), _PAPER, np.uint8)
    top = 0
    for picture in pictures:
        sheet[top : top + len(picture), : picture.shape[1]] = picture
        top += len(picture)
    return sheet


def as_png(picture):
    """Return the bytes of a PNG file.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)

    Returns
    -------
    bytes
    """
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "png", compress_level=1)
    return buffer.getvalue()


class Chart:
    """A chart that is drawn once; afterwards it only gets its marks.

    Parameters
    ----------
    draw : callable
        Draws on a `matplotlib.axes.Axes`.
    width, height : float
        In hundredths of an inch, which are pixels on a common screen.
    frame : bool
        Whether there are axes around it; else the plane of the data fills the whole chart.

    Attributes
    ----------
    paper : ndarray of uint8, shape (height, width, 3)
        The chart without marks.
    """

    def __init__(self, draw, width=720, height=220, frame=True):
        # Not pyplot: a display draws on a thread of its own.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width / 100, height / 100), dpi=100 * DENSITY, layout="constrained" if frame else None)
        canvas = FigureCanvasAgg(figure)
        axes = figure.subplots() if frame else figure.add_axes((0, 0, 1, 1))
        draw(axes)
        axes.spines[["top", "right"]].set_visible(False)
        canvas.draw()
        self.paper = np.asarray(canvas.buffer_rgba())[..., :3].copy()
        self._to_pixels = axes.transData.frozen()

    def marked(self, x, y):
        """Return the chart with a dot at a point of its axes, or with a line through several that ends in a dot.

        Parameters
        ----------
        x, y : float or sequence of float
            A point that is not finite, or that the axes cannot show, is left out.

        Returns
        -------
        ndarray of uint8, shape (height, width, 3)
        """
        picture = Image.fromarray(self.paper)
        draw = ImageDraw.Draw(picture)
        points = self._to_pixels.transform(np.column_stack([np.atleast_1d(x), np.atleast_1d(y)]).astype(float))
        points = [(column, len(self.paper) - row) for column, row in points if np.isfinite([column, row]).all()]
        if len(points) > 1:
            draw.line(points, fill=_MARK, width=4, joint="curve")
        for column, row in points[-1:]:
            draw.ellipse((column - 9, row - 9, column + 9, row + 9), fill=_MARK, outline=_PAPER, width=2)
        return np.asarray(picture)


def unit_lights(dead, title):
    """Return a row of lamps, one for each unit: a blue dot while it lives, a red cross when it is dead.

    Parameters
    ----------
    dead : array of bool, shape (units,)
    title : str

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
    """
    font, size = _font(), 32
    left = 2 * _GAP + int(font.getlength(title))
    picture = Image.new("RGB", (left + len(dead) * (size + _GAP), size + 2 * _GAP), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((left - _GAP, _GAP + size / 2), title, fill=_INK, font=font, anchor="rm")
    for number, is_dead in enumerate(dead):
        x, y = left + number * (size + _GAP), _GAP
        if is_dead:
            draw.line((x + 6, y + 6, x + size - 6, y + size - 6), fill=_MARK, width=6)
            draw.line((x + 6, y + size - 6, x + size - 6, y + 6), fill=_MARK, width=6)
        else:
            draw.ellipse((x + 3, y + 3, x + size - 3, y + size - 3), fill=_ALIVE)
    return np.asarray(picture)


def as_mnist(drawing):
    """Bring a drawing to the form of MNIST's digits: 20 pixels long, and its centre of mass at pixel (14, 14) of 28 x 28.

    Parameters
    ----------
    drawing : array, shape (side, side)
        0 is paper, 1 is ink.

    Returns
    -------
    ndarray of float32, shape (784,)
        In [0, 1]; all 0 for an empty drawing.

    References
    ----------
    Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits: how the digits were normalized.
    """
    drawing = np.asarray(drawing, np.float32)
    rows, columns = np.flatnonzero(drawing.any(axis=1)), np.flatnonzero(drawing.any(axis=0))
    if not rows.size:
        return np.zeros(784, np.float32)
    cut = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = 20 / max(cut.shape)
    size = [max(1, round(length * scale)) for length in cut.shape]
    small = np.asarray(Image.fromarray(cut).resize(size[::-1], Image.Resampling.BOX)).clip(0, 1)
    weights = small / small.sum()
    centre = [float(weights.sum(axis=1 - axis) @ np.arange(small.shape[axis])) for axis in (0, 1)]
    top, left = (min(max(round(14 - c), 0), 28 - length) for c, length in zip(centre, small.shape, strict=True))
    image = np.zeros((28, 28), np.float32)
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image.ravel()
