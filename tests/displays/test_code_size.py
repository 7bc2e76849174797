"""The size of the code: what Python measures, and what the page says."""

import aehelpers as ae
import numpy as np
import pytest
from aehelpers.displays import Display, code_size

from tests.displays.reading import unpacked


def test_code_sizes_by_hand():
    x = np.float32([[0, 1, 0, 0], [1, 1, 0, 0]])
    rebuilt, projected = {1: x * 0.5, 2: x}, {1: x * 0, 2: x * 0.9}
    data = code_size.measure(x, rebuilt, projected, np.float32([0.5, 1, 0, 0]), [2, 2])
    assert data["sizes"] == [1, 2] and data["page"] == data["measured"] == 2
    assert unpacked(data["errors"]) == pytest.approx([0.25 * 3 / 8, 0])
    assert unpacked(data["pcaErrors"]) == pytest.approx([3 / 8, 0.01 * 3 / 8], rel=1e-3)
    assert data["meanError"] == pytest.approx(2 * 0.25 / 8)
    assert unpacked(data["rebuilt"])[0] == pytest.approx(x / 2, abs=1 / 500)


def test_code_sizes_of_real_models(mnist):
    models = ae.stored_models("code_sizes")
    data = ae.code_size_display(models, mnist.x_train[:3000], mnist.x_test).data
    assert data["sizes"] == [1, 2, 4, 8, 16, 32, 64, 128] and data["state"] == {"size": 16, "page": 0}
    made = ae.predict(models[16], mnist.x_test[:1000])
    assert np.abs(unpacked(data["rebuilt"])[4] - made[:24]).max() <= 1 / 509
    assert unpacked(data["errors"])[4] == pytest.approx(ae.mse(mnist.x_test[:1000], made))


def made(images, sizes, height, width):
    draw = np.random.default_rng(images)
    x = draw.integers(0, 256, (images, height * width)).astype(np.float32) / 255
    by_size = [{size: draw.random(x.shape, np.float32) for size in sizes} for _ in range(2)]
    return x, *by_size, x.mean(axis=0)


@pytest.mark.parametrize(
    ("images", "sizes", "shape", "pages"),
    [(1, [1], (2, 3), 1), (19, [1, 2, 5], (3, 2), 2), (30, [3, 700], (4, 4), 3), (1200, [1, 4], (1, 2), 3)],
)
def test_code_sizes_in_the_page(core, show, images, sizes, shape, pages):
    x, *by_size, mean = made(images, sizes, *shape)
    data = code_size.measure(x, *by_size, mean, list(shape))
    shown = show(Display("code_size", "", "size", {"size": sizes[0], "page": pages - 1}, **data))
    errors = [[np.float32(((x - one[size]) ** 2).mean(dtype=float)) for size in sizes] for one in by_size]
    constant = float(((x - mean) ** 2).mean(dtype=float))
    shown_at_once = min(8, images)
    for number in range(pages):
        for place, size in enumerate(sizes):
            seen = shown.at(size=size, page=number)
            own, pca = (values[place] for values in errors)
            assert seen.sentence == (
                f"A code of {size} number{'' if size == 1 else 's'}: squared error {own:.4f} for the autoencoder, {pca:.4f} "
                f"for PCA, {constant:.4f} for the mean image, and 0 for a perfect copy. Measured on {images:,} test "
                f"image{'s' * (images > 1)}."
            )
            (chart,) = seen.charts
            assert [(line["x"], line["y"]) for line in chart["series"]] == [(sizes, pytest.approx(one)) for one in errors]
            assert chart["levels"][0]["value"] == pytest.approx(constant)
            assert seen.marks() == [(size, pytest.approx(own)), (size, pytest.approx(pca))]
            assert chart["x"]["low"] == pytest.approx(0.9 * sizes[0]) and chart["x"]["high"] == pytest.approx(1.1 * sizes[-1])
            # An autoencoder may be worse than the mean image, and is then still seen.
            assert chart["y"]["high"] == pytest.approx(1.05 * max(constant, *np.ravel(errors)))
            part = slice(number * shown_at_once, (number + 1) * shown_at_once)
            rows = [np.float32(np.rint(one[part] * 255) / 255).ravel().tolist() for one in (x, *(one[size] for one in by_size))]
            assert [seen.row(row) for row in range(3)] == rows and len(seen.canvases) == 3 * shown_at_once
    more = core.get_by_role("button", name="other images")
    assert more.count() == (pages > 1)
    for number in [*range(1, pages), 0] if pages > 1 else []:
        shown.at(page=(number - 1) % pages)
        more.click()
        assert shown.state["page"] == number and shown.state["size"] == sizes[-1]
    for missing in (-1, pages):  # the page that it began with
        assert shown.at(page=missing).pictures == shown.at(page=pages - 1).pictures


@pytest.mark.parametrize("size", [2, 16])
def test_the_line_beside_it_makes_the_model_that_is_shown(size):
    names = {"ae": ae}
    exec(code_size._CODE["line"].format(size=size), names)
    stored = ae.stored_models("code_sizes")[size]
    names["model"].set_weights(stored.get_weights())
    x = np.random.default_rng(0).random((8, 784), np.float32)
    assert ae.predict(names["model"], x) == pytest.approx(ae.predict(stored, x), abs=1e-6)
