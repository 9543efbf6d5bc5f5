"""Text that people read: shown unchanged, or refused."""

from __future__ import annotations

import unicodedata

REASON_MAX = 2_000
"""How many characters a reason, an answer or a notice may have."""
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co"})


def counted(count: int, one: str, many: str = "") -> str:
    """How many there are of something, such as `1 entry`; `many` is `one` with an s where it is left out."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def is_plain(text: str) -> bool:
    """Whether a terminal or a page shows a text unchanged: it has no control or invisible characters."""
    return not any(unicodedata.category(character) in _INVISIBLE for character in text)


def shown(text: str) -> str:
    """A text as one line that a terminal may safely show: what it would obey or hide is spelled out."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
