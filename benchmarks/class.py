"""Print how the class votes bear a lecture hall: time to the answer and to the histogram, memory, lost votes.

    python -m benchmarks.class              30, 300 and 1,000 students, then 300 with what can go wrong
    python -m benchmarks.class 300          so many students, and nothing else

All students vote within two seconds, one after the other at random, each over a connection of their own, while each of
their pages follows the class; server, students and teacher share this machine. What can go wrong: the server is killed while
half of the class has voted, and started again with the same --resume file; half of the connections are cut; two processes
share one class through Redis.
"""

import asyncio
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

SIZES = (30, 300, 1000)
TROUBLED = 300
SPREAD = 2  # seconds in which all vote
KEY, LETTERS = "01-gradient", "ABCD"
ROOT = Path(__file__).resolve().parent.parent
HEADERS = "X-Class: vote\r\nContent-Type: application/json\r\n"
LIMIT = 60  # seconds after which something counts as lost


class Server:
    """One process of the class."""

    async def start(self, site, *options, port=0):
        command = [sys.executable, "-m", "classroom.votes", "--host", "127.0.0.1", "--port", str(port), "--site", str(site)]
        self.process = await asyncio.create_subprocess_exec(*command, *options, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        said = ""
        while "Ctrl-C" not in said:
            line = await self.process.stdout.readline()
            if not line:
                raise RuntimeError(f"the class did not begin: {said}")
            said += line.decode()
        link = re.search(r"You open\s+(\S+)", said)[1]
        self.token, self.port = link.partition("#")[2], int(re.search(r":(\d+)/", link)[1])
        return self

    def memory(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def processor(self):
        """Seconds of the processor that this process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def stop(self, number=signal.SIGINT):
        if self.process.returncode is None:
            self.process.send_signal(number)
        await self.process.wait()


async def ask(port, path, body, cookie=""):
    """Post on a connection of its own; return the status, the cookie that came and the answer. Status 0: no answer."""
    text = json.dumps(body).encode()
    head = f"POST /class/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{HEADERS}Cookie: {cookie}\r\nConnection: close\r\n"
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text)
        answer = await asyncio.wait_for(reader.read(), LIMIT)
        writer.close()
        status = int(answer.split(b" ", 2)[1])
    except (OSError, TimeoutError, IndexError):
        return 0, "", {}
    given = re.search(rb"Set-Cookie: ([^;]+)", answer)
    return status, given[1].decode() if given else "", json.loads(answer.partition(b"\r\n\r\n")[2])


class Student:
    """A phone: it follows the class, votes, and tries again until it knows that its vote counts."""

    def __init__(self, server):
        self.server, self.following, self.connected = server, None, asyncio.Event()
        self.shown = asyncio.Event()
        self.choice, self.taken, self.counted = random.choice(LETTERS), None, False

    async def join(self):
        status, self.cookie, _ = await ask(self.server.port, "join", {})
        assert status == 200, status
        self.following = asyncio.create_task(self.follow())

    async def follow(self):
        while True:
            with contextlib.suppress(OSError, ValueError):
                port = self.server.port
                reader, self.line = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
                head = f"GET /class/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {self.cookie}\r\n\r\n"
                self.line.write(head.encode())
                while text := await reader.readline():
                    if text.startswith(b'data: {"version"'):
                        self.connected.set()
                        current = json.loads(text[6:])["current"]
                        if current and current["counts"]:
                            self.shown.set()
            await asyncio.sleep(1 + random.random())  # as the page does

    async def vote(self, after):
        await asyncio.sleep(after)
        start, end = time.perf_counter(), time.monotonic() + LIMIT
        while time.monotonic() < end:
            body = {"question": KEY, "number": 1, "round": 1, "choice": self.choice}
            status, _, said = await ask(self.server.port, "vote", body, self.cookie)
            if status == 200 or said.get("error") == "counted":
                self.taken, self.counted = time.perf_counter() - start, True
                return
            await asyncio.sleep(1 + 0.5 * random.random())

    def cut(self):
        self.line.transport.abort()


async def measure(name, size, trouble=None, redis=None):
    """Lead a class through one vote and print a row."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        site, kept = folder / "site", folder / "class.json"
        site.mkdir()
        (site / "index.html").write_text("<title>Site</title>", encoding="utf-8")
        options = ["--redis", redis] if redis else ["--resume", str(kept)] if trouble == "kill" else []
        servers = [await Server().start(site, *options) for _ in range(2 if redis else 1)]
        first = servers[0]
        _, teacher, _ = await ask(first.port, "login", {"token": first.token})
        students = [Student(servers[i % len(servers)]) for i in range(size)]
        for begin in range(0, size, 50):
            await asyncio.gather(*(one.join() for one in students[begin : begin + 50]))
        await asyncio.gather(*(asyncio.wait_for(one.connected.wait(), LIMIT) for one in students))
        assert (await ask(first.port, "act", {"do": "open", "key": KEY}, teacher))[0] == 200
        used = -sum(server.processor() for server in servers)
        voting = [asyncio.create_task(one.vote(SPREAD * random.random())) for one in students]
        if trouble:
            await asyncio.sleep(SPREAD / 2)
            if trouble == "kill":
                await first.stop(signal.SIGKILL)
                await first.start(site, *options, port=first.port)
            else:
                for one in students[::2]:
                    one.cut()
        await asyncio.gather(*voting)
        used = 0 if trouble == "kill" else used + sum(server.processor() for server in servers)
        assert (await ask(first.port, "act", {"do": "close"}, teacher))[0] == 200
        begin = time.perf_counter()
        assert (await ask(first.port, "act", {"do": "show"}, teacher))[0] == 200
        waiting = [asyncio.wait_for(one.shown.wait(), LIMIT) for one in students]
        seen = [result is True for result in await asyncio.gather(*waiting, return_exceptions=True)]
        until_all = time.perf_counter() - begin
        counts = await results(first.port, teacher)
        wanted = {letter: sum(one.counted and one.choice == letter for one in students) for letter in LETTERS}
        lost = size - sum(one.counted for one in students) + sum(max(0, wanted[x] - counts[x]) for x in LETTERS)
        twice = sum(max(0, counts[x] - wanted[x]) for x in LETTERS)
        taken = sorted(one.taken * 1000 for one in students if one.counted)
        last = taken[min(len(taken) - 1, int(0.99 * len(taken)))]
        memory = max(server.memory() for server in servers)
        for one in students:
            one.following.cancel()
        for server in servers:
            await server.stop()
    print(
        f"{name:34}{size:5}{statistics.median(taken):9.0f} ms{last:8.0f} ms{until_all:8.2f} s"
        f"{sum(seen):7}{memory:7.0f} MB{lost:6}{twice:7}" + (f"{1000 * used / size:9.1f} ms" if used else f"{'-':>9}"),
        flush=True,
    )
    return lost, twice


async def results(port, cookie):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET /class/results.json HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    return json.loads(answer.partition(b"\r\n\r\n")[2])["questions"][0]["rounds"][0]["counts"]


@contextlib.asynccontextmanager
async def database():
    """A redis-server of its own that writes nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec("redis-server", *options, cwd=folder, stdout=asyncio.subprocess.DEVNULL)
        while True:
            with contextlib.suppress(OSError):
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
                break
            await asyncio.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
        process.terminate()
        await process.wait()


async def main(sizes):
    names = f"{'':34}{'students':>5}{'median':>9}{'99 %':>11}{'histogram':>12}"
    print(f"{names}{'seen':>6}{'memory':>9}{'lost':>7}{'twice':>7}{'per vote':>12}")
    found = [await measure("all vote within two seconds", size) for size in sizes or SIZES]
    if not sizes:
        found.append(await measure("the server killed, started again", TROUBLED, "kill"))
        found.append(await measure("half of the connections cut", TROUBLED, "cut"))
        if shutil.which("redis-server"):
            async with database() as url:
                found.append(await measure("two processes on Redis", TROUBLED, redis=url))
            async with database() as url:
                found.append(await measure("two processes on Redis", SIZES[-1], redis=url))
        else:
            print("There is no redis-server here, so two processes were not tried.")
    return int(any(map(any, found)))


if __name__ == "__main__":
    with contextlib.suppress(ImportError, ValueError, OSError):  # a thousand students are two thousand open files
        import resource

        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most if most > 0 else 8192, most))
    os.environ["PYTHONUNBUFFERED"] = "1"
    sys.exit(asyncio.run(main([int(word) for word in sys.argv[1:]])))
