"""The OpenAPI document of the control plane, from the table of acts and the forms in it.

Source: OpenAPI 3.1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate import __version__
from sluicegate.acts.act import COMMAND_ID_LEAST, COMMAND_ID_MOST, ActAnswer, AnyAct
from sluicegate.acts.errors import ErrorAnswer
from sluicegate.http.entrance import Entrance
from sluicegate.http.public import NEWEST, public
from sluicegate_record.form import FormField, codec_of, definitions, schema, shape_of
from sluicegate_record.terms import quorum

_TOKEN: dict[str, Any] = {"type": "http", "scheme": "bearer", "description": "a token, sgt_…"}
_COMMAND_ID: dict[str, Any] = {
    "name": "idempotency-key",
    "in": "header",
    "required": False,
    "description": "Names this command. Sent again under the same name, it is done once.",
    "schema": {"type": "string", "minLength": COMMAND_ID_LEAST, "maxLength": COMMAND_ID_MOST},
}


def route(acts: Sequence[AnyAct], entrance: Entrance) -> Route:
    """The route of the document, which is made once, when it is first asked for."""

    @cache
    def described() -> bytes:
        return json.dumps(document(acts), ensure_ascii=False, separators=(",", ":")).encode()

    async def endpoint(request: Request) -> Response:
        visitor = await entrance.admit(request)
        with visitor.place():
            body = await visitor.run(described)
        return public(request, body, "application/json", NEWEST)

    return Route("/api/v1/openapi.json", endpoint)


def document(acts: Iterable[AnyAct]) -> dict[str, Any]:
    """The document that describes some acts."""
    rows = list(acts)
    paths: dict[str, dict[str, Any]] = {}
    for act in rows:
        paths.setdefault(act.path, {})[act.method.lower()] = _operation(act)
    schemas = definitions(list(paths.values())) | {
        "Rule": quorum.SCHEMA,
        "RuleMembers": quorum.MEMBERS_SCHEMA,
    }
    found = {
        "openapi": "3.1.0",
        "info": {
            "title": "Sluicegate control plane",
            "version": __version__,
            "description": "What can be asked of a control plane, and what it answers.",
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": _TOKEN}},
    }
    text = json.dumps(found).replace("#/$defs/", "#/components/schemas/")
    described: dict[str, Any] = json.loads(text)
    return described


def _operation(act: AnyAct) -> dict[str, Any]:
    fields = shape_of(act.asked).fields
    in_path = [_parameter(each, "path") for each in fields if each.key in act.places]
    others = [each for each in fields if each.key not in act.places]
    in_query = [_parameter(each, "query") for each in others] if act.kind == "question" else []
    command_id = [_COMMAND_ID] if act.kind == "command" else []
    operation: dict[str, Any] = {
        "operationId": act.name,
        "tags": [act.name.partition(".")[0]],
        "summary": act.help.partition(". ")[0].rstrip("."),
        "description": act.help,
        "parameters": [*in_path, *in_query, *command_id],
        "responses": {
            "200": _response("What it answers", act.answered),
            "default": _response("Any error", ErrorAnswer),
        },
    }
    if act.roles:
        operation["security"] = [{"token": []}]
        who = "; administrators" if act.for_administrators else ""
        operation["description"] += f" Roles: {', '.join(sorted(act.roles))}{who}."
    if act.kind != "question" and others:
        operation["requestBody"] = {
            "required": any(each.is_required for each in others),
            "content": {"application/json": {"schema": _body(act, others)}},
        }
    return operation


def _parameter(each: FormField, where: str) -> dict[str, Any]:
    return {
        "name": each.key,
        "in": where,
        "required": where == "path" or each.is_required,
        "schema": dict(each.codec.schema),
        **({"description": each.note} if each.note else {}),
    }


def _body(act: AnyAct, fields: list[FormField]) -> dict[str, Any]:
    """The schema of a body: what is asked, without what is in the path."""
    whole = schema(act.asked)
    keys = [each.key for each in fields]
    return {
        **whole,
        "properties": {key: whole["properties"][key] for key in keys},
        "required": [key for key in whole["required"] if key in keys],
    }


def _response(what: str, answered: type[ActAnswer]) -> dict[str, Any]:
    return {"description": what, "content": {"application/json": {"schema": codec_of(answered).schema}}}
