"""How a careless server could read the name of a field: without case, spaces and what does not show."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet


def folded(name: str) -> str:
    """A name as a careless parser could read it."""
    if not name.isidentifier():
        name = "".join(character for character in name if character.isprintable() and not character.isspace())
    return name.casefold()


def is_among(names: Collection[str], wanted: AbstractSet[str]) -> bool:
    """Whether one of some names could be read as a wanted one. Nearly all objects have plain names."""
    joined = "".join(names)
    if joined.isascii() and joined.islower() and joined.isidentifier():  # then each is read as it is written
        return not wanted.isdisjoint(names)
    if not wanted.isdisjoint(map(str.casefold, names)):
        return True
    return not joined.isidentifier() and not wanted.isdisjoint(map(folded, names))
