"""`provider …`: the identity providers whose assertions name an organization's people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sluicegate.acts import providers as acts
from sluicegate.acts.providers import JwkSet, ProviderList
from sluicegate.cli.acting import Given, acting
from sluicegate.cli.files import read_bytes
from sluicegate.cli.listing import Columns, listing
from sluicegate.core.people import assertion
from sluicegate.errors import InvalidInput, NotCanonical
from sluicegate_record.log import canonical

_NEEDED = frozenset({"kty", "crv", "alg", "use", "key_ops", "kid", "n", "e", "x", "y"})


def _providers(found: ProviderList) -> list[list[str | None]]:
    return [
        [each.provider, each.issuer, each.audience, ", ".join(each.kids), each.jwks_url, each.failure]
        for each in found.providers
    ]


def _key_set(file: Path) -> Mapping[str, JwkSet]:
    """The key set in a file, with only its public keys. Raises: InvalidInput, BadKey."""
    try:
        value: Any = canonical.loads(read_bytes(file), floats=True)
    except NotCanonical as error:
        raise InvalidInput(f"{file}: {error.message}") from error
    assertion.read_jwks(value)
    return {"jwks": {"keys": [_public(each) for each in value["keys"]]}}


def _public(key: Any) -> Any:
    """A key without what verifying does not need. No private key gets here."""
    return {name: key[name] for name in key if name in _NEEDED} if isinstance(key, dict) else None


def _with_unusable(said: str, unusable: tuple[str, ...]) -> str:
    return "\n".join([said, *(f"not used: {each}" for each in unusable)])


JWKS = Given("--jwks", Path, _key_set)
add = acting(
    acts.REGISTER,
    lambda done: _with_unusable(f"the provider {done.provider} is added", done.unusable),
    grant="--grant",
    algorithms="--algorithm",
    jwks=JWKS,
    max_age_s="--max-age",
)
rotate = acting(
    acts.ROTATE,
    lambda done: _with_unusable(f"{done.provider} signs with {', '.join(done.keys)}", done.unusable),
    jwks=JWKS,
)
remove = acting(
    acts.REMOVE,
    lambda done: f"provider {done.provider} is removed",
    first=lambda _, asked: f"provider {asked.provider} is removed: what it asserts of persons counts no more",
)
COLUMNS = ("provider", "issuer", "audience", "keys", "from", "failure")
listed = listing(acts.LIST, Columns(COLUMNS, _providers, "No provider yet."), grant="--grant")
