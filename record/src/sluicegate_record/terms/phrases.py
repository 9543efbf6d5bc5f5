"""Rules and durations in words, as a person reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sluicegate_record.terms.rule import Rule
from sluicegate_record.terms.text import counted

SILENCE = {
    "deny": "its silence counts as an objection",
    "no-objection": "its silence counts as no objection",
    "wait": "its silence means nothing: the case waits for it",
}
"""What it means that an agency has not answered in time."""
_UNITS = {"D": "day", "H": "hour", "M": "minute", "S": "second"}


def rule(given: Rule) -> str:
    """A rule over agencies, such as `oncd and ostp`."""
    members = [each if isinstance(each, str) else f"({rule(each)})" for each in given.members]
    if given.operator == "atLeast":
        return f"at least {given.n} of {', '.join(members)}"
    if given.operator == "majorityOf" and len(members) > 1:
        return f"a majority of {', '.join(members)}"
    return (" or " if given.operator == "anyOf" else " and ").join(members)


def duration(text: str) -> str:
    """A duration, such as `10 days` for `P10D`."""
    found = [(int(count), _UNITS[unit]) for count, unit in re.findall(r"(\d+)([DHMS])", text)]
    return " ".join(counted(count, unit) for count, unit in found)


DECLARED = "(declared: agreed to, not enforced)"


def plain(value: Any) -> str:
    """A value of a plan: text unchanged, names in a row, what is only declared said so, else JSON."""
    if isinstance(value, Mapping) and value.keys() == {"value", "declared"}:
        return f"{plain(value['value'])} {DECLARED}"
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
