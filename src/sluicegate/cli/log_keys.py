"""`keys rotate-log`: another key signs the log, by the state folder, on its machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sluicegate.cli.confirmation import confirm
from sluicegate.cli.files import read_json, write_json
from sluicegate.cli.options import value
from sluicegate.cli.output import Json, emit, visible
from sluicegate.cli.server_options import State
from sluicegate.errors import WrongUsage
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.handovers import Handover
from sluicegate_record.terms.text import counted

if TYPE_CHECKING:
    from sluicegate.recovery.logkeys import LogKeyChange

_STATE = Path("sluicegate-state")


def rotate_log(
    reason: Annotated[str, typer.Option("--reason", help="Why. It is public.")] = "",
    lost: Annotated[
        bool, typer.Option("--lost", help="The key is lost, or someone else has it: officers sign instead.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="With --lost: a new file, for two officers to sign.")
    ] = None,
    signed: Annotated[Path | None, value("--signed", "What two officers have signed.")] = None,
    state: State = _STATE,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Let a new key sign the log, by an entry that the old one signs. The log keeps its name.

    The control plane must be stopped; feeds may go on. Who knows the old key follows by its signature:
    gateways, 'sluicegate ledger verify', excerpts, dossiers. With --lost, a file is written that two officers
    sign ('sluicegate keys countersign'), and --signed puts it on the record: then only those follow who know
    the officers.
    """
    from sluicegate import bootstrap  # noqa: PLC0415 - it needs what servers need
    from sluicegate.recovery import logkeys  # noqa: PLC0415 - likewise

    if lost != (output is not None) or (lost and signed is not None):
        raise WrongUsage("--lost and -o go together, and without --signed")
    if signed is None and not reason.strip():
        raise WrongUsage("--reason is missing", remedy="it is on the public record")
    change = logkeys.begin(state)
    if output is not None:
        write_json(output, change.signed(reason, lost=True))
        text = f"written to {output}; two officers sign it: sluicegate keys countersign {output} --key … -o …"
        emit({"file": str(output)}, as_json, f"{text}\n  then: sluicegate keys rotate-log --signed FILE")
        return
    envelope = Envelope.from_json(
        read_json(signed) if signed is not None else change.signed(reason, lost=False)
    )
    said = Handover.read(envelope)
    if not as_json:
        typer.echo(visible("\n".join(_preview(change, said))), err=True)
    confirm("the key of the log is replaced for good", yes)
    size = logkeys.replace(
        state, change, envelope, logkeys.Machine(bootstrap.wall_ms, bootstrap.boot_ms, bootstrap.boot())
    )
    emit(
        {"log": said.log, "key": said.key, "size": size}, as_json, "\n".join(_done(change, said, size, state))
    )


def _preview(change: LogKeyChange, said: Handover) -> Iterator[str]:
    yield f"the log {said.log} goes on, signed by another key"
    yield f"  now: {said.replaces}"
    yield f"  then: {said.key}"
    yield f"  because: {said.reason}"
    yield "  gateways and auditors need a build that knows this: update them first"
    if change.webhooks:
        many = counted(change.webhooks, "subscription")
        yield f"  {many} of webhooks end: their secrets come from this key, and are subscribed again"


def _done(change: LogKeyChange, said: Handover, size: int, state: Path) -> Iterator[str]:
    from sluicegate.store import logkeys  # noqa: PLC0415 - as above

    yield f"{said.key} signs the log from its entry {size - 1} on; start the control plane"
    yield f"  keep it: {state / logkeys.NOW}. Tell auditors the new key; trust files and --log-key may stay"
    if change.now is not None:
        before = state / logkeys.BEFORE
        yield f"  the old key, {before}, signs heads, too, for who knows only that one: remove it"
        yield "  when all have the new one, and a backup was made"
