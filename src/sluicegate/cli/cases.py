"""`application`, `case`, `review`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.cli.files import read_json, read_text, write_json
from sluicegate.cli.output import Json, emit, table
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.core import plan as plans
from sluicegate.core.statements import POSITIONS

Case = Annotated[str, typer.Argument(help="The case, such as case_6n3v….", show_default=False)]


def submit(
    release: Annotated[str, typer.Option("--release", show_default=False)],
    stage: Annotated[str, typer.Option("--stage", show_default=False)],
    surface: Annotated[str, typer.Option("--surface", show_default=False)],
    organization: Annotated[
        Path, typer.Option("--organization", help="The organization, as YAML.", show_default=False)
    ],
    as_json: Json = False,
) -> None:
    """Apply for one stage on one surface. 'status' shows what each stage asks for."""
    body = {
        "release": release,
        "stage": stage,
        "surface": surface,
        "organization": read_text(organization),
        "file": str(organization),
    }
    answer = Client().post("/api/v1/applications", body)
    state = answer["state"].replace("_", " ")
    text = f"application {answer['application']} is {state}, at size {answer['size']}"
    emit(answer, as_json, f"{text}\n  follow it: sluicegate application show {answer['application']}")


def show(case: Case, as_json: Json = False) -> None:
    """Show a case: its state, positions, who is awaited, and the grant."""
    answer = Client().get(f"/api/v1/cases/{case}")
    emit(answer, as_json, _shown(answer))


def listed(as_json: Json = False) -> None:
    """List the cases you may see, newest first."""
    answer = Client().get("/api/v1/cases")
    rows = [
        [
            case["case"],
            case["kind"],
            case["directive"] or f"{case['release']}/{case['stage']}",
            case["surface"],
            case["determination"] or case["state"].replace("_", " "),
            ", ".join(case["awaiting"]),
        ]
        for case in answer["cases"]
    ]
    columns = ["case", "kind", "about", "surface", "state", "awaiting"]
    emit(answer, as_json, table(f"log size {answer['size']}", columns, rows, "No case yet."))


def export(
    case: Case,
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write it.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Export a case for review: the question, the dossier, the rule. Read it, then 'review sign' it."""
    exported = Client().get(f"/api/v1/cases/{case}/export")
    signing.check_export(exported)
    write_json(output, exported)
    answer = {"case": case, "file": str(output)}
    emit(answer, as_json, f"{_question(exported)}\nwritten to {output}")


def sign(
    file: Annotated[Path, typer.Argument(help="What 'review export' wrote.", show_default=False)],
    position: Annotated[str, typer.Option("--position", help=" | ".join(POSITIONS), show_default=False)],
    key: Annotated[Path, typer.Option("--key", help="Your private key.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where to write it.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", help="Why; an objection must say. It is public.")] = "",
    as_json: Json = False,
) -> None:
    """Sign your position in an exported case. Needs no network; the key never leaves this machine."""
    exported = read_json(file)
    signing.check_export(exported)
    private = signing.private_key(key)
    agency = signing.party_of(exported, private)
    write_json(output, signing.position(exported, position, private, reason))
    answer = {
        "case": exported["question"]["case"],
        "agency": agency,
        "position": position,
        "file": str(output),
    }
    text = f"{_question(exported)}\n{agency} says {position}; written to {output}"
    emit(answer, as_json, f"{text}\n  put it on the record: sluicegate review import {output}")


def import_position(
    file: Annotated[Path, typer.Argument(help="What 'review sign' wrote.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Put a signed position on the record."""
    answer = Client().post("/api/v1/positions", {"envelope": read_json(file)})
    outcome = answer["determination"] or "not determined yet"
    text = f"the position of {answer['agency']} in {answer['case']} is on the record at size {answer['size']}"
    emit(answer, as_json, f"{text}: {outcome}")


def _shown(case: dict[str, Any]) -> str:
    about = case["directive"] or f"{case['release']}/{case['stage']}"
    lines = [
        f"{case['case']}: {case['kind']} of {about}" + (f" on {case['surface']}" if case["surface"] else ""),
        f"  state: {case['determination'] or case['state'].replace('_', ' ')}, opened {case['openedAt']}",
        f"  decided by: {json.dumps(case['rule'])}",
    ]
    for said in case["positions"]:
        superseded = " (superseded)" if said["superseded"] else ""
        reason = f": {said['reason']}" if said["reason"] else ""
        lines.append(f"  {said['at']} {said['agency']} {said['position']}{superseded}{reason}")
    if case["awaiting"]:
        lines.append(f"  awaiting: {', '.join(case['awaiting'])}")
    if case["grant"]:
        grant = case["grant"]
        until = f" until {grant['validUntil']}" if grant["validUntil"] else ""
        lines.append(f"  grant {grant['grant']}: {grant['state']}{until}, {', '.join(grant['models'])}")
        if grant["state"] == "approved":
            lines.append(f"  next: sluicegate credential issue --grant {grant['grant']}")
    return "\n".join(lines)


def _question(exported: dict[str, Any]) -> str:
    """What a reviewer signs, all of it checked against the question by `signing.check_export`."""
    question = exported["question"]
    lines = [f"{question['kind']} case {question['case']}"]
    shown = ("release", "stage", "surface", "directive", "terms", "document", "log")
    lines += [f"  {name}: {question[name]}" for name in shown if name in question]
    lines.append(f"  decided by: {json.dumps(exported['rule'])}")
    if question["kind"] == "admission":
        organization = exported["dossier"]["application"]["organization"]
        lines += [f"  {name}: {value}" for name, value in organization.items()]
    elif question["kind"] == "terms":
        spec = exported["terms"]["spec"]
        lines += [f"  {name}: {json.dumps(spec[name])}" for name in ("models", "surfaces", "leaseMs")]
        stage = plans.stages(exported["terms"])[question["stage"]]
        lines += [f"  {name}: {json.dumps(value)}" for name, value in stage.items() if name != "name"]
    else:
        spec = exported["document"]["spec"]
        lines += [f"  {name}: {json.dumps(value)}" for name, value in spec.items()]
    return "\n".join(lines)
