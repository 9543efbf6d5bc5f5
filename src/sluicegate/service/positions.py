"""What is signed elsewhere and put on the record here: positions, receipts, screenings, notes.

Rules:
- The signature makes it count; the token says who carried it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.positions import Proceed, Receive, RecordPosition, Screen, TranscribePosition
from sluicegate.core.lifecycle.record import AddNote, UseList
from sluicegate.errors import BadEnvelope
from sluicegate.ports import Principal
from sluicegate.service.ledger import Ledger
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import SALT_BYTES, Opening
from sluicegate_record.statements.cases import (
    Position,
    Proceeding,
    Receipt,
    Schedule,
    Screening,
    Transcription,
)
from sluicegate_record.statements.notes import NoteStatement


def record(
    ledger: Ledger,
    principal: Principal,
    command_id: str,
    envelope: dict[str, Any],
    opened: Mapping[str, Any] | None = None,
) -> dict[str, Any] | Refusal:
    """Put a signed statement about a case on the record, by what it states.

    `opened` is `{salt, value}`, what opens its commitment: a sealed reason, the candidates of a screening.
    Raises: BadEnvelope.
    """
    given = Envelope.from_json(envelope)
    what = _opening(opened) if opened is not None else None
    stated = dsse.predicate_type(given)
    if stated == Schedule.TYPE:
        return _schedule(ledger, principal, command_id, given)
    commands: dict[str, Any] = {
        Position.TYPE: lambda: RecordPosition(given, what),
        Transcription.TYPE: lambda: TranscribePosition(given),
        Receipt.TYPE: lambda: Receive(given),
        Proceeding.TYPE: lambda: Proceed(given),
        NoteStatement.TYPE: lambda: AddNote(given),
        Screening.TYPE: lambda: Screen(given, what or Opening(bytes(SALT_BYTES), b"null")),
    }
    if stated not in commands:
        listed = ", ".join(sorted([*commands, Schedule.TYPE]))
        raise BadEnvelope(f"a statement of the type {stated[:80]!r}, expected one of {listed}")
    request = ["record", envelope, opened]
    return ledger.execute(commands[stated](), by=principal.id, command_id=command_id, request=request)


def use_list(
    ledger: Ledger, principal: Principal, command_id: str, name: str, version: str
) -> dict[str, Any] | Refusal:
    """Say which version of a screening list is in use."""
    request = ["list", name, version]
    return ledger.execute(UseList(name, version), by=principal.id, command_id=command_id, request=request)


def _schedule(
    ledger: Ledger, principal: Principal, command_id: str, given: Envelope
) -> dict[str, Any] | Refusal:
    """One position in several cases: each is decided by itself, and a refusal in one stops none."""
    results: list[dict[str, Any]] = []
    stated = Schedule.read(given)
    for case in (each.case for each in stated.cases):
        result = ledger.execute(
            RecordPosition(given, None, case),
            by=principal.id,
            command_id=f"{command_id}/{case}",
            request=["schedule", given.to_json(), case],
        )
        if isinstance(result, Refusal):
            refused = {"code": result.code, "message": result.message, "remedy": result.remedy}
            results.append({"case": case, "refused": refused})
        else:
            results.append(result)
    return {
        "agency": stated.agency,
        "digest": given.digest,
        "cases": results,
        "size": ledger.size(),
        "refused": sum("refused" in result for result in results),
    }


def _opening(opened: Mapping[str, Any]) -> Opening:
    try:
        salt = canonical.unb64(str(opened["salt"]))
    except ValueError as error:
        raise BadEnvelope("a salt that is not base64") from error
    if len(salt) != SALT_BYTES:
        raise BadEnvelope(f"a salt of {SALT_BYTES} bytes expected")
    return Opening(salt, canonical.dumps(opened["value"]))
