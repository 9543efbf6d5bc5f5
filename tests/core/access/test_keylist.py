"""Lists of keys: read as they are written, or refused with the place of every error."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.acts.imports import PART_ROWS
from sluicegate.core.access import keylist
from sluicegate.core.access.keylist import KeyList, ListDigest
from sluicegate.errors import InvalidDocument

A, B = (hashlib.sha256(name.encode()).hexdigest() for name in "ab")
EMPTY = hashlib.sha256(b"").hexdigest()


def places(text: str, line: int = 2) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        keylist.read(text, "keys.csv", line)
    assert len(caught.value.at) <= keylist.FAULTS_MAX
    return [f"{each.line}:{each.column} {each.expected}: {each.found}" for each in caught.value.at]


def test_a_list_is_read_by_columns():
    text = f'sha256,grant,label,expires\n{A},grant_1,"blue, build",2027-01-31\n{B.upper()},grant_2,,\n'
    found = keylist.read(text.rstrip(), "keys.csv")
    assert found.keys.digests.hex() == A + B
    assert (found.keys.grants, found.keys.of) == (("grant_1", "grant_2"), (0, 1))
    assert (found.labels, found.keys.expiry_of_each()) == (("blue, build", None), (1801353600000, None))
    assert KeyList.from_json(found.to_json()) == found


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_list_is_read_as_a_spreadsheet_wrote_it(separator):
    rows = (f"Sha256,GRANT,Label\n{A},g,x".replace(",", separator), f"sha256,grant,label\n{A},g,x")
    read, plain = (keylist.read(text, "keys.csv") for text in rows)
    assert read == plain
    assert places(f"sha256,grant\n{A},g g".replace(",", separator))[0].startswith("2:66 ")


def test_columns_that_say_nothing_are_left_out():
    found = keylist.read(f"grant,sha256\ng,{A}\ng,{B}", "keys.csv")
    assert (found.labels, found.keys.expires_ms, found.keys.of) == ((), (), (0, 0))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (f"{A[:-1]},g,,", "2:1 the SHA-256 of a key in 64 hex digits: 63 characters"),
        (f"{EMPTY},g,,", "2:1 the digest of a key: the digest of an empty text"),
        (f"{A},g g,,", "2:66 a grant, such as grant_…: 'g g'"),
        (f"{A},,,", "2:66 a grant, such as grant_…: ''"),
        (f"{A},g,{'x' * 65},", "2:68 at most 64 characters, none of them invisible: 65 characters"),
        (f"{A},g,a\u202eb,", "2:68 at most 64 characters, none of them invisible: 3 characters"),
        (f"{A},g,a,", "2:68 what its holder calls the key: the key itself"),
        (
            f"{A},g,x,soon",
            "2:70 a date such as 2027-01-31, or a time such as 2027-01-31T00:00:00.000Z: 'soon'",
        ),
        (f"{A},g", "2:1 4 cells, as in the first line: 2"),
        (f'"{A},g,,', "2:1 CSV: unexpected end of data"),
        ("", "2:1 4 cells, as in the first line: 0"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_with_its_place(row, expected):
    assert places(f"sha256,grant,label,expires\n{row}") == [expected]


def test_no_error_shows_what_stands_for_a_digest():
    """It may be the key itself."""
    (said,) = places("sha256,grant\nsk-example-0123456789,g")
    assert "sk-" not in said


def test_a_key_comes_once_and_lines_are_those_of_the_file():
    assert places(f"sha256,grant\n{A},g\n{B},g\n{A},g", line=41) == [
        "43:1 each key once: a key that is on an earlier line"
    ]


@pytest.mark.parametrize("header", ["", "sha256", "grant", "sha256,grant,grant", "sha256,grant,key", A])
def test_the_first_line_names_the_columns(header):
    (said,) = places(f"{header}\n{A},g")
    assert said.startswith("1:1 a first line with the columns sha256, grant")


def test_a_cell_of_several_lines_is_refused():
    assert places(f'sha256,grant,label\n{A},g,"a\nb"')[0].startswith("2:1 each key on a line of its own")


def test_errors_are_listed_up_to_a_bound():
    rows = "\n".join(["x,g"] * 100)
    assert len(places(f"sha256,grant\n{rows}")) == keylist.FAULTS_MAX


@pytest.mark.parametrize("count", [0, PART_ROWS + 1])
def test_a_part_has_so_many_keys(count):
    rows = "".join(f"\n{number:064x},g" for number in range(1, count + 1))
    assert places(f"sha256,grant{rows}")[-1].split(" ", 1)[1] == f"1 to 1,000 keys: {count:,}"


LINES = st.lists(st.sampled_from(["row", "", " "]), max_size=12)


@given(lines=LINES, rows=st.integers(1, 5), ending=st.sampled_from(["\n", "\r\n"]))
def test_parts_have_every_line_once_at_its_place(lines, rows, ending):
    """Whatever its length; but the empty lines at its end."""
    while lines and not lines[-1].strip():
        lines.pop()
    found = list(keylist.parts([f"head{ending}", *(each + ending for each in lines), ending], rows))
    assert all(part.text.split("\n")[0] == "head" for part in found)
    assert [each for part in found for each in part.text.split("\n")[1:]] == [each.strip() for each in lines]
    for part in found:
        assert [each.strip() for each in lines[part.line - 2 :][:1]] == part.text.split("\n")[1:2]


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=5))
def test_the_digest_of_a_list_is_the_same_in_whatever_parts_it_comes(sizes):
    rows = [f"{number:064x},g{number % 3},,2027-01-0{number % 8 + 1}" for number in range(1, sum(sizes) + 1)]

    def digest(parts: list[list[str]]) -> bytes:
        total = ListDigest()
        for part in parts:
            total.update(keylist.read("\n".join(["sha256,grant,label,expires", *part]), "keys.csv"))
        return total.digest()

    parted, at = [], 0
    for size in sizes:
        parted.append(rows[at : at + size])
        at += size
    assert digest(parted) == digest([rows])
    assert digest([rows[:-1]] if rows[:-1] else [["1" * 64 + ",g,,"]]) != digest([rows])


def test_the_same_list_has_one_name_until_it_is_discarded():
    names = [keylist.name(bytes(32)), keylist.name(bytes(32), 1), keylist.name(b"x" * 32)]
    assert len(set(names)) == 3
    assert keylist.name(bytes(32)) == names[0]
    assert all(len(each) == 20 for each in names)
