"""Pages of lists, newest first: an answer names what it ends with, and the next page goes on after that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import dropwhile, islice
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """The first of what was found; `is_cut` says that there is more."""

    shown: tuple[T, ...]
    is_cut: bool


def page(found: Iterable[T], limit: int) -> Page[T]:
    """The first `limit` of what was found. Requires: limit >= 1."""
    seen = tuple(islice(found, limit + 1))
    return Page(seen[:limit], len(seen) > limit)


def following(found: Iterable[T], before: str | None, name: Callable[[T], str]) -> Iterator[T]:
    """What comes after the one of a name, in its order; all, without a name; else nothing, if none has it."""
    if before is None:
        return iter(found)
    return islice(dropwhile(lambda each: name(each) != before, found), 1, None)


def newest(known: Mapping[str, T], before: str | None = None) -> Iterator[tuple[str, T]]:
    """What is known, with its names, newest first; with `before` only what is older.

    Requires: `known` is in the order in which it came; `before` is in it.
    """
    names: Iterator[str] = reversed([*known])
    if before is not None:
        names = islice(dropwhile(before.__ne__, names), 1, None)
    return ((name, known[name]) for name in names)
