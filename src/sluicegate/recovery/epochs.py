"""Going on without what was lost: what two officers sign, and the entry that says it.

Rules:
- It is the first entry after the restored ones, and names every head that was seen of what is abandoned.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.epochs import BeginEpoch
from sluicegate.errors import (
    CommandRefused,
    InvalidInput,
    VerificationFailed,
)
from sluicegate.recovery.backups import DATABASE, at_rest, replay
from sluicegate.service.ledger import Ledger
from sluicegate.store import logkeys, unsettled
from sluicegate.store.sqlite import SqliteStore
from sluicegate.store.unsettled import Restored
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.epochs import Epoch
from sluicegate_record.terms.text import counted


def stated(found: Restored, reason: str) -> Epoch:
    """What officers sign to go on without what was lost: it names every head that was seen.

    Raises: InvalidInput: nothing newer was seen.
    """
    heads = {(head.size, head.root): head for head in found.newer.values()}
    if not heads:
        raise InvalidInput("no head beyond the restored one was seen: nothing is abandoned",
                           remedy="restore with --gateway for each gateway")  # fmt: skip
    abandoned = tuple(heads[each] for each in sorted(heads))
    return Epoch(log=found.log, restored=found.restored, abandoned=abandoned, reason=reason)


def begin(state: Path, envelope: Envelope, wall_ms: Callable[[], int], boot_ms: Callable[[], float]) -> int:
    """Go on after a loss, by what two officers signed: the first entry after the restored ones says so.

    Returns: the size of the log now.
    Raises:  VerificationFailed: it is for other entries, or leaves out a head that was seen. CommandRefused.
    """
    at_rest(state)
    found, said, open_ = replay(state / DATABASE), Epoch.read(envelope), unsettled.read(state)
    if said.restored != found.head:
        raise VerificationFailed(
            f"the epoch begins after {said.restored.size} entries, and the log in {state} is another, "
            f"of {counted(found.head.size, 'entry', 'entries')}",
            remedy="sign one for this log, of the restored.json of this folder: "
            "'sluicegate backup sign FILE --key KEY -o FILE'",
        )
    seen = {} if open_ is None else open_.newer
    forgotten = sorted(name for name, head in seen.items() if head not in said.abandoned)
    if forgotten:
        raise VerificationFailed(
            f"the epoch does not name what was seen by {', '.join(forgotten)}",
            remedy="sign one that does, or those gateways would stay closed",
        )
    keys = found.record.log_keys
    key = logkeys.current(state, keys)
    if key is None:
        raise logkeys.missing(state)
    with closing(SqliteStore(state / DATABASE)) as store:
        ledger = Ledger(
            store,
            key,
            found.signer.name,
            wall_ms=lambda: max(wall_ms(), found.at_ms),
            boot_ms=boot_ms,
            random=secrets.token_bytes,
            before=logkeys.before(state, keys),
        )
        name = f"epoch_{envelope.digest.removeprefix('sha256:')[:32]}"
        done = ledger.execute(BeginEpoch(envelope), by="officers", command_id=name, effect="narrows")
        if isinstance(done, Refusal):
            raise CommandRefused(done.message, code=done.code, remedy=done.remedy)
        unsettled.write(state, None)
        return ledger.size()
