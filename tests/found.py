"""Findings, as parties of the shared world sign them."""

from __future__ import annotations

from typing import Any

from sluicegate.core.lifecycle.findings import RecordFinding
from sluicegate_record.entities.finding import Finding
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.findings import (
    FIXES,
    GONE,
    PERSISTS,
    REPORTS,
    RETESTS,
    FindingStatement,
)
from sluicegate_record.terms.plan import ModelDigests
from tests.worlds import DEVELOPER, LOG, MODEL, OFFICER, RELEASE, STAGE, World, digest, signed, stage

TESTED = ModelDigests(digest=digest(MODEL), safeguards=digest("safe"))
LEVELS: tuple[dict[str, Any], ...] = (
    {"name": "low", "acknowledge": "P10D"},
    {"name": "medium", "acknowledge": "P5D", "respond": "tell"},
    {"name": "high", "acknowledge": "P2D", "fix": "P30D", "respond": "halt", "overdue": "suspend"},
    {"name": "critical", "acknowledge": "P1D", "fix": "P7D", "respond": "suspend"},
)
"""Levels that answer in each way."""
BARE: tuple[dict[str, Any], ...] = tuple({"name": each["name"]} for each in LEVELS)
"""The same levels, from which nothing follows."""


def spec(
    least: str | None = "high", when_lost: str = "halt", levels: Any = BARE, **changes: Any
) -> dict[str, Any]:
    """The parts of a plan about findings. `least`: the level of which none may be open; None: any may be."""
    asked: list[dict[str, Any]] = [{"terms": "agreed"}]
    if least is not None:
        asked.append({"noOpenFindings": {"atLeast": least}, "whenLost": when_lost})
    stages = [stage(opensWhen={"allOf": asked})]
    return {"findings": {"levels": list(levels)}, "stages": stages, **changes}


def asking(*given: Any, **changes: Any) -> World:
    """A world with a stage that requires that no finding is open, and whose terms are agreed: it is open."""
    return World.agreed(**spec(*given, **changes))


def word(party: str, says: str, *, signer: str = "", **said: Any) -> Envelope:
    """A party's signed word on a finding."""
    stated = FindingStatement(log=said.pop("log", LOG), party=party, says=says, **said)
    return signed(stated.payload(), signer or (OFFICER if party == DEVELOPER else party))


def report(party: str = "caisi", level: str = "high", **changes: Any) -> RecordFinding:
    """The command that reports a finding."""
    fields: dict[str, Any] = {
        "release": RELEASE,
        "kind": "jailbreak",
        "level": level,
        "text": "a way around the safeguards",
        "model": MODEL,
        "tested": TESTED,
    }
    return RecordFinding(word(party, REPORTS, **{**fields, **changes}))


def misuse(world: World, grant: str, party: str = "caisi", **changes: Any) -> RecordFinding:
    """The command that reports the misuse of a grant."""
    said = {"kind": "misuse", "grant": grant, "model": None, "tested": None, "text": "it attacks others"}
    return report(party, **{"level": "high", **said, **changes})


def reported(world: World, party: str = "caisi", level: str = "high", **changes: Any) -> str:
    """Report a finding; its name."""
    found: str = world.must(report(party, level, **changes))["finding"]
    return found


def finding(world: World, name: str) -> Finding:
    """A finding as it stands."""
    return world.state.record.findings[name]


def command(world: World, name: str, party: str, says: str, **said: Any) -> RecordFinding:
    """The command by which a party says a word on a finding, over the newest one on it."""
    said = {"finding": name, "previous": finding(world, name).digest, **said}
    if says == FIXES:
        said = {"text": "it is fixed", **said}
    return RecordFinding(word(party, says, **said))


def say(world: World, name: str, party: str, says: str, **said: Any) -> str:
    """Say a word on a finding; its state then."""
    found: str = world.must(command(world, name, party, says, **said))["state"]
    return found


def retest(name: str, world: World, party: str = "caisi", *, gone: bool = True, **said: Any) -> RecordFinding:
    """The command by which a party retests a finding."""
    outcome = GONE if gone else PERSISTS
    return command(world, name, party, RETESTS, **{"outcome": outcome, "tested": TESTED, **said})


def close(world: World, name: str, party: str = "caisi") -> None:
    """Close a finding by a retest."""
    world.must(retest(name, world, party))


def is_open(world: World, name: str = STAGE) -> bool:
    """Whether a stage is open by its terms in force."""
    return world.state.releases[RELEASE].terms[name] in world.state.table.open_terms
