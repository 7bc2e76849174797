"""A training run, record by record."""

from decimal import ROUND_HALF_UP, Decimal

import aehelpers as ae
import keras
import numpy as np
import pytest
from aehelpers.displays.packing import packed
from aehelpers.displays.widget import Display

from tests.displays.reading import unpacked


def test_recorder_and_training_display(forty):
    keras.utils.set_random_seed(0)
    model = ae.autoencoder(hidden=(6,), code_size=3)
    recorder = ae.TrainingRecorder(model, forty)
    display = ae.training_display(recorder, forty, steps=4, level=0.07, highest_loss=0.3)
    assert display.data["record"]["steps"] == [0]
    untrained = ae.predict(model, forty)
    assert recorder.losses == [pytest.approx(np.mean((untrained - forty) ** 2))]
    assert recorder.rebuilt[0] == pytest.approx(untrained[:8])
    history = ae.fit(model, forty, steps=4, batch_size=8, record_every=2, on_record=display, progress=False)
    arrays = recorder.arrays()
    assert arrays["steps"].tolist() == [0, *history.steps] == [0, 2, 4]
    assert arrays["losses"].tolist()[1:] == history.history["loss"]
    code = ae.predict(model.encoder, forty)  # ReLU: what is above 0 is the pre-activation itself
    assert arrays["alive"][-1] == pytest.approx((code > 0).mean(axis=0))
    largest = arrays["band"][-1][:, 2]
    assert np.maximum(largest, 0) == pytest.approx(code.max(axis=0), rel=1e-5)
    assert (arrays["band"][-1][:, 0] <= arrays["band"][-1][:, 1]).all()
    assert arrays["rebuilt"][-1] == pytest.approx(ae.predict(model, forty[:8]))
    assert display.data["record"]["steps"] == [0, 2, 4] and display.state == {"record": 2}
    again = ae.training_display(arrays, forty, steps=4, level=0.07, highest_loss=0.3)
    assert again.data["record"] == display.data["record"]


RANDOM = np.random.default_rng(8)


def made(records, units, **changed):
    """A made display: three images of one by two pixels."""
    arrays = {
        "steps": 10 * np.arange(records) + 5,
        "losses": RANDOM.random(records),
        "alive": RANDOM.integers(0, 2, (records, units)) * RANDOM.random((records, units)),
        "band": np.sort(RANDOM.normal(size=(records, units, 3))),
        "rebuilt": RANDOM.integers(0, 256, (records, 3, 2)) / 255,
    }
    arrays |= {name: np.array(values, float) for name, values in changed.items()}
    record = {name: packed(arrays[name], "float32") for name in ("alive", "band")}
    record |= {name: arrays[name].tolist() for name in ("steps", "losses")} | {"rebuilt": packed(arrays["rebuilt"], "uint8")}
    data = {"size": [1, 2], "units": units, "steps": 40, "level": 0.3, "highest": 0.9, "record": record}
    images = packed(RANDOM.random((3, 2)), "uint8")
    return Display("training", "Made", "record", {"record": max(records - 1, 0)}, images=images, **data)


NAN, INF = np.nan, np.inf
RUNS = {
    "several units": made(4, 3),
    "beyond its planned end": made(8, 2),
    "one unit, always above 0": made(2, 1, band=[[[1, 2, 3]], [[2, 3, 4]]], alive=[[1], [1e-4]]),
    "below 0": made(1, 2, band=[[[-3, -2, -1], [-9, -8, -0.5]]], alive=[[0, 0]]),
    "it diverges": made(2, 2, band=[[[-1, 0, 2]] * 2, [[NAN, NAN, NAN], [-INF, 0, INF]]], alive=[[1, 1], [NAN, 1]]),
    "no weights yet": made(1, 2, band=np.zeros((1, 2, 3)), alive=[[0, 0]]),
}


# How opaque the fill of each lamp is.
OPACITY = """lamps => lamps.map(lamp => {
  const ink = new OffscreenCanvas(1, 1).getContext("2d");
  ink.fillStyle = getComputedStyle(lamp).backgroundColor; ink.fillRect(0, 0, 1, 1);
  return ink.getImageData(0, 0, 1, 1).data[3] / 255;
})"""


def said(share):
    """Return a share in percent as JavaScript writes it, which rounds the number that is there, not the decimal one."""
    return "NaN" if np.isnan(share) else str(Decimal(100 * share).quantize(Decimal("0.1"), ROUND_HALF_UP))


@pytest.mark.parametrize("name", RUNS)
def test_a_record_is_shown(core, show, name):
    data = RUNS[name].data
    shown, record, units = show(data), data["record"], data["units"]
    band, alive, rebuilt = (unpacked(record[part]).astype(float) for part in ("band", "alive", "rebuilt"))
    finite = band[np.isfinite(band)]
    for place, (step, value) in enumerate(zip(record["steps"], record["losses"], strict=True)):
        seen, lives = shown.at(record=place), alive[place] > 0
        dead = units - lives.sum()
        verb = "is" if dead == 1 else "are"
        through = ", ".join(f"unit {unit + 1}: {said(share)} %" for unit, share in enumerate(alive[place]))
        assert seen.sentence == (
            f"Step {step}: loss {value:.4f}; {dead} of {units} units of the code {verb} dead. "
            f"Images that get through: {through}."
        )
        assert seen.texts[0] == f"step {step}" and f"{dead} of {units} units {verb} dead" in seen.texts
        classes = core.locator(".ae-lamp").evaluate_all("lamps => lamps.map(lamp => [lamp.className, lamp.textContent])")
        assert classes == [["ae-lamp", ""] if one else ["ae-lamp ae-dead", "\N{MULTIPLICATION SIGN}"] for one in lives]
        opacities = core.locator(".ae-lamp").evaluate_all(OPACITY)
        assert opacities == pytest.approx(np.where(lives, alive[place], 0), abs=0.004)
        assert core.locator(".ae-lamps").inner_text().endswith("no image gets through. Fuller lamp: more images.")
        assert seen.row(0) == pytest.approx(unpacked(data["images"]).ravel())
        assert seen.row(1) == pytest.approx(rebuilt[place].ravel())
        assert core.locator(".ae-row-title").last.text_content() == f"step {step}" and len(seen.canvases) == 6
        bands, loss = seen.charts
        for unit, (line, (low, _, high)) in enumerate(zip(bands["series"], band[place], strict=True)):
            assert line["x"] == [unit + 1] * 2 and line["y"] == pytest.approx([low, high], nan_ok=True)
            assert bool(line["dash"]) != lives[unit]
        assert bands["x"]["high"] == units + 0.7 and bands["x"]["ticks"] == list(range(1, units + 1))
        ends = (min(0, finite.min()), max(0, finite.min() + 1e-6, finite.max()))
        assert (bands["y"]["low"], bands["y"]["high"]) == pytest.approx(ends)
        (line,) = loss["series"]
        assert line["x"] == record["steps"] and line["y"] == pytest.approx(record["losses"])
        assert loss["levels"][0]["value"] == 0.3 and loss["y"]["high"] == 0.9
        assert loss["x"]["high"] == max(40, record["steps"][-1]) and seen.marks(1) == [(step, None)]


def test_before_the_training_the_untrained_model_is_shown(core, show, forty):
    model = ae.autoencoder(hidden=(6,), code_size=2)
    seen = show(ae.training_display(ae.TrainingRecorder(model, forty), forty, steps=40, level=0.07, highest_loss=0.3)).at()
    assert seen.sentence.startswith("Step 0: loss ") and seen.texts[0] == "step 0"
    assert seen.row(1) == pytest.approx(ae.predict(model, forty[:8]).ravel(), abs=1 / 255)
    assert seen.charts[-1]["x"]["high"] == 40 and core.locator(".ae-lamp").count() == 2
    core.get_by_role("button", name="play").click()  # nothing to play


def test_play(core, show):
    """One record at each beat of the clock; it stops at the last, at a click, and with the display."""
    core.clock.install(time=0)
    core.clock.pause_at(10_000)
    for motion, every in (("no-preference", 120), ("reduce", 600)):
        core.emulate_media(reduced_motion=motion)
        shown = show(RUNS["several units"])
        shown.at(record=1)
        button = core.locator(".ae-button")

        def seen_after(beats, every=every, shown=shown, button=button):
            core.clock.run_for(beats * every - 1)
            early = shown.state["record"]
            core.clock.run_for(1)
            return early, shown.state["record"], button.text_content()

        assert button.text_content() == "play"
        button.click()
        assert [seen_after(1) for _ in range(4)] == [(1, 1, "stop"), (1, 2, "stop"), (2, 3, "play"), (3, 3, "play")]
        button.click()  # again, from the start
        assert [seen_after(1) for _ in range(2)] == [(3, 0, "stop"), (0, 1, "stop")]
        button.click()
        assert seen_after(3) == (1, 1, "play")
        button.click()
        assert seen_after(2) == (1, 2, "stop")
        core.evaluate("end", shown.number)
        assert seen_after(3)[:2] == (2, 2)


def test_it_begins_at_the_first_record_and_does_not_name_many_units(show):
    run = ae.stored_arrays("dead_code_run")
    display = ae.training_display(run, np.zeros((8, 784), np.float32), steps=400, level=0.07, highest_loss=0.2)
    assert display.data["state"] == {"record": 0}
    assert show(display).at(record=3).sentence.endswith("of 20 units of the code are dead.")
