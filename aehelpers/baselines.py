"""The ladder's other rungs: what an autoencoder has to beat, and what no model can beat."""

import contextlib

import numpy as np
import pandas as pd
from aehelpers.models import finite_outputs, pieces
from aehelpers.validation import Dict, Images, Integer, Model, same_images, same_shape, takes
from sklearn.decomposition import PCA

_HALF_A_GREY_LEVEL = 1 / 510
_KERAS_EPSILON = 1e-7


@takes(x=Images(), reconstruction=Images())
def mse(x, reconstruction):
    """Mean squared error per pixel.

    Parameters
    ----------
    x, reconstruction : arrays of images of one shape

    Returns
    -------
    float
    """
    same_shape(x, "x", reconstruction, "reconstruction")
    return _mean_of(lambda a, b: np.square(a - b), x, reconstruction)


@takes(x=Images(pixels=True), reconstruction=Images(pixels=True))
def bce(x, reconstruction):
    """Binary cross entropy, the mean of ``-x log(r) - (1 - x) log(1 - r)``.

    Parameters
    ----------
    x, reconstruction : arrays of images of one shape
        Pixels and probabilities in [0, 1] (a cross entropy of logits would mean nothing). Probabilities are kept 1e-7 away
        from 0 and 1, as Keras does.

    Returns
    -------
    float
        Nats per pixel. It is never below `bce_floor` of ``x``.
    """
    same_shape(x, "x", reconstruction, "reconstruction")

    def cross_entropy(pixel, probability):
        pixel = pixel.astype(float)  # in float32, 1 - pixel is rounded, and the result can fall below the floor
        probability = np.clip(probability.astype(float), _KERAS_EPSILON, 1 - _KERAS_EPSILON)
        return -pixel * np.log(probability) - (1 - pixel) * np.log1p(-probability)

    return _mean_of(cross_entropy, x, reconstruction)


@takes(x=Images(pixels=True))
def bce_floor(x):
    """The binary cross entropy of a perfect reconstruction: the mean entropy of the pixels themselves.

    Zero for pixels that are exactly 0 or 1, and ln 2 = 0.693 for a pixel of 0.5. No model gets below it.

    Parameters
    ----------
    x : array of images, pixels in [0, 1]

    Returns
    -------
    float
        Nats per pixel. Notebook 02.
    """

    def entropy(pixel, _):
        pixel = pixel.astype(float)
        inside = np.where((pixel > 0) & (pixel < 1), pixel, 0.5)
        return np.where(pixel == inside, -inside * np.log(inside) - (1 - inside) * np.log1p(-inside), 0.0)

    return _mean_of(entropy, x, x)


@takes(x=Images())
def mean_image(x):
    """The one picture with the least squared error, and the least cross entropy, when every image gets the same picture.

    Parameters
    ----------
    x : array of images, shape (images, ...)

    Returns
    -------
    ndarray of float32, the shape of one image
    """
    return x.mean(axis=0, dtype=float).astype(np.float32)


@takes(x=Images(at_least=2, dimensions=(2,)), n_components=Integer())
def fit_pca(x, n_components):
    """Fit scikit-learn's PCA by the solver that suits many images of few pixels, and without a copy of the images.

    Parameters
    ----------
    x : array of images, shape (images, pixels)
    n_components : int

    Returns
    -------
    sklearn.decomposition.PCA
        Notebooks 01 to 03 and 08.
    """
    view = x.view()
    with contextlib.suppress(ValueError):
        view.flags.writeable = True  # this solver writes nothing, and yet scikit-learn copies what is read-only: 172 MB
    with np.errstate(invalid="ignore"):  # images that are all the same have no variance to take a share of
        return PCA(n_components, svd_solver="covariance_eigh").fit(view)


def project(pca, x, n_components):
    """Return the projection of flat images on the first components of a PCA, as images again; not confined to [0, 1]."""
    return pca.transform(x)[:, :n_components] @ pca.components_[:n_components] + pca.mean_


@takes(
    x_train=Images(pixels=True, at_least=2),
    x_test=Images(pixels=True),
    models=Dict(Model(or_function=True), or_empty=True),
    code_size=Integer(),
)
def loss_ladder(x_train, x_test, models, code_size):
    """Put models between the baselines: mean image, PCA, the models, and the floor of the cross entropy.

    Parameters
    ----------
    x_train, x_test : arrays of images, pixels in [0, 1]
        The baselines are fitted to ``x_train``; everything is measured on ``x_test``.
    models : dict
        ``{name: model}``; a model is a `keras.Model` or any function from images to reconstructions of the same shape.
    code_size : int
        Number of components of the PCA, at most the number of pixels and of training images.

    Returns
    -------
    pandas.DataFrame
        A row for each rung, with the cross entropy in nats per pixel, how far it is above the floor, and the squared error
        per pixel. The cross entropy of a mean image or PCA, which may say exactly 0 or 1, is taken half a grey level
        (1/510) inside [0, 1]; that of a model whose output leaves [0, 1] does not exist, and is NaN. Notebooks 01 to 03.
    """
    same_images(x_train, "x_train", x_test, "x_test")
    flat_train, flat_test = x_train.reshape(len(x_train), -1), x_test.reshape(len(x_test), -1)
    if code_size > min(flat_train.shape):
        raise ValueError(
            f"code_size must be at most {min(flat_train.shape)}, the pixels or images there are, but it is {code_size}"
        )
    floor = bce_floor(x_test)

    def rung(reconstruction, inside=0.0):
        error = mse(x_test, reconstruction)
        if inside:
            reconstruction = reconstruction.clip(inside, 1 - inside)
        if reconstruction.min() < 0 or reconstruction.max() > 1:
            return np.nan, np.nan, error
        cross_entropy = bce(x_test, reconstruction)
        return cross_entropy, cross_entropy - floor, error

    # The models first: what is wrong with one should be said before the seconds that PCA takes.
    of_models = {}
    for name, model in models.items():
        made = finite_outputs(model, x_test, f"models[{name!r}]")
        same_shape(x_test, "x_test", made, f"the output of models[{name!r}]")
        of_models[name] = rung(made)
    projected = project(fit_pca(flat_train, code_size), flat_test, code_size).reshape(x_test.shape)
    rungs = {
        "mean image": rung(np.broadcast_to(mean_image(x_train), x_test.shape), _HALF_A_GREY_LEVEL),
        f"PCA-{code_size}": rung(projected, _HALF_A_GREY_LEVEL),
        **of_models,
        "floor": (floor, 0.0, 0.0),
    }
    columns = ["cross entropy", "above the floor", "squared error"]
    return pd.DataFrame.from_dict(rungs, orient="index", columns=columns).rename_axis("reconstruction by")


def _mean_of(measure, x, reconstruction):
    """The mean of an elementwise measure, taken in pieces so that no float64 copy of a data set is made."""
    return sum(float(np.sum(measure(x[piece], reconstruction[piece]), dtype=float)) for piece in pieces(x)) / x.size
