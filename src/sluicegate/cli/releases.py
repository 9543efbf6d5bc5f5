"""`plan`, `apply`, `status`, `stage open`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.cli import wording
from sluicegate.cli.files import read_text
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.core.terms import plan as plans

File = Annotated[Path, typer.Argument(help="A plan, as YAML.", show_default=False)]


def plan(
    file: Annotated[Path | None, typer.Argument(help="A plan, as YAML.", show_default=False)] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of plans instead.")] = False,
    as_json: Json = False,
) -> None:
    """Show what applying a plan would change, and whom it affects. Changes nothing."""
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
    lines = [f"applied {answer['release']} at size {answer['size']}: {len(answer['changes'])} changes"]
    lines += [f"  terms of {stage}: {digest}" for stage, digest in answer["termsDigests"].items()]
    lines += [f"  to be agreed: sluicegate review export {case} -o {case}.json" for case in answer["cases"]]
    emit(answer, as_json, "\n".join(lines))


def status(as_json: Json = False) -> None:
    """Show every release with its stages: terms, opening, seats, what applying takes; directives in force."""
    answer = Client().get("/api/v1/releases")
    rows = [_stage(release, stage) for release in answer["releases"] for stage in release["stages"]]
    columns = ["release", "stage", "models", "surfaces", "terms", "open", "seats"]
    text = table(f"log size {answer['size']}", columns, rows, "No release yet: sluicegate apply FILE")
    for release in answer["releases"]:
        for stage in release["stages"]:
            text += "\n\n" + "\n".join([f"{release['release']}/{stage['stage']}", *_asks(stage)])
    if answer["directivesInForce"]:
        text += "\n\ndirectives in force: " + ", ".join(answer["directivesInForce"])
    emit(answer, as_json, text)


def stage_open(
    release: Annotated[str, typer.Argument(show_default=False)],
    stage: Annotated[str, typer.Argument(show_default=False)],
    key: Annotated[Path, typer.Option("--key", help="An officer's private key.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Open a stage: signed by an officer, on the terms in force."""
    client = Client()
    asked = client.get(f"/api/v1/releases/{release}/stages/{stage}/opening")
    envelope = signing.opening(asked, signing.private_key(key))
    answer = client.post("/api/v1/releases/openings", {"envelope": envelope})
    if "case" in answer:
        text = f"stage {answer['stage']} of {answer['release']} opens when agencies agree: {answer['case']}"
        emit(answer, as_json, f"{text}\n  follow it: sluicegate case show {answer['case']}")
        return
    emit(answer, as_json, f"stage {answer['stage']} of {answer['release']} is open at size {answer['size']}")


def _asks(stage: dict[str, Any]) -> list[str]:
    """What whoever applies should know before: who decides, how long it may take, criteria, duties."""
    basis, clock, appeal = stage["basis"], stage["clock"], stage["appeal"]
    advice = ", as advice" if basis["kind"] == "voluntary" else ""
    lapsed = ", in force until new terms are agreed" if stage["basisLapsed"] else ""
    until = f" until {basis['until']}{lapsed}" if basis.get("until") else ""
    lines = [
        f"  basis: {basis['kind']}, asked by {', '.join(basis['askedBy'])} on {basis['askedOn']}{until}",
        f"  admitted by: {wording.rule(stage['rule'])}{advice}"
        + (", unless one objects in time" if stage["mode"] == "notify" else ""),
    ]
    if clock:
        ladder = f" to {', '.join(_step(step) for step in clock['to'])}" if clock.get("to") else ""
        within = f"{clock['within']} {clock['unit'].replace('-', ' ')} ({clock['calendar']})"
        lines.append(f"  an agency has {within} from its receipt; silence: {clock['silence']}{ladder}")
    lines += [f"  criterion: {text}" for text in stage["eligibility"].get("criteria", [])]
    lines += [
        f"  {name}: {_plain(value)}" for name, value in stage["eligibility"].items() if name != "criteria"
    ]
    lines += [f"  condition {name}: {_plain(value)}" for name, value in stage["conditions"].items()]
    reply, within = wording.duration(stage["reply"]), wording.duration(appeal["within"])
    lines.append(f"  a denial can be answered within {reply}, and appealed within {within};")
    lines.append(f"  appeals are decided by {wording.rule(appeal['decide'])}")
    return lines


def _plain(value: Any) -> str:
    """A field of a plan: a list of names and a name as they are, anything else in JSON."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _step(step: Any) -> str:
    return step["name"] if isinstance(step, dict) else str(step)


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
            f"  terms to be agreed: {stage}" + (f" (not provably tighter: {', '.join(why)})" if why else "")
        )
    lines += [f"  provably tighter, nobody need agree: {stage}" for stage in answer["tightened"]]
    lines.append(
        f"  affects {affected['organizations']} organizations with {affected['grants']} grants, "
        f"which keep the terms they were given, and {affected['openApplications']} open applications"
    )
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return "(nothing)" if value is None else json.dumps(value, ensure_ascii=False)


def _stage(release: dict[str, Any], stage: dict[str, Any]) -> list[Any]:
    awaited = f"awaiting {', '.join(stage['awaiting'])}" if stage["awaiting"] else "not agreed"
    return [
        release["release"],
        stage["stage"],
        ", ".join(release["models"]),
        ", ".join(release["surfaces"]),
        "agreed" if stage["termsAgreed"] else awaited,
        "open" if stage["open"] else "closed",
        _seats(stage),
    ]


def _seats(stage: dict[str, Any]) -> str:
    taken = "few" if stage["seated"] is None else str(stage["seated"])
    return taken if stage["seats"] is None else f"{taken} of {stage['seats']}"
