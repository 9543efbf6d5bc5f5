"""Replacing the log's own key, on a state folder that is at rest.

Rules:
- The next key is on the disk before anything names it, and the entry that names it before it takes its place.
- The key before signs the next one. If it is lost, or someone else has it, two officers sign instead.
- Webhooks are signed with secrets that come from the log's key: who receives them has to subscribe again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.client import signing
from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.logkeys import ReplaceLogKey
from sluicegate.errors import CommandRefused
from sluicegate.ports import WEBHOOK, Store
from sluicegate.recovery.backups import DATABASE, Replay, at_rest, replay
from sluicegate.service.fleet import Fleet
from sluicegate.service.ledger import Ledger
from sluicegate.store import logkeys, unsettled
from sluicegate.store.fleet import SqliteFeeds
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.handovers import Handover


@dataclass(frozen=True, slots=True)
class Machine:
    """What a ledger reads of its machine: as `Ledger` has it, and which boot `boot_ms` counts from."""

    wall_ms: Callable[[], int]
    boot_ms: Callable[[], float]
    boot: str


@dataclass(frozen=True, slots=True)
class LogKeyChange:
    """A log at rest, and the key that it is to have. `now` is the key that signs it, if it is at hand."""

    found: Replay
    now: Ed25519PrivateKey | None
    next: Ed25519PrivateKey
    webhooks: int

    def said(self, reason: str) -> Handover:
        """What is to be signed."""
        name = self.found.signer.name
        return Handover(
            log=self.found.vkey,
            replaces=self.found.record.log_keys.current.vkey,
            key=logkeys.vkey(name, self.next),
            reason=reason,
        )

    def signed(self, reason: str, *, lost: bool) -> dict[str, Any]:
        """The handover, signed by the next key, and by the one that signs now if it is not lost."""
        if not lost and self.now is None:
            raise logkeys.missing(Path())
        keys = [self.next] if lost or self.now is None else [self.next, self.now]
        return signing.signed(self.said(reason), *keys)


def begin(state: Path) -> LogKeyChange:
    """Look at a log at rest, and make its next key. Raises: as `replay`; StoreUnavailable: it is in use."""
    unsettled.check(state)
    at_rest(state)
    found = replay(state / DATABASE)
    now = logkeys.current(state, found.record.log_keys)
    with closing(SqliteStore(state / DATABASE)) as store:
        return LogKeyChange(found, now, logkeys.successor(state), len(_webhooks(store)))


def replace(state: Path, change: LogKeyChange, envelope: Envelope, machine: Machine) -> int:
    """Put what was signed on the record. From its entry on the next key signs, and it takes its place.

    Returns: the size of the log now. Raises: CommandRefused.
    """
    found = change.found
    with closing(SqliteStore(state / DATABASE)) as store:
        ledger = Ledger(
            store,
            change.next,
            found.signer.name,
            wall_ms=lambda: max(machine.wall_ms(), found.at_ms),
            boot_ms=machine.boot_ms,
            random=secrets.token_bytes,
            before=change.now,
            successor=True,
        )
        name = f"log_key_{envelope.digest.removeprefix('sha256:')[:32]}"
        command = ReplaceLogKey(envelope, found.note)
        done = ledger.execute(command, by="log", command_id=name, effect="narrows")
        if isinstance(done, Refusal):
            raise CommandRefused(done.message, code=done.code, remedy=done.remedy)
        # Durable here: a start puts the key in its place, if this process does not.
        with ledger.reading() as held:
            logkeys.current(state, held.record.log_keys)
        for subscription in _webhooks(store):
            store.outbox.end_subscription(subscription, "the log's key was replaced: subscribe again")
        Fleet(ledger, SqliteFeeds(state), machine.boot).tick()  # feeds that run go on giving leases
        return ledger.size()


def _webhooks(store: Store) -> list[str]:
    """The subscriptions of webhooks that still get something."""
    known = (each for who in store.principals.all() for each in store.outbox.subscriptions(who.id))
    return [each.id for each in known if each.kind == WEBHOOK and not each.gone]
