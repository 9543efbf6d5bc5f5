"""Text that people read: shown as it stands, or refused."""

from __future__ import annotations

import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co"})


def is_plain(text: str) -> bool:
    """Whether a terminal or a page shows a text as it stands: no control or invisible characters."""
    return not any(unicodedata.category(character) in _INVISIBLE for character in text)
