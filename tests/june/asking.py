"""Requests of callers: how each asks, and what it was told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from bench.fleet import Gateway
from bench.load import HEAD_END, OK, Answer, Connection, post
from bench.speech import Speech
from bench.streams import Pace, Stream, until
from tests.waiting import BOUND_S

CONNECTIONS = 4
"""How many requests are under way at a gateway at a time."""
PAUSE_S = 0.005
"""Between two questions of a prober: the machine has other work."""
ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks which model, in which dialect, and whether an order covers that."""

    key: str
    model: str
    speech: Speech
    person: str | None
    text: str
    covered: bool = False

    def request(self) -> bytes:
        """The bytes of a request for a short answer."""
        return post(self.speech.body(self.model, self.text, self.person), self.key, path=self.speech.value)

    def stream(self, pace: Pace) -> Stream:
        """The same for a long one."""
        body = self.speech.body(self.model, self.text, self.person, pace.asked())
        return Stream(self.key, self.text, body, self.speech)


@dataclass(frozen=True, slots=True)
class Asked:
    """A stream, where it was opened, and whether an order covers it."""

    gateway: Gateway
    covered: bool
    stream: Stream


def told(answer: Answer) -> str:
    """What an answer says: `answered`, or its status and why; empty where none came.

    A refusal tells its reason. A fault of the upstream is no refusal: it has a code, or words for Anthropic.
    """
    if answer.data.startswith(OK):
        return ANSWERED
    if not answer.data:
        return ""
    head, _, body = answer.data.partition(HEAD_END)
    error: dict[str, Any] = json.loads(body)["error"]
    refusal = error.get("sluicegate")
    why = refusal["reason"] if refusal is not None else error.get("code", error["message"])
    return f"{head.split()[1].decode()} {why}"


async def answers(gateway: Gateway, questions: Sequence[Question]) -> list[tuple[Question, str]]:
    """Ask a gateway, over a few connections; return what each was told."""
    left = iter(questions)

    async def work() -> list[tuple[Question, str]]:
        found: list[tuple[Question, str]] = []
        connection = await Connection.to(gateway.url)
        try:
            for question in left:
                # One that was idle for long is ended by the gateway: then it is asked over another.
                while not (said := told(await connection.ask(question.request()))):
                    connection.close()
                    connection = await Connection.to(gateway.url)
                found.append((question, said))
        finally:
            connection.close()
        return found

    async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
        tasks = [group.create_task(work()) for _ in range(CONNECTIONS)]
    return [each for task in tasks for each in task.result()]


@dataclass
class Prober:
    """Asks one gateway again and again, one question after the other, and keeps what it was told."""

    gateway: Gateway
    questions: Sequence[Question]
    said: list[str] = field(default_factory=list)

    async def ask(self) -> None:
        """Ask until cancelled; a connection that is lost is made again."""
        connection = await Connection.to(self.gateway.url)
        try:
            for question in cycle(self.questions):
                said = told(await connection.ask(question.request()))
                if said:
                    self.said.append(said)
                    await asyncio.sleep(PAUSE_S)
                else:
                    connection.close()
                    connection = await Connection.to(self.gateway.url)
        finally:
            connection.close()

    async def more(self) -> None:
        """Wait until it has been told something that it asked from now on."""
        enough = len(self.said) + 2
        await until(lambda: len(self.said) >= enough, BOUND_S)


@asynccontextmanager
async def probing(probers: Sequence[Prober]) -> AsyncIterator[None]:
    """They ask meanwhile; each has been told something before and after."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(prober.ask()) for prober in probers]
        for prober in probers:
            await prober.more()
        yield
        for prober in probers:
            await prober.more()
        for task in tasks:
            task.cancel()
