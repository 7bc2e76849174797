"""Rows of any kind: which kind is found, and what is said of something that cannot be rows."""

import aehelpers as ae
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from aehelpers.diagnosis.rows import Rows, kind_of, names_of, some

RNG = np.random.default_rng(0)


def waves(rows, steps):
    return np.sin(np.arange(steps) * RNG.uniform(0.1, 0.3, (rows, 1)) + RNG.uniform(0, 6.3, (rows, 1))).astype(np.float32)


class TestKinds:
    @pytest.mark.parametrize(
        ("make", "about", "kind"),
        [
            (lambda x: x.reshape(-1, 64), {}, "images"),
            (lambda x: x, {}, "images"),
            (lambda x: np.repeat(x[..., None], 3, axis=3), {}, "images"),
            (lambda x: np.repeat(x[..., None], 3, axis=3).reshape(-1, 192), {}, "images"),
            (lambda x: np.repeat(x[:, None], 3, axis=1), {}, "images"),
            (lambda x: np.ones((9, 4, 8, 8, 1)), {}, "images"),
            (lambda x: x, {"sequential": True}, "series"),
            (lambda x: x.reshape(-1, 16, 4), {}, "series"),
            (lambda x: RNG.normal(size=(50, 64)), {}, "table"),  # as many numbers as an image has, but no neighbours
            (lambda x: RNG.normal(size=(50, 12)), {}, "table"),
            (lambda x: RNG.normal(size=(50, 12)), {"sequential": True}, "series"),
            (lambda x: waves(50, 60), {}, "series"),
            (lambda x: waves(50, 19), {}, "table"),  # too short to be sure
            (lambda x: RNG.integers(0, 9, (50, 5)), {"tokens": True}, "tokens"),
            (lambda x: RNG.integers(0, 9, (50, 5)), {}, "table"),
            (lambda x: RNG.normal(size=(50, 5)), {"tokens": True}, "table"),
        ],
    )
    def test_what_is_found(self, digits_8x8, make, about, kind):
        assert kind_of(make(digits_8x8), **{"sequential": False, "tokens": False, **about}) == kind

    def test_what_is_told_is_believed(self):
        assert ae.diagnose(lambda x: x, waves(40, 60), kind="table").facts["kind"] == "table"


class Batches:
    def __iter__(self):
        yield np.ones((4, 5))


DataLoader = type("DataLoader", (Batches,), {})


class TestArrays:
    def test_numbers_become_float32_and_whole_numbers_stay(self):
        assert Rows()(np.ones((3, 2), np.float64), "x").dtype == np.float32
        assert Rows()([[1.5, 2], [3, 4]], "x").dtype == np.float32
        assert Rows()(np.ones((3, 2), np.int64), "x").dtype == np.int64

    def test_columns_of_a_data_frame_have_names(self):
        frame = pd.DataFrame({"age": [1.0, 2], "income": [3.0, 4]})
        assert names_of(frame) == ["age", "income"] and names_of(frame.to_numpy()) is None
        assert Rows()(frame, "x").shape == (2, 2)

    @pytest.mark.parametrize(
        ("make", "error", "words"),
        [
            (lambda: np.array([[1, 2], [3, np.nan], [np.inf, 0]]), ValueError, r"in 2 row\(s\), the first at \(1, 1\); leave"),
            (lambda: np.array([[1e300, 0.0]]), ValueError, r"the first at \(0, 0\)"),
            (lambda: np.array([["a", "b"]]), TypeError, "TextVectorization"),
            (lambda: np.array([[1j, 2j]]), TypeError, "its dtype is complex128$"),
            (lambda: "images.npy", TypeError, r"load the file first, for example np.load\('images.npy'\)"),
            (lambda: tf.data.Dataset.range(4), TypeError, r"np.asarray\(batch\) for batch in d"),
            (lambda: DataLoader(), TypeError, r"np.asarray\(batch\[0\]\) for batch in loader"),
            (lambda: [[1, 2], [3]], ValueError, "filled up to one length first"),
            (lambda: np.float32(3), ValueError, r"2 to 6 dimensions, .* its shape is \(\)"),
            (lambda: np.ones((1,) * 7), ValueError, "2 to 6 dimensions"),
            (lambda: np.ones(5), ValueError, r"2 to 6 dimensions, .* its shape is \(5,\)"),
            (lambda: np.ones((0, 5)), ValueError, r"at least one row .* \(0, 5\)"),
        ],
    )
    def test_refused_with_what_to_do(self, make, error, words):
        with pytest.raises(error, match=f"^x must .*{words}"):
            Rows()(make(), "x")


class TestSeveral:
    def test_tuple_list_and_dict(self):
        one, two = np.ones((4, 5), np.float32), np.arange(4)  # the second is a label
        for value in ((one, two), [one, two]):
            found = Rows(several=True)(value, "x")
            assert isinstance(found, tuple) and [part.shape for part in found] == [(4, 5), (4,)]
        found = Rows(several=True)({"image": one, "label": two}, "x")
        assert found["image"] is one and found["label"] is two

    def test_a_list_of_equal_rows_is_one_array(self):
        assert Rows(several=True)([[1.0, 2], [3, 4]], "x").shape == (2, 2)

    def test_messages_name_the_part(self):
        with pytest.raises(ValueError, match=r"^x\['b'\] must be finite.* at \(1, 0\)"):
            Rows(several=True)({"a": np.ones((2, 1)), "b": np.array([[1], [np.nan]])}, "x")
        with pytest.raises(ValueError, match=r"^the arrays of x must have one number of rows, .* \[3, 4\]"):
            Rows(several=True)((np.ones((4, 5)), np.ones((3, 5))), "x")

    def test_some_rows_of_each_are_spread_over_all(self):
        a, b = some((np.arange(10)[:, None], np.arange(10)[:, None] * 2), 4)
        assert a.ravel().tolist() == [0, 3, 6, 9] and (b == 2 * a).all()
