"""Fields that a form takes as a sheet, too: the columns of each, and an example.

Rules:
- A mark on the type of a field says so: forms, their tables and the reader of requests go by it.
- A sheet may be of several parts of the document beside it. A column says of which each row is; it may be
  left out where the document has one such part alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sluicegate_record.form import Form, FormField, shape_of

ORGANIZATION, PERSON, NOTE = "organization", "person", "note"
ANNEX, LIST = "annex", "list"
UNNAMED = ""
"""The name that rows have whose sheet does not say of which part they are."""


@dataclass(frozen=True, slots=True, eq=False)
class SheetField:
    """What a sheet has: its columns, each with what is in it; an example; and in `whose` the column that says
    of which part of the document a row is.
    """

    columns: Mapping[str, str]
    whose: str
    example: str


ANNEXES = SheetField(
    {
        ORGANIZATION: "a legal name, or an id org_…",
        PERSON: "instead, for an annex of people: an id mem_…",
        "alias": "other names of the organization, with | between them",
        "lei": "its LEI",
        "registry": "the register it is in and its number there, such as US-DE 0012345",
        ANNEX: "whose row it is, if the order has several annexes",
        NOTE: "for people who read it; it is not signed",
    },
    ANNEX,
    'organization,alias,note\n"Example Utility, Inc.",EUI | Example Grid,in the letter\nNorth Water,,\n',
)
LISTS = SheetField(
    {
        ORGANIZATION: "a legal name",
        LIST: "whose row it is, by the file that the plan names, if it names several",
        NOTE: "for people who read it; it is not signed",
    },
    LIST,
    'organization,note\n"Example Utility, Inc.",as agreed in June\nNorth Water,\n',
)


def sheet_of(field: FormField) -> SheetField | None:
    """What a sheet in a field has, if it may be one."""
    return next((mark for mark in field.marks if isinstance(mark, SheetField)), None)


def sheets_of(asked: type[Form]) -> Mapping[str, SheetField]:
    """The fields of a form that may be a sheet, by their keys."""
    fields = shape_of(asked).fields
    return {each.key: sheet for each in fields if (sheet := sheet_of(each)) is not None}
