"""`credential issue`, `credential revoke`: keys over HTTP."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated

from sluicegate.acts import credentials
from sluicegate.acts.credentials import CredentialList, CredentialSummary, KeyDigest
from sluicegate.cli.acting import acting, helped, option
from sluicegate.cli.output import Json, emit
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
    key = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
    digest = hashlib.sha256(key.encode()).hexdigest()
    done = Client().do(credentials.ISSUE, KeyDigest(grant=grant, digest=digest, member=member))
    text = f"credential {done.credential} at size {done.size}\n  key, shown only now: {key}"
    emit({**done.to_json(), "key": key}, as_json, text)


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
revoke = acting(
    credentials.REVOKE, lambda done: f"credential {done.credential} is revoked at size {done.size}"
)
