"""Other proxies in front of the same model servers, as peers: they pass everything on and decide nothing.

Each has one thread that works. What is not installed is not measured: nginx comes from Debian, the others
from wheels. `vllm-router` and `smg` are for models: they read each body. What they have of keys, tenants and
policies is off here.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

START_S = 20.0
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin"])
"""Where the programs of peers are looked for: those of this environment first."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that runs: its URL for each model server, and the process that serves it there."""

    urls: Mapping[str, str]
    pids: Mapping[str, int]


@contextmanager
def envoy(folder: Path, upstreams: Mapping[str, str]) -> Iterator[Proxy | None]:
    """Envoy, with one listener for each model server."""
    ports = {name: free_port() for name in upstreams}
    listeners = [_listener(name, port) for name, port in ports.items()]
    clusters = [_cluster(name, url) for name, url in upstreams.items()]
    config = folder / "envoy.json"
    config.write_text(json.dumps({"static_resources": {"listeners": listeners, "clusters": clusters}}))
    options = ("-c", f"{config}", "--concurrency", "1", "--use-dynamic-base-id", "-l", "error")
    with _running("envoy", options, ports) as made:
        yield made


@contextmanager
def nginx(folder: Path, upstreams: Mapping[str, str]) -> Iterator[Proxy | None]:
    """Nginx, with one server for each model server, and without buffers."""
    ports = {name: free_port() for name in upstreams}
    servers = "\n".join(_server(name, ports[name], url) for name, url in upstreams.items())
    config = folder / "nginx.conf"
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in _TEMPORARY)
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;\n"
        f"events {{ worker_connections 4096; }}\n"
        f"http {{ access_log off; {temporary}\n{servers} }}\n"
    )
    with _running("nginx", ("-c", f"{config}", "-p", f"{folder}"), ports) as made:
        yield made


@contextmanager
def vllm_router(_: Path, upstreams: Mapping[str, str]) -> Iterator[Proxy | None]:
    """The router of vLLM, a process for each model server."""
    with _routers("vllm-router", upstreams, "--health-check-endpoint", "/healthz") as made:
        yield made


@contextmanager
def smg(_: Path, upstreams: Mapping[str, str]) -> Iterator[Proxy | None]:
    """SMG, a process for each model server."""
    alone = ("--disable-health-check", "--disable-load-monitoring", "--disable-tokenizer-autoload")
    with _routers("smg", upstreams, *alone, "--backend", "openai", command=("launch",)) as made:
        yield made


@contextmanager
def _routers(
    name: str, upstreams: Mapping[str, str], *more: str, command: tuple[str, ...] = ()
) -> Iterator[Proxy | None]:
    """A router for each model server: both programs have one form of options."""
    with ExitStack() as stack:
        made: list[Proxy] = []
        for model, url in upstreams.items():
            port = free_port()
            options = (*command, *_router(port, url), *more)
            running = stack.enter_context(_running(name, options, {model: port}))
            if running is None:
                yield None
                return
            made.append(running)
        urls = {model: url for each in made for model, url in each.urls.items()}
        yield Proxy(urls, {model: pid for each in made for model, pid in each.pids.items()})


def _router(port: int, url: str) -> tuple[str, ...]:
    listening = ("--host", "127.0.0.1", "--port", f"{port}", "--prometheus-port", f"{free_port()}")
    plain = ("--policy", "round_robin", "--disable-retries", "--disable-circuit-breaker")
    return (*listening, "--worker-urls", url, *plain, "--log-level", "error")


PEERS = {"envoy": envoy, "nginx": nginx, "vllm-router": vllm_router, "smg": smg}
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def pin(pid: int, core: int) -> None:
    """Let all threads of a process run on one core."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def free_port() -> int:
    """A port of 127.0.0.1 that no one listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def _running(name: str, options: tuple[str, ...], ports: Mapping[str, int]) -> Iterator[Proxy | None]:
    """Run a program until it listens; None if it is not installed."""
    program = shutil.which(name, path=PATH)
    if program is None:
        yield None
        return
    one = {**os.environ, "TOKIO_WORKER_THREADS": "1"}
    child = subprocess.Popen([program, *options], env=one, stdout=subprocess.DEVNULL)
    try:
        for port in ports.values():
            _await_listening(child, port)
        urls = {model: f"http://127.0.0.1:{port}" for model, port in ports.items()}
        yield Proxy(urls, dict.fromkeys(ports, child.pid))
    finally:
        child.kill()
        child.wait()


def _await_listening(child: subprocess.Popen[bytes], port: int) -> None:
    ends_s = time.monotonic() + START_S
    while time.monotonic() < ends_s and child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"{child.args!r} does not listen on {port}")


def _listener(name: str, port: int) -> dict[str, Any]:
    manager = {
        "@type": f"{_V3}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "codec_type": "HTTP1",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": name,
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": name, "timeout": "0s"}}],
                }
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{_V3}.filters.http.router.v3.Router"},
            }
        ],
    }
    chain = {"filters": [{"name": "envoy.http", "typed_config": manager}]}
    return {"name": name, "address": _address("127.0.0.1", port), "filter_chains": [chain]}


def _cluster(name: str, url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    endpoint = {"endpoint": {"address": _address(parts.hostname or "", parts.port or 80)}}
    limits = {"max_connections": 16_384, "max_pending_requests": 16_384, "max_requests": 16_384}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


_V3 = "type.googleapis.com/envoy.extensions"


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def _server(name: str, port: int, url: str) -> str:
    return (
        f"upstream {name} {{ server {urlsplit(url).netloc}; keepalive 512; }}\n"
        f"server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://{name};\n"
        f"proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffering off; }} }}"
    )
