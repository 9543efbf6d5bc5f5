"""JSON with one reading: what is signed or hashed has exactly one form, and is read in exactly one way.

Rules
- `dumps` writes RFC 8785 for objects with text keys, arrays, text, integers that every reader keeps exactly
  (±(2**53 - 1)), booleans and null. Fractions are refused: write an integer of a smaller unit, or text.
- `loads` accepts more layouts than `dumps` writes (spaces, any order of keys) but only one meaning: UTF-8, no
  key twice, no NaN, no integer that another reader would round, no half of a surrogate pair.
- Input never exhausts the stack: nesting is measured before the parser sees it.
"""

from __future__ import annotations

import binascii
import json
import math
import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, NoReturn, TypeAlias, cast

from sluicegate_record.errors import NotCanonical

JsonValue: TypeAlias = "bool | int | float | str | list[Any] | tuple[Any, ...] | dict[str, Any] | None"

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 64

_SIMPLE = frozenset({str, bool, type(None)})
_ARRAYS = (list, tuple)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def dumps(value: object) -> bytes:
    """The canonical bytes of `value`.

    Requires: None, bool, int, str, list, tuple and dict with str keys, at most MAX_DEPTH deep.
    Raises:   NotCanonical: a float, another type, an integer beyond ±MAX_INTEGER, a lone surrogate, too deep.
    Source:   RFC 8785 sections 3.2.2 and 3.2.3.
    """
    if _plain_keys(value, MAX_DEPTH):
        return _utf8(_encode_sorting(value))
    return _utf8(_encode_as_given(_ordered(value)))


def loads(
    data: bytes, *, max_depth: int = MAX_DEPTH, max_bytes: int | None = None, floats: bool = False
) -> JsonValue:
    """The value that every correct reader finds in `data`.

    Requires: max_depth is moderate (hundreds, not millions); an array of scalars has depth 1.
    Units:    max_bytes counts bytes of `data`; None is no limit.
    Raises:   NotCanonical: not JSON, not UTF-8, too long, too deep, a key twice, a number or text that
              readers disagree about; a number with a fraction or exponent unless `floats`.
    Source:   RFC 8259; RFC 7493 (I-JSON) section 2.
    """
    if max_bytes is not None and len(data) > max_bytes:
        raise NotCanonical(f"{len(data)} bytes of json, expected at most {max_bytes}")
    text = _text(data)
    if data.count(b"[") + data.count(b"{") > max_depth:
        _refuse_deep(data, max_depth)
    value = _parsed(text, _FLOATS if floats else _INTEGERS)
    if "\\" in text and "\\u" in text:
        _utf8(_encode_as_given(value))
    return value


def digest(value: object) -> str:
    """`sha256:` and the hex SHA-256 of the canonical bytes of `value`. Raises as `dumps` does."""
    return sha256_hex(dumps(value))


def sha256_hex(data: bytes) -> str:
    """`sha256:` and the 64 lower-case hex digits of the SHA-256 of `data`."""
    return "sha256:" + sha256(data).hexdigest()


def b64(data: bytes) -> str:
    """Standard base64 with padding, on one line. Source: RFC 4648 section 4."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def unb64(text: str) -> bytes:
    """The bytes whose only standard base64 is `text`.

    Raises: NotCanonical: another alphabet, spaces, missing padding, or bits set in the unused tail.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise _not_base64(text) from None
    rest = len(data) % 3
    tail = b64(data[-rest:]) if rest else ""
    if len(text) != len(data) // 3 * 4 + len(tail) or not text.endswith(tail):
        raise _not_base64(text)
    return data


def check_b64(text: str) -> int:
    """How many bytes `unb64` finds in a text. It decodes none of them: that takes several times as long.

    Raises: NotCanonical: as `unb64`.
    """
    padding = text.encode("ascii", "replace").translate(None, _BASE64)
    if len(text) % 4 or padding not in _PADDINGS or not text.endswith(padding.decode()):
        raise _not_base64(text)
    if padding:
        unb64(text[-4:])
    return len(text) // 4 * 3 - len(padding)


_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_PADDINGS = (b"", b"=", b"==")


def _not_base64(text: str) -> NotCanonical:
    return NotCanonical(f"{_quoted(text)} is not base64, expected the standard alphabet with padding")


# Writing


def _plain_keys(value: object, room: int) -> bool:
    """Check `value`, with `room` levels left; say whether all keys are ASCII.

    ASCII keys have the same order by code point and by UTF-16 code unit, so the encoder may sort them itself.
    """
    items: Iterable[Any]
    if isinstance(value, dict):
        plain, items = _plain_names(value), value.values()
    elif isinstance(value, _ARRAYS):
        plain, items = True, value
    else:
        return _scalar(value)
    if not room:
        raise NotCanonical(f"nested deeper than {MAX_DEPTH} levels, expected less")
    for item in items:
        if type(item) not in _SIMPLE and not _plain_keys(item, room - 1):
            plain = False
    return plain


def _plain_names(value: dict[Any, Any]) -> bool:
    try:
        return "".join(value).isascii()
    except TypeError:
        key = next(key for key in value if not isinstance(key, str))
        raise NotCanonical(f"object key of type {type(key).__name__}, expected text") from None


def _scalar(value: object) -> bool:
    """Check that `value` is a scalar that every reader keeps; it has no keys, so its keys are ASCII."""
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise NotCanonical(f"integer of {value.bit_length()} bits, expected within ±(2**53 - 1)")
    elif isinstance(value, float):
        raise NotCanonical(f"{value!r} is a float, expected an integer or text")
    elif value is not None and not isinstance(value, str):
        raise NotCanonical(f"{type(value).__name__} has no json form, expected text, int, list, dict or None")
    return True


def _ordered(value: Any) -> Any:
    """`value` with every object's keys in the order of their UTF-16 code units."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=_utf16)}
    if isinstance(value, _ARRAYS):
        return [_ordered(item) for item in value]
    return value


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = text[error.start : error.start + 1]
        raise NotCanonical(f"lone surrogate {half!r} in text, expected whole characters") from None


# Reading


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotCanonical(f"byte {error.start} is not utf-8, expected json in utf-8") from None
    if text.startswith("\ufeff"):
        raise NotCanonical("byte order mark before the json, expected none")
    return text


def _refuse_deep(data: bytes, max_depth: int) -> None:
    """Remove the brackets from the inside, one level in each pass.

    Those that are left are too deep, or never closed.
    """
    outside = _STRING.sub(b"", data) if b"\\" in data else b"".join(data.split(b'"')[::2])
    left = outside.translate(_BRACKETS, _NOT_BRACKETS)
    for _ in range(max_depth):
        peeled = left.replace(b"[]", b"")
        if len(peeled) == len(left):
            break
        left = peeled
    if left:
        raise NotCanonical(f"nested deeper than {max_depth} levels, or brackets that do not match")


def _parsed(text: str, decoder: json.JSONDecoder) -> JsonValue:
    value: JsonValue
    try:
        value, end = decoder.raw_decode(text)
    except json.JSONDecodeError:
        return _decoded(text, decoder)
    return value if end == len(text) else _decoded(text, decoder)


def _decoded(text: str, decoder: json.JSONDecoder) -> JsonValue:
    """The value of a text that has spaces around it, or is not JSON."""
    try:
        return cast(JsonValue, decoder.decode(text))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise NotCanonical(f"not json at {where}: {error.msg.lower()}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise NotCanonical(f"key {_quoted(key)} twice in one object, expected once")
            seen.add(key)
    return found


def _integer(literal: str) -> int:
    if len(literal) < 16 and literal != "-0":
        return int(literal)
    if literal == "-0" or len(literal) > 17 or not -MAX_INTEGER <= int(literal) <= MAX_INTEGER:
        raise NotCanonical(f"integer {_quoted(literal)}, expected within ±(2**53 - 1) and no -0")
    return int(literal)


def _finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise NotCanonical(f"number {_quoted(literal)} is too large, expected a finite one")
    return value


def _no_float(literal: str) -> NoReturn:
    raise NotCanonical(f"number {_quoted(literal)} has a fraction or exponent, expected an integer or text")


def _no_constant(literal: str) -> NoReturn:
    raise NotCanonical(f"number {_quoted(literal)} is not json, expected a finite number")


def _quoted(text: str) -> str:
    return repr(text) if len(text) <= 80 else repr(text[:80]) + "…"


def _encoder(*, sort_keys: bool) -> Callable[[object], str]:
    return json.JSONEncoder(
        sort_keys=sort_keys, separators=(",", ":"), ensure_ascii=False, check_circular=False
    ).encode


def _decoder(parse_float: Callable[[str], float]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_object, parse_int=_integer, parse_float=parse_float, parse_constant=_no_constant
    )


_encode_sorting = _encoder(sort_keys=True)
_encode_as_given = _encoder(sort_keys=False)
_INTEGERS = _decoder(_no_float)
_FLOATS = _decoder(_finite)
