"""`ready`: asks a process if it is ready, as what watches a container does."""

from __future__ import annotations

import json
from typing import Annotated
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from sluicegate.cli.options import word
from sluicegate.cli.output import Json, emit
from sluicegate.errors import InvalidInput, Unreachable

WITHIN_S = 5
ANSWER_BYTES_MAX = 64 * 1024


def ready(
    url: Annotated[str, word("Its address: http://127.0.0.1:8600.")],
    as_json: Json = False,
) -> None:
    """Ask a control plane, a feed or a gateway if it is ready. Exit 4: it is not."""
    if not url.startswith(("https://", "http://")):
        raise InvalidInput(f"the address {url[:200]!r}, expected one such as http://127.0.0.1:8600")
    try:
        with urlopen(Request(f"{url.rstrip('/')}/readyz"), timeout=WITHIN_S) as answer:  # noqa: S310 - checked
            answer.read()
    except HTTPError as error:
        raise Unreachable(f"{url} is not ready: {_why(error)}", code="not_ready") from error
    except (URLError, OSError) as error:
        raise Unreachable(f"{url} does not answer: {getattr(error, 'reason', error)}") from error
    emit({"ready": url}, as_json, "ready")


def _why(error: HTTPError) -> str:
    """What an answer says is missing, as far as it does."""
    try:
        told = json.loads(error.read(ANSWER_BYTES_MAX))
    except (ValueError, OSError):
        told = None
    match told:
        case {"error": {"message": str(message)}}:
            return message
        case {"size": int(size)}:
            return f"it has no lease, and {size} entries of the log"
        case _:
            return f"status {error.code}"
