"""The bytes of one connection, read as requests: strictly framed, and bounded in size.

Rules:
- A request that could be framed in two ways is an error. After one, nothing is read any more.
- The parser tells of a field when all of it is here. So a head is bounded by what has come, too.
- An offer to speak another protocol (`Upgrade`) is read as if it were not there. The parser takes all that
  comes after such a head for the other protocol, also its body. So the head is parsed once more without it;
  `RequestHead.offers` says what was offered.
- A body of which most is framing is refused, and so are trailers: no one here would look at them.
"""

from __future__ import annotations

from typing import Protocol

import httptools

from sluicegate.http import head
from sluicegate.http.exchange import HttpExchange
from sluicegate.http.head import BadRequest, Fields, RequestHead
from sluicegate.settings import HttpSettings

_MALFORMED = BadRequest(400, "the request is not valid HTTP/1.1")


class Receiver(Protocol):
    """What is done with the requests that a reader finds."""

    def head_begins(self) -> None:
        """The first byte of a request is here."""

    def head_ends(self, request: RequestHead) -> HttpExchange:
        """A request's head is here; return what takes its body. Raises: BadRequest: there are too many."""

    def body_ends(self, exchange: HttpExchange) -> None:
        """All of a request is here."""


class RequestReader:
    """Reads the requests of one connection."""

    __slots__ = (
        "_fields",
        "_head_bytes",
        "_max_head_bytes",
        "_max_target_bytes",
        "_offers",
        "_parser",
        "_receiver",
        "_unparsed_bytes",
        "arriving",
        "in_head",
        "is_closed",
        "target",
    )

    def __init__(self, receiver: Receiver, settings: HttpSettings) -> None:
        self._receiver = receiver
        self._max_head_bytes = settings.max_head_bytes
        self._max_target_bytes = settings.max_target_bytes
        self._parser = httptools.HttpRequestParser(self)
        self.is_closed = False
        """Whether what comes is dropped."""
        self.in_head = False
        """Whether a part of a head is here."""
        self.target = b""
        self.arriving: HttpExchange | None = None
        """The request whose body arrives."""
        self._fields: Fields = []
        self._offers = b""
        self._head_bytes = 0
        """The size of the head so far, as it was parsed."""
        self._unparsed_bytes = 0
        """The bytes that came while the head was incomplete."""

    def feed(self, data: bytes) -> None:
        """Read what came. Raises: BadRequest: nothing can be read after it."""
        in_head, arriving, size = self.in_head, self.arriving, len(data)
        while data and not self.is_closed:
            data = self._parse(data)
        if arriving is not None and arriving is self.arriving:
            arriving.crossed(size)
        if self.in_head and in_head:
            self._unparsed_bytes += size
            if self._unparsed_bytes > self._max_head_bytes:
                raise self._too_large()

    def close(self) -> HttpExchange | None:
        """Drop what comes from now on. Returns: the request whose body is not complete."""
        self.is_closed = True
        broken, self.arriving = self.arriving, None
        return broken

    def known_fields(self) -> Fields:
        """The fields of the head so far, names in lower case."""
        return [(name.lower(), value) for name, value in self._fields]

    # The parser

    def on_message_begin(self) -> None:
        """Parser callback: a request's first byte."""
        if self.is_closed:
            raise _MALFORMED
        self.target, self._fields, self.in_head = b"", [], True
        self._head_bytes = self._unparsed_bytes = 0
        self._receiver.head_begins()

    def on_url(self, part: bytes) -> None:
        """Parser callback: a part of the target."""
        self.target += part
        if len(self.target) > self._max_target_bytes:
            raise BadRequest(414, f"a target of more than {self._max_target_bytes} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Parser callback: one field of the head, or of a chunked body's trailers, which are refused."""
        if not self.in_head:
            raise BadRequest(400, "a chunked body with trailers, expected none")
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self._max_head_bytes:
            raise self._too_large()
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Parser callback: refuse what has two readings."""
        parser = self._parser
        if parser.should_upgrade() and parser.get_method() != b"CONNECT":
            return  # it is parsed once more, without its offer
        self.in_head = False
        request = head.read(
            parser.get_method(),
            self.target,
            parser.get_http_version(),
            self._fields,
            keep_alive=parser.should_keep_alive(),
            offers=self._offers,
        )
        self._offers = b""
        self.arriving = self._receiver.head_ends(request)
        self._fields = []  # the head has them

    def on_body(self, data: bytes) -> None:
        """Parser callback: a part of the body."""
        if self.arriving is not None:
            self.arriving.took(data)

    def on_message_complete(self) -> None:
        """Parser callback: the end of a request. After one that ends the connection, nothing is read."""
        arrived = self.arriving
        if arrived is not None:
            self.arriving = None
            self.is_closed = self.is_closed or not arrived.head.keep_alive
            self._receiver.body_ends(arrived)

    def _parse(self, data: bytes) -> bytes:
        """Parse what came; what of it is to be parsed again. Raises: BadRequest."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            return self._without_offer() + data[offer.args[0] :]
        except httptools.HttpParserError as error:
            if not self.is_closed:  # else it is about what comes after the last request
                raise _cause(error) from None
        return b""

    def _without_offer(self) -> bytes:
        """The head that has just been parsed, without its offer to speak another protocol."""
        method, version = self._parser.get_method(), self._parser.get_http_version().encode()
        self._parser = httptools.HttpRequestParser(self)
        offered = [value for name, value in self._fields if name.lower() == b"upgrade"]
        self._offers = b",".join(offered).lower()
        kept = [b"%b: %b\r\n" % each for each in self._fields if each[0].lower() != b"upgrade"]
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.target, version, b"".join(kept))

    def _too_large(self) -> BadRequest:
        return BadRequest(431, f"a head of more than {self._max_head_bytes} bytes")


def _cause(error: httptools.HttpParserError) -> BaseException:
    """What a parser callback raised; without one, the bytes are at fault."""
    return error.__context__ or _MALFORMED
