"""`credential issue`, `credential revoke`: keys over HTTP."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated

from sluicegate.acts import credentials
from sluicegate.acts.credentials import KeyDigest
from sluicegate.cli.acting import acting, helped, option
from sluicegate.cli.output import Json, emit
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


revoke = acting(
    credentials.REVOKE, lambda done: f"credential {done.credential} is revoked at size {done.size}"
)
