"""Which command lists what another one asks for: each argument and option that takes an id says so."""

from __future__ import annotations

from typing import Any

LISTS = {
    "account": "account list",
    "case": "case list",
    "credential": "credential list",
    "designation": "status",
    "directive": "directive list",
    "draft": "application drafts",
    "evidence": "evidence list",
    "finding": "finding list",
    "grant": "grant list",
    "keyid": "keys list",
    "licence": "licence list",
    "member": "member list --grant GRANT",
    "party": "keys list",
    "passkey": "sign-in list",
    "promise": "promise list",
    "provider": "provider list --grant GRANT",
    "release": "status",
    "session": "sign-in list",
    "signatory": "signatory list --grant GRANT",
    "stage": "status",
    "subscription": "notify list",
}
"""The command that lists them, by the name of the argument or option."""


def listed(name: str) -> str:
    """Where the values of an argument or option are found, in a sentence; empty if no command lists them."""
    return f"'sluicegate {LISTS[name]}' lists them" if name in LISTS else ""


def say_where(parameters: list[Any]) -> None:
    """Add to the help of each argument and option of a command where its values are found."""
    for each in parameters:
        where = listed(each.name)
        if where and each.help and where not in each.help and not getattr(each, "is_flag", False):
            each.help = f"{each.help.removesuffix('.')}; {where}."
