"""`provider …`: the identity providers whose assertions name an organization's people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sluicegate.acts import providers as acts
from sluicegate.acts.providers import JwkSet, ProviderList
from sluicegate.cli.acting import Given, acting
from sluicegate.cli.files import read_bytes
from sluicegate.cli.tables import table
from sluicegate.core.people import assertion
from sluicegate.errors import InvalidInput, NotCanonical
from sluicegate_record.log import canonical


def _providers(found: ProviderList) -> str:
    columns = ["provider", "issuer", "audience", "keys", "from", "failure"]
    rows = [
        [each.provider, each.issuer, each.audience, ", ".join(each.kids), each.jwks_url, each.failure]
        for each in found.providers
    ]
    return table("", columns, rows, "No provider yet.")


def _key_set(file: Path) -> Mapping[str, JwkSet]:
    """The key set in a file, with only its public keys. Raises: InvalidInput, BadKey."""
    try:
        value = canonical.loads(read_bytes(file), floats=True)
    except NotCanonical as error:
        raise InvalidInput(f"{file}: {error.message}") from error
    keys = assertion.read_jwks(value)
    return {"jwks": {"keys": [{**key, "kid": kid} for kid, key in keys.items()]}}


JWKS = Given("--jwks", Path, _key_set)
add = acting(
    acts.REGISTER,
    lambda done: f"provider {done.provider}",
    grant="--grant",
    algorithms="--algorithm",
    jwks=JWKS,
    max_age_s="--max-age",
)
rotate = acting(acts.ROTATE, lambda done: f"{done.provider} signs with {', '.join(done.keys)}", jwks=JWKS)
remove = acting(acts.REMOVE, lambda done: f"provider {done.provider} is removed")
listed = acting(acts.LIST, _providers, grant="--grant")
