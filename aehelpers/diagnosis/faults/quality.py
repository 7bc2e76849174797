"""Faults of the result: no better than the mean, than PCA; too well on the rows of the training; a copy."""

from aehelpers.diagnosis.facts.examination import FEW
from aehelpers.diagnosis.faults.gradients import NO_VARIATION, describe
from aehelpers.diagnosis.faults.words import number, share
from aehelpers.diagnosis.faults.yardsticks import (
    A_LITTLE_WORSE_THAN_PCA,
    NO_BETTER,
    WORSE_THAN_PCA,
    holds_back,
    mixed_scales,
    pca_is_ahead,
    worse_than_pca,
)
from aehelpers.diagnosis.rules import Said, rule

_02 = "02_why_784_784_784_stays_blurry.ipynb"

COARSE_KEPT, FINE_LOST = 0.7, 0.5  # gains of principal components
OVERFITTED = 1.6
SOME_ROWS = 1.3  # of the error below which a tenth of the rows stay
MODE_RATIO = 1.4
COPIED = 0.25  # of the variance of noise: what is left when something near an identity rebuilds it
GOOD = 0.05  # of the mean row's error
PASSED = 0.5  # of what a code of that size must lose of noise
FAR_BEHIND, LITTLE_KEPT = 5, 0.3  # times the error of PCA, and left of the variance: no form of a code excuses that
MEANT = "No change, if it is meant: noise and penalties in the training have a price. Train once without them to see it."
MUCH_VARIATION = 0.3  # of the rows' variance: who gives so much has learned something, and not this
FINE = 0.03  # of the mean row's error: what the fine components must be worth, so that it matters that they are lost


@rule(
    "train_mode_differs",
    read=("06_denoising.ipynb", "Which other traps are there?"),
    explains=("output_is_logits", "overfitted", "kl_collapse", "constant_output", "below_pca", "undertrained"),
)
def train_mode_differs(modes, ladder):
    inside, outside = modes.error_in_training_mode, modes.error_outside_training_mode
    keys = ("error_in_training_mode", "error_outside_training_mode", "batch_normalization", "dropout")
    if outside > MODE_RATIO * inside and outside - inside > 0.03 * ladder.mean_image_error:
        sentence = (
            f"The same rows have a squared error of {number(inside)} in training mode and of {number(outside)} outside it"
            + (": batch normalization uses other means there." if modes.batch_normalization else ".")
        )
        remedy = (
            "Train longer, or let the batch normalization follow faster (a smaller `momentum` in Keras, a larger one "
            "in PyTorch), until its "
            "moving means have settled."
            if modes.batch_normalization
            else "Let the training see rows without noise too: draw the level of the noise anew for each row, from 0 on."
        )
        severity = "broken" if outside > 0.9 * ladder.mean_image_error else "weak"
        return Said(severity, sentence, remedy, keys)
    if modes.dropout and inside > 1.1 * outside:
        sentence = f"With dropout on, the squared error is {number(inside)}; off, as in use, it is {number(outside)}."
        remedy = "No change is needed: it is why a validation loss can lie below the training loss."
        return Said("note", sentence, remedy, keys)
    return None


@rule(
    "overfitted",
    read=(_02, "Is the training stuck?"),
    explains=("copies_anything", "below_pca", "undertrained", "above_threshold", "skip_copy"),
)
def overfitted(data, ladder, e):
    apart = ladder.error - ladder.training_error
    if not data.separate_test or ladder.error < OVERFITTED * ladder.training_error or apart < 0.02 * ladder.mean_image_error:
        return None
    if ladder.low_ratio < SOME_ROWS:  # the mean is moved by strange rows, the rest are reconstructed as well
        return None
    sentence = (
        f"The squared error is {number(ladder.error)} on the test {e.words.rows}, "
        f"{number(ladder.training_error)} on those of the training."
    )
    smaller = " make the code smaller," if e.probe.framework != "function" else ""
    remedy = f"Use more training {e.words.rows}, add noise to them,{smaller} or stop earlier."
    return Said("weak", sentence, remedy, ("error", "training_error"))


@rule("constant_output", read=("03_why_the_2d_code_dies.ipynb", "See it"), explains=("below_pca", "undertrained", "dead_units"))
def constant_output(data, ladder, code, e, gradients=None):
    if data.one_row or ladder.error < NO_BETTER * ladder.mean_image_error:
        return None
    same = (
        f"Every {e.words.row} gets nearly the same reconstruction"
        if ladder.variation < NO_VARIATION
        else "The model has learned nothing"
        if ladder.variation < MUCH_VARIATION
        else f"The reconstructions differ from {e.words.row} to {e.words.row}, but do not fit their {e.words.rows}"
    )
    sentence = (
        f"{same}: the squared error is {number(ladder.error)}, that of the {e.words.mean} {number(ladder.mean_image_error)}."
    )
    trained = describe(gradients)
    if trained.startswith("Adam") and (gradients.learning_rate or 1e-3) >= 3e-4 and trained.split()[0] in ("Adam", "AdamW"):
        ways = ["Train longer"]  # who uses Adam need not be told to
    else:
        ways = ["Train longer, with Adam and its usual learning rate of 0.001" + (f" in place of {trained}" if trained else "")]
    if ladder.variation >= MUCH_VARIATION:
        ways[0] = (
            "See whether input and target belong together: the same order of rows and of columns, the same scale; and whether "
            "what is scaled before the model is scaled back after it. If so, train longer"
        )
    squashing = [name for name in ("sigmoid", "hard_sigmoid", "softmax") if name in code.hidden_activations]
    if squashing:
        ways.append(
            f"if that was done, put ReLU or linear layers in the place of each {' and each '.join(squashing)} before the output"
        )
    if code.code_is_recurrent:
        ways.append("give the decoder more units and a Dense layer at its end, and repeat the code for every step")
    return Said("broken", sentence, "; ".join(ways) + ".", ("variation", "error", "mean_image_error"))


@rule("undertrained", read=(_02, "What exactly is wrong with the picture?"), explains=("below_pca", "copies_anything"))
def undertrained(ladder, code, data, e, modes=None):
    gains = ladder.gains
    # A price on the weights costs the fine components first too, and longer training does not bring them back.
    if gains is None or (modes is not None and modes.penalty_on_weights) or not worse_than_pca(code, ladder, WORSE_THAN_PCA):
        return None
    reach = min(code.code_size, ladder.components)
    if ladder.error - code.pca_error < FINE * ladder.mean_image_error:
        return None
    coarse, kept = float(gains[: min(3, reach)].mean()), ladder.components_matched
    if coarse < COARSE_KEPT or kept > FINE_LOST * reach:
        return None
    sentence = (
        f"The coarse principal components (the directions in which the {e.words.rows} vary most) are kept, "
        f"{share(coarse)} of the first "
        f"three, but the error of {number(ladder.error)} is that of PCA with {kept} of them, and the code has "
        f"{code.code_size} units."
    )
    severity = "note" if holds_back(modes, code) or pca_is_ahead(code) or mixed_scales(data) else "weak"
    keys = ("components_matched", "code_size", "error", "pca_error")
    remedy = MEANT if holds_back(modes, code) else "Train longer: the fine components come last."
    return Said(severity, sentence, remedy, keys)


@rule("copies_anything", read=(_02, "Is there room for a copy?"))
def copies_anything(ladder, strange, data, e, code=None):
    if not strange.noise_variance or not ladder.mean_image_error or len(e.target_test) < FEW:
        return None
    left = strange.noise_error / strange.noise_variance
    size = code.code_size if code is not None and code.code_size else data.cells
    # A code of k numbers keeps k of n parts of any noise: only who keeps more has a way around it.
    if left > COPIED or ladder.error > GOOD * ladder.mean_image_error:
        return None
    if size < data.cells and left > PASSED * (1 - size / data.cells):
        return None
    sentence = f"The model reconstructs noise too, and leaves {share(left)} of its variance: it copies whatever it is shown."
    remedy = f"Make the code smaller than the {e.words.row}, or train it to remove noise that you add."
    return Said("weak", sentence, remedy, ("noise_error", "noise_variance", "error"))


@rule("below_pca", read=(_02, "Does a bottleneck keep bad features?"))
def below_pca(ladder, code, data, e, modes=None):
    if not worse_than_pca(code, ladder, A_LITTLE_WORSE_THAN_PCA):
        return None
    sentence = (
        f"With {code.code_size} numbers {e.words.a_row}, as many as the code has, PCA (the best linear autoencoder) has a "
        f"squared error of {number(code.pca_error)}; the model has {number(ladder.error)}."
    )
    holds, ahead = holds_back(modes, code), pca_is_ahead(code)
    far = worse_than_pca(code, ladder, FAR_BEHIND) and ladder.error > LITTLE_KEPT * ladder.mean_image_error
    if ahead and not far:
        why = (
            "a code of free numbers, which this one has not"
            if code.code_is_discrete or code.code_activation == "softmax"
            else f"weights of its own for every {e.words.cell}, which these layers share"
        )
        sentence += f" (PCA has {why}: much to ask.)"
    much = worse_than_pca(code, ladder, WORSE_THAN_PCA) and ladder.error - code.pca_error > FINE * ladder.mean_image_error
    weak = much and not holds and (far or not ahead) and not mixed_scales(data)
    remedy = (
        MEANT
        if holds
        else "Train without `kernel_regularizer`, and see what is left."
        if modes is not None and modes.penalty_on_weights
        else "Train longer or with a smaller learning rate; if nothing helps, begin with fewer layers, and a linear code."
    )
    return Said("weak" if weak else "note", sentence, remedy, ("error", "pca_error", "code_size"))
