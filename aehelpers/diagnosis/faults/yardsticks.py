"""What several rules compare with: the mean row, PCA, and what a training asks for beside a small error."""

import numpy as np
from aehelpers.diagnosis.faults.words import number

QUALITY = ("constant_output", "below_pca", "undertrained", "overfitted", "dead_outputs")

NO_BETTER = 0.95  # of the mean row's error
WORSE_THAN_PCA = 1.5
A_LITTLE_WORSE_THAN_PCA = 1.15
NOTHING_LEFT = 0.01  # of the variance: who keeps 99 % of it is not called undertrained
MIXED = 5  # largest spread of a column, divided by the median one
OUT_OF_REACH = 0.1  # of the mean row's error: what the output cannot reach at all


def worse_than_pca(code, ladder, factor):
    return (
        bool(code.code_size)
        and code.pca_error is not None
        and ladder.error > factor * max(code.pca_error, 1e-3 * ladder.mean_image_error)
        and ladder.error > NOTHING_LEFT * ladder.mean_image_error
    )


def as_good_as_pca(code, ladder):
    """Whether it is known that nothing much better can be had with a code of that size."""
    return code is not None and code.pca_error is not None and not worse_than_pca(code, ladder, WORSE_THAN_PCA)


def holds_back(modes, code):
    """Whether the training asks for more than a small error: noise in it, or a penalty on activations."""
    return code.variational or (modes is not None and (modes.random_in_training or modes.penalty_on_activations))


def mixed_scales(data):
    """Whether one squared error over all columns is that of the largest ones: then PCA of it is no yardstick."""
    return data.kind == "table" and data.scale_ratio > MIXED


def pca_is_ahead(code):
    """Whether PCA has what the model lacks: weights for every number, where others share them, or free numbers as its code."""
    return code.code_is_map or code.code_is_discrete or code.code_is_recurrent or code.code_activation == "softmax"


def unusual(data):
    return data.image_high > 1.5 or data.image_low < -0.05


def ends_of(output):
    low, high = output.reachable_low, output.reachable_high
    if np.isfinite(low) and np.isfinite(high):
        return f"can only go from {number(low)} to {number(high)}"
    return f"never falls below {number(low)}" if np.isfinite(low) else f"never rises above {number(high)}"
