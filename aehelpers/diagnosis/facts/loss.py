"""The loss of reconstructions that are perfect, and of some that are not."""

from dataclasses import dataclass

import numpy as np
from aehelpers.diagnosis.facts.examination import said
from aehelpers.diagnosis.rows import some


@dataclass(frozen=True)
class LossFacts:
    """The loss of made-up reconstructions; all None where no loss is known.

    Attributes
    ----------
    loss_name : str
    loss_of_target, loss_of_mean, loss_of_zeros, loss_of_ones, loss_of_half, loss_of_made : float
        Of a perfect reconstruction, of the mean row, of zeros, of ones, of half of the target, and of the model's. The last is
        NaN for a loss that also charges for what else the model gives: its share for the reconstruction is not known.
    loss_raises : str
    """

    loss_name: str = ""
    loss_of_target: float | None = None
    loss_of_mean: float | None = None
    loss_of_zeros: float | None = None
    loss_of_ones: float | None = None
    loss_of_half: float | None = None
    loss_of_made: float | None = None
    loss_raises: str = ""


_FAR_LOGIT = 12.0  # behind a sigmoid, 0.999994


def loss(e, data, output):
    """Hand the loss a perfect reconstruction, and some that are not."""
    if e.told_loss is None or not e.probe.inside:
        return LossFacts()
    if e.sparse and e.probe.framework == "torch":  # whose cross entropy has the classes on another axis
        return LossFacts()
    name = getattr(e.told_loss, "name", None) or getattr(e.told_loss, "__name__", None) or type(e.told_loss).__name__
    target = some(e.target_test, 256)
    unit = data.image_low >= 0 and data.image_high <= 1
    made_of = {
        "target": target,
        "mean": np.broadcast_to(e.all_targets.mean(axis=0), target.shape).astype(np.float32),
        "zeros": np.zeros_like(target),
        "ones": np.ones_like(target),
        "half": target / 2,
    }
    if output.takes_logits:
        with np.errstate(divide="ignore"):
            made_of = {
                key: np.clip(np.log(np.clip(values, 0, 1)) - np.log1p(-np.clip(values, 0, 1)), -_FAR_LOGIT, _FAR_LOGIT).astype(
                    np.float32
                )
                for key, values in made_of.items()
            }
    elif unit:
        made_of |= {key: np.clip(values, 1e-6, 1 - 1e-6) for key, values in made_of.items()}
    made_of["made"] = some(e.probe.run(e.x_test), 256)
    wanted, beside = as_the_loss_wants(e, target), e.probe.for_the_loss(e.told_loss, some(e.x_test, 256))
    try:
        values = {f"loss_of_{key}": e.probe.loss_of(e.told_loss, wanted, values, beside) for key, values in made_of.items()}
    except Exception as error:
        return LossFacts(loss_name=name, loss_raises=said(error))
    if beside:
        values["loss_of_made"] = np.nan
    return LossFacts(loss_name=name, **values)


def as_the_loss_wants(e, target):
    sparse = e.sparse and "sparse" in (getattr(e.told_loss, "name", "") + getattr(e.told_loss, "__name__", "")).lower()
    return target.argmax(axis=-1).astype(np.float32) if sparse else target
