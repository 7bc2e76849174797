"""Facts of the rows, computed by hand."""

import numpy as np
import pytest
from aehelpers.diagnosis.facts.data import FAR_OUT, data
from aehelpers.diagnosis.facts.examination import DEAD_SPREAD, QUANTILE

from tests.diagnosis.facts.examined import examined, factorial, identity

RNG = np.random.default_rng(0)
GRID = np.linspace(-1, 1, 101)[:, None]  # percentiles of -0.98 and 0.98


def facts(x_train, x_test=None, **more):
    return data(examined(identity, x_train, x_test, **more))


class TestColumns:
    def test_means_spreads_and_ends(self):
        found = facts([[0, 10, 5], [2, 30, 5]], [[-1, 20, 5]])
        assert (found.kind, found.framework, found.rows, found.cells) == ("table", "function", 2, 3)
        assert found.column_means.tolist() == [1, 20, 5] and found.column_spreads.tolist() == [1, 10, 0]
        assert (found.image_low, found.image_high) == (-1, 30) and found.separate_test and not found.one_row
        assert found.scale_ratio == pytest.approx(10 / 5.5)  # the median spread of the two that vary
        assert found.spread_of_mean == pytest.approx((1 / 1 + 10 / 20) / 2)

    def test_the_ends_of_either_set(self):
        found = facts([[0, 10]] * 2, [[0, 40]])
        assert (found.image_low, found.image_high) == (0, 40)
        assert facts([[0, 40]] * 2, [[0, 10]]).image_high == 40 and facts([[-3, 4]] * 2, [[0, 1]]).image_low == -3

    def test_of_more_rows_than_one_piece(self):
        x = RNG.normal(5, 2, (2500, 3)).astype(np.float32)
        assert facts(x).column_spreads == pytest.approx(x.std(axis=0, dtype=float))
        assert facts(x).column_means == pytest.approx(x.mean(axis=0, dtype=float))

    def test_without_test_rows(self):
        found = facts(factorial(1, 2))
        assert (found.separate_test, found.shift, found.stretch, found.drift) == (False, 0, 1, 0)

    @pytest.mark.parametrize(("spread", "one_row"), [(2 * DEAD_SPREAD, False), (DEAD_SPREAD / 2, True)])
    def test_one_row_varies_by_no_more_than_rounding(self, spread, one_row):
        found = facts([[1 + spread, 3], [1 - spread, 3]])
        assert found.one_row == one_row
        assert found.spread_of_mean == (1 if one_row else pytest.approx(spread, rel=0.1))
        assert found.scale_ratio == 1


class TestOutliers:
    @pytest.mark.parametrize(("value", "found"), [(0.99, []), (1.01, [(7, 1)])])
    @pytest.mark.parametrize("side", [1, -1])
    def test_far_out(self, value, found, side):
        test = np.zeros((100, 2))
        test[7, 1] = value * side * FAR_OUT * 0.98
        assert facts(np.tile(GRID, 2), test).outliers == found
        assert facts(np.tile(GRID, 2), test, kind="series").outliers == found
        assert facts(np.tile(GRID, 2), test, kind="images").outliers == []

    @pytest.mark.parametrize("side", [1, -1])
    def test_the_longer_side_decides(self, side):
        skewed = np.where(GRID > 0, 3, 1) * GRID
        test = np.zeros((100, 1))
        test[0] = side * 1.01 * FAR_OUT * 3 * 0.98
        assert facts(skewed, test).outliers == [(0, 0)]
        test[0] = side * 0.99 * FAR_OUT * 3 * 0.98
        assert facts(skewed, test).outliers == []

    @pytest.mark.parametrize(("ones", "found"), [(11, [(0, 0)]), (9, [])])
    def test_a_column_that_is_nearly_always_0_has_none(self, ones, found):
        """Of 1,000 values, more than 10 lie beyond the 99th percentile: fewer are no reach that could be exceeded."""
        assert QUANTILE == 0.99
        train = np.where(np.arange(1000) < ones, 1.0, 0.0)[:, None]
        test = np.zeros((100, 1))
        test[0] = 13
        assert facts(train, test).outliers == found

    @pytest.mark.parametrize(("rows", "found"), [(1, 1), (2, 0)])
    def test_what_many_rows_have_is_none(self, rows, found):
        test = np.zeros((100, 1))
        test[:rows] = 99
        assert len(facts(GRID, test).outliers) == found

    def test_twenty_are_named(self):
        test = np.zeros((100, 30))
        test[3] = 99
        assert facts(np.tile(GRID, 30), test).outliers == [(3, column) for column in range(20)]


class TestSetsApart:
    def test_shift_and_stretch_are_medians_in_the_spreads_of_the_training(self):
        train = factorial(1, 10, 100)
        found = facts(train, 3 * train + np.array([0.5, -20, 25]))
        assert found.shift == pytest.approx(0.5) and found.stretch == pytest.approx(3)  # of 0.5, 2 and 0.25
        assert facts(train, train / 4).stretch == pytest.approx(0.25)

    def test_one_outlier_does_not_decide(self):
        test = GRID.copy()
        test[0] = 1e9
        found = facts(GRID, test)
        # Cut off 20 times the distance of the percentiles above them.
        by_hand = np.append(GRID[1:], 0.98 + 20 * 1.96)
        assert found.stretch == pytest.approx(by_hand.std() / GRID.std(), rel=1e-4)
        assert found.shift == pytest.approx(by_hand.mean() / GRID.std(), rel=1e-4)

    def test_a_table_drifts_in_the_columns_own_spreads(self):
        """Two columns are sum and difference of factors with spreads of 2 and 1; the second factor moves by half of its own."""
        strong, weak = factorial(2, 1).T
        scales = np.array([1, 100])
        train = np.stack([strong + weak, strong - weak], axis=1)
        found = facts(train * scales, (train + np.array([0.5, -0.5])) * scales)
        assert found.drift == pytest.approx(0.5, rel=1e-4)

    def test_images_drift_in_one_spread(self):
        train = factorial(20, 1)
        assert facts(train, train + np.array([5, 0]), kind="images").drift == pytest.approx(0.25, rel=1e-4)
        assert facts(train, train + np.array([0, 0.4]), kind="images").drift == pytest.approx(0.4, rel=1e-4)
        assert facts(train, train, kind="images").drift == pytest.approx(0, abs=1e-6)

    def test_few_rows_and_columns_do_not_drift(self):
        assert facts(factorial(1, 1)[:19], factorial(1, 1) + 1).drift == 0
        assert facts(factorial(1), factorial(1) + 1).drift == 0


def standard(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def stretched(x):
    return (x - x.min(axis=0)) / np.ptp(x, axis=0)


class TestScaledApart:
    TRAIN, TEST = RNG.normal(3, 2, (60, 4)), RNG.normal(3, 2, (20, 4))

    @pytest.mark.parametrize("scale", [standard, stretched])
    def test_each_set_by_itself(self, scale):
        train, test = scale(self.TRAIN), scale(self.TEST)
        assert facts(train, test).scaled_apart is True
        assert not facts(train, test, kind="images").scaled_apart and not facts(train, test[:9]).scaled_apart
        assert not facts(train[:, :2], test[:, :2]).scaled_apart and not facts(train).scaled_apart

    @pytest.mark.parametrize("scale", [standard, stretched])
    def test_one_set_alone_is_scaled_by_one_scaler(self, scale):
        train, test = scale(self.TRAIN), scale(self.TEST)
        assert not facts(train, self.TEST).scaled_apart and not facts(self.TRAIN, test).scaled_apart

    def test_one_form_for_both(self):
        assert not facts(standard(self.TRAIN), stretched(self.TEST)).scaled_apart

    @pytest.mark.parametrize("how_far", [0.8, 1.5])
    def test_what_is_cut_off_is_not_scaled(self, how_far):
        cut = [np.clip(stretched(how_far * standard(x)) * 1.3 - 0.15, 0, 1) for x in (self.TRAIN, self.TEST)]
        assert not facts(*cut).scaled_apart

    def test_counts_with_many_zeros(self):
        counts = [np.where(RNG.random(x.shape) < 0.4, 0, np.abs(x)) for x in (self.TRAIN, self.TEST)]
        assert facts(*map(stretched, counts)).scaled_apart

    def test_zeros_and_ones_have_no_other_ends(self):
        marks = [RNG.integers(0, 2, (len(x), 6)) for x in (self.TRAIN, self.TEST)]
        pair = [np.hstack([stretched(x), mark]) for x, mark in zip((self.TRAIN, self.TEST), marks, strict=True)]
        assert facts(*pair).scaled_apart
        assert not facts(RNG.integers(0, 2, (60, 6)), marks[1]).scaled_apart


class TestExchanged:
    X = np.arange(12.0).reshape(6, 2)

    @pytest.mark.parametrize(
        ("order", "share"),
        [([1, 2, 3, 4, 5, 0], 1), ([1, 0, 2, 3, 4, 5], 1 / 3), ([0, 1, 2, 3, 4, 4], 1 / 6), ([0, 1, 2, 3, 4, 5], 0)],
    )
    def test_share_of_the_rows(self, order, share):
        assert facts(self.X, target=self.X[order]).exchanged == pytest.approx(share)

    def test_targets_that_are_nobodys_input_are_not_exchanged(self):
        assert facts(self.X, target=self.X + 0.5).exchanged == 0
        target = self.X.copy()
        target[0] += 0.5  # noise in one row, none in the others
        assert facts(self.X, target=target).exchanged == 0

    def test_equal_rows_are_not_exchanged(self):
        x = self.X[[0, 0, 0, 0, 0, 1]]
        target = x.copy()
        target[5] += 1
        assert facts(x, target=target).exchanged == 0

    def test_other_shapes_have_no_pairs(self):
        assert facts(self.X, target=self.X[:, :1]).exchanged == 0
