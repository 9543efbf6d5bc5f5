"""The list of a desk: each open case once, in order, whatever has changed it, and however many there are."""

from __future__ import annotations

import pytest

from sluicegate.desk import inbox, queue
from sluicegate.desk.inbox import ALL, ANSWERED, WAITING
from sluicegate.desk.queue import QueueFilter, QueuePage
from sluicegate_record.statements.keys import REVOKES
from tests import worlds
from tests.desk.conftest import Desk
from tests.plane import yes


def page(desk: Desk, **wanted: object) -> QueuePage:
    return queue.queue({"openai": desk.following}, {}, QueueFilter(**wanted))  # type: ignore[arg-type]


def ids(found: QueuePage) -> list[str]:
    return [row.case for row in found.rows]


def submitted(desk: Desk, number: int) -> list[str]:
    desk.plane.opened()
    return [desk.plane.submit(name=f"Example {each}").application for each in range(number)]


def test_its_pages_have_each_case_once_in_order(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "SHOWN_MAX", 2)
    known = submitted(desk, 5)
    desk.following.follow()
    found = page(desk)
    seen = [*found.rows]
    while found.more:
        found = page(desk, after=("openai", seen[-1].case))
        seen += found.rows
    assert [row.case for row in seen] == sorted(known)
    assert {row.what.partition(" for ")[0] for row in seen} == {f"“Example {each}”" for each in range(5)}


@pytest.mark.parametrize("few", [1, 500])
def test_a_case_is_found_by_its_name_once_that_is_shown_and_by_its_id(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(inbox, "FEW", few)
    first, second = submitted(desk, 2)
    desk.following.catch_up()
    assert ids(page(desk, text="example 1")) == []
    assert ids(page(desk, text=first.upper())) == [first]
    desk.following.follow()
    assert ids(page(desk, text="example 1")) == [second]
    upper, lower = sorted((first, second))
    assert ids(page(desk, text="example")) == [upper, lower]
    assert ids(page(desk, text="example", after=("openai", upper))) == [lower]
    assert ids(page(desk, text="nothing has this")) == []
    assert ids(page(desk, text="example 3")) == ids(page(desk, text="zq")) == []


def test_a_case_moves_when_something_else_than_an_entry_about_it_changes_it(desk: Desk) -> None:
    case = desk.asked()
    desk.plane.say(case, "ostp")
    desk.following.follow()
    assert ids(page(desk, state=ANSWERED)) == [case]
    end = worlds.ending(REVOKES, "ostp", "ostp", "ostp", "ostp", since=0)
    yes(desk.plane.ledger.execute(end, by="ostp", command_id="end"))
    desk.following.follow()
    assert ids(page(desk, state=ANSWERED)) == []
    assert ids(page(desk, state=WAITING)) == ids(page(desk, state=ALL)) == [case]


def test_a_case_that_was_decided_is_not_in_it(desk: Desk) -> None:
    case = desk.asked()
    assert queue.summary({"openai": desk.following}, {}) == (
        "1 case waits for your agency. 1 case has changed since you last looked."
    )
    seen = {("openai", case): desk.following.size}
    assert queue.summary({"openai": desk.following}, seen).endswith(
        "0 cases have changed since you last looked."
    )
    for agency in ("oncd", "ostp"):
        desk.plane.say(case, agency)
    desk.following.follow()
    assert case not in desk.following.open
    assert ids(page(desk, state=ALL, text=case)) == []
    assert queue.summary({"openai": desk.following}, seen) == "No case asks your agency now."
