"""What the diagnosis sees of a model: calls of its layers, places in it, gradients and steps of its weights."""

import inspect
from dataclasses import dataclass

import numpy as np


class CannotMeasure(Exception):
    """Something cannot be measured, and neither the model nor its loss is to blame; the text says why."""


@dataclass(eq=False)  # of two calls with equal arrays, each is meant
class Call:
    """One call of a layer while rows pass through a model.

    Attributes
    ----------
    name : str
        As the reader knows the layer.
    key : hashable
        Of the layer; with ``occurrence``, which counts its calls in one pass, the same in every pass.
    inputs, outputs : list of ndarray
        What it got and gave.
    leaf : bool
        Whether it holds no other layers.
    mixes : bool
        Whether it multiplies by weights of its own.
    activation : str or None
        What it applies, by its name in `aehelpers.layers.ACTIVATIONS`.
    kernel : ndarray or None
        Shape (inputs, units), of a dense layer.
    affine : tuple of float or None
        Scale and offset of a layer that only multiplies and adds.
    unbounded : bool
        Whether its output can be anything, whatever came before, as after a normalization or a sum.
    recurrent : bool
    unit_axis : int
        Of the outputs, along which the units stand, the rows being axis 0: the last, or 1 where channels come first.
    rows : int or None
        That pass through the model; a layer may get others, such as all patches of all images, one below the other.
    """

    name: str
    key: object
    occurrence: int
    inputs: list
    outputs: list
    leaf: bool
    mixes: bool
    activation: str | None = None
    kernel: np.ndarray | None = None
    affine: tuple | None = None
    unbounded: bool = False
    recurrent: bool = False
    unit_axis: int = -1
    rows: int | None = None

    @property
    def size(self):
        """Numbers for each row, or None where the first output has no row for each."""
        if self.rows is not None and self.outputs and self.outputs[0].shape[:1] != (self.rows,):
            return None
        if not self.outputs or not self.inputs or self.outputs[0].ndim < 2 or len(self.outputs[0]) != len(self.inputs[0]):
            return None
        return int(np.prod(self.outputs[0].shape[1:])) if len(self.outputs) == 1 or self.recurrent else None

    @property
    def place(self):
        return Place(self.key, self.occurrence)


@dataclass(frozen=True)
class Place:
    """Where an array is found in any pass: a layer, which of its calls, and which of the arrays that it gave or got."""

    key: object
    occurrence: int
    part: int = 0
    side: str = "outputs"

    def find(self, calls):
        """Return the call, or None where this pass has no such one."""
        return next((call for call in calls if (call.key, call.occurrence) == (self.key, self.occurrence)), None)

    def read(self, calls):
        """Return the array, or None where this pass has no such call."""
        call = self.find(calls)
        return None if call is None else getattr(call, self.side)[self.part]


@dataclass(frozen=True)
class Gradient:
    """What arrives at one weight.

    Attributes
    ----------
    name : str
        Of the weight, such as "code/kernel" (Keras) or "encoder.0.weight" (PyTorch).
    kernel : bool
        Whether it has two dimensions or more.
    word : {"none", "zero", "flows"}
        "none" means that the framework has no gradient at all.
    used_elsewhere : bool
        Whether penalties, or outputs beside the reconstruction, depend on it.
    meets_rows : bool
        Whether it belongs to a layer that is called on the way, and is not set by the model itself: not so with the weights of
        a discriminator, or with a codebook of moving averages.
    """

    name: str
    kernel: bool
    word: str
    used_elsewhere: bool
    meets_rows: bool = True


@dataclass(frozen=True)
class Step:
    """How one step of an optimizer moved a weight: the share of its entries that should have moved and did not move."""

    name: str
    should: int
    stuck: float


def reconstruction_among(found, rows, shape):
    """Return which of several outputs is the reconstruction: its number.

    Parameters
    ----------
    found : list of tuple of int
        The shapes of the outputs. One without a row for each row, such as a loss, is none.
    rows : int
    shape : tuple of int
        Of one row of what should come back.

    Returns
    -------
    int or None
        The first with that shape, else the first with as many numbers; None where there is none.
    """
    of_rows = {number: tuple(one[1:]) for number, one in enumerate(found) if tuple(one[:1]) == (rows,)}
    size = int(np.prod(shape))
    same = [number for number, one in of_rows.items() if one == shape] or [
        number for number, one in of_rows.items() if int(np.prod(one)) == size
    ]
    return same[0] if same else None


def more_arguments(loss, given, model):
    """Return how many of the things that a model gives beside its reconstruction a loss takes, after its first two arguments.

    Parameters
    ----------
    loss : callable
    given : int
        How many there are.
    model : str
        What messages call it.

    Raises
    ------
    CannotMeasure
        If it needs more of them, or some by name.
    """
    try:
        parameters = list(inspect.signature(loss).parameters.values())
    except (TypeError, ValueError):  # of a function in C, nothing is known
        return 0
    needed = [one for one in parameters if one.default is one.empty]
    first = [one for one in needed if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    if len(first) > 2 + given or any(one.kind == one.KEYWORD_ONLY for one in needed):
        names = ", ".join(one.name for one in needed if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD))
        raise CannotMeasure(
            f"because it takes {names}, and {model} gives {given or 'nothing'} beside its reconstruction that could be passed "
            "to it"
        )
    if any(one.kind == one.VAR_POSITIONAL for one in parameters) and len(first) < 2:
        return given
    return max(len(first) - 2, 0)
