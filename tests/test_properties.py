"""What has to hold for any numbers: hypothesis makes the images, and another formula says what should come out.

The examples are the same in every run, on every machine with the same version of hypothesis.
"""

import math

import aehelpers as ae
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageFilter

EXAMPLES = settings(  # the fixture that closes figures may run once for all examples
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)

SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
SQUARES = st.tuples(st.integers(1, 4), st.sampled_from([1, 4, 9, 25, 49]))
PIXELS = st.floats(0, 1, width=32)
GREY_LEVELS = st.integers(0, 255).map(lambda level: np.float32(level) / np.float32(255))
NUMBERS = st.floats(-1000, 1000, width=32)
PROBABILITIES = st.floats(0, 1)
SEEDS = st.integers(0, 2**32)


def images(elements=PIXELS, shapes=SHAPES):
    return arrays(np.float32, shapes, elements=elements)


def pairs(elements=PIXELS):
    """Two arrays of one shape."""
    return SHAPES.flatmap(lambda shape: st.tuples(images(elements, shape), images(elements, shape)))


@st.composite
def clouds(draw, at_least=3):
    """Images that vary along every axis: normal numbers, so that no two variances are the same."""
    number, pixels = draw(st.integers(at_least, 30)), draw(st.integers(1, 8))
    generator = np.random.default_rng(draw(SEEDS))
    return (generator.normal(size=(number, pixels)) * generator.uniform(0.1, 3, pixels)).astype(np.float32)


# Errors and floors.


@EXAMPLES
@given(pairs(NUMBERS))
def test_mse_is_symmetric_and_that_of_float64(pair):
    a, b = pair
    assert ae.mse(a, b) == ae.mse(b, a) >= 0
    assert ae.mse(a, a) == 0
    assert ae.mse(a, b) == pytest.approx(((a.astype(float) - b.astype(float)) ** 2).mean(), rel=1e-5, abs=1e-30)


@EXAMPLES
@given(pairs(NUMBERS), st.floats(0, 100, width=32))
def test_mse_grows_with_the_square_of_the_scale(pair, scale):
    a, b = (number.astype(float) for number in pair)
    assert ae.mse(scale * a, scale * b) == pytest.approx(scale**2 * ae.mse(a, b), rel=1e-3, abs=1e-6 * scale**2 + 1e-30)


@EXAMPLES
@given(pairs())
def test_mean_of_the_rows_is_the_mean_of_the_whole(pair):
    a, b = pair
    for measure in (ae.mse, ae.bce):
        rows = [measure(a[i : i + 1], b[i : i + 1]) for i in range(len(a))]
        assert measure(a, b) == pytest.approx(np.mean(rows), rel=1e-9, abs=1e-12)


def entropy_of(x, r):
    """The cross entropy by a sum over pixels, one after the other."""
    terms = []
    for pixel, probability in zip(x.ravel().tolist(), r.ravel().tolist(), strict=True):
        inside = min(max(probability, 1e-7), 1 - 1e-7)
        terms.append(-pixel * math.log(inside) - (1 - pixel) * math.log(1 - inside))
    return math.fsum(terms) / len(terms)


@EXAMPLES
@given(pairs())
def test_cross_entropy_against_a_sum_over_pixels(pair):
    x, r = pair
    assert ae.bce(x, r) == pytest.approx(entropy_of(x, r), rel=1e-6, abs=1e-9)


@EXAMPLES
@given(pairs())
def test_nothing_is_below_the_floor(pair):
    x, r = pair
    floor = ae.bce_floor(x)
    assert 0 <= floor <= math.log(2) + 1e-12
    assert ae.bce(x, r) >= floor - 1e-12
    assert ae.bce(x, x) == pytest.approx(floor, abs=2e-7)  # the 1e-7 by which probabilities are kept inside


@EXAMPLES
@given(pairs())
def test_distance_from_the_floor_is_a_divergence(pair):
    x, r = pair
    # Pinsker: the Kullback-Leibler divergence of two coins is at least twice the squared difference.
    assert ae.bce(x, r) - ae.bce_floor(x) >= 2 * ae.mse(x, r.clip(1e-7, 1 - 1e-7)) - 1e-6


@EXAMPLES
@given(images())
def test_negatives_have_the_same_floor(x):
    assert ae.bce_floor(1 - x.astype(float)) == pytest.approx(ae.bce_floor(x), abs=1e-6)


@EXAMPLES
@given(images(st.sampled_from([0.0, 1.0])))
def test_floor_of_black_and_white_is_zero(x):
    assert ae.bce_floor(x) == 0


@EXAMPLES
@given(images(NUMBERS), st.randoms(use_true_random=False))
def test_mean_image(x, random):
    mean = ae.mean_image(x)
    assert mean.dtype == np.float32
    for pixel, column in zip(mean, x.T.tolist(), strict=True):
        assert pixel == np.float32(math.fsum(column) / len(column)) or abs(pixel - math.fsum(column) / len(column)) < 1e-4
    order = list(range(len(x)))
    random.shuffle(order)
    assert ae.mean_image(x[order]) == pytest.approx(mean, abs=1e-4)
    assert ae.mean_image(np.tile(x, (3, 1))) == pytest.approx(mean, abs=1e-4)


@EXAMPLES
@given(pairs())
def test_no_single_picture_has_less_squared_error_than_the_mean_image(pair):
    x, other = pair
    mean, single = np.tile(ae.mean_image(x), (len(x), 1)), np.tile(other[0], (len(x), 1))
    assert ae.mse(x, mean) <= ae.mse(x, single) + 1e-7


# PCA.


@EXAMPLES
@given(clouds(), st.data())
def test_components_are_orthonormal_and_in_the_order_of_their_variance(x, data):
    pca = ae.PCA(x, data.draw(st.integers(1, x.shape[1])))
    assert pca.components @ pca.components.T == pytest.approx(np.eye(pca.k), abs=1e-5)
    assert (np.diff(pca.variances) <= 1e-5 * pca.variances[0]).all() and (pca.variances >= 0).all()
    assert pca.encode(x).var(axis=0, ddof=1) == pytest.approx(pca.variances, rel=1e-3, abs=1e-5 * float(pca.variances[0]))


@EXAMPLES
@given(clouds(), st.data())
def test_a_reconstruction_is_its_own_reconstruction(x, data):
    pca = ae.PCA(x, data.draw(st.integers(1, x.shape[1])))
    k = data.draw(st.integers(1, pca.k))
    once = pca.reconstruct(x, k)
    assert once.shape == x.shape and once.dtype == np.float32
    assert pca.reconstruct(once, k) == pytest.approx(once, abs=1e-4)
    assert ((x - once) @ pca.components[:k].T) == pytest.approx(0, abs=1e-3)  # what is lost is at a right angle


@EXAMPLES
@given(clouds())
def test_error_of_pca_is_what_the_singular_values_leave(x):
    pixels = x.shape[1]
    singular = np.linalg.svd(x.astype(float) - x.mean(axis=0, dtype=float), compute_uv=False)
    left = np.append(singular**2, np.zeros(pixels))[:pixels]
    pca = ae.PCA(x, pixels)
    for k in range(1, pixels + 1):
        assert ae.mse(x, pca.reconstruct(x, k)) == pytest.approx(left[k:].sum() / x.size, rel=1e-3, abs=1e-8)
    assert pca.variances * (len(x) - 1) == pytest.approx(left, rel=1e-3, abs=1e-5 * left[0])


@EXAMPLES
@given(clouds(), NUMBERS, SEEDS)
def test_pca_neither_minds_a_shift_nor_the_order(x, shift, seed):
    pca = ae.PCA(x, x.shape[1])
    order = np.random.default_rng(seed).permutation(len(x))
    assert ae.PCA(x[order], x.shape[1]).variances == pytest.approx(pca.variances, rel=1e-3, abs=1e-6)
    assert ae.PCA(x + shift, x.shape[1]).variances == pytest.approx(pca.variances, rel=1e-2, abs=1e-3)


# Filters.


@EXAMPLES
@given(images(GREY_LEVELS, SQUARES), st.floats(0, 8))
def test_blur_stays_in_the_range_and_is_pillows(x, radius):
    made = ae.blur(x, radius)
    side = math.isqrt(x.shape[1])
    assert (made >= x.min(axis=1, keepdims=True) - 1 / 255).all() and (made <= x.max(axis=1, keepdims=True) + 1 / 255).all()
    for image, blurred in zip(x, made, strict=True):
        expected = Image.fromarray(np.rint(image * 255).astype(np.uint8).reshape(side, side)).filter(
            ImageFilter.GaussianBlur(radius)
        )
        assert np.array_equal(np.rint(blurred * 255).reshape(side, side), np.asarray(expected))


@EXAMPLES
@given(images(GREY_LEVELS, SQUARES))
def test_blur_of_radius_zero_and_median_of_size_one_change_nothing(x):
    assert np.array_equal(ae.blur(x, 0), x) and np.array_equal(ae.median_filter(x, 1), x)


@EXAMPLES
@given(images(GREY_LEVELS, SQUARES), st.sampled_from([1, 3, 5]))
def test_median_is_the_median_of_the_padded_surroundings(x, size):
    side = math.isqrt(x.shape[1])
    assume(size < 2 * side)
    padded = np.pad(x.reshape(-1, side, side), ((0, 0), (size // 2,) * 2, (size // 2,) * 2), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
    assert np.array_equal(ae.median_filter(x, size).reshape(-1, side, side), np.median(windows, axis=(3, 4)).astype(np.float32))


@EXAMPLES
@given(images(GREY_LEVELS, SQUARES), st.sampled_from([1, 3, 5]))
def test_median_of_the_negative_is_the_negative_of_the_median(x, size):
    assume(size < 2 * math.isqrt(x.shape[1]))
    negative = (255 - np.rint(x * 255)).astype(np.float32) / 255
    assert np.rint(ae.median_filter(negative, size) * 255) == pytest.approx(255 - np.rint(ae.median_filter(x, size) * 255))


# Noise.


@EXAMPLES
@given(images(NUMBERS), PROBABILITIES, SEEDS)
def test_masking_keeps_or_loses_each_pixel_and_repeats_with_its_seed(x, p, seed):
    before = x.copy()
    made = ae.masking_noise(x, p, seed)
    assert ((made == x) | (made == 0)).all() and np.array_equal(x, before)
    assert np.array_equal(made, ae.masking_noise(x, p, seed))
    assert np.array_equal(made, ae.masking_noise(x, p, np.random.default_rng(seed)))
    assert np.array_equal(ae.masking_noise(x, 0, seed), x) and not ae.masking_noise(x, 1, seed).any()


@EXAMPLES
@given(PROBABILITIES, PROBABILITIES, SEEDS)
def test_shares_are_those_that_were_asked_for_and_grow_with_p(p, q, seed):
    x = np.full((50, 400), 0.5, np.float32)
    spread = 6 * math.sqrt(0.25 / x.size)  # six standard deviations
    low, high = sorted((p, q))
    lost, more_lost = (ae.masking_noise(x, level, seed) == 0 for level in (low, high))
    assert lost.mean() == pytest.approx(low, abs=spread) and (more_lost | ~lost).all()
    spoiled = ae.salt_and_pepper_noise(x, high, seed)
    assert [(spoiled == value).mean() for value in (0, 0.5, 1)] == pytest.approx([high / 2, 1 - high, high / 2], abs=spread)


@EXAMPLES
@given(images(), PROBABILITIES, SEEDS)
def test_salt_and_pepper_replaces_by_black_or_white_only(x, p, seed):
    before = x.copy()
    made = ae.salt_and_pepper_noise(x, p, seed)
    assert ((made == x) | (made == 0) | (made == 1)).all() and np.array_equal(x, before)
    assert np.array_equal(made, ae.salt_and_pepper_noise(x, p, seed))
    assert np.array_equal(ae.salt_and_pepper_noise(x, 0, seed), x)


@EXAMPLES
@given(images(), st.floats(0, 1e300), SEEDS)
def test_gaussian_noise_is_the_same_noise_at_every_deviation(x, deviation, seed):
    made = ae.gaussian_noise(x, deviation, seed)
    assert made.dtype == np.float32 and (made >= 0).all() and (made <= 1).all()
    noise = np.random.default_rng(seed).standard_normal(x.shape, dtype=np.float32).astype(float)
    assert made == pytest.approx((x + deviation * noise).clip(0, 1), abs=1e-5 + 1e-6 * min(deviation, 1e6))
    assert np.array_equal(made, ae.gaussian_noise(x, deviation, seed))


# Codes.


@EXAMPLES
@given(images(st.floats(-50, 50, width=32)))
def test_step_is_one_above_zero(x):
    assume((np.abs(x) > 1e-6).all())
    for function in (ae.step, ae.straight_through_step):
        assert np.array_equal(function(x).numpy(), (x > 0).astype(np.float32))


@EXAMPLES
@given(images(), st.floats(0.01, 0.99))
def test_kl_sparsity_is_a_mean_of_divergences_and_minds_neither_copies_nor_order(h, rho):
    value = float(ae.kl_sparsity(h, rho))
    mean = (1e-6 + (1 - 2e-6) * h.astype(float).mean(axis=0)).tolist()
    wanted = 1e-6 + (1 - 2e-6) * rho
    terms = [wanted * math.log(wanted / m) + (1 - wanted) * math.log((1 - wanted) / (1 - m)) for m in mean]
    assert value == pytest.approx(math.fsum(terms) / len(terms), rel=1e-2, abs=1e-5) and value >= -1e-6
    assert float(ae.kl_sparsity(np.tile(h, (5, 1)), rho)) == pytest.approx(value, rel=1e-3, abs=1e-5)
    assert float(ae.kl_sparsity(h[::-1], rho)) == pytest.approx(value, rel=1e-3, abs=1e-5)
    assert float(ae.kl_sparsity(h[:, ::-1], rho)) == pytest.approx(value, rel=1e-3, abs=1e-5)


@EXAMPLES
@given(images(), st.floats(0.01, 0.99), st.floats(0, 10))
def test_the_layer_asks_the_price_that_the_function_says(h, rho, weight):
    layer = ae.KLSparsity(rho, weight)
    assert np.array_equal(layer(h), h)
    assert float(layer.losses[0]) == pytest.approx(weight * float(ae.kl_sparsity(h, rho)), rel=1e-5, abs=1e-7)


@EXAMPLES
@given(images(st.sampled_from([0.0, 1.0]), array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)))
def test_use_of_a_code_counted_in_another_way(codes):
    usage = ae.code_usage(codes)
    rows = [tuple(row) for row in codes.tolist()]
    entropies = []
    for column in zip(*rows, strict=True):
        shares = [column.count(value) / len(column) for value in (0.0, 1.0)]
        entropies.append(math.fsum(-share * math.log2(share) for share in shares if share))
    assert (usage.images, usage.units, usage.distinct) == (*codes.shape, len(set(rows)))
    assert usage.constant_units == sum(len(set(column)) == 1 for column in zip(*rows, strict=True))
    assert usage.bits_per_unit == pytest.approx(entropies, abs=1e-6) and usage.bits == pytest.approx(sum(entropies), abs=1e-5)
    assert math.log2(usage.distinct) <= usage.bits + math.log2(len(rows)) and usage.distinct <= 2**usage.units
    assert ae.code_usage(1 - codes).bits == pytest.approx(usage.bits, abs=1e-6)


@EXAMPLES
@given(images(NUMBERS))
def test_a_unit_is_dead_when_its_largest_activation_is_not_above_zero(x):
    assert ae.dead_units(lambda images: images, x).tolist() == [max(column) <= 0 for column in x.T.tolist()]


@EXAMPLES
@given(images(), st.floats(-3, 3), SEEDS)
def test_gaussian_sampling_costs_what_the_formula_says(mean, shift, seed):
    log_variance = tf.constant(mean[:, ::-1] + np.float32(shift))
    layer = ae.GaussianSampling(0.5, seed=seed % 2**31)
    assert np.array_equal(layer([tf.constant(mean), log_variance]), mean)
    m, v = mean.astype(float), log_variance.numpy().astype(float)
    cost = 0.5 * (np.exp(v) + m**2 - 1 - v).sum(axis=1).mean() / 2
    assert float(layer.losses[0]) == pytest.approx(cost, rel=1e-4, abs=1e-5) and cost >= -1e-12


# The ladder and the gains.


@EXAMPLES
@given(images(shapes=array_shapes(min_dims=2, max_dims=2, min_side=3, max_side=9)), st.data())
def test_ladder_holds_what_its_rungs_are(x, data):
    k = data.draw(st.integers(1, x.shape[1]))
    ladder = ae.loss_ladder(x, x, {"grey": lambda images: np.full(images.shape, 0.5), "copy": lambda images: images}, k)
    names, entropy, above, squared = (ladder.column(name) for name in ladder.columns)
    assert names == ["mean image", f"PCA-{k}", "grey", "copy", "floor"]
    floor, inside = ae.bce_floor(x), (1 / 510, 1 - 1 / 510)
    mean, projected = np.tile(ae.mean_image(x), (len(x), 1)), ae.PCA(x, k).reconstruct(x)
    rungs = [ae.bce(x, mean.clip(*inside)), ae.bce(x, projected.clip(*inside)), math.log(2), floor, floor]
    assert entropy == pytest.approx(rungs, abs=1e-6)
    assert above == pytest.approx([rung - floor for rung in rungs], abs=1e-6) and min(above) >= -1e-12
    assert squared == pytest.approx([ae.mse(x, mean), ae.mse(x, projected), ae.mse(x, np.full(x.shape, 0.5)), 0, 0], abs=1e-9)
    assert squared[1] <= squared[0] + 1e-6


@EXAMPLES
@given(clouds(at_least=12), st.floats(-2, 2), NUMBERS)
def test_gain_of_a_scaled_copy_is_the_scale(x, scale, shift):
    gain = ae.component_gain(lambda images: (scale * images + shift).astype(np.float32), x, x)
    assert gain == pytest.approx(scale, abs=0.01)


@EXAMPLES
@given(clouds(at_least=12), st.data())
def test_gain_of_pca_is_one_for_what_it_keeps_and_zero_for_the_rest(x, data):
    pca = ae.PCA(x, x.shape[1])
    k = data.draw(st.integers(1, pca.k))
    gain = ae.component_gain(lambda images: pca.reconstruct(images, k), pca, x)
    assert gain == pytest.approx([1.0] * k + [0.0] * (pca.k - k), abs=1e-3)


# Pictures.


@EXAMPLES
@given(images(shapes=SQUARES), st.integers(1, 3))
def test_a_mosaic_has_every_pixel_once(x, copies):
    ax = ae.show_images([x] * copies)
    drawn = ax.get_images()[0].get_array()
    plt.close(ax.figure)
    assert np.sort(drawn.compressed()) == pytest.approx(np.sort(np.tile(x.ravel(), copies)))


@EXAMPLES
@given(st.lists(st.one_of(st.none(), st.text(max_size=5), st.integers(), st.floats()), min_size=1, max_size=6))
def test_a_table_shows_any_entries(entries):
    table = ae.Table([f"column {number}" for number in range(len(entries))], [entries])
    assert len(table) == 1 and table.rows == [tuple(entries)]
    assert table.column("column 0") == [entries[0]] or entries[0] != entries[0]
    assert repr(table).lstrip().startswith("column 0") and table._repr_html_().count("<td") == len(entries)
