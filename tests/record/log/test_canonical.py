from __future__ import annotations

import base64
import json
import math
from contextlib import suppress
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import NotCanonical
from sluicegate_record.log.canonical import (
    MAX_DEPTH,
    MAX_INTEGER,
    b64,
    check_b64,
    digest,
    dumps,
    loads,
    sha256_hex,
    unb64,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
integers = st.integers(-MAX_INTEGER, MAX_INTEGER)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_dumps_is_rfc_8785(value: Any) -> None:
    assert dumps(value) == rfc8785.dumps(value)


@given(values)
def test_what_was_written_is_read_again(value: Any) -> None:
    assert loads(dumps(value)) == value


@given(values)
def test_any_layout_has_the_same_digest(value: Any) -> None:
    assert digest(loads(json.dumps(value, indent=3).encode())) == digest(value)


def test_keys_are_in_the_order_of_utf_16() -> None:
    keys = ["\r", "1", "\x80", "ö", "€", "\U0001f600", "\ufb33"]

    assert list(json.loads(dumps(dict.fromkeys(sorted(keys), 0)))) == keys
    assert list(json.loads(dumps([dict.fromkeys(sorted(keys), 0)]))[0]) == keys
    assert list(json.loads(dumps({"a": [dict.fromkeys(sorted(keys), 0)]}))["a"][0]) == keys


def test_digest_names_its_algorithm() -> None:
    assert digest({}) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert sha256_hex(b"{}") == digest({})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.0, "1.0 is a float"),
        ([{"a": [math.nan]}], "nan is a float"),
        ({"a": math.inf}, "inf is a float"),
        (MAX_INTEGER + 1, "integer of 54 bits"),
        (-MAX_INTEGER - 1, "integer of 54 bits"),
        ([10**5000], "integer of 16610 bits"),
        ("\ud800", "lone surrogate '\\ud800'"),
        ({"\udfff": 1}, "lone surrogate '\\udfff'"),
        ({"é": "\udc00"}, "lone surrogate '\\udc00'"),
        ({1: 2}, "object key of type int"),
        ({None: 2}, "object key of type NoneType"),
        ({"a": {"b": 1, True: 2}}, "object key of type bool"),
        ({b"a": 2}, "object key of type bytes"),
        (b"bytes", "bytes has no json form"),
        ([{1, 2}], "set has no json form"),
        ({"a": object()}, "object has no json form"),
    ],
)
def test_dumps_refuses(value: object, message: str) -> None:
    with pytest.raises(NotCanonical) as caught:
        dumps(value)
    assert caught.value.message.startswith(message)


def test_dumps_refuses_what_it_could_not_read_again() -> None:
    assert dumps(nested(MAX_DEPTH)) == b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    with pytest.raises(NotCanonical, match="nested deeper than 64"):
        dumps(nested(MAX_DEPTH + 1))
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(NotCanonical, match="nested deeper than 64"):
        dumps(endless)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not json at line 1 column 1"),
        (b" ", "not json"),
        (b"{", "not json"),
        (b"}", "not json"),
        (b"[1,]", "not json"),
        (b'{"a":1,}', "not json"),
        (b"{a:1}", "not json"),
        (b"{'a':1}", "not json"),
        (b"[1] [2]", "not json at line 1 column 5: extra data"),
        (b"[1]\x00", "not json"),
        (b"01", "not json"),
        (b"+1", "not json"),
        (b"0x10", "not json"),
        (b"[1 2]", "not json"),
        (b"// no\n1", "not json"),
        (b"True", "not json"),
        (b"\xc2\xa01", "not json"),
        (b'"\n"', "not json"),
        (b'"\\x41"', "not json"),
        (b'"\\u12"', "not json"),
        (b'"open', "not json"),
        (b'"open\\', "not json"),
        ("[\N{ARABIC-INDIC DIGIT ONE}]".encode(), "not json"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"\xff\xfe{\x00}\x00", "byte 0 is not utf-8"),
        ("{}".encode("utf-16-le"), "not json"),
        (b'"\xff"', "byte 1 is not utf-8"),
        (b'"\xc0\x80"', "byte 1 is not utf-8"),
        (b'"\xed\xa0\x80"', "byte 1 is not utf-8"),
        (b'"\\ud800"', "lone surrogate '\\ud800'"),
        (b'["\\uDFFFx"]', "lone surrogate '\\udfff'"),
        (b'{"\\ud800":1}', "lone surrogate"),
        (b'"\\udc00\\ud800"', "lone surrogate"),
        (b'{"a":1,"a":1}', "key 'a' twice"),
        (b'{"b":1,"a":2,"\\u0061":1,"c":4}', "key 'a' twice"),
        (b'[[{"deep":{"x":1,"x":2}}]]', "key 'x' twice"),
        (b'{"":1,"":1}', "key '' twice"),
        (b'{"\\n":1,"\\n":1}', "key '\\n' twice"),
        (b"NaN", "number 'NaN' is not json"),
        (b"[-Infinity]", "number '-Infinity' is not json"),
        (b'{"a":Infinity}', "number 'Infinity' is not json"),
        (b"9007199254740992", "integer '9007199254740992'"),
        (b"-9007199254740992", "integer '-9007199254740992'"),
        (b"1" + b"0" * 5000, "integer '1000"),
        (b"[-0]", "integer '-0'"),
        (b"1.0", "number '1.0' has a fraction"),
        (b"1e3", "number '1e3' has a fraction"),
        (b'{"a":[-0.0]}', "number '-0.0' has a fraction"),
    ],
)
def test_loads_refuses(data: bytes, message: str) -> None:
    with pytest.raises(NotCanonical) as caught:
        loads(data)
    assert caught.value.message.startswith(message)
    assert len(caught.value.message.splitlines()) == 1
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("data", [b"1e400", b"[-1e999]", b"NaN", b"9007199254740992", b"-0"])
def test_floats_are_finite_and_integers_stay_exact(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        loads(data, floats=True)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b' {"b" : 1,\r\n\t"a": [] } ', {"b": 1, "a": []}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        ('"\U0001f600"'.encode(), "\U0001f600"),
        (b'"\\ud7ff\\ue000"', "\ud7ff\ue000"),
        (b'{"a":1,"A":1}', {"a": 1, "A": 1}),
        (b"-9007199254740991", -MAX_INTEGER),
        (b"0", 0),
    ],
)
def test_loads_accepts(data: bytes, value: object) -> None:
    assert loads(data) == value


def test_floats_are_read_where_they_are_asked_for() -> None:
    assert loads(b'{"temperature":0.7,"n":2,"x":1E2}', floats=True) == {
        "temperature": 0.7,
        "n": 2,
        "x": 100.0,
    }


def test_max_bytes_counts_bytes() -> None:
    assert loads('"é"'.encode(), max_bytes=4) == "é"
    with pytest.raises(NotCanonical, match="4 bytes of json, expected at most 3"):
        loads('"é"'.encode(), max_bytes=3)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 10_000_000,
        b"]" * 10_000_000,
        b'{"a":' * 2_000_000,
        b"[" * 1_000_000 + b"]" * 1_000_000,
        b'"' * 5_000_001 + b"[" * 1000,
        b'"' + b'\\"' * 3_000_000 + b"[" * 1000,
        b"[]" * 1_000_000,
    ],
    ids=["arrays", "ends", "objects", "balanced", "quotes", "escapes", "many"],
)
def test_no_input_exhausts_the_stack(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        loads(data)


def test_depth_counts_levels() -> None:
    assert loads(b"1", max_depth=0) == 1
    assert loads(b"[[]]", max_depth=2) == [[]]
    assert loads(b'[{"a":{}},{"b":[]}]', max_depth=3) == [{"a": {}}, {"b": []}]
    for data, max_depth in [(b"[]", 0), (b"[[]]", 1), (b'{"a":[{}]}', 2), (b"[" * 65 + b"]" * 65, 64)]:
        with pytest.raises(NotCanonical, match=f"nested deeper than {max_depth} levels"):
            loads(data, max_depth=max_depth)


def test_width_and_brackets_in_text_are_not_depth() -> None:
    assert loads(b"[" + b",".join([b"[]"] * 500) + b"]", max_depth=2) == [[]] * 500
    assert loads(b'["[[[[","\\"[[[[","\\\\",[]]', max_depth=2) == ["[[[[", '"[[[[', "\\", []]
    assert loads(b'["[[[[",[]]', max_depth=2) == ["[[[[", []]


@given(values, st.integers(0, 6))
def test_depth_is_that_of_the_value(value: Any, max_depth: int) -> None:
    if depth(value) <= max_depth:
        assert loads(dumps(value), max_depth=max_depth) == value
    else:
        with pytest.raises(NotCanonical, match="nested deeper"):
            loads(dumps(value), max_depth=max_depth)


def depth(value: Any) -> int:
    if isinstance(value, dict | list):
        return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)
    return 0


@given(st.text('[]{}",:\\au1d8. \n', max_size=20) | st.text(max_size=10))
def test_what_loads_accepts_others_read_alike(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    with suppress(NotCanonical):
        assert loads(data, max_depth=3) == json.loads(data)


@given(st.binary())
def test_base64_comes_back(data: bytes) -> None:
    assert unb64(b64(data)) == data
    assert check_b64(b64(data)) == len(data)


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AA",
        "AAA",
        "AA=",
        "AA==\n",
        " AA==",
        "AB==",
        "AAB=",
        "AA==AA==",
        "=",
        "-_-_",
        "é",
        "A===",
        "AAAA=",
    ],
)
def test_base64_has_one_spelling(text: str) -> None:
    for read in (unb64, check_b64):
        with pytest.raises(NotCanonical, match="is not base64"):
            read(text)


@given(st.text("AQw+=é?\n", max_size=9))
def test_base64_is_checked_as_it_is_read(text: str) -> None:
    try:
        expected: int | None = len(base64.b64decode(text, validate=True))
    except ValueError:
        expected = None
    if expected is not None and base64.b64encode(base64.b64decode(text)).decode() != text:
        expected = None
    for read in (lambda text: len(unb64(text)), check_b64):
        try:
            found: int | None = read(text)
        except NotCanonical:
            found = None
        assert found == expected
