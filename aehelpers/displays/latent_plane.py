"""The plane of a code of two numbers."""

import numpy as np
from aehelpers.displays.networks import packed_network
from aehelpers.displays.packing import packed
from aehelpers.displays.widget import Display
from aehelpers.pictures import size_of
from aehelpers.validation import Images, Model, same_number, takes

_SHOWN = 700


def _labels(value, name):
    labels = np.asarray(value)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise TypeError(
            f"{name} must be one whole number an image, but they are of dtype {labels.dtype} and shape {labels.shape}"
        )
    if len(labels) and (labels.min() < 0 or labels.max() > 9):
        raise ValueError(f"{name} must lie from 0 to 9, but they go from {labels.min()} to {labels.max()}")
    return labels


@takes(decoder=Model(), codes=Images(dimensions=(2,)), x=Images(pixels=True, dimensions=(2,)), labels=_labels)
def latent_plane(decoder, codes, x, labels):
    """Move over the plane of a 2-D code: the point is decoded, and beside it are the images whose codes are nearest.

    Parameters
    ----------
    decoder : keras.Model
        Dense layers, from (images, 2) to pixels in [0, 1].
    codes : array, shape (images, 2)
        The codes of the images. The first 700 are shown.
    x : array, shape (images, pixels)
        The images, with pixels in [0, 1].
    labels : array of int, shape (images,)
        From 0 to 9.

    Returns
    -------
    Display
    """
    if codes.shape[1] != 2:
        raise ValueError(f"codes must have the shape (images, 2), but their shape is {codes.shape}")
    same_number(codes, "codes", x, "x")
    same_number(codes, "codes", labels, "labels")
    size = size_of(x, "x")
    network = packed_network(decoder, "decoder", inputs=2, outputs=x.shape[1])
    (left, bottom), (right, top) = np.quantile(codes, [0.01, 0.99], axis=0).astype(float)
    if left == right or bottom == top:
        raise ValueError(
            "codes must differ in both units, or there is no plane to move over, but all but a few go from "
            f"({left:g}, {bottom:g}) to ({right:g}, {top:g})"
        )
    middle = np.median(codes, axis=0).astype(float)  # where the crowd is
    return Display(
        "latent_plane",
        "Plane of codes",
        "x",
        {"x": round(middle[0], 2), "y": round(middle[1], 2)},
        size=size,
        limits=[left, right, bottom, top],
        codes=packed(codes[:_SHOWN], "float32"),
        labels=labels[:_SHOWN].tolist(),
        images=packed(x[:_SHOWN], "uint8"),
        decoder=network,
    )
