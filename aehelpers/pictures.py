"""Images as pictures: flat images count as square ones."""

import math

from aehelpers.validation import Images


def as_grids(images):
    """Return flat images as (images, side, side) and all others as they are; or None, where flat ones are not square."""
    if images.ndim > 2:
        return images
    side = math.isqrt(images.shape[1])
    return images.reshape(-1, side, side) if side * side == images.shape[1] else None


def as_pictures(images, name):
    """Return images as an array of shape (images, height, width) for grey ones, or (images, height, width, 3) for coloured.

    Raises
    ------
    ValueError
        If flat images are not square, or their channels are neither 1 nor 3.
    """
    images = Images()(images, name)
    grids = as_grids(images)
    if grids is None:
        raise ValueError(f"{name} must hold square images, but each has {images.shape[1]} pixels")
    if grids.ndim == 4 and grids.shape[3] not in (1, 3):
        raise ValueError(f"{name} must hold images of 1 or 3 channels, but its shape is {images.shape}")
    return grids[..., 0] if grids.ndim == 4 and grids.shape[3] == 1 else grids


def size_of(images, name):
    """Return height and width of images as `as_pictures` has them, as a list."""
    return list(as_pictures(images[:1], name).shape[1:3])
