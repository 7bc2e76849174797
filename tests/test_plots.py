"""What the figures show, read off the figures."""

import aehelpers as ae
import matplotlib.pyplot as plt
import numpy as np
import pytest
from aehelpers import plots, training


def images(number=3, pixels=16, low=0.0, high=1.0, seed=0):
    return np.random.default_rng(seed).uniform(low, high, (number, pixels)).astype(np.float32)


def shown(ax):
    (picture,) = ax.get_images()
    return picture


def history(steps, loss, valid=None):
    made = training.History((), None, False)
    made._records.extend(zip(steps, loss, valid or [None] * len(steps), strict=True))
    return made


DRAWERS = pytest.mark.parametrize(
    "draw",
    [
        lambda ax: ae.show_images(images(), ax=ax),
        lambda ax: ae.show_loss(history([1], [0.5]), ax=ax),
    ],
    ids=["images", "loss"],
)


@DRAWERS
def test_draws_on_the_axes_that_it_is_given(draw):
    figure, (left, right) = plt.subplots(1, 2)
    assert draw(right) is right
    assert plt.get_fignums() == [figure.number]
    assert right.has_data() and not left.has_data()


@DRAWERS
def test_makes_a_figure_of_its_own_otherwise(draw):
    first, second = draw(None), draw(None)
    assert len(plt.get_fignums()) == 2 and first.figure is not second.figure
    first.figure.canvas.draw()  # and it can be drawn


# ---------------------------------------------------------------------------------------------- show_images


def test_mosaic_places_and_gaps():
    first, second = images(3), images(2, seed=1)
    canvas = plots.mosaic([first, second])
    assert canvas.shape == (4 + 2 + 4, 4 + 2 + 4 + 2 + 4) and canvas.dtype == np.float32
    for i, row in enumerate([first, second]):
        for j, image in enumerate(row):
            assert np.array_equal(canvas[6 * i : 6 * i + 4, 6 * j : 6 * j + 4], image.reshape(4, 4))
    assert np.isnan(canvas).sum() == canvas.size - 5 * 16


def test_images_are_drawn_from_0_to_1_with_white_gaps():
    picture = shown(ae.show_images([images(3, low=0.4, high=0.6), images(1)]))
    assert picture.get_clim() == (0, 1) and picture.get_interpolation() == "nearest"
    data = picture.get_array()
    assert np.ma.isMaskedArray(data) and (~data.mask).sum() == 4 * 16
    assert data.mask[:, 4:6].all() and data.mask[4:6].all() and data.mask[6:, 6:].all()
    assert picture.cmap(0.0) == (0, 0, 0, 1) and picture.cmap(1.0) == (1, 1, 1, 1)
    assert picture.cmap(np.ma.masked_invalid([np.nan]))[0].tolist() == [1, 1, 1, 1]


def test_the_colour_map_of_others_is_left_alone():
    bad = plt.get_cmap("gray").get_bad().tolist()
    ae.show_images(images())
    assert plt.get_cmap("gray").get_bad().tolist() == bad


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


def test_values_inside_are_not_announced(capsys):
    ax = ae.show_images(np.array([[0, 1, 0, 1]]))
    assert ax.get_xlabel() == "" and capsys.readouterr().out == ""


def test_titles():
    ax = ae.show_images([images(), images()], ["above", "below,\ntwo lines"])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["above", "below,\ntwo lines"]
    assert ax.get_yticks().tolist() == [2, 8]
    assert [label.get_text() for label in ae.show_images(images(), "one").get_yticklabels()] == ["one"]
    assert len(ae.show_images(images()).get_yticks()) == len(ax.get_xticks()) == 0


@pytest.mark.parametrize("rows", [images(), [images()], (images(),), images()[None], [images().tolist()]])
def test_one_row_in_any_form(rows):
    assert shown(ae.show_images(rows)).get_array().shape == (4, 16)


def test_tensors_bytes_and_real_images(digits):
    import tensorflow as tf

    assert shown(ae.show_images(tf.constant(images()))).get_array().shape == (4, 16)
    assert shown(ae.show_images([np.eye(4, dtype=bool)])).get_array().shape == (2, 14)
    picture = shown(ae.show_images([digits[:5], ae.PCA(digits, 3).components]))
    assert picture.get_array().shape == (58, 148)
    assert np.array_equal(picture.get_array()[:28, :28], digits[0].reshape(28, 28))


def test_a_wide_mosaic_stays_as_wide_as_a_page():
    ax = ae.show_images(np.zeros((40, 16)), "title")
    assert ax.figure.get_size_inches()[0] <= 10


def test_constant_images():
    ae.show_images(np.full((2, 16), 0.5), autoscale=True).figure.canvas.draw()


@pytest.mark.parametrize(
    ("rows", "titles", "kind", "message"),
    [
        ([], None, ValueError, "rows must hold at least one row"),
        (np.zeros((2, 15)), None, ValueError, r"rows must hold square images, but each has 15 pixels"),
        ([np.zeros((2, 16)), np.zeros((2, 9))], None, ValueError, r"widths are \[16, 9\]"),
        (np.zeros(16), None, ValueError, "two dimensions"),
        (np.zeros((3, 28, 28)), None, ValueError, "square images"),
        ([np.zeros((2, 16)), np.zeros((0, 16))], None, ValueError, "row 1 of rows must hold at least 1 image"),
        ([np.full((2, 16), np.nan)], None, ValueError, "row 0 of rows must be finite"),
        ([np.array([["a"]])], None, TypeError, "row 0 of rows must hold real numbers"),
        ([np.zeros((2, 16))], ["a", "b"], ValueError, "titles must have one entry for each of the 1 rows, but it has 2"),
        ([np.zeros((2, 16))] * 2, "a", ValueError, "titles must have one entry for each of the 2 rows, but it has 1"),
        ([np.zeros((2, 16))], [], ValueError, "titles must have one entry"),
    ],
)
def test_wrong_images(rows, titles, kind, message):
    with pytest.raises(kind, match=message):
        ae.show_images(rows, titles)
    assert plt.get_fignums() == []  # no empty figure is left


# ---------------------------------------------------------------------------------------------- show_loss


def test_loss_of_one_history():
    ax = ae.show_loss(history([2, 4, 5], [0.5, 0.25, 0.125]))
    (line,) = ax.get_lines()
    assert line.get_xydata().tolist() == [[2, 0.5], [4, 0.25], [5, 0.125]]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_legend()) == ("training step", "loss", None)


def test_validation_loss_where_there_is_one():
    both, plain = history([1, 2], [0.5, 0.25], [0.75, 0.625]), history([3], [0.125])
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
    assert curves[0].get_linestyle() != curves[1].get_linestyle()  # nor do two curves without their colours
    assert ae.show_loss(history([1], [1]), levels={"floor": 0}).get_legend() is not None


def test_more_histories_than_colours():
    many = {str(i): history([1, 2], [i, i + 1]) for i in range(9)}
    assert len(ae.show_loss(many, levels={str(i): i for i in range(9)}).get_lines()) == 18


def test_loss_of_a_real_run(small, tiny):
    made = ae.fit(small(), tiny, steps=3, batch_size=8, validation=tiny, progress=False)
    (line,) = ae.show_loss(made).get_lines()
    assert line.get_ydata().tolist() == made.valid_loss.tolist()


@pytest.mark.parametrize("histories", [{}, history([], []), {"a": history([1], [1]), "b": history([], [])}])
def test_no_loss_to_draw(histories):
    with pytest.raises(ValueError, match="histories must hold at least one history, each with at least one record"):
        ae.show_loss(histories)
    assert plt.get_fignums() == []
