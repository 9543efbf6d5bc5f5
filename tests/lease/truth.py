"""What is true, read off the real log at the moment of each commit; and what must never happen.

A literal and slow reading of the entries, which uses neither the table nor the fleet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sluicegate_record.entries import Entry
from tests import forging

ALLOWANCE = 1.001
"""A thousandth more than the lease, for the clocks."""
ROUNDING_MS = 1e-6


class Violation(AssertionError):
    """The protocol does not hold what it promises."""


class NotLive(AssertionError):
    """Somebody does not come back though everything has healed."""


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody with a key. Units: `digest` 32 raw bytes."""

    organization: str
    surface: str
    credential: str
    digest: bytes


@dataclass(slots=True)
class Narrowing:
    """A directive or a revocation. Units: true milliseconds; nothing it covers may pass after `ends_ms`."""

    name: str
    covers: Callable[[Client, str], bool]
    at_ms: float
    ends_ms: float
    is_directive: bool
    said_ms: float | None = None
    """When a control plane first said that it is in force everywhere."""


class Truth:
    """The narrowings in force. `now` is the true time; `claimed` asks the control planes."""

    def __init__(self, now: Callable[[], float], claimed: Callable[[str], bool]) -> None:
        self._now = now
        self._claimed = claimed
        self._leases: list[tuple[float, int]] = [(float("-inf"), 0)]
        self.directives: dict[str, Narrowing] = {}
        self.revoked: dict[str, Narrowing] = {}
        self.seen: Counter[str] = Counter()
        """What has happened how often: a run in which nothing happens shows nothing."""

    def committed(self, entry: Entry) -> None:
        """An entry is in the real log from now on."""
        public = forging.public_of(entry)
        if entry.type == "release.applied":
            self._leases.append((self._now(), public["plan"]["spec"]["leaseMs"]))
        elif entry.type == "directive.issued":
            name, covers = public["directive"], _reading(public["document"]["spec"], entry)
            self.directives[name] = Narrowing(name, covers, self._now(), self._bound(), is_directive=True)
        elif entry.type == "directive.lifted":
            del self.directives[public["directive"]]
        elif entry.type == "credential.revoked":
            name, covers = public["credential"], _holder(public["credential"])
            self.revoked[name] = Narrowing(name, covers, self._now(), self._bound(), is_directive=False)

    def said(self, name: str) -> None:
        """A control plane has said that a directive is in force everywhere."""
        narrowing = self.directives.get(name)
        if narrowing is not None and narrowing.said_ms is None:
            narrowing.said_ms = self._now()
            self.seen["said to be in force"] += 1

    def unsaid(self) -> list[str]:
        """The directives of which nobody has said yet that they are in force everywhere."""
        return [each.name for each in self.directives.values() if each.said_ms is None]

    def let_through(self, client: Client, model: str) -> None:
        """Something was let through. Raises: Violation: it should not have been."""
        self.seen["let through"] += 1
        for narrowing in self.covering(client, model):
            self.seen["let through though covered, within the lease"] += 1
            self._check(narrowing)

    def covering(self, client: Client, model: str) -> list[Narrowing]:
        """What forbids a client a model, whether it has come round or not."""
        revoked = self.revoked.get(client.credential)
        return [
            *([revoked] if revoked is not None else ()),
            *(each for each in self.directives.values() if each.covers(client, model)),
        ]

    def _check(self, narrowing: Narrowing) -> None:
        now = self._now()
        if now > narrowing.ends_ms + ROUNDING_MS:
            raise Violation(
                f"let through {now - narrowing.ends_ms:.3f} ms after the last lease must have ended that came"
                f" without {narrowing.name!r}, committed at {narrowing.at_ms:.3f}"
            )
        if narrowing.is_directive and self._claimed(narrowing.name):
            self.said(narrowing.name)
        if narrowing.said_ms is not None:
            raise Violation(
                f"let through though {narrowing.name!r}, committed at {narrowing.at_ms:.3f},"
                f" was said to be in force everywhere at {narrowing.said_ms:.3f}"
            )

    def _bound(self) -> float:
        """When every lease has ended that was given so far, be it the longest that was in force lately."""
        now = self._now()
        longest_ms = max(lease_ms for _, lease_ms in self._leases)
        until = [*(since for since, _ in self._leases[1:]), float("inf")]
        lately = (
            lease_ms
            for (_, lease_ms), ended in zip(self._leases, until, strict=True)
            if ended >= now - ALLOWANCE * longest_ms
        )
        return now + ALLOWANCE * max(lately)


def _reading(spec: dict[str, Any], entry: Entry) -> Callable[[Client, str], bool]:
    organizations: Iterable[str] | None = None
    if spec["covers"] != "everyone":
        organizations = frozenset(forging.gate_value(entry, "named")["covers"]["organizations"])

    def covers(client: Client, model: str) -> bool:
        return (
            model in spec["models"]
            and (spec["surfaces"] == "all" or client.surface in spec["surfaces"])
            and (organizations is None or client.organization in organizations)
        )

    return covers


def _holder(credential: str) -> Callable[[Client, str], bool]:
    return lambda client, _: client.credential == credential
