"""A disk that is nearly full: an order always fits, and everything goes on when there is room again."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from sluicegate.acts import credentials, directives, grants, members, subscriptions, tokens
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import StoreUnavailable
from sluicegate.service.room import DISK_RESERVE, Room
from sluicegate_record.log.dsse import Envelope
from tests import worlds
from tests.plane import Plane, no, yes
from tests.worlds import API, CODEX, DAY_MS, MODEL, plan_value, stage

RESERVE = 1_000_000


class Disk:
    """As many free bytes as a test says."""

    def __init__(self) -> None:
        self.free = RESERVE

    def __call__(self) -> int:
        return self.free


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def plane(disk: Disk) -> Plane:
    plane = Plane()
    plane.opened(plan_value(stages=[stage(conditions={"validFor": "P7D"})]))
    plane.ledger.room = Room(disk, RESERVE)
    return plane


def no_room(plane: Plane, who: str, act: Any, **given: Any) -> None:
    size, known = plane.size, plane.store.session.contents.copy()
    with pytest.raises(StoreUnavailable) as refused:
        plane.do(who, act, **given)
    assert refused.value.code == DISK_RESERVE
    assert (plane.size, plane.store.session.contents) == (size, known)


def test_below_the_reserve_only_what_narrows_is_accepted(
    plane: Plane, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    grant, other = plane.admit(), plane.admit("rival", "Example Bank")
    key = yes(plane.credential(grant)).credential
    caplog.set_level(logging.INFO)
    disk.free = RESERVE - 1
    no_room(plane, "applicant", credentials.ISSUE, grant=grant, digest="0" * 64)
    no_room(plane, "applicant", grants.CHOOSE_FALLBACK, grant=grant, fallback=True)
    rows = (members.MemberRow(identifiers=(bytes(16),)),)
    no_room(plane, "applicant", members.REGISTER, grant=grant, rows=rows)
    no_room(plane, "oncd", subscriptions.ADD, kind="webhook", target="https://example.org/hook")
    disk.free = 0
    yes(plane.direct("d-1", models=[MODEL]))
    yes(plane.do("applicant", credentials.REVOKE, credential=key))
    yes(plane.do("developer", grants.SUSPEND, grant=grant, code="misuse"))
    yes(plane.do("rival", grants.SURRENDER, grant=other))
    yes(plane.do("developer", tokens.REVOKE, principal=plane.who["rival"].id))
    disk.free = RESERVE
    yes(plane.do("applicant", grants.CHOOSE_FALLBACK, grant=grant, fallback=True))
    reserve = f"a reserve of {RESERVE} (--reserve-mib)"
    told = [record.getMessage() for record in caplog.records if record.name == Room.__module__]
    assert told == [
        f"the disk has {RESERVE - 1} bytes left of {reserve}: only what narrows is accepted",
        f"the disk has {RESERVE} bytes left of {reserve}: everything is accepted again",
    ]


def test_what_changes_nothing_is_answered(plane: Plane, disk: Disk) -> None:
    grant = plane.admit()
    yes(plane.do("applicant", grants.CHOOSE_FALLBACK, grant=grant, fallback=True))
    disk.free = 0
    yes(plane.do("applicant", grants.CHOOSE_FALLBACK, grant=grant, fallback=True))


def test_what_time_moves_uses_the_first_half_of_the_reserve(plane: Plane, disk: Disk) -> None:
    grant = plane.admit()
    plane.wall.at_ms += 8 * DAY_MS
    disk.free = RESERVE // 2 - 1
    with pytest.raises(StoreUnavailable, match="what is due waits"):
        plane.ledger.tick()
    yes(plane.direct("d-1", models=[MODEL]))  # before what is due, as ever
    disk.free = RESERVE // 2
    plane.ledger.tick()
    with plane.ledger.reading() as state:
        assert not state.grants[grant].is_live
    assert plane.ledger.set_aside() == 0


def documented(name: str, **metadata: Any) -> dict[str, Any]:
    value: dict[str, Any] = worlds.directive_value(name, models=[MODEL], surfaces=[API])
    return {**value, "metadata": {**value["metadata"], **metadata}}


def replacing(plane: Plane, name: str, surfaces: Any) -> Envelope:
    """A directive over some surfaces in place of another."""
    with plane.ledger.reading() as state:
        old = state.directives[name].document.digest
    value = documented(f"{name}-2", replaces={"directive": name, "document": old})
    return worlds.directive({**value, "spec": {**value["spec"], "surfaces": surfaces}})


def test_what_decides_is_whether_a_directive_provably_narrows(plane: Plane, disk: Disk) -> None:
    yes(plane.issue(worlds.directive(documented("d-1"))))
    disk.free = 0
    for refused in (worlds.directive(documented("drill", drill=True)), replacing(plane, "d-1", [CODEX])):
        no_room(plane, "oncd", directives.ISSUE, envelope=refused.to_json(), opened={})
    yes(plane.issue(replacing(plane, "d-1", "all")))  # it stops all that the other stopped, and more
    disk.free = RESERVE
    yes(plane.issue(worlds.directive(documented("drill", drill=True))))


def test_one_agency_alone_does_not_use_the_reserve_up(plane: Plane, disk: Disk) -> None:
    disk.free = RESERVE - 1
    written = 0
    while not isinstance(refused := plane.direct(f"d-{written}", models=[MODEL]), Refusal):
        written += 1
    assert refused.code == "too_many_directive_bytes"
    assert refused.remedy.endswith("two officers can transcribe it now")
    assert 10 < written < 100  # of 2 kB each, in an eighth of the reserve
    yes(plane.do("developer", directives.ISSUE, envelope=order_of_developer().to_json(), opened={}))
    disk.free = RESERVE
    yes(plane.direct("d-above", models=[MODEL]))


def test_the_first_order_of_a_day_fits_however_long_it_is(plane: Plane, disk: Disk) -> None:
    plane.ledger.room = Room(disk, 8)
    disk.free = 7
    yes(plane.direct("d-1", models=[MODEL]))
    assert no(plane.direct("d-2", models=[MODEL])) == "too_many_directive_bytes"
    plane.wall.at_ms += DAY_MS
    yes(plane.direct("d-2", models=[MODEL]))


def order_of_developer() -> Envelope:
    value = documented("of-developer")
    value["spec"] = {**value["spec"], "issuer": worlds.DEVELOPER, "liftedBy": {"allOf": [worlds.DEVELOPER]}}
    return worlds.directive(value, signer=worlds.OFFICER)
