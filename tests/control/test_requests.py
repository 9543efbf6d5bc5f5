"""What a request must be before anything is done with it."""

from __future__ import annotations

import re
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sluicegate.acts.act import DEVELOPER
from sluicegate.acts.table import ACTS
from sluicegate.bounds import ACT_BODY_MAX
from tests.control.conftest import Plane
from tests.control.test_api import CHANGING, READING, error_of
from tests.waiting import BOUND_S

OPTIONAL = {
    ("/fleet/v1/report", "surface"),
    ("/fleet/v1/report", "proven"),
    ("/fleet/v1/report", "usage"),
    ("/api/v1/drafts/draft_x", "surface"),
    ("/api/v1/subscriptions/dead/replay", "letter"),
    ("/api/v1/members/mem_x/claim", "status"),  # an assertion may say it
    ("/api/v1/members/mem_x/claim", "method"),
    ("/api/v1/members/mem_x/revoke", "provider"),
    ("/api/v1/providers/idp_x/rotate", "jwks"),  # the set may be asked for again
}
ALL_OPTIONAL = re.compile(r"/api/v1/(cases/[^/]+|grants/[^/]+)/[a-z]+")
"""Acts take what they need of a text, an agency and a code; what is missing is told by the act."""
JSON = {"content-type": "application/json"}
GARBAGE = [b"{", b'{"a":1,"a":2}', b"\xff", b"[" * 50_000, b'{"text": NaN}', b"null", b"5", b'"x"', b"[]"]


def able(plane: Plane, action: str) -> str:
    """A token of somebody who may do this: the developer's, where it may."""
    roles = ACTS[action].roles
    return plane.token(DEVELOPER if DEVELOPER in roles else min(roles))


# Who


@pytest.mark.parametrize("body", [*GARBAGE, b"a" * (ACT_BODY_MAX + 1)], ids=range(len(GARBAGE) + 1))
def test_of_a_stranger_not_even_the_body_is_read(idle: Plane, body: bytes):
    with idle.client() as nobody:
        for method, path in CHANGING:
            response = nobody.request(method, path, content=body, headers=JSON)
            assert (response.status_code, error_of(response)["code"]) == (401, "token_missing"), path


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "token_missing"),
        ("Bearer", "token_unknown"),
        ("Basic {token}", "token_missing"),
        ("{token}", "token_missing"),
        ("Token {token}", "token_missing"),
        ("Bearer {token} {token}", "token_unknown"),
        ("Bearer {token},", "token_unknown"),
        ('Bearer "{token}"', "token_unknown"),
        ("Bearer sgt_", "token_unknown"),
        ("Bearer \xe9\xff", "token_unknown"),
    ],
)
def test_only_a_bearer_token_is_a_token(idle: Plane, authorization: str, code: str):
    header = authorization.format(token=idle.token("developer")).encode("latin-1")
    with idle.client() as client:
        response = client.get("/api/v1/cases", headers=[(b"authorization", header)])
    assert (response.status_code, error_of(response)["code"]) == (401, code)
    assert response.headers["www-authenticate"] == "Bearer"
    assert idle.token("developer") not in response.text


@pytest.mark.parametrize("form", ["Bearer {token}", "bearer {token}", "BEARER   {token}"])
def test_the_scheme_is_read_as_http_reads_it(idle: Plane, form: str):
    with idle.client() as client:
        headers = {"authorization": form.format(token=idle.token("developer"))}
        assert client.get("/api/v1/cases", headers=headers).status_code == 200


@pytest.mark.parametrize("where", ["query", "cookie", "x-api-key", "body"])
def test_a_token_anywhere_else_is_none(idle: Plane, where: str):
    token = idle.token("developer")
    asked: dict[str, dict[str, Any]] = {
        "query": {"params": {"token": token, "authorization": f"Bearer {token}"}},
        "cookie": {"headers": {"cookie": f"token={token}; authorization={token}"}},
        "x-api-key": {"headers": {"x-api-key": token}},
        "body": {"json": {"token": token, "authorization": f"Bearer {token}"}},
    }
    with idle.client() as client:
        assert client.request("GET", "/api/v1/cases", **asked[where]).status_code == 401


def test_who_may_not_is_told_so_before_the_body_is_judged(idle: Plane):
    """What is wrong with a plan is nobody's business who may not apply one."""
    with idle.client(idle.token("applicant")) as applicant:
        response = applicant.post("/api/v1/releases", json={"text": 5, "more": []})
    assert (response.status_code, error_of(response)["code"]) == (403, "forbidden")


# What


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_no_route_takes_garbage(idle: Plane, body: bytes):
    size = idle.ledger.size()
    for (method, path), (action, example) in CHANGING.items():
        if example is None:
            continue
        token = able(idle, action)
        with idle.client(token) as client:
            response = client.request(method, path, content=body, headers=JSON)
        assert response.status_code == 400, path
        assert error_of(response)["message"]
    assert idle.ledger.size() == size


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "x"},
    ],
)
def test_what_is_not_said_to_be_json_is_not_read_as_json(idle: Plane, headers: dict[str, str]):
    with idle.staff() as staff:
        response = staff.post("/api/v1/releases/preview", content=b'{"text": "{}"}', headers=headers)
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_input")


def test_an_unknown_field_is_refused_everywhere(idle: Plane):
    for (method, path), (action, example) in CHANGING.items():
        if example is None:
            continue
        token = able(idle, action)
        with idle.client(token) as client:
            response = client.request(method, path, json={**example, "more": 1})
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_input"), path
        assert "more" in error_of(response)["message"]


def test_a_missing_field_is_refused_everywhere(idle: Plane):
    for (method, path), (action, example) in CHANGING.items():
        for field in example or {}:
            optional = ALL_OPTIONAL.fullmatch(path) and field not in {"digest", "fallback"}
            if optional or (path, field) in OPTIONAL:
                continue
            token = able(idle, action)
            with idle.client(token) as client:
                less = {name: value for name, value in example.items() if name != field}
                response = client.request(method, path, json=less)
            assert (response.status_code, error_of(response)["code"]) == (400, "invalid_input"), (path, field)


scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.text(max_size=5))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_in_any_field_is_answered_in_the_one_form(idle: Plane, data: st.DataObject):
    (method, path), (action, example) = data.draw(
        st.sampled_from([item for item in CHANGING.items() if item[1][1]])
    )
    field, value = data.draw(st.sampled_from(sorted(example))), data.draw(values)
    token = able(idle, action)
    with idle.client(token) as client:
        response = client.request(method, path, json={**example, field: value})
    assert response.status_code in (200, 400, 403, 404, 409), response.text
    if response.status_code != 200:
        error_of(response)


@pytest.mark.parametrize("size", [ACT_BODY_MAX - 20, ACT_BODY_MAX, ACT_BODY_MAX + 1])
def test_the_limit_of_a_body_is_exact(idle: Plane, size: int):
    head, tail = b'{"text": "', b'"}'
    body = head + b"a" * (size - len(head) - len(tail)) + tail
    assert len(body) == size
    with idle.staff() as staff:
        response = staff.post("/api/v1/releases/preview", content=body, headers=JSON)
    code = "body_too_large" if size > ACT_BODY_MAX else "invalid_input"
    assert error_of(response)["code"] == code


def test_a_body_that_never_ends_is_refused_while_it_is_sent(idle: Plane):
    """The limit is on what was received, not on what was announced."""
    host, port = urlsplit(idle.url).hostname, urlsplit(idle.url).port
    with socket.create_connection((host, port), timeout=BOUND_S) as connection:
        head = [
            "POST /api/v1/releases HTTP/1.1",
            "Host: control",
            f"Authorization: Bearer {idle.token('developer')}",
            "Content-Type: application/json",
            "Transfer-Encoding: chunked",
        ]
        connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        chunk = b"2710\r\n" + b"a" * 10_000 + b"\r\n"
        for _ in range(ACT_BODY_MAX // 10_000 + 1):
            connection.sendall(chunk)
        answer = b""
        while b"\r\n\r\n" not in answer or b"}}" not in answer:
            data = connection.recv(65536)
            assert data, answer
            answer += data
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"body_too_large" in answer


# Where


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/cases/%00",
        "/api/v1/cases/%ff%fe",
        "/api/v1/cases/" + "x" * 5_000,
        "/api/v1/cases/'; DROP TABLE entries; --",
        "/api/v1/cases/..%5c..%5centries",
        "/api/v1/directives/%F0%9F%94%92/status",
        "/api/v1/releases/a/stages/b/opening",
    ],
)
def test_odd_names_are_names_of_nothing(idle: Plane, path: str):
    with idle.staff() as staff:
        response = staff.get(path)
    assert response.status_code == 404
    assert len(error_of(response)["message"]) < 500


@pytest.mark.parametrize(
    "path",
    [
        *("/api", "/api/v1", "/api/v1/", "/api/v2/cases", "/api/v1/cases/", "//api/v1/cases"),
        *("/API/v1/cases", "/docs", "/redoc", "/openapi.json", "/fleet/v1", "/log", "/log/tile"),
    ],
)
def test_there_is_nothing_else(idle: Plane, path: str):
    with idle.staff() as staff:
        response = staff.get(path)
    assert response.status_code in (307, 400, 404), path
    if response.status_code != 307:
        error_of(response)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_no_other_method_does_anything(idle: Plane, method: str):
    for path in [*READING, *(path for _, path in CHANGING)]:
        with idle.staff() as staff:
            response = staff.request(method, path)
        assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "query", ["index=", "index=x", "index=1.5", "index=1e3", "size=1", "index=1&size=x", ""]
)
def test_a_malformed_query_is_refused(idle: Plane, query: str):
    with idle.client() as anyone:
        response = anyone.get(f"/api/v1/log/inclusion?{query}")
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_input")


def test_a_number_too_large_for_a_machine_is_the_number_of_nothing(idle: Plane):
    with idle.client() as anyone:
        response = anyone.get(f"/api/v1/log/inclusion?index={10**30}")
        assert response.status_code in (400, 404)
        error_of(response)
        response = anyone.get(f"/api/v1/log/consistency?first={10**30}&second={10**31}")
        assert response.status_code in (400, 404)
        error_of(response)


# Polls
