"""Accounts: organizations that a list, or a stage for everyone, admits without a case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sluicegate.acts.accounts import AccountReceipt
from sluicegate.core.lifecycle import exposure
from sluicegate.core.lifecycle.answer import Acceptance, Command, Refusal
from sluicegate.core.lifecycle.organizations import describe, renamed
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entries import Draft
from sluicegate_record.entries.accounts import AccountClosed, AccountOpened
from sluicegate_record.entries.cases import Description
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.leaf import Entropy


@dataclass(frozen=True, slots=True)
class OpenAccount(Command):
    """Open an account. `organization` is a pseudonym, `dossier` sealed; `holder` may issue keys under it."""

    organization: str
    dossier: dict[str, Any]
    described: Description | None = None
    holder: str | None = None


@dataclass(frozen=True, slots=True)
class CloseAccount(Command):
    """End an account."""

    account: str


def open_account(state: State, command: OpenAccount, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `OpenAccount`. An organization has one open account: a second one changes nothing."""
    known = state.accounts.newest.get(command.organization)
    if known is not None and state.record.accounts[known].is_open:
        return Acceptance([], AccountReceipt(account=known, open=True))
    refusal = exposure.unopenable(state, command.organization) or renamed(state, command.described)
    if refusal is not None:
        return refusal
    account = entropy.name("acct")
    body = AccountOpened(
        account=account,
        organization=command.organization,
        holder=command.holder,
        dossier=leaves.opening(command.dossier, entropy),
    )
    described = [] if command.described is None else [command.described]
    drafts = [*describe(state, described, entropy), Draft.of(account, body, entropy)]
    return Acceptance(drafts, AccountReceipt(account=account, open=True))


def close_account(state: State, command: CloseAccount, now_ms: int, entropy: Entropy) -> Acceptance | Refusal:
    """Decide `CloseAccount`. Closing again changes nothing."""
    found = state.record.accounts.get(command.account)
    if found is None:
        return account_unknown(command.account)
    drafts = [Draft(found.id, AccountClosed(account=found.id))] if found.is_open else []
    return Acceptance(drafts, AccountReceipt(account=found.id, open=False))


def account_unknown(name: str) -> Refusal:
    """The refusal for an account that does not exist."""
    return Refusal(
        "unknown", "account_unknown", f"no account {name[:80]!r}", "'sluicegate account list' shows them"
    )
