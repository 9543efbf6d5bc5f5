"""The statement that opens a stage."""

from __future__ import annotations

from typing import ClassVar

from sluicegate_record.form import Json, form
from sluicegate_record.statements.statement import Statement


@form
class StageOpening(Statement):
    """A stage opens, under the terms with this digest."""

    TYPE: ClassVar = "urn:sluicegate:opening:v1"

    log: str
    release: str
    stage: str
    terms: str

    @property
    def subject(self) -> tuple[str, Json]:
        """The stage, by the whole opening."""
        return f"{self.release}/{self.stage}", self.to_json()
