"""The server of a class: the finished website, the pages of the vote, and what they ask for.

Everybody may read the website and follow the vote; a browser that votes has a cookie with a random, signed token; what a
teacher's page asks for needs the teacher's cookie, which is given for the token of the printed link. Nothing here writes
what somebody typed into HTML: pages get JSON and show it as text.
"""

import asyncio
import base64
import contextlib
import csv
import gzip
import hashlib
import hmac
import io
import json
import logging
import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import segno
import tornado.httpserver
import tornado.iostream
import tornado.web

from classroom.votes.event import COLUMNS, Refused, report_of, rows_of, typed_question, view_of
from classroom.votes.limits import Bucket
from classroom.votes.stores import NotKept

PAGES = Path(__file__).with_name("pages")
SECONDS = {"broadcast": 0.1, "comment": 15, "save": 1}
BODY = 4096  # bytes of a request
TOKEN_AGE = 12 * 3600
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".json": "application/json",
    ".ico": "image/x-icon",
}
PACKED = (".html", ".js", ".css", ".svg", ".json")
INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
MOST_CHARACTERS = {"token": 100, "key": 100}

log = logging.getLogger("classroom.votes")


class Limits:
    """At once, and a second: for a browser, for an address (all browsers of a school), and for tries of the teacher's token."""

    def __init__(self, clients=2500):
        self.clients = clients  # pages that follow the vote at the same time
        self.pages_of_a_browser = 8
        self.browser = Bucket(20, 2)
        self.address = Bucket(4000, 500)
        self.new_browsers = Bucket(2000, 10)
        self.tries = Bucket(10, 0.2)


class Files:
    """All files of the website in memory: what is not among them does not exist, whatever a path looks like."""

    def __init__(self, folder):
        folder = folder.resolve()
        inside = (path for path in folder.rglob("*") if path.is_file() and path.resolve().is_relative_to(folder))
        self.files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in inside}
        self.tags = {name: f'"{hashlib.sha256(body).hexdigest()[:32]}"' for name, body in self.files.items()}
        self.packed = {}

    def pack(self, name, body):
        """Return a file as gzip, made once."""
        key = (name, hashlib.sha256(body).digest())
        if key not in self.packed:
            self.packed[key] = gzip.compress(body, 6)
        return self.packed[key]


class Client:
    """A page that follows the vote: what it was sent last, and what it is to be sent."""

    def __init__(self, role, token):
        self.role, self.token = role, token
        self.news = asyncio.Event()
        self.waiting, self.closed = {}, False

    def send(self, kind, text):
        """Hand over the newest; of two that a slow line has not taken yet, the former is not sent at all."""
        self.waiting[kind] = text
        self.news.set()

    def close(self):
        self.closed = True
        self.news.set()


class Room:
    """All pages that follow the vote, and the event that they follow."""

    def __init__(self, store, questions, site, address="", save=None, limits=None, proxied=False):
        self.store, self.questions, self.files = store, questions, Files(site)
        self.address, self.save, self.limits, self.proxied = address, save, limits or Limits(), proxied
        self.clients, self.views, self.told, self.problem, self.saved = set(), {}, {}, "", None
        self.of_token = {}  # the pages of each browser
        self.wanted, self.tasks = asyncio.Event(), []
        store.changed = self.wanted.set

    def add(self, client):
        self.clients.add(client)
        self.of_token.setdefault(client.token, set()).add(client)
        self.wanted.set()

    def remove(self, client):
        self.clients.discard(client)
        pages = self.of_token.get(client.token, set())
        pages.discard(client)
        if not pages:
            self.of_token.pop(client.token, None)
        self.wanted.set()

    def start(self):
        self.tasks.append(asyncio.create_task(self.broadcast()))

    async def broadcast(self):
        """Tell all pages what is new, several times a second at most."""
        while True:
            await self.wanted.wait()
            self.wanted.clear()
            try:
                await self.store.refresh()
                self.write_counts()
                self.make_views()
                # A vote changes nothing on the students' pages: a thousand of them are not to be woken for it.
                fresh = {role for role, view in self.views.items() if self.told.get(role) != view}
                self.told = dict(self.views)
                for client in list(self.clients) if fresh else ():
                    if client.role in fresh:
                        client.send("state", self.views[client.role])
            except NotKept as error:
                log.warning("%s", error)
                self.wanted.set()
            except Exception:
                log.exception("The pages could not be told what is new.")
            await asyncio.sleep(SECONDS["broadcast"])

    def make_views(self):
        present = self.store.present(sum(client.role == "student" for client in self.clients))
        for role in ("student", "projector", "teacher"):
            view = view_of(self.store.event, self.store.tally, role)
            if role != "student":
                view |= {"address": self.address, "present": present}
            if role == "teacher":
                view |= {"resumed": self.store.resumed, "problem": self.problem, "saving": bool(self.save)}
            self.views[role] = json.dumps(view)

    def write_counts(self):
        """Write the counts into the file of --save; a file that cannot be written is the teacher's affair, not the class's."""
        if not self.save:
            return
        text = csv_of(self.store.event, self.store.tally)
        if text == self.saved:
            return
        new = self.save.with_name(f"{self.save.name}.new")
        try:
            new.write_text(text, encoding="utf-8", newline="")
            new.replace(self.save)
            self.saved, self.problem = text, ""
        except OSError as error:
            self.problem = f"The counts could not be saved: {error}"
            log.warning("%s", self.problem)

    def held(self):
        """Return the key of the lesson's question whose answer stays shut, or None."""
        entry = self.store.event.current
        is_held = entry and entry["question"]["kind"] == "vote" and not entry["verdict"]
        return entry["question"]["key"] if is_held else None

    async def stop(self):
        for task in self.tasks:
            task.cancel()
        for client in self.clients:
            client.close()
        await asyncio.sleep(0)
        with contextlib.suppress(NotKept):
            await self.store.refresh()
            self.write_counts()


def csv_of(event, tally):
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerows([COLUMNS, *rows_of(event, tally)])
    return text.getvalue()


def sealed(secret, *words):
    return hmac.new(secret, "\0".join(words).encode(), hashlib.sha256).hexdigest()


def same(one, other):
    """Compare in a time that does not tell where two texts differ."""
    return hmac.compare_digest(one.encode(), other.encode())


class Handler(tornado.web.RequestHandler):
    """What all answers share: who asks, how much may be asked, and what the browser may do with the answer."""

    needs_teacher = is_page = False

    @property
    def room(self):
        return self.settings["room"]

    @property
    def store(self):
        return self.room.store

    def set_default_headers(self):
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        self.set_header("Cache-Control", "no-store")
        self.set_policy()

    def set_policy(self, *hashes, style="'self'"):
        scripts = " ".join(["'self'", *hashes])
        self.set_header(
            "Content-Security-Policy",
            f"default-src 'self'; script-src {scripts}; style-src {style}; img-src 'self' data: blob:; "
            "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        )

    async def prepare(self):
        if not self.room.limits.address.takes(self.request.remote_ip):
            raise Stop(429, "busy", "Too much is asked for from this address.")
        if self.request.method == "POST":
            self.check_post()
        await self.identify()
        if not self._finished and self.is_for_teacher() and not self.is_teacher():
            raise Stop(403, "teacher", self.settings["to_strangers"])

    async def identify(self):
        """Nothing to do: here a cookie says who asks. On a hub, the hub does."""

    def is_for_teacher(self):
        return self.needs_teacher

    def check_post(self):
        """Let nobody post but a page of this server: another site's page can set no such header, and names its origin."""
        origin, site = self.request.headers.get("Origin"), self.request.headers.get("Sec-Fetch-Site", "same-origin")
        is_ours = origin is None or urlsplit(origin).netloc.lower() == self.request.host.lower()
        if self.request.headers.get("X-Class") != "vote" or not is_ours or site != "same-origin":
            raise Stop(403, "origin", "This call did not come from a page of the class.")
        if self.request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
            raise Stop(415, "json", "This is not JSON.")
        try:
            self.body = json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise Stop(400, "json", "This is not JSON.") from None
        if not isinstance(self.body, dict):
            raise Stop(400, "json", "This is not what was expected.")

    def of_body(self, **kinds):
        """Return the fields of the body, each of its type."""
        for name, kind in kinds.items():
            if type(self.body.get(name)) is not kind:
                raise Stop(400, "json", "This is not what was expected.")
        return [self.body[name] for name in kinds]

    def student(self):
        """Return the token of this browser, or None if it has none that this class gave."""
        text = self.get_cookie("class_student", "")
        token, _, seal = text.partition(".")
        return token if token and same(seal, sealed(self.store.secret, "student", token)) else None

    def is_teacher(self):
        return same(self.get_cookie("class_teacher", ""), sealed(self.store.secret, "teacher", self.store.teacher))

    def give_cookie(self, name, value):
        how = {"httponly": True, "samesite": "Strict", "path": self.settings["base"], "max_age": TOKEN_AGE}
        self.set_cookie(name, value, secure=self.request.protocol == "https", **how)

    def answer(self, what, status=200):
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(what))

    def write_error(self, status_code, **options):
        error = options.get("exc_info", (None, None))[1]
        if isinstance(error, Stop):
            reason, sentence = error.word, error.sentence
        elif isinstance(error, Refused):
            reason, sentence = error.reason, str(error)
        elif isinstance(error, NotKept):
            reason, sentence = "kept", "This could not be kept. Try again."
        else:
            reason, sentence = "error", "This cannot be had." if status_code < 500 else "Something went wrong here."
        self.answer({"error": reason, "sentence": sentence}, status_code)

    def _handle_request_exception(self, error):
        if isinstance(error, Refused | NotKept) and not self._finished:
            if isinstance(error, NotKept):
                log.warning("%s", error)
            self.send_error(409 if isinstance(error, Refused) else 503, exc_info=(type(error), error, None))
            return
        super()._handle_request_exception(error)

    def log_exception(self, kind, error, trace):
        if not isinstance(error, tornado.web.HTTPError | tornado.iostream.StreamClosedError):
            super().log_exception(kind, error, trace)


class Stop(tornado.web.HTTPError):
    """An answer that ends a request: a status, a word for programs and a sentence for people."""

    def __init__(self, status, word, sentence):
        super().__init__(status)
        self.word, self.sentence = word, sentence


# ------------------------------------------------------------------------------------------------------------- students


class Join(Handler):
    """Give a browser its token. Only a page asks for it: a link from elsewhere comes without the cookie that is there."""

    async def post(self):
        if self.student() is None:
            if not self.room.limits.new_browsers.takes(self.request.remote_ip):
                raise Stop(429, "busy", "Too many browsers have come from this address.")
            token = secrets.token_urlsafe(15)
            self.give_cookie("class_student", f"{token}.{sealed(self.store.secret, 'student', token)}")
        self.answer({"joined": True})


class Vote(Handler):
    async def post(self):
        key, number, round_, choice = self.of_body(question=str, number=int, round=int, choice=str)
        entry = self.store.event.current
        if entry and entry["number"] == number and entry["question"]["key"] != key:
            raise Refused("phase", "This vote is closed.")
        await self.count(number, round_, choice)

    async def count(self, number, round_, choice):
        """Count the vote, tell the browser's other pages, and answer."""
        token = self.student()
        if token is None:
            raise Stop(401, "join", "This browser has not joined the class.")
        if not self.room.limits.browser.takes(token):
            raise Stop(429, "busy", "That was too fast. Try again.")
        await self.store.vote(token, number, round_, choice)
        mine = await self.store.mine(token, (number, round_))
        for client in self.room.of_token.get(token, ()):
            client.send("mine", json.dumps(mine))
        self.answer({"mine": mine})


class Events(Handler):
    """Server-sent events: all of the state at once, and again whenever it changes."""

    client = None

    @property
    def role(self):
        return self.get_query_argument("as", "student")

    def is_for_teacher(self):
        return self.role == "teacher"

    async def get(self):
        room, role = self.room, self.role
        token = self.student()
        if role not in ("student", "projector", "teacher"):
            raise Stop(400, "role", "There is no such page.")
        if role == "student" and token is None:
            raise Stop(401, "join", "This browser has not joined the class.")
        own = len(room.of_token.get(token, ())) if token else 0
        if role != "teacher" and (len(room.clients) >= room.limits.clients or own >= room.limits.pages_of_a_browser):
            raise Stop(503, "full", "Too many pages are open.")
        if role == "student" and not room.limits.browser.takes(token):
            raise Stop(429, "busy", "That was too fast.")
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("X-Accel-Buffering", "no")
        self.client = Client(role, token if role == "student" else None)
        room.add(self.client)
        try:
            self.client.send("state", view_now(room, role))
            if role == "student":
                self.client.send("mine", json.dumps(await self.store.mine(token)))
            await self.follow()
        except tornado.iostream.StreamClosedError:
            pass
        finally:
            room.remove(self.client)

    async def follow(self):
        client, sent = self.client, {}
        self.write("retry: 1000\n\n")
        while not client.closed:
            try:
                await asyncio.wait_for(client.news.wait(), SECONDS["comment"])
            except TimeoutError:
                self.write(": here\n\n")
            client.news.clear()
            waiting, client.waiting = client.waiting, {}
            for kind, text in waiting.items():
                if sent.get(kind) != text:
                    sent[kind] = text
                    self.write(f"event: {kind}\ndata: {text}\n\n")
            await self.flush()  # a line that takes nothing more is waited for here, and the newest is sent when it does

    def on_connection_close(self):
        if self.client:
            self.client.close()


def view_now(room, role):
    """The newest state, not that of the last broadcast."""
    room.make_views()
    return room.views[role]


class Code(Handler):
    """The address as a QR code."""

    def get(self):
        picture = io.BytesIO()
        segno.make(self.room.address, error="m").save(picture, kind="svg", border=2, scale=8, dark="#000", light="#fff")
        self.set_header("Content-Type", TYPES[".svg"])
        self.finish(picture.getvalue())


# -------------------------------------------------------------------------------------------------------------- teacher


class Login(Handler):
    def post(self):
        if not self.room.limits.tries.takes(self.request.remote_ip):
            raise Stop(429, "busy", "Too many tries. Wait a little.")
        (token,) = self.of_body(token=str)
        if len(token) > MOST_CHARACTERS["token"] or not same(token, self.store.teacher):
            raise Stop(403, "teacher", "This is not the teacher's link of this class.")
        self.give_cookie("class_teacher", sealed(self.store.secret, "teacher", self.store.teacher))
        self.answer({"teacher": True})


class Act(Handler):
    needs_teacher = True

    async def post(self):
        (what,) = self.of_body(do=str)
        details = {}
        if what == "open":
            details = {"question": self.question(), "mirror_of": self.body.get("mirror_of")}
        elif what == "verdict":
            details = {"answer": self.body.get("answer")}
        elif what == "hands":
            details = {"number": self.body.get("round"), "counts": self.body.get("counts")}
        elif what == "new" and not self.settings["on_hub"]:
            raise Refused("what", "On a laptop, a class ends with Ctrl-C, and a new one begins with the same command.")
        await self.store.act(what, **details)
        self.answer({"done": what})

    def question(self):
        if "typed" in self.body:
            typed = self.body["typed"]
            if not isinstance(typed, dict):
                raise Stop(400, "json", "This is not what was expected.")
            return typed_question(typed.get("text"), typed.get("options"), typed.get("answer"))
        (key,) = self.of_body(key=str)
        if key not in self.room.questions:
            raise Refused("key", "There is no such question.")
        return self.room.questions[key]


class Questions(Handler):
    needs_teacher = True

    def get(self):
        fields = ("key", "kind", "lesson", "place", "text", "options", "answer")
        questions = [{name: one[name] for name in fields} for one in self.room.questions.values()]
        self.answer({"questions": questions})


class Results(Handler):
    needs_teacher = True

    async def get(self, kind):
        await self.store.refresh()
        if kind == "csv":
            self.set_header("Content-Type", "text/csv; charset=utf-8")
            self.set_header("Content-Disposition", 'attachment; filename="class-votes.csv"')
            self.finish(csv_of(self.store.event, self.store.tally))
        else:
            self.answer({"questions": report_of(self.store.event, self.store.tally)})


# ---------------------------------------------------------------------------------------------------------------- pages


class Start(Handler):
    is_page = True

    def get(self):
        self.redirect(f"{self.settings['base']}class/")


class Page(Handler):
    """A page of the vote, or its script and style; their names are a list, not a folder."""

    NAMES = ("student", "projector", "teacher", "report")
    PARTS = ("class.css", "class.js", "student.js", "projector.js", "teacher.js", "report.js")
    is_page = True

    def get(self, name):
        name = f"{name or 'student'}.html" if name in ("", *self.NAMES) else name
        if name not in self.PARTS and name.removesuffix(".html") not in self.NAMES:
            raise Stop(404, "none", "There is no such page.")
        self.set_header("Content-Type", TYPES[Path(name).suffix])
        body = (PAGES / name).read_bytes()
        if self.settings["on_hub"]:
            body = body.replace(b"<html ", b'<html data-on="hub" ', 1)  # some sentences hold here only, others elsewhere
        self.finish(body)


class Site(Handler):
    """The website as it was built, with one more script in its pages, which lets them take part in the vote."""

    is_page = True

    def get(self, path):
        files, suffix = self.room.files, Path(path).suffix
        if path not in files.files:
            raise Stop(404, "none", "There is no such page.")
        body = files.files[path]
        self.set_header("Content-Type", TYPES.get(suffix, "application/octet-stream"))
        if suffix == ".html":
            hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(one).digest()).decode()}'" for one in INLINE.findall(body)]
            self.set_policy(*hashes, "'wasm-unsafe-eval'", "blob:", style="'self' 'unsafe-inline'")
            body = with_votes(body, self.room.held())
        else:
            self.set_header("Cache-Control", "no-cache")
            self.set_header("ETag", files.tags[path])
            if self.request.headers.get("If-None-Match") == files.tags[path]:
                self.set_status(304)
                self.finish()
                return
        if suffix in PACKED and "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            body = files.pack(path, body)
        self.set_header("Vary", "Accept-Encoding")
        self.finish(body)

    def compute_etag(self):
        return None


def with_votes(body, held):
    """Return a page of the website with the vote's script, which comes first: it says what is held before anything opens."""
    attribute = f' data-held="{held}"' if held and re.fullmatch(r"[\w-]+", held) else ""
    return body.replace(b"</title>", f'</title>\n<script src="class/student.js"{attribute}></script>'.encode(), 1)


class Missing(Handler):
    async def prepare(self):
        await super().prepare()
        raise Stop(404, "none", "There is no such page.")


def routes(base):
    """Return what is where; ``base`` is where all of it stands on its host."""
    at = re.escape(base)
    return [
        (at, Start),
        (rf"{at}class/join", Join),
        (rf"{at}class/vote", Vote),
        (rf"{at}class/events", Events),
        (rf"{at}class/code\.svg", Code),
        (rf"{at}class/login", Login),
        (rf"{at}class/act", Act),
        (rf"{at}class/questions", Questions),
        (rf"{at}class/results\.(csv|json)", Results),
        (rf"{at}class/([\w.-]*)", Page),
        (rf"{at}([\w./ -]+)", Site),
    ]


def application(room, base="/", handlers=None, **settings):
    """Return the web application; a hub brings handlers and settings of its own (``hub.py``)."""
    told = "Only the teacher may do that: open the teacher's link that the terminal shows."
    return tornado.web.Application(
        handlers or routes(base),
        default_handler_class=Missing,
        room=room,
        base=base,
        log_function=lambda handler: None,
        **{"on_hub": False, "to_strangers": told, **settings},
    )


def serve(room, port, host="", app=None):
    """Listen; return the server and the port."""
    server = tornado.httpserver.HTTPServer(
        app or application(room),
        max_body_size=BODY,
        max_header_size=16384,
        idle_connection_timeout=60,
        body_timeout=10,
        xheaders=room.proxied,
    )
    server.listen(port, host)
    return server, next(iter(server._sockets.values())).getsockname()[1]
