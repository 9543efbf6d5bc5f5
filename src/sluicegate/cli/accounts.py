"""`account …`: organizations that a list, or a stage for everyone, admits without a case."""

from __future__ import annotations

from sluicegate.acts import accounts as acts
from sluicegate.acts.accounts import AccountList, AccountReceipt
from sluicegate.cli.acting import acting, written
from sluicegate.cli.listing import Columns, listing


def _opened(done: AccountReceipt) -> str:
    return "\n".join(
        [
            f"account {done.account} is open",
            f"  for stages for everyone, issue a key: sluicegate credential issue --grant {done.account}",
            "  where a list names it, it has grants with keys of their own: sluicegate grant list",
        ]
    )


def _accounts(found: AccountList) -> list[list[str | None]]:
    return [
        [each.account, each.organization, "open" if each.open else "closed", str(each.keys)]
        for each in found.accounts
    ]


open_ = acting(acts.OPEN, _opened, organization=written("--organization", "organization"))
close = acting(
    acts.CLOSE,
    lambda done: f"account {done.account} is closed: its keys stop at once",
    first=lambda _, asked: f"account {asked.account} closes: its keys stop at once, and for ever",
)
COLUMNS = ("account", "organization", "state", "keys")
NONE = "No account: sluicegate account open --organization FILE"
listed = listing(acts.LIST, Columns(COLUMNS, _accounts, NONE))
