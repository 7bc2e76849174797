"""Checks of arguments, shared by everything that takes images."""

import math
import numbers
import operator

import numpy as np


def as_images(images, name, width=None, at_least=1):
    """Return ``images`` as a float32 array of shape (number, pixels), or say what is wrong with it.

    Parameters
    ----------
    images : array-like, shape (number, pixels)
        Real numbers; float64 and integers are converted to float32.
    name : str
        The argument's name, for the error message.
    width : int, optional
        The number of columns that is required.
    at_least : int
        The number of rows that is required.

    Raises
    ------
    TypeError
        If ``images`` does not hold real numbers.
    ValueError
        If the rank or the width is wrong, if there are too few rows, or if a value is NaN or infinite.
    """
    try:
        array = np.asarray(images)
    except ValueError as error:  # rows of several lengths, for example
        raise ValueError(
            f"{name} must be an array of shape (images, pixels), but no array can be made of it: {error}"
        ) from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, but its dtype is {array.dtype}")
    if array.ndim != 2:
        raise ValueError(
            f"{name} must have two dimensions (images, pixels), but its shape is {array.shape}"
            + ("; flatten each image first, for example with images.reshape(len(images), -1)" if array.ndim > 2 else "")
        )
    if len(array) < at_least or array.shape[1] == 0:
        raise ValueError(f"{name} must hold at least {at_least} image(s) of at least one pixel, but its shape is {array.shape}")
    if width is not None and array.shape[1] != width:
        raise ValueError(f"{name} must have {width} columns, but its shape is {array.shape}")
    with np.errstate(over="ignore", invalid="ignore"):  # the error below says it better than a warning
        array = array.astype(np.float32, copy=False)
        # A sum over finite float32 values taken in float64 is finite; it costs no copy of a large array.
        finite = np.isfinite(array.sum(dtype=np.float64))
    if not finite:
        raise ValueError(f"{name} must be finite, but it has NaN or infinite values")
    return array


def as_pixels(images, name, width=None, at_least=1):
    """Like `as_images`, for values that are pixels or probabilities: they must lie in [0, 1]."""
    array = as_images(images, name, width, at_least)
    low, high = array.min(), array.max()
    if low < 0 or high > 1:
        hint = "; divide by 255 first" if low >= 0 and high <= 255 and high > 2 else ""
        raise ValueError(f"{name} must lie in [0, 1], but its values go from {low:g} to {high:g}{hint}")
    return array


def side_of(images, name):
    """Return the side of square images of shape (number, pixels), or say that they are not square.

    Raises
    ------
    ValueError
        If the number of pixels is not a square.
    """
    side = math.isqrt(images.shape[1])
    if side * side != images.shape[1]:
        raise ValueError(f"{name} must hold square images, but each has {images.shape[1]} pixels")
    return side


def positive_integer(value, name):
    """Return ``value`` as an int, or say that it is not a positive whole number.

    Raises
    ------
    TypeError
        If ``value`` is not an integer (a bool and 2.0 are not).
    ValueError
        If it is below 1.
    """
    return _whole_number(value, name, "a positive whole number", 1)


def optional_seed(value, name):
    """Return ``value`` as None or an int, or say that it is neither None nor a whole number of at least 0.

    Raises
    ------
    TypeError
        If it is neither None nor an integer (a bool and 2.0 are not).
    ValueError
        If it is negative.
    """
    return None if value is None else _whole_number(value, name, "None or a whole number", 0)


def _whole_number(value, name, wanted, at_least):
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be {wanted}, but it is {value!r:.200}")
    if number < at_least:
        raise ValueError(f"{name} must be at least {at_least}, but it is {number}")
    return number


def random_generator(seed, name):
    """Return `numpy.random.default_rng` of ``seed``, or say that NumPy cannot take it.

    Raises
    ------
    TypeError, ValueError
        If it is neither None, a whole number of at least 0, a sequence of such numbers, nor a generator.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{name} must be None, a whole number of at least 0 or a numpy.random.Generator, but it is {seed!r:.200}"
        ) from error


def non_negative_number(value, name):
    """Return ``value`` as a float, or say that it is not a finite number of at least 0.

    Raises
    ------
    TypeError
        If ``value`` is not a real number (a bool is not).
    ValueError
        If it is negative, infinite or NaN.
    """
    if not isinstance(value, numbers.Real) or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a number, but it is {value!r:.200}")
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be finite and at least 0, but it is {value!r}")
    return float(value)


def fraction(value, name, open_interval=False):
    """Return ``value`` as a float in [0, 1], or strictly between 0 and 1, or say that it is none.

    Raises
    ------
    TypeError
        If ``value`` is not a real number (a bool is not).
    ValueError
        If it is outside the interval, infinite or NaN.
    """
    number = non_negative_number(value, name)
    if number > 1 or (open_interval and number in (0, 1)):
        where = "between 0 and 1" if open_interval else "in [0, 1]"
        raise ValueError(f"{name} must lie {where}, but it is {value!r}")
    return number


def true_or_false(value, name):
    """Return ``value`` as a bool, or say that it is none: a text such as "no" would count as true.

    Raises
    ------
    TypeError
        If it is neither True nor False.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, but it is {value!r:.200}")
    return bool(value)


def as_dict(entries, name, what, may_be_empty=False):
    """Return ``entries``, or say that it is not a dict of names and ``what`` with at least one entry.

    Raises
    ------
    TypeError
        If it is not a dict.
    ValueError
        If it is empty and may not be.
    """
    if not isinstance(entries, dict):
        raise TypeError(f"{name} must be a dict of name and {what}, but it is {entries!r:.200}")
    if not entries and not may_be_empty:
        raise ValueError(f"{name} must have at least one entry of name and {what}, but it is empty")
    return entries


def as_function(value, name, of):
    """Return ``value``, or say that it is not a function of what is told.

    Raises
    ------
    TypeError
        If it cannot be called.
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function of {of}, but it is {value!r:.200}")
    return value
