"""A preview becomes general under load: keys of preview grants ask without a pause meanwhile, and notice
nothing. Every request is answered once and whole.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx2
import pytest

from demo.upstream import UpstreamSettings, in_thread
from tests.crash import parties
from tests.crash.customers import Client, Command, admitted
from tests.crash.parties import AGENCIES, MODEL, RELEASE, STAGE, Parties
from tests.crash.plane import LEASE_MS, Plane, Site, started
from tests.launcher import Launcher
from tests.waiting import BOUND_S, eventually

GENERAL = "general"
STREAMS, REQUESTS = 4, 3
"""How many streams are open at any moment, and how many others ask one thing after the other."""
PACE = {"x-demo-chunks": "40", "x-demo-interval-ms": "25"}
"""A stream takes a second."""
ROUNDS = 1
"""How many answers of each of them are waited for before and after each change."""


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
                base_url=self._url, headers=headers, timeout=BOUND_S, trust_env=False
            ) as client:
                for number in count():
                    if self.left:
                        return
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


def general_plan() -> str:
    """The plan with a second stage: for everyone, with the grants of the first as part of it."""
    plan: dict[str, Any] = json.loads(parties.plan(LEASE_MS))
    (stage,) = plan["spec"]["stages"]
    general = {"name": GENERAL, "basis": stage["basis"], "audience": "everyone"}
    plan["spec"]["stages"].append({**general, "grants": {STAGE: {"become": GENERAL}}})
    return json.dumps(plan)


def agree(client: Client, signers: Parties) -> None:
    """Apply the plan, and have the terms of its second stage agreed."""
    client.do(Command("apply", "/api/v1/releases", {"text": general_plan(), "file": "plan.yaml"}))
    (release,) = client.ask("/api/v1/releases")["releases"]
    exported = client.ask(f"/api/v1/cases/{release['stages'][1]['termsCase']}/export")
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


def all_since(askers: list[Asker], moment_s: float) -> bool:
    failed = [each.failure for each in askers if each.failure is not None]
    if failed:
        raise failed[0]
    return all(each.since(moment_s) >= ROUNDS for each in askers)


def test_a_preview_grant_becomes_a_general_one_without_a_gap_or_a_second_answer(
    tmp_path: Any, launcher: Launcher, upstream: str
) -> None:
    plane = Plane(Site(tmp_path, launcher, upstream), apart=True)
    with started(plane), closing(plane.developer()) as client:
        keys = [admitted(client, plane.parties, f"The Customer {number}") for number in range(3)]
        eventually(lambda: all(is_answered(plane, key) for key in keys))
        httpx2.post(f"{upstream}/_demo/reset", trust_env=False)
        agree(client, plane.parties)
        with asking(plane, keys) as askers:
            eventually(lambda: all_since(askers, 0.0))
            before_s = time.monotonic()
            turn(plane, client, GENERAL, closes=False)
            opened_s = time.monotonic()
            eventually(lambda: all_since(askers, opened_s))
            turn(plane, client, STAGE, closes=True)  # from here on only the stage for everyone lets them in
            closed_s = time.monotonic()
            eventually(lambda: all_since(askers, closed_s))
        answers = [each for asker in askers for each in asker.answers]
        assert {each.status for each in answers} == {200}, [each for each in answers if each.status != 200]
        assert len(answers) == sum(asker.asked for asker in askers)
        across = [each for each in answers if each.began_s < before_s and each.ended_s > opened_s]
        assert across, "no stream was open across the opening"
        assert any(each.began_s < closed_s < each.ended_s for each in answers)
        check_whole(upstream, askers)


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
    )
    return response.status_code == 200


def check_whole(upstream: str, askers: list[Asker]) -> None:
    """Each answer is that of its question, which came to the model's server once, and was answered whole."""
    stats = httpx2.get(f"{upstream}/_demo/stats", trust_env=False).json()
    asked = sum(asker.asked for asker in askers)
    assert (stats["started"], stats["completed"]) == (asked, asked)
    for asker in askers:
        assert [each.asked for each in asker.answers] == [
            f"{asker.name} asks {n}" for n in range(asker.asked)
        ]
        assert all(each.text.startswith(f"You said: {each.asked}") for each in asker.answers)
        if asker.streams:
            assert len({each.text.removeprefix(f"You said: {each.asked}") for each in asker.answers}) == 1
