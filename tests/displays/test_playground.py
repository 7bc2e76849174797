"""The playground: what its knobs build, what it says, its challenges, and that its models are those of Keras."""

import aehelpers as ae
import keras
import numpy as np
import pytest
from aehelpers.displays.playground import BESIDE, CHALLENGES, FIRST, KNOBS, PRESETS, as_model, sets

from tests.displays import playing
from tests.displays.reading import Shown, as_page_value, open_core

# Of each challenge one knob that cures it, and one that does not.
CURES = {
    "dead": ({"code_activation": "linear"}, {"optimizer": "adam"}),
    "pca": ({"hidden": "128"}, {"rate": 0.001}),
    "kl": ({"reduction": "sum"}, {"kl": 0.01}),
    "grey": ({"drawn": "sigmoid"}, {"rate": 0.003}),
    "step": ({"code_activation": "straight_through_step"}, {"rate": 0.01}),
    "patient": ({"rate": 10}, {"optimizer": "adam"}),
    "explode": ({"rate": 0.001}, {"batch": 256}),
    "zeros": ({"start": "glorot"}, {"rate": 0.01}),
    "price": ({"weight": 1e-4}, {"weight": 0.01}),
}
STEPS = {"patient": 950}
# What the page says of each lesson's model, after so many steps.
# "slow" is no lesson's: a code of 64 after 310 steps.
SAID = {
    "00": (1000, "", "; PCA with 16 numbers has 0.0273"),
    "01": (300, "no_gradient", "No gradient reaches the encoder, because rounding is flat."),
    "02": (300, "", "784 numbers are enough for a copy"),
    "03": (400, "dead_code", "Both units of the code output 0 for every image."),
    "04": (300, "output_is_logits", "The output is logits: its values go from -"),
    "05": (2000, "whispering", "The code's values are small"),
    "06": (400, "", "It turns noisy images into clean ones"),
    "07": (1000, "kl_collapse", "The code carries no information"),
    "08": (1000, "", "The 1s, which it has never seen, have an error of"),
    "09": (400, "constant_output", "The reconstruction is the same for every image."),
    "slow": (310, "below_pca", "; the code has 64."),
}
STATES = {name: state for name, (_, state) in PRESETS.items()} | {"slow": {"code": 64}}
SAME = {"below_pca": {"below_pca", "undertrained"}}  # the page has no principal components, only their errors


@pytest.fixture(scope="module")
def page(chromium):
    page = open_core(chromium)
    playing.begin(page)
    yield page
    page.close()


@pytest.fixture(scope="module")
def lessons(page):
    """The presets after the steps of `SAID`: facts, weights and state of each."""
    played = {}
    for name, (steps, *_) in SAID.items():
        (facts,), weights, state = playing.play(page, STATES[name], steps)
        played[name] = facts, weights, state
    return played


@pytest.mark.parametrize("name", SAID)
def test_what_is_wrong_with_a_lessons_model_is_said(lessons, name):
    facts, *_ = lessons[name]
    _, code, sentence = SAID[name]
    assert (facts["code"], sentence in facts["sentence"]) == (code, True), facts["sentence"]


def penalized(state, weights):
    """The model that a state trains, with its penalty."""
    model = as_model(state, weights)
    penalty = {
        "kl": ae.KLSparsity(state["target"], weight=state["weight"]),
        "l1": keras.layers.ActivityRegularization(l1=state["weight"]),
    }.get(state["penalty"])
    return keras.Sequential([keras.Input((784,)), model.encoder, penalty, model.decoder]) if penalty else model


@pytest.mark.parametrize("name", SAID)
def test_the_page_and_the_diagnosis_agree_on_the_same_weights(lessons, name):
    """What the page finds, `ae.diagnose` finds; and what `ae.diagnose` calls broken, the page finds."""
    facts, weights, state = lessons[name]
    x_train, x_test = (playing.images(state["data"], part) for part in ("train", "test"))
    loss = {"mse": "mse", "bce": "bce", "logits": keras.losses.BinaryCrossentropy(from_logits=True)}[state["loss"]]
    found = ae.diagnose(penalized(state, weights), x_train, x_test, loss=loss).findings
    codes = [finding.code for finding in found]
    if facts["code"]:
        assert SAME.get(facts["code"], {facts["code"]}) & set(codes)
    elif "PCA" in facts["sentence"]:
        assert not SAME["below_pca"] & set(codes)
    assert [code for code, finding in zip(codes, found, strict=True) if finding.severity == "broken"] in ([], [facts["code"]])


@pytest.mark.parametrize("name", ["00", "01", "03", "04", "07"])
def test_its_model_is_kerass(lessons, name):
    facts, weights, state = lessons[name]
    x = playing.images(state["data"], "test")
    made = ae.predict(as_model(state, weights), x)
    assert ae.mse(x, made) == pytest.approx(facts["error"], rel=1e-4)
    assert made.var(axis=0).sum() / x.var(axis=0).sum() == pytest.approx(facts["variation"], rel=1e-3, abs=1e-6)


def test_its_tied_model_is_kerass(page):
    (facts,), weights, state = playing.play(page, {"tied": "yes", "hidden": "64", "code": 8}, 50)
    x = playing.images("digits", "test")
    assert ae.mse(x, ae.predict(as_model(state, weights), x)) == pytest.approx(facts["error"], rel=1e-4)


def reached(page, name, facts):
    goal = [list(part) for part in CHALLENGES[name].goal]
    return page.evaluate("([goal, facts]) => core.isReached(goal, facts)", [goal, facts])


@pytest.mark.parametrize("name", CHALLENGES)
def test_a_challenge_is_sick_and_one_knob_cures_it(page, name):
    cure, failure = CURES[name]
    steps = STEPS.get(name, 1000)
    for change, expected in (({}, False), (failure, False), (cure, True)):
        (facts,), *_ = playing.play(page, {**CHALLENGES[name].state, **change}, steps)
        assert reached(page, name, facts) is expected, (change, facts["sentence"])


def test_every_challenge_tells_of_a_knob_by_its_effect_and_not_its_value():
    assert set(CURES) == set(CHALLENGES) and len(CHALLENGES) >= 8
    for challenge in CHALLENGES.values():
        assert challenge.hint != challenge.answer and challenge.goal


@pytest.mark.parametrize("name", ["digits", "clothes"])
def test_the_yardsticks_are_those_of_the_package(name):
    one = sets()[name]
    train, test = playing.images(name, "train"), playing.images(name, "test")
    mean = np.broadcast_to(ae.mean_image(train), test.shape)
    assert one["mean"]["mse"] == pytest.approx(ae.mse(test, mean), rel=1e-6)
    assert one["mean"]["bce"] == pytest.approx(ae.bce(test, mean), rel=1e-6)
    assert one["variance"] == pytest.approx(test.var(axis=0).sum(), rel=1e-5)
    pca = ae.fit_pca(train, 16)
    by_hand = (test - pca.mean_) @ pca.components_.T @ pca.components_ + pca.mean_
    errors = np.frombuffer(one["pca"]["bytes"], "<f4")
    assert errors[15] == pytest.approx(ae.mse(test, by_hand.astype(np.float32)), rel=1e-4)
    assert (np.diff(errors) <= 1e-7).all()


def test_digits_without_1_has_no_1_in_the_training(mnist):
    train = playing.images("digits without 1", "train")
    ones = {image.tobytes() for image in np.rint(mnist.x_train[mnist.y_train == 1] * 255).astype(np.uint8)}
    assert not ones & {image.tobytes() for image in np.rint(train * 255).astype(np.uint8)}


CELLS = [
    {},
    PRESETS["03"][1],
    PRESETS["05"][1],
    PRESETS["07"][1],
    {"noise": "masking", "tied": "yes", "reduction": "sum", "optimizer": "adagrad", "rate": 0.1, "data": "digits without 1"},
    {
        **{"noise": "gaussian", "penalty": "l1", "weight": 1e-3, "code_activation": "relu"},
        **{"loss": "logits", "output_activation": "linear", "drawn": "sigmoid", "seed": 1},
    },
    {"optimizer": "rmsprop", "data": "clothes", "code_activation": "straight_through_step", "start": "small", "loss": "bce"},
    {"optimizer": "sgd", "rate": 10, "code_activation": "step", "hidden": "128,64", "hidden_activation": "tanh"},
]


@pytest.mark.parametrize("state", CELLS, ids=range(len(CELLS)))
def test_the_copied_cell_trains_the_same_model(page, state):
    """The cell runs, its model has the page's layers, and after as many steps its loss is the page's."""
    whole = {**FIRST, **BESIDE, **state}
    cell = page.evaluate("([text, state, words]) => core.filled(text, state, words)", [CODE["cell"], whole, CODE["words"]])
    assert "{" not in cell
    steps, names = 150, {}
    exec(cell.replace("steps=1_000", f"steps={steps}, progress=False"), names)
    x = playing.images(whole["data"], "test")
    (facts,), weights, _ = playing.play(page, state, steps)
    assert sum(weight.size for weight in map(np.asarray, names["parts"].get_weights())) == len(weights) // 4
    assert names["x"].shape == playing.images(whole["data"], "train").shape
    made = ae.predict(names["model"], x)
    theirs = ae.mse(x, 1 / (1 + np.exp(-made)) if whole["drawn"] == "sigmoid" else made)
    assert theirs == pytest.approx(facts["drawnError"], rel=0.2)


CODE = ae.playground().data["code"]


def test_an_explosion_is_called_by_its_step(page):
    state = {"optimizer": "sgd", "rate": 10, "reduction": "sum", "output_activation": "linear"}
    (facts,), *_ = playing.play(page, state, 50)
    assert facts["code"] == "not_finite" and facts["failed"]
    assert facts["sentence"].startswith(("The loss became NaN at step ", "The loss became infinite at step "))


class TestPython:
    def test_a_preset_a_challenge_and_knobs(self):
        assert ae.playground("03").state["code"] == 2 and ae.playground("03").state["preset"] == "03"
        assert ae.playground("dead").state["challenge"] == "dead"
        assert ae.playground({"code": 5}).state == {**FIRST, **BESIDE, "code": 5}
        assert ae.playground({"preset": "03", "code": 5}).state["optimizer"] == "rmsprop_tf1"

    @pytest.mark.parametrize(
        ("state", "said"),
        [
            ("12", "state must be a preset or a challenge .*, but it is '12'"),
            ({"coed": 2}, "state names coed, but the knobs are data, "),
            ({"code": 4}, r"state\['code'\] must be one of 1, 2, 3, .*, but it is 4"),
        ],
    )
    def test_what_makes_no_sense_is_named(self, state, said):
        with pytest.raises(ValueError, match=said):
            ae.playground(state)

    @pytest.mark.parametrize("state", [3, None, {"task": 3}])
    def test_types(self, state):
        with pytest.raises(TypeError, match="must be a str"):
            ae.playground(state)

    def test_there_is_no_model_before_a_training(self):
        with pytest.raises(RuntimeError, match="press play"):
            ae.playground().model()

    def test_every_knob_begins_with_one_of_its_values(self):
        assert all(knob.first in knob.options for knob in KNOBS.values())
        for name, (_, state) in PRESETS.items():
            assert ae.playground({**state, "preset": name})
        for challenge in CHALLENGES.values():
            assert ae.playground(challenge.state)


RENDER = """data => {
  const root = document.createElement("div"), traits = { data, state: data.state, value: null };
  root.style.width = "1100px";
  document.body.replaceChildren(root);
  globalThis.sent = {};
  const nothing = () => {}, set = (name, value) => { sent[name] = value; };
  const model = { get: name => traits[name], set, save_changes: nothing, on: nothing, off: nothing };
  globalThis.finish = core.render({ model, el: root });
}"""


class TestDisplay:
    """What a reader does with it."""

    @pytest.fixture
    def shown(self, page):
        """Mount it as JupyterLab does, and end it."""

        def mount(state="03"):
            page.evaluate(RENDER, as_page_value(ae.playground(state).data | {"state": ae.playground(state).state}))
            page.wait_for_function("() => document.querySelector('.ae-sentence').textContent.startsWith('Nothing has been')")
            return page

        yield mount
        page.evaluate("finish()")

    @staticmethod
    def steps(page):
        return int(page.locator(".ae-play-clock strong").first.inner_text())

    def wait(self, page, least):
        page.wait_for_function(f"() => Number(document.querySelector('.ae-play-clock strong').textContent) >= {least}")

    def test_it_trains_until_it_is_paused_and_hands_its_model_to_python(self, shown):
        page = shown("09")
        page.get_by_role("button", name="play").click()
        self.wait(page, 20)
        page.get_by_role("button", name="pause").click()
        page.wait_for_function("() => sent.trained && sent.trained.step > 0")
        step, size, state = page.evaluate("[sent.trained.step, sent.trained.weights.byteLength, sent.trained.state]")
        assert self.steps(page) == step
        weights = bytes(page.evaluate("Array.from(new Uint8Array(sent.trained.weights.buffer))"))
        assert len(weights) == size
        play = ae.playground("09")
        play.trained = {"step": step, "state": state, "weights": weights}
        x = playing.images("digits", "test")
        (facts,), *_ = playing.play(page, PRESETS["09"][1], step)
        assert ae.mse(x, ae.predict(play.model(), x)) == pytest.approx(facts["error"], rel=1e-3)

    def test_a_network_that_is_drawn_again_shows_the_same_units(self, shown):
        page = shown("09")
        page.get_by_role("button", name="one step").click()
        self.wait(page, 1)
        look = "Array.from(document.querySelectorAll('.ae-net [class*=ae-unit]'), one => one.style.fill)"
        texts = "Array.from(document.querySelectorAll('.ae-net text'), one => one.textContent)"
        before, width = page.evaluate(f"[{look}, {texts}]"), page.locator(".ae-net").bounding_box()["width"]
        page.evaluate("document.querySelector('.ae-display').parentElement.style.width = '1200px'")
        page.wait_for_function(f"() => document.querySelector('.ae-net').viewBox.baseVal.width > {width} + 20")
        assert page.evaluate(f"[{look}, {texts}]") == before and len(set(before[0])) > 5

    def test_some_knobs_begin_anew_and_others_act_at_once(self, shown):
        page = shown("09")
        page.get_by_role("button", name="play").click()
        self.wait(page, 10)
        page.get_by_label("learning rate").select_option("1")
        before = self.steps(page)
        self.wait(page, before + 200)
        page.get_by_label("code size").select_option("8")
        page.wait_for_function(f"() => Number(document.querySelector('.ae-play-clock strong').textContent) < {before + 100}")
        assert "code 8" in page.locator(".ae-net").text_content()
        self.wait(page, 5)
        page.get_by_role("button", name="start again").click()
        page.wait_for_function("() => document.querySelector('.ae-play-clock strong').textContent === '0'")
        page.get_by_role("button", name="one step").click()
        page.wait_for_function("() => document.querySelector('.ae-play-clock strong').textContent === '1'")

    def test_neither_hint_nor_answer_is_there_before_it_is_asked_for(self, shown):
        page = shown("dead")
        task, challenge = page.locator(".ae-play-task"), CHALLENGES["dead"]
        assert challenge.title in task.inner_text() and challenge.task in task.inner_text()
        assert challenge.hint not in page.content() and challenge.answer not in page.content()
        page.get_by_role("button", name="hint").click()
        assert challenge.hint in task.inner_text() and challenge.answer not in page.content()
        page.get_by_role("button", name="answer").click()
        assert challenge.answer in task.inner_text()

    def test_one_knob_cures_and_two_are_too_many(self, shown):
        page = shown("grey")
        page.get_by_label("learning rate").select_option("0.003")
        page.get_by_label("drawn").select_option("sigmoid of the output")
        assert "You have turned 2 knobs (drawn, learning rate): one is enough." in page.locator(".ae-play-task").inner_text()
        page.get_by_role("button", name="play").click()
        self.wait(page, 300)
        assert "Cured" not in page.locator(".ae-play-task").inner_text()
        page.get_by_label("learning rate").select_option("0.001")
        page.wait_for_function("() => document.querySelector('.ae-play-task').textContent.includes('✓ Cured, at step')")
        assert page.evaluate("core.recall('challenge: grey')") == "solved"
        page.get_by_role("button", name="pause").click()

    def test_a_cure_stays_while_it_trains_on(self, shown):
        """The goal is an error below 0.05 before step 1,000; with another knob after that, the reader learns what to do."""
        page = shown("patient")
        task = page.locator(".ae-play-task")
        page.get_by_label("learning rate").select_option("10")
        page.get_by_role("button", name="play").click()
        page.wait_for_function("() => document.querySelector('.ae-play-task').textContent.includes('✓ Cured, at step')")
        self.wait(page, 1300)
        assert "✓ Cured, at step" in task.inner_text() and task.get_by_role("button", name="next challenge").is_visible()
        page.get_by_label("learning rate").select_option("1")
        page.wait_for_function("() => document.querySelector('.ae-play-task').textContent.includes('Step 1,000 is past')")
        page.get_by_label("learning rate").select_option("10")
        page.get_by_role("button", name="start again").click()
        page.wait_for_function("() => !document.querySelector('.ae-play-task').textContent.includes('is past')")
        assert "You have turned one knob: learning rate." in task.inner_text()
        page.get_by_role("button", name="play").click()
        page.wait_for_function("() => document.querySelector('.ae-play-task').textContent.includes('✓ Cured, at step')")
        page.get_by_role("button", name="pause").click()
        page.wait_for_function("() => sent.trained && sent.trained.step > 0")
        page.get_by_label("learning rate").select_option("1")
        page.wait_for_function("() => !document.querySelector('.ae-play-task').textContent.includes('✓ Cured')")

    def test_what_it_says_can_be_used_while_it_trains(self, shown):
        """Buttons stay the same ones, a challenge is shown whenever it is chosen, and nothing is read aloud all the time."""
        page = shown("dead")
        sentence, starts, task = page.locator(".ae-sentence"), page.get_by_label("start from"), page.locator(".ae-play-task")
        for value in ("00", "!dead"):
            starts.select_option(value)
        assert CHALLENGES["dead"].title in task.inner_text()
        starts.select_option("00")
        button = task.get_by_role("button").element_handle()
        assert sentence.get_attribute("aria-live") == "polite"
        page.get_by_role("button", name="play").click()
        self.wait(page, 200)
        assert button.evaluate("it => it.isConnected") and sentence.get_attribute("aria-live") == "off"
        page.get_by_role("button", name="pause").click()
        assert sentence.get_attribute("aria-live") == "polite"

    def test_a_teachers_link_hides_knobs_and_sets_a_task_in_plain_text(self, shown):
        page = shown({"hide": "optimizer,code", "task": "<b>Find</b> the fault."})
        assert not page.get_by_label("optimizer").is_visible() and not page.get_by_label("code size").is_visible()
        assert page.get_by_label("learning rate").is_visible()
        assert "<b>Find</b> the fault." in page.locator(".ae-play-task").inner_text()

    def test_a_knob_that_changes_the_picture_is_in_sight(self, shown):
        """A sigmoid of a sigmoid is drawn only where the reader can see that it is, and undo it."""
        page = shown({"output_activation": "sigmoid", "drawn": "sigmoid"})
        page.get_by_label("drawn", exact=True).select_option("the output itself")
        assert not page.get_by_label("drawn", exact=True).is_visible()
        page.get_by_label("output activation").select_option("linear")
        assert page.get_by_label("drawn", exact=True).is_visible()

    def test_what_is_drawn_goes_through_the_network(self, shown):
        page = shown("00")
        pixels = "canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, 28, 28).data)"
        output = page.locator(".ae-play-net canvas").last
        before = output.evaluate(pixels)
        pad = page.locator(".ae-pad")
        box = pad.bounding_box()
        page.mouse.move(box["x"] + 30, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + 60, box["y"] + 80, steps=4)
        page.mouse.up()
        page.wait_for_timeout(300)
        drawn = output.evaluate(pixels)
        assert drawn != before
        page.get_by_role("button", name="look at image 1").click()
        page.wait_for_timeout(300)
        assert output.evaluate(pixels) == before

    @pytest.mark.parametrize("given", [{"code": "many", "preset": "99"}, {"optimizer": "<script>", "challenge": "no"}])
    def test_a_link_that_makes_no_sense_gives_what_it_begins_with(self, core, given):
        display = Shown(core, ae.playground())
        display.at(**given)
        assert core.locator(".ae-knob select").nth(0).input_value()
        assert core.get_by_label("code size").locator("option:checked").inner_text() == "16"
        assert core.get_by_label("optimizer").locator("option:checked").inner_text() == "Adam"

    def test_a_link_needs_no_more_than_a_preset(self, core):
        made = core.evaluate(
            """data => {
              location.hash = "#here?preset=03";
              const root = document.createElement("div"); root.id = "here"; document.body.replaceChildren(root);
              const { unmount } = core.mountOnPage(root, data), said = root.querySelector("[aria-label='optimizer']");
              const text = said.selectedOptions[0].textContent; unmount(); history.replaceState(null, "", location.pathname);
              return text;
            }""",
            as_page_value(ae.playground().data),
        )
        assert made == "RMSprop (TensorFlow 1)"
