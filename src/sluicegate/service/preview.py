"""Whom a directive covers, before it is signed and after: counted by the function that enforces it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sluicegate.core import annex, canonical, cover, coverage, directive, document
from sluicegate.core.cover import Directive
from sluicegate.core.coverage import Usage
from sluicegate.core.directive import Signing
from sluicegate.core.lifecycle import Refusal, State, directives
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.directives import resolve
from sluicegate.service.ledger import Ledger


def preview(
    ledger: Ledger,
    text: str,
    file: str,
    annexes: Mapping[str, Any],
    usage: Collection[Usage] = (),
) -> dict[str, Any] | Refusal:
    """Whom a directive would cover and spare; nothing is done.

    `annexes` are the names in its annexes, as `annex.read` gives them.
    Raises: InvalidDocument. InvalidInput: an annex that is not here, or is none; an unknown definition.
    """
    given = directive.read(document.read(text, file))
    now_ms = ledger.now_ms()
    with ledger.reading() as state:
        refusal = directives.check_directive(state, given, now_ms)
        if refusal is not None:
            return refusal
        signing = Signing(state.log, lambda: bytes(32), _checked(given, annexes), state.definitions)
        signed, opened = directive.to_sign(_unbound(given), signing)
    named = resolve(ledger, {name: each.value() for name, each in opened.items()})
    if isinstance(named, Refusal):
        return named
    with ledger.reading() as state:
        found = cover.compiled(given["metadata"]["name"], signed["spec"], named, now_ms)
        answer = _counted(ledger, state, found, usage, now_ms)
        return {
            "directive": found.name,
            "document": given,
            "replaces": _replaced(state, given),
            "unmatched": _unmatched(state, found),
            **answer,
        }


def counted(ledger: Ledger, issued: dict[str, Any] | Refusal) -> dict[str, Any] | Refusal:
    """The answer to a directive that was put in force, with whom it covers. The order has gone out before."""
    if isinstance(issued, Refusal):
        return issued
    now_ms = ledger.now_ms()
    with ledger.reading() as state:
        name = issued["directive"]
        found = state.table.directives.get(name) or state.table.drills.get(name)
        if found is None:
            return issued
        answer = coverage.coverage(state.table, found, (), now_ms)
        return {**issued, "covered": answer["covered"], "spared": answer["spared"]}


def affected(ledger: Ledger, principal: Principal, name: str) -> dict[str, Any] | Refusal:
    """How many of the caller's people a directive covers, and what would settle those of unknown status."""
    now_ms = ledger.now_ms()
    with ledger.reading() as state:
        found = state.table.directives.get(name)
        if found is None:
            issued = directives.in_force(state, name)
            assert isinstance(issued, Refusal)
            return issued
        own = organizations_of(state, principal)
        answer = coverage.coverage(state.table, found, (), now_ms, own)
    kept = ("covered", "spared", "unknown")
    return {"directive": name, **{part: answer[part] for part in kept}}


def organizations_of(state: State, principal: Principal) -> frozenset[str]:
    """The organizations that a principal applied for; every one for the developer's staff."""
    grants = state.table.grants_by_id.values()
    return frozenset(
        grant.organization
        for grant in grants
        if principal.role == access.DEVELOPER or state.cases[state.grants[grant.id]].applicant == principal.id
    )


def _counted(
    ledger: Ledger, state: State, found: Directive, usage: Collection[Usage], now_ms: int
) -> dict[str, Any]:
    for selector in found.selectors():
        state.table.complete(selector)
    answer = coverage.coverage(state.table, found, usage, now_ms)
    for each in answer["organizations"]:
        known = ledger.store.registered(each["organization"])
        each["name"] = known.name if known is not None else None
    return answer


def _checked(given: Mapping[str, Any], annexes: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """The annexes a directive states, all of them. Raises: InvalidInput."""
    stated = given["spec"].get("annexes", {})
    if annexes.keys() != stated.keys():
        listed = ", ".join(sorted(annexes.keys() ^ stated.keys()))
        raise InvalidInput(f"the annexes {listed} are stated without their names, or the other way round")
    try:
        return {name: annex.check(value) for name, value in annexes.items()}
    except ValueError as error:
        raise InvalidInput(str(error)) from error


def _unbound(given: dict[str, Any]) -> dict[str, Any]:
    """A document to compile, whatever it replaces."""
    return {**given, "metadata": {"name": given["metadata"]["name"]}}


def _replaced(state: State, given: Mapping[str, Any]) -> dict[str, str] | None:
    """The directive it takes the place of, by the digest that a signer binds."""
    name = given["metadata"].get("replaces")
    if name is None:
        return None
    return {"directive": name, "document": canonical.digest(state.directives[name].document)}


def _unmatched(state: State, found: Directive) -> int:
    """How many names in it are borne by nobody here; they count as soon as somebody bears them."""
    names = {name for selector in found.selectors() for name in selector.names}
    return sum(not state.table.bearing(name) for name in names)
