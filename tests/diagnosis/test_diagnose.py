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
from aehelpers.diagnosis import places
from aehelpers.diagnosis.facts.reach import reachable
from aehelpers.diagnosis.probes import probe_of
from aehelpers.diagnosis.rules import RULES, SEVERITIES
from keras import layers
from PIL import Image

NOTEBOOKS = pathlib.Path(__file__).parents[2] / "notebooks"


def severities(diagnosis):
    """The codes of the findings in their order, each with its severity."""
    return {finding.code: finding.severity for finding in diagnosis.findings}


@pytest.fixture(scope="module")
def small(digits_8x8):
    """300 images of 64 pixels."""
    return digits_8x8.reshape(len(digits_8x8), -1)


def stack(*parts, shape=(64,)):
    return keras.Sequential([keras.Input(shape), *parts])


def projection(x, size, output=None, before=1, after=1):
    """A linear autoencoder that is PCA, with which nothing is wrong; factors for its code, and for the kernel that reads it."""
    mean, components = x.mean(axis=0), np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][:size]
    model = stack(layers.Dense(size, name="code"), layers.Dense(x.shape[1], output), shape=(x.shape[1],))
    model.set_weights([before * components.T, -before * components @ mean, after * components, mean])
    return model


def of_zeros():
    model = stack(layers.Dense(8, "relu"), layers.Dense(64))
    model.set_weights([0 * weight for weight in model.get_weights()])
    return model


def with_two_outputs():
    inputs = keras.Input((64,))
    return keras.Model(inputs, [layers.Dense(64)(inputs), layers.Dense(2)(inputs)])


def never_moved(x, layer=None):
    """A model, images, and its weights of before; but those of one layer have moved since."""
    model = projection(x, 8)
    before = model.get_weights()
    if layer is not None:
        before[layer] = before[layer] + 1
    return model, x, {"before": before}


# What is examined: model, images and arguments, made of the images; and what is found, first and in all.
PATIENTS = {
    "a classifier": (lambda x: (stack(layers.Dense(10)), x), {"cannot_run": "broken"}, "(10,)"),
    "one pixel more": (lambda x: (stack(layers.Dense(65), shape=(65,)), x), {"cannot_run": "broken"}, "(65,)"),
    "another shape": (
        lambda x: (projection(x, 8), x.reshape(-1, 8, 8)),
        {"cannot_run": "broken"},
        "it takes images of shape (64,), and these have the shape (8, 8)",
    ),
    "two outputs": (lambda x: (with_two_outputs(), x), {"constant_output": "broken"}, "but do not fit their images"),
    "bytes": (lambda x: (projection(x, 8, "sigmoid"), 255 * x), {"input_scale": "broken"}, "0 to 255"),
    "bytes and a cross entropy": (
        lambda x: (projection(x, 8, "sigmoid"), 255 * x, {"loss": "bce"}),
        {"input_scale": "broken"},
        "0 to 255",
    ),
    "kernels of zeros": (lambda x: (of_zeros(), x), {"zero_gradient": "broken"}, "exactly 0"),
    "nothing moved": (never_moved, {"never_moved": "broken"}, "No kernel has moved"),
    "one layer moved": (lambda x: never_moved(x, layer=2), {"never_moved": "weak"}, "1 of 2 kernels"),
    "two sigmoids": (
        lambda x: (stack(projection(x, 8, "sigmoid"), layers.Activation("sigmoid")), x),
        {"squeezed_output": "broken"},
        "0.5 to 0.731",
    ),
    "a sigmoid of its own": (
        lambda x: (stack(projection(x, 8, "sigmoid"), layers.Activation(lambda y: tf.sigmoid(y))), x),
        {"squeezed_output": "broken"},
        "0.5 to 0.731",
    ),
    "a softmax": (lambda x: (projection(x, 8, "softmax"), x), {"squeezed_output": "broken"}, "add up to 1"),
    "too faint": (lambda x: (projection(x, 16, after=0.3), x), {"below_pca": "weak"}, "With 16 numbers an image"),
    "four of 32 components": (
        lambda x: (projection(x, 32, after=(np.arange(32) < 4)[:, None]), x),
        {"undertrained": "weak"},
        "PCA with 4 of them",
    ),
    "a copy": (lambda x: (projection(x, 64), x), {"copies_anything": "weak"}, "reconstructs noise too"),
    "a soft code": (
        lambda x: (projection(x, 16, before=0.01, after=100), x),
        {"whispering": "note"},
        "large weights of the decoder",
    ),
    "dropout": (lambda x: (stack(layers.Dropout(0.5), projection(x, 8)), x), {"train_mode_differs": "note"}, "dropout on"),
    "another order": (
        lambda x: (projection(x, 16), x, {"target": np.roll(x, 1, axis=0)}),
        {"wrong_target": "broken"},
        "another image",
    ),
}


class TestFindings:
    @pytest.mark.parametrize("patient", PATIENTS)
    def test_what_is_found_and_said(self, small, patient):
        make, found, words = PATIENTS[patient]
        model, images, *options = make(small)
        diagnosis = ae.diagnose(model, images, **dict(*options))
        assert severities(diagnosis) == found and words in diagnosis.findings[0].sentence

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

    def test_few_images_say_nothing_of_pca(self, small):
        assert ae.diagnose(projection(small[:20], 16), small[:20]).facts["pca_error"] is None

    def test_not_finite(self, small):
        model = projection(small, 8)
        model.layers[1].bias.assign(np.full(64, np.nan, np.float32))
        (finding,) = ae.diagnose(model, small).findings
        assert finding.code == "not_finite" and f"the bias of {model.layers[1].name}" in finding.sentence

    @pytest.mark.parametrize("output", ["tanh", "linear"])
    def test_a_negative_scale_that_the_output_reaches_is_no_fault(self, small, output):
        x = 2 * small - 1 if output == "tanh" else (small - small.mean()) / small.std()
        assert "input_scale" not in severities(ae.diagnose(projection(x, 8, output), x))

    def test_a_dead_code_explains_the_rest(self, small):
        model = stack(layers.Dense(2, "relu"), layers.Dense(64, "sigmoid"))
        model.layers[0].set_weights([np.zeros((64, 2)) - 0.1, np.full(2, -1.0)])
        diagnosis = ae.diagnose(model, small)
        assert severities(diagnosis) == {"dead_code": "broken"}
        assert diagnosis.findings[0].evidence["constant_units"] == 2
        assert f"{model.layers[0].name}/kernel" in diagnosis.facts["zero_gradient"]

    def test_no_gradient(self, small):
        encoder, decoder = projection(small, 16).layers
        (finding, *_) = ae.diagnose(stack(encoder, layers.Activation(tf.round), decoder), small).findings
        assert finding.code == "no_gradient" and "the kernel of code" in finding.sentence

    def test_logits(self, small):
        inside = np.clip(small, 0.01, 0.99)
        logit = stack(layers.Dense(64), layers.Dense(64), layers.Activation(lambda y: 8 * (y - 0.5)))
        logit.set_weights([np.eye(64), np.zeros(64)] * 2)
        found = ae.diagnose(logit, inside)
        assert severities(found)["output_is_logits"] == "broken"
        told = ae.diagnose(logit, inside, loss=keras.losses.BinaryCrossentropy(from_logits=True))
        assert severities(told)["output_is_logits"] == "note"
        assert found.facts["error"] == pytest.approx(ae.mse(inside, 1 / (1 + np.exp(-8 * (inside - 0.5)))), rel=1e-4)

    def test_overfitted(self, small):
        """Twenty images are known by heart: whatever comes, the nearest of them comes out."""
        known = small[:20]
        model = stack(layers.Dense(20, name="code"), layers.Activation(lambda y: tf.nn.softmax(6 * y)), layers.Dense(64))
        model.set_weights([known.T, -np.square(known).sum(axis=1) / 2, known, np.zeros(64)])
        assert "overfitted" in severities(ae.diagnose(model, known, small[20:]))
        assert "overfitted" not in severities(ae.diagnose(model, known))

    def test_unsettled_batch_normalization(self, small):
        spread = (small @ projection(small, 16).get_weights()[0]).std(axis=0)
        encoder, decoder = projection(small, 16, after=spread[:, None]).layers
        model = stack(encoder, layers.BatchNormalization(), decoder)
        model.layers[1].moving_variance.assign(9 * spread**2)  # what training mode divides by is a third of it
        found = ae.diagnose(model, small)
        assert found.findings[0].code == "train_mode_differs" and found.facts["batch_normalization"]

    def test_a_silent_variational_code(self, small):
        keras.utils.set_random_seed(0)
        model = ae.variational_autoencoder(hidden=(16,), code_size=4, input_size=64, kl_weight=64)
        for layer in [*model.encoder_with_variance.layers[-2:], *model.decoder.layers]:
            layer.set_weights([0 * weight for weight in layer.get_weights()])
        found = ae.diagnose(model, small)
        assert severities(found) == {"kl_collapse": "broken"}
        assert found.facts["silent_units"] == 4 and found.facts["kl"] == pytest.approx(0, abs=1e-6)

    @pytest.mark.parametrize("turn", ["inverted", "mirrored", "transposed"])
    def test_another_target(self, digits_8x8, turn):
        x, flat = digits_8x8, digits_8x8.reshape(-1, 64)
        turned = {"inverted": 1 - x, "mirrored": x[:, :, ::-1], "transposed": np.swapaxes(x, 1, 2)}[turn].reshape(-1, 64)
        model = projection(flat, 16)
        encode = model.get_weights()[0]
        decode = np.linalg.lstsq(np.c_[flat @ encode, np.ones(len(x))], turned, rcond=None)[0]
        model.set_weights([encode, np.zeros(16), decode[:-1], decode[-1]])
        found = ae.diagnose(model, flat)
        assert found.findings[0].code == "wrong_target" and found.facts["turned"] == turn

    @pytest.mark.parametrize(("steps", "words"), [(1, "1 step later"), (-1, "1 step earlier"), (4, "4 steps later")])
    def test_a_series_that_comes_at_another_time(self, steps, words):
        rng = np.random.default_rng(0)
        x = np.sin(np.arange(40) * rng.uniform(0.3, 0.9, (300, 1)) + rng.uniform(0, 6, (300, 1))).astype(np.float32)
        (finding,) = ae.diagnose(lambda rows: np.roll(rows, steps, axis=1), x, kind="series").findings
        assert finding.code == "wrong_target" and f"when those are shifted by {words}" in finding.sentence


class TestModelStaysAsItWas:
    def test_weights_states_and_keras(self, small):
        keras.utils.set_random_seed(1)
        parts = [layers.GaussianNoise(0.1), layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(64)]
        model, call = stack(*parts), keras.Layer.__call__
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


def last_of_its_size():
    after = [layers.BatchNormalization(), layers.LeakyReLU(name="here"), layers.Dense(16), layers.Dense(64)]
    return stack(layers.Dense(16), layers.Dense(4), *after)


def of_convolutions():
    options = {"padding": "same", "strides": 2}
    narrow = [layers.Conv2D(8, 3, **options), layers.Conv2D(2, 3, **options, name="here")]
    return stack(*narrow, layers.Conv2DTranspose(8, 3, padding="same", strides=4), layers.Conv2D(1, 1), shape=(8, 8, 1))


def with_a_way_around():
    inputs = keras.Input((64,))
    features = layers.Dense(32, "relu", name="here")(inputs)
    return keras.Model(inputs, layers.Dense(64)(layers.Concatenate()([features, layers.Dense(2)(features)])))


class TestTheCodeIsFound:
    @pytest.mark.parametrize("make", [last_of_its_size, of_convolutions, with_a_way_around])
    def test_where_everything_passes(self, small, make):
        model = make()
        found = places.find_code(probe_of(model, model.output_shape[1:]), small.reshape(-1, *model.input_shape[1:]))
        assert next(layer.name for layer in model._flatten_layers() if id(layer) == found.key) == "here"

    def test_none_in_a_single_layer(self, small):
        assert places.find_code(probe_of(stack(layers.Dense(64)), (64,)), small) is None

    def test_by_its_name(self, small):
        model = stack(layers.Dense(4), layers.Dense(16, name="mine"), layers.Dense(64))
        assert ae.diagnose(model, small, code="mine").facts["code_size"] == 16
        assert ae.diagnose(model, small).facts["code_size"] == 4

    def test_a_layer_that_draws(self, small):
        inputs = keras.Input((64,))
        mean, log_variance = layers.Dense(3, name="mean")(inputs), layers.Dense(3)(inputs)
        model = keras.Model(inputs, layers.Dense(64)(Drawing()([mean, log_variance])))
        found = places.find_distribution(probe_of(model, (64,)), small)
        assert found.form == "log-variance" and not found.split

    def test_a_draw_in_the_models_own_call(self, small):
        keras.utils.set_random_seed(0)
        model = WithItsOwnCall()
        model(small[:1])
        assert places.find_distribution(probe_of(model, (64,)), small).form == "log of the standard deviation"

    def test_dropout_is_no_draw(self, small):
        assert (
            places.find_distribution(probe_of(stack(layers.Dense(8), layers.Dropout(0.5), layers.Dense(64)), (64,)), small)
            is None
        )


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
        model = stack(*after, shape=(4,))
        output, calls = probe_of(model, model.output_shape[1:]).trace(np.zeros((2, 4), np.float32))
        found = reachable(calls, float(np.min(output)), float(np.max(output)))
        assert found[:2] == pytest.approx((low, high), abs=1e-4)


class TestHowItShows:
    def test_every_reading_is_a_heading(self):
        """A finding sends its reader to a notebook and a heading in it."""
        for notebook, heading in [rule.read for rule in RULES.values()]:
            cells = nbformat.read(NOTEBOOKS / notebook, as_version=4).cells
            lines = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
            headings = [re.sub(r" \(\d+ minutes?\)$", "", line.lstrip("# ")) for line in lines if line.startswith("#")]
            assert heading in headings, f"{notebook}: {heading}"

    def test_worst_first_in_text_and_html(self, small):
        broken = stack(projection(small, 64), layers.Activation(lambda y: 8 * (y - 0.5)))
        diagnosis = ae.diagnose(broken, np.clip(small, 0.01, 0.99))
        order = [SEVERITIES.index(finding.severity) for finding in diagnosis.findings]
        assert order == sorted(order) and diagnosis.findings[0].code == "output_is_logits"
        text, page = repr(diagnosis), diagnosis._repr_html_()
        for finding in diagnosis.findings:
            assert finding.code in text and f"<code>{finding.code}</code>" in page
            assert set(finding.evidence) <= set(diagnosis.facts) and finding.read[0] in page
        assert "mean image" in text and "mean image" in page

    def test_without_images_there_is_no_figure(self, small):
        diagnosis = ae.diagnose(stack(layers.Dense(10)), small)
        assert len(diagnosis.ladder) == 0 and diagnosis._repr_html_().count("ae-finding") == 1
        with pytest.raises(ValueError, match="no figure"):
            diagnosis.figure()

    def test_figure(self, small):
        figure = ae.diagnose(projection(small, 8), small[:200], small[200:]).figure()
        best, worst, ladder, code = figure.axes
        assert best.images and worst.images
        assert [bar.get_width() for bar in ladder.patches][-1] > ladder.patches[1].get_width()
        assert len(code.patches) == 8

    def test_of_series_the_worst_channel_along_the_steps(self):
        x = np.random.default_rng(0).normal(size=(60, 9, 2))
        factors = np.array([1, 0.5])  # the second channel comes back at half of its size
        best, worst, *_ = ae.diagnose(lambda series: factors * series, x, kind="series").figure().axes
        errors = np.square(x[:, :, 1]).mean(axis=1)
        for ax, row in ((best, errors.argmin()), (worst, errors.argmax())):
            target, made = (line.get_ydata() for line in ax.lines)
            assert target == pytest.approx(x[row, :, 1], rel=1e-5) and made == pytest.approx(x[row, :, 1] / 2, rel=1e-5)
            assert "channel 1" in ax.get_title()

    def test_of_pictures_in_colour_and_of_no_pictures(self, small):
        strip = stack(layers.Dense(4), layers.Dense(48), shape=(48,))
        colour = stack(layers.Flatten(), layers.Dense(4), layers.Dense(48), layers.Reshape((4, 4, 3)), shape=(4, 4, 3))
        for model, drawn in ((strip, False), (colour, True)):
            images = small[:50, :48].reshape(50, *model.input_shape[1:])
            assert bool(ae.diagnose(model, images).figure().axes[0].images) == drawn


@pytest.mark.parametrize("kind", ["arrays", "pictures"])
def test_the_cell_of_notebook_09_takes_a_readers_own_files(kind, tmp_path, digits):
    notebook = nbformat.read(NOTEBOOKS / "09_why_does_my_autoencoder_do_that.ipynb", as_version=4)
    (cell,) = [cell.source for cell in notebook.cells if cell.id == "own-model"]
    projection(digits, 8).save(tmp_path / "model.keras")
    images = tmp_path / ("images.npz" if kind == "arrays" else "pictures")
    if kind == "arrays":
        np.savez(images, x=digits)
    else:
        images.mkdir()
        for number, picture in enumerate(digits[:40].reshape(-1, 28, 28)):
            Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(images / f"{number:03d}.png")
    shown = []
    source = cell.replace("= None, None", f"= {str(tmp_path / 'model.keras')!r}, {str(images)!r}", 1)
    names = {"ae": ae, "keras": keras, "np": np, "pathlib": pathlib, "plt": plt, "display": shown.append}
    exec(compile(source, "own-model", "exec"), names)
    (diagnosis,) = shown
    assert diagnosis.facts["code_size"] == 8 and diagnosis.ladder.loc["the model", "squared error"] < 0.06


class TestFewTestRows:
    """The error of zeros tells which rows were measured: 1 for those of the training, 9 for others."""

    @pytest.mark.parametrize(("train", "test", "error"), [(60, 29, 1), (60, 30, 9), (29, 28, 9)])
    def test_which_rows_are_measured(self, train, test, error):
        ones, threes = (size * np.sign(np.random.default_rng(0).normal(size=(60, 4))) for size in (1, 3))
        diagnosis = ae.diagnose(np.zeros_like, ones[:train], threes[:test], encode=lambda x: x[:, :1])
        assert diagnosis.facts["error"] == pytest.approx(error)
        said = [sentence for sentence in diagnosis.unmeasured if sentence.startswith("anything on x_test: 29 rows are too few")]
        assert len(said) == (error == 1)

    @pytest.mark.parametrize(("test", "row"), [(29, 250), (60, 11)])
    def test_a_row_is_called_by_its_number_in_the_set_that_was_measured(self, test, row):
        x = np.random.default_rng(0).normal(size=(300, 4))
        far_train, far_test = x.copy(), x[:test].copy()
        far_train[250, 2], far_test[11, 2] = 90, 90
        (finding,) = [f for f in ae.diagnose(lambda x: 0.9 * x, far_train, far_test).findings if f.code == "outliers"]
        assert f"the first is row {row}, column 2" in finding.sentence


class TestArguments:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda x: {"x_test": x, "target": x}, "target must be a pair"),
            (lambda x: {"target": (x, x)}, "target must be one array"),
            (lambda x: {"target": x[:10]}, "target must have a row for each of the 300"),
            (lambda x: {"x_test": x[:, :32]}, r"x_test must hold rows of shape \(64,\)"),
            (lambda x: {"before": projection(x, 4).get_weights()}, r"before must be an earlier model.get_weights\(\)"),
            *(
                (
                    lambda x, form=form: {"x_train": form(x)},
                    r"x_train must be one array of rows of shape \(64,\).*it is 2 arrays;",
                )
                for form in (lambda x: [x, x], lambda x: (x, x), lambda x: {"a": x, "b": x})
            ),
            (lambda x: {"code": "other"}, r"code must be the name of a layer, one of .*code, .*, but it is 'other'"),
        ],
    )
    def test_what_does_not_go_together(self, small, change, message):
        with pytest.raises(ValueError, match=f"^{message}"):
            ae.diagnose(**{"model": projection(small, 8), "x_train": small, **change(small)})

    def test_a_denoiser_is_measured_on_its_targets(self, small):
        noisy = ae.gaussian_noise(small, 0.1, 0)
        diagnosis = ae.diagnose(projection(small, 16), noisy[:200], noisy[200:], target=(small[:200], small[200:]))
        made = ae.predict(projection(small, 16), noisy[200:])
        assert diagnosis.facts["error"] == pytest.approx(ae.mse(small[200:], made), rel=1e-3)
