"""Archives that were made to do harm, or damaged."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from sluicegate.client.evidence import archive
from sluicegate.client.evidence.archive import Archive
from sluicegate.errors import InvalidInput

LOGS = Path(__file__).with_name("logs")


def members(path: Path) -> dict[str, bytes]:
    with path.open("rb") as file:
        found = Archive(file)
        return {name: found.read(name) for name in sorted(found.names)}


def refuses(path: Path, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        members(path)


def made(path: Path, *given: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as written:
        for name, data in given:
            written.writestr(name, data)
    return path


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_as_they_were_written(tmp_path: Path, how: int) -> None:
    given = {"a": b"", "b": b"x" * 1_000_000, "c/d": bytes(range(256)) * 40}
    assert members(made(tmp_path / "a.zip", *given.items(), how=how)) == given


def test_what_inspect_compresses_with_zstandard_is_read() -> None:
    with zipfile.ZipFile(LOGS / "passes.eval") as read:
        assert {each.compress_type for each in read.infolist()} == {93}
    assert b'"task":"jailbreak"' in members(LOGS / "passes.eval")["header.json"].replace(b" ", b"")


def test_a_bomb_is_refused_before_it_has_grown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MEMBER_MAX", 1_000_000)
    bomb = made(tmp_path / "a.zip", ("header.json", bytes(1_000_001)))
    refuses(bomb, "longer than 1,000,000 bytes")
    data = bytearray(bomb.read_bytes())
    place = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, place + 24, 10)  # its directory says that it is short
    (tmp_path / "b.zip").write_bytes(bytes(data))
    refuses(tmp_path / "b.zip", "longer than 1,000,000 bytes|is damaged")


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = made(tmp_path / "a.zip", ("header.json", b"{}"), ("header.json", b"[]"))
    refuses(twice, "two members of the name 'header.json'")


def test_what_is_not_read_may_be_there_twice(tmp_path: Path) -> None:
    """So it is in the log of a run of Inspect that was interrupted."""
    sample = ("samples/04_epoch_1.json", b"{}")
    with pytest.warns(UserWarning, match="Duplicate name"):
        made(tmp_path / "a.zip", ("header.json", b"[]"), sample, sample)
    with (tmp_path / "a.zip").open("rb") as file:
        assert archive.Archive(file).read("header.json") == b"[]"


def test_a_directory_of_too_many_members_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "ENTRIES_MAX", 3)
    whole = made(tmp_path / "a.zip", *((str(i), b"") for i in range(4)))
    refuses(whole, "more than 3 members")


def test_an_archive_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    whole = (LOGS / "passes.eval").read_bytes()
    for size in (0, 2, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        (tmp_path / "a.zip").write_bytes(whole[:size])
        refuses(tmp_path / "a.zip", "no ZIP archive|cannot be read|damaged")


def test_a_flipped_byte_is_found_or_changes_nothing(tmp_path: Path) -> None:
    whole = made(tmp_path / "a.zip", ("header.json", b'{"a": "' + b"hello" * 20 + b'"}')).read_bytes()
    read = members(tmp_path / "a.zip")
    for place in range(len(whole)):
        (tmp_path / "b.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            found = members(tmp_path / "b.zip")
        except InvalidInput:
            continue
        assert list(found.values()) == list(read.values())


def test_what_is_encrypted_or_compressed_otherwise_is_refused(tmp_path: Path) -> None:
    made(tmp_path / "a.zip", ("header.json", b"x" * 100), how=zipfile.ZIP_BZIP2)
    refuses(tmp_path / "a.zip", "compressed in a way that is not read here")
    data = bytearray(made(tmp_path / "b.zip", ("header.json", b"x" * 100)).read_bytes())
    place = data.rfind(b"PK\x01\x02")
    data[place + 8] |= 1
    (tmp_path / "b.zip").write_bytes(bytes(data))
    refuses(tmp_path / "b.zip", "is encrypted")


def test_a_second_directory_in_another_form_is_not_read(tmp_path: Path) -> None:
    """Readers differ in which of the two they read, and the second one has no bound."""
    path = made(tmp_path / "a.zip", ("header.json", b"{}"))
    data = path.read_bytes()
    end = data.rfind(b"PK\x05\x06")
    other = made(tmp_path / "b.zip", ("header.json", b"[]")).read_bytes()
    entry = other[other.find(b"PK\x01\x02") : other.rfind(b"PK\x05\x06")]
    at = len(data[:end])
    more = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(entry), at)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at + len(entry), 1)
    (tmp_path / "c.zip").write_bytes(data[:end] + entry + more + locator + data[end:])
    refuses(tmp_path / "c.zip", "a second directory")
