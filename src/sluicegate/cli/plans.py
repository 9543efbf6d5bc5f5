"""`plan`, `apply`: show what a plan would change, and put it in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.cli.files import read_text
from sluicegate.cli.output import Json, emit
from sluicegate.client.http import Client
from sluicegate.core.terms import plan as plans
from sluicegate_record.terms.text import counted

File = Annotated[Path, typer.Argument(help="A plan, as YAML.", show_default=False)]


def plan(
    file: Annotated[Path | None, typer.Argument(help="A plan, as YAML.", show_default=False)] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of plans instead.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a plan would change, and who is affected. This changes nothing."""
    if schema:
        typer.echo(json.dumps(plans.schema(), indent=2))
        return
    if file is None:
        raise typer.BadParameter("name a plan file, or ask for --schema", param_hint="FILE")
    answer = Client().post("/api/v1/releases/preview", {"text": read_text(file), "file": str(file)})
    emit(answer, as_json, _preview(answer))


def apply(file: File, as_json: Json = False) -> None:
    """Put a plan in force. Its agencies must agree to new terms before a stage admits anyone."""
    answer = Client().post("/api/v1/releases", {"text": read_text(file), "file": str(file)})
    changes = counted(len(answer["changes"]), "change")
    lines = [f"applied {answer['release']} at size {answer['size']}: {changes}"]
    lines += [f"  terms of {stage}: {digest}" for stage, digest in answer["termsDigests"].items()]
    lines += [f"  to be agreed: sluicegate review export {case} -o {case}.json" for case in answer["cases"]]
    emit(answer, as_json, "\n".join(lines))


def _preview(answer: dict[str, Any]) -> str:
    affected = answer["affects"]
    if not answer["changes"]:
        return f"{answer['release']}: no change"
    lines = [f"{answer['release']}: {'a new release' if answer['new'] else 'changes'}"]
    lines += [
        f"  {change['field']}: {_shown(change['before'])} -> {_shown(change['after'])}"
        for change in answer["changes"]
    ]
    for stage in answer["termsToAgree"]:
        why = answer["loosened"].get(stage)
        lines.append(
            f"  terms to be agreed: {stage}"
            + (f" (these fields may be less strict: {', '.join(why)})" if why else "")
        )
    lines += [f"  terms only stricter, no new agreement needed: {stage}" for stage in answer["tightened"]]
    lines.append(
        f"  affects {counted(affected['organizations'], 'organization')}, "
        f"{counted(affected['grants'], 'grant')} (each keeps its terms), and "
        f"{counted(affected['openApplications'], 'open application')}"
    )
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return "(nothing)" if value is None else json.dumps(value, ensure_ascii=False)
