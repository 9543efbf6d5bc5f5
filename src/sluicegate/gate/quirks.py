"""What known clients do with refusals, and what they get so that people see them at once.

Rules:
- A client is known by its `User-Agent` alone. What it is taken for changes the status of a refusal, never the
  decision, the body or the text.
- A refusal that waiting helps keeps its status, and so does 426: it says how to go on.
- What a client does is measured, with its version. A row without a pattern is a client that sends the
  `User-Agent` of a library; it says what its people see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from sluicegate.core.access.refusals import Deny, Reason


class Quirk(NamedTuple):
    """One client. `agent` matches the beginning of its `User-Agent`; `takes` is the only status that it does
    not retry, if it is so.
    """

    client: str
    measured: str
    agent: re.Pattern[bytes] | None
    takes: int | None
    does: str
    source: str


QUIRKS = (
    Quirk(
        "Codex",
        "command line 0.171",
        re.compile(rb"(?:codex[_-][a-z][a-z_-]{0,31}|Codex[A-Za-z0-9 _-]{0,31})/"),
        400,
        "retries every refusal but 400, three to six times, and does not read `x-should-retry`; offers a "
        "WebSocket first, and goes on by HTTP at once only after 426",
        "openai/codex 43353; its `originator`s begin its user agent: codex_cli_rs, codex_exec, codex_vscode, "
        "codex_sdk_ts, codex-tui, Codex Desktop",
    ),
    Quirk(
        "Inspect",
        "inspect-ai of November 2026",
        None,
        None,
        "retries 503 whatever `x-should-retry` says; it sends the `User-Agent` of the SDKs that it uses",
        "its own retries, above those of the SDK",
    ),
    Quirk(
        "OpenAI and Anthropic SDKs",
        "openai 3.54, anthropic 2.12",
        None,
        None,
        "retry 408, 409, 429 and 5xx twice, unless `x-should-retry` is `false`",
        "their sources",
    ),
)


def status_for(deny: Deny, headers: Iterable[tuple[bytes, bytes]]) -> int:
    """The status with which a client gets a refusal."""
    if deny.may_retry or deny.reason is Reason.UPGRADE_REQUIRED:
        return deny.status
    agent = next((value for name, value in headers if name == b"user-agent"), b"")
    for quirk in QUIRKS:
        if quirk.agent is not None and quirk.takes is not None and quirk.agent.match(agent):
            return quirk.takes
    return deny.status
