"""Acts on the end of a release: its report, and closing it."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.fields import ReleaseName
from sluicegate.acts.releases import ReportSaid
from sluicegate_record.entries.closures import ReleaseReport
from sluicegate_record.form import Note, Time, form


@form
class ReportArgument(Arguments):
    """Of which release."""

    release: ReleaseName


@form
class ReportView(ActAnswer):
    """What a release came to: its report as it was closed with, or as it would be now.

    `missing` says why it cannot be closed yet. An officer signs the `digest` of the report to close it, and
    parties sign that afterwards.
    """

    log: str
    release: str
    report: ReleaseReport
    digest: str
    closed_ms: Annotated[Time | None, Note("When it was closed; null if it is not.")] = None
    officer: str | None = None
    said: tuple[ReportSaid, ...] = ()
    missing: str | None = None


@form
class ClosingReceipt(Done):
    """The release is closed, with the report of this digest."""

    release: str
    report: str


REPORT = Act(
    "release.report",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/releases/{release}/report",
    ReportArgument,
    ReportView,
    "Show what a release came to: who was asked, admissions, promises, directives; and who signed that.",
)
CLOSE = Act(
    "release.close",
    frozenset({DEVELOPER}),
    "command",
    "/api/v1/releases/ends",
    SignedStatement,
    ClosingReceipt,
    "Close a release after its last stage, with its report. An officer signs it. It is not opened again.",
)
