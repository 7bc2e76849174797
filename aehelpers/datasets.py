"""MNIST and Fashion-MNIST, complete, from files that come with the package; and the stored runs beside the notebooks."""

import hashlib
import io
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from aehelpers import cache

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

# The SHA-256 of all 70,000 images as float32, which are read from a file in the user's cache folder.
_SHA256_OF_FLOATS = {
    "mnist": "d27fb91380ff036e93126fddb1fc6037e178683a6d3d702bd6655b27bcd0ac69",
    "fashion_mnist": "992edc8d4846acab64638421bbb1762a3f5c38e674dff7da66f0c45833851297",
}


@dataclass(frozen=True, repr=False, eq=False)
class Dataset:
    """A data set in the classic split; made by `load`.

    The images take 220 MB as float32. All programs of a user have them in memory once, as thirty learners may share one
    machine: they are a file in the user's cache folder, which each program maps. Where that folder cannot be written to,
    each has them for itself.

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
    x_train: np.ndarray
    y_train: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    label_names: tuple

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
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        y_train, y_test = arrays["y_train"], arrays["y_test"]
        x = cache.shared(f"{name}.float32", (70_000, 784), _SHA256_OF_FLOATS[name], lambda: _as_floats(arrays))
    for array in (y_train, y_test):
        array.flags.writeable = False
    return Dataset(
        name=name,
        x_train=x[:_N_TRAIN],
        y_train=y_train[:_N_TRAIN],
        x_valid=x[_N_TRAIN:60_000],
        y_valid=y_train[_N_TRAIN:],
        x_test=x[60_000:],
        y_test=y_test,
        label_names=_LABEL_NAMES[name],
    )


def _as_floats(arrays):
    """Return all images of a file, one after the other, as float32 in [0, 1]."""
    x = np.concatenate([arrays[part].reshape(-1, 784) for part in ("x_train", "x_test")]).astype(np.float32)
    x /= 255
    return x


def stored_runs(name):
    """Read the results of runs that are too long for a notebook, from ``evidence/<name>.csv`` beside the notebooks.

    The file is found when the notebook runs in the folder of the notebooks or in that of the project, and from anywhere if
    the package is used from the project's own folder, as ``run.py`` installs it.

    Parameters
    ----------
    name : str
        For example "step_code".

    Returns
    -------
    ndarray with named columns, shape (runs,)
        ``runs["seed"]`` is a column. What the columns mean stands in the script beside the file, which made it.

    Raises
    ------
    TypeError, ValueError
        If ``name`` is not a name of letters, digits and underscores.
    FileNotFoundError
        If there is no such file: the message says where it was looked for.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be the name of a table such as 'step_code', but it is {name!r}")
    if not name.isidentifier():
        raise ValueError(f"name must be the name of a table such as 'step_code', without folder and ending, but it is {name!r}")
    folders = [Path.cwd(), Path.cwd() / "notebooks", Path(__file__).resolve().parents[1] / "notebooks"]
    for folder in folders:
        path = folder / "evidence" / f"{name}.csv"
        if path.is_file():
            # Two lines before the names say how the file was made.
            return np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8", skip_header=2)
    raise FileNotFoundError(
        f"there is no evidence/{name}.csv in {', '.join(map(str, folders))}. Run the notebook in the folder of the notebooks: "
        "its evidence folder belongs beside it"
    )


_REMEDY = "Get the file again from the project (for example: git checkout -- aehelpers/data), or install the package anew."
