"""The applicant: the dossier that an organization gives, sealed in the case."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from sluicegate.core.people import identifiers
from sluicegate.core.terms import plan, shapes
from sluicegate.core.terms.document import Fault, YamlDocument
from sluicegate.core.terms.plan import OnwardAccess
from sluicegate.core.terms.written import Country, Digest, Strict, Text
from sluicegate_record.log import canonical
from sluicegate_record.terms.plan import Eligibility


class Owner(Strict):
    """An owner and its share. Units: per cent."""

    name: Text
    registeredIn: Country | None = None  # noqa: N815 - the file format's own name
    share: Annotated[int, Field(ge=1, le=100)]


class Affiliate(Strict):
    """A body of the same group that will use the model."""

    name: Text
    registeredIn: Country  # noqa: N815 - the file format's own name


class Signatory(Strict):
    """A person who signs for the organization."""

    name: Text
    title: Text | None = None


class Attachment(Strict):
    """A document that stays with the organization: its name, and the digest by which it is known later."""

    name: Text
    digest: Digest


def _identifier(kind: str) -> AfterValidator:
    def checked(text: str) -> str:
        try:
            return identifiers.KINDS[kind](text)
        except ValueError as error:
            raise PydanticCustomError("identifier", "{expected}", {"expected": str(error)}) from error

    return AfterValidator(checked)


Lei = Annotated[str, Field(max_length=40), _identifier(identifiers.LEI)]
Registration = Annotated[str, Field(max_length=80), _identifier(identifiers.REGISTRY)]


Answer = Annotated[str, Field(min_length=1, max_length=4_000)]
BESIDE = ("criteria", "attachments")
"""The fields of a file that are about an application, and not about its organization."""


class Organization(Strict):
    """A legal entity that applies: who owns it, who will use the model, where, and for what.

    `aliases`, `lei` and `registry` are other names and identifiers, by which a directive may list it.
    `criteria` are its answers to what a stage asks, by the words of each criterion.
    """

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
    kind: Literal["staff"] | None = None
    """The developer's own people. They need a case and a grant, and directives cover them, as everyone."""
    aliases: Annotated[list[Text], Field(max_length=20)] | None = None
    lei: Lei | None = None
    registry: Annotated[list[Registration], Field(max_length=20)] | None = None
    criteria: Annotated[dict[Text, Answer], Field(max_length=100)] | None = None
    attachments: Annotated[list[Attachment], Field(max_length=100)] | None = None


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
        faults = [_fault_of(detail, document.value) for detail in shapes.details_of(error)]
        raise document.refuse(faults) from error
    if sum(owner.share for owner in given.owners or ()) > 100:
        raise document.refuse([Fault(("owners",), "shares of at most 100 per cent together", "more")])
    if given.kind is not None and given.sector is not None:
        expected = f"no sector for the kind {given.kind!r}"
        raise document.refuse([Fault(("sector",), expected, repr(given.sector))])
    return given.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def _fault_of(detail: shapes.Detail, value: Any) -> Fault:
    """One pydantic error. For an unknown field, the text lists the known ones."""
    if detail.type == "extra_forbidden" and len(detail.loc) == 1:
        listed = ", ".join(Organization.model_fields)
        return Fault(detail.loc, f"a field of an organization file: {listed}", repr(detail.loc[0]))
    return plan.fault_of(detail, value)


def dossier(stated: Mapping[str, Any]) -> dict[str, Any]:
    """The sealed part of an application: the organization, its answers and attachments beside it."""
    organization = {name: value for name, value in stated.items() if name not in BESIDE}
    return {"organization": organization, **{name: stated[name] for name in BESIDE if name in stated}}


def other_names(organization: Mapping[str, Any]) -> list[str]:
    """What an organization is also known by, as a list has it: its aliases and identifiers."""
    lei = organization.get("lei")
    found = [*organization.get("aliases", ()), *([] if lei is None else [identifiers.listed("lei", lei)])]
    return [*found, *(identifiers.listed("registry", each) for each in organization.get("registry", ()))]


def ineligible(organization: Mapping[str, Any], eligibility: Eligibility) -> Iterator[str]:
    """Why an organization may not apply under a stage's eligibility: one sentence each."""
    bodies = [organization, *organization.get("affiliates", ())]
    admitted = eligibility.registered_in
    for body in bodies:
        country = body.get("registeredIn", "a country that is not known")
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
