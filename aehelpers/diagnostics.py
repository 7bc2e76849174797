"""Measurements on a model: which weights learn, which moved, and what a code holds."""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from aehelpers._loop import output_in_training, total_loss
from aehelpers.baselines import fit_pca
from aehelpers.models import compiled_loss, finite_outputs, pieces, predict, unchanged
from aehelpers.validation import Images, Loss, Model, Optional, same_number, same_shape, suits, takes
from sklearn.decomposition import PCA

_NO_VARIANCE = 1e-10  # of the largest: above what the rounding of float32 components leaves, below any real pixel


@takes(model=Model(), x=Images(), loss=Optional(Loss()), target=Optional(Images()))
def gradient_report(model, x, loss=None, target=None):
    """Say for each weight whether a gradient of the loss reaches it.

    Parameters
    ----------
    model : keras.Model
    x : array of images
        The batch on which the gradient is taken; a few hundred images are enough.
    loss : str, keras.Loss or callable, optional
        As in `aehelpers.fit`.
    target : array of images, optional
        What to reconstruct; ``x`` itself unless told.

    Returns
    -------
    pandas.DataFrame
        A row for each weight, under its path: its shape, "none", "zero" or "flows", and the Euclidean norm of its gradient.
        "none" means that TensorFlow has no gradient at all, so that an optimizer skips the weight; it is what a frozen
        weight and a weight behind a rounding get. "zero" means that there is a gradient and all its entries are 0.
        Notebook 01.
    """
    loss = loss or compiled_loss(model) or keras.losses.get("bce")
    if target is not None:
        same_number(x, "x", target, "target")
    suits(loss, x if target is None else target, "x" if target is None else "target")
    if not model.built:
        predict(model, x[:1])
    x = tf.constant(x)
    target = x if target is None else tf.constant(target)
    with unchanged(model), tf.GradientTape() as tape:
        value = total_loss(model, loss, target, output_in_training(model, x, x.shape))
    gradients = tape.gradient(value, {id(weight): weight.value for weight in model.trainable_weights})
    rows = []
    for weight in model.weights:
        gradient = gradients.get(id(weight))
        norm = np.nan if gradient is None else float(tf.norm(tf.convert_to_tensor(gradient)))
        word = "none" if gradient is None else "zero" if norm == 0 else "flows"
        rows.append((weight.path, _shape(weight), word, norm))
    return pd.DataFrame(rows, columns=["weight", "shape", "gradient", "norm"]).set_index("weight")


def earlier_weights(value, name):
    # Not `model.weights`: those are the weights of now, and have never moved.
    if not isinstance(value, (list, tuple)) or not all(isinstance(b, np.ndarray) and b.dtype.kind == "f" for b in value):
        raise TypeError(f"{name} must be a list of arrays, an earlier model.get_weights(), but it is {value!r:.200}")
    return value


@takes(model=Model(), before=earlier_weights)
def weight_drift(model, before):
    """Say how far each weight has moved since ``before``.

    Parameters
    ----------
    model : keras.Model
    before : list of ndarray
        What ``model.get_weights()`` returned earlier.

    Returns
    -------
    pandas.DataFrame
        A row for each weight, under its path: its shape, the norm of the change, and that norm divided by the norm before
        (NaN where the weight was all zero). Notebook 01.
    """
    after = model.get_weights()
    if [b.shape for b in before] != [a.shape for a in after]:
        raise ValueError(
            f"before must be an earlier model.get_weights(), with shapes {[a.shape for a in after]}, "
            f"but its shapes are {[b.shape for b in before]}"
        )
    rows = []
    for weight, old, new in zip(model.weights, before, after, strict=True):
        change, size = float(np.linalg.norm(new - old)), float(np.linalg.norm(old))
        rows.append((weight.path, _shape(weight), change, change / size if size else np.nan))
    return pd.DataFrame(rows, columns=["weight", "shape", "change", "relative change"]).set_index("weight")


def _shape(weight):
    return " x ".join(map(str, weight.shape))


@takes(encoder=Model(or_function=True), x=Images())
def dead_units(encoder, x):
    """Say for each unit of an encoder's output whether it is dead: never above 0 on any of the images.

    A ReLU unit that is dead on all training images gets no gradient from any of them. It comes back only if the layers
    below it move, through units that are still alive.

    Parameters
    ----------
    encoder : keras.Model or callable
        From images to codes, of shape (images, units) or, where it ends in a convolution, (images, height, width, channels).
    x : array of images

    Returns
    -------
    ndarray of bool, the shape of one code
        Notebook 03.
    """
    return (finite_outputs(encoder, x, "encoder") <= 0).all(axis=0)


@dataclass(frozen=True)
class CodeUsage:
    """What `code_usage` found.

    Attributes
    ----------
    images : int
        Number of codes looked at.
    units : int
        Size of a code.
    distinct : int
        Number of different codes.
    constant_units : int
        Units that have the same value for all images.
    bits_per_unit : ndarray of float, shape (units,)
        Entropy of each unit, at most 1 bit.
    bits : float
        Sum of those: no code of such units can carry more information about an image.
    """

    images: int
    units: int
    distinct: int
    constant_units: int
    bits_per_unit: np.ndarray
    bits: float

    def __repr__(self):
        return (
            f"{self.images} images have {self.distinct} distinct codes of {self.units} units, {self.constant_units} of them "
            f"constant; at most {self.bits:.1f} bits"
        )


@takes(codes=Images(dimensions=(2,)))
def code_usage(codes):
    """Count what a binary code uses: distinct codes, constant units, and bits.

    Parameters
    ----------
    codes : array, shape (images, units)
        Zeros and ones.

    Returns
    -------
    CodeUsage

    References
    ----------
    C. Shannon (1948), A mathematical theory of communication. Notebook 01.
    """
    binary = np.isin(codes, (0, 1))
    if not binary.all():
        raise ValueError(f"codes must hold zeros and ones only, but one of its values is {codes[~binary][0]:g}")
    share = codes.mean(axis=0, dtype=float)
    inside = np.clip(share, 1e-300, 1 - 1e-16)
    bits = np.where((share > 0) & (share < 1), -inside * np.log2(inside) - (1 - inside) * np.log2(1 - inside), 0.0)
    packed = np.packbits(codes.astype(bool), axis=1)
    return CodeUsage(
        images=len(codes),
        units=codes.shape[1],
        distinct=len(np.unique(packed, axis=0)),
        constant_units=int(((share == 0) | (share == 1)).sum()),
        bits_per_unit=bits,
        bits=float(bits.sum()),
    )


def _images_or_pca(value, name):
    return value if isinstance(value, PCA) else Images(at_least=2)(value, name)


@takes(model=Model(or_function=True), x_train=_images_or_pca, x=Images(at_least=2))
def component_gain(model, x_train, x):
    """Say for each principal component of the data how much of it a reconstruction keeps.

    The score of an image on a component is the dot product of the two, after the mean image is taken away. The gain of a
    component is the slope of the line that predicts the reconstruction's score from the original's, by least squares over
    the images of ``x``: their covariance divided by the variance of the original's score. 1 means that the component is
    kept and 0 that it is lost.

    Parameters
    ----------
    model : keras.Model or callable
        From images to reconstructions of the same shape.
    x_train : array of images, or a fitted sklearn.decomposition.PCA of such images, made flat
        Whose principal components are meant. Fitting takes a second, so that for several models it is better done once.
    x : array of images, at least two
        The images to reconstruct.

    Returns
    -------
    ndarray of float64, shape (components,)
        In the order of the components, largest variance first: one for each pixel, or as many as the PCA has. NaN where the
        images of ``x`` do not vary along a component (by less than 1e-10 of the largest variance), as for pixels that are
        always black.

    References
    ----------
    A. Saxe, J. McClelland and S. Ganguli (2014), Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks, https://arxiv.org/abs/1312.6120: why such gains rise in the order of the variance. Notebook 02.
    """
    pixels = int(np.prod(x.shape[1:]))
    fitted_to = x_train.n_features_in_ if isinstance(x_train, PCA) else int(np.prod(x_train.shape[1:]))
    if fitted_to != pixels:
        raise ValueError(f"x must hold images of {fitted_to} pixels, as x_train does, but its shape is {x.shape}")
    pca = x_train if isinstance(x_train, PCA) else fit_pca(x_train.reshape(len(x_train), -1), min(len(x_train), pixels))
    reconstruction = finite_outputs(model, x, "model")
    same_shape(x, "x", reconstruction, "the output of model")
    components, mean = pca.components_.astype(float), pca.mean_.astype(float)
    middle = (x.reshape(len(x), -1).mean(axis=0, dtype=float) - mean) @ components.T
    variance, covariance = np.zeros(len(components)), np.zeros(len(components))
    for rows in pieces(x):
        piece, made = (array[rows].reshape(-1, pixels) for array in (x, reconstruction))
        score = (piece - mean) @ components.T - middle
        variance += np.square(score).sum(axis=0)
        covariance += (score * ((made - mean) @ components.T)).sum(axis=0)
    varies = variance > _NO_VARIANCE * max(variance.max(), len(x) * float(pca.explained_variance_[0]))
    return np.divide(covariance, variance, out=np.full(len(components), np.nan), where=varies)
