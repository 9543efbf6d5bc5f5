"""The process that sends a gateway's spans to a collector. It needs the extra `otel`.

What comes in on standard input are lines of `spans.written`. How many it has taken and lost it tells by two
numbers in shared memory: neither the gateway nor this process ever waits for the other to read them.

Where the collector is, and how it is spoken to (headers, authorities, time limit), OpenTelemetry's own
variables say. A batch that is not taken in time is lost.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from sluicegate.gate import spans
from sluicegate.gate.span_log import COUNTS, SERVICE
from sluicegate.processes import die_with

BATCH_BYTES = 128 * 1024
"""How much is read at once: the lines of some hundred requests."""
NICE = 5
"""How much less it matters than what answers."""
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Sender:
    """Sends the spans of lines with `exporter`, and counts them in the file `counts`.

    `resource` and `server` are the attributes of the gateway; what OpenTelemetry's variables say of it wins.
    """

    def __init__(
        self, exporter: SpanExporter, counts: int, resource: dict[str, Any], server: dict[str, Any]
    ) -> None:
        self._exporter = exporter
        self._counts = counts
        self._resource = Resource.create(resource).merge(OTELResourceDetector().detect())
        self._server = server
        self._scope = InstrumentationScope(SERVICE, resource["service.version"])
        self._taken = self._lost = 0

    def send(self, lines: list[bytes]) -> bool:
        """Send the spans of some lines; count them. Returns: whether they arrived."""
        result = self._exporter.export([self._span(spans.read(line)) for line in lines])
        arrived = result is SpanExportResult.SUCCESS
        self._taken += len(lines)
        self._lost += len(lines) * (not arrived)
        os.pwrite(self._counts, COUNTS.pack(self._taken, self._lost), 0)
        return arrived

    def _span(self, span: spans.RequestSpan) -> ReadableSpan:
        parent = span.parent
        return ReadableSpan(
            span.name,
            context=SpanContext(span.trace, span.id, is_remote=False, trace_flags=_SAMPLED),
            parent=None if parent is None else SpanContext(parent.trace, parent.span, is_remote=True),
            resource=self._resource,
            attributes={**span.attributes, **self._server},
            kind=SpanKind.SERVER,
            status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
            start_time=span.began_ns,
            end_time=span.ended_ns,
            instrumentation_scope=self._scope,
        )


class _Once(logging.Filter):
    """Lets what one place in the code says through once, until spans arrive: a collector may be away for
    hours, and each batch that fails says more than one thing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: set[tuple[str, int]] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it was not said."""
        place = record.pathname, record.lineno
        is_new = place not in self._said
        self._said.add(place)
        return is_new

    def forget(self) -> None:
        """Let all of it be said again."""
        self._said.clear()


def batches(descriptor: int) -> Iterator[list[bytes]]:
    """What comes in, in whole lines, until the other end is closed."""
    rest = b""
    while data := os.read(descriptor, BATCH_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        if lines:
            yield lines


def main() -> None:
    """Send until standard input ends. The arguments: a file of counts, the gateway's process, attributes."""
    counts, parent, about = sys.argv[1:]
    die_with(int(parent))
    for each in (signal.SIGINT, signal.SIGTERM):  # they are for the gateway, which still has lines
        signal.signal(each, signal.SIG_IGN)
    os.nice(NICE)
    once, said = _Once(), logging.StreamHandler()
    said.addFilter(once)
    logging.basicConfig(format="spans: %(message)s", handlers=[said])
    sender = Sender(OTLPSpanExporter(), int(counts), *json.loads(about))
    for lines in batches(sys.stdin.fileno()):
        if sender.send(lines):
            once.forget()


if __name__ == "__main__":
    main()
