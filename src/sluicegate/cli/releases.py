"""`status`."""

from __future__ import annotations

import json
from typing import Any

from sluicegate.cli import wording
from sluicegate.cli.output import Json, emit
from sluicegate.cli.tables import table
from sluicegate.client.http import Client
from sluicegate_record.terms.text import counted


def status(as_json: Json = False) -> None:
    """Show each release with its stages: terms, opening, seats, how to apply; and directives in force."""
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


def _asks(stage: dict[str, Any]) -> list[str]:
    """What applicants should know before they apply: who decides, how long it may take, criteria, duties."""
    basis, clock, appeal = stage["basis"], stage["clock"], stage["appeal"]
    advice = wording.ADVICE if basis["kind"] == "voluntary" else ""
    lapsed = ", in force until new terms are agreed" if stage["basisLapsed"] else ""
    until = f" until {basis['until']}{lapsed}" if basis.get("until") else ""
    lines = [
        f"  basis: {basis['kind']}, asked by {', '.join(basis['askedBy'])} on {basis['askedOn']}{until}",
        f"  admitted by: {wording.rule(stage['rule'])}"
        + (", unless one objects in time" if stage["mode"] == "notify" else "")
        + advice,
    ]
    if clock:
        ladder = f" to {', '.join(_step(step) for step in clock['to'])}" if clock.get("to") else ""
        days = counted(clock["within"], clock["unit"].replace("-", " ").removesuffix("s"))
        within = f"{days} ({clock['calendar']})"
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
    """A field of a plan: names unchanged, other values in JSON."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _step(step: Any) -> str:
    return step["name"] if isinstance(step, dict) else str(step)


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
