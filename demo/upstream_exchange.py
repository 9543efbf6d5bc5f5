"""One call at the demonstration upstream: a body comes in, a reply goes out.

The caller may leave at any time. The server notices during pauses and waits that a caller leaves, also before
the response has begun. Bytes that the transport has taken count as sent: a short reply without pauses is
completed even if no one reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from demo.upstream_calls import Call, CallLog, CallState
from demo.upstream_pace import Fault, Pace
from demo.upstream_reply import Reply, spans

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CONNECTION = "sluicegate.connection"
"""The ASGI extension with which our server gives access to its connection."""

_SLICE_BYTES = 64 * 1024


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """Return a request's body, or None when its caller left; past `limit` bytes the rest is not read."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more and size <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
    return b"".join(parts)


async def send_at_once(send: Send, reply: Reply, request_id: str) -> None:
    """Send a document's reply without a pause."""
    await send(_head(reply, request_id))
    await send({"type": "http.response.body", "body": reply.events[0], "more_body": False})


class Connection(Protocol):
    """The connection of a call: to close it, and to know that it has ended before ASGI reports it."""

    lost: bool
    transport: asyncio.Transport


class Caller:
    """The other end of a call whose body has been read, and the connection to it, if the server gives it."""

    def __init__(self, receive: Receive, connection: Connection | None) -> None:
        self._gone = False
        self._receive = receive
        self._connection = connection
        self._watch: asyncio.Task[None] | None = None
        self._alarm: asyncio.Future[None] | None = None

    def gone(self) -> bool:
        """Return whether the caller has left.

        Sending to a closed connection takes no time in which to notice it.
        """
        return self._gone or (self._connection is not None and self._connection.lost)

    async def leaving(self) -> bool:
        """Say the same before more is sent, also while the server does not know it yet.

        A failed transport takes everything at once, so that no other task would run meanwhile.
        """
        connection = self._connection
        if not self.gone() and connection is not None and connection.transport.is_closing():
            await self.watch()
        return self.gone()

    async def hang_up(self) -> None:
        """Close the connection; return when that is done.

        Raises: ConnectionAbortedError: the server gives no connection to close.
        """
        if self._connection is None:
            raise ConnectionAbortedError("asked to hang up, but this server lends no connection")
        self._connection.transport.close()
        await self.watch()

    def watch(self) -> asyncio.Task[None]:
        """Begin to watch for the caller to leave; the task ends when it has left."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._await_leave())
        return self._watch

    async def pause(self, duration_ms: int) -> None:
        """Wait, but only as long as the caller stays."""
        self.watch()
        if self.gone():
            return
        loop = asyncio.get_running_loop()
        self._alarm = loop.create_future()
        timer = loop.call_later(duration_ms / 1000, _ring, self._alarm)
        try:
            await self._alarm
        finally:
            timer.cancel()

    def release(self) -> None:
        """Stop watching."""
        if self._watch is not None:
            self._watch.cancel()

    async def _await_leave(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._alarm is not None:
            _ring(self._alarm)


def _ring(alarm: asyncio.Future[None]) -> None:
    if not alarm.done():
        alarm.set_result(None)


@dataclass(slots=True)
class Exchange:
    """One request and its response."""

    send: Send
    caller: Caller
    call: Call
    log: CallLog

    async def deliver(self, reply: Reply, pace: Pace) -> None:
        """Send the reply at its pace, with its fault."""
        if pace.delay_ms:
            await self.caller.pause(pace.delay_ms)
        if self.caller.gone():
            return
        if pace.fault is Fault.HANGUP:
            await self._hang_up()
            return
        broken = pace.fault is Fault.HANGUP_MIDSTREAM
        parts = reply if reply.streams else _sliced(reply, pace, at_least=2 if broken else 1)
        if len(parts.events) > 1:
            self.caller.watch()
        half = (parts.first + parts.last + 1) // 2
        await self.send(_head(reply, self.call.id))
        await self._send_events(parts, pace.interval_ms, half if broken else -1)

    async def _send_events(self, reply: Reply, interval_ms: int, hang_up_at: int) -> None:
        last = len(reply.events) - 1
        for index, event in enumerate(reply.events):
            if interval_ms and reply.first < index < reply.last:
                await self.caller.pause(interval_ms)
            if await self.caller.leaving():
                return
            if index == hang_up_at:
                await self._hang_up()
                return
            await self.send({"type": "http.response.body", "body": event, "more_body": index < last})
            # A full send buffer makes us wait; whoever left meanwhile was not sent this.
            if self.caller.gone():
                return
            self.call.chunks_sent += 1
            self.call.bytes_sent += len(event)
        self.log.end(self.call, CallState.COMPLETED)

    async def _hang_up(self) -> None:
        self.log.end(self.call, CallState.COMPLETED)
        await self.caller.hang_up()


def _head(reply: Reply, request_id: str) -> Message:
    name = request_id.encode("latin-1")
    headers = [(b"content-type", reply.content_type), (b"x-request-id", name), (b"request-id", name)]
    if reply.streams:
        headers.append((b"cache-control", b"no-cache"))
    else:
        headers.append((b"content-length", str(len(reply.events[0])).encode()))
    return {"type": "http.response.start", "status": reply.status, "headers": headers}


def _sliced(reply: Reply, pace: Pace, *, at_least: int) -> Reply:
    """Return a document's reply in slices: with pauses, as many as a stream's chunks; else large ones."""
    (content,) = reply.events
    wanted = pace.chunks if pace.interval_ms else len(content) // _SLICE_BYTES + 1
    count = min(max(wanted, at_least), len(content))
    if count == 1:
        return reply
    slices = [content[start:end] for start, end in spans(len(content), count)]
    return replace(reply, events=slices, last=count)
