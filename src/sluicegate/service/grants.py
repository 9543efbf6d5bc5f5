"""Grants after approval: list, suspend, resume, surrender, fall back, ask for a removal; proof from gateways.

Rules:
- A grant is for those who may see its case, and for who acts for its holder. For others it does not exist.
- Only its holder surrenders a grant, or chooses its fallback.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from sluicegate.acts import grants as acts
from sluicegate.acts.act import AGENCY, COMMAND_ID_MOST
from sluicegate.acts.fleet import Difference
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
    Resumption,
    Suspension,
)
from sluicegate.core.lifecycle import Refusal, State
from sluicegate.core.lifecycle.grants import (
    ChooseFallback,
    NoteDifference,
    OpenRemoval,
    ProveGrant,
    ResumeGrant,
    SurrenderGrant,
    SuspendGrant,
)
from sluicegate.errors import wrong_field
from sluicegate.ports import Principal
from sluicegate.service.casefile import grant_of, state_of
from sluicegate.service.cases import seen_of
from sluicegate.service.context import Context, does
from sluicegate.service.holdings import Search, legal_names
from sluicegate.service.ledger import Ledger
from sluicegate.service.limits import limits
from sluicegate.service.paging import page
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.grant import Grant
from sluicegate_record.form import replace
from sluicegate_record.terms.effective import day_of
from sluicegate_record.terms.programmes import label


@does(acts.LIST)
def listed(context: Context[GrantList], wanted: GrantFilter) -> GrantList | Refusal:
    """The grants that the reader may see, newest first."""
    ledger, since = context.ledger, wanted.before
    if since is not None and isinstance(_case(context, since), Refusal):
        return grant_unknown(since)
    found = Search(ledger, context.principal, wanted).found(since)
    shown, is_cut = page(_in_state(ledger, found, wanted.state), wanted.limit)
    names = legal_names(ledger, shown)
    rows = []
    for grant in shown:  # others go on meanwhile: many directives may be in force
        with ledger.reading() as state:
            rows.append(_summary(context, state, state.grants[grant.id], names[grant.id]))
    with ledger.reading() as state:
        return GrantList(size=state.size, grants=tuple(rows), next=shown[-1].id if is_cut else None)


def _in_state(ledger: Ledger, found: Iterable[Grant], wanted: str | None) -> Iterator[Grant]:
    """Those of some grants that are in a state; all, without one."""
    for grant in found:
        with ledger.reading() as state:
            is_wanted = wanted is None or state_of(state, state.grants[grant.id]) == wanted
        if is_wanted:
            yield grant


@does(acts.SHOW)
def show(context: Context[GrantView], asked: GrantArgument) -> GrantView | Refusal:
    """A grant, to those who may see its case."""
    with context.ledger.reading() as state:
        case = seen_of(state, context.principal, asked.grant)
        found = grant_of(state, asked.grant)
        if isinstance(case, Refusal) or found is None:
            return grant_unknown(asked.grant)
        return replace(found, **_now(context, state, state.grants[asked.grant]))


@does(acts.SUSPEND)
def suspend(context: Context[GrantChange], asked: Suspension) -> GrantChange | Refusal:
    """Suspend a grant."""
    case = _case(context, asked.grant)
    return case if isinstance(case, Refusal) else context.execute(_halting(asked))


@does(acts.RESUME)
def resume(context: Context[GrantChange], asked: Resumption) -> GrantChange | Refusal:
    """Make a suspended grant valid again, or programmes of it."""
    case = _case(context, asked.grant)
    command = ResumeGrant(asked.grant, _labels(asked.programme))
    return case if isinstance(case, Refusal) else context.execute(command)


def _halting(asked: Suspension) -> SuspendGrant:
    return SuspendGrant(asked.grant, asked.code, _labels(asked.programme))


def _labels(given: Iterable[str]) -> tuple[str, ...]:
    """Programmes as people type them, by their labels."""
    parts = (each.partition(":") for each in given)
    return tuple(label(concern.strip(), name.strip()) for concern, _, name in parts)


@does(acts.SURRENDER)
def surrender(context: Context[GrantChange], asked: GrantArgument) -> GrantChange | Refusal:
    """Give a grant back."""
    case = _own(
        context,
        asked.grant,
        "surrender a grant",
        "'sluicegate grant suspend GRANT --code CODE' narrows at once",
    )
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
        raise wrong_field("text", "a notice, which the holder reads", "nothing")
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


def note_differences(ledger: Ledger, principal: Principal, surface: str, found: Iterable[Difference]) -> None:
    """Note how answers differ from grants of the surface of a gateway, each kind once a day for a grant."""
    for each in found:
        day = day_of(ledger.now_ms())
        with ledger.reading() as state:
            known = state.table.grants_by_id.get(each.grant)
            if known is None or known.surface != surface or dict(known.differed).get(each.kind, -1) >= day:
                continue
        said = f"differs {each.grant} {each.kind} {day}"
        command = NoteDifference(each.grant, each.kind, principal.name)
        ledger.execute(command, by=principal.id, command_id=_brief(said), request=[said])


def _brief(said: str) -> str:
    """A command id for what is done once for these words."""
    return hashlib.sha256(said.encode()).hexdigest()[:COMMAND_ID_MOST]


def _summary(context: Context[Any], state: State, held: Grant, organization: str) -> GrantSummary:
    grant = grant_of(state, held.id)
    assert grant is not None, f"no grant {held.id}"
    return GrantSummary(
        grant=held.id,
        organization=organization,
        release=grant.release,
        stage=grant.stage,
        surface=grant.surface,
        case=grant.case,
        state=grant.state,
        valid_until_ms=grant.valid_until_ms,
        stage_open=grant.stage_open,
        credentials=state.keyring.valid[held.id],
        **_now(context, state, held),
    )


def _now(context: Context[Any], state: State, held: Grant) -> dict[str, Any]:
    """What is so of a grant now: its duties, what limits it, when its keys stop, and where requests go."""
    now_ms = context.ledger.now_ms()
    return {
        "conditions": {} if held.conditions is None else held.conditions.to_json(),
        "limits": tuple(limits(state, context.principal, held, now_ms)),
        "ends_at_ms": held.valid_until_ms if held.is_live else None,
        "address": context.services.addresses.get(held.surface),
    }


def _case(context: Context[Any], grant: str) -> Case | Refusal:
    """The case of a grant, if the caller may see it."""
    with context.ledger.reading() as state:
        case = seen_of(state, context.principal, grant)
    return grant_unknown(grant) if isinstance(case, Refusal) else case


def _own(context: Context[Any], grant: str, what: str, remedy: str) -> Case | Refusal:
    """The case of a grant that the caller holds."""
    case = _case(context, grant)
    if isinstance(case, Refusal):
        return case
    with context.ledger.reading() as state:
        is_holder = state.holder_of(state.grants[grant]) == context.principal.acts_for
    if not is_holder:
        return Refusal("forbidden", "not_applicant", f"only its holder may {what}", remedy)
    return case


def grant_unknown(grant: str) -> Refusal:
    """The refusal for a grant that does not exist, or that the caller may not know of."""
    return Refusal(
        "unknown",
        "grant_unknown",
        f"no grant {grant[:80]!r}",
        "'sluicegate grant list' shows those that you may see",
    )
