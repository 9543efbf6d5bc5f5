"""Where objects are wired: the one place that makes stores, clocks, keys and servers.

A state folder holds `ledger.db`, `ledger.db.pid` (which process serves it), `log.key` (the log's signing
key), `clock.json` (the log's time, by the clock of this boot); `feeds/`, one folder a feed, with its file and
its key; and `tokens/`, one file a principal, written once when the log starts: hand each to its holder and
delete it. Only its owner can read it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import re
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import CLOCK_BOOTTIME, clock_gettime_ns
from typing import Any

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette

from sluicegate import journal, processes
from sluicegate.acts.act import AGENCY, DEVELOPER, GATEWAY
from sluicegate.acts.tokens import TokenRequest
from sluicegate.client import sealing
from sluicegate.control.app import application
from sluicegate.control.plane import ControlPlane
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle import Acceptance, Refusal, notices
from sluicegate.core.lifecycle.keys import StartLog
from sluicegate.core.terms import document, trust
from sluicegate.desk import people
from sluicegate.desk.app import application as desk_application
from sluicegate.desk.following import Following, HttpCounterpart
from sluicegate.desk.instances import Instances
from sluicegate.desk.site import FRAME, DeskSite
from sluicegate.errors import CommandRefused, InvalidInput, StoreUnavailable, StoreUnusable
from sluicegate.feed.app import News
from sluicegate.feed.app import application as feed_application
from sluicegate.feed.head import Head
from sluicegate.feed.leases import Clocks, Leases
from sluicegate.gate import in_flight, request_book
from sluicegate.gate.days import Days
from sluicegate.gate.engine import Engine
from sluicegate.gate.exchange import error_form
from sluicegate.gate.feed import Feed, MachineClock
from sluicegate.gate.gateway import FILES_EACH, Gateway
from sluicegate.gate.in_flight import InFlight
from sluicegate.gate.rate import Rates
from sluicegate.gate.request_book import RequestBook
from sluicegate.gate.request_log import RequestLog
from sluicegate.gate.span_log import SpanLog
from sluicegate.gate.spending import SpendingFile
from sluicegate.gate.upstream import HttpUpstream
from sluicegate.http import asgi
from sluicegate.http.app import Fault
from sluicegate.http.entrance import Entrance
from sluicegate.http.server import HttpServer, allow_files, connections_max, listen
from sluicegate.http.tls import ServerCertificate
from sluicegate.parsing.parsers import Parsers
from sluicegate.ports import EMAIL, UNCONFIRMED, WEBHOOK, Principal, Store, log_keys
from sluicegate.post.carrier import Carrier
from sluicegate.post.courier import Courier
from sluicegate.post.jwks import KeySets
from sluicegate.post.mail import Mail
from sluicegate.post.webhook import Webhooks
from sluicegate.service import tokens
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from sluicegate.service.room import Room
from sluicegate.service.safety import NoticeSource, SafetyIntake
from sluicegate.settings import (
    FIRST_GATEWAY,
    ControlSettings,
    DeskSettings,
    FeedSettings,
    GatewaySettings,
    TlsFiles,
)
from sluicegate.signin.challenges import Challenges
from sluicegate.signin.door import Door, Known
from sluicegate.signin.sessions import Sessions
from sluicegate.store import hints, keyfile, lock, logkeys, unsettled
from sluicegate.store.clock import ClockFile, FollowedClock, SteadyClock, synchronized_ms
from sluicegate.store.database import Database
from sluicegate.store.desk import FILE as DESK_FILE
from sluicegate.store.desk import SqliteDeskMemory, desk_database
from sluicegate.store.fleet import FEEDS, FILE, SqliteFeedRegister, SqliteFeeds
from sluicegate.store.preparations import SqlitePreparations
from sluicegate.store.sign_ins import SqliteSignIns
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record.entities.logkey import LogKeys
from sluicegate_record.log.times import DAY_MS

_log = logging.getLogger(__name__)
Ready = Callable[[str], None]
SWITCH_S = 0.0005
"""How long a thread of the control plane computes while another waits, which may be passing an order on."""
TOKENS = "tokens"
"""The folder, in that of the state, of the first tokens: where it is, a log has begun."""


def boot_ms() -> float:
    """CLOCK_BOOTTIME in milliseconds: it continues while the machine sleeps, and no one can set it."""
    return clock_gettime_ns(CLOCK_BOOTTIME) / 1e6


def boot() -> str:
    """Which boot of this machine CLOCK_BOOTTIME counts from."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def wall_ms() -> int:
    """The wall clock, milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Control:
    """A wired control plane."""

    settings: ControlSettings
    ledger: Ledger
    fleet: Fleet
    parsers: Parsers = field(default_factory=Parsers)

    @classmethod
    def over(cls, settings: ControlSettings, ledger: Ledger) -> Control:
        """The one over a ledger, with the feeds of its state folder."""
        return cls(settings, ledger, Fleet(ledger, SqliteFeeds(settings.state_dir), boot()))

    @property
    def vkey(self) -> str:
        """The log's verifier key."""
        return self.ledger.vkey()

    def token(self, name: str) -> str | None:
        """The token written for a principal when the log started, if it still lies there."""
        path = self.settings.state_dir / TOKENS / f"{name}.token"
        return path.read_text().strip() if path.exists() else None


def hold_for_supervisor(state_dir: Path, command: str) -> None:
    """Hold a state folder for the supervisor of its processes. Raises: StoreUnavailable: it is in use."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    run = state_dir / "run"
    run.mkdir(exist_ok=True, mode=0o700)
    lock.hold(run / "supervisor", command, of=state_dir)


def control(settings: ControlSettings, command: str) -> Control:
    """Wire a control plane on its state folder. The folder is made if it does not exist.

    This process owns the folder until it ends. Another process gets an error that `command` uses it.

    Raises: InvalidDocument: the trust file. InvalidInput: the reserve. StoreUnavailable: the folder is in
            use, or cannot be written. StoreUnusable: the database. CommandRefused: another log.
    """
    pins = trust.read(document.read(settings.trust_file.read_bytes(), str(settings.trust_file)))
    settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    unsettled.check(settings.state_dir)
    _check_reserve(settings)
    database = settings.state_dir / "ledger.db"
    lock.hold(database, command)
    store = SqliteStore(database)
    is_new = store.log.size() == 0
    if is_new and (settings.state_dir / TOKENS).exists():
        store.close()
        raise StoreUnusable(
            f"{database} has no entries, and the folder is that of a log which had some",
            remedy="'sluicegate backup restore FOLDER' puts a backup here; "
            "a new log begins in an empty folder",
        )
    keys = log_keys(store.log)
    key = _log_key(settings.state_dir, keys)
    clock = SteadyClock(
        wall_ms,
        boot_ms,
        ClockFile(settings.state_dir, boot()),
        newest_ms=_newest_ms(store),
        kernel_ms=synchronized_ms,
        is_right=settings.clock_is_right,
    )
    with _no_collection():
        ledger = Ledger(
            store,
            key,
            settings.origin,
            wall_ms=clock,
            boot_ms=boot_ms,
            random=secrets.token_bytes,
            before=logkeys.before(settings.state_dir, keys),
            directs=pins.directs,
            room=Room(partial(_free_bytes, settings.state_dir), settings.reserve_bytes),
            doubted_ms=clock.doubted_ms,
        )
    start = StartLog(settings.origin, ledger.vkey(), pins.developer, pins.pins)
    # A start that has nothing to write needs no room on the disk, and does not wait for what is due.
    started: Acceptance | dict[str, Any] | Refusal = ledger.consider(start)
    if isinstance(started, Acceptance) and started.drafts:
        started = ledger.execute(start, by="log", command_id=f"start_{secrets.token_hex(16)}")
    if isinstance(started, Refusal):
        raise CommandRefused(started.message, code=started.code, remedy=started.remedy)
    _first_tokens(ledger, settings.state_dir / TOKENS)
    return Control.over(settings, ledger)


def _newest_ms(store: Store) -> int:
    """The time of the newest entry, milliseconds since 1970 UTC; 0 without one."""
    size = store.log.size()
    return store.log.entries(size - 1, 1)[0].at_ms if size else 0


def _check_reserve(settings: ControlSettings) -> None:
    """Check that the disk can hold the reserve. Raises: InvalidInput: nothing would ever be accepted."""
    found = os.statvfs(settings.state_dir)
    size, free = found.f_blocks * found.f_frsize, _free_bytes(settings.state_dir)
    if settings.reserve_bytes >= size:
        given = f"--reserve-mib {settings.reserve_bytes >> 20}"
        said = f"{given}: the disk of {settings.state_dir} has {size >> 20} MiB, and {free >> 20} are free"
        raise InvalidInput(said, remedy="keep less in reserve, or use another disk")
    if settings.reserve_bytes > free:
        said = "--reserve-mib %d: only %d MiB of the disk of %s are free, so only what narrows is accepted; "
        said += "free disk space, or keep less in reserve"
        _log.warning(said, settings.reserve_bytes >> 20, free >> 20, settings.state_dir)


def _free_bytes(folder: Path) -> int:
    """How much of the disk of a folder is free for this process."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


@contextmanager
def _no_collection() -> Iterator[None]:
    """Collect no cycles meanwhile: a log that is replayed leaves none, and its state stays.

    Otherwise collections would look at the growing state again and again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _safety(settings: ControlSettings, ledger: Ledger) -> SafetyIntake | None:
    """What takes safety webhooks, if some come in. Raises: BadKey."""
    sources = [
        NoticeSource(each.party, each.secret, keyfile.load_private(each.key), each.level, each.seal_to)
        for each in settings.safety
    ]
    return SafetyIntake(ledger, sources, sealing.sealed, settings.limits) if sources else None


async def serve_control(wired: Control, stop: asyncio.Event, ready: Ready) -> None:
    """Serve a control plane until `stop` is set; `ready` is called once with its URL.

    If a task of its own fails, it ends, and raises what that task raised: a start is the way to recover.
    """
    settings = wired.settings
    key_sets = KeySets(settings.post.webhook_networks, settings.post.timeout_ms)
    plane = ControlPlane.over(wired.ledger, wired.fleet, settings, wired.parsers, key_sets)
    plane = replace(plane, safety=_safety(settings, wired.ledger))
    loop = asyncio.get_running_loop()
    wired.ledger.watch(partial(_hint_feeds, settings.state_dir))
    wired.ledger.watch(lambda: _soon(loop, plane.hinted.set))
    at = listen(settings.host, settings.port)
    try:
        with _hinted(settings.state_dir, plane.hinted.set):
            async with _carrying(wired):
                await _serve(partial(application, plane, settings.http), settings, at, stop, ready)
    finally:
        wired.parsers.close()
        await key_sets.close()
        wired.ledger.store.close()


def has_begun(state_dir: Path) -> bool:
    """Whether a state folder has a log that this build's feed can read."""
    try:
        with closing(SqliteStore(state_dir / "ledger.db", read_only=True)) as store:
            return store.log.size() > 0
    except (StoreUnavailable, StoreUnusable):
        return False


@dataclass(frozen=True, slots=True)
class WiredFeed:
    """A wired feed, and its own view of the ledger's file."""

    settings: FeedSettings
    leases: Leases
    store: Store


def feed(settings: FeedSettings) -> WiredFeed:
    """Wire a feed on the state folder of a control plane that has started the log.

    This process owns the feed's own folder until it ends.

    Raises: InvalidInput: its name. StoreUnavailable: the log has not begun, or another process is this feed.
            StoreUnusable.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", settings.name):
        said = f"the name {settings.name[:80]!r} of a feed, expected letters, digits, '.', '_' and '-'"
        raise InvalidInput(said, remedy="name it like feed-1")
    unsettled.check(settings.state_dir)
    store = SqliteStore(settings.state_dir / "ledger.db", read_only=True)
    folder = settings.state_dir / FEEDS / settings.name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock.hold(folder / FILE, "feed")
    key = folder / "feed.key"
    if not key.exists():
        keyfile.save_private(key, Ed25519PrivateKey.generate())
    leases = Leases(
        Head(store.log),
        store.feed_keys,
        SqliteFeedRegister(folder / FILE),
        keyfile.load_ed25519(key),
        settings.name,
        Clocks(boot(), boot_ms, FollowedClock(wall_ms, boot_ms, ClockFile(settings.state_dir, boot()))),
        max_entries=settings.max_entries,
        told=partial(hints.send, settings.state_dir),
        others=partial(SqliteFeeds(settings.state_dir).terms, settings.name),
    )
    leases.begin()
    return WiredFeed(settings, leases, store)


async def serve_feed(wired: WiredFeed, stop: asyncio.Event, ready: Ready) -> None:
    """Serve a feed until `stop` is set; `ready` is called once with its URL."""
    settings, news = wired.settings, News(wired.leases)
    at = listen(settings.host, settings.port)
    made = partial(feed_application, wired.leases, wired.store.principals, news, settings.http)
    try:
        with _hinted(settings.state_dir / FEEDS / settings.name, news.hint):
            await _serve(made, settings, at, stop, ready, news.close)
    finally:
        wired.store.close()


@dataclass(frozen=True, slots=True)
class WiredDesk:
    """A wired desk, and its file."""

    settings: DeskSettings
    site: DeskSite
    database: Database


def desk(settings: DeskSettings, clock: Callable[[], int] = wall_ms) -> WiredDesk:
    """Wire an agency's desk on its folder. The folder is made if it does not exist.

    This process owns the folder until it ends.

    Raises: InvalidInput, BadKey: an instance. StoreUnavailable: the folder is in use. StoreUnusable.
    """
    database = desk_database(settings.folder)
    lock.hold(settings.folder / DESK_FILE, "desk")
    memory, sign_ins = SqliteDeskMemory(database), SqliteSignIns(database)
    instances = Instances(settings.folder)
    followings = {
        each.name: Following(each, instances.copy_of(each.name), HttpCounterpart(each), clock)
        for each in instances.all()
    }
    door = Door(
        sign_ins,
        Sessions(sign_ins, clock, secrets.token_bytes),
        Challenges(clock, secrets.token_bytes),
        Known(partial(people.known, memory), lambda _: None),
        lambda _: "/",
        settings.pages_origin,
        FRAME,
    )
    entrance = Entrance(people.NoTokens(), settings.http)
    return WiredDesk(
        settings,
        DeskSite(followings, memory, SqlitePreparations(database), door, entrance, clock),
        database,
    )


async def serve_desk(wired: WiredDesk, stop: asyncio.Event, ready: Ready) -> None:
    """Serve a desk until `stop` is set; `ready` is called once with its URL."""
    settings = wired.settings
    at = listen(settings.host, settings.port)
    try:
        await _serve(partial(desk_application, wired.site), settings, at, stop, ready)
    finally:
        wired.database.close()


async def _serve(  # noqa: PLR0913 - what is served, and how it begins and ends
    made: Callable[[Fault], Starlette],
    settings: ControlSettings | FeedSettings | DeskSettings,
    listening: socket.socket,
    stop: asyncio.Event,
    ready: Ready,
    ending: Callable[[], None] = lambda: None,
) -> None:
    """Serve an application until `stop` is set, or until a task of its own fails: that is raised.

    `ready` is called once with its URL, `ending` when it is to end.
    """
    sys.setswitchinterval(SWITCH_S)
    allow_files()
    faults: list[BaseException] = []

    def fault(error: BaseException) -> None:
        faults.append(error)
        stop.set()

    app = made(fault)
    certificate = _certificate(settings.tls)
    server = HttpServer(asgi.handler(app, _scheme(settings.tls)), settings.http, certificate=certificate)
    async with app.router.lifespan_context(app):
        await server.start(listening)
        _refresh_on_hangup(server, certificate)
        host, port = listening.getsockname()[:2]
        url = f"{_scheme(settings.tls)}://{host}:{port}"
        _started(ready, url)
        await stop.wait()
        journal.note("stopping", "what was begun is answered")
        ending()
        await server.stop()
    if faults:
        raise faults[0]


def _started(ready: Ready, url: str) -> None:
    """Say where a server is, to who waits for it."""
    ready(url)
    journal.note("started", f"it listens on {url}", url=url)
    processes.tell_manager("READY=1")


def _certificate(files: TlsFiles | None) -> ServerCertificate | None:
    """The certificate of a server, if it has one. Raises: InvalidInput: it cannot be read."""
    return None if files is None else ServerCertificate(files)


def _scheme(files: TlsFiles | None) -> str:
    return "http" if files is None else "https"


def _refresh_on_hangup(server: HttpServer, kept: ServerCertificate | RequestLog | None) -> None:
    """Look at the certificate at SIGHUP. It does not end a server that keeps such a file."""
    if kept is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, server.refresh)


@contextmanager
def _hinted(folder: Path, told: Callable[[], None]) -> Iterator[None]:
    """Call `told` at every hint to a folder meanwhile."""
    hint_socket, loop = hints.HintSocket(folder), asyncio.get_running_loop()

    def on_hint() -> None:
        hint_socket.drain()
        told()

    loop.add_reader(hint_socket, on_hint)
    try:
        yield
    finally:
        loop.remove_reader(hint_socket)
        hint_socket.close()


def _soon(loop: asyncio.AbstractEventLoop, told: Callable[[], None]) -> None:
    """Call `told` on a loop, from any thread; after its end there is no one to tell."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(told)


def _hint_feeds(state_dir: Path) -> None:
    """Tell every feed that the log may have grown."""
    with suppress(OSError):  # a hint may be lost
        for folder in (state_dir / FEEDS).iterdir():
            hints.send(folder)


@asynccontextmanager
async def _carrying(wired: Control) -> AsyncIterator[None]:
    """Deliver letters meanwhile. If the courier fails, that is logged, and the server continues."""
    ledger, settings = wired.ledger, wired.settings.post
    carriers: dict[str, Carrier] = {
        WEBHOOK: Webhooks(settings, partial(notices.secret, ledger.key), wall_ms=wall_ms)
    }
    if settings.smtp_host:
        carriers[EMAIL] = carriers[UNCONFIRMED] = Mail(settings, partial(notices.code, ledger.key))
    courier = Courier(
        ledger.store.outbox,
        carriers,
        wall_ms=wall_ms,
        chance=random.SystemRandom().random,
        max_sending=settings.max_sending,
    )
    ledger.watch(courier.wake)
    running = asyncio.create_task(courier.run())
    running.add_done_callback(_courier_ended)
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait({running})
        await courier.close()


def _courier_ended(running: asyncio.Task[None]) -> None:
    if not running.cancelled() and running.exception() is not None:
        _log.error("letters are no longer delivered: restart the control plane", exc_info=running.exception())


async def serve_gate(settings: GatewaySettings, stop: asyncio.Event, ready: Ready) -> None:
    """Serve one gateway until `stop` is set; `ready` is called once with its URL.

    Raises: BadKey: the log's verifier key. VerificationFailed: what an earlier run saw cannot be read.
            InvalidInput: the request log cannot be opened.
    """
    spending = SpendingFile(settings.state_dir, boot(), boot_ms())
    allow_files()
    table, rates, days = _table(settings), Rates(spending), Days(spending)
    engine = Engine(settings.surface, boot_ms, table, rates, _in_flight(settings), days)
    tail = Feed(settings, engine, MachineClock(boot_ms, wall_ms, settings.clock_bound_ms))
    upstreams = {name: HttpUpstream(target, settings) for name, target in settings.upstreams.items()}
    log = RequestLog(settings.request_log) if settings.request_log else None
    spans = SpanLog(settings) if settings.spans else None
    book = _request_book(settings)
    gateway = Gateway(engine, upstreams, settings, log, spans, wall_ms, book=book)
    certificate = _certificate(settings.tls)
    server = HttpServer(gateway, settings.http, error_form, FILES_EACH, certificate)
    listening = listen(settings.host, settings.port)
    feeding = asyncio.create_task(tail.run())
    # A feed that fails ends the gateway: it could only refuse.
    feeding.add_done_callback(lambda _: stop.set())
    try:
        await server.start(listening)
        _refresh_on_hangup(server, certificate or log)
        _started(ready, f"{_scheme(settings.tls)}://{settings.host}:{listening.getsockname()[1]}")
        await stop.wait()
        journal.note("stopping", "what was begun is answered")
        await server.stop()
    finally:
        feeding.cancel()
        with suppress(asyncio.CancelledError):
            await feeding
        for upstream in upstreams.values():
            await upstream.close()
        spending.close()
        for lines in (log, spans, book):
            if lines is not None:
                await lines.close()


def _request_book(settings: GatewaySettings) -> RequestBook | None:
    """The request book of a gateway, if it keeps one."""
    if not settings.request_days:
        return None
    key = settings.request_key or settings.state_dir / request_book.KEY
    keep_ms = settings.request_days * DAY_MS
    folder = settings.state_dir / request_book.FOLDER
    return RequestBook(folder, key, keep_ms, settings.max_request_book_bytes, wall_ms)


def _in_flight(settings: GatewaySettings) -> InFlight:
    """How much of a gateway one caller may have. Requires: `allow_files` was called before."""
    connections = connections_max(settings.http, FILES_EACH)
    return in_flight.shares(connections, settings.max_flights_of_organization, settings.max_flights_of_key)


def _table(settings: GatewaySettings) -> Table:
    """The table of a gateway: with a trust file, one that gives effect only to what it can check."""
    if settings.trust_file is None:
        return Table()
    found = trust.read_gateway(document.read(settings.trust_file.read_bytes(), str(settings.trust_file)))
    if found.log.strip() != settings.log_vkey.strip():
        raise InvalidInput(
            f"the trust file {settings.trust_file} is for another log than --log-key",
            remedy="use the verifier key of the log that the agencies sign for",
        )
    return VouchedTable(found)


def run_until_signalled(serving: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `serving(stop)` on uvloop; SIGINT and SIGTERM set `stop`. Of several errors one is raised.

    What has been loaded by now stays: no collection looks at it again. One that did would take longer than
    an order may take to be in force.
    """
    gc.collect()
    gc.freeze()

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await serving(stop)

    try:
        uvloop.run(main())
    except ExceptionGroup as group:
        first: Exception = group
        while isinstance(first, ExceptionGroup):
            first = first.exceptions[0]
        raise first from None


def _log_key(state: Path, keys: LogKeys) -> Ed25519PrivateKey:
    """The log's signing key: made with a new log, and never in place of one that is missing.

    A file with another key is given as it is: the ledger says what is wrong with it. Raises: InvalidInput.
    """
    found = logkeys.current(state, keys) if keys.keys else logkeys.of(state / logkeys.NOW)
    found = found or logkeys.of(state / logkeys.NOW)
    if found is None and keys.keys:
        raise logkeys.missing(state)
    if found is None:
        found = Ed25519PrivateKey.generate()
        keyfile.save_private(state / logkeys.NOW, found)
    return found


def _first_tokens(ledger: Ledger, folder: Path) -> None:
    """Make the tokens that no one could ask for yet: the developer's, each agency's, the first gateway's."""
    known = ledger.store.principals
    with ledger.reading() as state:
        agencies = sorted(state.parties - {state.developer})
    wanted: list[tuple[str, str, str | None]] = [
        (DEVELOPER, "developer", None),
        (GATEWAY, FIRST_GATEWAY, None),
        *((AGENCY, agency, agency) for agency in agencies),
    ]
    folder.mkdir(mode=0o700, exist_ok=True)
    for role, name, party in wanted:
        if not known.namesakes(Principal("", role, name, party)):
            asked = TokenRequest(role=role, name=name, party=party)
            made = tokens.issue(ledger, asked, partial(_keep, folder / f"{name}.token"))
            assert not isinstance(made, Refusal)


def _keep(path: Path, token: str) -> None:
    """Write a first token before it counts, in place of one that never did: its start was ended here."""
    path.unlink(missing_ok=True)
    keyfile.write_secret(path, f"{token}\n".encode())
