"""Feed, control plane and gateway frame requests in one way: each refuses and accepts the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from demo.fleet import served
from sluicegate import bootstrap
from sluicegate.settings import FeedSettings, HttpSettings
from tests.control.conftest import Plane, served_feed
from tests.gate.running import running
from tests.gate.world import World
from tests.http.framing import ACCEPTED, GET, REFUSED
from tests.http.running import statuses
from tests.raw import Raw

LIMITS: dict[str, Any] = {"max_head_bytes": 16_384, "max_target_bytes": 4_096}


@dataclass(frozen=True)
class Listening:
    """A server, something that it answers with 200, and something whose body it reads."""

    port: int
    get: bytes
    post: bytes

    def asked(self, request_bytes: bytes) -> bytes:
        """A request of the table, for this server."""
        asked = request_bytes.replace(b"GET /first ", b"GET %b " % self.get)
        return asked.replace(b"POST /body HTTP/1.1\r\n", self.post)

    @property
    def after(self) -> bytes:
        """A request that it answers with 200."""
        return GET.replace(b"/after", self.get)


def reading(path: str, token: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n".encode()


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


@contextmanager
def control_plane(folder: Path) -> Iterator[Listening]:
    made = Plane(folder, HttpSettings(**LIMITS))
    with served(made.wired) as url:
        yield Listening(port_of(url), b"/healthz", reading("/api/v1/definitions", made.token("developer")))


@contextmanager
def feed(folder: Path) -> Iterator[Listening]:
    made = Plane(folder)
    wired = bootstrap.feed(FeedSettings(folder, port=0, http=HttpSettings(**LIMITS)))
    with served_feed(wired) as url:
        token = made.token("gateway", "gateway-1")
        yield Listening(port_of(url), b"/healthz", reading("/fleet/v1/poll", token))
    made.wired.parsers.close()


@contextmanager
def gateway(_: Path) -> Iterator[Listening]:
    world = World.with_release()
    key = world.customer()
    with running(world, "http://127.0.0.1:1", **LIMITS) as gate:
        yield Listening(gate.port, b"/healthz", reading("/v1/chat/completions", key))


SERVERS: dict[str, Callable[[Path], AbstractContextManager[Listening]]] = {
    "control plane": control_plane,
    "feed": feed,
    "gateway": gateway,
}


@pytest.fixture(scope="module", params=[*SERVERS])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    with SERVERS[request.param](tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.mark.parametrize(("status", "request_bytes"), REFUSED.values(), ids=REFUSED.keys())
def test_each_refuses_what_has_two_readings_and_ends_the_connection(
    server: Listening, status: int, request_bytes: bytes
):
    with Raw(server.port) as client:
        client.send(server.asked(request_bytes) + server.after)
        seen, _ = client.rest()
    assert statuses(seen) == [status]
    assert b"\r\nconnection: close\r\n" in seen
    assert json.loads(seen.partition(b"\r\n\r\n")[2])["error"]["message"]


@pytest.mark.parametrize(("request_bytes", "path", "_body"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_each_answers_what_has_one_reading_and_what_comes_after(
    server: Listening, request_bytes: bytes, path: bytes, _body: int
):
    with Raw(server.port) as client:
        client.send(server.asked(request_bytes) + server.after)
        status, fields, _told = client.response()
        assert "connection" not in fields
        assert path == b"/" or (status == 200) is (b"GET /first " in request_bytes)  # some have a first page
        assert client.response()[0] == 200


def test_each_answers_what_is_right_before_what_is_wrong(server: Listening):
    with Raw(server.port) as client:
        client.send(3 * server.after + server.asked(REFUSED["length and coding"][1]) + server.after)
        seen, was_reset = client.rest()
    assert (statuses(seen), was_reset) == ([200, 200, 200, 400], False)


def test_a_feed_is_ready_while_it_could_give_a_lease_and_counts_what_it_does(tmp_path: Path):
    made = Plane(tmp_path)
    wired = bootstrap.feed(FeedSettings(tmp_path, port=0))
    made.wired.fleet.tick()
    with served_feed(wired) as url, httpx2.Client(base_url=url, trust_env=False, verify=False) as client:
        assert (client.get("/healthz").text, client.get("/readyz").text) == ("ok\n", "ready\n")
        said = client.get("/metrics").text
    made.wired.parsers.close()
    assert "sluicegate_feed_ready 1.0" in said
    assert f"sluicegate_feed_log_size {made.ledger.size()}.0" in said


def test_a_feed_whose_key_no_one_has_certified_lives_and_is_not_ready(tmp_path: Path):
    made = Plane(tmp_path)
    wired = bootstrap.feed(FeedSettings(tmp_path, port=0))
    with served_feed(wired) as url, httpx2.Client(base_url=url, trust_env=False, verify=False) as client:
        assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 503)
        assert "sluicegate_feed_ready 0.0" in client.get("/metrics").text
    made.wired.parsers.close()
