"""A vote, the verdict further down, and how the one tells the other."""

import aehelpers as ae
import pytest

from tests.displays.reading import Shown, open_core

OPTIONS = {"A": "the egg", "B": "the hen", "C": "neither <b>"}
REASONS = {"A": "omelettes", "B": "somebody lays", "C": "evolution"}
ID, QUESTION, ANSWER = "01-egg", "What comes <first>?", "B"
VOTE = """number => ({
  sentence: rootOf(number).querySelector(".ae-sentence").textContent,
  question: rootOf(number).querySelector("legend").textContent,
  options: Array.from(rootOf(number).querySelectorAll("label"), one => [
    ...Array.from(one.children, part => part.textContent).slice(1), one.querySelector("input").checked,
    one.querySelector("input").disabled, one.className]),
  buttons: Array.from(rootOf(number).querySelectorAll("button"), one => [one.textContent, one.getAttribute("aria-disabled")]),
})"""
VERDICT = """number => ({
  sentence: rootOf(number).querySelector(".ae-sentence").textContent,
  question: rootOf(number).querySelector(".ae-question").textContent,
  lines: Array.from(rootOf(number).querySelectorAll("li"), one => [
    one.querySelector("b").textContent, one.querySelector("span").textContent, one.querySelector("p").textContent,
    one.className, one.querySelector(".ae-yours").hidden ? "" : one.querySelector(".ae-yours").textContent,
    one.querySelector(".ae-right")?.textContent ?? ""]),
})"""
SAYS = {"": "Choose an option, then vote to go on.", "-": "You went on without voting."}


def vote_by_hand(chosen="", voted="", changing=False):
    """What a vote shows when an option is chosen, what was remembered, and while the latter is being changed."""
    is_open = changing or not voted
    if is_open:
        sentence = f"You have chosen {chosen}. Vote to go on." if chosen else SAYS[""]
        buttons = [["Vote to go on", "false" if chosen else "true"]] + [["Show me without voting", None]] * (not changing)
    else:
        sentence = SAYS.get(voted, f"You chose {voted}. The answer is further down.")
        buttons = [["Vote after all" if voted == "-" else "Change my vote", None]]
    shown = chosen if is_open else voted
    look = {True: "ae-option ae-chosen", False: "ae-option"}
    options = [[one, text, one == shown, not is_open, look[one == shown]] for one, text in OPTIONS.items()]
    return {"sentence": sentence, "question": QUESTION, "options": options, "buttons": buttons}


def verdict_by_hand(voted=""):
    sentence = {
        "": "You did not vote. The answer is B.",
        "-": "You did not vote. The answer is B.",
        "A": "You chose A. The answer is B.",
        "B": "You chose B, which is right.",
        "C": "You chose C. The answer is B.",
    }[voted]
    rows = {one: ("ae-holds", "✓ right") if one == ANSWER else ("", "") for one in OPTIONS}
    lines = [
        [one, OPTIONS[one], REASONS[one], look, "your choice" if one == voted else "", right]
        for one, (look, right) in rows.items()
    ]
    return {"sentence": sentence, "question": QUESTION, "lines": lines}


@pytest.fixture(params=[True, False], ids=["stores", "may not store"])
def may_store(request):
    return request.param


@pytest.fixture
def page(chromium, may_store):
    page = open_core(chromium, may_store)
    page.evaluate("core.forget()")
    yield page
    page.close()


@pytest.fixture
def asked():
    return ae.vote(QUESTION, OPTIONS, id=ID)


def test_a_verdict_follows_its_vote(page, asked, may_store):
    verdict, ended, vote = (Shown(page, one) for one in (asked.verdict(ANSWER, REASONS), asked.verdict(ANSWER, REASONS), asked))
    page.evaluate("end", ended.number)

    def shows(remembered, **voted):
        assert page.evaluate("id => core.recall(id)", ID) == remembered
        assert page.evaluate(VOTE, vote.number) == vote_by_hand(**voted)
        assert page.evaluate(VERDICT, verdict.number) == verdict_by_hand(remembered or "")

    def press(name):
        page.get_by_role("button", name=name, exact=True).click(force=True)  # also one that says it is disabled

    vote.at()
    shows(None)
    press("Vote to go on")  # nothing is chosen yet
    shows(None)
    page.get_by_role("radio", name="the egg").click()
    shows(None, chosen="A")
    press("Vote to go on")
    shows("A", chosen="A", voted="A")
    assert vote.state == {"choice": "A"}
    press("Change my vote")
    shows("A", chosen="A", voted="A", changing=True)  # what was opened stays open
    page.keyboard.press("ArrowDown")
    shows("A", chosen="B", voted="A", changing=True)
    page.keyboard.press("Enter")
    shows("B", chosen="B", voted="B")
    press("Change my vote")
    page.get_by_role("radio", name="neither <b>").click()
    press("Vote to go on")
    shows("C", chosen="C", voted="C")
    assert page.evaluate(VERDICT, ended.number) == verdict_by_hand()  # it listens no longer
    page.evaluate("core.remember('01-hen', 'A')")  # another question
    again = Shown(page, asked)
    assert page.evaluate(VOTE, again.number) == vote_by_hand("C", "C")
    press("Change my vote")
    assert page.evaluate(VOTE, again.number) == vote_by_hand("C", "C", changing=True)
    page.evaluate("delete window.aehelpers")  # as when the page is loaded again
    assert page.evaluate("id => core.recall(id)", ID) == ("C" if may_store else None)


def test_reading_on_without_a_vote(page, asked):
    verdict, vote = (Shown(page, one) for one in (asked.verdict(ANSWER, REASONS), asked))
    vote.at()
    page.get_by_role("button", name="Show me without voting").click()
    assert page.evaluate("id => core.recall(id)", ID) == "-" and page.evaluate(VERDICT, verdict.number) == verdict_by_hand("-")
    assert page.evaluate(VOTE, vote.number) == vote_by_hand(voted="-")
    page.get_by_role("button", name="Vote after all").click()
    assert page.evaluate(VOTE, vote.number) == vote_by_hand(voted="-", changing=True)
    page.get_by_role("radio", name="the hen").click()
    page.get_by_role("button", name="Vote to go on").click()
    assert page.evaluate("id => core.recall(id)", ID) == "B"


def test_the_focus_is_never_lost(page, asked):
    focused = "document.activeElement.textContent || document.activeElement.value"
    Shown(page, asked).at()
    for key, on in [("Tab", "A"), ("Tab", "Vote to go on"), ("Enter", "A"), ("ArrowUp", "C"), ("Tab", "Vote to go on")]:
        page.keyboard.press(key)
        assert page.evaluate(focused) == on, key
    page.keyboard.press("Space")
    assert page.evaluate(focused) == "Change my vote"
    page.keyboard.press("Enter")
    assert page.evaluate(focused) == "C"
    # A page may move it to what has opened.
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<h2 tabindex=-1>opened</h2>')")
    page.evaluate("core.onRemembered(() => document.querySelector('h2').focus(), new AbortController().signal)")
    page.keyboard.press("Enter")
    assert page.evaluate(focused) == "opened"


def test_a_link_shows_and_votes_for_nothing(page, asked):
    vote = Shown(page, asked)
    assert vote.at(choice="C").sentence == "You have chosen C. Vote to go on."
    assert vote.at(choice="Z").sentence == SAYS[""]
    assert page.evaluate("id => core.recall(id)", ID) is None
    page.evaluate("id => core.remember(id, 'A')", ID)
    vote.at(choice="C")
    assert page.evaluate(VOTE, vote.number) == vote_by_hand(voted="A")


def test_a_gate_with_two_votes_opens_after_both(page, asked):
    vote = Shown(page, asked)
    page.evaluate("id => document.body.insertAdjacentHTML('beforeend', `<p class=gate data-votes='${id} 01-hen'></p>`)", ID)
    for name, sentence in {
        ID: "You chose A. The answer opens after the other votes.",
        "01-hen": "You chose A. The answer is further down.",
    }.items():
        page.evaluate("name => core.remember(name, 'A')", name)
        assert page.evaluate(VOTE, vote.number)["sentence"] == sentence


def test_jupyterlab_is_told_where_to_click(page, asked):
    vote = Shown(page, asked)
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    for value, sentence in {
        "A": 'You chose A. To go on, press the button "cells hidden" below the next heading, if it is there.',
        "-": 'You went on without voting: press the button "cells hidden" below the next heading, if it is there.',
    }.items():
        page.evaluate("([id, value]) => core.remember(id, value)", [ID, value])
        assert page.evaluate(VOTE, vote.number)["sentence"] == sentence


def test_all_is_forgotten_and_nothing_else(page, asked, may_store):
    if may_store:
        page.evaluate("localStorage.setItem('of another', '1')")
    page.evaluate("core.remember('q', 'B'); core.forget()")
    assert page.evaluate("core.recall('q')") is None
    if may_store:
        assert page.evaluate("Object.keys(localStorage)") == ["of another"]
        page.evaluate("localStorage.clear()")


@pytest.mark.parametrize(
    ("answer", "reasons", "message"),
    [
        ("D", REASONS, "answer must be one of A, B, C, but it is 'D'"),
        ("B", {"A": "omelettes", "C": "evolution"}, "reasons must be given for A, B, C, but they are for A, C"),
    ],
)
def test_a_verdict_has_a_reason_for_each_option(asked, answer, reasons, message):
    with pytest.raises(ValueError, match=message):
        asked.verdict(answer, reasons)
