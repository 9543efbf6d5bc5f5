"""This build beside an earlier one, whose records it left as they were: gateways of this build follow either.

A gateway of the earlier build does not know feeds: gateways are brought up to date first.

The earlier build is taken from the repository's history. Where that does not reach so far, as in a shallow
clone or a source archive, these tests are skipped.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import pytest

from demo.upstream import UpstreamSettings, in_thread
from tests.crash.customers import Command, admitted
from tests.crash.parties import AGENCIES, MODEL, RELEASE, UPSTREAM, Parties
from tests.crash.plane import FIRST_GATEWAY, Plane, Site, started
from tests.crash.processes import Process
from tests.launcher import Launcher
from tests.waiting import BOUND_S, eventually

EARLIER = "8127f04f45d7"
ROOT = Path(__file__).parents[2]
FIRST, SECOND = "The First Organization", "The Second Organization"
ORDER = "order-1"
STREAM = UpstreamSettings(chunks=6_000, chunk_interval_ms=20)
"""Two minutes long: one that ends earlier was cut."""
TRUSTING = [
    pytest.param(False, id="alone"),
    pytest.param(True, id="with a trust file", marks=pytest.mark.long),
]


@pytest.fixture(scope="session")
def earlier_sources(tmp_path_factory) -> Path:
    """The sources of the earlier build."""
    command = ["git", "archive", "--format=zip", EARLIER, "src"]
    try:
        archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("there is no git to take the earlier build with")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"the earlier build {EARLIER} is not in this history: {error.stderr.decode().strip()}")
    folder: Path = tmp_path_factory.mktemp("earlier")
    with zipfile.ZipFile(BytesIO(archive)) as files:
        files.extractall(folder)
    return folder / "src"


@pytest.fixture(scope="session")
def earlier(earlier_sources) -> Iterator[Launcher]:
    """Runs `sluicegate …` of the earlier build, with the same interpreter."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(earlier_sources))
        where = [sys.executable, "-P", "-c", "import sluicegate; print(sluicegate.__file__)"]
        found = subprocess.run(where, capture_output=True, check=True, text=True).stdout
        assert Path(found.strip()).is_relative_to(earlier_sources)
        launcher = Launcher()
    with closing(launcher):
        yield launcher


class TwoBuilds(Plane):
    """A control plane of the site's build, and a gateway of this one, which the launcher `ours` starts.

    An earlier control plane gives leases itself. `trusting`: the gateway has a trust file, and honours only
    what its keys have signed.
    """

    def __init__(
        self, site: Site, ours: Launcher, *, trusting: bool = False, parties: Parties | None = None
    ) -> None:
        self._ours = ours
        self._entrusted = site.folder / "gateway-trust.json" if trusting else None
        super().__init__(site, apart=True, parties=parties)
        self.parties.dated = False

    @property
    def is_earlier(self) -> bool:
        """Whether the control plane is of the earlier build."""
        return self._launcher is not self._ours

    @property
    def feed_url(self) -> str:
        return self.control_url if self.is_earlier else super().feed_url

    def start_feed(self) -> None:
        if not self.is_earlier:
            super().start_feed()

    def start_gateway(self) -> None:
        if self._entrusted is not None:
            pinned = json.loads((self.folder / "trust.yaml").read_text())
            release = {"floor": {"allOf": list(AGENCIES)}, "upstreams": {MODEL: UPSTREAM}}
            spec = {**pinned["spec"], "log": self.vkey, "releases": {RELEASE: release}}
            self._entrusted.write_text(json.dumps({**pinned, "kind": "GatewayTrust", "spec": spec}))
        super().start_gateway()

    def hand_over(self, launcher: Launcher) -> None:
        """Stop the control plane and what follows it; the build that `launcher` starts goes on."""
        for process in (self.gateway, self.feed, self.control):
            process.end()
        self._launcher = launcher
        self.control, self.feed, self.gateway = self._control(), self._feed(), self._gateway()
        self.start_control()
        self.start_feed()
        self.start_gateway()

    def _process(self, command: str, *arguments: str) -> Process:
        if command == "control":
            return super()._process("serve" if self.is_earlier else command, *arguments)
        more = () if self._entrusted is None or command == "feed" else ("--trust", str(self._entrusted))
        return Process(self._ours, self.folder / f"{command}.log", command, *arguments, *more)


@pytest.fixture
def streaming(site) -> Iterator[Site]:
    """A site whose model answers at length."""
    with in_thread(STREAM) as url:
        yield replace(site, upstream_url=url)


@pytest.mark.parametrize("trusting", TRUSTING)
def test_this_gateway_follows_an_earlier_control_plane(trusting, streaming, launcher, earlier):
    with started(TwoBuilds(replace(streaming, launcher=earlier), launcher, trusting=trusting)) as plane:
        _admits_and_cuts(plane)
        _both_verify(plane, launcher, earlier)


def test_a_database_is_handed_over_and_back(site, launcher, earlier):
    plane = TwoBuilds(replace(site, launcher=earlier), launcher, trusting=True)
    with started(plane):
        with closing(plane.developer()) as client:
            first = admitted(client, plane.parties, FIRST)
            second = admitted(client, plane.parties, SECOND)
            size = client.do(_order(plane, FIRST))["size"]
        _in_force(plane)
        for build, name in ((launcher, "The Third Organization"), (earlier, "The Fourth Organization")):
            plane.hand_over(build)
            plane.wait_ready(size)
            assert (_asked(plane, first), _asked(plane, second)) == (451, 200)
            with closing(plane.developer()) as client:
                another = admitted(client, plane.parties, name)
            eventually(lambda another=another: _asked(plane, another) == 200)  # type: ignore[misc]
            size = _both_verify(plane, launcher, earlier)


def _admits_and_cuts(plane: Plane) -> None:
    """The gateway has a lease, lets in whoever is admitted, and ends what a directive forbids."""
    with closing(plane.developer()) as client:
        secret = admitted(client, plane.parties, FIRST)
        spared = admitted(client, plane.parties, SECOND)
        eventually(lambda: plane.readiness()[0])
        for key in (secret, spared):
            eventually(lambda key=key: _begins(plane, key))  # type: ignore[misc]
        order = _order(plane, FIRST)
        assert _cut(plane, secret, lambda: client.do(order)) == "directive_in_force"
    assert _asked(plane, secret) == 451
    assert _begins(plane, spared)
    _in_force(plane)


def _in_force(plane: Plane) -> None:
    """The directive comes to be in force everywhere, and the log says so."""
    with closing(plane.developer()) as client:

        def status() -> dict[str, Any] | None:
            said = client.ask(f"/api/v1/directives/{ORDER}/status")
            return said if said["inForce"] and said["entry"] is not None else None

        assert [row["gateway"] for row in eventually(status)["gateways"]] == [FIRST_GATEWAY]


def _both_verify(plane: Plane, *builds: Launcher) -> int:
    """Each build verifies the log as it is on the disk; its size, which grows by itself at times."""
    sizes = []
    for number, build in enumerate(builds):
        log = plane.folder / f"verify-{number}.log"
        verifying = Process(
            build, log, "ledger", "verify", str(plane.database), "--key", plane.vkey, "--json"
        )
        verifying.spawn()
        assert eventually(lambda: verifying.code() is not None)  # noqa: B023 - called at once
        assert verifying.code() == 0, verifying.said()
        sizes.append(int(json.loads(verifying.said())["size"]))
    return min(sizes)


def _order(plane: Plane, organization: str) -> Command:
    return Command("suspend", "/api/v1/directives", plane.parties.directive(ORDER, organization))


def _cut(plane: Plane, secret: str, act: Callable[[], object]) -> str:
    """Act while a stream is open, and read it to its end: the code of what cut it."""
    with _stream(plane, secret) as response:
        assert response.status_code == 200, response.read()
        pieces = response.iter_raw()
        received = bytearray(next(pieces))
        act()
        with pytest.raises(httpx2.RemoteProtocolError):
            _read(pieces, received)
    event = bytes(received).removesuffix(b"\n\n").rpartition(b"\n\n")[2]
    return str(json.loads(event.removeprefix(b"data: "))["error"]["code"])


def _read(pieces: Iterable[bytes], received: bytearray) -> None:
    for piece in pieces:
        received += piece


def _begins(plane: Plane, secret: str) -> bool:
    """Whether a stream begins; it is left at once."""
    with _stream(plane, secret) as response:
        return response.status_code == 200


def _asked(plane: Plane, secret: str) -> int:
    """The status of a request for a short answer."""
    request = _request(plane, secret, stream=False)
    return httpx2.post(**request).status_code


def _stream(plane: Plane, secret: str) -> AbstractContextManager[httpx2.Response]:
    return httpx2.stream("POST", **_request(plane, secret, stream=True))


def _request(plane: Plane, secret: str, *, stream: bool) -> dict[str, Any]:
    body = {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": "hello"}]}
    return {
        "url": f"{plane.gateway_url}/v1/chat/completions",
        "json": body,
        "headers": {"authorization": f"Bearer {secret}"},
        "timeout": BOUND_S,
        "trust_env": False,
        "verify": False,
    }
