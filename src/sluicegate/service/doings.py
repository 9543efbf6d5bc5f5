"""Which function does each act.

Rules:
- Every module that does one is imported here.
- `control.outside` has the three that wait for gateways or for a provider's server before or after.
"""

from __future__ import annotations

from typing import Any

from sluicegate.acts.act import Act, Answered, AnyAct, Asked
from sluicegate.core.lifecycle import Refusal
from sluicegate.parsing import documents
from sluicegate.ports import Principal
from sluicegate.service import (  # noqa: F401 - each says which acts it does
    accounts,
    applications,
    attestations,
    casefile,
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
    finding_dossiers,
    findings,
    gateways,
    grants,
    ids,
    imports,
    keys,
    licences,
    log,
    observations,
    outlook,
    persons,
    points,
    positions,
    preview,
    promises,
    providers,
    ramps,
    recalls,
    record,
    releases,
    reports,
    sign_ins,
    subscriptions,
    tokens,
)
from sluicegate.service.context import DOINGS, Context, Doing, Services


def doing_of(act: AnyAct) -> Doing[Any, Any]:
    """The function of an act."""
    return DOINGS[act]


def do(
    services: Services, by: Principal, act: Act[Asked, Answered], asked: Asked, command_id: str = ""
) -> Answered | Refusal:
    """Do an act in this process, without a look at the roles that may ask for it."""
    context = Context(services, by, act, asked, command_id, documents.read(asked))
    answer: Answered | Refusal = doing_of(act)(context, asked)
    return answer
