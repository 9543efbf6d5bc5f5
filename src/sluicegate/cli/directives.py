"""`directive status`, `show`, `affected`, `list`, and `definition …`: what is on the record."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer

from sluicegate.cli import wording
from sluicegate.cli.output import Json, emit, visible
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate.errors import CommandRefused
from sluicegate_record.terms.text import counted

WATCH_EVERY_S = 0.25
"""How long `--watch` waits before it asks again."""
Name = Annotated[str, typer.Argument(help="The directive's name.", show_default=False)]


def show(name: Name, as_json: Json = False) -> None:
    """Show what the public record says of a directive: who issued it, who it covers, why, and later notes."""
    answer = Client().get(f"/api/v1/directives/{name}")
    emit(answer, as_json, wording.directive(answer))


def affected(name: Name, as_json: Json = False) -> None:
    """Show how many of your own people a directive covers, and how to make unknown statuses known."""
    answer = Client().get(f"/api/v1/directives/{name}/affected")
    emit(answer, as_json, wording.coverage(f"of your organization, {name} covers", answer))


def define(
    name: Annotated[str, typer.Argument(help="The definition's name.", show_default=False)],
    status_: Annotated[list[str], typer.Option("--status", help="A status it means; again for each.")],
    source: Annotated[str, typer.Option("--source", help="Where that is written.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Say which person statuses the words of an order mean. It cannot be changed."""
    body = {"name": name, "statuses": status_, "source": source}
    answer = Client().post("/api/v1/definitions", body)
    emit(answer, as_json, f"{name} means {', '.join(answer['statuses'])} ({source})")


def definitions(as_json: Json = False) -> None:
    """List what the words of orders mean here, and the source of each meaning."""
    answer = Client().get("/api/v1/definitions")
    rows = [
        [each["definition"], ", ".join(each["statuses"]), each["source"]] for each in answer["definitions"]
    ]
    emit(answer, as_json, table("", ["definition", "statuses", "source"], rows, "No definition."))


def status(
    name: Name,
    watch: Annotated[
        bool, typer.Option("--watch", help="Follow it until it is in force everywhere.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show where a directive is in force: gateway by gateway, and point by point."""
    if watch:
        _watch(name, as_json)
        return
    answer = _status(name)
    rows = [
        [
            row["gateway"],
            row["incarnation"][:8],
            row["surface"],
            row["size"],
            _state(row),
            row["at"],
            row["streamsCut"],
            "yes" if row["signed"] else "no",
        ]
        for row in answer["gateways"]
    ]
    columns = ["gateway", "incarnation", "surface", "size", "state", "at", "streams cut", "signed"]
    title = f"{name}: {_word(answer)}"
    lines = [table(title, columns, rows, f"{title}; no gateway holds a lease")]
    lines += [f"  {_line(row)}" for row in answer["points"]]
    if answer["entry"] is not None:
        lines.append(f"  in force everywhere since {answer['inForceSince']}, as entry {answer['entry']} says")
    emit(answer, as_json, "\n".join(lines))


def _watch(name: str, as_json: bool) -> None:
    """Follow a directive until an entry says that it is in force everywhere.

    Raises: CommandRefused: it is lifted, so it will not be.
    """
    shown: dict[str, Any] = {}
    known: dict[str, str] = {}
    while True:
        answer = _status(name)
        if as_json and answer != shown:
            typer.echo(json.dumps(answer, ensure_ascii=False))
        lines = {_key(row): _line(row) for row in (*answer["gateways"], *answer["points"])}
        lines[""] = f"{name}: {_word(answer)}"
        for key, line in lines.items():
            if not as_json and known.get(key) != line:
                typer.echo(visible(line))
        shown, known = answer, lines
        if answer["inForce"] and answer["entry"] is not None:
            return
        if answer["lifted"]:
            raise CommandRefused(f"the directive {name!r} has been lifted", code="directive_lifted")
        time.sleep(WATCH_EVERY_S)


def _status(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = Client().get(f"/api/v1/directives/{name}/status")
    return answer


def _word(answer: dict[str, Any]) -> str:
    if answer["lifted"]:
        return "lifted"
    return "in force everywhere" if answer["inForce"] else "not yet in force everywhere"


def _key(row: dict[str, Any]) -> str:
    return f"point {row['point']}" if "point" in row else f"run {row['gateway']} {row['incarnation']}"


def _line(row: dict[str, Any]) -> str:
    """The state of a directive at a gateway or a point."""
    at = f" at {row['at']}" if row["at"] else ""
    if "point" in row:
        return f"point {row['point']} on {row['surface']}, which others run: {row['state']}{at}"
    cut = f", {counted(row['streamsCut'], 'stream')} cut" if row["streamsCut"] else ""
    return f"{row['gateway']} {row['incarnation'][:8]} on {row['surface']}: {_state(row)}{at}{cut}"


def _state(row: dict[str, Any]) -> str:
    state = str(row["state"]).replace("_", " ")
    return f"{state}, another {_DRIFTS[row['drifted']]}" if row["drifted"] else state


_DRIFTS = {"root": "log", "fold": "version"}


def listed(as_json: Json = False) -> None:
    """List every directive on the record, newest first."""
    answer = Client().get("/api/v1/directives")
    rows = [
        [
            found["directive"],
            found["issuer"],
            found["basis"]["kind"],
            ", ".join(found["models"]),
            wording.whom(found["covers"]),
            ("drill, " if found["drill"] else "") + ("in force" if found["inForce"] else found["ended"]),
            found["issuedAt"],
        ]
        for found in answer["directives"]
    ]
    columns = ["directive", "issuer", "basis", "models", "covers", "state", "issued"]
    emit(answer, as_json, table("", columns, rows, "No directive on the record."))
