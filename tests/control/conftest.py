from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from demo.fleet import in_a_thread, served
from sluicegate import bootstrap
from sluicegate.acts.act import PERSON
from sluicegate.acts.tokens import TokenRequest
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.keys import StartLog
from sluicegate.service import tokens
from sluicegate.service.ledger import Ledger
from sluicegate.settings import ControlSettings, HttpSettings
from sluicegate.store.sqlite import SqliteStore
from tests.control import described
from tests.readers import lasting
from tests.waiting import BOUND_S
from tests.worlds import ORIGIN, PINS, private_key


class Plane:
    """A control plane on a real socket, with a token for every role."""

    def __init__(self, folder: Path, http: HttpSettings | None = None) -> None:
        store = SqliteStore(folder / "ledger.db")
        self.ledger = Ledger(
            store,
            private_key("log"),
            ORIGIN,
            wall_ms=bootstrap.wall_ms,
            boot_ms=bootstrap.boot_ms,
            random=secrets.token_bytes,
        )
        start = StartLog(ORIGIN, self.ledger.vkey(), "openai", PINS)
        assert not isinstance(self.ledger.execute(start, by="log", command_id="start-the-log"), Refusal)
        self.settings = ControlSettings(folder, folder, ORIGIN, port=0, http=http or HttpSettings())
        self.wired = replace(bootstrap.Control.over(self.settings, self.ledger), parsers=lasting())
        self.fleet = self.wired.fleet
        self.url = ""
        self._token: dict[str, str] = {}

    def token(self, role: str, name: str = "", party: str | None = None) -> str:
        """The token of a holder, made when first asked for."""
        name = name or role
        if role == PERSON:
            return tokens.link(self.ledger, self.ledger.store.principals, "mem_x")
        if name not in self._token:
            made = tokens.issue(self.ledger, TokenRequest(role=role, name=name, party=party))
            assert not isinstance(made, Refusal)
            self._token[name] = made.token
        return self._token[name]

    def client(self, token: str | None = None) -> httpx2.Client:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx2.Client(
            base_url=self.url,
            headers=headers,
            timeout=BOUND_S,
            trust_env=False,
            verify=False,
            event_hooks={"response": [described.check]},
        )

    def staff(self) -> httpx2.Client:
        return self.client(self.token("developer"))

    def send(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        with self.staff() as client:
            return client.post(path, json=body, headers=headers)


def served_feed(wired: bootstrap.WiredFeed) -> AbstractContextManager[str]:
    """Serve a feed in a thread; its URL."""
    return in_a_thread(partial(bootstrap.serve_feed, wired))


@contextmanager
def _running(folder: Path) -> Iterator[Plane]:
    made = Plane(folder)
    with served(made.wired) as made.url:
        yield made


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with _running(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """A control plane that refuses everything it is asked, so that many tests may share it."""
    with _running(tmp_path_factory.mktemp("idle")) as made:
        yield made
