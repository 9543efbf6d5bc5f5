"""A gateway's metrics, in the Prometheus text format.

Rules:
- No label names a customer. A label names a model only if it is announced: anyone who reaches the port can
  read the metrics, and other models exist only for those who were admitted to them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from sluicegate.core.access.vouch import VouchedTable
from sluicegate.gate.engine import Engine
from sluicegate.gate.exchange import Exchange
from sluicegate.gate.intake import Intake
from sluicegate.gate.request_log import RequestLog
from sluicegate.gate.trace import OTHER, Trace

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""What times are sorted by: the upper ends, in seconds."""


class Metrics:
    """The metrics of one gateway, in a separate registry."""

    def __init__(self, engine: Engine, intake: Intake, log: RequestLog | None = None) -> None:
        self._offers = engine.table.offers
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "sluicegate_requests",
            "Requests by outcome: answered, listed, client_gone, a refusal's reason, or a fault",
            ["outcome"],
            registry=self._registry,
        )
        self._outcomes: dict[str, Counter] = {}
        self._duration = _Times("request", "From the head of a request to its end", self._registry)
        self._first = _Times("first_chunk", "From the head of a request to its first chunk", self._registry)
        if log is not None:
            self._registry.register(_Dropped(log))
        self._cut = Counter(
            "sluicegate_cut", "Requests cut in flight, by reason", ["reason"], registry=self._registry
        )
        self._fallbacks = Counter(
            "sluicegate_fallbacks",
            "Requests that only a directive refused, answered by the fallback",
            registry=self._registry,
        )
        self._gauge("in_flight", "Admitted requests not yet over").set_function(lambda: len(engine.flights))
        self._gauge("unfinished_bytes", "What bodies hold that are not complete").set_function(
            lambda: intake.unfinished_bytes
        )
        self._gauge("table_size", "Ledger entries folded into the table").set_function(
            lambda: engine.table.size
        )
        self._gauge("lease_seconds", "How long the lease still lives").set_function(
            lambda: engine.lease_left_ms() / 1000
        )
        self._gauge(
            "clock_offset_seconds", "How far the control plane's clock is ahead of this machine's"
        ).set_function(lambda: math.nan if engine.clock_offset_ms is None else engine.clock_offset_ms / 1000)
        if isinstance(engine.table, VouchedTable):
            self._registry.register(_Findings(engine.table))

    def ended(self, exchange: Exchange) -> None:
        """Count a request that is over."""
        outcome = exchange.outcome
        counter = self._outcomes.get(outcome)
        if counter is None:
            counter = self._outcomes[outcome] = self._requests.labels(outcome)
        counter.inc()

    def took(self, trace: Trace, outcome: str, ended_s: float) -> None:
        """Count how long a request has taken that is over."""
        offer = self._offers.get(trace.model)
        key = trace.model if offer is not None and offer.announced else OTHER, outcome
        self._duration.observe(key, ended_s - trace.began_s)
        if trace.first_s and trace.upstream_status:
            self._first.observe(key, trace.first_s - trace.began_s)

    def cut(self, reason: str) -> None:
        """Count a request that was cut in flight."""
        self._cut.labels(reason).inc()

    def fell_back(self) -> None:
        """Count a request that a fallback answers."""
        self._fallbacks.inc()

    def text(self) -> bytes:
        """All of them, as `CONTENT_TYPE`."""
        return generate_latest(self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"sluicegate_{name}", text, registry=self._registry)


class _Times:
    """How many requests took how long, by model and outcome."""

    def __init__(self, what: str, text: str, registry: CollectorRegistry) -> None:
        self._all = Histogram(
            f"sluicegate_{what}_seconds", text, ["model", "outcome"], registry=registry, buckets=BUCKETS_S
        )
        self._one: dict[tuple[str, str], Histogram] = {}

    def observe(self, key: tuple[str, str], seconds: float) -> None:
        """Count one request of a model and an outcome."""
        histogram = self._one.get(key)
        if histogram is None:
            histogram = self._one[key] = self._all.labels(*key)
        histogram.observe(seconds)


class _Dropped(Collector):
    """Lines of the request log that were not written."""

    def __init__(self, log: RequestLog) -> None:
        self._log = log

    def collect(self) -> Iterator[CounterMetricFamily]:
        """How many so far."""
        text = "Lines of the request log that were dropped: it could not be written, or not fast enough"
        yield CounterMetricFamily("sluicegate_request_log_dropped", text, value=self._log.dropped)


class _Findings(Collector):
    """Entries that widen in the log, but without signatures that this gateway can check."""

    def __init__(self, table: VouchedTable) -> None:
        self._table = table

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The findings so far, by the type of their entries."""
        family = CounterMetricFamily(
            "sluicegate_unvouched", "Entries that widen and are not vouched for", labels=["type"]
        )
        for type_, count in sorted(self._table.findings.items()):
            family.add_metric([type_], count)
        yield family
