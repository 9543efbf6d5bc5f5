"""A licence at a gateway, by the SDK: refused, licensed and answered, ended and refused again, and cut."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.gate.clients import ai, chat, post
from tests.gate.running import Running, running
from tests.gate.world import MODEL, World
from tests.raw import Raw
from tests.waiting import eventually
from tests.worlds import raw_plan

USER: list[Any] = [{"role": "user", "content": "hello there"}]


def licensed(world: World, organization: str = "org-1", grant: str = "grant_1", **conditions: Any) -> None:
    public = {"licence": "licence_1", "directive": "bis-1", "case": "case", "grant": grant}
    until = {"validUntil": None, "conditions": conditions}
    world.write("licence.granted", {**public, **until}, organization=organization)


def by_account(world: World) -> tuple[str, str]:
    """The key of an organization that a stage for everyone lets in, and its account."""
    plan = raw_plan("wide", {WIDE: "demo"}, {"general": {}})
    (general,) = plan["spec"]["stages"]
    general["audience"] = "everyone"
    world.write("release.applied", {"release": "wide", "announced": True, "terms": TERMS, "plan": plan})
    world.write("stage.opened", {"release": "wide", "stage": "general", "terms": TERMS["general"]})
    world.write("account.opened", {"account": "acct_1"}, organization="org-1")
    return world.credential("acct_1")[0], "acct_1"


WIDE, TERMS = "demo-wide", {"general": "sha256:wide"}


def refusal(client: openai.OpenAI, model: str = MODEL) -> dict[str, Any]:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=model, messages=USER)
    body: Any = caught.value.body
    return {"status": caught.value.status_code, **body["sluicegate"]}


def test_what_a_directive_refuses_a_licence_answers_until_it_ends(gate: Running, world: World) -> None:
    key, other = world.customer(), world.customer("org-2")
    world.suspend("bis-1", [MODEL])
    gate.advance()
    with ai(gate, key) as client, ai(gate, other) as stranger:
        refused = refusal(client)
        assert (refused["status"], refused["directive"]) == (451, "bis-1")
        assert "'sluicegate licence request bis-1' asks for an exception" in refused["remedy"]
        licensed(world)
        gate.advance()
        assert client.chat.completions.create(model=MODEL, messages=USER).model == MODEL
        assert refusal(stranger)["directive"] == "bis-1"
        world.write("licence.ended", {"licence": "licence_1", "directive": "bis-1", "how": "revoked"})
        gate.advance()
        assert refusal(client)["directive"] == "bis-1"


def test_a_stream_under_a_licence_is_cut_when_it_ends(paced: str, world: World) -> None:
    key = world.customer()
    world.suspend("bis-1", [MODEL])
    licensed(world)
    with running(world, paced) as gate, Raw(gate.port) as client:
        client.send(post("/v1/chat/completions", chat(stream=True), key)).until(b"data:")
        world.write("licence.ended", {"licence": "licence_1", "directive": "bis-1", "how": "revoked"})
        gate.advance()
        seen, _ = client.rest()
        assert b"[DONE]" not in seen
        assert eventually(lambda: gate.do(lambda: gate.engine.cut_by) == {"bis-1": 1})


def test_who_has_an_account_and_no_grant_is_licensed_from_the_refusal(gate: Running, world: World) -> None:
    key, account = by_account(world)
    gate.advance()
    with ai(gate, key) as client:
        assert client.chat.completions.create(model=WIDE, messages=USER).model == WIDE
        world.suspend("bis-1", [WIDE])
        gate.advance()
        refused = refusal(client, WIDE)
        assert (refused["status"], refused["directive"]) == (451, "bis-1")
        assert "'sluicegate licence request bis-1' asks for an exception" in refused["remedy"]
        licensed(world, grant=account)
        gate.advance()
        assert client.chat.completions.create(model=WIDE, messages=USER).model == WIDE
        world.write("licence.ended", {"licence": "licence_1", "directive": "bis-1", "how": "expired"})
        gate.advance()
        assert refusal(client, WIDE)["directive"] == "bis-1"
