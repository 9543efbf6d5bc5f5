"""The demonstration's processes: control plane, gateway, the model servers behind it, an agency's desk."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from demo.cast import DEVELOPER, Cast
from demo.processes import Processes
from sluicegate.cli import desk
from sluicegate.errors import InvalidInput, Unreachable
from sluicegate.settings import CONTROL_PORT, DESK_PORT, FEED_PORT, GATEWAY_PORT, UPSTREAM_PORT

ORIGIN = "sluicegate.example/demo"
UPSTREAMS = {"demo": "upstream", "small": "upstream"}
"""The upstreams that the plans name, each with the command of `demo` that serves it."""
REVIEWER = "reviewer"
"""Who is let in to the desk."""
FOLLOW_S = 30.0
"""How long a gateway may take to follow the log."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen on 127.0.0.1; with 0, the system chooses."""

    control: int = CONTROL_PORT
    feed: int = FEED_PORT
    gateway: int = GATEWAY_PORT
    upstream: int = UPSTREAM_PORT
    desk: int = DESK_PORT

    def check(self) -> None:
        """Raise InvalidInput if one of the ports is taken, or two are the same."""
        named = {
            "control": self.control,
            "feed": self.feed,
            "gateway": self.gateway,
            "upstream": self.upstream,
            "desk": self.desk,
        }
        with ExitStack() as held:
            for name, port in named.items():
                try:
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
                except OSError as error:
                    raise InvalidInput(
                        f"port {port} for the {name} cannot be listened on: {_reason(error)}",
                        code="port_taken",
                        remedy=f"stop what listens there, or choose another with --{name}-port",
                    ) from error


@dataclass(frozen=True, slots=True)
class Site:
    """The running processes: their URLs, the log's verifier key, and the folder of their state."""

    folder: Path
    control_url: str
    gateway_url: str
    upstream_url: str
    vkey: str

    def token(self, principal: str) -> str:
        """A token written when the log was started. Raises: InvalidInput: it is no longer there."""
        return _token_file(self.folder, principal).read_text().strip()

    def followed(self, size: int) -> None:
        """Wait until the gateway has a lease and has applied the log's first `size` entries.

        Raises: Unreachable: it has not in a time that is long for it.
        """
        followed(self.gateway_url, size)


def followed(gateway_url: str, size: int) -> None:
    """Wait until a gateway has a lease and has applied the log's first `size` entries.

    Raises: Unreachable: it has not in a time that is long for it.
    """
    ends = time.monotonic() + FOLLOW_S
    while not _has_followed(gateway_url, size):
        if time.monotonic() >= ends:
            raise Unreachable(
                f"the gateway at {gateway_url} has not followed the log to size {size} in {FOLLOW_S:.0f} s"
            )
        time.sleep(0.02)


def _has_followed(gateway_url: str, size: int) -> bool:
    with closing(HTTPConnection(urlsplit(gateway_url).netloc, timeout=5)) as connection:
        try:
            connection.request("GET", "/readyz")
            told = json.load(connection.getresponse())
        except (OSError, HTTPException) as error:
            raise Unreachable(f"no answer from the gateway at {gateway_url}: {error}") from error
    return bool(told["ready"] and told["size"] >= size)


def start(  # noqa: PLR0913 - whose processes, where, and what they serve
    processes: Processes,
    folder: Path,
    cast: Cast,
    ports: Ports,
    plans: Collection[Path] = (),
    upstreams: Mapping[str, str] = UPSTREAMS,
) -> Site:
    """Start the processes on their state in `folder`, and wait until each serves.

    For the releases of `plans`, the gateway accepts only signed grants and plans. Without plans it believes
    the log. The upstream `demo` listens on the port of `ports`, another one where the system chooses.

    Raises: Unreachable: one ended, or took too long.
    """
    for word in dict.fromkeys(upstreams.values()):
        port = ports.upstream if word == upstreams["demo"] else 0
        processes.start(word, "demo", word, "--port", f"{port}")
    processes.start(
        "control", "serve", "--state", f"{folder / 'control'}", "--trust", f"{cast.trust_file}",
        "--origin", ORIGIN, "--port", f"{ports.control}", "--feed-port", f"{ports.feed}",
        "--clock-is-right",  # a person may come back to it after days, on a machine that nothing synchronizes
        env={"SLUICEGATE_GATEWAYS": f"api=http://127.0.0.1:{ports.gateway}" if ports.gateway else ""},
    )  # fmt: skip
    control = processes.ready("control")
    served = {word: processes.ready(word)["url"] for word in set(upstreams.values())}
    named = [
        option for name, word in upstreams.items() for option in ("--upstream", f"{name}={served[word]}")
    ]
    processes.start(
        "gateway", "gateway", "--state", f"{folder / 'gateway'}", "--control", control["url"],
        "--feed", control["feed"],
        "--log-key", control["vkey"], "--token-file", f"{_token_file(folder, 'gateway-1')}",
        *named, "--port", f"{ports.gateway}",
        *(["--trust", f"{cast.entrust_gateway(control['vkey'], plans)}"] if plans else []),
    )  # fmt: skip
    gateway = processes.ready("gateway")
    return Site(folder, control["url"], gateway["url"], served[upstreams["demo"]], control["vkey"])


def start_desk(processes: Processes, site: Site, agency: str, port: int) -> str:
    """Start an agency's desk, which follows the control plane, in a folder of its own, and wait until it
    serves; return a link that signs a reviewer in once.

    The reviewer is not named as the owner of the agency's key file, so that both can have a key.

    Raises: InvalidInput: its state. Unreachable: it ended, or took too long.
    """
    folder = site.folder / f"desk-{agency}"
    desk.follow(folder, site.control_url, agency, site.token(agency), site.vkey, DEVELOPER)
    processes.start("desk", "desk", "--desk", f"{folder}", "--port", f"{port}")
    return desk.let_in(folder, REVIEWER, processes.ready("desk")["pages"])


def _reason(error: OSError) -> str:
    return os.strerror(error.errno).lower() if error.errno is not None else str(error)


def _token_file(folder: Path, principal: str) -> Path:
    path = folder / "control" / "tokens" / f"{principal}.token"
    if not path.is_file():
        raise InvalidInput(
            f"the token file {path} is missing",
            code="state_damaged",
            remedy=f"put it back, or delete {folder} to begin again",
        )
    return path
