"""Faults of the training: weights that get nothing, or that do not move."""

from aehelpers.diagnosis.faults.words import count, number, weight
from aehelpers.diagnosis.faults.yardsticks import NO_BETTER, QUALITY, WORSE_THAN_PCA, worse_than_pca
from aehelpers.diagnosis.rules import Said, rule

_01 = "01_why_the_step_function_trains.ipynb"
NO_VARIATION = 0.02  # of the rows' variance: below it, every reconstruction is the same
PERFECT = 1e-4  # of the mean row's error: a perfect copy has nothing to learn


@rule("step_fails", read=(_01, "Does a gradient arrive?"), explains=("never_moved", *QUALITY))
def step_fails(gradients, e):
    if not gradients.stuck:
        return None
    stuck = gradients.stuck
    sentence = (
        f"{count(len(stuck), 'weight')} get{'s' if len(stuck) == 1 else ''} a gradient and "
        f"{'does' if len(stuck) == 1 else 'do'} not move when "
        f"an optimizer steps; the first is {weight(stuck[0])}."
    )
    remedy = (
        "Make the weights contiguous before the training (`p.data = p.data.contiguous()` for each parameter), update "
        "PyTorch, or train "
        "on the CPU and compare."
        if e.probe.framework == "torch"
        else "See which dtype and which constraint these weights have: a step can be smaller than what float16 can hold."
    )
    return Said("broken", sentence, remedy, ("stuck",))


@rule(
    "unregistered_weights",
    read=(_01, "Does a gradient arrive?"),
    explains=("no_gradient", "never_moved", "dead_units", "whispering", "constant_output", "undertrained", "below_pca"),
)
def unregistered_weights(gradients, e):
    lost = gradients.unregistered
    if not lost:
        return None
    torch, many = e.probe.framework == "torch", len(lost) > 1
    where = "`model.parameters()`" if torch else "the model's own weights"
    sentence = (
        f"{count(len(lost), 'weight')} used in the forward pass {'are' if many else 'is'} not among {where}, the first is "
        f"{weight(lost[0])}: the optimizer never moves {'them' if many else 'it'}, and a saved model lacks "
        f"{'them' if many else 'it'}."
    )
    remedy = (
        "Make the layers in `__init__` and keep them as attributes or in an `nn.ModuleList` instead of a plain list or dict, "
        "and single tensors as `nn.Parameter`; then make the optimizer and train anew."
        if torch
        else "Make the layers in `__init__` and keep them as attributes of the model or of a layer, not outside of it (as a "
        "Lambda layer does), and create single weights with `add_weight`; then train anew."
    )
    return Said("broken", sentence, remedy, ("unregistered",))


@rule(
    "no_gradient",
    read=(_01, "Does a gradient arrive?"),
    explains=("never_moved", "saturated_code", "whispering", "below_pca", "undertrained"),
)
def no_gradient(gradients, e):
    lost = gradients.without_gradient
    if not lost:
        return None
    sentence = (
        f"No gradient at all reaches {count(len(lost), 'kernel')}, the first is {weight(lost[0])}: "
        f"{'it stays as it' if len(lost) == 1 else 'they stay as they'} began."
    )
    remedy = (
        "Find the operation that cuts the graph (`detach()`, `.data`, NumPy, `torch.no_grad()`), and leave it out."
        if e.probe.framework == "torch"
        else "Find the operation without a gradient (rounding, argmax, a step), and give it a straight-through gradient."
    )
    return Said("weak", sentence, remedy, ("without_gradient",))


@rule(
    "zero_gradient",
    read=("03_why_the_2d_code_dies.ipynb", "Why can it not come back?"),
    explains=("squeezed_output", "never_moved", "dead_units", *QUALITY),
)
def zero_gradient(gradients, ladder, code, data, e):
    zero = gradients.zero_gradient
    if not zero or ladder.error < PERFECT * ladder.mean_image_error:
        return None
    kernels = code.zero_kernels
    if kernels:
        sentence = (
            f"{count(len(kernels), 'kernel')} {'is' if len(kernels) == 1 else 'are'} exactly 0, so that no "
            f"gradient gets through; the first is {weight(kernels[0])}."
        )
        how = "`torch.nn.init.xavier_uniform_`" if e.probe.framework == "torch" else "`glorot_uniform`"
        remedy = f"Begin with random kernels ({how}): from zeros, all units stay the same."
    else:
        sentence = f"The gradient of {count(len(zero), 'kernel')} is exactly 0, the first is {weight(zero[0])}."
        remedy = "Look at the layer above: units that are off, saturated or cut off for all rows pass no gradient."
        if code.code_is_discrete and e.probe.framework == "torch":
            remedy = (
                "PyTorch gives torch.round and torch.sign a gradient of 0: let it pass straight through, z + "
                "(torch.round(z) - z).detach()."
            )
    # A kernel that gets no gradient does no harm by itself: the model may still learn with the others.
    severity = "broken" if kernels or not gradients.with_gradient or ladder.variation < NO_VARIATION else "weak"
    return Said(severity, sentence, remedy, ("zero_gradient", "zero_kernels"))


@rule(
    "never_moved",
    read=(_01, "Does a gradient arrive?"),
    explains=("no_gradient", "dead_units", "train_mode_differs", "copies_anything", "step_fails", "ignored_code", *QUALITY),
)
def never_moved(gradients, e, ladder, code=None):
    torch = e.probe.framework == "torch"
    still, moved = gradients.never_moved, gradients.moved
    if not still:
        return _frozen(gradients, ladder, code, "`requires_grad`" if torch else "`trainable`")
    if not moved:
        sentence = "No kernel has moved since the beginning: this model was not trained."
        remedy = (
            "See whether the model that was trained is this one, whether the learning rate is not 0, and "
            f"{'`requires_grad`' if torch else '`trainable`'} was not False."
        )
        return Said("broken", sentence, remedy, ("never_moved", "moved"))
    sentence = (
        f"{len(still)} of {len(still) + len(moved)} kernels have not moved since the beginning, the first is "
        f"{weight(still[0])}."
    )
    remedy = (
        "See whether the optimizer was given these weights, whether `requires_grad` was False then, and whether the loss "
        "depends on them."
        if torch
        else "See whether these layers were frozen (`trainable`) in the training, and whether the loss depends on them."
    )
    return Said("weak", sentence, remedy, ("never_moved", "moved"))


def _frozen(gradients, ladder, code, flag):
    """Frozen weights are nobody's fault, unless the model does badly."""
    no_better = ladder.error > NO_BETTER * ladder.mean_image_error
    bad = no_better or (code is not None and worse_than_pca(code, ladder, WORSE_THAN_PCA))
    if not bad or not gradients.frozen:
        return None
    number_ = len(gradients.frozen)
    sentence = (
        f"{count(number_, 'kernel')} {'is' if number_ == 1 else 'are'} frozen, the first is "
        f"{weight(gradients.frozen[0])}, and the error is large."
    )
    remedy = f"Train them too ({flag} is False now), unless they come from a model that was trained on such rows."
    return Said("weak", sentence, remedy, ("frozen", "error"))


def describe(gradients):
    """Return how the model was trained, for a remedy: "SGD with a learning rate of 0.001"; empty where nothing is known."""
    if gradients is None or gradients.optimizer is None:
        return ""
    rate = f" with a learning rate of {number(gradients.learning_rate)}" if gradients.learning_rate else ""
    return f"{gradients.optimizer}{rate}"
