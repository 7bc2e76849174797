"""Where an event is kept: in the memory of one process (and a file to resume from), or in Redis for several processes.

Both have ``event``, ``tally``, ``secret`` and ``teacher`` (a token), and call ``changed()`` when there is something to show.
"""

import asyncio
import contextlib
import copy
import json
import os
import secrets
import time
from pathlib import Path

from classroom.votes.event import ROUNDS, Ballot, Event, Refused, changes_between

GATHER = 0.05  # seconds in which votes wait for one another, so that one writing of the file does for all of them
KEEP = 12 * 3600  # seconds after which Redis forgets a class that nobody ended
PREFIX = "{class-votes}:"
FORMAT = 1
REPLACES = ("open", "finish", "new")  # calls after which the question under way is over, and its single votes are forgotten


class NotKept(Exception):
    """What was to be kept could not be kept; the vote is not counted for certain, and the page tries again."""


def perform(event, tally, what, **details):
    """Do what the teacher asks for; a question that is replaced by the next one is put away with its counts first."""
    if what == "open":
        if event.current:
            event.finish(tally)
        event.open(**details)
    elif what == "finish":
        event.finish(tally)
    elif what == "hands":
        event.hands(details["number"], details["counts"])
    elif what in ("again", "close", "show", "verdict", "new"):
        getattr(event, what)(**details)
    else:
        raise Refused("what", "There is no such call.")
    event.state["version"] += 1


class MemoryStore:
    """One process. With a path, each vote and each call is in that file before it is acknowledged."""

    def __init__(self, path=None):
        self.path = Path(path) if path else None
        self.event, self.ballot = Event(), Ballot()
        self.secret, self.teacher = secrets.token_bytes(32), secrets.token_urlsafe(24)
        self.resumed = False
        self.changed = lambda: None
        self.waiting, self.writer = [], None
        if self.path and self.path.exists():
            self.resume(json.loads(self.path.read_text(encoding="utf-8")))

    def resume(self, kept):
        if kept.get("format") != FORMAT:
            raise ValueError(f"{self.path} was not written by this program.")
        self.secret, self.teacher = bytes.fromhex(kept["secret"]), kept["teacher"]
        self.event = Event(kept["state"])
        if entry := self.event.current:
            self.ballot = self.ballot_for(entry, kept["ballot"])
        self.resumed = True

    def ballot_for(self, entry, kept=None):
        return Ballot(entry["number"], entry["question"]["options"], self.secret, kept)

    async def start(self):
        await self.keep()  # a place where nothing can be written is known before the class comes

    @property
    def tally(self):
        return self.ballot.tally

    async def refresh(self):
        """Nothing to do: what is here is the newest."""

    async def vote(self, token, number, round_, choice):
        if self.event.open_round != (number, round_):
            raise Refused("phase", "This vote is closed.")
        if self.ballot.vote(token, round_, choice):
            await self.keep()
            self.changed()
        else:
            await self.keep()  # the first try may not have been kept

    async def mine(self, token, place=None):
        return self.ballot.mine(token)

    async def act(self, what, **details):
        if what in REPLACES and self.event.open_round:
            await self.act("close")
        before = copy.deepcopy(self.event.state)
        try:
            perform(self.event, self.tally, what, **details)
        except Refused:
            self.event.state = before
            raise
        if what == "close":
            self.ballot.close(self.event.current["round"])
        elif what == "open":
            self.ballot = self.ballot_for(self.event.current)
        elif what in ("finish", "new"):
            self.ballot = Ballot()
        await self.keep()
        self.changed()

    def present(self, count):
        return count

    async def keep(self):
        """Return when the file holds all that is known now."""
        if not self.path:
            return
        waiting = asyncio.get_running_loop().create_future()
        self.waiting.append(waiting)
        if self.writer is None:
            self.writer = asyncio.create_task(self.write())
        await waiting

    async def write(self):
        loop = asyncio.get_running_loop()
        while self.waiting:
            served, self.waiting = self.waiting, []
            problem = None
            try:
                await loop.run_in_executor(None, write_whole, self.path, self.as_text())
            except OSError as error:
                problem = NotKept(str(error))
            for waiting in served:
                if waiting.done():
                    continue
                if problem:
                    waiting.set_exception(problem)
                else:
                    waiting.set_result(None)
            if self.waiting:
                await asyncio.sleep(GATHER)
        self.writer = None

    def as_text(self):
        kept = {"format": FORMAT, "secret": self.secret.hex(), "teacher": self.teacher, "state": self.event.state}
        return json.dumps({**kept, "ballot": self.ballot.kept()})

    async def end(self, forget):
        """A class that has ended leaves nothing behind."""
        if self.writer:
            await asyncio.wait([self.writer])
        if forget and self.path:
            self.path.unlink(missing_ok=True)


def write_whole(path, text):
    """Write a file that is always whole, also if this process or the machine ends in between; only its owner may read it."""
    new = path.with_name(f"{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


# A vote is one step for Redis: checked, taken out of the former count, counted, remembered, and told to all processes.
VOTE = """
local open = redis.call('GET', KEYS[1])
if not open or string.sub(open, 1, #ARGV[1] + 1) ~= ARGV[1] .. ':' then return 'phase' end
if #ARGV[3] ~= 1 or not string.find(string.sub(open, #ARGV[1] + 2), ARGV[3], 1, true) then return 'choice' end
local former = redis.call('HGET', KEYS[2], ARGV[2])
if former == ARGV[3] then return 'same' end
if former then redis.call('HINCRBY', KEYS[3], former, -1) end
redis.call('HINCRBY', KEYS[3], ARGV[3], 1)
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[5])
redis.call('EXPIRE', KEYS[3], ARGV[5])
redis.call('PUBLISH', ARGV[4], 'vote')
return 'counted'
"""

# What a teacher does happens only if nobody else has done something in between.
ACT = """
local now = redis.call('GET', KEYS[1])
local version = 0
if now then version = cjson.decode(now).version end
if version ~= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[5])
if ARGV[3] == '' then redis.call('DEL', KEYS[2]) else redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[5]) end
redis.call('PUBLISH', ARGV[4], 'act')
return 1
"""


class RedisStore:
    """Several processes, one class: state, votes and counts are in Redis, which also tells all processes what is new."""

    resumed = False

    def __init__(self, url):
        import redis.asyncio

        self.lost = (redis.exceptions.RedisError, OSError)
        # Votes that come all at once wait for one of these connections.
        self.redis = redis.asyncio.Redis.from_pool(
            redis.asyncio.BlockingConnectionPool.from_url(url, decode_responses=True, max_connections=32, timeout=10)
        )
        self.scripts = {text: self.redis.register_script(text) for text in (VOTE, ACT)}
        self.event, self.tally = Event(), {"counts": {}, "changes": {}}
        self.changed = lambda: None
        self.id, self.others, self.here, self.listener = secrets.token_hex(8), 0, 0, None
        self.lock = asyncio.Lock()

    async def start(self):
        await self.ask(self.redis.hsetnx(f"{PREFIX}secrets", "secret", secrets.token_hex(32)))
        await self.ask(self.redis.hsetnx(f"{PREFIX}secrets", "teacher", secrets.token_urlsafe(24)))
        await self.ask(self.redis.expire(f"{PREFIX}secrets", KEEP))
        shared = await self.ask(self.redis.hgetall(f"{PREFIX}secrets"))
        self.secret, self.teacher = bytes.fromhex(shared["secret"]), shared["teacher"]
        await self.refresh()
        self.listener = asyncio.create_task(self.listen())

    async def ask(self, call):
        """Await an answer of Redis; if there is none, the caller's vote is not acknowledged."""
        try:
            return await call
        except self.lost as error:
            raise NotKept(f"Redis does not answer: {error}") from error

    async def listen(self):
        """Hear what other processes (and this one) have changed, and say now and then how many pages are open here."""
        while True:
            with contextlib.suppress(*self.lost):
                async with self.redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(f"{PREFIX}news")
                    self.changed()  # whatever happened before
                    told = 0
                    while True:
                        message = await channel.get_message(timeout=2)
                        if time.monotonic() - told > 2:
                            await self.count_present()
                            told = time.monotonic()
                        if message:
                            self.changed()
            await asyncio.sleep(0.3)

    async def count_present(self):
        key, now = f"{PREFIX}present", time.time()
        await self.redis.hset(key, self.id, f"{self.here}:{now}")
        await self.redis.expire(key, KEEP)
        others = 0
        for name, text in (await self.redis.hgetall(key)).items():
            count, at = text.split(":")
            if now - float(at) > 10:
                await self.redis.hdel(key, name)
            elif name != self.id:
                others += int(count)
        if others != self.others:
            self.others = others
            self.changed()

    def present(self, count):
        self.here = count
        return count + self.others

    async def refresh(self):
        """Fetch state and counts."""
        async with self.lock:
            text = await self.ask(self.redis.get(f"{PREFIX}state"))
            event = Event(json.loads(text) if text else None)
            self.tally = await self.tally_of(event.current)
            self.event = event

    async def tally_of(self, entry):
        tally = {"counts": {}, "changes": {}}
        if not entry:
            return tally
        for number in range(1, entry["round"] + 1):
            counts = await self.ask(self.redis.hgetall(f"{PREFIX}counts:{entry['number']}:{number}"))
            tally["counts"][str(number)] = {letter: int(n) for letter, n in sorted(counts.items()) if int(n)}
        if entry["round"] == ROUNDS and entry["phase"] == "closed":
            votes = [await self.ask(self.redis.hgetall(f"{PREFIX}votes:{entry['number']}:{number}")) for number in (1, 2)]
            tally["changes"] = changes_between(*votes)
        return tally

    def name_of(self, token, number):
        return Ballot(number, key=self.secret).hash_of(token, 0)

    async def vote(self, token, number, round_, choice):
        keys = [f"{PREFIX}open", f"{PREFIX}votes:{number}:{round_}", f"{PREFIX}counts:{number}:{round_}"]
        details = [f"{number}:{round_}", self.name_of(token, number), choice, f"{PREFIX}news", KEEP]
        done = await self.ask(self.scripts[VOTE](keys=keys, args=details))
        if done == "phase":
            raise Refused("phase", "This vote is closed.")
        if done == "choice":
            raise Refused("choice", "There is no such option.")

    async def mine(self, token, place=None):
        """What a browser has chosen; ``place`` is the question and the round in which it has just voted."""
        if place is None:
            text = await self.ask(self.redis.get(f"{PREFIX}state"))  # the newest, which may be younger than what is here
            entry = Event(json.loads(text) if text else None).current
            place = (entry["number"], entry["round"]) if entry else (0, 0)
        number, last = place
        rounds = range(1, last + 1)
        keys, name = [f"{PREFIX}votes:{number}:{one}" for one in rounds], self.name_of(token, number)
        found = [await self.ask(self.redis.hget(key, name)) for key in keys]
        return {
            "number": number,
            "votes": {str(one): choice for one, choice in zip(rounds, found, strict=True) if choice},
            "counted": [],
        }

    async def act(self, what, **details):
        for _ in range(10):
            await self.refresh()
            if what in REPLACES and self.event.open_round:
                await self.act("close")
                continue
            former = self.event.current and self.event.current["number"]
            event = Event(copy.deepcopy(self.event.state))
            version = event.state["version"]
            perform(event, self.tally, what, **details)
            marker = ""
            if event.open_round:
                marker = ":".join([*map(str, event.open_round), "".join(event.current["question"]["options"])])
            keys, text = [f"{PREFIX}state", f"{PREFIX}open"], json.dumps(event.state)
            if await self.ask(self.scripts[ACT](keys=keys, args=[version, text, marker, f"{PREFIX}news", KEEP])):
                if what in REPLACES and former:
                    rounds = range(1, ROUNDS + 1)
                    gone = [f"{PREFIX}{kind}:{former}:{number}" for kind in ("votes", "counts") for number in rounds]
                    await self.ask(self.redis.delete(*gone))
                await self.refresh()
                self.changed()
                return
        raise NotKept("Another teacher's page did something at the same moment.")

    async def end(self, forget):
        """The last process of a class that has ended leaves nothing behind."""
        if self.listener:
            self.listener.cancel()
        with contextlib.suppress(*self.lost):
            await self.redis.hdel(f"{PREFIX}present", self.id)
            if forget and not await self.redis.hlen(f"{PREFIX}present"):
                keys = [key async for key in self.redis.scan_iter(f"{PREFIX}*")]
                if keys:
                    await self.redis.delete(*keys)
            await self.redis.aclose()
