"""The pictures behind the displays, pixel by pixel."""

import io

import numpy as np
import pytest
from aehelpers.pictures import Chart, as_mnist, as_png, grey_levels, image_rows, stacked, unit_lights
from PIL import Image

WHITE = (255, 255, 255)


def test_grey_levels_by_hand():
    image = np.array([[0.0, 1.0, 0.5, 1.5]])
    assert grey_levels(image).tolist() == [[[0, 255], [128, 255]]]
    assert grey_levels(image, low=-1, high=1.5).tolist() == [[[102, 204], [153, 255]]]


@pytest.mark.parametrize(
    ("images", "limits", "words"),
    [
        (np.zeros((1, 15)), (0, 1), "must hold square images, but each has 15 pixels"),
        (np.full((1, 4), np.nan), (0, 1), "must be finite"),
        (np.zeros((1, 4)), (1, 1), "low must be below high"),
        (np.zeros((1, 4)), (0, np.nan), "low must be below high"),
    ],
)
def test_grey_levels_say_what_is_wrong(images, limits, words):
    with pytest.raises(ValueError, match=words):
        grey_levels(images, *limits)


def test_rows_hold_each_pixel_of_each_image():
    rows = [np.array([[0.0, 1, 0, 1], [1, 0, 0, 0]]), np.array([[0.0, 0, 1, 1]])]
    picture = image_rows(rows, ["first", "second"], pixels=3)
    assert picture.dtype == np.uint8 and picture.shape[2] == 3
    left = picture.shape[1] - 2 * 12  # two images of 2 x 3 pixels, each with a gap of 6
    for top, place, image in ((6, 0, rows[0][0]), (6, 1, rows[0][1]), (18, 0, rows[1][0])):
        cut = picture[top : top + 6, left + 12 * place : left + 12 * place + 6]
        assert np.array_equal(cut[1::3, 1::3, 0], 255 * image.reshape(2, 2))
        assert np.array_equal(cut[..., 0], cut[..., 2])
    assert (picture[18:24, left + 12 :] == 255).all()  # the second row is shorter
    assert (picture[:, : left - 6] < 100).any()  # the titles


def test_rows_have_ranges_of_their_own():
    row = np.array([[-1.0, 0, 0, 1]])
    levels = [
        image_rows([row], [""], ranges=[limits], pixels=1)[6:8, -8:-6, 0].ravel().tolist()
        for limits in ((0, 1), (-1, 1), (0, 4))
    ]
    assert levels == [[0, 0, 0, 255], [0, 128, 128, 255], [0, 0, 0, 64]]


def test_rows_titles_and_ranges_must_fit():
    row = np.zeros((1, 4))
    for rows, titles, ranges in (([row], [], None), ([], [], None), ([row], ["a"], [(0, 1), (0, 1)])):
        with pytest.raises(ValueError, match="rows, titles and ranges must be as many"):
            image_rows(rows, titles, ranges)


def test_stacked_keeps_all_and_fills_with_white():
    wide, narrow = np.zeros((2, 5, 3), np.uint8), np.full((3, 2, 3), 7, np.uint8)
    made = stacked([wide, narrow])
    assert made.shape == (5, 5, 3)
    assert (made[:2] == 0).all() and (made[2:, :2] == 7).all() and (made[2:, 2:] == 255).all()


def test_png_gives_the_same_pixels_back():
    picture = np.random.default_rng(0).integers(0, 256, (11, 7, 3), np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(as_png(picture)))), picture)


def mark(chart, x, y):
    """Where the pixels that a mark changes lie, as means of (row, column)."""
    changed = (chart.marked(x, y) != chart.paper).any(axis=2)
    return np.argwhere(changed)


def test_chart_marks_the_point_that_is_meant():
    chart = Chart(lambda ax: ax.set(xlim=(0, 10), ylim=(0, 4)), width=300, height=200, frame=False)
    assert chart.paper.shape == (400, 600, 3)
    for x, y in ((5, 2), (2.5, 3)):
        assert mark(chart, x, y).mean(axis=0) == pytest.approx([400 * (1 - y / 4), 600 * x / 10], abs=1.5)
    assert not mark(chart, np.nan, 1).size and not mark(chart, 1, np.inf).size
    before = chart.paper.copy()
    chart.marked(1, 1)
    assert np.array_equal(chart.paper, before)


def test_chart_marks_on_a_logarithmic_axis():
    chart = Chart(lambda ax: (ax.set_xscale("log"), ax.set(xlim=(1, 100), ylim=(0, 1))), width=300, height=200, frame=False)
    assert mark(chart, 10, 0.5).mean(axis=0)[1] == pytest.approx(300, abs=1.5)


def test_chart_draws_a_line_with_a_dot_at_its_end():
    chart = Chart(lambda ax: ax.set(xlim=(0, 10), ylim=(0, 4)), width=300, height=200, frame=False)
    places = mark(chart, [1, np.nan, 9], [2, 2, 2])
    assert places[:, 1].min() == pytest.approx(60, abs=3) and places[:, 1].max() == pytest.approx(540 + 9, abs=2)
    at_end = places[places[:, 1] > 535]
    assert np.ptp(at_end[:, 0]) > 3 * np.ptp(places[(places[:, 1] > 100) & (places[:, 1] < 500)][:, 0])


def test_lights_tell_the_dead_by_form_and_colour():
    alive, dead = unit_lights([False], "unit"), unit_lights([True], "unit")
    assert alive.shape == dead.shape
    in_colour = [(picture.max(axis=2) - picture.min(axis=2).astype(int)) > 60 for picture in (alive, dead)]
    assert in_colour[0].sum() > 200 and in_colour[1].sum() > 100
    assert (in_colour[0] ^ in_colour[1]).sum() > 200
    assert unit_lights([True] * 3, "unit").shape[1] - dead.shape[1] == 2 * 38


# Drawings.


def centre_of_mass(image):
    image = image.reshape(28, 28)
    return [(image.sum(axis=1 - axis) @ np.arange(28)) / image.sum() for axis in (0, 1)]


@pytest.mark.parametrize("corner", [(0, 0), (70, 5), (30, 60)])
def test_a_drawing_is_scaled_and_centred_wherever_it_stands(corner):
    paper = np.zeros((112, 112), np.float32)
    paper[corner[0] : corner[0] + 40, corner[1] : corner[1] + 10] = 1
    image = as_mnist(paper)
    assert image.dtype == np.float32 and image.shape == (784,)
    assert image.sum() == 20 * 5 and set(np.unique(image)) == {0, 1}  # 40 x 10 becomes 20 x 5
    rows, columns = np.nonzero(image.reshape(28, 28))
    assert np.ptp(rows) == 19 and np.ptp(columns) == 4
    assert centre_of_mass(image) == pytest.approx([14, 14], abs=0.51)


def test_a_test_image_stays_nearly_what_it_is(mnist):
    """MNIST's digits are centred already: drawn in four times the size, they come back unchanged."""
    for image in mnist.x_test[:200]:
        made = as_mnist(np.kron(image.reshape(28, 28), np.ones((4, 4))))
        assert np.abs(made - image).max() < 1e-6


def test_drawings_at_the_ends():
    assert (as_mnist(np.zeros((112, 112))) == 0).all()
    assert as_mnist(np.ones((112, 112))).sum() == 400
    dot = np.zeros((112, 112))
    dot[3, 100] = 1
    assert as_mnist(dot).sum() == 400  # a lone dot fills the box, as it would in MNIST
