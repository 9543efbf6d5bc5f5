"""What is around the pages of a server: its name, what is named on top, what is said at the end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SiteFrame:
    """The frame of a server's pages. `pages` are the paths and names of those that are always named on top.

    `is_public`: strangers may read some, and there are feeds of the record. `host` is the name to use on this
    machine, as a browser makes no passkey for an address. `invites` is the command that makes an invitation,
    `inviter` who runs it.
    """

    name: str
    pages: tuple[tuple[str, str], ...]
    host: str
    inviter: str
    invites: str
    is_public: bool = False
    footer: str = ""


CONTROL = SiteFrame(
    name="Sluicegate",
    pages=(("/releases", "Releases"), ("/record", "Public record")),
    host="control.localhost",
    inviter="the developer's staff",
    invites="sluicegate sign-in invite",
    is_public=True,
)
"""The pages of a control plane."""
