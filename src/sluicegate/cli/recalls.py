"""`release recall`, `release restore`: withdraw a release, bring it back; each shows first what follows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from sluicegate.acts import recalls as acts
from sluicegate.acts.recalls import RestorationReceipt
from sluicegate.acts.releases import ReleaseArgument
from sluicegate.cli.acting import argument, helped
from sluicegate.cli.confirmation import Signed, read_first
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, tell
from sluicegate.client import signing
from sluicegate.client.http import Client
from sluicegate.errors import WrongUsage
from sluicegate.statements.recalls import RECALL, RESTORATION, RecallWord, recalled, restored
from sluicegate_record.terms.text import counted

Release = Annotated[str, argument(ReleaseArgument, "release")]
Key = Annotated[Path | None, value("--key", "An officer's private key. Without it nothing is done.")]


@helped(acts.RECALL)
def recall(
    release: Release,
    reason: Annotated[str, value("--reason", "Why. It is public.")] = "",
    key: Key = None,
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Without a key it shows which stages close, and who is refused then."""
    client = Client()
    asked = client.do(acts.RECALLING, ReleaseArgument(release=release))
    shown = _lines(f"a recall of {asked.release} closes all its stages at once", recalled(asked))
    if key is None:
        do = f"  do it: sluicegate release recall {asked.release} --reason … --key …"
        tell(asked, as_json, f"{shown}\n{do}")
        return
    if not reason.strip():
        raise WrongUsage("a recall without a reason", remedy="say --reason TEXT; it is public")
    read_first(shown, yes, as_json)
    done = signing.say(client, RECALL, RecallWord(release=asked.release, reason=reason), key, asked)
    text = f"{done.release} is withdrawn: {counted(len(done.stages), 'stage')} closed, keys are refused, and "
    tell(done, as_json, text + f"streams are cut\n  back: sluicegate release restore {done.release}")


@helped(acts.RESTORE)
def restore(release: Release, key: Key = None, yes: Signed = False, as_json: Json = False) -> None:
    """Without a key it shows which stages can open, and what the others wait for."""
    client = Client()
    said = ReleaseArgument(release=release)
    asked = client.do(acts.RESTORING, said)
    does = f"a restoration of {asked.release} opens what can open now"
    shown = _lines(does, restored(asked)) if asked.stages else "".join(restored(asked))
    if key is None:
        do = f"\n  do it: sluicegate release restore {asked.release} --key …" if asked.stages else ""
        tell(asked, as_json, shown + do)
        return
    if not any(each.opening for each in asked.stages):
        remedy = f"'sluicegate release restore {release}' shows what each stage waits for"
        raise WrongUsage(f"no stage of {release[:64]!r} can open again now", remedy=remedy)
    read_first(shown, yes, as_json)
    done = signing.say(client, RESTORATION, said, key, asked)
    tell(done, as_json, _restored(done))


def _lines(does: str, found: Iterable[str]) -> str:
    return "\n  ".join((does, *found))


def _restored(done: RestorationReceipt) -> str:
    opened = f"open again: {', '.join(done.opened)}" if done.opened else "no stage is open yet"
    lines = [f"{done.release}: {opened}"]
    for stage, case in done.asked.items():
        lines.append(f"  agencies are asked about {stage}: sluicegate review export {case} -o {case}.json")
    return "\n".join(lines)
