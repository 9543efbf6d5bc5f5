"""The course of a release on one clock that is moved: the services, their feed, and gateways that follow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from demo.cast import Cast
from demo.paperwork import Paperwork
from demo.site import Site
from sluicegate.acts import accounts, releases
from sluicegate.acts.act import Act, Answered, Asked
from sluicegate.acts.releases import StageStatus, Status
from sluicegate.client.http import Client
from sluicegate.core.access.decision import Ask
from sluicegate.core.access.naming import NOBODY, Naming
from sluicegate.core.access.refusals import Deny
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import CommandRefused
from sluicegate.gate.engine import Engine, Flight
from sluicegate.gate.feed import MachineClock, Tail
from sluicegate.gate.kept import TrustedHead
from sluicegate.http.bearer import authenticate
from sluicegate_record.audit import audit
from sluicegate_record.entries.releases import StageOpened
from sluicegate_record.log import checkpoint, times
from sluicegate_record.log.times import HOUR_MS
from tests.lease.feed import polled
from tests.plane import Plane, yes
from tests.worlds import private_key

ANSWERED = "answered"


def moment_ms(text: str) -> int:
    """A moment such as 2026-06-12T21:21, UTC. Units: milliseconds since 1970."""
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1_000)


class Desk(Client):
    """A party's program, whose acts go to the services at once."""

    def __init__(self, course: Course, token: str) -> None:
        self._course = course
        self._who = authenticate(course.store.principals, token)

    def do(self, act: Act[Asked, Answered], asked: Asked) -> Answered:
        """Do an act. Raises: CommandRefused."""
        found = self._course.send(self._who, act, asked)
        if isinstance(found, Refusal):
            raise CommandRefused(found.message, code=found.code)
        answer: Answered = found
        return answer

    def close(self) -> None:
        """There is no connection."""


class CoursePaperwork(Paperwork):
    """The paperwork of parties, done at desks."""

    def __init__(self, course: Course, folder: Path) -> None:
        self._course, self._folder = course, folder
        self._desks: dict[str, Client] = {}
        super().__init__(Site(folder, "", "", "", ""), CourseCast(folder, ()), folder)

    def staff(self) -> Client:
        """The developer's staff."""
        return self._client(self._course.tokens["developer"])

    def agency(self, name: str) -> Client:
        """An agency."""
        return self._client(self._course.tokens[name])

    def _client(self, token: str) -> Client:
        return self._desks.setdefault(token, Desk(self._course, token))


class CourseCast(Cast):
    """Everyone who signs: each key is made of its owner's name."""

    def key(self, owner: str) -> Ed25519PrivateKey:
        """An owner's private key."""
        return private_key(owner)


@dataclass(slots=True)
class FollowingGateway:
    """A gateway's own tail and engine, which ask the feed whenever they are told to."""

    plane: Plane
    name: str
    surface: str
    engine: Engine = field(init=False)
    _tail: Tail = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(self.surface, self.plane.boot)
        verifier = checkpoint.parse_vkey(self.plane.ledger.vkey())
        clock = MachineClock(self.plane.boot, self.plane.wall)
        self._tail = Tail(self.engine, verifier, self.name, clock, TrustedHead())

    def follow(self) -> None:
        """Take the log as far as it goes, with a lease."""
        while True:
            poll = polled(self._tail.question(0))
            self.plane.hear(poll)
            seen = self._tail.take(json.dumps(self.plane.feed.answer(poll)).encode())
            if seen.size == self.plane.size:
                return

    def asked(self, key: str, model: str, naming: Naming = NOBODY) -> str:
        """What a request is told: `answered`, or why not."""
        ask = Ask(hashlib.sha256(key.encode()).digest(), model, self.surface, naming=naming)
        found = self.engine.admit(ask, _ignore)
        if isinstance(found, Flight):
            self.engine.land(found)
            return ANSWERED
        return found.reason.value


def _ignore(_: Deny) -> None:
    """What is in flight ends by itself: nothing is streamed here."""


class Course(Plane):
    """A control plane with a gateway on each surface, from a day on; time passes hour by hour."""

    def __init__(self, day: str, agencies: Iterable[str], surfaces: Mapping[str, str]) -> None:
        super().__init__(agencies=sorted(agencies), at_ms=moment_ms(day))
        self.vkey = self.ledger.vkey()
        self.gateways = [self._gateway(name, surface) for name, surface in surfaces.items()]

    def _gateway(self, name: str, surface: str) -> FollowingGateway:
        return FollowingGateway(self, name, surface)

    def client(self, token: str) -> Client:
        """Who holds a token."""
        return Desk(self, token)

    def until(self, moment: str) -> None:
        """Let time pass; what is due happens in the hour in which it is due."""
        ends_ms = moment_ms(moment)
        assert ends_ms >= self.wall.at_ms, "time goes on"
        while self.wall.at_ms < ends_ms:
            step_ms = min(HOUR_MS - self.wall.at_ms % HOUR_MS, ends_ms - self.wall.at_ms)
            self.wall.at_ms += step_ms
            self.boot.at_ms += step_ms
            self.ledger.tick()
            self.fleet.tick()

    def followed(self) -> None:
        """Every gateway has the whole log, and a lease."""
        for gateway in self.gateways:
            gateway.follow()

    def said(self, key: str, model: str) -> dict[str, str]:
        """What a key is told now, by surface."""
        self.followed()
        return {gateway.surface: gateway.asked(key, model) for gateway in self.gateways}

    def stage(self, release: str, stage: str) -> StageStatus:
        """A stage as `status` shows it to the developer."""
        found: Status = yes(self.do("developer", releases.STATUS))
        stages = {(one.release, each.stage): each for one in found.releases for each in one.stages}
        return stages[release, stage]

    def opened_at(self, release: str, stage: str) -> str | None:
        """When a stage has opened first, as the record says it."""
        for entry in self.store.log.entries(0, self.size):
            body = entry.body
            if isinstance(body, StageOpened) and (body.release, body.stage) == (release, stage):
                return times.format_time(entry.at_ms)[:16]
        return None

    def open_account(self, name: str, key: str) -> None:
        """An account of an organization, with a key."""
        text = json.dumps({"name": name, "registeredIn": "US"})
        account = yes(self.do("developer", accounts.OPEN, organization=text)).account
        yes(self.credential(account, key, who="developer"))

    def audited(self) -> int:
        """The size of the log, each entry of which the auditor has found lawful."""
        verifier = checkpoint.parse_vkey(self.ledger.vkey())
        found = audit(self.ledger.checkpoint(), verifier, self.store.log.leaves(0, self.size))
        assert found.ok, found
        assert found.size == self.size
        return found.size
