"""What is signed in a case: a position, one in several cases, a receipt, a referral; and what officers sign:
a proceeding, a letter, a screening, a note.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from sluicegate.acts import cases, review
from sluicegate.acts.act import Arguments, AskAct
from sluicegate.acts.cases import CaseArgument, CaseName, CaseView
from sluicegate.acts.fields import Day, Identifier, some, text
from sluicegate.acts.review import CaseToSign, ExportedCase, ReviewStatement
from sluicegate.errors import InvalidInput
from sluicegate.statements import words
from sluicegate.statements.kind import (
    How,
    LetterDigest,
    Making,
    MaybeReason,
    On,
    Reason,
    SaidNote,
    StatementKind,
    UnsignedStatement,
    Wording,
    about,
    arrival,
    check_opened,
    developer,
    filled,
    head,
    options,
    present,
    public,
    shown_by,
)
from sluicegate_record.directives.phrases import asked, part
from sluicegate_record.directives.received import Arrival
from sluicegate_record.entities.key import OWNERS_TOGETHER
from sluicegate_record.entities.proceedings import CONSENT
from sluicegate_record.form import Json, Note, form, within
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.cases import (
    DECISIONS,
    POSITIONS,
    Position,
    Proceeding,
    Receipt,
    Referral,
    Schedule,
    ScheduledCase,
    Screening,
    Transcription,
)
from sluicegate_record.statements.notes import NOTES, NoteStatement
from sluicegate_record.statements.question import Question
from sluicegate_record.terms import kinds
from sluicegate_record.terms.conditions import REQUESTS_PER_MINUTE_MAX
from sluicegate_record.terms.text import counted, quoted

_PLACE = ("release", "stage", "surface", "directive", "grant", "member")
_exported = shown_by(review.EXPORT)
_QUESTION_SAID = frozenset((each,) for each in ("case", "kind", "party", *_PLACE))


def reviewed(envelope: Json, opened: Mapping[str, Opening]) -> Arguments:
    """What is asked to put a statement on the record: beside it what opens its one commitment."""
    return ReviewStatement(envelope=envelope, opened=next(iter(opened.values()), None))


def _case_page(said: Any) -> str:
    return f"/cases/{said.question.case}"


def _asked(question: Question, wording: Wording) -> tuple[CaseView, str]:
    """The case of a question, and what it is in words."""
    case = wording.ask(cases.SHOW, CaseArgument(case=question.case))
    whose = "" if case.organization is None else f" of {quoted(case.organization)}"
    about = {name: getattr(question, name) for name in _PLACE}
    where = ", ".join(
        f"the {name} {words.exact(each)}{_part(question) if name == 'directive' else ''}"
        for name, each in about.items()
        if each
    )
    return case, f"the case {question.case}{whose}, about {where}"


def _question(question: Question) -> str:
    """What a case asks, in words."""
    return asked(kinds.KINDS[question.kind].asks, question.scope)


def _part(question: Question) -> str:
    """Which part of its directive a question is about, after the directive's name."""
    said = part(question.scope)
    return f" {said}" if said else ""


def _rest(said: Any, own: frozenset[str]) -> Iterator[str]:
    """The fields of a question, and those of a statement that no sentence names."""
    if said.question.party:
        yield f"It is bound to what the applicant sent by this commitment: {words.exact(said.question.party)}"
    yield from words.fields(said.question.to_json(), _QUESTION_SAID)
    yield from words.fields(said.to_json(), {("question",), *((each,) for each in own)})


# To proceed


@form
class ProceedingWord(CaseArgument):
    """In which case you proceed, and why."""

    reason: Reason


def _proceeding(making: Making) -> UnsignedStatement:
    return proceeding(making.found, making.said.reason.strip())


def proceeding(case: CaseToSign, reason: str) -> UnsignedStatement:
    """The decision of officers to proceed in a case."""
    return UnsignedStatement(Proceeding(question=case.question, reason=reason))


def _proceeds(said: Proceeding, wording: Wording) -> Iterator[str]:
    case, where = _asked(said.question, wording)
    yield f"You proceed in {where}: you answer its question with yes."
    yield f"The question: {_question(said.question)}"
    over = [f"{agency}, which {says}" for agency, says in _overridden(case)]
    yield f"You override {'; '.join(over)}." if over else "You override no agency: each has said yes."
    yield from public(said.reason)
    yield from _rest(said, frozenset({"reason"}))


def _overridden(case: CaseView) -> Iterator[tuple[str, str]]:
    """The agencies that are asked in a case and do not say yes now, each with what it says."""
    newest = {each.agency: each for each in case.positions if not each.superseded}
    for agency in sorted(case.parties):
        stated = newest.get(agency)
        if stated is None:
            yield agency, "is silent"
        elif stated.position not in CONSENT:
            yield agency, f"says: {stated.position.replace('-', ' ')}"
        elif stated.stale:
            yield agency, "has to sign its yes again"


def _to_proceed(said: Proceeding, ask: AskAct, _: Collection[str]) -> int:
    """Two officers proceed; where the basis has lapsed, one decides alone."""
    lapsed = ask(cases.SHOW, CaseArgument(case=said.question.case)).basis == "lapsed"
    return 1 if lapsed else OWNERS_TOGETHER


# The developer's own position


@form
class PositionWord(CaseArgument):
    """In which case the developer takes a position, and which. With conditions it is a yes to these."""

    position: Annotated[str, Note(" | ".join(POSITIONS))]
    reason: MaybeReason = ""
    sealed: Annotated[bool, Note("Only the developer and the agencies that are asked read the reason.")] = (
        False
    )
    concern: Annotated[
        Identifier | None, Note("What an objection is about, where the plan has concerns.")
    ] = None
    requests_per_minute: Annotated[
        Annotated[int, within(1, REQUESTS_PER_MINUTE_MAX)] | None,
        Note("As a condition: how many requests a minute at most."),
    ] = None
    valid_for: Annotated[
        Annotated[str, text(0, 32)] | None, Note("As a condition: for how long, such as P30D.")
    ] = None


class _CaseOfParty(NamedTuple):
    """A case, and the party that says something in it."""

    case: ExportedCase
    party: str


def _of_developer(ask: AskAct, said: CaseArgument) -> _CaseOfParty:
    return _CaseOfParty(_exported(ask, said), developer(ask))


def _position(making: Making) -> UnsignedStatement:
    said, (case, party) = making.said, making.found
    if party not in (asked := case.case.parties):
        wrong = f"{party} is not asked in this case: {', '.join(sorted(asked))}"
        raise InvalidInput(wrong, remedy="who is not asked takes no position; a note is on the record, too")
    reason = said.reason.strip()
    conditions = present(requestsPerMinute=said.requests_per_minute, validFor=said.valid_for)
    is_sealed = said.sealed and bool(reason)
    return position(case, Review(said.position, reason, conditions or None, is_sealed, said.concern), party)


@dataclass(frozen=True, slots=True)
class Review:
    """A reviewer's position, its reason, and its conditions; `is_sealed` if the reason is not public.

    `concern` is what an objection is about.
    """

    word: str
    reason: str = ""
    conditions: dict[str, Any] | None = None
    is_sealed: bool = False
    concern: str | None = None


def position(case: CaseToSign, said: Review, party: str) -> UnsignedStatement:
    """The position of a party in a case."""
    opened = Opening(secrets.token_bytes(32), canonical.dumps(said.reason)) if said.is_sealed else None
    stated = Position(
        question=case.question,
        agency=party,
        position=said.word,
        reason="" if said.is_sealed else said.reason,
        previous=case.previous.get(party),
        conditions=said.conditions,
        sealed=opened.commitment("sealed", "reason") if opened else None,
        said=case.said,
        concern=said.concern,
    )
    return UnsignedStatement(stated, {} if opened is None else {"reason": opened})


def schedule(asked: Sequence[CaseToSign], said: Review, party: str) -> UnsignedStatement:
    """One position of a party in several cases. Raises: InvalidInput."""
    if said.is_sealed or said.conditions or said.concern:
        raise InvalidInput("the reason of a schedule is public, and it has no conditions and no concern")
    listed = tuple(
        ScheduledCase(
            case=each.question.case,
            question=each.question.digest,
            previous=each.previous.get(party),
            said=each.said,
        )
        for each in asked
    )
    log = asked[0].question.log
    return UnsignedStatement(
        Schedule(log=log, agency=party, position=said.word, reason=said.reason, cases=listed)
    )


def receipt(case: CaseToSign, party: str) -> UnsignedStatement:
    """That a party has received a case."""
    return UnsignedStatement(Receipt(question=case.question, agency=party))


def referral(case: CaseToSign, to: str, reason: str, party: str) -> UnsignedStatement:
    """That a party has another one asked, too."""
    return UnsignedStatement(
        Referral(question=case.question, agency=party, to=to, reason=reason, said=case.said)
    )


def _positions(said: Position, wording: Wording) -> Iterator[str]:
    _, where = _asked(said.question, wording)
    yield f"{said.agency} says in {where}: {said.position.replace('-', ' ')}."
    yield f"The question: {_question(said.question)}"
    conditions = (said.conditions or {}).items()
    yield from (f"On the condition: {words.named(name)} {words.exact(each)}" for name, each in conditions)
    yield from public(said.reason)
    hidden = check_opened(said.sealed, wording.opened, "reason")
    if hidden is not None:
        yield f"Your reason, which only those who are asked read: {words.exact(hidden)}"
    if said.said is not None:
        yield f"You have seen what was said in the case before: {counted(said.said.count, 'contribution')}."
    yield from _rest(said, frozenset({"agency", "position", "conditions", "reason"}))


def _how(said: Position) -> str:
    """The options of the command that says a position: what belongs to it."""
    sealed = "" if said.sealed is None else " --sealed"
    reason = " --reason WHY" if sealed or said.reason else ""
    conditions = " --conditions FILE" if said.conditions else ""
    return reason + sealed + conditions + options({"concern": said.concern})


# What someone else has said


@form
class TranscriptionWord(CaseArgument):
    """In which case about lifting an order, what its issuer said, and how that arrived."""

    position: Annotated[str, Note("approve | object")]
    how: How
    on: On
    digest: LetterDigest = ""
    note: SaidNote = ""


def _transcription(making: Making) -> UnsignedStatement:
    received = arrival(making.said)
    assert received is not None
    return transcription(making.found, making.said.position, received)


def transcription(case: CaseToSign, word: str, received: Arrival) -> UnsignedStatement:
    """What the issuer of a transcribed order said about lifting it. Raises: InvalidInput: another case."""
    if case.document is None:
        wrong = "only what the issuer of an order says about lifting it is written down"
        raise InvalidInput(wrong, remedy="in other cases each agency signs its position itself")
    issuer = case.document.spec.issuer
    stated = Transcription(
        question=case.question,
        agency=issuer,
        position=word,
        previous=case.previous.get(issuer),
        received=received,
    )
    return UnsignedStatement(stated)


def _transcribes(said: Transcription, wording: Wording) -> Iterator[str]:
    _, where = _asked(said.question, wording)
    does = "agrees to" if said.position == "approve" else "objects to"
    yield f"You write down, as two officers, that {said.agency} {does} what {where} asks."
    yield f"The question: {_question(said.question)}"
    if said.question.scope is None:
        yield "It is about the whole directive."
    yield f"It came as a {said.received.how} of {said.received.on}."
    if said.received.digest:
        yield f"The document has the digest {said.received.digest}."
    if said.received.note:
        yield f"Of it was noted: {quoted(said.received.note)}"
    yield from _rest(said, frozenset({"agency", "position", "received"}))


def _lift_command(said: Transcription) -> str:
    """No command says that an issuer objects: `directive lift` only says that it agrees."""
    scope = said.question.scope
    if said.position != "approve":
        return ""
    parts = (
        ()
        if scope is None
        else (("model", scope.models), ("surface", scope.surfaces), ("annex", scope.annexes))
    )
    only = "".join(options({name: each}) for name, found in parts for each in found or ())
    names = "" if scope is None or scope.organizations is None else " --organizations FILE"
    given = " --document LETTER" if said.received.digest else " --note TEXT"
    how = options({"how": said.received.how, "on": said.received.on})
    lift = f"sluicegate directive lift {said.question.directive}{only}{names}{given}{how}"
    return f"{lift} --key first.pem --key second.pem"


# A screening


@form
class ScreeningWord(CaseArgument):
    """What you decide after you have compared the applicant with a list: it proposes, a person decides."""

    list: Annotated[Annotated[str, text(1, 100)], Note("The list compared with.")]
    version: Annotated[Annotated[str, text(1, 100)], Note("Its version.")]
    decision: Annotated[str, Note(" | ".join(DECISIONS))]
    reason: Reason
    candidates: Annotated[
        Annotated[tuple[str, ...], some(Annotated[str, text(1, 500)], 0, 1_000)],
        Note("The possible matches that you looked at, one on a line. They are not public."),
    ] = ()


def _screening(making: Making) -> UnsignedStatement:
    said = making.said
    return screening(making.found, said, said.candidates)


def screening(case: CaseToSign, said: ScreeningWord, candidates: Sequence[Any]) -> UnsignedStatement:
    """A decision about an applicant, and the possible matches that who decided has seen."""
    opened = Opening(secrets.token_bytes(32), canonical.dumps(list(candidates)))
    stated = Screening(
        question=case.question,
        list=said.list,
        version=said.version,
        decision=said.decision,
        reason=said.reason,
        candidates=opened.commitment("sealed", "candidates"),
    )
    return UnsignedStatement(stated, {"candidates": opened})


def _screens(said: Screening, wording: Wording) -> Iterator[str]:
    _, where = _asked(said.question, wording)
    against = f"the list {words.exact(said.list)}, version {words.exact(said.version)}"
    yield f"You have compared the applicant of {where} with {against}, and decide: {said.decision}."
    yield f"The case asks: {_question(said.question)}"
    seen = check_opened(said.candidates, wording.opened, "candidates")
    yield f"You looked at, not public: {words.exact(seen) if seen else 'no possible match'}"
    yield from public(said.reason)
    yield from _rest(said, frozenset({"list", "version", "decision", "reason"}))


# A note


@form
class NoteWord(Arguments):
    """What happened, when, and about what: a case, a directive, or a stage."""

    kind: Annotated[str, Note(" | ".join(NOTES))]
    on: Annotated[Day, Note("The day, such as 2026-06-24.")]
    text: Annotated[str, text(1, 2_000), Note("What happened. It is public.")]
    case: CaseName | None = None
    directive: Annotated[Identifier | None, Note("The directive's name.")] = None
    release: Annotated[Identifier | None, Note("The release, with its stage.")] = None
    stage: Annotated[Identifier | None, Note("The stage of the release.")] = None


def _by_developer(ask: AskAct, _: NoteWord) -> dict[str, Json]:
    return {"log": head(ask), "party": developer(ask)}


def _note(making: Making) -> UnsignedStatement:
    return filled(NoteStatement, making.said.to_json(), making.found, {"about": about(making.said)})


def _notes(said: NoteStatement, _: Wording) -> Iterator[str]:
    of = ", ".join(f"the {name} {words.exact(each)}" for name, each in said.about.to_json().items())
    yield f"{said.party} notes a {said.kind} of {said.on}, about {of}."
    yield f"It is public: {quoted(said.text)}"
    yield from words.fields(said.to_json(), {("party",), ("kind",), ("on",), ("about",), ("text",)})


def _noted(said: NoteStatement) -> str:
    if said.about.case:
        return f"/cases/{said.about.case}"
    return f"/directives/{said.about.directive}" if said.about.directive else f"/board/{said.about.release}"


PROCEEDING = StatementKind(
    name="proceeding",
    title="Decide over silence or objection",
    kind=Proceeding,
    asks=ProceedingWord,
    look=_exported,
    make=_proceeding,
    words=_proceeds,
    act=review.IMPORT,
    after=_case_page,
    command=lambda said: (
        f"sluicegate review proceed {said.question.case} --reason WHY --key officer.pem -o signed.json"
    ),
    asked=reviewed,
    needed=_to_proceed,
)
POSITION = StatementKind(
    name="position",
    title="Say what the developer says in a case",
    kind=Position,
    asks=PositionWord,
    look=_of_developer,
    make=_position,
    words=_positions,
    act=review.IMPORT,
    after=_case_page,
    command=lambda said: (
        f"sluicegate review export {said.question.case} -o case.json; "
        f"sluicegate review sign case.json --position {said.position}{_how(said)} "
        "--key officer.pem -o signed.json"
    ),
    asked=reviewed,
)
TRANSCRIPTION = StatementKind(
    name="transcription",
    title="Write down what an issuer says about lifting its order",
    kind=Transcription,
    asks=TranscriptionWord,
    look=_exported,
    make=_transcription,
    words=_transcribes,
    act=review.IMPORT,
    after=_case_page,
    command=_lift_command,
    asked=reviewed,
    needed=lambda *_: OWNERS_TOGETHER,
)
SCREENING = StatementKind(
    name="screening",
    title="Screen an applicant",
    kind=Screening,
    asks=ScreeningWord,
    look=_exported,
    make=_screening,
    words=_screens,
    act=review.IMPORT,
    after=_case_page,
    command=lambda said: (
        f"sluicegate screening record {said.question.case} --list LIST --version VERSION "
        f"--decision {said.decision} --reason WHY --key officer.pem"
    ),
    asked=reviewed,
)
NOTE = StatementKind(
    name="note",
    title="Note a request, a call, a meeting or reasons",
    kind=NoteStatement,
    asks=NoteWord,
    look=_by_developer,
    make=_note,
    words=_notes,
    act=review.IMPORT,
    after=_noted,
    command=lambda said: (
        f"sluicegate review note --kind {said.kind} --text TEXT --on {said.on} "
        f"--party {said.party}{options(said.about.to_json())} --key officer.pem"
    ),
    asked=reviewed,
)
STATEMENTS = (POSITION, PROCEEDING, TRANSCRIPTION, SCREENING, NOTE)
