"""The rungs of the ladder, against numbers worked out by hand or in another way."""

import math
import warnings

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.baselines import outputs

LN2 = math.log(2)


def grid(number=60, pixels=12, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (number, pixels)).astype(np.float32) / 255


# ---------------------------------------------------------------------------------------------- errors and floors


def test_mse_by_hand():
    assert ae.mse([[0, 1], [0.5, 1]], [[1, 1], [0, 0.5]]) == (1 + 0 + 0.25 + 0.25) / 4
    assert ae.mse([[2, -2]], [[0, 0]]) == 4  # no range is asked for
    assert type(ae.mse([[1]], [[0]])) is float


def test_bce_by_hand():
    x, r = [[0, 1], [0.5, 0.25]], [[0.5, 0.25], [0.75, 0.25]]
    terms = [
        LN2,
        math.log(4),
        -0.5 * math.log(0.75) - 0.5 * math.log(0.25),
        -0.25 * math.log(0.25) - 0.75 * math.log(0.75),
    ]
    assert ae.bce(x, r) == pytest.approx(sum(terms) / 4, rel=1e-12)
    assert type(ae.bce(x, r)) is float


def test_bce_keeps_away_from_the_logarithm_of_zero():
    assert ae.bce([[1]], [[0]]) == pytest.approx(-math.log(1e-7))  # 16.1, not infinite
    assert ae.bce([[0]], [[1]]) == pytest.approx(-math.log(1e-7))
    assert ae.bce([[0, 1]], [[0, 1]]) == pytest.approx(1e-7, rel=1e-3)


def test_bce_is_that_of_keras():
    x, r = grid(), grid(seed=1) * 0.99 + 0.005
    assert ae.bce(x, r) == pytest.approx(float(tf.reduce_mean(keras.losses.binary_crossentropy(x, r))), rel=1e-5)
    assert ae.mse(x, r) == pytest.approx(float(tf.reduce_mean(keras.losses.mean_squared_error(x, r))), rel=1e-5)


def test_floor_by_hand():
    assert ae.bce_floor(np.eye(5)) == 0
    assert ae.bce_floor(np.full((3, 4), 0.5)) == pytest.approx(LN2, rel=1e-12)
    assert ae.bce_floor([[0, 0.5, 1, 0.25]]) == pytest.approx((LN2 + 0.25 * math.log(4) + 0.75 * math.log(4 / 3)) / 4)
    assert type(ae.bce_floor([[0.5]])) is float


def test_floor_of_real_images_counted_by_grey_level(mnist):
    counts = np.bincount(np.rint(mnist.x_test * 255).astype(np.uint8).ravel(), minlength=256)
    p = np.arange(1, 255) / 255
    expected = (counts[1:255] * -(p * np.log(p) + (1 - p) * np.log(1 - p))).sum() / counts.sum()
    assert ae.bce_floor(mnist.x_test) == pytest.approx(expected, rel=1e-6)
    assert 0.04 < expected < 0.07


def test_nothing_is_below_the_floor(digits):
    floor = ae.bce_floor(digits)
    assert ae.bce(digits, digits) == pytest.approx(floor, abs=2e-7)
    generator = np.random.default_rng(0)
    for size in (1e-3, 0.01, 0.3):
        other = np.clip(digits + generator.normal(0, size, digits.shape), 0, 1)
        assert ae.bce(digits, other) > floor
    assert ae.bce(grid(), grid()) == pytest.approx(ae.bce_floor(grid()), abs=2e-7)


def test_pieces_do_not_show(digits):
    many = np.tile(digits, (8, 1))[:2301]  # two pieces and a short third
    shifted = many[:, ::-1]
    assert ae.mse(many, shifted) == pytest.approx(np.square(many.astype(float) - shifted).mean(), rel=1e-5)
    whole, half = ae.bce(many, shifted), (ae.bce(many[:1500], shifted[:1500]), ae.bce(many[1500:], shifted[1500:]))
    assert whole == pytest.approx((1500 * half[0] + 801 * half[1]) / 2301, rel=1e-9)
    assert ae.bce_floor(many[:2100]) == pytest.approx(ae.bce_floor(digits), rel=1e-6)


@pytest.mark.parametrize("measure", [ae.mse, ae.bce])
def test_wrong_pairs(measure):
    x = grid()
    with pytest.raises(ValueError, match=r"reconstruction must have the shape of x, \(60, 12\), but its shape is \(60, 9\)"):
        measure(x, x[:, :9])
    with pytest.raises(ValueError, match="must have the shape of x"):
        measure(x, x[:1])
    with pytest.raises(ValueError, match="x must have two dimensions"):
        measure(x[0], x[0])
    with pytest.raises(ValueError, match="reconstruction must be finite"):
        measure(x, x * np.nan)
    with pytest.raises(TypeError, match="reconstruction must hold real numbers"):
        measure(x, None)


@pytest.mark.parametrize("bad", [2, -1])
def test_cross_entropy_wants_probabilities(bad):
    x = grid()
    wrong = np.where(x == x.max(), bad, x)
    with pytest.raises(ValueError, match=r"reconstruction must lie in \[0, 1\]"):
        ae.bce(x, wrong)
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\]"):
        ae.bce(wrong, x)
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\]"):
        ae.bce_floor(wrong)
    with pytest.raises(ValueError, match="divide by 255 first"):
        ae.bce_floor((x * 255).astype(np.uint8))


def test_mean_image():
    made = ae.mean_image([[0, 1], [1, 1], [0.5, 0]])
    assert made.dtype == np.float32 and made.tolist() == [0.5, np.float32(2 / 3)]
    x = grid()
    base, entropy = ae.mse(x, np.tile(ae.mean_image(x), (60, 1))), ae.bce(x, np.tile(ae.mean_image(x), (60, 1)))
    for pixel in range(12):  # the least squares and the least cross entropy of all single pictures
        for shift in (-0.01, 0.01):
            other = np.tile(ae.mean_image(x), (60, 1))
            other[:, pixel] += shift
            assert ae.mse(x, other) > base and ae.bce(x, other) > entropy
    with pytest.raises(ValueError, match="two dimensions"):
        ae.mean_image(x[0])


def test_mean_image_of_many_is_not_rounded_on_the_way():
    # One after the other in float32, these 200,000 would miss the mean by a hundredth.
    assert ae.mean_image(np.full((200_000, 1), 0.1, np.float32))[0] == np.float32(0.1)


# ---------------------------------------------------------------------------------------------- PCA


def test_pca_in_two_dimensions_by_hand():
    # Along (1, 1): -2, 2; along (1, -1): -1, 1 (each times the square root of 2); around (3, 5).
    x = np.array([[1, 3], [5, 7], [2, 6], [4, 4]])
    pca = ae.PCA(x, 2)
    assert pca.mean.tolist() == [3, 5]
    assert pca.components[0] == pytest.approx([math.sqrt(0.5)] * 2)
    assert np.abs(pca.components[1]) == pytest.approx([math.sqrt(0.5)] * 2) and pca.components[1].max() > 0
    assert pca.variances == pytest.approx([16 / 3, 4 / 3])
    one = ae.PCA(x, 1)
    assert one.encode(x)[:, 0] == pytest.approx([-math.sqrt(8), math.sqrt(8), 0, 0], abs=1e-6)
    assert one.reconstruct(x) == pytest.approx(np.array([[1, 3], [5, 7], [3, 5], [3, 5]]), abs=1e-5)
    assert ae.mse(x, one.reconstruct(x)) == pytest.approx((2 + 2) / 8, abs=1e-6)


def test_pca_against_a_singular_value_decomposition():
    x = grid(200, 30)
    pca = ae.PCA(x, 30)
    _, singular, rows = np.linalg.svd(x.astype(float) - x.mean(axis=0, dtype=float), full_matrices=False)
    assert pca.variances == pytest.approx(singular**2 / 199, rel=1e-4)
    assert np.abs((pca.components * rows).sum(axis=1)) == pytest.approx(np.ones(30), abs=1e-4)
    assert pca.variances.sum() == pytest.approx(x.var(axis=0, ddof=1).sum(), rel=1e-4)
    assert pca.encode(x).var(axis=0, ddof=1) == pytest.approx(pca.variances, rel=1e-3)


def test_pca_of_real_images(digits):
    digits = digits[:, ::3]  # 262 pixels; an eigenproblem of 784 takes a second
    pca = ae.PCA(digits, 40)
    assert (pca.mean.shape, pca.components.shape, pca.variances.shape) == ((262,), (40, 262), (40,))
    assert pca.components @ pca.components.T == pytest.approx(np.eye(40), abs=1e-5)
    assert np.all(np.diff(pca.variances) <= 0) and pca.variances[-1] > 0
    largest = np.abs(pca.components).argmax(axis=1)
    assert (pca.components[np.arange(40), largest] > 0).all()
    whole = digits.var(axis=0, ddof=1, dtype=float).sum()
    for k in (1, 7, 40):
        discarded = (whole - pca.variances[:k].sum(dtype=float)) * 299 / 300 / 262
        assert ae.mse(digits, pca.reconstruct(digits, k)) == pytest.approx(discarded, rel=1e-4)


def test_pca_with_as_many_components_as_the_rank_is_exact(digits):
    few = digits[:21, ::3]
    assert ae.PCA(few, 20).reconstruct(few) == pytest.approx(few, abs=1e-5)
    assert ae.mse(few, ae.PCA(few, 19).reconstruct(few)) > 1e-5


def test_fewer_components_of_one_pca_are_a_smaller_pca():
    x, new = grid(), grid(9, seed=2)
    assert ae.PCA(x, 8).reconstruct(new, 3) == pytest.approx(ae.PCA(x, 3).reconstruct(new), abs=1e-5)
    assert ae.PCA(x, 8).encode(new)[:, :3] == pytest.approx(ae.PCA(x, 3).encode(new), abs=1e-5)
    assert ae.PCA(x, 12).reconstruct(new) == pytest.approx(new, abs=1e-5)


def test_pca_gives_float32_and_repeats():
    x = grid().astype(float)
    pca, again = ae.PCA(x, 3), ae.PCA(x, np.int64(3))
    made = (pca.mean, pca.components, pca.variances, pca.encode(x), pca.reconstruct(x))
    assert {array.dtype for array in made} == {np.dtype(np.float32)}
    assert np.array_equal(pca.components, again.components) and pca.k == again.k == 3


def test_pca_of_images_that_are_all_the_same():
    pca = ae.PCA(np.full((5, 4), 0.25), 2)
    assert pca.variances.tolist() == [0, 0]
    assert pca.reconstruct(np.full((1, 4), 0.25)) == pytest.approx(np.full((1, 4), 0.25), abs=1e-6)


def test_pca_errors():
    x = grid()
    for k in (0, -1, 13):
        with pytest.raises(ValueError, match="k must be at"):
            ae.PCA(x, k)
    with pytest.raises(TypeError, match="k must be a positive whole number"):
        ae.PCA(x, 2.0)
    with pytest.raises(ValueError, match="x_train must hold at least 2 image"):
        ae.PCA(x[:1], 1)
    with pytest.raises(ValueError, match="x_train must have two dimensions"):
        ae.PCA(x[0], 1)
    pca = ae.PCA(x, 3)
    with pytest.raises(ValueError, match="x must have 12 columns"):
        pca.encode(x[:, :9])
    with pytest.raises(ValueError, match="x must have 12 columns"):
        pca.reconstruct(x[:, :9])
    for k in (0, 4):
        with pytest.raises(ValueError, match="k must be at"):
            pca.reconstruct(x, k)


# ---------------------------------------------------------------------------------------------- the ladder

COLUMNS = ("reconstruction by", "cross entropy", "above the floor", "squared error")


def test_ladder_rungs(mnist, digits):
    test = mnist.x_test[:1100]
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(code_size=8)
    ladder = ae.loss_ladder(digits, test, {"ours": model, "itself": lambda images: images}, 8)
    assert ladder.columns == COLUMNS
    assert ladder.column("reconstruction by") == ["mean image", "PCA-8", "ours", "itself", "floor"]
    entropy, above, squared = (ladder.column(name) for name in COLUMNS[1:])
    floor, inside = ae.bce_floor(test), (1 / 510, 1 - 1 / 510)
    mean, pca = np.tile(ae.mean_image(digits), (1100, 1)), ae.PCA(digits, 8).reconstruct(test)
    made = model(test).numpy()
    assert entropy == pytest.approx(
        [ae.bce(test, mean.clip(*inside)), ae.bce(test, pca.clip(*inside)), ae.bce(test, made), floor, floor], abs=1e-6
    )
    assert above == pytest.approx([value - floor for value in entropy], abs=1e-9)
    assert squared == pytest.approx([ae.mse(test, mean), ae.mse(test, pca), ae.mse(test, made), 0, 0], abs=1e-7)
    assert squared[1] < squared[0] and entropy[1] < entropy[0] and min(above) >= 0


def test_ladder_by_hand():
    x_train, x_test = np.array([[0, 0], [1, 0]]), np.array([[1, 0]])
    ladder = ae.loss_ladder(x_train, x_test, {}, 1)
    edge = -math.log(1 - 1 / 510)
    # The mean image says (0.5, 0), and the first component is the first pixel: PCA-1 says (1, 0), cut off at the edges.
    assert ladder.column("cross entropy") == pytest.approx([(LN2 + edge) / 2, edge, 0], abs=1e-6)
    assert ladder.column("squared error") == pytest.approx([0.125, 0, 0], abs=1e-6)
    assert ladder.rows[-1] == ("floor", 0, 0, 0)


@pytest.mark.parametrize("shift", [-0.5, 0.5])
def test_model_outside_the_range_has_no_cross_entropy(shift):
    x = grid()
    ladder = ae.loss_ladder(x, x, {"shifted": lambda images: images + shift}, 2)
    name, entropy, above, squared = ladder.rows[2]
    assert (name, entropy, above) == ("shifted", None, None) and squared == pytest.approx(0.25, rel=1e-5)
    assert repr(ladder).splitlines()[4].split() == ["shifted", "0.2500"]


def test_ladder_takes_any_function(small):
    x = grid(30, 16)
    model = small()
    models = {
        "model": model,
        "call": lambda images: model(images),  # a tensor
        "pca": ae.PCA(x, 16).reconstruct,
        "half": lambda images: np.full(images.shape, 0.5),
        "list": lambda images: images.tolist(),
    }
    ladder = ae.loss_ladder(x, x, models, 3)
    assert ladder.rows[2][1:] == pytest.approx(ladder.rows[3][1:], abs=1e-6)
    assert ladder.rows[4][3] < 1e-9
    assert ladder.rows[5][1] == pytest.approx(LN2, rel=1e-6)
    assert ladder.rows[6][2] == pytest.approx(0, abs=1e-6)


def test_ladder_leaves_model_and_images_alone(small):
    x = grid(30, 16)
    kept, model = x.copy(), small()
    weights = model.get_weights()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword")  # inside Keras
        ae.loss_ladder(x, x, {"model": model}, 3)
    assert np.array_equal(x, kept)
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"x_train": grid() * 255}, ValueError, r"x_train must lie in \[0, 1\].*divide by 255 first"),
        ({"x_test": grid() - 0.5}, ValueError, r"x_test must lie in \[0, 1\]"),
        ({"x_test": grid()[:, :9]}, ValueError, "x_test must have 12 columns as x_train has"),
        ({"x_test": grid()[0]}, ValueError, "x_test must have two dimensions"),
        ({"models": [abs]}, TypeError, "models must be a dict"),
        ({"models": abs}, TypeError, "models must be a dict"),
        ({"models": {"a": None}}, TypeError, r"models\['a'\] must be a keras.Model or a function"),
        ({"models": {"a": lambda images: images[:, :5]}}, ValueError, r"the output of models\['a'\] must have 12 columns"),
        ({"models": {"a": lambda images: images[0]}}, ValueError, "the output of .* must have two dimensions"),
        ({"models": {"a": lambda images: images * np.nan}}, ValueError, "the output of .* must be finite"),
        ({"models": {"a": lambda images: None}}, TypeError, "the output of .* must hold real numbers"),
        ({"models": {"a": lambda images: images[:5]}}, ValueError, "shape"),
        ({"models": {"a": lambda images: images[:1]}}, ValueError, "shape"),
        ({"code_size": 13}, ValueError, "code_size must be at most"),
        ({"code_size": 0}, ValueError, "code_size must be at least 1"),
        ({"code_size": 2.0}, TypeError, "code_size must be a positive whole number"),
    ],
)
def test_ladder_errors(change, kind, message):
    arguments = {"x_train": grid(), "x_test": grid(20), "models": {}, "code_size": 2, **change}
    with pytest.raises(kind, match=message):
        ae.loss_ladder(**arguments)


def test_outputs_in_pieces(digits):
    many = np.tile(digits, (8, 1))[:2301]
    sizes = []

    def halve(images):
        sizes.append(len(images))
        return images[:, 1:] / 2

    made = outputs(halve, many, "halve")
    assert sizes == [1000, 1000, 301] and made.dtype == np.float32 and np.array_equal(made, many[:, 1:] / 2)
    with pytest.raises(ValueError, match="the output of halve must have 784 columns"):
        outputs(halve, many, "halve", 784)


# Filters.


def point(side=5):
    image = np.zeros((1, side * side), np.float32)
    image[0, side * side // 2] = 1
    return image


def test_median_removes_a_point_and_keeps_an_area():
    assert (ae.median_filter(point(), 3) == 0).all()
    area = np.zeros((7, 7), np.float32)
    area[1:6, 1:6] = 1
    corners_lost = area.copy()
    corners_lost[[1, 1, 5, 5], [1, 5, 1, 5]] = 0  # 4 of the 9 pixels around a corner are white
    assert np.array_equal(ae.median_filter(area.reshape(1, 49), 3), corners_lost.reshape(1, 49))


def test_median_by_hand():
    image = np.arange(9, dtype=np.float32).reshape(1, 9) / 255
    assert ae.median_filter(image, 3)[0, 4] * 255 == pytest.approx(4)


def test_blur_spreads_a_point_evenly_and_keeps_the_light():
    made = ae.blur(point(11), 1).reshape(11, 11)
    assert made.sum() == pytest.approx(1, abs=0.05)
    assert made[5, 5] == pytest.approx(1 / (2 * np.pi), abs=0.02)  # a bell of deviation 1 has this height
    assert made[5, 4] == made[5, 6] == made[4, 5] == made[6, 5] < made[5, 5]
    assert np.array_equal(ae.blur(point(11), 0), point(11))


@pytest.mark.parametrize("make", [lambda x: ae.blur(x, 1), lambda x: ae.median_filter(x, 3)])
def test_filters_treat_each_image_by_itself(make, digits):
    made = make(digits[:5])
    assert made.shape == (5, 784) and made.dtype == np.float32 and made.min() >= 0 and made.max() <= 1
    assert np.array_equal(made[3:4], make(digits[3:4]))
    assert np.abs(made - digits[:5]).max() > 0.1


def test_filters_say_what_is_wrong(tiny):
    with pytest.raises(ValueError, match="x must hold square images, but each has 15 pixels"):
        ae.blur(tiny[:, :15], 1)
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\]"):
        ae.median_filter(tiny + 1, 3)
    with pytest.raises(ValueError, match="size must be odd, but it is 4"):
        ae.median_filter(tiny, 4)
    with pytest.raises(TypeError, match="size must be a positive whole number"):
        ae.median_filter(tiny, 3.0)
    with pytest.raises(ValueError, match="radius must be finite and at least 0"):
        ae.blur(tiny, -1)
