"""The statement that moves a ramp."""

from __future__ import annotations

from typing import Annotated, ClassVar

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Json, form, within
from sluicegate_record.statements.statement import Statement, check_text
from sluicegate_record.terms.audience import CONTINUES, PAUSES, RETURNS

MOVES = (PAUSES, CONTINUES, RETURNS)


@form
class RampMove(Statement):
    """An officer pauses a ramp, lets it go on, or takes it back to an earlier share of it, in per cent.

    `previous` is the last statement that moved it, by its digest.
    """

    TYPE: ClassVar = "urn:sluicegate:ramp:v1"

    log: str
    release: str
    stage: str
    says: str
    share: Annotated[int, within(1, 100)] | None = None
    reason: str
    previous: str | None = None

    @property
    def subject(self) -> tuple[str, Json]:
        """The stage, by the whole statement."""
        return f"{self.release}/{self.stage}", self.to_json()

    def check(self) -> None:
        """Check the word, its share and its reason. Raises: BadEnvelope."""
        if self.says not in MOVES:
            raise BadEnvelope(f"one of {', '.join(MOVES)} expected, found {self.says[:40]!r}")
        if (self.share is not None) != (self.says == RETURNS):
            raise BadEnvelope("a share, if a ramp returns to it")
        check_text(self.reason, "a reason")
