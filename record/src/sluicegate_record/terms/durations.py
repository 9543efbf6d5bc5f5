"""ISO 8601 durations of fixed length: days, hours, minutes, seconds. Months and years vary."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated

from sluicegate_record.form import Codec, Json, Misread, shown

PATTERN = r"^P([0-9]{1,5}D)?(T([0-9]{1,6}H)?([0-9]{1,6}M)?([0-9]{1,9}S)?)?$"
_WHOLE = re.compile(PATTERN)
_UNITS_S = {"D": 86_400, "H": 3_600, "M": 60, "S": 1}


@lru_cache(maxsize=1_024)
def milliseconds(text: str) -> int:
    """How long a duration such as `P30D` or `PT12H30M` is.

    Raises: ValueError: not of that form.
    """
    match = _WHOLE.fullmatch(text)
    if match is None or text[-1] in "PT":
        raise ValueError(f"{text!r} is not a duration such as P30D or PT12H")
    parts = (match[1], match[3], match[4], match[5])
    return 1000 * sum(int(part[:-1]) * _UNITS_S[part[-1]] for part in parts if part)


def _read(value: Json) -> str:
    try:
        lasts_ms = milliseconds(value) if type(value) is str else 0
    except ValueError:
        lasts_ms = 0
    if not lasts_ms:
        raise Misread("a duration longer than nothing, such as P30D or PT12H", shown(value))
    return str(value)


Duration = Annotated[str, Codec(_read, str, {"type": "string", "pattern": PATTERN})]
"""A duration longer than nothing, as it is written."""
