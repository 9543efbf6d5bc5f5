"""Entries of findings: reported, answered, overdue."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.directives.received import Outsider
from sluicegate_record.entries.body import Body, Sealed, entry
from sluicegate_record.form import Key, Note, Time, form
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.findings import SealedDetails
from sluicegate_record.terms.findings import Axes
from sluicegate_record.terms.plan import ModelDigests


@form
class OfFinding(Body):
    """A body about a finding, by a party of which `owner` signed it."""

    finding: str
    release: str
    party: str
    owner: str
    digest: str
    envelope: Envelope
    sealed_details: Annotated[
        SealedDetails | None, Key("sealed"), Note("a commitment, and the keys that open it")
    ] = None
    details: Annotated[Sealed | None, Note("sealed to those keys, if not kept by its party")] = None


@entry("finding.reported")
class FindingReported(OfFinding):
    """A weakness of a model or of its safeguards was found, or an organization that misuses its grant.

    Who found it judges its level. `transcribed`: the developer's staff entered it for someone without a key.
    """

    kind: Annotated[str, Note("`jailbreak`, `capability`, `safeguard`, `misuse`, `other`")]
    level: str
    axes: Annotated[Axes | None, Note("of the Cyber Jailbreak Severity draft")] = None
    text: str
    model: Annotated[str | None, Note("unless it is a misuse")] = None
    tested: Annotated[ModelDigests | None, Note("the weights and safeguards on which it was found")] = None
    grant: Annotated[str | None, Note("if it is a misuse")] = None
    transcribed: Annotated[Outsider | None, Note("if it is of someone without a key")] = None


@entry("finding.answered")
class FindingAnswered(OfFinding):
    """The developer acknowledges a finding, asks for detail, disputes or fixes it; who found it gives detail.

    A retest by who found it, or by another party of the plan, closes it (`gone`), or keeps it open.
    """

    says: Annotated[str, Note("`acknowledges`, `asks`, `gives`, `disputes`, `fixes`, `retests`")]
    text: str | None = None
    tested: Annotated[ModelDigests | None, Note("what has the fix, or was tested again")] = None
    outcome: Annotated[str | None, Note("of a retest: `gone`, `persists`")] = None
    transcribed: Annotated[Outsider | None, Note("if it is of someone without a key")] = None


@entry("finding.overdue")
class FindingOverdue(Body):
    """The developer has not acknowledged a finding, or not fixed it, in the time that the plan gives."""

    finding: str
    release: str
    step: Annotated[str, Note("`acknowledge`, `fix`")]
    due_ms: Time
