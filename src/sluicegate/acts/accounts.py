"""Acts on accounts: open one for an organization, close it, list them."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.applications import OrganizationText
from sluicegate.acts.fields import FileName, Identifier
from sluicegate.acts.paging import Paging
from sluicegate_record.form import Note, form

AccountName = Annotated[str, Note("The account.")]


@form
class NewAccount(Arguments):
    """The organization, as the text of an organization file."""

    organization: OrganizationText
    file: FileName = "organization"
    holder: Annotated[
        Identifier | None, Note("The principal of the organization's own token, which may issue keys then.")
    ] = None


@form
class AccountReceipt(Done):
    """An account, and whether it is open."""

    account: str
    open: bool


@form
class AccountArgument(Arguments):
    """Which account."""

    account: AccountName


@form
class AccountView(ActAnswer):
    """An account: the legal name of its organization, how many valid keys it has, and whether it is open."""

    account: str
    organization: str
    open: bool
    keys: int


@form
class AccountFilter(Paging):
    """Which accounts."""


@form
class AccountList(ActAnswer):
    """A page of accounts, newest first. `next` is the last one of this page, if there are more."""

    size: int
    accounts: tuple[AccountView, ...]
    next: str | None


OPEN = Act(
    "account.open",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/accounts",
    NewAccount,
    AccountReceipt,
    "Open an account for an organization: a list, or a stage for everyone, admits it without a case.",
)
CLOSE = Act(
    "account.close",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/accounts/{account}/close",
    AccountArgument,
    AccountReceipt,
    "Close an account: its keys stop at once.",
    effect="narrows",
)
LIST = Act(
    "account.list",
    frozenset({DEVELOPER}),
    "question",
    "/api/v1/accounts",
    AccountFilter,
    AccountList,
    "List accounts, newest first.",
)
