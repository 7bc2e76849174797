"""What the diagnosis sees of a model: calls of its layers, places in it, gradients and steps of its weights."""

from dataclasses import dataclass

import numpy as np


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
        Whether its output can be anything, whatever came before, as after a normalization.
    recurrent : bool
    unit_axis : int
        Of the outputs, along which the units stand, the rows being axis 0: the last, or 1 where channels come first.
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

    @property
    def size(self):
        """Numbers for each row, or None where the first output has no row for each."""
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
    """

    name: str
    kernel: bool
    word: str
    used_elsewhere: bool


@dataclass(frozen=True)
class Step:
    """How one step of an optimizer moved a weight: the share of its entries that should have moved and did not move."""

    name: str
    should: int
    stuck: float


def reconstruction_among(found, shape):
    """Return which of several outputs is the reconstruction: its number, and how often others would do.

    Parameters
    ----------
    found : list of tuple of int
        The shapes of the outputs for one row.
    shape : tuple of int
        Of what should come back.

    Returns
    -------
    int or None
        The first with that shape, else the first with as many numbers; None where there is none.
    """
    size = int(np.prod(shape))
    same = [number for number, one in enumerate(found) if one == shape] or [
        number for number, one in enumerate(found) if int(np.prod(one)) == size
    ]
    return same[0] if same else None
