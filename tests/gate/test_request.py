"""One reading or none: mostly bodies that two parsers could read differently."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.errors import InvalidInput
from sluicegate.gate.dialects import Dialect
from sluicegate.gate.names import NO_NAMES
from sluicegate.gate.request import (
    SIGNIFICANT,
    VALUES_MAX,
    Request,
    RequestHeaders,
    read,
    read_headers,
    read_query,
    with_model,
)

REFUSED: list[tuple[bytes, str]] = [
    # Not JSON in UTF-8
    (b"", "not json"),
    (b"{", "not json"),
    (b'{"model":"a"', "not json"),
    (b'{"model":"a"}}', "not json"),
    (b'{"model":"a"} {"model":"b"}', "not json"),
    (b'{"model":"a",}', "not json"),
    (b"{'model':'a'}", "not json"),
    (b'{model:"a"}', "not json"),
    (b'{"model":"a"}//', "not json"),
    (b'/**/{"model":"a"}', "not json"),
    (b'{"model":"a\nb"}', "not json"),
    (b'{"model":"a\tb"}', "not json"),
    (b'{"model":"a\0"}', "not json"),
    (b'{"model":"\\x61"}', "not json"),
    (b'{"model":"\\u00g1"}', "not json"),
    (b'{"model":"a","n":01}', "not json"),
    (b'{"model":"a","n":+1}', "not json"),
    (b'{"model":"a","n":.5}', "not json"),
    (b'{"model":"a","n":0x1}', "not json"),
    (b'{"model":"a"}\0', "not json"),
    (b'\x0b{"model":"a"}', "not json"),
    (b'\xc2\xa0{"model":"a"}', "not json"),
    (b"model=a", "not json"),
    (b"\x1f\x8b\x08\x00", "byte 1 of the body is not utf-8"),
    (b'{"model":"\xff"}', "byte 10 of the body is not utf-8"),
    (b'{"model":"\xc0\xaf"}', "not utf-8"),
    (b'{"model":"\xed\xa0\x80"}', "not utf-8"),
    (b'{"model":"\xf4\x90\x80\x80"}', "not utf-8"),
    ('{"model":"ä"}'.encode("latin-1"), "not utf-8"),
    (b'\xef\xbb\xbf{"model":"a"}', "byte order mark"),
    ('{"model":"a"}'.encode("utf-16"), "not utf-8"),
    ('{"model":"a"}'.encode("utf-16-le"), "not json"),
    ('{"model":"a"}'.encode("utf-16-be"), "not json"),
    ('{"model":"a"}'.encode("utf-32-le"), "not json"),
    (b'{"model":"a","n":NaN}', "NaN is not json"),
    (b'{"model":"a","n":Infinity}', "Infinity is not json"),
    (b'{"model":"a","n":[-Infinity]}', "-Infinity is not json"),
    (b'{"model":"a","n":' + b"9" * 5000 + b"}", "thousands of digits"),
    (b'{"model":"a","n":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    # Not an object
    (b"null", "null, expected a json object"),
    (b'"model"', "a string, expected a json object"),
    (b'[{"model":"a"}]', "an array, expected a json object"),
    (b"1", "a number, expected"),
    (b"1.5", "a number, expected"),
    (b"true", "a boolean, expected"),
    # No model, or none by name
    (b"{}", "'model' is missing"),
    (b'{"models":["a"]}', "'models' could make another model answer"),
    (b'{"a":{"model":"b"}}', "'model' is missing"),
    (b'{"model":""}', "'model' is empty"),
    (b'{"model":null}', "'model' is null"),
    (b'{"model":1}', "'model' is a number"),
    (b'{"model":true}', "'model' is a boolean"),
    (b'{"model":["a"]}', "'model' is an array"),
    (b'{"model":{"id":"a"}}', "'model' is an object"),
    # Two models
    (b'{"model":"a","model":"b"}', "key 'model' twice"),
    (b'{"model":"a","model":"a"}', "key 'model' twice"),
    (b'{"model":"a","mod\\u0065l":"b"}', "key 'model' twice"),
    (b'{"model":"a","x":{"b":1,"b":2}}', "key 'b' twice"),
    (b'{"model":"a","x":[{"b":[{"":1,"":2}]}]}', "key '' twice"),
    (b'{"model":"a","Model":"b"}', "key 'Model' differs from 'model' only in case"),
    (b'{"Model":"b","model":"a"}', "key 'Model' differs"),
    (b'{"MODEL":"b"}', "key 'MODEL' differs"),
    (b'{"model":"a","mODEL":null}', "key 'mODEL' differs"),
    # Another stream, user or background
    (b'{"model":"a","Stream":true}', "key 'Stream' differs"),
    ('{"model":"a","\u017ftream":true}'.encode(), "differs from 'stream' only in case"),
    ('{"model":"a","u\u017fer":"x"}'.encode(), "differs from 'user' only in case"),
    ('{"model":"a","bac\u212aground":true}'.encode(), "differs from 'background'"),
    (b'{"model":"a","\\u017ftream":true}', "differs from 'stream' only in case"),
    (b'{"model":"a","Safety_Identifier":"x"}', "differs from 'safety_identifier'"),
    (b'{"model":"a","METADATA":{}}', "differs from 'metadata'"),
    (b'{"model":"a","model ":"b"}', "differs from 'model' only in case or in what does not show"),
    (b'{"model\\u0000":"b","model":"a"}', "differs from 'model'"),
    ('{"model":"a","\ufeffmodel":"b"}'.encode(), "differs from 'model'"),
    (b'{"mod\\u0065l":"a"}', "key 'model' is written with escapes"),
    (b'{"\\u006dodel":"a"}', "key 'model' is written with escapes"),
    (b'{"model":"a","str\\u0065am" :true}', "key 'stream' is written with escapes"),
    (b'{"model":"a","stream"\n\t :true,"x":{"us\\u0065r"\r\n:1}}', "key 'user' is written with escapes"),
    (b'{"model":"a","x":[{"y":{"m\\u006fdel":1}}]}', "key 'model' is written with escapes"),
    (b'{"model":"a","x":[{"y":{"M\\u006fdel":1}}]}', "key 'Model' is written with escapes"),
    (b'{"model":"a","x":"\\\\","m\\u0065tadata":1}', "key 'metadata' is written with escapes"),
    (b'{"model":"a","x":"\\"","m\\u0065tadata":1}', "key 'metadata' is written with escapes"),
    (b'{"model":"a","background":true}', "'background' is true"),
    (b'{"model":"a","background":1}', "'background' is a number"),
    (b'{"model":"a","background":"true"}', "'background' is a string"),
    (b'{"model":"a","stream":1}', "'stream' is a number"),
    (b'{"model":"a","stream":"false"}', "'stream' is a string"),
    (b'{"model":"a","stream":[]}', "'stream' is an array"),
    (b'{"model":"a","stream":{}}', "'stream' is an object"),
    # Nobody by name
    (b'{"model":"a","user":1}', "'user' is a number"),
    (b'{"model":"a","user":["ada"]}', "'user' is an array"),
    (b'{"model":"a","safety_identifier":{"id":"ada"}}', "'safety_identifier' is an object"),
    (b'{"model":"a","safety_identifier":true,"user":"ada"}', "'safety_identifier' is a boolean"),
    (b'{"model":"a","safety_identifier":"ada","user":false}', "'user' is a boolean"),
    (b'{"model":"a","user_profile_id":1}', "'user_profile_id' is a number"),
    (b'{"model":"a","User_Profile_ID":"x"}', "differs from 'user_profile_id'"),
]


@pytest.mark.parametrize(("body", "says"), REFUSED, ids=range(len(REFUSED)))
def test_refuses(body, says):
    with pytest.raises(InvalidInput) as caught:
        read(body)
    assert says in caught.value.message
    assert "\n" not in caught.value.message


ACCEPTED: list[tuple[bytes, Request]] = [
    (b'{"model":"a"}', Request("a", stream=False)),
    (b' \t\r\n{ "model" : "a" } \n', Request("a", stream=False)),
    (b'{"model":"a","stream":true}', Request("a", stream=True)),
    (b'{"model":"a","stream":null,"background":false}', Request("a", stream=False)),
    (b'{"model":"gpt\\u002d5","messages":[]}', Request("gpt-5", stream=False)),
    (b'{"model":"a","x":{"Model":1,"model":2}}', Request("a", stream=False)),
    (b'{"model":"a","x":"mod\\u0065l"}', Request("a", stream=False)),
    (b'{"model":"a","x":["mod\\u0065l", "y"]}', Request("a", stream=False)),
    (b'{"model":"a","x":"\\"mod\\u0065l\\":1"}', Request("a", stream=False)),
    (b'{"model":"a","m\\u00f6del":1,"\\u4e2d":2}', Request("a", stream=False)),
    (b'{"model":"a","x":"\\ud83d"}', Request("a", stream=False)),
    ('{"model":"größer 模型 🏳️‍🌈"}'.encode(), Request("größer 模型 🏳️‍🌈", stream=False)),
    (b'{"model":"a","models":null,"odel":"c"}', Request("a", stream=False)),
    (b'{"model":"a","x":' + b"[" * 100 + b"]" * 100 + b"}", Request("a", stream=False)),
]


@pytest.mark.parametrize(("body", "expected"), ACCEPTED, ids=range(len(ACCEPTED)))
def test_reads(body, expected):
    assert read(body) == expected


@pytest.mark.parametrize("metadata", [b"1", b'"ada"', b"[]", b'{"user_id":1}', b'{"user_id":["ada"]}'])
def test_refuses_what_names_nobody_in_the_other_dialect(metadata):
    with pytest.raises(InvalidInput, match="metadata"):
        read(b'{"model":"a","metadata":%b}' % metadata, Dialect.ANTHROPIC)


def test_never_quotes_what_is_said():
    secret = "a prompt that nobody else should see"
    body = json.dumps({"model": 1, "messages": [{"content": secret}]}).encode()
    with pytest.raises(InvalidInput) as caught:
        read(body)
    assert secret not in caught.value.message


def test_the_message_stays_short_for_a_long_key():
    with pytest.raises(InvalidInput) as caught:
        read(b'{"model":"a","%b":1,"%b":2}' % (b"k" * 5000, b"k" * 5000))
    assert len(caught.value.message) < 200


CROWD = VALUES_MAX + 1


@pytest.mark.parametrize(
    "crowd",
    [b"[1" + b",1" * CROWD + b"]", b"[" + b"[]," * CROWD + b"1]", b"[" + b'"",' * CROWD + b"1]"],
    ids=["numbers", "lists", "strings"],
)
def test_a_body_with_too_many_values_is_refused(crowd):
    with pytest.raises(InvalidInput, match="values or more"):
        read(b'{"model":"a","x":%b}' % crowd)


@pytest.mark.parametrize(
    "text",
    [b'[",{[",{[' * CROWD, b'\\",' * CROWD, b"[1" + b",1" * (VALUES_MAX - 5) + b"]"],
    ids=["text", "quotes", "tokens"],
)
def test_what_is_said_is_not_counted_as_values(text):
    inner = text if text.startswith(b"[1") else b'"%b"' % text.replace(b'[",', b"[,")
    assert read(b'{"model":"a","x":%b}' % inner) == Request("a", stream=False)


def test_many_keys_and_one_twice_is_found_in_linear_time():
    keys = b",".join(b'"%d":0' % number for number in range(200_000))
    with pytest.raises(InvalidInput, match="'199999' twice"):
        read(b'{"model":"a",' + keys + b',"199999":0}')


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
strict = st.text(max_size=100).filter(lambda key: key.casefold() not in SIGNIFICANT)
bodies = st.builds(
    lambda rest, model, stream: {**rest, "model": model, "stream": stream},
    st.dictionaries(strict, values, max_size=5),
    st.text(min_size=1),
    st.booleans(),
)


@given(bodies, st.booleans())
def test_a_strict_body_is_read_as_any_parser_reads_it(body, escaped):
    text = json.dumps(body, ensure_ascii=escaped)
    found = read(text.encode())
    assert (found.model, found.stream, found.names) == (body["model"], body["stream"], NO_NAMES)


@given(st.binary(max_size=64) | st.text(alphabet='{}[]":,\\u0065model\u017fK', max_size=64).map(str.encode))
def test_whatever_comes_is_read_or_refused(body):
    try:
        asked = read(body)
    except InvalidInput:
        return
    parsed: Any = json.loads(body)
    assert (asked.model, asked.stream) == (parsed["model"], bool(parsed.get("stream")))


@given(st.sampled_from(sorted(SIGNIFICANT)), st.data())
def test_no_other_spelling_of_a_significant_key_is_read(key, data):
    case = "".join(data.draw(st.sampled_from((letter, letter.upper()))) for letter in key)
    letters = [data.draw(st.sampled_from((letter, f"\\u{ord(letter):04x}"))) for letter in case]
    spelled = "".join(letters)
    body = f'{{"{spelled}":"x"}}' if key == "model" else f'{{"model":"a","{spelled}":"x"}}'
    if spelled != key:
        with pytest.raises(InvalidInput):
            read(body.encode())


# Another model in its place


misleading = st.sampled_from(
    [
        '"model":"x"',
        '","model":"x',
        '\\","model":"x',
        "\\",
        '\\"',
        "model",
        'a"model',
        '\\"model',
        '{"model":"x"}',
        '}],"model":"x"',
        "\u2028\ud7ff\U0001f3f3",
    ]
)
nested = st.recursive(
    scalars | misleading,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.just("model") | misleading | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
spaces = st.text(" \t\n\r", max_size=3)


@st.composite
def split_bodies(draw: st.DrawFn) -> tuple[str, str, str]:
    """A body in three parts: what stands before the value of its model, that, and what stands after."""
    escaped = draw(st.booleans())
    members = draw(
        st.dictionaries(strict | misleading.filter(lambda key: key != "model"), nested, max_size=4)
    )
    pieces = [
        f"{draw(spaces)}{json.dumps(key, ensure_ascii=escaped)}{draw(spaces)}:{draw(spaces)}"
        f"{json.dumps(value, ensure_ascii=escaped, indent=draw(st.none() | st.just(1)))}{draw(spaces)}"
        for key, value in members.items()
    ]
    at = draw(st.integers(0, len(pieces)))
    before = ",".join([*pieces[:at], f'{draw(spaces)}"model"{draw(spaces)}:{draw(spaces)}'])
    after = ",".join([draw(spaces), *pieces[at:]])
    model = json.dumps(draw(misleading | st.text(min_size=1)), ensure_ascii=escaped)
    return f"{draw(spaces)}{{{before}", model, f"{after}}}{draw(spaces)}"


@settings(max_examples=400)
@given(split_bodies(), misleading | st.text(min_size=1))
def test_another_model_is_put_in_its_place_and_not_a_byte_elsewhere(parts, model):
    before, said, after = (part.encode() for part in parts)
    read(before + said + after)
    changed = with_model(before + said + after, model)
    assert changed.startswith(before)
    assert changed.endswith(after)
    assert json.loads(changed[len(before) : len(changed) - len(after)]) == model
    assert json.loads(changed) == json.loads(before + said + after) | {"model": model}
    assert read(changed).model == model


def test_a_body_without_a_model_is_given_none():
    with pytest.raises(InvalidInput, match="'model' is missing"):
        with_model(b'{"x":{"model":"a"}}', "b")


QUERIES_REFUSED = [
    b"model=a",
    b"model",
    b"a=b&model=c",
    b"a=b;model=c",
    b"MODEL=a",
    b"mod%65l=a",
    b"%6d%6f%64%65%6c=a",
    b"model%20=a",
    b"+model=a",
    b"model[]=a",
    b"model[0]=a",
    b"metadata[user_id]=a",
    b"metadata.user_id=a",
    b"u%C5%BFer=a",
    b"bac%E2%84%AAground=1",
    b"stream=true",
    b"&&stream",
    b"user_id=1",
]


@pytest.mark.parametrize("query", QUERIES_REFUSED)
def test_refuses_a_query_that_sets_something_significant(query):
    with pytest.raises(InvalidInput, match="expected it in the body alone"):
        read_query(query)


@pytest.mark.parametrize(
    "query",
    [
        b"models=a",
        b"extra[model]=a",
        b"extra%5Bmodel%5D=a",
        b"extra[0][Model]=a",
        b"extra.model=a",
        b"a[b][route]=x",
        b"previous_response_id=resp_1",
        b"access_programs[cyber]=daybreak_red",
        b"extra[mod%00el]=a",
    ],
)
def test_refuses_a_query_with_a_significant_key_in_any_part(query):
    with pytest.raises(InvalidInput, match="in the body alone"):
        read_query(query)


@pytest.mark.parametrize(
    "query", [b"", b"beta=true", b"api-version=2024-06-01", b"q=model", b"a=%ff&b=%zz", b"modes=a"]
)
def test_lets_any_other_query_pass(query):
    read_query(query)


HEADERS_REFUSED = [
    (b"content-type", b"text/plain"),
    (b"content-type", b""),
    (b"content-type", b"application/x-www-form-urlencoded"),
    (b"content-type", b"multipart/form-data; boundary=x"),
    (b"content-type", b"application/json; charset=utf-16"),
    (b"content-type", b"application/json; charset=utf-8; charset=latin1"),
    (b"content-type", b"application/json, text/plain"),
    (b"content-encoding", b"br"),
    (b"content-encoding", b"identity, gzip"),
    (b"content-encoding", b"gzip, gzip"),
    (b"content-encoding", b""),
]


@pytest.mark.parametrize("field", HEADERS_REFUSED)
def test_refuses_another_form_of_body(field):
    with pytest.raises(InvalidInput, match="expected"):
        read_headers([(b"content-type", b"application/json"), field])


@pytest.mark.parametrize(
    "value",
    [
        b"application/json",
        b"Application/JSON",
        b"application/json; charset=UTF-8",
        b'application/json;charset="utf-8"',
    ],
)
def test_lets_json_pass(value):
    said = [(b"host", b"a"), (b"content-type", value), (b"content-encoding", b"identity")]
    assert read_headers(said) == RequestHeaders()


@pytest.mark.parametrize("value", [b"gzip", b" GZIP", b"deflate", b"zstd", b"x-gzip"])
def test_says_how_a_body_is_compressed(value):
    assert read_headers([(b"content-encoding", value)]).coding == value.strip().lower()
    with pytest.raises(InvalidInput, match="expected one of"):
        read_headers([(b"content-encoding", value), (b"content-encoding", b"identity")])
