"""How statements are written in words: their fields, the values of these, and times in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any

from sluicegate.core import times
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms import phrases
from sluicegate_record.terms.text import counted, quoted

_DURATION = re.compile(r"P(?=.)(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?")
_TOKEN = re.compile(r"[A-Za-z0-9._:/+@=-]+")
"""What no one takes for words of ours: a name, a number, a time, a digest."""


def day(at_ms: int) -> str:
    """A day, such as `Friday 11 December 2026`, in UTC."""
    return times.day(utc(at_ms))


def minute(at_ms: int) -> str:
    """A time, such as `Friday 11 December 2026, 17:00 UTC`."""
    return f"{day(at_ms)}, {utc(at_ms):%H:%M} UTC"


def exactly(at_ms: int) -> str:
    """A time to the millisecond, such as `Friday 11 December 2026, 17:00:00.000 UTC`."""
    return f"{day(at_ms)}, {utc(at_ms).isoformat(timespec='milliseconds')[11:23]} UTC"


def utc(at_ms: int) -> datetime:
    """A time in UTC. Units: milliseconds since 1970 UTC."""
    return datetime.fromtimestamp(at_ms / 1_000, UTC)


def plain(value: Any) -> str:
    """A value of a plan: names unchanged, what is only declared said so, anything else in JSON."""
    if isinstance(value, dict) and value.keys() == {"value", "declared"}:
        return f"{plain(value['value'])} {phrases.DECLARED}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and _DURATION.fullmatch(value):
        return phrases.duration(value)
    return phrases.plain(value)


def duty(name: str, value: Any) -> str:
    """A condition of a grant as a duty, such as `at most 600 requests a minute`."""
    if name == "requestsPerMinute":
        return f"at most {counted(value, 'request')} a minute"
    if name == "validFor":
        return f"valid for {plain(value)}, then it ends or is renewed"
    stated = value["value"] if isinstance(value, Mapping) else value
    said = label(name) if stated is True else f"{label(name)}: {plain(stated)}"
    return f"{said} {phrases.DECLARED}" if isinstance(value, Mapping) else said


def label(name: str) -> str:
    """The name of a field in words: `requestsPerMinute` as `requests per minute`."""
    return "".join(f" {each.lower()}" if each.isupper() else each for each in name).strip()


def fields(value: Any, said: AbstractSet[JsonPath], path: JsonPath = ()) -> Iterator[str]:
    """Every field of a JSON object, at any depth, as label and value; but none that is `said` already, and
    none that is null.
    """
    if path in said or value is None:
        return
    if value and (isinstance(value, dict) or (isinstance(value, list) and not _are_texts(value))):
        steps = value.items() if isinstance(value, dict) else enumerate(value, 1)
        for step, each in steps:
            yield from fields(each, said, (*path, step))
        return
    at = ", ".join(named(str(step)) for step in path)
    listed = value if value and isinstance(value, list) else [value]
    yield f"{capital(at)}: {', '.join(map(exact, listed))}"


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def named(name: str) -> str:
    """The name of a field in words; one that could pass for our words in quotes."""
    return label(name) if _TOKEN.fullmatch(name) else quoted(name)


def exact(value: Any) -> str:
    """A value in words, so that another one has others; a text that could pass for our words in quotes."""
    if isinstance(value, str) and not _TOKEN.fullmatch(value):
        return quoted(value)
    return plain(value)


def capital(text: str) -> str:
    """A text that begins with a capital; all other letters stay."""
    return f"{text[:1].upper()}{text[1:]}"
