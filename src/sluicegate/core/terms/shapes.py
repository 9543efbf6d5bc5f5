"""What one of pydantic's errors says: where it is, what was expected there, and what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from sluicegate.core.terms.written import DATE, Strict
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms import durations, requirements


class Detail(NamedTuple):
    """One of pydantic's errors, with pydantic's own names."""

    type: str
    loc: JsonPath
    msg: str
    input: Any
    ctx: Mapping[str, Any]


_DETAIL = itemgetter("type", "loc", "msg", "input")


def details_of(error: ValidationError) -> list[Detail]:
    """Everything that pydantic found, in its order."""
    found: list[Detail] = []
    for each in error.errors(include_url=False):
        kind, loc, msg, given = _DETAIL(each)
        found.append(Detail(kind, loc, msg, given, each.get("ctx", {})))
    return found


def existing(path: JsonPath, value: Any) -> JsonPath:
    """As much of a path as is there."""
    for i, step in enumerate(path):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return path[:i]
    return path


def expected(detail: Detail) -> str:
    """What was expected, in words."""
    if detail.type == "string_pattern_mismatch":
        return _PATTERNS.get(detail.ctx["pattern"], f"text matching {detail.ctx['pattern']}")
    if detail.type == "literal_error":
        return f"{detail.ctx['expected']} (this build has no other)"
    if detail.type in _KINDS:
        return _KINDS[detail.type]
    if detail.type in _FIELDS:
        return _fields_of(str(detail.ctx.get("class_name", "")))
    if detail.type in _BOUNDS:
        return _BOUNDS[detail.type].format(**{"field_type": "list", **detail.ctx})
    return detail.msg.removeprefix("Input should be ")


_PATTERNS = {
    durations.PATTERN: "a duration such as P30D or PT12H",
    requirements.MOMENT.pattern: "a day such as 2026-07-09, or 2026-07-09T16:00:00Z",
    DATE: "a day such as 2026-06-24",
}
"""What was expected where a text has the wrong form, in words, by the pattern of it."""
_KINDS = {
    "dict_type": "names with values, such as 'name: …'",
    "list_type": "a list, such as [a, b]",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
}
"""What was expected where a value has the wrong type, in words, by the type of pydantic's error."""
_FIELDS = frozenset({"model_type", "model_attributes_type", "dataclass_type"})
_BOUNDS = {
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
}
"""The same for values out of range, with the bounds of the error."""


def _fields_of(class_name: str) -> str:
    """What is expected where a group of fields belongs: the first of its fields, as people write them."""
    known = {each.__name__: each for each in _written(Strict)}
    fields = known[class_name].model_fields if class_name in known else {}
    names = [field.alias or name for name, field in fields.items()][:2]
    return f"fields, such as '{', '.join(f'{name}: …' for name in names or ['name'])}'"


def _written(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in kind.__subclasses__():
        yield each
        yield from _written(each)
