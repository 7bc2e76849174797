"""The bits of two images, random or learned, from few to many."""

import numpy as np
from aehelpers.displays.base import Display, packed
from aehelpers.validation import Boolean, StoredArrays, takes

_CODES = {"random": "random", "learned": "learned", "centred": "learned, centred"}  # as it is stored, and as it is shown
_PARTS = ("images", "pairs", "sizes", *(f"{code}_{part}" for code in _CODES for part in ("bits", "rebuilt", "errors")))


@takes(runs=StoredArrays("bits", _PARTS), random_only=Boolean())
def bits_display(runs, random_only=False):
    """Show two images, their bits in a code of 16 to 1,024, and the angle between the images that these bits tell.

    A random plane through the origin separates two images with probability (angle between them) / 180 degrees: M. X. Goemans
    and D. P. Williamson, "Improved approximation algorithms for maximum cut and satisfiability problems using semidefinite
    programming", Journal of the ACM 42 (1995). The reconstructions were computed by ``notebooks/evidence/bits.py``.

    Parameters
    ----------
    runs : dict of ndarray
        What ``ae.stored_arrays("bits")`` returns.
    random_only : bool
        Whether learned bits are left out, so that a vote on them comes first.

    Returns
    -------
    Display
    """
    sizes = runs["sizes"].tolist()
    images = runs["images"] / 255
    length = np.linalg.norm(images, axis=1)
    cosine = (images[::2] * images[1::2]).sum(axis=1) / (length[::2] * length[1::2])
    edges = np.cumsum(sizes)[:-1]
    codes = {
        shown: {
            "bits": [packed(bits, "uint8") for bits in np.split(runs[f"{code}_bits"], edges, axis=1)],
            "rebuilt": packed(runs[f"{code}_rebuilt"] / 255, "uint8"),
            "errors": packed(runs[f"{code}_errors"], "float32"),
        }
        for code, shown in _CODES.items()
        if code == "random" or not random_only
    }
    return Display(
        "bits",
        "Bits of two images, from 16 to 1,024",
        "size",
        {"size": 128, "code": "random", "pair": str(runs["pairs"][0])},
        sizes=sizes,
        pairs=[str(pair) for pair in runs["pairs"]],
        images=packed(images, "uint8"),
        angles=packed(np.degrees(np.arccos(cosine)), "float32"),
        codes=codes,
    )
