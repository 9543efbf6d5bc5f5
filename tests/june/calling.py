"""Gateways that customers reach over HTTP while they follow a log on a clock that is moved, and their SDK."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import openai
from openai import OpenAI, Stream
from openai.types.chat import ChatCompletionChunk

from sluicegate.core.access.naming import Naming
from tests.gate.running import serving, settings
from tests.june.course import ANSWERED, FollowingGateway
from tests.plane import Plane
from tests.waiting import BOUND_S

TEXT = "hello"
SLOW = {"x-demo-chunks": "600", "x-demo-interval-ms": "100"}
"""A stream that is not over before the test has done what it does meanwhile."""


class CalledGateway(FollowingGateway):
    """A gateway with a socket of its own: what touches its engine is done in its thread."""

    def __init__(
        self, plane: Plane, name: str, surface: str, upstreams: Mapping[str, str], ends: ExitStack
    ) -> None:
        super().__init__(plane, name, surface)
        self._serving = ends.enter_context(serving(self.engine, upstreams, settings(surface=surface)))
        url = f"{self._serving.url}/v1"
        self._client = OpenAI(base_url=url, api_key="of nobody", timeout=BOUND_S, max_retries=0)
        ends.callback(self._client.close)

    def follow(self) -> None:
        """Take the log as far as it goes, with a lease, and end what is no longer allowed."""
        self._serving.do(self._follow)

    def _follow(self) -> None:
        super().follow()
        while self.engine.redecide_more():
            pass

    def decided(self, questions: Sequence[tuple[str, str, Naming]]) -> list[str]:
        """What its engine says of requests: each with its key, its model, and whom it names."""
        return self._serving.do(lambda: [self.asked(*each) for each in questions])

    def called(self, key: str, model: str, person: str | None = None) -> str:
        """What the SDK is told: `answered`, or why not."""
        asked: dict[str, Any] = {} if person is None else {"safety_identifier": person}
        try:
            answer = self._client.with_options(api_key=key).chat.completions.create(
                model=model, messages=[{"role": "user", "content": TEXT}], **asked
            )
        except openai.APIStatusError as error:
            return reason(error)
        assert answer.choices[0].finish_reason == "stop"
        return ANSWERED

    def stream(self, key: str, model: str, pace: dict[str, str]) -> Stream[ChatCompletionChunk]:
        """A stream of the SDK, begun."""
        return self._client.with_options(api_key=key).chat.completions.create(
            model=model, messages=[{"role": "user", "content": TEXT}], stream=True, metadata=pace
        )


def reason(error: openai.APIError) -> str:
    """Why a request was refused, or cut."""
    assert isinstance(error.body, dict), error
    return str(error.body["sluicegate"]["reason"])


def outcome(stream: Stream[ChatCompletionChunk]) -> str:
    """How a stream goes on to its end: `answered`, or why it was cut."""
    last = None
    try:
        for chunk in stream:
            last = chunk.choices[0].finish_reason
    except openai.APIError as error:
        return reason(error)
    assert last == "stop"
    return ANSWERED
