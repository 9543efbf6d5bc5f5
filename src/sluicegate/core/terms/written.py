"""The words of which everything that a person writes is made: names, texts, durations, rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from sluicegate.core.terms import countries
from sluicegate.core.terms.document import Fault
from sluicegate.core.terms.nearest import nearest
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms import durations, quorum
from sluicegate_record.terms.rule import OPERATORS
from sluicegate_record.terms.text import is_plain

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$")]
ModelId = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._:/-]{0,126}[A-Za-z0-9])?$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


def _country(text: str) -> str:
    if text not in countries.names():
        said = "the two letters of a country, as ISO 3166 has them, such as US"
        raise PydanticCustomError("country", said, {"near": countries.meant(text)})
    return text


Country = Annotated[
    str, AfterValidator(_country), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})
]


def _duration(text: str) -> str:
    try:
        lasts_ms = durations.milliseconds(text)
    except ValueError as error:
        raise PydanticCustomError("duration", "a duration such as P30D or PT12H") from error
    if not lasts_ms:
        raise PydanticCustomError("duration", "a duration longer than nothing, such as P30D or PT12H")
    return text


Duration = Annotated[str, Field(pattern=durations.PATTERN), AfterValidator(_duration)]


def _plain(text: str) -> str:
    if not is_plain(text):
        raise PydanticCustomError("plain_text", "text without control or invisible characters")
    return text


Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_plain)]


def _date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise PydanticCustomError("date", "a date such as 2026-06-24") from error
    return text


DATE = r"^\d{4}-\d{2}-\d{2}$"
DateText = Annotated[str, Field(pattern=DATE), AfterValidator(_date)]
RULE_HERE = {"const": "a rule stands here"}
WrittenRule = Annotated[dict[str, Any], WithJsonSchema(RULE_HERE)]


def rule_of(by: Any) -> Any:
    """What is written as a rule, or as a list of parties: that is all of them."""
    return {"allOf": by} if isinstance(by, list) else by


def rule_faults(by: Any, parties: frozenset[str], path: JsonPath) -> Iterator[Fault]:
    """What is wrong with a rule over parties, or with a list of them, at the place where it is written."""
    below = len(path) + isinstance(by, list)
    for fault in faults_of_rule(rule_of(by), parties, path):
        yield replace(fault, path=(*path, *fault.path[below:]))


def faults_of_rule(rule: Any, parties: frozenset[str], path: JsonPath) -> Iterator[Fault]:
    """What is wrong with a rule over parties; an operator that is nearly right is one that was meant."""
    for place, expected, found in quorum.faults(rule, parties, path):
        at = rule
        for step in place[len(path) :]:
            at = at[step]
        word = next(iter(at)) if isinstance(at, dict) and len(at) == 1 else None
        near = "" if word in OPERATORS else nearest(word, OPERATORS)
        yield Fault(place, expected, found, near)


def _title(model: type) -> str:
    return model.__name__.removeprefix("Written")


class Strict(BaseModel):
    """What a person writes, exactly: no other fields, and no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, model_title_generator=_title)
