"""A process that reads bodies for a gateway: those whose reading would hold its event loop.

It has one socket to the gateway, and ends with it. It reads one body after the other:
`REQUEST` and the body come in, `ANSWER` and JSON go out: what the body asks for, or why it is refused.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys

from sluicegate.errors import InvalidInput
from sluicegate.gate import request
from sluicegate.gate.dialects import Dialect
from sluicegate.processes import die_with

REQUEST = struct.Struct(">BI")
"""The number of the dialect, and the length of the body."""
ANSWER = struct.Struct(">I")
DIALECTS = tuple(Dialect)
NICE = 5
"""How much less it matters than what answers."""


def answer(body: bytes, dialect: Dialect) -> bytes:
    """What a body was read as, in JSON. Half a surrogate pair stays an escape."""
    try:
        said: object = {"request": request.read(body, dialect)}
    except InvalidInput as error:
        said = {"refused": error.message}
    return json.dumps(said).encode()


def serve(connection: socket.socket) -> None:
    """Answer until the other end is closed."""
    with connection, connection.makefile("rb") as coming:
        while head := coming.read(REQUEST.size):
            number, length = REQUEST.unpack(head)
            said = answer(coming.read(length), DIALECTS[number])
            connection.sendall(ANSWER.pack(len(said)) + said)


def main() -> None:
    """Serve the socket whose number is the first argument; the second is the gateway's process."""
    descriptor, parent = map(int, sys.argv[1:])
    die_with(parent)
    os.nice(NICE)
    serve(socket.socket(fileno=descriptor))


if __name__ == "__main__":
    main()
