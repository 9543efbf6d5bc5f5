"""Text that people read: shown unchanged, or refused."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

REASON_MAX = 2_000
"""How many characters a reason, an answer or a notice may have."""
_MARKS = str.maketrans("“”„‟", "\u2018\u2019\u201a\u201b")
"""The marks around a text that someone else wrote, and what stands for them within it."""
_BECOME_MARKS = "\u0f73\u0f75\u0f81\uff9e\uff9f"
"""Characters that are no marks, but that normalization turns into marks."""
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co"})


def counted(count: int, one: str, many: str = "") -> str:
    """How many there are of something, such as `1 entry`; `many` is `one` with an s where it is left out."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def is_plain(text: str) -> bool:
    """Whether a terminal or a page shows a text unchanged: it has no control or invisible characters."""
    if text.isascii():
        return text.isprintable()
    return not any(unicodedata.category(character) in _INVISIBLE for character in text)


def quoted(text: str) -> str:
    """A text that someone else wrote, in “ ”, as one line: no mark within it ends it."""
    return f"“{shown(text.translate(_MARKS))}”"


def has_stack(text: str, most: int) -> bool:
    """Whether more than `most` combining marks follow each other: to put them in order takes their square.

    Source: UAX #15, Stream-Safe Text Format.
    """
    return not text.isascii() and _stack(most).search(text) is not None


@cache
def _stack(most: int) -> re.Pattern[str]:
    marks = (chr(point) for point in range(0x300, 0x20000) if unicodedata.combining(chr(point)))
    return re.compile(f"[{''.join(marks)}{_BECOME_MARKS}]{{{most + 1}}}")


def shown(text: str) -> str:
    """A text as one line that a terminal may safely show: what it would obey or hide is spelled out."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
