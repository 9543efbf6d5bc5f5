"""What is around the pages of a server: its name, what is named on top, what is said at the end."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


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

    def reached(self, url: str) -> str:
        """The origin of the pages of a server: by the name to use on this machine, if it is reached by an
        address of this machine without TLS; else as it is.
        """
        found = urlsplit(url)
        if found.scheme != "http" or found.hostname not in {"127.0.0.1", "::1"}:
            return url
        return f"http://{self.host}" + (f":{found.port}" if found.port else "")


CONTROL = SiteFrame(
    name="Sluicegate",
    pages=(("/releases", "Releases"), ("/record", "Public record")),
    host="control.localhost",
    inviter="the developer's staff",
    invites="sluicegate sign-in invite",
    is_public=True,
)
"""The pages of a control plane."""
