"""A slider for the size of the code."""

import numpy as np
from aehelpers.baselines import fit_pca, mean_image, mse, project
from aehelpers.displays.packing import code_of, packed
from aehelpers.displays.widget import Display
from aehelpers.models import finite_outputs
from aehelpers.pictures import size_of
from aehelpers.validation import Dict, Images, Integer, Model, same_images, same_shape, takes

_CODE = code_of(
    "model = ae.autoencoder(hidden=(128,), code_size={size}, code_activation=None)",
    'import aehelpers as ae\n\nx_train = ae.load("mnist").x_train',
    "ae.fit(model, x_train, steps=600, learning_rate=3e-3)  # 4,000 in lesson 00",
)
_PAGE, _PAGES, _MEASURED = 8, 3, 1000  # images at once, pages of them, images behind the errors


@takes(
    models=Dict(Model(or_function=True), keys=Integer()), x_train=Images(pixels=True, at_least=2), x_test=Images(pixels=True)
)
def code_size_display(models, x_train, x_test):
    """Move the size of the code: originals, what the autoencoder makes of them, and what PCA of the same size makes of them.

    Parameters
    ----------
    models : dict
        ``{code size: model}``; the models give pixels in [0, 1]. Any model will do: what it makes is computed beforehand.
    x_train, x_test : array, shape (images, pixels)
        Pixels in [0, 1]. The baselines are fitted to ``x_train``; the errors are those on the first 1,000 of ``x_test``.

    Returns
    -------
    Display
    """
    same_images(x_train, "x_train", x_test, "x_test")
    size = size_of(x_test, "x_test")
    x_test = x_test[:_MEASURED]
    rebuilt = {}
    for code_size, model in sorted(models.items()):
        rebuilt[code_size] = finite_outputs(model, x_test, f"models[{code_size}]")
        same_shape(x_test, "x_test", rebuilt[code_size], f"the output of models[{code_size}]")
    flat_train, flat_test = x_train.reshape(len(x_train), -1), x_test.reshape(len(x_test), -1)
    most = min(flat_train.shape)
    if max(rebuilt) > most:
        raise ValueError(
            f"models must have code sizes of at most {most}, as many as pixels and images, but one is {max(rebuilt)}"
        )
    pca = fit_pca(flat_train, max(rebuilt))
    projected = {code_size: project(pca, flat_test, code_size) for code_size in rebuilt}
    measured = measure(flat_test, rebuilt, projected, mean_image(flat_train), size)
    state = {"size": measured["sizes"][len(rebuilt) // 2], "page": 0}
    return Display("code_size", "Slider for the size of the code", "size", state, code=_CODE, **measured)


def measure(x, rebuilt, projected, mean, size):
    """Return what the page gets, from images, what models and PCA make of them by code size, and the mean image."""
    sizes = list(rebuilt)
    page = min(_PAGE, len(x))
    shown = len(x) // page * page if len(x) < _PAGE * _PAGES else _PAGE * _PAGES

    def pictures(by_size):
        return packed([np.reshape(by_size[code_size][:shown], (shown, -1)) for code_size in sizes], "uint8")

    def errors(by_size):
        return packed([mse(x, np.reshape(by_size[code_size], x.shape)) for code_size in sizes], "float32")

    return {
        "sizes": sizes,
        "size": size,
        "page": page,
        "measured": len(x),
        "images": packed(x[:shown], "uint8"),
        "rebuilt": pictures(rebuilt),
        "projected": pictures(projected),
        "errors": errors(rebuilt),
        "pcaErrors": errors(projected),
        "meanError": mse(x, np.broadcast_to(mean, x.shape)),
    }
