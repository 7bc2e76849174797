"""What happens in a class that votes: questions, rounds, counts. No network, no files, no clock.

``Event`` is what everybody may know once it is shown: which question, which round, open or closed, the show of hands, and
the counts of questions that are over. ``Ballot`` holds the single votes of the question under way, and forgets them when it
is over. What counts is decided here; a store (``stores.py``) keeps the two.
"""

import hashlib
import hmac
import math

LETTERS = "ABCDEF"
ROUNDS = 2
MOST_HANDS = 10_000
LONGEST = {"question": 400, "option": 200}  # characters of what a teacher types
ARGUE = (0.3, 0.8)  # shares of right answers between which a discussion helps most


class Refused(Exception):
    """A call that makes no sense now; ``reason`` is a word for programs, the message a sentence for people."""

    def __init__(self, reason, sentence):
        super().__init__(sentence)
        self.reason = reason


class Event:
    """The questions of one class, in the order in which they were asked; ``state`` is plain JSON."""

    def __init__(self, state=None):
        self.state = state or {"version": 0, "under_way": False, "before": 0, "asked": []}

    @property
    def current(self):
        """The entry of the question under way, or None."""
        return self.state["asked"][-1] if self.state["under_way"] else None

    @property
    def open_round(self):
        """The number of the question and the round in which votes are accepted now, or None."""
        entry = self.current
        return (entry["number"], entry["round"]) if entry and entry["phase"] == "open" else None

    def needed(self, phase=None):
        entry = self.current
        if not entry:
            raise Refused("nothing", "No question is under way.")
        if phase and entry["phase"] != phase:
            raise Refused("phase", "The vote is still open." if phase == "closed" else "The vote is closed.")
        return entry

    def open(self, question, mirror_of=None):
        """Ask a question: its first round is open. The question before it is over."""
        if self.open_round:
            raise Refused("phase", "The vote is still open.")
        earlier = [entry["number"] for entry in self.state["asked"]]
        if mirror_of is not None and mirror_of not in earlier:
            raise Refused("mirror", "A question can only mirror one that was asked before.")
        self.state["asked"].append(
            {
                "number": self.state.get("before", 0) + len(earlier) + 1,
                "question": question,
                "mirror_of": mirror_of,
                "round": 1,
                "phase": "open",
                "shown": 0,
                "verdict": False,
                "hands": {},
                "counts": {},
                "changes": {},
            }
        )
        self.state["under_way"] = True

    def again(self):
        """Open the second round."""
        entry = self.needed("closed")
        if entry["verdict"]:
            raise Refused("verdict", "The class knows the answer already.")
        if entry["round"] == ROUNDS:
            raise Refused("rounds", "The class has voted twice on this question.")
        entry["round"] += 1
        entry["phase"] = "open"

    def close(self):
        self.needed("open")["phase"] = "closed"

    def show(self):
        """Show the histograms of all rounds so far."""
        entry = self.needed("closed")
        entry["shown"] = entry["round"]

    def verdict(self, answer=None):
        """Tell the right answer; ``answer`` is for a question that was typed in without one."""
        entry = self.needed("closed")
        question = entry["question"]
        if question["answer"] is None and answer is not None:
            if answer not in question["options"]:
                raise Refused("choice", "There is no such option.")
            question["answer"] = answer
        entry["verdict"] = True

    def hands(self, number, counts):
        """Set how many hands went up in a round, beside the votes by phone."""
        entry = self.needed()
        if type(number) is not int or not 1 <= number <= entry["round"]:
            raise Refused("rounds", "The class has not voted in that round.")
        if not isinstance(counts, dict) or not counts.keys() <= entry["question"]["options"].keys():
            raise Refused("choice", "There is no such option.")
        if not all(type(count) is int and 0 <= count <= MOST_HANDS for count in counts.values()):
            raise Refused("number", f"A number of hands is a whole number from 0 to {MOST_HANDS}.")
        entry["hands"][str(number)] = {letter: count for letter, count in counts.items() if count}

    def finish(self, tally):
        """Put the question away, with the counts that remain of it."""
        entry = self.needed("closed")
        entry["counts"], entry["changes"] = tally["counts"], tally["changes"]
        self.state["under_way"] = False

    def new(self):
        """Begin with another class. Numbers go on: a page that slept must not take a question for one of the last class."""
        if self.open_round:
            raise Refused("phase", "The vote is still open.")
        self.state["before"] = self.state.get("before", 0) + len(self.state["asked"])
        self.state["asked"], self.state["under_way"] = [], False


def typed_question(text, options, answer=None):
    """Return a question that a teacher has typed in."""
    if not isinstance(text, str) or not 0 < len(text.strip()) <= LONGEST["question"]:
        raise Refused("text", f"A question has 1 to {LONGEST['question']} characters.")
    if not isinstance(options, list) or not 2 <= len(options) <= len(LETTERS):
        raise Refused("text", f"A question has 2 to {len(LETTERS)} options.")
    if not all(isinstance(option, str) and 0 < len(option.strip()) <= LONGEST["option"] for option in options):
        raise Refused("text", f"An option has 1 to {LONGEST['option']} characters.")
    named = {letter: option.strip() for letter, option in zip(LETTERS, options, strict=False)}
    if answer is not None and answer not in named:
        raise Refused("choice", "There is no such option.")
    return {
        "key": "typed",
        "kind": "typed",
        "text": text.strip(),
        "options": named,
        "answer": answer,
        "reasons": {},
        "place": None,
    }


class Ballot:
    """The votes of one question. After a restart it knows who has voted (as keyed hashes), but no longer what."""

    def __init__(self, number=0, options=(), key=b"", kept=None):
        self.number, self.options, self.key = number, tuple(options), key
        kept = kept or {}
        self.counts = {int(name): dict(counts) for name, counts in kept.get("counts", {}).items()}
        self.before = {int(name): set(hashes) for name, hashes in kept.get("voted", {}).items()}
        self.changes = dict(kept.get("changes", {}))
        self.votes = {}

    def hash_of(self, token, number):
        return hmac.new(self.key, f"{self.number}:{number}:{token}".encode(), hashlib.sha256).hexdigest()[:24]

    def vote(self, token, number, choice):
        """Count a vote in a round, in the place of an earlier one; return whether anything has changed."""
        if choice not in self.options:
            raise Refused("choice", "There is no such option.")
        if self.before.get(number) and self.hash_of(token, number) in self.before[number]:
            raise Refused("counted", "Your vote was counted before the server was started again, and stays as it was.")
        votes, counts = self.votes.setdefault(number, {}), self.counts.setdefault(number, {})
        former = votes.get(token)
        if former == choice:
            return False
        if former is not None:
            counts[former] -= 1
        counts[choice] = counts.get(choice, 0) + 1
        votes[token] = choice
        return True

    def close(self, number):
        """What is known of both rounds becomes counts when the second closes."""
        if number == ROUNDS:
            self.changes = changes_between(*(self.votes.get(one, {}) for one in (1, 2)))

    def mine(self, token):
        """Return what a browser has chosen, by round, and the rounds in which it is counted although nobody knows with what."""
        votes = {str(number): votes[token] for number, votes in self.votes.items() if token in votes}
        counted = [number for number, hashes in self.before.items() if hashes and self.hash_of(token, number) in hashes]
        return {"number": self.number, "votes": votes, "counted": counted}

    @property
    def tally(self):
        counts = {str(number): {letter: n for letter, n in one.items() if n} for number, one in self.counts.items()}
        return {"counts": counts, "changes": dict(self.changes)}

    def kept(self):
        """What a file may keep: counts, and who has voted, in an order that says nothing about the choice."""
        rounds = self.votes.keys() | self.before.keys()
        hashes = {number: {self.hash_of(token, number) for token in self.votes.get(number, ())} for number in rounds}
        voted = {str(number): sorted(hashes[number] | self.before.get(number, set())) for number in sorted(rounds)}
        return {"number": self.number, **self.tally, "voted": voted}


def changes_between(first, second):
    """Count who went from which option to which: ``{"A>B": 3}``; who voted once only is not among them."""
    changes = {}
    for token in first.keys() & second.keys():
        step = f"{first[token]}>{second[token]}"
        changes[step] = changes.get(step, 0) + 1
    return dict(sorted(changes.items()))


# ------------------------------------------------------------------------------------------------------- what is shown


def counts_of(entry, tally, number):
    """Return phones' votes and hands of a round together, for each option."""
    phones, hands = tally["counts"].get(str(number), {}), entry["hands"].get(str(number), {})
    return {letter: phones.get(letter, 0) + hands.get(letter, 0) for letter in entry["question"]["options"]}


def share_right(entry, counts):
    """Return the share that is right, or None where nobody voted or nobody knows."""
    answer, total = entry["question"]["answer"], sum(counts.values())
    return counts[answer] / total if answer and total else None


def advice(share):
    """What a teacher may do next: "explain", "argue", "go on", or None."""
    if share is None:
        return None
    return "explain" if share < ARGUE[0] else "argue" if share <= ARGUE[1] else "go on"


def view_of(event, tally, role="student"):
    """Return what a page may show.

    To students and on the projector that is no count before it is shown, to a teacher none before the vote is closed. Only
    how many have voted is on the projector and on the teacher's page at any time.
    """
    entry = event.current
    shown = {"version": event.state["version"], "current": None}
    if role == "teacher":
        shown["asked"] = [
            {"number": one["number"], "key": one["question"]["key"], "text": one["question"]["text"]}
            for one in event.state["asked"]
        ]
    if entry is None:
        return shown
    question, is_closed = entry["question"], entry["phase"] == "closed"
    current = {
        "number": entry["number"],
        "round": entry["round"],
        "phase": entry["phase"],
        "verdict": entry["verdict"],
        "question": {name: question[name] for name in ("key", "kind", "text", "options", "place")},
        "counts": {},
    }
    last = entry["round"] if role == "teacher" else entry["shown"]
    if is_closed:
        current["counts"] = {str(number): counts_of(entry, tally, number) for number in range(1, last + 1)}
    if entry["verdict"]:
        current |= {"answer": question["answer"], "reasons": question["reasons"]}
    if role in ("projector", "teacher"):
        current["voted"] = sum(counts_of(entry, tally, entry["round"]).values())
    if role == "teacher":
        current |= {"shown": entry["shown"], "hands": entry["hands"], "has_answer": question["answer"] is not None}
        if is_closed:
            share = share_right(entry, counts_of(entry, tally, entry["round"]))
            current |= {"share": share, "advice": advice(share)}
    return {**shown, "current": current}


# --------------------------------------------------------------------------------------------------------- what remains


def interval(part, whole):
    """Return Wilson's interval of 95 % for a share."""
    z = 1.96
    middle = (part + z * z / 2) / (whole + z * z)
    half = z / (whole + z * z) * math.sqrt(part * (whole - part) / whole + z * z / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def share_of(part, whole):
    """Return a share with its numbers and interval, or None of nothing."""
    if not whole:
        return None
    low, high = interval(part, whole)
    return {"part": part, "whole": whole, "share": part / whole, "low": low, "high": high}


def closed_rounds(event, entry):
    return entry["round"] - (entry is event.current and entry["phase"] == "open")


def report_of(event, tally):
    """Return what is known of each question, from counts only."""
    rows = []
    for entry in event.state["asked"]:
        now = tally if entry is event.current else entry
        answer, rounds = entry["question"]["answer"], []
        for number in range(1, closed_rounds(event, entry) + 1):
            counts = counts_of(entry, now, number)
            total = sum(counts.values())
            right = share_of(counts[answer], total) if answer else None
            hands = sum(entry["hands"].get(str(number), {}).values())
            rounds.append({"round": number, "counts": counts, "votes": total, "hands": hands, "right": right})
        row = {name: entry["question"][name] for name in ("key", "kind", "text", "options", "answer")}
        row |= {"number": entry["number"], "mirror_of": entry["mirror_of"], "rounds": rounds}
        rows.append({**row, "changes": changes_of(now["changes"], answer)})
    return rows


def changes_of(changes, answer):
    """Return who changed to right and to wrong among those whose two votes are known, or None."""
    total = sum(changes.values())
    if not total or not answer:
        return None
    kinds = {"stayed_right": 0, "to_wrong": 0, "to_right": 0, "stayed_wrong": 0}
    for step, count in changes.items():
        before, after = (letter == answer for letter in step.split(">"))
        kinds["stayed_right" if before and after else "to_wrong" if before else "to_right" if after else "stayed_wrong"] += (
            count
        )
    return {
        "known": total,
        **kinds,
        "share_to_right": share_of(kinds["to_right"], kinds["to_right"] + kinds["stayed_wrong"]),
        "share_to_wrong": share_of(kinds["to_wrong"], kinds["to_wrong"] + kinds["stayed_right"]),
    }


COLUMNS = ("number", "question", "text", "kind", "mirror_of", "what", "round", "option", "right", "count")


def rows_of(event, tally):
    """Return the rows of a CSV file: counts, never single votes."""
    rows = []
    for entry in event.state["asked"]:
        now, question = tally if entry is event.current else entry, entry["question"]
        closed = closed_rounds(event, entry)
        text = question["text"]
        # A spreadsheet must not take a text that somebody typed for a formula.
        head = [entry["number"], question["key"], f"'{text}" if text[:1] in "=+-@\t\r" else text, question["kind"]]
        head.append(entry["mirror_of"] or "")
        right = {
            letter: "" if question["answer"] is None else int(letter == question["answer"]) for letter in question["options"]
        }
        for number in range(1, closed + 1):
            for what, source in (("phones", now["counts"]), ("hands", entry["hands"])):
                counts = source.get(str(number), {})
                if what == "hands" and not counts:
                    continue
                rows += [[*head, what, number, letter, right[letter], counts.get(letter, 0)] for letter in question["options"]]
        if closed == ROUNDS:
            rows += [[*head, "changed", "1>2", step, right[step[-1]], count] for step, count in now["changes"].items()]
    return rows
