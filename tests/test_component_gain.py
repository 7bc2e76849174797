"""The gain of each principal component, against values worked out by hand."""

import aehelpers as ae
import numpy as np
import pytest


@pytest.fixture(scope="module")
def cross():
    """Images of three pixels, centred on (4, 5, 6), that vary by 3, 2 and 1 along the pixels: these are the components."""
    return np.array([[7, 5, 6], [1, 5, 6], [4, 7, 6], [4, 3, 6], [4, 5, 7], [4, 5, 5]], np.float32)


class TestByHand:
    def test_identity_keeps_everything(self, cross):
        np.testing.assert_allclose(ae.component_gain(lambda x: x, cross, cross), [1, 1, 1])

    def test_constant_answer_keeps_nothing(self, cross):
        gain = ae.component_gain(lambda x: np.full_like(x, 0.3), cross, cross)
        np.testing.assert_allclose(gain, [0, 0, 0], atol=1e-12)

    def test_half_of_the_image(self, cross):
        np.testing.assert_allclose(ae.component_gain(lambda x: x / 2, cross, cross), [0.5, 0.5, 0.5])

    def test_each_pixel_with_a_factor_of_its_own(self, cross):
        gain = ae.component_gain(lambda x: x * np.float32([0.25, -1, 2]) + 7, cross, cross)
        np.testing.assert_allclose(gain, [0.25, -1, 2])

    def test_is_a_slope_when_the_answer_is_not_a_multiple(self, cross):
        # Scores on the first component: 3, -3, 0, 0, 0, 0, with squares that add up to 18. An answer of 6 to the first image
        # and 0 to the others has products that add up to 18; on the other components the answer does not vary.
        gain = ae.component_gain(lambda x: np.where(x == 7, 6, 0) * [1, 0, 0], cross, cross)
        np.testing.assert_allclose(gain, [1, 0, 0], atol=1e-12)

    def test_the_mean_of_x_need_not_be_that_of_the_training(self, cross):
        gain = ae.component_gain(lambda x: x / 2, cross, cross[:5] * 2)
        np.testing.assert_allclose(gain, [0.5, 0.5, 0.5], rtol=1e-6)


class TestPCA:
    def test_gives_one_for_the_first_k_and_zero_after(self, digits):
        k = 20
        gain = ae.component_gain(ae.PCA(digits, k).reconstruct, digits, digits)
        assert gain.shape == (784,) and gain.dtype == float
        np.testing.assert_allclose(gain[:k], 1, atol=1e-4)
        np.testing.assert_allclose(gain[k:100], 0, atol=1e-3)

    def test_a_fitted_one_may_stand_for_the_images(self, tiny):
        def halves(x):
            return x * np.linspace(0, 1, 16, dtype=np.float32)

        np.testing.assert_array_equal(ae.component_gain(halves, ae.PCA(tiny, 16), tiny), ae.component_gain(halves, tiny, tiny))
        np.testing.assert_array_equal(
            ae.component_gain(halves, ae.PCA(tiny, 5), tiny), ae.component_gain(halves, tiny, tiny)[:5]
        )

    def test_nan_where_nothing_varies(self, tiny):
        images = np.hstack([tiny, np.full((len(tiny), 2), 0.5, np.float32)])
        gain = ae.component_gain(lambda x: x, images, images)
        np.testing.assert_allclose(gain[:16], 1)
        assert np.isnan(gain[16:]).all()

    def test_all_nan_for_equal_images(self, tiny):
        assert np.isnan(ae.component_gain(lambda x: x, tiny, np.tile(tiny[:1], (5, 1)))).all()


def test_takes_a_model_and_more_images_than_a_piece(tiny, small):
    images = np.tile(tiny, (12, 1))
    model = small()
    gain = ae.component_gain(model, tiny, images)
    np.testing.assert_allclose(gain, ae.component_gain(lambda x: model(x).numpy(), tiny, tiny), rtol=1e-4, atol=1e-5)


class TestErrors:
    def test_names_what_is_wrong(self, tiny):
        with pytest.raises(ValueError, match=r"x must have 16 columns.*\(96, 15\)"):
            ae.component_gain(lambda x: x, tiny, tiny[:, :15])
        with pytest.raises(ValueError, match="x must hold at least 2"):
            ae.component_gain(lambda x: x, tiny, tiny[:1])
        with pytest.raises(ValueError, match="x_train must hold at least 2"):
            ae.component_gain(lambda x: x, tiny[:1], tiny)
        with pytest.raises(TypeError, match="x_train must hold real numbers"):
            ae.component_gain(lambda x: x, np.array([["a"]]), tiny)
        with pytest.raises(ValueError, match="the output of model must have 16 columns"):
            ae.component_gain(lambda x: x[:, :3], tiny, tiny)
        with pytest.raises(TypeError, match=r"model must be a keras\.Model"):
            ae.component_gain("pca", tiny, tiny)
        with pytest.raises(ValueError, match="the output of model must be finite"):
            ae.component_gain(lambda x: x * np.nan, tiny, tiny)
