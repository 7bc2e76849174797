"""The questions that a teacher can choose are those of the lessons, with their right answers."""

import json
import re

import nbformat

from classroom.votes.catalogue import ROOT, catalogue

QUESTIONS = catalogue()
DISPLAYS = ROOT / "notebooks" / "displays"


def test_all_votes_are_there_with_the_answers_of_their_verdicts():
    verdicts = [json.loads(path.read_text(encoding="utf-8")) for path in DISPLAYS.glob("*-verdict*.json")]
    votes = {key: one for key, one in QUESTIONS.items() if one["kind"] == "vote"}
    assert {one["id"] for one in verdicts} == set(votes)
    for one in verdicts:
        vote = votes[one["id"]]
        assert (vote["text"], vote["options"]) == (one["name"], one["options"])
        assert (vote["answer"], vote["reasons"]) == (one["answer"], one["reasons"])


def test_mirror_questions_and_exercises_with_choices_are_there():
    kinds = [one["kind"] for one in QUESTIONS.values()]
    tests = len(list(DISPLAYS.glob("*-self_test*.json")))
    assert tests and kinds.count("mirror") == 2 * tests
    told = [json.loads(path.read_text(encoding="utf-8")) for path in DISPLAYS.glob("*-exercise*.json")]
    assert {key for key, one in QUESTIONS.items() if one["kind"] == "exercise"} == {one["id"] for one in told if one["options"]}
    for one in QUESTIONS.values():
        assert one["answer"] in one["options"] and one["reasons"][one["answer"]]


def test_they_come_lesson_by_lesson_and_in_its_order():
    order = {"vote": 0, "mirror": 1, "exercise": 2}
    places = [(one["lesson"], order[one["kind"]]) for one in QUESTIONS.values()]
    assert places == sorted(places)
    for path in (ROOT / "notebooks").glob("0*.ipynb"):
        sources = "".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
        votes = [key for key, one in QUESTIONS.items() if one["lesson"] == path.name[:2] and one["kind"] == "vote"]
        # Votes are made with their question first and their id somewhere in the call.
        assert votes == re.findall(r'ae\.vote\((?:(?!ae\.vote\().)*?\bid="([^"]+)"', sources, re.DOTALL)


def test_a_place_is_a_notebooks_page_and_the_id_that_the_website_gives_a_display():
    for one in QUESTIONS.values():
        page, anchor = one["place"].split("#")
        assert (ROOT / "notebooks" / page).with_suffix(".ipynb").exists()
        assert (DISPLAYS / f"{one['lesson']}-{anchor.removeprefix('display-')}.json").exists()
