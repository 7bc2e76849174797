"""Measurements on a model: which weights learn, which moved, and what a code holds."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from aehelpers.arrays import as_images
from aehelpers.baselines import PCA, outputs
from aehelpers.tables import Table
from aehelpers.training import as_loss, as_target, check_range, output_width, total_loss

_NO_VARIANCE = 1e-10  # of the largest: above what the rounding of float32 components leaves, below any real pixel


def gradient_report(model, x, loss="bce", target=None):
    """Say for each weight whether a gradient of the loss reaches it.

    Parameters
    ----------
    model : keras.Model
    x : array, shape (images, pixels)
        The batch on which the gradient is taken; a few hundred images are enough.
    loss : str, keras.Loss or callable
        As in `aehelpers.fit`.
    target : array, shape (images, pixels), optional
        What to reconstruct; ``x`` itself unless told.

    Returns
    -------
    Table
        A row for each weight: its path, its shape, "none", "zero" or "flows", and the Euclidean norm of its gradient.
        "none" means that TensorFlow has no gradient at all, so that an optimizer skips the weight; it is what a frozen
        weight and a weight behind a rounding get. "zero" means that there is a gradient and all its entries are 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong.

    References
    ----------
    Notebook 01.
    """
    x = as_images(x, "x")
    target = as_target(target, "target", x, output_width(model, x))
    measure = as_loss(loss)
    check_range(measure, x, target, "x", "target")
    target = x if target is None else target
    kept = [(variable, variable.numpy()) for variable in model.non_trainable_variables]
    with tf.GradientTape() as tape:
        value = total_loss(model, measure, tf.constant(x), tf.constant(target), training=True)
    gradients = tape.gradient(value, {id(weight): weight.value for weight in model.trainable_weights})
    for variable, value in kept:  # moving statistics and random states: a measurement changes nothing
        variable.assign(value)
    rows = []
    for weight in model.weights:
        gradient = gradients.get(id(weight))
        norm = None if gradient is None else float(tf.norm(tf.convert_to_tensor(gradient)))
        word = "none" if norm is None else "zero" if norm == 0 else "flows"
        rows.append((weight.path, " x ".join(map(str, weight.shape)), word, norm))
    return Table(("weight", "shape", "gradient", "norm"), rows)


def weight_drift(model, before):
    """Say how far each weight has moved since ``before``.

    Parameters
    ----------
    model : keras.Model
    before : list of ndarray
        What ``model.get_weights()`` returned earlier.

    Returns
    -------
    Table
        A row for each weight: its path, its shape, the norm of the change, and that norm divided by the norm before
        (empty where the weight was all zero).

    Raises
    ------
    TypeError, ValueError
        If ``model`` is not a Keras model, or ``before`` does not fit its weights.

    References
    ----------
    Notebook 01.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model, but it is {type(model).__name__}")
    # Not `model.weights`: those are the weights of now, and have never moved.
    if not isinstance(before, (list, tuple)) or not all(isinstance(b, np.ndarray) and b.dtype.kind == "f" for b in before):
        raise TypeError(f"before must be a list of arrays, an earlier model.get_weights(), but it is {before!r:.200}")
    after = model.get_weights()
    if [b.shape for b in before] != [a.shape for a in after]:
        raise ValueError(
            f"before must be an earlier model.get_weights(), with shapes {[a.shape for a in after]}, "
            f"but its shapes are {[b.shape for b in before]}"
        )
    rows = []
    for weight, old, new in zip(model.weights, before, after, strict=True):
        change, size = float(np.linalg.norm(new - old)), float(np.linalg.norm(old))
        rows.append((weight.path, " x ".join(map(str, weight.shape)), change, change / size if size else None))
    return Table(("weight", "shape", "change", "relative change"), rows)


def dead_units(encoder, x):
    """Say for each unit of an encoder's output whether it is dead: never above 0 on any of the images.

    A ReLU unit that is dead on all training images gets no gradient from any of them. It comes back only if the layers
    below it move, through units that are still alive.

    Parameters
    ----------
    encoder : keras.Model or callable
        From (images, pixels) to (images, units).
    x : array, shape (images, pixels)

    Returns
    -------
    ndarray of bool, shape (units,)

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong.

    References
    ----------
    Notebook 03.
    """
    return (outputs(encoder, as_images(x, "x"), "encoder") <= 0).all(axis=0)


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


def code_usage(codes):
    """Count what a binary code uses: distinct codes, constant units, and bits.

    Parameters
    ----------
    codes : array, shape (images, units)
        Zeros and ones.

    Returns
    -------
    CodeUsage

    Raises
    ------
    TypeError, ValueError
        If ``codes`` is not an array of zeros and ones.

    References
    ----------
    C. Shannon (1948), A mathematical theory of communication. Notebook 01.
    """
    codes = as_images(codes, "codes")
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


def component_gain(model, x_train, x):
    """Say for each principal component of the data how much of it a reconstruction keeps.

    The score of an image on a component is the dot product of the two, after the mean image is taken away. The gain of a
    component is the slope of the line that predicts the reconstruction's score from the original's, by least squares over
    the images of ``x``: their covariance divided by the variance of the original's score. 1 means that the component is
    kept and 0 that it is lost.

    Parameters
    ----------
    model : keras.Model or callable
        From (images, pixels) to reconstructions of the same shape.
    x_train : array, shape (images, pixels), or PCA
        The images whose principal components are meant. Fitting takes a second, so that for several models it is better
        done once: ``pca = ae.PCA(x_train, 784)``.
    x : array, shape (images, pixels)
        The images to reconstruct, at least two.

    Returns
    -------
    ndarray of float64, shape (components,)
        In the order of the components, largest variance first: one for each pixel, or as many as the PCA has. NaN where the
        images of ``x`` do not vary along a component (by less than 1e-10 of the largest variance), as for pixels that are
        always black.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong, or the output of ``model`` has not the shape of its input.

    References
    ----------
    A. Saxe, J. McClelland and S. Ganguli (2014), Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks, https://arxiv.org/abs/1312.6120: why such gains rise in the order of the variance. Notebook 02.
    """
    if isinstance(x_train, PCA):
        pca = x_train
    else:
        x_train = as_images(x_train, "x_train", at_least=2)
        pca = PCA(x_train, x_train.shape[1])
    x = as_images(x, "x", len(pca.mean), at_least=2)
    components, mean = pca.components.astype(float), pca.mean.astype(float)
    middle = (x.mean(axis=0, dtype=float) - mean) @ components.T
    variance, covariance = np.zeros(len(components)), np.zeros(len(components))
    for start in range(0, len(x), 1000):
        piece = x[start : start + 1000]
        score = (piece - mean) @ components.T - middle
        variance += np.square(score).sum(axis=0)
        covariance += (score * ((outputs(model, piece, "model", x.shape[1]) - mean) @ components.T)).sum(axis=0)
    varies = variance > _NO_VARIANCE * max(variance.max(), len(x) * float(pca.variances[0]))
    return np.divide(covariance, variance, out=np.full(len(components), np.nan), where=varies)
