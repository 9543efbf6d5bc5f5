"""The HTTP client of the control plane, of a profile or as the environment says.

A command gets an id. If the connection breaks, or the server is busy, the client sends it again with the same
id. So it is done only once.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from threading import Timer
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from sluicegate.acts.act import Act, Answered, Asked
from sluicegate.acts.errors import ErrorAnswer
from sluicegate.client import profiles
from sluicegate.client.profiles import DEFAULT_URL, Login
from sluicegate.errors import CommandRefused, InvalidInput, SluicegateError, Unauthorized, Unreachable
from sluicegate.processes import is_readable
from sluicegate.settings import CLIENT_CERT
from sluicegate_record.form import Misread

TIMEOUT_S = 30.0
ANSWER_BYTES_MAX = 64 << 20
"""How large an answer may be."""
WAIT_S_MAX = 5
"""How long a command waits at most before it asks a server again that is busy."""


class Patience(NamedTuple):
    """How long each step of a request may take, in seconds, and how often the request is sent.

    `whole_s` is how long it may take with all its steps and tries; None: no such bound.
    """

    timeout_s: float = TIMEOUT_S
    tries: int = 3
    whole_s: float | None = None


USUAL, AT_ONCE = Patience(), Patience(0.5, 1)


class Client:
    """One command's connection to the control plane at `url`, acting as the holder of `token`.

    Raises: InvalidInput: no URL of a control plane, or no token.
    """

    def __init__(self, url: str = "", token: str | None = None, *, patience: Patience = USUAL) -> None:
        known = profiles.access() if not url or token is None else Login(url, token)
        self.url = (url or known.url).rstrip("/")
        said = f"{self.url!r} is not the URL of a control plane, expected such as {DEFAULT_URL}"
        refused = InvalidInput(said, remedy="set SLUICEGATE_URL, or log in")
        self._connection, self._prefix = connection(self.url, refused, patience.timeout_s)
        self._patience, self._is_late = patience, False
        self._headers = _authorization(known.token if token is None else token)

    def close(self) -> None:
        """Close the connection. A process that ends after one command need not."""
        self._connection.close()

    def do(self, act: Act[Asked, Answered], asked: Asked) -> Answered:
        """Do an act, and read its answer.

        Raises: Unreachable, CommandRefused, Unauthorized, InvalidInput.
        """
        given = asked.to_json()
        path = act.path.format(**{key: given.pop(key) for key in act.places})
        with self._in_time():
            if act.kind == "question":
                found = self._answer("GET", path, given)
            else:
                found = self._sent(path, given, tries=1 if act.kind == "secret" else self._patience.tries)
        answer = _read(found)
        try:
            return act.answered.from_json(answer)
        except InvalidInput as error:
            done = "" if act.kind == "question" else "it was done, but "
            said = f"{done}{self.url} did not answer as this build expects: {error.message}"
            raise Unreachable(said, remedy="use the same build at both ends; do not send it again") from error

    def _sent(self, path: str, body: dict[str, Any], tries: int) -> _Answer:
        """Send a command at most `tries` times. It is done once."""
        data = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        command_id = f"cmd_{secrets.token_hex(16)}"
        headers = {"idempotency-key": command_id, "content-type": "application/json"}
        return self._answer("POST", path, {}, data, headers, tries)

    def raw(self, path: str) -> bytes:
        """The bytes of a public resource."""
        return self._answer("GET", path, {}).body

    def _answer(  # noqa: PLR0913 - a request, and how often it may be sent
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        tries: int | None = None,
    ) -> _Answer:
        target = self._prefix + quote(path) + (f"?{urlencode(query, doseq=True)}" if query else "")
        for tries_left in reversed(range(tries or self._patience.tries)):
            self._connect()
            try:
                response = self._response(method, target, data, {**self._headers, **(headers or {})})
                body = self._body(response)
                found = _Answer(self.url + path, response.status, body, _retry_after_s(response))
            except (OSError, HTTPException) as error:
                self._connection.close()
                if not tries_left or self._is_late:
                    raise self._unreachable(error) from error
                continue
            if 200 <= found.status < 300:
                return found
            if not found.is_busy or not tries_left:
                raise _error(found)
            time.sleep(found.retry_after_s or 0)
        raise AssertionError("unreachable")

    def _response(
        self, method: str, target: str, data: bytes | None, headers: dict[str, str]
    ) -> HTTPResponse:
        """The response. If a body is too large, it may come before everything is sent."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self._connection.request(method, target, data, headers)
        return self._connection.getresponse()

    def _body(self, response: HTTPResponse) -> bytes:
        """The body of a response. Raises: Unreachable: it is too large. IncompleteRead: it ends early."""
        body = response.read(ANSWER_BYTES_MAX + 1)
        if len(body) > ANSWER_BYTES_MAX:
            self._connection.close()
            raise Unreachable(f"{self.url} answered with more than {ANSWER_BYTES_MAX >> 20} MiB")
        if response.length:
            raise IncompleteRead(body, response.length)
        return body

    def _connect(self) -> None:
        """Raises: Unreachable: nothing listens there. It tries once."""
        idle = self._connection.sock
        if idle is not None and is_readable(idle.fileno()):  # nothing was asked: the server has ended it
            self._connection.close()
        if self._connection.sock is None:
            try:
                self._connection.connect()
            except OSError as error:
                self._connection.close()
                raise self._unreachable(error) from error
        if self._is_late:
            raise self._unreachable(TimeoutError())

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """End the connection if what is done meanwhile takes longer than the patience is."""
        if self._patience.whole_s is None:
            yield
            return
        timer = Timer(self._patience.whole_s, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end(self) -> None:
        self._is_late = True
        if self._connection.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._connection.sock, socket.SHUT_RDWR)

    def _unreachable(self, error: Exception) -> Unreachable:
        remedy = "start the control plane, or set SLUICEGATE_URL, or use another profile"
        why = "it takes too long" if self._is_late else error
        return Unreachable(f"no answer from {self.url}: {why}", remedy=remedy)


class _Answer(NamedTuple):
    """What came back from `url`."""

    url: str
    status: int
    body: bytes
    retry_after_s: int | None

    @property
    def is_busy(self) -> bool:
        """Whether the server can be asked again in a moment."""
        return self.retry_after_s is not None and self.retry_after_s <= WAIT_S_MAX

    """When a server that did nothing wants to be asked again."""


def connection(url: str, refused: InvalidInput, timeout_s: float = TIMEOUT_S) -> tuple[HTTPConnection, str]:
    """The connection to the host of a URL, and the path that all its resources begin with.

    Raises: InvalidInput: `refused`, if it is not a URL; or this program's certificate cannot be read.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        found = _SCHEMES[parts.scheme](host, parts.port, timeout=timeout_s)
    except (KeyError, ValueError, HTTPException) as error:
        raise refused from error
    if not host:
        raise refused
    return found, quote(parts.path)


def _encrypted(host: str, port: int | None, timeout: float) -> HTTPSConnection:
    """A connection to a host that authorities of this machine, or of `SSL_CERT_FILE`, certify.

    Raises: InvalidInput: the certificate that this program is to show cannot be read.
    """
    context, own = ssl.create_default_context(), os.environ.get(CLIENT_CERT, "")
    if own:
        try:
            context.load_cert_chain(own)
        except OSError as error:
            raise InvalidInput(f"{CLIENT_CERT} is {own!r}: {error.strerror}") from error
    return _Encrypted(host, port, timeout=timeout, context=context)


class _Encrypted(HTTPSConnection):
    """One whose socket is known while the two ends agree on keys, so that this can be ended, too."""

    def __init__(self, host: str, port: int | None, timeout: float, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=timeout, context=context)
        self._tls = context

    def connect(self) -> None:
        """Connect. Raises: OSError."""
        HTTPConnection.connect(self)
        self.sock = found = self._tls.wrap_socket(
            self.sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        found.do_handshake()


_SCHEMES: dict[str, Callable[..., HTTPConnection]] = {"http": HTTPConnection, "https": _encrypted}


def _retry_after_s(response: HTTPResponse) -> int | None:
    said = response.headers.get("retry-after", "") if response.status in {429, 503} else ""
    return int(said) if said.isascii() and said.isdigit() and len(said) < 6 else None


def _authorization(token: str) -> dict[str, str]:
    token = token.strip()
    if not (token.isascii() and token.isprintable()):
        raise InvalidInput("the token has characters that no token has", remedy="set SLUICEGATE_TOKEN")
    return {"authorization": f"Bearer {token}"} if token else {}


def _read(answer: _Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise Unreachable(f"{answer.url} did not answer in JSON; is it a control plane?") from error


def _error(answer: _Answer) -> SluicegateError:
    """The error in an answer."""
    try:
        told = ErrorAnswer.from_json(json.loads(answer.body)).error
    except (ValueError, RecursionError, Misread):
        said = f"{answer.url} answered {answer.status}, not as a control plane does"
        return Unreachable(said, remedy="set SLUICEGATE_URL to the URL of a control plane")
    kind = _KINDS.get(answer.status, Unreachable)
    if answer.status == 429 and not answer.is_busy:  # what a day allows is used
        kind = CommandRefused
    return kind(told.message, code=told.code, remedy=told.remedy, at=told.places())


_KINDS: dict[int, type[SluicegateError]] = {
    400: InvalidInput,
    401: Unauthorized,
    403: CommandRefused,
    404: CommandRefused,
    405: CommandRefused,
    409: CommandRefused,
    413: InvalidInput,
}
