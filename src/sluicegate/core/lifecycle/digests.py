"""What serves the models of releases: what plans name, what the developer says of it, and what rests on which
weights and safeguards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from sluicegate.acts.deployments import DeploymentView, RestingDigests, StatedDeployment
from sluicegate.core.lifecycle.state import State
from sluicegate_record.entities.deployment import Deployment
from sluicegate_record.entities.evidence import Evidence
from sluicegate_record.entities.release import Release
from sluicegate_record.terms.deployments import ServedModel
from sluicegate_record.terms.plan import Model, Plan, PlanSpec


def planned(release: Release) -> tuple[ServedModel, ...]:
    """What the plan in force names, on all its surfaces."""
    spec = release.plan.spec
    return tuple(
        ServedModel(
            model=each.id,
            upstream=each.upstream,
            digest=each.digest,
            safeguards=each.safeguards,
            surfaces=spec.surfaces,
        )
        for each in spec.models
    )


def view(state: State, found: Deployment, now_ms: int) -> DeploymentView:
    """A statement as it is shown. `until` is also what the plan in force makes of it."""
    until_ms = found.until_by(state.releases[found.release].plan.spec.deployments)
    return DeploymentView(
        deployment=found.id,
        asserted_by=state.developer,
        officer=found.officer,
        signed_ms=found.signed_at_ms,
        until_ms=until_ms if found.ended_ms is None else found.until_ms,
        at_ms=found.at_ms,
        seq=found.seq,
        holds=now_ms < until_ms,
        ended_ms=found.ended_ms,
        serves=found.serves,
    )


def stated(state: State, release: Release, now_ms: int) -> StatedDeployment | None:
    """What the plan in force asks for, and the newest statement; None if there is neither."""
    found, asks = state.record.deployments.get(release.name), release.plan.spec.deployments
    if found is None and asks is None:
        return None
    shown = None if found is None else view(state, found, now_ms)
    at_most = None if asks is None else asks.at_most
    return StatedDeployment(developer=state.developer, at_most=at_most, statement=shown)


def unstated(state: State, given: Plan) -> list[str]:
    """The models of a plan that asks for statements, of which none that holds says what serves them."""
    found, asks = state.record.deployments.get(given.metadata.name), given.spec.deployments
    if asks is None:
        return []
    is_over = found is None or state.at_ms >= found.until_by(asks)
    said = (
        set()
        if found is None or is_over
        else {(_said_of(each), name) for each in found.serves for name in each.surfaces}
    )
    return [
        each.id
        for each in given.spec.models
        if not all((_kind(each), name) in said for name in given.spec.surfaces)
    ]


class _Kind(NamedTuple):
    """What a model is, and which upstream serves it."""

    model: str
    upstream: str
    digest: str
    safeguards: str


def resting(state: State, release: Release, now_ms: int, *, counts: bool) -> Iterator[RestingDigests]:
    """What rests on which digests of a release: those of the plan, of valid grants, and of the statement.

    `counts`: whether the reader may see how many grants there are.
    """
    grants = Counter[_Kind]()
    asking = {kind for kind in _kinds(release.plan.spec) if release.plan.spec.deployments is not None}
    for name in state.granted.of("release", release.name):
        grant = state.grants[name]
        if grant.is_live:
            spec = state.record.terms[grant.terms].plan.spec
            grants.update(_kinds(spec))
            asking.update(_kinds(spec) if spec.deployments is not None else ())
    stated = _stated(state, release, now_ms)
    in_plan, results = set(_kinds(release.plan.spec)), _evidence(state, release)
    for kind in dict.fromkeys((*_kinds(release.plan.spec), *grants, *stated)):
        stages = tuple(release.terms) if kind in in_plan else ()
        found = results.get((kind.model, kind.digest, kind.safeguards), [])
        counting = {each.id for each in found if not any(each.lacks(release.plan))}
        yield RestingDigests(
            **kind._asdict(),
            surfaces=stated.get(kind, ()),
            stages=stages,
            open_stages=tuple(each for each in stages if _is_open(state, release, each)),
            grants=grants[kind] if counts else None,
            asked=kind in asking,
            counting=tuple(each.id for each in found if each.id in counting),
            stale=tuple(each.id for each in found if each.id not in counting),
        )


def _kinds(spec: PlanSpec) -> list[_Kind]:
    return [_kind(each) for each in spec.models]


def _kind(each: Model) -> _Kind:
    return _Kind(each.id, each.upstream, each.digest, each.safeguards)


def _said_of(each: ServedModel) -> _Kind:
    return _Kind(each.model, each.upstream, each.digest, each.safeguards)


def _stated(state: State, release: Release, now_ms: int) -> dict[_Kind, tuple[str, ...]]:
    """Where the statement that holds says that what is served."""
    found = state.record.deployments.get(release.name)
    if found is None or not view(state, found, now_ms).holds:
        return {}
    stated: dict[_Kind, tuple[str, ...]] = {}
    for each in found.serves:
        kind = _said_of(each)
        stated[kind] = (*stated.get(kind, ()), *each.surfaces)
    return stated


def _evidence(state: State, release: Release) -> dict[tuple[str, str, str], list[Evidence]]:
    found: dict[tuple[str, str, str], list[Evidence]] = {}
    for each in state.record.evidence.values():
        if each.release == release.name:
            tested = (each.model, each.tested.digest, each.tested.safeguards)
            found.setdefault(tested, []).append(each)
    return found


def _is_open(state: State, release: Release, stage: str) -> bool:
    return release.terms[stage] in state.table.open_terms
