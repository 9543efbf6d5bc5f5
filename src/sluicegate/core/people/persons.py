"""Persons: what is claimed of their status, by whom and how well; and what words of an order mean.

Rules:
- A status is a claim of somebody, never a document. One claim an issuer: a newer one takes its place.
- Claims that differ make the status unknown, whoever made them: whom any of them covers is covered, so that a
  correction only narrows. Where time is known between two bounds and a claim ends between them, what is known
  at either counts.
- A definition's name means one thing for good, and carries the source it was read from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from sluicegate_record.directives.status import UNKNOWN, Assurance

SELF = "self"
"""The issuer of what a person says of themselves."""
BY_ORGANIZATION = (Assurance.SELF_ASSERTED, Assurance.ORGANIZATION)
"""How well an organization can claim to know something."""
METHOD = re.compile(r"[a-z0-9]+(-[a-z0-9]+){0,5}")
"""How a status is known: a word such as `document-seen`."""
METHOD_MAX = 40
IDENTIFIER_BYTES = 16
IDENTIFIER_MAX = 512
"""How many characters an identifier in a request may have; a longer one names nobody."""


class Definition(NamedTuple):
    """Which statuses the words of an order mean, and where that is written."""

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
    """A member of an organization, and what is claimed of its status; one claim an issuer.

    `keys` are the ids of the credentials bound to it, oldest first.
    """

    __slots__ = ("claims", "id", "keys", "organization")

    def __init__(self, id_: str, organization: str) -> None:
        self.id = id_
        self.organization = organization
        self.claims: tuple[Claim, ...] = ()
        self.keys: tuple[str, ...] = ()

    def claim(self, claim: Claim) -> None:
        """Take a claim in, in place of the same issuer's."""
        self.claims = (*(each for each in self.claims if each.issuer != claim.issuer), claim)

    def revoke(self, issuer: str) -> None:
        """Forget an issuer's claim."""
        self.claims = tuple(each for each in self.claims if each.issuer != issuer)


class CredentialAttestation(NamedTuple):
    """What an organization's signatory says of everyone able to reach a credential, but for `excluded`.

    `models` None is all models. Units: `until_ms` milliseconds since 1970 UTC, exclusive.
    """

    statuses: frozenset[str]
    models: frozenset[str] | None
    excluded: frozenset[str]
    until_ms: int


class Standing(NamedTuple):
    """What is known of a person's status, and until when that stays so.

    `statuses` are all that it may be, "unknown" among them where that is not known; `why` says what is
    missing then: a key of `SETTLED_BY`.
    """

    statuses: frozenset[str]
    assurance: Assurance
    until_ms: int | None = None
    why: str = ""


SETTLED_BY = {
    "not_named": "name the person: bind the key to a member, send safety_identifier or a signed assertion, "
    "or have your signatory attest the key",
    "not_registered": "register whoever the request names as a member",
    "not_claimed": "attest the member's status",
    "expired": "attest the member's status again: the claim has ended",
    "disagreeing": "the claims differ: whoever is wrong corrects or revokes its own",
    "too_weak": "have it attested, or the person named, with the assurance that the directive asks for",
    "assertion_invalid": "send an assertion that your registered provider signed for this key and that lives",
    "said_unknown": "attest a status other than unknown",
}


def standing(claims: Sequence[Claim], at_ms: int) -> Standing:
    """What claims come to at a time."""
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
    """What claims come to at a time that lies between two bounds: at the late one, and at the early one too
    where that is something else.
    """
    late = standing(claims, late_ms)
    for claim in claims:
        if claim.until_ms is not None and early_ms < claim.until_ms <= late_ms:
            early = standing(claims, early_ms)
            return (late,) if early == late else (late, early)
    return (late,)


def identifier(text: str) -> bytes:
    """What stands for an identifier in entries and tables, 16 bytes: who reads them learns no user name."""
    return sha256(b"sluicegate:v1:person:" + text.encode("utf-8", "surrogatepass")).digest()[
        :IDENTIFIER_BYTES
    ]
