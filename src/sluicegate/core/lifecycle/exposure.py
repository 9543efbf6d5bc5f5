"""How many a stage lets into the world now, and what its enforced measures refuse.

Rules:
- An organization counts for a stage while it holds a seat there; for a stage for everyone, while it has an
  open account, or a seat of a stage whose grants go on as part of this one.
- People are the registered members of those that count.
- The plan in force says the measures, as it says how many seats there are. Who is in stays in.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from sluicegate.core.lifecycle.answer import Refusal
from sluicegate.core.lifecycle.state import State
from sluicegate_record.terms.exposure import enforced
from sluicegate_record.terms.plan import Stage

REACHED = "exposure_reached"


def organizations(state: State, release: str, stage: Stage) -> int:
    """How many organizations a stage lets in."""
    if not stage.is_for_everyone:
        return len(state.seated(release, stage.name))
    return len(state.accounts.open) + len(_going_on(state, release, stage))


def people(state: State, release: str, stage: Stage) -> int:
    """How many registered members they have."""
    if not stage.is_for_everyone:
        return state.people_of(state.seated(release, stage.name))
    return state.accounts.people + state.people_of(_going_on(state, release, stage))


def unregistrable(state: State, organization: str, added: int) -> Refusal | None:
    """Why an organization cannot register so many further members; None if it can."""
    for release, stage in _stages(state) if added else ():
        most = enforced(stage.exposure.people)
        if most is None or not _counts(state, release, stage, organization):
            continue
        now = people(state, release, stage)
        if now + added > most:
            said = (
                f"{release}/{stage.name} lets in {most:,} people at most: {now:,} are registered, and these "
                f"are {added:,} more"
            )
            return Refusal("conflict", REACHED, said, "remove those who have left, or wait for another plan")
    return None


def unopenable(state: State, organization: str) -> Refusal | None:
    """Why no account can be opened for an organization; None if one can be."""
    members = len(state.registry.members.get(organization, ()))
    for release, stage in _stages(state):
        if not stage.is_for_everyone or _counts(state, release, stage, organization):
            continue
        for what, measure, now, added in (
            ("organizations", stage.exposure.organizations, organizations, 1),
            ("people", stage.exposure.people, people, members),
        ):
            most = enforced(measure)
            if most is not None and added and now(state, release, stage) + added > most:
                said = f"{release}/{stage.name} lets in {most:,} {what} at most"
                return Refusal("conflict", REACHED, said, "close an account, or apply another plan")
    return None


def _stages(state: State) -> Iterator[tuple[str, Stage]]:
    for release in state.releases.values():
        for stage in release.plan.spec.stages:
            yield release.name, stage


def _counts(state: State, release: str, stage: Stage, organization: str) -> bool:
    """Whether an organization counts for a stage."""
    names = stage.grants if stage.is_for_everyone else (stage.name,)
    is_seated = any(organization in state.seated(release, name) for name in names)
    return is_seated or (stage.is_for_everyone and organization in state.accounts.open)


def _going_on(state: State, release: str, stage: Stage) -> AbstractSet[str]:
    """The organizations without an account whose grants go on as part of a stage for everyone."""
    seated = (state.seated(release, name) for name in stage.grants)
    return {each for names in seated for each in names if each not in state.accounts.open}
