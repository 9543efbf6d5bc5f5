"""What a party last said of a standard or a stage."""

from __future__ import annotations

from sluicegate_record.entries.clearances import ClearanceRecorded
from sluicegate_record.form import Form, Time, form
from sluicegate_record.terms.clearances import CLEARANCES, REPORT


@form
class Clearing(Form):
    """A party's newest word on something. `since_ms`: since when it is so; None if it is not.

    `begun_ms` and `until_ms` are those of an evaluation, `reason` is that of a dissent from a report.
    """

    says: str
    digest: str
    since_ms: Time | None
    version: str | None = None
    begun_ms: Time | None = None
    until_ms: Time | None = None
    reason: str = ""


def key_of(release: str, kind: str, about: str, party: str) -> str:
    """The name under which a party's standing is kept."""
    return f"{release} {kind} {about} {party}"


def after(known: Clearing | None, body: ClearanceRecorded, at_ms: int) -> Clearing:
    """Where a party stands after its word."""
    holds = CLEARANCES[body.says].holds
    goes_on = holds and known is not None and known.since_ms is not None and known.version == body.version
    begun_ms = at_ms if body.says == "begins" else None if known is None else known.begun_ms
    return Clearing(
        says=body.says,
        digest=body.digest,
        since_ms=known.since_ms if goes_on and known is not None else at_ms if holds else None,
        version=body.version,
        begun_ms=begun_ms,
        until_ms=body.until_ms,
        reason=body.reason if CLEARANCES[body.says].kind == REPORT else "",
    )
