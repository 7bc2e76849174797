"""The pictures of the website: figures for the dark, and the pictures of the cards.

A figure is ink on white paper, and pictures in it, such as digits, are filled rectangles. In the dark the ink turns light and
the paper dark; the pictures stay as they are, because in them black means 0 and white means 1.
"""

import io

import numpy as np
from PIL import Image
from scipy import ndimage

PAPER, INK = (28, 32, 36), (236, 238, 233)  # --raised and --ink of site.css in the dark
STAGE = (8, 9, 11)  # --stage
LEAST = 20  # pixels: the shortest side of a picture; letters are smaller
FILLED = 0.85  # of its rectangle, at least: a picture. A curve with its axes fills less.
DARK = 32  # of 255: the lightest grey that counts as black
CARD = (640, 390)  # pixels: the picture of a display in the list of all
CONTROLS = 0.318  # of the width of a display: its controls, and the gap beside them, as display.css has them
CHROMA = 1.2  # how much lighter a colour gets than a grey that was as dark
# From linear RGB to the cone responses of OKLab and on to its axes: Björn Ottosson, "A perceptual color space" (2020).
CONES = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                  [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
AXES = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                 [0.0259040371, 0.7827717662, -0.8086757660]])  # fmt: skip


def to_lab(colours):
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ CONES.T) @ AXES.T


def from_lab(colours):
    linear = np.clip((colours @ np.linalg.inv(AXES).T) ** 3 @ np.linalg.inv(CONES).T, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def pictures_in(pixels):
    """Find the pictures in a figure.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width, 3)

    Returns
    -------
    list of tuple of slice
        The rectangle of each, from top to bottom.
    """
    white = (pixels == 255).all(axis=2)
    numbers, _ = ndimage.label(white)
    rim = np.unique(np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]]))
    drawn = ~np.isin(numbers, rim[rim > 0])  # all but the white that reaches the rim
    found = []
    parts, _ = ndimage.label(drawn, np.ones((3, 3)))
    for number, place in enumerate(ndimage.find_objects(parts), 1):
        if min(part.stop - part.start for part in place) < LEAST or (parts[place] == number).mean() < FILLED:
            continue
        inside = pixels[place].astype(int)
        is_grey = inside.max(axis=2) - inside.min(axis=2) <= 2
        is_dark = inside.max(axis=2) < DARK  # strokes on black may be coloured
        if is_grey.mean() > 0.95 or is_dark.mean() > 0.6:  # a bar of a chart is a rectangle too, in a colour
            found.append(place)
    return found


def darkened(image):
    """Return a figure for the dark: ink and paper change, the pictures in it do not."""
    pixels = np.asarray(image.convert("RGB"))
    packed, which = np.unique(pixels.astype(np.uint32) @ [65536, 256, 1], return_inverse=True)
    colours = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=1)
    lightness, first, second = to_lab(colours / 255).T
    low, high = (to_lab(np.array(colour) / 255)[0] for colour in (PAPER, INK))
    lightness = low + (1 - lightness) * (high - low) + CHROMA * np.hypot(first, second)
    new = from_lab(np.stack([np.minimum(lightness, high), first, second], axis=1))
    tone = np.array(PAPER) / 255 - from_lab(np.array([low, 0.0, 0.0]))  # the paper is not a pure grey
    new += tone * colours.min(axis=1, keepdims=True) / 255
    made = np.rint(255 * new.clip(0, 1)).astype(np.uint8)[which.reshape(-1)].reshape(pixels.shape)
    for place in pictures_in(pixels):
        made[place] = pixels[place]
    return Image.fromarray(made)


def rows_of(places):
    """Return rectangles as rows, each from left to right."""
    rows = []
    for place in sorted(places, key=lambda place: (place[0].start, place[1].start)):
        if rows and abs(place[0].start - rows[-1][0][0].start) < LEAST // 2:
            rows[-1].append(place)
        else:
            rows.append([place])
    return [sorted(row, key=lambda place: place[1].start) for row in rows]


def card(image, columns, size=72, gap=4):
    """Return the picture of a card: of a figure's pictures the first and the last row, at most so many columns, amid black."""
    pixels = np.asarray(image.convert("RGB"))
    rows = rows_of(pictures_in(pixels))
    width, height = columns * (size + gap) - gap, 2 * size + gap
    if len(rows[-1]) == 1:  # two rows of eight without a gap: the left half
        y, x = rows[-1][0]
        half = pixels[y, x.start : (x.start + x.stop) // 2]
        return Image.fromarray(half).resize((width, height), Image.Resampling.BOX)
    columns = min(columns, max(map(len, rows)))
    rows = [row for row in rows if len(row) >= columns]
    left = (width - columns * (size + gap) + gap) // 2
    made = Image.new("RGB", (width, height), STAGE)
    for y, row in enumerate((rows[0], rows[-1])):
        for x, place in enumerate(row[:columns]):
            tile = Image.fromarray(pixels[place]).resize((size, size), Image.Resampling.BOX)
            made.paste(tile, (left + x * (size + gap), y * (size + gap)))
    return made


def results_in(image):
    """Return of the screenshot of a display the pictures and charts that stand right of the controls, in the form of a card."""
    left = round(CONTROLS * image.width)
    width, (wide, high) = image.width - left, CARD
    made = Image.new("RGB", (width, round(width * high / wide)), "white")
    made.paste(image.convert("RGB").crop((left, 0, image.width, min(made.height, image.height))))
    return made


def as_png(image):
    """Return an image as the bytes of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
