"""The programmes that a request asks for: in a field of its body, in a user profile, in a header that a plan
names.

Rules:
- Pure. The body goes on unchanged, so whatever in it could ask for a programme counts, or is refused.
- A name is compared exactly, and only `standard` is the standard programme: what differs in case or by a
  space is another name, which no grant has.
- A field of that name deeper in a body is refused: no model's server reads it there, and one that does would
  give what was not decided. What tools and schemas say is free.
- A header with a programme goes upstream only with a request that was allowed it; any other stays here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from sluicegate.core.access.programmes import AskedProgramme
from sluicegate.core.people import persons
from sluicegate.errors import InvalidInput
from sluicegate.gate.spelling import folded
from sluicegate.gate.wording import quoted
from sluicegate.http.head import NAME
from sluicegate_record.terms.programmes import FIELD, PROFILE, STANDARD

PROFILE_FIELD = "user_profile_id"
"""The field that names a user profile, as the header does."""
SPELLINGS = frozenset({"accessprograms", "access-programs"})
"""How a careless server could also spell the field."""
PROGRAMMES_MAX = 16
PROGRAMME_MAX = 64
"""How many programmes one request may ask for, and how many characters each name may have."""
_ANY_CASE = SPELLINGS | {FIELD}
_SAID = frozenset({"parameters", "input_schema", "output_schema", "schema", "arguments", "input_examples"})
"""Fields of a tool, a schema or a call whose content is what those say. At the top of a body it counts.
Metadata is not among them: servers read some of it.
"""


def of_body(body: Mapping[str, Any], *, deep: bool) -> tuple[AskedProgramme, ...]:
    """What a body asks for, without standard programmes.

    Requires: `deep` says whether an object of the body has a field of `reach.LOOKED_FOR`, however spelt.
    Raises:   InvalidInput: not an object with the names of programmes, or not at the top.
    """
    if FIELD not in body and PROFILE_FIELD not in body and not deep:
        return ()
    nested = next(_nested(body), "") if deep else ""
    if nested:
        raise InvalidInput(f"{quoted(nested)} names programmes within another field, expected it at the top")
    found = tuple(_asked(body.get(FIELD)))
    profile = body.get(PROFILE_FIELD)
    return (*found, _profile(profile)) if isinstance(profile, str) and profile else found


def of_headers(
    headers: Sequence[tuple[bytes, bytes]], carriers: AbstractSet[bytes]
) -> tuple[AskedProgramme, ...]:
    """What the headers ask for. `carriers` are those that plans name, in lower case.

    Raises: InvalidInput: one of them twice, or with a name that is too long.
    """
    if carriers.isdisjoint(map(NAME, headers)):
        return ()
    found: dict[bytes, AskedProgramme] = {}
    for name, value in headers:
        text = value.strip(b" \t").decode("utf-8", "replace")
        if name not in carriers or not text:
            continue
        way = name.decode()
        if name in found:
            raise InvalidInput(f"the header {way!r} twice, expected once")
        if way != PROFILE:
            _check_name(text, way)
        found[name] = _profile(text) if way == PROFILE else AskedProgramme(way, "", text)
    return tuple(each for each in found.values() if each.name != STANDARD)


def carriers_of(asked: Sequence[AskedProgramme]) -> frozenset[bytes]:
    """The headers in which programmes were asked for."""
    return frozenset(each.way.encode() for each in asked if each.way != FIELD)


def _asked(value: Any) -> Iterator[AskedProgramme]:
    if value is None:
        return
    if not isinstance(value, dict) or len(value) > PROGRAMMES_MAX:
        raise InvalidInput(f"{FIELD!r} is not an object of at most {PROGRAMMES_MAX} programmes")
    for concern, name in value.items():
        if name is not None and not isinstance(name, str):
            raise InvalidInput(f"{FIELD!r} has a value that is no name, expected such as {STANDARD!r}")
        _check_name(concern, FIELD)
        if name not in (None, STANDARD):
            _check_name(name, FIELD)
            yield AskedProgramme(FIELD, concern, name)


def _check_name(name: str, where: str) -> None:
    if len(name) > PROGRAMME_MAX:
        raise InvalidInput(f"{where!r} has a name of more than {PROGRAMME_MAX} characters, expected fewer")


def _profile(name: str) -> AskedProgramme:
    return AskedProgramme(PROFILE, "", persons.identifier(name).hex())


def _nested(body: Mapping[str, Any]) -> Iterator[str]:
    """The fields below the top that a server could take for the field of programmes, by name."""
    waiting: list[tuple[bool, Any]] = [(True, body)]
    while waiting:
        is_top, value = waiting.pop()
        if isinstance(value, list):
            waiting += [(False, each) for each in value if isinstance(each, dict | list)]
            continue
        is_tool = "tool_use" in str(value.get("type"))
        for name, each in value.items():
            read = folded(name)
            if read in _ANY_CASE and not is_top:
                yield name
            elif isinstance(each, dict | list) and (is_top or not _is_said(read, is_tool=is_tool)):
                waiting.append((False, each))


def _is_said(read: str, *, is_tool: bool) -> bool:
    """Whether a field has what a tool, a schema or a call says."""
    return read in _SAID or (is_tool and read == "input")
