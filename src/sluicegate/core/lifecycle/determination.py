"""What follows from the positions of a case by its rule: nothing yet, a waitlist, or a determination.

Rules:
- A function of the case and the state alone: the same for a position, a silence, a screening, a proceeding.
- No seat, no grant. What stands in the way is named (`blocked_by`), never passed over.
- A denial says why, until when one may reply, and until when one may appeal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from sluicegate.core.directives import cover
from sluicegate.core.lifecycle.case import Case
from sluicegate.core.lifecycle.organizations import described_anew
from sluicegate.core.lifecycle.state import State, stage_of
from sluicegate_record.directives.scope import Scope
from sluicegate_record.log import events, times
from sluicegate_record.log.events import Draft, Entropy
from sluicegate_record.terms import conditions, kinds, quorum
from sluicegate_record.terms.conditions import UNCONDITIONAL, Conditions, Contradictions
from sluicegate_record.terms.plan import Stage
from sluicegate_record.terms.rule import Rule


def conclude(state: State, case: Case, now_ms: int, entropy: Entropy) -> list[Draft]:
    """The entries that follow from a case as it stands; none while nothing does.

    `case` may be a fork of the one in the state.
    """
    case = _as_heard(state, case)
    rule = case.left
    if rule is None:
        return [outcome(case, "returned", now_ms, code="recused")]
    if _fails(case, rule, now_ms):
        return [outcome(case, "denied", now_ms, code=_why_denied(case))]
    if not (quorum.satisfied(rule, case.consenting) or case.unopposed) or _is_objected(case):
        listed = case.state in {kinds.WAITLISTED, kinds.OFFERED}
        return [Draft(events.CASE_RESUMED, case.id, {"case": case.id})] if listed else []
    if blocked_by(state, case, now_ms) or case.state in {kinds.WAITLISTED, kinds.OFFERED}:
        return []
    if case.kind == kinds.ADMISSION and not has_seat(state, case):
        return [waitlisted(case)]
    return approved(state, case, now_ms, entropy)


def approved(state: State, case: Case, now_ms: int, entropy: Entropy) -> list[Draft]:
    """The entries of an approval and its consequences. Requires: nothing blocks it, and a seat is free."""
    case = _as_heard(state, case)
    with_conditions = any(said.conditions for said in case.positions.values())
    word = "approved-with-conditions" if with_conditions else "approved"
    return [outcome(case, word, now_ms), *_CONSEQUENCES[case.kind](state, case, now_ms, entropy)]


def superseded(state: State, grant: str, how: str, *, but: str = "") -> Iterator[Draft]:
    """The end of what is open about a grant that ends, except the case `but`."""
    for name in (state.amendments.get(grant), state.removals.get(grant)):
        if name is not None and name != but:
            public = {"case": name, "outcome": "superseded", "reasonCode": f"grant_{how}"}
            yield Draft(events.CASE_DETERMINED, name, public)


def outcome(case: Case, word: str, now_ms: int, *, code: str | None = None) -> Draft:
    """The entry that determines a case."""
    public: dict[str, Any] = {"case": case.id, "outcome": word}
    if code is not None:
        public["reasonCode"] = code
    if word == "denied" and case.organization is not None:
        public["because"] = sorted(case.against)
        if case.replied_ms is None and case.kind in kinds.ADMITS:
            public["replyBy"] = _until(now_ms, case.procedure.reply_ms)
    if kinds.allows("appeal", case.kind, kinds.DETERMINED) and _can_be_appealed(case, word):
        public["appealBy"] = _until(now_ms, case.procedure.appeal_ms)
    return Draft(events.CASE_DETERMINED, case.id, public)


def waitlisted(case: Case) -> Draft:
    """The entry that puts a case on its stage's waitlist."""
    return Draft(events.CASE_WAITLISTED, case.id, {"case": case.id})


def has_seat(state: State, case: Case) -> bool:
    """Whether a seat is free for the case's organization, or held by it already."""
    release, stage = stage_of(case)
    seats, seated = state.seats_of(release, stage), state.seated(release, stage)
    return seats is None or case.organization in seated or len(seated) < seats


def blocked_by(state: State, case: Case, now_ms: int) -> list[dict[str, Any]]:
    """What stands between a satisfied rule and its determination: `{what, text, …}`."""
    found: list[dict[str, Any]] = []
    contradictions = granted_conditions(state, case)[1] if case.kind in kinds.APPLIED else {}
    for name, values in contradictions.items():
        said = ", ".join(f"{who}: {value!r}" for who, value in sorted(values.items()))
        text = f"the condition {name!r} is stated differently ({said}); one of them must change its position"
        blocks = {"what": "contradiction", "code": "conditions_contradict", "text": text}
        found.append({**blocks, "condition": name, "values": values})
    if screening_needed(state, case):
        text = "the applicant must be screened, and cleared, against the list in use"
        found.append({"what": "screening", "code": "screening_needed", "text": text})
    if case.kind == kinds.REMOVAL and case.reply_by_ms is not None and now_ms < case.reply_by_ms:
        until = times.format_time(case.reply_by_ms)
        text = f"the holder may reply until {until}"
        found.append({"what": "reply", "code": "reply_time_runs", "text": text, "until": until})
    if _would_close(state, case):
        text = "the stage is not open under the terms in force: the grant would stop working"
        found.append({"what": "opening", "code": "stage_not_open", "text": text})
    return found


def _would_close(state: State, case: Case) -> bool:
    """Whether an amendment would move a grant that works to terms that are not open yet."""
    if case.kind != kinds.AMENDMENT:
        return False
    grant = state.table.grants_by_id[case.question.grant]
    terms = state.releases[grant.release].terms.get(grant.stage)
    return grant.terms in state.table.open_terms and terms not in state.table.open_terms


def screening_needed(state: State, case: Case) -> bool:
    """Whether a case's stage asks for a clear screening record that the case does not have, or no more."""
    if case.kind == kinds.APPEAL:
        return screening_needed(state, state.cases[case.question.against])
    body = _stage(state, case) if case.kind in kinds.ADMITS else None
    if body is None or body.eligibility.screening is None:
        return False
    return not case.is_cleared


def granted_conditions(state: State, case: Case) -> tuple[Conditions, Contradictions]:
    """The conditions of a grant out of this case, the stage's own included, and what contradicts.

    Where positions contradict the terms, the terms hold: nobody proceeds past what was agreed.
    """
    body = _stage(state, case)
    stated = [("terms", UNCONDITIONAL if body is None else body.conditions)]
    stated += [(party, said.conditions) for party, said in sorted(case.positions.items()) if said.conditions]
    combined, contradictions = conditions.strictest(stated)
    agreed = {name: values["terms"] for name, values in contradictions.items() if "terms" in values}
    return combined.declaring(agreed), contradictions


def allowed_on_appeal(state: State, case: Case) -> bool:
    """Whether an appeal against the denial of an application has been allowed."""
    appeal = state.cases.get(case.appeal or "")
    return case.kind == kinds.ADMISSION and appeal is not None and appeal.outcome in kinds.GRANTED


def _as_heard(state: State, case: Case) -> Case:
    """A case as an appeal left it that was allowed: with the positions of the appeal in place of its own."""
    if not allowed_on_appeal(state, case):
        return case
    appeal = state.cases[case.appeal or ""]
    heard = _instead_of(case, appeal)
    heard.id, heard.rule, heard.parties, heard.replied_seq = case.id, appeal.rule, appeal.parties, None
    return heard


def _fails(case: Case, rule: Rule, now_ms: int) -> bool:
    against = case.against
    if case.kind != kinds.REMOVAL and case.replied_seq is not None and now_ms < (case.reply_by_ms or 0):
        replied_seq = case.replied_seq  # what was said before the reply is being reviewed
        against = frozenset(
            party for party in against if party in case.positions and case.positions[party].seq > replied_seq
        )
    if _is_notified(case):
        return bool(against)
    return not quorum.reachable(rule, against)


def _is_notified(case: Case) -> bool:
    """Whether agencies are only notified, so that one objection is enough."""
    return case.procedure.is_notified and case.kind in kinds.ADMITS


def _is_objected(case: Case) -> bool:
    """Whether an objection stands where one is enough; one under review denies nothing yet, nor admits."""
    return _is_notified(case) and bool(case.against)


def _why_denied(case: Case) -> str:
    if not case.against:
        return "recused"
    silent = any(
        party not in case.positions or case.positions[party].position == "ask" for party in case.against
    )
    return "silence" if silent else "objection"


def _can_be_appealed(case: Case, word: str) -> bool:
    return word in (kinds.GRANTED if case.kind == kinds.REMOVAL else {"denied"})


def _until(now_ms: int, lasts_ms: int) -> str:
    return times.format_time(now_ms + lasts_ms)


def _stage(state: State, case: Case) -> Stage | None:
    release, stage = stage_of(case)
    return state.releases[release].plan.stages.get(stage)


# Consequences, by kind


def _terms(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    yield from ()


def _admission(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    question = case.question
    agreed, _ = granted_conditions(state, case)
    terms = state.releases[question.release].terms[question.stage]
    public = {
        "grant": entropy.name("grant"),
        "case": case.id,
        "release": question.release,
        "stage": question.stage,
        "surface": question.surface,
        "terms": terms,
        "conditions": agreed.to_json(),
        "party": question.party,
        "validFrom": times.format_time(now_ms),
        "validUntil": _valid_until(agreed, now_ms),
        **_signed_by(case),
    }
    gate = {"organization": events.opening(case.organization, entropy)}
    yield Draft(events.GRANT_APPROVED, case.id, public, gate)


def _amendment(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    question = case.question
    agreed, _ = granted_conditions(state, case)
    grant = state.table.grants_by_id[question.grant]
    until = times.format_time(grant.valid_until_ms) if grant.valid_until_ms is not None else None
    public = {
        "grant": grant.id,
        "case": case.id,
        "terms": state.releases[question.release].terms[question.stage],
        "conditions": agreed.to_json(),
        "party": question.party,
        "validUntil": _valid_until(agreed, now_ms) if question.renew else until,
        **_signed_by(case),
    }
    yield Draft(events.GRANT_AMENDED, case.id, public)
    if case.described is not None:
        yield described_anew(case.described, entropy)


def _opening(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    assert case.opening is not None
    asked = case.question
    about = {"log": asked.log, "release": asked.release, "stage": asked.stage, "terms": asked.terms}
    public = {**about, **case.opening, "case": case.id, **_signed_by(case)}
    yield Draft(events.STAGE_OPENED, case.question.release, public)


def _removal(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    public = {"grant": case.question.grant, "case": case.id, "how": "removed", **_signed_by(case)}
    yield Draft(events.GRANT_ENDED, case.id, public)
    yield from superseded(state, case.question.grant, "removed", but=case.id)


def _lift(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    name, scope = case.question.directive, case.question.scope
    public = {"directive": name, "case": case.id, **({"scope": scope.to_json()} if scope else {})}
    gate = {"named": events.opening(case.named, entropy)} if case.named else {}
    yield Draft(events.DIRECTIVE_LIFTED, name, public, gate)
    if scope is None or _leaves_nothing(state, name, scope):
        for other in state.directives[name].lifts:
            if other != case.id and state.cases[other].state != kinds.DETERMINED:
                ended = {"case": other, "outcome": "superseded", "reasonCode": "directive_lifted"}
                yield Draft(events.CASE_DETERMINED, other, ended)


def _leaves_nothing(state: State, name: str, scope: Scope) -> bool:
    """Whether a directive is over with this part of it: what remained of it cannot be lifted again."""
    found = state.table.directives[name]
    part = cover.lifted("", scope, {})
    return replace(found, exempt=[*found.exempt, part]).is_spent


def _appeal(state: State, case: Case, now_ms: int, entropy: Entropy) -> Iterator[Draft]:
    """What the case appealed would have given, or what it took; without a free seat, a place on the list."""
    first = state.cases[case.question.against]
    if first.kind == kinds.AMENDMENT:
        if state.is_live(first.question.grant):
            yield from _amendment(state, _instead_of(first, case), now_ms, entropy)
        return
    key = (case.organization or "", case.question.release, case.question.surface)
    newer = state.table.grants.get(key)
    if newer is not None and state.is_live(newer.id):
        return  # it has been granted again meanwhile: one grant a surface
    if key in state.open_applications:
        again = state.open_applications[key]
        public = {"case": again, "outcome": "superseded", "reasonCode": "appeal_allowed"}
        yield Draft(events.CASE_DETERMINED, again, public)
    if not has_seat(state, case):
        yield waitlisted(_admission_of(state, first))
    elif first.kind == kinds.ADMISSION:
        yield from _admission(state, _instead_of(first, case), now_ms, entropy)
    else:
        public = {"grant": first.question.grant, "case": case.id, **_signed_by(case)}
        yield Draft(events.GRANT_REINSTATED, case.id, public)


def _admission_of(state: State, first: Case) -> Case:
    """The application behind an admission, or behind the grant that was removed."""
    while first.kind != kinds.ADMISSION:
        by = first.question.against if first.kind == kinds.APPEAL else state.grants[first.question.grant]
        first = state.cases[by]
    return first


def _instead_of(first: Case, appeal: Case) -> Case:
    """The case appealed, with the positions of the appeal in place of its own."""
    heard = first.fork()
    heard.id, heard.positions, heard.clocks = appeal.id, dict(appeal.positions), dict(appeal.clocks)
    return heard


def _signed_by(case: Case) -> dict[str, Any]:
    """Whose signatures, or silence, a consequence rests on."""
    positions = [
        {"agency": party, "digest": said.digest, "seq": said.seq}
        for party, said in sorted(case.positions.items())
        if party in case.consenting and said.position != "ask"
    ]
    named = {item["agency"] for item in positions}
    found: dict[str, Any] = {"positions": positions}
    if silent := sorted(case.consenting - named):
        found["silent"] = silent
    if case.unopposed:
        found["unopposed"] = True
    if case.proceeded:
        found["proceeded"] = True
    return found


def _valid_until(agreed: Conditions, now_ms: int) -> str | None:
    lasts_ms = agreed.valid_for_ms
    return None if lasts_ms is None else _until(now_ms, lasts_ms)


_CONSEQUENCES: dict[str, Callable[[State, Case, int, Entropy], Iterator[Draft]]] = {
    kinds.TERMS: _terms,
    kinds.ADMISSION: _admission,
    kinds.AMENDMENT: _amendment,
    kinds.OPENING: _opening,
    kinds.REMOVAL: _removal,
    kinds.LIFT: _lift,
    kinds.APPEAL: _appeal,
}
