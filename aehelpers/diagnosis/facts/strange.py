"""Rows without any pattern: does the model copy them?"""

from dataclasses import dataclass

import numpy as np
from aehelpers.diagnosis.facts.examination import squared_error
from aehelpers.diagnosis.rows import flat, some


@dataclass(frozen=True)
class Strange:
    """What becomes of rows whose numbers have changed places: as many of each, and no pattern.

    Attributes
    ----------
    noise_error, noise_variance : float or None
    """

    noise_error: float | None = None
    noise_variance: float | None = None


def strange(e, data, output):
    """Let the model rebuild rows without any pattern."""
    if not isinstance(e.x_test, np.ndarray) or flat(e.x_test).shape != flat(e.target_test).shape or e.kind == "tokens":
        return Strange()
    x = some(e.x_test, 500)
    rng = np.random.default_rng(0)
    # In a table each column keeps its own values, which its unit and its scale belong to.
    mixed = rng.permuted(flat(x), axis=0 if e.kind == "table" else 1).reshape(x.shape)
    made = e.reconstruct(mixed)
    if not np.isfinite(made).all():
        return Strange()
    return Strange(
        squared_error(flat(mixed), flat(made)),
        float(flat(mixed).astype(float).var(axis=0).mean() if e.kind == "table" else mixed.var(dtype=float)),
    )
