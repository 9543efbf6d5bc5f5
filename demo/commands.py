"""`demo run`, `demo story`, `demo upstream`, `demo model`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from demo.telling import Report
from sluicegate.cli.output import Json, emit
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate.settings import CONTROL_PORT, DESK_PORT, FEED_PORT, GATEWAY_PORT, UPSTREAM_PORT

_PORT: dict[str, Any] = {"help": "The port to listen on; 0: any that is free.", "min": 0, "max": 65_535}
_RUN_STATE = Path("build/run")
_STORY_STATE = Path("build/demo")
_STORY_REPORT = Path("build/demo.json")
_MODEL = Annotated[
    str | None,
    typer.Option("--model", help="A real model that answers, in place of a server that repeats: smollm2."),
]


def upstream(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", **_PORT)] = UPSTREAM_PORT,
    chunks: Annotated[int, typer.Option("--chunks", help="Pieces of a stream.")] = 20,
    interval_ms: Annotated[int, typer.Option("--interval-ms", help="Pause between two pieces.")] = 0,
    delay_ms: Annotated[int, typer.Option("--delay-ms", help="Pause before an answer.")] = 0,
    as_json: Json = False,
) -> None:
    """Run the demonstration's model server."""
    from demo import upstream as server  # noqa: PLC0415 - what serves is imported where it serves

    settings = server.UpstreamSettings(chunks, interval_ms, delay_ms)

    def ready(bound: int) -> None:
        url = f"http://{host}:{bound}"
        emit({"ready": "upstream", "url": url}, as_json, f"upstream listening on {url}")

    server.serve(settings, host, port, ready)


def model(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", **_PORT)] = UPSTREAM_PORT,
    as_json: Json = False,
) -> None:
    """Run a real small model, SmolLM2, behind OpenAI's API."""
    from demo import model as server  # noqa: PLC0415 - as above

    def ready(url: str) -> None:
        emit({"ready": "model", "url": url}, as_json, f"{server.NAME} listening on {url}")
        sys.stdout.flush()

    server.serve(host, port, ready)


def run(
    state: Annotated[Path, typer.Option("--state", help="Where the next run goes on from.")] = _RUN_STATE,
    control_port: Annotated[int, typer.Option("--control-port", **_PORT)] = CONTROL_PORT,
    feed_port: Annotated[int, typer.Option("--feed-port", **_PORT)] = FEED_PORT,
    gateway_port: Annotated[int, typer.Option("--gateway-port", **_PORT)] = GATEWAY_PORT,
    upstream_port: Annotated[int, typer.Option("--upstream-port", **_PORT)] = UPSTREAM_PORT,
    desk_port: Annotated[int, typer.Option("--desk-port", **_PORT)] = DESK_PORT,
    model: _MODEL = None,
    as_json: Json = False,
) -> None:
    """Start everything on this machine, with the example release under way. Ctrl-C ends it."""
    from demo import run as runs  # noqa: PLC0415 - as above
    from demo.site import Ports  # noqa: PLC0415

    def ready(started: runs.Started) -> None:
        emit(started.answer, as_json, started.text)
        sys.stdout.flush()

    ports = Ports(control_port, feed_port, gateway_port, upstream_port, desk_port)
    runs.run(state, ports, _say, ready, _server(model))


def story(
    state: Annotated[Path, typer.Option("--state", help="Where it plays, in a new folder.")] = _STORY_STATE,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the report goes.")] = _STORY_REPORT,
    model: _MODEL = None,
    as_json: Json = False,
) -> None:
    """Tell the whole story once, with real processes, and check every step of it."""
    report = _storyteller()(state, output, _say if as_json else typer.echo, _server(model))
    failed = next((step for step in report.steps if not step.ok), None)
    outcome = f"The step {failed.name!r} was not" if failed else f"All {len(report.steps)} steps were"
    emit(report.answer(), as_json, f"{outcome} as told, in {report.seconds} s; the report is {output}.")
    if failed is not None:
        said = failed.detail.splitlines()[-1]
        raise VerificationFailed(f"the step {failed.name!r} was not as told: {said}", remedy=f"see {output}")


def _server(model: str | None) -> str:
    """The command that serves the model. Raises: InvalidInput: no such model, or it is not installed."""
    if model is None:
        return "upstream"
    from demo import model as real  # noqa: PLC0415 - as above

    if model != real.NAME:
        raise InvalidInput(f"no model {model!r}", remedy=f"the one that there is: {real.NAME}")
    real.weights()
    return "model"


def _storyteller() -> Callable[[Path, Path, Callable[[str], None], str], Report]:
    """The story's function. Raises: InvalidInput: the OpenAI SDK, which it uses, is not installed."""
    try:
        from demo.story import story as told  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        if error.name not in ("httpx2", "openai"):
            raise
        raise InvalidInput(
            "the story is told with the official OpenAI SDK, which is not installed",
            remedy="'make demo' installs it, and so does: python -m pip install openai",
        ) from error
    return told


def _say(line: str) -> None:
    typer.echo(line, err=True)
