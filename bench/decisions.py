"""Decisions on large tables, beside cedarpy on the same question, and the memory for each credential.

The real fold, `Table.apply`, makes the tables, from entries that lack only what a fold never reads: leaves
and salts. One organization in ten is suspended, by a thousand directives. One directive in ten also names
members. Every credential has its own member, with one identifier and one claim.
"""

from __future__ import annotations

import ctypes
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
from sluicegate_record import entries
from sluicegate_record.directives.document import Document
from sluicegate_record.entries import Body, Draft, Entry, people, releases
from sluicegate_record.entries.cases import Description
from sluicegate_record.entries.credentials import CredentialIssued, CredentialRevoked
from sluicegate_record.entries.directives import DirectiveIssued
from sluicegate_record.entries.grants import GrantApproved
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms.plan import Plan

CREDENTIALS, MANY, FEW = 100_000, 1_000_000, 1_000
PER_ORGANIZATION = 10
DIRECTIVES = 1_000
SUSPENDED_ONE_IN = 10
BY_PERSON_ONE_IN = 10
ROUNDS, DECISIONS, CEDAR_DECISIONS, REVOCATIONS = 9, 50_000, 1_000, 500
MODEL, SURFACE, RELEASE, STAGE, TERMS = "model-1", "api", "preview", "partners", "sha256:bench"
AT_MS = 1_780_000_000_000
NOW = Instant(AT_MS + 1_000, AT_MS + 1_010)


def measure() -> dict[str, float]:
    many, table_bytes = _weighed(MANY)
    table = folded(CREDENTIALS)
    cedar = _Cedar(CREDENTIALS)
    drawn = random.Random(0)
    ours, theirs, ours_many, ratios = [], [], [], []
    for _ in range(ROUNDS):
        keys = _keys(drawn, CREDENTIALS, DECISIONS)
        ours.append(_each_us(lambda key: decided(key, table), keys))
        ratios.append(ours[-1] / _each_us(lambda key: found(key, table), keys))
        theirs.append(_each_us(cedar.decided, keys[:CEDAR_DECISIONS]))
        ours_many.append(_each_us(lambda key: decided(key, many), _keys(drawn, MANY, DECISIONS)))
        for key in keys[:CEDAR_DECISIONS]:
            assert isinstance(decided(key, table), Allow) == cedar.decided(key)
    few = folded(FEW)
    revoked = [_revocation_us(many, MANY, drawn) / _revocation_us(few, FEW, drawn) for _ in range(ROUNDS)]
    return {
        "revocation_cost_ratio": median(revoked),
        "decide_ratio": median(ratios),
        "decide_us": median(ours),
        "decide_vs_cedarpy": median(theirs) / median(ours),
        "decide_1m_ratio": median(ours_many) / median(ours),
        "table_bytes": table_bytes,
    }


def _revocation_us(table: Table, credentials: int, drawn: random.Random) -> float:
    """What a gateway takes to read and fold the end of a key, of any of so many."""
    names = (f"cred_{number:016d}" for number in drawn.sample(range(credentials), REVOCATIONS))
    drafts = [Draft(name, CredentialRevoked(credential=name)) for name in names]
    placed = entries.place_all(drafts, seq=table.size, at_ms=AT_MS, by="bench", command="bench")
    began_ns = time.thread_time_ns()
    for entry in placed:
        table.apply(entries.read(entry.leaf, {}, {}))
    return (time.thread_time_ns() - began_ns) / REVOCATIONS / 1_000


def decided(key: bytes, table: Table) -> Any:
    """What a gateway decides about a request with this key."""
    return decide(Ask(sha256(key).digest(), MODEL, SURFACE), table, NOW)


def found(key: bytes, table: Table) -> object:
    """What no decision can do without: SHA-256 of the key, and one look-up."""
    return table.credentials.get(sha256(key).digest())


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
    """A table, and how much memory of this process it takes for each credential.

    What dictionaries left when they grew is given back first: glibc keeps it, and the table does not have it.
    """
    gc.collect()
    before = _resident_bytes()
    table = folded(credentials)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
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
    return (_entry(seq, body) for seq, body in enumerate(_bodies(credentials)))


def _entry(seq: int, body: Body) -> Entry:
    return Entry(seq, AT_MS, "bench", "bench", "bench", body, {}, {}, b"")


def _bodies(credentials: int) -> Iterator[Body]:
    organizations = credentials // PER_ORGANIZATION
    yield releases.ReleaseApplied(release=RELEASE, announced=True, terms={STAGE: TERMS}, plan=_plan())
    yield releases.StageOpened(
        log="bench", release=RELEASE, stage=STAGE, terms=TERMS, officer="bench", envelope=_UNSIGNED
    )
    for number in range(organizations):
        yield _grant(number)
    for number in range(organizations):
        yield from _members(number)
    for number in range(credentials):
        yield CredentialIssued(
            credential=f"cred_{number:016d}",
            grant=f"grant_{number // PER_ORGANIZATION:016d}",
            digest=sha256(key_of(number)).digest(),
            member=_member(number),
        )
    covered = [number for number in range(organizations) if suspended(number)]
    for number in range(DIRECTIVES):
        mine = covered[number::DIRECTIVES]
        named = {"organizations": [f"org_{each:016d}" for each in mine]}
        if number % BY_PERSON_ONE_IN == 0:
            named["persons"] = [_member(each * PER_ORGANIZATION) for each in mine]
        yield _directive(number, named)


def _members(number: int) -> Iterator[Body]:
    """An organization's name and country, its members, and what it says of their status."""
    organization = f"org_{number:016d}"
    described = Description(organization=organization, name=f"{number:032x}", registered_in="US")
    members = range(number * PER_ORGANIZATION, (number + 1) * PER_ORGANIZATION)
    rows = tuple(
        people.Member(member=_member(each), identifiers=(each.to_bytes(16, "big"),)) for each in members
    )
    yield people.OrganizationDescribed(described=described)
    yield people.MembersRegistered(organization=organization, members=rows)
    yield people.StatusClaimed(claims=tuple(_claim(organization, each) for each in members))


def _claim(organization: str, number: int) -> people.ClaimRow:
    return people.ClaimRow(
        member=_member(number),
        issuer=organization,
        status="us_citizen",
        assurance="organization",
        until_ms=AT_MS + 365 * DAY_MS,
    )


def _member(number: int) -> str:
    return f"mem_{number:016d}"


_UNSIGNED = Envelope("", b"", ())


def _plan() -> Plan:
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
    return Plan.from_json(plan)


def _grant(number: int) -> GrantApproved:
    return GrantApproved(
        grant=f"grant_{number:016d}",
        case=f"case_{number:016d}",
        release=RELEASE,
        stage=STAGE,
        surface=SURFACE,
        terms=TERMS,
        valid_from_ms=AT_MS,
        valid_until_ms=AT_MS + DAY_MS,
        organization=f"org_{number:016d}",
    )


def _directive(number: int, named: dict[str, list[str]]) -> DirectiveIssued:
    name = f"directive-{number}"
    covers = {part: {"count": len(each), "commitment": "0" * 64} for part, each in named.items()}
    spec = {
        "issuer": "oncd",
        "basis": {"kind": "order", "authority": "bench"},
        "action": "suspend",
        "models": [MODEL],
        "surfaces": "all",
        "covers": covers,
        "reasons": {"form": "none"},
        "liftedBy": {"allOf": ["oncd"]},
    }
    metadata = {"name": name, "log": "bench"}
    document = {"apiVersion": "sluicegate/v1", "kind": "Directive", "metadata": metadata, "spec": spec}
    return DirectiveIssued(
        directive=name,
        issuer="oncd",
        signed_by="bench",
        document=Document.from_json(document),
        digest="",
        envelope=_UNSIGNED,
        named={"covers": named},
    )


class _Cedar:
    """The same question for Cedar, in the form that suits it: directives are a group, and are looked up."""

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
