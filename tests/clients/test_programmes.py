"""Programmes as people name them, by each client in each way that `tools.programmes` has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from demo.upstream import in_thread
from sluicegate_record.terms.programmes import FIELD, PROFILE
from tests.clients.driven import PYTHON, Driver, driven
from tests.clients.stage import QUICK
from tests.clients.wire import Exchange, Wire, wired
from tests.gate.running import running
from tests.gate.world import MODEL, World
from tools.clients import ForeignClient
from tools.programmes import CONCERN, GRANTED, HEADER, NAMINGS, STATED, Case, Naming, Passed

CLIENTS = list({each.client.name: each.client for each in NAMINGS}.values())


class Trial:
    """One client before a gateway, whose grant has some of the programmes of the plan."""

    def __init__(self, front: Wire, back: Wire, key: str, driver: Driver) -> None:
        self._front, self._back, self._key, self._driver = front, back, key, driver

    def run(self, naming: Naming, case: Case) -> Passed:
        """The result of a request."""
        for wire in (self._front, self._back):
            wire.forget()
        names = {"carrier": naming.carrier.name, "programme": naming.carrier.names.get(case, "")}
        mode = "tools" if naming.client.is_agent else "plain"
        self._driver.begin(self._front.url, self._key, MODEL, "gate", mode, **names)
        told = self._driver.end()
        asked = [each for each in self._front.exchanges() if each.path.startswith(naming.client.path)]
        seen = {_seen(each) for each in self._back.exchanges()}
        assert len(seen) <= 1, seen
        wanted = naming.expected(case).shown
        said = wanted if wanted in told.message else told.message
        return Passed(asked[-1].status, next(iter(seen), None), "" if told.ok else said)


def _seen(exchange: Exchange) -> str:
    """What a request says of programmes, in its field or in headers."""
    lines = bytes(exchange.request).partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    found = [line for line in lines if line.partition(":")[0].lower() in {HEADER, PROFILE}]
    body = json.loads(exchange.sent)
    return "; ".join([*([f"{FIELD}: {json.dumps(body[FIELD])}"] if FIELD in body else []), *found])


@contextmanager
def trying(client: ForeignClient) -> Iterator[Trial]:
    world = World()
    world.release("preview", [MODEL], programmes={CONCERN: STATED})
    world.open_stage("preview")
    held = [
        {"concern": CONCERN, "name": name, **({"holders": list(holders)} if holders else {})}
        for name, holders in GRANTED.items()
    ]
    key, _ = world.credential(world.grant("org-1", programmes=held))
    with ExitStack() as stack:
        back = stack.enter_context(wired(stack.enter_context(in_thread(QUICK))))
        gate = stack.enter_context(running(world, back.url))
        front = stack.enter_context(wired(gate.url))
        yield Trial(front, back, key, stack.enter_context(driven(client)))


@pytest.mark.skipif(not PYTHON.exists(), reason="the clients are not installed: make test")
@pytest.mark.parametrize(
    "client",
    [pytest.param(each, marks=pytest.mark.long if each.heavy else ()) for each in CLIENTS],
    ids=lambda client: client.name,
)
def test_a_programme_goes_where_the_table_says_and_the_caller_is_shown_it(client: ForeignClient) -> None:
    with trying(client) as trial:
        ways = [each for each in NAMINGS if each.client is client]
        tried = [(each, case) for each in ways for case in each.carrier.passed]
        seen = [(each, case, trial.run(each, case)) for each, case in tried]
    wrong = [
        f"{each.how}, {case}: {passed}, expected {each.expected(case)}"
        for each, case, passed in seen
        if passed != each.expected(case)
    ]
    assert not wrong, "\n".join(wrong)
