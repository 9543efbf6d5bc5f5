"""A gateway's metrics, in the Prometheus text format.

Rules:
- No label names a customer. A label names a model only if it is announced: anyone who reaches the port can
  read the metrics, and other models exist only for those who were admitted to them.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from sluicegate.core.access.vouch import VouchedTable
from sluicegate.gate.effective import OTHER_MODEL
from sluicegate.gate.engine import Engine
from sluicegate.gate.exchange import Exchange
from sluicegate.gate.intake import Intake
from sluicegate.gate.lines import LineWriter
from sluicegate.gate.trace import OTHER, Trace
from sluicegate.http import measures
from sluicegate_record.terms.effective import DIFFERENCES

CONTENT_TYPE = measures.CONTENT_TYPE.encode()
BUCKETS_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""What times are sorted by: the upper ends, in seconds."""
_LINES_DROPPED = "Lines of the request log that were dropped: it could not be written, or not fast enough"
_SPANS_DROPPED = "Spans that were lost: the collector did not take them, or not fast enough"
_BOOK_DROPPED = "Requests that the request book lacks: it could not be written, or not fast enough"
_UPPER_ENDS = (*map(floatToGoString, BUCKETS_S), "+Inf")


class Metrics:
    """The metrics of one gateway, in a separate registry."""

    def __init__(
        self,
        engine: Engine,
        intake: Intake,
        log: LineWriter | None = None,
        spans: LineWriter | None = None,
        book: LineWriter | None = None,
    ) -> None:
        self._offers = engine.table.offers
        self._registry = measures.registry("gateway")
        self._requests = _Outcomes(self._registry)
        self._duration = _Times("request", "From the head of a request to its end", self._registry)
        self._first = _Times("first_chunk", "From the head of a request to its first chunk", self._registry)
        if log is not None:
            self._registry.register(_Dropped("request_log", _LINES_DROPPED, log))
        if spans is not None:
            self._registry.register(_Dropped("spans", _SPANS_DROPPED, spans))
        if book is not None:
            self._registry.register(_Dropped("request_book", _BOOK_DROPPED, book))
        self._cut = Counter(
            "sluicegate_cut", "Requests cut in flight, by reason", ["reason"], registry=self._registry
        )
        self._fallbacks = Counter(
            "sluicegate_fallbacks",
            "Requests that only a directive refused, answered by the fallback",
            registry=self._registry,
        )
        self._differed = Counter(
            "sluicegate_effective_access",
            "Answers that say that something else ran than was asked for or granted, by kind",
            ["kind"],
            registry=self._registry,
        )
        for kind in (*DIFFERENCES, OTHER_MODEL):
            self._differed.labels(kind)
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
            "feed_lag_seconds", "How long ago the newest lease was asked for: how old its news may be"
        ).set_function(lambda: engine.news_age_ms() / 1000)
        self._gauge(
            "clock_offset_seconds", "How far the control plane's clock is ahead of this machine's"
        ).set_function(lambda: math.nan if engine.clock_offset_ms is None else engine.clock_offset_ms / 1000)
        if isinstance(engine.table, VouchedTable):
            self._registry.register(_Findings(engine.table))

    def ended(self, exchange: Exchange) -> None:
        """Count a request that is over."""
        self._requests.count(exchange.outcome)

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

    def differed(self, kind: str) -> None:
        """Count an answer that says that something else ran than was asked for or granted."""
        self._differed.labels(kind).inc()

    def fell_back(self) -> None:
        """Count a request that a fallback answers."""
        self._fallbacks.inc()

    def text(self) -> bytes:
        """All of them, as `CONTENT_TYPE`."""
        return measures.text(self._registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"sluicegate_{name}", text, registry=self._registry)


class _Outcomes(Collector):
    """How many requests had which outcome. Plain numbers: each request counts here."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counts: dict[str, int] = {}
        registry.register(self)

    def count(self, outcome: str) -> None:
        """Count one request."""
        self._counts[outcome] = self._counts.get(outcome, 0) + 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counts so far."""
        family = CounterMetricFamily(
            "sluicegate_requests",
            "Requests by outcome: answered, listed, client_gone, a refusal's reason, or a fault",
            labels=["outcome"],
        )
        for outcome, count in self._counts.items():
            family.add_metric([outcome], count)
        yield family


class _Times(Collector):
    """How many requests took how long, by model and outcome."""

    def __init__(self, what: str, text: str, registry: CollectorRegistry) -> None:
        self._name, self._text = f"sluicegate_{what}_seconds", text
        self._counts: dict[tuple[str, str], list[int]] = {}
        """How many ended in each bucket, and above the last one."""
        self._sums_s: dict[tuple[str, str], float] = {}
        registry.register(self)

    def observe(self, key: tuple[str, str], seconds: float) -> None:
        """Count one request of a model and an outcome."""
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0] * len(_UPPER_ENDS)
            self._sums_s[key] = 0.0
        counts[bisect_left(BUCKETS_S, seconds)] += 1
        self._sums_s[key] += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The counts so far, each with those of the smaller buckets."""
        family = HistogramMetricFamily(self._name, self._text, labels=["model", "outcome"])
        for key, counts in self._counts.items():
            family.add_metric(key, list(zip(_UPPER_ENDS, accumulate(counts), strict=True)), self._sums_s[key])
        yield family


class _Dropped(Collector):
    """Lines that did not arrive where they go."""

    def __init__(self, what: str, text: str, lines: LineWriter) -> None:
        self._name, self._text, self._lines = f"sluicegate_{what}_dropped", text, lines

    def collect(self) -> Iterator[CounterMetricFamily]:
        """How many so far."""
        yield CounterMetricFamily(self._name, self._text, value=self._lines.dropped)


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
