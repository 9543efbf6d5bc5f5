"""`point …`: surfaces where others enforce directives."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sluicegate.cli.files import read_text
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.errors import CommandRefused
from sluicegate_record.log import canonical, dsse
from sluicegate_record.statements.points import Pointing

Name = Annotated[str, typer.Argument(help="The point's name.", show_default=False)]
OfficersKey = Annotated[Path, typer.Option("--key", help="An officer's private key.", show_default=False)]


def declare(
    name: Name,
    surface: Annotated[
        str,
        typer.Option("--surface", help="The surface it serves, by its name in a plan.", show_default=False),
    ],
    public: Annotated[Path, typer.Option("--public", help="The point's public key.", show_default=False)],
    key: OfficersKey,
    as_json: Json = False,
) -> None:
    """Declare an enforcement point that has no gateway of ours.

    Directives on its surface wait for its statement.
    """
    client = Client()
    said = Pointing(
        log=client.get("/api/v1/log")["vkey"],
        point=name,
        surface=surface,
        key=dsse.load_public(read_text(public)),
        says="declared",
    )
    answer = client.post("/api/v1/points", {"envelope": signing.signed(said, signing.private_key(key))})
    emit(answer, as_json, f"{name} is declared for {surface}, at size {answer['size']}")


def retire(name: Name, key: OfficersKey, as_json: Json = False) -> None:
    """Retire a point: no directive waits for it any more. Its name cannot be used again."""
    client = Client()
    found = next((point for point in client.get("/api/v1/points")["points"] if point["point"] == name), None)
    if found is None:
        raise CommandRefused(f"no point {name!r}", code="point_unknown", remedy="'point list' shows them")
    log = client.get("/api/v1/log")["vkey"]
    public = canonical.unb64(found["publicKey"])
    said = Pointing(log=log, point=name, surface=found["surface"], key=public, says="retired")
    answer = client.post("/api/v1/points", {"envelope": signing.signed(said, signing.private_key(key))})
    emit(answer, as_json, f"{name} is retired, at size {answer['size']}")


def state(
    name: Name,
    directive: Annotated[str, typer.Argument(help="The directive's name.", show_default=False)],
    key: Annotated[Path, typer.Option("--key", help="The point's private key.", show_default=False)],
    says: Annotated[
        Literal["enforced", "restored"],
        typer.Option("--says", help="That it enforces the directive, or has restored access."),
    ] = "enforced",
    as_json: Json = False,
) -> None:
    """Say, with the point's own key, that it now enforces a directive or has restored access."""
    client = Client()
    asked = client.get(f"/api/v1/points/{name}/directives/{directive}")
    if (asked["point"], asked["directive"]) != (name, directive):
        raise CommandRefused(
            f"the control plane answered about {asked['point']!r} and {asked['directive']!r}"
        )
    at_ms = time.time_ns() // 1_000_000
    envelope = signing.enforcement(asked, says, at_ms, signing.private_key(key))
    answer = client.post("/api/v1/points/statements", {"envelope": envelope})
    emit(answer, as_json, f"{name} has {says} {directive} at {answer['at']}, at size {answer['size']}")


def listed(as_json: Json = False) -> None:
    """List every declared enforcement point, and its newest statement about each directive."""
    answer = Client().get("/api/v1/points")
    rows = [
        [
            point["point"],
            point["surface"],
            point["state"],
            point["owner"],
            point["declaredAt"],
            _said(point),
        ]
        for point in answer["points"]
    ]
    columns = ["point", "surface", "state", "declared by", "declared", "says"]
    emit(answer, as_json, table("", columns, rows, "No point is declared."))


def _said(point: dict[str, Any]) -> str:
    return ", ".join(f"{said['directive']} {said['says']} {said['at']}" for said in point["stated"])
