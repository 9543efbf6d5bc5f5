"""Times as entries write them: RFC 3339 in UTC, with milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sluicegate_record.errors import VerificationFailed

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
        moment = datetime.fromisoformat(text)
        is_plain = moment.isoformat(timespec="milliseconds") == text.removesuffix("Z") + _UTC
        since = moment - _EPOCH
    except (TypeError, ValueError) as error:
        raise VerificationFailed(f"{text!r} is not a time such as 2026-06-12T21:21:00.000Z") from error
    if not is_plain:
        raise VerificationFailed(f"{text!r} is not a time such as 2026-06-12T21:21:00.000Z")
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000
