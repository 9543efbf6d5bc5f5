"""One request to a surface, as its customers make it, and what it got.

Rules:
- Only an answer of a model is `answered`, and only a status that says no is `refused`. All else is `failed`:
  it shows neither that a model is served nor that it is not.
- The request is an ordinary one. Nothing in it says that it observes.
- What is kept is only what an answer says about itself: the model and the programme that ran. Never its text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPException
from typing import Any

from sluicegate.client.http import connection
from sluicegate.core.terms.canaries import Way, WrittenProbe
from sluicegate.errors import InvalidInput
from sluicegate_record.form import replace
from sluicegate_record.terms.observations import ANSWERED, FAILED, REFUSED, ProbeOutcome
from sluicegate_record.terms.programmes import FIELD, label
from sluicegate_record.terms.text import is_plain

ANSWER_BYTES = 1024 * 1024
NAME_MAX = 128
TOKENS = 64
"""How long an answer may be."""
_PATHS: Mapping[Way, str] = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
}
_ANSWERS: Mapping[Way, str] = {"chat": "choices", "responses": "output", "messages": "content"}
"""The field that only an answer of a model has."""
_NO = frozenset({401, 403, 404, 410, 451})
"""The statuses that say no. Others ask to try again, or say that the request or a server is at fault."""


def ask(probe: WrittenProbe, key: str, prompt: str) -> ProbeOutcome:
    """Ask once, and say what that got."""
    refused = InvalidInput(f"{probe.url!r} is not the URL of a gateway")
    opened, prefix = connection(probe.url, refused)
    body = json.dumps(_body(probe, prompt), ensure_ascii=False).encode()
    with closing(opened):
        try:
            opened.request("POST", prefix + _PATHS[probe.ask], body, _headers(probe, key))
            answer = opened.getresponse()
            said = answer.read(ANSWER_BYTES + 1)
        except (OSError, HTTPException, ValueError) as error:
            return ProbeOutcome(got=FAILED, reason=type(error).__name__)
    return _outcome(probe, answer.status, said)


def _headers(probe: WrittenProbe, key: str) -> dict[str, str]:
    found = {"content-type": "application/json", "accept": "application/json"}
    if probe.ask == "messages":
        found |= {"x-api-key": key, "anthropic-version": "2023-06-01"}
    else:
        found["authorization"] = f"Bearer {key}"
    return {**found, **{name.lower(): value for name, value in probe.headers.items()}}


def _body(probe: WrittenProbe, prompt: str) -> dict[str, Any]:
    found: dict[str, Any] = {"model": probe.model}
    if probe.ask == "responses":
        found |= {"input": prompt, "max_output_tokens": TOKENS, "store": False}
    else:
        most = "max_tokens" if probe.ask == "messages" else "max_completion_tokens"
        found |= {"messages": [{"role": "user", "content": prompt}], most: TOKENS}
    return {**found, FIELD: dict(probe.programmes)} if probe.programmes else found


def _outcome(probe: WrittenProbe, status: int, said: bytes) -> ProbeOutcome:
    value = _object(said)
    error, own = _part(value, "error"), _part(_part(value, "error"), "sluicegate")
    meant = _integer(own.get("status")) or status  # some clients get every refusal as 400
    if 200 <= status < 300 and isinstance(value.get(_ANSWERS[probe.ask]), list):
        return ProbeOutcome(
            got=ANSWERED, status=status, model=_text(value.get("model")), programme=_programme(probe, value)
        )
    found = ProbeOutcome(
        got=REFUSED if meant in _NO else FAILED,
        status=meant,
        reason=_text(own.get("reason")) or _text(error.get("code")) or _text(error.get("type")),
    )
    if not own:
        return found
    return replace(found, directive=_text(own.get("directive")), size=_integer(own.get("size")))


def _programme(probe: WrittenProbe, value: Mapping[str, Any]) -> str | None:
    """The programme of the concern that was asked for, as the answer names it; None if it does not."""
    said = _part(value, FIELD)
    named = ((concern, _text(said.get(concern))) for concern in probe.programmes)
    return next((label(concern, name) for concern, name in named if name is not None), None)


def _object(said: bytes) -> dict[str, Any]:
    try:
        value = json.loads(said) if len(said) <= ANSWER_BYTES else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _part(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    """A name, as it can be signed; None if it cannot."""
    found = value.strip() if isinstance(value, str) else ""
    return found if 0 < len(found) <= NAME_MAX and is_plain(found) else None


def _integer(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**53 else None
