from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.core.directives import annex
from sluicegate.errors import InvalidDocument, Place
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
        ("organization\nÉlectricité\n".encode(), ["Électricité"]),
    ],
)
def test_the_names_are_read_in_their_order(data: bytes, stated: list[str]) -> None:
    assert annex.read(data, "a.csv") == {"organizations": stated}
    assert names.check({"organizations": stated}) == {"organizations": stated}
    assert names.count({"organizations": stated}) == len(stated)


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
        b"Organization\nA\n",
        b'organization\n"A\n',
        b'organization\n"A"B\n',
        b"organization\n\xff\n",
        b"organization\nA\x00B\n",
        "organization\nA\n".encode("utf-16"),
    ],
)
def test_what_is_no_annex(data: bytes) -> None:
    assert places(data)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"organization\nA\n\nB\n", [3]),
        (b"organization\nA\nB,C\n", [3]),
        (b"organization,note\nA\nB,x\n", [2]),
        (b"organization\n  \nA\n", [2]),
        (b"organization\nA\n" + b"x" * 501 + b"\n", [3]),
        ("organization\nExample\nEXAMPLE\nexam\u00adple\n".encode(), [3, 4]),
        (b"organization\nA\na\n A \n", [3, 4]),
        ("organization\nExample\u00a0Utility\nexample  utility\n".encode(), [3]),
    ],
)
def test_every_error_is_told_with_its_line(data: bytes, lines: list[int]) -> None:
    assert [place.line for place in places(data)] == lines


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
    assert len(places(b"organization\n" + b"A\n" * 100)) == annex.FAULTS_MAX


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
