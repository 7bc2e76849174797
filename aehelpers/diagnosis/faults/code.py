"""Faults of the code: dead, silent, saturated, soft, passed by."""

from aehelpers.diagnosis.faults.gradients import NO_VARIATION
from aehelpers.diagnosis.faults.words import number, share
from aehelpers.diagnosis.faults.yardsticks import A_LITTLE_WORSE_THAN_PCA, QUALITY, holds_back, pca_is_ahead, worse_than_pca
from aehelpers.diagnosis.rules import Said, rule

_03 = "03_why_the_2d_code_dies.ipynb"
_07 = "07_mean_or_sum.ipynb"


@rule(
    "kl_collapse",
    read=(_07, "How much noise is too much?"),
    explains=("dead_code", "zero_gradient", "ignored_code", "dead_units", *QUALITY),
)
def kl_collapse(code, ladder, data, e):
    if not code.variational or not code.silent_units:
        return None
    units, silent = len(code.kl_of_units), code.silent_units
    most = silent == units or (silent >= units / 2 and ladder.error > 0.7 * ladder.mean_image_error)
    severity = "broken" if silent == units else "weak" if most else "note"
    weighs = ""
    alike = 1 / data.cells
    if code.kl_weight is not None:
        weighs = f" The KL term has the weight {number(code.kl_weight)}"
        weighs += (
            "."
            if code.kl_weight < 1.5 * alike
            else (
                f"; at {number(alike)} (1/{data.cells}) both terms would be sums, if the loss is a mean over the "
                f"{data.cells} {e.words.cells}."
            )
        )
    sentence = (
        f"{silent} of {units} units of the code carry nothing; the KL term is {number(code.kl)} nats {e.words.a_row}.{weighs}"
    )
    # Summed squares stand for noise of variance 1/2: a direction in which the data vary less is not worth its nats.
    faint = (ladder.pca_errors[0] - ladder.pca_errors[min(1, ladder.components)]) * data.cells < NOISE_OF_SUMS
    summed = code.kl_weight is not None and code.kl_weight < 1.5 * alike
    remedy = f"Sum the reconstruction loss over the {data.cells} {e.words.cells}, as the KL term is summed over the units"
    remedy += f", or divide the KL term by {data.cells}."
    if faint or summed:
        left = code.pca_error if code.pca_error is not None else 0.1 * ladder.mean_image_error
        remedy = (
            f"Sum the squared error over the {data.cells} {e.words.cells} and divide it by twice the variance that may be left "
            f"in each, about {number(left)}, or let the model learn that variance: these {e.words.rows} vary so little that "
            "a plain sum is outweighed too."
            if faint
            else f"Make the KL term lighter: weigh it with about {number(2 * left / data.cells)} beside a mean of squares, or "
            "raise its weight slowly, from 0, during the training."
        )
    if not most:
        remedy = "No change, if the reconstructions are good enough: inactive units cost nothing. A lighter KL term wakes more."
    return Said(severity, sentence, remedy, ("silent_units", "kl", "kl_weight", "kl_of_units"))


NOISE_OF_SUMS = 0.5
FAR = 2.0  # root mean square of the codes; of the prior it is 1


@rule("kl_too_light", read=(_07, "How much noise is too much?"))
def kl_too_light(code, data, ladder, e):
    if not code.variational or code.code_reach < FAR or ladder.error > 0.9 * ladder.mean_image_error:
        return None
    sentence = (
        f"The codes lie {number(code.code_reach)} standard deviations of the prior from 0 (root mean square; it "
        "should be 1), and the KL "
        f"term is {number(code.kl)} nats {e.words.a_row}: what is decoded from a draw of the prior is not like the data."
    )
    remedy = (
        f"Make the KL term heavier, for example sums on both sides: the reconstruction loss summed over {data.cells} "
        f"{e.words.cells}, the KL "
        "term over the units, with weight 1. If you never draw from the prior, this does no harm."
    )
    return Said("weak", sentence, remedy, ("code_reach", "kl"))


@rule(
    "dead_code",
    read=(_03, "What is in the code?"),
    explains=(
        "dead_units",
        "dead_outputs",
        "zero_gradient",
        "whispering",
        "train_mode_differs",
        "kl_collapse",
        "ignored_code",
        *QUALITY,
    ),
)
def dead_code(code, data):
    # From kernels of zeros nothing ever begins: the fault lies there.
    if data.one_row or not code.code_size or code.constant_units != code.code_units or code.variational or code.zero_kernels:
        return None
    never = "never above 0" if code.never_above_zero else "the same for every row"
    units = (
        "unit of the code is dead: it is" if code.code_units == 1 else f"{code.code_units} units of the code are dead: they are"
    )
    sentence = f"{'The' if code.code_units == 1 else 'All'} {units} {never}."
    remedy = (
        "Make the code linear (or a leaky ReLU), or retrain with a smaller learning rate."
        if code.code_activation in ("relu", "relu6")
        else "Retrain with a smaller learning rate, and look at what comes before the code: something there is the same for "
        "every row."
    )
    return Said("broken", sentence, remedy, ("constant_units", "code_units", "code_activation"))


DEAD_SHARE, DEAD_SHARE_HIDDEN = 0.33, 0.5  # of the units of a code, and of a hidden layer


@rule("dead_units", read=(_03, "How did it come to that?"), explains=("zero_gradient", "below_pca", "undertrained"))
def dead_units(code, ladder, data, modes=None):
    if data.one_row:  # then every unit is the same for every row
        return None
    keys = ("dead_by_layer", "constant_units", "code_units", "error", "pca_error") if code.code_size else ("dead_by_layer",)
    for layer, (dead, units) in code.dead_by_layer.items():
        if dead == units and ladder.variation < NO_VARIATION:
            sentence = (
                f"All {units} units of the layer {layer} are off for every row."
                if units > 1
                else f"The one unit of the layer {layer} is off for every row."
            )
            return Said("broken", sentence, "Retrain with a smaller learning rate, or use a leaky ReLU in this layer.", keys)
    counted = []
    if code.code_size and not code.variational:
        counted.append(("the code", code.constant_units, code.code_units, DEAD_SHARE))
    hidden = [(name, pair) for name, pair in code.dead_by_layer.items() if name != code.code_layer]
    counted += [(f"the layer {name}", *pair, DEAD_SHARE_HIDDEN) for name, pair in hidden]
    counted = [(name, dead, units) for name, dead, units, part in counted if dead and dead >= part * units]
    if not counted:
        return None
    name, dead, units = max(counted, key=lambda one: one[1] / one[2])
    costs = worse_than_pca(code, ladder, A_LITTLE_WORSE_THAN_PCA) and not holds_back(modes, code) and not pca_is_ahead(code)
    sentence = f"{dead} of {units} units of {name} are the same for every row."
    remedy = (
        "Use a linear code or a leaky ReLU, or a smaller learning rate at the beginning; or fewer units, if the error is good "
        "enough."
    )
    return Said("weak" if costs else "note", sentence, remedy, keys)


SATURATED_SHARE = 0.9
AT_UPPER_END = 0.05


@rule(
    "saturated_code",
    read=(_03, "Why does a sigmoid at the output save the code?"),
    explains=("dead_code", "zero_gradient", "constant_output", "below_pca", "undertrained"),
)
def saturated_code(code, ladder):
    if not code.code_size or code.saturated < SATURATED_SHARE or code.at_upper_end < AT_UPPER_END:
        return None
    sentence = (
        f"{share(code.saturated)} of the code's values lie at the ends of its {code.code_activation}, where "
        "hardly any gradient passes."
    )
    severity = "weak" if worse_than_pca(code, ladder, A_LITTLE_WORSE_THAN_PCA) else "note"
    remedy = "Scale the input to [0, 1], begin with smaller kernels, or make the code linear."
    return Said(severity, sentence, remedy, ("saturated", "at_upper_end", "code_activation"))


WHISPER = 0.015  # spread of a unit of the code, for each unit of the weights that read it; of PCA it is about 1
WHISPER_CHARGED = 0.04  # the same, where the training charges for activations


@rule("whispering", read=("05_sparse_codes.ipynb", "Small, or sparse?"))
def whispering(code, ladder, modes=None):
    charged = modes is not None and modes.penalty_on_activations
    if (
        code.loudness is None
        or code.loudness > (WHISPER_CHARGED if charged else WHISPER)
        or code.variational
        or code.code_activation == "softmax"  # its units share a sum of 1, and are small for that
        or ladder.variation < NO_VARIATION
    ):
        return None
    sentence = (
        f"The units of the code move by {number(code.unit_spread_median)} only, and large weights of the decoder (length "
        f"{number(code.decoder_weights)} a unit) make up for it: a penalty on activations would be met without a sparse code."
    )
    remedy = (
        "If you want a sparse code, limit the length of the decoder's weights, or penalize a sparseness that does not change "
        "with the scale. If not, see why the encoder gives so little: small initial weights, or an encoder that is not trained."
    )
    # Without a penalty on activations, a quiet code does no harm by itself.
    return Said("weak" if charged else "note", sentence, remedy, ("loudness", "unit_spread_median", "decoder_weights"))


COPY = 0.1  # of the mean row's error
IGNORED = 0.2  # of a reconstruction that follows the narrowest layer


def _passed_by(code, ladder, e):
    return code.narrow_layer is not None and code.follows is not None and code.follows < IGNORED and ladder.variation > 0.05


@rule(
    "skip_copy",
    read=("02_why_784_784_784_stays_blurry.ipynb", "Is there room for a copy?"),
    explains=("copies_anything", "ignored_code", "overfitted"),
)
def skip_copy(code, ladder, e):
    if not _passed_by(code, ladder, e) or ladder.error > COPY * ladder.mean_image_error:
        return None
    sentence = (
        f"The reconstruction hardly depends on {code.narrow_layer}, the narrowest layer: with its rows exchanged, "
        f"{share(max(code.follows, 0))} "
        "of the reconstruction changes with them. Something passes beside it, and copies the rest."
    )
    remedy = (
        "Remove the skip connections, if the code is what you want; keep them for a denoiser, which has no use for the code."
    )
    return Said("weak" if e.own_target else "note", sentence, remedy, ("follows", "narrow_layer"))


@rule("ignored_code", read=(_07, "How much noise is too much?"), explains=("kl_collapse", "below_pca", "undertrained"))
def ignored_code(code, ladder, e):
    if not _passed_by(code, ladder, e):
        return None
    sentence = (
        f"The decoder ignores {code.narrow_layer}: with the rows of that layer exchanged, "
        f"{share(max(code.follows, 0))} of the reconstruction "
        "changes with them."
    )
    remedy = (
        "See what else the decoder gets (the target itself, a skip connection, a label), and make it weaker or leave it out."
    )
    return Said("weak" if e.own_target else "note", sentence, remedy, ("follows", "narrow_layer"))
