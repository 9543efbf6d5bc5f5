"""Cases as those see them who may: the list of them, with its filter.

Rules:
- For a reader who may not see a case, the case does not exist.
- A list looks at the smallest part of the docket that has all wanted cases: the sections with wanted
  headings, the reader's own cases, or those of the organizations with a name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sluicegate.acts import cases as acts
from sluicegate.acts.act import APPLICANT
from sluicegate.acts.cases import CaseFilter, CaseList, CaseSummary
from sluicegate.core.lifecycle import Refusal, State
from sluicegate.core.lifecycle.docket import Heading
from sluicegate.core.lifecycle.lists import opened_in
from sluicegate.core.lifecycle.steps import case_unknown
from sluicegate.errors import InvalidInput
from sluicegate.ports import Principal
from sluicegate.service import access
from sluicegate.service.context import Context, does
from sluicegate.service.ledger import Ledger
from sluicegate.service.names import NameSearch
from sluicegate.service.paging import page
from sluicegate_record.directives import phrases
from sluicegate_record.entities.case import Case
from sluicegate_record.form import replace
from sluicegate_record.log.leaf import Opening
from sluicegate_record.terms import kinds

SHOWN_MAX = 500
PART = 500
"""How many cases a search for a name looks at, at most, before it lets others go on."""
NAME_LOST = "name lost"
"""What stands for a legal name that only a lost database had."""


@does(acts.LIST)
def listed(context: Context[CaseList], wanted: CaseFilter) -> CaseList | Refusal:
    """The cases the reader may see, newest first; `next` names the last one if there are more.

    What is shown is as it is at `size`.
    """
    _check(wanted)
    ledger, principal = context.ledger, context.principal
    names = NameSearch(ledger.store.principals, wanted.organization)
    searched = None if wanted.organization is None else _searched(ledger, principal, wanted, names)
    with ledger.reading() as state:
        found = _found(state, principal, wanted, names.few) if searched is None else searched
        first, is_cut = page(found, wanted.limit)
        shown, size = _shown(state, wanted, first), state.size
    more = first[-1].id if is_cut else None
    return CaseList(size=size, cases=tuple(summaries(ledger, shown)), next=more)


class ListedCase(NamedTuple):
    """A case of a page, with its heading, and the place in the log of what its organization is called."""

    case: Case
    heading: Heading
    transcribed: tuple[str, ...]
    dossier: int


def _shown(state: State, wanted: CaseFilter, found: Iterable[Case]) -> list[ListedCase]:
    """The cases of a page. One that has changed since it was found, and is not wanted now, is left out."""
    now = (state.cases[case.id] for case in found)
    return [each for each in (listed_now(state, case) for case in now) if _is_wanted(wanted, each.heading)]


def listed_now(state: State, case: Case) -> ListedCase:
    """A case of a page, as it is now."""
    return ListedCase(
        case, state.docket.heading(case.id), state.transcribed_for(case), dossier_place(state, case)
    )


def summaries(ledger: Ledger, shown: Sequence[ListedCase]) -> Iterator[CaseSummary]:
    """Some cases, with the names of their organizations. Requires: the reader may see them."""
    opened = ledger.store.log.sealed([each.dossier for each in shown if each.case.organization])
    for case, heading, transcribed, dossier in shown:
        party = case.question.party
        yield CaseSummary(
            **line(case, legal_name(opened.get(dossier, {}), party) if case.organization else None),
            awaiting=heading.awaiting,
            cannot_sign=heading.unable,
            transcribed_for=transcribed,
        )


def _searched(
    ledger: Ledger, principal: Principal, wanted: CaseFilter, names: NameSearch
) -> Sequence[Case] | None:
    """The newest wanted cases of organizations with a name, as many as a page asks for. None if the newest
    ones are no whole page, and so few organizations have the name that their cases are looked at instead.
    """
    enough, found = wanted.limit + 1, list[Case]()
    for part in _parts(ledger, principal, wanted, names):
        found += part
        if len(found) >= enough:
            break
        if names.few is not None:
            return None
    return found[:enough]


def _parts(
    ledger: Ledger, principal: Principal, wanted: CaseFilter, names: NameSearch
) -> Iterator[list[Case]]:
    """Look through the wanted cases for a name, a part at a time: those that have it. The first is small."""
    before, many = wanted.before, min(PART, 2 * wanted.limit)
    while True:
        with ledger.reading() as state:
            found = list(islice(_found(state, principal, replace(wanted, before=before), None), many))
        known = names.keep([case.organization for case in found if case.organization])
        yield [case for case in found if case.organization in known]
        if len(found) < many:
            return
        before, many = found[-1].id, PART


def _found(
    state: State, principal: Principal, wanted: CaseFilter, named: Collection[str] | None
) -> Iterator[Case]:
    """The wanted cases, newest first; only of organizations that are `named`, if some are given.

    Raises: InvalidInput: the filter names no one that a case can wait for, or a case that is not there.
    """
    _check_awaited(state, wanted.awaiting)
    before = _before(state, principal, wanted)
    few = _few(state, principal, named)
    within = None if named is None else frozenset(named)

    def wants(heading: Heading) -> bool:
        return access.sees_some(principal, heading) and _is_wanted(wanted, heading)

    if few is None or len(few) > state.docket.count(wants):
        found = state.docket.newest(wants, before)
    else:
        own = sorted(map(state.cases.__getitem__, few), key=_newest_first)
        older = (each for each in own if before is None or each.seq < before)
        found = (each for each in older if wants(state.docket.heading(each.id)))
    return (
        case
        for case in found
        if access.sees(principal, case)
        and (within is None or case.organization in within)
        and wanted.directive in {None, case.question.directive}
    )


def _newest_first(case: Case) -> int:
    return -case.seq


def _few(state: State, principal: Principal, named: Collection[str] | None) -> Sequence[str] | None:
    """The cases of some organizations, or of an applicant; None: there is no such limit."""
    if named is not None:
        return [case for organization in named for case in state.cases_of.get(organization, ())]
    return state.cases_of.get(principal.acts_for, ()) if principal.role == APPLICANT else None


def _before(state: State, principal: Principal, wanted: CaseFilter) -> int | None:
    if wanted.before is None:
        return None
    found = seen(state, principal, wanted.before)
    if isinstance(found, Refusal):
        raise InvalidInput(found.message, remedy=found.remedy)
    return found.seq


def _check(wanted: CaseFilter) -> None:
    """Raises: InvalidInput: a kind, or a state or outcome, that no case can have."""
    words: dict[str, tuple[str | None, Collection[str]]] = {
        "kind": (wanted.kind, kinds.KINDS),
        "state": (wanted.state, acts.STANDINGS),
    }
    for name, (word, known) in words.items():
        if word is not None and word not in known:
            raise InvalidInput(f"no {name} {word[:40]!r}, expected one of {', '.join(known)}")


def _check_awaited(state: State, who: str | None) -> None:
    """Raises: InvalidInput: no one that a case can wait for."""
    known = sorted({APPLICANT, state.developer, *state.parties})
    if who is not None and who not in known:
        raise InvalidInput(f"no case waits for {who[:40]!r}, expected one of {', '.join(known)}")


def _is_wanted(wanted: CaseFilter, heading: Heading) -> bool:
    """Whether the cases with a heading are of the kind, in the state and waiting as wanted."""
    return (
        wanted.kind in {None, heading.kind}
        and wanted.state in {None, heading.standing, heading.outcome, acts.OPEN if heading.is_open else None}
        and (wanted.awaiting is None or wanted.awaiting in heading.awaiting)
    )


def seen(state: State, principal: Principal, case_id: str) -> Case | Refusal:
    """A case, if its reader may see it."""
    case = state.cases.get(case_id)
    return case if case is not None and access.sees(principal, case) else case_unknown(case_id)


def seen_of(state: State, principal: Principal, grant: str) -> Case | Refusal:
    """The case of a grant, if its reader may see the grant."""
    found = state.grants.get(grant)
    if found is None or not access.sees_grant(principal, state, found):
        return case_unknown(grant)
    return state.cases[found.case]


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
        "part": phrases.part(question.scope) or None,
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


def legal_name(opened: Mapping[str, Opening], party: str) -> str:
    """The legal name of a party in the sealed parts of an application, of the terms that name it, or of its
    account. Entries that were taken back after a loss have none.
    """
    found = opened_in(opened, party)
    name: str = NAME_LOST if found is None else found.value()["organization"]["name"]
    return name


def dossier_place(state: State, case: Case) -> int:
    """The place in the log of the entry that seals the dossier that a case is about."""
    account = state.accounts.seqs.get(case.question.grant)
    return state.cases[case.dossier].seq if account is None else account


def sent_by(state: State, case: Case) -> str | None:
    """Who sent the dossier that a case is about; None if the developer gave it, in an account or a list."""
    about = state.cases[case.dossier]
    is_sent = about.organization is not None and case.question.grant not in state.accounts.seqs
    return about.principal if is_sent else None


def dossier_of(ledger: Ledger, state: State, case: Case, party: str | None = None) -> Opening | None:
    """What opens the commitment to the dossier that a case is about; None if it is about no organization.

    `party` is one that the case names, if its question is about many.
    """
    seq = dossier_place(state, case)
    return opened_in(ledger.store.log.sealed([seq]).get(seq, {}), party or case.question.party)


def is_open(case: Case) -> bool:
    """Whether a case is not determined."""
    return case.state != kinds.DETERMINED
