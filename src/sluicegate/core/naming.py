"""Whom a request names, and what is known of them.

Rules:
- Everyone named counts: the member a credential is bound to, the subject of a signed assertion, the end user
  that the body names. Who asks decides whether one of them is enough.
- An assertion that does not hold names somebody unknown, never nobody.
- Where a request names nobody, or nobody known, the attestation of its credential stands in; with exclusions
  only for a member it does not exclude, because whoever is excluded could keep silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sluicegate.core.cover import Whom
from sluicegate.core.persons import UNKNOWN, Assurance, Attested, Person, standing
from sluicegate.core.table import Credential, Table


class Signed(NamedTuple):
    """What a verified assertion says: which provider and key signed it, for whom, for which credential.

    Units: `subject` as `persons.identifier` makes it; `credential` None for any of the organization's.
    """

    provider: str
    kid: str
    subject: bytes
    credential: str | None


class Naming(NamedTuple):
    """How a request names its person: by identifiers in its body, by a signed assertion.

    `is_forged` says that an assertion came which does not hold.
    """

    identifiers: tuple[bytes, ...] = ()
    signed: Signed | None = None
    is_forged: bool = False

    def to_json(self) -> dict[str, Any]:
        """As a gateway reports it; what is not there is left out."""
        found: dict[str, Any] = {}
        if self.identifiers:
            found["identifiers"] = [each.hex() for each in self.identifiers]
        if self.signed is not None:
            found["signed"] = self.signed._asdict() | {"subject": self.signed.subject.hex()}
        return {**found, "forged": True} if self.is_forged else found

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Naming:
        """What was reported. Raises: ValueError, KeyError, TypeError: malformed."""
        signed = value.get("signed")
        if signed is not None:
            signed = Signed(**{**signed, "subject": bytes.fromhex(signed["subject"])})
        identifiers = tuple(bytes.fromhex(each) for each in value.get("identifiers", ()))
        return cls(identifiers, signed, bool(value.get("forged", False)))


NOBODY = Naming()


class Known(NamedTuple):
    """Whom a request names, and until when that stays so (milliseconds since 1970 UTC, exclusive)."""

    whoms: tuple[Whom, ...]
    until_ms: int | None

    @property
    def has_person(self) -> bool:
        """Whether everyone named is a registered member."""
        return all(whom.person is not None for whom in self.whoms)


class _Named(NamedTuple):
    person: Person | None
    how: Assurance
    why: str = ""


def known(  # noqa: PLR0913 - what a request is made of
    naming: Naming, credential: Credential, model: str, table: Table, early_ms: int, late_ms: int
) -> Known:
    """Everyone a request names, at least one, with what is known of each at a time between two bounds."""
    named = _named(naming, credential, table)
    attested = credential.attested
    if attested is not None and not _speaks(attested, model, late_ms):
        attested = None
    found, ends = [], []
    for each in named:
        whom, until_ms = _known(each, attested, early_ms, late_ms)
        found.append(whom)
        if until_ms is not None:
            ends.append(until_ms)
    return Known(tuple(found), min(ends, default=None))


def _named(naming: Naming, credential: Credential, table: Table) -> list[_Named]:
    organization = credential.grant.organization
    registry = table.registry.get(organization, _EMPTY)
    named = []
    if credential.member is not None:
        named.append(_Named(credential.member, Assurance.CREDENTIAL))
    if naming.is_forged:
        named.append(_Named(None, Assurance.SELF_ASSERTED, "assertion_invalid"))
    if naming.signed is not None:
        named.append(_signed(naming.signed, credential, table))
    named += [
        _Named(registry.get(identifier), Assurance.ORGANIZATION, "not_registered")
        for identifier in naming.identifiers
    ]
    return named or [_Named(None, Assurance.SELF_ASSERTED, "not_named")]


def _signed(signed: Signed, credential: Credential, table: Table) -> _Named:
    organization = credential.grant.organization
    provider = table.providers.get(organization, {}).get(signed.provider)
    is_for_this = signed.credential in (None, credential.id)
    if provider is None or signed.kid not in provider.keys or not is_for_this:
        return _Named(None, Assurance.SELF_ASSERTED, "assertion_invalid")
    person = table.registry.get(organization, _EMPTY).get(signed.subject)
    return _Named(person, Assurance.IDENTITY_PROVIDER, "not_registered")


def _speaks(attested: Attested, model: str, late_ms: int) -> bool:
    return late_ms < attested.until_ms and (attested.models is None or model in attested.models)


def _known(named: _Named, attested: Attested | None, early_ms: int, late_ms: int) -> tuple[Whom, int | None]:
    person = named.person
    if person is None:
        stands_in = attested is not None and not attested.excluded and named.why != "assertion_invalid"
        if stands_in and attested is not None:
            return Whom(None, attested.statuses, Assurance.CREDENTIAL), attested.until_ms
        return Whom(None, UNKNOWN, Assurance.SELF_ASSERTED, named.why), None
    found = standing(person.claims, early_ms, late_ms)
    if (
        found.why in {"not_claimed", "expired"}
        and attested is not None
        and person.id not in attested.excluded
    ):
        return Whom(person.id, attested.statuses, min(named.how, Assurance.CREDENTIAL)), attested.until_ms
    return Whom(person.id, found.statuses, min(named.how, found.assurance), found.why), found.until_ms


_EMPTY: Mapping[bytes, Person] = {}
