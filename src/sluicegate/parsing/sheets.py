"""The sheets in what a form asks an act with: what is in each, and of which part of the document it is.

Rules:
- Only a sheet may leave out of what its rows are. It is then the only part that the document has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from sluicegate.acts.act import Arguments
from sluicegate.acts.sheets import ANNEXES, LISTS, UNNAMED, SheetField, sheets_of
from sluicegate.core.directives import annex
from sluicegate.core.people import lists
from sluicegate.core.terms import audiences, document
from sluicegate.errors import InvalidDocument, wrong_field
from sluicegate_record.form import Json, replace


def _lists(data: bytes, file: str) -> Mapping[str, Json]:
    return {name: list(names) for name, names in lists.read_each(data, file).items()}


class _Reader(NamedTuple):
    """What reads a kind of sheet, and what says of which parts of a document its rows can be."""

    read: Callable[[bytes, str], Mapping[str, Json]]
    stated: Callable[[Any], Sequence[str]]


_READERS: Mapping[SheetField, _Reader] = {
    ANNEXES: _Reader(annex.read_each, annex.stated),
    LISTS: _Reader(_lists, audiences.listed),
}


def read(asked: type[Arguments], key: str, text: str) -> Json:
    """The names in a sheet, by whose they are. Raises: InvalidDocument: with the place of every error."""
    return _READERS[sheets_of(asked)[key]].read(text.encode(), key)


def named(asked: Any, sheets: Iterable[str]) -> Any:
    """What an act is asked with, where the sheets with some keys may not say whose they are.

    Raises: InvalidInput: its document has no such part, or several.
    """
    unnamed = [key for key in sheets if getattr(asked, key).keys() == {UNNAMED}]
    with suppress(InvalidDocument):  # its reader says what is wrong with the document
        value = document.read(asked.text, asked.file).value if unnamed else None
        for key in unnamed:
            kind = sheets_of(type(asked))[key]
            name = _only(key, kind, _READERS[kind].stated(value))
            asked = replace(asked, **{key: {name: getattr(asked, key)[UNNAMED]}})
    return asked


def _only(key: str, kind: SheetField, stated: Sequence[str]) -> str:
    """The one part that a sheet can be of. Raises: InvalidInput: the document has no part, or several."""
    if len(stated) == 1:
        return stated[0]
    expected = f"the column '{kind.whose}', which says whose each row is: {', '.join(stated[:10])}"
    if not stated:
        expected = f"no names: the text refers to no {key}"
    found = "a sheet without it" if stated else "some"
    raise wrong_field(key, expected, found)
