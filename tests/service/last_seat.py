"""One reviewer in a process of its own: `python last_seat.py DATABASE NUMBER`.

It opens the ledger, says so, waits to be told to go on, and records the position that decides its case.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sluicegate.core.lifecycle import Refusal
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.service.ledger import Ledger
from sluicegate.store.sqlite import SqliteStore
from tests.worlds import AT_MS, ORIGIN, position, private_key


def decide(database: str, number: int) -> None:
    store = SqliteStore(Path(database))
    ledger = Ledger(
        store,
        private_key("log"),
        ORIGIN,
        wall_ms=lambda: AT_MS,
        boot_ms=lambda: 0.0,
        random=secrets.token_bytes,
    )
    with ledger.reading() as state:
        case = next(case for case in state.cases.values() if case.organization == f"org-{number}")
        envelope = position(case, "ostp")
    _say("ready")
    sys.stdin.readline()
    result = ledger.execute(RecordPosition(envelope), by=f"reviewer-{number}", command_id="decide")
    store.close()
    _say("refused" if isinstance(result, Refusal) else str(result["determination"]))


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    decide(sys.argv[1], int(sys.argv[2]))
