"""Lists of organizations beside a plan: what is read, and where each fault is."""

from __future__ import annotations

import pytest

from sluicegate.acts.sheets import UNNAMED
from sluicegate.bounds import LISTED_MAX
from sluicegate.core.people import lists
from sluicegate.errors import InvalidDocument


def faults(text: str) -> list[tuple[int, int, str, str]]:
    with pytest.raises(InvalidDocument) as caught:
        lists.read(text.encode(), "partners.csv")
    assert "nothing was done" in caught.value.message
    return [(each.line, each.column, each.expected, each.found) for each in caught.value.at]


@pytest.mark.parametrize(
    "text",
    [
        "organization\nExample Corporation\nÜber AG\n",
        "Organization;Note\nExample Corporation;first\n;\n\nÜber AG;",
        'note,organization\n,"Example Corporation"\n"a, b",Über AG\n',
    ],
)
def test_the_legal_names_are_read_in_their_order_and_notes_are_left_out(text: str) -> None:
    assert lists.read(text.encode(), "partners.csv") == ("Example Corporation", "Über AG")


NAME = "a legal name of 1 to 500 characters, none of them invisible"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("organization\n", [(1, 1, "1 to 500 rows", "0")]),
        ("", [(1, 1, "a first line with the column 'organization'", "nothing")]),
        ("name\nA\n", [(1, 1, "the column 'organization', and perhaps note; each once", "'name'")]),
        (
            "organization,country\nA,US\n",
            [(1, 14, "the column 'organization', and perhaps note; each once", "'country'")],
        ),
        ("person\nmem_1\n", [(1, 1, "the column 'organization', and perhaps note; each once", "'person'")]),
        ("organization\nA\nB\nA\n", [(4, 1, "each organization once", "'A'")]),
        ("organization\nAcme, Inc.\n", [(2, 1, "1 cell, as in the first line", "'Acme,Inc.'")]),
        ('organization\n"Acme, Inc."\nACME INC\n', [(3, 1, "each organization once", "'ACME INC'")]),
        ("organization,note\n,x\nA,\n", [(2, 1, NAME, "nothing")]),
        ("organization\nA\u200b\nB\x07\n", [(2, 1, NAME, "'A\\u200b'"), (3, 1, NAME, "'B\\x07'")]),
    ],
)
def test_each_fault_of_a_list_is_told_where_it_is(text: str, found: list[tuple[int, int, str, str]]) -> None:
    assert faults(text) == found


def test_a_list_has_so_many_rows_at_most() -> None:
    rows = [f"Example {number}" for number in range(LISTED_MAX + 1)]
    assert faults("\n".join(["organization", *rows])) == [(1, 1, "1 to 500 rows", "501")]
    assert len(lists.read("\n".join(["organization", *rows[1:]]).encode(), "x")) == LISTED_MAX


def test_a_list_that_came_with_a_plan_is_checked_again() -> None:
    lists.check(["A", "B"], "x")
    for names, line in (([], 1), (["A", "a"], 3), (["A", " "], 3), (["A"] * (LISTED_MAX + 2), 1)):
        with pytest.raises(InvalidDocument) as caught:
            lists.check(names, "x")
        assert caught.value.at[0].line == line


def test_one_sheet_has_the_names_of_several_lists() -> None:
    read = lists.read_each(b"list,organization\na,A\nb,A\na,B\n", "a.csv")
    assert read == {"a": ("A", "B"), "b": ("A",)}
    assert lists.read_each(b"organization\nA\n", "a.csv") == {UNNAMED: ("A",)}
    with pytest.raises(InvalidDocument) as caught:
        lists.read_each(b"list,organization\n,A\na,B\na,b\n", "a.csv")
    assert [each.line for each in caught.value.at] == [2, 4]


def test_a_list_of_a_sheet_that_is_too_long_is_named() -> None:
    rows = "list,organization\na,A\n" + "".join(f"b,B{i}\n" for i in range(LISTED_MAX + 1))
    with pytest.raises(InvalidDocument) as caught:
        lists.read_each(rows.encode(), "a.csv")
    assert [str(each) for each in caught.value.at] == [
        f"a.csv:3:1: expected 1 to {LISTED_MAX} rows of b, found {LISTED_MAX + 1}"
    ]
