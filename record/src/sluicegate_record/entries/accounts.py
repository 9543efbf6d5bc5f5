"""Entries of accounts: organizations that a list, or a stage for everyone, admits without a case."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, Gate, Sealed, entry
from sluicegate_record.form import Key, Note


@entry("account.opened")
class AccountOpened(Body):
    """The developer has opened an account for an organization. Keys are issued under it as under a grant."""

    account: str
    organization: Gate[str]
    holder: Annotated[Gate[str | None], Note("who may issue keys under it, beside the developer")] = None
    dossier: Annotated[Sealed | None, Key("organization")] = None


@entry("account.closed")
class AccountClosed(Body):
    """An account has ended, and its keys with it."""

    account: str
