"""A fallback answers: who says so, in which words, and who never notices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import openai
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Ask
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.gate.engine import Engine, Flight, Lease
from tests.clock import Clock
from tests.core import reference_model
from tests.core.access.test_decision import PROVIDERS, Facts, asks, table_of
from tests.core.access.test_fallback import falling
from tests.gate import world as worlds
from tests.gate.clients import ai, anthropic_api, calls, chat, get, post
from tests.gate.running import Running, running
from tests.gate.scripted import says_and_stays, scripted
from tests.gate.world import FALLBACK, MODEL, SURFACE, World
from tests.raw import Raw, parse_head
from tests.waiting import eventually
from tests.worlds import API

USER: list[Any] = [{"role": "user", "content": "hello there"}]
SAID = {
    "x-sluicegate-model": FALLBACK,
    "x-sluicegate-instead-of": MODEL,
    "x-sluicegate-directive": "bis-1",
}


REQUEST_ID = "x-sluicegate-request-id"
CREDENTIAL = "x-sluicegate-credential"


def told(headers: Mapping[str, str]) -> dict[str, str]:
    """What a response says of a fallback."""
    return {
        name: value
        for name, value in headers.items()
        if name.startswith("x-sluicegate") and name not in (REQUEST_ID, CREDENTIAL)
    }


# The engine


@settings(max_examples=60)
@given(falling, st.sampled_from([0, 1, 2, 5, 10]), st.integers(0, 2))
def test_the_engine_admits_whom_the_literal_reading_admits(found: Facts, at: int, width: int) -> None:
    table = table_of(found.rough)
    for ask in asks(found):
        if ask.surface == API:
            engine = Engine(API, lambda: 0.0, table)  # a new one each time: a quota is no matter here
            engine.renew(Lease(-width, 0, 1, found.rough.entries[0].at_ms + at))
            now = engine.now()
            expected = reference_model.settle(found.rough.entries, ask, now, PROVIDERS)
            decided = engine.admit(ask, lambda _: None)
            if isinstance(decided, Flight):
                event(f"allowed, a fallback: {bool(decided.ask.instead_of)}")
                assert reference_model.agrees(expected, decided.allow), (expected, decided.allow, ask)
                assert bool(decided.directive) is bool(decided.ask.instead_of)
            else:
                assert reference_model.agrees(expected, decided), (expected, decided, ask)
                assert decided == decision.decide(ask, engine.table, now)


class Admitting:
    """An engine in a world where a key falls back."""

    def __init__(self, **conditions: Any) -> None:
        self.world = World.with_release(**conditions)
        self.key, self.own, self.other = self.world.falling_back()
        self.world.suspend("bis-1", [MODEL])
        self.engine = worlds.engine(self.world, Clock())
        self.cut: list[Deny] = []

    @property
    def ask(self) -> Ask:
        return Ask(hashlib.sha256(self.key.encode()).digest(), MODEL, SURFACE)

    def admit(self) -> Flight | Deny:
        return self.engine.admit(self.ask, self.cut.append)

    def flight(self) -> Flight:
        admitted = self.admit()
        assert isinstance(admitted, Flight), admitted
        return admitted

    def refusal(self) -> Deny:
        admitted = self.admit()
        assert isinstance(admitted, Deny), admitted
        return admitted

    def then(self, change: Callable[[], Any]) -> None:
        change()
        self.engine.advance(self.world.take())


def test_a_flight_knows_what_it_stands_for() -> None:
    admitting = Admitting()
    flight = admitting.flight()
    assert flight.ask == replace(admitting.ask, model=FALLBACK, instead_of=MODEL)
    assert (flight.allow.grant.id, flight.allow.model, flight.directive) == (
        admitting.other,
        FALLBACK,
        "bis-1",
    )
    flight.prove()
    assert admitting.engine.unproven() == [admitting.other]
    admitting.engine.land(flight)
    assert not admitting.engine.flights


def test_what_is_in_progress_when_the_directive_comes_is_cut() -> None:
    admitting = Admitting()
    admitting.then(lambda: admitting.world.lift("bis-1"))
    flight = admitting.flight()
    assert (flight.ask, flight.directive) == (admitting.ask, "")
    admitting.then(lambda: admitting.world.suspend("bis-2", [MODEL]))
    assert [(deny.reason, deny.directive) for deny in admitting.cut] == [(Reason.DIRECTIVE_IN_FORCE, "bis-2")]
    assert admitting.flight().directive == "bis-2"


def test_a_lift_lets_a_fallback_finish_and_the_model_answer_again() -> None:
    admitting = Admitting()
    flight = admitting.flight()
    admitting.then(lambda: admitting.world.lift("bis-1"))
    assert (flight.check(), admitting.cut) == (None, [])
    assert admitting.flight().ask == admitting.ask


ENDS: dict[str, Callable[[Admitting], Any]] = {
    "not wanted any more": lambda a: a.world.choose(a.own, fallback=False),
    "a directive on the fallback": lambda a: a.world.suspend("bis-2", [FALLBACK]),
    "another grant for the model": lambda a: a.world.grant("org-1"),
}


@pytest.mark.parametrize("how", ENDS)
def test_what_ends_a_fallback_cuts_it_and_leaves_the_first_refusal(how: str) -> None:
    admitting = Admitting()
    first = admitting.engine.table.size
    admitting.flight()
    admitting.then(lambda: ENDS[how](admitting))
    assert admitting.engine.table.size > first
    assert len(admitting.cut) == 1
    refused = admitting.refusal()
    assert (refused.reason, refused.directive, refused.fallback) == (
        Reason.DIRECTIVE_IN_FORCE,
        "bis-1",
        FALLBACK,
    )


def test_the_quota_is_the_fallbacks_and_its_end_is_the_first_refusal() -> None:
    admitting = Admitting()
    world = admitting.world
    world.release("old", [FALLBACK], conditions={"requestsPerMinute": 2}, terms="sha256:slow")
    world.open_stage("old")
    admitting.key, *_ = world.falling_back("org-2")
    admitting.engine.advance(world.take())
    for _ in range(2):
        admitting.flight()
    refused = admitting.refusal()
    assert (refused.reason, refused.directive, refused.retry_after_s) == (
        Reason.DIRECTIVE_IN_FORCE,
        "bis-1",
        None,
    )


def test_the_refused_models_own_quota_is_not_used_up() -> None:
    admitting = Admitting(requestsPerMinute=1)
    for _ in range(3):
        admitting.flight()
    admitting.then(lambda: admitting.world.lift("bis-1"))
    assert admitting.flight().ask == admitting.ask
    assert admitting.refusal().reason is Reason.QUOTA_EXCEEDED


# The gateway


@pytest.fixture
def key(gate: Running, world: World) -> str:
    made, *_ = world.falling_back()
    world.suspend("bis-1", [MODEL])
    gate.advance()
    return made


def fallbacks(gate: Running) -> int:
    (line,) = [
        line
        for line in get(f"{gate.url}/metrics")[1].splitlines()
        if line.startswith("sluicegate_fallbacks_total")
    ]
    name, count = line.split()
    assert name == "sluicegate_fallbacks_total"
    return int(float(count))


def test_openai_gets_the_fallback_and_hears_so(gate: Running, key: str) -> None:
    with ai(gate, key) as client:
        completions = client.chat.completions.with_raw_response
        whole = completions.create(model=MODEL, messages=USER)
        assert told(whole.headers) == SAID
        assert whole.parse().model == FALLBACK
        with client.chat.completions.with_streaming_response.create(
            model=MODEL, messages=USER, stream=True
        ) as streamed:
            assert told(streamed.headers) == SAID
            assert {piece.model for piece in streamed.parse()} == {FALLBACK}
        other = client.responses.with_raw_response.create(model=MODEL, input="hello")
        assert (told(other.headers), other.parse().model) == (SAID, FALLBACK)
        assert told(completions.create(model=worlds.OTHER_MODEL, messages=USER).headers) == {}
    assert fallbacks(gate) == 3


def test_anthropic_gets_the_fallback_and_hears_so(gate: Running, key: str) -> None:
    with anthropic_api(gate, key) as client:
        whole = client.messages.with_raw_response.create(model=MODEL, max_tokens=9, messages=USER)
        assert told(whole.headers) == SAID
        assert whole.parse().model == FALLBACK
        with client.messages.stream(model=MODEL, max_tokens=9, messages=USER) as stream:
            assert told(stream.response.headers) == SAID
            assert stream.get_final_message().model == FALLBACK
    assert fallbacks(gate) == 2


def test_only_the_model_of_the_body_is_another_one(gate: Running, key: str, quick: str) -> None:
    body = b' {"messages" : [{"role":"user","content":"\\u00e4 \\"model\\":"}],\n"model":\t"%b", "n":1.0}\n'
    with Raw(gate.port) as client:
        status, headers, _ = client.send(post("/v1/chat/completions", body % MODEL.encode(), key)).response()
    assert (status, told(headers)) == (200, SAID)
    assert calls(quick)[-1]["body_sha256"] == hashlib.sha256(body % FALLBACK.encode()).hexdigest()


@pytest.mark.parametrize("choice", [None, False])
def test_without_the_choice_it_is_refused_as_ever(
    gate: Running, world: World, key: str, choice: bool | None
) -> None:
    grant = world.grant("org-2")
    world.grant("org-2", "old")
    if choice is not None:
        world.choose(grant)
        world.choose(grant, fallback=choice)
    other = world.credential(grant)[0]
    gate.advance()
    with ai(gate, other) as client, pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=MODEL, messages=USER)
    body: Any = caught.value.body
    assert (caught.value.status_code, body["sluicegate"]["fallback"]) == (451, FALLBACK)
    assert told(caught.value.response.headers) == {}
    assert fallbacks(gate) == 0


def test_a_refused_fallback_and_none_are_told_apart_by_nothing(gate: Running, world: World) -> None:
    """Who wants a fallback and cannot have it hears what everybody hears, byte for byte."""
    grants = [world.grant("org-1"), world.grant("org-2")]
    world.choose(grants[0])
    keys = [world.credential(grant)[0] for grant in grants]
    world.suspend("bis-1", [MODEL])
    gate.advance()
    heard = []
    for key in keys:
        with Raw(gate.port) as client:
            status, headers, body = client.send(post("/v1/chat/completions", chat(), key)).response()
        for name in ("date", "x-request-id", CREDENTIAL):  # each its own
            headers.pop(name)
        heard.append((status, headers, json.loads(body)))
    assert heard[0] == heard[1]
    assert heard[0][0] == 451


FROM = {"x-sluicegate-from": "upstream"}


def test_an_upstreams_error_is_the_fallbacks_and_its_claims_are_not_passed_on(world: World) -> None:
    key, *_ = world.falling_back()
    plain = world.customer("org-2")
    lines = "".join(f"{name}: forged\r\n" for name in SAID)
    answer = f"HTTP/1.1 429 Slow\r\n{lines}content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    with scripted(says_and_stays(answer.encode())) as upstream, running(world, upstream.url) as gate:
        with Raw(gate.port) as client:
            status, headers, _ = client.send(post("/v1/chat/completions", chat(), plain)).response()
            assert (status, told(headers)) == (429, FROM)
        world.suspend("bis-1", [MODEL])
        gate.advance()
        with Raw(gate.port) as client:
            status, headers, _ = client.send(post("/v1/chat/completions", chat(), key)).response()
            assert (status, told(headers)) == (429, SAID | FROM)


def test_what_the_gateway_answers_itself_says_nothing_of_a_fallback(world: World, silent: str) -> None:
    key, *_ = world.falling_back()
    world.suspend("bis-1", [MODEL])
    with running(world, silent) as gate, Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(), key))
        eventually(lambda: gate.in_flight() == 1)
        world.suspend("bis-2", [FALLBACK])
        gate.advance()
        status, headers, body = client.response()
    assert (status, told(headers)) == (451, {})
    assert json.loads(body)["error"]["sluicegate"]["directive"] == "bis-2"


def test_a_cut_fallback_ends_like_any_stream(world: World, paced: str) -> None:
    key, *_ = world.falling_back()
    world.suspend("bis-1", [MODEL])
    with running(world, paced) as gate, Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(stream=True), key)).until(b"data: ")
        world.suspend("bis-2", [FALLBACK])
        gate.advance()
        seen, reset = client.rest()
    head = parse_head(seen.partition(b"\r\n\r\n")[0])[1]
    assert (told(head), reset) == (SAID, False)
    assert b'"directive":"bis-2"' in seen
    assert b"[DONE]" not in seen


def test_the_suspended_model_is_not_listed_for_its_fallback(gate: Running, key: str) -> None:
    with ai(gate, key) as client:
        assert MODEL not in [model.id for model in client.models.list()]
        with pytest.raises(openai.APIStatusError) as caught:
            client.models.retrieve(MODEL)
    assert (caught.value.status_code, told(caught.value.response.headers)) == (451, {})
