"""Each event of security, from what happens to a server to the line in its journal."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sluicegate import bootstrap, journal
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.gate.engine import Engine
from sluicegate.gate.feed import Feed, MachineClock
from sluicegate.gate.kept import Memory, TrustedHead
from sluicegate.store.clock import SteadyClock
from sluicegate_record.entries import Entry
from sluicegate_record.log import acknowledgement, times
from sluicegate_record.log.times import HOUR_MS
from tests import forging
from tests.control.test_errors import serving
from tests.core.access.test_vouch import honest, trust
from tests.feed.conftest import Fed
from tests.feed.conftest import plane as fed
from tests.feed.test_app import send, signed
from tests.gate.clients import ai
from tests.gate.conftest import quick
from tests.gate.running import running, settings
from tests.gate.test_tail import Control
from tests.gate.world import MODEL
from tests.gate.world import World as Customers
from tests.plane import Plane
from tests.store.test_clock import Time
from tests.waiting import BOUND_S
from tests.worlds import LOG, World, directive, directive_value, head_of, position, private_key

__all__ = ["fed", "quick"]
AT_CONTROL = ("sign_in_failed", "signature_refused", "key_misused", "directive_refused")
AT_FEED = ("key_misused", "gateway_drifted", "log_went_back")
AT_GATEWAY = ("log_forked", "log_went_back", "clock_jumped", "widening_unvouched")
AT_EDGE = ("sign_in_failed", "key_misused")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """The lines of an event, by their fields."""

    def of(event: str) -> list[dict[str, Any]]:
        lines = [each.__dict__ for each in caplog.records if each.__dict__.get("event") == event]
        assert all(line["fields"].keys() <= journal.FIELDS.keys() | {"ended"} for line in lines)
        return [line["fields"] for line in lines]

    with caplog.at_level(logging.INFO, "sluicegate"):
        yield of


Told = Callable[[str], list[dict[str, Any]]]


def test_each_event_of_security_is_here() -> None:
    assert {*AT_CONTROL, *AT_FEED, *AT_GATEWAY, *AT_EDGE} == journal.SECURITY.keys()


@pytest.mark.parametrize("event", AT_CONTROL)
def test_a_control_plane_tells_it(event: str, told: Told) -> None:
    made = Plane()
    made.opened()
    case = made.case(made.submit().application)
    by_stranger, by_another = (
        {"envelope": position(case, "oncd", signer=signer).to_json()} for signer in ("nobody", "ostp")
    )
    order = {"envelope": directive(directive_value("d-1", issuer="oncd"), signer="nobody").to_json()}
    asked: dict[str, tuple[str, dict[str, Any], str]] = {
        "sign_in_failed": ("/api/v1/positions", by_stranger, "sgt_" + "A" * 43),
        "signature_refused": ("/api/v1/positions", by_stranger, made.tokens["oncd"]),
        "key_misused": ("/api/v1/positions", by_another, made.tokens["oncd"]),
        "directive_refused": ("/api/v1/directives", order, made.tokens["oncd"]),
    }
    path, body, token = asked[event]
    before = journal.counted()[event]
    with serving(made) as client:
        client.timeout = BOUND_S
        answer = client.post(path, json=body, headers={"authorization": f"Bearer {token}"})
    assert 400 <= answer.status_code < 500
    (line,) = told(event)
    assert line["act"] in {"position.import", "directive.issue"}
    assert journal.counted()[event] == before + 1


@pytest.mark.parametrize("event", AT_FEED)
def test_a_feed_tells_it(event: str, fed: Fed, told: Told) -> None:
    ahead = {name: each for name, each in signed(fed, 0).items() if name not in {"key", "sig"}}
    asked = {
        "key_misused": signed(fed, 0, gateway="gateway-2"),
        "gateway_drifted": signed(fed, 0, root="ab" * 32),
        "log_went_back": acknowledgement.signed(
            {**ahead, "after": fed.ledger.size() + 5}, private_key("run")
        ),
    }
    status, _ = send(fed, asked[event])
    assert status >= 400
    (line,) = told(event)
    assert line["gateway"] == ("gateway-2" if event == "key_misused" else "gateway-1")


@pytest.mark.parametrize("event", AT_EDGE)
def test_a_gateway_tells_of_a_key(event: str, quick: str, told: Told) -> None:
    world = Customers.with_release()
    with running(world, quick) as gate:
        key, credential = world.credential(world.grant("org-1"))
        gate.advance()
        if event == "key_misused":
            world.revoke(credential)
            gate.advance()
        else:
            key = key[:-1] + ("A" if key[-1] != "A" else "B")
        with ai(gate, key) as client, pytest.raises(Exception, match="401"):
            client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hi"}])
    (line,) = told(event)
    assert line["result"] in {"credential_unknown", "credential_revoked"}


@pytest.mark.parametrize("event", AT_GATEWAY)
def test_a_gateway_tells_of_its_feed(event: str, tmp_path: Path, told: Told) -> None:
    world = honest()
    seen, entries, table = None, world.entries, Table()
    wall_ms = bootstrap.wall_ms()
    if event == "log_forked":
        other = World.opened()
        other.direct("d-1")
        seen = head_of(other.entries)
    elif event == "log_went_back":
        world.direct("d-1")
        seen, entries = head_of(world.entries), world.entries[:-1]
    elif event == "clock_jumped":
        wall_ms += HOUR_MS
    else:
        table = VouchedTable(trust())
        entries = [entry for entry in entries if entry.type != "position.recorded"]
        entries = list(unsigned(entries))
    if seen is not None:
        Memory(tmp_path).save(TrustedHead(seen.size, seen.root))
    asyncio.run(polled(Control(entries), tmp_path, table, wall_ms, event, told))
    assert told(event)[0]["gateway"] == "gateway-1"


def unsigned(entries: list[Entry]) -> Iterator[Entry]:
    """Entries at places of their own: some lack."""
    for seq, entry in enumerate(entries):
        yield entry if entry.seq == seq else forging.told(entry, {}, seq=seq)


async def polled(control: Control, folder: Path, table: Table, wall_ms: int, event: str, told: Told) -> None:
    """A gateway asks a feed until it tells the event."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["content-length"])))
            after = question["after"]
            body = (
                control.answer(question, controlTime=times.format_time(wall_ms))
                if after <= len(control.entries)
                else b"{}"
            )
            self.send_response_only(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        given = settings(
            feed_url=url, control_url=url, log_vkey=LOG, state_dir=folder, name="gateway-1", token="t"
        )
        engine = Engine("api", bootstrap.boot_ms, table)
        feed = Feed(given, engine, MachineClock(bootstrap.boot_ms, bootstrap.wall_ms))
        running_feed = asyncio.create_task(feed.run())
        async with asyncio.timeout(BOUND_S):
            while not told(event):  # noqa: ASYNC110 - it is told by a log
                await asyncio.sleep(0.01)
        running_feed.cancel()
        await asyncio.wait({running_feed})
        server.shutdown()


def test_a_clock_that_jumps_is_told_by_the_control_plane(told: Told) -> None:
    time = Time()
    clock = SteadyClock(lambda: time.wall_ms, lambda: time.boot_ms)
    clock()
    time.passes(1_000, wall=1_000 + HOUR_MS)
    clock()
    (line,) = told("clock_jumped")
    assert line["seconds"] == HOUR_MS // 1_000
