"""`stage open`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sluicegate.cli.output import Json, emit
from sluicegate.client import signing
from sluicegate.client.http import Client


def open_(
    release: Annotated[str, typer.Argument(show_default=False)],
    stage: Annotated[str, typer.Argument(show_default=False)],
    key: Annotated[Path, typer.Option("--key", help="An officer's private key.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Open a stage under the terms in force. An officer signs the opening."""
    client = Client()
    asked = client.get(f"/api/v1/releases/{release}/stages/{stage}/opening")
    envelope = signing.opening(asked, signing.private_key(key))
    answer = client.post("/api/v1/releases/openings", {"envelope": envelope})
    if "case" in answer:
        text = f"stage {answer['stage']} of {answer['release']} opens when agencies agree: {answer['case']}"
        emit(answer, as_json, f"{text}\n  follow it: sluicegate case show {answer['case']}")
        return
    emit(answer, as_json, f"stage {answer['stage']} of {answer['release']} is open at size {answer['size']}")
