"""The parts of names that an index has beside all threes of characters: shorter and longer ones.

A part of one or two characters has no three. And where very many names begin in the same way, the
threes of a part may be in all of them; six characters in a row tell more of them apart.
"""

from __future__ import annotations

SHORT, LONG = (2, 1), 6
"""How many characters the parts have."""


def words_of(name: str) -> str:
    """All parts of a name, each as a word of the index."""
    parts = (name[at : at + size] for size in (*SHORT, LONG) for at in range(len(name) - size + 1))
    return " ".join(dict.fromkeys(map(_word, parts)))


def words_in(part: str) -> list[str]:
    """Words that every name has in which `part` occurs; none if the threes of it say as much."""
    size = min(LONG, len(part))
    if size not in {*SHORT, LONG}:
        return []
    last = len(part) - size
    return [*dict.fromkeys(_word(part[at : at + size]) for at in (*range(0, last, size), last))]


def _word(part: str) -> str:
    """Letters and digits alone, whatever the characters: their UTF-8 in hex, marked by how many there are."""
    return f"{len(part)}x{part.encode().hex()}"
