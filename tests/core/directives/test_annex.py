from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.acts.sheets import UNNAMED
from sluicegate.bounds import FAULTS_MAX
from sluicegate.core.directives import annex
from sluicegate.errors import InvalidDocument, InvalidInput, Place
from sluicegate_record.directives import names


def places(data: bytes) -> list[Place]:
    with pytest.raises(InvalidDocument) as caught:
        annex.read(data, "a.csv")
    assert caught.value.at
    return list(caught.value.at)


@pytest.mark.parametrize(
    ("data", "stated"),
    [
        (b"organization\nExample Utility\n", ["Example Utility"]),
        (b"organization\nExample Utility", ["Example Utility"]),
        (b"organization\r\nA\r\nB\r\n", ["A", "B"]),
        (b"organization\rA\rB\r", ["A", "B"]),
        (b"\xef\xbb\xbforganization\nA\n", ["A"]),
        (b'organization\n"Example, Inc."\n"The ""Example"""\n', ["Example, Inc.", 'The "Example"']),
        (b"note,organization\nwhy,A\n,B\n", ["A", "B"]),
        (b"organization,note\nA,\nB,\n", ["A", "B"]),
        (b" organization , note \n  A  ,x\n", ["A"]),
        (b"Organization,NOTE\nA,x\n", ["A"]),
        (b"organization;note\nA, Inc.;x\n", ["A, Inc."]),
        (b"note\torganization\nx\tA\n", ["A"]),
        (b"organization,note\nA,x\n\n,\n  ,  \nB,\n\n", ["A", "B"]),
        ("organization\n\u00c9A\n".encode("utf-16"), ["\u00c9A"]),
        (b"\xfe\xff" + "organization\nA\n".encode("utf-16-be"), ["A"]),
        ("organization\nÉlectricité\n".encode(), ["Électricité"]),
    ],
)
def test_the_names_are_read_in_their_order(data: bytes, stated: list[str]) -> None:
    assert annex.read(data, "a.csv") == {"organizations": stated}
    assert names.check({"organizations": stated}) == {"organizations": stated}
    assert names.count({"organizations": stated}) == len(stated)


LEI = "00000EXAMPLEUTILIT31"


@pytest.mark.parametrize(
    ("data", "stated"),
    [
        (f"lei\n{LEI.lower()}\n", [f"lei:{LEI}"]),
        ("registry,note\nus-de 0012345,x\n", ["registry:US-DE 12345"]),
        ("alias\nEGU | Grid\n", ["EGU\nGrid"]),
        (
            f"Organization;LEI;Registry\nA, Inc.;{LEI};\nB;;GB 1\n",
            [f"A, Inc.\nlei:{LEI}", "B\nregistry:GB 1"],
        ),
        (f"organization,lei\nA,\n,{LEI}\n", ["A", f"lei:{LEI}"]),
        ("organization,alias\nA,EGU\nB,EGU\n", ["A\nEGU", "B\nEGU"]),
        ("organization,alias\nA,A\n", ["A"]),
    ],
)
def test_a_row_is_one_organization_by_any_of_its_names(data: str, stated: list[str]) -> None:
    assert annex.read(data.encode(), "a.csv") == {"organizations": stated}
    assert names.count({"organizations": stated}) == len(stated)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (f"organization,lei\nA,{LEI}\nB,{LEI[:-1]}2\n", (3, 3, "check digits")),
        ("organization,registry\nA,12345\n", (2, 3, "register")),
        ("organization,registry\n,\nA,UK 12345\n", (3, 3, "register")),
        (f"lei\n{LEI}\n{LEI.lower()}\n", (3, 1, "line 2")),
        ("organization,alias\nA,B\na,C\n", (3, 1, "line 2")),
        ("organization,alias\n,|\n", (2, 1, "a name")),
        ("organization,alias\nA," + "x" * 500 + "\n", (2, 1, "together")),
        ("person,lei\nmem_x,\n", (1, 8, "perhaps note")),
        (b"organization;note\nA;caf\xe9\n".decode("latin-1"), (2, 6, "UTF-8")),
        ("organization,colour\nA,red\n", (1, 14, "perhaps alias")),
        ("organization,note\nA,x,y\n", (2, 1, "2 cells")),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(data: str, place: tuple[int, int, str]) -> None:
    (found,) = places(data.encode("latin-1"))
    assert (found.line, found.column) == place[:2]
    assert place[2] in found.expected


def test_persons_are_read_by_their_ids() -> None:
    assert annex.read(b"person\nmem_abcdefghijklmnop\n", "a.csv") == {"persons": ["mem_abcdefghijklmnop"]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\xef\xbb\xbf",
        b"organization\n",  # names nobody
        b"name\nA\n",
        b"A\nB\n",
        b"organization,person\nA,mem_x\n",
        b"organization,organization\nA,B\n",
        b"organization,color\nA,red\n",
        b"organization;note\nA,x\n",
        b'organization\n"A\n',
        b'organization\n"A"B\n',
        b"organization\n\xff\n",
        b"organization\nA\x00B\n",
        "organization\nA\n".encode("utf-16-le"),  # without its mark
        "organization\nA\n".encode("utf-16")[:-1],
    ],
)
def test_what_is_no_annex(data: bytes) -> None:
    assert places(data)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"organization\nA\n\nB\na\n", [5]),
        (b"organization,note\nA,\n,x\n", [3]),
        (b'organization,note\nA,"two\nlines"\na,\n', [4]),
        (b"organization,note\nA,one\nB,caf\xe9\n", [3]),
        (b"organization\nA\nB,C\n", [3]),
        (b"organization,note\nA\nB,x\n", [2]),
        (b"organization\n  \n\x01\n", [3]),
        (b"organization\nA\n" + b"x" * 501 + b"\n", [3]),
        ("organization\nExample\nEXAMPLE\nexam\u00adple\n".encode(), [3, 4]),
        (b"organization\nA\na\n A \n", [3, 4]),
        ("organization\nExample\u00a0Utility\nexample  utility\n".encode(), [3]),
    ],
)
def test_every_error_is_told_with_its_line(data: bytes, lines: list[int]) -> None:
    assert [place.line for place in places(data)] == lines


def test_a_byte_of_another_encoding_is_found_with_its_column() -> None:
    (found,) = places("organization,note\r\nÉlan,one\r\n".encode() + b"B,caf\xe9\r\n")
    assert (found.line, found.column) == (3, 6)
    assert "UTF-8" in found.expected
    assert "'é' in Windows-1252" in found.found


@pytest.mark.parametrize(
    "character", ["\u200b", "\u202e", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x85", "\x1b"]
)
def test_a_name_with_an_invisible_character_is_refused_and_never_split(character: str) -> None:
    assert [place.line for place in places(f"organization\nExample{character}Utility\n".encode())] == [2]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_name_with_a_line_break_in_quotes_is_refused_and_never_joined(newline: str) -> None:
    assert places(f'organization\n"Example{newline}Utility"\n'.encode())


def test_as_many_rows_as_there_may_be() -> None:
    rows = [b"organization", *(b"org %d" % i for i in range(names.ROWS_MAX))]
    assert names.count(annex.read(b"\n".join(rows), "a.csv")) == names.ROWS_MAX
    (found,) = places(b"\n".join([*rows, b"one more"]))
    assert (found.expected, found.found) == ("1 to 100,000 rows", "100,001")


def test_not_more_errors_are_told_than_a_person_reads() -> None:
    assert len(places(b"organization\n" + b"A\n" * 2 * FAULTS_MAX)) == FAULTS_MAX


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "everyone",
        {},
        {"organizations": []},
        {"organizations": ["A"], "persons": ["mem_x"]},
        {"names": ["A"]},
        {"organizations": "A"},
        {"organizations": [""]},
        {"organizations": [5]},
        {"organizations": ["x" * 501]},
        {"organizations": ["A"] * 100_001},
    ],
)
def test_what_comes_beside_a_directive_and_is_no_annex(value: object) -> None:
    with pytest.raises(ValueError, match="annex"):
        names.check(value)


rows = st.text(max_size=100).map(lambda text: ("organization\n" + text).encode("utf-8", "replace"))


@given(st.binary(max_size=200) | rows)
def test_any_bytes_are_read_or_refused_with_places(data: bytes) -> None:
    try:
        found = annex.read(data, "a.csv")
    except InvalidDocument as error:
        assert error.at  # noqa: PT017 - both ends are right
    else:
        assert names.check(found) == found


PERSONS = {"persons": ["mem_abcdefghijklmnop"]}


def test_one_sheet_has_the_names_of_several_annexes() -> None:
    read = annex.read_each(b"annex,organization\na,A\nb,A\na,B\n", "a.csv")
    assert read == {"a": {"organizations": ["A", "B"]}, "b": {"organizations": ["A"]}}
    assert annex.read_each(b"person\nmem_abcdefghijklmnop\n", "a.csv") == {UNNAMED: PERSONS}


@pytest.mark.parametrize("person", ["John Smith", "*", "everyone", "MEM_ABCDEFGHIJKLMNOP", "mem_abc"])
def test_a_person_is_said_by_their_id_alone(person: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        annex.read(f"person\n{person}\n".encode(), "a.csv")
    assert [(each.line, each.expected, each.found) for each in caught.value.at] == [
        (2, annex.PERSON_EXPECTED, repr(person))
    ]
    with pytest.raises(InvalidInput, match="expected the id of a person"):
        annex.checked({"spec": {"annexes": {"a": {}}}}, {"a": {"persons": [person]}})


def test_the_rows_of_one_sheet_say_whose_they_are() -> None:
    with pytest.raises(InvalidDocument) as caught:
        annex.read_each(b"annex,organization\n,A\na,B\na,b\n", "a.csv")
    assert [each.line for each in caught.value.at] == [2, 4]


def test_an_annex_of_a_sheet_that_is_too_long_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annex, "ROWS_MAX", 2)
    with pytest.raises(InvalidDocument) as caught:
        annex.read_each(b"annex,organization\na,A\nb,A\nb,B\nb,C\n", "a.csv")
    assert [str(each) for each in caught.value.at] == ["a.csv:3:1: expected 1 to 2 rows of b, found 3"]


@pytest.mark.parametrize("annexes", [{}, {"": {"organizations": ["A"]}}, {"b": {"organizations": ["A"]}}])
def test_an_order_has_the_names_of_each_annex_by_its_name(annexes: dict[str, object]) -> None:
    order: dict[str, Any] = {"spec": {"annexes": {"a": {}}}}
    assert annex.checked(order, {"a": {"organizations": ["A"]}}) == {"a": {"organizations": ["A"]}}
    with pytest.raises(InvalidInput, match="expected the names of each annex") as caught:
        annex.checked(order, annexes)
    assert [each.file for each in caught.value.at] == ["annexes"]


def test_all_that_is_wrong_is_counted_and_the_first_places_are_listed() -> None:
    with pytest.raises(InvalidDocument) as caught:
        annex.read(b"organization\n" + b"A\n" * 2_001, "a.csv")
    assert len(caught.value.at) == FAULTS_MAX
    assert caught.value.message == "a.csv: 2000 errors, the first 100 of them listed; nothing was done"
