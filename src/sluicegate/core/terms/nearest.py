"""What was probably meant by a word that is nearly right: one measure for keys, names and countries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from sluicegate_record.strict import JsonPath

NEAR = 0.75
"""How similar two words must be, from 0 to 1, as `difflib` measures it."""


def nearest(word: Any, known: Iterable[str]) -> str:
    """The known word that is nearest to a word; empty if no word is near, or it is one of them."""
    words = set(known)
    found = get_close_matches(word, sorted(words), 1, NEAR) if isinstance(word, str) else []
    return found[0] if found and word not in words else ""


def fields_at(schema: Mapping[str, Any], path: JsonPath) -> set[str]:
    """The fields that the mapping at a path may have, by a JSON Schema."""
    at = [schema]
    for step in path:
        at = [below for each in at for shape in _shapes(each, schema) for below in _below(shape, step)]
    return {name for each in at for shape in _shapes(each, schema) for name in shape.get("properties", ())}


def _shapes(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What a part of a schema may be, without references."""
    if "$ref" in part:
        yield from _shapes(schema["$defs"][part["$ref"].rpartition("/")[2]], schema)
    for each in part.get("anyOf", ()):
        yield from _shapes(each, schema)
    yield part


def _below(shape: Mapping[str, Any], step: str | int) -> Iterator[Mapping[str, Any]]:
    others = shape.get("additionalProperties")
    if isinstance(step, int):
        yield from [shape["items"]] if "items" in shape else []
    elif step in shape.get("properties", {}):
        yield shape["properties"][step]
    elif isinstance(others, Mapping):
        yield others
