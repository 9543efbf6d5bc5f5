"""The fleet: what gateways have acknowledged, and when a directive is in force everywhere.

Rules:
- An incarnation is registered durably before its first lease.
- An answer is signed over the asker's nonce; the lease counts from when the asker asked.
- `ageMs` counts from before the last write that this process committed on the primary, so a process that
  can no longer write hands out leases that have already ended.
- What an incarnation acknowledges is true of everything before it. A lease is trusted only after the
  entries it came with are applied, so one that is silent is counted out when every lease that came
  without the directive has passed, and a thousandth more for its clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sluicegate.core import events, feed
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import VerificationFailed
from sluicegate.ports import Incarnation
from sluicegate.service.ledger import Ledger

CONFIRM_EVERY_MS = 250
CLOCK_ALLOWANCE = 1.001
FORGET_AFTER_MS = 3_600_000
HISTORY_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Poll:
    """A gateway's question. Units: `after` counts entries; `cut` requests, by directive or reason."""

    gateway: str
    incarnation: str
    surface: str
    after: int
    nonce: str
    cut: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Seen:
    """What is known of one incarnation. Units: CLOCK_BOOTTIME milliseconds of this machine."""

    heard_ms: float
    """When it last asked."""
    after: int = 0
    leases: list[tuple[int, float]] = field(default_factory=list)
    """(size it came with, its end) of each lease that may live."""
    history: list[tuple[int, int]] = field(default_factory=list)
    """(size, wall-clock milliseconds) of each acknowledgement."""
    cut: dict[str, int] = field(default_factory=dict)

    def lease_ends_ms(self, below: int | None = None) -> float:
        """When its last lease ends, or the last that came with less than `below` entries."""
        return max((ends for size, ends in self.leases if below is None or size < below), default=0.0)

    def leased(self, size: int, ends_ms: float, now_ms: float) -> None:
        """Note a lease; forget those that have ended."""
        self.leases = [(came, ends) for came, ends in self.leases if ends > now_ms]
        self.leases.append((size, ends_ms))

    def is_gone(self, now_ms: float) -> bool:
        """Whether it has long been silent, and without a lease."""
        return max(self.heard_ms, self.lease_ends_ms()) + FORGET_AFTER_MS < now_ms


class Fleet:
    """The gateways of one control plane."""

    def __init__(self, ledger: Ledger, *, boot_ms: Callable[[], float], max_entries: int) -> None:
        self._ledger = ledger
        self._boot_ms = boot_ms
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._confirmed_ms = float("-inf")
        now_ms = boot_ms()
        longest = (0, now_ms + CLOCK_ALLOWANCE * self._longest_lease_ms())
        self._seen = {known: _Seen(now_ms, leases=[longest]) for known in ledger.store.incarnations()}

    def heard(self, poll: Poll) -> None:
        """Note what a poll acknowledges, as soon as it is here: its answer may wait for news.

        Raises: StoreUnavailable: it cannot be registered, or followed to what it has.
                VerificationFailed: it acknowledges more than there is.
        """
        self._check_known(poll)
        who = Incarnation(poll.gateway, poll.incarnation, poll.surface)
        with self._lock:
            if who not in self._seen:
                self._ledger.store.register(who)
            # Durable here: the incarnation is known before it gets a lease.
            seen = self._seen.setdefault(who, _Seen(0.0))
            seen.heard_ms = self._boot_ms()
            if poll.after > seen.after or not seen.history:
                seen.history.append((poll.after, self._ledger.wall_ms()))
                del seen.history[:-HISTORY_MAX]
            seen.after = poll.after
            seen.cut = dict(poll.cut)

    def answer(self, poll: Poll) -> dict[str, Any]:
        """Answer a poll that was heard: the entries after `after`, and a lease if they are all there are.

        Raises: StoreUnavailable: no lease can be given.
        """
        confirmed_ms = self._confirm()
        reached, lease_ms = self._lease(poll)
        entries = self._ledger.store.entries(poll.after, reached - poll.after)
        signed = {
            "gateway": poll.gateway,
            "incarnation": poll.incarnation,
            "nonce": poll.nonce,
            "after": poll.after,
            "size": reached,
            "root": self._ledger.root(reached).hex(),
            "controlTime": events.format_time(self._ledger.now_ms()),
            "leaseMs": lease_ms,
            "ageMs": int(self._boot_ms() - confirmed_ms) + 1,
        }
        return feed.answer_json(signed, entries, self._ledger.key)

    def has_news(self, after: int) -> bool:
        """Whether there are entries beyond `after`."""
        return self._ledger.size() > after

    def directive_status(self, name: str) -> dict[str, Any] | Refusal:
        """Where a directive is in force."""
        with self._ledger.reading() as state:
            issued = state.directives.get(name)
            if issued is None:
                return Refusal("unknown", "directive_unknown", f"no directive {name[:80]!r}")
            size, lifted = issued.seq + 1, issued.lifted
        with self._lock:
            rows = [self._row(who, seen, name, size) for who, seen in sorted(self._seen.items(), key=_order)]
        return {
            "directive": name,
            "size": size,
            "lifted": lifted,
            "inForce": not lifted and all(row["state"] != "waiting" for row in rows),
            "gateways": rows,
        }

    def gateways(self) -> list[dict[str, Any]]:
        """Every incarnation that may hold a lease."""
        now_ms = self._boot_ms()
        with self._lock:
            return [
                {
                    "gateway": who.gateway,
                    "incarnation": who.incarnation,
                    "surface": who.surface,
                    "size": seen.after,
                    "leaseMs": max(0, int(seen.lease_ends_ms() - now_ms)),
                }
                for who, seen in sorted(self._seen.items(), key=_order)
            ]

    def _check_known(self, poll: Poll) -> None:
        """An older database put back: what this gateway has folded is not what was acknowledged here.

        Where another process wrote what the gateway has, this one may only have to follow.
        """
        if poll.after > self._ledger.size():
            self._confirm_now()
        size = self._ledger.size()
        if poll.after > size:
            raise VerificationFailed(
                f"the log goes back: {poll.gateway!r} has {poll.after} entries of it, here it has {size}",
                remedy="put the newest database back; gateways refuse everything until then",
            )

    def _row(self, who: Incarnation, seen: _Seen, name: str, size: int) -> dict[str, Any]:
        acknowledged = next((at_ms for after, at_ms in seen.history if after >= size), None)
        counted_out = self._boot_ms() >= seen.lease_ends_ms(below=size)
        state = "acknowledged" if acknowledged is not None else "counted_out" if counted_out else "waiting"
        return {
            "gateway": who.gateway,
            "incarnation": who.incarnation,
            "surface": who.surface,
            "size": seen.after,
            "state": state,
            "at": events.format_time(acknowledged) if acknowledged is not None else None,
            "streamsCut": seen.cut.get(name, 0),
        }

    def _lease(self, poll: Poll) -> tuple[int, int]:
        """How far the answer reaches and the lease it gives, 0 if entries remain; noted before it is given.

        Under one lock: whoever sees an entry that the answer lacks also sees the lease.
        """
        with self._lock:
            with self._ledger.reading() as state:
                size, lease_ms = state.size, state.table.lease_ms
            reached, now_ms = min(size, poll.after + self._max_entries), self._boot_ms()
            if reached < size:
                return reached, 0
            seen = self._seen[Incarnation(poll.gateway, poll.incarnation, poll.surface)]
            seen.leased(reached, now_ms + CLOCK_ALLOWANCE * lease_ms, now_ms)
            self._forget(now_ms)
            return reached, lease_ms

    def _forget(self, now_ms: float) -> None:
        """Forget incarnations long gone."""
        for who in [who for who, seen in self._seen.items() if seen.is_gone(now_ms)]:
            self._ledger.store.retire(who)
            del self._seen[who]

    def _confirm(self) -> float:
        """When, at the latest before now, this process still held the primary."""
        with self._lock:
            if self._boot_ms() - self._confirmed_ms < CONFIRM_EVERY_MS:
                return self._confirmed_ms
        return self._confirm_now()

    def _confirm_now(self) -> float:
        """Confirm the head, and follow the log up to it."""
        began_ms = self._boot_ms()
        self._ledger.store.confirm()
        self._ledger.catch_up()
        with self._lock:
            self._confirmed_ms = max(self._confirmed_ms, began_ms)
            return self._confirmed_ms

    def _longest_lease_ms(self) -> int:
        with self._ledger.reading() as state:
            return state.table.longest_lease_ms


def _order(item: tuple[Incarnation, _Seen]) -> tuple[str, str]:
    return item[0].gateway, item[0].incarnation
