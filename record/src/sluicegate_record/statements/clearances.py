"""What a party signs about a requirement of a stage, or about the report of a release that is closed."""

from __future__ import annotations

from typing import ClassVar

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Json, Time, form
from sluicegate_record.statements.statement import Statement, check_text
from sluicegate_record.terms.clearances import ADOPTED, CLEARANCES

NAME_MAX = 100


@form
class Clearance(Statement):
    """A party's word on a standard, a stage or the report of a release.

    `previous` is its last one, by its digest.

    `version` is that of an adopted standard; `until_ms` how long an evaluation may take at most from now on.
    """

    TYPE: ClassVar = "urn:sluicegate:clearance:v1"

    log: str
    release: str
    party: str
    says: str
    about: str
    reason: str = ""
    version: str | None = None
    until_ms: Time | None = None
    previous: str | None = None

    @property
    def subject(self) -> tuple[str, Json]:
        """What it is about, by the whole statement."""
        return f"{self.release}/{self.about}", self.to_json()

    def check(self) -> None:
        """Check what the types do not say. Raises: BadEnvelope."""
        word = CLEARANCES.get(self.says)
        if word is None:
            raise BadEnvelope(f"one of {', '.join(CLEARANCES)} expected, found {self.says[:40]!r}")
        check_text(self.about, "what it is about", most=NAME_MAX)
        check_text(self.reason, "a reason", least=self.says == "dissents")
        if (self.version is not None) != (word.kind == ADOPTED and word.holds):
            raise BadEnvelope("a version, of a standard that is adopted")
        if self.version is not None:
            check_text(self.version, "a version", most=NAME_MAX)
        if self.until_ms is not None and self.says not in {"begins", "extends"}:
            raise BadEnvelope("an end of what is neither begun nor extended")
