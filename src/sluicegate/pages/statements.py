"""Statements that officers of the developer sign on pages: how each is made, and what it says in words.

Rules:
- What a page shows of a statement is read from the bytes that are signed.
- A name that the record will not have is shown only if it is one that was committed to.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sluicegate.acts import cases, directives, log, outlook, releases, review
from sluicegate.acts.act import AnyAct, Arguments, Nothing
from sluicegate.acts.cases import CaseArgument, CaseView
from sluicegate.acts.directives import DirectiveArgument, SignedDirective
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.releases import ReleaseArgument, StageArgument, StageStatus
from sluicegate.acts.review import ReviewStatement
from sluicegate.core.directives import annex, directive
from sluicegate.core.people.persons import Definition
from sluicegate.errors import InvalidInput
from sluicegate.pages import words
from sluicegate.pages.page import AskAct
from sluicegate_record.directives.document import Document
from sluicegate_record.directives.phrases import covered
from sluicegate_record.directives.received import Arrival
from sluicegate_record.entities.proceedings import CONSENT
from sluicegate_record.errors import NotCanonical
from sluicegate_record.form import Json, Misread
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Opening
from sluicegate_record.statements.cases import Proceeding
from sluicegate_record.statements.directives import DirectiveStatement
from sluicegate_record.statements.releases import StageClosing, StageOpening
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms import audience, kinds, phrases, quorum
from sluicegate_record.terms.text import counted, quoted

TOGETHER = 2
"""How many officers proceed, or write down what an agency has said."""


@dataclass(frozen=True, slots=True)
class Making:
    """What a statement is made of: what a form said, the order in it as it was read, and who is asked."""

    ask: AskAct
    given: Mapping[str, str]
    order: Any = None


@dataclass(frozen=True, slots=True)
class MadeStatement:
    """A statement that is to be signed by so many officers. `opened` opens its commitments."""

    statement: Statement
    needed: int = 1
    opened: Mapping[str, Opening] = field(default_factory=dict)


class Wording(NamedTuple):
    """What a statement is said with: what opens its commitments, and who is asked what its digests are of."""

    ask: AskAct
    opened: Mapping[str, Opening]


Words = Callable[[Any, Wording], Iterator[str]]


@dataclass(frozen=True, slots=True)
class OfficerStatement:
    """A kind of statement: how it is made and read, what it says, by which act it goes on the record.

    `command` signs it with keys in files. `after` is the page that shows the result.
    """

    name: str
    kind: type[Statement]
    make: Callable[[Making], MadeStatement]
    words: Words
    act: AnyAct
    asked: Callable[[Json, Mapping[str, Opening]], Arguments]
    after: Callable[[Any], str]
    command: Callable[[Any], str]


def _alone(envelope: Json, _: Mapping[str, Opening]) -> Arguments:
    return SignedStatement(envelope=envelope)


def _opening(making: Making) -> MadeStatement:
    asked = making.ask(releases.OPENING, _stage(making.given))
    return MadeStatement(StageOpening.from_json(asked.to_json()))


def _closing(making: Making) -> MadeStatement:
    asked = making.ask(releases.OPENING, _stage(making.given))
    reason = making.given.get("reason", "").strip()
    return MadeStatement(StageClosing(log=asked.log, release=asked.release, stage=asked.stage, reason=reason))


def _stage(given: Mapping[str, str]) -> StageArgument:
    return StageArgument(release=given.get("release", ""), stage=given.get("stage", ""))


def _opens(said: StageOpening, wording: Wording) -> Iterator[str]:
    yield f"You open the stage {said.stage} of {said.release}."
    status = wording.ask(outlook.SHOW, ReleaseArgument(release=said.release)).status
    stage = next((each for each in status.stages if each.stage == said.stage), None)
    if stage is not None and stage.terms == said.terms:
        yield f"Under the terms in force it lets in {_audience(stage)}, to {', '.join(status.models)}."
    else:
        yield "The terms that it names are not in force any more: make the statement again."
    yield f"The terms have the digest {said.terms}."
    if said.closing is not None:
        yield f"This undoes the closing with the digest {said.closing}."
    yield from words.fields(said.to_json(), {("release",), ("stage",), ("terms",), ("closing",)})


def _audience(stage: StageStatus) -> str:
    if stage.audience != audience.APPLICANTS:
        listed = "" if stage.listed is None else f" ({counted(stage.listed, 'listed organization')})"
        return f"{stage.audience}{listed}"
    seats = "any number of organizations" if stage.seats is None else counted(stage.seats, "organization")
    return f"{seats}, each admitted by {phrases.rule(stage.rule)}"


def _closes(said: StageClosing, _: Wording) -> Iterator[str]:
    yield f"You close the stage {said.stage} of {said.release}, at once."
    yield "Every key of it is refused, and open streams are cut. Only an officer opens it again."
    yield f"Your reason is public: {quoted(said.reason)}"
    yield from words.fields(said.to_json(), {("release",), ("stage",), ("reason",)})


def _proceeding(making: Making) -> MadeStatement:
    found = making.ask(review.EXPORT, CaseArgument(case=making.given.get("case", "")))
    reason = making.given.get("reason", "").strip()
    needed = 1 if found.case.basis == "lapsed" else TOGETHER
    return MadeStatement(Proceeding(question=found.question, reason=reason), needed)


_QUESTION_SAID = frozenset((each,) for each in ("case", "kind", "release", "stage", "surface"))


def _proceeds(said: Proceeding, wording: Wording) -> Iterator[str]:
    question = said.question
    case = wording.ask(cases.SHOW, CaseArgument(case=question.case))
    whose = "" if case.organization is None else f" of {quoted(case.organization)}"
    about = {"release": question.release, "stage": question.stage, "surface": question.surface}
    where = ", ".join(f"the {name} {words.exact(each)}" for name, each in about.items() if each)
    yield f"You proceed in the case {question.case}{whose}, about {where}: you answer its question with yes."
    yield f"The question: {kinds.KINDS[question.kind].asks}"
    over = [f"{agency}, which {says}" for agency, says in _overridden(case)]
    yield f"You override {'; '.join(over)}." if over else "You override no agency: each has said yes."
    yield f"Your reason is public: {quoted(said.reason)}"
    yield from words.fields(question.to_json(), _QUESTION_SAID)


def _overridden(case: CaseView) -> Iterator[tuple[str, str]]:
    """The agencies that are asked in a case and do not say yes now, each with what it says."""
    newest = {each.agency: each for each in case.positions if not each.superseded}
    for agency in sorted(quorum.parties_of(case.rule).union(each.to for each in case.referrals)):
        stated = newest.get(agency)
        if stated is None:
            yield agency, "is silent"
        elif stated.position not in CONSENT:
            yield agency, f"says: {stated.position.replace('-', ' ')}"
        elif stated.stale:
            yield agency, "has to sign its yes again"


def _directive(making: Making) -> MadeStatement:
    given, received = making.order, _received(making.given)
    replaced = given["metadata"].get("replaces")
    if replaced is not None:
        replaced = making.ask(directives.SHOW, DirectiveArgument(directive=replaced)).document.digest
    if making.given.get("drill"):
        given = {**given, "metadata": {"name": given["metadata"]["name"], "drill": True}}
    known = making.ask(directives.DEFINITIONS, Nothing()).definitions
    signing = directive.Signing(
        making.ask(log.HEAD, Nothing()).vkey,
        lambda: secrets.token_bytes(32),
        _annexes(given, making.given.get("annexes", "")),
        {each.definition: Definition(each.definition, each.statuses, each.source) for each in known},
        replaced,
        received,
    )
    document, opened = directive.to_sign(given, signing)
    needed = 1 if received is None else TOGETHER
    return MadeStatement(DirectiveStatement(document=document.to_json()), needed, opened)


def _received(given: Mapping[str, str]) -> dict[str, str] | None:
    """How an order arrived; None if the developer issues it itself. Raises: InvalidInput."""
    names = ("how", "on", "digest", "note")
    said = {name: given[name].strip() for name in names if given.get(name, "").strip()}
    if not said:
        return None
    try:
        Arrival.from_json(said)
    except Misread as error:
        expected = f"how it arrived: expected {error.expected}, found {error.found}"
        raise InvalidInput(
            expected, remedy="say how and when, and name the letter or what was said"
        ) from error
    return said


def _annexes(order: Any, text: str) -> dict[str, dict[str, list[str]]]:
    """The names in the annexes of an order, as a form has them. Raises: InvalidInput."""
    try:
        found = canonical.loads(text.encode()) if text.strip() else {}
    except NotCanonical as error:
        raise InvalidInput(f"annexes: expected JSON; {error.message}") from error
    if not isinstance(found, dict):
        raise InvalidInput('annexes: expected an object such as {"annex-a": {"organizations": ["…"]}}')
    return annex.checked(order, found)


_METADATA_SAID = frozenset(
    {
        ("name",),
        ("drill",),
        *(("replaces", each) for each in ("directive", "document")),
        *(("transcribed", each) for each in ("how", "on", "digest", "note")),
    }
)
_SPEC_SAID = frozenset(
    {
        *((each,) for each in ("issuer", "action", "models", "surfaces", "liftedBy", "licensedBy")),
        *(("basis", each) for each in ("kind", "authority")),
        *((part, each) for part in ("covers", "except") for each in ("annexes", "registeredIn")),
        *((part, "organizations", "count") for part in ("covers", "except")),
        *(
            (part, "persons", each)
            for part in ("covers", "except")
            for each in ("count", "definition", "statuses")
        ),
    }
)
"""The fields of a directive that its sentences name. Every other one is listed."""


def _directs(said: DirectiveStatement, wording: Wording) -> Iterator[str]:
    found = Document.check(said.document)
    spec, metadata = found.spec, found.metadata
    what = "drill, which refuses no request," if metadata.drill else "directive"
    does = f"{spec.issuer} {spec.action}s {', '.join(spec.models)}"
    yield f"You put the {what} {metadata.name} in force: {does}."
    where = "on all surfaces" if spec.surfaces == "all" else f"on the surfaces {', '.join(spec.surfaces)}"
    excepted = "" if spec.except_ is None else f", except {covered(spec.except_)}"
    yield f"It covers {covered(spec.covers)}{excepted}, {where}."
    if found.replaces is not None:
        yield f"It takes the place of {found.replaces.directive}, with the digest {found.replaces.document}."
    yield from _names(said.document, wording.opened)
    yield f"Its basis: {spec.basis.kind}, {quoted(spec.basis.authority)}."
    yield f"It can be lifted by {phrases.rule(spec.lifted_by)}."
    yield f"Licences from it are given by {phrases.rule(spec.licensing)}."
    if isinstance(metadata.transcribed, Arrival):
        yield f"You write down what came as a {_arrived(metadata.transcribed)}. Two officers sign it."
    yield from rest(said.document)


def rest(document: Mapping[str, Json]) -> Iterator[str]:
    """The fields of a directive that its sentences do not name, each as label and value."""
    yield from words.fields(document["spec"], _SPEC_SAID)
    yield from words.fields(document["metadata"], _METADATA_SAID)
    yield from words.fields(document, {("apiVersion",), ("kind",), ("metadata",), ("spec",)})


def _arrived(said: Arrival) -> str:
    parts = [f"{said.how} of {said.on}"]
    parts += [f"with the digest {said.digest}"] if said.digest else []
    parts += [f"of which was noted: {quoted(said.note)}"] if said.note else []
    return ", ".join(parts)


def _names(document: Json, opened: Mapping[str, Opening]) -> Iterator[str]:
    """The names beside a document. Raises: InvalidInput: the document commits to other ones."""
    committed = canonical.dumps(document).decode()
    for name, opening in sorted(opened.items()):
        if f'"{opening.commitment("sealed", name)}"' not in committed:
            raise InvalidInput(f"{name}: other names than the order commits to", code="opening_differs")
        listed = list(_flat(opening.value()))
        where = name.replace(".", ", ")
        yield f"{where}: {counted(len(listed), 'name')}, not public: {'; '.join(map(quoted, listed))}"


def _flat(value: Json) -> Iterator[str]:
    """The texts in lists and objects of lists."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _flat(each)
    else:
        yield str(value)


OPENING = OfficerStatement(
    "opening",
    StageOpening,
    _opening,
    _opens,
    releases.OPEN,
    _alone,
    lambda said: f"/board/{said.release}",
    lambda said: f"sluicegate stage open {said.release} {said.stage} --key officer.pem",
)
CLOSING = OfficerStatement(
    "closing",
    StageClosing,
    _closing,
    _closes,
    releases.CLOSE,
    _alone,
    lambda said: f"/board/{said.release}",
    lambda said: f"sluicegate stage close {said.release} {said.stage} --reason WHY --key officer.pem",
)
PROCEEDING = OfficerStatement(
    "proceeding",
    Proceeding,
    _proceeding,
    _proceeds,
    review.IMPORT,
    lambda envelope, _: ReviewStatement(envelope=envelope),
    lambda said: f"/cases/{said.question.case}",
    lambda said: (
        f"sluicegate review proceed {said.question.case} --reason WHY --key officer.pem -o signed.json"
    ),
)
DIRECTIVE = OfficerStatement(
    "directive",
    DirectiveStatement,
    _directive,
    _directs,
    directives.ISSUE,
    lambda envelope, opened: SignedDirective(envelope=envelope, opened=opened),
    lambda said: f"/directives/{said.document['metadata']['name']}",
    lambda _: "sluicegate directive transcribe FILE --document LETTER --key first.pem --key second.pem",
)
STATEMENTS: Mapping[str, OfficerStatement] = {
    each.name: each for each in (OPENING, CLOSING, PROCEEDING, DIRECTIVE)
}
