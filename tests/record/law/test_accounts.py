"""Each check of the law of accounts by itself: a lawful entry, with one thing about it made untrue."""

from __future__ import annotations

import pytest

from sluicegate_record.entries import Entry
from sluicegate_record.form import replace
from sluicegate_record.record import Record
from tests.record.law.test_checks import Untrue, finds, first, says
from tests.record.law.test_law import stored

OPENED, CLOSED = first("account.opened"), first("account.closed")
NO_ACCOUNT = "the end of no open account"


def keyed() -> Entry:
    """A key under an account."""
    opened = {entry.public["account"] for entry in stored() if entry.type == "account.opened"}
    return next(e for e in stored() if e.type == "credential.issued" and e.public["grant"] in opened)


def named_as_a_grant(record: Record, entry: Entry) -> Entry:
    """A grant has its name."""
    record.grants[entry.public["account"]] = next(iter(record.grants.values()))
    return entry


def ended(record: Record, entry: Entry) -> Entry:
    """Its account has ended."""
    found = record.accounts[entry.public["grant"]]
    record.accounts[found.id] = replace(found, is_open=False)
    return entry


ACCOUNTS = {
    "an account with the name of a grant": Untrue(
        OPENED, named_as_a_grant, "is_a_new_account", "an account that was opened before"
    ),
    "the end of no account": Untrue(CLOSED, says(account="acct_none"), "is_an_open_account", NO_ACCOUNT),
    "a key under an account that has ended": Untrue(
        keyed, ended, "is_under_a_grant", "a key under an account that has ended"
    ),
}


@pytest.mark.parametrize("untrue", ACCOUNTS.values(), ids=ACCOUNTS)
def test_a_check_finds_what_is_untrue(untrue: Untrue) -> None:
    finds(untrue)
