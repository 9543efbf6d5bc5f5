"""The programmes of a plan as a person writes them: by concern, what each asks, and what carries it.

Rules:
- `personNamed` is enforced. What else a programme asks is declared: agencies see it and sign it.
- `standard` asks nothing: everyone has it. It may travel in a user profile, so that those without another
  programme can be named.
- A header carries names without their concern. So no name is carried twice by one header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from sluicegate.core.terms.document import Fault, shown
from sluicegate.core.terms.nearest import nearest
from sluicegate.core.terms.written import Slug, Strict, Text
from sluicegate_record.strict import JsonPath
from sluicegate_record.terms.programmes import FIELD, PERSON_NAMED, PROFILE, STANDARD

_HEADER = re.compile(r"x-[a-z0-9]+(-[a-z0-9]+)*")
_TAKEN = re.compile(r"x-(sluicegate-.*|forwarded-.*|stainless-.*|api-key|request-id)")
"""Headers that mean something else."""
HEADER_MAX = 64


def _carrier(name: str) -> str:
    is_header = len(name) <= HEADER_MAX and _HEADER.fullmatch(name) and not _TAKEN.fullmatch(name)
    if name in {FIELD, PROFILE} or is_header:
        return name
    said = f"'{FIELD}', '{PROFILE}', or a header of your own in lower case, such as 'x-access-program'"
    raise PydanticCustomError("carrier", said, {"near": nearest(name, (FIELD, PROFILE))})


def _asked(value: Any) -> Any:
    is_declared = isinstance(value, dict) and value.keys() == {"value", "declared"}
    if is_declared and value["declared"] is not True:
        is_declared = False
    plain = value["value"] if is_declared else value
    if type(plain) in {bool, int} or (type(plain) is str and 0 < len(plain) <= 500):
        return value
    raise PydanticCustomError("asked", "true, a number, or a text: what is asked")


Carrier = Annotated[str, AfterValidator(_carrier), WithJsonSchema({"type": "string"})]
_SCALAR = {"type": ["boolean", "integer", "string"]}
WrittenAsk = Annotated[
    Any,
    AfterValidator(_asked),
    WithJsonSchema(
        {
            "anyOf": [
                _SCALAR,
                {
                    "type": "object",
                    "required": ["value", "declared"],
                    "properties": {"value": _SCALAR, "declared": {"const": True}},
                },
            ]
        }
    ),
]


class WrittenProgramme(Strict):
    """A programme: what it asks of an organization, a project or a person, and what carries it in a request.

    `asks`: `personNamed: true` is enforced; everything else is declared. `travels`: the field
    `access_programs`, which is the default; the header `anthropic-user-profile-id`, which names a user
    profile that has it; or a header of your own, whose value is the programme's name.
    """

    asks: Annotated[dict[Text, WrittenAsk], Field(min_length=1, max_length=20)] | None = None
    travels: Carrier | None = None


WrittenProgrammes = Annotated[
    dict[Slug, Annotated[dict[Slug, WrittenProgramme], Field(min_length=1, max_length=20)]],
    Field(min_length=1, max_length=20),
]


def faults(value: Any, path: JsonPath) -> Iterator[Fault]:
    """What is wrong with the programmes of a plan, beyond the form of each field."""
    carried: set[tuple[Any, str]] = set()
    for concern, names in value.items() if isinstance(value, dict) else ():
        for name, each in names.items() if isinstance(names, dict) else ():
            programme = each if isinstance(each, dict) else {}
            at, travels = (*path, concern, name), programme.get("travels", FIELD)
            yield from _asks_faults(name, programme.get("asks"), at)
            if name != STANDARD and isinstance(travels, str) and travels not in {FIELD, PROFILE}:
                if (travels, name) in carried:
                    expected = f"another header: this one carries {name!r} of another concern"
                    yield Fault((*at, "travels"), expected, shown(travels))
                carried.add((travels, name))


def _asks_faults(name: str, asks: Any, path: JsonPath) -> Iterator[Fault]:
    if name == STANDARD and asks:
        yield Fault((*path, "asks"), "nothing: everyone has the standard programme", shown(asks))
    if isinstance(asks, dict) and asks.get(PERSON_NAMED, True) is not True:
        found = shown(asks[PERSON_NAMED])
        yield Fault((*path, "asks", PERSON_NAMED), "true, or the field left out", found)
    for each in asks if isinstance(asks, dict) else ():
        meant = nearest(each, (PERSON_NAMED,))
        if meant:  # it would only be declared, and not enforced
            expected = f"{PERSON_NAMED}, which is enforced, or a name that is not nearly that"
            yield Fault((*path, "asks", each), expected, repr(each), meant)
