"""The server of a class: who may do what, what stays, and what is refused."""

import csv
import http.client
import json
import os
import re
import signal
import socket
import stat
import time
from pathlib import Path

import pytest
import requests

from classroom.votes import server as server_module
from classroom.votes import stores
from classroom.votes.limits import Bucket
from classroom.votes.server import Limits
from classroom.votes.stores import MemoryStore
from tests.classroom.conftest import QUESTIONS, VOTE, Browser, wait_for


def error(answer):
    return answer.status_code, answer.json()["error"]


# ---------------------------------------------------------------------------------------------------------------- voting


def test_a_vote_counts_once_and_can_be_changed_until_it_is_closed(a_class):
    anna, ben = a_class.student(), a_class.student()
    assert anna.vote("A").json()["mine"]["votes"] == {"1": "A"}
    assert anna.vote("C").status_code == ben.vote("C").status_code == 200
    assert anna.vote("C").status_code == 200  # again the same: a page that had no answer tries again
    assert a_class.teacher.now("teacher")["current"]["voted"] == 2
    a_class.teacher.act("close")
    assert error(anna.vote("B")) == (409, "phase") and error(a_class.student().vote("A")) == (409, "phase")
    assert a_class.teacher.now("teacher")["current"]["counts"] == {"1": {"A": 0, "B": 0, "C": 2, "D": 0}}


def test_a_vote_names_the_question_and_the_round_that_it_means(a_class):
    """A phone that slept through a round must not vote in the next by mistake."""
    anna = a_class.student()
    a_class.teacher.act("close")
    a_class.teacher.act("again")
    assert error(anna.vote("A", round_=1)) == (409, "phase")
    assert error(anna.vote("A", round_=2, question="01-bits")) == (409, "phase")
    assert anna.vote("A", round_=2).status_code == 200
    a_class.teacher.act("open", key="01-bits")
    assert error(anna.vote("A", round_=2)) == (409, "phase")
    assert anna.vote("A", number=2, question="01-bits").status_code == 200


def test_own_choices_come_back_with_each_connection(a_class):
    anna, ben = a_class.student(), a_class.student()
    anna.vote("B")
    for _ in range(2):
        assert anna.now(kind="mine") == {"number": 1, "votes": {"1": "B"}, "counted": []}
    assert ben.now(kind="mine")["votes"] == {}
    with anna.events() as following:
        following("mine")
        anna.vote("D")  # in another tab
        assert following("mine")["votes"] == {"1": "D"}


def test_all_pages_hear_what_happens(a_class):
    anna = a_class.student()
    projector = Browser(a_class.home)
    with anna.events() as anna_hears, projector.events("projector") as wall_hears:
        assert anna_hears()["current"]["phase"] == "open"
        anna.vote("A")
        assert wall_hears(until=lambda view: view["current"]["voted"] == 1)["present"] == 1
        a_class.teacher.act("close")
        a_class.teacher.act("show")
        shown = anna_hears(until=lambda view: view["current"]["counts"])
        assert shown["current"]["counts"]["1"]["A"] == 1 and "answer" not in shown["current"]
        a_class.teacher.act("verdict")
        assert anna_hears(until=lambda view: view["current"]["verdict"])["current"]["answer"] == "C"


def test_a_quiet_line_is_kept_alive(a_class, monkeypatch):
    monkeypatch.setitem(server_module.SECONDS, "comment", 0.05)
    answer = a_class.student().get("class/events", stream=True)
    assert any(line == b": here" for line in answer.iter_lines(chunk_size=1))
    answer.close()


def test_a_hidden_count_is_not_on_the_wire(a_class):
    """Neither an open vote's counts nor an unshown one's, whatever page asks, nor the answer before the verdict."""
    anna = a_class.student()
    for _ in range(3):
        a_class.student().vote("B")
    for role, who in (("student", anna), ("projector", anna), ("teacher", a_class.teacher)):
        assert who.now(role)["current"]["counts"] == {}
    assert "voted" not in anna.now()["current"]
    a_class.teacher.act("close")
    for role in ("student", "projector"):
        told = anna.now(role)["current"]
        assert told["counts"] == {} and "answer" not in told and "reasons" not in told and "share" not in told


# ------------------------------------------------------------------------------------------------------------ who may what


def test_a_browser_gets_its_token_once_and_only_from_a_page(serving):
    served = serving()
    anna = Browser(served.home)
    for path in ("", "class/", "index.html", "class/projector", "class/code.svg"):
        assert "Set-Cookie" not in anna.get(path).headers
    given = anna.post("join").headers["Set-Cookie"]
    assert all(part in given for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="))
    assert "Set-Cookie" not in anna.post("join").headers


def test_a_token_that_was_not_given_here_is_worth_nothing(a_class):
    token, seal = a_class.student().session.cookies["class_student"].split(".")
    for cookie in (f"other.{seal}", f"{token}.", token, f"{token}.{seal[:-1]}0z", ".", "", f"{token}.é"):
        stranger = Browser(a_class.home)
        headers = {"Cookie": f"class_student={cookie}".encode()}
        assert error(stranger.post("vote", {"question": VOTE, "number": 1, "round": 1, "choice": "A"}, headers)) == (
            401,
            "join",
        )
        assert stranger.get("class/events", headers=headers).status_code == 401


def test_what_the_teacher_does_needs_the_token(serving):
    served = serving()
    stranger = served.student()
    for what in ("open", "close", "again", "show", "verdict", "finish", "hands"):
        assert error(stranger.act(what, key=VOTE)) == (403, "teacher")
    for path in ("class/questions", "class/results.json", "class/results.csv", "class/events?as=teacher"):
        assert stranger.get(path).status_code == 403
    token = served.room.store.teacher
    for wrong in ("", "x", token[:-1], token + "x", token.swapcase(), "é"):
        assert error(stranger.post("login", {"token": wrong})) == (403, "teacher")
    stranger.session.cookies.set("class_teacher", "0" * 64)
    assert error(stranger.act("open", key=VOTE)) == (403, "teacher")
    given = served.teacher.post("login", {"token": token}).headers["Set-Cookie"]
    assert "HttpOnly" in given and "SameSite=Strict" in given and token not in given
    assert served.teacher.act("open", key=VOTE).status_code == 200
    assert len(token) >= 32


def test_tries_of_the_token_are_limited(serving):
    served = serving()
    answers = [served.teacher.post("login", {"token": f"guess {i}"}).status_code for i in range(12)]
    assert answers[:10] == [403] * 10 and answers[11] == 429
    assert served.teacher.post("login", {"token": served.room.store.teacher}).status_code == 429


def test_tokens_are_compared_in_constant_time():
    source = Path(server_module.__file__).read_text(encoding="utf-8")
    assert re.search(r"def same.*?hmac\.compare_digest", source, re.DOTALL)
    assert not re.search(r"(store\.teacher|seal)\s*(==|!=)|(==|!=)\s*(self\.store\.teacher|seal)", source)


HOSTILE = {
    "another site's form": ({"X-Class": None, "Content-Type": "text/plain"}, 403),
    "another site's script": ({"Origin": "http://evil.example"}, 403),
    "a page without origin": ({"Origin": "null"}, 403),
    "another port": ({"Origin": "http://127.0.0.1:1"}, 403),
    "told by the browser": ({"Sec-Fetch-Site": "cross-site"}, 403),
    "another subdomain": ({"Sec-Fetch-Site": "same-site"}, 403),
    "no header of ours": ({"X-Class": None}, 403),
    "a form's type": ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_other_sites_cannot_post(a_class, name):
    headers, status = HOSTILE[name]
    body = {"question": VOTE, "number": 1, "round": 1, "choice": "A"}
    assert a_class.student().post("vote", body, headers).status_code == status
    assert a_class.teacher.post("act", {"do": "close"}, headers).status_code == status
    assert a_class.teacher.now("teacher")["current"]["phase"] == "open"
    assert a_class.teacher.now("teacher")["current"]["voted"] == 0


def test_a_page_of_ours_may_post(a_class):
    headers = {"Origin": a_class.home.rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert (
        a_class.student().post("vote", {"question": VOTE, "number": 1, "round": 1, "choice": "A"}, headers).status_code == 200
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"A"',
        b"\xff\xfe",
        b"[" * 2000,
        b"{}",
        b'{"question": "01-gradient", "number": "1", "round": 1, "choice": "A"}',
        b'{"question": "01-gradient", "number": true, "round": 1, "choice": "A"}',
        b'{"question": "01-gradient", "number": 1, "round": 1.0, "choice": "A"}',
        b'{"question": "01-gradient", "number": 1, "round": 1, "choice": ["A"]}',
        b'{"question": {"$ne": 0}, "number": 1, "round": 1, "choice": "A"}',
    ],
)
def test_nonsense_is_refused_in_a_word(a_class, body):
    answer = a_class.student().post("vote", data=body)
    assert answer.status_code == 400 and answer.json()["error"] == "json"
    assert a_class.teacher.now("teacher")["current"]["voted"] == 0


def test_nonsense_of_a_teachers_page_is_refused_too(a_class):
    for body in (
        {},
        {"do": 1},
        {"do": "open"},
        {"do": "open", "key": "x"},
        {"do": "open", "typed": []},
        {"do": "open", "typed": {}},
    ):
        assert a_class.teacher.post("act", body).status_code in (400, 409), body
    for counts in (None, [], {"A": "1"}, {"Z": 1}):
        assert a_class.teacher.act("hands", round=1, counts=counts).status_code == 409
    assert a_class.teacher.now("teacher")["current"]["voted"] == 0


def test_a_large_body_is_not_read(a_class):
    anna = a_class.student()
    try:
        assert anna.post("vote", data=b"x" * 100_000).status_code == 400
    except requests.RequestException:
        anna.session.close()  # the server hangs up, often before all is sent
    assert a_class.teacher.now("teacher")["current"]["voted"] == 0
    assert anna.vote("A").status_code == 200


# ---------------------------------------------------------------------------------------------------------------- limits


def test_a_bucket_gives_so_many_at_once_and_so_many_a_second():
    now = [0.0]
    bucket = Bucket(3, 2, clock=lambda: now[0])
    assert [bucket.takes("a") for _ in range(4)] == [True, True, True, False]
    assert bucket.takes("b")
    now[0] = 0.5
    assert [bucket.takes("a") for _ in range(2)] == [True, False]
    now[0] = 100.0
    assert [bucket.takes("a") for _ in range(4)] == [True, True, True, False]
    bucket.MOST_KEYS = 2
    for key in "cde":
        bucket.takes(key)
    assert len(bucket.left) == 2


def test_one_browser_cannot_vote_without_end_and_a_school_can(a_class):
    anna = a_class.student()
    answers = [anna.vote("AB"[i % 2]).status_code for i in range(60)]
    assert 429 in answers and answers[:15] == [200] * 15
    assert all(a_class.student().vote("C").status_code == 200 for _ in range(40))  # all from one address


def test_the_number_of_pages_is_limited(serving):
    served = serving(limits=Limits(clients=3))
    pages = [served.student().get("class/events", stream=True) for _ in range(3)]
    assert [page.status_code for page in pages] == [200] * 3
    assert served.student().get("class/events").status_code == 503
    assert served.log_in().get("class/events?as=teacher", stream=True).status_code == 200  # never the teacher's
    pages.pop().close()
    wait_for("room for another", lambda: served.student().get("class/events", stream=True).status_code == 200)


def test_one_browser_cannot_take_all_places(serving):
    anna = serving().student()
    answers = [anna.get("class/events", stream=True) for _ in range(10)]
    assert [answer.status_code for answer in answers] == [200] * 8 + [503] * 2


def test_a_client_that_reads_nothing_does_not_hold_up_the_others(a_class):
    anna, slow = a_class.student(), a_class.student()
    host, port = a_class.home[7:-1].split(":")
    with socket.create_connection((host, int(port))) as line:
        cookie = f"class_student={slow.session.cookies['class_student']}"
        line.sendall(f"GET /class/events HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
        for number in range(2, 12):
            a_class.teacher.act("open", key=VOTE)
            assert anna.vote("A", number=number).status_code == 200
        assert anna.now()["current"]["number"] == 11


# --------------------------------------------------------------------------------------------------------------- the site


def test_every_answer_has_its_headers(a_class):
    anna = a_class.student()
    for path in ("", "class/", "class/teacher", "class/class.js", "index.html", "site.css", "none.html", "class/code.svg", "%"):
        headers = anna.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY", path
        assert headers["Referrer-Policy"] == "no-referrer" and "Server" not in headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
        assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "unsafe-inline" not in anna.get("class/").headers["Content-Security-Policy"]


def test_a_page_of_the_website_gets_one_script_and_its_own_ones_stay_allowed(a_class, small_site):
    anna = a_class.student()
    answer = anna.get("index.html")
    added = '\n<script src="class/student.js" data-held="01-gradient"></script>'
    assert answer.text.replace(added, "") == (small_site / "index.html").read_text() and answer.text.count(added) == 1
    assert re.search(r"script-src 'self' 'sha256-[\w+/=]{44}' ", answer.headers["Content-Security-Policy"])
    a_class.teacher.act("close")
    assert 'data-held="01-gradient"' in anna.get("index.html").text
    a_class.teacher.act("verdict")
    assert 'student.js"></script>' in anna.get("index.html").text
    a_class.teacher.act("open", key="01-self-test-1")  # no vote of the lesson: nothing to hold shut
    assert 'student.js"></script>' in anna.get("index.html").text


def raw_get(home, path):
    """Ask for a path as it stands; a client would first tidy it."""
    host, port = home[7:-1].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.putrequest("GET", path, skip_host=False)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.mark.parametrize(
    "path",
    [
        *("/../secret.txt", "/..%2fsecret.txt", "/data/../../secret.txt", "/link.txt", "//etc/passwd", "/%2e%2e/secret.txt"),
        *("/data/", "/data", "/class/../../secret.txt", "/class/..%2fserver.py", "/class/server.py", "/class/class.css/.."),
        *("/.%00./secret.txt", "/classroom/votes/server.py", "/index.html%00.css", "/..\\secret.txt"),
    ],
)
def test_only_files_of_the_website_are_served(a_class, path):
    status, body = raw_get(a_class.home, path)
    assert status in (400, 404) and b"secret" not in body.replace(b"secret.txt", b"") and b"import" not in body


def test_files_come_packed_and_only_once(a_class, small_site):
    anna = a_class.student()
    first = anna.get("site.css")
    assert first.headers["Content-Encoding"] == "gzip" and first.text == (small_site / "site.css").read_text()
    assert first.headers["Content-Type"].startswith("text/css")
    again = anna.get("site.css", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.content


def test_the_pages_are_there(a_class):
    anna = a_class.student()
    assert anna.get("").headers["Location"] == "/class/"
    for name in (
        "",
        "projector",
        "teacher",
        "report",
        "class.js",
        "student.js",
        "teacher.js",
        "projector.js",
        "report.js",
        "class.css",
    ):
        assert anna.get(f"class/{name}").status_code == 200, name
    assert anna.get("class/code.svg").text.startswith("<?xml") and anna.get("class/none").status_code == 404


def test_what_is_typed_is_sent_as_text(a_class):
    text, option = '</script><script>alert("1")</script>', "<img src=x onerror=alert(1)>"
    a_class.teacher.act("open", typed={"text": text, "options": [option, "two"], "answer": None})
    view = a_class.student().now()
    assert view["current"]["question"]["text"] == text and view["current"]["question"]["options"]["A"] == option
    for path in ("class/", "class/teacher", "class/projector", "class/report", "index.html"):
        assert "alert(" not in a_class.teacher.get(path).text
    for page in (Path(server_module.__file__).with_name("pages")).glob("*.js"):
        source = page.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML\s*=[^=]|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", source)


# ------------------------------------------------------------------------------------------------------------ what is kept


def test_results_are_the_teachers_and_are_counts(a_class):
    for choice in "ACC":
        a_class.student().vote(choice)
    a_class.teacher.act("close")
    (row,) = a_class.teacher.get("class/results.json").json()["questions"]
    assert row["rounds"][0]["counts"] == {"A": 1, "B": 0, "C": 2, "D": 0} and row["rounds"][0]["right"]["part"] == 2
    table = list(csv.DictReader(a_class.teacher.get("class/results.csv").text.splitlines()))
    assert [(line["option"], line["count"]) for line in table] == [("A", "1"), ("B", "0"), ("C", "2"), ("D", "0")]


def test_save_writes_counts_and_nothing_of_a_browser(serving, tmp_path):
    saved = tmp_path / "counts.csv"
    served = serving(save=saved)
    students = [served.student() for _ in range(4)]
    served.log_in().act("open", key=VOTE)
    for student, choice in zip(students, "AACC", strict=True):
        student.vote(choice)
    served.teacher.act("close")
    wait_for("the counts", lambda: saved.exists() and ",phones,1,C,1,2" in saved.read_text())
    served.stop()
    text = saved.read_text()
    assert ",phones,1,A,0,2" in text
    assert not any(student.session.cookies["class_student"].split(".")[0] in text for student in students)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counts.csv", "secret.txt", "site"]


def test_counts_that_cannot_be_saved_are_said_to_the_teacher(serving, tmp_path):
    served = serving(save=tmp_path / "no folder" / "counts.csv")
    with served.log_in().events("teacher") as following:
        assert "could not be saved" in following(until=lambda view: view["problem"])["problem"]


def test_nothing_is_written_unless_asked(program, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    one = program()
    one.log_in().act("open", key=VOTE)
    one.student().vote("A")
    assert one.end(signal.SIGINT) == 0 and "The class has ended." in one.said
    assert sorted(tmp_path.rglob("*")) == before


def test_a_killed_class_goes_on_and_loses_no_vote(program, tmp_path):
    kept = tmp_path / "class.json"
    first = program("--resume", str(kept))
    first.log_in().act("open", key=VOTE)
    students = [first.student() for _ in range(6)]
    for student, choice in zip(students, "AABCCC", strict=True):
        assert student.vote(choice).status_code == 200  # acknowledged: from here on it may not be lost
    first.end(signal.SIGKILL)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    text = kept.read_text()
    assert not any(student.session.cookies["class_student"].split(".")[0] in text for student in students)

    second = program("--resume", str(kept))
    assert second.token == first.token and "goes on" in second.said
    for student in (first.teacher, *students):
        student.home = second.home
    assert students[0].now()["current"]["phase"] == "open" and students[0].now(kind="mine")["counted"] == [1]
    assert error(students[0].vote("C")) == (409, "counted")
    assert second.student().vote("D").status_code == 200
    teacher = first.teacher
    assert teacher.act("close").status_code == 200  # with the cookie of before
    assert teacher.now("teacher")["current"]["counts"]["1"] == {"A": 2, "B": 1, "C": 3, "D": 1}
    teacher.act("again")
    assert students[0].vote("C", round_=2).status_code == 200
    assert second.end(signal.SIGINT) == 0 and not kept.exists()


def test_a_class_that_is_shut_down_can_go_on(program, tmp_path):
    kept = tmp_path / "class.json"
    first = program("--resume", str(kept))
    first.log_in().act("open", key=VOTE)
    assert first.end(signal.SIGTERM) == 0 and "can go on" in first.said and kept.exists()


def test_a_vote_is_acknowledged_only_when_it_is_kept(serving, tmp_path, monkeypatch):
    """A disk that takes nothing: the page hears so, and its next try counts once."""
    served = serving(resume=tmp_path / "class.json")
    served.log_in().act("open", key=VOTE)
    anna = served.student()

    def full(path, text):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(stores, "write_whole", full)
        assert error(anna.vote("A")) == (503, "kept")
    assert json.loads((tmp_path / "class.json").read_text())["ballot"]["counts"] == {}
    assert anna.vote("A").status_code == 200
    assert json.loads((tmp_path / "class.json").read_text())["ballot"]["counts"] == {"1": {"A": 1}}


def test_a_file_is_replaced_whole(tmp_path, monkeypatch):
    path = tmp_path / "class.json"
    stores.write_whole(path, "first")
    monkeypatch.setattr(os, "replace", lambda *paths: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        stores.write_whole(path, "second")
    assert path.read_text() == "first"


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}', "no JSON"])
def test_a_strange_file_is_not_taken_for_a_class(tmp_path, text):
    path = tmp_path / "class.json"
    path.write_text(text)
    with pytest.raises(ValueError):
        MemoryStore(path)


def test_the_command_says_what_is_needed_and_stops_when_the_port_is_taken(program, small_site):
    one = program()
    assert "Students open" in one.said and one.link.startswith(one.home) and len(one.token) >= 32
    with pytest.raises(AssertionError, match="cannot be used"):
        program("--port", one.home.rstrip("/").rpartition(":")[2])
    assert len(QUESTIONS) > 30 and time.monotonic() > 0
