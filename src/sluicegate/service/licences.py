"""Licences: ask for one, list them, end one.

Rules:
- An applicant asks for an organization that it applied for, or under whose account it issues keys, if the
  directive covers someone of it.
- A licence is for those who may see its case. For others it does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator

from sluicegate.acts import licences as acts
from sluicegate.acts.licences import (
    LicenceCase,
    LicenceEnding,
    LicenceFilter,
    LicenceList,
    LicenceReceipt,
    LicenceRequest,
)
from sluicegate.core.access import coverage
from sluicegate.core.access.decision import ANYBODY
from sluicegate.core.lifecycle import Refusal, State, directives, licences
from sluicegate.core.lifecycle.licences import EndLicence, RequestLicence
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.paging import newest, page
from sluicegate.service.preview import own_customers
from sluicegate_record.entities.account import Account
from sluicegate_record.entities.grant import Grant


@does(acts.REQUEST)
def request(context: Context[LicenceCase], asked: LicenceRequest) -> LicenceCase | Refusal:
    """Ask for a licence under a directive that covers the organization, or one member of it."""
    ledger, reader = context.ledger, context.principal
    now_ms = ledger.now_ms()
    with ledger.reading() as state:
        found = directives.in_force(state, asked.directive)
        held = found if isinstance(found, Refusal) else _holding(state, reader, asked, now_ms)
    if isinstance(held, Refusal):
        return held
    return context.execute(RequestLicence(asked.directive, held.id, asked.member, context.opener))


def _holding(
    state: State, reader: Principal, asked: LicenceRequest, now_ms: int
) -> Grant | Account | Refusal:
    """The grant or account whose holder asks: the one that is named, or the only organization's that is
    covered.
    """
    own = list(_held(state, reader))
    if asked.grant is not None:
        own = [each for each in own if each.id == asked.grant]
    if not own:
        return _no_grant()
    covered = _covered(state, reader, asked.directive, now_ms)
    reached = [each for each in own if each.organization in covered or _is_named(state, asked, each, now_ms)]
    if not reached:
        said = f"the directive {asked.directive!r} covers no one of yours"
        remedy = (
            "'sluicegate directive affected NAME' counts your people; "
            "who has no access yet needs no exception"
        )
        return Refusal("conflict", "not_covered", said, remedy)
    if len({each.organization for each in reached}) > 1:
        said = "you act for several organizations that it covers"
        return Refusal("conflict", "several_organizations", said, "say whose grant: --grant GRANT")
    return reached[0]


def _held(state: State, reader: Principal) -> Iterator[Grant | Account]:
    """The live grants of the organizations that an applicant acts for, newest first, then open accounts."""
    for grant in (state.grants[name] for name in reversed(state.granted.of("applicant", reader.id))):
        if grant.is_live and state.holder_of(grant) == reader.id:
            yield grant
    for account in (state.record.accounts[name] for name in reversed(state.accounts.of.get(reader.id, ()))):
        if account.is_open:
            yield account


def _covered(state: State, reader: Principal, directive: str, now_ms: int) -> frozenset[str]:
    found = state.table.directives[directive]
    return coverage.affected(state.table, found, now_ms, own_customers(state, reader))


def _is_named(state: State, asked: LicenceRequest, held: Grant | Account, now_ms: int) -> bool:
    """Whether a directive covers the holder of a grant or account, also if no one of it is known."""
    found, holder = state.table.directives[asked.directive], state.table.entity(held.organization)
    reached = coverage.reached(state.table, found, state.table.row(held.id), now_ms)
    return any(found.covers(model, surface, holder, ANYBODY) for model, surface in reached)


def _no_grant() -> Refusal:
    said = "you hold no grant that is live, and no account that is open"
    return Refusal("unknown", "grant_unknown", said, "'sluicegate grant list' shows your grants")


@does(acts.LIST)
def listed(context: Context[LicenceList], wanted: LicenceFilter) -> LicenceList | Refusal:
    """The licences whose cases the reader may see, newest first."""
    with context.ledger.reading() as state:
        known = state.record.licences
        if wanted.before is not None and wanted.before not in known:
            return licences.licence_unknown(wanted.before)
        found = (
            each
            for _, each in newest(known, wanted.before)
            if wanted.directive in {None, each.directive}
            and access.sees(context.principal, state.cases[each.case])
        )
        shown, is_cut = page(found, wanted.limit)
        views = tuple(licences.view(state, each) for each in shown)
        return LicenceList(size=state.size, licences=views, next=shown[-1].id if is_cut else None)


@does(acts.END)
def end(context: Context[LicenceReceipt], asked: LicenceEnding) -> LicenceReceipt | Refusal:
    """End a licence at once."""
    with context.ledger.reading() as state:
        party = access.party_of(context.principal, state)
    return context.execute(EndLicence(party, asked.licence, asked.reason))
