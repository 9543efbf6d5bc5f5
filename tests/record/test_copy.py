"""Copies of a log that somebody made to mislead, crash or exhaust a verifier."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import pytest

from sluicegate_record import copy
from sluicegate_record.__main__ import main
from sluicegate_record.audit import audit
from sluicegate_record.errors import VerificationFailed
from sluicegate_record.log import checkpoint, merkle, tiles
from tests.record.test_audit import HASHES, LEAVES, LOG, NOTE, UNSIGNED, VERIFIER, note, noted
from tests.strangers import SilentHandler, handling
from tests.worlds import ORIGIN, public_key

KEY = checkpoint.vkey(ORIGIN, public_key("log"))
SIZE = len(LEAVES)
BUNDLE, TILE = f"tile/entries/000.p/{SIZE}", f"tile/0/000.p/{SIZE}"
HUGE = checkpoint.sign(ORIGIN, 2**62, bytes(32), LOG)
HEAD, ENTRIES = "create table head (checkpoint)", "create table entries (seq, leaf)"
FORGED = "\x1b[2J\x1b[Hgateway\nverified: 99 entries\x00\u202e"


class Heard:
    """What the verifier says of a copy."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def __call__(self, where: object, key: str = KEY, *options: str) -> tuple[int, str]:
        code = main(["verify", str(where), "--key", key, *options])
        said = self._captured.readouterr()
        return code, said.out + said.err


@pytest.fixture
def verified(capsys: pytest.CaptureFixture[str]) -> Heard:
    return Heard(capsys)


def folder(path: Path, signed: str = NOTE, **files: bytes) -> Path:
    """A copy in the layout; `files` stand in the place of its `bundle` or `tile`."""
    parts = {
        "checkpoint": signed.encode(),
        BUNDLE: files.get("bundle", tiles.encode_entries(LEAVES)),
        TILE: files.get("tile", b"".join(HASHES)),
    }
    for name, data in parts.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def database(path: Path, *statements: str, head: object = NOTE, leaves: list[bytes] = LEAVES) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements or (HEAD, ENTRIES):
            connection.execute(statement)
        connection.execute("insert into head values (?)", (head,))
        if not statements:
            connection.executemany("insert into entries values (?, ?)", enumerate(leaves))
        connection.commit()
    return path


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    class Handler(SilentHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name the server looks for
            answer(self)

    with handling(Handler) as url:
        yield url


def sends(data: bytes) -> Answer:
    """A server that answers anything with these bytes."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(data)

    return answer


def gives(files: dict[str, bytes]) -> Answer:
    """A server that has these files."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        data = files.get(request.path.removeprefix("/log/"))
        request.send_response(404 if data is None else 200)
        request.send_header("Content-Length", str(len(data or b"")))
        request.end_headers()
        request.wfile.write(data or b"")

    return answer


def redirects(to: str) -> Answer:
    return sends(f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())


def test_a_copy_that_is_whole_verifies(verified: Heard, tmp_path: Path) -> None:
    whole = folder(tmp_path / "copy")
    files = {str(each.relative_to(whole)): each.read_bytes() for each in whole.rglob("*") if each.is_file()}
    with served(gives(files)) as url:
        answers = [verified(where) for where in (whole, database(tmp_path / "db"), url)]
    assert [code for code, _ in answers] == [0] * 3
    assert len({text for _, text in answers}) == 1


# What a terminal obeys


@pytest.mark.parametrize("state", ["waiting", "acknowledged"])
def test_what_a_log_says_cannot_write_lines_or_escapes(verified: Heard, tmp_path: Path, state: str) -> None:
    leaves = noted([{**UNSIGNED, "gateway": FORGED, "state": state, "size": 0}])
    where = database(tmp_path / "db", head=note(leaves), leaves=leaves)
    code, text = verified(where)
    assert code == 5
    assert "\\x1b[2J\\x1b[Hgateway\\nverified: 99 entries\\x00\\u202e" in text
    assert all(line.isprintable() and not line.startswith("verified") for line in text.split("\n"))
    as_json = json.loads(verified(where, KEY, "--json")[1])
    assert FORGED in as_json["problem"]


# Databases


@pytest.mark.parametrize("head", [5, None, b"\xff", "x"])
def test_a_head_that_is_no_note_is_told(verified: Heard, tmp_path: Path, head: object) -> None:
    code, text = verified(database(tmp_path / "db", head=head))
    assert code == (3 if head is None else 5), text


@pytest.mark.parametrize(
    "entries",
    [
        "create view entries as select 0 as seq, zeroblob(900000000) as leaf",
        "create view entries as with recursive r(n) as (select 0 union all select 1 from r) select n from r",
        "create virtual table entries using fts5(seq, leaf)",
    ],
)
def test_only_tables_are_read(verified: Heard, tmp_path: Path, entries: str) -> None:
    code, text = verified(database(tmp_path / "db", HEAD, entries))
    assert (code, "lacks the tables" in text) == (3, True), text


def test_a_leaf_of_a_database_is_bounded(verified: Heard, tmp_path: Path) -> None:
    code, text = verified(database(tmp_path / "db", leaves=[bytes(copy.VALUE_BYTES_MAX + 1)]))
    assert (code, "too big" in text) == (3, True), text


def test_a_database_has_a_deadline(verified: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = database(tmp_path / "db")
    monkeypatch.setattr(copy, "LOG_S", -1)
    monkeypatch.setattr(copy, "_STEPS", 1)
    code, text = verified(where)
    assert (code, "interrupted" in text) == (3, True), text


def test_a_leaf_that_is_null_is_told(verified: Heard, tmp_path: Path) -> None:
    where = database(tmp_path / "db")
    with closing(sqlite3.connect(tmp_path / "db")) as connection:
        connection.execute("update entries set leaf = null")
        connection.commit()
    assert verified(where)[0] == 3


# Folders


@pytest.mark.parametrize(
    "tile",
    [b"", b"".join(HASHES)[:-7], b"".join(HASHES[:-1]), b"".join(HASHES[:5]), b"".join([*HASHES, HASHES[0]])],
)
def test_a_tile_has_the_hashes_that_the_size_says(verified: Heard, tmp_path: Path, tile: bytes) -> None:
    code, text = verified(folder(tmp_path, tile=tile))
    assert (code, f"does not have the {SIZE} hashes" in text) == (5, True), text


@pytest.mark.parametrize("leaves", [LEAVES[:-1], [*LEAVES, b"x"]])
def test_a_bundle_has_the_entries_that_the_size_says(
    verified: Heard, tmp_path: Path, leaves: list[bytes]
) -> None:
    code, text = verified(folder(tmp_path, bundle=tiles.encode_entries(leaves)))
    assert (code, f"has {len(leaves)} entries, expected {SIZE}" in text) == (5, True), text


def test_entries_do_not_move_between_bundles() -> None:
    leaves = [bytes([index % 256]) for index in range(300)]
    bundles = [leaves[:255], leaves[255:]]
    paths = [path for path, _ in tiles.entries_paths(300)]
    files = dict(zip(paths, map(tiles.encode_entries, bundles), strict=True))
    read = copy.of_files(
        lambda path, _: files.get(path) or checkpoint.sign(ORIGIN, 300, bytes(32), LOG).encode(), VERIFIER
    )
    with pytest.raises(VerificationFailed, match="has 255 entries, expected 256"):
        list(read.leaves)


# Tiles of every level


LARGE = 256 * 256 + 256 + 3
"""So many entries have tiles of three levels."""


def large() -> dict[str, bytes]:
    """Every tile of a log with hashes that are no leaf's."""
    hashes = [index.to_bytes(32, "big") for index in range(LARGE)]
    files = {"checkpoint": checkpoint.sign(ORIGIN, LARGE, bytes(32), LOG).encode()}
    level = 0
    while hashes:
        for path, width in tiles.tile_paths(level, len(hashes)):
            at = tiles.parse_tile_path(path).index * 256
            files[path] = b"".join(hashes[at : at + width])
        for _ in range(8):
            hashes = [
                merkle.node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes) // 2 * 2, 2)
            ]
        level += 1
    return files


FILES = large()
ABOVE = [path for path in FILES if path.startswith(("tile/1/", "tile/2/"))]


def hashes_of(files: dict[str, bytes]) -> list[bytes]:
    def fetch(path: str, limit: int) -> bytes:
        if path not in files:
            raise copy._Lacking(path)
        return files[path][: limit + 1]

    return list(copy.of_files(fetch, VERIFIER).hashes)


def test_tiles_of_every_level_are_read() -> None:
    assert ABOVE == ["tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"]
    assert len(hashes_of(FILES)) == LARGE


@pytest.mark.parametrize("path", ABOVE)
@pytest.mark.parametrize("at", [0, 17, -1])
def test_a_flipped_byte_in_any_tile_is_found(path: str, at: int) -> None:
    data = bytearray(FILES[path])
    data[at] ^= 1
    with pytest.raises(VerificationFailed, match=f"^{path} has other hashes"):
        hashes_of({**FILES, path: bytes(data)})


@pytest.mark.parametrize("path", ABOVE)
def test_a_byte_less_or_more_in_any_tile_is_found(path: str) -> None:
    for data in (FILES[path][:-1], FILES[path] + b"x", b""):
        with pytest.raises(VerificationFailed, match=f"^{path} does not have the"):
            hashes_of({**FILES, path: data})
    with pytest.raises(VerificationFailed, match=path):
        hashes_of({name: data for name, data in FILES.items() if name != path})


@pytest.mark.parametrize("level", ["0/257.p/3", "1/001.p/1", "2/000.p/1"])
def test_a_full_tile_serves_where_a_partial_one_is_gone(level: str) -> None:
    partial = f"tile/{level}"
    full = partial.partition(".p/")[0]
    kept = {name: data for name, data in FILES.items() if name != partial}
    more = FILES[partial] + bytes(256 * 32 - len(FILES[partial]))
    assert hashes_of({**kept, full: more}) == hashes_of(FILES)
    with pytest.raises(VerificationFailed, match=f"^{full} does not have the 256"):
        hashes_of({**kept, full: more + b"x"})


def test_more_hashes_than_entries_are_found() -> None:
    found = audit(NOTE, VERIFIER, LEAVES, [*HASHES, HASHES[0]])
    assert (found.ok, found.problem) == (False, "more hashes stand beside the entries than there are entries")


def test_a_huge_size_ends_at_the_first_file_that_lacks(verified: Heard, tmp_path: Path) -> None:
    code, text = verified(folder(tmp_path, HUGE))
    assert (code, "lacks tile/entries/000: " in text) == (5, True), text
    with served(gives({"checkpoint": HUGE.encode()})) as url:
        assert verified(url)[0] == 5


def test_no_more_is_read_of_a_file_than_there_can_be() -> None:
    asked = []

    def fetch(path: str, limit: int) -> bytes:
        asked.append((path, limit))
        return NOTE.encode() if path == "checkpoint" else bytes(limit + 1)

    read = copy.of_files(fetch, VERIFIER)
    for part in (read.leaves, read.hashes):
        with pytest.raises(VerificationFailed):
            next(part)
    assert asked == [
        ("checkpoint", checkpoint.MAX_NOTE_BYTES),
        (BUNDLE, SIZE * (2 + 65_535)),
        (TILE, SIZE * merkle.HASH_BYTES),
    ]


@pytest.mark.parametrize("name", ["checkpoint", BUNDLE, TILE])
@pytest.mark.parametrize("kind", ["device", "pipe", "folder"])
def test_only_regular_files_are_read(verified: Heard, tmp_path: Path, name: str, kind: str) -> None:
    path = folder(tmp_path) / name
    path.unlink()
    {"device": lambda: path.symlink_to("/dev/zero"), "pipe": lambda: os.mkfifo(path), "folder": path.mkdir}[
        kind
    ]()
    assert verified(tmp_path)[0] == (3 if name == "checkpoint" else 5)


def test_a_long_file_is_cut(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(100))
    assert copy.read_file(tmp_path / "x", 10) == bytes(11)


def test_a_folder_that_is_no_copy_is_not_a_forgery(verified: Heard, tmp_path: Path) -> None:
    code, text = verified(tmp_path)
    assert (code, "is not a copy of a log" in text) == (3, True)
    (tmp_path / "ledger.db").touch()
    code, text = verified(tmp_path)
    assert (code, f"name {tmp_path / 'ledger.db'}" in text) == (3, True)


# Servers


@pytest.mark.parametrize(
    "to", ["http://[::1", "http://a..b/", f"http://{'a' * 80}/", "file:///etc/passwd", "ftp://127.0.0.1:1/x"]
)
def test_a_redirect_to_nowhere_is_unreachable(verified: Heard, to: str) -> None:
    with served(redirects(to)) as url:
        assert verified(url)[0] == 4


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nxx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nxx",
        b"HTTP/1.1 99999999 \xff\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_answer_that_is_none_is_unreachable(verified: Heard, answer: bytes) -> None:
    with served(sends(answer)) as url:
        assert verified(url)[0] == 4


def test_a_server_that_is_busy_is_asked_again(verified: Heard, tmp_path: Path) -> None:
    whole = folder(tmp_path / "copy")
    files = {str(each.relative_to(whole)): each.read_bytes() for each in whole.rglob("*") if each.is_file()}
    asked: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        if len(asked) == 1:
            request.wfile.write(b"HTTP/1.1 429 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
        else:
            gives(files)(request)

    with served(answer) as url:
        assert verified(url)[0] == 0
    assert asked[:2] == ["/log/checkpoint"] * 2


def test_a_url_without_a_log_is_not_a_forgery(verified: Heard) -> None:
    with served(gives({})) as url:
        code, text = verified(url)
    assert (code, "there is no log at" in text) == (3, True)


@pytest.mark.parametrize("limit_s", ["FILE_S", "LOG_S"])
def test_a_server_that_drips_has_a_deadline(
    verified: Heard, monkeypatch: pytest.MonkeyPatch, limit_s: str
) -> None:
    over = Event()

    def drips(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
        over.wait()

    monkeypatch.setattr(copy, limit_s, 0.1)
    with served(drips) as url:
        code, text = verified(url)
        over.set()
    assert (code, "it takes too long" in text) == (4, True), text


# Arguments


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("http://[::1", 3),
        ("http://a..b", 3),
        ("http://é.例え/", 3),
        ("http://127.0.0.1:99999", 3),
        ("http:///x", 3),
        ("http://" + "a" * 80, 3),
        ("http://" + "a" * 5_000, 3),
        ("/" + "a" * 5_000, 3),
        ("a" * 300, 3),
        ("a\0b", 3),
        ("\udcff", 3),
    ],
)
def test_an_address_that_is_none_is_told(verified: Heard, where: str, code: int) -> None:
    found, text = verified(where)
    assert found == code
    assert len(text) < 400


def test_a_key_that_is_none_is_told_in_one_short_line(verified: Heard, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    (tmp_path / "long").write_bytes(b"k" * 5_000)
    for key in ("k" * 500, "k\0", str(tmp_path / "none"), str(tmp_path / "latin"), str(tmp_path / "long"),
                "/dev/zero", str(tmp_path), "a+b+c"):  # fmt: skip
        code, text = verified(tmp_path, key)
        assert code == 3
        assert len(text) < 250
        assert text.count("\n") == 1
    assert "nor a file that is there" in verified(tmp_path, str(tmp_path / "none"))[1]


def test_a_key_may_be_in_a_file(verified: Heard, tmp_path: Path) -> None:
    (tmp_path / "vkey").write_text(KEY + "\n")
    assert verified(folder(tmp_path / "copy"), str(tmp_path / "vkey"))[0] == 0


def test_a_log_of_another_key_is_named(verified: Heard, tmp_path: Path) -> None:
    code, text = verified(folder(tmp_path), checkpoint.vkey(ORIGIN, public_key("stranger")))
    assert code == 5
    assert f"it is signed by {ORIGIN}+{VERIFIER.key_id.hex()}" in text
    assert "check --key" in text


def test_the_command_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("sluicegate-record ")
