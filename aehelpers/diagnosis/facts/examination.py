"""The model and its rows while they are measured, and what every step of the measuring needs."""

import functools
import re
from dataclasses import dataclass, field

import numpy as np
from aehelpers.diagnosis.rows import WORDS

ROWS = 2_000  # of each set, on which the model runs


RECURRENT_ROWS = 500  # where each row is a loop over its steps


FOR_PCA = 10_000


FULL_PCA = 2_000  # numbers a row; of longer rows only the first components are taken


FEW = 30  # rows: means of fewer move by themselves
DEAD_SPREAD = 1e-6  # of a unit's or an output's size


QUANTILE = 0.99


TINY = 1e-12


@dataclass
class Examination:
    """One model and its rows while they are measured.

    Attributes
    ----------
    probe : Probe
    x_train, x_test : array, or several
        At most 2,000 rows each; the same object where no test rows were handed over.
    target_train, target_test : ndarray of float32
        What should come back for them.
    all_targets : ndarray
        What should come back for all rows of the training.
    kind : str
    told_loss : callable or None
        The loss that was handed over, or that the model was compiled with.
    before : list or dict of ndarray, or None
    code_name : str or None
    column_names : list of str, or None
    sparse : bool
        Whether targets were made from whole numbers, one-hot.
    test_rows : ndarray of int
        Which of the rows that were handed over are those of ``x_test``.
    """

    probe: object
    x_train: object
    x_test: object
    target_train: np.ndarray
    target_test: np.ndarray
    all_targets: np.ndarray
    kind: str
    told_loss: object = None
    before: object = None
    code_name: str | None = None
    column_names: list | None = None
    sparse: bool = False
    test_rows: np.ndarray | None = None
    as_values: object = field(default=lambda values: values)

    @property
    def separate(self):
        return self.x_test is not self.x_train

    @property
    def words(self):
        return WORDS[self.kind]

    @property
    def own_target(self):
        """Whether the rows should come back as they are."""
        return self.target_test is self.x_test or (
            isinstance(self.x_test, np.ndarray)
            and self.x_test.shape == self.target_test.shape
            and np.array_equal(self.x_test, self.target_test)
        )

    def reconstruct(self, x):
        return self.as_values(self.probe.run(x))

    @functools.cached_property
    def made(self):
        """The reconstructions of the test rows."""
        return self.reconstruct(self.x_test)

    def column(self, number):
        """Return what a column is called in a sentence."""
        return self.column_names[number] if self.column_names and number < len(self.column_names) else str(number)


def squared_error(target, made):
    return float(np.square(target.astype(float) - made).mean())


def mean_error(e):
    return squared_error(e.target_test, np.broadcast_to(e.all_targets.mean(axis=0, dtype=float), e.target_test.shape))


def said(error):
    """Return the sentence of an error: Keras puts it below a line that only names the layer, in colour."""
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line).strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and "Exception encountered when calling" not in line]
    # An AttributeError of the reader's own function says little without its name, and a KeyError nothing.
    name = type(error).__name__ if not lines or isinstance(error, (AttributeError, LookupError, NameError)) else ""
    return ": ".join(part for part in (name, *lines[:1]) if part)[:300]
