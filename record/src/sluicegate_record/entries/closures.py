"""The entry that closes a release, and its report."""

from __future__ import annotations

from typing import Annotated

from sluicegate_record.directives.document import Arrived
from sluicegate_record.entries.body import Body, entry
from sluicegate_record.entries.releases import HeardReferral
from sluicegate_record.form import Form, Note, Time, form
from sluicegate_record.log import canonical
from sluicegate_record.log.dsse import Envelope


@form
class ReportedStage(Form):
    """A stage in a report: when it first opened, who was asked about it, and how many were admitted.

    Agencies were asked in the cases about its terms, also earlier ones, and about its opening. `admitted` and
    `removed` count grants.
    """

    stage: str
    opened_ms: Annotated[Time | None, Note("none if it never opened")] = None
    asked: tuple[str, ...]
    referred: tuple[HeardReferral, ...] = ()
    declined: tuple[str, ...] = ()
    admitted: int = 0
    removed: int = 0


@form
class ReportedPromises(Form):
    """How many promises of a party about a release were kept, or not. `late`: kept after they were broken."""

    party: str
    kept: int = 0
    late: int = 0
    broken: int = 0
    open: int = 0
    void: int = 0


@form
class ReportedDirective(Form):
    """A directive about a model of a release; `how` says how it ended, and `ended` when, if it has.

    `transcribed` says how it arrived, if two officers wrote it down for its issuer.
    """

    directive: str
    issuer: str
    transcribed: Arrived = None
    at_ms: Time
    how: str | None = None
    ended_ms: Time | None = None


@form
class ReleaseReport(Form):
    """What a release came to, computed from the record. `earlier_directives` are left out."""

    stages: tuple[ReportedStage, ...]
    promises: tuple[ReportedPromises, ...] = ()
    directives: tuple[ReportedDirective, ...] = ()
    earlier_directives: int = 0

    @property
    def digest(self) -> str:
        """Its name in what is signed: `sha256:…` of its canonical JSON."""
        return canonical.digest(self.to_json())


@entry("release.closed")
class ReleaseClosed(Body):
    """An officer closes a release after its last stage, with a report that parties sign or dissent from."""

    log: str
    release: str
    report: ReleaseReport
    officer: str
    digest: str
    envelope: Envelope
