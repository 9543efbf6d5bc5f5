"""The journal: what a process says, on standard error, to those who run it.

Rules:
- All modules write by `logging`. Only the form made here says how a line looks: JSON, or text where standard
  error is a terminal, or as SLUICEGATE_JOURNAL says.
- What happens often, or concerns security, is an event of `EVENTS`, with fields: ids, codes, roles,
  addresses, numbers. No field and no message has a secret, a name of a customer or person, or a part of what
  was asked or answered.
- A line of a fault has its type and its places in the code. What an exception says may quote what it got.
- Callers may fail as often as they like. So what they cause is always counted, and written only so often; the
  next line of the same event says how many were not written.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, TextIO

from sluicegate.errors import InvalidInput
from sluicegate.rate import Rate
from sluicegate_record.log.times import format_time

FORM, LEVEL = "SLUICEGATE_JOURNAL", "SLUICEGATE_JOURNAL_LEVEL"
FORMS = ("json", "text")
LEVELS = ("debug", "info", "warning", "error", "critical")
EventName = Literal[
    "started",
    "stopping",
    "restarted",
    "command",
    "text_given_up",
    "signed_in",
    "passkey_added",
    "sign_in_failed",
    "signature_refused",
    "key_misused",
    "directive_refused",
    "clock_jumped",
    "log_forked",
    "log_went_back",
    "gateway_drifted",
    "widening_unvouched",
]
SECURITY: dict[EventName, str] = {
    "sign_in_failed": "a token or key that is not known here, or one that may not do this",
    "signature_refused": "a signature that does not verify, or that the rules do not accept",
    "key_misused": "a key or token that was used for another than its owner, or that counts no longer",
    "directive_refused": "a directive, or a change of one, that was refused",
    "clock_jumped": "a clock that jumped, is in doubt after a start, or differs from another machine's",
    "log_forked": "a log with another history than the one that was seen",
    "log_went_back": "a log with fewer entries than were seen",
    "gateway_drifted": "a gateway with another log or another fold than the control plane's",
    "widening_unvouched": "an entry that widens access, without signatures by a gateway's trust file",
}
"""The events of security: what each means."""
PACED: frozenset[EventName] = frozenset(
    {"sign_in_failed", "signature_refused", "key_misused", "directive_refused"}
)
"""The events that callers cause."""
EVENTS: dict[EventName, str] = {
    "started": "a process is ready: where it listens",
    "stopping": "a signal ends a process: it answers what it has begun",
    "restarted": "a process ended, and is started again",
    "command": "what was asked of a control plane that changes something: who, what, the result, the id",
    "text_given_up": "a text took more time or memory to read than it may",
    "signed_in": "someone signed in to the pages",
    "passkey_added": "someone made a passkey that signs them in from now on",
    **SECURITY,
}
FIELDS = {
    "time": "when it was written, by this machine's clock: RFC 3339 in UTC",
    "level": "`debug`, `info`, `warning`, `error` or `critical`",
    "process": "`control`, `feed`, `gateway`, `supervisor`; `command` for the command line",
    "from": "the module that says it",
    "event": "one of those below; not there in other lines",
    "message": "what happened, in words",
    "unwritten": "how many events of this name were counted and not written since the last line of it",
    "fault": "the type of an unexpected error",
    "places": "where it happened in the code, the innermost last",
    "act": "what was asked, as in the [API](api.md)",
    "who": "the id of the token's holder, as `token list` shows it",
    "role": "the holder's role",
    "party": "the agency that it speaks for",
    "result": "`done`, or the code of the refusal or error",
    "id": "the id of the command, as its entries have it",
    "size": "the size of the log after it",
    "ms": "how long it took, in milliseconds",
    "address": "whose address it was",
    "request": "the id of a request at a gateway, as in the [request log](request-log.md)",
    "gateway": "the name of a gateway",
    "url": "where it listens",
    "code": "the exit code",
    "seconds": "a time in seconds",
}
"""The fields of lines, in the order of the reference."""
AT_ONCE, EACH_MS = 20, 1_000.0
"""How many lines of one event that callers cause are written at once, and how often after that."""
_RATE = Rate(EACH_MS, AT_ONCE * EACH_MS)
_PLACES_MAX = 20
_log = logging.getLogger("sluicegate.journal")

Value = str | int | float | None


@dataclass(slots=True)
class _Counts:
    """The events of security of this process."""

    all: Counter[str] = field(default_factory=Counter)
    unwritten: Counter[str] = field(default_factory=Counter)
    over_ms: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, event: EventName, now_ms: float) -> int | None:
        """Count one. How many were not written before it; None if it is not to be written."""
        with self.lock:
            self.all[event] += 1
            if event not in PACED:
                return 0
            over_ms = _RATE.over_ms(self.over_ms.get(event, 0.0), now_ms)
            if _RATE.wait_ms(over_ms, now_ms):
                self.unwritten[event] += 1
                return None
            self.over_ms[event] = over_ms
            return self.unwritten.pop(event, 0)


_counts = _Counts()


def count_anew() -> None:
    """Count events from now on, as a process does that has just started."""
    with _counts.lock:
        for each in (_counts.all, _counts.unwritten, _counts.over_ms):
            each.clear()


def counted() -> Mapping[str, int]:
    """How many events of security there were in this process, by name; also those that were not."""
    return {name: _counts.all[name] for name in SECURITY}


def note(event: EventName, message: str, level: int | None = None, /, **fields: Value) -> None:
    """Write an event, with those of the fields that are not None.

    An event of security is a warning unless `level` says otherwise, every other one is for information.
    """
    if event in SECURITY:
        unwritten = _counts.add(event, time.monotonic() * 1_000)
        if unwritten is None:
            return
        fields["unwritten"] = unwritten or None
    usual = logging.WARNING if event in SECURITY else logging.INFO
    told = {name: value for name, value in fields.items() if value is not None}
    _log.log(level or usual, "%s", message, extra={"event": event, "fields": told})


def begin(
    process: str, environment: Mapping[str, str], to: TextIO = sys.stderr, *, least: str = "info"
) -> None:
    """Write the journal of this process from now on, in place of another one.

    `least` is the least level that is written, unless the environment says another one.
    Raises: InvalidInput: a form or a level that there is not.
    """
    form = _chosen(environment, FORM, FORMS) or ("text" if to.isatty() else "json")
    level = _chosen(environment, LEVEL, LEVELS) or least
    handler = logging.StreamHandler(to)
    handler.setFormatter(Json(process) if form == "json" else Text(process))
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger("sluicegate").setLevel(level.upper())
    count_anew()


def _chosen(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    given = environment.get(name, "")
    if given and given not in choices:
        raise InvalidInput(f"{name} is {given[:80]!r}, expected one of {', '.join(choices)}")
    return given


class Json(logging.Formatter):
    """One line of JSON for each record."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its line break."""
        return json.dumps(self.told(record))

    def told(self, record: logging.LogRecord) -> dict[str, Any]:
        """What a line says, by its fields."""
        event = getattr(record, "event", None)
        return {
            "time": format_time(int(record.created * 1_000)),
            "level": record.levelname.lower(),
            "process": self._process,
            "from": record.name.removeprefix("sluicegate."),
            **({} if event is None else {"event": event}),
            "message": _said(record),
            **getattr(record, "fields", {}),
            **_fault(record),
        }


class Text(Json):
    """A line for people, with its fields at the end; below it the places of a fault."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines, without the last line break."""
        told = self.told(record)
        head = f"{told.pop('time')} {told.pop('level').upper()} {told.pop('process')} "
        source, event, said = told.pop("from"), told.pop("event", None), told.pop("message")
        places = told.pop("places", [])
        end = " ".join(f"{name}={_shown(value)}" for name, value in told.items())
        line = f"{head}{event or source}: {_shown(said)}{'  ' if end else ''}{end}"
        return "\n".join([line, *(f"    at {place}" for place in places)])


def _said(record: logging.LogRecord) -> str:
    """What a record says: only the first line, unless it is ours. What follows may show a value."""
    said = record.getMessage()
    return said if record.name.startswith("sluicegate") else said.partition("\n")[0]


def _fault(record: logging.LogRecord) -> dict[str, Any]:
    """The type of a record's exception, and its places: nothing that the exception says."""
    kind, _, trace = record.exc_info or (None, None, None)
    if kind is None:
        return {}
    return {"fault": kind.__name__, "places": _places(trace)}


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_PLACES_MAX:]
    return [f"{_module(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _module(path: str) -> str:
    """A file of the code without the folder that it is installed in."""
    for root in ("site-packages/", "/src/", "/lib/"):
        path = path.rpartition(root)[2]
    return path


def _shown(value: object) -> str:
    """A value on one line, also on a terminal: nothing in it moves the cursor."""
    said = str(value)
    return said if said.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in said)
