"""Noise: what Python measures, and what the page draws and says."""

import aehelpers as ae
import numpy as np
import pytest
from scipy.special import expit

from tests.displays.reading import unpacked


def test_noise_errors(one_layer, forty):
    logits = ae.autoencoder(code_size=5, output_activation=None)
    data = ae.noise_display({"plain": one_layer}, forty).data
    noisy = ae.masking_noise(forty, 0.3, seed=0)
    assert unpacked(data["errors"]["plain"])[0, 3] == pytest.approx(ae.mse(forty, ae.predict(one_layer, noisy)))
    assert unpacked(data["nothing"]["masking"])[3] == pytest.approx(ae.mse(forty, noisy))
    assert unpacked(data["nothing"]["Gaussian"])[0] == 0
    assert data["styles"]["plain"]["colour"] == "#0072b2" and data["levels"] == pytest.approx(np.arange(10) / 10)
    as_logits = ae.noise_display({"l": logits}, forty, from_logits=True).data
    made = expit(ae.predict(logits, forty))
    assert unpacked(as_logits["errors"]["l"])[0, 0] == pytest.approx(ae.mse(forty, made))
    assert as_logits["networks"]["l"][-1]["activation"] == "sigmoid"
    assert data["measured"] == len(forty)
    coloured = ae.noise_display({"plain": one_layer, "l": one_layer}, forty, colours={"plain": "ink"}).data["styles"]
    assert coloured == {"plain": {"colour": "ink", "dash": ""}, "l": {"colour": "#d55e00", "dash": "7 3"}}


def mulberry32(seed):
    """The generator of core.js, after T. Ettinger: numbers in [0, 1) from 32-bit whole numbers."""
    state = seed
    while True:
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        t = (state ^ (state >> 15)) * (state | 1) & 0xFFFFFFFF
        t ^= (t + ((t ^ (t >> 7)) * (t | 61) & 0xFFFFFFFF)) & 0xFFFFFFFF
        yield ((t ^ (t >> 14)) & 0xFFFFFFFF) / 2**32


def noisy_by_hand(images, kind, level, seed):
    draws = mulberry32(seed)
    if kind == "Gaussian":
        pairs = np.array([[next(draws), next(draws)] for _ in range(images.size)])
        normal = np.sqrt(-2 * np.log(1 - pairs[:, 0])) * np.cos(2 * np.pi * pairs[:, 1])
        return np.clip(images.ravel() + level * normal, 0, 1)
    one = np.array([next(draws) for _ in range(images.size)])
    if kind == "masking":
        return np.where(one < level, 0, images.ravel())
    return np.select([one < level / 2, one < level], [0, 1], images.ravel())


@pytest.mark.parametrize("kind", ["masking", "salt and pepper", "Gaussian"])
@pytest.mark.parametrize(("level", "seed"), [(0.0, 0), (0.3, 5), (0.9, 999)])
def test_noise_in_the_page(show, one_layer, model, forty, kind, level, seed):
    display = ae.noise_display({"one": one_layer, "two": model}, forty)
    data, place = display.data, round(10 * level)
    seen = show(display).at(level=level, kind=kind, seed=seed, model="one")
    noisy = noisy_by_hand(forty[:8], kind, level, seed)
    assert seen.row(0) == pytest.approx(forty[:8].ravel())
    assert seen.row(1) == pytest.approx(noisy, abs=1e-6)
    assert seen.row(2) == pytest.approx(ae.predict(one_layer, noisy.reshape(8, -1).astype(np.float32)).ravel(), abs=2e-3)
    number = list(data["nothing"]).index(kind)
    error, nothing = unpacked(data["errors"]["one"])[number], unpacked(data["nothing"][kind])
    other = unpacked(data["errors"]["two"])[number]
    assert seen.sentence == (
        f"{kind[0].upper()}{kind[1:]} noise, level {level:.1f}: the squared error is {error[place]:.4f} (one); "
        f"that of the noisy images themselves is {nothing[place]:.4f}."
    )
    (chart,) = seen.charts
    for line, values in zip(chart["series"], (nothing, error, other), strict=True):
        assert line["x"] == data["levels"] and line["y"] == pytest.approx(values)
    assert chart["y"]["high"] == pytest.approx(1.05 * max(nothing.max(), error.max(), other.max()))
    assert seen.marks() == [(level, pytest.approx(error[place]))]
