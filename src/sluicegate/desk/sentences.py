"""What a reviewer signs, in words: what a case is about, what a statement says, what follows from it.

Rules:
- The words are made of the statement itself, read from the bytes that are signed, and of the verified case.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from sluicegate.client.recusal import LEAVES, recusal
from sluicegate.core import times
from sluicegate.core.lifecycle import blocks, signers
from sluicegate.core.terms import clocks
from sluicegate.desk.checking import ReadCase, ShownCase
from sluicegate.statements import words
from sluicegate.statements.keys import said_of_key
from sluicegate_record.directives.phrases import in_part
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.proceedings import CONSENT
from sluicegate_record.entries import Withheld
from sluicegate_record.record import Record
from sluicegate_record.statements.cases import Position, Receipt, Referral, Schedule, Word
from sluicegate_record.statements.keys import KeyStatement
from sluicegate_record.statements.statement import Statement
from sluicegate_record.terms import kinds, phrases, quorum
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.rule import Rule
from sluicegate_record.terms.text import counted, quoted

LABELS: Mapping[str, str] = {
    "approve": "Approve",
    "approve-with-conditions": "Approve with conditions",
    "no-objection": "No objection",
    "object": "Object",
    "abstain": "Abstain",
    "ask": "Ask the applicant",
    "recuse": "Recuse your agency",
    "decline": "Decline",
}
"""What each position is called on a button."""
MEANINGS: Mapping[str, str] = {
    "approve": "Your agency says yes.",
    "approve-with-conditions": "Your agency says yes, and the grant has the conditions that you state. "
    "If several agencies state some, the strictest hold.",
    "no-objection": "It counts as a yes.",
    "object": "Your agency says no. You have to say why.",
    "abstain": "It counts for neither side.",
    "ask": "Your agency's time stops until the applicant has answered.",
    "recuse": "Your agency takes no part: the rule is applied without it. You have to say why.",
    "decline": "The case is not your agency's to decide: the rule is applied without it.",
}
"""What each position does, in words."""
_SAYS: Mapping[str, str] = {
    "approve": "You approve {}",
    "approve-with-conditions": "You approve {}",
    "no-objection": "You have no objection to {}",
    "object": "You object to {}",
    "abstain": "You say neither yes nor no to {}",
    "ask": "You ask the applicant a question about {}",
    "recuse": "Your agency takes no part in deciding {}",
    "decline": "You say that it is not your agency's to decide on {}",
}


def plan_of(record: Record, read: ShownCase) -> Plan | None:
    """The plan whose terms a case is about, from the instance or from the log; None if neither shows it."""
    if read.terms is not None:
        return read.terms
    bound = record.terms.get(read.case.question.terms)
    with suppress(Withheld):
        return None if bound is None else bound.plan
    return None


def organization_of(read: ShownCase) -> str | None:
    """The name of the organization that a case is about, if the instance has shown it."""
    found = read.dossier.get("organization") if isinstance(read.dossier, Mapping) else None
    name = found.get("name") if isinstance(found, Mapping) else None
    return name if isinstance(name, str) else None


def release_of(record: Record, read: ShownCase) -> str:
    """What a release is called: its title, in quotes, or else its name."""
    given = plan_of(record, read)
    title = None if given is None else given.metadata.title
    return quoted(title) if title else read.case.question.release


def thing(record: Record, read: ShownCase) -> str:
    """What is decided in a case, such as `“Example Utility” for “GPT-5.6” on the surface api`."""
    asked, name = read.case.question, organization_of(read)
    who = "the applicant" if name is None else quoted(name)
    release = release_of(record, read)
    where = f"{release} on the surface {asked.surface}"
    return {
        kinds.TERMS: f"the terms of stage {asked.stage} of {release}",
        kinds.ADMISSION: f"{who} for {where}",
        kinds.AMENDMENT: f"the grant of {who} for {where}, renewed or changed",
        kinds.OPENING: f"the opening of stage {asked.stage} of {release}",
        kinds.REMOVAL: f"the end of the grant of {who} for {where}",
        kinds.LIFT: f"the lifting of {in_part(asked.directive, asked.scope)}",
        kinds.APPEAL: f"the appeal of {who} about {where}",
        kinds.REVIEW: f"that the rules of stage {asked.stage} of {release} stay",
        kinds.LICENCE: f"a licence of {who} from directive {asked.directive}",
        kinds.RECONSIDER: f"the end of a judgement on a model of {release}",
    }.get(read.case.kind, f"the case {read.case.id}")


def narrowed(read: ShownCase) -> Iterator[str]:
    """Which organizations a lift is for, if it is for some and the instance has shown them."""
    if read.names:
        yield f"It is for {'; '.join(quoted(str(each)) for each in read.names)}."


def said(record: Record, read: ReadCase, word: Word, now_ms: int) -> Iterator[str]:
    """What a position says, sentence by sentence."""
    yield from _said_here(record, read, word, now_ms)
    yield from _reason(word)


def _said_here(record: Record, read: ReadCase, word: Word, now_ms: int) -> Iterator[str]:
    """What a position says in a case, without its reason: a schedule has one for all of its cases."""
    conditions = None if word.conditions is None else Conditions.from_json(word.conditions)
    until = _until(record, read, word, conditions, now_ms)
    yield f"{_SAYS[word.position].format(thing(record, read))}{until}."
    yield from narrowed(read)
    if conditions is not None:
        yield f"Your conditions: {'; '.join(condition(*each) for each in conditions.to_json().items())}."
    if word.concern is not None:
        yield f"Your objection is about {quoted(word.concern)}."
    if word.previous is not None:
        yield "It takes the place of what your agency said in this case before."


def _reason(word: Word) -> Iterator[str]:
    what = "question" if word.position == "ask" else "reason"
    if word.sealed is not None:
        yield "Your reason is sealed: only the developer and the agencies that are asked can read it."
    elif word.reason.strip():
        yield f"Your {what} will be public: {quoted(word.reason)}"
    else:
        yield "You give no reason."


def condition(name: str, value: object) -> str:
    """A condition in words."""
    if isinstance(value, Mapping):
        return f"{words.named(name)} {words.exact(value['value'])} {phrases.DECLARED}"
    return f"{words.named(name)} {words.exact(value)}"


def _until(record: Record, read: ReadCase, word: Word, stated: Conditions | None, now_ms: int) -> str:
    """Until when a grant would be, if the case is decided today; empty if there is no grant, or no end."""
    if word.position not in CONSENT or read.case.kind not in kinds.ADMITS:
        return ""
    with suppress(Withheld, KeyError):
        agreed, _ = blocks.granted_conditions(record, read.case)
        ends = [each.valid_for_ms for each in (agreed, stated) if each is not None and each.valid_for_ms]
        if ends:
            last = datetime.fromtimestamp((now_ms + min(ends)) / 1_000, UTC).date()
            return f" until {times.day(last)}, if it is decided today"
        return ""
    return ""


def follows(record: Record, case: Case, word: str, agency: str, now_ms: int) -> Iterator[str]:
    """What a position of an agency would do in a case, sentence by sentence."""
    if signers.needed(case, agency) > 1:
        yield f"It counts once two owners of {agency} have signed it."
    joined = case.joined(case.rule)
    if word in LEAVES:
        newest = {party: each.position for party, each in case.positions.items()}
        yield from (f"{each[0].upper()}{each[1:]}." for each in recusal(joined, newest, agency))
        return
    left = quorum.without(joined, case.recused - {agency})
    if left is None or agency not in quorum.parties_of(left):
        return
    yes, no = case.consenting - {agency}, case.against - {agency}
    if word in CONSENT:
        yield from _consented(record, case, left, (yes | {agency}, no), now_ms)
    elif word == "object":
        yield _objected(left, yes, no | {agency})
    elif word == "abstain" and not quorum.satisfied(left, quorum.parties_of(left) - no - {agency}):
        yield "Without your agency's yes it cannot be carried: it stays open until a word changes."


def _consented(
    record: Record, case: Case, left: Rule, words: tuple[frozenset[str], frozenset[str]], now_ms: int
) -> Iterator[str]:
    """What follows if these say yes and those no."""
    yes, no = words
    if not quorum.satisfied(left, yes):
        more = " or ".join(" and ".join(each) for each in quorum.smallest(left, yes, no))
        yield f"Then it still needs a yes of {more}." if more else "Even then it cannot be carried."
        return
    held: list[str] = []
    with suppress(Withheld, KeyError):
        held = [f"{each.text[0].upper()}{each.text[1:]}." for each in blocks.blocked_by(record, case, now_ms)]
    if held:
        yield "Then enough agencies have said yes. It is not decided before this is settled:"
        yield from held
    else:
        yield "Then enough agencies have said yes, and the case is decided."


def _objected(left: Rule, yes: frozenset[str], no: frozenset[str]) -> str:
    if not quorum.reachable(left, no):
        return "That decides the case: no."
    if quorum.satisfied(left, yes):
        return "The others have said yes already: your objection is on the record, and does not stop it."
    return "The others can still carry it without you."


def due_by(case: Case, agency: str) -> str | None:
    """The last day of an agency's time in a case, in which zone, and by which rule; None if no time runs."""
    timer, clock = case.clocks.get(agency), case.procedure.clock
    if timer is None or timer.due_ms is None or clock is None:
        return None
    last = clocks.deadline(timer.due_ms, clock.calendar)
    if agency in case.referrals:
        return last
    return f"{last} ({clocks.rule(clock.within_at(timer.rung), clock.unit, clock.calendar)})"


def received(case: Case, agency: str) -> Iterator[str]:
    """What a receipt does."""
    clock = case.agency_clock
    if clock is None:
        yield "No time runs for your answer."
        return
    yield f"From now on {agency} has {clocks.rule(clock.within, clock.unit, clock.calendar)}."
    meaning = {
        "escalate": f"{clock.to[0].name} is asked next" if clock.to else "the developer is asked next",
        "no-objection": "its silence counts as no objection",
        "deny": "its silence counts as an objection",
    }.get(clock.silence, clock.silence)
    yield f"If it does not answer in time, {meaning}. The time stops while it waits for the applicant."


def statement(record: Record, cases: Mapping[str, ReadCase], stated: Statement, now_ms: int) -> Iterator[str]:
    """What a statement says, sentence by sentence. `cases` has those that it is about."""
    match stated:
        case Position():
            yield from said(record, cases[stated.question.case], stated.word, now_ms)
        case Schedule():
            yield f"You say this in {counted(len(stated.cases), 'case')}, in the order of their arrival:"
            names = [each.case for each in stated.cases]
            spoken = [(cases[name], word) for name in names if (word := stated.word(name)) is not None]
            for read, word in spoken:
                yield from _said_here(record, read, word, now_ms)
            yield from _reason(spoken[0][1])
        case Receipt():
            read = cases[stated.question.case]
            yield f"You confirm that {stated.agency} has received the case about {thing(record, read)}."
            yield from received(read.case, stated.agency)
        case Referral():
            read = cases[stated.question.case]
            yield f"You have {stated.to} asked, too, about {thing(record, read)}."
            yield f"Your reason will be public: {quoted(stated.reason or '')}"
        case KeyStatement():
            yield from said_of_key(stated)
        case _:
            raise AssertionError(stated)
