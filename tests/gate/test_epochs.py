"""A log that goes on after a loss: what a gateway asks before it crosses, and what it carries over."""

from __future__ import annotations

from pathlib import Path

import pytest

from sluicegate.core.access import decision
from sluicegate.core.access.decision import Allow, Ask, Instant
from sluicegate.core.access.refusals import Deny, Reason
from sluicegate.core.access.table import Table
from sluicegate.core.access.vouch import VouchedTable
from sluicegate.core.lifecycle.epochs import BeginEpoch
from sluicegate.core.lifecycle.grants import OpenRemoval
from sluicegate.errors import BadFeed
from sluicegate.gate.engine import Engine
from sluicegate.gate.feed import MachineClock, Tail
from sluicegate.gate.kept import Memory
from sluicegate_record.log import checkpoint, times
from sluicegate_record.statements.epochs import Epoch, TreeHead
from tests.clock import Clock
from tests.core.access.test_vouch import KEY, trust
from tests.gate.test_tail import Control
from tests.worlds import (
    API,
    AT_MS,
    DEVELOPER,
    MODEL,
    OFFICER,
    ORIGIN,
    OTHER_OFFICER,
    World,
    ending,
    epoch,
    head_of,
    keyid,
    pinning,
    public_key,
)

HEADS = 1_000_000


class Kept:
    """A gateway's folder, through several runs of it."""

    def __init__(self, folder: Path, table: type[Table] = VouchedTable) -> None:
        self.folder, self._table, self.wall_ms = folder, table, AT_MS
        self.start()

    def start(self) -> None:
        """A run begins."""
        self.memory = Memory(self.folder)
        table = VouchedTable(trust()) if self._table is VouchedTable else Table()
        clock = Clock()
        self.engine = Engine(API, clock, table)
        verifier = checkpoint.parse_vkey(checkpoint.vkey(ORIGIN, public_key("log")))
        machine = MachineClock(clock, lambda: self.wall_ms)
        self.tail = Tail(self.engine, verifier, "gateway-1", machine, self.memory.load(), self.memory)

    def polls(self, *logs: Control) -> None:
        """It follows a log, and keeps what it saw."""
        for control in logs:
            now = times.format_time(self.wall_ms)
            seen = self.tail.take(control.answer(self.tail.question(0), controlTime=now))
            self.memory.save(seen, self.tail.new)
            self.tail.new = []

    def refuses(self, control: Control, why: str) -> None:
        """It takes no lease by a log, neither as it runs nor when it starts again."""
        for begin in (self.tail.begin_again, self.start):
            begin()
            with pytest.raises(BadFeed, match=why):
                self.polls(control)
            assert self.engine.lease is None or begin == self.tail.begin_again

    @property
    def table(self) -> Table:
        return self.engine.table

    def answers(self, key: bytes = KEY) -> Allow | Deny:
        return decision.decide(Ask(key, MODEL, API), self.table, Instant(self.wall_ms, self.wall_ms))


@pytest.fixture
def lost() -> tuple[World, World]:
    """A log as it was backed up, and as it was when it was lost."""
    worlds = []
    for _ in range(2):
        world = World.opened()
        world.credential(world.admit())
        worlds.append(world)
    assert worlds[0].entries == worlds[1].entries
    return worlds[0], worlds[1]


def crossing(later: World, backed: World, tmp_path: Path, table: type[Table] = VouchedTable) -> Kept:
    """A gateway that has followed the lost log, and is now without a lease."""
    gateway = Kept(tmp_path, table)
    gateway.wall_ms = max(AT_MS, later.now_ms)
    gateway.polls(Control(backed.entries), Control(later.entries))
    gateway.refuses(Control(backed.entries), "goes back")
    return gateway


def goes_on(gateway: Kept, backed: World, *abandoned: TreeHead) -> None:
    """The restored log goes on, and the gateway crosses: as it runs, and when it starts again."""
    backed.must(epoch(head_of(backed.entries), *abandoned, at_ms=backed.now_ms))
    gateway.polls(Control(backed.entries))
    assert gateway.engine.lease is not None


@pytest.mark.parametrize("table", [VouchedTable, Table])
def test_a_directive_and_a_revocation_hold_on(
    lost: tuple[World, World], tmp_path: Path, table: type[Table]
) -> None:
    backed, later = lost
    later.revoke(next(iter(later.state.table.credentials_by_id)))
    later.direct("d-lost")
    gateway = crossing(later, backed, tmp_path, table)
    goes_on(gateway, backed, head_of(later.entries))
    for _ in range(2):
        denied = gateway.answers()
        assert isinstance(denied, Deny)
        assert denied.reason is Reason.CREDENTIAL_REVOKED
        assert "d-lost" in gateway.table.directives
        gateway.start()
        gateway.polls(Control(backed.entries))


def test_a_directive_holds_on_until_it_is_issued_again_and_lifted(
    lost: tuple[World, World], tmp_path: Path
) -> None:
    backed, later = lost
    later.direct("d-lost")
    gateway = crossing(later, backed, tmp_path)
    goes_on(gateway, backed, head_of(later.entries))
    assert isinstance(gateway.answers(), Deny)
    backed.direct("d-lost")
    gateway.polls(Control(backed.entries))
    assert list(gateway.table.directives) == ["d-lost"]
    assert isinstance(gateway.answers(), Deny)
    backed.lift("d-lost")
    gateway.polls(Control(backed.entries))
    assert isinstance(gateway.answers(), Allow)
    gateway.start()
    gateway.polls(Control(backed.entries))
    assert isinstance(gateway.answers(), Allow)


def test_another_directive_of_its_name_takes_its_place_nowhere(
    lost: tuple[World, World], tmp_path: Path
) -> None:
    backed, later = lost
    later.direct("d-lost")
    gateway = crossing(later, backed, tmp_path)
    goes_on(gateway, backed, head_of(later.entries))
    backed.direct("d-lost", ["org-9"])
    backed.lift("d-lost")
    gateway.polls(Control(backed.entries))
    assert isinstance(gateway.answers(), Deny)


def test_a_removal_among_what_was_lost_is_not_undone_by_the_old_signatures(
    lost: tuple[World, World], tmp_path: Path
) -> None:
    backed, later = lost
    grant = next(iter(later.state.grants))
    case = later.case(later.must(OpenRemoval(grant, "misuse", "a notice"))["case"])
    later.all_say(case, *(f"{agency} approve" for agency in ("oncd", "ostp")))
    later.later(11)
    assert later.state.grants[grant].standing == "removed"
    gateway = crossing(later, backed, tmp_path)
    goes_on(gateway, backed, head_of(later.entries))
    denied = gateway.answers()
    assert isinstance(denied, Deny)
    assert denied.reason is Reason.GRANT_REMOVED


def test_an_agency_that_took_its_yes_back_agrees_only_when_it_signs_again(
    lost: tuple[World, World], tmp_path: Path
) -> None:
    """The no is among what was lost. Two officers cannot make the old yes count again."""
    backed, later = lost
    for world in lost:
        world.say(world.submit("org-2"), "oncd")
    later.say(later.cases()[-1], "oncd", "object")
    gateway = crossing(later, backed, tmp_path)
    goes_on(gateway, backed, head_of(later.entries))
    case = backed.cases()[-1]
    backed.say(case, "ostp")
    key, _ = backed.credential(case.grant, "key-2")
    gateway.polls(Control(backed.entries))
    denied = gateway.answers(key)
    assert isinstance(denied, Deny)
    assert denied.reason is Reason.DEPLOYMENT_UNATTESTED


def test_a_grant_that_began_and_was_removed_among_what_was_lost_is_not_given_again(
    lost: tuple[World, World], tmp_path: Path
) -> None:
    """Its case stands in the backup, and the same positions would give it again."""
    backed, later = lost
    for world in lost:
        world.say(world.submit("org-2"), "oncd")
    later.say(later.cases()[-1], "ostp")
    grant = later.cases()[-1].grant
    removal = later.case(later.must(OpenRemoval(grant, "misuse", "a notice"))["case"])
    later.all_say(removal, "oncd approve", "ostp approve")
    later.later(11)
    gateway = crossing(later, backed, tmp_path)
    goes_on(gateway, backed, head_of(later.entries))
    case = backed.cases()[-1]
    backed.say(case, "ostp")
    key, _ = backed.credential(case.grant, "key-2")
    gateway.polls(Control(backed.entries))
    denied = gateway.answers(key)
    assert isinstance(denied, Deny)
    assert denied.reason is Reason.DEPLOYMENT_UNATTESTED


def lying(lie: str, backed: World, later: World) -> None:
    """The restored log goes on by a lie."""
    here, seen, at_ms = head_of(backed.entries), head_of(later.entries), backed.now_ms
    if lie == "one officer signed":
        write(backed, epoch(here, seen, at_ms=at_ms, signers=(OFFICER,)))
    elif lie == "an agency signed":
        write(backed, epoch(here, seen, at_ms=at_ms, signers=(OFFICER, "oncd")))
    elif lie == "another head is named":
        write(backed, epoch(here, TreeHead(size=seen.size, root=bytes(32)), at_ms=at_ms))
    elif lie == "it begins after other entries":
        write(backed, epoch(TreeHead(size=here.size, root=bytes(32)), seen, at_ms=at_ms))
    elif lie == "it is for another log":
        write(backed, epoch(here, seen, at_ms=at_ms, log="other"))
    elif lie == "it is not the first entry":
        backed.direct("d-2", ["org-9"])
        write(backed, epoch(here, seen, at_ms=at_ms))
    else:
        raise AssertionError(lie)
    while len(backed.entries) <= seen.size:
        backed.direct(f"d-{len(backed.entries)}", ["org-9"])


def write(world: World, command: BeginEpoch) -> None:
    """Write an epoch as its signers signed it, whatever the rules say."""
    said = Epoch.read(command.envelope).to_json()
    shown = {name: said[name] for name in ("restored", "abandoned", "reason")}
    officers = [OFFICER, OTHER_OFFICER]
    signed_ = {"digest": command.envelope.digest, "envelope": command.envelope.to_json()}
    world.write("epoch.began", {**shown, "officers": officers, **signed_})


@pytest.mark.parametrize(
    "lie",
    [
        "one officer signed",
        "an agency signed",
        "another head is named",
        "it begins after other entries",
        "it is for another log",
        "it is not the first entry",
    ],
)
def test_a_lie_about_an_epoch_opens_no_gateway(lost: tuple[World, World], tmp_path: Path, lie: str) -> None:
    backed, later = lost
    later.direct("d-lost")
    gateway = crossing(later, backed, tmp_path)
    lying(lie, backed, later)
    gateway.refuses(Control(backed.entries), "forked")


def test_an_old_epoch_does_not_cross_a_second_loss(lost: tuple[World, World], tmp_path: Path) -> None:
    """The log is put back again, and goes on by the first epoch, without what came after it."""
    backed, later = lost
    later.direct("d-lost")
    gateway = crossing(later, backed, tmp_path)
    again = list(backed.entries)
    goes_on(gateway, backed, head_of(later.entries))
    begun = backed.entries[len(again)]
    backed.direct("d-after")
    gateway.polls(Control(backed.entries))
    liar = [*again, begun]
    gateway.refuses(Control(liar), "goes back")
    assert isinstance(gateway.answers(), Deny)


def test_a_gateway_that_keeps_too_little_does_not_cross(lost: tuple[World, World], tmp_path: Path) -> None:
    backed, later = lost
    later.direct("d-lost")
    gateway = crossing(later, backed, tmp_path)
    lines = (tmp_path / "entries.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "entries.jsonl").write_bytes(b"".join(lines[:-1]))
    backed.must(epoch(head_of(backed.entries), head_of(later.entries), at_ms=backed.now_ms))
    gateway.start()
    with pytest.raises(BadFeed, match="would lose what was seen"):
        gateway.polls(Control(backed.entries))


def test_a_line_that_was_cut_off_is_none_and_is_written_again(
    lost: tuple[World, World], tmp_path: Path
) -> None:
    backed, later = lost
    gateway = Kept(tmp_path)
    gateway.polls(Control(backed.entries))
    path = tmp_path / "entries.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    later.direct("d-1")
    gateway.start()
    gateway.polls(Control(later.entries))
    found = Memory(tmp_path).entries(0, len(later.entries))
    assert [each.leaf for each in found] == [each.leaf for each in later.entries]


def test_officers_with_other_keys_than_their_first_begin_it_again(
    lost: tuple[World, World], tmp_path: Path
) -> None:
    """The log says whose keys count there, also where all of it comes in one answer."""
    backed, later = lost
    for world in lost:
        for owner in (OFFICER, OTHER_OFFICER):
            world.must(pinning(owner, DEVELOPER, f"{owner}-2", owner, replaces=keyid(owner)))
    later.direct("d-lost")
    gateway = crossing(later, backed, tmp_path)
    gateway.start()
    signers = (f"{OFFICER}-2", f"{OTHER_OFFICER}-2")
    here, seen = head_of(backed.entries), head_of(later.entries)
    backed.must(epoch(here, seen, at_ms=backed.now_ms, signers=signers))
    gateway.polls(Control(backed.entries))
    assert gateway.engine.lease is not None
    assert "d-lost" in gateway.table.directives


def test_officers_whose_keys_had_ended_begin_no_epoch(lost: tuple[World, World], tmp_path: Path) -> None:
    """Both were changed long ago. Who has the old ones cannot take back what was narrowed since."""
    backed, later = lost
    for world in lost:
        for owner in (OFFICER, OTHER_OFFICER):
            world.must(pinning(owner, DEVELOPER, f"{owner}-2", owner, replaces=keyid(owner)))
    later.direct("d-lost")
    gateway = crossing(later, backed, tmp_path)
    write(backed, epoch(head_of(backed.entries), head_of(later.entries), at_ms=backed.now_ms))
    gateway.refuses(Control(backed.entries), "forked|goes back")


def third_officer(*worlds: World) -> None:
    for world in worlds:
        world.must(pinning("third", DEVELOPER, "third", OFFICER, OTHER_OFFICER))


def test_a_revoked_key_abandons_its_own_revocation_nowhere(lost: tuple[World, World], tmp_path: Path) -> None:
    """Two officers, one of whom was revoked among what is abandoned: to everyone who saw that, it is one."""
    backed, later = lost
    third_officer(*lost)
    later.must(ending("revokes", OFFICER, DEVELOPER, OFFICER, "third", since=later.state.size))
    gateway = crossing(later, backed, tmp_path)
    write(backed, epoch(head_of(backed.entries), head_of(later.entries), at_ms=backed.now_ms))
    gateway.refuses(Control(backed.entries), "forked|goes back")


def test_a_key_that_was_revoked_among_what_was_lost_admits_no_one(
    lost: tuple[World, World], tmp_path: Path
) -> None:
    backed, later = lost
    for world in lost:
        world.must(pinning("ostp-too", "ostp", "ostp-too", "ostp"))
    revoked = ending("revokes", "ostp", "ostp", "ostp", "ostp-too", since=later.state.size)
    later.must(revoked)
    gateway = crossing(later, backed, tmp_path)
    goes_on(gateway, backed, head_of(later.entries))
    case = backed.submit("org-2")
    backed.all_say(case, "oncd approve", "ostp approve")
    key, _ = backed.credential(case.grant, "key-2")
    for _ in range(2):
        gateway.polls(Control(backed.entries))
        denied = gateway.answers(key)
        assert isinstance(denied, Deny)
        assert denied.reason is Reason.DEPLOYMENT_UNATTESTED
        gateway.start()
    gateway.polls(Control(backed.entries))
    backed.must(revoked)
    gateway.polls(Control(backed.entries))
    assert isinstance(gateway.table, VouchedTable)
    assert gateway.table.findings["key.ended"] == 0


def test_what_a_key_carried_that_was_found_out_among_what_was_lost_stays_out(
    lost: tuple[World, World], tmp_path: Path
) -> None:
    """The log that goes on says nothing of the compromise, nor of what was suspended for it."""
    backed, later = lost
    for world in lost:
        world.must(pinning("ostp-too", "ostp", "ostp-too", "ostp"))
    later.must(ending("revokes", "ostp", "ostp", "ostp", "ostp-too", since=0))
    del later.entries[-1]  # a control plane that suspends nothing
    gateway = crossing(later, backed, tmp_path)
    goes_on(gateway, backed, head_of(later.entries))
    denied = gateway.answers()
    assert isinstance(denied, Deny)
    assert denied.reason is Reason.GRANT_SUSPENDED


def test_a_second_loss_to_the_same_backup_keeps_what_both_had_narrowed(
    lost: tuple[World, World], tmp_path: Path
) -> None:
    backed, later = lost
    again = World.opened()
    again.credential(again.admit())
    assert again.entries == backed.entries
    later.direct("d-lost")
    gateway = crossing(later, backed, tmp_path)
    goes_on(gateway, backed, head_of(later.entries))
    backed.direct("d-after")
    gateway.polls(Control(backed.entries))
    gateway.tail.begin_again()
    goes_on(gateway, again, head_of(later.entries), head_of(backed.entries))
    for _ in range(2):
        assert set(gateway.table.directives) == {"d-lost", "d-after"}
        gateway.start()
        gateway.polls(Control(again.entries))


def test_a_grant_that_was_lost_is_reported_no_more(lost: tuple[World, World], tmp_path: Path) -> None:
    """The same run goes on: it knows of uses of grants that are not in the log any more."""
    backed, later = lost
    grant = later.admit("org-lost")
    gateway = crossing(later, backed, tmp_path)
    gateway.engine.proven.add(grant)
    gateway.engine.differing.add((grant, "programme_not_given"))
    goes_on(gateway, backed, head_of(later.entries))
    assert gateway.engine.unproven() == []
    assert gateway.engine.unrecorded() == []
