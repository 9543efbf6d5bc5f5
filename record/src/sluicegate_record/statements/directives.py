"""Statements that put a directive in force, or confirm a transcribed one, and the report of a drill."""

from __future__ import annotations

from typing import ClassVar

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.form import Exact, Json, Time, form
from sluicegate_record.statements.statement import Statement


@form
class DirectiveStatement(Statement):
    """A directive: its document, with its organizations as a count and a commitment."""

    TYPE: ClassVar = "urn:sluicegate:directive:v1"

    document: dict[str, Json]

    @property
    def subject(self) -> tuple[str, Json]:
        """The directive, by its document."""
        return self.document["metadata"]["name"], self.document

    def check(self) -> None:
        """Check that the document has a name. Raises: BadEnvelope."""
        metadata = self.document.get("metadata")
        if type(metadata) is not dict or type(metadata.get("name")) is not str:
            raise BadEnvelope("a directive statement without a directive document")


@form
class Confirmation(Statement):
    """An issuer confirms what was transcribed: the document by its digest."""

    TYPE: ClassVar = "urn:sluicegate:confirmation:v1"

    log: str
    directive: str
    document: str

    @property
    def subject(self) -> tuple[str, Json]:
        """The directive, by the whole statement."""
        return self.directive, self.to_json()


@form
class DrilledGateway(Exact):
    """A run of a gateway in a drill; `would_cut` counts the streams that it would have cut."""

    gateway: str
    surface: str
    state: str
    at_ms: Time | None
    restored_at_ms: Time | None
    would_cut: int


@form
class DrillReport(Statement):
    """The report of a drill, signed by the log: how long until zero open streams,
    and until access was restored.
    """

    TYPE: ClassVar = "urn:sluicegate:drill:v1"

    log: str
    drill: str
    started_at_ms: Time
    zero_at_ms: Time
    time_to_zero_ms: int
    ended_at_ms: Time
    restored_at_ms: Time
    time_to_restore_ms: int
    gateways: tuple[DrilledGateway, ...]

    @property
    def subject(self) -> tuple[str, Json]:
        """The drill, by the whole report."""
        return self.drill, self.to_json()
