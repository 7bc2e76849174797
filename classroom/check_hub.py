"""Test jupyterhub_config.py with a teacher and a learner: they log in, run a notebook at the same time, try to get at each
other, and vote.

    python classroom/check_hub.py              with the project's environment: a temporary one is built upon it (needs pip, npm)
    python classroom/check_hub.py --notebook 01_why_the_step_function_trains.ipynb

Run with the Python of an environment that holds JupyterHub, it tests that very environment and installs nothing: this is how
to test the server of a class before the class comes.

It needs Linux and root, for it makes Unix users. The hub listens on loopback only. The users, the processes and the temporary
folder are removed at the end, whatever happens. Exit code 0: everything was tested and holds; 1: something does not hold, or
could not be tested.
"""

import argparse
import concurrent.futures
import contextlib
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
import time
import traceback
import uuid
from pathlib import Path
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parent.parent
PARTS = ("aehelpers", "classroom", "notebooks", "LICENSE", "README.md", "constraints.txt", "pyproject.toml")
PROXY = "configurable-http-proxy@5.3.0"
START_LIMIT, CELL_LIMIT, STOP_LIMIT = 300, 1800, 120  # seconds


class Problem(Exception):
    """Something does not hold; shown as a sentence, without a traceback."""


class NotTested(Exception):
    """This machine cannot do the test; the message says why."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--notebook", default="04_the_grey_image_bug.ipynb", help="what both learners run (default: %(default)s)"
    )
    notebook = parser.parse_args().notebook
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("Stopped."))  # as an exception, so that everything is taken down
    begin = time.monotonic()
    try:
        find_what_is_needed(notebook)
        check(notebook)
    except Problem as problem:
        print(f"FAILED: {problem}", flush=True)
        return 1
    except NotTested as reason:
        print(f"skipped: {reason}", flush=True)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
        return 1
    except Exception:  # whatever it is, it is no proof that the configuration holds
        traceback.print_exc(file=sys.stdout)
        print("FAILED: this was not foreseen; the hub's log may say more.", flush=True)
        return 1
    print(f"ok: all of this took {time.monotonic() - begin:.0f} s")
    return 0


def find_what_is_needed(notebook):
    """Raise NotTested if this machine cannot do the test."""
    if sys.platform != "linux":
        raise NotTested("this needs Linux, as the configuration does.")
    if os.geteuid() != 0:
        raise NotTested("only root can make Unix users and start servers for them. Try it with sudo.")
    missing = [
        name for name in ("aehelpers", "jupyterlab", "psutil", "requests", "websocket") if not importlib.util.find_spec(name)
    ]
    if missing:
        raise NotTested(f"{sys.executable} has no {', '.join(missing)}. Use .venv/bin/python or that of your hub.")
    programs = ["useradd", "userdel", "groupadd", "groupdel", "chpasswd", "prlimit", "node"]
    if not Path(sys.prefix, "bin", "configurable-http-proxy").exists():
        programs.append("npm")
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise NotTested(f"there is no {', '.join(missing)} on this machine (node and npm come with Node.js).")
    if not (PROJECT / "notebooks" / notebook).is_file():
        raise NotTested(f"there is no notebook {notebook}.")


def say(sentence):
    print(sentence, flush=True)


def expect(sentence, condition, found=""):
    """Print a sentence that holds, or raise Problem."""
    if not condition:
        raise Problem(f"does not hold: {sentence}. {found}".rstrip(" ."))
    say(f"ok: {sentence}")


def check(notebook):
    os.umask(0o022)  # learners must be able to read the environment
    with contextlib.ExitStack() as stack:
        stack.callback(say, "Everything that was made for the test has been removed.")
        folder = stack.enter_context(temporary_folder())
        project, environment = find_environment(folder)
        groups, (anna, ben, guest) = stack.enter_context(users(folder, ("anna", "ben", "guest")))
        check_that_learners_can_read(environment, project / "notebooks" / notebook, anna)
        address = stack.enter_context(hub(environment, project, folder / "hub", groups))
        for learner in (anna, ben, guest):
            learner.address = address

        expect("a wrong password is refused", not anna.log_in("wrong"))
        expect("a Unix user who is not in the group cannot log in", not guest.log_in())
        learners = (anna, ben)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for learner, (cells, seconds) in zip(learners, pool.map(lambda one: one.learn(notebook), learners), strict=True):
                expect(
                    f"{learner.nickname} logged in and ran the {cells} code cells of {notebook} in {seconds:.0f} s", cells > 0
                )
        for learner in learners:
            report_memory(learner)
        check_votes(environment, anna, ben)
        check_files(anna, ben, folder, environment)
        check_http(anna, ben)
        check_ports(anna, ben)
        check_memory_limit(anna)
        check_copy(anna)
        check_idle_culler(environment, learners)


@contextlib.contextmanager
def temporary_folder():
    folder = Path(tempfile.mkdtemp(prefix="hub-check-"))
    folder.chmod(0o755)
    (folder / "hub").mkdir(0o700)
    (folder / "home").mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def find_environment(folder):
    """Return the folder of the project and that of an environment that has it and JupyterHub."""
    if importlib.util.find_spec("jupyterhub"):
        if not (PROJECT / "site" / "index.html").is_file():
            raise NotTested(f"there is no website yet. Build it: {sys.executable} -m tools.build {PROJECT / 'site'}")
        say(f"Testing the environment {sys.prefix}.")
        return PROJECT, Path(sys.prefix)
    say(f"Making an environment with JupyterHub upon {sys.prefix}; this takes a minute or more.")
    # A copy, which nobody edits during the test, and which learners can read wherever the project lies.
    project, environment = folder / "project", folder / "environment"
    project.mkdir()
    for name in PARTS:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, project / name)
    (project / "site").mkdir()  # what is on the website does not matter here
    (project / "site" / "index.html").write_text("<!doctype html><title>Lessons</title><p>All lessons", encoding="utf-8")
    run([python_for_everybody(), "-m", "venv", environment])
    python = environment / "bin" / "python"
    # Not another 2.5 GB: the new environment sees the packages of this one. A mere path would leave out their .pth files.
    packages = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (packages / "project.pth").write_text(line, encoding="utf-8")
    for name in ("etc", "share"):
        (environment / name).mkdir(exist_ok=True)
        (environment / name / "jupyter").symlink_to(Path(sys.prefix, name, "jupyter"))  # JupyterLab's pages and the kernel
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    run([*pip, "-c", project / "constraints.txt", "-r", project / "classroom" / "requirements.txt"])
    run([*pip, "--no-deps", "--ignore-installed", project])  # as in a class: the package itself, not a link to the project
    run(["npm", "install", "--global", "--no-fund", "--no-audit", "--prefix", environment, PROXY])
    return project, environment


def python_for_everybody():
    """Return a Python of this version that any Unix user can start."""
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for python in (sys._base_executable, shutil.which(name, path=os.defpath)):
        # One that was installed into root's home folder, by pyenv or uv for example, is closed to learners.
        with contextlib.suppress(PermissionError):
            if (
                python
                and subprocess.run([python, "-c", "import ensurepip"], cwd="/", user="nobody", check=False).returncode == 0
            ):
                return python
    raise NotTested(
        f"learners cannot start {sys._base_executable}, and there is no other {name} with venv for all users. "
        f"Install {name} and its venv where everybody may read, for example with the packages of the system."
    )


def run(command):
    """Run a command to its end and return what it printed."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise NotTested(f"this command failed: {' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


@contextlib.contextmanager
def users(folder, nicknames):
    """Make Unix users; yield the groups of learners (all but the last) and of teachers (the first), and the users."""
    prefix = f"hubcheck{secrets.token_hex(3)}"
    teachers = f"{prefix}-t"
    learners = [Learner(nickname, f"{prefix}-{nickname}", folder / "home") for nickname in nicknames]
    try:
        run(["groupadd", prefix])
        run(["groupadd", teachers])
        for learner in learners:
            groups = ["--groups", prefix] if learner is not learners[-1] else []
            if learner is learners[0]:
                groups[-1] += f",{teachers}"
            # A home folder that is open to all, as some systems make it: the configuration has to close it.
            home = ["--create-home", "--base-dir", folder / "home", "--key", "HOME_MODE=0755"]
            run(["useradd", *home, "--shell", "/bin/sh", *groups, learner.name])
            subprocess.run(["chpasswd"], input=f"{learner.name}:{learner.password}\n", text=True, check=True)
        yield (prefix, teachers), learners
    finally:
        for learner in learners:
            with contextlib.suppress(KeyError):
                kill_all_of(learner)
                remove = ["userdel", "--remove", pwd.getpwnam(learner.name).pw_name]
                subprocess.run(remove, stderr=subprocess.DEVNULL, check=False)  # it complains where there is no mailbox
        for group in (prefix, teachers):
            subprocess.run(["groupdel", group], check=False)


def kill_all_of(learner):
    """End what still runs as a user that this test has made."""
    import psutil

    end = time.monotonic() + STOP_LIMIT
    while (left := learner.processes()) and time.monotonic() < end:
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=5)


def check_that_learners_can_read(environment, notebook, learner):
    code = "import pathlib, sys, aehelpers, jupyterhub, jupyterlab; pathlib.Path(sys.argv[1]).read_bytes()"
    entry = pwd.getpwnam(learner.name)
    command = [environment / "bin" / "python", "-c", code, notebook]
    who = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/", "env": {"PATH": os.defpath}}
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **who)
        found = done.stderr.strip().rpartition("\n")[2] if done.returncode else ""
    except PermissionError as error:
        found = str(error)
    if found:
        raise Problem(
            f"learners cannot read {environment} or {notebook.parent} ({found}). "
            "Put both where they can, for example under /opt."
        )


@contextlib.contextmanager
def hub(environment, project, folder, groups):
    """Start the hub on free ports of loopback, yield its address, and stop it with all that it has started."""
    import psutil

    public, internal, proxy, vote = free_ports(4)
    learners, teachers = groups
    # The configuration itself; only the vote's port and group are those of this test.
    config = folder / "config.py"
    config.write_text(
        f"""
load_subconfig({str(project / "classroom" / "jupyterhub_config.py")!r})
vote = next(one for one in get_config().JupyterHub.services if one["name"] == "vote")
vote["url"] = "http://127.0.0.1:{vote}"
vote["command"] = ["--teachers={teachers}" if word == "--teachers=teachers" else word for word in vote["command"]]
""",
        encoding="utf-8",
    )
    address = f"http://127.0.0.1:{public}"
    options = [
        f"--JupyterHub.bind_url={address}",
        f"--JupyterHub.hub_port={internal}",
        f"--ConfigurableHTTPProxy.api_url=http://127.0.0.1:{proxy}",
        f"--PAMAuthenticator.allowed_groups={learners}",
    ]
    log = folder / "hub.log"
    with log.open("wb") as file:
        command = [environment / "bin" / "jupyterhub", "-f", config, *options]
        process = subprocess.Popen(command, cwd=folder, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    started = psutil.Process(process.pid)
    family = []
    try:
        wait_for("the hub to answer", lambda: answers(address, process), START_LIMIT)
        family = started.children(recursive=True)
        yield address
    except BaseException:
        print(f"The end of the hub's log:\n{log.read_text(errors='replace')[-6000:]}", flush=True)
        raise
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            family += started.children(recursive=True)
        process.terminate()  # it stops the servers of the learners, the proxy and the culler
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT)
        process.kill()
        process.wait()
        for child in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()  # psutil makes sure that the number is still that of the same process
        psutil.wait_procs(family, timeout=STOP_LIMIT)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


def answers(address, process):
    import requests

    if process.poll() is not None:
        raise Problem(f"the hub ended with exit code {process.returncode}")
    with contextlib.suppress(requests.RequestException), direct_session() as session:
        return session.get(f"{address}/hub/health", timeout=10).ok


def wait_for(what, condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Problem(f"waited {seconds} s in vain for {what}")
        time.sleep(0.5)


def direct_session():
    import requests

    session = requests.Session()
    session.trust_env = False  # no proxy between this test and loopback
    return session


class Learner:
    """A Unix user who logs in as a browser does."""

    def __init__(self, nickname, name, homes):
        self.nickname, self.name, self.home = nickname, name, homes / name
        self.password, self.address = secrets.token_urlsafe(12), None
        self.session = direct_session()
        self.kernel = None

    def processes(self):
        import psutil

        user = pwd.getpwnam(self.name).pw_uid
        return [one for one in psutil.process_iter(["uids"]) if one.info["uids"] and one.info["uids"].real == user]

    def server(self):
        """Return the process of the learner's server."""
        return next(one for one in self.processes() if any("jupyterhub-singleuser" in word for word in one.cmdline()))

    def log_in(self, password=None):
        """Fill in the form; return whether the hub lets the learner in."""
        self.session.get(f"{self.address}/hub/login", timeout=60).raise_for_status()
        form = {"username": self.name, "password": password or self.password, "_xsrf": self.xsrf("/hub/")}
        answer = self.session.post(f"{self.address}/hub/login", data=form, timeout=60, allow_redirects=False)
        if answer.status_code not in (302, 403):
            raise Problem(f"the form was answered with {answer.status_code}: {answer.text[:500]}")
        return answer.status_code == 302

    def xsrf(self, path):
        return next((one.value for one in self.session.cookies if one.name == "_xsrf" and one.path == path), "")

    def start_server(self):
        """Ask for the server, and wait until its JupyterLab opens."""
        page = f"{self.address}/user/{self.name}/lab"
        self.session.get(f"{self.address}/hub/spawn", timeout=START_LIMIT)

        def opens():
            answer = self.session.get(page, timeout=60)
            return answer.ok and urlsplit(answer.url).path.startswith(urlsplit(page).path)

        wait_for(f"the server of {self.nickname}", opens, START_LIMIT)

    def call(self, method, path, owner=None, token=None, **options):
        """Call the server of a learner, this one if none is named, with the cookies of this one or with a token."""
        owner = owner or self
        headers = {"X-XSRFToken": self.xsrf(f"/user/{owner.name}/")}
        session = self.session
        if token is not None:
            session, headers = direct_session(), {"Authorization": f"token {token}"} if token else {}
        return session.request(method, f"{self.address}/user/{owner.name}/{path}", headers=headers, timeout=60, **options)

    def learn(self, notebook):
        """Log in and run all cells of the own copy of a notebook; return how many there were, and the seconds they took."""
        if not self.log_in():
            raise Problem(f"{self.nickname} cannot log in")
        self.start_server()
        self.kernel = Kernel(self, f"notebooks/{notebook}")
        answer = self.call("GET", f"api/contents/notebooks/{notebook}")
        answer.raise_for_status()
        sources = [cell["source"] for cell in answer.json()["content"]["cells"] if cell["cell_type"] == "code"]
        begin = time.monotonic()
        for source in sources:
            self.kernel.run(source)
        return len(sources), time.monotonic() - begin

    def new_token(self):
        """Return a token that may do all that the learner may do."""
        address = f"{self.address}/hub/api/users/{self.name}/tokens"
        headers = {"X-XSRFToken": self.xsrf("/hub/"), "Referer": f"{self.address}/hub/token"}
        answer = self.session.post(address, headers=headers, json={"note": "test"}, timeout=60)
        answer.raise_for_status()
        return answer.json()["token"]


class Kernel:
    """The kernel of a notebook on a learner's server, through the same websocket as JupyterLab's."""

    def __init__(self, learner, path):
        wanted = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        answer = learner.call("POST", "api/sessions", json=wanted)
        answer.raise_for_status()
        self.learner, self.id = learner, answer.json()["kernel"]["id"]
        self.socket = open_websocket(learner, learner, self.id)

    def run(self, code):
        """Run a cell and return what it printed."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "session": "check",
            "username": "",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self.socket.send(json.dumps(message))
        printed, replied, idle = [], False, False
        while not (replied and idle):
            message = self.receive()
            kind, content = message["header"]["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if kind == "stream" and content["name"] == "stdout":
                printed.append(content["text"])
            elif kind == "error":
                trace = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(content["traceback"]))
                raise Problem(f"a cell of {self.learner.nickname} failed:\n{code}\n{trace}")
            replied |= kind == "execute_reply"
            idle |= kind == "status" and content["execution_state"] == "idle"
        return "".join(printed)

    def receive(self):
        """Return the next message; of one that carries binary data, the part that is JSON."""
        message = self.socket.recv()
        if isinstance(message, bytes):  # the number of parts and where each begins, then the parts, JSON first
            begin, end = struct.unpack_from("!2I", message, 4)
            message = message[begin:end]
        return json.loads(message)

    def evaluate(self, code):
        """Run a cell whose last line prints JSON, and return that."""
        return json.loads(self.run(code).splitlines()[-1])


def open_websocket(learner, owner, kernel):
    """Connect to a kernel of the owner with the cookies of a learner."""
    import requests
    import websocket

    path = f"{learner.address}/user/{owner.name}/api/kernels/{kernel}/channels?_xsrf={learner.xsrf(f'/user/{owner.name}/')}"
    cookies = requests.cookies.get_cookie_header(learner.session.cookies, requests.Request("GET", path).prepare())
    return websocket.create_connection(
        path.replace("http", "ws", 1), cookie=cookies, origin=learner.address, timeout=CELL_LIMIT
    )


def report_memory(learner):
    """Print what each process holds for itself after the notebook, and the pages of files, which the machine holds once."""
    kernel = learner.kernel.evaluate("import os; print(os.getpid())")
    own, shared = zip(*(memory(number) for number in (learner.server().pid, kernel)), strict=True)
    say(
        f"Memory of {learner.nickname}: server {own[0]:.0f} MB own, {shared[0]:.0f} MB shared; "
        f"kernel {own[1]:.0f} MB own, {shared[1]:.0f} MB shared; together {sum(own):.0f} MB own."
    )


def memory(number):
    status = Path(f"/proc/{number}/status").read_text(encoding="ascii")
    return [int(re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)[1]) / 1024 for field in ("RssAnon", "RssFile")]


ATTEMPTS = """
import json, os, pathlib, aehelpers
def attempt(action):
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return "done"
other, server, state = {other!r}, {server!r}, {state!r}
print(json.dumps({{
    "read own": attempt(lambda: open({own!r}).read()),
    "read": attempt(lambda: open(other + "/notebooks/answer.txt").read()),
    "list": attempt(lambda: os.listdir(other)),
    "write": attempt(lambda: open(other + "/notebooks/new.txt", "w")),
    "environment": attempt(lambda: open(f"/proc/{{server}}/environ").read()),
    "hub": attempt(lambda: os.listdir(state)),
    "aehelpers": attempt(lambda: open(aehelpers.__file__, "a")),
    "user": os.getuid(),
}}))
"""


def check_files(anna, ben, folder, environment):
    """From inside a kernel: what the operating system allows."""
    for learner in (anna, ben):
        learner.kernel.run(
            f"import pathlib; pathlib.Path.home().joinpath('notebooks', 'answer.txt').write_text({learner.password!r})"
        )
    for learner, other in ((anna, ben), (ben, anna)):
        own = str(learner.home / "notebooks" / "answer.txt")
        places = {"own": own, "other": str(other.home), "server": other.server().pid, "state": str(folder / "hub")}
        found = learner.kernel.evaluate(ATTEMPTS.format(**places))
        who = f"a cell of {learner.nickname}"
        expect(f"{who} runs as {learner.nickname}'s Unix user", found["user"] == pwd.getpwnam(learner.name).pw_uid, found)
        expect(f"{who} can read {learner.nickname}'s file", found["read own"] == "done", found)
        whose = f"{other.nickname}'s"
        denied = {
            "read": f"read {whose} file",
            "list": f"list {whose} folder",
            "write": f"write into {whose} folder",
            "environment": f"read the tokens of {whose} server",
            "hub": "look into the hub's folder",
            "aehelpers": "change the shared aehelpers",
        }
        for name, what in denied.items():
            expect(f"{who} cannot {what}: PermissionError", found[name] == "PermissionError", found[name])


def check_http(anna, ben):
    """Through the proxy and past it: what the servers allow."""
    import psutil
    import websocket

    for learner, other in ((anna, ben), (ben, anna)):
        token = learner.new_token()
        requests = {
            "read a file": ("GET", "api/contents/notebooks/answer.txt"),
            "download a file": ("GET", "files/notebooks/answer.txt"),
            "list the kernels": ("GET", "api/kernels"),
            "start a kernel": ("POST", "api/kernels"),
            "delete a file": ("DELETE", "api/contents/notebooks/answer.txt"),
        }
        for what, (method, path) in requests.items():
            answers = [learner.call(method, path, owner=other, token=key) for key in (None, token, "")]
            sentence = f"{learner.nickname} cannot {what} on {other.nickname}'s server, with cookies, with a token, or without"
            expect(sentence, all(is_refusal(answer, other) for answer in answers), answers)
        codes = [learner.call("GET", "api/contents/notebooks/answer.txt", token=key).status_code for key in (None, token)]
        expect(f"{learner.nickname} can read the own file, with cookies and with a token", codes == [200, 200], codes)

        try:
            open_websocket(learner, other, other.kernel.id).close()
            code = "the connection"
        except websocket.WebSocketBadStatusException as error:
            code = error.status_code
        expect(f"{learner.nickname} cannot connect to {other.nickname}'s kernel: 403", code == 403, code)

        ports = [one.laddr.port for one in other.server().net_connections() if one.status == psutil.CONN_LISTEN]
        url, headers = f"http://127.0.0.1:{{}}/user/{other.name}/api/contents", {"Authorization": f"token {token}"}
        codes = [direct_session().get(url.format(port), headers=headers, timeout=60).status_code for port in ports]
        expect(f"nor past the proxy to {other.nickname}'s server: 403", codes and set(codes) == {403}, codes)


def is_refusal(answer, owner):
    """Whether this is error 403 or the hub's login form, and not what the owner of the server has written."""
    refused = answer.status_code == 403 or urlsplit(answer.url).path == "/hub/login"
    return refused and owner.password not in answer.text


class Voter:
    """A learner's browser at the class's vote, or somebody's who has not logged in."""

    def __init__(self, learner, session=None):
        self.learner, self.session = learner, session or learner.session
        self.home = f"{learner.address}/services/vote/"

    def get(self, path, **options):
        return self.session.get(f"{self.home}{path}", headers=self.token(), timeout=60, **options)

    def token(self):
        tokens = [one.value for one in self.session.cookies if one.name == "_xsrf" and one.path == "/services/vote/"]
        return {"X-XSRFToken": tokens[0]} if tokens else {}

    def post(self, path, body, **headers):
        headers = {"X-Class": "vote", **self.token(), **headers}
        return self.session.post(f"{self.home}class/{path}", json=body, headers=headers, timeout=60)

    def vote(self, question, choice, number=1):
        return self.post("vote", {"question": question, "number": number, "round": 1, "choice": choice}).status_code

    def state(self, role="student"):
        """Return what a page is told when it opens."""
        with self.get(f"class/events?as={role}", stream=True) as answer:
            answer.raise_for_status()
            told = next(line for line in answer.iter_lines(chunk_size=1) if line.startswith(b"data: "))
        return json.loads(told[6:])["current"]


def check_votes(environment, anna, ben):
    """Whether a class votes: anna is the teacher, ben is not."""
    import psutil

    stranger = Voter(ben, direct_session())
    pages = ("", "index.html", "class/", "class/teacher", "class/class.js", "class/questions", "class/events?as=projector")
    answers = [stranger.get(page) for page in pages]
    seen = [one.url for one in answers if one.status_code not in (401, 403) and urlsplit(one.url).path != "/hub/login"]
    codes = [stranger.post(path, {}).status_code for path in ("join", "vote", "notebook", "act")]
    expect("who has not logged in sees and does nothing at the vote", not seen and set(codes) == {401}, (seen, codes))

    teacher, learner = Voter(anna), Voter(ben)
    expect(
        "ben gets to the vote without another login",
        'data-on="hub"' in learner.get("class/").text and learner.get("index.html"),
    )
    teacher.get("class/teacher").raise_for_status()
    question = next(one["key"] for one in teacher.get("class/questions").json()["questions"] if one["kind"] == "vote")
    opening = {"do": "open", "key": question}
    codes = [learner.post("act", {**opening, "do": what}).status_code for what in ("open", "close", "verdict", "new")]
    codes += [learner.get(f"class/{page}").status_code for page in ("questions", "results.csv", "events?as=teacher")]
    expect("ben cannot do or see what a teacher may: 403", set(codes) == {403}, codes)

    hostile = ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}, {"X-Class": None})
    codes = [teacher.post("act", opening, **headers).status_code for headers in hostile]
    expect("another site's page cannot act in anna's name: 403", set(codes) == {403}, codes)
    answer = teacher.post("act", opening, **{"X-XSRFToken": None})
    expect("nor can another page of the hub: 401", answer.status_code == 401, answer.text)
    answer = teacher.post("act", opening)
    expect("anna opens the vote", answer.ok, answer.text)

    codes = [learner.post("vote", {}, **headers).status_code for headers in hostile]
    expect("another site's page cannot vote in ben's name: 403", set(codes) == {403}, codes)
    codes = [learner.vote(question, "A"), learner.vote(question, "A"), learner.vote(question, "B")]
    phone = Learner(ben.nickname, ben.name, ben.home.parent)
    phone.password, phone.address = ben.password, ben.address
    expect("ben logs in on another device", phone.log_in() and Voter(phone).get("class/").ok)
    codes += [Voter(phone).vote(question, "B"), Voter(phone).vote(question, "C")]
    codes += [teacher.vote(question, "A")]
    voted = teacher.state("teacher")["voted"]
    expect("ben's votes, on two devices, count once, beside anna's", codes == [200] * 6 and voted == 2, (codes, voted))

    page = ben.session.get(f"{ben.address}/user/{ben.name}/lab", timeout=60).text
    config = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)[1])
    notebook = Voter(ben, direct_session())
    token = {"Authorization": f"token {config['token']}"}
    answer = notebook.post("notebook", {"question": question, "choice": "B"}, **token)
    voted = teacher.state("teacher")["voted"]
    expect("so does a vote from ben's notebook", answer.ok and voted == 2, (answer.text, voted))
    codes = [notebook.post("act", {"do": "close"}, **token).status_code]
    token = {"Authorization": f"token {anna.new_token()}"}
    codes += [notebook.post("act", {"do": "close"}, **token).status_code]
    expect("a notebook's token does not teach, not even anna's: 403", codes == [403, 403], codes)

    before = learner.state()
    expect("nobody sees the counts of an open vote", not before["counts"] and not teacher.state("teacher")["counts"], before)
    codes = [teacher.post("act", {"do": what}).status_code for what in ("close", "show")]
    late = learner.vote(question, "A")
    counts = {letter: count for letter, count in learner.state()["counts"]["1"].items() if count}
    expect(
        "anna closes and shows it; ben's last vote counts, and none after that",
        codes == [200, 200] and late == 409 and counts == {"A": 1, "B": 1},
        (codes, late, counts),
    )
    service = [one for one in psutil.process_iter() if is_service(one, environment, "classroom.votes")]
    users = [one.username() for one in service]
    expect("the vote does not run as root", users == ["nobody"], users)


def check_ports(anna, ben):
    """Whether one learner's kernel can hear what another's publishes."""
    port = anna.kernel.evaluate("import json, ipykernel; print(json.loads(ipykernel.get_connection_info())['iopub_port'])")
    listen = f"""
import zmq
listener = zmq.Context.instance().socket(zmq.SUB)
listener.subscribe(b"")
listener.connect("tcp://127.0.0.1:{port}")
print(listener.poll(10_000))
listener.close(0)
"""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        talking = pool.submit(
            anna.kernel.run, "import time\nfor second in range(15):\n    print(second, flush=True)\n    time.sleep(1)"
        )
        heard = ben.kernel.evaluate(listen)
        expect("a cell of ben cannot listen to what anna's kernel prints", heard == 0 and not talking.done(), heard)
        talking.result()


def check_memory_limit(learner):
    code = """
import resource
limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
try:
    bytearray(max(limit, 0))  # no limit is -1
    print("null")
except MemoryError:
    print(limit)
"""
    limit = learner.kernel.evaluate(code)
    expect(f"a cell that wants all of its {(limit or 0) / 2**30:.0f} GB gets a MemoryError, and its kernel goes on", limit)


def check_copy(learner):
    """Whether a learner's work survives a new start of the server."""
    answer = learner.session.delete(
        f"{learner.address}/hub/api/users/{learner.name}/server",
        headers={"X-XSRFToken": learner.xsrf("/hub/"), "Referer": f"{learner.address}/hub/home"},
        timeout=STOP_LIMIT,
    )
    answer.raise_for_status()
    wait_for(f"the end of {learner.nickname}'s server", lambda: not learner.processes(), STOP_LIMIT)
    learner.start_server()
    kept = learner.call("GET", "api/contents/notebooks/answer.txt").json().get("content")
    expect(f"after a new start, {learner.nickname}'s work is still there", kept == learner.password, kept)


def check_idle_culler(environment, learners):
    """Whether the configured service may stop servers: the same command with the same rights, only more impatient."""
    import psutil

    services = [one for one in psutil.process_iter() if is_service(one, environment, "jupyterhub_idle_culler")]
    expect("the hub has started the service that stops idle servers", len(services) == 1, services)
    command = [*services[0].cmdline()[:-1], "--timeout=1", "--cull-every=5"]
    with tempfile.TemporaryFile() as log:
        culler = subprocess.Popen(command, env=services[0].environ(), stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for("the idle servers to stop", lambda: not any(one.processes() for one in learners), START_LIMIT)
        finally:
            culler.terminate()
            culler.wait(STOP_LIMIT)
    expect("it stops the servers of both learners, and their kernels with them", True)


def is_service(process, environment, module):
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        return module in process.cmdline() and str(environment) in process.cmdline()[0]


if __name__ == "__main__":
    sys.exit(main())
