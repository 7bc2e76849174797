"""Facts of what a model gives, computed by hand."""

import keras
import numpy as np
import pytest
from aehelpers.diagnosis.facts.data import data
from aehelpers.diagnosis.facts.output import Output, output
from keras import layers

from tests.diagnosis.facts.examined import examined, identity, rows

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # NumPy's, of the arrays of Keras's variables
X = rows([[0, 1, 0.5], [1, 0, 0.5]])


def facts(model, x_train=X, x_test=None, **more):
    e = examined(model, x_train, x_test, **more)
    return output(e, data(e))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (KeyError("x"), "KeyError: 'x'"),
        (AttributeError("no x"), "AttributeError: no x"),
        (ValueError("no x"), "no x"),
        (OSError(), "OSError"),
    ],
)
def test_an_error_says_what_it_is(error, sentence):
    def model(x):
        raise error

    assert facts(model).raises == sentence


@pytest.fixture
def nn():
    return pytest.importorskip("torch").nn


def dense(*after, x=X, kernel=1.0, activation=None):
    """Return a model that multiplies by a number, and does something afterwards."""
    size = x.shape[-1]
    model = keras.Sequential([keras.Input(x.shape[1:]), layers.Dense(size, activation, name="last"), *after])
    model.layers[0].set_weights([kernel * np.eye(size), np.zeros(size)])
    return model


class TestRuns:
    def test_what_it_raises(self):
        def fails(x):
            raise ValueError("not today")

        found = facts(fails)
        assert (found.raises, found.fitting, found.unusable) == ("not today", "", True)

    @pytest.mark.parametrize(
        ("shape", "fitting"),
        [
            ((9, 1), "x[..., None]"),
            ((3, 3, 1), "x.reshape(-1, 3, 3, 1)"),
            ((1, 9), "x[:, None]"),
            ((3, 3), "x.reshape(-1, 3, 3)"),
        ],
    )
    def test_which_form_fits(self, shape, fitting):
        def takes(x):
            if x.shape[1:] != shape:
                raise ValueError("another shape")
            return x

        assert facts(takes, np.ones((4, 9))).fitting == fitting

    def test_what_is_not_finite(self):
        def breaks(x):
            return np.where(np.arange(len(x))[:, None] == 0, np.nan, 2 * x)

        found = facts(breaks, np.tile(X, (2, 1)))
        assert found.not_finite_rows == 0.25 and found.not_finite_weights == () and found.unusable
        assert (found.output_low, found.output_high) == (0, 2)
        model = dense()
        model.layers[0].bias.assign([0, np.inf, 0])
        found = facts(model)
        assert found.not_finite_weights == ("last/bias",) and found.not_finite_rows == 1 and not found.raises

    def test_nothing_is_unusable_by_itself(self):
        assert not Output().unusable and not facts(identity).unusable


class TestEnds:
    def test_ends_of_what_it_gave(self):
        found = facts(lambda x: 4 * x - 1)
        assert (found.output_low, found.output_high) == (-1, 3)
        assert (found.reachable_low, found.reachable_high, found.last_activation) == (-np.inf, np.inf, None)

    @pytest.mark.parametrize(
        ("make", "ends", "name"),
        [
            (lambda: dense(), (-np.inf, np.inf), None),
            (lambda: dense(activation="linear"), (-np.inf, np.inf), "linear"),
            (lambda: dense(kernel=-3, activation="sigmoid"), (0, 1), "sigmoid"),
            (lambda: dense(activation="tanh"), (-1, 1), "tanh"),
            (lambda: dense(activation="relu"), (0, np.inf), "relu"),
            (lambda: dense(layers.ReLU(), activation="tanh"), (0, 1), "relu"),
            (lambda: dense(layers.Rescaling(-3, 1), kernel=-3, activation="sigmoid"), (-2, 1), "sigmoid"),
            (lambda: dense(layers.BatchNormalization(), activation="sigmoid"), (-np.inf, np.inf), "sigmoid"),
            (lambda: dense(layers.Activation("sigmoid"), activation="sigmoid"), (0.5, 0.7311), "sigmoid"),
        ],
    )
    def test_ends_that_it_can_give(self, make, ends, name):
        found = facts(make())
        assert (found.reachable_low, found.reachable_high) == pytest.approx(ends, rel=1e-4)
        assert found.last_activation in (name, "linear" if name is None else name)

    @pytest.mark.parametrize(("activation", "ends"), [("tanh", (-1, 1)), ("sigmoid", (0, 1)), ("relu", (0, np.inf))])
    def test_a_recurrent_layer_is_a_mean_with_the_zeros_that_it_began_with(self, activation, ends):
        steps = np.random.default_rng(0).random((4, 3, 2))
        model = keras.Sequential([keras.Input((3, 2)), layers.GRU(2, activation=activation, return_sequences=True)])
        found = facts(model, steps, kind="series")
        assert (found.reachable_low, found.reachable_high) == ends

    @pytest.mark.parametrize(("activation", "lost"), [("tanh", (1 + 1) / 4), ("relu", (1 + 4) / 4), (None, 0)])
    def test_what_it_cannot_reach(self, activation, lost):
        x = np.array([[-1, 2], [1, -2]])
        assert facts(dense(x=x, activation=activation), x).unreachable == pytest.approx(lost / 2.5)
        same = np.array([[2, -2], [2, -2]])  # of one row, as a share of the variance within it
        assert facts(dense(x=same, activation=activation), same).unreachable == pytest.approx(
            {"tanh": 1 / 4, "relu": 2 / 4, None: 0}[activation]
        )

    @pytest.mark.parametrize(("after", "ends"), [("reshape", (0, 1)), ("add", (-np.inf, np.inf))])
    def test_of_pytorch_after_an_operation_that_is_no_layer(self, nn, after, ends):
        class Ends(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(3, 3)

            def forward(self, x):
                made = self.layer(x).sigmoid()
                return made.reshape(len(x), 3) if after == "reshape" else made + made

        found = facts(Ends())
        assert (found.reachable_low, found.reachable_high) == ends

    def test_of_pytorch(self, nn):
        found = facts(nn.Sequential(nn.Linear(3, 3), nn.Sigmoid()))
        assert (found.reachable_low, found.reachable_high, found.last_activation) == (0, 1, "sigmoid")


class TestSums:
    def test_of_a_softmax(self):
        found = facts(lambda x: np.full_like(x, 1 / 3), X)
        assert found.adds_up_to_one and found.target_sum == 1.5
        assert not facts(identity).adds_up_to_one
        assert not facts(lambda x: np.tile([2, -0.5, -0.5], (len(x), 1))).adds_up_to_one  # 1, but not by numbers above 0
        assert not facts(np.ones_like, np.ones((4, 1))).adds_up_to_one

    @pytest.mark.parametrize(("away", "adds_up"), [(0.9e-3, True), (1.1e-3, False)])
    def test_but_for_rounding(self, away, adds_up):
        assert facts(lambda x: np.full_like(x, (1 + away) / 3)).adds_up_to_one is adds_up


LOGITS = rows([[-3, 3, 0], [3, -3, 0]])


class TestAlone:
    """How much a reconstruction changes when its row is handed over alone, in the variance of the reconstructions."""

    PAIR = rows([[2], [-2]] * 4)

    def test_rows_minus_their_mean(self):
        assert facts(lambda x: x - x.mean(axis=0), self.PAIR).depends_on_batch == pytest.approx(1)

    def test_half_of_the_mean_of_all(self):
        """Alone, 2 becomes 1.5 * 2; among others it stays 2: an error of 1, in a variance of 4."""
        assert facts(lambda x: x + x.mean(axis=0) / 2, self.PAIR).depends_on_batch == pytest.approx(1 / 4)

    def test_noise_of_every_call_is_no_dependence(self):
        draw = np.random.default_rng(0)
        assert facts(lambda x: x + 0.5 * draw.normal(size=x.shape), self.PAIR).depends_on_batch == 0

    def test_rows_for_themselves(self):
        assert facts(identity, self.PAIR).depends_on_batch == 0

    def test_a_model_that_takes_no_single_row(self):
        def model(x):
            if len(x) == 1:
                raise ValueError("one row is too few")
            return x - x.mean(axis=0)

        assert facts(model, self.PAIR).depends_on_batch == 0


class TestLogits:
    def test_errors_with_and_without_a_sigmoid(self):
        found = facts(lambda x: LOGITS[: len(x)])
        low = 1 / (1 + np.exp(3))
        assert found.raw_error == pytest.approx((9 + 4 + 0.25) / 3)
        assert found.error_after_sigmoid == pytest.approx((low**2 + low**2 + 0) / 3)
        assert found.share_outside == pytest.approx(4 / 6) and found.logits and not found.takes_logits

    def test_reconstructions_go_through_the_sigmoid_from_then_on(self):
        e = examined(lambda x: LOGITS[: len(x)], X)
        output(e, data(e))
        assert e.made == pytest.approx(1 / (1 + np.exp(-LOGITS)))
        e = examined(identity, X)
        output(e, data(e))
        assert (e.made == X).all()

    @pytest.mark.parametrize(("value", "outside"), [(-0.26, 1), (-0.24, 0), (1.24, 0), (1.26, 1)])
    def test_share_outside(self, value, outside):
        assert facts(lambda x: np.full_like(x, value)).share_outside == outside

    def test_targets_outside_0_and_1_have_no_logits(self):
        assert not facts(lambda x: LOGITS[: len(x)], X, target=2 * X).logits

    def test_what_the_loss_says(self, nn):
        said = {
            keras.losses.BinaryCrossentropy(from_logits=True): True,
            keras.losses.BinaryCrossentropy(): False,
            nn.BCEWithLogitsLoss(): True,
            nn.functional.binary_cross_entropy_with_logits: True,
            nn.functional.binary_cross_entropy: False,
            None: False,
        }
        assert {loss: facts(identity, told_loss=loss).takes_logits for loss in said} == said

    @pytest.mark.parametrize("are_shares", [False, True])
    def test_of_tokens_the_softmax_over_the_words(self, are_shares):
        raw = np.random.default_rng(0).normal(size=(40, 3, 5)).astype(np.float32)
        shares = np.exp(raw) / np.exp(raw).sum(axis=2, keepdims=True)
        words = np.eye(5)[np.random.default_rng(1).integers(0, 5, (40, 3))]
        e = examined(lambda x: (shares if are_shares else raw)[: len(x)], words, kind="tokens", sparse=True)
        output(e, data(e))
        assert e.made == pytest.approx(shares, rel=1e-5)

    def test_worse_than_the_mean_only_if_the_loss_says_so(self):
        """The sigmoid is a better answer than the raw output, but worse than the mean row."""
        wrong = -LOGITS
        assert not facts(lambda x: wrong[: len(x)]).logits
        assert facts(lambda x: wrong[: len(x)], told_loss=keras.losses.BinaryCrossentropy(from_logits=True)).logits
