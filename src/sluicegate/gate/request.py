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
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote_to_bytes

from sluicegate.core.people.persons import IDENTIFIER_MAX
from sluicegate.errors import InvalidInput
from sluicegate.gate.dialects import Dialect

SIGNIFICANT = frozenset({"model", "stream", "background", "user", "user_id", "safety_identifier", "metadata"})
"""The keys that say what the request asks for, for which person, and whether its work ends with it."""

ASSERTION = b"x-sluicegate-assertion"
"""The header with a signed assertion that names the caller."""
_FOLDED = frozenset(key.casefold() for key in SIGNIFICANT)
_STRING = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")([ \t\n\r]*+:)?', re.DOTALL)
_MODEL = re.compile(
    rb'"model"(?<!\\"model")[ \t\n\r]*+:[ \t\n\r]*+(?P<value>"[^"\\]*+(?:\\.[^"\\]*+)*+")?', re.DOTALL
)
"""A key of this name, and its value if it is a string.

After a backslash it is only the end of a longer string.
"""
_PAIR_ENDS = re.compile(rb"[&;]")
_QUOTED_MAX = 80

VALUES_MAX = 400_000
"""How many values a body may have: more than the longest list of tokens that a model takes."""
KEYS_MAX = 1_000
"""How many keys the object may have that is the body: each is looked at."""
_UNCOUNTED_BYTES = 64 * 1024


class Request(NamedTuple):
    """What a body asks for, and the identifier of its person, if it names one."""

    model: str
    stream: bool
    person: str | None = None


def read(body: bytes, dialect: Dialect = Dialect.OPENAI) -> Request:
    """Read a request's JSON body; the dialect says which field names the person.

    Raises: InvalidInput: it cannot be read, or can be read in more than one way.
    """
    if len(body) > _UNCOUNTED_BYTES:
        _refuse_crowded(body)
    value = _parsed(_text(body))
    if not isinstance(value, dict):
        raise InvalidInput(f"the body is {_kind(value)}, expected a json object")
    if len(value) > KEYS_MAX:
        raise InvalidInput(f"the body has {len(value)} keys, expected at most {KEYS_MAX}")
    for key in value:
        if key not in SIGNIFICANT and _folded(key) in _FOLDED:
            meant = _quoted(_folded(key))
            raise InvalidInput(
                f"key {_quoted(key)} differs from {meant} only in case or in what does not show"
            )
    if b"\\u" in body:
        _refuse_escaped_keys(body)
    if _flag(value, "background"):
        raise InvalidInput("'background' is true: work that outlives its request is not served here")
    return Request(_model(value), _flag(value, "stream"), _person(value, dialect))


def _folded(key: str) -> str:
    """A key as a careless parser could read it: without case, spaces and invisible characters."""
    if not key.isidentifier():
        key = "".join(character for character in key if character.isprintable() and not character.isspace())
    return key.casefold()


def with_model(body: bytes, model: str) -> bytes:
    """The body with another model; every other byte is unchanged.

    Requires: `read` has accepted the body, so that it has exactly one top-level "model", written without
              escapes.
    """
    start, end = _model_span(body)
    return b"".join((body[:start], json.dumps(model).encode(), body[end:]))


def _model_span(body: bytes) -> tuple[int, int]:
    """Where the value of the top-level "model" begins and ends.

    INVARIANT: `at` is outside strings, and so is where a key begins; the text between them, without its
               strings, opens and closes exactly the levels that it shows.
    """
    depth = at = 0
    for key in _MODEL.finditer(body):
        between = body[at : key.start()]
        if b'"' in between:
            between = _STRING.sub(b"", between)
        depth += sum(map(between.count, (b"{", b"["))) - sum(map(between.count, (b"}", b"]")))
        if depth == 1:
            return key.span("value")
        at = key.end()
    raise InvalidInput("'model' is missing, expected the name of a model")


def read_query(query: bytes) -> None:
    """Check that a query string sets no significant key. It is forwarded unchanged.

    Raises: InvalidInput: a key that another parser could read as a significant one.
    """
    for pair in _PAIR_ENDS.split(query):
        key = unquote_to_bytes(pair.partition(b"=")[0].replace(b"+", b" ")).decode("utf-8", "replace")
        name = re.split(r"[.\[]", key.strip(), maxsplit=1)[0].strip()
        if name.casefold() in _FOLDED:
            raise InvalidInput(f"the query sets {_quoted(key)}, expected it in the body alone")


def assertions(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """The assertions about the caller, unchanged."""
    return [value for name, value in headers if name == ASSERTION]


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Check that the headers declare the body as JSON in UTF-8, not compressed; return its `assertions`.

    Raises: InvalidInput: another type, charset or coding.
    """
    found = []
    for name, value in headers:
        if name == b"content-type" and value != b"application/json":
            _check_type(value)
        elif name == b"content-encoding" and value.strip().lower() != b"identity":
            coding = _quoted(value.decode("latin-1"))
            raise InvalidInput(f"content-encoding {coding}, expected the body as it is")
        elif name == ASSERTION:
            found.append(value)
    return found


def _check_type(value: bytes) -> None:
    kind, *parameters = [part.strip().lower() for part in value.split(b";")]
    charsets = {b"", b"charset=utf-8", b'charset="utf-8"'}
    if kind != b"application/json" or not charsets.issuperset(parameters):
        found = _quoted(value.decode("latin-1"))
        raise InvalidInput(f"content-type {found}, expected application/json in utf-8")


def _refuse_crowded(body: bytes) -> None:
    """Count values without parsing them. The search for strings also needs a bound on their number."""
    values = _separators(body)
    if values > VALUES_MAX:
        strings = (body.count(b'"') - body.count(b'\\"')) // 2
        values = strings if strings > VALUES_MAX else _separators(_STRING.sub(b"", body))
    if values > VALUES_MAX:
        raise InvalidInput(f"the body has {values} values or more, expected at most {VALUES_MAX}")


def _separators(text: bytes) -> int:
    return sum(map(text.count, (b",", b"[", b"{")))


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"byte {error.start} of the body is not utf-8, expected json in utf-8") from None
    if text.startswith("\ufeff"):
        raise InvalidInput("a byte order mark before the body, expected none")
    return text


def _parsed(text: str) -> Any:
    try:
        return _DECODER.decode(text)
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
        [(twice, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise InvalidInput(f"key {_quoted(twice)} twice in one object, expected once")
    return found


def _no_constant(literal: str) -> NoReturn:
    raise InvalidInput(f"{literal} is not json, expected a finite number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)


def _refuse_escaped_keys(body: bytes) -> None:
    """Refuse a significant key that is written with escapes. A string before a colon is a key."""
    escaped = [string for string, colon in _STRING.findall(body) if colon and b"\\u" in string]
    for key in json.loads(b"[%b]" % b",".join(escaped)):
        if key.casefold() in _FOLDED:
            raise InvalidInput(f"key {_quoted(key)} is written with escapes, expected it plain")


def _model(value: dict[str, Any]) -> str:
    model = value.get("model")
    if not isinstance(model, str):
        found = _kind(model) if "model" in value else "missing"
        raise InvalidInput(f"'model' is {found}, expected the name of a model")
    if not model:
        raise InvalidInput("'model' is empty, expected the name of a model")
    return model


def _person(value: dict[str, Any], dialect: Dialect) -> str | None:
    """The person that a body names. A value that is empty or too long for an identifier names no one."""
    if dialect is Dialect.ANTHROPIC:
        metadata = value.get("metadata")
        if metadata is not None and not isinstance(metadata, dict):
            raise InvalidInput(f"'metadata' is {_kind(metadata)}, expected an object")
        found = _text_at(metadata or {}, "user_id", "metadata.user_id")
    else:
        user = _text_at(value, "user", "user")
        found = _text_at(value, "safety_identifier", "safety_identifier")
        found = user if found is None else found
    return found if found and len(found) <= IDENTIFIER_MAX else None


def _text_at(value: dict[str, Any], key: str, name: str) -> str | None:
    text = value.get(key)
    if text is not None and not isinstance(text, str):
        raise InvalidInput(f"{name!r} is {_kind(text)}, expected a string")
    return text


def _flag(value: dict[str, Any], key: str) -> bool:
    flag = value.get(key)
    if flag is not None and not isinstance(flag, bool):
        raise InvalidInput(f"{key!r} is {_kind(flag)}, expected true or false")
    return bool(flag)


_KINDS: dict[type, str] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def _kind(value: object) -> str:
    return _KINDS[type(value)]


def _quoted(text: str) -> str:
    return repr(text) if len(text) <= _QUOTED_MAX else repr(text[:_QUOTED_MAX]) + "…"
