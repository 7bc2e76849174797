"""Each rule on facts made by hand: just inside of its threshold and just outside; its number, its remedy, its severity."""

import math
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest
from aehelpers.diagnosis.facts.code import Code
from aehelpers.diagnosis.facts.data import Data
from aehelpers.diagnosis.facts.examination import FEW, Examination
from aehelpers.diagnosis.facts.ladder import Ladder
from aehelpers.diagnosis.facts.loss import LossFacts
from aehelpers.diagnosis.facts.output import Output
from aehelpers.diagnosis.facts.strange import Strange
from aehelpers.diagnosis.facts.training import Gradients, Modes
from aehelpers.diagnosis.faults import code as C
from aehelpers.diagnosis.faults import data as D
from aehelpers.diagnosis.faults import gradients as G
from aehelpers.diagnosis.faults import output as Y
from aehelpers.diagnosis.faults import quality as Q
from aehelpers.diagnosis.faults import yardsticks as S
from aehelpers.diagnosis.faults.words import count, listed, number, share, weight
from aehelpers.diagnosis.rules import RULES

CELLS, ROWS = 20, 100
UP, DOWN = 1 + 1e-6, 1 - 1e-6

# Facts of a model of a table with which nothing is wrong, by step.
HEALTHY = {
    "data": Data(
        kind="table", framework="keras", rows=ROWS, cells=CELLS, separate_test=True, one_row=False, image_low=0.0,
        image_high=1.0, column_spreads=np.ones(CELLS), column_means=np.zeros(CELLS), two_valued=np.zeros(CELLS, bool),
        scale_ratio=1.0, spread_of_mean=1.0,
        outliers=[], shift=0.0, stretch=1.0, scaled_apart=False, drift=0.0, exchanged=0.0,
    ),
    "output": Output(output_high=1.0),
    "ladder": Ladder(
        mean_image_error=1.0, error=0.1, training_error=0.1, column_losses=np.full(CELLS, 0.1), variation=0.9,
        dead_outputs=np.array([], int), dead_variance=0.0, pca_errors=np.linspace(1, 0, CELLS + 1),
        components=CELLS, components_matched=18, gains=np.ones(CELLS), own_correlation=0.95,
        column_correlations=np.full(CELLS, 0.95), input_correlation=0.95, slope=1.0, own_row_error=0.1, other_row_error=1.0,
        turned="", turned_error=np.inf, low_ratio=1.0, training_tail=0.01,
        rescaled="", rescaled_error=np.inf, leftover_structure=5.0,
    ),
    "loss": LossFacts("mse", 0.0, 1.0, 1.5, 1.5, 0.25, 0.1),
    "code": Code(
        code_size=4, code_layer="code", code_activation="linear", code_units=4, pca_error=0.1, loudness=1.0,
        unit_spread_median=1.0, decoder_weights=1.0, follows=1.0, narrow_layer="code",
    ),
    "gradients": Gradients([], [], ["code/kernel"], None, None, [], 0.001, "Adam"),
    "modes": Modes(0.1, 0.1, False, False, False, False, False),
    "strange": Strange(1.0, 1.0),
}  # fmt: skip
NAMES = {field.name for section in HEALTHY.values() for field in fields(section)}


def patient(**changes):
    """Return the sections for rules: a healthy model, with some facts, or what is examined, changed."""
    rows = np.arange(ROWS * CELLS, dtype=np.float64).reshape(ROWS, CELLS)
    x = changes.pop("x", rows)
    inputs = changes.pop("inputs", 1)
    probe = SimpleNamespace(framework=changes.pop("probe", "keras"), number_of_inputs=lambda: inputs)
    target = changes.pop("target", x)
    e = Examination(probe, x, x, target, target, target, changes.pop("kind", "table"))
    e.column_names, e.test_rows = changes.pop("column_names", None), 10 * np.arange(ROWS)
    e.made = changes.pop("made", target)
    sections = {"e": e}
    for name, section in HEALTHY.items():
        own = {key: changes.pop(key) for key in list(changes) if key in {field.name for field in fields(section)}}
        sections[name] = type(section)(**{**vars(section), **own})
    assert not changes, f"no such facts: {changes}"
    return sections


def ask(code, **changes):
    sections, rule = patient(**changes), RULES[code]
    return rule.look(**{name: sections[name] for name in (*rule.needs, *rule.wants)})


def reaching(lost):
    return {"unreachable": lost, "image_low": -1.5, "reachable_low": -1.0, "reachable_high": 1.0}


def above(name, threshold, **more):
    """Return two patients, of which the first has a bit more than the threshold; and the reverse of that."""
    return {name: threshold * UP, **more}, {name: threshold * DOWN, **more}


def below(name, threshold, **more):
    return above(name, threshold, **more)[::-1]


def lost_columns(count_, loss):
    return np.where(np.arange(CELLS) < count_, loss, 0.0)


def large_column(spread):
    return np.where(np.arange(CELLS) < CELLS - 1, 1.0, spread)


def gains(first):
    return np.concatenate([np.full(3, first), np.zeros(CELLS - 3)])


APART = {"pca_error": 0.1, "error": 0.9, "components_matched": 1}
LARGE = {"kind": "images", "image_high": 255.0, "reachable_low": 0.0, "reachable_high": 1.0}

# Code, what is found, what is not, and words of the sentence, with its number.
PAIRS = [
    ("cannot_run", {"raises": "not today."}, {"raises": ""}, "cannot reconstruct these rows: not today."),
    ("input_scale", reaching(S.OUT_OF_REACH * UP), reaching(S.OUT_OF_REACH * DOWN), "go from -1.5 to 1, but"),
    ("input_scale", *above("image_high", 1.5, unreachable=0.5, reachable_high=1.0), "output never rises above 1."),
    ("input_scale", *above("image_high", D.VERY_LARGE, not_finite_weights=("a/kernel",)), "0 to 20; numbers of this size"),
    ("input_scale", *below("rescaled_error", D.FITS, error=1.0, rescaled="halved"), "halved, they come back with 50 %"),
    ("input_scale", *above("error", S.NO_BETTER, rescaled="halved", rescaled_error=0.01), "with 1 % of their variance lost"),
    ("input_scale", *above("slope", D.ANOTHER, error=9.0), "(correlation 0.95), but is 4 times as large"),
    ("input_scale", *above("own_correlation", D.FOLLOWS, error=9.0, slope=0.1), "(correlation 0.70), but is 0.1 times"),
    ("input_scale", {"column_correlations": np.full(CELLS, D.FOLLOWS_BY_COLUMN * UP), "error": 9.0,
      "column_losses": np.full(CELLS, 9.0)},
     {"column_correlations": np.full(CELLS, D.FOLLOWS_BY_COLUMN * DOWN), "error": 9.0, "column_losses": np.full(CELLS, 9.0)},
     "Column by column the output follows the rows (median correlation 0.80)"),
    ("input_scale", {"column_losses": lost_columns(11, 9.0), "error": 9.0},
     {"column_losses": lost_columns(10, 9.0), "error": 9.0}, "Column by column"),
    ("input_scale", {"column_losses": np.full(CELLS, S.NO_BETTER * UP), "error": 9.0},
     {"column_losses": np.full(CELLS, S.NO_BETTER * DOWN), "error": 9.0}, "on another scale: it goes from 0 to 1"),
    ("input_scale", *below("image_high", D.FAINT, kind="images", error=1.0), "0 to 0.02: divided by 255 twice?"),
    ("tiny_spread", *below("spread_of_mean", D.TINY, error=0.5), "is 2 % of its mean."),
    ("tiny_spread", *above("error", 0.2, spread_of_mean=0.001), "0.1 % of its mean"),
    ("tiny_spread", *above("error", S.WORSE_THAN_PCA * 0.2, spread_of_mean=0.0, pca_error=0.2), "30 % of the variance"),
    ("column_scales", {"column_spreads": large_column(99), "column_losses": lost_columns(10, 1.0)},
     {"column_spreads": large_column(99), "column_losses": lost_columns(10, 1.0), "two_valued": np.arange(CELLS) < 10},
     "10 of 20 columns"),
    ("column_scales", {"column_spreads": large_column(D.SCALES * UP), "column_losses": lost_columns(10, 1.0)},
     {"column_spreads": large_column(D.SCALES * DOWN), "column_losses": lost_columns(10, 1.0)}, "column 19 has a spread of 10"),
    ("column_scales", {"column_spreads": large_column(99), "column_losses": lost_columns(10, D.LOST * UP)},
     {"column_spreads": large_column(99), "column_losses": lost_columns(10, D.LOST * DOWN)}, "10 of 20 columns are"),
    ("column_scales", {"column_spreads": large_column(99), "column_losses": lost_columns(5, 1.0)},
     {"column_spreads": large_column(99), "column_losses": lost_columns(4, 1.0)}, "5 of 20 columns"),
    ("sets_differ", *above("shift", D.SHIFTED), "lie 0.5 spreads apart"),
    ("sets_differ", *above("stretch", D.STRETCHED), "are 1.5 times those"),
    ("sets_differ", *below("stretch", 1 / D.STRETCHED), "are 0.667 times those"),
    ("sets_differ", *above("drift", D.DRIFTED + 4 / math.sqrt(ROWS)), "the means are 0.9 spreads apart"),
    ("sets_differ", {"scaled_apart": True}, {}, "scaled exactly, each by itself"),
    ("sets_differ", {"shift": 3.0, "x": np.ones((FEW, 3))}, {"shift": 3.0, "x": np.ones((FEW - 1, 3))}, "lie 3 spreads"),
    ("sets_differ", {"shift": 3.0}, {"shift": 3.0, "separate_test": False}, "lie 3 spreads"),
    ("one_row", {"one_row": True}, {"one_row": False}, "squared error is 0.1, 10 % of the variance"),
    ("outliers", {"outliers": [(3, 1), (3, 2), (5, 0)]}, {},
     "2 rows of x_train hold values far from all others; the first is row 30, column 1, with 61."),
    ("above_threshold", *above("training_tail", D.TAIL), "5 % of the test rows"),
    ("wrong_loss", *below("loss_of_zeros", 1 - D.PERFECT, loss_of_target=1.0),
     "a perfect one costs 1, zeros everywhere 0.999."),
    ("wrong_loss", {"loss_of_target": np.nan}, {}, "of a perfect reconstruction is nan"),
    ("wrong_loss", {"loss_raises": "no logarithm"}, {}, "The loss mse fails on these rows: no logarithm"),
    ("wrong_loss", *below("loss_of_half", D.PERFECT, error=0.5), "does not see the scale: half of the target costs 0.001"),
    ("wrong_loss", *above("error", D.GOOD_ENOUGH, loss_of_half=0.0), "does not see the scale"),
    ("loss_floor", *above("loss_of_target", D.FLOOR * 0.1), "has a loss (mse) of 0.03"),
    ("wrong_target", *above("exchanged", 0.5), "50 % of the targets are another row"),
    ("wrong_target", *below("turned_error", 0.05, turned="mirrored"),
     "when those are mirrored: the squared error is then 0.05 instead of 0.1."),
    ("wrong_target", *below("own_correlation", D.OWN, other_row_error=0.01),
     "correlation of 0.10 with their own, and the nearest other one lies 10 times"),
    ("wrong_target", *below("other_row_error", D.OTHER * 0.1, own_correlation=0.0), "lies 3.33 times as near"),
    ("wrong_target", *above("input_correlation", 0.5, own_correlation=0.0, target=np.ones((ROWS, CELLS))),
     "(correlation 0.50) and not their target (0.00)"),
    ("noise_left", *below("leftover_structure", D.NO_STRUCTURE, error=0.3), "30 % of the variance, has no structure"),
    ("never_moved", {"never_moved": ["code/kernel"], "moved": ["a/kernel"] * 2}, {"never_moved": [], "moved": ["a/kernel"]},
     "1 of 3 kernels have not moved since the beginning, the first is the kernel of code."),
    ("never_moved", {"never_moved": ["code/kernel"], "moved": []}, {}, "No kernel has moved"),
    ("never_moved", *above("error", S.WORSE_THAN_PCA * 0.1, frozen=["code/kernel"]), "1 kernel is frozen"),
    ("never_moved", {"frozen": ["a/kernel"] * 2, "error": 0.4}, {"frozen": [], "error": 0.4}, "2 kernels are frozen"),
    ("never_moved", *above("error", S.NO_BETTER, frozen=["a/kernel"], code_size=None), "1 kernel is frozen"),
    ("step_fails", {"stuck": ["0.weight", "1.weight"]}, {},
     "2 weights get a gradient and do not move when an optimizer steps; the first is 0.weight."),
    ("unregistered_weights", {"unregistered": ["a/kernel", "a/bias"]}, {"unregistered": []},
     "2 weights used in the forward pass are not among the model's own weights, the first is the kernel of a: the optimizer"),
    ("no_gradient", {"without_gradient": ["code/kernel"]}, {},
     "No gradient at all reaches 1 kernel, the first is the kernel of code: it stays"),
    ("zero_gradient", *above("error", G.PERFECT, zero_gradient=["code/kernel"]),
     "of 1 kernel is exactly 0, the first is the kernel of code"),
    ("not_finite", {"not_finite_rows": 0.25}, {}, "25 % of the reconstructions hold NaN"),
    ("not_finite", {"not_finite_weights": ("code/bias",)}, {},
     "1 weight holds NaN or infinite values, the first is the bias of code"),
    ("squeezed_output", *above("unreachable", S.OUT_OF_REACH, reachable_low=0.5, reachable_high=0.731),
     "0 to 1, but the model's output can only go from 0.5 to 0.731"),
    ("squeezed_output", *above("target_sum", 2.0, adds_up_to_one=True, last_activation="softmax"),
     "add up to 1, those of a row to 2: a softmax"),
    ("output_is_logits", {"logits": True, "raw_error": 9.0, "error_after_sigmoid": 0.5}, {},
     "squared error of 9, after a sigmoid one of 0.5"),
    ("rows_mixed", *above("depends_on_batch", Y.DEPENDS), "changes by 0.1 % of the variance"),
    ("dead_outputs", *above("dead_variance", Y.DEAD_VARIANCE, dead_outputs=np.array([3, 7]), made=np.zeros((ROWS, CELLS))),
     "The output for columns 3 and 7 is always 0, and there 5 % of the variance is lost."),
    ("kl_collapse", {"variational": True, "kl_of_units": np.ones(4), "silent_units": 1, "kl": 3.5},
     {"variational": True, "kl_of_units": np.ones(4)}, "1 of 4 units of the code carry nothing; the KL term is 3.5"),
    ("kl_too_light", *above("code_reach", C.FAR, variational=True, kl=80.0), "lie 2 standard deviations of the prior from 0"),
    ("dead_code", {"constant_units": 4}, {"constant_units": 3}, "All 4 units of the code are dead"),
    ("dead_units", {"code_units": 1000, "constant_units": math.ceil(1000 * C.DEAD_SHARE)},
     {"code_units": 1000, "constant_units": math.ceil(1000 * C.DEAD_SHARE) - 1}, "of 1000 units of the code are the same"),
    ("dead_units", {"dead_by_layer": {"a": (0, 9), "b": (math.ceil(1000 * C.DEAD_SHARE_HIDDEN), 1000)}},
     {"dead_by_layer": {"b": (math.ceil(1000 * C.DEAD_SHARE_HIDDEN) - 1, 1000)}}, "of 1000 units of the layer b are the same"),
    ("saturated_code", *above("saturated", C.SATURATED_SHARE, at_upper_end=0.5, code_activation="tanh"),
     "90 % of the code's values lie at the ends of its tanh"),
    ("saturated_code", *above("at_upper_end", C.AT_UPPER_END, saturated=1.0), "100 % of the code's values"),
    ("whispering", *below("loudness", C.WHISPER, unit_spread_median=0.012, decoder_weights=0.6),
     "move by 0.012 only, and large weights of the decoder (length 0.6"),
    ("whispering", {"loudness": 0.001}, {"loudness": 0.001, "code_activation": "softmax"}, "large weights of the decoder"),
    ("whispering", *below("loudness", C.WHISPER_CHARGED, penalty_on_activations=True), "a penalty on activations would be met"),
    ("skip_copy", *below("follows", C.IGNORED, error=0.05), "with its rows exchanged, 20 % of the reconstruction"),
    ("skip_copy", *below("error", C.COPY, follows=0.0), "0 % of the reconstruction"),
    ("ignored_code", *below("follows", C.IGNORED), "ignores code: with the rows of that layer exchanged, 20 %"),
    ("train_mode_differs", *above("error_outside_training_mode", Q.MODE_RATIO * 0.1),
     "of 0.1 in training mode and of 0.14 outside it."),
    ("train_mode_differs", *above("error_in_training_mode", 0.11, dropout=True),
     "With dropout on, the squared error is 0.11; off, as in use, it is 0.1."),
    ("overfitted", *above("error", Q.OVERFITTED * 0.1, low_ratio=9.0),
     "squared error is 0.16 on the test rows, 0.1 on those"),
    ("overfitted", *above("low_ratio", Q.SOME_ROWS, error=0.9), "0.9 on the test rows"),
    ("constant_output", *above("error", S.NO_BETTER), "squared error is 0.95, that of the mean row 1."),
    ("undertrained", {**APART, "gains": gains(Q.COARSE_KEPT * UP)}, {**APART, "gains": gains(Q.COARSE_KEPT * DOWN)},
     "70 % of the first three, but the error of 0.9 is that of PCA with 1 of them, and the code has 4 units"),
    ("undertrained", {**APART, "code_size": 10, "components_matched": math.floor(10 * Q.FINE_LOST)},
     {**APART, "code_size": 10, "components_matched": math.floor(10 * Q.FINE_LOST) + 1}, "the code has 10 units"),
    ("undertrained", *above("error", S.WORSE_THAN_PCA * 0.1, components_matched=1), "100 % of the first three"),
    ("undertrained", *above("error", Q.FINE + 0.001, pca_error=0.001, components_matched=1), "is that of PCA with 1 of them"),
    ("below_pca", *above("error", S.NOTHING_LEFT, pca_error=0.001), "squared error of 0.001; the model has 0.01."),
    ("copies_anything", *below("noise_error", Q.PASSED * 0.2, error=0.01, code_size=16), "leaves 10 % of its variance"),
    ("copies_anything", {"noise_error": 0.1, "error": 0.01, "x": np.ones((FEW, CELLS))},
     {"noise_error": 0.1, "error": 0.01, "x": np.ones((FEW - 1, CELLS))}, "leaves 10 % of its variance"),
    ("copies_anything", *below("noise_error", Q.COPIED, error=0.01), "leaves 25 % of its variance"),
    ("copies_anything", *below("error", Q.GOOD, noise_error=0.1), "leaves 10 % of its variance"),
    ("below_pca", *above("error", S.A_LITTLE_WORSE_THAN_PCA * 0.1),
     "squared error of 0.1; the model has 0.115"),
]  # fmt: skip


class TestThresholds:
    @pytest.mark.parametrize(("code", "inside", "outside", "words"), PAIRS)
    def test_just_inside_and_just_outside(self, code, inside, outside, words):
        said = ask(code, **inside)
        assert said is not None and words in said.sentence and said.remedy.endswith(".")
        assert set(said.evidence) <= NAMES
        assert ask(code, **outside) is None

    @pytest.mark.parametrize("code", RULES)
    def test_each_rule_has_such_a_pair_and_says_nothing_of_a_healthy_model(self, code):
        assert code in {pair[0] for pair in PAIRS}, f"PAIRS has no patient just inside and just outside {code}"
        assert ask(code) is None


SEVERITIES = [
    ("rows_mixed", {"depends_on_batch": Y.MIXED_UP * UP}, "broken"),
    ("rows_mixed", {"depends_on_batch": Y.MIXED_UP * DOWN}, "weak"),
    ("rows_mixed", {"depends_on_batch": Y.DEPENDS, "error": S.NO_BETTER * UP}, "broken"),
    ("rows_mixed", {"depends_on_batch": Y.DEPENDS, "error": S.NO_BETTER * DOWN}, "weak"),
    ("tiny_spread", {"spread_of_mean": 0.0, "error": S.NO_BETTER * UP}, "broken"),
    ("tiny_spread", {"spread_of_mean": 0.0, "error": S.NO_BETTER * DOWN}, "weak"),
    ("column_scales", {"column_spreads": large_column(99), "column_losses": lost_columns(11, 1.0)}, "broken"),
    ("column_scales", {"column_spreads": large_column(99), "column_losses": lost_columns(10, 1.0)}, "weak"),
    ("sets_differ", {"shift": 3.0, "error": 2.0}, "broken"),
    ("sets_differ", {"shift": 3.0, "error": 0.5}, "weak"),
    ("sets_differ", {"shift": 3.0}, "note"),
    ("sets_differ", {"shift": D.ANOTHER * UP}, "broken"),
    ("below_pca", {"error": 0.3, "code_size": 4, "components_matched": 3}, "weak"),
    ("below_pca", {"error": 0.3, "code_size": 4, "components_matched": 3, "scale_ratio": S.MIXED * UP}, "note"),
    ("wrong_loss", {"loss_of_ones": -1.0, "error": 0.5}, "broken"),
    ("wrong_loss", {"loss_of_ones": -1.0}, "weak"),
    ("never_moved", {"never_moved": ["a/kernel"], "moved": []}, "broken"),
    ("never_moved", {"never_moved": ["a/kernel"], "moved": ["b/kernel"]}, "weak"),
    ("unregistered_weights", {"unregistered": ["a/kernel"]}, "broken"),
    ("zero_gradient", {"zero_gradient": ["a/kernel"]}, "weak"),
    ("zero_gradient", {"zero_gradient": ["a/kernel"], "with_gradient": []}, "broken"),
    ("zero_gradient", {"zero_gradient": ["a/kernel"], "zero_kernels": ("a/kernel",)}, "broken"),
    ("zero_gradient", {"zero_gradient": ["a/kernel"], "variation": G.NO_VARIATION * DOWN}, "broken"),
    ("output_is_logits", {"logits": True}, "broken"),
    ("output_is_logits", {"logits": True, "takes_logits": True}, "note"),
    ("dead_outputs", {"dead_outputs": np.array([3]), "dead_variance": Y.MOST * UP}, "broken"),
    ("dead_outputs", {"dead_outputs": np.array([3]), "dead_variance": Y.MOST * DOWN}, "weak"),
    ("kl_collapse", {"variational": True, "kl_of_units": np.ones(4), "silent_units": 4}, "broken"),
    ("kl_collapse", {"variational": True, "kl_of_units": np.ones(4), "silent_units": 2, "error": 0.8}, "weak"),
    ("kl_collapse", {"variational": True, "kl_of_units": np.ones(4), "silent_units": 2}, "note"),
    ("dead_units", {"dead_by_layer": {"a": (9, 9)}, "variation": 0.01}, "broken"),
    ("dead_units", {"dead_by_layer": {"a": (9, 9)}, "error": 0.3}, "weak"),
    ("dead_units", {"dead_by_layer": {"a": (9, 9)}}, "note"),
    ("dead_units", {"dead_by_layer": {"a": (9, 9)}, "error": 0.3, "random_in_training": True}, "note"),
    ("dead_units", {"dead_by_layer": {"a": (9, 9)}, "error": 0.3, "code_is_map": True}, "note"),
    ("saturated_code", {"saturated": 1.0, "at_upper_end": 0.5, "error": 0.3}, "weak"),
    ("saturated_code", {"saturated": 1.0, "at_upper_end": 0.5}, "note"),
    ("whispering", {"loudness": 0.001}, "note"),
    ("whispering", {"loudness": 0.001, "penalty_on_activations": True}, "weak"),
    ("never_moved", {"frozen": ["a/kernel"], "error": 0.4}, "weak"),
    ("ignored_code", {"follows": 0.0}, "weak"),
    ("ignored_code", {"follows": 0.0, "target": np.ones((ROWS, CELLS))}, "note"),
    ("train_mode_differs", {"error_outside_training_mode": 0.95}, "broken"),
    ("train_mode_differs", {"error_outside_training_mode": 0.5}, "weak"),
    ("train_mode_differs", {"error_in_training_mode": 0.5, "dropout": True}, "note"),
    ("undertrained", APART, "weak"),
    ("undertrained", {**APART, "penalty_on_activations": True}, "note"),
    ("undertrained", {**APART, "code_is_map": True}, "note"),
    ("below_pca", {"error": S.WORSE_THAN_PCA * 0.1 * UP}, "weak"),
    ("below_pca", {"error": S.WORSE_THAN_PCA * 0.1 * DOWN}, "note"),
    ("below_pca", {"error": 0.9, "random_in_training": True}, "note"),
    ("below_pca", {"error": Q.FAR_BEHIND * 0.1 * DOWN, "code_is_recurrent": True}, "note"),
    ("below_pca", {"error": Q.FAR_BEHIND * 0.1 * UP, "code_is_recurrent": True}, "weak"),
    ("below_pca", {"error": Q.LITTLE_KEPT * DOWN, "pca_error": 0.01, "code_activation": "softmax"}, "note"),
    ("below_pca", {"error": Q.LITTLE_KEPT * UP, "pca_error": 0.01, "code_is_discrete": True}, "weak"),
]


SENTENCES = [
    ("dead_units", {"dead_by_layer": {"a": (1, 1)}, "variation": 0.0}, "The one unit of the layer a is off"),
    ("dead_units", {"dead_by_layer": {"a": (9, 9)}, "variation": 0.0}, "All 9 units of the layer a are off"),
    ("dead_code", {"constant_units": 1, "code_units": 1}, "The unit of the code is dead: it is the same"),
    ("one_row", {"one_row": True, "mean_image_error": 0.0, "error": 0.0}, "squared error is 0, 0 % of"),
    ("one_row", {"one_row": True, "mean_image_error": 0.0, "error": 0.5}, "squared error is 0.5, 100 % of"),
    ("constant_output", {"error": 1.0, "variation": G.NO_VARIATION * DOWN}, "Every row gets nearly the same reconstruction"),
    ("constant_output", {"error": 1.0, "variation": G.NO_VARIATION * UP}, "The model has learned nothing"),
    ("constant_output", {"error": 1.0, "variation": Q.MUCH_VARIATION * DOWN}, "The model has learned nothing"),
    ("constant_output", {"error": 1.0, "variation": Q.MUCH_VARIATION * UP}, "The reconstructions differ from row to row"),
    ("outliers", {"outliers": [(3, 1)]}, "1 row of x_train holds a value"),
    (
        "unregistered_weights",
        {"unregistered": ["layers.0.weight"], "probe": "torch"},
        "1 weight used in the forward pass is not among `model.parameters()`, the first is layers.0.weight",
    ),
    ("no_gradient", {"without_gradient": ["a/kernel", "b/kernel"]}, "2 kernels, the first is the kernel of a: they stay"),
    ("input_scale", {"unreachable": 0.5, "image_low": -9.0, "reachable_low": -1.0}, "output never falls below -1."),
]


class TestSeverities:
    @pytest.mark.parametrize(("code", "facts", "severity"), SEVERITIES)
    def test_how_bad_it_is(self, code, facts, severity):
        assert ask(code, **facts).severity == severity


MEAN = {"error": 1.0, "variation": 0.0}


REMEDIES = [
    ("constant_output", {**MEAN, "optimizer": "Adam"}, "Train longer.", "Adam"),
    ("constant_output", {**MEAN, "optimizer": "AdamW", "learning_rate": None}, "Train longer.", "Adam"),
    ("constant_output", {**MEAN, "learning_rate": 1e-5},
     "of 0.001 in place of Adam with a learning rate of 0.00001", ";"),
    ("constant_output", {**MEAN, "optimizer": "SGD", "learning_rate": 0.01},
     "in place of SGD with a learning rate of 0.01", "sigmoid"),
    ("constant_output", {**MEAN, "optimizer": None}, "with Adam and its usual learning rate of 0.001.", "place"),
    ("constant_output", {**MEAN, "hidden_activations": ("sigmoid", "relu")},
     "in the place of each sigmoid before", "softmax"),
    ("constant_output", {**MEAN, "hidden_activations": ("softmax", "sigmoid")},
     "each sigmoid and each softmax before", "Adam"),
    ("constant_output", {**MEAN, "code_is_recurrent": True}, "repeat the code for every step", "sigmoid"),
    ("cannot_run", {"raises": "no", "fitting": "x[..., None]"},
     "Hand over x[..., None]: the model takes that", "target="),
    ("cannot_run", {"raises": "no", "probe": "function"}, "See which shape the function takes", "the model"),
    ("cannot_run", {"raises": "no", "probe": "function"}, "call it on x_test[:2] to read the whole error", "the model"),
    ("cannot_run", {"raises": "no", "inputs": 2}, "takes 2 arrays: hand them over together", "shape"),
    ("input_scale", {**LARGE, "unreachable": 0.5, "last_activation": "sigmoid"},
     "remove the final sigmoid", "column"),
    ("input_scale", {**LARGE, "kind": "table", "unreachable": 0.5, "last_activation": "relu"},
     "Remove the final relu", "pixels"),
    ("input_scale", {"kind": "images", "image_high": 255.0, "not_finite_weights": ("a/kernel",)},
     "Divide the pixels by 255", "Scaler"),
    ("input_scale", {"image_high": 255.0, "not_finite_weights": ("a/kernel",)}, "StandardScaler", "pixels"),
    ("sets_differ", {"shift": 0.9}, "of another kind on purpose", "weak"),
    ("sets_differ", {"shift": 1.1}, "with one scaler, fitted to x_train", "on purpose"),
    ("sets_differ", {"stretch": 2.1}, "with one scaler, fitted to x_train", "on purpose"),
    ("sets_differ", {"stretch": 0.49}, "with one scaler, fitted to x_train", "on purpose"),
    ("one_row", {"one_row": True, "error": 0.001}, "It can; now", "gradient"),
    ("one_row", {"one_row": True, "error": 0.5}, "whether the gradient arrives", "It can"),
    ("wrong_loss", {"loss_of_ones": -1.0}, "both of its terms", "scale the data"),
    ("wrong_loss", {"loss_of_ones": -1.0, "image_low": -2.0}, "scale the data to that range", "both of its terms"),
    ("step_fails", {"stuck": ["a"], "probe": "torch"}, "contiguous", "float16"),
    ("step_fails", {"stuck": ["a/kernel"]}, "float16", "PyTorch"),
    ("unregistered_weights", {"unregistered": ["layers.0.weight"], "probe": "torch"}, "`nn.ModuleList`", "Lambda"),
    ("unregistered_weights", {"unregistered": ["a/kernel"]}, "`add_weight`", "nn."),
    ("no_gradient", {"without_gradient": ["a"], "probe": "torch"}, "detach()", "straight-through"),
    ("no_gradient", {"without_gradient": ["a/kernel"]}, "straight-through", "detach"),
    ("zero_gradient", {"zero_gradient": ["a"], "code_is_discrete": True, "probe": "torch"},
     "torch.round(z) - z", "Begin"),
    ("zero_gradient", {"zero_gradient": ["a/kernel"], "code_is_discrete": True}, "Look at the layer above", "torch"),
    ("zero_gradient", {"zero_gradient": ["a/kernel"], "zero_kernels": ("a/kernel",)},
     "Begin with random kernels (`glorot_uniform`)", "saturated"),
    ("zero_gradient", {"zero_gradient": ["a"], "zero_kernels": ("a",), "probe": "torch"}, "`torch.nn.init.xavier_uniform_`",
     "glorot"),
    ("never_moved", {"never_moved": ["a"], "moved": [], "probe": "torch"}, "`requires_grad`", "trainable"),
    ("never_moved", {"never_moved": ["a"], "moved": ["b"], "probe": "torch"}, "`requires_grad`", "trainable"),
    ("never_moved", {"never_moved": ["a/kernel"], "moved": []}, "`trainable`", "requires_grad"),
    ("never_moved", {"frozen": ["a/kernel"], "error": 1.0}, "`trainable`", "requires_grad"),
    ("never_moved", {"frozen": ["a/kernel"], "error": 1.0, "probe": "torch"}, "`requires_grad`", "trainable"),
    ("never_moved", {"never_moved": ["a/kernel"], "moved": ["b/kernel"]}, "`trainable`", "requires_grad"),
    ("dead_outputs", {"dead_outputs": np.array([3]), "dead_variance": 0.3, "last_activation": "relu"},
     "Remove the relu from", "weights"),
    ("dead_outputs", {"dead_outputs": np.array([3]), "dead_variance": 0.3}, "Look at the weights", "Take"),
    ("kl_collapse", {"variational": True, "kl_of_units": np.ones(4), "silent_units": 4},
     "divide the KL term by 20.", "No change"),
    ("kl_collapse", {"variational": True, "kl_of_units": np.ones(4), "silent_units": 4, "kl_weight": 1 / CELLS},
     "about 0.01 beside a mean of squares", "divide the KL term"),
    ("kl_collapse", {"variational": True, "kl_of_units": np.ones(4), "silent_units": 4, "pca_errors": np.linspace(0.4, 0, 21)},
     "divide it by twice the variance that may be left in each, about 0.1,", "divide the KL term"),
    ("kl_collapse", {"variational": True, "kl_of_units": np.ones(4), "silent_units": 1}, "No change", "Sum"),
    ("dead_code", {"constant_units": 4, "code_activation": "relu"}, "leaky ReLU", "look at what comes before"),
    ("dead_code", {"constant_units": 4}, "look at what comes before", "leaky"),
    ("train_mode_differs", {"error_outside_training_mode": 0.5, "batch_normalization": True}, "`momentum`", "noise"),
    ("train_mode_differs", {"error_outside_training_mode": 0.5}, "rows without noise", "normalization"),
    ("below_pca", {"error": 0.9, "penalty_on_activations": True}, "have a price", "regularizer"),
    ("below_pca", {"error": 0.9, "penalty_on_weights": True}, "without `kernel_regularizer`", "longer"),
    ("below_pca", {"error": 0.9}, "Train longer", "regularizer"),
]  # fmt: skip


class TestRemedies:
    @pytest.mark.parametrize(("code", "facts", "words"), SENTENCES)
    def test_one_and_many_have_their_own_words(self, code, facts, words):
        assert words in ask(code, **facts).sentence

    @pytest.mark.parametrize(("code", "facts", "advised", "not_advised"), REMEDIES)
    def test_what_is_advised(self, code, facts, advised, not_advised):
        remedy = ask(code, **facts).remedy
        assert advised in remedy and not_advised not in remedy

    def test_columns_are_called_by_their_names(self):
        names = [f"column of {n}" for n in "abcdefghijklmnopqrst"]
        assert "with the name" not in ask("outliers", outliers=[(3, 1)]).sentence
        assert "column column of b, with 61" in ask("outliers", outliers=[(3, 1)], column_names=names).sentence


NUMBERS = {
    0: "0", 0.000342: "0.000342", 0.12: "0.12", 7.2: "7.2", 1234.5: "1230", 45_000: "45,000", -45_000: "-45,000",
    3_100_000: "3.1 million", 1e16: "1.0e+16", 1e-7: "1.0e-07", 0.00002: "0.00002", -0.5: "-0.5",
}  # fmt: skip
SHARES = {0: "0 %", 0.004: "0.4 %", 0.03: "3 %", 0.987: "99 %", 0.995: "99.5 %", 1: "100 %"}


class TestWords:
    def test_numbers_and_shares(self):
        assert {value: number(value) for value in NUMBERS} == NUMBERS
        assert {value: share(value) for value in SHARES} == SHARES

    def test_lists_counts_and_weights(self):
        assert [listed(range(n)) for n in (0, 1, 2, 3, 8)] == ["", "0", "0 and 1", "0, 1 and 2", "0, 1, 2 and 5 more"]
        assert count(1, "row") == "1 row" and count(3, "row") == "3 rows" and count(2, "series", "series") == "2 series"
        assert weight("lstm/recurrent_kernel") == "the recurrent kernel of lstm" and weight("0.weight") == "0.weight"
