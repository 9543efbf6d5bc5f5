"""`provider …`: the identity providers whose assertions name an organization's people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.cli.files import read_bytes
from sluicegate.cli.members import Grant
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.core.people import assertion
from sluicegate.errors import InvalidInput, NotCanonical, WrongUsage
from sluicegate_record.log import canonical

Provider = Annotated[str, typer.Argument(help="The provider, such as idp_….", show_default=False)]
Jwks = Annotated[Path | None, typer.Option("--jwks", help="A file with a JWK Set.", show_default=False)]


def add(
    grant: Grant,
    issuer: Annotated[str, typer.Option("--issuer", help="Its 'iss'.", show_default=False)],
    audience: Annotated[
        str, typer.Option("--audience", help="Its 'aud' for this control plane.", show_default=False)
    ],
    algorithm: Annotated[
        list[str],
        typer.Option("--algorithm", help=" | ".join(sorted(assertion.ALGORITHMS)), show_default=False),
    ],
    jwks: Jwks = None,
    jwks_url: Annotated[
        str | None, typer.Option("--jwks-url", help="Where its keys are.", show_default=False)
    ] = None,
    max_age: Annotated[
        int, typer.Option("--max-age", help="The longest life of an assertion, in seconds.")
    ] = 3_600,
    as_json: Json = False,
) -> None:
    """Register an identity provider, with its keys or the URL of its keys."""
    if jwks is None and jwks_url is None:
        raise WrongUsage("expected --jwks or --jwks-url")
    asked = {
        "issuer": issuer,
        "audience": audience,
        "algorithms": algorithm,
        "jwks": _key_set(jwks),
        "jwks_url": jwks_url,
        "max_age_s": max_age,
    }
    answer = Client().post(f"/api/v1/grants/{grant}/providers", asked)
    emit(answer, as_json, f"provider {answer['provider']} at size {answer['size']}")


def rotate(provider: Provider, jwks: Jwks = None, as_json: Json = False) -> None:
    """Replace a provider's keys by those in a file, or by those that are at its URL now."""
    answer = Client().post(f"/api/v1/providers/{provider}/rotate", {"jwks": _key_set(jwks)})
    emit(answer, as_json, f"{answer['provider']} signs with {', '.join(answer['keys'])}")


def remove(provider: Provider, as_json: Json = False) -> None:
    """Stop believing a provider. Its claims about statuses stay until they are revoked."""
    answer = Client().post(f"/api/v1/providers/{provider}/remove")
    emit(answer, as_json, f"provider {answer['provider']} is removed at size {answer['size']}")


def listed(grant: Grant, as_json: Json = False) -> None:
    """List an organization's identity providers, and why keys could not be fetched."""
    answer = Client().get(f"/api/v1/grants/{grant}/providers")
    columns = ["provider", "issuer", "audience", "keys", "from", "failure"]
    rows = [
        [*(each[name] for name in columns[:3]), ", ".join(each["kids"]), each["jwksUrl"], each["failure"]]
        for each in answer["providers"]
    ]
    emit(answer, as_json, table("", columns, rows, "No provider yet."))


def _key_set(file: Path | None) -> Any:
    """The key set in a file, with only its public keys. Raises: InvalidInput, BadKey."""
    if file is None:
        return None
    try:
        value = canonical.loads(read_bytes(file), floats=True)
    except NotCanonical as error:
        raise InvalidInput(f"{file}: {error.message}") from error
    keys = assertion.read_jwks(value)
    return {"keys": [{**key, "kid": kid} for kid, key in keys.items()]}
