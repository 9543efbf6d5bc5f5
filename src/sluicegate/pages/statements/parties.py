"""What officers sign for the developer as any party does: on its keys, promises, findings and results, and on
requirements; and about points where others enforce.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated

from sluicegate.acts import clearances, evidence, findings, keys, log, points, promises
from sluicegate.acts.act import Arguments, Nothing
from sluicegate.acts.clearances import ClearanceArgument
from sluicegate.acts.evidence import EvidenceArgument, ModelInForce
from sluicegate.acts.fields import Day, Identifier, SurfaceName, text
from sluicegate.acts.findings import FindingToSignArgument, SignedFinding
from sluicegate.acts.keys import KeyArgument, KeyFilter, KeyId
from sluicegate.acts.promises import PromiseArgument
from sluicegate.core.lifecycle.keys import owners_to_sign
from sluicegate.errors import InvalidInput
from sluicegate.pages import words
from sluicegate.pages.page import AskAct
from sluicegate.pages.statements.cases import about
from sluicegate.pages.statements.directives import How, LetterDigest, On, SaidNote, arrival
from sluicegate.pages.statements.kind import (
    Making,
    MaybeReason,
    OfficerStatement,
    Reason,
    Wording,
    filled,
    options,
    present,
    public,
)
from sluicegate.ports import UnsignedStatement
from sluicegate_record.errors import BadKey
from sluicegate_record.form import Base64, Json, Note, Time, form, within
from sluicegate_record.log import times
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.webauthn import RelyingParty
from sluicegate_record.statements.clearances import Clearance
from sluicegate_record.statements.evidence import EvidenceWithdrawal
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
from sluicegate_record.statements.keys import PINS, RETIRES, REVOKES, KeyStatement
from sluicegate_record.statements.points import POINTINGS, Pointing
from sluicegate_record.statements.promises import BREAKS, CHANGES, KEEPS, MAKES, PROMISE_MAX, Promising
from sluicegate_record.terms import dates
from sluicegate_record.terms.clearances import ADOPTED, CLEARANCES, EVALUATION, HOLD, REPORT
from sluicegate_record.terms.findings import KINDS, MISUSE
from sluicegate_record.terms.text import REASON_MAX, counted, quoted

Public = Annotated[Annotated[str, text(0, REASON_MAX)] | None, Note("In words that everyone may read.")]


# Keys


@form
class KeyWord(Arguments):
    """What you say of a key of the developer: that it is pinned, retired, or was compromised."""

    says: Annotated[str, Note(f"{PINS} | {RETIRES} | {REVOKES}")]
    keyid: Annotated[KeyId | None, Note("The id of a key that ends, as 'keys list' shows it.")] = None
    reason: Annotated[Annotated[str, text(0, REASON_MAX)] | None, Note("Why it ends. It is public.")] = None
    since: Annotated[
        Annotated[int, within(0, 2**53 - 1)] | None,
        Note("If it is revoked: the log size from which on it was compromised."),
    ] = None
    owner: Annotated[
        Annotated[str, text(0, 63)] | None, Note("Who holds a key that is pinned, such as anna.")
    ] = None
    key: Annotated[Base64 | None, Note("A passkey that is pinned, as its holder's page shows it.")] = None
    rp_id: Annotated[
        Annotated[str, text(0, 253)] | None, Note("Its relying party, such as gate.example.")
    ] = None
    origin: Annotated[
        Annotated[str, text(0, 256)] | None, Note("Where it signs, such as https://gate.example.")
    ] = None


def _key(making: Making) -> UnsignedStatement:
    said, known = making.said, making.ask(keys.LIST, KeyFilter())
    common: dict[str, Json] = {"log": known.log, "party": known.developer, "says": said.says}
    if said.says != PINS:
        held = next((each for each in known.keys if each.keyid == said.keyid), None)
        if held is None or held.party != known.developer:
            raise InvalidInput("this is no key of the developer", remedy="'keys list' shows the keys")
        ends = present(keyid=held.keyid, owner=held.owner, reason=said.reason, since=said.since)
        return filled(KeyStatement, common, ends)
    if said.key is None or not said.rp_id or not said.origin:
        wrong = "a passkey that is pinned is stated with its relying party and its origin"
        raise InvalidInput(wrong, remedy="its holder finds all three on their page of a statement to sign")
    place = RelyingParty(said.rp_id, said.origin)
    new = PublicKey(said.key, place)
    try:
        new.check()
    except BadKey as error:
        raise InvalidInput(f"the key that is pinned: {error.message}") from error
    current = (each.keyid for each in known.keys if (each.owner, each.state) == (said.owner, "counts"))
    return UnsignedStatement(
        KeyStatement(
            log=known.log,
            party=known.developer,
            owner=said.owner or "",
            says=PINS,
            keyid=new.keyid,
            key=said.key,
            webauthn=place,
            replaces=next(current, None),
        )
    )


def _keys(said: KeyStatement, _: Wording) -> Iterator[str]:
    if said.says == PINS:
        yield f"{said.owner} signs for {said.party} with a new key."
        if said.replaces is not None:
            yield f"It takes the place of the key {said.replaces}. What that one signed stays valid."
        yield f"Its id is {said.keyid}. Have its holder read it to you, over another way than these pages."
    elif said.says == RETIRES:
        yield f"{said.owner} of {said.party} signs no more with the key {said.keyid}."
        yield "What it signed stays valid."
    else:
        yield f"The key {said.keyid} of {said.owner} of {said.party} was compromised. It is revoked for ever."
        yield f"What it signed from the log size {said.since} on admits no one any more."
    yield from public(said.reason)
    own = {("owner",), ("party",), ("says",), ("keyid",), ("replaces",), ("since",), ("reason",)}
    yield from words.fields(said.to_json(), own)


def _lost(said: KeyStatement, ask: AskAct) -> Iterator[str]:
    """What stops with a key that is revoked."""
    if said.says != REVOKES:
        return
    found = ask(keys.EFFECTS, KeyArgument(keyid=said.keyid, since=said.since or 0))
    grants = counted(len(found.grants), "grant")
    yield f"It signed {counted(found.count, 'entry', 'entries')} since then. {grants} would be suspended."
    if found.terms:
        yield f"Agencies would be asked again about {', '.join(found.terms)}."
    if found.pinned:
        yield f"{counted(len(found.pinned), 'key')} that it pinned would end with it."


def _to_sign(said: KeyStatement, ask: AskAct, signed: Collection[str]) -> int:
    return owners_to_sign(said, ask(keys.LIST, KeyFilter(party=said.party)).keys, signed)


# Promises


@form
class PromiseWord(PromiseArgument):
    """What you promise, or say of a promise: a new one is about at most one thing."""

    says: Annotated[str, Note(f"{MAKES} | {KEEPS} | {CHANGES} | {BREAKS}")]
    text: Annotated[
        Annotated[str, text(0, PROMISE_MAX)] | None,
        Note("What will be done, or how it was kept. It is public."),
    ] = None
    by: Annotated[Day | None, Note("The last day by UTC, such as 2026-09-01.")] = None
    default: Annotated[
        Annotated[str, text(0, PROMISE_MAX)] | None, Note("What follows if it is not kept. It is public.")
    ] = None
    reason: Annotated[
        Annotated[str, text(0, REASON_MAX)] | None, Note("Why you change or break it. It is public.")
    ] = None
    release: Annotated[Identifier | None, Note("The release that it is about.")] = None
    stage: Annotated[Identifier | None, Note("The stage of it: its opening keeps the promise.")] = None
    case: Annotated[Identifier | None, Note("The case: its decision keeps the promise.")] = None
    directive: Annotated[
        Identifier | None, Note("The directive: a note of its reasons keeps the promise.")
    ] = None


def _promise(making: Making) -> UnsignedStatement:
    said = making.said
    found = making.ask(promises.TO_SIGN, PromiseArgument(promise=said.promise or None))
    before = {"text": None, "due": None, "default": None} if said.says != CHANGES else {}
    given = present(
        says=said.says, text=said.text, due=_due(said.by), default=said.default, reason=said.reason
    )
    of = about(said)
    return filled(Promising, found.to_json(), before, given, {"about": of} if of else {})


def _due(by: str | None) -> Json:
    """When a day is over, as entries write it. Raises: InvalidInput: no day."""
    if not by:
        return None
    try:
        return times.format_time(dates.end_ms(by))
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"{by!r} is no day, expected one such as 2026-09-01") from error


_PROMISES = {MAKES: "makes a promise", KEEPS: "has kept", CHANGES: "changes", BREAKS: "will not keep"}


def _promises(said: Promising, _: Wording) -> Iterator[str]:
    which = "" if said.promise is None else f" the promise {said.promise}"
    yield f"{said.party} {_PROMISES[said.says]}{which}."
    if said.text is not None:
        yield f"It is public: {quoted(said.text)}"
    if said.due_ms is not None:
        yield f"Until {dates.day_before(said.due_ms)}, when that day is over by UTC."
    if said.default is not None:
        yield f"If it is not kept, this follows: {quoted(said.default)}"
    yield from public(said.reason)
    named = {("party",), ("says",), ("promise",), ("text",), ("due",), ("default",), ("reason",)}
    yield from words.fields(said.to_json(), named)


# Findings


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
    said = making.said
    asked = FindingToSignArgument(finding=said.finding or None, release=said.release or None)
    found = making.ask(findings.TO_SIGN, asked)
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
        meant = _model(found.models, said.model)
        given |= {"model": meant.id, "tested": meant.tested.to_json()}
    elif said.says in {FIXES, RETESTS} and found.model is not None:
        given |= {"tested": _model(found.models, said.model or found.model).tested.to_json()}
    received = arrival(said)
    if (received is None) is bool(said.reporter):
        lacks = "how it came" if received is None else "who it was"
        raise InvalidInput(f"what someone without a key found needs {lacks}, too")
    if received is not None:
        given |= {"transcribed": {"reporter": said.reporter, "received": received.to_json()}}
    return filled(FindingStatement, present(**shown), given)


def _model(models: Sequence[ModelInForce], named: str | None) -> ModelInForce:
    """The model that is named, or the only one. Raises: InvalidInput."""
    fitting = [each for each in models if named in (None, "", each.id)]
    if len(fitting) != 1:
        names = ", ".join(each.id for each in models)
        raise InvalidInput("no model of the release, or one of several", remedy=f"one of {names}")
    return fitting[0]


def _axes(said: str) -> Json:
    """The four scores, in the order of the draft. Raises: InvalidInput."""
    names = ("capabilityGain", "breadth", "weaponization", "discoverability")
    try:
        return dict(zip(names, map(int, said.split(",")), strict=True))
    except ValueError as error:
        raise InvalidInput(f"{said[:40]!r}: expected four numbers such as 7,4,6,3") from error


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


# Requirements, results, points


@form
class WordOnRequirement(ClearanceArgument):
    """What the developer says of a standard, a stage or the report of a release."""

    reason: MaybeReason = ""
    version: Annotated[Annotated[str, text(0, 100)] | None, Note("Of a standard that is adopted.")] = None
    until_ms: Annotated[
        Time | None, Note("How long an evaluation takes at most, such as 2026-07-09T16:00:00.000Z.")
    ] = None


def _clearance(making: Making) -> UnsignedStatement:
    said = making.said
    asked = ClearanceArgument(release=said.release, says=said.says, about=said.about)
    return filled(Clearance, making.ask(clearances.TO_SIGN, asked).to_json(), said.to_json())


_CLEARANCES = {
    "adopts": "adopts the standard {about} for {release}",
    "withdraws": "no longer adopts the standard {about} for {release}",
    "attests": "attests that {release} meets the standard {about}",
    "retracts": "no longer attests that {release} meets the standard {about}",
    "begins": "begins its evaluation before the stage {about} of {release}",
    "extends": "needs longer for its evaluation before the stage {about} of {release}",
    "ends": "ends its evaluation before the stage {about} of {release}",
    "holds": "holds the stage {about} of {release}: it does not open",
    "releases": "no longer holds the stage {about} of {release}",
    "signs": "signs the report of {release}, with the digest {about}",
    "dissents": "dissents from the report of {release}, with the digest {about}",
}


def _clears(said: Clearance, _: Wording) -> Iterator[str]:
    about, release = words.exact(said.about), words.exact(said.release)
    yield f"{said.party} {_CLEARANCES[said.says].format(about=about, release=release)}."
    yield from public(said.reason)
    yield from words.fields(said.to_json(), {("party",), ("says",), ("release",), ("about",), ("reason",)})


def _clearance_command(said: Clearance) -> str:
    kind, about = CLEARANCES[said.says].kind, shlex.quote(said.about)
    reason = " --reason WHY" if said.reason else ""
    if kind == REPORT:
        return (
            f"release sign {said.release}"
            if said.says == "signs"
            else f"release dissent {said.release}{reason}"
        )
    if kind == HOLD:
        return f"stage {said.says.removesuffix('s')} {said.release} {about}{reason}"
    if kind == EVALUATION:
        until = "" if said.until_ms is None else f" --until {times.format_time(said.until_ms)}"
        return f"stage evaluate {said.release} {about} {said.says}{until}{reason}"
    word = "adopt" if kind == ADOPTED else "attest"
    how = options({"version": said.version}) if CLEARANCES[said.says].holds else f" --{_UNDONE[said.says]}"
    return f"release {word} {said.release} --standard {about}{how}{reason}"


_UNDONE = {"withdraws": "withdraw", "retracts": "retract"}


@form
class WithdrawalWord(EvidenceArgument):
    """Which result of the developer is wrong, and why."""

    reason: Reason


def _withdrawal(making: Making) -> UnsignedStatement:
    found = making.ask(evidence.SHOW, EvidenceArgument(evidence=making.said.evidence))
    vkey = making.ask(log.HEAD, Nothing()).vkey
    return filled(EvidenceWithdrawal, found.to_json(), {"log": vkey, "reason": making.said.reason})


def _withdraws(said: EvidenceWithdrawal, _: Wording) -> Iterator[str]:
    yield f"{said.party} takes its result {said.evidence} in {said.release} back: it counts no more."
    yield "What rests on it is lost, too."
    yield from public(said.reason)
    yield from words.fields(said.to_json(), {("party",), ("evidence",), ("release",), ("reason",)})


@form
class PointWord(Arguments):
    """Which point where others enforce is declared or retired, and its own key."""

    says: Annotated[str, Note(" | ".join(POINTINGS))]
    point: Identifier
    surface: SurfaceName
    key: Annotated[
        Base64, Note("The public key of the point, in base64, as 'point list' or its holder shows it.")
    ]


def _pointing(making: Making) -> UnsignedStatement:
    return filled(Pointing, {"log": making.ask(log.HEAD, Nothing()).vkey}, making.said.to_json())


def _points(said: Pointing, _: Wording) -> Iterator[str]:
    yield f"The point {said.point} on the surface {said.surface}, where others enforce, is {said.says}."
    yield f"It signs with the key {PublicKey(said.key).keyid}."
    yield from words.fields(said.to_json(), {("point",), ("surface",), ("says",)})


KEY = OfficerStatement(
    "key",
    "Pin, retire or revoke a key of the developer",
    KeyStatement,
    KeyWord,
    _key,
    _keys,
    keys.RECORD,
    lambda _: "/acts/keys.list",
    lambda said: {
        PINS: f"sluicegate keys pin {said.owner} --party {said.party} --new NEW --key FIRST --key SECOND",
        RETIRES: f"sluicegate keys retire {said.keyid} --reason WHY --key officer.pem",
        REVOKES: f"sluicegate keys revoke {said.keyid} --since {said.since} --reason WHY --key officer.pem",
    }[said.says],
    _lost,
    needed=_to_sign,
)
PROMISE = OfficerStatement(
    "promise",
    "Make, keep, change or break a promise",
    Promising,
    PromiseWord,
    _promise,
    _promises,
    promises.RECORD,
    lambda _: "/acts/promise.list",
    lambda said: {
        MAKES: f"sluicegate promise make TEXT --by DAY{options(said.about.to_json())} --key officer.pem",
        KEEPS: f"sluicegate promise keep {said.promise} --key officer.pem",
        CHANGES: f"sluicegate promise change {said.promise} --reason WHY --by DAY --key officer.pem",
        BREAKS: f"sluicegate promise break {said.promise} --reason WHY --key officer.pem",
    }[said.says],
)
FINDING = OfficerStatement(
    "finding",
    "Report a finding, or answer one",
    FindingStatement,
    WordOnFinding,
    _finding,
    _findings,
    findings.RECORD,
    lambda said: f"/acts/finding.show?finding={said.finding}" if said.finding else "/acts/finding.list",
    lambda said: f"sluicegate finding {_finding_command(said)} --key officer.pem",
    asked=lambda envelope, _: SignedFinding(envelope=envelope),
)
CLEARANCE = OfficerStatement(
    "clearance",
    "Say something of a requirement or a report",
    Clearance,
    WordOnRequirement,
    _clearance,
    _clears,
    clearances.RECORD,
    lambda said: f"/board/{said.release}",
    lambda said: f"sluicegate {_clearance_command(said)} --key officer.pem",
)
WITHDRAWAL = OfficerStatement(
    "evidence-withdrawal",
    "Take back a result of the developer",
    EvidenceWithdrawal,
    WithdrawalWord,
    _withdrawal,
    _withdraws,
    evidence.WITHDRAW,
    lambda said: f"/board/{said.release}",
    lambda said: f"sluicegate evidence withdraw {said.evidence} --reason WHY --key officer.pem",
)
POINT = OfficerStatement(
    "point",
    "Declare or retire a point where others enforce",
    Pointing,
    PointWord,
    _pointing,
    _points,
    points.PUT,
    lambda _: "/acts/point.list",
    lambda said: {
        "declared": f"sluicegate point declare {said.point} --surface {said.surface} --public point.pub "
        "--key officer.pem",
        "retired": f"sluicegate point retire {said.point} --key officer.pem",
    }[said.says],
)
STATEMENTS = (KEY, PROMISE, FINDING, CLEARANCE, WITHDRAWAL, POINT)
