"""`backup make`, `verify`, `restore`, `complete`, `sign`, `begin`: by the state folder, on its machine.

`sign` alone needs no such folder: an officer signs on a machine of their own what `restored.json` says.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from sluicegate.cli import wording
from sluicegate.cli.confirmation import Signed, confirm, read_first
from sluicegate.cli.options import value, word
from sluicegate.cli.output import Json, emit, visible
from sluicegate.cli.server_options import State
from sluicegate.client import signing
from sluicegate.errors import InvalidInput, WrongUsage
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.epochs import Epoch
from sluicegate_record.terms.text import counted

_STATE = Path("sluicegate-state")
Backup = Annotated[Path, word("A folder that 'sluicegate backup make' has made.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def make(
    output: Annotated[Path, typer.Option("-o", "--output", help="A new folder.", show_default=False)],
    state: State = _STATE,
    as_json: Json = False,
) -> None:
    """Copy the database into a new folder while the control plane runs, and check the copy.

    Private keys are not in it. It lists what has to be kept beside it.
    """
    from sluicegate.recovery import backups  # noqa: PLC0415 - it needs what servers need

    made = backups.make(state, output, _now_ms())
    lines = [f"{counted(made['size'], 'entry', 'entries')} in {output}, replayed and lawful"]
    lines += [f"  keep elsewhere: {each['file']}: {each['what']}" for each in made["elsewhere"]]
    emit({**made, "folder": str(output)}, as_json, "\n".join(lines))


def verify(
    backup: Backup,
    key: Annotated[str, typer.Option("--key", help="The log's verifier key, or a file with it.")] = "",
    as_json: Json = False,
) -> None:
    """Check a backup as a start would: the signed head, each entry by its rules, the tree."""
    from sluicegate.recovery import backups  # noqa: PLC0415 - as above

    path = Path(key)
    found = backups.verify(backup, path.read_text().strip() if key and path.is_file() else key)
    answer = {"size": found.head.size, "root": found.head.root.hex(), "log": found.vkey}
    said = f"{counted(found.head.size, 'entry', 'entries')}, the last of {wording.minute(found.at_ms)}"
    emit(answer, as_json, f"{said}, signed and lawful, of the log {found.vkey}")


def restore(
    backup: Backup,
    state: State = _STATE,
    gateway: Annotated[
        list[Path] | None, value("--gateway", "A gateway's state folder, or a copy of it; each gateway's.")
    ] = None,
    nothing_newer: Annotated[
        bool, typer.Option("--nothing-newer", help="No gateway runs that may have seen more.")
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of the database, after a check and a preview.

    The folder must be at rest. The old database is moved aside, not deleted. If a gateway has seen newer
    entries, nothing is served from the folder until they are taken back by 'sluicegate backup complete', or
    two officers have signed that it goes on without them, by 'sluicegate backup sign' and then
    'sluicegate backup begin'.
    """
    from sluicegate.recovery import backups  # noqa: PLC0415 - as above

    gateways = gateway or []
    own = state / "gateway" / "seen.json"
    if not gateways and not nothing_newer and not own.is_file():
        raise WrongUsage(
            "whether this backup is older than what gateways have seen is in their state folders",
            remedy="name each with --gateway, or say --nothing-newer",
        )
    found = backups.compare(backup, state, gateways)
    if not as_json:
        typer.echo(visible("\n".join(_preview(found, state))), err=True)
    confirm(f"the database in {state} is replaced", yes)
    aside = backups.restore(backup, state, found, _now_ms())
    answer = {
        "size": found.restored.head.size,
        "newer": {name: head.size for name, head in found.newer.items()},
        "replaced": None if aside is None else str(aside),
        "served": not found.newer,
    }
    lines = [f"restored {counted(found.restored.head.size, 'entry', 'entries')} into {state}"]
    if found.newer:
        lines.append("  it is older than what was seen, and is not served yet; next:")
        lines += [f"  sluicegate backup complete --state {state} --from {name}" for name in found.newer]
        lines.append(
            "  or, if no one holds them: two officers, "
            f"'sluicegate backup sign {state / 'restored.json'} --key KEY -o FILE', "
            "and then 'sluicegate backup begin FILE'"
        )
    emit(answer, as_json, "\n".join(lines))


def _preview(found: Any, state: Path) -> Iterator[str]:
    from sluicegate.recovery import backups  # noqa: PLC0415 - as above

    has = counted(found.restored.head.size, "entry", "entries")
    yield f"the backup has {has}, the last of {wording.minute(found.restored.at_ms)}"
    there = (
        "no database that can be read" if found.there is None else counted(found.there, "entry", "entries")
    )
    yield f"{state} has {there}" + ("" if found.there is None else "; they are moved aside, not deleted")
    for name, head in sorted(found.seen.items()):
        more = head.size - found.restored.head.size
        yield f"{name} has seen {head.size}: " + (f"{more} more than the backup" if more > 0 else "no more")
    if found.lost:
        yield "what this backup lacks, and that gateway holds:"
        yield from (f"  {line}" for line in backups.lost_lines(found.lost))
    elif found.newer:
        yield "no gateway's folder here holds what this backup lacks"
    if found.newer:
        yield "lost in any case: newer sealed texts, names of new applicants, tokens, subscriptions"


def complete(
    source: Annotated[
        list[str],
        typer.Option("--from", help="A gateway's state folder, another database, or a copy of the log."),
    ],
    state: State = _STATE,
    as_json: Json = False,
) -> None:
    """Take back the entries after a restored backup that others still hold.

    Each is checked: the log's key has signed what they lead to, and each is lawful. Gateways hold all of an
    entry except its sealed texts. A public copy has entries up to the first with a hidden part.
    """
    from sluicegate.recovery import completion  # noqa: PLC0415 - as above
    from sluicegate.store import unsettled  # noqa: PLC0415 - as above

    before, now, lacking = completion.complete(state, source)
    left = unsettled.read(state)
    newer = {} if left is None else {name: head.size for name, head in left.newer.items()}
    lines = [f"{counted(now - before, 'entry', 'entries')} taken back; the log has {now}"]
    if lacking:
        lines.append(f"  without sealed texts, which only the database had: {lacking} of them")
    lines += [f"  {name} has seen {size}: not taken back" for name, size in newer.items()]
    lines.append("  not served yet" if newer else "  it has all that was seen: start the control plane")
    emit({"before": before, "size": now, "withoutSealed": lacking, "newer": newer}, as_json, "\n".join(lines))


def sign(
    what: Annotated[
        Path, typer.Argument(help="restored.json of the state folder, or what another officer has signed.")
    ],
    key: Annotated[Path, value("--key", "An officer's private key.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A new file.", show_default=False)],
    reason: Annotated[str, typer.Option("--reason", help="What happened. It is public.")] = "",
    yes: Signed = False,
    as_json: Json = False,
) -> None:
    """Sign as an officer that the log goes on from a restored backup, without what was lost.

    It takes two officers: the second signs what the first has written. Gateways and auditors keep each
    directive, revocation and removal that they saw.
    """
    from sluicegate.recovery import epochs  # noqa: PLC0415 - as above
    from sluicegate.store.unsettled import Restored  # noqa: PLC0415 - as above

    if output.exists():
        raise InvalidInput(f"{output} exists already; name a new file")
    try:
        given = json.loads(what.read_bytes())
    except ValueError as error:
        raise InvalidInput(f"{what} is not JSON: {error}") from error
    private = signing.private_key(key)
    if "payload" in given:
        said = Epoch.read(Envelope.from_json(given))
    else:
        said = epochs.stated(Restored.from_json(given), reason)
    read_first("\n".join(_said(said)), yes, as_json)
    signed = signing.countersigned(given, private) if "payload" in given else signing.signed(said, private)
    output.write_text(json.dumps(signed) + "\n")
    count = len(signed["signatures"])
    answer = {"file": str(output), "signatures": count, "restored": said.restored.size}
    more = (
        "it can begin: 'sluicegate backup begin FILE'"
        if count > 1
        else "another officer signs it: 'sluicegate backup sign FILE --key KEY -o FILE'"
    )
    emit(answer, as_json, f"signed in {output}, {counted(count, 'signature', 'signatures')}; {more}")


def _said(said: Epoch) -> Iterator[str]:
    yield f"the log {said.log} goes on after {counted(said.restored.size, 'entry', 'entries')}"
    for head in said.abandoned:
        yield f"  abandoned: {head.size - said.restored.size} entries, to {head.size}, root {head.root.hex()}"
    yield f"  because: {said.reason}"


def begin(
    epoch: Annotated[Path, word("What two officers have signed.")],
    state: State = _STATE,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Let the log go on from a restored backup, as two officers have signed. It is on the record."""
    from sluicegate import bootstrap  # noqa: PLC0415 - as above
    from sluicegate.recovery import epochs  # noqa: PLC0415 - as above

    try:
        envelope = Envelope.from_json(json.loads(epoch.read_bytes()))
    except ValueError as error:
        raise InvalidInput(f"{epoch} is not JSON: {error}") from error
    if not as_json:
        typer.echo(visible("\n".join(_said(Epoch.read(envelope)))), err=True)
    confirm("these entries are abandoned for good", yes)
    size = epochs.begin(state, envelope, bootstrap.wall_ms, bootstrap.boot_ms)
    lines = [f"the log goes on with {counted(size, 'entry', 'entries')}; start the control plane"]
    lines.append("  issue again what narrowed access: gateways hold it until it is on the record and lifted")
    emit({"size": size}, as_json, "\n".join(lines))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
