"""`release report`, `release close`, `release sign`, `release dissent`: the end of a release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import closures as acts
from sluicegate.acts.closures import ReportArgument, ReportView
from sluicegate.acts.releases import ReleaseArgument, ReportSaid
from sluicegate.cli import wording
from sluicegate.cli.acting import acting, argument, helped
from sluicegate.cli.confirmation import confirm
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, tell, visible
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.statements.clearances import CLEARANCE, WordOnRequirement
from sluicegate.statements.stages import ENDING
from sluicegate_record.terms.text import counted

Release = Annotated[str, argument(ReportArgument, "release")]
Key = Annotated[Path, value("--key", "Your party's private key.")]


def _report(found: ReportView) -> str:
    return "\n".join(_lines(found))


def _lines(found: ReportView) -> Iterator[str]:
    if found.closed_ms is None:
        yield f"{found.release} is not closed: {found.missing or 'an officer can close it'}"
    else:
        yield f"{found.release} was closed on {wording.minute(found.closed_ms)} by {found.officer}"
    for stage in found.report.stages:
        opened = "never opened" if stage.opened_ms is None else f"opened {wording.minute(stage.opened_ms)}"
        yield f"  stage {stage.stage}: {opened}; {counted(stage.admitted, 'grant')}, {stage.removed} removed"
        yield f"    asked: {', '.join(stage.asked) or 'no one'}" + _more(
            [f"{each.to} (by {each.by})" for each in stage.referred], stage.declined
        )
    for each in found.report.promises:
        yield (
            f"  promises of {each.party}: {each.kept} kept, {each.late} kept late, {each.broken} broken, "
            f"{each.open} open"
        )
    for one in found.report.directives:
        ended = f", {one.how} {wording.minute(one.ended_ms)}" if one.how else ", in force"
        whose = one.issuer if one.transcribed is None else f"{one.issuer}, as two officers wrote it down"
        yield f"  directive {one.directive} of {whose}: since {wording.minute(one.at_ms)}{ended}"
    if found.report.earlier_directives:
        yield f"  and {counted(found.report.earlier_directives, 'earlier directive')}"
    yield f"  report {found.digest}"
    yield from (f"  {said(each)}" for each in found.said)


def _more(referred: list[str], declined: tuple[str, ...]) -> str:
    parts = {"referred to": referred, "declined": list(declined)}
    return "".join(f"; {what}: {', '.join(names)}" for what, names in parts.items() if names)


def said(each: ReportSaid) -> str:
    """What a party said of a report, in one line."""
    return f"{each.party} {each.says}" + (f": {each.reason}" if each.reason else "")


report = acting(acts.REPORT, _report)


@helped(acts.CLOSE)
def close(
    release: Release,
    key: Annotated[Path, value("--key", "An officer's private key.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone.")] = False,
    as_json: Json = False,
) -> None:
    client, said = Client(), ReleaseArgument(release=release)
    found = ENDING.look(client.do, said)
    if found.closed_ms is None and found.missing is None:
        if not (yes or as_json):
            typer.echo(visible(_report(found)))
        undone = f"closing {found.release} cannot be undone: no plan is applied to it"
        confirm(f"{undone}, and no one applies any more", yes)
    done = signing.say(client, ENDING, said, key, found)
    lines = [f"the release {done.release} is closed, with the report {done.report}"]
    lines.append(
        f"  parties sign it: 'sluicegate release sign {done.release} --key KEY', or "
        f"'sluicegate release dissent {done.release} --key KEY --reason REASON'"
    )
    tell(done, as_json, "\n".join(lines))


def sign(release: Release, key: Key, as_json: Json = False) -> None:
    """Sign for your party the report of a release that is closed."""
    _say(release, "signs", key, "", as_json)


def dissent(
    release: Release,
    key: Key,
    reason: Annotated[str, value("--reason", "What is wrong or missing. It is public.")],
    as_json: Json = False,
) -> None:
    """Sign for your party that it dissents from the report of a release that is closed, and why."""
    _say(release, "dissents", key, reason, as_json)


def _say(release: str, says: str, key: Path, reason: str, as_json: bool) -> None:
    client = Client()
    found = client.do(acts.REPORT, ReportArgument(release=release))
    said = WordOnRequirement(release=release, says=says, about=found.digest, reason=reason)
    done = signing.say(client, CLEARANCE, said, key)
    how = "signs" if says == "signs" else "dissents from"
    tell(done, as_json, f"{done.party} {how} the report of {done.release}")
