"""Accounts: open, close, list. Only the developer's staff may."""

from __future__ import annotations

from collections.abc import Collection

from sluicegate.acts import accounts as acts
from sluicegate.acts.accounts import (
    AccountArgument,
    AccountFilter,
    AccountList,
    AccountReceipt,
    AccountView,
    NewAccount,
)
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.accounts import CloseAccount, OpenAccount, account_unknown
from sluicegate.core.people import application
from sluicegate.ports import Ports
from sluicegate.service import bearers
from sluicegate.service.applications import can_apply, pseudonym_of
from sluicegate.service.cases import legal_name
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate.service.paging import newest, page


@does(acts.OPEN)
def open_account(context: Context[AccountReceipt], asked: NewAccount) -> AccountReceipt | Refusal:
    """Open an account for an organization. Raises: InvalidDocument."""
    organization = context.document()

    def command(ports: Ports) -> OpenAccount | Refusal:
        if asked.holder is not None and not can_apply(ports.principals, asked.holder):
            said = f"no token of an applicant {asked.holder[:80]!r}"
            return Refusal(
                "unknown", "token_unknown", said, "'sluicegate token list' shows the ids of principals"
            )
        holder = asked.holder or context.principal.acts_for
        name = pseudonym_of(context.ledger, ports.principals, holder, organization)
        described = bearers.described(context.ledger, name, organization)
        return OpenAccount(name, application.dossier(organization), described, asked.holder)

    return context.execute(command)


@does(acts.CLOSE)
def close_account(context: Context[AccountReceipt], asked: AccountArgument) -> AccountReceipt | Refusal:
    """Close an account."""
    return context.execute(CloseAccount(asked.account))


@does(acts.LIST)
def listed(context: Context[AccountList], wanted: AccountFilter) -> AccountList | Refusal:
    """Accounts, newest first."""
    ledger = context.ledger
    with ledger.reading() as state:
        known = state.accounts.seqs
        if wanted.before is not None and wanted.before not in known:
            return account_unknown(wanted.before)
        found = (name for name, _ in newest(known, wanted.before))
        shown, is_cut = page(found, wanted.limit)
        are_open = {name: state.record.accounts[name].is_open for name in shown}
        keys = {name: state.keyring.valid[name] for name in shown}
        size = state.size
    names = names_of(ledger, shown)
    views = tuple(
        AccountView(account=name, organization=names[name], open=are_open[name], keys=keys[name])
        for name in shown
    )
    return AccountList(size=size, accounts=views, next=shown[-1] if is_cut else None)


def names_of(ledger: Ledger, accounts: Collection[str]) -> dict[str, str]:
    """The legal names of the organizations that have some accounts. Requires: the reader may see them."""
    with ledger.reading() as state:
        seqs = {name: state.accounts.seqs[name] for name in accounts}
    opened = ledger.store.log.sealed(set(seqs.values()))
    return {name: legal_name(opened.get(seq, {}), "") for name, seq in seqs.items()}
