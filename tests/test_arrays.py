"""The checks that all functions share."""

import warnings

import numpy as np
import pytest
from aehelpers.arrays import as_images, as_pixels, positive_integer


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64, np.uint8, bool, list])
def test_real_numbers_become_float32(kind):
    given = [[0, 1], [1, 1]] if kind is list else np.array([[0, 1], [1, 1]], kind)
    made = as_images(given, "x")
    assert made.dtype == np.float32 and made.tolist() == [[0, 1], [1, 1]]


def test_float32_is_not_copied():
    given = np.zeros((3, 4), np.float32)
    assert as_images(given, "x") is given


def test_a_tensor_will_do():
    import tensorflow as tf

    assert as_images(tf.constant([[1.0, 2.0]]), "x").tolist() == [[1, 2]]


@pytest.mark.parametrize(
    "given", [np.array([["a"]]), np.array([[None]]), np.array([[1j]]), "text", None, {"a": 1}, np.array([["2020"]], "M8[D]")]
)
def test_not_real_numbers(given):
    with pytest.raises(TypeError, match=r"^images of mine must hold real numbers"):
        as_images(given, "images of mine")


@pytest.mark.parametrize("shape", [(), (4,), (2, 2, 2)])
def test_wrong_rank(shape):
    with pytest.raises(ValueError, match=r"x must have two dimensions \(images, pixels\)") as raised:
        as_images(np.zeros(shape), "x")
    assert str(shape) in str(raised.value)
    assert ("reshape" in str(raised.value)) == (len(shape) == 3)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0, 0)])
def test_empty(shape):
    with pytest.raises(ValueError, match="x must hold at least 1 image"):
        as_images(np.zeros(shape), "x")


def test_too_few_rows():
    assert as_images(np.zeros((2, 1)), "x", at_least=2).shape == (2, 1)
    with pytest.raises(ValueError, match="at least 2 image"):
        as_images(np.zeros((1, 1)), "x", at_least=2)


def test_width():
    assert as_images(np.zeros((2, 3)), "x", 3).shape == (2, 3)
    with pytest.raises(ValueError, match=r"x must have 4 columns, but its shape is \(2, 3\)"):
        as_images(np.zeros((2, 3)), "x", 4)


@pytest.mark.parametrize("bad", [[[np.nan, 0]], [[np.inf, 0]], [[-np.inf, 0]], [[np.inf, -np.inf]], [[1e300, 0]]])
def test_not_finite_is_an_error_and_not_a_warning(bad):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="x must be finite"):
            as_images(np.array(bad), "x")


def test_large_values_whose_sum_overflows_float32_are_finite():
    assert as_images(np.full((4, 2), 3e38, np.float32), "x").shape == (4, 2)


def test_ragged_rows():
    with pytest.raises(ValueError):
        as_images([[1], [1, 2]], "x")


def test_pixels():
    assert as_pixels([[0, 0.5, 1]], "x").tolist() == [[0, 0.5, 1]]
    with pytest.raises(ValueError, match="x must have 2 columns"):
        as_pixels([[0, 0.5, 1]], "x", 2)
    with pytest.raises(ValueError, match=r"from -0\.5 to 1$"):
        as_pixels([[-0.5, 1]], "x")
    with pytest.raises(ValueError, match=r"from 0 to 1\.25$"):
        as_pixels([[0, 1.25]], "x")
    with pytest.raises(ValueError, match="from 0 to 255; divide by 255 first"):
        as_pixels(np.array([[0, 255]], np.uint8), "x")


@pytest.mark.parametrize("value", [1, 7, np.int32(7), np.uint8(7)])
def test_positive_integer(value):
    made = positive_integer(value, "k")
    assert type(made) is int and made == value


@pytest.mark.parametrize("value", [2.0, "2", None, True, np.True_, np.float64(2), [2], 1j])
def test_not_an_integer(value):
    with pytest.raises(TypeError, match=r"^k must be a positive whole number, but it is"):
        positive_integer(value, "k")


@pytest.mark.parametrize("value", [0, -1, np.int8(-3)])
def test_not_positive(value):
    with pytest.raises(ValueError, match=rf"^k must be at least 1, but it is {value}$"):
        positive_integer(value, "k")
