"""Where spans go: to a process that sends them to a collector.

Rules:
- A request leaves its line here, as in the request log, and waits for nothing. The line becomes a span in the
  other process: making and sending one takes longer than some requests do, and would hold the event loop.
- What cannot be sent is lost, and counted.
- The other process gets no key and no secret of the gateway: of its environment only what `PASSED` names.
- It ends with the gateway. If it ends before, it is started again after a pause.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import struct
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from mmap import mmap
from time import monotonic

from sluicegate import __version__
from sluicegate.gate.lines import END_S, LineWriter
from sluicegate.settings import GatewaySettings

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""The variables that say where the collector is. Source: OpenTelemetry, SDK environment variables."""
DISABLED = "OTEL_SDK_DISABLED"
PASSED = ("LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
"""The variables that the other process gets, beside those that begin with `OTEL_` and those of proxies."""
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
PAUSE_S = 10.0
"""How long after its start the other process is started again."""
COUNTS = struct.Struct(">QQ")
"""What the other process tells: how many spans it has taken, and how many of them were lost."""

SERVICE = "sluicegate"
_PROGRAM = "sluicegate.gate.span_sender"
_SDK = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_log = logging.getLogger(__name__)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the process that sends spans; empty: there is no such process.

    There is one if a variable says where the collector is, unless OpenTelemetry is disabled or not installed.
    If it is not installed, the log has a warning.
    """
    if not any(map(given.get, ENDPOINTS)) or given.get(DISABLED, "").lower() == "true":
        return {}
    if not is_installed():
        _log.warning("no spans are sent: OpenTelemetry is not installed; 'pip install sluicegate[otel]'")
        return {}
    return {name: value for name, value in given.items() if _passes(name)}


def _passes(name: str) -> bool:
    return name.startswith("OTEL_") or name in PASSED or name.lower() in PROXIES


def is_installed() -> bool:
    """Whether what sends spans is installed."""
    try:
        return importlib.util.find_spec(_SDK) is not None
    except ModuleNotFoundError:
        return False


class SpanLog(LineWriter):
    """Takes what `spans.written` gave. Requires: `settings.spans` is not empty."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._senders = _Senders(settings)
        super().__init__(self._senders, "spans")

    async def close(self) -> None:
        """Have sent what waits, unless that takes too long; then it is lost."""
        await super().close()
        self._senders.end()


class _Senders:
    """The process that sends, and those after it. One thread writes to them."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._sender = _Sender(settings, 0)
        self._again_s = monotonic() + PAUSE_S

    @property
    def dropped(self) -> int:
        """How many spans were lost so far."""
        return self._sender.lost

    def write(self, lines: list[bytes]) -> None:
        """Give the process its lines; wait until it takes them."""
        if self._sender.is_over and monotonic() >= self._again_s:
            self._sender.close()
            self._sender = _Sender(self._settings, self._sender.lost)
            self._again_s = monotonic() + PAUSE_S
        self._sender.put(lines)

    def close(self) -> None:
        """No more lines come: the process sends what it has, and ends."""
        self._sender.close()

    def end(self) -> None:
        """End the process, whatever it does."""
        self._sender.end()


class _Sender:
    """A process that sends; `lost_before` is how many spans those before it have lost."""

    def __init__(self, settings: GatewaySettings, lost_before: int) -> None:
        self._lost_before = lost_before
        self._given = 0
        counts = os.memfd_create("spans")
        try:
            os.ftruncate(counts, COUNTS.size)
            self._counts = mmap(counts, COUNTS.size)
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", _PROGRAM, f"{counts}", f"{os.getpid()}", _about(settings)],
                env={
                    **settings.spans,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                    "PYTHONSAFEPATH": "1",
                },
                pass_fds=[counts],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                bufsize=0,
            )
        finally:
            os.close(counts)

    @property
    def is_over(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    @property
    def lost(self) -> int:
        """How many spans were lost: by this process, by those before it, and since it has ended."""
        over = self.is_over
        taken, lost = map(int, COUNTS.unpack(self._counts[:]))
        return self._lost_before + lost + (self._given - taken if over else 0)

    def put(self, lines: list[bytes]) -> None:
        """Give it lines. What it does not take, because it has ended, is lost."""
        assert self._process.stdin is not None
        self._given += len(lines)
        data = memoryview(b"".join(lines))
        with suppress(BrokenPipeError):
            while data:
                data = data[self._process.stdin.write(data) :]

    def close(self) -> None:
        """Let it send what it has, and end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)

    def end(self) -> None:
        """End it now."""
        self._process.kill()
        self._process.wait()


def _about(settings: GatewaySettings) -> str:
    """What all spans of a gateway say of it: the attributes of its resource, and where it listens."""
    resource = {
        "service.name": SERVICE,
        "service.version": __version__,
        "service.instance.id": settings.name,
        "sluicegate.surface": settings.surface,
    }
    server = {"server.address": settings.host, "server.port": settings.port}
    return json.dumps([resource, server])
