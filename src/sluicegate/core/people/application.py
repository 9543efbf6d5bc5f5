"""The applicant: the dossier that an organization gives, sealed in the case."""

from __future__ import annotations

import base64
import hmac
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field, ValidationError

from sluicegate.core.terms import plan
from sluicegate.core.terms.document import Fault, YamlDocument
from sluicegate.core.terms.plan import Country, OnwardAccess, Text, _Strict
from sluicegate_record.log import canonical
from sluicegate_record.terms.plan import Eligibility


class Owner(_Strict):
    """An owner and its share. Units: per cent."""

    name: Text
    registeredIn: Country | None = None  # noqa: N815 - the file format's own name
    share: Annotated[int, Field(ge=1, le=100)]


class Affiliate(_Strict):
    """A body of the same group that will use the model."""

    name: Text
    registeredIn: Country  # noqa: N815 - the file format's own name


class Signatory(_Strict):
    """A person who signs for the organization."""

    name: Text
    title: Text | None = None


class Organization(_Strict):
    """A legal entity that applies: who owns it, who will use the model, where, and for what."""

    name: Text
    registeredIn: Country  # noqa: N815 - the file format's own name
    owners: Annotated[list[Owner], Field(max_length=100)] | None = None
    affiliates: Annotated[list[Affiliate], Field(max_length=100)] | None = None
    worksIn: Annotated[list[Country], Field(max_length=250)] | None = None  # noqa: N815 - likewise
    intendedUse: Text | None = None  # noqa: N815 - the file format's own name
    onwardAccess: OnwardAccess = "none"  # noqa: N815 - the file format's own name
    signatories: Annotated[list[Signatory], Field(max_length=20)] | None = None
    sector: Literal["government", "critical-infrastructure"] | None = None
    """Sectors whose loss of access comes first in the preview of a directive."""


def name_key(name: str) -> str:
    """The common form of all spellings of one legal name: NFKC, without case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def tag_key(log: Ed25519PrivateKey) -> bytes:
    """The secret that keys the tags of legal names, 32 bytes; derived from the log's key, and not stored."""
    return HKDF(SHA256(), 32, None, b"sluicegate:v1:names").derive(log.private_bytes_raw())


def tag(key: bytes, name: str) -> str:
    """The tag of a legal name in entries, 32 hex digits. It is the same for every spelling of the name."""
    return hmac.digest(key, name_key(name).encode(), "sha256").hex()[:32]


def pseudonym(key: bytes, by: str, command: str) -> str:
    """The name of a caller in the entries of one command, such as `applicant_6n3v…`.

    Without the secret that keys the tags, no one can find out who it is, or that two are of one caller.
    """
    role, _, _ = by.partition("_")
    made = hmac.digest(key, canonical.dumps([by, command]), "sha256")[:10]
    return f"{role}_{base64.b32encode(made).decode().lower()}"


def read(document: YamlDocument) -> dict[str, Any]:
    """Check an organization file.

    Raises: InvalidDocument: with the place of every error.
    """
    try:
        given = Organization.model_validate(document.value)
    except ValidationError as error:
        faults = [_fault_of(detail, document.value) for detail in plan.details_of(error)]
        raise document.refuse(faults) from error
    if sum(owner.share for owner in given.owners or ()) > 100:
        raise document.refuse([Fault(("owners",), "shares of at most 100 per cent together", "more")])
    return given.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def _fault_of(detail: plan.Detail, value: Any) -> Fault:
    """One pydantic error. For an unknown field, the text lists the known ones."""
    if detail.type == "extra_forbidden" and len(detail.loc) == 1:
        listed = ", ".join(Organization.model_fields)
        return Fault(detail.loc, f"a field of an organization file: {listed}", repr(detail.loc[0]))
    return plan.fault_of(detail, value)


def ineligible(organization: Mapping[str, Any], eligibility: Eligibility) -> Iterator[str]:
    """Why an organization may not apply under a stage's eligibility: one sentence each."""
    bodies = [organization, *organization.get("affiliates", ())]
    admitted = eligibility.registered_in
    for body in bodies:
        country = body["registeredIn"]
        if admitted is not None and country not in admitted:
            who = "this one" if body is organization else "an affiliate"
            listed = ", ".join(admitted)
            yield f"it admits organizations registered in {listed}, {who} is registered in {country!r}"
    if eligibility.owners is not None and "owners" not in organization:
        above = eligibility.owners.above
        yield f"owners of more than {above} per cent must be named ('owners: []' where there are none)"
    onward, eligible = organization.get("onwardAccess", "none"), eligibility.onward_eligible
    if onward not in eligible:
        yield f"onward access {onward!r} is not eligible, expected one of {', '.join(eligible)}"
