"""What is signed elsewhere and put on the record here: positions, receipts, screenings, notes.

Rules:
- The signature makes it count; the token says who carried it.
"""

from __future__ import annotations

from collections.abc import Callable

from sluicegate.acts import review as acts
from sluicegate.acts.review import (
    ListInUse,
    ListReceipt,
    RefusalView,
    ReviewStatement,
    ScheduledPosition,
    StatementReceipt,
)
from sluicegate.core.lifecycle import Command, Refusal
from sluicegate.core.lifecycle.positions import Proceed, Receive, RecordPosition, Screen, TranscribePosition
from sluicegate.core.lifecycle.record import AddNote, UseList
from sluicegate.core.lifecycle.referrals import Refer
from sluicegate.errors import BadEnvelope
from sluicegate.service.context import Context, does
from sluicegate_record.log import dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import SALT_BYTES, Opening
from sluicegate_record.statements.cases import (
    Position,
    Proceeding,
    Receipt,
    Referral,
    Schedule,
    Screening,
    Transcription,
)
from sluicegate_record.statements.notes import NoteStatement

_COMMANDS: dict[str, Callable[[Envelope, Opening | None], Command]] = {
    Position.TYPE: RecordPosition,
    Transcription.TYPE: lambda given, _: TranscribePosition(given),
    Referral.TYPE: lambda given, _: Refer(given),
    Receipt.TYPE: lambda given, _: Receive(given),
    Proceeding.TYPE: lambda given, _: Proceed(given),
    NoteStatement.TYPE: lambda given, _: AddNote(given),
    Screening.TYPE: lambda given, what: Screen(given, what or Opening(bytes(SALT_BYTES), b"null")),
}


@does(acts.IMPORT)
def record(context: Context[StatementReceipt], asked: ReviewStatement) -> StatementReceipt | Refusal:
    """Put a signed statement about a case on the record, by what it states.

    `opened` is what opens its commitment: a sealed reason, the candidates of a screening.
    Raises: BadEnvelope.
    """
    given = Envelope.from_json(asked.envelope)
    stated = dsse.predicate_type(given)
    if stated == Schedule.TYPE:
        return _schedule(context, given)
    if stated not in _COMMANDS:
        listed = ", ".join(sorted([*_COMMANDS, Schedule.TYPE]))
        raise BadEnvelope(f"a statement of the type {stated[:80]!r}, expected one of {listed}")
    return context.execute(_COMMANDS[stated](given, asked.opened))


@does(acts.USE_LIST)
def use_list(context: Context[ListReceipt], asked: ListInUse) -> ListReceipt | Refusal:
    """Say which version of a screening list is in use."""
    return context.execute(UseList(asked.name, asked.version))


def _schedule(context: Context[StatementReceipt], given: Envelope) -> StatementReceipt:
    """One position in several cases: each is decided by itself, and a refusal in one stops none.

    Who came first is decided on first, in whatever order the schedule names them: there may be one seat left.
    """
    stated = Schedule.read(given)
    with context.ledger.reading() as state:
        came = {name: case.seq for each in stated.cases if (case := state.cases.get(name := each.case))}
    done = {
        each.case: _scheduled(context, given, each.case)
        for each in sorted(stated.cases, key=lambda each: came.get(each.case, state.size))
    }
    results = tuple(done[each.case] for each in stated.cases)
    return StatementReceipt(
        size=context.ledger.size(),
        agency=stated.agency,
        digest=given.digest,
        cases=results,
        refused=sum(each.refused is not None for each in results),
    )


def _scheduled(context: Context[StatementReceipt], given: Envelope, case: str) -> ScheduledPosition:
    """The position of a schedule in one of its cases, under a command id of its own."""
    result = context.ledger.execute(
        RecordPosition(given, None, case),
        by=context.principal.id,
        command_id=f"{context.command_id}/{case}",
        request=["schedule", given.to_json(), case],
        charge=context.charge(),
    )
    if isinstance(result, Refusal):
        refused = RefusalView(code=result.code, message=result.message, remedy=result.remedy)
        return ScheduledPosition(case=case, refused=refused)
    return ScheduledPosition.from_json(result)
