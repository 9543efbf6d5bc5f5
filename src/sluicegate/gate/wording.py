"""The fields of a body, as messages speak of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sluicegate.errors import InvalidInput

QUOTED_MAX = 80

_KINDS: dict[type, str] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def kind(value: object) -> str:
    """What a value of JSON is."""
    return _KINDS[type(value)]


def quoted(text: str) -> str:
    """A text in quotes; of a long one, its beginning."""
    return repr(text) if len(text) <= QUOTED_MAX else repr(text[:QUOTED_MAX]) + "…"


def text_at(value: Mapping[str, Any], key: str, name: str) -> str | None:
    """The text of a field that may be left out. Raises: InvalidInput: another kind."""
    text = value.get(key)
    if text is not None and not isinstance(text, str):
        raise InvalidInput(f"{name!r} is {kind(text)}, expected a string")
    return text


def flag(value: Mapping[str, Any], key: str) -> bool:
    """A field that is true or false, or left out. Raises: InvalidInput: another kind."""
    found = value.get(key)
    if found is not None and not isinstance(found, bool):
        raise InvalidInput(f"{key!r} is {kind(found)}, expected true or false")
    return bool(found)
