"""A control plane on a clock that is moved, and gateways that follow its log: for what takes weeks.

Rules:
- The control plane is the real one, over HTTP, on a SQLite file; so is its feed. Only clocks are moved.
- A gateway is its own tail and engine: it asks the feed, verifies the log and decides, and serves no HTTP.
- Time goes hour by hour, and what is due happens in the hour in which it is due.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from demo.cast import DEVELOPER, Cast
from demo.fleet import feed_of, fleet_of, served
from demo.paperwork import Paperwork
from demo.site import ORIGIN, Site
from demo.telling import expect
from sluicegate import bootstrap
from sluicegate.acts.act import AGENCY
from sluicegate.acts.act import DEVELOPER as STAFF
from sluicegate.acts.fleet import DayQuestion
from sluicegate.acts.tokens import TokenRequest
from sluicegate.core.access.decision import Ask
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.keys import StartLog
from sluicegate.core.terms.trust import Pin
from sluicegate.feed.run import Poll
from sluicegate.gate.engine import Engine, Flight
from sluicegate.gate.feed import MachineClock, Tail
from sluicegate.gate.kept import TrustedHead
from sluicegate.service import tokens
from sluicegate.service.ledger import Ledger
from sluicegate.settings import ControlSettings
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record.audit import audit
from sluicegate_record.log import acknowledgement, checkpoint, times

HOUR_MS = 3_600_000
SIGNED_AT = "SLUICEGATE_SIGNED_AT"
"""The time that signatures state."""
ANSWERED = "answered"


def moment_ms(text: str) -> int:
    """A moment such as 2026-06-12T21:21, UTC. Units: milliseconds since 1970."""
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp() * 1_000)


class MovedSite:
    """A control plane that begins at a moment, with everyone's tokens and keys."""

    def __init__(self, folder: Path, cast: Cast, begins: str) -> None:
        self.at_ms = moment_ms(begins)
        self.url = ""
        """Where it is, once it is open."""
        self.cast = cast
        self._began_ms = self.at_ms
        folder.joinpath("control", "tokens").mkdir(parents=True)
        self._folder, self._key = folder, Ed25519PrivateKey.generate()
        self.ledger = Ledger(
            SqliteStore(folder / "ledger.db"),
            self._key,
            ORIGIN,
            wall_ms=lambda: self.at_ms,
            boot_ms=self._boot_ms,
            random=os.urandom,
        )
        cast.assemble(log_exists=False)
        parties = {owner: owner for owner in cast.agencies} | dict.fromkeys(cast.officers, DEVELOPER)
        pins = [Pin(owner, party, _public(cast.key(owner))) for owner, party in parties.items()]
        started = StartLog(ORIGIN, self.ledger.vkey(), DEVELOPER, pins)
        self.ledger.execute(started, by="log", command_id="start-log")
        self.fleet = fleet_of(self.ledger, folder)
        self.feed = feed_of(self.ledger, self.fleet, folder, Ed25519PrivateKey.generate())
        for name in ("developer", *cast.agencies):
            is_staff = name == "developer"
            asked = TokenRequest(
                role=STAFF if is_staff else AGENCY, name=name, party=None if is_staff else name
            )
            made = tokens.issue(self.ledger, asked)
            assert not isinstance(made, Refusal), made
            folder.joinpath("control", "tokens", f"{name}.token").write_text(made.token)

    @contextmanager
    def open(self) -> Iterator[Paperwork]:
        """Serve it; what parties do there, whose signatures state its time."""
        before = os.environ.get(SIGNED_AT)
        settings = ControlSettings(self._folder, self._folder, ORIGIN, port=0)
        try:
            self._signs_now()
            with served(bootstrap.Control(settings, self.ledger, self.fleet)) as url:
                self.url = url
                site = Site(self._folder, url, "", "", self.ledger.vkey())
                paperwork = Paperwork(site, self.cast, self._folder)
                yield paperwork
                paperwork.close()
        finally:
            os.environ.pop(SIGNED_AT, None)
            if before is not None:
                os.environ[SIGNED_AT] = before

    def until(self, moment: str) -> None:
        """Let time pass."""
        ends_ms = moment_ms(moment)
        while self.at_ms < ends_ms:
            self.at_ms = min(self.at_ms - self.at_ms % HOUR_MS + HOUR_MS, ends_ms)
            self.ledger.tick()
            self.fleet.tick()
        self._signs_now()

    def audited(self) -> int:
        """The size of the log, of which `sluicegate_record` has found each entry lawful."""
        size = self.ledger.size()
        verifier = checkpoint.parse_vkey(self.ledger.vkey())
        found = audit(self.ledger.checkpoint(), verifier, self.ledger.store.log.leaves(0, size))
        expect(found.ok and found.size == size, f"the record is not lawful: {found}")
        return size

    def _boot_ms(self) -> float:
        return float(self.at_ms - self._began_ms)

    def _signs_now(self) -> None:
        os.environ[SIGNED_AT] = times.format_time(self.at_ms)


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


class FollowingGateway:
    """A gateway's own tail and engine, which ask the feed on demand."""

    def __init__(self, site: MovedSite, name: str, surface: str) -> None:
        self._site, self.name, self.surface = site, name, surface
        self._engine = Engine(surface, site._boot_ms)
        verifier = checkpoint.parse_vkey(site.ledger.vkey())
        clock = MachineClock(site._boot_ms, lambda: site.at_ms)
        self._tail = Tail(self._engine, verifier, name, clock, TrustedHead())

    def asked(self, key: str, model: str) -> str:
        """What a request gets after it has followed the log: `answered`, or why not."""
        self._follow()
        ask = Ask(hashlib.sha256(key.encode()).digest(), model, self.surface)
        found = self._engine.admit(ask, lambda _: None)
        if isinstance(found, Flight):
            self._engine.land(found)
            return ANSWERED
        return found.reason.value

    def _follow(self) -> None:
        while True:
            poll = _polled(self._tail.question(0))
            self._site.feed.head.follow()
            self._site.feed.heard(poll)
            seen = self._tail.take(json.dumps(self._site.feed.answer(poll)).encode())
            self._site.feed.keep()
            if seen.size == self._site.ledger.size():
                return


def _polled(question: Mapping[str, Any]) -> Poll:
    names = ("gateway", "incarnation", "surface", "after", "nonce", "root", "fold")
    return Poll(
        **{name: question[name] for name in names},
        cut=question["report"]["streamsCut"],
        signed=acknowledgement.read(dict(question)),
        spender=question.get("spender"),
        days=None if "days" not in question else DayQuestion.from_json(question["days"]),
    )
