"""Load on a control plane: customers who send commands one by one, and remember every acknowledgement.

A command whose answer was lost is sent again under its id until it is answered, as any client would. So of
each customer at most one command is in doubt at any time.
"""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import httpx2

from sluicegate.core.access import apikey
from tests.crash import parties
from tests.crash.parties import AGENCIES, Parties
from tests.crash.traffic import Traffic
from tests.waiting import BOUND_S

RETRY_S = 0.01


class Unanswered(Exception):
    """The connection broke, or the store was unavailable: the command may have been done, or not."""


@dataclass(frozen=True)
class Command:
    """A command. `kind` says which entries it makes; see `record.ENTRIES`."""

    kind: str
    path: str
    body: dict[str, Any] | None
    id: str = field(default_factory=lambda: f"crash_{secrets.token_hex(12)}")


@dataclass(frozen=True)
class Acknowledged:
    """A command and its result, as received."""

    command: Command
    result: dict[str, Any]


class Client:
    """A token's holder at one control plane."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self._http = httpx2.Client(
            base_url=url, headers=headers, timeout=BOUND_S, trust_env=False, verify=False
        )

    def close(self) -> None:
        self._http.close()

    def do(self, command: Command) -> dict[str, Any]:
        """Send a command once. Raises: Unanswered."""
        return self._answer("POST", command.path, json=command.body, headers={"idempotency-key": command.id})

    def ask(self, path: str) -> dict[str, Any]:
        """Ask a question once. Raises: Unanswered."""
        return self._answer("GET", path)

    def unavailable(self, command: Command) -> str:
        """Send a command that cannot be done now; return the error's code."""
        response = self._http.post(command.path, json=command.body, headers={"idempotency-key": command.id})
        assert response.status_code == 503, response.text
        return str(response.json()["error"]["code"])

    def _answer(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, **given)
        except httpx2.TransportError as error:
            raise Unanswered(str(error)) from error
        if response.status_code == 503 and response.json()["error"]["code"] == "store_unavailable":
            raise Unanswered(response.text)
        assert response.status_code == 200, f"{method} {path}: {response.status_code} {response.text}"
        answer: dict[str, Any] = response.json()
        return answer


@dataclass(eq=False)
class Key:
    """An API key. `doubtful` while a command about it is unanswered."""

    secret: str
    credential: str
    revoked: bool = False
    doubtful: bool = False


@dataclass(eq=False)
class Organization:
    """An organization with a grant, its keys, and the directive that suspends it, if one does."""

    name: str
    grant: str
    keys: list[Key] = field(default_factory=list)
    directive: str | None = None
    doubtful: bool = False


T = TypeVar("T")
Script: TypeAlias = Generator[Command | str, dict[str, Any], T]
"""Yields commands, or paths to ask; is sent the answers; returns what came of it."""


def application(name: str, **more: Any) -> Command:
    """A new organization applies."""
    body = {
        "release": parties.RELEASE,
        "stage": parties.STAGE,
        "surface": parties.SURFACE,
        "organization": json.dumps({"name": name, "registeredIn": "US"}),
        **more,
    }
    return Command("submit", "/api/v1/applications", body)


def admission(signers: Parties, name: str, **more: Any) -> Script[str]:
    """A new organization applies and both agencies approve; returns the grant."""
    submitted = yield application(name, **more)
    case = submitted["application"]
    exported = yield f"/api/v1/cases/{case}/export"
    for agency in AGENCIES:
        envelope = signers.position(exported, agency)
        yield Command("position", "/api/v1/positions", {"envelope": envelope})
    shown = yield f"/api/v1/cases/{case}"
    return str(shown["grant"]["grant"])


def issue(grant: str, secret: str) -> Command:
    """Register a key."""
    body = {"digest": hashlib.sha256(secret.encode()).hexdigest()}
    return Command("issue", f"/api/v1/grants/{grant}/credentials", body)


def admitted(client: Client, signers: Parties, name: str, **more: Any) -> str:
    """Admit an organization, with nothing in the way; returns a key of it."""
    script = admission(signers, name, **more)
    step = next(script)
    secret = apikey.make(apikey.KEY_PREFIX, secrets.token_bytes(32))
    while True:
        try:
            step = script.send(client.ask(step) if isinstance(step, str) else client.do(step))
        except StopIteration as done:
            client.do(issue(done.value, secret))
            return secret


class Customers(threading.Thread):
    """Acts until `leave`; `still` holds it between two attempts."""

    def __init__(self, url: str, token: str, signers: Parties, traffic: Traffic, seed: str) -> None:
        super().__init__(name=f"customers {seed}", daemon=True)
        self._client = Client(url, token)
        self._parties = signers
        self._traffic = traffic
        self._random = random.Random(seed)
        self._go = threading.Event()
        self._attempt = threading.Lock()
        self._left = False
        self._numbered = 0
        self.acknowledged: list[Acknowledged] = []
        self.organizations: list[Organization] = []
        self._failure: BaseException | None = None
        self._go.set()

    def run(self) -> None:
        try:
            self._live()
        except BaseException as error:  # noqa: BLE001 - `check` raises it where it fails the test
            self._failure = error
        finally:
            self._client.close()

    def check(self) -> None:
        """Raise what went wrong."""
        if self._failure is not None:
            raise self._failure

    @contextmanager
    def still(self) -> Iterator[None]:
        """Nothing is sent meanwhile."""
        self._go.clear()
        assert self._attempt.acquire(timeout=BOUND_S)
        try:
            self.check()
            yield
        finally:
            self._attempt.release()
            self._go.set()

    def leave(self) -> None:
        self._left = True
        self._go.set()
        self.join(BOUND_S)

    def expected(self) -> Iterator[tuple[str, int]]:
        """What a gateway that knows all must answer to each key: its secret, and a status."""
        for organization in self.organizations:
            for key in organization.keys:
                if not (key.doubtful or organization.doubtful):
                    yield key.secret, 401 if key.revoked else 451 if organization.directive else 200

    def _live(self) -> None:
        life = self._life()
        step = next(life)
        while not self._left:
            self._go.wait()
            with self._attempt:
                if not self._go.is_set():
                    continue  # somebody wants us still, and came between
                try:
                    step = life.send(self._tried(step))
                    continue
                except Unanswered:
                    pass
            time.sleep(RETRY_S)

    def _tried(self, step: Command | str) -> dict[str, Any]:
        if isinstance(step, str):
            return self._client.ask(step)
        result = self._client.do(step)
        self.acknowledged.append(Acknowledged(step, result))
        return result

    # What customers do, one thing after the other

    def _life(self) -> Script[None]:
        while True:
            granted = self.organizations
            live = [(its, key) for its in granted for key in its.keys if not key.revoked]
            suspended = [its for its in granted if its.directive is not None]
            free = [its for its in granted if its.directive is None and its.keys]
            possible: list[tuple[Script[None], int]] = [(self._apply(), 2 if len(granted) > 3 else 20)]
            if granted:
                possible.append((self._issue(self._random.choice(granted)), 3))
            if live:
                possible.append((self._revoke(*self._random.choice(live)), 2))
            if free:
                possible.append((self._suspend(self._random.choice(free)), 2))
            if suspended:
                possible.append((self._lift(self._random.choice(suspended)), 2))
            scripts, weights = zip(*possible, strict=True)
            yield from self._random.choices(scripts, weights)[0]

    def _apply(self) -> Script[None]:
        name = self._named("Organization")
        self.organizations.append(Organization(name, (yield from admission(self._parties, name))))

    def _issue(self, organization: Organization) -> Script[None]:
        secret = apikey.make(apikey.KEY_PREFIX, self._random.randbytes(32))
        issued = yield issue(organization.grant, secret)
        organization.keys.append(Key(secret, issued["credential"]))
        self._traffic.add(secret)
        if organization.directive is not None:
            self._traffic.forbid(secret, organization.directive)

    def _revoke(self, organization: Organization, key: Key) -> Script[None]:
        key.doubtful = True
        yield Command("revoke", f"/api/v1/credentials/{key.credential}/revoke", None)
        self._traffic.forbid(key.secret, "revoked")
        key.revoked, key.doubtful = True, False

    def _suspend(self, organization: Organization) -> Script[None]:
        name = self._named("directive").lower()
        organization.doubtful = True
        yield Command("suspend", "/api/v1/directives", self._parties.directive(name, organization.name))
        for key in organization.keys:
            self._traffic.forbid(key.secret, name)
        organization.directive, organization.doubtful = name, False

    def _lift(self, organization: Organization) -> Script[None]:
        name = organization.directive
        assert name is not None
        opened = yield Command("open lift", f"/api/v1/directives/{name}/lift", None)
        exported = yield f"/api/v1/cases/{opened['case']}/export"
        envelope = self._parties.position(exported, AGENCIES[0])
        organization.doubtful = True
        for key in organization.keys:
            self._traffic.permit(key.secret, name)
        yield Command("position", "/api/v1/positions", {"envelope": envelope})
        organization.directive, organization.doubtful = None, False

    def _named(self, what: str) -> str:
        self._numbered += 1
        return f"{what}-{self.name.rpartition(' ')[2]}-{self._numbered}"
