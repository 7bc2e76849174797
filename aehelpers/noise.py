"""What is done to images on purpose, so that a model can learn or show how to undo it."""

import numpy as np
from aehelpers.arrays import as_images, as_pixels, fraction, non_negative_number, random_generator


def masking_noise(x, p, seed=None):
    """Return a copy in which each pixel is set to 0 with probability ``p``.

    Parameters
    ----------
    x : array, shape (images, pixels)
        It stays as it is.
    p : float
        Probability in [0, 1]: the fraction of the entries that is lost, on average.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same noise.

    Returns
    -------
    ndarray of float32, shape (images, pixels)

    Raises
    ------
    TypeError, ValueError
        If ``x`` is not an array of images, ``p`` is not in [0, 1], or NumPy does not take ``seed``.

    References
    ----------
    P. Vincent, H. Larochelle, Y. Bengio and P.-A. Manzagol (2008), Extracting and composing robust features with denoising
    autoencoders. Notebook 06.
    """
    x, p = as_images(x, "x"), fraction(p, "p")
    kept = random_generator(seed, "seed").random(x.shape, dtype=np.float32) >= p
    return x * kept


def salt_and_pepper_noise(x, p, seed=None):
    """Return a copy in which each pixel is replaced with probability ``p``: half of those by 0, half by 1.

    Parameters
    ----------
    x : array, shape (images, pixels)
        It stays as it is.
    p : float
        Probability in [0, 1].
    seed : int or numpy.random.Generator, optional

    Returns
    -------
    ndarray of float32, shape (images, pixels)

    Raises
    ------
    TypeError, ValueError
        If ``x`` is not an array of images, ``p`` is not in [0, 1], or NumPy does not take ``seed``.

    References
    ----------
    Notebook 06.
    """
    x, p = as_images(x, "x"), fraction(p, "p")
    draw = random_generator(seed, "seed").random(x.shape, dtype=np.float32)
    return np.where(draw < p / 2, np.float32(0), np.where(draw < p, np.float32(1), x))


def gaussian_noise(x, deviation, seed=None):
    """Return a copy with normally distributed noise on every pixel, cut off at 0 and 1.

    Parameters
    ----------
    x : array, shape (images, pixels)
        Pixels in [0, 1]. It stays as it is.
    deviation : float
        Standard deviation of the noise before the cut, in units of full ink.
    seed : int or numpy.random.Generator, optional

    Returns
    -------
    ndarray of float32, shape (images, pixels)
        In [0, 1].

    Raises
    ------
    TypeError, ValueError
        If ``x`` is not an array of pixels, ``deviation`` is not a finite number of at least 0, or NumPy does not take
        ``seed``.

    References
    ----------
    Notebook 06.
    """
    x, deviation = as_pixels(x, "x"), non_negative_number(deviation, "deviation")
    noise = random_generator(seed, "seed").standard_normal(x.shape, dtype=np.float32)
    # Long before the limit of float32 there are black and white pixels only.
    return np.clip(x + np.float32(min(deviation, 1e30)) * noise, 0, 1)
