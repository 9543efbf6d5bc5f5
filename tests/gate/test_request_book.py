"""The request book: what it has of each request that was let through, who can read it, and for how long."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import InvalidInput
from sluicegate.gate import request_book
from sluicegate.gate.request_book import FOLDER, KEY, SEGMENT_MS, PassedRequest, _Segments, find
from sluicegate_record.log.times import DAY_MS
from tests.gate.clients import chat, get, post
from tests.gate.running import Running, running
from tests.gate.world import MODEL, SURFACE
from tests.raw import Raw
from tests.waiting import eventually
from tests.worlds import AT_MS

CHAT = "/v1/chat/completions"
SECRET = "a-word-that-is-nowhere"
UPSTREAMS = "req_of-the-models-server"
MAX_BYTES = 1 << 20


def asked(gate: Running, request: bytes) -> dict[str, str]:
    with Raw(gate.port) as client:
        return client.send(request).response()[1]


def found(state: Path, request_id: str, after_ms: int = 0) -> list[PassedRequest]:
    try:
        return find(state / FOLDER, state / KEY, request_id, after_ms)
    except InvalidInput:  # nothing was written yet
        return []


def stored(state: Path) -> bytes:
    return b"".join(each.read_bytes() for each in sorted((state / FOLDER).iterdir()))


class Book:
    """The files of a book, written by a test at its own time."""

    def __init__(self, state: Path, keep_ms: int = DAY_MS, max_bytes: int = MAX_BYTES) -> None:
        self.state, self.now_ms = state, AT_MS
        self.files = _Segments(state / FOLDER, state / KEY, keep_ms, max_bytes, lambda: self.now_ms)

    def write(self, *ids: str, other: str = "") -> None:
        self.files.write([line(each, self.now_ms, other) for each in ids])

    def segments(self) -> int:
        return len(list((self.state / FOLDER).iterdir()))


def line(request_id: str, at_ms: int, other: str = "", credential: str = "cred_1") -> bytes:
    said = json.dumps([credential, "grant_1", MODEL, SURFACE, ["cyber: daybreak_red"], 7, at_ms, "answered"])
    return f"{request_id} {other} {said}\n".encode()


def test_a_request_is_found_by_its_id_and_by_that_of_the_models_server(world, quick, tmp_path):
    key, credential = world.credential(grant := world.grant("org-1"))
    with running(world, quick, state_dir=tmp_path) as gate:
        body = chat(user=SECRET, padding=SECRET)
        own = asked(gate, post(CHAT, body, key, f"X-Request-ID: {UPSTREAMS}"))["x-sluicegate-request-id"]
        assert eventually(lambda: found(tmp_path, own))
    (said,) = found(tmp_path, own)
    assert said == PassedRequest(
        credential=credential,
        grant=grant,
        model=MODEL,
        surface=SURFACE,
        programmes=(),
        size=gate.engine.table.size,
        at_ms=AT_MS,
        outcome="answered",
    )
    assert found(tmp_path, UPSTREAMS) == [said]
    assert found(tmp_path, SECRET) == []
    data = stored(tmp_path)
    for word in (own, UPSTREAMS, SECRET, credential, grant, MODEL, key, "org-1"):
        assert word.encode() not in data
    assert (tmp_path / KEY).stat().st_mode & 0o777 == 0o600
    assert all(each.stat().st_mode & 0o777 == 0o600 for each in (tmp_path / FOLDER).iterdir())


def test_what_was_refused_is_not_there(world, quick, tmp_path):
    key = world.customer()
    with running(world, quick, state_dir=tmp_path) as gate:
        refused = asked(gate, post(CHAT, chat("no-model"), key))["x-request-id"]
        unknown = asked(gate, post(CHAT, chat(), "sg_none"))["x-request-id"]
        own = asked(gate, post(CHAT, chat(), key))["x-sluicegate-request-id"]
        assert eventually(lambda: found(tmp_path, own))
    assert found(tmp_path, refused) == found(tmp_path, unknown) == []


def test_a_book_that_cannot_be_written_fails_no_request_and_is_counted(world, quick, tmp_path):
    key = world.customer()
    (tmp_path / FOLDER).write_text("a file is in the way")
    with running(world, quick, state_dir=tmp_path) as gate:
        assert asked(gate, post(CHAT, chat(), key))["x-sluicegate-request-id"]
        counted = "sluicegate_request_book_dropped_total 1.0"
        assert eventually(lambda: counted in get(f"{gate.url}/metrics")[1])


def test_a_stolen_book_says_nothing_without_its_secret_nor_with_another(tmp_path):
    book = Book(tmp_path)
    book.write("req_1", other="up_1")
    key = tmp_path / KEY
    whole = key.read_text()
    key.write_text("0" * 64)
    assert find(tmp_path / FOLDER, key, "req_1", 0) == []
    for wrong in ("", "0" * 63, "x" * 64):
        key.write_text(wrong)
        with pytest.raises(InvalidInput):
            find(tmp_path / FOLDER, key, "req_1", 0)
    key.write_text(whole)
    assert find(tmp_path / FOLDER, key, "req_1", 0)
    key.chmod(0o644)
    with pytest.raises(InvalidInput):
        find(tmp_path / FOLDER, key, "req_1", 0)
    key.unlink()
    with pytest.raises(InvalidInput):
        find(tmp_path / FOLDER, key, "req_1", 0)


def test_a_changed_book_says_nothing_wrong(tmp_path):
    book = Book(tmp_path)
    book.write("req_1")
    (path,) = (tmp_path / FOLDER).iterdir()
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert found(tmp_path, "req_1") == []


def test_what_a_killed_process_leaves_is_read_up_to_its_last_whole_chunk(tmp_path):
    book = Book(tmp_path)
    book.write("req_1")
    (path,) = (tmp_path / FOLDER).iterdir()
    first = len(path.read_bytes())
    book.write("req_2")
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert len(found(tmp_path, "req_1")) == (size >= first)
        assert found(tmp_path, "req_2") == []
    path.write_bytes(whole[:-1])
    again = Book(tmp_path)
    again.write("req_3")
    assert [len(found(tmp_path, each)) for each in ("req_1", "req_2", "req_3")] == [1, 0, 1]


FULL = """
import os, resource, signal, sys
from pathlib import Path
from tests.gate.test_request_book import Book
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
book = Book(Path(sys.argv[1]))
book.write("req_before")
size = max(each.stat().st_size for each in (book.state / "requests").iterdir())
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, -1))
book.write("req_full")
assert book.files.dropped == 1
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
book.write("req_after")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_full_disk_costs_what_it_has_no_room_for_and_a_kill_nothing_that_was_written(tmp_path):
    ended = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    ids = ("req_before", "req_full", "req_after")
    assert [len(found(tmp_path, each)) for each in ids] == [1, 0, 1]


def test_what_is_older_than_the_book_keeps_is_not_shown_and_then_gone(tmp_path):
    book = Book(tmp_path, keep_ms=DAY_MS)
    book.write("req_old")
    assert found(tmp_path, "req_old", AT_MS - 1)
    assert found(tmp_path, "req_old", AT_MS) == []
    book.now_ms += DAY_MS + SEGMENT_MS - 1
    book.files.write([])
    assert book.segments() == 1
    book.now_ms += 1
    book.files.write([])
    assert book.segments() == 0
    book.write("req_new")
    assert (len(found(tmp_path, "req_old")), len(found(tmp_path, "req_new"))) == (0, 1)


def test_a_book_that_is_too_large_loses_its_oldest_part(tmp_path):
    book = Book(tmp_path, max_bytes=16_384)
    for number in range(200):
        book.now_ms += 1
        book.write(f"req_{number}")
    assert sum(each.stat().st_size for each in (tmp_path / FOLDER).iterdir()) <= 16_384
    assert found(tmp_path, "req_0") == []
    assert found(tmp_path, "req_199")
    began_ms = request_book.began_ms(tmp_path / FOLDER)
    assert began_ms is not None
    assert began_ms > AT_MS


IDS = st.text("abcdefghij0123456789_-", min_size=12, max_size=40)


@given(batches=st.lists(st.lists(st.tuples(IDS, IDS), min_size=1, max_size=5), max_size=4))
def test_each_id_leads_to_its_requests_and_none_is_in_clear(batches, tmp_path_factory):
    state = tmp_path_factory.mktemp("book")
    book = Book(state)
    meant: dict[str, list[str]] = {}
    for at, batch in enumerate(batches):
        lines = []
        for own, other in batch:
            credential = f"cred_{own}_{other}_{at}"
            lines.append(line(own, AT_MS, other, credential))
            for each in {own, other}:
                meant.setdefault(each, []).append(credential)
        book.files.write(lines)
    book.files.close()
    data = stored(state) if batches else b""
    for name, credentials in meant.items():
        assert sorted(each.credential for each in found(state, name)) == sorted(credentials)
        assert name.encode() not in data
        assert found(state, f"{name}x") == [] or f"{name}x" in meant
