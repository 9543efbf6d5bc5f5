"""A rule over parties as an object: `{"allOf": ["oncd", {"anyOf": ["ostp", "commerce"]}]}`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sluicegate_record.form import Misread, shown

OPERATORS = ("allOf", "anyOf", "atLeast", "majorityOf")
DEPTH_MAX = 8
"""How many levels of rules may be nested."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One operator over members, each a party or a rule. `n` is for `atLeast` only; otherwise it is 0."""

    operator: str
    members: tuple[str | Rule, ...]
    n: int = 0

    SCHEMA: ClassVar = {"$ref": "#/$defs/Rule"}

    @classmethod
    def from_json(cls, value: object) -> Rule:
        """The rule in a value. `quorum.faults` checks whether it makes sense. Raises: Misread."""
        return _read(value, DEPTH_MAX)

    @property
    def threshold(self) -> int:
        """How many of the members must hold."""
        if self.operator == "atLeast":
            return self.n
        of = len(self.members)
        return {"allOf": of, "anyOf": 1, "majorityOf": of // 2 + 1}[self.operator]

    def to_json(self) -> dict[str, Any]:
        """The rule as `from_json` reads it."""
        members = [each if isinstance(each, str) else each.to_json() for each in self.members]
        return {self.operator: {"n": self.n, "of": members} if self.operator == "atLeast" else members}


def _read(value: object, room: int) -> Rule:
    """The rule in a value, with `room` levels left. Raises: Misread."""
    if not room:
        raise Misread(f"at most {DEPTH_MAX} levels of rules", "more")
    if type(value) is not dict or len(value) != 1:
        raise Misread("one of " + ", ".join(OPERATORS), shown(value))
    operator, body = next(iter(value.items()))
    if operator not in OPERATORS:
        raise Misread("one of " + ", ".join(OPERATORS), shown(operator))
    if operator != "atLeast":
        return Rule(operator, _members(body, room))
    if type(body) is not dict or body.keys() != {"n", "of"} or type(body["n"]) is not int:
        raise Misread("{n: …, of: […]}", shown(body))
    return Rule(operator, _members(body["of"], room), body["n"])


def _members(value: object, room: int) -> tuple[str | Rule, ...]:
    if type(value) is not list:
        raise Misread("a list of parties and rules", shown(value))
    return tuple([each if type(each) is str else _read(each, room - 1) for each in value])
