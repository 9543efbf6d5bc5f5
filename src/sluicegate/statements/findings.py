"""What a party signs of a finding: that it reports it, or what it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from sluicegate.acts import findings
from sluicegate.acts.fields import Identifier, text
from sluicegate.acts.findings import FindingToSignArgument, SignedFinding
from sluicegate.errors import InvalidInput
from sluicegate.statements import words
from sluicegate.statements.kind import (
    How,
    LetterDigest,
    Making,
    On,
    SaidNote,
    StatementKind,
    UnsignedStatement,
    Wording,
    arrival,
    filled,
    options,
    present,
    shown_by,
)
from sluicegate.statements.models import model_of
from sluicegate_record.form import Json, Misread, Note, form
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.findings import (
    ACKNOWLEDGES,
    ASKS,
    DISPUTES,
    FIXES,
    GIVES,
    GONE,
    PERSISTS,
    REPORTS,
    RETESTS,
    FindingStatement,
)
from sluicegate_record.terms.findings import KINDS, MISUSE, Axes
from sluicegate_record.terms.text import REASON_MAX, quoted

Public = Annotated[Annotated[str, text(0, REASON_MAX)] | None, Note("In words that everyone may read.")]


@form
class WordOnFinding(FindingToSignArgument):
    """What you found, or say of a finding. All of it is public: details that only some may read are sealed at
    the command line.
    """

    says: Annotated[str, Note("reports | acknowledges | asks | gives | disputes | fixes | retests")]
    text: Public = None
    kind: Annotated[str | None, Note(" | ".join(KINDS))] = None
    level: Annotated[Identifier | None, Note("How severe it is, by a level of the plan.")] = None
    axes: Annotated[
        Annotated[str, text(0, 20)] | None,
        Note("Capability gain, breadth, weaponization, discoverability, each from 0 to 10, such as 7,4,6,3."),
    ] = None
    model: Annotated[Identifier | None, Note("The model, by its id; none: the only one.")] = None
    grant: Annotated[Identifier | None, Note("Of a misuse: the grant of the organization.")] = None
    outcome: Annotated[str | None, Note("gone | persists")] = None
    reporter: Annotated[
        Annotated[str, text(0, 200)] | None, Note("Of someone without a key: who, and how it came.")
    ] = None
    how: How = ""
    on: On = ""
    digest: LetterDigest = ""
    note: SaidNote = ""


def _finding(making: Making) -> UnsignedStatement:
    said, found = making.said, making.found
    shown = {"log": found.log, "party": found.party, "finding": found.finding, "previous": found.previous}
    given = present(
        says=said.says,
        text=said.text,
        kind=said.kind,
        level=said.level,
        grant=said.grant,
        outcome=said.outcome,
    )
    given |= {"axes": _axes(said.axes)} if said.axes else {}
    if said.says == REPORTS:
        given |= {"release": found.release}
    if said.says == REPORTS and said.kind != MISUSE:
        meant = model_of(found.models, said.model or None)
        given |= {"model": meant.id, "tested": meant.tested.to_json()}
    elif said.says in {FIXES, RETESTS} and found.model is not None:
        given |= {"tested": model_of(found.models, said.model or found.model).tested.to_json()}
    received = arrival(said)
    if (received is None) is bool(said.reporter):
        lacks = "how it came" if received is None else "who it was"
        raise InvalidInput(f"what someone without a key found needs {lacks}, too")
    if received is not None:
        given |= {"transcribed": {"reporter": said.reporter, "received": received.to_json()}}
    return filled(FindingStatement, present(**shown), given)


def _axes(said: str) -> Json:
    """The four scores, in the order of the draft. Raises: InvalidInput."""
    names = ("capabilityGain", "breadth", "weaponization", "discoverability")
    try:
        return Axes.from_json(dict(zip(names, map(int, said.split(",")), strict=True))).to_json()
    except (ValueError, Misread) as error:
        wrong = f"{said[:40]!r} is not the four axes {', '.join(names)}, each from 0 to 10"
        raise InvalidInput(wrong, remedy="such as 7,4,6,3") from error


_FINDINGS = {
    ACKNOWLEDGES: "has received, and looks at,",
    ASKS: "asks for detail of",
    GIVES: "gives detail of",
    DISPUTES: "disputes",
    FIXES: "says that the models in force have a fix of",
    GONE: "has tested again, and finds no more,",
    PERSISTS: "has tested again, and still finds,",
}


def _findings(said: FindingStatement, _: Wording) -> Iterator[str]:
    if said.says == REPORTS:
        yield f"{said.party} reports a finding in {said.release}."
    else:
        yield f"{said.party} {_FINDINGS[said.outcome or said.says]} the finding {said.finding}."
    if said.kind is not None:
        model = f", the model {words.exact(said.model)}" if said.model else ""
        yield f"Its kind is {said.kind}, its level {words.exact(said.level)}{model}."
    if said.text is not None:
        yield f"It is public: {quoted(said.text)}"
    named = ("party", "says", "finding", "release", "outcome", "kind", "level", "model", "text")
    yield from words.fields(said.to_json(), {(each,) for each in named})


def _recorded(envelope: Json, opened: Mapping[str, Opening]) -> SignedFinding:
    return SignedFinding(envelope=envelope, opened=next(iter(opened.values()), None))


_ANSWERS = {ACKNOWLEDGES: "acknowledge", ASKS: "ask", GIVES: "give", DISPUTES: "dispute", FIXES: "fix"}


def _finding_command(said: FindingStatement) -> str:
    outsider = "" if said.transcribed is None else " --for WHO --received HOW --on DAY --note TEXT"
    if said.says == REPORTS:
        of = options({"kind": said.kind, "level": said.level, "model": said.model, "grant": said.grant})
        return f"report {said.release}{of} --text TEXT{outsider}"
    if said.says == RETESTS:
        return f"retest {said.finding} --{said.outcome}"
    text = "" if said.text is None else " --text TEXT"
    return f"{_ANSWERS[said.says]} {said.finding}{text}{outsider}"


FINDING = StatementKind(
    name="finding",
    title="Report a finding, or answer one",
    kind=FindingStatement,
    asks=WordOnFinding,
    look=shown_by(findings.TO_SIGN),
    make=_finding,
    words=_findings,
    act=findings.RECORD,
    after=lambda said: f"/acts/finding.show?finding={said.finding}" if said.finding else "/acts/finding.list",
    command=lambda said: f"sluicegate finding {_finding_command(said)} --key officer.pem",
    asked=_recorded,
)
