"""How pages write times, counts and the fields of a plan. All times are in UTC until the reader's browser
shows them in its own zone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from sluicegate.core import times as core_times
from sluicegate.statements.words import capital, day, duty, label, minute, plain, utc
from sluicegate_record.directives.phrases import covered, part
from sluicegate_record.errors import InvalidInput, VerificationFailed
from sluicegate_record.log import canonical, dsse, times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.times import DAY_MS
from sluicegate_record.terms import phrases
from sluicegate_record.terms.text import counted

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d\.\d{3})?Z", re.ASCII)
"""A time as entries and answers write it."""


def dated(on: str) -> str:
    """A date of a plan, such as `2026-12-11`, as a day."""
    return core_times.day(date.fromisoformat(on))


def time_element(at_ms: int) -> Markup:
    """A time that a browser can read, too."""
    return Markup('<time datetime="{}">{}</time>').format(times.format_time(at_ms), minute(at_ms))


def elapsed(ms: int) -> str:
    """How long something took, in the unit that suits it, such as `76 ms`, `4 s` or `13 days`."""
    for size, name in ((DAY_MS, "day"), (3_600_000, "hour"), (60_000, "minute")):
        if ms >= 2 * size:
            return counted(ms // size, name)
    return f"{ms // 1_000} s" if ms >= 10_000 else f"{_number(ms)} ms"


def short_time(at_ms: int) -> Markup:
    """A time for a table, such as `11 Dec 2026, 17:00 UTC`."""
    at = utc(at_ms)
    text = f"{at.day} {at:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(times.format_time(at_ms), text)


def timed(text: str) -> Markup:
    """A text; each time in it, as entries write it, as a time."""
    found, at = Markup(""), 0
    for each in _TIME.finditer(text):
        found += text[at : each.start()] + _moment(each)
        at = each.end()
    return found + text[at:]


def moment(text: str) -> Markup | str:
    """A text that stays as it is; one that is a time as a time."""
    return timed(text) if _TIME.fullmatch(text) else text


def spoken(text: str) -> str:
    """A text; each time in it as people write it, in UTC."""
    return timed(text).striptags() if _TIME.search(text) else text


def _moment(found: re.Match[str]) -> Markup:
    """A time as one; what only looks like one stays text."""
    try:
        return short_time(times.parse_time(f"{found[1]}T{found[2]}{found[3] or ':00.000'}Z"))
    except VerificationFailed:
        return escape(found[0])


class FaultyLine(NamedTuple):
    """A line of a text in which something is wrong."""

    line: int
    text: str
    words: str


def faulty_lines(text: str, fault: Mapping[str, Any] | None) -> tuple[FaultyLine, ...]:
    """The lines of a document in which an error is, as far as it has places in it."""
    lines = text.splitlines()
    found = [each for each in (fault or {}).get("at", ()) if 0 < (each.line or 0) <= len(lines)]
    return tuple(
        FaultyLine(
            each.line,
            lines[each.line - 1],
            f"column {each.column}: expected {each.expected}, found {each.found}",
        )
        for each in found
    )


def pretty(value: Any) -> str:
    """JSON for a person."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)


def statement(public: Mapping[str, Any]) -> dict[str, Any] | None:
    """The statement that an entry was signed in, if it has one: in-toto's, without its frame."""
    try:
        envelope = Envelope.from_json(public.get("envelope"))
        return dsse.parse_statement(envelope, dsse.predicate_type(envelope)).predicate
    except InvalidInput:
        return None


def sentence(text: str) -> str:
    """A text that begins with a capital and ends with a full stop."""
    return capital(text) + ("" if text[-1:] in {".", "!", "?", ""} else ".")


def share(value: float, most: float) -> int:
    """A part in thousandths of the whole, at most all of it."""
    return min(1_000, round(1_000 * value / most)) if most else 0


def _number(value: int) -> str:
    return f"{value:,}"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "base64": canonical.b64,
    "capital": capital,
    "counted": counted,
    "covered": covered,
    "day": day,
    "dated": dated,
    "duration": phrases.duration,
    "duties": lambda conditions: [duty(*each) for each in conditions.items()],
    "elapsed": elapsed,
    "label": label,
    "minute": minute,
    "moment": moment,
    "number": _number,
    "plain": plain,
    "part": part,
    "pretty": pretty,
    "rule": phrases.rule,
    "sentence": sentence,
    "share": share,
    "short_time": short_time,
    "statement": statement,
    "time": time_element,
    "timed": timed,
}
