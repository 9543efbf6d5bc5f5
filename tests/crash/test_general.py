"""A preview becomes general, or is split in two, under load: keys of preview grants ask without a pause
meanwhile, and notice nothing. Every request is answered once and whole.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2
import pytest

from demo.upstream import UpstreamSettings, in_thread
from tests.crash import parties
from tests.crash.customers import Client, Command, admitted
from tests.crash.parties import AGENCIES, MODEL, RELEASE, STAGE, Parties
from tests.crash.plane import LEASE_MS, Plane, Site, started
from tests.crash.record import Record
from tests.launcher import Launcher
from tests.waiting import BOUND_S, eventually

STREAMS, REQUESTS = 20, 4
"""How many streams are open at any moment, and how many others ask one thing after the other."""
PACE = {"x-demo-chunks": "20", "x-demo-interval-ms": "50"}
"""A stream takes a second."""
PAUSE_S = 0.03
"""Between two short requests of one key: a hundred a second in all."""


@dataclass(frozen=True)
class Change:
    """A plan that takes the grants of the preview over: its new stages, and the names on its lists."""

    stages: dict[str, dict[str, Any]]
    lists: dict[str, list[str]] = field(default_factory=dict)
    moves: int = 0
    """How many grants go on by an entry of their own."""


CUSTOMERS = tuple(f"The Customer {number}" for number in range(3))
LIST = "named.csv"
BY_AGENCIES = {"admission": {"mode": "approve", "grant": {"allOf": list(AGENCIES)}}}
GENERAL = Change({"general": {"audience": "everyone"}})
SPLIT = Change(
    {"named": {"audience": {"organizations": LIST}, **BY_AGENCIES}, "rest": BY_AGENCIES},
    {LIST: list(CUSTOMERS[:1])},
    moves=len(CUSTOMERS),
)


@dataclass(frozen=True)
class Answer:
    """An answer, and between which moments it came. Units: seconds, monotonic."""

    asked: str
    status: int
    text: str
    began_s: float
    ended_s: float


class Asker(threading.Thread):
    """Asks one gateway with one key until `left`, the next thing as soon as the last one is answered."""

    def __init__(self, url: str, secret: str, name: str, *, streams: bool) -> None:
        super().__init__(name=name, daemon=True)
        self.streams = streams
        self.answers: list[Answer] = []
        self.asked = 0
        self.left = False
        self.failure: BaseException | None = None
        self._url, self._secret = url, secret

    def run(self) -> None:
        try:
            headers = {"authorization": f"Bearer {self._secret}"}
            with httpx2.Client(
                base_url=self._url, headers=headers, timeout=BOUND_S, trust_env=False, verify=False
            ) as client:
                for number in count():
                    if self.left:
                        return
                    if not self.streams:
                        time.sleep(PAUSE_S)
                    self.asked += 1
                    self._ask(client, f"{self.name} asks {number}")
        except BaseException as error:  # noqa: BLE001 - the test raises it
            self.failure = error

    def _ask(self, client: httpx2.Client, what: str) -> None:
        began_s = time.monotonic()
        body = question(what, streams=self.streams)
        with client.stream("POST", "/v1/chat/completions", json=body) as response:
            data = response.read()
        text = words(data) if self.streams and response.status_code == 200 else data.decode()
        if not self.streams and response.status_code == 200:
            text = json.loads(data)["choices"][0]["message"]["content"]
        self.answers.append(Answer(what, response.status_code, text, began_s, time.monotonic()))

    def since(self, moment_s: float) -> int:
        """How many answers were asked for and given after a moment."""
        return sum(each.began_s > moment_s for each in list(self.answers))


def question(what: str, *, streams: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": what}]}
    return {**body, "stream": True, "metadata": PACE} if streams else body


def words(data: bytes) -> str:
    """The text of a stream. It ends as a stream ends that was not cut: with its finish, once, and [DONE]."""
    events = [line.removeprefix("data: ") for line in data.decode().splitlines() if line.startswith("data: ")]
    assert events.pop() == "[DONE]", events[-1:]
    choices = [json.loads(each)["choices"][0] for each in events]
    assert [each["finish_reason"] for each in choices].count("stop") == 1
    return "".join(each["delta"].get("content") or "" for each in choices)


def changed_plan(change: Change) -> str:
    """The plan with more stages, with the grants of the first as part of them."""
    plan: dict[str, Any] = json.loads(parties.plan(LEASE_MS))
    (stage,) = plan["spec"]["stages"]
    for name, more in change.stages.items():
        plan["spec"]["stages"].append(
            {"name": name, "basis": stage["basis"], "grants": {STAGE: {"become": name}}, **more}
        )
    return json.dumps(plan)


def agree(client: Client, signers: Parties, change: Change) -> None:
    """Apply the plan, and have the terms of its new stages agreed."""
    asked = {"text": changed_plan(change), "file": "plan.yaml", "lists": change.lists}
    client.do(Command("apply", "/api/v1/releases", asked))
    (release,) = client.ask("/api/v1/releases")["releases"]
    for stage in release["stages"][1:]:
        exported = client.ask(f"/api/v1/cases/{stage['termsCase']}/export")
        for agency in AGENCIES:
            envelope = signers.position(exported, agency)
            client.do(Command("position", "/api/v1/positions", {"envelope": envelope}))


def turn(plane: Plane, client: Client, stage: str, *, closes: bool) -> None:
    """Open or close a stage, and wait until the gateway knows it."""
    asked = client.ask(f"/api/v1/releases/{RELEASE}/stages/{stage}/opening")
    signed = plane.parties.closing(asked) if closes else plane.parties.opening(asked)
    path = f"/api/v1/releases/{'closings' if closes else 'openings'}"
    size = client.do(Command("turn", path, {"envelope": signed}))["size"]
    plane.wait_ready(size)


@pytest.fixture
def upstream() -> Iterator[str]:
    """An upstream of this test's own, which counts its calls."""
    with in_thread(UpstreamSettings()) as url:
        yield url


@contextmanager
def asking(plane: Plane, secrets: list[str]) -> Iterator[list[Asker]]:
    """Load on the gateway: keys take turns."""
    askers = [
        Asker(plane.gateway_url, secrets[each % len(secrets)], f"asker {each}", streams=each < STREAMS)
        for each in range(STREAMS + REQUESTS)
    ]
    for each in askers:
        each.start()
    try:
        yield askers
    finally:
        for each in askers:
            each.left = True
        for each in askers:
            with suppress(RuntimeError):
                each.join(BOUND_S)


def all_since(askers: list[Asker], moment_s: float, rounds: int) -> bool:
    """Whether each of them asked and was answered so often since a moment; what failed is raised."""
    failed = [each.failure for each in askers if each.failure is not None]
    if failed:
        raise failed[0]
    return all(each.since(moment_s) >= rounds for each in askers)


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=[pytest.mark.long, pytest.mark.timeout(400)])])
@pytest.mark.parametrize("change", [GENERAL, SPLIT], ids=["general", "split"])
def test_preview_grants_go_on_without_a_gap_or_a_second_answer(
    tmp_path: Any, launcher: Launcher, upstream: str, change: Change, rounds: int
) -> None:
    plane = Plane(Site(tmp_path, launcher, upstream), apart=True)
    with started(plane), closing(plane.developer()) as client:
        keys = [admitted(client, plane.parties, name) for name in CUSTOMERS]
        eventually(lambda: all(is_answered(plane, key) for key in keys))
        httpx2.post(f"{upstream}/_demo/reset", trust_env=False, verify=False)
        agree(client, plane.parties, change)
        with asking(plane, keys) as askers:
            eventually(lambda: all_since(askers, 0.0, rounds))
            before_s = time.monotonic()
            for stage in change.stages:
                turn(plane, client, stage, closes=False)
            await_moves(client, plane, change.moves)
            opened_s = time.monotonic()
            eventually(lambda: all_since(askers, opened_s, rounds))
            turn(plane, client, STAGE, closes=True)  # from here on only the new stages let them in
            closed_s = time.monotonic()
            eventually(lambda: all_since(askers, closed_s, rounds))
        answers = [each for asker in askers for each in asker.answers]
        assert {each.status for each in answers} == {200}, [each for each in answers if each.status != 200]
        assert len(answers) == sum(asker.asked for asker in askers)
        streams = [each for asker in askers if asker.streams for each in asker.answers]
        assert len(answers) - len(streams) >= 300
        across = [each for each in streams if each.began_s < before_s and each.ended_s > opened_s]
        assert across, "no stream was open across the opening"
        assert any(each.began_s < closed_s < each.ended_s for each in streams)
        check_whole(upstream, askers)


def await_moves(client: Client, plane: Plane, count: int) -> None:
    """Wait until so many grants go on as part of another stage, and the gateway knows it."""

    def stages() -> list[str]:
        return [each["stage"] for each in client.ask("/api/v1/grants")["grants"]]

    eventually(lambda: sum(stage != STAGE for stage in stages()) == count)
    plane.wait_ready(Record(plane.vkey).see(plane.control_url).size)


def is_answered(plane: Plane, secret: str) -> bool:
    """Whether the gateway knows a key."""
    headers = {"authorization": f"Bearer {secret}"}
    body = question("are you there?", streams=False)
    response = httpx2.post(
        f"{plane.gateway_url}/v1/chat/completions",
        json=body,
        headers=headers,
        timeout=BOUND_S,
        trust_env=False,
        verify=False,
    )
    return response.status_code == 200


def check_whole(upstream: str, askers: list[Asker]) -> None:
    """Each answer is that of its question, which came to the model's server once, and was answered whole."""
    stats = httpx2.get(f"{upstream}/_demo/stats", trust_env=False, verify=False).json()
    asked = sum(asker.asked for asker in askers)
    assert (stats["started"], stats["completed"]) == (asked, asked)
    for asker in askers:
        assert [each.asked for each in asker.answers] == [
            f"{asker.name} asks {n}" for n in range(asker.asked)
        ]
        assert all(each.text.startswith(f"You said: {each.asked}") for each in asker.answers)
        if asker.streams:
            assert len({each.text.removeprefix(f"You said: {each.asked}") for each in asker.answers}) == 1
