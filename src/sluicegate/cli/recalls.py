"""`release recall`, `release restore`: withdraw a release, bring it back; each shows first what follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from sluicegate.acts import recalls as acts
from sluicegate.acts.recalls import (
    RecallToSign,
    ReleaseReach,
    RestorationReceipt,
    RestorationToSign,
    ReturningStage,
    SignedStatements,
)
from sluicegate.acts.releases import ReleaseArgument
from sluicegate.cli import wording
from sluicegate.cli.acting import argument, helped
from sluicegate.cli.confirmation import Signed, read_first
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.errors import WrongUsage
from sluicegate.statements.stages import opening
from sluicegate_record.statements.releases import StageClosing
from sluicegate_record.terms.text import counted

Release = Annotated[str, argument(ReleaseArgument, "release")]
Key = Annotated[
    Path | None,
    typer.Option("--key", help="An officer's private key. Without it nothing is done.", show_default=False),
]


@helped(acts.RECALL)
def recall(
    release: Release,
    reason: Annotated[str, typer.Option("--reason", help="Why. It is public.", show_default=False)] = "",
    key: Key = None,
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Without a key it shows which stages close, and who is refused then."""
    client = Client()
    asked = client.do(acts.RECALLING, ReleaseArgument(release=release))
    if key is None:
        do = f"  do it: sluicegate release recall {asked.release} --reason … --key …"
        tell(asked, as_json, f"{_recalling(asked)}\n{do}")
        return
    if not reason.strip():
        raise WrongUsage("a recall without a reason", remedy="say --reason TEXT; it is public")
    read_first(_recalling(asked), yes, as_json)
    private = signing.private_key(key)
    closings = (
        StageClosing(log=asked.log, release=asked.release, stage=each.stage, reason=reason, recalls=True)
        for each in asked.stages
    )
    signed = [signing.signed(each, private) for each in closings]
    done = client.do(acts.RECALL, SignedStatements(envelopes=tuple(signed)))
    text = f"{done.release} is withdrawn: {counted(len(done.stages), 'stage')} closed, keys are refused, and "
    tell(done, as_json, text + f"streams are cut\n  back: sluicegate release restore {done.release}")


@helped(acts.RESTORE)
def restore(release: Release, key: Key = None, yes: Signed = False, as_json: Json = False) -> None:
    """Without a key it shows which stages can open, and what the others wait for."""
    client = Client()
    asked = client.do(acts.RESTORING, ReleaseArgument(release=release))
    if key is None:
        do = f"\n  do it: sluicegate release restore {asked.release} --key …" if asked.stages else ""
        tell(asked, as_json, _restoring(asked) + do)
        return
    openings = [each.opening for each in asked.stages if each.opening is not None]
    if not openings:
        remedy = f"'sluicegate release restore {release}' shows what each stage waits for"
        raise WrongUsage(f"no stage of {release[:64]!r} can open again now", remedy=remedy)
    read_first(_restoring(asked), yes, as_json)
    private = signing.private_key(key)
    signed = tuple(signing.for_record(opening(each), private) for each in openings)
    done = client.do(acts.RESTORE, SignedStatements(envelopes=signed))
    tell(done, as_json, _restored(done))


def _recalling(asked: RecallToSign) -> str:
    lines = [f"a recall of {asked.release} closes all its stages at once"]
    for each in asked.stages:
        state = "open" if each.open else "not open; it will not open by itself any more"
        lines.append(f"  stage {each.stage}: {state}, {counted(each.grants, 'grant')}")
        if not each.in_plan:
            lines.append(
                "    no stage of the plan in force: only a plan that has it again brings its grants back"
            )
    lines += _reach(asked.reach)
    lines.append(
        "  grants stay, and their time runs on; applications go on; what is approved works once it is back"
    )
    return "\n".join(lines)


def _reach(found: ReleaseReach) -> Iterator[str]:
    held = f"{counted(found.organizations, 'organization')} with {counted(found.grants, 'grant')}"
    wide = f", {counted(found.accounts, 'account')}" if found.accounts else ""
    yield f"  who: {held}{wide}, {counted(found.keys, 'valid key')}"
    flight = f"{counted(found.streams, 'stream')} open, {counted(found.requests, 'request')} in the last day"
    yield f"  in flight: {flight}, as gateways report them"
    yield f"  {counted(found.open_applications, 'open application')}"


def _restoring(asked: RestorationToSign) -> str:
    if not asked.stages:
        return f"{asked.release} is not withdrawn: no officer has closed a stage of it"
    lines = [f"a restoration of {asked.release} opens what can open now", *map(_stage, asked.stages)]
    lines += _reach(asked.reach)
    return "\n".join(lines)


def _stage(each: ReturningStage) -> str:
    since = f"closed {wording.minute(each.closed_ms)}"
    grants = counted(each.grants, "grant")
    if each.what == "waits":
        return (
            f"  stage {each.stage} ({since}, {grants}) stays closed: it waits for {'; '.join(each.waits_for)}"
        )
    share = "" if each.share is None else f"; its ramp begins again, at {each.share} per cent"
    then = "opens" if each.what == "opens" else "opens when agencies agree to it again; they are asked"
    return f"  stage {each.stage} ({since}, {grants}) {then}{share}"


def _restored(done: RestorationReceipt) -> str:
    opened = f"open again: {', '.join(done.opened)}" if done.opened else "no stage is open yet"
    lines = [f"{done.release}: {opened}"]
    for stage, case in done.asked.items():
        lines.append(f"  agencies are asked about {stage}: sluicegate review export {case} -o {case}.json")
    return "\n".join(lines)
