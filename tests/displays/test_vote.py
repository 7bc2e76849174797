"""A vote, the verdict further down, and how the one tells the other."""

import aehelpers as ae
import pytest

from tests.displays.reading import Shown, open_core

OPTIONS = {"A": "the egg", "B": "the hen", "C": "neither <b>"}
REASONS = {"A": "omelettes", "C": "evolution"}
QUESTION, ANSWER = "What comes <first>?", "B"
VOTE = """number => ({
  sentence: rootOf(number).querySelector(".ae-sentence").textContent,
  question: rootOf(number).querySelector(".ae-question").textContent,
  name: rootOf(number).querySelector(".ae-vote").getAttribute("aria-label"),
  buttons: Array.from(rootOf(number).querySelectorAll("button"), one =>
    [...Array.from(one.children, part => part.textContent), one.getAttribute("aria-pressed")]),
})"""
VERDICT = """number => ({
  sentence: rootOf(number).querySelector(".ae-sentence").textContent,
  question: rootOf(number).querySelector(".ae-question").textContent,
  lines: Array.from(rootOf(number).querySelectorAll("li"), one => [
    one.querySelector("b").textContent, one.querySelector("span").textContent, one.querySelector("p").textContent,
    one.className, one.querySelector(".ae-yours").hidden ? "" : one.querySelector(".ae-yours").textContent]),
})"""


def vote_by_hand(chosen):
    sentence = f"You chose {chosen}. What came of it is shown further down." if chosen else "Choose before you read on."
    buttons = [[letter, text, "true" if letter == chosen else "false"] for letter, text in OPTIONS.items()]
    return {"sentence": sentence, "question": QUESTION, "name": QUESTION, "buttons": buttons}


def verdict_by_hand(chosen):
    sentence = {
        "": "You have not voted. The answer is B.",
        "A": "You chose A; the answer is B.",
        "B": "You chose B, and so it is.",
        "C": "You chose C; the answer is B.",
    }[chosen]
    rows = {"A": ("omelettes", ""), "B": ("This is what was measured.", "ae-holds"), "C": ("evolution", "")}
    lines = [[one, OPTIONS[one], *row, "your choice" if one == chosen else ""] for one, row in rows.items()]
    return {"sentence": sentence, "question": QUESTION, "lines": lines}


@pytest.mark.parametrize("may_store", [True, False])
def test_a_verdict_follows_its_vote(chromium, may_store):
    page = open_core(chromium, may_store)
    asked = ae.vote(QUESTION, OPTIONS)
    verdict, ended, vote = (Shown(page, one) for one in (asked.verdict(ANSWER, REASONS), asked.verdict(ANSWER, REASONS), asked))
    page.evaluate("end", ended.number)

    def recalled():
        return page.evaluate("name => core.recall(name)", QUESTION)

    assert recalled() is None and page.evaluate(VOTE, vote.number) == vote_by_hand("")
    assert page.evaluate(VERDICT, verdict.number) == verdict_by_hand("")
    vote.at()
    for letter, chosen in [("A", "A"), ("B", "B"), ("B", ""), ("C", "C"), ("A", "A")]:
        page.get_by_role("button", name=OPTIONS[letter]).click()
        assert recalled() == vote.state["choice"] == chosen
        assert page.evaluate(VOTE, vote.number) == vote_by_hand(chosen)
        assert page.evaluate(VERDICT, verdict.number) == verdict_by_hand(chosen)
    assert page.evaluate(VERDICT, ended.number) == verdict_by_hand("")  # it listens no longer
    page.evaluate("core.remember('another question', 'C')")
    assert page.evaluate(VOTE, Shown(page, asked).number) == vote_by_hand("A")
    assert vote.at(choice="C").sentence == vote_by_hand("C")["sentence"]
    assert recalled() == "A"  # a link shows, and chooses nothing
    assert vote.at(choice="Z").sentence == vote_by_hand("A")["sentence"]
    page.evaluate("delete window.aehelpers")  # as when the page is loaded again
    assert recalled() == ("A" if may_store else None)
    page.evaluate(
        "may => { core.remember('q', 'B'); if (may) sessionStorage.setItem('of another', '1'); core.forget(); }", may_store
    )
    assert recalled() is None and page.evaluate("core.recall('q')") is None
    if may_store:
        assert page.evaluate("Object.keys(sessionStorage)") == ["of another"]
    assert page.evaluate(VERDICT, Shown(page, asked.verdict(ANSWER, REASONS)).number) == verdict_by_hand("")
    page.close()
