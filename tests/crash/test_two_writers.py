"""A second control plane on a log that has one: it is refused at once, and the first one does not notice."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from tests.crash.customers import application
from tests.crash.plane import Plane, running
from tests.crash.processes import Process
from tests.crash.record import Record
from tests.waiting import eventually


@pytest.mark.parametrize("apart", [False, True], ids=["up", "control"])
@pytest.mark.parametrize("second", ["up", "serve", "control"])
def test_a_second_one_is_refused_with_the_first_ones_process_id(apart, second, site):
    with running(site, apart=apart) as plane, closing(plane.developer()) as client:
        plane.wait_kept(Record(plane.vkey).see(plane.control_url).size)
        before = _files(plane)
        alias = plane.folder / "alias"
        alias.symlink_to(plane.state)
        for state in (plane.state, alias):
            process = _second(site, plane, second, "--state", str(state), "--json")
            assert eventually(process.code) == 4
            error = json.loads(process.said())["error"]
            assert error["code"] == "store_in_use"
            assert f"the state folder {state}{_holder(plane, second)}; nothing was done" in error["message"]
            assert "--state" in error["remedy"]
        assert _files(plane) == before
        answer = client.do(application("after"))
        plane.wait_ready(answer["size"])


def test_where_the_log_has_begun_the_feed_is_started_before_the_control_plane(site):
    with running(site, apart=False) as plane:
        plane.wait_ready(1)
        files = [plane.state / "feeds/feed-1/fleet.db.pid", plane.state / "ledger.db.pid"]
        first = [_began(_named(file)) for file in files]
        assert first == sorted(first, reverse=True)
        plane.control.kill()
        plane.start_control()
        again = [_began(_named(file)) for file in files]
        assert again == sorted(again)
        assert min(again) > max(first)


def _began(pid: str) -> int:
    """When a process was started, in ticks since the boot."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_killed_the_next_one_starts_at_once_and_reading_goes_on_beside(site):
    with running(site, apart=True) as plane:
        refused = _second(site, plane, "control", "--state", str(plane.state))
        assert eventually(refused.code) == 4
        assert "what to do: stop that process" in refused.said()
        plane.control.kill()
        plane.start_control()
        with closing(plane.developer()) as client:
            size = client.do(application("after"))["size"]
        log = plane.folder / "verify.log"
        verifying = Process(site.launcher, log, "ledger", "verify", str(plane.database), "--key", plane.vkey)
        verifying.spawn()
        assert (eventually(lambda: verifying.code() is not None), verifying.code()) == (True, 0)
        assert f"verified: {size} entries" in verifying.said()


def _holder(plane: Plane, second: str) -> str:
    """What of a folder is in use, and who holds what the second one wants first."""
    if second == "control":
        return f" is in use by process {_named(plane.state / 'ledger.db.pid')} (control)"
    if plane.apart:
        return (
            f"/feeds/feed-1 is in use by process {_named(plane.state / 'feeds/feed-1/fleet.db.pid')} (feed)"
        )
    return f" is in use by process {plane.control.pid} (up)"


def _named(file: Path) -> str:
    return file.read_text().split()[0]


def _second(site, plane: Plane, command: str, *more: str) -> Process:
    arguments = [command, "--trust", str(plane.folder / "trust.yaml"), "--port", "0", *more]
    if command == "up":
        arguments += ["--upstream", f"demo={plane.control_url}", "--gateway-port", "0"]
    if command != "control":
        arguments += ["--feed-port", "0"]
    process = Process(site.launcher, plane.folder / f"second-{command}.log", *arguments)
    process.spawn()
    return process


def _files(plane: Plane) -> dict[str, bytes]:
    """The state folder. What changes by itself is left out: the databases, and who supervises."""
    return {
        str(path): path.read_bytes()
        for path in plane.state.rglob("*")
        if path.is_file() and ".db" not in path.name and path != plane.seen and path.parent.name != "run"
    }
