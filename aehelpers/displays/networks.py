"""Models in the form in which the page computes them: dense layers, one after the other."""

import keras
import numpy as np
from aehelpers.displays.packing import packed
from aehelpers.layers import ACTIVATIONS, KLSparsity, MaskingNoise, activation_of
from aehelpers.models import Autoencoder, TransposedDense, VariationalAutoencoder, predict
from scipy.special import expit

COMPUTED = [name for name in ACTIVATIONS if name != "softmax"]  # by core.js
# They pass on what they get, outside training.
_PASSING = (
    keras.layers.InputLayer,
    keras.layers.Dropout,
    keras.layers.GaussianNoise,
    keras.layers.GaussianDropout,
    KLSparsity,
    MaskingNoise,
)


def packed_network(model, name, inputs=None, outputs=None, last=None, dtype="float16"):
    """Return the dense layers of a model in the form in which core.js computes them.

    Parameters
    ----------
    model : keras.Model
        Dense layers, one after the other; layers that do something in training only are left out.
    name : str
        What messages call the model.
    inputs, outputs : int, optional
        The sizes that are required.
    last : str, optional
        An activation in place of that of the last layer.

    Returns
    -------
    list of dict

    Raises
    ------
    ValueError
        If there is a layer that the page cannot compute; the message says which, and what to do.
    """
    layers = _dense_layers(model, name)
    sizes = [layers[0][0].shape[0], layers[-1][0].shape[1]]
    for wanted, size, word in zip((inputs, outputs), sizes, ("take", "give"), strict=True):
        if wanted not in (None, size):
            raise ValueError(f"{name} must {word} {wanted} numbers for an image, but its size there is {size}")
    if last is not None:
        layers[-1] = (*layers[-1][:2], last)
    return [
        {"kernel": packed(kernel, dtype), "bias": packed(bias, dtype), "activation": activation}
        for kernel, bias, activation in layers
    ]


def models_to_compute(models, x, from_logits):
    """Return the networks of models from images like ``x`` to pixels, by name, as `packed_network` does."""
    last = "sigmoid" if from_logits else None
    return {name: packed_network(model, f"models[{name!r}]", x.shape[1], x.shape[1], last) for name, model in models.items()}


def computed(layers, x):
    """Return what packed layers make of images, as the page does."""
    for layer in layers:
        kernel, bias = (
            np.frombuffer(layer[part]["bytes"], f"<{np.dtype(layer[part]['dtype']).str[1:]}").reshape(layer[part]["shape"])
            for part in ("kernel", "bias")
        )
        z = x @ kernel.astype(np.float32) + bias.astype(np.float32)
        x = np.asarray(ACTIVATIONS[layer["activation"]].function(z))
    return x


def dense_layers_of(model):
    """Return how many dense layers there are in a model that `packed_network` takes."""
    return len(_dense_layers(model, "model"))


def probabilities(model, x, from_logits):
    """Return what a model gives as pixels, also where it gives logits."""
    made = predict(model, x)
    return expit(made) if from_logits else made


def halves(model, name):
    """Return the encoder and the decoder of a model, or say that it has none."""
    if not hasattr(model, "encoder") or not hasattr(model, "decoder"):
        raise TypeError(f"{name} must be a model with .encoder and .decoder, as autoencoder makes, but it is {model!r:.200}")
    return model.encoder, model.decoder


def _dense_layers(model, name):
    if isinstance(model, (Autoencoder, VariationalAutoencoder)):
        return [*_dense_layers(model.encoder, name), *_dense_layers(model.decoder, name)]
    if isinstance(model, keras.Model):
        if len(model.inputs or [None]) != 1 or not model.layers:
            raise _unknown(name, model)
        return [layer for part in model.layers for layer in _dense_layers(part, name)]
    if isinstance(model, (keras.layers.Dense, TransposedDense)):
        kernel = np.asarray(model.kernel)
        bias = np.zeros(kernel.shape[1], np.float32) if model.bias is None else model.bias
        activation = activation_of(model)
        if activation in COMPUTED:
            return [(kernel, np.asarray(bias), activation.removeprefix("straight_through_"))]
    elif isinstance(model, _PASSING):
        return []
    raise _unknown(name, model)


def _unknown(name, layer):
    function = getattr(layer, "activation", None)
    own = "" if activation_of(layer) else ", a function of its own that the page does not know"
    with_activation = f" with {getattr(function, '__name__', function)!s:.50}{own}" if function else ""
    return ValueError(
        f"{name} must be made of dense layers with the activations {', '.join(COMPUTED)}, or the page cannot compute it, "
        f"but its layer {layer.name!r} is a {type(layer).__name__}{with_activation}. Use ae.show_images for what it makes"
    )
