"""Every answer that a test gets is compared with what the OpenAPI document says of it."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx2
import jsonschema

from sluicegate.acts.table import PUBLIC
from sluicegate.control import openapi


def check(response: httpx2.Response) -> None:
    """Raise ValidationError unless an answer of the API is as the document describes it."""
    path = response.request.url.path
    operation = _operation(response.request.method.lower(), path)
    if operation is None or not path.startswith("/api/v1/"):
        return
    response.read()
    answers = operation["responses"]
    described = answers.get(str(response.status_code), answers["default"])
    schema = described["content"]["application/json"]["schema"]
    whole = {**schema, "components": _document()["components"]}
    jsonschema.Draft202012Validator(whole).validate(response.json())


@cache
def _document() -> dict[str, Any]:
    return openapi.document(PUBLIC)


@cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """The paths with nothing to fill in come first: they are meant where two fit."""
    paths = sorted(_document()["paths"].items(), key=lambda item: ("{" in item[0], item[0]))
    return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), methods) for path, methods in paths]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    found = next((methods for pattern, methods in _patterns() if pattern.fullmatch(path)), {})
    operation: dict[str, Any] | None = found.get(method)
    return operation
