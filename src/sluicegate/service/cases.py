"""Cases as those see them who may: one, many, and what a reviewer needs to decide.

Rules:
- Nobody hears of a case they may not see: it does not exist for them.
- A sealed reason is shown to the developer's staff and to the agencies that are asked, not to the applicant.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sluicegate.acts.grants import GrantShown
from sluicegate.core.access.table import GrantRow
from sluicegate.core.lifecycle import Refusal, State, applications, blocks, directives
from sluicegate.core.lifecycle.acts import case_unknown
from sluicegate.core.lifecycle.blocks import stage_of
from sluicegate.core.people import application
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.case import Case, ListComparison, Timer
from sluicegate_record.log import canonical, times
from sluicegate_record.log.leaf import Opening
from sluicegate_record.terms import kinds, quorum

SHOWN_MAX = 500
_MANY = 1_000
PART = 500
"""How many cases a search looks at before it lets others go on."""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases: of a kind, in a state or with an outcome, awaiting somebody, of an organization.

    `organization` is (part of) a legal name; `before` the last case of the page before.
    """

    kind: str | None = None
    state: str | None = None
    awaiting: str | None = None
    organization: str | None = None
    before: str | None = None
    limit: int = 50


def show(ledger: Ledger, principal: Principal, case_id: str) -> dict[str, Any] | Refusal:
    """One case as its reader may see it."""
    with ledger.reading() as state:
        case = seen(state, principal, case_id)
        return case if isinstance(case, Refusal) else _shown(ledger, state, principal, case)


def listed(ledger: Ledger, principal: Principal, wanted: CaseFilter | None = None) -> dict[str, Any]:
    """The cases the reader may see, newest first; `next` names the last one if there are more.

    The state is held to choose where to look and to describe the page, not to look: what is shown is as it
    is at `size`, and a case that has changed meanwhile and is no longer wanted is left out.
    """
    wanted = wanted or CaseFilter()
    _check(wanted)
    limit = max(1, min(wanted.limit, SHOWN_MAX))
    page = list(islice(_found(ledger, principal, wanted), limit + 1))
    with ledger.reading() as state:
        now = (state.cases[case.id] for case in page[:limit])
        shown = [(case, _summary(state, case)) for case in now if _is_wanted(state, case, wanted)]
        dossiers = {case.id: state.cases[case.dossier].seq for case, _ in shown if case.organization}
        size = state.size
    opened = ledger.store.log.sealed(dossiers.values())
    return {
        "size": size,
        "cases": [
            {**row, "organization": _legal_name(opened[dossiers[case.id]]) if case.organization else None}
            for case, row in shown
        ],
        "next": page[limit - 1].id if len(page) > limit else None,
    }


def _found(ledger: Ledger, principal: Principal, wanted: CaseFilter) -> Iterator[Case]:
    """The wanted cases, newest first, a part at a time, so that no one waits for a long search."""
    part, of, known = None, None, ledger.store.principals
    if wanted.organization is not None:
        part = application.name_key(wanted.organization)
        few = known.organizations_like(part, _MANY + 1)
        part, of = (part, None) if len(few) > _MANY else (None, few)
    with ledger.reading() as state:
        candidates = _candidates(state, principal, of)
        before = state.cases.get(wanted.before or "")
    if before is not None:
        candidates = candidates[: bisect_left(candidates, before.seq, key=_seq)]
    for at in range(len(candidates), 0, -PART):
        found = [
            case
            for case in reversed(candidates[max(0, at - PART) : at])
            if access.sees(principal, case) and _is_of(case, wanted)
        ]
        if part is not None:  # so many have it that a page is full soon
            named = known.named_like([case.organization for case in found if case.organization], part)
            found = [case for case in found if case.organization in named]
        if wanted.awaiting is not None and found:
            with ledger.reading() as state:
                found = [case for case in found if wanted.awaiting in awaiting(state, case)]
        yield from found


def _seq(case: Case) -> int:
    return case.seq


def _check(wanted: CaseFilter) -> None:
    """Raises: InvalidInput: a kind, or a state or outcome, that no case can have."""
    words: dict[str, tuple[str | None, Collection[str]]] = {
        "kind": (wanted.kind, kinds.KINDS),
        "state": (wanted.state, (*kinds.STATES, *kinds.OUTCOMES)),
    }
    for name, (word, known) in words.items():
        if word is not None and word not in known:
            raise InvalidInput(f"no {name} {word[:40]!r}, expected one of {', '.join(known)}")


def _is_of(case: Case, wanted: CaseFilter) -> bool:
    """Whether a case is of the kind and in the state that are wanted."""
    return wanted.kind in {None, case.kind} and wanted.state in {None, case.standing, case.outcome}


def _is_wanted(state: State, case: Case, wanted: CaseFilter) -> bool:
    return _is_of(case, wanted) and (wanted.awaiting is None or wanted.awaiting in awaiting(state, case))


def _candidates(state: State, principal: Principal, of: Sequence[str] | None) -> list[Case]:
    """Cases, oldest first, from the smallest index that holds all of them the reader may see."""
    if of is not None:
        names = [name for whose in of for name in state.cases_of.get(whose, ())]
        return sorted((state.cases[name] for name in names), key=_seq)
    if principal.role == access.APPLICANT:
        return [state.cases[name] for name in state.cases_of.get(principal.id, ())]
    return [*state.cases.values()]


def seen(state: State, principal: Principal, case_id: str) -> Case | Refusal:
    """A case, if its reader may see it."""
    case = state.cases.get(case_id)
    return case if case is not None and access.sees(principal, case) else case_unknown(case_id)


def seen_of(state: State, principal: Principal, grant: str) -> Case | Refusal:
    """The case of a grant, if its reader may see it."""
    found = state.grants.get(grant)
    return seen(state, principal, found.case if found is not None else "")


def awaiting(state: State, case: Case) -> list[str]:
    """Who is awaited: parties by name; `applicant` where it was asked something or offered a seat; the
    developer where it has to screen.
    """
    asked = ["applicant"] if case.standing in {kinds.ASKED, kinds.OFFERED} else []
    screens = [state.developer] if _is_open(case) and blocks.screening_needed(state.record, case) else []
    parties = [party for party in {*case.awaiting, *_reviewing(case)} if party not in case.asking]
    return [*asked, *sorted(parties), *screens]


def _reviewing(case: Case) -> list[str]:
    """Who stood against before the applicant replied, and has said nothing since."""
    if not _is_open(case) or case.replied_seq is None or case.kind == kinds.REMOVAL:
        return []
    said = case.positions
    return [party for party in case.against if party not in said or said[party].seq < case.replied_seq]


def _summary(state: State, case: Case) -> dict[str, Any]:
    """What a list says of a case, without the name of its organization."""
    question = case.question
    return {
        "case": case.id,
        "kind": case.kind,
        "state": case.standing,
        "determination": case.outcome,
        "release": question.release or None,
        "stage": question.stage or None,
        "surface": question.surface or None,
        "directive": question.directive or None,
        "organization": None,
        "openedAt": times.format_time(case.at_ms),
        "due": _time(case.due_ms),
        "nextDue": _time(_next_due_ms(case)),
        "awaiting": awaiting(state, case),
    }


def _name_of(ledger: Ledger, state: State, case: Case) -> str | None:
    """The legal name of whom a case is about, as it was given."""
    if case.organization is None:
        return None
    seq = state.cases[case.dossier].seq
    return _legal_name(ledger.store.log.sealed([seq])[seq])


def _legal_name(opened: Mapping[str, Opening]) -> str:
    """The legal name in the sealed parts of an application."""
    name: str = opened["application"].value()["organization"]["name"]
    return name


def dossier_of(ledger: Ledger, state: State, case: Case) -> Opening | None:
    """What opens the commitment to the dossier that a case is about; None of one that is about nobody."""
    seq = state.cases[case.dossier].seq
    return ledger.store.log.sealed([seq]).get(seq, {}).get("application")


def _next_due_ms(case: Case) -> int | None:
    """The earliest of what is due in a case: of an agency, of the whole, of the applicant."""
    if not _is_open(case):
        return None
    dates = [case.due_ms, case.offer_until_ms, case.reply_by_ms]
    dates += [clock.due_ms for clock in case.clocks.values()]
    return min((at_ms for at_ms in dates if at_ms is not None), default=None)


def _shown(ledger: Ledger, state: State, principal: Principal, case: Case) -> dict[str, Any]:
    opened = _sealed(ledger, case, principal)
    rule = case.left
    return {
        **_summary(state, case),
        "organization": _name_of(ledger, state, case),
        "application": case.id if case.kind == kinds.ADMISSION else None,
        "asks": kinds.KINDS[case.kind].asks,
        "basis": case.basis or None,
        "rule": case.rule.to_json(),
        "wouldDecide": quorum.smallest(rule, case.consenting, case.against)
        if _is_open(case) and rule
        else [],
        "recused": sorted(case.recused),
        "terms": case.question.terms or None,
        "subject": case.subject,
        "reasonCode": _reason_code(case),
        "positions": [
            {
                "agency": said.agency,
                "position": said.position,
                "reason": said.reason,
                "sealed": said.sealed,
                "sealedReason": opened.get((said.seq, "reason")),
                "conditions": None if said.conditions is None else said.conditions.to_json(),
                "owners": list(said.owners),
                "at": times.format_time(said.at_ms),
                "digest": said.digest,
                "superseded": case.positions[said.agency].seq != said.seq,
            }
            for said in case.history
        ],
        "questions": [
            {"agency": agency, "question": said.reason, "since": times.format_time(said.at_ms)}
            for agency, said in sorted(case.asking.items())
        ],
        "answers": [
            {"seq": seq, "what": name if name != "reason" else "returned", "text": text}
            for (seq, name), text in sorted(opened.items())
            if name != "reason" or seq == case.determined_seq
        ],
        "clocks": [
            {
                "agency": agency,
                "receivedAt": times.format_time(clock.started_ms) if clock.receipt else None,
                "due": _time(clock.due_ms),
                "stopped": clock.asked_ms is not None,
                "step": clock.rung,
                "escalatedTo": _rung(case, clock),
                "silence": clock.silence,
            }
            for agency, clock in sorted(case.clocks.items())
        ],
        "unreceived": [party for party in case.awaiting if party not in case.clocks]
        if case.agency_clock is not None
        else [],
        "blockedBy": blocks.blocked_by(state.record, case, ledger.now_ms()) if _is_stage(case) else [],
        "conditions": _granted(state, case),
        "screening": _screened(case.screening) if principal.role != access.APPLICANT else None,
        "replyBy": _time(case.reply_by_ms),
        "repliedAt": _time(case.replied_ms),
        "offerUntil": _time(case.offer_until_ms),
        "place": _place(state, case),
        "appeal": case.appeal,
        "appealOutcome": state.cases[case.appeal].outcome if case.appeal else None,
        "appealBy": _appeal_by(case),
        "nominated": _is_nominated(ledger, state, case),
        "notes": [{"party": state.developer, **note} for note in case.notes],
        "grant": _grant_json(state, case.grant),
    }


def export(ledger: Ledger, principal: Principal, case_id: str) -> dict[str, Any] | Refusal:
    """What a reviewer needs to decide and sign, offline if need be.

    The dossier comes with its salt, so that the reviewer can check that it is what the question commits to.
    """
    with ledger.reading() as state:
        case = seen(state, principal, case_id)
        if isinstance(case, Refusal):
            return case
        asked = case.parties | ({state.developer} if principal.role == access.DEVELOPER else set())
        return {
            "kind": "sluicegate-review",
            "version": 1,
            "question": case.question.to_json(),
            "rule": case.rule.to_json(),
            "parties": {key.keyid: key.party for key in state.keys.values() if key.party in asked},
            "previous": {party: said.digest for party, said in case.positions.items()},
            "terms": _terms(state, case),
            "document": _document(state, case),
            "scope": _scope(ledger, case),
            "dossier": _dossier(ledger, state, case),
            "against": state.cases[case.question.against].kind if case.kind == kinds.APPEAL else None,
            "case": _shown(ledger, state, principal, case),
        }


def grant_of(state: State, grant_id: str) -> GrantShown | None:
    """A grant as its holder sees it."""
    grant = state.table.grants_by_id.get(grant_id)
    if grant is None:
        return None
    held = state.grants[grant_id]
    is_reopened = blocks.screening_needed(state.record, state.cases[held.case])
    return GrantShown(
        grant=grant.id,
        case=held.case,
        release=grant.release,
        stage=grant.stage,
        surface=grant.surface,
        models=tuple(sorted(grant.models)),
        state=held.standing or _progress(state, grant),
        requests_per_minute=grant.requests_per_minute,
        valid_from_ms=grant.valid_from_ms,
        valid_until_ms=grant.valid_until_ms,
        amendment=held.amendment,
        removal=held.removal,
        stage_open=grant.terms in state.table.open_terms,
        fallback=grant.falls_back,
        screening="reopened" if is_reopened else None,
    )


def _grant_json(state: State, grant_id: str | None) -> dict[str, Any] | None:
    found = grant_of(state, grant_id) if grant_id else None
    return found.to_json() if found else None


def _progress(state: State, grant: GrantRow) -> str:
    """Approved → provisioned → proven."""
    if grant.proven:
        return "proven"
    return "provisioned" if grant.id in state.provisioned else "approved"


def _sealed(ledger: Ledger, case: Case, principal: Principal) -> dict[tuple[int, str], Any]:
    """The texts sealed in a case that its reader may read, by entry and field."""
    places = [*case.answers]
    if case.kind in {kinds.REMOVAL, kinds.APPEAL}:
        places.append(case.seq)
    if case.outcome == "returned" and case.determined_seq is not None:
        places.append(case.determined_seq)
    if principal.role != access.APPLICANT:
        places += [said.seq for said in case.history if said.sealed]
    return {
        (seq, name): opened.value()
        for seq, parts in ledger.store.log.sealed(places).items()
        for name, opened in parts.items()
        if name in _TEXTS
    }


_TEXTS = frozenset({"answer", "reply", "appeal", "notice", "reason"})


def _reason_code(case: Case) -> str | None:
    """Why a removal is asked for, or why a case ended as it did; what a decision before gave is history."""
    if case.kind == kinds.REMOVAL:
        return case.question.reason_code
    return case.reason_code if case.outcome is not None and case.outcome not in kinds.GRANTED else None


def _screened(screening: ListComparison | None) -> dict[str, Any] | None:
    """A screening record; `reopened` in it since when another version of its list was put in use."""
    if screening is None:
        return None
    reopened = _time(screening.reopened_ms)
    return {
        "list": screening.name,
        "version": screening.version,
        "decision": screening.decision,
        "reason": screening.reason,
        "owner": screening.owner,
        "digest": screening.digest,
        "at": times.format_time(screening.at_ms),
        "seq": screening.seq,
        **({"reopened": reopened} if reopened is not None else {}),
    }


def _rung(case: Case, clock: Timer) -> str | None:
    """Who stands on the step of the ladder that an agency's silence has been taken to."""
    stated = case.procedure.clock
    return stated.to[clock.rung - 1].name if clock.rung and stated is not None else None


def _is_open(case: Case) -> bool:
    return case.state != kinds.DETERMINED


def _is_stage(case: Case) -> bool:
    return _is_open(case) and case.kind != kinds.LIFT


def _granted(state: State, case: Case) -> dict[str, Any] | None:
    """The conditions that a grant out of this case would have."""
    if case.kind not in kinds.ADMITS:
        return None
    return blocks.granted_conditions(state.record, case)[0].to_json()


def _place(state: State, case: Case) -> int | None:
    """The place on the waitlist, counted from 1."""
    if case.state != kinds.WAITLISTED:
        return None
    return list(state.waitlists[stage_of(case)]).index(case.id) + 1


def _appeal_by(case: Case) -> str | None:
    until_ms = applications.appeal_until_ms(case)
    return _time(until_ms)


def _is_nominated(ledger: Ledger, state: State, case: Case) -> bool:
    """Whether the developer hoped for this application, by the name of its organization."""
    if case.kind != kinds.ADMISSION or not state.nominations or case.organization is None:
        return False
    found = ledger.store.principals.registered(case.organization)
    same = ledger.store.principals.organizations(found.name if found is not None else "")
    return any(
        known.organization in same
        and (known.release, known.stage) == (case.question.release, case.question.stage)
        for known in state.nominations.values()
    )


def _terms(state: State, case: Case) -> dict[str, Any] | None:
    """The plan whose stage's terms a question binds."""
    found = state.record.terms.get(case.question.terms)
    return None if found is None else found.plan.to_json()


def _scope(ledger: Ledger, case: Case) -> dict[str, Any] | None:
    """What opens the commitment to the organizations that a lift is about."""
    sealed = ledger.store.log.sealed([case.seq]) if case.kind == kinds.LIFT else {}
    opened = sealed.get(case.seq, {}).get(directives.LIFTED)
    return None if opened is None else {"salt": canonical.b64(opened.salt), "value": opened.value()}


def _document(state: State, case: Case) -> dict[str, Any] | None:
    """The directive that a lift is about."""
    if case.kind != kinds.LIFT:
        return None
    return state.directives[case.question.directive].document.to_json()


def _dossier(ledger: Ledger, state: State, case: Case) -> dict[str, Any] | None:
    opened = dossier_of(ledger, state, case)
    if opened is None:
        return None
    return {"application": opened.value(), "salt": canonical.b64(opened.salt)}


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else times.format_time(at_ms)
