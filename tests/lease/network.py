"""The network between gateways and feeds, in the hands of an adversary without the log's key.

It has those of the feeds, but uses them for one thing only: to tell gateways another time. It delays, loses,
reorders and doubles what is sent, sends again what was sent long ago, cuts a gateway off in one direction or
both, and answers in a feed's place with what that answered before. What crosses it is bytes.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from sluicegate.core.access.feed import PAYLOAD_TYPE
from sluicegate_record.log import canonical, dsse, times
from tests.lease.schedule import Process, Schedule
from tests.worlds import private_key

QUICK_MS = 2.0
KEPT = 40
"""How many old messages of a kind it can send again."""
RECENT = 6
UNSIGNED = frozenset({"entries", "sig", "certificate", "head"})
"""What an answer has beside what its feed signs."""
FAITHFUL = 0.95
"""How often a gateway asks whom it asked before."""


class Asking(Protocol):
    """Who takes questions."""

    process: Process

    def asked(self, data: bytes, reply: Callable[[bytes], None]) -> None: ...


class Answered(Protocol):
    """Who takes answers."""

    name: str
    process: Process

    def answered(self, data: bytes) -> None: ...


@dataclass(slots=True)
class Weather:
    """What befalls any message, as probabilities. Units: `longest_ms` the longest way that one takes."""

    longest_ms: float
    slow: float = 0.0
    lost: float = 0.0
    doubled: float = 0.0
    replayed: float = 0.0


@dataclass(slots=True)
class Link:
    """A gateway's way to its feeds; each kind of harm lasts until its true time."""

    cut: float = 0.0
    """Nothing comes through."""
    mute: float = 0.0
    """No question comes through; answers do."""
    cached: float = 0.0
    """A proxy answers questions with older answers."""
    slow: float = 0.0
    """Answers take long."""
    lying: float = 0.0
    """Answers tell another time."""
    lie_ms: int = 0
    """How far that is ahead of what the feeds say."""
    feed: Asking | None = None
    """Whom it asked last."""
    answers: deque[bytes] = field(default_factory=lambda: deque(maxlen=KEPT))


def _at_another_time(data: bytes, lie_ms: int) -> bytes:
    """An answer whose time is so far ahead, signed with its feed's key."""
    answer: dict[str, Any] = json.loads(data)
    if "certificate" not in answer:
        return data
    stated = {name: answer[name] for name in answer.keys() - UNSIGNED}
    time_ms = times.parse_time(stated["controlTime"]) + lie_ms
    stated["controlTime"] = times.format_time(time_ms)
    key = private_key(answer["certificate"]["stated"]["feed"])
    sig = canonical.b64(key.sign(dsse.pae(PAYLOAD_TYPE, canonical.dumps(stated))))
    return json.dumps({**answer, **stated, "sig": sig}).encode()


class Network:
    """Questions go to the feeds it knows, answers to the newest run of the gateway they name."""

    def __init__(self, schedule: Schedule, weather: Weather) -> None:
        self._schedule = schedule
        self._weather = weather
        self._questions: deque[tuple[str, bytes]] = deque(maxlen=KEPT)
        self.links: dict[str, Link] = defaultdict(Link)
        self.feeds: list[Asking] = []
        self.gateways: dict[str, Answered] = {}

    def calm(self) -> None:
        """Be a good network from now on."""
        self._weather = Weather(QUICK_MS)
        for link in self.links.values():
            link.cut = link.mute = link.cached = link.slow = link.lying = 0.0

    def ask(self, name: str, data: bytes) -> None:
        """Send a gateway's question."""
        random, link = self._schedule.random, self.links[name]
        self._questions.append((name, data))
        if random.random() < self._weather.replayed:
            self._question(*random.choice(self._questions))
        if link.cached > self._schedule.now and link.answers:
            self._answer(name, random.choice(list(link.answers)[-RECENT:]))
        elif link.mute <= self._schedule.now:
            for _ in range(self._copies()):
                self._question(name, data)

    def _question(self, name: str, data: bytes) -> None:
        link = self.links[name]
        if not self.feeds or link.cut > self._schedule.now:
            return
        if link.feed not in self.feeds or self._schedule.random.random() > FAITHFUL:
            link.feed = self._schedule.random.choice(self.feeds)
        feed = link.feed
        assert feed is not None

        def arrive() -> None:
            if link.cut <= self._schedule.now:
                feed.asked(data, lambda answer: self._reply(name, answer))

        self._schedule.after(self._way_ms(), feed.process, f"is asked by {name}", arrive)

    def _reply(self, name: str, data: bytes) -> None:
        random, link = self._schedule.random, self.links[name]
        if link.lying > self._schedule.now:
            data = _at_another_time(data, link.lie_ms)
        answers = link.answers
        answers.append(data)
        for _ in range(self._copies()):
            self._answer(name, data)
        if random.random() < self._weather.replayed:
            self._answer(name, random.choice(answers))

    def _answer(self, name: str, data: bytes) -> None:
        link, gateway = self.links[name], self.gateways[name]
        if link.cut > self._schedule.now:
            return

        def arrive() -> None:
            if link.cut <= self._schedule.now:
                gateway.answered(data)

        way_ms = self._way_ms()
        if link.slow > self._schedule.now:
            way_ms = self._schedule.random.uniform(0.2, 0.8) * self._weather.longest_ms
        self._schedule.after(way_ms, gateway.process, "is answered", arrive)

    def _copies(self) -> int:
        random = self._schedule.random
        if random.random() < self._weather.lost:
            return 0
        return 2 if random.random() < self._weather.doubled else 1

    def _way_ms(self) -> float:
        random = self._schedule.random
        if random.random() < self._weather.slow:
            return random.uniform(0, self._weather.longest_ms)
        return random.uniform(0, QUICK_MS)
