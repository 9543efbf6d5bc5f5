"""A plan made from another one: other names, models and days; all else, comments too, as it was written.

Rules:
- The first day that the plan states becomes the start. All its other days keep their distance from that.
- What the plan does not state already has no place to be written, and is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sluicegate.core.terms.document import Fault, YamlDocument
from sluicegate_record.strict import JsonPath

DAYS = frozenset({"askedOn", "until", "date"})
"""The fields of the plan language that state a day, or a moment of one."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?=T|$)")
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_NOT_TEXT = frozenset({"null", "true", "false"})
_TO_CHOOSE = re.compile(r"sha256:0{64}|[A-Z][A-Z' ]{6,}")
"""What a preset leaves to choose, beside its placeholders: digests of zeros, words in capitals."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """What is replaced. `models` has values for the fields of models, in the order of the models."""

    name: str
    developer: str | None = None
    title: str | None = None
    start: date | None = None
    models: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that is still to be chosen. Units: line and column from 1."""

    line: int
    column: int
    field: str
    value: str


def renewed(document: YamlDocument, text: str, wanted: Renewal) -> str:
    """The text of a document with what is wanted in it.

    Requires: the document was read from the text.
    Raises:   InvalidDocument: it has no place for something that is wanted, or a day no calendar has.
    """
    edits = {**_named(wanted), **_modelled(document.value, wanted.models)}
    faults = [Fault(path, f"a value for {path[-1]!r} to replace", "none") for path in edits]
    faults = [each for each in faults if each.path not in document.spans]
    if faults:
        raise document.refuse(faults)
    if wanted.start is not None:
        edits |= _moved(document, wanted.start)
    return _edited(text, {document.spans[path]: value for path, value in edits.items()})


def choices(document: YamlDocument, placeholders: Container[str]) -> list[Choice]:
    """What a plan leaves to choose, in the order of the text.

    `placeholders` are the names that stand for others in presets, and that no one has chosen.
    """
    found = []
    for path in document.spans:
        value = _at(document.value, path)
        if isinstance(value, str) and (value in placeholders or _TO_CHOOSE.fullmatch(value)):
            line, column = document.places[path]
            named = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
            found.append(Choice(line, column, named, value))
    return sorted(found, key=lambda each: (each.line, each.column))


def _named(wanted: Renewal) -> dict[JsonPath, str]:
    given = {"name": wanted.name, "developer": wanted.developer, "title": wanted.title}
    return {("metadata", key): value for key, value in given.items() if value is not None}


def _modelled(value: Any, models: Mapping[str, Sequence[str]]) -> dict[JsonPath, str]:
    """The fields of models; an agency that directs a model directs it under its new name."""
    edits: dict[JsonPath, str] = {}
    for key, values in models.items():
        edits |= {("spec", "models", i, key): each for i, each in enumerate(values)}
    renamed = {_at(value, ("spec", "models", i, "id")): each for i, each in enumerate(models.get("id", ()))}
    agencies = _at(value, ("spec", "agencies"))
    for name in agencies if isinstance(agencies, dict) else ():
        directed = _at(value, ("spec", "agencies", name, "directs"))
        for i, model in enumerate(directed if isinstance(directed, list) else ()):
            if isinstance(model, str) and model in renamed:
                edits["spec", "agencies", name, "directs", i] = renamed[model]
    return edits


def _moved(document: YamlDocument, start: date) -> dict[JsonPath, str]:
    """Each day as far from the start as it was from the first one."""
    found = {path: _at(document.value, path) for path in document.spans if path[-1:] and path[-1] in DAYS}
    days = {path: day for path, value in found.items() if (day := _DAY.match(str(value)))}
    if not days:
        raise document.refuse([Fault(("spec",), "a day, which becomes the start", "none")])
    first = min(day[0] for day in days.values())
    edits = {}
    for path, day in days.items():
        try:
            moved = start + (date.fromisoformat(day[0]) - date.fromisoformat(first))
        except (ValueError, OverflowError):
            raise document.refuse([Fault(path, "a day that can be moved", repr(day.string))]) from None
        edits[path] = moved.isoformat() + day.string[day.end() :]
    return edits


def _edited(text: str, edits: Mapping[tuple[int, int], str]) -> str:
    for (start, end), value in sorted(edits.items(), reverse=True):
        was = text[start:end].rstrip()  # a text of several lines ends with one
        text = text[:start] + _written(value, was=was) + text[start + len(was) :]
    return text


def _written(value: str, *, was: str) -> str:
    """A text as YAML, quoted as it was, or where it must be; a JSON text is one."""
    is_bare = _BARE.fullmatch(value) is not None and value.lower() not in _NOT_TEXT
    return value if is_bare and was[:1] not in {'"', "'"} else json.dumps(value, ensure_ascii=False)


def _at(value: Any, path: JsonPath) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value
