"""Where a foreign client is tried: a gateway of its own, with a customer for each reason to refuse.

Between client and gateway, and between gateway and model, a wire sees every byte.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from demo.upstream import UpstreamSettings, in_thread
from demo.upstream_answer import Question, answer
from demo.upstream_pace import Pace
from sluicegate.gate.upstream import Call, Calling, HttpUpstream, Upstream
from sluicegate.gate.upstream_connection import Recipient
from sluicegate.settings import UpstreamTarget
from sluicegate_record.log import times
from tests.clients.wire import Wire, wired
from tests.gate.running import UPSTREAM_KEY, Running, running, settings
from tests.gate.scripted import Script, says, scripted
from tests.gate.world import HIDDEN_MODEL, MODEL, OTHER_MODEL, World
from tests.worlds import AT_MS

QUICK = UpstreamSettings(api_key=UPSTREAM_KEY)
SLOW = UpstreamSettings(api_key=UPSTREAM_KEY, chunks=20_000, chunk_interval_ms=5)
"""Longer than any test lasts."""
CUT_MODEL, SHUT_MODEL, NAMED_MODEL, ADVISED_MODEL = "demo-cut", "demo-shut", "demo-named", "demo-advised"
RATE = 60


@dataclass(frozen=True)
class Customer:
    """A key, and the model it asks for."""

    key: str
    model: str = MODEL


class Switch:
    """The model's server: one of several, as a test says."""

    def __init__(self, servers: Mapping[str, str]) -> None:
        self._servers = {
            name: HttpUpstream(UpstreamTarget(url, UPSTREAM_KEY), settings()) for name, url in servers.items()
        }
        self.to = "quick"

    def call(self, call: Call, recipient: Recipient) -> Calling:
        return self._servers[self.to].call(call, recipient)

    async def close(self) -> None:
        for server in self._servers.values():
            await server.close()


@dataclass
class Stage:
    """A gateway before servers of a model, and its customers by what they are for."""

    gate: Running
    front: Wire
    back: Wire
    switch: Switch
    customers: Mapping[str, Customer]

    def serve_from(self, name: str) -> None:
        self.gate.do(lambda: setattr(self.switch, "to", name))


def spoken(prompt: str) -> str:
    """What the model answers."""
    pace = QUICK.pace
    return answer(Question(prompt), Pace(pace.chunks, 0, 0)).whole


def looked_up(prompt: str) -> str:
    """What the model answers with the result of a tool that it asked for the prompt."""
    return answer(Question("", tool_result=f"{prompt} was looked up"), Pace(QUICK.chunks, 0, 0)).whole


@contextmanager
def staged() -> Iterator[Stage]:
    """Set the stage, for one client."""
    world = _world()
    customers = _customers(world)
    box: list[Switch] = []
    with ExitStack() as stack:
        back = stack.enter_context(wired(stack.enter_context(in_thread(QUICK))))
        servers = {
            "quick": back.url,
            "slow": stack.enter_context(in_thread(SLOW)),
            "mid-event": stack.enter_context(scripted(_dying(_HALF))).url,
            "between": stack.enter_context(scripted(_dying(b""))).url,
        }

        def made(_: object) -> Upstream:
            box.append(Switch(servers))
            return box[0]

        gate = stack.enter_context(running(world, made))
        front = stack.enter_context(wired(gate.url))
        yield Stage(gate, front, back, box[0], customers)


def _world() -> World:
    world = World.with_release()
    world.release("late", [SHUT_MODEL])
    for each in (CUT_MODEL, NAMED_MODEL, ADVISED_MODEL):
        world.release(each, [each])
        world.open_stage(each)
    world.release("rated", ["demo-rated"], conditions={"requestsPerMinute": RATE})
    world.open_stage("rated")
    return world


def _customers(world: World) -> dict[str, Customer]:
    """One for each reason; `directive_in_force` by an order and, as `directive advised`, by another basis."""
    revoked, credential = world.credential(world.grant("org-revoked"))
    world.revoke(credential)
    world.suspend("bis-order", [OTHER_MODEL])
    world.suspend("bis-advice", [ADVISED_MODEL], basis="voluntary")
    _ask_for_persons(world)
    removed, suspended = world.grant("org-removed"), world.grant("org-suspended")
    keys = {each: world.credential(each)[0] for each in (removed, suspended)}
    world.write("grant.ended", {"grant": removed, "how": "removed"})
    world.write("grant.suspended", {"grant": suspended})
    expired = world.grant("org-expired", until=times.format_time(AT_MS + 1))
    old_key = world.credential(world.grant("org-new-grant"))[0]
    world.grant("org-new-grant")
    pending = world.customer("org-pending", "secret")
    world.apply_for("org-pending")
    good = world.customer("org-good")
    return {
        "answered": Customer(good),
        "credential_missing": Customer(""),
        "credential_unknown": Customer("sg_wrong"),
        "credential_revoked": Customer(revoked),
        "request_invalid": Customer(good, ""),
        "model_not_found": Customer(good, HIDDEN_MODEL),
        "directive_in_force": Customer(good, OTHER_MODEL),
        "directive_in_force, advice": Customer(world.customer("org-advised", ADVISED_MODEL), ADVISED_MODEL),
        "stage_not_open": Customer(world.customer("org-early", "late"), SHUT_MODEL),
        "grant_removed": Customer(keys[removed]),
        "grant_suspended": Customer(keys[suspended]),
        "grant_expired": Customer(world.credential(expired)[0]),
        "not_provisioned": Customer(old_key),
        "application_pending": Customer(pending),
        "surface_not_granted": Customer(world.credential(world.grant("org-codex", surface="codex"))[0]),
        "not_admitted": Customer(world.customer("org-elsewhere", "secret")),
        "person_required": Customer(world.customer("org-persons", NAMED_MODEL), NAMED_MODEL),
        "quota_exceeded": Customer(world.customer("org-rated", "rated"), "demo-rated"),
        "cut": Customer(world.customer("org-cut", CUT_MODEL), CUT_MODEL),
    }


def _ask_for_persons(world: World) -> None:
    spec = {
        "models": [NAMED_MODEL],
        "surfaces": "all",
        "basis": {"kind": "order"},
        "covers": "everyone",
        "action": "restrict",
        "conditions": {"personNamed": True},
    }
    world.write("directive.issued", {"directive": "bis-persons", "document": {"spec": spec}})


# Servers that die in a stream

_STREAMS: Mapping[bytes, list[Mapping[str, object]]] = {
    b"/v1/chat/completions": [
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": MODEL,
            "choices": [
                {"index": 0, "delta": {"role": "assistant", "content": "One"}, "finish_reason": None}
            ],
        }
    ],
    b"/v1/messages": [
        {
            "type": "message_start",
            "message": {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": MODEL,
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "One"}},
    ],
    b"/v1/responses": [
        {
            "type": "response.output_text.delta",
            "sequence_number": 0,
            "item_id": "msg_1",
            "output_index": 0,
            "content_index": 0,
            "delta": "One",
            "logprobs": [],
        }
    ],
}
_HALF = b'data: {"half": "'
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def _dying(last: bytes) -> Script:
    """Say the first events of a stream, `last`, and no more."""

    def script(connection: socket.socket, request: bytes) -> None:
        events = b"".join(_event(each) for each in _STREAMS[request.split(b" ", 2)[1].partition(b"?")[0]])
        says(_HEAD + events + last)(connection, request)

    return script


def _event(value: Mapping[str, object]) -> bytes:
    name = f"event: {value['type']}\n" if "type" in value else ""
    return f"{name}data: {json.dumps(value)}\n\n".encode()
