"""`status`."""

from __future__ import annotations

import json
from typing import Any

from sluicegate.acts import releases
from sluicegate.acts.releases import ReleaseStatus, StageStatus, Status
from sluicegate.cli import wording
from sluicegate.cli.acting import acting
from sluicegate.cli.tables import table
from sluicegate_record.terms.plan import Clock
from sluicegate_record.terms.text import counted


def _status(found: Status) -> str:
    stages = [(release, stage) for release in found.releases for stage in release.stages]
    columns = ["release", "stage", "models", "surfaces", "terms", "open", "seats"]
    rows = [_row(release, stage) for release, stage in stages]
    text = table(wording.log_of(found.size), columns, rows, "No release yet: sluicegate apply FILE")
    for release, stage in stages:
        text += "\n\n" + "\n".join([f"{release.release}/{stage.stage}", *_asks(stage)])
    text += "".join(f"\n\n{_directed(release)}" for release in found.releases if release.directs)
    if found.directives_in_force:
        text += "\n\ndirectives in force: " + ", ".join(found.directives_in_force)
    return text


def _directed(release: ReleaseStatus) -> str:
    """What each agency may direct alone, in one line."""
    return f"{release.release}: {wording.directed(release.directs)}"


def _asks(stage: StageStatus) -> list[str]:
    """What applicants should know before they apply: who decides, how long it may take, criteria, duties."""
    basis, rule = stage.basis, stage.rule
    advice = wording.ADVICE if basis.kind == "voluntary" else ""
    lapsed = ", in force until new terms are agreed" if stage.basis_lapsed else ""
    until = f" until {basis.until}{lapsed}" if basis.until else ""
    unless = ", unless one objects in time" if stage.mode == "notify" else ""
    word = "" if stage.terms_agreed else "; this is the developer's word: the terms are not agreed"
    lines = [
        f"  basis: {basis.kind}, asked by {', '.join(basis.asked_by)} on {basis.asked_on}{until}{word}",
        f"  admitted by: {wording.rule(rule)}{unless}{advice}",
    ]
    lines += [_clock(stage.clock)] if stage.clock else []
    lines += [f"  criterion: {text}" for text in stage.eligibility.criteria]
    others = {name: each for name, each in stage.eligibility.to_json().items() if name != "criteria"}
    lines += [f"  {name}: {_plain(value)}" for name, value in others.items()]
    lines += [f"  condition {name}: {_plain(value)}" for name, value in stage.conditions.to_json().items()]
    reply, within = wording.duration(stage.reply), wording.duration(stage.appeal.within)
    lines.append(f"  a denial can be answered within {reply}, and appealed within {within};")
    judges = wording.rule(stage.appeal.decide)
    lines.append(f"  appeals are decided by {judges}, without anyone who signed in the case")
    return lines


def _clock(clock: Clock) -> str:
    ladder = f" to {', '.join(step.name for step in clock.to)}" if clock.to else ""
    days = counted(clock.within, clock.unit.replace("-", " ").removesuffix("s"))
    within = f"{days} ({clock.calendar})"
    return f"  an agency has {within} from its receipt; silence: {clock.silence}{ladder}"


def _plain(value: Any) -> str:
    """A field of a plan: names unchanged, other values in JSON."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _row(release: ReleaseStatus, stage: StageStatus) -> list[str]:
    awaited = f"awaiting {', '.join(stage.awaiting)}" if stage.awaiting else "not agreed"
    return [
        release.release,
        stage.stage,
        ", ".join(release.models),
        ", ".join(release.surfaces),
        "agreed" if stage.terms_agreed else awaited,
        "open" if stage.open else "closed",
        _seats(stage),
    ]


def _seats(stage: StageStatus) -> str:
    taken = "few" if stage.seated is None else str(stage.seated)
    return taken if stage.seats is None else f"{taken} of {stage.seats}"


status = acting(releases.STATUS, _status)
