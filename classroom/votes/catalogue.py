"""The questions of the lessons: votes, self-test questions to mirror them, and exercises with choices.

They are read from what the notebooks' displays hand to the page; the right answers of votes stand in their verdicts.
"""

import base64
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ORDER = ("vote", "mirror", "exercise")
NAME = re.compile(r"(\d\d)-(vote|verdict|self_test|exercise)(?:_(\d+))?")


def catalogue(root=ROOT):
    """Return the questions by their keys, lesson by lesson, each kind in the order of the lesson."""
    pages = {path.stem[:2]: f"{path.stem}.html" for path in (root / "notebooks").glob("[0-9][0-9]_*.ipynb")}
    found = [(path, NAME.fullmatch(path.stem)) for path in (root / "notebooks" / "displays").glob("*.json")]
    # vote, vote_2 and so on: in the order of the lesson.
    found = sorted((match[1], match[2], int(match[3] or 1), path) for path, match in found if match)
    told = [(path, json.loads(path.read_text(encoding="utf-8"))) for *_, path in found]
    verdicts = {one["id"]: one for _, one in told if one["kind"] == "verdict"}
    questions = []
    for path, one in told:
        lesson = path.name[:2]
        place = f"{pages[lesson]}#display-{path.stem[3:]}" if lesson in pages else None
        if one["kind"] == "vote":
            verdict = verdicts.get(one["id"], {})
            questions.append(question(one["id"], "vote", lesson, place, one["name"], one["options"], verdict))
        elif one["kind"] == "self_test":
            for number, (asked, answer) in enumerate(zip(one["questions"], unhide(one["hidden"]), strict=True), 1):
                key = f"{one['id']}-{number}"
                questions.append(question(key, "mirror", lesson, place, asked["question"], asked["options"], answer))
        elif one["kind"] == "exercise" and one["options"]:
            hidden = unhide(one["hidden"])
            answer = {"answer": hidden["answers"][0], "reasons": {hidden["answers"][0]: hidden["solution"]}}
            questions.append(question(one["id"], "exercise", lesson, place, one["name"], one["options"], answer))
    questions.sort(key=lambda one: (one["lesson"], ORDER.index(one["kind"])))  # stable: the order of the files within
    return {one["key"]: one for one in questions}


def question(key, kind, lesson, place, text, options, verdict):
    return {
        "key": key,
        "kind": kind,
        "lesson": lesson,
        "place": place,
        "text": text,
        "options": options,
        "answer": verdict.get("answer"),
        "reasons": verdict.get("reasons", {}),
    }


def unhide(text):
    return json.loads(base64.b64decode(text).decode("utf-8"))
