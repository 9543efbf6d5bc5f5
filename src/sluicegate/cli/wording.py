"""Cases, grants, rules and times in words, as a person reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sluicegate.acts.cases import AgencyClock, CaseSummary, CaseView, ContributionView
from sluicegate.acts.grants import GrantView
from sluicegate_record.directives.received import Arrival
from sluicegate_record.log import times
from sluicegate_record.strict import Unread
from sluicegate_record.terms import kinds
from sluicegate_record.terms.rule import Rule
from sluicegate_record.terms.text import counted

_SILENCE = {
    "deny": "its silence counts as an objection",
    "no-objection": "its silence counts as no objection",
    "wait": "its silence means nothing: the case waits for it",
}
_SAID = {
    "answer": "the applicant answered",
    "reply": "the applicant replied",
    "appeal": "the appeal says",
    "notice": "notice to the holder",
    "returned": "returned because",
}
UNREAD = "what only a newer build can read"
ADVICE = "; the basis is voluntary, so two officers may proceed without them"
_USES = {
    "approved": "approved, without a key yet",
    "provisioned": "has a key that was not used yet",
    "proven": "in use",
}
"""The states of a grant that is valid: how far its holder has come."""
BARRED = frozenset({"suspended", "expired", "removed", "surrendered"})
"""The states of a grant whose keys are refused."""
_UNITS = {"D": "day", "H": "hour", "M": "minute", "S": "second"}


def words(state: str) -> str:
    """A state or an outcome, such as `in review`."""
    return state.replace("_", " ")


def rule(given: Rule) -> str:
    """A rule over agencies, such as `oncd and ostp`."""
    members = [each if isinstance(each, str) else f"({rule(each)})" for each in given.members]
    if given.operator == "atLeast":
        return f"at least {given.n} of {', '.join(members)}"
    if given.operator == "majorityOf" and len(members) > 1:
        return f"a majority of {', '.join(members)}"
    return (" or " if given.operator == "anyOf" else " and ").join(members)


def log_of(size: int) -> str:
    """The title of what is shown as it is with so many entries of the log."""
    return f"the public log has {counted(size, 'entry', 'entries')}"


def duration(text: str) -> str:
    """A duration, such as `10 days` for `P10D`."""
    found = [(int(count), _UNITS[unit]) for count, unit in re.findall(r"(\d+)([DHMS])", text)]
    return " ".join(counted(count, unit) for count, unit in found)


def minute(at: str | None) -> str:
    """A time for a table, such as `2026-07-08 04:00Z`."""
    return f"{at[:10]} {at[11:16]}Z" if at else ""


def case(shown: CaseView) -> str:
    """A case: its state, what was said, whose time runs, who it waits for, and what to do next."""
    about = shown.directive or f"{shown.release}/{shown.stage}"
    on = f" on {shown.surface}" if shown.surface else ""
    name = f" for {shown.organization}" if shown.organization else ""
    code = f" ({shown.reason_code})" if shown.reason_code else ""
    advice = ADVICE if shown.basis == "voluntary" else ""
    whose = written_for(shown.transcribed_for)
    state = f"{shown.determination or words(shown.state)}{code}{_meaning(shown)}{whose}"
    lines = [
        f"{shown.case}: {shown.kind} of {about}{on}{name}",
        f"  it asks: {shown.asks}",
        *([f"  about: {shown.subject}"] if shown.subject else []),
        f"  state: {state}, opened {times.format_time(shown.opened_at_ms)}",
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


def transcript(arrived: Arrival | Unread, officers: Sequence[str]) -> str:
    """Which officers wrote an act down for its agency, and how it arrived."""
    who = f"two officers ({', '.join(officers)})" if officers else "two officers"
    how = f"{arrived.how} of {arrived.on}" if isinstance(arrived, Arrival) else UNREAD
    return f"transcribed by {who}: {how}"


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
        line = f"  {times.format_time(said.at_ms)} {said.agency} {said.position}{superseded}{by}{on}"
        yield line + (f": {why}" if why else "")
        if said.unheard:
            is_awaited = said.stale and not said.superseded
            counts = "; it does not count until it is signed again" + because(said.unheard)
            yield f"    {before(said.unheard)}{counts if is_awaited else ''}"
    yield from (f"  {each.agency} asks: {each.question}" for each in shown.questions)
    yield from (f"  {_SAID[each.what]}: {each.text}" for each in shown.answers)
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
        yield "apply again: sluicegate application submit"
    if shown.state != kinds.DETERMINED and not shown.next_steps:
        yield f"nothing for you now; it waits for {awaiting(shown) or 'its time to pass'}"


_STEPS = {
    "receive": "sluicegate review receive {0} --key …",
    "position": "sluicegate review export {0} -o {0}.json",
    "screen": "sluicegate screening record {0} --list … --version … --decision … --reason … --key …",
    "pin": "have the agency make another key, and add it to the trust file",
    "answer": "sluicegate application answer {0} --text …",
    "accept": "sluicegate application accept {0}",
    "reply": "sluicegate application reply {0} --text …",
    "appeal": "sluicegate application appeal {0} --text …",
    "issue": "sluicegate credential issue --grant {1}",
}
"""What to do for each step, with the case and its grant."""


def silence(meaning: str, ladder: Sequence[str]) -> str:
    """What follows if an agency does not answer in time."""
    if meaning == "escalate":
        return f"{ladder[0]} is asked next" if ladder else "the developer is asked next"
    return _SILENCE.get(meaning, meaning)


def clock(given: AgencyClock) -> str:
    """An agency's clock in a case."""
    agency = given.agency
    if given.escalated_to:
        agency = f"{agency}, escalated to {given.escalated_to}"
    if given.stopped:
        return f"{agency}: stopped until the applicant answers"
    if given.silence:
        return f"{agency}: over; {_SILENCE.get(given.silence, given.silence)}"
    due_ms = given.due_ms
    return f"{agency}: no time runs" if due_ms is None else f"{agency}: due {times.format_time(due_ms)}"


def grant_state(state: str, *, stage_open: bool) -> str:
    """The state of a grant, for someone who wants to know whether its keys work."""
    if state not in _USES:
        return words(state)
    return _USES[state] if stage_open else f"{_USES[state]}; the stage is not open yet"


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
    about = {"amendment": shown.amendment, "removal": shown.removal}
    lines += [f"  {name} {case} is open" for name, case in about.items() if case]
    return lines
