"""MNIST and Fashion-MNIST, complete, from files that come with the package."""

import hashlib
import io
import weakref
from dataclasses import dataclass, field
from importlib import resources

import numpy as np

_SHA256 = {
    "mnist": "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64",
    "fashion_mnist": "5b6d2c4c694a91887af8ab7d039c04f80af3c29378d731c93a538d2e831aa469",
}

_LABEL_NAMES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        "T-shirt/top",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ),
}

_N_TRAIN = 55_000

# Where each part of the images lies in the file: the array and its rows.
_PARTS = {
    "x_train": ("x_train", slice(_N_TRAIN)),
    "x_valid": ("x_train", slice(_N_TRAIN, None)),
    "x_test": ("x_test", slice(None)),
}


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """A data set in the classic split; made by `load`.

    What is kept is the compressed file. Each ``x_`` attribute is made from it when it is asked for and forgotten when nobody
    holds it any more: the training images take 172 MB as float32 and 10 MB in the file, and thirty learners may share one
    machine. Keep the array in a variable; to make it anew takes half a second.

    Attributes
    ----------
    name : str
        "mnist" or "fashion_mnist".
    x_train, x_valid, x_test : ndarray of float32, shapes (55000, 784), (5000, 784), (10000, 784)
        Pixels in [0, 1], read-only. 0 is the background, 1 is full ink.
    y_train, y_valid, y_test : ndarray of uint8, shapes (55000,), (5000,), (10000,)
        Labels 0 to 9, read-only.
    label_names : tuple of str
        What the labels mean.
    """

    name: str
    y_train: np.ndarray
    y_valid: np.ndarray
    y_test: np.ndarray
    label_names: tuple
    _content: bytes
    _floats: dict = field(default_factory=weakref.WeakValueDictionary)

    @property
    def x_train(self):
        return self._as_float("x_train")

    @property
    def x_valid(self):
        return self._as_float("x_valid")

    @property
    def x_test(self):
        return self._as_float("x_test")

    def _as_float(self, part):
        array = self._floats.get(part)
        if array is None:
            stored, rows = _PARTS[part]
            array = _arrays(self._content)[stored][rows].reshape(-1, 784).astype(np.float32)
            array /= 255
            array.flags.writeable = False
            self._floats[part] = array
        return array

    def __repr__(self):
        return (
            f"Dataset {self.name}: {len(self.y_train)} training, {len(self.y_valid)} validation and {len(self.y_test)} test "
            "images, 28 x 28 pixels in [0, 1]"
        )


def load(name):
    """Load a data set that comes with the package; nothing is downloaded.

    The first 55,000 of the 60,000 training images are for training and the last 5,000 for validation.

    Parameters
    ----------
    name : {"mnist", "fashion_mnist"}

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If ``name`` is not one of the two.
    OSError
        If the file is missing or is not the one that was published: the message says which file, and what to do.

    References
    ----------
    MNIST: Y. LeCun and C. Cortes, http://yann.lecun.com/exdb/mnist/. Fashion-MNIST: H. Xiao, K. Rasul and R. Vollgraf,
    https://arxiv.org/abs/1708.07747.
    """
    if not isinstance(name, str) or name not in _SHA256:
        raise ValueError(f"name must be one of {', '.join(map(repr, _SHA256))}, but it is {name!r}")
    path = resources.files("aehelpers") / "data" / f"{name}.npz"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OSError(f"cannot read the data file {path} ({error}). {_REMEDY}") from error
    if hashlib.sha256(content).hexdigest() != _SHA256[name]:
        raise OSError(f"the data file {path} is damaged: it is not the file that was published. {_REMEDY}")
    arrays = _arrays(content)
    y_train, y_test = arrays["y_train"], arrays["y_test"]
    for array in (y_train, y_test):
        array.flags.writeable = False
    return Dataset(
        name=name,
        y_train=y_train[:_N_TRAIN],
        y_valid=y_train[_N_TRAIN:],
        y_test=y_test,
        label_names=_LABEL_NAMES[name],
        _content=content,
    )


def _arrays(content):
    """Return the arrays of a file by name; each is decompressed when it is taken."""
    return np.load(io.BytesIO(content), allow_pickle=False)


_REMEDY = "Get the file again from the project (for example: git checkout -- aehelpers/data), or install the package anew."
