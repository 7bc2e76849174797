"""A slider that multiplies a code and divides the decoder's weights."""

from aehelpers.displays.networks import halves, packed_network
from aehelpers.displays.packing import code_of, packed
from aehelpers.displays.widget import Display
from aehelpers.models import finite_outputs
from aehelpers.pictures import size_of
from aehelpers.validation import Boolean, Images, Model, takes

_FACTORS = [0.1, 0.125, 0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0, 8.0, 10.0]
_SHOWN, _MEASURED = 8, 100

_CODE = code_of(
    "louder, softer = {factor} * code, kernel / {factor}",
    "import aehelpers as ae\nimport numpy as np\n\n"
    'x = ae.load("mnist").x_test[:100]\n'
    'model = ae.autoencoder(code_size=128, code_activation="sigmoid")\n'
    "code, kernel = ae.predict(model.encoder, x), model.decoder.get_weights()[0]",
    'print("largest change", np.abs(louder @ softer - code @ kernel).max())',
)


@takes(model=Model(), x=Images(pixels=True, dimensions=(2,)), from_logits=Boolean())
def loudness_display(model, x, from_logits=False):
    """Multiply a code by c and divide the decoder's first weights by c: the pictures do not change, but two measures do.

    The page shows the reconstructions, the histogram of the activations, and three measures: the mean activation, the share
    of the activations above 0.1, and the active share, the square of the mean over the mean of the squares (A. Treves and
    E. Rolls, "What determines the capacity of autoassociative memories in the brain?", Network 2, 1991).

    Parameters
    ----------
    model : keras.Model
        With ``.encoder``, whose codes are not negative, and ``.decoder``, which consists of dense layers.
    x : array, shape (images, pixels)
        Images with pixels in [0, 1]: eight are shown, the first 100 are measured.
    from_logits : bool
        Whether the decoder outputs logits; otherwise it outputs pixels in [0, 1].

    Returns
    -------
    Display
    """
    size = size_of(x, "x")
    encoder, decoder = halves(model, "model")
    code = finite_outputs(encoder, x[:_MEASURED], "model.encoder")
    if code.min() < 0:
        raise ValueError(f"model.encoder must give codes of at least 0, but its smallest activation is {code.min():.3g}")
    return Display(
        "loudness",
        "Slider for the loudness of a code",
        "factor",
        {"factor": 1.0},
        code=_CODE,
        factors=_FACTORS,
        size=size,
        images=packed(x[:_SHOWN], "uint8"),
        codes=packed(code, "float32"),
        decoder=packed_network(decoder, "model.decoder", last="sigmoid" if from_logits else None),
    )
