"""The kinds of CSV that people export, for each file that is one: read, or refused at the right line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sluicegate.cli.files import opened
from sluicegate.core.access import keylist
from sluicegate.core.directives import annex
from sluicegate.core.people import lists, members
from sluicegate.errors import InvalidDocument

DIGESTS = [f"{digit}" * 64 for digit in "ab"]


def keys(data: bytes, file: str) -> Any:
    """A list of keys, as `credential import` reads it."""
    path = Path(file)
    path.write_bytes(data)
    with opened(path) as lines:
        (part,) = keylist.parts(lines)
    found = keylist.read(part.text, file, part.line)
    return [key.hex() for key in found.keys.digest_of_each()], found.labels


READERS: dict[str, tuple[Callable[[bytes, str], Any], str, list[list[str]]]] = {
    "annex": (annex.read, "organization,note", [["A Labs", "café"], ["B Labs", ""]]),
    "list of organizations": (lists.read, "organization", [["Café A"], ["B Labs"]]),
    "members": (members.read, "identifier,status,method", [["ada", "other", "i-9"], ["bób", "other", "i-9"]]),
    "keys": (keys, "sha256,grant,label", [[DIGESTS[0], "grant_a", "café"], [DIGESTS[1], "grant_b", ""]]),
}


def text(name: str, by: str = ",", end: str = "\n") -> str:
    _, header, rows = READERS[name]
    lines = [header.replace(",", by), *(by.join(row) for row in rows)]
    return "".join(line + end for line in lines)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "sheet.csv")


@pytest.mark.parametrize("name", READERS)
def test_what_a_spreadsheet_exports_is_read_alike(name: str, file: str) -> None:
    read = READERS[name][0]
    plain = read(text(name).encode(), file)
    exported = {
        "semicolons": text(name, ";").encode(),
        "tabs": text(name, "\t").encode(),
        "with a mark": text(name).encode("utf-8-sig"),
        "UTF-16": text(name, "\t").encode("utf-16"),
        "UTF-16, the other way": ("\ufeff" + text(name)).encode("utf-16-be"),
        "Windows' lines": text(name, end="\r\n").encode(),
        "capitals": text(name).replace(READERS[name][1], READERS[name][1].title(), 1).encode(),
        "empty lines at the end": (text(name) + "\n\r\n").encode(),
    }
    for how, data in exported.items():
        assert read(data, file) == plain, how


def place(name: str, data: bytes, file: str) -> tuple[int, int]:
    with pytest.raises(InvalidDocument) as refused:
        READERS[name][0](data, file)
    first = refused.value.at[0]
    return first.line, first.column


@pytest.mark.parametrize("name", READERS)
def test_another_encoding_is_refused_at_its_first_byte(name: str, file: str) -> None:
    lines = text(name).split("\n")
    line = next(at for at, each in enumerate(lines) if not each.isascii())
    column = next(at for at, letter in enumerate(lines[line]) if not letter.isascii())
    assert place(name, text(name).encode("cp1252"), file) == (line + 1, column + 1)


@pytest.mark.parametrize("name", READERS)
def test_another_column_is_refused_in_the_first_line(name: str, file: str) -> None:
    more = text(name).replace("\n", ",x\n")
    assert place(name, more.encode(), file)[0] == 1


@pytest.mark.parametrize("name", READERS)
def test_a_cell_more_is_refused_at_its_line(name: str, file: str) -> None:
    assert place(name, text(name).rstrip("\n").encode() + b",x,y\n", file)[0] == 3


@pytest.mark.parametrize("name", READERS)
def test_an_empty_line_within_is_left_out(name: str, file: str) -> None:
    first, second, rest = text(name).split("\n", 2)
    data = f"{first}\n{second}\n\n{rest}".encode()
    if name == "keys":  # each key is on a line of its own: the numbers of lines are the numbers of keys
        assert place(name, data, file)[0] == 3
    else:
        assert READERS[name][0](data, file) == READERS[name][0](text(name).encode(), file)
