"""The OpenAPI document: valid, and complete enough to write a client from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import jsonschema
import pytest

from sluicegate.acts.table import ACTS
from tests.control import described
from tests.control.conftest import Plane
from tests.control.test_api import CHANGING, error_of


@pytest.fixture(scope="module")
def document(idle: Plane) -> Any:
    with idle.client() as anyone:
        return anyone.get("/api/v1/openapi.json").json()


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _refs(value: Any) -> Iterator[str]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from _refs(child)
    if isinstance(value, dict) and isinstance(value.get("$ref"), str):
        yield value["$ref"]


def test_every_reference_leads_somewhere(document):
    assert list(_refs(document))
    for ref in _refs(document):
        found = document
        for step in ref.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_every_schema_is_a_json_schema(document):
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema.get("description") or schema.get("title"), name


def test_every_operation_is_named_once_and_described(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for _, path, operation in operations(document):
        assert operation["description"], path
        assert operation["tags"], path


def test_every_parameter_of_a_path_is_declared(document):
    for _, path, operation in operations(document):
        declared = {found["name"] for found in operation.get("parameters", []) if found["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_every_operation_tells_of_errors_in_the_form_they_have(document, idle):
    for _, path, operation in operations(document):
        told = operation["responses"]["default"]["content"]["application/json"]["schema"]
        assert told == {"$ref": "#/components/schemas/errors.ErrorAnswer"}, path
        assert "422" not in operation["responses"], path
    schema = {**document["components"]["schemas"]["errors.ErrorAnswer"], "components": document["components"]}
    with idle.client() as anyone, idle.staff() as staff:
        for response in (
            anyone.get("/api/v1/cases"),
            staff.get("/api/v1/nothing"),
            staff.post("/api/v1/releases", json={"text": "{}"}),
            staff.post("/api/v1/releases", json={}),
        ):
            error_of(response)
            jsonschema.Draft202012Validator(schema).validate(response.json())


PUBLIC = {"/api/v1/schemas/plan", "/api/v1/log", "/api/v1/log/inclusion", "/api/v1/log/consistency"} | {
    "/api/v1/directives/{directive}",
    "/api/v1/definitions",
    "/api/v1/releases/{release}/early-access",
    "/api/v1/releases/{release}/history",
    "/api/v1/log/entries",
    "/api/v1/log/entries/{index}",
}


def test_every_operation_says_whether_it_wants_a_token(document):
    (name,) = document["components"]["securitySchemes"]
    assert document["components"]["securitySchemes"][name]["scheme"] == "bearer"
    for method, path, operation in operations(document):
        is_public = method == "get" and path in PUBLIC
        assert operation.get("security", []) == ([] if is_public else [{name: []}]), path


def test_every_command_takes_an_id(document):
    """What changes the log may be sent again under its id; what only looks, and a token, may not."""
    without = {"/api/v1/releases/preview", "/api/v1/directives/preview", "/api/v1/tokens"}
    without |= {"/api/v1/directives/{directive}/lift/question"}
    without |= {"/api/v1/invitations", "/api/v1/tokens/renew"}
    without |= {"/api/v1/members/{member}/link", "/api/v1/person/link", "/fleet/v1/report"}
    for method, path, operation in operations(document):
        names = {found["name"] for found in operation.get("parameters", []) if found["in"] == "header"}
        assert ("idempotency-key" in names) is (method == "post" and path not in without), path


def test_the_bodies_of_the_tests_are_what_the_document_describes(document):
    named = {"grant_x": "{grant}", "cred_x": "{credential}", "d-1": "{directive}"}
    named |= {"mem_x": "{member}", "sig_x": "{signatory}", "idp_x": "{provider}"}
    named |= {"sub_x": "{subscription}", "case_x": "{case}", "draft_x": "{draft}"}
    checked = 0
    for (method, path), (action, body) in CHANGING.items():
        operation = document["paths"].get("/".join(named.get(step, step) for step in path.split("/")), {})
        assert ACTS[action].roles
        if body is None or not operation:
            continue
        described = operation[method.lower()]["requestBody"]["content"]["application/json"]["schema"]
        if "$ref" in described:
            described = document["components"]["schemas"][described["$ref"].rpartition("/")[2]]
        schema = {**described, "components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(body)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema).validate({**body, "more": 1})
        checked += 1
    assert checked >= 38


@pytest.mark.parametrize("body", [{}, {"vkey": "x"}, {"vkey": "x", "size": "1"}, {"vkey": 5, "size": 1}, []])
def test_an_answer_that_is_not_as_described_is_found(body):
    request = httpx2.Request("GET", "http://control/api/v1/log")
    described.check(httpx2.Response(200, json={"vkey": "x", "size": 1}, request=request))
    with pytest.raises(jsonschema.ValidationError):
        described.check(httpx2.Response(200, json=body, request=request))
