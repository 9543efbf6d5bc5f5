"""Clients as people run them, unmodified, in every situation of the table in `tools.clients`."""

from __future__ import annotations

import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from sluicegate.core.access.refusals import Reason
from tests.clients.driven import PYTHON, Driver, Told, driven
from tests.clients.stage import CUT_MODEL, Stage, looked_up, spoken, staged
from tests.clients.wire import Exchange
from tests.gate import world as worlds
from tests.gate.clients import chat
from tests.waiting import BOUND_S, eventually
from tools.clients import CLIENTS, Cell, End, ForeignClient, Kind, Situation, expected, fits

PROMPTS = {
    "tools": "gate",
    "unicode": "e\u0301 \u65e5\u672c \u05e9\u05dc \U0001f468\u200d\U0001f469 \u2028 \\ \" ' </a> \ufffd |",
}
LINE = "a long story, \u00fcber alles; "
UNDER_WAY = re.compile(rb'" 1\d\d"')
"""Pieces of a stream's text that are not its first."""
TEXT_DELTAS = {"response.output_text.delta", "content_block_delta"}
UPGRADE_REQUIRED = 426
MINUTE_MS, SOON_MS = 60_000, 2_000
"""For how long a request counts, and how long before its end a client asks: it waits that long itself."""
SERVERS = {"cut": "slow", "mid-event": "mid-event", "between": "between"}


class Trial:
    """One client on its stage."""

    def __init__(self, client: ForeignClient, stage: Stage, driver: Driver) -> None:
        self._client = client
        self._stage = stage
        self._driver = driver
        self._between: dict[str, Callable[[], object]] = {
            Reason.QUOTA_EXCEEDED: self._let_time_pass,
            Reason.GATE_STALE: self._renew,
            "cut": self._order,
        }

    def run(self, situation: Situation) -> Cell:
        """What the client does."""
        stage = self._stage
        stage.serve_from(SERVERS.get(situation.name, "quick"))
        prompt = self._prompt(situation)
        customer = stage.customers.get(situation.name) or stage.customers["answered"]
        with self._arranged(situation):
            for wire in (stage.front, stage.back):
                wire.forget()
            self._driver.begin(stage.front.url, customer.key, customer.model, prompt, situation.mode)
            self._between.get(situation.name, lambda: None)()
            return self._cell(situation, prompt, self._driver.end())

    def _prompt(self, situation: Situation) -> str:
        if situation.name == "long":
            return LINE * (2_000 if self._client.is_agent else 40_000)
        return PROMPTS.get(situation.name, "say it again")

    @contextmanager
    def _arranged(self, situation: Situation) -> Iterator[None]:
        gate = self._stage.gate
        if situation.name == Reason.QUOTA_EXCEEDED:
            self._spend()
            gate.clock.at_ms += MINUTE_MS - SOON_MS
            self._renew_lease()
        elif situation.name in {Reason.GATE_STALE, Reason.GATE_CLOCK_DIFFERS}:
            gate.clock.at_ms += worlds.LEASE_MS
            gate.engine.clocks_differ = situation.name == Reason.GATE_CLOCK_DIFFERS
        yield
        self._renew_lease()

    def _cell(self, situation: Situation, prompt: str, told: Told) -> Cell:
        asked = self._asked()
        status = asked[-1].status if asked else 0
        return Cell(len(asked), status, self._end(situation, prompt, told, asked))

    def _asked(self) -> list[Exchange]:
        """The requests for the model, without those that ask for a WebSocket and hear that there is none.

        A client may ask for other things beside them.
        """
        asked = [each for each in self._stage.front.exchanges() if each.status != UPGRADE_REQUIRED]
        return [each for each in asked if each.path.partition("?")[0] == self._client.path]

    def _end(self, situation: Situation, prompt: str, told: Told, asked: list[Exchange]) -> End:
        if not told.ok:
            return End.SHOWN if asked and _words(asked[-1]) in told.message else End.FAILED
        if situation.kind in {Kind.CUT, Kind.BROKEN}:
            return End.TAKEN_FOR_WHOLE
        if told.text.strip() != self._said(situation, prompt, asked).strip():
            return End.ALTERED
        front, back = (
            [(each.sent, each.received) for each in side if each.status == 200]
            for side in (asked, self._stage.back.exchanges())
        )
        return End.ANSWERED if front == back else End.ALTERED

    def _said(self, situation: Situation, prompt: str, asked: list[Exchange]) -> str:
        """What the person must see. An agent adds to the prompt, so what came last is taken from the wire."""
        if self._client.is_agent:
            return _text(asked[-1])
        return looked_up(prompt) if situation.mode == "tools" else spoken(prompt)

    # What is done to the gateway, before or in the middle

    def _spend(self) -> None:
        """Use the quota up."""
        customer = self._stage.customers[Reason.QUOTA_EXCEEDED]
        body = json.dumps(chat(customer.model)).encode()
        headers = {"content-type": "application/json", "authorization": f"Bearer {customer.key}"}
        url = f"{self._stage.gate.url}/v1/chat/completions"
        with suppress(urllib.error.HTTPError):
            while True:
                asked = urllib.request.Request(url, body, headers)
                urllib.request.urlopen(asked, timeout=BOUND_S).close()

    def _refused_once(self) -> None:
        eventually(lambda: any(each.status >= 400 for each in self._asked()))

    def _let_time_pass(self) -> None:
        self._refused_once()
        self._stage.gate.clock.at_ms += 5_000

    def _renew(self) -> None:
        self._refused_once()
        self._renew_lease()

    def _renew_lease(self) -> None:
        gate = self._stage.gate
        gate.engine.clocks_differ = False
        gate.do(lambda: gate.engine.renew(worlds.lease(gate.clock)))

    def _order(self) -> None:
        front, gate = self._stage.front, self._stage.gate
        eventually(lambda: any(UNDER_WAY.search(each.answer) for each in front.exchanges()))
        gate.world.suspend("bis-cut", [CUT_MODEL])
        gate.advance()


def _text(exchange: Exchange) -> str:
    """The text of a stream of responses or messages."""
    events = [json.loads(line[6:]) for line in exchange.received.splitlines() if line.startswith(b"data: ")]
    deltas = [each["delta"] for each in events if each["type"] in TEXT_DELTAS]
    return "".join(each if isinstance(each, str) else each.get("text", "") for each in deltas)


def _words(exchange: Exchange) -> str:
    """The gateway's own text in an answer; what no client says, if there is none."""
    events = [line[6:] for line in exchange.received.splitlines() if line.startswith(b"data: ")]
    with suppress(ValueError, KeyError):
        found: Any = json.loads(events[-1] if events else exchange.received)
        return str(found["error"]["message"])
    return "\0"


@pytest.mark.timeout(900)  # a busy machine is no failure
@pytest.mark.skipif(not PYTHON.exists(), reason="the clients are not installed: make test")
@pytest.mark.parametrize(
    "client",
    [pytest.param(each, marks=pytest.mark.long if each.heavy else ()) for each in CLIENTS],
    ids=lambda client: client.name,
)
def test_a_client_does_what_the_table_says(client):
    if client.needs and shutil.which(client.needs) is None:
        pytest.skip(f"there is no {client.needs}")
    with staged() as stage, driven(client) as driver:
        trial = Trial(client, stage, driver)
        seen = [(each, trial.run(each)) for each in client.situations]
    wrong = [(each, cell) for each, cell in seen if not fits(client, each, cell)]
    assert not wrong, "\n".join(
        f"{each.name}: {cell}, expected {expected(client, each)}" for each, cell in wrong
    )
