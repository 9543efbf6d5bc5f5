"""Entries of results of evaluations."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from sluicegate_record.entries.body import Body, Sealed, entry
from sluicegate_record.entries.designations import Raised
from sluicegate_record.form import Note
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.terms.evaluations import EvaluationRun
from sluicegate_record.terms.plan import ModelDigests


@entry("evidence.recorded")
class EvidenceRecorded(Body):
    """A party's result of an evaluation. Whether it counts follows from the plan in force."""

    release: str
    evaluation: str
    party: str
    owner: str
    model: str
    tested: Annotated[ModelDigests, Note("the weights and the safeguards that were tested")]
    run: EvaluationRun
    result: Annotated[str, Note("`PASSED`, `FAILED`, `WARNED`, by the plan when it was recorded")]
    raised: Annotated[Raised, Note("only if the terms in force change by it")] = field(default_factory=dict)
    digest: str
    envelope: Envelope
    sealed_log: Annotated[Sealed | None, Note("the log of the run, sealed to keys that its party chose")] = (
        None
    )


@entry("evidence.withdrawn")
class EvidenceWithdrawn(Body):
    """A party withdraws a result of its own, and says why. It counts no more from then on."""

    release: str
    evidence: Annotated[str, Note("digest of the result")]
    party: str
    owner: str
    reason: str
    raised: Raised = field(default_factory=dict)
    digest: str
    envelope: Envelope
