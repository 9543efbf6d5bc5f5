"""Organizations that the terms of a stage name: by a list, or as the evaluators of the plan.

Rules:
- Who agrees to the terms agrees to each name. So an organization of such a name is admitted once its stage is
  open and it has an account, by an entry of the clock, on each surface of the plan.
- An organization that holds a grant on a surface, or was removed there, is not admitted there by its name.
- A name that leaves the list admits no one any more. A grant that it gave goes on under its terms.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sluicegate.core.access.refusals import Reason
from sluicegate.core.access.rows import StageName
from sluicegate.core.lifecycle.agenda import What
from sluicegate.core.lifecycle.resting import resting_on
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.grant import REMOVED, place_of
from sluicegate_record.entries import Body, Draft, seen
from sluicegate_record.entries.accounts import AccountOpened
from sluicegate_record.entries.cases import CaseDetermined
from sluicegate_record.entries.clearances import ClearanceRecorded
from sluicegate_record.entries.grants import GrantApproved
from sluicegate_record.entries.people import OrganizationDescribed
from sluicegate_record.entries.releases import ReleaseApplied, StageClosed, StageLacking, StageOpened
from sluicegate_record.form import Json
from sluicegate_record.law.requirements import facts_of
from sluicegate_record.log import canonical
from sluicegate_record.log.leaf import Entropy, Opening
from sluicegate_record.terms import audience
from sluicegate_record.terms.audience import EVALUATORS, ORGANIZATIONS, Audience
from sluicegate_record.terms.plan import Plan
from sluicegate_record.terms.requirements import CLOSE, HALT

if TYPE_CHECKING:
    from sluicegate.core.lifecycle.state import State

LISTED = "listed"
"""What becomes due when a name can be admitted. A terms case seals under it what opens its list."""


@dataclass(frozen=True, slots=True)
class StageList:
    """Those that a stage names, by their commitments: what opens each, and the tags of the name."""

    opened: Mapping[str, Opening] = field(default_factory=dict)
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def named(self) -> Json:
        """The tags, for the gate part of the terms case."""
        return {party: list(tags) for party, tags in self.tags.items()}

    def sealed(self, entropy: Entropy) -> Opening:
        """What opens each commitment, for the sealed part of the terms case."""
        rows: dict[str, Json] = {
            party: {"salt": canonical.b64(each.salt), "dossier": each.value()}
            for party, each in self.opened.items()
        }
        return Opening(entropy.bytes(), canonical.dumps(rows))


def seal(
    given: Plan, opened: Callable[[str], Opening], tags: Callable[[str], tuple[str, ...]]
) -> tuple[Plan, dict[str, StageList]]:
    """A plan with commitments where it has names, and those that each of its stages names.

    `opened` commits to a name on a list, always in the same way; `tags` are those of a legal name.
    """
    if not any(stage.audience.is_listed for stage in given.spec.stages):
        return given, {}
    stages, found = [], dict[str, StageList]()
    for stage in given.spec.stages:
        openings = {name: opened(name) for name in stage.audience.organizations}
        if stage.audience.kind == EVALUATORS:
            names = (each.name for each in given.spec.evaluators.values())
            openings = {name: audience.evaluator(name) for name in names}
        parties = {name: audience.committed(each) for name, each in openings.items()}
        value = stage.to_json()
        if stage.audience.kind == ORGANIZATIONS:
            value["audience"] = Audience(ORGANIZATIONS, tuple(parties.values())).to_json()
        stages.append(value)
        if stage.audience.is_listed:
            found[stage.name] = StageList(
                {parties[name]: each for name, each in openings.items()},
                {party: tags(name) for name, party in parties.items()},
            )
    value = given.to_json()
    return Plan.from_json({**value, "spec": {**value["spec"], "stages": stages}}), found


def opened_in(sealed: Mapping[str, Opening], party: str) -> Opening | None:
    """What opens the commitment to a dossier: sealed for a case or an account, or in a list; None if it is
    in none of them.
    """
    listed = sealed.get(LISTED)
    row = None if listed is None else listed.value().get(party)
    if row is None:
        return sealed.get("application") or sealed.get("organization")
    return Opening(canonical.unb64(row["salt"]), canonical.dumps(row["dossier"]))


class Vacancy(NamedTuple):
    """An organization that a name admits on a surface: by the commitment to the name, and by pseudonym."""

    party: str
    organization: str
    surface: str


def waiting(state: State, release: str, stage: str, now_ms: int) -> Iterator[Vacancy]:
    """Who the list of a stage admits now. The organizations take its free seats in the order of the list."""
    plan = state.releases[release].plan
    body, case = plan.stages.get(stage), admitting(state, release, stage, now_ms)
    if body is None or case is None or not body.audience.is_listed or seen(case.named) is None:
        return
    named, room = seen(case.named), FreeSeats(state, release, stage)
    assert isinstance(named, Mapping)
    for party in plan.listed(body):
        organization = _with_account(state, release, party, named.get(party, ()))
        if organization is None:
            continue
        found = [Vacancy(party, organization, surface) for surface in plan.spec.surfaces]
        found = [each for each in found if _is_vacant(state, case, each)]
        if found and room.take(organization):
            yield from found


class FreeSeats:
    """The free seats of a stage, and how many people may come in, while some organizations get a seat."""

    def __init__(self, state: State, release: str, stage: str) -> None:
        self._state, self._seated = state, set(state.seated(release, stage))
        self._seats, self._left = state.seats_of(release, stage), state.people_left(release, stage)

    def take(self, organization: str) -> bool:
        """Give an organization a seat, if it has none; whether it has one now."""
        if organization in self._seated:
            return True
        people = 0 if self._left is None else self._state.people_of([organization])
        is_full = self._seats is not None and len(self._seated) >= self._seats
        if is_full or (self._left is not None and people > self._left):
            return False
        self._seated.add(organization)
        self._left = None if self._left is None else self._left - people
        return True


def admitting(state: State, release: str, stage: str, now_ms: int) -> Case | None:
    """The case about the terms of a stage, if they are agreed and the stage admits by them now."""
    record, found = state.record, state.releases[release]
    body, terms = found.plan.stages.get(stage), found.terms.get(stage, "")
    if body is None or terms not in found.agreed or record.opened.get(terms) is None:
        return None
    lacks = facts_of(record, release, stage, now_ms).lack(body).then
    return None if lacks in {HALT, CLOSE} else record.agreement(release, stage)


def _bearers(state: State, release: str, party: str, tags: Collection[str]) -> Collection[str]:
    """The organization that a name admitted before, else all that have it."""
    before = state.record.listed.get(place_of(release, party), ())
    return {state.grants[name].organization for name in before} or state.table.bearing(*tags)


def bearer(state: State, release: str, party: str, tags: Collection[str]) -> str | None:
    """The organization whose grants a name takes over: the one that it admitted before, else the only one
    that has it.
    """
    found = _bearers(state, release, party, tags)
    return next(iter(found)) if len(found) == 1 else None


def _with_account(state: State, release: str, party: str, tags: Collection[str]) -> str | None:
    """The organization of a name: the one that it admitted before, else that with the oldest open account."""
    known = _bearers(state, release, party, tags)
    held = ((state.accounts.newest[each], each) for each in known if each in state.accounts.newest)
    are_open = ((name, each) for name, each in held if state.record.accounts[name].is_open)
    found = min(are_open, key=lambda each: state.accounts.seqs[each[0]], default=None)
    return None if found is None else found[1]


def _is_vacant(state: State, case: Case, found: Vacancy) -> bool:
    """Whether an organization has no grant on a surface, was not removed there, and was not admitted by this
    agreement before.
    """
    release, stage = case.question.release, case.question.stage
    for name in state.record.listed.get(place_of(release, found.party), ()):
        grant = state.grants[name]
        is_here = (grant.stage, grant.surface) == (stage, found.surface)
        is_used = case.id in {grant.case, grant.moved}
        if is_here and (grant.is_live or grant.standing == REMOVED or is_used):
            return False
    held = (row for row in state.table.held.get(found.organization, ()) if row.release == release)
    return not any(
        row.surface == found.surface and (row.barred is Reason.GRANT_REMOVED or not row.has_ended)
        for row in held
    )


def admitted(state: State, release: str, stage: str, now_ms: int, entropy: Entropy) -> list[Draft]:
    """The grants of everyone that the list of a stage admits now."""
    found = list(waiting(state, release, stage, now_ms))
    case = state.record.agreement(release, stage) if found else None
    if case is None:
        return []
    release_ = state.releases[release]
    agreed, terms = release_.plan.stages[stage].conditions, release_.terms[stage]
    lasts_ms, drafts = agreed.valid_for_ms, []
    for party, organization, surface in found:
        body = GrantApproved(
            grant=entropy.name("grant"),
            case=case.id,
            release=release,
            stage=stage,
            surface=surface,
            terms=terms,
            conditions=agreed,
            party=party,
            valid_from_ms=now_ms,
            valid_until_ms=None if lasts_ms is None else now_ms + lasts_ms,
            organization=organization,
        )
        drafts.append(Draft.of(case.id, resting_on(body, case), entropy))
    return drafts


def follow(state: State, body: Body, at_ms: int, touched: Collection[StageName]) -> None:
    """Put on the agenda which lists can admit someone, after an entry that may have changed it."""
    if isinstance(body, ReleaseApplied):
        stages = state.releases[body.release].plan.stages
        listing = {name for name, stage in stages.items() if stage.audience.is_listed}
        for stage in state.listing.pop(body.release, set()) - listing:
            state.unsettled_agenda.put(What.of_stage(body.release, stage, LISTED), None)
        if listing:
            state.listing[body.release] = listing
    for release in _releases(state, body, touched) if state.listing else ():
        for stage in sorted(state.listing.get(release, ())):
            is_due = any(True for _ in waiting(state, release, stage, at_ms))
            state.unsettled_agenda.put(What.of_stage(release, stage, LISTED), at_ms if is_due else None)


def _releases(state: State, body: Body, touched: Collection[StageName]) -> Collection[str]:
    """The releases whose lists an entry may let admit someone."""
    if isinstance(body, _OF_STAGE):
        return {body.release}
    if isinstance(body, CaseDetermined):
        return {state.cases[body.case].question.release}
    if isinstance(body, AccountOpened):
        return list(state.listing)
    if isinstance(body, OrganizationDescribed):
        return list(state.listing) if seen(body.described).organization in state.accounts.newest else ()
    return {release for release, _ in touched}


_OF_STAGE = (ReleaseApplied, StageOpened, StageClosed, StageLacking, ClearanceRecorded)
