"""What is done to images on purpose, so that a model can learn or show how to undo it."""

import numpy as np
from aehelpers.validation import Fraction, Images, Real, Seed, takes


@takes(x=Images(), p=Fraction(), seed=Seed())
def masking_noise(x, p, seed=None):
    """Return a copy in which each pixel is set to 0 with probability ``p``.

    Parameters
    ----------
    x : array of images, any shape
        It stays as it is.
    p : float
        Probability in [0, 1]: the fraction of the entries that is lost, on average.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same noise.

    Returns
    -------
    ndarray of float32, the shape of ``x``

    References
    ----------
    P. Vincent, H. Larochelle, Y. Bengio and P.-A. Manzagol (2008), Extracting and composing robust features with denoising
    autoencoders. Notebook 06.
    """
    return x * (seed.random(x.shape, dtype=np.float32) >= p)


@takes(x=Images(), p=Fraction(), seed=Seed())
def salt_and_pepper_noise(x, p, seed=None):
    """Return a copy in which each pixel is replaced with probability ``p``: half of those by 0, half by 1.

    The arguments and the result are those of `masking_noise`. Notebook 06.
    """
    draw = seed.random(x.shape, dtype=np.float32)
    return np.where(draw < p / 2, np.float32(0), np.where(draw < p, np.float32(1), x))


@takes(x=Images(pixels=True), deviation=Real(0), seed=Seed())
def gaussian_noise(x, deviation, seed=None):
    """Return a copy with normally distributed noise on every pixel, cut off at 0 and 1.

    Parameters
    ----------
    x : array of images, any shape, pixels in [0, 1]
        It stays as it is.
    deviation : float
        Standard deviation of the noise before the cut, in units of full ink.
    seed : int or numpy.random.Generator, optional
        The same seed gives the same noise.

    Returns
    -------
    ndarray of float32, the shape of ``x``
        In [0, 1]. Notebook 06.
    """
    noise = seed.standard_normal(x.shape, dtype=np.float32)
    # Long before the limit of float32 there are black and white pixels only.
    return np.clip(x + np.float32(min(deviation, 1e30)) * noise, 0, 1)
