"""A database is lost under load: what two gateways with trust files hold is taken back, or held on to."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.core.access import apikey
from sluicegate.store import keyfile
from sluicegate_record.log import canonical
from tests.crash.customers import Client, Command, Script, Unanswered, admission, issue
from tests.crash.parties import AGENCIES, DEVELOPER, MODEL, OFFICER, RELEASE, UPSTREAM, Parties
from tests.crash.plane import FIRST_GATEWAY, Plane, Site, started
from tests.crash.processes import Process
from tests.waiting import BOUND_S, eventually

OTHER_OFFICER = "other-officer"
LEASE_MS = 1_000


class TwoOfficers(Parties):
    """Parties with a second officer, who write the trust file of a gateway, and sign by the command line."""

    def __init__(self) -> None:
        super().__init__()
        self._keys[OTHER_OFFICER] = Ed25519PrivateKey.generate()

    def key_file(self, owner: str, folder: Path) -> Path:
        path = folder / f"{owner}.key"
        keyfile.save_private(path, self._keys[owner])
        return path

    def write_trust(self, path: Path) -> Path:
        spec = {"officers": self._officers(), "agencies": {name: self._pin(name) for name in AGENCIES}}
        return self._written(path, "Trust", spec)

    def write_gateway_trust(self, path: Path) -> Path:
        agencies = {name: {"owners": {name: self._pin(name)}} for name in AGENCIES}
        floor = {"floor": {"allOf": list(AGENCIES)}, "upstreams": {MODEL: UPSTREAM}}
        spec = {
            "officers": self._officers(),
            "agencies": agencies,
            "log": self.log,
            "releases": {RELEASE: floor},
        }
        return self._written(path, "GatewayTrust", spec)

    def _officers(self) -> dict[str, Any]:
        return {name: self._pin(name) for name in (OFFICER, OTHER_OFFICER)}

    def _pin(self, name: str) -> dict[str, str]:
        return {"key": canonical.b64(self._keys[name].public_key().public_bytes_raw())}

    def _written(self, path: Path, kind: str, spec: dict[str, Any]) -> Path:
        metadata = {"developer": DEVELOPER}
        document = {"apiVersion": "sluicegate/v1", "kind": kind, "metadata": metadata, "spec": spec}
        path.write_text(json.dumps(document))
        return path


class Site2(Plane):
    """A plane whose gateways have trust files, and a command line beside it."""

    def __init__(self, site: Site) -> None:
        self.officers = TwoOfficers()
        super().__init__(site, apart=True, lease_ms=LEASE_MS, parties=self.officers)
        self.site = site

    def start_gateway(self) -> None:
        if not (self.folder / "gateway-trust.yaml").exists():
            self.officers.write_gateway_trust(self.folder / "gateway-trust.yaml")
        super().start_gateway()

    def _gateway_arguments(self, name: str, port: int) -> list[str]:
        return [*super()._gateway_arguments(name, port), "--trust", str(self.folder / "gateway-trust.yaml")]

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command to its end; what it wrote."""
        process = Process(self.site.launcher, self.folder / "command.log", *words)
        process.spawn()
        ended = self.site.launcher.wait(process.pid)
        assert ended == code, process.said()
        return process.said()

    def folder_of(self, gateway: str) -> Path:
        return self.state / ("gateway" if gateway == FIRST_GATEWAY else gateway)


@dataclass(frozen=True)
class Customer:
    organization: str
    secret: str
    credential: str


@dataclass(frozen=True)
class Narrowed:
    """Two gateways that refuse what was narrowed after the backup, and go on to answer one customer."""

    plane: Site2
    second: Process
    urls: tuple[str, str]
    backup: Path
    kept: Customer
    revoked: Customer
    directed: Customer
    size: int

    def statuses(self, customer: Customer) -> set[int]:
        return {asked(url, customer.secret) for url in self.urls}

    def holds(self) -> bool:
        """Whether both gateways answer as they should, and refuse what was narrowed; not while one starts."""
        with suppress(httpx2.ConnectError):
            return self._holds()
        return False

    def _holds(self) -> bool:
        return (self.statuses(self.kept), self.statuses(self.revoked), self.statuses(self.directed)) == (
            {200},
            {401},
            {451},
        )


def told(client: Client, script: Script[str]) -> str:
    """What comes of a script, with nothing in the way."""
    step = next(script)
    while True:
        try:
            step = script.send(client.ask(step) if isinstance(step, str) else client.do(step))
        except StopIteration as done:
            return str(done.value)


def asked(url: str, secret: str) -> int:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
    headers = {"authorization": f"Bearer {secret}"}
    answered = httpx2.post(
        f"{url}/v1/chat/completions",
        json=body,
        headers=headers,
        timeout=BOUND_S,
        trust_env=False,
        verify=False,
    )
    return answered.status_code


def customer(client: Client, signers: Parties, name: str) -> Customer:
    grant = told(client, admission(signers, name))
    secret = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
    return Customer(name, secret, client.do(issue(grant, secret))["credential"])


@contextmanager
def load(plane: Plane) -> Iterator[None]:
    """Members of the public apply meanwhile, one after the other."""
    over = threading.Event()

    def apply() -> None:
        with closing(plane.developer()) as client:
            while not over.is_set():
                with suppress(Unanswered, httpx2.TransportError):
                    told(client, admission(plane.parties, f"load {secrets.token_hex(8)}"))

    thread = threading.Thread(target=apply, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(BOUND_S)


@pytest.fixture
def narrowed(site: Site) -> Iterator[Narrowed]:
    """A backup under load; then a key is revoked and a directive issued; then the database is lost."""
    with started(Site2(site)) as plane:
        assert isinstance(plane, Site2)
        second, url = plane.another_gateway("gateway-2")
        second.start("gateway")
        try:
            with closing(plane.developer()) as client:
                kept, revoked, directed = (customer(client, plane.parties, name) for name in ("a", "b", "c"))
                backup = plane.folder / "backup"
                with load(plane):
                    plane.run("backup", "make", "-o", str(backup), "--state", str(plane.state))
                    client.do(Command("revoke", f"/api/v1/credentials/{revoked.credential}/revoke", None))
                    given = plane.parties.directive("d-lost", directed.organization)
                    issued = client.do(Command("direct", "/api/v1/directives", given))
                urls = (plane.gateway_url, url)
                found = Narrowed(plane, second, urls, backup, kept, revoked, directed, issued["size"])
                eventually(found.holds)
            plane.control.kill()
            plane.feed.kill()
            eventually(lambda: found.statuses(kept) == {503})
            plane.database.write_bytes(b"nothing of it can be read")
            yield found
        finally:
            second.end()


def restored(found: Narrowed) -> str:
    """Restore the older backup; it is not served."""
    plane = found.plane
    words = ["--state", str(plane.state), "--gateway", str(plane.folder_of("gateway-2"))]
    said = plane.run("backup", "restore", str(found.backup), *words, "--yes")
    assert "narrows access" in said
    assert "d-lost" in said
    assert "is older than what was seen" in said
    plane.control.spawn()
    assert eventually(plane.control.code) == 3
    assert "restored_unsettled" in plane.control.said()
    return said


def test_what_gateways_hold_is_taken_back(narrowed: Narrowed) -> None:
    plane = narrowed.plane
    restored(narrowed)
    words = [word for name in (FIRST_GATEWAY, "gateway-2") for word in ("--from", str(plane.folder_of(name)))]
    said = plane.run("backup", "complete", "--state", str(plane.state), *words)
    assert "it has all that was seen" in said
    plane.start_control()
    plane.start_feed()
    eventually(narrowed.holds)
    with closing(plane.developer()) as client:
        assert client.ask("/api/v1/directives/d-lost")["directive"] == "d-lost"


def test_what_is_lost_for_good_still_refuses(narrowed: Narrowed) -> None:
    plane, folder = narrowed.plane, narrowed.plane.folder
    restored(narrowed)
    first, both = folder / "one.json", folder / "both.json"
    key = plane.officers.key_file(OFFICER, folder)
    mark = str(plane.state / "restored.json")
    words = ["--key", str(key), "-o", str(first), "--reason", "the disk died", "--yes"]
    plane.run("backup", "sign", mark, *words)
    alone = plane.run("backup", "begin", str(first), "--state", str(plane.state), "--yes", code=1)
    assert "second_officer" in alone
    other = plane.officers.key_file(OTHER_OFFICER, folder)
    plane.run("backup", "sign", str(first), "--key", str(other), "-o", str(both), "--yes")
    plane.run("backup", "begin", str(both), "--state", str(plane.state), "--yes")
    plane.start_control()
    plane.start_feed()
    eventually(narrowed.holds)
    plane.gateway.kill()
    plane.start_gateway()
    eventually(narrowed.holds)
    with closing(plane.developer()) as client:
        given = plane.parties.directive("d-lost", narrowed.directed.organization)
        client.do(Command("direct", "/api/v1/directives", given))
    eventually(narrowed.holds)
