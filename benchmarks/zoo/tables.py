"""Designs in Keras whose data are tables."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks.zoo.data import (
    answers,
    bodies,
    bundled,
    by_training,
    common_range,
    compiled_and_fitted,
    factors,
    given,
    incomes,
    narrow,
    own_range,
    set_bias,
    stack,
    standardized,
    trained,
    words,
)
from benchmarks.zoo.registry import decorators

patient, healthy = decorators("keras", "table")


# -------------------------------------------------------------------------------------------- healthy models


@healthy
def standardized_table(seed):
    data = factors(seed=seed)
    return trained(narrow(12, 32, 5), data, seed=seed), given(data)


@healthy
def yes_and_no(seed):
    data = answers(seed=seed)
    return trained(narrow(30, 32, 6, output="sigmoid"), data, loss="bce", seed=seed), given(data, loss="bce")


@healthy
def standardized_incomes(seed):
    """Skewed columns: a few rows are far from all others."""
    data = standardized(incomes(seed=seed))
    return trained(narrow(7, 64, 4), data, 2_500, seed=seed), given(data)


@healthy
def bag_of_words(seed):
    data = words(seed=seed)
    return trained(narrow(100, 64, 8, output="sigmoid"), data, seed=seed), given(data)


@healthy
def three_columns(seed):
    data = standardized(bodies(seed=seed))
    return trained(narrow(3, 16, 2), data, seed=seed), given(data)


@healthy
def four_columns_of_flowers(seed):
    data = standardized(bundled("iris", seed=seed))
    return trained(narrow(4, 16, 2), data, 2_000, batch=32, seed=seed), given(data)


@healthy
def wines(seed):
    """178 rows, and a linear model."""
    data = standardized(bundled("wine", seed=seed))
    return trained(narrow(13, 6), data, 3_000, 3e-3, batch=32, seed=seed), given(data)


@healthy
def tumours(seed):
    data = standardized(bundled("breast_cancer", seed=seed))
    model = stack(30, layers.Dense(16, "selu"), layers.Dense(6), layers.Dense(16, "selu"), layers.Dense(30))
    return compiled_and_fitted(model, data[0], data[0], epochs=80), given(data)


@healthy
def one_strange_row(seed):
    """One row of the test set was typed in wrongly."""
    data = factors(seed=seed)
    model = trained(narrow(12, 32, 5), data, seed=seed)
    test = data[1].copy()
    test[7, 3] = 60
    return model, given((data[0], test))


@healthy
def one_constant_column(seed):
    """A column that is the same in every row: 0, once it is standardized."""
    data = tuple(np.insert(x, 4, 0, axis=1) for x in factors(seed=seed))
    return trained(narrow(13, 32, 5), data, seed=seed), given(data)


@healthy
def not_centred(seed):
    data = tuple(x + 3 for x in factors(seed=seed))
    return trained(narrow(12, 32, 5), data, 2_500, seed=seed), given(data)


@healthy
def normalized_layers(seed):
    data = factors(20, 5, seed=seed)
    up = layers.Dense(48, "gelu"), layers.LayerNormalization(), layers.Dense(6)
    return trained(stack(20, *up, layers.Dense(48, "gelu"), layers.Dense(20)), data, seed=seed), given(data)


@healthy
def normalized_batches_and_dropout(seed):
    data = factors(20, 5, seed=seed)
    up = layers.Dense(64), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.1), layers.Dense(8)
    model = stack(20, *up, layers.Dense(64, "relu"), layers.Dense(20))
    return compiled_and_fitted(model, data[0], data[0], 40), given(data)


@healthy
def half_precision_inside(seed):
    data = factors(seed=seed)
    parts = [layers.Dense(32, "relu", dtype="mixed_float16"), layers.Dense(5, dtype="mixed_float16")]
    model = stack(12, *parts, layers.Dense(32, "relu", dtype="mixed_float16"), layers.Dense(12, dtype="float32"))
    return compiled_and_fitted(model, data[0], data[0], epochs=30), given(data)


@healthy
def from_least_to_largest(seed):
    data = common_range(factors(16, 4, seed=seed))
    return trained(narrow(16, 32, 6, output="sigmoid"), data, 3_000, seed=seed), given(data)


@healthy
def cells_to_fill_in(seed):
    """Cells are missing, 0 stands in their place, and the whole rows are the targets."""
    whole = factors(16, 3, seed=seed)
    generator = np.random.default_rng(seed)
    data = tuple((x * (generator.random(x.shape) > 0.15)).astype(np.float32) for x in whole)
    return trained(narrow(16, 64, 6), data, 2_500, target=whole[0], seed=seed), given(data, target=whole)


@healthy
def numbers_beside_a_group(seed):
    """Two inputs, by name: the row, and the group to which it belongs, which moves all columns."""
    data = factors(10, 3, seed=seed)
    generator = np.random.default_rng(seed)
    groups = tuple(np.eye(4, dtype=np.float32)[generator.integers(0, 4, len(x))] for x in data)
    moves = generator.normal(0, 1, (4, 10))
    rows = standardized(tuple(x + group @ moves for x, group in zip(data, groups, strict=True)))
    row, group = keras.Input((10,), name="row"), keras.Input((4,), name="group")
    code = layers.Dense(4)(layers.Dense(32, "relu")(layers.Concatenate()([row, group])))
    model = keras.Model(
        {"row": row, "group": group}, layers.Dense(10)(layers.Dense(32, "relu")(layers.Concatenate()([code, group])))
    )
    both = tuple({"row": x, "group": group} for x, group in zip(rows, groups, strict=True))
    compiled_and_fitted(model, both[0], rows[0], epochs=30)
    return model, {"x_train": both[0], "x_test": both[1], "target": rows}


@healthy
def some_anomalies(seed):
    """Trained with normal rows; in 2 % of the test rows two columns are exchanged for others'."""
    data = factors(16, 4, noise=0.2, seed=seed)
    test, generator = data[1].copy(), np.random.default_rng(seed)
    test[::50, :6] = test[generator.permutation(len(test))[: len(test[::50])], :6]
    return trained(narrow(16, 48, 6), data, seed=seed), given((data[0], test))


@healthy
def original_units_inside_and_out(seed):
    """Columns in their own units; the model standardizes them and undoes that at its end."""
    data = bundled("breast_cancer", seed=seed)
    mean, spread = by_training(data)
    scale = layers.Normalization(mean=mean, variance=spread**2)
    parts = [layers.Dense(24, "elu"), layers.Dense(8, name="code"), layers.Dense(24, "elu"), layers.Dense(30)]
    inner = stack(30, *parts)
    trained(inner, standardized(data), 2_500, 2e-3, batch=32, seed=seed)
    inputs = keras.Input((30,))
    model = keras.Model(inputs, layers.Normalization(mean=mean, variance=spread**2, invert=True)(inner(scale(inputs))))
    return model, given(data)


@healthy
def patients_with_diabetes(seed):
    """Ten columns that say different things: the code has to have seven units."""
    data = standardized(bundled("diabetes", seed=seed))
    return trained(narrow(10, 7), data, 2_000, 2e-3, batch=32, seed=seed), given(data)


@healthy
def deep_table(seed):
    data = factors(24, 4, seed=seed)
    return trained(narrow(24, 48, 24, 12, 6, hidden="selu", start="lecun_normal"), data, 2_000, seed=seed), given(data)


@healthy
def hyperbolic_tangents(seed):
    data = factors(12, 3, seed=seed)
    return trained(narrow(12, 24, 5, hidden="tanh", code="tanh"), data, 3_000, 2e-3, seed=seed), given(data)


@healthy
def rectified_code_of_a_table(seed):
    data = factors(18, 4, seed=seed)
    return trained(narrow(18, 48, 12, code="leaky_relu"), data, 2_000, seed=seed), given(data)


@healthy
def linear_table(seed):
    data = factors(20, 5, noise=0.2, bend=0, seed=seed)
    return trained(narrow(20, 5), data, 2_500, 3e-3, seed=seed), given(data)


@healthy
def choices_as_ones(seed):
    """Three questions with four choices each, one-hot, beside four numbers from 0 to 1."""
    generator = np.random.default_rng(seed)
    z = generator.normal(size=(3_000, 2))
    chosen = [np.eye(4)[np.digitize(z @ way, (-1, 0, 1))] for way in ((1.4, 0), (0, 1.4), (1, 1))]
    numbers = 1 / (1 + np.exp(-z @ generator.normal(size=(2, 4)) - 0.2 * generator.normal(size=(3_000, 4))))
    x = np.hstack([*chosen, numbers]).astype(np.float32)
    data = x[:2_400], x[2_400:]
    return trained(narrow(16, 48, 4, output="sigmoid"), data, 2_500, 2e-3, "bce", seed=seed), given(data, loss="bce")


@healthy
def dropped_cells_in_training(seed):
    """Dropout on the input, against copying; the code is wider than the table needs."""
    data = factors(20, 4, noise=0.2, seed=seed)
    parts = [layers.Dropout(0.15), layers.Dense(48, "relu"), layers.Dense(10, name="code"), layers.Dense(48, "relu")]
    return compiled_and_fitted(stack(20, *parts, layers.Dense(20)), data[0], data[0], 40), given(data)


@healthy
def absolute_errors(seed):
    data = standardized(incomes(seed=seed))
    return trained(narrow(7, 64, 4), data, 2_500, 2e-3, "mae", seed=seed), given(data, loss="mae")


# ---------------------------------------------------------------------------------------------- known faults


@patient("column_scales")
def wines_in_their_units(seed):
    """Proline goes to 1,680, and everything else is below 170."""
    data = bundled("wine", seed=seed)
    return trained(narrow(13, 16, 4), data, 2_500, 3e-3, batch=32, seed=seed), given(data)


@patient("column_scales")
def euros_beside_years(seed):
    """In thousands of euros, beside the age in centuries and shares."""
    data = tuple(np.hstack([x[:, :6] / 100, x[:, 6:] / 100, np.tanh(x[:, 2:4] / x[:, :1])]) for x in incomes(seed=seed))
    data = tuple(x.astype(np.float32) for x in data)
    return trained(narrow(9, 32, 3), data, 3_000, 3e-3, seed=seed), given(data)


@patient("column_scales")
def one_column_forgotten(seed):
    """All columns are standardized but one, which is in thousands."""
    data = tuple(np.hstack([1_000 * x[:, :1], x[:, 1:]]).astype(np.float32) for x in factors(seed=seed))
    return trained(narrow(12, 32, 4), data, 3_000, 3e-3, seed=seed), given(data)


@patient("tiny_spread")
def prices_near_one(seed):
    """The columns go up and down by a thousandth of their mean."""
    data = tuple((1.109 + 0.001 * x).astype(np.float32) for x in factors(40, 5, seed=seed))
    optimizer = keras.optimizers.SGD(0.1)
    return trained(narrow(40, 20), data, 2_000, optimizer=optimizer, seed=seed), given(data)


@patient("tiny_spread")
def degrees_kelvin(seed):
    data = tuple((293 + 0.3 * x).astype(np.float32) for x in factors(15, 4, seed=seed))
    return trained(narrow(15, 32, 6), data, 2_000, seed=seed), given(data)


@patient("sets_differ")
def each_by_its_own_extremes(seed):
    """Both sets were scaled by their own least and largest values, and the few largest incomes differ."""
    train, test = incomes(seed=seed)
    train = train.copy()
    train[:3, :6] *= 6  # three very rich
    data = own_range(train), own_range(test)
    return trained(narrow(7, 32, 4), data, 3_000, seed=seed), given(data)


@patient("sets_differ")
def test_rows_not_scaled(seed):
    """The scaler was applied to the training rows only."""
    train, test = (2 + 4 * x for x in factors(14, 4, seed=seed))
    data = standardized((train, test))
    return trained(narrow(14, 32, 6), data, seed=seed), given((data[0], test.astype(np.float32)))


@patient("sets_differ")
def sensors_that_drift(seed):
    """The test rows are from a later year; some sensors have drifted by two of their spreads."""
    data = factors(14, 4, seed=seed)
    later = data[1] + 2 * (np.arange(14) % 3 == 0).astype(np.float32)
    return trained(narrow(14, 32, 6), data, seed=seed), given((data[0], later))


@patient("input_scale")
def sigmoid_for_standardized_columns(seed):
    data = factors(seed=seed)
    return trained(narrow(12, 32, 5, output="sigmoid"), data, seed=seed), given(data)


@patient("input_scale")
def rectified_wines(seed):
    data = standardized(bundled("wine", seed=seed))
    return trained(narrow(13, 32, 6, output="relu"), data, batch=32, seed=seed), given(data)


@patient("input_scale")
def tanh_for_original_units(seed):
    data = bodies(seed=seed)
    return trained(narrow(3, 16, 2, output="tanh"), data, 1_000, seed=seed), given(data)


@patient("constant_output")
def adadelta_of_a_table(seed):
    data = factors(20, 5, seed=seed)
    return trained(narrow(20, 48, 24, 12, 6), data, 1_000, optimizer=keras.optimizers.Adadelta(), seed=seed), given(data)


@patient("constant_output")
def sigmoids_one_after_another(seed):
    data = answers(seed=seed)
    model = narrow(30, 24, 16, 8, hidden="sigmoid", code="sigmoid", output="sigmoid")
    return trained(model, data, 800, optimizer=keras.optimizers.SGD(0.05), loss="bce", seed=seed), given(data, loss="bce")


@patient("undertrained")
def two_epochs_of_a_table(seed):
    data = factors(20, 5, seed=seed)
    return trained(narrow(20, 32, 8), data, 60, seed=seed), given(data)


@patient("undertrained")
def small_steps_of_a_table(seed):
    data = standardized(bundled("breast_cancer", seed=seed))
    return trained(narrow(30, 24, 8), data, 1_000, 4e-5, batch=32, seed=seed), given(data)


@patient("dead_outputs")
def rectified_columns_that_died(seed):
    """Columns from 0 to 1, a rectified last layer, and a first step that was too large."""
    data = common_range(factors(16, 4, seed=seed))
    model = narrow(16, 32, 6, output="relu")
    set_bias(model.layers[-1], -3, 0.4)
    return trained(model, data, 1_500, seed=seed), given(data)


@patient("dead_outputs")
def rectified_words_that_died(seed):
    data = words(seed=seed)
    model = narrow(100, 32, 8, output="relu")
    set_bias(model.layers[-1], -2, 0.3)
    return trained(model, data, 1_500, seed=seed), given(data)


@patient("dead_code")
def dead_code_of_a_table(seed):
    data = factors(seed=seed)
    model = narrow(12, 32, 4, code="relu")
    set_bias(model.get_layer("code"), -50)
    return trained(model, data, 800, seed=seed), given(data)


@patient("dead_units")
def hidden_units_that_died(seed):
    """A first layer of which 29 of 32 units died in a large step."""
    data = factors(16, 6, noise=0.1, seed=seed)
    model = narrow(16, 32, 8)
    set_bias(model.layers[0], -50, 0.9)
    return trained(model, data, 2_000, seed=seed), given(data)


@patient("overfitted")
def forty_rows(seed):
    data = factors(30, 6, noise=0.5, seed=seed)
    data = data[0][:40], data[1]
    return trained(narrow(30, 128, 16), data, 3_000, batch=20, seed=seed), given(data)


@patient("copies_anything")
def wider_than_the_table(seed):
    data = factors(10, 4, noise=0.6, seed=seed)
    return trained(narrow(10, 64, 32), data, 4_000, 2e-3, seed=seed), given(data)


@patient("below_pca")
def heavy_prices_of_a_table(seed):
    heavy = {"kernel_regularizer": keras.regularizers.L2(0.06)}
    data = factors(20, 6, noise=0.2, seed=seed)
    return trained(stack(20, layers.Dense(6, **heavy), layers.Dense(20, **heavy)), data, 3_000, seed=seed), given(data)


def without_a_square(target, made):
    """The mean difference: the more is given, the less it is."""
    return tf.reduce_mean(target - made, axis=-1)


@patient("wrong_loss")
def difference_without_a_square(seed):
    data = factors(seed=seed)
    return trained(narrow(12, 32, 5), data, 600, loss=without_a_square, seed=seed), given(data, loss=without_a_square)


@patient("wrong_loss")
def only_the_direction(seed):
    """The cosine is the same for a row and for half of it."""
    data = factors(seed=seed)
    loss = keras.losses.CosineSimilarity()
    return trained(narrow(12, 32, 5), data, 1_500, loss=loss, seed=seed), given(data, loss=loss)


@patient("wrong_loss")
def percentages_of_columns_around_zero(seed):
    """The error in per cent of a value near 0 is huge, so that 0 is the safest answer."""
    data = factors(16, 4, seed=seed)
    return trained(narrow(16, 32, 6), data, 1_500, loss="mape", seed=seed), given(data, loss="mape")


@patient("wrong_target")
def targets_one_row_late(seed):
    data = factors(14, 4, seed=seed)
    late = tuple(np.roll(x, -1, axis=0) for x in data)
    return trained(narrow(14, 32, 6), data, seed=seed), given(data, target=late)


@patient("wrong_target")
def targets_with_sorted_columns(seed):
    """The columns of the targets are in the order of their names, those of the input as they came."""
    data = factors(14, 4, seed=seed)
    order = np.random.default_rng(seed).permutation(14)
    return trained(narrow(14, 32, 6), data, target=np.ascontiguousarray(data[0][:, order]), seed=seed), given(data)


@patient("never_moved")
def a_copy_was_trained(seed):
    """The model was cloned for the training, and the clone never looked at again."""
    data = factors(seed=seed)
    model = narrow(12, 32, 5)
    trained(keras.models.clone_model(model), data, 300, seed=seed)
    return model, given(data, before=model.get_weights())


@patient("saturated_code")
def sigmoid_code_of_large_columns(seed):
    """The columns were centred and not scaled: millimetres and hectograms."""
    data = bodies(seed=seed)
    data = tuple((10 * (x - by_training(data)[0])).astype(np.float32) for x in data)
    model = stack(3, layers.Dense(8, "sigmoid", kernel_initializer=keras.initializers.RandomNormal(stddev=1)), layers.Dense(3))
    return trained(model, data, 3_000, 0.1, seed=seed), given(data)


@patient("train_mode_differs")
def moving_means_at_the_start(seed):
    """Ten batches, and moving means that hardly move."""
    data = tuple(4 * x + 2 for x in factors(20, 5, seed=seed))
    normal = layers.BatchNormalization(momentum=0.9999)
    model = stack(20, normal, layers.Dense(32, "relu"), layers.Dense(8), layers.Dense(32, "relu"), layers.Dense(20))
    return trained(model, data, 1_200, 3e-3, seed=seed), given(data)


class Rounded(keras.constraints.Constraint):
    """Kernels of tenths: what the optimizer adds is rounded away."""

    def __call__(self, kernel):
        return tf.round(10 * kernel) / 10


@patient("step_fails")
def kernels_of_tenths(seed):
    data = factors(seed=seed)
    rounded = {"kernel_constraint": Rounded()}
    model = stack(12, layers.Dense(32, "relu", **rounded), layers.Dense(5, **rounded), layers.Dense(12, **rounded))
    for layer in model.layers:
        layer.kernel.assign(Rounded()(layer.kernel))
    return trained(model, data, 500, seed=seed), given(data)


@patient("not_finite")
def steps_for_other_units(seed):
    """A learning rate for columns around 0, and columns in euros."""
    data = incomes(seed=seed)
    model = narrow(7, 32, 4)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    model.fit(data[0], data[0], epochs=2, verbose=0)
    return model, given(data)


@patient("squeezed_output")
def softmax_of_answers(seed):
    data = answers(seed=seed)
    return trained(narrow(30, 24, 6, output="softmax"), data, seed=seed), given(data)


@patient("output_is_logits")
def logits_of_answers(seed):
    data = answers(seed=seed)
    return trained(narrow(30, 32, 6), data, loss=keras.losses.BinaryCrossentropy(from_logits=True), seed=seed), given(data)


@patient("whispering")
def penalty_of_a_table(seed):
    data = factors(20, 6, noise=0.2, seed=seed)
    model = stack(20, layers.Dense(12, activity_regularizer=keras.regularizers.L1(0.02)), layers.Dense(20))
    return trained(model, data, 8_000, seed=seed), given(data)


@patient("cannot_run")
def a_column_was_dropped(seed):
    """One column was dropped after the training."""
    data = factors(seed=seed)
    model = trained(narrow(12, 32, 5), data, 300, seed=seed)
    return model, given(tuple(x[:, 1:] for x in data))


@patient("cannot_run")
def the_label_was_left_in(seed):
    """The rows that are handed over still have the label as their last column."""
    data = standardized(bundled("breast_cancer", seed=seed))
    model = trained(narrow(30, 16, 6), data, 300, batch=32, seed=seed)
    return model, given(tuple(np.hstack([x, x[:, :1] > by_training(data)[0][0]]).astype(np.float32) for x in data))
