"""What an observer asks a surface for, and what it gets."""

from __future__ import annotations

from typing import Annotated, Literal

from sluicegate_record.form import Exact, Note, form

ANSWERED: Literal["answered"] = "answered"
REFUSED: Literal["refused"] = "refused"
FAILED: Literal["failed"] = "failed"
"""The model answered; the request was refused; there was no answer that shows either."""
OUTCOMES = (ANSWERED, REFUSED, FAILED)
WAYS = ("chat", "responses", "messages")
"""How a model is asked: by OpenAI's `chat/completions` or `responses`, or by Anthropic's `messages`."""
DUE_MS = 3_600_000
"""How long after a directive begins a request is due to be refused, whatever gateways and points say."""
HEARTBEAT_MS = 3_600_000
"""How often an outcome that stays the same is put on the record."""
PROBES_MAX = 200
"""How many probes one observer may have in a week, in all releases."""


@form
class Probe(Exact):
    """Which model is asked for, how and where; and what the key gets as long as no directive is in the way.

    `point`: the declared point that is there, if it has no gateway of ours. `covered_by`: the directive that
    covers the holder of the key, and not everyone.
    """

    release: str
    model: str
    surface: str
    address: Annotated[str, Note("scheme, host and port")]
    ask: Annotated[str, Note("`chat`, `responses`, `messages`")]
    expects: Annotated[str, Note("`answered`, `refused`")]
    point: str | None = None
    programme: Annotated[str | None, Note("such as `cyber: daybreak_red`")] = None
    covered_by: str | None = None


@form
class ProbeOutcome(Exact):
    """What a request got.

    A refusal has its reason, the directive that it names, and the size of the log that it says; an answer has
    the model and the programme that it says ran.
    """

    got: Annotated[str, Note("`answered`, `refused`, `failed`")]
    status: Annotated[int | None, Note("of HTTP")] = None
    reason: str | None = None
    directive: str | None = None
    size: int | None = None
    model: str | None = None
    programme: str | None = None
