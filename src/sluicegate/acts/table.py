"""The table of acts: every row, by name."""

from __future__ import annotations

from types import ModuleType

from sluicegate.acts import (
    accounts,
    applications,
    cases,
    clearances,
    closures,
    colleagues,
    credentials,
    deployments,
    designations,
    directives,
    dossiers,
    drafts,
    drills,
    early_access,
    evidence,
    explanations,
    findings,
    fleet,
    grants,
    ids,
    imports,
    keys,
    licences,
    log,
    members,
    observations,
    outlook,
    person,
    points,
    promises,
    providers,
    ramps,
    recalls,
    record,
    releases,
    reports,
    review,
    sign_ins,
    signatories,
    subscriptions,
    tokens,
)
from sluicegate.acts.act import Act, AnyAct


def _rows(module: ModuleType) -> list[AnyAct]:
    return [value for value in vars(module).values() if isinstance(value, Act)]


FAMILIES = (
    releases,
    recalls,
    outlook,
    cases,
    clearances,
    closures,
    designations,
    deployments,
    evidence,
    findings,
    observations,
    review,
    applications,
    drafts,
    grants,
    accounts,
    credentials,
    explanations,
    early_access,
    dossiers,
    imports,
    keys,
    members,
    person,
    signatories,
    providers,
    directives,
    drills,
    licences,
    points,
    promises,
    ramps,
    fleet,
    subscriptions,
    reports,
    tokens,
    sign_ins,
    colleagues,
    ids,
    log,
    record,
)
ACTS: dict[str, AnyAct] = {act.name: act for family in FAMILIES for act in _rows(family)}
assert len(ACTS) == sum(len(_rows(family)) for family in FAMILIES), "two acts have one name"
PUBLIC = [act for act in ACTS.values() if act is not fleet.POLL]
"""The acts of the HTTP API. The feed of gateways is beside it."""
UNTOKENED: frozenset[AnyAct] = frozenset()
"""Acts that change something and need no token: each checks a signature or a secret of one use itself."""
assert {act for act in ACTS.values() if act.kind != "question" and not act.roles} == UNTOKENED
