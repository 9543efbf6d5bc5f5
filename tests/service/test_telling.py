"""Whoever a directive affects is told once of it, and once of what becomes of it; nobody else is."""

from __future__ import annotations

import pytest

from sluicegate.acts import directives as acts
from sluicegate.service.telling import Telling
from sluicegate_record.directives.scope import Scope
from tests.fakes import Broken
from tests.plane import Plane, yes
from tests.service.test_subscriptions import subscribe, waiting
from tests.worlds import API, CODEX, COVERED, committed, directive, directive_value, opened_names


@pytest.fixture
def plane() -> Plane:
    """Two organizations with a key each, of two applicants."""
    plane = Plane()
    plane.opened()
    for who, name in (("applicant", "Example Utility"), ("rival", "Example Grid")):
        yes(plane.credential(plane.admit(who, name), f"key of {who}", who))
    return plane


def told(plane: Plane, subscription: str) -> list[object]:
    return [
        each["type"] for each in waiting(plane, subscription) if str(each["type"]).startswith("directive")
    ]


def lift(plane: Plane, name: str, **scope: list[str]) -> None:
    case = yes(plane.do("oncd", acts.LIFT, directive=name, scope=Scope.from_json(scope))).case
    yes(plane.say(case, "oncd"))


def amend(plane: Plane, name: str, organization: str) -> None:
    """A directive over everyone covers one organization from now on."""
    with plane.ledger.reading() as state:
        document = state.directives[name].document.digest
    value = directive_value(name, covers=committed([organization]))
    value["metadata"]["replaces"] = {"directive": name, "document": document}
    yes(plane.issue(directive(value), {COVERED: opened_names([organization])}))


def test_only_whom_it_covers_is_told_however_often_it_is_looked_at(plane):
    heard = {who: subscribe(plane, who) for who in ("applicant", "rival", "oncd", "developer")}
    plane.direct("d-1", ["Example Utility"])
    for telling in (Telling(plane.ledger), Telling(plane.ledger)):
        telling.tell(plane.size)
        telling.tell(plane.size)
    assert told(plane, heard["applicant"]) == ["directive.issued"]
    assert [told(plane, heard[who]) for who in ("rival", "oncd", "developer")] == [[], [], []]


def test_what_is_not_out_to_the_gateways_yet_is_told_later(plane):
    heard, telling = subscribe(plane, "applicant"), Telling(plane.ledger)
    size = plane.size
    plane.direct("d-1", ["Example Utility"])
    telling.tell(size)
    assert told(plane, heard) == []
    telling.tell(size + 1)
    assert told(plane, heard) == ["directive.issued"]


def test_what_is_told_names_the_directive_and_nobody(plane):
    heard = subscribe(plane, "applicant")
    plane.direct("d-1", ["Example Utility"])
    Telling(plane.ledger).tell(plane.size)
    (body,) = waiting(plane, heard)
    data = body["data"]
    assert isinstance(data, dict)
    assert set(data) == {"directive", "issuer", "basis", "action", "seq", "size"}
    assert data["directive"] == "d-1"


def test_whoever_was_told_is_told_of_a_part_and_of_the_end(plane):
    heard = {who: subscribe(plane, who) for who in ("applicant", "rival")}
    telling = Telling(plane.ledger)
    plane.direct("d-1", ["Example Utility"])
    telling.tell(plane.size)
    lift(plane, "d-1", surfaces=[CODEX])
    telling.tell(plane.size)
    lift(plane, "d-1")
    Telling(plane.ledger).tell(plane.size)  # after a restart
    assert told(plane, heard["applicant"]) == ["directive.issued", "directive.lifted", "directive.lifted"]
    assert told(plane, heard["rival"]) == []


def test_a_directive_that_spares_them_on_every_surface_tells_nobody(plane):
    heard = subscribe(plane, "applicant")
    plane.direct("d-1", surfaces=[CODEX])
    Telling(plane.ledger).tell(plane.size)
    assert told(plane, heard) == []
    plane.direct("d-2", surfaces=[API])
    Telling(plane.ledger).tell(plane.size)
    assert told(plane, heard) == ["directive.issued"]


def test_a_drill_is_told_to_nobody(plane):
    heard, value = subscribe(plane, "applicant"), directive_value("d-1")
    value["metadata"]["drill"] = True
    yes(plane.issue(directive(value)))
    Telling(plane.ledger).tell(plane.size)
    assert told(plane, heard) == []


def test_whom_an_amendment_frees_is_told_so_and_whom_it_still_covers_is_told_of_it(plane):
    heard = {who: subscribe(plane, who) for who in ("applicant", "rival")}
    telling = Telling(plane.ledger)
    plane.direct("d-1")
    telling.tell(plane.size)
    amend(plane, "d-1", "Example Grid")
    for each in (telling, Telling(plane.ledger)):
        each.tell(plane.size)
    assert told(plane, heard["applicant"]) == ["directive.issued", "directive.replaced"]
    assert told(plane, heard["rival"]) == ["directive.issued", "directive.issued"]


def test_one_entry_is_told_once_though_its_letter_has_arrived_and_is_gone(plane, monkeypatch):
    subscribe(plane, "rival")
    arrived, arrange = [], plane.ledger.arrange

    def deliver(*given, **named):
        answer = arrange(*given, **named)
        arrived.extend(plane.store.contents.waiting)
        plane.store.contents.waiting.clear()
        return answer

    monkeypatch.setattr(plane.ledger, "arrange", deliver)
    telling = Telling(plane.ledger)
    plane.direct("d-1")
    telling.tell(plane.size)
    amend(plane, "d-1", "Example Grid")
    telling.tell(plane.size)
    assert len(arrived) == len(set(arrived)) == 2


@pytest.mark.parametrize("breaks", ["before", "after"])
def test_a_broken_write_is_done_when_asked_again_and_once(plane, breaks):
    heard, telling = subscribe(plane, "applicant"), Telling(plane.ledger)
    plane.direct("d-1", ["Example Utility"])
    plane.store.breaks = breaks
    with pytest.raises(Broken):
        telling.tell(plane.size)
    telling.tell(plane.size)
    assert told(plane, heard) == ["directive.issued"]
