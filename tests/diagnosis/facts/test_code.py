"""Facts of the code and of the units beside it, computed by hand on models whose weights are given."""

import aehelpers as ae
import keras
import numpy as np
import pytest
from aehelpers.diagnosis.facts.code import FLAT, ROWS_A_COMPONENT, SILENT, Code, code
from aehelpers.diagnosis.facts.examination import DEAD_SPREAD
from aehelpers.diagnosis.places import narrowest
from aehelpers.diagnosis.probes import probe_of
from keras import layers

from tests.diagnosis.facts.examined import examined, factorial, identity, measured

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # NumPy's, of the arrays of Keras's variables
X = factorial(1, 1, 1, 1, times=3)  # 48 rows
READ = np.array([[2, 0, 0, 0], [0, 0.5, 0, 0]])  # how a decoder reads two units


def facts(model, x=X, **more):
    e = examined(model, x, **more)
    return code(e, *measured(e))


def encoded(codes, x=X, **more):
    """Return the facts of codes that ``encode`` gives."""
    return facts(identity, x, encode=codes, **more)


def given(model, weights):
    """Return a model with these kernels by the names of their layers, and with biases of 0, or a pair of both."""
    for name, values in weights.items():
        kernel, bias = values if isinstance(values, tuple) else (values, 0.0)
        layer = model.get_layer(name)
        layer.set_weights([np.broadcast_to(v, w.shape) for v, w in zip((kernel, bias), layer.get_weights(), strict=True)])
    return model


def narrow(before, after=READ, activation="linear", bias=0.0, inputs=4):
    after = np.asarray(after, float)
    model = keras.Sequential(
        [keras.Input((inputs,)), layers.Dense(len(after), activation, name="code"), layers.Dense(inputs, name="decoder")]
    )
    return given(model, {"code": (np.asarray(before, float), np.asarray(bias, float)), "decoder": after})


TWO = np.eye(4)[:, :2]


class TestCode:
    def test_what_it_is(self):
        e = examined(narrow(TWO * [1, 3]), X)
        about = measured(e)
        found = code(e, *about)
        assert (found.code_size, found.code_units, found.constant_units) == (2, 2, 0)
        assert (found.code_layer, found.code_activation, found.narrow_layer) == ("code", "linear", "code")
        assert not (found.code_is_map or found.code_is_discrete or found.code_is_recurrent or found.variational)
        assert found.unit_spread == pytest.approx([1, 3]) and not found.never_above_zero
        assert found.pca_error == pytest.approx(2 / 4, rel=1e-5) == about[2].pca_errors[2]
        assert found.follows == pytest.approx(1) and (found.saturated, found.at_upper_end) == (0, 0)
        assert (found.kl_of_units, found.kl, found.kl_weight, found.silent_units, found.code_reach) == (None, 0, None, 0, 1)

    def test_how_loud_it_is(self):
        found = facts(narrow(TWO * [1, 3]))
        assert found.loudness == pytest.approx((1 / 2 + 3 / 0.5) / 2)
        assert (found.unit_spread_median, found.decoder_weights) == pytest.approx((2, 1.25))
        dead = facts(narrow(TWO * [1, 0]))  # its spread does not count, its weights do
        assert (dead.loudness, dead.unit_spread_median, dead.decoder_weights) == pytest.approx((1 / 2, 1, 1.25))
        assert facts(narrow(0 * TWO)).loudness is None and encoded(identity).loudness is None

    def test_the_loudness_of_small_numbers_is_that_of_pca_at_most(self):
        """The root mean variance of the columns, over two units, is below 1: PCA's own units move no further."""
        small = 0.01 * X
        alike = np.sqrt(small.var(axis=0).sum() / 2)
        assert alike < 1
        assert facts(narrow(TWO * [1, 3]), small).loudness == pytest.approx((1 / 2 + 3 / 0.5) / 2 * 0.01 / alike, rel=1e-5)

    @pytest.mark.parametrize(("spread", "constant"), [(3 * DEAD_SPREAD, 0), (DEAD_SPREAD / 3, 1)])
    def test_constant_units_vary_by_no_more_than_rounding(self, spread, constant):
        assert facts(narrow(TWO * [1, spread], bias=[0, 1])).constant_units == constant
        assert encoded(lambda x: 1 + np.outer(x[:, 0], [0.5, spread])).constant_units == constant

    def test_of_a_function(self):
        found = encoded(lambda x: -np.abs(x[:, :3] * [1, 2, 0] - 5))
        assert (found.code_size, found.code_layer, found.code_activation, found.constant_units) == (3, "encode", None, 1)
        assert found.unit_spread == pytest.approx([1, 2, 0]) and found.never_above_zero
        assert not encoded(lambda x: np.abs(x)).never_above_zero and encoded(lambda x: 0 * x).never_above_zero
        assert facts(identity) == Code()

    def test_a_few_values(self):
        rows = np.random.default_rng(0).normal(size=(400, 4))
        for few in (lambda x: x > 0, np.sign, lambda x: np.where(x > 0, 1, 0.5), lambda x: np.round(x)):
            assert encoded(few, rows).code_is_discrete
        for many in (lambda x: x, lambda x: np.maximum(x, 0), lambda x: np.maximum(x - 1, 0), lambda x: 0 * x):
            assert not encoded(many, rows).code_is_discrete

    def test_of_a_convolution_the_units_are_channels(self):
        images = np.random.default_rng(0).random((40, 4, 4, 1))
        model = keras.Sequential(
            [
                keras.Input((4, 4, 1)),
                layers.Conv2D(3, 2, strides=2, name="code"),
                layers.Conv2DTranspose(1, 2, strides=2, name="decoder"),
            ]
        )
        kernel = np.zeros((2, 2, 1, 3))
        kernel[0, 0, 0, 0], kernel[1, 1, 0, 2] = 1, 10
        given(model, {"code": kernel, "decoder": 1.0})
        found = facts(model, images, kind="images")
        assert (found.code_size, found.code_units, found.constant_units, found.code_is_map) == (12, 3, 1, True)
        by_hand = [images[:, ::2, ::2].std(axis=0).mean(), 0, 10 * images[:, 1::2, 1::2].std(axis=0).mean()]
        assert found.unit_spread == pytest.approx(by_hand, rel=1e-5) and found.loudness is None

    def test_of_a_recurrent_model(self):
        model = keras.Sequential(
            [
                keras.Input((4, 3)),
                layers.SimpleRNN(2, name="code"),
                layers.RepeatVector(4),
                layers.TimeDistributed(layers.Dense(3)),
            ]
        )
        found = facts(model, np.random.default_rng(0).random((8, 4, 3)), kind="series")
        assert found.code_is_recurrent and (found.code_size, found.code_activation) == (2, "tanh")


class TestEndsOfActivations:
    @pytest.mark.parametrize(("inside", "share"), [(1.02, 0), (0.98, 0.75)])
    def test_a_sigmoid_is_flat_near_0_and_1(self, inside, share):
        """Its slope, 4 a (1 - a) of the steepest, is FLAT at both ends; three of four rows stand there, one of them above."""
        end = (1 - np.sqrt(1 - FLAT * inside)) / 2
        values = np.tile([end, end, 1 - end, 0.5], 12)
        x = np.stack([np.log(values / (1 - values)), np.zeros(48)], axis=1)
        found = facts(narrow([[1], [0]], [[1, 0]], "sigmoid", inputs=2), x)
        assert (found.saturated, found.at_upper_end) == (share, share / 3) and found.code_activation == "sigmoid"

    def test_a_tanh_is_flat_near_minus_1_and_1(self):
        x = np.stack([np.tile([-9, 9, 9, 0], 12), np.zeros(48)], axis=1)
        found = facts(narrow([[1], [0]], [[1, 0]], "tanh", inputs=2), x)
        assert (found.saturated, found.at_upper_end) == (0.75, 0.5)
        assert facts(narrow([[1], [0]], [[1, 0]], "relu", inputs=2), x).saturated == 0


class TestPCA:
    @pytest.mark.parametrize(("rows", "known"), [(3 * ROWS_A_COMPONENT, True), (3 * ROWS_A_COMPONENT - 1, False)])
    def test_needs_rows_for_each_component(self, rows, known):
        x = np.random.default_rng(0).normal(size=(rows, 5))
        e = examined(identity, x, encode=lambda x: x[:, :3])
        about = measured(e)
        assert code(e, *about).pca_error == (pytest.approx(about[2].pca_errors[3]) if known else None)

    def test_of_a_larger_code_all_components(self):
        assert encoded(lambda x: np.tile(x, 2)).pca_error == pytest.approx(0, abs=1e-6)

    def test_tokens_have_none(self):
        assert encoded(lambda x: x[:, :2], sparse=True).pca_error is None


class TestUnitsBeside:
    def stack(self, **weights):
        model = keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dense(5, "relu", name="before"),
                layers.Dense(2, "linear", name="code"),
                layers.Dense(6, "relu", name="after"),
                layers.Dense(4, "sigmoid", name="last"),
            ]
        )
        weights = {
            "before": np.eye(4, 5) + 0.1,
            "code": np.eye(5, 2),
            "after": np.eye(2, 6) + 0.1,
            "last": np.eye(6, 4),
        } | weights
        return facts(given(model, weights))

    def test_dead_units_by_layer(self):
        found = self.stack(after=(np.eye(2, 6), [1, 1, 1, 0, -1, -2]))
        assert found.dead_by_layer == {"before": (0, 5), "after": (3, 6)}
        assert self.stack(before=(0.0, 0.0)).dead_by_layer["before"] == (5, 5)

    def test_a_channel_is_dead_if_it_is_off_everywhere(self):
        images = np.zeros((20, 4, 4, 1))
        images[:, 0, 0, 0] = np.arange(20)
        model = keras.Sequential(
            [
                keras.Input((4, 4, 1)),
                layers.Conv2D(2, 2, strides=2, activation="relu", name="code"),
                layers.Conv2DTranspose(1, 2, strides=2, name="decoder"),
            ]
        )
        kernel = np.ones((2, 2, 1, 2)) * [1, -1]  # the first rises above 0 in one corner, the second nowhere
        assert facts(given(model, {"code": kernel, "decoder": 1.0}), images, kind="images").dead_by_layer == {"code": (1, 2)}

    def test_activations_and_kernels(self):
        found = self.stack()
        assert found.hidden_activations == ("relu", "linear") and found.zero_kernels == ()
        assert self.stack(after=0.0).zero_kernels == ("after/kernel",)


class Noisy(layers.Layer):
    """Adds noise also outside training."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def call(self, x):
        return x + self.size * keras.random.normal(keras.ops.shape(x))


class TestPassedBy:
    """All passes through six units, and then through some few of them, or beside those."""

    WIDE = factorial(1, 1, 1, 1, 1, 1, times=1)[np.random.default_rng(0).permutation(64)]

    def model(self, size, follows):
        rows = keras.Input((6,))
        wide = layers.Dense(6, name="wide")(layers.Dense(9, name="first")(rows))
        both = layers.Concatenate()([layers.Dense(size, name="narrow")(wide), wide])
        kernel = np.zeros((size + 6, 6))
        kernel[:size, :size] = np.eye(size) * follows
        kernel[size:, :] = np.diag([1.0 - follows] * size + [1.0] * (6 - size))
        model = keras.Model(rows, layers.Dense(6, name="last")(both))
        weights = {"first": np.eye(6, 9), "wide": np.eye(9, 6), "narrow": np.eye(6, size), "last": kernel}
        return given(model, weights)

    @pytest.mark.parametrize("size", [1, 3])
    def test_by_how_much(self, size):
        found = facts(self.model(size, 1), self.WIDE)
        seen = self.WIDE[np.linspace(0, 63, 16).astype(int)]
        apart = np.square(seen - np.roll(seen, 1, axis=0)).sum(axis=0)
        assert (found.code_layer, found.code_size, found.narrow_layer) == ("wide", 6, "narrow")
        assert found.follows == pytest.approx(apart[:size].sum() / apart.sum(), rel=1e-4)
        assert facts(self.model(size, 1e-4), self.WIDE).follows == pytest.approx(0, abs=1e-3)
        assert facts(self.model(size, 0), self.WIDE).narrow_layer == "wide"  # what changes nothing is on no way

    def test_what_is_not_much_narrower_is_not_asked(self):
        found = facts(self.model(4, 0), self.WIDE)
        assert (found.code_layer, found.narrow_layer) == ("wide", "wide") and found.follows == pytest.approx(1)

    def test_behind_a_code_smaller_than_the_row_nothing_is_passed_by(self):
        rows = keras.Input((6,))
        code = layers.Dense(4, name="code")(layers.Dense(9, name="first")(rows))
        both = layers.Concatenate()([layers.Dense(1, name="narrow")(code), code])
        model = keras.Model(rows, layers.Dense(6, name="last")(both))
        weights = {"first": np.eye(6, 9), "code": np.eye(9, 4), "narrow": np.eye(4, 1), "last": np.eye(5, 6)}
        found = facts(given(model, weights), self.WIDE)
        assert (found.code_layer, found.narrow_layer) == ("code", "code")

    def test_what_comes_from_labels_is_on_no_way(self):
        """One unit reads labels that come in beside the rows: it changes the reconstructions, but knows nothing of the row."""
        rows, labels = keras.Input((6,)), keras.Input((2,))
        changed = layers.Dense(6, name="decoder")(layers.Dense(3, name="narrow")(rows))
        told = layers.Dense(6, name="after")(layers.Dense(1, name="label")(labels))
        model = keras.Model([rows, labels], layers.Add()([rows, changed, told]))
        given(model, {"narrow": np.eye(6, 3), "decoder": np.eye(3, 6), "label": 1.0, "after": 1.0})
        both = (self.WIDE.astype(np.float32), np.random.default_rng(0).random((64, 2)).astype(np.float32))
        probe = probe_of(model, (6,))
        assert narrowest(probe, both).find(probe.trace(both)[1]).name == "narrow"

    @pytest.mark.parametrize("noise", [0.0, 0.1])
    def test_another_output_is_on_no_way(self, noise):
        """Also where noise makes every call another one."""

        class WithHead(keras.Model):
            def __init__(self):
                super().__init__()
                self.narrow, self.head = layers.Dense(3, name="narrow"), layers.Dense(1, name="head")
                self.last, self.noise = layers.Dense(6, name="last"), Noisy(noise)

            def call(self, x):
                code = self.narrow(x)
                head = self.head(code)
                return x + self.noise(self.last(code)), head

        model, x = WithHead(), self.WIDE.astype(np.float32)
        model(x)
        probe = probe_of(model, (6,))
        assert narrowest(probe, x).find(probe.trace(x)[1]).name == "narrow"

    def test_where_no_layer_carries_all(self):
        rows = keras.Input((6,))
        made = layers.Dense(6, name="decoder")(layers.Dense(2, name="narrow")(rows))
        model = given(keras.Model(rows, layers.Add()([rows, made])), {"narrow": np.eye(6, 2), "decoder": np.eye(2, 6)})
        found = facts(model, self.WIDE)
        assert (found.code_size, found.code_layer, found.narrow_layer) == (None, None, "narrow")
        # Two of six columns have twice their size, of which one half follows.
        seen = self.WIDE[np.linspace(0, 63, 16).astype(int)]
        apart = np.square(seen - np.roll(seen, 1, axis=0)).sum(axis=0)
        assert found.follows == pytest.approx(1 - apart.sum() / (4 * apart[:2].sum() + apart[2:].sum()), rel=1e-4)


class TestDistribution:
    """A variational code of three units, whose means and log-variances are given."""

    def facts(self, means, biases, log_variances, kl_weight=0.3):
        rows = keras.Input((4,))
        hidden = layers.Dense(4, name="hidden")(rows)
        mean, spread = layers.Dense(3, name="mean")(hidden), layers.Dense(3, name="spread")(hidden)
        drawn = ae.GaussianSampling(kl_weight, seed=0)([mean, spread])
        model = keras.Model(rows, layers.Dense(4, name="last")(drawn))
        weights = {"hidden": np.eye(4), "mean": (np.eye(4, 3) * means, np.array(biases)), "last": np.eye(3, 4)}
        return facts(given(model, weights | {"spread": (0.0, np.array(log_variances))}))

    def test_divergence(self):
        found = self.facts([2, 1, 0], [0, 1, 0], [-2, 0, 0])
        by_hand = [(np.exp(-2) + 4 - 1 + 2) / 2, (1 + 2 - 1) / 2, 0]
        assert found.variational and found.kl_of_units == pytest.approx(by_hand, abs=1e-6)
        assert found.kl == pytest.approx(sum(by_hand)) and found.kl_weight == pytest.approx(0.3, rel=1e-4)
        assert self.facts([2, 1, 0], [0, 1, 0], [-2, 0, 0], kl_weight=0).kl_weight is None

    def test_a_decoder_that_reads_what_is_drawn_follows_the_code(self):
        """The encoder gives mean, log-variance and what is drawn from them, as many examples do."""
        rows = keras.Input((4,))
        mean, spread = layers.Dense(3, name="mean")(rows), layers.Dense(3, name="spread")(rows)
        encoder = keras.Model(rows, [mean, spread, ae.GaussianSampling(0.3, seed=0)([mean, spread])])
        decoder = keras.Sequential([keras.Input((3,)), layers.Dense(4, name="last")])

        class Variational(keras.Model):
            def __init__(self, drawn):
                super().__init__()
                self.encoder, self.decoder, self.drawn = encoder, decoder, drawn

            def call(self, x):
                mean, _, drawn = self.encoder(x)
                return self.decoder(drawn if self.drawn else 0 * drawn + mean)

        given(encoder, {"mean": np.eye(4, 3), "spread": (0.0, np.full(3, -12.0))})
        given(decoder, {"last": np.eye(3, 4)})
        for drawn in (True, False):
            found = facts(Variational(drawn))
            assert found.variational and found.follows == pytest.approx(1, abs=0.01)

    def test_reach_of_the_units_that_carry_something(self):
        found = self.facts([2, 1, 0], [0, 1, 5], [-2, 0, 0])  # the third lies at 5, for every row
        assert found.silent_units == 1 and found.code_reach == pytest.approx(np.sqrt((4 + np.exp(-2) + 2 + 1) / 2))
        assert self.facts([0, 0, 0], [0, 1, 5], [-2, 0, 0]).code_reach == 1

    @pytest.mark.parametrize(("variance", "silent"), [(0.98 * SILENT, 1), (1.02 * SILENT, 0)])
    def test_silent_units(self, variance, silent):
        assert self.facts([2, 1, np.sqrt(variance)], [0, 0, 0], [-2, 0, 0]).silent_units == silent

    def test_its_units_are_the_means(self):
        found = self.facts([2, 1, 0], [0, 1, 0], [-2, 0, 0])
        assert (found.code_size, found.constant_units, found.saturated) == (3, 1, 0)
        assert found.unit_spread == pytest.approx([2, 1, 0])
