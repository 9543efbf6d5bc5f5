"""`drill …`: try a directive without refusing a request."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import directives
from sluicegate.acts import drills as acts
from sluicegate.acts.directives import DirectiveArgument
from sluicegate.acts.drills import DrillArgument, SignedDrillReport
from sluicegate.cli import orders, wording
from sluicegate.cli.acting import acting, argument, helped
from sluicegate.cli.files import write_json
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, tell
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.errors import CommandRefused

ASK_EVERY_S = 0.1
Name = Annotated[str, argument(DrillArgument, "drill")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the signed report to this file.")]


def run(
    file: Annotated[Path, word("A directive, as YAML, or what 'sluicegate directive sign --drill' wrote.")],
    key: Annotated[
        list[Path] | None, value("--key", "The issuer's private key; two officers' otherwise.")
    ] = None,
    log: orders.Log = "",
    name: Annotated[
        str, typer.Option(help="The drill's name; without it, the directive's name and the time.")
    ] = "",
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Try a directive: issue it as a drill, wait until it is acknowledged everywhere, end it, report.

    No request is refused. The file is a directive as you would issue it, and its name stays free for that.
    After Ctrl-C, use 'sluicegate drill end'.
    """
    made, client = orders.given_to_issue(file, key or [], log, drill=name), Client()
    name = client.do(directives.ISSUE, made).directive
    while client.do(directives.STATUS, DirectiveArgument(directive=name)).in_force_since_ms is None:
        time.sleep(ASK_EVERY_S)
    client.do(acts.END, DrillArgument(drill=name))
    _report(client, name, output, as_json, patient=True)


end = acting(
    acts.END,
    lambda over: f"the drill {over.directive} is over; see: sluicegate drill report {over.directive}",
    drill="name",
)


@helped(acts.REPORT)
def report(name: Name, output: Output = None, as_json: Json = False) -> None:
    _report(Client(), name, output, as_json, patient=False)


def _report(client: Client, name: str, output: Path | None, as_json: bool, *, patient: bool) -> None:
    answer = _asked(client, name, patient=patient)
    if output is not None:
        write_json(output, answer.envelope)
    rows = [
        [
            row.gateway,
            row.surface,
            row.state,
            wording.moment(row.at_ms),
            wording.moment(row.restored_at_ms),
            row.would_cut,
        ]
        for row in answer.gateways
    ]
    columns = ["gateway", "surface", "state", "at", "restored", "would have cut"]
    title = (
        f"{name}: in force everywhere after {answer.time_to_zero_ms} ms; "
        f"access back everywhere {answer.time_to_restore_ms} ms after its end; no request was refused"
    )
    tell(answer, as_json, table(title, columns, rows, f"{title}; no gateway holds a lease"))


def _asked(client: Client, name: str, *, patient: bool) -> SignedDrillReport:
    while True:
        try:
            return client.do(acts.REPORT, DrillArgument(drill=name))
        except CommandRefused as refused:
            if not patient or refused.code != "drill_running":
                raise
        time.sleep(ASK_EVERY_S)
