"""A customer's program: it asks a model with the official OpenAI SDK."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import openai

TIMEOUT_S = 120.0


class Refused(NamedTuple):
    """A refusal, as the SDK reports it. `fallback` is the model offered instead, if there is one."""

    raised: str
    status: int
    reason: str
    message: str
    fallback: str | None


def ask(gateway_url: str, key: str, model: str, text: str, tokens_max: int = 256) -> str | Refused:
    """Ask once and return the answer's text, or the refusal."""
    with _sdk(gateway_url, key) as client:
        try:
            answer = client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": text}],
                max_tokens=tokens_max,
                temperature=0,
            )
        except openai.APIStatusError as no:
            return _refused(no)
    return answer.choices[0].message.content or ""


def listen(
    gateway_url: str, key: str, model: str, pace: Mapping[str, str], began: Callable[[], None]
) -> openai.OpenAIError | None:
    """Read a streamed answer; return the error that the SDK raised,
    or None if it took the answer as complete.

    `began` is called once, when the answer has begun.
    """
    with _sdk(gateway_url, key) as client:
        try:
            with client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": "the SDK listens"}],
                metadata=dict(pace),
                stream=True,
            ) as answer:
                for index, _ in enumerate(answer):
                    if index == 0:
                        began()
        except openai.OpenAIError as error:
            return error
    return None


def _sdk(gateway_url: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway_url}/v1", api_key=key, timeout=TIMEOUT_S)


def _refused(no: openai.APIStatusError) -> Refused:
    told: dict[str, Any] = no.body if isinstance(no.body, dict) else {}
    fallback = told.get("sluicegate", {}).get("fallback")
    return Refused(type(no).__name__, no.status_code, str(no.code), str(told.get("message")), fallback)
