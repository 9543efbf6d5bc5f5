"""`review`: decide cases with your own key. They show first what you sign, checked against the question."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import review as acts
from sluicegate.acts.cases import CaseArgument
from sluicegate.acts.directives import LiftRequest, SignedDirective
from sluicegate.acts.review import (
    ExportedCase,
    ListReceipt,
    ReviewStatement,
    ScheduledPosition,
    StatementReceipt,
)
from sluicegate.cli import wording
from sluicegate.cli.acting import acting, argument, helped
from sluicegate.cli.confirmation import Signed, read_first
from sluicegate.cli.files import read_json, read_text, write_json
from sluicegate.cli.ids import named
from sluicegate.cli.options import one_of, value, word
from sluicegate.cli.output import Json, emit, tell
from sluicegate.cli.question import question, recusal, spelled_out, stage_of, worded
from sluicegate.client import export as exports
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.client.recusal import LEAVES
from sluicegate.core.terms import clocks, document
from sluicegate.core.terms import plan as plans
from sluicegate.errors import InvalidInput, WrongUsage
from sluicegate.statements import cases
from sluicegate.statements.cases import NOTE, NoteWord, Review, ScreeningWord
from sluicegate.statements.kind import about, head
from sluicegate_record.directives.document import Document
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.cases import DECISIONS, NEED_REASON, POSITIONS, Transcription
from sluicegate_record.statements.directives import DirectiveStatement
from sluicegate_record.statements.handovers import Handover
from sluicegate_record.statements.keys import KeyStatement
from sluicegate_record.statements.notes import NOTES
from sluicegate_record.terms import kinds
from sluicegate_record.terms.phrases import plain
from sluicegate_record.terms.text import counted

Case = Annotated[str, argument(CaseArgument, "case")]
Exported = Annotated[Path, word("What 'sluicegate review export' wrote.")]
Key = Annotated[Path, value("--key", "Your private key.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="Where to write it.", show_default=False)]
PositionWord = Annotated[str, value("--position", **one_of(POSITIONS))]
Conditions = Annotated[
    Path | None, value("--conditions", "For approve-with-conditions: a YAML file of them.")
]
Reason = Annotated[
    str, typer.Option("--reason", help="Why. An objection, a question and a recusal need it. It is public.")
]
Sealed = Annotated[
    bool, typer.Option("--sealed", help="Show the reason only to the developer and the agencies asked.")
]
Concern = Annotated[str | None, typer.Option("--concern", help="What an objection is about, such as cyber.")]


@helped(acts.EXPORT)
def export(case: Case, output: Output, as_json: Json = False) -> None:
    exported = _exported(Client(), case)
    write_json(output, exported.to_json())
    text = f"{question(exported)}\nwritten to {output}"
    next_ = f"sluicegate review sign {output} --position … --key … -o …"
    emit({"case": case, "file": str(output)}, as_json, f"{text}\n  next: {next_}")


def receive(case: Case, key: Key, as_json: Json = False) -> None:
    """Sign that you have received a case, and put that on the record. Then your agency's time starts."""
    client = Client()
    exported = _exported(client, case)
    private = signing.private_key(key)
    made = cases.receipt(exported, exports.party_of(exported, private))
    answer = _import(client, signing.for_record(made, private))
    tell(answer, as_json, "\n".join([question(exported), *_time_of(exported, answer)]))


def sign(
    file: Exported,
    position: PositionWord,
    key: Key,
    output: Output,
    reason: Reason = "",
    conditions: Conditions = None,
    sealed: Sealed = False,
    concern: Concern = None,
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Sign your position in an exported case. This needs no network; the key never leaves this machine.

    It shows the question and what you say, and asks before it signs. Where no one can answer, say --yes.
    """
    _check_said(position, reason, conditions)
    exported = exports.read(read_json(file))
    private = signing.private_key(key)
    agency = exports.party_of(exported, private)
    said = Review(position, reason, _conditions(conditions), sealed, concern)
    follows = recusal(exported, agency) if position in LEAVES else ()
    read_first("\n".join([question(exported, agency), *_stated(agency, said), *follows]), yes, as_json)
    write_json(output, signing.position(exported, said, private))
    answer = {
        "case": exported.question.case,
        "agency": agency,
        "position": position,
        "file": str(output),
    }
    text = f"signed; written to {output}"
    if agency in _countersigned(exported):
        text += f"\n  then another of its owners: sluicegate review countersign {output} --key … -o …"
    else:
        text += f"\n  put it on the record: sluicegate review import {output}"
    emit(answer, as_json, text)


def decide(
    case: Case,
    position: PositionWord,
    key: Key,
    reason: Reason = "",
    conditions: Conditions = None,
    sealed: Sealed = False,
    concern: Concern = None,
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Sign your position in a case, and put it on the record: export, sign and import in one.

    It shows the question and what you say, and asks before it signs. Use the three commands where the key is
    on a machine without network, or where a second owner signs too.
    """
    _check_said(position, reason, conditions)
    client = Client()
    exported, private = _exported(client, case), signing.private_key(key)
    agency = exports.party_of(exported, private)
    said = Review(position, reason, _conditions(conditions), sealed, concern)
    if agency in _countersigned(exported):
        raise WrongUsage(
            f"two owners of {agency} must sign",
            remedy=f"'sluicegate review export {case} -o CASE.json', "
            f"'sluicegate review sign CASE.json --position {position} --key KEY -o ONE.json', "
            "'sluicegate review countersign ONE.json --key KEY -o BOTH.json', "
            "'sluicegate review import BOTH.json'",
        )
    follows = recusal(exported, agency) if position in LEAVES else ()
    read_first("\n".join([question(exported, agency), *_stated(agency, said), *follows]), yes, as_json)
    answer = _import(client, signing.position(exported, said, private))
    tell(answer, as_json, _recorded(answer))


def _check_said(position: str, reason: str, conditions: Path | None) -> None:
    """Check that a position comes with what it needs. Raises: WrongUsage."""
    if position in NEED_REASON and not reason.strip():
        raise WrongUsage(f"{NEED_REASON[position]} without a reason", remedy="say --reason TEXT")
    if position == "approve-with-conditions" and conditions is None:
        raise WrongUsage("an approval with conditions without them", remedy="say --conditions FILE")


def schedule(
    files: Annotated[list[Path], word("What 'sluicegate review export' wrote.")],
    position: PositionWord,
    key: Key,
    output: Output,
    reason: Reason = "",
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Sign one position in several exported cases. Each case is shown, and one signature covers all."""
    exported = [exports.read(read_json(file)) for file in files]
    private = signing.private_key(key)
    agency, said = exports.party_of(exported[0], private), Review(position, reason)
    shown = [f"{i}. {question(each, agency)}" for i, each in enumerate(exported, 1)]
    follows = [
        f"in {each.question.case}:\n{line}"
        for each in (exported if position in LEAVES else ())
        for line in recusal(each, agency)
    ]
    read_first("\n".join([*shown, *_stated(agency, said), *follows]), yes, as_json)
    write_json(output, signing.schedule(exported, said, private))
    answer = {
        "cases": [each.question.case for each in exported],
        "agency": agency,
        "position": position,
    }
    text = f"signed in {counted(len(exported), 'case')}; written to {output}"
    emit(
        {**answer, "file": str(output)},
        as_json,
        f"{text}\n  put it on the record: sluicegate review import {output}",
    )


def countersign(
    file: Annotated[Path, word("What was signed.")],
    key: Key,
    output: Output,
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Add a second signature, by another owner, to a signed file. It shows what the file says first.

    This needs no network: two officers sign on two machines, and only the file goes from one to the other.
    """
    given = read_json(file)
    private = signing.private_key(key)
    read_first("\n".join(["this is signed:", *_said_in(given)]), yes, as_json)
    write_json(output, signing.countersigned(given, private))
    signed = Envelope.from_json(given.get("envelope", given))
    next_ = _NEXT.get(dsse.predicate_type(signed), "review import")
    if "directive" in given:
        next_ = f"directive lift {given['directive']} --signed"
    text = f"countersigned; written to {output}"
    emit({"file": str(output)}, as_json, f"{text}\n  put it on the record: sluicegate {next_} {output}")


_NEXT = {
    DirectiveStatement.TYPE: "directive issue",
    KeyStatement.TYPE: "keys import",
    Handover.TYPE: "keys rotate-log --signed",
}
"""The command that puts a signed file on the record, by what it states; for all others `review import`."""


@helped(acts.IMPORT)
def import_position(file: Annotated[Path, word("What was signed.")], as_json: Json = False) -> None:
    given = read_json(file)
    if given.get("kind") == "sluicegate-review":
        raise InvalidInput(
            f"{file} is an exported case, and has no signature",
            remedy=f"sign it, 'sluicegate review sign {file} --position POSITION --key KEY -o FILE', "
            "and import what that writes",
        )
    answer = _import(Client(), given)
    tell(answer, as_json, _recorded(answer))


def refer(
    case: Case,
    to: Annotated[str, value("--to", "The agency that must be asked.")],
    key: Key,
    reason: Annotated[str, value("--reason", "Why. It is public.")],
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Sign that another agency must be asked in a case, too, and put that on the record."""
    client = Client()
    exported = _exported(client, case)
    private = signing.private_key(key)
    agency = exports.party_of(exported, private)
    read_first(f"{question(exported, agency)}\n{agency} refers it to {to}: {reason}", yes, as_json)
    made = cases.referral(exported, to, reason, agency)
    answer = _import(client, signing.for_record(made, private))
    tell(answer, as_json, f"{agency} has referred {case} to {to}")


def decline(case: Case, key: Key, reason: Reason = "", yes: Signed = False, as_json: Json = False) -> None:
    """Sign that a case is not your agency's to decide, and put that on the record."""
    client = Client()
    exported = _exported(client, case)
    private = signing.private_key(key)
    agency, said = exports.party_of(exported, private), Review("decline", reason)
    shown = [question(exported, agency), *_stated(agency, said), *recusal(exported, agency)]
    read_first("\n".join(shown), yes, as_json)
    answer = _import(client, signing.position(exported, said, private))
    tell(answer, as_json, _recorded(answer))


def proceed(
    case: Case,
    reason: Annotated[str, value("--reason", "Why. It is public.")],
    key: Key,
    output: Output,
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Sign, as an officer, to proceed despite silence or objection.

    The basis must be voluntary, or have lapsed.

    A second officer runs 'sluicegate review countersign' on the file that this writes; where the basis has
    lapsed, no one else signs. 'sluicegate review import' puts it on the record.
    """
    exported = _exported(Client(), case)
    private = signing.private_key(key)
    read_first(f"{question(exported)}\nyou proceed; your reason is public: {reason}", yes, as_json)
    write_json(output, signing.for_record(cases.proceeding(exported, reason), private))
    if exported.case.basis == "lapsed":
        next_ = f"then: sluicegate review import {output}"
    else:
        next_ = f"then a second officer: sluicegate review countersign {output} --key … -o …"
    text = f"signed by one officer; written to {output}\n  {next_}"
    emit({"case": case, "file": str(output)}, as_json, text)


def screen(
    case: Case,
    name: Annotated[str, value("--list", "The list compared with.")],
    version: Annotated[str, value("--version", "Its version.")],
    decision: Annotated[str, value("--decision", **one_of(DECISIONS))],
    reason: Annotated[str, value("--reason", "Why. It is public.")],
    key: Key,
    candidates: Annotated[
        Path | None,
        value("--candidates", "The possible matches you looked at, as YAML. They are not public."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Record a person's screening decision in a case: a list proposes, a person decides."""
    client = Client()
    exported = _exported(client, case)
    seen = document.read(read_text(candidates), str(candidates)).value if candidates else []
    if not isinstance(seen, list):
        raise InvalidInput(f"{candidates} holds no list of candidates")
    said = ScreeningWord(case=case, list=name, version=version, decision=decision, reason=reason)
    made = cases.screening(exported, said, seen)
    answer = _import(client, signing.for_record(made, signing.private_key(key)))
    tell(answer, as_json, f"{case} is screened: {decision}; {answer.outcome}")


def _in_use(done: ListReceipt) -> str:
    again = ", ".join(done.reopened) or "none"
    return f"{done.list} {done.version} is in use; records open again: {again}"


use_list = acting(acts.USE_LIST, _in_use, name="name", version="version")


def note(
    kind: Annotated[str, value("--kind", **one_of(NOTES))],
    text: Annotated[str, value("--text", "What happened. It is public.")],
    on: Annotated[str, value("--on", "The date, such as 2026-06-24.")],
    party: Annotated[str, value("--party", "The party you sign for.")],
    key: Key,
    case: Annotated[
        str | None, typer.Option("--case", help="What it is about: a case, …", **named("case"))
    ] = None,
    directive: Annotated[
        str | None, typer.Option("--directive", help="… a directive, …", **named("directive"))
    ] = None,
    release: Annotated[str | None, value("--release", "… or a release …")] = None,
    stage: Annotated[str | None, value("--stage", "… and its stage.")] = None,
    as_json: Json = False,
) -> None:
    """Sign a note about a request, a call, a meeting, a dissent or a statement, and put it on the record."""
    said = NoteWord(kind=kind, on=on, text=text, case=case, directive=directive, release=release, stage=stage)
    if about(said).keys() not in ({"case"}, {"directive"}, {"release", "stage"}):
        remedy = "name one of --case, --directive, or --release with --stage"
        raise WrongUsage("a note is about one thing", remedy=remedy)
    client = Client()
    by = {"log": head(client.do), "party": party}
    answer = signing.say(client, NOTE, said, key, by)
    tell(answer, as_json, f"on the record: {party}, {kind} of {on}")


def _stated(agency: str, said: Review) -> Iterator[str]:
    """What a reviewer adds to the question: the position, its conditions, and its reason."""
    about = f" ({said.concern})" if said.concern else ""
    yield f"{agency} says: {said.word}{about}"
    yield from (f"  condition {name}: {plain(value)}" for name, value in (said.conditions or {}).items())
    if said.reason.strip():
        readers = "only for the developer and the agencies asked" if said.is_sealed else "public"
        yield f"  reason ({readers}): {said.reason}"


def _said_in(given: dict[str, Any]) -> Iterator[str]:
    """What a signed file says, field by field, and what is not public in it."""
    envelope = Envelope.from_json(given.get("envelope", given))
    said = canonical.loads(envelope.payload)
    stated = said.get("predicate") if isinstance(said, dict) else None
    if not isinstance(stated, dict):
        raise InvalidInput("a signed file that holds no statement")
    question = stated.pop("question", None)
    for name, each in {**(question if isinstance(question, dict) else {}), **stated}.items():
        yield from spelled_out(name, worded(each))
    opened = given.get("opened")
    if not isinstance(opened, dict):
        return
    if dsse.predicate_type(envelope) == DirectiveStatement.TYPE:
        yield from _named_in(SignedDirective.from_json(given))
    elif "directive" in given:
        yield _spared_in(LiftRequest.from_json(given), envelope)
    else:
        yield f"  not public: {plain(opened.get('value'))}"


def _named_in(given: SignedDirective) -> Iterator[str]:
    """The names and reasons to which a signed directive commits.

    Raises: InvalidInput: it commits to others.
    """
    stated = DirectiveStatement.read(Envelope.from_json(given.envelope))
    if not Document.check(stated.document).is_opened_by(given.opened):
        said = "the names in the file are not those to which its signed directive commits"
        raise InvalidInput(
            said, remedy="do not sign it; ask for the file that 'sluicegate directive sign' wrote"
        )
    for name, each in given.opened.items():
        yield f"  not public, {name}: {plain(each.value())}"


def _spared_in(given: LiftRequest, envelope: Envelope) -> str:
    """The organizations for which an order is lifted in part, to which a signed word commits.

    Raises: InvalidInput: it commits to others.
    """
    stated = Transcription.read(envelope).question.scope
    committed = None if stated is None else stated.organizations
    found = None if given.opened is None else given.opened.commitment("sealed", "lift.organizations")
    if committed is None or given.opened is None or found != committed.commitment:
        said = "the organizations in the file are not those to which its signed word commits"
        raise InvalidInput(
            said, remedy="do not sign it; ask for the file that 'sluicegate directive lift -o' wrote"
        )
    return f"  not public, organizations: {', '.join(given.opened.value())}"


def _exported(client: Client, case: str) -> ExportedCase:
    """A case, exported and checked."""
    return exports.checked(client.do(acts.EXPORT, CaseArgument(case=case)))


def _import(client: Client, given: dict[str, Any]) -> StatementReceipt:
    """Put an envelope, or one with what opens its commitment, on the record."""
    signed = given if "envelope" in given else {"envelope": given}
    return client.do(acts.IMPORT, ReviewStatement.from_json(signed))


def _conditions(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    given = document.read(read_text(path), str(path))
    if not isinstance(given.value, dict):
        raise InvalidInput(f"{path} holds no conditions, expected such as 'requestsPerMinute: 60'")
    faults = list(plans.condition_faults(given.value))
    if faults:
        raise given.refuse(faults)
    return given.value


def _countersigned(case: ExportedCase) -> tuple[str, ...]:
    """The agencies for which two owners must sign, by the terms that a case is about."""
    if case.terms is None or case.question.kind not in kinds.ABOUT_ONE:
        return ()
    return stage_of(case, case.terms).admission.countersign


def _time_of(case: ExportedCase, done: StatementReceipt) -> list[str]:
    """Until when an agency has to answer, and what follows then."""
    clock = None if case.terms is None else stage_of(case, case.terms).admission.clock
    if not isinstance(done.due_ms, int) or clock is None:
        return [f"{done.agency} has confirmed receipt; no time runs for its answer now"]
    then = wording.silence(clock.silence, [step.name for step in clock.to])
    until = clocks.deadline(done.due_ms, clock.calendar)
    by = clocks.rule(clock.within, clock.unit, clock.calendar)
    return [
        f"{done.agency} has confirmed receipt, and has until {until}, to answer ({by})",
        "  the time stops while it waits for the applicant's answer to a question",
        f"  if it does not answer in time, {then}",
    ]


def _recorded(done: StatementReceipt) -> str:
    if done.cases:
        lines = [f"the schedule of {done.agency} is on the record"]
        for each in done.cases:
            said = each.outcome if each.refused is None else f"refused: {each.refused.message}"
            late = f"; {wording.before(each.unheard)}" if each.unheard else ""
            lines.append(f"  {each.case}: {said}{late}{_uncounted(each)}")
        return "\n".join(lines)
    if done.about is not None:
        return f"the note of {done.party} is on the record"
    who = f"the position of {done.agency}" if done.agency else "what the officers signed"
    if done.transcribed is not None:
        who += f" ({wording.transcript(done.transcribed, done.officers)})"
    lines = [f"{who} in {done.case} is on the record: {done.outcome}"]
    if done.unheard:
        lines.append(f"  it was {wording.before(done.unheard)}")
    if done.stale:
        why = wording.because(done.unheard)
        lines.append(f"  it does not count{why}: export the case again, and sign that")
    return "\n".join(lines)


def _uncounted(said: ScheduledPosition) -> str:
    return f"; it does not count{wording.because(said.unheard)}" if said.stale else ""
