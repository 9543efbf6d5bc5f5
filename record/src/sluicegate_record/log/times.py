"""Times as entries write them: RFC 3339 in UTC, with milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sluicegate_record.errors import VerificationFailed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def format_time(at_ms: int) -> str:
    """RFC 3339 UTC with milliseconds, such as `2026-06-12T21:21:00.000Z`."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


@lru_cache(maxsize=4_096)
def parse_time(text: str) -> int:
    """Milliseconds since 1970 UTC of what `format_time` wrote.

    Raises: VerificationFailed: any other form.
    """
    try:
        at_ms = (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
    except (TypeError, ValueError) as error:
        raise VerificationFailed(f"{text!r} is not a time such as 2026-06-12T21:21:00.000Z") from error
    if format_time(at_ms) != text:
        raise VerificationFailed(f"{text!r} is not a time such as {format_time(at_ms)}")
    return at_ms
