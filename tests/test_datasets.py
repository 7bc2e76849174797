"""The two data sets are complete, unaltered, and split as they say."""

import dataclasses
import errno
import hashlib
import mmap
import os
import shutil
from pathlib import Path

import aehelpers as ae
import numpy as np
import pytest
from aehelpers import cache, datasets

FILES = Path(datasets.__file__).parent / "data"

# Counted once from the published files.
SHA256 = {
    "mnist": "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64",
    "fashion_mnist": "5b6d2c4c694a91887af8ab7d039c04f80af3c29378d731c93a538d2e831aa469",
}
LABELS = {
    ("mnist", "train"): [5434, 6212, 5465, 5622, 5343, 4963, 5436, 5702, 5357, 5466],
    ("mnist", "valid"): [489, 530, 493, 509, 499, 458, 482, 563, 494, 483],
    ("mnist", "test"): [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    ("fashion_mnist", "train"): [5479, 5503, 5510, 5492, 5473, 5497, 5533, 5550, 5485, 5478],
    ("fashion_mnist", "valid"): [521, 497, 490, 508, 527, 503, 467, 450, 515, 522],
    ("fashion_mnist", "test"): [1000] * 10,
}
MEAN_OF_60000 = {"mnist": 0.1307, "fashion_mnist": 0.2860}  # the figures that are in every tutorial
SIZES = {"train": 55_000, "valid": 5_000, "test": 10_000}

BOTH = pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])


@pytest.fixture(scope="module")
def both():
    return {name: ae.load(name) for name in SHA256}


@BOTH
def test_file_is_the_published_one(name):
    assert hashlib.sha256((FILES / f"{name}.npz").read_bytes()).hexdigest() == SHA256[name]


@BOTH
@pytest.mark.parametrize("part", list(SIZES))
def test_shapes_ranges_and_labels(both, name, part):
    x, y = getattr(both[name], f"x_{part}"), getattr(both[name], f"y_{part}")
    assert x.shape == (SIZES[part], 784) and x.dtype == np.float32
    assert y.shape == (SIZES[part],) and y.dtype == np.uint8
    assert (x.min(), x.max()) == (0, 1)
    assert np.bincount(y).tolist() == LABELS[name, part]


@BOTH
def test_split_and_pixels_are_those_of_the_file(both, name):
    exact = np.array([level / 255 for level in range(256)], np.float32)
    data = both[name]
    with np.load(FILES / f"{name}.npz") as file:
        images, labels = {"train": file["x_train"], "test": file["x_test"]}, file["y_train"]
    levels = {"train": images["train"][:55_000], "valid": images["train"][55_000:], "test": images["test"]}
    for part, expected in levels.items():
        x = getattr(data, f"x_{part}")
        for start in range(0, len(x), 5_000):
            assert np.array_equal(x[start : start + 5_000], exact[expected[start : start + 5_000].reshape(-1, 784)])
    assert np.array_equal(data.y_train, labels[:55_000]) and np.array_equal(data.y_valid, labels[55_000:])


@BOTH
def test_mean_pixel_is_the_well_known_one(both, name):
    data = both[name]
    total = data.x_train.sum(dtype=float) + data.x_valid.sum(dtype=float)
    assert round(total / (60_000 * 784), 4) == MEAN_OF_60000[name]


def test_first_images(both):
    assert both["mnist"].y_train[:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    assert both["mnist"].y_test[:8].tolist() == [7, 2, 1, 0, 4, 1, 4, 9]
    fashion = both["fashion_mnist"]
    assert [fashion.label_names[label] for label in fashion.y_train[:3]] == ["ankle boot", "T-shirt/top", "T-shirt/top"]
    assert len(set(fashion.label_names)) == 10 and both["mnist"].label_names == tuple("0123456789")
    five = both["mnist"].x_train[0].reshape(28, 28)
    assert not five[:5].any() and not five[5, :12].any()
    assert np.rint(five[5, 12:24] * 255).tolist() == [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127]


@BOTH
def test_arrays_are_read_only(both, name):
    for part in SIZES:
        for letter in "xy":
            array = getattr(both[name], f"{letter}_{part}")
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        both[name].name = "other"


class TestSharedFile:
    """The images as float32 in a file of the cache folder, which every process maps."""

    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.setattr(cache, "folder", lambda: tmp_path / "cache")
        return tmp_path / "cache"

    @staticmethod
    def is_mapped(array):
        while isinstance(array, np.ndarray):
            array = array.base
        return isinstance(array, mmap.mmap)

    def test_is_made_once_and_read_afterwards(self, both, folder, monkeypatch):
        first = ae.load("mnist")
        assert [path.name for path in folder.iterdir()] == ["mnist.float32"]
        monkeypatch.setattr(datasets, "_as_floats", lambda arrays: pytest.fail("the file is there"))
        second = ae.load("mnist")
        assert self.is_mapped(first.x_train) and self.is_mapped(second.x_test)
        assert np.array_equal(first.x_valid, both["mnist"].x_valid) and np.array_equal(second.x_valid, first.x_valid)

    @pytest.mark.parametrize("harm", ["one bit", "truncated", "empty", "longer", "directory"])
    def test_a_damaged_file_is_not_believed(self, both, folder, harm):
        folder.mkdir()
        path = folder / "mnist.float32"
        if harm == "directory":
            path.mkdir()
        else:
            ae.load("mnist")
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= harm == "one bit"
            path.unlink()
            path.write_bytes({"truncated": content[:-4], "empty": b"", "longer": content + b"0000"}.get(harm, content))
        data = ae.load("mnist")
        assert np.array_equal(data.x_test, both["mnist"].x_test)
        assert self.is_mapped(data.x_test) == (harm != "directory") and not list(folder.glob("*.tmp"))

    @pytest.mark.parametrize("target", ["os.fsync", "os.replace", "os.unlink", "mmap.mmap"])
    def test_without_room_or_mapping_they_are_in_memory(self, both, folder, monkeypatch, target):
        def fail(*arguments, **options):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(target, fail)
            if target == "os.unlink":
                patch.setattr("os.replace", fail)
            data = ae.load("mnist")
        assert not self.is_mapped(data.x_test) and not data.x_test.flags.writeable
        assert np.array_equal(data.x_test, both["mnist"].x_test)

    def test_a_removed_file_stays_readable(self, both, folder):
        data = ae.load("mnist")
        if os.name != "nt":  # where a mapped file cannot be removed
            shutil.rmtree(folder)
        assert np.array_equal(data.x_test[::100], both["mnist"].x_test[::100])


def test_two_loads_compare_by_identity(both):
    assert both["mnist"] == both["mnist"]
    assert both["mnist"] != both["fashion_mnist"]
    assert len({both["mnist"], both["fashion_mnist"]}) == 2


def test_repr(both):
    assert repr(both["fashion_mnist"]) == (
        "Dataset fashion_mnist: 55000 training, 5000 validation and 10000 test images, 28 x 28 pixels in [0, 1]"
    )


@pytest.mark.parametrize("name", ["MNIST", "", "mnist.npz", None, 3, ["mnist"], ("mnist",), b"mnist"])
def test_unknown_name(name):
    with pytest.raises(ValueError, match="'mnist', 'fashion_mnist'") as raised:
        ae.load(name)
    assert repr(name) in str(raised.value)


@pytest.mark.parametrize("harm", ["missing", "empty", "truncated", "one bit", "pointer", "directory", "the other data set"])
def test_damaged_file(tmp_path, monkeypatch, harm):
    monkeypatch.setattr(datasets.resources, "files", lambda package: tmp_path)
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "mnist.npz"
    content = bytearray((FILES / "mnist.npz").read_bytes())
    if harm == "directory":
        path.mkdir()
    elif harm == "the other data set":
        shutil.copy(FILES / "fashion_mnist.npz", path)
    elif harm != "missing":
        content[len(content) // 2] ^= harm == "one bit"
        path.write_bytes(
            {
                "empty": b"",
                "truncated": content[:-1],
                "one bit": content,
                "pointer": b"version https://git-lfs.github.com/spec/v1\n",
            }[harm]
        )
    with pytest.raises(OSError) as raised:
        ae.load("mnist")
    message = str(raised.value)
    assert str(path) in message
    assert "git checkout -- aehelpers/data" in message and "install the package anew" in message
    assert ("cannot read" if harm in ("missing", "directory") else "damaged") in message


def test_undamaged_copy_loads(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.resources, "files", lambda package: tmp_path)
    (tmp_path / "data").mkdir()
    shutil.copy(FILES / "mnist.npz", tmp_path / "data")
    assert ae.load("mnist").y_test[0] == 7
