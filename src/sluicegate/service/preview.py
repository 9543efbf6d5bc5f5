"""Who a directive covers, before it is signed and after: counted by the function that enforces it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from sluicegate.acts import directives as acts
from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.coverage import Coverage, OrganizationCoverage
from sluicegate.acts.directives import (
    AcceptedDirective,
    AffectedPeople,
    DirectiveArgument,
    DirectivePreview,
    DirectiveText,
    NamedCoverage,
)
from sluicegate.core.access import coverage
from sluicegate.core.access.coverage import Customers, Held
from sluicegate.core.access.table import Table
from sluicegate.core.directives import cover, directive
from sluicegate.core.directives.cover import Cover
from sluicegate.core.directives.directive import Signing
from sluicegate.core.lifecycle import Refusal, State, directives
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.counting import customers, settled
from sluicegate.service.directives import resolve
from sluicegate.service.ledger import Ledger
from sluicegate_record.directives import names
from sluicegate_record.directives.document import Document
from sluicegate_record.form import replace
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening

FEW = 5
"""Fewer organizations than these are not counted for an agency that sees no case of them."""


@does(acts.PREVIEW)
def preview(context: Context[DirectivePreview], asked: DirectiveText) -> DirectivePreview | Refusal:
    """Who a directive would cover and spare; nothing is done.

    A release that the principal may not know of counts as absent. An agency sees the organizations
    of which it sees a case. Others are in the totals only, if they are at least FEW and no one is named.
    Raises: InvalidDocument. InvalidInput: not an annex, or one that is not here; an unknown definition.
    """
    ledger, principal = context.ledger, context.principal
    given = context.document()
    now_ms = ledger.now_ms()
    made = _to_sign(ledger, principal, given, asked, now_ms)
    if isinstance(made, Refusal):
        return made
    signed, opened = made
    given_names = {name: each.value() for name, each in opened.items()}
    named = resolve(ledger, given_names, lambda state, found: _sees_any(state, principal, found))
    if isinstance(named, Refusal):
        return named
    with ledger.reading() as state:
        not_directed = tuple(directives.undirected(state, signed.spec, ledger.directs))
    found = cover.compiled(signed.metadata.name, signed.spec, named, now_ms)
    answer, unmatched, withheld = _counted(context, found, now_ms)
    return DirectivePreview(
        directive=found.name,
        document=given,
        replaces=signed.replaces,
        covered=answer.covered,
        spared=answer.spared,
        not_known=answer.not_known,
        organizations=tuple(_named(ledger, each) for each in answer.organizations),
        assurance=answer.assurance,
        exceptions=answer.exceptions,
        unmatched=unmatched,
        withheld=withheld,
        not_directed=not_directed,
        counted_since_ms=context.services.usage.since_ms,
    )


def counted(ledger: Ledger, issued: AcceptedDirective | Refusal) -> AcceptedDirective | Refusal:
    """The answer to a directive that was put in force, with the counts. The order has gone out before."""
    if isinstance(issued, Refusal):
        return issued
    found = _in_force(ledger, issued.directive)
    if found is None:
        return issued
    now_ms = ledger.now_ms()
    answer = settled(ledger, lambda table, held: coverage.coverage(table, found, (), now_ms, None, held))
    return replace(issued, covered=answer.covered, spared=answer.spared)


@does(acts.AFFECTED)
def affected(context: Context[AffectedPeople], asked: DirectiveArgument) -> AffectedPeople | Refusal:
    """How many of the caller's people a directive covers, and what would settle those of unknown status."""
    ledger, name = context.ledger, asked.directive
    found = _in_force(ledger, name)
    with ledger.reading() as state:
        if found is None or name in state.table.drills:
            issued = directives.in_force(state, name)
            assert isinstance(issued, Refusal)
            return issued
        own = _own(state, context.principal)
    now_ms = ledger.now_ms()
    answer = settled(ledger, lambda table, held: coverage.coverage(table, found, (), now_ms, own, held))
    return AffectedPeople(
        directive=name, covered=answer.covered, spared=answer.spared, not_known=answer.not_known
    )


def _to_sign(
    ledger: Ledger, principal: Principal, given: dict[str, Any], asked: DirectiveText, now_ms: int
) -> tuple[Document, dict[str, Opening]] | Refusal:
    """A written directive as its issuer would sign it, or why it does not fit this log."""
    annexes = {name: each.to_json() for name, each in asked.annexes.items()}
    with ledger.reading() as state:
        signed, opened = directive.to_sign(given, _signing(state, given, annexes))
        refusal = directives.check_directive(
            state, signed, now_ms, access.known(principal, state, ledger.directs)
        )
    return (signed, opened) if refusal is None else refusal


def _named(ledger: Ledger, found: OrganizationCoverage) -> NamedCoverage:
    """An organization with its name. Requires: who asks sees a case of it."""
    known = ledger.store.principals.registered(found.organization)
    return NamedCoverage(
        organization=found.organization,
        sector=found.sector,
        covered=found.covered,
        spared=found.spared,
        not_known=found.not_known,
        name=known.name if known is not None else None,
    )


def _own(state: State, principal: Principal) -> Customers:
    """The organizations that a principal applied for, with a grant; every one for the developer's staff."""
    if principal.role == DEVELOPER:
        return coverage.everyone(state.table)._replace(are_own=True)
    granted = state.granted.of("applicant", principal.id)
    return customers(state, {state.grants[name].organization for name in granted})._replace(are_own=True)


def _seen(state: State, principal: Principal) -> Customers | None:
    """The holders of grants of which an agency sees a case; None for the developer's staff, who see all."""
    if principal.role == DEVELOPER:
        return None
    assert principal.party is not None
    granted = state.granted.of("agency", principal.party)
    return customers(state, {state.grants[name].organization for name in granted})


def _in_force(ledger: Ledger, name: str) -> Cover | None:
    with ledger.reading() as state:
        return state.table.directives.get(name) or state.table.drills.get(name)


class _Count(NamedTuple):
    """What a preview says: `unmatched` is how many names match no one yet, that the asker may know of.

    `withheld`: only organizations that the asker sees are counted.
    """

    answer: Coverage
    unmatched: int
    withheld: bool = False


def _counted(context: Context[Any], found: Cover, now_ms: int) -> _Count:
    """Who a directive would cover, by what gateways report too, as far as the asker may know it.

    An agency cannot ask by a name whether an organization applied, nor by a description that few fit.
    """
    services, principal = context.services, context.principal
    usage = services.usage
    usage.keep((each.gateway, each.incarnation) for each in services.fleet.gateways())
    used = usage.last_day(now_ms)

    def count(table: Table, held: Held) -> _Count:
        with services.ledger.reading() as state:
            for selector in found.selectors():
                table.complete(selector)
            names = {name for selector in found.selectors() for name in selector.names}
            unmatched = sum(not _sees_any(state, principal, table.bearing(name)) for name in names)
            seen = _seen(state, principal)
        counted = partial(coverage.coverage, table, found, used, now_ms)
        if seen is None:
            return _Count(counted(None, held), unmatched)
        of_seen = counted(seen, held)
        if not any(selector.is_of_some for selector in found.selectors()):
            of_all = counted(None, held)
            if not _are_few(of_all, of_seen):
                return _Count(replace(of_all, organizations=of_seen.organizations), unmatched)
        return _Count(of_seen, unmatched, withheld=True)

    return settled(services.ledger, count)


def _are_few(of_all: Coverage, of_seen: Coverage) -> bool:
    """Whether those that are not seen are so few on a side that their number tells of each."""
    sides = (of_all.covered, of_seen.covered), (of_all.spared, of_seen.spared)
    return any(0 < every.organizations - seen.organizations < FEW for every, seen in sides)


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

    Raises: InvalidInput: an annex that is not here, or is not an annex.
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
"""The digest of a document that does not exist: a directive that replaces it is refused."""
_RECEIVED = {"how": "letter", "on": "2026-06-12", "digest": _UNKNOWN}
"""How an order arrived that has not been entered yet."""


def _sees_any(state: State, principal: Principal, organizations: Iterable[str]) -> bool:
    """Whether the principal sees a case of one of these organizations."""
    cases = (state.cases[name] for each in organizations for name in state.cases_of.get(each, ()))
    return any(access.sees(principal, case) for case in cases)
