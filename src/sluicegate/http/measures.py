"""What each process counts, in the Prometheus text format: what all have, and the requests of a server.

Rules:
- No label names a caller. The values of each label are a list that the code has.
- Anyone who reaches the port can read the metrics.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import ClientDisconnect

from sluicegate import __version__, errors, journal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""What the times of requests are sorted by: the upper ends, in seconds."""
DONE, REFUSED, GONE, FAILED = "done", "refused", "gone", "failed"
RESULTS: dict[type[Exception], str] = {
    errors.Unauthorized: "unauthorized",
    errors.Overloaded: "busy",
    errors.StoreUnavailable: "unavailable",
    errors.InvalidInput: "invalid",
    errors.VerificationFailed: REFUSED,
    errors.CommandRefused: REFUSED,
    ClientDisconnect: GONE,
}
"""How a request ends that raises; all else has failed."""


def registry(process: str) -> CollectorRegistry:
    """A registry with what every process has: its version, its own use of the machine, events of security."""
    made = CollectorRegistry()
    ProcessCollector(registry=made)
    built = Gauge("sluicegate_build", "1, by version and process", ["version", "process"], registry=made)
    built.labels(__version__, process).set(1)
    made.register(_SecurityEvents())
    return made


def result_of(error: BaseException) -> str:
    """How a request ended that raised this."""
    return next((result for kind, result in RESULTS.items() if isinstance(error, kind)), FAILED)


@dataclass(slots=True)
class Measured:
    """One request while it is answered; `result` is how it ends."""

    result: str = DONE


class Requests:
    """The requests of a server, by the act that they ask for."""

    def __init__(self, within: CollectorRegistry) -> None:
        self._ended = Counter(
            "sluicegate_api_requests", "Requests by act and result", ["act", "result"], registry=within
        )
        self._seconds = Histogram(
            "sluicegate_api_seconds",
            "From the head of a request to its answer, by act",
            ["act"],
            buckets=BUCKETS_S,
            registry=within,
        )

    @contextmanager
    def one(self, act: str) -> Iterator[Measured]:
        """Measure a request meanwhile, however it ends."""
        measured, began_s = Measured(), monotonic()
        try:
            yield measured
        except BaseException as error:
            measured.result = result_of(error)
            raise
        finally:
            self._ended.labels(act, measured.result).inc()
            self._seconds.labels(act).observe(monotonic() - began_s)


class _SecurityEvents(Collector):
    def collect(self) -> Iterator[CounterMetricFamily]:
        """Those of this process so far, by name."""
        family = CounterMetricFamily("sluicegate_security_events", "Events of security", labels=["event"])
        for event, count in journal.counted().items():
            family.add_metric([event], count)
        yield family


def text(of: CollectorRegistry) -> bytes:
    """All that a registry has, as `CONTENT_TYPE`."""
    return generate_latest(of)
