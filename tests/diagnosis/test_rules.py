"""How rules are added and asked, and which of their findings are kept."""

import pytest
from aehelpers.diagnosis import rules
from aehelpers.diagnosis.rules import Said, complete, find, rule

READ = ("04_the_grey_image_bug.ipynb", "See it")


@pytest.fixture(autouse=True)
def no_rules(monkeypatch):
    monkeypatch.setattr(rules, "RULES", {})


def says(code, severity="weak", explains=(), evidence=()):
    """Add a rule that always says its code."""

    @rule(code, read=READ, explains=explains)
    def look(data):
        return Said(severity, f"{code}.", "Nothing.", evidence)


def found(data="data"):
    return [finding.code for finding in find({"data": data}, {"rows": 7})]


class TestWhatIsRefused:
    def test_unknown_facts(self):
        with pytest.raises(TypeError, match=r"^the rule a asks for dreams, weather, but the steps are code, data, e, "):
            rule("a", read=READ)(lambda data, dreams, weather=None: None)
        assert rules.RULES == {}

    def test_a_second_rule_of_one_code(self):
        says("a")
        with pytest.raises(TypeError, match=r"^there are two rules for a$"):
            says("a")

    @pytest.mark.parametrize("read", [("04_the_grey_image_bug.ipynb",), ("04_the_grey_image_bug", "See it"), (*READ, "more")])
    def test_a_reading_that_is_no_heading_of_a_notebook(self, read):
        with pytest.raises(TypeError, match=r"^the rule a must name a notebook and a heading"):
            rule("a", read=read)(lambda data: None)

    def test_an_explained_code_without_a_rule(self):
        says("a", explains=("b", "c"))
        says("b")
        with pytest.raises(TypeError, match=r"^the rule a explains c, for which there is no rule$"):
            complete()
        says("c")
        complete()


class TestWhatIsAsked:
    def test_not_without_the_facts_that_it_needs(self):
        asked = []
        rule("a", read=READ)(lambda data, loss=None: asked.append((data, loss)))
        find({"data": None, "loss": 1}, {})
        assert asked == []
        find({"data": 1, "loss": None}, {})
        find({"data": 1}, {})
        find({"data": 1, "loss": 2}, {})
        assert asked == [(1, None), (1, None), (1, 2)]

    def test_evidence_is_taken_from_the_facts(self):
        says("a", evidence=("rows",))
        (finding,) = find({"data": 1}, {"rows": 7, "cells": 3})
        assert finding.evidence == {"rows": 7} and finding.read == READ and finding.sentence == "a."


class TestWhatIsKept:
    def test_worst_first_then_in_the_order_of_the_rules(self):
        for code, severity in (("a", "note"), ("b", "weak"), ("c", "broken"), ("d", "weak")):
            says(code, severity)
        assert found() == ["c", "b", "d", "a"]

    def test_not_what_another_one_explains(self):
        says("a", explains=("b",))
        says("b")
        says("c")
        assert found() == ["a", "c"]

    def test_what_is_explained_still_explains(self):
        says("a", explains=("b",))
        says("b", explains=("c",))
        says("c")
        assert found() == ["a"]

    def test_a_note_explains_nothing(self):
        says("a", "note", explains=("b",))
        says("b")
        assert found() == ["b", "a"]

    def test_of_a_circle_the_first_rule_stays(self):
        says("a", explains=("b",))
        says("b", "broken", explains=("a",))
        assert found() == ["a"]

    def test_what_was_not_found_explains_nothing(self):
        rule("a", read=READ, explains=("b",))(lambda data: None)
        says("b", explains=("a",))
        assert found() == ["b"]
