"""The vote as a service of JupyterHub: JupyterHub's own login, against a hub of a few lines.

``classroom/check_hub.py`` tests the same with a real hub. JupyterHub is no requirement of the project, so where it is not
installed these tests are skipped.
"""

import asyncio
import re
import subprocess
import sys
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
import tornado.httpserver
import tornado.ioloop
import tornado.web

from classroom.votes.server import sealed
from tests.classroom.conftest import ROOT, SECONDS, VOTE, Browser, Served
from tests.classroom.test_server import HOSTILE, error

BASE = "/services/vote/"
SCOPE = "access:services!service=vote"
USERS = {  # what the hub says of whom
    "anna": {"groups": ["teachers", "learners"], "scopes": [SCOPE]},
    "ben": {"groups": ["learners"], "scopes": [SCOPE]},
    "cleo": {"groups": [], "scopes": [SCOPE]},
    "guest": {"groups": ["teachers"], "scopes": ["access:services!service=other"]},
}
PAGES = ("", "class/", "class/teacher", "class/projector", "class/report", "index.html")
CALLS = ("class/questions", "class/results.csv", "class/results.json", "class/events", "class/events?as=projector")


class Token(tornado.web.RequestHandler):
    def post(self):
        self.finish({"access_token": f"token-{self.get_argument('code')}"})


class User(tornado.web.RequestHandler):
    def get(self):
        name = self.request.headers["Authorization"].removeprefix("token token-")
        if name not in USERS:
            raise tornado.web.HTTPError(403)
        self.finish({"kind": "user", "name": name, "admin": False, **USERS[name]})


@pytest.fixture(scope="module")
def fake_hub():
    """Yield the address of its API."""
    ready, told = threading.Event(), {}

    def run():
        async def main():
            app = tornado.web.Application([("/hub/api/oauth2/token", Token), ("/hub/api/user", User)])
            server = tornado.httpserver.HTTPServer(app)
            server.listen(0, "127.0.0.1")
            told["port"] = next(iter(server._sockets.values())).getsockname()[1]
            told["loop"], told["end"] = tornado.ioloop.IOLoop.current(), asyncio.Event()
            ready.set()
            await told["end"].wait()
            server.stop()

        asyncio.run(main())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(SECONDS)
    yield f"http://127.0.0.1:{told['port']}/hub/api"
    told["loop"].add_callback(told["end"].set)
    thread.join(SECONDS)


class HubBrowser(Browser):
    """A browser on the hub; a page's calls carry JupyterHub's token, if this page may read it."""

    def log_in(self, name):
        login = urlsplit(self.get("class/").headers["Location"])
        assert login.path == "/hub/api/oauth2/authorize"
        state = parse_qs(login.query)["state"][0]
        back = self.get("oauth_callback", params={"code": name, "state": state})  # the hub sends the browser back with these
        assert back.headers["Location"] == f"{BASE}class/"
        self.get("class/")
        return self

    @property
    def xsrf(self):
        return {"X-XSRFToken": self.session.cookies.get("_xsrf", path=BASE)}

    def post(self, path, body=None, headers=None, **options):
        return super().post(path, body, {**self.xsrf, **(headers or {})}, **options)


@pytest.fixture
def on_hub(fake_hub, small_site, monkeypatch):
    """A class on a hub, and a function that logs a user in, each time with a new browser."""
    pytest.importorskip("jupyterhub", reason="JupyterHub is not installed; classroom/check_hub.py installs one for itself")
    values = {"API_TOKEN": "x" * 32, "API_URL": fake_hub, "CLIENT_ID": "service-vote", "SERVICE_NAME": "vote"}
    values |= {"SERVICE_PREFIX": BASE, "SERVICE_URL": "http://127.0.0.1:0"}
    for name, value in values.items():
        monkeypatch.setenv(f"JUPYTERHUB_{name}", value)
    from classroom.votes import hub

    assert hub.missing_variables() == []
    served = Served(small_site, app=lambda room: hub.application(room, "teachers"), base=BASE)
    served.browser = lambda: HubBrowser(served.home)
    served.user = lambda name: served.browser().log_in(name)
    yield served
    served.stop()


@pytest.fixture
def hub_class(on_hub):
    """The same, with an open question and its teacher."""
    on_hub.teacher = on_hub.user("anna")
    assert on_hub.teacher.act("open", key=VOTE).status_code == 200
    return on_hub


def test_who_has_not_logged_in_is_sent_to_the_hub_and_sees_nothing(hub_class):
    for path in PAGES:
        answer = hub_class.browser().get(path)
        assert answer.status_code == 302 and answer.headers["Location"].startswith("/hub/api/oauth2/authorize?"), path
        assert not answer.content
    for path in (*CALLS, "class/code.svg"):
        answer = hub_class.browser().get(path)
        assert error(answer) == (401, "login"), path
        assert "gradient" not in answer.text
    script = hub_class.browser().get("class/class.js", headers={"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "same-origin"})
    assert error(script) == (401, "login")
    for path in ("join", "vote", "act", "notebook"):
        assert error(hub_class.browser().post(path)) == (401, "login"), path


def test_a_login_that_the_hub_did_not_begin_is_refused(on_hub):
    assert on_hub.browser().get("oauth_callback", params={"code": "anna", "state": "guess"}).status_code == 403
    assert on_hub.browser().get("oauth_callback", params={"code": "anna"}).status_code == 400


def test_cookies_are_for_the_service_only(on_hub):
    ben = on_hub.user("ben")
    assert ben.session.cookies and {one.path for one in ben.session.cookies} == {BASE}
    ben.join()
    assert not {"class_student", "class_teacher"} & set(ben.session.cookies.keys())


def test_pages_stand_under_the_prefix_and_say_that_they_are_on_a_hub(on_hub):
    ben = on_hub.user("ben")
    assert ben.get("").headers["Location"] == f"{BASE}class/"
    assert 'data-on="hub"' in ben.get("class/").text and "class/student.js" in ben.get("index.html").text
    assert ben.get("site.css").text.startswith("body")
    assert "Content-Security-Policy" in ben.get("class/").headers


def test_a_group_of_the_hub_makes_a_teacher(on_hub):
    anna, ben = on_hub.user("anna"), on_hub.user("ben")
    for what in ("open", "close", "again", "show", "verdict", "finish", "hands", "new"):
        assert error(ben.act(what, key=VOTE)) == (403, "teacher"), what
    for path in ("class/questions", "class/results.json", "class/results.csv", "class/events?as=teacher"):
        assert error(ben.get(path)) == (403, "teacher"), path
    assert "teachers" in ben.act("open", key=VOTE).json()["sentence"]
    assert anna.act("open", key=VOTE).status_code == 200 and len(anna.get("class/questions").json()["questions"]) > 30
    assert anna.now("teacher")["current"]["phase"] == "open"


def test_the_laptops_link_and_cookies_are_worth_nothing_on_a_hub(on_hub):
    ben, store = on_hub.user("ben"), on_hub.room.store
    assert ben.post("login", {"token": store.teacher}).status_code in (404, 405)
    ben.session.cookies.set("class_teacher", sealed(store.secret, "teacher", store.teacher))
    assert error(ben.act("open", key=VOTE)) == (403, "teacher")
    stranger = on_hub.browser()
    stranger.session.cookies.set("class_student", f"x.{sealed(store.secret, 'student', 'x')}")
    assert error(stranger.vote("A")) == (401, "login")


def test_one_user_has_one_vote_on_whatever_device(hub_class):
    ben, phone = hub_class.user("ben"), hub_class.user("ben")
    for who, choice in ((ben, "A"), (ben, "A"), (phone, "A"), (phone, "C"), (hub_class.user("cleo"), "B")):
        assert who.vote(choice).status_code == 200
    assert ben.now(kind="mine")["votes"] == {"1": "C"}
    hub_class.teacher.act("close")
    assert hub_class.teacher.now("teacher")["current"]["counts"]["1"] == {"A": 0, "B": 1, "C": 1, "D": 0}


def test_a_name_cannot_be_had_from_what_is_kept(hub_class):
    assert hub_class.user("ben").vote("A").status_code == 200
    store = hub_class.room.store
    assert list(store.ballot.votes[1]) == [sealed(store.secret, "hub", "ben")] != [sealed(b"another class", "hub", "ben")]
    assert "ben" not in store.as_text() and not re.search(r"\bben\b", str(vars(store.ballot)))


def test_a_vote_from_a_notebook_counts_if_that_question_is_open(hub_class):
    ben, token = hub_class.user("ben"), {"Authorization": "token token-ben"}
    ben.vote("A")
    page = Browser(hub_class.home)
    assert page.post("notebook", {"question": VOTE, "choice": "C"}, token).status_code == 200
    assert ben.now(kind="mine")["votes"] == {"1": "C"}
    assert error(page.post("notebook", {"question": "01-bits", "choice": "C"}, token)) == (409, "phase")
    assert error(page.post("notebook", {"question": VOTE, "choice": "Z"}, token)) == (409, "choice")
    assert page.post("notebook", {"question": VOTE, "choice": "B"}, {"Authorization": "token token-eve"}).status_code == 401
    for name, status in (("ben", 403), ("anna", 403)):  # neither a learner's token teaches, nor a teacher's
        assert page.post("act", {"do": "close"}, {"Authorization": f"token token-{name}"}).status_code == status
    hub_class.teacher.act("close")
    assert error(page.post("notebook", {"question": VOTE, "choice": "B"}, token)) == (409, "phase")
    assert hub_class.teacher.now("teacher")["current"]["counts"]["1"] == {"A": 0, "B": 0, "C": 1, "D": 0}


@pytest.mark.parametrize("name", HOSTILE)
def test_other_sites_cannot_post_to_a_hub(hub_class, name):
    headers, status = HOSTILE[name]
    body = {"question": VOTE, "number": 1, "round": 1, "choice": "A"}
    assert hub_class.user("ben").post("vote", body, headers).status_code == status
    assert hub_class.teacher.post("act", {"do": "close"}, headers).status_code == status
    told = hub_class.teacher.now("teacher")["current"]
    assert told["phase"] == "open" and told["voted"] == 0


def test_another_page_of_the_hub_cannot_teach_in_a_teachers_name(hub_class):
    """It has the same origin, and the browser sends the cookies; what it cannot read is the token in this service's cookie."""
    other = hub_class.user("ben").xsrf
    for wrong in ({"X-XSRFToken": None}, {"X-XSRFToken": "x"}, other):
        assert error(hub_class.teacher.post("act", {"do": "close"}, wrong)) == (401, "login")
        fetched = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", **wrong}
        assert error(hub_class.teacher.get("class/results.csv", headers=fetched)) == (401, "login")
        assert error(hub_class.teacher.get("class/events?as=teacher", headers=fetched)) == (401, "login")
    fetched = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
    assert hub_class.teacher.get("class/questions", headers={**fetched, **hub_class.teacher.xsrf}).status_code == 200
    assert error(hub_class.teacher.get("class/events", headers={**fetched, "Sec-Fetch-Site": "cross-site"})) == (401, "login")
    assert hub_class.teacher.now("teacher")["current"]["phase"] == "open"


def test_who_may_not_use_the_service_is_refused(on_hub):
    guest = on_hub.user("guest")
    for path in (*PAGES, *CALLS):
        assert error(guest.get(path)) == (403, "hub"), path


def test_the_address_is_a_teachers_word(on_hub):
    ben, anna = on_hub.user("ben"), on_hub.user("anna")

    def ask(who):
        cookies = "; ".join(f"{one.name}={one.value}" for one in who.session.cookies)
        headers = {"Host": "elsewhere.example", "X-Forwarded-Proto": "https", "Cookie": cookies}
        assert who.get("class/projector", headers=headers).status_code == 200

    ask(ben)
    assert "elsewhere" not in on_hub.room.address
    ask(anna)
    assert on_hub.room.address == f"https://elsewhere.example{BASE}"


def test_another_class_begins_with_nothing_and_takes_no_vote_of_the_last(hub_class):
    ben = hub_class.user("ben")
    ben.vote("A")
    assert hub_class.teacher.act("new").status_code == 200  # also while a vote is open
    told = hub_class.teacher.now("teacher")
    assert told["asked"] == [] and told["current"] is None
    assert hub_class.teacher.get("class/results.json").json() == {"questions": []}
    assert error(ben.vote("B")) == (409, "phase")
    hub_class.teacher.act("open", key=VOTE)
    assert ben.now(kind="mine") == {"number": 2, "votes": {}, "counted": []}
    assert error(ben.vote("B", number=1)) == (409, "phase")
    assert hub_class.teacher.now("teacher")["current"]["voted"] == 0


def test_only_a_hub_begins_with_another_class(a_class):
    assert error(a_class.teacher.act("new")) == (409, "what")
    assert a_class.teacher.now("teacher")["current"]["phase"] == "open"
    assert "data-on" not in a_class.teacher.get("class/").text


def run_hub(site, *options, **variables):
    command = [sys.executable, "-m", "classroom.votes", "--hub", "--site", str(site), *options]
    known = {"PATH": "/usr/bin:/bin", **{f"JUPYTERHUB_{name}": value for name, value in variables.items()}}
    done = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    return done.stderr


def test_the_service_says_what_is_missing(tmp_path, small_site):
    assert "there is no --save" in run_hub(small_site, "--save", "x.csv")
    pytest.importorskip("jupyterhub", reason="JupyterHub is not installed")
    assert "JUPYTERHUB_API_TOKEN" in run_hub(small_site)
    names = ("API_TOKEN", "API_URL", "CLIENT_ID", "SERVICE_NAME", "SERVICE_PREFIX", "SERVICE_URL")
    told = run_hub(tmp_path / "none", **dict.fromkeys(names, "http://127.0.0.1:0/"))
    assert "There is no website" in told and "tools.build" in told
