"""MNIST and Fashion-MNIST, complete, from files that come with the package."""

import contextlib
import hashlib
import io
import os
import tempfile
import zlib
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
import platformdirs
from aehelpers.pictures import size_of
from aehelpers.validation import Boolean, OneOf, takes

SHA256 = {
    "mnist": "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64",
    "fashion_mnist": "5b6d2c4c694a91887af8ab7d039c04f80af3c29378d731c93a538d2e831aa469",
}
_CRC32 = {"mnist": 0xB26CA6EF, "fashion_mnist": 0xBD1FDE9A}  # of all images as float32, one after the other
_REMEDY = "Get the file again from the project (for example: git checkout -- aehelpers/data), or install the package anew."


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """A data set in the classic split; made by `load`.

    Images are float32 of shape (images, 784) with pixels in [0, 1]; labels are uint8 from 0 to 9. All are read-only, since
    the images are one file that all programs of a user share in memory: copy what you want to change.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    def __repr__(self):
        height, width = size_of(self.x_train, "x_train")
        return (
            f"Dataset {self.name}: {len(self.y_train)} training, {len(self.y_valid)} validation and {len(self.y_test)} test "
            f"images, {height} x {width} pixels in [0, 1]"
        )


@takes(name=OneOf(*SHA256), validation=Boolean())
def load(name, validation=True):
    """Load a data set that comes with the package; nothing is downloaded.

    Parameters
    ----------
    name : {"mnist", "fashion_mnist"}
    validation : bool
        Whether the last 5,000 of the 60,000 training images are for validation, or for training too.

    Returns
    -------
    Dataset

    Raises
    ------
    OSError
        If the file is missing or is not the one that was published: the message says which file, and what to do.

    References
    ----------
    MNIST: Y. LeCun, C. Cortes and C. Burges, yann.lecun.com/exdb/mnist. Fashion-MNIST: H. Xiao, K. Rasul and R.
    Vollgraf (2017), https://arxiv.org/abs/1708.07747.
    """
    path = resources.files("aehelpers") / "data" / f"{name}.npz"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OSError(f"cannot read the data file {path} ({error}). {_REMEDY}") from error
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise OSError(f"the data file {path} is damaged: it is not the file that was published. {_REMEDY}")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
        images = _shared(f"{name}-{_CRC32[name]:08x}.float32", (len(labels), 784), _CRC32[name], lambda: _as_floats(arrays))
    labels.flags.writeable = images.flags.writeable = False
    ends = 0, 55_000 if validation else 60_000, 60_000, 70_000  # of the training, the validation and the test images
    return Dataset(name, *(array[start:end] for start, end in pairwise(ends) for array in (images, labels)))


def _as_floats(arrays):
    """Return all images of a file, one after the other, as float32 in [0, 1]."""
    images = np.concatenate([arrays[part].reshape(-1, 784) for part in ("x_train", "x_test")]).astype(np.float32)
    images /= 255
    return images


def _shared(name, shape, checksum, make):
    """Return a large array that all processes of a user have in memory once: a file in the user's cache folder, mapped.

    Thirty learners on one machine would otherwise hold 220 MB each. Where no file can be written to, the array is in memory.
    What a file holds is believed only with the checksum of what ``make`` returns.
    """
    path = Path(platformdirs.user_cache_dir("aehelpers", appauthor=False)) / name
    array = _mapped(path, shape, checksum)
    if array is None:
        made = make()
        with contextlib.suppress(OSError):
            _write(path, made)
        array = _mapped(path, shape, checksum)
    return made if array is None else array


def _mapped(path, shape, checksum):
    try:
        # "c": a private copy of what is written to. The array may then pass for writable, which DLPack asks for (_loop.py).
        array = np.memmap(path, np.float32, "c", shape=shape)
    except (OSError, ValueError):  # missing, or not the whole file
        return None
    return np.asarray(array) if zlib.crc32(array) == checksum else None


def _write(path, array):
    """Write a file so that whoever reads it finds all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    try:
        with open(handle, "wb") as file:
            array.tofile(file)
        os.replace(unfinished, path)
    except BaseException:  # Ctrl-C too
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise
