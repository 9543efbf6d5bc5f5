"""The HTTP client of the control plane: `SLUICEGATE_URL`, `SLUICEGATE_TOKEN`.

A command gets an id and is sent again under it if the connection breaks: it is done once, however often sent.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from sluicegate.errors import CommandRefused, InvalidInput, Place, SluicegateError, Unauthorized, Unreachable

DEFAULT_URL = "http://127.0.0.1:8600"
TRIES = 3
TIMEOUT_S = 30.0


class Client:
    """One command's connection to the control plane at `url`, acting as the holder of `token`."""

    def __init__(self, url: str = "", token: str | None = None) -> None:
        self.url = (url or os.environ.get("SLUICEGATE_URL", DEFAULT_URL)).rstrip("/")
        token = os.environ.get("SLUICEGATE_TOKEN", "") if token is None else token
        headers = {"authorization": f"Bearer {token.strip()}"} if token.strip() else {}
        encrypts = not self.url.startswith("http://")  # loading certificates would take longer than asking
        with _usable(self.url):
            self._http = httpx2.Client(
                base_url=self.url, headers=headers, timeout=TIMEOUT_S, trust_env=False, verify=encrypts
            )

    def close(self) -> None:
        """Close the connection; whoever ends with one command need not."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """A question."""
        return self._send("GET", path, params=query)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A command; sent at most `TRIES` times, done once."""
        return self._send(
            "POST", path, json=body, headers={"idempotency-key": f"cmd_{secrets.token_hex(16)}"}
        )

    def raw(self, path: str) -> bytes:
        """The bytes of a public resource."""
        return self._answer("GET", path).content

    def _send(self, method: str, path: str, **given: Any) -> Any:
        response = self._answer(method, path, **given)
        try:
            return response.json()
        except ValueError as error:
            raise Unreachable(f"{self.url} did not answer in JSON; is it a control plane?") from error

    def _answer(self, method: str, path: str, **given: Any) -> httpx2.Response:
        for tries_left in reversed(range(TRIES)):
            try:
                with _usable(self.url):
                    response = self._http.request(method, path, **given)
            except httpx2.TransportError as error:
                if tries_left and not isinstance(error, httpx2.ConnectError):
                    continue
                raise Unreachable(
                    f"no answer from {self.url}: {error}",
                    remedy="start the control plane, or set SLUICEGATE_URL",
                ) from error
            if response.is_success:
                return response
            raise _error(response)
        raise AssertionError("unreachable")


@contextmanager
def _usable(url: str) -> Iterator[None]:
    """Raises: InvalidInput: the URL is none."""
    try:
        yield
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        said = str(error).lower()
        raise InvalidInput(
            f"{url!r} is not the URL of a control plane: {said}", remedy="set SLUICEGATE_URL"
        ) from error


def _error(response: httpx2.Response) -> SluicegateError:
    """The error that an answer tells of."""
    try:
        told = response.json()["error"]
        at = [Place(**place) for place in told["at"]]
        code, message, remedy = told["code"], told["message"], told["remedy"]
    except (ValueError, KeyError, TypeError):
        return Unreachable(f"{response.url} answered {response.status_code}, not as a control plane does")
    kind = _KINDS.get(response.status_code, Unreachable)
    return kind(message, code=code, remedy=remedy, at=at)


_KINDS: dict[int, type[SluicegateError]] = {
    400: InvalidInput,
    401: Unauthorized,
    403: CommandRefused,
    404: CommandRefused,
    405: CommandRefused,
    409: CommandRefused,
    413: InvalidInput,
}
