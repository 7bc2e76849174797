"""Two processes, one class, with a real Redis."""

import asyncio
import concurrent.futures
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from classroom.votes.stores import RedisStore
from tests.classroom.conftest import QUESTIONS, VOTE, Browser, wait_for

redis = pytest.importorskip("redis", reason="the redis client is not installed")
if shutil.which("redis-server") is None:
    pytest.skip("there is no redis-server on this machine (on Debian: apt install redis-server)", allow_module_level=True)


@pytest.fixture
def database(tmp_path):
    """A Redis of its own that writes nothing; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(tmp_path)]
    process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"

    def answers():
        try:
            return redis.from_url(url).ping()
        except redis.ConnectionError:
            return False

    wait_for("Redis to answer", answers)
    yield url
    process.kill()
    process.wait()


@pytest.fixture
def pair(program, database):
    return [program("--redis", database) for _ in range(2)]


def test_two_processes_lead_one_class(pair):
    one, two = pair
    assert one.token == two.token
    teacher = one.log_in()
    assert teacher.act("open", key=VOTE).status_code == 200
    anna, ben = one.student(), two.student()
    assert anna.vote("A").status_code == ben.vote("C").status_code == 200
    elsewhere = Browser(two.home)  # the same browser, sent to the other process by the web server before them
    elsewhere.session = anna.session
    assert elsewhere.vote("B").json()["mine"]["votes"] == {"1": "B"}
    assert anna.vote("D").status_code == 200
    teacher_there = Browser(two.home)
    teacher_there.session = teacher.session
    with two.student().events() as hears, teacher_there.events("teacher") as teacher_hears:
        assert teacher_hears(until=lambda view: view["current"] and view["current"]["voted"] == 2)
        teacher.act("close")
        teacher.act("show")
        counts = hears(until=lambda view: view["current"] and view["current"]["counts"])["current"]["counts"]
        assert counts == {"1": {"A": 0, "B": 0, "C": 1, "D": 1}}
    assert ben.vote("A").status_code == elsewhere.vote("A").status_code == 409
    assert teacher_there.act("again").status_code == 200
    assert ben.vote("A", round_=1).status_code == 409 and ben.vote("A", round_=2).status_code == 200
    assert anna.vote("C", round_=2).status_code == 200
    teacher.act("close")
    (row,) = teacher_there.get("class/results.json").json()["questions"]
    assert [one["counts"] for one in row["rounds"]][1] == {"A": 1, "B": 0, "C": 1, "D": 0}
    assert row["changes"]["to_right"] == row["changes"]["to_wrong"] == 1


def test_choices_that_are_no_option_are_refused_in_redis_too(pair):
    one, _ = pair
    one.log_in().act("open", key=VOTE)
    anna = one.student()
    assert [anna.vote(choice).status_code for choice in ("E", "", "AB", ":", "a")] == [409] * 5
    assert one.teacher.now("teacher")["current"]["voted"] == 0


def test_votes_at_the_same_moment_are_each_counted_once(pair):
    """Forty browsers, each changing its vote four times, over both processes at once."""
    one, two = pair
    one.log_in().act("open", key=VOTE)
    students = [(one, two)[i % 2].student() for i in range(40)]
    answers = []

    def vote(i, student):
        for step in range(5):
            student.home = (one, two)[(i + step) % 2].home
            answers.append(student.vote("ABCD"[(i + step) % 4]).status_code)

    threads = [threading.Thread(target=vote, args=pair) for pair in enumerate(students)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 200
    one.teacher.act("close")
    assert one.teacher.now("teacher")["current"]["counts"]["1"] == {"A": 10, "B": 10, "C": 10, "D": 10}


def test_redis_keeps_no_token_and_forgets_a_class_that_has_ended(pair, database):
    one, two = pair
    client = redis.from_url(database, decode_responses=True)
    one.log_in().act("open", key=VOTE)
    anna = two.student()
    anna.vote("A")
    token = anna.session.cookies["class_student"].split(".")[0]
    assert not any(token in str(client.hgetall(key)) for key in client.scan_iter("*:votes:*"))
    assert all(client.ttl(key) > 0 for key in client.scan_iter("*") if not key.endswith("present"))
    one.teacher.act("open", key="01-bits")  # a question that is over leaves no single vote
    assert list(client.scan_iter("*:votes:*")) == []
    wait_for("both processes", lambda: client.hlen("{class-votes}:present") == 2)
    one.end(signal.SIGINT)
    assert two.student().vote("A", number=2, question="01-bits").status_code == 200
    two.end(signal.SIGINT)
    assert list(client.scan_iter("*")) == []


def test_a_killed_process_loses_nothing(pair, program, database):
    one, two = pair
    one.log_in().act("open", key=VOTE)
    anna, ben = one.student(), two.student()
    anna.vote("A"), ben.vote("C")
    one.end(signal.SIGKILL)
    assert ben.vote("D").status_code == 200
    third = program("--redis", database)
    for browser in (anna, one.teacher):
        browser.home = third.home
    assert anna.now(kind="mine")["votes"] == {"1": "A"} and anna.vote("B").status_code == 200
    one.teacher.act("close")
    assert one.teacher.now("teacher")["current"]["counts"]["1"] == {"A": 0, "B": 1, "C": 0, "D": 1}


def test_another_class_on_a_hub_finds_no_vote_of_the_last(database):
    async def two_classes():
        store = RedisStore(database)
        await store.start()
        await store.act("open", question=QUESTIONS[VOTE])
        await store.vote("anna", 1, 1, "A")
        await store.act("new")
        left = [key async for key in store.redis.scan_iter("*:votes:*")], store.event.state["asked"]
        await store.act("open", question=QUESTIONS[VOTE])
        new = store.event.open_round, store.tally["counts"], await store.mine("anna")
        await store.end(forget=True)
        return left, new

    with concurrent.futures.ThreadPoolExecutor(1) as pool:  # this thread may have the loop of a browser's driver
        left, (place, counts, mine) = pool.submit(lambda: asyncio.run(two_classes())).result()
    assert left == ([], []) and place == (2, 1) and counts == {"1": {}} and mine["votes"] == {}


def test_a_vote_in_one_process_is_seen_at_once_in_the_other(pair):
    one, two = pair
    one.log_in().act("open", key=VOTE)
    anna = two.student()
    with one.teacher.events("teacher") as hears:
        hears(until=lambda view: view["current"]["voted"] == 0)
        time.sleep(3)  # until both have told how many pages they have: from here on, nothing but the vote is news
        anna.vote("A")
        assert hears(until=lambda view: view["current"]["voted"] == 1)
