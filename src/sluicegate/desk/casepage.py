"""A case on one page: what the desk has verified of it, in the order in which a reviewer reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from sluicegate.acts.cases import DossierView
from sluicegate.core.explanations.narration import narrated
from sluicegate.core.lifecycle import blocks, evidence, signers
from sluicegate.core.lifecycle.positions import can_say
from sluicegate.core.lifecycle.referrals import not_to_refer
from sluicegate.desk import inbox, sentences
from sluicegate.desk.checking import ReadCase
from sluicegate.desk.following import Following
from sluicegate_record import entries
from sluicegate_record.directives.phrases import asked
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.discussion import Contribution
from sluicegate_record.entities.proceedings import CONSENT
from sluicegate_record.entries import Body, Entry, Hidden, Withheld
from sluicegate_record.entries.cases import (
    CaseAnswered,
    CaseOpened,
    CaseProceeded,
    CaseReferred,
    CaseReplied,
    CaseScreened,
    PositionRecorded,
)
from sluicegate_record.entries.releases import RecordAdded
from sluicegate_record.log.leaf import Opening
from sluicegate_record.record import Record
from sluicegate_record.statements.cases import POSITIONS
from sluicegate_record.terms import kinds, phrases, quorum
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import Plan, Stage

_Said = tuple[str, str, str | Opening | Hidden | None]
HISTORY_MAX = 200
"""How many entries of a case's history are on its page."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What someone said in a case. `text` is None if it has none, or if it is hidden: then `is_hidden`."""

    seq: int
    at_ms: int
    who: str
    what: str
    text: str | None
    is_hidden: bool
    is_new: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """An entry about a case, in words."""

    seq: int
    at_ms: int
    type: str
    words: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class PartyLine:
    """How it stands with a party that is asked: its newest word, whether that counts, and its time."""

    party: str
    name: str
    says: str
    at_ms: int | None
    time: str | None
    is_own: bool
    is_unreceived: bool


@dataclass(frozen=True, slots=True)
class DeskStep:
    """A step that the agency can take now: its word, its name on a button, and what it does."""

    word: str
    label: str
    does: str
    held: str = ""
    """Why it cannot be taken here; empty if it can."""


@dataclass(frozen=True, slots=True)
class CasePage:
    """What the page shows. `names` are what the agencies of the plan are called."""

    instance: str
    agency: str
    read: ReadCase
    title: str
    asks: str
    state: str
    says: str
    due_by: str | None
    rule: str
    needed: str
    is_open: bool
    release: str
    names: Mapping[str, str]
    plan: Plan | None
    stage: Stage | None
    dossier: DossierView | None
    conditions: Conditions | None
    evidence: tuple[tuple[str, str, str], ...]
    parties: tuple[PartyLine, ...]
    remarks: tuple[Utterance, ...]
    history: tuple[Incident, ...]
    blocked: tuple[str, ...]
    steps: tuple[DeskStep, ...]
    refers_to: tuple[str, ...]
    size: int
    seen: int | None


def case_page(following: Following, read: ReadCase, seen: int | None, now_ms: int) -> CasePage:
    """The page of a case. `seen` is the size of the log when its reader last looked."""
    with following.lock:
        record, case, agency = following.record, read.case, following.instance.agency
        given = sentences.plan_of(record, read)
        stage = None if given is None else given.stages.get(case.question.stage)
        state, says = inbox.turn(case, agency)
        return CasePage(
            instance=following.instance.name,
            agency=agency,
            read=read,
            title=_capital(sentences.thing(record, read)),
            asks=" ".join(_asks(read)),
            state=state,
            says=says,
            due_by=sentences.due_by(case, agency),
            rule=phrases.rule(case.joined(case.rule)),
            needed=_needed(case),
            is_open=case.state != kinds.DETERMINED,
            release=sentences.release_of(record, read),
            names={} if given is None else {name: each.name for name, each in given.spec.agencies.items()},
            plan=given,
            stage=stage,
            dossier=_dossier(stage, read),
            conditions=_conditions(record, case),
            evidence=tuple(_evidence(record, case, given)),
            parties=tuple(_parties(case, agency, given)),
            remarks=tuple(_remarks(following, read, seen)),
            history=tuple(_history(following, case, seen)),
            blocked=tuple(_blocked(record, case, now_ms)),
            steps=tuple(steps(following, read, given)),
            refers_to=_refers_to(record, case, agency, given),
            size=following.size,
            seen=seen,
        )


def _asks(read: ReadCase) -> Iterator[str]:
    """What the case asks, in sentences."""
    yield asked(kinds.KINDS[read.case.kind].asks, read.case.question.scope)
    yield from sentences.narrowed(read)


def steps(following: Following, read: ReadCase, given: Plan | None) -> Iterator[DeskStep]:
    """The steps that the agency can take in a case now."""
    case, agency = read.case, following.instance.agency
    if agency not in case.parties:
        return
    if _is_to_receive(case, agency):
        yield DeskStep("receive", "Confirm receipt", "Your agency's time starts when this is on the record.")
    if kinds.allows("position", case.kind, case.standing):
        held = "the instance does not show all that was said: ask, or object, or leave it open"
        for word in (each for each in POSITIONS if can_say(following.record, case, each)):
            label, does = sentences.LABELS[word], sentences.MEANINGS[word]
            yield DeskStep(word, label, does, held if word in CONSENT and not read.may_consent else "")
    if _refers_to(following.record, case, agency, given):
        does = "Another agency is asked, too. The terms say whether it joins those who decide."
        yield DeskStep("refer", "Refer it to another agency", does)


def _is_to_receive(case: Case, agency: str) -> bool:
    is_due = case.agency_clock is not None and agency not in case.clocks and agency in case.awaiting
    return is_due and kinds.allows("receive", case.kind, case.standing)


def _refers_to(record: Record, case: Case, agency: str, given: Plan | None) -> tuple[str, ...]:
    """The agencies to which an agency can refer a case."""
    stated = None if given is None else given.spec.referrals
    if stated is None or not kinds.allows("refer", case.kind, case.standing):
        return ()
    return tuple(to for to in stated.to if not_to_refer(record, case, stated, agency, to) is None)


def _needed(case: Case) -> str:
    """Who still has to say yes, in words."""
    rule = case.left
    if rule is None or case.state == kinds.DETERMINED:
        return ""
    sets = quorum.smallest(rule, case.consenting, case.against)
    return " or ".join(" and ".join(each) for each in sets if each)


def _dossier(stage: Stage | None, read: ReadCase) -> DossierView | None:
    """What the applicant sent; None if the case is about no organization."""
    asked = () if stage is None else stage.eligibility.criteria
    return DossierView.of(read.dossier, asked) if read.case.question.party else None


def _conditions(record: Record, case: Case) -> Conditions | None:
    with suppress(Withheld, KeyError):
        return blocks.granted_conditions(record, case)[0] if case.kind in kinds.ADMITS else None
    return None


def _evidence(record: Record, case: Case, given: Plan | None) -> Iterator[tuple[str, str, str]]:
    """The results of evaluations of the release: which, whose, and what they say."""
    for each in record.evidence.values():
        if each.release == case.question.release and given is not None:
            yield each.evaluation, each.party, evidence.words(each, given)


def _parties(case: Case, agency: str, given: Plan | None) -> Iterator[PartyLine]:
    known = {} if given is None else given.spec.agencies
    for party in sorted(case.parties, key=lambda each: (each != agency, each)):
        said, timer = case.positions.get(party), case.clocks.get(party)
        says = "has not said anything yet"
        if party in case.asking:
            says = "has asked the applicant, and waits for the answer"
        elif said is not None:
            says = said.position.replace("-", " ")
            says += "; it does not count until it is signed again" if said.is_stale else ""
            says += "; outside the concern of this stage, so it does not count" if said.is_outside else ""
        elif timer is not None and timer.silence is not None:
            says = f"silent: that counts as {timer.silence.replace('-', ' ')}"
        name = known[party].name if party in known else party
        at_ms = None if said is None else said.at_ms
        is_unreceived = case.agency_clock is not None and timer is None and said is None
        time = sentences.due_by(case, party)
        yield PartyLine(party, name, says, at_ms, time, party == agency, is_unreceived)


def _blocked(record: Record, case: Case, now_ms: int) -> Iterator[str]:
    if case.state == kinds.DETERMINED:
        return
    yield from (text for _, text in signers.shortages(record, case))
    with suppress(Withheld, KeyError):
        if case.kind != kinds.LIFT:
            yield from (each.text for each in blocks.blocked_by(record, case, now_ms))


def _remarks(following: Following, read: ReadCase, seen: int | None) -> Iterator[Utterance]:
    """What was said in a case, newest last: with the opening, if it says something."""
    opened = {each.seq: each for each in read.discussion}
    opening = read.opening
    assert isinstance(opening.body, CaseOpened)
    for name, text in opening.body.sealed_parts.items():
        if name in {"appeal", "notice"}:
            who = "the developer" if read.case.kind == kinds.RECONSIDER else "the applicant"
            who = "the developer" if name == "notice" else who
            yield _utterance(opening, (who, f"says in the {name}", text), seen)
    for each in read.case.discussion:
        entry = opened.get(each.seq) or entries.read(following.leaf(each.seq))
        yield _remark(entry, seen, _uncounted(read.case, each))


def _uncounted(case: Case, said: Contribution) -> tuple[str, ...]:
    found = next((each for each in case.history if each.seq == said.seq), None)
    if found is None:
        return ()
    notes = []
    if case.positions[found.agency].seq != found.seq:
        notes.append("it was replaced later")
    elif found.is_stale:
        notes.append("it does not count until it is signed again: something was said meanwhile")
    if found.is_outside:
        notes.append("outside the concern of this stage: it does not count")
    return tuple(notes)


def _remark(entry: Entry, seen: int | None, notes: tuple[str, ...] = ()) -> Utterance:
    """A contribution, as it is shown."""
    who, what, text = _said(entry)
    return _utterance(entry, (who, what, text), seen, (*notes, *_details(entry.body)))


def _said(entry: Entry) -> _Said:  # noqa: PLR0911 - one for each kind
    """Who says something in an entry, what it is, and its text."""
    match body := entry.body:
        case PositionRecorded():
            what = "asks" if body.position == "ask" else f"says: {body.position.replace('-', ' ')}"
            return body.agency, what, body.secret or body.reason
        case CaseAnswered():
            return "the applicant", f"answers {body.agency}", body.answer
        case CaseReplied():
            return "the applicant", "replies", body.reply
        case CaseScreened():
            return body.owner, f"screened it with {body.name} {body.version}: {body.decision}", body.reason
        case CaseProceeded():
            return " and ".join(body.owners), "proceed", body.reason
        case CaseReferred():
            joins = ", which joins those who decide" if body.binds else ""
            return body.agency, f"refers it to {body.to}{joins}", body.reason
        case RecordAdded():
            return body.party, f"notes a {body.kind} of {body.on}", body.text
        case _:
            return entry.by, narrated(entry), None


def _details(body: Body) -> Iterator[str]:
    """What a position says beside its reason, and who signed it."""
    if not isinstance(body, PositionRecorded):
        return
    if body.concern:
        yield f"about {body.concern}"
    if body.conditions is not None:
        stated = body.conditions.to_json().items()
        yield f"on conditions: {'; '.join(sentences.condition(*each) for each in stated)}"
    by = " and ".join(body.owners or (body.owner,))
    if body.transcribed is None:
        yield f"signed by {by}"
    else:
        yield f"written down by {by}: {body.transcribed.how} of {body.transcribed.on}"


def _utterance(entry: Entry, said: _Said, seen: int | None, notes: tuple[str, ...] = ()) -> Utterance:
    who, what, given = said
    text = str(given.value()) if isinstance(given, Opening) else given if isinstance(given, str) else None
    is_new = seen is not None and entry.seq >= seen
    return Utterance(
        entry.seq, entry.at_ms, who, what, text or None, isinstance(given, Hidden), is_new, notes
    )


def _history(following: Following, case: Case, seen: int | None) -> Iterator[Incident]:
    for each in islice(following.history(case.id), HISTORY_MAX):
        is_new = seen is not None and each.seq >= seen
        yield Incident(each.seq, each.at_ms, each.type, narrated(each), is_new)


def _capital(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"
