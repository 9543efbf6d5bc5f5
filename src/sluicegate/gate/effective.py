"""What an answer says that ran, beside what was asked for and what is granted.

Rules:
- An answer is only looked at: no byte of it is changed, kept back or waited for. A difference ends nothing.
- Only what contradicts is a difference. An answer without a word on a programme, or with null, agrees.
- Programmes are looked for where the release of the request states some; in bodies of at most `LOOKED_BYTES`,
  and in events of at most that, `LOOKS_MAX` of one stream.
- The name of a model is the upstream's own affair: a name that begins or ends as the one asked for is that
  model's, and one that does not is counted, and not put on the record.

Source: OpenAI's API reference: `access_programs` of a request, and of an answer, which says what ran.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sluicegate.core.access.programmes import AskedProgramme
from sluicegate.core.access.rows import GrantRow
from sluicegate.gate import sse
from sluicegate.gate.event_error import data_of
from sluicegate.gate.levels import at_top
from sluicegate_record.terms.effective import NOT_GIVEN, NOT_GRANTED
from sluicegate_record.terms.programmes import FIELD, PROFILE, STANDARD, label

OTHER_MODEL = "other_model"
"""The kind of difference that is counted and logged here, and not put on the record."""
REFUSED = "invalid_access_program"
"""The code of an upstream's error that refuses a programme."""
LOOKED_BYTES = 256 * 1024
LOOKS_MAX = 8
_HEAD_BYTES = 2 * 1024
_MARK = b'"access_programs"'
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]{1,128})"')
_WITHIN = re.compile(rb'"(?:response|message)"\s*:\s*\{')
_PARTS = ("response", "message")
"""What of an event has what its answer says of itself."""
_JOINTS = "-@:._"
"""What comes between the name of a model and its version."""


class Watch:
    """Looks at one answer. `differences` are the kinds found so far."""

    __slots__ = ("_asked", "_grant", "_is_new", "_looks", "_model", "_parts", "_room", "differences")

    def __init__(
        self, model: str, asked: tuple[AskedProgramme, ...], grant: GrantRow, *, has_programmes: bool
    ) -> None:
        self._model, self._asked, self._grant = model, asked, grant
        self._is_new = True
        self._looks = LOOKS_MAX if has_programmes else 0
        self._parts: list[bytes] = []
        self._room = LOOKED_BYTES
        self.differences: tuple[str, ...] = ()

    def saw(self, events: bytes) -> None:
        """Look at whole events of a stream."""
        if self._is_new:
            self._begin(events)
        if self._looks and events.find(_MARK) >= 0:
            for event in sse.events(events):
                if self._looks and _MARK in event and len(event) <= LOOKED_BYTES:
                    self._looks -= 1
                    self._compare(data_of(event))

    def took(self, data: bytes) -> None:
        """Look at the next piece of a body."""
        if self._is_new:
            self._begin(data)
        self._room -= len(data)
        if self._room < 0:
            self._parts.clear()
        elif self._looks:
            self._parts.append(data)

    def end(self) -> None:
        """All of a body has come."""
        if self._parts:
            body = b"".join(self._parts)
            self._parts.clear()
            if _MARK in body:
                self._compare(body)

    def refused(self, code: object) -> None:
        """An error of the upstream came in place of an answer."""
        if code == REFUSED and self._asked:
            self._note(NOT_GIVEN)

    def _begin(self, data: bytes) -> None:
        self._is_new = False
        named = _model_of(data[:_HEAD_BYTES])
        if named and not is_called(self._model, named):
            self._note(OTHER_MODEL)

    def _compare(self, text: bytes) -> None:
        for said in _said_in(text):
            for kind in differences(said, self._asked, self._grant):
                self._note(kind)

    def _note(self, kind: str) -> None:
        if kind not in self.differences:
            self.differences = (*self.differences, kind)


def differences(said: Mapping[str, Any], asked: tuple[AskedProgramme, ...], grant: GrantRow) -> Iterator[str]:
    """How what an answer says of programmes, by concern, differs from what was asked for and is granted."""
    held = {row.label for rows in grant.programmes.values() for row in rows} - grant.halted
    given = {concern: name for concern, name in said.items() if isinstance(name, str)}
    if any(name != STANDARD and label(concern, name) not in held for concern, name in given.items()):
        yield NOT_GRANTED
    for each in asked:
        for concern, name in _meant(each, grant):
            if given.get(concern, name) != name:
                yield NOT_GIVEN


def _meant(asked: AskedProgramme, grant: GrantRow) -> Iterator[tuple[str, str]]:
    """The programmes that were asked for: in a header, those that the grant has by that name."""
    if asked.way == FIELD:
        yield asked.concern, asked.name
    elif asked.way != PROFILE:
        for row in grant.programmes.get(asked, ()):
            yield row.label.removesuffix(label("", asked.name)), asked.name


def is_called(asked: str, named: str) -> bool:
    """Whether a model that was asked for may be called so: with a version, or by a path to it."""
    one, other = sorted((asked.casefold(), named.casefold()), key=len)
    last = other.rpartition("/")[2]
    if one in {other, last} or other.endswith(f"/{one}"):
        return True
    return any(each.startswith(one) and each[len(one)] in _JOINTS for each in (other, last))


def _model_of(head: bytes) -> str:
    """The model that an answer names in its first bytes; empty if it names none there."""
    within = _WITHIN.search(head[: _HEAD_BYTES // 2])
    start = head.find(b"{") if within is None else within.end() - 1
    found = next(at_top(head[start:], _MODEL), None) if start >= 0 else None
    return "" if found is None else found[1].decode("utf-8", "replace")


def _said_in(text: bytes) -> Iterator[Mapping[str, Any]]:
    """What an answer, or an event of one, says of programmes."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return
    whole = told if isinstance(told, dict) else {}
    for part in (whole, *(whole.get(name) for name in _PARTS)):
        said = part.get(FIELD) if isinstance(part, dict) else None
        if isinstance(said, dict):
            yield said
