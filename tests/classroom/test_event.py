"""What counts in a class vote, and who may know it when."""

import json

import pytest

from classroom.votes.event import (
    Ballot,
    Event,
    Refused,
    advice,
    changes_between,
    interval,
    report_of,
    rows_of,
    typed_question,
    view_of,
)
from classroom.votes.stores import perform

QUESTION = {
    "key": "01-gradient",
    "kind": "vote",
    "lesson": "01",
    "place": "01_why.html#display-vote",
    "text": "Why?",
    "options": {"A": "Because.", "B": "By chance.", "C": "It does not."},
    "answer": "C",
    "reasons": {"A": "no", "B": "no", "C": "yes"},
}
NOTHING = {"counts": {}, "changes": {}}


class Class:
    """An event and the ballot of its question, as a store keeps them."""

    def __init__(self):
        self.event, self.ballot = Event(), Ballot()

    def act(self, what, **details):
        perform(self.event, self.ballot.tally, what, **details)
        if what == "open":
            entry = self.event.current
            self.ballot = Ballot(entry["number"], entry["question"]["options"], b"key")
        if what == "close":
            self.ballot.close(self.event.current["round"])
        return self

    def vote(self, **choices):
        for token, choice in choices.items():
            self.ballot.vote(token, self.event.current["round"], choice)
        return self

    def view(self, role="student"):
        return view_of(self.event, self.ballot.tally, role)["current"]

    def hands(self, number, **counts):
        return self.act("hands", number=number, counts=counts)


@pytest.fixture
def a_class():
    return Class().act("open", question=dict(QUESTION))


def refused(reason, act, *arguments, **details):
    with pytest.raises(Refused) as caught:
        act(*arguments, **details)
    assert caught.value.reason == reason and str(caught.value).endswith(".")


def test_one_browser_has_one_vote_and_may_change_it(a_class):
    a_class.vote(anna="A", ben="B").vote(anna="C").vote(anna="C")
    assert a_class.ballot.tally["counts"] == {"1": {"B": 1, "C": 1}}
    assert a_class.ballot.mine("anna") == {"number": 1, "votes": {"1": "C"}, "counted": []}
    assert a_class.ballot.mine("somebody") == {"number": 1, "votes": {}, "counted": []}


def test_a_choice_is_one_of_the_options(a_class):
    for choice in ("D", "", "AB", "a", "<b>"):
        refused("choice", a_class.ballot.vote, "anna", 1, choice)
    assert a_class.ballot.tally["counts"].get("1", {}) == {}


ORDERS = {
    "again": {"before": "phase", "closed": None, "told": "verdict"},
    "close": {"before": None, "closed": "phase", "told": "phase"},
    "show": {"before": "phase", "closed": None, "told": None},
    "verdict": {"before": "phase", "closed": None, "told": None},
    "finish": {"before": "phase", "closed": None, "told": None},
}


@pytest.mark.parametrize("what", ORDERS)
def test_what_may_be_done_when(what):
    refused("nothing", Class().act, what)
    for when, reason in ORDERS[what].items():
        one = Class().act("open", question=dict(QUESTION))
        if when != "before":
            one.act("close")
        if when == "told":
            one.act("verdict")
        if reason:
            refused(reason, one.act, what)
        else:
            one.act(what)


def test_there_are_two_rounds_and_the_second_begins_empty(a_class):
    a_class.vote(anna="A", ben="C").act("close").act("again")
    assert a_class.event.open_round == (1, 2) and a_class.view("teacher")["voted"] == 0
    a_class.vote(anna="C").act("close")
    refused("rounds", a_class.act, "again")
    assert a_class.ballot.tally["counts"] == {"1": {"A": 1, "C": 1}, "2": {"C": 1}}
    assert a_class.ballot.mine("anna")["votes"] == {"1": "A", "2": "C"}


def test_no_call_of_another_name(a_class):
    for what in ("state", "needed", "__init__", "counts", ""):
        refused("what", a_class.act, what)


@pytest.mark.parametrize("role", ["student", "projector", "teacher"])
def test_nobody_sees_a_count_while_a_vote_is_open(a_class, role):
    a_class.vote(anna="A", ben="C", carla="C")
    assert a_class.view(role)["counts"] == {} and "advice" not in a_class.view(role)
    a_class.act("close").act("show").act("again").vote(anna="C")
    assert a_class.view(role)["counts"] == {}  # nor that of the first vote while the second is open


@pytest.mark.parametrize("role", ["student", "projector"])
def test_the_class_sees_what_was_shown_and_the_answer_after_the_verdict(a_class, role):
    def told():
        return json.dumps(a_class.view(role))

    a_class.vote(anna="A", ben="C").act("close")
    assert a_class.view(role)["counts"] == {} and "share" not in told()
    a_class.act("show")
    assert a_class.view(role)["counts"] == {"1": {"A": 1, "B": 0, "C": 1}}
    a_class.act("again").vote(anna="C", ben="C").act("close")
    assert a_class.view(role)["counts"] == {"1": {"A": 1, "B": 0, "C": 1}}  # the second is not shown yet
    a_class.act("show")
    assert a_class.view(role)["counts"]["2"] == {"A": 0, "B": 0, "C": 2}
    assert "answer" not in told() and "reasons" not in told()
    a_class.act("verdict")
    assert a_class.view(role)["answer"] == "C" and a_class.view(role)["reasons"] == QUESTION["reasons"]
    assert "anna" not in told()


def test_students_are_not_told_how_many_have_voted(a_class):
    a_class.vote(anna="A", ben="C")
    assert "voted" not in a_class.view("student")
    assert [a_class.view(role)["voted"] for role in ("projector", "teacher")] == [2, 2]


@pytest.mark.parametrize(
    "right,wrong,wanted",
    [
        (0, 0, None),
        (0, 5, "explain"),
        (29, 71, "explain"),
        (30, 70, "argue"),
        (8, 2, "argue"),
        (81, 19, "go on"),
        (4, 0, "go on"),
    ],
)
def test_the_advice_follows_the_share_that_is_right(a_class, right, wrong, wanted):
    a_class.hands(1, C=right, A=wrong).act("close")
    assert a_class.view("teacher")["advice"] == wanted
    assert wanted or advice(None) is None


def test_hands_are_added_to_the_phones_and_can_be_corrected(a_class):
    a_class.vote(anna="A").hands(1, A=3, C=20).hands(1, A=2, C=20).act("close")
    assert a_class.view("teacher")["voted"] == 23 and a_class.view("teacher")["counts"]["1"] == {"A": 3, "B": 0, "C": 20}
    for number, counts, reason in (
        (2, {"A": 1}, "rounds"),
        (0, {"A": 1}, "rounds"),
        (True, {"A": 1}, "rounds"),
        ("1", {"A": 1}, "rounds"),
        (1, {"D": 1}, "choice"),
        (1, ["A"], "choice"),
        (1, {"A": -1}, "number"),
        (1, {"A": 1.5}, "number"),
        (1, {"A": True}, "number"),
        (1, {"A": 10**9}, "number"),
    ):
        refused(reason, a_class.act, "hands", number=number, counts=counts)
    assert a_class.view("teacher")["voted"] == 23


def test_who_changed_is_counted_when_the_second_vote_closes(a_class):
    a_class.vote(anna="A", ben="B", carla="C", dora="A").act("close").act("again")
    a_class.vote(anna="C", ben="B", carla="C", emil="C").act("close")
    assert a_class.ballot.tally["changes"] == {"A>C": 1, "B>B": 1, "C>C": 1}  # dora and emil voted once
    assert changes_between({}, {"anna": "A"}) == {}


def test_a_question_that_is_over_leaves_counts_and_no_votes(a_class):
    a_class.vote(anna="A", ben="B").act("close").act("again").vote(anna="C").act("close")
    a_class.act("open", question={**QUESTION, "key": "01-self-test-1", "kind": "mirror"}, mirror_of=1)
    first, second = a_class.event.state["asked"]
    assert first["counts"] == {"1": {"A": 1, "B": 1}, "2": {"C": 1}} and first["changes"] == {"A>C": 1}
    assert second["number"] == 2 and second["mirror_of"] == 1 and a_class.ballot.votes == {}
    assert "anna" not in json.dumps(a_class.event.state)


def test_a_question_mirrors_one_that_was_asked(a_class):
    a_class.act("close")
    for mirrored in (2, 0, "1", [1]):
        refused("mirror", a_class.act, "open", question=dict(QUESTION), mirror_of=mirrored)


def test_only_an_open_vote_keeps_a_new_question_away(a_class):
    refused("phase", a_class.event.open, dict(QUESTION))
    a_class.act("close").act("open", question=dict(QUESTION))
    assert [entry["number"] for entry in a_class.event.state["asked"]] == [1, 2]
    a_class.act("close").act("finish")
    assert a_class.event.current is None and a_class.view() is None


def test_a_typed_question():
    typed = typed_question(" <b>Why</b>? ", ["one ", "two"], "B")
    assert typed["text"] == "<b>Why</b>?" and typed["options"] == {"A": "one", "B": "two"} and typed["answer"] == "B"
    for arguments in (
        ("", ["one", "two"]),
        (None, ["one", "two"]),
        ("x" * 401, ["one", "two"]),
        ("Why?", ["one"]),
        ("Why?", ["one"] * 7),
        ("Why?", "AB"),
        ("Why?", ["one", ""]),
        ("Why?", ["one", 2]),
        ("Why?", ["one", "x" * 201]),
    ):
        refused("text", typed_question, *arguments)
    refused("choice", typed_question, "Why?", ["one", "two"], "C")


def test_the_answer_of_a_typed_question_may_come_with_the_verdict():
    one = Class().act("open", question=typed_question("Why?", ["one", "two"])).vote(anna="B").act("close")
    assert one.view("teacher")["advice"] is None and one.view("teacher")["has_answer"] is False
    refused("choice", one.act, "verdict", answer="C")
    assert one.act("verdict", answer="B").view()["answer"] == "B"
    catalogued = Class().act("open", question=dict(QUESTION)).act("close").act("verdict", answer="A")
    assert catalogued.view()["answer"] == "C"


def test_after_a_restart_a_vote_is_counted_and_cannot_be_changed(a_class):
    a_class.vote(anna="A", ben="C")
    kept = json.loads(json.dumps(a_class.ballot.kept()))
    later = Ballot(1, QUESTION["options"], b"key", kept)
    assert later.tally["counts"] == {"1": {"A": 1, "C": 1}}
    refused("counted", later.vote, "anna", 1, "C")
    later.vote("carla", 1, "B")
    assert later.tally["counts"] == {"1": {"A": 1, "B": 1, "C": 1}}
    assert later.mine("anna") == {"number": 1, "votes": {}, "counted": [1]} and later.mine("carla")["counted"] == []
    later.vote("anna", 2, "C")  # in the second vote everybody votes again
    assert later.mine("anna")["votes"] == {"2": "C"}
    again = Ballot(1, QUESTION["options"], b"key", json.loads(json.dumps(later.kept())))
    for token, number in (("anna", 1), ("ben", 1), ("carla", 1), ("anna", 2)):
        refused("counted", again.vote, token, number, "B")


def test_the_kept_file_tells_nothing_of_a_choice(a_class):
    """Neither the names of browsers, nor their order, nor hashes that could be made without the key."""
    tokens = [f"token-{i}" for i in range(30)]
    a_class.vote(**{token: "ABC"[i % 3] for i, token in enumerate(tokens)})
    kept = a_class.ballot.kept()
    assert kept["voted"]["1"] == sorted(kept["voted"]["1"]) and len(set(kept["voted"]["1"])) == 30
    assert not any(token in json.dumps(kept) for token in tokens)
    assert kept.keys() == {"number", "counts", "changes", "voted"}
    other_key = Ballot(1, QUESTION["options"], b"other")
    assert not {other_key.hash_of(token, 1) for token in tokens} & set(kept["voted"]["1"])
    assert a_class.ballot.hash_of("token-1", 1) != a_class.ballot.hash_of("token-1", 2)


def test_the_report_says_who_changed_to_right_and_to_wrong(a_class):
    a_class.vote(a="A", b="A", c="B", d="C", e="C").act("close").act("again")
    a_class.vote(a="C", b="B", c="C", d="A", e="C", f="C").hands(2, A=2).act("close")
    (row,) = report_of(a_class.event, a_class.ballot.tally)
    assert [one["votes"] for one in row["rounds"]] == [5, 8] and [one["hands"] for one in row["rounds"]] == [0, 2]
    assert (row["rounds"][0]["right"]["part"], row["rounds"][1]["right"]["part"]) == (2, 4)
    changes = row["changes"]
    kinds = {"known": 5, "stayed_right": 1, "to_wrong": 1, "to_right": 2, "stayed_wrong": 1}
    assert {name: changes[name] for name in kinds} == kinds
    assert (changes["share_to_right"]["part"], changes["share_to_right"]["whole"]) == (2, 3)
    assert (changes["share_to_wrong"]["part"], changes["share_to_wrong"]["whole"]) == (1, 2)


def test_the_report_leaves_out_an_open_vote_and_shares_of_nothing(a_class):
    a_class.vote(a="A")
    (row,) = report_of(a_class.event, a_class.ballot.tally)
    assert row["rounds"] == [] and row["changes"] is None
    empty = Class().act("open", question=dict(QUESTION)).act("close")
    assert report_of(empty.event, empty.ballot.tally)[0]["rounds"][0]["right"] is None


def test_the_interval_is_wilsons():
    low, high = interval(5, 10)
    assert (round(low, 4), round(high, 4)) == (0.2366, 0.7634)
    assert interval(0, 10)[0] == 0 and round(interval(0, 10)[1], 3) == 0.278 and interval(10, 10)[1] == 1


def test_the_csv_has_counts_only_and_no_formula(a_class):
    a_class.vote(anna="A", ben="C").hands(1, B=4).act("close").act("again").vote(anna="C", ben="C").act("close")
    a_class.act("open", question=typed_question('=HYPERLINK("x")', ["one", "two"])).vote(anna="A")
    rows = rows_of(a_class.event, a_class.ballot.tally)
    head = [1, "01-gradient", "Why?", "vote", ""]
    assert rows[:3] == [[*head, "phones", 1, "A", 0, 1], [*head, "phones", 1, "B", 0, 0], [*head, "phones", 1, "C", 1, 1]]
    assert [*head, "hands", 1, "B", 0, 4] in rows and [*head, "changed", "1>2", "A>C", 1, 1] in rows
    assert all(row[0] == 1 for row in rows)  # of the open vote nothing is written
    a_class.act("close")
    assert {row[2] for row in rows_of(a_class.event, a_class.ballot.tally)} == {"Why?", '\'=HYPERLINK("x")'}


def test_another_class_begins_with_nothing_but_goes_on_counting():
    """A page that slept through the end of a class must not take the first question of the next for one that it knows."""
    event = Event()
    for _ in range(2):
        event.open(QUESTION)
        with pytest.raises(Refused):
            event.new()
        event.close()
        event.finish(NOTHING)
    event.new()
    assert event.current is None and event.state["asked"] == [] and rows_of(event, NOTHING) == []
    event.open(QUESTION)
    assert event.open_round == (3, 1)
    event.close()
    event.new()
    event.open(QUESTION)
    assert event.open_round == (4, 1)
    with pytest.raises(Refused):
        Event(event.state).open(QUESTION, mirror_of=1)
