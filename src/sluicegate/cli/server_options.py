"""The options that the commands of servers share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sluicegate.cli.options import value

Trust = Annotated[
    Path,
    value(
        "--trust",
        "The trust file: whose keys count. YAML with apiVersion: sluicegate/v1, kind: Trust, "
        "metadata: {developer: NAME}, and spec: {officers: {NAME: {key: PUBLIC}}, agencies: …}, in the same "
        "form; 'sluicegate keys generate' makes keys.",
    ),
]
State = Annotated[Path, typer.Option("--state", help="The state folder.")]
Origin = Annotated[str, typer.Option("--origin", help="The log's name, such as log.example/2026.")]
Url = Annotated[
    str,
    typer.Option(
        "--url",
        help="Where people reach the pages, such as https://release.example. By default, only this machine.",
    ),
]
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
    value(
        "--upstream-ca",
        "A PEM file: only these authorities may certify https upstreams. Else those of the system.",
    ),
]
Bounds = Annotated[
    list[str] | None,
    value(
        "--bound",
        "NAME=VALUE, again for each: a bound of streams and upstreams, such as keep-alive-ms=15000.",
    ),
]
MaxBodyBytes = Annotated[
    int, typer.Option("--max-body-bytes", help="The longest body, where pictures travel.", min=1_024)
]
MaxTextBytes = Annotated[
    int,
    typer.Option(
        "--max-text-bytes",
        help="The longest body elsewhere, and how much of a body may be other than pictures.",
        min=1_024,
    ),
]
MaxUnfinishedBytes = Annotated[
    int, typer.Option("--max-unfinished-bytes", help="What all incomplete bodies may hold.", min=1_024)
]
CorsOrigins = Annotated[
    list[str] | None, value("--cors-origin", "An origin whose pages may call; again for each.")
]
TlsCert = Annotated[Path | None, value("--tls-cert", "Speak TLS: a PEM file with the certificate chain.")]
TlsKey = Annotated[Path | None, value("--tls-key", "A PEM file with its private key.")]
TlsClientCa = Annotated[
    Path | None,
    value("--tls-client-ca", "A PEM file: a client needs a certificate of one of these authorities."),
]
RequestLogFile = Annotated[
    str, value("--request-log", "Write a line for each request to this file, or to standard output with '-'.")
]
SafetyWebhooks = Annotated[
    Path | None,
    value("--safety-webhooks", "A file (TOML) that says whose safety webhooks come in, by party."),
]
SignIn = Annotated[
    Path | None,
    value("--sign-in", "A file (TOML) that says by which identity providers people sign in to the pages."),
]
RequestDays = Annotated[
    int,
    typer.Option(
        "--request-days",
        help="For how many days the gateway keeps, by request id, under what each request ran, without its "
        "content: for 'sluicegate dossier --request'. 0: not at all.",
        min=0,
        max=3_650,
    ),
]
RequestKey = Annotated[
    Path | None,
    value(
        "--request-key",
        "The file with the secret of what is kept of requests, apart from it; made if it is missing.",
    ),
]
Http = Annotated[
    list[str] | None,
    value("--http", "NAME=VALUE, again for each: a bound of its HTTP server, such as max-connections=1024."),
]
Limits = Annotated[
    list[str] | None,
    value("--limit", "NAME=VALUE, again for each: how much one party may write in a day, such as keys=5000."),
]
Reserve = Annotated[
    int, typer.Option("--reserve-mib", help="How much of the disk is kept for what narrows, in MiB.", min=0)
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
