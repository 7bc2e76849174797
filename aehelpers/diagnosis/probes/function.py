"""A function from arrays to arrays, of which nothing can be seen but what it gives: scikit-learn, JAX, ONNX, a server."""

import contextlib

import numpy as np
from aehelpers.diagnosis.probes.base import reconstruction_among
from aehelpers.diagnosis.probes.states import random_states_kept
from aehelpers.diagnosis.rows import number_of, parts, take
from aehelpers.models import pieces
from aehelpers.validation import SHOWN


class FunctionProbe:
    """What can be done with a function; the other probes can do more."""

    framework = "function"
    inside = False  # whether layers, gradients and a training mode can be looked at
    loss = optimizer = None
    sequential = tokens = False
    time_axis = 1  # of rows that are series, along which the time runs

    def __init__(self, function, shape, encode):
        self.model, self.shape, self.encode = function, shape, encode

    def run(self, x, training=False):
        """Return the reconstructions, float32, in the shape of what should come back; computed in pieces of 1,000 rows."""
        made = [self._piece(take(x, rows), training) for rows in pieces(parts(x)[0])]
        return np.concatenate(made)

    def _piece(self, x, training):
        return self.as_rows(self.outputs(x, training), number_of(x))

    def outputs(self, x, training):
        """Return everything that comes out for some rows, as a list of arrays."""
        made = self.model(x)
        made = list(made.values()) if isinstance(made, dict) else list(made) if isinstance(made, (tuple, list)) else [made]
        return [np.asarray(part) for part in made]

    def as_rows(self, made, rows):
        """Return that one of several outputs which is the reconstruction, in its shape."""
        of_rows = [part for part in made if part.shape[:1] == (rows,)]
        if not of_rows:
            came = made[0] if made else None
            raise ValueError(f"it gives {came!r:.{SHOWN}}, where an array with a row for each of {rows} rows should come back")
        number = reconstruction_among([part.shape for part in made], rows, self.shape)
        if number is None:
            came = " and ".join(str(tuple(part.shape[1:])) for part in of_rows)
            raise ValueError(f"it gives {came} for one row, where {self.shape} should come back")
        return made[number].astype(np.float32).reshape(rows, *self.shape)

    def codes(self, x):
        """Return what ``encode`` makes of the rows, (rows, units), or None without it."""
        if self.encode is None:
            return None
        made = np.concatenate([np.asarray(self.encode(take(x, rows))) for rows in pieces(parts(x)[0])])
        if made.ndim < 2 or len(made) != number_of(x):
            raise ValueError(
                f"encode must give an array with a row for each of {number_of(x)} rows, but its shape is {made.shape}"
            )
        return made.astype(np.float32)

    @contextlib.contextmanager
    def unchanged(self):
        """Put back afterwards what running the model moves."""
        with random_states_kept():
            yield

    def layer_names(self):
        return []

    def weights(self):
        return {}

    def number_of_inputs(self):
        """Return how many arrays the model takes at once, as far as it says so."""
        return 1

    def wanted_shape(self):
        """Return the shape of the rows that the model takes, where it says so."""
        return None
