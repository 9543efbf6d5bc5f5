"""The feed over a real socket: it answers at once on news, and only to the gateway whose token it is."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from sluicegate import bootstrap
from sluicegate.core.access import feed, versions
from sluicegate.errors import InvalidInput
from sluicegate.gate.engine import Engine
from sluicegate.gate.feed import MachineClock, Tail
from sluicegate.gate.kept import TrustedHead
from sluicegate.settings import FeedSettings
from sluicegate_record.log import acknowledgement, checkpoint
from tests import worlds
from tests.control.test_api import error_of
from tests.feed.conftest import Fed
from tests.waiting import BOUND_S, eventually
from tests.worlds import directive_value, plan_value, private_key

NOTED = "directive.in_force"
POLL = {"gateway": "gateway-1", "incarnation": "i-1", "surface": "api", "after": 0, "nonce": "n" * 32}
QUESTION = {"gateway": "gateway-1", "incarnation": "i" * 16, "after": 0, "nonce": "n" * 16}


def ask(plane: Fed, after: int, wait_ms: int) -> feed.FeedAnswer:
    question = {**QUESTION, "after": after, "nonce": f"nonce-{after:011d}"}
    body = {**question, "surface": "api", "waitMs": wait_ms, "report": {"streamsCut": {}}}
    with plane.gateway() as gateway:
        response = gateway.post("/fleet/v1/poll", json=body)
    assert response.status_code == 200, response.text
    return feed.open_answer(response.content, question, checkpoint.parse_vkey(plane.ledger.vkey()))


def waiting_poll(plane: Fed, size: int) -> tuple[threading.Thread, list[feed.FeedAnswer]]:
    """A poll that the feed has heard, and that waits for news; its answer comes into the list."""
    answers: list[feed.FeedAnswer] = []
    waiting = threading.Thread(target=lambda: answers.append(ask(plane, size, 20_000)))
    waiting.start()
    while not plane.fleet.gateways():
        assert waiting.is_alive()
    return waiting, answers


def test_an_answer_leads_to_the_signed_root_and_carries_a_lease(plane: Fed):
    answer = ask(plane, 0, 0)
    assert answer.size == plane.ledger.size() == len(answer.entries)
    assert answer.root == plane.ledger.root(answer.size)
    assert answer.lease_ms == 5_000
    assert ask(plane, answer.size, 0).entries == []


def test_a_waiting_poll_answers_when_there_is_news(plane: Fed):
    size = plane.ledger.size()
    waiting, answers = waiting_poll(plane, size)
    plane.send("/api/v1/releases", {"text": json.dumps(plan_value())})
    waiting.join(BOUND_S)
    assert not waiting.is_alive()
    assert [entry.type for entry in answers[0].entries] == ["release.applied", "case.opened"]


def test_a_waiting_poll_is_woken_though_a_confirmation_has_followed_the_log_before(plane: Fed):
    """Then the next look finds no growth of its own."""
    size = plane.ledger.size()
    waiting, answers = waiting_poll(plane, size)
    for number in range(20):
        plane.send(
            "/api/v1/definitions", {"name": f"word-{number}", "statuses": ["other"], "source": "an example"}
        )
        plane.feed.leases.head.follow()
        waiting.join(0.05)
        if not waiting.is_alive():
            break
    waiting.join(BOUND_S)
    assert answers[0].size > size
    assert number < 19


def test_a_poll_acknowledges_as_soon_as_it_arrives(plane: Fed):
    size = ask(plane, 0, 0).size
    waiting = threading.Thread(target=lambda: ask(plane, size, 20_000))
    waiting.start()
    while plane.fleet.gateways()[0].size != size:
        assert waiting.is_alive()
    plane.send("/api/v1/releases", {"text": json.dumps(plan_value())})
    waiting.join(BOUND_S)
    assert not waiting.is_alive()


def signed(plane: Fed, after: int, key: str = "run", **changes: Any) -> dict[str, Any]:
    """A poll as a gateway of this build sends it."""
    question = {
        **QUESTION,
        "after": after,
        "surface": "api",
        "waitMs": 0,
        "report": {"streamsCut": {"d-1": 2}},
        "root": plane.ledger.root(after).hex(),
        "fold": versions.FOLD_VERSION,
        **changes,
    }
    return acknowledgement.signed(question, private_key(key))


def send(plane: Fed, body: dict[str, Any]) -> tuple[int, str]:
    """The status of a poll's answer, and the code of its error."""
    with plane.gateway() as gateway:
        response = gateway.post("/fleet/v1/poll", json=body)
    return response.status_code, "" if response.is_success else error_of(response)["code"]


def test_a_signed_poll_is_heard_and_what_was_altered_on_its_way_is_not(plane: Fed):
    size = plane.ledger.size()
    assert send(plane, signed(plane, 0)) == (200, "")
    whole = signed(plane, size)
    changes: list[dict[str, Any]] = [
        {"report": {"streamsCut": {"d-1": 3}}},
        {"report": {"streamsCut": {}}},
        {"waitMs": 1},
        {"nonce": "m" * 16},
        {"surface": "codex"},
    ]
    for change in changes:
        assert send(plane, {**whole, **change}) == (403, "bad_signature")
    assert send(plane, {name: whole[name] for name in whole if name not in ("key", "sig")})[0] == 403
    assert send(plane, signed(plane, size, "another")) == (403, "bad_signature")
    assert send(plane, signed(plane, 0)) == (200, "")
    assert plane.fleet.gateways()[0].size == 0
    assert send(plane, whole) == (200, "")
    eventually(lambda: plane.fleet.gateways()[0].size == size)


def test_who_says_who_spends_gets_a_part_and_an_earlier_build_reads_its_answer_as_before(plane: Fed):
    with plane.gateway() as gateway:
        plain = gateway.post("/fleet/v1/poll", json=signed(plane, 0)).json()
        assert "part" not in plain
        for _ in range(2):
            whole = gateway.post("/fleet/v1/poll", json=signed(plane, 0, spender="ab" * 16)).json()
            assert whole["part"] == [0, 840]
        assert gateway.post("/fleet/v1/poll", json=signed(plane, 0, spender="ef" * 16)).json()["part"] == []


def test_a_gateway_that_has_drifted_is_refused_its_lease_and_counted(plane: Fed):
    with plane.client() as anybody:
        assert "sluicegate_drifted 0.0" in anybody.get("/metrics").text
        assert send(plane, signed(plane, 0, fold=versions.FOLD_VERSION + 1)) == (409, "drifted")
        eventually(lambda: "sluicegate_drifted 1.0" in anybody.get("/metrics").text)
        assert send(plane, signed(plane, 0, root="ab" * 32)) == (409, "log_forked")
    eventually(lambda: plane.fleet.gateways()[0].drifted == "root")
    assert plane.fleet.gateways()[0].lease_ms == 0


def test_what_a_gateway_of_this_build_asks_is_heard(plane: Fed):
    """The tail and the route are of one mind about what is signed."""
    verifier = checkpoint.parse_vkey(plane.ledger.vkey())
    clock = MachineClock(bootstrap.boot_ms, bootstrap.wall_ms)
    tail = Tail(Engine("api", bootstrap.boot_ms), verifier, "gateway-1", clock, TrustedHead())
    with plane.gateway() as gateway:
        for _ in range(2):
            response = gateway.post("/fleet/v1/poll", json=tail.question(0))
            assert response.status_code == 200, response.text
            assert tail.take(response.content).size == plane.ledger.size()
    eventually(lambda: [row.signed for row in plane.fleet.gateways()] == [True])


def test_time_alone_puts_on_the_record_what_is_in_force_everywhere(plane: Fed):
    """No gateway polls: the tick of the control plane notes it."""
    plane.send("/api/v1/releases", {"text": json.dumps(plan_value())})
    body = {"envelope": worlds.directive(directive_value("d-1")).to_json()}
    assert plane.send("/api/v1/directives", body).status_code == 200
    eventually(
        lambda: "directive.in_force" in [entry.type for entry in plane.ledger.entries(0, plane.ledger.size())]
    )
    assert plane.fleet.gateways() == []


def test_a_gateways_token_is_good_for_that_gateway_alone(plane: Fed):
    body: dict[str, Any] = {**QUESTION, "surface": "api"}
    with plane.gateway("gateway-2") as other:
        assert other.post("/fleet/v1/poll", json=body).status_code == 403
    assert plane.fleet.gateways() == []


@pytest.mark.parametrize(
    "change",
    [
        {"after": -1},
        {"after": "0"},
        {"after": True},
        {"after": 2**53},
        {"nonce": ""},
        {"nonce": "n" * 15},
        {"nonce": "n" * 65},
        {"nonce": None},
        {"waitMs": -1},
        {"waitMs": 20_001},
        {"waitMs": "0"},
        {"incarnation": ""},
        {"incarnation": "i" * 65},
        {"incarnation": "a b"},
        {"surface": "s" * 65},
        {"surface": 5},
        {"surface": None},
        {"gateway": ""},
        {"report": {"streamsCut": {"d": -1}}},
        {"report": {"streamsCut": []}},
        {"report": {"more": 1}},
        {"report": None},
        {"root": "AB" * 32},
        {"root": "ab" * 31},
        {"root": 5},
        {"spender": "AB" * 16},
        {"spender": "ab" * 15},
        {"spender": 5},
        {"fold": -1},
        {"fold": 1.0},
        {"fold": True},
        {"key": "A" * 43 + "="},
        {"sig": "A" * 86 + "=="},
        {"key": "A" * 43 + "=", "sig": "A" * 86 + "=="},
        {"key": "A" * 43, "sig": "A" * 86 + "=="},
    ],
    ids=json.dumps,
)
def test_a_malformed_poll_is_refused_and_registers_nobody(plane: Fed, change: dict[str, Any]):
    with plane.gateway() as gateway:
        response = gateway.post("/fleet/v1/poll", json={**POLL, "incarnation": "never-registered", **change})
    assert response.status_code == 400
    error_of(response)
    assert "never-registered" not in {row.incarnation for row in plane.fleet.gateways()}


def test_a_poll_for_more_than_there_is_is_told_so(plane: Fed):
    with plane.gateway() as gateway:
        response = gateway.post("/fleet/v1/poll", json={**POLL, "after": plane.ledger.size() + 1})
    assert (response.status_code, error_of(response)["code"]) == (400, "log_goes_back")
    assert "goes back" in error_of(response)["message"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", "a b", "n" * 65])
def test_a_feed_whose_name_is_no_folders_is_refused(tmp_path: Path, name: str):
    """It would write where the control plane does not look."""
    with pytest.raises(InvalidInput, match="of a feed, expected letters"):
        bootstrap.feed(FeedSettings(tmp_path, name))
    assert list(tmp_path.iterdir()) == []
