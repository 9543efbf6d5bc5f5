"""Persons: what is claimed of their status, who claims it and how well they know;
and what the words of an order mean.

Rules:
- A status is a claim of an issuer, never a document. Each issuer has one claim: a newer one replaces it.
- If claims differ, the status is unknown, no matter who made them. A person is covered if any of the claims
  is covered, so a correction only narrows. If the time is known only between two bounds and a claim ends
  between them, the status at either bound counts.
- The meaning of a definition's name never changes. A definition has the source that it was read from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from sluicegate_record.directives.status import UNKNOWN, Assurance

SELF = "self"
"""The issuer of a person's own claims."""
BY_ORGANIZATION = (Assurance.SELF_ASSERTED, Assurance.ORGANIZATION)
"""How well an organization may claim to know something."""
METHOD = re.compile(r"[a-z0-9]+(-[a-z0-9]+){0,5}")
"""How a status is known: a word such as `document-seen`."""
METHOD_MAX = 40
IDENTIFIER_BYTES = 16
IDENTIFIER_MAX = 512
"""How many characters an identifier in a request may have. A longer one names no one."""


class Definition(NamedTuple):
    """Which statuses the words of an order mean, and the source of that meaning."""

    name: str
    statuses: frozenset[str]
    source: str


DEFINITIONS = {
    "ear-foreign-person": Definition(
        "ear-foreign-person",
        frozenset({"other"}),
        "15 CFR 772.1, 'foreign person'; protected persons are those of 8 U.S.C. 1324b(a)(3)",
    ),
    "us-person": Definition(
        "us-person",
        frozenset({"us_citizen", "us_permanent_resident", "us_protected_person"}),
        "15 CFR 772.1, 'U.S. person' (1): natural persons alone",
    ),
}
"""The definitions every build has; others are put on the record."""


class Claim(NamedTuple):
    """What an issuer says of a person's status.

    `issuer` is `self`, an organization's pseudonym or a provider's id.
    Units: `until_ms` milliseconds since 1970 UTC, exclusive; None is without end.
    """

    issuer: str
    status: str
    assurance: Assurance
    until_ms: int | None


class Person:
    """A member of an organization, and the claims about its status; one claim for each issuer."""

    __slots__ = ("_keys", "claims", "id", "organization")

    def __init__(self, id_: str, organization: str) -> None:
        self.id = id_
        self.organization = organization
        self.claims: tuple[Claim, ...] = ()
        self._keys: str | tuple[str, ...] = ()
        """A key alone is kept without a tuple: almost every member has one."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The ids of the credentials bound to it, oldest first."""
        return (self._keys,) if isinstance(self._keys, str) else self._keys

    def bind(self, key: str) -> None:
        """Bind a credential to it."""
        self._keys = (*self.keys, key) if self._keys else key

    def claim(self, claim: Claim) -> None:
        """Add a claim. It replaces the claim of the same issuer."""
        self.claims = (*(each for each in self.claims if each.issuer != claim.issuer), claim)

    def revoke(self, issuer: str) -> None:
        """Remove an issuer's claim."""
        self.claims = tuple(each for each in self.claims if each.issuer != issuer)


class CredentialAttestation(NamedTuple):
    """What an organization's signatory attests of all persons who can reach a credential,
    except those in `excluded`.

    `models` None is all models. Units: `until_ms` milliseconds since 1970 UTC, exclusive.
    """

    statuses: frozenset[str]
    models: frozenset[str] | None
    excluded: frozenset[str]
    until_ms: int


class Standing(NamedTuple):
    """What is known of a person's status, and until when that is valid.

    `statuses` are all the possible statuses; "unknown" is one of them if the status is not known. Then `why`
    says what is missing: a key of `SETTLED_BY`.
    """

    statuses: frozenset[str]
    assurance: Assurance
    until_ms: int | None = None
    why: str = ""


SETTLED_BY = {
    "not_named": "name the person: bind the key to a member, send safety_identifier or a signed assertion, "
    "or have your signatory attest the key",
    "session_named": "a device and session stand in the place of a person, as agents send them: bind the key "
    "to a member, send a signed assertion, or have your signatory attest the key",
    "declared_none": "the organization has declared that the identifiers that it sends name no person: bind "
    "the key to a member, send a signed assertion, or have your signatory attest the key",
    "not_understood": "a header names a user in a way that is not understood here, or an identifier is "
    "longer than 512 characters: leave it out, and name the person with safety_identifier, metadata.user_id "
    "or a signed assertion",
    "not_registered": "register whoever the request names as a member",
    "not_claimed": "attest the member's status",
    "expired": "attest the member's status again: the claim has ended",
    "disagreeing": "the claims differ: whoever is wrong corrects or revokes its own",
    "too_weak": "have it attested, or the person named, with the assurance that the directive asks for",
    "assertion_invalid": "send an assertion that your registered provider signed for this key and that lives",
    "said_unknown": "attest a status other than unknown",
}


def standing(claims: Sequence[Claim], at_ms: int) -> Standing:
    """What the claims mean at a time."""
    if len(claims) == 1:  # as almost everybody's
        status, assurance, until_ms = claims[0][1:]
        if until_ms is None or at_ms < until_ms:
            why = "said_unknown" if status == "unknown" else ""
            return Standing(frozenset((status,)), assurance, until_ms, why)
    live = [claim for claim in claims if claim.until_ms is None or at_ms < claim.until_ms]
    until_ms = min((claim.until_ms for claim in live if claim.until_ms is not None), default=None)
    if not live:
        why = "expired" if claims else "not_claimed"
        return Standing(UNKNOWN, Assurance.SELF_ASSERTED, None, why)
    statuses = frozenset(claim.status for claim in live)
    assurance = max(claim.assurance for claim in live)
    if len(statuses) > 1:
        return Standing(statuses | UNKNOWN, assurance, until_ms, "disagreeing")
    return Standing(statuses, assurance, until_ms, "said_unknown" if statuses == UNKNOWN else "")


def standings(claims: Sequence[Claim], early_ms: int, late_ms: int) -> tuple[Standing, ...]:
    """What the claims mean at a time between two bounds: at the late bound,
    and also at the early one if it differs.
    """
    late = standing(claims, late_ms)
    for claim in claims:
        if claim.until_ms is not None and early_ms < claim.until_ms <= late_ms:
            early = standing(claims, early_ms)
            return (late,) if early == late else (late, early)
    return (late,)


def identifier(text: str) -> bytes:
    """The form of an identifier in entries and tables, 16 bytes. It does not show the user name."""
    return sha256(b"sluicegate:v1:person:" + text.encode("utf-8", "surrogatepass")).digest()[
        :IDENTIFIER_BYTES
    ]
