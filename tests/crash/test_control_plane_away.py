"""What a gateway does while its control plane is away, and when another comes back than the one it knew."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

import httpx2

from demo.upstream import UpstreamSettings, in_thread
from tests.crash.customers import admitted
from tests.crash.parties import MODEL
from tests.crash.plane import Plane, running
from tests.waiting import BOUND_S, eventually

LONG_LEASE_MS = 60_000
SHORT_LEASE_MS = 500
CLIENTS = 8
RESTARTS = 2
STREAM = UpstreamSettings(chunks=40, chunk_interval_ms=20)


def test_a_control_plane_killed_and_back_within_the_lease_sheds_nothing(site):
    with (
        in_thread(STREAM) as streaming_url,
        running(replace(site, upstream_url=streaming_url), apart=True, lease_ms=LONG_LEASE_MS) as plane,
    ):
        secret = _admitted(plane, "the first")
        eventually(lambda: _asked(plane, secret).status_code == 200)
        with _streaming(plane, secret) as whole:
            for restart in range(RESTARTS):
                plane.control.kill()
                enough = len(whole) + CLIENTS
                eventually(lambda enough=enough: len(whole) >= enough)  # type: ignore[misc]
                plane.start_control()
                _, size = plane.readiness()
                _admitted(plane, f"after restart {restart}")
                plane.wait_ready(size + 1)


@contextmanager
def _streaming(plane: Plane, secret: str) -> Iterator[list[str]]:
    """Clients stream one answer after the other meanwhile; each must be let in and get all of it."""
    whole: list[str] = []
    over = threading.Event()

    def stream() -> None:
        while not over.is_set():
            response = _asked(plane, secret, stream=True)
            assert response.status_code == 200, response.text
            assert response.text.endswith("data: [DONE]\n\n"), response.text
            whole.append(response.text)

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(stream) for _ in range(CLIENTS)]
        try:
            yield whole
        finally:
            over.set()
        for client in clients:
            client.result(BOUND_S)


def test_a_database_put_back_from_an_older_copy_is_refused(site):
    with running(site, apart=True, lease_ms=SHORT_LEASE_MS) as plane:
        assert plane.control.terminate() == plane.feed.terminate() == 0
        shutil.copy(plane.database, plane.folder / "older.db")
        plane.start_control()
        plane.start_feed()
        secret = _admitted(plane, "one")
        plane.wait_ready(0)
        eventually(lambda: _asked(plane, secret).status_code == 200)

        plane.control.kill()
        for path in plane.state.glob("ledger.db*"):
            path.unlink()
        shutil.copy(plane.folder / "older.db", plane.database)
        assert eventually(plane.feed.code) == 3
        assert "put in the place of" in plane.feed.said()
        plane.start_control()
        plane.start_feed()
        eventually(lambda: _asked(plane, secret).status_code == 503)
        _refused_by_a_new_run(plane, "the log goes back", secret)

        another = _admitted(plane, "another")
        _refused_by_a_new_run(plane, "the log has forked", secret, another)


def _refused_by_a_new_run(plane: Plane, why: str, *secrets: str) -> None:
    plane.gateway.kill()
    plane.start_gateway()
    eventually(lambda: why in plane.gateway.said())
    for secret in secrets:
        assert _asked(plane, secret).status_code == 503


def _admitted(plane: Plane, name: str) -> str:
    with closing(plane.developer()) as client:
        return admitted(client, plane.parties, name)


def _asked(plane: Plane, secret: str, *, stream: bool = False) -> httpx2.Response:
    body = {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": "hello"}]}
    headers = {"authorization": f"Bearer {secret}"}
    url = f"{plane.gateway_url}/v1/chat/completions"
    return httpx2.post(url, json=body, headers=headers, timeout=BOUND_S, trust_env=False, verify=False)
