"""Envoy, nginx and HAProxy in front of a server, set up as docs/how-to/run-behind-a-proxy.md says.

Each marks what it passes on with an id that it has drawn, in `x-mark`, and writes a line for each request
that it knows of: the id, and the server's address or how long it took to connect. `-` or `-1`: it passed
nothing on.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import eventually

MARK = b"x-mark"


@dataclass(frozen=True)
class Proxy:
    """A proxy that runs."""

    port: int
    log: Path

    def passed_on(self) -> list[str]:
        """The marks of the requests that it passed on, so far."""
        lines = [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return [mark for mark, server in lines if server not in ("-", "-1")]


def program(name: str) -> str | None:
    """The path of a program, in this environment or on this machine; None: it is not installed."""
    beside = shutil.which(name, path=str(Path(sys.executable).parent))
    return beside or shutil.which(name) or shutil.which(name, path="/usr/sbin")


@contextmanager
def running(name: str, folder: Path, server_port: int) -> Iterator[Proxy]:
    """Run a proxy in front of a server of this machine. Requires: `program(name)` is not None."""
    found, port, log = program(name), _free_port(), folder / "access.log"
    assert found is not None
    options = CONFIGURED[name](folder, port, server_port, log)
    with (folder / "said").open("wb") as said, log.open("ab") as lines:
        child = subprocess.Popen([found, *options], stdout=lines, stderr=said)
    try:
        assert eventually(lambda: child.poll() is not None or _listens(port))
        assert child.poll() is None, (folder / "said").read_text()
        yield Proxy(port, log)
    finally:
        child.kill()
        child.wait()


def _nginx(folder: Path, port: int, server_port: int, log: Path) -> list[str]:
    temporary = "\n".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/errors;\n"
        "events { worker_connections 256; }\n"
        f"http {{ {temporary}\n"
        f"log_format marks '$request_id $upstream_addr'; access_log {log} marks;\n"
        f"upstream gate {{ server 127.0.0.1:{server_port}; keepalive 64; }}\n"
        f"server {{ listen 127.0.0.1:{port}; client_max_body_size 32m; location / {{\n"
        "proxy_pass http://gate; proxy_http_version 1.1; proxy_set_header Connection '';\n"
        "proxy_set_header Host $host; proxy_set_header X-Mark $request_id;\n"
        "proxy_buffering off; proxy_request_buffering off; proxy_next_upstream off;\n"
        "} } }\n"
    )
    return ["-c", str(config), "-p", str(folder)]


def _envoy(folder: Path, port: int, server_port: int, log: Path) -> list[str]:
    mark = {
        "header": {"key": "x-mark", "value": "%STREAM_ID%"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    route = {
        "match": {"prefix": "/"},
        "route": {"cluster": "gate", "timeout": "0s"},
        "request_headers_to_add": [mark],
    }
    lines = {"text_format_source": {"inline_string": "%STREAM_ID% %UPSTREAM_HOST%\n"}}
    manager = {
        "@type": f"{_V3}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gate",
        "codec_type": "HTTP1",
        "access_log": [
            {
                "name": "envoy.access_loggers.file",
                "typed_config": {
                    "@type": f"{_V3}.access_loggers.file.v3.FileAccessLog",
                    "path": str(log),
                    "log_format": lines,
                },
            }
        ],
        "route_config": {"virtual_hosts": [{"name": "gate", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_V3}.filters.http.router.v3.Router"},
            }
        ],
    }
    listener = {
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "envoy.http", "typed_config": manager}]}],
    }
    cluster = {
        "name": "gate",
        "type": "STATIC",
        "load_assignment": {
            "cluster_name": "gate",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(server_port)}}]}],
        },
    }
    config = folder / "envoy.json"
    config.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}}))
    flushed = ("--file-flush-interval-msec", "20")
    return ["-c", str(config), "--concurrency", "1", "--use-dynamic-base-id", "-l", "error", *flushed]


def _haproxy(folder: Path, port: int, server_port: int, _: Path) -> list[str]:
    """Its lines go to its standard output."""
    config = folder / "haproxy.cfg"
    config.write_text(
        "global\n maxconn 256\n log stdout format raw local0 info\n"
        "defaults\n mode http\n log global\n retries 0\n option http-no-delay\n"
        " timeout connect 5s\n timeout client 620s\n timeout server 620s\n"
        " timeout http-request 30s\n timeout http-keep-alive 30s\n"
        f"frontend customers\n bind 127.0.0.1:{port}\n default_backend gate\n"
        " unique-id-format %[uuid]\n http-request set-header X-Mark %[unique-id]\n"
        ' log-format "%ID %Tc"\n'
        f"backend gate\n server gate 127.0.0.1:{server_port}\n"
    )
    return ["-db", "-f", str(config)]


CONFIGURED: dict[str, Callable[[Path, int, int, Path], list[str]]] = {
    "envoy": _envoy,
    "haproxy": _haproxy,
    "nginx": _nginx,
}
_V3 = "type.googleapis.com/envoy.extensions"


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
