"""Who a directive covers, before it is signed and after: counted by the function that enforces it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from sluicegate.acts import directives as acts
from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.coverage import Coverage, OrganizationCoverage
from sluicegate.acts.directives import (
    AcceptedDirective,
    AffectedPeople,
    DirectiveArgument,
    DirectiveNames,
    DirectivePreview,
    DirectiveText,
    NamedCoverage,
    UnmatchedName,
)
from sluicegate.core.access import coverage
from sluicegate.core.access.coverage import Customers, Held
from sluicegate.core.access.table import Table
from sluicegate.core.directives import annex, cover, directive
from sluicegate.core.directives.cover import Cover
from sluicegate.core.directives.directive import Signing
from sluicegate.core.lifecycle import Refusal, State, directives
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.counting import customers, settled
from sluicegate.service.directives import bearers_of, excepting, resolve
from sluicegate.service.ledger import Ledger
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
    seen = partial(access.sees_any, principal)
    resolved = resolve(ledger, given_names, seen, seen, excepting(signed.spec))
    if isinstance(resolved, Refusal):
        return resolved
    with ledger.reading() as state:
        not_directed = tuple(directives.undirected(state, signed.spec, ledger.directs))
        unmatched = resolved.bearers.unmatched(state, seen)
    found = cover.compiled(signed.metadata.name, signed.spec, resolved.named, now_ms)
    answer, withheld = _counted(context, found, now_ms)
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
        unmatched=len(unmatched),
        unmatched_names=resolved.bearers.explained(unmatched, seen),
        withheld=withheld,
        not_directed=not_directed,
        counted_since_ms=context.services.usage.since_ms,
    )


def counted(
    ledger: Ledger,
    principal: Principal,
    issued: AcceptedDirective | Refusal,
    opened: Mapping[str, Opening],
) -> AcceptedDirective | Refusal:
    """The answer to a directive that was put in force, with what it matches. It has gone out before."""
    if isinstance(issued, Refusal):
        return issued
    count, names = _unmatched(ledger, principal, issued.directive, opened)
    issued = replace(issued, unmatched=count, unmatched_names=names)
    found = _in_force(ledger, issued.directive)
    if found is None:
        return issued
    now_ms = ledger.now_ms()
    answer = settled(ledger, lambda table, held: coverage.coverage(table, found, (), now_ms, None, held))
    exceptions = answer.exceptions if principal.role == DEVELOPER else ()  # they tell who is here
    return replace(issued, covered=answer.covered, spared=answer.spared, exceptions=exceptions)


def _unmatched(
    ledger: Ledger, principal: Principal, directive: str, opened: Mapping[str, Opening]
) -> tuple[int, tuple[UnmatchedName, ...]]:
    """How many names of a directive match no one that the principal may see; and the first of them."""
    seen = partial(access.sees_any, principal)
    with ledger.reading() as state:
        spec = state.directives[directive].document.spec
    given = {name: each.value() for name, each in opened.items()}
    bearers = bearers_of(ledger, given, excepting(spec))
    with ledger.reading() as state:
        unmatched = bearers.unmatched(state, seen)
    return len(unmatched), bearers.explained(unmatched, seen)


@does(acts.NAMES)
def names_now(context: Context[DirectiveNames], asked: DirectiveArgument) -> DirectiveNames | Refusal:
    """Which names of a directive match no one now: only its issuer and the developer's staff may know."""
    ledger, principal, name = context.ledger, context.principal, asked.directive
    with ledger.reading() as state:
        found = state.directives.get(name)
    if found is None:
        return directives.directive_unknown(name)
    if principal.role != DEVELOPER and principal.party != found.issuer:
        return DirectiveNames(directive=name, unmatched=None, unmatched_names=())
    opened = ledger.store.log.sealed([found.seq]).get(found.seq, {})
    count, unmatched = _unmatched(ledger, principal, name, opened)
    return DirectiveNames(directive=name, unmatched=count, unmatched_names=unmatched)


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
        own = own_customers(state, context.principal)
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


def own_customers(state: State, principal: Principal) -> Customers:
    """The organizations that a principal applied for, with a grant, or has the account of; every one for the
    developer's staff.
    """
    if principal.role == DEVELOPER:
        return coverage.everyone(state.table)._replace(are_own=True)
    granted = state.granted.of("applicant", principal.acts_for)
    organizations = {state.grants[name].organization for name in granted}
    for name in state.accounts.of.get(principal.acts_for, ()):
        organizations.add(state.record.accounts[name].organization)
    return customers(state, organizations)._replace(are_own=True)


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
    """What a preview counts. `withheld`: only organizations that the asker sees are counted."""

    answer: Coverage
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
            table.complete(found)
            seen = _seen(state, principal)
        counted = partial(coverage.coverage, table, found, used, now_ms)
        if seen is None:
            return _Count(counted(None, held))
        of_seen = counted(seen, held)
        if not any(selector.is_of_some for selector in found.selectors()):
            of_all = counted(None, held)
            if not _are_few(of_all, of_seen):
                return _Count(replace(of_all, organizations=of_seen.organizations))
        return _Count(of_seen, withheld=True)

    return settled(services.ledger, count)


def _are_few(of_all: Coverage, of_seen: Coverage) -> bool:
    """Whether those that are not seen are so few on a side that their number tells of each."""
    sides = (of_all.covered, of_seen.covered), (of_all.spared, of_seen.spared)
    return any(0 < every.organizations - seen.organizations < FEW for every, seen in sides)


def _signing(state: State, given: Mapping[str, Any], annexes: Mapping[str, Any]) -> Signing:
    """What a signer would add to a directive: it is transcribed, if its issuer has no key here.

    Raises: InvalidInput: an annex that is not here, or is not an annex.
    """
    old = state.directives.get(given["metadata"].get("replaces", ""))
    return Signing(
        state.log,
        lambda: bytes(32),
        annex.checked(given, annexes),
        state.definitions,
        replaced=old.document.digest if old is not None else _UNKNOWN,
        received=None if given["spec"]["issuer"] in state.parties else _RECEIVED,
    )


_UNKNOWN = canonical.sha256_hex(b"")
"""The digest of a document that does not exist: a directive that replaces it is refused."""
_RECEIVED = {"how": "letter", "on": "2026-06-12", "digest": _UNKNOWN}
"""How an order arrived that has not been entered yet."""
