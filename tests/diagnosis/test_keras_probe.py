"""Keras models of every form: what is seen of them, and that they are afterwards as they were."""

import random
import threading

import aehelpers as ae
import keras
import numpy as np
import pytest
import tensorflow as tf
from aehelpers.diagnosis.probes import probe_of, states
from keras import layers

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # NumPy's, of the arrays of Keras's variables
X = np.random.default_rng(0).random((80, 12)).astype(np.float32)
STEPS = np.random.default_rng(1).normal(size=(24, 4, 2)).astype(np.float32)


def codes(diagnosis):
    return [finding.code for finding in diagnosis.findings]


class Own(keras.Model):
    """A subclass with a call of its own."""

    def __init__(self):
        super().__init__()
        self.narrow, self.wide = layers.Dense(3, "tanh", name="narrow"), layers.Dense(12, name="wide")

    def call(self, x):
        return self.wide(self.narrow(x))


class Halves(keras.Model):
    """An encoder and a decoder, and no call, as in Keras's own example of a variational autoencoder."""

    def __init__(self):
        super().__init__()
        rows = keras.Input((12,))
        self.encoder = keras.Model(rows, [layers.Dense(3, name="mean")(rows), layers.Dense(3, name="spread")(rows)])
        self.decoder = keras.Sequential([keras.Input((3,)), layers.Dense(12)])


def sequential():
    return keras.Sequential([keras.Input((12,)), layers.Dense(3, "tanh", name="narrow"), layers.Dense(12)])


def functional():
    rows = keras.Input((12,))
    return keras.Model(rows, layers.Dense(12)(layers.Dense(3, "tanh", name="narrow")(rows)))


class TestForms:
    @pytest.mark.parametrize("make", [sequential, functional, Own])
    def test_the_same_is_seen_of_every_form(self, make):
        model = make()
        model(X[:1])
        model.set_weights([np.full(w.shape, 0.1, np.float32) for w in model.get_weights()])
        facts = ae.diagnose(model, X).facts
        assert (facts["code_size"], facts["code_layer"], facts["code_activation"]) == (3, "narrow", "tanh")
        assert facts["error"] == pytest.approx(ae.mse(X, np.asarray(model(X))), rel=1e-4)
        assert "narrow/kernel" in facts["with_gradient"] and len(facts["with_gradient"]) == 2

    def test_without_call_the_decoder_gets_the_mean_and_in_training_a_draw(self):
        keras.utils.set_random_seed(0)
        diagnosis = ae.diagnose(Halves(), X)
        model, facts = diagnosis._examined.probe.model, diagnosis.facts
        made = model.decoder(model.encoder(X)[0])
        assert facts["error"] == pytest.approx(ae.mse(X, np.asarray(made)), rel=1e-4)
        assert facts["variational"] and facts["random_in_training"] and facts["code_size"] == 3
        assert facts["without_gradient"] == [] and "no_gradient" not in codes(diagnosis)

    @pytest.mark.parametrize("form", [list, tuple, lambda parts: dict(zip("abc", parts, strict=True))])
    def test_of_several_outputs_the_one_of_that_shape_is_examined(self, form):
        rows = keras.Input((12,))
        code = layers.Dense(3, name="narrow")(rows)
        rebuilt, classes = layers.Dense(12)(code), layers.Dense(4)(code)
        facts = ae.diagnose(keras.Model(rows, form((code, rebuilt, classes))), X).facts
        made = np.asarray(keras.Model(rows, rebuilt)(X))
        assert facts["raises"] == "" and facts["error"] == pytest.approx(ae.mse(X, made), rel=1e-4)
        assert facts["code_size"] == 3 and len(facts["with_gradient"]) == 2 and facts["without_gradient"] == []

    @pytest.mark.parametrize("form", ["tuple", "dict"])
    def test_two_inputs(self, form):
        rows, label = keras.Input((12,), name="rows"), keras.Input((4,), name="label")
        code = layers.Dense(3, name="narrow")(rows)
        rebuilt = layers.Dense(12)(layers.Concatenate()([code, label]))
        inputs = [rows, label] if form == "tuple" else {"rows": rows, "label": label}
        model, labels = keras.Model(inputs, rebuilt), np.eye(4, dtype=np.float32)[np.arange(80) % 4]
        both = (X, labels) if form == "tuple" else {"rows": X, "label": labels}
        facts = ae.diagnose(model, both).facts
        assert facts["raises"] == "" and facts["error"] == pytest.approx(ae.mse(X, np.asarray(model(both))), rel=1e-4)
        assert len(facts["with_gradient"]) == 2
        assert "hand them over together" in ae.diagnose(model, X).findings[0].remedy

    def test_tokens_come_back_one_hot(self):
        x = np.arange(300).reshape(60, 5) % 9
        model = keras.Sequential([keras.Input((5,)), layers.Embedding(9, 4), layers.Dense(9, "softmax")])
        diagnosis = ae.diagnose(model, x, loss="sparse_categorical_crossentropy")
        assert diagnosis.facts["kind"] == "tokens" and diagnosis.facts["loss_raises"] == ""
        assert diagnosis.facts["error"] == pytest.approx(ae.mse(np.eye(9)[x], np.asarray(model(x))), rel=1e-4)
        assert diagnosis.facts["loss_of_target"] == pytest.approx(0, abs=1e-3)
        assert diagnosis.unmeasured == [] and len(diagnosis.facts["with_gradient"]) == 2

    @pytest.mark.parametrize(
        ("kind", "size"),
        [
            (layers.LSTM, 5),
            (layers.GRU, 5),
            (layers.SimpleRNN, 5),
            (lambda n, **o: layers.Bidirectional(layers.LSTM(n, **o)), 10),
        ],
    )
    def test_a_recurrent_code_is_what_comes_before_its_repetition(self, kind, size):
        decoder = layers.GRU(5, return_sequences=True) if size == 5 else layers.Conv1D(5, 1)
        after = [layers.RepeatVector(4), decoder, layers.Dense(2)]
        model = keras.Sequential([keras.Input((4, 2)), kind(5, name="narrow") if size == 5 else kind(5), *after])
        facts = ae.diagnose(model, STEPS).facts
        assert facts["code_size"] == size and facts["code_layer"] == model.layers[0].name
        assert facts["code_is_recurrent"] and facts["kind"] == "series"
        assert not any("_cell" in name for name in facts["with_gradient"])
        assert facts["error"] == pytest.approx(ae.mse(STEPS, np.asarray(model(STEPS))), rel=1e-3)

    def test_a_convolution_over_steps(self):
        options = {"padding": "same", "strides": 2}
        narrow = [layers.Conv1D(4, 3, activation="relu", **options), layers.Conv1D(1, 1, name="narrow")]
        model = keras.Sequential([keras.Input((4, 2)), *narrow, layers.Conv1DTranspose(4, 3, **options), layers.Conv1D(2, 1)])
        facts = ae.diagnose(model, STEPS).facts
        assert (facts["code_size"], facts["code_units"], facts["code_layer"]) == (2, 1, "narrow")
        assert facts["code_is_map"] and facts["dead_by_layer"][model.layers[0].name][1] == 4

    def test_half_precision(self):
        half = keras.DTypePolicy("mixed_float16")
        model = keras.Sequential([keras.Input((12,)), layers.Dense(3, dtype=half), layers.Dense(12, dtype=half)])
        # A loss of one's own cannot take a difference of float32 and float16, and gets float32.
        diagnosis = ae.diagnose(model, X, loss=lambda target, made: tf.reduce_mean(tf.square(target - made)))
        assert diagnosis.unmeasured == [] and diagnosis.facts["stuck"] == []
        assert diagnosis.facts["error"] == pytest.approx(ae.mse(X, np.asarray(model(X), np.float32)), rel=1e-2)


class TestNames:
    def test_layers_of_one_name_in_encoder_and_decoder_are_two(self):
        model = ae.autoencoder(input_size=12, hidden=(5,), code_size=3)
        diagnosis = ae.diagnose(model, X)
        kernels = ["encoder/hidden_1/kernel", "code/kernel", "decoder/hidden_1/kernel", "output/kernel"]
        assert diagnosis.unmeasured == [] and diagnosis.facts["with_gradient"] == kernels
        still = ae.diagnose(model, X, before=model.get_weights())
        assert still.facts["never_moved"] == kernels and len(probe_of(model, (12,)).weights()) == 8

    def test_layers_of_one_path_are_numbered(self):
        class Twice(keras.Model):
            def __init__(self):
                super().__init__(name="twice")
                self.first, self.second = layers.Dense(3, name="same"), layers.Dense(12, name="same")

            def call(self, x):
                return self.second(self.first(x))

        model = Twice()
        model(X[:2])
        assert list(probe_of(model, (12,)).weights()) == [
            *("twice/same/kernel", "twice/same/bias", "twice/same/kernel (2)", "twice/same/bias (2)")
        ]


@pytest.mark.parametrize("number", range(1, 8))
def test_all_is_measured_of_the_patients_of_notebook_09(number):
    images = ae.load("mnist").x_test[:200]
    assert ae.diagnose(ae.stored_models("patients")[number], images).unmeasured == []


PRIVATE = [
    ("keras.src.backend.common", "global_state"),
    ("keras.src.random.seed_generator", "GLOBAL_SEED_GENERATOR"),
    ("tensorflow.python.eager", "context"),
    ("tensorflow.python.ops", "stateful_random_ops"),
]


class TestListening:
    def test_private_names_of_keras_are_as_they_were(self):
        """If this fails, Keras has changed what `KerasProbe` and `trace` rest on, and all that they see is in doubt."""
        model = sequential()
        assert [layer for layer in model._flatten_layers(include_self=False) if layer.weights] == model.layers
        assert list(model.layers[0]._flatten_layers(include_self=False, recursive=False)) == []
        called, original = [], keras.Layer.__call__
        try:
            keras.Layer.__call__ = lambda layer, *args, **kwargs: called.append(layer) or original(layer, *args, **kwargs)
            model(X[:2])
        finally:
            keras.Layer.__call__ = original
        assert [layer for layer in called if layer in model.layers] == model.layers
        assert all(states._private(module, name) is not None for module, name in PRIVATE)

    def test_without_private_names_all_but_those_states_is_kept(self, monkeypatch):
        monkeypatch.setattr(states, "_private", lambda module, name: None)
        model = sequential()
        random.seed(3)
        wanted = random.Random(3).random()
        ae.diagnose(model, X)
        assert random.random() == wanted

    def test_a_private_name_that_is_gone_is_none(self):
        assert states._private("keras.src", "gone") is states._private("keras.gone", "anything") is None

    def test_calls_of_another_thread_are_not_noted(self):
        other, mine = layers.Dense(2, name="other"), sequential()

        class Slow(layers.Layer):
            def call(self, x):
                thread = threading.Thread(target=other, args=(X[:2],))
                thread.start()
                thread.join()
                return x

        model = keras.Sequential([mine.layers[0], Slow(name="slow"), mine.layers[1]])
        model(X[:2])
        names = [call.name for call in probe_of(model, (12,)).trace(X[:2])[1]]
        assert "slow" in names and "other" not in names and other.built

    def test_two_traces_at_one_time_leave_keras_as_it_was(self):
        original, found = keras.Layer.__call__, {}
        second, model = probe_of(sequential(), (12,)), sequential()
        thread = threading.Thread(target=lambda: found.update(calls=second.trace(X[:2])[1]))

        class Overlapping(layers.Layer):
            def call(self, x):
                if tf.is_tensor(x) and found.get("built"):
                    thread.start()
                    thread.join(0.3)  # it waits for its turn: until then it must not have looked at Keras
                return x

        model = keras.Sequential([model.layers[0], Overlapping(), model.layers[1]])
        found["built"] = model(X[:2]) is not None
        _, calls = probe_of(model, (12,)).trace(X[:2])
        thread.join()
        assert keras.Layer.__call__ is original
        assert [call.name for call in found["calls"] if call.leaf] == [layer.name for layer in second.model.layers]
        assert len([call for call in calls if call.leaf]) == 3

    def test_a_replaced_output_goes_on(self):
        probe = probe_of(sequential(), (12,))
        _, calls = probe.trace(X[:4])
        made, again = probe.trace(X[:4], place=calls[0].place, change=lambda values: 0 * values)
        assert not again[1].inputs[0].any() and np.ptp(made, axis=0).max() == 0


class Adversarial(Own):
    def __init__(self):
        super().__init__()
        self.discriminator = keras.Sequential([keras.Input((3,)), layers.Dense(5), layers.Dense(1)])
        self.pick = None

    def call(self, x):
        return self.wide(tf.stop_gradient(self.narrow(x)) if self.pick == "cut" else self.narrow(x))


class TestWhoGetsNoGradient:
    @pytest.mark.parametrize(("pick", "lost"), [(None, []), ("cut", ["narrow/kernel"])])
    def test_only_what_is_called_can_lack_one(self, pick, lost):
        model = Adversarial()
        model.pick = pick
        assert ae.diagnose(model, X).facts["without_gradient"] == lost


class TestUnregistered:
    def test_a_layer_outside_of_the_model_and_a_variable(self):
        outside = layers.Dense(3, name="outside")
        outside.build((None, 12))

        class Scaled(layers.Layer):
            def build(self, shape):
                self.scale = tf.Variable(tf.ones(shape[-1]), name="scale")

            def call(self, x):
                return x * self.scale

        model = keras.Sequential(
            [keras.Input((12,)), layers.Lambda(lambda x: outside(x)), Scaled(name="scaled"), layers.Dense(12)]
        )
        found = {finding.code: finding for finding in ae.diagnose(model, X).findings}
        assert found["unregistered_weights"].severity == "broken" and "`add_weight`" in found["unregistered_weights"].remedy
        assert "3 weights" in found["unregistered_weights"].sentence
        names = found["unregistered_weights"].evidence["unregistered"]
        assert sorted(names) == ["outside/bias", "outside/kernel", "scaled/scale"]
        outside.trainable = False  # features of another model, on purpose
        assert ae.diagnose(model, X).facts["unregistered"] == ["scaled/scale"]

    @pytest.mark.parametrize("make", [sequential, Own, Halves])
    def test_none(self, make):
        assert ae.diagnose(make(), X).facts["unregistered"] == []


class TestWhatCannotBeCalled:
    def test_neither_call_nor_halves(self):
        class Nothing(keras.Model):
            pass

        (finding,) = ae.diagnose(Nothing(), X).findings
        assert "the class Nothing has no method `call`, and no `encoder` and `decoder`" in finding.sentence

    def test_a_loss_that_needs_more_than_there_is(self):
        diagnosis = ae.diagnose(sequential(), X, loss=lambda x, made, mean, variance: mean)
        assert len(diagnosis.unmeasured) == 1 and diagnosis.unmeasured[0].startswith("the loss, because it takes x, made, mean")
        assert len(diagnosis.facts["with_gradient"]) == 2

    def test_a_loss_that_comes_first(self):
        class First(Own):
            def call(self, x):
                made = self.wide(self.narrow(x))
                return tf.reduce_mean(tf.square(made - x)), made

        diagnosis = ae.diagnose(First(), X)
        assert diagnosis.unmeasured == [] and diagnosis.facts["code_size"] == 3
        assert len(diagnosis.facts["with_gradient"]) == 2


class TestFrozen:
    def test_a_frozen_model_has_nothing_that_could_move(self):
        model = sequential()
        model.trainable = False
        diagnosis = ae.diagnose(model, X, before=model.get_weights())
        assert diagnosis.unmeasured == [] and diagnosis.facts["with_gradient"] == diagnosis.facts["stuck"] == []
        assert diagnosis.facts["never_moved"] == []

    def test_a_frozen_layer_need_not_move(self):
        model = sequential()
        before = model.get_weights()
        model.layers[1].set_weights([weight + 1 for weight in model.layers[1].get_weights()])
        model.layers[0].trainable = False
        facts = ae.diagnose(model, X, before=before).facts
        assert facts["never_moved"] == [] and len(facts["moved"]) == 1


class Fragile(keras.Model):
    def __init__(self):
        super().__init__()
        self.narrow, self.wide = layers.Dense(3), layers.Dense(12)

    def call(self, x, training=False):
        if training:
            raise RuntimeError("only for use")
        return self.wide(self.narrow(x))


def failing_loss(target, made):
    raise ArithmeticError("no such logarithm")


class TestModelStaysAsItWas:
    def test_bit_by_bit(self):
        keras.utils.set_random_seed(1)
        parts = [layers.GaussianNoise(0.1), layers.Dense(5), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(12)]
        model = keras.Sequential([keras.Input((12,)), *parts])
        model.compile(keras.optimizers.Adam(0.01), "mae", metrics=["mse"])
        model.fit(X, X, epochs=1, verbose=0)
        everything = [*model.variables, *model.optimizer.variables]
        before, optimizer, loss = [np.array(variable) for variable in everything], model.optimizer, model.loss
        diagnosis = ae.diagnose(model, X[:50], X[50:])
        assert diagnosis.facts["loss_name"] == "mean_absolute_error" and diagnosis.unmeasured == []
        after = [*model.variables, *model.optimizer.variables]
        assert len(after) == len(before)
        assert all(np.array_equal(old, np.array(new)) for old, new in zip(before, after, strict=True))
        assert model.compiled and model.optimizer is optimizer and model.loss == loss

    @pytest.mark.parametrize(
        "draw",
        [
            keras.random.normal,
            tf.random.normal,
            lambda shape: tf.random.get_global_generator().normal(shape),
            lambda shape: np.random.normal(size=shape).astype(np.float32),  # noqa: NPY002
            lambda shape: tf.reshape([random.random() for _ in range(int(np.prod(shape)))], shape),
        ],
        ids=["keras", "tensorflow", "a generator", "numpy", "python"],
    )
    @pytest.mark.parametrize("drawn_before", [0, 2])
    def test_random_states_without_a_seed_of_their_own(self, draw, drawn_before):
        class Noise(layers.Layer):
            def call(self, x, training=False):
                return x + 0.1 * draw((80, 3))[: len(x)] if training and not isinstance(x, keras.KerasTensor) else x

        model = keras.Sequential([keras.Input((12,)), layers.Dense(3), Noise(), layers.Dense(12)])
        draws = []
        for diagnosed in (False, True):
            keras.utils.set_random_seed(7)
            tf.random.set_global_generator(tf.random.Generator.from_seed(7))
            for _ in range(drawn_before):
                draw((80, 3))
            if diagnosed:
                assert ae.diagnose(model, X).facts["random_in_training"]
            draws.append([np.array(draw((80, 3))) for _ in range(3)])
        assert np.array_equal(*draws)

    def test_a_weight_that_a_layer_sets_itself(self):
        class Moving(layers.Layer):
            def build(self, shape):
                self.mean = self.add_weight(shape=(1, shape[-1]), name="mean")

            def call(self, x, training=False):
                if training:
                    self.mean.assign(0.9 * self.mean + 0.1 * tf.reduce_mean(x, axis=0, keepdims=True))
                return x - tf.stop_gradient(self.mean)

        model = keras.Sequential([keras.Input((12,)), layers.Dense(3), Moving(), layers.Dense(12)])
        before = model.get_weights()
        ae.diagnose(model, X)
        assert all(np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))

    def test_the_step_of_an_optimizer_is_taken_back(self, monkeypatch):
        model, seen = sequential(), []
        before, apply = model.get_weights(), keras.optimizers.Adam.apply_gradients

        def watching(optimizer, pairs):
            result = apply(optimizer, pairs)
            seen.extend(np.abs(new - old).max() for new, old in zip(model.get_weights(), before, strict=True))
            return result

        monkeypatch.setattr(keras.optimizers.Adam, "apply_gradients", watching)
        assert ae.diagnose(model, X).facts["stuck"] == []
        assert len(seen) == 4 and min(seen) == pytest.approx(1e-3, rel=0.1)
        assert all(np.array_equal(new, old) for new, old in zip(model.get_weights(), before, strict=True))

    def test_a_weight_that_no_step_moves(self, monkeypatch):
        model = sequential()
        stuck, apply = model.layers[0].kernel, keras.optimizers.Adam.apply_gradients
        monkeypatch.setattr(
            keras.optimizers.Adam,
            "apply_gradients",
            lambda self, pairs: apply(self, [(g, w) for g, w in pairs if w is not stuck]),
        )
        assert "the kernel of narrow" in {f.code: f.sentence for f in ae.diagnose(model, X).findings}["step_fails"]

    def test_a_model_that_fails_in_training_mode_is_examined_outside_it(self):
        diagnosis = ae.diagnose(Fragile(), X)
        assert "the model" in diagnosis.ladder.index and diagnosis.facts["noise_error"] is not None
        failed = [text for text in diagnosis.unmeasured if "only for use" in text]
        assert {text.split(",")[0] for text in failed} >= {"the gradients", "the training mode"}
        assert "Not measured: the gradients" in repr(diagnosis)

    def test_a_loss_that_fails_is_told_and_the_rest_is_measured(self):
        diagnosis = ae.diagnose(sequential(), X, loss=failing_loss)
        assert any("no such logarithm" in finding.sentence for finding in diagnosis.findings)
        assert [text for text in diagnosis.unmeasured if text.startswith("the gradients") and "no such logarithm" in text]
        assert diagnosis.facts["code_size"] == 3 and diagnosis.facts["random_in_training"] is False
        assert tf.executing_eagerly()
