"""Grants after approval: list, suspend, resume, surrender, fall back, ask for a removal; proof from gateways.

Rules:
- A grant is for those who may see its case. For others it does not exist.
- Only its holder surrenders a grant, or chooses its fallback.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from sluicegate.acts import grants as acts
from sluicegate.acts.act import AGENCY
from sluicegate.acts.grants import (
    FallbackChoice,
    FallbackReceipt,
    GrantArgument,
    GrantChange,
    GrantFilter,
    GrantList,
    GrantSummary,
    GrantView,
    NewRemoval,
    RemovalRequest,
    Suspension,
)
from sluicegate.core.lifecycle import Refusal, State
from sluicegate.core.lifecycle.grants import (
    ChooseFallback,
    OpenRemoval,
    ProveGrant,
    ResumeGrant,
    SurrenderGrant,
    SuspendGrant,
)
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service.casefile import grant_of
from sluicegate.service.cases import seen_of
from sluicegate.service.context import Context, does
from sluicegate.service.holdings import Search, legal_names
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.case import Case


@does(acts.LIST)
def listed(context: Context[GrantList], wanted: GrantFilter) -> GrantList | Refusal:
    """The grants that the reader may see, newest first."""
    ledger, since = context.ledger, wanted.before
    if since is not None and isinstance(_case(context, since), Refusal):
        return grant_unknown(since)
    page = list(islice(Search(ledger, context.principal, wanted).found(since), wanted.limit + 1))
    shown = page[: wanted.limit]
    names = legal_names(ledger, shown)
    with ledger.reading() as state:
        rows = tuple(_summary(state, grant.id, names[grant.id]) for grant in shown)
        return GrantList(size=state.size, grants=rows, next=shown[-1].id if len(page) > len(shown) else None)


@does(acts.SHOW)
def show(context: Context[GrantView], asked: GrantArgument) -> GrantView | Refusal:
    """A grant, to those who may see its case."""
    with context.ledger.reading() as state:
        case = seen_of(state, context.principal, asked.grant)
        found = grant_of(state, asked.grant)
        return grant_unknown(asked.grant) if isinstance(case, Refusal) or found is None else found


@does(acts.SUSPEND)
def suspend(context: Context[GrantChange], asked: Suspension) -> GrantChange | Refusal:
    """Suspend a grant."""
    case = _case(context, asked.grant)
    return case if isinstance(case, Refusal) else context.execute(SuspendGrant(asked.grant, asked.code))


@does(acts.RESUME)
def resume(context: Context[GrantChange], asked: GrantArgument) -> GrantChange | Refusal:
    """Make a suspended grant valid again."""
    case = _case(context, asked.grant)
    return case if isinstance(case, Refusal) else context.execute(ResumeGrant(asked.grant))


@does(acts.SURRENDER)
def surrender(context: Context[GrantChange], asked: GrantArgument) -> GrantChange | Refusal:
    """Give a grant back."""
    case = _own(context, asked.grant, "surrender a grant", "'grant suspend' narrows at once")
    return case if isinstance(case, Refusal) else context.execute(SurrenderGrant(asked.grant))


@does(acts.CHOOSE_FALLBACK)
def choose_fallback(context: Context[FallbackReceipt], asked: FallbackChoice) -> FallbackReceipt | Refusal:
    """Have the fallback answer what a directive refuses under a grant, or have it no more."""
    what = "choose whether another model answers under a grant"
    case = _own(context, asked.grant, what, "use the token that applied for it")
    if isinstance(case, Refusal):
        return case
    return context.execute(ChooseFallback(asked.grant, asked.fallback))


@does(acts.REMOVE)
def remove(context: Context[NewRemoval], asked: RemovalRequest) -> NewRemoval | Refusal:
    """Open the case about removing a grant."""
    case = _case(context, asked.grant)
    if isinstance(case, Refusal):
        return case
    if not asked.text.strip():
        raise InvalidInput("text: a notice is expected: the holder reads it")
    party = context.principal.party if context.principal.role == AGENCY else None
    return context.execute(OpenRemoval(asked.grant, asked.code, asked.text, party))


def prove(ledger: Ledger, principal: Principal, surface: str, grants: Iterable[str]) -> None:
    """Note the grants under which a gateway of their surface says that a call succeeded, if that is news."""
    for grant in grants:
        with ledger.reading() as state:
            known = state.table.grants_by_id.get(grant)
            if known is None or known.proven or known.surface != surface:
                continue
        command = ProveGrant(grant, principal.name)
        ledger.execute(command, by=principal.id, command_id=f"proven {grant}", request=["proven", grant])


def _summary(state: State, name: str, organization: str) -> GrantSummary:
    grant = grant_of(state, name)
    assert grant is not None, f"no grant {name}"
    return GrantSummary(
        grant=name,
        organization=organization,
        release=grant.release,
        stage=grant.stage,
        surface=grant.surface,
        case=grant.case,
        state=grant.state,
        valid_until_ms=grant.valid_until_ms,
        stage_open=grant.stage_open,
        credentials=sum(not state.table.revoked(each) for each in state.provisioned.get(name, ())),
    )


def _case(context: Context[Any], grant: str) -> Case | Refusal:
    """The case of a grant, if the caller may see it."""
    with context.ledger.reading() as state:
        case = seen_of(state, context.principal, grant)
    return grant_unknown(grant) if isinstance(case, Refusal) else case


def _own(context: Context[Any], grant: str, what: str, remedy: str) -> Case | Refusal:
    """The case of a grant that the caller holds."""
    case = _case(context, grant)
    if isinstance(case, Case) and case.principal != context.principal.id:
        return Refusal("forbidden", "not_applicant", f"only its holder may {what}", remedy)
    return case


def grant_unknown(grant: str) -> Refusal:
    """The refusal for a grant that does not exist, or that the caller may not know of."""
    return Refusal(
        "unknown", "grant_unknown", f"no grant {grant[:80]!r}", "'application show' names your grant"
    )
