"""`credential issue`, `credential revoke`, `keys token`: keys and tokens over HTTP."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated

import typer

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
    asked = {"digest": digest, **({"member": member} if member is not None else {})}
    answer = {**Client().post(f"/api/v1/grants/{grant}/credentials", asked), "key": key}
    text = f"credential {answer['credential']} at size {answer['size']}\n  key, shown only now: {key}"
    emit(answer, as_json, text)


def revoke(
    credential: Annotated[str, typer.Argument(help="The credential, such as cred_….", show_default=False)],
    as_json: Json = False,
) -> None:
    """Revoke a credential, immediately and forever. Its open streams end."""
    answer = Client().post(f"/api/v1/credentials/{credential}/revoke")
    emit(answer, as_json, f"credential {answer['credential']} is revoked at size {answer['size']}")


def token(
    role: Annotated[
        str, typer.Option("--role", help="developer | agency | applicant | gateway", show_default=False)
    ],
    name: Annotated[str, typer.Option("--name", help="What to call its holder.", show_default=False)],
    party: Annotated[str | None, typer.Option("--agency", help="The agency, for the role agency.")] = None,
    as_json: Json = False,
) -> None:
    """Make a token for the control plane. It is shown once; only its digest is kept."""
    answer = Client().post("/api/v1/tokens", {"role": role, "name": name, "party": party})
    emit(answer, as_json, f"{answer['role']} {answer['name']}\n  token, shown only now: {answer['token']}")
