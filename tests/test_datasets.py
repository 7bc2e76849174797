"""The two data sets are complete, unaltered, and split as they say."""

import dataclasses
import errno
import mmap
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aehelpers as ae
import numpy as np
import pytest
from aehelpers import datasets

FILES = Path(datasets.__file__).parent / "data"

# Counted once from the published files.
LABELS = {
    ("mnist", "train"): [5434, 6212, 5465, 5622, 5343, 4963, 5436, 5702, 5357, 5466],
    ("mnist", "valid"): [489, 530, 493, 509, 499, 458, 482, 563, 494, 483],
    ("mnist", "test"): [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    ("fashion_mnist", "train"): [5479, 5503, 5510, 5492, 5473, 5497, 5533, 5550, 5485, 5478],
    ("fashion_mnist", "valid"): [521, 497, 490, 508, 527, 503, 467, 450, 515, 522],
    ("fashion_mnist", "test"): [1000] * 10,
}
FIRST_LABELS = {"mnist": ([5, 0, 4, 1, 9, 2, 1, 3], [7, 2, 1, 0, 4, 1, 4, 9]), "fashion_mnist": ([9, 0, 0, 3], [9, 2, 1, 1])}
MEAN_OF_60000 = {"mnist": 0.1307, "fashion_mnist": 0.2860}  # the figures that are in every tutorial
SIZES = {"train": 55_000, "valid": 5_000, "test": 10_000}

BOTH = pytest.mark.parametrize("name", list(MEAN_OF_60000))


@pytest.fixture(scope="module")
def both():
    return {name: ae.load(name) for name in MEAN_OF_60000}


@BOTH
@pytest.mark.parametrize("part", list(SIZES))
def test_shapes_ranges_and_labels(both, name, part):
    x, y = getattr(both[name], f"x_{part}"), getattr(both[name], f"y_{part}")
    assert x.shape == (SIZES[part], 784) and x.dtype == np.float32
    assert y.shape == (SIZES[part],) and y.dtype == np.uint8
    assert (x.min(), x.max()) == (0, 1)
    assert np.bincount(y).tolist() == LABELS[name, part]
    for array in (x, y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


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
    checksum = zlib.crc32(data.x_test, zlib.crc32(data.x_valid, zlib.crc32(data.x_train)))
    assert checksum == datasets._CRC32[name]  # else no file of them would ever be believed
    assert np.array_equal(data.y_train, labels[:55_000]) and np.array_equal(data.y_valid, labels[55_000:])
    assert round(images["train"].mean() / 255, 4) == MEAN_OF_60000[name]
    for y, first in zip((data.y_train, data.y_test), FIRST_LABELS[name], strict=True):
        assert y[: len(first)].tolist() == first


def test_validation_images_may_be_for_training(both):
    data, split = ae.load("mnist", validation=False), both["mnist"]
    for letter in "xy":
        train, valid, test = (getattr(data, f"{letter}_{part}") for part in SIZES)
        assert len(train) == 60_000 and len(valid) == 0
        assert np.array_equal(train[55_000:], getattr(split, f"{letter}_valid"))
        assert np.array_equal(test, getattr(split, f"{letter}_test"))


IMAGES = np.random.default_rng(3).random((50, 784), dtype=np.float32)


class TestSharedFile:
    """The images as float32 in a file of the user's cache folder, which every process maps."""

    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.setattr(datasets.platformdirs, "user_cache_dir", lambda *arguments, **options: tmp_path / "cache")
        return tmp_path / "cache"

    @staticmethod
    def shared():
        made = datasets._shared("images.float32", IMAGES.shape, zlib.crc32(IMAGES), IMAGES.copy)
        assert np.array_equal(made, IMAGES)
        return made

    @staticmethod
    def is_mapped(array):
        while isinstance(array, np.ndarray):
            array = array.base
        return isinstance(array, mmap.mmap)

    def test_images_are_in_one_file_that_is_made_once(self, both, folder, monkeypatch):
        first = ae.load("mnist")
        (file,) = folder.iterdir()
        assert file.stat().st_size == 70_000 * 784 * 4
        monkeypatch.setattr(datasets, "_as_floats", lambda arrays: pytest.fail("the file is there"))
        second = ae.load("mnist")
        assert all(self.is_mapped(data.x_train) and not data.x_train.flags.writeable for data in (first, second))
        assert all(np.array_equal(data.x_test, both["mnist"].x_test) for data in (first, second))

    @pytest.mark.parametrize("harm", ["one bit", "truncated", "zeros", "directory"])
    def test_a_damaged_file_is_not_believed(self, folder, harm):
        folder.mkdir()
        path = folder / "images.float32"
        content = bytearray(IMAGES.tobytes())
        content[len(content) // 2] ^= harm == "one bit"
        content = {"truncated": content[:-4], "zeros": bytes(len(content))}.get(harm, content)
        path.mkdir() if harm == "directory" else path.write_bytes(content)
        assert self.is_mapped(self.shared()) == (harm != "directory")
        assert list(folder.iterdir()) == [path]
        assert harm == "directory" or path.read_bytes() == IMAGES.tobytes()

    @pytest.mark.parametrize("target", ["os.mkdir", "os.replace", "mmap.mmap", "tempfile.mkstemp"])
    def test_without_a_folder_room_or_mapping_they_are_in_memory(self, folder, monkeypatch, target):
        def fail(*arguments, **options):
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(target, fail)
            made = self.shared()
        assert not self.is_mapped(made)
        assert target == "mmap.mmap" or list(folder.glob("*")) == []

    def test_ctrl_c_while_writing_leaves_no_file(self, folder, monkeypatch):
        def interrupt(*arguments):
            raise KeyboardInterrupt

        monkeypatch.setattr("os.replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            self.shared()
        assert list(folder.iterdir()) == []

    def test_many_at_once(self, folder):
        """Threads, which are sooner there than processes and get in each other's way just as well."""
        with ThreadPoolExecutor(8) as pool:
            made = [future.result() for future in [pool.submit(self.shared) for _ in range(40)]]
        assert all(map(self.is_mapped, made))
        assert [path.name for path in folder.iterdir()] == ["images.float32"]


def test_a_data_set_cannot_be_changed_compares_by_identity_and_says_what_it_is(both):
    with pytest.raises(dataclasses.FrozenInstanceError):
        both["mnist"].name = "other"
    assert both["mnist"] == both["mnist"] and len(set(both.values())) == 2
    assert repr(both["fashion_mnist"]) == (
        "Dataset fashion_mnist: 55000 training, 5000 validation and 10000 test images, 28 x 28 pixels in [0, 1]"
    )
    some = np.zeros((5, 64), np.float32), np.zeros(5, np.uint8)
    assert repr(datasets.Dataset("digits", *some, *some, *some)).endswith("5 test images, 8 x 8 pixels in [0, 1]")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: None, "cannot read"),
        (Path.mkdir, "cannot read"),
        (lambda path: shutil.copy(FILES / "fashion_mnist.npz", path), "damaged"),
        (lambda path: path.write_bytes((FILES / "mnist.npz").read_bytes()[:-1]), "damaged"),
    ],
    ids=["missing", "a folder", "the other data set", "truncated"],
)
def test_damaged_file(tmp_path, monkeypatch, harm, said):
    monkeypatch.setattr(datasets.resources, "files", lambda package: tmp_path)
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "mnist.npz"
    harm(path)
    with pytest.raises(OSError) as raised:
        ae.load("mnist")
    message = str(raised.value)
    assert str(path) in message and said in message
    assert "git checkout -- aehelpers/data" in message and "install the package anew" in message
