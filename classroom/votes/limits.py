"""How much one browser and one address may ask for. A school has one address, so that limit is generous."""

import time


class Bucket:
    """So many calls at once, and so many a second after that, for each key; keys that have long been quiet are forgotten."""

    MOST_KEYS = 50_000

    def __init__(self, at_once, per_second, clock=time.monotonic):
        self.at_once, self.per_second, self.clock = at_once, per_second, clock
        self.left = {}

    def takes(self, key):
        """Whether one more call is within the limit."""
        now = self.clock()
        left, then = self.left.pop(key, (self.at_once, now))  # put back at the end: the oldest keys stand first
        left = min(self.at_once, left + (now - then) * self.per_second)
        is_within = left >= 1
        self.left[key] = (left - 1 if is_within else left, now)
        while len(self.left) > self.MOST_KEYS:
            del self.left[next(iter(self.left))]
        return is_within
