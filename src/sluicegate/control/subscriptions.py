"""Routes about telling people: subscriptions, and what could not be delivered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from sluicegate.control.errors import EVERY_ERROR, answer
from sluicegate.control.requests import CommandId, RequestBody, StrictRoute, TheLedger, TheServices, may
from sluicegate.ports import Principal
from sluicegate.service import subscriptions
from sluicegate.targets import TARGET_MAX

router = APIRouter(route_class=StrictRoute, responses=EVERY_ERROR, tags=["subscriptions"])
SubscriptionReader = Annotated[Principal, Depends(may("subscription.read"))]
Changer = Annotated[Principal, Depends(may("subscription.change"))]


class SubscriptionRequest(RequestBody):
    """Where to be told: the URL of a webhook, or a mail address."""

    kind: Literal["webhook", "email"]
    target: Annotated[str, Field(min_length=1, max_length=TARGET_MAX)]


class ReplayRequest(RequestBody):
    """Which dead letter to send again; null: all of the caller's."""

    letter: Annotated[str, Field(max_length=64)] | None = None


@router.post("/api/v1/subscriptions")
def subscribe(body: SubscriptionRequest, services: TheServices, command: CommandId, by: Changer) -> Any:
    """Be told of every entry about the caller's cases. A webhook's secret is in this answer alone."""
    return answer(subscriptions.add(services.ledger, by, command, body.model_dump(), services.post))


@router.get("/api/v1/subscriptions")
def list_subscriptions(ledger: TheLedger, by: SubscriptionReader) -> Any:
    """The caller's subscriptions, oldest first."""
    return answer(subscriptions.listed(ledger, by))


@router.post("/api/v1/subscriptions/{subscription}/remove")
def unsubscribe(subscription: str, ledger: TheLedger, command: CommandId, by: Changer) -> Any:
    """End a subscription; what waits for it is forgotten."""
    return answer(subscriptions.remove(ledger, by, command, subscription))


@router.post("/api/v1/subscriptions/{subscription}/test")
def send_test(subscription: str, ledger: TheLedger, command: CommandId, by: Changer) -> Any:
    """Send a letter with the topic `test`."""
    return answer(subscriptions.test(ledger, by, command, subscription))


@router.get("/api/v1/subscriptions/dead")
def dead_letters(ledger: TheLedger, by: SubscriptionReader) -> Any:
    """What could not be delivered to the caller, oldest first."""
    return answer(subscriptions.dead(ledger, by))


@router.post("/api/v1/subscriptions/dead/replay")
def replay(body: ReplayRequest, ledger: TheLedger, command: CommandId, by: Changer) -> Any:
    """Send dead letters of the caller's again, one or all."""
    return answer(subscriptions.replay(ledger, by, command, body.letter))
