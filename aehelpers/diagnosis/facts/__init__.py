"""Everything that `diagnose` measures: one function a step, which returns a dataclass; what it means is decided in faults/."""

from aehelpers.diagnosis.facts import code, data, ladder, loss, output, strange, training

STEPS = (
    data.data,
    output.output,
    ladder.ladder,
    loss.loss,
    code.code,
    training.gradients,
    training.modes,
    strange.strange,
)
# What needs more than a function, and how to get it.
NEEDS_INSIDE = ("gradients", "modes")
