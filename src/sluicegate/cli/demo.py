"""`demo run`, `demo story`, `demo upstream`."""

from __future__ import annotations

from typing import Annotated

import typer

from sluicegate.cli.output import Json, emit
from sluicegate.settings import UPSTREAM_PORT


def upstream(
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port")] = UPSTREAM_PORT,
    chunks: Annotated[int, typer.Option("--chunks", help="Pieces of a stream.")] = 20,
    interval_ms: Annotated[int, typer.Option("--interval-ms", help="Pause between two pieces.")] = 0,
    delay_ms: Annotated[int, typer.Option("--delay-ms", help="Pause before an answer.")] = 0,
    as_json: Json = False,
) -> None:
    """Run the demonstration's model server."""
    from sluicegate.demo import upstream as server  # noqa: PLC0415 - what serves is imported where it serves

    settings = server.UpstreamSettings(chunks, interval_ms, delay_ms)

    def ready(bound: int) -> None:
        url = f"http://{host}:{bound}"
        emit({"ready": "upstream", "url": url}, as_json, f"upstream listening on {url}")

    server.serve(settings, host, port, ready)


def run() -> None:
    """Start everything on this machine, with the example release under way."""
    raise NotImplementedError


def story() -> None:
    """Tell the whole story once."""
    raise NotImplementedError
