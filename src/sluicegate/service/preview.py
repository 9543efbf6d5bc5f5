"""Whom a directive covers, before it is signed and after: counted by the function that enforces it.

Rules:
- Counting takes longer the more customers there are. It holds the state a slice at a time, so that the fleet
  and the writer wait for a slice alone. If the state has changed before the end, it is counted again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, TypeVar

from sluicegate.core.access import coverage
from sluicegate.core.access.coverage import Held, Usage
from sluicegate.core.access.table import Table
from sluicegate.core.directives import cover, directive
from sluicegate.core.directives.cover import Cover
from sluicegate.core.directives.directive import Signing
from sluicegate.core.lifecycle import Refusal, State, directives
from sluicegate.core.terms import document
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.directives import resolve
from sluicegate.service.ledger import Ledger
from sluicegate.service.usage import UsageBook
from sluicegate_record.directives import names
from sluicegate_record.log import canonical, times

TRIES = 5
Count = TypeVar("Count")


def preview(  # noqa: PLR0913 - who, a text and its file, its annexes, and what is counted beside
    ledger: Ledger,
    principal: Principal,
    text: str,
    file: str,
    annexes: Mapping[str, Any],
    used: UsageBook | None = None,
) -> dict[str, Any] | Refusal:
    """Whom a directive would cover and spare; nothing is done.

    `annexes` are the names in its annexes, as `annex.read` gives them. A release that the principal may not
    know of is none; an organization is named to whoever sees a case of it.
    Raises: InvalidDocument. InvalidInput: an annex that is not here, or is none; an unknown definition.
    """
    given = directive.read(document.read(text, file))
    now_ms = ledger.now_ms()
    with ledger.reading() as state:
        signed, opened = directive.to_sign(given, _signing(state, given, annexes))
        knows = partial(access.knows, principal, state)
        refusal = directives.check_directive(state, signed, now_ms, knows)
        if refusal is not None:
            return refusal
    named = resolve(ledger, {name: each.value() for name, each in opened.items()})
    if isinstance(named, Refusal):
        return named
    found = cover.compiled(signed.metadata.name, signed.spec, named, now_ms)
    usage = used.last_day(now_ms) if used is not None else []
    answer = settled(ledger, lambda table, held: _counted(table, found, usage, now_ms, held))
    if used is not None:
        answer["countedSince"] = times.format_time(used.since_ms)
    for each in answer["organizations"]:
        known = ledger.store.principals.registered(each["organization"])
        is_told = _sees(ledger, principal, each["organization"])
        each["name"] = known.name if known is not None and is_told else None
    replaces = signed.replaces.to_json() if signed.replaces else None
    return {"directive": found.name, "document": given, "replaces": replaces, **answer}


def counted(ledger: Ledger, issued: dict[str, Any] | Refusal) -> dict[str, Any] | Refusal:
    """The answer to a directive that was put in force, with whom it covers. The order has gone out before."""
    if isinstance(issued, Refusal):
        return issued
    found = _in_force(ledger, issued["directive"])
    if found is None:
        return issued
    now_ms = ledger.now_ms()
    answer = settled(ledger, lambda table, held: coverage.coverage(table, found, (), now_ms, None, held))
    return {**issued, "covered": answer["covered"], "spared": answer["spared"]}


def affected(ledger: Ledger, principal: Principal, name: str) -> dict[str, Any] | Refusal:
    """How many of the caller's people a directive covers, and what would settle those of unknown status."""
    found = _in_force(ledger, name)
    with ledger.reading() as state:
        if found is None or name in state.table.drills:
            issued = directives.in_force(state, name)
            assert isinstance(issued, Refusal)
            return issued
        own = organizations_of(state, principal)
    now_ms = ledger.now_ms()
    answer = settled(ledger, lambda table, held: coverage.coverage(table, found, (), now_ms, own, held))
    kept = ("covered", "spared", "unknown")
    return {"directive": name, **{part: answer[part] for part in kept}}


def organizations_of(state: State, principal: Principal) -> frozenset[str]:
    """The organizations that a principal applied for; every one for the developer's staff."""
    grants = state.table.grants_by_id.values()
    return frozenset(
        grant.organization
        for grant in grants
        if principal.role == access.DEVELOPER
        or state.cases[state.grants[grant.id].case].applicant == principal.id
    )


def settled(ledger: Ledger, count: Callable[[Table, Held], Count]) -> Count:
    """What a count comes to over a table that has not changed meanwhile; it reads the table within `Held`.

    Where the table changes every time, the newest count stands, with some of the changes in it: a caller who
    keeps writing must not keep a count from ending.
    """
    tries = 0
    while True:
        with ledger.reading() as state:
            table, size = state.table, state.size
        newest, tries = count(table, ledger.reading), tries + 1
        if ledger.size() == size or tries == TRIES:
            return newest


def _in_force(ledger: Ledger, name: str) -> Cover | None:
    with ledger.reading() as state:
        return state.table.directives.get(name) or state.table.drills.get(name)


def _counted(table: Table, found: Cover, usage: Collection[Usage], now_ms: int, held: Held) -> dict[str, Any]:
    with held():
        for selector in found.selectors():
            table.complete(selector)
        names = {name for selector in found.selectors() for name in selector.names}
        unmatched = sum(not table.bearing(name) for name in names)
    return {**coverage.coverage(table, found, usage, now_ms, None, held), "unmatched": unmatched}


def _checked(given: Mapping[str, Any], annexes: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """The annexes a directive states, all of them. Raises: InvalidInput."""
    stated = given["spec"].get("annexes", {})
    if annexes.keys() != stated.keys():
        listed = ", ".join(sorted(annexes.keys() ^ stated.keys()))
        raise InvalidInput(f"the annexes {listed} are stated without their names, or the other way round")
    try:
        return {name: names.check(value) for name, value in annexes.items()}
    except ValueError as error:
        raise InvalidInput(str(error)) from error


def _signing(state: State, given: Mapping[str, Any], annexes: Mapping[str, Any]) -> Signing:
    """What a signer would add to a directive: it is transcribed, if its issuer has no key here.

    Raises: InvalidInput: an annex that is not here, or is none.
    """
    old = state.directives.get(given["metadata"].get("replaces", ""))
    return Signing(
        state.log,
        lambda: bytes(32),
        _checked(given, annexes),
        state.definitions,
        replaced=old.document.digest if old is not None else _UNKNOWN,
        received=None if given["spec"]["issuer"] in state.parties else _RECEIVED,
    )


_UNKNOWN = canonical.sha256_hex(b"")
"""The digest of a document that is not there: whatever replaces it is refused."""
_RECEIVED = {"how": "letter", "on": "2026-06-12", "digest": _UNKNOWN}
"""How an order came that nobody has entered yet."""


def _sees(ledger: Ledger, principal: Principal, organization: str) -> bool:
    """Whether a principal sees any case of an organization."""
    with ledger.reading() as state:
        return any(access.sees(principal, state.cases[name]) for name in state.cases_of.get(organization, ()))
