"""Whose grants go on as part of a later stage, and how: those of one for everyone by the table alone, those
of any other one by an entry of the clock.

Rules:
- The law says whose grants a stage takes over (`law.successions`). Where several would, the first open one of
  the plan does.
- A grant takes a free seat of its new stage. Without one it goes on where it is.
- A case about a grant, or an appeal about one, comes to its end first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sluicegate.core.access.rows import StageName
from sluicegate.core.lifecycle.agenda import What
from sluicegate.core.lifecycle.lists import FreeSeats, admitting, bearer
from sluicegate.core.lifecycle.resting import resting_on
from sluicegate.core.lifecycle.stages import opens_ms
from sluicegate_record.entities.case import Case
from sluicegate_record.entities.grant import Grant
from sluicegate_record.entries import Body, Draft, grants, seen
from sluicegate_record.entries.cases import CaseDetermined
from sluicegate_record.entries.grants import GrantMoved
from sluicegate_record.entries.people import OrganizationDescribed
from sluicegate_record.entries.releases import ReleaseApplied
from sluicegate_record.law.successions import takes
from sluicegate_record.terms import conditions, kinds
from sluicegate_record.terms.conditions import Conditions
from sluicegate_record.terms.plan import Stage
from sluicegate_record.terms.programmes import among

if TYPE_CHECKING:
    from sluicegate.core.lifecycle.state import State

MOVED = "moved"
"""What becomes due when a grant goes on as part of another stage."""


def becoming(state: State, release: str, stage: str, only: str | None = None) -> Iterator[Grant]:
    """The live grants that go on as part of a stage, by the plan in force: now, or once it is open.

    `only`: of this organization.
    """
    found = state.releases.get(release)
    body = None if found is None else found.plan.stages.get(stage)
    if found is None or body is None or not body.grants:
        return
    held = _named(state, release, body)
    holders = {each: None for name in body.grants for each in state.seated(release, name)}
    for organization in holders if only is None else (only,):
        if organization not in held:
            continue
        for row in state.table.held.get(organization, ()):
            grant = state.grants.get(row.id)
            is_here = grant is not None and grant.is_live and grant.release == release
            if grant is not None and is_here and takes(found.plan, body, grant):
                yield grant


def organizations(state: State, release: str, stage: str) -> int:
    """How many organizations hold such a grant."""
    return len({grant.organization for grant in becoming(state, release, stage)})


class Move(NamedTuple):
    """A grant that goes on as part of another stage, by a name if that is for those on a list."""

    grant: Grant
    case: Case
    stage: Stage
    conditions: Conditions
    party: str | None


def moving(state: State, release: str, stage: str, now_ms: int, only: str | None = None) -> Iterator[Move]:
    """The grants that go on as part of a stage now, by entries; `only` those of one organization."""
    found = state.releases[release]
    body, case = found.plan.stages.get(stage), admitting(state, release, stage, now_ms)
    if body is None or case is None or body.is_for_everyone or not body.grants:
        return
    named, room = _named(state, release, body), FreeSeats(state, release, stage)
    before = [(each, _named(state, release, each)) for each in _before(state, release, stage, now_ms)]
    for grant in becoming(state, release, stage, only):
        organization = grant.organization
        move = _move(state, grant, case, body, named.party(organization))
        is_first = not any(organization in held and takes(found.plan, each, grant) for each, held in before)
        if move is not None and is_first and room.take(grant.organization):
            yield move


def _before(state: State, release: str, stage: str, now_ms: int) -> Iterator[Stage]:
    """The stages before one in the plan that are open, or about to open, and take grants over by entries."""
    found = state.releases[release]
    for name, each in found.plan.stages.items():
        if name == stage:
            return
        is_open = state.record.opened.get(found.terms[name]) is not None
        due_ms = None if is_open else opens_ms(state.record, release, name, now_ms)
        if each.grants and (is_open or (due_ms is not None and due_ms <= now_ms)):
            yield each


def _move(state: State, grant: Grant, case: Case, body: Stage, party: str | None) -> Move | None:
    """How a grant goes on; None if it cannot: by its conditions, its surface, or a case about it."""
    own = grant.conditions or state.record.terms[grant.terms].body.conditions
    said = ((party, each.conditions) for party, each in sorted(case.positions.items()) if each.conditions)
    kept, contradictions = conditions.strictest([("grant", own), ("terms", body.conditions), *said])
    is_offered = grant.surface in state.releases[grant.release].plan.spec.surfaces
    if contradictions or not is_offered or _is_asked_about(state, grant):
        return None
    return Move(grant, case, body, kept, party)


def _is_asked_about(state: State, grant: Grant) -> bool:
    """Whether a case about a grant is open: an amendment, a removal, or an appeal of its organization."""
    if grant.amendment is not None or grant.removal is not None:
        return True
    known = map(state.cases.__getitem__, state.cases_of.get(grant.organization, ()))
    return any(
        case.kind == kinds.APPEAL
        and case.state != kinds.DETERMINED
        and (case.question.release, case.question.surface) == (grant.release, grant.surface)
        for case in known
    )


@dataclass(frozen=True, slots=True)
class _Named:
    """Those that a stage names, each with the commitment to its name; None: it is for all."""

    parties: Mapping[str, str] | None

    def __contains__(self, organization: object) -> bool:
        return self.parties is None or organization in self.parties

    def party(self, organization: str) -> str | None:
        """The commitment to the name of an organization, if the stage names some."""
        return None if self.parties is None else self.parties[organization]


def _named(state: State, release: str, stage: Stage) -> _Named:
    """The organizations that a stage names, as far as each name has one bearer here."""
    if not stage.audience.is_listed:
        return _Named(None)
    case = state.record.agreement(release, stage.name)
    tags = None if case is None else seen(case.named)
    found: dict[str, str] = {}
    for party in state.releases[release].plan.listed(stage):
        organization = bearer(state, release, party, (tags or {}).get(party, ()))
        if organization is not None:
            found.setdefault(organization, party)
    return _Named(found)


def moved(state: State, release: str, stage: str, now_ms: int) -> list[Draft]:
    """The entries by which grants go on as part of a stage."""
    found = state.releases[release]
    return [
        Draft(
            move.case.id,
            resting_on(
                GrantMoved(
                    grant=move.grant.id,
                    case=move.case.id,
                    release=release,
                    stage=stage,
                    terms=found.terms[stage],
                    conditions=move.conditions,
                    party=move.party,
                    programmes=among(move.grant.programmes, found.plan.spec.programmes),
                ),
                move.case,
            ),
        )
        for move in moving(state, release, stage, now_ms)
    ]


def follow(state: State, body: Body, at_ms: int, touched: Collection[StageName]) -> None:
    """Put on the agenda which stages take over a grant, after an entry that may have changed it."""
    if isinstance(body, ReleaseApplied):
        stages = state.releases[body.release].plan.stages
        taking = {name for name, stage in stages.items() if stage.grants and not stage.is_for_everyone}
        for stage in state.taking.pop(body.release, set()) - taking:
            state.unsettled_agenda.put(What.of_stage(body.release, stage, MOVED), None)
        if taking:
            state.taking[body.release] = taking
    only = _organization(state, body) if state.taking else None
    for release, stage in _looked_at(state, body, touched, only):
        what = What.of_stage(release, stage, MOVED)
        one = None if what in state.unsettled_agenda or (release, stage) in touched else only
        is_due = any(True for _ in moving(state, release, stage, at_ms, one))
        state.unsettled_agenda.put(what, at_ms if is_due else None)


def _looked_at(
    state: State, body: Body, touched: Collection[StageName], only: str | None
) -> Iterator[StageName]:
    """The stages that may take over a grant after an entry: about their release, a seat, or one holder."""
    about = getattr(body, "release", None)
    for release, stages in state.taking.items():
        for stage in sorted(stages):
            if only is not None or about == release or (release, stage) in touched:
                yield release, stage


def _organization(state: State, body: Body) -> str | None:
    """The organization of which an entry may let a grant go on as part of another stage."""
    if isinstance(body, CaseDetermined):
        return state.cases[body.case].organization
    if isinstance(body, OrganizationDescribed):
        return seen(body.described).organization
    grant = state.grants.get(body.grant) if isinstance(body, _OF_GRANT) else None
    return None if grant is None else grant.organization


_OF_GRANT = (grants.AboutGrant, grants.GrantAmended, grants.GrantMoved, grants.GrantEnded)
