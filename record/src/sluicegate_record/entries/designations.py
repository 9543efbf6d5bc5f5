"""Entries of designations: agencies' judgements on what class a model is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate_record.entries.body import Body, Sealed, entry
from sluicegate_record.entries.support import SupportedBody
from sluicegate_record.form import Key, Note
from sluicegate_record.log.dsse import Envelope

Raised = Annotated[
    Mapping[str, str], Note("digests of the terms in force where a level amends the plan's own, by stage")
]


@entry("designation.recorded")
class DesignationRecorded(Body):
    """An agency designates a model of a release, or withdraws that. It is a judgement, and whose it is."""

    release: str
    agency: str
    owner: str
    says: str
    model: Annotated[str, Note("the digest of its weights")]
    class_: Annotated[str, Key("class")]
    comparable_to: Annotated[str | None, Note("the other model")] = None
    statement: str
    sealed_basis: Annotated[str | None, Key("sealed"), Note("a commitment")] = None
    raised: Raised = field(default_factory=dict)
    digest: str
    envelope: Envelope
    basis: Annotated[Sealed | None, Note("if sealed, and not kept by the agency")] = None


@entry("designation.ended")
class DesignationEnded(SupportedBody):
    """A case that reconsidered a designation has ended it."""

    release: str
    designation: Annotated[str, Note("digest of the agency's word")]
    case: str
    raised: Raised = field(default_factory=dict)
