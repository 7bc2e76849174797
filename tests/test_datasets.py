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

NAMES = tuple(datasets.SHA256)
PARTS = ("train", "valid", "test")


@pytest.fixture(scope="module")
def both():
    return {name: ae.load(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_split_and_pixels_are_those_of_the_file(both, name):
    exact = np.array([level / 255 for level in range(256)], np.float32)
    data = both[name]
    with np.load(FILES / f"{name}.npz") as file:
        images, labels = {"train": file["x_train"], "test": file["x_test"]}, np.concatenate([file["y_train"], file["y_test"]])
    levels = {"train": images["train"][:55_000], "valid": images["train"][55_000:], "test": images["test"]}
    for part, expected in levels.items():
        x, y = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
        assert x.shape == (len(expected), 784) and y.shape == (len(expected),)
        assert (x.dtype, y.dtype) == (np.float32, np.uint8) and not (x.flags.writeable or y.flags.writeable)
        for start in range(0, len(x), 5_000):
            assert np.array_equal(x[start : start + 5_000], exact[expected[start : start + 5_000].reshape(-1, 784)])
    checksum = zlib.crc32(data.x_test, zlib.crc32(data.x_valid, zlib.crc32(data.x_train)))
    assert checksum == datasets._CRC32[name]  # else no file of them would ever be believed
    assert np.array_equal(np.concatenate([data.y_train, data.y_valid, data.y_test]), labels)


def test_validation_images_may_be_for_training(both):
    data, split = ae.load("mnist", validation=False), both["mnist"]
    for letter in "xy":
        train, valid, test = (getattr(data, f"{letter}_{part}") for part in PARTS)
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
