"""Serve the website to a class and let it vote: the command behind ``python3 run.py class``.

    python3 run.py class                      on the local network, at port 8642
    python3 run.py class --save counts.csv    also write the counts (never single votes) into a file
    python3 run.py class --resume class.json  a file from which a class goes on after a crash; Ctrl-C removes it
    python3 run.py class --redis URL          share one class with other processes, behind a web server
    python -m classroom.votes --hub           as a service of JupyterHub, which starts it: see jupyterhub_config.py

Ctrl-C ends the class, and what was not saved is forgotten.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import ipaddress
import logging
import signal
import socket
import subprocess
import sys
from pathlib import Path

import segno

from classroom.votes.catalogue import ROOT, catalogue
from classroom.votes.server import Limits, Room, serve
from classroom.votes.stores import MemoryStore, NotKept, RedisStore

PORT = 8642
SOURCES = ("notebooks", "website", "tools", "aehelpers/displays", "classroom/lesson_plans", "benchmarks/README.md")


def parser():
    found = argparse.ArgumentParser(
        prog="run.py class", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--port", type=int, default=PORT, help="default: %(default)s; 0 takes any that is free")
    found.add_argument("--host", default="", help="address to listen at (default: all of this computer's)")
    found.add_argument("--address", help="what students open, if that is not this computer's own address")
    found.add_argument("--save", type=Path, metavar="FILE", help="write the counts into this CSV file")
    kept = found.add_mutually_exclusive_group()
    kept.add_argument("--resume", type=Path, metavar="FILE", help="keep counts here for a start after a crash")
    kept.add_argument("--redis", metavar="URL", help="keep the class in Redis, for several processes")
    found.add_argument("--behind-proxy", action="store_true", help="trust a web server's X-Forwarded-For and -Proto")
    found.add_argument("--hub", action="store_true", help="be a service of JupyterHub, which says who votes")
    found.add_argument("--teachers", default="teachers", metavar="GROUP", help="group of the hub (default: %(default)s)")
    found.add_argument("--site", type=Path, default=ROOT / "site", help="folder of the website (default: site)")
    found.add_argument("--clients", type=int, default=Limits().clients, help="most pages at once (default: %(default)s)")
    return found


def is_outdated(site):
    """Whether the website has to be built: there is none, or something that it is made from is newer."""
    made = site / "index.html"
    if not made.exists():
        return True
    since = made.stat().st_mtime
    for name in SOURCES:
        path = ROOT / name
        files = (
            [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file() and "__pycache__" not in one.parts]
        )
        if any(one.stat().st_mtime > since for one in files):
            return True
    return False


def build_if_needed(site):
    if not is_outdated(site):
        return
    print("Building the website, which takes about a minute.", flush=True)
    # In a process of its own: what builds the pages needs much memory, and the class none of it.
    done = subprocess.run([sys.executable, "-m", "tools.build", str(site)], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def own_addresses():
    """Return this computer's addresses, the one that leads to the network first."""
    found = []
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect(("192.0.2.1", 9))  # an address that nobody has; nothing is sent
        found.append(way.getsockname()[0])
    with contextlib.suppress(OSError):
        found += [one[4][0] for one in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    found = [one for one in dict.fromkeys(found) if not ipaddress.ip_address(one).is_loopback]
    return found or ["127.0.0.1"]


def announce(address, others, teacher, saved, resumed):
    """Print what the teacher needs."""
    if sys.stdout.isatty():
        segno.make(address, error="m").terminal(compact=True, border=2)
    print(f"Students open   {address}", flush=True)
    for other in others:
        print(f"           or   {other}")
    print(f"You open        {teacher}")
    print("Keep your link to yourself: whoever has it can lead the votes.")
    if saved:
        print(f"The counts, and never a single vote, are written to {saved}.")
    if resumed:
        print("The class goes on where it stopped. Votes that were counted before stay as they are.")
    print("Ctrl-C ends the class and forgets everything else.", flush=True)


def allow_many_connections():
    """Each phone is an open file, and many systems allow a program 1,024 of them unless it asks for more."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < 8192:
            resource.setrlimit(resource.RLIMIT_NOFILE, (8192 if hard == resource.RLIM_INFINITY else min(hard, 8192), hard))


class NoClass(Exception):
    """Why a class cannot begin, as a sentence."""


async def main(arguments):
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    try:
        return await (serve_hub if options.hub else serve_room)(options)
    except NoClass as reason:
        print(reason, file=sys.stderr, flush=True)
        return 1


async def serve_room(options):
    """Serve a class on this computer's network."""
    build_if_needed(options.site)
    room = await room_of(options)
    server, port = listen(room, options.port, options.host, None)
    hosts = [options.host] if options.host not in ("", "0.0.0.0", "::") else own_addresses()
    first, *others = [options.address or f"http://{hosts[0]}:{port}/", *(f"http://{one}:{port}/" for one in hosts[1:])]
    room.address = first if first.endswith("/") else f"{first}/"
    room.start()
    announce(room.address, others, f"{room.address}class/teacher#{room.store.teacher}", options.save, room.store.resumed)
    return await run_until_stopped(room, server, options)


async def serve_hub(options):
    """Serve the classes of a hub, for as long as it runs."""
    if options.save or options.resume or options.address:
        raise NoClass("On a hub there is no --save (the report has the counts as CSV), no --resume and no --address.")
    if not importlib.util.find_spec("jupyterhub"):
        raise NoClass("--hub needs JupyterHub: pip install -c constraints.txt -r classroom/requirements.txt")
    from classroom.votes import hub

    if missing := hub.missing_variables():
        raise NoClass(f"--hub is for a service that JupyterHub knows; not set: {', '.join(missing)}.")
    if not (options.site / "index.html").is_file():
        raise NoClass(f"There is no website in {options.site}. Build it first: python -m tools.build {options.site}")
    options.behind_proxy = True  # the hub's own, which is all that asks this service
    room = await room_of(options)
    app = hub.application(room, options.teachers)
    room.address = hub.public_address(app.settings["base"])
    host, port = hub.own_place()
    server, _ = listen(room, port, host, app)
    room.start()
    print(f"The classes of this hub vote at {app.settings['base']}.", flush=True)
    return await run_until_stopped(room, server, options)


async def room_of(options):
    allow_many_connections()
    try:
        store = RedisStore(options.redis) if options.redis else MemoryStore(options.resume)
        await store.start()
    except (NotKept, OSError, ValueError, KeyError) as error:
        raise NoClass(f"The class cannot begin: {error}") from error
    except ImportError as error:
        raise NoClass("Redis needs one more package: pip install redis") from error
    limits = Limits(options.clients)
    return Room(store, catalogue(), options.site, save=options.save, limits=limits, proxied=options.behind_proxy)


def listen(room, port, host, app):
    try:
        return serve(room, port, host, app)
    except OSError as error:
        raise NoClass(f"Port {port} cannot be used ({error}). Is a class running already? Try --port.") from error


async def run_until_stopped(room, server, options):
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    how = []
    for one in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows, Ctrl-C is an exception
            loop.add_signal_handler(one, lambda one=one: (how.append(one), ended.set()))
    try:
        await ended.wait()
    except asyncio.CancelledError:
        how.append(signal.SIGINT)
    server.stop()
    await room.stop()
    # Who presses Ctrl-C has ended the class. A machine that is shut down has not: its class may go on.
    await room.store.end(forget=signal.SIGINT in how)
    can_resume = signal.SIGINT not in how and (options.resume or options.redis)
    print("\nThe class was stopped; it can go on." if can_resume else "\nThe class has ended.", flush=True)
    return 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main(sys.argv[1:])))
