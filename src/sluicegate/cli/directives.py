"""`directive …`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.cli.files import read_text
from sluicegate.cli.output import Json, emit, table
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.core import directive, document
from sluicegate.errors import CommandRefused

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


def status(name: Name, as_json: Json = False) -> None:
    """Show where a directive is in force, gateway by gateway."""
    answer = Client().get(f"/api/v1/directives/{name}/status")
    rows = [
        [
            row["gateway"],
            row["incarnation"][:8],
            row["surface"],
            row["size"],
            row["state"],
            row["at"],
            row["streamsCut"],
        ]
        for row in answer["gateways"]
    ]
    columns = ["gateway", "incarnation", "surface", "size", "state", "at", "streams cut"]
    word = (
        "lifted" if answer["lifted"] else "in force everywhere" if answer["inForce"] else "not yet everywhere"
    )
    emit(
        answer, as_json, table(f"{name}: {word}", columns, rows, f"{name}: {word}; no gateway holds a lease")
    )


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
