"""Decisions on large tables, beside cedarpy on the same question, and what a credential weighs.

The tables are made by the real fold, `Table.apply`, of entries that lack only what a fold never reads: leaves
and salts. Of the organizations one in ten is suspended, by a thousand directives, one in ten of which names
members besides. Every credential has a member of its own, whom one identifier names and one claim is about.
"""

from __future__ import annotations

import gc
import json
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import cedarpy

from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.access.table import Table
from sluicegate_record.log import canonical, events, times
from sluicegate_record.log.events import Entry, Opening

CREDENTIALS, MANY = 100_000, 1_000_000
PER_ORGANIZATION = 10
DIRECTIVES = 1_000
SUSPENDED_ONE_IN = 10
BY_PERSON_ONE_IN = 10
ROUNDS, DECISIONS, CEDAR_DECISIONS = 9, 50_000, 1_000
MODEL, SURFACE, RELEASE, STAGE, TERMS = "model-1", "api", "preview", "partners", "sha256:bench"
AT_MS = 1_780_000_000_000
NOW = Instant(AT_MS + 1_000, AT_MS + 1_010)


def measure() -> dict[str, float]:
    many, table_bytes = _weighed(MANY)
    table = folded(CREDENTIALS)
    cedar = _Cedar(CREDENTIALS)
    drawn = random.Random(0)
    ours, theirs, ours_many = [], [], []
    for _ in range(ROUNDS):
        keys = _keys(drawn, CREDENTIALS, DECISIONS)
        ours.append(_each_us(lambda key: decided(key, table), keys))
        theirs.append(_each_us(cedar.decided, keys[:CEDAR_DECISIONS]))
        ours_many.append(_each_us(lambda key: decided(key, many), _keys(drawn, MANY, DECISIONS)))
        for key in keys[:CEDAR_DECISIONS]:
            assert isinstance(decided(key, table), Allow) == cedar.decided(key)
    return {
        "decide_us": median(ours),
        "decide_vs_cedarpy": median(theirs) / median(ours),
        "decide_1m_ratio": median(ours_many) / median(ours),
        "table_bytes": table_bytes,
    }


def decided(key: bytes, table: Table) -> Any:
    """What a gateway decides about a request with this key."""
    return decide(Ask(sha256(key).digest(), MODEL, SURFACE), table, NOW)


def folded(credentials: int) -> Table:
    """A table with so many credentials."""
    table = Table()
    for entry in _entries(credentials):
        table.apply(entry)
    return table


def key_of(number: int) -> bytes:
    """The API key of a credential, as long as a real one."""
    return b"sg_%049d" % number


def suspended(organization: int) -> bool:
    """Whether a directive covers an organization."""
    return organization % SUSPENDED_ONE_IN == 0


def _weighed(credentials: int) -> tuple[Table, float]:
    """A table, and by how much it made this process grow for each credential."""
    gc.collect()
    before = _resident_bytes()
    table = folded(credentials)
    gc.collect()
    return table, (_resident_bytes() - before) / credentials


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _keys(drawn: random.Random, credentials: int, count: int) -> list[bytes]:
    return [key_of(drawn.randrange(credentials)) for _ in range(count)]


def _each_us(what: Callable[[bytes], object], keys: Sequence[bytes]) -> float:
    began_ns = time.thread_time_ns()
    for key in keys:
        what(key)
    return (time.thread_time_ns() - began_ns) / len(keys) / 1_000


def _entries(credentials: int) -> Iterator[Entry]:
    organizations = credentials // PER_ORGANIZATION
    writer = _Writer()
    yield writer.entry(events.RELEASE_APPLIED, _release())
    yield writer.entry(events.STAGE_OPENED, {"release": RELEASE, "stage": STAGE, "terms": TERMS})
    for number in range(organizations):
        yield writer.entry(events.GRANT_APPROVED, _grant(number), organization=f"org_{number:016d}")
    for number in range(organizations):
        yield from _members(writer, number)
    for number in range(credentials):
        public = {"credential": f"cred_{number:016d}", "grant": f"grant_{number // PER_ORGANIZATION:016d}"}
        digest = sha256(key_of(number)).hexdigest()
        yield writer.entry(events.CREDENTIAL_ISSUED, public, digest=digest, member=_member(number))
    covered = [number for number in range(organizations) if suspended(number)]
    for number in range(DIRECTIVES):
        mine = covered[number::DIRECTIVES]
        named = {"organizations": [f"org_{each:016d}" for each in mine]}
        if number % BY_PERSON_ONE_IN == 0:
            named["persons"] = [_member(each * PER_ORGANIZATION) for each in mine]
        yield writer.entry(events.DIRECTIVE_ISSUED, _directive(number), named={"covers": named})


def _members(writer: _Writer, number: int) -> Iterator[Entry]:
    """An organization's name and country, its members, and what it says of their status."""
    organization = f"org_{number:016d}"
    described = {"organization": organization, "name": f"{number:032x}", "registeredIn": "US"}
    members = range(number * PER_ORGANIZATION, (number + 1) * PER_ORGANIZATION)
    rows = [{"member": _member(each), "identifiers": [f"{each:032x}"]} for each in members]
    said = {"issuer": organization, "status": "us_citizen", "assurance": "organization", "until": _NEXT_YEAR}
    yield writer.entry(events.ORGANIZATION_DESCRIBED, {}, described=described)
    yield writer.entry(events.MEMBERS_REGISTERED, {}, organization=organization, members=rows)
    claims = [{**said, "member": _member(each)} for each in members]
    yield writer.entry(events.STATUS_CLAIMED, {}, claims=claims)


def _member(number: int) -> str:
    return f"mem_{number:016d}"


_NEXT_YEAR = times.format_time(AT_MS + 365 * 86_400_000)


class _Writer:
    """Numbers entries."""

    def __init__(self) -> None:
        self._size = 0

    def entry(self, kind: str, public: dict[str, Any], **gate: Any) -> Entry:
        openings = {name: Opening(b"", canonical.dumps(value)) for name, value in gate.items()}
        entry = Entry(self._size, AT_MS, kind, "bench", "bench", "bench", public, openings, {}, b"")
        self._size += 1
        return entry


def _release() -> dict[str, Any]:
    stage = {
        "name": STAGE,
        "basis": {"kind": "agreed", "askedBy": [], "how": "a call", "askedOn": "2026-06-24"},
        "admission": {"mode": "approve", "grant": {"allOf": ["oncd"]}},
        "conditions": {"requestsPerMinute": 600},
    }
    spec = {
        "models": [{"id": MODEL, "upstream": "demo", "digest": TERMS, "safeguards": TERMS}],
        "surfaces": [SURFACE],
        "announced": True,
        "leaseMs": 5_000,
        "agencies": {"oncd": {"name": "ONCD"}},
        "stages": [stage],
        "disclosure": {"organizations": "never"},
        "onRefusal": {"fallbackModel": "model-0"},
    }
    metadata = {"name": RELEASE, "developer": "openai"}
    plan = {"apiVersion": "sluicegate/v1", "kind": "Release", "metadata": metadata, "spec": spec}
    return {"release": RELEASE, "announced": True, "terms": {STAGE: TERMS}, "plan": plan}


def _grant(number: int) -> dict[str, Any]:
    return {
        "grant": f"grant_{number:016d}",
        "release": RELEASE,
        "stage": STAGE,
        "surface": SURFACE,
        "terms": TERMS,
        "validFrom": times.format_time(AT_MS),
        "validUntil": times.format_time(AT_MS + 86_400_000),
    }


def _directive(number: int) -> dict[str, Any]:
    covers: dict[str, Any] = {"organizations": {"count": 1}}
    if number % BY_PERSON_ONE_IN == 0:
        covers["persons"] = {"count": 1, "commitment": ""}
    spec = {"models": [MODEL], "surfaces": "all", "basis": {"kind": "order"}, "covers": covers}
    return {"directive": f"directive-{number}", "document": {"spec": spec}}


class _Cedar:
    """The same question put to Cedar, in the form that suits it: directives are a group, and looked up."""

    def __init__(self, credentials: int) -> None:
        entities = [_entity("Suspended", MODEL), _entity("Granted", RELEASE)]
        for number in range(credentials // PER_ORGANIZATION):
            parents = [("Granted", RELEASE), *([("Suspended", MODEL)] if suspended(number) else [])]
            entities.append(_entity("Organization", str(number), parents))
        for number in range(credentials):
            organization = ("Organization", str(number // PER_ORGANIZATION))
            entities.append(_entity("Key", sha256(key_of(number)).hexdigest(), [organization]))
        self._entities = cedarpy.Entities.from_json_str(json.dumps(entities))
        self._policies = cedarpy.PolicySet.from_str(
            f'permit(principal in Granted::"{RELEASE}", action, resource == Model::"{MODEL}");'
            f'forbid(principal in Suspended::"{MODEL}", action, resource == Model::"{MODEL}");'
        )

    def decided(self, key: bytes) -> bool:
        asked = {
            "principal": {"type": "Key", "id": sha256(key).hexdigest()},
            "action": {"type": "Action", "id": "ask"},
            "resource": {"type": "Model", "id": MODEL},
            "context": {},
        }
        return bool(cedarpy.is_authorized(asked, self._policies, self._entities).allowed)


def _entity(kind: str, name: str, parents: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    return {
        "uid": {"type": kind, "id": name},
        "attrs": {},
        "parents": [{"type": its_kind, "id": its_name} for its_kind, its_name in parents],
    }
