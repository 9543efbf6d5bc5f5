"""By whom a grant is suspended."""

from __future__ import annotations

from sluicegate.acts.act import DEVELOPER
from sluicegate.core.lifecycle.grants import SuspendGrant
from sluicegate.ports import Principal
from sluicegate.service.limits import limits
from tests.core.lifecycle.test_findings import suspending
from tests.found import misuse
from tests.worlds import World

STAFF = Principal("developer_x", DEVELOPER, "developer")


def words(world: World, grant: str) -> list[str]:
    found = limits(world.state, STAFF, world.state.grants[grant], world.now_ms)
    return [each.words for each in found if each.kind == "suspended"]


def test_a_suspended_grant_says_by_whom() -> None:
    world = suspending("caisi")
    grant = world.admit()
    assert words(world, grant) == []
    world.must(SuspendGrant(grant, "security"))
    assert words(world, grant) == ["suspended by openai: no key of it works"]
    name = world.must(misuse(world, grant))["finding"]
    said = f"suspended by a report of caisi, finding {name}, until it is closed: no key of it works"
    assert words(world, grant) == [said]
