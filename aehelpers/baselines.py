"""The ladder's other rungs: what an autoencoder has to beat, and what no model can beat."""

import numpy as np
from aehelpers.arrays import as_dict, as_images, as_pixels, non_negative_number, positive_integer, side_of
from aehelpers.tables import Table
from PIL import Image, ImageFilter

_HALF_A_GREY_LEVEL = 1 / 510
_KERAS_EPSILON = 1e-7
_LARGEST_RADIUS = 1e6  # Pillow counts in whole numbers that end not far above
_PIECE = 1000  # images at a time, so that no large intermediate array is made


def mse(x, reconstruction):
    """Mean squared error per pixel.

    Parameters
    ----------
    x, reconstruction : array, shape (images, pixels)

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If the two are not finite arrays of the same shape.
    """
    x, reconstruction = _same_shape(as_images(x, "x"), as_images(reconstruction, "reconstruction"))
    return _mean_of(lambda a, b: np.square(a - b), x, reconstruction)


def bce(x, reconstruction):
    """Binary cross entropy, the mean of ``-x log(r) - (1 - x) log(1 - r)``.

    Parameters
    ----------
    x, reconstruction : array, shape (images, pixels)
        Pixels and probabilities in [0, 1]. Probabilities are kept 1e-7 away from 0 and 1, as Keras does.

    Returns
    -------
    float
        Nats per pixel. It is never below `bce_floor` of ``x``.

    Raises
    ------
    TypeError, ValueError
        If the two are not arrays of the same shape with values in [0, 1]: a cross entropy of logits means nothing.
    """
    x, reconstruction = _same_shape(as_pixels(x, "x"), as_pixels(reconstruction, "reconstruction"))

    def cross_entropy(pixel, probability):
        pixel = pixel.astype(float)  # in float32, 1 - pixel is rounded, and the result can fall below the floor
        probability = np.clip(probability.astype(float), _KERAS_EPSILON, 1 - _KERAS_EPSILON)
        return -pixel * np.log(probability) - (1 - pixel) * np.log1p(-probability)

    return _mean_of(cross_entropy, x, reconstruction)


def bce_floor(x):
    """The binary cross entropy of a perfect reconstruction: the mean entropy of the pixels themselves.

    Zero for pixels that are exactly 0 or 1, and ln 2 = 0.693 for a pixel of 0.5. No model gets below it.

    Parameters
    ----------
    x : array, shape (images, pixels)
        Pixels in [0, 1].

    Returns
    -------
    float
        Nats per pixel.

    Raises
    ------
    TypeError, ValueError
        If ``x`` is not an array of images with values in [0, 1].

    References
    ----------
    Notebook 02.
    """

    def entropy(pixel, _):
        pixel = pixel.astype(float)
        inside = np.where((pixel > 0) & (pixel < 1), pixel, 0.5)
        return np.where(pixel == inside, -inside * np.log(inside) - (1 - inside) * np.log1p(-inside), 0.0)

    x = as_pixels(x, "x")
    return _mean_of(entropy, x, x)


def mean_image(x):
    """The one picture with the least squared error, and the least cross entropy, when every image gets the same picture.

    Parameters
    ----------
    x : array, shape (images, pixels)

    Returns
    -------
    ndarray of float32, shape (pixels,)

    Raises
    ------
    TypeError, ValueError
        If ``x`` is not an array of images.
    """
    return as_images(x, "x").mean(axis=0, dtype=float).astype(np.float32)


class PCA:
    """Principal component analysis: the best linear autoencoder with ``k`` code units.

    Parameters
    ----------
    x_train : array, shape (images, pixels)
        At least two images.
    k : int
        Number of components, at most the number of pixels.

    Attributes
    ----------
    mean : ndarray of float32, shape (pixels,)
        The mean image.
    components : ndarray of float32, shape (k, pixels)
        Orthonormal rows, in the order of their variance. The sign of each is chosen so that its largest entry is positive.
    variances : ndarray of float32, shape (k,)
        Variance of the images along each component, largest first.

    Raises
    ------
    TypeError, ValueError
        If ``x_train`` is not an array of images, or holds numbers whose squares are too large for float32; or if ``k`` is not
        a whole number from 1 to the number of pixels.

    References
    ----------
    K. Pearson (1901), On lines and planes of closest fit; P. Baldi and K. Hornik (1989), Neural networks and principal
    component analysis: learning from examples without local minima.
    """

    def __init__(self, x_train, k):
        x_train = as_images(x_train, "x_train", at_least=2)
        pixels = x_train.shape[1]
        self.k = _number_of_components(k, "k", pixels)
        mean = x_train.mean(axis=0, dtype=float)
        scatter = np.zeros((pixels, pixels))
        with np.errstate(over="ignore", invalid="ignore"):  # the error below says it better than a warning
            for piece in _pieces(x_train):
                centred = piece - mean.astype(np.float32)
                scatter += centred.T @ centred
        if not np.isfinite(scatter).all():
            low, high = x_train.min(), x_train.max()
            raise ValueError(f"x_train must hold numbers whose squares fit into float32, but they go from {low:g} to {high:g}")
        variances, vectors = np.linalg.eigh(scatter / (len(x_train) - 1))
        components = vectors.T[::-1][: self.k]
        largest = np.abs(components).argmax(axis=1)
        components = components * np.sign(components[np.arange(self.k), largest])[:, None]
        self.mean = mean.astype(np.float32)
        self.components = components.astype(np.float32)
        self.variances = np.maximum(variances[::-1][: self.k], 0).astype(np.float32)

    def encode(self, x):
        """Return the codes of images, shape (images, k), float32.

        Raises
        ------
        TypeError, ValueError
            If ``x`` is not an array of images as wide as those of the training.
        """
        return (as_images(x, "x", len(self.mean)) - self.mean) @ self.components.T

    def reconstruct(self, x, k=None):
        """Return the projection of images on the first ``k`` components (all, unless told).

        Parameters
        ----------
        x : array, shape (images, pixels)
        k : int, optional

        Returns
        -------
        ndarray of float32, shape (images, pixels)
            Not confined to [0, 1].

        Raises
        ------
        TypeError, ValueError
            If ``x`` is not an array of images as wide as those of the training, or ``k`` is not from 1 to the number of
            components.
        """
        k = self.k if k is None else positive_integer(k, "k")
        if k > self.k:
            raise ValueError(f"k must be at most the number of components, {self.k}, but it is {k}")
        return self.encode(x)[:, :k] @ self.components[:k] + self.mean


def blur(x, radius):
    """Blur images: each pixel becomes a weighted mean of its surroundings, with a bell-shaped weight (Pillow's GaussianBlur).

    Parameters
    ----------
    x : array, shape (images, pixels)
        Square images with pixels in [0, 1].
    radius : float
        Standard deviation of the bell, in pixels, at most a million; 0 changes nothing but the rounding to grey levels.

    Returns
    -------
    ndarray of float32, shape (images, pixels)
        In [0, 1], in whole grey levels (multiples of 1/255).

    Raises
    ------
    TypeError, ValueError
        If ``x`` is not an array of square images with values in [0, 1], or ``radius`` not a number from 0 to a million.

    References
    ----------
    Notebook 06.
    """
    x, side = _square_pixels(x)
    radius = non_negative_number(radius, "radius")
    if radius > _LARGEST_RADIUS:
        raise ValueError(f"radius must be at most a million pixels, but it is {radius:g}")
    return _filtered(x, side, ImageFilter.GaussianBlur(radius))


def median_filter(x, size):
    """Replace each pixel by the median of the square around it (Pillow's MedianFilter).

    Parameters
    ----------
    x : array, shape (images, pixels)
        Square images with pixels in [0, 1].
    size : int
        Side of the square, an odd number of pixels, less than twice the side of the images.

    Returns
    -------
    ndarray of float32, shape (images, pixels)
        In [0, 1], in whole grey levels (multiples of 1/255).

    Raises
    ------
    TypeError, ValueError
        If ``x`` is not an array of square images with values in [0, 1], or ``size`` not such a number.

    References
    ----------
    J. Tukey (1977), Exploratory data analysis. Notebook 06.
    """
    x, side = _square_pixels(x)
    size = positive_integer(size, "size")
    if size % 2 == 0:
        raise ValueError(f"size must be odd, but it is {size}")
    if size >= 2 * side:  # from there on it reaches over all edges, and Pillow needs ever more memory
        raise ValueError(f"size must be less than twice the side of the images, {side}, but it is {size}")
    return _filtered(x, side, ImageFilter.MedianFilter(size))


def _square_pixels(x):
    x = as_pixels(x, "x")
    return x, side_of(x, "x")


def _filtered(x, side, image_filter):
    levels = np.rint(x * 255).astype(np.uint8).reshape(-1, side, side)
    made = np.stack([np.asarray(Image.fromarray(image).filter(image_filter)) for image in levels])
    return made.reshape(x.shape).astype(np.float32) / 255


def loss_ladder(x_train, x_test, models, code_size):
    """Put models between the baselines: mean image, PCA, the models, and the floor of the cross entropy.

    Parameters
    ----------
    x_train, x_test : array, shape (images, pixels)
        Pixels in [0, 1]. The baselines are fitted to ``x_train``; everything is measured on ``x_test``.
    models : dict
        ``{name: model}``; a model is a `keras.Model` or any function from images to reconstructions of the same shape.
    code_size : int
        Number of components of the PCA.

    Returns
    -------
    Table
        A row for each rung, with the cross entropy in nats per pixel, how far it is above the floor, and the squared error
        per pixel. The cross entropy of a mean image or PCA, which may say exactly 0 or 1, is taken half a grey level
        (1/510) inside [0, 1]; that of a model whose output leaves [0, 1] does not exist, and its place stays empty.

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong, or a model's output has not the shape of its input.

    References
    ----------
    Notebooks 01 to 03.
    """
    x_train, x_test = as_pixels(x_train, "x_train", at_least=2), as_pixels(x_test, "x_test")
    if x_train.shape[1] != x_test.shape[1]:
        raise ValueError(f"x_test must have {x_train.shape[1]} columns as x_train has, but its shape is {x_test.shape}")
    code_size = _number_of_components(code_size, "code_size", x_train.shape[1])
    as_dict(models, "models", "model", may_be_empty=True)
    floor = bce_floor(x_test)

    def rung(name, reconstruction, inside=0.0):
        error = mse(x_test, reconstruction)
        if inside:
            reconstruction = reconstruction.clip(inside, 1 - inside)
        if reconstruction.min() < 0 or reconstruction.max() > 1:
            return name, None, None, error
        cross_entropy = bce(x_test, reconstruction)
        return name, cross_entropy, cross_entropy - floor, error

    # The models first: what is wrong with one should be said before the seconds that PCA takes.
    of_models = [rung(name, outputs(model, x_test, f"models[{name!r}]", x_test.shape[1])) for name, model in models.items()]
    pca = PCA(x_train, code_size)
    rows = [
        rung("mean image", np.broadcast_to(mean_image(x_train), x_test.shape), _HALF_A_GREY_LEVEL),
        rung(f"PCA-{pca.k}", pca.reconstruct(x_test), _HALF_A_GREY_LEVEL),
        *of_models,
        ("floor", floor, 0.0, 0.0),
    ]
    return Table(("reconstruction by", "cross entropy", "above the floor", "squared error"), rows)


def outputs(model, x, name, width=None):
    """Return ``model(x)`` as a float32 array, computed in pieces.

    Parameters
    ----------
    model : keras.Model or callable
    x : array, shape (images, pixels)
    name : str
        The model's name, for the error message.
    width : int, optional
        The number of columns that the output must have.

    Returns
    -------
    ndarray of float32, shape (images, width)

    Raises
    ------
    TypeError, ValueError
        If ``model`` cannot be called or cannot take ``x``, or its output is not an array of finite numbers with a row for
        each image and that many columns.
    """
    if not callable(model):
        raise TypeError(f"{name} must be a keras.Model or a function of an array of images, but it is {model!r:.200}")
    made = []
    for piece in _pieces(x):
        try:
            # Not `predict_on_batch`: TensorFlow would warn about tracing too often after a few models.
            output = model(piece)
        except (TypeError, ValueError) as error:  # what Keras says names neither the argument nor the images
            raise ValueError(f"{name} must take images of shape {piece.shape}, but it cannot: {error}") from error
        made.append(as_images(output, f"the output of {name}", width))
        if len(made[-1]) != len(piece):
            raise ValueError(
                f"the output of {name} must have a row for each of the {len(piece)} images, but its shape is {made[-1].shape}"
            )
    return np.concatenate(made)


def _number_of_components(k, name, pixels):
    k = positive_integer(k, name)
    if k > pixels:
        raise ValueError(f"{name} must be at most the number of pixels, {pixels}, but it is {k}")
    return k


def _pieces(x):
    return (x[start : start + _PIECE] for start in range(0, len(x), _PIECE))


def _mean_of(measure, x, reconstruction):
    """The mean of an elementwise measure, taken in pieces so that no float64 copy of a data set is made."""
    total = sum(float(np.sum(measure(a, b), dtype=float)) for a, b in zip(_pieces(x), _pieces(reconstruction), strict=True))
    return total / x.size


def _same_shape(x, reconstruction):
    if x.shape != reconstruction.shape:
        raise ValueError(f"reconstruction must have the shape of x, {x.shape}, but its shape is {reconstruction.shape}")
    return x, reconstruction
