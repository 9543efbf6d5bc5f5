"""Texts that are read by processes of their own, which may be slow, grow, die, or be left."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sluicegate.acts import applications, directives
from sluicegate.acts.act import APPLICANT, DEVELOPER, AnyAct
from sluicegate.bounds import CPU_S, NODES_MAX
from sluicegate.errors import InvalidInput, Overloaded, TooComplex
from sluicegate.parsing.job import Asked
from sluicegate.parsing.parsers import FORK_SERVER, Parsers
from sluicegate.parsing.request import ActRequest
from sluicegate.ports import Principal
from sluicegate_record.log import canonical
from tests.parsing import hostile
from tests.proc import children, is_alive
from tests.waiting import BOUND_S, eventually

SLOW = Path(__file__).with_name("slow_readers.py")
APPLICANTS = [Principal(f"applicant-{at}", APPLICANT, "an applicant") for at in range(4)]
OFFICER = Principal("officer", DEVELOPER, "an officer")
DOSSIER = "name: Example Utility\nregisteredIn: US\n"
READ = {"name": "Example Utility", "registeredIn": "US"}


class Hanging:
    """Parsers whose readers obey their texts, and what the readers that hang have said."""

    def __init__(self, folder: Path) -> None:
        path = str(folder / "told")
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._told.bind(path)
        self.parsers = Parsers((sys.executable, str(SLOW), path), wait_s=BOUND_S)

    def told(self) -> Any:
        """What the next reader that hangs says."""
        self._told.settimeout(BOUND_S)
        return canonical.loads(self._told.recv(100_000))

    def close(self) -> None:
        self.parsers.close()
        self._told.close()


async def run(function: Callable[..., Any], *given: Any) -> Any:
    return await asyncio.to_thread(function, *given)


def reading(
    parsers: Parsers, text: str, by: Principal = APPLICANTS[0], act: AnyAct = applications.SUBMIT
) -> Awaitable[Asked]:
    head = ActRequest(act=act.name, path={}, query="", content_type="application/json")
    body = hostile.submission(text) if act is applications.SUBMIT else text.encode()
    return asyncio.wait_for(parsers.read(head, body, by, run), BOUND_S)


def within(doing: Callable[[Parsers], Awaitable[None]]) -> None:
    """Do something with real parsers."""
    parsers = Parsers()

    async def main() -> None:
        try:
            await doing(parsers)
        finally:
            parsers.close()

    asyncio.run(main())


def hanging(folder: Path, doing: Callable[[Hanging], Awaitable[None]]) -> None:
    made = Hanging(folder)

    async def main() -> None:
        try:
            await doing(made)
        finally:
            made.close()

    asyncio.run(main())


async def answers(parsers: Parsers) -> None:
    """Check that texts are read."""
    found = await reading(parsers, DOSSIER)
    assert (found.reading and found.reading.value) == READ


async def gone(pid: int) -> None:
    await asyncio.to_thread(eventually, lambda: not is_alive(pid))


def test_a_text_is_read_and_its_errors_come_back_with_their_places():
    async def doing(parsers: Parsers) -> None:
        await answers(parsers)
        found = (await reading(parsers, "name: Example\nregisteredIn: 7\n")).reading
        assert found is not None
        assert found.fault is not None
        assert [(each.line, each.column) for each in found.fault.at] == [(2, 1)]
        with pytest.raises(InvalidInput, match="text of 0 to 65536 characters"):
            await reading(parsers, "x" * 65_537)
        with pytest.raises(InvalidInput, match="not json at line 1") as caught:
            await reading(parsers, "x" * 20_000, act=directives.PREVIEW)
        assert caught.value.code == "not_canonical"

    within(doing)


def test_every_worst_input_is_read_or_refused_and_the_next_is_read_as_before():
    async def doing(parsers: Parsers) -> None:
        for name, text in hostile.ORGANIZATIONS.items():
            found = (await reading(parsers, text)).reading
            assert found is not None, name
            assert found.fault is not None, name
            assert len(found.fault.at) <= NODES_MAX, name
        for name, text in hostile.LONG_BODIES.items():
            with pytest.raises(InvalidInput):
                assert await reading(parsers, text, OFFICER, directives.PREVIEW) is None, name
        await answers(parsers)

    within(doing)


@pytest.mark.parametrize("word", ["spin", "grow", "die"])
def test_a_reader_that_is_beyond_a_limit_refuses_its_text_and_no_other(word: str, tmp_path: Path):
    async def doing(made: Hanging) -> None:
        beside = asyncio.ensure_future(reading(made.parsers, DOSSIER, APPLICANTS[1]))
        with pytest.raises(TooComplex, match=rf"more than {CPU_S} s or 512 MiB to read") as caught:
            await reading(made.parsers, word)
        assert caught.value.code == "too_complex"
        assert (await beside).reading is not None
        await answers(made.parsers)

    hanging(tmp_path, doing)


def test_a_reader_that_hangs_is_ended_and_its_text_is_not_blamed(tmp_path: Path):
    async def doing(made: Hanging) -> None:
        made.parsers.wait_s = 0.1
        with pytest.raises(Overloaded, match="not read in time"):
            await reading(made.parsers, "hang")
        assert made.parsers._server is not None
        server = made.parsers._server.process.pid
        await asyncio.to_thread(eventually, lambda: not children(server))
        made.parsers.wait_s = BOUND_S
        await answers(made.parsers)
        assert made.parsers._server.process.pid == server

    hanging(tmp_path, doing)


def test_a_text_that_has_no_turn_in_time_waits_no_longer(tmp_path: Path):
    async def doing(made: Hanging) -> None:
        by = APPLICANTS[0]
        async with made.parsers.turns.turn(by.party or by.id, decides=False):
            made.parsers.wait_s = 0.05
            with pytest.raises(Overloaded, match="not read in time"):
                await reading(made.parsers, "hang")
            assert made.parsers.turns.waiting() == 0
        assert made.parsers._server is None  # it was given to no reader

    hanging(tmp_path, doing)


def test_a_fault_of_our_own_blames_no_text(tmp_path: Path):
    async def doing(made: Hanging) -> None:
        with pytest.raises(RuntimeError, match="a reader failed"):
            await reading(made.parsers, "fail")
        await answers(made.parsers)

    hanging(tmp_path, doing)


def test_who_leaves_ends_the_reading_and_one_that_waits_never_begins(tmp_path: Path):
    async def doing(made: Hanging) -> None:
        first = asyncio.ensure_future(reading(made.parsers, "hang"))
        told = await asyncio.to_thread(made.told)
        second = asyncio.ensure_future(reading(made.parsers, "hang"))
        await asyncio.to_thread(eventually, made.parsers.turns.waiting)
        second.cancel()
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        await gone(told["pid"])
        await answers(made.parsers)

    hanging(tmp_path, doing)


def test_a_reader_has_nothing_of_the_control_plane_or_of_other_readers(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SLUICEGATE_SMTP_PASSWORD", "a secret")
    (tmp_path / "log.key").write_text("a secret")

    async def doing(made: Hanging) -> None:
        with (tmp_path / "log.key").open() as key:
            os.set_inheritable(key.fileno(), True)
            tasks = [asyncio.ensure_future(reading(made.parsers, "hang", each)) for each in APPLICANTS[:2]]
            for _ in tasks:
                told = await asyncio.to_thread(made.told)
                assert told["open"] == ["socket"]  # its own
                assert told["given"].keys() <= {"PYTHONPATH", "PYTHONSAFEPATH", "LC_CTYPE"}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    hanging(tmp_path, doing)


def test_if_the_fork_server_is_gone_the_caller_asks_again_and_it_is_started_anew(tmp_path: Path):
    async def doing(made: Hanging) -> None:
        task = asyncio.ensure_future(reading(made.parsers, "hang"))
        told = await asyncio.to_thread(made.told)
        os.kill(told["server"], signal.SIGKILL)
        with pytest.raises(Overloaded, match="texts cannot be read now"):
            await task
        await gone(told["pid"])
        await answers(made.parsers)

    hanging(tmp_path, doing)


def test_a_fork_server_that_cannot_start_says_so():
    async def doing() -> None:
        for command in (("/no/such/program",), (sys.executable, "-c", "")):
            parsers = Parsers(command)
            with pytest.raises(Overloaded, match="texts cannot be read now"):
                await reading(parsers, DOSSIER)
            parsers.close()

    asyncio.run(doing())


PARENT = """
import asyncio, sys
from tests.parsing.test_parsers import APPLICANTS, reading
from sluicegate.parsing.parsers import Parsers

async def main():
    await reading(Parsers(sys.argv[1:]), "hang")

asyncio.run(main())
"""


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGTERM])
def test_no_reader_outlives_the_process_that_asked(signal_: signal.Signals, tmp_path: Path):
    made = Hanging(tmp_path)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PARENT, *made.parsers.command]
    with subprocess.Popen(command, env=environment) as parent:
        try:
            told = made.told()
        finally:
            parent.send_signal(signal_)
    eventually(lambda: not is_alive(told["pid"]) and not is_alive(told["server"]))
    made.close()


def test_closing_ends_all(tmp_path: Path):
    async def doing(made: Hanging) -> None:
        task = asyncio.ensure_future(reading(made.parsers, "hang"))
        told = await asyncio.to_thread(made.told)
        made.parsers.close()
        await gone(told["pid"])
        await gone(told["server"])
        with pytest.raises((Overloaded, TooComplex)):
            await task

    hanging(tmp_path, doing)


def test_the_fork_server_is_a_module_of_ours():
    assert FORK_SERVER[1:] == ("-m", "sluicegate.parsing.forkserver")
