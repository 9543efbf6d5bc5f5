"""`up`, `serve`, `gateway`.

The servers are imported only when they run: the import takes a second, and the help does not need it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable
from pathlib import Path
from typing import Annotated

import typer

from sluicegate import targets
from sluicegate.cli.output import Json, emit
from sluicegate.errors import InvalidInput
from sluicegate.settings import (
    CONTROL_PORT,
    GATEWAY_PORT,
    ControlSettings,
    GatewaySettings,
    PostSettings,
    UpstreamTarget,
)

Trust = Annotated[Path, typer.Option("--trust", help="The trust file: whose keys count.", show_default=False)]
State = Annotated[Path, typer.Option("--state", help="The state folder.")]
Origin = Annotated[str, typer.Option("--origin", help="The log's name, such as log.example/2026.")]
Host = Annotated[str, typer.Option("--host", help="The address to listen on.")]
Port = Annotated[
    int, typer.Option("--port", help="The port to listen on; 0: any free port.", min=0, max=65_535)
]
Surface = Annotated[str, typer.Option("--surface", help="The surface this gateway serves.")]
Upstreams = Annotated[
    list[str],
    typer.Option(
        "--upstream",
        help="NAME=URL, again for each. SLUICEGATE_UPSTREAM_KEY_<NAME> holds its key, if it needs one.",
        show_default=False,
    ),
]
_STATE = Path("sluicegate-state")
_ORIGIN = "sluicegate.example/log"


def up(
    trust: Trust,
    upstream: Upstreams,
    state: State = _STATE,
    origin: Origin = _ORIGIN,
    surface: Surface = "api",
    host: Host = "127.0.0.1",
    port: Port = CONTROL_PORT,
    gateway_port: Annotated[
        int, typer.Option("--gateway-port", help="The gateway's port; 0: any free port.", min=0, max=65_535)
    ] = GATEWAY_PORT,
    as_json: Json = False,
) -> None:
    """Run a control plane and a gateway in one process, on SQLite. Ctrl-C ends both."""
    from sluicegate import bootstrap  # noqa: PLC0415 - see above

    wired = bootstrap.control(ControlSettings(state, trust, origin, host, port, post=_post()), "up")
    token = wired.token(bootstrap.FIRST_GATEWAY)
    if token is None:
        raise InvalidInput(
            f"the token of {bootstrap.FIRST_GATEWAY} is no longer in {state / 'tokens'}",
            remedy="run 'serve' and 'gateway' apart, or put the token back",
        )

    async def both(stop: asyncio.Event) -> None:
        async def gate(control_url: str) -> None:
            settings = GatewaySettings(
                surface=surface,
                control_url=control_url,
                token=token,
                log_vkey=wired.vkey,
                upstreams=_targets(upstream),
                state_dir=state / "gateway",
                name=bootstrap.FIRST_GATEWAY,
                host=host,
                port=gateway_port,
            )
            await bootstrap.serve_gate(settings, stop, lambda url: _ready("gateway", url, as_json))

        control_ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def on_control(url: str) -> None:
            _ready("control", url, as_json, vkey=wired.vkey)
            control_ready.set_result(url)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_then_stop(bootstrap.serve_control(wired, stop, on_control), stop))
            tasks.create_task(_then_stop(gate(await control_ready), stop))

    bootstrap.run_until_signalled(both)


def serve(
    trust: Trust,
    state: State = _STATE,
    origin: Origin = _ORIGIN,
    host: Host = "127.0.0.1",
    port: Port = CONTROL_PORT,
    as_json: Json = False,
) -> None:
    """Run the control plane. Its first start writes tokens into STATE/tokens. Give each to its holder."""
    from sluicegate import bootstrap  # noqa: PLC0415 - see above

    wired = bootstrap.control(ControlSettings(state, trust, origin, host, port, post=_post()), "serve")
    bootstrap.run_until_signalled(
        lambda stop: bootstrap.serve_control(
            wired, stop, lambda url: _ready("control", url, as_json, vkey=wired.vkey)
        )
    )


def gateway(
    log_key: Annotated[str, typer.Option("--log-key", help="The log's verifier key, or a file with it.")],
    token_file: Annotated[
        Path, typer.Option("--token-file", help="The gateway's token.", show_default=False)
    ],
    upstream: Upstreams,
    surface: Surface = "api",
    control: Annotated[
        str, typer.Option("--control", help="The control plane's URL.")
    ] = "http://127.0.0.1:8600",
    name: Annotated[
        str, typer.Option("--name", help="This gateway's name; its token has the same name.")
    ] = "gateway-1",
    state: State = _STATE / "gateway",
    host: Host = "127.0.0.1",
    port: Port = GATEWAY_PORT,
    max_body_bytes: Annotated[
        int, typer.Option("--max-body-bytes", help="The longest body of a request.", min=1_024)
    ] = 8 * 1024 * 1024,
    trust: Annotated[
        Path | None,
        typer.Option("--trust", help="A GatewayTrust file: accept only what its keys have signed."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a gateway for one surface."""
    from sluicegate import bootstrap  # noqa: PLC0415 - see above

    path = Path(log_key)
    settings = GatewaySettings(
        surface=surface,
        control_url=control,
        token=token_file.read_text().strip() if token_file.is_file() else _no_token(token_file),
        log_vkey=path.read_text().strip() if path.is_file() else log_key,
        upstreams=_targets(upstream),
        state_dir=state,
        trust_file=trust,
        name=name,
        host=host,
        port=port,
        max_body_bytes=max_body_bytes,
    )
    bootstrap.run_until_signalled(
        lambda stop: bootstrap.serve_gate(settings, stop, lambda url: _ready("gateway", url, as_json))
    )


def _ready(what: str, url: str, as_json: bool, **more: str) -> None:
    lines = [f"{what} listening on {url}", *(f"  {name}: {value}" for name, value in more.items())]
    emit({"ready": what, "url": url, **more}, as_json, "\n".join(lines))


async def _then_stop(serving: Awaitable[None], stop: asyncio.Event) -> None:
    """The server that ends first ends the other."""
    try:
        await serving
    finally:
        stop.set()


def _targets(given: list[str]) -> dict[str, UpstreamTarget]:
    targets: dict[str, UpstreamTarget] = {}
    for item in given:
        name, _, url = item.partition("=")
        if not name or not url.startswith(("http://", "https://")):
            raise InvalidInput(
                f"the upstream {item!r}, expected NAME=URL, such as demo=http://127.0.0.1:8800"
            )
        variable = "SLUICEGATE_UPSTREAM_KEY_" + name.upper().replace("-", "_").replace(".", "_")
        targets[name] = UpstreamTarget(url, os.environ.get(variable, ""))
    return targets


def _post() -> PostSettings:
    """How letters are sent: SLUICEGATE_WEBHOOK_NETWORKS, SLUICEGATE_SMTP and the settings for it."""
    server, sender = os.environ.get("SLUICEGATE_SMTP", ""), os.environ.get("SLUICEGATE_MAIL_FROM", "")
    host, _, port = server.rpartition(":")
    if server and not (host and port.isascii() and port.isdecimal() and 0 < int(port) <= 65_535):
        raise InvalidInput(f"SLUICEGATE_SMTP is {server!r}, expected HOST:PORT, such as mail.example:587")
    if server:
        targets.check_mail(sender)
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
