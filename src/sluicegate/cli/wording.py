"""Cases, grants, rules and times in words, as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sluicegate.acts.cases import AgencyClock, CaseSummary, CaseView, ContributionView, DossierView
from sluicegate.acts.deployments import DeploymentView
from sluicegate.acts.evidence import EvidenceReceipt
from sluicegate.acts.findings import FindingSummary
from sluicegate.acts.grants import GrantView, ProgrammeView
from sluicegate.acts.promises import PromiseView
from sluicegate.core import times as core_times
from sluicegate_record.directives.phrases import UNREAD
from sluicegate_record.directives.received import Arrival
from sluicegate_record.log import times
from sluicegate_record.strict import Unread
from sluicegate_record.terms import kinds
from sluicegate_record.terms.effective import DIFFERENCES
from sluicegate_record.terms.exposure import Measure
from sluicegate_record.terms.phrases import SILENCE, duration, plain, rule
from sluicegate_record.terms.programmes import PERSON_NAMED, HeldProgramme
from sluicegate_record.terms.text import counted
from sluicegate_record.terms.text import shown as one_line

_SAID = {
    "answer": "the applicant answered",
    "reply": "the applicant replied",
    "appeal": "the appeal says",
    "notice": "notice to the holder",
    "returned": "returned because",
}
ADVICE = "; the basis is voluntary, so two officers may proceed without them"
_BASES = {
    "voluntary": ADVICE,
    "lapsed": "; the basis has lapsed, so an officer decides alone: "
    "'sluicegate review proceed CASE --reason REASON --key KEY -o FILE'",
}
"""What the basis of a case means for those who decide it."""
_USES = {
    "approved": "approved, without a key yet",
    "provisioned": "has a key; no request was let through yet",
    "proven": "in use",
}
"""The states of a grant that is valid: how far its holder has come."""
BARRED = frozenset({"suspended", "expired", "removed", "surrendered"})
"""The states of a grant whose keys are refused."""


def imported(done: EvidenceReceipt, sealed_to: Sequence[str] = ()) -> str:
    """What the result of an evaluation says that is on the record now, and who reads its log."""
    counts = "counts" if done.counts else "does not count"
    said = f"{done.party}: {done.evaluation} of {done.release} {counts}\n  {done.says}\n  {done.evidence}"
    return f"{said}\n  its log is kept, sealed to {', '.join(sealed_to)}" if sealed_to else said


def words(state: str) -> str:
    """A state or an outcome, such as `in review`."""
    return state.replace("_", " ")


def log_of(size: int) -> str:
    """The title of what is shown as it is with so many entries of the log."""
    return f"the public log has {counted(size, 'entry', 'entries')}"


def moment(at_ms: int | None) -> str:
    """A time to the millisecond; an empty text for None. Units: milliseconds since 1970 UTC."""
    return "" if at_ms is None else times.format_time(at_ms)


def minute(at_ms: int | None) -> str:
    """A time for a table; an empty text for None. Units: milliseconds since 1970 UTC."""
    return "" if at_ms is None else core_times.minute(at_ms)


def case(shown: CaseView) -> str:
    """A case: its state, what was said, whose time runs, who it waits for, and what to do next."""
    on = f" on {shown.surface}" if shown.surface else ""
    name = f" for {shown.organization}" if shown.organization else ""
    code = f" ({shown.reason_code})" if shown.reason_code else ""
    advice = _BASES.get(shown.basis or "", "")
    whose = written_for(shown.transcribed_for)
    state = f"{shown.determination or words(shown.state)}{code}{_meaning(shown)}{whose}"
    lines = [
        f"{shown.case}: {shown.kind} of {shown.about}{on}{name}",
        f"  it asks: {shown.asks}",
        *([f"  about: {shown.subject}"] if shown.subject else []),
        f"  state: {state}, opened {times.format_time(shown.opened_at_ms)}",
        *(f"  programme asked for: {held(each)}" for each in shown.programmes),
        *(f"  {each}" for each in (() if shown.dossier is None else dossier(shown.dossier))),
        f"  decided by: {rule(shown.rule)}{advice}",
        *_heard(shown),
        *_times(shown),
    ]
    if shown.for_the_record:
        lines.append("  if it is allowed, the record says so, and no grant comes back: its holder cannot be")
        lines.append("    admitted under the terms in force")
    if shown.awaiting:
        lines.append(f"  awaiting: {awaiting(shown)}")
    if () not in shown.would_decide and shown.would_decide:
        sets = " or ".join(" and ".join(each) for each in shown.would_decide)
        lines.append(f"  still needed for a yes: {sets}")
    if shown.appeal:
        lines.append(f"  appealed in {shown.appeal}: {words(shown.appeal_outcome or 'open')}")
    lines += [f"  {line}" for line in grant(shown.grant)] if shown.grant else []
    return "\n".join([*lines, *(f"  next: {step}" for step in _next(shown))])


def dossier(sent: DossierView) -> Iterator[str]:
    """What an applicant sent, each thing on a line of its own: nothing in it begins another line."""
    yield from (f"{name}: {one_line(plain(each))}" for name, each in sent.organization.items())
    for asked_for in sent.criteria:
        yield f"criterion: {one_line(asked_for.criterion)}"
        said = asked_for.answer
        yield "  not answered" if said is None else f"  answer: {one_line(said)}"
    yield from (f"document: {one_line(each.name)}, {one_line(each.digest)}" for each in sent.attachments)


def transcript(arrived: Arrival | Unread, officers: Sequence[str]) -> str:
    """Which officers wrote an act down for its agency, and how it arrived."""
    who = f"two officers ({', '.join(officers)})" if officers else "two officers"
    how = f"{arrived.how} of {arrived.on}" if isinstance(arrived, Arrival) else UNREAD
    return f"written down by {who}: {how}"


def written_for(agencies: Sequence[str]) -> str:
    """That officers wrote down what some agencies said, in a few words; empty if they did for none."""
    return f"; two officers wrote for {' and '.join(agencies)}" if agencies else ""


def awaiting(shown: CaseSummary) -> str:
    """Who a case waits for. A party that has too few keys to answer is marked."""
    lacking = shown.cannot_sign
    return ", ".join(f"{name} (cannot sign)" if name in lacking else name for name in shown.awaiting)


def directed(directs: Mapping[str, Iterable[str]]) -> str:
    """What each agency may direct alone, in one line."""
    return "; ".join(f"{name} directs {', '.join(models) or 'no model'}" for name, models in directs.items())


def finder(shown: FindingSummary) -> str:
    """Who found something: the party that signed it, or someone without a key."""
    return shown.party if shown.transcribed is None else f"{shown.transcribed.reporter} (no key)"


def owed(shown: FindingSummary) -> list[str]:
    """What the developer owes of a finding, and until when, or has not done in time."""
    comes = [f"{each.step} until {minute(each.due_ms)}" for each in shown.owed]
    return [*comes, *(f"{each} overdue" for each in shown.overdue)]


def finding(shown: FindingSummary) -> str:
    """A finding in one line: its name, level and kind, who found it, where it stands, and what is owed."""
    said = "; ".join([shown.state, *owed(shown)])
    return f"{shown.finding}, {shown.level} {shown.kind} by {finder(shown)}: {said}"


def promise(shown: PromiseView) -> str:
    """A promise in one line: whose, what, by when, what happened to it, and what follows by default."""
    about = "/".join(shown.about.to_json().values())
    what = f"{shown.text} ({about})" if about else shown.text
    follows = "so" if shown.state == "broken" else "if not"
    default = f"; {follows}: {shown.default}" if shown.default else ""
    changed = f"; changed, because: {shown.changes[-1].reason}" if shown.changes else ""
    return f"{promiser(shown)}, by {shown.by}: {what}: {promise_state(shown)}{changed}{default}"


def promiser(shown: PromiseView) -> str:
    """Whose promise it is, and what stands for it where no one signed it."""
    if shown.signed_by is not None:
        return shown.party
    return f"{shown.party} ({'by its plan' if shown.is_target else 'not signed'})"


def promise_state(shown: PromiseView) -> str:
    """What happened to a promise, such as `broken by time`."""
    if shown.state == "broken":
        return "broken by time" if shown.how == "time" else "broken by its party"
    return "kept late" if shown.late else shown.state


def _meaning(shown: CaseView) -> str:
    """The meaning of an approved removal: the word "approved" alone would mislead."""
    ended = shown.kind == kinds.REMOVAL and shown.determination in kinds.GRANTED
    return ": the grant has ended" if ended else ""


def _heard(shown: CaseView) -> Iterator[str]:
    for said in shown.positions:
        superseded = " (superseded)" if said.superseded else ""
        why = said.reason or said.sealed_reason or ("the reason is not public" if said.sealed else "")
        on = f" on {json.dumps(said.conditions.to_json())}" if said.conditions else ""
        by = f" ({transcript(said.transcribed, said.officers)})" if said.transcribed else ""
        about = f" ({said.concern})" if said.concern else ""
        about += ", outside this gate's concern: it does not count" if said.outside else ""
        line = f"  {times.format_time(said.at_ms)} {said.agency} {said.position}{about}{superseded}{by}{on}"
        yield line + (f": {why}" if why else "")
        if said.unheard:
            is_awaited = said.stale and not said.superseded
            counts = "; it does not count until it is signed again" + because(said.unheard)
            yield f"    {before(said.unheard)}{counts if is_awaited else ''}"
    for found in shown.referrals:
        joins = ", which joins those who decide" if found.binds else ""
        yield f"  {found.by} referred it to {found.to}{joins}: {found.reason}"
    yield from (f"  {each.agency} asks: {each.question}" for each in shown.questions)
    said_by = _SAID | ({"appeal": "the developer says"} if shown.kind == kinds.RECONSIDER else {})
    yield from (f"  {said_by[each.what]}: {each.text}" for each in shown.answers)
    screened = shown.screening
    if screened:
        by = f"{screened.list} {screened.version}, by {screened.owner}"
        since = screened.reopened_ms
        again = f"; open again since {times.format_time(since)}" if since is not None else ""
        yield f"  screened: {screened.decision} ({by}): {screened.reason}{again}"
    for each in shown.notes:
        yield f"  {each.on or times.format_time(each.at_ms)} {each.party}, {each.kind}: {each.text}"


def before(unheard: Sequence[ContributionView]) -> str:
    """What was said in a case between the look of a signer and the position."""
    return "signed before " + ", and before ".join(map(_contributed, unheard))


def because(unheard: Sequence[ContributionView]) -> str:
    """Why a consent does not count: what has weight of all that its signer did not know of."""
    weighty = [_contributed(each) for each in unheard if each.weighs]
    return f", because {' and '.join(weighty)}" if weighty else ""


def _contributed(said: ContributionView) -> str:
    return _CONTRIBUTED.get(said.what, "{} said: " + words(said.what)).format(said.who)


_CONTRIBUTED = {
    "approve-with-conditions": "{} set conditions",
    "ask": "{} asked the applicant",
    "answer": "the applicant answered",
    "reply": "the applicant replied",
    "object": "{} objected",
    "screening": "{} screened the applicant",
    "proceeding": "{} proceeded",
    "note": "{} added a note",
    "referral": "{} referred it to another agency",
    "decline": "{} declined",
}
"""What was said, by the word for it, with who said it."""


def _times(shown: CaseView) -> Iterator[str]:
    yield from (f"  clock of {clock(each)}" for each in shown.clocks)
    for agency in shown.unreceived:
        yield f"  clock of {agency}: not started; it has not confirmed receipt"
    yield from (f"  blocked: {each.text}" for each in shown.blocked_by)
    for word, at_ms in _dates(shown):
        if at_ms is not None:
            yield f"  {word} {times.format_time(at_ms)}"
    if shown.place:
        yield f"  place {shown.place} on the waitlist; a freed seat is offered in this order"


def _dates(shown: CaseView) -> Iterator[tuple[str, int | None]]:
    """The dates in a case. An appeal settles those of a reply and of an appeal."""
    yield "the case is due", shown.due_ms
    if not shown.appeal:
        is_reviewed = shown.replied_at_ms is not None and shown.kind != kinds.REMOVAL
        yield "a reply is on the record; reviewed until" if is_reviewed else "reply by", shown.reply_by_ms
    yield "offered until", shown.offer_until_ms
    if not shown.appeal:
        yield "appeal by", shown.appeal_by_ms


def _next(shown: CaseView) -> Iterator[str]:
    """What its reader can do now, or who acts next."""
    grant_name = shown.grant.grant if shown.grant is not None else ""
    yield from (_STEPS[step].format(shown.case, grant_name) for step in shown.next_steps if step in _STEPS)
    if shown.determination in {"lapsed", "returned"} and shown.kind == kinds.ADMISSION:
        yield "apply again: sluicegate application submit -h"
    if shown.state != kinds.DETERMINED and not shown.next_steps:
        yield f"nothing for you now; it waits for {awaiting(shown) or 'its time to pass'}"


_STEPS = {
    "receive": "sluicegate review receive {0} --key …",
    "position": "sluicegate review decide {0} --position … --key …; "
    "or 'sluicegate review export {0} -o {0}.json', for a key on another machine",
    "screen": "sluicegate screening record {0} --list … --version … --decision … --reason … --key …",
    "pin": "have the agency make another key, and add it to the trust file",
    "answer": "sluicegate application answer {0} --text …",
    "accept": "sluicegate application accept {0}",
    "reply": "sluicegate application reply {0} --text …",
    "appeal": "sluicegate application appeal {0} --text …",
    "issue": "sluicegate credential issue --grant {1}",
}
"""What to do for each step, with the case and its grant."""


def of_class(name: str, comparable_to: str | None) -> str:
    """A class of models, as it follows 'designated'."""
    return f"comparable to {comparable_to}" if comparable_to is not None else f"a {name.replace('-', ' ')}"


def silence(meaning: str, ladder: Sequence[str]) -> str:
    """What follows if an agency does not answer in time."""
    if meaning == "escalate":
        return f"{ladder[0]} is asked next" if ladder else "the developer is asked next"
    return SILENCE.get(meaning, meaning)


def clock(given: AgencyClock) -> str:
    """An agency's clock in a case."""
    agency = given.agency
    if given.escalated_to:
        agency = f"{agency}, escalated to {given.escalated_to}"
    if given.stopped:
        return f"{agency}: stopped until the applicant answers"
    if given.silence:
        return f"{agency}: over; {SILENCE.get(given.silence, given.silence)}"
    if given.due_ms is None:
        return f"{agency}: no time runs"
    by = f" ({given.due_by})" if given.due_by is not None else ""
    return f"{agency}: due {times.format_time(given.due_ms)}{by}"


def grant_state(state: str, *, stage_open: bool) -> str:
    """The state of a grant, for someone who wants to know whether its keys work."""
    if state not in _USES:
        return words(state)
    return _USES[state] if stage_open else f"{_USES[state]}; the stage is not open yet"


def measure(name: str, most: Measure) -> str:
    """A measure of exposure, such as `2,000 people (enforced)`. `name` is its word in a plan."""
    what = "requests a day, by UTC" if name == "requestsPerDay" else name
    return f"{most.value:,} {what} ({'enforced' if most.enforced else 'stated, not enforced'})"


def programme(shown: ProgrammeView) -> str:
    """A programme of a grant: whether it is active, in what requests name it, who has it, what it asks."""
    whose = f", for {', '.join(shown.holders)} alone" if shown.holders else ""
    asks = f"; it asks {asked(shown.asks)}" if shown.asks else ""
    return f"programme {shown.programme}: {shown.state}, in {shown.travels}{whose}{asks}"


def held(of: HeldProgramme) -> str:
    """A programme, and who alone has it."""
    return f"{of.label}, for {', '.join(of.holders)} alone" if of.holders else of.label


def asked(asks: Mapping[str, Any]) -> str:
    """What a programme asks, with whether gateways check it."""
    return ", ".join(_ask(name, value) for name, value in sorted(asks.items()))


def _ask(name: str, value: Any) -> str:
    if name == PERSON_NAMED:
        return f"{name} (checked at each request)"
    stated = value["value"] if isinstance(value, Mapping) else value
    return f"{name} (declared)" if stated is True else f"{name} {stated} (declared)"


def duties(conditions: Mapping[str, Any]) -> str:
    """The conditions of a grant, in a line: those that are only declared are marked."""
    return ", ".join(f"{name} {stated(value)}" for name, value in conditions.items())


def stated(condition: Any) -> str:
    """What a condition says; one that is only declared is marked."""
    declared = isinstance(condition, Mapping)
    return f"{plain(condition['value'])} (declared)" if declared else plain(condition)


def grant(shown: GrantView) -> list[str]:
    """A grant: what it allows, until when, and its open cases."""
    is_over = shown.state in BARRED - {"suspended"}
    until_ms = None if is_over else shown.valid_until_ms
    until = "" if until_ms is None else f"; valid until {times.format_time(until_ms)}"
    per_minute = shown.requests_per_minute
    pace = f", {counted(per_minute, 'request')} a minute" if per_minute is not None and not is_over else ""
    what = f"for {', '.join(shown.models)} on {shown.surface}{pace}"
    state = grant_state(shown.state, stage_open=True)
    lines = [f"grant {shown.grant}: {state}{until}, {what}"]
    if is_over:
        return [*lines, "  its keys no longer work; for new access, apply again"]
    if not shown.stage_open:
        lines.append("  the stage is not open yet: the keys of this grant work once it opens")
    if shown.fallback:
        lines.append("  the fallback answers requests that a directive refuses, if you hold a grant for it")
    if shown.screening:
        lines.append("  its screening record is open again: the list has changed")
    lines += [f"  {programme(each)}" for each in shown.programmes]
    told = ("deployment", "directive", "finding")
    lines += [f"  limited now: {each.words}" for each in shown.limits if each.kind in told]
    if shown.conditions:
        lines.append(f"  duties: {duties(shown.conditions)}")
    if shown.address is not None:
        lines.append(f"  send requests to {shown.address}")
    for kind, day in shown.differs.items():
        lines.append(f"  {day}: {DIFFERENCES.get(kind, 'an answer differed')} ({kind})")
    about = {"amendment": shown.amendment, "removal": shown.removal}
    lines += [f"  {name} {case} is open" for name, case in about.items() if case]
    return lines


def asserted(statement: DeploymentView | None, developer: str, at_most: str | None) -> str:
    """What the developer asserts serves a release, and what its plan asks for, in one line."""
    asks = "the plan asks for no statement of what serves its models"
    if at_most:
        asks = (
            f"its models answer while {developer} asserts what serves them, for {duration(at_most)} at a time"
        )
    if statement is None:
        return f"{asks}; it has not" if at_most else asks
    if statement.ended_ms is not None:
        return f"{asks}; {developer} took its statement back on {minute(statement.ended_ms)}"
    when = f"{'until' if statement.holds else 'it was over on'} {minute(statement.until_ms)}"
    said = f"{developer} asserts it by {statement.officer}, {when}"
    return f"{asks}; {said} (not measured; 'sluicegate deployment show RELEASE' tells more)"
