"""`credential issue`, `credential revoke`: keys over HTTP."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated

import typer

from sluicegate.acts import credentials
from sluicegate.acts.credentials import KeyDigest
from sluicegate.cli.acting import acting
from sluicegate.cli.output import Json, emit
from sluicegate.client.http import Client
from sluicegate.core.access import apikey


def issue(
    grant: Annotated[str, typer.Option("--grant", help="The grant, such as grant_….", show_default=False)],
    member: Annotated[
        str | None, typer.Option("--member", help="The only member who may use it.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Make an API key under a grant. It is made on this machine and shown once; only its digest is sent."""
    key = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
    digest = hashlib.sha256(key.encode()).hexdigest()
    done = Client().do(credentials.ISSUE, KeyDigest(grant=grant, digest=digest, member=member))
    text = f"credential {done.credential} at size {done.size}\n  key, shown only now: {key}"
    emit({**done.to_json(), "key": key}, as_json, text)


revoke = acting(
    credentials.REVOKE, lambda done: f"credential {done.credential} is revoked at size {done.size}"
)
