"""Imports of keys through the services: who may, what is said, what lists show of the keys."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from sluicegate.acts import credentials, grants, imports
from sluicegate.errors import InvalidDocument
from tests.plane import Plane, no, yes

NAME, OTHER = "imp_aaaaaaaaaaaaaaaa", "imp_bbbbbbbbbbbbbbbb"


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    return plane


def text(grant: str, *rows: str) -> str:
    """The list of keys whose name, label and expiry are given."""
    lines = ["sha256,grant,label,expires"]
    for row in rows:
        key, label, expires = row.split(",")
        lines.append(f"{hashlib.sha256(key.encode()).hexdigest()},{grant},{label},{expires}")
    return "\n".join(lines)


def take(plane: Plane, given: str, part: int = 0, name: str = NAME, **more: Any):
    return plane.do("developer", imports.IMPORT, name=name, part=part, text=given, **more)


def test_a_part_is_taken_and_counts_with_the_whole(plane):
    grant = plane.admit()
    assert yes(take(plane, text(grant, "a,,"))).count == 1
    assert no(plane.do("developer", imports.COMPLETE, name=NAME, count=2)) == "import_incomplete"
    assert yes(plane.do("developer", imports.COMPLETE, name=NAME, count=1)).parts == 1
    with plane.ledger.reading() as state:
        assert state.table.credentials_by_id[f"{NAME}.0"].state.counts


def test_a_check_writes_nothing(plane):
    grant, size = plane.admit(), plane.ledger.size()
    assert yes(take(plane, text(grant, "a,,"), check=True)).count == 0
    with pytest.raises(InvalidDocument):
        take(plane, text("grant_x", "a,,"), check=True)
    with pytest.raises(InvalidDocument):
        take(plane, text(grant, "a,,soon"))
    assert no(take(plane, text(grant, "a,,"), part=1)) == "import_out_of_order"
    assert plane.ledger.size() >= size
    assert yes(plane.do("developer", imports.IMPORTS)).imports == ()


def test_imports_are_listed_the_newest_first(plane):
    grant = plane.admit()
    for name, key in ((NAME, "a"), (OTHER, "b")):
        yes(take(plane, text(grant, f"{key},,"), name=name))
    yes(plane.do("developer", imports.DISCARD, name=NAME))
    found = yes(plane.do("developer", imports.IMPORTS)).imports
    assert [(each.name, each.state, each.count) for each in found] == [
        (OTHER, "open", 1),
        (NAME, "discarded", 1),
    ]
    assert (found[0].ended_ms, found[1].ended_ms is not None) == (None, True)
    (one,) = yes(plane.do("developer", imports.IMPORTS, name=NAME)).imports
    assert one.name == NAME
    assert yes(plane.do("developer", imports.IMPORTS, name="imp_" + "c" * 16)).imports == ()


def rows(plane: Plane, who: str = "developer", **wanted: Any):
    return yes(plane.do(who, credentials.LIST, **wanted)).credentials


def test_keys_are_listed_with_what_their_holders_call_them(plane):
    grant = plane.admit("applicant")
    plane.credential(grant, "own")
    yes(take(plane, text(grant, "a,blue,2099-01-31", "b,,")))
    yes(take(plane, text(grant, "c,red,"), part=1))
    assert {each.state for each in rows(plane)} == {"valid", "pending"}
    yes(plane.do("developer", imports.COMPLETE, name=NAME, count=3))
    yes(plane.do("applicant", credentials.REVOKE, credential=f"{NAME}.1"))
    seen = [(each.credential, each.label, each.state) for each in rows(plane)]
    assert seen[:3] == [
        (f"{NAME}.2", "red", "valid"),
        (f"{NAME}.1", None, "revoked"),
        (f"{NAME}.0", "blue", "valid"),
    ]
    assert rows(plane)[2].expires_ms is not None
    assert [each.label for each in rows(plane, "applicant")] == ["red", None, "blue", None]
    assert {each.label for each in rows(plane, "oncd")} == {None}


def test_a_list_goes_on_after_any_key(plane):
    first, second = plane.admit("applicant"), plane.admit("rival", "Example Grid")
    issued = plane.credential(first, "own").credential
    yes(take(plane, text(first, "a,,", "b,,") + "\n" + text(second, "c,,").split("\n")[1]))
    yes(take(plane, text(first, "d,,"), part=1))
    expected = [f"{NAME}.2", f"{NAME}.3", f"{NAME}.1", f"{NAME}.0", issued]
    found, before = [], None
    while True:
        page = yes(plane.do("developer", credentials.LIST, limit=1, before=before))
        found += [each.credential for each in page.credentials]
        before = page.next
        if before is None:
            break
    assert found == expected
    assert [each.credential for each in rows(plane, "rival")] == [f"{NAME}.2"]


def test_a_grant_counts_the_keys_that_can_be_used(plane):
    grant = plane.admit()
    yes(take(plane, text(grant, "a,,", "b,,")))

    def shown():
        (row,) = yes(plane.do("developer", grants.LIST)).grants
        return row.credentials, row.state

    assert shown() == (0, "approved")
    yes(plane.do("developer", imports.COMPLETE, name=NAME, count=2))
    yes(plane.do("developer", credentials.REVOKE, credential=f"{NAME}.0"))
    assert shown() == (1, "provisioned")
