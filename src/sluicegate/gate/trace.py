"""What is noted of one request, and the line that the request log has of it.

Rules:
- No part of a request or an answer is noted, no key, and no name of a person.
- What the caller chose is noted only where it is one of a list: a path, a model. All else is `other`.
"""

from __future__ import annotations

import json
import secrets
from functools import lru_cache
from time import monotonic
from typing import NamedTuple

from sluicegate.core.access.rows import CredentialRow
from sluicegate.core.access.table import Table
from sluicegate.gate.dialects import ENDPOINTS
from sluicegate.gate.effective import Watch
from sluicegate_record.log.times import format_time

OTHER = "other"
"""A path that is not served, or a model that is not in the table."""
MODELS = b"/v1/models"
MODEL = b"/v1/models/"

FIELDS = {
    "time": "when the head of the request had arrived, by this machine's clock: RFC 3339 in UTC",
    "request": "the id of the request: in `x-sluicegate-request-id` of an answer, in the text of an error",
    "credential": "the id of the key, as `credential list` shows it; null: no key, or one not known here",
    "organization": "the pseudonym of the organization that the key belongs to, or null",
    "path": "the path of the endpoint; `/v1/models/` with any model; `other`: not served here",
    "model": "the model that was asked for; null: none was read; `other`: one that is not in the table",
    "fallback": "the model that answered in its place, or null",
    "decision": "`allow`; `deny`; `cut`: allowed at first; null: it ended before a decision",
    "reason": "why it was refused or cut, as in [refusals](refusals.md), or null",
    "directive": "the id of the directive that refused or cut it, or null",
    "outcome": "how it ended, as in `sluicegate_requests_total`",
    "status": "the status that the client got; 0: none",
    "upstreamStatus": "the status of the model's server; 0: it was not asked, or did not answer",
    "bytesIn": "the body that had arrived, without its framing",
    "bytesOut": "the body that was written, without its framing",
    "firstByteMs": "from `time` until the first bytes of the answer were written; null: none were",
    "totalMs": "from `time` until the request was over",
    "differs": "how the answer says that something else ran than was asked or granted, as in "
    "`sluicegate_effective_access_total`; null: it does not say that",
}
"""The fields of a line, in their order."""

_LINE = (
    '{"time":"%s","request":"%s","credential":%s,"organization":%s,"path":"%s","model":%s,"fallback":%s,'
    '"decision":%s,"reason":%s,"directive":%s,"outcome":"%s","status":%d,"upstreamStatus":%d,"bytesIn":%d,'
    '"bytesOut":%d,"firstByteMs":%s,"totalMs":%.3f,"differs":%s}\n'
)
"""A line: a third of the time that making it of an object takes."""
_PASSED = '[%s,%s,%s,%s,%s,%d,%d,"%s"]\n'
_ID_BYTES_MAX = 128
_quoted = lru_cache(maxsize=4_096)(json.dumps)


class _RequestIds:
    """Ids for requests. The system is asked for the randomness of many at a time."""

    __slots__ = ("_drawn",)

    def __init__(self) -> None:
        self._drawn: list[str] = []

    def __call__(self) -> str:
        """An id that no one else has."""
        if not self._drawn:
            drawn = secrets.token_hex(_DRAWN * _ID_DIGITS // 2)
            self._drawn = [f"req_{drawn[at : at + _ID_DIGITS]}" for at in range(0, len(drawn), _ID_DIGITS)]
        return self._drawn.pop()


_ID_DIGITS = 24
_DIGITS_ASKED = 12
_OK, _ERROR = 200, 400
_DRAWN = 256
new_request_id = _RequestIds()


class Under(NamedTuple):
    """Under what a request was let through: a grant or account, the size of the log then, and the programmes
    of the grant that it asked for.
    """

    grant: str
    size: int
    programmes: tuple[str, ...] = ()


class Trace:
    """What is noted of a request from when its head has arrived.

    Units: `…_s` seconds of the monotonic clock.
    """

    __slots__ = (
        "began_s",
        "bytes_out",
        "credential",
        "decision",
        "directive",
        "fallback",
        "first_s",
        "id",
        "model",
        "parent",
        "reason",
        "status",
        "under",
        "upstream_id",
        "upstream_status",
        "watch",
    )

    def __init__(self) -> None:
        self.id = new_request_id()
        self.began_s = monotonic()
        self.first_s = 0.0
        self.credential: CredentialRow | None = None
        self.model = ""
        self.parent = b""
        """The `traceparent` of the client, where spans are sent."""
        self.fallback = ""
        self.decision = ""
        self.reason = ""
        self.directive = ""
        self.status = 0
        self.upstream_status = 0
        self.upstream_id = b""
        """The id that the model's server gave the request, if it said one."""
        self.under: Under | None = None
        """Under what it was passed on, if it was."""
        self.watch: Watch | None = None
        """What looks at the answer, if the request was passed on."""
        self.bytes_out = 0

    @property
    def differences(self) -> tuple[str, ...]:
        """How the answer differs from what was asked for and granted."""
        return () if self.watch is None else self.watch.differences

    def began(self, status: int) -> None:
        """The answer's head is written."""
        self.status = status

    def wrote(self, count: int) -> None:
        """So many bytes of the answer's body are written."""
        if count and not self.first_s:
            self.first_s = monotonic()
        self.bytes_out += count

    def allowed(self, fallback: str) -> None:
        """It was allowed; `fallback` is the model that answers in place of the one asked for, or empty."""
        self.decision, self.fallback = "allow", fallback

    def refused(self, reason: str, directive: str) -> None:
        """It was refused, or cut if it had been allowed."""
        self.decision = "cut" if self.decision == "allow" else "deny"
        self.reason, self.directive = reason, directive


def is_written(trace: Trace, one_in: int) -> bool:
    """Whether a request has its line, where one in so many that were allowed and answered has one.

    The id decides, so that anyone who has it knows too. What was refused, was cut or failed always has one.
    """
    if one_in == 1:
        return True
    is_plain = trace.decision == "allow" and _OK <= trace.status < _ERROR and not trace.differences
    return not is_plain or int(trace.id[-_DIGITS_ASKED:], 16) % one_in == 0


def line(  # noqa: PLR0913 - what a line is made of
    trace: Trace, path: bytes, outcome: str, bytes_in: int, table: Table, wall_ms: int, ended_s: float
) -> str:
    """A request's line; `wall_ms` is the wall clock when it was over."""
    credential, differs = trace.credential, trace.differences
    total_s = ended_s - trace.began_s
    return _LINE % (
        _time(wall_ms - round(1000 * total_s)),
        trace.id,
        "null" if credential is None else _quoted(credential.id),
        "null" if credential is None else _quoted(credential.grant.organization),
        _path(path),
        _quoted(trace.model if trace.model in table.offers else OTHER) if trace.model else "null",
        _quoted(trace.fallback) if trace.fallback else "null",
        _quoted(trace.decision) if trace.decision else "null",
        _quoted(trace.reason) if trace.reason else "null",
        _quoted(trace.directive) if trace.directive else "null",
        outcome,
        trace.status,
        trace.upstream_status,
        bytes_in,
        trace.bytes_out,
        f"{1000 * (trace.first_s - trace.began_s):.3f}" if trace.first_s else "null",
        1000 * total_s,
        _quoted(" ".join(differs)) if differs else "null",
    )


def passed_line(trace: Trace, surface: str, at_ms: int, outcome: str) -> bytes:
    """A request's line of the request book: its own id, that of the model's server, and what is sealed.

    Requires: it was passed on, with a key.
    """
    under, credential = trace.under, trace.credential
    assert under is not None
    assert credential is not None
    other = trace.upstream_id
    if len(other) > _ID_BYTES_MAX or b" " in other:
        other = b""
    programmes = json.dumps(under.programmes) if under.programmes else "[]"
    said = _PASSED % (
        _quoted(credential.id),
        _quoted(under.grant),
        _quoted(trace.fallback or trace.model),
        _quoted(surface),
        programmes,
        under.size,
        at_ms,
        outcome,
    )
    return b"%b %b %b" % (trace.id.encode(), other, said.encode())


def _time(at_ms: int) -> str:
    second, ms = divmod(at_ms, 1000)
    return f"{_second(second)}.{ms:03}Z"


@lru_cache(maxsize=64)
def _second(at_s: int) -> str:
    return format_time(1000 * at_s).partition(".")[0]


def _path(path: bytes) -> str:
    if path in ENDPOINTS or path == MODELS:
        return path.decode()
    return MODEL.decode() if path.startswith(MODEL) else OTHER
