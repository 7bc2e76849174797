"""What has to hold for any numbers: hypothesis makes the images, and another formula says what should come out.

The examples are the same in every run, on every machine with the same version of hypothesis.
"""

import math

import aehelpers as ae
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.baselines import fit_pca, project
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

EXAMPLES = settings(  # the fixture that closes figures may run once for all examples
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)

SHAPES = array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=6)
TABLES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
SQUARES = st.tuples(st.integers(1, 4), st.sampled_from([1, 4, 9, 25, 49]))
PIXELS = st.floats(0, 1, width=32)
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
def test_mse_and_mean_image_are_those_of_float64(pair):
    a, b = pair
    assert ae.mse(a, b) == ae.mse(b, a) == pytest.approx(((a.astype(float) - b) ** 2).mean(), rel=1e-5, abs=1e-30)
    assert ae.mse(a, a) == 0
    assert ae.mse(a, b) == pytest.approx(np.mean([ae.mse(a[i : i + 1], b[i : i + 1]) for i in range(len(a))]))
    mean = ae.mean_image(a)
    assert mean.dtype == np.float32 and mean == pytest.approx(a.mean(axis=0, dtype=float), rel=1e-6, abs=1e-6)
    # No single picture has less squared error for all.
    assert ae.mse(a, np.stack([mean] * len(a))) <= ae.mse(a, np.stack([b[0]] * len(a))) * (1 + 1e-5) + 1e-6


@EXAMPLES
@given(pairs())
def test_cross_entropy_against_a_sum_over_pixels_and_its_floor(pair):
    x, r = pair
    terms = []
    for pixel, probability in zip(x.ravel().tolist(), r.ravel().tolist(), strict=True):
        inside = min(max(probability, 1e-7), 1 - 1e-7)
        terms.append(-pixel * math.log(inside) - (1 - pixel) * math.log(1 - inside))
    entropy, floor = ae.bce(x, r), ae.bce_floor(x)
    assert entropy == pytest.approx(math.fsum(terms) / len(terms), rel=1e-6, abs=1e-9)
    assert 0 <= floor <= math.log(2) + 1e-12 and ae.bce_floor(np.rint(x)) == 0
    assert ae.bce(x, x) == pytest.approx(floor, abs=2e-7)  # the 1e-7 by which probabilities are kept inside
    assert ae.bce_floor(1 - x.astype(float)) == pytest.approx(floor, abs=1e-6)
    # Pinsker: the Kullback-Leibler divergence of two coins is at least twice the squared difference.
    assert entropy - floor >= max(-1e-12, 2 * ae.mse(x, r.clip(1e-7, 1 - 1e-7)) - 1e-6)


# PCA.


@EXAMPLES
@given(clouds())
def test_error_of_pca_is_what_the_singular_values_leave(x):
    pixels = x.shape[1]
    singular = np.linalg.svd(x.astype(float) - x.mean(axis=0, dtype=float), compute_uv=False)
    left = np.append(singular**2, np.zeros(pixels))[:pixels]
    pca = fit_pca(x, min(x.shape))
    for k in range(1, min(x.shape) + 1):
        assert ae.mse(x, project(pca, x, k)) == pytest.approx(left[k:].sum() / x.size, rel=1e-3, abs=1e-8)


# Noise.


@EXAMPLES
@given(images(NUMBERS), PROBABILITIES, SEEDS)
def test_noise_keeps_or_replaces_each_pixel_and_repeats_with_its_seed(x, p, seed):
    before = x.copy()
    for make, values in ((ae.masking_noise, [0]), (ae.salt_and_pepper_noise, [0, 1])):
        made = make(x, p, seed)
        assert ((made == x) | np.isin(made, values)).all() and made.dtype == np.float32 and made.shape == x.shape
        assert np.array_equal(made, make(x, p, np.random.default_rng(seed)))
        assert np.array_equal(make(x, 0, seed), x) and np.isin(make(x, 1, seed), values).all()
    assert np.array_equal(x, before)


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
@given(images(), st.floats(0, 1e300), SEEDS)
def test_gaussian_noise_is_the_same_noise_at_every_deviation(x, deviation, seed):
    made = ae.gaussian_noise(x, deviation, seed)
    assert made.dtype == np.float32 and (made >= 0).all() and (made <= 1).all()
    noise = np.random.default_rng(seed).standard_normal(x.shape, dtype=np.float32).astype(float)
    assert made == pytest.approx((x + deviation * noise).clip(0, 1), abs=1e-5 + 1e-6 * min(deviation, 1e6))


# Codes.


@EXAMPLES
@given(images(shapes=TABLES), st.floats(0.01, 0.99))
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
    dead = ae.dead_units(lambda images: images, x)
    assert dead.shape == x.shape[1:] and np.array_equal(dead, x.max(axis=0) <= 0)


@EXAMPLES
@given(images(shapes=TABLES), st.floats(-3, 3), SEEDS)
def test_gaussian_sampling_costs_what_the_formula_says(mean, shift, seed):
    log_variance = tf.constant(mean[:, ::-1] + np.float32(shift))
    layer = ae.GaussianSampling(0.5, seed=seed % 2**31)
    assert np.array_equal(layer([tf.constant(mean), log_variance]), mean)
    m, v = mean.astype(float), log_variance.numpy().astype(float)
    cost = 0.5 * (np.exp(v) + m**2 - 1 - v).sum(axis=1).mean() / 2
    assert float(layer.losses[0]) == pytest.approx(cost, rel=1e-4, abs=1e-5) and cost >= -1e-12


# The ladder and the gains.


@EXAMPLES
@given(images(shapes=array_shapes(min_dims=2, max_dims=4, min_side=2, max_side=5)), st.data())
def test_ladder_holds_what_its_rungs_are(x, data):
    flat = x.reshape(len(x), -1)
    k = data.draw(st.integers(1, min(flat.shape)))
    ladder = ae.loss_ladder(x, x, {"grey": lambda images: np.full(images.shape, 0.5), "copy": lambda images: images}, k)
    assert list(ladder.index) == ["mean image", f"PCA-{k}", "grey", "copy", "floor"]
    entropy, above, squared = (ladder[name].tolist() for name in ("cross entropy", "above the floor", "squared error"))
    floor, inside = ae.bce_floor(x), (1 / 510, 1 - 1 / 510)
    mean, projected = np.stack([ae.mean_image(x)] * len(x)), project(fit_pca(flat, k), flat, k).reshape(x.shape)
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
    pixels = x.shape[1]
    pca, k = fit_pca(x, pixels), data.draw(st.integers(1, pixels))
    gain = ae.component_gain(lambda images: project(pca, images.reshape(-1, pixels), k).reshape(images.shape), pca, x[:, None])
    assert gain == pytest.approx([1.0] * k + [0.0] * (pixels - k), abs=1e-3)


# Pictures.


@EXAMPLES
@given(images(shapes=SQUARES), st.integers(1, 3))
def test_a_mosaic_has_every_pixel_once(x, copies):
    ax = ae.show_images([x] * copies)
    drawn = ax.get_images()[0].get_array()
    plt.close(ax.figure)
    assert np.sort(drawn.compressed()) == pytest.approx(np.sort(np.tile(x.ravel(), copies)))
