"""From measured facts to findings: one small function a fault, which of them explain others, and where each is explained.

The thresholds were set on one half of the models of benchmarks/diagnose.py; its table is that of the other half.
"""

from dataclasses import dataclass

SEVERITIES = ("broken", "weak", "note")

NO_VARIATION = 0.02  # of the images' variance: below it, every reconstruction is the same picture
NO_BETTER = 0.95  # of the mean image's error
OUT_OF_REACH = 0.1  # of the mean image's error: what the output cannot reach at all
WORSE_THAN_PCA = 1.5
A_LITTLE_WORSE_THAN_PCA = 1.15
COARSE_KEPT, FINE_LOST = 0.7, 0.5  # gains of principal components
DEAD_SHARE, DEAD_SHARE_HIDDEN = 0.33, 0.5  # of the units of a code, and of a hidden layer
SATURATED_SHARE = 0.9
OVERFITTED = 1.6
MODE_RATIO = 1.4
COPIED = 0.25  # of the variance of noise: what is left when something near an identity rebuilds it
GOOD = 0.05  # of the mean image's error
WHISPER = 0.02  # spread of a unit of the code, for each unit of the weights that read it
OTHER_ROW = 0.3


@dataclass(frozen=True)
class Finding:
    """One thing that is the case with a model.

    Attributes
    ----------
    code : str
        Its short name, such as "dead_code".
    severity : {"broken", "weak", "note"}
        Whether the model does not work, works worse than it could, or only should be known.
    sentence : str
        What is the case, with its number.
    evidence : dict
        The measured values behind the sentence, a part of `Diagnosis.facts`.
    remedy : str
        One change to try.
    read : tuple of str
        The notebook and the heading under which it is explained.
    """

    code: str
    severity: str
    sentence: str
    evidence: dict
    remedy: str
    read: tuple


# The heading under which each is explained, and what it explains: a finding that rests on another is not repeated.
_QUALITY = ("constant_output", "below_pca", "undertrained", "overfitted")
READ = {
    "cannot_run": ("00_start_here.ipynb", "How many numbers does a digit need?"),
    "not_finite": ("04_the_grey_image_bug.ipynb", "What does an infinite loss do to a training?"),
    "input_scale": ("04_the_grey_image_bug.ipynb", "Is this loss right for grey pixels?"),
    "squeezed_output": ("04_the_grey_image_bug.ipynb", "And with two sigmoids?"),
    "output_is_logits": ("04_the_grey_image_bug.ipynb", "What did the figure draw?"),
    "wrong_target": ("06_denoising.ipynb", "Does the noise arrive?"),
    "never_moved": ("01_why_the_step_function_trains.ipynb", "Does a gradient arrive?"),
    "kl_collapse": ("07_mean_or_sum.ipynb", "How much noise is too much?"),
    "zero_gradient": ("03_why_the_2d_code_dies.ipynb", "Why does nothing move?"),
    "dead_code": ("03_why_the_2d_code_dies.ipynb", "What is in the code?"),
    "no_gradient": ("01_why_the_step_function_trains.ipynb", "Does a gradient arrive?"),
    "dead_units": ("03_why_the_2d_code_dies.ipynb", "How did it come to that?"),
    "saturated_code": ("03_why_the_2d_code_dies.ipynb", "Why does a sigmoid at the output save the code?"),
    "train_mode_differs": ("06_denoising.ipynb", "Which other traps are there?"),
    "overfitted": ("02_why_784_784_784_stays_blurry.ipynb", "Is the training stuck?"),
    "copies_anything": ("02_why_784_784_784_stays_blurry.ipynb", "Is there room for a copy?"),
    "whispering": ("05_sparse_codes.ipynb", "Small, or sparse?"),
    "constant_output": ("03_why_the_2d_code_dies.ipynb", "See it"),
    "undertrained": ("02_why_784_784_784_stays_blurry.ipynb", "What exactly is wrong with the picture?"),
    "below_pca": ("02_why_784_784_784_stays_blurry.ipynb", "Does a bottleneck keep bad features?"),
}
EXPLAINS = {
    "input_scale": (
        "squeezed_output",
        "saturated_code",
        "dead_units",
        "zero_gradient",
        "whispering",
        "wrong_target",
        *_QUALITY,
    ),
    "squeezed_output": ("dead_units", "saturated_code", "wrong_target", "whispering", *_QUALITY),
    "output_is_logits": ("squeezed_output",),
    "wrong_target": ("train_mode_differs", "copies_anything", *_QUALITY),
    "kl_collapse": ("dead_code", "zero_gradient", *_QUALITY),
    "saturated_code": ("dead_code", "zero_gradient", "constant_output", "below_pca", "undertrained"),
    "dead_code": ("dead_units", "zero_gradient", "whispering", "train_mode_differs", "kl_collapse", *_QUALITY),
    "zero_gradient": ("squeezed_output", "never_moved", "dead_units", *_QUALITY),
    "no_gradient": ("never_moved", "saturated_code", "whispering", "below_pca", "undertrained"),
    "never_moved": ("no_gradient", "dead_units", "train_mode_differs", "copies_anything", *_QUALITY),
    "dead_units": ("zero_gradient", "below_pca", "undertrained"),
    "train_mode_differs": ("output_is_logits", "overfitted", "constant_output", "below_pca", "undertrained"),
    "overfitted": ("copies_anything", "below_pca", "undertrained"),
    "constant_output": ("below_pca", "undertrained", "dead_units"),
    "undertrained": ("below_pca", "copies_anything"),
}


def unusable(facts):
    """Whether the model gave nothing that could be measured any further."""
    return bool(facts.get("raises") or facts.get("not_finite_images") or facts.get("not_finite_weights"))


def find(facts):
    """Return the findings, worst first, without those that another one explains."""
    if unusable(facts):
        return [_cannot_run(facts) if facts["raises"] else _not_finite(facts)]
    found = {finding.code: finding for finder in _FINDERS if (finding := finder(facts)) is not None}
    explained = {
        code
        for cause, others in EXPLAINS.items()
        if cause in found and found[cause].severity != "note"
        for code in others
        # In a circle, such as a dead code and a zero gradient, the one that stands first in the table explains the other.
        if not (cause in EXPLAINS.get(code, ()) and code in found and list(EXPLAINS).index(code) < list(EXPLAINS).index(cause))
    }
    kept = [finding for code, finding in found.items() if code not in explained]
    return sorted(kept, key=lambda finding: SEVERITIES.index(finding.severity))  # sorting keeps the table's order


def _finding(code, severity, facts, sentence, evidence, remedy):
    return Finding(code, severity, sentence, {name: facts[name] for name in evidence}, remedy, READ[code])


def _cannot_run(facts):
    sentence = f"The model cannot rebuild these images: {facts['raises']}"
    remedy = "Give the model images of the shape that it takes, and let its output have that shape too."
    return _finding("cannot_run", "broken", facts, sentence, ("raises",), remedy)


def _not_finite(facts):
    weights = facts["not_finite_weights"]
    if weights:
        sentence = f"{len(weights)} weight(s) hold NaN or infinite values, the first is {weights[0]}."
    else:
        sentence = f"{facts['not_finite_images']:.0%} of the reconstructions hold NaN or infinite values."
    remedy = "Train anew with a tenth of the learning rate, and take logarithms and divisions only of what cannot be 0."
    return _finding("not_finite", "broken", facts, sentence, ("not_finite_images", "not_finite_weights"), remedy)


def _unusual_scale(facts):
    return facts["image_high"] > 1.5 or facts["image_low"] < -0.05


def _input_scale(facts):
    if not _unusual_scale(facts) or facts["unreachable"] < OUT_OF_REACH:
        return None
    low, high = facts["reachable_low"], facts["reachable_high"]
    sentence = (
        f"The images go from {facts['image_low']:.3g} to {facts['image_high']:.3g}, but the model's output can only go from "
        f"{low:.3g} to {high:.3g}."
    )
    remedy = "Bring the pixels to [0, 1] (divide by 255, or undo the standardization) for a sigmoid, or make the output linear."
    keys = ("image_low", "image_high", "reachable_low", "reachable_high", "unreachable")
    return _finding("input_scale", "broken", facts, sentence, keys, remedy)


def _squeezed_output(facts):
    if _unusual_scale(facts) or facts["logits"]:
        return None
    keys = ("image_low", "image_high", "reachable_low", "reachable_high", "unreachable")
    if facts["outputs_add_up_to_one"] and facts["mean_sum"] > 2:
        sentence = f"The pixels of each reconstruction add up to 1, those of an image to {facts['mean_sum']:.0f}: a softmax."
        return _finding(
            "squeezed_output",
            "broken",
            facts,
            sentence,
            ("mean_sum",),
            "Put a sigmoid in the place of the softmax at the output.",
        )
    if facts["unreachable"] < OUT_OF_REACH:
        return None
    sentence = (
        f"The images go from {facts['image_low']:.3g} to {facts['image_high']:.3g}, but the model's output can only go from "
        f"{facts['reachable_low']:.3g} to {facts['reachable_high']:.3g}."
    )
    remedy = "Give the output one activation that reaches all values of the images: one sigmoid for [0, 1], and not a second."
    return _finding("squeezed_output", "broken", facts, sentence, keys, remedy)


def _output_is_logits(facts):
    if not facts["logits"]:
        return None
    told = facts["takes_logits"]
    sentence = (
        f"The output goes from {facts['output_low']:.3g} to {facts['output_high']:.3g}: these are logits. As pixels they have "
        f"a squared error of {facts['raw_error']:.3g}, behind a sigmoid one of {facts['error_after_sigmoid']:.3g}."
    )
    keys = ("output_low", "output_high", "raw_error", "error_after_sigmoid", "share_outside")
    remedy = "Apply a sigmoid to what the model gives before you draw or compare it; everything here was measured behind one."
    return _finding("output_is_logits", "note" if told else "broken", facts, sentence, keys, remedy)


def _wrong_target(facts):
    own, other, turned = facts["own_row_error"], facts["other_row_error"], facts["turned_error"]
    if facts["variation"] < NO_VARIATION * 5:
        return None
    remedy = "Compare a few inputs with their targets side by side, before the training, and shuffle both with one order."
    if turned < 0.5 * facts["error"] and turned < 0.6 * facts["mean_image_error"]:
        sentence = (
            f"The reconstructions fit their images when those are {facts['turned']}: the squared error is then {turned:.3g} "
            f"instead of {facts['error']:.3g}."
        )
        return _finding("wrong_target", "broken", facts, sentence, ("turned", "turned_error", "error"), remedy)
    if other < OTHER_ROW * own and own > 0.5 * facts["mean_image_error"]:
        sentence = (
            f"The reconstructions fit other images than their own: the median squared error to the nearest other one is "
            f"{other:.3g}, to their own {own:.3g}."
        )
        return _finding("wrong_target", "broken", facts, sentence, ("own_row_error", "other_row_error"), remedy)
    return None


def _never_moved(facts):
    still = facts.get("never_moved")
    if not still:
        return None
    everything = not facts["moved"]
    sentence = (
        "No kernel has moved since the beginning: this model was not trained."
        if everything
        else f"{len(still)} of {len(still) + len(facts['moved'])} kernels have not moved since the beginning, the first is "
        f"{still[0]}."
    )
    remedy = (
        "See whether the model that was trained is this one, whether the learning rate is not 0, and `trainable` not False."
        if everything
        else "See whether these layers are frozen (`trainable`) on purpose, and whether the loss depends on them."
    )
    return _finding("never_moved", "broken" if everything else "weak", facts, sentence, ("never_moved", "moved"), remedy)


def _kl_collapse(facts):
    if not facts["variational"]:
        return None
    units, silent = len(facts["kl_of_units"]), facts["silent_units"]
    if not silent:
        return None
    most = silent == units or (silent >= units / 2 and facts["error"] > 0.7 * facts["mean_image_error"])
    severity = "broken" if silent == units else "weak" if most else "note"
    weight = facts["kl_weight"]
    weighs = ""
    if weight is not None:
        of_sums = 1 / facts["pixels"]
        weighs = (
            f" The KL term has the weight {weight:.3g}; with {of_sums:.2g}, it and a mean over the {facts['pixels']} pixels "
            "would be sums alike."
        )
    sentence = f"{silent} of {units} units of the code carry nothing; the KL is {facts['kl']:.3g} nats an image.{weighs}"
    remedy = (
        "Sum the reconstruction loss over the pixels, as the KL term over the units, or divide the KL term by the pixels."
        if most
        else "No change, if the reconstructions are good enough: silent units cost nothing. A lighter KL term wakes more."
    )
    return _finding("kl_collapse", severity, facts, sentence, ("silent_units", "kl", "kl_weight", "kl_of_units"), remedy)


def _zero_gradient(facts):
    if not facts["zero_gradient"] or facts["error"] < 1e-4 * facts["mean_image_error"]:  # a perfect copy has nothing to learn
        return None
    first, zero = facts["zero_gradient"][0], facts["zero_kernels"]
    if zero:
        sentence = f"{len(zero)} kernel(s) are exactly 0, so that no gradient gets through; the first is {zero[0]}."
        remedy = "Begin with random kernels (`glorot_uniform`): from zeros, all units stay the same."
    else:
        sentence = f"The gradient of {len(facts['zero_gradient'])} kernel(s) is exactly 0, the first is {first}."
        remedy = "Look at the layer above: units that are off, saturated or cut off for all images pass no gradient."
    # A kernel that gets no gradient does no harm by itself: the model may still learn with the others.
    severity = "broken" if zero or not facts["with_gradient"] or facts["variation"] < NO_VARIATION else "weak"
    return _finding("zero_gradient", severity, facts, sentence, ("zero_gradient", "zero_kernels"), remedy)


def _dead_code(facts):
    dead = facts["code_size"] and facts["constant_units"] == facts["code_units"]
    if not dead or facts["variational"] or facts["zero_kernels"]:  # from zeros, nothing ever begins: the fault lies there
        return None
    never = "never above 0" if facts["never_above_zero"] else "the same for every image"
    sentence = f"All {facts['code_units']} units of the code are dead: they are {never}."
    remedy = "Make the code linear (or a leaky ReLU), or begin again with smaller steps."
    return _finding("dead_code", "broken", facts, sentence, ("constant_units", "code_units", "code_activation"), remedy)


def _no_gradient(facts):
    lost = facts["without_gradient"]
    if not lost:
        return None
    sentence = f"No gradient at all reaches {len(lost)} kernel(s), the first is {lost[0]}: they stay as they began."
    remedy = "Find the operation without a gradient (rounding, argmax, a step), and give it a straight-through gradient."
    return _finding("no_gradient", "weak", facts, sentence, ("without_gradient",), remedy)


def _dead_units(facts):
    keys = ("dead_by_layer", "constant_units", "code_units", "error", "pca_error") if facts["code_size"] else ("dead_by_layer",)
    for layer, (dead, units) in facts["dead_by_layer"].items():
        if dead == units and facts["variation"] < NO_VARIATION:
            sentence = f"All {units} units of the layer {layer} are off for every image."
            remedy = "Begin again with smaller steps, or use a leaky ReLU in this layer."
            return _finding("dead_units", "broken", facts, sentence, keys, remedy)
    counted = []
    if facts["code_size"] and not facts["variational"]:
        counted.append(("the code", facts["constant_units"], facts["code_units"], DEAD_SHARE))
    hidden = [(name, pair) for name, pair in facts["dead_by_layer"].items() if name != facts.get("code_layer")]
    counted += [(f"the layer {name}", *pair, DEAD_SHARE_HIDDEN) for name, pair in hidden]
    counted = [(name, dead, units) for name, dead, units, share in counted if dead >= share * units]
    if not counted:
        return None
    name, dead, units = max(counted, key=lambda one: one[1] / one[2])
    costs = _worse_than_pca(facts, A_LITTLE_WORSE_THAN_PCA) and not _holds_back(facts)
    sentence = f"{dead} of {units} units of {name} are the same for every image."
    remedy = (
        "Use a linear code or a leaky ReLU, or smaller steps at the beginning; or fewer units, if the error is good enough."
    )
    return _finding("dead_units", "weak" if costs else "note", facts, sentence, keys, remedy)


def _saturated_code(facts):
    if not facts["code_size"] or facts["saturated"] < SATURATED_SHARE or facts["at_upper_end"] < 0.05:
        return None
    sentence = (
        f"{facts['saturated']:.0%} of the code's values lie at the ends of its {facts['code_activation']}, where hardly any "
        "gradient passes."
    )
    severity = "weak" if _worse_than_pca(facts, A_LITTLE_WORSE_THAN_PCA) else "note"
    remedy = "Scale the input to [0, 1], begin with smaller kernels, or make the code linear."
    return _finding("saturated_code", severity, facts, sentence, ("saturated", "at_upper_end", "code_activation"), remedy)


def _train_mode_differs(facts):
    inside, outside = facts["error_in_training_mode"], facts["error_outside_training_mode"]
    keys = ("error_in_training_mode", "error_outside_training_mode", "batch_normalization", "dropout")
    if outside > MODE_RATIO * inside and outside - inside > 0.03 * facts["mean_image_error"]:
        sentence = f"The same images have a squared error of {inside:.3g} in training mode and of {outside:.3g} outside it" + (
            ": batch normalization uses other means there." if facts["batch_normalization"] else "."
        )
        remedy = (
            "Train longer, or with a smaller `momentum` of the batch normalization, until its moving means have settled."
            if facts["batch_normalization"]
            else "Let the training see images without noise too: draw the level of the noise anew for each image, from 0 on."
        )
        severity = "broken" if outside > 0.9 * facts["mean_image_error"] else "weak"
        return _finding("train_mode_differs", severity, facts, sentence, keys, remedy)
    if facts["dropout"] and inside > 1.1 * outside:
        sentence = f"With dropout on, the squared error is {inside:.3g}; off, as in use, it is {outside:.3g}."
        remedy = "No change is needed: it is why a validation loss can lie below the training loss."
        return _finding("train_mode_differs", "note", facts, sentence, keys, remedy)
    return None


def _overfitted(facts):
    apart = facts["error"] - facts["training_error"]
    if (
        not facts["separate_test"]
        or facts["error"] < OVERFITTED * facts["training_error"]
        or apart < 0.02 * facts["mean_image_error"]
    ):
        return None
    sentence = (
        f"The squared error is {facts['error']:.3g} on the test images, {facts['training_error']:.3g} on those of the training."
    )
    remedy = "Use more training images, add noise to them, make the code smaller, or stop earlier."
    return _finding("overfitted", "weak", facts, sentence, ("error", "training_error"), remedy)


def _copies_anything(facts):
    if "noise_error" not in facts or not facts["noise_variance"] or not facts["mean_image_error"]:
        return None
    left = facts["noise_error"] / facts["noise_variance"]
    if left > COPIED or facts["error"] > GOOD * facts["mean_image_error"]:
        return None
    sentence = f"The model rebuilds noise too, and leaves {left:.1%} of its variance: it copies, whatever it is shown."
    remedy = "Make the code smaller than the image, or train it to remove noise that you add."
    return _finding("copies_anything", "weak", facts, sentence, ("noise_error", "noise_variance", "error"), remedy)


def _whispering(facts):
    if (
        facts.get("loudness") is None
        or facts["loudness"] > WHISPER
        or facts["variational"]
        or facts["variation"] < NO_VARIATION
    ):
        return None
    sentence = (
        f"The units of the code move by {facts['unit_spread_median']:.2g} only, and the decoder's weights make it loud again "
        f"(length {facts['decoder_weights']:.2g} a unit): small activations, but no sparse code."
    )
    remedy = "Limit the decoder's weights (a norm constraint), or penalize a sparseness that does not change with the scale."
    return _finding("whispering", "weak", facts, sentence, ("loudness", "unit_spread_median", "decoder_weights"), remedy)


def _constant_output(facts):
    if facts["error"] < NO_BETTER * facts["mean_image_error"]:
        return None
    same = (
        "Every image gets nearly the same reconstruction"
        if facts["variation"] < NO_VARIATION
        else "The model has learned nothing"
    )
    sentence = f"{same}: its squared error is {facts['error']:.3g}, that of the mean image {facts['mean_image_error']:.3g}."
    remedy = (
        "Train longer, with Adam and its usual learning rate of 0.001; if that was done, put ReLU or linear layers in the "
        "place of sigmoids and of a softmax."
    )
    return _finding("constant_output", "broken", facts, sentence, ("variation", "error", "mean_image_error"), remedy)


def _holds_back(facts):
    """Whether the training asks for more than a small error: noise in it, or a penalty on activations."""
    return facts["random_in_training"] or facts["penalty_on_activations"] or facts["variational"]


def _pca_is_ahead(facts):
    """Whether PCA has what the model lacks: weights for every pixel, where convolutions share them, or numbers for bits."""
    return facts["code_is_map"] or facts["code_is_binary"]


def _worse_than_pca(facts, factor):
    return (
        bool(facts["code_size"])
        and facts["pca_error"] is not None
        and facts["error"] > factor * max(facts["pca_error"], 1e-3 * facts["mean_image_error"])
    )


def _undertrained(facts):
    gains = facts["gains"]
    # A price on the weights costs the fine components first too, and longer training does not bring them back.
    if gains is None or facts["penalty_on_weights"] or not _worse_than_pca(facts, WORSE_THAN_PCA):
        return None
    reach = min(facts["code_size"], facts["components"])
    coarse, kept = float(gains[: min(3, reach)].mean()), facts["components_matched"]
    if coarse < COARSE_KEPT or kept > FINE_LOST * reach:
        return None
    sentence = (
        f"The coarse principal components are kept ({coarse:.0%} of the first three), but the error of {facts['error']:.3g} is "
        f"that of PCA with {kept} components, and the code has {facts['code_size']} units."
    )
    remedy = "Train longer: the fine components come last."
    severity = "note" if _holds_back(facts) or _pca_is_ahead(facts) else "weak"
    return _finding(
        "undertrained", severity, facts, sentence, ("components_matched", "code_size", "error", "pca_error"), remedy
    )


def _below_pca(facts):
    if not _worse_than_pca(facts, A_LITTLE_WORSE_THAN_PCA):
        return None
    sentence = (
        f"PCA with as many components as the code has units ({facts['code_size']}) has a squared error of "
        f"{facts['pca_error']:.3g}, the model one of {facts['error']:.3g}."
    )
    holds = _holds_back(facts)
    if _pca_is_ahead(facts):
        sentence += " (PCA has weights of its own for every pixel and a code of real numbers, so that is much to ask here.)"
    weak = _worse_than_pca(facts, WORSE_THAN_PCA) and not holds and not _pca_is_ahead(facts)
    remedy = (
        "No change, if it is meant: noise and penalties in the training have a price. Train once without them to see it."
        if holds
        else "Train without `kernel_regularizer`, and see what is left."
        if facts["penalty_on_weights"]
        else "Train longer or with a smaller learning rate; if nothing helps, begin with fewer layers, and a linear code."
    )
    return _finding("below_pca", "weak" if weak else "note", facts, sentence, ("error", "pca_error", "code_size"), remedy)


_FINDERS = (
    _input_scale,
    _squeezed_output,
    _output_is_logits,
    _wrong_target,
    _never_moved,
    _kl_collapse,
    _zero_gradient,
    _dead_code,
    _no_gradient,
    _dead_units,
    _saturated_code,
    _train_mode_differs,
    _overfitted,
    _whispering,
    _constant_output,
    _undertrained,
    _copies_anything,
    _below_pca,
)
