"""`credential issue`, `credential revoke`: keys over HTTP."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated

from sluicegate.acts import credentials, grants
from sluicegate.acts.credentials import CredentialList, CredentialSummary, KeyDigest
from sluicegate.acts.grants import GrantArgument, GrantView
from sluicegate.cli.acting import acting, helped, option
from sluicegate.cli.output import Json, tell
from sluicegate.cli.tables import table
from sluicegate.cli.wording import BARRED
from sluicegate.client.http import Client
from sluicegate.core.access import apikey


@helped(credentials.ISSUE)
def issue(
    grant: Annotated[str, option(KeyDigest, "grant")],
    member: Annotated[str | None, option(KeyDigest, "member")] = None,
    as_json: Json = False,
) -> None:
    client = Client()
    shown = client.do(grants.SHOW, GrantArgument(grant=grant))
    key = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
    digest = hashlib.sha256(key.encode()).hexdigest()
    done = client.do(credentials.ISSUE, KeyDigest(grant=grant, digest=digest, member=member))
    lines = [f"credential {done.credential}", f"  key, shown only now: {key}", *_usage(shown)]
    tell(done, as_json, "\n".join(lines), key=key)


def _usage(shown: GrantView) -> list[str]:
    """Where a key works, and how it is sent. The control plane does not know the addresses of gateways."""
    lines = [
        f"  it works for {', '.join(shown.models)} at the gateway for {shown.surface!r}, whose address",
        "    the developer of the model gives you",
        "  send it with each request: 'Authorization: Bearer KEY', or 'x-api-key: KEY'",
    ]
    return lines if shown.stage_open else [*lines, "  the stage is not open yet: the key works once it opens"]


def _credentials(found: CredentialList) -> str:
    columns = ["credential", "grant", "organization", "stage", "surface", "state", "only for"]
    rows = [
        [
            each.credential,
            each.grant,
            each.organization,
            f"{each.release}/{each.stage}",
            each.surface,
            _state(each),
            each.member,
        ]
        for each in found.credentials
    ]
    text = table("", columns, rows, "There is no such key, or you may not see it.")
    return text + (f"\n  more: sluicegate credential list --before {found.next}" if found.next else "")


def _state(shown: CredentialSummary) -> str:
    is_barred = shown.state == "valid" and shown.grant_state in BARRED
    return f"its grant is {shown.grant_state}" if is_barred else shown.state


listed = acting(credentials.LIST, _credentials)
revoke = acting(credentials.REVOKE, lambda done: f"credential {done.credential} is revoked")
