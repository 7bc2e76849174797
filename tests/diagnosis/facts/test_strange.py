"""Facts of rows without a pattern, computed by hand."""

import numpy as np
import pytest
from aehelpers.diagnosis.facts.data import data
from aehelpers.diagnosis.facts.output import output
from aehelpers.diagnosis.facts.strange import Strange, strange

from tests.diagnosis.facts.examined import examined, identity, rows


def facts(model, x, **more):
    e = examined(model, x, **more)
    about = data(e)
    return strange(e, about, output(e, about))


TABLE = rows(np.stack([np.arange(20), 1000 + 10 * np.arange(20), np.full(20, -5)], axis=1))
VARIANCE = (20**2 - 1) / 12  # of 0 to 19


class TestTables:
    def test_each_column_keeps_its_own_values(self):
        seen = []
        found = facts(lambda x: seen.append(x) or np.zeros_like(x), TABLE)
        mixed = seen[-1]
        assert (np.sort(mixed, axis=0) == TABLE).all() and not (mixed == TABLE).all()
        assert found.noise_error == pytest.approx(np.square(TABLE).mean())
        assert found.noise_variance == pytest.approx((VARIANCE + 100 * VARIANCE) / 3)

    def test_the_columns_are_no_longer_connected(self):
        seen = []
        facts(lambda x: seen.append(x) or x, np.repeat(np.arange(400.0)[:, None], 2, axis=1))
        assert abs(np.corrcoef(seen[-1].T)[0, 1]) < 0.2

    def test_a_copy_has_no_error(self):
        assert facts(identity, TABLE).noise_error == 0 and facts(lambda x: x + 2, TABLE).noise_error == pytest.approx(4)


class TestOtherRows:
    @pytest.mark.parametrize("kind", ["images", "series"])
    def test_each_row_keeps_its_own_values(self, kind):
        seen = []
        found = facts(lambda x: seen.append(x) or np.zeros_like(x), TABLE, kind=kind)
        mixed = seen[-1]
        assert (np.sort(mixed, axis=1) == np.sort(TABLE, axis=1)).all() and not (mixed == TABLE).all()
        assert found.noise_error == pytest.approx(np.square(TABLE).mean())
        assert found.noise_variance == pytest.approx(TABLE.var(dtype=float))

    def test_nothing_is_known(self):
        assert facts(identity, TABLE, kind="tokens") == Strange(None, None)
        assert facts(lambda x: x[:, :2], TABLE, target=TABLE[:, :2]) == Strange()
        assert facts(lambda x: np.where((x == TABLE[: len(x)]).all(), x, np.nan), TABLE) == Strange()
