"""Faults of the rows, and of how they fit the model's output."""

import numpy as np
from aehelpers.diagnosis.facts.examination import FEW
from aehelpers.diagnosis.faults.words import count, number, share
from aehelpers.diagnosis.faults.yardsticks import NO_BETTER, OUT_OF_REACH, QUALITY, as_good_as_pca, ends_of, unusual
from aehelpers.diagnosis.rows import parts
from aehelpers.diagnosis.rules import Said, rule

_04 = "04_the_grey_image_bug.ipynb"
_06 = "06_denoising.ipynb"
_08 = "08_it_reconstructs_the_anomaly.ipynb"

ANOTHER = 4  # times as large: another scale, and not another sample
FOLLOWS = 0.7  # correlation
FOLLOWS_BY_COLUMN = 0.8  # the same in more than half of the columns
FAINT = 0.02  # largest pixel: images are divided by 255 once, not twice
FITS = 0.5  # of the variance: what may be left on another scale that is the right one
VERY_LARGE = 20  # values that no output of usual weights reaches at the start


@rule("cannot_run", read=("00_start_here.ipynb", "How many numbers does a digit need?"))
def cannot_run(output, data, e):
    if not output.raises:
        return None
    takes = "the function" if e.probe.framework == "function" else "the model"
    several = e.probe.number_of_inputs()
    remedy = (
        f"The model takes {several} arrays: hand them over together, x_train=(images, labels), and x_test in the same way."
        if several > len(parts(e.x_train))
        else f"Hand over {output.fitting}: {takes} takes that."
        if output.fitting
        else f"See which shape {takes} takes and gives, and call it on x_test[:2] to read the whole error. Its output must "
        "have the shape of what should come back: of x_train, or of target= if something else should come back than went in."
    )
    return Said(
        "broken", f"The model cannot reconstruct these {e.words.rows}: {output.raises.rstrip('.')}.", remedy, ("raises",)
    )


def _remedy_of_scale(e, output):
    last = output.last_activation
    end = f"the final {last}" if last else "the last activation"
    if e.kind == "images":
        return (
            f"Bring the pixels to [0, 1] (divide by 255, or undo the standardization) for a sigmoid, or remove {end}: "
            "a linear output reaches every value."
        )
    return f"Remove {end}, so that the output is linear: then it reaches every value of a standardized {e.words.cell}."


@rule(
    "input_scale",
    read=(_04, "Is this loss right for grey pixels?"),
    explains=(
        "squeezed_output",
        "saturated_code",
        "dead_units",
        "dead_code",
        "zero_gradient",
        "whispering",
        "wrong_target",
        "wrong_loss",
        "not_finite",
        "output_is_logits",
        "tiny_spread",
        "copies_anything",
        "no_gradient",
        "column_scales",
        *QUALITY,
    ),
)
def input_scale(data, output, e, ladder=None):
    if output.raises or e.kind == "tokens":
        return None
    keys = ("image_low", "image_high", "reachable_low", "reachable_high")
    ends = f"The {e.words.cells} go from {number(data.image_low)} to {number(data.image_high)}"
    bounded = np.isfinite(output.reachable_high) or np.isfinite(output.reachable_low)
    noise = ladder is not None and _only_noise_is_left(data, ladder, e)  # it should not come back
    if unusual(data) and bounded and output.unreachable >= OUT_OF_REACH and not noise:
        return Said("broken", f"{ends}, but the model's output {ends_of(output)}.", _remedy_of_scale(e, output), keys)
    if output.not_finite_weights and max(abs(data.image_low), abs(data.image_high)) > VERY_LARGE:
        remedy = (
            "Divide the pixels by 255 before training."
            if e.kind == "images" and data.image_low >= 0
            else "Standardize the columns (scikit-learn's StandardScaler, fitted to x_train), then retrain."
        )
        return Said("broken", f"{ends}; numbers of this size make a loss overflow, and the model holds NaN.", remedy, keys[:2])
    left = 0.0 if ladder is None or data.one_row else ladder.error / max(ladder.mean_image_error, 1e-12)
    if left > NO_BETTER and e.kind == "table" and _follows_by_column(ladder):
        sentence = (
            "Column by column the output follows the rows (median correlation "
            f"{np.nanmedian(ladder.column_correlations):.2f}), but on another scale: it goes from "
            f"{number(output.output_low)} to {number(output.output_high)}, the {e.words.cells} "
            f"from {number(data.image_low)} to {number(data.image_high)}."
        )
        remedy = "Undo the scaling at the end (scaler.inverse_transform): the output must have the units of the target."
        return Said("broken", sentence, remedy, ("column_correlations", "output_low", "output_high"))
    # Its output follows the target, on another scale.
    free = output.unreachable < OUT_OF_REACH and not output.adds_up_to_one  # else its activation holds it back
    if left > NO_BETTER and free and ladder.own_correlation > FOLLOWS and not 1 / ANOTHER < ladder.slope < ANOTHER:
        sentence = (
            f"The output follows the {e.words.rows} (correlation {ladder.own_correlation:.2f}), but is "
            f"{number(ladder.slope)} times as "
            f"large: it goes from {number(output.output_low)} to {number(output.output_high)}, the {e.words.cells} from "
            f"{number(data.image_low)} to {number(data.image_high)}."
        )
        remedy = "Undo the scaling at the end: the output must have the unit of the target."
        return Said("broken", sentence, remedy, ("slope", "own_correlation", "output_low", "output_high"))
    # Was the model trained on another scale? Tried, by handing it the rows on that scale.
    if left > NO_BETTER and ladder.rescaled and ladder.rescaled_error < min(FITS, 0.6 * left):
        sentence = (
            f"{ends}, and the model does not reconstruct them; {ladder.rescaled}, they come back with "
            f"{share(ladder.rescaled_error)} of "
            "their variance lost. It was trained on another scale than this."
        )
        remedy = "Scale the rows once, in one function, and use it for the training and for everything afterwards."
        return Said("broken", sentence, remedy, ("image_low", "image_high", "rescaled", "rescaled_error"))
    if left > NO_BETTER and e.kind == "images" and data.image_low >= 0 and data.image_high < FAINT:
        sentence = f"{ends}: divided by 255 twice? Next to such faint images every step of a training is large."
        remedy = "Divide by 255 once, and look at the largest pixel before the training: it should be 1."
        return Said("broken", sentence, remedy, ("image_low", "image_high"))
    return None


def _follows_by_column(ladder):
    known = np.isfinite(ladder.column_losses)
    elsewhere = (ladder.column_correlations > FOLLOWS_BY_COLUMN) & (ladder.column_losses > NO_BETTER)
    return bool(known.any()) and elsewhere[known].mean() > 0.5


TINY = 0.02  # spread of a column, divided by its mean


@rule(
    "tiny_spread",
    read=(_04, "Is this loss right for grey pixels?"),
    explains=("dead_units", "whispering", "zero_gradient", "dead_code", "wrong_target", *QUALITY),
)
def tiny_spread(data, ladder, e, code=None):
    if data.one_row or data.spread_of_mean > TINY or ladder.error < 0.2 * ladder.mean_image_error:
        return None
    if as_good_as_pca(code, ladder):
        return None
    sentence = (
        f"The {e.words.cells} hardly vary: the spread of the median one is {share(data.spread_of_mean)} of its mean. "
        "The loss is small as "
        f"soon as the mean is learned, and {share(min(ladder.error / ladder.mean_image_error, 99))} of the variance "
        "is still there."
    )
    remedy = "Subtract the mean and divide by the spread, column by column (scikit-learn's StandardScaler), and retrain."
    return Said(
        "broken" if ladder.error > NO_BETTER * ladder.mean_image_error else "weak",
        sentence,
        remedy,
        ("spread_of_mean", "error", "mean_image_error"),
    )


SCALES = 10  # largest spread of a column, divided by the median one of those that are lost
LOST = 0.9  # of a column's variance


@rule(
    "column_scales",
    read=(_04, "Is this loss right for grey pixels?"),
    explains=("whispering", "dead_units", "saturated_code", "zero_gradient", "copies_anything", "wrong_target", *QUALITY),
)
def column_scales(data, ladder, e):
    if e.kind != "table" or data.one_row:
        return None
    losses = ladder.column_losses
    known = np.isfinite(losses) & ~data.two_valued  # a rare category has a small spread in every unit
    lost = known & (losses > LOST)
    if not lost.any() or lost.sum() < 0.25 * known.sum():
        return None
    small = float(np.median(data.column_spreads[lost]))
    spreads = np.where(data.two_valued, 0, data.column_spreads)
    largest = int(np.argmax(spreads))
    if spreads[largest] < SCALES * small:
        return None
    sentence = (
        f"The columns have very different scales: column {e.column(largest)} has a spread of "
        f"{number(data.column_spreads[largest])}, the "
        f"median one {number(data.column_spreads[largest] / data.scale_ratio)}. One squared error over all of them "
        "sees only the large "
        f"ones: {int(lost.sum())} of {count(int(known.sum()), 'column')} {'is' if lost.sum() == 1 else 'are'} reconstructed "
        "no better than by their own mean."
    )
    remedy = (
        "Standardize each column (scikit-learn's StandardScaler, fitted to x_train), and look at the error column by column."
    )
    return Said("broken" if lost.sum() > 0.5 * known.sum() else "weak", sentence, remedy, ("scale_ratio", "column_losses"))


SHIFTED, STRETCHED = 0.5, 1.5  # median over the columns, in the spreads of the training
DRIFTED = 0.5  # along one of the first principal components, in its spread


@rule(
    "sets_differ",
    read=(_08, "What else does it measure?"),
    explains=("whispering", "dead_units", "saturated_code", "copies_anything", "above_threshold", *QUALITY),
)
def sets_differ(data, ladder, e):
    drifts = data.drift > DRIFTED + 4 / np.sqrt(len(e.target_test))
    apart = data.shift > SHIFTED or not 1 / STRETCHED < data.stretch < STRETCHED or drifts
    if not data.separate_test or len(e.target_test) < FEW or not (apart or data.scaled_apart):
        return None
    worse = ladder.error > 1.5 * max(ladder.training_error, 1e-3 * ladder.mean_image_error)
    remedy = "Scale both sets with one scaler, fitted to x_train alone: scaler.fit(x_train), then scaler.transform of both."
    if apart:
        sentence = (
            f"x_test and x_train are not from one distribution: the means of the {e.words.cells} lie "
            f"{number(data.shift)} spreads apart (the median), and the spreads of x_test are "
            f"{number(data.stretch)} times those of x_train; along one of their first principal components the means are "
            f"{number(data.drift)} spreads apart."
        )
        if data.shift <= 1 and 0.5 < data.stretch < 2:
            remedy += " If the test rows are of another kind on purpose, that explains the error."
        fails = ladder.error > ladder.mean_image_error and ladder.training_error < 0.5 * ladder.mean_image_error
        another = data.shift > ANOTHER or not 1 / ANOTHER < data.stretch < ANOTHER
        severity = "broken" if another or (worse and fails) else "weak" if worse else "note"
        return Said(severity, sentence, remedy, ("shift", "stretch", "drift", "error", "training_error"))
    sentence = (
        "Both x_train and x_test are scaled exactly, each by itself: their columns have the same means and spreads to "
        "the last digit, which two samples never have."
    )
    return Said("weak" if worse else "note", sentence, remedy, ("scaled_apart", "error", "training_error"))


@rule("one_row", read=("00_start_here.ipynb", "How many numbers does a digit need?"), explains=("constant_output",))
def one_row(data, ladder, e):
    if not data.one_row:
        return None
    within = ladder.mean_image_error  # 0 for a row of one value
    left = ladder.error / within if within > 1e-12 else float(ladder.error > 1e-12)
    sentence = (
        f"All {e.words.rows} are the same, as in the first test of every network: can it memorize one row? The "
        "squared error is "
        f"{number(ladder.error)}, {share(left)} of the variance within it."
    )
    remedy = (
        "It can; now train with rows that differ."
        if left < 0.05
        else "If it was trained on this one for some hundred steps, it should be near 0: look at the range of the "
        "output, at the loss, "
        "and at whether the gradient arrives."
    )
    return Said("note", sentence, remedy, ("error", "mean_image_error"))


@rule("outliers", read=(_08, "What else does it measure?"))
def outliers(data, e):
    if not data.outliers:
        return None
    rows = sorted({row for row, _ in data.outliers})
    row, column = data.outliers[0]
    where, hold = "x_test" if e.separate else "x_train", "holds a value" if len(rows) == 1 else "hold values"
    value = float(e.target_test.reshape(len(e.target_test), -1)[row, column])
    sentence = (
        f"{count(len(rows), 'row')} of {where} {hold} far from all others; the first is row {e.test_rows[row]}, column "
        f"{e.column(column)}, with {number(value)}."
    )
    remedy = "Look whether it is a mistake in the data, or the anomaly that you look for; a mean error is decided by such rows."
    return Said("note", sentence, remedy, ("outliers",))


TAIL = 0.05  # of the test rows, where 0.01 is expected


@rule("above_threshold", read=(_08, "What else does it measure?"))
def above_threshold(data, ladder, e):
    if not data.separate_test or ladder.training_tail < TAIL or len(e.target_test) < FEW:
        return None
    sentence = (
        f"{share(ladder.training_tail)} of the test {e.words.rows} have an error above that of 99 % of the training "
        f"{e.words.rows}; for rows like those it would be 1 %."
    )
    remedy = (
        f"If x_test holds anomalies, this is good news. If not, fit a threshold to {e.words.rows} that the model was "
        "not trained with, "
        "never to those of the training."
    )
    return Said("note", sentence, remedy, ("training_tail",))


PERFECT = 1e-3  # of the loss of the mean row: by so much a perfect reconstruction may be worse, through rounding
GOOD_ENOUGH = 0.3  # of the mean row's error: then a strange loss does no harm
FLOOR = 0.3  # of the model's loss


@rule(
    "wrong_loss",
    read=(_04, "Is this loss right for grey pixels?"),
    explains=(
        "constant_output",
        "below_pca",
        "undertrained",
        "dead_units",
        "zero_gradient",
        "output_is_logits",
        "wrong_target",
        "loss_floor",
    ),
)
def wrong_loss(loss, data, ladder, output, e):
    if loss.loss_raises:
        sentence = f"The loss {loss.loss_name} fails on these {e.words.rows}: {loss.loss_raises}."
        return Said(
            "note", sentence, "Call it once with a target and a reconstruction, and see what it gives.", ("loss_raises",)
        )
    if loss.loss_of_target is None:
        return None
    keys = ("loss_of_target", "loss_of_mean", "loss_of_zeros", "loss_of_ones", "loss_of_made")
    others = {"the mean": loss.loss_of_mean, "zeros": loss.loss_of_zeros, "ones": loss.loss_of_ones}
    name, least = min(others.items(), key=lambda pair: pair[1] if np.isfinite(pair[1]) else np.inf)
    scale = max(abs(loss.loss_of_mean), abs(loss.loss_of_target), 1e-12)
    if not np.isfinite(loss.loss_of_target):
        sentence = f"The loss {loss.loss_name} of a perfect reconstruction is {loss.loss_of_target}."
        remedy = "Take logarithms only of what cannot be 0 (add 1e-7), or use the framework's own cross entropy."
        return Said("broken", sentence, remedy, keys)
    if least < loss.loss_of_target - PERFECT * scale:
        sentence = (
            f"The loss {loss.loss_name} is not least where the reconstruction is right: a perfect one costs "
            f"{number(loss.loss_of_target)}, {name} everywhere {number(least)}."
        )
        inside = data.image_low >= 0 and data.image_high <= 1
        remedy = (
            "Use the whole binary cross entropy, with both of its terms, or the squared error."
            if inside
            else "A cross entropy is made for values from 0 to 1: scale the data to that range, or use the squared error."
        )
        return Said("broken" if ladder.error > GOOD_ENOUGH * ladder.mean_image_error else "weak", sentence, remedy, keys)
    blind = abs(loss.loss_of_half - loss.loss_of_target) < PERFECT * abs(loss.loss_of_mean - loss.loss_of_target)
    # A cross entropy of shares that add up to 1 brings them to that sum itself.
    blind = blind and not e.sparse and output.last_activation != "softmax"
    if blind and ladder.error > GOOD_ENOUGH * ladder.mean_image_error:
        sentence = (
            f"The loss {loss.loss_name} does not see the scale: half of the target costs "
            f"{number(loss.loss_of_half)}, as the target itself."
        )
        return Said(
            "broken",
            sentence,
            "Use the squared error, or add it.",
            (*keys, "loss_of_half"),
        )
    return None


@rule("loss_floor", read=("02_why_784_784_784_stays_blurry.ipynb", "Is the training stuck?"))
def loss_floor(loss, ladder, e):
    floor, made = loss.loss_of_target, loss.loss_of_made
    if (
        floor is None
        or not np.isfinite(floor)
        or not np.isfinite(made)
        or made <= 0
        or floor < FLOOR * made
        or loss.loss_raises
    ):
        return None
    sentence = (
        f"Even a perfect reconstruction has a loss ({loss.loss_name}) of {number(floor)}, since the {e.words.cells} are not "
        f"only 0 and 1; the model's is {number(made)}."
    )
    return Said(
        "note",
        sentence,
        "Look at the squared error, or at how far the loss is above that floor.",
        ("loss_of_target", "loss_of_made"),
    )


OWN = 0.1  # correlation: exchanged rows have 0.02, undertrained models 0.4 and more
OTHER = 0.3  # of the error to the own row


@rule(
    "wrong_target",
    read=(_06, "Does the noise arrive?"),
    explains=("train_mode_differs", "copies_anything", "sets_differ", "above_threshold", "noise_left", *QUALITY),
)
def wrong_target(data, ladder, e):
    remedy = "Compare a few inputs with their targets side by side, before the training, and shuffle both with one order."
    if data.exchanged > 0.5:
        sentence = (
            f"{share(data.exchanged)} of the targets are another {e.words.row} of the input, exactly: the pairs were exchanged."
        )
        return Said("broken", sentence, remedy, ("exchanged",))
    if ladder.variation < 0.05 or data.one_row:
        return None
    if ladder.turned_error < 0.5 * ladder.error and ladder.turned_error < 0.6 * ladder.mean_image_error:
        sentence = (
            f"The reconstructions fit their targets when those are {ladder.turned}: the squared error is then "
            f"{number(ladder.turned_error)} instead of {number(ladder.error)}."
        )
        return Said("broken", sentence, remedy, ("turned", "turned_error", "error"))
    if abs(ladder.own_correlation) > OWN:
        return None
    keys = ("own_correlation", "input_correlation", "own_row_error", "other_row_error")
    if ladder.input_correlation > 0.5 and not e.own_target:
        sentence = (
            f"The reconstructions follow their input (correlation {ladder.input_correlation:.2f}) and not their target "
            f"({ladder.own_correlation:.2f}): input and target do not belong together."
        )
        return Said("broken", sentence, remedy, keys)
    if ladder.other_row_error < OTHER * ladder.own_row_error:
        sentence = (
            f"The reconstructions fit other {e.words.rows} than their own: they have a correlation of "
            f"{ladder.own_correlation:.2f} with "
            f"their own, and the nearest other one lies {number(ladder.own_row_error / ladder.other_row_error)} times as near."
        )
        return Said("broken", sentence, remedy, keys)
    return None


NO_STRUCTURE = 1.5  # of what pure noise has in its first principal component


def _only_noise_is_left(data, ladder, e):
    left = ladder.error / max(ladder.mean_image_error, 1e-12)
    known = e.own_target and not data.one_row and data.cells >= 8 and 0.1 < left < 1.05 and ladder.own_correlation > 0.3
    return known and ladder.leftover_structure < NO_STRUCTURE


@rule("noise_left", read=(_06, "What does the level do?"))
def noise_left(data, ladder, e):
    """Whether what is left is pure noise: then the model removes it, and is measured against the wrong thing."""
    left = ladder.error / max(ladder.mean_image_error, 1e-12)
    if not _only_noise_is_left(data, ladder, e):
        return None
    sentence = (
        f"What the model leaves out, {share(left)} of the variance, has no structure, so it looks like pure noise. "
        "A model that removes noise is measured against its clean target."
    )
    return Said(
        "note",
        sentence,
        "If it was trained to remove noise, hand over the clean rows too: target=...",
        ("leftover_structure", "error"),
    )
