"""The displays, driven by their widgets' traits as the browser drives them."""

import base64
import io
import threading

import aehelpers as ae
import ipywidgets
import keras
import numpy as np
import pytest
from aehelpers.widgets import Display
from PIL import Image


def model_of(size, **options):
    keras.utils.set_random_seed(size)
    return ae.autoencoder(**{"code_size": size, "code_activation": "sigmoid", **options})


def moved(display, **values):
    """Move controls, and return whether the picture and the sentence changed."""
    picture, sentence = display.picture.value, display.sentence.value
    for name, value in values.items():
        setattr(*display.controls[name], value)
    assert "ae-failed" not in display.sentence.value, display.sentence.value
    return display.picture.value != picture, display.sentence.value != sentence


def decoded(display):
    return np.asarray(Image.open(io.BytesIO(display.picture.value)))


# The frame that all displays share.


def simple(render=None):
    slider = ipywidgets.IntSlider(value=1, min=0, max=1000, description="number")
    calls = []

    def paint(number):
        calls.append(number)
        return np.full((2, 2, 3), number % 256, np.uint8), f"The number is {number} < 1001."

    return Display("A display", {"number": slider}, render or paint), slider, calls


def test_display_draws_at_once_and_after_each_move():
    display, slider, calls = simple()
    assert calls == [1] and decoded(display)[0, 0, 0] == 1
    slider.value = 7
    assert calls == [1, 7] and decoded(display)[0, 0, 0] == 7
    assert "The number is 7 &lt; 1001." in display.sentence.value and 'role="status"' in display.sentence.value
    assert display.picture.width == "1"


def test_display_does_not_draw_the_same_state_twice():
    display, _, calls = simple()
    display.refresh()
    display.refresh()
    assert calls == [1]


def test_last_state_wins_when_events_come_fast():
    """200 events from four threads: whatever their order, the picture is that of the final state."""
    display, slider, _ = simple()

    def push(start):
        for number in range(start, start + 50):
            slider.value = number

    threads = [threading.Thread(target=push, args=(100 * place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert f"The number is {slider.value} " in display.sentence.value
    assert decoded(display)[0, 0, 0] == slider.value % 256


def test_errors_are_shown_escaped_and_go_away():
    def render(number):
        if number == 13:
            raise ValueError("<b>unlucky</b>")
        return np.zeros((2, 2, 3), np.uint8), "fine"

    display, slider, _ = simple(render)
    before = display.picture.value
    slider.value = 13
    assert "ValueError: &lt;b&gt;unlucky&lt;/b&gt;" in display.sentence.value and "ae-failed" in display.sentence.value
    assert 'role="alert"' in display.sentence.value and display.picture.value == before
    slider.value = 1
    assert "fine" in display.sentence.value and "ae-failed" not in display.sentence.value


def test_stored_form_has_the_picture_and_a_text_that_never_changes():
    display, slider, _ = simple()
    bundle = display._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]) == display.picture.value
    assert "application/vnd.jupyter.widget-view+json" in bundle
    slider.value = 9
    assert bundle["text/plain"] == display._repr_mimebundle_()["text/plain"] == "A display: run this cell to use it"


# The eight displays.


@pytest.fixture(scope="module")
def models():
    return {size: model_of(size) for size in (1, 4, 16)}


def every_control_is_labelled(display):
    controls = {control for control, _ in display.controls.values() if hasattr(control, "description")}
    assert all(control.description and control.tooltip for control in controls)
    assert display.picture.tooltip
    return True


def test_code_size(models, mnist):
    display = ae.code_size_display(models, mnist.x_train[:2000], mnist.x_test)
    assert every_control_is_labelled(display)
    for size in (1, 16, 4):
        assert moved(display, size=size) == (True, True)
        x = mnist.x_test[:500]
        error, pca = ae.mse(x, models[size](x).numpy()), ae.mse(x, ae.PCA(mnist.x_train[:2000], size).reconstruct(x))
        noun = "number:" if size == 1 else "numbers:"
        assert (
            f"A code of {size} {noun} squared error {error:.4f} by the autoencoder, {pca:.4f} by PCA" in display.sentence.value
        )


def test_noise(models, mnist):
    kinds = {"masking": ae.masking_noise, "Gaussian": ae.gaussian_noise}
    display = ae.noise_display({"a": models[4], "b": models[16]}, kinds, mnist.x_test)
    assert every_control_is_labelled(display)
    x = mnist.x_test[:500]
    for state in ({"level": 0.6}, {"kind": "Gaussian"}, {"model": "b"}, {"level": 0.0}):
        assert moved(display, **state) == (True, True)
    assert "doing nothing has 0.0000 (no error)" in display.sentence.value
    moved(display, level=0.5, kind="masking")
    noisy = ae.masking_noise(x, 0.5, seed=0)
    error, nothing = ae.mse(x, models[16](noisy).numpy()), ae.mse(x, noisy)
    assert f"squared error {error:.4f} (PSNR {-10 * np.log10(error):.1f} dB)" in display.sentence.value
    assert f"doing nothing has {nothing:.4f}" in display.sentence.value


def test_noise_from_logits(mnist):
    raw = model_of(4, output_activation=None)
    display = ae.noise_display({"raw": raw}, {"masking": ae.masking_noise}, mnist.x_test, from_logits=True)
    x = mnist.x_test[:500]
    error = ae.mse(x, keras.ops.sigmoid(raw(ae.masking_noise(x, 0.3, seed=0))).numpy())
    assert f"squared error {error:.4f} " in display.sentence.value


def test_threshold(models, mnist):
    ways = {"zero": lambda h, t: np.where(h < t, 0, h), "raise": np.maximum}
    display = ae.threshold_display({"a": models[4], "b": models[16]}, ways, mnist.x_test)
    assert every_control_is_labelled(display)
    for state in ({"threshold": 0.6}, {"way": "raise"}, {"model": "b"}):
        assert moved(display, **state) == (True, True)
    x = mnist.x_test[:500]
    h = models[16].encoder(x).numpy()
    error = ae.mse(x, models[16].decoder(np.maximum(h, 0.6)).numpy())
    assert f"{100 * (h >= 0.6).mean():.0f} % of the activations reach 0.60." in display.sentence.value
    assert f"raise: {error:.4f}." in display.sentence.value


def test_step(models, mnist):
    display = ae.step_display(models[16], mnist.x_test)
    assert every_control_is_labelled(display)
    assert moved(display, temperature=0.1) == (True, True)
    assert moved(display, temperature=0.0) == (True, True)
    assert "none at all: a step has no slope" in display.sentence.value
    x = mnist.x_test[:500]
    hard = (models[16].encoder(x).numpy() > 0.5).astype(np.float32)
    assert f"Squared error {ae.mse(x, models[16].decoder(hard).numpy()):.4f}" in display.sentence.value
    moved(display, temperature=1.0)
    report = ae.gradient_report(models[16], x, loss="bce")
    assert f"Gradient that reaches the encoder: {report.rows[0][3]:.2g}." in display.sentence.value
    assert f"Squared error {ae.mse(x, models[16](x).numpy()):.4f}" in display.sentence.value


def test_step_wants_one_layer(mnist):
    with pytest.raises(ValueError, match="model must have one layer to the code, but its encoder has 2"):
        ae.step_display(model_of(4, hidden=(8,)), mnist.x_test)


def test_where_the_sigmoid_is(mnist):
    logits = np.where(mnist.x_test[:8] > 0.5, 3.0, -12.0).astype(np.float32)
    display = ae.sigmoid_display(mnist.x_test[:8], logits)
    assert every_control_is_labelled(display)
    # One range from -12 to 3 for all: 0 is drawn at 12 / 15 = 80 % and 1 at 13 / 15 = 87 %.
    assert "-12.00 is drawn black and 3.00 white, so that they use 80 % to 87 % of the grey scale" in display.sentence.value
    assert moved(display, greys="each row its own") == (True, True)
    assert "0.00 is drawn black and 1.00 white, so that they use 0 % to 100 %" in display.sentence.value
    assert moved(display, shown="probabilities") == (True, True)
    assert "The probabilities go from 0.00 to 0.95" in display.sentence.value
    assert moved(display, greys="0 to 1")[0]


@pytest.fixture
def plane(mnist):
    model = model_of(2, code_activation=None)
    codes = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
    return ae.latent_plane(model.decoder, codes, mnist.x_test[:400], mnist.y_test[:400]), codes, model


def test_plane_follows_fields_and_pointer(plane, mnist):
    display, codes, _ = plane
    pointer, first, second = display.children[0].children[0].children
    assert first.description == "code unit 1" and second.description == "code unit 2"
    rendered = []
    render = display.render
    display.render = lambda point: rendered.append(point) or render(point)
    before = display.picture.value
    first.value = 0.5
    assert pointer.value == [0.5, 0.0] and display.picture.value != before
    before = display.picture.value
    pointer.value = [-0.254, 0.754]  # what the browser sends
    assert display.picture.value != before
    assert (first.value, second.value) == (-0.25, 0.75)
    assert pointer.value == [-0.254, 0.754]
    assert rendered == [[0.5, 0.0], [-0.254, 0.754]]
    near = np.argsort(np.square(codes - [-0.254, 0.754]).sum(axis=1))[:5]
    assert f"labelled {', '.join(str(label) for label in mnist.y_test[near])}." in display.sentence.value
    assert Image.open(io.BytesIO(pointer.background)).size == (960, 720)


def test_plane_wants_two_numbers_an_image(mnist):
    model = model_of(3, code_activation=None)
    with pytest.raises(ValueError, match="codes must have 2 columns"):
        ae.latent_plane(model.decoder, np.zeros((4, 3)), mnist.x_test[:4], mnist.y_test[:4])
    with pytest.raises(ValueError, match="codes, x and labels must be as many, but there are 4, 5 and 4"):
        ae.latent_plane(model.decoder, np.zeros((4, 2)), mnist.x_test[:5], mnist.y_test[:4])


def stroke():
    paper = np.zeros((112, 112), np.uint8)
    paper[20:80, 50:60] = 255
    return paper.tobytes()


def test_pad_takes_strokes_and_test_images(models, mnist):
    display = ae.drawing_pad({"four": models[4], "sixteen": models[16]}, mnist.x_test)
    pad, load = display.children[0].children[0].children
    assert np.frombuffer(pad.base, np.uint8) == pytest.approx(mnist.x_test[0] * 255, abs=0.01)
    assert "0 of 784 pixels differ from the test image." in display.sentence.value
    error = ae.mse(mnist.x_test[:1], models[4](mnist.x_test[:1]).numpy())
    assert f"four {error:.4f}" in display.sentence.value
    first = display.picture.value
    pad.value = stroke()
    changed = (np.frombuffer(stroke(), np.uint8).reshape(28, 4, 28, 4).mean(axis=(1, 3)).ravel() / 255 > mnist.x_test[0]).sum()
    assert f"{changed} of 784 pixels differ" in display.sentence.value
    assert display.picture.value != first
    load.click()
    assert pad.value == b"" and np.frombuffer(pad.base, np.uint8) == pytest.approx(mnist.x_test[1] * 255, abs=0.01)
    pad.base = b""  # what "clear" sends
    assert "Draw a digit, or load a test image." in display.sentence.value
    assert moved(display, ink=stroke()) == (True, True)
    assert "Your drawing, scaled and centred. Squared errors: four " in display.sentence.value


def test_pad_takes_bytes_as_the_browser_sends_them(models, mnist):
    display = ae.drawing_pad({"four": models[4]}, mnist.x_test)
    pad = display.children[0].children[0].children[0]
    pad.set_state({"base": memoryview(b""), "value": memoryview(stroke())})
    assert (pad.base, pad.value) == (b"", stroke())
    assert "Your drawing" in display.sentence.value


def test_training_is_followed(digits):
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(code_size=5, code_activation="relu")
    display = ae.training_display(model, digits, steps=40, highest_loss=0.8, levels={"mean image": 0.26})
    assert "Step 0: not trained yet; " in display.sentence.value
    pictures = []

    def watch(history):
        display(history)
        pictures.append(display.picture.value)

    history = ae.fit(model, digits, steps=40, batch_size=50, record_every=10, on_record=watch, progress=False)
    assert len(set(pictures)) == 4
    dead = ae.dead_units(model.encoder, digits).sum()
    assert f"Step 40: loss {history.loss[-1]:.4f}; {dead} of 5 code units are dead." in display.sentence.value


def test_training_shows_dead_units(digits):
    model = ae.autoencoder(code_size=3, code_activation="relu", bias_initializer=keras.initializers.Constant(-100.0))
    display = ae.training_display(model, digits, steps=10, highest_loss=1)
    assert "3 of 3 code units are dead" in display.sentence.value


@pytest.mark.parametrize("x", [np.full((600, 784), 2.0), np.zeros(784), np.full((600, 784), np.nan)])
def test_displays_refuse_what_are_no_pixels(models, mnist, x):
    attempts = [
        lambda: ae.code_size_display(models, x, mnist.x_test),
        lambda: ae.noise_display({"a": models[4]}, {"masking": ae.masking_noise}, x),
        lambda: ae.threshold_display({"a": models[4]}, {"raise": np.maximum}, x),
        lambda: ae.step_display(models[4], x),
        lambda: ae.sigmoid_display(x, mnist.x_test[:600]),
        lambda: ae.drawing_pad(models, x),
        lambda: ae.training_display(models[4], x, steps=10, highest_loss=1),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match=r"^(x|x_train|originals) must "):
            attempt()
