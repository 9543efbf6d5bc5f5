"""Who a request names, and what is known of them.

Rules:
- Everyone named counts: the member that a credential is bound to, the subject of a signed assertion, the end
  user in the body. The directive says whether one of them is enough.
- Where an organization has declared so, an identifier that no one registered names no person. One that is
  registered names its member all the same: who is known to be covered does not become unknown.
- An invalid assertion names an unknown person, and so does a header that is not understood. Neither counts as
  no person. An agent's device and session do.
- If a request names no one, or no one whose status is known, the attestation of its credential applies
  instead. An attestation with exclusions applies only to a member it does not exclude, because an excluded
  person could leave out the name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sluicegate.core.access.rows import CredentialRow
from sluicegate.core.access.table import Table
from sluicegate.core.directives.cover import Whom
from sluicegate.core.people.persons import (
    IDENTIFIER_BYTES,
    CredentialAttestation,
    Person,
    Standing,
    standings,
)
from sluicegate_record.directives.status import UNKNOWN, Assurance

IDENTIFIERS_MAX = 4
NAME_MAX = 256
"""Limits for a report of use: the identifiers of one request, the characters of a provider or key."""


class VerifiedAssertion(NamedTuple):
    """What a verified assertion says: which provider and key signed it,
    for which person, for which credential.

    Units: `subject` as `persons.identifier` makes it; `credential` None for any credential of the
           organization.
    """

    provider: str
    kid: str
    subject: bytes
    credential: str | None


class Naming(NamedTuple):
    """How a request names its person: by identifiers in its body, or by a signed assertion.

    `is_forged` says that an assertion came that is not valid; `is_session` that an identifier was an agent's
    device and session, which names no person; `is_unclear` that a header names someone in a way that is not
    understood.
    """

    identifiers: tuple[bytes, ...] = ()
    signed: VerifiedAssertion | None = None
    is_forged: bool = False
    is_session: bool = False
    is_unclear: bool = False

    def to_json(self) -> dict[str, Any]:
        """The form in which a gateway reports it. Empty fields are left out."""
        found: dict[str, Any] = {}
        if self.identifiers:
            found["identifiers"] = [each.hex() for each in self.identifiers]
        if self.signed is not None:
            found["signed"] = self.signed._asdict() | {"subject": self.signed.subject.hex()}
        said = {"forged": self.is_forged, "session": self.is_session, "unclear": self.is_unclear}
        return found | {name: True for name, holds in said.items() if holds}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Naming:
        """Read a report. Raises: ValueError, KeyError, TypeError: no request can name a person like this."""
        signed = value.get("signed")
        if signed is not None:
            signed = VerifiedAssertion(**{**signed, "subject": _digest(signed["subject"])})
            credential = "" if signed.credential is None else signed.credential
            if not all(_is_name(each) for each in (signed.provider, signed.kid, credential)):
                raise ValueError("an assertion of what are no names")
        identifiers = tuple(_digest(each) for each in value.get("identifiers", ()))
        if len(identifiers) > IDENTIFIERS_MAX:
            raise ValueError(f"{len(identifiers)} identifiers, expected at most {IDENTIFIERS_MAX}")
        forged, session, unclear = (bool(value.get(name)) for name in ("forged", "session", "unclear"))
        return cls(identifiers, signed, forged, session, unclear)


class UsageKey(NamedTuple):
    """Who uses what: a credential, a model, and how the request named its person."""

    credential: str
    model: str
    naming: Naming


def _digest(text: str) -> bytes:
    found = bytes.fromhex(text)
    if len(found) != IDENTIFIER_BYTES:
        raise ValueError(f"an identifier of {len(found)} bytes, expected {IDENTIFIER_BYTES}")
    return found


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= NAME_MAX


NOBODY = Naming()


class Identification(NamedTuple):
    """Who a request names, and until when that is valid (milliseconds since 1970 UTC, exclusive)."""

    whoms: tuple[Whom, ...]
    until_ms: int | None

    @property
    def has_person(self) -> bool:
        """Whether everyone named is a registered member."""
        return all(whom.person is not None for whom in self.whoms)


class _Candidate(NamedTuple):
    person: Person | None
    how: Assurance
    why: str = ""


def known(  # noqa: PLR0913 - what a request is made of
    naming: Naming, credential: CredentialRow, model: str, table: Table, early_ms: int, late_ms: int
) -> Identification:
    """Everyone that a request names, at least one, with what is known of each between two times."""
    attested = credential.state.attested
    if attested is not None and attested.models is not None and model not in attested.models:
        attested = None
    found, ends = [], []
    for each in _named(naming, credential, table):
        for whom, until_ms in _known(each, attested, early_ms, late_ms):
            found.append(whom)
            if until_ms is not None:
                ends.append(until_ms)
    return Identification(tuple(found), min(ends, default=None))


def members(naming: Naming, credential: CredentialRow, table: Table) -> tuple[str, ...]:
    """The ids of the members that a request names, whatever is known of them."""
    if naming is NOBODY or naming == NOBODY:
        return (credential.member.id,) if credential.member is not None else ()
    return tuple(each.person.id for each in _named(naming, credential, table) if each.person is not None)


def _named(naming: Naming, credential: CredentialRow, table: Table) -> list[_Candidate]:
    organization = credential.grant.organization
    registry = table.registry.get(organization, _EMPTY)
    named = []
    if credential.member is not None:
        named.append(_Candidate(credential.member, Assurance.CREDENTIAL))
    if naming.is_forged:
        named.append(_Candidate(None, Assurance.SELF_ASSERTED, "assertion_invalid"))
    if naming.signed is not None:
        named.append(_signed(naming.signed, credential, table))
    why = "session_named" if naming.is_session else "not_named"
    for identifier in naming.identifiers:
        person = registry.get(identifier)
        if person is None and _is_unnaming(credential, table):
            why = "declared_none"
        else:
            named.append(_Candidate(person, Assurance.ORGANIZATION, "not_registered"))
    if naming.is_unclear:
        named.append(_Candidate(None, Assurance.SELF_ASSERTED, "not_understood"))
    return named or [_Candidate(None, Assurance.SELF_ASSERTED, why)]


def _is_unnaming(credential: CredentialRow, table: Table) -> bool:
    """Whether the organization has declared that the identifiers that it sends with a key name no one."""
    return credential.id in table.unnaming or credential.grant.id in table.unnaming


def _signed(signed: VerifiedAssertion, credential: CredentialRow, table: Table) -> _Candidate:
    organization = credential.grant.organization
    provider = table.providers.get(organization, {}).get(signed.provider)
    is_for_this = signed.credential in (None, credential.id)
    if provider is None or signed.kid not in provider.keys or not is_for_this:
        return _Candidate(None, Assurance.SELF_ASSERTED, "assertion_invalid")
    person = table.registry.get(organization, _EMPTY).get(signed.subject)
    return _Candidate(person, Assurance.IDENTITY_PROVIDER, "not_registered")


def _known(
    named: _Candidate, attested: CredentialAttestation | None, early_ms: int, late_ms: int
) -> Iterator[tuple[Whom, int | None]]:
    """What is known of one of them, and until when; for both bounds of the time, if they differ."""
    person, why = named.person, named.why
    unknown = Standing(UNKNOWN, Assurance.SELF_ASSERTED, None, why)
    claimed = (unknown,) if person is None else standings(person.claims, early_ms, late_ms)
    speaking = [attested]
    if why == "assertion_invalid" or attested is None or not _speaks_of(attested, person, early_ms):
        speaking = [None]
    elif late_ms >= attested.until_ms:
        speaking = [None, attested]
    for found in claimed:
        for said in speaking:
            whom = _whom(named, found, said)
            ends = [each.until_ms for each in (found, said) if each and each.until_ms is not None]
            yield whom, min((end for end in ends if end > late_ms), default=None)


def _speaks_of(attested: CredentialAttestation, person: Person | None, early_ms: int) -> bool:
    if early_ms >= attested.until_ms:
        return False
    return not attested.excluded if person is None else person.id not in attested.excluded


def _whom(named: _Candidate, found: Standing, attested: CredentialAttestation | None) -> Whom:
    """What is claimed of a person, or what is attested if there is no claim. A person's own claim does not
    undo an attestation.
    """
    person = named.person.id if named.person is not None else None
    how = named.how if named.person is not None else Assurance.CREDENTIAL
    if attested is None or (found.assurance > Assurance.SELF_ASSERTED and found.why not in _NOTHING):
        return Whom(person, found.statuses, min(named.how, found.assurance), found.why)
    if found.why in _NOTHING or found.statuses == attested.statuses:
        return Whom(person, attested.statuses, how)
    return Whom(person, found.statuses | attested.statuses | UNKNOWN, how, "disagreeing")


_NOTHING = frozenset(
    {
        *("not_claimed", "expired", "not_named", "session_named", "declared_none", "not_understood"),
        "not_registered",
    }
)
"""The reasons that mean: nothing at all is known of a status."""
_EMPTY: Mapping[bytes, Person] = {}
