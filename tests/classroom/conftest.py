"""A class on loopback: a server in a thread, or as a program, and those who ask it."""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from classroom.votes.catalogue import catalogue
from classroom.votes.server import Room, serve
from classroom.votes.stores import MemoryStore

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = catalogue()
VOTE = "01-gradient"
SECONDS = 30  # until something that must happen has happened
PAGE = '<!doctype html><html><head><title>Lesson</title><script>start();</script></head><body data-x="1"></body></html>'


def wait_for(what, condition):
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"this did not happen: {what}")


class Browser:
    """Somebody who asks the server as a page would."""

    HEADERS = {"X-Class": "vote", "Content-Type": "application/json"}  # noqa: RUF012

    def __init__(self, home):
        self.home, self.session = home, requests.Session()

    def post(self, path, body=None, headers=None, **options):
        headers = {**self.HEADERS, **(headers or {})}
        options = options or {"json": {} if body is None else body}
        return self.session.post(f"{self.home}class/{path}", headers=headers, timeout=SECONDS, **options)

    def get(self, path="", **options):
        return self.session.get(f"{self.home}{path}", timeout=SECONDS, allow_redirects=False, **options)

    def join(self):
        assert self.post("join").status_code == 200
        return self

    def vote(self, choice, number=1, round_=1, question=VOTE):
        return self.post("vote", {"question": question, "number": number, "round": round_, "choice": choice})

    def act(self, what, **details):
        return self.post("act", {"do": what, **details})

    @contextlib.contextmanager
    def events(self, role="student"):
        """Follow the class: yield a function that returns the next event of a kind for which a condition holds."""
        answer = self.session.get(f"{self.home}class/events?as={role}", stream=True, timeout=SECONDS)
        answer.raise_for_status()
        lines = answer.iter_lines(chunk_size=1, decode_unicode=True)

        def following(kind="state", until=lambda value: True):
            name, end = None, time.monotonic() + SECONDS
            for line in lines:
                assert time.monotonic() < end, f"no such {kind} came"
                if line.startswith("event: "):
                    name = line[7:]
                if line.startswith("data: ") and name == kind and until(value := json.loads(line[6:])):
                    return value
            raise AssertionError("the line has ended")

        with contextlib.closing(answer):
            yield following

    def now(self, role="student", kind="state"):
        with self.events(role) as following:
            return following(kind)


class Served:
    """A server in a thread of its own."""

    def __init__(self, site, app=None, base="/", **options):
        self.loop, ready = asyncio.new_event_loop(), threading.Event()
        self.problem = None

        async def main():
            store = options.pop("store", None) or MemoryStore(options.pop("resume", None))
            await store.start()
            self.room = Room(store, QUESTIONS, site, **options)
            self.server, port = serve(self.room, 0, "127.0.0.1", app and app(self.room))
            self.home = self.room.address = f"http://127.0.0.1:{port}{base}"
            self.room.start()
            self.ended = asyncio.Event()
            ready.set()
            await self.ended.wait()
            self.server.stop()
            await self.room.stop()
            await store.end(forget=True)

        def run():
            try:
                self.loop.run_until_complete(main())
            except Exception as error:
                self.problem = error
            ready.set()

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        ready.wait(SECONDS)
        if self.problem:
            raise self.problem
        self.teacher = Browser(self.home)

    def log_in(self):
        assert self.teacher.post("login", {"token": self.room.store.teacher}).status_code == 200
        return self.teacher

    def student(self):
        return Browser(self.home).join()

    def stop(self):
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.ended.set)
            self.thread.join(SECONDS)


@pytest.fixture
def small_site(tmp_path):
    """A website of few files, and a file outside of it."""
    folder = tmp_path / "site"
    (folder / "data").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "site.css").write_text("body { color: red }\n" * 50)
    (folder / "data" / "x.js").write_text("x = 1")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def serving(small_site):
    """Start servers with options; all end with the test."""
    started = []

    def start(**options):
        started.append(Served(small_site, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def a_class(serving):
    """A class whose first question is open."""
    served = serving()
    assert served.log_in().act("open", key=VOTE).status_code == 200
    return served


class Program:
    """The command itself, in a process."""

    def __init__(self, *options, site):
        command = [sys.executable, "-m", "classroom.votes", "--port", "0", "--host", "127.0.0.1", "--site", str(site), *options]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            if "Ctrl-C" in line:
                break
        else:
            raise AssertionError(f"the class did not begin:\n{self.said}")
        self.link = re.search(r"You open\s+(\S+)", self.said)[1]
        self.home, self.token = self.link.split("class/teacher#")
        self.teacher = Browser(self.home)

    def log_in(self):
        assert self.teacher.post("login", {"token": self.token}).status_code == 200
        return self.teacher

    def student(self):
        return Browser(self.home).join()

    def end(self, number):
        """Send a signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.said += self.process.stdout.read()
        return self.process.wait(SECONDS)


@pytest.fixture
def program(small_site):
    started = []

    def start(*options, site=small_site):
        started.append(Program(*options, site=site))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()
        one.process.stdout.close()
