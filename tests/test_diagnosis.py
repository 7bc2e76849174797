"""The diagnosis: patients made by hand, without training, so that what is wrong with them is known for sure."""

import pathlib
import re

import aehelpers as ae
import keras
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import tensorflow as tf
from aehelpers import _facts, _findings, _trace
from keras import layers
from PIL import Image

ROOT = pathlib.Path(__file__).parent.parent


def codes(diagnosis):
    return [finding.code for finding in diagnosis.findings]


def severities(diagnosis):
    return {finding.code: finding.severity for finding in diagnosis.findings}


@pytest.fixture(scope="module")
def small(digits_8x8):
    """300 images of 64 pixels."""
    return digits_8x8.reshape(len(digits_8x8), -1)


def projection(x, size, output=None):
    """A linear autoencoder that is PCA: nothing is wrong with it."""
    mean, components = x.mean(axis=0), np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][:size]
    model = keras.Sequential([keras.Input((x.shape[1],)), layers.Dense(size, name="code"), layers.Dense(x.shape[1], output)])
    model.layers[0].set_weights([components.T, -components @ mean])
    model.layers[1].set_weights([components, mean])
    return model


class TestFindings:
    def test_nothing_is_wrong_with_pca(self, small):
        diagnosis = ae.diagnose(projection(small[:200], 8), small[:200], small[200:])
        assert diagnosis.findings == [] and "Nothing found." in repr(diagnosis)
        errors = diagnosis.ladder["squared error"]
        assert errors["the model"] == pytest.approx(errors["PCA-8"], rel=1e-3)
        # By hand: the variance that is left outside the first eight directions of the training images.
        mean = small[:200].mean(axis=0)
        components = np.linalg.svd(small[:200] - mean, full_matrices=False)[2][:8]
        left = (small[200:] - mean) @ (np.eye(64) - components.T @ components)
        assert errors["PCA-8"] == pytest.approx(np.square(left).mean(), rel=1e-3)
        assert errors["mean image"] == pytest.approx(np.square(small[200:] - mean).mean(), rel=1e-5)

    def test_a_model_that_raises(self, small):
        classifier = keras.Sequential([keras.Input((64,)), layers.Dense(10)])
        diagnosis = ae.diagnose(classifier, small)
        assert codes(diagnosis) == ["cannot_run"] and "(10,)" in diagnosis.findings[0].sentence
        assert len(diagnosis.ladder) == 0 and diagnosis._repr_html_().count("ae-finding") == 1
        with pytest.raises(ValueError, match="no figure"):
            diagnosis.figure()
        assert codes(ae.diagnose(keras.Sequential([keras.Input((65,)), layers.Dense(65)]), small)) == ["cannot_run"]

    def test_sentences_for_what_does_not_fit(self, small):
        takes = ae.diagnose(projection(small, 8), small.reshape(-1, 8, 8)).findings[0].sentence
        assert "it takes images of shape (64,), and these have the shape (8, 8)" in takes
        inputs = keras.Input((64,))
        two = keras.Model(inputs, [layers.Dense(64)(inputs), layers.Dense(2)(inputs)])
        assert "it gives 2 arrays" in ae.diagnose(two, small).findings[0].sentence

    def test_a_cross_entropy_of_images_that_it_does_not_suit(self, small):
        assert codes(ae.diagnose(projection(small, 8, "sigmoid"), 255 * small, loss="bce")) == ["input_scale"]

    def test_few_images_say_nothing_of_pca(self, small):
        assert ae.diagnose(projection(small[:20], 16), small[:20]).facts["pca_error"] is None

    def test_not_finite(self, small):
        model = projection(small, 8)
        model.layers[1].bias.assign(np.full(64, np.nan, np.float32))
        (finding,) = ae.diagnose(model, small).findings
        assert finding.code == "not_finite" and model.layers[1].bias.path in finding.sentence

    def test_scale_of_the_input(self, small):
        model = projection(small, 8, "sigmoid")
        (finding,) = ae.diagnose(model, 255 * small).findings
        assert finding.code == "input_scale" and "0 to 255" in finding.sentence

    @pytest.mark.parametrize("output", ["tanh", "linear"])
    def test_a_negative_scale_that_the_output_reaches_is_no_fault(self, small, output):
        x = 2 * small - 1 if output == "tanh" else (small - small.mean()) / small.std()
        assert "input_scale" not in codes(ae.diagnose(projection(x, 8, output), x))

    def test_a_dead_code_explains_the_rest(self, small):
        model = keras.Sequential([keras.Input((64,)), layers.Dense(2, "relu"), layers.Dense(64, "sigmoid")])
        model.layers[0].set_weights([np.zeros((64, 2)) - 0.1, np.full(2, -1.0)])
        diagnosis = ae.diagnose(model, small)
        assert codes(diagnosis) == ["dead_code"]
        assert diagnosis.findings[0].evidence["constant_units"] == 2
        assert model.layers[0].kernel.path in diagnosis.facts["zero_gradient"]

    def test_kernels_of_zeros(self, small):
        model = keras.Sequential([keras.Input((64,)), layers.Dense(8, "relu"), layers.Dense(64)])
        model.set_weights([0 * weight for weight in model.get_weights()])
        assert codes(ae.diagnose(model, small)) == ["zero_gradient"]

    def test_no_gradient(self, small):
        model = projection(small, 16)
        rounded = keras.Sequential([*model.layers[:1], layers.Activation(tf.round), *model.layers[1:]])
        found = ae.diagnose(rounded, small)
        assert "no_gradient" in codes(found) and model.layers[0].kernel.path in found.findings[0].sentence

    def test_what_never_moved(self, small):
        model = projection(small, 8)
        assert severities(ae.diagnose(model, small, before=model.get_weights())) == {"never_moved": "broken"}
        before = model.get_weights()
        before[2] = before[2] + 1
        assert severities(ae.diagnose(model, small, before=before)) == {"never_moved": "weak"}

    def test_logits(self, small):
        inside = np.clip(small, 0.01, 0.99)
        model = keras.Sequential([keras.Input((64,)), layers.Dense(64), layers.Dense(64)])
        eye = [np.eye(64), np.zeros(64)]
        model.set_weights([*eye, *eye])
        logit = keras.Sequential([model, layers.Activation(lambda y: 8 * (y - 0.5))])
        found = ae.diagnose(logit, inside)
        assert severities(found)["output_is_logits"] == "broken"
        told = ae.diagnose(logit, inside, loss=keras.losses.BinaryCrossentropy(from_logits=True))
        assert severities(told)["output_is_logits"] == "note"
        assert found.facts["error"] == pytest.approx(ae.mse(inside, 1 / (1 + np.exp(-8 * (inside - 0.5)))), rel=1e-4)

    @pytest.mark.parametrize("as_layer", [True, False])
    def test_two_sigmoids(self, small, as_layer):
        second = layers.Activation("sigmoid") if as_layer else layers.Activation(lambda y: tf.sigmoid(y))
        found = ae.diagnose(keras.Sequential([projection(small, 8, "sigmoid"), second]), small)
        assert codes(found)[0] == "squeezed_output" and "0.5 to 0.731" in found.findings[0].sentence

    def test_softmax(self, small):
        (finding,) = ae.diagnose(projection(small, 8, "softmax"), small).findings
        assert finding.code == "squeezed_output" and "add up to 1" in finding.sentence

    def test_below_pca(self, small):
        model = projection(small, 16)
        kernel, bias = model.layers[1].get_weights()
        model.layers[1].set_weights([0.3 * kernel, bias])
        assert codes(ae.diagnose(model, small))[0] == "below_pca"

    def test_undertrained(self, small):
        """Of 32 units, only those of the four coarsest components do anything."""
        model = projection(small, 32)
        kernel, bias = model.layers[1].get_weights()
        model.layers[1].set_weights([kernel * (np.arange(32) < 4)[:, None], bias])
        diagnosis = ae.diagnose(model, small)
        assert codes(diagnosis) == ["undertrained"]
        assert diagnosis.findings[0].evidence["components_matched"] == 4

    def test_overfitted(self, small):
        """Twenty images are known by heart: whatever comes, the nearest of them comes out."""
        known = small[:20]

        class Memory(keras.Model):
            def __init__(self):
                super().__init__()
                self.code, self.image = layers.Dense(20, name="code"), layers.Dense(64)

            def call(self, x):
                return self.image(tf.nn.softmax(200 * self.code(x)))

        model = Memory()
        model(known)
        model.code.set_weights([known.T, -np.square(known).sum(axis=1) / 2])
        model.image.set_weights([known, np.zeros(64)])
        diagnosis = ae.diagnose(model, known, small[20:])
        assert "overfitted" in codes(diagnosis)
        assert "overfitted" not in codes(ae.diagnose(model, known))

    def test_a_copy(self, small):
        diagnosis = ae.diagnose(projection(small, 64), small)
        assert codes(diagnosis) == ["copies_anything"]

    def test_unsettled_batch_normalization(self, small):
        model = projection(small, 16)
        whole = keras.Sequential([keras.Input((64,)), model.layers[0], layers.BatchNormalization(), model.layers[1]])
        kernel, bias = model.layers[1].get_weights()
        spread = (small @ model.layers[0].get_weights()[0]).std(axis=0)
        model.layers[1].set_weights([kernel * spread[:, None], bias])
        whole.layers[1].moving_variance.assign(9 * spread**2)  # what training mode divides by is a third of it
        found = ae.diagnose(whole, small)
        assert codes(found)[0] == "train_mode_differs" and found.facts["batch_normalization"]

    def test_a_note_on_dropout(self, small):
        whole = keras.Sequential([keras.Input((64,)), layers.Dropout(0.5), projection(small, 8)])
        assert severities(ae.diagnose(whole, small)) == {"train_mode_differs": "note"}

    def test_a_silent_variational_code(self, small):
        keras.utils.set_random_seed(0)
        model = ae.variational_autoencoder(hidden=(16,), code_size=4, input_size=64, kl_weight=64)
        for layer in model.encoder_with_variance.layers[-2:]:
            layer.set_weights([0 * weight for weight in layer.get_weights()])
        for layer in model.decoder.layers:
            layer.set_weights([0 * weight for weight in layer.get_weights()])
        found = ae.diagnose(model, small)
        assert (
            found.facts["variational"] and found.facts["silent_units"] == 4 and found.facts["kl"] == pytest.approx(0, abs=1e-6)
        )
        assert "kl_collapse" in codes(found) or "zero_gradient" in codes(found)

    def test_whispering(self, small):
        model = projection(small, 16)
        (encode, first), (decode, last) = (layer.get_weights() for layer in model.layers)
        model.layers[0].set_weights([encode / 100, first / 100])
        model.layers[1].set_weights([decode * 100, last])
        assert codes(ae.diagnose(model, small)) == ["whispering"]

    @pytest.mark.parametrize("turn", ["inverted", "mirrored", "transposed"])
    def test_another_target(self, digits_8x8, turn):
        x = digits_8x8[..., None]
        small = x.reshape(-1, 64)
        made = {"inverted": 1 - x, "mirrored": x[:, :, ::-1], "transposed": np.swapaxes(x, 1, 2)}[turn]
        model = projection(small, 16)
        turned = made.reshape(-1, 64)
        matrix = np.linalg.lstsq(np.c_[small @ model.layers[0].get_weights()[0], np.ones(len(small))], turned, rcond=None)[0]
        first = model.layers[0].get_weights()
        model.layers[0].set_weights([first[0], np.zeros(16)])
        model.layers[1].set_weights([matrix[:-1], matrix[-1]])
        found = ae.diagnose(model, small)
        assert codes(found)[0] == "wrong_target" and found.facts["turned"] == turn

    def test_targets_in_another_order(self, small):
        found = ae.diagnose(projection(small, 16), small, target=np.roll(small, 1, axis=0))
        assert codes(found) == ["wrong_target"] and "other images" in found.findings[0].sentence


class TestModelStaysAsItWas:
    def test_weights_states_and_keras(self, small):
        keras.utils.set_random_seed(1)
        parts = [layers.GaussianNoise(0.1), layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(64)]
        model = keras.Sequential([keras.Input((64,)), *parts])
        call = keras.Layer.__call__
        before = [variable.numpy() for variable in model.variables]
        ae.diagnose(model, small)
        assert all(np.array_equal(old, new) for old, new in zip(before, model.variables, strict=True))
        assert keras.Layer.__call__ is call and not model.compiled

    def test_also_when_the_model_raises(self, small):
        class Raises(keras.Model):
            def call(self, x):
                raise RuntimeError("not today")

        call = keras.Layer.__call__
        (finding,) = ae.diagnose(Raises(), small).findings
        assert finding.code == "cannot_run" and "not today" in finding.sentence and keras.Layer.__call__ is call


class Drawing(layers.Layer):
    def call(self, inputs):
        mean, log_variance = inputs
        return mean + tf.exp(log_variance / 2) * keras.random.normal(tf.shape(mean))


class WithItsOwnCall(keras.Model):
    """Two heads and a draw in the model's own call, with the logarithm of the standard deviation."""

    def __init__(self):
        super().__init__()
        self.first, self.mean, self.spread = layers.Dense(16, "relu"), layers.Dense(3, name="mean"), layers.Dense(3)
        self.last = layers.Dense(64)

    def call(self, x, training=False):
        code, spread = self.mean(self.first(x)), self.spread(self.first(x))
        return self.last(code + tf.exp(spread) * tf.random.normal(tf.shape(code)) if training else code)


def name_of(model, place):
    return next(layer.name for layer in model._flatten_layers() if id(layer) == place.layer)


class TestTheCodeIsFound:
    def test_in_a_sequential_model_it_is_the_last_of_its_size(self, small):
        parts = [
            layers.Dense(16),
            layers.Dense(4),
            layers.BatchNormalization(),
            layers.LeakyReLU(name="here"),
            layers.Dense(16),
        ]
        model = keras.Sequential([keras.Input((64,)), *parts, layers.Dense(64)])
        assert name_of(model, _trace.find_code(model, small)) == "here"

    def test_in_convolutions(self, digits_8x8):
        narrow = layers.Conv2D(2, 3, strides=2, padding="same", name="here")
        parts = [
            layers.Conv2D(8, 3, strides=2, padding="same"),
            narrow,
            layers.Conv2DTranspose(8, 3, strides=4, padding="same"),
        ]
        model = keras.Sequential([keras.Input((8, 8, 1)), *parts, layers.Conv2D(1, 3, padding="same")])
        assert name_of(model, _trace.find_code(model, digits_8x8[..., None])) == "here"

    def test_a_way_around_is_no_code(self, small):
        inputs = keras.Input((64,))
        features = layers.Dense(32, "relu", name="here")(inputs)
        narrow = layers.Dense(2)(features)
        both = layers.Concatenate()([features, narrow])
        model = keras.Model(inputs, layers.Dense(64)(both))
        assert name_of(model, _trace.find_code(model, small)) == "here"

    def test_by_its_name(self, small):
        model = keras.Sequential([keras.Input((64,)), layers.Dense(4), layers.Dense(16, name="mine"), layers.Dense(64)])
        assert ae.diagnose(model, small, code="mine").facts["code_size"] == 16
        assert ae.diagnose(model, small).facts["code_size"] == 4
        with pytest.raises(ValueError, match=r"^code must be the name of a layer, one of .*mine"):
            ae.diagnose(model, small, code="other")

    def test_none_in_a_single_layer(self, small):
        assert _trace.find_code(keras.Sequential([keras.Input((64,)), layers.Dense(64)]), small) is None

    def test_a_layer_that_draws(self, small):
        inputs = keras.Input((64,))
        mean, log_variance = layers.Dense(3, name="mean")(inputs), layers.Dense(3)(inputs)
        model = keras.Model(inputs, layers.Dense(64)(Drawing()([mean, log_variance])))
        found = _trace.find_distribution(model, small)
        assert found.form == "log-variance" and not found.split

    def test_a_draw_in_the_models_own_call(self, small):
        keras.utils.set_random_seed(0)
        model = WithItsOwnCall()
        model(small[:1])
        assert _trace.find_distribution(model, small).form == "log of the standard deviation"

    def test_dropout_is_no_draw(self, small):
        model = keras.Sequential([keras.Input((64,)), layers.Dense(8), layers.Dropout(0.5), layers.Dense(64)])
        assert _trace.find_distribution(model, small) is None


class TestReach:
    """The values that the last layers can give, by hand."""

    @pytest.mark.parametrize(
        ("after", "low", "high"),
        [
            ([layers.Dense(4, "sigmoid")], 0, 1),
            ([layers.Dense(4), layers.ReLU(), layers.Reshape((2, 2))], 0, np.inf),
            ([layers.Dense(4, "sigmoid"), layers.Activation("sigmoid")], 0.5, 1 / (1 + np.exp(-1))),
            ([layers.Dense(4, "tanh"), layers.Rescaling(0.5, 0.5)], 0, 1),
            ([layers.Dense(4, "relu"), layers.Activation("sigmoid")], 0.5, 1),
        ],
    )
    def test_of_the_last_layers(self, after, low, high):
        model = keras.Sequential([keras.Input((4,)), *after])
        x = np.zeros((2, 4), np.float32)
        output, calls = _trace.trace(model, x)
        assert _facts._reachable(calls, float(np.min(output)), float(np.max(output))) == pytest.approx((low, high), abs=1e-4)


class TestHowItShows:
    def test_every_reading_is_a_heading(self):
        """A finding sends its reader to a notebook and a heading in it."""
        for notebook, heading in _findings.READ.values():
            path = ROOT / "notebooks" / notebook
            lines = [
                line
                for cell in nbformat.read(path, as_version=4).cells
                if cell.cell_type == "markdown"
                for line in cell.source.splitlines()
            ]
            headings = [re.sub(r" \(\d+ minutes?\)$", "", line.lstrip("# ")) for line in lines if line.startswith("#")]
            assert heading in headings, f"{notebook}: {heading}"

    def test_what_explains_and_what_is_explained_are_findings(self):
        named = {code for cause, others in _findings.EXPLAINS.items() for code in (cause, *others)}
        assert named <= set(_findings.READ)

    def test_worst_first_in_text_and_html(self, small):
        model = projection(small, 64)
        broken = keras.Sequential([model, layers.Activation(lambda y: 8 * (y - 0.5))])
        diagnosis = ae.diagnose(broken, np.clip(small, 0.01, 0.99))
        order = [_findings.SEVERITIES.index(finding.severity) for finding in diagnosis.findings]
        assert order == sorted(order) and diagnosis.findings[0].code == "output_is_logits"
        text, page = repr(diagnosis), diagnosis._repr_html_()
        for finding in diagnosis.findings:
            assert finding.code in text and f"<code>{finding.code}</code>" in page
            assert set(finding.evidence) <= set(diagnosis.facts) and finding.read[0] in page
        assert "mean image" in text and "mean image" in page

    def test_figure(self, small):
        figure = ae.diagnose(projection(small, 8), small[:200], small[200:]).figure()
        best, worst, ladder, code = figure.axes
        assert best.images and worst.images
        assert [bar.get_width() for bar in ladder.patches][-1] > ladder.patches[1].get_width()
        assert len(code.patches) == 8

    def test_of_pictures_in_colour_and_of_no_pictures(self, small):
        colour = np.repeat(small[:50, :48].reshape(50, 4, 4, 3), 1, axis=0)
        model = keras.Sequential(
            [keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(4), layers.Dense(48), layers.Reshape((4, 4, 3))]
        )
        assert ae.diagnose(model, colour).figure().axes[0].images
        strip = keras.Sequential([keras.Input((48,)), layers.Dense(4), layers.Dense(48)])
        assert not ae.diagnose(strip, small[:50, :48]).figure().axes[0].images


class TestNotebook:
    """The cell of notebook 09 for a reader's own model, with files as a reader has them."""

    @pytest.fixture
    def cell(self):
        path = ROOT / "notebooks" / "09_why_does_my_autoencoder_do_that.ipynb"
        (found,) = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.id == "own-model"]
        return found

    @pytest.mark.parametrize("kind", ["arrays", "pictures"])
    def test_a_readers_own_files(self, cell, kind, tmp_path, digits, monkeypatch):
        model = projection(digits, 8)
        model.save(tmp_path / "model.keras")
        images = tmp_path / "images.npz"
        if kind == "arrays":
            np.savez(images, x=digits)
        else:
            images = tmp_path / "pictures"
            images.mkdir()
            for number, picture in enumerate(digits[:40].reshape(-1, 28, 28)):
                Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(images / f"{number:03d}.png")
        shown = []
        source = cell.replace("= None, None", f"= {str(tmp_path / 'model.keras')!r}, {str(images)!r}", 1)
        names = {"ae": ae, "keras": keras, "np": np, "pathlib": pathlib, "plt": plt, "display": shown.append}
        exec(compile(source, "own-model", "exec"), names)
        (diagnosis,) = shown
        assert diagnosis.facts["code_size"] == 8 and diagnosis.ladder.loc["the model", "squared error"] < 0.06

    def test_it_waits_for_them(self, cell):
        exec(compile(cell, "own-model", "exec"), {"np": np, "plt": plt, "pathlib": pathlib})


class TestArguments:
    def test_targets_come_as_the_images_do(self, small):
        model = projection(small, 8)
        with pytest.raises(ValueError, match=r"^target must be a pair"):
            ae.diagnose(model, small, small, target=small)
        with pytest.raises(ValueError, match=r"^target must be one array"):
            ae.diagnose(model, small, target=(small, small))
        with pytest.raises(ValueError, match=r"^target must have a row for each of the 300"):
            ae.diagnose(model, small, target=small[:10])
        with pytest.raises(ValueError, match=r"^x_test must hold images of shape \(64,\)"):
            ae.diagnose(model, small, small[:, :32])

    def test_images_of_two_scales_or_all_the_same(self, small):
        with pytest.raises(
            ValueError, match=r"^x_test must have the range of x_train, .* to 1, but its values go from 0 to 255"
        ):
            ae.diagnose(projection(small, 8), small, 255 * small)
        with pytest.raises(ValueError, match=r"^x_train must hold images that differ"):
            ae.diagnose(projection(small, 8), np.ones((5, 64)))

    def test_weights_of_another_model(self, small):
        with pytest.raises(ValueError, match=r"^before must be an earlier model.get_weights\(\)"):
            ae.diagnose(projection(small, 8), small, before=projection(small, 4).get_weights())

    def test_a_denoiser_is_measured_on_its_targets(self, small):
        noisy = ae.gaussian_noise(small, 0.1, 0)
        diagnosis = ae.diagnose(projection(small, 16), noisy[:200], noisy[200:], target=(small[:200], small[200:]))
        made = ae.predict(projection(small, 16), noisy[200:])
        assert diagnosis.facts["error"] == pytest.approx(ae.mse(small[200:], made), rel=1e-3)
