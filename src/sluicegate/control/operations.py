"""Routes for those who run a control plane: whether it lives, whether it is ready, what it counts.

Rules:
- They answer also while strangers have all their requests in flight. So an answer is made at most once a
  second, for all who ask.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import get_args

from prometheus_client import CollectorRegistry, Gauge
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sluicegate.control.plane import ControlPlane
from sluicegate.core.lifecycle import observations
from sluicegate.http import measures
from sluicegate.http.public import Recent
from sluicegate.http.threads import urgently
from sluicegate.service.ledger import Ledger
from sluicegate_record.entities.observation import Verdict

AGE_MS = 1_000


def routes(plane: ControlPlane, registry: CollectorRegistry) -> list[Route]:
    """The routes of operations; `registry` gets what a control plane says of itself, too."""
    ledger = plane.services.ledger
    _gauges(plane, registry)
    readiness = Recent(partial(urgently, ledger.store.log.size), AGE_MS)
    counts = Recent(partial(urgently, measures.text, registry), AGE_MS)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        await readiness()
        return PlainTextResponse("ready\n")

    async def metrics(_: Request) -> Response:
        return Response(await counts(), media_type=measures.CONTENT_TYPE)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def _gauges(plane: ControlPlane, registry: CollectorRegistry) -> None:
    ledger, fleet = plane.services.ledger, plane.services.fleet
    size = Gauge("sluicegate_log_size", "entries in the log", registry=registry)
    size.set_function(ledger.size)
    gateways = Gauge("sluicegate_gateways", "gateways that may hold a lease", registry=registry)
    gateways.set_function(lambda: len(fleet.gateways()))
    drifted = Gauge("sluicegate_drifted", "gateways with another log or fold than ours", registry=registry)
    drifted.set_function(fleet.drifted)
    room = ledger.room
    free = Gauge("sluicegate_disk_free_bytes", "free bytes of the ledger's disk", registry=registry)
    free.set_function(room.free_bytes)
    short = Gauge("sluicegate_disk_short", "1 if only what narrows is accepted", registry=registry)
    short.set_function(room.look)
    doubted = Gauge("sluicegate_clock_in_doubt", "1 while the clock is in doubt", registry=registry)
    doubted.set_function(lambda: ledger.doubt.doubted_ms() is not None)
    due = Gauge("sluicegate_due_lag_seconds", "how long the oldest thing due has waited", registry=registry)
    due.set_function(lambda: ledger.due_lag_ms() / 1_000)
    spreading = Gauge(
        "sluicegate_in_force_lag_seconds",
        "how long the oldest directive that is not in force everywhere has waited for gateways",
        registry=registry,
    )
    spreading.set_function(lambda: fleet.lag_ms() / 1_000)
    behind = Gauge(
        "sluicegate_gateways_behind_entries",
        "how many entries the gateway lacks that is furthest behind, of those that may hold a lease",
        registry=registry,
    )
    behind.set_function(fleet.behind)
    aside = Gauge("sluicegate_set_aside", "things that were due, and failed", registry=registry)
    aside.set_function(lambda: ledger.set_aside() + len(fleet.unnoted))
    failing = Gauge("sluicegate_failing", "1 of a chore whose last try failed", ["chore"], registry=registry)
    for name in plane.chores.chores:
        failing.labels(name).set_function(partial(lambda name: name in plane.chores.failing, name))
    observed = Gauge(
        "sluicegate_observations",
        "probes that are watched now, by what they show",
        ["shows"],
        registry=registry,
    )
    for verdict in get_args(Verdict):
        observed.labels(verdict).set_function(partial(lambda verdict: _verdicts(ledger)[verdict], verdict))
    newest = Gauge(
        "sluicegate_observed_timestamp_seconds", "when an observation was last entered", registry=registry
    )
    newest.set_function(lambda: _observed_s(ledger))
    letters = Gauge("sluicegate_letters", "letters in the outbox", ["state"], registry=registry)
    for state in ("waiting", "dead"):
        letters.labels(state).set_function(partial(lambda state: ledger.store.outbox.counts()[state], state))


def _verdicts(ledger: Ledger) -> Counter[str]:
    with ledger.reading() as state:
        return observations.verdicts(state, ledger.now_ms())


def _observed_s(ledger: Ledger) -> float:
    with ledger.reading() as state:
        return observations.newest_ms(state) / 1_000
