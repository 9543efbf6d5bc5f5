"""Directives: a narrowing of access, as its issuer signs it.

Rules:
- Empty covers nobody and is invalid; so is a model or issuer nobody knows (checked by `core.lifecycle`).
- What the language has but this build does not is refused by name.
- Organizations are named in the clear only to the signer and the control plane: the signed statement
  and the public record carry their count and a commitment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from sluicegate.core import plan, quorum
from sluicegate.core.document import Document, Fault
from sluicegate.core.plan import ModelId, Name, Rule, Text, _Strict
from sluicegate.errors import BadEnvelope

LATER: dict[str, str] = {
    "except": "exceptions",
    "annexes": "annexes",
    "expires": "directives that expire",
    "persons": "person status",
    "registeredIn": "cover by country of registration",
    "tiers": "tiers",
}
"""Fields of the directive language that this build refuses by name, and what they need."""


class OrganizationsCovered(_Strict):
    """The organizations covered, each by its legal name or its id `org_…`."""

    organizations: Annotated[list[Text], Field(min_length=1, max_length=1_000)]


class DirectiveBasis(_Strict):
    """Why the directive binds, and by what authority."""

    kind: Literal["voluntary", "agreed", "order"]
    authority: Text


class Reasons(_Strict):
    """In which form reasons were given, and what may be said of them."""

    form: Literal["written", "verbal", "sealed", "none"]
    summary: Text | None = None


class _CommonSpec(_Strict):
    """What a directive says in either form."""

    issuer: Name
    basis: DirectiveBasis
    action: Literal["suspend"]
    models: Annotated[list[ModelId], Field(min_length=1, max_length=100)]
    surfaces: Literal["all"] | Annotated[list[Name], Field(min_length=1, max_length=50)]
    effective: Literal["immediately"] = "immediately"
    reasons: Reasons
    drain: Literal["PT0S"] = "PT0S"


class DirectiveSpec(_CommonSpec):
    """Who narrows what for whom, and why."""

    covers: Literal["everyone"] | OrganizationsCovered
    liftedBy: Rule | None = None  # noqa: N815 - the directive language's own name


class Committed(_Strict):
    """How many organizations are covered, and the commitment to their names."""

    count: Annotated[int, Field(ge=1)]
    commitment: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class OrganizationsCommitted(_Strict):
    """The organizations covered, as they are signed and published."""

    organizations: Committed


class DirectiveMetadata(_Strict):
    """The directive's name."""

    name: Name


class SignedMetadata(DirectiveMetadata):
    """The directive's name, and the log it is for, by its verifier key."""

    log: Text


class _CommonDirective(_Strict):
    apiVersion: Literal["sluicegate/v1"]  # noqa: N815 - the directive language's own name
    kind: Literal["Directive"]


class Directive(_CommonDirective):
    """A directive as its issuer writes it."""

    metadata: DirectiveMetadata
    spec: DirectiveSpec


class SignedSpec(_CommonSpec):
    """What is signed: organizations as count and commitment, and who lifts it spelled out."""

    covers: Literal["everyone"] | OrganizationsCommitted
    liftedBy: Rule  # noqa: N815 - the directive language's own name


class SignedDirective(_CommonDirective):
    """A directive as it is signed and published."""

    metadata: SignedMetadata
    spec: SignedSpec


def read(document: Document) -> dict[str, Any]:
    """Check a document and return the directive as JSON, defaults filled in.

    Raises: InvalidDocument: with the place of every error.
    """
    faults = list(_faults(document.value))
    if faults:
        raise document.refuse(faults)
    value: dict[str, Any] = Directive.model_validate(document.value).model_dump(
        mode="json", exclude_none=True
    )
    value["spec"].setdefault("liftedBy", {"allOf": [value["spec"]["issuer"]]})
    return value


def named_organizations(document: dict[str, Any]) -> list[str] | None:
    """The organizations a directive names, as written; None where it covers everyone."""
    covers = document["spec"]["covers"]
    return None if covers == "everyone" else covers["organizations"]


def to_sign(document: dict[str, Any], log: str, commitment: str) -> dict[str, Any]:
    """The document as it is signed and published: bound to the log, organizations as count and commitment.

    `log` is the log's verifier key; `commitment` is not looked at where the directive covers everyone.
    """
    bound = {**document, "metadata": {**document["metadata"], "log": log}}
    names = named_organizations(document)
    if names is None:
        return bound
    covers = {"organizations": {"count": len(names), "commitment": commitment}}
    return {**bound, "spec": {**document["spec"], "covers": covers}}


def check_signed(document: dict[str, Any]) -> None:
    """Check a directive as it was signed: nothing in it is ignored.

    Raises: BadEnvelope: with the first error.
    """
    for fault in _faults(document, SignedDirective):
        where = ".".join(map(str, fault.path))
        raise BadEnvelope(f"a signed directive: {where}: expected {fault.expected}, found {fault.found}")


def _faults(value: Any, form: type[Directive | SignedDirective] = Directive) -> Iterator[Fault]:
    try:
        checked = form.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            yield _fault_of(detail, value)
        return
    covers = checked.spec.covers
    names = covers.organizations if isinstance(covers, OrganizationsCovered) else []
    for i, name in enumerate(names):
        if name in names[:i]:
            yield Fault(("spec", "covers", "organizations", i), "each organization once", repr(name)[:80])
    rule = checked.spec.liftedBy
    if rule is not None:
        named = frozenset(member for member in _strings(rule))
        for at, expected, found in quorum.faults(rule, named, ("spec", "liftedBy")):
            yield Fault(at, expected, found)


def _fault_of(detail: ErrorDetails, value: Any) -> Fault:
    detail["loc"] = tuple(step for step in detail["loc"] if step not in _UNION_TAGS)
    last = detail["loc"][-1] if detail["loc"] else ""
    if detail["type"] == "extra_forbidden" and last in LATER:
        return Fault(
            detail["loc"], f"nothing here: this build does not have {LATER[str(last)]} yet", f"{last!r}"
        )
    return plan.fault_of(detail, value)


_UNION_TAGS = {"OrganizationsCovered", "OrganizationsCommitted", "literal['everyone']", "literal['all']"} | {
    "constrained-list",
    "list[constrained-str]",
    "list",
}


def _strings(rule: Any) -> Iterator[str]:
    if isinstance(rule, str):
        yield rule
    elif isinstance(rule, dict):
        for child in rule.values():
            yield from _strings(child)
    elif isinstance(rule, list):
        for child in rule:
            yield from _strings(child)
