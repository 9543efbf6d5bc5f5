"""A gateway's metrics, in the Prometheus text format. No label names a customer or a model."""

from __future__ import annotations

import math
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from sluicegate.core.access.vouch import VouchedTable
from sluicegate.gate.engine import Engine
from sluicegate.gate.intake import Intake

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one gateway, in a separate registry."""

    def __init__(self, engine: Engine, intake: Intake) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "sluicegate_requests",
            "Requests by outcome: answered, listed, client_gone, a refusal's reason, or a fault",
            ["outcome"],
            registry=self._registry,
        )
        self._outcomes: dict[str, Counter] = {}
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

    def ended(self, outcome: str) -> None:
        """Count a request that is over."""
        counter = self._outcomes.get(outcome)
        if counter is None:
            counter = self._outcomes[outcome] = self._requests.labels(outcome)
        counter.inc()

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
