"""Facts of the errors, computed by hand."""

import numpy as np
import pytest
from aehelpers.diagnosis.facts.data import data
from aehelpers.diagnosis.facts.examination import DEAD_SPREAD, QUANTILE
from aehelpers.diagnosis.facts.ladder import LOW, ladder
from aehelpers.diagnosis.facts.output import Output

from tests.diagnosis.facts.examined import examined, factorial, identity

RNG = np.random.default_rng(0)


def facts(model, x_train, x_test=None, **more):
    e = examined(model, x_train, x_test, **more)
    return ladder(e, data(e), Output())


class TestErrors:
    def test_of_the_mean_row_and_of_the_model(self):
        found = facts(lambda x: x + 3, [[0, 4], [2, 4]], [[1, 6], [3, 4]])
        assert found.mean_image_error == pytest.approx((0 + 4 + 4 + 0) / 4)  # the mean of the training is 1 and 4
        assert found.error == pytest.approx(9) and found.training_error == pytest.approx(9)
        assert facts(lambda x: 2 * x, [[0, 4]], [[1, 6]]).training_error == pytest.approx(8)
        assert facts(lambda x: 2 * x, [[0, 4]], [[1, 6]]).error == pytest.approx(37 / 2)

    def test_where_all_rows_are_one_its_own_variance_counts(self):
        assert facts(identity, [[1, 5]] * 3).mean_image_error == pytest.approx(4)

    def test_of_columns(self):
        x = factorial(1, 2) * [1, 1] + [0, 5]
        x = np.hstack([x, np.full((len(x), 1), 7)])
        found = facts(lambda x: np.stack([x[:, 0] / 2, np.full(len(x), 6), x[:, 2]], axis=1), x)
        assert found.column_losses[:2] == pytest.approx([0.25, (1 + 9) / 2 / 4]) and np.isnan(found.column_losses[2])
        assert found.variation == pytest.approx(0.25 / 5)
        assert found.dead_outputs.tolist() == [1] and found.dead_variance == pytest.approx(4 / 5)

    @pytest.mark.parametrize(("spread", "dead"), [(2 * DEAD_SPREAD, []), (DEAD_SPREAD / 2, [0])])
    def test_dead_outputs_vary_by_no_more_than_rounding(self, spread, dead):
        assert facts(lambda x: 1 + spread * x, factorial(1)).dead_outputs.tolist() == dead

    @pytest.mark.parametrize(("width", "dead"), [(1.1e-2, [1]), (0.9e-2, [])])
    def test_a_column_that_hardly_varies_is_not_dead(self, width, dead):
        """A variance of less than 0.0001 of the mean one may come back as nothing."""
        width = width * np.sqrt(0.5)
        x = factorial(1, width)
        assert facts(lambda x: x * np.array([1, 0]), x).dead_outputs.tolist() == dead


class TestRowsApart:
    # One column; the model gives it twice, so that its own square is a row's error.
    TRAIN = np.sqrt(np.arange(101.0))[:, None]  # 99 of 100 of them lie below an error of 99

    @pytest.mark.parametrize(("error", "share"), [(98.9, 0), (99.1, 0.25)])
    def test_the_tail_of_the_training(self, error, share):
        assert QUANTILE == 0.99
        test = np.sqrt([[1.0], [2], [3], [error]])
        assert facts(lambda x: 2 * x, self.TRAIN, test).training_tail == share
        assert facts(lambda x: 2 * x, test).training_tail == 0

    def test_ratio_of_the_errors_below_which_a_tenth_stays(self):
        found = facts(lambda x: 2 * x, self.TRAIN, np.sqrt([[20.0], [25], [1e6]]))
        assert LOW == 0.1 and found.low_ratio == pytest.approx(21 / 10)

    def test_each_column_by_itself(self):
        x = np.array([[1.0, 1, 1], [2, 2, 1], [3, 5, 1]])
        found = facts(lambda x: np.stack([10 * x[:, 0], -x[:, 1], x[:, 2]], axis=1), x).column_correlations
        assert found[:2] == pytest.approx([1, -1]) and np.isnan(found[2])

    def test_own_and_other_rows(self):
        x = np.array([[0, 0], [1, 1], [3, 3]])
        found = facts(lambda x: np.roll(x, -1, axis=0), x)
        assert found.own_row_error == 4 and found.other_row_error == pytest.approx(0, abs=1e-6)  # of 1, 4 and 9
        found = facts(lambda x: x + 0.5, x)  # the nearest other ones are 0.5, 1.5 and 2.5 away
        assert found.own_row_error == 0.25 and found.other_row_error == pytest.approx(2.25)
        assert facts(lambda x: x + 1, x[:1]).other_row_error == 1


class TestTogether:
    X = factorial(1, 1)

    def test_correlation_and_slope(self):
        found = facts(lambda x: 3 * x + 5, self.X)
        assert (found.own_correlation, found.input_correlation, found.slope) == pytest.approx((1, 1, 3))
        # The other column as large as the own one: each explains half.
        found = facts(lambda x: x + x[:, ::-1] * [1, -1], self.X)
        assert (found.own_correlation, found.slope) == pytest.approx((np.sqrt(0.5), 1))
        assert facts(lambda x: -2 * x, self.X).slope == pytest.approx(-2)
        assert facts(np.zeros_like, self.X).own_correlation == 0

    def test_input_and_target(self):
        found = facts(lambda x: 2 * x, self.X, target=self.X[:, ::-1] * [1, -1])
        assert (found.own_correlation, found.input_correlation) == pytest.approx((0, 1), abs=1e-6)
        assert np.isnan(facts(lambda x: x[:, :1], self.X, target=self.X[:, :1]).input_correlation)


class TestPCA:
    TARGET = factorial(4, 2, 1)

    def test_errors_by_components(self):
        found = facts(identity, self.TARGET)
        assert found.pca_errors == pytest.approx([21 / 3, 5 / 3, 1 / 3, 0], abs=1e-5) and found.components == 3

    def test_of_test_rows(self):
        found = facts(identity, self.TARGET, [[1, 10, 3]])
        assert found.pca_errors == pytest.approx([110 / 3, 109 / 3, 9 / 3, 0], abs=1e-4)

    def test_of_a_denoiser_pca_gets_the_noisy_rows(self):
        noise = factorial(1, 1, 1, 0.5, 0.3, 0.1, times=5)[:, 3:] * 3
        clean = factorial(4, 2, 1, 1, 1, 1, times=5)[:, :3]
        found = facts(identity, clean + noise, target=clean)
        # Each component that is taken gives back its variance, and adds that of its noise.
        errors = np.array([16 + 4 + 1, 2.25 + 4 + 1, 2.25 + 0.81 + 1, 2.25 + 0.81 + 0.09]) / 3
        assert found.pca_errors == pytest.approx(errors, rel=1e-4)
        assert found.gains is None

    @pytest.mark.parametrize(("left", "matched"), [(5.01, 1), (4.99, 2), (21.01, 0), (0, 3)])
    def test_components_that_give_the_same_error(self, left, matched):
        found = facts(lambda x: (1 - np.sqrt(left / 21)) * x, self.TARGET)
        assert found.error == pytest.approx(left / 3, abs=1e-6) and found.components_matched == matched

    def test_gains(self):
        found = facts(lambda x: x * np.array([0.5, 1, 0]) + 2, self.TARGET)
        assert found.gains == pytest.approx([0.5, 1, 0], abs=1e-5)

    def test_one_row_has_no_components(self):
        found = facts(identity, [[1, 2]], [[1, 4]])
        assert found.pca_errors.tolist() == [2] and found.components == 0 and found.gains is None


class TestResidual:
    X = factorial(1, 1, 1, 1, times=4)  # 64 rows, of 4 columns that nothing connects

    @pytest.mark.parametrize(
        ("kernel", "share"),
        [
            (np.eye(4), 1),  # pure noise: each direction a quarter of the variance, times 4
            (np.diag([1, 1, 1, 3]), 9 / 12 * 4),
            (np.full((4, 4), 0.5), 4),  # all in one direction
        ],
    )
    def test_structure_in_units_of_pure_noise(self, kernel, share):
        found = facts(lambda x: x - x @ kernel, self.X)
        assert found.leftover_structure == pytest.approx(share / (1 + np.sqrt(4 / 64)) ** 2, rel=1e-5)

    @pytest.mark.parametrize(("small", "columns"), [(0.09, 3), (0.11, 4)])
    def test_columns_with_hardly_any_residual_do_not_count(self, small, columns):
        left = np.array([1, 1, 1, small])
        found = facts(lambda x: x - x * left, self.X)
        share = 1 / np.square(left[:columns]).sum() * columns
        assert found.leftover_structure == pytest.approx(share / (1 + np.sqrt(columns / 64)) ** 2, rel=1e-5)

    def test_too_little_to_say(self):
        assert facts(lambda x: 0 * x, self.X[:9]).leftover_structure == np.inf
        assert facts(lambda x: 0 * x, self.X[:, :1]).leftover_structure == np.inf
        assert facts(identity, self.X).leftover_structure == np.inf


IMAGES = RNG.random((6, 5, 5, 3)).astype(np.float32)
FLAT = RNG.random((6, 16)).astype(np.float32)
SERIES = RNG.normal(size=(6, 12)).astype(np.float32)
CHANNELS = RNG.normal(size=(6, 12, 2)).astype(np.float32)


class TestTurned:
    @pytest.mark.parametrize(
        ("turn", "x", "name"),
        [
            (lambda x: x[:, :, ::-1], IMAGES, "mirrored"),
            (lambda x: x[:, ::-1], IMAGES, "upside down"),
            (lambda x: x[:, ::-1, ::-1], IMAGES, "rotated"),
            (lambda x: np.swapaxes(x, 1, 2), IMAGES, "transposed"),
            (lambda x: x[..., ::-1], IMAGES, "with their channels in another order"),
            (lambda x: IMAGES.min() + IMAGES.max() - x, IMAGES, "inverted"),
            (lambda x: x[:, :, :, ::-1], np.moveaxis(IMAGES, -1, 1), "mirrored"),
            (lambda x: x[:, ::-1], np.moveaxis(IMAGES, -1, 1), "with their channels in another order"),
            (lambda x: x.reshape(-1, 4, 4)[:, :, ::-1].reshape(-1, 16), FLAT, "mirrored"),
        ],
    )
    def test_images(self, turn, x, name):
        found = facts(turn, x, kind="images")
        assert found.turned == name and found.turned_error == pytest.approx(0, abs=1e-10)
        straight = facts(lambda x: turn(x) + 1, x, kind="images")
        assert straight.turned == name and straight.turned_error == pytest.approx(1, rel=1e-4)

    @pytest.mark.parametrize(
        ("turn", "x", "name"),
        [
            (lambda x: x[:, ::-1], SERIES, "reversed in time"),
            (lambda x: np.roll(x, 1, axis=1), SERIES, "shifted by 1 step later"),
            (lambda x: np.roll(x, -3, axis=1), SERIES, "shifted by 3 steps earlier"),
            (lambda x: x[:, ::-1], CHANNELS, "reversed in time"),
            (lambda x: np.roll(x, 2, axis=1), CHANNELS, "shifted by 2 steps later"),
            (lambda x: x[:, :, ::-1], CHANNELS, "with their channels in another order"),
        ],
    )
    def test_series(self, turn, x, name):
        found = facts(turn, x, kind="series")
        assert found.turned == name and found.turned_error == 0

    @pytest.mark.parametrize("channels", [2, 5])
    @pytest.mark.parametrize("axis", [2, -1])
    def test_series_whose_channels_come_first(self, channels, axis):
        x = RNG.normal(size=(6, channels, 12)).astype(np.float32)

        def turned_by(turn):
            e = examined(turn, x, kind="series")
            e.probe.time_axis = axis
            found = ladder(e, data(e), Output())
            return found.turned if found.turned_error == 0 else ""

        assert turned_by(lambda x: x[:, :, ::-1]) == "reversed in time"
        assert turned_by(lambda x: np.roll(x, -3, axis=2)) == "shifted by 3 steps earlier"
        assert turned_by(lambda x: x[:, ::-1]) == "with their channels in another order"

    @pytest.mark.parametrize(("steps", "turned"), [(3, ""), (4, "reversed in time")])
    def test_short_series_are_not_turned(self, steps, turned):
        found = facts(lambda x: x[:, ::-1], SERIES[:, :steps], kind="series")
        assert found.turned == turned and (found.turned_error == np.inf) == (turned == "")

    def test_of_tables_the_order_of_the_columns(self):
        order = RNG.permutation(12)
        found = facts(lambda x: x[:, order], SERIES)
        assert (found.turned, found.turned_error) == ("with their columns in another order", 0)
        assert (facts(identity, SERIES).turned, facts(identity, SERIES).turned_error) == ("", np.inf)
        assert facts(lambda x: x[:, ::-1], np.tile(SERIES, 42)).turned == ""  # 504 columns are too many to look through


def only(low, high):
    """Return a model that knows only numbers between these ends."""
    return lambda x: np.where((low <= x.min()) & (x.max() <= high) & (np.ptp(x) > 0.9 * (high - low)), x, 0)


UNIT = np.tile(np.linspace(0, 1, 21)[:, None], 2)


class TestRescaled:
    @pytest.mark.parametrize(
        ("model", "x", "kind", "name"),
        [
            (only(0, 1), 255 * UNIT, "images", "divided by 255"),
            (only(0, 1), 100 * UNIT, "images", "divided by their largest value"),
            (only(0, 1), 2 * UNIT - 1, "images", "brought from [-1, 1] to [0, 1]"),
            (only(-1, 1), UNIT, "images", "brought from [0, 1] to [-1, 1]"),
            (only(0, 1), UNIT / 255, "images", "multiplied by 255"),
            (only(-1.7, 1.7), 30 * UNIT + 5, "images", "standardized"),
            (only(-1.7, 1.7), UNIT * [1, 30] + [5, 0], "table", "standardized column by column"),
        ],
    )
    def test_which_scale_it_knows(self, model, x, kind, name):
        def without_its_own(rows):
            return np.zeros_like(rows) if np.array_equal(rows, x.astype(np.float32)) else model(rows)

        found = facts(without_its_own, x, kind=kind)
        assert found.rescaled == name and found.rescaled_error == pytest.approx(0, abs=1e-6)

    def test_from_minus_1_and_1_to_0_and_1_exactly(self):
        found = facts(lambda x: np.where(x.min() < 0, 0, np.clip(x, 0, 1)), 2 * UNIT - 1, kind="images")
        assert (found.rescaled, found.rescaled_error) == ("brought from [-1, 1] to [0, 1]", 0)
        # Half of what varies there is lost: a quarter of its variance, and the means.
        half = facts(lambda x: np.where(x.min() < 0, 0, 0.5 + (x - 0.5) / 2), 2 * UNIT - 1, kind="images")
        assert half.rescaled_error == pytest.approx(0.25)

    @pytest.mark.parametrize(("kept", "name"), [(0.28, "divided by 255"), (0.30, "")])
    def test_only_where_half_of_the_variance_is_left(self, kept, name):
        x = 255 * (UNIT - 0.5)

        def model(x):
            return x if np.abs(x).max() < 0.6 else kept * x

        assert facts(model, x, kind="images").rescaled == name

    def test_nothing_to_rescale(self):
        for found in (
            facts(only(0, 1), 255 * UNIT, kind="images", target=254 * UNIT),
            facts(only(0, 1), 255 * UNIT, kind="tokens"),
            facts(only(0, 1), [[255, 255]] * 3, kind="images"),
        ):
            assert (found.rescaled, found.rescaled_error) == ("", np.inf)
