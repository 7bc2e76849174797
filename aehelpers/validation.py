"""What an argument must be: declared where a function is defined, checked and worded here.

::

    @takes(x=Images(), p=Fraction())
    def masking_noise(x, p, seed=None): ...

Each constraint is called with the value and the argument's name, and returns the value in the form that the function works
with, or raises a `TypeError` or a `ValueError` that says which argument it is, what came and what was expected. All arguments
are checked before the function begins. tests/test_validation.py hands every public function what its constraints exclude.
"""

import contextvars
import functools
import inspect
import math
import numbers
import operator
import re
import weakref

import keras
import numpy as np
import tensorflow as tf

SHOWN = 200  # characters of a wrong value that a message repeats

# The arrays that `Images` has read through since this thread's outermost call began. The functions that it calls in turn do not
# read them again, which is what takes time; all else is checked and converted in every call.
_READ = contextvars.ContextVar("read")


def takes(**constraints):
    """Check the arguments of a function, by name, before it begins; what the constraints return is what it gets."""

    def decorate(function):
        signature = inspect.signature(function)
        if unknown := ", ".join(name for name in constraints if name not in signature.parameters):
            raise TypeError(f"@takes names {unknown}, but {function.__qualname__} takes {', '.join(signature.parameters)}")

        @functools.wraps(function)
        def checked(*args, **kwargs):
            try:
                given = signature.bind(*args, **kwargs)
            except TypeError:  # an argument that is missing or unknown: Python's own message names the function too
                return function(*args, **kwargs)
            given.apply_defaults()
            outermost = _READ.set(weakref.WeakValueDictionary()) if _READ.get(None) is None else None
            try:
                for name, constraint in constraints.items():
                    given.arguments[name] = constraint(given.arguments[name], name)
                return function(*given.args, **given.kwargs)
            finally:
                if outermost is not None:
                    _READ.reset(outermost)

        checked.__signature__ = signature  # Keras looks at that of a layer's __init__, and does not follow __wrapped__
        checked.constraints = constraints
        return checked

    return decorate


class Images:
    """An array of finite numbers, ``at_least`` so many rows of them; it becomes float32. With ``pixels``, all lie in [0, 1]."""

    def __init__(self, at_least=1, pixels=False, dimensions=(2, 3, 4)):
        self.at_least, self.pixels, self.dimensions = at_least, pixels, dimensions

    def __call__(self, value, name):
        try:
            array = np.asarray(value)
        except ValueError as error:  # rows of several lengths, for example
            raise ValueError(f"{name} must be an array of images, but no array can be made of it: {error}") from error
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} must hold real numbers, but its dtype is {array.dtype}")
        if array.ndim not in self.dimensions:
            shapes = {2: "(images, pixels)", 3: "(images, height, width)", 4: "(images, height, width, channels)"}
            wanted = " or ".join(shapes[number] for number in self.dimensions)
            raise ValueError(f"{name} must have the shape {wanted}, but its shape is {array.shape}")
        if len(array) < self.at_least or 0 in array.shape:
            wanted = f"at least {self.at_least} image(s) of at least one pixel"
            raise ValueError(f"{name} must hold {wanted}, but its shape is {array.shape}")
        with np.errstate(over="ignore", invalid="ignore"):  # the error below says it better than a warning
            array = array.astype(np.float32, copy=False)
            read = _READ.get({})
            if read.get((id(array), self.pixels)) is array:
                return array
            # A sum over finite float32 values taken in float64 is finite; it costs no copy of a large array.
            if not np.isfinite(array.sum(dtype=np.float64)):
                raise ValueError(f"{name} must be finite, but it has NaN or infinite values")
        if self.pixels:
            low, high = array.min(), array.max()
            if low < 0 or high > 1:
                hint = "; divide by 255 first" if low >= 0 and 2 < high <= 255 else ""
                hint = "; take (x + 1) / 2 first" if -1 <= low < -0.5 and 0.5 < high <= 1 else hint
                raise ValueError(f"{name} must lie in [0, 1], but its values go from {low:g} to {high:g}{hint}")
        read[id(array), False] = read[id(array), self.pixels] = array
        return array


class Floats:
    """A tensor of floating-point numbers, or what one can be made of; inside a compiled function too."""

    def __call__(self, value, name):
        try:
            tensor = tf.convert_to_tensor(value)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{name} must hold floating-point numbers, but no tensor can be made of it: {error}") from error
        if not tensor.dtype.is_floating:
            raise TypeError(f"{name} must hold floating-point numbers, but its dtype is {tensor.dtype.name}")
        return tensor


class Integer:
    """A whole number of at least ``at_least``; a bool and 2.0 are none."""

    def __init__(self, at_least=1):
        self.at_least = at_least

    def __call__(self, value, name):
        try:
            number = operator.index(value)
        except TypeError:
            number = None
        if number is None or isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name} must be a whole number of at least {self.at_least}, but it is {value!r:.{SHOWN}}")
        if number < self.at_least:
            raise ValueError(f"{name} must be at least {self.at_least}, but it is {number}")
        return number


class Real:
    """A finite real number from ``low`` to ``high``; with ``open_interval`` both ends are excluded. A bool is none."""

    def __init__(self, low=-math.inf, high=math.inf, open_interval=False):
        self.low, self.high, self.open_interval = low, high, open_interval

    def __call__(self, value, name):
        if not isinstance(value, numbers.Real) or isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name} must be a number, but it is {value!r:.{SHOWN}}")
        inside = self.low < value < self.high if self.open_interval else self.low <= value <= self.high
        if not inside or not math.isfinite(value):
            raise ValueError(f"{name} must be {self}, but it is {value!r}")
        return float(value)

    def __str__(self):
        if self.high < math.inf:
            return f"between {self.low:g} and {self.high:g}" if self.open_interval else f"in [{self.low:g}, {self.high:g}]"
        if self.low > -math.inf:
            return f"finite and {'above' if self.open_interval else 'at least'} {self.low:g}"
        return "finite"


Fraction = functools.partial(Real, 0, 1)


class Boolean:
    """True or False: a text such as "no" would count as true."""

    def __call__(self, value, name):
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name} must be True or False, but it is {value!r:.{SHOWN}}")
        return bool(value)


class Text:
    """A string."""

    def __call__(self, value, name):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a string, but it is {value!r:.{SHOWN}}")
        return value


class Id:
    """A name that outlasts translations: the notebook's two digits, then words of small letters and digits after hyphens."""

    def __call__(self, value, name):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a string, but it is {value!r:.{SHOWN}}")
        if not re.fullmatch(r"\d\d(-[a-z0-9]+)+", value, re.ASCII):
            wanted = 'the notebook\'s two digits and a word or more of small letters and digits, such as "01-gradient"'
            raise ValueError(f"{name} must be {wanted}, but it is {value!r:.{SHOWN}}")
        return value


class OneOf:
    """One of several strings."""

    def __init__(self, *options):
        self.options = options

    def __call__(self, value, name):
        if not isinstance(value, str) or value not in self.options:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, self.options))}, but it is {value!r:.{SHOWN}}")
        return value


class Function:
    """Something that can be called with what ``of`` says."""

    def __init__(self, of):
        self.of = of

    def __call__(self, value, name):
        if not callable(value) or isinstance(value, type):
            raise TypeError(f"{name} must be a function of {self.of}, but it is {value!r:.{SHOWN}}")
        return value


class Model:
    """A `keras.Model`; with ``or_function`` any function from an array of images to an array will do."""

    def __init__(self, or_function=False):
        self.or_function = or_function

    def __call__(self, value, name):
        if isinstance(value, keras.Model) or (self.or_function and callable(value) and not isinstance(value, type)):
            return value
        wanted = "a keras.Model or a function of an array of images" if self.or_function else "a keras.Model"
        raise TypeError(f"{name} must be {wanted}, but it is {value!r:.{SHOWN}}")


class Dict:
    """A dict of names as ``keys`` wants them and values as ``of`` does; with ``or_empty`` it may have no entry."""

    def __init__(self, of, or_empty=False, keys=None):
        self.of, self.or_empty, self.keys = of, or_empty, keys

    def __call__(self, value, name):
        if not isinstance(value, dict):
            raise TypeError(f"{name} must be a dict, but it is {value!r:.{SHOWN}}")
        if not value and not self.or_empty:
            raise ValueError(f"{name} must have at least one entry, but it is empty")
        if self.keys is not None:
            value = {self.keys(key, f"each key of {name}"): entry for key, entry in value.items()}
        return {key: self.of(entry, f"{name}[{key!r}]") for key, entry in value.items()}


class Seed:
    """None, a whole number of at least 0, or anything else from which `numpy.random.default_rng` makes a generator."""

    def __call__(self, value, name):
        try:
            return np.random.default_rng(value)
        except (TypeError, ValueError) as error:
            wanted = "None, a whole number of at least 0 or a numpy.random.Generator"
            raise type(error)(f"{name} must be {wanted}, but it is {value!r:.{SHOWN}}") from error


class Known:
    """What a function of Keras such as `keras.activations.get` takes; it becomes what that function returns."""

    def __init__(self, get, kind):
        self.get, self.kind = get, kind

    def __call__(self, value, name):
        if isinstance(value, type):  # Keras would take it for a function
            raise TypeError(f"{name} must be {self.kind}, not the class {value.__name__}")
        try:
            return self.get(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must be {self.kind}, but it is {value!r:.{SHOWN}}. Keras says: {error}") from error


class Loss:
    """A name that Keras knows, a `keras.Loss`, or a function of (target, reconstruction); it becomes something to call."""

    def __call__(self, value, name):
        wanted = "a name that Keras knows, a keras.Loss or a function of (target, reconstruction)"
        if isinstance(value, type) or not (isinstance(value, str) or callable(value)):
            raise TypeError(f"{name} must be {wanted}, but it is {value!r:.{SHOWN}}")
        try:
            return keras.losses.get(value)
        except ValueError as error:
            raise ValueError(f"{name} must be {wanted}, but it is {value!r:.{SHOWN}}") from error


class Optional:
    """None, or what another constraint wants."""

    def __init__(self, constraint):
        self.constraint = constraint

    def __call__(self, value, name):
        return None if value is None else self.constraint(value, name)


def same_shape(first, first_name, second, second_name):
    """Raise a `ValueError` unless two arrays have one shape."""
    if first.shape != second.shape:
        raise ValueError(f"{second_name} must have the shape of {first_name}, {first.shape}, but its shape is {second.shape}")


def same_images(first, first_name, second, second_name):
    """Raise a `ValueError` unless the images of two arrays have one shape."""
    if first.shape[1:] != second.shape[1:]:
        wanted = f"images of shape {first.shape[1:]}, as {first_name} does"
        raise ValueError(f"{second_name} must hold {wanted}, but its shape is {second.shape}")


def same_number(first, first_name, second, second_name):
    """Raise a `ValueError` unless two arrays have a row for each other's rows."""
    if len(first) != len(second):
        wanted = f"a row for each of the {len(first)} rows of {first_name}"
        raise ValueError(f"{second_name} must have {wanted}, but it has {len(second)}")


def cannot_take(model_name, model, shape, error):
    """Return the `ValueError` for a model that fails with images of this shape; what it says itself comes last."""
    wanted = getattr(model, "input_shape", None) if getattr(model, "built", False) else None
    hint = "; a model of flat images takes x.reshape(len(x), -1)" if len(shape) > 2 and len(wanted or (1, 2)) == 2 else ""
    if isinstance(error, NotImplementedError) and hasattr(model, "encoder") and hasattr(model, "decoder"):
        hint = f"; it has no call(): write one, or hand over lambda x: {model_name}.decoder({model_name}.encoder(x)[0])"
    return ValueError(f"{model_name} must take x, but it cannot take an array of shape {tuple(shape)}{hint}: {error}")


def suits(loss, target, name):
    """Raise a `ValueError` for a binary cross entropy of a target outside [0, 1]: it has no least value there."""
    if loss is keras.losses.binary_crossentropy or isinstance(loss, keras.losses.BinaryCrossentropy):
        try:
            Images(pixels=True)(target, name)
        except ValueError as error:
            raise ValueError(f'{error}; or take loss="mse", for "bce" has no least value there') from None
