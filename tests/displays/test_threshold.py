"""A threshold on a code."""

import itertools

import aehelpers as ae
import keras
import numpy as np
import pytest
from aehelpers.displays import threshold
from aehelpers.displays.packing import packed, styles
from aehelpers.displays.widget import Display

from tests.displays.reading import run_layers, unpacked

SMALL_MEAN = "set to the mean of the unit's small values"


def test_thresholds(forty):
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(code_size=5, code_activation="sigmoid", output_activation=None)
    data = ae.threshold_display({"m": model}, forty).data
    code = ae.predict(model.encoder, forty)
    small = np.ma.masked_array(code, code >= 0.5)
    by_hand = {
        "set to zero": code * (code >= 0.5),
        "raised to the threshold": np.where(code >= 0.5, code, 0.5),
        SMALL_MEAN: np.where(code >= 0.5, code, small.mean(axis=0).filled(0)),
    }
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    assert list(threshold.WAYS) == list(by_hand) and data["thresholds"][25] == 0.5
    for number, changed in enumerate(by_hand.values()):
        expected = float(loss(forty, model.decoder(changed)))
        assert unpacked(data["errors"]["m"])[number, 25] == pytest.approx(expected, rel=1e-5)
    mean_image = np.tile(forty.mean(axis=0), (40, 1))
    assert data["meanError"] == pytest.approx(float(keras.losses.BinaryCrossentropy()(forty, mean_image)))
    assert unpacked(data["codes"]["m"]) == pytest.approx(code[:8])
    assert unpacked(data["means"]["m"])[25] == pytest.approx(small.mean(axis=0).filled(0), abs=1e-6)


RANDOM = np.random.default_rng(6)
THRESHOLDS = [0.0, 0.25, 0.5, 1.0]
UNITS = {"one": 3, "another": 1, "dead": 2}  # of the code of each model
CODES = {"one": RANDOM.integers(0, 5, (5, 3)) / 4, "another": RANDOM.random((5, 1)), "dead": np.zeros((5, 2))}
CHANGED = {
    "set to zero": lambda code, threshold, mean: code * (code >= threshold),
    "raised to the threshold": lambda code, threshold, mean: np.clip(code, threshold, None),
    SMALL_MEAN: lambda code, threshold, mean: np.choose(code >= threshold, [np.tile(mean, (5, 1)), code]),
}


def made(names):
    """A made display: five images of two by one pixels; ties of activations and thresholds, and a dead code."""

    def random(*shape):
        return packed(RANDOM.random(shape), "float32")

    data = {
        "thresholds": THRESHOLDS,
        "size": [2, 1],
        "measured": 77,
        "measure": "error",
        "meanError": 1.5,
        "styles": styles(names),
    }
    data |= {"images": packed(RANDOM.random((5, 2)), "uint8"), "codes": {one: packed(CODES[one], "float32") for one in names}}
    data |= {"means": {one: random(4, UNITS[one]) for one in names}, "errors": {one: random(3, 4) for one in names}}
    layer = {"bias": packed([0.1, -0.2]), "activation": "sigmoid"}
    data["decoders"] = {one: [layer | {"kernel": packed(RANDOM.normal(size=(UNITS[one], 2)))}] for one in names}
    return Display("threshold", "Made", "threshold", {"model": names[0], "way": "set to zero", "threshold": 0.25}, **data)


@pytest.mark.parametrize("names", [["one", "another", "dead"], ["another"]])
def test_what_the_decoder_makes_of_the_rest(show, names):
    data = made(names).data
    shown = show(data)
    for (number, way), name, (place, t) in itertools.product(enumerate(CHANGED), names, enumerate(THRESHOLDS)):
        seen = shown.at(model=name, way=way, threshold=t)
        code, mean, errors = (unpacked(data[part][name]).astype(float) for part in ("codes", "means", "errors"))
        assert seen.row(0) == pytest.approx(unpacked(data["images"]).ravel())
        for row, rest in ((1, code), (2, CHANGED[way](code, t, mean[place]))):
            assert seen.row(row) == pytest.approx(run_layers(data["decoders"][name], rest).ravel(), abs=1e-6)
        growth = 100 * (errors[number, place] / errors[number, 0] - 1)
        assert seen.sentence == (
            f"{name}: {100 * (code >= t).mean():.0f} % of the activations of these 5 images are at least {t:.2f}. Error "
            f"on 77 test images: {errors[number, 0]:.4f} with the whole code, {errors[number, place]:.4f} ({growth:+.1f} %) "
            f"with the smaller activations {way}; mean image: 1.5000."
        )
        (chart,) = seen.charts
        courses = {one: unpacked(data["errors"][one])[number] for one in names}
        for line, (one, course) in zip(chart["series"], courses.items(), strict=True):
            assert line == {"name": one, "x": THRESHOLDS, "y": pytest.approx(course), **data["styles"][one]}
        # One axis for all ways and models, with the yardstick on it.
        every = np.concatenate([[1.5], *(unpacked(data["errors"][one]).ravel() for one in names)])
        assert (chart["y"]["low"], chart["y"]["high"]) == pytest.approx((every.min() / 1.1, 1.1 * every.max()))
        assert chart["levels"][0]["value"] == 1.5 and chart["y"]["log"]
        assert seen.marks() == [(t, pytest.approx(errors[number, place]))]
