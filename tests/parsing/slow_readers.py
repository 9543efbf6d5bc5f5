"""A fork server whose readers do what a text says, so that each way to fail can be seen.

It is started with a path, a descriptor and its parent. A reader that hangs tells its process and that of the
fork server by a datagram to the socket whose path it is given.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from sluicegate.acts.applications import Submission
from sluicegate.bounds import MEMORY_MAX
from sluicegate.parsing import forkserver, job, request
from sluicegate.parsing.request import ActRequest
from sluicegate_record.log import canonical


def answer(head: bytes, body: bytes) -> bytes:
    asked = request.read(ActRequest.from_json(canonical.loads(head)), body)
    assert isinstance(asked, Submission)
    match asked.organization:
        case "hang":
            told = {"pid": os.getpid(), "server": os.getppid(), "open": _open(), "given": dict(os.environ)}
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(canonical.dumps(told), sys.argv[1])
            while True:
                signal.pause()
        case "spin":
            while True:
                pass
        case "grow":
            return bytes(MEMORY_MAX)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "fail":
            raise ValueError("a fault of our own")
        case _:
            pass
    return job.answer(head, body)


def _open() -> list[str]:
    """What this process has open, without its standard streams: the kind of each."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the folder itself, while it was listed
            if int(path.name) > 2:
                found.append(str(path.readlink()).partition(":")[0])
    return sorted(found)


if __name__ == "__main__":
    forkserver.serve(int(sys.argv[2]), int(sys.argv[3]), answer)
