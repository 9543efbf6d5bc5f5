"""The feed over a real socket: it answers at once on news, and only to the gateway whose token it is."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from sluicegate import bootstrap
from sluicegate.control import waiters
from sluicegate.core.access import feed
from sluicegate.gate.engine import Engine
from sluicegate.gate.feed import Tail, TrustedHead
from sluicegate.service.fleet import Poll
from sluicegate.service.telling import Telling
from sluicegate_record.log import acknowledgement, checkpoint
from tests import worlds
from tests.control.conftest import Plane
from tests.control.test_api import error_of
from tests.waiting import BOUND_S, eventually
from tests.worlds import directive_value, plan_value, private_key, public_key

QUESTION = {"gateway": "gateway-1", "incarnation": "i" * 16, "after": 0, "nonce": "n" * 16}


def ask(plane: Plane, after: int, wait_ms: int) -> feed.FeedAnswer:
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
    answers: list[feed.FeedAnswer] = []
    waiting = threading.Thread(target=lambda: answers.append(ask(plane, size, 20_000)))
    waiting.start()
    while not plane.fleet.gateways():
        assert waiting.is_alive()
    plane.send("/api/v1/releases", {"text": json.dumps(plan_value())})
    waiting.join(BOUND_S)
    assert not waiting.is_alive()
    assert [entry.type for entry in answers[0].entries] == ["release.applied", "case.opened"]


@pytest.mark.parametrize("slow", ["heard", "answer"])
def test_an_order_is_passed_on_before_anybody_affected_is_told(
    plane: Plane, monkeypatch: pytest.MonkeyPatch, slow: str
):
    """However far the question of the gateway has come when the order is given."""
    plane.send("/api/v1/releases", {"text": json.dumps(plan_value())})
    begun, told, told_first, size = threading.Event(), threading.Event(), [], plane.ledger.size()
    step, tell = getattr(plane.fleet, slow), Telling.tell

    def slowly(poll: Poll) -> Any:
        begun.set()
        eventually(lambda: plane.ledger.size() > size)
        told_first.append(told.wait(0.5))
        return step(poll)

    def telling(self: Telling, passed_on: int) -> None:
        if passed_on > size:
            told.set()
        tell(self, passed_on)

    monkeypatch.setattr(waiters, "PASSED_ON_S", 60.0)
    monkeypatch.setattr(plane.fleet, slow, slowly)
    monkeypatch.setattr(Telling, "tell", telling)
    waiting = threading.Thread(target=lambda: ask(plane, size, 20_000))
    waiting.start()
    while not (begun.is_set() or plane.fleet.gateways()):
        assert waiting.is_alive()
    body = {"envelope": worlds.directive(directive_value("d-1")).to_json()}
    assert plane.send("/api/v1/directives", body).status_code == 200
    waiting.join(BOUND_S)
    assert not waiting.is_alive()
    assert (told_first, told.is_set()) == ([False], True)


def test_a_poll_acknowledges_as_soon_as_it_arrives(plane: Plane):
    size = ask(plane, 0, 0).size
    waiting = threading.Thread(target=lambda: ask(plane, size, 20_000))
    waiting.start()
    while plane.fleet.gateways()[0].size != size:
        assert waiting.is_alive()
    plane.send("/api/v1/releases", {"text": json.dumps(plan_value())})
    waiting.join(BOUND_S)
    assert not waiting.is_alive()


def signed(plane: Plane, after: int, key: str = "run", **changes: Any) -> dict[str, Any]:
    """A poll as a gateway of this build sends it."""
    question = {
        **QUESTION,
        "after": after,
        "surface": "api",
        "waitMs": 0,
        "report": {"streamsCut": {"d-1": 2}},
        "root": plane.ledger.root(after).hex(),
        "fold": feed.FOLD_VERSION,
        **changes,
    }
    return acknowledgement.signed(question, private_key(key))


def send(plane: Plane, body: dict[str, Any]) -> tuple[int, str]:
    """The status of a poll's answer, and the code of its error."""
    with plane.client(plane.token("gateway", "gateway-1")) as gateway:
        response = gateway.post("/fleet/v1/poll", json=body)
    return response.status_code, "" if response.is_success else error_of(response)["code"]


def test_a_signed_poll_is_heard_and_what_was_altered_on_its_way_is_not(plane: Plane):
    size = plane.ledger.size()
    assert send(plane, signed(plane, 0)) == (200, "")
    whole = signed(plane, size)
    for change in (
        {"report": {"streamsCut": {"d-1": 3}}},
        {"report": {"streamsCut": {"d-1": 2}, "proven": []}},
        {"waitMs": 1},
        {"nonce": "m" * 16},
        {"surface": "codex"},
    ):
        assert send(plane, {**whole, **change}) == (403, "bad_signature")
    assert send(plane, {name: whole[name] for name in whole if name not in ("key", "sig")})[0] == 403
    assert send(plane, signed(plane, size, "another")) == (403, "bad_signature")
    assert plane.fleet.gateways()[0].size == 0
    assert send(plane, whole) == (200, "")
    assert plane.fleet.gateways()[0].size == size


def test_a_gateway_that_has_drifted_is_refused_its_lease_and_counted(plane: Plane):
    with plane.client() as anybody:
        assert "sluicegate_drifted 0.0" in anybody.get("/metrics").text
        assert send(plane, signed(plane, 0, fold=feed.FOLD_VERSION + 1)) == (409, "drifted")
        assert "sluicegate_drifted 1.0" in anybody.get("/metrics").text
        assert send(plane, signed(plane, 0, root="ab" * 32)) == (409, "drifted")
    assert plane.fleet.gateways()[0].drifted == "root"
    assert plane.fleet.gateways()[0].lease_ms == 0


def test_what_a_gateway_of_this_build_asks_is_heard(plane: Plane):
    """The tail and the route are of one mind about what is signed."""
    verifier = checkpoint.parse_vkey(plane.ledger.vkey())
    tail = Tail(
        Engine("api", bootstrap.boot_ms), verifier, "gateway-1", boot_ms=bootstrap.boot_ms, seen=TrustedHead()
    )
    with plane.client(plane.token("gateway", "gateway-1")) as gateway:
        for _ in range(2):
            response = gateway.post("/fleet/v1/poll", json=tail.question(0))
            assert response.status_code == 200, response.text
            assert tail.take(response.content).size == plane.ledger.size()
    assert [row.signed for row in plane.fleet.gateways()] == [True]


def test_time_alone_puts_on_the_record_what_is_in_force_everywhere(plane: Plane):
    """No gateway polls: the tick of the control plane notes it."""
    plane.send("/api/v1/releases", {"text": json.dumps(plan_value())})
    body = {"envelope": worlds.directive(directive_value("d-1")).to_json()}
    assert plane.send("/api/v1/directives", body).status_code == 200
    while plane.ledger.store.log.entries(plane.ledger.size() - 1, 1)[0].type != "directive.in_force":
        assert plane.fleet.gateways() == []


def test_a_gateways_token_is_good_for_that_gateway_alone(plane: Plane):
    body: dict[str, Any] = {**QUESTION, "surface": "api"}
    with plane.client(plane.token("gateway", "gateway-2")) as other:
        assert other.post("/fleet/v1/poll", json=body).status_code == 403
    assert plane.fleet.gateways() == []
