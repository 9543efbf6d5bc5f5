"""`drill …`: try a directive without refusing a request."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.cli import orders
from sluicegate.cli.files import read_text, write_json
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.core.directives import directive
from sluicegate.core.terms import document
from sluicegate.errors import CommandRefused

ASK_EVERY_S = 0.1
NAME_MAX = 63
"""How many characters a name in a document may have."""
Name = Annotated[str, typer.Argument(help="The drill's name.", show_default=False)]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the signed report to this file.")]


def run(
    file: orders.File,
    key: orders.Keys,
    log: orders.Log = "",
    name: Annotated[
        str, typer.Option(help="The drill's name; without it, the directive's name and the time.")
    ] = "",
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Try a directive: issue it as a drill, wait until it is acknowledged everywhere, end it, report.

    No request is refused. The file is a directive as you would issue it, and its name stays free for that.
    After Ctrl-C, use 'drill end'.
    """
    given = directive.read(document.read(read_text(file), str(file)))
    given["metadata"] = {"name": name or _name(given["metadata"]["name"]), "drill": True}
    client = Client()
    name = client.post("/api/v1/directives", orders.signed(given, file, key, log))["directive"]
    while not client.get(f"/api/v1/directives/{name}/status")["inForceSince"]:
        time.sleep(ASK_EVERY_S)
    client.post(f"/api/v1/drills/{name}/end")
    _report(client, name, output, as_json, patient=True)


def end(name: Name, as_json: Json = False) -> None:
    """End a drill."""
    answer = Client().post(f"/api/v1/drills/{name}/end")
    emit(answer, as_json, f"the drill {name} is over; see: sluicegate drill report {name}")


def report(name: Name, output: Output = None, as_json: Json = False) -> None:
    """Show the signed report of a drill: how long until it was in force everywhere,
    and until access was back.
    """
    _report(Client(), name, output, as_json, patient=False)


def _name(of: str) -> str:
    """A name for the drill: the record never frees a name, and the order itself will need this one."""
    suffix = f"-drill-{datetime.now(tz=UTC):%Y%m%d-%H%M%S}"
    return of[: NAME_MAX - len(suffix)] + suffix


def _report(client: Client, name: str, output: Path | None, as_json: bool, *, patient: bool) -> None:
    answer = _asked(client, name, patient=patient)
    if output is not None:
        write_json(output, answer["envelope"])
    rows = [
        [row["gateway"], row["surface"], row["state"], row["at"], row["restoredAt"], row["wouldCut"]]
        for row in answer["gateways"]
    ]
    columns = ["gateway", "surface", "state", "at", "restored", "would have cut"]
    zero, restored = answer["timeToZeroMs"], answer["timeToRestoreMs"]
    title = (
        f"{name}: in force everywhere after {zero} ms; "
        f"access back everywhere {restored} ms after its end; no request was refused"
    )
    emit(answer, as_json, table(title, columns, rows, f"{title}; no gateway holds a lease"))


def _asked(client: Client, name: str, *, patient: bool) -> dict[str, Any]:
    while True:
        try:
            answer: dict[str, Any] = client.get(f"/api/v1/drills/{name}/report")
        except CommandRefused as refused:
            if not patient or refused.code != "drill_running":
                raise
            time.sleep(ASK_EVERY_S)
        else:
            return answer
