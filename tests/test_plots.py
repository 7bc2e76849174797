"""What the figures show, read off the figures."""

import aehelpers as ae
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from aehelpers import training


def images(number=3, pixels=16, low=0.0, high=1.0, seed=0):
    return np.random.default_rng(seed).uniform(low, high, (number, pixels)).astype(np.float32)


def shown(ax):
    (picture,) = ax.get_images()
    return picture


def history(steps, loss, **others):
    return training.History((), None, steps, {"loss": loss, **others})


@pytest.mark.parametrize(
    "draw",
    [lambda ax=None: ae.show_images(images(), ax=ax), lambda ax=None: ae.show_loss(history([1], [0.5]), ax=ax)],
    ids=["images", "loss"],
)
def test_draws_on_the_axes_that_it_is_given_or_makes_its_own(draw):
    figure, (left, right) = plt.subplots(1, 2)
    assert draw(right) is right and plt.get_fignums() == [figure.number]
    assert right.has_data() and not left.has_data()
    first, second = draw(), draw()
    assert len(plt.get_fignums()) == 3 and first.figure is not second.figure


# ---------------------------------------------------------------------------------------------- show_images


def test_images_are_drawn_from_0_to_1_with_white_gaps():
    bad = plt.get_cmap("gray").get_bad().tolist()
    picture = shown(ae.show_images([images(3, low=0.4, high=0.6), images(1)]))
    assert picture.get_clim() == (0, 1) and picture.get_interpolation() == "nearest"
    assert picture.cmap(0.0) == (0, 0, 0, 1) and picture.cmap(1.0) == (1, 1, 1, 1)
    assert picture.cmap(np.ma.masked_invalid([np.nan]))[0].tolist() == [1, 1, 1, 1]
    assert plt.get_cmap("gray").get_bad().tolist() == bad  # the colour map of others is left alone


def test_autoscale_takes_one_range_for_all_rows(capsys):
    rows = [images(2, low=-1, high=0), images(2, low=2, high=3)]
    ax = ae.show_images(rows, autoscale=True)
    assert shown(ax).get_clim() == pytest.approx((rows[0].min(), rows[1].max()))
    assert ax.get_xlabel() == "" and capsys.readouterr().out == ""


def test_values_outside_are_announced(capsys):
    x = images()
    x[0, 0], x[1, 1] = -0.25, 1.5
    ax = ae.show_images([images(), x])
    assert shown(ax).get_clim() == (0, 1)
    assert ax.get_xlabel() == "values from -0.25 to 1.50: cut off at 0 and 1"
    assert capsys.readouterr().out == ("show_images: the values go from -0.25 to 1.50; what lies outside [0, 1] is cut off.\n")
    assert ae.show_images(np.array([[0, 1, 0, 1]])).get_xlabel() == "" and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "rows", [images(), (row for row in [images()]), [images().tolist()], tf.constant(images()), images().reshape(3, 4, 4)]
)
def test_one_row_in_any_form(rows):
    assert shown(ae.show_images(rows)).get_array().shape == (4, 16)


def test_places_gaps_and_titles():
    x = np.random.default_rng(0).random((3, 5, 8), np.float32)
    ax = ae.show_images([x, x[1:]], ["three", "two,\nbelow"])
    data = shown(ax).get_array()
    assert data.shape == (5 + 2 + 5, 8 + 2 + 8 + 2 + 8) and (~data.mask).sum() == 5 * 5 * 8
    for i, row in enumerate([x, x[1:]]):
        for j, image in enumerate(row):
            assert np.array_equal(data[7 * i : 7 * i + 5, 10 * j : 10 * j + 8], image)
    assert ax.get_yticks().tolist() == [2.5, 9.5] and len(ax.get_xticks()) == 0
    assert [label.get_text() for label in ax.get_yticklabels()] == ["three", "two,\nbelow"]
    assert len(ae.show_images(images()).get_yticks()) == 0


def test_coloured_images_are_cut_off_and_stretched_as_grey_ones(capsys):
    x = np.random.default_rng(0).uniform(-1, 3, (2, 5, 8, 3)).astype(np.float32)
    cut, stretched = (np.asarray(shown(ae.show_images(x, autoscale=wide)).get_array()) for wide in (False, True))
    assert cut.shape == stretched.shape == (5, 8 + 2 + 8, 3)
    assert np.array_equal(cut[:, :8], x[0].clip(0, 1)) and (cut[:, 8:10] == 1).all()
    assert stretched[:, 10:] == pytest.approx((x[1] - x.min()) / (x.max() - x.min()), abs=1e-6)
    assert capsys.readouterr().out.count("cut off") == 1


@pytest.mark.parametrize("shape", [(40, 16), (4, 10, 200)])
def test_a_wide_mosaic_stays_as_wide_as_a_page(shape):
    assert ae.show_images(np.zeros(shape), "title").figure.get_size_inches()[0] < 10.1


# ---------------------------------------------------------------------------------------------- show_loss


def test_loss_of_one_history():
    ax = ae.show_loss(history([2, 4, 5], [0.5, 0.25, 0.125]))
    (line,) = ax.get_lines()
    assert line.get_xydata().tolist() == [[2, 0.5], [4, 0.25], [5, 0.125]]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_legend()) == ("training step", "loss", None)


def test_validation_loss_where_there_is_one():
    both, plain = history([1, 2], [0.5, 0.25], val_loss=[0.75, 0.625]), history([3], [0.125])
    drawn = [line.get_ydata().tolist() for line in ae.show_loss({"both": both, "plain": plain}).get_lines()]
    assert drawn == [[0.75, 0.625], [0.125]]


def test_levels_and_legend():
    ax = ae.show_loss({"a": history([1, 2], [3, 2]), "b": history([1, 2], [4, 1])}, levels={"floor": 0.5, "mean": 2})
    *curves, floor, mean = ax.get_lines()
    assert len(curves) == 2
    assert set(floor.get_ydata()) == {0.5} and set(mean.get_ydata()) == {2}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b", "floor", "mean"]
    looks = {(line.get_color(), line.get_linestyle()) for line in ax.get_lines()}
    assert len(looks) == 4  # no two look the same
    many = ae.show_loss(history([1], [1]), levels={str(i): i for i in range(9)})  # more than there are styles
    assert many.get_legend() is not None and len(many.get_lines()) == 10


# ---------------------------------------------------------------------------------------------- the style


def test_the_style_tells_curves_apart_by_colour_and_by_line():
    with plt.style.context("aehelpers.notebook"):
        ax = ae.show_loss({str(i): history([1, 2], [i, i + 1]) for i in range(7)})
        looks = [(line.get_color(), line.get_linestyle(), line._dash_pattern) for line in ax.get_lines()]
        assert len({colour for colour, *_ in looks}) == len({str(line) for _, *line in looks}) == 7
        assert not ax.spines["top"].get_visible() and not ax.spines["right"].get_visible()
        assert not ax.get_legend().get_frame_on()
        figure, ax = plt.subplots()
        assert figure.get_layout_engine() is not None
        assert ax.imshow(np.eye(3)).get_cmap().name == "gray"
        figure.canvas.draw()
