"""Sliders for the noise and the denoiser."""

import numpy as np
from aehelpers.baselines import mse
from aehelpers.displays.networks import models_to_compute, probabilities
from aehelpers.displays.packing import code_of, packed, styles
from aehelpers.displays.widget import Display
from aehelpers.noise import gaussian_noise, masking_noise, salt_and_pepper_noise
from aehelpers.pictures import size_of
from aehelpers.validation import Boolean, Dict, Images, Model, Optional, Text, takes

NOISES = {"masking": masking_noise, "salt and pepper": salt_and_pepper_noise, "Gaussian": gaussian_noise}  # as in noise.js
_CODE = code_of(
    "noisy = ae.{kind}(x, {level}, seed={seed})",
    'import aehelpers as ae\n\nx = ae.load("mnist").x_test[:8]',
    "ae.show_images(noisy)",
    kind={kind: make.__name__ for kind, make in NOISES.items()},
)
_LEVELS = [round(0.1 * number, 1) for number in range(10)]
_SHOWN, _MEASURED = 8, 300


@takes(
    models=Dict(Model()),
    x=Images(pixels=True, dimensions=(2,)),
    from_logits=Boolean(),
    colours=Optional(Dict(Text(), keys=Text())),
)
def noise_display(models, x, from_logits=False, colours=None):
    """Choose a kind of noise, its level and a model: noisy images, the model's outputs, and the error of every model.

    The noise and the outputs are computed in the page, the errors beforehand, on the first 300 images.

    Parameters
    ----------
    models : dict
        ``{name: model}`` of models with dense layers only.
    x : array, shape (images, pixels)
        Clean images with pixels in [0, 1].
    from_logits : bool
        Whether the models output logits; else they output pixels in [0, 1].
    colours : dict, optional
        ``{name: colour}`` of the lines, as CSS writes a colour, or "ink" for that of the text. Else those of the package's
        figures, in their order.

    Returns
    -------
    Display
    """
    size = size_of(x, "x")
    networks = models_to_compute(models, x, from_logits)
    x = x[:_MEASURED]
    noisy = [[make(x, level, seed=0) for level in _LEVELS] for make in NOISES.values()]

    def errors(f):
        return np.array([[mse(x, f(images)) for images in row] for row in noisy])

    nothing = errors(lambda images: images)
    measured = {
        name: errors(lambda images, model=model: probabilities(model, images, from_logits)) for name, model in models.items()
    }
    lines = styles(models)
    if colours is not None:
        lines = {name: {**line, "colour": colours.get(name, line["colour"])} for name, line in lines.items()}
    return Display(
        "noise",
        "Sliders for noise and denoiser",
        "level",
        {"level": 0.3, "kind": "masking", "model": list(models)[-1], "seed": 0},
        code=_CODE,
        levels=_LEVELS,
        size=size,
        images=packed(x[:_SHOWN], "uint8"),
        networks=networks,
        errors={name: packed(values, "float32") for name, values in measured.items()},
        nothing={kind: packed(values, "float32") for kind, values in zip(NOISES, nothing, strict=True)},
        styles=lines,
        measured=len(x),
    )
