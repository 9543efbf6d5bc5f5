"""`provider …`: the identity providers whose assertions name an organization's people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import providers as acts
from sluicegate.acts.providers import JwkSet, KeyRotation, ProviderList, ProviderRegistration
from sluicegate.cli.acting import acting
from sluicegate.cli.files import read_bytes
from sluicegate.cli.members import Grant
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.core.people import assertion
from sluicegate.errors import InvalidInput, NotCanonical, WrongUsage
from sluicegate_record.log import canonical

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
    asked = ProviderRegistration(
        grant=grant,
        issuer=issuer,
        audience=audience,
        algorithms=tuple(algorithm),
        jwks=_key_set(jwks),
        jwks_url=jwks_url,
        max_age_s=max_age,
    )
    done = Client().do(acts.REGISTER, asked)
    emit(done.to_json(), as_json, f"provider {done.provider} at size {done.size}")


def rotate(
    provider: Annotated[str, typer.Argument(help="The provider, such as idp_….", show_default=False)],
    jwks: Jwks = None,
    as_json: Json = False,
) -> None:
    """Replace a provider's keys by those in a file, or by those that are at its URL now."""
    done = Client().do(acts.ROTATE, KeyRotation(provider=provider, jwks=_key_set(jwks)))
    emit(done.to_json(), as_json, f"{done.provider} signs with {', '.join(done.keys)}")


def _providers(found: ProviderList) -> str:
    columns = ["provider", "issuer", "audience", "keys", "from", "failure"]
    rows = [
        [each.provider, each.issuer, each.audience, ", ".join(each.kids), each.jwks_url, each.failure]
        for each in found.providers
    ]
    return table("", columns, rows, "No provider yet.")


remove = acting(acts.REMOVE, lambda done: f"provider {done.provider} is removed at size {done.size}")
listed = acting(acts.LIST, _providers, grant="--grant")


def _key_set(file: Path | None) -> JwkSet | None:
    """The key set in a file, with only its public keys. Raises: InvalidInput, BadKey."""
    if file is None:
        return None
    try:
        value = canonical.loads(read_bytes(file), floats=True)
    except NotCanonical as error:
        raise InvalidInput(f"{file}: {error.message}") from error
    keys = assertion.read_jwks(value)
    return {"keys": [{**key, "kid": kid} for kid, key in keys.items()]}
