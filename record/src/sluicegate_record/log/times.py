"""Times as entries write them: RFC 3339 in UTC, with milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sluicegate_record.errors import VerificationFailed

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UTC = "+00:00"


def format_time(at_ms: int) -> str:
    """RFC 3339 UTC with milliseconds, such as `2026-06-12T21:21:00.000Z`."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").removesuffix(_UTC) + "Z"


def parse_time(text: str) -> int:
    """Milliseconds since 1970 UTC of what `format_time` wrote.

    Raises: VerificationFailed: any other form.
    """
    try:
        return _minute_ms(text[:_MINUTE]) + _SECONDS_MS[text[_MINUTE:_SECOND]] + _MILLIS[text[_SECOND:]]
    except (KeyError, TypeError, ValueError) as error:
        raise VerificationFailed(f"{text!r} is not a time such as 2026-06-12T21:21:00.000Z") from error


@lru_cache(maxsize=4_096)
def _minute_ms(text: str) -> int:
    """The milliseconds at the start of a minute, written as `2026-06-12T21:21:`. Raises: ValueError."""
    moment = datetime.fromisoformat(text + "00" + _UTC)
    if moment.isoformat() != text + "00" + _UTC:
        raise ValueError
    return (moment - _EPOCH) // timedelta(milliseconds=1)


_MINUTE, _SECOND = len("2026-06-12T21:21:"), len("2026-06-12T21:21:00.")
_SECONDS_MS = {f"{second:02}.": second * 1_000 for second in range(60)}
_MILLIS = {f"{milli:03}Z": milli for milli in range(1_000)}
