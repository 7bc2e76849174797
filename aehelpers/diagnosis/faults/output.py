"""Faults of what the model gives: not finite, squeezed, logits, dead outputs."""

import numpy as np
from aehelpers.diagnosis.faults.words import count, listed, number, share, weight
from aehelpers.diagnosis.faults.yardsticks import NO_BETTER, OUT_OF_REACH, QUALITY, ends_of, unusual
from aehelpers.diagnosis.rules import Said, rule

_04 = "04_the_grey_image_bug.ipynb"


@rule("not_finite", read=(_04, "What does one very large logit do to a network?"))
def not_finite(output, e):
    if output.raises or not output.unusable:
        return None
    if output.not_finite_weights:
        names = output.not_finite_weights
        sentence = (
            f"{count(len(names), 'weight')} hold{'s' if len(names) == 1 else ''} NaN or infinite values, the "
            f"first is {weight(names[0])}."
        )
    else:
        sentence = f"{share(output.not_finite_rows)} of the reconstructions hold NaN or infinite values."
    remedy = "Retrain with a tenth of the learning rate, and take logarithms and divisions only of what cannot be 0."
    return Said("broken", sentence, remedy, ("not_finite_weights", "not_finite_rows"))


@rule(
    "squeezed_output",
    read=(_04, "And with two sigmoids?"),
    explains=("dead_units", "saturated_code", "wrong_target", "whispering", *QUALITY),
)
def squeezed_output(data, output, e):
    if unusual(data) or output.logits or e.kind == "tokens":
        return None
    if output.adds_up_to_one and abs(output.target_sum - 1) > 1 and output.last_activation in ("softmax", None):
        sentence = (
            f"The {e.words.cells} of each reconstruction add up to 1, those of {e.words.a_row} to "
            f"{number(output.target_sum)}: a softmax."
        )
        return Said("broken", sentence, "Put a sigmoid in the place of the softmax at the output.", ("target_sum",))
    if output.unreachable < OUT_OF_REACH:
        return None
    sentence = (
        f"The {e.words.cells} go from {number(data.image_low)} to {number(data.image_high)}, but the model's "
        f"output {ends_of(output)}."
    )
    remedy = (
        f"Give the output one activation that reaches all values of the {e.words.rows}: one sigmoid for [0, 1], "
        "and not a second."
    )
    return Said("broken", sentence, remedy, ("image_low", "image_high", "reachable_low", "reachable_high", "unreachable"))


@rule("output_is_logits", read=(_04, "What did the figure draw?"), explains=("squeezed_output",))
def output_is_logits(output, e):
    if not output.logits:
        return None
    sentence = (
        f"The output goes from {number(output.output_low)} to {number(output.output_high)}: these are logits. As "
        f"{e.words.cells} they have "
        f"a squared error of {number(output.raw_error)}, after a sigmoid one of {number(output.error_after_sigmoid)}."
    )
    keys = ("output_low", "output_high", "raw_error", "error_after_sigmoid", "share_outside")
    remedy = "Apply a sigmoid to what the model gives before you draw or compare it; everything here was measured after one."
    return Said("note" if output.takes_logits else "broken", sentence, remedy, keys)


DEPENDS, MIXED_UP = 1e-3, 0.1  # of the variance of the reconstructions: far more than rounding, and too much for any use


@rule(
    "rows_mixed",
    read=("00_start_here.ipynb", "How many numbers does a digit need?"),
    explains=("train_mode_differs", "wrong_target", *QUALITY),
)
def rows_mixed(output, ladder, e):
    if output.depends_on_batch < DEPENDS:
        return None
    sentence = (
        f"What becomes of {e.words.a_row} depends on the others that are handed over with it: alone, its reconstruction "
        f"changes by {share(output.depends_on_batch)} of the variance."
    )
    remedy = (
        "Look for the step that mixes rows: a recurrent layer without batch_first=True, a reshape or a permute that moves the "
        "axis of the rows, a normalization by the statistics of the batch that stays on outside training."
        if e.probe.framework == "torch"
        else "Look for the step that mixes rows: a reshape or a transpose that moves the axis of the rows, or a normalization "
        "by the statistics of the batch that stays on outside training."
    )
    broken = output.depends_on_batch > MIXED_UP or ladder.error > NO_BETTER * ladder.mean_image_error
    return Said("broken" if broken else "weak", sentence, remedy, ("depends_on_batch", "error"))


DEAD_VARIANCE = 0.05  # of all variance, in outputs that never move
MOST = 0.5


@rule(
    "dead_outputs",
    read=("03_why_the_2d_code_dies.ipynb", "What is in the code?"),
    explains=("dead_units", "zero_gradient", "below_pca", "undertrained"),
)
def dead_outputs(data, output, ladder, e, code=None):
    dead = ladder.dead_outputs
    if not len(dead) or ladder.dead_variance < DEAD_VARIANCE or data.one_row:
        return None
    values = e.made.reshape(len(e.made), -1)[0, dead]
    if code is not None and code.zero_kernels:  # from zeros, nothing ever begins: the fault lies there
        return None
    # Without an activation that can be off or at its end, all outputs at rest are a matter of the whole network.
    if ladder.dead_variance > 0.99 and not (np.isfinite(output.reachable_low) and np.allclose(values, output.reachable_low)):
        return None
    where = (
        f"column{'s' if len(dead) > 1 else ''} {listed([e.column(int(number_)) for number_ in dead])}"
        if e.kind == "table"
        else f"{len(dead)} of {data.cells} {e.words.cells}"
    )
    value = f"always {number(float(values[0]))}" if np.ptp(values) < 1e-6 else "the same for every row"
    sentence = f"The output for {where} is {value}, and there {share(ladder.dead_variance)} of the variance is lost."
    last = output.last_activation
    remedy = (
        f"Remove the {last} from the output, or put a sigmoid there if all values lie in [0, 1]: a unit that is "
        "off for every row gets no "
        "gradient."
        if last and last != "linear"
        else "Look at the weights of these outputs: they pass nothing on."
    )
    return Said("broken" if ladder.dead_variance > MOST else "weak", sentence, remedy, ("dead_outputs", "dead_variance"))
