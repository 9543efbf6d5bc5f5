"""Deployments at a gateway: refused without a statement, answered with one, and cut when it ends."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from sluicegate.core.access import apikey
from sluicegate.core.access.decision import Ask
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.gate.engine import Engine, Flight
from sluicegate_record.log import times
from tests.gate.clients import ai, chat, post
from tests.gate.running import Running, running
from tests.gate.world import MODEL, SURFACE, UPSTREAM, World, engine
from tests.raw import Raw
from tests.waiting import eventually
from tests.worlds import AT_MS, DAY_MS, digest

USER: list[Any] = [{"role": "user", "content": "hello there"}]
RELEASED = "stated"


@pytest.fixture
def world() -> World:
    """A release that asks for statements, and is open."""
    made = World()
    made.release(RELEASED, [MODEL], deployments={"atMost": "P1D"})
    made.open_stage(RELEASED)
    return made


def states(world: World, safeguards: str = "safe", **changes: Any) -> str:
    """The developer says what serves the model; the digest of its statement."""
    served = {"model": MODEL, "upstream": UPSTREAM, "digest": digest(MODEL), "safeguards": digest(safeguards)}
    public = {
        "release": RELEASED,
        "serves": [{**served, "surfaces": [SURFACE]}],
        "signedAt": times.format_time(AT_MS),
        "until": times.format_time(AT_MS + DAY_MS),
        "digest": digest(f"statement {len(world.entries)}"),
        **changes,
    }
    world.write("deployment.attested", public)
    return str(public["digest"])


def takes_back(world: World, statement: str) -> None:
    world.write("deployment.ended", {"release": RELEASED, "deployment": statement, "reason": "wrong"})


def refusal(client: openai.OpenAI) -> dict[str, Any]:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=MODEL, messages=USER)
    body: Any = caught.value.body
    return {"status": caught.value.status_code, "code": body["code"], **body["sluicegate"]}


def test_a_model_answers_only_while_a_statement_holds(gate: Running, world: World) -> None:
    key = world.customer(release=RELEASED)
    gate.advance()
    with ai(gate, key) as client:
        refused = refusal(client)
        assert (refused["status"], refused["code"]) == (403, "deployment_unattested")
        assert "'sluicegate deployment show RELEASE' says what" in refused["remedy"]
        assert [each.id for each in client.models.list()] == []
        statement = states(world)
        gate.advance()
        assert client.chat.completions.create(model=MODEL, messages=USER).model == MODEL
        assert [each.id for each in client.models.list()] == [MODEL]
        takes_back(world, statement)
        gate.advance()
        assert refusal(client)["code"] == "deployment_unattested"


@pytest.mark.parametrize("by", ["the end", "other safeguards"])
def test_a_stream_is_cut_when_the_statement_it_rests_on_does_not_hold(
    paced: str, world: World, by: str
) -> None:
    key, statement = world.customer(release=RELEASED), states(world)
    with running(world, paced) as gate, Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(stream=True), key)).until(b"data:")
        if by == "the end":
            takes_back(world, statement)
        else:
            states(world, "safer")
        gate.advance()
        seen, _ = client.rest()
        assert b"[DONE]" not in seen
        assert b"deployment_unattested" in seen
        assert eventually(lambda: gate.do(lambda: gate.engine.cut_by) == {"deployment_unattested": 1})


# The engine, by its clock


class Clock:
    """What a test sets: milliseconds of CLOCK_BOOTTIME."""

    ms = 0.0

    def __call__(self) -> float:
        return self.ms


def admitted(world: World, clock: Clock) -> tuple[Engine, Flight]:
    key = world.customer(release=RELEASED)
    made = engine(world, clock)
    found = made.admit(Ask(apikey.digest(key), MODEL, SURFACE), lambda _: None)
    assert isinstance(found, Flight)
    return made, found


def test_what_is_in_flight_ends_with_its_statement_though_nothing_comes_from_the_feed(world: World) -> None:
    clock = Clock()
    states(world, until=times.format_time(AT_MS + 60_000))
    made, flight = admitted(world, clock)
    assert flight.allow.until_ms == AT_MS + 60_000
    deadline_ms = made.deadline_ms()
    assert deadline_ms is not None
    assert 58_000 < deadline_ms <= 59_000
    clock.ms = 58_000
    assert flight.check() is None
    clock.ms = 60_000
    refused = flight.check()
    assert isinstance(refused, Deny)
    assert refused.reason is Reason.DEPLOYMENT_UNATTESTED


def test_what_is_in_flight_goes_on_by_the_next_statement_and_as_long_as_that(world: World) -> None:
    clock = Clock()
    states(world, until=times.format_time(AT_MS + 60_000))
    made, flight = admitted(world, clock)
    states(world, until=times.format_time(AT_MS + 120_000))
    made.advance(world.take())
    assert flight.allow.until_ms == AT_MS + 120_000
    clock.ms = 61_000
    assert flight.check() is None
