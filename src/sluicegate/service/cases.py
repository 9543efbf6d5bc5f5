"""Cases as those see them who may: the list of them, with its filter.

Rules:
- For a reader who may not see a case, the case does not exist.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sluicegate.acts import cases as acts
from sluicegate.acts.act import APPLICANT
from sluicegate.acts.cases import CaseFilter, CaseList, CaseSummary
from sluicegate.core.lifecycle import Refusal, State, blocks, signers
from sluicegate.core.lifecycle.steps import case_unknown
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate.service.names import NameSearch
from sluicegate_record.entities.case import Case
from sluicegate_record.log.leaf import Opening
from sluicegate_record.terms import kinds

SHOWN_MAX = 500
PART = 500
"""How many cases a search or a report looks at before it lets others go on."""


@does(acts.LIST)
def listed(context: Context[CaseList], wanted: CaseFilter) -> CaseList | Refusal:
    """The cases the reader may see, newest first; `next` names the last one if there are more.

    The state is held to choose where to look and to describe the page, not to look: what is shown is as it
    is at `size`, and a case that has changed meanwhile and is no longer wanted is left out.
    """
    _check(wanted)
    ledger = context.ledger
    with ledger.reading() as state:
        _check_awaited(state, wanted.awaiting)
    limit = wanted.limit
    page = list(islice(_found(ledger, context.principal, wanted), limit + 1))
    with ledger.reading() as state:
        now = (state.cases[case.id] for case in page[:limit])
        shown = [
            (case, tuple(awaiting(state, case)), tuple(signers.unable(state.record, case)))
            for case in now
            if _is_wanted(state, case, wanted)
        ]
        dossiers = {case.id: state.cases[case.dossier].seq for case, _, _ in shown if case.organization}
        size = state.size
    opened = ledger.store.log.sealed(dossiers.values())
    names = {case: legal_name(opened[seq]) for case, seq in dossiers.items()}
    rows = (
        CaseSummary(**line(case, names.get(case.id)), awaiting=awaited, cannot_sign=lacking)
        for case, awaited, lacking in shown
    )
    return CaseList(size=size, cases=tuple(rows), next=page[limit - 1].id if len(page) > limit else None)


def _found(ledger: Ledger, principal: Principal, wanted: CaseFilter) -> Iterator[Case]:
    """The wanted cases, newest first, a part at a time, so that no one waits for a long search."""
    names = NameSearch(ledger.store.principals, wanted.organization)
    with ledger.reading() as state:
        candidates = _candidates(state, principal, names.few)
        before = seen(state, principal, wanted.before) if wanted.before is not None else None
    if isinstance(before, Refusal):
        raise InvalidInput(before.message, remedy=before.remedy)
    if before is not None:
        candidates = candidates[: bisect_left(candidates, before.seq, key=_seq)]
    for at in range(len(candidates), 0, -PART):
        found = [
            case
            for case in reversed(candidates[max(0, at - PART) : at])
            if access.sees(principal, case) and _is_of(case, wanted)
        ]
        if wanted.organization is not None:
            named = names.keep([case.organization for case in found if case.organization])
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


def _check_awaited(state: State, who: str | None) -> None:
    """Raises: InvalidInput: no one that a case can wait for."""
    known = sorted({APPLICANT, state.developer, *state.parties})
    if who is not None and who not in known:
        raise InvalidInput(f"no case waits for {who[:40]!r}, expected one of {', '.join(known)}")


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
    if principal.role == APPLICANT:
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
    """Who a case waits for: parties by name; `applicant` if it was asked something or offered a seat; the
    developer if it must screen, or pin another key because too few agencies can sign.
    """
    asked = ["applicant"] if case.standing in {kinds.ASKED, kinds.OFFERED} else []
    is_screened = not is_open(case) or not blocks.screening_needed(state.record, case)
    acts_now = not is_screened or signers.is_stuck(state.record, case)
    screens = [state.developer] if acts_now else []
    parties = [party for party in {*case.awaiting, *_reviewing(case)} if party not in case.asking]
    return [*asked, *sorted(parties), *screens]


def _reviewing(case: Case) -> list[str]:
    """Who stood against before the applicant replied, and has said nothing since."""
    if not is_open(case) or case.replied_seq is None or case.kind == kinds.REMOVAL:
        return []
    said = case.positions
    return [party for party in case.against if party not in said or said[party].seq < case.replied_seq]


def line(case: Case, organization: str | None) -> dict[str, Any]:
    """The fields of a `CaseSummary`, without those that depend on more than the case."""
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
        "organization": organization,
        "opened_at_ms": case.at_ms,
        "due_ms": case.due_ms,
        "next_due_ms": _next_due_ms(case),
    }


def _next_due_ms(case: Case) -> int | None:
    """The earliest of what is due in a case: of an agency, of the whole, of the applicant."""
    if not is_open(case):
        return None
    dates = [case.due_ms, case.offer_until_ms, case.reply_by_ms]
    dates += [clock.due_ms for clock in case.clocks.values()]
    return min((at_ms for at_ms in dates if at_ms is not None), default=None)


def legal_name(opened: Mapping[str, Opening]) -> str:
    """The legal name in the sealed parts of an application."""
    name: str = opened["application"].value()["organization"]["name"]
    return name


def dossier_of(ledger: Ledger, state: State, case: Case) -> Opening | None:
    """What opens the commitment to the dossier that a case is about; None if it is about no organization."""
    seq = state.cases[case.dossier].seq
    return ledger.store.log.sealed([seq]).get(seq, {}).get("application")


def is_open(case: Case) -> bool:
    """Whether a case is not determined."""
    return case.state != kinds.DETERMINED
