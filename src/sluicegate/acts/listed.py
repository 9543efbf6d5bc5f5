"""Where what an act asks for is found: pages and the command line say it beside each field."""

from __future__ import annotations

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
"""The command that lists them, by the name of the field."""


def listed(name: str) -> str:
    """Where the values of a field are found, as a part of a sentence; empty if nothing lists them."""
    return f"'sluicegate {LISTS[name]}' lists them" if name in LISTS else ""


def with_list(name: str, note: str) -> str:
    """What a field is for, with where its values are found."""
    where = listed(name)
    return f"{note.removesuffix('.')}; {where}." if where and note and where not in note else note
