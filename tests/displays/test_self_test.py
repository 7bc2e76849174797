"""A self-test: it counts, marks what is right, and gives reasons only then."""

import aehelpers as ae
import pytest
from aehelpers.displays.page import as_json

from tests.displays.reading import Shown

QUESTIONS = [
    {
        "question": "What comes first?",
        "options": {"A": "the egg", "B": "the hen"},
        "answer": "B",
        "reasons": {"A": "Omelettes tempt.", "B": "Somebody lays."},
    },
    {
        "question": "And then?",
        "options": {"A": "a nest", "B": "a fox", "C": "a <b>"},
        "answer": "A",
        "reasons": {"A": "Straw helps.", "B": "Foxes wait.", "C": "Typed wrongly."},
    },
]
START = "Answer both questions, then check them."
SEEN = """() => Array.from(document.querySelectorAll("fieldset"), box => ({
  question: box.querySelector("legend").textContent,
  options: Array.from(box.querySelectorAll("label"), one => Array.from(one.children, part => part.textContent).slice(1)),
  right: Array.from(box.querySelectorAll(".ae-holds b"), one => one.textContent),
  chosen: Array.from(box.querySelectorAll(".ae-chosen b"), one => one.textContent),
  isOpen: box.querySelector("details")?.open,
  reasons: Array.from(box.querySelectorAll("li"), one => one.textContent),
}))"""


def by_hand(place, chosen, judged):
    one = QUESTIONS[place]
    marks = {letter: "✓ right" if judged and letter == one["answer"] else "" for letter in one["options"]}
    return {
        "question": f"{place + 1}. {one['question']}",
        "options": [[letter, text, marks[letter]] for letter, text in one["options"].items()],
        "right": [one["answer"]] if judged else [],
        "chosen": [chosen] if chosen else [],
        **({"isOpen": False} if judged else {}),
        "reasons": [f"{letter} {reason}" for letter, reason in one["reasons"].items()] if judged else [],
    }


@pytest.fixture
def display():
    return ae.self_test(QUESTIONS, id="01-self-test")


def test_two_questions_are_counted(core, display):
    core.evaluate("core.forget()")
    shown = Shown(core, display)
    assert shown.at().sentence == START

    def shows(sentence, first, second, judged=(False, False)):
        assert core.locator(".ae-sentence").inner_text() == sentence
        seen = core.evaluate(SEEN)
        assert [{key: value for key, value in one.items() if value is not None} for one in seen] == [
            by_hand(0, first, judged[0]),
            by_hand(1, second, judged[1]),
        ]

    def check(*names):
        for name in names:
            core.get_by_role("radio", name=name).check()
        core.get_by_role("button", name="check").click()

    check()
    shows(START, "", "")
    check("the egg")
    shows(START, "A", "")
    check("a fox")
    shows('You have 0 of 2 right. Open "Why?" for the reasons.', "A", "B", (True, True))
    core.get_by_role("radio", name="the hen").check()  # what is changed is open again
    shows('You have 0 of 2 right. Open "Why?" for the reasons.', "B", "B", (False, True))
    check()
    shows('You have 1 of 2 right. Open "Why?" for the reasons.', "B", "B", (True, True))
    check("a nest")
    shows('You have 2 of 2 right. Open "Why?" for the reasons.', "B", "A", (True, True))
    assert core.evaluate("core.recall('self-test:01-self-test')") == "2"
    assert Shown(core, display).at().sentence == "You had 2 of 2 right."
    core.evaluate("core.forget()")


def test_nothing_is_read_at_a_glance(display):
    text = as_json(display.data)
    assert not any(word in text for one in QUESTIONS for reason in one["reasons"].values() for word in reason.split())
    assert '"answer"' not in text
