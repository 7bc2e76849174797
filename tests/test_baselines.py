"""The rungs of the ladder, against numbers worked out by hand or in another way."""

import math

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.baselines import fit_pca, project

LN2 = math.log(2)


def grid(number=60, pixels=12, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (number, pixels)).astype(np.float32) / 255


# ---------------------------------------------------------------------------------------------- errors and floors


def test_mse_by_hand():
    assert ae.mse([[0, 1], [0.5, 1]], [[1, 1], [0, 0.5]]) == (1 + 0 + 0.25 + 0.25) / 4
    assert ae.mse([[2, -2]], [[0, 0]]) == 4  # no range is asked for


def test_bce_by_hand():
    terms = [LN2, math.log(4), -0.5 * math.log(0.75) - 0.5 * math.log(0.25), -0.25 * math.log(0.25) - 0.75 * math.log(0.75)]
    assert ae.bce([[0, 1], [0.5, 0.25]], [[0.5, 0.25], [0.75, 0.25]]) == pytest.approx(sum(terms) / 4, rel=1e-12)


def test_bce_keeps_away_from_the_logarithm_of_zero():
    assert ae.bce([[1, 0]], [[0, 1]]) == pytest.approx(-math.log(1e-7))  # 16.1, not infinite
    assert ae.bce([[0, 1]], [[0, 1]]) == pytest.approx(1e-7, rel=1e-3)


def test_floor_by_hand():
    assert ae.bce_floor(np.eye(5)) == 0
    assert ae.bce_floor(np.full((3, 4), 0.5)) == pytest.approx(LN2, rel=1e-12)
    assert ae.bce_floor([[0, 0.5, 1, 0.25]]) == pytest.approx((LN2 + 0.25 * math.log(4) + 0.75 * math.log(4 / 3)) / 4)


@pytest.mark.parametrize("shape", [(64,), (4, 4, 4)])
def test_errors_are_those_of_keras_for_images_of_any_shape(digits_8x8, shape):
    x = digits_8x8.reshape(-1, *shape)
    other = x[::-1] * 0.99 + 0.005
    assert ae.bce(x, other) == pytest.approx(float(tf.reduce_mean(keras.losses.binary_crossentropy(x, other))), rel=1e-5)
    assert ae.mse(x, other) == pytest.approx(float(tf.reduce_mean(keras.losses.mean_squared_error(x, other))), rel=1e-5)
    assert ae.bce_floor(x) == ae.bce_floor(digits_8x8) > 0.1
    assert np.array_equal(ae.mean_image(x), ae.mean_image(digits_8x8).reshape(shape))
    assert {type(number) for number in (ae.mse(x, other), ae.bce(x, other), ae.bce_floor(x))} == {float}


def test_nothing_is_below_the_floor(digits):
    floor = ae.bce_floor(digits)
    assert ae.bce(digits, digits) == pytest.approx(floor, abs=2e-7)
    noise = np.random.default_rng(0).standard_normal(digits.shape)
    assert all(ae.bce(digits, np.clip(digits + size * noise, 0, 1)) > floor for size in (1e-3, 0.3))


def test_pieces_do_not_show(digits):
    many = np.tile(digits, (8, 1))[:2301]  # two pieces and a short third
    shifted = many[:, ::-1]
    assert ae.mse(many, shifted) == pytest.approx(np.square(many.astype(float) - shifted).mean(), rel=1e-5)
    first, second = ae.bce(many[:1500], shifted[:1500]), ae.bce(many[1500:], shifted[1500:])
    assert ae.bce(many, shifted) == pytest.approx((1500 * first + 801 * second) / 2301, rel=1e-9)


def test_mean_image():
    made = ae.mean_image([[0, 1], [1, 1], [0.5, 0]])
    assert made.dtype == np.float32 and made.tolist() == [0.5, np.float32(2 / 3)]
    # One after the other in float32, these 200,000 would miss the mean by a hundredth.
    assert ae.mean_image(np.full((200_000, 1), 0.1, np.float32))[0] == np.float32(0.1)


# ---------------------------------------------------------------------------------------------- the ladder


def test_projection_on_the_first_of_more_components():
    x, new = grid(200, 30), grid(9, 30, seed=2)
    pca, mean = fit_pca(x, 30), x.mean(axis=0, dtype=float)
    rows = np.linalg.svd(x - mean, full_matrices=False)[2]
    for k in (1, 7, 30):
        expected = (new - mean) @ rows[:k].T @ rows[:k] + mean
        assert project(pca, new, k) == pytest.approx(expected, abs=1e-4)
        assert project(fit_pca(x, k), new, k) == pytest.approx(expected, abs=1e-4)


COLUMNS = ["cross entropy", "above the floor", "squared error"]


@pytest.mark.parametrize("shape", [(64,), (8, 8, 1)])
def test_ladder_rungs(digits_8x8, shape):
    digits, test = digits_8x8[:200].reshape(-1, 64), np.tile(digits_8x8[200:], (11, 1, 1)).reshape(-1, 64)
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(code_size=8, input_size=64)
    shaped = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), model, keras.layers.Reshape(shape)])
    models = {"ours": shaped, "itself": lambda images: images}
    ladder = ae.loss_ladder(digits.reshape(-1, *shape), test.reshape(-1, *shape), models, 8)
    assert ladder.index.to_list() == ["mean image", "PCA-8", "ours", "itself", "floor"]
    assert ladder.columns.to_list() == COLUMNS and ladder.index.name == "reconstruction by"
    floor, inside = ae.bce_floor(test), (1 / 510, 1 - 1 / 510)
    mean, pca, made = np.tile(ae.mean_image(digits), (1100, 1)), project(fit_pca(digits, 8), test, 8), ae.predict(model, test)
    entropy, above, squared = (ladder[name].to_list() for name in COLUMNS)
    expected = [ae.bce(test, mean.clip(*inside)), ae.bce(test, pca.clip(*inside)), ae.bce(test, made), floor, floor]
    assert entropy == pytest.approx(expected, abs=1e-6)
    assert above == pytest.approx([value - floor for value in expected], abs=1e-6)
    assert squared == pytest.approx([ae.mse(test, mean), ae.mse(test, pca), ae.mse(test, made), 0, 0], abs=1e-7)


def test_ladder_by_hand():
    ladder = ae.loss_ladder(np.array([[0, 0], [1, 0]]), np.array([[1, 0]]), {}, 1)
    edge = -math.log(1 - 1 / 510)
    # The mean image says (0.5, 0), and the first component is the first pixel: PCA-1 says (1, 0), cut off at the edges.
    assert ladder["cross entropy"].to_list() == pytest.approx([(LN2 + edge) / 2, edge, 0], abs=1e-6)
    assert ladder["squared error"].to_list() == pytest.approx([0.125, 0, 0], abs=1e-6)
    assert ladder.loc["floor"].to_list() == [0, 0, 0]


@pytest.mark.parametrize("shift", [-0.5, 0.5])
def test_model_outside_the_range_has_no_cross_entropy(shift):
    x = grid()
    row = ae.loss_ladder(x, x, {"shifted": lambda images: images + shift}, 2).loc["shifted"]
    assert np.isnan(row["cross entropy"]) and np.isnan(row["above the floor"])
    assert row["squared error"] == pytest.approx(0.25, rel=1e-5)


@pytest.mark.filterwarnings("error")
def test_ladder_leaves_images_alone_and_is_silent_about_those_without_variance():
    x = grid(1).repeat(9, axis=0)
    kept = x.copy()
    assert ae.loss_ladder(x, x[:1], {}, 3)["squared error"].to_list() == pytest.approx([0, 0, 0], abs=1e-12)
    assert np.array_equal(x, kept)
