"""`up`, `serve`, and each of their processes alone: `control`, `feed`, `gateway`.

The servers are imported only when they run: the import takes a second, and the help does not need it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import typer

from sluicegate import targets
from sluicegate.cli import upstreams
from sluicegate.cli.output import Json, emit, exit_code, report, withheld
from sluicegate.cli.upstreams import UpstreamKeys, Upstreams
from sluicegate.errors import InvalidInput, SluicegateError
from sluicegate.gate import cors
from sluicegate.settings import (
    BODY_BYTES_MAX,
    CLIENT_CERT,
    CLOCK_BOUND_MS,
    CONTROL_PORT,
    FEED_PORT,
    FIRST_GATEWAY,
    GATEWAY_HTTP,
    GATEWAY_PORT,
    RESERVE_BYTES,
    TEXT_BYTES_MAX,
    UNFINISHED_BYTES_MAX,
    ControlSettings,
    DailyLimits,
    FeedSettings,
    GatewaySettings,
    HttpSettings,
    PostSettings,
    TlsFiles,
)
from sluicegate.supervisor import Ended, Serve, Supervisor, supervising

Settings = TypeVar("Settings", ControlSettings, FeedSettings, GatewaySettings)
Trust = Annotated[Path, typer.Option("--trust", help="The trust file: whose keys count.", show_default=False)]
State = Annotated[Path, typer.Option("--state", help="The state folder.")]
Origin = Annotated[str, typer.Option("--origin", help="The log's name, such as log.example/2026.")]
Host = Annotated[str, typer.Option("--host", help="The address to listen on.")]
Port = Annotated[
    int, typer.Option("--port", help="The port to listen on; 0: any free port.", min=0, max=65_535)
]
FeedPort = Annotated[
    int, typer.Option("--feed-port", help="The port of the feed; 0: any free port.", min=0, max=65_535)
]
Surface = Annotated[str, typer.Option("--surface", help="The surface this gateway serves.")]
UpstreamCa = Annotated[
    Path | None,
    typer.Option(
        "--upstream-ca",
        help="A PEM file: only these authorities may certify https upstreams. Else those of the system.",
        show_default=False,
    ),
]
Bounds = Annotated[
    list[str] | None,
    typer.Option(
        "--bound",
        help="NAME=VALUE, again for each: a bound of streams and upstreams, such as keep-alive-ms=15000.",
        show_default=False,
    ),
]
TlsCert = Annotated[
    Path | None,
    typer.Option("--tls-cert", help="Speak TLS: a PEM file with the certificate chain.", show_default=False),
]
TlsKey = Annotated[
    Path | None, typer.Option("--tls-key", help="A PEM file with its private key.", show_default=False)
]
TlsClientCa = Annotated[
    Path | None,
    typer.Option(
        "--tls-client-ca",
        help="A PEM file: a client needs a certificate of one of these authorities.",
        show_default=False,
    ),
]
RequestLogFile = Annotated[
    str,
    typer.Option(
        "--request-log",
        help="Write a line for each request to this file, or to standard output with '-'.",
        show_default=False,
    ),
]
Http = Annotated[
    list[str] | None,
    typer.Option(
        "--http",
        help="NAME=VALUE, again for each: a bound of its HTTP server, such as max-connections=1024.",
        show_default=False,
    ),
]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        help="NAME=VALUE, again for each: how much one party may write in a day, such as keys=5000.",
        show_default=False,
    ),
]
Reserve = Annotated[
    int,
    typer.Option("--reserve-mib", help="How much of the disk is kept for what narrows, in MiB.", min=0),
]
ClockBound = Annotated[
    int,
    typer.Option(
        "--clock-bound",
        help="How many seconds the control plane's clock and the gateway's may differ.",
        min=1,
        max=86_400,
    ),
]
ClockIsRight = Annotated[
    bool,
    typer.Option(
        "--clock-is-right",
        help="Believe this machine's clock at this start, however far it is from the last time known.",
    ),
]
CONTROL_GIVES_WAY = 3
"""Leases come first: under load the control plane gets half of what the feed and the gateway get."""
_CLOCK_BOUND = CLOCK_BOUND_MS // 1_000
_RESERVE = RESERVE_BYTES >> 20
_STATE = Path("sluicegate-state")
_ORIGIN = "sluicegate.example/log"


def up(
    trust: Trust,
    upstream: Upstreams,
    upstream_keys: UpstreamKeys = None,
    state: State = _STATE,
    origin: Origin = _ORIGIN,
    surface: Surface = "api",
    host: Host = "127.0.0.1",
    port: Port = CONTROL_PORT,
    feed_port: FeedPort = FEED_PORT,
    gateway_port: Annotated[
        int, typer.Option("--gateway-port", help="The gateway's port; 0: any free port.", min=0, max=65_535)
    ] = GATEWAY_PORT,
    http: Http = None,
    limit: Limits = None,
    reserve_mib: Reserve = _RESERVE,
    clock_is_right: ClockIsRight = False,
    clock_bound: ClockBound = _CLOCK_BOUND,
    upstream_ca: UpstreamCa = None,
    bound: Bounds = None,
    request_log: RequestLogFile = "",
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    as_json: Json = False,
) -> None:
    """Run a control plane, its feed and a gateway, on SQLite. Ctrl-C ends all three."""
    served, bounds = upstreams.read(upstream, upstream_keys, upstream_ca), _gate_bounds(bound)
    tls = _tls(tls_cert, tls_key)
    control = _settings(
        ControlSettings(state, trust, origin, host, port, clock_is_right=clock_is_right, tls=tls),
        http,
        limit,
        reserve_mib,
    )
    with _supervised("up", state) as processes:
        begun = _start_control(processes, control, feed_port, as_json)
        token = state / "tokens" / f"{FIRST_GATEWAY}.token"
        if not token.is_file():
            raise InvalidInput(
                f"the token of {FIRST_GATEWAY} is no longer in {token.parent}",
                remedy="run 'serve' and 'gateway' apart, or put the token back",
            )
        settings = GatewaySettings(
            surface=surface,
            control_url=begun["url"],
            feed_url=begun["feed"],
            token=token.read_text().strip(),
            log_vkey=begun["vkey"],
            upstreams=served,
            state_dir=state / "gateway",
            name=FIRST_GATEWAY,
            host=host,
            port=gateway_port,
            clock_bound_ms=clock_bound * 1_000,
            request_log=request_log,
            tls=tls,
            client_cert=_client_cert(),
        )
        settings = replace(settings, **bounds)
        said = processes.start("gateway", _child(lambda before: _gate(settings, before), as_json))
        _ready("gateway", json.loads(said)["url"], as_json)
        processes.watch()


def serve(
    trust: Trust,
    state: State = _STATE,
    origin: Origin = _ORIGIN,
    host: Host = "127.0.0.1",
    port: Port = CONTROL_PORT,
    feed_port: FeedPort = FEED_PORT,
    http: Http = None,
    limit: Limits = None,
    reserve_mib: Reserve = _RESERVE,
    clock_is_right: ClockIsRight = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    as_json: Json = False,
) -> None:
    """Run the control plane and its feed; what ends is started again. Each is a process of its own.

    The first start writes tokens into STATE/tokens. Give each to its holder.
    """
    tls = _tls(tls_cert, tls_key, tls_client_ca)
    control = _settings(
        ControlSettings(state, trust, origin, host, port, clock_is_right=clock_is_right, tls=tls),
        http,
        limit,
        reserve_mib,
    )
    with _supervised("serve", state) as processes:
        _start_control(processes, control, feed_port, as_json)
        processes.watch()


def control(
    trust: Trust,
    state: State = _STATE,
    origin: Origin = _ORIGIN,
    host: Host = "127.0.0.1",
    port: Port = CONTROL_PORT,
    http: Http = None,
    limit: Limits = None,
    reserve_mib: Reserve = _RESERVE,
    clock_is_right: ClockIsRight = False,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    as_json: Json = False,
) -> None:
    """Run the control plane without its feed. Use it where something else starts and watches processes."""
    tls = _tls(tls_cert, tls_key, tls_client_ca)
    settings = _settings(
        ControlSettings(state, trust, origin, host, port, clock_is_right=clock_is_right, tls=tls),
        http,
        limit,
        reserve_mib,
    )
    _control(settings, "")(lambda said: _ready("control", said["url"], as_json, vkey=said["vkey"]))


def feed(
    state: State = _STATE,
    name: Annotated[str, typer.Option("--name", help="This feed's name, on its state folder.")] = "feed-1",
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port to listen on; 0: any.")] = FEED_PORT,
    http: Http = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    as_json: Json = False,
) -> None:
    """Run a feed: it follows the log, and gives leases to gateways.

    It works on the state folder of the control plane.
    """
    settings = FeedSettings(
        state, name, host, port, http=_http(http), tls=_tls(tls_cert, tls_key, tls_client_ca)
    )
    _feed(settings, "")(lambda said: _ready("feed", said["url"], as_json))


def gateway(
    log_key: Annotated[str, typer.Option("--log-key", help="The log's verifier key, or a file with it.")],
    token_file: Annotated[
        Path, typer.Option("--token-file", help="The gateway's token.", show_default=False)
    ],
    upstream: Upstreams,
    upstream_keys: UpstreamKeys = None,
    surface: Surface = "api",
    control: Annotated[
        str, typer.Option("--control", help="The control plane's URL.")
    ] = f"http://127.0.0.1:{CONTROL_PORT}",
    feed: Annotated[str, typer.Option("--feed", help="The feed's URL.")] = f"http://127.0.0.1:{FEED_PORT}",
    name: Annotated[
        str, typer.Option("--name", help="This gateway's name; its token has the same name.")
    ] = "gateway-1",
    state: State = _STATE / "gateway",
    host: Host = "127.0.0.1",
    port: Port = GATEWAY_PORT,
    max_body_bytes: Annotated[
        int,
        typer.Option("--max-body-bytes", help="The longest body, where pictures travel.", min=1_024),
    ] = BODY_BYTES_MAX,
    max_text_bytes: Annotated[
        int,
        typer.Option(
            "--max-text-bytes",
            help="The longest body elsewhere, and how much of a body may be other than pictures.",
            min=1_024,
        ),
    ] = TEXT_BYTES_MAX,
    max_unfinished_bytes: Annotated[
        int, typer.Option("--max-unfinished-bytes", help="What all incomplete bodies may hold.", min=1_024)
    ] = UNFINISHED_BYTES_MAX,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option("--cors-origin", help="An origin whose pages may call; again for each."),
    ] = None,
    http: Http = None,
    clock_bound: ClockBound = _CLOCK_BOUND,
    upstream_ca: UpstreamCa = None,
    bound: Bounds = None,
    request_log: RequestLogFile = "",
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="A GatewayTrust file: accept only what its keys have signed."),
    ] = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    as_json: Json = False,
) -> None:
    """Run a gateway for one surface."""
    path = Path(log_key)
    settings = GatewaySettings(
        surface=surface,
        control_url=control,
        feed_url=feed,
        token=token_file.read_text().strip() if token_file.is_file() else _no_token(token_file),
        log_vkey=path.read_text().strip() if path.is_file() else log_key,
        upstreams=upstreams.read(upstream, upstream_keys, upstream_ca),
        state_dir=state,
        trust_file=trust,
        name=name,
        host=host,
        port=port,
        max_body_bytes=max_body_bytes,
        max_text_bytes=max_text_bytes,
        cors_origins=tuple(map(cors.origin, cors_origin or ())),
        max_unfinished_bytes=max_unfinished_bytes,
        clock_bound_ms=clock_bound * 1_000,
        http=_http(http, GATEWAY_HTTP),
        request_log=request_log,
        tls=_tls(tls_cert, tls_key, tls_client_ca),
        client_cert=_client_cert(),
    )
    settings = replace(settings, **_gate_bounds(bound))
    _gate(settings, "")(lambda said: _ready("gateway", said["url"], as_json))


Said = dict[str, str]
Serving = Callable[[Callable[[Said], None]], None]
"""Serves until it is signalled, and says once where."""


def _control(settings: ControlSettings, before: str) -> Serving:
    """A control plane, on the port that it had before."""
    from sluicegate import bootstrap  # noqa: PLC0415 - see above

    def serving(said: Callable[[Said], None]) -> None:
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
        wired = bootstrap.feed(_again(settings, before))
        bootstrap.run_until_signalled(
            lambda stop: bootstrap.serve_feed(wired, stop, lambda url: said({"url": url}))
        )

    return serving


def _gate(settings: GatewaySettings, before: str) -> Serving:
    """A gateway, on the port that it had before."""
    from sluicegate import bootstrap  # noqa: PLC0415 - see above

    def serving(said: Callable[[Said], None]) -> None:
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


GATE_BOUNDS = (
    "max_event_bytes",
    "max_held_event_bytes",
    "keep_alive_ms",
    "max_upstream_connections",
    "upstream_connect_ms",
    "upstream_idle_ms",
    "cut_grace_ms",
)
"""What `--bound` sets of a gateway's settings."""


def _gate_bounds(given: list[str] | None) -> dict[str, Any]:
    return _numbers("--bound", _pairs("--bound", given, GATE_BOUNDS), 2**31 - 1)


def _tls(cert: Path | None, key: Path | None, client_ca: Path | None = None) -> TlsFiles | None:
    """The files of a server that speaks TLS. Raises: InvalidInput: one without the others."""
    if cert is None and key is None and client_ca is None:
        return None
    if cert is None or key is None:
        raise InvalidInput("TLS needs --tls-cert and --tls-key", remedy="give both, as PEM files")
    return TlsFiles(cert, key, client_ca)


def _client_cert() -> Path | None:
    given = os.environ.get(CLIENT_CERT, "")
    return Path(given) if given else None


def _http(given: list[str] | None, others: HttpSettings | None = None) -> HttpSettings:
    """The bounds of a server: those that are given, and the defaults of the others."""
    pairs = _pairs("--http", given, _names(HttpSettings))
    proxies = targets.networks(pairs.pop("proxies", ""))
    return replace(others or HttpSettings(), proxies=proxies, **_numbers("--http", pairs, 2**31 - 1))


def _pairs(option: str, given: list[str] | None, names: Iterable[str]) -> dict[str, str]:
    """What is given as NAME=VALUE for some of these settings, by name. Raises: InvalidInput."""
    known = {name.replace("_", "-"): name for name in names}
    found: dict[str, str] = {}
    for item in given or ():
        name, equals, value = item.partition("=")
        if not equals or name not in known:
            raise InvalidInput(f"{option} {item!r}, expected NAME=VALUE, with one of {', '.join(known)}")
        found[known[name]] = value
    return found


def _names(settings: type[HttpSettings | DailyLimits]) -> list[str]:
    return [each.name for each in fields(settings)]


def _numbers(option: str, pairs: dict[str, str], most: int) -> dict[str, int]:
    """The values as whole numbers up to `most`, each large enough to serve. Raises: InvalidInput."""
    for name, value in pairs.items():
        least = _LEAST.get(name, 1)
        is_number = value.isascii() and value.isdecimal() and len(value) <= len(str(most))
        if not is_number or not least <= int(value) <= most:
            given = f"{name.replace('_', '-')}={value[:80]}"
            raise InvalidInput(f"{option} {given!r}, expected a whole number from {least} to {most}")
    return {name: int(value) for name, value in pairs.items()}


_LEAST = {
    "max_head_bytes": 1_024,
    "max_target_bytes": 1_024,
    "head_timeout_ms": 100,
    "body_timeout_ms": 100,
    "write_timeout_ms": 100,
    "max_event_bytes": 1_024,
    "keep_alive_ms": 1_000,
    "upstream_connect_ms": 100,
    "upstream_idle_ms": 100,
}
"""With less a server would refuse every request. For all others it is 1."""


def _settings(
    where: ControlSettings, http: list[str] | None, limit: list[str] | None, reserve_mib: int
) -> ControlSettings:
    """The settings of a control plane, with the bounds of its server, its limits and its reserve."""
    return replace(
        where, limits=_limits(limit), reserve_bytes=reserve_mib << 20, http=_http(http), post=_post()
    )


def _limits(given: list[str] | None) -> DailyLimits:
    """The daily limits, with those that are given. Raises: InvalidInput."""
    return DailyLimits(**_numbers("--limit", _pairs("--limit", given, _names(DailyLimits)), 2**50 - 1))


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
        remedy="'token issue --role gateway --name NAME' makes a token; save it there",
    )
