"""A count over some customers is what a count over all says of them."""

from __future__ import annotations

from collections.abc import Iterator

from sluicegate.core.access import coverage
from sluicegate.core.access.coverage import Customers
from sluicegate.core.directives.cover import Cover
from sluicegate.core.lifecycle import State
from sluicegate.service.counting import customers, within_reach
from tests.unwalked import held, unwalked
from tests.vectors.acts import history
from tests.worlds import DAY_MS


def sizes() -> Iterator[State]:
    """The history of every act, after each entry about a directive."""
    state = State()
    unwalked(state)
    for entry in history().entries:
        state.apply(entry)
        if entry.type.startswith("directive."):
            yield state


def directives(state: State) -> list[Cover]:
    return [*state.table.directives.values(), *state.table.drills.values()]


def test_who_is_affected_is_within_reach() -> None:
    narrow = 0
    for state in sizes():
        for directive in directives(state):
            for now_ms in (state.at_ms, state.at_ms + 90 * DAY_MS):
                every = coverage.affected(state.table, directive, now_ms)
                among = within_reach(state, directive)
                assert coverage.affected(state.table, directive, now_ms, among) == every
                narrow += among.only is not None and bool(every)
    assert narrow


def test_who_is_named_is_found_without_going_through_all() -> None:
    for state in sizes():
        for directive in directives(state):
            among = within_reach(state, directive)
            if among.only is not None:
                with held():
                    coverage.affected(state.table, directive, state.at_ms, among)


def test_the_customers_of_an_asker_are_all_that_they_have() -> None:
    for state in sizes():
        for name in state.table.registry:
            rows = [each for each in state.table.credentials.values() if each.grant.organization == name]
            members = [each for each in state.table.people.values() if each.organization == name]
            own = Customers(rows.copy, members.copy, {name})
            for directive in directives(state):
                scanned = coverage.coverage(state.table, directive, (), state.at_ms, own)
                with held():
                    among = customers(state, {name})
                    found = coverage.coverage(state.table, directive, (), state.at_ms, among)
                assert found == scanned
