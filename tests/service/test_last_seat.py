"""The last seat, decided by fifty processes at once on one database."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sluicegate.core.lifecycle import Command, Refusal
from sluicegate.core.lifecycle.grants import SurrenderGrant
from sluicegate.core.lifecycle.positions import RecordPosition
from sluicegate.core.lifecycle.releases import ApplyPlan, OpenStage
from sluicegate.service.ledger import Ledger
from sluicegate.store.sqlite import SqliteStore
from sluicegate_record.audit import audit
from sluicegate_record.log import checkpoint
from tests import worlds
from tests.waiting import BOUND_S
from tests.worlds import AT_MS, ORIGIN, RELEASE, STAGE, plan_value, position, private_key, read_plan, stage

REVIEWERS = 50
SCRIPT = Path(__file__).with_name("last_seat.py")


class Desk:
    """The ledger in this process, each command under a name of its own."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "ledger.db"
        self.store = SqliteStore(self.database)
        self.ledger = Ledger(
            self.store,
            private_key("log"),
            ORIGIN,
            wall_ms=lambda: AT_MS,
            boot_ms=lambda: 0.0,
            random=secrets.token_bytes,
        )
        self.commands = 0

    def must(self, command: Command) -> dict[str, Any]:
        self.commands += 1
        result = self.ledger.execute(command, by="desk", command_id=f"command-{self.commands}")
        assert not isinstance(result, Refusal), result
        return result

    def say(self, name: str, *agencies: str) -> None:
        for agency in agencies:
            with self.ledger.reading() as state:
                envelope = position(state.cases[name], agency)
            self.must(RecordPosition(envelope))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """One seat, fifty applications, each lacking one position."""
    desk = Desk(tmp_path)
    desk.must(worlds.start(vkey=desk.ledger.vkey()))
    terms = desk.must(ApplyPlan(read_plan(plan_value(stages=[stage(seats=1)]))))["cases"]
    desk.say(terms[0], "oncd", "ostp")
    with desk.ledger.reading() as state:
        opening = worlds.opening(state)
    desk.must(OpenStage(opening))
    for number in range(REVIEWERS):
        case = desk.must(worlds.application(f"org-{number}"))["application"]
        desk.say(case, "oncd")
    yield desk
    desk.store.close()


@pytest.fixture
def reviewers(desk: Desk) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that have opened the ledger and wait to be told to go on."""
    started = [
        subprocess.Popen(
            [sys.executable, "-P", str(SCRIPT), str(desk.database), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(REVIEWERS)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield started
    finally:
        for process in started:
            with process:
                if process.poll() is None:
                    process.kill()


@pytest.mark.long
def test_one_of_fifty_gets_the_last_seat_and_the_others_wait_in_the_order_of_the_log(
    desk: Desk, reviewers: list[subprocess.Popen[str]]
) -> None:
    for process in reviewers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = Counter(process.communicate(timeout=BOUND_S)[0].strip() for process in reviewers)
    assert said == {"approved": 1, "None": REVIEWERS - 1}
    desk.ledger.catch_up()
    entries = list(desk.store.log.entries(0, 10_000))
    decided = [entry.public["case"] for entry in entries if entry.type == "position.recorded"]
    winner, *others = decided[-REVIEWERS:]
    assert len({winner, *others}) == REVIEWERS
    assert [e.public["case"] for e in entries if e.type == "case.waitlisted"] == others
    (granted,) = [entry.public for entry in entries if entry.type == "grant.approved"]
    assert granted["case"] == winner
    with desk.ledger.reading() as state:
        assert list(state.waitlists[RELEASE, STAGE]) == others
        assert len(state.seated(RELEASE, STAGE)) == 1
    desk.must(SurrenderGrant(granted["grant"]))
    with desk.ledger.reading() as state:
        assert state.cases[others[0]].state == "offered"
        assert list(state.waitlists[RELEASE, STAGE]) == others[1:]
    verifier = checkpoint.parse_vkey(desk.ledger.vkey())
    found = audit(desk.ledger.checkpoint(), verifier, desk.store.log.leaves(0, 10_000))
    assert found.ok, found
    assert found.size == desk.ledger.size()
