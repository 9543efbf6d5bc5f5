"""`up`, `serve`, and each of their processes alone: `control`, `feed`, `gateway`.

The servers are imported only when they run: the import takes a second, and the help does not need it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar
from urllib.parse import urlsplit

import typer

from sluicegate import journal, targets
from sluicegate.cli import pairs, safety_sources, sign_in_providers, upstreams
from sluicegate.cli.files import read_text
from sluicegate.cli.options import grouped, value
from sluicegate.cli.output import Json, emit, exit_code, report, withheld
from sluicegate.cli.server_options import (
    Bounds,
    ClockBound,
    ClockIsRight,
    CorsOrigins,
    FeedPort,
    Host,
    Http,
    Limits,
    MaxBodyBytes,
    MaxTextBytes,
    MaxUnfinishedBytes,
    Origin,
    Port,
    RequestDays,
    RequestKey,
    RequestLogFile,
    Reserve,
    SafetyWebhooks,
    SignIn,
    State,
    Surface,
    TlsCert,
    TlsClientCa,
    TlsKey,
    Trust,
    UpstreamCa,
    Url,
)
from sluicegate.cli.upstreams import UpstreamKeys, Upstreams
from sluicegate.errors import InvalidInput, SluicegateError
from sluicegate.gate import cors, span_log
from sluicegate.settings import (
    BODY_BYTES_MAX,
    CLIENT_CERT,
    CLOCK_BOUND_MS,
    CONTROL_PORT,
    DESK_PORT,
    FEED_PORT,
    FIRST_GATEWAY,
    GATEWAY_HTTP,
    GATEWAY_PORT,
    REQUEST_DAYS,
    RESERVE_BYTES,
    TEXT_BYTES_MAX,
    UNFINISHED_BYTES_MAX,
    ControlSettings,
    DeskSettings,
    FeedSettings,
    GatewaySettings,
    PostSettings,
    TlsFiles,
)
from sluicegate.supervisor import Ended, Serve, Supervisor, supervising

Settings = TypeVar("Settings", ControlSettings, DeskSettings, FeedSettings, GatewaySettings)
CONTROL_GIVES_WAY = 3
"""Leases come first: under load the control plane gets half of what the feed and the gateway get."""
_STATE = Path("sluicegate-state")
_ORIGIN = "sluicegate.example/log"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """The files of a server that speaks TLS."""

    tls_cert: TlsCert = None
    tls_key: TlsKey = None

    @property
    def files(self) -> TlsFiles | None:
        """The files; None without TLS. Raises: InvalidInput: one without the others."""
        return self._with(None)

    def _with(self, client_ca: Path | None) -> TlsFiles | None:
        if self.tls_cert is None and self.tls_key is None and client_ca is None:
            return None
        if self.tls_cert is None or self.tls_key is None:
            raise InvalidInput("TLS needs --tls-cert and --tls-key", remedy="give both, as PEM files")
        return TlsFiles(self.tls_cert, self.tls_key, client_ca)


@dataclass(frozen=True, slots=True, kw_only=True)
class MutualTls(ServerTls):
    """The same, of a server that may ask its clients for certificates."""

    tls_client_ca: TlsClientCa = None

    @property
    def files(self) -> TlsFiles | None:
        """As of `ServerTls`."""
        return self._with(self.tls_client_ca)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlOptions:
    """The options of a control plane."""

    trust: Trust
    state: State = _STATE
    origin: Origin = _ORIGIN
    url: Url = ""
    host: Host = "127.0.0.1"
    port: Port = CONTROL_PORT
    http: Http = None
    limit: Limits = None
    reserve_mib: Reserve = RESERVE_BYTES >> 20
    clock_is_right: ClockIsRight = False
    safety_webhooks: SafetyWebhooks = None
    sign_in: SignIn = None

    def settings(self, tls: TlsFiles | None) -> ControlSettings:
        """The settings that they give. Raises: InvalidInput."""
        return ControlSettings(
            self.state,
            self.trust,
            self.origin,
            self.host,
            self.port,
            limits=pairs.limits(self.limit),
            reserve_bytes=self.reserve_mib << 20,
            clock_is_right=self.clock_is_right,
            http=pairs.http(self.http),
            post=_post(),
            addresses=_addresses(),
            safety=safety_sources.read(self.safety_webhooks),
            pages_origin=_pages_origin(self.url),
            providers=sign_in_providers.read(self.sign_in),
            tls=tls,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """The options of a gateway, without where it is and what it follows."""

    upstream: Upstreams
    upstream_keys: UpstreamKeys = None
    surface: Surface = "api"
    host: Host = "127.0.0.1"
    max_body_bytes: MaxBodyBytes = BODY_BYTES_MAX
    max_text_bytes: MaxTextBytes = TEXT_BYTES_MAX
    max_unfinished_bytes: MaxUnfinishedBytes = UNFINISHED_BYTES_MAX
    cors_origin: CorsOrigins = None
    http: Http = None
    clock_bound: ClockBound = CLOCK_BOUND_MS // 1_000
    upstream_ca: UpstreamCa = None
    bound: Bounds = None
    request_log: RequestLogFile = ""
    request_days: RequestDays = REQUEST_DAYS
    request_key: RequestKey = None

    def settings(self, tls: TlsFiles | None) -> Callable[..., GatewaySettings]:
        """Settings as they give them; the others are to be given. Raises: InvalidInput."""
        return partial(
            GatewaySettings,
            surface=self.surface,
            upstreams=upstreams.read(self.upstream, self.upstream_keys, self.upstream_ca),
            host=self.host,
            max_body_bytes=self.max_body_bytes,
            max_text_bytes=self.max_text_bytes,
            max_unfinished_bytes=self.max_unfinished_bytes,
            cors_origins=tuple(map(cors.origin, self.cors_origin or ())),
            http=pairs.http(self.http, GATEWAY_HTTP),
            clock_bound_ms=self.clock_bound * 1_000,
            request_log=self.request_log,
            request_days=self.request_days,
            request_key=self.request_key,
            spans=span_log.environment(os.environ),
            tls=tls,
            client_cert=_client_cert(),
            **pairs.gate(self.bound),
        )


@grouped
def up(
    control: ControlOptions,
    gateway: GatewayOptions,
    tls: ServerTls,
    feed_port: FeedPort = FEED_PORT,
    gateway_port: Annotated[
        int, typer.Option("--gateway-port", help="The gateway's port; 0: any free port.", min=0, max=65_535)
    ] = GATEWAY_PORT,
    desk: Annotated[
        str,
        typer.Option(
            "--desk", help="Run the desk of this agency, too, with a link that lets someone in at its start."
        ),
    ] = "",
    desk_port: Annotated[
        int, typer.Option("--desk-port", help="The desk's port; 0: any free port.", min=0, max=65_535)
    ] = DESK_PORT,
    as_json: Json = False,
) -> None:
    """Run a control plane, its feed and a gateway, on SQLite. Ctrl-C ends all of them."""
    of_gateway, settings = gateway.settings(tls.files), control.settings(tls.files)
    if gateway_port and gateway.surface not in settings.addresses:
        own = f"{'http' if tls.files is None else 'https'}://{control.host}:{gateway_port}"
        settings = replace(settings, addresses={**settings.addresses, gateway.surface: own})
    with _supervised("up", control.state) as processes:
        begun = _start_control(processes, settings, feed_port, as_json)
        token = control.state / "tokens" / f"{FIRST_GATEWAY}.token"
        if not token.is_file():
            raise InvalidInput(
                f"the token of {FIRST_GATEWAY} is no longer in {token.parent}",
                remedy="run 'sluicegate serve' and 'sluicegate gateway' apart, or put the token back",
            )
        gate = of_gateway(
            control_url=begun["url"],
            feed_url=begun["feed"],
            token=read_text(token).strip(),
            log_vkey=begun["vkey"],
            state_dir=control.state / "gateway",
            name=FIRST_GATEWAY,
            port=gateway_port,
        )
        said = processes.start("gateway", _child(partial(_gate, gate), as_json))
        _ready("gateway", json.loads(said)["url"], as_json)
        if desk:
            beside = Beside(desk, desk_port, control.host, tls.files)
            _start_desk(processes, control.state, beside, begun, as_json)
        processes.watch()


@grouped
def serve(
    control: ControlOptions, tls: MutualTls, feed_port: FeedPort = FEED_PORT, as_json: Json = False
) -> None:
    """Run the control plane and its feed; what ends is started again. Each is a process of its own.

    The first start writes tokens into STATE/tokens. Give each to its holder.
    """
    settings = control.settings(tls.files)
    with _supervised("serve", control.state) as processes:
        _start_control(processes, settings, feed_port, as_json)
        processes.watch()


@grouped
def control(control: ControlOptions, tls: MutualTls, as_json: Json = False) -> None:
    """Run the control plane without its feed. Use it where something else starts and watches processes."""
    serving = _control(control.settings(tls.files), "")
    serving(lambda said: _ready("control", said["url"], as_json, vkey=said["vkey"]))


@grouped
def feed(
    tls: MutualTls,
    state: State = _STATE,
    name: Annotated[str, typer.Option("--name", help="This feed's name, on its state folder.")] = "feed-1",
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port to listen on; 0: any.")] = FEED_PORT,
    http: Http = None,
    as_json: Json = False,
) -> None:
    """Run a feed: it follows the log, and gives leases to gateways.

    It works on the state folder of the control plane.
    """
    settings = FeedSettings(state, name, host, port, http=pairs.http(http), tls=tls.files)
    _feed(settings, "")(lambda said: _ready("feed", said["url"], as_json))


@grouped
def gateway(
    log_key: Annotated[str, typer.Option("--log-key", help="The log's verifier key, or a file with it.")],
    token_file: Annotated[Path, value("--token-file", "The gateway's token.")],
    gateway: GatewayOptions,
    tls: MutualTls,
    control: Annotated[
        str, typer.Option("--control", help="The control plane's URL.")
    ] = f"http://127.0.0.1:{CONTROL_PORT}",
    feed: Annotated[str, typer.Option("--feed", help="The feed's URL.")] = f"http://127.0.0.1:{FEED_PORT}",
    name: Annotated[
        str, typer.Option("--name", help="This gateway's name; its token has the same name.")
    ] = FIRST_GATEWAY,
    state: State = _STATE / "gateway",
    port: Port = GATEWAY_PORT,
    trust: Annotated[
        Path | None, value("--trust", "A GatewayTrust file: accept only what its keys have signed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a gateway for one surface."""
    path = Path(log_key)
    settings = gateway.settings(tls.files)(
        control_url=control,
        feed_url=feed,
        token=read_text(token_file).strip() if token_file.is_file() else _no_token(token_file),
        log_vkey=read_text(path).strip() if path.is_file() else log_key,
        state_dir=state,
        trust_file=trust,
        name=name,
        port=port,
    )
    _gate(settings, "")(lambda said: _ready("gateway", said["url"], as_json))


Said = dict[str, str]
Serving = Callable[[Callable[[Said], None]], None]
"""Serves until it is signalled, and says once where."""


def _control(settings: ControlSettings, before: str) -> Serving:
    """A control plane, on the port that it had before."""
    from sluicegate import bootstrap  # noqa: PLC0415 - see above

    def serving(said: Callable[[Said], None]) -> None:
        journal.begin("control", os.environ)
        wired = bootstrap.control(of_start(settings, before), "control")
        bootstrap.run_until_signalled(
            lambda stop: bootstrap.serve_control(
                wired, stop, lambda url: said({"url": url, "vkey": wired.vkey})
            )
        )

    return serving


def _feed(settings: FeedSettings, before: str) -> Serving:
    """A feed, on the port that it had before."""
    from sluicegate import bootstrap  # noqa: PLC0415 - see above

    def serving(said: Callable[[Said], None]) -> None:
        journal.begin("feed", os.environ)
        wired = bootstrap.feed(_again(settings, before))
        bootstrap.run_until_signalled(
            lambda stop: bootstrap.serve_feed(wired, stop, lambda url: said({"url": url}))
        )

    return serving


def _gate(settings: GatewaySettings, before: str) -> Serving:
    """A gateway, on the port that it had before."""
    from sluicegate import bootstrap  # noqa: PLC0415 - see above

    def serving(said: Callable[[Said], None]) -> None:
        journal.begin("gateway", os.environ)
        bootstrap.run_until_signalled(
            lambda stop: bootstrap.serve_gate(_again(settings, before), stop, lambda url: said({"url": url}))
        )

    return serving


def _again(settings: Settings, before: str) -> Settings:
    """The settings of a next start: it listens where the first one did."""
    port = urlsplit(json.loads(before)["url"]).port if before else None
    return settings if port is None else replace(settings, port=port)


def of_start(settings: ControlSettings, before: str) -> ControlSettings:
    """The settings of a start of a control plane: what the operator says of the clock is of the first one."""
    return replace(_again(settings, before), clock_is_right=settings.clock_is_right and not before)


@contextmanager
def _supervised(command: str, state: Path) -> Iterator[Supervisor]:
    """A supervisor on a state folder, which no other one has. All that it has started ends with it.

    Raises: StoreUnavailable: another one has it.
    """
    from sluicegate import bootstrap  # noqa: PLC0415 - what its processes need is imported once

    journal.begin("supervisor", os.environ)
    bootstrap.hold_for_supervisor(state, command)
    try:
        with supervising() as processes:
            yield processes
    except Ended as ended:
        raise typer.Exit(ended.code) from None


def _start_control(processes: Supervisor, settings: ControlSettings, feed_port: int, as_json: bool) -> Said:
    """Start a control plane and its feed, and say where they are.

    Where a log has begun the feed is first: gateways do not wait until the control plane has read all of it.
    """
    from sluicegate import bootstrap  # noqa: PLC0415 - what its processes need is imported once

    def control() -> Said:
        serve = _child(partial(_control, settings), as_json)
        said: Said = json.loads(processes.start("control", serve, CONTROL_GIVES_WAY))
        return said

    def feed() -> Said:
        of_feed = FeedSettings(
            settings.state_dir, host=settings.host, port=feed_port, http=settings.http, tls=settings.tls
        )
        return {"feed": json.loads(processes.start("feed", _child(partial(_feed, of_feed), as_json)))["url"]}

    starts = (feed, control) if bootstrap.has_begun(settings.state_dir) else (control, feed)
    begun = {name: each for start in starts for name, each in start().items()}
    _ready("control", begun["url"], as_json, vkey=begun["vkey"], feed=begun["feed"])
    return begun


class Beside(NamedTuple):
    """The desk that runs beside a control plane on one machine: of which agency, where, with which files."""

    agency: str
    port: int
    host: str
    tls: TlsFiles | None


def _start_desk(processes: Supervisor, state: Path, beside: Beside, begun: Said, as_json: bool) -> None:
    """Start the desk of an agency, which follows the control plane, and say how to come in."""
    from sluicegate.cli import desk  # noqa: PLC0415 - only who wants a desk waits for it

    token = state / "tokens" / f"{beside.agency}.token"
    if not token.is_file():
        raise InvalidInput(
            f"no token {token}", remedy="name an agency of the trust file whose token is there"
        )
    folder = state / f"desk-{beside.agency}"
    desk.follow(folder, begun["url"], beside.agency, read_text(token).strip(), begun["vkey"])
    settings = DeskSettings(folder, beside.host, beside.port, tls=beside.tls)
    said = json.loads(processes.start("desk", _child(partial(_desk, settings), as_json)))
    pages = said["url"].replace(beside.host, "desk.localhost")
    link = desk.let_in(folder, beside.agency, pages)
    _ready("desk", said["url"], as_json, pages=pages, link=link)


def _desk(settings: DeskSettings, before: str) -> Serving:
    """A desk, on the port that it had before."""
    from sluicegate import bootstrap  # noqa: PLC0415 - see above

    def serving(said: Callable[[Said], None]) -> None:
        journal.begin("desk", os.environ)
        wired = bootstrap.desk(_again(settings, before))
        bootstrap.run_until_signalled(
            lambda stop: bootstrap.serve_desk(wired, stop, lambda url: said({"url": url}))
        )

    return serving


def _child(made: Callable[[str], Serving], as_json: bool) -> Serve:
    """What a process of its own does; an error is printed as a command prints it."""

    def serve(before: str, ready: Callable[[str], None]) -> int:
        try:
            made(before)(lambda said: ready(json.dumps(said)))
        except SluicegateError as error:
            report(error, as_json)
            return exit_code(error)
        except OSError as error:
            report(withheld(error), as_json)
            return exit_code(withheld(error))
        return 0

    return serve


def _ready(what: str, url: str, as_json: bool, **more: str) -> None:
    lines = [f"{what} listening on {url}", *(f"  {name}: {value}" for name, value in more.items())]
    emit({"ready": what, "url": url, **more}, as_json, "\n".join(lines))


def _client_cert() -> Path | None:
    given = os.environ.get(CLIENT_CERT, "")
    return Path(given) if given else None


def _pages_origin(url: str) -> str:
    """Where people reach the pages. Raises: InvalidInput."""
    from sluicegate.signin import origins  # noqa: PLC0415 - see above

    return origins.origin(url) if url else ""


def _addresses() -> dict[str, str]:
    """Where requests go, by surface: SLUICEGATE_GATEWAYS, such as `api=https://api.example`."""
    found: dict[str, str] = {}
    for each in os.environ.get("SLUICEGATE_GATEWAYS", "").split():
        surface, equals, url = each.partition("=")
        if not equals or not url.startswith(("https://", "http://")):
            said = f"SLUICEGATE_GATEWAYS has {each[:80]!r}, expected SURFACE=URL, such as api=https://api.example"
            raise InvalidInput(said)
        found[surface] = url.rstrip("/")
    return found


def _post() -> PostSettings:
    """How letters are sent: SLUICEGATE_WEBHOOK_NETWORKS, SLUICEGATE_SMTP and the settings for it."""
    server, sender = os.environ.get("SLUICEGATE_SMTP", ""), os.environ.get("SLUICEGATE_MAIL_FROM", "")
    host, _, port = server.rpartition(":")
    if server and not (host and port.isascii() and port.isdecimal() and 0 < int(port) <= 65_535):
        raise InvalidInput(f"SLUICEGATE_SMTP is {server!r}, expected HOST:PORT, such as mail.example:587")
    if server and not targets.is_mail(sender):
        said = f"SLUICEGATE_MAIL_FROM is {sender[:80]!r}, expected an address such as name@example.org"
        raise InvalidInput(said, remedy="SLUICEGATE_SMTP is set: say which address letters come from")
    return PostSettings(
        webhook_networks=targets.networks(os.environ.get("SLUICEGATE_WEBHOOK_NETWORKS", "")),
        smtp_host=host.strip("[]"),
        smtp_port=int(port) if port else 0,
        smtp_user=os.environ.get("SLUICEGATE_SMTP_USER", ""),
        smtp_password=os.environ.get("SLUICEGATE_SMTP_PASSWORD", ""),
        mail_from=sender,
    )


def _no_token(path: Path) -> str:
    raise InvalidInput(
        f"no token file {path}",
        remedy="'sluicegate token issue --role gateway --name NAME' makes a token; save it there",
    )
