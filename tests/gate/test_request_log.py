"""What the request log has of each request, and that no request waits for it."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sluicegate.errors import InvalidInput
from sluicegate.gate import lines as written
from sluicegate.gate import request_log
from sluicegate.gate.request_log import RequestLog
from sluicegate.gate.trace import FIELDS, Trace, is_written
from sluicegate_record.log.times import format_time
from tests.gate.clients import chat, get, post
from tests.gate.running import Running, running
from tests.gate.test_cut import begin
from tests.gate.world import FALLBACK, HIDDEN_MODEL, MODEL
from tests.raw import Raw
from tests.waiting import BOUND_S, eventually
from tests.worlds import AT_MS

CHAT = "/v1/chat/completions"
SECRET = "a-word-that-no-line-has"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "requests.jsonl"


def lines(file: Path, count: int) -> list[dict[str, Any]]:
    """The lines of the log, once it has so many."""
    eventually(lambda: file.read_bytes().count(b"\n") >= count)
    found = [json.loads(each) for each in file.read_text().splitlines()]
    assert len(found) == count
    return found


def asked(gate: Running, request: bytes) -> tuple[int, dict[str, str], bytes]:
    with Raw(gate.port) as client:
        return client.send(request).response()


def test_an_answered_request_has_a_line(world, quick, file):
    key = world.customer()
    body = json.dumps(chat(user=SECRET, padding=SECRET)).encode()
    with running(world, quick, request_log=str(file)) as gate:
        status, headers, answer = asked(gate, post(CHAT, body, key, f"X-Request-ID: {SECRET}"))
        (line,) = lines(file, 1)
    assert list(line) == list(FIELDS)
    times = [line.pop("firstByteMs"), line.pop("totalMs")]
    assert 0 < times[0] <= times[1]
    assert line.pop("time") <= format_time(AT_MS)
    (row,) = [each for each in gate.engine.table.credentials.values() if not each.state.revoked]
    assert line == {
        "request": headers["x-sluicegate-request-id"],
        "credential": row.id,
        "organization": row.grant.organization,
        "path": CHAT,
        "model": MODEL,
        "fallback": None,
        "decision": "allow",
        "reason": None,
        "directive": None,
        "outcome": "answered",
        "status": status,
        "upstreamStatus": 200,
        "bytesIn": len(body),
        "bytesOut": len(answer),
        "differs": None,
    }
    text = file.read_text()
    assert SECRET not in text
    assert key not in text


REFUSED: dict[str, tuple[Callable[[str], bytes], dict[str, Any]]] = {
    "no key": (
        lambda _: post(CHAT, chat(), None),
        {"credential": None, "organization": None, "reason": "credential_missing", "status": 401},
    ),
    "another model": (
        lambda key: post(CHAT, chat(SECRET), key),
        {"model": "other", "reason": "model_not_found", "status": 404},
    ),
    "another path": (
        lambda key: post(f"/v1/{SECRET}", chat(), key),
        {"path": "other", "decision": None, "outcome": "endpoint_unknown", "status": 404},
    ),
    "a query": (
        lambda key: post(f"{CHAT}?model={SECRET}", chat(), key),
        {"path": CHAT, "model": None, "reason": "request_invalid", "status": 400},
    ),
    "a model by its path": (
        lambda key: f"GET /v1/models/{SECRET} HTTP/1.1\r\nHost: a\r\nx-api-key: {key}\r\n\r\n".encode(),
        {"path": "/v1/models/", "model": "other", "reason": "model_not_found"},
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request_has_a_line_without_the_callers_words(world, quick, file, case):
    make, expected = REFUSED[case]
    key = world.customer()
    with running(world, quick, request_log=str(file)) as gate:
        _, headers, body = asked(gate, make(key))
        (line,) = lines(file, 1)
    assert line | expected == line
    assert line["decision"] == ("deny" if line["reason"] else None)
    assert line["upstreamStatus"] == 0
    assert line["bytesOut"] == len(body)
    assert line["request"] == (headers.get("x-request-id") or headers["request-id"])
    assert SECRET not in file.read_text()


def test_a_key_that_is_over_is_still_named(world, quick, file):
    key, credential = world.credential(world.grant("org-1"))
    with running(world, quick, request_log=str(file)) as gate:
        asked(gate, post(CHAT, chat(), key))
        world.revoke(credential)
        gate.advance()
        asked(gate, post(CHAT, chat(), key))
        before, after = lines(file, 2)
    assert after["decision"] == "deny"
    assert before["credential"] == after["credential"] == credential


def test_a_cut_stream_says_who_cut_it(world, paced, file):
    key = world.customer()
    with running(world, paced, request_log=str(file)) as gate, begin(gate, key) as client:
        world.suspend("bis-1", [MODEL])
        gate.advance()
        client.rest()
        (line,) = lines(file, 1)
    told = {"decision": "cut", "reason": "directive_in_force", "directive": "bis-1", "status": 200}
    assert line | told == line


def test_a_client_that_leaves(world, silent, file):
    key = world.customer()
    with running(world, silent, request_log=str(file)) as gate:
        with Raw(gate.port) as client:
            client.send(post(CHAT, chat(), key))
            assert eventually(lambda: gate.in_flight() == 1)
        (line,) = lines(file, 1)
    told = {"decision": "allow", "outcome": "client_gone", "status": 0, "firstByteMs": None, "bytesOut": 0}
    assert line | told == line


def test_probes_leave_no_line(world, quick, file):
    with running(world, quick, request_log=str(file)) as gate:
        get(f"{gate.url}/healthz")
        get(f"{gate.url}/metrics")
        asked(gate, post(CHAT, chat(), None))
        assert [line["path"] for line in lines(file, 1)] == [CHAT]


def test_times_are_counted_by_model_and_outcome(gate, world):
    key = world.customer()
    gate.advance()
    for model in (MODEL, SECRET, HIDDEN_MODEL):
        asked(gate, post(CHAT, chat(model), key))
    text = get(f"{gate.url}/metrics")[1]
    answered = f'model="{MODEL}",outcome="answered"'
    assert f"sluicegate_request_seconds_count{{{answered}}} 1.0" in text
    assert f"sluicegate_first_chunk_seconds_count{{{answered}}} 1.0" in text
    assert 'sluicegate_request_seconds_count{model="other",outcome="model_not_found"} 2.0' in text
    assert 'sluicegate_first_chunk_seconds_count{model="other"' not in text
    assert SECRET not in text
    assert HIDDEN_MODEL not in text


# Where lines go


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(story(), BOUND_S)

    asyncio.run(bounded())


async def until(done: Callable[[], object]) -> None:
    await asyncio.to_thread(eventually, done)


def test_the_end_writes_what_waits(file):
    async def story() -> None:
        log = RequestLog(str(file))
        log.put(b"one\n")
        log.put(b"two\n")
        assert file.read_bytes() == b""
        await log.close()

    run(story)
    assert file.read_bytes() == b"one\ntwo\n"
    assert file.stat().st_mode & 0o007 == 0


def test_a_file_that_was_renamed_or_removed_is_opened_anew(file):
    old = file.with_suffix(".1")

    async def story() -> None:
        log = RequestLog(str(file))
        log.put(b"one\n")
        await until(lambda: file.read_bytes() == b"one\n")
        file.rename(old)
        log.put(b"two\n")
        await until(lambda: file.exists() and file.read_bytes() == b"two\n")
        file.unlink()
        log.put(b"three\n")
        await log.close()

    run(story)
    assert old.read_bytes() == b"one\n"
    assert file.read_bytes() == b"three\n"


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A pipe by name, and the end that is read."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, reading
    os.close(reading)


def drained(reading: int) -> bytes:
    seen = b""
    while True:
        try:
            data = os.read(reading, 1 << 16)
        except BlockingIOError:
            return seen
        if not data:
            return seen
        seen += data


def test_a_pipe_that_is_not_read_holds_no_one_and_drops_are_counted(pipe, monkeypatch):
    path, reading = pipe
    size = fcntl.fcntl(reading, fcntl.F_GETPIPE_SZ)
    monkeypatch.setattr(written, "WAITING_BYTES_MAX", 4 * size)
    line = b"x" * 1_023 + b"\n"
    count = 8 * size // len(line)
    seen = bytearray()

    async def story() -> None:
        log = RequestLog(str(path))
        for _ in range(count):
            log.put(line)
        assert log.dropped == count // 2
        await until(lambda: log._writing_bytes)
        log.put(line)
        assert log.dropped == count // 2 + 1
        while log._writing_bytes:
            seen.extend(drained(reading))
            await asyncio.sleep(0)
        log.put(b"last\n")
        await log.close()
        assert log.dropped == count // 2 + 1

    run(story)
    seen.extend(drained(reading))
    assert bytes(seen) == line * (count // 2) + b"last\n"


def test_a_pipe_without_a_reader_is_refused_at_once(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)

    async def story() -> None:
        with pytest.raises(InvalidInput, match="the request log"):
            RequestLog(str(path))

    run(story)


def test_a_file_that_cannot_be_opened_is_refused(tmp_path):
    async def story() -> None:
        for path in (tmp_path, tmp_path / "missing" / "file"):
            with pytest.raises(InvalidInput, match="the request log"):
                RequestLog(str(path))

    run(story)


def test_a_full_disk_drops_lines_and_says_so_once(monkeypatch, caplog):
    async def story() -> None:
        log = RequestLog("/dev/full")
        log.put(b"one\n")
        await until(lambda: log.dropped == 1)
        log.put(b"two\n")
        await log.close()
        assert log.dropped == 2

    run(story)
    assert caplog.text.count("No space left on device") == 1


def test_a_line_after_a_torn_one_begins_anew(file):
    """The disk took a part of a line, and has room again later."""
    outlet = request_log._FileOutlet(str(file))
    wrote = os.write
    room = [5]

    def write(to: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        count = wrote(to, data[: room[0]])
        room[0] -= count
        return count

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "write", write)
        outlet.write([b"one\n", b"two\n"])
        assert outlet.dropped == 1
        outlet.write([b"three\n"])
        assert outlet.dropped == 2
        room[0] = 100
        outlet.write([b"four\n"])
    assert outlet.dropped == 2
    assert file.read_bytes() == b"one\nt\nfour\n"


def test_a_folder_that_is_gone_for_a_while(file, tmp_path, caplog):
    folder = tmp_path / "logs"
    folder.mkdir()
    outlet = request_log._FileOutlet(str(folder / "log"))
    outlet.write([b"one\n"])
    folder.rename(tmp_path / "moved")
    outlet.write([b"two\n", b"three\n"])
    assert outlet.dropped == 2
    folder.mkdir()
    outlet.write([b"four\n"])
    assert (folder / "log").read_bytes() == b"four\n"
    assert (tmp_path / "moved" / "log").read_bytes() == b"one\n"


def test_dropped_lines_are_a_metric(world, quick):
    key = world.customer()
    with running(world, quick, request_log="/dev/full") as gate:
        asked(gate, post(CHAT, chat(), key))
        assert eventually(lambda: "sluicegate_request_log_dropped_total 1.0" in get(f"{gate.url}/metrics")[1])
        assert asked(gate, post(CHAT, chat(), key))[0] == 200


def test_a_fallback_is_named(world, quick, file):
    key, _, _ = world.falling_back()
    with running(world, quick, request_log=str(file)) as gate:
        world.suspend("bis-1", [MODEL])
        gate.advance()
        asked(gate, post(CHAT, chat(), key))
        (line,) = lines(file, 1)
    assert (line["model"], line["fallback"], line["decision"]) == (MODEL, FALLBACK, "allow")


def test_only_what_was_allowed_and_answered_is_sampled_and_the_id_says_which():
    plain, refused, cut, failed = (Trace() for _ in range(4))
    for each in (plain, cut, failed):
        each.allowed("")
    plain.status = cut.status = 200
    cut.refused("directive_in_force", "d-1")
    refused.refused("credential_unknown", "")
    refused.status, failed.status = 401, 502
    for trace in (plain, refused, cut, failed):
        trace.id = "req_" + "0" * 23 + "1"
    assert [is_written(each, 10) for each in (plain, refused, cut, failed)] == [False, True, True, True]
    plain.id = "req_" + "0" * 23 + "a"
    assert is_written(plain, 10)
    assert is_written(plain, 1)
