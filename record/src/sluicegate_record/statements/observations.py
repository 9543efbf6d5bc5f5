"""What an observer signs: what it asked a surface for with a key of its own, and what it got."""

from __future__ import annotations

import re
from typing import ClassVar

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Json, form
from sluicegate_record.statements.statement import Statement, check_text
from sluicegate_record.terms.observations import (
    ANSWERED,
    FAILED,
    OUTCOMES,
    REFUSED,
    WAYS,
    Probe,
    ProbeOutcome,
)

NAME_MAX = 128
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,200}", re.ASCII)


@form
class ObservationStatement(Statement):
    """A party asked for a model, and says what it got. It is signed just after the answer.

    `size` is that of the log that it had seen before it asked. `previous` is its newest word on the probe
    that is on the record.
    """

    TYPE: ClassVar = "urn:sluicegate:observation:v1"

    log: str
    observer: str
    probe: Probe
    outcome: ProbeOutcome
    size: int
    previous: str | None = None

    @property
    def subject(self) -> tuple[str, Json]:
        """The probe, by the whole statement."""
        return f"{self.probe.model} on {self.probe.surface} at {self.probe.address}", self.to_json()

    def check(self) -> None:
        """Check its words, its names, and that it says when it was signed. Raises: BadEnvelope."""
        if self.signed_at_ms is None:
            raise BadEnvelope("an observation that does not say when it was signed")
        if self.outcome.got not in OUTCOMES:
            raise BadEnvelope(f"an observation of {self.outcome.got[:40]!r}, expected {', '.join(OUTCOMES)}")
        if self.probe.expects not in {ANSWERED, REFUSED} or self.probe.ask not in WAYS:
            raise BadEnvelope("a probe that asks or expects otherwise than this build knows")
        if not _ADDRESS.fullmatch(self.probe.address):
            raise BadEnvelope(
                f"the address {self.probe.address[:80]!r}, expected a scheme, a host and a port"
            )
        said, probe = self.outcome, self.probe
        texts = (probe.release, probe.model, probe.surface, probe.point, probe.programme, probe.covered_by)
        for text in (*texts, said.reason, said.directive, said.model, said.programme):
            if text is not None:
                check_text(text, "the names in an observation", most=NAME_MAX)
        if min(self.size, said.size or 0) < 0 or not 100 <= (said.status or 100) <= 599:
            raise BadEnvelope("a size or an HTTP status that is none")
        if said.got != FAILED and said.status is None:
            raise BadEnvelope("an answer or a refusal without its HTTP status")
