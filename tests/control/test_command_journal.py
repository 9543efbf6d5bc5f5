"""What a control plane tells of each request: one line a command, events of security, counts."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.control.test_errors import serving
from tests.plane import Plane
from tests.waiting import BOUND_S
from tests.worlds import plan_value

PLAN = {"text": json.dumps(plan_value())}
MARK = "marked-by-the-caller"
UNKNOWN = "sgt_" + "A" * 43


@pytest.fixture
def made() -> Plane:
    return Plane()


@pytest.fixture
def client(made: Plane, caplog: pytest.LogCaptureFixture) -> Iterator[httpx2.Client]:
    with caplog.at_level(logging.INFO, "sluicegate"), serving(made) as found:
        found.timeout = BOUND_S
        yield found


def told(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [each.__dict__["fields"] for each in caplog.records if each.__dict__.get("event") == event]


def as_role(made: Plane, role: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {made.tokens[role]}", **more}


def test_a_command_has_one_line_that_says_who_what_the_result_and_the_id(
    made: Plane, client: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.post("/api/v1/releases", json=PLAN, headers={"idempotency-key": f"{MARK}-1"})
    (line,) = told(caplog, "command")
    entry = made.ledger.entries(made.size - 1, made.size)[0]
    assert (line["act"], line["role"], line["result"]) == ("plan.apply", "developer", "done")
    assert line["id"] == entry.id
    assert line["size"] == answer.json()["size"]
    assert MARK not in caplog.text + str(line)


def test_a_refused_command_has_its_line_too(
    made: Plane, client: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    client.post("/api/v1/tokens/princ_unknown/revoke", json={})
    client.post("/api/v1/releases", json={"text": MARK})
    results = [(each["act"], each["result"]) for each in told(caplog, "command")]
    assert results == [("token.revoke", "token_unknown"), ("plan.apply", "invalid_document")]
    assert MARK not in caplog.text


def test_questions_have_no_line(client: httpx2.Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.get("/api/v1/releases").status_code == 200
    assert told(caplog, "command") == []


def test_a_token_that_is_not_known_or_may_not_do_this_is_an_event(
    made: Plane, client: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    for headers in (
        {"authorization": f"Bearer {UNKNOWN}"},
        {"authorization": f"Bearer {MARK}"},
        as_role(made, "applicant"),
    ):
        assert client.post("/api/v1/releases", json=PLAN, headers=headers).status_code in {401, 403}
    found = told(caplog, "sign_in_failed")
    assert [(each["act"], each.get("role")) for each in found] == [
        ("plan.apply", None),
        ("plan.apply", None),
        ("plan.apply", "applicant"),
    ]
    assert UNKNOWN not in caplog.text + str(found)
    assert MARK not in caplog.text + str(found)


def test_a_refused_directive_and_what_was_signed_by_no_one_are_events(
    made: Plane, client: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    nothing = {"payload": "e30=", "payloadType": "application/vnd.in-toto+json", "signatures": []}
    answer = client.post("/api/v1/directives", json={"envelope": nothing}, headers=as_role(made, "oncd"))
    assert answer.status_code >= 400
    assert [each["act"] for each in told(caplog, "directive_refused")] == ["directive.issue"]


def test_what_is_counted_names_acts_and_results(client: httpx2.Client) -> None:
    client.post("/api/v1/releases", json=PLAN)
    client.post("/api/v1/releases", json=PLAN, headers={"authorization": f"Bearer {UNKNOWN}"})
    said = client.get("/metrics").text
    assert 'sluicegate_api_requests_total{act="plan.apply",result="done"} 1.0' in said
    assert 'sluicegate_api_requests_total{act="plan.apply",result="unauthorized"} 1.0' in said
    assert 'sluicegate_api_seconds_count{act="plan.apply"} 2.0' in said
    assert 'sluicegate_security_events_total{event="sign_in_failed"}' in said
    for lag in ("due_lag_seconds", "in_force_lag_seconds", "gateways_behind_entries"):
        assert f"sluicegate_{lag} 0.0" in said
