"""TLS under a client's connection, and the certificate that a server shows.

Rules:
- TLS 1.2 or later, HTTP/1.1 alone, and no renegotiation.
- A connection has its place, and the time of its first head, from when it was accepted: its handshake counts.
- What is written is encrypted at once and given to the socket. TLS keeps nothing back, so the bounds of a
  connection without TLS hold here too, and so does a reset: what the socket has not sent is dropped.
- A new certificate is for new connections. One that cannot be read is logged, and the old one stays.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sluicegate.errors import InvalidInput
from sluicegate.settings import TlsFiles

READ_BYTES = 256 * 1024
_log = logging.getLogger(__name__)


class ServerCertificate:
    """What a server shows of itself, and whose certificates it asks its clients for.

    Raises: InvalidInput: a file cannot be read, or the key is another one's.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen = _stamps(files)
        try:
            self.context = _context(files)
        except OSError as error:
            raise InvalidInput(f"the certificate {files.cert}: {_reason(error)}") from error

    def refresh(self) -> None:
        """Read the files again if they have changed."""
        found = _stamps(self._files)
        if found == self._seen:
            return
        self._seen = found
        try:
            self.context = _context(self._files)
        except OSError as error:
            said = "the certificate %s cannot be used, and the one before stays: %s"
            _log.error(said, self._files.cert, _reason(error))
        else:
            _log.info("new connections get the new certificate %s", self._files.cert)


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """The encrypted side of one connection: a transport for `above`, and the protocol of its socket's."""

    def __init__(self, context: ssl.SSLContext, above: asyncio.Protocol) -> None:
        super().__init__()
        self._above = above
        self._socket: asyncio.Transport
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_open = False
        """Whether the handshake is complete, and neither side has ended."""
        self._has_ended = False

    # What the socket says

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is here: it has a place from now on."""
        self._socket = transport
        self._above.connection_made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._is_open, self._has_ended = False, True
        self._above.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Go on with the handshake, or decrypt. What comes after the end is dropped."""
        if self._has_ended:
            return
        self._incoming.write(data)
        try:
            if not self._is_open:
                self._tls.do_handshake()
                self._is_open = True
            self._decrypt()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError as error:
            self._fail(error)

    def eof_received(self) -> None:
        """The client has left. Its socket's transport ends with it."""

    def pause_writing(self) -> None:
        """The client does not take what was written."""
        self._above.pause_writing()

    def resume_writing(self) -> None:
        """It has taken everything."""
        self._above.resume_writing()

    def _decrypt(self) -> None:
        """Give what has come to those above, at once as a socket does."""
        parts: list[bytes] = []
        has_left = False
        try:
            while part := self._tls.read(READ_BYTES):
                parts.append(part)
            has_left = True
        except ssl.SSLZeroReturnError:
            has_left = True
        except ssl.SSLWantReadError:
            pass
        self._flush()
        if parts:
            self._above.data_received(b"".join(parts))
        if has_left:
            self.close()

    def _fail(self, error: ssl.SSLError) -> None:
        """End after a fault of TLS: a client in its handshake gets to know which."""
        _log.debug("a client's TLS failed: %s", _reason(error))
        if self._is_open:
            self.abort()
        else:
            self._flush()
            self._has_ended = True
            self._socket.close()

    def _flush(self) -> None:
        if self._outgoing.pending and not self._socket.is_closing():
            self._socket.write(self._outgoing.read())

    # What those above ask

    def write(self, data: Any) -> None:
        """Encrypt and write; before the handshake is complete, and after the end, nothing."""
        if not self._is_open:
            return
        left = memoryview(data)
        try:
            while left:
                left = left[self._tls.write(left) :]
        except ssl.SSLError as error:
            self._fail(error)
        else:
            self._flush()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Write all of them."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """Send TLS's own end and the socket's. What still comes is dropped."""
        self._end()
        if not self._socket.is_closing():
            self._socket.write_eof()

    def can_write_eof(self) -> bool:
        """It can."""
        return True

    def close(self) -> None:
        """End properly; a client in its handshake is dropped."""
        is_open = self._is_open
        self._end()
        if is_open:
            self._socket.close()
        else:
            self._has_ended = True
            self._socket.abort()

    def abort(self) -> None:
        """End now; what the socket has not sent is dropped."""
        self._is_open, self._has_ended = False, True
        self._socket.abort()

    def is_closing(self) -> bool:
        """Whether the socket is being closed."""
        return self._socket.is_closing()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._socket.resume_reading()

    def is_reading(self) -> bool:
        """Whether the socket is read."""
        return self._socket.is_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Those of the socket: TLS keeps nothing back."""
        self._socket.set_write_buffer_limits(high, low)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Those of the socket."""
        return self._socket.get_write_buffer_limits()

    def get_write_buffer_size(self) -> int:
        """How many bytes the socket has not taken."""
        return self._socket.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the socket's transport knows."""
        return self._socket.get_extra_info(name, default)

    def _end(self) -> None:
        """Say TLS's own end, once."""
        if self._is_open:
            self._is_open, self._has_ended = False, True
            with suppress(ssl.SSLError):  # it waits for the client's end, and no one here does
                self._tls.unwrap()
            self._flush()


def _context(files: TlsFiles) -> ssl.SSLContext:
    """Raises: OSError: a file cannot be read, or is not what it should be."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    # A key with a passphrase is refused: to ask for it would hold the server.
    context.load_cert_chain(files.cert, files.key, password=_no_passphrase)
    if files.client_ca is not None:
        context.load_verify_locations(files.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _no_passphrase() -> str:
    raise OSError("the key has a passphrase, expected one without")


def _stamps(files: TlsFiles) -> list[tuple[int, int, int] | None]:
    """What changes with each file."""
    return [_stamp(path) for path in (files.cert, files.key, files.client_ca) if path is not None]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
