"""All on one state folder: under one supervisor (`up`), or each by itself (`control`, `feed`, `gateway`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from sluicegate.gate.kept import Memory
from tests.crash import parties
from tests.crash.customers import Client, Command
from tests.crash.parties import AGENCIES, UPSTREAM, Parties
from tests.crash.processes import Process, free_port
from tests.launcher import Launcher
from tests.waiting import BOUND_S, eventually

ORIGIN = "log.example/crash"
LEASE_MS = 5_000
FIRST_GATEWAY = "gateway-1"


@dataclass(frozen=True)
class Site:
    """Where a plane is set up: an empty folder, what starts its processes, and the model's server."""

    folder: Path
    launcher: Launcher
    upstream_url: str


class Plane:
    """Both planes. `control` is the process of the control plane; in `up` the supervisor of everything.

    Units: `lease_ms`, `per_minute` and `per_day`, if any, are the plan's, and so is `spec`.
    """

    def __init__(
        self,
        site: Site,
        *,
        apart: bool,
        lease_ms: int = LEASE_MS,
        parties: Parties | None = None,
        per_minute: int | None = None,
        per_day: int | None = None,
        **spec: Any,
    ) -> None:
        folder = site.folder
        self._launcher = site.launcher
        self.folder = folder
        self.state = folder / "state"
        self.apart = apart
        self.lease_ms = lease_ms
        self._quotas, self._spec = (per_minute, per_day), spec
        self.parties = parties or Parties()
        self._control_port, self._feed_port, self._gateway_port = free_port(), free_port(), free_port()
        self._upstream = f"{UPSTREAM}={site.upstream_url}"
        self._trust = self.parties.write_trust(folder / "trust.yaml")
        self.control = self._control() if apart else self._up()
        self.feed = self._feed() if apart else self.control
        self.gateway = self._gateway() if apart else self.control

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self._control_port}"

    @property
    def feed_url(self) -> str:
        return f"http://127.0.0.1:{self._feed_port}"

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self._gateway_port}"

    @property
    def database(self) -> Path:
        return self.state / "ledger.db"

    @property
    def seen(self) -> Path:
        """Where the gateway keeps the newest head it trusted."""
        return self.state / "gateway" / "seen.json"

    @property
    def vkey(self) -> str:
        """The log's verifier key, as the control plane prints it."""
        _, _, rest = self.control.said().partition("vkey: ")
        return rest.partition("\n")[0]

    def token(self, name: str) -> str:
        return (self.state / "tokens" / f"{name}.token").read_text().strip()

    def start_control(self) -> None:
        self.control.start("control", *(() if self.apart else ("gateway",)))

    def start_feed(self) -> None:
        self.feed.start("feed")

    def start_gateway(self) -> None:
        self.gateway.start("gateway")

    def start(self) -> None:
        """Start everything, for the first time: apply a plan, have it agreed, open its stage."""
        self.start_control()
        self.parties.log = self.vkey
        if self.apart:
            (self.folder / "log.vkey").write_text(self.vkey)
            self.start_feed()
            self.start_gateway()
        with closing(self.developer()) as client:
            _open_release(client, self.parties, parties.plan(self.lease_ms, *self._quotas, **self._spec))

    def developer(self) -> Client:
        return Client(self.control_url, self.token("developer"))

    def end(self) -> None:
        self.gateway.end()
        self.feed.end()
        self.control.end()

    def readiness(self) -> tuple[bool, int]:
        """Whether the gateway has a live lease, and the log size it has folded."""
        try:
            response = httpx2.get(
                f"{self.gateway_url}/readyz", timeout=BOUND_S, trust_env=False, verify=False
            )
        except httpx2.TransportError:
            return False, 0
        answer = response.json()
        assert (response.status_code == 200) == answer["ready"]
        return answer["ready"], answer["size"]

    def wait_ready(self, size: int) -> None:
        """Wait until the gateway has a lease on a log of at least `size` entries."""
        eventually(lambda: self.readiness() >= (True, size))

    def wait_kept(self, size: int) -> None:
        """Wait until the gateway has stored the first `size` entries, and writes nothing more of its own."""
        self.wait_ready(size)
        eventually(lambda: Memory(self.seen.parent).load().size >= size)

    def _up(self) -> Process:
        ports = {"--port": self._control_port, "--feed-port": self._feed_port}
        ports["--gateway-port"] = self._gateway_port
        flat = [str(word) for pair in ports.items() for word in pair]
        return self._process("up", *self._common(), *flat, "--upstream", self._upstream)

    def _control(self) -> Process:
        return self._process("control", *self._common(), "--port", str(self._control_port))

    def _feed(self) -> Process:
        return self._process("feed", "--state", str(self.state), "--port", str(self._feed_port))

    def _common(self) -> tuple[str, ...]:
        return ("--trust", str(self._trust), "--state", str(self.state), "--origin", ORIGIN)

    def _process(self, command: str, *arguments: str) -> Process:
        return Process(self._launcher, self.folder / f"{command}.log", command, *arguments)

    def another_gateway(self, name: str) -> tuple[Process, str]:
        """Another gateway of the surface, not started, and its URL. Requires: `apart`, and started."""
        with closing(self.developer()) as client:
            made = client.do(Command("token", "/api/v1/tokens", {"role": "gateway", "name": name}))
        (self.state / "tokens" / f"{name}.token").write_text(made["token"])
        port = free_port()
        arguments = self._gateway_arguments(name, port)
        return Process(self._launcher, self.folder / f"{name}.log", "gateway", *arguments), (
            f"http://127.0.0.1:{port}"
        )

    def _gateway(self) -> Process:
        return self._process("gateway", *self._gateway_arguments(FIRST_GATEWAY, self._gateway_port))

    def _gateway_arguments(self, name: str, port: int) -> list[str]:
        arguments = {
            "--log-key": self.folder / "log.vkey",
            "--token-file": self.state / "tokens" / f"{name}.token",
            "--upstream": self._upstream,
            "--control": self.control_url,
            "--feed": self.feed_url,
            "--name": name,
            "--state": self.state / ("gateway" if name == FIRST_GATEWAY else name),
            "--port": port,
        }
        return [str(word) for pair in arguments.items() for word in pair]


def running(site: Site, *, apart: bool, lease_ms: int = LEASE_MS) -> AbstractContextManager[Plane]:
    """A new plane, started."""
    return started(Plane(site, apart=apart, lease_ms=lease_ms))


@contextmanager
def started(plane: Plane) -> Iterator[Plane]:
    """Start a plane, with an open release; nothing of it is left behind."""
    try:
        plane.start()
        yield plane
    finally:
        plane.end()


def _open_release(client: Client, signers: Parties, plan: str) -> None:
    client.do(Command("apply", "/api/v1/releases", {"text": plan, "file": "plan.yaml"}))
    (release,) = client.ask("/api/v1/releases")["releases"]
    (stage,) = release["stages"]
    exported = client.ask(f"/api/v1/cases/{stage['termsCase']}/export")
    for agency in AGENCIES:
        envelope = signers.position(exported, agency)
        client.do(Command("position", "/api/v1/positions", {"envelope": envelope}))
    opening = client.ask(f"/api/v1/releases/{parties.RELEASE}/stages/{parties.STAGE}/opening")
    client.do(Command("open", "/api/v1/releases/openings", {"envelope": signers.opening(opening)}))
