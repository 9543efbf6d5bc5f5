"""Notes that either side puts on the record beside positions."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Json, form
from sluicegate_record.statements.about import About
from sluicegate_record.statements.statement import Statement, check_text

NOTES = ("request", "call", "meeting", "dissent", "statement", "reasons")


@form
class NoteStatement(Statement):
    """A note from either side: a request, a call, a meeting, a dissent, a statement.

    `on` is the date it happened.
    """

    TYPE: ClassVar = "urn:sluicegate:note:v1"

    log: str
    party: str
    about: About
    kind: str
    on: str
    text: str

    @property
    def subject(self) -> tuple[str, Json]:
        """The stage, case or directive."""
        bound = self.about.to_json()
        return "/".join(bound.values()), bound

    def check(self) -> None:
        """Check that it is about one thing, of a known kind, with a date. Raises: BadEnvelope."""
        if set(self.about.to_json()) not in ({"release", "stage"}, {"case"}, {"directive"}):
            raise BadEnvelope("a note about a release and stage, a case or a directive expected")
        if self.kind not in NOTES:
            raise BadEnvelope(f"a note of the kind {self.kind[:40]!r}, expected one of {', '.join(NOTES)}")
        check_text(self.text, "the text of a note")
        try:
            date.fromisoformat(self.on)
        except ValueError as error:
            raise BadEnvelope("a note whose 'on' is not a date such as 2026-06-24") from error
