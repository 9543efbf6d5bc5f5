"""The feed over a real socket: it answers at once on news, and only to the gateway whose token it is."""

from __future__ import annotations

import json
import threading
from typing import Any

from sluicegate.core import feed
from tests.control.conftest import Plane
from tests.worlds import plan_value, public_key

QUESTION = {"gateway": "gateway-1", "incarnation": "i" * 16, "after": 0, "nonce": "n" * 16}


def ask(plane: Plane, after: int, wait_ms: int) -> feed.Answer:
    question = {**QUESTION, "after": after, "nonce": f"nonce-{after:011d}"}
    body = {**question, "surface": "api", "waitMs": wait_ms, "report": {"streamsCut": {}}}
    with plane.client(plane.token("gateway", "gateway-1")) as gateway:
        response = gateway.post("/fleet/v1/poll", json=body)
    assert response.status_code == 200, response.text
    return feed.open_answer(response.content, question, public_key("log"))


def test_an_answer_leads_to_the_signed_root_and_carries_a_lease(plane: Plane):
    answer = ask(plane, 0, 0)
    assert answer.size == plane.ledger.size() == len(answer.entries)
    assert answer.root == plane.ledger.root(answer.size)
    assert answer.lease_ms == 5_000
    assert ask(plane, answer.size, 0).entries == []


def test_a_waiting_poll_answers_when_there_is_news(plane: Plane):
    size = plane.ledger.size()
    answers: list[feed.Answer] = []
    waiting = threading.Thread(target=lambda: answers.append(ask(plane, size, 20_000)))
    waiting.start()
    while not plane.fleet.gateways():
        assert waiting.is_alive()
    plane.send("/api/v1/releases", {"text": json.dumps(plan_value())})
    waiting.join(15)
    assert not waiting.is_alive()
    assert [entry.type for entry in answers[0].entries] == ["release.applied", "case.opened"]


def test_a_poll_acknowledges_as_soon_as_it_arrives(plane: Plane):
    size = ask(plane, 0, 0).size
    waiting = threading.Thread(target=lambda: ask(plane, size, 20_000))
    waiting.start()
    while plane.fleet.gateways()[0]["size"] != size:
        assert waiting.is_alive()
    plane.send("/api/v1/releases", {"text": json.dumps(plan_value())})
    waiting.join(15)
    assert not waiting.is_alive()


def test_a_gateways_token_is_good_for_that_gateway_alone(plane: Plane):
    body: dict[str, Any] = {**QUESTION, "surface": "api"}
    with plane.client(plane.token("gateway", "gateway-2")) as other:
        assert other.post("/fleet/v1/poll", json=body).status_code == 403
    assert plane.fleet.gateways() == []
