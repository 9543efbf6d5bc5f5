"""The statements that open and close a stage, and close a release."""

from __future__ import annotations

from typing import ClassVar

from sluicegate_record.form import Json, form
from sluicegate_record.statements.statement import Statement, check_text


@form
class StageOpening(Statement):
    """A stage opens, under the terms with this digest."""

    TYPE: ClassVar = "urn:sluicegate:opening:v1"

    log: str
    release: str
    stage: str
    terms: str
    closing: str | None = None
    """The digest of the closing that this opening undoes; of the recall, if the stage is newer than that."""

    @property
    def subject(self) -> tuple[str, Json]:
        """The stage, by the whole opening."""
        return f"{self.release}/{self.stage}", self.to_json()


@form
class StageClosing(Statement):
    """A stage closes, for everyone who uses it."""

    TYPE: ClassVar = "urn:sluicegate:closing:v1"

    log: str
    release: str
    stage: str
    reason: str
    recalls: bool = False
    """Whether the whole release is withdrawn: a stage that comes later waits for an officer, too."""

    @property
    def subject(self) -> tuple[str, Json]:
        """The stage, by the whole closing."""
        return f"{self.release}/{self.stage}", self.to_json()

    def check(self) -> None:
        """Check the reason. Raises: BadEnvelope."""
        check_text(self.reason, "a reason")


@form
class ReleaseClosing(Statement):
    """A release is closed, with the report of this digest."""

    TYPE: ClassVar = "urn:sluicegate:release-closing:v1"

    log: str
    release: str
    report: str

    @property
    def subject(self) -> tuple[str, Json]:
        """The release, by the whole closing."""
        return self.release, self.to_json()
