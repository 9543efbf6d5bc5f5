"""What who ran an evaluation says beside its log: the options that `evidence import` and `evaluate` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from sluicegate.cli.options import value
from sluicegate.client.evidence.result import Independence, Provenance

IndependenceOption = Annotated[
    str | None,
    value(
        "--independence",
        "Who ran it: independent | paid-by-developer | developer. Only the developer may leave it out.",
    ),
]
RedactedOption = Annotated[
    list[str] | None, value("--redacted", "What is left out of the log that others may see.")
]
BenchmarkOption = Annotated[
    Path | None,
    value("--benchmark", "The file of a secret benchmark, whose digest the plan has as the task."),
]
SealToOption = Annotated[
    list[str] | None,
    value("--seal-to", "A party that may read the log, which is kept sealed; as often as needed."),
]
EVALUATION_KEY = typer.Option("--key", help="Your party's private key.", show_default=False)


def provenance(
    independence: str | None,
    redacted: list[str] | None,
    model: str | None = None,
    digest: str | None = None,
    safeguards: str | None = None,
) -> Provenance:
    """What was said. Raises: BadParameter: another word of independence."""
    if independence is not None and independence not in get_args(Independence):
        raise typer.BadParameter(f"{' | '.join(get_args(Independence))}, not {independence!r}")
    return Provenance(model, digest, safeguards, independence, tuple(redacted or ()))  # type: ignore[arg-type]
