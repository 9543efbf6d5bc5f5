"""The feed as an ASGI application: it answers at once if there is news, and otherwise when the wait is over.

Rules:
- A question is noted as soon as it is here. Its answer may wait.
- What is found by hints is also found without them, a quarter of a second later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from prometheus_client import CollectorRegistry, Gauge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sluicegate import journal
from sluicegate.acts.fleet import POLL, FeedQuestion
from sluicegate.errors import StoreUnavailable, Unauthorized
from sluicegate.feed.leases import CONFIRM_EVERY_MS, Leases
from sluicegate.feed.run import Poll
from sluicegate.http import app, asking, measures
from sluicegate.http.app import Fault
from sluicegate.http.asking import Run
from sluicegate.http.entrance import Entrance
from sluicegate.http.measures import Requests
from sluicegate.http.public import Recent
from sluicegate.http.threads import urgently
from sluicegate.parsing import request as parsing
from sluicegate.ports import Principals
from sluicegate.settings import HttpSettings
from sluicegate_record.log import acknowledgement

AGE_MS = 1_000
"""How old what it says of itself may be: anyone may ask for that."""
_log = logging.getLogger(__name__)


class News:
    """Wakes those who wait for the log to grow; follows the log, and commits what was heard."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._grown = asyncio.Event()
        self._hinted = asyncio.Event()
        self._heard = asyncio.Event()
        self._closed = False

    def hint(self) -> None:
        """Say that the log may have grown. Called on the event loop."""
        self._hinted.set()

    def heard(self) -> None:
        """Say that there may be something to commit. Called on the event loop."""
        self._heard.set()

    def close(self) -> None:
        """End every wait."""
        self._closed = True
        self._wake()

    async def beyond(self, after: int, seconds: float) -> None:
        """Return when the log is larger than `after`, the time is over, or `close` was called."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._closed:
                    event = self._grown  # taken before the size is looked at, so that no growth is missed
                    if self._leases.head.reached.size > after:
                        return
                    await event.wait()

    async def follow(self) -> None:
        """Follow the log, at each hint and every quarter of a second; a confirmation follows it, too."""
        size = 0
        while True:
            with _complaining():
                await urgently(self._leases.head.follow)
            if self._leases.head.reached.size > size:
                size = self._leases.head.reached.size
                self._wake()
            await _either(self._hinted)

    async def keep(self) -> None:
        """Commit what was heard and what has ended, at once and every quarter of a second."""
        while True:
            with _complaining():
                await urgently(self._leases.keep)
            await _either(self._heard)

    def _wake(self) -> None:
        event, self._grown = self._grown, asyncio.Event()
        event.set()


@contextmanager
def _complaining() -> Iterator[None]:
    """A disk that fails now may be back in a moment; meanwhile no lease is given."""
    try:
        yield
    except StoreUnavailable as error:
        _log.warning("no lease is given: %s", error.message)


async def _either(event: asyncio.Event) -> None:
    """Return when an event is set, or a quarter of a second later. It is not set then."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CONFIRM_EVERY_MS / 1000):
            await event.wait()
    event.clear()


def application(
    leases: Leases, principals: Principals, news: News, http_settings: HttpSettings, fault: Fault
) -> Starlette:
    """The application that serves a feed."""
    entrance, counts = Entrance(principals, http_settings), _counts(leases)
    requests = Requests(counts)

    async def poll(request: Request) -> Response:
        with requests.one(POLL.name):
            return await _polled(request)

    async def _polled(request: Request) -> Response:
        visitor = await entrance.admit(request, POLL)
        with visitor.body() as take:
            head, body = await asking.taken(POLL, request, take)
        with visitor.place():
            question = await visitor.run(parsing.read, head, body)
            assert isinstance(question, FeedQuestion)
            if visitor.principal is None or visitor.principal.name != question.gateway:
                who, named = getattr(visitor.principal, "id", None), question.gateway
                journal.note("key_misused", "a token of another gateway", who=who, gateway=named)
                raise Unauthorized(f"this token is not of gateway {question.gateway!r}", code="forbidden")
            return await _answer(leases, news, question, visitor.run)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    readiness = Recent(partial(urgently, leases.check), AGE_MS)
    counted = Recent(partial(urgently, measures.text, counts), AGE_MS)

    async def readyz(_: Request) -> Response:
        await readiness()
        return PlainTextResponse("ready\n")

    async def metrics(_: Request) -> Response:
        return Response(await counted(), media_type=measures.CONTENT_TYPE)

    routes = [
        Route(POLL.path, poll, methods=[POLL.method], name=POLL.name),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]
    return app.application(routes, [news.follow, news.keep], fault)


def _counts(leases: Leases) -> CollectorRegistry:
    """What a feed says of itself."""
    made = measures.registry("feed")
    size = Gauge("sluicegate_feed_log_size", "entries in the log, as far as it was followed", registry=made)
    size.set_function(lambda: leases.head.reached.size)
    runs = Gauge("sluicegate_feed_runs", "runs of gateways that are known", registry=made)
    runs.set_function(leases.runs)
    ready = Gauge("sluicegate_feed_ready", "1 if a lease could be given now", registry=made)
    ready.set_function(partial(_is_ready, leases))
    age = Gauge(
        "sluicegate_feed_confirmed_seconds", "how long ago it began its last confirmation", registry=made
    )
    age.set_function(lambda: leases.confirmed_age_ms() / 1_000)
    return made


def _is_ready(leases: Leases) -> bool:
    try:
        leases.check()
    except StoreUnavailable:
        return False
    return True


async def _answer(leases: Leases, news: News, question: FeedQuestion, run: Run) -> Response:
    poll = await run(_poll, question)
    try:
        await run(leases.heard, poll)
    finally:
        news.heard()
    await news.beyond(question.after, question.wait_ms / 1000)
    response: Response = await run(_written, leases, poll)
    return response


def _written(leases: Leases, poll: Poll) -> Response:
    """The answer as bytes. A long one takes a while to write, and must not hold up the others."""
    return JSONResponse(leases.answer(poll))


def _poll(question: FeedQuestion) -> Poll:
    """The question, its signature checked. Raises: BadSignature, InvalidInput."""
    return Poll(
        question.gateway,
        question.incarnation,
        question.surface,
        question.after,
        question.nonce,
        dict(question.report.streams_cut),
        question.root,
        question.fold,
        acknowledgement.read(question.source),
        question.spender,
        question.days,
    )
