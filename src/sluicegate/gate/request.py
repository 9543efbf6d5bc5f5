"""Read a request so that no two parsers could read it differently.

Rules:
- Pure. The body is forwarded unchanged; only the model changes if a fallback answers. So this module refuses
  everything that another parser could read as another model, stream or user: a key twice, a key in other
  case, a key with escapes, a second encoding, a key in the query.
- The parts that do not matter for the decision are only checked to be JSON.
- The cost of reading has a bound: a body with very many values would delay all other requests.
- A message says what was found and what was expected, and never quotes more than a key or a short value.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote_to_bytes

from sluicegate.core.access.programmes import AskedProgramme
from sluicegate.errors import InvalidInput
from sluicegate.gate import names, programmes, reach
from sluicegate.gate.coding import CODINGS
from sluicegate.gate.dialects import Dialect
from sluicegate.gate.levels import STRING, at_top
from sluicegate.gate.names import NO_NAMES, Names
from sluicegate.gate.spelling import folded, is_among
from sluicegate.gate.wording import flag, kind, quoted
from sluicegate_record.terms.programmes import FIELD

SIGNIFICANT = frozenset(
    {
        "model",
        "stream",
        "background",
        "user_id",
        "metadata",
        *names.FIELDS,
        FIELD,
        *reach.STORED,
        *reach.ROUTING,
        *reach.LISTS,
        *reach.JUDGES,
    }
)
"""The keys that say what the request asks for, for which person, whether its work ends with it, and what it
reaches for beyond itself.
"""

ASSERTION = b"x-sluicegate-assertion"
"""The header with a signed assertion that names the caller."""
_FOLDED = frozenset(key.casefold() for key in SIGNIFICANT) | programmes.SPELLINGS
_MODEL = re.compile(
    rb'"model"(?<!\\"model")[ \t\n\r]*+:[ \t\n\r]*+(?P<value>"[^"\\]*+(?:\\.[^"\\]*+)*+")?', re.DOTALL
)
"""A key of this name, and its value if it is a string.

After a backslash it is only the end of a longer string.
"""
_PAIR_ENDS = re.compile(rb"[&;]")
_PARTS = re.compile(r"[.\[\]]")
"""What parts a key of a query such as `extra[model]`."""

VALUES_MAX = 400_000
"""How many values a body may have: more than the longest list of tokens that a model takes."""
KEYS_MAX = 1_000
KEY_MAX = 100
"""How many keys the object may have that is the body, and how many characters each: each is looked at."""
_UNCOUNTED_BYTES = 64 * 1024


class RequestHeaders(NamedTuple):
    """What a request's headers say: the assertions of its caller, who else they name, how its body is
    compressed (one of `CODINGS`, or empty), and which programmes they ask for.
    """

    assertions: tuple[bytes, ...] = ()
    names: Names = NO_NAMES
    coding: bytes = b""
    programmes: tuple[AskedProgramme, ...] = ()


_NOTHING = RequestHeaders()
"""What most headers say."""


class Request(NamedTuple):
    """What a body asks for, and who it names.

    `programmes` are those that it asks for; `state` is the path of the first field that names something kept
    at the model's server, or empty.
    """

    model: str
    stream: bool
    names: Names = NO_NAMES
    programmes: tuple[AskedProgramme, ...] = ()
    state: str = ""


def read(body: bytes, dialect: Dialect = Dialect.OPENAI) -> Request:
    """Read a request's JSON body; the dialect says which field names the person.

    Raises: InvalidInput: it cannot be read, or can be read in more than one way.
    """
    if len(body) > _UNCOUNTED_BYTES:
        _refuse_crowded(body)
    text, deep = _text(body), False
    try:
        value = _parsed(text)
    except _Deep:
        value, deep = _parsed(text, _ANY), True
    if not isinstance(value, dict):
        raise InvalidInput(f"the body is {kind(value)}, expected a json object")
    _check_keys(value)
    if body.find(b"\\u") >= 0:
        _refuse_escaped_keys(body)
    if flag(value, "background"):
        raise InvalidInput("'background' is true: work that outlives its request is not served here")
    routed = reach.routing(value)
    if routed:
        raise InvalidInput(f"{quoted(routed)} could make another model answer, expected 'model' alone")
    return Request(
        _model(value),
        flag(value, "stream"),
        names.of_body(value, in_metadata=dialect is Dialect.ANTHROPIC),
        programmes.of_body(value, deep=deep),
        reach.state(value, deep=deep),
    )


def _check_keys(body: dict[str, Any]) -> None:
    """Refuse keys that are too many, too long, or that another parser could read as significant ones."""
    if len(body) > KEYS_MAX:
        raise InvalidInput(f"the body has {len(body)} keys, expected at most {KEYS_MAX}")
    for key in body:
        if len(key) > KEY_MAX:
            raise InvalidInput(
                f"key {quoted(key)} is longer than {KEY_MAX} characters, expected a shorter one"
            )
        if key not in SIGNIFICANT and folded(key) in _FOLDED:
            read = folded(key)
            meant = quoted(FIELD if read in programmes.SPELLINGS else read)
            raise InvalidInput(
                f"key {quoted(key)} differs from {meant} only in case or in what does not show"
            )


def with_model(body: bytes, model: str) -> bytes:
    """The body with another model; every other byte is unchanged.

    Requires: `read` has accepted the body, so that it has exactly one top-level "model", written without
              escapes.
    """
    start, end = model_span(body)
    return b"".join((body[:start], json.dumps(model).encode(), body[end:]))


def model_span(body: bytes) -> tuple[int, int]:
    """Where the value of the top-level "model" begins and ends.

    Requires: as `with_model`.
    """
    for key in at_top(body, _MODEL):
        return key.span("value")
    raise InvalidInput("'model' is missing, expected the name of a model")


def read_query(query: bytes) -> None:
    """Check that a query string sets no significant key. It is forwarded unchanged.

    Raises: InvalidInput: a key that another parser could read as a significant one.
    """
    for pair in _PAIR_ENDS.split(query):
        key = unquote_to_bytes(pair.partition(b"=")[0].replace(b"+", b" ")).decode("utf-8", "replace")
        if any(folded(part) in _FOLDED for part in _PARTS.split(key)):
            raise InvalidInput(f"the query sets {quoted(key)}, expected it in the body alone")


def assertions(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """The assertions about the caller, unchanged."""
    return [value for name, value in headers if name == ASSERTION]


def read_headers(
    headers: Sequence[tuple[bytes, bytes]], carriers: AbstractSet[bytes] = frozenset()
) -> RequestHeaders:
    """Check that the headers declare the body as JSON in UTF-8, and read them.

    `carriers` are the headers in which programmes travel, in lower case.
    Raises: InvalidInput: another type, charset or coding, or more than one coding; a programme asked for
            twice.
    """
    found: list[bytes] = []
    coding = b""
    for name, value in headers:
        if name == b"content-type" and value != b"application/json":
            _check_type(value)
        elif name == b"content-encoding":
            coding = _coding(value, coding)
        elif name == ASSERTION:
            found.append(value)
    asked = programmes.of_headers(headers, carriers) if carriers else ()
    named = names.of_headers(headers)
    if not (found or coding or asked) and named is NO_NAMES:
        return _NOTHING
    return RequestHeaders(tuple(found), named, b"" if coding == b"identity" else coding, asked)


def _coding(value: bytes, before: bytes) -> bytes:
    given = value.strip().lower()
    if before or (given not in CODINGS and given != b"identity"):
        known = ", ".join(each.decode() for each in CODINGS)
        said = quoted(value.decode("latin-1"))
        raise InvalidInput(f"content-encoding {said}, expected one of {known}, or the body as it is")
    return given


def _check_type(value: bytes) -> None:
    kind, *parameters = [part.strip().lower() for part in value.split(b";")]
    charsets = {b"", b"charset=utf-8", b'charset="utf-8"'}
    if kind != b"application/json" or not charsets.issuperset(parameters):
        found = quoted(value.decode("latin-1"))
        raise InvalidInput(f"content-type {found}, expected application/json in utf-8")


def _refuse_crowded(body: bytes) -> None:
    """Count values without parsing them. The search for strings also needs a bound on their number."""
    values = separators(body)
    if values > VALUES_MAX:
        strings = (body.count(b'"') - body.count(b'\\"')) // 2
        values = strings if strings > VALUES_MAX else separators(STRING.sub(b"", body))
    if values > VALUES_MAX:
        raise InvalidInput(f"the body has {values} values or more, expected at most {VALUES_MAX}")


def separators(text: bytes) -> int:
    """At least how many values a text has, and how many of its characters look like more."""
    return sum(map(text.count, (b",", b"[", b"{")))


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"byte {error.start} of the body is not utf-8, expected json in utf-8") from None
    if text.startswith("\ufeff"):
        raise InvalidInput("a byte order mark before the body, expected none")
    return text


def _parsed(text: str, decoder: json.JSONDecoder | None = None) -> Any:
    try:
        return (decoder or _DECODER).decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InvalidInput(f"the body is not json at {where}: {error.msg.lower()}") from None
    except RecursionError:
        raise InvalidInput("the body is nested too deeply, expected fewer levels") from None
    except ValueError:
        raise InvalidInput("the body has a number of thousands of digits, expected a shorter one") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _twice(pairs)
    return found


def _twice(pairs: list[tuple[str, Any]]) -> InvalidInput:
    [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
    return InvalidInput(f"key {quoted(twice)} twice in one object, expected once")


class _Deep(Exception):
    """An object has a field that may name something kept: the body is read again, and looked into."""


def _shallow(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _twice(pairs)
    if is_among(found, reach.LOOKED_FOR):
        raise _Deep
    return found


def _no_constant(literal: str) -> NoReturn:
    raise InvalidInput(f"{literal} is not json, expected a finite number")


_DECODER = json.JSONDecoder(object_pairs_hook=_shallow, parse_constant=_no_constant)
"""Reads nearly every body. So an object costs one look, and bodies are not walked through."""
_ANY = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)


def _refuse_escaped_keys(body: bytes) -> None:
    """Refuse a significant key that is written with escapes. A string before a colon is a key."""
    escaped = [string for string, colon in STRING.findall(body) if colon and b"\\u" in string]
    for key in json.loads(b"[%b]" % b",".join(escaped)):
        if folded(key) in _FOLDED:
            raise InvalidInput(f"key {quoted(key)} is written with escapes, expected it plain")


def _model(value: dict[str, Any]) -> str:
    model = value.get("model")
    if not isinstance(model, str):
        found = kind(model) if "model" in value else "missing"
        raise InvalidInput(f"'model' is {found}, expected the name of a model")
    if not model:
        raise InvalidInput("'model' is empty, expected the name of a model")
    return model
