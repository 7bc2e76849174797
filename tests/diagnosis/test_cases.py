"""Patients of which an earlier version said something wrong; most made by hand, so that what is wrong is known for sure."""

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.diagnosis.probes import probe_of
from keras import layers

from tests.diagnosis.test_diagnose import projection, severities, stack


@pytest.fixture(scope="module")
def images(digits_8x8):
    return digits_8x8.reshape(-1, 64)


def table(seed=0, rows=600, columns=20):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(rows, 4)) @ rng.normal(size=(4, columns)) + 0.3 * rng.normal(size=(rows, columns))).astype(
        np.float32
    )


def series(rows=300):
    t, rng = np.arange(60), np.random.default_rng(0)
    frequencies, phases = 1 / rng.uniform(10, 40, (rows, 1)), rng.uniform(0, 6.28, (rows, 1))
    return (0.3 * np.sin(6.28 * t * frequencies + phases) + 0.5).astype(np.float32)


class TestRowsAndTargets:
    @pytest.mark.parametrize("kind", ["images", "table"])
    def test_exchanged_rows_of_the_test_target(self, images, kind):
        x = images if kind == "images" else table()
        model, train, test = projection(x, 8), x[:200], x[200:]
        exchanged = test[np.random.default_rng(0).permutation(len(test))]
        assert "wrong_target" not in severities(ae.diagnose(model, train, test, target=(train, test)))
        found = ae.diagnose(model, train, test, target=(train, exchanged))
        assert severities(found) == {"wrong_target": "broken"} and "are another" in found.findings[0].sentence

    @pytest.mark.parametrize("seed", range(4))
    def test_a_hardly_trained_model_has_no_wrong_target(self, seed):
        x, rng = table(seed), np.random.default_rng(seed)
        model = projection(x, 4)
        first, bias, last, mean = model.get_weights()
        model.set_weights(
            [first + 0.5 * rng.normal(size=first.shape), bias, 0.3 * last + 0.1 * rng.normal(size=last.shape), mean]
        )
        found = ae.diagnose(model, x[:400], x[400:])
        assert "wrong_target" not in severities(found) and found.findings != []

    def test_a_target_of_another_shape(self, digits_8x8):
        """Super-resolution: 8 x 8 pixels from 4 x 4."""
        large = digits_8x8[..., None]
        after = [layers.UpSampling2D(), layers.Conv2D(1, 3, padding="same", activation="sigmoid")]
        model = stack(layers.Conv2D(4, 3, padding="same", activation="relu"), *after, shape=(4, 4, 1))
        facts = ae.diagnose(model, large[:, ::2, ::2], target=large).facts
        assert facts["error"] == pytest.approx(ae.mse(large, np.asarray(model(large[:, ::2, ::2]))), rel=1e-4)
        assert facts["raises"] == ""

    def test_an_outlier_is_a_note(self):
        x = table()
        model = projection(x, 4)
        x[500, 7] = 60.0
        found = ae.diagnose(model, x[:400], x[400:])
        assert severities(found)["outliers"] == "note" and "broken" not in severities(found).values()
        assert "row 100, column 7, with 60." in {f.code: f.sentence for f in found.findings}["outliers"]


class TestScales:
    def test_one_large_column_hides_the_others(self):
        x = table()
        x[:, 0] = 40_000 + 15_000 * x[:, 0]
        found = ae.diagnose(projection(x, 1), x[:400], x[400:])
        assert found.findings[0].code == "column_scales" and "column 0 has a spread of" in found.findings[0].sentence
        assert found.columns["share lost"].to_numpy()[0] < 0.01 and found.columns["share lost"].median() > 0.7

    def test_images_that_were_divided_twice(self, images):
        found = ae.diagnose(projection(images, 16), images / 255)
        assert severities(found) == {"input_scale": "broken"} and "multiplied by 255" in found.findings[0].sentence

    def test_nan_from_pixels_up_to_255(self, images):
        model = projection(images, 16, "sigmoid")
        model.set_weights([np.nan * weight for weight in model.get_weights()])
        assert severities(ae.diagnose(model, 255 * images)) == {"input_scale": "broken"}
        assert severities(ae.diagnose(model, images)) == {"not_finite": "broken"}


def half_a_cross_entropy(target, made):
    return -tf.reduce_mean(target * tf.math.log(made + 1e-10))


class TestModels:
    def test_dead_outputs_of_a_table(self):
        x = np.random.default_rng(1).random((400, 4)).astype(np.float32)
        model = stack(layers.Dense(4, "relu"), layers.Dense(4, "relu"), shape=(4,))
        model.set_weights([np.eye(4), np.zeros(4), np.diag([1, -1, 1, -1]), np.zeros(4)])
        finding = ae.diagnose(model, x[:300], x[300:]).findings[0]
        assert finding.code == "dead_outputs" and "columns 1 and 3 is always 0" in finding.sentence

    def test_99_percent_of_the_variance_are_enough(self):
        x = series()
        spread = np.square(np.linalg.svd(x - x.mean(axis=0), compute_uv=False))
        kept = int(np.searchsorted(np.cumsum(spread) / spread.sum(), 0.992)) + 1
        found = ae.diagnose(projection(x, 40, after=(np.arange(40) < kept)[:, None]), x, kind="series")
        assert found.facts["pca_error"] < 0.5 * found.facts["error"]
        assert not {"below_pca", "undertrained"} & set(severities(found))
        assert set(severities(found).values()) <= {"note"}

    def test_a_loss_that_is_least_elsewhere(self, images):
        model = stack(layers.Dense(8), layers.Dense(64, "sigmoid", bias_initializer=keras.initializers.Constant(10)))
        found = ae.diagnose(model, images, loss=half_a_cross_entropy)
        assert severities(found) == {"wrong_loss": "broken"} and "ones everywhere" in found.findings[0].sentence
        assert "wrong_loss" not in severities(ae.diagnose(model, images, loss="binary_crossentropy"))

    @pytest.mark.parametrize("call", [True, False])
    def test_a_variational_one_that_is_used_with_its_mean(self, images, call):
        """The spread is trained by a train_step that decodes draws; without a call at all, the halves are put together."""
        rows = keras.Input((64,))

        class Variational(keras.Model):
            def __init__(self):
                super().__init__()
                self.encoder = keras.Model(rows, [layers.Dense(3)(rows), layers.Dense(3, name="log_variance")(rows)])
                self.decoder = stack(layers.Dense(64, "sigmoid"), shape=(3,))

        if call:
            Variational.call = lambda self, x: self.decoder(self.encoder(x)[0])
        found = ae.diagnose(Variational(), images)
        assert not {"no_gradient", "zero_gradient", "cannot_run"} & set(severities(found))
        assert found.facts["code_size"] == 3 and found.unmeasured == []

    def test_recurrent_layers_run_in_a_graph(self, monkeypatch):
        """Step by step, in Python, a diagnosis of long series takes minutes."""
        steps, call = [], layers.GRUCell.call
        monkeypatch.setattr(layers.GRUCell, "call", lambda self, *a, **k: steps.append(1) or call(self, *a, **k))
        counts = []
        for length in (5, 20):
            model = stack(layers.GRU(3, return_sequences=True), layers.Dense(2), shape=(length, 2))
            probe = probe_of(model, (length, 2))
            steps.clear()
            probe.run(np.zeros((9, length, 2), np.float32))
            counts.append(len(steps))
        assert counts[0] == counts[1] < 5


def side_by_side():
    rows, label = keras.Input((5,)), keras.Input((3,))
    return keras.Model([rows, label], layers.Dense(5)(layers.Concatenate()([rows, label])))


class Callable:
    def __call__(self, x):
        return x


class TestAtTheDoor:
    X = np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32)

    @pytest.mark.parametrize(
        ("model", "x", "code"),
        [
            (lambda: stack(layers.Dense(5), shape=(5,)), X[:1], "one_row"),
            (lambda: stack(layers.Dense(5), shape=(5,)), X[:1].repeat(2, axis=0), "one_row"),
            (Callable, X, None),
            (lambda: stack(layers.Dense(1), shape=(4, 8, 8, 1)), np.random.default_rng(0).random((9, 4, 8, 8, 1)), None),
            (side_by_side, X, "cannot_run"),
            (
                lambda: stack(layers.Embedding(9, 4), layers.Dense(9, "softmax"), shape=(5,)),
                np.arange(50).reshape(10, 5) % 9,
                None,
            ),
        ],
    )
    def test_what_is_let_in(self, model, x, code):
        found = ae.diagnose(model(), x)
        assert code is None or code in severities(found)
        assert (found.facts["raises"] != "") == (code == "cannot_run")
        assert not [text for text in found.unmeasured if "failed" in text]
