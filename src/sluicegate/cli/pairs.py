"""Bounds of servers, as the command line has them: NAME=VALUE, again for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from sluicegate import targets
from sluicegate.errors import InvalidInput
from sluicegate.settings import DailyLimits, HttpSettings

GATE_BOUNDS = (
    "max_event_bytes",
    "max_held_event_bytes",
    "max_flights_of_organization",
    "max_flights_of_key",
    "keep_alive_ms",
    "max_upstream_connections",
    "upstream_connect_ms",
    "upstream_idle_ms",
    "cut_grace_ms",
    "request_log_one_in",
    "max_request_book_bytes",
)
"""What `--bound` sets of a gateway's settings."""
_LEAST = {
    "max_head_bytes": 1_024,
    "max_target_bytes": 1_024,
    "head_timeout_ms": 100,
    "body_timeout_ms": 100,
    "write_timeout_ms": 100,
    "max_event_bytes": 1_024,
    "keep_alive_ms": 1_000,
    "upstream_connect_ms": 100,
    "upstream_idle_ms": 100,
}
"""With less a server would refuse every request. For all others it is 1."""


def http(given: list[str] | None, others: HttpSettings | None = None) -> HttpSettings:
    """The bounds of a server: those that are given, and the defaults of the others."""
    pairs = _pairs("--http", given, _names(HttpSettings))
    proxies = targets.networks(pairs.pop("proxies", ""))
    return replace(others or HttpSettings(), proxies=proxies, **_numbers("--http", pairs, 2**31 - 1))


def limits(given: list[str] | None) -> DailyLimits:
    """The daily limits, with those that are given. Raises: InvalidInput."""
    return DailyLimits(**_numbers("--limit", _pairs("--limit", given, _names(DailyLimits)), 2**50 - 1))


def gate(given: list[str] | None) -> dict[str, Any]:
    """The settings of a gateway that are given, by name. Raises: InvalidInput."""
    return _numbers("--bound", _pairs("--bound", given, GATE_BOUNDS), 2**31 - 1)


def _pairs(option: str, given: list[str] | None, names: Iterable[str]) -> dict[str, str]:
    """What is given as NAME=VALUE for some of these settings, by name. Raises: InvalidInput."""
    known = {name.replace("_", "-"): name for name in names}
    found: dict[str, str] = {}
    for item in given or ():
        name, equals, value = item.partition("=")
        if not equals or name not in known:
            raise InvalidInput(f"{option} {item!r}, expected NAME=VALUE, with one of {', '.join(known)}")
        found[known[name]] = value
    return found


def _names(settings: type[HttpSettings | DailyLimits]) -> list[str]:
    return [each.name for each in fields(settings)]


def _numbers(option: str, pairs: dict[str, str], most: int) -> dict[str, int]:
    """The values as whole numbers up to `most`, each large enough to serve. Raises: InvalidInput."""
    for name, value in pairs.items():
        least = _LEAST.get(name, 1)
        is_number = value.isascii() and value.isdecimal() and len(value) <= len(str(most))
        if not is_number or not least <= int(value) <= most:
            given = f"{name.replace('_', '-')}={value[:80]}"
            raise InvalidInput(f"{option} {given!r}, expected a whole number from {least} to {most}")
    return {name: int(value) for name, value in pairs.items()}
