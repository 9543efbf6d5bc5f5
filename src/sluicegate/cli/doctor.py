"""`doctor`: what is wrong with a deployment, and what to do about it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.cli import upstreams
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, emit
from sluicegate.cli.server_options import State
from sluicegate.settings import RESERVE_BYTES

_STATE = Path("sluicegate-state")
_RESERVE = RESERVE_BYTES >> 20


def doctor(
    state: State = _STATE,
    trust: Annotated[Path | None, value("--trust", "The control plane's trust file.")] = None,
    control: Annotated[str, typer.Option("--control", help="The control plane's URL.")] = "",
    feed: Annotated[str, typer.Option("--feed", help="The feed's URL.")] = "",
    gateway: Annotated[
        list[str] | None, value("--gateway", "A gateway's URL, or its state folder; again for each.")
    ] = None,
    gateway_trust: Annotated[
        list[Path] | None, value("--gateway-trust", "A gateway's trust file; again for each.")
    ] = None,
    upstream: Annotated[
        list[str] | None, value("--upstream", "NAME=URL, as a gateway has it; again for each.")
    ] = None,
    tls_cert: Annotated[
        list[Path] | None, value("--tls-cert", "A server's certificate; again for each.")
    ] = None,
    backups: Annotated[Path | None, value("--backups", "The folder with the backups.")] = None,
    reserve_mib: Annotated[
        int, typer.Option("--reserve-mib", help="What the control plane keeps of the disk.", min=0)
    ] = _RESERVE,
    as_json: Json = False,
) -> None:
    """Look at a deployment, and say what is wrong and what to do. It changes nothing.

    Exit code 0: nothing fails; 1: something does.
    """
    from sluicegate.recovery import doctor as examined  # noqa: PLC0415 - it needs what servers need

    named = gateway or []
    urls = [each for each in named if each.startswith(("http://", "https://"))]
    own = [state / "gateway"] if (state / "gateway" / "seen.json").is_file() else []
    served = {name: each.base_url for name, each in upstreams.read(upstream or []).items()}
    found = list(
        examined.examine(
            examined.Site(
                state,
                trust,
                control,
                feed,
                urls,
                [*own, *(Path(each) for each in named if each not in urls)],
                gateway_trust or [],
                served,
                tls_cert or [],
                backups,
                reserve_mib << 20,
                dict(os.environ),
            ),
            lambda: time.time_ns() // 1_000_000,
        )
    )
    failures = sum(each.state == examined.FAILS for each in found)
    lines = []
    for each in found:
        lines.append(f"{each.state:8} {each.check}: {each.what}")
        if each.do:
            lines.append(f"         what to do: {each.do}")
    rows = [{"check": each.check, "state": each.state, "what": each.what, "do": each.do} for each in found]
    emit({"ok": not failures, "findings": rows}, as_json, "\n".join(lines))
    if failures:
        raise typer.Exit(1)
