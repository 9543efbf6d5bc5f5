"""The engine: the table, the lease, and the requests in flight.

Rules:
- Without a live lease, no request is admitted and no byte is written.
- Time does not go back: a lease is taken at the later of the time that it came with, and the last one's plus
  0.999 of what has passed since on CLOCK_BOOTTIME.
- Each change of the table, and each end of a lease or an `until`, re-decides the requests in flight with
  `core.access.decision.decide`, the function that admitted them. There is no other way to end a request.
- When `advance` returns, no further byte of a refused request is written: `cut` is synchronous, and a request
  that was not decided by the newest table is decided before its next write.
- Many requests are decided again some at a time, so that others need not wait. What has been folded is not
  acknowledged before `redecide_more` has come to the end.
- No I/O: the clock is a port, and the code that feeds the engine does the waiting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice

from sluicegate.core.access import decision, refusals
from sluicegate.core.access.decision import Allow, Ask, Instant, Now
from sluicegate.core.access.leases import SLOWEST
from sluicegate.core.access.naming import NOBODY, Naming
from sluicegate.core.access.rate import WHOLE, RatePart
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.rows import CredentialRow
from sluicegate.core.access.table import Table
from sluicegate.gate.days import DayCount, Days
from sluicegate.gate.in_flight import InFlight
from sluicegate.gate.missing import MissingKeys
from sluicegate.gate.rate import Limit, Rates
from sluicegate.gate.tally import KeyCounter
from sluicegate.gate.usage import UsageCounter
from sluicegate_record.entries import Entry
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.effective import DIFFERENCES, day_of

Cut = Callable[[Deny], None]
SLICE = 256
"""How many requests in flight are decided again at a time: some milliseconds."""
_new = tuple.__new__
"""Makes an `Instant` as its class does, in half the time."""
REPORTED_MAX = 100
"""How many grants are reported as proven at a time."""


@dataclass(frozen=True, slots=True)
class Lease:
    """How long the table may be trusted.

    Requires: sent_ms <= received_ms.
    Units: `sent_ms`, `received_ms` and `ends_ms` milliseconds of this machine's CLOCK_BOOTTIME;
    `control_ms` the control plane's time when it answered, milliseconds since 1970 UTC. `part` is what may be
    spent of the rates meanwhile.
    """

    sent_ms: float
    received_ms: float
    ends_ms: float
    control_ms: int
    part: RatePart = WHOLE

    def instant(self, boot_ms: float) -> Instant:
        """The control plane's time at `boot_ms`, as an interval."""
        early_ms = int(self.control_ms + SLOWEST * (boot_ms - self.received_ms))
        late_ms = int(self.control_ms + (boot_ms - self.sent_ms) / SLOWEST) + 1
        return _new(Instant, (early_ms, late_ms))

    def late_ms(self, boot_ms: float) -> int:
        """The late end of that interval."""
        return self.instant(boot_ms).late_ms

    def holds_until_ms(self, until_ms: int | None) -> float:
        """Until when, on CLOCK_BOOTTIME, it is valid and a time has certainly not come."""
        return self.ends_ms if until_ms is None else min(self.ends_ms, self.late_at_ms(until_ms))

    def late_at_ms(self, control_ms: int) -> float:
        """When, on CLOCK_BOOTTIME, the late end of the interval may reach a time, at the earliest."""
        return self.sent_ms + SLOWEST * (control_ms - self.control_ms - 1)


class Flight:
    """One admitted request, from its admission until `Engine.land`.

    `refused` is the refusal that ended it, or None while it may continue. If a fallback answers,
    `ask.instead_of` is the model that was asked for, and `directive` names the directive that refused it;
    otherwise both are empty. `credential` is that of its admission.
    """

    __slots__ = (
        "_cut",
        "_ends_ms",
        "_engine",
        "_lease",
        "_size",
        "allow",
        "ask",
        "credential",
        "directive",
        "refused",
        "usage",
    )

    def __init__(self, engine: Engine, ask: Ask, allow: Allow, credential: CredentialRow, cut: Cut) -> None:
        self._engine = engine
        self._cut = cut
        self.ask = ask
        self.goes_on(allow)
        self.directive = ""
        self.credential = credential
        self.usage = engine.usage.began(ask, credential)
        engine.tally.passed(credential.id, allow.model)
        self.refused: Deny | None = None

    def check(self) -> Deny | None:
        """Call this before every upstream send and every client write: None means continue.

        INVARIANT: between this call and the write there is no await.
        """
        engine = self._engine
        is_same = self._size == engine.table.size and self._lease is engine.lease
        if self.refused is None and not (is_same and engine.boot_ms() < self._ends_ms):
            if self._size == engine.table.size and engine.holds(self.allow.until_ms):
                self.goes_on(self.allow)
            else:
                engine.redecide(self)
        return self.refused

    def goes_on(self, allow: Allow) -> None:
        """It is allowed by the newest table, too, at least until the lease ends, or its time does."""
        engine = self._engine
        self.allow = allow
        self._size, self._lease = engine.table.size, engine.lease
        self._ends_ms = -math.inf if self._lease is None else self._lease.holds_until_ms(allow.until_ms)

    def prove(self) -> None:
        """Note that the call has succeeded."""
        self._engine.prove(self)

    def landed(self) -> None:
        """It is over, and cannot be cut any more."""
        self._cut = _nothing

    def cut(self, deny: Deny) -> None:
        """End this request with a refusal; only the first one counts."""
        if self.refused is None:
            self.refused = deny
            self._cut(deny)


def _nothing(_: Deny) -> None:
    """There is nothing to cut."""


class Engine:
    """Decides and re-decides for one surface.

    `boot_ms` reads CLOCK_BOOTTIME in milliseconds; `table` is empty; with a trust file, it is a
    `VouchedTable`. `rates` and `days` know what earlier runs let through; `in_flight` bounds what one caller
    may have.
    """

    def __init__(  # noqa: PLR0913 - a surface, a clock, and what it counts by
        self,
        surface: str,
        boot_ms: Callable[[], float],
        table: Table | None = None,
        rates: Rates | None = None,
        in_flight: InFlight | None = None,
        days: Days | None = None,
    ) -> None:
        self.surface = surface
        self.table = Table() if table is None else table
        self.lease: Lease | None = None
        self.flights: set[Flight] = set()
        self.cut_by: dict[str, int] = {}
        """Requests cut so far, by directive, or by reason if no directive cut them. The newest is last."""
        self.usage = UsageCounter(self.table)
        self.tally = KeyCounter()
        self.missing = MissingKeys()
        self.proven: set[str] = set()
        """Grants under which a call has succeeded here and the log does not say so yet."""
        self.differing: set[tuple[str, str]] = set()
        """Grants under which an answer differed, and how; the log does not say so yet today."""
        self.clock_offset_ms: float | None = None
        """How far the control plane's clock was ahead of this machine's by the newest answer."""
        self.clocks_differ = False
        """Whether the newest answer was not taken because of that."""
        self.boot_ms = boot_ms
        self.rates = Rates() if rates is None else rates
        self.days = Days() if days is None else days
        self._in_flight = InFlight() if in_flight is None else in_flight
        self._until_ms: int | None = None
        """A lower bound for every `until` of the requests in flight."""
        self._next_until_ms: int | None = None
        """That of those which are not due."""
        self._due: list[Flight] = []
        """What is to be decided again."""

    def now(self) -> Now:
        """The control plane's time; without a live lease, the reason why it is not known."""
        lease, boot_ms = self.lease, self.boot_ms()
        if lease is None or boot_ms >= lease.ends_ms:
            return Reason.GATE_CLOCK_DIFFERS if self.clocks_differ else Reason.GATE_STALE
        return lease.instant(boot_ms)

    def passed_ms(self, boot_ms: float) -> int:
        """The control plane's time that has certainly come at `boot_ms`; 0 before the first lease."""
        return 0 if self.lease is None else self.lease.instant(boot_ms).early_ms

    def news_age_ms(self) -> float:
        """How long ago the newest lease was asked for; not a number before the first one."""
        return self.boot_ms() - self.lease.sent_ms if self.lease is not None else math.nan

    def lease_left_ms(self) -> float:
        """How long the lease is still valid; 0 without one."""
        return max(0.0, self.lease.ends_ms - self.boot_ms()) if self.lease is not None else 0.0

    def holds(self, until_ms: int | None) -> bool:
        """Whether the lease is valid and `until_ms` has not passed."""
        lease, boot_ms = self.lease, self.boot_ms()
        if lease is None or boot_ms >= lease.ends_ms:
            return False
        return until_ms is None or lease.late_ms(boot_ms) < until_ms

    def identify(self, digest: bytes | None) -> str | Deny:
        """The organization that a key belongs to; an unknown key is refused before its request is read."""
        found = decision.identify(digest, self.table, self.now())
        return self._counted(digest, found) if isinstance(found, Deny) else found.grant.organization

    def usable_models(self, digest: bytes, naming: Naming = NOBODY) -> list[str]:
        """The models that this key may use here for the person it names, sorted."""
        return decision.usable_models(digest, self.surface, self.table, self.now(), naming)

    def admit(self, ask: Ask, cut: Cut) -> Flight | Deny:
        """Decide a request; if allowed, it is in flight until `land` is called.

        If only a directive refuses it, it is decided again for the fallback. If that is refused too, the
        first refusal counts.
        """
        found = self._admit(ask, cut)
        if isinstance(found, Deny):
            is_known = ask.unread is None and found.reason in refusals.OF_KNOWN_MODELS
            return self._counted(ask.digest, found, ask.model if is_known else "")
        return found

    def _admit(self, ask: Ask, cut: Cut) -> Flight | Deny:
        decided = decision.decide(ask, self.table, self.now())
        if isinstance(decided, Deny):
            return self._admit_instead(ask, decided, cut) or decided
        assert ask.digest is not None  # it was allowed
        credential, day = self.table.credentials[ask.digest], self._day(decided)
        over = self._in_flight.over(credential) or self._over_day(day) or self._over_rate(decided)
        if over is not None:
            return over
        if day is not None:
            day.note()
        flight = Flight(self, ask, decided, credential, cut)
        self.flights.add(flight)
        self._in_flight.began(credential)
        self._note_until(decided.until_ms)
        return flight

    def _counted(self, digest: bytes | None, refused: Deny, model: str = "") -> Deny:
        """A refusal, counted for its key if that is known. `model` is one that its caller may know of."""
        credential = None if digest is None else self.table.credentials.get(digest)
        if credential is not None:
            self.tally.refused(credential.id, model)
        return refused

    def land(self, flight: Flight) -> None:
        """The request is over, however it ended."""
        if flight in self.flights:
            self.flights.discard(flight)
            flight.landed()
            self.usage.ended(flight.usage)
            self._in_flight.ended(flight.credential)

    def prove(self, flight: Flight) -> None:
        """Note that the call has succeeded: the first success of a grant goes on the record."""
        grant = flight.allow.grant
        if not grant.proven:
            self.proven.add(grant.id)

    def differs(self, flight: Flight, kind: str) -> None:
        """Note that an answer differs from what was asked for and granted: each kind once a day goes on the
        record, for each grant.
        """
        grant = flight.allow.grant
        if kind in DIFFERENCES and grant.id in self.table.grants_by_id:
            self.differing.add((grant.id, kind))

    def unrecorded(self) -> list[tuple[str, str]]:
        """The grants and kinds of difference to report, sorted: those that the log does not have today.

        A grant that a loss has taken from the log is reported no more.
        """
        today, rows = day_of(self.passed_ms(self.boot_ms())), self.table.grants_by_id
        self.differing = {
            (name, kind)
            for name, kind in self.differing
            if name in rows and dict(rows[name].differed).get(kind, -1) < today
        }
        return sorted(self.differing)[:REPORTED_MAX]

    def unproven(self) -> list[str]:
        """The grants to report as proven, sorted: those that the log does not have as proven yet.

        A grant that a loss has taken from the log is reported no more.
        """
        known = ((name, self.table.known_row(name)) for name in self.proven)
        self.proven = {name for name, row in known if row is not None and not row.proven}
        return sorted(self.proven)[:REPORTED_MAX]

    def newest_cuts(self, most: int) -> dict[str, int]:
        """`cut_by`, of the newest causes alone."""
        return dict(islice(reversed(self.cut_by.items()), most))

    def redecide(self, flight: Flight) -> None:
        """Decide again; cut the request if it is no longer allowed."""
        self._go_on(flight, self._again(flight.ask))

    def _again(self, ask: Ask) -> Allow | Deny:
        return decision.decide(ask.again(), self.table, self.now())

    def _go_on(self, flight: Flight, decided: Allow | Deny) -> None:
        if isinstance(decided, Allow):
            flight.goes_on(decided)
            self._note_until(decided.until_ms)
            return
        if flight.refused is None:
            cause = decided.directive or decided.reason.value
            self.cut_by[cause] = self.cut_by.pop(cause, 0) + 1
        flight.cut(decided)

    def advance(self, entries: Iterable[Entry]) -> None:
        """Fold verified entries in, and begin to re-decide everything in flight: see `redecide_more`.

        Raises: VerificationFailed: an entry this build cannot fold; the entries before it are folded in.
        """
        before = self.table.size
        try:
            for entry in entries:
                self.table.apply(entry)
        finally:
            if self.table.size != before:
                self.redecide_soon()
                self.redecide_more()
                self._drill()

    def _drill(self) -> None:
        """For every new drill, count the requests that it would have cut."""
        for name in self.table.drills.keys() - self.cut_by.keys():
            drill, now = self.table.drills[name], self.now()
            stopped = (
                decision.would_stop(drill, flight.ask, self.table, now)
                for flight in self.flights
                if flight.refused is None
            )
            self.cut_by[name] = sum(stopped)

    def renew(self, lease: Lease) -> None:
        """Trust the table for as long as the newest answer says, even if that is shorter than before."""
        self.lease = replace(lease, control_ms=max(lease.control_ms, self.passed_ms(lease.received_ms)))

    def redecide_soon(self) -> None:
        """Have everything in flight decided again: by `redecide_more`, or `redecide_rest`."""
        self._due = list(self.flights)
        self._next_until_ms = None

    def redecide_more(self) -> bool:
        """Decide again for some of what is due, once for all that ask the same. Returns: whether more is."""
        decided: dict[Ask, Allow | Deny] = {}
        due = self._due
        some, due[-SLICE:] = due[-SLICE:], ()
        for flight in some:
            if flight not in self.flights:
                continue
            ask = flight.ask
            if ask not in decided:
                decided[ask] = self._again(ask)
            self._go_on(flight, decided[ask])
        if some and not due:
            self._until_ms = self._next_until_ms
        return bool(due)

    def redecide_rest(self) -> None:
        """Decide again for all that is due, at once."""
        while self.redecide_more():
            pass

    def deadline_ms(self) -> float | None:
        """When, on CLOCK_BOOTTIME, something in flight may have to end without news from the feed."""
        lease = self.lease
        return None if lease is None or not self.flights else lease.holds_until_ms(self._until_ms)

    def _admit_instead(self, ask: Ask, refused: Deny, cut: Cut) -> Flight | None:
        instead = decision.instead(ask, refused, self.table)
        flight = self._admit(instead, cut) if instead is not None else None
        if not isinstance(flight, Flight):
            return None
        flight.directive = refused.directive or ""
        return flight

    def _note_until(self, until_ms: int | None) -> None:
        if until_ms is not None:
            self._until_ms = min(until_ms, self._until_ms or until_ms)
            self._next_until_ms = min(until_ms, self._next_until_ms or until_ms)

    def _day(self, allow: Allow) -> DayCount | None:
        """What counts today's requests of the stage that this one rests on, if its plan states a number."""
        if not self.table.per_day:
            return None
        stage = (self.table.offers[allow.model].release, allow.stage)
        if stage not in self.table.per_day:
            return None
        return self.days.of(stage, self.passed_ms(self.boot_ms()) // DAY_MS)

    def _over_day(self, day: DayCount | None) -> Deny | None:
        if day is None or day.lets(measure := self.table.per_day[day.stage]):
            return None
        return day.refusal(measure, self.passed_ms(self.boot_ms()))

    def _over_rate(self, allow: Allow) -> Deny | None:
        """Let a request through by the rates that it counts against: its grant's, and a narrower one.

        What narrows some requests leaves the others the rate of their grant.
        """
        per_minute, lease = allow.requests_per_minute, self.lease
        if per_minute is None or lease is None:
            return None
        name, granted = allow.grant.id, allow.grant.requests_per_minute
        limits = [] if granted is None else [Limit(name, granted)]
        if per_minute != granted:
            limits.append(Limit(f"{name} {per_minute}", per_minute))
        wait_s = self.rates.take(limits, lease.part, self.boot_ms())
        return Deny(Reason.QUOTA_EXCEEDED, retry_after_s=wait_s) if wait_s else None
