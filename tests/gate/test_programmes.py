"""Programmes at a gateway: what a request asks for, however it is written, and what reaches the upstream."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import openai
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sluicegate.core.access.programmes import AskedProgramme
from sluicegate.core.people import persons
from sluicegate.errors import InvalidInput
from sluicegate.gate import programmes
from sluicegate.gate.request import Request, read, read_headers
from sluicegate_record.terms.programmes import FIELD, PROFILE
from tests.gate.clients import ai, anthropic_api, chat, counted, post
from tests.gate.running import Running, running
from tests.gate.scripted import Scripted, says_and_stays, scripted
from tests.gate.world import MODEL, World
from tests.raw import Raw
from tests.waiting import eventually

HEADER = "x-access-program"
PLAN = {
    "cyber": {
        "standard": {},
        "blue": {"asks": {"sso": True}},
        "red": {"asks": {"sso": True, "personNamed": True}},
        "black": {"travels": HEADER},
        "b": {"travels": PROFILE},
    }
}
OWN_PROFILE = "uprof_own"
PROFILE_DIGEST = persons.identifier(OWN_PROFILE).hex()
BLUE, BLACK = {"concern": "cyber", "name": "blue"}, {"concern": "cyber", "name": "black"}
B = {"concern": "cyber", "name": "b", "holders": [PROFILE_DIGEST]}
USER: list[Any] = [{"role": "user", "content": "hello"}]
ANSWER = json.dumps({"id": "a", "object": "response", "model": MODEL, "output": [], "choices": []}).encode()
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(ANSWER),
    ANSWER,
)


@contextmanager
def gateway(*held: dict[str, Any], carriers: bool = True) -> Iterator[tuple[Running, Scripted, str]]:
    """A gateway, an upstream that keeps what it gets, and the key of a grant with these programmes."""
    world = World()
    key = granted(world, *held, carriers=carriers)
    with scripted(says_and_stays(OK)) as upstream, running(world, upstream.url) as gate:
        gate.advance()
        yield gate, upstream, key


def granted(world: World, *held: dict[str, Any], carriers: bool = True) -> str:
    """The key of a grant with these programmes."""
    names = PLAN["cyber"] if carriers else {name: PLAN["cyber"][name] for name in ("blue", "red")}
    world.release("preview", [MODEL], programmes={"cyber": names})
    world.open_stage("preview")
    return world.credential(world.grant("org-1", programmes=list(held)))[0]


# Reading


def asked(**fields: Any) -> Request:
    return read(json.dumps({"model": "a", **fields}).encode())


def in_field(name: str, concern: str = "cyber") -> AskedProgramme:
    return AskedProgramme(FIELD, concern, name)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, []),
        ({}, []),
        ({"cyber": None}, []),
        ({"cyber": "standard"}, []),
        ({"cyber": "daybreak_blue"}, [in_field("daybreak_blue")]),
        ({"cyber": "a", "bio": "b"}, [in_field("a"), in_field("b", "bio")]),
        ({"cyber": "Standard"}, [in_field("Standard")]),
        ({"cyber": "standard "}, [in_field("standard ")]),
        ({"cyber": ""}, [in_field("")]),
        ({"Cyber": "red"}, [in_field("red", "Cyber")]),
    ],
)
def test_reads_every_programme_of_the_field(given: Any, found: list[AskedProgramme]) -> None:
    assert list(asked(access_programs=given).programmes) == found


@pytest.mark.parametrize(
    "given",
    [
        *("red", [], 1, True, {"cyber": ["red"]}, {"cyber": True}, {"cyber": {"red": True}}),
        {"cyber": "r" * 65},
        {"c" * 65: "red"},
        {f"c{n}": "red" for n in range(17)},
    ],
    ids=range(10),
)
def test_refuses_what_names_no_programme(given: Any) -> None:
    with pytest.raises(InvalidInput, match="access_programs"):
        asked(access_programs=given)


@pytest.mark.parametrize(
    "key",
    ["Access_Programs", "ACCESS_PROGRAMS", "accessPrograms", "access-programs", "access_programs\u200b"],
)
def test_refuses_another_spelling(key: str) -> None:
    with pytest.raises(InvalidInput, match="'access_programs' only in case"):
        asked(**{key: {"cyber": "red"}})


RED = {"access_programs": {"cyber": "red"}}


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": RED},
        {"text": {"format": RED}},
        {"messages": [{"role": "user", "content": [RED]}]},
        {"input": [RED]},
        {"other": [[RED]]},
        {"other": {"Access_Programs": {"cyber": "red"}}},
        {"other": {"accessPrograms": {"cyber": "red"}}},
        {"access_programs": {"cyber": "standard"}, "tools": [{"type": "web_search", **RED}]},
        {"type": "tool_use", "input": [{"role": "user", "content": "hello", **RED}]},
        {"parameters": RED},
        {"arguments": RED},
    ],
    ids=range(11),
)
def test_refuses_the_field_deeper_in_a_body(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="within another field, expected it at the top"):
        asked(**fields)


def test_what_tools_and_schemas_say_is_free() -> None:
    tool = {"type": "function", "name": "f", "parameters": {"properties": RED}}
    used = {"role": "assistant", "content": [{"type": "tool_use", "input": RED}]}
    assert asked(tools=[tool], messages=[used]).programmes == ()


def test_a_user_profile_counts_in_the_body_and_as_a_header() -> None:
    found = AskedProgramme(PROFILE, "", PROFILE_DIGEST)
    assert asked(user_profile_id=OWN_PROFILE).programmes == (found,)
    headers = [(PROFILE.encode(), OWN_PROFILE.encode())]
    assert read_headers(headers, {PROFILE.encode()}).programmes == (found,)
    assert read_headers(headers).programmes == ()


def test_a_header_is_read_only_if_a_plan_names_it() -> None:
    headers = [(HEADER.encode(), b" black ")]
    assert read_headers(headers, {HEADER.encode()}).programmes == (AskedProgramme(HEADER, "", "black"),)
    assert read_headers(headers, {b"x-other"}).programmes == ()
    assert read_headers([(HEADER.encode(), b"standard")], {HEADER.encode()}).programmes == ()


@pytest.mark.parametrize("values", [(b"black", b"black"), (b"standard", b"black"), (b"b" * 65,)])
def test_refuses_a_header_that_is_unclear(values: tuple[bytes, ...]) -> None:
    with pytest.raises(InvalidInput, match=HEADER):
        programmes.of_headers([(HEADER.encode(), value) for value in values], {HEADER.encode()})


# At the gateway, with the SDKs


def refused(caught: Any) -> dict[str, Any]:
    body = caught.value.body
    found: dict[str, Any] = body.get("error", body)["sluicegate"]
    return found


def test_the_sdk_gets_what_its_grant_has_and_is_told_what_it_lacks() -> None:
    with gateway(BLUE) as (gate, upstream, key), ai(gate, key) as client:
        for more in ({}, {"access_programs": {"cyber": "standard"}}, {"access_programs": {"cyber": "blue"}}):
            client.responses.create(model=MODEL, input="hello", extra_body=more)
        sent = [json.loads(each.partition(b"\r\n\r\n")[2]) for each in upstream.requests]
        assert [each.get("access_programs") for each in sent] == [
            None,
            {"cyber": "standard"},
            {"cyber": "blue"},
        ]
        with pytest.raises(openai.PermissionDeniedError) as caught:
            client.responses.create(model=MODEL, input="hello", extra_body=RED)
        body: Any = caught.value.body
        assert (body["code"], body["param"]) == ("programme_not_granted", None)
        assert "'cyber: red' is not granted; active: cyber: blue; it asks personNamed, sso" in body["message"]
        assert body["sluicegate"]["programme"] == {
            "asked": "cyber: red",
            "why": "not_granted",
            "active": ["cyber: blue"],
            "asks": ["personNamed", "sso"],
            "travels": "access_programs",
        }
        assert "'sluicegate application amend GRANT --programme" in body["sluicegate"]["remedy"]
        assert caught.value.response.headers["x-should-retry"] == "false"
        assert len(upstream.requests) == 3
        assert counted(gate, "programme_not_granted") == 1


def test_a_programme_in_a_header_goes_upstream_in_it() -> None:
    with gateway(BLACK) as (gate, upstream, key), ai(gate, key) as client:
        client.chat.completions.create(model=MODEL, messages=USER, extra_headers={HEADER: "black"})
        assert b"\r\nx-access-program: black\r\n" in upstream.requests[0]
        client.chat.completions.create(model=MODEL, messages=USER, extra_headers={HEADER: "standard"})
        assert HEADER.encode() not in upstream.requests[1]
        with pytest.raises(openai.PermissionDeniedError, match="has no such programme"):
            client.chat.completions.create(model=MODEL, messages=USER, extra_headers={HEADER: "Black"})


def test_a_user_profile_goes_upstream_if_the_grant_names_it() -> None:
    with gateway(B) as (gate, upstream, key), anthropic_api(gate, key) as client:
        sent: dict[str, Any] = {"model": MODEL, "max_tokens": 5, "messages": USER}
        client.beta.messages.create(**sent, user_profile_id=OWN_PROFILE)
        assert f"\r\n{PROFILE}: {OWN_PROFILE}\r\n".encode() in upstream.requests[0]
        with pytest.raises(anthropic.PermissionDeniedError) as caught:
            client.beta.messages.create(**sent, user_profile_id="uprof_other")
        said = refused(caught)["programme"]
        assert (said["why"], said["active"], said["travels"]) == ("not_granted", ["cyber: b"], PROFILE)
        assert len(upstream.requests) == 1


def test_a_user_profile_stays_here_where_no_programme_travels_in_one() -> None:
    with gateway(BLUE, carriers=False) as (gate, upstream, key), anthropic_api(gate, key) as client:
        sent: dict[str, Any] = {"model": MODEL, "max_tokens": 5, "messages": USER}
        client.beta.messages.create(**sent, user_profile_id="uprof_any")
        assert PROFILE.encode() not in upstream.requests[0]


def suspend(world: World) -> None:
    suspended = {"grant": "grant_1", "reasonCode": "misuse", "programmes": ["cyber: blue"]}
    world.write("grant.suspended", suspended)


def test_a_suspended_programme_is_refused_and_the_model_goes_on() -> None:
    with gateway(BLUE) as (gate, _, key), ai(gate, key) as client:
        more = {"access_programs": {"cyber": "blue"}}
        client.responses.create(model=MODEL, input="hello", extra_body=more)
        suspend(gate.world)
        gate.advance()
        client.responses.create(model=MODEL, input="hello")
        with pytest.raises(openai.PermissionDeniedError, match="it is suspended; only the standard one"):
            client.responses.create(model=MODEL, input="hello", extra_body=more)


def test_a_stream_with_a_programme_is_cut_when_that_is_suspended_and_another_is_not(paced: str) -> None:
    world = World()
    key = granted(world, BLUE)
    with running(world, paced) as gate, Raw(gate.port) as client, Raw(gate.port) as plain:
        body = chat(stream=True, access_programs={"cyber": "blue"})
        client.send(post("/v1/chat/completions", body, key)).until(b"data:")
        plain.send(post("/v1/chat/completions", chat(stream=True), key)).until(b"data:")
        suspend(world)
        gate.advance()
        seen, _ = client.rest()
        assert b"[DONE]" not in seen
        assert b"programme_not_granted" in seen
        plain.until(b"data:")
        assert eventually(lambda: gate.in_flight() == 1)


# Whatever its shape

GRANTED = {"blue"}
PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/completions", "/v1/embeddings")
SPELLINGS = (
    FIELD,
    FIELD,
    "Access_Programs",
    "ACCESS_PROGRAMS",
    "accessPrograms",
    "access-programs",
    " access_programs",
)
NAMES = st.sampled_from(["standard", "Standard", "blue", "BLUE", "red", "Red", "black", "b", "", "blue,red"])
CONCERNS = st.sampled_from(["cyber", "cyber", "Cyber", "bio"])
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.dictionaries(CONCERNS, NAMES, max_size=2),
    st.dictionaries(CONCERNS, st.one_of(st.none(), st.lists(NAMES, max_size=2), st.booleans()), max_size=2),
    st.dictionaries(CONCERNS, st.dictionaries(NAMES, st.booleans(), max_size=1), max_size=1),
    NAMES,
    st.none(),
)
PLACES = ("top", "metadata", "reasoning", "text", "item", "part", "extra_body", "tool")
ALONE = (
    *((HEADER, "black"), (HEADER, "black"), (HEADER.upper(), "red"), (HEADER, "red"), (HEADER, "black, red")),
    (HEADER, "standard"),
    *((PROFILE, OWN_PROFILE), (PROFILE.title(), "uprof_other"), ("access-programs", "red")),
    *(("x_access_program", "red"), ("Access_Programs", "red"), ("X-Access-Program ", "red")),
)
HEADERS = st.lists(st.sampled_from(ALONE), max_size=3)
"""Fields of the head: some twice, in other case, and in spellings that some servers take for the same."""
QUERIES = st.sampled_from(
    ["", "", "?access_programs[cyber]=red", "?Access_Programs=red", "?a=access_programs"]
)
AS_FORM = "Content-Type: application/x-www-form-urlencoded"
AS_PARTS = "Content-Type: multipart/form-data; boundary=x"
WRAPPED: dict[str, Callable[[str], str]] = {
    "alone": lambda body: body,
    "in a list": lambda body: f"[{body}]",
    "twice": lambda body: body + body,
    "before another": lambda body: f'{body}\n{{"access_programs": {{"cyber": "red"}}}}',
    "with a mark in front": lambda body: "\ufeff" + body,
    "as a text": json.dumps,
    "as a part": lambda body: f'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n{body}\r\n--x--\r\n',
    "as a form": lambda body: "access_programs[cyber]=red&body=" + body,
}


def _twice(data: bytes) -> bytes:
    return gzip.compress(data) + gzip.compress(b'{"access_programs": {"cyber": "red"}}')


CODED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "plain": ("", bytes),
    "gzip": ("gzip", gzip.compress),
    "gzip in capitals": ("GZIP", gzip.compress),
    "gzip twice": ("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
    "gzip with a second member": ("gzip", _twice),
    "deflate": ("deflate", zlib.compress),
    "said to be gzip": ("gzip", bytes),
    "not said to be gzip": ("", gzip.compress),
    "said to be plain": ("identity", gzip.compress),
}


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """The content of a request, and the fields of its head. One thing is odd: a refusal hides the rest."""
    odd = draw(st.sampled_from(["body", "body", "head", "wrapping", "coding"]))
    body = draw(bodies() if odd == "body" else bodies(plain=True))
    lines = [f"{name}: {value}" for name, value in draw(HEADERS)] if odd == "head" else []
    wrapped = draw(st.sampled_from([*WRAPPED])) if odd == "wrapping" else "alone"
    named, coded = CODED[draw(st.sampled_from([*CODED])) if odd == "coding" else "plain"]
    lines += [f"Content-Encoding: {named}"] if named else []
    lines += {"as a part": [AS_PARTS], "as a form": [AS_FORM]}.get(wrapped, [])
    return coded(WRAPPED[wrapped](body).encode()), lines


def sent_as(path: str, content: bytes, key: str, lines: list[str]) -> bytes:
    """The bytes of a request whose content is of the type that its fields say."""
    made = post(path, content, key, *lines)
    typed = any(line.startswith("Content-Type") for line in lines)
    return made.replace(b"Content-Type: application/json\r\n", b"", 1) if typed else made


def escaped(draw: st.DrawFn, key: str) -> str:
    """A key in JSON, now and then with escapes for some of its characters."""
    places = draw(st.one_of(st.just([]), st.just([]), st.lists(st.integers(0, len(key) - 1), max_size=3)))
    return "".join(
        f"\\u{ord(each):04X}" if place in places else json.dumps(each)[1:-1] for place, each in enumerate(key)
    )


@st.composite
def bodies(draw: st.DrawFn, *, plain: bool = False) -> str:
    """A body that asks for programmes in some places and spellings, perhaps twice, perhaps with escapes."""
    parts = ['"model": ' + json.dumps(MODEL)]
    if plain or draw(st.booleans()):
        parts.append(f'"{FIELD}": {{"cyber": {json.dumps(draw(NAMES))}}}')
        return "{" + ", ".join(parts) + "}"
    for _ in range(draw(st.integers(1, 2))):
        said = f'"{escaped(draw, draw(st.sampled_from(SPELLINGS)))}": {json.dumps(draw(VALUES))}'
        if draw(st.integers(0, 5)) == 0:
            said += f', "{escaped(draw, FIELD)}": {{"cyber": {json.dumps(draw(NAMES))}}}'
        place = draw(st.sampled_from(("top", "top", *PLACES)))
        parts.append(
            {
                "top": said,
                "item": f'"input": [{{"role": "user", {said}}}]',
                "part": f'"messages": [{{"role": "user", "content": [{{"type": "text", {said}}}]}}]',
                "tool": f'"tools": [{{"type": "web_search", {said}}}]',
            }.get(place, f'"{place}": {{{said}}}')
        )
    return "{" + ", ".join(draw(st.permutations(parts))) + "}"


class Pairs(list[tuple[str, Any]]):
    """An object with every key that it was written with, also those that are there twice."""


def read_carelessly(content: bytes, coding: bytes) -> list[Any]:
    """Every value that a server could find in a content: of each member of a coding, one after the other."""
    if coding:
        stream, values = zlib.decompressobj(47), []
        while content:
            values += read_carelessly(stream.decompress(content), b"")
            stream, content = zlib.decompressobj(47), stream.unused_data
        return values
    text, found, place = content.decode().strip("\ufeff \n"), [], 0
    decoder = json.JSONDecoder(object_pairs_hook=Pairs)
    while place < len(text):
        value, place = decoder.raw_decode(text, place)
        found.append(value)
    return found


def asked_carelessly(value: Any) -> Iterator[str]:
    """Every programme that a server could find in a body that reads keys anywhere, in any spelling."""
    if isinstance(value, Pairs):
        for key, each in value:
            if key.casefold().strip().replace("_", "").replace("-", "") == "accessprograms":
                yield from names_in(each)
            else:
                yield from asked_carelessly(each)
    elif isinstance(value, list):
        for each in value:
            yield from asked_carelessly(each)


def names_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Pairs):
        for key, each in value:
            if each is True:
                yield key
            yield from names_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from names_in(each)


def test_no_request_leaves_with_a_programme_that_its_grant_lacks() -> None:
    """In each dialect: what an upstream gets names no programme but the standard one and those granted."""
    with gateway(BLUE, BLACK, B) as (gate, upstream, key):

        @settings(max_examples=500, deadline=None)
        @given(st.sampled_from(PATHS), requests(), QUERIES)
        def sends(path: str, request: tuple[bytes, list[str]], query: str) -> None:
            content, lines = request
            before = len(upstream.requests)
            with Raw(gate.port) as client:
                status, _, answer = client.send(sent_as(path + query, content, key, lines)).response()
            assert status in (200, 400, 403, 415), answer
            event(f"{status}")
            assert len(upstream.requests) - before == (status == 200)
            if status == 200:
                head, _, sent = upstream.requests[-1].partition(b"\r\n\r\n")
                assert sent == content
                line, *fields = head.lower().split(b"\r\n")
                said = [(name, value) for name, _, value in (each.partition(b": ") for each in fields)]
                coding = dict(said).get(b"content-encoding", b"")
                asked = set(asked_carelessly(read_carelessly(sent, coding)))
                assert asked <= GRANTED | {"standard"}
                carried = [(name, value) for name, value in said if b"program" in name or b"profile" in name]
                assert set(carried) <= {(HEADER.encode(), b"black"), (PROFILE.encode(), OWN_PROFILE.encode())}
                assert len(carried) == len(set(carried))
                assert b"program" not in line or query == "?a=access_programs"

        sends()


def test_a_large_body_is_read_for_programmes_too() -> None:
    """One that a process of its own reads."""
    with gateway(BLUE) as (gate, upstream, key):
        long: dict[str, Any] = {
            "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}] * 30_000}]
        }
        for name, expected in (("blue", 200), ("red", 403)):
            body = chat(**long, access_programs={"cyber": name})
            with Raw(gate.port) as client:
                status, _, _ = client.send(post("/v1/chat/completions", body, key)).response()
            assert status == expected
        assert len(upstream.requests) == 1
