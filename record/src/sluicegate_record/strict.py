"""Strict reading: what a form needs of its values beyond their types, for readers that ignore nothing.

Rules:
- A log is read as far as this build can. `unknown` holds the fields that it does not know. `Unread` replaces
  a part whose shape it does not know.
- A reader that acts on a new statement refuses both. `faults` finds them, and the values that lack what their
  field `Needs`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sluicegate_record.form import Codec, Form, Json, Misread, codec_of, shape_of, shown

JsonPath = tuple[str | int, ...]
"""The place of a value in a document: names and indexes, from the outside in."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that this build cannot read, unchanged, and why."""

    value: Json
    why: Misread = field(compare=False)


def or_unread(hint: Any) -> Codec:
    """How to read and write values of a type, or of a codec, where another build may write other values."""
    codec = hint if isinstance(hint, Codec) else codec_of(hint)

    def read(value: Json) -> Any:
        try:
            return codec.read(value)
        except Misread as why:
            return Unread(value, why)

    def write(value: Any) -> Json:
        return value.value if isinstance(value, Unread) else codec.write(value)

    return Codec(read, write, codec.schema, codec.suffix)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a field needs beyond its type. `each` means every item, or key, of the field."""

    expected: str
    holds: Callable[[Any], bool]
    each: bool = False

    def faults(self, value: Any, path: JsonPath) -> Iterator[Misread]:
        """The places where a value lacks it."""
        for at, item in self._items(value, path):
            if not self.holds(item):
                yield Misread(self.expected, shown(item), at)

    def _items(self, value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, Any]]:
        if not self.each:
            yield path, value
        elif isinstance(value, Mapping):
            yield from (((*path, key), key) for key in value)
        else:
            yield from (((*path, i), item) for i, item in enumerate(value))


def matching(pattern: str, *, each: bool = False) -> Needs:
    """A text that matches a pattern from start to end."""
    whole = re.compile(pattern, re.ASCII)
    return Needs(f"text matching ^{pattern}$", lambda value: whole.fullmatch(value) is not None, each)


def one_of(*words: str, each: bool = False) -> Needs:
    """One of some words."""
    return Needs(" or ".join(map(repr, words)), lambda value: value in words, each)


def sized(least: int, most: int, what: str) -> Needs:
    """A size within limits: characters, items or fields."""
    return Needs(f"{least} to {most:,} {what}", lambda value: least <= len(value) <= most)


def faults(value: Any, path: JsonPath = ()) -> Iterator[Misread]:
    """Everything in a form that this build does not know, and every field that lacks what it needs."""
    if isinstance(value, Unread):
        yield Misread(value.why.expected, value.why.found, (*path, *value.why.path))
    elif isinstance(value, Form):
        yield from _faults_of(value, path)
    elif isinstance(value, Mapping | tuple):
        for step, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from faults(item, (*path, step))


def _faults_of(value: Form, path: JsonPath) -> Iterator[Misread]:
    for name in value.unknown:
        yield Misread("a field that this build knows", repr(name), (*path, name))
    for each in shape_of(type(value)).fields:
        found = getattr(value, each.name)
        if found is None:
            continue
        at = (*path, each.key)
        yield from faults(found, at)
        if not isinstance(found, Unread):
            for needs in each.marks:
                yield from needs.faults(found, at) if isinstance(needs, Needs) else ()


def nulls(value: Json, path: JsonPath = ()) -> Iterator[Misread]:
    """Every null. In a signed statement, a field has a value or is left out."""
    if isinstance(value, dict | list):
        for step, child in value.items() if isinstance(value, dict) else enumerate(value):
            yield from nulls(child, (*path, step))
    elif value is None and path:
        yield Misread("a value, or the field left out", "nothing", path)
