"""The fleet, as the ledger's writer knows it: only from what feeds have committed.

Rules:
- A directive is in force everywhere if every run of a gateway has acknowledged it to some feed, or can have
  no lease that came without it: no feed says that the run may hold one, or the feed's term is over that was
  read first after the directive was committed. A feed commits its term before it reads the log's head, so a
  later term only covers leases that came with the directive.
- What a run has signed counts if its root is that of this log: a database that was put back is not the one
  that was acknowledged.
- The term of another boot, or of a machine whose clock has begun again, is waited out from when it was seen.
- Once it holds it holds for good, gateways that come later have the directive before their lease: so that a
  directive is in force everywhere is looked at first, and put on the record after.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import lru_cache
from typing import Any, NamedTuple

from sluicegate.acts.directives import DirectiveStatus, StateAtGateway, StateAtPoint
from sluicegate.acts.fleet import GatewayLease
from sluicegate.core.access.feed import CERTIFIED_MS, Certificate, FeedKey, certify
from sluicegate.core.access.leases import CLOCK_ALLOWANCE
from sluicegate.core.lifecycle import Refusal, State, points
from sluicegate.core.lifecycle.fleet import ACKNOWLEDGED, COUNTED_OUT, WAITING, NoteInForce
from sluicegate.errors import BadSignature, StoreUnavailable, StoreUnusable
from sluicegate.ports import FeedRecord, Feeds, FeedTerm, Run
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.directive import Directive
from sluicegate_record.entries.directives import AtGateway
from sluicegate_record.form import replace
from sluicegate_record.log import canonical

_log = logging.getLogger(__name__)

HISTORY_MAX = 1_000
ROOTS_KEPT = 64
BY = "fleet"
"""Who notes that a directive is in force everywhere."""
Lock = Callable[[], AbstractContextManager[Any]]
"""What makes a lock."""
RunName = tuple[str, str]
Bounds = Mapping[str, float]
"""By feed: when its leases that came without a directive are over, in milliseconds of CLOCK_BOOTTIME."""


class Report(NamedTuple):
    """What one feed says of one run."""

    feed: str
    run: Run


class Sight(NamedTuple):
    """One look at every feed, and what bounds the leases that came without each of some directives.

    `size` entries were committed before it. `bounds` is by the size of the directive.
    """

    size: int
    now_ms: float
    runs: Mapping[RunName, Sequence[Report]]
    ends_ms: Bounds
    bounds: Mapping[int, Bounds]


class Fleet:
    """The gateways of one log. `boot` names the boot that the ledger's `boot_ms` counts from."""

    def __init__(self, ledger: Ledger, feeds: Feeds, boot: str, lock: Lock = threading.Lock) -> None:
        self._ledger = ledger
        self._feeds = feeds
        self._boot = boot
        self._lock = lock()
        self._seen_ms: dict[FeedTerm, float] = {}
        """When each term of another boot was first seen."""
        self._bounds: dict[int, Bounds] = {}
        """By the size of a directive that is not in force everywhere yet."""
        self._history: dict[RunName, list[tuple[int, int]]] = {}
        """By run: (size, wall-clock milliseconds) of each acknowledgement."""
        self._certified_ms: dict[tuple[str, bytes], int] = {}
        """Until when each feed's key is certified, milliseconds since 1970 UTC."""
        self._root = lru_cache(ROOTS_KEPT)(ledger.root)
        self.unnoted: set[tuple[str, int]] = set()
        """The directives, with their sizes, that are in force everywhere, which could not be noted."""
        self._earlier_ms = self._wait_for_earlier_runs()

    def tick(self) -> None:
        """Certify the keys of feeds, and note every directive that has come to be in force everywhere.

        Raises: StoreUnavailable: it will be done when asked again.
        """
        self._ledger.catch_up()  # a directive whose commit was of unknown fate counts, too
        self._forget_earlier_runs()
        for term, _ in self._feeds.records():
            if term is not None:
                self._certify(term)
        sight, now_ms = self.look(), self._ledger.now_ms()
        if not sight.bounds:
            return
        with self._ledger.reading() as state:
            spreading = [state.directives[name] for name in state.spreading]
            open_ = [
                (found.name, found.size)
                for found in spreading
                if found.holds_ms <= now_ms
                and all(points.enforcing(point, found) for point in points.asked(state, found))
            ]
        for name, size in open_:
            rows = self._proven(sight, name, size)
            if rows is not None:
                self._note(name, size, rows)

    def _note(self, name: str, size: int, rows: Sequence[AtGateway]) -> None:
        """Note that a directive is in force everywhere. One that cannot be noted does not stop the others."""
        try:
            self._ledger.execute(
                NoteInForce(name, size, rows),
                by=BY,
                command_id=f"in force: {name} at {size}",
                request=["in force", name, size],
            )
        except (StoreUnavailable, StoreUnusable):
            raise
        except Exception as error:  # noqa: BLE001 - a fault of ours, in one of many
            if (name, size) not in self.unnoted:
                _log.error("that %r is in force everywhere cannot be noted", name, exc_info=error)
            self.unnoted.add((name, size))

    def look(self) -> Sight:
        """Look at every feed: the sooner after a directive, the sooner it is in force everywhere.

        Raises: StoreUnavailable.
        """
        with self._ledger.reading() as state:
            sizes = {state.directives[name].size for name in state.spreading}
        return self._look(sizes)

    def directive_status(self, name: str) -> DirectiveStatus | Refusal:
        """Where a directive is in force: gateway by gateway, and point by point. Raises: StoreUnavailable."""
        with self._ledger.reading() as state:
            issued = state.directives.get(name)
            if issued is None:
                return Refusal("unknown", "directive_unknown", f"no directive {name[:80]!r}")
            stated, whose = tuple(_points(state, issued)), state.whose(issued.seq)
        begun, lifted = issued.holds_ms <= self._ledger.now_ms(), issued.ended is not None
        rows = self.spread(name, issued.size, is_noted=issued.in_force_ms is not None)
        states = [*(row.state for row in rows), *(row.state for row in stated)]
        return DirectiveStatus(
            directive=name,
            size=issued.size,
            drill=issued.is_drill,
            **whose,
            confirmed=issued.confirmed if issued.document.is_transcribed else None,
            lifted=lifted,
            in_force=begun and not lifted and WAITING not in states and not self._waits_for_earlier_runs(),
            in_force_since_ms=issued.in_force_ms,
            entry=issued.in_force_seq,
            gateways=tuple(map(_shown, rows)),
            points=stated,
        )

    def spread(self, name: str, size: int, *, is_noted: bool = False) -> list[AtGateway]:
        """How every run stands with what the log holds at `size`, for the directive `name`.

        If it is noted to be in force everywhere, no run is waited for. Raises: StoreUnavailable.
        """
        sight = self._look(() if is_noted else {size})
        return [self._row(sight, run, name, size) for run in sorted(sight.runs)]

    def gateways(self) -> list[GatewayLease]:
        """Every run that a feed knows. Its lease ends no later than shown. Raises: StoreUnavailable."""
        sight = self._look(())
        return [
            GatewayLease(
                gateway=newest.gateway,
                incarnation=newest.incarnation,
                surface=newest.surface,
                size=newest.size,
                lease_ms=max((_left_ms(sight, each) for each in said), default=0),
                signed=newest.key is not None,
                drifted=newest.drifted,
            )
            for _, said in sorted(sight.runs.items())
            for newest in [_newest(said)]
        ]

    def drifted(self) -> int:
        """How many runs have another log or another fold."""
        return sum(each.drifted is not None for each in self.gateways())

    def behind(self) -> int:
        """How many entries the run lacks that is furthest behind, of those that may hold a lease."""
        size = self._ledger.size()
        return max((size - each.size for each in self.gateways() if each.lease_ms), default=0)

    def lag_ms(self) -> int:
        """How long the oldest directive has held that is not in force everywhere yet; 0 without one."""
        now_ms = self._ledger.now_ms()
        with self._ledger.reading() as state:
            since = [
                found.holds_ms
                for found in map(state.directives.__getitem__, state.spreading)
                if all(points.enforcing(point, found) for point in points.asked(state, found))
            ]
        return max((now_ms - each for each in since), default=0)

    def _look(self, sizes: Collection[int]) -> Sight:
        """Look at every feed; what the first look after a directive finds bounds the leases without it."""
        with self._lock:
            size = self._ledger.size()
            records = self._feeds.records()
            sight = self._sight(size, self._ledger.boot_ms(), records)
            with self._ledger.reading() as state:
                spreading = {state.directives[name].size for name in state.spreading}
            bounds = {each: self._bounds.get(each, sight.ends_ms) for each in sizes if each <= size}
            kept = self._bounds | bounds
            self._bounds = {each: kept[each] for each in kept.keys() & spreading}
            self._remember(sight)
            return sight._replace(bounds=bounds)

    def _sight(self, size: int, now_ms: float, records: Sequence[FeedRecord]) -> Sight:
        runs: dict[RunName, list[Report]] = {}
        ends_ms: dict[str, float] = {}
        terms = [term for term, _ in records if term is not None]
        self._seen_ms = {term: self._seen_ms.get(term, now_ms) for term in terms}
        for term, known in records:
            if term is not None:
                ends_ms[term.feed] = self._ends_ms(term)
                for run in known:
                    runs.setdefault(run.name, []).append(Report(term.feed, run.within(size, self._root)))
        return Sight(size, now_ms, runs, ends_ms, {})

    def _ends_ms(self, term: FeedTerm) -> float:
        """When every lease has ended that a feed may have given by a term."""
        seen_ms = self._seen_ms[term]
        most_ms = seen_ms + CLOCK_ALLOWANCE * term.longest_lease_ms
        return min(term.gives_until_ms, most_ms) if term.boot == self._boot else most_ms

    def _remember(self, sight: Sight) -> None:
        """Note when each run acknowledged what, as first seen."""
        self._history = {name: self._history.get(name, []) for name in sight.runs}
        for name, said in sight.runs.items():
            newest, history = _newest(said), self._history[name]
            if newest.at_ms is not None and (not history or history[-1][0] < newest.size):
                history.append((newest.size, newest.at_ms))
                del history[:-HISTORY_MAX]

    def _row(self, sight: Sight, run: RunName, name: str, size: int) -> AtGateway:
        """How a run stands with the directive `name`, in the log of `size`; without what it signed."""
        said = sight.runs[run]
        newest = _newest(said)
        return AtGateway(
            gateway=newest.gateway,
            incarnation=newest.incarnation,
            surface=newest.surface,
            size=newest.size,
            state=self._state(sight, said, size),
            at_ms=self._acknowledged_ms(run, size),
            streams_cut=newest.cut.get(name, 0),
            signed=newest.key is not None,
            drifted=newest.drifted,
            key=canonical.b64(newest.key) if newest.key is not None else None,
            ask=None,
            sig=None,
        )

    def _state(self, sight: Sight, said: Sequence[Report], size: int) -> str:
        reached = [each.run.size for each in said if each.run.at_ms is not None]
        if any(size <= each <= sight.size for each in reached):
            return ACKNOWLEDGED
        bounds = sight.bounds.get(size, {})
        waits = any(each.run.leased and sight.now_ms < bounds.get(each.feed, 0.0) for each in said)
        return WAITING if waits else COUNTED_OUT

    def _acknowledged_ms(self, run: RunName, size: int) -> int | None:
        """When a run first acknowledged a size, on the wall clock."""
        return next((at_ms for after, at_ms in self._history.get(run, ()) if after >= size), None)

    def _proven(self, sight: Sight, name: str, size: int) -> list[AtGateway] | None:
        """A row with its proof for every run; None while one is waited for."""
        if size not in sight.bounds or self._waits_for_earlier_runs():
            return None
        rows = [self._proof(sight, run, name, size) for run in sorted(sight.runs)]
        return None if any(row.state == WAITING for row in rows) else rows

    def _proof(self, sight: Sight, run: RunName, name: str, size: int) -> AtGateway:
        """How a run stands, with what proves it, or when the lease ended that counted it out."""
        row, said = self._row(sight, run, name, size), sight.runs[run]
        if row.state == COUNTED_OUT:
            return replace(row, at_ms=self._ended_ms(sight, said, size))
        newest = _newest(said)
        if newest.ask is None or row.state != ACKNOWLEDGED:
            return row
        ask: Any = canonical.loads(newest.ask.encode())
        return replace(row, ask=ask, sig=newest.sig)

    def _ended_ms(self, sight: Sight, said: Sequence[Report], size: int) -> int | None:
        """When the last lease that a run may have had without a directive had ended, on the wall clock."""
        wall_ms, bounds = self._ledger.wall_ms(), sight.bounds.get(size, {})
        ends = [each.run.ended_ms for each in said if not each.run.leased and each.run.ended_ms is not None]
        ends += [
            wall_ms - math.floor(sight.now_ms - bounds[each.feed])
            for each in said
            if each.run.leased and each.feed in bounds
        ]
        return max(ends, default=None)

    # The keys of feeds, and what an earlier build has left

    def _certify(self, term: FeedTerm) -> None:
        """Certify the key of a feed for a day, unless it is certified for half of one."""
        keys, now_ms = self._ledger.store.feed_keys, self._ledger.now_ms()
        if now_ms < self._certified_ms.get((term.feed, term.key), 0) - CERTIFIED_MS // 2:
            return
        text = keys.certificate(term.feed)
        found = None if text is None else self._certified(text)
        if found is None or found.key != term.key or now_ms >= found.valid_until_ms - CERTIFIED_MS // 2:
            found = FeedKey(
                feed=term.feed, key=term.key, issued_at_ms=now_ms, valid_until_ms=now_ms + CERTIFIED_MS
            )
            made = certify(found, self._ledger.key)
            keys.certify(term.feed, canonical.dumps(made.to_json()).decode())
        self._certified_ms[term.feed, term.key] = found.valid_until_ms

    def _certified(self, text: str) -> FeedKey | None:
        """What a certificate says; None if the key of the log that signs now has not signed it."""
        with suppress(BadSignature):
            found = Certificate.from_json(canonical.loads(text.encode()))
            return found.opened(self._ledger.key.public_key().public_bytes_raw())
        return None

    def _wait_for_earlier_runs(self) -> float:
        """When the leases are over that a build without feeds has given; now, if there is no sign of any."""
        now_ms = self._ledger.boot_ms()
        if not self._ledger.store.feed_keys.has_earlier_runs():
            return now_ms
        with self._ledger.reading() as state:
            return now_ms + CLOCK_ALLOWANCE * state.table.leases.longest_ms

    def _waits_for_earlier_runs(self) -> bool:
        return self._ledger.boot_ms() < self._earlier_ms

    def _forget_earlier_runs(self) -> None:
        keys = self._ledger.store.feed_keys
        if not self._waits_for_earlier_runs() and keys.has_earlier_runs():
            keys.forget_earlier_runs()


def _newest(said: Sequence[Report]) -> Run:
    """What the feed says that has heard most of a run."""
    return max((each.run for each in said), key=lambda run: (run.size, run.at_ms is not None))


def _left_ms(sight: Sight, each: Report) -> int:
    """For how long a run may still hold a lease of a feed, at most."""
    return max(0, int(sight.ends_ms[each.feed] - sight.now_ms)) if each.run.leased else 0


def _shown(row: AtGateway) -> StateAtGateway:
    """A row without its proof."""
    return StateAtGateway(
        gateway=row.gateway,
        incarnation=row.incarnation,
        surface=row.surface,
        size=row.size,
        state=row.state,
        at_ms=row.at_ms,
        streams_cut=row.streams_cut,
        signed=row.signed,
        drifted=row.drifted,
    )


def _points(state: State, issued: Directive) -> Iterator[StateAtPoint]:
    """How the declared points on a directive's surfaces stand with it."""
    for point in points.asked(state, issued):
        stated = points.enforcing(point, issued)
        yield StateAtPoint(
            point=point.name,
            surface=point.surface,
            kind="declared",
            state=WAITING if stated is None else "stated",
            at_ms=None if stated is None else stated.at_ms,
        )
