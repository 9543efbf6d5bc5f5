"""The developer's own people, by command line alone: they apply, and the June order covers them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.timed import WHERE, TimedPlane, timed_plane
from tests.worlds import OFFICER

STAFF = "name: Example Lab\nregisteredIn: US\nkind: staff\nintendedUse: research on safety\n"
ORDER = """\
apiVersion: sluicegate/v1
kind: Directive
metadata: {{name: {name}}}
spec:
  issuer: oncd
  basis: {{kind: order, authority: a letter of 12 June}}
  action: suspend
  models: [gpt-5.6]
  surfaces: all
  covers: {{persons: {{definition: ear-foreign-person, unknown: covered}}}}
  reasons: {{form: verbal}}
"""


@pytest.fixture
def plane(cli, tmp_path) -> Iterator[TimedPlane]:
    with timed_plane(cli, tmp_path) as made:
        made.answer("stage", "open", "gpt-5.6", "trusted-partners", "--key", made.key(OFFICER))
        yield made


def submits(plane: TimedPlane, text: str = STAFF) -> tuple[object, ...]:
    return "application", "submit", *WHERE, "--organization", plane.file("staff.yaml", text)


def covered(plane: TimedPlane, name: str, more: str = "") -> list[Any]:
    text = ORDER.format(name=name) + more
    told = plane.answer("directive", "preview", plane.file("order.yaml", text))
    return [(each["sector"], each["covered"]["credentials"]) for each in told["organizations"]]


def test_the_order_covers_them_as_everyone_and_a_later_one_excepts_them_by_name(plane):
    case = plane.answer(*submits(plane))["application"]
    plane.answer(*plane.screening(case))
    for agency in ("oncd", "ostp"):
        plane.say(case, agency)
    grant = plane.answer("application", "show", case)["grant"]["grant"]
    plane.answer("credential", "issue", "--grant", grant)
    _, other = plane.admit("Example Utility")
    plane.answer("credential", "issue", "--grant", other, by="applicant")
    assert sorted(covered(plane, "june"), key=str) == [("staff", 1), (None, 1)]
    assert covered(plane, "later", "  except: {organizations: [Example Lab]}\n") == [(None, 1)]
    order = plane.file("order.yaml", ORDER.format(name="june"))
    assert "[staff]: 1" in plane.text("directive", "preview", order)


def test_only_the_developer_says_who_its_own_people_are(plane):
    assert plane.error(*submits(plane), by="applicant")["code"] == "not_staff"
    saved = plane.answer(*submits(plane), "--draft", by="applicant")["draft"]
    assert plane.error("application", "send", saved, by="applicant")["code"] == "not_staff"
    _, grant = plane.admit("Example Utility")
    amend = ("application", "amend", grant, "--organization", plane.file("staff.yaml", STAFF))
    assert plane.error(*amend, by="applicant")["code"] == "not_staff"


def test_they_have_no_sector(plane):
    told = plane.error(*submits(plane, STAFF + "sector: government\n"))
    assert told["code"] == "invalid_document"
    assert [each["expected"] for each in told["at"]] == ["no sector for the kind 'staff'"]
