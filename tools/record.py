"""The examples in `docs/record/`, made by the product itself: `python -m tools.record docs/record`.

The ledger, the position and the poll are the same at every run: clock, keys and salts come from fixed seeds.
So the keys are good for examples only. The cut streams are taken from live sockets.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from demo.fleet import feed_of, fleet_of
from demo.upstream import UpstreamSettings, in_thread
from sluicegate import bootstrap
from sluicegate.acts import applications, cases, credentials, directives, releases, review
from sluicegate.acts.act import DEVELOPER, GATEWAY, AnyAct
from sluicegate.acts.tokens import TokenRequest
from sluicegate.core.access import apikey, versions
from sluicegate.core.directives import directive
from sluicegate.core.directives.directive import Signing
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.keys import StartLog
from sluicegate.core.terms.trust import Pin
from sluicegate.feed.run import Poll
from sluicegate.ports import Principal
from sluicegate.service import (
    doings,
    log,
    tokens,
)
from sluicegate.service.context import Services
from sluicegate.service.ledger import Ledger
from sluicegate.settings import ControlSettings, FeedSettings, GatewaySettings, UpstreamTarget
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record.log import acknowledgement, canonical, dsse, merkle, tiles
from sluicegate_record.log.times import parse_time
from sluicegate_record.statements.cases import Position
from sluicegate_record.statements.directives import DirectiveStatement
from sluicegate_record.statements.releases import StageOpening
from sluicegate_record.statements.statement import Statement

Result = TypeVar("Result")
ORIGIN = "log.example/sluicegate"
STARTED = "2026-06-24T12:00:00.000Z"
AGENCIES = ("oncd", "ostp")
OFFICER = "release-officer"
STREAM_CHUNKS, STREAM_INTERVAL_MS = 1_000, 20
_DIRECTIVE = {
    "apiVersion": "sluicegate/v1",
    "kind": "Directive",
    "metadata": {"name": "oncd-example"},
    "spec": {
        "issuer": "oncd",
        "basis": {"kind": "order", "authority": "an example letter"},
        "action": "suspend",
        "models": ["gpt-5.6"],
        "surfaces": "all",
        "effective": "immediately",
        "reasons": {"form": "verbal"},
        "drain": "PT0S",
        "covers": "everyone",
        "liftedBy": {"allOf": ["oncd"]},
    },
}


def key_of(owner: str) -> Ed25519PrivateKey:
    """The example key of an owner. Anyone can make it, so it is good for examples only."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"example key of {owner}".encode()).digest())


class Example:
    """A small log: one release, its terms agreed, one organization admitted, one key."""

    def __init__(self, folder: Path, examples: Path) -> None:
        draws = count()
        start_ms = parse_time(STARTED)
        self._commands = 0
        self.later_ms = 0
        """By how much its clock has been put forward."""
        self.boot_ms: Callable[[], float] = lambda: 1_000_000.0
        self._examples = examples
        self.ledger = Ledger(
            SqliteStore(folder / "ledger.db"),
            key_of("log"),
            ORIGIN,
            wall_ms=lambda: start_ms + 1_000 * self._commands + self.later_ms,
            boot_ms=lambda: self.boot_ms(),  # noqa: PLW0108 - a bench gives another later
            random=lambda size: hashlib.sha256(f"example draw {next(draws)}".encode()).digest()[:size],
        )
        self._state_dir = folder
        self.services = Services.over(self.ledger, fleet_of(self.ledger, folder))
        self.staff = Principal("developer_example", DEVELOPER, "developer")
        self.api_key = apikey.make(apikey.KEY_PREFIX, hashlib.sha256(b"example api key").digest())
        self.position: dict[str, Any] = {}
        self._tell()

    def _tell(self) -> None:
        self._start()
        plan = self._read("gpt-5.6-preview.yaml")
        applied = self.do(releases.APPLY, text=plan, file="plan.yaml")
        for agency in AGENCIES:
            self._approve(applied.cases[0], agency)
        opening = self.do(releases.OPENING, release="gpt-5.6", stage="trusted-partners")
        signed = _signed(StageOpening.from_json(opening.to_json()), OFFICER)
        self.do(releases.OPEN, envelope=signed)
        self._admit()

    def _start(self) -> None:
        owners = ((OFFICER, "openai"), *((agency, agency) for agency in AGENCIES))
        pins = [Pin(owner, party, _public(owner)) for owner, party in owners]
        command = StartLog(ORIGIN, self.ledger.vkey(), "openai", pins)
        _done(self.ledger.execute(command, by="log", command_id=self._id()))

    def _admit(self) -> None:
        submitted = self.do(
            applications.SUBMIT,
            release="gpt-5.6",
            stage="trusted-partners",
            surface="api",
            organization=self._read("example-utility.yaml"),
            file="example-utility.yaml",
        )
        for agency in AGENCIES:
            self._approve(submitted.application, agency)
        grant = self.do(cases.SHOW, case=submitted.application).grant.grant
        digest = apikey.digest(self.api_key).hex()
        self.do(credentials.ISSUE, grant=grant, digest=digest)

    def _approve(self, case: str, agency: str) -> None:
        question = self.do(review.EXPORT, case=case).question
        said = Position(question=question, agency=agency, position="approve", reason="", previous=None)
        self.position = _signed(said, agency)
        self.do(review.IMPORT, envelope=self.position)

    def suspend(self) -> None:
        """Issue a directive that covers everyone."""
        signing = Signing(self.ledger.vkey(), lambda: self.ledger.random(32))
        document, _ = directive.to_sign(_DIRECTIVE, signing)
        envelope = _signed(DirectiveStatement(document=document.to_json()), "oncd")
        self.do(directives.ISSUE, envelope=envelope)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """The log as a static copy, with the key that verifies it, and what an auditor cannot see."""
        yield "ledger/vkey", f"{self.ledger.vkey()}\n".encode()
        yield "ledger/checkpoint", self.ledger.checkpoint().encode()
        for path in tiles.paths(self.ledger.size()):
            yield f"ledger/{path}", _bytes(log.tile(self.ledger, path))
        leaves = self.ledger.store.log.leaves(0, self.ledger.size())
        yield "entries.json", _json([canonical.loads(leaf) for leaf in leaves])
        yield "position.json", _json(self.position)
        yield "poll.json", _json(self.poll())

    def poll(self) -> dict[str, Any]:
        """One poll of a new gateway, which gets the whole log and a lease."""
        fleet = self.services.fleet
        asked: dict[str, Any] = {
            "gateway": "gateway-1",
            "incarnation": "5f2c" * 8,
            "surface": "api",
            "after": 0,
            "nonce": "a1b2" * 8,
            "root": merkle.EMPTY_ROOT.hex(),
            "fold": versions.FOLD_VERSION,
        }
        question = acknowledgement.signed(
            {**asked, "waitMs": 0, "report": {"streamsCut": {}}}, key_of("run of gateway-1")
        )
        poll = Poll(**asked, signed=acknowledgement.read(question))
        leases = feed_of(self.ledger, fleet, self._state_dir, key_of("feed-1"))
        leases.heard(poll)
        return {"question": question, "answer": leases.answer(poll)}

    def _read(self, name: str) -> str:
        return (self._examples / name).read_text()

    def do(self, act: AnyAct, **asked: Any) -> Any:
        """Do an act as the developer's staff."""
        command_id = self._id() if act.kind == "command" else ""
        return _done(doings.do(self.services, self.staff, act, act.asked(**asked), command_id))

    def _id(self) -> str:
        """The next command's id. One second passes for each command, however often code reads the time."""
        self._commands += 1
        return f"example_{self._commands:04d}"


FOR_EVER_MS = 10**15
"""The clock of the example does not move. The gateway that shows how streams are cut lives by it."""


async def cut_streams(example: Example, folder: Path) -> dict[str, bytes]:
    """The raw bytes that clients of both dialects receive when a directive cuts their streams."""
    token = _done(tokens.issue(example.ledger, TokenRequest(role=GATEWAY, name="gateway-1"))).token
    settings = ControlSettings(folder, folder, ORIGIN, port=0)
    wired = bootstrap.Control(settings, example.ledger, fleet_of(example.ledger, folder))
    leases = feed_of(example.ledger, wired.fleet, folder, key_of("feed-1"))
    fed = bootstrap.WiredFeed(FeedSettings(folder, port=0), leases, example.ledger.store)
    stop, urls = asyncio.Event(), asyncio.Queue[str]()
    with in_thread(UpstreamSettings(STREAM_CHUNKS, STREAM_INTERVAL_MS)) as upstream:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bootstrap.serve_control(wired, stop, urls.put_nowait))
            control_url = await urls.get()
            tasks.create_task(bootstrap.serve_feed(fed, stop, urls.put_nowait))
            gate = GatewaySettings(
                surface="api",
                control_url=control_url,
                feed_url=await urls.get(),
                token=token,
                log_vkey=example.ledger.vkey(),
                upstreams={"demo": UpstreamTarget(upstream)},
                state_dir=folder / "gateway",
                port=0,
                clock_bound_ms=FOR_EVER_MS,
            )
            tasks.create_task(bootstrap.serve_gate(gate, stop, urls.put_nowait))
            port = int((await urls.get()).rpartition(":")[2])
            found = await _cut(example, port)
            stop.set()
    return found


async def _cut(example: Example, port: int) -> dict[str, bytes]:
    while b" 200 " not in (await _get(port, "/readyz")).split(b"\r\n")[0]:  # noqa: ASYNC110 - asked over HTTP
        await asyncio.sleep(0.05)
    streams = {name: await _open(port, *call, example.api_key) for name, call in _CALLS.items()}
    begun = {name: await reader.readuntil(b" 2") for name, (reader, _) in streams.items()}
    await asyncio.to_thread(example.suspend)
    found = {name: begun[name] + await reader.read() for name, (reader, _) in streams.items()}
    for _, writer in streams.values():
        writer.close()
    return found


_MESSAGES = [{"role": "user", "content": "count"}]
_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "cut-openai.txt": ("/v1/chat/completions", {"model": "gpt-5.6", "stream": True, "messages": _MESSAGES}),
    "cut-responses.txt": ("/v1/responses", {"model": "gpt-5.6", "stream": True, "input": "count"}),
    "cut-anthropic.txt": (
        "/v1/messages",
        {"model": "gpt-5.6", "max_tokens": 2_000, "stream": True, "messages": _MESSAGES},
    ),
}


async def _open(
    port: int, path: str, body: dict[str, Any], key: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request. Keep its writer: the connection closes with it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: gateway.example\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content)
    return reader, writer


async def _get(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: gateway.example\r\nconnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


def write(folder: Path, examples: Path) -> None:
    """Write every example into `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        example = Example(Path(scratch), examples)
        files = dict(example.files())
        files |= asyncio.run(cut_streams(example, Path(scratch)))
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _signed(stated: Statement, owner: str) -> dict[str, Any]:
    return dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, stated.payload(), key_of(owner)).to_json()


def _public(owner: str) -> bytes:
    return key_of(owner).public_key().public_bytes_raw()


def _done(result: Result | Refusal) -> Result:
    assert not isinstance(result, Refusal), result
    return result


def _bytes(found: bytes | Refusal) -> bytes:
    assert isinstance(found, bytes), found
    return found


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path("examples"))
