"""Grants after approval: suspend, resume, surrender, fall back, ask for a removal; proof from gateways."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sluicegate.core.lifecycle import Command, Refusal
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
from sluicegate.service import access
from sluicegate.service.cases import grant_of, seen_of
from sluicegate.service.ledger import Ledger
from sluicegate_record.statements.statement import REASON_MAX


def show(ledger: Ledger, principal: Principal, grant: str) -> dict[str, Any] | Refusal:
    """A grant, to those who may see its case."""
    with ledger.reading() as state:
        case = seen_of(state, principal, grant)
        found = grant_of(state, grant)
        return _unknown(grant) if isinstance(case, Refusal) or found is None else found


def act(  # noqa: PLR0913 - who, under which id, what, on which terms
    ledger: Ledger, principal: Principal, command_id: str, grant: str, name: str, asked: dict[str, str]
) -> dict[str, Any] | Refusal:
    """Do one of `ACTS` to a grant. `asked` holds what it needs: `code`, `text`."""
    with ledger.reading() as state:
        case = seen_of(state, principal, grant)
        if isinstance(case, Refusal):
            return _unknown(grant)
        if name == "surrender" and case.applicant != principal.id:
            said = "only its holder may surrender a grant"
            return Refusal("forbidden", "not_applicant", said, "'grant suspend' narrows at once")
    command = ACTS[name](grant, asked, principal)
    return ledger.execute(command, by=principal.id, command_id=command_id, request=[name, grant, asked])


def choose_fallback(
    ledger: Ledger, principal: Principal, command_id: str, grant: str, *, fallback: bool
) -> dict[str, Any] | Refusal:
    """Have the fallback answer what a directive refuses under a grant, or have it no more."""
    with ledger.reading() as state:
        case = seen_of(state, principal, grant)
        if isinstance(case, Refusal):
            return _unknown(grant)
        if case.applicant != principal.id:
            said = "only its holder may choose whether another model answers under a grant"
            return Refusal("forbidden", "not_applicant", said, "use the token that applied for it")
    command = ChooseFallback(grant, fallback)
    request = ["fallback", grant, fallback]
    return ledger.execute(command, by=principal.id, command_id=command_id, request=request)


def prove(ledger: Ledger, principal: Principal, surface: str, grants: Iterable[str]) -> None:
    """Note the grants under which a gateway of their surface says that a call succeeded, if that is news."""
    for grant in grants:
        with ledger.reading() as state:
            known = state.table.grants_by_id.get(grant)
            if known is None or known.proven or known.surface != surface:
                continue
        command = ProveGrant(grant, principal.name)
        ledger.execute(command, by=principal.id, command_id=f"proven {grant}", request=["proven", grant])


def _removal(grant: str, asked: dict[str, str], principal: Principal) -> OpenRemoval:
    text = asked.get("text", "")
    if not text.strip() or len(text) > REASON_MAX:
        raise InvalidInput(f"a notice of 1 to {REASON_MAX} characters expected: the holder reads it")
    party = principal.party if principal.role == access.AGENCY else None
    return OpenRemoval(grant, asked.get("code", ""), text, party)


ACTS: dict[str, Callable[[str, dict[str, str], Principal], Command]] = {
    "suspend": lambda grant, asked, _: SuspendGrant(grant, asked.get("code", "")),
    "resume": lambda grant, *_: ResumeGrant(grant),
    "surrender": lambda grant, *_: SurrenderGrant(grant),
    "removal": _removal,
}


def _unknown(grant: str) -> Refusal:
    return Refusal(
        "unknown", "grant_unknown", f"no grant {grant[:80]!r}", "'application show' names your grant"
    )
