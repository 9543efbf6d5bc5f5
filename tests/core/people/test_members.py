from __future__ import annotations

import pytest

from sluicegate.bounds import FAULTS_MAX
from sluicegate.core.people import members
from sluicegate.errors import InvalidDocument, Place

HEADER = "identifier,status,method,assurance,until"


def read(*lines: str) -> list[dict[str, str]]:
    return members.read("\n".join(lines).encode(), "people.csv")


def faults(*lines: str) -> list[tuple[int, int, str]]:
    with pytest.raises(InvalidDocument) as caught:
        read(*lines)
    return [(place.line, place.column, place.expected) for place in caught.value.at]


def test_rows_say_only_what_they_state():
    found = read(
        HEADER,
        "ada,us_citizen,document-seen,organization,2027-01-31",
        '"Ben, junior", other , i-9 , , ',
        "eve,,,,",
    )
    assert found == [
        {
            "identifier": "ada",
            "status": "us_citizen",
            "method": "document-seen",
            "assurance": "organization",
            "until": "2027-01-31",
        },
        {"identifier": "Ben, junior", "status": "other", "method": "i-9"},
        {"identifier": "eve"},
    ]


def test_columns_come_in_any_order_and_only_the_identifier_must():
    assert read("status,identifier,method", "other,ada,i-9")[0]["identifier"] == "ada"
    assert read("\ufeffidentifier", "ada") == [{"identifier": "ada"}]


@pytest.mark.parametrize(
    ("header", "at"),
    [("", 1), ("status,method", 1), ("identifier,passport", 12), ("identifier;identifier", 12)],
)
def test_a_first_line_that_names_no_known_columns_is_refused(header, at):
    [(line, column, expected)] = faults(header, "ada")
    assert (line, column) == (1, at)
    assert "identifier" in expected


def test_a_list_is_read_as_a_spreadsheet_wrote_it():
    rows = "Identifier;Status;METHOD\r\nada;other;i-9\r\n;;\r\n\r\n".encode("utf-16")
    assert members.read(rows, "people.csv") == [{"identifier": "ada", "status": "other", "method": "i-9"}]


def test_every_error_comes_at_once_with_its_place():
    found = faults(
        HEADER,
        "ada,citizen,document-seen,organization,2027-01-31",
        "ben,other,Passport X1,certain,soon",
        "ada,other,i-9,,",
        ",other,i-9,,",
        "eve,,i-9,,2027-01-31",
        "joe,other",
        "zoe,other,,,",
        "a\u200bda,other,i-9,,2027-02-30",
    )
    places = [(line, column) for line, column, _ in found]
    assert places == [
        (2, 5),
        *((3, 11), (3, 23), (3, 31)),
        (4, 1),
        (5, 1),
        *((6, 6), (6, 11)),
        (7, 1),
        (8, 11),
        *((9, 1), (9, 17)),
    ]


def test_a_place_says_what_was_found():
    with pytest.raises(InvalidDocument) as caught:
        read(HEADER, "ada,citizen,i-9,,")
    expected = "one of us_citizen, us_permanent_resident, us_protected_person, other, unknown"
    assert list(caught.value.at) == [Place("people.csv", 2, 5, expected, "'citizen'")]


@pytest.mark.parametrize("data", [b"\xff\xfe", b'identifier\n"ada', b"identifier\n", b""])
def test_what_is_no_list_is_refused(data):
    with pytest.raises(InvalidDocument):
        members.read(data, "people.csv")


def test_only_so_many_errors_are_told():
    assert len(faults(HEADER, *["ada,x,,,"] * 2 * FAULTS_MAX)) == FAULTS_MAX
