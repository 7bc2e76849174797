"""A slider for a threshold on a code."""

import keras
import numpy as np
from aehelpers.displays.networks import halves, packed_network
from aehelpers.displays.packing import code_of, packed, styles
from aehelpers.displays.widget import Display
from aehelpers.models import finite_outputs, predict
from aehelpers.pictures import size_of
from aehelpers.validation import Dict, Images, Model, takes

_THRESHOLDS = [round(0.02 * number, 2) for number in range(26)]
_SHOWN, _MEASURED = 8, 500

# As in threshold.js. Each takes codes, a threshold, and the mean of each unit over the images where it is below.
WAYS = {
    "set to zero": lambda code, threshold, mean: np.where(code < threshold, 0, code),
    "raised to the threshold": lambda code, threshold, mean: np.maximum(code, threshold),
    "set to the mean of the unit's small values": lambda code, threshold, mean: np.where(code < threshold, mean, code),
}

_CODE = code_of(
    "treated = {way}",
    "import aehelpers as ae\nimport numpy as np\n\n"
    'x = ae.load("mnist").x_test[:500]\n'
    'model = ae.autoencoder(code_size=128, code_activation="sigmoid")  # a trained one is more interesting\n'
    "code = ae.predict(model.encoder, x)\n"
    "small_means = np.ma.masked_where(code >= {threshold}, code).mean(axis=0)",
    'print("squared error", ae.mse(x, ae.predict(model.decoder, treated)))',
    way={
        "set to zero": "np.where(code < {threshold}, 0, code)",
        "raised to the threshold": "np.maximum(code, {threshold})",
        "set to the mean of the unit's small values": "np.where(code < {threshold}, small_means, code)",
    },
)


@takes(models=Dict(Model()), x=Images(pixels=True, dimensions=(2,)))
def threshold_display(models, x):
    """Choose a model, a threshold and what happens to the activations below it, and see what the decoder reconstructs.

    Parameters
    ----------
    models : dict
        ``{name: model}`` of models with ``.encoder`` and ``.decoder``, whose codes lie in [0, 1] and whose decoders consist
        of dense layers and output logits.
    x : array, shape (images, pixels)
        Images with pixels in [0, 1]. The errors (cross-entropies in nats per pixel) and the means of the small values are
        measured on the first 500; the mean image, the baseline, is that of all images.

    Returns
    -------
    Display
    """
    size = size_of(x, "x")
    mean_image = x.mean(axis=0)
    x = x[:_MEASURED]
    codes, decoders, means, errors = {}, {}, {}, {}
    for name, model in models.items():
        encoder, decoder = halves(model, f"models[{name!r}]")
        decoders[name] = packed_network(decoder, f"models[{name!r}].decoder", last="sigmoid")
        code = finite_outputs(encoder, x, f"models[{name!r}].encoder")
        small = np.array([_small_means(code, t) for t in _THRESHOLDS])
        codes[name], means[name] = packed(code[:_SHOWN], "float32"), packed(small, "float32")
        errors[name] = np.array(
            [
                [_cross_entropy(x, decoder, way(code, t, m)) for t, m in zip(_THRESHOLDS, small, strict=True)]
                for way in WAYS.values()
            ]
        )
    return Display(
        "threshold",
        "Slider for a threshold on the code",
        "threshold",
        {"model": list(models)[-1], "way": next(iter(WAYS)), "threshold": 0.1},
        code=_CODE,
        thresholds=_THRESHOLDS,
        size=size,
        images=packed(x[:_SHOWN], "uint8"),
        codes=codes,
        decoders=decoders,
        means=means,
        errors={name: packed(values, "float32") for name, values in errors.items()},
        meanError=float(keras.losses.BinaryCrossentropy()(x, np.broadcast_to(mean_image, x.shape))),
        measured=len(x),
        measure="cross-entropy, nats per pixel",
        styles=styles(models),
    )


def _small_means(code, threshold):
    """Return the mean of each unit over the images on which it is below the threshold; 0 where there are none."""
    small = code < threshold
    return (code * small).sum(axis=0) / np.maximum(small.sum(axis=0), 1)


def _cross_entropy(x, decoder, code):
    return float(keras.losses.BinaryCrossentropy(from_logits=True)(x, predict(decoder, code.astype(np.float32))))
