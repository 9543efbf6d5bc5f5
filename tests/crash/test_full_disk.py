"""A disk without room: commands are refused as not done, and nothing is lost.

The room is taken away by the process's own limit on the size of files: no write goes beyond it.
"""

from __future__ import annotations

import resource
from contextlib import closing

from tests.crash.customers import Client, Command, Unanswered, application
from tests.crash.ordeal import Ordeal
from tests.crash.plane import Plane, running

ROOM_BYTES = 128 * 1024
"""Less than the log of writes holds after some commands; beyond what SQLite needs to open the database."""
COMMANDS_MAX = 200


def test_a_full_disk_refuses_commands_and_loses_none(site, seed):
    with running(site, apart=True) as plane:
        ordeal = Ordeal(plane, seed)
        with ordeal.load():
            for restarts in (False, True):
                ordeal.serve_a_while()
                _limit(plane, ROOM_BYTES)
                with ordeal.still(), closing(plane.developer()) as client:
                    in_doubt = _one_too_many(client, "restarts" if restarts else "goes on")
                    assert client.unavailable(in_doubt) == "store_unavailable"
                    ordeal.check_disk()
                    if restarts:
                        plane.control.kill()
                        plane.start_control()
                    else:
                        _limit(plane, resource.RLIM_INFINITY)
                    assert client.do(in_doubt)["size"] > ordeal.record.seen.size
                    ordeal.check_served()


def _limit(plane: Plane, size: int) -> None:
    resource.prlimit(plane.control.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _one_too_many(client: Client, name: str) -> Command:
    """Send commands until one does not fit; return it."""
    for number in range(COMMANDS_MAX):
        command = application(f"{name} {number}")
        try:
            client.do(command)
        except Unanswered:
            return command
    raise AssertionError(f"{COMMANDS_MAX} commands fit")
