"""What a request asks an act for, read strictly.

Rules:
- A body is JSON that can be read in only one way. What an act does not know is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sluicegate.acts.act import AnyAct, Arguments
from sluicegate.acts.sheets import sheets_of
from sluicegate.acts.table import ACTS
from sluicegate.bounds import ELEMENTS_MAX, QUERY_FIELDS_MAX
from sluicegate.errors import InvalidInput, TooComplex, wrong_field
from sluicegate.parsing import sheets
from sluicegate_record.errors import NotCanonical
from sluicegate_record.form import Exact, Form, Json, Misread, form, shape_of, shown
from sluicegate_record.log import canonical

_NUMBER = re.compile("0|[1-9][0-9]{0,18}")
"""A number as there is one spelling of it: what it names has one address."""


@form
class ActRequest(Exact):
    """A request for an act, without its body. `path` has the arguments that are in the path; `sheets` names
    those in the body that are a sheet each, as a form has it: CSV. `unread` names those that are JSON in a
    text. `remedy` is what who asks does about one that is not as its act asks.
    """

    act: str
    path: Mapping[str, str]
    query: str
    content_type: str
    sheets: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    remedy: str = ""

    @property
    def row(self) -> AnyAct:
        """The act."""
        return ACTS[self.act]


class UnreadJson(str):
    """JSON in a text, as a form has it. It is read where the body is read that has it."""

    __slots__ = ()


def written(act: AnyAct, said: Mapping[str, Json]) -> tuple[ActRequest, bytes]:
    """A request for an act that is asked with `said`, and its body. What may be a sheet may be a text."""
    rest = {key: each for key, each in said.items() if key not in act.places}
    path = {key: str(said.get(key, "")) for key in act.places}
    if act.kind == "question":
        query = urlencode(rest, doseq=True)
        return ActRequest(act=act.name, path=path, query=query, content_type=""), b""
    texts = tuple(key for key in sheets_of(act.asked) if type(rest.get(key)) is str)
    unread = tuple(key for key, each in rest.items() if isinstance(each, UnreadJson))
    kind = "application/json"
    head = ActRequest(act=act.name, path=path, query="", content_type=kind, sheets=texts, unread=unread)
    return head, canonical.dumps({**rest, **{key: str(rest[key]) for key in unread}})


def read(head: ActRequest, body: bytes) -> Arguments:
    """What the act is asked with. Raises: InvalidInput, NotCanonical, TooComplex."""
    act = head.row
    given = _worded(head) if act.kind == "question" else _object(head, body)
    for key in head.sheets:
        given[key] = sheets.read(act.asked, key, given[key])
    for key in head.unread:
        given[key] = _json(key, given[key])
    for key in act.places:
        if key in given:
            raise InvalidInput(f"{key}: it is in the path, and stated again", remedy=head.remedy)
        given[key] = _value(_schemas(act.asked).get(key, {}), head.path[key])
    try:
        asked: Arguments = act.asked.from_json(given)
    except Misread as error:
        raise InvalidInput(error.message, remedy=head.remedy, at=error.places) from error
    return asked


def _object(head: ActRequest, body: bytes) -> dict[str, Json]:
    """The JSON object of a body; an empty body is an empty object."""
    if not body:
        return {}
    kind = head.content_type.partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidInput(f"a body of the type {kind[:80]!r}, expected application/json", remedy=head.remedy)
    check_elements(body)
    value = canonical.loads(body)
    if type(value) is not dict:
        raise InvalidInput(f"expected an object, found {shown(value)}", remedy=head.remedy)
    return value


def _json(key: str, text: str) -> Json:
    try:
        return canonical.loads(text.encode())
    except NotCanonical as error:
        raise wrong_field(key, "JSON", error.message) from error


def check_elements(body: bytes) -> None:
    """Check that JSON has no more elements than it may: by its commas, colons and brackets, also in text.

    Raises: TooComplex.
    """
    if len(body) > ELEMENTS_MAX and sum(map(body.count, (b",", b":", b"[", b"{"))) > ELEMENTS_MAX:
        raise TooComplex(f"a body of more than {ELEMENTS_MAX:,} values")


def _worded(head: ActRequest) -> dict[str, Json]:
    """The arguments in a query: words that are numbers where numbers are asked for, and lists, each of whose
    items is stated by itself.
    """
    schemas = _schemas(head.row.asked)
    found: dict[str, Json] = {}
    lists: dict[str, list[Json]] = {}
    for key, word in _fields(head):
        if schemas.get(key, {}).get("type") == "array":
            lists.setdefault(key, []).append(word)
            continue
        if key in found:
            raise InvalidInput(f"{key[:80]}: stated twice", remedy=head.remedy)
        found[key] = _value(schemas.get(key, {}), word)
    return {**found, **lists}


def _schemas(asked: type[Form]) -> dict[str, Mapping[str, Json]]:
    return {field.key: field.codec.schema for field in shape_of(asked).fields}


def _fields(head: ActRequest) -> Iterable[tuple[str, str]]:
    try:
        return parse_qsl(head.query, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
    except ValueError as error:
        said = f"a query of more than {QUERY_FIELDS_MAX} arguments"
        raise InvalidInput(said, remedy=head.remedy) from error


def _value(schema: Mapping[str, Any], word: str) -> Json:
    kinds = [schema, *schema.get("anyOf", ())]
    if any(kind.get("type") == "integer" for kind in kinds):
        return int(word) if _NUMBER.fullmatch(word) else word
    return word
