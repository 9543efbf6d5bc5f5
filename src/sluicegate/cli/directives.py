"""`directive …`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.cli.files import read_text
from sluicegate.cli.output import Json, emit, table, visible
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.core import directive, document
from sluicegate.errors import CommandRefused

WATCH_EVERY_S = 0.25
"""How long `--watch` waits before it asks again."""
File = Annotated[Path, typer.Argument(help="A directive, as YAML.", show_default=False)]
Name = Annotated[str, typer.Argument(help="The directive's name.", show_default=False)]
Key = Annotated[Path, typer.Option("--key", help="The issuer's private key.", show_default=False)]


def preview(file: File, as_json: Json = False) -> None:
    """Show whom a directive would cover and spare. Changes nothing."""
    answer = Client().post("/api/v1/directives/preview", {"text": read_text(file), "file": str(file)})
    emit(answer, as_json, f"{answer['directive']} would cover {_counts(answer)}")


def issue(
    file: File,
    key: Key,
    log: Annotated[
        str, typer.Option("--log", help="The verifier key of the log it is for; else the control plane's.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Sign a directive and put it in force, at once, streams in flight included."""
    given = directive.read(document.read(read_text(file), str(file)))
    client = Client()
    bound = log or client.get("/api/v1/log")["vkey"]
    answer = client.post("/api/v1/directives", signing.directive(given, bound, signing.private_key(key)))
    text = f"{answer['directive']} is on the record at size {answer['size']} and covers {_counts(answer)}"
    emit(answer, as_json, f"{text}\n  watch it: sluicegate directive status {answer['directive']}")


def lift(name: Name, key: Key, as_json: Json = False) -> None:
    """Say that a directive is to be lifted: signed by a party that its 'liftedBy' names."""
    client = Client()
    case = client.post(f"/api/v1/directives/{name}/lift")["case"]
    exported = client.get(f"/api/v1/cases/{case}/export")
    signing.check_export(exported)
    if exported["question"].get("directive") != name:
        raise CommandRefused(f"the control plane answered about {exported['question']['directive']!r}")
    envelope = signing.position(exported, signing.Said("approve"), signing.private_key(key))
    said = client.post("/api/v1/positions", {"envelope": envelope})
    answer = {
        "directive": name,
        "case": case,
        "size": said["size"],
        "lifted": said["determination"] == "approved",
    }
    outcome = "is lifted" if answer["lifted"] else f"is not lifted yet; see: sluicegate case show {case}"
    emit(answer, as_json, f"{name} {outcome}, at size {answer['size']}")


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
        lines.append(f"  entry {answer['entry']} proves it, since {answer['inForceSince']}")
    emit(answer, as_json, "\n".join(lines))


def _watch(name: str, as_json: bool) -> None:
    """Follow a directive until the entry is there that says it is in force everywhere.

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
    return "in force everywhere" if answer["inForce"] else "not yet everywhere"


def _key(row: dict[str, Any]) -> str:
    return f"point {row['point']}" if "point" in row else f"run {row['gateway']} {row['incarnation']}"


def _line(row: dict[str, Any]) -> str:
    """How a gateway or a point stands with a directive."""
    at = f" at {row['at']}" if row["at"] else ""
    if "point" in row:
        return f"point {row['point']} on {row['surface']}, which others run: {row['state']}{at}"
    cut = f", {row['streamsCut']} streams cut" if row["streamsCut"] else ""
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
            found["covers"] if found["covers"] == "everyone" else json.dumps(found["covers"]),
            "in force" if found["inForce"] else "lifted",
            found["issuedAt"],
        ]
        for found in answer["directives"]
    ]
    columns = ["directive", "issuer", "basis", "models", "covers", "state", "issued"]
    emit(answer, as_json, table("", columns, rows, "No directive on the record."))


def _counts(answer: dict[str, Any]) -> str:
    covered, spared = answer["covered"], answer["spared"]
    return (
        f"{covered['organizations']} organizations with {covered['credentials']} keys; "
        f"it spares {spared['organizations']} with {spared['credentials']}"
    )
