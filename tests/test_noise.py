"""Noise: what it changes and what not, in arrays and in the layer that adds it while a model trains."""

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf


@pytest.mark.parametrize("make", [ae.masking_noise, ae.salt_and_pepper_noise, ae.gaussian_noise])
def test_a_copy_that_repeats_with_its_seed(make, tiny):
    before = tiny.copy()
    made = make(tiny, 0.5, seed=3)
    assert made.dtype == np.float32 and made.shape == tiny.shape
    assert np.array_equal(tiny, before) and not np.shares_memory(made, tiny)
    assert np.array_equal(made.reshape(-1, 4, 4), make(tiny.reshape(-1, 4, 4), 0.5, seed=3))  # shaped or flat
    assert not np.array_equal(made, make(tiny, 0.5, seed=4))
    assert not np.array_equal(make(tiny, 0.5), make(tiny, 0.5))
    generator = np.random.default_rng(0)
    assert not np.array_equal(make(tiny, 0.5, seed=generator), make(tiny, 0.5, seed=generator))
    made = make(tiny, 0)  # changes nothing and is still a copy
    assert np.array_equal(made, tiny) and not np.shares_memory(made, tiny)


def test_masking_sets_a_fraction_to_zero_and_leaves_the_rest():
    x = np.random.default_rng(0).uniform(0.1, 1, (400, 784)).astype(np.float32)
    for p in (0.1, 0.3, 0.9):
        made = ae.masking_noise(x, p, seed=1)
        lost = made == 0
        assert lost.mean() == pytest.approx(p, abs=0.005)
        assert np.array_equal(made[~lost], x[~lost])
        assert lost.mean(axis=1).std() > 0.5 * np.sqrt(p * (1 - p) / 784)  # drawn for each pixel by itself
        assert np.abs(lost.mean(axis=0) - p).max() < 0.15  # and at no place more often
    assert (ae.masking_noise(x, 1) == 0).all()


def test_salt_and_pepper_replaces_half_by_black_and_half_by_white():
    x = np.full((400, 784), 0.5, np.float32)
    made = ae.salt_and_pepper_noise(x, 0.4, seed=1)
    shares = [(made == value).mean() for value in (0, 0.5, 1)]
    assert shares == pytest.approx([0.2, 0.6, 0.2], abs=0.005)
    assert set(np.unique(ae.salt_and_pepper_noise(x, 1, seed=1))) == {0, 1}


def test_gaussian_noise_is_normal_and_cut_off():
    x = np.full((400, 784), 0.5, np.float32)
    made = ae.gaussian_noise(x, 0.1, seed=1) - 0.5
    assert made.mean() == pytest.approx(0, abs=0.001) and made.std() == pytest.approx(0.1, abs=0.001)
    assert made == pytest.approx(0.1 * np.random.default_rng(1).standard_normal(x.shape, np.float32), abs=1e-6)
    assert set(np.unique(ae.gaussian_noise(x, 1e300, seed=1))) == {0, 1}


# The layer.


def test_layer_masks_in_training_only():
    x = tf.random.uniform((200, 784), 0.1, 1, seed=1)
    layer = ae.MaskingNoise(0.3, seed=0)
    assert layer(x) is x and layer(x, training=False) is x
    made = layer(x, training=True).numpy()
    lost = made == 0
    assert lost.mean() == pytest.approx(0.3, abs=0.01)
    assert np.array_equal(made[~lost], x.numpy()[~lost])  # Dropout would have divided these by 0.7
    assert not layer.trainable_variables and not layer.losses


@pytest.mark.parametrize("jit_compile", [False, True])
def test_layer_draws_anew_in_each_step_of_a_compiled_loop_and_repeats_with_its_seed(jit_compile):
    def six(seed):
        layer = ae.MaskingNoise(0.5, seed=seed)

        @tf.function(jit_compile=jit_compile)
        def three():
            return tf.stack([layer(tf.ones((4, 50)), training=True) for _ in range(3)])

        return [mask.tobytes() for mask in (*three().numpy(), *three().numpy())]

    assert len({*six(0), *six(1)}) == 12 and six(0) == six(0)


def test_layer_draws_a_level_for_each_image():
    layer = ae.MaskingNoise((0.2, 0.8), seed=0)
    lost = (layer(tf.ones((500, 784)), training=True).numpy() == 0).mean(axis=1)
    assert 0.15 < lost.min() < 0.25 and 0.75 < lost.max() < 0.85
    assert np.histogram(lost, bins=3, range=(0.2, 0.8))[0].min() > 120  # about 167 in each third


@pytest.mark.parametrize(("p", "xla"), [(0.3, True), ((0.0, 0.9), False)])
def test_layer_trains_a_denoiser_towards_the_clean_image_and_is_saved(p, xla, digits, fit, tmp_path):
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(code_size=16)
    denoiser = keras.Sequential([keras.Input((784,)), ae.MaskingNoise(p, seed=5), model])
    options = {"batch_size": 50, "optimizer": "adam", "learning_rate": 0.01, "validation_data": digits}
    losses = fit(denoiser, digits, xla=xla, steps=100, **options).history["loss"]
    assert losses[-1] < 0.6 * losses[0]
    denoiser.save(tmp_path / "denoiser.keras")
    loaded = keras.models.load_model(tmp_path / "denoiser.keras")
    assert loaded.layers[0].p == p and loaded.layers[0].seed == 5
    assert np.allclose(loaded(digits), model(digits), atol=1e-6)
