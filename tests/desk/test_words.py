"""What a reviewer signs, in words: all of it, and none of the words are of someone else."""

from __future__ import annotations

import pytest

from sluicegate.acts import directives
from sluicegate.desk import casepage, people, sentences, statements
from sluicegate.desk.checking import ReadCase
from sluicegate.errors import InvalidInput
from sluicegate.statements.cases import Review
from sluicegate.statements.kind import UnsignedStatement
from sluicegate_record.directives.scope import CommittedNames, Scope
from sluicegate_record.log import times
from tests import worlds
from tests.desk.conftest import Desk
from tests.plane import yes

SAYS_MORE = "Example” for gpt-5.6. You object to “Rival"
QUOTED = "“Example\u2019 for gpt-5.6. You object to \u2018Rival”"


@pytest.fixture(autouse=True)
def _signed_when_the_log_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(int(desk.plane.wall())))


def _read(desk: Desk, case: str) -> ReadCase:
    desk.following.follow()
    found = desk.following.read(case)
    assert found is not None
    return found


def _said(desk: Desk, stated: UnsignedStatement, *reads: ReadCase) -> list[str]:
    made = statements.stated_in(statements.prepared(desk.following, stated, people.principal_of("anna")))
    by_case = {each.case.id: each for each in reads}
    with desk.following.lock:
        return list(sentences.statement(desk.following.record, by_case, made, int(desk.plane.wall())))


def test_what_others_wrote_stands_in_quotes_that_it_cannot_end(desk: Desk) -> None:
    value = worlds.plan_value()
    value["metadata"]["title"] = SAYS_MORE
    desk.plane.opened(value)
    read = _read(desk, desk.plane.submit(name=SAYS_MORE).application)
    said = _said(desk, statements.position(desk.following, read, Review("approve", SAYS_MORE)), read)
    assert said[0].startswith(f"You approve {QUOTED} for {QUOTED} on the surface api until ")
    assert said[1] == f"Your reason will be public: {QUOTED}"
    said = _said(desk, statements.receipt(desk.following, read), read)
    assert said[0].endswith(f"the case about {QUOTED} for {QUOTED} on the surface api.")


def test_a_concern_and_a_condition_stand_in_quotes_too(desk: Desk) -> None:
    desk.plane.opened()
    read = _read(desk, desk.plane.submit().application)
    objects = statements.position(desk.following, read, Review("object", "no", concern=SAYS_MORE[:40]))
    assert f"Your objection is about {QUOTED[:41]}”." in _said(desk, objects, read)
    stated = {
        name: {"value": value, "declared": True} for name, value in (("mfa", True), ("where", SAYS_MORE))
    }
    agrees = statements.position(
        desk.following, read, Review("approve-with-conditions", "", {**stated, "validFor": "P30D"})
    )
    [said] = [each for each in _said(desk, agrees, read) if each.startswith("Your conditions")]
    assert "mfa yes (declared: agreed to, not enforced)" in said
    assert f"where {QUOTED} (declared" in said
    assert "valid for 30 days" in said


def test_a_schedule_says_all_that_it_says_in_each_case(desk: Desk) -> None:
    first = _read(desk, desk.asked())
    desk.plane.say(first.case.id, "ostp", "abstain")
    other = desk.plane.submit("rival", "Example Rival").application
    reads = [_read(desk, first.case.id), _read(desk, other)]
    said = _said(desk, statements.schedule(desk.following, reads, Review("object", "no")), *reads)
    assert said[1].startswith("You object to “Example Utility”")
    assert said[2] == "It takes the place of what your agency said in this case before."
    assert said[3].startswith("You object to “Example Rival”")
    assert said[4:] == ["Your reason will be public: “no”"]
    with pytest.raises(InvalidInput, match="no concern"):
        statements.schedule(desk.following, reads, Review("object", "no", concern="cyber"))


def test_a_lift_says_which_part_and_asks_no_applicant(desk: Desk) -> None:
    desk.plane.opened(worlds.plan_value(models=("gpt-5.5", "gpt-5.6")))
    desk.plane.submit()
    yes(desk.plane.direct("two", models=["gpt-5.5", "gpt-5.6"], liftedBy={"allOf": ["ostp"]}))
    names = worlds.opened_names(["Example Utility"])
    scope = Scope(
        models=("gpt-5.5",),
        surfaces=("api",),
        organizations=CommittedNames(count=1, commitment=names.commitment("sealed", "lift.organizations")),
    )
    asked = yes(desk.plane.do("ostp", directives.LIFT, directive="two", scope=scope, opened=names))
    read = _read(desk, asked.case)
    part = "directive two for gpt-5.5, on the surface api, for 1 organization only"
    said = _said(desk, statements.position(desk.following, read, Review("approve", "")), read)
    assert said[:2] == [f"You approve the lifting of {part}.", "It is for “Example Utility”."]
    page = casepage.case_page(desk.following, read, None, int(desk.plane.wall()))
    assert page.title == f"The lifting of {part}"
    only = part.removeprefix("directive two ")
    assert page.asks == f"Should this directive be lifted {only}? It is for “Example Utility”."
    assert {"ask", "approve-with-conditions"}.isdisjoint(each.word for each in page.steps)
    assert {"approve", "object", "abstain"} <= {each.word for each in page.steps}
    assert page.history[0].words.endswith(part.replace("directive two", "lift of two"))
