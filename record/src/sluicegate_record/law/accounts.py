"""The law of accounts."""

from __future__ import annotations

from sluicegate_record.entries import Body
from sluicegate_record.entries.accounts import AccountClosed, AccountOpened
from sluicegate_record.law.rule import At, LawRule, of_the_record, require


def is_a_new_account(at: At, body: AccountOpened) -> None:
    """An account has a name of its own, which no grant has."""
    is_known = body.account in at.record.accounts or body.account in at.record.grants
    require(not is_known, "an account that was opened before")


@of_the_record
def is_an_open_account(at: At, body: AccountClosed) -> None:
    """An account ends once."""
    found = at.record.accounts.get(body.account)
    require(found is not None and found.is_open, "the end of no open account")


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    AccountOpened: (is_a_new_account,),
    AccountClosed: (is_an_open_account,),
}
