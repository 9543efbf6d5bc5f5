"""`plan`, `apply`: show what a plan would change, and put it in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.acts import releases
from sluicegate.acts.documents import DocumentText
from sluicegate.acts.releases import PlanPreview, PlanReceipt
from sluicegate.cli.acting import acting, helped, written
from sluicegate.cli.files import read_text
from sluicegate.cli.output import Json, tell
from sluicegate.client.http import Client
from sluicegate.core.terms import plan as plans
from sluicegate_record.terms.text import counted


@helped(releases.PREVIEW)
def plan(
    file: Annotated[Path | None, typer.Argument(help="A plan, as YAML.", show_default=False)] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of plans instead.")] = False,
    as_json: Json = False,
) -> None:
    if schema:
        typer.echo(json.dumps(plans.schema(), indent=2))
        return
    if file is None:
        raise typer.BadParameter("name a plan file, or ask for --schema", param_hint="FILE")
    found = Client().do(releases.PREVIEW, DocumentText(text=read_text(file), file=str(file)))
    tell(found, as_json, _preview(found))


def _applied(done: PlanReceipt) -> str:
    changes = counted(len(done.changes), "change")
    lines = [f"applied {done.release}: {changes}"]
    lines += [f"  terms of {stage}: {digest}" for stage, digest in done.terms_digests.items()]
    lines += [f"  to be agreed: sluicegate review export {case} -o {case}.json" for case in done.cases]
    return "\n".join(lines)


apply = acting(releases.APPLY, _applied, text=written("file", "text"))


def _preview(found: PlanPreview) -> str:
    affected = found.affects
    if not found.changes:
        return f"{found.release}: no change"
    lines = [f"{found.release}: {'a new release' if found.new else 'changes'}"]
    lines += [
        f"  {change.field}: {_shown(change.before)} -> {_shown(change.after)}" for change in found.changes
    ]
    for stage in found.terms_to_agree:
        why = found.loosened.get(stage)
        lines.append(
            f"  terms to be agreed: {stage}"
            + (f" (these fields may be less strict: {', '.join(why)})" if why else "")
        )
    lines += [f"  terms only stricter, no new agreement needed: {stage}" for stage in found.tightened]
    lines += [f"  stage {stage}: {why}" for stage, said in found.unheard.items() for why in said]
    lines.append(
        f"  affects {counted(affected.organizations, 'organization')}, "
        f"{counted(affected.grants, 'grant')} (each keeps its terms), and "
        f"{counted(affected.open_applications, 'open application')}"
    )
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return "(nothing)" if value is None else json.dumps(value, ensure_ascii=False)
