"""Entries of what parties sign about requirements."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.entries.body import Body, entry
from sluicegate_record.form import Note, Time
from sluicegate_record.log.dsse import Envelope


@entry("clearance.recorded")
class ClearanceRecorded(Body):
    """A party's word on a requirement: an adoption, an attestation, an evaluation, a hold."""

    release: str
    party: str
    owner: str
    says: str
    about: Annotated[str, Note("a standard, or a stage")]
    reason: str
    version: Annotated[str | None, Note("of an adopted standard")] = None
    until_ms: Annotated[Time | None, Note("of an evaluation")] = None
    digest: str
    envelope: Envelope
