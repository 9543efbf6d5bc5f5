"""`dossier`: a signed bundle about a key at one moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts.dossiers import MAKE
from sluicegate.acts.explanations import KeyQuestion
from sluicegate.cli.acting import argument, helped, option
from sluicegate.cli.files import write_new
from sluicegate.cli.output import Json, tell
from sluicegate.client.http import Client
from sluicegate_record.terms.text import counted


@helped(MAKE)
def dossier(
    credential: Annotated[str, argument(KeyQuestion, "credential")],
    model: Annotated[str, argument(KeyQuestion, "model")],
    out: Annotated[
        Path, typer.Option("-o", "--output", "--out", help="A new file for it.", show_default=False)
    ],
    surface: Annotated[str | None, option(KeyQuestion, "surface")] = None,
    programme: Annotated[list[str] | None, option(KeyQuestion, "programme")] = None,
    at: Annotated[int | None, option(KeyQuestion, "at", min=1)] = None,
    as_json: Json = False,
) -> None:
    """The log's key signs it. 'python -m sluicegate_record dossier FILE --key VKEY' verifies it.

    It has the names and purposes that the developer's staff see.
    """
    asked = KeyQuestion(
        credential=credential, model=model, surface=surface, programme=tuple(programme or ()), at=at
    )
    found = Client().do(MAKE, asked)
    write_new(out, json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    many = counted(len(found.entries), "entry", "entries")
    tell(found, as_json, f"{out}: a dossier of {credential}, with {many} of the log", file=str(out))
